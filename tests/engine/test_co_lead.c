/* A co-lead covers a weak side that matters, and is worth naming. LF_TEST_SEED repeats a run. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include "tests/engine/example.h"
#include "tests/engine/lead.h"

enum { WORLDS = 4000 };

static uint64_t first_seed;

static void claim(bool holds, uint64_t seed, const char *what)
{
	if (!holds)
		fail_msg("%s fails for LF_TEST_SEED=%" PRIu64, what, seed);
}

/* skill and talk weigh one half each. Ann: skill (2·3 + 5)/3, talk 3; Ben: skill (2·3.5 + 1)/3, talk 3.9. */
static void pair(struct example *e, double gain)
{
	example_init(e);
	e->the_case.member_count = 2;
	e->criteria[FIT].weight.base = e->criteria[COVER].weight.base = 0;
	e->weight_by_trait[SKILL][FOCUS] = e->weight_by_trait[COVER][FOCUS] = 0;
	e->def.co_lead_gain = gain;
	example_evidence(e, 1, SKILL, PEER, 5, 0);
	example_evidence(e, 1, TALK, PEER, 3, 0);
	example_evidence(e, 0, SKILL, PEER, 1, 0);
	example_evidence(e, 0, TALK, PEER, 3.9, 0);
}

static void the_worked_example_of_the_readme_comes_out(void **state)
{
	double values[EXAMPLE_CRITERIA];
	struct lf_co_lead co_lead;
	struct example e;

	(void)state;
	pair(&e, 0.1);
	example_score(&e);
	assert_int_equal(e.result.outcome, LF_RECOMMENDED);
	assert_int_equal(e.result.ranking[0].member, 1);
	lf_find_co_lead(e.rubric, &e.the_case, &e.result, &co_lead, values);
	assert_int_equal(co_lead.place, 1);
	assert_int_equal(co_lead.criterion, TALK);
	assert_true(fabs(co_lead.score - (0.5 * 2 / 3 + 0.5 * 0.725)) < 1e-12);
	assert_true(fabs(co_lead.gain - 0.1125) < 1e-12);
	assert_true(fabs(values[SKILL] - 2.0 / 3) < 1e-12 && fabs(values[TALK] - 0.725) < 1e-12);
	example_clean_up(&e);
}

static void none_is_named_below_the_gain_asked_for_or_without_one_or_without_a_recommendation(void **state)
{
	static const double gains[] = {0, 0.2, 0.1};
	double values[EXAMPLE_CRITERIA];
	struct lf_co_lead co_lead;

	(void)state;
	for (size_t i = 0; i < sizeof(gains) / sizeof(gains[0]); i++) {
		struct example e;

		pair(&e, gains[i]);
		if (i == 2)
			e.def.threshold_margin = 0.5;
		example_score(&e);
		lf_find_co_lead(e.rubric, &e.the_case, &e.result, &co_lead, values);
		assert_int_equal(co_lead.place, LF_NONE);
		assert_int_equal(co_lead.criterion, LF_NONE);
		example_clean_up(&e);
	}
}

static void a_side_that_weighs_little_here_calls_for_nobody(void **state)
{
	double values[EXAMPLE_CRITERIA];
	struct lf_co_lead co_lead;
	struct example e;

	(void)state;
	pair(&e, 0.01);
	e.criteria[TALK].weight.base = 0.2; /* below the mean of 0.2 and 0.25 */
	example_score(&e);
	assert_int_equal(e.result.ranking[0].member, 1);
	lf_find_co_lead(e.rubric, &e.the_case, &e.result, &co_lead, values);
	assert_int_equal(co_lead.place, LF_NONE);
	example_clean_up(&e);
}

/* ---- random worlds ---- */

/* The score of the better values, as if one member had them: a rubric without gates scores a member with those ratings.
 */
static double pair_score(const struct world *world, const struct lf_result *result, const double *values)
{
	double sum = 0, inverse = 0, lowest = 1;

	for (size_t j = 0; j < world->def.criterion_count; j++) {
		if (!(result->weights[j] > 0))
			continue;
		sum += result->weights[j] * values[j];
		inverse += result->weights[j] / values[j];
		lowest = values[j] < lowest ? values[j] : lowest;
	}
	if (world->def.aggregation == LF_ADDITIVE)
		return sum;
	return world->def.aggregation == LF_MINIMUM ? lowest : lowest > 0 ? 1 / inverse : 0;
}

/* Gain of the pair, -1 where no weak side that matters is covered; *criterion: the one covered best. */
static double gain_of(const struct world *world, const struct lf_result *result, size_t place, uint32_t *criterion)
{
	const struct lf_member_score *first = &result->ranking[0], *other = &result->ranking[place];
	double values[WORLD_CRITERIA], best = 0;
	size_t positive = 0;

	*criterion = LF_NONE;
	for (size_t j = 0; j < world->def.criterion_count; j++)
		positive += result->weights[j] > 0;
	for (uint32_t j = 0; j < world->def.criterion_count; j++) {
		double own = first->criteria[j].value, cover = other->criteria[j].value,
		       worth = result->weights[j] * (cover - own);

		values[j] = own > cover ? own : cover;
		if (result->weights[j] < (1 - 1e-12) / (double)positive || own >= first->score || cover <= first->score)
			continue;
		if (*criterion == LF_NONE || worth > best ||
			(worth == best && strcmp(world->criterion_ids[j], world->criterion_ids[*criterion]) < 0)) {
			best = worth;
			*criterion = j;
		}
	}
	return *criterion == LF_NONE ? -1 : pair_score(world, result, values) - first->score;
}

static void check_world(const struct world *world, const struct scored *scored, uint64_t seed, unsigned *named)
{
	const struct lf_result *result = &scored->result;
	double values[WORLD_CRITERIA], most = -1;
	struct lf_co_lead co_lead;
	uint32_t criterion;

	lf_find_co_lead(scored->rubric, &world->the_case, result, &co_lead, values);
	for (size_t place = 1; place < result->ranking_count && result->ranking[place].eligible; place++) {
		double gain = gain_of(world, result, place, &criterion);

		most = gain > most ? gain : most;
	}
	if (result->outcome != LF_RECOMMENDED) {
		claim(co_lead.place == LF_NONE, seed, "only a recommended one has a co-lead");
		return;
	}
	if (co_lead.place == LF_NONE) {
		claim(most < world->def.co_lead_gain + 1e-12, seed, "a co-lead who is worth it is named");
		return;
	}
	(*named)++;
	claim(co_lead.gain >= world->def.co_lead_gain, seed, "a co-lead is worth it");
	claim(fabs(gain_of(world, result, co_lead.place, &criterion) - co_lead.gain) < 1e-12, seed,
		"the gain is the pair's");
	claim(co_lead.gain > most - 1e-12, seed, "the co-lead of most gain is named");
	claim(criterion == co_lead.criterion, seed, "the covered weak side is named");
	claim(fabs(pair_score(world, result, values) - co_lead.score) < 1e-12, seed, "the values are the pair's");
}

static void the_best_co_lead_is_named_and_order_does_not_matter(void **state)
{
	static struct world world, shuffled;
	unsigned named = 0;

	(void)state;
	for (uint64_t seed = first_seed; seed < first_seed + WORLDS; seed++) {
		struct random random = {seed};
		struct scored scored, other;

		world_make_any(&world, seed);
		world.def.co_lead_gain = 0.01 + 0.1 * random_unit(&random, 10);
		world_score(&scored, &world);
		world_shuffle(&shuffled, &world, &random, true);
		world_score(&other, &shuffled);
		if (scored.scored) {
			double a[WORLD_CRITERIA], b[WORLD_CRITERIA];
			struct lf_co_lead x, y;

			check_world(&world, &scored, seed, &named);
			lf_find_co_lead(scored.rubric, &world.the_case, &scored.result, &x, a);
			lf_find_co_lead(other.rubric, &shuffled.the_case, &other.result, &y, b);
			claim(x.place == y.place && double_bits(x.score) == double_bits(y.score) &&
					double_bits(x.gain) == double_bits(y.gain),
				seed, "order: the co-lead");
			claim(x.criterion == LF_NONE ? y.criterion == LF_NONE
						     : strcmp(world.criterion_ids[x.criterion],
							       shuffled.criterion_ids[y.criterion]) == 0,
				seed, "order: the side");
		}
		scored_clean_up(&scored);
		scored_clean_up(&other);
	}
	print_message("%u named\n", named);
	assert_true(named > WORLDS / 50);
}

static int choose_seed(void **state)
{
	(void)state;
	first_seed = seed_choose(WORLDS);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_worked_example_of_the_readme_comes_out),
		cmocka_unit_test(none_is_named_below_the_gain_asked_for_or_without_one_or_without_a_recommendation),
		cmocka_unit_test(a_side_that_weighs_little_here_calls_for_nobody),
		cmocka_unit_test(the_best_co_lead_is_named_and_order_does_not_matter),
	};

	return cmocka_run_group_tests(tests, choose_seed, NULL);
}
