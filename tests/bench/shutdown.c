#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/calls.h"
#include "tests/bench/grid.h"
#include "tests/bench/modes.h"
#include "tests/bench/server.h"

enum { IN_FLIGHT = 64 };

static const struct lf_grid_column columns[] = {
	{"decisions/s", "decisionsPerS", 0},
	{"answered", "answered", 0},
	{"after SIGTERM", "answeredAfterSigterm", 0},
	{"stored", "stored", 0},
	{"unanswered", "storedWithoutAnswer", 0},
	{"ms to the end", "endMs", 1},
};
enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };

/* What the log has beyond what was answered: a request that was accepted and got no answer. */
static enum lf_code end_under_load(
	const struct lf_bench *bench, struct lf_bench_server *server, struct lf_grid_row *row, struct lf_error *error)
{
	struct lf_meter *meter = lf_meter_new();
	struct lf_calls *calls = NULL;
	uint64_t begun, before = 0, stored = 0, ended = 0;
	enum lf_code code = meter != NULL ? LF_OK : lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");

	if (code == LF_OK)
		code = lf_calls_start(&calls,
			&(struct lf_calls_options){.clients = &server->client,
				.client_count = 1,
				.source = lf_workload_source(bench->workload),
				.in_flight = IN_FLIGHT,
				.may_fail = true},
			meter, error);
	if (calls != NULL) {
		if (!lf_sleep_seconds(bench->settings->seconds))
			code = lf_error_set(error, LF_CANCELLED, "interrupted");
		before = lf_meter_answers(meter);
		begun = lf_meter_now_ns();
		if (lf_child_stop(&server->child, code == LF_OK ? error : NULL) != LF_OK && code == LF_OK)
			code = error->code;
		ended = lf_meter_now_ns() - begun;
		lf_sleep_seconds(0.2);             /* the last answers are on their way through this process */
		lf_client_destroy(server->client); /* ends the calls that the service has refused to take */
		server->client = NULL;
		lf_meter_stop(meter);
		server->answered = lf_meter_answers(meter);
	}
	lf_calls_destroy(calls);
	lf_meter_destroy(meter);
	if (code == LF_OK)
		code = lf_bench_server_check(server, &stored, error);
	*row = (struct lf_grid_row){.values = {(double)before / bench->settings->seconds, (double)server->answered,
					    (double)(server->answered - before), (double)stored,
					    (double)(stored - server->answered), (double)ended / 1e6}};
	return code;
}

enum lf_code lf_mode_shutdown(struct lf_bench *bench, const struct lf_machine *machine, struct lf_error *error)
{
	struct lf_grid grid = {"SIGTERM under full load, 64 requests in flight", "shutdown",
		"unanswered: decisions that are in the log and had no answer, target 0; the end within 2000 ms, exit "
		"status 0",
		columns, COLUMNS, NULL, 0, 0};
	const struct lf_grid *const grids[] = {&grid};
	FILE *out = bench->settings->json ? NULL : stdout;
	enum lf_code code = LF_OK;
	bool good = true;

	lf_grid_begin(&grid, out);
	for (unsigned r = 0; r < bench->settings->shutdowns && code == LF_OK && good; r++) {
		struct lf_bench_server server;
		struct lf_grid_row row;

		code = lf_bench_server_start(bench, &server, error);
		if (code == LF_OK)
			code = end_under_load(bench, &server, &row, error);
		code = lf_bench_server_stop(&server, code, error);
		if (!bench->settings->keep || code != LF_OK)
			lf_bench_remove_log(bench);
		if (code != LF_OK)
			break;
		snprintf(row.label, sizeof(row.label), "round %u", r + 1);
		good = lf_grid_add(&grid, &row, out);
	}
	lf_grid_end(&grid, out);
	if (code == LF_OK && bench->settings->json)
		good = good && lf_grids_json(machine, grids, 1, stdout);
	lf_grid_clean_up(&grid);
	return good || code != LF_OK
		? code
		: lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory, or the report can't be written");
}
