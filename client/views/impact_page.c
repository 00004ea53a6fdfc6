#include "client/views/impact_page.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "client/calc/figures.h"
#include "proto/base/buffer.h"

/* Above it a difference is taken for chance, by custom. */
static const double significant = 0.05;

/* ---- for people ---- */

/*
 * Where some rows of a column have a mark behind the number, the others get as much room: the numbers stand below each
 * other.
 */
static bool has_few(const struct lf_impact_table *table, enum lf_measure measure)
{
	for (size_t c = 0; c < table->count; c++)
		if (table->categories[c].rates[measure].p_least >= significant)
			return true;
	return false;
}

static void print_rate(struct lf_table *table, size_t column, const struct lf_impact_category *category,
	enum lf_measure measure, bool reference, bool room)
{
	const struct lf_impact_rate *rate = &category->rates[measure];
	char number[LF_FIGURE_BYTES];

	lf_table_cell(table, column, "%" PRIu64, rate->hits);
	lf_figure(rate->rate, 3, number);
	lf_table_cell(table, column + 1, "%s", number);
	lf_figure(rate->ratio, 3, number);
	lf_table_cell(table, column + 2, "%s%s", isnan(rate->ratio) && category->small ? "<2%" : number,
		rate->below ? " !" : "  ");
	lf_figure_p(rate->p, number);
	lf_table_cell(table, column + 3, "%s%s", reference ? "ref" : number,
		rate->p_least >= significant ? " few"
			: room               ? "    "
					     : "");
}

static void print_rows(struct lf_page *page, const struct lf_groups *groups, const struct lf_impact_table *impact)
{
	struct lf_table table;

	lf_table_init(&table, page);
	lf_table_column(&table, "category", LF_COLUMN_CUT);
	lf_table_column(&table, "assessed", LF_COLUMN_RIGHT);
	for (size_t m = 0; m < LF_MEASURES; m++) {
		lf_table_column(&table, m == LF_SELECTION ? "selected" : "above", LF_COLUMN_RIGHT);
		lf_table_column(&table, "rate", LF_COLUMN_RIGHT);
		lf_table_column(&table, "ratio  ", LF_COLUMN_RIGHT);
		lf_table_column(&table, has_few(impact, (enum lf_measure)m) ? "p    " : "p", LF_COLUMN_RIGHT);
	}
	for (size_t c = 0; c < impact->count; c++) {
		const struct lf_impact_category *category = &impact->categories[c];
		struct lf_buffer name = {0};
		bool below;

		lf_impact_name(groups, impact, category->categories, &name);
		below = category->rates[LF_SELECTION].below || category->rates[LF_SCORING].below;
		lf_table_line(&table, below ? LF_WARN : LF_PLAIN);
		lf_table_cell(&table, 0, "%s", name.data == NULL ? "" : name.data);
		lf_table_cell(&table, 1, "%" PRIu64, category->count);
		for (size_t m = 0; m < LF_MEASURES; m++)
			print_rate(&table, 2 + 4 * m, category, (enum lf_measure)m, impact->references[m] == c,
				has_few(impact, (enum lf_measure)m));
		page->text.failed = page->text.failed || name.failed;
		lf_buffer_clean_up(&name);
	}
	lf_table_finish(&table, true);
}

/* "1 person was", "7 people were" */
static void add_people(struct lf_buffer *text, uint64_t count, const char *one, const char *many)
{
	lf_text_add(text, "%" PRIu64 " %s", count, count == 1 ? one : many);
}

/* "C", or "C; female, Asian": those of under 2% that have hits. Returns how many. */
static size_t add_small_hits(struct lf_buffer *text, const struct lf_groups *groups,
	const struct lf_impact_table *table, enum lf_measure measure)
{
	size_t count = 0;

	for (size_t c = 0; c < table->count; c++) {
		const struct lf_impact_category *category = &table->categories[c];

		if (!category->small || category->rates[measure].hits == 0)
			continue;
		lf_buffer_append_text(text, count++ == 0 ? "" : "; ");
		lf_impact_name(groups, table, category->categories, text);
	}
	return count;
}

/* Why no category has a ratio: the highest rate is 0. */
static void add_no_ratio(struct lf_buffer *text, const struct lf_groups *groups, const struct lf_impact *impact,
	const struct lf_impact_table *table, enum lf_measure measure)
{
	const char *happened = measure == LF_SELECTION ? "was selected" : "is above the median";
	static const char *const did[LF_MEASURES][2] = {{"were", "was"}, {"are", "is"}};
	struct lf_buffer small = {0};
	const size_t count = add_small_hits(&small, groups, table, measure);

	if (count > 0)
		lf_text_add(text,
			"Of the categories that can have a ratio nobody %s, so there is none; %s %s, and %s under "
			"2%%. ",
			happened, small.data == NULL ? "" : small.data, did[measure][count == 1],
			count == 1 ? "is" : "are");
	else if ((measure == LF_SELECTION ? impact->selected : impact->above) > 0)
		lf_text_add(text, "Nobody whose category is known %s: so there is no ratio. ", happened);
	else
		lf_text_add(text, "Nobody %s: so there is no ratio. ", happened);
	text->failed = text->failed || small.failed;
	lf_buffer_clean_up(&small);
}

/* What the rows leave open. */
static void print_remarks(struct lf_page *page, const struct lf_groups *groups, const struct lf_impact *impact,
	const struct lf_impact_table *table)
{
	struct lf_buffer text = {0};

	if (table->unknown > 0)
		add_people(&text, table->unknown, "assessment is left out: its category is not known. ",
			"assessments are left out: their category is not known. ");
	if (table->count == 1)
		lf_buffer_append_text(&text, "With one category there is nothing to compare. ");
	for (size_t m = 0; m < LF_MEASURES; m++)
		if (table->count > 1 && table->references[m] < table->count &&
			table->categories[table->references[m]].rates[m].hits == 0)
			add_no_ratio(&text, groups, impact, table, (enum lf_measure)m);
	lf_text_wrap(page, &text, "", "");
	lf_buffer_clean_up(&text);
}

static bool any(const struct lf_impact *impact, bool (*holds)(const struct lf_impact_category *category))
{
	for (size_t t = 0; t < impact->table_count; t++)
		for (size_t c = 0; c < impact->tables[t].count; c++)
			if (holds(&impact->tables[t].categories[c]))
				return true;
	return false;
}

static bool is_small(const struct lf_impact_category *category)
{
	return category->small;
}

static bool is_below(const struct lf_impact_category *category)
{
	return category->rates[LF_SELECTION].below || category->rates[LF_SCORING].below;
}

static bool is_few(const struct lf_impact_category *category)
{
	return category->rates[LF_SELECTION].p_least >= significant ||
		category->rates[LF_SCORING].p_least >= significant;
}

/* Several rubrics: what each one's scores are compared with. */
static void print_rubrics(struct lf_page *page, const struct lf_impact *impact)
{
	struct lf_buffer text = {0};
	char median[LF_FIGURE_BYTES];

	if (impact->rubric_count < 2)
		return;
	lf_text_add(&text,
		"%zu rubrics are counted together: each score is compared with the median under its own rubric. "
		"--rubric "
		"NAME counts one alone.",
		impact->rubric_count);
	lf_text_wrap(page, &text, "", "");
	for (size_t r = 0; r < impact->rubric_count; r++) {
		const struct lf_impact_rubric *rubric = &impact->rubrics[r];

		lf_figure(rubric->median, 3, median);
		lf_text_add(&text, "%s: median %s of ", rubric->name, median);
		add_people(&text, rubric->assessed, "assessment", "assessments");
		lf_text_item(page, &text);
	}
	lf_buffer_clean_up(&text);
}

static void print_sample(struct lf_page *page, const struct lf_impact *impact, const struct lf_impact_frame *frame)
{
	const bool mixed = impact->rubric_count > 1;
	struct lf_buffer text = {0};
	char median[LF_FIGURE_BYTES];

	add_people(&text, impact->assessed, "assessment of ", "assessments of ");
	add_people(&text, frame->people, "person in ", "people in ");
	add_people(&text, frame->decisions, "decision, the latest of each rubric, team and project",
		"decisions, the latest of each rubric, team and project");
	if (frame->superseded > 0)
		lf_text_add(&text, " (%" PRIu64 " earlier not counted)", frame->superseded);
	lf_buffer_append_text(&text, ". ");
	add_people(&text, impact->selected, "was selected: recommended. ", "were selected: recommended. ");
	add_people(&text, impact->above, "has a score strictly above the median of all",
		"have a score strictly above the median of all");
	if (!mixed)
		lf_figure(impact->rubrics[0].median, 3, median);
	lf_text_add(&text, "%s%s.", mixed ? " under the same rubric" : ", ", mixed ? "" : median);
	lf_text_wrap(page, &text, "", "");
	print_rubrics(page, impact);
	if (frame->not_in_file > 0)
		add_people(&text, frame->not_in_file,
			"person who was assessed is not in the file: categories unknown. ",
			"people who were assessed are not in the file: categories unknown. ");
	if (frame->not_assessed > 0)
		add_people(&text, frame->not_assessed, "person in the file was assessed in none of these decisions. ",
			"people in the file were assessed in none of these decisions. ");
	if (frame->erased > 0)
		add_people(&text, frame->erased,
			"decision has somebody who was erased since: their categories are unknown. ",
			"decisions have somebody who was erased since: their categories are unknown. ");
	if (frame->pruned > 0)
		add_people(&text, frame->pruned, "decision is left out: who was assessed was pruned since.",
			"decisions are left out: who was assessed was pruned since.");
	lf_text_wrap(page, &text, "", "");
	lf_buffer_clean_up(&text);
}

static void print_legend(struct lf_page *page, const struct lf_impact *impact, const struct lf_impact_frame *frame)
{
	lf_page_title(page, "How to read it");
	lf_page_item(page,
		"The unit is one person in one decision: who was a candidate in several counts in each. "
		"Such assessments are not "
		"independent, so p is smaller than it should be where people come back.");
	lf_page_item(page,
		"rate: selected, or above the median, of those assessed. ratio: the rate divided by the "
		"highest rate of the table (6 "
		"RCNY 5-300). p: Fisher's exact test, two-sided, against that category (ref).");
	if (any(impact, is_below))
		lf_page_item(page,
			"!: below four fifths of the highest rate, which is generally regarded as evidence "
			"of adverse impact (29 CFR "
			"1607.4(D)); with few people it can be chance: look at p.");
	if (any(impact, is_few))
		lf_page_item(page,
			"few: with so few people no outcome whatever could have made p less than 0.05. "
			"Nothing can be said.");
	if (any(impact, is_small) && !frame->small_too)
		lf_page_item(page,
			"<2%: fewer than 2% of the assessments of the table: no ratio, and not the highest "
			"rate (6 RCNY 5-301(d) allows to "
			"leave them out, and asks for the reason, the number and the rate). --small-too "
			"takes them in.");
	else if (any(impact, is_small))
		lf_page_item(
			page, "Categories of fewer than 2% of the assessments take part like any other (--small-too).");
	lf_page_item(page, "Many comparisons: of twenty without any difference, one has p below 0.05.");
}

void lf_impact_print(struct lf_page *page, const struct lf_groups *groups, const struct lf_impact *impact,
	const struct lf_impact_frame *frame)
{
	if (impact->assessed == 0) {
		lf_page_add(page, LF_PLAIN,
			frame->pruned > 0 ? "No decision matches that was not pruned.\n" : "No decision matches.\n");
		return;
	}
	print_sample(page, impact, frame);
	for (size_t t = 0; t < impact->table_count; t++) {
		const struct lf_impact_table *table = &impact->tables[t];
		struct lf_buffer title = {0};

		lf_buffer_append_text(&title, "By ");
		lf_impact_title(groups, table, &title);
		page->text.failed = page->text.failed || title.failed;
		lf_page_title(page, title.data == NULL ? "" : title.data);
		lf_buffer_clean_up(&title);
		if (table->count == 0)
			lf_page_add(page, LF_PLAIN, "No category of those assessed is known.\n");
		print_rows(page, groups, table);
		print_remarks(page, groups, impact, table);
	}
	print_legend(page, impact, frame);
}

/* ---- as JSON ---- */

static void add_measure(
	struct lf_buffer *out, const struct lf_impact_rate *rate, enum lf_measure measure, bool reference)
{
	lf_text_add(out, ",\n       \"%s\": {", lf_impact_measure_name(measure));
	lf_json_add_count(out, measure == LF_SELECTION ? "\"selected\": " : "\"aboveMedian\": ", rate->hits);
	lf_json_add_number(out, ", \"rate\": ", rate->rate);
	lf_json_add_number(out, ", \"impactRatio\": ", rate->ratio);
	lf_json_add_bool(out, ", \"belowFourFifths\": ", rate->below);
	lf_json_add_bool(out, ", \"reference\": ", reference);
	lf_json_add_number(out, ", \"fisherP\": ", rate->p);
	lf_json_add_number(out, ", \"fisherLeastP\": ", rate->p_least);
	lf_buffer_append_text(out, "}");
}

static void add_table(struct lf_buffer *out, const struct lf_groups *groups, const struct lf_impact_table *table)
{
	const char *before = "\"dimensions\": [";

	for (size_t d = 0; d < groups->dimension_count; d++) {
		if ((table->dimensions >> d & 1) == 0)
			continue;
		lf_json_add_text(out, before, groups->dimensions[d].name);
		before = ", ";
	}
	lf_json_add_count(out, "],\n     \"assessed\": ", table->known);
	lf_json_add_count(out, ", \"unknown\": ", table->unknown);
	lf_buffer_append_text(out, ", \"categories\": [");
	for (size_t c = 0; c < table->count; c++) {
		const struct lf_impact_category *category = &table->categories[c];

		before = c == 0 ? "\n      {\"category\": [" : ",\n      {\"category\": [";
		for (size_t d = 0; d < groups->dimension_count; d++) {
			if ((table->dimensions >> d & 1) == 0)
				continue;
			lf_json_add_text(out, before, groups->dimensions[d].categories[category->categories[d]]);
			before = ", ";
		}
		lf_json_add_count(out, "], \"assessed\": ", category->count);
		lf_json_add_bool(out, ", \"underTwoPercent\": ", category->small);
		for (size_t m = 0; m < LF_MEASURES; m++)
			add_measure(out, &category->rates[m], (enum lf_measure)m, table->references[m] == c);
		lf_buffer_append_text(out, "}");
	}
	lf_buffer_append_text(out, "]}");
}

void lf_impact_json(struct lf_buffer *out, const struct lf_groups *groups, const struct lf_impact *impact,
	const struct lf_impact_frame *frame)
{
	lf_json_add_count(out, "{\n  \"decisions\": ", frame->decisions);
	lf_json_add_count(out, ",\n  \"superseded\": ", frame->superseded);
	lf_json_add_count(out, ",\n  \"erased\": ", frame->erased);
	lf_json_add_count(out, ",\n  \"pruned\": ", frame->pruned);
	lf_json_add_count(out, ",\n  \"people\": ", frame->people);
	lf_json_add_count(out, ",\n  \"peopleNotInFile\": ", frame->not_in_file);
	lf_json_add_count(out, ",\n  \"peopleNotAssessed\": ", frame->not_assessed);
	lf_json_add_count(out, ",\n  \"assessed\": ", impact->assessed);
	lf_json_add_count(out, ",\n  \"selected\": ", impact->selected);
	lf_json_add_count(out, ",\n  \"aboveMedian\": ", impact->above);
	lf_json_add_number(out, ",\n  \"medianScore\": ", impact->rubric_count == 1 ? impact->rubrics[0].median : NAN);
	lf_buffer_append_text(out, ",\n  \"rubrics\": [");
	for (size_t r = 0; r < impact->rubric_count; r++) {
		lf_json_add_text(out, r == 0 ? "{\"rubric\": " : ", {\"rubric\": ", impact->rubrics[r].name);
		lf_json_add_count(out, ", \"assessed\": ", impact->rubrics[r].assessed);
		lf_json_add_number(out, ", \"medianScore\": ", impact->rubrics[r].median);
		lf_buffer_append_text(out, "}");
	}
	lf_buffer_append_text(out, "]");
	lf_json_add_bool(out, ",\n  \"smallToo\": ", frame->small_too);
	lf_buffer_append_text(out, ",\n  \"tables\": [");
	for (size_t t = 0; t < impact->table_count; t++) {
		lf_buffer_append_text(out, t == 0 ? "\n    {" : ",\n    {");
		add_table(out, groups, &impact->tables[t]);
	}
	lf_buffer_append_text(out, "\n  ]\n}\n");
}
