#include "tests/bench/grid.h"

#include <jansson.h>
#include <stdlib.h>

#include "tests/bench/report/report.h"

enum { WIDTH = 13 };

void lf_grid_begin(const struct lf_grid *grid, FILE *out)
{
	if (out == NULL)
		return;
	fprintf(out, "\n%s\n%-*s", grid->title, LF_GRID_LABEL_BYTES - 1, "");
	for (size_t c = 0; c < grid->column_count; c++)
		fprintf(out, " %*s", WIDTH, grid->columns[c].title);
	fputc('\n', out);
	fflush(out);
}

bool lf_grid_add(struct lf_grid *grid, const struct lf_grid_row *row, FILE *out)
{
	if (grid->row_count == grid->row_max) {
		const size_t more = grid->row_max == 0 ? 16 : 2 * grid->row_max;
		struct lf_grid_row *grown = realloc(grid->rows, more * sizeof(*grown));

		if (grown == NULL)
			return false;
		grid->rows = grown;
		grid->row_max = more;
	}
	grid->rows[grid->row_count++] = *row;
	if (out == NULL)
		return true;
	fprintf(out, "    %-*s", LF_GRID_LABEL_BYTES - 5, row->label);
	for (size_t c = 0; c < grid->column_count; c++)
		fprintf(out, " %*.*f", WIDTH, grid->columns[c].digits, row->values[c]);
	fputc('\n', out);
	fflush(out); /* a row may come once a minute */
	return true;
}

void lf_grid_end(const struct lf_grid *grid, FILE *out)
{
	if (out != NULL && grid->note != NULL)
		fprintf(out, "    %s\n", grid->note);
}

void lf_grid_clean_up(struct lf_grid *grid)
{
	free(grid->rows);
	grid->rows = NULL;
	grid->row_count = grid->row_max = 0;
}

static int compare(const void *a, const void *b)
{
	const double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

double lf_grid_median(const struct lf_grid_row *rows, size_t count, size_t column)
{
	double *values = calloc(count, sizeof(*values)), median = 0;

	if (values == NULL)
		return 0;
	for (size_t i = 0; i < count; i++)
		values[i] = rows[i].values[column];
	qsort(values, count, sizeof(*values), compare);
	if (count > 0)
		median = count % 2 == 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
	free(values);
	return median;
}

double lf_grid_spread(const struct lf_grid_row *rows, size_t count, size_t column, enum lf_grid_spread which)
{
	double value = rows[0].values[column];

	if (which == LF_GRID_MEDIAN)
		return lf_grid_median(rows, count, column);
	for (size_t i = 1; i < count; i++)
		if (which == LF_GRID_LOWEST ? rows[i].values[column] < value : rows[i].values[column] > value)
			value = rows[i].values[column];
	return value;
}

static json_t *grid_json(const struct lf_grid *grid)
{
	json_t *rows = json_array();

	for (size_t r = 0; r < grid->row_count; r++) {
		json_t *row = json_pack("{s:s}", "label", grid->rows[r].label);

		for (size_t c = 0; c < grid->column_count; c++)
			json_object_set_new(row, grid->columns[c].name, json_real(grid->rows[r].values[c]));
		if (json_array_append_new(rows, row) != 0) {
			json_decref(rows);
			return NULL;
		}
	}
	return rows;
}

bool lf_grids_json(const struct lf_machine *machine, const struct lf_grid *const *grids, size_t count, FILE *out)
{
	json_t *root = json_object();
	bool good = lf_report_put_machine(root, machine);

	for (size_t i = 0; i < count; i++)
		good = good && json_object_set_new(root, grids[i]->name, grid_json(grids[i])) == 0;
	good = good && json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(10)) == 0 &&
		fputc('\n', out) != EOF && fflush(out) == 0;
	json_decref(root);
	return good;
}
