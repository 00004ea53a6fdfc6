/* Spreadsheets of LibreOffice (.ods, OpenDocument). */
#ifndef LF_CLIENT_SHEETS_ODS_H
#define LF_CLIENT_SHEETS_ODS_H

#include "client/sheets/package.h"

/* Whether a package is one. */
bool lf_ods_is(struct lf_package *package);
/*
 * Reads the first table that has a cell into sheet, which is set up with arena, error and notes. Where there are others that
 * have cells, that is noted. What is wrong is in the error.
 */
void lf_ods_read(struct lf_package *package, struct lf_sheet *sheet);

#endif
