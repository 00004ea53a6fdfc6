#include "client/views/report_page.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "client/calc/figures.h"
#include "proto/base/buffer.h"

enum { REASONS_SHOWN = 10 };

static const char *instead_name(size_t instead)
{
	static const char *const names[LF_INSTEAD_KINDS] = {[LF_INSTEAD_FIRST] = "the first place",
		[LF_INSTEAD_SECOND] = "the second place",
		[LF_INSTEAD_LOWER] = "a lower place",
		[LF_INSTEAD_INELIGIBLE] = "a candidate who was not eligible",
		[LF_INSTEAD_OUTSIDE] = "somebody who was no candidate",
		[LF_INSTEAD_UNKNOWN] = "somebody (who the candidates were was pruned since)"};

	return names[instead];
}

static double share_of(uint64_t count, uint64_t total)
{
	return total == 0 ? NAN : (double)count / (double)total;
}

/* ---- for people ---- */

static void print_kind(struct lf_table *table, const char *name, const struct lf_report_kind *kind, enum lf_style style)
{
	const struct lf_interval accepted = lf_wilson(kind->accepted, kind->recorded);
	const struct lf_interval overridden = lf_wilson(kind->overridden, kind->recorded);
	char agreement[LF_FIGURE_BYTES], override[LF_FIGURE_BYTES];

	lf_figure_share(share_of(kind->accepted, kind->recorded), &accepted, agreement);
	lf_figure_share(share_of(kind->overridden, kind->recorded), &overridden, override);
	lf_table_line(table, style);
	lf_table_cell(table, 0, "%s", name);
	lf_table_cell(table, 1, "%" PRIu64, kind->decisions);
	lf_table_cell(table, 2, "%" PRIu64, kind->recorded);
	lf_table_cell(table, 3, "%" PRIu64, kind->accepted);
	lf_table_cell(table, 4, "%" PRIu64, kind->overridden);
	lf_table_cell(table, 5, "%s", agreement);
	lf_table_cell(table, 6, "%s", override);
}

static void begin_kinds(struct lf_table *table, struct lf_page *page, const char *of)
{
	lf_table_init(table, page);
	lf_table_column(table, of, LF_COLUMN_CUT);
	lf_table_column(table, "decisions", LF_COLUMN_RIGHT);
	lf_table_column(table, "recorded", LF_COLUMN_RIGHT);
	lf_table_column(table, "accepted", LF_COLUMN_RIGHT);
	lf_table_column(table, "overridden", LF_COLUMN_RIGHT);
	lf_table_column(table, "agreement (95%)", LF_COLUMN_RIGHT);
	lf_table_column(table, "override (95%)", LF_COLUMN_RIGHT);
}

static void print_kinds(struct lf_page *page, const struct lf_report *report)
{
	struct lf_table table;

	begin_kinds(&table, page, "decided");
	for (size_t kind = 1; kind <= LF_KINDS; kind++)
		if (report->kinds[kind % LF_KINDS].decisions > 0)
			print_kind(&table, lf_report_kind_name(kind % LF_KINDS), &report->kinds[kind % LF_KINDS],
				LF_PLAIN);
	print_kind(&table, "all", &report->all, LF_BOLD);
	lf_table_finish(&table, true);
}

/* Several rubrics: what people did, by rubric. */
static void print_rubrics(struct lf_page *page, const struct lf_report_frame *frame)
{
	struct lf_buffer text = {0};
	struct lf_table table;

	if (frame->rubric_count < 2)
		return;
	lf_page_title(page, "By rubric");
	begin_kinds(&table, page, "rubric");
	for (size_t r = 0; r < frame->rubric_count; r++)
		print_kind(&table, frame->rubrics[r].name, &frame->rubrics[r].report.all, LF_PLAIN);
	lf_table_finish(&table, true);
	lf_text_add(&text, "Everything else on this page counts %zu rubrics together; --rubric NAME counts one alone.",
		frame->rubric_count);
	lf_text_wrap(page, &text, "", "");
	lf_buffer_clean_up(&text);
}

static void print_overrides(struct lf_page *page, const struct lf_report *report)
{
	struct lf_buffer text = {0};
	uint64_t rest;

	if (report->all.overridden == 0)
		return;
	lf_page_title(page, "Overridden in favour of");
	for (size_t i = 0; i < LF_INSTEAD_KINDS; i++) {
		if (report->instead[i] == 0)
			continue;
		lf_text_add(&text, "%" PRIu64 " x %s", report->instead[i], instead_name(i));
		lf_text_item(page, &text);
	}
	if (report->reason_count > 0)
		lf_page_title(page, "Because");
	rest = report->other_reasons;
	for (size_t i = 0; i < report->reason_count; i++) {
		if (i >= REASONS_SHOWN) {
			rest += report->reasons[i].count;
			continue;
		}
		lf_text_add(&text, "%" PRIu64 " x %s", report->reasons[i].count, report->reasons[i].text);
		lf_text_item(page, &text);
	}
	if (rest > 0) {
		lf_text_add(&text, "%" PRIu64 " x other reasons", rest);
		lf_text_item(page, &text);
	}
	lf_buffer_clean_up(&text);
}

static void print_mean(struct lf_table *table, const char *name, const struct lf_report_mean *mean)
{
	char number[LF_FIGURE_BYTES];

	lf_figure(lf_report_mean(mean), 2, number);
	lf_table_line(table, LF_PLAIN);
	lf_table_cell(table, 0, "%s", name);
	lf_table_cell(table, 1, "%" PRIu64, mean->count);
	if (mean->count >= LF_BAND_NEEDED)
		lf_table_cell(table, 2, "%s", number);
	else
		lf_table_cell(table, 2, "too few");
}

static void print_results(struct lf_page *page, const struct lf_report *report, const struct lf_report_frame *frame)
{
	struct lf_table table;
	struct lf_buffer text = {0};

	lf_page_title(page, "Does a higher score go with a better result?");
	lf_report_verdict(report, &text);
	lf_text_wrap(page, &text, "", "");
	for (size_t r = 0; frame->rubric_count > 1 && r < frame->rubric_count; r++) {
		lf_text_add(&text, "%s: ", frame->rubrics[r].name);
		lf_report_verdict(&frame->rubrics[r].report, &text);
		lf_text_item(page, &text);
	}
	if (report->results_without_score > 0) {
		lf_text_add(&text,
			"%" PRIu64
			" more without a score: who led was not recorded, was no candidate, or was pruned since.",
			report->results_without_score);
		lf_text_wrap(page, &text, "", "");
	}
	lf_buffer_clean_up(&text);
	if (report->accepted.count + report->overridden.count == 0)
		return;
	lf_page_add(page, LF_PLAIN, "\n");
	lf_table_init(&table, page);
	lf_table_column(&table, "score of who led", 0);
	lf_table_column(&table, "results", LF_COLUMN_RIGHT);
	lf_table_column(&table, "mean result, 1..5", LF_COLUMN_RIGHT);
	for (size_t b = 0; b < LF_BANDS; b++) {
		char name[LF_BAND_NAME_BYTES];

		lf_report_band_name(b, name);
		if (report->bands[b].count > 0)
			print_mean(&table, name, &report->bands[b]);
	}
	if (report->accepted.count > 0)
		print_mean(&table, "any, accepted", &report->accepted);
	if (report->overridden.count > 0)
		print_mean(&table, "any, overridden", &report->overridden);
	lf_table_finish(&table, true);
}

static void print_notes(struct lf_page *page, const struct lf_report *report, const struct lf_report_frame *frame)
{
	struct lf_buffer text = {0};

	lf_page_add(page, LF_PLAIN, "\n");
	lf_buffer_append_text(&text, "Counted is the latest decision of each rubric, team and project, and no what-if");
	if (frame->superseded > 0)
		lf_text_add(&text, " (%" PRIu64 " earlier not counted)", frame->superseded);
	lf_buffer_append_text(&text, ".");
	if (frame->other_outcomes > 0)
		lf_text_add(&text, " Left out are the outcomes of %" PRIu64 " other decision%s.", frame->other_outcomes,
			frame->other_outcomes == 1 ? "" : "s");
	if (report->all.recorded < report->all.decisions)
		lf_buffer_append_text(&text, " Rates are of those with a recorded outcome; the others may differ.");
	lf_buffer_append_text(&text, " Intervals of rates: Wilson. Formulas: leadfit(1).");
	lf_text_wrap(page, &text, "", "");
	lf_buffer_clean_up(&text);
}

void lf_report_print(struct lf_page *page, const struct lf_report *report, const struct lf_report_frame *frame)
{
	if (report->all.decisions == 0) {
		lf_page_add(page, LF_PLAIN, "No decision matches.\n");
		return;
	}
	print_kinds(page, report);
	print_rubrics(page, frame);
	if (report->all.recorded == 0) {
		lf_page_add(page, LF_PLAIN,
			"\nNothing was recorded of what became of them: leadfit decisions outcome ID does that.\n");
	} else {
		print_overrides(page, report);
		print_results(page, report, frame);
	}
	print_notes(page, report, frame);
}

/* ---- as JSON ---- */

static void add_kind(struct lf_buffer *out, const struct lf_report_kind *kind)
{
	const struct lf_interval accepted = lf_wilson(kind->accepted, kind->recorded);
	const struct lf_interval overridden = lf_wilson(kind->overridden, kind->recorded);

	lf_json_add_count(out, "\"decisions\": ", kind->decisions);
	lf_json_add_count(out, ", \"recorded\": ", kind->recorded);
	lf_json_add_count(out, ", \"accepted\": ", kind->accepted);
	lf_json_add_count(out, ", \"overridden\": ", kind->overridden);
	lf_json_add_number(out, ", \"agreementRate\": ", share_of(kind->accepted, kind->recorded));
	lf_json_add_interval(out, ", \"agreementInterval\": ", &accepted);
	lf_json_add_number(out, ", \"overrideRate\": ", share_of(kind->overridden, kind->recorded));
	lf_json_add_interval(out, ", \"overrideInterval\": ", &overridden);
}

static void add_mean(struct lf_buffer *out, const char *before, const struct lf_report_mean *mean)
{
	lf_json_add_count(out, before, mean->count);
	lf_json_add_number(out, ", \"meanResult\": ", mean->count >= LF_BAND_NEEDED ? lf_report_mean(mean) : NAN);
	lf_buffer_append_text(out, "}");
}

static void add_calibration(struct lf_buffer *out, const struct lf_report *report)
{
	const bool enough = report->result_count >= LF_RESULTS_NEEDED;
	const struct lf_interval none = {NAN, NAN};
	struct lf_buffer verdict = {0};
	const char *before = "\n      {\"from\": ";

	lf_json_add_count(out, "\"calibration\": {\n    \"results\": ", report->result_count);
	lf_json_add_count(out, ",\n    \"resultsNeeded\": ", LF_RESULTS_NEEDED);
	lf_json_add_count(out, ",\n    \"resultsWithoutScore\": ", report->results_without_score);
	lf_json_add_number(out, ",\n    \"kendallTauB\": ", enough ? report->calibration.tau : NAN);
	lf_json_add_interval(out, ",\n    \"interval\": ", enough ? &report->calibration.interval : &none);
	lf_report_verdict(report, &verdict);
	lf_json_add_text(out, ",\n    \"text\": ", verdict.data == NULL ? "" : verdict.data);
	lf_buffer_clean_up(&verdict);
	lf_buffer_append_text(out, ",\n    \"bands\": [");
	for (size_t b = 0; b < LF_BANDS; b++) {
		if (report->bands[b].count == 0)
			continue;
		lf_json_add_number(out, before, (double)b / LF_BANDS);
		lf_json_add_number(out, ", \"to\": ", (double)(b + 1) / LF_BANDS);
		add_mean(out, ", \"results\": ", &report->bands[b]);
		before = ",\n      {\"from\": ";
	}
	add_mean(out, "],\n    \"accepted\": {\"results\": ", &report->accepted);
	add_mean(out, ",\n    \"overridden\": {\"results\": ", &report->overridden);
	lf_buffer_append_text(out, "\n  }");
}

static void add_rubrics(struct lf_buffer *out, const struct lf_report_frame *frame)
{
	lf_buffer_append_text(out, "],\n  \"byRubric\": [");
	for (size_t r = 0; r < frame->rubric_count; r++) {
		const struct lf_report_rubric *rubric = &frame->rubrics[r];

		lf_json_add_text(out, r == 0 ? "\n    {\"rubric\": " : ",\n    {\"rubric\": ", rubric->name);
		lf_buffer_append_text(out, ", ");
		add_kind(out, &rubric->report.all);
		lf_buffer_append_text(out, ", ");
		add_calibration(out, &rubric->report);
		lf_buffer_append_text(out, "}");
	}
}

static void add_overrides(struct lf_buffer *out, const struct lf_report *report)
{
	static const char *const names[LF_INSTEAD_KINDS] = {
		"firstPlace", "secondPlace", "lowerPlace", "notEligible", "noCandidate", "pruned"};

	lf_buffer_append_text(out, "],\n  \"overriddenInFavourOf\": {");
	for (size_t i = 0; i < LF_INSTEAD_KINDS; i++) {
		lf_text_add(out, "%s\"%s\": ", i == 0 ? "" : ", ", names[i]);
		lf_json_add_count(out, "", report->instead[i]);
	}
	lf_buffer_append_text(out, "},\n  \"reasons\": [");
	for (size_t i = 0; i < report->reason_count; i++) {
		lf_json_add_count(out, i == 0 ? "\n    {\"count\": " : ",\n    {\"count\": ", report->reasons[i].count);
		lf_json_add_text(out, ", \"reason\": ", report->reasons[i].text);
		lf_buffer_append_text(out, "}");
	}
	lf_buffer_append_text(out, "]");
}

void lf_report_json(struct lf_buffer *out, const struct lf_report *report, const struct lf_report_frame *frame)
{
	const char *before = "\n    {\"outcome\": ";

	lf_buffer_append_text(out, "{\n  \"all\": {");
	add_kind(out, &report->all);
	lf_buffer_append_text(out, "}");
	lf_json_add_count(out, ",\n  \"superseded\": ", frame->superseded);
	lf_json_add_count(out, ",\n  \"outcomesNotCounted\": ", frame->other_outcomes);
	lf_buffer_append_text(out, ",\n  \"byOutcome\": [");
	for (size_t kind = 1; kind <= LF_KINDS; kind++) {
		if (report->kinds[kind % LF_KINDS].decisions == 0)
			continue;
		lf_json_add_text(out, before, lf_report_kind_name(kind % LF_KINDS));
		lf_buffer_append_text(out, ", ");
		add_kind(out, &report->kinds[kind % LF_KINDS]);
		lf_buffer_append_text(out, "}");
		before = ",\n    {\"outcome\": ";
	}
	add_rubrics(out, frame);
	add_overrides(out, report);
	lf_buffer_append_text(out, ",\n  ");
	add_calibration(out, report);
	lf_buffer_append_text(out, "\n}\n");
}
