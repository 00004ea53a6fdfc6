/* Past decisions under another rubric, a slice a call. */
#include "service/rubrics.h"

void lf_rubrics_backtest(Leadfit__V1__Rubrics_Service *service, const Leadfit__V1__BacktestRequest *request,
	Leadfit__V1__BacktestResponse_Closure closure, void *closure_data)
{
	struct lf_error error = LF_ERROR_INIT;

	(void)service;
	(void)request;
	(void)closure;
	lf_error_set(&error, LF_UNIMPLEMENTED, "not yet");
	lf_send_error(closure_data, &error);
}
