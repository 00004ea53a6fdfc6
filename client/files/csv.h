/* Cells of CSV that are written. */
#ifndef LF_CLIENT_FILES_CSV_H
#define LF_CLIENT_FILES_CSV_H

#include "proto/base/buffer.h"

/*
 * What a file for Excel begins with: by a byte order mark it knows UTF-8. All else that it needs (CRLF, no formulas) every
 * CSV of ours has.
 */
#define LF_CSV_EXCEL "\xef\xbb\xbf"

/*
 * Appends a text as a cell of RFC 4180: quoted where it must be. One that a spreadsheet could take for a formula (it
 * begins with = + - @, one of their fullwidth forms, a tab or a line end) gets an apostrophe in front, and so does one
 * that begins with an apostrophe: taking one leading apostrophe away gives every text back. Not for numbers.
 */
void lf_csv_text(struct lf_buffer *out, const char *text);

#endif
