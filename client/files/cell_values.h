/* What a cell's text means: numbers, dates and names, as people and their spreadsheets write them. */
#ifndef LF_CLIENT_FILES_CELL_VALUES_H
#define LF_CLIENT_FILES_CELL_VALUES_H

#include <stdbool.h>

#include "client/files/names.h"
#include "client/sheets/sheet.h"

/* A cell that is read: where it is, and what its column is called in messages. */
struct lf_cell_at {
	struct lf_sheet *sheet;
	size_t row, column; /* number of the row; column from 0 */
	const char *what;   /* "rating" */
};

struct lf_range {
	double min, max;
	bool known;
	bool percent; /* 80% is 0.8 */
};

/* Each returns false, or NULL, having added to the sheet's error what is wrong and what is expected. */

/* A number within the range: 4.5, also 4,5 where that can mean nothing else. */
bool lf_cell_number(const struct lf_cell_at *at, const char *text, struct lf_range range, double *value);
/*
 * A date as YYYY-MM-DD in the sheet's arena: written so (a time of day behind it is left out), or as format says, a text
 * that lf_date_format_check() takes; NULL: none.
 */
const char *lf_cell_date(const struct lf_cell_at *at, const char *text, const char *format);
/* The id that text means; text itself where the names are not known, or any will do. */
const char *lf_cell_name_of(const struct lf_cell_at *at, const char *text, const struct lf_names *names, bool any);

/* Whether a text says how dates are written: D or DD, M, MM or MMM (Jan), YY or YYYY, each once, parted by . / - or spaces. */
bool lf_date_format_check(const char *format);

#endif
