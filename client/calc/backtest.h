/* What would have been decided under another rubric: slices put together. */
#ifndef LF_CLIENT_CALC_BACKTEST_H
#define LF_CLIENT_CALC_BACKTEST_H

#include "client/calc/tally.h"
#include "leadfit/v1/rubrics.pb-c.h"
#include "proto/base/buffer.h"

enum { LF_BACKTEST_OUTCOMES = 5, LF_BACKTEST_REASONS_MAX = 10 };

/* Zeroed at first. */
struct lf_backtest {
	char rubric[160];      /* "tech-lead 0815b2257249" */
	char *selected_rubric; /* whose decisions were taken, owned; "" = every rubric's */
	uint64_t decided, erased, pruned, inapplicable, flips;
	uint64_t someone_else, newly_nobody, newly_somebody,
		still_nobody; /* the flips by what becomes of the recommendation */
	uint64_t outcomes[LF_BACKTEST_OUTCOMES]
			 [LF_BACKTEST_OUTCOMES]; /* old, new; those with the same outcome included */
	struct lf_tally reasons;                 /* of flips: criteria, gates, or that the first place is the same */
	struct lf_tally projects;                /* of flips */
	Leadfit__V1__FieldViolation because
		[LF_BACKTEST_REASONS_MAX]; /* the first reasons why the rubric does not take a decision; texts owned */
	Leadfit__V1__FieldViolation *because_list[LF_BACKTEST_REASONS_MAX];
	size_t because_count;
	Leadfit__V1__RubricRef ref; /* texts owned */
};

/* Adds a slice. false where memory ran out. */
bool lf_backtest_add(struct lf_backtest *backtest, const Leadfit__V1__BacktestResponse *slice);
/* After the last slice: sorts what is counted. */
void lf_backtest_finish(struct lf_backtest *backtest);
void lf_backtest_clean_up(struct lf_backtest *backtest);

/*
 * The one response that all slices make up, without its flips: it borrows from backtest. pairs is room for its
 * outcomes.
 */
void lf_backtest_message(struct lf_backtest *backtest, Leadfit__V1__BacktestResponse *message,
	Leadfit__V1__OutcomePair pairs[LF_BACKTEST_OUTCOMES * LF_BACKTEST_OUTCOMES],
	Leadfit__V1__OutcomePair *list[LF_BACKTEST_OUTCOMES * LF_BACKTEST_OUTCOMES]);

/* "recommended", "too close", ...: words for an outcome. */
const char *lf_outcome_words(size_t outcome);
/* "Of 120 decisions under tech-lead, 7 come out otherwise: 4 recommend someone else, 3 recommend nobody any more.": one sentence. */
void lf_backtest_summary(const struct lf_backtest *backtest, struct lf_buffer *out);

#endif
