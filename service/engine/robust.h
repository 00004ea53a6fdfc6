/* How the parts of robustness fit together: what a compiled rubric keeps, who draws it, who samples a case with it. */
#ifndef LF_ENGINE_ROBUST_H
#define LF_ENGINE_ROBUST_H

#include "service/engine/robust_kernel.h"
#include "service/engine/ties.h"

struct lf_rubric;
struct lf_scoring;
struct lf_workspace;
struct lf_member_score;

/*
 * The perturbations of a rubric. factors come block by block, so that a block lies together: sample s of criterion c
 * (canonical) is factors[(s / block * C + c) * block + s % block]. Samples beyond K fill the last block; they are
 * computed and never counted.
 */
struct lf_perturbations {
	const struct lf_kernel *kernel;
	size_t count;          /* K; 0: the rubric has no robustness */
	size_t block;          /* samples of a block, a multiple of LF_KERNEL_LANES */
	const double *factors; /* NULL: weights are certain, every factor is 1 */
	bool unknown; /* factors are the gaps that stand for the weights of all criteria, not factors of weights */
	/* u, twice over and some: noise[i] = u[i mod K], i < 2K + block; NULL: ratings are certain */
	const double *noise;
	const double *ones; /* block times 1 */
	/*
	 * The same in floats, laid out as in lf_rough, where scores are sums of the rows (ADDITIVE); NULL elsewhere.
	 * rough_noise: of one group, zeros, where ratings are certain.
	 */
	const float *rough_factors, *rough_noise;
};

/* Samples of a block for so many criteria: what fits the first-level cache beside the rest. */
size_t lf_block_samples(size_t samples, size_t criteria);
/* Samples of a block that are scored together: few where members are many, so that their scores stay in a cache. */
size_t lf_part_samples(size_t block, size_t members);
/* Rows in floats for so many criteria. */
size_t lf_rough_rows(size_t criteria);
/*
 * The slack of rough scores (lf_rough): twice what rounding may move, and a step of what is compared, as a part of D.
 * doubt: the largest q; least: the smallest D that a sample may have.
 */
float lf_rough_slack(size_t criteria, double doubt, double least);
/* factors in floats, of whole groups of samples only. */
void lf_rough_factors(const struct lf_perturbations *p, size_t criteria, float *rough);
/* The rows of all blocks, C · block doubles each. */
void lf_draw_factors(const struct lf_rubric *rubric, double *factors);
/*
 * Gaps of sorted uniforms for samples first .. first + count - 1, a row a criterion (canonical) of stride doubles.
 * weights: by the definition's criteria, those above 0 share and the others' rows are 0, so all rows are where a stored
 * result has no weight above 0; NULL: all share.
 */
void lf_draw_gaps(
	const struct lf_rubric *rubric, const double *weights, size_t first, size_t count, size_t stride, double *rows);
/* u for count places, as lf_perturbations has it. */
void lf_draw_noise(size_t samples, size_t count, double *noise);

/* Sets first_rank_share of the scored, whose eligible and limiting are set. NaN where the rubric has no robustness. */
void lf_first_rank_shares(const struct lf_scoring *scoring, size_t scored_count);
/* Makes a compiled rubric use that kernel: for tests, before anybody scores with it. */
void lf_rubric_use_kernel(struct lf_rubric *rubric, const struct lf_kernel *kernel);

/* ---- a case under sampling ---- */

struct lf_trials {
	const struct lf_rubric *rubric;
	const struct lf_workspace *space;
	const double *weights; /* w by the definition's criteria */
	struct lf_contender *contenders;
	size_t count;
	size_t case_rows; /* rows of coefficients that contenders may have; after them comes that of D */
	const double *total_coefficients; /* of D; NULL: D is 1 */
	double total;                     /* D where every factor is 1 */
	struct lf_ties ties;
	bool draws_gaps; /* fewer criteria than the rubric's have a weight: gaps are drawn block by block */
};

/*
 * Sets up the sampling of the eligible among the scores. place: canonical place of each member of the case. Returns the
 * contest, whose contenders are the eligible in the order of scores.
 */
void lf_trials_begin(struct lf_trials *contest, const struct lf_rubric *rubric, const struct lf_workspace *space,
	struct lf_ties ties, const double *weights, const struct lf_member_score *scores, size_t count,
	const uint32_t *place);
/* The samples from first on, at most a block of the rubric. first is a multiple of that. */
void lf_trials_block(const struct lf_trials *contest, size_t first, struct lf_block *block);
/* Of its samples, those from offset on, at most lanes. offset is a multiple of LF_KERNEL_LANES. */
struct lf_block lf_block_part(const struct lf_block *block, size_t offset, size_t lanes);
/*
 * Scores all contenders in the samples of the part, which begins with sample first: part_scores has a row of
 * part->lanes for each, best the highest of each lane.
 */
void lf_trials_score(const struct lf_trials *contest, const struct lf_block *part, size_t first, double *best);

#endif
