/* Calls counted by caller, method and code, a minute at a time: a table of bounded size. Locked by whoever owns it. */
#ifndef LF_SERVICE_ACCESS_COUNTS_H
#define LF_SERVICE_ACCESS_COUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/limits.h"
#include "proto/base/status.h"

enum { LF_ACCESS_ROWS_MAX = 256, LF_ACCESS_METHOD_BYTES = 128 };

struct lf_access_row {
	char caller[LF_ID_BYTES_MAX + 1];
	char method[LF_ACCESS_METHOD_BYTES];
	enum lf_code code;
	uint64_t calls;
};

/* All zero: empty. */
struct lf_access_counts {
	struct lf_access_row rows[LF_ACCESS_ROWS_MAX];
	size_t row_count;
	uint64_t others;                   /* calls for which there was no row */
	int64_t first_minute, last_minute; /* since 1970, of the calls; where there are any */
};

static inline bool lf_access_counts_empty(const struct lf_access_counts *counts)
{
	return counts->row_count == 0 && counts->others == 0;
}
/* Counts a call. What does not fit a row of its own counts as one of the others. Never blocks. */
void lf_access_counts_add(struct lf_access_counts *counts, const char *caller, const char *service, const char *method,
	enum lf_code code, int64_t minute);
/* How many calls were counted. */
uint64_t lf_access_counts_calls(const struct lf_access_counts *counts);
/* Empties it. */
void lf_access_counts_clear(struct lf_access_counts *counts);
/*
 * The body of its record, packed: calls answered in [from_us, until_us). malloc()ed; NULL where memory ran out.
 */
uint8_t *lf_access_counts_pack(
	const struct lf_access_counts *counts, int64_t from_us, int64_t until_us, size_t *length);

#endif
