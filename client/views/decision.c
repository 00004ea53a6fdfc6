#include "client/views/decision.h"

#include <stdio.h>
#include <string.h>

#include "client/calc/figures.h"
#include "proto/base/buffer.h"

enum {
	REASONS_SHOWN = 5,    /* of the eligible, and of the others, unless all are asked for */
	BREAKDOWN_PEOPLE = 6, /* columns of the breakdown at most */
	RANGE_WIDTH = 10,     /* "90% within" */
};

void lf_sentences_print(struct lf_page *page, const char *title, size_t count, char *const *sentences)
{
	if (count == 0)
		return;
	lf_page_add(page, LF_PLAIN, "\n");
	lf_page_add(page, LF_BOLD, "%s", title);
	lf_page_add(page, LF_PLAIN, "\n");
	for (size_t i = 0; i < count; i++)
		lf_page_item(page, sentences[i]);
}

static const char *project_name(const Leadfit__V1__Decision *decision)
{
	if (decision->project == NULL)
		return "the project";
	return decision->project->title[0] != '\0' ? decision->project->title : decision->project->id;
}

/* How many share first place. */
static size_t share_first(const Leadfit__V1__Decision *decision)
{
	size_t count = 0;

	while (count < decision->n_ranking && decision->ranking[count]->rank == 1)
		count++;
	return count;
}

static void print_headline(struct lf_page *page, const Leadfit__V1__Decision *decision)
{
	const size_t shared = share_first(decision);
	const Leadfit__V1__Ranked *first = shared > 0 ? decision->ranking[0] : NULL;
	const char *project = project_name(decision);

	if (decision->outcome == LEADFIT__V1__OUTCOME__RECOMMENDED && decision->recommended[0] == '\0') {
		lf_page_add(page, LF_PLAIN, "Somebody was recommended for %s", project);
	} else if (decision->outcome == LEADFIT__V1__OUTCOME__RECOMMENDED) {
		lf_page_add(page, LF_GOOD, "Recommended: %s for %s", decision->recommended, project);
	} else {
		const char *why = "the reason is not known to this client";

		if (decision->outcome == LEADFIT__V1__OUTCOME__TOO_CLOSE)
			why = "the first places are too close to each other";
		else if (decision->outcome == LEADFIT__V1__OUTCOME__INSUFFICIENT_EVIDENCE)
			why = shared > 1 ? "there is too little evidence about those in first place"
					 : "there is too little evidence about the person in first place";
		else if (decision->outcome == LEADFIT__V1__OUTCOME__NO_ELIGIBLE_CANDIDATE)
			why = "nobody meets the conditions";
		lf_page_add(page, LF_WARN, "No recommendation for %s: %s", project, why);
	}
	if (first != NULL) {
		char evidence[LF_PERCENT_BYTES], score[LF_FIGURE_BYTES];

		lf_percent(first->evidence_share, evidence);
		lf_figure(first->score, 2, score);
		if (decision->outcome == LEADFIT__V1__OUTCOME__RECOMMENDED)
			lf_page_add(page, LF_PLAIN, " (score %s, %s evidence)", score, evidence);
		else if (shared > 2)
			lf_page_add(page, LF_PLAIN, " (%zu share first place, score %s)", shared, score);
		else if (shared == 2)
			lf_page_add(page, LF_PLAIN, " (%s and %s share first place, score %s)", first->candidate,
				decision->ranking[1]->candidate, score);
		else
			lf_page_add(page, LF_PLAIN, " (first: %s, score %s, %s evidence)", first->candidate, score,
				evidence);
	}
	lf_page_add(page, LF_PLAIN, "\n");
}

/* Whether it is known how often each candidate ranks first. */
static bool has_shares(const Leadfit__V1__Decision *decision)
{
	return decision->n_ranking > 0 && decision->ranking[0]->first_rank_share != NULL;
}

/* Whether it is known between what most perturbations keep each score. */
static bool has_ranges(const Leadfit__V1__Decision *decision)
{
	return decision->n_ranking > 0 && decision->ranking[0]->score_range != NULL;
}

static void print_share(struct lf_table *table, size_t column, double share)
{
	char text[LF_PERCENT_BYTES];

	lf_percent(share, text);
	lf_table_cell(table, column, "%s", text);
}

/* Decimals with which the scores of different ranks look different; those of equal ranks are the same. */
static unsigned score_decimals(const Leadfit__V1__Decision *decision)
{
	unsigned decimals = 3;

	for (size_t i = 1; i < decision->n_ranking; i++) {
		const Leadfit__V1__Ranked *above = decision->ranking[i - 1], *below = decision->ranking[i];

		if (above->rank != below->rank && below->rank != 0)
			decimals = lf_decimals_between(above->score, below->score, decimals, LF_FIGURE_DECIMALS_MAX);
	}
	return decimals;
}

/* Whether the breakdown by criterion fits beside the ranking. */
static bool criteria_fit(const struct lf_page *page, const Leadfit__V1__Decision *decision)
{
	size_t candidate, criteria;

	if (decision->n_ranking == 0 || decision->ranking[0]->n_criteria == 0)
		return false;
	candidate = strlen("candidate");
	criteria = 0;
	for (size_t i = 0; i < decision->n_ranking; i++) {
		const size_t width = lf_text_width(decision->ranking[i]->candidate);

		candidate = width > candidate ? width : candidate;
	}
	for (size_t j = 0; j < decision->ranking[0]->n_criteria; j++) {
		const size_t width = lf_text_width(decision->ranking[0]->criteria[j]->criterion);

		criteria += 2 + (width > 5 ? width : 5);
	}
	if (has_shares(decision))
		criteria += 2 + strlen("ranks first");
	if (has_ranges(decision))
		criteria += 2 + RANGE_WIDTH;
	/* "  1  CANDIDATE  0.742  ##########  evidence" */
	return 3 + 2 + candidate + 2 + 5 + 2 + LF_BAR_CELLS + 2 + strlen("evidence") + criteria <= lf_table_width(page);
}

/* Where the ranking's columns are; 0: there is none of these. */
struct columns {
	unsigned decimals; /* of scores */
	size_t shares, ranges;
	size_t criteria, criteria_count;
};

/* "0.58–0.71" */
static void print_range(
	const struct lf_page *page, struct lf_table *table, size_t column, const Leadfit__V1__ScoreRange *range)
{
	if (range != NULL)
		lf_table_cell(table, column, "%.2f%s%.2f", lf_rounded(range->low, 2), page->utf8 ? "–" : "-",
			lf_rounded(range->high, 2));
}

/* "*" marks those of whom nothing is known. */
static void print_ranked(const struct lf_page *page, struct lf_table *table, const struct columns *columns,
	const Leadfit__V1__Decision *decision, const Leadfit__V1__Ranked *ranked)
{
	const bool expected = ranked->basis == LEADFIT__V1__BASIS__EXPECTATION_ONLY;
	const bool winner = decision->recommended[0] != '\0' && strcmp(decision->recommended, ranked->candidate) == 0;
	char bar[LF_BAR_BYTES];

	lf_table_line(table, winner ? LF_BOLD : ranked->eligible && !expected ? LF_PLAIN : LF_DIM);
	if (ranked->rank > 0)
		lf_table_cell(table, 0, "%u", ranked->rank);
	else
		lf_table_cell(table, 0, "%s", page->utf8 ? "–" : "-");
	lf_bar(page, ranked->score, bar);
	lf_table_cell(table, 1, "%s%s", ranked->candidate, expected ? " *" : "");
	lf_table_cell(table, 2, "%.*f", (int)columns->decimals, lf_rounded(ranked->score, columns->decimals));
	lf_table_cell(table, 3, "%s", bar);
	print_share(table, 4, ranked->evidence_share);
	if (columns->shares > 0 && ranked->eligible && ranked->first_rank_share != NULL)
		print_share(table, columns->shares, ranked->first_rank_share->value);
	if (columns->ranges > 0)
		print_range(page, table, columns->ranges, ranked->score_range);
	for (size_t j = 0; j < columns->criteria_count && j < ranked->n_criteria; j++)
		lf_table_cell(table, columns->criteria + j, "%.3f", lf_rounded(ranked->criteria[j]->contribution, 3));
}

/* What the "*" beside a candidate means. */
static void print_expected(struct lf_page *page, const Leadfit__V1__Decision *decision)
{
	size_t expected = 0;

	for (size_t i = 0; i < decision->n_ranking; i++)
		expected += decision->ranking[i]->basis == LEADFIT__V1__BASIS__EXPECTATION_ONLY;
	if (expected > 0)
		lf_page_add(page, LF_DIM,
			"* Nothing is known about them that counts here: the score is what the rubric expects, not a "
			"place "
			"that was earned.\n");
}

static void print_ranking(struct lf_page *page, const Leadfit__V1__Decision *decision, bool with_criteria)
{
	const Leadfit__V1__Ranked *top = decision->ranking[0];
	struct columns columns = {.decimals = score_decimals(decision), .criteria = 5};
	struct lf_table table;

	lf_table_init(&table, page);
	lf_table_column(&table, "#", LF_COLUMN_RIGHT);
	lf_table_column(&table, "candidate", LF_COLUMN_CUT);
	lf_table_column(&table, "score", LF_COLUMN_RIGHT);
	lf_table_column(&table, "", 0);
	lf_table_column(&table, "evidence", LF_COLUMN_RIGHT);
	if (has_shares(decision)) {
		columns.shares = columns.criteria++;
		lf_table_column(&table, "ranks first", LF_COLUMN_RIGHT);
	}
	if (has_ranges(decision)) {
		columns.ranges = columns.criteria++;
		lf_table_column(&table, "90% within", LF_COLUMN_RIGHT);
	}
	if (with_criteria)
		columns.criteria_count = top->n_criteria;
	for (size_t j = 0; j < columns.criteria_count; j++)
		lf_table_column(&table, top->criteria[j]->criterion, LF_COLUMN_RIGHT);
	for (size_t i = 0; i < decision->n_ranking; i++)
		print_ranked(page, &table, &columns, decision, decision->ranking[i]);
	if (columns.criteria_count > 0) {
		lf_table_line(&table, LF_DIM);
		lf_table_cell(&table, 1, "(weight)");
		for (size_t j = 0; j < columns.criteria_count; j++)
			print_share(&table, columns.criteria + j, top->criteria[j]->weight);
	}
	lf_table_finish(&table, true);
	print_expected(page, decision);
}

/* Candidates down, ranks across: how often each has which. Nothing where that was not asked for. */
static void print_rank_table(struct lf_page *page, const Leadfit__V1__Decision *decision)
{
	struct lf_table table;
	size_t eligible = 0, ranks = decision->n_ranking > 0 ? decision->ranking[0]->n_rank_shares : 0;

	while (eligible < decision->n_ranking && decision->ranking[eligible]->eligible)
		eligible++;
	if (ranks > eligible)
		ranks = eligible;
	if (ranks == 0)
		return;
	lf_table_init(&table, page);
	lf_table_column(&table, "has rank", LF_COLUMN_CUT);
	for (size_t r = 0; r < ranks; r++) {
		char title[24];

		snprintf(title, sizeof(title), "%zu", r + 1);
		lf_table_column(&table, title, LF_COLUMN_RIGHT);
	}
	for (size_t i = 0; i < eligible; i++) {
		const Leadfit__V1__Ranked *ranked = decision->ranking[i];

		lf_table_line(&table, LF_PLAIN);
		lf_table_cell(&table, 0, "%s", ranked->candidate);
		for (size_t r = 0; r < ranks && r < ranked->n_rank_shares; r++)
			if (ranked->rank_shares[r] > 0)
				print_share(&table, 1 + r, ranked->rank_shares[r]);
	}
	lf_page_add(page, LF_PLAIN, "\n");
	lf_table_finish(&table, true);
}

/* Rating and value of one candidate on one criterion: "0.80 (4.2)", or the value alone where there is no rating. */
static void print_value(struct lf_table *table, size_t column, const Leadfit__V1__CriterionScore *score)
{
	if (score->rating != NULL)
		lf_table_cell(
			table, column, "%.2f (%.1f)", lf_rounded(score->value, 2), lf_rounded(score->rating->value, 1));
	else
		lf_table_cell(table, column, "%.2f      ", lf_rounded(score->value, 2));
}

/* Criteria down, the first candidates across: as many as fit. */
static void print_breakdown(struct lf_page *page, const Leadfit__V1__Decision *decision)
{
	const Leadfit__V1__Ranked *top = decision->ranking[0];
	size_t width, people;
	struct lf_table table;

	if (top->n_criteria == 0)
		return;
	width = 0;
	people = 0;
	for (size_t j = 0; j < top->n_criteria; j++) {
		const size_t name = lf_text_width(top->criteria[j]->criterion);

		width = name > width ? name : width;
	}
	width += 2 + strlen("weight");
	for (; people < decision->n_ranking && people < BREAKDOWN_PEOPLE &&
		decision->ranking[people]->n_criteria == top->n_criteria;
		people++) {
		const size_t name = lf_text_width(decision->ranking[people]->candidate);

		width += 2 + (name > 10 ? name : 10);
		if (people > 0 && width > lf_table_width(page))
			break;
	}
	lf_table_init(&table, page);
	lf_table_column(&table, "value (rating)", LF_COLUMN_CUT);
	lf_table_column(&table, "weight", LF_COLUMN_RIGHT);
	for (size_t i = 0; i < people; i++)
		lf_table_column(&table, decision->ranking[i]->candidate, LF_COLUMN_RIGHT);
	for (size_t j = 0; j < top->n_criteria; j++) {
		lf_table_line(&table, LF_PLAIN);
		lf_table_cell(&table, 0, "%s", top->criteria[j]->criterion);
		print_share(&table, 1, top->criteria[j]->weight);
		for (size_t i = 0; i < people; i++)
			print_value(&table, 2 + i, decision->ranking[i]->criteria[j]);
	}
	lf_page_add(page, LF_PLAIN, "\n");
	lf_table_finish(&table, true);
}

/* Why everybody else is not in first place, and which conditions the ineligible fail. */
static void print_others(struct lf_page *page, const Leadfit__V1__Decision *decision, bool all)
{
	size_t shown[2] = {0, 0},
	       left = 0; /* by whether they are eligible: who is at the end for a reason is not to be missed */

	for (size_t i = 0; i < decision->n_ranking; i++) {
		const Leadfit__V1__Ranked *ranked = decision->ranking[i];
		const bool winner = strcmp(decision->recommended, ranked->candidate) == 0;
		struct lf_buffer text;

		if (winner || (ranked->reason[0] == '\0' && ranked->n_ineligible_because == 0))
			continue;
		if (!all && shown[ranked->eligible] >= REASONS_SHOWN) {
			left++;
			continue;
		}
		if (shown[0] + shown[1] == 0) {
			lf_page_add(page, LF_PLAIN, "\n");
			lf_page_add(page, LF_BOLD,
				decision->recommended[0] != '\0' ? "Why not the others" : "Each candidate");
			lf_page_add(page, LF_PLAIN, "\n");
		}
		shown[ranked->eligible]++;
		text = (struct lf_buffer){0};
		lf_buffer_append_text(&text, ranked->candidate);
		lf_buffer_append_text(&text, ":");
		if (ranked->reason[0] != '\0') {
			lf_buffer_append_text(&text, " ");
			lf_buffer_append_text(&text, ranked->reason);
		}
		for (size_t k = 0; k < ranked->n_ineligible_because; k++) {
			lf_buffer_append_text(&text, " ");
			lf_buffer_append_text(&text, ranked->ineligible_because[k]);
		}
		page->text.failed = page->text.failed || text.failed;
		if (text.data != NULL)
			lf_page_item(page, text.data);
		lf_buffer_clean_up(&text);
	}
	if (left > 0)
		lf_page_add(page, LF_DIM, "    and %zu more; --detail all or --output json has them\n", left);
}

/* What one of the pair is the better of: "m-1103 on team_coverage (0.60)". */
static void print_pair_half(struct lf_page *page, const Leadfit__V1__CoLead *pair, const char *candidate)
{
	struct lf_buffer text = {0};

	for (size_t i = 0; i < pair->n_values; i++) {
		char value[48];

		if (strcmp(pair->values[i]->candidate, candidate) != 0)
			continue;
		if (text.data == NULL)
			lf_buffer_append_text(&text, candidate);
		snprintf(value, sizeof(value), " (%.2f)", lf_rounded(pair->values[i]->value, 2));
		lf_buffer_append_text(&text, text.length == strlen(candidate) ? " on " : ", ");
		lf_buffer_append_text(&text, pair->values[i]->criterion);
		lf_buffer_append_text(&text, value);
	}
	page->text.failed = page->text.failed || text.failed;
	if (text.data != NULL && !text.failed)
		lf_page_item(page, text.data);
	lf_buffer_clean_up(&text);
}

static void print_co_lead(struct lf_page *page, const Leadfit__V1__Decision *decision)
{
	const Leadfit__V1__CoLead *pair = decision->co_lead;

	if (pair == NULL)
		return;
	lf_page_add(page, LF_PLAIN, "\n");
	lf_page_add(page, LF_BOLD, "Co-lead: %s", pair->candidate);
	lf_page_add(page, LF_PLAIN, " (together %.2f, %+.2f; on each criterion the better of the two)\n",
		lf_rounded(pair->score, 2), lf_rounded(pair->score, 2) - lf_rounded(pair->score - pair->gain, 2));
	print_pair_half(page, pair, decision->recommended);
	print_pair_half(page, pair, pair->candidate);
}

static void print_footer(struct lf_page *page, const Leadfit__V1__Decision *decision)
{
	const char *dot = page->utf8 ? " · " : ", ";
	char time[LF_TIME_BYTES];

	lf_time_print(decision->decided_at == NULL ? 0 : decision->decided_at->seconds, time);
	lf_page_add(page, LF_PLAIN, "\n");
	lf_page_add(page, LF_DIM, "Decision %s%s%s%s%s", decision->decision_id, dot, time,
		decision->purpose == LEADFIT__V1__PURPOSE__WHAT_IF ? dot : "",
		decision->purpose == LEADFIT__V1__PURPOSE__WHAT_IF ? "what-if" : "");
	if (decision->rubric != NULL)
		lf_page_add(page, LF_DIM, "%srubric %s %.*s", dot, decision->rubric->name, LF_DIGEST_SHOWN,
			decision->rubric->digest);
	lf_page_add(page, LF_PLAIN, "\n");
	if (decision->clock_at != NULL) {
		lf_time_print(decision->clock_at->seconds, time);
		lf_page_add(
			page, LF_DIM, "The clock of the service said %s; the log orders by the time above.\n", time);
	}
	lf_page_add(page, LF_DIM, "See it again: leadfit decisions show %s", decision->decision_id);
	lf_page_add(page, LF_PLAIN, "\n");
}

void lf_decision_print(struct lf_page *page, const Leadfit__V1__Decision *decision, unsigned show)
{
	print_headline(page, decision);
	if (decision->n_ranking > 0) {
		const bool beside = criteria_fit(page, decision);

		lf_page_add(page, LF_PLAIN, "\n");
		print_ranking(page, decision, beside);
		if (!beside)
			print_breakdown(page, decision);
		if ((show & LF_SHOW_RANK_TABLE) != 0)
			print_rank_table(page, decision);
	}
	lf_sentences_print(page, "Taken out since", decision->n_redactions, decision->redactions);
	lf_sentences_print(page, decision->recommended[0] != '\0' ? "Why" : "Why there is no recommendation",
		decision->n_explanation, decision->explanation);
	print_others(page, decision, (show & LF_SHOW_ALL) != 0);
	lf_sentences_print(page, "What would change it", decision->n_what_would_change, decision->what_would_change);
	print_co_lead(page, decision);
	lf_sentences_print(page, "What this assumes", decision->n_assumptions, decision->assumptions);
	lf_sentences_print(
		page, "Left out, because the rubric does not declare it", decision->n_ignored, decision->ignored);
	print_footer(page, decision);
}
