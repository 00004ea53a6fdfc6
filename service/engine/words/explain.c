/*
 * The words for an answer's numbers: what was found, what counts here, what sets the first two apart, how much of it is
 * expectation, and what it assumes; robustness, changes and the co-lead are outcome.c's and say_change.c's. Only words:
 * every number comes from the result. Changing a word raises LF_EXPLANATION_VERSION (README.md).
 */
#include "service/engine/words/speak.h"

enum { NAMED_MAX = 5 }; /* disciplines that one list names before "and N others" */

/* ---- what counts here ---- */

/* How much trait t adds to the raw weights of the picked criteria. */
static double push_of(const struct lf_speaker *speaker, const struct lf_picks *picks, uint32_t trait)
{
	double push = 0;

	for (size_t i = 0; i < picks->count; i++) {
		const struct lf_response *weight = &picks->criterion[i]->weight;

		for (size_t t = 0; t < weight->term_count; t++) {
			if (weight->terms[t].trait == trait && weight->terms[t].coefficient > 0)
				push += weight->terms[t].coefficient * speaker->the_case->traits[trait];
		}
	}
	return push;
}

/* ", because interaction focus is 0.90": the traits, two at most, that add at least a tenth of these weights. */
static void put_because(struct lf_speaker *speaker, const struct lf_picks *picks)
{
	const struct lf_rubric_def *def = &speaker->rubric->def;
	uint32_t found[2] = {LF_NONE, LF_NONE};
	double pushes[2] = {0, 0}, total = 0;

	for (size_t i = 0; i < picks->count; i++)
		total += lf_respond(&picks->criterion[i]->weight, speaker->the_case->traits);
	for (uint32_t t = 0; t < def->trait_count; t++) {
		double push = push_of(speaker, picks, t);

		for (size_t i = 0; i < 2; i++) {
			if (!(push > 0) || push < pushes[i] ||
				(push == pushes[i] && strcmp(def->traits[t].id, def->traits[found[i]].id) > 0))
				continue;
			if (i == 0) {
				found[1] = found[0];
				pushes[1] = pushes[0];
			}
			found[i] = t;
			pushes[i] = push;
			break;
		}
	}
	for (size_t i = 0; i < 2 && found[i] != LF_NONE && pushes[i] >= total / 10; i++) {
		lf_text_put(&speaker->text, i == 0 ? ", because " : " and ");
		lf_put_label_within(speaker, speaker->rubric->trait_labels[found[i]]);
		lf_text_put(&speaker->text, " is ");
		lf_text_fixed(&speaker->text, speaker->the_case->traits[found[i]], 2);
		if (speaker->the_case->trait_assumed != NULL && speaker->the_case->trait_assumed[found[i]])
			lf_text_put(&speaker->text, " (assumed)");
	}
}

static void say_what_counts(struct lf_speaker *speaker, const double *weights)
{
	const struct lf_case *the_case = speaker->the_case;
	struct lf_picks picks = {.room = LF_PICKS_MAX};

	for (size_t c = 0; c < speaker->rubric->def.criterion_count; c++)
		lf_pick(&picks, &speaker->rubric->criteria[c], weights[speaker->rubric->criteria[c].index]);
	lf_text_put(&speaker->text, "What counts most in ");
	if (the_case->project_title != NULL && the_case->project_title[0] != '\0')
		lf_text_put(&speaker->text, the_case->project_title);
	else if (the_case->project_id != NULL && the_case->project_id[0] != '\0')
		lf_text_put(&speaker->text, the_case->project_id);
	else
		lf_text_put(&speaker->text, "this project");
	lf_text_put(&speaker->text, ": ");
	for (size_t i = 0; i < picks.count; i++) {
		lf_text_join(&speaker->text, i, picks.count);
		lf_put_label(speaker, picks.criterion[i]->label);
		lf_text_put(&speaker->text, " (");
		lf_text_percent(&speaker->text, picks.amount[i] > 1 ? 1 : picks.amount[i]);
		lf_text_put(&speaker->text, ")");
	}
	put_because(speaker, &picks);
	lf_text_put(&speaker->text, ".");
	lf_utter(speaker, LF_SAY_EXPLANATION, 0);
}

/* ---- the first against the second ---- */

static double weakest_of(const struct lf_member_score *score)
{
	return score->criteria[score->limiting].value;
}

/* "m-1 is held back most by Fit (0.33 of 1)", "m-2 and m-3 by Collaboration (0.25)" */
static void put_weak_spot(struct lf_speaker *speaker, size_t place, size_t count, unsigned decimals)
{
	const struct lf_member_score *score = &speaker->result->ranking[place];
	const struct lf_rubric *rubric = speaker->rubric;

	lf_put_several(speaker, place, count);
	lf_text_put(&speaker->text, place > 0 ? " by " : " is held back most by ");
	lf_put_label(speaker, rubric->criteria[rubric->criterion_place[score->limiting]].label);
	lf_text_put(&speaker->text, " (");
	lf_text_fixed(&speaker->text, weakest_of(score), decimals);
	lf_text_put(&speaker->text, place > 0 ? ")" : " of 1)");
}

/* Of the first and the next; of those who share first place, each, if they are few. */
static void say_weak_spots(struct lf_speaker *speaker)
{
	const struct lf_member_score *ranking = speaker->result->ranking;
	size_t spots = speaker->first > 1 ? speaker->first : 2;
	size_t next = speaker->first > 1 ? 1 : lf_tied_from(speaker, 1);
	unsigned decimals = lf_decimals_apart(weakest_of(&ranking[0]), weakest_of(&ranking[1]), 2);

	if (spots > LF_NAMED_MAX)
		return;
	if (!lf_alike(speaker, 1, next))
		next = 1;
	lf_text_put(&speaker->text,
		speaker->rubric->def.aggregation == LF_MINIMUM ? "The weakest criterion decides under this rubric: "
							       : "Weak spots cost most under this rubric: ");
	for (size_t place = 0; place < spots; place++) {
		lf_text_put(&speaker->text, place > 0 ? ", " : "");
		put_weak_spot(speaker, place, place > 0 ? next : 1, decimals);
	}
	lf_text_put(&speaker->text, ".");
	lf_utter(speaker, LF_SAY_EXPLANATION, 0);
}

/* The criteria on which the contributions of those who share first place are furthest apart, and how far. */
static void pick_spreads(const struct lf_speaker *speaker, struct lf_picks *picks)
{
	const struct lf_member_score *ranking = speaker->result->ranking;

	for (size_t c = 0; c < speaker->rubric->def.criterion_count; c++) {
		uint32_t j = speaker->rubric->criteria[c].index;
		double least = ranking[0].criteria[j].value, most = least;

		for (size_t i = 1; i < speaker->first; i++) {
			double value = ranking[i].criteria[j].value;

			least = value < least ? value : least;
			most = value > most ? value : most;
		}
		lf_pick(picks, &speaker->rubric->criteria[c], speaker->result->weights[j] * (most - least));
	}
}

/* "m-1, m-4 and m-2 differ most on Skill (by up to 0.14)" */
static void say_spreads(struct lf_speaker *speaker)
{
	struct lf_picks picks = {.room = LF_PICKS_MAX};
	unsigned decimals;

	pick_spreads(speaker, &picks);
	decimals = lf_settle(&picks);
	lf_put_several(speaker, 0, speaker->first);
	lf_text_put(&speaker->text,
		picks.count > 0 ? " differ most on " : " are equal on every criterion that counts here");
	for (size_t i = 0; i < picks.count; i++) {
		lf_text_join(&speaker->text, i, picks.count);
		lf_put_label(speaker, picks.criterion[i]->label);
		lf_text_put(&speaker->text, " (by up to ");
		lf_text_fixed(&speaker->text, picks.amount[i], decimals);
		lf_text_put(&speaker->text, ")");
	}
	lf_text_put(&speaker->text, ".");
	lf_utter(speaker, LF_SAY_EXPLANATION, 0);
}

/* On what each of two is ahead: the first, and the next, or all who share the next place and are alike. */
static void say_pair(struct lf_speaker *speaker, size_t next)
{
	const struct lf_member_score *ranking = speaker->result->ranking;
	struct lf_picks ahead = {.room = LF_PICKS_MAX}, behind = {.room = 2};
	bool tied = speaker->first > 1;
	unsigned ahead_decimals, behind_decimals;

	lf_pick_differences(speaker, &ranking[0], &ranking[1], &ahead, &behind);
	ahead_decimals = lf_settle(&ahead);
	behind_decimals = lf_settle(&behind);
	if (ahead.count + behind.count == 0)
		return;
	if (ahead.count > 0) {
		lf_put_ranked(speaker, 0);
		lf_text_put(&speaker->text, " is ahead");
		if (!tied) {
			lf_text_put(&speaker->text, " of ");
			lf_put_several(speaker, 1, next);
		}
		lf_text_put(&speaker->text, tied ? " on " : " mainly on ");
		lf_put_picks(speaker, &ahead, '+', ahead_decimals);
		lf_text_put(&speaker->text, behind.count > 0 ? "; " : "");
	}
	if (behind.count > 0) {
		if (ahead.count > 0 && next > 1)
			lf_text_put(&speaker->text, "they");
		else
			lf_put_several(speaker, 1, next);
		lf_text_put(&speaker->text, next > 1 ? " are ahead on " : " is ahead on ");
		lf_put_picks(speaker, &behind, '+', behind_decimals);
	}
	lf_text_put(&speaker->text, ".");
	lf_utter(speaker, LF_SAY_EXPLANATION, 0);
}

static void say_difference(struct lf_speaker *speaker)
{
	size_t next;

	if (speaker->eligible < 2)
		return;
	next = speaker->first > 1 ? 1 : lf_tied_from(speaker, 1);
	if (speaker->first > 1 && lf_alike(speaker, 0, speaker->first))
		say_spreads(speaker);
	else if (speaker->result->ranking[0].limiting != LF_NONE && speaker->result->ranking[1].limiting != LF_NONE)
		say_weak_spots(speaker);
	else if (speaker->first > 2)
		say_spreads(speaker);
	else
		say_pair(speaker, lf_alike(speaker, 1, next) ? next : 1);
}

/* ---- evidence and expectation ---- */

/* What part of a candidate's ratings, by weight, is expected of their discipline. */
static double expected_of(const struct lf_speaker *speaker, const struct lf_member_score *score, double rated)
{
	double expected = 0;

	for (size_t c = 0; c < speaker->rubric->def.criterion_count; c++) {
		uint32_t j = speaker->rubric->criteria[c].index;

		if (lf_counts_as_evident(speaker->rubric, c) && score->criteria[j].known)
			expected += speaker->result->weights[j] * (1 - score->criteria[j].share);
	}
	expected /= rated;
	return expected > 1 ? 1 : expected;
}

/* "62% of the ratings behind this score rest on expectations about the discipline Front end, not on evidence about m-1" */
static void put_expected(struct lf_speaker *speaker, double least, double most)
{
	const struct lf_rubric *rubric = speaker->rubric;
	uint32_t discipline = speaker->the_case->members[speaker->result->ranking[0].member].discipline;

	if (least < most && lf_scaled(least, 2) < lf_scaled(most, 2)) {
		lf_text_put(&speaker->text, "Between ");
		lf_text_percent(&speaker->text, least);
		lf_text_put(&speaker->text, " and ");
	}
	lf_text_percent(&speaker->text, most);
	lf_put_ratings(speaker);
	if (speaker->first > 1) {
		lf_text_put(&speaker->text, " behind these scores rest on expectations");
	} else if (discipline == LF_NONE) {
		lf_text_put(&speaker->text, " behind this score rest on general expectations");
	} else {
		lf_text_put(&speaker->text, " behind this score rest on expectations about the discipline ");
		if (discipline < rubric->def.discipline_count)
			lf_put_label(speaker, rubric->discipline_labels[discipline]);
		else
			lf_text_put(&speaker->text, lf_discipline_id(rubric, speaker->the_case, discipline));
	}
	lf_text_put(&speaker->text, ", not on evidence about ");
	lf_put_first(speaker);
}

static void say_expectation(struct lf_speaker *speaker)
{
	const struct lf_member_score *ranking = speaker->result->ranking;
	double rated = 0, least = 1, most = 0, known = 0;

	for (size_t c = 0; c < speaker->rubric->def.criterion_count; c++) {
		if (lf_counts_as_evident(speaker->rubric, c))
			rated += speaker->result->weights[speaker->rubric->criteria[c].index];
	}
	if (!(rated > 0))
		return;
	for (size_t i = 0; i < speaker->first; i++) {
		double expected = expected_of(speaker, &ranking[i], rated);

		least = expected < least ? expected : least;
		most = expected > most ? expected : most;
		known = ranking[i].evidence_share > known ? ranking[i].evidence_share : known;
	}
	if (most > 0) {
		put_expected(speaker, least, most);
	} else {
		if (known > 0)
			lf_text_put(&speaker->text,
				speaker->first > 1 ? "Nothing in these scores" : "Nothing in this score");
		lf_text_put(&speaker->text,
			known > 0 ? " rests on expectations: all that is rated rests on evidence about "
				  : "Nothing that this rubric rates is known about ");
		lf_put_first(speaker);
	}
	lf_text_put(&speaker->text, ".");
	lf_utter(speaker, LF_SAY_EXPLANATION, 0);
}

static void put_fit(struct lf_speaker *speaker, const struct lf_discipline_fit *fit, unsigned decimals)
{
	lf_put_label(speaker, speaker->rubric->discipline_labels[fit->discipline]);
	lf_text_put(&speaker->text, " (");
	lf_text_fixed(&speaker->text, fit->score, decimals);
	lf_text_put(&speaker->text, ")");
}

static void say_profile(struct lf_speaker *speaker, const struct lf_discipline_fit *fits)
{
	size_t count = speaker->rubric->def.discipline_count, tied = 1;
	unsigned decimals = 2;

	if (fits == NULL || count == 0)
		return;
	while (tied < count && lf_tied(lf_ties_of(speaker->the_case), fits[tied].score, fits[0].score))
		tied++;
	lf_text_put(&speaker->text, "On expectations alone ");
	if ((count > 1 && tied == count) || !(fits[0].score > 0)) {
		lf_text_put(&speaker->text, "no discipline stands out for this project");
	} else if (tied > 1) {
		lf_text_put(&speaker->text, "this project calls equally for ");
		for (size_t i = 0; i < tied && i < NAMED_MAX; i++) {
			lf_text_join(&speaker->text, i, tied);
			put_fit(speaker, &fits[i], 2);
		}
		if (tied > NAMED_MAX) {
			lf_text_put(&speaker->text, " and ");
			lf_text_count(&speaker->text, tied - NAMED_MAX);
			lf_text_put(&speaker->text, tied - NAMED_MAX == 1 ? " other" : " others");
		}
	} else {
		if (count > 1)
			decimals = lf_decimals_apart(fits[0].score, fits[1].score, 2);
		lf_text_put(&speaker->text, "this project calls for ");
		put_fit(speaker, &fits[0], decimals);
		if (count > 1) {
			lf_text_put(&speaker->text, ", then ");
			put_fit(speaker, &fits[1], decimals);
		}
	}
	lf_text_put(&speaker->text, ".");
	lf_utter(speaker, LF_SAY_EXPLANATION, 0);
}

/* ---- all of it ---- */

void lf_explain(const struct lf_rubric *rubric, const struct lf_case *the_case, const struct lf_findings *findings,
	lf_say_fn say, void *context)
{
	struct lf_speaker speaker;

	lf_speaker_begin(&speaker, rubric, the_case, findings, say, context);
	lf_say_outcome(&speaker);
	say_what_counts(&speaker, findings->result->weights);
	say_difference(&speaker);
	lf_say_robustness(&speaker);
	if (speaker.eligible > 0) {
		say_expectation(&speaker);
		lf_say_shown(&speaker);
	}
	lf_say_co_lead(&speaker);
	say_profile(&speaker, findings->profile);
	lf_say_changes(&speaker);
	lf_say_assumptions(&speaker);
	lf_say_reasons(&speaker);
}

void lf_explain_profile(const struct lf_rubric *rubric, const struct lf_case *the_case,
	const struct lf_discipline_fit *profile, const double *weights, lf_say_fn say, void *context)
{
	struct lf_speaker speaker;

	lf_speaker_begin(&speaker, rubric, the_case, NULL, say, context);
	say_what_counts(&speaker, weights);
	say_profile(&speaker, profile);
	lf_say_assumptions(&speaker);
}
