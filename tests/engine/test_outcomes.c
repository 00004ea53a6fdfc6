/* Gates, ranks, thresholds: from scores to an answer. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include "tests/engine/example.h"

/* Only skill counts, without a prior, so that a score is (rating - 1) / 4. */
static void only_skill(struct example *e)
{
	example_init(e);
	e->criteria[SKILL].prior_strength = 0;
	e->criteria[SKILL].prior_mean = NULL;
	for (size_t j = 0; j < EXAMPLE_CRITERIA; j++) {
		e->criteria[j].weight.base = j == SKILL;
		e->weight_by_trait[j][FOCUS] = 0;
	}
}

static void ratings(struct example *e, double first, double second, double third, double fourth)
{
	const double of[EXAMPLE_MEMBERS] = {first, second, third, fourth};

	only_skill(e);
	for (size_t m = 0; m < EXAMPLE_MEMBERS; m++)
		example_evidence(e, m, SKILL, PEER, of[m], 0);
}

static void the_best_score_is_recommended(void **state)
{
	struct example e;

	(void)state;
	ratings(&e, 2, 5, 3, 4);
	example_score(&e);
	assert_int_equal(e.result.outcome, LF_RECOMMENDED);
	assert_int_equal(e.result.ranking[0].member, 1);
	assert_int_equal(e.result.ranking[3].member, 0);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(e.result.ranking[i].rank, i + 1);
	assert_true(e.result.margin == 0.25);
	assert_true(e.result.evidence_share == 1);
	assert_true(isnan(e.result.ranking[0].first_rank_share));
	example_clean_up(&e);
}

static void equal_scores_share_a_rank_and_are_listed_by_id(void **state)
{
	struct example e;

	(void)state;
	ratings(&e, 3, 5, 3, 2);
	e.members[0].id = "zoe";
	e.members[2].id = "amy";
	example_score(&e);
	assert_int_equal(e.result.ranking[1].member, 2);
	assert_int_equal(e.result.ranking[2].member, 0);
	assert_int_equal(e.result.ranking[1].rank, 2);
	assert_int_equal(e.result.ranking[2].rank, 2);
	assert_int_equal(e.result.ranking[3].rank, 4);
	assert_int_equal(e.result.outcome, LF_RECOMMENDED); /* a tie further down is no doubt about the first */
	example_clean_up(&e);
}

static void ids_are_ordered_by_bytes(void **state)
{
	struct example e;

	(void)state;
	ratings(&e, 3, 3, 3, 3);
	e.members[0].id = "\xC3\xA9"; /* é comes after every ASCII letter */
	e.members[1].id = "b";
	e.members[2].id = "B";
	e.members[3].id = "b2";
	example_score(&e);
	assert_int_equal(e.result.ranking[0].member, 2);
	assert_int_equal(e.result.ranking[1].member, 1);
	assert_int_equal(e.result.ranking[2].member, 3);
	assert_int_equal(e.result.ranking[3].member, 0);
	example_clean_up(&e);
}

static void a_tie_for_first_is_too_close_whatever_the_threshold(void **state)
{
	struct example e;

	(void)state;
	ratings(&e, 5, 5, 3, 2);
	example_score(&e);
	assert_int_equal(e.result.outcome, LF_TOO_CLOSE);
	assert_true(e.result.margin == 0);
	example_clean_up(&e);
}

static void a_margin_below_its_threshold_is_too_close(void **state)
{
	struct example e;

	(void)state;
	ratings(&e, 4, 5, 3, 2);
	e.def.threshold_margin = 0.25; /* met exactly */
	example_score(&e);
	assert_int_equal(e.result.outcome, LF_RECOMMENDED);
	example_clean_up(&e);
	ratings(&e, 4, 5, 3, 2);
	e.def.threshold_margin = 0.26;
	example_score(&e);
	assert_int_equal(e.result.outcome, LF_TOO_CLOSE);
	example_clean_up(&e);
}

static void one_eligible_member_has_no_margin(void **state)
{
	struct example e;

	(void)state;
	ratings(&e, 4, 5, 3, 2);
	e.members[0].candidate = e.members[2].candidate = e.members[3].candidate = false;
	e.def.threshold_margin = 0.9;
	example_score(&e);
	assert_int_equal(e.result.outcome, LF_RECOMMENDED);
	assert_true(isnan(e.result.margin));
	assert_int_equal(e.result.ranking_count, 1);
	example_clean_up(&e);
}

static void too_little_evidence_comes_before_too_close(void **state)
{
	struct example e;

	(void)state;
	example_init(&e);
	e.the_case.member_count = 2;
	e.members[1].discipline = BACK; /* alike */
	e.def.threshold_evidence_share = 0.3;
	example_evidence(&e, 0, TALK, PEER, 4, 0);
	example_evidence(&e, 1, TALK, PEER, 4, 0);
	e.traits[FOCUS] = 0.5;
	example_score(&e);
	/* skill 0.5 rests on the prior, talk 0.25 on evidence: 1/3 */
	assert_true(fabs(e.result.evidence_share - 1.0 / 3) < 1e-12);
	assert_int_equal(e.result.outcome, LF_TOO_CLOSE);
	example_clean_up(&e);
	example_init(&e);
	e.def.threshold_evidence_share = 0.3;
	example_score(&e);
	assert_true(e.result.evidence_share == 0);
	assert_int_equal(e.result.outcome, LF_INSUFFICIENT_EVIDENCE);
	example_clean_up(&e);
}

static void who_fails_a_gate_is_listed_last_and_never_competes(void **state)
{
	struct example e;

	(void)state;
	ratings(&e, 2, 5, 4, 4.5);
	e.members[1].availability = 0.25;
	e.gates[0] = (struct lf_gate_def){LF_NONE, 0.3};
	e.gates[1] = (struct lf_gate_def){SKILL, 2.5};
	e.def.gate_count = 2;
	example_score(&e);
	assert_int_equal(e.result.outcome, LF_RECOMMENDED);
	assert_int_equal(e.result.ranking[0].member, 3);
	assert_int_equal(e.result.ranking[1].member, 2);
	assert_int_equal(e.result.ranking[2].member, 1); /* the best score of all, but not there */
	assert_int_equal(e.result.ranking[3].member, 0);
	assert_int_equal(e.result.ranking[2].rank, 0);
	assert_true(e.result.ranking[2].score == 1);
	assert_int_equal(e.result.ranking[2].failed_gates, 1);
	assert_int_equal(e.result.ranking[3].failed_gates, 2);
	assert_true(e.result.margin == 0.125);
	example_clean_up(&e);
}

static void a_gate_is_passed_at_its_bound(void **state)
{
	struct example e;

	(void)state;
	ratings(&e, 2.5, 2.5, 2.5, 2.5);
	e.members[1].availability = 0.3;
	e.gates[0] = (struct lf_gate_def){LF_NONE, 0.3};
	e.gates[1] = (struct lf_gate_def){SKILL, 2.5};
	e.def.gate_count = 2;
	example_score(&e);
	for (size_t i = 0; i < 4; i++)
		assert_true(e.result.ranking[i].eligible);
	example_clean_up(&e);
}

static void an_unknown_rating_fails_even_the_lowest_gate(void **state)
{
	struct example e;

	(void)state;
	only_skill(&e);
	e.gates[0] = (struct lf_gate_def){TALK, 1};
	e.def.gate_count = 1;
	example_evidence(&e, 2, TALK, PEER, 1, 0);
	example_score(&e);
	assert_int_equal(e.result.ranking[0].member, 2);
	assert_true(e.result.ranking[0].eligible);
	for (size_t i = 1; i < 4; i++)
		assert_false(e.result.ranking[i].eligible);
	example_clean_up(&e);
}

static void a_gate_on_a_derived_criterion_compares_its_value(void **state)
{
	struct example e;

	(void)state;
	ratings(&e, 3, 3, 3, 3);
	e.gates[0] = (struct lf_gate_def){COVER, 0.5};
	e.def.gate_count = 1;
	example_score(&e);
	/* labour BACK 2, FRONT 1, FULL 1: BACK covers 0.5, FRONT 0.25, FULL (1.4 + 0.6 + 1) / 4 */
	assert_int_equal(e.result.ranking[3].member, 1);
	assert_false(e.result.ranking[3].eligible);
	assert_true(e.result.ranking[2].eligible);
	example_clean_up(&e);
}

static void nobody_eligible_is_an_outcome_of_its_own(void **state)
{
	struct example e;

	(void)state;
	ratings(&e, 2, 5, 4, 3);
	e.gates[0] = (struct lf_gate_def){LF_NONE, 0.9};
	e.def.gate_count = 1;
	e.def.threshold_evidence_share = 0.9;
	for (size_t m = 0; m < 4; m++)
		e.members[m].availability = 0.5;
	example_score(&e);
	assert_int_equal(e.result.outcome, LF_NO_ELIGIBLE_CANDIDATE);
	assert_true(e.result.evidence_share == 0);
	assert_true(isnan(e.result.margin));
	assert_int_equal(e.result.ranking[0].member, 1); /* by score all the same */
	example_clean_up(&e);
}

static void the_last_of_64_gates_has_a_bit_too(void **state)
{
	struct lf_gate_def gates[64];
	struct example e;

	(void)state;
	ratings(&e, 2, 5, 4, 3);
	for (size_t g = 0; g < 64; g++)
		gates[g] = (struct lf_gate_def){SKILL, g == 63 ? 3 : 1};
	e.def.gates = gates;
	e.def.gate_count = 64;
	example_score(&e);
	assert_true(e.result.ranking[3].failed_gates == UINT64_C(1) << 63);
	example_clean_up(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_best_score_is_recommended),
		cmocka_unit_test(equal_scores_share_a_rank_and_are_listed_by_id),
		cmocka_unit_test(ids_are_ordered_by_bytes),
		cmocka_unit_test(a_tie_for_first_is_too_close_whatever_the_threshold),
		cmocka_unit_test(a_margin_below_its_threshold_is_too_close),
		cmocka_unit_test(one_eligible_member_has_no_margin),
		cmocka_unit_test(too_little_evidence_comes_before_too_close),
		cmocka_unit_test(who_fails_a_gate_is_listed_last_and_never_competes),
		cmocka_unit_test(a_gate_is_passed_at_its_bound),
		cmocka_unit_test(an_unknown_rating_fails_even_the_lowest_gate),
		cmocka_unit_test(a_gate_on_a_derived_criterion_compares_its_value),
		cmocka_unit_test(nobody_eligible_is_an_outcome_of_its_own),
		cmocka_unit_test(the_last_of_64_gates_has_a_bit_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
