/*
 * The life of a rubric: tested, stored, made active or not, or the default. state/registry_acts.c has the acts
 * themselves, rubric_history.c what is told of them.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/limits.h"
#include "proto/base/nearest.h"
#include "service/decide/decision.h"
#include "service/decide/scenario.h"
#include "service/rubrics_api/rubric_messages.h"
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
	const struct lf_rubric_version *version;
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
	if (lf_rubric_version_test(test->version, note_scenario, test, &covered, error) == LF_OK)
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
	struct lf_rubric_version *version = lf_requested_rubric(
		state->registry, request->rubric, request->name, request->digest, test.arena, &error);

	test.version = version;
	if (version != NULL && run_test(&test, &coverage, &error) == LF_OK)
		closure(&test.response, closure_data);
	else
		lf_send_error(closure_data, &error);
	lf_rubric_version_release(version);
}

static void note_change(struct lf_state *state, bool changed)
{
	if (changed)
		lf_count(&state->figures.rubric_changes);
}

/* ---- put ---- */

void lf_rubrics_put(Leadfit__V1__Rubrics_Service *service, const Leadfit__V1__PutRubricRequest *request,
	Leadfit__V1__PutRubricResponse_Closure closure, void *closure_data)
{
	struct lf_state *state = LF_CONTAINER_OF(service, struct lf_rubrics_service, base)->state;
	Leadfit__V1__PutRubricResponse response = LEADFIT__V1__PUT_RUBRIC_RESPONSE__INIT;
	struct lf_arena *arena = lf_rpc_arena(closure_data);
	struct lf_error error = LF_ERROR_INIT;
	struct lf_rubric_version *version = NULL;
	const struct lf_actor actor = {
		.caller = lf_rpc_caller(closure_data), .go_on = lf_is_awaited, .context = closure_data};
	struct lf_rubric_row *row = NULL;
	struct lf_activated did = {0};
	bool added = false;
	struct lf_bytes bytes;

	if (lf_rubric_pack(request->rubric, arena, &bytes, &error) == LF_OK &&
		lf_rubric_version_new(&version, bytes.data, bytes.length, "", &error) == LF_OK &&
		lf_registry_put(state->registry, version, &actor, request->activate, &added, &did, &error) == LF_OK &&
		lf_log_get_rubric(state->log, NULL, &version->digest, &row, &error) == LF_OK) {
		response.version = lf_rubric_version_message(row, arena);
		response.added = added;
		response.activated = did.changed;
		note_change(state, did.changed);
		if (did.changed && did.had_from)
			response.from = lf_rubric_ref_new(version->message->name, &did.from, arena);
		if (response.version != NULL && (response.from != NULL || !did.changed || !did.had_from))
			closure(&response, closure_data);
		else
			lf_send_no_memory(closure_data);
	} else {
		lf_send_error(closure_data, &error);
	}
	free(row);
	lf_rubric_version_release(version);
}

/* ---- names that are not stored ---- */

enum { NAMES_MAX = 256 }; /* among which the nearest is looked for */

struct names {
	const char *names[NAMES_MAX];
	size_t count;
	struct lf_arena *arena;
};

/* Rows come by name. */
static void note_name(void *context, const struct lf_rubric_row *row)
{
	struct names *names = context;
	const char *copied;

	if (names->count == NAMES_MAX || (names->count > 0 && strcmp(names->names[names->count - 1], row->name) == 0))
		return;
	copied = lf_arena_strdup(names->arena, row->name, strlen(row->name));
	if (copied != NULL)
		names->names[names->count++] = copied;
}

/* NOT_FOUND, with the nearest name that is stored. */
static enum lf_code not_stored(struct lf_log *log, const char *name, struct lf_arena *arena, struct lf_error *error)
{
	struct names names = {.count = 0, .arena = arena};
	const char *nearest = NULL;

	if (lf_log_list_rubrics(log, NULL, note_name, &names, NULL) == LF_OK)
		nearest = lf_nearest(name, names.names, names.count);
	return lf_error_set(error, LF_NOT_FOUND, "no rubric \"%.128s\" is stored%s%s", name,
		nearest != NULL ? "; nearest: " : "", nearest != NULL ? nearest : "");
}

/* ---- activate ---- */

struct newest {
	struct lf_digest digest;
	bool found;
};

static void note_newest(void *context, const struct lf_rubric_row *row)
{
	struct newest *newest = context;

	if (!newest->found)
		newest->digest = row->digest;
	newest->found = true;
}

/* The version that is to be activated: by its digest, or the newest of its name. */
static enum lf_code find_version(struct lf_log *log, const Leadfit__V1__ActivateRubricRequest *request,
	struct lf_arena *arena, struct lf_digest *digest, struct lf_error *error)
{
	struct newest newest = {.found = false};

	if (*request->digest != '\0' && !lf_digest_parse(request->digest, digest))
		return lf_error_add(error, "digest", "\"%.70s\" is not 64 hexadecimal digits", request->digest);
	if (*request->digest != '\0')
		return LF_OK;
	if (*request->name == '\0')
		return lf_error_add(error, "digest", "is required where no name is given");
	if (lf_log_list_rubrics(log, request->name, note_newest, &newest, error) != LF_OK)
		return error->code;
	*digest = newest.digest;
	return newest.found ? LF_OK : not_stored(log, request->name, arena, error);
}

void lf_rubrics_activate(Leadfit__V1__Rubrics_Service *service, const Leadfit__V1__ActivateRubricRequest *request,
	Leadfit__V1__ActivateRubricResponse_Closure closure, void *closure_data)
{
	struct lf_state *state = LF_CONTAINER_OF(service, struct lf_rubrics_service, base)->state;
	Leadfit__V1__ActivateRubricResponse response = LEADFIT__V1__ACTIVATE_RUBRIC_RESPONSE__INIT;
	struct lf_arena *arena = lf_rpc_arena(closure_data);
	struct lf_error error = LF_ERROR_INIT;
	struct lf_rubric_version *version = NULL;
	const struct lf_actor actor = {
		.caller = lf_rpc_caller(closure_data), .go_on = lf_is_awaited, .context = closure_data};
	struct lf_activated did = {0};
	struct lf_digest digest;

	if (find_version(state->log, request, arena, &digest, &error) != LF_OK ||
		lf_registry_activate(state->registry, request->name, &digest, &actor, &version, &did, &error) !=
			LF_OK) {
		lf_send_error(closure_data, &error);
		return;
	}
	note_change(state, did.changed);
	response.changed = did.changed;
	response.to = lf_rubric_ref_new(version->message->name, &version->digest, arena);
	if (did.had_from)
		response.from = lf_rubric_ref_new(version->message->name, &did.from, arena);
	if (response.to != NULL && (response.from != NULL || !did.had_from))
		closure(&response, closure_data);
	else
		lf_send_no_memory(closure_data);
	lf_rubric_version_release(version);
}

/* ---- deactivate ---- */

void lf_rubrics_deactivate(Leadfit__V1__Rubrics_Service *service, const Leadfit__V1__DeactivateRubricRequest *request,
	Leadfit__V1__DeactivateRubricResponse_Closure closure, void *closure_data)
{
	struct lf_state *state = LF_CONTAINER_OF(service, struct lf_rubrics_service, base)->state;
	Leadfit__V1__DeactivateRubricResponse response = LEADFIT__V1__DEACTIVATE_RUBRIC_RESPONSE__INIT;
	struct lf_error error = LF_ERROR_INIT;
	struct lf_activated did = {0};
	bool is_default = false;

	if (*request->name == '\0')
		lf_error_add(&error, "name", "is required");
	else if (lf_registry_deactivate(state->registry, request->name, lf_rpc_caller(closure_data), &did, &is_default,
			 &error) == LF_NOT_FOUND)
		not_stored(state->log, request->name, lf_rpc_arena(closure_data), &error);
	if (error.code != LF_OK) {
		lf_send_error(closure_data, &error);
		return;
	}
	note_change(state, did.changed);
	response.changed = did.changed;
	response.is_default = is_default;
	if (did.had_from)
		response.from = lf_rubric_ref_new(request->name, &did.from, lf_rpc_arena(closure_data));
	if (response.from != NULL || !did.had_from)
		closure(&response, closure_data);
	else
		lf_send_no_memory(closure_data);
}

/* ---- the default ---- */

void lf_rubrics_set_default(Leadfit__V1__Rubrics_Service *service, const Leadfit__V1__SetDefaultRubricRequest *request,
	Leadfit__V1__SetDefaultRubricResponse_Closure closure, void *closure_data)
{
	struct lf_state *state = LF_CONTAINER_OF(service, struct lf_rubrics_service, base)->state;
	Leadfit__V1__SetDefaultRubricResponse response = LEADFIT__V1__SET_DEFAULT_RUBRIC_RESPONSE__INIT;
	struct lf_error error = LF_ERROR_INIT;
	char from[LF_ID_BYTES_MAX + 1];
	bool changed;

	if (lf_registry_set_default(
		    state->registry, request->name, lf_rpc_caller(closure_data), from, &changed, &error) != LF_OK) {
		lf_send_error(closure_data, &error);
		return;
	}
	response.from = from;
	response.to = request->name;
	note_change(state, changed);
	response.changed = changed;
	closure(&response, closure_data);
}
