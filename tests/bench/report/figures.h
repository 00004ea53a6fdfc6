/* What table and JSON share: the figures by name, and their spread over the rounds. */
#ifndef LF_TESTS_BENCH_REPORT_FIGURES_H
#define LF_TESTS_BENCH_REPORT_FIGURES_H

#include "tests/bench/report/report.h"
#include "tests/bench/floors/robust.h"

struct lf_spread {
	double median, low, high;
};

/* One number of a round. */
struct lf_figure {
	const char *name; /* in JSON */
	bool of_round;    /* offset is into struct lf_round, else into its struct lf_point */
	size_t offset;
	double (*get)(const struct lf_round *round, size_t point); /* where it is computed; else NULL */
};

enum {
	LF_LOAD_FIGURES = 7,
	LF_INSERT_FIGURES = 5,
	LF_KERNEL_FIGURES = 6,
	LF_STEP_FIGURES = 6,
	LF_DAEMON_FIGURES = 2,
	LF_RATIO_FIGURES = 2,
	LF_BATCH_FIGURES = 10,
	LF_FAIRNESS_FIGURES = 15,
};

extern const struct lf_figure lf_echo_figures[LF_LOAD_FIGURES];
extern const struct lf_figure lf_grpc_figures[LF_LOAD_FIGURES];
extern const struct lf_figure lf_service_figures[LF_LOAD_FIGURES];
extern const struct lf_figure lf_insert_figures[LF_INSERT_FIGURES];
extern const struct lf_figure lf_kernel_figures[LF_KERNEL_FIGURES];
extern const struct lf_figure lf_step_figures[LF_STEP_FIGURES];
extern const struct lf_figure lf_daemon_figures[LF_DAEMON_FIGURES];
extern const struct lf_figure lf_ratio_figures[LF_RATIO_FIGURES];
/* One kind of batch, by its index in place of a point. */
extern const struct lf_figure lf_batch_figures[LF_BATCH_FIGURES];
extern const struct lf_figure lf_fairness_figures[LF_FAIRNESS_FIGURES];
extern const struct lf_figure lf_grpc_ratio;    /* only with gRPC */
extern const struct lf_figure lf_extra_latency; /* only where one is in flight */

struct lf_report {
	const struct lf_bench *bench;
	const struct lf_bench_settings *settings;
	const struct lf_round *rounds;
	const struct lf_machine *machine;
	const struct lf_robust *robust; /* NULL: not measured */
};

struct lf_spread lf_spread_of(const struct lf_report *report, const struct lf_figure *figure, size_t point);

#endif
