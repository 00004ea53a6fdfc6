#include "client/views/access_page.h"

#include <inttypes.h>
#include <string.h>

static const char *short_method(const char *method)
{
	static const char prefix[] = "leadfit.v1.";

	return strncmp(method, prefix, sizeof(prefix) - 1) == 0 ? method + sizeof(prefix) - 1 : method;
}

static void add_line(struct lf_table *table, const struct lf_looks_line *line)
{
	char first[LF_TIME_BYTES], last[LF_TIME_BYTES];

	lf_time_print(line->first, first);
	lf_time_print(line->last, last);
	lf_table_line(table, LF_PLAIN);
	lf_table_cell(table, 0, "%s", line->caller);
	lf_table_cell(table, 1, "%s", short_method(line->method));
	lf_table_cell(table, 2, "%s", line->code);
	lf_table_cell(table, 3, "%" PRIu64, line->calls);
	if (line->decisions > 0)
		lf_table_cell(table, 4, "%" PRIu64, line->decisions);
	lf_table_cell(table, 5, "%s", line->recorded ? "each" : "by minute");
	lf_table_cell(table, 6, "%.16s", first);
	lf_table_cell(table, 7, "%.16s", last);
}

void lf_access_print(struct lf_page *page, const struct lf_looks *looks)
{
	struct lf_table table;

	lf_table_init(&table, page);
	lf_table_column(&table, "caller", LF_COLUMN_CUT);
	lf_table_column(&table, "method", LF_COLUMN_CUT);
	lf_table_column(&table, "answer", 0);
	lf_table_column(&table, "calls", LF_COLUMN_RIGHT);
	lf_table_column(&table, "decisions", LF_COLUMN_RIGHT);
	lf_table_column(&table, "recorded", 0);
	lf_table_column(&table, "first (UTC)", 0);
	lf_table_column(&table, "last (UTC)", 0);
	for (size_t i = 0; i < looks->count; i++)
		add_line(&table, &looks->lines[i]);
	lf_table_finish(&table, true);
	if (looks->count == 0)
		lf_page_add(page, LF_PLAIN, "Nobody is on record.\n");
	if (looks->others > 0)
		lf_page_add(page, LF_PLAIN,
			"%" PRIu64 " calls more are counted without caller and method: there were too many different "
			"ones in their minutes.\n",
			looks->others);
	if (looks->pruned > 0)
		lf_page_add(
			page, LF_PLAIN, "%" PRIu64 " records were pruned: whom they told of is gone.\n", looks->pruned);
}
