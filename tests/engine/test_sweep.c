/* Who leads along a trait, against scoring the case anew at points of it. LF_TEST_SEED repeats a run. */
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
#include "tests/engine/example.h"
#include "tests/engine/lead.h"

enum { WORLDS = 3000, STRETCHES = 256, POINTS = 24 };

static uint64_t first_seed;
static struct world world, changed;

static void claim(bool holds, uint64_t seed, const char *what)
{
	if (!holds)
		fail_msg("%s fails for LF_TEST_SEED=%" PRIu64, what, seed);
}

struct sweep {
	struct lf_stretch stretches[STRETCHES];
	size_t count;
	bool approximate;
};

static void sweep_world(struct sweep *sweep, const struct world *in, uint32_t trait, size_t max)
{
	struct arena arena;

	arena_make(&arena, in);
	sweep->count = lf_sweep(
		arena.rubric, &in->the_case, trait, arena.workspace, sweep->stretches, max, &sweep->approximate);
	arena_clean_up(&arena);
}

static void check_shape(const struct sweep *sweep, uint64_t seed)
{
	claim(sweep->count > 0 && sweep->stretches[0].from == 0 && sweep->stretches[sweep->count - 1].to == 1, seed,
		"stretches reach from 0 to 1");
	for (size_t i = 0; i < sweep->count; i++) {
		const struct lf_stretch *stretch = &sweep->stretches[i];

		claim(stretch->to - stretch->from >= 0.99e-9, seed, "no stretch is shorter than 1e-9");
		if (i == 0)
			continue;
		claim(stretch->from == stretch[-1].to, seed, "each stretch begins where the last one ends");
		claim(stretch->member != stretch[-1].member, seed, "each stretch has another leader");
	}
}

struct counts {
	unsigned stretches, nobody, seen, missed; /* missed: narrower than the samples of an approximate sweep */
};

static void look_at(struct arena *arena, uint32_t trait, double tau, uint32_t member, const struct sweep *sweep,
	uint64_t seed, struct counts *counts)
{
	struct lead lead;

	changed.traits[trait] = tau;
	lead = arena_lead(arena, &changed);
	counts->seen += sweep->approximate;
	if (!lead.clear || lead.member == member)
		return;
	if (!sweep->approximate)
		fail_msg("at %.17g of trait %u member %d is first, not %d, LF_TEST_SEED=%" PRIu64, tau, trait,
			(int)lead.member, (int)member, seed);
	counts->missed++;
}

static void check_leaders(const struct sweep *sweep, uint32_t trait, struct arena *arena, struct random *random,
	uint64_t seed, struct counts *counts)
{
	counts->stretches += (unsigned)sweep->count;
	for (size_t i = 0; i < sweep->count; i++) {
		const struct lf_stretch *stretch = &sweep->stretches[i];
		double length = stretch->to - stretch->from;

		counts->nobody += stretch->member == LF_NONE;
		if (length < 3e-6)
			continue;
		look_at(arena, trait, stretch->from + 1e-6, stretch->member, sweep, seed, counts);
		look_at(arena, trait, stretch->to - 1e-6, stretch->member, sweep, seed, counts);
		for (int k = 0; k < POINTS; k++)
			look_at(arena, trait, stretch->from + 1e-6 + (length - 2e-6) * random_unit(random, 100003),
				stretch->member, sweep, seed, counts);
	}
}

static void in_each_stretch_the_one_named_ranks_first(void **state)
{
	struct counts counts = {0};

	(void)state;
	for (uint64_t seed = first_seed; seed < first_seed + WORLDS; seed++) {
		struct random random = {seed};
		struct arena arena;

		world_make_any(&world, seed);
		arena_make(&arena, &world);
		for (uint32_t t = 0; t < world.def.trait_count; t++) {
			struct sweep sweep;

			world_copy(&changed, &world);
			sweep_world(&sweep, &world, t, STRETCHES);
			check_shape(&sweep, seed);
			check_leaders(&sweep, t, &arena, &random, seed, &counts);
		}
		arena_clean_up(&arena);
	}
	print_message("%u stretches, %u with nobody; sampled: %u of %u missed\n", counts.stretches, counts.nobody,
		counts.missed, counts.seen);
	assert_true(counts.stretches > 3 * WORLDS && counts.nobody > WORLDS / 100);
	assert_true(counts.missed * 500 <= counts.seen);
}

static uint32_t named(const struct world *in, const char ids[][WORLD_ID], size_t count, const char *id)
{
	(void)in;
	for (uint32_t i = 0; i < count; i++) {
		if (strcmp(ids[i], id) == 0)
			return i;
	}
	return LF_NONE;
}

static void a_sweep_does_not_depend_on_order(void **state)
{
	(void)state;
	for (uint64_t seed = first_seed; seed < first_seed + WORLDS; seed++) {
		struct random random = {seed};

		world_make_any(&world, seed);
		world_shuffle(&changed, &world, &random, true);
		for (uint32_t t = 0; t < world.def.trait_count; t++) {
			struct sweep one, other;

			sweep_world(&one, &world, t, STRETCHES);
			sweep_world(&other, &changed,
				named(&changed, changed.trait_ids, world.def.trait_count, world.trait_ids[t]),
				STRETCHES);
			claim(one.count == other.count, seed, "order: the number of stretches");
			for (size_t i = 0; i < one.count; i++) {
				uint32_t a = one.stretches[i].member, b = other.stretches[i].member;

				claim(double_bits(one.stretches[i].from) == double_bits(other.stretches[i].from), seed,
					"order: bounds");
				claim((a == LF_NONE) == (b == LF_NONE) &&
						(a == LF_NONE ||
							strcmp(world.member_ids[a], changed.member_ids[b]) == 0),
					seed, "order: leaders");
			}
		}
	}
}

static void with_little_room_the_last_stretch_reaches_to_the_end(void **state)
{
	unsigned cut = 0;

	(void)state;
	for (uint64_t seed = first_seed; seed < first_seed + WORLDS / 10; seed++) {
		world_make_any(&world, seed);
		for (uint32_t t = 0; t < world.def.trait_count; t++) {
			struct sweep all, few;

			sweep_world(&all, &world, t, STRETCHES);
			sweep_world(&few, &world, t, 2);
			claim(few.count == (all.count < 2 ? all.count : 2), seed,
				"no more stretches than there is room for");
			check_shape(&few, seed);
			claim(few.stretches[0].member == all.stretches[0].member, seed,
				"the first stretches are the same");
			cut += all.count > 2;
		}
	}
	assert_true(cut > 0);
}

/* Criteria u and v stand aside for focus in 0.385..0.395, where z alone has a weight: a's is 0.2 there, b's 0.5. */
static void however_many_candidates_and_traits_there_are_a_short_stretch_is_found(void **state)
{
	enum { MEMBERS = 1000, TRAITS = 64 };
	static struct lf_member members[MEMBERS];
	static char ids[MEMBERS][8], trait_ids[TRAITS][8];
	static struct lf_trait_def traits[TRAITS];
	static double tau[TRAITS], falls[TRAITS] = {-1}, rises[TRAITS] = {1}, flat[TRAITS];
	static const struct lf_evidence a[] = {{0, LF_NONE, 0.9, 0, LF_NONE}, {1, LF_NONE, 0.9, 0, LF_NONE},
		{2, LF_NONE, 0.2, 0, LF_NONE}},
					b[] = {{0, LF_NONE, 0.1, 0, LF_NONE}, {1, LF_NONE, 0.1, 0, LF_NONE},
						{2, LF_NONE, 0.5, 0, LF_NONE}};
	const struct lf_criterion_def criteria[] = {
		{.id = "u", .title = "", .weight = {0.385, falls}},
		{.id = "v", .title = "", .weight = {-0.395, rises}},
		{.id = "z", .title = "", .weight = {0.1, flat}},
	};
	const struct lf_rubric_def def = {.name = "r",
		.scale_max = 1,
		.traits = traits,
		.trait_count = TRAITS,
		.criteria = criteria,
		.criterion_count = 3,
		.aggregation = LF_MINIMUM};
	const struct lf_case the_case = {
		.members = members, .member_count = MEMBERS, .project_title = "", .project_id = "p", .traits = tau};
	struct lf_stretch stretches[4];
	struct lf_rubric *rubric;
	bool approximate;
	void *workspace;

	(void)state;
	for (size_t t = 0; t < TRAITS; t++) {
		(void)snprintf(trait_ids[t], sizeof(trait_ids[t]), "t%zu", t);
		traits[t] = (struct lf_trait_def){.id = trait_ids[t], .title = ""};
	}
	for (size_t m = 0; m < MEMBERS; m++) {
		(void)snprintf(ids[m], sizeof(ids[m]), "m%zu", m);
		members[m] =
			(struct lf_member){.id = ids[m], .discipline = LF_NONE, .availability = 1, .candidate = true};
	}
	members[3].evidence = a;
	members[7].evidence = b;
	members[3].evidence_count = members[7].evidence_count = 3;
	assert_int_equal(lf_rubric_check(&def, NULL, NULL), 0);
	rubric = lf_rubric_compile(&def);
	workspace = aligned_alloc(64, lf_workspace_bytes(rubric, &the_case));
	assert_non_null(workspace);
	assert_int_equal(lf_sweep(rubric, &the_case, 0, workspace, stretches, 4, &approximate), 3);
	assert_true(approximate);
	assert_int_equal(stretches[0].member, 3);
	assert_int_equal(stretches[1].member, 7);
	assert_int_equal(stretches[2].member, 3);
	assert_true(fabs(stretches[1].from - 0.385) < 1e-6 && fabs(stretches[1].to - 0.395) < 1e-6);
	free(workspace);
	lf_rubric_destroy(rubric);
}

/*
 * Ben, BACK, has talk 5; Flo, FRONT, has talk 3.5; skill is not weighed, nor coverage. Raw weights: talk 0.25, fit
 * 0.125 · focus. Needs: FRONT focus, BACK 0.5. Ben - Flo = 0.25·(1 - 0.625) + 0.125·f·(0.5 - f)/(f + 0.5); times f +
 * 0.5: 0.046875 + 0.15625·f - 0.125·f² = 0 at f = 0.625 + sqrt(0.625² + 0.375) > 1: Ben stays. With fit 0.5 · focus:
 * 0.046875 + 0.34375·f - 0.5·f² = 0 at f = 0.34375 + sqrt(0.34375² + 0.09375) = 0.804...
 */
static void the_worked_example_of_the_readme_comes_out(void **state)
{
	struct lf_stretch stretches[4];
	struct example e;
	bool approximate;
	double crossing = 0.34375 + sqrt(0.34375 * 0.34375 + 0.09375);

	(void)state;
	example_init(&e);
	e.the_case.member_count = 2;
	e.criteria[SKILL].weight.base = 0;
	e.criteria[COVER].weight.base = 0;
	e.weight_by_trait[SKILL][FOCUS] = e.weight_by_trait[COVER][FOCUS] = 0;
	e.criteria[FIT].weight.base = 0;
	e.weight_by_trait[FIT][FOCUS] = 0.5;
	e.needs[0].amount.base = 0;
	e.need_by_trait[0][FOCUS] = 1;
	e.needs[1].amount.base = 0.5;
	e.need_by_trait[1][FOCUS] = 0;
	example_evidence(&e, 0, TALK, PEER, 5, 0);
	example_evidence(&e, 1, TALK, PEER, 3.5, 0);
	example_prepare(&e);
	assert_int_equal(lf_sweep(e.rubric, &e.the_case, FOCUS, e.workspace, stretches, 4, &approximate), 2);
	assert_false(approximate);
	assert_int_equal(stretches[0].member, 0);
	assert_int_equal(stretches[1].member, 1);
	/* A lead counts from 2^-40 on: that much further along. */
	assert_true(fabs(stretches[0].to - crossing) < 1e-11);
	example_clean_up(&e);
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
		cmocka_unit_test(in_each_stretch_the_one_named_ranks_first),
		cmocka_unit_test(a_sweep_does_not_depend_on_order),
		cmocka_unit_test(with_little_room_the_last_stretch_reaches_to_the_end),
		cmocka_unit_test(however_many_candidates_and_traits_there_are_a_short_stretch_is_found),
		cmocka_unit_test(the_worked_example_of_the_readme_comes_out),
	};

	return cmocka_run_group_tests(tests, choose_seed, NULL);
}
