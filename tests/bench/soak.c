/*
 * Design notes. The load is open: requests are due at fixed times, whether others are answered or not, and a latency
 * counts from when a request was due. So a stall shows as what callers would see. The main thread starts what is due
 * from the slots that are idle; a slot becomes idle in the closure of its call, so its call is waited for before it is
 * started again, which takes no longer than the return of that closure.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "leadfit/v1/scoring.pb-c.h"
#include "tests/bench/calls.h"
#include "tests/bench/grid.h"
#include "tests/bench/report/histogram.h"
#include "tests/bench/modes.h"
#include "tests/bench/server.h"

enum { SLOTS = 256, FULL_IN_FLIGHT = 64, INTERVALS_MIN = 10, ENDS_MAX = 5 };

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

struct soak;

struct slot {
	struct soak *soak;
	struct lf_call *call;
	bool started; /* ever */
	uint64_t due_ns;
	struct slot *next; /* idle */
	uint8_t buffer[LF_SOURCE_BUFFER_BYTES];
};

struct soak {
	struct lf_bench *bench;
	struct lf_bench_server *server;
	struct lf_source source;
	unsigned method;
	double rate; /* requests a second */
	uint64_t start_ns, started;
	_Atomic(struct lf_histogram *) histogram; /* of this interval; all live to the end */
	struct lf_histogram *histograms;
	size_t interval_count;
	atomic_uint_fast64_t answered;
	pthread_mutex_t lock; /* of idle and failure */
	struct slot *idle;
	char failure[600];
	struct slot *slots;
};

static void answered(const uint8_t *reply, size_t length, void *closure_data)
{
	struct slot *slot = closure_data;
	struct soak *soak = slot->soak;

	if (reply != NULL && length > 0) {
		lf_histogram_add(atomic_load(&soak->histogram), lf_meter_now_ns() - slot->due_ns);
		atomic_fetch_add(&soak->answered, 1);
	}
	pthread_mutex_lock(&soak->lock);
	if ((reply == NULL || length == 0) && soak->failure[0] == '\0')
		snprintf(soak->failure, sizeof(soak->failure), "%s", lf_call_error(slot->call)->message);
	slot->next = soak->idle;
	soak->idle = slot;
	pthread_mutex_unlock(&soak->lock);
}

/* NULL: none, or something failed. */
static struct slot *take_idle(struct soak *soak)
{
	struct slot *slot;

	pthread_mutex_lock(&soak->lock);
	slot = soak->failure[0] == '\0' ? soak->idle : NULL;
	if (slot != NULL)
		soak->idle = slot->next;
	pthread_mutex_unlock(&soak->lock);
	return slot;
}

/* Starts what is due by now, as far as there are slots. */
static void start_due(struct soak *soak)
{
	const double due = (double)(lf_meter_now_ns() - soak->start_ns) / 1e9 * soak->rate;
	struct slot *slot;
	size_t length;

	while ((double)soak->started < due && (slot = take_idle(soak)) != NULL) {
		const uint8_t *request =
			soak->source.request(soak->source.context, soak->bench->number++, slot->buffer, &length);

		if (slot->started)
			lf_call_wait(slot->call, NULL);
		slot->started = true;
		slot->due_ns = soak->start_ns + (uint64_t)((double)soak->started++ / soak->rate * 1e9);
		lf_call_start_bytes(slot->call, soak->method, request, length, answered, slot);
	}
}

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
	const uint64_t begun = lf_meter_now_ns(),
		       until = soak->start_ns + (uint64_t)(seconds * 1e9 * (double)(interval + 1));
	const uint64_t before = atomic_load(&soak->answered);
	const double cpu = lf_process_cpu_us(pid);
	struct lf_histogram *histogram = &soak->histograms[interval];
	double count, elapsed;

	atomic_store(&soak->histogram, histogram);
	while (lf_meter_now_ns() < until && soak->failure[0] == '\0') {
		start_due(soak);
		if (!lf_sleep_seconds(0.001))
			return lf_error_set(error, LF_CANCELLED, "interrupted");
	}
	if (soak->failure[0] != '\0')
		return lf_error_set(error, LF_UNAVAILABLE, "after %.0f s: %s",
			(double)(lf_meter_now_ns() - soak->start_ns) / 1e9, soak->failure);
	count = (double)(atomic_load(&soak->answered) - before);
	elapsed = (double)(lf_meter_now_ns() - begun) / 1e9;
	*row = (struct lf_grid_row){
		.values = {count / elapsed, lf_histogram_quantile(histogram, 0.5) / 1e3,
			lf_histogram_quantile(histogram, 0.99) / 1e3,
			count > 0 ? (lf_process_cpu_us(pid) - cpu) / count : 0,
			(double)lf_process_resident_bytes(pid) / (1024 * 1024), (double)lf_process_descriptors(pid),
			file_mib(soak->server->log, "-wal"), file_mib(soak->server->log, "")}};
	snprintf(row->label, sizeof(row->label), "%.4g min", seconds * (double)(interval + 1) / 60);
	return LF_OK;
}

static bool make_slots(struct soak *soak)
{
	const struct lf_call_options once = {.attempts_max = 1, .timeout_ms = 20000};

	soak->slots = calloc(SLOTS, sizeof(*soak->slots));
	soak->histograms = calloc(soak->interval_count, sizeof(*soak->histograms));
	if (soak->slots == NULL || soak->histograms == NULL)
		return false;
	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot *slot = &soak->slots[i];

		slot->soak = soak;
		slot->call = lf_call_new(soak->server->client, &leadfit__v1__scoring__descriptor, &once);
		if (slot->call == NULL)
			return false;
		slot->next = soak->idle;
		soak->idle = slot;
	}
	return true;
}

static void destroy_slots(struct soak *soak)
{
	for (unsigned i = 0; soak->slots != NULL && i < SLOTS; i++) {
		if (soak->slots[i].call == NULL)
			continue;
		if (soak->slots[i].started)
			lf_call_wait(soak->slots[i].call, NULL);
		lf_call_destroy(soak->slots[i].call);
	}
	free(soak->slots);
	free(soak->histograms);
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

static enum lf_code run_load(struct soak *soak, struct lf_grid *grid, FILE *out, struct lf_error *error)
{
	const double minutes = soak->bench->settings->soak_minutes;
	double seconds = minutes * 60 / INTERVALS_MIN;
	struct lf_grid_row row;
	enum lf_code code = LF_OK;

	if (seconds > 60)
		seconds = 60;
	soak->interval_count = (size_t)(minutes * 60 / seconds + 0.5);
	soak->method = (unsigned)(protobuf_c_service_descriptor_get_method_by_name(
					  &leadfit__v1__scoring__descriptor, "Score") -
		leadfit__v1__scoring__descriptor.methods);
	pthread_mutex_init(&soak->lock, NULL);
	if (!make_slots(soak))
		code = lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	soak->start_ns = lf_meter_now_ns();
	lf_grid_begin(grid, out);
	for (size_t i = 0; i < soak->interval_count && code == LF_OK; i++) {
		code = run_interval(soak, i, seconds, &row, error);
		if (code == LF_OK && !lf_grid_add(grid, &row, out))
			code = lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	}
	destroy_slots(soak);
	pthread_mutex_destroy(&soak->lock);
	soak->server->answered += atomic_load(&soak->answered);
	return code;
}

/* Each team once, and how much is possible. */
static enum lf_code measure_full(struct soak *soak, double *rate, struct lf_error *error)
{
	const double seconds = soak->bench->settings->seconds;
	struct lf_load load = {0};
	enum lf_code code = LF_OK;

	for (int i = 0; i < 2 && code == LF_OK; i++)
		code = lf_bench_server_load(
			soak->server, &soak->source, FULL_IN_FLIGHT, 1, seconds, &soak->bench->number, &load, error);
	*rate = load.requests_per_s;
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
	struct soak soak = {.bench = bench, .server = &server, .source = lf_workload_source(bench->workload)};
	FILE *out = settings->json ? NULL : stdout;
	double full = 0;
	uint64_t count;
	bool good = true;
	enum lf_code code = lf_bench_server_start(bench, &server, error);

	for (size_t c = 0; c < COLUMNS; c++) {
		ratio_columns[c] = columns[c];
		ratio_columns[c].digits = 2;
	}
	if (code == LF_OK)
		code = measure_full(&soak, &full, error);
	soak.rate = full * settings->soak_load;
	if (code == LF_OK && out != NULL)
		fprintf(out,
			"\nfull rate %.0f decisions/s with %d in flight; soak of %g minutes at %g of it, %.0f "
			"decisions/s\n",
			full, FULL_IN_FLIGHT, settings->soak_minutes, settings->soak_load, soak.rate);
	if (code == LF_OK)
		code = run_load(&soak, &grid, out, error);
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
