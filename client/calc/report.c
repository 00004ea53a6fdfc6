#include "client/calc/report.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/calc/figures.h"

static_assert(LF_KINDS == 5, "every outcome has a place");

/* Room for one more. false where memory ran out. */
static bool grow(void **array, size_t *capacity, size_t count, size_t size)
{
	enum { FIRST_CAPACITY = 64 };
	size_t wider;
	void *grown;

	if (count < *capacity)
		return true;
	wider = *capacity == 0 ? FIRST_CAPACITY : *capacity * 2;
	grown = realloc(*array, wider * size);
	if (grown == NULL)
		return false;
	*array = grown;
	*capacity = wider;
	return true;
}

static void count_kind(struct lf_report_kind *kind, const Leadfit__V1__RecordedOutcome *outcome)
{
	kind->decisions++;
	if (outcome == NULL)
		return;
	kind->recorded++;
	kind->accepted += outcome->disposition == LEADFIT__V1__DISPOSITION__ACCEPTED;
	kind->overridden += outcome->disposition == LEADFIT__V1__DISPOSITION__OVERRIDDEN;
}

void lf_report_count(
	struct lf_report *report, const Leadfit__V1__Decision *decision, const Leadfit__V1__RecordedOutcome *outcome)
{
	const int outcome_number = (int)decision->outcome;
	const size_t kind = outcome_number > 0 && outcome_number < LF_KINDS ? (size_t)outcome_number : 0;

	count_kind(&report->all, outcome);
	count_kind(&report->kinds[kind], outcome);
}

bool lf_report_needs_ranking(const Leadfit__V1__RecordedOutcome *outcome)
{
	return outcome != NULL && (outcome->result > 0 || outcome->disposition == LEADFIT__V1__DISPOSITION__OVERRIDDEN);
}

/* Who led in the ranking; NULL where they are not in it. */
static const Leadfit__V1__Ranked *find_lead(
	const Leadfit__V1__Decision *decision, const Leadfit__V1__RecordedOutcome *outcome)
{
	const bool accepted = outcome->disposition == LEADFIT__V1__DISPOSITION__ACCEPTED;
	const char *lead = outcome->lead[0] == '\0' && accepted ? decision->recommended : outcome->lead;

	for (size_t i = 0; i < decision->n_ranking; i++)
		if (strcmp(decision->ranking[i]->candidate, lead) == 0)
			return decision->ranking[i];
	return NULL;
}

static enum lf_instead instead_of(const Leadfit__V1__Decision *decision, const Leadfit__V1__Ranked *lead)
{
	if (lead == NULL)
		return decision->n_ranking == 0 ? LF_INSTEAD_UNKNOWN : LF_INSTEAD_OUTSIDE;
	if (!lead->eligible)
		return LF_INSTEAD_INELIGIBLE;
	return lead->rank <= 1 ? LF_INSTEAD_FIRST : lead->rank == 2 ? LF_INSTEAD_SECOND : LF_INSTEAD_LOWER;
}

static bool add_reason(struct lf_report *report, const char *text)
{
	bool added;
	uint32_t *place = lf_keys_find(&report->reason_places, text, "");

	if (place == NULL && report->reason_count == LF_REASONS_MAX) {
		report->other_reasons++;
		return true;
	}
	place = lf_keys_add(&report->reason_places, text, "", &added);
	if (place == NULL)
		return false;
	if (added) {
		void *reasons = report->reasons;
		char *copy;

		if (!grow(&reasons, &report->reason_capacity, report->reason_count, sizeof(*report->reasons)))
			return false;
		report->reasons = reasons;
		copy = strdup(text);
		if (copy == NULL)
			return false;
		report->reasons[report->reason_count++] = (struct lf_report_reason){.text = copy};
		*place = (uint32_t)report->reason_count;
	}
	report->reasons[*place - 1].count++;
	return true;
}

double lf_report_mean(const struct lf_report_mean *mean)
{
	return mean->count == 0 ? NAN : mean->sum / (double)mean->count;
}

static bool add_result(
	struct lf_report *report, const Leadfit__V1__Ranked *lead, const Leadfit__V1__RecordedOutcome *outcome)
{
	struct lf_report_mean *mean =
		outcome->disposition == LEADFIT__V1__DISPOSITION__OVERRIDDEN ? &report->overridden : &report->accepted;
	void *scores = report->scores, *results = report->results;
	size_t capacity = report->result_capacity, same = report->result_capacity;
	bool grown;
	double place;
	struct lf_report_mean *band;

	mean->count++;
	mean->sum += outcome->result;
	if (lead == NULL) {
		report->results_without_score++;
		return true;
	}
	grown = grow(&scores, &capacity, report->result_count, sizeof(*report->scores)) &&
		grow(&results, &same, report->result_count, sizeof(*report->results));
	report->scores = scores;
	report->results = results;
	if (!grown)
		return false;
	report->result_capacity = capacity;
	report->scores[report->result_count] = lf_compared_score(lead->score);
	report->results[report->result_count++] = outcome->result;
	/* A score of 0.3 belongs to 0.3..0.4, though 0.3 * 10 may be 2.9999999999999996 or 3.0000000000000004. */
	place = lead->score * LF_BANDS + 1e-9;
	band = &report->bands[place >= LF_BANDS ? LF_BANDS - 1 : place > 0 ? (size_t)place : 0];
	band->count++;
	band->sum += outcome->result;
	return true;
}

bool lf_report_add_lead(
	struct lf_report *report, const Leadfit__V1__Decision *decision, const Leadfit__V1__RecordedOutcome *outcome)
{
	const Leadfit__V1__Ranked *lead = find_lead(decision, outcome);

	if (outcome->disposition == LEADFIT__V1__DISPOSITION__OVERRIDDEN) {
		report->instead[instead_of(decision, lead)]++;
		if (outcome->reason[0] != '\0' && !add_reason(report, outcome->reason))
			return false;
	}
	return outcome->result == 0 || outcome->result >= LF_LEVELS_MAX_OF_Y || add_result(report, lead, outcome);
}

static int compare_reasons(const void *a, const void *b)
{
	const struct lf_report_reason *x = a, *y = b;

	return x->count != y->count ? (x->count < y->count) - (x->count > y->count) : strcmp(x->text, y->text);
}

bool lf_report_finish(struct lf_report *report, size_t rubrics)
{
	report->rubrics = rubrics;
	if (report->reason_count > 0)
		qsort(report->reasons, report->reason_count, sizeof(*report->reasons), compare_reasons);
	lf_keys_clean_up(&report->reason_places); /* the places have changed */
	if (rubrics > 1) {
		memset(report->bands, 0, sizeof(report->bands));
		report->calibration = (struct lf_agreement){.tau = NAN, .interval = {NAN, NAN}};
		return true;
	}
	return lf_tau_b(report->scores, report->results, report->result_count, &report->calibration);
}

void lf_report_clean_up(struct lf_report *report)
{
	for (size_t i = 0; i < report->reason_count; i++)
		free(report->reasons[i].text);
	free(report->reasons);
	free(report->scores);
	free(report->results);
	lf_keys_clean_up(&report->reason_places);
	*report = (struct lf_report){0};
}

/* ---- words ---- */

const char *lf_report_kind_name(size_t kind)
{
	const ProtobufCEnumValue *value =
		protobuf_c_enum_descriptor_get_value(&leadfit__v1__outcome__descriptor, (int)kind);

	return kind == 0 || value == NULL ? "(unknown)" : value->name;
}

void lf_report_band_name(size_t band, char out[LF_BAND_NAME_BYTES])
{
	snprintf(out, LF_BAND_NAME_BYTES, "%.1f..%.1f", (double)band / LF_BANDS, (double)(band + 1) / LF_BANDS);
}

void lf_report_verdict(const struct lf_report *report, struct lf_buffer *text)
{
	const struct lf_agreement *found = &report->calibration;
	char numbers[3][LF_FIGURE_BYTES];

	if (report->rubrics > 1) {
		lf_text_add(text, "Not computed over %zu rubrics together: their scores are not comparable.",
			report->rubrics);
		return;
	}
	if (report->result_count < LF_RESULTS_NEEDED) {
		lf_text_add(text, "Too few: %zu result%s with the score of who led, at least %d are needed.",
			report->result_count, report->result_count == 1 ? "" : "s", LF_RESULTS_NEEDED);
		return;
	}
	if (isnan(found->tau)) {
		lf_text_add(text, "Nothing can be said: all %zu results, or all scores of those who led, are the same.",
			report->result_count);
		return;
	}
	lf_figure(found->tau, 2, numbers[0]);
	lf_text_add(
		text, "Kendall's tau-b of score and result is %s over %zu results", numbers[0], report->result_count);
	if (isnan(found->interval.low)) {
		lf_buffer_append_text(text, "; one order follows the other so closely that no interval can be given.");
		return;
	}
	lf_figure(found->interval.low, 2, numbers[1]);
	lf_figure(found->interval.high, 2, numbers[2]);
	lf_text_add(text, " (95%% interval %s to %s): ", numbers[1], numbers[2]);
	lf_buffer_append_text(text,
		found->interval.low > 0 ? "a higher score goes with a better result."
			: found->interval.high < 0
			? "a higher score goes with a worse result. Look at what the rubric counts."
			: "the data do not tell whether a higher score goes with a better result.");
}
