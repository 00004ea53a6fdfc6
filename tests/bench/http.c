/*
 * The service over HTTP/2. At every number in flight, on one connection and on sixteen, one right after another: gRPC
 * C++'s server echoing, and the service, by h2load and by gRPC C++'s client; the service by our client over HTTP and
 * over nng. After it has ended, bare inserts of what it wrote; and the engine alone. Ratios are taken within a run.
 *
 * h2load sends one body again and again, so all of them send the same request: its team was seen before, as most are.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/calls.h"
#include "tests/bench/floors/grpc_echo.h"
#include "tests/bench/floors/h2load.h"
#include "tests/bench/grid.h"
#include "tests/bench/modes.h"
#include "tests/bench/server.h"

enum { CONNECTIONS_MANY = 16, POINTS_MAX = 2 * LF_BENCH_POINTS_MAX, RATIOS = 7, COLUMNS = 6 };

/* What is measured at each point, in this order. */
enum series {
	H2LOAD_EMPTY,  /* gRPC C++'s echo of an empty message */
	H2LOAD_BYTES,  /* of as many bytes */
	H2LOAD_HEALTH, /* the service's own transport: a health check */
	H2LOAD_SCORE,
	GRPC_EMPTY,
	GRPC_BYTES,
	GRPC_SCORE,
	CLIENT_SCORE, /* our client, over HTTP/2 */
	NNG_SCORE,    /* the same, over nng */
	SERIES
};

static const char score_method[] = "/leadfit.v1.Scoring/Score", health_method[] = "/grpc.health.v1.Health/Check";

static const char *const titles[SERIES] = {"h2load: empty echo", "h2load: same bytes", "h2load: health",
	"h2load: leadfit", "gRPC: empty echo", "gRPC: same bytes", "gRPC: leadfit", "our client, HTTP",
	"our client, nng"};

static const struct lf_grid_column load_columns[COLUMNS] = {
	{"requests/s", "requestsPerS", 0},
	{"mean us", "meanUs", 0},
	{"server us", "serverCpuUs", 1},
	{"client us", "clientCpuUs", 1},
	{"switches", "serverSwitches", 2},
	{"reply bytes", "replyBytes", 0},
};
static const struct lf_grid_column ratio_columns[RATIOS] = {
	{"h2load/empty", "h2loadOverEmptyEcho", 2},
	{"h2load/bytes", "h2loadOverSameBytes", 2},
	{"gRPC/empty", "grpcOverEmptyEcho", 2},
	{"gRPC/bytes", "grpcOverSameBytes", 2},
	{"client/nng", "clientHttpOverNng", 2},
	{"CPU HTTP/nng", "cpuHttpOverNng", 2},
	{"CPU/floors", "cpuOverFloors", 2},
};

struct point {
	unsigned connections, in_flight;
};

/* One run. */
struct run {
	struct lf_load loads[POINTS_MAX][SERIES];
	struct lf_insert inserts[POINTS_MAX];
	double kernel_us;
};

struct http_bench {
	struct lf_bench *bench;
	struct lf_bench_server server;
	struct lf_child echo;
	char echo_target[LF_BENCH_URL_BYTES], message[LF_BENCH_PATH_BYTES], empty[LF_BENCH_PATH_BYTES],
		output[LF_BENCH_PATH_BYTES];
	const uint8_t *request;
	size_t request_length;
	uint8_t buffer[LF_WORKLOAD_REQUEST_BYTES];
	struct point points[POINTS_MAX];
	size_t point_count;
};

static void list_points(struct http_bench *h)
{
	static const unsigned connections[] = {1, CONNECTIONS_MANY};
	const struct lf_bench_settings *settings = h->bench->settings;

	for (size_t c = 0; c < 2; c++)
		for (size_t i = 0; i < settings->point_count; i++)
			if (settings->in_flight[i] % connections[c] == 0)
				h->points[h->point_count++] = (struct point){connections[c], settings->in_flight[i]};
}

/* ---- one measurement ---- */

static enum lf_code by_h2load(struct http_bench *h, const char *target, const char *method, bool with_message,
	pid_t server, const struct point *point, struct lf_load *load, struct lf_error *error)
{
	const struct lf_h2load wanted = {target, method, with_message ? h->message : h->empty, h->output,
		point->connections, point->in_flight, h->bench->settings->seconds};
	uint64_t answers = 0;
	const enum lf_code code = lf_h2load_measure(&wanted, server, load, &answers, error);

	if (code != LF_OK || method != score_method)
		return code;
	/* h2load takes a refusal for an answer, but that is short. */
	if (load->reply_bytes < (double)h->bench->reply_bytes / 2)
		return lf_error_set(error, LF_UNAVAILABLE,
			"leadfitd refused requests of h2load, %u in flight: "
			"replies of %.0f bytes",
			point->in_flight, load->reply_bytes);
	load->first = h->server.answered + 1;
	h->server.answered += answers;
	load->last = h->server.answered;
	return LF_OK;
}

static enum lf_code by_grpc(struct http_bench *h, const char *target, const char *method, pid_t server,
	const struct point *point, struct lf_load *load, struct lf_error *error)
{
	const bool empty = strcmp(method, LF_GRPC_ECHO_EMPTY) == 0;
	const char *failure = lf_grpc_measure(&(struct lf_grpc_load){.target = target,
						      .method = method,
						      .request = h->request,
						      .request_length = empty ? 0 : h->request_length,
						      .connections = point->connections,
						      .in_flight = point->in_flight,
						      .seconds = h->bench->settings->seconds},
		server, load);

	if (failure != NULL)
		return lf_error_set(error, LF_UNAVAILABLE, "gRPC C++'s client, %s, %u in flight: %s", method,
			point->in_flight, failure);
	if (method == score_method)
		h->server.answered += load->last;
	return LF_OK;
}

static const uint8_t *same_request(const void *context, uint64_t number, uint8_t *buffer, size_t *length)
{
	const struct http_bench *h = context;

	(void)number, (void)buffer;
	*length = h->request_length;
	return h->request;
}

static enum lf_code by_our_client(
	struct http_bench *h, bool http, const struct point *point, struct lf_load *load, struct lf_error *error)
{
	struct lf_client *clients[CONNECTIONS_MANY] = {NULL};
	const struct lf_calls_options options = {.clients = clients,
		.client_count = point->connections,
		.source = {same_request, h, "Score"},
		.in_flight = point->in_flight};
	char url[LF_BENCH_URL_BYTES + 8];
	uint64_t number = 0;
	enum lf_code code = LF_OK;

	snprintf(url, sizeof(url), "%s%s", http ? "http://" : "", http ? h->server.http : h->server.url);
	for (unsigned i = 0; i < point->connections && code == LF_OK; i++)
		code = lf_client_new(&clients[i],
			&(struct lf_client_options){.url = url, .in_flight_max = LF_BENCH_IN_FLIGHT_MAX}, error);
	if (code == LF_OK)
		code = lf_calls_measure(
			&options, h->server.child.pid, h->bench->settings->seconds, 20, &number, load, error);
	h->server.answered += number;
	for (unsigned i = 0; i < point->connections; i++)
		if (clients[i] != NULL)
			lf_client_destroy(clients[i]);
	return code;
}

static enum lf_code measure(struct http_bench *h, enum series series, const struct point *point, struct lf_load *load,
	struct lf_error *error)
{
	const pid_t daemon = h->server.child.pid, echo = h->echo.pid;
	const char *target = h->server.http;

	switch (series) {
	case H2LOAD_EMPTY:
		return by_h2load(h, h->echo_target, LF_GRPC_ECHO_EMPTY, false, echo, point, load, error);
	case H2LOAD_BYTES:
		return by_h2load(h, h->echo_target, LF_GRPC_ECHO_BYTES, true, echo, point, load, error);
	case H2LOAD_HEALTH:
		return by_h2load(h, target, health_method, false, daemon, point, load, error);
	case H2LOAD_SCORE:
		return by_h2load(h, target, score_method, true, daemon, point, load, error);
	case GRPC_EMPTY:
		return by_grpc(h, h->echo_target, LF_GRPC_ECHO_EMPTY, echo, point, load, error);
	case GRPC_BYTES:
		return by_grpc(h, h->echo_target, LF_GRPC_ECHO_BYTES, echo, point, load, error);
	case GRPC_SCORE:
		return by_grpc(h, target, score_method, daemon, point, load, error);
	case CLIENT_SCORE:
		return by_our_client(h, true, point, load, error);
	default:
		return by_our_client(h, false, point, load, error);
	}
}

/* ---- one run ---- */

static enum lf_code start(struct http_bench *h, struct lf_error *error)
{
	struct lf_load load = {0};
	uint64_t number = 0;

	lf_bench_path(h->bench, "request.grpc", h->message);
	lf_bench_path(h->bench, "empty.grpc", h->empty);
	lf_bench_path(h->bench, "h2load.log", h->output);
	h->request = lf_workload_request(h->bench->workload, 0, h->buffer, &h->request_length);
	if (lf_h2load_message(h->message, h->request, h->request_length, error) != LF_OK ||
		lf_h2load_message(h->empty, h->request, 0, error) != LF_OK ||
		lf_bench_server_start(h->bench, &h->server, error) != LF_OK ||
		lf_bench_server_load(&h->server, &(struct lf_source){same_request, h, "Score"}, 64, 1,
			h->bench->settings->seconds / 2, &number, &load, error) != LF_OK)
		return error->code;
	h->bench->reply_bytes = (size_t)load.reply_bytes;
	return lf_bench_echo_start(h->bench, "grpc-server", &h->echo, h->echo_target, error);
}

/* After the service has ended. */
static enum lf_code measure_floors(struct http_bench *h, struct run *run, struct lf_error *error)
{
	const double seconds = h->bench->settings->seconds;
	char path[LF_BENCH_PATH_BYTES];
	struct lf_written written;
	struct lf_kernel kernel;
	struct lf_steps steps;
	uint64_t count;
	enum lf_code code = lf_bench_server_check(&h->server, &count, error);

	lf_bench_path(h->bench, "inserts.db", path);
	for (size_t p = 0; p < h->point_count && code == LF_OK; p++) {
		const struct lf_load *load = &run->loads[p][H2LOAD_SCORE];

		code = lf_written_read(h->server.log, load->first, load->last, &written, error);
		if (code == LF_OK)
			code = lf_insert_measure(path, &written, seconds / 2, &run->inserts[p], error);
	}
	if (code == LF_OK)
		code = lf_kernel_bench_run(h->bench->kernel, seconds, &kernel, &steps, error);
	run->kernel_us = kernel.kernel_ns / 1e3;
	return code;
}

static enum lf_code run_once(struct http_bench *h, struct run *run, struct lf_error *error)
{
	enum lf_code code = start(h, error);

	for (size_t p = 0; p < h->point_count && code == LF_OK; p++)
		for (enum series s = 0; s < SERIES && code == LF_OK; s++)
			code = measure(h, s, &h->points[p], &run->loads[p][s], error);
	code = lf_bench_server_stop(&h->server, code, error);
	if (lf_child_stop(&h->echo, code == LF_OK ? error : NULL) != LF_OK && code == LF_OK)
		code = error->code;
	if (code == LF_OK)
		code = measure_floors(h, run, error);
	if (!h->bench->settings->keep || code != LF_OK)
		lf_bench_remove_log(h->bench);
	return code;
}

/* ---- what came of it ---- */

static void ratios_of(const struct run *run, size_t p, double ratios[RATIOS])
{
	const struct lf_load *l = run->loads[p];
	const double floors = l[H2LOAD_HEALTH].server_cpu_us + run->inserts[p].row_cpu_us + run->kernel_us;

	ratios[0] = l[H2LOAD_SCORE].requests_per_s / l[H2LOAD_EMPTY].requests_per_s;
	ratios[1] = l[H2LOAD_SCORE].requests_per_s / l[H2LOAD_BYTES].requests_per_s;
	ratios[2] = l[GRPC_SCORE].requests_per_s / l[GRPC_EMPTY].requests_per_s;
	ratios[3] = l[GRPC_SCORE].requests_per_s / l[GRPC_BYTES].requests_per_s;
	ratios[4] = l[CLIENT_SCORE].requests_per_s / l[NNG_SCORE].requests_per_s;
	ratios[5] = l[H2LOAD_SCORE].server_cpu_us / l[NNG_SCORE].server_cpu_us;
	ratios[6] = l[H2LOAD_SCORE].server_cpu_us / floors;
}

static void figures_of(const struct lf_load *load, unsigned in_flight, double figures[COLUMNS])
{
	figures[0] = load->requests_per_s;
	figures[1] = in_flight * 1e6 / load->requests_per_s;
	figures[2] = load->server_cpu_us;
	figures[3] = load->client_cpu_us;
	figures[4] = load->server_switches;
	figures[5] = load->reply_bytes;
}

/* The figures of one point. */
static bool add_figures(struct lf_grid *grid, const struct http_bench *h, const struct run *runs, size_t p, FILE *out)
{
	const unsigned count = h->bench->settings->runs;
	struct lf_grid_row rows[LF_BENCH_RUNS_MAX], row;

	for (enum series s = 0; s < SERIES; s++) {
		for (unsigned r = 0; r < count; r++)
			figures_of(&runs[r].loads[p][s], h->points[p].in_flight, rows[r].values);
		memset(&row, 0, sizeof(row));
		snprintf(row.label, sizeof(row.label), "%s", titles[s]);
		for (size_t c = 0; c < COLUMNS; c++)
			row.values[c] = lf_grid_median(rows, count, c);
		if (!lf_grid_add(grid, &row, out))
			return false;
	}
	return true;
}

static bool add_ratios(
	struct lf_grid *grid, const struct http_bench *h, const struct run *runs, enum lf_grid_spread which, FILE *out)
{
	const unsigned count = h->bench->settings->runs;
	struct lf_grid_row rows[LF_BENCH_RUNS_MAX], row;

	for (size_t p = 0; p < h->point_count; p++) {
		for (unsigned r = 0; r < count; r++)
			ratios_of(&runs[r], p, rows[r].values);
		memset(&row, 0, sizeof(row));
		snprintf(row.label, sizeof(row.label), "%u, %u in flight", h->points[p].connections,
			h->points[p].in_flight);
		for (size_t c = 0; c < RATIOS; c++)
			row.values[c] = lf_grid_spread(rows, count, c, which);
		if (!lf_grid_add(grid, &row, out))
			return false;
	}
	return true;
}

static bool report(const struct http_bench *h, const struct run *runs, const struct lf_machine *machine)
{
	static const char *const ratio_titles[LF_GRID_SPREADS] = {
		"ratios, lowest of the runs", "ratios, median of the runs", "ratios, highest of the runs"};
	static const char *const ratio_names[LF_GRID_SPREADS] = {"ratiosLowest", "ratios", "ratiosHighest"};
	const bool json = h->bench->settings->json;
	FILE *out = json ? NULL : stdout;
	struct lf_grid grids[POINTS_MAX + LF_GRID_SPREADS] = {{0}};
	const struct lf_grid *listed[POINTS_MAX + LF_GRID_SPREADS] = {NULL};
	char titled[POINTS_MAX][64], named[POINTS_MAX][32];
	const size_t count = h->point_count + LF_GRID_SPREADS;
	bool good = true;

	for (size_t i = 0; i < count && good; i++) {
		const bool figures = i < h->point_count;
		const struct point *point = &h->points[i];

		listed[i] = &grids[i];
		if (figures) {
			snprintf(titled[i], sizeof(titled[i]), "%u in flight, %u connection%s", point->in_flight,
				point->connections, point->connections == 1 ? "" : "s");
			snprintf(named[i], sizeof(named[i]), "connections%uInFlight%u", point->connections,
				point->in_flight);
		}
		grids[i] = (struct lf_grid){.title = figures ? titled[i] : ratio_titles[i - h->point_count],
			.name = figures ? named[i] : ratio_names[i - h->point_count],
			.columns = figures ? load_columns : ratio_columns,
			.column_count = figures ? COLUMNS : RATIOS};
		lf_grid_begin(&grids[i], out);
		good = figures ? add_figures(&grids[i], h, runs, i, out)
			       : add_ratios(&grids[i], h, runs, (enum lf_grid_spread)(i - h->point_count), out);
	}
	good = good && (!json || lf_grids_json(machine, listed, count, stdout));
	for (size_t i = 0; i < count; i++)
		lf_grid_clean_up(&grids[i]);
	return good;
}

enum lf_code lf_mode_http(struct lf_bench *bench, const struct lf_machine *machine, struct lf_error *error)
{
	struct http_bench *h = calloc(1, sizeof(*h));
	struct run *runs = calloc(bench->settings->runs, sizeof(*runs));
	enum lf_code code = LF_OK;
	bool good = h != NULL && runs != NULL;

	if (good) {
		h->bench = bench;
		list_points(h);
	}
	for (unsigned r = 0; good && r < bench->settings->runs && code == LF_OK; r++)
		code = run_once(h, &runs[r], error);
	if (good && code == LF_OK)
		good = report(h, runs, machine);
	free(runs);
	free(h);
	return good || code != LF_OK
		? code
		: lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory, or the report can't be written");
}
