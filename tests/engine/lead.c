#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <time.h>
#include "tests/engine/lead.h"

void arena_make(struct arena *arena, const struct world *world)
{
	arena->rubric = lf_rubric_compile(&world->def);
	assert(arena->rubric != NULL);
	arena->workspace = aligned_alloc(64, (lf_workspace_bytes(arena->rubric, &world->the_case) + 63) / 64 * 64);
	assert(arena->workspace != NULL);
}

void arena_clean_up(struct arena *arena)
{
	free(arena->workspace);
	lf_rubric_destroy(arena->rubric);
}

/* Whether somebody's alignment is a gate's bound but for rounding. */
static bool at_a_gate(const struct world *world, const struct lf_result *result)
{
	for (size_t g = 0; g < world->def.gate_count; g++) {
		uint32_t j = world->gates[g].criterion;

		if (j == LF_NONE || world->criteria[j].derived != LF_DOMAIN_ALIGNMENT)
			continue;
		for (size_t i = 0; i < result->ranking_count; i++) {
			if (fabs(result->ranking[i].criteria[j].value - world->gates[g].at_least) < 1e-12)
				return true;
		}
	}
	return false;
}

struct lead arena_lead(struct arena *arena, const struct world *world)
{
	struct lead lead = {LF_NONE, false, true};
	struct lf_result result;

	if (!lf_score(arena->rubric, &world->the_case, arena->workspace, &result) || result.ranking_count == 0)
		return lead;
	lead.clear = !(result.margin < 1e-13) && !at_a_gate(world, &result);
	if (!result.ranking[0].eligible)
		return lead;
	lead.member = result.ranking[0].member;
	lead.tied = result.ranking_count > 1 && result.ranking[1].rank == 1;
	return lead;
}

uint64_t seed_choose(int worlds)
{
	const char *given = getenv("LF_TEST_SEED");
	uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) % 1000000 * 100000;

	print_message("LF_TEST_SEED=%" PRIu64 ", %d worlds\n", seed, worlds);
	return seed;
}
