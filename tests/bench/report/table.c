#include "tests/bench/report/figures.h"

#include "tests/bench/batches.h"
#include "tests/bench/workload.h"

/* Targets of the project; said beside the figures, never a verdict of the exit status. */
static const double throughput_target = 0.5, throughput_stretch = 0.6, cpu_target = 1.3, extra_us_target = 50,
		    kernel_us_target = 10, fairness_target = 3;

void lf_report_machine(const struct lf_machine *machine, FILE *out)
{
	fprintf(out, "leadfit-bench %s\n", LF_VERSION);
	fprintf(out, "machine   %s, %ld processors, %s, load average %.2f before the run\n", machine->processor,
		machine->processors, machine->kernel, machine->load_average);
	fprintf(out, "built     %s, %s; nng %s, SQLite %s, protobuf-c %s\n", machine->compiler, machine->build,
		machine->nng, machine->sqlite, machine->protobuf_c);
	fprintf(out, "log on    %s%s\n", machine->file_system,
		machine->real_disk ? "" : " - IN MEMORY: commits cost nothing, the figures mean little; use --dir");
}

static void print_settings(const struct lf_report *report, FILE *out)
{
	const struct lf_bench_settings *settings = report->settings;

	lf_report_machine(report->machine, out);
	fprintf(out, "runs      %u of %g s a measurement, interleaved; medians, [lowest..highest] where shown\n",
		settings->runs, settings->seconds);
	if (settings->teams > 0)
		fprintf(out, "requests  %u teams of %d members with %d pieces of evidence each, %u projects, over %s\n",
			settings->teams, LF_WORKLOAD_MEMBERS, LF_WORKLOAD_EVIDENCE, settings->projects,
			settings->ipc ? "ipc" : "TCP");
	else
		fprintf(out,
			"requests  a new team of %d members with %d pieces of evidence each time, %u projects, over "
			"%s\n",
			LF_WORKLOAD_MEMBERS, LF_WORKLOAD_EVIDENCE, settings->projects, settings->ipc ? "ipc" : "TCP");
	if (!settings->kernel_only)
		fprintf(out, "          %zu bytes, replies of %zu bytes\n", lf_workload_bytes(report->bench->workload),
			report->bench->reply_bytes);
}

static void print_load(
	const struct lf_report *report, const char *title, const struct lf_figure figures[LF_LOAD_FIGURES], FILE *out)
{
	for (size_t i = 0; i < report->settings->point_count; i++) {
		struct lf_spread s[LF_LOAD_FIGURES];

		for (size_t f = 0; f < LF_LOAD_FIGURES; f++)
			s[f] = lf_spread_of(report, &figures[f], i);
		fprintf(out, "%-18s %9u %8.0f [%6.0f..%6.0f] %9.0f %9.0f %9.0f %9.1f %9.1f %9.2f\n",
			i == 0 ? title : "", report->settings->in_flight[i], s[0].median, s[0].low, s[0].high,
			s[1].median, s[2].median, s[3].median, s[4].median, s[5].median, s[6].median);
	}
}

static void print_loads(const struct lf_report *report, FILE *out)
{
	fprintf(out, "\n%-18s %9s %25s %9s %9s %9s %9s %9s %9s\n", "", "in flight", "requests/s", "p50 us", "p99 us",
		"p99.9 us", "server us", "client us", "switches");
	print_load(report, "(a) nng echo", lf_echo_figures, out);
	if (report->settings->grpc)
		print_load(report, "    gRPC C++ echo", lf_grpc_figures, out);
	print_load(report, "(c) leadfit", lf_service_figures, out);
	fprintf(out,
		"    server us, client us: CPU time a request; switches: context switches of the server a request\n");
}

static void print_inserts(const struct lf_report *report, FILE *out)
{
	fprintf(out, "\n%-18s %9s %9s %9s %25s %13s %9s\n", "", "in flight", "batch", "row bytes", "rows/s",
		"commit p50 us", "CPU us");
	for (size_t i = 0; i < report->settings->point_count; i++) {
		struct lf_spread s[LF_INSERT_FIGURES];

		for (size_t f = 0; f < LF_INSERT_FIGURES; f++)
			s[f] = lf_spread_of(report, &lf_insert_figures[f], i);
		fprintf(out, "%-18s %9u %9.1f %9.0f %8.0f [%6.0f..%6.0f] %13.0f %9.1f\n",
			i == 0 ? "(b) SQLite inserts" : "", report->settings->in_flight[i], s[0].median, s[1].median,
			s[2].median, s[2].low, s[2].high, s[3].median, s[4].median);
	}
}

static void print_batches(const struct lf_report *report, FILE *out)
{
	fprintf(out, "\n(d) ScoreBatch, %u items a message, %u messages in flight; figures a decision\n",
		report->settings->batch_items, (unsigned)LF_BATCHES_IN_FLIGHT);
	fprintf(out, "%-27s %26s %10s %9s %9s %9s %9s %9s %9s %22s\n", "", "decisions/s", "msg p50 us", "server us",
		"client us", "row bytes", "a commit", "insert us", "floor us", "server CPU / floor");
	for (size_t k = 0; k < LF_BATCH_KINDS; k++) {
		struct lf_spread s[LF_BATCH_FIGURES];

		for (size_t f = 0; f < LF_BATCH_FIGURES; f++)
			s[f] = lf_spread_of(report, &lf_batch_figures[f], k);
		fprintf(out,
			"    %-23s %8.0f [%6.0f..%6.0f] %11.0f %9.1f %9.1f %9.0f %9.1f %9.1f %9.1f %8.2f "
			"[%5.2f..%5.2f]\n",
			lf_batch_kinds[k].title, s[0].median, s[0].low, s[0].high, s[1].median, s[3].median,
			s[4].median, s[5].median, s[6].median, s[7].median, s[8].median, s[9].median, s[9].low,
			s[9].high);
	}
	fprintf(out, "    floor: bare insert and the engine (of a summary: score); target <= %g\n", cpu_target);
}

static void print_flood(const struct lf_report *report, FILE *out)
{
	const struct lf_figure *figures = &lf_fairness_figures[10];
	const struct lf_spread ratio = lf_spread_of(report, &figures[4], 0);

	fprintf(out, "    beside %u others, over %2u    %9.0f %9.0f\n", (unsigned)LF_FLOOD_IN_FLIGHT,
		(unsigned)LF_FLOOD_CONNECTIONS, lf_spread_of(report, &figures[0], 0).median,
		lf_spread_of(report, &figures[1], 0).median);
	fprintf(out,
		"    beside %u others, over  1    %9.0f %9.0f   over 1 / over %u: %.2f [%5.2f..%5.2f]  target <= %g\n",
		(unsigned)LF_FLOOD_IN_FLIGHT, lf_spread_of(report, &figures[2], 0).median,
		lf_spread_of(report, &figures[3], 0).median, (unsigned)LF_FLOOD_CONNECTIONS, ratio.median, ratio.low,
		ratio.high, fairness_target);
}

static void print_fairness(const struct lf_report *report, FILE *out)
{
	static const char *const titles[] = {"alone", "beside batches, summaries", "beside batches, decisions"};
	static const size_t first[] = {0, 2, 5}; /* p50, p99, rate of the batches */

	fprintf(out, "\nfairness: single requests, %u in flight, beside one connection with batches\n",
		(unsigned)LF_FAIRNESS_IN_FLIGHT);
	fprintf(out, "%-31s %9s %9s %25s %18s\n", "", "p50 us", "p99 us", "p99 / alone", "batched decisions/s");
	for (size_t i = 0; i < 3; i++) {
		const struct lf_figure *figures = &lf_fairness_figures[first[i]];
		struct lf_spread ratio;

		fprintf(out, "    %-27s %9.0f %9.0f", titles[i], lf_spread_of(report, &figures[0], 0).median,
			lf_spread_of(report, &figures[1], 0).median);
		if (i > 0) {
			ratio = lf_spread_of(report, &lf_fairness_figures[7 + i], 0);
			fprintf(out, " %9.2f [%5.2f..%5.2f] %18.0f  target <= %g", ratio.median, ratio.low, ratio.high,
				lf_spread_of(report, &figures[2], 0).median, fairness_target);
		}
		fprintf(out, "\n");
	}
	print_flood(report, out);
}

static void print_names(const struct lf_report *report, const char *title, const struct lf_figure *figures,
	size_t count, double unit, const char *const *names, FILE *out)
{
	fprintf(out, "%-18s", title);
	for (size_t f = 0; f < count; f++)
		fprintf(out, " %s %.2f%s", names[f], lf_spread_of(report, &figures[f], 0).median / unit,
			f + 1 < count ? "," : "\n");
}

static void print_kernel(const struct lf_report *report, FILE *out)
{
	static const char *const kernel[] = {
		"profile", "score", "changes", "explain", "together", "robustness (part of score)"};
	static const char *const steps[] = {
		"decode", "convert and score", "answer with words", "record", "pack", "together"};

	fprintf(out, "%-18s %.0f%% of the decisions recommend somebody\n", "    workload",
		100 * lf_kernel_bench_recommended(report->bench->kernel));
	print_names(report, "(k) kernel, us", lf_kernel_figures, LF_KERNEL_FIGURES, 1e3, kernel, out);
	print_names(report, "    in process, us", lf_step_figures, LF_STEP_FIGURES, 1e3, steps, out);
}

static void print_robust(const struct lf_robust *robust, FILE *out)
{
	fprintf(out, "\n(r) robustness     %d members x %d criteria x %d samples; clock %.2f GHz\n", LF_ROBUST_MEMBERS,
		LF_ROBUST_CRITERIA, LF_ROBUST_SAMPLES, robust->clock_hz / 1e9);
	fprintf(out, "%-18s %9s %9s %23s %28s\n", "", "lanes", "us", "inner loop, % of peak",
		"with doubt and comparison, %");
	for (size_t i = 0; i < robust->kernel_count; i++) {
		const struct lf_robust_kernel *kernel = &robust->kernels[i];

		fprintf(out, "    %-14s %9u %9.2f %23.0f %28.0f\n", kernel->name, kernel->lanes,
			kernel->robustness_ns / 1e3, 100 * kernel->sum_share, 100 * kernel->score_share);
	}
	fprintf(out, "%-18s %9s %9s %9s %13s %20s\n", "", "members", "samples", "score us", "robustness us",
		"ns a member x sample");
	for (size_t i = 0; i < LF_ROBUST_ROWS; i++) {
		const struct lf_robust_row *row = &robust->rows[i];

		fprintf(out, "%-18s %9u %9u %9.2f %13.2f %20.3f\n", "", row->members, row->samples, row->score_ns / 1e3,
			row->robustness_ns / 1e3, row->robustness_ns / ((double)row->members * row->samples));
	}
}

static void print_daemon(const struct lf_report *report, FILE *out)
{
	const double peak = lf_spread_of(report, &lf_daemon_figures[0], 0).median;
	const double log = lf_spread_of(report, &lf_daemon_figures[1], 0).median;

	fprintf(out, "    leadfitd       peak resident %.1f MiB, log file %.2f KiB a decision\n", peak / (1024 * 1024),
		log / 1024);
}

static void print_ratio(
	const struct lf_report *report, const struct lf_figure *figure, size_t point, const char *text, FILE *out)
{
	const struct lf_spread s = lf_spread_of(report, figure, point);

	fprintf(out, "  at %4u in flight %8.2f [%6.2f..%6.2f]  %s\n", report->settings->in_flight[point], s.median,
		s.low, s.high, text);
}

static void print_ratios(const struct lf_report *report, FILE *out)
{
	const struct lf_bench_settings *settings = report->settings;
	char text[160];

	fprintf(out, "\nthroughput, leadfit / nng echo\n");
	snprintf(text, sizeof(text), "target >= %g, stretch %g", throughput_target, throughput_stretch);
	for (size_t i = 0; i < settings->point_count; i++)
		print_ratio(report, &lf_ratio_figures[0], i, settings->in_flight[i] == 64 ? text : "", out);
	if (settings->grpc) {
		fprintf(out, "throughput, leadfit / gRPC C++ echo of an empty message\n");
		for (size_t i = 0; i < settings->point_count; i++)
			print_ratio(report, &lf_grpc_ratio, i, settings->in_flight[i] >= 64 ? "target >= 1" : "", out);
	}
	fprintf(out, "server CPU, leadfit / (nng echo + SQLite insert + kernel)\n");
	snprintf(text, sizeof(text), "target <= %g", cpu_target);
	for (size_t i = 0; i < settings->point_count; i++)
		print_ratio(report, &lf_ratio_figures[1], i, settings->in_flight[i] >= 64 ? text : "", out);
	fprintf(out, "kernel\n");
	snprintf(text, sizeof(text), "us a decision, target <= %g", kernel_us_target);
	fprintf(out, "%27.2f                   %s\n", lf_spread_of(report, &lf_kernel_figures[4], 0).median / 1e3,
		text);
	for (size_t i = 0; i < settings->point_count; i++) {
		if (settings->in_flight[i] != 1)
			continue;
		fprintf(out, "one at a time: p50 beyond one nng round trip and one commit\n");
		snprintf(text, sizeof(text), "us, target <= %g", extra_us_target);
		print_ratio(report, &lf_extra_latency, i, text, out);
	}
}

void lf_report_table(const struct lf_report *report, FILE *out)
{
	print_settings(report, out);
	if (!report->settings->kernel_only) {
		print_loads(report, out);
		print_inserts(report, out);
	}
	if (!report->settings->kernel_only && report->settings->batch_items > 0) {
		print_batches(report, out);
		print_fairness(report, out);
	}
	fprintf(out, "\n");
	print_kernel(report, out);
	if (report->robust != NULL)
		print_robust(report->robust, out);
	if (!report->settings->kernel_only) {
		print_daemon(report, out);
		print_ratios(report, out);
	}
}
