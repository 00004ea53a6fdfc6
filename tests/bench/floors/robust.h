/*
 * (r) What robustness costs: the engine alone on made-up teams, in this process, on one thread. Over instruction sets,
 * members and samples, and how near the inner loop comes to what the processor can do.
 */
#ifndef LF_TESTS_BENCH_FLOORS_ROBUST_H
#define LF_TESTS_BENCH_FLOORS_ROBUST_H

#include <stddef.h>

#include "proto/base/status.h"

enum {
	LF_ROBUST_KERNELS = 3,
	LF_ROBUST_ROWS = 15,
	LF_ROBUST_CRITERIA = 8,
	LF_ROBUST_MEMBERS = 8,    /* while samples vary */
	LF_ROBUST_SAMPLES = 1024, /* while members vary */
};

struct lf_robust_kernel {
	const char *name;
	unsigned lanes;       /* doubles of one register */
	double robustness_ns; /* of one lf_score() with LF_ROBUST_MEMBERS, LF_ROBUST_CRITERIA and LF_ROBUST_SAMPLES */
	double sum_share; /* inner loop: multiply-adds over those of one multiply and one add of all lanes a cycle */
	/* the same multiply-adds with doubt, comparison and division of work into blocks around them */
	double score_share;
};

/* CPU time of one lf_score(). */
struct lf_robust_row {
	unsigned members, samples;
	double score_ns;
	double robustness_ns; /* the part that is gone without robustness */
};

struct lf_robust {
	double clock_hz; /* as found while this ran */
	struct lf_robust_kernel kernels[LF_ROBUST_KERNELS];
	size_t kernel_count; /* those that this machine runs */
	struct lf_robust_row rows[LF_ROBUST_ROWS];
};

/* Takes about so many seconds. RESOURCE_EXHAUSTED where memory ran out. */
enum lf_code lf_robust_run(double seconds, struct lf_robust *robust, struct lf_error *error);

#endif
