/*
 * Who looked at what was decided: records of the log, which tell of one call each, or of the calls of a minute.
 *
 * Design notes. A call that takes decisions out of the service (an export, a copy) is recorded before it is answered, in
 * the way of a decision: nothing leaves of which the log does not know. Reads are many and small, so they are counted in
 * memory, and a thread writes one record for each minute that had any. There are two tables: one that is counted in, and
 * one that is being written. Where that can't be written it is tried again once a second, and the other goes on
 * counting, for several minutes then: so memory is bounded, and no call is lost unless the process is. An end of the process
 * that is no stop loses what was not written: a minute, as a rule.
 */
#ifndef LF_SERVICE_ACCESS_ACCESS_H
#define LF_SERVICE_ACCESS_ACCESS_H

#include "leadfit/v1/record.pb-c.h"
#include "proto/base/status.h"

struct lf_access;
struct lf_log;

/* Starts the thread. Borrows the log. *access NULL where that fails: RESOURCE_EXHAUSTED. */
enum lf_code lf_access_start(struct lf_access **access, struct lf_log *log, struct lf_error *error);
/*
 * Writes what was counted, and ends the thread; what can't be written is lost, and that is said. Blocks on commits. After
 * the server has stopped, before the log is closed. NULL is allowed.
 */
void lf_access_stop(struct lf_access *access);
/* Frees it. After lf_access_stop(), when no call is left that may be counted. NULL is allowed. */
void lf_access_destroy(struct lf_access *access);

/*
 * Records a call that is about to be answered. Any thread that may block on a commit; not from a completion. What it
 * fails with is the call's answer: RESOURCE_EXHAUSTED, UNAVAILABLE. access NULL: no trail is kept.
 */
enum lf_code lf_access_record(struct lf_access *access, const Leadfit__V1__AccessCall *call, struct lf_error *error);
/*
 * Counts a call that was answered with this code. Texts are copied. Any thread, also under another's lock; never
 * blocks. Nothing after lf_access_stop(). access NULL: no trail is kept.
 */
void lf_access_count(
	struct lf_access *access, const char *caller, const char *service, const char *method, enum lf_code code);

#endif
