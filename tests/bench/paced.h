/* An open loop: requests are due at fixed times, whether others are answered or not. */
#ifndef LF_BENCH_PACED_H
#define LF_BENCH_PACED_H

#include "client/lib/client.h"
#include "tests/bench/report/histogram.h"
#include "tests/bench/source.h"

/* Of the requests that were due within one stretch of time. All zero at first. */
struct lf_paced_times {
	struct lf_histogram answered; /* from when a request was due to its reply in the caller's hands */
	struct lf_histogram started;  /* from when it was due to when it was sent; the first includes it */
};

struct lf_paced;

/*
 * With calls of client (borrowed) for requests of source. The functions below are for the thread that calls this one,
 * whose timers it makes exact. RESOURCE_EXHAUSTED where memory ran out.
 */
enum lf_code lf_paced_new(
	struct lf_paced **paced, struct lf_client *client, const struct lf_source *source, struct lf_error *error);
/* Waits for the calls that are under way. NULL is allowed. */
void lf_paced_destroy(struct lf_paced *paced);

/* From now on this many requests a second are due. Nothing may be under way. */
void lf_paced_begin(struct lf_paced *paced, double rate);
/*
 * Goes on for that long, and longer while what was due by then can't be sent; number (in and out) counts requests.
 * times, which must live as long as paced, gets every request that is due meanwhile: those that are still under way at
 * the end, when they are answered. A call that fails, or an empty reply, fails it; CANCELLED: SIGINT or SIGTERM came.
 */
enum lf_code lf_paced_run(
	struct lf_paced *paced, double seconds, uint64_t *number, struct lf_paced_times *times, struct lf_error *error);
/* Sends nothing more, and waits until all is answered. Fails as lf_paced_run() does. */
enum lf_code lf_paced_end(struct lf_paced *paced, struct lf_error *error);
/* Requests answered so far. */
uint64_t lf_paced_answers(const struct lf_paced *paced);

#endif
