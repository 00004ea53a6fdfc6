/* From a request's team and project to the engine's case: everything a stranger can get wrong is found here. */
#ifndef LF_SERVICE_DECIDE_CASE_H
#define LF_SERVICE_DECIDE_CASE_H

#include "leadfit/v1/team.pb-c.h"
#include "service/rubric/checker.h"
#include "service/rubric/version.h"

/*
 * A team as it was converted, for further cases of the same team without candidates of their own: then only the project
 * is converted. Begins zeroed, but for the arena, which must live as long as the cases. Sentences about what was left
 * out of the team are not said again.
 */
struct lf_kept_team {
	struct lf_arena *arena;
	struct lf_digest version; /* by which it was converted, */
	int32_t as_of_day;        /* for this day: dates that are right then are right later */
	bool ignore_undeclared;
	struct lf_case engine; /* its members and disciplines; no members: nothing is kept yet */
};

struct lf_case_input {
	const Leadfit__V1__Team *team;       /* NULL: not allowed, unless team_optional */
	const Leadfit__V1__Project *project; /* NULL: a violation */
	char *const *candidates;             /* ids; none = every member */
	size_t candidate_count;
	int64_t as_of_seconds; /* since 1970 */
	bool ignore_undeclared;
	bool team_optional;
	uint32_t engine_version;   /* whose rules decide: of a stored answer its own; 0 = the present one */
	struct lf_kept_team *kept; /* of this team; NULL = none */
};

/* A converted case; all of it lives in the arena. */
struct lf_built_case {
	struct lf_case engine;
	const char **ignored; /* sentences: what was left out under ignore_undeclared */
	size_t ignored_count;
};

/*
 * Converts against a version, into arena. Adds every violation below checker's path (team.members[3]…); undeclared
 * names with the nearest declared one. Returns LF_OK, INVALID_ARGUMENT, or RESOURCE_EXHAUSTED where the arena is full.
 */
enum lf_code lf_case_build(struct lf_built_case *built, const struct lf_rubric_version *version,
	const struct lf_case_input *input, struct lf_checker *checker, struct lf_arena *arena);

/*
 * Place in the request's evidence of a member (as sent) of the piece that has that index in the built case: under
 * ignore_undeclared some pieces before it may have been left out.
 */
size_t lf_case_evidence_as_sent(
	const struct lf_rubric_version *version, const Leadfit__V1__Member *member, size_t index);

#endif
