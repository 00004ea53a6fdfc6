/*
 * The life of a rubric: tested, stored, made active, and what was made active when. state/registry.c has the acts
 * themselves.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/check.h"
#include "proto/base/limits.h"
#include "service/decide/decision.h"
#include "service/decide/scenario.h"
#include "service/rubrics_api/rubric_messages.h"
#include "service/decide/time.h"
#include "service/decide/words.h"
#include "service/rubrics_api/rubrics.h"
#include "service/state/registry.h"
#include "service/state/reply.h"
#include "service/state/state.h"

/* ---- test ---- */

static enum lf_code no_room(struct lf_error *error)
{
	return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "the request needs more memory than its budget");
}

struct test {
	Leadfit__V1__TestRubricResponse response;
	const struct lf_version *version;
	struct lf_rpc_call *call;
	struct lf_arena *arena;
	bool exhausted;
};

static Google__Protobuf__DoubleValue *number(struct test *test, double value)
{
	Google__Protobuf__DoubleValue *message;

	if (isnan(value))
		return NULL;
	message = lf_arena_alloc(test->arena, sizeof(*message));
	if (message == NULL) {
		test->exhausted = true;
		return NULL;
	}
	google__protobuf__double_value__init(message);
	message->value = value;
	return message;
}

static char *copy(struct test *test, const char *text)
{
	char *copied = lf_arena_strdup(test->arena, text, strlen(text));

	test->exhausted |= copied == NULL;
	return copied;
}

/* The differences outlive the visit: their texts are copied. */
static void note_differences(
	struct test *test, const struct lf_error *differences, Leadfit__V1__ScenarioResult *message)
{
	if (!lf_violations_list(differences, test->arena, &message->differences, &message->n_differences)) {
		test->exhausted = true;
		message->n_differences = 0;
	}
	for (size_t i = 0; i < message->n_differences; i++) {
		message->differences[i]->field = copy(test, message->differences[i]->field);
		message->differences[i]->description = copy(test, message->differences[i]->description);
	}
}

static bool note_scenario(void *context, const struct lf_scenario_result *result)
{
	struct test *test = context;
	Leadfit__V1__ScenarioResult *message = lf_arena_alloc(test->arena, sizeof(*message));

	if (message == NULL) {
		test->exhausted = true;
		return false;
	}
	leadfit__v1__scenario_result__init(message);
	test->response.scenarios[test->response.n_scenarios++] = message;
	message->name = test->version->message->scenarios[result->index]->name;
	message->passed = result->differences->violation_count == 0;
	note_differences(test, result->differences, message);
	message->first = copy(test, result->first);
	if (result->scored) {
		message->outcome = (Leadfit__V1__Outcome)result->outcome;
		message->margin = number(test, result->margin);
		message->first_rank_share = number(test, result->first_rank_share);
	}
	return !test->exhausted && lf_is_awaited(test->call);
}

static char *describe_gate(struct test *test, size_t index)
{
	const char *gate = lf_gate_text(lf_rubric_def(test->version->compiled), index, test->arena);
	char text[LF_ID_BYTES_MAX + 80];

	test->exhausted |= gate == NULL;
	snprintf(text, sizeof(text), "gates[%zu]: %s", index, gate != NULL ? gate : "");
	return copy(test, text);
}

/* Whether the rubric has what an outcome takes. */
static bool can_come(const struct lf_rubric_def *def, int outcome)
{
	if (outcome == LF_INSUFFICIENT_EVIDENCE)
		return def->threshold_evidence_share > 0;
	return outcome != LF_NO_ELIGIBLE_CANDIDATE || def->gate_count > 0;
}

/* What the scenarios leave untried. */
static void fill_coverage(struct test *test, const struct lf_coverage *covered, Leadfit__V1__Coverage *message)
{
	const struct lf_rubric_def *def = lf_rubric_def(test->version->compiled);
	uint64_t one = 1;

	message->criteria = lf_arena_zalloc(test->arena, def->criterion_count + 1, sizeof(char *));
	message->traits = lf_arena_zalloc(test->arena, def->trait_count + 1, sizeof(char *));
	message->gates = lf_arena_zalloc(test->arena, def->gate_count + 1, sizeof(char *));
	message->outcomes = lf_arena_zalloc(test->arena, LF_NO_ELIGIBLE_CANDIDATE, sizeof(*message->outcomes));
	if (message->criteria == NULL || message->traits == NULL || message->gates == NULL ||
		message->outcomes == NULL) {
		test->exhausted = true;
		return;
	}
	for (size_t i = 0; i < def->criterion_count; i++)
		if ((covered->criteria & one << i) == 0)
			message->criteria[message->n_criteria++] = test->version->message->criteria[i]->id;
	for (size_t i = 0; i < def->trait_count; i++)
		if ((covered->traits & one << i) == 0)
			message->traits[message->n_traits++] = test->version->message->traits[i]->id;
	for (size_t i = 0; i < def->gate_count; i++)
		if ((covered->gates & one << i) == 0)
			message->gates[message->n_gates++] = describe_gate(test, i);
	for (int outcome = LF_RECOMMENDED; outcome <= LF_NO_ELIGIBLE_CANDIDATE; outcome++)
		if ((covered->outcomes & 1u << outcome) == 0 && can_come(def, outcome))
			message->outcomes[message->n_outcomes++] = (Leadfit__V1__Outcome)outcome;
}

/* Runs the scenarios into the response. The response borrows from the version. */
static enum lf_code run_test(struct test *test, Leadfit__V1__Coverage *coverage, struct lf_error *error)
{
	struct lf_coverage covered;

	test->response.ref = lf_rubric_ref_new(test->version->message->name, &test->version->digest, test->arena);
	test->response.scenarios = lf_arena_zalloc(
		test->arena, test->version->message->n_scenarios + 1, sizeof(*test->response.scenarios));
	if (test->response.ref == NULL || test->response.scenarios == NULL)
		return no_room(error);
	if (lf_version_test(test->version, note_scenario, test, &covered, error) == LF_OK)
		fill_coverage(test, &covered, coverage);
	if (test->exhausted)
		return no_room(error);
	test->response.coverage = coverage;
	return error->code;
}

void lf_rubrics_test(Leadfit__V1__Rubrics_Service *service, const Leadfit__V1__TestRubricRequest *request,
	Leadfit__V1__TestRubricResponse_Closure closure, void *closure_data)
{
	struct lf_state *state = LF_CONTAINER_OF(service, struct lf_rubrics_service, base)->state;
	struct test test = {
		LEADFIT__V1__TEST_RUBRIC_RESPONSE__INIT, NULL, closure_data, lf_rpc_arena(closure_data), false};
	Leadfit__V1__Coverage coverage = LEADFIT__V1__COVERAGE__INIT;
	struct lf_error error = LF_ERROR_INIT;
	struct lf_version *version = lf_rubric_version_find(
		state->registry, request->rubric, request->name, request->digest, test.arena, &error);

	test.version = version;
	if (version != NULL && run_test(&test, &coverage, &error) == LF_OK)
		closure(&test.response, closure_data);
	else
		lf_send_error(closure_data, &error);
	lf_version_release(version);
}

/* ---- put ---- */

void lf_rubrics_put(Leadfit__V1__Rubrics_Service *service, const Leadfit__V1__PutRubricRequest *request,
	Leadfit__V1__PutRubricResponse_Closure closure, void *closure_data)
{
	struct lf_state *state = LF_CONTAINER_OF(service, struct lf_rubrics_service, base)->state;
	Leadfit__V1__PutRubricResponse response = LEADFIT__V1__PUT_RUBRIC_RESPONSE__INIT;
	struct lf_arena *arena = lf_rpc_arena(closure_data);
	struct lf_error error = LF_ERROR_INIT;
	struct lf_version *version = NULL;
	const struct lf_actor actor = {lf_rpc_caller(closure_data), lf_is_awaited, closure_data};
	struct lf_rubric_row *row = NULL;
	bool added = false, activated = false;
	struct lf_bytes bytes;

	if (lf_rubric_pack(request->rubric, arena, &bytes, &error) == LF_OK &&
		lf_version_new(&version, bytes.data, bytes.length, "", &error) == LF_OK &&
		lf_registry_put(state->registry, version, &actor, &added, &activated, &error) == LF_OK &&
		lf_log_get_rubric(state->log, NULL, &version->digest, &row, &error) == LF_OK) {
		response.version = lf_rubric_version_new(row, arena);
		response.added = added;
		response.activated = activated;
		if (response.version != NULL)
			closure(&response, closure_data);
		else
			lf_send_no_memory(closure_data);
	} else {
		lf_send_error(closure_data, &error);
	}
	free(row);
	lf_version_release(version);
}

/* ---- activate ---- */

void lf_rubrics_activate(Leadfit__V1__Rubrics_Service *service, const Leadfit__V1__ActivateRubricRequest *request,
	Leadfit__V1__ActivateRubricResponse_Closure closure, void *closure_data)
{
	struct lf_state *state = LF_CONTAINER_OF(service, struct lf_rubrics_service, base)->state;
	Leadfit__V1__ActivateRubricResponse response = LEADFIT__V1__ACTIVATE_RUBRIC_RESPONSE__INIT;
	struct lf_arena *arena = lf_rpc_arena(closure_data);
	struct lf_error error = LF_ERROR_INIT;
	struct lf_version *version = NULL;
	const struct lf_actor actor = {lf_rpc_caller(closure_data), lf_is_awaited, closure_data};
	struct lf_activated did = {0};
	struct lf_digest digest;

	if (!lf_digest_parse(request->digest, &digest)) {
		lf_error_add(&error, "digest", "\"%.70s\" is not 64 hexadecimal digits", request->digest);
		lf_send_error(closure_data, &error);
		return;
	}
	if (lf_registry_activate(state->registry, request->name, &digest, &actor, &version, &did, &error) != LF_OK) {
		lf_send_error(closure_data, &error);
		return;
	}
	response.changed = did.changed;
	response.to = lf_rubric_ref_new(version->message->name, &version->digest, arena);
	if (did.had_from)
		response.from = lf_rubric_ref_new(version->message->name, &did.from, arena);
	if (response.to != NULL && (response.from != NULL || !did.had_from))
		closure(&response, closure_data);
	else
		lf_send_no_memory(closure_data);
	lf_version_release(version);
}

/* ---- history ---- */

struct history {
	Leadfit__V1__RubricHistoryResponse response;
	struct lf_arena *arena;
	bool exhausted;
};

static void note_activation(void *context, const struct lf_activation_row *row)
{
	struct history *history = context;
	Leadfit__V1__Activation *message = lf_arena_alloc(history->arena, sizeof(*message));

	if (message == NULL) {
		history->exhausted = true;
		return;
	}
	leadfit__v1__activation__init(message);
	message->activated_at = lf_timestamp_new(row->activated_at_us, history->arena);
	message->activated_by = lf_arena_strdup(history->arena, row->caller, strlen(row->caller));
	message->to = lf_rubric_ref_new(row->name, &row->to, history->arena);
	if (row->had_from)
		message->from = lf_rubric_ref_new(row->name, &row->from, history->arena);
	history->exhausted |= message->activated_at == NULL || message->activated_by == NULL || message->to == NULL ||
		(row->had_from && message->from == NULL);
	LF_CHECK(H10, history->response.n_activations < LF_ACTIVATIONS_MAX);
	history->response.activations[history->response.n_activations++] = message;
}

void lf_rubrics_history(Leadfit__V1__Rubrics_Service *service, const Leadfit__V1__RubricHistoryRequest *request,
	Leadfit__V1__RubricHistoryResponse_Closure closure, void *closure_data)
{
	struct lf_state *state = LF_CONTAINER_OF(service, struct lf_rubrics_service, base)->state;
	struct history history = {LEADFIT__V1__RUBRIC_HISTORY_RESPONSE__INIT, lf_rpc_arena(closure_data), false};
	struct lf_error error = LF_ERROR_INIT;

	history.response.activations =
		lf_arena_zalloc(history.arena, LF_ACTIVATIONS_MAX, sizeof(*history.response.activations));
	if (history.response.activations == NULL)
		lf_send_no_memory(closure_data);
	else if (lf_log_list_activations(state->log, request->name, note_activation, &history, &error) != LF_OK)
		lf_send_error(closure_data, &error);
	else if (history.exhausted)
		lf_send_no_memory(closure_data);
	else
		closure(&history.response, closure_data);
}
