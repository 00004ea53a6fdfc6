/* Checking and reading rubrics. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/limits.h"
#include "proto/wire.h"
#include "service/core.h"
#include "service/decision.h"
#include "service/texts.h"

/* Bytes of a request that hold the rubric: Check takes it as it came, so that its digest is that of what was sent. */
static enum lf_code pack_rubric(const Leadfit__V1__CheckRubricRequest *request, struct lf_arena *arena, struct lf_bytes *bytes,
	struct lf_error *error)
{
	if (request->rubric == NULL)
		return lf_error_add(error, "rubric", "is required");
	bytes->data = lf_wire_canonical_bytes(lf_unconst(&request->rubric->base), arena, &bytes->length);
	if (bytes->data == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "the request needs more memory than its budget");
	return LF_OK;
}

/* The violations of error as messages. NULL where the arena is exhausted. */
static Leadfit__V1__FieldViolation **list_violations(const struct lf_error *error, struct lf_arena *arena, size_t *listed)
{
	size_t count = error->violation_kept;
	Leadfit__V1__FieldViolation *items = lf_arena_zalloc(arena, count + 1, sizeof *items);
	Leadfit__V1__FieldViolation **list = lf_arena_zalloc(arena, count + 1, sizeof *list);

	if (items == NULL || list == NULL)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		leadfit__v1__field_violation__init(&items[i]);
		items[i].field = error->violations[i].field;
		items[i].description = error->violations[i].description;
		list[i] = &items[i];
	}
	*listed = count;
	return list;
}

static void rubrics_check(Leadfit__V1__Rubrics_Service *service, const Leadfit__V1__CheckRubricRequest *request,
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

	(void)service;
	(void)closure;
	if (pack_rubric(request, arena, &bytes, &error) != LF_OK) {
		lf_send_error(closure_data, &error);
		return;
	}
	lf_sha256(bytes.data, bytes.length, &digest);
	lf_digest_print(&digest, digest_text);
	ref.name = request->rubric->name;
	ref.digest = digest_text;
	response.ref = &ref;
	if (lf_version_new(&version, bytes.data, bytes.length, "", &error) == LF_OK) {
		lf_version_run_scenarios(version, &error);
		lf_version_warn(version, &warnings);
	}
	lf_version_release(version);
	/* Findings are the answer; anything else is a failure of the call. */
	if (error.code == LF_RESOURCE_EXHAUSTED || (error.code != LF_OK && error.violation_count == 0)) {
		lf_send_error(closure_data, &error);
		lf_error_clean_up(&warnings);
		return;
	}
	response.errors = list_violations(&error, arena, &response.n_errors);
	response.warnings = list_violations(&warnings, arena, &response.n_warnings);
	lf_send_reply(closure_data, response.errors != NULL && response.warnings != NULL ? &response.base : NULL);
	lf_error_clean_up(&error);
	lf_error_clean_up(&warnings);
}

static bool parse_digest(const char *text, struct lf_digest *digest)
{
	if (strlen(text) != 64 || strspn(text, "0123456789abcdefABCDEF") != 64)
		return false;
	for (size_t i = 0; i < 32; i++)
		digest->bytes[i] = (uint8_t)strtoul((char[]){text[2 * i], text[2 * i + 1], 0}, NULL, 16);
	return true;
}

static Leadfit__V1__RubricVersion *version_message(const struct lf_rubric_row *row, struct lf_arena *arena)
{
	Leadfit__V1__RubricVersion *message = lf_arena_alloc(arena, sizeof *message);
	Leadfit__V1__RubricRef *ref = lf_arena_alloc(arena, sizeof *ref);
	char digest[65];

	if (message == NULL || ref == NULL)
		return NULL;
	leadfit__v1__rubric_version__init(message);
	leadfit__v1__rubric_ref__init(ref);
	lf_digest_print(&row->digest, digest);
	ref->name = lf_arena_strdup(arena, row->name, strlen(row->name));
	ref->digest = lf_arena_strdup(arena, digest, 64);
	message->ref = ref;
	message->title = lf_arena_strdup(arena, row->title, strlen(row->title));
	message->active = row->active;
	message->put_at = lf_timestamp_new(row->put_at_us, arena);
	message->put_by = lf_arena_strdup(arena, row->put_by, strlen(row->put_by));
	if (!ref->name || !ref->digest || !message->title || !message->put_at || !message->put_by)
		return NULL;
	return message;
}

/* Finds the row that a Get asks for. */
static enum lf_code find_row(struct lf_core *core, const Leadfit__V1__GetRubricRequest *request, struct lf_rubric_row **row,
	struct lf_error *error)
{
	struct lf_version *version;
	struct lf_digest digest;
	enum lf_code code;

	if (*request->digest != '\0') {
		if (!parse_digest(request->digest, &digest))
			return lf_error_add(error, "digest", "\"%.70s\" is not 64 hexadecimal digits", request->digest);
		code = lf_log_get_rubric(core->log, NULL, &digest, row, error);
		if (code == LF_OK && *request->name != '\0' && strcmp(request->name, (*row)->name) != 0) {
			code = lf_error_set(error, LF_NOT_FOUND, "that version belongs to the rubric \"%.128s\"", (*row)->name);
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

static void rubrics_get(Leadfit__V1__Rubrics_Service *service, const Leadfit__V1__GetRubricRequest *request,
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
	response.version = version_message(row, arena);
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
		Leadfit__V1__RubricVersion **grown = lf_arena_zalloc(list->arena, capacity, sizeof *grown);

		if (grown == NULL) {
			list->exhausted = true;
			return;
		}
		if (list->capacity > 0)
			memcpy(grown, list->response.versions, list->response.n_versions * sizeof *grown);
		list->response.versions = grown;
		list->capacity = capacity;
	}
	list->response.versions[list->response.n_versions] = version_message(row, list->arena);
	if (list->response.versions[list->response.n_versions] == NULL)
		list->exhausted = true;
	else
		list->response.n_versions++;
}

static void rubrics_list(Leadfit__V1__Rubrics_Service *service, const Leadfit__V1__ListRubricsRequest *request,
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

static void rubrics_test(Leadfit__V1__Rubrics_Service *service, const Leadfit__V1__TestRubricRequest *request,
	Leadfit__V1__TestRubricResponse_Closure closure, void *closure_data)
{
	struct lf_error error = LF_ERROR_INIT;

	(void)service;
	(void)request;
	(void)closure;
	lf_error_set(&error, LF_UNIMPLEMENTED, "not yet");
	lf_send_error(closure_data, &error);
}

static void rubrics_put(Leadfit__V1__Rubrics_Service *service, const Leadfit__V1__PutRubricRequest *request,
	Leadfit__V1__PutRubricResponse_Closure closure, void *closure_data)
{
	struct lf_error error = LF_ERROR_INIT;

	(void)service;
	(void)request;
	(void)closure;
	lf_error_set(&error, LF_UNIMPLEMENTED, "not yet");
	lf_send_error(closure_data, &error);
}

static void rubrics_activate(Leadfit__V1__Rubrics_Service *service, const Leadfit__V1__ActivateRubricRequest *request,
	Leadfit__V1__ActivateRubricResponse_Closure closure, void *closure_data)
{
	struct lf_error error = LF_ERROR_INIT;

	(void)service;
	(void)request;
	(void)closure;
	lf_error_set(&error, LF_UNIMPLEMENTED, "not yet");
	lf_send_error(closure_data, &error);
}

static void rubrics_history(Leadfit__V1__Rubrics_Service *service, const Leadfit__V1__RubricHistoryRequest *request,
	Leadfit__V1__RubricHistoryResponse_Closure closure, void *closure_data)
{
	struct lf_error error = LF_ERROR_INIT;

	(void)service;
	(void)request;
	(void)closure;
	lf_error_set(&error, LF_UNIMPLEMENTED, "not yet");
	lf_send_error(closure_data, &error);
}

void lf_rubrics_init(struct lf_core *core)
{
	core->rubrics = (Leadfit__V1__Rubrics_Service)LEADFIT__V1__RUBRICS__INIT(rubrics_);
}
