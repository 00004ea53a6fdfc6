/* From scores to an answer: gates, ranks, outcome; and the way back from the numbers that the decision log keeps. */
#include <string.h>
#include "service/engine/internal.h"

/* ---- gates and shares of one candidate ---- */

double lf_compared(const struct lf_case *the_case, double score)
{
	return lf_step_of(lf_ties_of(the_case), score);
}

bool lf_gate_passed(const struct lf_rubric *rubric, struct lf_ties ties, const struct lf_gate_def *gate,
	const struct lf_criterion_score *criterion)
{
	if (rubric->def.criteria[gate->criterion].derived != LF_RATED)
		return !lf_below(ties, criterion->value, gate->at_least);
	return criterion->known && !lf_below(ties, criterion->rating, gate->at_least);
}

static uint64_t failed_gates(const struct lf_rubric *rubric, struct lf_ties ties, const struct lf_member *member,
	const struct lf_criterion_score *criteria)
{
	uint64_t failed = 0;

	for (size_t g = 0; g < rubric->def.gate_count; g++) {
		const struct lf_gate_def *gate = &rubric->def.gates[g];
		bool passed;

		if (gate->criterion == LF_NONE)
			passed = member->availability >= gate->at_least;
		else
			passed = lf_gate_passed(rubric, ties, gate, &criteria[gate->criterion]);
		if (!passed)
			failed |= UINT64_C(1) << g;
	}
	return failed;
}

static double evidence_share(
	const struct lf_rubric *rubric, const double *weights, const struct lf_criterion_score *criteria)
{
	double rated = 0, evident = 0;

	for (size_t c = 0; c < rubric->def.criterion_count; c++) {
		uint32_t j = rubric->criteria[c].index;

		if (!lf_counts_as_evident(rubric, c))
			continue;
		rated += weights[j];
		evident += weights[j] * criteria[j].share;
	}
	return rated > 0 ? evident / rated : 0;
}

/* The criterion that costs most: the lowest value (MINIMUM), the largest w/v (HARMONIC); the first in canonical order
 * of equals. */
static uint32_t limiting(const struct lf_rubric *rubric, struct lf_ties ties, const double *weights,
	const struct lf_criterion_score *criteria)
{
	bool harmonic = rubric->def.aggregation == LF_HARMONIC;
	uint32_t found = LF_NONE;
	double cost_found = 0;

	if (rubric->def.aggregation == LF_ADDITIVE)
		return LF_NONE;
	for (size_t c = 0; c < rubric->def.criterion_count; c++) {
		uint32_t j = rubric->criteria[c].index;
		double cost;

		if (!(weights[j] > 0))
			continue;
		if (!(criteria[j].value > 0))
			return j; /* costs everything */
		cost = (harmonic ? weights[j] : 1) / criteria[j].value;
		if (found == LF_NONE || lf_below(ties, cost_found, cost)) {
			found = j;
			cost_found = cost;
		}
	}
	return found;
}

/* ---- ranks and outcome ---- */

struct rank_context {
	const struct lf_member_score *scored;
	struct lf_ties ties;
};

static bool ranks_before(const void *context, uint32_t a, uint32_t b)
{
	const struct rank_context *with = context;
	const struct lf_member_score *one = &with->scored[a], *other = &with->scored[b];

	if (one->eligible != other->eligible)
		return one->eligible;
	if (!lf_tied(with->ties, one->score, other->score))
		return one->score > other->score;
	return a < b; /* canonical order of members */
}

/* Fills space.ranking in order. Returns how many are eligible. */
static size_t rank(const struct lf_scoring *scoring, size_t count)
{
	const struct lf_workspace *space = &scoring->space;
	const struct rank_context with = {space->scored, lf_ties_of(scoring->the_case)};
	size_t eligible = 0;

	for (size_t i = 0; i < count; i++)
		space->rank_order[i] = (uint32_t)i;
	lf_sort(space->rank_order, count, ranks_before, &with);
	for (size_t i = 0; i < count; i++) {
		struct lf_member_score *place = &space->ranking[i];

		*place = space->scored[space->rank_order[i]];
		place->rank = 0;
		if (!place->eligible)
			continue;
		eligible++;
		place->rank =
			i > 0 && lf_tied(with.ties, place->score, place[-1].score) ? place[-1].rank : (uint32_t)i + 1;
	}
	return eligible;
}

/* 0 where they tie, whatever their last bits are. */
static double margin_of(const struct lf_member_score *ranking, size_t eligible)
{
	if (eligible < 2)
		return (double)NAN;
	return ranking[1].rank == 1 ? 0 : ranking[0].score - ranking[1].score;
}

static enum lf_outcome outcome_of(
	const struct lf_rubric_def *def, struct lf_ties ties, const struct lf_result *result, size_t eligible)
{
	if (eligible == 0)
		return LF_NO_ELIGIBLE_CANDIDATE;
	if (lf_below(ties, result->evidence_share, def->threshold_evidence_share))
		return LF_INSUFFICIENT_EVIDENCE;
	if (eligible > 1 && (result->margin == 0 || lf_below(ties, result->margin, def->threshold_margin)))
		return LF_TOO_CLOSE;
	/* NaN, where it was not computed, is below nothing. */
	if (eligible > 1 && lf_below(ties, result->ranking[0].first_rank_share, def->threshold_first_rank_share))
		return LF_TOO_CLOSE;
	return LF_RECOMMENDED;
}

void lf_decide(const struct lf_scoring *scoring, size_t scored_count, struct lf_result *result)
{
	const struct lf_rubric *rubric = scoring->rubric;
	const struct lf_workspace *space = &scoring->space;
	const struct lf_ties ties = lf_ties_of(scoring->the_case);
	size_t eligible;

	for (size_t i = 0; i < scored_count; i++) {
		struct lf_member_score *scored = &space->scored[i];

		scored->failed_gates =
			failed_gates(rubric, ties, &scoring->the_case->members[scored->member], scored->criteria);
		scored->eligible = scored->failed_gates == 0;
		scored->evidence_share = evidence_share(rubric, space->weights, scored->criteria);
		scored->limiting = limiting(rubric, ties, space->weights, scored->criteria);
	}
	if (scoring->stored == NULL)
		lf_first_rank_shares(scoring, scored_count);
	eligible = rank(scoring, scored_count);
	*result = (struct lf_result){
		.weights = space->weights,
		.ranking = space->ranking,
		.ranking_count = scored_count,
		.margin = margin_of(space->ranking, eligible),
		.evidence_share = eligible > 0 ? space->ranking[0].evidence_share : 0,
		.needs_zero = rubric->has_alignment && scoring->needs_zero,
		.labour_zero = rubric->has_coverage && !(scoring->labour_total > 0),
	};
	result->outcome = outcome_of(&rubric->def, ties, result, eligible);
}

/* ---- a case ---- */

bool lf_score(const struct lf_rubric *rubric, const struct lf_case *the_case, void *workspace, struct lf_result *result)
{
	struct lf_scoring scoring;
	struct lf_workspace *space = &scoring.space;
	size_t count = 0, criterion_count = rubric->def.criterion_count;

	lf_scoring_begin(&scoring, rubric, the_case, workspace);
	if (!lf_weights(rubric, the_case->traits, space->weights))
		return false;
	for (size_t i = 0; i < the_case->member_count; i++) {
		uint32_t m = space->member_order[i];
		struct lf_criterion_score *criteria = space->criteria + count * criterion_count;

		if (!the_case->members[m].candidate)
			continue;
		space->scored[count] = (struct lf_member_score){.member = m, .criteria = criteria};
		space->scored[count].undated = lf_score_criteria(&scoring, &the_case->members[m], criteria);
		space->scored[count].score = lf_aggregate(rubric, space->weights, criteria);
		count++;
	}
	lf_decide(&scoring, count, result);
	return true;
}

/* ---- stored numbers ---- */

/* Canonical place of a member, by bisection. */
static size_t place_of(const struct lf_case *the_case, const uint32_t *order, uint32_t member)
{
	size_t low = 0, high = the_case->member_count - 1;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(the_case->members[order[middle]].id, the_case->members[member].id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool lf_result_numbers(const struct lf_rubric *rubric, const struct lf_case *the_case, const struct lf_result *result,
	double *weights, double *scores, double *ratings, double *shares, uint32_t *unknown, size_t *unknown_count,
	double *first_rank_shares)
{
	bool sampled = rubric->perturbations.count > 0;
	size_t criterion_count = rubric->def.criterion_count, cells = the_case->member_count * criterion_count;
	uint32_t *order = unknown; /* its M·C places are free until the end, and hold the members' order meanwhile */

	for (size_t c = 0; c < criterion_count; c++)
		weights[c] = result->weights[rubric->criteria[c].index];
	for (size_t i = 0; i < the_case->member_count; i++)
		scores[i] = 0;
	for (size_t i = 0; i < result->ranking_count; i++)
		sampled = sampled && !isnan(result->ranking[i].first_rank_share);
	for (size_t i = 0; sampled && i < the_case->member_count; i++)
		first_rank_shares[i] = 0;
	for (size_t i = 0; i < cells; i++)
		ratings[i] = shares[i] = 0;
	lf_order_members(the_case, order);
	for (size_t i = 0; i < result->ranking_count; i++) {
		const struct lf_member_score *ranked = &result->ranking[i];
		size_t place = place_of(the_case, order, ranked->member);

		scores[place] = ranked->score;
		if (sampled)
			first_rank_shares[place] = ranked->first_rank_share;
		for (size_t c = 0; c < criterion_count; c++) {
			const struct lf_criterion_score *from = &ranked->criteria[rubric->criteria[c].index];
			bool rated = rubric->criteria[c].derived == LF_RATED;

			/* NaN marks an unknown one until they are listed below. */
			ratings[place * criterion_count + c] = !from->known ? (double)NAN
				: rated                                     ? from->rating
									    : from->value;
			shares[place * criterion_count + c] = from->share;
		}
	}
	*unknown_count = 0;
	for (size_t i = 0; i < cells; i++) {
		if (ratings[i] == ratings[i])
			continue;
		ratings[i] = 0;
		unknown[(*unknown_count)++] = (uint32_t)i;
	}
	return sampled;
}

void lf_restore(const struct lf_rubric *rubric, const struct lf_case *the_case, const struct lf_stored_numbers *numbers,
	void *workspace, struct lf_result *result)
{
	struct lf_scoring scoring;
	struct lf_workspace *space = &scoring.space;
	size_t count = 0, criterion_count = rubric->def.criterion_count, next_unknown = 0;

	lf_scoring_begin(&scoring, rubric, the_case, workspace);
	scoring.stored = numbers;
	for (size_t c = 0; c < criterion_count; c++)
		space->weights[rubric->criteria[c].index] = numbers->weights[c];
	for (size_t i = 0; i < the_case->member_count; i++) {
		const struct lf_member *member = &the_case->members[space->member_order[i]];
		struct lf_criterion_score *criteria = space->criteria + count * criterion_count;
		uint32_t undated;

		if (!member->candidate)
			continue;
		/* What evidence there is, and how much it weighs, is not stored: the case has it. */
		undated = lf_score_criteria(&scoring, member, criteria);
		for (size_t c = 0; c < criterion_count; c++) {
			const struct lf_criterion *criterion = &rubric->criteria[c];
			struct lf_criterion_score *score = &criteria[criterion->index];
			size_t cell = i * criterion_count + c;

			*score = (struct lf_criterion_score){
				.share = numbers->shares[cell], .known = true, .weight = score->weight};
			while (next_unknown < numbers->unknown_count && numbers->unknown[next_unknown] < cell)
				next_unknown++;
			if (next_unknown < numbers->unknown_count && numbers->unknown[next_unknown] == cell) {
				score->known = false;
				score->value = criterion->unknown_value;
			} else if (criterion->derived != LF_RATED) {
				score->value = numbers->ratings[cell];
			} else {
				score->rating = numbers->ratings[cell];
				score->value = lf_criterion_value(criterion, score->rating);
			}
		}
		space->scored[count] = (struct lf_member_score){
			.member = space->member_order[i],
			.score = numbers->scores[i],
			.first_rank_share =
				numbers->first_rank_shares != NULL ? numbers->first_rank_shares[i] : (double)NAN,
			.undated = undated,
			.criteria = criteria,
		};
		count++;
	}
	lf_decide(&scoring, count, result);
}
