/* Instants: microseconds since 1970, UTC, and Timestamp messages. Pure functions; any thread. */
#ifndef LF_SERVICE_DECIDE_TIME_H
#define LF_SERVICE_DECIDE_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "google/protobuf/timestamp.pb-c.h"
#include "proto/base/arena.h"

/* A Timestamp message in arena, NULL where that is exhausted. */
Google__Protobuf__Timestamp *lf_timestamp_new(int64_t microseconds, struct lf_arena *arena);
/*
 * Microseconds since 1970 of a Timestamp (the rest of its nanoseconds is dropped). false outside years 1..9999, or of
 * nanos.
 */
bool lf_timestamp_read(const Google__Protobuf__Timestamp *timestamp, int64_t *microseconds);

/* Whole seconds of microseconds since 1970, rounded down. */
static inline int64_t lf_seconds_of(int64_t microseconds)
{
	return microseconds / 1000000 - (microseconds % 1000000 < 0);
}

/* Days since 1970-01-01 of an instant in seconds (rounded down). */
static inline int32_t lf_day_of(int64_t seconds)
{
	return (int32_t)(seconds / 86400 - (seconds % 86400 < 0));
}

#endif
