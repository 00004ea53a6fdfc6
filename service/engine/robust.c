/*
 * The eligible candidates' scores under every perturbation, block by block. DESIGN.md says exactly what is compared;
 * robust_first.c counts who is first.
 */
#include "service/engine/internal.h"

void lf_rubric_use_kernel(struct lf_rubric *rubric, const struct lf_kernel *kernel)
{
	LF_CHECK(E6, kernel != NULL);
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
static double doubt_of(const struct lf_trials *contest, const struct lf_member_score *score)
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
static double plain_weight(const struct lf_trials *contest, uint32_t j)
{
	double w = contest->weights[j];

	return !(w > 0) ? 0 : contest->rubric->perturbations.unknown ? 1 : w;
}

/*
 * Coefficients of the factors: g·v, or g/v. false: a value of 0, or all but, makes a harmonic score 0 whatever the
 * weights.
 */
static bool set_coefficients(const struct lf_trials *contest, const struct lf_member_score *score, double *coefficients)
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

static void add_contender(struct lf_trials *contest, const struct lf_member_score *score, uint32_t place)
{
	const struct lf_rubric *rubric = contest->rubric;
	const struct lf_perturbations *p = &rubric->perturbations;
	size_t criteria = rubric->def.criterion_count;
	double *coefficients = contest->space->coefficients + contest->count * criteria;
	struct lf_contender *contender = &contest->contenders[contest->count++];

	*contender = (struct lf_contender){.doubt = doubt_of(contest, score)};
	contender->noise = p->noise != NULL ? p->noise + place % p->count : p->ones;
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

static void set_totals(struct lf_trials *contest)
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

void lf_trials_begin(struct lf_trials *contest, const struct lf_rubric *rubric, const struct lf_workspace *space,
	struct lf_ties ties, const double *weights, const struct lf_member_score *scores, size_t count,
	const uint32_t *place)
{
	*contest = (struct lf_trials){
		.rubric = rubric,
		.space = space,
		.weights = weights,
		.contenders = space->contenders,
		.case_rows = count,
		.total = 1,
		.ties = ties,
		.draws_gaps = rubric->perturbations.unknown && rubric->def.aggregation != LF_MINIMUM &&
			!all_have_weight(rubric, weights),
	};
	set_totals(contest);
	for (size_t i = 0; i < count; i++) {
		if (scores[i].eligible)
			add_contender(contest, &scores[i], place[scores[i].member]);
	}
}

void lf_trials_block(const struct lf_trials *contest, size_t first, struct lf_block *block)
{
	const struct lf_rubric *rubric = contest->rubric;
	const struct lf_perturbations *p = &rubric->perturbations;
	const struct lf_workspace *space = contest->space;
	size_t criteria = rubric->def.criterion_count, left = p->count - first;

	LF_CHECK(E6, first % p->block == 0 && first < p->count);
	left = (left + LF_KERNEL_LANES - 1) / LF_KERNEL_LANES * LF_KERNEL_LANES;
	*block = (struct lf_block){
		.lanes = left < p->block ? left : p->block,
		.factors = p->factors != NULL ? p->factors + first * criteria : NULL,
		.stride = p->block,
		.rows = criteria,
		.totals = p->ones,
		.doubt_scale = p->ones,
		.shift = contest->ties.shift,
		.harmonic = rubric->def.aggregation == LF_HARMONIC,
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
	if (block->harmonic)
		block->totals = space->block_totals;
	else
		block->doubt_scale = space->block_totals;
}

struct lf_block lf_block_part(const struct lf_block *block, size_t offset, size_t lanes)
{
	struct lf_block part = *block;

	LF_CHECK(E6, offset % LF_KERNEL_LANES == 0 && lanes % LF_KERNEL_LANES == 0 && offset < block->lanes);
	part.lanes = lanes < block->lanes - offset ? lanes : block->lanes - offset;
	if (part.factors != NULL)
		part.factors += offset;
	part.totals += offset;
	part.doubt_scale += offset;
	return part;
}

void lf_trials_score(const struct lf_trials *contest, const struct lf_block *part, size_t first, double *best)
{
	const struct lf_perturbations *p = &contest->rubric->perturbations;

	LF_CHECK(E6, first + part->lanes < p->count + LF_KERNEL_LANES);
	p->kernel->fill(part->lanes, -INFINITY, best);
	for (size_t i = 0; i < contest->count; i += 2) {
		struct lf_contender two[2] = {
			contest->contenders[i], contest->contenders[i + 1 < contest->count ? i + 1 : i]};

		if (p->noise != NULL) {
			two[0].noise += first;
			two[1].noise += first;
		}
		p->kernel->score(
			part, two, contest->count - i > 1 ? 2 : 1, contest->space->part_scores + i * part->lanes, best);
	}
}
