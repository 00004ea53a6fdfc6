/*
 * First places by rough scores: floats have half the bytes of doubles and twice the lanes, and here a multiplication
 * and an addition may be one operation. Which bits come out does not matter, as they tell only where there is no doubt
 * (see lf_rough): so this file is compiled with contraction, once for each instruction set, LF_KERNEL being the
 * variant's name.
 */
#include <float.h>
#include <stdbool.h>
#include <string.h>
#include "service/engine/robust_kernel.h"

#define JOIN_NAMES(a, b) a##b
#define JOIN(a, b) JOIN_NAMES(a, b)

/* ---- a vector of floats, and the two things that C can't say of it ---- */

#if defined __AVX512F__
#include <immintrin.h>
#define VECTOR_BYTES 64
#elif defined __AVX2__
#include <immintrin.h>
#define VECTOR_BYTES 32
#elif defined __SSE2__
#include <emmintrin.h>
#define VECTOR_BYTES 16
#else
#define VECTOR_BYTES 16
#endif

enum { WIDTH = VECTOR_BYTES / sizeof(float), VECTORS = LF_KERNEL_LANES / WIDTH };

typedef float vector __attribute__((vector_size(VECTOR_BYTES)));

static inline vector larger(vector a, vector b)
{
#if defined __AVX512F__
	return (vector)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined __AVX2__
	return (vector)_mm256_max_ps((__m256)a, (__m256)b);
#elif defined __SSE2__
	return (vector)_mm_max_ps((__m128)a, (__m128)b);
#else
	for (size_t l = 0; l < WIDTH; l++)
		a[l] = a[l] > b[l] ? a[l] : b[l];
	return a;
#endif
}

/* Bit l: lane l of a is at least that of b. */
static inline unsigned from(vector a, vector b)
{
#if defined __AVX512F__
	return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_GE_OQ);
#elif defined __AVX2__
	return (unsigned)_mm256_movemask_ps(_mm256_cmp_ps((__m256)a, (__m256)b, _CMP_GE_OQ));
#elif defined __SSE2__
	return (unsigned)_mm_movemask_ps(_mm_cmpge_ps((__m128)a, (__m128)b));
#else
	unsigned bits = 0;

	for (size_t l = 0; l < WIDTH; l++)
		bits |= (unsigned)(a[l] >= b[l]) << l;
	return bits;
#endif
}

static inline vector load(const float *at)
{
	vector v;

	memcpy(&v, at, sizeof(v));
	return v;
}

/* ---- one vector of samples ---- */

static inline vector add_total(const struct lf_rough *rough, const float *factors)
{
	vector sum = {0};

	for (size_t j = 0; j < rough->rows; j++)
		sum += rough->total[j] * load(factors + j * LF_KERNEL_LANES);
	return sum;
}

struct stretch {
	const float *factors; /* of row 0 */
	size_t noise;
	float *scores; /* of contender 0 */
	vector total, best;
};

/*
 * Adds rows first .. first + count - 1 to all scores; count is 4 or 8 and, like onto and finish, a constant wherever it
 * is inlined. onto: there is something to add them to. finish: doubt, and who is best, follow.
 */
static inline __attribute__((always_inline)) void add_rows(
	const struct lf_rough *rough, struct stretch *at, size_t first, size_t count, bool onto, bool finish)
{
	const float *f = at->factors + first * LF_KERNEL_LANES;
	const vector f0 = load(f), f1 = load(f + LF_KERNEL_LANES), f2 = load(f + 2 * LF_KERNEL_LANES),
		     f3 = load(f + 3 * LF_KERNEL_LANES);
	const float *g = count > 4 ? f + 4 * LF_KERNEL_LANES : f;
	const vector f4 = load(g), f5 = load(g + LF_KERNEL_LANES), f6 = load(g + 2 * LF_KERNEL_LANES),
		     f7 = load(g + 3 * LF_KERNEL_LANES);
	vector best = at->best;

	for (size_t i = 0; i < rough->count; i++) {
		const struct lf_rough_contender *contender = &rough->contenders[i];
		const float *c = contender->coefficients + first;
		float *score = at->scores + i * LF_KERNEL_LANES;
		vector sum = c[0] * f0 + c[1] * f1 + c[2] * f2 + c[3] * f3;

		if (count > 4)
			sum += c[4] * f4 + c[5] * f5 + c[6] * f6 + c[7] * f7;
		if (onto)
			sum += load(score);
		if (finish) {
			sum += contender->doubt * load(contender->noise + at->noise) * at->total;
			best = larger(best, sum);
		}
		memcpy(score, &sum, sizeof(sum));
	}
	at->best = best;
}

static inline __attribute__((always_inline)) void add_last_rows(
	const struct lf_rough *rough, struct stretch *at, size_t first, bool onto)
{
	if (rough->rows - first == 8)
		add_rows(rough, at, first, 8, onto, true);
	else
		add_rows(rough, at, first, 4, onto, true);
}

/* Scores everybody. Returns from where on a score may be the highest. */
static inline vector score_all(const struct lf_rough *rough, const float *factors, size_t noise, float *scores)
{
	struct stretch at = {factors, noise, scores, add_total(rough, factors), (vector){0} - FLT_MAX};
	size_t first = 8;

	if (rough->rows <= 8) {
		add_last_rows(rough, &at, 0, false);
	} else {
		add_rows(rough, &at, 0, 8, false, false);
		for (; rough->rows - first > 8; first += 8)
			add_rows(rough, &at, first, 8, true, false);
		add_last_rows(rough, &at, first, true);
	}
	return at.best - rough->slack * at.total;
}

/* ---- groups of samples ---- */

/* Bit l: contender i may rank first in sample l of the group. */
static void find_winners(const struct lf_rough *rough, size_t group, uint16_t *bits)
{
	const float *factors = rough->factors + group * rough->rows * LF_KERNEL_LANES;
	vector least[VECTORS];

	for (size_t v = 0; v < VECTORS; v++)
		least[v] = score_all(
			rough, factors + v * WIDTH, group * rough->noise_step + v * WIDTH, rough->scores + v * WIDTH);
	for (size_t i = 0; i < rough->count; i++) {
		const float *score = rough->scores + i * LF_KERNEL_LANES;
		unsigned found = 0;

		for (size_t v = 0; v < VECTORS; v++)
			found |= from(load(score + v * WIDTH), least[v]) << v * WIDTH;
		bits[i * LF_ROUGH_GROUPS] = (uint16_t)found;
	}
}

static uint32_t count_bits(const uint16_t *bits)
{
	uint32_t count = 0;
	uint64_t word;

	for (size_t at = 0; at < LF_ROUGH_GROUPS; at += 4) {
		memcpy(&word, bits + at, sizeof(word));
#if defined __POPCNT__
		count += (uint32_t)__builtin_popcountll(word);
#else
		word -= word >> 1 & UINT64_C(0x5555555555555555);
		word = (word & UINT64_C(0x3333333333333333)) + (word >> 2 & UINT64_C(0x3333333333333333));
		word = (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
		count += (uint32_t)(word * UINT64_C(0x0101010101010101) >> 56);
#endif
	}
	return count;
}

/* Clears the bits of groups in which two may rank first, or nobody. Returns these groups. */
static uint64_t drop_doubtful(const struct lf_rough *rough, size_t groups)
{
	uint64_t doubtful = 0;

	for (size_t g = 0; g < groups; g++) {
		unsigned once = 0, twice = 0;

		for (size_t i = 0; i < rough->count; i++) {
			twice |= once & rough->bits[i * LF_ROUGH_GROUPS + g];
			once |= rough->bits[i * LF_ROUGH_GROUPS + g];
		}
		if (twice == 0 && once == (1u << LF_KERNEL_LANES) - 1)
			continue;
		doubtful |= UINT64_C(1) << g;
		for (size_t i = 0; i < rough->count; i++)
			rough->bits[i * LF_ROUGH_GROUPS + g] = 0;
	}
	return doubtful;
}

uint64_t JOIN(lf_count_certain_, LF_KERNEL)(const struct lf_rough *rough, size_t first, size_t groups, uint32_t *wins)
{
	uint64_t found = 0, doubtful = 0;

	for (size_t i = 0; i < rough->count && groups < LF_ROUGH_GROUPS; i++)
		memset(rough->bits + i * LF_ROUGH_GROUPS, 0, LF_ROUGH_GROUPS * sizeof(*rough->bits));
	for (size_t g = 0; g < groups; g++)
		find_winners(rough, first + g, rough->bits + g);
	for (size_t i = 0; i < rough->count; i++)
		found += wins[i] = count_bits(rough->bits + i * LF_ROUGH_GROUPS);
	if (found == groups * LF_KERNEL_LANES)
		return 0;
	doubtful = drop_doubtful(rough, groups);
	for (size_t i = 0; i < rough->count; i++)
		wins[i] = count_bits(rough->bits + i * LF_ROUGH_GROUPS);
	return doubtful;
}
