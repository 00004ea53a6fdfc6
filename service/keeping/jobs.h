/*
 * The jobs of the log, and the one thread that does them.
 *
 * What is to be done is in the log: a record begins a job, another one ends it. Here is an index of those records, and
 * how far the job is that is at work. The thread takes the oldest job that has not ended, goes through it, rewrites the
 * file, and records the end. Ended anywhere before that, with the process or without, the job is begun anew.
 */
#ifndef LF_SERVICE_KEEPING_JOBS_H
#define LF_SERVICE_KEEPING_JOBS_H

#include "service/keeping/job.h"

struct lf_jobs;
struct lf_state;

enum { LF_JOBS_UNENDED_MAX = 100 };

/* Reads the index and starts the thread. Borrows state. *jobs NULL where that fails. Blocks on reads. */
enum lf_code lf_job_thread_start(struct lf_jobs **jobs, struct lf_state *state, struct lf_error *error);
/* lf_keeping_stop() says when. NULL is allowed. */
void lf_job_thread_stop(struct lf_jobs *jobs);

/*
 * Records the job (kind, caller and what it is about are set) and wakes the thread; or, where the same one has not
 * ended, gives that: *job is it. Any thread; blocks until committed. RESOURCE_EXHAUSTED where too many have not ended;
 * UNAVAILABLE: it may or may not have been started.
 */
enum lf_code lf_jobs_add(struct lf_jobs *jobs, struct lf_job *job, struct lf_error *error);

/* How far a job is. */
struct lf_job_progress {
	Leadfit__V1__JobState state;
	Leadfit__V1__JobPhase phase;
	char problem[LF_JOB_PROBLEM_BYTES];
};
/* Reads one, with the counts as they are now. Any thread; blocks on reads. NOT_FOUND, DATA_LOSS. */
enum lf_code lf_jobs_read(struct lf_jobs *jobs, uint64_t id, struct lf_job *job, struct lf_job_progress *progress,
	struct lf_error *error);
/* The ids of those before an id (0: of all), newest first, at most max. Returns how many; *more: there are others. */
size_t lf_jobs_list_ids(struct lf_jobs *jobs, uint64_t before, uint64_t *ids, size_t max, bool *more);

#endif
