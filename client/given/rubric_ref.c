#include "client/given/rubric_ref.h"

#include <ctype.h>
#include <string.h>
#include <unistd.h>

#include "proto/wire/borrow.h"
#include "proto/wire/wire.h"
#include "storage/tlog/hash.h"

/* The only stored digest that begins like this, in arena; NULL on error. */
static char *find_digest(struct lf_cli *cli, const char *what, const char *name, const char *begin,
	struct lf_arena *arena, struct lf_error *error)
{
	Leadfit__V1__ListRubricsRequest request;
	ProtobufCMessage *reply;
	const Leadfit__V1__ListRubricsResponse *list;
	const char *found;
	size_t count;
	char *digest;

	leadfit__v1__list_rubrics_request__init(&request);
	reply = lf_cli_call(cli, "leadfit.v1.Rubrics/List", &request.base, true, error);
	if (reply == NULL)
		return NULL;
	list = (const Leadfit__V1__ListRubricsResponse *)reply;
	found = NULL;
	count = 0;
	for (size_t i = 0; i < list->n_versions; i++) {
		const Leadfit__V1__RubricRef *ref = list->versions[i]->ref;

		if (ref == NULL || strncmp(ref->digest, begin, strlen(begin)) != 0 ||
			(name[0] != '\0' && strcmp(ref->name, name) != 0))
			continue;
		found = ref->digest;
		count++;
	}
	digest = count == 1 ? lf_arena_strdup(arena, found, strlen(found)) : NULL;
	if (count == 0)
		lf_error_set(error, LF_NOT_FOUND, "%s: no version's digest begins with %s", what, begin);
	else if (count > 1)
		lf_error_set(error, LF_INVALID_ARGUMENT, "%s: %zu versions' digests begin with %s", what, count, begin);
	else if (digest == NULL)
		lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	protobuf_c_message_free_unpacked(reply, NULL);
	return digest;
}

char *lf_digest_complete(struct lf_cli *cli, const char *what, const char *name, const char *text,
	struct lf_arena *arena, struct lf_error *error)
{
	const size_t length = strlen(text);
	char *lower;

	if (length < LF_DIGEST_DIGITS_MIN || length > LF_DIGEST_DIGITS ||
		strspn(text, "0123456789abcdefABCDEF") != length) {
		lf_error_set(error, LF_INVALID_ARGUMENT, "%s: %s is not %d..%d hexadecimal digits", what, text,
			LF_DIGEST_DIGITS_MIN, LF_DIGEST_DIGITS);
		return NULL;
	}
	lower = lf_arena_strdup(arena, text, length);
	if (lower == NULL) {
		lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
		return NULL;
	}
	for (size_t i = 0; i < length; i++)
		lower[i] = (char)tolower((unsigned char)lower[i]);
	return length == LF_DIGEST_DIGITS ? lower : find_digest(cli, what, name, lower, arena, error);
}

static bool is_digest(const char *text)
{
	const size_t length = strlen(text);

	return length >= LF_DIGEST_DIGITS_MIN && length <= LF_DIGEST_DIGITS &&
		strspn(text, "0123456789abcdefABCDEF") == length;
}

static bool is_stored_name(struct lf_cli *cli, const char *name)
{
	Leadfit__V1__ListRubricsRequest request;
	struct lf_error ignored = LF_ERROR_INIT;
	ProtobufCMessage *reply;
	bool stored;

	leadfit__v1__list_rubrics_request__init(&request);
	request.name = lf_unconst(name);
	reply = lf_cli_call(cli, "leadfit.v1.Rubrics/List", &request.base, true, &ignored);
	stored = reply != NULL && ((const Leadfit__V1__ListRubricsResponse *)reply)->n_versions > 0;
	protobuf_c_message_free_unpacked(reply, NULL);
	lf_error_clean_up(&ignored);
	return stored;
}

enum lf_code lf_rubric_stored(struct lf_cli *cli, const char *what, const char *operand, struct lf_arena *arena,
	char **name, char **digest, struct lf_error *error)
{
	const char *at = strrchr(operand, '@');
	const char *digits = at != NULL && is_digest(at + 1) ? at + 1
		: at == NULL && is_digest(operand)           ? operand
							     : NULL;
	const size_t length = digits == NULL ? strlen(operand) : digits == operand ? 0 : (size_t)(at - operand);

	*digest = NULL;
	*name = lf_arena_strdup(arena, operand, length);
	if (*name == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	if (digits == NULL || (*digest = lf_digest_complete(cli, what, *name, digits, arena, error)) != NULL)
		return LF_OK;
	if (error->code != LF_NOT_FOUND || digits != operand || !is_stored_name(cli, operand))
		return error->code;
	/* No version's digest begins so, and a rubric is called so. */
	lf_error_clean_up(error);
	lf_error_init(error);
	*name = lf_arena_strdup(arena, operand, strlen(operand));
	return *name != NULL ? LF_OK : lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
}

bool lf_rubric_is_file(const char *operand)
{
	const char *dot = strrchr(operand, '.');

	return strcmp(operand, "-") == 0 || strchr(operand, '/') != NULL || access(operand, F_OK) == 0 ||
		(dot != NULL &&
			(strcasecmp(dot, ".yaml") == 0 || strcasecmp(dot, ".yml") == 0 ||
				strcasecmp(dot, ".json") == 0));
}

Leadfit__V1__Rubric *lf_rubric_read(
	struct lf_input *input, const char *path, struct lf_arena *arena, struct lf_error *error)
{
	if (lf_input_read(input, path, false, error) != LF_OK)
		return NULL;
	return (Leadfit__V1__Rubric *)lf_input_parse(input, &leadfit__v1__rubric__descriptor, NULL, arena, error);
}

char *lf_rubric_digest(Leadfit__V1__Rubric *rubric, struct lf_arena *arena, struct lf_error *error)
{
	struct lf_digest digest;
	char text[LF_DIGEST_DIGITS + 1], *copy = NULL;
	size_t length;
	const uint8_t *bytes = lf_wire_canonical_bytes(&rubric->base, arena, &length);

	if (bytes != NULL) {
		lf_sha256(bytes, length, &digest);
		lf_digest_print(&digest, text);
		copy = lf_arena_strdup(arena, text, LF_DIGEST_DIGITS);
	}
	if (copy == NULL)
		lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	return copy;
}

ProtobufCMessage *lf_rubric_get(
	struct lf_cli *cli, const char *name, const char *digest, struct lf_arena *arena, struct lf_error *error)
{
	Leadfit__V1__GetRubricRequest request;

	leadfit__v1__get_rubric_request__init(&request);
	request.name = lf_arena_strdup(arena, name, strlen(name));
	if (request.name == NULL) {
		lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
		return NULL;
	}
	if (digest != NULL) {
		request.digest = lf_digest_complete(cli, "--digest", name, digest, arena, error);
		if (request.digest == NULL)
			return NULL;
	}
	return lf_cli_call(cli, "leadfit.v1.Rubrics/Get", &request.base, true, error);
}
