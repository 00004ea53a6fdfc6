#include "client/files/impact_csv.h"

#include <inttypes.h>
#include <math.h>

#include "client/calc/figures.h"
#include "client/files/csv.h"

static void add_number(struct lf_buffer *out, double value)
{
	lf_buffer_append_text(out, ",");
	if (!isnan(value))
		lf_text_add_number(out, value);
}

static void add_row(
	struct lf_buffer *out, const struct lf_groups *groups, const struct lf_impact_table *table, size_t c)
{
	const struct lf_impact_category *category = &table->categories[c];
	struct lf_buffer text = {0};

	lf_impact_title(groups, table, &text);
	lf_csv_text(out, text.data == NULL ? "" : text.data);
	text.length = 0;
	lf_impact_name(groups, table, category->categories, &text);
	lf_buffer_append_text(out, ",");
	lf_csv_text(out, text.data == NULL ? "" : text.data);
	out->failed = out->failed || text.failed;
	lf_buffer_clean_up(&text);
	lf_text_add(out, ",%" PRIu64 ",%s", category->count, category->small ? "yes" : "no");
	for (size_t m = 0; m < LF_MEASURES; m++) {
		const struct lf_impact_rate *rate = &category->rates[m];

		lf_text_add(out, ",%" PRIu64, rate->hits);
		add_number(out, rate->rate);
		add_number(out, rate->ratio);
		lf_text_add(out, ",%s", isnan(rate->ratio) ? "" : rate->below ? "yes" : "no");
		lf_text_add(out, ",%s", table->references[m] == c ? "yes" : "no");
		add_number(out, rate->p);
		add_number(out, rate->p_least);
	}
	lf_buffer_append_text(out, "\r\n");
}

void lf_impact_csv(struct lf_buffer *out, const struct lf_groups *groups, const struct lf_impact *impact)
{
	lf_buffer_append_text(out, "dimension,category,assessed,under_2_percent");
	for (size_t m = 0; m < LF_MEASURES; m++) {
		const char *name = lf_impact_measure_name((enum lf_measure)m);

		lf_text_add(out,
			",%s,%s_rate,%s_impact_ratio,%s_below_four_fifths,%s_reference,%s_fisher_p,%s_fisher_least_p",
			m == LF_SELECTION ? "selected" : "above_median", name, name, name, name, name, name);
	}
	lf_buffer_append_text(out, "\r\n");
	for (size_t t = 0; t < impact->table_count; t++) {
		const struct lf_impact_table *table = &impact->tables[t];
		struct lf_buffer title = {0};

		for (size_t c = 0; c < table->count; c++)
			add_row(out, groups, table, c);
		lf_impact_title(groups, table, &title);
		lf_csv_text(out, title.data == NULL ? "" : title.data);
		out->failed = out->failed || title.failed;
		lf_buffer_clean_up(&title);
		lf_text_add(out, ",(unknown),%" PRIu64 ",,,,,,,,,,,,,,,\r\n", table->unknown);
	}
}
