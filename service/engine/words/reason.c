/* Why this candidate is first, or why not: one sentence each, and one for every condition not met. */
#include "service/engine/words/speak.h"

/* ---- reasons ---- */

static void put_limiting(
	struct lf_speaker *speaker, const struct lf_member_score *score, const struct lf_member_score *first)
{
	const struct lf_rubric *rubric = speaker->rubric;
	uint32_t j = score->limiting;
	double has = score->criteria[j].value, other = first != NULL ? first->criteria[j].value : has;
	unsigned decimals = lf_decimals_apart(has, other, 2);

	lf_text_put(&speaker->text, "held back most by ");
	lf_put_label(speaker, rubric->criteria[rubric->criterion_place[j]].label);
	lf_text_put(&speaker->text, " (");
	lf_text_fixed(&speaker->text, has, decimals);
	lf_text_put(&speaker->text, " of 1");
	if (first != NULL) {
		lf_text_put(&speaker->text, ", where ");
		lf_put_ranked(speaker, 0);
		lf_text_put(&speaker->text, " has ");
		lf_text_fixed(&speaker->text, other, decimals);
	}
	lf_text_put(&speaker->text, ")");
}

/* ": most of it comes from Interaction (0.25) and Architecture (0.20)" */
static void put_sources(struct lf_speaker *speaker, const struct lf_member_score *score)
{
	struct lf_picks picks = {.room = LF_PICKS_MAX};
	unsigned decimals;

	if (score->limiting != LF_NONE) {
		lf_text_put(&speaker->text, "; ");
		put_limiting(speaker, score, NULL);
		return;
	}
	for (size_t c = 0; c < speaker->rubric->def.criterion_count; c++) {
		const struct lf_criterion *criterion = &speaker->rubric->criteria[c];

		lf_pick(&picks, criterion,
			speaker->result->weights[criterion->index] * score->criteria[criterion->index].value);
	}
	decimals = lf_settle(&picks);
	if (picks.count == 0)
		return;
	lf_text_put(&speaker->text, ": most of it comes from ");
	lf_put_picks(speaker, &picks, '\0', decimals);
}

static void put_first(struct lf_speaker *speaker)
{
	const struct lf_member_score *ranking = speaker->result->ranking;
	struct lf_picks ahead = {.room = 2}, behind = {.room = 0};
	unsigned decimals;
	size_t next;

	if (speaker->eligible == 1) {
		lf_text_put(&speaker->text,
			speaker->result->ranking_count == 1
				? "The only candidate, with "
				: "First as the only candidate who meets every condition, with ");
		lf_text_fixed(&speaker->text, ranking[0].score, 2);
		put_sources(speaker, &ranking[0]);
		return;
	}
	next = lf_tied_from(speaker, 1);
	decimals = lf_decimals_apart(ranking[0].score, ranking[1].score, 2);
	lf_text_put(&speaker->text, "First with ");
	lf_text_fixed(&speaker->text, ranking[0].score, decimals);
	lf_text_put(&speaker->text, ", ahead of ");
	lf_put_several(speaker, 1, next);
	lf_text_put(&speaker->text, " (");
	lf_text_fixed(&speaker->text, ranking[1].score, decimals);
	lf_text_put(&speaker->text, next > 1 ? " each)" : ")");
	if (ranking[0].limiting != LF_NONE) {
		lf_text_put(&speaker->text, "; ");
		put_limiting(speaker, &ranking[0], NULL);
		return;
	}
	if (!lf_alike(speaker, 1, next))
		return;
	lf_pick_differences(speaker, &ranking[0], &ranking[1], &ahead, &behind);
	decimals = lf_settle(&ahead);
	if (ahead.count > 0)
		lf_text_put(&speaker->text, " mainly on ");
	lf_put_picks(speaker, &ahead, '+', decimals);
}

static void put_shared_first(struct lf_speaker *speaker, size_t place)
{
	lf_text_put(&speaker->text, "Shares first place with ");
	if (speaker->first > 2) {
		lf_text_count(&speaker->text, speaker->first - 1);
		lf_text_put(&speaker->text, " others");
	} else {
		lf_put_ranked(speaker, place == 0 ? 1 : 0);
	}
	lf_text_put(&speaker->text, ", at ");
	lf_text_fixed(&speaker->text, speaker->result->ranking[place].score, 2);
	put_sources(speaker, &speaker->result->ranking[place]);
}

static void put_behind(struct lf_speaker *speaker, size_t place, bool first_alike)
{
	const struct lf_member_score *first = &speaker->result->ranking[0], *score = &speaker->result->ranking[place];
	unsigned decimals = lf_decimals_apart(first->score, score->score, 2);
	struct lf_picks more = {.room = 1}, less = {.room = LF_PICKS_MAX};

	lf_text_fixed(&speaker->text, score->score, decimals);
	lf_text_put(&speaker->text, ", which is ");
	lf_text_distance(&speaker->text, first->score, score->score, decimals);
	lf_text_put(&speaker->text, " behind ");
	lf_put_several(speaker, 0, speaker->first);
	if (score->limiting != LF_NONE) {
		lf_text_put(&speaker->text, "; ");
		put_limiting(speaker, score, first);
		return;
	}
	lf_pick_differences(speaker, score, first, &more, &less);
	decimals = lf_settle(&less);
	if (less.count == 0)
		return;
	if (first_alike) {
		lf_text_put(&speaker->text, ": less on ");
	} else {
		lf_text_put(&speaker->text, "; beside ");
		lf_put_ranked(speaker, 0);
		lf_text_put(&speaker->text, ", less on ");
	}
	lf_put_picks(speaker, &less, '-', decimals);
	/* What is nothing beside that is no news. */
	if (more.count == 0 || lf_scaled(more.amount[0], decimals) == 0)
		return;
	lf_text_put(&speaker->text, ", more on ");
	lf_put_picks(speaker, &more, '+', decimals);
}

/* ---- conditions ---- */

static void say_failed_gate(struct lf_speaker *speaker, size_t place, const struct lf_gate_def *gate)
{
	const struct lf_rubric *rubric = speaker->rubric;
	const struct lf_member_score *score = &speaker->result->ranking[place];
	const struct lf_member *member = &speaker->the_case->members[score->member];
	double has = member->availability;

	if (gate->criterion == LF_NONE) {
		lf_text_put(&speaker->text, "Availability is ");
	} else {
		const struct lf_criterion_score *criterion = &score->criteria[gate->criterion];
		bool rated = rubric->def.criteria[gate->criterion].derived == LF_RATED;

		lf_put_label(speaker, rubric->criteria[rubric->criterion_place[gate->criterion]].label);
		lf_text_put(&speaker->text, !criterion->known ? " is not rated" : rated ? " is rated " : " is ");
		has = rated ? criterion->rating : criterion->value;
		if (!criterion->known)
			has = (double)NAN;
	}
	if (has == has)
		lf_text_fixed(&speaker->text, has, lf_decimals_apart(has, gate->at_least, 2));
	lf_text_put(&speaker->text, "; at least ");
	lf_text_number(&speaker->text, gate->at_least);
	lf_text_put(&speaker->text, " is required.");
	lf_utter(speaker, LF_SAY_INELIGIBLE, place);
}

static void say_ineligible(struct lf_speaker *speaker, size_t place)
{
	const struct lf_member_score *score = &speaker->result->ranking[place];
	size_t failed = 0;

	for (size_t g = 0; g < speaker->rubric->def.gate_count; g++)
		failed += score->failed_gates >> g & 1;
	lf_text_put(&speaker->text, "Not eligible: ");
	lf_text_count(&speaker->text, failed);
	lf_text_put(&speaker->text,
		failed == 1 ? " condition of this rubric is not met. The score of "
			    : " conditions of this rubric are not met. The score of ");
	lf_text_fixed(&speaker->text, score->score, 2);
	lf_text_put(&speaker->text, " does not compete.");
	lf_utter(speaker, LF_SAY_REASON, place);
	for (size_t g = 0; g < speaker->rubric->def.gate_count; g++) {
		if (score->failed_gates >> g & 1)
			say_failed_gate(speaker, place, &speaker->rubric->def.gates[g]);
	}
}

void lf_say_reasons(struct lf_speaker *speaker)
{
	bool first_alike = lf_alike(speaker, 0, speaker->first);

	for (size_t place = 0; place < speaker->result->ranking_count; place++) {
		if (place >= speaker->eligible) {
			say_ineligible(speaker, place);
			continue;
		}
		if (place < speaker->first && speaker->first > 1)
			put_shared_first(speaker, place);
		else if (place == 0)
			put_first(speaker);
		else
			put_behind(speaker, place, first_alike);
		lf_text_put(&speaker->text, ".");
		lf_utter(speaker, LF_SAY_REASON, place);
	}
}
