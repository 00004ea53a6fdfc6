/* The statistics of reports: published numbers, brute force over random cases, and what holds of every case. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/calc/statistics.h"
#include "tests/client/chance.h"

/* ---- Wilson ---- */

/*
 * R: prop.test(81, 263, correct = FALSE) and the others in Newcombe, Statistics in Medicine 17, 1998, 857-872, table I,
 * method 3.
 */
static void the_score_interval_is_that_of_newcombes_table(void **state)
{
	static const struct {
		uint64_t count, total;
		double low, high;
	} cases[] = {
		{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0.0000, 0.1611}, {1, 29, 0.0061, 0.1718}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct lf_interval interval = lf_wilson(cases[i].count, cases[i].total);

		assert_near(interval.low, cases[i].low, 0.00005);
		assert_near(interval.high, cases[i].high, 0.00005);
	}
}

/* Its ends are where the score test just rejects: |p - end| = z·sqrt(end(1 - end)/n). */
static void the_score_interval_ends_where_the_score_test_rejects(void **state)
{
	(void)state;
	for (int i = 0; i < 2000; i++) {
		const uint64_t total = 1 + draw(500), count = draw(total + 1);
		const struct lf_interval interval = lf_wilson(count, total);
		const double ends[] = {interval.low, interval.high}, n = (double)total, p = (double)count / n;

		assert_true(interval.low >= 0 && interval.low <= p && p <= interval.high && interval.high <= 1);
		for (size_t e = 0; e < 2; e++)
			if (ends[e] > 0 && ends[e] < 1)
				assert_near(
					fabs(p - ends[e]), 1.959963984540054 * sqrt(ends[e] * (1 - ends[e]) / n), 1e-9);
	}
	assert_true(isnan(lf_wilson(0, 0).low) && isnan(lf_wilson(0, 0).high));
}

/* ---- Fisher ---- */

static void published_tables_have_their_p(void **state)
{
	static const struct {
		uint64_t a, b, c, d;
		double p;
	} cases[] = {
		{3, 1, 1, 3,
			/* the tea-tasting lady: 34/70 (Agresti, Categorical Data Analysis, 2002, 3.5) */
			0.485714285714286},
		{4, 0, 0, 4, 0.028571428571429},   /* 2/70 */
		{2, 10, 15, 3, 0.000536724119143}, /* Fisher's convicts with twins: R, fisher.test(Convictions) */
		{1, 9, 11, 3, 0.002759456185220},  /* a common textbook table of 24 */
		{0, 5, 0, 7, 1},                   /* there is no other table */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_near(lf_fisher(cases[i].a, cases[i].b, cases[i].c, cases[i].d), cases[i].p, 1e-12);
}

static double log_choose(double n, double k)
{
	return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1);
}

/* By log-factorials, table by table. */
static double brute_force_fisher(uint64_t a, uint64_t b, uint64_t c, uint64_t d, double *least)
{
	const double row = (double)(a + b), column = (double)(a + c), total = row + (double)(c + d);
	double observed =
		exp(log_choose(row, (double)a) + log_choose(total - row, (double)c) - log_choose(total, column));
	double sum = 0, smallest = 1;

	for (double k = 0; k <= row && k <= column; k++)
		if (column - k <= total - row) {
			const double p = exp(
				log_choose(row, k) + log_choose(total - row, column - k) - log_choose(total, column));

			sum += p <= observed * (1 + 1e-7) ? p : 0;
			smallest = p < smallest ? p : smallest;
		}
	*least = 0;
	for (double k = 0; k <= row && k <= column; k++)
		if (column - k <= total - row) {
			const double p = exp(
				log_choose(row, k) + log_choose(total - row, column - k) - log_choose(total, column));

			*least += p <= smallest * (1 + 1e-7) ? p : 0;
		}
	return sum;
}

static void fishers_test_agrees_with_brute_force(void **state)
{
	(void)state;
	for (int i = 0; i < 3000; i++) {
		const uint64_t size = i % 2 == 0 ? 8 : 60, a = draw(size), b = draw(size), c = draw(size),
			       d = draw(size);
		double least;
		const double expected = brute_force_fisher(a, b, c, d, &least), p = lf_fisher(a, b, c, d);

		assert_near(p, expected, 1e-9);
		assert_near(lf_fisher_least(a, b, c, d), least, 1e-9);
		assert_true(p >= 0 && p <= 1 && lf_fisher_least(a, b, c, d) <= p + 1e-12);
		/* Which of the two is called first, and which kind, changes nothing. */
		assert_near(lf_fisher(c, d, a, b), p, 1e-12);
		assert_near(lf_fisher(b, a, d, c), p, 1e-12);
		assert_near(lf_fisher(a, c, b, d), p, 1e-12);
	}
}

static void large_tables_neither_overflow_nor_vanish(void **state)
{
	/* The published impact ratio's own counts: 2979 of 3732 against 1656 of 2112. */
	double least;

	(void)state;
	assert_near(lf_fisher(2979, 753, 1656, 456), brute_force_fisher(2979, 753, 1656, 456, &least), 1e-9);
	assert_near(lf_fisher(500000, 500000, 500000, 500000), 1, 1e-9);
	assert_true(lf_fisher(900000, 100000, 100000, 900000) <= 1e-300);
	assert_true(
		lf_fisher(501000, 499000, 500000, 500000) > 0.15 && lf_fisher(501000, 499000, 500000, 500000) < 0.17);
}

/* ---- Kendall ---- */

/* By definition, over all pairs. NAN where all x or all y are equal. */
static double brute_force_tau(const double *x, const unsigned *y, const double *weight, size_t count)
{
	double order = 0, different_x = 0, different_y = 0;

	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < count; j++) {
			const double w = weight[i] * weight[j];
			const int sx = (x[i] > x[j]) - (x[i] < x[j]), sy = (y[i] > y[j]) - (y[i] < y[j]);

			order += w * sx * sy;
			different_x += sx != 0 ? w : 0;
			different_y += sy != 0 ? w : 0;
		}
	return different_x > 0 && different_y > 0 ? order / sqrt(different_x * different_y) : NAN;
}

/*
 * The standard error without its formula, by the infinitesimal jackknife (Efron, The Jackknife, the Bootstrap and Other
 * Resampling Plans, 1982, chapter 6): how tau moves where one observation gets a little more weight. Both are the delta
 * method, so they must agree.
 */
static double jackknife_error(const double *x, const unsigned *y, size_t count)
{
	enum { MOST = 64 };
	const double little = 1e-5;
	double weight[MOST], sum = 0;

	assert_true(count <= MOST);
	for (size_t i = 0; i < count; i++) {
		double moved[2];
		double influence;

		for (int side = 0; side < 2; side++) {
			const double more = side == 0 ? little : -little;

			for (size_t j = 0; j < count; j++)
				weight[j] = (1 - more) / (double)count + (j == i ? more : 0);
			moved[side] = brute_force_tau(x, y, weight, count);
		}
		influence = (moved[0] - moved[1]) / (2 * little);
		sum += influence * influence;
	}
	return sqrt(sum) / (double)count;
}

static void tau_b_and_its_error_agree_with_brute_force(void **state)
{
	(void)state;
	for (int round = 0; round < 400; round++) {
		const size_t count = 2 + draw(39);
		const uint64_t x_values = 1 + draw(round % 3 == 0 ? 3 : 60), y_values = 1 + draw(6);
		double x[40], ones[40];
		unsigned y[40];
		struct lf_agreement agreement;
		double expected;

		for (size_t i = 0; i < count; i++) {
			x[i] = (double)draw(x_values) / 7 - 3;
			y[i] = (unsigned)draw(y_values);
			ones[i] = 1;
		}
		assert_true(lf_tau_b(x, y, count, &agreement));
		expected = brute_force_tau(x, y, ones, count);
		assert_int_equal(agreement.count, count);
		if (isnan(expected)) {
			assert_true(isnan(agreement.tau) && isnan(agreement.error) && isnan(agreement.interval.low));
			continue;
		}
		assert_near(agreement.tau, expected, 1e-12);
		assert_near(agreement.error, jackknife_error(x, y, count), 1e-5);
		if (!isnan(agreement.interval.low))
			assert_true(-1 <= agreement.interval.low && agreement.interval.low <= agreement.tau &&
				agreement.tau <= agreement.interval.high && agreement.interval.high <= 1);
	}
}

static void expand(const unsigned *table, size_t rows, size_t columns, double *x, unsigned *y, size_t *count)
{
	*count = 0;
	for (size_t r = 0; r < rows; r++)
		for (size_t c = 0; c < columns; c++)
			for (unsigned i = 0; i < table[r * columns + c]; i++, ++*count) {
				x[*count] = (double)r;
				y[*count] = (unsigned)c;
			}
}

/*
 * Income by job satisfaction (Agresti, Categorical Data Analysis, 2002, table 2.8), for which R's DescTools gives tau-b
 * 0.1524.
 */
static void a_published_table_has_its_tau(void **state)
{
	static const unsigned table[] = {1, 3, 10, 6, 2, 3, 10, 7, 1, 6, 14, 12, 0, 1, 9, 11};
	double x[128];
	unsigned y[128];
	size_t count;
	struct lf_agreement agreement;

	(void)state;
	expand(table, 4, 4, x, y, &count);
	assert_int_equal(count, 96);
	assert_true(lf_tau_b(x, y, count, &agreement));
	assert_near(agreement.tau, 0.1524, 0.00005);
	assert_near(agreement.error, 0.0818, 0.00005);
}

static void perfect_and_missing_order_have_no_interval(void **state)
{
	static const double x[] = {0.1, 0.2, 0.3, 0.4}, same[] = {1, 1, 1, 1};
	static const unsigned up[] = {1, 2, 3, 4}, down[] = {4, 3, 2, 1}, level[] = {3, 3, 3, 3};
	struct lf_agreement agreement;

	(void)state;
	assert_true(lf_tau_b(x, up, 4, &agreement));
	assert_near(agreement.tau, 1, 1e-15);
	assert_true(isnan(agreement.interval.low) && isnan(agreement.interval.high));
	assert_true(lf_tau_b(x, down, 4, &agreement));
	assert_near(agreement.tau, -1, 1e-15);
	assert_true(lf_tau_b(x, level, 4, &agreement) && isnan(agreement.tau));
	assert_true(lf_tau_b(same, up, 4, &agreement) && isnan(agreement.tau));
	assert_true(lf_tau_b(x, up, 0, &agreement) && isnan(agreement.tau) && agreement.count == 0);
	assert_true(lf_tau_b(x, up, 1, &agreement) && isnan(agreement.tau));
}

/* The report asks for 20 results: there the interval has the true value in nearly 95 of 100 samples. */
static void with_twenty_results_the_interval_keeps_about_what_it_promises(void **state)
{
	enum { COUNT = 20, ROUNDS = 4000 };
	int held = 0;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		double x[COUNT];
		unsigned y[COUNT];
		struct lf_agreement agreement;

		for (size_t i = 0; i < COUNT; i++) { /* independent, so that the true value is 0 */
			x[i] = (double)draw(1000000);
			y[i] = 1 + (unsigned)draw(5);
		}
		assert_true(lf_tau_b(x, y, COUNT, &agreement));
		held += agreement.interval.low <= 0 && agreement.interval.high >= 0;
	}
	assert_true(held > ROUNDS * 90 / 100 && held < ROUNDS * 98 / 100);
}

static void scores_equal_but_for_rounding_compare_as_equal(void **state)
{
	(void)state;
	assert_near(lf_compared_score(0.6875000000000001), 0.6875, 0);
	assert_near(lf_compared_score(0.1 + 0.2), lf_compared_score(0.3), 0);
	assert_true(lf_compared_score(0.3 + 1e-11) > lf_compared_score(0.3));
	assert_near(lf_compared_score(0), 0, 0);
	assert_near(lf_compared_score(1), 1, 0);
}

static void the_median_is_the_middle(void **state)
{
	double odd[] = {3, 1, 2}, even[] = {4, 1, 3, 2}, one[] = {7};

	(void)state;
	assert_near(lf_median(odd, 3), 2, 0);
	assert_near(lf_median(even, 4), 2.5, 0);
	assert_near(lf_median(one, 1), 7, 0);
	assert_true(isnan(lf_median(one, 0)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_score_interval_is_that_of_newcombes_table),
		cmocka_unit_test(the_score_interval_ends_where_the_score_test_rejects),
		cmocka_unit_test(published_tables_have_their_p),
		cmocka_unit_test(fishers_test_agrees_with_brute_force),
		cmocka_unit_test(large_tables_neither_overflow_nor_vanish),
		cmocka_unit_test(tau_b_and_its_error_agree_with_brute_force),
		cmocka_unit_test(a_published_table_has_its_tau),
		cmocka_unit_test(perfect_and_missing_order_have_no_interval),
		cmocka_unit_test(with_twenty_results_the_interval_keeps_about_what_it_promises),
		cmocka_unit_test(scores_equal_but_for_rounding_compare_as_equal),
		cmocka_unit_test(the_median_is_the_middle),
	};

	return cmocka_run_group_tests(tests, seed, NULL);
}
