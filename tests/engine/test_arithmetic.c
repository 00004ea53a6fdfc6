/* Small cases worked by hand, number by number; and the published one. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "tests/engine/example.h"

#define NEAR(actual, expected) assert_true(fabs((actual) - (expected)) <= 1e-12)

/* ---- curves ---- */

static void a_published_piecewise_linear_value_comes_out(void **state)
{
	/* gertvv/rsmaa, smaa/tests/pvf.R */
	static const struct lf_curve_point curve[] = {{50, 1}, {75, 0.8}, {90, 0.5}, {100, 0}};

	(void)state;
	NEAR(lf_curve_value(curve, 4, 60), 0.92);
	NEAR(lf_curve_value(curve, 4, 10), 1);
	NEAR(lf_curve_value(curve, 4, 40), 1);
	NEAR(lf_curve_value(curve, 4, 101), 0);
	NEAR(lf_curve_value(curve, 4, 120), 0);
	for (size_t i = 0; i < 4; i++) /* its points are met exactly */
		assert_true(lf_curve_value(curve, 4, curve[i].rating) == curve[i].value);
}

static void a_curve_never_falls_between_neighbouring_doubles(void **state)
{
	/* Ends that a rounded slope misses. */
	static const struct lf_curve_point curve[] = {{1, 0.1}, {1.7, 0.3}, {2.9, 0.3}, {4.3, 0.7}, {5, 1}};

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		double rating = curve[i].rating;

		for (int k = 0; k < 40; k++)
			rating = nextafter(rating, 0);
		for (int k = 0; k < 80; k++) {
			double next = nextafter(rating, 9);

			assert_true(lf_curve_value(curve, 5, rating) <= lf_curve_value(curve, 5, next));
			rating = next;
		}
	}
}

/* ---- ratings ---- */

static void evidence_and_prior_are_averaged_by_weight(void **state)
{
	struct example e;
	const struct lf_criterion_score *skill;

	(void)state;
	example_init(&e);
	/* PEER 1, dated as_of: a = 1. SELF 0.4, one half-life ago: a = 1/2. */
	example_evidence(&e, 0, SKILL, PEER, 5, 0);
	example_evidence(&e, 0, SKILL, SELF, 3, 100);
	example_score(&e);
	skill = &example_member(&e, 0)->criteria[SKILL];
	/* n = 1 + 0.2, k = 2 at 3.5: r = (5 + 0.6 + 7) / 3.2 = 3.9375 */
	NEAR(skill->rating, 3.9375);
	NEAR(skill->share, 1.2 / 3.2);
	NEAR(skill->value, (3.9375 - 1) / 4);
	assert_true(skill->known);
	example_clean_up(&e);
}

static void undated_evidence_is_one_half_life_old(void **state)
{
	struct example e;

	(void)state;
	example_init(&e);
	example_evidence(&e, 0, SKILL, PEER, 5, 0);
	e.evidence[0][0].observed_day = LF_UNDATED;
	example_score(&e);
	NEAR(example_member(&e, 0)->criteria[SKILL].rating, (2.5 + 7) / 2.5);
	assert_int_equal(example_member(&e, 0)->undated, 1);
	example_clean_up(&e);

	example_init(&e);
	e.def.half_life_days = 0; /* nothing ages, so nothing was aged */
	example_evidence(&e, 0, SKILL, PEER, 5, 0);
	e.evidence[0][0].observed_day = LF_UNDATED;
	example_evidence(&e, 0, SKILL, PEER, 5, 4000);
	example_score(&e);
	NEAR(example_member(&e, 0)->criteria[SKILL].rating, (10.0 + 7) / 4);
	assert_int_equal(example_member(&e, 0)->undated, 0);
	example_clean_up(&e);
}

static void tomorrows_evidence_is_as_fresh_as_todays(void **state)
{
	struct example e;

	(void)state;
	example_init(&e);
	example_evidence(&e, 0, SKILL, LF_NONE, 5, -1);
	example_score(&e);
	NEAR(example_member(&e, 0)->criteria[SKILL].rating, (5.0 + 7) / 3);
	example_clean_up(&e);
}

static void without_evidence_the_rating_is_the_prior_exactly(void **state)
{
	struct example e;

	(void)state;
	example_init(&e);
	e.criteria[SKILL].prior_strength = 0.7;
	e.members[1].discipline = LF_NONE;
	example_score(&e);
	assert_true(example_member(&e, 0)->criteria[SKILL].rating == 3.5);
	assert_true(example_member(&e, 1)->criteria[SKILL].rating == 2.0); /* the default mean */
	assert_true(example_member(&e, 0)->criteria[SKILL].share == 0);
	example_clean_up(&e);
}

static void nothing_known_is_unknown_and_worth_nothing(void **state)
{
	struct example e;
	const struct lf_criterion_score *skill;

	(void)state;
	example_init(&e);
	e.criteria[SKILL].prior_strength = 0;
	e.criteria[SKILL].prior_mean = NULL;
	e.source_weights[SELF] = 0; /* counts for nothing */
	example_evidence(&e, 0, SKILL, SELF, 5, 0);
	example_score(&e);
	skill = &example_member(&e, 0)->criteria[SKILL];
	assert_false(skill->known);
	assert_true(skill->value == 0 && skill->rating == 0 && skill->share == 0);
	example_clean_up(&e);
}

static void minus_zero_becomes_zero(void **state)
{
	struct example e;

	(void)state;
	example_init(&e);
	e.def.scale_min = -2;
	e.def.scale_max = 2;
	e.criteria[SKILL].prior_strength = 0;
	e.criteria[SKILL].prior_mean = NULL;
	example_evidence(&e, 0, SKILL, PEER, -0.0, 0);
	example_score(&e);
	assert_false(signbit(example_member(&e, 0)->criteria[SKILL].rating));
	example_clean_up(&e);
}

/* ---- weights ---- */

static void weights_respond_to_traits_and_add_up_to_one(void **state)
{
	struct example e;

	(void)state;
	example_init(&e);
	e.traits[FOCUS] = 0.75;
	example_score(&e);
	/* skill 0.25 + 0.5·0.75 = 0.625, talk 0.25, fit 0.125, cover max(0, 0.5 - 1·0.75) = 0 */
	NEAR(e.result.weights[SKILL], 0.625);
	NEAR(e.result.weights[TALK], 0.25);
	NEAR(e.result.weights[FIT], 0.125);
	assert_true(e.result.weights[COVER] == 0);
	example_clean_up(&e);
}

static void weights_that_are_all_zero_give_no_score(void **state)
{
	struct example e;
	struct lf_discipline_fit fits[3];
	double weights[4];

	(void)state;
	example_init(&e);
	for (size_t j = 0; j < 4; j++) {
		e.criteria[j].weight.base = 0;
		e.weight_by_trait[j][FOCUS] = j == SKILL ? 1 : -1;
	}
	e.traits[FOCUS] = 0;
	example_prepare(&e);
	assert_false(lf_score(e.rubric, &e.the_case, e.workspace, &e.result));
	assert_false(lf_profile(e.rubric, &e.the_case, e.workspace, fits, weights));
	example_clean_up(&e);
}

/* ---- derived criteria ---- */

static void alignment_is_the_part_of_the_need_that_expertise_meets(void **state)
{
	static const struct lf_expertise stated[] = {{FRONT, 0.5}};
	struct example e;

	(void)state;
	example_init(&e);
	e.traits[FOCUS] = 0.5;
	e.members[2].expertise = stated;
	e.members[2].expertise_count = 1;
	example_score(&e);
	/* need: FRONT 0.1 + 0.8·0.5 = 0.5, BACK 0.3 - 0.1·0.5 = 0.25 */
	NEAR(example_member(&e, 0)->criteria[FIT].value, 0.25 / 0.75); /* BACK covers itself only */
	NEAR(example_member(&e, 1)->criteria[FIT].value, 0.5 / 0.75);  /* FRONT */
	/* FULL covers BACK 0.7, and what it covers of FRONT, 0.6, gives way to the stated 0.5 */
	NEAR(example_member(&e, 2)->criteria[FIT].value, (0.5 * 0.5 + 0.25 * 0.7) / 0.75);
	assert_true(example_member(&e, 0)->criteria[FIT].share == 0);
	NEAR(example_member(&e, 2)->criteria[FIT].share, 0.5 / 0.75);
	example_clean_up(&e);
}

static void coverage_is_the_part_of_the_labour_that_expertise_covers(void **state)
{
	static const char *const extra[] = {"AARDVARK"};
	struct example e;

	(void)state;
	example_init(&e);
	e.members[0].availability = 0.5; /* BACK */
	e.members[1].candidate = false;  /* FRONT, labour all the same */
	e.members[3].discipline = 3;     /* the extra one, AARDVARK */
	e.members[3].availability = 0.25;
	e.the_case.discipline_count = 4;
	e.the_case.extra_discipline_ids = extra;
	example_score(&e);
	/* labour: AARDVARK 0.25, BACK 0.5, FRONT 1, FULL 1 */
	NEAR(example_member(&e, 0)->criteria[COVER].value, 0.5 / 2.75);
	NEAR(example_member(&e, 2)->criteria[COVER].value, (0.5 * 0.7 + 1 * 0.6 + 1) / 2.75);
	NEAR(example_member(&e, 3)->criteria[COVER].value, 0.25 / 2.75);
	assert_null(example_member(&e, 1));
	assert_int_equal(e.result.ranking_count, 3);
	example_clean_up(&e);
}

static void a_member_without_discipline_covers_nothing(void **state)
{
	struct example e;

	(void)state;
	example_init(&e);
	e.members[3].discipline = LF_NONE;
	example_score(&e);
	assert_true(example_member(&e, 3)->criteria[FIT].value == 0);
	assert_true(example_member(&e, 3)->criteria[COVER].value == 0);
	NEAR(example_member(&e, 0)->criteria[COVER].value, 1.0 / 3); /* nor is it labour */
	example_clean_up(&e);
}

static void no_need_and_no_labour_give_zero_and_say_so(void **state)
{
	struct example e;

	(void)state;
	example_init(&e);
	e.needs[0].amount.base = e.needs[1].amount.base = -1;
	e.need_by_trait[0][FOCUS] = 1;
	for (size_t m = 0; m < 4; m++)
		e.members[m].availability = 0;
	example_score(&e);
	assert_true(e.result.needs_zero && e.result.labour_zero);
	assert_true(example_member(&e, 0)->criteria[FIT].value == 0);
	assert_true(example_member(&e, 0)->criteria[COVER].value == 0);
	example_clean_up(&e);
}

/* ---- aggregation ---- */

/* Two criteria with weights 0.75 and 0.25 and values 0.5 and 1. */
static void two_values(struct example *e, enum lf_aggregation aggregation)
{
	example_init(e);
	e->def.aggregation = aggregation;
	e->criteria[SKILL].weight.base = 0.75;
	e->criteria[TALK].weight.base = 0.25;
	e->criteria[FIT].weight.base = e->criteria[COVER].weight.base = 0;
	e->weight_by_trait[SKILL][FOCUS] = e->weight_by_trait[COVER][FOCUS] = 0;
	e->criteria[SKILL].prior_strength = 0;
	e->criteria[SKILL].prior_mean = NULL;
	example_evidence(e, 0, SKILL, PEER, 3, 0);
	example_evidence(e, 0, TALK, PEER, 5, 0);
}

static void additive_harmonic_and_minimum(void **state)
{
	struct example e;

	(void)state;
	two_values(&e, LF_ADDITIVE);
	example_score(&e);
	NEAR(example_member(&e, 0)->score, 0.75 * 0.5 + 0.25);
	assert_int_equal(example_member(&e, 0)->limiting, LF_NONE);
	example_clean_up(&e);
	two_values(&e, LF_HARMONIC);
	example_score(&e);
	NEAR(example_member(&e, 0)->score, 1 / (0.75 / 0.5 + 0.25 / 1));
	assert_int_equal(example_member(&e, 0)->limiting, SKILL);
	assert_true(example_member(&e, 1)->score == 0); /* nothing known: a value of 0 */
	example_clean_up(&e);
	two_values(&e, LF_MINIMUM);
	example_score(&e);
	NEAR(example_member(&e, 0)->score, 0.5);
	assert_int_equal(example_member(&e, 0)->limiting, SKILL);
	example_clean_up(&e);
}

static void the_limiting_criterion_of_equals_is_the_first_by_id(void **state)
{
	struct example e;

	(void)state;
	two_values(&e, LF_MINIMUM);
	e.evidence[0][1].rating = 3; /* both values 0.5; "skill" comes before "talk" */
	example_score(&e);
	assert_int_equal(example_member(&e, 0)->limiting, SKILL);
	example_clean_up(&e);
	two_values(&e, LF_HARMONIC);
	e.criteria[SKILL].weight.base = e.criteria[TALK].weight.base = 0.5;
	e.criteria[SKILL].id = "zzz";
	e.evidence[0][1].rating = 3;
	example_score(&e);
	assert_int_equal(example_member(&e, 0)->limiting, TALK);
	example_clean_up(&e);
}

static void criteria_without_weight_are_skipped(void **state)
{
	struct example e;

	(void)state;
	two_values(&e, LF_MINIMUM);
	e.criteria[TALK].weight.base = 0;
	e.evidence[0][1].rating = 1; /* value 0, which does not count */
	example_score(&e);
	NEAR(example_member(&e, 0)->score, 0.5);
	example_clean_up(&e);
}

/* ---- profile ---- */

static void a_profile_scores_an_imagined_member_of_each_discipline(void **state)
{
	struct example e;
	struct lf_discipline_fit fits[3];
	double weights[4];

	(void)state;
	example_init(&e);
	e.the_case.member_count = 0;
	e.traits[FOCUS] =
		0; /* weights: skill 0.25, talk 0.25, fit 0.125, cover 0.5, of 1.125; needs: FRONT 0.1, BACK 0.3 */
	example_prepare(&e);
	assert_true(lf_profile(e.rubric, &e.the_case, e.workspace, fits, weights));
	/* skill at the prior: BACK 3.5, FRONT 3, FULL 2.5; talk unknown; each works alone, so covers all */
	assert_int_equal(fits[0].discipline, BACK);
	NEAR(fits[0].score, (0.25 * 0.625 + 0.125 * 0.75 + 0.5) / 1.125);
	assert_int_equal(fits[1].discipline, FULL);
	NEAR(fits[1].score, (0.25 * 0.375 + 0.125 * (0.1 * 0.6 + 0.3 * 0.7) / 0.4 + 0.5) / 1.125);
	assert_int_equal(fits[2].discipline, FRONT);
	NEAR(fits[2].score, (0.25 * 0.5 + 0.125 * 0.25 + 0.5) / 1.125);
	NEAR(weights[COVER], 0.5 / 1.125);
	example_clean_up(&e);
}

static void a_profile_counts_the_teams_labour(void **state)
{
	struct example e;
	struct lf_discipline_fit fits[3];
	double weights[4];

	(void)state;
	example_init(&e);
	e.traits[FOCUS] = 0;
	e.members[0].discipline = e.members[2].discipline = FRONT; /* FRONT ×3, and BACK ×1 */
	example_prepare(&e);
	assert_true(lf_profile(e.rubric, &e.the_case, e.workspace, fits, weights));
	for (size_t i = 0; i < 3; i++) {
		if (fits[i].discipline == FRONT)
			NEAR(fits[i].score, (0.25 * 0.5 + 0.125 * 0.25 + 0.5 * 0.75) / 1.125);
	}
	assert_int_equal(fits[0].discipline, FRONT); /* which comes last where each works alone */
	example_clean_up(&e);
}

/* ---- the example of service/engine/DESIGN.md ---- */

static void the_worked_example_of_the_readme_comes_out(void **state)
{
	struct example e;
	const struct lf_member_score *ann, *ben;

	(void)state;
	example_init(&e);
	e.the_case.member_count = 2;
	e.members[0].id = "ben";
	e.members[1].id = "ann";
	e.traits[FOCUS] = 0.5;
	example_evidence(&e, 1, SKILL, PEER, 5, 0);
	example_evidence(&e, 1, SKILL, SELF, 4, 100);
	example_evidence(&e, 0, TALK, PEER, 4, 100);
	example_evidence(&e, 1, TALK, PEER, 3, 0);
	example_score(&e);
	ann = example_member(&e, 1);
	ben = example_member(&e, 0);
	NEAR(ann->criteria[SKILL].rating, 3.6875);
	NEAR(ann->criteria[SKILL].value, 0.671875);
	NEAR(ann->criteria[SKILL].share, 0.375);
	NEAR(ben->criteria[SKILL].rating, 3.5);
	NEAR(e.result.weights[SKILL], 0.5714285714285714);
	NEAR(e.result.weights[TALK], 0.2857142857142857);
	NEAR(e.result.weights[FIT], 0.1428571428571429);
	NEAR(ann->score, 0.6220238095238095);
	NEAR(ben->score, 0.6190476190476191);
	NEAR(e.result.margin, 0.0029761904761905);
	NEAR(e.result.evidence_share, 0.5833333333333333);
	assert_int_equal(e.result.outcome, LF_RECOMMENDED);
	example_clean_up(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_published_piecewise_linear_value_comes_out),
		cmocka_unit_test(a_curve_never_falls_between_neighbouring_doubles),
		cmocka_unit_test(evidence_and_prior_are_averaged_by_weight),
		cmocka_unit_test(undated_evidence_is_one_half_life_old),
		cmocka_unit_test(tomorrows_evidence_is_as_fresh_as_todays),
		cmocka_unit_test(without_evidence_the_rating_is_the_prior_exactly),
		cmocka_unit_test(nothing_known_is_unknown_and_worth_nothing),
		cmocka_unit_test(minus_zero_becomes_zero),
		cmocka_unit_test(weights_respond_to_traits_and_add_up_to_one),
		cmocka_unit_test(weights_that_are_all_zero_give_no_score),
		cmocka_unit_test(alignment_is_the_part_of_the_need_that_expertise_meets),
		cmocka_unit_test(coverage_is_the_part_of_the_labour_that_expertise_covers),
		cmocka_unit_test(a_member_without_discipline_covers_nothing),
		cmocka_unit_test(no_need_and_no_labour_give_zero_and_say_so),
		cmocka_unit_test(additive_harmonic_and_minimum),
		cmocka_unit_test(the_limiting_criterion_of_equals_is_the_first_by_id),
		cmocka_unit_test(criteria_without_weight_are_skipped),
		cmocka_unit_test(a_profile_scores_an_imagined_member_of_each_discipline),
		cmocka_unit_test(a_profile_counts_the_teams_labour),
		cmocka_unit_test(the_worked_example_of_the_readme_comes_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
