/*
 * The smallest change of a rating where the rubric has expertise: a piece then moves what it shows, too, so several
 * values at once. Scores never fall with a rating, so the first step of the scale that flips is sought between one that
 * does not and one that does; what certainly can't be nearer than the best so far is not tried at all.
 */
#include "service/engine/change.h"

enum {
	STEPS = 1 << 25, /* of the scale: ratings are then told apart well within the 1e-6 that are reported */
	ASIDE = 16,      /* steps beside a guess at which the next look is taken, to close in from both sides */
};

/* ---- what a discipline is worth ---- */

/* The part of a score that is about each discipline: w · need / Σ need, and w · labour / Σ labour. */
void lf_weigh_disciplines(struct lf_search *search)
{
	const struct lf_scoring *scoring = search->scoring;
	const struct lf_rubric *rubric = scoring->rubric;
	double *parts = search->contest.parts;

	for (size_t d = 0; d < lf_count_disciplines(rubric, scoring->the_case); d++)
		parts[d] = 0;
	for (size_t c = 0; c < rubric->def.criterion_count; c++) {
		const struct lf_criterion *criterion = &rubric->criteria[c];
		double weight = search->result->weights[criterion->index], total = scoring->space.need_totals[c];

		if (criterion->derived == LF_DOMAIN_ALIGNMENT && total > 0) {
			for (size_t i = 0; i < criterion->need_count; i++)
				parts[criterion->needs[i].discipline] +=
					weight * scoring->space.needs[criterion->need_first + i] / total;
		} else if (criterion->derived == LF_TEAM_COVERAGE && scoring->labour_total > 0) {
			for (size_t i = 0; i < scoring->labour_count; i++)
				parts[scoring->space.labour[i].discipline] +=
					weight * scoring->space.labour[i].amount / scoring->labour_total;
		}
	}
}

/* ---- what can't be near enough ---- */

/* Whether a gate may make the difference for the first place: on the attempt's criterion, or on a derived one. */
static bool gate_may_fall(const struct lf_search *search, const struct lf_attempt *attempt)
{
	const struct lf_rubric *rubric = search->contest.rubric;

	if (attempt->row != search->first)
		return false;
	if (rubric->criteria[attempt->c].gate != LF_NONE)
		return true;
	for (size_t c = 0; c < rubric->def.criterion_count; c++) {
		if (rubric->criteria[c].derived != LF_RATED && rubric->criteria[c].gate != LF_NONE)
			return true;
	}
	return false;
}

/*
 * The most that an ADDITIVE score can move where a piece that weighs s·a moves by a distance: by its criterion w · steepest
 * slope · s·a / W (of a new piece 1 / (W + 1)), and by each discipline that it shows part · s·a · Δu / (n + k). space.shown
 * has n of that member.
 */
static double most_gain(const struct lf_search *search, const struct lf_attempt *attempt,
	const struct lf_evidence *piece, double distance)
{
	const struct lf_contest *contest = &search->contest;
	const struct lf_rubric *rubric = contest->rubric;
	const struct lf_criterion *criterion = &rubric->criteria[attempt->c];
	const struct lf_criterion_score *now = &contest->rows[attempt->row].criteria[criterion->index];
	double added = attempt->evidence == LF_NONE ? 1 : 0, range = rubric->def.scale_max - rubric->def.scale_min;
	double weight = added > 0 ? 1 : lf_evidence_weight(rubric, contest->the_case, piece), gain;
	const uint32_t *disciplines;
	size_t count = lf_disciplines_shown(rubric, piece, &disciplines);

	if (!now->known)
		return INFINITY;
	gain = search->result->weights[criterion->index] * criterion->steepest * weight * distance /
		(now->weight + added);
	for (size_t k = 0; k < count; k++) {
		uint32_t d = disciplines[k];
		const struct lf_evidence_sum *shown = &search->scoring->space.shown[d];
		size_t own = rubric->def.discipline_count;
		double expected = rubric->def.scale_min + range / 2, moved = 1;

		if (criterion->priors != NULL)
			expected = criterion->priors[d < own ? d : own].mean;
		if (!(added > 0) && distance < expected - rubric->def.scale_min)
			moved = distance / (expected - rubric->def.scale_min);
		gain += contest->parts[d] * weight * moved /
			(shown->weight.high + shown->weight.low + rubric->expertise_strength + added);
	}
	return gain;
}

static bool is_too_far(const struct lf_search *search, const struct lf_attempt *attempt,
	const struct lf_evidence *piece, double distance)
{
	const struct lf_contest *contest = &search->contest;
	uint32_t behind = attempt->row == search->first ? search->second : attempt->row;
	double gap = contest->rows[search->first].score - contest->rows[behind].score;

	if (contest->rubric->def.aggregation != LF_ADDITIVE || gate_may_fall(search, attempt))
		return false;
	return gap - gap * 1e-9 > most_gain(search, attempt, piece, distance) * (1 + 1e-9);
}

/* ---- the first step that flips ---- */

static double step_of(const struct lf_search *search)
{
	const struct lf_rubric_def *def = &search->contest.rubric->def;

	return (def->scale_max - def->scale_min) / STEPS;
}

/* The fewest steps that are no less than a distance. */
static uint32_t steps_to(const struct lf_search *search, double distance)
{
	double step = step_of(search);
	uint32_t steps = (uint32_t)(distance / step);

	return steps < STEPS && step * steps < distance ? steps + 1 : steps;
}

/* So many steps from where an attempt begins, at most to the end of the scale. */
static double steps_away(const struct lf_search *search, const struct lf_attempt *attempt, uint32_t steps)
{
	const struct lf_rubric_def *def = &search->contest.rubric->def;
	double start = lf_attempt_start(search, attempt), step = step_of(search);
	double room = attempt->direction > 0 ? def->scale_max - start : start - def->scale_min;

	return step * steps < room ? step * steps : room;
}

static bool flips_after(const struct lf_search *search, const struct lf_attempt *attempt, uint32_t steps, double *lead)
{
	return lf_attempt_lead(search, attempt,
		lf_attempt_start(search, attempt) + attempt->direction * steps_away(search, attempt, steps), lead);
}

/* Where a straight line between two leads is 0; the middle where that says nothing. Within low..high - 1. */
static uint32_t guess(uint32_t low, uint32_t high, double low_lead, double high_lead)
{
	double share = low_lead < 0 && high_lead > 0 ? low_lead / (low_lead - high_lead) : 0.5;
	uint32_t steps = (uint32_t)(share * (double)(high - low));

	return steps < high - low ? low + steps : high - 1;
}

/*
 * The first step that flips, between 0 and high, which does. It is the same whatever is looked at on the way: guesses by
 * the leads only make the way short, and every third look halves what is left.
 */
static uint32_t first_flip(const struct lf_search *search, const struct lf_attempt *attempt, uint32_t high, double lead)
{
	double low_lead, high_lead = lead;
	uint32_t low = 0;

	if (high == 0 || flips_after(search, attempt, 0, &low_lead))
		return 0;
	/* low does not flip, high does. */
	for (unsigned look = 0; high - low > 1; look++) {
		uint32_t at = guess(low, high, low_lead, high_lead);

		if (look % 3 == 2)
			at = low + (high - low) / 2;
		else if (look % 3 == 1 && high - at > ASIDE && at - low < ASIDE)
			at += ASIDE;
		else if (look % 3 == 1 && at - low > ASIDE)
			at -= ASIDE;
		if (at <= low)
			at = low + 1;
		if (flips_after(search, attempt, at, &lead)) {
			high = at;
			high_lead = lead;
		} else {
			low = at;
			low_lead = lead;
		}
	}
	return high;
}

/*
 * Takes the attempt where it is nearer than the best so far. Where it can be no more than as near, one look tells; and
 * none is needed where it would lose to the best even so.
 */
static void seek(
	struct lf_finder *finder, enum lf_change_kind kind, struct lf_attempt attempt, const struct lf_evidence *piece)
{
	const struct lf_search *search = finder->search;
	const struct lf_attempt *best = &finder->best[kind];
	uint32_t high = best->row != LF_NONE ? steps_to(search, best->distance) : STEPS;
	double lead;

	if (is_too_far(search, &attempt, piece, steps_away(search, &attempt, high)))
		return;
	attempt.distance = steps_away(search, &attempt, high);
	if (best->row != LF_NONE && high > 0 && flips_after(search, &attempt, high - 1, &lead))
		high--;
	else if (!lf_is_nearer(finder, kind, &attempt) || !flips_after(search, &attempt, high, &lead))
		return;
	attempt.distance = steps_away(search, &attempt, first_flip(search, &attempt, high, lead));
	attempt.x = lf_attempt_start(search, &attempt) + attempt.direction * attempt.distance;
	lf_consider(finder, kind, attempt);
}

/* ---- a member ---- */

void lf_search_shown(struct lf_finder *finder, uint32_t row)
{
	const struct lf_search *search = finder->search;
	const struct lf_contest *contest = &search->contest;
	const struct lf_rubric *rubric = contest->rubric;
	const struct lf_member_score *scored = &contest->rows[row];
	const struct lf_member *member = &contest->the_case->members[scored->member];

	if (row == search->first && search->second == LF_NONE)
		return;
	lf_look_up_member(search, row);
	for (size_t c = 0; c < rubric->def.criterion_count; c++) {
		uint32_t index = rubric->criteria[c].index;
		const struct lf_evidence added = {.criterion = index, .domain = LF_NONE};

		if (rubric->criteria[c].derived == LF_RATED)
			seek(finder, LF_CHANGE_EVIDENCE, lf_new_piece(search, row, c, &scored->criteria[index]),
				&added);
	}
	for (size_t i = 0; i < member->evidence_count; i++) {
		const struct lf_evidence *e = &member->evidence[i];

		if (!(lf_evidence_weight(rubric, contest->the_case, e) > 0))
			continue;
		seek(finder, LF_CHANGE_RATING,
			(struct lf_attempt){
				.row = row,
				.evidence = (uint32_t)i,
				.c = rubric->criterion_place[e->criterion],
				.from = e->rating,
				.direction = row == search->first ? -1 : 1,
			},
			e);
	}
}
