/* Checking and reading rubrics; rubric_life.c has the rest of the service. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/limits.h"
#include "proto/wire/wire.h"
#include "service/state/core.h"
#include "service/decide/time.h"
#include "service/rubrics_api/rubrics.h"
#include "service/decide/text_list.h"

enum lf_code lf_rubric_pack(
	const Leadfit__V1__Rubric *rubric, struct lf_arena *arena, struct lf_bytes *bytes, struct lf_error *error)
{
	if (rubric == NULL)
		return lf_error_add(error, "rubric", "is required");
	bytes->data = lf_wire_canonical_bytes(lf_unconst(&rubric->base), arena, &bytes->length);
	if (bytes->data == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "the request needs more memory than its budget");
	return LF_OK;
}

struct lf_version *lf_rubric_version_find(struct lf_core *core, const Leadfit__V1__Rubric *rubric, const char *name,
	const char *digest, struct lf_arena *arena, struct lf_error *error)
{
	struct lf_version *version = NULL;
	struct lf_digest parsed;
	struct lf_bytes bytes;

	if (rubric != NULL && (*name != '\0' || *digest != '\0')) {
		lf_error_add(error, "rubric", "stands beside name or digest: either is allowed, not both");
	} else if (rubric != NULL) {
		if (lf_rubric_pack(rubric, arena, &bytes, error) == LF_OK)
			lf_version_new(&version, bytes.data, bytes.length, "", error);
	} else if (*digest == '\0') {
		version = lf_registry_active(core->registry, name, error);
	} else if (!lf_digest_parse(digest, &parsed)) {
		lf_error_add(error, "digest", "\"%.70s\" is not 64 hexadecimal digits", digest);
	} else {
		version = lf_registry_find(core->registry, &parsed, error);
		if (version != NULL && *name != '\0' && strcmp(name, version->message->name) != 0) {
			lf_error_set(error, LF_NOT_FOUND, "that version belongs to the rubric \"%.128s\"",
				version->message->name);
			lf_version_release(version);
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

static void lf_rubrics_check(Leadfit__V1__Rubrics_Service *service, const Leadfit__V1__CheckRubricRequest *request,
	Leadfit__V1__CheckRubricResponse_Closure closure, void *closure_data)
{
	Leadfit__V1__CheckRubricResponse response = LEADFIT__V1__CHECK_RUBRIC_RESPONSE__INIT;
	Leadfit__V1__RubricRef ref = LEADFIT__V1__RUBRIC_REF__INIT;
	struct lf_arena *arena = lf_rpc_arena(closure_data);
	struct lf_error error = LF_ERROR_INIT, warnings = LF_ERROR_INIT;
	struct lf_version *version = NULL;
	struct lf_bytes bytes;
	char digest_text[65];
	struct lf_digest digest;
	bool listed;

	(void)service;
	(void)closure;
	if (lf_rubric_pack(request->rubric, arena, &bytes, &error) != LF_OK) {
		lf_send_error(closure_data, &error);
		return;
	}
	lf_sha256(bytes.data, bytes.length, &digest);
	lf_digest_print(&digest, digest_text);
	ref.name = request->rubric->name;
	ref.digest = digest_text;
	response.ref = &ref;
	if (lf_version_new(&version, bytes.data, bytes.length, "", &error) == LF_OK) {
		lf_version_run_scenarios(version, lf_is_awaited, closure_data, &error);
		lf_version_warn(version, &warnings);
	}
	lf_version_release(version);
	/* Findings are the answer; anything else is a failure of the call. */
	if (error.code == LF_RESOURCE_EXHAUSTED || (error.code != LF_OK && error.violation_count == 0)) {
		lf_send_error(closure_data, &error);
		lf_error_clean_up(&warnings);
		return;
	}
	listed = lf_violations_list(&error, arena, &response.errors, &response.n_errors) &&
		lf_violations_list(&warnings, arena, &response.warnings, &response.n_warnings);
	lf_send_reply(closure_data, listed ? &response.base : NULL);
	lf_error_clean_up(&error);
	lf_error_clean_up(&warnings);
}

bool lf_digest_parse(const char *text, struct lf_digest *digest)
{
	if (strlen(text) != 64 || strspn(text, "0123456789abcdefABCDEF") != 64)
		return false;
	for (size_t i = 0; i < 32; i++)
		digest->bytes[i] = (uint8_t)strtoul((char[]){text[2 * i], text[2 * i + 1], 0}, NULL, 16);
	return true;
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

Leadfit__V1__RubricVersion *lf_rubric_version_new(const struct lf_rubric_row *row, struct lf_arena *arena)
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

/* Finds the row that a Get asks for. */
static enum lf_code find_row(struct lf_core *core, const Leadfit__V1__GetRubricRequest *request,
	struct lf_rubric_row **row, struct lf_error *error)
{
	struct lf_version *version;
	struct lf_digest digest;
	enum lf_code code;

	if (*request->digest != '\0') {
		if (!lf_digest_parse(request->digest, &digest))
			return lf_error_add(error, "digest", "\"%.70s\" is not 64 hexadecimal digits", request->digest);
		code = lf_log_get_rubric(core->log, NULL, &digest, row, error);
		if (code == LF_OK && *request->name != '\0' && strcmp(request->name, (*row)->name) != 0) {
			code = lf_error_set(
				error, LF_NOT_FOUND, "that version belongs to the rubric \"%.128s\"", (*row)->name);
			free(*row);
		}
		return code;
	}
	version = lf_registry_active(core->registry, request->name, error);
	if (version == NULL)
		return error->code;
	code = lf_log_get_rubric(core->log, NULL, &version->digest, row, error);
	lf_version_release(version);
	return code;
}

static void lf_rubrics_get(Leadfit__V1__Rubrics_Service *service, const Leadfit__V1__GetRubricRequest *request,
	Leadfit__V1__GetRubricResponse_Closure closure, void *closure_data)
{
	struct lf_core *core = LF_CONTAINER_OF(service, struct lf_core, rubrics);
	Leadfit__V1__GetRubricResponse response = LEADFIT__V1__GET_RUBRIC_RESPONSE__INIT;
	struct lf_arena *arena = lf_rpc_arena(closure_data);
	struct lf_error error = LF_ERROR_INIT;
	struct lf_rubric_row *row;

	(void)closure;
	if (find_row(core, request, &row, &error) != LF_OK) {
		lf_send_error(closure_data, &error);
		return;
	}
	response.version = lf_rubric_version_new(row, arena);
	response.rubric = leadfit__v1__rubric__unpack(&arena->allocator, row->body.length, row->body.data);
	lf_send_reply(closure_data, response.version != NULL && response.rubric != NULL ? &response.base : NULL);
	free(row);
}

struct version_list {
	Leadfit__V1__ListRubricsResponse response;
	struct lf_arena *arena;
	size_t capacity;
	bool exhausted;
};

static void note_version(void *context, const struct lf_rubric_row *row)
{
	struct version_list *list = context;

	if (list->response.n_versions == list->capacity) {
		size_t capacity = list->capacity == 0 ? 16 : list->capacity * 2;
		Leadfit__V1__RubricVersion **grown = lf_arena_zalloc(list->arena, capacity, sizeof(*grown));

		if (grown == NULL) {
			list->exhausted = true;
			return;
		}
		if (list->capacity > 0)
			memcpy(grown, list->response.versions, list->response.n_versions * sizeof(*grown));
		list->response.versions = grown;
		list->capacity = capacity;
	}
	list->response.versions[list->response.n_versions] = lf_rubric_version_new(row, list->arena);
	if (list->response.versions[list->response.n_versions] == NULL)
		list->exhausted = true;
	else
		list->response.n_versions++;
}

static void lf_rubrics_list(Leadfit__V1__Rubrics_Service *service, const Leadfit__V1__ListRubricsRequest *request,
	Leadfit__V1__ListRubricsResponse_Closure closure, void *closure_data)
{
	struct lf_core *core = LF_CONTAINER_OF(service, struct lf_core, rubrics);
	struct version_list list = {LEADFIT__V1__LIST_RUBRICS_RESPONSE__INIT, lf_rpc_arena(closure_data), 0, false};
	struct lf_error error = LF_ERROR_INIT;

	(void)closure;
	if (lf_log_list_rubrics(core->log, request->name, note_version, &list, &error) != LF_OK)
		lf_send_error(closure_data, &error);
	else
		lf_send_reply(closure_data, list.exhausted ? NULL : &list.response.base);
}

void lf_rubrics_init(struct lf_core *core)
{
	core->rubrics = (Leadfit__V1__Rubrics_Service)LEADFIT__V1__RUBRICS__INIT(lf_rubrics_);
}
