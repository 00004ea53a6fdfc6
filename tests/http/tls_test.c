/* TLS of a connection, as the loop would use it: a socket pair with OpenSSL's client at the other end. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <malloc.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "service/http/internal.h"
#include "service/http/tls.h"
#include "tests/http/certificates.h"

static char folder[] = "/tmp/lf-tls-XXXXXX";
static struct identity ca, server, renewed, foreign_ca;
static struct lf_http http;

/* ---- both ends ---- */

struct pair {
	struct lf_http_conn conn;
	SSL_CTX *context; /* the client's */
	SSL *client;
	int fd;
};

static void pair_open_sockets(struct pair *pair)
{
	int fds[2];

	memset(pair, 0, sizeof(*pair));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	pair->conn.http = &http;
	pair->conn.watch.fd = fds[0];
	pair->fd = fds[1];
	assert_true(lf_http_tls_begin(&pair->conn));
	assert_true(pair->conn.is_tls);
}

static void pair_open(struct pair *pair)
{
	pair_open_sockets(pair);
	pair->context = SSL_CTX_new(TLS_client_method());
	assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(pair->context), ca.certificate), 1);
	SSL_CTX_set_verify(pair->context, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(pair->context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	pair->client = SSL_new(pair->context);
	SSL_set_fd(pair->client, pair->fd);
	SSL_set_connect_state(pair->client);
}

static void pair_close(struct pair *pair)
{
	if (pair->conn.io_state != NULL)
		pair->conn.io->close(&pair->conn);
	assert_null(pair->conn.io_state);
	lf_rpc_names_release(pair->conn.peer.names);
	close(pair->conn.watch.fd);
	SSL_free(pair->client);
	SSL_CTX_free(pair->context);
	close(pair->fd);
	ERR_clear_error();
}

/* Both sides in turns. 1, or how the service's side ended. */
static int pair_shake(struct pair *pair)
{
	int ours = LF_HTTP_IO_AGAIN, theirs = -1;

	for (int i = 0; i < 100 && (ours == LF_HTTP_IO_AGAIN || theirs != 1); i++) {
		if (theirs != 1)
			theirs = SSL_do_handshake(pair->client);
		if (theirs != 1 && SSL_get_error(pair->client, theirs) != SSL_ERROR_WANT_READ && ours == 1)
			return LF_HTTP_IO_FAILED;
		if (ours == LF_HTTP_IO_AGAIN)
			ours = pair->conn.io->handshake(&pair->conn);
		if (ours == LF_HTTP_IO_FAILED)
			break;
	}
	if (theirs != 1)
		SSL_do_handshake(pair->client); /* it reads the alert */
	return ours;
}

static void pair_connect(struct pair *pair)
{
	pair_open(pair);
	assert_int_equal(pair_shake(pair), 1);
}

static void offer(struct pair *pair, const char *protocols)
{
	assert_int_equal(
		SSL_set_alpn_protos(pair->client, (const unsigned char *)protocols, (unsigned)strlen(protocols)), 0);
}

/* The alert that the client got last. */
static int alert(void)
{
	return ERR_GET_REASON(ERR_peek_last_error());
}

/* ---- the handshake ---- */

static void alpn_decides_and_nothing_in_common_is_a_fatal_alert(void **state)
{
	static const struct {
		const char *offered;
		enum lf_http_alpn alpn;
	} CASES[] = {{"\2h2", LF_HTTP_ALPN_H2}, {"\10http/1.1", LF_HTTP_ALPN_H1}, {"\10http/1.1\2h2", LF_HTTP_ALPN_H2},
		{"\2h3\2h2", LF_HTTP_ALPN_H2}, {"", LF_HTTP_ALPN_NONE}};
	struct pair pair;

	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		pair_open(&pair);
		if (*CASES[i].offered != '\0')
			offer(&pair, CASES[i].offered);
		assert_int_equal(pair_shake(&pair), 1);
		assert_int_equal(pair.conn.alpn, CASES[i].alpn);
		assert_null(pair.conn.peer.names);
		pair_close(&pair);
	}
	pair_open(&pair);
	offer(&pair, "\2h3\6spdy/3");
	assert_int_equal(pair_shake(&pair), LF_HTTP_IO_FAILED);
	assert_int_equal(alert(), SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL);
	pair_close(&pair);
}

static void versions_1_2_and_1_3_are_spoken_and_no_older_ones(void **state)
{
	static const int SPOKEN[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	struct pair pair;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		pair_open(&pair);
		SSL_set_min_proto_version(pair.client, SPOKEN[i]);
		SSL_set_max_proto_version(pair.client, SPOKEN[i]);
		assert_int_equal(pair_shake(&pair), 1);
		assert_int_equal(SSL_version(pair.client), SPOKEN[i]);
		pair_close(&pair);
	}
	pair_open(&pair);
	SSL_set_security_level(pair.client, 0);
	SSL_set_min_proto_version(pair.client, TLS1_1_VERSION);
	SSL_set_max_proto_version(pair.client, TLS1_1_VERSION);
	assert_int_equal(SSL_set_cipher_list(pair.client, "ALL:@SECLEVEL=0"), 1);
	assert_int_equal(pair_shake(&pair), LF_HTTP_IO_FAILED);
	assert_int_equal(alert(), SSL_R_TLSV1_ALERT_PROTOCOL_VERSION);
	pair_close(&pair);
}

static void ciphers_without_forward_secrecy_or_aead_are_refused(void **state)
{
	static const char *const CIPHERS[] = {"AES128-SHA", "AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256"};

	(void)state;
	for (size_t i = 0; i < sizeof(CIPHERS) / sizeof(CIPHERS[0]); i++) {
		struct pair pair;

		pair_open(&pair);
		SSL_set_max_proto_version(pair.client, TLS1_2_VERSION);
		assert_int_equal(SSL_set_cipher_list(pair.client, CIPHERS[i]), 1);
		assert_int_equal(pair_shake(&pair), LF_HTTP_IO_FAILED);
		pair_close(&pair);
	}
}

static void a_client_that_asks_to_negotiate_anew_is_refused_and_the_connection_goes_on(void **state)
{
	struct pair pair;
	char byte;

	(void)state;
	pair_open(&pair);
	SSL_set_max_proto_version(pair.client, TLS1_2_VERSION);
	assert_int_equal(pair_shake(&pair), 1);
	assert_int_equal(SSL_renegotiate(pair.client), 1);
	assert_int_not_equal(SSL_do_handshake(pair.client), 1);
	assert_int_equal(pair.conn.io->read(&pair.conn, &byte, 1), LF_HTTP_IO_AGAIN);
	assert_int_not_equal(SSL_do_handshake(pair.client), 1);
	pair_close(&pair);
}

/* What is no TLS, or is broken, ends the handshake; what is not whole waits. */
static void bytes_that_are_no_handshake_end_it(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
		int outcome;
	} CASES[] = {
		{"", 0, LF_HTTP_IO_AGAIN},
		{"\x16", 1, LF_HTTP_IO_AGAIN},
		{"\x16\3\1\1\0\1\0\0", 8, LF_HTTP_IO_AGAIN},
		{"\x16\3\1\0\4\1\0\x40\0", 9, LF_HTTP_IO_AGAIN},  /* a ClientHello of 16 KiB: there might be one */
		{"\x16\3\1\0\4\1\0\x40\1", 9, LF_HTTP_IO_FAILED}, /* larger than any */
		{"\x16\3\1\0\4\1\1\0\0", 9, LF_HTTP_IO_FAILED},   /* 64 KiB */
		{"\x16\3\1\0\2\1\0\x16\3\1\0\2\x40\1", 14, LF_HTTP_IO_FAILED}, /* in two records */
		{"\x16\3\1\0\4\2\0\0\0", 9, LF_HTTP_IO_FAILED},                /* a ServerHello */
		{"\x16\3\1\0\0", 5, LF_HTTP_IO_AGAIN},                         /* an empty record: a few are allowed */
		{"\x16\3\1\x7f\xff", 5, LF_HTTP_IO_FAILED},                    /* a record that is too long */
		{"\x16garbage garbage garbage", 24, LF_HTTP_IO_FAILED},
		{"\x17\3\3\0\1\0", 6, LF_HTTP_IO_FAILED},
		{"GET / HTTP/1.1\r\n", 16, LF_HTTP_IO_FAILED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		struct pair pair;
		int outcome = LF_HTTP_IO_AGAIN;

		pair_open_sockets(&pair);
		assert_int_equal(write(pair.fd, CASES[i].bytes, CASES[i].length), CASES[i].length);
		for (int step = 0; step < 4 && outcome == LF_HTTP_IO_AGAIN; step++)
			outcome = pair.conn.io->handshake(&pair.conn);
		if (outcome != CASES[i].outcome)
			fail_msg("case %zu: %d", i, outcome);
		assert_false(pair.conn.wants_write);
		pair_close(&pair);
	}
}

/* TLS 1.3 asks for another ClientHello, where the first one has no key of a group that the service takes. */
static void ask_again(struct pair *pair)
{
	assert_int_equal(SSL_set1_groups_list(*(SSL **)pair->conn.io_state, "P-256"), 1);
	assert_int_equal(SSL_set1_groups_list(pair->client, "X25519:P-256"), 1);
}

static void a_second_hello_is_watched_like_the_first(void **state)
{
	static const uint8_t LARGE[] = {0x16, 3, 3, 0, 4, 1, 1, 0, 0};
	struct pair pair;

	(void)state;
	pair_open(&pair);
	ask_again(&pair);
	assert_int_equal(pair_shake(&pair), 1);
	pair_close(&pair);
	for (int changed = 0; changed < 2; changed++) {
		pair_open(&pair);
		ask_again(&pair);
		assert_int_not_equal(SSL_do_handshake(pair.client), 1);
		assert_int_equal(pair.conn.io->handshake(&pair.conn), LF_HTTP_IO_AGAIN);
		if (changed) /* as clients send it, for old proxies */
			assert_int_equal(write(pair.fd, "\x14\3\3\0\1\1", 6), 6);
		assert_int_equal(write(pair.fd, LARGE, sizeof(LARGE)), sizeof(LARGE));
		assert_int_equal(pair.conn.io->handshake(&pair.conn), LF_HTTP_IO_FAILED);
		pair_close(&pair);
	}
}

/* ---- bytes ---- */

static uint8_t byte_at(size_t i)
{
	return (uint8_t)(i * 7 + i / 251);
}

/* Everything arrives, in order, whatever pieces it is read and written in. */
static void bytes_arrive_as_they_were_sent(void **state)
{
	enum { ALL = 1024 * 1024 };
	static uint8_t sent[ALL], got[ALL];
	struct pair pair;

	(void)state;
	for (size_t i = 0; i < ALL; i++)
		sent[i] = byte_at(i);
	pair_connect(&pair);
	for (size_t out = 0, in = 0; in < ALL;) {
		size_t n;
		ssize_t r;

		if (out < ALL && SSL_write_ex(pair.client, sent + out, ALL - out < 50000 ? ALL - out : 50000, &n) == 1)
			out += n;
		r = pair.conn.io->read(&pair.conn, got + in, ALL - in < 40000 ? ALL - in : 40000);
		assert_true(r > 0 || r == LF_HTTP_IO_AGAIN);
		in += r > 0 ? (size_t)r : 0;
	}
	assert_memory_equal(sent, got, ALL);
	memset(got, 0, ALL);
	for (size_t out = 0, in = 0; in < ALL;) {
		size_t n;
		ssize_t r = LF_HTTP_IO_AGAIN;
		uint8_t *moved = malloc(ALL - out + 1); /* as a connection's output moves */

		memcpy(moved, sent + out, ALL - out);
		if (out < ALL)
			r = pair.conn.io->write(&pair.conn, moved, ALL - out);
		free(moved);
		assert_true(r > 0 || r == LF_HTTP_IO_AGAIN);
		assert_false(pair.conn.wants_write);
		out += r > 0 ? (size_t)r : 0;
		while (in < ALL && SSL_read_ex(pair.client, got + in, ALL - in, &n) == 1)
			in += n;
	}
	assert_memory_equal(sent, got, ALL);
	pair_close(&pair);
}

static void what_the_socket_does_not_know_of_is_pending(void **state)
{
	uint8_t bytes[3000] = {1}, got[1000];
	struct pair pair;
	size_t n;

	(void)state;
	pair_connect(&pair);
	for (int i = 0; i < 2; i++)
		assert_int_equal(SSL_write_ex(pair.client, bytes, sizeof(bytes), &n), 1);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(pair.conn.io->read(&pair.conn, got, sizeof(got)), sizeof(got));
		assert_true(pair.conn.io->pending(&pair.conn));
	}
	assert_int_equal(pair.conn.io->read(&pair.conn, got, sizeof(got)), LF_HTTP_IO_AGAIN);
	assert_false(pair.conn.io->pending(&pair.conn));
	/* Half a record is nothing that can be read. */
	assert_int_equal(write(pair.fd, "\x17\3\3\0\x40", 5), 5);
	assert_int_equal(pair.conn.io->read(&pair.conn, got, sizeof(got)), LF_HTTP_IO_AGAIN);
	assert_false(pair.conn.io->pending(&pair.conn));
	pair_close(&pair);
}

static void an_end_is_told_from_a_connection_that_was_cut(void **state)
{
	struct pair pair;
	size_t n;
	char got[8];

	(void)state;
	pair_connect(&pair);
	assert_int_equal(SSL_write_ex(pair.client, "last", 4, &n), 1);
	SSL_shutdown(pair.client);
	assert_int_equal(pair.conn.io->read(&pair.conn, got, sizeof(got)), 4);
	assert_int_equal(pair.conn.io->read(&pair.conn, got, sizeof(got)), LF_HTTP_IO_END);
	assert_int_equal(pair.conn.io->read(&pair.conn, got, sizeof(got)), LF_HTTP_IO_END);
	assert_int_equal(pair.conn.io->write(&pair.conn, "still", 5), 5);
	pair_close(&pair);

	pair_connect(&pair);
	shutdown(pair.fd, SHUT_WR);
	assert_int_equal(pair.conn.io->read(&pair.conn, got, sizeof(got)), LF_HTTP_IO_FAILED);
	assert_int_equal(pair.conn.io->read(&pair.conn, got, sizeof(got)), LF_HTTP_IO_FAILED);
	pair_close(&pair);

	pair_connect(&pair);
	close(pair.fd);
	pair.fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	signal(SIGPIPE, SIG_DFL);
	assert_int_equal(pair.conn.io->write(&pair.conn, "x", 1), LF_HTTP_IO_FAILED); /* and no signal */
	signal(SIGPIPE, SIG_IGN);
	pair_close(&pair);
}

static void goodbye_is_said_with_close_notify(void **state)
{
	struct pair pair;
	char got[8];
	size_t n;
	int rc;

	(void)state;
	pair_connect(&pair);
	assert_int_equal(pair.conn.io->write(&pair.conn, "last", 4), 4);
	pair.conn.io->bye(&pair.conn);
	assert_int_equal(SSL_read_ex(pair.client, got, sizeof(got), &n), 1);
	assert_int_equal(n, 4);
	rc = SSL_read_ex(pair.client, got, sizeof(got), &n);
	assert_int_equal(SSL_get_error(pair.client, rc), SSL_ERROR_ZERO_RETURN);
	/* What the client still sends is taken. */
	assert_int_equal(SSL_write_ex(pair.client, "more", 4, &n), 1);
	assert_int_equal(pair.conn.io->read(&pair.conn, got, sizeof(got)), 4);
	pair_close(&pair);
	/* Halfway through a handshake, there is nobody to say it to. */
	pair_open(&pair);
	pair.conn.io->bye(&pair.conn);
	pair_close(&pair);
}

static void damaged_bytes_end_the_connection(void **state)
{
	struct pair pair;
	char got[8];

	(void)state;
	pair_connect(&pair);
	assert_int_equal(write(pair.fd,
				 "\x17\3\3\0\x20"
				 "01234567890123456789012345678901",
				 37),
		37);
	assert_int_equal(pair.conn.io->read(&pair.conn, got, sizeof(got)), LF_HTTP_IO_FAILED);
	assert_int_equal(pair.conn.io->write(&pair.conn, "x", 1), LF_HTTP_IO_FAILED);
	pair.conn.io->bye(&pair.conn);
	pair_close(&pair);
}

/* Messages that are TLS's own, in any number, take a bounded time of a turn, and no memory where nobody reads their answers. */
static void a_flood_of_key_updates_does_no_harm(void **state)
{
	bool said = false;
	struct pair pair;
	ssize_t r = LF_HTTP_IO_AGAIN;
	char got[8];
	size_t n;

	(void)state;
	pair_connect(&pair);
	for (int i = 0; i < 4000; i++) {
		assert_int_equal(SSL_key_update(pair.client, SSL_KEY_UPDATE_REQUESTED), 1);
		if (SSL_do_handshake(pair.client) != 1) /* the socket is full */
			break;
	}
	/* The service's answers are not read, until nothing can be written any more: then it waits. */
	for (int i = 0; i < 20; i++)
		assert_int_equal(pair.conn.io->read(&pair.conn, got, sizeof(got)), LF_HTTP_IO_AGAIN);
	assert_true(pair.conn.wants_write);
	for (int i = 0; i < 1000 && r == LF_HTTP_IO_AGAIN; i++) {
		SSL_read_ex(pair.client, got, sizeof(got), &n);
		said = said || SSL_write_ex(pair.client, "x", 1, &n) == 1;
		r = pair.conn.io->read(&pair.conn, got, sizeof(got));
	}
	assert_int_equal(r, 1);
	pair_close(&pair);
}

/* ---- certificates ---- */

static struct lf_http_certificate *load(const struct identity *identity, bool asks_clients)
{
	char own[128], authority[128];
	const struct lf_http_certificate_files files = {
		.certificate = own, .key = own, .client_ca = asks_clients ? authority : NULL};
	struct lf_http_certificate *certificate;
	struct lf_error error = LF_ERROR_INIT;

	snprintf(own, sizeof(own), "%s/own.pem", folder);
	snprintf(authority, sizeof(authority), "%s/ca.pem", folder);
	identity_write(identity, own, true, true);
	identity_write(&ca, authority, true, false);
	if (lf_http_certificate_load(&certificate, &files, &error) != LF_OK)
		fail_msg("%s", error.message);
	unlink(own);
	unlink(authority);
	return certificate;
}

static void use(const struct identity *identity, bool asks_clients)
{
	struct lf_http_certificate *certificate = load(identity, asks_clients);

	lf_http_set_certificate(&http, certificate);
	lf_http_certificate_release(certificate);
}

static void expect_shown(struct pair *pair, const struct identity *identity)
{
	X509 *shown = SSL_get1_peer_certificate(pair->client);

	assert_int_equal(X509_cmp(shown, identity->certificate), 0);
	X509_free(shown);
}

static void expect_alive(struct pair *pair)
{
	char got[8];
	size_t n;

	assert_int_equal(SSL_write_ex(pair->client, "ping", 4, &n), 1);
	assert_int_equal(pair->conn.io->read(&pair->conn, got, sizeof(got)), 4);
	assert_int_equal(pair->conn.io->write(&pair->conn, "pong", 4), 4);
	assert_int_equal(SSL_read_ex(pair->client, got, sizeof(got), &n), 1);
}

static void a_new_certificate_is_for_new_connections(void **state)
{
	struct pair before, half, after;

	(void)state;
	pair_connect(&before);
	pair_open(&half);
	use(&renewed, false);
	pair_connect(&after);
	assert_int_equal(pair_shake(&half), 1);
	expect_shown(&before, &server);
	expect_shown(&half, &server);
	expect_shown(&after, &renewed);
	expect_alive(&before);
	expect_alive(&half);
	expect_alive(&after);
	use(&server, false);
	pair_close(&before);
	pair_close(&half);
	pair_close(&after);
}

/* Connects with a client certificate of these names, and expects these of it. "": none. */
static void expect_names(const char *common_name, const char *alternative, const char *expected)
{
	struct identity client;
	struct pair pair;
	char names[512] = "";

	identity_make(&client,
		&(struct wanted){
			.common_name = common_name, .alternative = alternative, .issuer = &ca, .usage = "clientAuth"});
	pair_open(&pair);
	assert_int_equal(SSL_use_certificate(pair.client, client.certificate), 1);
	assert_int_equal(SSL_use_PrivateKey(pair.client, client.key), 1);
	assert_int_equal(pair_shake(&pair), 1);
	for (size_t i = 0; i < lf_rpc_names_count(pair.conn.peer.names); i++) {
		const struct lf_slice name = lf_rpc_names_get(pair.conn.peer.names, i);

		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%.*s", i > 0 ? " " : "",
			(int)name.length, name.data);
	}
	assert_string_equal(names, expected);
	pair_close(&pair);
	identity_clean_up(&client);
}

static void a_clients_names_are_uris_then_dns_names_or_else_the_common_name(void **state)
{
	char alternative[4096] = "DNS:n0", expected[256] = "n0", name[160];

	(void)state;
	use(&server, true);
	expect_names("portal", NULL, "portal");
	expect_names("portal", "DNS:a.example.com,URI:spiffe://example.com/portal,DNS:b.example.com",
		"spiffe://example.com/portal a.example.com b.example.com");
	expect_names("portal", "email:a@example.com,IP:127.0.0.1", "portal"); /* it has no name of a kind that counts */
	expect_names("portal", "DNS:*.example.com", ""); /* and the common name is not asked then */
	expect_names("*", NULL, "");
	expect_names("two words", NULL, "");
	expect_names("caf\xc3\xa9", NULL, "");
	expect_names(NULL, NULL, "");
	for (int i = 1; i < 20; i++) {
		snprintf(alternative + strlen(alternative), 32, ",DNS:n%d", i);
		if (i < 16)
			snprintf(expected + strlen(expected), 32, " n%d", i);
	}
	expect_names("many", alternative, expected);
	snprintf(alternative, sizeof(alternative), "DNS:%0128d,DNS:%0129d,DNS:short", 1, 2);
	snprintf(name, sizeof(name), "%0128d short", 1);
	expect_names(NULL, alternative, name);
	use(&server, false);
}

/* A name with a NUL in it is read as a shorter one by whoever takes it for a C string. */
static void a_name_with_a_nul_is_no_name(void **state)
{
	struct identity client;
	struct pair pair;
	X509_NAME *subject;

	(void)state;
	use(&server, true);
	identity_make(&client, &(struct wanted){.issuer = &ca, .usage = "clientAuth"});
	subject = X509_get_subject_name(client.certificate);
	assert_int_equal(X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_ASC,
				 (const unsigned char *)"admin\0.evil", 11, -1, 0),
		1);
	assert_int_not_equal(X509_sign(client.certificate, ca.key, EVP_sha256()), 0);
	pair_open(&pair);
	assert_int_equal(SSL_use_certificate(pair.client, client.certificate), 1);
	assert_int_equal(SSL_use_PrivateKey(pair.client, client.key), 1);
	assert_int_equal(pair_shake(&pair), 1);
	assert_null(pair.conn.peer.names);
	pair_close(&pair);
	identity_clean_up(&client);
	use(&server, false);
}

static void a_client_needs_no_certificate_but_one_that_does_not_verify_is_refused(void **state)
{
	const struct wanted bad[] = {
		{.common_name = "portal", .issuer = &foreign_ca, .usage = "clientAuth"},
		{.common_name = "portal", .usage = "clientAuth"}, /* signed by itself */
		{.common_name = "portal", .issuer = &ca, .usage = "clientAuth", .from = -7200, .until = -3600},
		{.common_name = "portal", .issuer = &ca, .usage = "clientAuth", .from = 3600, .until = 7200},
		{.common_name = "portal", .issuer = &ca, .usage = "serverAuth"},
	};
	struct pair pair;

	(void)state;
	use(&server, true);
	pair_connect(&pair);
	assert_null(pair.conn.peer.names);
	expect_alive(&pair);
	pair_close(&pair);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct identity client;

		identity_make(&client, &bad[i]);
		pair_open(&pair);
		assert_int_equal(SSL_use_certificate(pair.client, client.certificate), 1);
		assert_int_equal(SSL_use_PrivateKey(pair.client, client.key), 1);
		if (pair_shake(&pair) != LF_HTTP_IO_FAILED)
			fail_msg("case %zu was believed", i);
		assert_null(pair.conn.peer.names);
		pair_close(&pair);
		identity_clean_up(&client);
	}
	use(&server, false);
}

/* A session that is resumed would bring its names along, whatever has become of them. */
static void sessions_with_clients_certificates_are_not_resumed(void **state)
{
	SSL_SESSION *session;
	struct pair pair;

	(void)state;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		use(&server, true);
		pair_open(&pair);
		SSL_set_max_proto_version(pair.client, version);
		assert_int_equal(pair_shake(&pair), 1);
		expect_alive(&pair);
		session = SSL_get1_session(pair.client);
		pair_close(&pair);
		pair_open(&pair);
		SSL_set_max_proto_version(pair.client, version);
		SSL_set_session(pair.client, session);
		assert_int_equal(pair_shake(&pair), 1);
		assert_false(SSL_session_reused(pair.client));
		SSL_SESSION_free(session);
		pair_close(&pair);
	}
	use(&server, false);
}

/* ---- memory ---- */

#ifdef LF_SANITIZED
enum { HEAP_OF_ITS_OWN = 1 };
#else
enum { HEAP_OF_ITS_OWN = 0 };
#endif

static void an_idle_connection_takes_little(void **state)
{
	enum {
		COUNT = 256,
		KIB_MAX = 32
	}; /* OpenSSL 3.0 takes half of what 3.5 does with a post-quantum key exchange */
	static struct pair pairs[COUNT];
	size_t with, without;

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		pair_connect(&pairs[i]);
		expect_alive(&pairs[i]);
		SSL_free(pairs[i].client); /* the other end's is not counted */
		SSL_CTX_free(pairs[i].context);
		pairs[i].client = NULL;
		pairs[i].context = NULL;
	}
	with = mallinfo2().uordblks;
	for (size_t i = 0; i < COUNT; i++)
		pair_close(&pairs[i]);
	without = mallinfo2().uordblks;
	print_message("%zu bytes for an idle connection\n", (with - without) / COUNT);
	if (!HEAP_OF_ITS_OWN)
		assert_in_range((with - without) / COUNT, 1, KIB_MAX * 1024);
}

static int set_up(void **state)
{
	struct lf_http_certificate *certificate;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_non_null(mkdtemp(folder));
	identity_make(&ca, &(struct wanted){.common_name = "Test CA", .is_ca = true});
	identity_make(&foreign_ca, &(struct wanted){.common_name = "Test CA", .is_ca = true});
	identity_make(&server,
		&(struct wanted){.common_name = "leadfit",
			.alternative = "DNS:localhost",
			.issuer = &ca,
			.usage = "serverAuth"});
	identity_make(&renewed,
		&(struct wanted){.common_name = "renewed",
			.alternative = "DNS:localhost",
			.issuer = &ca,
			.usage = "serverAuth"});
	certificate = load(&server, false);
	http.tls = lf_http_tls_new(certificate);
	lf_http_certificate_release(certificate);
	return http.tls == NULL;
}

static int tear_down(void **state)
{
	(void)state;
	lf_http_tls_free(http.tls);
	identity_clean_up(&renewed);
	identity_clean_up(&server);
	identity_clean_up(&foreign_ca);
	identity_clean_up(&ca);
	rmdir(folder);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alpn_decides_and_nothing_in_common_is_a_fatal_alert),
		cmocka_unit_test(versions_1_2_and_1_3_are_spoken_and_no_older_ones),
		cmocka_unit_test(ciphers_without_forward_secrecy_or_aead_are_refused),
		cmocka_unit_test(a_client_that_asks_to_negotiate_anew_is_refused_and_the_connection_goes_on),
		cmocka_unit_test(bytes_that_are_no_handshake_end_it),
		cmocka_unit_test(a_second_hello_is_watched_like_the_first),
		cmocka_unit_test(bytes_arrive_as_they_were_sent),
		cmocka_unit_test(what_the_socket_does_not_know_of_is_pending),
		cmocka_unit_test(an_end_is_told_from_a_connection_that_was_cut),
		cmocka_unit_test(goodbye_is_said_with_close_notify),
		cmocka_unit_test(damaged_bytes_end_the_connection),
		cmocka_unit_test(a_flood_of_key_updates_does_no_harm),
		cmocka_unit_test(a_new_certificate_is_for_new_connections),
		cmocka_unit_test(a_clients_names_are_uris_then_dns_names_or_else_the_common_name),
		cmocka_unit_test(a_name_with_a_nul_is_no_name),
		cmocka_unit_test(a_client_needs_no_certificate_but_one_that_does_not_verify_is_refused),
		cmocka_unit_test(sessions_with_clients_certificates_are_not_resumed),
		cmocka_unit_test(an_idle_connection_takes_little),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
