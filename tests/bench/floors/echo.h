/* Floor (a): nng's own REQ/REP echo, the raw nng API on both sides, server and client in two processes. */
#ifndef LF_TESTS_BENCH_FLOORS_ECHO_H
#define LF_TESTS_BENCH_FLOORS_ECHO_H

#include "proto/base/status.h"
#include "tests/bench/child.h"
#include "tests/bench/meter.h"

/*
 * The server process: REP contexts that answer each request with so many bytes, until SIGTERM (blocked by the caller).
 * Prints "listening on URL". Returns an exit status.
 */
int lf_echo_serve(const char *url, unsigned contexts, size_t reply_bytes);

/* Sends requests of these bytes over so many REQ contexts of one socket, each with one request in flight. */
enum lf_code lf_echo_measure(const char *url, pid_t server, unsigned in_flight, size_t request_bytes, double seconds,
	struct lf_load *load, struct lf_error *error);

#endif
