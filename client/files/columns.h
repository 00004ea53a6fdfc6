/* Decisions as rows of flat columns, as CSV has them: of an export, or of a batch. */
#ifndef LF_CLIENT_FILES_COLUMNS_H
#define LF_CLIENT_FILES_COLUMNS_H

#include "leadfit/v1/decisions.pb-c.h"
#include "proto/base/buffer.h"
#include "proto/text/json.h"
#include "proto/base/status.h"

enum { LF_COLUMNS_MAX = 32, LF_COLUMNS_ERROR_BYTES = 600 /* with "CODE: " */ };

struct lf_columns {
	unsigned char items[LF_COLUMNS_MAX]; /* places in the table of all columns */
	size_t count;
	bool whole; /* one of them is not among what a brief export, or a summary, has */
};

/* What a row is made of. */
struct lf_row {
	uint64_t number;                       /* sequence in the log, or line of the input */
	const Leadfit__V1__Decision *decision; /* NULL: there is none */
	const char *error;                     /* why; NULL: there is one. At most LF_COLUMNS_ERROR_BYTES */
};

/* Names by commas, each once; NULL: those that a brief export has. INVALID_ARGUMENT names the option --columns. */
enum lf_code lf_columns_parse(struct lf_columns *columns, const char *list, struct lf_error *error);
/*
 * The same for a batch: line and error instead of sequence; NULL: those that tell what is in a summary. error is always
 * among them, as the last where list has it not: a row without a decision has to say why.
 */
enum lf_code lf_columns_parse_batch(struct lf_columns *columns, const char *list, struct lf_error *error);
/* The place of the column error. */
size_t lf_columns_error(const struct lf_columns *columns);
/* Appends the names, parted by commas. */
void lf_columns_names(const struct lf_columns *columns, struct lf_buffer *out);
/* Appends one row, with its line end, which is the only one in it. */
void lf_columns_row(const struct lf_columns *columns, const struct lf_row *row, struct lf_buffer *out);

#endif
