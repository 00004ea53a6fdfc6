/* One interleaved round: every floor and the service itself, at every number in flight, right after one another. */
#ifndef LF_BENCH_ROUND_H
#define LF_BENCH_ROUND_H

#include "service/rubric/version.h"
#include "tests/bench/floors/insert.h"
#include "tests/bench/floors/kernel.h"
#include "tests/bench/meter.h"
#include "tests/bench/settings.h"
#include "tests/bench/workload.h"

/* At one number in flight. */
struct lf_point {
	struct lf_load echo;    /* (a) */
	struct lf_load service; /* (c) */
	struct lf_load grpc;    /* where asked for */
	struct lf_written written;
	struct lf_insert insert; /* (b) */
};

/* Batches of one kind. */
struct lf_batch_point {
	struct lf_load load; /* figures a decision, latencies and bytes a message */
	struct lf_written written;
	struct lf_insert insert;
};

enum { LF_BATCH_KINDS = 4 };

/* Single requests, beside batches or not. */
struct lf_fairness {
	struct lf_load alone, beside_summaries, beside_full;
	double summaries_per_s, full_per_s; /* decisions of the batches meanwhile */
	struct lf_load beside_many,
		beside_flood; /* beside other single requests, over many connections, and over one */
};

struct lf_round {
	struct lf_point points[LF_BENCH_POINTS_MAX];
	struct lf_batch_point batches[LF_BATCH_KINDS]; /* in the order of lf_batch_shapes */
	struct lf_fairness fairness;
	struct lf_kernel kernel; /* (k) */
	struct lf_steps steps;
	double peak_bytes; /* highest resident size of leadfitd */
	double log_bytes;  /* files of the log at the end, a decision */
};

/* What rounds need; all borrowed. */
struct lf_bench {
	const struct lf_bench_settings *settings;
	const struct lf_workload *workload;
	struct lf_kernel_bench *kernel;
	const char *self;      /* this program */
	const char *server;    /* leadfitd */
	const char *directory; /* absolute */
	size_t reply_bytes;    /* 0: not known yet; set by the first round */
	uint64_t number;       /* of requests sent so far */
};

/*
 * Runs one round with a new leadfitd on a new log, and ends it. The first one measures the size of replies before
 * anything else. Checks that every decision that was answered is in the log.
 */
enum lf_code lf_round_run(struct lf_bench *bench, struct lf_round *round, struct lf_error *error);

#endif
