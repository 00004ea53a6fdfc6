/* Checkpoints and proofs. */
#include "service/audit.h"

void lf_audit_checkpoint(Leadfit__V1__Audit_Service *service, const Leadfit__V1__CheckpointRequest *request,
	Leadfit__V1__CheckpointResponse_Closure closure, void *closure_data)
{
	struct lf_error error = LF_ERROR_INIT;

	(void)service;
	(void)request;
	(void)closure;
	lf_error_set(&error, LF_UNIMPLEMENTED, "not yet");
	lf_send_error(closure_data, &error);
}

void lf_audit_prove(Leadfit__V1__Audit_Service *service, const Leadfit__V1__ProveRequest *request,
	Leadfit__V1__ProveResponse_Closure closure, void *closure_data)
{
	struct lf_error error = LF_ERROR_INIT;

	(void)service;
	(void)request;
	(void)closure;
	lf_error_set(&error, LF_UNIMPLEMENTED, "not yet");
	lf_send_error(closure_data, &error);
}

void lf_audit_consistency(Leadfit__V1__Audit_Service *service, const Leadfit__V1__ConsistencyRequest *request,
	Leadfit__V1__ConsistencyResponse_Closure closure, void *closure_data)
{
	struct lf_error error = LF_ERROR_INIT;

	(void)service;
	(void)request;
	(void)closure;
	lf_error_set(&error, LF_UNIMPLEMENTED, "not yet");
	lf_send_error(closure_data, &error);
}
