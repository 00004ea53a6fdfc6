#include "tests/bench/batches.h"

#include "tests/bench/calls.h"

const struct lf_batch_kind lf_batch_kinds[LF_BATCH_KINDS] = {
	{"teams shared, summaries", "sharedSummaries", false, false},
	{"teams shared, decisions", "sharedDecisions", false, true},
	{"teams differ, summaries", "distinctSummaries", true, false},
	{"teams differ, decisions", "distinctDecisions", true, true},
};

static enum lf_code make_pool(
	const struct lf_bench *bench, const struct lf_batch_kind *kind, struct lf_pool **pool, struct lf_error *error)
{
	return lf_pool_new_batches(pool, bench->settings,
		&(struct lf_batch_shape){bench->settings->batch_items, kind->distinct, kind->full}, error);
}

static enum lf_code measure_kind(struct lf_bench *bench, struct lf_bench_server *server, size_t kind,
	struct lf_batch_point *point, struct lf_error *error)
{
	struct lf_pool *pool = NULL;
	struct lf_source source;
	uint64_t number = 0;
	enum lf_code code = make_pool(bench, &lf_batch_kinds[kind], &pool, error);

	if (code != LF_OK)
		return code;
	source = lf_pool_source(pool);
	code = lf_bench_server_load(server, &source, LF_BATCHES_IN_FLIGHT, bench->settings->batch_items,
		bench->settings->seconds, &number, &point->load, error);
	lf_pool_destroy(pool);
	return code;
}

static enum lf_code measure_unary(
	struct lf_bench *bench, struct lf_bench_server *server, struct lf_load *load, struct lf_error *error)
{
	const struct lf_source source = lf_workload_source(bench->workload);

	return lf_bench_server_load(
		server, &source, LF_FAIRNESS_IN_FLIGHT, 1, bench->settings->seconds, &bench->number, load, error);
}

/* What other connections send meanwhile. */
struct others {
	struct lf_source source;
	unsigned in_flight;
	size_t connections;
	unsigned items;   /* decisions a message */
	uint64_t *number; /* of their requests */
};

/* Single requests on one connection beside others; *per_s gets the decisions that these were answered. */
static enum lf_code measure_beside(struct lf_bench *bench, struct lf_bench_server *server, const struct others *others,
	struct lf_load *load, double *per_s, struct lf_error *error)
{
	struct lf_client *clients[LF_FLOOD_CONNECTIONS] = {NULL};
	struct lf_meter *meter = lf_meter_new();
	struct lf_calls *calls = NULL;
	const char *failure;
	enum lf_code code = meter != NULL ? LF_OK : lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	uint64_t begun;

	for (size_t i = 0; code == LF_OK && i < others->connections; i++)
		code = lf_client_new(&clients[i],
			&(struct lf_client_options){.url = server->url, .in_flight_max = LF_BENCH_IN_FLIGHT_MAX},
			error);
	if (code == LF_OK)
		code = lf_calls_start(&calls,
			&(struct lf_calls_options){.clients = clients,
				.client_count = others->connections,
				.source = others->source,
				.in_flight = others->in_flight,
				.number = *others->number},
			meter, error);
	if (calls != NULL) {
		begun = lf_meter_now_ns();
		code = measure_unary(bench, server, load, error);
		*per_s = (double)lf_meter_answers(meter) * others->items / ((double)(lf_meter_now_ns() - begun) / 1e9);
		failure = lf_meter_stop(meter);
		if (code == LF_OK && failure != NULL)
			code = lf_error_set(error, LF_UNAVAILABLE, "beside single requests: %s", failure);
		server->answered += (lf_calls_number(calls) - *others->number) * others->items;
		*others->number = lf_calls_number(calls);
	}
	lf_calls_destroy(calls);
	for (size_t i = 0; i < others->connections; i++)
		if (clients[i] != NULL)
			lf_client_destroy(clients[i]);
	lf_meter_destroy(meter);
	return code;
}

static enum lf_code measure_beside_batches(struct lf_bench *bench, struct lf_bench_server *server, size_t kind,
	struct lf_load *load, double *per_s, struct lf_error *error)
{
	struct lf_pool *pool = NULL;
	uint64_t number = 0;
	enum lf_code code = make_pool(bench, &lf_batch_kinds[kind], &pool, error);

	if (code == LF_OK)
		code = measure_beside(bench, server,
			&(struct others){
				lf_pool_source(pool), LF_BATCHES_IN_FLIGHT, 1, bench->settings->batch_items, &number},
			load, per_s, error);
	lf_pool_destroy(pool);
	return code;
}

/* Beside as many single requests, which come over so many connections. */
static enum lf_code measure_beside_singles(struct lf_bench *bench, struct lf_bench_server *server, size_t connections,
	struct lf_load *load, struct lf_error *error)
{
	/* Far from those that are measured, so that no new team comes twice. */
	uint64_t number = bench->number + UINT64_C(1000000000);
	double per_s;

	return measure_beside(bench, server,
		&(struct others){lf_workload_source(bench->workload), LF_FLOOD_IN_FLIGHT, connections, 1, &number},
		load, &per_s, error);
}

enum lf_code lf_batches_run(
	struct lf_bench *bench, struct lf_bench_server *server, struct lf_round *round, struct lf_error *error)
{
	struct lf_fairness *fairness = &round->fairness;
	enum lf_code code = LF_OK;

	for (size_t i = 0; i < LF_BATCH_KINDS && code == LF_OK; i++)
		code = measure_kind(bench, server, i, &round->batches[i], error);
	if (code == LF_OK)
		code = measure_unary(bench, server, &fairness->alone, error);
	if (code == LF_OK)
		code = measure_beside_batches(
			bench, server, 0, &fairness->beside_summaries, &fairness->summaries_per_s, error);
	if (code == LF_OK)
		code = measure_beside_batches(bench, server, 1, &fairness->beside_full, &fairness->full_per_s, error);
	if (code == LF_OK)
		code = measure_beside_singles(bench, server, LF_FLOOD_CONNECTIONS, &fairness->beside_many, error);
	if (code == LF_OK)
		code = measure_beside_singles(bench, server, 1, &fairness->beside_flood, error);
	return code;
}

enum lf_code lf_batch_insert(
	const char *log, const char *path, double seconds, struct lf_batch_point *point, struct lf_error *error)
{
	const enum lf_code code = lf_written_read(log, point->load.first, point->load.last, &point->written, error);

	return code != LF_OK ? code : lf_insert_measure(path, &point->written, seconds, &point->insert, error);
}
