/* The two clocks: what time it is, and how long something took. */
#ifndef LF_PROTO_BASE_CLOCK_H
#define LF_PROTO_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Nanoseconds of the monotonic clock: only differences mean anything. Any thread. */
uint64_t lf_clock_ns(void);
/* The same in milliseconds. */
uint64_t lf_clock_ms(void);
/* Seconds since an earlier lf_clock_ns(). */
double lf_clock_seconds_since(uint64_t earlier_ns);
/* Microseconds since 1970, UTC, by the wall clock. It may be set back. */
int64_t lf_clock_wall_us(void);
/* Microseconds of a clock that nobody sets, and that runs while the machine sleeps: only differences mean anything. */
int64_t lf_clock_elapsed_us(void);
/* The instant so many nanoseconds from now, for pthread_cond_timedwait() on a condition of lf_cond_init(). */
struct timespec lf_clock_after_ns(uint64_t ns);

#endif
