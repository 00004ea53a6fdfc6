/* What state the writer, its batch, its chore and each append are in, and which moves there are. */
#include "proto/base/check.h"
#include "storage/log/private.h"

/* From the first to the second. */
static const bool WRITER_MOVES[LF_WRITER_STATES][LF_WRITER_STATES] = {
	[LF_WRITER_READY] = {[LF_WRITER_READY] = true, [LF_WRITER_NOT_READY] = true, [LF_WRITER_FAILED] = true},
	[LF_WRITER_NOT_READY] = {[LF_WRITER_READY] = true, [LF_WRITER_NOT_READY] = true, [LF_WRITER_FAILED] = true},
};

static const bool BATCH_MOVES[LF_BATCH_STATES][LF_BATCH_STATES] = {
	[LF_BATCH_EMPTY] = {[LF_BATCH_TAKEN] = true},
	[LF_BATCH_TAKEN] = {[LF_BATCH_COMMITTED] = true, [LF_BATCH_LOST] = true},
	[LF_BATCH_COMMITTED] = {[LF_BATCH_EMPTY] = true},
	[LF_BATCH_LOST] = {[LF_BATCH_EMPTY] = true},
};

static const bool CHORE_MOVES[LF_CHORE_STATES][LF_CHORE_STATES] = {
	[LF_CHORE_NONE] = {[LF_CHORE_GIVEN] = true},
	[LF_CHORE_GIVEN] = {[LF_CHORE_UNDER_WAY] = true},
	[LF_CHORE_UNDER_WAY] = {[LF_CHORE_NONE] = true},
};

/* W14 */
void lf_writer_turn(struct lf_log *log, enum lf_writer_state to)
{
	const enum lf_writer_state from = atomic_load(&log->state);

	LF_CHECK(W14, from < LF_WRITER_STATES && to < LF_WRITER_STATES && WRITER_MOVES[from][to]);
	atomic_store(&log->state, to);
}

/* W13 */
void lf_batch_turn(struct lf_log *log, enum lf_batch_state to)
{
	LF_CHECK(W13, to < LF_BATCH_STATES && BATCH_MOVES[log->batch_state][to]);
	log->batch_state = to;
}

/* W11 */
void lf_chore_turn(struct lf_log *log, enum lf_chore_state to)
{
	LF_CHECK(W11, to < LF_CHORE_STATES && CHORE_MOVES[log->chore_state][to]);
	log->chore_state = to;
}

/* W1: queued, taken, done, in this order. What it was before it was queued is the caller's memory, whatever that is. */
void lf_append_turn(struct lf_append *append, enum lf_append_state to)
{
	LF_CHECK(W1, to == LF_APPEND_QUEUED || append->state + 1 == to);
	append->state = to;
}
