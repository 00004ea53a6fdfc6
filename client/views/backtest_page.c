/* A backtest as a page for people. */
#include "client/views/backtest_page.h"

#include <inttypes.h>
#include <stdio.h>

#include "proto/base/buffer.h"

enum { PROJECTS_SHOWN = 10 };

static bool occurs(const struct lf_backtest *backtest, size_t outcome)
{
	uint64_t count = 0;

	for (size_t i = 0; i < LF_BACKTEST_OUTCOMES; i++)
		count += backtest->outcomes[outcome][i] + backtest->outcomes[i][outcome];
	return count > 0;
}

static void print_outcomes(struct lf_page *page, const struct lf_backtest *backtest)
{
	struct lf_table table;

	lf_page_title(page, "Outcomes: as decided (rows), under this rubric (columns)");
	lf_table_init(&table, page);
	lf_table_column(&table, "", 0);
	for (size_t i = 0; i < LF_BACKTEST_OUTCOMES; i++)
		if (occurs(backtest, i))
			lf_table_column(&table, lf_outcome_words(i), LF_COLUMN_RIGHT);
	for (size_t old = 0; old < LF_BACKTEST_OUTCOMES; old++) {
		size_t column = 1;

		if (!occurs(backtest, old))
			continue;
		lf_table_line(&table, LF_PLAIN);
		lf_table_cell(&table, 0, "%s", lf_outcome_words(old));
		for (size_t new = 0; new < LF_BACKTEST_OUTCOMES; new ++)
			if (occurs(backtest, new))
				lf_table_cell(&table, column++, "%" PRIu64, backtest->outcomes[old][new]);
	}
	lf_table_finish(&table, true);
}

static void print_tally(struct lf_page *page, const char *title, const struct lf_tally *tally, size_t most)
{
	struct lf_table table;
	char bar[LF_BAR_BYTES];

	lf_page_title(page, title);
	lf_table_init(&table, page);
	lf_table_column(&table, "", LF_COLUMN_CUT);
	lf_table_column(&table, "", LF_COLUMN_RIGHT);
	lf_table_column(&table, "", 0);
	for (size_t i = 0; i < tally->count && i < most; i++) {
		lf_bar(page, (double)tally->entries[i].count / (double)tally->entries[0].count, bar);
		lf_table_line(&table, LF_PLAIN);
		lf_table_cell(&table, 0, "%s", tally->entries[i].name);
		lf_table_cell(&table, 1, "%" PRIu64, tally->entries[i].count);
		lf_table_cell(&table, 2, "%s", bar);
	}
	lf_table_finish(&table, false);
	if (tally->count > most)
		lf_page_add(page, LF_DIM, "and %zu more\n", tally->count - most);
}

static void print_skipped(struct lf_page *page, const struct lf_backtest *backtest)
{
	if (backtest->erased + backtest->pruned + backtest->inapplicable > 0)
		lf_page_add(page, LF_PLAIN, "\n");
	if (backtest->erased > 0)
		lf_page_add(
			page, LF_PLAIN, "%" PRIu64 " skipped: a person who took part was erased\n", backtest->erased);
	if (backtest->pruned > 0)
		lf_page_add(
			page, LF_PLAIN, "%" PRIu64 " skipped: what they were made of was pruned\n", backtest->pruned);
	if (backtest->inapplicable == 0)
		return;
	lf_page_add(page, LF_WARN, "%" PRIu64 " can't be decided under this rubric", backtest->inapplicable);
	lf_page_add(page, LF_PLAIN, "%s\n",
		backtest->inapplicable > backtest->because_count ? ", the first of them:" : ":");
	for (size_t i = 0; i < backtest->because_count; i++) {
		struct lf_buffer text = {0};

		lf_text_add(&text, "%s: %s", backtest->because[i].field, backtest->because[i].description);
		lf_text_item(page, &text);
		lf_buffer_clean_up(&text);
	}
}

/* Nothing was selected: perhaps because this is a new name. */
static void print_where_to_look(struct lf_page *page, const struct lf_backtest *backtest)
{
	if (backtest->selected_rubric != NULL && backtest->selected_rubric[0] != '\0')
		lf_page_wrap(page, "", "",
			"--rubric NAME takes the decisions under another rubric, --all-rubrics those under every one.");
}

void lf_backtest_print(struct lf_page *page, const struct lf_backtest *backtest)
{
	struct lf_buffer text = {0};

	lf_page_add(page, LF_BOLD, "%s", backtest->rubric);
	lf_page_add(page, LF_PLAIN, "\n");
	lf_backtest_summary(backtest, &text);
	lf_text_wrap(page, &text, "", "");
	lf_buffer_clean_up(&text);
	if (backtest->decided > 0)
		print_outcomes(page, backtest);
	if (backtest->flips > 0) {
		print_tally(
			page, "By the criterion that does most for the new first place", &backtest->reasons, SIZE_MAX);
		print_tally(page, "By project", &backtest->projects, PROJECTS_SHOWN);
	}
	print_skipped(page, backtest);
	if (backtest->decided + backtest->erased + backtest->pruned + backtest->inapplicable == 0)
		print_where_to_look(page, backtest);
}

/* ---- the decisions that come out otherwise ---- */

void lf_flips_begin(struct lf_table *table, struct lf_page *page)
{
	lf_table_init(table, page);
	lf_table_column(table, "decided (UTC)", 0);
	lf_table_column(table, "decision", 0);
	lf_table_column(table, "team", LF_COLUMN_CUT);
	lf_table_column(table, "project", LF_COLUMN_CUT);
	lf_table_column(table, "was", LF_COLUMN_CUT);
	lf_table_column(table, "would be", LF_COLUMN_CUT);
	lf_table_column(table, "by", LF_COLUMN_CUT);
}

static void add_answer(struct lf_table *table, size_t column, Leadfit__V1__Outcome outcome, const char *recommended)
{
	if (recommended[0] != '\0')
		lf_table_cell(table, column, "%s", recommended);
	else
		lf_table_cell(table, column, "(%s)", lf_outcome_words((size_t)outcome));
}

void lf_flips_add(struct lf_table *table, const Leadfit__V1__Flip *flip)
{
	char time[LF_TIME_BYTES];

	lf_time_print(flip->decided_at == NULL ? 0 : flip->decided_at->seconds, time);
	lf_table_line(table, LF_PLAIN);
	lf_table_cell(table, 0, "%.16s", time);
	lf_table_cell(table, 1, "%s", flip->decision_id);
	lf_table_cell(table, 2, "%s", flip->team);
	lf_table_cell(table, 3, "%s", flip->project);
	add_answer(table, 4, flip->old_outcome, flip->old_recommended);
	add_answer(table, 5, flip->new_outcome, flip->new_recommended);
	lf_table_cell(table, 6, "%s%s", flip->gate[0] != '\0' ? "gate: " : "",
		flip->gate[0] != '\0' ? flip->gate : flip->criterion);
}
