/* The first sentences of an answer: what was found, and where nothing is recommended, what stands in the way. */
#include "service/engine/words/speak.h"

enum { NAMED_MAX = 5 }; /* criteria or conditions that one list names before "and N others" */

static void say_recommended(struct lf_speaker *speaker)
{
	const struct lf_member_score *ranking = speaker->result->ranking;
	size_t next = speaker->eligible > 1 ? lf_tied_from(speaker, 1) : 0;
	bool rounding = next > 0 && lf_apart_by_rounding(speaker, 0, 1);
	unsigned decimals = next > 0 && !rounding ? lf_decimals_apart(ranking[0].score, ranking[1].score, 2) : 2;

	lf_put_ranked(speaker, 0);
	lf_text_put(&speaker->text, " is recommended: ");
	lf_text_fixed(&speaker->text, ranking[0].score, decimals);
	if (next > 0) {
		lf_text_put(&speaker->text, " against ");
		lf_text_fixed(&speaker->text, ranking[1].score, decimals);
		lf_text_put(&speaker->text, next > 1 ? " each for " : " for ");
		lf_put_several(speaker, 1, next);
		lf_text_put(&speaker->text, rounding ? ", ahead by rounding alone" : "");
	} else {
		lf_text_put(&speaker->text,
			speaker->result->ranking_count == 1
				? ", as the only candidate"
				: ", as the only candidate who meets every condition of this rubric");
	}
	lf_text_put(&speaker->text, ".");
	lf_utter(speaker, LF_SAY_EXPLANATION, 0);
}

/* ---- robustness ---- */

/*
 * "1,024 variations of the weights (each from 54% to 186% of what it is) and the ratings (wider where evidence is
 * thin)"
 */
static void put_variations(struct lf_speaker *speaker)
{
	const struct lf_robustness_def *doubt = &speaker->rubric->def.robustness;
	double lowest = 100 * (1 - doubt->weight_spread) / (1 + doubt->weight_spread);
	double highest = 100 * (1 + doubt->weight_spread) / (1 - doubt->weight_spread);
	bool weights = doubt->weights_unknown || doubt->weight_spread > 0;

	lf_text_thousands(&speaker->text, doubt->samples);
	lf_text_put(&speaker->text, weights || doubt->rating_spread > 0 ? " variations of " : " variations of nothing");
	if (doubt->weights_unknown) {
		lf_text_put(&speaker->text, "the weights (all taken as unknown)");
	} else if (weights) {
		lf_text_put(&speaker->text, "the weights (each from ");
		lf_text_fixed(&speaker->text, lowest, lf_decimals_apart(lowest, 100, 0));
		lf_text_put(&speaker->text, "% to ");
		lf_text_fixed(&speaker->text, highest, lf_decimals_apart(highest, 100, 0));
		lf_text_put(&speaker->text, "% of what it is)");
	}
	if (doubt->rating_spread > 0)
		lf_text_put(&speaker->text,
			weights ? " and the ratings (wider where evidence is thin)"
				: "the ratings (wider where evidence is thin)");
}

/* "; this rubric asks for at least 60%" */
static void put_asked_share(struct lf_speaker *speaker)
{
	lf_text_put(&speaker->text, "; this rubric asks for at least ");
	lf_text_number(&speaker->text, speaker->rubric->def.threshold_first_rank_share * 100);
	lf_text_put(&speaker->text, "%");
}

/* The first-rank share alone keeps it from a recommendation. */
static bool only_fragile(const struct lf_speaker *speaker)
{
	return speaker->result->outcome == LF_TOO_CLOSE && speaker->result->margin != 0 &&
		!lf_below(
			lf_ties_of(speaker->the_case), speaker->result->margin, speaker->rubric->def.threshold_margin);
}

static void say_fragile(struct lf_speaker *speaker)
{
	double share = speaker->result->ranking[0].first_rank_share * 100;
	double asked = speaker->rubric->def.threshold_first_rank_share * 100;

	lf_text_put(&speaker->text, "No recommendation, because it is too close: ");
	lf_put_ranked(speaker, 0);
	lf_text_put(&speaker->text, " ranks first in only ");
	lf_text_fixed(&speaker->text, share, lf_decimals_apart(share, asked, 0));
	lf_text_put(&speaker->text, "% of ");
	put_variations(speaker);
	put_asked_share(speaker);
	lf_text_put(&speaker->text, ".");
	lf_utter(speaker, LF_SAY_EXPLANATION, 0);
}

/* A share as "38%"; where it differs from another one, it looks different. */
static void put_share_beside(struct lf_speaker *speaker, double share, double other)
{
	unsigned decimals = lf_decimals_apart(share * 100, other * 100, 0);

	if (decimals == 0 || share < 0.005) {
		lf_text_percent(&speaker->text, share);
		return;
	}
	lf_text_fixed(&speaker->text, share * 100, decimals);
	lf_text_put(&speaker->text, "%");
}

/* "; m-2 ranks first in 7%", "; m-2 and m-3 each rank first in 7%": of all from place on but one, the most frequent. */
static void put_rivals(struct lf_speaker *speaker, size_t place, size_t but, double share)
{
	const struct lf_member_score *ranking = speaker->result->ranking;
	double most = 0;
	size_t rivals = 0, named = 0;

	for (size_t i = place; i < speaker->eligible; i++) {
		if (i == but || ranking[i].first_rank_share < most)
			continue;
		rivals = ranking[i].first_rank_share > most ? 1 : rivals + 1;
		most = ranking[i].first_rank_share;
	}
	if (!(most > 0))
		return;
	lf_text_put(&speaker->text, "; ");
	for (size_t i = place; i < speaker->eligible && rivals <= LF_NAMED_MAX; i++) {
		if (i == but || ranking[i].first_rank_share != most)
			continue;
		lf_text_join(&speaker->text, named++, rivals);
		lf_put_ranked(speaker, i);
	}
	if (named == 0) {
		lf_text_count(&speaker->text, rivals);
		lf_text_put(&speaker->text, " others");
	}
	lf_text_put(&speaker->text, rivals > 1 ? " each rank first in " : " ranks first in ");
	put_share_beside(speaker, most, share);
}

/* Whether those who share first place rank first equally often; *most: the place of who does it most often. */
static bool equally_often(const struct lf_speaker *speaker, size_t *most)
{
	const struct lf_member_score *ranking = speaker->result->ranking;
	bool equally = true;

	*most = 0;
	for (size_t i = 1; i < speaker->first; i++) {
		equally = equally && ranking[i].first_rank_share == ranking[0].first_rank_share;
		if (ranking[i].first_rank_share > ranking[*most].first_rank_share)
			*most = i;
	}
	return equally;
}

/* Of those who share first place. */
static double mean_share(const struct lf_speaker *speaker)
{
	double sum = 0;

	for (size_t i = 0; i < speaker->first; i++)
		sum += speaker->result->ranking[i].first_rank_share;
	return sum / (double)speaker->first;
}

void lf_say_robustness(struct lf_speaker *speaker)
{
	const struct lf_member_score *ranking = speaker->result->ranking;
	double asked = speaker->rubric->def.threshold_first_rank_share, share;
	const struct lf_ties ties = lf_ties_of(speaker->the_case);
	bool equally, alike, too_few;
	size_t most;

	if (speaker->eligible < 2 || isnan(ranking[0].first_rank_share) || only_fragile(speaker))
		return;
	/* What sets the shares of equal candidates apart is chance. */
	equally = equally_often(speaker, &most);
	alike = !equally && lf_count_equals(speaker, 0) >= speaker->first;
	equally = equally || alike;
	share = alike ? mean_share(speaker) : ranking[most].first_rank_share;
	too_few = share < 1 && lf_below(ties, share, asked);
	if (equally)
		lf_put_several(speaker, 0, speaker->first);
	else
		lf_put_ranked(speaker, most);
	lf_text_put(&speaker->text,
		speaker->first == 1 ? " stays first in "
			: equally   ? " each rank first in "
				    : " ranks first most often, in ");
	if (too_few)
		lf_text_put(&speaker->text, "only ");
	if (alike)
		lf_text_put(&speaker->text, "about ");
	if (too_few && share >= 0.005) {
		lf_text_fixed(&speaker->text, share * 100, lf_decimals_apart(share * 100, asked * 100, 0));
		lf_text_put(&speaker->text, "% of ");
	} else if (share < 1) {
		lf_text_percent(&speaker->text, share);
		lf_text_put(&speaker->text, " of ");
	} else {
		lf_text_put(&speaker->text, "all ");
	}
	put_variations(speaker);
	if (lf_below(ties, share, asked))
		put_asked_share(speaker);
	if (equally)
		put_rivals(speaker, speaker->first, speaker->eligible, share);
	else
		put_rivals(speaker, 0, most, share);
	lf_text_put(&speaker->text, ".");
	lf_utter(speaker, LF_SAY_EXPLANATION, 0);
}

/* ---- outcomes ---- */

/* "m-1 and m-2 share first place with 0.40 each" */
static void put_shared(struct lf_speaker *speaker)
{
	lf_put_several(speaker, 0, speaker->first);
	lf_text_put(&speaker->text, " share first place with ");
	lf_text_fixed(&speaker->text, speaker->result->ranking[0].score, 2);
	lf_text_put(&speaker->text, " each");
}

static void say_too_close(struct lf_speaker *speaker)
{
	const struct lf_member_score *ranking = speaker->result->ranking;
	double threshold = speaker->rubric->def.threshold_margin;
	unsigned decimals;
	size_t next;

	if (only_fragile(speaker)) {
		say_fragile(speaker);
		return;
	}
	lf_text_put(&speaker->text, "No recommendation, because it is too close: ");
	if (speaker->first > 1) {
		put_shared(speaker);
	} else {
		next = lf_tied_from(speaker, 1);
		decimals = lf_decimals_below(ranking[0].score, ranking[1].score, threshold, 2);
		lf_put_ranked(speaker, 0);
		lf_text_put(&speaker->text, " (");
		lf_text_fixed(&speaker->text, ranking[0].score, decimals);
		lf_text_put(&speaker->text, ") is ahead of ");
		lf_put_several(speaker, 1, next);
		lf_text_put(&speaker->text, " (");
		lf_text_fixed(&speaker->text, ranking[1].score, decimals);
		lf_text_put(&speaker->text, next > 1 ? " each) by only " : ") by only ");
		lf_text_distance(&speaker->text, ranking[0].score, ranking[1].score, decimals);
		lf_text_put(&speaker->text, "; this rubric asks for at least ");
		lf_text_number(&speaker->text, threshold);
	}
	lf_text_put(&speaker->text, ".");
	lf_utter(speaker, LF_SAY_EXPLANATION, 0);
}

/* The criterion's share of evidence about the first place: of several who share it, the largest. */
static double share_of_first(const struct lf_speaker *speaker, uint32_t criterion)
{
	double share = 0;

	for (size_t i = 0; i < speaker->first; i++) {
		const struct lf_criterion_score *score = &speaker->result->ranking[i].criteria[criterion];

		share = score->share > share ? score->share : share;
	}
	return share;
}

/* Names the heaviest rated criteria without any evidence about the first place; else those where it is thinnest. */
static void say_missing_evidence(struct lf_speaker *speaker)
{
	const double *weights = speaker->result->weights;
	struct lf_picks missing = {.room = LF_PICKS_MAX}, thin = {.room = 2};
	size_t without = 0;

	for (size_t c = 0; c < speaker->rubric->def.criterion_count; c++) {
		const struct lf_criterion *criterion = &speaker->rubric->criteria[c];
		double share;

		if (criterion->derived != LF_RATED || !(weights[criterion->index] > 0))
			continue;
		share = share_of_first(speaker, criterion->index);
		without += share == 0;
		lf_pick(share == 0 ? &missing : &thin, criterion, weights[criterion->index] * (1 - share));
	}
	if (without == 0)
		missing = thin;
	if (missing.count == 0)
		return;
	lf_text_put(
		&speaker->text, without > 0 ? "There is no evidence yet about " : "The evidence is thinnest about ");
	if (speaker->first > 1)
		lf_text_put(&speaker->text, without > 0 ? "any of " : "");
	lf_put_first(speaker);
	lf_text_put(&speaker->text, " on ");
	for (size_t i = 0; i < missing.count; i++) {
		lf_text_join(&speaker->text, i, missing.count + (without > missing.count));
		lf_put_label(speaker, missing.criterion[i]->label);
	}
	if (without > missing.count) {
		lf_text_put(&speaker->text, " and ");
		lf_text_count(&speaker->text, without - missing.count);
		lf_text_put(&speaker->text, without - missing.count == 1 ? " other criterion" : " other criteria");
	}
	lf_text_put(&speaker->text, ".");
	lf_utter(speaker, LF_SAY_EXPLANATION, 0);
}

/* Whether as much is known about all who share first place. */
static bool evidence_alike(const struct lf_speaker *speaker)
{
	const struct lf_member_score *ranking = speaker->result->ranking;

	for (size_t i = 1; i < speaker->first; i++) {
		if (ranking[i].evidence_share != ranking[0].evidence_share)
			return false;
	}
	return true;
}

static void say_insufficient(struct lf_speaker *speaker)
{
	double share = speaker->result->evidence_share, threshold = speaker->rubric->def.threshold_evidence_share;
	/* Both as percentages, with as many decimals as tell them apart. */
	unsigned decimals = lf_decimals_apart(share * 100, threshold * 100, 0);

	lf_text_put(&speaker->text, "No recommendation, because the evidence is not enough: ");
	if (speaker->first > 1) {
		put_shared(speaker);
	} else {
		lf_put_ranked(speaker, 0);
		lf_text_put(&speaker->text, " ranks first with ");
		lf_text_fixed(&speaker->text, speaker->result->ranking[0].score, 2);
	}
	lf_text_put(&speaker->text, ", but ");
	if (share > 0) {
		lf_text_put(&speaker->text, "only ");
		lf_text_fixed(&speaker->text, share * 100, decimals);
		lf_text_put(&speaker->text, "%");
		lf_put_ratings(speaker);
		lf_text_put(&speaker->text, " behind this rest on evidence about ");
	} else {
		lf_text_put(&speaker->text, "none");
		lf_put_ratings(speaker);
		lf_text_put(&speaker->text, " behind this rest on evidence about ");
	}
	if (speaker->first > 1 && evidence_alike(speaker)) {
		lf_text_put(&speaker->text, "them");
	} else {
		lf_put_ranked(speaker, 0);
		lf_text_put(&speaker->text, speaker->first > 1 ? ", who comes first by id" : "");
	}
	lf_text_put(&speaker->text, "; this rubric asks for at least ");
	lf_text_number(&speaker->text, threshold * 100);
	lf_text_put(&speaker->text, "%.");
	lf_utter(speaker, LF_SAY_EXPLANATION, 0);
	say_missing_evidence(speaker);
}

/* "Collaboration of at least 2 (3 candidates)" */
static void put_gate_failures(struct lf_speaker *speaker, size_t g)
{
	size_t failed = 0;

	for (size_t i = 0; i < speaker->result->ranking_count; i++)
		failed += speaker->result->ranking[i].failed_gates >> g & 1;
	lf_put_gate(speaker, g);
	lf_text_put(&speaker->text, " (");
	lf_text_count(&speaker->text, failed);
	lf_text_put(&speaker->text, failed == 1 ? " candidate)" : " candidates)");
}

static void say_none_eligible(struct lf_speaker *speaker)
{
	const struct lf_result *result = speaker->result;
	uint64_t failed = 0;
	size_t gates = 0, named, i = 0;

	if (result->ranking_count == 0) {
		lf_text_put(&speaker->text, "No recommendation: there are no candidates.");
		lf_utter(speaker, LF_SAY_EXPLANATION, 0);
		return;
	}
	lf_text_put(&speaker->text, "No recommendation: ");
	if (result->ranking_count == 1) {
		lf_text_put(&speaker->text, "the only candidate, ");
		lf_put_ranked(speaker, 0);
		lf_text_put(&speaker->text, ", does not meet every condition of this rubric.");
	} else {
		lf_text_put(&speaker->text, "none of the ");
		lf_text_count(&speaker->text, result->ranking_count);
		lf_text_put(&speaker->text, " candidates meets every condition of this rubric.");
	}
	lf_utter(speaker, LF_SAY_EXPLANATION, 0);
	for (size_t place = 0; place < result->ranking_count; place++)
		failed |= result->ranking[place].failed_gates;
	for (size_t g = 0; g < speaker->rubric->def.gate_count; g++)
		gates += failed >> g & 1;
	named = gates > NAMED_MAX ? NAMED_MAX : gates;
	lf_text_put(&speaker->text, "Not met: ");
	for (size_t g = 0; g < speaker->rubric->def.gate_count && i < named; g++) {
		if (!(failed >> g & 1))
			continue;
		lf_text_join(&speaker->text, i++, named + (gates > named));
		put_gate_failures(speaker, g);
	}
	if (gates > named) {
		lf_text_put(&speaker->text, " and ");
		lf_text_count(&speaker->text, gates - named);
		lf_text_put(&speaker->text, gates - named == 1 ? " other" : " others");
	}
	lf_text_put(&speaker->text, ".");
	lf_utter(speaker, LF_SAY_EXPLANATION, 0);
}

void lf_say_outcome(struct lf_speaker *speaker)
{
	switch (speaker->result->outcome) {
	case LF_RECOMMENDED:
		say_recommended(speaker);
		break;
	case LF_TOO_CLOSE:
		say_too_close(speaker);
		break;
	case LF_INSUFFICIENT_EVIDENCE:
		say_insufficient(speaker);
		break;
	case LF_NO_ELIGIBLE_CANDIDATE:
		say_none_eligible(speaker);
		break;
	case LF_OUTCOME_UNSPECIFIED: /* no result has it */
		break;
	}
}
