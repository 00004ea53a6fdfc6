/* What became of decisions. */
#include "service/decisions.h"

void lf_decisions_record_outcome(Leadfit__V1__Decisions_Service *service, const Leadfit__V1__RecordOutcomeRequest *request,
	Leadfit__V1__Outcomes_Closure closure, void *closure_data)
{
	struct lf_error error = LF_ERROR_INIT;

	(void)service;
	(void)request;
	(void)closure;
	lf_error_set(&error, LF_UNIMPLEMENTED, "not yet");
	lf_send_error(closure_data, &error);
}

void lf_decisions_list_outcomes(Leadfit__V1__Decisions_Service *service, const Leadfit__V1__ListOutcomesRequest *request,
	Leadfit__V1__Outcomes_Closure closure, void *closure_data)
{
	struct lf_error error = LF_ERROR_INIT;

	(void)service;
	(void)request;
	(void)closure;
	lf_error_set(&error, LF_UNIMPLEMENTED, "not yet");
	lf_send_error(closure_data, &error);
}
