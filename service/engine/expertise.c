/*
 * What a member can do in each discipline, x_m(d): a label, or what is stated, is the expectation, and evidence outweighs
 * it where the rubric says so. DESIGN.md has the formulas.
 */
#include <string.h>
#include "service/engine/internal.h"

/* ---- labels ---- */

/* What is stated, with a share of 1; else what the member's discipline covers, with a share of 0. */
static void take_labels(
	const struct lf_rubric *rubric, const struct lf_member *member, size_t count, double *levels, double *shares)
{
	const double *covers = lf_covers(rubric, member->discipline);
	size_t own = covers != NULL ? rubric->def.discipline_count : 0;

	for (size_t d = 0; d < own; d++)
		levels[d] = covers[d];
	for (size_t d = own; d < count; d++)
		levels[d] = 0;
	if (covers == NULL && member->discipline != LF_NONE)
		levels[member->discipline] = 1;
	for (size_t d = 0; d < count; d++)
		shares[d] = 0;
	for (size_t i = 0; i < member->expertise_count; i++) {
		LF_CHECK(E4, member->expertise[i].discipline < count);
		levels[member->expertise[i].discipline] = member->expertise[i].level;
		shares[member->expertise[i].discipline] = 1;
	}
}

/* ---- evidence ---- */

double lf_level_shown(
	const struct lf_rubric *rubric, const struct lf_criterion *criterion, double rating, uint32_t discipline)
{
	size_t own = rubric->def.discipline_count, prior = discipline < own ? discipline : own;
	double min = rubric->def.scale_min, expected = min + (rubric->def.scale_max - min) / 2, level;

	if (criterion->priors != NULL)
		expected = criterion->priors[prior].mean;
	if (!(rating < expected))
		return 1;
	level = (rating - min) / (expected - min);
	return level > 1 ? 1 : level;
}

size_t lf_disciplines_shown(const struct lf_rubric *rubric, const struct lf_evidence *e, const uint32_t **disciplines)
{
	const struct lf_criterion *criterion = &rubric->criteria[rubric->criterion_place[e->criterion]];

	*disciplines = e->domain == LF_NONE ? criterion->shows : &e->domain;
	return e->domain == LF_NONE ? criterion->show_count : e->domain != LF_ELSEWHERE;
}

static void add_piece(const struct lf_rubric *rubric, uint32_t criterion, double weight, double rating,
	uint32_t discipline, struct lf_evidence_sum *sum)
{
	lf_evidence_add(&rubric->weight_grid, sum, weight,
		lf_level_shown(rubric, &rubric->criteria[rubric->criterion_place[criterion]], rating, discipline));
}

/* Adds up a member's evidence by the discipline that it shows. */
static void sum_shown(const struct lf_rubric *rubric, const struct lf_case *the_case, const struct lf_member *member,
	struct lf_evidence_sum *sums)
{
	for (size_t i = 0; i < member->evidence_count; i++) {
		const struct lf_evidence *e = &member->evidence[i];
		const uint32_t *disciplines;
		size_t count = lf_disciplines_shown(rubric, e, &disciplines);
		double weight = count > 0 ? lf_evidence_weight(rubric, the_case, e) : 0;

		for (size_t k = 0; k < count; k++) {
			LF_CHECK(E4, disciplines[k] < lf_count_disciplines(rubric, the_case));
			add_piece(rubric, e->criterion, weight, e->rating, disciplines[k], &sums[disciplines[k]]);
		}
	}
}

void lf_outweigh(const struct lf_rubric *rubric, const struct lf_evidence_sum *shown, double *level, double *share)
{
	struct lf_evidence_sum sum = *shown;
	double n = sum.weight.high + sum.weight.low, total;

	if (!(n > 0))
		return;
	lf_evidence_add(&rubric->weight_grid, &sum, rubric->expertise_strength, *level);
	*level = lf_evidence_mean(&sum, &total);
	if (*share < 1)
		*share = n / total;
}

void lf_find_expertise(const struct lf_scoring *scoring, const struct lf_member *member)
{
	const struct lf_rubric *rubric = scoring->rubric;
	const struct lf_workspace *space = &scoring->space;
	size_t count = lf_count_disciplines(rubric, scoring->the_case);

	take_labels(rubric, member, count, space->expertise, space->expertise_shares);
	if (space->shown == NULL)
		return;
	memset(space->shown, 0, count * sizeof(*space->shown));
	sum_shown(rubric, scoring->the_case, member, space->shown);
	for (size_t d = 0; d < count; d++)
		lf_outweigh(rubric, &space->shown[d], &space->expertise[d], &space->expertise_shares[d]);
}

/* ---- one discipline of one member ---- */

double lf_label_of(const struct lf_rubric *rubric, const struct lf_member *member, uint32_t discipline)
{
	for (size_t i = 0; i < member->expertise_count; i++) {
		if (member->expertise[i].discipline == discipline)
			return member->expertise[i].level;
	}
	return lf_covered(rubric, member->discipline, discipline);
}

static bool shows(const struct lf_rubric *rubric, const struct lf_evidence *e, uint32_t discipline)
{
	const uint32_t *disciplines;
	size_t count = lf_disciplines_shown(rubric, e, &disciplines);

	for (size_t k = 0; k < count; k++) {
		if (disciplines[k] == discipline)
			return true;
	}
	return false;
}

struct lf_shown lf_show_expertise(const struct lf_rubric *rubric, const struct lf_case *the_case,
	const struct lf_member *member, uint32_t discipline)
{
	struct lf_shown shown = {.label = lf_label_of(rubric, member, discipline)};
	struct lf_evidence_sum sum = {0};
	double share = 0;

	for (size_t i = 0; i < member->evidence_count; i++) {
		const struct lf_evidence *e = &member->evidence[i];

		if (!shows(rubric, e, discipline))
			continue;
		shown.count++;
		add_piece(rubric, e->criterion, lf_evidence_weight(rubric, the_case, e), e->rating, discipline, &sum);
	}
	shown.level = shown.label;
	lf_outweigh(rubric, &sum, &shown.level, &share);
	return shown;
}
