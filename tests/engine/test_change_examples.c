/* What would change the first place, in small cases whose numbers can be worked by hand. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include "tests/engine/example.h"

/* Ann and Ben of DESIGN.md's example: Ann is first by 1/336. */
static void ann_and_ben(struct example *e)
{
	example_init(e);
	e->the_case.member_count = 2;
	e->members[0].id = "ben";
	e->members[1].id = "ann";
	example_evidence(e, 1, SKILL, PEER, 5, 0);
	example_evidence(e, 1, SKILL, SELF, 4, 100);
	example_evidence(e, 1, TALK, PEER, 3, 0);
	example_evidence(e, 0, TALK, PEER, 4, 100);
}

static bool nearly(double a, double b)
{
	return fabs(a - b) < 1.1e-6;
}

static void the_worked_example_of_the_readme_comes_out(void **state)
{
	struct lf_weight_interval weights[EXAMPLE_CRITERIA];
	struct lf_changes changes = {.weights = weights};
	const struct lf_change *rating = &changes.smallest[LF_CHANGE_RATING],
			       *piece = &changes.smallest[LF_CHANGE_EVIDENCE];
	const struct lf_change *trait = &changes.smallest[LF_CHANGE_TRAIT];
	struct example e;

	(void)state;
	ann_and_ben(&e);
	example_score(&e);
	assert_true(lf_find_changes(e.rubric, &e.the_case, &e.result, e.workspace, &changes));
	assert_false(changes.approximate);
	assert_true(nearly(weights[TALK].high, 5.0 / 17) && weights[TALK].high_first == 1);
	assert_true(weights[TALK].low == 0 && weights[TALK].low_first == LF_NONE && !weights[TALK].fixed);
	assert_true(rating->found && piece->found && trait->found);
	assert_true(rating->from == 3 && nearly(rating->to, 3 - 1.0 / 24) && rating->criterion == TALK &&
		rating->place == 0 && rating->first == 1);
	assert_true(nearly(piece->from, 3.5) && nearly(piece->to, 3.5625) && piece->criterion == SKILL &&
		piece->place == 1);
	assert_true(trait->from == 0.5 && trait->trait == FOCUS && trait->first == 1 && trait->gate == LF_NONE);
	assert_true(nearly(trait->to,
		(sqrt(0.086328125 * 0.086328125 + 4 * 0.01640625 * 0.0453125) - 0.086328125) / (2 * 0.01640625)));
	example_clean_up(&e);
}

static void a_gate_is_crossed_exactly_at_its_bound(void **state)
{
	struct lf_weight_interval weights[EXAMPLE_CRITERIA];
	struct lf_changes changes = {.weights = weights};
	const struct lf_change *rating = &changes.smallest[LF_CHANGE_RATING];
	struct example e;

	(void)state;
	ann_and_ben(&e);
	/* Ben would win by talk 5, if he passed the gate at 5: the end of the scale is enough. */
	e.evidence[1][2].rating = 5;
	e.evidence[0][0].rating = 4;
	e.members[0].expertise = &(struct lf_expertise){FRONT, 1};
	e.members[0].expertise_count = 1;
	e.evidence[1][0].rating = 1;
	e.gates[0] = (struct lf_gate_def){TALK, 5};
	e.def.gate_count = 1;
	example_score(&e);
	assert_int_equal(e.result.ranking[0].member, 1);
	assert_false(e.result.ranking[1].eligible);
	assert_true(lf_find_changes(e.rubric, &e.the_case, &e.result, e.workspace, &changes));
	assert_true(rating->found && rating->from == 4 && rating->to == 5 && rating->gate == 0 && rating->first == 1);
	/* Nobody else is eligible: weights change nothing, nor does what the first place loses. */
	assert_true(weights[TALK].high_first == LF_NONE && weights[TALK].low_first == LF_NONE);
	example_clean_up(&e);
}

static void the_only_weight_is_fixed(void **state)
{
	struct lf_weight_interval weights[EXAMPLE_CRITERIA];
	struct lf_changes changes = {.weights = weights};
	struct example e;

	(void)state;
	ann_and_ben(&e);
	for (size_t j = 0; j < EXAMPLE_CRITERIA; j++) {
		e.criteria[j].weight.base = j == TALK;
		e.weight_by_trait[j][FOCUS] = 0;
	}
	example_score(&e);
	assert_true(lf_find_changes(e.rubric, &e.the_case, &e.result, e.workspace, &changes));
	assert_true(weights[TALK].fixed && !weights[SKILL].fixed && weights[SKILL].low == 0);
	assert_false(changes.smallest[LF_CHANGE_TRAIT].found);
	example_clean_up(&e);
}

static void a_weight_beside_which_the_others_do_not_show_is_fixed_too(void **state)
{
	struct lf_weight_interval weights[EXAMPLE_CRITERIA];
	struct lf_changes changes = {.weights = weights};
	struct example e;

	(void)state;
	ann_and_ben(&e);
	for (size_t j = 0; j < EXAMPLE_CRITERIA; j++) {
		e.criteria[j].weight.base = j == TALK ? 1 : 1e-18;
		e.weight_by_trait[j][FOCUS] = 0;
	}
	example_score(&e);
	assert_true(e.result.weights[TALK] == 1 && e.result.weights[SKILL] > 0);
	assert_true(lf_find_changes(e.rubric, &e.the_case, &e.result, e.workspace, &changes));
	assert_true(weights[TALK].fixed && !weights[SKILL].fixed);
	example_clean_up(&e);
}

static void a_tie_or_nobody_eligible_has_no_changes(void **state)
{
	struct lf_weight_interval weights[EXAMPLE_CRITERIA];
	struct lf_changes changes = {.weights = weights};

	(void)state;
	for (int nobody = 0; nobody < 2; nobody++) {
		struct example e;

		example_init(&e); /* m-1 and m-4 are alike */
		if (nobody) {
			e.gates[0] = (struct lf_gate_def){TALK, 1};
			e.def.gate_count = 1;
		} else {
			e.members[1].candidate = e.members[2].candidate = false;
		}
		example_score(&e);
		assert_false(lf_find_changes(e.rubric, &e.the_case, &e.result, e.workspace, &changes));
		example_clean_up(&e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_worked_example_of_the_readme_comes_out),
		cmocka_unit_test(a_gate_is_crossed_exactly_at_its_bound),
		cmocka_unit_test(the_only_weight_is_fixed),
		cmocka_unit_test(a_weight_beside_which_the_others_do_not_show_is_fixed_too),
		cmocka_unit_test(a_tie_or_nobody_eligible_has_no_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
