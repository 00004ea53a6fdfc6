/*
 * First-rank shares: who is first under each perturbation. Where scores are sums, rough scores in floats tell it of
 * nearly all samples; those of which they leave a doubt are scored in doubles, so the counts are those of the doubles.
 */
#include <string.h>
#include "service/engine/internal.h"

enum { DOUBTS_MAX = 8 }; /* groups in doubt after which rough scores are given up */

size_t lf_part_samples(size_t block, size_t members)
{
	size_t lanes = 2048 / (members > 0 ? members : 1) / LF_KERNEL_LANES * LF_KERNEL_LANES;

	if (lanes < 32)
		lanes = 32;
	return lanes < block ? lanes : block;
}

/* The same count where some are tied: they share the sample. */
static void count_ties(const struct lf_trials *contest, size_t lanes, size_t counted, double *shares)
{
	const struct lf_workspace *space = contest->space;

	memset(space->part_ties, 0, counted * sizeof(*space->part_ties));
	for (size_t i = 0; i < contest->count; i++) {
		for (size_t s = 0; s < counted; s++)
			space->part_ties[s] += space->part_scores[i * lanes + s] == space->part_best[s];
	}
	for (size_t i = 0; i < contest->count; i++) {
		for (size_t s = 0; s < counted; s++) {
			if (space->part_scores[i * lanes + s] != space->part_best[s])
				continue;
			if (space->part_ties[s] == 1)
				space->wins[i]++;
			else
				shares[i] += 1 / (double)space->part_ties[s];
		}
	}
}

/* Adds the first places of samples first .. first + part->lanes - 1, as far as there are so many. */
static void count_part(const struct lf_trials *contest, const struct lf_block *part, size_t first, double *shares)
{
	const struct lf_perturbations *p = &contest->rubric->perturbations;
	const struct lf_workspace *space = contest->space;
	size_t lanes = part->lanes, counted = p->count - first < lanes ? p->count - first : lanes;
	uint64_t found = 0;

	lf_trials_score(contest, part, first, space->part_best);
	for (size_t s = counted; s < lanes; s++)
		space->part_best[s] = INFINITY; /* nobody's */
	for (size_t i = 0; i < contest->count; i++) {
		space->part_wins[i] =
			(uint32_t)p->kernel->count_equal(lanes, space->part_scores + i * lanes, space->part_best);
		found += space->part_wins[i];
	}
	if (found > counted) {
		count_ties(contest, lanes, counted, shares);
		return;
	}
	for (size_t i = 0; i < contest->count; i++)
		space->wins[i] += space->part_wins[i];
}

/* ---- rough scores ---- */

/*
 * A sum of C products that are not negative is off by C + 2 roundings (of a coefficient, of a factor, of a product, of
 * each addition) of 2^-24 of itself, which is at most D; the doubt, at most 6·q·D, by that many of D and 5 of its own;
 * the last addition, D itself and the comparison by one more each. Twice that, and a good deal more; what doubles round
 * is nothing beside it. Doubles are compared by steps of 2^-40: of two that differ by less than two steps in floats
 * neither is certain.
 */
float lf_rough_slack(size_t criteria, double doubt, double least)
{
	return (float)(2.5 * (1 + 6 * doubt) * ((double)criteria + 12) * 0x1p-24 + 0x1p-39 / least);
}

static double most_doubt(const struct lf_trials *contest)
{
	double most = 0;

	for (size_t i = 0; i < contest->count; i++)
		most = contest->contenders[i].doubt > most ? contest->contenders[i].doubt : most;
	return most;
}

/* The smallest D: weights add up to 1, and each is at least (1 - s) / (1 + s) of what it is. */
static double least_total(const struct lf_robustness_def *doubt)
{
	return (1 - doubt->weight_spread) / (1 + doubt->weight_spread);
}

/* A row of coefficients in floats, filled up with zeros. from NULL: ones. */
static void round_row(const double *from, size_t count, size_t room, float *to)
{
	for (size_t c = 0; c < room; c++)
		to[c] = c >= count ? 0 : from != NULL ? (float)from[c] : 1;
}

/* Sets up rough scores of the contenders. false: their scores are no sums of the rubric's rows. */
static bool begin_rough(const struct lf_trials *contest, struct lf_rough *rough)
{
	const struct lf_perturbations *p = &contest->rubric->perturbations;
	const struct lf_workspace *space = contest->space;
	size_t criteria = contest->rubric->def.criterion_count, rows = lf_rough_rows(criteria);
	float *row = space->rough_coefficients;

	if (p->rough_factors == NULL || contest->draws_gaps)
		return false;
	for (size_t i = 0; i < contest->count; i++, row += rows) {
		const struct lf_contender *from = &contest->contenders[i];

		round_row(from->coefficients, criteria, rows, row);
		space->rough_contenders[i] = (struct lf_rough_contender){.coefficients = row,
			.doubt = (float)from->doubt,
			.noise = p->noise != NULL ? p->rough_noise + (from->noise - p->noise) : p->rough_noise};
	}
	round_row(contest->total_coefficients, criteria, rows, row);
	*rough = (struct lf_rough){
		.factors = p->rough_factors,
		.rows = rows,
		.total = row,
		.slack = lf_rough_slack(criteria, most_doubt(contest), least_total(&contest->rubric->def.robustness)),
		.contenders = space->rough_contenders,
		.count = contest->count,
		.noise_step = p->noise != NULL ? LF_KERNEL_LANES : 0,
		.scores = space->rough_scores,
		.bits = space->rough_bits,
	};
	return true;
}

/* ---- all of it ---- */

/* Samples first .. first + count - 1, which are of one block, in doubles. */
static void count_exactly(const struct lf_trials *contest, size_t first, size_t count, size_t lanes, double *shares)
{
	size_t into = first % contest->rubric->perturbations.block;
	struct lf_block block, part;

	lf_trials_block(contest, first - into, &block);
	block = lf_block_part(&block, into, (count + LF_KERNEL_LANES - 1) / LF_KERNEL_LANES * LF_KERNEL_LANES);
	for (size_t offset = 0; offset < block.lanes; offset += part.lanes) {
		part = lf_block_part(&block, offset, lanes);
		count_part(contest, &part, first + offset, shares);
	}
}

/*
 * Counts what is certain. Returns the first sample that is yet to be counted: where doubts are many, as among equals,
 * they are not worth while, and the rest is better scored in doubles.
 */
static size_t count_roughly(const struct lf_trials *contest, const struct lf_rough *rough, size_t lanes, double *shares)
{
	const struct lf_perturbations *p = &contest->rubric->perturbations;
	const struct lf_workspace *space = contest->space;
	size_t all = p->count / LF_KERNEL_LANES, groups, first, doubts = 0;

	for (first = 0; first < all && doubts <= DOUBTS_MAX; first += groups) {
		uint64_t doubtful;

		groups = all - first < LF_ROUGH_GROUPS ? all - first : LF_ROUGH_GROUPS;
		LF_CHECK(E6, (first + groups) * LF_KERNEL_LANES <= p->count);
		doubtful = p->kernel->count_certain(rough, first, groups, space->part_wins);
		for (size_t i = 0; i < contest->count; i++)
			space->wins[i] += space->part_wins[i];
		for (; doubtful != 0; doubtful &= doubtful - 1, doubts++) {
			size_t group = first + (size_t)__builtin_ctzll(doubtful);

			count_exactly(contest, group * LF_KERNEL_LANES, LF_KERNEL_LANES, lanes, shares);
		}
	}
	return first * LF_KERNEL_LANES;
}

/* shares[contender] = (samples won + sum of 1/t over samples tied) / K */
static void sample(const struct lf_trials *contest, size_t members, double *shares)
{
	const struct lf_perturbations *p = &contest->rubric->perturbations;
	size_t lanes = lf_part_samples(p->block, members), first = 0, next;
	struct lf_rough rough;

	for (size_t i = 0; i < contest->count; i++) {
		contest->space->wins[i] = 0;
		shares[i] = 0;
	}
	if (begin_rough(contest, &rough))
		first = count_roughly(contest, &rough, lanes, shares);
	for (; first < p->count; first = next) {
		next = first / p->block * p->block + p->block;
		next = next < p->count ? next : p->count;
		count_exactly(contest, first, next - first, lanes, shares);
	}
	for (size_t i = 0; i < contest->count; i++)
		shares[i] = ((double)contest->space->wins[i] + shares[i]) / (double)p->count;
}

void lf_first_rank_shares(const struct lf_scoring *scoring, size_t scored_count)
{
	const struct lf_rubric *rubric = scoring->rubric;
	const struct lf_workspace *space = &scoring->space;
	bool sampled = rubric->perturbations.count > 0;
	size_t eligible = 0, next = 0, members = scoring->the_case->member_count;
	struct lf_trials contest;

	for (size_t i = 0; i < scored_count; i++) {
		struct lf_member_score *score = &space->scored[i];

		eligible += score->eligible;
		score->first_rank_share = !sampled ? (double)NAN : score->eligible ? 1 : 0;
	}
	if (!sampled || eligible < 2)
		return;
	for (size_t i = 0; i < members; i++)
		space->rank_order[space->member_order[i]] = (uint32_t)i; /* free until ranks are found */
	lf_trials_begin(&contest, rubric, space, lf_ties_of(scoring->the_case), space->weights, space->scored,
		scored_count, space->rank_order);
	sample(&contest, members, space->shares);
	for (size_t i = 0; i < scored_count; i++) {
		if (space->scored[i].eligible)
			space->scored[i].first_rank_share = space->shares[next++];
	}
}
