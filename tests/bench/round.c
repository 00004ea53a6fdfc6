#include "tests/bench/round.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/bench/batches.h"
#include "tests/bench/child.h"
#include "tests/bench/floors/echo.h"
#ifdef LF_BENCH_GRPC
#include "tests/bench/floors/grpc_echo.h"
#endif
#include "tests/bench/server.h"

enum { PATH_BYTES = LF_BENCH_PATH_BYTES, URL_BYTES = LF_BENCH_URL_BYTES, WARM_UPS_MAX = 20 };

/* The servers of one round. */
struct servers {
	struct lf_bench_server daemon;
	struct lf_child echo, grpc;
	char echo_url[URL_BYTES], grpc_url[URL_BYTES];
};

/* Ends whatever runs; the first failure is kept. */
static enum lf_code stop_all(struct servers *servers, enum lf_code code, struct lf_error *error)
{
	struct lf_child *children[] = {&servers->echo, &servers->grpc};

	code = lf_bench_server_stop(&servers->daemon, code, error);
	for (size_t i = 0; i < 2; i++)
		if (lf_child_stop(children[i], code == LF_OK ? error : NULL) != LF_OK && code == LF_OK)
			code = error->code;
	return code;
}

/* ---- measuring ---- */

static enum lf_code measure_service(struct lf_bench *bench, struct servers *servers, unsigned in_flight, double seconds,
	struct lf_load *load, struct lf_error *error)
{
	const struct lf_source source = lf_workload_source(bench->workload);

	return lf_bench_server_load(&servers->daemon, &source, in_flight, 1, seconds, &bench->number, load, error);
}

static enum lf_code measure_grpc(
	struct lf_bench *bench, struct servers *servers, size_t i, struct lf_point *point, struct lf_error *error)
{
#ifdef LF_BENCH_GRPC
	const char *failure;

	if (!bench->settings->grpc)
		return LF_OK;
	failure = lf_grpc_measure(&(struct lf_grpc_load){.target = servers->grpc_url,
					  .method = LF_GRPC_ECHO_EMPTY,
					  .connections = 1,
					  .in_flight = bench->settings->in_flight[i],
					  .seconds = bench->settings->seconds},
		servers->grpc.pid, &point->grpc);
	return failure == NULL ? LF_OK : lf_error_set(error, LF_UNAVAILABLE, "gRPC echo: %s", failure);
#else
	(void)bench, (void)servers, (void)i, (void)point, (void)error;
	return LF_OK;
#endif
}

static enum lf_code measure_loads(
	struct lf_bench *bench, struct servers *servers, struct lf_round *round, struct lf_error *error)
{
	const struct lf_bench_settings *settings = bench->settings;
	enum lf_code code = LF_OK;

	for (size_t i = 0; i < settings->point_count && code == LF_OK; i++) {
		struct lf_point *point = &round->points[i];

		code = lf_echo_measure(servers->echo_url, servers->echo.pid, settings->in_flight[i],
			lf_workload_bytes(bench->workload), settings->seconds, &point->echo, error);
		if (code == LF_OK)
			code = measure_grpc(bench, servers, i, point, error);
		if (code == LF_OK)
			code = measure_service(
				bench, servers, settings->in_flight[i], settings->seconds, &point->service, error);
	}
	return code;
}

/*
 * A first load, to know the size of replies before the echo server starts, and to have the service warm: each team has
 * been seen, so that what is measured afterwards is the log as it is most of the time.
 */
static enum lf_code warm_up(struct lf_bench *bench, struct servers *servers, struct lf_error *error)
{
	const uint64_t enough = bench->number + bench->settings->teams;
	struct lf_load load = {0};
	enum lf_code code = LF_OK;

	for (int i = 0; i == 0 || (i < WARM_UPS_MAX && code == LF_OK && bench->number < enough); i++)
		code = measure_service(bench, servers, 64, bench->settings->seconds / 4, &load, error);
	if (bench->reply_bytes == 0)
		bench->reply_bytes = (size_t)load.reply_bytes;
	return code;
}

static enum lf_code check_log(const struct servers *servers, struct lf_round *round, struct lf_error *error)
{
	struct stat status;
	uint64_t count;

	if (lf_bench_server_check(&servers->daemon, &count, error) != LF_OK)
		return error->code;
	if (stat(servers->daemon.log, &status) == 0)
		round->log_bytes = (double)status.st_size / (double)count;
	return LF_OK;
}

/* After the service has ended: what it wrote, and the same written barely. */
static enum lf_code measure_inserts(
	const struct lf_bench *bench, const struct servers *servers, struct lf_round *round, struct lf_error *error)
{
	char path[PATH_BYTES];
	enum lf_code code = check_log(servers, round, error);

	lf_bench_path(bench, "inserts.db", path);
	for (size_t i = 0; i < bench->settings->point_count && code == LF_OK; i++) {
		struct lf_point *point = &round->points[i];

		code = lf_written_read(
			servers->daemon.log, point->service.first, point->service.last, &point->written, error);
		if (code == LF_OK)
			code = lf_insert_measure(
				path, &point->written, bench->settings->seconds / 2, &point->insert, error);
	}
	for (size_t i = 0; i < LF_BATCH_KINDS && code == LF_OK && bench->settings->batch_items > 0; i++)
		code = lf_batch_insert(
			servers->daemon.log, path, bench->settings->seconds / 2, &round->batches[i], error);
	return code;
}

static enum lf_code run_servers(struct lf_bench *bench, struct lf_round *round, struct lf_error *error)
{
	struct servers servers = {0};
	enum lf_code code = LF_OK;

	if (lf_bench_server_start(bench, &servers.daemon, error) != LF_OK || warm_up(bench, &servers, error) != LF_OK ||
		lf_bench_echo_start(bench, "echo-server", &servers.echo, servers.echo_url, error) != LF_OK)
		code = error->code;
	if (code == LF_OK && bench->settings->grpc)
		code = lf_bench_echo_start(bench, "grpc-server", &servers.grpc, servers.grpc_url, error);
	if (code == LF_OK)
		code = measure_loads(bench, &servers, round, error);
	if (code == LF_OK && bench->settings->batch_items > 0)
		code = lf_batches_run(bench, &servers.daemon, round, error);
	if (servers.daemon.child.pid > 0)
		round->peak_bytes = (double)lf_process_peak_bytes(servers.daemon.child.pid);
	code = stop_all(&servers, code, error);
	if (code == LF_OK)
		code = measure_inserts(bench, &servers, round, error);
	if (!bench->settings->keep || code != LF_OK)
		lf_bench_remove_log(bench);
	return code;
}

enum lf_code lf_round_run(struct lf_bench *bench, struct lf_round *round, struct lf_error *error)
{
	if (!bench->settings->kernel_only && run_servers(bench, round, error) != LF_OK)
		return error->code;
	return lf_kernel_bench_run(bench->kernel, bench->settings->seconds, &round->kernel, &round->steps, error);
}
