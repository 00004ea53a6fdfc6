/*
 * Plain C for the vectoriser; see robust_kernel.h. CMakeLists.txt compiles this file once for each instruction set, LF_KERNEL
 * being the variant's name.
 */
#include <stdbool.h>
#include "service/engine/robust_kernel.h"

#define STRING_OF(name) #name
#define NAME_OF(name) STRING_OF(name)
#define JOIN_NAMES(a, b) a##b
#define JOIN(a, b) JOIN_NAMES(a, b)

/* Before a loop over lanes: none reads what another writes. */
#if defined __clang__
#define LANES _Pragma("clang loop vectorize(assume_safety)")
#elif defined __GNUC__
#define LANES _Pragma("GCC ivdep")
#else
#define LANES
#endif

enum { ALIGNMENT = LF_KERNEL_LANES * sizeof(double) };

static inline const double *aligned(const double *row)
{
	return __builtin_assume_aligned(row, ALIGNMENT);
}

/* Said so that the compiler sees that nothing is left over. */
static inline size_t whole(size_t lanes)
{
	return lanes / LF_KERNEL_LANES * LF_KERNEL_LANES;
}

/* What follows a sum: the doubt, and who is best so far. */
struct finish {
	double doubt;
	const double *noise, *scale;
	double *best;
};

/*
 * One pass over count rows, 1, 2, 4 or 8, a constant wherever it is inlined. The sum is spelled out, because not every compiler
 * unrolls an inner loop before it looks for lanes. onto: continues the sums in out. finish: what this pass does after its rows, or NULL.
 */
static inline __attribute__((always_inline)) void add_rows(const struct lf_block *block, size_t first, const double *coefficients,
	size_t count, bool onto, const struct finish *finish, double *restrict out)
{
	const size_t lanes = whole(block->lanes), stride = block->stride;
	const double *restrict r = aligned(block->factors + first * stride);
	const double *c = coefficients + first;
	const double c0 = c[0], c1 = count > 1 ? c[1] : 0, c2 = count > 2 ? c[2] : 0, c3 = count > 2 ? c[3] : 0;
	const double c4 = count > 4 ? c[4] : 0, c5 = count > 4 ? c[5] : 0, c6 = count > 4 ? c[6] : 0, c7 = count > 4 ? c[7] : 0;
	const double doubt = finish != NULL ? finish->doubt : 0;
	const double *restrict noise = finish != NULL ? finish->noise : NULL;
	const double *restrict scale = finish != NULL ? aligned(finish->scale) : NULL;
	double *restrict best = finish != NULL ? __builtin_assume_aligned(finish->best, ALIGNMENT) : NULL;

	out = __builtin_assume_aligned(out, ALIGNMENT);
	LANES
	for (size_t s = 0; s < lanes; s++) {
		double sum = onto ? out[s] + c0 * r[s] : c0 * r[s];

		if (count > 1)
			sum += c1 * r[stride + s];
		if (count > 2) {
			sum += c2 * r[2 * stride + s];
			sum += c3 * r[3 * stride + s];
		}
		if (count > 4) {
			sum += c4 * r[4 * stride + s];
			sum += c5 * r[5 * stride + s];
			sum += c6 * r[6 * stride + s];
			sum += c7 * r[7 * stride + s];
		}
		if (finish != NULL) {
			sum += doubt * noise[s] * scale[s];
			best[s] = sum > best[s] ? sum : best[s];
		}
		out[s] = sum;
	}
}

static inline __attribute__((always_inline)) size_t pass(const struct lf_block *block, size_t first, const double *coefficients,
	size_t count, bool onto, const struct finish *finish, double *out)
{
	if (finish != NULL && first + count == block->rows)
		add_rows(block, first, coefficients, count, onto, finish, out);
	else
		add_rows(block, first, coefficients, count, onto, NULL, out);
	return first + count;
}

static inline __attribute__((always_inline)) void add_all_rows(
	const struct lf_block *block, const double *coefficients, const struct finish *finish, double *out)
{
	size_t rows = block->rows, first = 0;

	if (rows >= 8)
		first = pass(block, 0, coefficients, 8, false, finish, out);
	else if (rows >= 4)
		first = pass(block, 0, coefficients, 4, false, finish, out);
	else
		first = pass(block, 0, coefficients, 1, false, finish, out);
	while (rows - first >= 8)
		first = pass(block, first, coefficients, 8, true, finish, out);
	if (rows - first >= 4)
		first = pass(block, first, coefficients, 4, true, finish, out);
	if (rows - first >= 2)
		first = pass(block, first, coefficients, 2, true, finish, out);
	if (rows - first >= 1)
		pass(block, first, coefficients, 1, true, finish, out);
}

static void sum(const struct lf_block *block, const double *coefficients, double *out)
{
	add_all_rows(block, coefficients, NULL, out);
}

static void sum_and_finish(
	const struct lf_block *block, const double *coefficients, const struct finish *finish, double *out)
{
	add_all_rows(block, coefficients, finish, out);
}

/* For scores that are not sums: base, or D / sum, which is in out. */
static inline __attribute__((always_inline)) void finish_others(
	size_t lanes, const double *restrict totals, double base, const struct finish *finish, double *restrict out)
{
	const double doubt = finish->doubt, *restrict noise = finish->noise, *restrict scale = aligned(finish->scale);
	double *restrict best = __builtin_assume_aligned(finish->best, ALIGNMENT);

	lanes = whole(lanes);
	out = __builtin_assume_aligned(out, ALIGNMENT);
	if (totals != NULL)
		totals = aligned(totals);
	LANES
	for (size_t s = 0; s < lanes; s++) {
		double mine = totals != NULL ? totals[s] / out[s] : base;

		mine += doubt * noise[s] * scale[s];
		best[s] = mine > best[s] ? mine : best[s];
		out[s] = mine;
	}
}

static void score(const struct lf_block *block, const struct lf_contender *contender, double *out, double *best)
{
	const struct finish finish = {contender->doubt, contender->noise, block->doubt_scale, best};

	if (contender->coefficients == NULL) {
		finish_others(block->lanes, NULL, contender->base, &finish, out);
	} else if (block->harmonic) {
		sum(block, contender->coefficients, out);
		finish_others(block->lanes, block->totals, 0, &finish, out);
	} else {
		sum_and_finish(block, contender->coefficients, &finish, out);
	}
}

static uint64_t count_equal(size_t lanes, const double *restrict a, const double *restrict b)
{
	uint64_t count = 0;

	lanes = whole(lanes);
	a = aligned(a);
	b = aligned(b);
	LANES
	for (size_t s = 0; s < lanes; s++)
		count += a[s] == b[s];
	return count;
}

const struct lf_kernel JOIN(lf_kernel_, LF_KERNEL) = {NAME_OF(LF_KERNEL), sum, score, count_equal};
