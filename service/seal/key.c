#include "service/seal/key.h"

#include <errno.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/hex.h"
#include "service/seal/durable.h"

enum { RANDOM_NAME_BYTES = 8, FILE_BYTES_MAX = 1024 };

void lf_key_clear(struct lf_signer *signer)
{
	explicit_bzero(signer, sizeof(*signer));
}

enum lf_code lf_key_load(struct lf_signer *signer, const char *path, struct lf_error *error)
{
	char text[FILE_BYTES_MAX + 1];
	enum lf_code code = LF_OK;
	size_t length = 0;
	mode_t mode = 0;
	const int failed = lf_durable_get(path, text, FILE_BYTES_MAX, &length, &mode);

	memset(signer, 0, sizeof(*signer));
	text[length] = '\0';
	if (failed == ENOENT)
		code = lf_error_set(error, LF_NOT_FOUND, "--key %.300s: there is no such file", path);
	else if (failed == EFBIG)
		code = lf_error_set(error, LF_INVALID_ARGUMENT, "--key %.300s: more than %d bytes are no signing key",
			path, FILE_BYTES_MAX);
	else if (failed == EINVAL)
		code = lf_error_set(error, LF_INVALID_ARGUMENT, "--key %.300s: not a regular file", path);
	else if (failed != 0)
		code = lf_error_set(error, LF_UNAVAILABLE, "--key %.300s: %s", path, strerror(failed));
	else if ((mode & (S_IRWXG | S_IRWXO)) != 0)
		code = lf_error_set(error, LF_FAILED_PRECONDITION,
			"--key %.300s: others than its owner may read or write it (mode %03o), so it may be known to "
			"them: chmod 600, "
			"or begin with a new key",
			path, (unsigned)mode & 0777);
	else if (strlen(text) != length || !lf_signer_parse(text, signer))
		code = lf_error_set(error, LF_INVALID_ARGUMENT,
			"--key %.300s: not a signing key, which is PRIVATE+KEY+<name>+<id>+<base64 of Ed25519's seed> "
			"on one line",
			path);
	explicit_bzero(text, sizeof(text));
	if (code != LF_OK)
		lf_key_clear(signer);
	return code;
}

static bool random_name(char name[LF_KEY_NAME_MAX + 1])
{
	uint8_t bytes[RANDOM_NAME_BYTES];
	const int length = snprintf(name, LF_KEY_NAME_MAX + 1, "leadfit/");

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return false;
	*lf_hex_print(bytes, sizeof(bytes), name + length) = '\0';
	return true;
}

/* A name for it while it is not whole: of this process, since two may make a key of the same name at once. */
static char *name_beside(const char *path)
{
	char *name = NULL;

	return asprintf(&name, "%s.%ld.tmp", path, (long)getpid()) < 0 ? NULL : name;
}

static int put(const char *path, const char *line, mode_t mode, bool keep)
{
	char *beside = name_beside(path);
	const int failed = beside == NULL ? ENOMEM : lf_durable_put(path, beside, line, strlen(line), mode, keep);

	free(beside);
	return failed;
}

enum lf_code lf_key_check_name(const char *origin, struct lf_error *error)
{
	return lf_key_name_valid(origin)
		? LF_OK
		: lf_error_set(error, LF_INVALID_ARGUMENT,
			  "--origin \"%.200s\": a name has 1..%d bytes of UTF-8 without spaces, control characters and "
			  "'+'",
			  origin, LF_KEY_NAME_MAX);
}

enum lf_code lf_key_make(struct lf_signer *signer, const char *path, const char *origin, struct lf_error *error)
{
	char line[LF_KEY_TEXT_MAX + 1], name[LF_KEY_NAME_MAX + 1];
	int failed;

	memset(signer, 0, sizeof(*signer));
	if (origin != NULL && lf_key_check_name(origin, error) != LF_OK)
		return LF_INVALID_ARGUMENT;
	if ((origin == NULL && !random_name(name)) || !lf_signer_generate(signer, origin != NULL ? origin : name))
		return lf_error_set(error, LF_UNAVAILABLE, "there are no random bytes to make a signing key of");
	lf_signer_print(signer, line);
	strcat(line, "\n");
	failed = put(path, line, 0600, true);
	explicit_bzero(line, sizeof(line));
	if (failed == 0)
		return LF_OK;
	lf_key_clear(signer);
	return lf_error_set(error, failed == EEXIST ? LF_ALREADY_EXISTS : LF_UNAVAILABLE,
		"--key %.300s: can't be made: %s", path, strerror(failed));
}

enum lf_code lf_key_publish(const struct lf_signer *signer, const char *path, struct lf_error *error)
{
	char line[LF_KEY_TEXT_MAX + 1], there[LF_KEY_TEXT_MAX + 1], *name = NULL;
	struct lf_verifier verifier;
	size_t length;
	int failed = 0;

	lf_signer_verifier(signer, &verifier);
	lf_verifier_print(&verifier, line);
	strcat(line, "\n");
	if (asprintf(&name, "%s.pub", path) < 0)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for a file's name");
	if (lf_durable_get(name, there, sizeof(there), &length, NULL) != 0 || length != strlen(line) ||
		memcmp(there, line, length) != 0)
		failed = put(name, line, 0644, false);
	if (failed != 0)
		lf_error_set(error, LF_UNAVAILABLE, "%.300s: can't be written: %s", name, strerror(failed));
	free(name);
	return failed == 0 ? LF_OK : LF_UNAVAILABLE;
}
