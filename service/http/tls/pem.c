#include "service/http/tls/pem.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/file.h"

enum { FILE_BYTES_MAX = 1024 * 1024 };

void lf_http_pem_clean_up(struct lf_http_pem *text)
{
	if (text->bytes != NULL)
		explicit_bzero(text->bytes, text->room);
	free(text->bytes);
	*text = (struct lf_http_pem){.bytes = NULL};
}

static enum lf_code check_file(const struct stat *status, const char *option, const char *path, struct lf_error *error)
{
	if (!S_ISREG(status->st_mode))
		return lf_error_set(error, LF_INVALID_ARGUMENT, "%s %.300s: not a regular file", option, path);
	if (status->st_size > FILE_BYTES_MAX)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "%s %.300s: %lld bytes are more than %d", option, path,
			(long long)status->st_size, FILE_BYTES_MAX);
	return LF_OK;
}

enum lf_code lf_http_pem_read(struct lf_http_pem *text, const char *option, const char *path, struct lf_error *error)
{
	struct stat status;
	enum lf_code code;
	int failed;
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	*text = (struct lf_http_pem){.bytes = NULL};
	if (fd < 0 || fstat(fd, &status) != 0) {
		code = lf_error_set(error, LF_UNAVAILABLE, "%s %.300s: %s", option, path, strerror(errno));
		goto close_file;
	}
	code = check_file(&status, option, path, error);
	if (code != LF_OK)
		goto close_file;
	text->mode = status.st_mode;
	text->owner = status.st_uid;
	text->room = (size_t)status.st_size + 1;
	text->bytes = malloc(text->room);
	if (text->bytes == NULL) {
		code = lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for %.300s", path);
		goto close_file;
	}
	failed = lf_file_read_up_to(fd, text->bytes, text->room, &text->length);
	if (failed != 0)
		code = lf_error_set(error, LF_UNAVAILABLE, "%s %.300s: %s", option, path, strerror(failed));
close_file:
	if (fd >= 0)
		close(fd);
	return code;
}

/* ---- PEM ---- */

const char *lf_http_pem_reason(void)
{
	const unsigned long last = ERR_peek_last_error();
	const char *text = last != 0 ? ERR_reason_error_string(last) : NULL;

	ERR_clear_error();
	return text != NULL ? text : "no reason given";
}

/* OpenSSL would ask for a password at the terminal. */
static int no_password(char *text, int size, int for_writing, void *context)
{
	(void)text;
	(void)size;
	(void)for_writing;
	(void)context;
	return -1;
}

static bool at_end(void)
{
	const unsigned long last = ERR_peek_last_error();

	if (ERR_GET_LIB(last) != ERR_LIB_PEM || ERR_GET_REASON(last) != PEM_R_NO_START_LINE)
		return false;
	ERR_clear_error();
	return true;
}

enum lf_code lf_http_pem_certificates(STACK_OF(X509) * *out, const struct lf_http_pem *text, int max,
	const char *option, const char *path, struct lf_error *error)
{
	STACK_OF(X509) *all = sk_X509_new_null();
	BIO *bio = BIO_new_mem_buf(text->bytes, (int)text->length);
	enum lf_code code = LF_OK;
	X509 *one;

	if (all == NULL || bio == NULL)
		code = lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for %.300s", path);
	while (code == LF_OK && (one = PEM_read_bio_X509(bio, NULL, no_password, NULL)) != NULL) {
		if (sk_X509_num(all) == max)
			code = lf_error_set(
				error, LF_INVALID_ARGUMENT, "%s %.300s: more than %d certificates", option, path, max);
		if (code != LF_OK || sk_X509_push(all, one) <= 0) {
			X509_free(one);
			if (code == LF_OK)
				code = lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for %.300s", path);
		}
	}
	if (code == LF_OK && !at_end())
		code = lf_error_set(error, LF_INVALID_ARGUMENT, "%s %.300s: certificate %d can't be read: %s", option,
			path, sk_X509_num(all) + 1, lf_http_pem_reason());
	else if (code == LF_OK && sk_X509_num(all) == 0)
		code = lf_error_set(error, LF_INVALID_ARGUMENT,
			"%s %.300s: there is no certificate (-----BEGIN CERTIFICATE-----) in it", option, path);
	BIO_free(bio);
	if (code == LF_OK)
		*out = all;
	else
		sk_X509_pop_free(all, X509_free);
	return code;
}

/*
 * Whoever may read the key can pretend to be the service. One of root's may be readable by its group: so Debian has it
 * (ssl-cert), and so systemd gives a service its credentials.
 */
static enum lf_code check_mode(const struct lf_http_pem *text, const char *path, struct lf_error *error)
{
	const mode_t bad = S_IRWXO | S_IWGRP | S_IXGRP | (text->owner == 0 ? 0 : S_IRGRP);

	if ((text->mode & bad) == 0)
		return LF_OK;
	return lf_error_set(error, LF_FAILED_PRECONDITION,
		"--tls-key %.300s: others than its owner may read or write it (mode %03o): chmod 600", path,
		(unsigned)text->mode & 0777);
}

enum lf_code lf_http_pem_key(EVP_PKEY **key, const struct lf_http_pem *text, const char *path, struct lf_error *error)
{
	BIO *bio = BIO_new_mem_buf(text->bytes, (int)text->length);
	enum lf_code code;

	*key = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
	BIO_free(bio);
	if (*key == NULL && memmem(text->bytes, text->length, "ENCRYPTED", 9) != NULL)
		code = lf_error_set(error, LF_INVALID_ARGUMENT,
			"--tls-key %.300s: the key is encrypted, and nobody is there to give its password: "
			"openssl pkey -in FILE -out FILE decrypts it",
			path);
	else if (*key == NULL)
		code = lf_error_set(error, LF_INVALID_ARGUMENT,
			"--tls-key %.300s: there is no private key (-----BEGIN PRIVATE KEY-----) in it that can be "
			"read: %s",
			path, lf_http_pem_reason());
	else
		code = check_mode(text, path, error);
	ERR_clear_error();
	return code;
}
