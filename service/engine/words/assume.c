/* What an answer rests on besides its input: each assumption is said, so that somebody can object to it. */
#include "service/engine/words/speak.h"

/* "0.50", "0.125" */
static void put_trait_value(struct lf_speaker *speaker, double value)
{
	if (lf_scaled(value, 6) == lf_scaled(value, 2) * 10000)
		lf_text_fixed(&speaker->text, value, 2);
	else
		lf_text_number(&speaker->text, value);
}

static void say_assumed_traits(struct lf_speaker *speaker)
{
	const struct lf_case *the_case = speaker->the_case;

	for (size_t t = 0; the_case->trait_assumed != NULL && t < speaker->rubric->def.trait_count; t++) {
		if (!the_case->trait_assumed[t])
			continue;
		lf_put_label(speaker, speaker->rubric->trait_labels[t]);
		lf_text_put(&speaker->text, " was not given: ");
		put_trait_value(speaker, the_case->traits[t]);
		lf_text_put(&speaker->text, " assumed.");
		lf_utter(speaker, LF_SAY_ASSUMPTION, 0);
	}
}

static void say_undated(struct lf_speaker *speaker)
{
	uint64_t undated = 0;

	for (size_t place = 0; place < speaker->result->ranking_count; place++)
		undated += speaker->result->ranking[place].undated;
	if (undated == 0)
		return;
	lf_text_count(&speaker->text, undated);
	lf_text_put(&speaker->text,
		undated == 1 ? " piece of evidence has no date and counts as one half-life ("
			     : " pieces of evidence have no date and count as one half-life (");
	lf_text_number(&speaker->text, speaker->rubric->def.half_life_days);
	lf_text_put(&speaker->text, speaker->rubric->def.half_life_days == 1 ? " day) old." : " days) old.");
	lf_utter(speaker, LF_SAY_ASSUMPTION, 0);
}

/* "m-1, m-4, m-2 and 3 others", "all 60 candidates" */
static void put_unknown(struct lf_speaker *speaker, uint32_t criterion, size_t unknown)
{
	const struct lf_result *result = speaker->result;
	size_t named = 0;

	if (unknown == result->ranking_count && unknown > LF_NAMED_MAX) {
		lf_text_put(&speaker->text, "all ");
		lf_text_count(&speaker->text, unknown);
		lf_text_put(&speaker->text, " candidates");
		return;
	}
	for (size_t place = 0; place < result->ranking_count && named < LF_NAMED_MAX; place++) {
		if (result->ranking[place].criteria[criterion].known)
			continue;
		lf_text_join(&speaker->text, named++, unknown);
		lf_put_ranked(speaker, place);
	}
	if (unknown > named) {
		lf_text_put(&speaker->text, " and ");
		lf_text_count(&speaker->text, unknown - named);
		lf_text_put(&speaker->text, unknown - named == 1 ? " other" : " others");
	}
}

/* Criteria that count here and on which nothing is known about somebody. */
static void say_unknown(struct lf_speaker *speaker)
{
	const struct lf_result *result = speaker->result;

	for (size_t c = 0; c < speaker->rubric->def.criterion_count; c++) {
		const struct lf_criterion *criterion = &speaker->rubric->criteria[c];
		size_t unknown = 0;

		if (!(result->weights[criterion->index] > 0))
			continue;
		for (size_t place = 0; place < result->ranking_count; place++)
			unknown += !result->ranking[place].criteria[criterion->index].known;
		if (unknown == 0)
			continue;
		lf_put_label(speaker, criterion->label);
		lf_text_put(&speaker->text, " is unknown for ");
		put_unknown(speaker, criterion->index, unknown);
		lf_text_put(&speaker->text, " (no evidence, no expectation) and counts as ");
		lf_text_number(&speaker->text, criterion->unknown_value);
		lf_text_put(&speaker->text, ".");
		lf_utter(speaker, LF_SAY_ASSUMPTION, 0);
	}
}

static bool needs_nothing(const struct lf_speaker *speaker, const struct lf_criterion *criterion)
{
	for (size_t i = 0; i < criterion->need_count; i++) {
		if (lf_respond(&criterion->needs[i].amount, speaker->the_case->traits) > 0)
			return false;
	}
	return true;
}

static bool labour_is_zero(const struct lf_case *the_case)
{
	for (size_t m = 0; m < the_case->member_count; m++) {
		if (the_case->members[m].discipline != LF_NONE && the_case->members[m].availability > 0)
			return false;
	}
	return true;
}

static void say_derived(struct lf_speaker *speaker)
{
	const struct lf_case *the_case = speaker->the_case;
	bool alone = speaker->result == NULL && the_case->member_count == 0;
	bool labour_zero = speaker->rubric->has_coverage && labour_is_zero(the_case);

	for (size_t c = 0; c < speaker->rubric->def.criterion_count; c++) {
		const struct lf_criterion *criterion = &speaker->rubric->criteria[c];

		if (criterion->derived == LF_DOMAIN_ALIGNMENT && needs_nothing(speaker, criterion)) {
			lf_text_put(&speaker->text, "This project needs no discipline in particular: ");
			lf_put_label(speaker, criterion->label);
			lf_text_put(&speaker->text, " counts as 0 for everybody.");
			lf_utter(speaker, LF_SAY_ASSUMPTION, 0);
		}
		if (criterion->derived == LF_TEAM_COVERAGE && alone) {
			lf_text_put(&speaker->text, "No team was given: for ");
			lf_put_label(speaker, criterion->label);
			lf_text_put(&speaker->text, ", each discipline is taken to work alone.");
			lf_utter(speaker, LF_SAY_ASSUMPTION, 0);
		} else if (criterion->derived == LF_TEAM_COVERAGE && labour_zero) {
			lf_text_put(&speaker->text, "Nobody with a discipline is available: ");
			lf_put_label(speaker, criterion->label);
			lf_text_put(&speaker->text, " counts as 0 for everybody.");
			lf_utter(speaker, LF_SAY_ASSUMPTION, 0);
		}
	}
}

void lf_say_assumptions(struct lf_speaker *speaker)
{
	say_assumed_traits(speaker);
	if (speaker->result != NULL) {
		say_undated(speaker);
		say_unknown(speaker);
	}
	say_derived(speaker);
}
