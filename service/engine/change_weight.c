/*
 * Between which weights of a criterion the first place holds. With the weight x of criterion j, all others rescaled by
 * (1-x)/(1-w_j), a total T = Σ w·u becomes T + (x - w_j)·(u_j - T)/(1 - w_j): u is the value (ADDITIVE) or -1/value
 * (HARMONIC: the higher -Σ w/v, the higher the score). So the lead over each other candidate is a straight line in x,
 * and the bounds are the nearest of their zeros.
 */
#include "service/engine/change.h"

/* The total that is linear in a weight: the score, or -Σ w/v. */
static double total_of(const struct lf_contest *contest, uint32_t row)
{
	double score = contest->rows[row].score;

	return contest->rubric->def.aggregation == LF_HARMONIC ? -1 / score : score;
}

static double worth(const struct lf_contest *contest, size_t c, uint32_t row)
{
	double value = contest->values[c * contest->count + row];

	return contest->rubric->def.aggregation == LF_HARMONIC ? -1 / value : value;
}

/* Who ranks first with the weight x of that criterion, by scoring everybody. */
static uint32_t lead_at_weight(struct lf_search *search, size_t c, double x)
{
	struct lf_contest *contest = &search->contest;
	const double *weights = search->result->weights;
	uint32_t index = contest->rubric->criteria[c].index;

	for (size_t j = 0; j < contest->rubric->def.criterion_count; j++)
		contest->weights[j] = j == index ? x : weights[j] * ((1 - x) / (1 - weights[index]));
	return lf_lead_with(contest, contest->weights);
}

/* Likewise under ADDITIVE, from the lines alone; `first` where nobody is ahead of it. */
static uint32_t lead_by_lines(const struct lf_search *search, size_t c, double x)
{
	const struct lf_contest *contest = &search->contest;
	double weight = search->result->weights[contest->rubric->criteria[c].index],
	       share = (x - weight) / (1 - weight);
	double best = 0, own_total = total_of(contest, search->first), own = worth(contest, c, search->first);
	uint32_t leader = search->first;

	for (uint32_t i = 0; i < contest->count; i++) {
		double behind = total_of(contest, i) - own_total;
		double lead = behind + share * (worth(contest, c, i) - own - behind);

		if (contest->rows[i].eligible && lead >= contest->ties.step && lead > best) {
			best = lead;
			leader = i;
		}
	}
	return leader;
}

static uint32_t place_at_weight(struct lf_search *search, size_t c, double x)
{
	bool additive = search->contest.rubric->def.aggregation == LF_ADDITIVE;
	uint32_t row = additive ? lead_by_lines(search, c, x) : lead_at_weight(search, c, x);

	return row == LF_NONE || row == search->first ? LF_NONE : search->contest.places[row];
}

/* By how much a total must be ahead for a score to be a step ahead: -1/score moves by 1/score² as much. */
static double step_of(const struct lf_contest *contest, double total)
{
	return contest->rubric->def.aggregation == LF_HARMONIC ? contest->ties.step * total * total
							       : contest->ties.step;
}

/*
 * How steeply others gain on the first place with this weight, measured in how far they are from a step ahead of it: the
 * most and the least.
 */
static void find_steepest(const struct lf_search *search, size_t c, double *most, double *least)
{
	const struct lf_contest *contest = &search->contest;
	double own_total = total_of(contest, search->first), own = worth(contest, c, search->first);
	double step = step_of(contest, own_total);

	*most = *least = 0;
	for (uint32_t i = 0; i < contest->count; i++) {
		double ratio;

		if (i == search->first || !contest->rows[i].eligible)
			continue;
		/* A HARMONIC score of 0 is infinitely far behind: 0, or no number, which is neither more nor less. */
		ratio = (worth(contest, c, i) - own - step) / (own_total - total_of(contest, i) + step);
		if (ratio > *most)
			*most = ratio;
		if (ratio < *least)
			*least = ratio;
	}
}

/* x rounded away from the weight, within 0..1. */
static double round_bound(double x, double direction)
{
	double units = x * 1e6;
	int64_t k = (int64_t)units;

	if (direction > 0 && (double)k < units)
		k++;
	x = (double)k / 1e6;
	return x > 1 ? 1 : x;
}

/* At 0 HARMONIC and MINIMUM skip the criterion, at 1 all others: somebody may lead there and nowhere near. */
static void look_at_ends(struct lf_search *search, size_t c, double weight, struct lf_weight_interval *interval)
{
	uint32_t place;

	if (search->contest.rubric->def.aggregation == LF_MINIMUM && !(weight > 0)) {
		place = place_at_weight(search, c, 0.5);
		if (place != LF_NONE) {
			interval->high = 0;
			interval->high_first = place;
		}
	}
	if (weight > 0 && interval->low_first == LF_NONE)
		interval->low_first = place_at_weight(search, c, 0);
	if (interval->high_first == LF_NONE)
		interval->high_first = place_at_weight(search, c, 1);
}

static void find_interval(struct lf_search *search, size_t c, double weight, struct lf_weight_interval *interval)
{
	enum lf_aggregation aggregation = search->contest.rubric->def.aggregation;
	double most = 0, least = 0;

	if (aggregation != LF_MINIMUM)
		find_steepest(search, c, &most, &least);
	if (most > 0) {
		interval->high = round_bound(weight + (1 - weight) / (1 + most), 1);
		interval->high_first =
			place_at_weight(search, c, interval->high + 1e-6 < 1 ? interval->high + 1e-6 : 1);
	}
	if (-least * weight > 1) {
		interval->low = round_bound(weight - (1 - weight) / (-least - 1), -1);
		interval->low_first = place_at_weight(search, c, interval->low > 1e-6 ? interval->low - 1e-6 : 0);
	}
	/* A lead that is nothing but rounding. */
	if (interval->high_first == LF_NONE)
		interval->high = 1;
	if (interval->low_first == LF_NONE)
		interval->low = 0;
	if (aggregation != LF_ADDITIVE)
		look_at_ends(search, c, weight, interval);
}

void lf_find_weights(struct lf_search *search)
{
	const struct lf_rubric *rubric = search->contest.rubric;
	const double *weights = search->result->weights;

	for (size_t c = 0; c < rubric->def.criterion_count; c++) {
		uint32_t j = rubric->criteria[c].index;
		struct lf_weight_interval *interval = &search->changes->weights[j];

		/* Exactly 1 also where the others are too small to show in it: there is nothing to rescale by 1 - w. */
		*interval = (struct lf_weight_interval){0, 1, LF_NONE, LF_NONE, !(weights[j] < 1)};
		if (!interval->fixed && search->second != LF_NONE)
			find_interval(search, c, weights[j], interval);
	}
}
