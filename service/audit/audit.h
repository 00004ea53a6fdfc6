/* The Audit service; its methods, each in a file of its own. */
#ifndef LF_SERVICE_AUDIT_AUDIT_H
#define LF_SERVICE_AUDIT_AUDIT_H

#include <stdatomic.h>

#include "leadfit/v1/audit.pb-c.h"

struct lf_state;
struct lf_verify;

struct lf_audit_service {
	Leadfit__V1__Audit_Service base;
	struct lf_state *state;
	/* What verify.c keeps from one slice to the next; NULL while a call has it, and where there is none yet. */
	_Atomic(struct lf_verify *) verifier;
};
/* Borrows state. */
void lf_audit_init(struct lf_audit_service *service, struct lf_state *state);
/* Frees the verifier. After the server has stopped. */
void lf_audit_clean_up(struct lf_audit_service *service);

/*
 * The methods run on a worker, several at once, and may block on reads of the log.
 */

/* proofs.c */
void lf_audit_checkpoint(Leadfit__V1__Audit_Service *service, const Leadfit__V1__CheckpointRequest *request,
	Leadfit__V1__CheckpointResponse_Closure closure, void *closure_data);
void lf_audit_prove(Leadfit__V1__Audit_Service *service, const Leadfit__V1__ProveRequest *request,
	Leadfit__V1__ProveResponse_Closure closure, void *closure_data);
void lf_audit_consistency(Leadfit__V1__Audit_Service *service, const Leadfit__V1__ConsistencyRequest *request,
	Leadfit__V1__ConsistencyResponse_Closure closure, void *closure_data);
/* verify.c */
void lf_audit_verify(Leadfit__V1__Audit_Service *service, const Leadfit__V1__VerifyRequest *request,
	Leadfit__V1__VerifyResponse_Closure closure, void *closure_data);
/* access_list.c */
void lf_audit_list_access(Leadfit__V1__Audit_Service *service, const Leadfit__V1__ListAccessRequest *request,
	Leadfit__V1__ListAccessResponse_Closure closure, void *closure_data);
/* replay.c */
void lf_audit_replay(Leadfit__V1__Audit_Service *service, const Leadfit__V1__ReplayRequest *request,
	Leadfit__V1__ReplayResponse_Closure closure, void *closure_data);

#endif
