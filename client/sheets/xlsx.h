/* Spreadsheets of Excel (.xlsx, Office Open XML). */
#ifndef LF_CLIENT_SHEETS_XLSX_H
#define LF_CLIENT_SHEETS_XLSX_H

#include "client/sheets/package.h"

/* Whether a package is one. */
bool lf_xlsx_is(struct lf_package *package);
/*
 * Reads the first worksheet into sheet, which is set up with arena, error and notes. Where there are others, that is noted.
 * Numbers that are shown as dates become YYYY-MM-DD; of formulas the values that the file has. What is wrong is in the
 * error.
 */
void lf_xlsx_read(struct lf_package *package, struct lf_sheet *sheet);

#endif
