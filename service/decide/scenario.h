/* A rubric's own scenarios, run: what came of each, and what they cover. */
#ifndef LF_SERVICE_DECIDE_SCENARIO_H
#define LF_SERVICE_DECIDE_SCENARIO_H

#include "service/decide/go_on.h"
#include "service/rubric/version.h"

/* What came of one scenario; valid during the visit only. */
struct lf_scenario_result {
	size_t index;
	const struct lf_error *differences; /* violations by path below the scenario; none: it passed */
	bool scored;                        /* false: it could not be run, and the rest is not set */
	const char *first;                  /* who ranks first; "" = nobody */
	enum lf_outcome outcome;
	double margin;           /* NaN where there is none */
	double first_rank_share; /* of the first; NaN where there is none */
};

/* What the scenarios exercise together, a bit each by the rubric's order. */
struct lf_coverage {
	uint64_t criteria; /* had a weight, and candidates whose values differ, in one scenario */
	uint64_t traits;   /* set by a scenario's project */
	uint64_t gates;    /* failed by a candidate */
	unsigned outcomes; /* by enum lf_outcome */
};

/*
 * Runs the rubric's own scenarios in their order; visit returns whether to go on (false: DEADLINE_EXCEEDED). A scenario
 * that is wrong in itself, or contradicts an earlier one (the same case, another expectation), has that among its
 * differences. Allocates; any thread, also several on one version. RESOURCE_EXHAUSTED where memory ran out.
 */
enum lf_code lf_version_test(const struct lf_version *version,
	bool (*visit)(void *context, const struct lf_scenario_result *result), void *context,
	struct lf_coverage *coverage, struct lf_error *error);
/*
 * Runs the rubric's own scenarios. Adds each that does not come out as it says to error, at scenarios[i], with what
 * differed; FAILED_PRECONDITION then, RESOURCE_EXHAUSTED where memory ran out, and DEADLINE_EXCEEDED where go_on, which
 * is asked after each and may be NULL, said no.
 */
enum lf_code lf_version_run_scenarios(
	const struct lf_version *version, lf_go_on_fn go_on, void *context, struct lf_error *error);

#endif
