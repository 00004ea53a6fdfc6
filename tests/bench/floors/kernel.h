/*
 * (k) The engine alone on decoded input, in this process, on one thread. And, to see where the rest of the service's
 * CPU time goes, the steps around it: decoding, conversion, the answer as a message, the record, packing.
 */
#ifndef LF_TESTS_BENCH_FLOORS_KERNEL_H
#define LF_TESTS_BENCH_FLOORS_KERNEL_H

#include "proto/base/status.h"
#include "service/rubric/version.h"
#include "tests/bench/workload.h"

/* CPU time a decision, in nanoseconds. */
struct lf_kernel {
	double score_ns;      /* lf_score() */
	double profile_ns;    /* lf_profile() */
	double changes_ns;    /* lf_find_changes() and lf_find_co_lead() */
	double explain_ns;    /* lf_explain() of all that */
	double kernel_ns;     /* all of it, one after another, measured as one */
	double robustness_ns; /* the part of score_ns that is gone without robustness */
};

struct lf_steps {
	double decode_ns;   /* check of the wire bytes, unpack, canonical order */
	double evaluate_ns; /* conversion to the engine's case, lf_profile(), lf_score(), what would change it */
	double answer_ns;   /* the Decision, with lf_explain() */
	double record_ns;   /* canonical bytes of team and project, the Answer, the log's digests */
	double pack_ns;     /* the reply's bytes */
	double all_ns;
};

struct lf_kernel_bench;

/* Decodes requests of the pool. INVALID_ARGUMENT where the rubric does not fit them. */
enum lf_code lf_kernel_bench_new(struct lf_kernel_bench **bench, const struct lf_version *version,
	const struct lf_workload *workload, struct lf_error *error);
void lf_kernel_bench_destroy(struct lf_kernel_bench *bench);
/* The share of the decoded requests whose decision recommends somebody: what the workload is about. */
double lf_kernel_bench_recommended(struct lf_kernel_bench *bench);
/* Each for a part of these seconds. INTERNAL where something is not as decoded before. */
enum lf_code lf_kernel_bench_run(struct lf_kernel_bench *bench, double seconds, struct lf_kernel *kernel,
	struct lf_steps *steps, struct lf_error *error);

#endif
