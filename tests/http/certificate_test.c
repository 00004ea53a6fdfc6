/* The files of a TLS server: what is accepted, and what a refusal says. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "service/http/certificate.h"
#include "tests/http/certificates.h"

static char folder[] = "/tmp/lf-certificate-XXXXXX";
static struct identity ca, server, other;

/* A file's name in the folder; valid for a while. */
static const char *in_folder(const char *name)
{
	static char paths[8][128];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static void write_text(const char *name, const char *text)
{
	FILE *file = fopen(in_folder(name), "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static enum lf_code load(struct lf_http_certificate **certificate, const char *own, const char *key,
	const char *client_ca, struct lf_error *error)
{
	const struct lf_http_certificate_files files = {.certificate = in_folder(own),
		.key = in_folder(key),
		.client_ca = client_ca != NULL ? in_folder(client_ca) : NULL};

	return lf_http_certificate_load(certificate, &files, error);
}

static void expect_refused(
	const char *own, const char *key, const char *client_ca, enum lf_code code, const char *said, const char *more)
{
	struct lf_http_certificate *certificate;
	struct lf_error error = LF_ERROR_INIT;

	assert_int_equal(load(&certificate, own, key, client_ca, &error), code);
	assert_null(certificate);
	if (strstr(error.message, said) == NULL || strstr(error.message, more) == NULL)
		fail_msg("\"%s\" lacks \"%s\" or \"%s\"", error.message, said, more);
	assert_int_equal(load(&certificate, own, key, client_ca, NULL), code);
	lf_error_clean_up(&error);
}

static void certificate_and_key_may_be_in_two_files_or_in_one(void **state)
{
	static const char *const FILES[][2] = {
		{"server.pem", "server.key"}, {"both.pem", "both.pem"}, {"chain.pem", "server.key"}};

	(void)state;
	for (size_t i = 0; i < sizeof(FILES) / sizeof(FILES[0]); i++) {
		struct lf_http_certificate *certificate;
		struct lf_error error = LF_ERROR_INIT;

		if (load(&certificate, FILES[i][0], FILES[i][1], NULL, &error) != LF_OK)
			fail_msg("%s", error.message);
		assert_non_null(strstr(lf_http_certificate_text(certificate), "leadfit.example.com, until 20"));
		assert_int_equal(lf_http_certificate_check_date(certificate, time(NULL), &error), LF_OK);
		assert_true(lf_http_certificate_expiry(certificate) > time(NULL));
		assert_false(lf_http_certificate_asks_clients(certificate));
		lf_http_certificate_release(certificate);
	}
}

static void a_certificate_out_of_its_time_is_told(void **state)
{
	struct lf_http_certificate *certificate;
	struct lf_error error = LF_ERROR_INIT;

	(void)state;
	assert_int_equal(load(&certificate, "server.pem", "server.key", NULL, &error), LF_OK);
	assert_int_equal(lf_http_certificate_check_date(certificate, time(NULL) + 2 * 24 * 3600, &error),
		LF_FAILED_PRECONDITION);
	assert_non_null(strstr(error.message, "has expired: leadfit.example.com, until 20"));
	assert_int_equal(lf_http_certificate_check_date(certificate, time(NULL) - 2 * 24 * 3600, &error),
		LF_FAILED_PRECONDITION);
	assert_non_null(strstr(error.message, "not valid yet"));
	lf_http_certificate_release(certificate);
	lf_error_clean_up(&error);
}

static void what_can_not_be_used_is_refused_by_option_and_file(void **state)
{
	(void)state;
	expect_refused("nowhere", "server.key", NULL, LF_UNAVAILABLE, "--tls-certificate", "No such file");
	expect_refused("server.pem", "nowhere", NULL, LF_UNAVAILABLE, "--tls-key", "No such file");
	expect_refused("server.pem", "server.key", "nowhere", LF_UNAVAILABLE, "--tls-client-ca", "No such file");
	expect_refused(".", "server.key", NULL, LF_INVALID_ARGUMENT, "--tls-certificate", "not a regular file");
	expect_refused("empty", "server.key", NULL, LF_INVALID_ARGUMENT, "--tls-certificate", "no certificate");
	expect_refused("server.key", "server.key", NULL, LF_INVALID_ARGUMENT, "--tls-certificate", "no certificate");
	expect_refused("rubbish", "server.key", NULL, LF_INVALID_ARGUMENT, "--tls-certificate", "can't be read");
	expect_refused("server.pem", "server.pem", NULL, LF_INVALID_ARGUMENT, "--tls-key", "no private key");
	expect_refused("server.pem", "encrypted", NULL, LF_INVALID_ARGUMENT, "--tls-key", "password");
	expect_refused("server.pem", "other.key", NULL, LF_INVALID_ARGUMENT, "not the key of", "server.pem");
	expect_refused("server.pem", "server.key", "empty", LF_INVALID_ARGUMENT, "--tls-client-ca", "no certificate");
	expect_refused("large", "server.key", NULL, LF_INVALID_ARGUMENT, "--tls-certificate", "bytes are more than");
	expect_refused(
		"many", "server.key", NULL, LF_INVALID_ARGUMENT, "--tls-certificate", "more than 16 certificates");
}

static void a_key_that_others_may_read_is_refused(void **state)
{
	static const mode_t REFUSED[] = {0604, 0602, 0620, 0644, 0660, 0666, 0601};

	(void)state;
	for (size_t i = 0; i < sizeof(REFUSED) / sizeof(REFUSED[0]); i++) {
		assert_int_equal(chmod(in_folder("server.key"), REFUSED[i]), 0);
		expect_refused("server.pem", "server.key", NULL, LF_FAILED_PRECONDITION, "chmod 600", "server.key");
	}
	assert_int_equal(chmod(in_folder("server.key"), 0640), 0);
	if (geteuid() == 0) {
		struct lf_http_certificate *certificate;

		assert_int_equal(load(&certificate, "server.pem", "server.key", NULL, NULL), LF_OK); /* of root's */
		lf_http_certificate_release(certificate);
		assert_int_equal(chown(in_folder("server.key"), 65534, (gid_t)-1), 0);
		expect_refused("server.pem", "server.key", NULL, LF_FAILED_PRECONDITION, "chmod 600", "server.key");
		assert_int_equal(chown(in_folder("server.key"), 0, (gid_t)-1), 0);
	} else
		expect_refused("server.pem", "server.key", NULL, LF_FAILED_PRECONDITION, "chmod 600", "server.key");
	assert_int_equal(chmod(in_folder("server.key"), 0400), 0);
}

static void it_lives_until_its_last_owner_gives_it_back(void **state)
{
	struct lf_http_certificate *certificate;

	(void)state;
	assert_int_equal(load(&certificate, "server.pem", "server.key", "ca.pem", NULL), LF_OK);
	assert_true(lf_http_certificate_asks_clients(certificate));
	assert_ptr_equal(lf_http_certificate_hold(certificate), certificate);
	lf_http_certificate_release(certificate);
	assert_non_null(strstr(lf_http_certificate_text(certificate), "leadfit.example.com"));
	lf_http_certificate_release(certificate);
	lf_http_certificate_release(NULL);
}

static void write_encrypted(const char *name)
{
	FILE *file = fopen(in_folder(name), "w");

	assert_non_null(file);
	assert_int_equal(PEM_write_PKCS8PrivateKey(file, server.key, EVP_aes_128_cbc(), "secret", 6, NULL, NULL), 1);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(in_folder(name), 0600), 0);
}

static void write_many(const char *name, const struct identity *first, const struct identity *then, int count)
{
	FILE *file = fopen(in_folder(name), "w");

	assert_non_null(file);
	assert_int_equal(PEM_write_X509(file, first->certificate), 1);
	for (int i = 0; i < count; i++)
		assert_int_equal(PEM_write_X509(file, then->certificate), 1);
	assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	identity_make(&ca, &(struct wanted){.common_name = "Test CA", .is_ca = true});
	identity_make(&server,
		&(struct wanted){.common_name = "ignored", .alternative = "DNS:leadfit.example.com", .issuer = &ca});
	identity_make(&other, &(struct wanted){.common_name = "other", .issuer = &ca});
	identity_write(&ca, in_folder("ca.pem"), true, false);
	identity_write(&server, in_folder("server.pem"), true, false);
	identity_write(&server, in_folder("server.key"), false, true);
	identity_write(&server, in_folder("both.pem"), true, true);
	identity_write(&other, in_folder("other.key"), false, true);
	write_many("chain.pem", &server, &ca, 1);
	write_many("many", &server, &ca, 16);
	write_encrypted("encrypted");
	write_text("empty", "");
	write_text("rubbish", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
	write_text("large", "");
	assert_int_equal(truncate(in_folder("large"), 1024 * 1024 + 1), 0);
	return 0;
}

static int tear_down(void **state)
{
	static const char *const FILES[] = {"ca.pem", "server.pem", "server.key", "both.pem", "other.key", "chain.pem",
		"many", "encrypted", "empty", "rubbish", "large"};

	(void)state;
	for (size_t i = 0; i < sizeof(FILES) / sizeof(FILES[0]); i++)
		unlink(in_folder(FILES[i]));
	rmdir(folder);
	identity_clean_up(&other);
	identity_clean_up(&server);
	identity_clean_up(&ca);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificate_and_key_may_be_in_two_files_or_in_one),
		cmocka_unit_test(a_certificate_out_of_its_time_is_told),
		cmocka_unit_test(what_can_not_be_used_is_refused_by_option_and_file),
		cmocka_unit_test(a_key_that_others_may_read_is_refused),
		cmocka_unit_test(it_lives_until_its_last_owner_gives_it_back),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
