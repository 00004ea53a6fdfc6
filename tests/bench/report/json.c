#include "tests/bench/report/figures.h"

#include <jansson.h>
#include <math.h>

#include "tests/bench/batches.h"
#include "tests/bench/workload.h"

/* Four digits that count are more than the figures hold. */
static json_t *number(double value)
{
	const double scale = value == 0 ? 1 : pow(10, 4 - ceil(log10(fabs(value))));

	return json_real(scale > 1 ? round(value * scale) / scale : round(value));
}

/* Takes the reference to value. */
static bool put(json_t *object, const char *name, json_t *value)
{
	return value != NULL && json_object_set_new(object, name, value) == 0;
}

static bool put_spread(json_t *object, const struct lf_report *report, const struct lf_figure *figure, size_t point)
{
	const struct lf_spread spread = lf_spread_of(report, figure, point);
	json_t *value = json_object();

	return put(value, "median", number(spread.median)) && put(value, "min", number(spread.low)) &&
		put(value, "max", number(spread.high)) && put(object, figure->name, value);
}

static bool put_spreads(json_t *parent, const char *name, const struct lf_report *report,
	const struct lf_figure *figures, size_t count, size_t point)
{
	json_t *object = json_object();

	for (size_t f = 0; f < count; f++)
		if (!put_spread(object, report, &figures[f], point)) {
			json_decref(object);
			return false;
		}
	return put(parent, name, object);
}

bool lf_report_put_machine(json_t *root, const struct lf_machine *machine)
{
	return put(root, "machine",
		       json_pack("{s:s s:I s:s s:s s:b s:f}", "processor", machine->processor, "processors",
			       (json_int_t)machine->processors, "kernel", machine->kernel, "fileSystem",
			       machine->file_system, "realDisk", machine->real_disk, "loadAverage",
			       machine->load_average)) &&
		put(root, "versions",
			json_pack("{s:s s:s s:s s:s s:s s:s}", "leadfit", LF_VERSION, "nng", machine->nng, "sqlite",
				machine->sqlite, "protobufC", machine->protobuf_c, "compiler", machine->compiler,
				"build", machine->build));
}

static bool put_settings(json_t *root, const struct lf_report *report)
{
	const struct lf_bench_settings *settings = report->settings;
	json_t *in_flight = json_array();

	for (size_t i = 0; i < settings->point_count; i++)
		json_array_append_new(in_flight, json_integer((json_int_t)settings->in_flight[i]));
	return put(root, "settings",
		json_pack("{s:I s:f s:o s:I s:I s:I s:I s:I s:s s:I s:I s:I s:f}", "runs", (json_int_t)settings->runs,
			"seconds", settings->seconds, "inFlight", in_flight, "teams", (json_int_t)settings->teams,
			"projects", (json_int_t)settings->projects, "members", (json_int_t)LF_WORKLOAD_MEMBERS,
			"evidence", (json_int_t)LF_WORKLOAD_EVIDENCE, "seed", (json_int_t)settings->seed, "transport",
			settings->ipc ? "ipc" : "tcp", "workers", (json_int_t)settings->workers, "requestBytes",
			(json_int_t)lf_workload_bytes(report->bench->workload), "replyBytes",
			(json_int_t)report->bench->reply_bytes, "recommended",
			lf_kernel_bench_recommended(report->bench->kernel)));
}

static json_t *point_json(const struct lf_report *report, size_t i)
{
	const struct lf_bench_settings *settings = report->settings;
	json_t *point = json_object(), *ratios = json_object();
	bool good = put(point, "inFlight", json_integer((json_int_t)settings->in_flight[i])) &&
		put_spreads(point, "nngEcho", report, lf_echo_figures, LF_LOAD_FIGURES, i) &&
		put_spreads(point, "leadfit", report, lf_service_figures, LF_LOAD_FIGURES, i) &&
		put_spreads(point, "sqliteInserts", report, lf_insert_figures, LF_INSERT_FIGURES, i);

	for (size_t f = 0; f < LF_RATIO_FIGURES; f++)
		good = good && put_spread(ratios, report, &lf_ratio_figures[f], i);
	if (settings->grpc)
		good = good && put_spreads(point, "grpcEcho", report, lf_grpc_figures, LF_LOAD_FIGURES, i) &&
			put_spread(ratios, report, &lf_grpc_ratio, i);
	if (settings->in_flight[i] == 1)
		good = good && put_spread(ratios, report, &lf_extra_latency, i);
	good = put(point, "ratios", ratios) && good;
	if (good)
		return point;
	json_decref(point);
	return NULL;
}

static bool put_batches(json_t *root, const struct lf_report *report)
{
	json_t *kinds = json_object();
	bool good = true;

	for (size_t k = 0; k < LF_BATCH_KINDS; k++)
		good = good &&
			put_spreads(kinds, lf_batch_kinds[k].name, report, lf_batch_figures, LF_BATCH_FIGURES, k);
	good = put(kinds, "items", json_integer((json_int_t)report->settings->batch_items)) && good;
	return put(root, "batches", kinds) && good &&
		put_spreads(root, "fairness", report, lf_fairness_figures, LF_FAIRNESS_FIGURES, 0);
}

static bool put_robust(json_t *root, const struct lf_robust *robust)
{
	json_t *object = json_object(), *kernels = json_array(), *rows = json_array();
	bool good = put(object, "clockHz", number(robust->clock_hz));

	for (size_t i = 0; i < robust->kernel_count; i++) {
		const struct lf_robust_kernel *kernel = &robust->kernels[i];

		good = good &&
			json_array_append_new(kernels,
				json_pack("{s:s s:I s:o s:o s:o}", "name", kernel->name, "lanes",
					(json_int_t)kernel->lanes, "robustnessNs", number(kernel->robustness_ns),
					"innerLoopOfPeak", number(kernel->sum_share), "scoreOfPeak",
					number(kernel->score_share))) == 0;
	}
	for (size_t i = 0; i < LF_ROBUST_ROWS; i++) {
		const struct lf_robust_row *row = &robust->rows[i];

		good = good &&
			json_array_append_new(rows,
				json_pack("{s:I s:I s:o s:o}", "members", (json_int_t)row->members, "samples",
					(json_int_t)row->samples, "scoreNs", number(row->score_ns), "robustnessNs",
					number(row->robustness_ns))) == 0;
	}
	good = put(object, "kernels", kernels) && good;
	good = put(object, "rows", rows) && good;
	return put(root, "robustness", object) && good;
}

bool lf_report_json(const struct lf_report *report, FILE *out)
{
	json_t *root = json_object(), *points = json_array();
	bool good = lf_report_put_machine(root, report->machine) && put_settings(root, report) &&
		put_spreads(root, "kernel", report, lf_kernel_figures, LF_KERNEL_FIGURES, 0) &&
		put_spreads(root, "inProcess", report, lf_step_figures, LF_STEP_FIGURES, 0) &&
		(report->robust == NULL || put_robust(root, report->robust)) &&
		(report->settings->kernel_only ||
			put_spreads(root, "leadfitd", report, lf_daemon_figures, LF_DAEMON_FIGURES, 0));

	for (size_t i = 0; i < report->settings->point_count; i++)
		good = good && json_array_append_new(points, point_json(report, i)) == 0;
	good = put(root, "points", points) && good;
	if (!report->settings->kernel_only && report->settings->batch_items > 0)
		good = good && put_batches(root, report);
	good = good && json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(10)) == 0 &&
		fputc('\n', out) != EOF && fflush(out) == 0;
	json_decref(root);
	return good;
}
