/* Erasing a person. */
#include "service/keeping.h"

void lf_keeping_erase(Leadfit__V1__Keeping_Service *service, const Leadfit__V1__EraseRequest *request,
	Leadfit__V1__EraseResponse_Closure closure, void *closure_data)
{
	struct lf_error error = LF_ERROR_INIT;

	(void)service;
	(void)request;
	(void)closure;
	lf_error_set(&error, LF_UNIMPLEMENTED, "not yet");
	lf_send_error(closure_data, &error);
}
