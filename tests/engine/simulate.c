#include <math.h>
#include "tests/engine/simulate.h"

static double draw(struct random *r)
{
	return (double)(random_next(r) >> 12) * 0x1p-52;
}

/* Weights of one sample, adding up to one. */
static void draw_weights(const struct lf_rubric_def *def, const double *weights, struct random *r, long double *sample)
{
	long double total = 0;

	for (size_t j = 0; j < def->criterion_count; j++) {
		double s = def->robustness.weight_spread, t = 2 * draw(r) - 1;

		if (!(weights[j] > 0))
			sample[j] = 0;
		else if (def->robustness.weights_unknown)
			sample[j] = -logl(
				1 - (long double)draw(r)); /* exponentials over their sum are uniform on the simplex */
		else
			sample[j] = weights[j] * ((1 + (long double)s * t) / (1 - (long double)s * t));
		total += sample[j];
	}
	for (size_t j = 0; j < def->criterion_count; j++)
		sample[j] /= total;
}

static long double aggregate(
	const struct lf_rubric_def *def, const long double *weights, const struct lf_criterion_score *criteria)
{
	long double sum = 0, cost = 0, lowest = 1;

	for (size_t j = 0; j < def->criterion_count; j++) {
		if (!(weights[j] > 0))
			continue;
		sum += weights[j] * criteria[j].value;
		cost += weights[j] / criteria[j].value;
		lowest = criteria[j].value < lowest ? criteria[j].value : lowest;
	}
	if (def->aggregation == LF_MINIMUM)
		return lowest;
	return def->aggregation == LF_ADDITIVE ? sum : lowest > 0 ? 1 / cost : 0;
}

/* Standard deviation of a score: each rating's doubt by how much the score moves with its value, found by moving it. */
static double doubt_of(
	const struct lf_rubric_def *def, const struct lf_result *result, const struct lf_member_score *score)
{
	struct lf_criterion_score moved[WORLD_CRITERIA];
	long double weights[WORLD_CRITERIA], at, variance = 0;
	const double step = 1e-7;

	for (size_t j = 0; j < def->criterion_count; j++) {
		weights[j] = result->weights[j];
		moved[j] = score->criteria[j];
	}
	at = aggregate(def, weights, moved);
	for (size_t j = 0; j < def->criterion_count; j++) {
		long double slope;

		if (def->criteria[j].derived != LF_RATED)
			continue;
		/* Downwards, so that MINIMUM's slope is 1 at the lowest value; at 0 a harmonic score does not move. */
		moved[j].value -= step;
		slope = (at - aggregate(def, weights, moved)) / (long double)step;
		moved[j].value = score->criteria[j].value;
		if (def->aggregation == LF_MINIMUM)
			slope = score->limiting == j;
		if (def->aggregation == LF_HARMONIC && !(at > 0))
			slope = 0;
		variance += slope * slope / (1 + (long double)score->criteria[j].weight);
	}
	return def->robustness.rating_spread * (double)sqrtl(variance);
}

static double noise(struct random *r)
{
	double sum = 0;

	for (int i = 0; i < 12; i++)
		sum += draw(r);
	return sum - 6;
}

void simulate_first_rank_shares(
	const struct lf_rubric_def *def, const struct lf_result *result, size_t samples, uint64_t seed, double *shares)
{
	struct random random = {seed};
	double doubts[WORLD_MEMBERS];

	for (size_t i = 0; i < result->ranking_count; i++) {
		doubts[i] = doubt_of(def, result, &result->ranking[i]);
		shares[i] = 0;
	}
	for (size_t s = 0; s < samples; s++) {
		long double weights[WORLD_CRITERIA], scores[WORLD_MEMBERS], best = -1000;
		size_t tied = 0;

		draw_weights(def, result->weights, &random, weights);
		for (size_t i = 0; i < result->ranking_count && result->ranking[i].eligible; i++) {
			scores[i] = aggregate(def, weights, result->ranking[i].criteria);
			if (doubts[i] > 0)
				scores[i] += (long double)(doubts[i] * noise(&random));
			tied = scores[i] > best ? 1 : tied + (scores[i] == best);
			best = scores[i] > best ? scores[i] : best;
		}
		for (size_t i = 0; i < result->ranking_count && result->ranking[i].eligible; i++) {
			if (scores[i] == best)
				shares[i] += 1 / ((double)tied * (double)samples);
		}
	}
}

void simulate_scores(const struct lf_rubric_def *def, const struct lf_result *result, size_t place, size_t samples,
	uint64_t seed, double *scores)
{
	struct random random = {seed};
	double doubt = doubt_of(def, result, &result->ranking[place]);

	for (size_t s = 0; s < samples; s++) {
		long double weights[WORLD_CRITERIA], score;

		draw_weights(def, result->weights, &random, weights);
		score = aggregate(def, weights, result->ranking[place].criteria);
		if (doubt > 0)
			score += (long double)(doubt * noise(&random));
		scores[s] = score < 0 ? 0 : score > 1 ? 1 : (double)score;
	}
}
