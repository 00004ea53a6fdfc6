/* The Rubrics service; its methods, in several files. */
#ifndef LF_SERVICE_RUBRICS_API_RUBRICS_H
#define LF_SERVICE_RUBRICS_API_RUBRICS_H

#include "leadfit/v1/rubrics.pb-c.h"

struct lf_state;

struct lf_rubrics_service {
	Leadfit__V1__Rubrics_Service base;
	struct lf_state *state;
};
/* Borrows state. */
void lf_rubrics_init(struct lf_rubrics_service *service, struct lf_state *state);

/*
 * The methods run on a worker, several at once, and may block on reads of the log; Put, Activate, Deactivate and
 * SetDefault on a commit.
 */

/* life.c */
void lf_rubrics_test(Leadfit__V1__Rubrics_Service *service, const Leadfit__V1__TestRubricRequest *request,
	Leadfit__V1__TestRubricResponse_Closure closure, void *closure_data);
void lf_rubrics_put(Leadfit__V1__Rubrics_Service *service, const Leadfit__V1__PutRubricRequest *request,
	Leadfit__V1__PutRubricResponse_Closure closure, void *closure_data);
void lf_rubrics_activate(Leadfit__V1__Rubrics_Service *service, const Leadfit__V1__ActivateRubricRequest *request,
	Leadfit__V1__ActivateRubricResponse_Closure closure, void *closure_data);
void lf_rubrics_deactivate(Leadfit__V1__Rubrics_Service *service, const Leadfit__V1__DeactivateRubricRequest *request,
	Leadfit__V1__DeactivateRubricResponse_Closure closure, void *closure_data);
void lf_rubrics_set_default(Leadfit__V1__Rubrics_Service *service, const Leadfit__V1__SetDefaultRubricRequest *request,
	Leadfit__V1__SetDefaultRubricResponse_Closure closure, void *closure_data);
/* rubric_history.c */
void lf_rubrics_history(Leadfit__V1__Rubrics_Service *service, const Leadfit__V1__RubricHistoryRequest *request,
	Leadfit__V1__RubricHistoryResponse_Closure closure, void *closure_data);
/* backtest.c */
void lf_rubrics_backtest(Leadfit__V1__Rubrics_Service *service, const Leadfit__V1__BacktestRequest *request,
	Leadfit__V1__BacktestResponse_Closure closure, void *closure_data);

#endif
