/*
 * What would change the first place, over random rubrics, teams and projects: every change reported is made, a little
 * less and a little more of it, and the case scored from the start; smaller ones are tried by brute force. LF_TEST_SEED
 * repeats a run.
 */
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
#include "tests/engine/lead.h"

enum { WORLDS = 3000, TRIED_MAX = 40 };

static uint64_t first_seed;
static struct world world, changed;

/* One world with its changes. */
struct scene {
	uint64_t seed;
	struct arena arena;
	struct lf_result result;
	void *workspace;
	struct lf_weight_interval weights[WORLD_CRITERIA];
	struct lf_changes changes;
	uint32_t first; /* member */
	struct random random;
};

static void claim(bool holds, uint64_t seed, const char *what)
{
	if (!holds)
		fail_msg("%s fails for LF_TEST_SEED=%" PRIu64, what, seed);
}

/* Finds the changes of the seed's world. false: there is no single first place, and lf_find_changes() says so. */
static bool scene_make(struct scene *scene, uint64_t seed)
{
	bool alone, found;
	size_t bytes;

	world_make_any(&world, seed);
	world_copy(&changed, &world);
	arena_make(&scene->arena, &world);
	bytes = (lf_workspace_bytes(scene->arena.rubric, &world.the_case) + 63) / 64 * 64;
	scene->workspace = aligned_alloc(64, bytes);
	assert_non_null(scene->workspace);
	memset(scene->workspace, 0xA5, bytes);
	scene->seed = seed;
	scene->random.state = seed ^ 0x5bd1e995;
	scene->changes = (struct lf_changes){.weights = scene->weights};
	if (!lf_score(scene->arena.rubric, &world.the_case, scene->workspace, &scene->result))
		return false;
	alone = scene->result.ranking_count > 0 && scene->result.ranking[0].eligible && !(scene->result.margin == 0);
	found = lf_find_changes(
		scene->arena.rubric, &world.the_case, &scene->result, scene->workspace, &scene->changes);
	claim(found == alone, seed, "changes are sought for a single first place");
	if (found)
		scene->first = scene->result.ranking[0].member;
	return found;
}

static void scene_clean_up(struct scene *scene)
{
	free(scene->workspace);
	arena_clean_up(&scene->arena);
}

static uint32_t member_at(const struct scene *scene, uint32_t place)
{
	return place == LF_NONE ? LF_NONE : scene->result.ranking[place].member;
}

static bool is_flip(const struct scene *scene, struct lead lead)
{
	return lead.member != LF_NONE && lead.member != scene->first;
}

/* ---- ratings, evidence, traits: one number of the case, set and put back ---- */

struct knob {
	enum lf_change_kind kind;
	uint32_t member, criterion, evidence, trait;
};

static void knob_set(const struct knob *knob, double to)
{
	if (knob->kind == LF_CHANGE_TRAIT) {
		changed.traits[knob->trait] = to;
	} else if (knob->kind == LF_CHANGE_RATING) {
		changed.evidence[knob->member][knob->evidence].rating = to;
	} else {
		size_t count = world.members[knob->member].evidence_count;

		changed.evidence[knob->member][count] = (struct lf_evidence){.criterion = knob->criterion,
			.domain = LF_NONE,
			.source = LF_NONE,
			.rating = to,
			.observed_day = world.the_case.as_of_day};
		changed.members[knob->member].evidence_count = count + 1;
	}
}

static void knob_reset(const struct knob *knob)
{
	if (knob->kind == LF_CHANGE_TRAIT)
		changed.traits[knob->trait] = world.traits[knob->trait];
	else if (knob->kind == LF_CHANGE_RATING)
		changed.evidence[knob->member][knob->evidence] = world.evidence[knob->member][knob->evidence];
	else
		changed.members[knob->member].evidence_count = world.members[knob->member].evidence_count;
}

static struct lead knob_lead(struct scene *scene, const struct knob *knob, double to)
{
	struct lead lead;

	knob_set(knob, to);
	lead = arena_lead(&scene->arena, &changed);
	knob_reset(knob);
	return lead;
}

static double knob_min(const struct knob *knob)
{
	return knob->kind == LF_CHANGE_TRAIT ? 0 : world.def.scale_min;
}

static double knob_max(const struct knob *knob)
{
	return knob->kind == LF_CHANGE_TRAIT ? 1 : world.def.scale_max;
}

/* Where the knob stands; for new evidence the present r, NaN where unknown. */
static double knob_from(const struct scene *scene, const struct knob *knob)
{
	if (knob->kind == LF_CHANGE_TRAIT)
		return world.traits[knob->trait];
	if (knob->kind == LF_CHANGE_RATING)
		return world.evidence[knob->member][knob->evidence].rating;
	for (size_t i = 0; i < scene->result.ranking_count; i++) {
		const struct lf_member_score *ranked = &scene->result.ranking[i];

		if (ranked->member == knob->member)
			return ranked->criteria[knob->criterion].known ? ranked->criteria[knob->criterion].rating
								       : (double)NAN;
	}
	return (double)NAN;
}

static const char *const kind_names[] = {"a rating", "new evidence", "a trait"};

/* Counts of what cannot be seen exactly by sampling. */
static unsigned sampled_seen, sampled_missed;

/* No flip may be seen there. Narrow stretches between samples may be missed where a trait is sampled. */
static void expect_first(struct scene *scene, const struct knob *knob, double to, const char *what)
{
	struct lead lead = knob_lead(scene, knob, to);
	bool sampled = scene->changes.approximate && knob->kind == LF_CHANGE_TRAIT;

	sampled_seen += sampled;
	if (!lead.clear || !is_flip(scene, lead))
		return;
	if (sampled) {
		sampled_missed++;
		return;
	}
	fail_msg("%s of %s: another is first at %.17g (from %.17g, found %d, to %.17g), LF_TEST_SEED=%" PRIu64, what,
		kind_names[knob->kind], to, knob_from(scene, knob), scene->changes.smallest[knob->kind].found,
		scene->changes.smallest[knob->kind].to, scene->seed);
}

static bool is_first(const struct scene *scene, const struct knob *knob)
{
	return knob->member == scene->first;
}

/* From where a change counts: where it is, or where nothing is known the end of the scale that changes least. */
static double knob_start(const struct scene *scene, const struct knob *knob)
{
	double from = knob_from(scene, knob);

	if (!isnan(from))
		return from;
	return is_first(scene, knob) ? world.def.scale_max : world.def.scale_min;
}

/* What is reported happens, not 2e-6 before it, and still 2e-6 beyond it. */
static void check_reported(struct scene *scene, enum lf_change_kind kind)
{
	const struct lf_change *change = &scene->changes.smallest[kind];
	struct knob knob = {kind, member_at(scene, change->place), change->criterion, change->evidence, change->trait};
	double from = knob_from(scene, &knob), back, direction;
	struct lead at, beyond;

	claim(double_bits(from) == double_bits(change->from) || (isnan(from) && isnan(change->from)), scene->seed,
		"from is where it stands");
	direction = is_first(scene, &knob) || (kind == LF_CHANGE_TRAIT && change->to < from) ? -1 : 1;
	claim(change->to >= knob_min(&knob) && change->to <= knob_max(&knob), scene->seed,
		"the change is within its range");
	at = knob_lead(scene, &knob, change->to);
	claim(is_flip(scene, at), scene->seed, "the change reported puts another first");
	claim(at.tied || !at.clear || at.member == member_at(scene, change->first), scene->seed,
		"the change names who is first then");
	if (change->to + direction * 2e-6 >= knob_min(&knob) && change->to + direction * 2e-6 <= knob_max(&knob)) {
		beyond = knob_lead(scene, &knob, change->to + direction * 2e-6);
		claim(!beyond.clear || is_flip(scene, beyond), scene->seed, "a little more of the change does it, too");
	}
	back = change->to - direction * 2e-6;
	if (back >= knob_min(&knob) && back <= knob_max(&knob) && (back - knob_start(scene, &knob)) * direction > 0)
		expect_first(scene, &knob, back, "a little less than the change");
}

/* Less than `distance` of this knob, either way, does nothing. */
static void check_smaller(struct scene *scene, const struct knob *knob, double distance)
{
	static const double parts[] = {0.999, 0.9, 0.5};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		for (int direction = -1; direction <= 1; direction += 2) {
			double to = knob_start(scene, knob) + direction * parts[i] * distance;

			if (to > knob_max(knob))
				to = knob_max(knob);
			if (to < knob_min(knob))
				to = knob_min(knob);
			if (distance > 0)
				expect_first(scene, knob, to, "less than the smallest change");
		}
		if (knob->kind != LF_CHANGE_TRAIT)
			break; /* scores are monotone in ratings */
	}
}

/* The distance below which nothing may flip: all of the range where nothing was found. */
static double smallest_distance(const struct scene *scene, enum lf_change_kind kind)
{
	const struct lf_change *change = &scene->changes.smallest[kind];
	struct knob knob = {kind, member_at(scene, change->place), change->criterion, change->evidence, change->trait};

	if (!change->found)
		return 2 * (kind == LF_CHANGE_TRAIT ? 1 : world.def.scale_max - world.def.scale_min);
	return fabs(change->to - knob_start(scene, &knob)) - 1.1e-6;
}

static void check_pieces(struct scene *scene)
{
	double distance = smallest_distance(scene, LF_CHANGE_RATING);
	size_t count = 0, step;

	for (size_t m = 0; m < world.the_case.member_count; m++)
		count += world.members[m].evidence_count;
	step = count / TRIED_MAX + 1;
	count = random_below(&scene->random, step);
	for (uint32_t m = 0; m < world.the_case.member_count; m++) {
		for (uint32_t i = 0; i < world.members[m].evidence_count; i++) {
			struct knob knob = {LF_CHANGE_RATING, m, LF_NONE, i, LF_NONE};

			if (count++ % step == 0)
				check_smaller(scene, &knob, distance);
		}
	}
}

static void check_new_pieces(struct scene *scene)
{
	double distance = smallest_distance(scene, LF_CHANGE_EVIDENCE);

	for (uint32_t m = 0; m < world.the_case.member_count; m++) {
		for (uint32_t j = 0; j < world.def.criterion_count; j++) {
			struct knob knob = {LF_CHANGE_EVIDENCE, m, j, LF_NONE, LF_NONE};

			if (world.criteria[j].derived == LF_RATED && world.members[m].candidate &&
				random_chance(&scene->random, 50))
				check_smaller(scene, &knob, distance);
		}
	}
}

static void check_traits(struct scene *scene)
{
	double distance = smallest_distance(scene, LF_CHANGE_TRAIT);

	for (uint32_t t = 0; t < world.def.trait_count; t++) {
		struct knob knob = {LF_CHANGE_TRAIT, LF_NONE, LF_NONE, LF_NONE, t};

		check_smaller(scene, &knob, distance);
		for (int i = 0; i < 10 && distance > 0; i++) {
			double to = world.traits[t] + distance * (2 * random_unit(&scene->random, 100003) - 1);

			if (to >= 0 && to <= 1)
				expect_first(scene, &knob, to, "less than the smallest change");
		}
	}
}

static void what_is_reported_is_the_smallest_change_that_flips(void **state)
{
	unsigned found[LF_CHANGE_KINDS] = {0}, none[LF_CHANGE_KINDS] = {0}, gates = 0, unknown = 0;

	(void)state;
	for (uint64_t seed = first_seed; seed < first_seed + WORLDS; seed++) {
		struct scene scene;

		if (scene_make(&scene, seed)) {
			for (int k = 0; k < LF_CHANGE_KINDS; k++) {
				const struct lf_change *change = &scene.changes.smallest[k];

				found[k] += change->found;
				none[k] += !change->found;
				gates += change->found && change->gate != LF_NONE;
				unknown += change->found && isnan(change->from);
				if (change->found)
					check_reported(&scene, (enum lf_change_kind)k);
			}
			check_pieces(&scene);
			check_new_pieces(&scene);
			check_traits(&scene);
		}
		scene_clean_up(&scene);
	}
	print_message("found: %u ratings, %u pieces, %u traits; none: %u, %u, %u; by a gate %u; unknown %u; sampled: "
		      "%u of %u missed\n",
		found[0], found[1], found[2], none[0], none[1], none[2], gates, unknown, sampled_missed, sampled_seen);
	for (int k = 0; k < LF_CHANGE_KINDS; k++)
		assert_true(found[k] > WORLDS / 20 && none[k] > WORLDS / 20);
	assert_true(gates > WORLDS / 100);
	assert_true(sampled_missed * 500 <= sampled_seen);
}

/* ---- weights ---- */

/* Who is first with these weights, whatever the traits. */
static struct lead lead_with_weights(const double *weights)
{
	struct arena arena;
	struct lead lead;

	for (size_t j = 0; j < world.def.criterion_count; j++) {
		changed.criteria[j].weight.base = weights[j];
		for (size_t t = 0; t < world.def.trait_count; t++)
			changed.weight_by_trait[j][t] = 0;
	}
	arena_make(&arena, &changed);
	lead = arena_lead(&arena, &changed);
	arena_clean_up(&arena);
	return lead;
}

static struct lead lead_at_weight(const struct scene *scene, size_t criterion, double x)
{
	double weights[WORLD_CRITERIA], now = scene->result.weights[criterion];

	for (size_t j = 0; j < world.def.criterion_count; j++)
		weights[j] = j == criterion ? x : scene->result.weights[j] * ((1 - x) / (1 - now));
	return lead_with_weights(weights);
}

static void expect_held(const struct scene *scene, size_t criterion, double x)
{
	struct lead lead = lead_at_weight(scene, criterion, x);

	if (lead.clear && lead.member != scene->first)
		fail_msg("criterion %zu: another is first at weight %.17g, within %.17g..%.17g, LF_TEST_SEED=%" PRIu64,
			criterion, x, scene->weights[criterion].low, scene->weights[criterion].high, scene->seed);
}

/* By 1e-6 the one who is named leads; by more, perhaps yet another, as others cross each other, too. */
static void expect_lost(const struct scene *scene, size_t criterion, double bound, int direction, uint32_t first)
{
	for (int step = 1; step <= 2 && first != LF_NONE; step++) {
		double x = bound + direction * step * 1e-6;
		struct lead lead;

		x = x < 0 ? 0 : x > 1 ? 1 : x;
		lead = lead_at_weight(scene, criterion, x);
		if (lead.clear && (step == 1 ? lead.member != member_at(scene, first) : lead.member == scene->first))
			fail_msg("criterion %zu: member %u is first at weight %.17g, beyond %.17g..%.17g, member %u "
				 "was named, "
				 "LF_TEST_SEED=%" PRIu64,
				criterion, lead.member, x, scene->weights[criterion].low,
				scene->weights[criterion].high, member_at(scene, first), scene->seed);
	}
}

static void check_interval(struct scene *scene, size_t criterion)
{
	const struct lf_weight_interval *interval = &scene->weights[criterion];
	double now = scene->result.weights[criterion];

	claim(interval->low >= 0 && interval->low <= now && interval->high >= now && interval->high <= 1, scene->seed,
		"an interval holds the weight");
	claim(interval->low_first != LF_NONE || interval->low == 0, scene->seed,
		"an interval without a lower flip reaches 0");
	claim(interval->high_first != LF_NONE || interval->high == 1, scene->seed,
		"an interval without an upper flip reaches 1");
	if (interval->fixed)
		return;
	if (interval->low + 2e-6 <= now)
		expect_held(scene, criterion, interval->low + 2e-6);
	if (interval->high - 2e-6 >= now)
		expect_held(scene, criterion, interval->high - 2e-6);
	if (interval->low_first == LF_NONE)
		expect_held(scene, criterion, 0);
	if (interval->high_first == LF_NONE)
		expect_held(scene, criterion, 1);
	expect_lost(scene, criterion, interval->low, -1, interval->low_first);
	expect_lost(scene, criterion, interval->high, 1, interval->high_first);
	for (int i = 0; i < 8; i++) {
		double x = interval->low + (interval->high - interval->low) * random_unit(&scene->random, 100003);

		if (x > interval->low + 1e-6 && x < interval->high - 1e-6)
			expect_held(scene, criterion, x);
	}
}

static void between_the_bounds_of_a_weight_the_first_place_holds_and_beyond_it_does_not(void **state)
{
	unsigned low = 0, high = 0, fixed = 0;

	(void)state;
	for (uint64_t seed = first_seed; seed < first_seed + WORLDS; seed++) {
		struct scene scene;

		if (scene_make(&scene, seed)) {
			for (size_t j = 0; j < world.def.criterion_count; j++) {
				check_interval(&scene, j);
				low += scene.weights[j].low_first != LF_NONE;
				high += scene.weights[j].high_first != LF_NONE;
				fixed += scene.weights[j].fixed;
			}
		}
		scene_clean_up(&scene);
	}
	print_message("bounds: %u low, %u high, %u fixed\n", low, high, fixed);
	assert_true(low > WORLDS / 10 && high > WORLDS / 10 && fixed > WORLDS / 100);
}

/* ---- order ---- */

static bool same_member(const struct scene *a, const struct world *in_a, const struct scene *b,
	const struct world *in_b, uint32_t x, uint32_t y)
{
	if (x == LF_NONE || y == LF_NONE)
		return x == y;
	return strcmp(in_a->member_ids[member_at(a, x)], in_b->member_ids[member_at(b, y)]) == 0;
}

static bool same_piece(
	const struct world *in_a, const struct world *in_b, const struct lf_evidence *x, const struct lf_evidence *y)
{
	if (x->rating != y->rating || x->observed_day != y->observed_day ||
		(x->source == LF_NONE) != (y->source == LF_NONE))
		return false;
	return x->source == LF_NONE || strcmp(in_a->source_ids[x->source], in_b->source_ids[y->source]) == 0;
}

static void compare_changes(
	const struct scene *a, const struct world *in_a, const struct scene *b, const struct world *in_b)
{
	for (int k = 0; k < LF_CHANGE_KINDS; k++) {
		const struct lf_change *x = &a->changes.smallest[k], *y = &b->changes.smallest[k];

		claim(x->found == y->found, a->seed, "order: found");
		if (!x->found)
			continue;
		claim(double_bits(x->from) == double_bits(y->from) && double_bits(x->to) == double_bits(y->to), a->seed,
			"order: from, to");
		claim(same_member(a, in_a, b, in_b, x->place, y->place), a->seed, "order: whose");
		claim(same_member(a, in_a, b, in_b, x->first, y->first), a->seed, "order: who is first");
		claim(x->gate == y->gate, a->seed, "order: gate");
		if (k == LF_CHANGE_TRAIT)
			claim(strcmp(in_a->trait_ids[x->trait], in_b->trait_ids[y->trait]) == 0, a->seed,
				"order: trait");
		else
			claim(strcmp(in_a->criterion_ids[x->criterion], in_b->criterion_ids[y->criterion]) == 0,
				a->seed, "order: criterion");
		if (k == LF_CHANGE_RATING)
			claim(same_piece(in_a, in_b, &in_a->evidence[member_at(a, x->place)][x->evidence],
				      &in_b->evidence[member_at(b, y->place)][y->evidence]),
				a->seed, "order: piece");
	}
}

static size_t criterion_named(const struct world *in, const char *id)
{
	for (size_t j = 0; j < in->def.criterion_count; j++) {
		if (strcmp(in->criterion_ids[j], id) == 0)
			return j;
	}
	return SIZE_MAX;
}

static void compare_intervals(
	const struct scene *a, const struct world *in_a, const struct scene *b, const struct world *in_b)
{
	for (size_t j = 0; j < in_a->def.criterion_count; j++) {
		const struct lf_weight_interval *x = &a->weights[j],
						*y = &b->weights[criterion_named(in_b, in_a->criterion_ids[j])];

		claim(double_bits(x->low) == double_bits(y->low) && double_bits(x->high) == double_bits(y->high) &&
				x->fixed == y->fixed,
			a->seed, "order: bounds");
		claim(same_member(a, in_a, b, in_b, x->low_first, y->low_first) &&
				same_member(a, in_a, b, in_b, x->high_first, y->high_first),
			a->seed, "order: who is first beyond the bounds");
	}
}

static void the_order_of_lists_changes_no_bit(void **state)
{
	static struct world shuffled;

	(void)state;
	for (uint64_t seed = first_seed; seed < first_seed + WORLDS; seed++) {
		struct scene scene, other;

		if (scene_make(&scene, seed)) {
			other = (struct scene){.seed = seed, .changes = {.weights = other.weights}};
			world_shuffle(&shuffled, &world, &scene.random, true);
			arena_make(&other.arena, &shuffled);
			claim(lf_score(other.arena.rubric, &shuffled.the_case, other.arena.workspace, &other.result) &&
					lf_find_changes(other.arena.rubric, &shuffled.the_case, &other.result,
						other.arena.workspace, &other.changes),
				seed, "order: the first place is a single one");
			compare_changes(&scene, &world, &other, &shuffled);
			compare_intervals(&scene, &world, &other, &shuffled);
			arena_clean_up(&other.arena);
		}
		scene_clean_up(&scene);
	}
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
		cmocka_unit_test(what_is_reported_is_the_smallest_change_that_flips),
		cmocka_unit_test(between_the_bounds_of_a_weight_the_first_place_holds_and_beyond_it_does_not),
		cmocka_unit_test(the_order_of_lists_changes_no_bit),
	};

	return cmocka_run_group_tests(tests, choose_seed, NULL);
}
