/* What the two halves of the Rubrics service share: rubrics.c reads, rubric_life.c tests, stores and activates. */
#ifndef LF_SERVICE_RUBRICS_API_RUBRICS_H
#define LF_SERVICE_RUBRICS_API_RUBRICS_H

#include "leadfit/v1/rubrics.pb-c.h"
#include "service/rubric/version.h"

struct lf_state;

struct lf_rubrics_service {
	Leadfit__V1__Rubrics_Service base;
	struct lf_state *state;
};
/* Borrows state. */
void lf_rubrics_init(struct lf_rubrics_service *service, struct lf_state *state);

/*
 * Canonical bytes of a rubric that a request holds, in arena: its digest is that of what was sent. INVALID_ARGUMENT
 * where rubric is NULL, RESOURCE_EXHAUSTED.
 */
enum lf_code lf_rubric_pack(
	const Leadfit__V1__Rubric *rubric, struct lf_arena *arena, struct lf_bytes *bytes, struct lf_error *error);
/* error's violations as messages in arena; borrows their texts from error. false where the arena is exhausted. */
bool lf_violations_list(
	const struct lf_error *error, struct lf_arena *arena, Leadfit__V1__FieldViolation ***items, size_t *count);
/* 64 hexadecimal digits of either case. */
bool lf_digest_parse(const char *text, struct lf_digest *digest);
/* A name and digest as a message in arena, NULL where that is exhausted. */
Leadfit__V1__RubricRef *lf_rubric_ref_new(const char *name, const struct lf_digest *digest, struct lf_arena *arena);
/* A stored version as a message in arena, copied; NULL where that is exhausted. */
Leadfit__V1__RubricVersion *lf_rubric_version_new(const struct lf_rubric_row *row, struct lf_arena *arena);

/*
 * The version that a request means: the rubric that it holds, or a stored one by digest, or the active one of a name
 * ("" = the only active one). Released by the caller; NULL on error, INVALID_ARGUMENT with violations by path in the
 * rubric. arena holds the request's.
 */
struct lf_version *lf_rubric_version_find(struct lf_state *state, const Leadfit__V1__Rubric *rubric, const char *name,
	const char *digest, struct lf_arena *arena, struct lf_error *error);

/* rubric_life.c: methods of the service. */
void lf_rubrics_test(Leadfit__V1__Rubrics_Service *service, const Leadfit__V1__TestRubricRequest *request,
	Leadfit__V1__TestRubricResponse_Closure closure, void *closure_data);
void lf_rubrics_put(Leadfit__V1__Rubrics_Service *service, const Leadfit__V1__PutRubricRequest *request,
	Leadfit__V1__PutRubricResponse_Closure closure, void *closure_data);
void lf_rubrics_activate(Leadfit__V1__Rubrics_Service *service, const Leadfit__V1__ActivateRubricRequest *request,
	Leadfit__V1__ActivateRubricResponse_Closure closure, void *closure_data);
void lf_rubrics_history(Leadfit__V1__Rubrics_Service *service, const Leadfit__V1__RubricHistoryRequest *request,
	Leadfit__V1__RubricHistoryResponse_Closure closure, void *closure_data);
/* backtest.c */
void lf_rubrics_backtest(Leadfit__V1__Rubrics_Service *service, const Leadfit__V1__BacktestRequest *request,
	Leadfit__V1__BacktestResponse_Closure closure, void *closure_data);

#endif
