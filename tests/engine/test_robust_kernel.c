/*
 * The inner loops of robustness: every instruction set against the definition and against the baseline. LF_TEST_SEED
 * repeats a run.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include "service/engine/robust.h"
#include "tests/engine/world.h"

enum { WORLDS = 1500 };

static uint64_t first_seed;
static struct world world;

static void claim(bool holds, uint64_t seed, const char *what)
{
	if (!holds)
		fail_msg("%s fails for LF_TEST_SEED=%" PRIu64, what, seed);
}

static bool same(double a, double b)
{
	return double_bits(a) == double_bits(b);
}

static void compare_kernels(const struct lf_kernel *kernel, uint64_t seed)
{
	double shares[2][WORLD_MEMBERS * LF_RANKS_MAX], first[WORLD_MEMBERS];
	struct scored scored;

	world_score(&scored, &world);
	if (scored.scored) {
		lf_rubric_use_kernel(scored.rubric, lf_kernel_named("baseline"));
		lf_score(scored.rubric, &world.the_case, scored.workspace, &scored.result);
		lf_rank_shares(scored.rubric, &world.the_case, &scored.result, scored.workspace, shares[0]);
		for (size_t i = 0; i < scored.result.ranking_count; i++)
			first[i] = scored.result.ranking[i].first_rank_share;
		lf_rubric_use_kernel(scored.rubric, kernel);
		lf_score(scored.rubric, &world.the_case, scored.workspace, &scored.result);
		lf_rank_shares(scored.rubric, &world.the_case, &scored.result, scored.workspace, shares[1]);
		for (size_t i = 0; i < scored.result.ranking_count; i++) {
			claim(same(first[i], scored.result.ranking[i].first_rank_share), seed,
				"the same share from each kernel");
			for (size_t r = 0; r < LF_RANKS_MAX; r++)
				claim(same(shares[0][i * LF_RANKS_MAX + r], shares[1][i * LF_RANKS_MAX + r]), seed,
					"the same table from each kernel");
		}
	}
	scored_clean_up(&scored);
}

static void every_instruction_set_gives_the_same_bits(void **state)
{
	static const char *const names[] = {"avx2", "avx512"};

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		const struct lf_kernel *kernel = lf_kernel_named(names[k]);

		if (kernel == NULL) {
			print_message("%s: not on this machine, skipped\n", names[k]);
			continue;
		}
		assert_string_equal(kernel->name, names[k]);
		for (uint64_t seed = first_seed; world_make_robust(&world, &seed, first_seed + WORLDS); seed++)
			compare_kernels(kernel, seed);
	}
	assert_null(lf_kernel_named("none"));
}

enum { ROWS = 64, LANES = 48 };

/* Arrays that a kernel works on, random. */
struct stretch {
	double factors[ROWS * LANES] __attribute__((aligned(64)));
	double totals[LANES] __attribute__((aligned(64)));
	double ones[LANES] __attribute__((aligned(64)));
	double out[2 * LANES] __attribute__((aligned(64)));
	double best[LANES] __attribute__((aligned(64)));
	double noise[LANES + 7], coefficients[2][ROWS];
};

static void draw_stretch(struct stretch *a, struct random *random)
{
	for (size_t i = 0; i < ROWS * LANES; i++)
		a->factors[i] = 0.5 + random_unit(random, 1000003);
	for (size_t j = 0; j < ROWS; j++) {
		a->coefficients[0][j] = random_unit(random, 1000003);
		a->coefficients[1][j] = random_unit(random, 1000003);
	}
	for (size_t s = 0; s < LANES; s++) {
		a->totals[s] = 1 + random_unit(random, 1000003);
		a->ones[s] = 1;
		a->best[s] = random_chance(random, 50) ? -INFINITY : 1000;
	}
	for (size_t s = 0; s < LANES + 7; s++)
		a->noise[s] = random_unit(random, 1000003) - 0.5;
}

/* What is compared of a contender, as service/engine/DESIGN.md defines it. */
static double defined(const struct lf_block *block, const struct lf_contender *contender, size_t lane)
{
	double sum = 0, product;

	for (size_t j = 0; contender->coefficients != NULL && j < block->rows; j++) {
		product = contender->coefficients[j] * block->factors[j * block->stride + lane];
		sum += product;
	}
	if (block->harmonic)
		sum = block->totals[lane] / sum;
	if (contender->coefficients == NULL)
		sum = contender->base;
	product = contender->doubt * contender->noise[lane] * block->doubt_scale[lane];
	return sum + product;
}

static void check_kernel(
	const struct lf_kernel *kernel, struct stretch *a, size_t rows, size_t count, bool harmonic, bool constant)
{
	const struct lf_block block = {.lanes = LANES,
		.factors = a->factors,
		.stride = LANES,
		.rows = rows,
		.totals = a->totals,
		.doubt_scale = harmonic ? a->ones : a->totals,
		.harmonic = harmonic};
	const struct lf_contender contenders[2] = {{a->coefficients[0], 0, 0.125, a->noise + 3},
		{constant ? NULL : a->coefficients[1], 0.75, 0.25, a->noise + 6}};
	double sums[LANES] __attribute__((aligned(64)));
	uint64_t equal = 0;

	kernel->score(&block, contenders, count, a->out, a->best);
	kernel->sum(&block, a->coefficients[1], sums);
	for (size_t s = 0; s < LANES; s++) {
		struct lf_block plain = block;
		double highest = -INFINITY;

		for (size_t i = 0; i < count; i++) {
			double expected = defined(&block, &contenders[i], s);

			assert_true(same(a->out[i * LANES + s], expected));
			highest = expected > highest ? expected : highest;
		}
		assert_true(a->best[s] == 1000 || same(a->best[s], highest));
		equal += a->best[s] == a->out[s];
		plain.harmonic = false;
		assert_true(
			same(sums[s], defined(&plain, &(struct lf_contender){a->coefficients[1], 0, 0, a->noise}, s)));
	}
	assert_int_equal(kernel->count_equal(LANES, a->out, a->best), equal);
}

static void kernels_compute_what_is_defined(void **state)
{
	static const char *const names[] = {"baseline", "avx2", "avx512"};
	static struct stretch a;
	struct random random = {first_seed};

	(void)state;
	for (size_t k = 0; k < 3; k++) {
		const struct lf_kernel *kernel = lf_kernel_named(names[k]);

		for (size_t i = 0; kernel != NULL && i < ROWS * 8; i++) {
			draw_stretch(&a, &random);
			check_kernel(kernel, &a, i / 8 + 1, i % 2 + 1, i / 2 % 2 == 1, i / 4 % 2 == 1);
		}
	}
}

/* ---- rough scores ---- */

enum { CONTENDERS = 6, ROUGH_ROWS_MAX = 20, GROUPS = 7, SAMPLES = GROUPS * LF_KERNEL_LANES };

/* The same contest for rough scores and, in doubles, by the definition. */
struct contest {
	double factors[ROUGH_ROWS_MAX * SAMPLES], totals[SAMPLES], noise[SAMPLES + CONTENDERS];
	double coefficients[CONTENDERS + 1][ROUGH_ROWS_MAX]; /* the last: of D */
	double doubts[CONTENDERS];
	float rough_factors[ROUGH_ROWS_MAX * SAMPLES] __attribute__((aligned(64)));
	float rough_noise[SAMPLES + CONTENDERS], rough_coefficients[CONTENDERS + 1][ROUGH_ROWS_MAX];
	float scores[CONTENDERS * LF_KERNEL_LANES] __attribute__((aligned(64)));
	uint16_t bits[CONTENDERS * LF_ROUGH_GROUPS];
	struct lf_rough_contender contenders[CONTENDERS];
};

/* Values that differ by about apart; 0: everybody is equal. */
static void draw_contest(struct contest *a, struct random *random, size_t rows, double apart, double doubt)
{
	double weight = 0, w[ROUGH_ROWS_MAX];

	for (size_t j = 0; j < rows; j++)
		weight += w[j] = random_unit(random, 1000003) + 0.01;
	for (size_t j = 0; j < rows; j++) {
		const double value = random_unit(random, 1000003) * (1 - apart);

		a->coefficients[CONTENDERS][j] = w[j] / weight;
		for (size_t i = 0; i < CONTENDERS; i++)
			a->coefficients[i][j] = w[j] / weight * (value + apart * random_unit(random, 1000003));
	}
	for (size_t k = 0; k < SAMPLES + CONTENDERS; k++)
		a->rough_noise[k] = (float)(a->noise[k] = 12 * random_unit(random, 1000003) - 6);
	for (size_t s = 0; s < SAMPLES; s++) {
		a->totals[s] = 0;
		for (size_t j = 0; j < rows; j++) {
			a->factors[j * SAMPLES + s] = 0.5 + 1.5 * random_unit(random, 1000003);
			a->totals[s] += a->coefficients[CONTENDERS][j] * a->factors[j * SAMPLES + s];
		}
	}
	for (size_t i = 0; i < CONTENDERS; i++)
		a->doubts[i] = doubt;
}

static struct lf_rough in_floats(struct contest *a, size_t rows, double doubt)
{
	const size_t room = (rows + LF_ROUGH_ROWS - 1) / LF_ROUGH_ROWS * LF_ROUGH_ROWS;

	for (size_t j = 0; j < room; j++) {
		for (size_t i = 0; i <= CONTENDERS; i++)
			a->rough_coefficients[i][j] = j < rows ? (float)a->coefficients[i][j] : 0;
		for (size_t s = 0; s < SAMPLES; s++)
			a->rough_factors[(s / LF_KERNEL_LANES * room + j) * LF_KERNEL_LANES + s % LF_KERNEL_LANES] =
				j < rows ? (float)a->factors[j * SAMPLES + s] : 0;
	}
	for (size_t i = 0; i < CONTENDERS; i++)
		a->contenders[i] =
			(struct lf_rough_contender){a->rough_coefficients[i], (float)doubt, a->rough_noise + i};
	return (struct lf_rough){.factors = a->rough_factors,
		.rows = room,
		.total = a->rough_coefficients[CONTENDERS],
		.slack = lf_rough_slack(rows, doubt, 1),
		.contenders = a->contenders,
		.count = CONTENDERS,
		.noise_step = LF_KERNEL_LANES,
		.scores = a->scores,
		.bits = a->bits};
}

/* Who is first in a sample by the definition; CONTENDERS: several are. */
static size_t first_in(const struct contest *a, size_t rows, size_t sample)
{
	const struct lf_block block = {.lanes = LF_KERNEL_LANES,
		.factors = a->factors,
		.stride = SAMPLES,
		.rows = rows,
		.doubt_scale = a->totals};
	double best = -INFINITY;
	size_t found = CONTENDERS;

	for (size_t i = 0; i < CONTENDERS; i++) {
		double score = defined(
			&block, &(struct lf_contender){a->coefficients[i], 0, a->doubts[i], a->noise + i}, sample);

		if (score >= best)
			found = score > best ? i : CONTENDERS;
		best = score > best ? score : best;
	}
	return found;
}

static void rough_scores_count_only_who_is_first_for_certain(void **state)
{
	static const char *const names[] = {"baseline", "avx2", "avx512"};
	static const double apart[] = {0, 1e-9, 1e-7, 1e-6, 1e-5, 1e-3, 0.5}, doubts[] = {0, 0, 1e-7, 0.01};
	static struct contest a;
	struct random random = {first_seed};
	size_t certain = 0, doubtful = 0;

	(void)state;
	for (size_t k = 0; k < 3 * 7 * 4 * ROUGH_ROWS_MAX; k++) {
		const struct lf_kernel *kernel = lf_kernel_named(names[k % 3]);
		size_t rows = k / 84 + 1, first[CONTENDERS + 1] = {0};
		double doubt = doubts[k / 21 % 4];
		uint32_t wins[CONTENDERS];
		struct lf_rough rough;
		uint64_t left;

		if (kernel == NULL)
			continue;
		draw_contest(&a, &random, rows, apart[k / 3 % 7], doubt);
		rough = in_floats(&a, rows, doubt);
		left = kernel->count_certain(&rough, 0, GROUPS, wins);
		for (size_t s = 0; s < SAMPLES; s++) {
			if ((left >> s / LF_KERNEL_LANES & 1) == 0)
				first[first_in(&a, rows, s)]++;
		}
		assert_int_equal(first[CONTENDERS], 0);
		for (size_t i = 0; i < CONTENDERS; i++)
			assert_int_equal(wins[i], first[i]);
		assert_int_equal(left >> GROUPS, 0);
		assert_true(k / 3 % 7 > 0 || doubt > 0 || left == (1 << GROUPS) - 1); /* equals */
		for (size_t g = 0; g < GROUPS; g++)
			*((left >> g & 1) != 0 ? &doubtful : &certain) += 1;
	}
	assert_true(certain > 1000 && doubtful > 1000);
}

static int choose_seed(void **state)
{
	const char *given = getenv("LF_TEST_SEED");

	(void)state;
	first_seed = given != NULL ? strtoull(given, NULL, 10) : 1;
	print_message("LF_TEST_SEED=%" PRIu64 ", %d worlds\n", first_seed, WORLDS);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_instruction_set_gives_the_same_bits),
		cmocka_unit_test(kernels_compute_what_is_defined),
		cmocka_unit_test(rough_scores_count_only_who_is_first_for_certain),
	};

	return cmocka_run_group_tests(tests, choose_seed, NULL);
}
