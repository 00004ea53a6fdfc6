/* The leadfitd of a measurement: on a log in the benchmark's directory, with connections to it. */
#ifndef LF_BENCH_SERVER_H
#define LF_BENCH_SERVER_H

#include "client/lib/client.h"
#include "tests/bench/child.h"
#include "tests/bench/meter.h"
#include "tests/bench/source.h"

enum { LF_BENCH_PATH_BYTES = 4200, LF_BENCH_URL_BYTES = 4300, LF_BENCH_FULL_IN_FLIGHT = 64 };

struct lf_bench;

struct lf_bench_server {
	struct lf_child child;
	char url[LF_BENCH_URL_BYTES];
	char http[LF_BENCH_URL_BYTES]; /* HOST:PORT; empty where the settings need no HTTP */
	char log[LF_BENCH_PATH_BYTES];
	struct lf_client *client; /* one connection; NULL: none yet */
	uint64_t answered;        /* decisions, so far */
};

void lf_bench_path(const struct lf_bench *bench, const char *name, char path[LF_BENCH_PATH_BYTES]);
/* Where a server of that name listens. */
void lf_bench_listen_url(const struct lf_bench *bench, const char *name, char url[LF_BENCH_URL_BYTES]);

/* Starts it on a new log, waits until it is ready, and connects over nng. */
enum lf_code lf_bench_server_start(
	const struct lf_bench *bench, struct lf_bench_server *server, struct lf_error *error);
/* Another connection in place of the one there is: over HTTP/2, or over nng. */
enum lf_code lf_bench_server_connect(struct lf_bench_server *server, bool http, struct lf_error *error);
/* Disconnects and ends it; where code is LF_OK, error gets what went wrong. Returns the first failure. */
enum lf_code lf_bench_server_stop(struct lf_bench_server *server, enum lf_code code, struct lf_error *error);
/*
 * After it has ended: UNAVAILABLE or DATA_LOSS where the log has fewer decisions than were answered. Sets their number.
 */
enum lf_code lf_bench_server_check(const struct lf_bench_server *server, uint64_t *count, struct lf_error *error);
/* Removes the log and what belongs to it. */
void lf_bench_remove_log(const struct lf_bench *bench);

/*
 * Starts the server of a floor, this program as "KIND URL CONTEXTS BYTES", with as many contexts as there may be in
 * flight and replies as long as the service's. bound (LF_BENCH_URL_BYTES) gets where it listens.
 */
enum lf_code lf_bench_echo_start(
	const struct lf_bench *bench, const char *kind, struct lf_child *child, char *bound, struct lf_error *error);

/*
 * Measures one load on the server's own connection: so many requests in flight, each of that many decisions. In load,
 * what is counted a request becomes a decision (but for latencies and bytes), first and last sequences of the log.
 */
enum lf_code lf_bench_server_load(struct lf_bench_server *server, const struct lf_source *source, unsigned in_flight,
	unsigned decisions, double seconds, uint64_t *number, struct lf_load *load, struct lf_error *error);
/* How much is possible: Score on the server's own connection, LF_BENCH_FULL_IN_FLIGHT in flight, when it is warm. */
enum lf_code lf_bench_server_full(
	struct lf_bench *bench, struct lf_bench_server *server, struct lf_load *load, struct lf_error *error);

#endif
