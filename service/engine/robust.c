/*
 * First-rank shares: the eligible candidates' scores under every perturbation, block by block, and who is first. README.md says
 * exactly what is compared.
 */
#include <string.h>
#include "service/engine/internal.h"

enum { COUNTERS = 4 }; /* several of each, because an increment waits for the one before it in the same place */

void lf_rubric_use_kernel(struct lf_rubric *rubric, const struct lf_kernel *kernel)
{
	assert(kernel != NULL);
	rubric->perturbations.kernel = kernel;
}

/* ---- contenders ---- */

/* ∂score/∂v of a rated criterion. */
static double derivative(enum lf_aggregation aggregation, const struct lf_member_score *score, uint32_t j, double w)
{
	double v = score->criteria[j].value;

	if (aggregation == LF_ADDITIVE)
		return w;
	if (aggregation == LF_MINIMUM)
		return score->limiting == j;
	if (!(score->score > 0) || !(w > 0))
		return 0;
	return score->score / v * (score->score / v) * w;
}

/* q = rating_spread · sqrt(Σ (∂score/∂v)² / (1 + n + k)) */
static double doubt_of(const struct lf_contest *contest, const struct lf_member_score *score)
{
	const struct lf_rubric *rubric = contest->rubric;
	double sum = 0;

	if (rubric->perturbations.noise == NULL)
		return 0;
	for (size_t c = 0; c < rubric->def.criterion_count; c++) {
		uint32_t j = rubric->criteria[c].index;
		double d;

		if (rubric->criteria[c].derived != LF_RATED)
			continue;
		d = derivative(rubric->def.aggregation, score, j, contest->weights[j]);
		sum += d * d / (1 + score->criteria[j].weight);
	}
	return rubric->def.robustness.rating_spread * sqrt(sum);
}

/* g without its factor: the weight, or 1 where the factors are the weights; 0 where there is no weight. */
static double plain_weight(const struct lf_contest *contest, uint32_t j)
{
	double w = contest->weights[j];

	return !(w > 0) ? 0 : contest->rubric->perturbations.unknown ? 1 : w;
}

/* Coefficients of the factors: g·v, or g/v. false: a value of 0, or all but, makes a harmonic score 0 whatever the weights. */
static bool set_coefficients(const struct lf_contest *contest, const struct lf_member_score *score, double *coefficients)
{
	const struct lf_rubric *rubric = contest->rubric;
	bool harmonic = rubric->def.aggregation == LF_HARMONIC;

	for (size_t c = 0; c < rubric->def.criterion_count; c++) {
		uint32_t j = rubric->criteria[c].index;
		double g = plain_weight(contest, j), v = score->criteria[j].value;

		coefficients[c] = !(g > 0) ? 0 : harmonic ? g / v : g * v;
		if (!(coefficients[c] < INFINITY))
			return false;
	}
	return true;
}

/* What coefficients come to where every factor is 1. */
static double total_of(const double *coefficients, size_t count)
{
	double sum = 0;

	for (size_t c = 0; c < count; c++)
		sum += coefficients[c];
	return sum;
}

static void add_contender(struct lf_contest *contest, const struct lf_member_score *score, uint32_t place)
{
	const struct lf_rubric *rubric = contest->rubric;
	const struct lf_perturbations *p = &rubric->perturbations;
	size_t criteria = rubric->def.criterion_count;
	double *coefficients = contest->space->coefficients + contest->count * criteria;
	struct lf_contender *contender = &contest->contenders[contest->count++];

	*contender = (struct lf_contender){.doubt = doubt_of(contest, score)};
	if (p->noise != NULL)
		contender->noise = p->noise + place % p->count;
	if (rubric->def.aggregation == LF_MINIMUM) {
		contender->base = score->score;
	} else if (set_coefficients(contest, score, coefficients)) {
		if (p->factors != NULL)
			contender->coefficients = coefficients;
		else if (rubric->def.aggregation == LF_ADDITIVE)
			contender->base = total_of(coefficients, criteria);
		else
			contender->base = contest->total / total_of(coefficients, criteria);
	}
}

/* ---- blocks ---- */

static void set_totals(struct lf_contest *contest)
{
	const struct lf_rubric *rubric = contest->rubric;
	const struct lf_perturbations *p = &rubric->perturbations;
	size_t criteria = rubric->def.criterion_count;
	double *row;

	if (rubric->def.aggregation == LF_MINIMUM || p->unknown)
		return;
	row = contest->space->coefficients + contest->case_rows * criteria;
	for (size_t c = 0; c < criteria; c++)
		row[c] = plain_weight(contest, rubric->criteria[c].index);
	contest->total_coefficients = row;
	contest->total = total_of(row, criteria);
}

/* Whether all criteria have a weight, as the rubric's own gaps assume. */
static bool all_have_weight(const struct lf_rubric *rubric, const double *weights)
{
	for (size_t j = 0; j < rubric->def.criterion_count; j++) {
		if (!(weights[j] > 0))
			return false;
	}
	return true;
}

void lf_contest_begin(struct lf_contest *contest, const struct lf_rubric *rubric, const struct lf_workspace *space,
	const double *weights, const struct lf_member_score *scores, size_t count, const uint32_t *place)
{
	*contest = (struct lf_contest){
		.rubric = rubric,
		.space = space,
		.weights = weights,
		.contenders = space->contenders,
		.case_rows = count,
		.total = 1,
		.draws_gaps = rubric->perturbations.unknown && rubric->def.aggregation != LF_MINIMUM &&
			      !all_have_weight(rubric, weights),
	};
	set_totals(contest);
	for (size_t i = 0; i < count; i++) {
		if (scores[i].eligible)
			add_contender(contest, &scores[i], place[scores[i].member]);
	}
}

void lf_contest_block(const struct lf_contest *contest, size_t first, struct lf_block *block)
{
	const struct lf_rubric *rubric = contest->rubric;
	const struct lf_perturbations *p = &rubric->perturbations;
	const struct lf_workspace *space = contest->space;
	size_t criteria = rubric->def.criterion_count, left = p->count - first;

	assert(first % p->block == 0 && first < p->count);
	left = (left + LF_KERNEL_LANES - 1) / LF_KERNEL_LANES * LF_KERNEL_LANES;
	*block = (struct lf_block){
		.lanes = left < p->block ? left : p->block,
		.factors = p->factors != NULL ? p->factors + first * criteria : NULL,
		.stride = p->block,
		.rows = criteria,
		.harmonic = rubric->def.aggregation == LF_HARMONIC,
		.doubt_scaled = rubric->def.aggregation == LF_ADDITIVE,
	};
	if (contest->draws_gaps) {
		lf_draw_gaps(rubric, contest->weights, first, block->lanes, block->stride, space->block_gaps);
		block->factors = space->block_gaps;
	}
	if (contest->total_coefficients == NULL || (p->noise == NULL && !block->harmonic))
		return;
	if (p->factors != NULL) {
		p->kernel->sum(block, contest->total_coefficients, space->block_totals);
	} else {
		for (size_t s = 0; s < block->lanes; s++)
			space->block_totals[s] = contest->total;
	}
	block->totals = space->block_totals;
}

struct lf_contender lf_contender_at(const struct lf_contest *contest, size_t contender, size_t first)
{
	struct lf_contender at = contest->contenders[contender];

	if (at.noise != NULL)
		at.noise += first;
	return at;
}

/* ---- who is first ---- */

/* Adds 1/t to each of the tied in each sample of the block where t are; so seldom wanted that scores are computed again. */
static void share_ties(const struct lf_contest *contest, const struct lf_block *block, size_t first, size_t counted, double *shares)
{
	const struct lf_kernel *kernel = contest->rubric->perturbations.kernel;
	const struct lf_workspace *space = contest->space;

	memset(space->block_ties, 0, counted * sizeof *space->block_ties);
	for (size_t i = 0; i < 2 * contest->count; i++) {
		size_t me = i % contest->count;
		struct lf_contender contender = lf_contender_at(contest, me, first);

		kernel->score(block, &contender, space->block_scores);
		for (size_t s = 0; s < counted; s++) {
			if (space->block_leaders[s] != contest->count || space->block_scores[s] != space->block_best[s])
				continue;
			/* First they are counted, then they share. */
			if (i < contest->count)
				space->block_ties[s]++;
			else
				shares[me] += 1 / space->block_ties[s];
		}
	}
}

/* Adds a block's first places: wins[COUNTERS][count + 1], the last of each for ties, which share. */
static void count_block(const struct lf_contest *contest, size_t first, double *shares)
{
	const struct lf_perturbations *p = &contest->rubric->perturbations;
	const struct lf_workspace *space = contest->space;
	size_t left = p->count - first, counted = left < p->block ? left : p->block, places = contest->count + 1;
	struct lf_block block;
	uint32_t tied = 0;

	lf_contest_block(contest, first, &block);
	for (size_t s = 0; s < block.lanes; s++)
		space->block_best[s] = -INFINITY;
	for (size_t i = 0; i < contest->count; i++) {
		struct lf_contender contender = lf_contender_at(contest, i, first);

		p->kernel->score(&block, &contender, space->block_scores);
		p->kernel->lead(block.lanes, space->block_scores, i, contest->count, space->block_best, space->block_leaders);
	}
	for (size_t s = 0; s < counted; s++)
		space->wins[s % COUNTERS * places + space->block_leaders[s]]++;
	for (size_t i = 0; i < COUNTERS; i++) {
		tied += space->wins[i * places + contest->count];
		space->wins[i * places + contest->count] = 0;
	}
	if (tied > 0)
		share_ties(contest, &block, first, counted, shares);
}

/* shares[contender] = (samples won + sum of 1/t over samples tied) / K */
static void sample(const struct lf_contest *contest, double *shares)
{
	const struct lf_perturbations *p = &contest->rubric->perturbations;
	size_t places = contest->count + 1;

	memset(contest->space->wins, 0, COUNTERS * places * sizeof *contest->space->wins);
	for (size_t i = 0; i < contest->count; i++)
		shares[i] = 0;
	for (size_t first = 0; first < p->count; first += p->block)
		count_block(contest, first, shares);
	for (size_t i = 0; i < contest->count; i++) {
		uint32_t won = 0;

		for (size_t k = 0; k < COUNTERS; k++)
			won += contest->space->wins[k * places + i];
		shares[i] = ((double)won + shares[i]) / (double)p->count;
	}
}

void lf_first_rank_shares(const struct lf_scoring *scoring, size_t scored_count)
{
	const struct lf_rubric *rubric = scoring->rubric;
	const struct lf_workspace *space = &scoring->space;
	bool sampled = rubric->perturbations.count > 0;
	size_t eligible = 0, next = 0;
	struct lf_contest contest;
	double *shares = space->rank_scores; /* not otherwise in use */

	for (size_t i = 0; i < scored_count; i++) {
		struct lf_member_score *score = &space->scored[i];

		eligible += score->eligible;
		score->first_rank_share = !sampled ? (double)NAN : score->eligible ? 1 : 0;
	}
	if (!sampled || eligible < 2)
		return;
	for (size_t i = 0; i < scoring->the_case->member_count; i++)
		space->rank_order[space->member_order[i]] = (uint32_t)i; /* free until ranks are found */
	lf_contest_begin(&contest, rubric, space, space->weights, space->scored, scored_count, space->rank_order);
	sample(&contest, shares);
	for (size_t i = 0; i < scored_count; i++) {
		if (space->scored[i].eligible)
			space->scored[i].first_rank_share = shares[next++];
	}
}
