/* A label is a prior: what must hold for every rubric with expertise, over random ones. LF_TEST_SEED repeats a run. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include "tests/engine/lead.h"
#include "tests/engine/world.h"
#include "service/engine/internal.h"

enum { WORLDS = 2000 };

static uint64_t first_seed;
static struct world world, other;

static void claim(bool holds, uint64_t seed, const char *what)
{
	if (!holds)
		fail_msg("%s fails for LF_TEST_SEED=%" PRIu64 ", world %" PRIu64, what, first_seed, seed - first_seed);
}

static bool next_world(uint64_t seed)
{
	if (seed >= first_seed + WORLDS)
		return false;
	world_make(&world, seed);
	world_give_expertise(&world, seed);
	return true;
}

static uint32_t draw_candidate(struct random *r)
{
	for (size_t tries = 0; tries < 64; tries++) {
		size_t m = random_below(r, world.the_case.member_count);

		if (world.members[m].candidate)
			return (uint32_t)m;
	}
	return LF_NONE;
}

static uint32_t draw_rated(struct random *r)
{
	for (;;) {
		uint32_t j = (uint32_t)random_below(r, world.def.criterion_count);

		if (world.criteria[j].derived == LF_RATED)
			return j;
	}
}

/* What the rubric expects of a discipline on a criterion. */
static double expected_of(uint32_t j, uint32_t discipline)
{
	const struct lf_criterion_def *c = &world.criteria[j];

	if (c->prior_mean == NULL)
		return world.def.scale_min + (world.def.scale_max - world.def.scale_min) / 2;
	return discipline < world.def.discipline_count ? c->prior_mean[discipline] : c->prior_default_mean;
}

static bool shows(const struct lf_evidence *e, uint32_t discipline)
{
	if (e->domain != LF_NONE)
		return e->domain == discipline;
	for (size_t i = 0; discipline < world.def.discipline_count && i < world.disciplines[discipline].shown_by_count;
		i++)
		if (world.shown_by[discipline][i] == e->criterion)
			return true;
	return false;
}

/* Adds a piece to a member of `other`, which is a copy of world. */
static struct lf_evidence *add_piece(struct random *random, uint32_t m, uint32_t j)
{
	struct lf_evidence *e;

	world_copy(&other, &world);
	e = &other.evidence[m][other.members[m].evidence_count++];
	*e = (struct lf_evidence){j, LF_NONE, world.def.scale_min, LF_UNDATED, LF_NONE};
	if (world.def.source_count > 0 && random_chance(random, 70))
		e->source = (uint32_t)random_below(random, world.def.source_count);
	if (random_chance(random, 70))
		e->observed_day = world.the_case.as_of_day - (int32_t)random_below(random, 2000);
	if (random_chance(random, 30))
		e->domain = (uint32_t)random_below(random, world.the_case.discipline_count + 1);
	if (e->domain == world.the_case.discipline_count)
		e->domain = LF_ELSEWHERE;
	return e;
}

static double raised(struct random *random, double rating)
{
	double to = rating + (world.def.scale_max - rating) * random_unit(random, 4);

	return to > world.def.scale_max ? world.def.scale_max : to < world.def.scale_min ? world.def.scale_min : to;
}

static struct lf_shown shown_in(const struct scored *scored, const struct world *w, uint32_t m, uint32_t discipline)
{
	return lf_show_expertise(scored->rubric, &w->the_case, &w->members[m], discipline);
}

static void evidence_at_what_is_expected_never_lowers_expertise(void **state)
{
	struct random random = {first_seed};
	size_t tried = 0;

	(void)state;
	for (uint64_t seed = first_seed; next_world(seed); seed++) {
		uint32_t m = draw_candidate(&random), d;
		struct lf_evidence *e;
		struct scored scored, again;

		if (m == LF_NONE || world.the_case.discipline_count == 0)
			continue;
		d = (uint32_t)random_below(&random, world.the_case.discipline_count);
		e = add_piece(&random, m, draw_rated(&random));
		e->rating = raised(&random, expected_of(e->criterion, d));
		world_score(&scored, &world);
		world_score(&again, &other);
		claim(shown_in(&again, &other, m, d).level >= shown_in(&scored, &world, m, d).level - 1e-15, seed,
			"a rating at or above what is expected of a discipline never lowers its level");
		tried += shows(e, d);
		scored_clean_up(&scored);
		scored_clean_up(&again);
	}
	assert_true(tried > WORLDS / 10);
}

static void evidence_at_what_is_expected_and_known_never_lowers_a_score(void **state)
{
	struct random random = {first_seed};
	size_t tried = 0;

	(void)state;
	for (uint64_t seed = first_seed; next_world(seed); seed++) {
		uint32_t m = draw_candidate(&random);
		struct lf_evidence *e;
		struct scored scored, again;

		if (m == LF_NONE)
			continue;
		e = add_piece(&random, m, draw_rated(&random));
		world_score(&scored, &world);
		if (scored.scored && score_of(&scored, m)->criteria[e->criterion].known) {
			e->rating = score_of(&scored, m)->criteria[e->criterion].rating;
			for (uint32_t d = 0; d < world.the_case.discipline_count; d++)
				if (shows(e, d) && e->rating < expected_of(e->criterion, d))
					e->rating = expected_of(e->criterion, d);
			e->rating = raised(&random, e->rating);
			world_score(&again, &other);
			claim(score_of(&again, m)->score >= score_of(&scored, m)->score - 1e-13, seed,
				"such evidence never lowers the score");
			tried++;
			scored_clean_up(&again);
		}
		scored_clean_up(&scored);
	}
	assert_true(tried > WORLDS / 2);
}

static void raising_a_rating_lowers_nothing(void **state)
{
	struct random random = {first_seed};
	size_t rose = 0;

	(void)state;
	for (uint64_t seed = first_seed; next_world(seed); seed++) {
		uint32_t m = draw_candidate(&random);
		const struct lf_member_score *before, *after;
		struct scored scored, again;
		struct lf_evidence *e;

		if (m == LF_NONE || world.members[m].evidence_count == 0)
			continue;
		world_copy(&other, &world);
		e = &other.evidence[m][random_below(&random, world.members[m].evidence_count)];
		e->rating = random_chance(&random, 50) ? nextafter(e->rating, INFINITY) : raised(&random, e->rating);
		if (e->rating > world.def.scale_max)
			e->rating = world.def.scale_max;
		world_score(&scored, &world);
		world_score(&again, &other);
		if (scored.scored) {
			before = score_of(&scored, m);
			after = score_of(&again, m);
			claim(after->score >= before->score, seed, "raising a rating never lowers a score");
			for (size_t j = 0; j < world.def.criterion_count; j++) {
				claim(after->criteria[j].value >= before->criteria[j].value, seed, "nor a value");
				rose += world.criteria[j].derived != LF_RATED &&
					after->criteria[j].value > before->criteria[j].value;
			}
			for (uint32_t d = 0; d < world.the_case.discipline_count; d++)
				claim(shown_in(&again, &other, m, d).level >= shown_in(&scored, &world, m, d).level,
					seed, "nor a level of expertise");
		}
		scored_clean_up(&scored);
		scored_clean_up(&again);
	}
	assert_true(rose > WORLDS / 20);
}

static void a_label_alone_gives_the_scores_of_labels(void **state)
{
	size_t compared = 0;

	(void)state;
	for (uint64_t seed = first_seed; next_world(seed); seed++) {
		struct scored scored, again;

		for (size_t m = 0; m < world.the_case.member_count; m++)
			world.members[m].evidence_count = 0;
		world_copy(&other, &world);
		other.def.expertise_strength = 0;
		world_score(&scored, &world);
		world_score(&again, &other);
		for (size_t i = 0; scored.scored && i < scored.result.ranking_count; i++) {
			uint32_t m = scored.result.ranking[i].member;

			claim(double_bits(score_of(&again, m)->score) == double_bits(scored.result.ranking[i].score),
				seed, "without evidence expertise changes no bit");
			compared++;
		}
		scored_clean_up(&scored);
		scored_clean_up(&again);
	}
	assert_true(compared > WORLDS);
}

static void evidence_elsewhere_shows_nothing(void **state)
{
	(void)state;
	for (uint64_t seed = first_seed; next_world(seed); seed++) {
		struct scored scored, again;

		for (size_t m = 0; m < world.the_case.member_count; m++)
			for (size_t i = 0; i < world.members[m].evidence_count; i++)
				world.evidence[m][i].domain = LF_ELSEWHERE;
		world_copy(&other, &world);
		other.def.expertise_strength = 0;
		world_score(&scored, &world);
		world_score(&again, &other);
		for (size_t i = 0; scored.scored && i < scored.result.ranking_count; i++) {
			const struct lf_member_score *s = &scored.result.ranking[i], *t = score_of(&again, s->member);

			for (size_t j = 0; j < world.def.criterion_count; j++)
				claim(world.criteria[j].derived == LF_RATED ||
						double_bits(s->criteria[j].value) == double_bits(t->criteria[j].value),
					seed, "labels alone decide where no piece shows a discipline");
		}
		scored_clean_up(&scored);
		scored_clean_up(&again);
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
		cmocka_unit_test(evidence_at_what_is_expected_never_lowers_expertise),
		cmocka_unit_test(evidence_at_what_is_expected_and_known_never_lowers_a_score),
		cmocka_unit_test(raising_a_rating_lowers_nothing),
		cmocka_unit_test(a_label_alone_gives_the_scores_of_labels),
		cmocka_unit_test(evidence_elsewhere_shows_nothing),
	};

	return cmocka_run_group_tests(tests, choose_seed, NULL);
}
