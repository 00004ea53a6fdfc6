/*
 * One thread that finishes calls whose record is committed. The log's writer is the one thread that everybody waits
 * for, so it hands over here at once instead of sending replies, or reading stored decisions, itself.
 */
#ifndef LF_SERVICE_STATE_FINISHER_H
#define LF_SERVICE_STATE_FINISHER_H

#include "proto/base/status.h"

struct lf_finisher;

/*
 * What is left to do. The struct is the caller's, e.g. in a call's arena, until run() is called: once, on the
 * finisher's thread.
 */
struct lf_finish {
	void (*run)(struct lf_finish *finish);
	struct lf_finish *next; /* the finisher's own */
};

enum lf_code lf_finisher_new(struct lf_finisher **finisher, struct lf_error *error);
/* Runs what is queued, then ends. Nothing may be pushed any more. NULL is allowed. */
void lf_finisher_destroy(struct lf_finisher *finisher);
/* Any thread, never blocks. Runs in the order of the pushes. */
void lf_finisher_push(struct lf_finisher *finisher, struct lf_finish *finish);

#endif
