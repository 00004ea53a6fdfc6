#include "tests/bench/server.h"

#include <stdio.h>
#include <unistd.h>

#include "tests/bench/calls.h"
#include "tests/bench/round.h"

enum { BATCHES_MIN = 4 };

void lf_bench_path(const struct lf_bench *bench, const char *name, char path[LF_BENCH_PATH_BYTES])
{
	snprintf(path, LF_BENCH_PATH_BYTES, "%s/%s", bench->directory, name);
}

void lf_bench_listen_url(const struct lf_bench *bench, const char *name, char url[LF_BENCH_URL_BYTES])
{
	if (bench->settings->ipc)
		snprintf(url, LF_BENCH_URL_BYTES, "ipc://%s/%s", bench->directory, name);
	else
		snprintf(url, LF_BENCH_URL_BYTES, "tcp://127.0.0.1:0");
}

void lf_bench_remove_log(const struct lf_bench *bench)
{
	static const char *const names[] = {"bench.db", "bench.db-wal", "bench.db-shm", "bench.db.lock", "bench.db.new",
		"bench.db.key", "bench.db.key.pub", "bench.checkpoint", "bench.checkpoint.erased"};
	char path[LF_BENCH_PATH_BYTES];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		lf_bench_path(bench, names[i], path);
		unlink(path);
	}
}

enum lf_code lf_bench_server_start(const struct lf_bench *bench, struct lf_bench_server *server, struct lf_error *error)
{
	char output[LF_BENCH_PATH_BYTES], url[LF_BENCH_URL_BYTES], workers[16], ready[8],
		checkpoint[LF_BENCH_PATH_BYTES];
	const char *argv[] = {bench->server, "--db", server->log, "--listen", url, "--rubric", bench->settings->rubric,
		"--checkpoints", checkpoint, "--log", "text", "--connections", "1024", "--connections-per-address",
		"1024", NULL, NULL, NULL, NULL, NULL};
	const bool http = bench->settings->http || bench->settings->open_loop;
	size_t more = 0;

	*server = (struct lf_bench_server){.client = NULL};
	lf_bench_path(bench, "bench.db", server->log);
	lf_bench_remove_log(bench);
	lf_bench_path(bench, "leadfitd.log", output);
	lf_bench_path(bench, "bench.checkpoint", checkpoint);
	lf_bench_listen_url(bench, "leadfitd.sock", url);
	while (argv[more] != NULL)
		more++;
	if (bench->settings->workers > 0) {
		snprintf(workers, sizeof(workers), "%u", bench->settings->workers);
		argv[more++] = "--workers";
		argv[more++] = workers;
	}
	if (http) {
		argv[more++] = "--http";
		argv[more++] = "127.0.0.1:0";
	}
	if (lf_child_start(&server->child, argv, output, error) != LF_OK ||
		lf_child_await(&server->child, " ready: ", ready, sizeof(ready), error) != LF_OK ||
		lf_child_await(&server->child, " listening: listening on ", server->url, sizeof(server->url), error) !=
			LF_OK ||
		(http &&
			lf_child_await(&server->child, " listening: listening on http://", server->http,
				sizeof(server->http), error) != LF_OK))
		return error->code;
	return lf_bench_server_connect(server, false, error);
}

enum lf_code lf_bench_server_connect(struct lf_bench_server *server, bool http, struct lf_error *error)
{
	char url[LF_BENCH_URL_BYTES + 8];

	if (server->client != NULL)
		lf_client_destroy(server->client);
	server->client = NULL;
	snprintf(url, sizeof(url), "%s%s", http ? "http://" : "", http ? server->http : server->url);
	return lf_client_new(&server->client,
		&(struct lf_client_options){.url = url, .in_flight_max = LF_BENCH_IN_FLIGHT_MAX}, error);
}

enum lf_code lf_bench_server_stop(struct lf_bench_server *server, enum lf_code code, struct lf_error *error)
{
	if (server->client != NULL)
		lf_client_destroy(server->client);
	server->client = NULL;
	if (lf_child_stop(&server->child, code == LF_OK ? error : NULL) != LF_OK && code == LF_OK)
		code = error->code;
	return code;
}

enum lf_code lf_bench_server_check(const struct lf_bench_server *server, uint64_t *count, struct lf_error *error)
{
	if (lf_written_count(server->log, count, error) != LF_OK)
		return error->code;
	if (*count < server->answered)
		return lf_error_set(error, LF_DATA_LOSS, "%llu decisions were answered, and the log has %llu",
			(unsigned long long)server->answered, (unsigned long long)*count);
	return LF_OK;
}

enum lf_code lf_bench_server_load(struct lf_bench_server *server, const struct lf_source *source, unsigned in_flight,
	unsigned decisions, double seconds, uint64_t *number, struct lf_load *load, struct lf_error *error)
{
	const struct lf_calls_options options = {
		.clients = &server->client, .client_count = 1, .source = *source, .in_flight = in_flight};
	const uint64_t before = *number;
	/* Few answers are many decisions where a message has many. */
	const enum lf_code code = lf_calls_measure(
		&options, server->child.pid, seconds, decisions > 1 ? BATCHES_MIN : 20, number, load, error);

	load->first = server->answered + load->first * decisions + 1;
	load->last = server->answered + load->last * decisions;
	load->requests_per_s *= decisions;
	load->server_cpu_us /= decisions;
	load->client_cpu_us /= decisions;
	load->server_switches /= decisions;
	server->answered += (*number - before) * decisions;
	return code;
}

/* The first time warms it up: each team once. */
enum lf_code lf_bench_server_full(
	struct lf_bench *bench, struct lf_bench_server *server, struct lf_load *load, struct lf_error *error)
{
	const struct lf_source source = lf_workload_source(bench->workload);
	enum lf_code code = LF_OK;

	for (int i = 0; i < 2 && code == LF_OK; i++)
		code = lf_bench_server_load(server, &source, LF_BENCH_FULL_IN_FLIGHT, 1, bench->settings->seconds,
			&bench->number, load, error);
	return code;
}

enum lf_code lf_bench_echo_start(
	const struct lf_bench *bench, const char *kind, struct lf_child *child, char *bound, struct lf_error *error)
{
	char output[LF_BENCH_PATH_BYTES], url[LF_BENCH_URL_BYTES], contexts[16], reply_bytes[24], name[32];
	const char *argv[] = {bench->self, kind, url, contexts, reply_bytes, NULL};
	unsigned most = 1;

	for (size_t i = 0; i < bench->settings->point_count; i++)
		if (bench->settings->in_flight[i] > most)
			most = bench->settings->in_flight[i];
	snprintf(name, sizeof(name), "%s.log", kind);
	lf_bench_path(bench, name, output);
	snprintf(name, sizeof(name), "%s.sock", kind);
	lf_bench_listen_url(bench, name, url);
	snprintf(contexts, sizeof(contexts), "%u", most);
	snprintf(reply_bytes, sizeof(reply_bytes), "%zu", bench->reply_bytes);
	if (lf_child_start(child, argv, output, error) != LF_OK)
		return error->code;
	return lf_child_await(child, "listening on ", bound, LF_BENCH_URL_BYTES, error);
}
