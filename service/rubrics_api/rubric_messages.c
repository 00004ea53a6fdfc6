#include "service/rubrics_api/rubric_messages.h"

#include <string.h>

#include "proto/base/hex.h"
#include "proto/wire/wire.h"
#include "service/decide/decision.h"
#include "service/decide/text_list.h"
#include "service/decide/time.h"
#include "service/state/registry.h"

enum lf_code lf_rubric_pack(
	Leadfit__V1__Rubric *rubric, struct lf_arena *arena, struct lf_bytes *bytes, struct lf_error *error)
{
	if (rubric == NULL)
		return lf_error_add(error, "rubric", "is required");
	bytes->data = lf_wire_canonical_bytes(&rubric->base, arena, &bytes->length);
	if (bytes->data == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "the request needs more memory than its budget");
	return LF_OK;
}

struct lf_rubric_version *lf_requested_rubric(struct lf_registry *registry, Leadfit__V1__Rubric *rubric,
	const char *name, const char *digest, struct lf_arena *arena, struct lf_error *error)
{
	struct lf_rubric_version *version = NULL;
	struct lf_digest parsed;
	struct lf_bytes bytes;

	if (rubric != NULL && (*name != '\0' || *digest != '\0')) {
		lf_error_add(error, "rubric", "stands beside name or digest: either is allowed, not both");
	} else if (rubric != NULL) {
		if (lf_rubric_pack(rubric, arena, &bytes, error) == LF_OK)
			lf_rubric_version_new(&version, bytes.data, bytes.length, "", error);
	} else if (*digest == '\0') {
		version = lf_registry_newest(registry, name, error);
	} else if (!lf_digest_parse(digest, &parsed)) {
		lf_error_add(error, "digest", "\"%.70s\" is not 64 hexadecimal digits", digest);
	} else {
		version = lf_registry_find(registry, &parsed, error);
		if (version != NULL && *name != '\0' && strcmp(name, version->message->name) != 0) {
			lf_error_set(error, LF_NOT_FOUND, "that version belongs to the rubric \"%.128s\"",
				version->message->name);
			lf_rubric_version_release(version);
			version = NULL;
		}
	}
	return version;
}

bool lf_violations_list(
	const struct lf_error *error, struct lf_arena *arena, Leadfit__V1__FieldViolation ***list, size_t *count)
{
	Leadfit__V1__FieldViolation *items = lf_arena_zalloc(arena, error->violation_kept + 1, sizeof(*items));

	*count = error->violation_kept;
	*list = lf_arena_zalloc(arena, error->violation_kept + 1, sizeof(**list));
	if (items == NULL || *list == NULL)
		return false;
	for (size_t i = 0; i < *count; i++) {
		leadfit__v1__field_violation__init(&items[i]);
		items[i].field = error->violations[i].field;
		items[i].description = error->violations[i].description;
		(*list)[i] = &items[i];
	}
	return true;
}

bool lf_digest_parse(const char *text, struct lf_digest *digest)
{
	return strlen(text) == 2 * sizeof(digest->bytes) && lf_hex_parse(text, sizeof(digest->bytes), digest->bytes);
}

Leadfit__V1__RubricRef *lf_rubric_ref_new(const char *name, const struct lf_digest *digest, struct lf_arena *arena)
{
	Leadfit__V1__RubricRef *ref = lf_arena_alloc(arena, sizeof(*ref));
	char text[65];

	if (ref == NULL)
		return NULL;
	leadfit__v1__rubric_ref__init(ref);
	lf_digest_print(digest, text);
	ref->name = lf_arena_strdup(arena, name, strlen(name));
	ref->digest = lf_arena_strdup(arena, text, 64);
	return ref->name != NULL && ref->digest != NULL ? ref : NULL;
}

Leadfit__V1__RubricVersion *lf_rubric_version_message(const struct lf_rubric_row *row, struct lf_arena *arena)
{
	Leadfit__V1__RubricVersion *message = lf_arena_alloc(arena, sizeof(*message));

	if (message == NULL)
		return NULL;
	leadfit__v1__rubric_version__init(message);
	message->ref = lf_rubric_ref_new(row->name, &row->digest, arena);
	message->title = lf_arena_strdup(arena, row->title, strlen(row->title));
	message->active = row->active;
	message->put_at = lf_timestamp_new(row->put_at_us, arena);
	message->put_by = lf_arena_strdup(arena, row->put_by, strlen(row->put_by));
	return message->ref != NULL && message->title != NULL && message->put_at != NULL && message->put_by != NULL
		? message
		: NULL;
}
