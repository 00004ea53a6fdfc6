/*
 * How memory for one case is laid out: sizes and places, no arithmetic on what is in them. One routine lays a workspace
 * out and runs twice: without a block it measures, with one it places.
 */
#include "service/engine/change.h"
#include "service/engine/internal.h"

/* ---- a contest, in the workspace's last array ---- */

/* Disciplines that evidence may show, and criteria whose evidence is kept in ledgers; 0 without expertise. */
static size_t shown_disciplines(const struct lf_rubric *rubric, const struct lf_case *the_case)
{
	return rubric->expertise_strength > 0 ? lf_count_disciplines(rubric, the_case) : 0;
}

static size_t ledger_criteria(const struct lf_rubric *rubric)
{
	return rubric->expertise_strength > 0 ? rubric->def.criterion_count : 0;
}

static size_t ledger_bytes(const struct lf_rubric *rubric, const struct lf_case *the_case)
{
	size_t disciplines = shown_disciplines(rubric, the_case);

	return 2 * disciplines * sizeof(double) + (disciplines + ledger_criteria(rubric)) * sizeof(struct lf_ledger);
}

size_t lf_contest_bytes(const struct lf_rubric *rubric, const struct lf_case *the_case)
{
	size_t n = the_case->member_count, criteria = rubric->def.criterion_count,
	       lines = criteria + rubric->need_count;
	size_t alignment = rubric->has_alignment ? rubric->def.discipline_count : 0;

	/* As lf_contest_carve(), each array up to 15 bytes more. */
	return n * ((criteria + alignment + 9) * sizeof(double) + 2 + sizeof(uint32_t)) +
		lines * (sizeof(struct lf_line) + sizeof(double)) +
		criteria * (2 * sizeof(double) + sizeof(struct lf_criterion_score)) +
		rubric->def.trait_count * sizeof(double) + ledger_bytes(rubric, the_case) + 24 * 16;
}

static void *carve_packed(unsigned char **at, size_t count, size_t size)
{
	unsigned char *taken = *at;

	*at += (count * size + 15) / 16 * 16;
	return taken;
}

void lf_contest_carve(
	struct lf_contest *contest, const struct lf_rubric *rubric, const struct lf_case *the_case, void *base)
{
	size_t n = the_case->member_count, criteria = rubric->def.criterion_count,
	       lines = criteria + rubric->need_count;
	unsigned char *at = base;

	contest->values = carve_packed(&at, criteria * n, sizeof(*contest->values));
	contest->expertise = carve_packed(
		&at, rubric->has_alignment ? rubric->def.discipline_count * n : 0, sizeof(*contest->expertise));
	contest->barred = carve_packed(&at, n, sizeof(*contest->barred));
	contest->origin_lines = carve_packed(&at, lines, sizeof(*contest->origin_lines));
	contest->moving = carve_packed(&at, lines, sizeof(*contest->moving));
	contest->fixed = carve_packed(&at, n, sizeof(*contest->fixed));
	contest->fixed_rise = carve_packed(&at, n, sizeof(*contest->fixed_rise));
	contest->met = carve_packed(&at, n, sizeof(*contest->met));
	contest->met_rise = carve_packed(&at, n, sizeof(*contest->met_rise));
	contest->origin_fixed = carve_packed(&at, n, sizeof(*contest->origin_fixed));
	contest->origin_met = carve_packed(&at, n, sizeof(*contest->origin_met));
	contest->column = carve_packed(&at, n, sizeof(*contest->column));
	contest->sum = carve_packed(&at, n, sizeof(*contest->sum));
	contest->lowest = carve_packed(&at, n, sizeof(*contest->lowest));
	contest->eligible = carve_packed(&at, n, sizeof(*contest->eligible));
	contest->weights = carve_packed(&at, criteria, sizeof(*contest->weights));
	contest->reach = carve_packed(&at, criteria, sizeof(*contest->reach));
	contest->traits = carve_packed(&at, rubric->def.trait_count, sizeof(*contest->traits));
	contest->row = carve_packed(&at, criteria, sizeof(*contest->row));
	contest->places = carve_packed(&at, n, sizeof(*contest->places));
	contest->parts = carve_packed(&at, shown_disciplines(rubric, the_case), sizeof(*contest->parts));
	contest->kept = carve_packed(&at, shown_disciplines(rubric, the_case), sizeof(*contest->kept));
	contest->rated = carve_packed(&at, ledger_criteria(rubric), sizeof(*contest->rated));
	contest->shown = carve_packed(&at, shown_disciplines(rubric, the_case), sizeof(*contest->shown));
	LF_CHECK(E2, at <= (unsigned char *)base + lf_contest_bytes(rubric, the_case));
}

/* ---- the workspace ---- */

static void *carve(unsigned char *base, size_t *used, size_t count, size_t size)
{
	size_t at = *used;

	*used += (count * size + LF_WORKSPACE_ALIGNMENT - 1) / LF_WORKSPACE_ALIGNMENT * LF_WORKSPACE_ALIGNMENT;
	return base != NULL ? base + at : NULL;
}

static void carve_robustness(
	const struct lf_rubric *rubric, size_t members, void *base, size_t *used, struct lf_workspace *space)
{
	size_t criteria = rubric->def.criterion_count, block = rubric->perturbations.block, part;

	space->contenders = NULL;
	if (rubric->perturbations.count == 0)
		return;
	part = lf_part_samples(block, members);
	space->contenders = carve(base, used, members, sizeof(*space->contenders));
	space->coefficients = carve(base, used, (members + 1) * criteria, sizeof(*space->coefficients));
	space->block_totals = carve(base, used, block, sizeof(*space->block_totals));
	space->block_gaps =
		carve(base, used, rubric->perturbations.unknown ? criteria * block : 0, sizeof(*space->block_gaps));
	space->part_scores = carve(base, used, members * part, sizeof(*space->part_scores));
	space->part_best = carve(base, used, part, sizeof(*space->part_best));
	space->part_ties = carve(base, used, part, sizeof(*space->part_ties));
	space->part_wins = carve(base, used, members, sizeof(*space->part_wins));
	space->wins = carve(base, used, members, sizeof(*space->wins));
	space->shares = carve(base, used, members, sizeof(*space->shares));
	space->rank_ties = carve(base, used, members * LF_RANKS_MAX, sizeof(*space->rank_ties));
	if (rubric->perturbations.rough_factors == NULL)
		return;
	space->rough_contenders = carve(base, used, members, sizeof(*space->rough_contenders));
	space->rough_coefficients =
		carve(base, used, (members + 1) * lf_rough_rows(criteria), sizeof(*space->rough_coefficients));
	space->rough_scores = carve(base, used, members * LF_KERNEL_LANES, sizeof(*space->rough_scores));
	space->rough_bits = carve(base, used, members * LF_ROUGH_GROUPS, sizeof(*space->rough_bits));
}

size_t lf_workspace_carve(
	const struct lf_rubric *rubric, const struct lf_case *the_case, void *base, struct lf_workspace *space)
{
	size_t members = the_case->member_count, criteria = rubric->def.criterion_count;
	size_t disciplines = the_case->discipline_count, used = 0;

	if (disciplines < rubric->def.discipline_count)
		disciplines = rubric->def.discipline_count;
	space->weights = carve(base, &used, criteria, sizeof(*space->weights));
	space->ranking = carve(base, &used, members, sizeof(*space->ranking));
	space->scored = carve(base, &used, members, sizeof(*space->scored));
	/* One more than members: a profile scores an imagined one. */
	space->criteria = carve(base, &used, (members + 1) * criteria, sizeof(*space->criteria));
	space->sums = carve(base, &used, criteria, sizeof(*space->sums));
	space->member_order = carve(base, &used, members, sizeof(*space->member_order));
	space->rank_order = carve(base, &used, members, sizeof(*space->rank_order));
	space->needs = carve(base, &used, rubric->need_count, sizeof(*space->needs));
	space->need_totals = carve(base, &used, criteria, sizeof(*space->need_totals));
	space->labour = carve(base, &used, disciplines + 1, sizeof(*space->labour));
	space->discipline_order = carve(base, &used, disciplines, sizeof(*space->discipline_order));
	space->expertise = carve(base, &used, disciplines, sizeof(*space->expertise));
	space->expertise_shares = carve(base, &used, disciplines, sizeof(*space->expertise_shares));
	space->shown = rubric->expertise_strength > 0 ? carve(base, &used, disciplines, sizeof(*space->shown)) : NULL;
	carve_robustness(rubric, members, base, &used, space);
	space->contest = carve(base, &used, lf_contest_bytes(rubric, the_case), 1);
	return used;
}

size_t lf_workspace_bytes(const struct lf_rubric *rubric, const struct lf_case *the_case)
{
	struct lf_workspace space;

	return lf_workspace_carve(rubric, the_case, NULL, &space);
}
