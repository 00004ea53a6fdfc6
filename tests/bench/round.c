#include "tests/bench/round.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/client.h"
#include "tests/bench/calls.h"
#include "tests/bench/child.h"
#include "tests/bench/echo.h"
#ifdef LF_BENCH_GRPC
#include "tests/bench/grpc_echo.h"
#endif

enum { PATH_BYTES = 4200, URL_BYTES = 4300, WARM_UPS_MAX = 20 };

/* The servers of one round. */
struct servers {
	struct lf_child daemon, echo, grpc;
	char daemon_url[URL_BYTES], echo_url[URL_BYTES], grpc_url[URL_BYTES];
	char log[PATH_BYTES];
	struct lf_client *client;
	uint64_t answered; /* decisions, all measurements of the round */
};

static void path_in(const struct lf_bench *bench, const char *name, char path[PATH_BYTES])
{
	snprintf(path, PATH_BYTES, "%s/%s", bench->directory, name);
}

static void listen_url(const struct lf_bench *bench, const char *name, char url[URL_BYTES])
{
	if (bench->settings->ipc)
		snprintf(url, URL_BYTES, "ipc://%s/%s", bench->directory, name);
	else
		snprintf(url, URL_BYTES, "tcp://127.0.0.1:0");
}

/* ---- starting and stopping ---- */

static void remove_log(const struct lf_bench *bench)
{
	static const char *const names[] = {
		"bench.db", "bench.db-wal", "bench.db-shm", "bench.db.lock", "bench.db.new", "bench.db.key",
		"bench.db.key.pub", "bench.checkpoint"};
	char path[PATH_BYTES];

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		path_in(bench, names[i], path);
		unlink(path);
	}
}

static enum lf_code start_daemon(const struct lf_bench *bench, struct servers *servers, struct lf_error *error)
{
	char output[PATH_BYTES], url[URL_BYTES], workers[16], ready[8], checkpoint[PATH_BYTES];
	const char *argv[] = {bench->server, "--db", servers->log, "--listen", url, "--rubric", bench->settings->rubric,
		"--checkpoints", checkpoint, NULL, NULL, NULL};

	remove_log(bench);
	path_in(bench, "leadfitd.log", output);
	path_in(bench, "bench.checkpoint", checkpoint);
	listen_url(bench, "leadfitd.sock", url);
	if (bench->settings->workers > 0) {
		snprintf(workers, sizeof workers, "%u", bench->settings->workers);
		argv[9] = "--workers";
		argv[10] = workers;
	}
	if (lf_child_start(&servers->daemon, argv, output, error) != LF_OK ||
		lf_child_await(&servers->daemon, "leadfitd: ready", ready, sizeof ready, error) != LF_OK)
		return error->code;
	return lf_child_await(
		&servers->daemon, "leadfitd: listening on ", servers->daemon_url, sizeof servers->daemon_url, error);
}

static enum lf_code start_echo(
	const struct lf_bench *bench, const char *kind, struct lf_child *child, char *bound, struct lf_error *error)
{
	char output[PATH_BYTES], url[URL_BYTES], contexts[16], reply_bytes[24], name[32];
	const char *argv[] = {bench->self, kind, url, contexts, reply_bytes, NULL};
	unsigned most = 1;

	for (size_t i = 0; i < bench->settings->point_count; i++)
		if (bench->settings->in_flight[i] > most)
			most = bench->settings->in_flight[i];
	snprintf(name, sizeof name, "%s.log", kind);
	path_in(bench, name, output);
	snprintf(name, sizeof name, "%s.sock", kind);
	listen_url(bench, name, url);
	snprintf(contexts, sizeof contexts, "%u", most);
	snprintf(reply_bytes, sizeof reply_bytes, "%zu", bench->reply_bytes);
	if (lf_child_start(child, argv, output, error) != LF_OK)
		return error->code;
	return lf_child_await(child, "listening on ", bound, URL_BYTES, error);
}

static enum lf_code start_client(struct servers *servers, struct lf_error *error)
{
	return lf_client_new(&servers->client,
		&(struct lf_client_options){.url = servers->daemon_url, .in_flight_max = LF_BENCH_IN_FLIGHT_MAX},
		error);
}

/* Ends whatever runs; the first failure is kept. */
static enum lf_code stop_all(struct servers *servers, enum lf_code code, struct lf_error *error)
{
	struct lf_child *children[] = {&servers->daemon, &servers->echo, &servers->grpc};

	if (servers->client != NULL)
		lf_client_destroy(servers->client);
	servers->client = NULL;
	for (size_t i = 0; i < 3; i++)
		if (lf_child_stop(children[i], code == LF_OK ? error : NULL) != LF_OK && code == LF_OK)
			code = error->code;
	return code;
}

/* ---- measuring ---- */

static enum lf_code measure_service(struct lf_bench *bench, struct servers *servers, unsigned in_flight, double seconds,
	struct lf_load *load, struct lf_error *error)
{
	const uint64_t before = bench->number;
	enum lf_code code = lf_calls_measure(
		servers->client, bench->workload, servers->daemon.pid, in_flight, seconds, &bench->number, load, error);

	/* Numbers within the meter become sequences of the log. */
	load->first += servers->answered + 1;
	load->last += servers->answered;
	servers->answered += bench->number - before;
	return code;
}

static enum lf_code measure_grpc(
	struct lf_bench *bench, struct servers *servers, size_t i, struct lf_point *point, struct lf_error *error)
{
#ifdef LF_BENCH_GRPC
	const char *failure;

	if (!bench->settings->grpc)
		return LF_OK;
	failure = lf_grpc_measure(servers->grpc_url, servers->grpc.pid, bench->settings->in_flight[i],
		bench->settings->seconds, &point->grpc);
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

	if (lf_written_count(servers->log, &count, error) != LF_OK)
		return error->code;
	if (count < servers->answered)
		return lf_error_set(error, LF_DATA_LOSS, "%llu decisions were answered, and the log has %llu",
			(unsigned long long)servers->answered, (unsigned long long)count);
	if (stat(servers->log, &status) == 0)
		round->log_bytes = (double)status.st_size / (double)count;
	return LF_OK;
}

/* After the service has ended: what it wrote, and the same written barely. */
static enum lf_code measure_inserts(
	const struct lf_bench *bench, const struct servers *servers, struct lf_round *round, struct lf_error *error)
{
	char path[PATH_BYTES];
	enum lf_code code = check_log(servers, round, error);

	path_in(bench, "inserts.db", path);
	for (size_t i = 0; i < bench->settings->point_count && code == LF_OK; i++) {
		struct lf_point *point = &round->points[i];

		code = lf_written_read(servers->log, point->service.first, point->service.last, &point->written, error);
		if (code == LF_OK)
			code = lf_insert_measure(
				path, &point->written, bench->settings->seconds / 2, &point->insert, error);
	}
	return code;
}

static enum lf_code run_servers(struct lf_bench *bench, struct lf_round *round, struct lf_error *error)
{
	struct servers servers = {0};
	enum lf_code code = LF_OK;

	path_in(bench, "bench.db", servers.log);
	if (start_daemon(bench, &servers, error) != LF_OK || start_client(&servers, error) != LF_OK ||
		warm_up(bench, &servers, error) != LF_OK ||
		start_echo(bench, "echo-server", &servers.echo, servers.echo_url, error) != LF_OK)
		code = error->code;
	if (code == LF_OK && bench->settings->grpc)
		code = start_echo(bench, "grpc-server", &servers.grpc, servers.grpc_url, error);
	if (code == LF_OK)
		code = measure_loads(bench, &servers, round, error);
	round->peak_bytes = servers.daemon.pid > 0 ? (double)lf_process_peak_bytes(servers.daemon.pid) : 0;
	code = stop_all(&servers, code, error);
	if (code == LF_OK)
		code = measure_inserts(bench, &servers, round, error);
	if (!bench->settings->keep || code != LF_OK)
		remove_log(bench);
	return code;
}

enum lf_code lf_round_run(struct lf_bench *bench, struct lf_round *round, struct lf_error *error)
{
	if (!bench->settings->kernel_only && run_servers(bench, round, error) != LF_OK)
		return error->code;
	return lf_kernel_bench_run(bench->kernel, bench->settings->seconds, &round->kernel, &round->steps, error);
}
