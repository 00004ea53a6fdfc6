/* Slices of a backtest put together. */
#include "client/calc/backtest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/calc/figures.h"
#include "proto/base/buffer.h"

/* ---- putting together ---- */

static bool count_flip(struct lf_backtest *backtest, const Leadfit__V1__Flip *flip)
{
	const bool was = flip->old_recommended[0] != '\0', is = flip->new_recommended[0] != '\0';
	char reason[400];

	backtest->flips++;
	backtest->someone_else += was && is;
	backtest->newly_nobody += was && !is;
	backtest->newly_somebody += !was && is;
	backtest->still_nobody += !was && !is;
	if (flip->criterion[0] != '\0')
		snprintf(reason, sizeof(reason), "%s", flip->criterion);
	else if (flip->gate[0] != '\0')
		snprintf(reason, sizeof(reason), "gate: %s", flip->gate);
	else
		snprintf(reason, sizeof(reason), "(the same first place)");
	return lf_tally_add(&backtest->reasons, reason) && lf_tally_add(&backtest->projects, flip->project);
}

static bool keep_reason(struct lf_backtest *backtest, const Leadfit__V1__FieldViolation *why)
{
	Leadfit__V1__FieldViolation *kept;

	if (backtest->because_count == LF_BACKTEST_REASONS_MAX)
		return true;
	kept = &backtest->because[backtest->because_count];
	leadfit__v1__field_violation__init(kept);
	kept->field = strdup(why->field);
	kept->description = strdup(why->description);
	backtest->because_list[backtest->because_count++] = kept;
	return kept->field != NULL && kept->description != NULL;
}

static bool keep_ref(struct lf_backtest *backtest, const Leadfit__V1__RubricRef *ref, const char *selected_rubric)
{
	if (ref == NULL || backtest->ref.name != NULL)
		return true;
	leadfit__v1__rubric_ref__init(&backtest->ref);
	backtest->ref.name = strdup(ref->name);
	backtest->ref.digest = strdup(ref->digest);
	snprintf(backtest->rubric, sizeof(backtest->rubric), "%.128s %.*s", ref->name, LF_DIGEST_SHOWN, ref->digest);
	backtest->selected_rubric = strdup(selected_rubric);
	return backtest->ref.name != NULL && backtest->ref.digest != NULL && backtest->selected_rubric != NULL;
}

bool lf_backtest_add(struct lf_backtest *backtest, const Leadfit__V1__BacktestResponse *slice)
{
	bool kept = keep_ref(backtest, slice->ref, slice->selected_rubric);

	backtest->decided += slice->decided;
	backtest->erased += slice->erased;
	backtest->pruned += slice->pruned;
	backtest->inapplicable += slice->inapplicable;
	for (size_t i = 0; i < slice->n_outcomes; i++) {
		const Leadfit__V1__OutcomePair *pair = slice->outcomes[i];

		if ((unsigned)pair->old_outcome < LF_BACKTEST_OUTCOMES &&
			(unsigned)pair->new_outcome < LF_BACKTEST_OUTCOMES)
			backtest->outcomes[pair->old_outcome][pair->new_outcome] += pair->decisions;
	}
	for (size_t i = 0; i < slice->n_flips; i++)
		kept = count_flip(backtest, slice->flips[i]) && kept;
	for (size_t i = 0; i < slice->n_inapplicable_because; i++)
		kept = keep_reason(backtest, slice->inapplicable_because[i]) && kept;
	return kept;
}

void lf_backtest_finish(struct lf_backtest *backtest)
{
	lf_tally_sort(&backtest->reasons);
	lf_tally_sort(&backtest->projects);
}

void lf_backtest_clean_up(struct lf_backtest *backtest)
{
	lf_tally_clean_up(&backtest->reasons);
	lf_tally_clean_up(&backtest->projects);
	for (size_t i = 0; i < backtest->because_count; i++) {
		free(backtest->because[i].field);
		free(backtest->because[i].description);
	}
	free(backtest->ref.name);
	free(backtest->ref.digest);
	free(backtest->selected_rubric);
	*backtest = (struct lf_backtest){0};
}

void lf_backtest_message(struct lf_backtest *backtest, Leadfit__V1__BacktestResponse *message,
	Leadfit__V1__OutcomePair pairs[LF_BACKTEST_OUTCOMES * LF_BACKTEST_OUTCOMES],
	Leadfit__V1__OutcomePair *list[LF_BACKTEST_OUTCOMES * LF_BACKTEST_OUTCOMES])
{
	leadfit__v1__backtest_response__init(message);
	message->ref = backtest->ref.name != NULL ? &backtest->ref : NULL;
	if (backtest->selected_rubric != NULL)
		message->selected_rubric = backtest->selected_rubric;
	message->decided = backtest->decided;
	message->erased = backtest->erased;
	message->pruned = backtest->pruned;
	message->inapplicable = backtest->inapplicable;
	message->inapplicable_because = backtest->because_list;
	message->n_inapplicable_because = backtest->because_count;
	message->outcomes = list;
	for (size_t i = 0; i < LF_BACKTEST_OUTCOMES * LF_BACKTEST_OUTCOMES; i++) {
		const size_t old = i / LF_BACKTEST_OUTCOMES, new = i % LF_BACKTEST_OUTCOMES;

		if (backtest->outcomes[old][new] == 0)
			continue;
		leadfit__v1__outcome_pair__init(&pairs[i]);
		pairs[i].old_outcome = (Leadfit__V1__Outcome)old;
		pairs[i].new_outcome = (Leadfit__V1__Outcome) new;
		pairs[i].decisions = backtest->outcomes[old][new];
		list[message->n_outcomes++] = &pairs[i];
	}
}

/* ---- words ---- */

const char *lf_outcome_words(size_t outcome)
{
	static const char *const words[LF_BACKTEST_OUTCOMES] = {
		"unknown", "recommended", "too close", "too little evidence", "nobody eligible"};

	return words[outcome < LF_BACKTEST_OUTCOMES ? outcome : 0];
}

void lf_backtest_summary(const struct lf_backtest *backtest, struct lf_buffer *out)
{
	const struct {
		uint64_t count;
		const char *what; /* after recommend or recommends */
	} parts[] = {
		{backtest->someone_else, "someone else"},
		{backtest->newly_nobody, "nobody any more"},
		{backtest->newly_somebody, "somebody where nobody was"},
		{backtest->still_nobody, "nobody, for another reason"},
	};

	lf_text_add(out, "Of %" PRIu64 " decision%s", backtest->decided, backtest->decided == 1 ? "" : "s");
	if (backtest->selected_rubric == NULL || backtest->selected_rubric[0] == '\0')
		lf_text_add(out, " under any rubric, ");
	else
		lf_text_add(out, " under %s, ", backtest->selected_rubric);
	if (backtest->flips == 0) {
		lf_text_add(out, "none comes out otherwise.");
		return;
	}
	lf_text_add(out, "%" PRIu64 " come%s out otherwise: ", backtest->flips, backtest->flips == 1 ? "s" : "");
	for (size_t i = 0, said = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (parts[i].count == 0)
			continue;
		lf_text_add(out, "%s%" PRIu64 " recommend%s %s", said++ > 0 ? ", " : "", parts[i].count,
			parts[i].count == 1 ? "s" : "", parts[i].what);
	}
	lf_text_add(out, ".");
}
