/*
 * Design notes. A figure is one number of one round. What is printed is its spread (median, lowest, highest) over the
 * rounds. A ratio is taken within each round, and then its spread: machines change between rounds, and a ratio of
 * medians would mix two of them.
 */
#include "tests/bench/report/figures.h"

#include <stdlib.h>
#include <string.h>

#include "tests/bench/batches.h"

/* ---- where they stand ---- */

#define OF_POINT(name, field)                                                                                          \
	{                                                                                                              \
		name, false, offsetof(struct lf_point, field), NULL                                                    \
	}
#define OF_ROUND(name, field)                                                                                          \
	{                                                                                                              \
		name, true, offsetof(struct lf_round, field), NULL                                                     \
	}

#define LOAD(field)                                                                                                    \
	{                                                                                                              \
		OF_POINT("requestsPerS", field.requests_per_s), OF_POINT("p50Us", field.p50_us),                       \
			OF_POINT("p99Us", field.p99_us), OF_POINT("p999Us", field.p999_us),                            \
			OF_POINT("serverCpuUs", field.server_cpu_us), OF_POINT("clientCpuUs", field.client_cpu_us),    \
			OF_POINT("serverSwitches", field.server_switches),                                             \
	}

const struct lf_figure lf_echo_figures[LF_LOAD_FIGURES] = LOAD(echo);
const struct lf_figure lf_grpc_figures[LF_LOAD_FIGURES] = LOAD(grpc);
const struct lf_figure lf_service_figures[LF_LOAD_FIGURES] = LOAD(service);

const struct lf_figure lf_insert_figures[LF_INSERT_FIGURES] = {
	OF_POINT("batch", written.batch),
	OF_POINT("rowBytes", written.row_bytes),
	OF_POINT("rowsPerS", insert.rows_per_s),
	OF_POINT("commitP50Us", insert.commit_p50_us),
	OF_POINT("rowCpuUs", insert.row_cpu_us),
};

const struct lf_figure lf_kernel_figures[LF_KERNEL_FIGURES] = {
	OF_ROUND("profileNs", kernel.profile_ns),
	OF_ROUND("scoreNs", kernel.score_ns),
	OF_ROUND("changesNs", kernel.changes_ns),
	OF_ROUND("explainNs", kernel.explain_ns),
	OF_ROUND("kernelNs", kernel.kernel_ns),
	OF_ROUND("robustnessNs", kernel.robustness_ns),
};

const struct lf_figure lf_step_figures[LF_STEP_FIGURES] = {
	OF_ROUND("decodeNs", steps.decode_ns),
	OF_ROUND("evaluateNs", steps.evaluate_ns),
	OF_ROUND("answerNs", steps.answer_ns),
	OF_ROUND("recordNs", steps.record_ns),
	OF_ROUND("packNs", steps.pack_ns),
	OF_ROUND("allNs", steps.all_ns),
};

const struct lf_figure lf_daemon_figures[LF_DAEMON_FIGURES] = {
	OF_ROUND("peakResidentBytes", peak_bytes),
	OF_ROUND("logBytesPerDecision", log_bytes),
};

/* ---- ratios ---- */

static double throughput_over_echo(const struct lf_round *round, size_t point)
{
	return round->points[point].service.requests_per_s / round->points[point].echo.requests_per_s;
}

static double throughput_over_grpc(const struct lf_round *round, size_t point)
{
	return round->points[point].service.requests_per_s / round->points[point].grpc.requests_per_s;
}

static double cpu_over_floors(const struct lf_round *round, size_t i)
{
	const struct lf_point *point = &round->points[i];

	return point->service.server_cpu_us /
		(point->echo.server_cpu_us + point->insert.row_cpu_us + round->kernel.kernel_ns / 1e3);
}

static double extra_latency(const struct lf_round *round, size_t i)
{
	const struct lf_point *point = &round->points[i];

	return point->service.p50_us - point->echo.p50_us - point->insert.commit_p50_us;
}

const struct lf_figure lf_ratio_figures[LF_RATIO_FIGURES] = {
	{"throughputOverEcho", false, 0, throughput_over_echo},
	{"serverCpuOverFloors", false, 0, cpu_over_floors},
};
const struct lf_figure lf_grpc_ratio = {"throughputOverGrpc", false, 0, throughput_over_grpc};
const struct lf_figure lf_extra_latency = {"overRoundTripAndCommitUs", false, 0, extra_latency};

/* ---- batches ---- */

#define BATCH_GET(name, expression)                                                                                    \
	static double name(const struct lf_round *round, size_t kind)                                                  \
	{                                                                                                              \
		const struct lf_batch_point *b = &round->batches[kind];                                                \
                                                                                                                       \
		return (expression);                                                                                   \
	}

BATCH_GET(batch_rate, b->load.requests_per_s)
BATCH_GET(batch_p50, b->load.p50_us)
BATCH_GET(batch_p99, b->load.p99_us)
BATCH_GET(batch_server, b->load.server_cpu_us)
BATCH_GET(batch_client, b->load.client_cpu_us)
BATCH_GET(batch_row_bytes, b->written.row_bytes)
BATCH_GET(batch_size, b->written.batch)
BATCH_GET(batch_row_cpu, b->insert.row_cpu_us)

/* The engine's part of a summary is a ranking: no search for changes, and no words. */
static double batch_floor(const struct lf_round *round, size_t kind)
{
	const struct lf_kernel *k = &round->kernel;
	const double kernel_ns = lf_batch_kinds[kind].full ? k->kernel_ns : k->score_ns;

	return round->batches[kind].insert.row_cpu_us + kernel_ns / 1e3;
}

static double batch_over_floor(const struct lf_round *round, size_t kind)
{
	return round->batches[kind].load.server_cpu_us / batch_floor(round, kind);
}

const struct lf_figure lf_batch_figures[LF_BATCH_FIGURES] = {
	{"decisionsPerS", false, 0, batch_rate},
	{"messageP50Us", false, 0, batch_p50},
	{"messageP99Us", false, 0, batch_p99},
	{"serverCpuUs", false, 0, batch_server},
	{"clientCpuUs", false, 0, batch_client},
	{"rowBytes", false, 0, batch_row_bytes},
	{"batch", false, 0, batch_size},
	{"rowCpuUs", false, 0, batch_row_cpu},
	{"floorUs", false, 0, batch_floor},
	{"serverCpuOverFloor", false, 0, batch_over_floor},
};

static double fair_summaries(const struct lf_round *round, size_t point)
{
	(void)point;
	return round->fairness.beside_summaries.p99_us / round->fairness.alone.p99_us;
}

static double fair_full(const struct lf_round *round, size_t point)
{
	(void)point;
	return round->fairness.beside_full.p99_us / round->fairness.alone.p99_us;
}

static double fair_flood(const struct lf_round *round, size_t point)
{
	(void)point;
	return round->fairness.beside_flood.p99_us / round->fairness.beside_many.p99_us;
}

const struct lf_figure lf_fairness_figures[LF_FAIRNESS_FIGURES] = {
	OF_ROUND("aloneP50Us", fairness.alone.p50_us),
	OF_ROUND("aloneP99Us", fairness.alone.p99_us),
	OF_ROUND("besideSummariesP50Us", fairness.beside_summaries.p50_us),
	OF_ROUND("besideSummariesP99Us", fairness.beside_summaries.p99_us),
	OF_ROUND("summariesPerS", fairness.summaries_per_s),
	OF_ROUND("besideDecisionsP50Us", fairness.beside_full.p50_us),
	OF_ROUND("besideDecisionsP99Us", fairness.beside_full.p99_us),
	OF_ROUND("decisionsPerS", fairness.full_per_s),
	{"p99BesideSummariesOverAlone", true, 0, fair_summaries},
	{"p99BesideDecisionsOverAlone", true, 0, fair_full},
	OF_ROUND("besideManyP50Us", fairness.beside_many.p50_us),
	OF_ROUND("besideManyP99Us", fairness.beside_many.p99_us),
	OF_ROUND("besideFloodP50Us", fairness.beside_flood.p50_us),
	OF_ROUND("besideFloodP99Us", fairness.beside_flood.p99_us),
	{"p99BesideFloodOverMany", true, 0, fair_flood},
};

/* ---- spread ---- */

static double value_of(const struct lf_round *round, const struct lf_figure *figure, size_t point)
{
	const char *base = figure->of_round ? (const char *)round : (const char *)&round->points[point];
	double value;

	if (figure->get != NULL)
		return figure->get(round, point);
	memcpy(&value, base + figure->offset, sizeof(value));
	return value;
}

static int compare(const void *a, const void *b)
{
	const double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

struct lf_spread lf_spread_of(const struct lf_report *report, const struct lf_figure *figure, size_t point)
{
	const size_t count = report->settings->runs;
	double values[LF_BENCH_RUNS_MAX];

	for (size_t r = 0; r < count; r++)
		values[r] = value_of(&report->rounds[r], figure, point);
	qsort(values, count, sizeof(values[0]), compare);
	return (struct lf_spread){
		.median = count % 2 == 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2,
		.low = values[0],
		.high = values[count - 1],
	};
}
