#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/lib/http.h"

/*
 * TLS 1.2 and 1.3 by OpenSSL, over a socket that does not block. The peer proves to be the URL's host by a certificate
 * that somebody trusted has signed, and agrees on HTTP/2 (ALPN). Nothing else is talked to.
 */

enum { REASON_BYTES = 256 };

struct lf_tls_context {
	SSL_CTX *openssl;
};

struct lf_tls {
	SSL *openssl;
	bool done; /* the handshake */
};

/* ---- the context: files ---- */

/* What OpenSSL says of its first error, in short. */
static const char *why(void)
{
	const unsigned long error = ERR_peek_error();
	const char *text;

	if (ERR_GET_LIB(error) == ERR_LIB_SYS)
		return strerror(ERR_GET_REASON(error));
	text = ERR_reason_error_string(error);
	return text != NULL ? text : "it can't be used";
}

static enum lf_code refuse(const char *field, const char *path, const char *what, struct lf_error *error)
{
	if (ERR_GET_LIB(ERR_peek_error()) == ERR_LIB_SYS)
		lf_error_set(error, LF_INVALID_ARGUMENT, "%s: %.200s: %s", field, path, why());
	else
		lf_error_set(error, LF_INVALID_ARGUMENT, "%s: there is no %s in %.200s (PEM)", field, what, path);
	ERR_clear_error();
	return LF_INVALID_ARGUMENT;
}

/* A key that needs a pass phrase has nobody to ask. */
static int no_pass_phrase(char *buffer, int size, int writing, void *context)
{
	(void)buffer;
	(void)size;
	(void)writing;
	(void)context;
	return 0;
}

static enum lf_code take_files(SSL_CTX *openssl, const struct lf_client_tls *files, struct lf_error *error)
{
	const char *ca = files != NULL ? files->ca_file : NULL, *certificate = files != NULL ? files->cert_file : NULL;
	const char *key = files != NULL && files->key_file != NULL ? files->key_file : certificate;
	const char *key_field = files != NULL && files->key_file != NULL ? "key_file" : "cert_file";

	ERR_clear_error();
	if (ca != NULL && SSL_CTX_load_verify_file(openssl, ca) != 1)
		return refuse("ca_file", ca, "certificate", error);
	if (ca == NULL && SSL_CTX_set_default_verify_paths(openssl) != 1)
		return lf_error_set(error, LF_INTERNAL, "the system's certificates: %s", why());
	if (certificate == NULL)
		return LF_OK;
	if (SSL_CTX_use_certificate_chain_file(openssl, certificate) != 1)
		return refuse("cert_file", certificate, "certificate", error);
	if (SSL_CTX_use_PrivateKey_file(openssl, key, SSL_FILETYPE_PEM) == 1)
		return LF_OK;
	if (ERR_GET_REASON(ERR_peek_error()) == X509_R_KEY_VALUES_MISMATCH) {
		ERR_clear_error();
		return lf_error_set(error, LF_INVALID_ARGUMENT,
			"%s: the key in %.200s is not that of the certificate in %.200s", key_field, key, certificate);
	}
	return refuse(key_field, key, "unencrypted private key", error);
}

enum lf_code lf_tls_context_new(
	struct lf_tls_context **context, const struct lf_client_tls *files, struct lf_error *error)
{
	static const unsigned char h2[] = {2, 'h', '2'};
	struct lf_tls_context *made;
	enum lf_code code;

	*context = NULL;
	/* The process may end while a client's thread is still here: OpenSSL is not to be taken from under it. */
	if (OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, NULL) != 1)
		return lf_error_set(error, LF_INTERNAL, "OpenSSL can't be used");
	made = calloc(1, sizeof(*made));
	if (made != NULL)
		made->openssl = SSL_CTX_new(TLS_client_method());
	if (made == NULL || made->openssl == NULL) {
		free(made);
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	}
	SSL_CTX_set_min_proto_version(made->openssl, TLS1_2_VERSION);
	SSL_CTX_set_options(made->openssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(made->openssl,
		SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_verify(made->openssl, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_default_passwd_cb(made->openssl, no_pass_phrase);
	if (SSL_CTX_set_alpn_protos(made->openssl, h2, sizeof(h2)) != 0)
		code = lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	else
		code = take_files(made->openssl, files, error);
	if (code != LF_OK) {
		lf_tls_context_free(made);
		return code;
	}
	*context = made;
	return LF_OK;
}

void lf_tls_context_free(struct lf_tls_context *context)
{
	if (context == NULL)
		return;
	SSL_CTX_free(context->openssl);
	free(context);
}

/* ---- a connection ---- */

/* The certificate must be of this name or address. */
static bool expect(SSL *openssl, const char *host)
{
	X509_VERIFY_PARAM *parameters = SSL_get0_param(openssl);

	X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (X509_VERIFY_PARAM_set1_ip_asc(parameters, host) == 1)
		return true;
	ERR_clear_error();
	return SSL_set1_host(openssl, host) == 1 && SSL_set_tlsext_host_name(openssl, host) == 1;
}

struct lf_tls *lf_tls_new(struct lf_tls_context *context, int socket, const char *host)
{
	struct lf_tls *tls = calloc(1, sizeof(*tls));

	if (tls == NULL)
		return NULL;
	ERR_clear_error();
	tls->openssl = SSL_new(context->openssl);
	if (tls->openssl == NULL || !expect(tls->openssl, host) || SSL_set_fd(tls->openssl, socket) != 1) {
		SSL_free(tls->openssl);
		free(tls);
		ERR_clear_error();
		return NULL;
	}
	SSL_set_connect_state(tls->openssl);
	return tls;
}

void lf_tls_free(struct lf_tls *tls)
{
	if (tls == NULL)
		return;
	ERR_clear_error();
	if (tls->done)
		SSL_shutdown(tls->openssl);
	SSL_free(tls->openssl);
	free(tls);
	ERR_clear_error();
}

/* ---- what went wrong ---- */

/* Of a certificate that was not accepted. NULL: it was. */
static const char *certificate_fault(SSL *openssl)
{
	const long result = SSL_get_verify_result(openssl);

	switch (result) {
	case X509_V_OK:
		return NULL;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		return "the server's certificate is of an unknown issuer; if it is yours, name its CA's file";
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return "the server's certificate is for another name than that of the URL";
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return "the server's certificate has expired";
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return "the server's certificate is not valid yet; is the clock right?";
	default:
		return X509_verify_cert_error_string(result);
	}
}

/* Of an alert with which the peer says that it does not like who we are. NULL: it is none. */
static const char *refusal(int reason)
{
	switch (reason) {
	case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
	case SSL_R_SSLV3_ALERT_NO_CERTIFICATE:
		return "the server wants a client certificate";
	case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
	case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
	case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
	case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
	case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
	case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
	case SSL_R_TLSV1_ALERT_DECRYPT_ERROR:
		return "the server does not accept the client certificate";
	case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
		return "the server refused the handshake; it may want a client certificate";
	default:
		return NULL;
	}
}

/* Of any other error of OpenSSL. */
static const char *fault(int reason)
{
	switch (reason) {
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_HTTP_REQUEST:
	case SSL_R_PACKET_LENGTH_TOO_LONG:
	case SSL_R_UNEXPECTED_MESSAGE:
		return "the peer does not speak TLS; is it http://?";
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
		return "the peer has no TLS 1.2 or later";
	case SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL:
		return "the peer does not speak HTTP/2 over TLS";
	case SSL_R_UNEXPECTED_EOF_WHILE_READING:
		return "the peer closed the connection";
	default:
		return why();
	}
}

/* What an operation that returned result has come to. */
static enum lf_client_http_io judge(struct lf_tls *tls, int result, bool *wants_write, char *reason)
{
	const int error = SSL_get_error(tls->openssl, result), number = errno;
	const int code = ERR_GET_REASON(ERR_peek_error());
	const char *text = NULL;
	enum lf_client_http_io io = LF_HTTP_BROKEN;

	switch (error) {
	case SSL_ERROR_WANT_READ:
		return LF_HTTP_AGAIN;
	case SSL_ERROR_WANT_WRITE:
		*wants_write = true;
		return LF_HTTP_AGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return LF_HTTP_ENDED;
	case SSL_ERROR_SYSCALL:
		snprintf(reason, REASON_BYTES, "%s",
			number != 0 ? lf_link_reason(number) : "the peer closed the connection");
		break;
	default:
		if (!tls->done)
			text = certificate_fault(tls->openssl);
		if (text == NULL)
			text = refusal(code);
		if (text != NULL)
			io = LF_HTTP_REFUSED;
		snprintf(reason, REASON_BYTES, "TLS: %s", text != NULL ? text : fault(code));
	}
	ERR_clear_error();
	return io;
}

enum lf_client_http_io lf_tls_handshake(struct lf_tls *tls, bool *wants_write, char *reason)
{
	const unsigned char *protocol;
	unsigned length;
	int result;

	*wants_write = false;
	ERR_clear_error();
	result = SSL_do_handshake(tls->openssl);
	if (result != 1) {
		const enum lf_client_http_io io = judge(tls, result, wants_write, reason);

		if (io == LF_HTTP_ENDED)
			snprintf(reason, REASON_BYTES, "TLS: the peer closed the connection");
		return io == LF_HTTP_ENDED ? LF_HTTP_BROKEN : io;
	}
	tls->done = true;
	SSL_get0_alpn_selected(tls->openssl, &protocol, &length);
	if (length == 2 && memcmp(protocol, "h2", 2) == 0)
		return LF_HTTP_MOVED;
	snprintf(reason, REASON_BYTES, "TLS: the peer does not speak HTTP/2 over TLS");
	return LF_HTTP_BROKEN;
}

enum lf_client_http_io lf_tls_read(struct lf_tls *tls, void *to, size_t capacity, size_t *count, char *reason)
{
	bool ignored;
	int result;

	ERR_clear_error();
	result = SSL_read_ex(tls->openssl, to, capacity, count);
	return result == 1 ? LF_HTTP_MOVED : judge(tls, result, &ignored, reason);
}

enum lf_client_http_io lf_tls_write(
	struct lf_tls *tls, const void *from, size_t length, size_t *count, bool *wants_write, char *reason)
{
	int result;

	ERR_clear_error();
	result = SSL_write_ex(tls->openssl, from, length, count);
	return result == 1 ? LF_HTTP_MOVED : judge(tls, result, wants_write, reason);
}
