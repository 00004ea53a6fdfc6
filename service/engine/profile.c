/* What a project calls for on expectations alone: an imagined member of each discipline, scored like anybody. */
#include "service/engine/internal.h"

/* Best first; fits come in canonical order, so places in it break ties. */
static void insert_fit(struct lf_ties ties, struct lf_discipline_fit *fits, size_t count, struct lf_discipline_fit fit)
{
	for (; count > 0 && lf_below(ties, fits[count - 1].score, fit.score); count--)
		fits[count] = fits[count - 1];
	fits[count] = fit;
}

static double aligned(const struct lf_scoring *scoring, size_t place, uint32_t discipline)
{
	const struct lf_criterion *criterion = &scoring->rubric->criteria[place];
	double total = scoring->space.need_totals[place], met = 0;

	for (size_t i = 0; i < criterion->need_count; i++)
		met += scoring->space.needs[criterion->need_first + i] *
			lf_covered(scoring->rubric, discipline, criterion->needs[i].discipline);
	return total > 0 ? met / total : 0;
}

static double labour_covered(const struct lf_scoring *scoring, uint32_t discipline)
{
	double sum = 0;

	for (size_t i = 0; i < scoring->labour_count; i++)
		sum += scoring->space.labour[i].amount *
			lf_covered(scoring->rubric, discipline, scoring->space.labour[i].discipline);
	return scoring->labour_total > 0 ? sum / scoring->labour_total : 0;
}

/* The values of a member without evidence, with the same bits as lf_score_criteria(): those of the priors were computed
 * with the rubric. */
static void expect(const struct lf_scoring *scoring, uint32_t discipline, struct lf_criterion_score *criteria)
{
	for (size_t c = 0; c < scoring->rubric->def.criterion_count; c++) {
		const struct lf_criterion *criterion = &scoring->rubric->criteria[c];
		double value;

		if (criterion->derived == LF_DOMAIN_ALIGNMENT)
			value = aligned(scoring, c, discipline);
		else if (criterion->derived == LF_TEAM_COVERAGE)
			value = labour_covered(scoring, discipline);
		else if (criterion->priors != NULL)
			value = criterion->priors[discipline].value;
		else
			value = criterion->unknown_value;
		criteria[criterion->index].value = value;
	}
}

bool lf_profile(const struct lf_rubric *rubric, const struct lf_case *the_case, void *workspace,
	struct lf_discipline_fit *fits, double *weights)
{
	struct lf_scoring scoring;

	if (!lf_weights(rubric, the_case->traits, weights))
		return false;
	lf_scoring_begin(&scoring, rubric, the_case, workspace);
	for (size_t i = 0; i < rubric->def.discipline_count; i++) {
		uint32_t discipline = rubric->discipline_order[i];

		if (the_case->member_count == 0) {
			scoring.space.labour[0] = (struct lf_amount){discipline, 1};
			scoring.labour_count = 1;
			scoring.labour_total = 1;
		}
		expect(&scoring, discipline, scoring.space.criteria);
		insert_fit(lf_ties_of(the_case), fits, i,
			(struct lf_discipline_fit){
				.discipline = discipline,
				.score = lf_aggregate(rubric, weights, scoring.space.criteria),
			});
	}
	return true;
}
