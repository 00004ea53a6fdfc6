/*
 * One measurement of a closed loop: so many slots, each with one request in flight, started again as soon as it is
 * answered. The meter counts, takes latencies, and reads the CPU clocks of both sides. Plain C types only: the gRPC
 * floor is C++.
 */
#ifndef LF_BENCH_METER_H
#define LF_BENCH_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What one measurement of requests and replies gave. */
struct lf_load {
	double requests_per_s;
	double p50_us, p99_us, p999_us; /* from the start of a request to its reply in the caller's hands */
	double server_cpu_us;           /* CPU time of the server process, a request */
	double client_cpu_us;           /* CPU time of this process, a request */
	double server_switches;         /* context switches of the server's threads, a request */
	double reply_bytes;             /* mean */
	uint64_t first,
		last; /* number of requests answered when the window began and ended, since the meter was made */
};

struct lf_meter;

/* NULL where memory ran out. */
struct lf_meter *lf_meter_new(void);
/* How many answers a window has at the least, in place of 20: fewer where an answer takes long. Before it runs. */
void lf_meter_expect(struct lf_meter *meter, unsigned answers);
/* No slot may be running. */
void lf_meter_destroy(struct lf_meter *meter);

/* ---- for a slot: any thread, never block ---- */

/* Before the first request of each slot. */
void lf_meter_enter(struct lf_meter *meter);
/* Nanoseconds, monotonic: when a request starts. */
uint64_t lf_meter_now_ns(void);
/* A request that started then was answered with so many bytes. Whether the slot should start another; if not, it
 * leaves. */
bool lf_meter_answered(struct lf_meter *meter, uint64_t started_ns, size_t reply_bytes);
/* A request failed: the measurement fails with the first such text. The slot then leaves. */
void lf_meter_failed(struct lf_meter *meter, const char *text);
/* The slot has no request in flight and starts none. */
void lf_meter_leave(struct lf_meter *meter);

/* ---- for the main thread ---- */

/*
 * With the slots running: lets a quarter of the time pass, measures for that many seconds (longer, up to 20, until 20
 * requests are answered, see lf_meter_expect()), tells the slots to stop, and waits until all have left (at most 20 s).
 * Returns NULL, or what failed (valid as long as the meter). SIGINT and SIGTERM, which must be blocked in every thread,
 * end it early as a failure.
 */
const char *lf_meter_run(struct lf_meter *meter, pid_t server, double seconds, struct lf_load *load);

/* Answers so far. */
uint64_t lf_meter_answers(struct lf_meter *meter);
/* Tells the slots to stop, without a measurement, and waits as above. Returns what failed, or NULL. */
const char *lf_meter_stop(struct lf_meter *meter);

/* Of a process, all threads that ever ran. 0 where it is gone. */
double lf_process_cpu_us(pid_t pid);
/* Of its living threads. */
uint64_t lf_process_switches(pid_t pid);
/* Highest resident size so far. */
uint64_t lf_process_peak_bytes(pid_t pid);
/* Resident size, and open file descriptors, now. */
uint64_t lf_process_resident_bytes(pid_t pid);
uint64_t lf_process_descriptors(pid_t pid);
/* Sleeps. false: SIGINT or SIGTERM came. */
bool lf_sleep_seconds(double seconds);

#ifdef __cplusplus
}
#endif

#endif
