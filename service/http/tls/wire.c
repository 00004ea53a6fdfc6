#include "service/http/tls/wire.h"

#include <errno.h>
#include <openssl/bio.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

/*
 * Design notes
 *
 * OpenSSL makes room for a whole ClientHello, of up to 128 KiB, as soon as its length is announced, and keeps it until the
 * handshake is over or times out. A thousand strangers who announce and send no more would hold 128 MiB. So the length is
 * looked at here, as the bytes come in, and one that is larger than any client's ends the connection. The other messages
 * of a handshake have lower limits in OpenSSL.
 *
 * Until the handshake is over OpenSSL reads record by record (no read-ahead), so that whatever came before has been
 * understood when the next record's bytes pass here: that tells a second ClientHello, which TLS 1.3 may ask for, from TLS
 * 1.2's encrypted end of a handshake, which looks alike.
 */

enum {
	HELLO_BYTES_MAX = 16 * 1024,
	RECORD_HEADER_BYTES = 5,
	MESSAGE_HEADER_BYTES = 4,
	CHANGE_CIPHER_SPEC = 20,
	HANDSHAKE = 22,
	CLIENT_HELLO = 1,
};

struct wire {
	int fd;
	SSL *ssl;
	unsigned reads_left;
	bool watching, refused;
	uint8_t header[RECORD_HEADER_BYTES];
	uint8_t message[MESSAGE_HEADER_BYTES];
	unsigned header_got, message_got; /* bytes of the headers that came */
	size_t record_left, message_left;
};

/* A header of a message of the handshake is complete. */
static void look_at_message(struct wire *wire)
{
	wire->message_left = (size_t)wire->message[1] << 16 | (size_t)wire->message[2] << 8 | wire->message[3];
	wire->message_got = 0;
	if (wire->message[0] == CLIENT_HELLO && wire->message_left > HELLO_BYTES_MAX)
		wire->refused = true;
}

/* Bytes of a record of the handshake; returns how many were used. */
static size_t look_at_handshake(struct wire *wire, const uint8_t *bytes, size_t length)
{
	size_t used;

	if (wire->message_left == 0) {
		wire->message[wire->message_got++] = *bytes;
		if (wire->message_got == MESSAGE_HEADER_BYTES)
			look_at_message(wire);
		return 1;
	}
	used = length < wire->message_left ? length : wire->message_left;
	wire->message_left -= used;
	return used;
}

/* A header of a record is complete. From the first that is encrypted on there is nothing to see. */
static void look_at_record(struct wire *wire)
{
	const unsigned type = wire->header[0];

	wire->record_left = (size_t)wire->header[3] << 8 | wire->header[4];
	wire->header_got = 0;
	wire->watching = type == HANDSHAKE || (type == CHANGE_CIPHER_SPEC && SSL_version(wire->ssl) == TLS1_3_VERSION);
}

static void look(struct wire *wire, const uint8_t *bytes, size_t length)
{
	while (length > 0 && wire->watching && !wire->refused) {
		size_t used = 1;

		if (wire->record_left == 0) {
			wire->header[wire->header_got++] = *bytes;
			if (wire->header_got == RECORD_HEADER_BYTES)
				look_at_record(wire);
		} else {
			const size_t here = length < wire->record_left ? length : wire->record_left;

			used = wire->header[0] == HANDSHAKE ? look_at_handshake(wire, bytes, here) : here;
			wire->record_left -= used;
		}
		bytes += used;
		length -= used;
	}
}

/* ---- as a BIO ---- */

static bool wants_another_time(int reason)
{
	return reason == EAGAIN || reason == EWOULDBLOCK || reason == EINTR;
}

static ssize_t receive(struct wire *wire, char *bytes, size_t size)
{
	if (wire->reads_left == 0) {
		errno = EAGAIN;
		return -1;
	}
	wire->reads_left--;
	return recv(wire->fd, bytes, size, 0);
}

static int wire_read(BIO *bio, char *bytes, size_t size, size_t *length)
{
	struct wire *wire = BIO_get_data(bio);
	const ssize_t got = wire->refused ? 0 : receive(wire, bytes, size);

	BIO_clear_retry_flags(bio);
	*length = got > 0 ? (size_t)got : 0;
	if (got < 0 && wants_another_time(errno))
		BIO_set_retry_read(bio);
	if (got > 0 && wire->watching)
		look(wire, (const uint8_t *)bytes, *length);
	return got > 0 && !wire->refused;
}

static int wire_write(BIO *bio, const char *bytes, size_t size, size_t *length)
{
	struct wire *wire = BIO_get_data(bio);
	const ssize_t sent = send(wire->fd, bytes, size, MSG_NOSIGNAL);

	BIO_clear_retry_flags(bio);
	*length = sent > 0 ? (size_t)sent : 0;
	if (sent < 0 && wants_another_time(errno))
		BIO_set_retry_write(bio);
	return sent > 0;
}

static long wire_control(BIO *bio, int command, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return command == BIO_CTRL_FLUSH;
}

static int wire_free(BIO *bio)
{
	free(BIO_get_data(bio));
	BIO_set_data(bio, NULL);
	return 1;
}

static BIO_METHOD *method;

static void make_method(void)
{
	method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "leadfit socket");
	if (method == NULL)
		return;
	BIO_meth_set_read_ex(method, wire_read);
	BIO_meth_set_write_ex(method, wire_write);
	BIO_meth_set_ctrl(method, wire_control);
	BIO_meth_set_destroy(method, wire_free);
}

bool lf_http_wire_attach(SSL *ssl, int fd)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct wire *wire;
	BIO *bio;

	pthread_once(&once, make_method);
	bio = method != NULL ? BIO_new(method) : NULL;
	wire = calloc(1, sizeof(*wire));
	if (bio == NULL || wire == NULL) {
		BIO_free(bio);
		free(wire);
		return false;
	}
	*wire = (struct wire){.fd = fd, .ssl = ssl, .watching = true};
	BIO_set_data(bio, wire);
	BIO_set_init(bio, 1);
	SSL_set_bio(ssl, bio, bio);
	SSL_set_read_ahead(ssl, 0);
	return true;
}

void lf_http_wire_allow(SSL *ssl)
{
	struct wire *wire = BIO_get_data(SSL_get_rbio(ssl));

	wire->reads_left = LF_HTTP_WIRE_READS;
}

void lf_http_wire_done(SSL *ssl)
{
	struct wire *wire = BIO_get_data(SSL_get_rbio(ssl));

	wire->watching = false;
	SSL_set_read_ahead(ssl, 1);
}
