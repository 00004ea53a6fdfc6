/* What the two halves of the compiler share: compiler.c has the rubric as a whole, criteria.c its criteria. */
#ifndef LF_SERVICE_RUBRIC_BUILDER_H
#define LF_SERVICE_RUBRIC_BUILDER_H

#include "service/rubric/checker.h"
#include "service/rubric/version.h"

/*
 * Weights, coefficients and strengths are at most so large: enough for any rubric, and far from where doubles overflow.
 */
#define LF_RUBRIC_NUMBER_MAX 1e6

/* A rubric on its way from the message to the engine's definition. */
struct builder {
	struct lf_rubric_version *version; /* its names are known before anything is converted */
	const Leadfit__V1__Rubric *message;
	struct lf_arena *arena;
	struct lf_checker check;
	struct lf_rubric_def def;
	bool exhausted; /* memory ran out */
};

/* Zeroed memory of the arena. NULL: there is none left, and exhausted is set. */
static inline void *take(struct builder *b, size_t count, size_t size)
{
	void *memory = lf_arena_zalloc(b->arena, count, size);

	b->exhausted |= memory == NULL;
	return memory;
}

/* Converts the criteria into def, with every violation by path. The scale is in def already. */
void lf_build_criteria(struct builder *b);

#endif
