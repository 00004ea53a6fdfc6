/* What the service's tests share: rubrics and requests from text. */
#ifndef LF_TESTS_SERVICE_SUPPORT_H
#define LF_TESTS_SERVICE_SUPPORT_H

#include "proto/text/json.h"
#include "service/decide/decision.h"

/* A rubric from YAML text; the test fails where it is not good. */
struct lf_rubric_version *support_rubric(const char *yaml);
/* The shipped rubric. */
struct lf_rubric_version *support_default_rubric(void);
/* The shipped rubric under another aggregation and gate on collaboration, without its scenarios. */
struct lf_rubric_version *support_default_rubric_as(
	Leadfit__V1__Aggregation aggregation, double collaboration_at_least);
/* What is wrong with a rubric: "field: description" lines into out. */
void support_rubric_errors(const char *yaml, char *out, size_t size);

/* A case evaluated: team and project as YAML. The arena holds all. */
struct support_case {
	struct lf_arena arena;
	struct lf_error error;
	Leadfit__V1__ScoreRequest *request;
	struct lf_answer_parts parts; /* support_decide() */
	struct lf_evaluation evaluation;
	enum lf_code code;
};
/* request: a ScoreRequest as YAML. */
void support_evaluate(struct support_case *c, const struct lf_rubric_version *version, const char *request);
void support_clean_up(struct support_case *c);
/* The request evaluated again, after the test has changed it (c->code, c->evaluation). The arena grows. */
void support_evaluate_again(struct support_case *c, const struct lf_rubric_version *version);
/* The answer to an evaluated case. */
Leadfit__V1__Decision *support_decide(struct support_case *c, const struct lf_rubric_version *version);
/* That answer as the log gives it back, from what is stored of it; has the id and time of `decision` set, too. */
Leadfit__V1__Decision *support_restore(
	struct support_case *c, const struct lf_rubric_version *version, Leadfit__V1__Decision *decision);
/* A Rubric or any other message as bytes of the case's arena. */
struct lf_bytes support_pack(struct support_case *c, const ProtobufCMessage *message);
/* Candidate at a place of the ranking. */
const char *support_at(const struct support_case *c, size_t place);
/* Score of a candidate. */
double support_score(const struct support_case *c, const char *id);

#endif
