/* What must hold for every rubric, team and project: checked over random ones. LF_TEST_SEED repeats a run. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "tests/engine/world.h"

enum { WORLDS = 2500 };

static uint64_t first_seed;
static struct world world, other;

static void unexpected(void *context, const char *field, const char *description)
{
	(void)context;
	print_error("%s: %s\n", field, description);
}

/*
 * Names the run, and the world in it, that a failing assertion is about: what is drawn for a world depends on the run.
 */
static void claim(bool holds, uint64_t seed, const char *what)
{
	if (!holds)
		fail_msg("%s fails for LF_TEST_SEED=%" PRIu64 ", world %" PRIu64, what, first_seed, seed - first_seed);
}

static bool same(double a, double b)
{
	return double_bits(a) == double_bits(b);
}

static double ulps_below(double x, unsigned count)
{
	while (count-- > 0)
		x = nextafter(x, -INFINITY);
	return x;
}

/* 4 ulp of the scale's larger end: around a rating of 0, its own ulps say nothing about what the sums lose. */
static double rating_slack(const struct lf_rubric_def *def)
{
	return 0x1p-50 * fmax(fabs(def->scale_min), fabs(def->scale_max));
}

/* Makes the world of this seed; false after the last one. */
static bool next_world(uint64_t seed)
{
	if (seed >= first_seed + WORLDS)
		return false;
	world_make_any(&world, seed);
	return true;
}

/* ---- the formulas ---- */

static void every_score_is_what_the_formulas_say(void **state)
{
	size_t compared = 0;

	(void)state;
	for (uint64_t seed = first_seed; next_world(seed); seed++) {
		struct scored scored;

		claim(lf_rubric_check(&world.def, unexpected, NULL) == 0, seed, "validity of the random rubric");
		world_score(&scored, &world);
		for (size_t i = 0; scored.scored && i < scored.result.ranking_count; i++) {
			const struct lf_member_score *score = &scored.result.ranking[i];
			double expected = (double)world_score_by_formula(&world, &world.members[score->member]);

			claim(fabs(score->score - expected) <= 1e-12, seed, "agreement with the formulas");
			compared++;
		}
		scored_clean_up(&scored);
	}
	assert_true(compared > WORLDS);
}

/* ---- shape of a result ---- */

static void check_ranking(const struct scored *scored, uint64_t seed)
{
	const struct lf_result *result = &scored->result;
	size_t candidates = 0, eligible = 0;

	for (size_t m = 0; m < world.the_case.member_count; m++)
		candidates += world.members[m].candidate;
	claim(result->ranking_count == candidates, seed, "every candidate is ranked");
	for (size_t i = 0; i < result->ranking_count; i++) {
		const struct lf_member_score *s = &result->ranking[i], *before = i > 0 ? s - 1 : NULL;
		double above, below;

		claim(s->eligible == (s->failed_gates == 0), seed, "a failed gate makes ineligible");
		claim(s->eligible == (s->rank > 0), seed, "rank 0 is for the ineligible");
		claim(s->score >= 0 && s->score <= 1 && s->evidence_share >= 0 && s->evidence_share <= 1 + 1e-15, seed,
			"scores and shares in 0..1");
		claim((s->limiting == LF_NONE) == (world.def.aggregation == LF_ADDITIVE), seed, "limiting criterion");
		eligible += s->eligible;
		if (before == NULL)
			continue;
		claim(before->eligible || !s->eligible, seed, "the eligible come first");
		if (before->eligible != s->eligible)
			continue;
		above = lf_compared(&world.the_case, before->score);
		below = lf_compared(&world.the_case, s->score);
		claim(above >= below, seed, "order by score");
		if (above == below)
			claim(strcmp(world.members[before->member].id, world.members[s->member].id) < 0, seed,
				"equal scores are listed by id");
		if (s->eligible)
			claim(above == below ? s->rank == before->rank : s->rank == i + 1, seed, "ties share a rank");
	}
	claim((eligible > 1) == !isnan(result->margin), seed, "a margin needs two");
	claim((result->outcome == LF_NO_ELIGIBLE_CANDIDATE) == (eligible == 0), seed, "no eligible candidate");
}

static void weights_add_up_to_one_and_contributions_to_the_score(void **state)
{
	(void)state;
	for (uint64_t seed = first_seed; next_world(seed); seed++) {
		struct scored scored;
		double weights = 0;

		world_score(&scored, &world);
		for (size_t j = 0; scored.scored && j < world.def.criterion_count; j++)
			weights += scored.result.weights[j];
		claim(!scored.scored || fabs(weights - 1) <= 1e-14, seed, "weights add up to one");
		for (size_t i = 0; scored.scored && i < scored.result.ranking_count; i++) {
			const struct lf_member_score *score = &scored.result.ranking[i];
			double sum = 0;

			for (size_t j = 0; j < world.def.criterion_count; j++) {
				claim(score->criteria[j].value >= 0 && score->criteria[j].value <= 1, seed,
					"values in 0..1");
				claim(score->criteria[j].share >= 0 && score->criteria[j].share <= 1, seed,
					"shares in 0..1");
				sum += scored.result.weights[j] * score->criteria[j].value;
			}
			if (world.def.aggregation == LF_ADDITIVE)
				claim(fabs(sum - score->score) <= 1e-14, seed, "contributions add up");
		}
		if (scored.scored)
			check_ranking(&scored, seed);
		scored_clean_up(&scored);
	}
}

/* ---- monotone ---- */

static uint32_t draw_candidate(struct random *r)
{
	for (size_t tries = 0; tries < 64; tries++) {
		size_t m = random_below(r, world.the_case.member_count);

		if (world.members[m].candidate)
			return (uint32_t)m;
	}
	return LF_NONE;
}

static double raised(struct random *r, double rating)
{
	double room = world.def.scale_max - rating, to;

	if (random_chance(r, 30)) { /* by the least that there is */
		to = nextafter(rating, INFINITY);
		return to > world.def.scale_max ? rating : to;
	}
	to = rating + room * random_unit(r, 50);
	return to > world.def.scale_max ? world.def.scale_max : to;
}

static void raising_a_rating_never_lowers_a_score(void **state)
{
	struct random random = {first_seed};
	size_t raises = 0;

	(void)state;
	for (uint64_t seed = first_seed; next_world(seed); seed++) {
		uint32_t m = draw_candidate(&random);
		struct scored scored;

		if (m == LF_NONE || world.members[m].evidence_count == 0)
			continue;
		world_score(&scored, &world);
		for (int i = 0; scored.scored && i < 8; i++) {
			struct lf_evidence *e;
			const struct lf_member_score *before = score_of(&scored, m), *after;
			struct scored again;

			world_copy(&other, &world);
			e = &other.evidence[m][random_below(&random, world.members[m].evidence_count)];
			e->rating = raised(&random, e->rating);
			world_score(&again, &other);
			after = score_of(&again, m);
			claim(after->score >= before->score, seed, "raising a rating never lowers a score");
			for (size_t j = 0; j < world.def.criterion_count; j++)
				claim(after->criteria[j].rating >= before->criteria[j].rating, seed,
					"raising one rating never lowers r");
			claim((after->failed_gates & ~before->failed_gates) == 0, seed,
				"raising a rating never fails a gate");
			scored_clean_up(&again);
			raises++;
		}
		scored_clean_up(&scored);
	}
	assert_true(raises > WORLDS);
}

static void evidence_at_or_above_the_rating_never_lowers_it(void **state)
{
	struct random random = {first_seed};
	size_t additions = 0;

	(void)state;
	for (uint64_t seed = first_seed; next_world(seed); seed++) {
		uint32_t m = draw_candidate(&random), j = (uint32_t)random_below(&random, world.def.criterion_count);
		const struct lf_criterion_def *c = &world.def.criteria[j];
		const struct lf_criterion_score *before, *after;
		struct scored scored, again;
		struct lf_evidence *e;

		if (m == LF_NONE || c->derived != LF_RATED)
			continue;
		world_score(&scored, &world);
		world_copy(&other, &world);
		e = &other.evidence[m][other.members[m].evidence_count++];
		*e = (struct lf_evidence){j, LF_NONE, world.def.scale_min, LF_UNDATED, LF_NONE};
		if (world.def.source_count > 0 && random_chance(&random, 70))
			e->source = (uint32_t)random_below(&random, world.def.source_count);
		if (random_chance(&random, 70))
			e->observed_day = world.the_case.as_of_day - (int32_t)random_below(&random, 2000);
		if (scored.scored) {
			before = &score_of(&scored, m)->criteria[j];
			if (before->known)
				e->rating =
					random_chance(&random, 60) ? before->rating : raised(&random, before->rating);
			world_score(&again, &other);
			after = &score_of(&again, m)->criteria[j];
			claim(!before->known || after->rating >= before->rating - rating_slack(&world.def), seed,
				"evidence at or above r never lowers r by more than 4 ulp of the scale");
			claim(after->share >= ulps_below(before->share, 4), seed, "evidence never lowers the share");
			if (before->known && c->curve != NULL)
				claim(after->value >= lf_curve_value(c->curve, c->curve_count,
							      before->rating - rating_slack(&world.def)),
					seed, "nor the value by more than that is worth");
			/* With expertise it may: a rating below what is expected of a discipline shows less of it. */
			claim(world.def.expertise_strength > 0 ||
					score_of(&again, m)->score >= score_of(&scored, m)->score - 1e-13,
				seed, "nor the score");
			scored_clean_up(&again);
			additions++;
		}
		scored_clean_up(&scored);
	}
	assert_true(additions > WORLDS / 2);
}

/* ---- who is first ---- */

/* Adds a candidate who is never free and nowhere better than the member: any rating may be lower. false: no room. */
static bool add_dominated(struct world *w, uint32_t member, struct random *r)
{
	size_t added = w->the_case.member_count;

	if (added == WORLD_MEMBERS)
		return false;
	w->members[added] = w->members[member];
	memcpy(w->evidence[added], w->evidence[member], sizeof(w->evidence[added]));
	memcpy(w->expertise[added], w->expertise[member], sizeof(w->expertise[added]));
	for (size_t i = 0; i < w->members[added].evidence_count; i++) {
		if (random_chance(r, 20))
			w->evidence[added][i].rating -=
				(w->evidence[added][i].rating - w->def.scale_min) * random_unit(r, 50);
	}
	w->members[added].availability = 0;
	(void)snprintf(w->member_ids[added], WORLD_ID, "z"); /* of equals the last: the drawn ones begin with m */
	w->the_case.member_count++;
	world_copy(w, w);
	return true;
}

static void a_dominated_candidate_who_is_never_free_never_changes_who_is_first(void **state)
{
	struct random random = {first_seed};
	size_t competed = 0, tied = 0;

	(void)state;
	for (uint64_t seed = first_seed; next_world(seed); seed++) {
		struct scored before, after;

		world.def.aggregation = LF_ADDITIVE;
		world_score(&before, &world);
		world_copy(&other, &world);
		if (before.scored && before.result.ranking_count > 0 && before.result.ranking[0].eligible &&
			add_dominated(&other, before.result.ranking[0].member, &random)) {
			const struct lf_member_score *first = &before.result.ranking[0], *now, *added;

			world_score(&after, &other);
			now = &after.result.ranking[0];
			added = score_of(&after, (uint32_t)world.the_case.member_count);
			claim(now->member == first->member && now->rank == 1, seed, "the same one is first");
			claim(same(now->score, first->score), seed, "with the same score");
			claim(added->score <= now->score, seed, "who is nowhere better has no higher score");
			competed += added->eligible;
			tied += added->eligible && added->rank == 1;
			scored_clean_up(&after);
		}
		scored_clean_up(&before);
	}
	assert_true(competed > WORLDS / 4 && tied > 0 && tied < competed);
}

/* ---- order ---- */

static size_t place_by_id(const struct world *w, const char *id)
{
	for (size_t j = 0; j < w->def.criterion_count; j++) {
		if (strcmp(w->def.criteria[j].id, id) == 0)
			return j;
	}
	fail_msg("no criterion %s", id);
	return 0;
}

static bool same_scores(
	const struct world *a, const struct lf_member_score *x, const struct world *b, const struct lf_member_score *y)
{
	if (strcmp(a->members[x->member].id, b->members[y->member].id) != 0 || x->rank != y->rank ||
		!same(x->score, y->score) || isnan(x->first_rank_share) != isnan(y->first_rank_share) ||
		(!isnan(x->first_rank_share) && !same(x->first_rank_share, y->first_rank_share)) ||
		!same(x->evidence_share, y->evidence_share) || x->eligible != y->eligible ||
		x->failed_gates != y->failed_gates || x->undated != y->undated ||
		(x->limiting == LF_NONE) != (y->limiting == LF_NONE))
		return false;
	if (x->limiting != LF_NONE && strcmp(a->def.criteria[x->limiting].id, b->def.criteria[y->limiting].id) != 0)
		return false;
	for (size_t j = 0; j < a->def.criterion_count; j++) {
		const struct lf_criterion_score *p = &x->criteria[j];
		const struct lf_criterion_score *q = &y->criteria[place_by_id(b, a->def.criteria[j].id)];

		if (!same(p->rating, q->rating) || !same(p->value, q->value) || !same(p->share, q->share) ||
			p->known != q->known)
			return false;
	}
	return true;
}

static bool same_results(
	const struct world *a, const struct lf_result *x, const struct world *b, const struct lf_result *y)
{
	if (x->outcome != y->outcome || x->ranking_count != y->ranking_count || x->needs_zero != y->needs_zero ||
		x->labour_zero != y->labour_zero || !same(x->evidence_share, y->evidence_share) ||
		isnan(x->margin) != isnan(y->margin) || (!isnan(x->margin) && !same(x->margin, y->margin)))
		return false;
	for (size_t j = 0; j < a->def.criterion_count; j++) {
		if (!same(x->weights[j], y->weights[place_by_id(b, a->def.criteria[j].id)]))
			return false;
	}
	for (size_t i = 0; i < x->ranking_count; i++) {
		if (!same_scores(a, &x->ranking[i], b, &y->ranking[i]))
			return false;
	}
	return true;
}

static void the_order_of_lists_changes_no_bit(void **state)
{
	struct random random = {first_seed};

	(void)state;
	for (uint64_t seed = first_seed; next_world(seed); seed++) {
		struct scored scored, again;

		world_shuffle(&other, &world, &random, true);
		world_score(&scored, &world);
		world_score(&again, &other);
		claim(scored.scored == again.scored, seed, "permuting changes nothing");
		claim(!scored.scored || same_results(&world, &scored.result, &other, &again.result), seed,
			"permuting members, criteria, traits, evidence, disciplines and sources changes no bit");
		scored_clean_up(&scored);
		scored_clean_up(&again);
	}
}

static void a_profile_does_not_depend_on_order_either(void **state)
{
	struct random random = {first_seed};

	(void)state;
	for (uint64_t seed = first_seed; next_world(seed); seed++) {
		struct lf_discipline_fit fits[2][WORLD_DISCIPLINES];
		double weights[2][WORLD_CRITERIA];
		struct scored scored, again;

		if (random_chance(&random, 30))
			world.the_case.member_count = 0;
		world_shuffle(&other, &world, &random, true);
		world_score(&scored, &world);
		world_score(&again, &other);
		claim(lf_profile(scored.rubric, &world.the_case, scored.workspace, fits[0], weights[0]) ==
				scored.scored,
			seed, "a profile exists where a score does");
		(void)lf_profile(again.rubric, &other.the_case, again.workspace, fits[1], weights[1]);
		for (size_t i = 0; scored.scored && i < world.def.discipline_count; i++) {
			claim(strcmp(world.disciplines[fits[0][i].discipline].id,
				      other.disciplines[fits[1][i].discipline].id) == 0,
				seed, "the same discipline");
			claim(same(fits[0][i].score, fits[1][i].score), seed, "the same fit");
			claim(i == 0 ||
					lf_compared(&world.the_case, fits[0][i - 1].score) >=
						lf_compared(&world.the_case, fits[0][i].score),
				seed, "best first");
		}
		scored_clean_up(&scored);
		scored_clean_up(&again);
	}
}

/* ---- stored numbers ---- */

static void a_result_restored_from_its_numbers_is_the_same_result(void **state)
{
	(void)state;
	for (uint64_t seed = first_seed; next_world(seed); seed++) {
		double weights[WORLD_CRITERIA], scores[WORLD_MEMBERS];
		double ratings[WORLD_MEMBERS * WORLD_CRITERIA], shares[WORLD_MEMBERS * WORLD_CRITERIA];
		double first_rank_shares[WORLD_MEMBERS];
		uint32_t unknown[WORLD_MEMBERS * WORLD_CRITERIA];
		struct lf_stored_numbers numbers = {weights, scores, ratings, shares, unknown, 0, first_rank_shares};
		struct lf_result restored;
		struct scored scored;
		void *workspace;
		size_t bytes;

		world_score(&scored, &world);
		if (scored.scored) {
			bytes = lf_workspace_bytes(scored.rubric, &world.the_case);
			workspace = aligned_alloc(64, (bytes + 63) / 64 * 64);
			assert_non_null(workspace);
			if (!lf_result_numbers(scored.rubric, &world.the_case, &scored.result, weights, scores, ratings,
				    shares, unknown, &numbers.unknown_count, first_rank_shares))
				numbers.first_rank_shares = NULL;
			claim((numbers.first_rank_shares != NULL) == (world.def.robustness.samples > 0), seed,
				"shares are stored where the rubric has robustness");
			lf_restore(scored.rubric, &world.the_case, &numbers, workspace, &restored);
			claim(same_results(&world, &scored.result, &world, &restored), seed,
				"restoring gives the same bits");
			for (size_t i = 0; i < scored.result.ranking_count; i++)
				claim(scored.result.ranking[i].member == restored.ranking[i].member, seed,
					"the same members");
			free(workspace);
		}
		scored_clean_up(&scored);
	}
}

static int choose_seed(void **state)
{
	const char *given = getenv("LF_TEST_SEED");

	(void)state;
	first_seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) % 1000000 * 100000;
	print_message("LF_TEST_SEED=%" PRIu64 ", %d worlds\n", first_seed, WORLDS);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_score_is_what_the_formulas_say),
		cmocka_unit_test(weights_add_up_to_one_and_contributions_to_the_score),
		cmocka_unit_test(raising_a_rating_never_lowers_a_score),
		cmocka_unit_test(evidence_at_or_above_the_rating_never_lowers_it),
		cmocka_unit_test(a_dominated_candidate_who_is_never_free_never_changes_who_is_first),
		cmocka_unit_test(the_order_of_lists_changes_no_bit),
		cmocka_unit_test(a_profile_does_not_depend_on_order_either),
		cmocka_unit_test(a_result_restored_from_its_numbers_is_the_same_result),
	};

	return cmocka_run_group_tests(tests, choose_seed, NULL);
}
