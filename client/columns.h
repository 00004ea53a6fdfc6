/* Decisions as rows of flat columns, as an export to CSV has them. */
#ifndef LF_CLIENT_COLUMNS_H
#define LF_CLIENT_COLUMNS_H

#include "leadfit/v1/decisions.pb-c.h"
#include "proto/json.h"
#include "proto/status.h"

enum { LF_COLUMNS_MAX = 32 };

struct lf_columns {
	unsigned char items[LF_COLUMNS_MAX]; /* places in the table of all columns */
	size_t count;
	bool whole; /* one of them is not among what a brief export has */
};

/* Names by commas, each once; NULL: those that a brief export has. INVALID_ARGUMENT names the option --columns. */
enum lf_code lf_columns_parse(struct lf_columns *columns, const char *list, struct lf_error *error);
/* Appends the names, parted by commas. */
void lf_columns_names(const struct lf_columns *columns, struct lf_buffer *out);
/* Appends one row, with its line end. */
void lf_columns_row(const struct lf_columns *columns, const Leadfit__V1__ExportedDecision *exported, struct lf_buffer *out);

#endif
