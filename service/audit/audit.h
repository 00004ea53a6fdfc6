/* The methods of the Audit service, each in a file of its own. */
#ifndef LF_SERVICE_AUDIT_AUDIT_H
#define LF_SERVICE_AUDIT_AUDIT_H

#include "service/state/core.h"

/* evidence.c */
void lf_audit_checkpoint(Leadfit__V1__Audit_Service *service, const Leadfit__V1__CheckpointRequest *request,
	Leadfit__V1__CheckpointResponse_Closure closure, void *closure_data);
void lf_audit_prove(Leadfit__V1__Audit_Service *service, const Leadfit__V1__ProveRequest *request,
	Leadfit__V1__ProveResponse_Closure closure, void *closure_data);
void lf_audit_consistency(Leadfit__V1__Audit_Service *service, const Leadfit__V1__ConsistencyRequest *request,
	Leadfit__V1__ConsistencyResponse_Closure closure, void *closure_data);
/* verify.c */
void lf_audit_verify(Leadfit__V1__Audit_Service *service, const Leadfit__V1__VerifyRequest *request,
	Leadfit__V1__VerifyResponse_Closure closure, void *closure_data);
/* replay.c */
void lf_audit_replay(Leadfit__V1__Audit_Service *service, const Leadfit__V1__ReplayRequest *request,
	Leadfit__V1__ReplayResponse_Closure closure, void *closure_data);

#endif
