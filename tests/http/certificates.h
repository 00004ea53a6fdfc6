/* Certificates for tests, made while they run. All of them assert. */
#ifndef LF_TESTS_HTTP_CERTIFICATES_H
#define LF_TESTS_HTTP_CERTIFICATES_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>

struct identity {
	EVP_PKEY *key;
	X509 *certificate;
};

/* What a certificate says. */
struct wanted {
	const char *common_name;       /* NULL: the subject is empty */
	const char *alternative;       /* as openssl's configuration has it: "DNS:a,URI:b"; NULL: none */
	const char *usage;             /* of the key, extended: "serverAuth"; NULL: none */
	const struct identity *issuer; /* NULL: itself */
	long from, until;              /* seconds from now; both 0: from an hour ago for a day */
	bool is_ca;
};

void identity_make(struct identity *identity, const struct wanted *wanted);
void identity_clean_up(struct identity *identity);
/* Writes PEM of mode 0600 to path: the certificate, the key, or both, one behind the other. */
void identity_write(const struct identity *identity, const char *path, bool certificate, bool key);

#endif
