/*
 * The decisions that reports count: of each team and project the latest one, and no WHAT_IF. What was asked again has
 * replaced what was answered before.
 */
#ifndef LF_CLIENT_CALC_LATEST_H
#define LF_CLIENT_CALC_LATEST_H

#include <stdbool.h>
#include <stdint.h>

#include "client/calc/keys.h"
#include "leadfit/v1/audit.pb-c.h"
#include "leadfit/v1/decisions.pb-c.h"

struct lf_latest_counts {
	uint64_t read;       /* decisions that came from the service */
	uint64_t superseded; /* of these, replaced by a later one */
	uint64_t taken;      /* that count */
};

/* Zeroed but for wanted: nothing was seen yet. */
struct lf_latest {
	const Leadfit__V1__Selection *wanted;
	struct lf_keys seen; /* teams and projects */
	struct lf_latest_counts counts;
};

/*
 * Decisions are passed newest first. *counts says whether this one counts: it is the first of its team and project, and
 * has the candidate and the outcome that are wanted. These are asked of the latest decision only, so that a decision
 * which a later one has replaced does not come back because that one has another outcome. false where memory ran out.
 */
bool lf_latest_take(struct lf_latest *latest, const Leadfit__V1__Decision *decision, bool *counts);
void lf_latest_clean_up(struct lf_latest *latest);

#endif
