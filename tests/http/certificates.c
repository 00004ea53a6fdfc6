#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/http/certificates.h"

static void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

void identity_make(struct identity *identity, const struct wanted *wanted)
{
	static long serial = 1;
	const struct identity *issuer = wanted->issuer != NULL ? wanted->issuer : identity;
	const bool today = wanted->from == 0 && wanted->until == 0;
	X509 *certificate = X509_new();
	X509_NAME *name = X509_get_subject_name(certificate);

	*identity = (struct identity){.key = EVP_EC_gen("P-256"), .certificate = certificate};
	assert_non_null(identity->key);
	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
	X509_gmtime_adj(X509_getm_notBefore(certificate), today ? -3600 : wanted->from);
	X509_gmtime_adj(X509_getm_notAfter(certificate), today ? 24 * 3600 : wanted->until);
	X509_set_pubkey(certificate, identity->key);
	if (wanted->common_name != NULL)
		assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
					 (const unsigned char *)wanted->common_name, -1, -1, 0),
			1);
	X509_set_issuer_name(certificate, X509_get_subject_name(issuer->certificate));
	add_extension(certificate, issuer->certificate, NID_basic_constraints,
		wanted->is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	if (wanted->alternative != NULL)
		add_extension(certificate, issuer->certificate, NID_subject_alt_name, wanted->alternative);
	if (wanted->usage != NULL)
		add_extension(certificate, issuer->certificate, NID_ext_key_usage, wanted->usage);
	assert_int_not_equal(X509_sign(certificate, issuer->key, EVP_sha256()), 0);
}

void identity_clean_up(struct identity *identity)
{
	X509_free(identity->certificate);
	EVP_PKEY_free(identity->key);
}

void identity_write(const struct identity *identity, const char *path, bool certificate, bool key)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	FILE *file = fdopen(fd, "w");

	assert_non_null(file);
	if (certificate)
		assert_int_equal(PEM_write_X509(file, identity->certificate), 1);
	if (key)
		assert_int_equal(PEM_write_PKCS8PrivateKey(file, identity->key, NULL, NULL, 0, NULL, NULL), 1);
	assert_int_equal(fclose(file), 0);
}
