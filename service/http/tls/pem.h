/* PEM files with certificates and keys, read with care: their mode, their size, what is in them. Any thread; reads files. */
#ifndef LF_SERVICE_HTTP_TLS_PEM_H
#define LF_SERVICE_HTTP_TLS_PEM_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stddef.h>
#include <sys/types.h>

#include "proto/base/status.h"

/* A file in memory, which is cleared when it is given back: it may hold a key. */
struct lf_http_pem {
	char *bytes;
	size_t length, room;
	mode_t mode;
	uid_t owner;
};

/*
 * Reads a file; option and path are for messages. lf_http_pem_clean_up()
 * follows in any case. Codes as lf_http_certificate_load().
 */
enum lf_code lf_http_pem_read(struct lf_http_pem *pem, const char *option, const char *path, struct lf_error *error);
void lf_http_pem_clean_up(struct lf_http_pem *pem);

/* All certificates of the file in their order, 1 .. max; the caller's. INVALID_ARGUMENT, RESOURCE_EXHAUSTED. */
enum lf_code lf_http_pem_certificates(STACK_OF(X509) * *certificates, const struct lf_http_pem *pem, int max,
	const char *option, const char *path, struct lf_error *error);
/*
 * Its first private key; the caller's in any case. INVALID_ARGUMENT where there is none, or it needs a password; FAILED_PRECONDITION
 * where others than the file's owner may read it.
 */
enum lf_code lf_http_pem_key(EVP_PKEY **key, const struct lf_http_pem *pem, const char *path, struct lf_error *error);

/* Why OpenSSL said no. Its queue of errors is empty afterwards. */
const char *lf_http_pem_reason(void);

#endif
