#include "service/keeping/keeping.h"

void lf_keeping_init(struct lf_keeping_service *service, struct lf_state *state)
{
	service->base = (Leadfit__V1__Keeping_Service)LEADFIT__V1__KEEPING__INIT(lf_keeping_);
	service->state = state;
	service->pruner = NULL;
}

void lf_keeping_clean_up(struct lf_keeping_service *service)
{
	lf_pruner_free(service->pruner);
	service->pruner = NULL;
}
