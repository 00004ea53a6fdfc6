/*
 * The inner loops of robustness, over samples. robust_kernel.c is compiled once for each instruction set; lanes are
 * samples and never meet, and nothing is contracted but in the rough scores (which decide nothing where it could
 * matter), so every variant gives the same bits.
 */
#ifndef LF_ENGINE_ROBUST_KERNEL_H
#define LF_ENGINE_ROBUST_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	LF_KERNEL_LANES = 16,     /* lanes come in multiples of this */
	LF_KERNEL_ALIGNMENT = 64, /* of arrays with one number a lane, except for noise */
	LF_ROUGH_ROWS = 4,        /* rows come in multiples of this in floats; zeros fill them */
	LF_ROUGH_GROUPS = 64,     /* groups that are counted together, at most */
};

/* A stretch of samples. */
struct lf_block {
	size_t lanes;
	const double *factors; /* row j at factors + j * stride; NULL where no contender varies */
	size_t stride, rows;
	const double *totals;      /* D, or 1; where harmonic */
	const double *doubt_scale; /* D where the sums that are compared are D times the scores; 1 elsewhere */
	double shift;              /* added to a score and taken off again, which rounds it: see lf_ties */
	bool harmonic;             /* scores are D / sum, not the sum */
};

/* Who may rank first, as the samples see it. */
struct lf_contender {
	const double *coefficients; /* of the factors, one a row; NULL: the score does not vary with the weights */
	double base;                /* the score where coefficients is NULL */
	double doubt;               /* q */
	/* u from the block's first sample on, shifted by the member's place; finite even if doubt is 0 */
	const double *noise;
};

/*
 * Scores in floats, where scores are sums of rows, to tell who certainly ranks first. All terms of the sums are at
 * least 0, and each sum is at most D, the sum of total[j] * factors[j]: so what rounding moves is a small part of D.
 */
struct lf_rough {
	/*
	 * Of LF_KERNEL_LANES samples, a group, all rows lie together: row j of group g at factors + (g * rows + j) *
	 * LF_KERNEL_LANES.
	 */
	const float *factors;
	size_t rows;
	const float *total; /* coefficients of D, one a row */
	float slack;        /* twice what rounding may move, as a part of D */
	const struct lf_rough_contender *contenders;
	size_t count;
	size_t noise_step; /* LF_KERNEL_LANES; 0 where noise is the same for each group */
	float *scores;     /* scratch: LF_KERNEL_LANES for each contender */
	/* scratch: LF_ROUGH_GROUPS for each contender; bit l: may rank first in sample l of the group */
	uint16_t *bits;
};

struct lf_rough_contender {
	const float *coefficients; /* of the factors, one a row */
	float doubt;
	const float *noise; /* u from sample 0 on; finite even if doubt is 0 */
};

struct lf_kernel {
	const char *name;
	void (*fill)(size_t lanes, double value, double *out);
	/* out[s] = sum of coefficients[j] * factors[j][s], in order of j. */
	void (*sum)(const struct lf_block *block, const double *coefficients, double *out);
	/*
	 * out[s] = what is compared of a contender in sample s; best[s] = the larger of that and best[s]. For count
	 * contenders, 1 or 2, one row of block->lanes after the other.
	 */
	void (*score)(const struct lf_block *block, const struct lf_contender *contenders, size_t count, double *out,
		double *best);
	/* In how many lanes a and b are equal. */
	uint64_t (*count_equal)(size_t lanes, const double *a, const double *b);
	/*
	 * wins[i] = in how many samples contender i certainly ranks first, in groups first .. first + groups - 1.
	 * Returns those in which somebody's first place is in doubt (bit g: group first + g): nothing is counted of
	 * them.
	 */
	uint64_t (*count_certain)(const struct lf_rough *rough, size_t first, size_t groups, uint32_t *wins);
};

/* robust_rough.c's, which is compiled with options of its own. */
uint64_t lf_count_certain_baseline(const struct lf_rough *rough, size_t first, size_t groups, uint32_t *wins);
uint64_t lf_count_certain_avx2(const struct lf_rough *rough, size_t first, size_t groups, uint32_t *wins);
uint64_t lf_count_certain_avx512(const struct lf_rough *rough, size_t first, size_t groups, uint32_t *wins);

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
