/* h2load, nghttp2's own load generator: the lightest client there is, so that what is measured is the server. */
#ifndef LF_TESTS_BENCH_FLOORS_H2LOAD_H
#define LF_TESTS_BENCH_FLOORS_H2LOAD_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/status.h"
#include "tests/bench/meter.h"

struct lf_h2load {
	const char *target;              /* HOST:PORT */
	const char *method;              /* /SERVICE/METHOD */
	const char *message;             /* file with what every request sends, see lf_h2load_message() */
	const char *log;                 /* file that gets its output */
	unsigned connections, in_flight; /* in_flight over all of them, a multiple */
	double seconds;
};

/* Writes a file with the message as gRPC sends it. */
enum lf_code lf_h2load_message(const char *file, const uint8_t *message, size_t length, struct lf_error *error);

/*
 * One measurement of unary calls over gRPC without TLS. load gets rate, CPU times, switches and reply_bytes (a reply's
 * frame); latencies stay 0. answers: how many were answered. h2load sees no grpc-status: whoever calls this looks at
 * reply_bytes, or at what the server did. UNAVAILABLE where it isn't installed, or a request failed.
 */
enum lf_code lf_h2load_measure(
	const struct lf_h2load *wanted, pid_t server, struct lf_load *load, uint64_t *answers, struct lf_error *error);

#endif
