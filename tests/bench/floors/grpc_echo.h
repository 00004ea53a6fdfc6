/* The echo of gRPC C++ (callback API) of an empty message: what a service over gRPC would start from. Only where gRPC
 * is installed. */
#ifndef LF_TESTS_BENCH_FLOORS_GRPC_ECHO_H
#define LF_TESTS_BENCH_FLOORS_GRPC_ECHO_H

#include "tests/bench/meter.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The server process on a free TCP port of this machine, until SIGTERM. Prints "listening on HOST:PORT". Returns an
 * exit status. */
int lf_grpc_serve(void);
/* That many calls in flight on one channel. NULL, or what failed (static or thread-local storage is not used: the text
 * is a literal). */
const char *lf_grpc_measure(const char *target, pid_t server, unsigned in_flight, double seconds, struct lf_load *load);

#ifdef __cplusplus
}
#endif

#endif
