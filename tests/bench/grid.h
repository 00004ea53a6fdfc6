/* A table that grows by rows and is printed as it does, or, at the end, as JSON. */
#ifndef LF_BENCH_GRID_H
#define LF_BENCH_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "tests/bench/report/machine.h"

enum { LF_GRID_COLUMNS_MAX = 12, LF_GRID_LABEL_BYTES = 24 };

struct lf_grid_column {
	const char *title;
	const char *name; /* in JSON */
	int digits;       /* behind the point */
};

struct lf_grid_row {
	char label[LF_GRID_LABEL_BYTES];
	double values[LF_GRID_COLUMNS_MAX];
};

/* Storage is the caller's; it sets the first part, the rest to 0. */
struct lf_grid {
	const char *title, *name, *note; /* note: below the table, NULL = none */
	const struct lf_grid_column *columns;
	size_t column_count;

	struct lf_grid_row *rows;
	size_t row_count, row_max;
};

/* Title and head of the columns; out NULL: not printed. */
void lf_grid_begin(const struct lf_grid *grid, FILE *out);
/* Keeps a row, and prints it. false where memory ran out. */
bool lf_grid_add(struct lf_grid *grid, const struct lf_grid_row *row, FILE *out);
void lf_grid_end(const struct lf_grid *grid, FILE *out);
void lf_grid_clean_up(struct lf_grid *grid);

/* Median of one column over some rows. */
double lf_grid_median(const struct lf_grid_row *rows, size_t count, size_t column);
/* Of one column over some rows (at least one). */
enum lf_grid_spread { LF_GRID_LOWEST, LF_GRID_MEDIAN, LF_GRID_HIGHEST, LF_GRID_SPREADS };
double lf_grid_spread(const struct lf_grid_row *rows, size_t count, size_t column, enum lf_grid_spread which);

/* Machine, versions, and all grids. false where memory ran out or out can't be written. */
bool lf_grids_json(const struct lf_machine *machine, const struct lf_grid *const *grids, size_t count, FILE *out);

#endif
