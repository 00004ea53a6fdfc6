/*
 * A table as spreadsheets have it: rows of cells of text, from whatever kind of file. A cell is known as people know it:
 * B7. What a sheet has lives in the arena of whoever read it.
 */
#ifndef LF_CLIENT_SHEETS_SHEET_H
#define LF_CLIENT_SHEETS_SHEET_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/base/arena.h"
#include "proto/base/buffer.h"
#include "proto/base/status.h"

enum {
	LF_SHEET_COLUMNS_MAX = 1024,
	LF_CELL_NAME_BYTES = 32,
};

struct lf_sheet_row {
	size_t number;      /* as the spreadsheet counts: from 1, empty rows too */
	size_t count;       /* of cells, up to the last that is not empty: at least 1 */
	size_t width;       /* of cells that the file has, empty ones too */
	const char **cells; /* valid UTF-8 without white space around; "" where empty */
};

/* Rows that are all empty are not among them. */
struct lf_sheet {
	struct lf_sheet_row *rows;
	size_t count, capacity;
	char separator; /* of CSV: ',' ';' or a tab; else '\0' */
	struct lf_arena *arena;
	struct lf_error *error;  /* violations by cell; RESOURCE_EXHAUSTED */
	struct lf_buffer *notes; /* lines: what the user should know of how the file was read */
};

/* Where a cell is; a row of a sheet and a column from 0. */
void lf_cell_name(size_t row_number, size_t column, char out[LF_CELL_NAME_BYTES]);
/* Adds what is wrong with a cell; its field is the cell's name. Nothing once memory ran out: that is why it seems wrong. */
void lf_cell_fault(struct lf_sheet *sheet, size_t row_number, size_t column, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* Whether a violation's field is a cell's name. */
bool lf_is_cell_name(const char *field);
/* The text of a cell, "" beyond the row's last. */
const char *lf_cell(const struct lf_sheet_row *row, size_t column);

/* lf_fold_name() in the sheet's arena. NULL, with RESOURCE_EXHAUSTED in the error, where memory ran out. */
const char *lf_sheet_fold_name(struct lf_sheet *sheet, const char *text);
/* Zeroed memory of the sheet's arena. NULL, with RESOURCE_EXHAUSTED in the error, where there is none. */
void *lf_sheet_take(struct lf_sheet *sheet, size_t count, size_t size);
/*
 * Adds a row of cells, which are copied as pointers; they are not NULL. Of more than LF_SHEET_COLUMNS_MAX cells one more is
 * there to be read. A row that is all empty is left out. false where memory ran out, or there are too many: stop then.
 */
bool lf_sheet_add(struct lf_sheet *sheet, size_t number, const char *const *cells, size_t count);
/*
 * Whether a row of CSV has more cells than that of the headings has: a separator stood in a cell without quotes, and what
 * follows it is not where it belongs. Adds that to the error.
 */
bool lf_sheet_too_wide(struct lf_sheet *sheet, const struct lf_sheet_row *row, const struct lf_sheet_row *header);
/* Text[0..length) as the content of a cell: without white space around. NULL where memory ran out. */
const char *lf_sheet_text(struct lf_sheet *sheet, const char *text, size_t length);

#endif
