/* Recomputing decisions, a slice a call. */
#include "service/audit.h"

void lf_audit_replay(Leadfit__V1__Audit_Service *service, const Leadfit__V1__ReplayRequest *request,
	Leadfit__V1__ReplayResponse_Closure closure, void *closure_data)
{
	struct lf_error error = LF_ERROR_INIT;

	(void)service;
	(void)request;
	(void)closure;
	lf_error_set(&error, LF_UNIMPLEMENTED, "not yet");
	lf_send_error(closure_data, &error);
}
