#include "service/http/tls.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "service/http/tls/client_names.h"
#include "service/http/internal.h"
#include "service/http/tls/wire.h"

/* A connection's io_state. */
struct state {
	SSL *ssl;
	bool shaken; /* the handshake is over */
	bool failed; /* nothing may be said any more */
	bool said;   /* close_notify */
	bool more;   /* the last read was ended by its room: there may be bytes that the socket doesn't know of */
};

/* What a step that did not succeed comes to. A step of the handshake, or a read, may have to write something first. */
static int outcome(struct lf_http_conn *conn, struct state *state, int rc)
{
	const int why = SSL_get_error(state->ssl, rc);

	ERR_clear_error();
	conn->wants_write = why == SSL_ERROR_WANT_WRITE;
	switch (why) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return LF_HTTP_IO_AGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return LF_HTTP_IO_END;
	default:
		/* A connection that ends without close_notify is one of these: what was to come may have been cut off. */
		state->failed = true;
		return LF_HTTP_IO_FAILED;
	}
}

/* ---- the handshake ---- */

static enum lf_http_alpn alpn_of(const SSL *ssl)
{
	const unsigned char *name = NULL;
	unsigned length = 0;

	SSL_get0_alpn_selected(ssl, &name, &length);
	if (length == 2 && memcmp(name, "h2", 2) == 0)
		return LF_HTTP_ALPN_H2;
	return length == 0 ? LF_HTTP_ALPN_NONE : LF_HTTP_ALPN_H1;
}

static int shake(struct lf_http_conn *conn)
{
	struct state *state = conn->io_state;
	int rc;

	ERR_clear_error();
	lf_http_wire_allow(state->ssl);
	rc = SSL_accept(state->ssl);
	if (rc != 1)
		return outcome(conn, state, rc) == LF_HTTP_IO_AGAIN ? LF_HTTP_IO_AGAIN : LF_HTTP_IO_FAILED;
	lf_http_wire_done(state->ssl);
	state->shaken = true;
	conn->wants_write = false;
	conn->alpn = alpn_of(state->ssl);
	conn->peer.names = lf_http_client_names(state->ssl);
	return 1;
}

/* ---- bytes ---- */

/* As many records as there is room for: SSL_read() gives one at a time. */
static ssize_t read_some(struct lf_http_conn *conn, void *bytes, size_t room)
{
	struct state *state = conn->io_state;
	size_t all = 0, got;

	ERR_clear_error();
	lf_http_wire_allow(state->ssl);
	state->more = false;
	conn->wants_write = false;
	while (all < room) {
		const int rc = SSL_read_ex(state->ssl, (char *)bytes + all, room - all, &got);

		if (rc != 1) {
			const int why = outcome(conn, state, rc);

			return all > 0 ? (ssize_t)all : why; /* an end, or a failure, comes again */
		}
		all += got;
	}
	state->more = true;
	return (ssize_t)all;
}

static ssize_t write_some(struct lf_http_conn *conn, const void *bytes, size_t length)
{
	struct state *state = conn->io_state;
	size_t all = 0, put;

	ERR_clear_error();
	while (all < length) {
		const int rc = SSL_write_ex(state->ssl, (const char *)bytes + all, length - all, &put);

		if (rc != 1) {
			const bool reading_waits = conn->wants_write;
			const int why = outcome(conn, state, rc);

			conn->wants_write = reading_waits; /* that it can't write is no news */
			if (all > 0)
				return (ssize_t)all;
			return why == LF_HTTP_IO_AGAIN ? LF_HTTP_IO_AGAIN : LF_HTTP_IO_FAILED;
		}
		all += put;
	}
	return (ssize_t)all;
}

static bool has_more(const struct lf_http_conn *conn)
{
	const struct state *state = conn->io_state;

	return state->more;
}

/* close_notify, once. The peer's is not waited for. */
static void notify(struct state *state)
{
	ERR_clear_error();
	if (state->shaken && !state->failed && !state->said)
		SSL_shutdown(state->ssl);
	state->said = true;
	ERR_clear_error();
}

static void say_goodbye(struct lf_http_conn *conn)
{
	notify(conn->io_state);
	shutdown(conn->watch.fd, SHUT_WR);
}

static void clean_up(struct lf_http_conn *conn)
{
	struct state *state = conn->io_state;

	if (state == NULL)
		return;
	notify(state);
	SSL_free(state->ssl);
	free(state);
	conn->io_state = NULL;
}

static const struct lf_http_io tls_io = {.handshake = shake,
	.read = read_some,
	.write = write_some,
	.pending = has_more,
	.bye = say_goodbye,
	.close = clean_up};

bool lf_http_tls_begin(struct lf_http_conn *conn)
{
	struct lf_http_tls *tls = conn->http->tls;
	struct state *state = calloc(1, sizeof(*state));

	if (state == NULL)
		return false;
	pthread_mutex_lock(&tls->lock);
	state->ssl = lf_http_certificate_connection(tls->certificate);
	pthread_mutex_unlock(&tls->lock);
	if (state->ssl == NULL || !lf_http_wire_attach(state->ssl, conn->watch.fd)) {
		ERR_clear_error();
		SSL_free(state->ssl);
		free(state);
		return false;
	}
	conn->io = &tls_io;
	conn->io_state = state;
	conn->is_tls = true;
	return true;
}

/* ---- what connections are made with ---- */

struct lf_http_tls *lf_http_tls_new(struct lf_http_certificate *certificate)
{
	struct lf_http_tls *tls = calloc(1, sizeof(*tls));

	if (tls == NULL || pthread_mutex_init(&tls->lock, NULL) != 0) {
		free(tls);
		return NULL;
	}
	tls->certificate = lf_http_certificate_hold(certificate);
	return tls;
}

void lf_http_tls_free(struct lf_http_tls *tls)
{
	if (tls == NULL)
		return;
	lf_http_certificate_release(tls->certificate);
	pthread_mutex_destroy(&tls->lock);
	free(tls);
}

void lf_http_set_certificate(struct lf_http *http, struct lf_http_certificate *certificate)
{
	struct lf_http_tls *tls = http->tls;
	struct lf_http_certificate *old;

	pthread_mutex_lock(&tls->lock);
	old = tls->certificate;
	tls->certificate = lf_http_certificate_hold(certificate);
	pthread_mutex_unlock(&tls->lock);
	lf_http_certificate_release(old);
}

int64_t lf_http_certificate_until(const struct lf_http *http)
{
	struct lf_http_tls *tls = http->tls;
	int64_t until;

	if (tls == NULL)
		return 0;
	pthread_mutex_lock(&tls->lock);
	until = (int64_t)lf_http_certificate_expiry(tls->certificate);
	pthread_mutex_unlock(&tls->lock);
	return until;
}
