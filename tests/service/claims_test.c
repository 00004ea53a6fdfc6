/* The article's claims A1–A7 under the shipped rubric, beyond the scenarios that the rubric carries itself. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/decide/scenario.h"
#include "service/decide/sweep.h"
#include "tests/service/support.h"

#define ARCHITECTURE                                                                                                   \
	"{interaction_focus: 0.1, iteration_pace: 0.3, architecture_complexity: 0.9, business_logic_complexity: 0.9, " \
	"stability_need: 0.7, cross_team_scope: 0.5}"
#define INTERACTION                                                                                                    \
	"{interaction_focus: 0.95, iteration_pace: 0.9, architecture_complexity: 0.2, business_logic_complexity: "     \
	"0.2, "                                                                                                        \
	"stability_need: 0.3, cross_team_scope: 0.5}"
#define TWO "{id: t, members: [{id: be, discipline: BACKEND}, {id: fe, discipline: FRONTEND}]}"

static struct lf_rubric_version *rubric;

static int set_up(void **state)
{
	(void)state;
	rubric = support_default_rubric();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	lf_rubric_version_release(rubric);
	return 0;
}

static void the_rubric_passes_its_own_scenarios(void **state)
{
	struct lf_error error = LF_ERROR_INIT;

	(void)state;
	assert_true(rubric->message->n_scenarios >= 10);
	if (lf_rubric_version_run_scenarios(rubric, NULL, NULL, &error) != LF_OK)
		fail_msg("%s", error.message);
}

static void a_scenario_that_does_not_hold_is_named_with_what_differs(void **state)
{
	char errors[2000];

	(void)state;
	support_rubric_errors(
		"{name: r, scale: {min: 1, max: 5}, criteria: [{id: c, weight: {base: 1}}], scenarios: [\n"
		"{name: s, team: {id: t, members: [{id: a, evidence: [{criterion: c, rating: 5}]}]}, project: {id: "
		"p},\n"
		" expect: {first: b, outcome: TOO_CLOSE}}]}",
		errors, sizeof(errors));
	assert_string_equal(errors,
		"scenarios[0].expect.first: b is expected, a ranks first\n"
		"scenarios[0].expect.outcome: TOO_CLOSE is expected, the outcome is RECOMMENDED\n");
}

static void without_evidence_the_project_decides_and_the_outcome_is_insufficient_evidence(void **state)
{
	struct support_case c;

	(void)state;
	support_evaluate(&c, rubric, "{team: " TWO ", project: {id: p, traits: " ARCHITECTURE "}}");
	assert_string_equal(support_at(&c, 0), "be");
	assert_int_equal(c.evaluation.result.outcome, LF_INSUFFICIENT_EVIDENCE);
	support_clean_up(&c);
	support_evaluate(&c, rubric, "{team: " TWO ", project: {id: p, traits: " INTERACTION "}}");
	assert_string_equal(support_at(&c, 0), "fe");
	assert_int_equal(c.evaluation.result.outcome, LF_INSUFFICIENT_EVIDENCE);
	support_clean_up(&c);
}

static void sweeping_interaction_focus_changes_who_is_first_exactly_once(void **state)
{
	char request[600], before[8] = "";
	int changes = 0;

	(void)state;
	for (int i = 0; i <= 1000; i++) {
		struct support_case c;

		snprintf(request, sizeof(request),
			"{team: " TWO ", project: {id: p, traits: {interaction_focus: %d.%03d}}}", i / 1000, i % 1000);
		support_evaluate(&c, rubric, request);
		if (*before != '\0' && strcmp(before, support_at(&c, 0)) != 0)
			changes++;
		if (i == 0)
			assert_string_equal(support_at(&c, 0), "be");
		if (i == 1000)
			assert_string_equal(support_at(&c, 0), "fe");
		snprintf(before, sizeof(before), "%s", support_at(&c, 0));
		support_clean_up(&c);
	}
	assert_int_equal(changes, 1);
}

static void a_sweep_of_interaction_focus_finds_the_same_single_crossing(void **state)
{
	static const char text[] = "{trait: interaction_focus, points: 1001, project: {id: p}, team: " TWO "}";
	struct lf_error error = LF_ERROR_INIT;
	struct lf_checker checker = {.error = &error};
	Leadfit__V1__SweepResponse *response;
	Leadfit__V1__SweepRequest *request;
	struct lf_arena arena;

	(void)state;
	lf_arena_init(&arena, (size_t)16 << 20);
	request = (Leadfit__V1__SweepRequest *)lf_text_parse(
		LF_FORMAT_YAML, &leadfit__v1__sweep_request__descriptor, text, sizeof(text) - 1, &arena, &error);
	assert_non_null(request);
	assert_int_equal(lf_sweep_answer(rubric, request, 0, NULL, NULL, &checker, &arena, &response), LF_OK);
	assert_int_equal(response->n_stretches, 2);
	assert_string_equal(response->stretches[0]->first, "be");
	assert_string_equal(response->stretches[1]->first, "fe");
	for (size_t i = 0; i <= 1000; i++) {
		const Leadfit__V1__SweepPoint *point = response->points[i];
		size_t be = strcmp(response->candidates[0], "be") == 0 ? 0 : 1;

		assert_int_equal(
			point->scores[be] > point->scores[1 - be], point->value < response->stretches[1]->from);
	}
	lf_arena_clean_up(&arena);
}

/* The scenarios in which there is somebody to be sure of, with how sure the rubric is of the first place. */
static void every_recommendation_of_the_scenarios_is_robust(void **state)
{
	size_t recommended = 0;

	(void)state;
	for (size_t i = 0; i < rubric->message->n_scenarios; i++) {
		const Leadfit__V1__Scenario *scenario = rubric->message->scenarios[i];
		struct lf_error error = LF_ERROR_INIT;
		struct lf_checker checker = {.error = &error};
		struct lf_evaluation evaluation;
		struct lf_arena arena;

		lf_arena_init(&arena, (size_t)16 << 20);
		assert_int_equal(
			lf_evaluate(&evaluation, rubric,
				&(struct lf_case_input){
					.team = scenario->team,
					.project = scenario->project,
					.candidates = scenario->candidates,
					.candidate_count = scenario->n_candidates,
					.as_of_seconds = 1767225600, /* 2026-01-01, that of all which are dated */
				},
				NULL, &checker, &arena),
			LF_OK);
		print_message("%5.1f%%  %s\n", 100 * evaluation.result.ranking[0].first_rank_share, scenario->name);
		if (evaluation.result.outcome == LF_RECOMMENDED) {
			recommended++;
			assert_true(evaluation.result.ranking[0].first_rank_share >= 0.6);
		}
		lf_arena_clean_up(&arena);
	}
	assert_true(recommended >= 3);
}

/* Lead of be over fe among the same two candidates, with six more members of one discipline as labour. */
static double lead_with_labour(const char *discipline, char first[8])
{
	char request[1000];
	struct support_case c;
	double lead;
	int length = snprintf(request, sizeof(request),
		"{candidates: [be, fe], project: {id: p, traits: {interaction_focus: 0.45, stability_need: 0.4}}, "
		"team: {id: t, members: "
		"[{id: be, discipline: BACKEND}, {id: fe, discipline: FRONTEND}");

	for (int i = 0; i < 6; i++)
		length += snprintf(request + length, sizeof(request) - (size_t)length, ", {id: m%d, discipline: %s}", i,
			discipline);
	snprintf(request + length, sizeof(request) - (size_t)length, "]}}");
	support_evaluate(&c, rubric, request);
	assert_int_equal(c.evaluation.result.ranking_count, 2);
	lead = support_score(&c, "be") - support_score(&c, "fe");
	snprintf(first, 8, "%s", support_at(&c, 0));
	support_clean_up(&c);
	return lead;
}

/* The shipped rubric, scenarios and all, but with labels that decide. */
static struct lf_rubric_version *without_expertise(void)
{
	Leadfit__V1__Rubric message = *rubric->message;
	struct lf_rubric_version *version = NULL;
	struct lf_error error = LF_ERROR_INIT;
	uint8_t *packed;

	message.expertise = NULL;
	packed = malloc(leadfit__v1__rubric__get_packed_size(&message));
	assert_non_null(packed);
	if (lf_rubric_version_new(&version, packed, leadfit__v1__rubric__pack(&message, packed), "", &error) != LF_OK)
		fail_msg("%s", error.message);
	free(packed);
	return version;
}

static void what_evidence_decides_against_a_label_the_label_would_decide_without_expertise(void **state)
{
	static const char *const wrong[] = {"be is expected, fe ranks first", "fe is expected, be ranks first",
		"web is expected, plain ranks first", "ui is expected, arch ranks first",
		"arch is expected, ui ranks first"};
	struct lf_rubric_version *version = without_expertise();
	struct lf_error error = LF_ERROR_INIT;
	size_t found = 0;

	(void)state;
	assert_int_equal(lf_rubric_version_run_scenarios(version, NULL, NULL, &error), LF_FAILED_PRECONDITION);
	for (size_t i = 0; i < error.violation_kept; i++) {
		if (strstr(error.violations[i].field, ".expect.first") == NULL)
			continue; /* the outcome follows */
		assert_true(found < sizeof(wrong) / sizeof(*wrong));
		assert_string_equal(error.violations[i].description, wrong[found++]);
	}
	assert_int_equal(found, sizeof(wrong) / sizeof(*wrong));
	lf_error_clean_up(&error);
	lf_rubric_version_release(version);
}

static void the_teams_labour_moves_the_answer_towards_its_own_discipline(void **state)
{
	char first[2][8];
	double backend = lead_with_labour("BACKEND", first[0]), frontend = lead_with_labour("FRONTEND", first[1]);

	(void)state;
	assert_true(backend > frontend);
	assert_string_equal(first[0], "be");
	assert_string_equal(first[1], "fe");
}

static void a_fully_unrated_team_still_gets_a_profile(void **state)
{
	struct support_case c;
	struct lf_discipline_fit *fits;

	(void)state;
	support_evaluate(
		&c, rubric, "{team: {id: t, members: [{id: a}, {id: b}]}, project: {id: p, traits: " INTERACTION "}}");
	assert_int_equal(c.code, LF_OK);
	fits = c.evaluation.profile;
	assert_string_equal(lf_rubric_def(rubric->compiled)->disciplines[fits[0].discipline].id, "FRONTEND");
	for (size_t i = 0; i + 1 < 9; i++)
		assert_true(fits[i].score >= fits[i + 1].score && fits[i].score > 0);
	support_clean_up(&c);
}

static void a_member_without_discipline_is_scored_on_the_default_expectation(void **state)
{
	struct support_case c;

	(void)state;
	support_evaluate(&c, rubric, "{team: {id: t, members: [{id: a}]}, project: {id: p}}");
	assert_int_equal(c.code, LF_OK);
	assert_true(c.evaluation.result.ranking[0].eligible);
	assert_true(c.evaluation.result.ranking[0].score > 0);
	support_clean_up(&c);
}

/* 62 assessments of today on each of the four rated criteria, as much as one person may have: 248 pieces. */
static size_t put_evidence(char *text, size_t room, int seed)
{
	static const char *const rated[] = {"architecture", "problem_solving", "collaboration", "interaction"};
	size_t length = 0;

	for (size_t j = 0; j < 4; j++) {
		for (int i = 0; i < 62; i++)
			length += (size_t)snprintf(text + length, room - length,
				"%s{criterion: %s, rating: %d, source: ASSESSMENT, observed_on: \"2026-01-01\"}",
				length > 0 ? ", " : "", rated[j], 1 + (seed * 7 + (int)j * 3 + i * (seed % 3)) % 5);
		assert_true(length < room);
	}
	return length;
}

/* How far apart two of different labels are whose evidence is the same, and shows every discipline that is needed. */
static double labels_apart(const char *one, const char *other, const char *traits, int seed)
{
	static char evidence[40000], request[100000];
	struct support_case c;
	double apart;

	(void)put_evidence(evidence, sizeof(evidence), seed);
	/* The labour is of the disciplines that some criterion shows; the two have no time, so they are none. */
	snprintf(request, sizeof(request),
		"{as_of: \"2026-01-01T00:00:00Z\", project: {id: p, traits: %s}, team: {id: t, members: ["
		"{id: l1, discipline: BACKEND}, {id: l2, discipline: FRONTEND}, {id: l3, discipline: DESIGN}, "
		"{id: l4, discipline: INFRASTRUCTURE}, {id: c1, discipline: %s, availability: 0, evidence: [%s]}, "
		"{id: c2, discipline: %s, availability: 0, evidence: [%s]}]}}",
		traits, one, evidence, other, evidence);
	support_evaluate(&c, rubric, request);
	apart = support_score(&c, "c1") - support_score(&c, "c2");
	support_clean_up(&c);
	return apart < 0 ? -apart : apart;
}

static void enough_evidence_outweighs_any_label(void **state)
{
	static const char *const labels[] = {"BACKEND", "FRONTEND", "FULLSTACK", "MOBILE", "DATA", "INFRASTRUCTURE",
		"SECURITY", "QUALITY", "DESIGN"};
	static const char *const traits[] = {ARCHITECTURE, INTERACTION, "{}", "{stability_need: 1}"};
	double most = 0;

	(void)state;
	for (size_t one = 0; one < 9; one++)
		for (size_t other = 0; other < one; other++) {
			int seed = (int)(one * 9 + other);
			double apart = labels_apart(labels[one], labels[other], traits[seed % 4], seed);

			assert_true(apart < 0.01);
			most = apart > most ? apart : most;
		}
	print_message("labels of the same evidence are at most %.4f apart\n", most);
	assert_true(most > 0); /* a label never counts for nothing */
}

/* What is set apart as an expectation: nothing that counts was observed or stated; what is stated counts. */
static void the_basis_is_what_the_score_rests_on(void **state)
{
	static const char fit[] =
		"{name: r, scale: {min: 1, max: 5}, disciplines: [{id: FE}, {id: BE}], criteria: [{id: c, weight: "
		"{base: 0}}, {id: f, derived: DOMAIN_ALIGNMENT, weight: {base: 1}, needs: [{discipline: FE, base: "
		"1}]}]}";
	struct lf_rubric_version *version = support_rubric(fit);
	struct support_case c;
	const Leadfit__V1__Decision *decision;

	(void)state;
	support_evaluate(&c, version,
		"{team: {id: t, members: [{id: stated, discipline: BE, expertise: {FE: 0.9}}, {id: label, discipline: "
		"FE}, {id: rated, discipline: BE, evidence: [{criterion: c, rating: 5}]}]}, project: {id: p}}");
	decision = support_decide(&c, version);
	assert_string_equal(decision->ranking[0]->candidate, "label");
	assert_int_equal(decision->ranking[0]->basis, LEADFIT__V1__BASIS__EXPECTATION_ONLY);
	assert_string_equal(decision->ranking[1]->candidate, "stated");
	assert_int_equal(decision->ranking[1]->basis, LEADFIT__V1__BASIS__EVIDENCE);
	assert_string_equal(decision->ranking[2]->candidate, "rated"); /* on what does not count */
	assert_int_equal(decision->ranking[2]->basis, LEADFIT__V1__BASIS__EXPECTATION_ONLY);
	support_clean_up(&c);
	lf_rubric_version_release(version);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rubric_passes_its_own_scenarios),
		cmocka_unit_test(a_scenario_that_does_not_hold_is_named_with_what_differs),
		cmocka_unit_test(the_basis_is_what_the_score_rests_on),
		cmocka_unit_test(enough_evidence_outweighs_any_label),
		cmocka_unit_test(without_evidence_the_project_decides_and_the_outcome_is_insufficient_evidence),
		cmocka_unit_test(sweeping_interaction_focus_changes_who_is_first_exactly_once),
		cmocka_unit_test(a_sweep_of_interaction_focus_finds_the_same_single_crossing),
		cmocka_unit_test(every_recommendation_of_the_scenarios_is_robust),
		cmocka_unit_test(what_evidence_decides_against_a_label_the_label_would_decide_without_expertise),
		cmocka_unit_test(the_teams_labour_moves_the_answer_towards_its_own_discipline),
		cmocka_unit_test(a_fully_unrated_team_still_gets_a_profile),
		cmocka_unit_test(a_member_without_discipline_is_scored_on_the_default_expectation),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
