/* One evaluation, start to end: convert, score (or restore), profile. All of it lives in the arena. */
#ifndef LF_SERVICE_EVALUATE_H
#define LF_SERVICE_EVALUATE_H

#include "service/case.h"

struct lf_evaluation {
	struct lf_built_case built;
	struct lf_result result;
	struct lf_discipline_fit *profile; /* by the version's disciplines, best first */
	double *profile_weights;           /* by the version's criteria */
};

/*
 * Evaluates. numbers NULL: scores; else restores that result, whose sizes fit the case. INVALID_ARGUMENT with every violation;
 * FAILED_PRECONDITION where every weight is 0 for this project, naming its traits; RESOURCE_EXHAUSTED where the arena is full.
 */
enum lf_code lf_evaluate(struct lf_evaluation *evaluation, const struct lf_version *version, const struct lf_case_input *input,
	const struct lf_stored_numbers *numbers, struct lf_checker *checker, struct lf_arena *arena);
/* Only built, profile and profile_weights; the team may be missing. */
enum lf_code lf_evaluate_profile(struct lf_evaluation *evaluation, const struct lf_version *version,
	const struct lf_case_input *input, struct lf_checker *checker, struct lf_arena *arena);

#endif
