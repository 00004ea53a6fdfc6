/* Pruning what is older than the operator keeps. */
#include "service/keeping.h"

void lf_keeping_prune(Leadfit__V1__Keeping_Service *service, const Leadfit__V1__PruneRequest *request,
	Leadfit__V1__PruneResponse_Closure closure, void *closure_data)
{
	struct lf_error error = LF_ERROR_INIT;

	(void)service;
	(void)request;
	(void)closure;
	lf_error_set(&error, LF_UNIMPLEMENTED, "not yet");
	lf_send_error(closure_data, &error);
}
