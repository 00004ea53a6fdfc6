/*
 * Text by RFC 4180, and as spreadsheets write it, as a sheet. Cells are separated by commas, semicolons or tabs: by what
 * a first line "sep=;" says, else by that of which the first line has most outside quotes. Lines end in LF, CRLF or CR. A
 * quote begins a quoted cell where nothing but spaces is before it.
 */
#ifndef LF_CLIENT_SHEETS_CSV_ROWS_H
#define LF_CLIENT_SHEETS_CSV_ROWS_H

#include <stdbool.h>
#include <stddef.h>

#include "client/sheets/sheet.h"

/*
 * Reads all of the text, which is valid UTF-8, into sheet, which is set up with arena, error and notes. A separator other
 * than a comma is noted. What is wrong is in the error, by cell: a quote that is never closed, a quote within a cell that
 * does not begin with one, text after a closing quote, a row with more cells than the first one, too many columns.
 */
void lf_csv_read(struct lf_sheet *sheet, const char *text, size_t length);

/* Whether the text's first line has a separator before any ':', or says which one there is, as a header has it. */
bool lf_csv_looks_like(const char *text);

#endif
