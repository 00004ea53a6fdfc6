/* A rubric's own tests: cases with known answers, kept and run with it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/dates.h"
#include "proto/text/json.h"
#include "proto/base/limits.h"
#include "service/decide/evaluate.h"
#include "service/decide/scenario.h"
#include "service/decide/time.h"
#include "service/decide/words.h"
#include "service/rubric/version.h"

/* A scenario is at most as large as a request. */
static const size_t arena_bytes_max = (size_t)48 * 1024 * 1024;

static const char *candidate_at(const struct lf_evaluation *e, size_t place)
{
	if (place >= e->result.ranking_count)
		return "nobody";
	return e->built.engine.members[e->result.ranking[place].member].id;
}

/* Whether the candidate is at that place, or at another one of the same rank. */
static bool shares_place(const struct lf_evaluation *e, size_t place, const char *id)
{
	const struct lf_member_score *ranking = e->result.ranking;

	for (size_t i = 0; place < e->result.ranking_count && i < e->result.ranking_count; i++) {
		bool tied = ranking[i].rank > 0 && ranking[i].rank == ranking[place].rank;

		if ((i == place || tied) && strcmp(candidate_at(e, i), id) == 0)
			return true;
	}
	return false;
}

/* Whether no discipline fits better; several may fit as well. */
static bool is_called_for(const struct lf_rubric_def *def, const struct lf_evaluation *e, const char *discipline)
{
	const struct lf_case *the_case = &e->built.engine;

	for (size_t i = 0; i < def->discipline_count; i++) {
		if (strcmp(def->disciplines[e->profile[i].discipline].id, discipline) == 0)
			return lf_compared(the_case, e->profile[i].score) == lf_compared(the_case, e->profile[0].score);
	}
	return false;
}

static void compare(const struct lf_rubric_version *version, const Leadfit__V1__Expectation *expect,
	const struct lf_evaluation *e, struct lf_checker *checker)
{
	const struct lf_rubric_def *def = lf_rubric_def(version->compiled);
	const struct lf_result *result = &e->result;
	bool somebody = result->ranking_count > 0 && result->ranking[0].rank == 1;

	if (*expect->first != '\0' && !(somebody && shares_place(e, 0, expect->first)))
		lf_check_fail(checker, "expect.first", "%s is expected, %s ranks first", expect->first,
			somebody ? candidate_at(e, 0) : "nobody");
	if (expect->outcome != LEADFIT__V1__OUTCOME__OUTCOME_UNSPECIFIED &&
		(int)expect->outcome != (int)result->outcome)
		lf_check_fail(checker, "expect.outcome", "%s is expected, the outcome is %s",
			lf_outcome_name(expect->outcome, "?"), lf_outcome_name(result->outcome, "?"));
	for (size_t i = 0; i < expect->n_ranking; i++)
		if (!shares_place(e, i, expect->ranking[i])) {
			lf_check_fail(checker, "expect.ranking", "%s is expected at place %zu, %s is there",
				expect->ranking[i], i + 1, candidate_at(e, i));
			break;
		}
	if (*expect->profile_first != '\0' && !is_called_for(def, e, expect->profile_first))
		lf_check_fail(checker, "expect.profile_first", "%s is expected, the project calls for %s",
			expect->profile_first,
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

/* ---- scenarios that contradict each other ---- */

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool digest_message(const ProtobufCMessage *message, struct lf_arena *arena, struct lf_digest *digest)
{
	size_t length = message == NULL ? 0 : protobuf_c_message_get_packed_size(message);
	uint8_t *bytes = lf_arena_alloc(arena, length + 1);

	if (bytes == NULL)
		return false;
	if (message != NULL)
		protobuf_c_message_pack(message, bytes);
	lf_sha256(bytes, length, digest);
	return true;
}

/*
 * Names the case: team, project, candidates in any order, and the day where evidence ages by it. false: out of memory.
 */
static bool digest_case(const Leadfit__V1__Scenario *scenario, struct lf_arena *arena, struct lf_digest *digest)
{
	struct lf_digest parts[4] = {{{0}}};
	Leadfit__V1__Scenario candidates = LEADFIT__V1__SCENARIO__INIT;
	int64_t seconds = 0;
	int32_t nanos;

	candidates.n_candidates = scenario->n_candidates;
	candidates.candidates = lf_arena_alloc(arena, (scenario->n_candidates + 1) * sizeof(char *));
	if (candidates.candidates == NULL)
		return false;
	if (scenario->n_candidates > 0) {
		memcpy(candidates.candidates, scenario->candidates, scenario->n_candidates * sizeof(char *));
		qsort(candidates.candidates, candidates.n_candidates, sizeof(char *), compare_texts);
	}
	/* The version's message is canonical, so equal maps have equal bytes. */
	if (!digest_message(scenario->team != NULL ? &scenario->team->base : NULL, arena, &parts[0]) ||
		!digest_message(scenario->project != NULL ? &scenario->project->base : NULL, arena, &parts[1]) ||
		!digest_message(&candidates.base, arena, &parts[2]))
		return false;
	if (has_dated_evidence(scenario->team) && lf_parse_instant(scenario->as_of, &seconds, &nanos)) {
		int32_t day = lf_day_of(seconds);

		memcpy(parts[3].bytes, &day, sizeof(day));
	}
	lf_sha256(parts, sizeof(parts), digest);
	return true;
}

static const char *expected_first(const Leadfit__V1__Expectation *expect)
{
	return *expect->first != '\0' ? expect->first : expect->n_ranking > 0 ? expect->ranking[0] : "";
}

static void contradict(struct lf_checker *checker, const char *field, const char *here, const char *there,
	size_t earlier, const Leadfit__V1__Scenario *other)
{
	if (*here != '\0' && *there != '\0' && strcmp(here, there) != 0)
		lf_check_fail(checker, field,
			"%.128s contradicts scenarios[%zu] \"%.100s\", which expects %.128s of the same case", here,
			earlier, other->name, there);
}

/* Adds where a scenario expects something else of a case than an earlier one does. */
static void find_contradictions(const Leadfit__V1__Scenario *scenario, const Leadfit__V1__Scenario *other,
	size_t earlier, struct lf_checker *checker)
{
	const Leadfit__V1__Expectation *here = scenario->expect, *there = other->expect;
	size_t found = checker->found;

	if (here == NULL || there == NULL)
		return;
	contradict(checker, "expect.first", expected_first(here), expected_first(there), earlier, other);
	if (here->outcome != LEADFIT__V1__OUTCOME__OUTCOME_UNSPECIFIED &&
		there->outcome != LEADFIT__V1__OUTCOME__OUTCOME_UNSPECIFIED)
		contradict(checker, "expect.outcome", lf_outcome_name(here->outcome, "?"),
			lf_outcome_name(there->outcome, "?"), earlier, other);
	for (size_t i = 1; i < here->n_ranking && i < there->n_ranking && checker->found == found; i++)
		contradict(checker, "expect.ranking", here->ranking[i], there->ranking[i], earlier, other);
	contradict(checker, "expect.profile_first", here->profile_first, there->profile_first, earlier, other);
}

/* ---- running ---- */

struct runner {
	const struct lf_rubric_version *version;
	struct lf_arena arena; /* of one scenario */
	struct lf_digest cases[LF_SCENARIOS_MAX];
	struct lf_coverage *coverage;
};

/* Bits of what this scenario exercises. */
static void cover(struct lf_coverage *coverage, const struct lf_rubric_version *version,
	const Leadfit__V1__Scenario *scenario, const struct lf_result *result)
{
	const struct lf_rubric_def *def = lf_rubric_def(version->compiled);

	coverage->outcomes |= 1u << (unsigned)result->outcome;
	for (size_t i = 0; i < scenario->project->n_traits; i++) {
		uint32_t trait = lf_name_index_find(&version->traits, scenario->project->traits[i]->key);

		if (trait != LF_NO_NAME)
			coverage->traits |= (uint64_t)1 << trait;
	}
	for (size_t i = 0; i < result->ranking_count; i++) {
		const struct lf_member_score *score = &result->ranking[i];

		coverage->gates |= score->failed_gates;
		for (size_t c = 0; c < def->criterion_count; c++)
			if (result->weights[c] > 0 && score->criteria[c].value != result->ranking[0].criteria[c].value)
				coverage->criteria |= (uint64_t)1 << c;
	}
}

/* Scores one scenario, and compares. */
static enum lf_code run(struct runner *r, const Leadfit__V1__Scenario *scenario, struct lf_checker *checker,
	struct lf_scenario_result *result)
{
	struct lf_case_input input = {
		.team = scenario->team,
		.project = scenario->project,
		.candidates = scenario->candidates,
		.candidate_count = scenario->n_candidates,
		.as_of_seconds = check_scenario(scenario, checker),
	};
	const struct lf_rubric_version *version = r->version;
	struct lf_evaluation evaluation;
	enum lf_code code;

	if (checker->found > 0)
		return LF_OK;
	code = lf_evaluate_ranking(&evaluation, version, &input, checker, &r->arena);
	if (code == LF_FAILED_PRECONDITION) { /* no weights: a fault of the scenario, found like any other */
		lf_check_fail(checker, "project.traits", "no criterion has a weight for these traits");
	} else if (code == LF_OK) {
		bool ranked = evaluation.result.ranking_count > 0 && evaluation.result.ranking[0].rank == 1;

		result->scored = true;
		result->first = ranked ? candidate_at(&evaluation, 0) : "";
		result->outcome = evaluation.result.outcome;
		result->margin = evaluation.result.margin;
		result->first_rank_share = ranked ? evaluation.result.ranking[0].first_rank_share : (double)NAN;
		cover(r->coverage, version, scenario, &evaluation.result);
		compare(version, scenario->expect, &evaluation, checker);
	}
	return code == LF_RESOURCE_EXHAUSTED ? code : LF_OK;
}

static enum lf_code run_one(
	struct runner *r, size_t index, struct lf_error *differences, struct lf_scenario_result *result)
{
	const Leadfit__V1__Rubric *rubric = r->version->message;
	struct lf_checker checker = {.error = differences};
	enum lf_code code = run(r, rubric->scenarios[index], &checker, result);

	if (code == LF_OK && !digest_case(rubric->scenarios[index], &r->arena, &r->cases[index]))
		code = lf_error_set(differences, LF_RESOURCE_EXHAUSTED, "a scenario needs more memory than its budget");
	for (size_t i = 0; i < index && code == LF_OK; i++)
		if (memcmp(&r->cases[i], &r->cases[index], sizeof(r->cases[i])) == 0)
			find_contradictions(rubric->scenarios[index], rubric->scenarios[i], i, &checker);
	return code;
}

enum lf_code lf_rubric_version_test(const struct lf_rubric_version *version,
	bool (*visit)(void *context, const struct lf_scenario_result *result), void *context,
	struct lf_coverage *coverage, struct lf_error *error)
{
	struct runner *r = calloc(1, sizeof(*r));
	enum lf_code code = LF_OK;

	if (r == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the scenarios");
	r->version = version;
	r->coverage = coverage;
	memset(coverage, 0, sizeof(*coverage));
	lf_arena_init(&r->arena, arena_bytes_max);
	for (size_t i = 0; i < version->message->n_scenarios && code == LF_OK; i++) {
		struct lf_error differences = LF_ERROR_INIT;
		struct lf_scenario_result result = {.index = i, .differences = &differences, .first = ""};

		code = run_one(r, i, &differences, &result);
		if (code != LF_OK)
			lf_error_move(error, &differences);
		else if (!visit(context, &result))
			code = lf_error_set(
				error, LF_DEADLINE_EXCEEDED, "the scenarios took longer than the caller waits");
		lf_error_clean_up(&differences);
		lf_arena_reset(&r->arena);
	}
	lf_arena_clean_up(&r->arena);
	free(r);
	return code;
}

struct gathering {
	struct lf_error all;
	lf_go_on_fn go_on;
	void *context;
};

/* Gathers the differences of all, by their paths in the rubric. */
static bool gather(void *context, const struct lf_scenario_result *result)
{
	struct gathering *gathering = context;

	for (size_t i = 0; i < result->differences->violation_kept; i++) {
		const struct lf_violation *one = &result->differences->violations[i];
		struct lf_path path = {.length = 0};

		lf_path_push_index(&path, "scenarios", result->index);
		if (one->field[0] != '\0')
			lf_path_push(&path, one->field);
		lf_error_add(&gathering->all, path.text, "%s", one->description);
	}
	return gathering->go_on == NULL || gathering->go_on(gathering->context);
}

enum lf_code lf_rubric_version_run_scenarios(
	const struct lf_rubric_version *version, lf_go_on_fn go_on, void *context, struct lf_error *error)
{
	struct gathering gathering = {LF_ERROR_INIT, go_on, context};
	struct lf_coverage coverage;
	enum lf_code code = lf_rubric_version_test(version, gather, &gathering, &coverage, error);

	if (code == LF_OK && gathering.all.violation_count > 0) {
		lf_error_summarize(&gathering.all);
		code = gathering.all.code = LF_FAILED_PRECONDITION;
		lf_error_move(error, &gathering.all);
	}
	lf_error_clean_up(&gathering.all);
	return code;
}
