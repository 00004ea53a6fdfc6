/* Who ranks first in a case that a test has changed, by scoring it from the start; and worlds for that. */
#ifndef LF_TESTS_ENGINE_LEAD_H
#define LF_TESTS_ENGINE_LEAD_H

#include "tests/engine/world.h"

struct lead {
	uint32_t member; /* ranks first, the first listed of a tie; LF_NONE: nobody, or no criterion has a weight */
	bool tied;
	bool clear; /* by more than rounding, and nobody is within rounding of a gate on an alignment */
};

/* A rubric and a workspace to score again and again in; for a case with up to one more piece of evidence a member. */
struct arena {
	struct lf_rubric *rubric;
	void *workspace;
};

void arena_make(struct arena *arena, const struct world *world);
void arena_clean_up(struct arena *arena);
struct lead arena_lead(struct arena *arena, const struct world *world);

/* LF_TEST_SEED, or one of the time; printed. */
uint64_t seed_choose(int worlds);

#endif
