/* The rank-acceptability table: on request only, so it is made simply, a few samples at a time. */
#include <string.h>
#include "service/engine/internal.h"

/* The highest scores of one sample, and how many contenders have the lowest of them. */
struct top {
	double scores[LF_RANKS_MAX]; /* from the highest; equal ones repeat */
	size_t count;
	size_t last_count; /* contenders with the last score, all of them */
};

/* scores: one contender's after another, LF_KERNEL_LANES apart. */
static struct top find_top(const double *scores, size_t count)
{
	struct top top = {.count = 0};

	for (size_t i = 0; i < count; i++) {
		double score = scores[i * LF_KERNEL_LANES];
		size_t at;

		if (top.count == LF_RANKS_MAX && !(score > top.scores[LF_RANKS_MAX - 1]))
			continue;
		if (top.count < LF_RANKS_MAX)
			top.count++;
		for (at = top.count - 1; at > 0 && top.scores[at - 1] < score; at--)
			top.scores[at] = top.scores[at - 1];
		top.scores[at] = score;
	}
	for (size_t i = 0; i < count; i++)
		top.last_count += scores[i * LF_KERNEL_LANES] == top.scores[top.count - 1];
	return top;
}

/* Adds one sample's ranks: a whole to won where a contender is alone, parts to tied where ranks are shared. */
static void add_ranks(const double *scores, size_t count, double *won, double *tied)
{
	struct top top = find_top(scores, count);

	for (size_t i = 0; i < count; i++) {
		double score = scores[i * LF_KERNEL_LANES];
		size_t above = 0, equal = 0;

		if (score < top.scores[top.count - 1])
			continue;
		for (size_t r = 0; r < top.count; r++) {
			above += top.scores[r] > score;
			equal += top.scores[r] == score;
		}
		if (score == top.scores[top.count - 1])
			equal = top.last_count;
		for (size_t r = above; r < above + equal && r < LF_RANKS_MAX; r++) {
			if (equal == 1)
				won[i * LF_RANKS_MAX + r]++;
			else
				tied[i * LF_RANKS_MAX + r] += 1 / (double)equal;
		}
	}
}

/* shares: rows by contender. */
static void sample_ranks(const struct lf_trials *contest, double *shares)
{
	const struct lf_perturbations *p = &contest->rubric->perturbations;
	const struct lf_workspace *space = contest->space;
	double best[LF_KERNEL_LANES] __attribute__((aligned(64)));
	struct lf_block block, part;

	for (size_t s = 0; s < p->count; s += LF_KERNEL_LANES) {
		if (s % p->block == 0)
			lf_trials_block(contest, s, &block);
		part = lf_block_part(&block, s % p->block, LF_KERNEL_LANES);
		lf_trials_score(contest, &part, s, best);
		for (size_t lane = 0; lane < LF_KERNEL_LANES && s + lane < p->count; lane++)
			add_ranks(space->part_scores + lane, contest->count, shares, space->rank_ties);
	}
}

bool lf_rank_shares(const struct lf_rubric *rubric, const struct lf_case *the_case, const struct lf_result *result,
	void *workspace, double *shares)
{
	struct lf_workspace space;
	struct lf_trials contest;

	if (rubric->perturbations.count == 0)
		return false;
	(void)lf_workspace_carve(rubric, the_case, workspace, &space);
	lf_order_members(the_case, space.member_order);
	for (size_t i = 0; i < the_case->member_count; i++)
		space.rank_order[space.member_order[i]] = (uint32_t)i; /* free once ranks are found */
	for (size_t i = 0; i < result->ranking_count * LF_RANKS_MAX; i++)
		shares[i] = 0;
	/* The eligible come first in the ranking, so contenders and places are the same. */
	lf_trials_begin(&contest, rubric, &space, lf_ties_of(the_case), result->weights, result->ranking,
		result->ranking_count, space.rank_order);
	if (contest.count == 0)
		return true;
	for (size_t i = 0; i < contest.count * LF_RANKS_MAX; i++)
		space.rank_ties[i] = 0;
	sample_ranks(&contest, shares);
	for (size_t i = 0; i < contest.count * LF_RANKS_MAX; i++)
		shares[i] = (shares[i] + space.rank_ties[i]) / (double)rubric->perturbations.count;
	return true;
}
