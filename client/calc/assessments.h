/*
 * The assessments that decisions make: each candidate of a decision is one, also who was not eligible, and where nobody
 * was recommended. In the place of who was erased stands a name that is in no file.
 */
#ifndef LF_CLIENT_CALC_ASSESSMENTS_H
#define LF_CLIENT_CALC_ASSESSMENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "client/calc/impact.h"
#include "client/calc/keys.h"
#include "leadfit/v1/scoring.pb-c.h"

/* Zeroed: empty. */
struct lf_assessments {
	struct lf_assessment *list;
	size_t count, capacity;
	struct lf_keys people;
};

/*
 * Adds those of a decision, whose rubric has this place, and counts in frame what is left out or unknown. false where
 * memory ran out.
 */
bool lf_assessments_add(struct lf_assessments *all, const struct lf_groups *groups, struct lf_impact_frame *frame,
	const Leadfit__V1__Decision *decision, size_t rubric);
void lf_assessments_clean_up(struct lf_assessments *all);

#endif
