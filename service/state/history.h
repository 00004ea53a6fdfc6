/* Decisions of the past, read on and decoded: what replay and backtest go through, a slice a call. */
#ifndef LF_SERVICE_STATE_HISTORY_H
#define LF_SERVICE_STATE_HISTORY_H

#include "leadfit/v1/record.pb-c.h"
#include "service/decide/step.h"
#include "storage/log/log.h"

struct lf_rpc_call;
struct lf_state;

enum lf_history_state {
	LF_HISTORY_WHOLE,
	LF_HISTORY_ERASED,  /* an erased person took part: it can't be recomputed */
	LF_HISTORY_PRUNED,  /* its inputs were pruned */
	LF_HISTORY_DAMAGED, /* what is stored can't be read */
};

struct lf_history_decision {
	const struct lf_stored *row; /* where DAMAGED, there may be no more than its sequence */
	enum lf_history_state state;
	const char *damage; /* DAMAGED: a sentence */
	/* WHOLE: what it was made of, and what was answered */
	const Leadfit__V1__Answer *answer;
	struct lf_team *team; /* its forms are kept for later decisions of the slice */
	const Leadfit__V1__Project *project;
};

/* One slice. Used by one thread at a time. */
struct lf_history;

/*
 * Begins a slice of a selection in rising order; limit, bytes_max, newest_first and payloads of scan are set here. A
 * slice takes some 200 ms, and ends earlier where call (borrowed) is no longer awaited; but it goes over one decision
 * at least. NULL where memory ran out.
 */
struct lf_history *lf_history_begin(struct lf_state *state, const struct lf_scan *scan, struct lf_rpc_call *call);
void lf_history_end(struct lf_history *history);

/*
 * The next decision, valid until the next call. NULL: the slice has ended (error's code is LF_OK), or can't go on
 * (RESOURCE_EXHAUSTED, UNAVAILABLE, DATA_LOSS). What is wrong with one decision is that one's state.
 */
const struct lf_history_decision *lf_history_next(struct lf_history *history, struct lf_error *error);
/*
 * The sequence to go on from: 0 at the end of the log. After lf_history_next() returned NULL, or instead of calling it.
 */
uint64_t lf_history_position(const struct lf_history *history);

/*
 * Fills what goes into a decide step from a WHOLE decision, to be decided again by a version; borrows from both. Nobody
 * can be told what was left out, so the depth is LF_DEPTH_NUMBERS.
 */
void lf_history_step(
	const struct lf_history_decision *decision, const struct lf_rubric_version *version, struct lf_step *step);

/* Memory for the present decision: forgotten with lf_history_next(). */
struct lf_arena *lf_history_arena(struct lf_history *history);
/* A stored version of a rubric, kept for the present decision at least. NULL as of lf_registry_find(). */
const struct lf_rubric_version *lf_history_version(
	struct lf_history *history, const struct lf_digest *digest, struct lf_error *error);

#endif
