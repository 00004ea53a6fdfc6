/*
 * The Rubrics service: checking and reading. life.c has testing and changing, rubric_history.c what was changed,
 * backtest.c what another rubric would say.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/limits.h"
#include "proto/wire/wire.h"
#include "service/decide/scenario.h"
#include "service/rubrics_api/rubric_messages.h"
#include "service/rubrics_api/rubrics.h"
#include "service/state/registry.h"
#include "service/state/reply.h"
#include "service/state/state.h"

static void lf_rubrics_check(Leadfit__V1__Rubrics_Service *service, const Leadfit__V1__CheckRubricRequest *request,
	Leadfit__V1__CheckRubricResponse_Closure closure, void *closure_data)
{
	Leadfit__V1__CheckRubricResponse response = LEADFIT__V1__CHECK_RUBRIC_RESPONSE__INIT;
	Leadfit__V1__RubricRef ref = LEADFIT__V1__RUBRIC_REF__INIT;
	struct lf_arena *arena = lf_rpc_arena(closure_data);
	struct lf_error error = LF_ERROR_INIT, warnings = LF_ERROR_INIT;
	struct lf_rubric_version *version = NULL;
	struct lf_bytes bytes;
	char digest_text[65];
	struct lf_digest digest;
	bool listed;

	(void)service;
	if (lf_rubric_pack(request->rubric, arena, &bytes, &error) != LF_OK) {
		lf_send_error(closure_data, &error);
		return;
	}
	lf_sha256(bytes.data, bytes.length, &digest);
	lf_digest_print(&digest, digest_text);
	ref.name = request->rubric->name;
	ref.digest = digest_text;
	response.ref = &ref;
	if (lf_rubric_version_new(&version, bytes.data, bytes.length, "", &error) == LF_OK) {
		lf_rubric_version_run_scenarios(version, lf_is_awaited, closure_data, &error);
		lf_rubric_version_warn(version, &warnings);
	}
	lf_rubric_version_release(version);
	/* Findings are the answer; anything else is a failure of the call. */
	if (error.code == LF_RESOURCE_EXHAUSTED || (error.code != LF_OK && error.violation_count == 0)) {
		lf_send_error(closure_data, &error);
		lf_error_clean_up(&warnings);
		return;
	}
	listed = lf_violations_list(&error, arena, &response.errors, &response.n_errors) &&
		lf_violations_list(&warnings, arena, &response.warnings, &response.n_warnings);
	if (listed)
		closure(&response, closure_data);
	else
		lf_send_no_memory(closure_data);
	lf_error_clean_up(&error);
	lf_error_clean_up(&warnings);
}

/* Finds the row that a Get asks for. */
static enum lf_code find_row(struct lf_state *state, const Leadfit__V1__GetRubricRequest *request,
	struct lf_rubric_row **row, struct lf_error *error)
{
	struct lf_rubric_version *version;
	struct lf_digest digest;
	enum lf_code code;

	if (*request->digest != '\0') {
		if (!lf_digest_parse(request->digest, &digest))
			return lf_error_add(error, "digest", "\"%.70s\" is not 64 hexadecimal digits", request->digest);
		code = lf_registry_catch_up(state->registry, error); /* which is the default is told, too */
		if (code == LF_OK)
			code = lf_log_get_rubric(state->log, NULL, &digest, row, error);
		if (code == LF_OK && *request->name != '\0' && strcmp(request->name, (*row)->name) != 0) {
			code = lf_error_set(
				error, LF_NOT_FOUND, "that version belongs to the rubric \"%.128s\"", (*row)->name);
			free(*row);
		}
		return code;
	}
	version = lf_registry_newest(state->registry, request->name, error);
	if (version == NULL)
		return error->code;
	code = lf_log_get_rubric(state->log, NULL, &version->digest, row, error);
	lf_rubric_version_release(version);
	return code;
}

static void lf_rubrics_get(Leadfit__V1__Rubrics_Service *service, const Leadfit__V1__GetRubricRequest *request,
	Leadfit__V1__GetRubricResponse_Closure closure, void *closure_data)
{
	struct lf_state *state = LF_CONTAINER_OF(service, struct lf_rubrics_service, base)->state;
	Leadfit__V1__GetRubricResponse response = LEADFIT__V1__GET_RUBRIC_RESPONSE__INIT;
	struct lf_arena *arena = lf_rpc_arena(closure_data);
	struct lf_error error = LF_ERROR_INIT;
	char default_name[LF_ID_BYTES_MAX + 1];
	struct lf_rubric_row *row;

	if (find_row(state, request, &row, &error) != LF_OK) {
		lf_send_error(closure_data, &error);
		return;
	}
	response.version = lf_rubric_version_message(row, arena);
	response.rubric = leadfit__v1__rubric__unpack(&arena->allocator, row->body.length, row->body.data);
	lf_registry_default(state->registry, default_name);
	response.is_default = row->active && strcmp(row->name, default_name) == 0;
	if (response.version != NULL && response.rubric != NULL)
		closure(&response, closure_data);
	else
		lf_send_no_memory(closure_data);
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
	list->response.versions[list->response.n_versions] = lf_rubric_version_message(row, list->arena);
	if (list->response.versions[list->response.n_versions] == NULL)
		list->exhausted = true;
	else
		list->response.n_versions++;
}

static void lf_rubrics_list(Leadfit__V1__Rubrics_Service *service, const Leadfit__V1__ListRubricsRequest *request,
	Leadfit__V1__ListRubricsResponse_Closure closure, void *closure_data)
{
	struct lf_state *state = LF_CONTAINER_OF(service, struct lf_rubrics_service, base)->state;
	struct version_list list = {LEADFIT__V1__LIST_RUBRICS_RESPONSE__INIT, lf_rpc_arena(closure_data), 0, false};
	struct lf_error error = LF_ERROR_INIT;
	char default_name[LF_ID_BYTES_MAX + 1];

	if (lf_registry_catch_up(state->registry, &error) != LF_OK) {
		lf_send_error(closure_data, &error);
		return;
	}
	lf_registry_default(state->registry, default_name);
	list.response.default_name = default_name;
	if (lf_log_list_rubrics(state->log, request->name, note_version, &list, &error) != LF_OK)
		lf_send_error(closure_data, &error);
	else if (list.exhausted)
		lf_send_no_memory(closure_data);
	else
		closure(&list.response, closure_data);
}

void lf_rubrics_init(struct lf_rubrics_service *service, struct lf_state *state)
{
	service->base = (Leadfit__V1__Rubrics_Service)LEADFIT__V1__RUBRICS__INIT(lf_rubrics_);
	service->state = state;
}
