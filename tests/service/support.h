/* What the service's tests share: rubrics and requests from text. */
#ifndef LF_TESTS_SERVICE_SUPPORT_H
#define LF_TESTS_SERVICE_SUPPORT_H

#include "proto/json.h"
#include "service/decision.h"

/* A rubric from YAML text; the test fails where it is not good. */
struct lf_version *support_rubric(const char *yaml);
/* The shipped rubric. */
struct lf_version *support_default_rubric(void);
/* What is wrong with a rubric: "field: description" lines into out. */
void support_rubric_errors(const char *yaml, char *out, size_t size);

/* A case evaluated: team and project as YAML. The arena holds all. */
struct support_case {
	struct lf_arena arena;
	struct lf_error error;
	struct lf_evaluation evaluation;
	enum lf_code code;
};
/* request: a ScoreRequest as YAML. */
void support_evaluate(struct support_case *c, const struct lf_version *version, const char *request);
void support_clean_up(struct support_case *c);
/* Candidate at a place of the ranking. */
const char *support_at(const struct support_case *c, size_t place);
/* Score of a candidate. */
double support_score(const struct support_case *c, const char *id);

#endif
