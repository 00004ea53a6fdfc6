#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tests/bench/grid.h"
#include "tests/bench/modes.h"
#include "tests/bench/paced.h"
#include "tests/bench/server.h"

enum { INTERVALS_MIN = 10, ENDS_MAX = 5 };

static const struct lf_grid_column columns[] = {
	{"decisions/s", "decisionsPerS", 0},
	{"p50 us", "p50Us", 0},
	{"p99 us", "p99Us", 0},
	{"server us", "serverCpuUs", 1},
	{"resident MiB", "residentMiB", 1},
	{"descriptors", "descriptors", 0},
	{"WAL MiB", "walMiB", 1},
	{"log MiB", "logMiB", 0},
};
enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };

struct soak {
	struct lf_bench *bench;
	struct lf_bench_server *server;
	struct lf_paced *paced;
	struct lf_paced_times *times; /* of each interval; all live to the end */
	size_t interval_count;
};

static double file_mib(const char *log, const char *suffix)
{
	char path[LF_BENCH_PATH_BYTES + 8];
	struct stat status;

	snprintf(path, sizeof(path), "%s%s", log, suffix);
	return stat(path, &status) == 0 ? (double)status.st_size / (1024 * 1024) : 0;
}

/* One interval of load, and what the service is like at its end. */
static enum lf_code run_interval(
	struct soak *soak, size_t interval, double seconds, struct lf_grid_row *row, struct lf_error *error)
{
	const pid_t pid = soak->server->child.pid;
	struct lf_paced_times *times = &soak->times[interval];
	const uint64_t begun = lf_meter_now_ns(), before = lf_paced_answers(soak->paced);
	const double cpu = lf_process_cpu_us(pid);
	double count, elapsed;

	if (lf_paced_run(soak->paced, seconds, &soak->bench->number, times, error) != LF_OK)
		return error->code;
	count = (double)(lf_paced_answers(soak->paced) - before);
	elapsed = (double)(lf_meter_now_ns() - begun) / 1e9;
	*row = (struct lf_grid_row){
		.values = {count / elapsed, lf_histogram_quantile(&times->answered, 0.5) / 1e3,
			lf_histogram_quantile(&times->answered, 0.99) / 1e3,
			count > 0 ? (lf_process_cpu_us(pid) - cpu) / count : 0,
			(double)lf_process_resident_bytes(pid) / (1024 * 1024), (double)lf_process_descriptors(pid),
			file_mib(soak->server->log, "-wal"), file_mib(soak->server->log, "")}};
	snprintf(row->label, sizeof(row->label), "%.4g min", seconds * (double)(interval + 1) / 60);
	return LF_OK;
}

/* The first and the last intervals side by side. */
static bool add_ends(struct lf_grid *ends, const struct lf_grid *grid, FILE *out)
{
	const size_t some = grid->row_count / 2 < ENDS_MAX ? grid->row_count / 2 : ENDS_MAX;
	struct lf_grid_row first = {.label = "first"}, last = {.label = "last"}, change = {.label = "last / first"};

	for (size_t c = 0; c < COLUMNS; c++) {
		first.values[c] = lf_grid_median(grid->rows, some, c);
		last.values[c] = lf_grid_median(grid->rows + grid->row_count - some, some, c);
		change.values[c] = first.values[c] != 0 ? last.values[c] / first.values[c] : 0;
	}
	lf_grid_begin(ends, out);
	return lf_grid_add(ends, &first, out) && lf_grid_add(ends, &last, out) && lf_grid_add(ends, &change, out);
}

static enum lf_code run_load(struct soak *soak, double rate, struct lf_grid *grid, FILE *out, struct lf_error *error)
{
	const struct lf_source source = lf_workload_source(soak->bench->workload);
	const double minutes = soak->bench->settings->soak_minutes;
	double seconds = minutes * 60 / INTERVALS_MIN;
	struct lf_grid_row row;
	enum lf_code code = LF_OK;

	if (seconds > 60)
		seconds = 60;
	soak->interval_count = (size_t)(minutes * 60 / seconds + 0.5);
	soak->times = calloc(soak->interval_count, sizeof(*soak->times));
	if (soak->times == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	code = lf_paced_new(&soak->paced, soak->server->client, &source, error);
	if (code == LF_OK) {
		lf_grid_begin(grid, out);
		lf_paced_begin(soak->paced, rate);
	}
	for (size_t i = 0; i < soak->interval_count && code == LF_OK; i++) {
		code = run_interval(soak, i, seconds, &row, error);
		if (code == LF_OK && !lf_grid_add(grid, &row, out))
			code = lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	}
	if (code == LF_OK)
		code = lf_paced_end(soak->paced, error);
	if (soak->paced != NULL)
		soak->server->answered += lf_paced_answers(soak->paced);
	lf_paced_destroy(soak->paced);
	free(soak->times);
	return code;
}

enum lf_code lf_mode_soak(struct lf_bench *bench, const struct lf_machine *machine, struct lf_error *error)
{
	const struct lf_bench_settings *settings = bench->settings;
	struct lf_grid grid = {"steady load", "soak", NULL, columns, COLUMNS, NULL, 0, 0};
	struct lf_grid_column ratio_columns[COLUMNS];
	struct lf_grid ends = {"medians of the first and of the last intervals (five minutes, where it is long enough)",
		"soakEnds", NULL, ratio_columns, COLUMNS, NULL, 0, 0};
	const struct lf_grid *const grids[] = {&grid, &ends};
	struct lf_bench_server server;
	struct soak soak = {.bench = bench, .server = &server};
	FILE *out = settings->json ? NULL : stdout;
	struct lf_load full = {0};
	double rate = 0;
	uint64_t count;
	bool good = true;
	enum lf_code code = lf_bench_server_start(bench, &server, error);

	for (size_t c = 0; c < COLUMNS; c++) {
		ratio_columns[c] = columns[c];
		ratio_columns[c].digits = 2;
	}
	if (code == LF_OK)
		code = lf_bench_server_full(bench, &server, &full, error);
	rate = full.requests_per_s * settings->soak_load;
	if (code == LF_OK && out != NULL)
		fprintf(out,
			"\nfull rate %.0f decisions/s with %d in flight; soak of %g minutes at %g of it, %.0f "
			"decisions/s\n",
			full.requests_per_s, LF_BENCH_FULL_IN_FLIGHT, settings->soak_minutes, settings->soak_load,
			rate);
	if (code == LF_OK)
		code = run_load(&soak, rate, &grid, out, error);
	code = lf_bench_server_stop(&server, code, error);
	if (code == LF_OK)
		code = lf_bench_server_check(&server, &count, error);
	if (code == LF_OK)
		good = add_ends(&ends, &grid, out) && (!settings->json || lf_grids_json(machine, grids, 2, stdout));
	if (!settings->keep || code != LF_OK)
		lf_bench_remove_log(bench);
	lf_grid_clean_up(&grid);
	lf_grid_clean_up(&ends);
	return good || code != LF_OK
		? code
		: lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory, or the report can't be written");
}
