/* What is compared of numbers that were computed: DESIGN.md, "Ties". */
#ifndef LF_ENGINE_TIES_H
#define LF_ENGINE_TIES_H

#include <stdbool.h>
#include "service/engine/engine.h"

/*
 * Sums that are equal in exact arithmetic differ in their last bits, so scores, and what else is computed and held
 * against something, are compared as multiples of `step`. Adding and subtracting `shift` = 1.5 · 2^12 rounds to one:
 * doubles are 2^-40 apart there. Version 1 compared bits: both are 0.
 */
struct lf_ties {
	double shift, step;
};

static inline struct lf_ties lf_ties_of(const struct lf_case *the_case)
{
	return the_case->engine_version == 1 ? (struct lf_ties){0, 0} : (struct lf_ties){0x1.8p12, 0x1p-40};
}

/* Never larger for a smaller x. */
static inline double lf_step_of(struct lf_ties ties, double x)
{
	return (x + ties.shift) - ties.shift;
}

static inline bool lf_below(struct lf_ties ties, double a, double b)
{
	return lf_step_of(ties, a) < lf_step_of(ties, b);
}

static inline bool lf_tied(struct lf_ties ties, double a, double b)
{
	return lf_step_of(ties, a) == lf_step_of(ties, b);
}

#endif
