/* The numbers of one member: ratings, values, shares, and the score that they add up to. DESIGN.md has the formulas. */
#include <string.h>
#include "service/engine/internal.h"

/* ---- what all members share: needs and labour ---- */

static void find_needs(struct lf_scoring *scoring)
{
	const struct lf_rubric *rubric = scoring->rubric;

	scoring->needs_zero = false;
	for (size_t c = 0; c < rubric->def.criterion_count; c++) {
		const struct lf_criterion *criterion = &rubric->criteria[c];
		double total = 0;

		if (criterion->derived != LF_DOMAIN_ALIGNMENT)
			continue;
		for (size_t i = 0; i < criterion->need_count; i++) {
			double need = lf_respond(&criterion->needs[i].amount, scoring->the_case->traits);

			scoring->space.needs[criterion->need_first + i] = need;
			total += need;
		}
		scoring->space.need_totals[c] = total;
		if (!(total > 0))
			scoring->needs_zero = true;
	}
}

struct discipline_context {
	const struct lf_rubric *rubric;
	const struct lf_case *the_case;
};

static bool discipline_before(const void *context, uint32_t a, uint32_t b)
{
	const struct discipline_context *with = context;

	return strcmp(lf_discipline_id(with->rubric, with->the_case, a),
		       lf_discipline_id(with->rubric, with->the_case, b)) < 0;
}

/* All disciplines of the case by id bytes: the rubric's own order, merged with those that only the case knows. */
static const uint32_t *order_disciplines(struct lf_scoring *scoring)
{
	struct discipline_context with = {scoring->rubric, scoring->the_case};
	size_t count = scoring->the_case->discipline_count;

	if (count <= scoring->rubric->def.discipline_count)
		return scoring->rubric->discipline_order;
	for (size_t d = 0; d < count; d++)
		scoring->space.discipline_order[d] = (uint32_t)d;
	lf_sort(scoring->space.discipline_order, count, discipline_before, &with);
	return scoring->space.discipline_order;
}

static void find_labour(struct lf_scoring *scoring)
{
	const struct lf_case *the_case = scoring->the_case;
	size_t count = the_case->discipline_count;
	double *by_discipline = scoring->space.expertise; /* free until members are scored */
	const uint32_t *order;

	scoring->labour_count = 0;
	scoring->labour_total = 0;
	if (!scoring->rubric->has_coverage)
		return;
	if (count < scoring->rubric->def.discipline_count)
		count = scoring->rubric->def.discipline_count;
	order = order_disciplines(scoring);
	for (size_t d = 0; d < count; d++)
		by_discipline[d] = 0;
	for (size_t i = 0; i < the_case->member_count; i++) {
		const struct lf_member *member = &the_case->members[scoring->space.member_order[i]];

		if (member->discipline != LF_NONE) {
			LF_CHECK(E4, member->discipline < count);
			by_discipline[member->discipline] += member->availability;
		}
	}
	for (size_t i = 0; i < count; i++) {
		double labour = by_discipline[order[i]];

		if (!(labour > 0))
			continue;
		scoring->space.labour[scoring->labour_count++] = (struct lf_amount){order[i], labour};
		scoring->labour_total += labour;
	}
}

void lf_scoring_begin(
	struct lf_scoring *scoring, const struct lf_rubric *rubric, const struct lf_case *the_case, void *workspace)
{
	LF_CHECK(E1, (uintptr_t)workspace % LF_WORKSPACE_ALIGNMENT == 0);
	scoring->rubric = rubric;
	scoring->the_case = the_case;
	scoring->stored = NULL;
	scoring->expert = NULL;
	(void)lf_workspace_carve(rubric, the_case, workspace, &scoring->space);
	lf_order_members(the_case, scoring->space.member_order);
	find_needs(scoring);
	find_labour(scoring);
}

bool lf_weights(const struct lf_rubric *rubric, const double *traits, double *weights)
{
	size_t count = rubric->def.criterion_count;
	double total = 0;

	for (size_t c = 0; c < count; c++) {
		double weight = lf_respond(&rubric->criteria[c].weight, traits);

		weights[rubric->criteria[c].index] = weight;
		total += weight;
	}
	if (!(total > 0))
		return false;
	for (size_t j = 0; j < count; j++)
		weights[j] = weights[j] / total;
	return true;
}

/* ---- rated criteria ---- */

/* Adds up a member's evidence by criterion. Returns how many undated pieces were aged by a half-life. */
static uint32_t sum_evidence(const struct lf_scoring *scoring, const struct lf_member *member)
{
	const struct lf_rubric *rubric = scoring->rubric;
	uint32_t undated = 0;

	LF_CHECK(E5, member->evidence_count <= LF_EXACT_EVIDENCE_MAX);
	for (size_t i = 0; i < member->evidence_count; i++) {
		const struct lf_evidence *e = &member->evidence[i];

		LF_CHECK(E4,
			e->criterion < rubric->def.criterion_count &&
				rubric->def.criteria[e->criterion].derived == LF_RATED);
		undated += rubric->def.half_life_days > 0 && e->observed_day == LF_UNDATED;
		lf_evidence_add(&rubric->product_grid, &scoring->space.sums[rubric->criterion_place[e->criterion]],
			lf_evidence_weight(rubric, scoring->the_case, e), e->rating);
	}
	return undated;
}

double lf_criterion_value(const struct lf_criterion *criterion, double rating)
{
	size_t i = criterion->segment_count - 1;

	while (i > 0 && rating < criterion->segments[i].rating)
		i--;
	return lf_segment_value(&criterion->segments[i], rating);
}

/* The same arithmetic as a compiled curve's, so the same bits. */
double lf_curve_value(const struct lf_curve_point *curve, size_t count, double rating)
{
	struct lf_segment segment;
	size_t i = count - 1;

	LF_CHECK(E4, count > 0);
	if (count == 1)
		return curve[0].value + 0.0;
	for (i--; i > 0 && rating < curve[i].rating; i--)
		;
	segment = (struct lf_segment){
		.rating = curve[i].rating,
		.value = curve[i].value + 0.0,
		.slope = (curve[i + 1].value - curve[i].value) / (curve[i + 1].rating - curve[i].rating),
		.rating_end = curve[i + 1].rating,
		.value_end = curve[i + 1].value + 0.0,
	};
	return lf_segment_value(&segment, rating);
}

void lf_rate(const struct lf_criterion *criterion, const struct lf_evidence_sum *evidence, size_t prior_place,
	struct lf_criterion_score *score)
{
	struct lf_evidence_sum sum = *evidence;
	const struct lf_prior *prior = criterion->priors != NULL ? &criterion->priors[prior_place] : NULL;
	double n = sum.weight.high + sum.weight.low, total, rating;

	if (!(n > 0)) {
		*score = (struct lf_criterion_score){.known = prior != NULL, .value = criterion->unknown_value};
		if (prior != NULL) {
			score->weight = criterion->prior_strength;
			score->rating = prior->mean;
			score->value = prior->value;
		}
		return;
	}
	if (prior != NULL) {
		sum.lowest = prior->mean < sum.lowest ? prior->mean : sum.lowest;
		sum.highest = prior->mean > sum.highest ? prior->mean : sum.highest;
		lf_sum_add(&sum.weight, criterion->prior_strength);
		lf_sum_add(&sum.weighted, prior->product);
	}
	rating = lf_evidence_mean(&sum, &total);
	*score = (struct lf_criterion_score){
		.rating = rating,
		.value = lf_criterion_value(criterion, rating),
		.share = n / total,
		.known = true,
		.weight = total,
	};
}

size_t lf_prior_place(const struct lf_rubric *rubric, const struct lf_member *member)
{
	return member->discipline < rubric->def.discipline_count ? member->discipline : rubric->def.discipline_count;
}

void lf_rate_changed(const struct lf_rubric *rubric, const struct lf_case *the_case, const struct lf_member *member,
	size_t place, uint32_t evidence, double rating, struct lf_criterion_score *score)
{
	const struct lf_criterion *criterion = &rubric->criteria[place];
	struct lf_evidence_sum sum = {0};

	for (size_t i = 0; i < member->evidence_count; i++) {
		const struct lf_evidence *e = &member->evidence[i];

		if (e->criterion == criterion->index)
			lf_evidence_add(&rubric->product_grid, &sum, lf_evidence_weight(rubric, the_case, e),
				i == evidence ? rating : e->rating);
	}
	if (evidence == LF_NONE)
		lf_evidence_add(&rubric->product_grid, &sum, 1, rating);
	lf_rate(criterion, &sum, lf_prior_place(rubric, member), score);
}

/* ---- derived criteria ---- */

static void align(const struct lf_scoring *scoring, size_t place, struct lf_criterion_score *score)
{
	const struct lf_criterion *criterion = &scoring->rubric->criteria[place];
	const double *needs = scoring->space.needs + criterion->need_first;
	double total = scoring->space.need_totals[place], met = 0, evident = 0;

	*score = (struct lf_criterion_score){.known = true};
	if (!(total > 0))
		return;
	for (size_t i = 0; i < criterion->need_count; i++) {
		uint32_t discipline = criterion->needs[i].discipline;

		met += needs[i] * scoring->space.expertise[discipline];
		evident += needs[i] * scoring->space.expertise_shares[discipline];
	}
	score->value = met / total;
	score->share = evident / total;
}

static void cover(const struct lf_scoring *scoring, struct lf_criterion_score *score)
{
	double covered = 0, evident = 0;

	*score = (struct lf_criterion_score){.known = true};
	if (!(scoring->labour_total > 0))
		return;
	for (size_t i = 0; i < scoring->labour_count; i++) {
		const struct lf_amount *labour = &scoring->space.labour[i];

		covered += labour->amount * scoring->space.expertise[labour->discipline];
		evident += labour->amount * scoring->space.expertise_shares[labour->discipline];
	}
	score->value = covered / scoring->labour_total;
	score->share = evident / scoring->labour_total;
}

void lf_derive(const struct lf_scoring *scoring, size_t place, struct lf_criterion_score *score)
{
	if (scoring->rubric->criteria[place].derived == LF_DOMAIN_ALIGNMENT)
		align(scoring, place, score);
	else
		cover(scoring, score);
}

/* ---- a member ---- */

uint32_t lf_score_criteria(
	const struct lf_scoring *scoring, const struct lf_member *member, struct lf_criterion_score *criteria)
{
	const struct lf_rubric *rubric = scoring->rubric;
	size_t count = rubric->def.criterion_count, prior_place = lf_prior_place(rubric, member);
	uint32_t undated;

	memset(scoring->space.sums, 0, count * sizeof(*scoring->space.sums));
	undated = sum_evidence(scoring, member);
	if (rubric->has_alignment || rubric->has_coverage)
		lf_find_expertise(scoring, member);
	for (size_t c = 0; c < count; c++) {
		const struct lf_criterion *criterion = &rubric->criteria[c];
		struct lf_criterion_score *score = &criteria[criterion->index];

		if (criterion->derived == LF_RATED)
			lf_rate(criterion, &scoring->space.sums[c], prior_place, score);
		else
			lf_derive(scoring, c, score);
	}
	return undated;
}

/* Of the better of two members' values on each criterion; other NULL = of one member's. */
static inline double aggregate(const struct lf_rubric *rubric, const double *weights,
	const struct lf_criterion_score *one, const struct lf_criterion_score *other)
{
	enum lf_aggregation aggregation = rubric->def.aggregation;
	double sum = 0, lowest = 1, score;

	for (size_t c = 0; c < rubric->def.criterion_count; c++) {
		uint32_t j = rubric->criteria[c].index;
		double w = weights[j], v = one[j].value;

		if (!(w > 0))
			continue;
		if (other != NULL && other[j].value > v)
			v = other[j].value;
		if (v < lowest)
			lowest = v;
		if (aggregation == LF_HARMONIC && v > 0)
			sum += w / v;
		else if (aggregation == LF_ADDITIVE)
			sum += w * v;
	}
	if (aggregation == LF_MINIMUM)
		score = lowest;
	else if (aggregation == LF_HARMONIC)
		score = lowest > 0 ? 1 / sum : 0;
	else
		score = sum;
	/* Weights add up to 1 only up to rounding. */
	return score > 1 ? 1 : score + 0.0;
}

double lf_aggregate(const struct lf_rubric *rubric, const double *weights, const struct lf_criterion_score *criteria)
{
	return aggregate(rubric, weights, criteria, NULL);
}

double lf_aggregate_pair(const struct lf_rubric *rubric, const double *weights, const struct lf_criterion_score *one,
	const struct lf_criterion_score *other)
{
	return aggregate(rubric, weights, one, other);
}
