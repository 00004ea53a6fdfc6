/* A second candidate whose strong side covers the recommended one's weak side on a criterion that matters here. */
#include "service/engine/internal.h"

/* A weight of at least the mean of those above 0, up to rounding. */
static bool matters(double weight, size_t positive)
{
	return weight * (double)positive >= 1 - 1e-12;
}

/* The first's weak side that the other covers best: a value below the first's own score here, and above it there.
 * LF_NONE: none. */
static uint32_t covered_side(const struct lf_rubric *rubric, struct lf_ties ties, const struct lf_result *result,
	const struct lf_member_score *other)
{
	const struct lf_member_score *first = &result->ranking[0];
	uint32_t found = LF_NONE;
	size_t positive = 0;
	double most = 0;

	for (size_t j = 0; j < rubric->def.criterion_count; j++)
		positive += result->weights[j] > 0;
	for (size_t c = 0; c < rubric->def.criterion_count; c++) {
		uint32_t j = rubric->criteria[c].index;
		double own = first->criteria[j].value, cover = other->criteria[j].value;

		if (!matters(result->weights[j], positive) || !lf_below(ties, own, first->score) ||
			!lf_below(ties, first->score, cover))
			continue;
		if (lf_below(ties, most, result->weights[j] * (cover - own))) {
			most = result->weights[j] * (cover - own);
			found = j;
		}
	}
	return found;
}

void lf_find_co_lead(const struct lf_rubric *rubric, const struct lf_case *the_case, const struct lf_result *result,
	struct lf_co_lead *co_lead, double *values)
{
	const struct lf_ties ties = lf_ties_of(the_case);
	const struct lf_member_score *first = result->ranking, *other;

	*co_lead = (struct lf_co_lead){.place = LF_NONE, .criterion = LF_NONE};
	if (result->outcome != LF_RECOMMENDED || !(rubric->def.co_lead_gain > 0))
		return;
	for (uint32_t place = 1; place < result->ranking_count && result->ranking[place].eligible; place++) {
		uint32_t side = covered_side(rubric, ties, result, &result->ranking[place]);
		double score;

		if (side == LF_NONE)
			continue;
		score = lf_aggregate_pair(rubric, result->weights, first->criteria, result->ranking[place].criteria);
		if (lf_below(ties, score - first->score, rubric->def.co_lead_gain))
			continue;
		if (co_lead->place == LF_NONE || lf_below(ties, co_lead->score, score))
			*co_lead = (struct lf_co_lead){place, score, score - first->score, side};
	}
	if (co_lead->place == LF_NONE)
		return;
	other = &result->ranking[co_lead->place];
	for (size_t j = 0; j < rubric->def.criterion_count; j++) {
		double own = first->criteria[j].value, cover = other->criteria[j].value;

		values[j] = cover > own ? cover : own;
	}
}
