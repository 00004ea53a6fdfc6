/*
 * Random numbers, all drawn from fixed seeds, and almost all when a rubric is compiled: factors of weights, gaps that
 * stand for unknown weights, noise of ratings. DESIGN.md says which and why.
 */
#include "service/engine/internal.h"

/* First 8 bytes of SHA-256 of the empty string, big-endian: no criterion's seed, since an id is never empty. */
#define NOISE_SEED UINT64_C(0xe3b0c44298fc1c14)

enum { UNIFORMS_OF_NOISE = 12 }; /* their sum has variance 1 */

/*
 * Number i of the stream of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014), as a
 * uniform.
 */
static double uniform(uint64_t seed, uint64_t i)
{
	uint64_t z = seed + (i + 1) * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	return ((double)(z >> 11) + 0.5) * 0x1p-53;
}

size_t lf_block_samples(size_t samples, size_t criteria)
{
	size_t block = 2048 / criteria / LF_KERNEL_LANES * LF_KERNEL_LANES;

	if (block < 32)
		block = 32;
	if (block > 512)
		block = 512;
	samples = (samples + LF_KERNEL_LANES - 1) / LF_KERNEL_LANES * LF_KERNEL_LANES;
	return block < samples ? block : samples;
}

/* ---- spread ---- */

static void draw_spread(const struct lf_rubric *rubric, size_t first, size_t count, double *rows)
{
	double spread = rubric->def.robustness.weight_spread;

	for (size_t c = 0; c < rubric->def.criterion_count; c++) {
		uint64_t seed = rubric->def.criteria[rubric->criteria[c].index].seed;

		for (size_t s = 0; s < count; s++) {
			double t = 2 * uniform(seed, first + s) - 1;

			rows[c * count + s] = (1 + spread * t) / (1 - spread * t);
		}
	}
}

/* ---- unknown ---- */

static void order_rows(double *restrict low, double *restrict high, size_t count)
{
	for (size_t s = 0; s < count; s++) {
		double a = low[s], b = high[s];

		low[s] = a < b ? a : b;
		high[s] = a < b ? b : a;
	}
}

/* Sorts n numbers in each of count lanes: Batcher's merge exchange (Knuth, TAOCP 3, 5.2.2, algorithm M). */
static void sort_rows(double *rows, size_t n, size_t stride, size_t count)
{
	size_t top = 1;

	while (2 * top < n)
		top *= 2;
	for (size_t p = n > 1 ? top : 0; p > 0; p /= 2) {
		size_t q = top, r = 0, d = p;

		for (;;) {
			for (size_t i = 0; i + d < n; i++) {
				if ((i & p) == r)
					order_rows(rows + i * stride, rows + (i + d) * stride, count);
			}
			if (q == p)
				break;
			d = q - p;
			q /= 2;
			r = p;
		}
	}
}

static bool has_weight(const struct lf_rubric *rubric, const double *weights, size_t place)
{
	return weights == NULL || weights[rubric->criteria[place].index] > 0;
}

void lf_draw_gaps(
	const struct lf_rubric *rubric, const double *weights, size_t first, size_t count, size_t stride, double *rows)
{
	size_t criteria = rubric->def.criterion_count, shared = 0, drawn = 0;

	for (size_t c = 0; c < criteria; c++)
		shared += has_weight(rubric, weights, c);
	for (size_t c = 0; c < criteria && drawn + 1 < shared; c++) {
		if (!has_weight(rubric, weights, c))
			continue;
		for (size_t s = 0; s < count; s++)
			rows[drawn * stride + s] =
				uniform(rubric->def.criteria[rubric->criteria[c].index].seed, first + s);
		drawn++;
	}
	sort_rows(rows, drawn, stride, count);
	/* From the last on, in place: gap number i goes to row i or beyond, and needs rows i and i - 1. */
	for (size_t c = criteria, i = shared; c-- > 0;) {
		bool above = has_weight(rubric, weights, c);

		i -= above;
		for (size_t s = 0; s < count; s++) {
			double end = i + 1 < shared ? rows[i * stride + s] : 1;

			rows[c * stride + s] = !above ? 0 : i > 0 ? end - rows[(i - 1) * stride + s] : end;
		}
	}
}

void lf_draw_factors(const struct lf_rubric *rubric, double *factors)
{
	size_t samples = rubric->perturbations.count, block = rubric->perturbations.block;

	for (size_t first = 0; first < samples; first += block) {
		if (rubric->perturbations.unknown)
			lf_draw_gaps(rubric, NULL, first, block, block, factors);
		else
			draw_spread(rubric, first, block, factors);
		factors += rubric->def.criterion_count * block;
	}
}

/* ---- in floats ---- */

size_t lf_rough_rows(size_t criteria)
{
	return (criteria + LF_ROUGH_ROWS - 1) / LF_ROUGH_ROWS * LF_ROUGH_ROWS;
}

void lf_rough_factors(const struct lf_perturbations *p, size_t criteria, float *rough)
{
	size_t rows = lf_rough_rows(criteria);

	for (size_t s = 0; s < p->count / LF_KERNEL_LANES * LF_KERNEL_LANES; s++) {
		const double *from = p->factors + s / p->block * p->block * criteria + s % p->block;
		float *to = rough + s / LF_KERNEL_LANES * LF_KERNEL_LANES * rows + s % LF_KERNEL_LANES;

		for (size_t c = 0; c < rows; c++)
			to[c * LF_KERNEL_LANES] = c < criteria ? (float)from[c * p->block] : 0;
	}
}

/* ---- ratings ---- */

void lf_draw_noise(size_t samples, size_t count, double *noise)
{
	for (size_t s = 0; s < samples; s++) {
		double sum = 0;

		for (size_t i = 0; i < UNIFORMS_OF_NOISE; i++)
			sum += uniform(NOISE_SEED, s * UNIFORMS_OF_NOISE + i);
		noise[s] = sum - UNIFORMS_OF_NOISE / 2;
	}
	for (size_t i = samples; i < count; i++)
		noise[i] = noise[i - samples];
}
