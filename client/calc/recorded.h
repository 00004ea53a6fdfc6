/*
 * What was recorded of decisions, the newest of each, kept until it is counted.
 */
#ifndef LF_CLIENT_CALC_RECORDED_H
#define LF_CLIENT_CALC_RECORDED_H

#include <stdbool.h>
#include <stddef.h>

#include "client/calc/keys.h"
#include "leadfit/v1/decisions.pb-c.h"
#include "proto/base/arena.h"

struct lf_recorded_one;

/* Zeroed but for arena, which outlives it. */
struct lf_recorded {
	struct lf_arena *arena;
	struct lf_keys places;           /* of decisions, + 1 */
	struct lf_recorded_one **blocks; /* in blocks, so that none ever moves */
	size_t count, block_count;
};

/* Keeps an outcome. Those of a decision come oldest first: each takes the place of the one before. false where memory
 * ran out. */
bool lf_recorded_add(struct lf_recorded *recorded, const Leadfit__V1__RecordedOutcome *outcome);
/* What was recorded of a decision, which is counted now; NULL where nothing was. */
const Leadfit__V1__RecordedOutcome *lf_recorded_take(struct lf_recorded *recorded, const char *decision_id);
/* How many were not taken. */
size_t lf_recorded_left(const struct lf_recorded *recorded);
void lf_recorded_clean_up(struct lf_recorded *recorded);

#endif
