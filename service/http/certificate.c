#include "service/http/certificate.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/http/tls/pem.h"
#include "service/http/tls.h"

enum {
	CHAIN_MAX = 16,                     /* certificates in a file that lead to a root */
	CLIENT_CAS_MAX = 256,               /* certificates that client certificates may be signed by */
	CLIENT_CHAIN_BYTES_MAX = 16 * 1024, /* what a client may send of its own certificates */
	CLIENT_DEPTH_MAX = 4,
	TEXT_BYTES = 256,
};

struct lf_http_certificate {
	atomic_size_t owners;
	SSL_CTX *context;
	bool asks_clients;
	time_t from, until;
	char text[TEXT_BYTES];
};

/* ---- the context ---- */

static const unsigned char PROTOCOLS[] = "\2h2\10http/1.1";

/*
 * What both sides have, by our order: HTTP/2 first. A client that offers only others gets a fatal alert, as RFC 7301
 * says; one that has no ALPN at all never comes here.
 */
static int choose_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_length,
	const unsigned char *offered, unsigned offered_length, void *context)
{
	unsigned char *match;

	(void)ssl;
	(void)context;
	if (SSL_select_next_proto(&match, chosen_length, PROTOCOLS, sizeof(PROTOCOLS) - 1, offered, offered_length) !=
		OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*chosen = match;
	return SSL_TLSEXT_ERR_OK;
}

/*
 * TLS 1.2 with forward secrecy and AEAD, which HTTP/2 asks for, or TLS 1.3. A write may go out in part and be repeated
 * from elsewhere, as the connection's buffers move. An idle connection keeps no buffers. The chain is that of the file: what
 * clients' certificates are believed by has nothing to do with it.
 */
static SSL_CTX *new_context(void)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());

	if (context == NULL)
		return NULL;
	if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
		SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1) {
		SSL_CTX_free(context);
		return NULL;
	}
	SSL_CTX_set_mode(context,
		SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS |
			SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_clear_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_read_ahead(context, 1); /* one system call for as many records as are there, not two for each */
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); /* tickets are in the clients' memory */
	SSL_CTX_set_num_tickets(context, 1);
	SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
	return context;
}

static enum lf_code no_memory(struct lf_error *error)
{
	ERR_clear_error();
	return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for TLS");
}

static enum lf_code use(SSL_CTX *context, STACK_OF(X509) * chain, EVP_PKEY *key,
	const struct lf_http_certificate_files *files, struct lf_error *error)
{
	X509 *own = sk_X509_value(chain, 0);
	enum lf_code code = LF_OK;

	if (X509_check_private_key(own, key) != 1)
		code = lf_error_set(error, LF_INVALID_ARGUMENT,
			"--tls-key %.200s: not the key of the first certificate in %.200s", files->key,
			files->certificate);
	else if (SSL_CTX_use_certificate(context, own) != 1 || SSL_CTX_use_PrivateKey(context, key) != 1)
		code = lf_error_set(error, LF_INVALID_ARGUMENT, "--tls-certificate %.300s: can't be used: %s",
			files->certificate, lf_http_pem_reason());
	for (int i = 1; code == LF_OK && i < sk_X509_num(chain); i++)
		if (SSL_CTX_add1_chain_cert(context, sk_X509_value(chain, i)) != 1)
			code = lf_error_set(error, LF_INVALID_ARGUMENT,
				"--tls-certificate %.300s: certificate %d can't be used: %s", files->certificate, i + 1,
				lf_http_pem_reason());
	ERR_clear_error();
	return code;
}

/* ---- clients' certificates ---- */

/*
 * Clients are asked for a certificate, and need not have one unless that is required; one that does not verify ends the
 * handshake. Sessions are not resumed then: what a certificate allows is looked at anew with each connection.
 */
static enum lf_code believe(SSL_CTX *context, STACK_OF(X509) * authorities, bool required, struct lf_error *error)
{
	const int mode = required ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT : SSL_VERIFY_PEER;
	X509_STORE *store = SSL_CTX_get_cert_store(context);

	for (int i = 0; i < sk_X509_num(authorities); i++)
		if (X509_STORE_add_cert(store, sk_X509_value(authorities, i)) != 1 ||
			SSL_CTX_add_client_CA(context, sk_X509_value(authorities, i)) != 1)
			return no_memory(error);
	SSL_CTX_set_verify(context, mode, NULL);
	SSL_CTX_set_verify_depth(context, CLIENT_DEPTH_MAX);
	SSL_CTX_set_max_cert_list(context, CLIENT_CHAIN_BYTES_MAX);
	SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
	SSL_CTX_set_num_tickets(context, 0);
	return LF_OK;
}

static enum lf_code load_client_ca(
	SSL_CTX *context, const struct lf_http_certificate_files *files, struct lf_error *error)
{
	static const char OPTION[] = "--tls-client-ca";
	const char *path = files->client_ca;
	STACK_OF(X509) *authorities = NULL;
	struct lf_http_pem text;
	enum lf_code code = lf_http_pem_read(&text, OPTION, path, error);

	if (code == LF_OK)
		code = lf_http_pem_certificates(&authorities, &text, CLIENT_CAS_MAX, OPTION, path, error);
	if (code == LF_OK)
		code = believe(context, authorities, files->client_required, error);
	sk_X509_pop_free(authorities, X509_free);
	lf_http_pem_clean_up(&text);
	return code;
}

/* ---- all of it ---- */

static time_t seconds_of(const ASN1_TIME *time)
{
	struct tm parts;

	return ASN1_TIME_to_tm(time, &parts) == 1 ? timegm(&parts) : 0;
}

/* The first name that it is valid for, else its subject's. */
static void name_of(X509 *own, char *name, size_t size)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(own, NID_subject_alt_name, NULL, NULL);

	*name = '\0';
	for (int i = 0; *name == '\0' && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *one = sk_GENERAL_NAME_value(names, i);

		if (one->type == GEN_DNS)
			snprintf(name, size, "%.*s", ASN1_STRING_length(one->d.dNSName),
				(const char *)ASN1_STRING_get0_data(one->d.dNSName));
	}
	GENERAL_NAMES_free(names);
	if (*name == '\0')
		X509_NAME_get_text_by_NID(X509_get_subject_name(own), NID_commonName, name, (int)size);
	if (*name == '\0')
		snprintf(name, size, "(no name)");
}

static void describe(struct lf_http_certificate *certificate, X509 *own)
{
	char name[TEXT_BYTES - 64], until[32];
	struct tm parts;

	certificate->from = seconds_of(X509_get0_notBefore(own));
	certificate->until = seconds_of(X509_get0_notAfter(own));
	name_of(own, name, sizeof(name));
	gmtime_r(&certificate->until, &parts);
	strftime(until, sizeof(until), "%Y-%m-%dT%H:%M:%SZ", &parts);
	snprintf(certificate->text, sizeof(certificate->text), "%s, until %s", name, until);
	ERR_clear_error();
}

static enum lf_code load_own(
	struct lf_http_certificate *certificate, const struct lf_http_certificate_files *files, struct lf_error *error)
{
	struct lf_http_pem text = {.bytes = NULL}, key_text = {.bytes = NULL};
	STACK_OF(X509) *chain = NULL;
	EVP_PKEY *key = NULL;
	enum lf_code code = lf_http_pem_read(&text, "--tls-certificate", files->certificate, error);

	if (code == LF_OK)
		code = lf_http_pem_read(&key_text, "--tls-key", files->key, error);
	if (code == LF_OK)
		code = lf_http_pem_certificates(
			&chain, &text, CHAIN_MAX, "--tls-certificate", files->certificate, error);
	if (code == LF_OK)
		code = lf_http_pem_key(&key, &key_text, files->key, error);
	if (code == LF_OK)
		code = use(certificate->context, chain, key, files, error);
	if (code == LF_OK)
		describe(certificate, sk_X509_value(chain, 0));
	EVP_PKEY_free(key);
	sk_X509_pop_free(chain, X509_free);
	lf_http_pem_clean_up(&key_text);
	lf_http_pem_clean_up(&text);
	return code;
}

enum lf_code lf_http_certificate_load(
	struct lf_http_certificate **out, const struct lf_http_certificate_files *files, struct lf_error *error)
{
	struct lf_http_certificate *certificate = calloc(1, sizeof(*certificate));
	enum lf_code code;

	*out = NULL;
	ERR_clear_error();
	if (certificate == NULL)
		return no_memory(error);
	atomic_init(&certificate->owners, 1);
	certificate->context = new_context();
	certificate->asks_clients = files->client_ca != NULL;
	code = certificate->context == NULL ? no_memory(error) : load_own(certificate, files, error);
	if (code == LF_OK && files->client_ca != NULL)
		code = load_client_ca(certificate->context, files, error);
	if (code != LF_OK) {
		lf_http_certificate_release(certificate);
		return code;
	}
	*out = certificate;
	return LF_OK;
}

struct lf_http_certificate *lf_http_certificate_hold(struct lf_http_certificate *certificate)
{
	atomic_fetch_add(&certificate->owners, 1);
	return certificate;
}

void lf_http_certificate_release(struct lf_http_certificate *certificate)
{
	if (certificate == NULL || atomic_fetch_sub(&certificate->owners, 1) != 1)
		return;
	SSL_CTX_free(certificate->context);
	free(certificate);
}

const char *lf_http_certificate_text(const struct lf_http_certificate *certificate)
{
	return certificate->text;
}

time_t lf_http_certificate_expiry(const struct lf_http_certificate *certificate)
{
	return certificate->until;
}

enum lf_code lf_http_certificate_check_date(
	const struct lf_http_certificate *certificate, time_t now, struct lf_error *error)
{
	if (now > certificate->until)
		return lf_error_set(
			error, LF_FAILED_PRECONDITION, "the certificate has expired: %s", certificate->text);
	if (now < certificate->from)
		return lf_error_set(
			error, LF_FAILED_PRECONDITION, "the certificate is not valid yet: %s", certificate->text);
	return LF_OK;
}

bool lf_http_certificate_asks_clients(const struct lf_http_certificate *certificate)
{
	return certificate->asks_clients;
}

SSL *lf_http_certificate_connection(const struct lf_http_certificate *certificate)
{
	return SSL_new(certificate->context);
}
