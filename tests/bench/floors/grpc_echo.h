/*
 * gRPC C++ (callback API): a server that echoes, which is what a service over gRPC would start from, and a client that
 * keeps calls in flight, to it or to any other server. Only where gRPC is installed. Plain C types only.
 */
#ifndef LF_TESTS_BENCH_FLOORS_GRPC_ECHO_H
#define LF_TESTS_BENCH_FLOORS_GRPC_ECHO_H

#include "tests/bench/meter.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Its methods: an empty message, and a reply of so many bytes. */
#define LF_GRPC_ECHO_EMPTY "/leadfit.bench.Echo/Empty"
#define LF_GRPC_ECHO_BYTES "/leadfit.bench.Echo/Bytes"

/* The server process on a free TCP port of this machine, until SIGTERM. Prints "listening on HOST:PORT". Returns an
 * exit status. */
int lf_grpc_serve(size_t reply_bytes);

struct lf_grpc_load {
	const char *target; /* HOST:PORT */
	const char *method; /* /SERVICE/METHOD */
	const uint8_t *request;
	size_t request_length;
	unsigned connections, in_flight; /* in_flight over all of them in turn */
	double seconds;
};

/* NULL, or what failed: a literal. */
const char *lf_grpc_measure(const struct lf_grpc_load *wanted, pid_t server, struct lf_load *load);

#ifdef __cplusplus
}
#endif

#endif
