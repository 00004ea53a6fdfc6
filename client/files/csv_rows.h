/*
 * Text by RFC 4180 as rows of cells. A row is one record; it may span lines inside quotes, and is known by the line on
 * which it begins.
 */
#ifndef LF_CLIENT_FILES_CSV_ROWS_H
#define LF_CLIENT_FILES_CSV_ROWS_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/base/arena.h"
#include "proto/base/status.h"

/* Set up with at, end, line 1, arena and error. */
struct lf_csv_reader {
	const char *at, *end;
	size_t line;
	struct lf_arena *arena;
	struct lf_error *error;
	bool failed; /* memory ran out, or quotes are broken: stop */
};

/* Adds what is wrong with a line; its field is "line N". */
void lf_csv_fault(struct lf_csv_reader *reader, size_t line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Zeroed memory of the arena; NULL, with failed set and RESOURCE_EXHAUSTED in the error, where there is none. */
void *lf_csv_take(struct lf_csv_reader *reader, size_t count, size_t size);
char *lf_csv_copy(struct lf_csv_reader *reader, const char *text, size_t length);
/*
 * Reads the next row that is not empty: at most cells_max cells, which live in the arena. Returns how many it has
 * (those beyond cells_max too), 0 at the end or on failure. *line: where it begins.
 */
size_t lf_csv_row(struct lf_csv_reader *reader, char **cells, size_t cells_max, size_t *line);

#endif
