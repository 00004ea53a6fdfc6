/* The range of each score over the perturbations: on request only, one candidate at a time. */
#include "service/engine/internal.h"

/* Puts the k-th smallest of count values (from 0) at its place, what is not larger before it (Hoare's selection). */
static double select_value(double *values, size_t count, size_t k)
{
	size_t low = 0, high = count - 1;

	while (low < high) {
		double pivot = values[low + (high - low) / 2], swapped;
		size_t i = low, j = high;

		for (;;) {
			while (values[i] < pivot)
				i++;
			while (values[j] > pivot)
				j--;
			if (i >= j)
				break;
			swapped = values[i];
			values[i++] = values[j];
			values[j--] = swapped;
		}
		if (k <= j)
			high = j;
		else
			low = j + 1;
	}
	return values[k];
}

/* The place of the smallest value that at least so many percent do not exceed. */
static size_t percentile_place(size_t count, size_t percent)
{
	size_t place = (count * percent + 99) / 100;

	return place > 0 ? place - 1 : 0;
}

/* D of every sample of the block; NULL: it is 1. */
static const double *find_totals(const struct lf_trials *contest, const struct lf_block *block)
{
	const struct lf_perturbations *p = &contest->rubric->perturbations;

	if (block->harmonic || contest->total_coefficients == NULL)
		return NULL;
	if (p->factors != NULL)
		p->kernel->sum(block, contest->total_coefficients, contest->space->block_totals);
	for (size_t s = 0; p->factors == NULL && s < block->lanes; s++)
		contest->space->block_totals[s] = contest->total;
	return contest->space->block_totals;
}

/* The scores of the only contender in every sample, within 0..1. */
static void score_samples(const struct lf_trials *contest, size_t members, double *scores)
{
	const struct lf_perturbations *p = &contest->rubric->perturbations;
	size_t lanes = lf_part_samples(p->block, members);
	const double *totals = NULL;
	struct lf_block block, part;

	for (size_t s = 0; s < p->count; s += part.lanes) {
		if (s % p->block == 0) {
			lf_trials_block(contest, s, &block);
			totals = find_totals(contest, &block);
		}
		part = lf_block_part(&block, s % p->block, lanes);
		lf_trials_score(contest, &part, s, contest->space->part_best);
		for (size_t l = 0; l < part.lanes && s + l < p->count; l++) {
			double score = contest->space->part_scores[l];

			if (totals != NULL)
				score /= totals[s % p->block + l];
			scores[s + l] = score < 0 ? 0 : score > 1 ? 1 : score + 0.0;
		}
	}
}

bool lf_score_ranges(const struct lf_rubric *rubric, const struct lf_case *the_case, const struct lf_result *result,
	void *workspace, double *samples, struct lf_score_range *ranges)
{
	size_t count = rubric->perturbations.count;
	struct lf_workspace space;

	if (count == 0)
		return false;
	(void)lf_workspace_carve(rubric, the_case, workspace, &space);
	lf_order_members(the_case, space.member_order);
	for (size_t i = 0; i < the_case->member_count; i++)
		space.rank_order[space.member_order[i]] = (uint32_t)i; /* free once ranks are found */
	for (size_t place = 0; place < result->ranking_count; place++) {
		struct lf_member_score alone = result->ranking[place];
		struct lf_trials contest;

		alone.eligible = true;
		lf_trials_begin(
			&contest, rubric, &space, (struct lf_ties){0, 0}, result->weights, &alone, 1, space.rank_order);
		score_samples(&contest, the_case->member_count, samples);
		ranges[place].low = select_value(samples, count, percentile_place(count, 5));
		ranges[place].high = select_value(samples, count, percentile_place(count, 95));
	}
	return true;
}
