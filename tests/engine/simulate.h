/*
 * First-rank shares and scores by brute force: random numbers of its own, the formulas as they stand, no thought of speed or
 * order.
 */
#ifndef LF_TESTS_ENGINE_SIMULATE_H
#define LF_TESTS_ENGINE_SIMULATE_H

#include "tests/engine/world.h"

/* shares[place in the ranking], over so many samples. Values, weights and evidence are the result's. */
void simulate_first_rank_shares(
	const struct lf_rubric_def *def, const struct lf_result *result, size_t samples, uint64_t seed, double *shares);
/* scores[sample] of one place of the ranking, eligible or not, within 0..1. */
void simulate_scores(const struct lf_rubric_def *def, const struct lf_result *result, size_t place, size_t samples,
	uint64_t seed, double *scores);

#endif
