/* Measurement (c): durable unary scoring, through the client library, against a real leadfitd. */
#ifndef LF_BENCH_CALLS_H
#define LF_BENCH_CALLS_H

#include "client/client.h"
#include "tests/bench/meter.h"
#include "tests/bench/workload.h"

/*
 * Keeps that many calls in flight, each started from the closure of the one before. number (in and out) counts
 * requests, so that no new team comes twice. A call that fails, or an empty reply, fails the measurement.
 */
enum lf_code lf_calls_measure(struct lf_client *client, const struct lf_workload *workload, pid_t server,
	unsigned in_flight, double seconds, uint64_t *number, struct lf_load *load, struct lf_error *error);

#endif
