/*
 * Spreadsheets as packages: zip files with XML in them (.xlsx, .ods). Bounded: a part has at most
 * LF_PACKAGE_PART_BYTES_MAX, however small it is packed; there are no document types, so no entities; what is read lives
 * in an arena with a limit.
 */
#ifndef LF_CLIENT_SHEETS_PACKAGE_H
#define LF_CLIENT_SHEETS_PACKAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "client/sheets/sheet.h"

enum { LF_PACKAGE_PART_BYTES_MAX = 64 * 1024 * 1024, LF_PACKAGE_ROWS_MAX = 1048576 };

struct lf_package;

/* Names are as they stand, with their prefix; attributes are names and values in turn, ended by NULL. */
struct lf_xml_handlers {
	void (*begin)(void *context, const char *name, const char **attributes);
	void (*end)(void *context, const char *name);
	void (*text)(void *context, const char *text, size_t length);
};

/* Opens a package in memory, which outlives it. NULL where it is none. */
struct lf_package *lf_package_open(const char *bytes, size_t length);
void lf_package_close(struct lf_package *package);
bool lf_package_has(struct lf_package *package, const char *part);
/*
 * Reads a part, calling the handlers until the sheet's error is set. What is wrong with it goes into that error: it is not
 * there, is too large, has a password, is no XML, or has a document type. false then.
 */
bool lf_package_read(struct lf_package *package, const char *part, struct lf_sheet *sheet,
	const struct lf_xml_handlers *handlers, void *context);

/* A name without its prefix. */
const char *lf_xml_local(const char *name);
/* The value of an attribute: by its whole name, and by its name without prefix. NULL where it is not there. */
const char *lf_xml_attribute(const char **attributes, const char *name);
const char *lf_xml_local_attribute(const char **attributes, const char *local);

/* ---- for the readers of cells ---- */

/* A row that is being read. Zeroed: nothing is read. */
struct lf_row_builder {
	struct lf_sheet *sheet;
	const char *cells[LF_SHEET_COLUMNS_MAX + 1];
	size_t count;  /* of cells so far */
	size_t number; /* of the row */
};

/* Puts text into a column; cells before it that were left out are empty. Beyond the last column, it is the one too many. */
void lf_row_put(struct lf_row_builder *row, size_t column, const char *text, size_t length);
/* Adds the row to the sheet, and empties it. */
void lf_row_end(struct lf_row_builder *row);

#endif
