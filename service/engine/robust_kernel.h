/*
 * The inner loops of robustness, over samples. robust_kernel.c is compiled once for each instruction set; lanes are samples and
 * never meet, and nothing is contracted, so every variant gives the same bits.
 */
#ifndef LF_ENGINE_ROBUST_KERNEL_H
#define LF_ENGINE_ROBUST_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LF_KERNEL_LANES = 8 }; /* lanes come in multiples of this */

/* A stretch of samples. Arrays of doubles, one a lane, aligned to LF_KERNEL_LANES of them except for noise. */
struct lf_block {
	size_t lanes;
	const double *factors; /* row j at factors + j * stride; NULL where no contender varies */
	size_t stride, rows;
	const double *totals;      /* D, or 1; where harmonic */
	const double *doubt_scale; /* D where the sums that are compared are D times the scores; 1 elsewhere */
	bool harmonic;             /* scores are D / sum, not the sum */
};

/* Who may rank first, as the samples see it. */
struct lf_contender {
	const double *coefficients; /* of the factors, one a row; NULL: the score does not vary with the weights */
	double base;                /* the score where coefficients is NULL */
	double doubt;               /* q */
	const double *noise;        /* u from the block's first sample on, shifted by the member's place; finite even if doubt is 0 */
};

struct lf_kernel {
	const char *name;
	void (*fill)(size_t lanes, double value, double *out);
	/* out[s] = sum of coefficients[j] * factors[j][s], in order of j. */
	void (*sum)(const struct lf_block *block, const double *coefficients, double *out);
	/*
	 * out[s] = what is compared of a contender in sample s; best[s] = the larger of that and best[s]. For count contenders, 1 or 2,
	 * one row of block->lanes after the other.
	 */
	void (*score)(const struct lf_block *block, const struct lf_contender *contenders, size_t count, double *out,
		double *best);
	/* In how many lanes a and b are equal. */
	uint64_t (*count_equal)(size_t lanes, const double *a, const double *b);
};

extern const struct lf_kernel lf_kernel_baseline;
#ifdef LF_KERNEL_X86
extern const struct lf_kernel lf_kernel_avx2;
extern const struct lf_kernel lf_kernel_avx512;
#endif

/* By name, for tests: "baseline", "avx2", "avx512". NULL: not built, or this machine can't run it. */
const struct lf_kernel *lf_kernel_named(const char *name);
/* The widest that this machine runs. */
const struct lf_kernel *lf_kernel_widest(void);

#endif
