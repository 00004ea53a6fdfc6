/* A rubric's own tests: cases with known answers, kept and run with it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/json.h"
#include "proto/limits.h"
#include "service/evaluate.h"
#include "service/version.h"

/* A scenario is at most as large as a request. */
static const size_t arena_bytes_max = (size_t)48 * 1024 * 1024;

static const char *outcome_name(uint32_t outcome)
{
	const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(&leadfit__v1__outcome__descriptor, (int)outcome);

	return value != NULL ? value->name : "?";
}

static const char *candidate_at(const struct lf_evaluation *e, size_t place)
{
	if (place >= e->result.ranking_count)
		return "nobody";
	return e->built.engine.members[e->result.ranking[place].member].id;
}

static void compare(const struct lf_version *version, const Leadfit__V1__Expectation *expect, const struct lf_evaluation *e,
	struct lf_checker *checker)
{
	const struct lf_rubric_def *def = lf_rubric_def(version->compiled);
	const struct lf_result *result = &e->result;
	const char *first = result->ranking_count > 0 && result->ranking[0].rank == 1 ? candidate_at(e, 0) : "nobody";

	if (*expect->first != '\0' && strcmp(expect->first, first) != 0)
		lf_check_fail(checker, "expect.first", "%s is expected, %s ranks first", expect->first, first);
	if (expect->outcome != LEADFIT__V1__OUTCOME__OUTCOME_UNSPECIFIED && (int)expect->outcome != (int)result->outcome)
		lf_check_fail(checker, "expect.outcome", "%s is expected, the outcome is %s", outcome_name(expect->outcome),
			outcome_name(result->outcome));
	for (size_t i = 0; i < expect->n_ranking; i++)
		if (strcmp(expect->ranking[i], candidate_at(e, i)) != 0) {
			lf_check_fail(checker, "expect.ranking", "%s is expected at place %zu, %s is there", expect->ranking[i], i + 1,
				candidate_at(e, i));
			break;
		}
	if (*expect->profile_first != '\0' &&
	    (def->discipline_count == 0 || strcmp(expect->profile_first, def->disciplines[e->profile[0].discipline].id) != 0))
		lf_check_fail(checker, "expect.profile_first", "%s is expected, the project calls for %s", expect->profile_first,
			def->discipline_count == 0 ? "none" : def->disciplines[e->profile[0].discipline].id);
}

static bool has_dated_evidence(const Leadfit__V1__Team *team)
{
	for (size_t m = 0; team != NULL && m < team->n_members; m++)
		for (size_t e = 0; e < team->members[m]->n_evidence; e++)
			if (*team->members[m]->evidence[e]->observed_on != '\0')
				return true;
	return false;
}

/* Checks the scenario's own fields; gives the instant at which it is scored. */
static int64_t check_scenario(const Leadfit__V1__Scenario *scenario, struct lf_checker *checker)
{
	int64_t seconds = 0;
	int32_t nanos;

	if (*scenario->name == '\0')
		lf_check_fail(checker, "name", "is required");
	lf_check_text(checker, "name", scenario->name, LF_TITLE_BYTES_MAX);
	if (scenario->expect == NULL)
		lf_check_fail(checker, "expect", "is required");
	if (*scenario->as_of == '\0') {
		if (has_dated_evidence(scenario->team))
			lf_check_fail(checker, "as_of", "is required, since its evidence is dated");
	} else if (!lf_parse_instant(scenario->as_of, &seconds, &nanos)) {
		lf_check_fail(checker, "as_of", "\"%.40s\" is not an instant: YYYY-MM-DD or RFC 3339", scenario->as_of);
	}
	return seconds;
}

static enum lf_code run(const struct lf_version *version, const Leadfit__V1__Scenario *scenario, struct lf_checker *checker,
	struct lf_arena *arena)
{
	size_t found = checker->found;
	struct lf_case_input input = {
		.team = scenario->team,
		.project = scenario->project,
		.candidates = scenario->candidates,
		.candidate_count = scenario->n_candidates,
		.as_of_seconds = check_scenario(scenario, checker),
	};
	struct lf_evaluation evaluation;
	enum lf_code code;

	if (checker->found > found)
		return LF_INVALID_ARGUMENT;
	code = lf_evaluate(&evaluation, version, &input, NULL, checker, arena);
	if (code == LF_OK)
		compare(version, scenario->expect, &evaluation, checker);
	else if (code == LF_FAILED_PRECONDITION) /* no weights: a fault of the scenario, found like any other */
		lf_check_fail(checker, "project.traits", "no criterion has a weight for these traits");
	return code == LF_RESOURCE_EXHAUSTED ? code : LF_OK;
}

enum lf_code lf_version_run_scenarios(struct lf_version *version, struct lf_error *error)
{
	struct lf_error inner = LF_ERROR_INIT;
	struct lf_checker checker = {.error = &inner};
	enum lf_code code = LF_OK;
	struct lf_arena arena;

	lf_arena_init(&arena, arena_bytes_max);
	for (size_t i = 0; i < version->message->n_scenarios && code != LF_RESOURCE_EXHAUSTED; i++) {
		size_t mark = lf_path_push_index(&checker.path, "scenarios", i);

		code = run(version, version->message->scenarios[i], &checker, &arena);
		lf_path_pop(&checker.path, mark);
		lf_arena_reset(&arena);
	}
	lf_arena_clean_up(&arena);
	if (code == LF_RESOURCE_EXHAUSTED) {
		lf_error_move(error, &inner);
		return code;
	}
	if (checker.found == 0) {
		lf_error_clean_up(&inner);
		return LF_OK;
	}
	lf_error_summarize(&inner);
	inner.code = LF_FAILED_PRECONDITION;
	if (error != NULL)
		lf_error_move(error, &inner);
	lf_error_clean_up(&inner);
	return LF_FAILED_PRECONDITION;
}
