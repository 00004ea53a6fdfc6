/*
 * engine_golden: scores seeded random cases and prints every number's bits, to be compared with golden.txt: whatever
 * compiler, optimisation or machine prints it, the text is the same. Inputs are drawn as integers and divided once, so
 * they are the same bits too. A line a case; the rest of a member's numbers go into a hash.
 */
#include <inttypes.h>
#include <stdio.h>
#include "tests/engine/world.h"

enum { PLAIN = 240, CASES = 360 }; /* from PLAIN on with expertise */

/* FNV-1a over the bytes of a number, lowest first, on any machine. */
static void mix(uint64_t *hash, uint64_t bits)
{
	for (int i = 0; i < 8; i++) {
		*hash ^= bits >> (8 * i) & 0xFF;
		*hash *= UINT64_C(0x100000001b3);
	}
}

static void print_member(const struct world *world, const struct scored *scored, const struct lf_member_score *score)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t j = 0; j < world->def.criterion_count; j++) {
		mix(&hash, double_bits(score->criteria[j].rating));
		mix(&hash, double_bits(score->criteria[j].value));
		mix(&hash, double_bits(score->criteria[j].share));
		mix(&hash, double_bits(scored->result.weights[j]));
		mix(&hash, score->criteria[j].known);
	}
	mix(&hash, double_bits(score->evidence_share));
	mix(&hash, score->failed_gates);
	mix(&hash, score->limiting);
	mix(&hash, score->undated);
	printf(" %s:%" PRIu32 ":%016" PRIx64 ":%016" PRIx64, world->the_case.members[score->member].id, score->rank,
		double_bits(score->score), hash);
	if (score->first_rank_share == score->first_rank_share)
		printf(":%016" PRIx64, double_bits(score->first_rank_share));
}

static void print_rank_shares(const struct world *world, const struct scored *scored)
{
	double shares[WORLD_MEMBERS * LF_RANKS_MAX];
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	if (!lf_rank_shares(scored->rubric, &world->the_case, &scored->result, scored->workspace, shares))
		return;
	for (size_t i = 0; i < scored->result.ranking_count * LF_RANKS_MAX; i++)
		mix(&hash, double_bits(shares[i]));
	printf(" ranks:%016" PRIx64, hash);
}

static void print_profile(const struct world *world, const struct scored *scored)
{
	struct lf_discipline_fit fits[WORLD_DISCIPLINES];
	double weights[WORLD_CRITERIA];
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	if (!lf_profile(scored->rubric, &world->the_case, scored->workspace, fits, weights))
		return;
	for (size_t i = 0; i < world->def.discipline_count; i++) {
		mix(&hash, fits[i].discipline);
		mix(&hash, double_bits(fits[i].score));
	}
	printf(" profile:%016" PRIx64, hash);
}

int main(void)
{
	static struct world world;

	printf("engine %d\n", LF_ENGINE_VERSION);
	for (uint64_t seed = 0; seed < CASES; seed++) {
		struct scored scored;

		world_make(&world, seed);
		if (seed >= PLAIN)
			world_give_expertise(&world, seed);
		world_score(&scored, &world);
		printf("%" PRIu64, seed);
		if (scored.scored) {
			/* Without a second eligible candidate the margin is a NaN, whose bits may differ. */
			bool margin = scored.result.margin == scored.result.margin;

			printf(" %d %016" PRIx64, (int)scored.result.outcome,
				margin ? double_bits(scored.result.margin) : 0);
			for (size_t i = 0; i < scored.result.ranking_count; i++)
				print_member(&world, &scored, &scored.result.ranking[i]);
			print_rank_shares(&world, &scored);
			print_profile(&world, &scored);
		}
		printf("\n");
		scored_clean_up(&scored);
	}
	return 0;
}
