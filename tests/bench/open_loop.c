/*
 * Latencies as callers see them who don't wait for each other. In every run, over nng and then over HTTP/2: the full
 * rate, by a closed loop, and then an open loop at each part of it. Closed, a service that stalls gets fewer requests
 * meanwhile, so few of them tell of it; open, all that were due do.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/grid.h"
#include "tests/bench/modes.h"
#include "tests/bench/paced.h"
#include "tests/bench/server.h"

enum { TRANSPORTS = 2, PARTS = 4 };

static const char *const transports[TRANSPORTS] = {"nng", "HTTP/2"};
static const unsigned percents[PARTS] = {30, 50, 70, 90};

enum { FULL_COLUMNS = 5 };
static const struct lf_grid_column full_columns[FULL_COLUMNS] = {
	{"decisions/s", "decisionsPerS", 0},
	{"p50 us", "p50Us", 0},
	{"p99 us", "p99Us", 0},
	{"p99.9 us", "p999Us", 0},
	{"server us", "serverCpuUs", 1},
};

/* The last two are the p99's lowest and highest of all runs. */
enum { DUE, ANSWERED, P50, P99, P999, SERVER_US, SENT_P99, P99_LOWEST, P99_HIGHEST, OPEN_COLUMNS };
static const struct lf_grid_column open_columns[OPEN_COLUMNS] = {
	[DUE] = {"due/s", "duePerS", 0},
	[ANSWERED] = {"decisions/s", "decisionsPerS", 0},
	[P50] = {"p50 us", "p50Us", 0},
	[P99] = {"p99 us", "p99Us", 0},
	[P999] = {"p99.9 us", "p999Us", 0},
	[SERVER_US] = {"server us", "serverCpuUs", 1},
	[SENT_P99] = {"sent p99 us", "sentP99Us", 0},
	[P99_LOWEST] = {"p99 from", "p99LowestUs", 0},
	[P99_HIGHEST] = {"p99 to", "p99HighestUs", 0},
};

/* Of all runs. */
struct samples {
	struct lf_grid_row full[TRANSPORTS][LF_BENCH_RUNS_MAX];
	struct lf_grid_row open[TRANSPORTS][PARTS][LF_BENCH_RUNS_MAX];
};

/* Until all that was due is answered; before it counts, a quarter of the time passes, as with a closed loop. */
static enum lf_code measure_part(struct lf_bench *bench, struct lf_bench_server *server, struct lf_paced *paced,
	double rate, struct lf_grid_row *row, struct lf_error *error)
{
	const double seconds = bench->settings->seconds;
	const pid_t pid = server->child.pid;
	struct lf_paced_times *times = calloc(2, sizeof(*times)); /* before it counts, and then */
	const struct lf_histogram *answered, *sent;
	uint64_t begun;
	double cpu, count, elapsed;
	enum lf_code code;

	if (times == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	answered = &times[1].answered;
	sent = &times[1].started;
	lf_paced_begin(paced, rate);
	code = lf_paced_run(paced, seconds / 4, &bench->number, &times[0], error);
	begun = lf_meter_now_ns();
	cpu = lf_process_cpu_us(pid);
	if (code == LF_OK)
		code = lf_paced_run(paced, seconds, &bench->number, &times[1], error);
	if (lf_paced_end(paced, code == LF_OK ? error : NULL) != LF_OK && code == LF_OK)
		code = error->code;
	elapsed = (double)(lf_meter_now_ns() - begun) / 1e9;
	count = (double)lf_histogram_count(answered);
	if (code == LF_OK)
		*row = (struct lf_grid_row){
			.values = {[DUE] = rate,
				[ANSWERED] = count / elapsed,
				[P50] = lf_histogram_quantile(answered, 0.5) / 1e3,
				[P99] = lf_histogram_quantile(answered, 0.99) / 1e3,
				[P999] = lf_histogram_quantile(answered, 0.999) / 1e3,
				[SERVER_US] = count > 0 ? (lf_process_cpu_us(pid) - cpu) / count : 0,
				[SENT_P99] = lf_histogram_quantile(sent, 0.99) / 1e3}};
	free(times);
	return code;
}

static enum lf_code measure_transport(struct lf_bench *bench, struct lf_bench_server *server, size_t transport,
	unsigned run, struct samples *samples, struct lf_error *error)
{
	const struct lf_source source = lf_workload_source(bench->workload);
	struct lf_paced *paced = NULL;
	struct lf_load full = {0};
	enum lf_code code = lf_bench_server_connect(server, transport == 1, error);

	if (code == LF_OK)
		code = lf_bench_server_full(bench, server, &full, error);
	if (code == LF_OK)
		code = lf_paced_new(&paced, server->client, &source, error);
	if (code != LF_OK)
		return code;
	samples->full[transport][run] = (struct lf_grid_row){
		.values = {full.requests_per_s, full.p50_us, full.p99_us, full.p999_us, full.server_cpu_us}};
	for (size_t p = 0; p < PARTS && code == LF_OK; p++)
		code = measure_part(bench, server, paced, full.requests_per_s * percents[p] / 100,
			&samples->open[transport][p][run], error);
	server->answered += lf_paced_answers(paced);
	lf_paced_destroy(paced);
	return code;
}

static enum lf_code run_once(struct lf_bench *bench, unsigned run, struct samples *samples, struct lf_error *error)
{
	struct lf_bench_server server;
	uint64_t count;
	enum lf_code code = lf_bench_server_start(bench, &server, error);

	for (size_t t = 0; t < TRANSPORTS && code == LF_OK; t++)
		code = measure_transport(bench, &server, t, run, samples, error);
	code = lf_bench_server_stop(&server, code, error);
	if (code == LF_OK)
		code = lf_bench_server_check(&server, &count, error);
	if (!bench->settings->keep || code != LF_OK)
		lf_bench_remove_log(bench);
	return code;
}

static bool add_full(struct lf_grid *grid, struct samples *samples, unsigned runs, FILE *out)
{
	bool good = true;

	lf_grid_begin(grid, out);
	for (size_t t = 0; t < TRANSPORTS && good; t++) {
		struct lf_grid_row row = {.label = ""};

		for (size_t c = 0; c < FULL_COLUMNS; c++)
			row.values[c] = lf_grid_median(samples->full[t], runs, c);
		snprintf(row.label, sizeof(row.label), "%s", transports[t]);
		good = lf_grid_add(grid, &row, out);
	}
	lf_grid_end(grid, out);
	return good;
}

static bool add_open(struct lf_grid *grid, struct samples *samples, unsigned runs, FILE *out)
{
	bool good = true;

	lf_grid_begin(grid, out);
	for (size_t i = 0; i < TRANSPORTS * PARTS && good; i++) {
		const struct lf_grid_row *rows = samples->open[i / PARTS][i % PARTS];
		struct lf_grid_row row = {.label = ""};

		for (size_t c = 0; c < P99_LOWEST; c++)
			row.values[c] = lf_grid_median(rows, runs, c);
		row.values[P99_LOWEST] = lf_grid_spread(rows, runs, P99, LF_GRID_LOWEST);
		row.values[P99_HIGHEST] = lf_grid_spread(rows, runs, P99, LF_GRID_HIGHEST);
		snprintf(row.label, sizeof(row.label), "%s, %u%%", transports[i / PARTS], percents[i % PARTS]);
		good = lf_grid_add(grid, &row, out);
	}
	lf_grid_end(grid, out);
	return good;
}

enum lf_code lf_mode_open_loop(struct lf_bench *bench, const struct lf_machine *machine, struct lf_error *error)
{
	const struct lf_bench_settings *settings = bench->settings;
	struct lf_grid full = {"full rate: closed loop, 64 requests in flight on one connection", "fullRate", NULL,
		full_columns, FULL_COLUMNS, NULL, 0, 0};
	struct lf_grid open = {"open loop at parts of the full rate, one connection", "openLoop",
		"from when a request was due to its reply; sent: from when it was due to when it was sent, which is "
		"part of that",
		open_columns, OPEN_COLUMNS, NULL, 0, 0};
	const struct lf_grid *const grids[] = {&full, &open};
	struct samples *samples = calloc(1, sizeof(*samples));
	FILE *out = settings->json ? NULL : stdout;
	enum lf_code code = LF_OK;
	bool good = samples != NULL;

	for (unsigned r = 0; good && r < settings->runs && code == LF_OK; r++)
		code = run_once(bench, r, samples, error);
	if (good && code == LF_OK)
		good = add_full(&full, samples, settings->runs, out) && add_open(&open, samples, settings->runs, out) &&
			(!settings->json || lf_grids_json(machine, grids, 2, stdout));
	lf_grid_clean_up(&full);
	lf_grid_clean_up(&open);
	free(samples);
	return good || code != LF_OK
		? code
		: lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory, or the report can't be written");
}
