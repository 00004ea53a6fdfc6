/*
 * Plain C for the vectoriser; see robust_kernel.h. CMakeLists.txt compiles this file once for each instruction set,
 * LF_KERNEL being the variant's name.
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

static inline const double *aligned(const double *row)
{
	return __builtin_assume_aligned(row, LF_KERNEL_ALIGNMENT);
}

/* Said so that the compiler sees that nothing is left over. */
static inline size_t whole(size_t lanes)
{
	return lanes / LF_KERNEL_LANES * LF_KERNEL_LANES;
}

/* Two contenders at once need 16 coefficients in registers: with 32 of them that is faster, with 16 slower. */
#if defined __AVX512F__ || defined __aarch64__
enum { TWO_AT_ONCE = 1 };
#else
enum { TWO_AT_ONCE = 0 };
#endif

/*
 * Who is added up: one contender, or two at once, for whom each factor is loaded once. What follows the last row:
 * doubt, and who is best.
 */
struct side {
	const double *coefficients;
	double doubt;
	const double *noise;
	double *out;
};

struct pass {
	const struct side *one, *two; /* two: NULL where there is one only */
	const double *scale;
	double shift; /* of struct lf_block */
	double *best; /* NULL: nothing follows */
};

/*
 * One pass over count rows, 1, 2, 4 or 8. count, onto, two and finish are constants wherever it is inlined. The sums
 * are spelled out, because not every compiler unrolls an inner loop before it looks for lanes. onto: continues the sums
 * in out.
 */
static inline __attribute__((always_inline)) void add_rows(const struct lf_block *block, size_t first,
	const struct pass *pass, size_t count, bool onto, bool two, bool finish)
{
	const size_t lanes = whole(block->lanes), stride = block->stride;
	const double *restrict r = aligned(block->factors + first * stride);
	const struct side *x = pass->one, *y = two ? pass->two : pass->one;
	const double *a = x->coefficients + first, *b = y->coefficients + first;
	const double a0 = a[0], a1 = count > 1 ? a[1] : 0, a2 = count > 2 ? a[2] : 0, a3 = count > 2 ? a[3] : 0;
	const double a4 = count > 4 ? a[4] : 0, a5 = count > 4 ? a[5] : 0, a6 = count > 4 ? a[6] : 0,
		     a7 = count > 4 ? a[7] : 0;
	const double b0 = b[0], b1 = count > 1 ? b[1] : 0, b2 = count > 2 ? b[2] : 0, b3 = count > 2 ? b[3] : 0;
	const double b4 = count > 4 ? b[4] : 0, b5 = count > 4 ? b[5] : 0, b6 = count > 4 ? b[6] : 0,
		     b7 = count > 4 ? b[7] : 0;
	const double doubt_a = x->doubt, doubt_b = y->doubt, shift = pass->shift;
	const double *restrict noise_a = x->noise, *restrict noise_b = y->noise;
	const double *restrict scale = finish ? aligned(pass->scale) : NULL;
	double *restrict out_a = __builtin_assume_aligned(x->out, LF_KERNEL_ALIGNMENT);
	double *restrict out_b = __builtin_assume_aligned(y->out, LF_KERNEL_ALIGNMENT);
	double *restrict best = finish ? __builtin_assume_aligned(pass->best, LF_KERNEL_ALIGNMENT) : NULL;

	LANES
	for (size_t s = 0; s < lanes; s++) {
		double sum_a = onto ? out_a[s] + a0 * r[s] : a0 * r[s];
		double sum_b = !two ? 0 : onto ? out_b[s] + b0 * r[s] : b0 * r[s];
		double higher;

		if (count > 1) {
			sum_a += a1 * r[stride + s];
			sum_b += b1 * r[stride + s];
		}
		if (count > 2) {
			sum_a += a2 * r[2 * stride + s];
			sum_b += b2 * r[2 * stride + s];
			sum_a += a3 * r[3 * stride + s];
			sum_b += b3 * r[3 * stride + s];
		}
		if (count > 4) {
			sum_a += a4 * r[4 * stride + s];
			sum_b += b4 * r[4 * stride + s];
			sum_a += a5 * r[5 * stride + s];
			sum_b += b5 * r[5 * stride + s];
			sum_a += a6 * r[6 * stride + s];
			sum_b += b6 * r[6 * stride + s];
			sum_a += a7 * r[7 * stride + s];
			sum_b += b7 * r[7 * stride + s];
		}
		if (finish) {
			sum_a = (sum_a + doubt_a * noise_a[s] * scale[s] + shift) - shift;
			if (two)
				sum_b = (sum_b + doubt_b * noise_b[s] * scale[s] + shift) - shift;
			higher = two && sum_b > sum_a ? sum_b : sum_a;
			best[s] = higher > best[s] ? higher : best[s];
		}
		out_a[s] = sum_a;
		if (two)
			out_b[s] = sum_b;
	}
}

/* A pass, with what follows where it is the last one. Returns the row after it. */
static inline __attribute__((always_inline)) size_t run_pass(const struct lf_block *block, size_t first,
	const struct pass *pass, size_t count, bool onto, bool two, bool finish)
{
	if (finish && first + count == block->rows)
		add_rows(block, first, pass, count, onto, two, true);
	else
		add_rows(block, first, pass, count, onto, two, false);
	return first + count;
}

static inline __attribute__((always_inline)) void add_all_rows(
	const struct lf_block *block, const struct pass *pass, bool two, bool finish)
{
	size_t rows = block->rows, first = 0;

	if (rows >= 8)
		first = run_pass(block, 0, pass, 8, false, two, finish);
	else if (rows >= 4)
		first = run_pass(block, 0, pass, 4, false, two, finish);
	else
		first = run_pass(block, 0, pass, 1, false, two, finish);
	while (rows - first >= 8)
		first = run_pass(block, first, pass, 8, true, two, finish);
	if (rows - first >= 4)
		first = run_pass(block, first, pass, 4, true, two, finish);
	if (rows - first >= 2)
		first = run_pass(block, first, pass, 2, true, two, finish);
	if (rows - first >= 1)
		run_pass(block, first, pass, 1, true, two, finish);
}

static void sum(const struct lf_block *block, const double *coefficients, double *out)
{
	const struct side side = {coefficients, 0, NULL, out};

	add_all_rows(block, &(struct pass){&side, NULL, NULL, 0, NULL}, false, false);
}

static void finish_one(const struct lf_block *block, const struct pass *pass)
{
	add_all_rows(block, pass, false, true);
}

static void finish_two(const struct lf_block *block, const struct pass *pass)
{
	add_all_rows(block, pass, true, true);
}

/* For scores that are not sums: base, or D / sum, which is in out. */
static inline __attribute__((always_inline)) void finish_others(const struct lf_block *block,
	const struct lf_contender *contender, const double *restrict totals, double *restrict out,
	double *restrict best)
{
	const size_t lanes = whole(block->lanes);
	const double base = contender->base, doubt = contender->doubt, shift = block->shift;
	const double *restrict noise = contender->noise, *restrict scale = aligned(block->doubt_scale);

	out = __builtin_assume_aligned(out, LF_KERNEL_ALIGNMENT);
	best = __builtin_assume_aligned(best, LF_KERNEL_ALIGNMENT);
	if (totals != NULL)
		totals = aligned(totals);
	LANES
	for (size_t s = 0; s < lanes; s++) {
		double mine = totals != NULL ? totals[s] / out[s] : base;

		mine = (mine + doubt * noise[s] * scale[s] + shift) - shift;
		best[s] = mine > best[s] ? mine : best[s];
		out[s] = mine;
	}
}

static struct side side_of(const struct lf_contender *contender, double *out)
{
	return (struct side){contender->coefficients, contender->doubt, contender->noise, out};
}

static void score(
	const struct lf_block *block, const struct lf_contender *contenders, size_t count, double *out, double *best)
{
	bool two = TWO_AT_ONCE && count > 1 && !block->harmonic && contenders[0].coefficients != NULL &&
		contenders[1].coefficients != NULL;
	struct side sides[2];

	for (size_t i = 0; i < count; i++)
		sides[i] = side_of(&contenders[i], out + i * block->lanes);
	if (two)
		finish_two(block, &(struct pass){&sides[0], &sides[1], block->doubt_scale, block->shift, best});
	for (size_t i = 0; !two && i < count; i++) {
		if (contenders[i].coefficients == NULL) {
			finish_others(block, &contenders[i], NULL, sides[i].out, best);
		} else if (block->harmonic) {
			sum(block, contenders[i].coefficients, sides[i].out);
			finish_others(block, &contenders[i], block->totals, sides[i].out, best);
		} else {
			finish_one(block, &(struct pass){&sides[i], NULL, block->doubt_scale, block->shift, best});
		}
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

static void fill(size_t lanes, double value, double *out)
{
	lanes = whole(lanes);
	out = __builtin_assume_aligned(out, LF_KERNEL_ALIGNMENT);
	LANES
	for (size_t s = 0; s < lanes; s++)
		out[s] = value;
}

const struct lf_kernel JOIN(lf_kernel_, LF_KERNEL) = {
	NAME_OF(LF_KERNEL), fill, sum, score, count_equal, JOIN(lf_count_certain_, LF_KERNEL)};
