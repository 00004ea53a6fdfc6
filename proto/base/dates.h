/* Dates and instants as text. */
#ifndef LF_PROTO_BASE_DATES_H
#define LF_PROTO_BASE_DATES_H

#include <stdbool.h>
#include <stdint.h>

#pragma GCC visibility push(default) /* exported by libleadfit */

/*
 * RFC 3339 ("2026-05-01T12:00:00Z", any offset, 0..9 digits of a second), or "2026-05-01" (midnight UTC) → seconds and
 * nanoseconds since 1970. Years 1..9999. false where text is neither.
 */
bool lf_parse_instant(const char *text, int64_t *seconds, int32_t *nanos);
/* "YYYY-MM-DD", a real date → days since 1970-01-01. */
bool lf_parse_date(const char *text, int32_t *day);

enum { LF_TIME_TEXT_BYTES = 48 };
/*
 * An instant in microseconds since 1970 as "2026-05-01T12:00:00.123456Z". One that has no such date is given as its
 * number, "123 us".
 */
void lf_print_time(int64_t time_us, char text[LF_TIME_TEXT_BYTES]);

#pragma GCC visibility pop

#endif
