#include "service/rpc/tokens.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/file.h"
#include "proto/base/hex.h"
#include "proto/base/limits.h"
#include "proto/base/secret.h"
#include "service/events/events.h"

enum {
	DIGEST_BYTES = 32,
	FILE_BYTES_MAX = 1024 * 1024,
	CALLERS_MAX = 4096,
};

struct caller {
	struct lf_caller caller;            /* first; its name is "cert:NAME" where it is known by a certificate */
	unsigned char digest[DIGEST_BYTES]; /* of its token; else zeros, which no token has */
	bool by_certificate;
};

static const char CERTIFICATE[] = "cert:";
enum { CERTIFICATE_LENGTH = sizeof(CERTIFICATE) - 1 };

struct lf_tokens {
	atomic_size_t references;
	EVP_MD *sha256;
	size_t count, capacity;
	struct caller *callers; /* in memory for secrets; in the file's order */
	uint16_t *by_digest;    /* their indexes, by digest */
	bool unlocked;          /* which can't be locked: said once */
};

static_assert(CALLERS_MAX <= UINT16_MAX, "an index fits");

/* The word at *at, which is moved behind it; length 0 at the end of the line or at a comment. */
static const char *next_word(const char **at, const char *end, size_t *length)
{
	const char *start = *at;

	while (start < end && (*start == ' ' || *start == '\t' || *start == '\r'))
		start++;
	*at = start;
	if (start < end && *start == '#')
		*at = end;
	else
		while (*at < end && **at != ' ' && **at != '\t' && **at != '\r')
			(*at)++;
	*length = start < end && *start == '#' ? 0 : (size_t)(*at - start);
	return start;
}

static bool parse_digest(unsigned char *digest, const char *text, size_t length)
{
	if (length != 2 * DIGEST_BYTES)
		return false;
	for (size_t i = 0; i < DIGEST_BYTES; i++) {
		int high = lf_hex_value(text[2 * i]), low = lf_hex_value(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		digest[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

static bool parse_name(char *name, const char *text, size_t length)
{
	if (length == 0 || length > LF_ID_BYTES_MAX)
		return false;
	for (size_t i = 0; i < length; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	memcpy(name, text, length);
	name[length] = '\0';
	return true;
}

static unsigned role_of(const char *text, size_t length)
{
	static const struct {
		const char *name;
		unsigned role;
	} ROLES[] = {
		{"read", LF_ROLE_READ}, {"score", LF_ROLE_SCORE}, {"rubric", LF_ROLE_RUBRIC}, {"admin", LF_ROLE_ADMIN}};

	for (size_t i = 0; i < sizeof(ROLES) / sizeof(ROLES[0]); i++)
		if (strlen(ROLES[i].name) == length && memcmp(ROLES[i].name, text, length) == 0)
			return ROLES[i].role;
	return 0;
}

/* 0 where one of the roles is unknown, or there is none. */
static unsigned parse_roles(const char *text, size_t length, const char **bad, size_t *bad_length)
{
	const char *end = text + length;
	unsigned roles = 0;

	for (;;) {
		const char *comma = memchr(text, ',', (size_t)(end - text));
		size_t word = (size_t)((comma != NULL ? comma : end) - text);
		unsigned role = role_of(text, word);

		if (role == 0) {
			*bad = text;
			*bad_length = word;
			return 0;
		}
		roles |= role;
		if (comma == NULL)
			return roles;
		text = comma + 1;
	}
}

static bool add(struct lf_tokens *tokens, const struct caller *caller)
{
	if (tokens->count == tokens->capacity) {
		size_t capacity = tokens->capacity == 0 ? 16 : 2 * tokens->capacity;
		int unlocked = 0;
		struct caller *callers = lf_secret_new(capacity * sizeof(*callers), &unlocked);

		if (callers == NULL)
			return false;
		if (unlocked != 0 && !tokens->unlocked)
			lf_event_say(LF_EVENT_SECRETS_UNLOCKED,
				"the hashes of tokens may be swapped to disk: they can't be locked in memory "
				"(RLIMIT_MEMLOCK): %s",
				strerror(unlocked));
		tokens->unlocked = unlocked != 0;
		if (tokens->callers != NULL)
			memcpy(callers, tokens->callers, tokens->count * sizeof(*callers));
		lf_secret_free(tokens->callers, tokens->capacity * sizeof(*callers));
		tokens->callers = callers;
		tokens->capacity = capacity;
	}
	tokens->callers[tokens->count++] = *caller;
	return true;
}

static void check_unique(
	const struct lf_tokens *tokens, const struct caller *caller, const char *where, struct lf_error *error)
{
	for (size_t i = 0; i < tokens->count; i++) {
		if (strcmp(tokens->callers[i].caller.name, caller->caller.name) == 0)
			lf_error_add(
				error, where, "the name \"%s\" stands on an earlier line too", caller->caller.name);
		if (!caller->by_certificate && memcmp(tokens->callers[i].digest, caller->digest, DIGEST_BYTES) == 0)
			lf_error_add(error, where, "the token of \"%s\" is on an earlier line too",
				tokens->callers[i].caller.name);
	}
}

/* "NAME=N" as one of the quotas. false where it is none; what is wrong with its number goes to error. */
static bool parse_quota(
	struct lf_caller *caller, const char *text, size_t length, const char *where, struct lf_error *error)
{
	const struct {
		const char *name;
		uint32_t *value;
		uint32_t max;
	} quotas[] = {{"requests_per_second=", &caller->requests_per_second, LF_QUOTA_REQUESTS_MAX},
		{"in_flight=", &caller->in_flight_max, LF_IN_FLIGHT_MAX}};

	for (size_t i = 0; i < sizeof(quotas) / sizeof(quotas[0]); i++) {
		const size_t name_length = strlen(quotas[i].name);
		uint32_t value = 0;

		if (length < name_length || memcmp(text, quotas[i].name, name_length) != 0)
			continue;
		for (size_t d = name_length; d < length && value <= quotas[i].max; d++)
			value = text[d] >= '0' && text[d] <= '9' ? 10 * value + (uint32_t)(text[d] - '0') : UINT32_MAX;
		if (value == 0 || value > quotas[i].max)
			lf_error_add(error, where, "\"%.*s\": a number of 1..%u is wanted",
				length > 64 ? 64 : (int)length, text, (unsigned)quotas[i].max);
		else if (*quotas[i].value != 0)
			lf_error_add(error, where, "\"%.*s\" is there twice", (int)name_length - 1, text);
		*quotas[i].value = value;
		return true;
	}
	return false;
}

/* What comes behind the roles. false where something is wrong with it, which is then said. */
static bool parse_quotas(
	struct lf_caller *caller, const char *line, const char *end, const char *where, struct lf_error *error)
{
	const size_t violations = error->violation_count;
	size_t length;
	const char *word = next_word(&line, end, &length);

	while (length != 0) {
		if (!parse_quota(caller, word, length, where, error))
			lf_error_add(error, where, "\"%.*s\" is none of the quotas requests_per_second=N, in_flight=N",
				length > 64 ? 64 : (int)length, word);
		word = next_word(&line, end, &length);
	}
	return error->violation_count == violations;
}

static bool is_certificate(const char *name, size_t length)
{
	return length >= CERTIFICATE_LENGTH && memcmp(name, CERTIFICATE, CERTIFICATE_LENGTH) == 0;
}

/* The first words of a line: three, or two of cert:NAME. false where they are wrong, which is then said. */
static bool parse_caller(
	struct caller *caller, const char **line, const char *end, const char *where, struct lf_error *error)
{
	size_t name_length, digest_length = 0, roles_length, bad_length;
	const char *name = next_word(line, end, &name_length);
	const bool by_certificate = caller->by_certificate = is_certificate(name, name_length);
	const char *digest = by_certificate ? NULL : next_word(line, end, &digest_length);
	const char *roles = next_word(line, end, &roles_length), *bad;

	if (roles_length == 0)
		lf_error_add(error, where,
			"a line is NAME SHA256-OF-TOKEN ROLE[,ROLE...] or cert:NAME ROLE[,ROLE...], then "
			"[requests_per_second=N] [in_flight=N]");
	else if (!parse_name(caller->caller.name, name, name_length))
		lf_error_add(error, where, "a name has 1..%d bytes of visible ASCII", LF_ID_BYTES_MAX);
	else if (by_certificate && name_length == CERTIFICATE_LENGTH)
		lf_error_add(error, where, "behind cert: comes the name in the client's certificate");
	else if (!by_certificate && !parse_digest(caller->digest, digest, digest_length))
		lf_error_add(error, where, "the SHA-256 of \"%s\" is not 64 hexadecimal digits", caller->caller.name);
	else {
		caller->caller.roles = parse_roles(roles, roles_length, &bad, &bad_length);
		if (caller->caller.roles != 0)
			return true;
		lf_error_add(error, where, "\"%.*s\" is none of the roles read, score, rubric, admin",
			bad_length > 64 ? 64 : (int)bad_length, bad);
	}
	return false;
}

/* One line, without its newline. false where memory ran out; what is wrong with the line goes to error. */
static bool parse_line(
	struct lf_tokens *tokens, const char *line, const char *end, const char *where, struct lf_error *error)
{
	const char *first = line;
	struct caller caller = {0};
	size_t length;

	next_word(&first, end, &length);
	if (length == 0 || !parse_caller(&caller, &line, end, where, error) ||
		!parse_quotas(&caller.caller, line, end, where, error))
		return true;
	check_unique(tokens, &caller, where, error);
	if (tokens->count == CALLERS_MAX) {
		lf_error_add(error, where, "a file has at most %d callers", CALLERS_MAX);
		return true;
	}
	return add(tokens, &caller);
}

/* Every line of the text. */
static enum lf_code parse(struct lf_tokens *tokens, const char *text, size_t length, struct lf_error *error)
{
	const char *end = text + length;

	for (unsigned number = 1; text < end; number++) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *line_end = newline != NULL ? newline : end;
		char where[32];

		snprintf(where, sizeof(where), "line %u", number);
		if (!parse_line(tokens, text, line_end, where, error))
			return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the tokens file");
		text = newline != NULL ? newline + 1 : end;
	}
	return LF_OK;
}

static enum lf_code check_file(int fd, const char *path, struct stat *status, struct lf_error *error)
{
	if (fstat(fd, status) != 0)
		return lf_error_set(error, LF_UNAVAILABLE, "%s: %s", path, strerror(errno));
	if (!S_ISREG(status->st_mode))
		return lf_error_set(error, LF_UNAVAILABLE, "%s: not a regular file", path);
	if ((status->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return lf_error_set(error, LF_FAILED_PRECONDITION,
			"%s: others than its owner may write it (mode %03o): chmod go-w", path,
			(unsigned)status->st_mode & 0777);
	if (status->st_size > FILE_BYTES_MAX)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "%s: %lld bytes are more than %d", path,
			(long long)status->st_size, FILE_BYTES_MAX);
	return LF_OK;
}

static enum lf_code load(struct lf_tokens *tokens, const char *path, struct lf_error *error)
{
	size_t length, violations = error != NULL ? error->violation_count : 0;
	struct lf_error local = LF_ERROR_INIT;
	struct lf_error *to = error != NULL ? error : &local;
	enum lf_code code;
	struct stat status;
	char *text;
	int failed;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return lf_error_set(error, LF_UNAVAILABLE, "%s: %s", path, strerror(errno));
	code = check_file(fd, path, &status, error);
	if (code != LF_OK)
		goto close_file;
	text = malloc((size_t)status.st_size + 1);
	if (text == NULL) {
		code = lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the tokens file");
		goto close_file;
	}
	failed = lf_file_read_up_to(fd, text, (size_t)status.st_size, &length);
	if (failed != 0)
		code = lf_error_set(error, LF_UNAVAILABLE, "%s: %s", path, strerror(failed));
	else
		code = parse(tokens, text, length, to);
	if (code == LF_OK && to->violation_count != violations)
		code = lf_error_summarize(to);
	explicit_bzero(text, (size_t)status.st_size);
	free(text);
	lf_error_clean_up(&local);
close_file:
	close(fd);
	return code;
}

static int compare_digests(const void *a, const void *b, void *callers)
{
	const struct caller *of = callers;

	return memcmp(of[*(const uint16_t *)a].digest, of[*(const uint16_t *)b].digest, DIGEST_BYTES);
}

static enum lf_code sort(struct lf_tokens *tokens, struct lf_error *error)
{
	tokens->by_digest = malloc((tokens->count + 1) * sizeof(*tokens->by_digest));
	if (tokens->by_digest == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the tokens file");
	for (size_t i = 0; i < tokens->count; i++)
		tokens->by_digest[i] = (uint16_t)i;
	qsort_r(tokens->by_digest, tokens->count, sizeof(*tokens->by_digest), compare_digests, tokens->callers);
	return LF_OK;
}

enum lf_code lf_tokens_load(struct lf_tokens **out, const char *path, struct lf_error *error)
{
	struct lf_tokens *tokens = calloc(1, sizeof(*tokens));
	enum lf_code code;

	*out = NULL;
	if (tokens == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the tokens file");
	atomic_init(&tokens->references, 1);
	tokens->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (tokens->sha256 == NULL)
		code = lf_error_set(error, LF_INTERNAL, "libcrypto has no SHA-256");
	else
		code = load(tokens, path, error);
	if (code == LF_OK)
		code = sort(tokens, error);
	if (code != LF_OK) {
		lf_tokens_release(tokens);
		return code;
	}
	*out = tokens;
	return LF_OK;
}

struct lf_tokens *lf_tokens_keep(struct lf_tokens *tokens)
{
	if (tokens != NULL)
		atomic_fetch_add_explicit(&tokens->references, 1, memory_order_relaxed);
	return tokens;
}

void lf_tokens_release(struct lf_tokens *tokens)
{
	if (tokens == NULL || atomic_fetch_sub(&tokens->references, 1) != 1)
		return;
	EVP_MD_free(tokens->sha256);
	lf_secret_free(tokens->callers, tokens->capacity * sizeof(*tokens->callers));
	free(tokens->by_digest);
	free(tokens);
}

size_t lf_tokens_count(const struct lf_tokens *tokens)
{
	return tokens->count;
}

const struct lf_caller *lf_tokens_caller(const struct lf_tokens *tokens, size_t index)
{
	return &tokens->callers[index].caller;
}

/*
 * By halves. The time that takes may tell the beginning of a digest, from which no token can be made; the comparison that
 * decides takes constant time.
 */
bool lf_tokens_find(const struct lf_tokens *tokens, const char *token, size_t length, size_t *index)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	size_t low = 0, high = tokens->count;

	if (length == 0 || EVP_Digest(token, length, digest, NULL, tokens->sha256, NULL) != 1)
		return false;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (memcmp(tokens->callers[tokens->by_digest[middle]].digest, digest, DIGEST_BYTES) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == tokens->count || tokens->callers[tokens->by_digest[low]].by_certificate ||
		CRYPTO_memcmp(digest, tokens->callers[tokens->by_digest[low]].digest, DIGEST_BYTES) != 0)
		return false;
	*index = tokens->by_digest[low];
	return true;
}

static bool has_name(const struct caller *caller, struct lf_slice name)
{
	const char *own = caller->caller.name + CERTIFICATE_LENGTH;

	return caller->by_certificate && strlen(own) == name.length && memcmp(own, name.data, name.length) == 0;
}

bool lf_tokens_find_certificate(const struct lf_tokens *tokens, const struct lf_rpc_names *names, size_t *index)
{
	for (size_t n = 0; n < lf_rpc_names_count(names); n++)
		for (size_t i = 0; i < tokens->count; i++)
			if (has_name(&tokens->callers[i], lf_rpc_names_get(names, n))) {
				*index = i;
				return true;
			}
	return false;
}
