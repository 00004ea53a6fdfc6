/* Whole decisions, a slice a call. */
#include "service/decisions.h"

void lf_decisions_export(Leadfit__V1__Decisions_Service *service, const Leadfit__V1__ExportRequest *request,
	Leadfit__V1__ExportResponse_Closure closure, void *closure_data)
{
	struct lf_error error = LF_ERROR_INIT;

	(void)service;
	(void)request;
	(void)closure;
	lf_error_set(&error, LF_UNIMPLEMENTED, "not yet");
	lf_send_error(closure_data, &error);
}
