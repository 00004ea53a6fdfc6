#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/calls.h"
#include "tests/bench/grid.h"
#include "tests/bench/modes.h"
#include "tests/bench/pool.h"
#include "tests/bench/server.h"

enum { MEMBER_SIZES = 6, CONNECTION_SIZES = 5, CONNECTIONS_IN_FLIGHT = 64, WARM_UPS_MAX = 20 };

static const unsigned member_sizes[MEMBER_SIZES] = {2, 8, 32, 125, 500, 1000};
static const unsigned connection_sizes[CONNECTION_SIZES] = {1, 4, 16, 64, 1000};

static const struct lf_grid_column member_columns[] = {
	{"in flight", "inFlight", 0},
	{"decisions/s", "decisionsPerS", 0},
	{"p50 us", "p50Us", 0},
	{"server us", "serverCpuUs", 1},
	{"us a member", "serverCpuUsPerMember", 2},
	{"reply B/member", "replyBytesPerMember", 0},
	{"request B/mem.", "requestBytesPerMember", 0},
};
static const struct lf_grid_column connection_columns[] = {
	{"decisions/s", "decisionsPerS", 0},
	{"p50 us", "p50Us", 0},
	{"p99 us", "p99Us", 0},
	{"server us", "serverCpuUs", 1},
	{"switches", "serverSwitches", 2},
	{"resident MiB", "residentMiB", 1},
	{"descriptors", "descriptors", 0},
};

enum {
	MEMBER_COLUMNS = sizeof(member_columns) / sizeof(member_columns[0]),
	CONNECTION_COLUMNS = sizeof(connection_columns) / sizeof(connection_columns[0])
};

/* Runs of each size, before their medians are taken. */
struct samples {
	struct lf_grid_row members[MEMBER_SIZES][LF_BENCH_RUNS_MAX], connections[CONNECTION_SIZES][LF_BENCH_RUNS_MAX];
};

static enum lf_code measure_members(struct lf_bench *bench, struct lf_bench_server *server, unsigned members,
	struct lf_grid_row *row, struct lf_error *error)
{
	/* Large ones are few at once: what requests hold together is limited. */
	const unsigned in_flight = members <= 32 ? 16 : 4;
	struct lf_pool *pool = NULL;
	struct lf_source source;
	struct lf_load load = {0};
	uint64_t number = 0;
	enum lf_code code = lf_pool_new_scores(&pool, bench->settings, members, error);

	if (code != LF_OK)
		return code;
	source = lf_pool_source(pool);
	/* Until each team was seen. */
	for (int i = 0; code == LF_OK && i < WARM_UPS_MAX && number < lf_pool_count(pool); i++)
		code = lf_bench_server_load(
			server, &source, in_flight, 1, bench->settings->seconds / 4, &number, &load, error);
	if (code == LF_OK)
		code = lf_bench_server_load(
			server, &source, in_flight, 1, bench->settings->seconds, &number, &load, error);
	*row = (struct lf_grid_row){.values = {in_flight, load.requests_per_s, load.p50_us, load.server_cpu_us,
					    load.server_cpu_us / members, load.reply_bytes / members,
					    (double)lf_pool_bytes(pool) / members}};
	snprintf(row->label, sizeof(row->label), "%u members", members);
	lf_pool_destroy(pool);
	return code;
}

static void disconnect(struct lf_client **clients, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (clients[i] != NULL)
			lf_client_destroy(clients[i]);
}

static enum lf_code measure_connections(struct lf_bench *bench, struct lf_bench_server *server, unsigned count,
	struct lf_grid_row *row, struct lf_error *error)
{
	struct lf_client *clients[1000] = {NULL};
	const struct lf_calls_options options = {.clients = clients,
		.client_count = count,
		.source = lf_workload_source(bench->workload),
		.in_flight = CONNECTIONS_IN_FLIGHT};
	const uint64_t before = bench->number;
	struct lf_load load = {0};
	enum lf_code code = LF_OK;

	for (unsigned i = 0; i < count && code == LF_OK; i++)
		code = lf_client_new(&clients[i],
			&(struct lf_client_options){.url = server->url,
				.connect_timeout_ms = 10000,
				.in_flight_max = CONNECTIONS_IN_FLIGHT},
			error);
	if (code == LF_OK)
		code = lf_calls_measure(
			&options, server->child.pid, bench->settings->seconds, 20, &bench->number, &load, error);
	server->answered += bench->number - before;
	*row = (struct lf_grid_row){
		.values = {load.requests_per_s, load.p50_us, load.p99_us, load.server_cpu_us, load.server_switches,
			(double)lf_process_resident_bytes(server->child.pid) / (1024 * 1024),
			(double)lf_process_descriptors(server->child.pid)}};
	snprintf(row->label, sizeof(row->label), "%u connections", count);
	disconnect(clients, count);
	return code;
}

static enum lf_code run_once(struct lf_bench *bench, unsigned run, struct samples *samples, struct lf_error *error)
{
	const unsigned most = bench->settings->scale_max;
	struct lf_bench_server server;
	uint64_t count;
	enum lf_code code = lf_bench_server_start(bench, &server, error);

	for (size_t i = 0; i < CONNECTION_SIZES && connection_sizes[i] <= most && code == LF_OK; i++)
		code = measure_connections(bench, &server, connection_sizes[i], &samples->connections[i][run], error);
	for (size_t i = 0; i < MEMBER_SIZES && member_sizes[i] <= most && code == LF_OK; i++)
		code = measure_members(bench, &server, member_sizes[i], &samples->members[i][run], error);
	code = lf_bench_server_stop(&server, code, error);
	if (code == LF_OK)
		code = lf_bench_server_check(&server, &count, error);
	if (!bench->settings->keep || code != LF_OK)
		lf_bench_remove_log(bench);
	return code;
}

/* The medians of a size's runs as a row. */
static bool add_medians(struct lf_grid *grid, const struct lf_grid_row *rows, unsigned runs, FILE *out)
{
	struct lf_grid_row row = rows[0];

	for (size_t c = 0; c < grid->column_count; c++)
		row.values[c] = lf_grid_median(rows, runs, c);
	return lf_grid_add(grid, &row, out);
}

enum lf_code lf_mode_scale(struct lf_bench *bench, const struct lf_machine *machine, struct lf_error *error)
{
	const struct lf_bench_settings *settings = bench->settings;
	struct lf_grid members = {"cost by the size of the team, 4 pieces of evidence a member", "members",
		"server us: CPU time of leadfitd a decision; us a member: that, over the members. Flat: no more than "
		"the work grows",
		member_columns, MEMBER_COLUMNS, NULL, 0, 0};
	struct lf_grid connections = {"cost by the number of connections, 64 requests in flight over all",
		"connections", NULL, connection_columns, CONNECTION_COLUMNS, NULL, 0, 0};
	const struct lf_grid *const grids[] = {&members, &connections};
	struct samples *samples = calloc(1, sizeof(*samples));
	FILE *out = settings->json ? NULL : stdout;
	enum lf_code code = LF_OK;
	bool good = samples != NULL;

	for (unsigned r = 0; good && r < settings->runs && code == LF_OK; r++)
		code = run_once(bench, r, samples, error);
	if (good && code == LF_OK) {
		lf_grid_begin(&members, out);
		for (size_t i = 0; i < MEMBER_SIZES && member_sizes[i] <= settings->scale_max; i++)
			good = add_medians(&members, samples->members[i], settings->runs, out) && good;
		lf_grid_end(&members, out);
		lf_grid_begin(&connections, out);
		for (size_t i = 0; i < CONNECTION_SIZES && connection_sizes[i] <= settings->scale_max; i++)
			good = add_medians(&connections, samples->connections[i], settings->runs, out) && good;
		lf_grid_end(&connections, out);
		good = good && (!settings->json || lf_grids_json(machine, grids, 2, stdout));
	}
	lf_grid_clean_up(&members);
	lf_grid_clean_up(&connections);
	free(samples);
	return good || code != LF_OK
		? code
		: lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory, or the report can't be written");
}
