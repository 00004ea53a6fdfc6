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

static void say_weak_spots(struct lf_speaker *speaker)
{
	const struct lf_rubric *rubric = speaker->rubric;

	lf_text_put(&speaker->text,
		rubric->def.aggregation == LF_MINIMUM ? "The weakest criterion decides under this rubric: "
						      : "Weak spots cost most under this rubric: ");
	for (size_t place = 0; place < 2; place++) {
		const struct lf_member_score *score = &speaker->result->ranking[place];

		lf_text_put(&speaker->text, place > 0 ? ", " : "");
		lf_put_ranked(speaker, place);
		lf_text_put(&speaker->text, place > 0 ? " by " : " is held back most by ");
		lf_put_label(speaker, rubric->criteria[rubric->criterion_place[score->limiting]].label);
		lf_text_put(&speaker->text, " (");
		lf_text_fixed(&speaker->text, score->criteria[score->limiting].value, 2);
		lf_text_put(&speaker->text, place > 0 ? ")" : " of 1)");
	}
	lf_text_put(&speaker->text, ".");
	lf_utter(speaker, LF_SAY_EXPLANATION, 0);
}

static void say_difference(struct lf_speaker *speaker)
{
	const struct lf_member_score *ranking = speaker->result->ranking;
	struct lf_picks ahead = {.room = LF_PICKS_MAX}, behind = {.room = 2};
	unsigned ahead_decimals, behind_decimals;
	bool tied;

	if (speaker->eligible < 2)
		return;
	if (ranking[0].limiting != LF_NONE && ranking[1].limiting != LF_NONE) {
		say_weak_spots(speaker);
		return;
	}
	tied = ranking[0].score == ranking[1].score;
	lf_pick_differences(speaker, &ranking[0], &ranking[1], &ahead, &behind);
	ahead_decimals = lf_settle(&ahead);
	behind_decimals = lf_settle(&behind);
	if (ahead.count + behind.count == 0) {
		if (!tied)
			return;
		lf_put_several(speaker, 0, 2);
		lf_text_put(&speaker->text, " are equal on every criterion that counts here.");
		lf_utter(speaker, LF_SAY_EXPLANATION, 0);
		return;
	}
	if (ahead.count > 0) {
		lf_put_ranked(speaker, 0);
		lf_text_put(&speaker->text, " is ahead");
		if (!tied) {
			lf_text_put(&speaker->text, " of ");
			lf_put_ranked(speaker, 1);
		}
		lf_text_put(&speaker->text, tied ? " on " : " mainly on ");
		lf_put_picks(speaker, &ahead, '+', ahead_decimals);
		lf_text_put(&speaker->text, behind.count > 0 ? "; " : "");
	}
	if (behind.count > 0) {
		lf_put_ranked(speaker, 1);
		lf_text_put(&speaker->text, " is ahead on ");
		lf_put_picks(speaker, &behind, '+', behind_decimals);
	}
	lf_text_put(&speaker->text, ".");
	lf_utter(speaker, LF_SAY_EXPLANATION, 0);
}

/* ---- evidence and expectation ---- */

static void put_whose_expectations(struct lf_speaker *speaker, const struct lf_member *member)
{
	const struct lf_rubric *rubric = speaker->rubric;

	if (member->discipline == LF_NONE) {
		lf_text_put(&speaker->text, "general expectations");
		return;
	}
	lf_text_put(&speaker->text, "expectations about ");
	if (member->discipline < rubric->def.discipline_count)
		lf_put_label(speaker, rubric->discipline_labels[member->discipline]);
	else
		lf_text_put(&speaker->text, lf_discipline_id(rubric, speaker->the_case, member->discipline));
	lf_text_put(&speaker->text, " engineers");
}

static void say_expectation(struct lf_speaker *speaker)
{
	const struct lf_member_score *first = &speaker->result->ranking[0];
	const struct lf_member *member = &speaker->the_case->members[first->member];
	double rated = 0, expected = 0;

	for (size_t c = 0; c < speaker->rubric->def.criterion_count; c++) {
		uint32_t j = speaker->rubric->criteria[c].index;

		if (speaker->rubric->criteria[c].derived != LF_RATED)
			continue;
		rated += speaker->result->weights[j];
		if (first->criteria[j].known)
			expected += speaker->result->weights[j] * (1 - first->criteria[j].share);
	}
	if (!(rated > 0))
		return;
	expected /= rated;
	if (!(expected > 0) && first->evidence_share > 0) {
		lf_text_put(&speaker->text,
			"Nothing in this score rests on expectations: all that is rated rests on evidence about ");
		lf_put_ranked(speaker, 0);
	} else if (!(expected > 0)) {
		lf_text_put(&speaker->text, "Nothing that this rubric rates is known about ");
		lf_put_ranked(speaker, 0);
	} else {
		lf_text_percent(&speaker->text, expected > 1 ? 1 : expected);
		lf_text_put(&speaker->text, " of the ratings behind this score rest on ");
		put_whose_expectations(speaker, member);
		lf_text_put(&speaker->text, ", not on evidence about ");
		lf_put_ranked(speaker, 0);
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
	while (tied < count && fits[tied].score == fits[0].score)
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
	if (speaker.eligible > 0)
		say_expectation(&speaker);
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
