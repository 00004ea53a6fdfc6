/*
 * One evaluation, start to end: convert, score (or restore), profile, what would change it, co-lead. All of it lives in
 * the arena.
 */
#ifndef LF_SERVICE_DECIDE_EVALUATE_H
#define LF_SERVICE_DECIDE_EVALUATE_H

#include "service/decide/case.h"

struct lf_evaluation {
	struct lf_built_case built;
	struct lf_result result;
	void *workspace;                   /* holds result */
	struct lf_discipline_fit *profile; /* by the version's disciplines, best first */
	double *profile_weights;           /* by the version's criteria */
	bool contested;                    /* somebody is alone in first place: changes are known */
	struct lf_changes changes;
	struct lf_co_lead co_lead;
	double *pair_values; /* of first and co-lead, by the version's criteria, where there is one */
};

/*
 * Evaluates. numbers NULL: scores; else restores that result, whose sizes fit the case. INVALID_ARGUMENT with every
 * violation; FAILED_PRECONDITION where every weight is 0 for this project, naming its traits; RESOURCE_EXHAUSTED where
 * the arena is full.
 */
enum lf_code lf_evaluate(struct lf_evaluation *evaluation, const struct lf_rubric_version *version,
	const struct lf_case_input *input, const struct lf_stored_numbers *numbers, struct lf_checker *checker,
	struct lf_arena *arena);
/*
 * The same without what would change it and a co-lead, which cost more than all else: contested is false, co_lead.place
 * LF_NONE.
 */
enum lf_code lf_evaluate_ranking(struct lf_evaluation *evaluation, const struct lf_rubric_version *version,
	const struct lf_case_input *input, struct lf_checker *checker, struct lf_arena *arena);
/* The same without profile and profile_weights too, which are NULL: the numbers and the outcome. */
enum lf_code lf_evaluate_score(struct lf_evaluation *evaluation, const struct lf_rubric_version *version,
	const struct lf_case_input *input, struct lf_checker *checker, struct lf_arena *arena);
/* Only built, workspace, profile and profile_weights; the team may be missing. */
enum lf_code lf_evaluate_profile(struct lf_evaluation *evaluation, const struct lf_rubric_version *version,
	const struct lf_case_input *input, struct lf_checker *checker, struct lf_arena *arena);

/* A workspace for engine calls on a case, in arena; NULL where that is full. */
void *lf_workspace_new(const struct lf_rubric *rubric, const struct lf_case *the_case, struct lf_arena *arena);

#endif
