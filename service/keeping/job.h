/* A job, and its two records in the log: that it is to be done, and how it ended. */
#ifndef LF_SERVICE_KEEPING_JOB_H
#define LF_SERVICE_KEEPING_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "leadfit/v1/jobs.pb-c.h"
#include "leadfit/v1/record.pb-c.h"
#include "proto/base/limits.h"
#include "proto/base/status.h"
#include "service/seal/erased.h"

struct lf_log;

/* As in the message Job. */
struct lf_job_counts {
	uint64_t decisions, payloads, acts, payload_bytes, kept_payloads, longer_words, bytes_before, bytes_after;
};

enum { LF_JOB_PROBLEM_BYTES = 512 };

struct lf_job {
	uint64_t id; /* of the act that began it */
	Leadfit__V1__JobKind kind;
	char caller[LF_ID_BYTES_MAX + 1], reason[LF_TEXT_BYTES_MAX + 1];
	char candidate[LF_ID_BYTES_MAX + 1]; /* ERASE; "": the walk is over */
	int64_t before_us;                   /* PRUNE */
	bool dry_run;
	struct lf_erased erased;            /* what is kept of it beside the log; nothing of a dry run */
	bool marked;                        /* it has that: else lf_job_record_start() sets it */
	char failure[LF_JOB_PROBLEM_BYTES]; /* "": it did not fail */
	int64_t started_at_us, ended_at_us; /* ended_at_us 0: it has not ended */
	struct lf_job_counts counts;
};

/* What both records say of a job that has not begun. The body points into the job. */
void lf_job_body(const struct lf_job *job, Leadfit__V1__JobBody *body);
/*
 * Reads the record that began the job, and the one that ended it where ended_by is its number (0: it has not ended).
 * NOT_FOUND; DATA_LOSS where one can't be read. Blocks on reads.
 */
enum lf_code lf_job_read(
	struct lf_job *job, struct lf_log *log, uint64_t id, uint64_t ended_by, struct lf_error *error);
/* Calls visit for each record of a job, oldest first: its number, and which job it ends (0: it begins one). */
enum lf_code lf_job_list_records(struct lf_log *log, void (*visit)(void *context, uint64_t id, uint64_t ends),
	void *context, struct lf_error *error);
/* Records that a job is to be done: its kind, reason and so on. Sets its id, and its mark. Blocks until committed. */
enum lf_code lf_job_record_start(struct lf_job *job, struct lf_log *log, struct lf_error *error);
/* Records how it ended: failure and counts. *id: of the record. Blocks until committed. */
enum lf_code lf_job_record_end(const struct lf_job *job, struct lf_log *log, uint64_t *id, struct lf_error *error);

/* Adds what a step of the job replaced. */
void lf_job_count(struct lf_job_counts *counts, const Leadfit__V1__RedactionBody *body);
/* Sets counts to what its steps have replaced so far, also before the service was restarted. Blocks on reads. */
enum lf_code lf_job_count_steps(struct lf_job *job, struct lf_log *log, struct lf_error *error);

#endif
