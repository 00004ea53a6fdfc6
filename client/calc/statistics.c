#include "client/calc/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/check.h"

/* The 0.975 quantile of the standard normal distribution. */
static const double z95 = 1.959963984540054;

struct lf_interval lf_wilson(uint64_t count, uint64_t total)
{
	const double n = (double)total, p = (double)count / n, z2 = z95 * z95;
	const double middle = p + z2 / (2 * n), half = z95 * sqrt(p * (1 - p) / n + z2 / (4 * n * n)),
		     scale = 1 + z2 / n;

	LF_CHECK(L12, count <= total);
	if (total == 0)
		return (struct lf_interval){NAN, NAN};
	/* What is 0 or 1 by the formula must not miss it by a rounding. */
	return (struct lf_interval){
		count == 0 ? 0 : (middle - half) / scale, count == total ? 1 : (middle + half) / scale};
}

/* ---- Fisher's exact test ---- */

/*
 * The tables with given sums, by their first cell. All weights are relative to the likeliest table's, so that nothing
 * overflows.
 */
struct tables {
	double row, column, rest; /* a + b, a + c, and total - row - column */
	uint64_t least, most;     /* of the first cell */
	uint64_t likeliest;
};

static struct tables tables_of(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	const uint64_t row = a + b, column = a + c, total = row + c + d;
	struct tables tables = {
		.row = (double)row, .column = (double)column, .rest = (double)total - (double)row - (double)column};

	tables.least = row + column > total ? row + column - total : 0;
	tables.most = row < column ? row : column;
	tables.likeliest = (uint64_t)((tables.row + 1) * (tables.column + 1) / ((double)total + 2));
	if (tables.likeliest < tables.least)
		tables.likeliest = tables.least;
	if (tables.likeliest > tables.most)
		tables.likeliest = tables.most;
	return tables;
}

/* How many times as probable a first cell of k + 1 is as one of k: both are hypergeometric. */
static double step_up(const struct tables *tables, uint64_t k)
{
	const double x = (double)k;

	return (tables->row - x) * (tables->column - x) / ((x + 1) * (tables->rest + x + 1));
}

/* Sums the weights of all tables, and of those whose weight is at most most. */
static void sum_weights(const struct tables *tables, double most, double *all, double *tail)
{
	double weight = 1;

	*all = *tail = 0;
	for (uint64_t k = tables->likeliest;; k++) {
		*all += weight;
		*tail += weight <= most ? weight : 0;
		if (k == tables->most)
			break;
		weight *= step_up(tables, k);
	}
	weight = 1;
	for (uint64_t k = tables->likeliest; k > tables->least; k--) {
		weight /= step_up(tables, k - 1);
		*all += weight;
		*tail += weight <= most ? weight : 0;
	}
}

static double weight_of(const struct tables *tables, uint64_t cell)
{
	double weight = 1;

	for (uint64_t k = tables->likeliest; k < cell; k++)
		weight *= step_up(tables, k);
	for (uint64_t k = tables->likeliest; k > cell; k--)
		weight /= step_up(tables, k - 1);
	return weight;
}

static double probability_up_to(const struct tables *tables, double weight)
{
	const double slack = 1e-7;
	double all, tail;

	sum_weights(tables, weight * (1 + slack), &all, &tail);
	return tail < all ? tail / all : 1;
}

double lf_fisher(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	const struct tables tables = tables_of(a, b, c, d);

	return probability_up_to(&tables, weight_of(&tables, a));
}

double lf_fisher_least(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	const struct tables tables = tables_of(a, b, c, d);
	const double low = weight_of(&tables, tables.least), high = weight_of(&tables, tables.most);

	return probability_up_to(&tables, low < high ? low : high);
}

/* ---- Kendall's tau-b ---- */

struct pair {
	double x;
	unsigned y;
};

static int compare_pairs(const void *a, const void *b)
{
	const double x = ((const struct pair *)a)->x, y = ((const struct pair *)b)->x;

	return (x > y) - (x < y);
}

/* Counts by y: of the pairs before a group of equal x, of the group, and of all. */
struct levels {
	double before[LF_LEVELS_MAX_OF_Y], group[LF_LEVELS_MAX_OF_Y], all[LF_LEVELS_MAX_OF_Y];
};

/* Pairs that stand in the same order with one of the group at level y, minus those in the opposite one. */
static double surplus(const struct levels *levels, unsigned y)
{
	double sum = 0;

	for (unsigned level = 0; level < LF_LEVELS_MAX_OF_Y; level++) {
		const double after = levels->all[level] - levels->before[level] - levels->group[level];

		if (level < y)
			sum += levels->before[level] - after;
		else if (level > y)
			sum += after - levels->before[level];
	}
	return sum;
}

/* Calls visit for every group of equal x and each level in it, with how often that is and its surplus. */
struct sums {
	double n, wr, wc, w; /* n² minus the squares of the sizes of groups of equal x, of equal y; sqrt(wr·wc) */
	double surplus;      /* P - Q */
	double variance;     /* the sum in it */
	double tau;
};

static void walk(const struct pair *pairs, size_t count, struct levels *levels, struct sums *sums,
	void (*visit)(struct sums *sums, double times, double equal_x, double equal_y, double surplus))
{
	size_t end;

	memset(levels->before, 0, sizeof(levels->before));
	for (size_t begin = 0; begin < count; begin = end) {
		memset(levels->group, 0, sizeof(levels->group));
		for (end = begin; end < count && !(pairs[end].x > pairs[begin].x); end++)
			levels->group[pairs[end].y]++;
		for (unsigned y = 0; y < LF_LEVELS_MAX_OF_Y; y++)
			if (levels->group[y] > 0)
				visit(sums, levels->group[y], (double)(end - begin), levels->all[y],
					surplus(levels, y));
		for (unsigned y = 0; y < LF_LEVELS_MAX_OF_Y; y++)
			levels->before[y] += levels->group[y];
	}
}

static void add_surplus(struct sums *sums, double times, double equal_x, double equal_y, double surplus_here)
{
	sums->surplus += times * surplus_here;
	sums->wr -= times * equal_x;
	sums->wc -= times * equal_y;
}

static void add_variance(struct sums *sums, double times, double equal_x, double equal_y, double surplus_here)
{
	const double part = 2 * sums->w * surplus_here + sums->tau * (equal_x * sums->wc + equal_y * sums->wr);

	sums->variance += times * part * part;
}

static void set_interval(struct lf_agreement *agreement)
{
	const double left = 1 - agreement->tau * agreement->tau;
	double middle, half;

	if (!(left > 1e-12) || !(agreement->error > 0))
		return;
	middle = atanh(agreement->tau);
	half = z95 * agreement->error / left;
	agreement->interval = (struct lf_interval){tanh(middle - half), tanh(middle + half)};
}

bool lf_tau_b(const double *x, const unsigned *y, size_t count, struct lf_agreement *agreement)
{
	const double n = (double)count;
	struct sums sums = {.n = n, .wr = n * n, .wc = n * n};
	struct levels levels = {0};
	struct pair *pairs;

	*agreement = (struct lf_agreement){count, NAN, NAN, {NAN, NAN}};
	pairs = malloc((count + 1) * sizeof(*pairs));
	if (pairs == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		LF_CHECK(L13, y[i] < LF_LEVELS_MAX_OF_Y);
		pairs[i] = (struct pair){x[i], y[i]};
		levels.all[y[i]]++;
	}
	qsort(pairs, count, sizeof(*pairs), compare_pairs);
	walk(pairs, count, &levels, &sums, add_surplus);
	if (sums.wr > 0 && sums.wc > 0) {
		double both, w2, variance;

		sums.w = sqrt(sums.wr * sums.wc);
		agreement->tau = sums.tau = sums.surplus / sums.w;
		walk(pairs, count, &levels, &sums, add_variance);
		both = sums.wr + sums.wc;
		w2 = sums.w * sums.w;
		variance = (sums.variance - n * n * n * sums.tau * sums.tau * both * both) / (w2 * w2);
		agreement->error = variance > 0 ? sqrt(variance) : 0;
		set_interval(agreement);
	}
	free(pairs);
	return true;
}

static int compare_doubles(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double lf_compared_score(double score)
{
	const double shift = 0x1.8p12; /* doubles are 2^-40 apart there */

	return score + shift - shift;
}

double lf_median(double *values, size_t count)
{
	if (count == 0)
		return NAN;
	qsort(values, count, sizeof(*values), compare_doubles);
	return count % 2 == 1 ? values[count / 2] : values[count / 2 - 1] / 2 + values[count / 2] / 2;
}
