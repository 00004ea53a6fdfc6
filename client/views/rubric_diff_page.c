/* What differs between two rubrics: as a page, and as JSON. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "client/calc/figures.h"
#include "client/views/rubric_diff_page.h"
#include "proto/base/buffer.h"

static const char *title_of(const char *section)
{
	static const char *const titles[][2] = {{"name", "Name and description"}, {"title", "Name and description"},
		{"description", "Name and description"}, {"scale", "Scale and evidence"},
		{"half_life_days", "Scale and evidence"}, {"sources", "Scale and evidence"},
		{"disciplines", "Disciplines"}, {"traits", "Traits"}, {"criteria", "Criteria"}, {"gates", "Gates"},
		{"expertise", "Rules"}, {"aggregation", "Rules"}, {"robustness", "Rules"}, {"thresholds", "Rules"},
		{"scenarios", "Scenarios"}};

	for (size_t i = 0; i < sizeof(titles) / sizeof(*titles); i++)
		if (strcmp(titles[i][0], section) == 0)
			return titles[i][1];
	return section;
}

/* Whether a share, as it is printed, differs between the two. */
static bool share_differs(const struct lf_share_change *share)
{
	return isnan(share->old_share) != isnan(share->new_share) ||
		fabs(share->old_share - share->new_share) >= 0.0005;
}

static void percent(double share, char out[16])
{
	if (isnan(share))
		snprintf(out, 16, "-");
	else
		snprintf(out, 16, "%.1f%%", lf_rounded(share * 100, 1));
}

static void print_shares(struct lf_page *page, const struct lf_rubric_diff *diff)
{
	bool differ = false;
	struct lf_table table;

	for (size_t i = 0; i < diff->share_count; i++)
		differ = differ || share_differs(&diff->shares[i]);
	if (!differ)
		return;
	lf_page_add(page, LF_PLAIN, "\n");
	lf_page_add(page, LF_BOLD, "Share of weight, for the traits' defaults");
	lf_page_add(page, LF_PLAIN, "\n");
	lf_table_init(&table, page);
	lf_table_column(&table, "criterion", LF_COLUMN_CUT);
	lf_table_column(&table, "old", LF_COLUMN_RIGHT);
	lf_table_column(&table, "new", LF_COLUMN_RIGHT);
	lf_table_column(&table, "change", LF_COLUMN_RIGHT);
	for (size_t i = 0; i < diff->share_count; i++) {
		const struct lf_share_change *share = &diff->shares[i];
		char text[16];

		lf_table_line(&table, share_differs(share) ? LF_PLAIN : LF_DIM);
		lf_table_cell(&table, 0, "%s", share->criterion);
		percent(share->old_share, text);
		lf_table_cell(&table, 1, "%s", text);
		percent(share->new_share, text);
		lf_table_cell(&table, 2, "%s", text);
		if (share_differs(share) && !isnan(share->old_share) && !isnan(share->new_share))
			lf_table_cell(&table, 3, "%+.1f", lf_rounded((share->new_share - share->old_share) * 100, 1));
	}
	lf_table_finish(&table, true);
}

/* What follows for the answers, where that is nothing. */
static void print_effect(struct lf_page *page, const struct lf_rubric_diff *diff)
{
	bool scores = false, only_order = true;

	for (size_t i = 0; i < diff->count; i++) {
		scores = scores || diff->changes[i].scores;
		only_order = only_order && diff->changes[i].kind == LF_RUBRIC_REORDERED;
	}
	if (!scores)
		lf_page_add(page, LF_PLAIN, "\n%s\n",
			only_order ? "Only the order in which things are listed differs: no score changes."
				   : "Only texts, scenarios or their order differ: no score changes.");
}

void lf_rubric_diff_print(struct lf_page *page, const struct lf_rubric_diff *diff)
{
	const char *title = "";

	if (diff->count == 0) {
		lf_page_add(page, LF_PLAIN, "The two say the same.\n");
		return;
	}
	for (size_t i = 0; i < diff->count; i++) {
		const char *next = title_of(diff->changes[i].section);

		if (strcmp(title, next) != 0) {
			lf_page_add(page, LF_PLAIN, "\n");
			lf_page_add(page, LF_BOLD, "%s", next);
			lf_page_add(page, LF_PLAIN, "\n");
		}
		title = next;
		lf_page_item(page, diff->changes[i].words);
	}
	print_shares(page, diff);
	print_effect(page, diff);
}

static void append_number(struct lf_buffer *out, double share)
{
	char number[32] = "null";

	if (!isnan(share))
		lf_print_double(share, number);
	lf_buffer_append_text(out, number);
}

static void append_string(struct lf_buffer *out, const char *name, const char *text)
{
	lf_buffer_append_text(out, name);
	lf_json_print_string(text, out);
}

void lf_rubric_diff_json(const struct lf_rubric_diff *diff, struct lf_buffer *out)
{
	static const char *const kinds[] = {[LF_RUBRIC_CHANGED] = "CHANGED",
		[LF_RUBRIC_ADDED] = "ADDED",
		[LF_RUBRIC_REMOVED] = "REMOVED",
		[LF_RUBRIC_REORDERED] = "REORDERED"};

	lf_buffer_append_text(out, "  \"changes\": [");
	for (size_t i = 0; i < diff->count; i++) {
		const struct lf_rubric_change *change = &diff->changes[i];

		append_string(out, i == 0 ? "\n    {\"path\": " : ",\n    {\"path\": ", change->path);
		append_string(out, ", \"kind\": ", kinds[change->kind]);
		lf_buffer_append_text(out, ", \"old\": ");
		lf_buffer_append_text(out, change->old_json == NULL ? "null" : change->old_json);
		lf_buffer_append_text(out, ", \"new\": ");
		lf_buffer_append_text(out, change->new_json == NULL ? "null" : change->new_json);
		lf_buffer_append_text(out, change->scores ? ", \"scores\": true" : ", \"scores\": false");
		append_string(out, ", \"text\": ", change->words);
		lf_buffer_append_text(out, "}");
	}
	lf_buffer_append_text(out, diff->count > 0 ? "\n  ],\n  \"weights\": [" : "],\n  \"weights\": [");
	for (size_t i = 0; i < diff->share_count; i++) {
		append_string(
			out, i == 0 ? "\n    {\"criterion\": " : ",\n    {\"criterion\": ", diff->shares[i].criterion);
		lf_buffer_append_text(out, ", \"old\": ");
		append_number(out, diff->shares[i].old_share);
		lf_buffer_append_text(out, ", \"new\": ");
		append_number(out, diff->shares[i].new_share);
		lf_buffer_append_text(out, "}");
	}
	lf_buffer_append_text(out, diff->share_count > 0 ? "\n  ]\n" : "]\n");
}
