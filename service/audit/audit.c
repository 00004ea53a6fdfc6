#include "service/audit/audit.h"

#include "storage/verify/verify.h"

void lf_audit_init(struct lf_audit_service *service, struct lf_state *state)
{
	service->base = (Leadfit__V1__Audit_Service)LEADFIT__V1__AUDIT__INIT(lf_audit_);
	service->state = state;
	atomic_init(&service->verifier, NULL);
	atomic_init(&service->found_nothing_to, UINT64_MAX);
}

void lf_audit_clean_up(struct lf_audit_service *service)
{
	lf_verify_free(atomic_exchange(&service->verifier, NULL));
}
