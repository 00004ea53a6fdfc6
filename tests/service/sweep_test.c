/* Sweeps: what strangers get wrong, and that points, stretches and words agree with scoring at each value. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/limits.h"
#include "service/decide/sweep.h"
#include "tests/service/support.h"

#define TEAM                                                                                                           \
	"team: {id: t, members: [{id: be, discipline: BACKEND}, {id: fe, discipline: FRONTEND}, {id: qa, discipline: " \
	"QUALITY}, "                                                                                                   \
	"{id: away, discipline: FULLSTACK, availability: 0.1}]}"

struct swept {
	struct lf_arena arena;
	struct lf_error error;
	enum lf_code code;
	Leadfit__V1__SweepResponse *response;
};

static void sweep_until(
	struct swept *s, const struct lf_rubric_version *version, const char *text, lf_go_on_fn go_on, void *context)
{
	struct lf_checker checker = {.error = &s->error};
	Leadfit__V1__SweepRequest *request;

	memset(s, 0, sizeof(*s));
	lf_arena_init(&s->arena, (size_t)64 << 20);
	request = (Leadfit__V1__SweepRequest *)lf_text_parse(
		LF_FORMAT_YAML, &leadfit__v1__sweep_request__descriptor, text, strlen(text), &s->arena, &s->error);
	if (request == NULL)
		fail_msg("%s", s->error.message);
	s->code = lf_sweep_answer(
		version, request, INT64_C(1767225600000000), go_on, context, &checker, &s->arena, &s->response);
	assert_int_equal(s->code, s->error.code);
}

static void sweep(struct swept *s, const struct lf_rubric_version *version, const char *text)
{
	sweep_until(s, version, text, NULL, NULL);
}

static void clean_up(struct swept *s)
{
	lf_arena_clean_up(&s->arena);
	lf_error_clean_up(&s->error);
}

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

static void everything_that_is_wrong_is_said_at_once(void **state)
{
	static const struct {
		const char *request, *errors;
	} cases[] = {
		{"{}", "trait: is required\nteam: is required\nproject: is required\n"},
		{"{trait: interaction_focsu, points: 1, candidates: [eb], project: {id: p, traits: {stability_need: "
		 "2}}, " TEAM "}",
			"trait: \"interaction_focsu\" is not a trait of this rubric; nearest: "
			"interaction_focus\npoints: 1 is outside 2..1001\n"
			"candidates[0]: \"eb\" is not a member of the team; nearest: be\n"
			"project.traits[\"stability_need\"]: 2 is outside 0..1\n"},
		{"{trait: stability_need, points: 1002, project: {id: p}, " TEAM "}",
			"points: 1002 is outside 2..1001\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char errors[2000] = "";
		size_t length = 0;
		struct swept s;

		sweep(&s, rubric, cases[i].request);
		assert_int_equal(s.code, LF_INVALID_ARGUMENT);
		for (size_t k = 0; k < s.error.violation_kept; k++)
			length += (size_t)snprintf(errors + length, sizeof(errors) - length, "%s: %s\n",
				s.error.violations[k].field, s.error.violations[k].description);
		assert_string_equal(errors, cases[i].errors);
		clean_up(&s);
	}
}

static void what_would_not_fit_a_message_is_refused_before_it_is_scored(void **state)
{
	static char request[100000];
	size_t length = (size_t)sprintf(
		request, "{trait: stability_need, points: 1001, project: {id: p}, team: {id: t, members: [");
	struct swept s;

	(void)state;
	for (int i = 0; i < 1000; i++)
		length += (size_t)sprintf(request + length, "{id: m%d}, ", i);
	sprintf(request + length, "]}}");
	sweep(&s, rubric, request);
	assert_int_equal(s.code, LF_INVALID_ARGUMENT);
	assert_string_equal(s.error.violations[0].field, "points");
	assert_string_equal(s.error.violations[0].description,
		"1001 points of 1000 candidates do not fit a message; allowed are at most 458");
	clean_up(&s);
}

static void points_have_the_scores_that_score_gives_and_stretches_who_is_first(void **state)
{
	static const char *const traits[] = {"interaction_focus", "architecture_complexity", "cross_team_scope"};

	(void)state;
	for (size_t t = 0; t < 3; t++) {
		char request[1000];
		size_t stretch = 0;
		struct swept s;

		snprintf(request, sizeof(request), "{trait: %s, project: {id: p, traits: {%s: 0.25}}, " TEAM "}",
			traits[t], traits[t]);
		sweep(&s, rubric, request);
		assert_int_equal(s.code, LF_OK);
		assert_true(s.response->value == 0.25);
		assert_int_equal(s.response->n_points, 101);
		assert_int_equal(s.response->n_candidates, 4);
		assert_string_equal(s.response->candidates[3], "away"); /* not eligible: last */
		assert_true(s.response->n_stretches > 0 && s.response->n_explanation == 2);
		assert_int_equal(
			s.response->n_assumptions, 5); /* the other five traits; all that is rated has a prior */
		assert_true(s.response->stretches[0]->from == 0 &&
			s.response->stretches[s.response->n_stretches - 1]->to == 1);
		for (size_t i = 0; i + 1 < s.response->n_stretches; i++) {
			assert_true(s.response->stretches[i]->to == s.response->stretches[i + 1]->from);
			assert_string_not_equal(s.response->stretches[i]->first, s.response->stretches[i + 1]->first);
		}
		for (size_t i = 0; i < s.response->n_points; i++) {
			const Leadfit__V1__SweepPoint *point = s.response->points[i];
			struct support_case c;

			assert_true(point->value == (double)i / 100);
			snprintf(request, sizeof(request), "{project: {id: p, traits: {%s: %.2f}}, " TEAM "}",
				traits[t], (double)i / 100);
			support_evaluate(&c, rubric, request);
			for (size_t k = 0; k < 4; k++)
				assert_true(point->scores[k] == support_score(&c, s.response->candidates[k]));
			while (s.response->stretches[stretch]->to < point->value)
				stretch++;
			if (point->value - s.response->stretches[stretch]->from > 1e-9 &&
				s.response->stretches[stretch]->to - point->value > 1e-9)
				assert_string_equal(s.response->stretches[stretch]->first, support_at(&c, 0));
			support_clean_up(&c);
		}
		clean_up(&s);
	}
}

static void candidates_come_in_the_order_of_the_projects_own_value(void **state)
{
	struct swept s;

	(void)state;
	sweep(&s, rubric,
		"{trait: interaction_focus, points: 2, project: {id: p, traits: {interaction_focus: 1}}, " TEAM "}");
	assert_string_equal(s.response->candidates[0], "fe");
	assert_int_equal(s.response->n_points, 2);
	assert_true(s.response->points[0]->value == 0 && s.response->points[1]->value == 1);
	/* At 0 somebody else leads, in the same order. */
	assert_true(s.response->points[0]->scores[0] < s.response->points[0]->scores[1]);
	clean_up(&s);
	sweep(&s, rubric,
		"{trait: interaction_focus, candidates: [qa, fe], project: {id: p, traits: {interaction_focus: "
		"1}}, " TEAM "}");
	assert_int_equal(s.response->n_candidates, 2);
	assert_string_equal(s.response->candidates[1], "qa");
	clean_up(&s);
}

static void where_nothing_has_a_weight_there_are_no_scores(void **state)
{
	struct lf_rubric_version *own =
		support_rubric("{name: r, scale: {min: 0, max: 1}, traits: [{id: t, default: 0.1}],\n"
			       "criteria: [{id: c, weight: {base: -0.5, traits: {t: 1}}}]}");
	struct swept s;

	(void)state;
	sweep(&s, own,
		"{trait: t, points: 11, project: {id: p}, team: {id: x, members: [{id: b, evidence: [{criterion: c, "
		"rating: 0.3}]}, "
		"{id: c}, {id: a, evidence: [{criterion: c, rating: 0.9}]}]}}");
	assert_int_equal(s.code, LF_OK);
	assert_true(s.response->value == 0.1);
	assert_string_equal(s.response->candidates[0], "a"); /* by id: there is no ranking at 0.1 */
	assert_string_equal(s.response->candidates[1], "b");
	assert_string_equal(s.response->candidates[2], "c");
	for (size_t i = 0; i < 11; i++) {
		assert_int_equal(s.response->points[i]->n_scores, i <= 5 ? 0 : 3);
		if (i > 5)
			assert_true(s.response->points[i]->scores[0] == 0.9 && s.response->points[i]->scores[1] == 0.3);
	}
	assert_int_equal(s.response->n_stretches, 2);
	assert_string_equal(s.response->stretches[0]->first, "");
	assert_string_equal(s.response->stretches[1]->first, "a");
	assert_string_equal(s.response->explanation[0], "By t: a leads from 0.50 on; below, nobody.");
	assert_string_equal(s.response->explanation[1], "For this project it is 0.10 (assumed), where nobody leads.");
	assert_int_equal(s.response->n_assumptions, 1);
	assert_string_equal(s.response->assumptions[0], "t was not given: 0.10 assumed.");
	clean_up(&s);
	lf_rubric_version_release(own);
}

static void who_shares_the_first_place_all_the_way_is_named(void **state)
{
	struct lf_rubric_version *own = support_rubric(
		"{name: r, scale: {min: 0, max: 1}, traits: [{id: t}], gates: [{availability_at_least: 0.5}],\n"
		"criteria: [{id: c, weight: {base: 1, traits: {t: -1}}}, {id: d, weight: {base: 0, traits: {t: 1}}}]}");
	struct swept s;

	(void)state;
	/* a, b and the one who is away are equal; z is ahead of them from 0.5 on. */
	sweep(&s, own,
		"{trait: t, points: 11, project: {id: p}, team: {id: x, members: [{id: b, evidence: [{criterion: c, "
		"rating: 0.9}, "
		"{criterion: d, rating: 0.1}]}, {id: a, evidence: [{criterion: c, rating: 0.9}, {criterion: d, rating: "
		"0.1}]}, "
		"{id: away, availability: 0.1, evidence: [{criterion: c, rating: 0.9}, {criterion: d, rating: 0.1}]}, "
		"{id: z, evidence: [{criterion: c, rating: 0.1}, {criterion: d, rating: 0.9}]}]}}");
	assert_int_equal(s.code, LF_OK);
	assert_int_equal(s.response->n_stretches, 2);
	assert_int_equal(s.response->stretches[0]->n_tied, 1); /* nobody who is not eligible */
	assert_string_not_equal(s.response->stretches[0]->first, s.response->stretches[0]->tied[0]);
	assert_string_equal(s.response->stretches[1]->first, "z");
	assert_int_equal(s.response->stretches[1]->n_tied, 0);
	assert_int_equal(s.response->n_explanation, 3);
	assert_string_equal(s.response->explanation[2],
		"b ranks first together with a from 0.00 to 0.50: their scores are the same.");
	clean_up(&s);
	lf_rubric_version_release(own);
}

static void the_ends_of_a_short_stretch_of_equals_look_different(void **state)
{
	struct lf_rubric_version *own = support_rubric(
		"{name: r, scale: {min: 0, max: 1}, traits: [{id: t}],\n"
		"criteria: [{id: c, weight: {base: 1, traits: {t: -1}}}, {id: d, weight: {base: 0, traits: {t: 1}}}]}");
	struct swept s;

	(void)state;
	/* z is ahead below 0.5; a and b, who are equal, to 0.502; y is ahead beyond. */
	sweep(&s, own,
		"{trait: t, points: 11, project: {id: p}, team: {id: x, members: [{id: z, evidence: [{criterion: c, "
		"rating: 0.75}, "
		"{criterion: d, rating: 0.25}]}, {id: b, evidence: [{criterion: c, rating: 0.5}, {criterion: d, "
		"rating: 0.5}]}, "
		"{id: a, evidence: [{criterion: c, rating: 0.5}, {criterion: d, rating: 0.5}]}, "
		"{id: y, evidence: [{criterion: c, rating: 0.248}, {criterion: d, rating: 0.75}]}]}}");
	assert_int_equal(s.code, LF_OK);
	assert_int_equal(s.response->n_stretches, 3);
	assert_int_equal(s.response->stretches[1]->n_tied, 1);
	assert_int_equal(s.response->n_explanation, 3);
	assert_non_null(strstr(s.response->explanation[2], " from 0.500 to 0.502: their scores are the same."));
	clean_up(&s);
	lf_rubric_version_release(own);
}

static void what_is_not_declared_is_left_out_and_listed_where_the_request_says_so(void **state)
{
	struct swept s;

	(void)state;
	sweep(&s, rubric,
		"{trait: stability_need, ignore_undeclared: true, project: {id: p, traits: {size: 0.5}}, " TEAM "}");
	assert_int_equal(s.code, LF_OK);
	assert_int_equal(s.response->n_ignored, 1);
	assert_string_equal(s.response->ignored[0], "project.traits[\"size\"]: \"size\" is not a trait of this rubric");
	clean_up(&s);
}

static bool twice(void *context)
{
	int *left = context;

	return (*left)-- > 0;
}

static void a_sweep_ends_when_nobody_waits_for_it(void **state)
{
	struct swept s;
	int left = 2;

	(void)state;
	sweep_until(&s, rubric, "{trait: stability_need, project: {id: p}, " TEAM "}", twice, &left);
	assert_int_equal(s.code, LF_DEADLINE_EXCEEDED);
	assert_int_equal(left, -1);
	clean_up(&s);
}

static void only_additive_sweeps_are_exact(void **state)
{
	struct lf_rubric_version *harmonic = support_default_rubric_as(LEADFIT__V1__AGGREGATION__HARMONIC, 2);
	struct swept s;

	(void)state;
	sweep(&s, rubric, "{trait: interaction_focus, project: {id: p}, " TEAM "}");
	assert_false(s.response->approximate);
	clean_up(&s);
	sweep(&s, harmonic, "{trait: interaction_focus, project: {id: p}, " TEAM "}");
	assert_true(s.response->approximate);
	clean_up(&s);
	lf_rubric_version_release(harmonic);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_that_is_wrong_is_said_at_once),
		cmocka_unit_test(what_would_not_fit_a_message_is_refused_before_it_is_scored),
		cmocka_unit_test(points_have_the_scores_that_score_gives_and_stretches_who_is_first),
		cmocka_unit_test(candidates_come_in_the_order_of_the_projects_own_value),
		cmocka_unit_test(where_nothing_has_a_weight_there_are_no_scores),
		cmocka_unit_test(who_shares_the_first_place_all_the_way_is_named),
		cmocka_unit_test(the_ends_of_a_short_stretch_of_equals_look_different),
		cmocka_unit_test(what_is_not_declared_is_left_out_and_listed_where_the_request_says_so),
		cmocka_unit_test(a_sweep_ends_when_nobody_waits_for_it),
		cmocka_unit_test(only_additive_sweeps_are_exact),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
