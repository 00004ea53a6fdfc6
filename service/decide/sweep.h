/* Who leads over the range of one of a project's traits, all else as it is. */
#ifndef LF_SERVICE_DECIDE_SWEEP_H
#define LF_SERVICE_DECIDE_SWEEP_H

#include "leadfit/v1/scoring.pb-c.h"
#include "service/decide/case.h"
#include "service/decide/go_on.h"

/*
 * Answers a sweep, in arena; *response borrows from request and version. go_on is asked between points and may be NULL.
 * INVALID_ARGUMENT with every violation; RESOURCE_EXHAUSTED where memory ran out; DEADLINE_EXCEEDED where go_on said
 * no.
 */
enum lf_code lf_sweep_answer(const struct lf_version *version, const Leadfit__V1__SweepRequest *request,
	int64_t as_of_us, lf_go_on_fn go_on, void *context, struct lf_checker *checker, struct lf_arena *arena,
	Leadfit__V1__SweepResponse **response);

#endif
