/* Measurement (c): durable scoring, through the client library, against a real leadfitd. */
#ifndef LF_BENCH_CALLS_H
#define LF_BENCH_CALLS_H

#include "client/lib/client.h"
#include "tests/bench/meter.h"
#include "tests/bench/source.h"

struct lf_calls_options {
	struct lf_client *const *clients; /* connections, used in turn */
	size_t client_count;
	struct lf_source source;
	unsigned in_flight;
	uint64_t number; /* of the first request */
	bool may_fail;   /* a failed call ends its slot, not the measurement */
};

struct lf_calls;

/*
 * Keeps that many calls in flight, each started from the closure of the one before, counted by the meter, until that
 * stops them. A call that fails, or an empty reply, fails the measurement. RESOURCE_EXHAUSTED where memory ran out.
 */
enum lf_code lf_calls_start(struct lf_calls **calls, const struct lf_calls_options *options, struct lf_meter *meter,
	struct lf_error *error);
/* Requests started so far. */
uint64_t lf_calls_number(const struct lf_calls *calls);
/* After the meter's slots have left; waits for closures that still return. NULL is allowed. */
void lf_calls_destroy(struct lf_calls *calls);

/*
 * All of it for one measurement: a meter, calls, so many seconds. number (in and out) counts requests, so that no new
 * team comes twice. answers_min: as lf_meter_expect() takes it.
 */
enum lf_code lf_calls_measure(const struct lf_calls_options *options, pid_t server, double seconds,
	unsigned answers_min, uint64_t *number, struct lf_load *load, struct lf_error *error);

#endif
