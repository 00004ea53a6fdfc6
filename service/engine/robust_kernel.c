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

/*
 * One pass over count rows, 1, 2, 4 or 8, a constant wherever it is inlined. The sum is spelled out, because not every compiler
 * unrolls an inner loop before it looks for lanes. onto: continues the sums in out.
 */
static inline __attribute__((always_inline)) void add_rows(const struct lf_block *block, size_t first, const double *coefficients,
	size_t count, bool onto, double *restrict out)
{
	const size_t lanes = whole(block->lanes), stride = block->stride;
	const double *restrict r = aligned(block->factors + first * stride);
	const double *c = coefficients + first;
	const double c0 = c[0], c1 = count > 1 ? c[1] : 0, c2 = count > 2 ? c[2] : 0, c3 = count > 2 ? c[3] : 0;
	const double c4 = count > 4 ? c[4] : 0, c5 = count > 4 ? c[5] : 0, c6 = count > 4 ? c[6] : 0, c7 = count > 4 ? c[7] : 0;

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
		out[s] = sum;
	}
}

static void sum_rows(const struct lf_block *block, const double *coefficients, double *out)
{
	size_t rows = block->rows, first = 0;

	if (rows >= 8)
		add_rows(block, 0, coefficients, 8, false, out);
	else if (rows >= 4)
		add_rows(block, 0, coefficients, 4, false, out);
	else
		add_rows(block, 0, coefficients, 1, false, out);
	first = rows >= 8 ? 8 : rows >= 4 ? 4 : 1;
	for (; rows - first >= 8; first += 8)
		add_rows(block, first, coefficients, 8, true, out);
	if (rows - first >= 4) {
		add_rows(block, first, coefficients, 4, true, out);
		first += 4;
	}
	if (rows - first >= 2) {
		add_rows(block, first, coefficients, 2, true, out);
		first += 2;
	}
	if (rows > first)
		add_rows(block, first, coefficients, 1, true, out);
}

static void divide(const struct lf_block *block, double *restrict out)
{
	const size_t lanes = whole(block->lanes);
	const double *totals = block->totals;

	out = __builtin_assume_aligned(out, ALIGNMENT);
	if (totals == NULL) {
		LANES
		for (size_t s = 0; s < lanes; s++)
			out[s] = 1 / out[s];
		return;
	}
	totals = aligned(totals);
	LANES
	for (size_t s = 0; s < lanes; s++)
		out[s] = totals[s] / out[s];
}

static void add_doubt(const struct lf_block *block, double doubt, const double *restrict noise, double *restrict out)
{
	const size_t lanes = whole(block->lanes);
	const double *totals = block->totals;

	out = __builtin_assume_aligned(out, ALIGNMENT);
	if (!block->doubt_scaled || totals == NULL) {
		LANES
		for (size_t s = 0; s < lanes; s++)
			out[s] += doubt * noise[s];
		return;
	}
	totals = aligned(totals);
	LANES
	for (size_t s = 0; s < lanes; s++)
		out[s] += doubt * noise[s] * totals[s];
}

static void score(const struct lf_block *block, const struct lf_contender *contender, double *out)
{
	if (contender->coefficients == NULL) {
		LANES
		for (size_t s = 0; s < block->lanes; s++)
			out[s] = contender->base;
	} else {
		sum_rows(block, contender->coefficients, out);
		if (block->harmonic)
			divide(block, out);
	}
	if (contender->doubt > 0)
		add_doubt(block, contender->doubt, contender->noise, out);
}

static void lead(size_t lanes, const double *restrict score, uint64_t name, uint64_t tie, double *restrict best,
	uint64_t *restrict leader)
{
	score = aligned(score);
	best = __builtin_assume_aligned(best, ALIGNMENT);
	leader = __builtin_assume_aligned(leader, ALIGNMENT);
	lanes = whole(lanes);
	LANES
	for (size_t s = 0; s < lanes; s++) {
		double mine = score[s], other = best[s];
		uint64_t kept = leader[s];

		kept = mine == other ? tie : kept;
		leader[s] = mine > other ? name : kept;
		best[s] = mine > other ? mine : other;
	}
}

const struct lf_kernel JOIN(lf_kernel_, LF_KERNEL) = {NAME_OF(LF_KERNEL), sum_rows, score, lead};
