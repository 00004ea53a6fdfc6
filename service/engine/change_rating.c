/*
 * The smallest change of one rating, or new piece of evidence, that puts another candidate first. Only one member's
 * value on one criterion moves, so for each (member, criterion) there is one rating r at which the first place changes
 * hands, whatever the aggregation; r is linear in the rating of each piece.
 */
#include <string.h>
#include "service/engine/change.h"

/* ---- at which value, and rating ---- */

/* Σ w/v (HARMONIC) or the lowest v (MINIMUM) of the criteria with a weight but one. */
static double rest_of(const struct lf_contest *contest, const double *weights, uint32_t row, size_t without)
{
	const struct lf_rubric *rubric = contest->rubric;
	bool harmonic = rubric->def.aggregation == LF_HARMONIC;
	double sum = 0, lowest = 1;

	for (size_t c = 0; c < rubric->def.criterion_count; c++) {
		double value = contest->values[c * contest->count + row], weight = weights[rubric->criteria[c].index];

		if (c == without || !(weight > 0))
			continue;
		if (harmonic)
			sum += weight / value;
		if (value < lowest)
			lowest = value;
	}
	return harmonic ? sum : lowest;
}

/*
 * The value on a criterion at which a row's score is `score`: above it (rise) or below it the score is, too. false:
 * none does it, the other criteria being as they are.
 */
static bool value_for_score(const struct lf_contest *contest, const double *weights, uint32_t row, size_t c,
	double score, bool rise, double *value)
{
	double weight = weights[contest->rubric->criteria[c].index], now = contest->values[c * contest->count + row],
	       rest;

	if (!(weight > 0))
		return false;
	if (contest->rubric->def.aggregation == LF_ADDITIVE) {
		*value = now + (score - contest->rows[row].score) / weight;
		return rise ? *value < 1 : *value > 0;
	}
	rest = rest_of(contest, weights, row, c);
	if (contest->rubric->def.aggregation == LF_MINIMUM) {
		*value = score;
		return rise ? rest > score : score > 0;
	}
	if (!(score > 0)) {
		*value = 0;
		return rise && rest <= DBL_MAX;
	}
	*value = weight / (1 / score - rest);
	return 1 / score > rest && (rise ? *value < 1 : *value > 0);
}

/* The rating beyond which the value is above (rise) or below `value`; a flat stretch at `value` is walked to its end.
 * false: none. */
static bool rating_for_value(const struct lf_criterion *criterion, double value, bool rise, double *rating)
{
	const struct lf_segment *s = criterion->segments;
	size_t count = criterion->segment_count, i = rise ? 0 : count - 1;

	if (rise) {
		while (i < count && !(s[i].value_end > value))
			i++;
		if (i == count)
			return false;
	} else {
		while (i > 0 && !(s[i].value < value))
			i--;
		if (!(s[i].value < value))
			return false;
	}
	if (rise && s[i].value > value)
		*rating = -INFINITY; /* any rating will do */
	else if (!rise && s[i].value_end < value)
		*rating = INFINITY;
	else
		*rating = s[i].rating + (value - s[i].value) / s[i].slope;
	return true;
}

/* Whether a first rating may be worth less than what counts while nothing is known. */
static bool may_lose(const struct lf_search *search, uint32_t row, size_t c)
{
	const struct lf_criterion *criterion = &search->contest.rubric->criteria[c];

	return !search->contest.rows[row].criteria[criterion->index].known && criterion->unknown_value > 0 &&
		search->result->weights[criterion->index] > 0;
}

/* The rating r of a challenger from which on it ranks first. */
static bool rating_to_win(const struct lf_search *search, uint32_t row, size_t c, double *rating)
{
	const struct lf_contest *contest = &search->contest;
	const struct lf_rubric *rubric = contest->rubric;
	const struct lf_member_score *challenger = &contest->rows[row];
	double beaten = contest->rows[search->first].score, value, bound;
	bool ahead = lf_below(contest->ties, beaten, challenger->score) && !may_lose(search, row, c);

	if ((challenger->failed_gates & ~rubric->criteria[c].gates) != 0)
		return false;
	*rating = -INFINITY;
	if (!ahead &&
		(!value_for_score(
			 contest, search->result->weights, row, c, beaten + contest->ties.step, true, &value) ||
			!rating_for_value(&rubric->criteria[c], value, true, rating)))
		return false;
	if (challenger->failed_gates != 0) {
		bound = rubric->def.gates[rubric->criteria[c].gate].at_least;
		if (bound > *rating)
			*rating = bound;
	}
	return true;
}

/* The rating r of the first place below which it loses that place. */
static bool rating_to_lose(const struct lf_search *search, size_t c, double *rating)
{
	const struct lf_contest *contest = &search->contest;
	const struct lf_rubric *rubric = contest->rubric;
	uint32_t gate = rubric->criteria[c].gate;
	double value;

	if (search->second == LF_NONE)
		return false;
	if (!value_for_score(contest, search->result->weights, search->first, c,
		    contest->rows[search->second].score - contest->ties.step, false, &value) ||
		!rating_for_value(&rubric->criteria[c], value, false, rating))
		*rating = -INFINITY;
	if (gate != LF_NONE && rubric->def.gates[gate].at_least > *rating)
		*rating = rubric->def.gates[gate].at_least;
	return *rating > -INFINITY;
}

/* ---- the search ---- */

/* A new piece of evidence: r' = (S + x)/(W + 1), so x = r + (r' - r)·(W + 1); where r is unknown, x = r'. */
static void consider_new(
	struct lf_finder *finder, uint32_t row, size_t c, const struct lf_criterion_score *now, double rating)
{
	const struct lf_rubric_def *def = &finder->search->contest.rubric->def;
	struct lf_attempt attempt = lf_new_piece(finder->search, row, c, now);
	double start = lf_attempt_start(finder->search, &attempt), within = rating;

	if (!now->known)
		within = rating < def->scale_min ? def->scale_min : rating > def->scale_max ? def->scale_max : rating;
	attempt.distance = (within - start) * attempt.direction * (now->known ? now->weight + 1 : 1);
	attempt.x = start + attempt.direction * attempt.distance;
	lf_consider(finder, LF_CHANGE_EVIDENCE, attempt);
}

/*
 * Whether no change of this row's rating on a criterion can be nearer than what is found: under ADDITIVE the score
 * moves by no more than w times the steepest slope for each step of r, and r by 1/(W + 1) for each step of a new piece,
 * by no more than the heaviest source / W for each step of one that is there.
 */
static bool is_too_far(const struct lf_finder *finder, uint32_t row, size_t c, const struct lf_criterion_score *now)
{
	const struct lf_search *search = finder->search;
	const struct lf_contest *contest = &search->contest;
	const struct lf_rubric *rubric = contest->rubric;
	const struct lf_attempt *piece = &finder->best[LF_CHANGE_RATING], *added = &finder->best[LF_CHANGE_EVIDENCE];
	bool first = row == search->first;
	double gap, gain;

	if (rubric->def.aggregation != LF_ADDITIVE || !now->known || (first && rubric->criteria[c].gate != LF_NONE) ||
		search->second == LF_NONE)
		return false;
	gap = contest->rows[search->first].score - contest->rows[first ? search->second : row].score;
	gap -= gap * 1e-9;
	gain = search->result->weights[rubric->criteria[c].index] * rubric->criteria[c].steepest;
	return gap > 0 && (added->row != LF_NONE && gap * (now->weight + 1) > added->distance * gain) &&
		(!(now->share > 0) ||
			(piece->row != LF_NONE &&
				gap * now->weight > piece->distance * gain * rubric->heaviest_source));
}

/*
 * The most that an ADDITIVE score moves for each step of a new piece, and of one that is there, on whatever criterion: r
 * rests on no less than what is expected. INFINITY: no bound, as there are criteria of which nothing is expected.
 */
struct gains {
	double by_new, by_piece;
};

static struct gains most_gained(const struct lf_search *search)
{
	const struct lf_rubric *rubric = search->contest.rubric;
	struct gains most = {0, 0};

	for (size_t c = 0; c < rubric->def.criterion_count; c++) {
		const struct lf_criterion *criterion = &rubric->criteria[c];
		double gain = search->result->weights[criterion->index] * criterion->steepest, by_new, by_piece;

		if (criterion->derived != LF_RATED)
			continue;
		if (rubric->def.aggregation != LF_ADDITIVE || !(criterion->prior_strength > 0))
			return (struct gains){INFINITY, INFINITY};
		by_new = gain / (criterion->prior_strength + 1);
		by_piece = gain * rubric->heaviest_source / criterion->prior_strength;
		most.by_new = by_new > most.by_new ? by_new : most.by_new;
		most.by_piece = by_piece > most.by_piece ? by_piece : most.by_piece;
	}
	return most;
}

/* Whether is_too_far() would hold of every criterion of a challenger. */
static bool is_out_of_reach(const struct lf_finder *finder, uint32_t row, const struct gains *most)
{
	const struct lf_member_score *rows = finder->search->contest.rows;
	const struct lf_attempt *piece = &finder->best[LF_CHANGE_RATING], *added = &finder->best[LF_CHANGE_EVIDENCE];
	double gap = rows[finder->search->first].score - rows[row].score;

	gap -= gap * 1e-8;
	return row != finder->search->first && added->row != LF_NONE && piece->row != LF_NONE &&
		most->by_new < INFINITY && gap > added->distance * most->by_new &&
		gap > piece->distance * most->by_piece;
}

/* All criteria of one member; then its pieces: x = r_e + (r' - r)·W/(s·a). */
static void search_member(struct lf_finder *finder, uint32_t row)
{
	struct lf_contest *contest = &finder->search->contest;
	const struct lf_rubric *rubric = contest->rubric;
	const struct lf_member_score *scored = &contest->rows[row];
	const struct lf_member *member = &contest->the_case->members[scored->member];
	bool first = row == finder->search->first, any = false;
	double direction = first ? -1 : 1;
	const struct lf_attempt *piece = &finder->best[LF_CHANGE_RATING];

	for (size_t c = 0; c < rubric->def.criterion_count; c++) {
		const struct lf_criterion_score *now = &scored->criteria[rubric->criteria[c].index];
		double rating;

		contest->reach[c] = -1;
		if (rubric->criteria[c].derived != LF_RATED ||
			(first && !now->known && !may_lose(finder->search, row, c)) ||
			is_too_far(finder, row, c, now) ||
			!(first ? rating_to_lose(finder->search, c, &rating)
				: rating_to_win(finder->search, row, c, &rating)))
			continue;
		/* What is beyond r already by rounding. */
		if (now->known && (rating - now->rating) * direction < 0)
			rating = now->rating;
		consider_new(finder, row, c, now, rating);
		if (now->share > 0) { /* there are pieces */
			contest->reach[c] = (rating - now->rating) * direction * now->weight;
			any = any || piece->row == LF_NONE ||
				!(contest->reach[c] * (1 - 1e-9) > piece->distance * rubric->heaviest_source);
		}
	}
	for (size_t i = 0; any && i < member->evidence_count; i++) {
		const struct lf_evidence *e = &member->evidence[i];
		size_t c = rubric->criterion_place[e->criterion];
		double weight, distance;

		if (contest->reach[c] < 0)
			continue;
		weight = lf_evidence_weight(rubric, contest->the_case, e);
		if (!(weight > 0))
			continue;
		distance = contest->reach[c] / weight;
		lf_consider(finder, LF_CHANGE_RATING,
			(struct lf_attempt){.row = row,
				.evidence = (uint32_t)i,
				.c = c,
				.distance = distance,
				.from = e->rating,
				.x = e->rating + direction * distance,
				.direction = direction});
	}
}

/* ---- all of it ---- */

static void search_all(struct lf_finder *finder)
{
	struct gains most = most_gained(finder->search);

	for (int k = 0; k < LF_CHANGE_TRAIT; k++)
		finder->best[k].row = LF_NONE;
	/* The best first: what is near makes short work of the rest. */
	for (size_t place = 0; place < finder->search->contest.count; place++) {
		uint32_t row = finder->search->order[place];

		if (finder->search->contest.rubric->expertise_strength > 0)
			lf_search_shown(finder, row);
		else if (!is_out_of_reach(finder, row, &most))
			search_member(finder, row);
	}
}

/* false: the attempt does not flip after all, or only well beyond x. */
static bool report(struct lf_finder *finder, int kind)
{
	struct lf_search *search = finder->search;
	struct lf_attempt *best = &finder->best[kind];
	struct lf_change *change = &search->changes->smallest[kind];
	const uint32_t *places = search->contest.places;

	if (best->row == LF_NONE)
		return true;
	if (!lf_attempt_settle(search, best, &change->gate) ||
		(!finder->verify[kind] && (best->to - best->x) * best->direction > 2.5e-6)) {
		change->gate = LF_NONE;
		return false;
	}
	change->found = true;
	change->place = places[best->row];
	change->criterion = search->contest.rubric->criteria[best->c].index;
	change->evidence = best->evidence;
	change->from = best->from;
	change->to = best->to;
	change->first = places[best->row == search->first ? search->second : best->row];
	return true;
}

void lf_find_ratings(struct lf_search *search)
{
	struct lf_finder finder = {.search = search};

	if (search->contest.rubric->expertise_strength > 0)
		lf_weigh_disciplines(search);
	search_all(&finder);
	for (int k = 0; k < LF_CHANGE_TRAIT; k++)
		finder.verify[k] = !report(&finder, k);
	if (!finder.verify[LF_CHANGE_RATING] && !finder.verify[LF_CHANGE_EVIDENCE])
		return;
	/* Scores that differ by rounding only: take nothing untried. */
	search_all(&finder);
	for (int k = 0; k < LF_CHANGE_TRAIT; k++) {
		if (finder.verify[k])
			(void)report(&finder, k);
	}
}
