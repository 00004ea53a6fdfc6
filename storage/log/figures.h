/* What the log counts of itself, for whoever shows it. */
#ifndef LF_STORAGE_LOG_FIGURES_H
#define LF_STORAGE_LOG_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/histogram.h"

struct lf_log;

/* Of what is on disk. */
struct lf_log_bytes {
	uint64_t log; /* the log itself */
	uint64_t
		wal; /* the file for what is committed and not in it yet, which is reused, and stays as long as it was */
	uint64_t free; /* on its disk, for whoever isn't root */
};

/* Nanoseconds: 50 us to 6.6 s. */
extern const struct lf_buckets lf_log_time_buckets;
/* Records of a commit: 1 to LF_BATCH_MAX. */
extern const struct lf_buckets lf_log_batch_buckets;

/* Since the log was opened. Any thread reads these while they are added to. */
struct lf_log_counts {
	struct lf_histogram commits; /* by lf_log_time_buckets: a whole commit, from its first record to durable */
	struct lf_histogram syncs;   /* likewise: of these, until what was written is durable; empty where not known */
	struct lf_histogram batches; /* by lf_log_batch_buckets */
	atomic_uint_fast64_t failed; /* batches, with what was tried again and settled left out */
};

struct lf_log_figures {
	const struct lf_log_counts *counts; /* as long as the log is open */
	size_t queued;                      /* records that wait, or are being committed */
	bool ready, failed;                 /* lf_log_ready(); nothing is written any more */
	bool bytes_known;
	struct lf_log_bytes bytes;
	bool shared;            /* others may write it; then: */
	uint64_t reached_ns;    /* lf_clock_ns() when something was last committed durably; 0: not yet */
	int64_t clock_apart_us; /* how far the store's clock is ahead of this process's */
};

/* Any thread. It asks the file system: a few microseconds. */
void lf_log_figures(struct lf_log *log, struct lf_log_figures *figures);

#endif
