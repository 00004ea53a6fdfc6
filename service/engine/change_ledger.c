/*
 * What one member's evidence adds up to, by criterion and by the discipline that it shows, so that a change of one piece
 * is scored without adding up all of them again. Sums are exact, so what is taken out of one and put into it leaves the
 * same bits as adding up anew; the ends of a mean's range are kept with the values next to them.
 */
#include "service/engine/change.h"

static void put(struct lf_ledger *ledger, const struct lf_grid *grid, double weight, double value)
{
	bool first = ledger->sum.weight.high == 0;

	if (!(weight > 0))
		return;
	if (first) {
		ledger->next_lowest = INFINITY;
		ledger->next_highest = -INFINITY;
	} else {
		double above = value < ledger->sum.lowest ? ledger->sum.lowest : value;
		double below = value > ledger->sum.highest ? ledger->sum.highest : value;

		ledger->next_lowest = above < ledger->next_lowest ? above : ledger->next_lowest;
		ledger->next_highest = below > ledger->next_highest ? below : ledger->next_highest;
	}
	lf_evidence_add(grid, &ledger->sum, weight, value);
}

void lf_look_up_member(const struct lf_search *search, uint32_t row)
{
	const struct lf_contest *contest = &search->contest;
	const struct lf_rubric *rubric = contest->rubric;
	const struct lf_member *member = &contest->the_case->members[contest->rows[row].member];

	if (search->scoring->expert == member)
		return;
	lf_find_expertise(search->scoring, member);
	for (size_t c = 0; c < rubric->def.criterion_count; c++)
		contest->rated[c] = (struct lf_ledger){.sum.weight.high = 0};
	for (size_t d = 0; d < lf_count_disciplines(rubric, contest->the_case); d++)
		contest->shown[d] = (struct lf_ledger){.sum.weight.high = 0};
	for (size_t i = 0; i < member->evidence_count; i++) {
		const struct lf_evidence *e = &member->evidence[i];
		size_t c = rubric->criterion_place[e->criterion];
		double weight = lf_evidence_weight(rubric, contest->the_case, e);
		const uint32_t *disciplines;
		size_t count = lf_disciplines_shown(rubric, e, &disciplines);

		put(&contest->rated[c], &rubric->product_grid, weight, e->rating);
		for (size_t k = 0; k < count; k++)
			put(&contest->shown[disciplines[k]], &rubric->weight_grid, weight,
				lf_level_shown(rubric, &rubric->criteria[c], e->rating, disciplines[k]));
	}
	search->scoring->expert = member;
}

/* The sum with one more piece; was: instead of one of that value and weight, NULL: there is none. */
static struct lf_evidence_sum sum_with(
	const struct lf_ledger *ledger, const struct lf_grid *grid, double weight, const double *was, double value)
{
	struct lf_evidence_sum sum = ledger->sum;

	if (was == NULL) {
		lf_evidence_add(grid, &sum, weight, value);
		return sum;
	}
	if (*was == sum.lowest)
		sum.lowest = ledger->next_lowest;
	if (*was == sum.highest)
		sum.highest = ledger->next_highest;
	sum.lowest = value < sum.lowest ? value : sum.lowest;
	sum.highest = value > sum.highest ? value : sum.highest;
	lf_sum_add(&sum.weighted, lf_on_grid(grid, weight * value));
	lf_sum_add(&sum.weighted, -lf_on_grid(grid, weight * *was));
	return sum;
}

/* One attempt under way. */
struct change {
	const struct lf_criterion *criterion;
	const struct lf_member *member;
	const struct lf_evidence *piece;
	double weight;
	bool added;
	double to;
};

/* x_m(d) with it. */
static double level_with(const struct lf_contest *contest, const struct change *change, uint32_t discipline)
{
	const struct lf_rubric *rubric = contest->rubric;
	double was = lf_level_shown(rubric, change->criterion, change->piece->rating, discipline);
	double level = lf_label_of(rubric, change->member, discipline), share = 0;
	struct lf_evidence_sum sum = sum_with(&contest->shown[discipline], &rubric->weight_grid, change->weight,
		change->added ? NULL : &was, lf_level_shown(rubric, change->criterion, change->to, discipline));

	lf_outweigh(rubric, &sum, &level, &share);
	return level;
}

/* The derived criteria of contest->row, with what the piece shows; space.expertise is then as it was. */
static void derive_with(const struct lf_search *search, const struct change *change)
{
	const struct lf_contest *contest = &search->contest;
	const struct lf_rubric *rubric = contest->rubric;
	double *expertise = search->scoring->space.expertise, *kept = contest->kept;
	const uint32_t *disciplines;
	size_t count = lf_disciplines_shown(rubric, change->piece, &disciplines);

	for (size_t k = 0; k < count; k++) {
		kept[k] = expertise[disciplines[k]];
		expertise[disciplines[k]] = level_with(contest, change, disciplines[k]);
	}
	for (size_t c = 0; count > 0 && c < rubric->def.criterion_count; c++) {
		if (rubric->criteria[c].derived != LF_RATED)
			lf_derive(search->scoring, c, &contest->row[rubric->criteria[c].index]);
	}
	for (size_t k = 0; k < count; k++)
		expertise[disciplines[k]] = kept[k];
}

void lf_score_attempt(const struct lf_search *search, const struct lf_attempt *attempt, double to)
{
	const struct lf_contest *contest = &search->contest;
	const struct lf_rubric *rubric = contest->rubric;
	const struct lf_criterion *criterion = &rubric->criteria[attempt->c];
	const struct lf_evidence added = {.criterion = criterion->index, .rating = to, .domain = LF_NONE};
	struct change change = {
		.criterion = criterion,
		.member = &contest->the_case->members[contest->rows[attempt->row].member],
		.piece = &added,
		.weight = 1,
		.added = attempt->evidence == LF_NONE,
		.to = to,
	};
	struct lf_evidence_sum sum;

	lf_look_up_member(search, attempt->row);
	if (!change.added) {
		change.piece = &change.member->evidence[attempt->evidence];
		change.weight = lf_evidence_weight(rubric, contest->the_case, change.piece);
	}
	sum = sum_with(&contest->rated[attempt->c], &rubric->product_grid, change.weight,
		change.added ? NULL : &change.piece->rating, to);
	lf_rate(criterion, &sum, lf_prior_place(rubric, change.member), &contest->row[criterion->index]);
	derive_with(search, &change);
}
