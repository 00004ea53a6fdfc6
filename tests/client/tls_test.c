#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/wire/wire.h"
#include "tests/client/fake.h"

/* https://: who is talked to, as whom, and what is said where that fails. */

static char folder[] = "/tmp/lf-tls-XXXXXX";

/* A file of the folder. Good for a few calls. */
static const char *path(const char *name)
{
	static char paths[16][96];
	static unsigned at;
	char *to = paths[at++ % 16];

	snprintf(to, sizeof(paths[0]), "%s/%s", folder, name);
	return to;
}

/* ---- certificates ---- */

struct identity {
	EVP_PKEY *key;
	X509 *certificate;
};

enum { DAY = 24 * 60 * 60 };

static void extend(X509 *certificate, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(extension);
	assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

/* Valid from and to so many days from now. names: as openssl(1) writes them; NULL: it is a CA. */
static struct identity make(const char *name, const struct identity *issuer, const char *names, int from, int to)
{
	static long serial;
	struct identity made = {.key = EVP_EC_gen("P-256"), .certificate = X509_new()};
	X509_NAME *subject = X509_get_subject_name(made.certificate);

	assert_non_null(made.key);
	X509_set_version(made.certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(made.certificate), (long)from * DAY);
	X509_gmtime_adj(X509_getm_notAfter(made.certificate), (long)to * DAY);
	X509_set_pubkey(made.certificate, made.key);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(made.certificate, issuer != NULL ? X509_get_subject_name(issuer->certificate) : subject);
	extend(made.certificate, NID_basic_constraints, names == NULL ? "critical,CA:TRUE" : "critical,CA:FALSE");
	if (names != NULL)
		extend(made.certificate, NID_subject_alt_name, names);
	assert_true(X509_sign(made.certificate, issuer != NULL ? issuer->key : made.key, EVP_sha256()) > 0);
	return made;
}

/* NAME.pem, NAME.key, and NAME.both. */
static void store(const char *name, const struct identity *identity)
{
	static const char *const endings[] = {"pem", "key", "both"};
	char file[64];

	for (size_t i = 0; i < 3; i++) {
		FILE *out;

		snprintf(file, sizeof(file), "%s.%s", name, endings[i]);
		out = fopen(path(file), "w");
		assert_non_null(out);
		if (i != 1)
			assert_int_equal(PEM_write_X509(out, identity->certificate), 1);
		if (i != 0)
			assert_int_equal(PEM_write_PrivateKey(out, identity->key, NULL, NULL, 0, NULL, NULL), 1);
		fclose(out);
	}
}

static void forget(struct identity *identity)
{
	EVP_PKEY_free(identity->key);
	X509_free(identity->certificate);
}

static void make_one(const char *name, const struct identity *issuer, const char *names, int from, int to)
{
	struct identity made = make(name, issuer, names, from, to);

	store(name, &made);
	forget(&made);
}

static int make_all(void **state)
{
	struct identity ca, other;
	FILE *out;

	(void)state;
	assert_non_null(mkdtemp(folder));
	ca = make("test CA", NULL, NULL, -1, 10);
	other = make("other CA", NULL, NULL, -1, 10);
	store("ca", &ca);
	store("other-ca", &other);
	make_one("server", &ca, "DNS:localhost", -1, 10);
	make_one("address", &ca, "IP:127.0.0.1", -1, 10);
	make_one("elsewhere", &ca, "DNS:elsewhere.example", -1, 10);
	make_one("expired", &ca, "DNS:localhost", -10, -1);
	make_one("early", &ca, "DNS:localhost", 1, 10);
	make_one("caller", &ca, "DNS:caller", -1, 10);
	make_one("stranger", &other, "DNS:stranger", -1, 10);
	out = fopen(path("locked.key"), "w");
	assert_int_equal(
		PEM_write_PrivateKey(out, ca.key, EVP_aes_128_cbc(), (const unsigned char *)"pass", 4, NULL, NULL), 1);
	fclose(out);
	out = fopen(path("empty"), "w");
	fclose(out);
	forget(&ca);
	forget(&other);
	return 0;
}

static int remove_all(void **state)
{
	static const char *const names[] = {
		"ca", "other-ca", "server", "address", "elsewhere", "expired", "early", "caller", "stranger"};
	static const char *const endings[] = {"pem", "key", "both"};
	char file[64];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (size_t j = 0; j < 3; j++) {
			snprintf(file, sizeof(file), "%s.%s", names[i], endings[j]);
			unlink(path(file));
		}
	unlink(path("locked.key"));
	unlink(path("empty"));
	return rmdir(folder);
}

/* ---- connecting ---- */

static void serve(struct fake *fake, const char *certificate, const char *client_ca)
{
	char file[64];
	const char *key;

	snprintf(file, sizeof(file), "%s.key", certificate);
	key = path(file);
	snprintf(file, sizeof(file), "%s.pem", certificate);
	fake_set_certificate(path(file), key, client_ca);
	fake_start(fake, "https://localhost:0", fake_serving);
}

static enum lf_code connect_with(
	struct lf_client **client, const char *url, const struct lf_client_tls *tls, struct lf_error *error)
{
	const struct lf_client_options options = {.url = url, .connect_timeout_ms = 60000};

	return lf_client_new_tls(client, &options, tls, error);
}

static void is_refused(const char *url, const struct lf_client_tls *tls, enum lf_code code, const char *because)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_client *client;

	assert_int_equal(connect_with(&client, url, tls, &error), code);
	assert_null(client);
	if (strstr(error.message, because) == NULL)
		fail_msg("\"%s\" says not \"%s\"", error.message, because);
	lf_error_clean_up(&error);
}

static void is_served(const char *url, const struct lf_client_tls *tls)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_client *client;

	if (connect_with(&client, url, tls, &error) != LF_OK)
		fail_msg("%s", error.message);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(check_health(client, NULL, NULL), LF_OK);
	lf_client_destroy(client);
}

static void a_server_of_a_trusted_ca_and_the_right_name_is_served_by(void **state)
{
	struct fake fake;
	char url[64];

	(void)state;
	serve(&fake, "server", NULL);
	is_served(fake.url, &(struct lf_client_tls){.ca_file = path("ca.pem")});
	fake_stop(&fake);
	serve(&fake, "address", NULL);
	snprintf(url, sizeof(url), "https://127.0.0.1%s", strrchr(fake.url, ':'));
	is_served(url, &(struct lf_client_tls){.ca_file = path("ca.pem")});
	fake_stop(&fake);
}

static void a_server_that_does_not_prove_who_it_is_gets_nothing(void **state)
{
	const struct lf_client_tls ca = {.ca_file = path("ca.pem")}, other = {.ca_file = path("other-ca.pem")};
	struct fake fake;
	char url[64];

	(void)state;
	serve(&fake, "server", NULL);
	is_refused(fake.url, NULL, LF_UNAUTHENTICATED, "of an unknown issuer");
	is_refused(fake.url, &other, LF_UNAUTHENTICATED, "of an unknown issuer");
	snprintf(url, sizeof(url), "https://127.0.0.1%s", strrchr(fake.url, ':'));
	is_refused(url, &ca, LF_UNAUTHENTICATED, "for another name");
	assert_int_equal(fake.requests, 0);
	fake_stop(&fake);
	serve(&fake, "elsewhere", NULL);
	is_refused(fake.url, &ca, LF_UNAUTHENTICATED, "for another name");
	fake_stop(&fake);
	serve(&fake, "expired", NULL);
	is_refused(fake.url, &ca, LF_UNAUTHENTICATED, "has expired");
	fake_stop(&fake);
	serve(&fake, "early", NULL);
	is_refused(fake.url, &ca, LF_UNAUTHENTICATED, "not valid yet");
	fake_stop(&fake);
}

static void a_client_shows_its_certificate_where_it_is_asked(void **state)
{
	struct lf_client_tls tls = {.ca_file = path("ca.pem")};
	struct fake fake;

	(void)state;
	serve(&fake, "server", path("ca.pem"));
	is_refused(fake.url, &tls, LF_UNAUTHENTICATED, "wants a client certificate");
	tls.cert_file = path("stranger.both");
	is_refused(fake.url, &tls, LF_UNAUTHENTICATED, "does not accept the client certificate");
	tls.cert_file = path("caller.both");
	is_served(fake.url, &tls);
	tls.cert_file = path("caller.pem");
	tls.key_file = path("caller.key");
	is_served(fake.url, &tls);
	fake_stop(&fake);
}

static void plain_and_tls_are_not_mixed_up(void **state)
{
	struct fake fake;
	char url[192];

	(void)state;
	fake_start(&fake, "http://127.0.0.1:0", fake_serving);
	snprintf(url, sizeof(url), "https:%.100s", fake.url + 5);
	is_refused(url, NULL, LF_UNAVAILABLE, "does not speak TLS");
	fake_stop(&fake);
	serve(&fake, "server", NULL);
	snprintf(url, sizeof(url), "http:%.100s", fake.url + 6);
	is_refused(url, NULL, LF_UNAVAILABLE, ""); /* an alert, or a closed connection */
	fake_stop(&fake);
}

static void files_that_are_no_use_are_named(void **state)
{
	struct lf_client_tls tls;

	(void)state;
	tls = (struct lf_client_tls){.ca_file = path("none")};
	is_refused("https://localhost:1", &tls, LF_INVALID_ARGUMENT, "ca_file: ");
	is_refused("https://localhost:1", &tls, LF_INVALID_ARGUMENT, "No such file");
	tls = (struct lf_client_tls){.ca_file = path("empty")};
	is_refused("https://localhost:1", &tls, LF_INVALID_ARGUMENT, "there is no certificate in ");
	tls = (struct lf_client_tls){.cert_file = path("caller.key")};
	is_refused("https://localhost:1", &tls, LF_INVALID_ARGUMENT, "cert_file: there is no certificate in ");
	tls = (struct lf_client_tls){.cert_file = path("caller.pem")};
	is_refused(
		"https://localhost:1", &tls, LF_INVALID_ARGUMENT, "cert_file: there is no unencrypted private key in ");
	tls = (struct lf_client_tls){.cert_file = path("caller.pem"), .key_file = path("server.key")};
	is_refused("https://localhost:1", &tls, LF_INVALID_ARGUMENT, "is not that of the certificate");
	tls = (struct lf_client_tls){.cert_file = path("ca.pem"), .key_file = path("locked.key")};
	is_refused(
		"https://localhost:1", &tls, LF_INVALID_ARGUMENT, "key_file: there is no unencrypted private key in ");
	tls = (struct lf_client_tls){.key_file = path("caller.key")};
	is_refused("https://localhost:1", &tls, LF_INVALID_ARGUMENT, "and none is given");
	tls = (struct lf_client_tls){.ca_file = path("ca.pem")};
	is_refused("http://localhost:1", &tls, LF_INVALID_ARGUMENT, "only https:// has");
	is_refused("tcp://localhost:1", &tls, LF_INVALID_ARGUMENT, "only https:// has");
}

/* ---- calls ---- */

static void echo(struct fake *fake, struct fake_request *request)
{
	fake_reply(fake, request, LF_OK, request->frame.message, request->frame.message_length);
}

static void on_bytes(const uint8_t *reply, size_t length, void *closure_data)
{
	*(size_t *)closure_data = reply != NULL ? length : 0;
}

static void large_messages_go_both_ways_and_a_restart_is_survived(void **state)
{
	enum { BYTES = 3 * 1024 * 1024 };
	struct lf_call_options again = {.idempotent = true, .timeout_ms = 60000, .attempts_max = 1000};
	const struct lf_client_tls tls = {.ca_file = path("ca.pem")};
	uint8_t *large = calloc(1, BYTES);
	size_t lengths[8];
	struct lf_call *calls[8];
	struct lf_client *client;
	struct fake fake;
	char url[160];

	(void)state;
	assert_non_null(large);
	serve(&fake, "server", NULL);
	fake.handler = echo;
	assert_int_equal(connect_with(&client, fake.url, &tls, NULL), LF_OK);
	for (size_t i = 0; i < 8; i++) {
		const struct lf_call_options options = {.timeout_ms = 60000};

		calls[i] = lf_call_new(client, lf_services[0], &options);
		lf_call_start_bytes(calls[i], 0, large, BYTES - i, on_bytes, &lengths[i]);
	}
	for (size_t i = 0; i < 8; i++) {
		assert_int_equal(lf_call_wait(calls[i], NULL), LF_OK);
		assert_int_equal(lengths[i], BYTES - i);
		lf_call_destroy(calls[i]);
	}
	memcpy(url, fake.url, sizeof(url));
	fake_stop(&fake);
	fake_start(&fake, url, fake_serving);
	assert_int_equal(check_health(client, &again, NULL), LF_OK);
	lf_client_destroy(client);
	fake_stop(&fake);
	free(large);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_of_a_trusted_ca_and_the_right_name_is_served_by),
		cmocka_unit_test(a_server_that_does_not_prove_who_it_is_gets_nothing),
		cmocka_unit_test(a_client_shows_its_certificate_where_it_is_asked),
		cmocka_unit_test(plain_and_tls_are_not_mixed_up),
		cmocka_unit_test(files_that_are_no_use_are_named),
		cmocka_unit_test(large_messages_go_both_ways_and_a_restart_is_survived),
	};

	alarm(290); /* a hang is a failure */
	return cmocka_run_group_tests(tests, make_all, remove_all);
}
