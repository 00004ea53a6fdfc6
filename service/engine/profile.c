/* What a project calls for on expectations alone: an imagined member of each discipline, scored like anybody. */
#include "service/engine/internal.h"

/* Best first; fits come in canonical order, so places in it break ties. */
static void insert_fit(struct lf_discipline_fit *fits, size_t count, struct lf_discipline_fit fit)
{
	for (; count > 0 && fits[count - 1].score < fit.score; count--)
		fits[count] = fits[count - 1];
	fits[count] = fit;
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
		struct lf_member imagined = {.id = "", .discipline = discipline, .availability = 1, .candidate = true};

		if (the_case->member_count == 0) {
			scoring.space.labour[0] = (struct lf_amount){discipline, 1};
			scoring.labour_count = 1;
			scoring.labour_total = 1;
		}
		(void)lf_score_criteria(&scoring, &imagined, scoring.space.criteria);
		insert_fit(fits, i,
			(struct lf_discipline_fit){
				.discipline = discipline,
				.score = lf_aggregate(rubric, weights, scoring.space.criteria),
			});
	}
	return true;
}
