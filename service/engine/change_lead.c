/* Who ranks first with other weights, or at another value of one trait: everybody scored at once, criterion by
 * criterion. */
#include <string.h>
#include "service/engine/change.h"

/* v of an alignment with the needs at these traits, for all rows; the same operations as in scoring. */
static void align_all(struct lf_contest *contest, const struct lf_criterion *criterion, const double *traits)
{
	size_t n = contest->count;
	double *restrict column = contest->column;
	double total = 0;

	for (size_t i = 0; i < n; i++)
		column[i] = 0;
	for (size_t k = 0; k < criterion->need_count; k++) {
		double need = lf_respond(&criterion->needs[k].amount, traits);
		const double *x = contest->expertise + criterion->needs[k].discipline * n;

		total += need;
		for (size_t i = 0; i < n; i++)
			column[i] += need * x[i];
	}
	for (size_t i = 0; i < n; i++)
		column[i] = total > 0 ? column[i] / total : 0;
}

static void apply_gates(struct lf_contest *contest, uint32_t criterion)
{
	const struct lf_rubric_def *def = &contest->rubric->def;

	for (size_t g = 0; g < def->gate_count; g++) {
		if (def->gates[g].criterion != criterion)
			continue;
		for (size_t i = 0; i < contest->count; i++)
			contest->eligible[i] &= !lf_below(contest->ties, contest->column[i], def->gates[g].at_least);
	}
}

/* Adds one criterion's part to every row's score: as lf_aggregate() does, so with the same bits. */
static void add_criterion(struct lf_contest *contest, double weight, const double *restrict values)
{
	enum lf_aggregation aggregation = contest->rubric->def.aggregation;
	double *restrict sum = contest->sum, *restrict lowest = contest->lowest;
	size_t n = contest->count;

	if (aggregation == LF_ADDITIVE) {
		for (size_t i = 0; i < n; i++)
			sum[i] += weight * values[i];
		return;
	}
	for (size_t i = 0; i < n; i++)
		lowest[i] = values[i] < lowest[i] ? values[i] : lowest[i];
	for (size_t i = 0; aggregation == LF_HARMONIC && i < n; i++)
		sum[i] += weight / values[i]; /* infinite for 0, where `lowest` decides */
}

static uint32_t highest(const struct lf_contest *contest)
{
	enum lf_aggregation aggregation = contest->rubric->def.aggregation;
	uint32_t leader = LF_NONE;
	double best = -1;

	for (uint32_t i = 0; i < contest->count; i++) {
		double score = aggregation == LF_MINIMUM ? contest->lowest[i] : contest->sum[i];

		if (aggregation == LF_HARMONIC)
			score = contest->lowest[i] > 0 ? 1 / score : 0;
		score = lf_step_of(contest->ties, score > 1 ? 1 : score);
		if (contest->eligible[i] && (score > best || (i == contest->favourite && !(score < best)))) {
			best = score;
			leader = i;
		}
	}
	return leader;
}

/* traits NULL: values and gates as they are. */
static uint32_t lead(struct lf_contest *contest, const double *weights, const double *traits)
{
	const struct lf_rubric *rubric = contest->rubric;
	size_t n = contest->count;

	for (size_t i = 0; i < n; i++) {
		contest->sum[i] = 0;
		contest->lowest[i] = 1;
		contest->eligible[i] = traits != NULL ? !contest->barred[i] : contest->rows[i].eligible;
	}
	for (size_t c = 0; c < rubric->def.criterion_count; c++) {
		const struct lf_criterion *criterion = &rubric->criteria[c];
		const double *values = contest->values + c * n;
		double weight = weights[criterion->index];

		if (traits != NULL && criterion->derived == LF_DOMAIN_ALIGNMENT) {
			align_all(contest, criterion, traits);
			apply_gates(contest, criterion->index);
			values = contest->column;
		}
		if (weight > 0)
			add_criterion(contest, weight, values);
	}
	return highest(contest);
}

uint32_t lf_lead_with(struct lf_contest *contest, const double *weights)
{
	return lead(contest, weights, NULL);
}

void lf_set_traits(struct lf_contest *contest, uint32_t trait, double tau)
{
	memcpy(contest->traits, contest->the_case->traits, contest->rubric->def.trait_count * sizeof(*contest->traits));
	contest->traits[trait] = tau;
}

double lf_alignment_at(const struct lf_contest *contest, const struct lf_criterion *criterion, uint32_t row)
{
	double total = 0, met = 0;

	for (size_t k = 0; k < criterion->need_count; k++) {
		double need = lf_respond(&criterion->needs[k].amount, contest->traits);

		total += need;
		met += need * contest->expertise[criterion->needs[k].discipline * contest->count + row];
	}
	return total > 0 ? met / total : 0;
}

uint32_t lf_lead_at(struct lf_contest *contest, uint32_t trait, double tau)
{
	lf_set_traits(contest, trait, tau);
	if (!lf_weights(contest->rubric, contest->traits, contest->weights))
		return LF_NONE;
	return lead(contest, contest->weights, contest->traits);
}

/* ---- rounding ---- */

/* The multiple of 1e-6 at or beyond x in that direction, in units; one that x misses by rounding only counts as
 * reached. */
static int64_t outward(double x, double direction)
{
	double units = x * 1e6 * direction;
	int64_t k = (int64_t)units; /* towards 0 */

	if ((double)k > units)
		k--; /* now k <= units < k + 1 */
	if (units - (double)k > 1e-3)
		k++;
	return direction > 0 ? k : -k;
}

/* A multiple of 1e-6, kept within the range. */
static double within(int64_t units, double min, double max)
{
	double y = (double)units / 1e6 + 0.0;

	return y < min ? min : y > max ? max : y;
}

bool lf_round_outward(
	double x, double direction, double min, double max, int steps, lf_flips_fn flips, void *context, double *to)
{
	int64_t units = outward(x, direction), sign = direction > 0 ? 1 : -1, failed = units - sign;
	double y;

	for (int i = 0; !flips(context, *to = within(units, min, max)); i++) {
		if (i == steps || (direction > 0 ? *to >= max : *to <= min))
			return false;
		failed = units;
		units += sign * (i == 0 ? 1 : INT64_C(1) << (i - 1));
	}
	/* Long steps may have gone too far. */
	while ((units - failed) * sign > 1) {
		int64_t middle = failed + (units - failed) / 2;

		if (flips(context, within(middle, min, max)))
			units = middle;
		else
			failed = middle;
	}
	y = within(units, min, max);
	if (y == *to)
		return true;
	*to = y;
	return flips(context, y);
}
