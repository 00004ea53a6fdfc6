/*
 * One thread that finishes calls whose record is committed. The log's writer is the one thread that everybody waits
 * for, so it hands over here at once instead of sending replies, or reading stored decisions, itself. Only a decision
 * that had a commit for itself it sends: nobody else waits for it then.
 */
#ifndef LF_SERVICE_STATE_FINISHER_H
#define LF_SERVICE_STATE_FINISHER_H

#include <stdbool.h>

#include "proto/base/status.h"

struct lf_finisher;

/*
 * What is left to do. All zero but for run before it is pushed. It belongs to the finisher from the push until run() is
 * called, once, on the finisher's thread; from then on it belongs to run(), which may free it.
 */
struct lf_finish {
	void (*run)(struct lf_finish *finish);
	struct lf_finish *next; /* the finisher's own */
	bool queued;            /* the finisher's own: pushed, and not run yet */
};

/* Starts the thread. RESOURCE_EXHAUSTED where memory or threads ran out. */
enum lf_code lf_finisher_new(struct lf_finisher **finisher, struct lf_error *error);
/* Runs what is queued, ends the thread and joins it: blocks. Nothing may be pushed any more. NULL is allowed. */
void lf_finisher_destroy(struct lf_finisher *finisher);
/*
 * Any thread; never blocks. What is pushed runs in the order of the pushes. One finish must not be pushed again before
 * it has begun to run.
 */
void lf_finisher_push(struct lf_finisher *finisher, struct lf_finish *finish);
/* After lf_forget(): an idle one clears its thread's stack. Any thread; never blocks. */
void lf_finisher_wake(struct lf_finisher *finisher);

#endif
