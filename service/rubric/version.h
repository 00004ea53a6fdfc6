/* One version of a rubric, ready to score: the message, its digest, its names, and the compiled form. */
#ifndef LF_SERVICE_RUBRIC_VERSION_H
#define LF_SERVICE_RUBRIC_VERSION_H

#include <stdatomic.h>

#include "leadfit/v1/rubric.pb-c.h"
#include "proto/base/arena.h"
#include "proto/base/status.h"
#include "service/engine/engine.h"
#include "service/rubric/name_index.h"
#include "storage/log/log.h"

/* Immutable once made, but for its count of references. */
struct lf_version {
	atomic_uint references;
	struct lf_arena arena; /* holds all of it but the compiled form */
	Leadfit__V1__Rubric *message;
	struct lf_bytes canonical;
	struct lf_digest digest;
	char digest_text[65];
	struct lf_names traits, disciplines, criteria, sources;
	bool disciplines_open; /* none declared: any is accepted */
	bool sources_open;
	struct lf_rubric *compiled;
};

/*
 * Checks and compiles a rubric from its protobuf bytes, of whatever origin. INVALID_ARGUMENT lists everything that is
 * wrong, by path below prefix ("" = the rubric itself). The new version has one reference.
 */
enum lf_code lf_version_new(
	struct lf_version **version, const uint8_t *data, size_t length, const char *prefix, struct lf_error *error);
struct lf_version *lf_version_retain(struct lf_version *version);
/* Memory that it takes, compiled form included. */
size_t lf_version_bytes(const struct lf_version *version);
/* The last release frees. NULL is allowed. */
void lf_version_release(struct lf_version *version);

/*
 * Adds to warnings, as violations by path, what is allowed in this rubric but probably not meant. Its code means
 * nothing.
 */
void lf_version_warn(const struct lf_version *version, struct lf_error *warnings);

/* Whether to go on: asked now and then by what may take a while. */
typedef bool (*lf_go_on_fn)(void *context);

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
