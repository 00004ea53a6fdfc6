/* What the engine checks in every build: callers' mistakes end the process with the invariant's name (DESIGN.md). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "tests/engine/example.h"
#include "tests/proto/aborts.h"

static void score(void *argument)
{
	struct example *e = argument;

	lf_score(e->rubric, &e->the_case, e->workspace, &e->result);
}

static void score_askew(void *argument)
{
	struct example *e = argument;

	lf_score(e->rubric, &e->the_case, (char *)e->workspace + 8, &e->result);
}

static void sweep_a_trait_that_is_not_there(void *argument)
{
	struct example *e = argument;
	struct lf_stretch stretches[4];
	bool approximate;

	lf_sweep(e->rubric, &e->the_case, EXAMPLE_TRAITS, e->workspace, stretches, 4, &approximate);
}

static void find_changes_of_another_result(void *argument)
{
	struct example *e = argument;
	struct lf_changes changes = {.weights = NULL};
	struct lf_member_score ranking[EXAMPLE_MEMBERS];

	score(e);
	memcpy(ranking, e->result.ranking, sizeof(ranking));
	e->result.ranking = ranking;
	lf_find_changes(e->rubric, &e->the_case, &e->result, e->workspace, &changes);
}

static void a_case_that_its_rubric_does_not_know_is_not_scored(void **state)
{
	struct example e;

	(void)state;
	example_init(&e);
	example_evidence(&e, 0, SKILL, PEER, 4, 0);
	example_prepare(&e);
	assert_aborts(score_askew, &e, "invariant E1 is broken");
	assert_aborts(sweep_a_trait_that_is_not_there, &e, "invariant E4 is broken");
	assert_aborts(find_changes_of_another_result, &e, "invariant E7 is broken");
	e.evidence[0][0].criterion = EXAMPLE_CRITERIA;
	assert_aborts(score, &e, "invariant E4 is broken");
	e.evidence[0][0].criterion = FIT; /* derived: there is no evidence for it */
	assert_aborts(score, &e, "invariant E4 is broken");
	e.evidence[0][0].criterion = SKILL;
	e.members[0].evidence_count = 4097;
	assert_aborts(score, &e, "invariant E5 is broken");
	e.members[0].evidence_count = 1;
	score(&e);
	example_clean_up(&e);
}

/* A file may say anything of a decision: that is no mistake of ours. */
static void a_stored_result_without_weights_ends_nothing(void **state)
{
	double weights[EXAMPLE_CRITERIA] = {0}, scores[EXAMPLE_MEMBERS] = {0}, shares[EXAMPLE_MEMBERS * LF_RANKS_MAX];
	double ratings[EXAMPLE_MEMBERS * EXAMPLE_CRITERIA] = {0}, parts[EXAMPLE_MEMBERS * EXAMPLE_CRITERIA] = {0};
	const struct lf_stored_numbers numbers = {
		.weights = weights, .scores = scores, .ratings = ratings, .shares = parts};
	struct example e;

	(void)state;
	example_init(&e);
	e.def.robustness = (struct lf_robustness_def){.samples = 100, .weights_unknown = true};
	example_prepare(&e);
	lf_restore(e.rubric, &e.the_case, &numbers, e.workspace, &e.result);
	assert_true(lf_rank_shares(e.rubric, &e.the_case, &e.result, e.workspace, shares));
	example_clean_up(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_case_that_its_rubric_does_not_know_is_not_scored),
		cmocka_unit_test(a_stored_result_without_weights_ends_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
