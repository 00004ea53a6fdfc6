/*
 * The decisions that reports count: under each rubric, of each team and project the latest one, and no WHAT_IF. What
 * was asked again has replaced what was answered before. A rubric is known by its name: whoever asks again after it was
 * changed asks the same question, and under another name another one.
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

/* Of one rubric. */
struct lf_latest_rubric {
	char *name;          /* owned */
	struct lf_keys seen; /* teams and projects */
};

/* Zeroed but for wanted: nothing was seen yet. */
struct lf_latest {
	const Leadfit__V1__Selection *wanted;
	struct lf_latest_rubric *rubrics; /* as they came */
	size_t rubric_count, rubric_capacity;
	struct lf_keys places; /* of names in rubrics, + 1 */
	struct lf_latest_counts counts;
};

/*
 * Decisions are passed newest first. *counts says whether this one counts: it is the first of its rubric, team and
 * project, and has the candidate and the outcome that are wanted. These are asked of the latest decision only, so that
 * a decision which a later one has replaced does not come back because that one has another outcome. *rubric is the
 * place of its rubric in latest->rubrics, set where it counts. false where memory ran out.
 */
bool lf_latest_take(struct lf_latest *latest, const Leadfit__V1__Decision *decision, bool *counts, size_t *rubric);
void lf_latest_clean_up(struct lf_latest *latest);

#endif
