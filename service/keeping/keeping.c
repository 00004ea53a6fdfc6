#include "service/keeping/keeping.h"

#include "service/keeping/jobs.h"
#include "service/state/reply.h"

void lf_keeping_init(struct lf_keeping_service *service, struct lf_state *state)
{
	service->base = (Leadfit__V1__Keeping_Service)LEADFIT__V1__KEEPING__INIT(lf_keeping_);
	service->state = state;
	service->jobs = NULL;
}

void lf_jobs_service_init(struct lf_jobs_service *service, struct lf_keeping_service *keeping)
{
	service->base = (Leadfit__V1__Jobs_Service)LEADFIT__V1__JOBS__INIT(lf_jobs_);
	service->keeping = keeping;
}

enum lf_code lf_keeping_start(struct lf_keeping_service *service, struct lf_error *error)
{
	return lf_job_thread_start(&service->jobs, service->state, error);
}

void lf_keeping_stop(struct lf_keeping_service *service)
{
	lf_job_thread_stop(service->jobs);
	service->jobs = NULL;
}

/* ---- what was there before ---- */

static void refuse(struct lf_rpc_call *call, const char *method, const char *instead)
{
	struct lf_error error = LF_ERROR_INIT;

	lf_error_set(&error, LF_UNIMPLEMENTED, "Keeping/%s is gone: use %s, which the service finishes by itself",
		method, instead);
	lf_send_error(call, &error);
}

void lf_keeping_erase(Leadfit__V1__Keeping_Service *service, const Leadfit__V1__EraseRequest *request,
	Leadfit__V1__EraseResponse_Closure closure, void *closure_data)
{
	(void)service, (void)request, (void)closure;
	refuse(closure_data, "Erase", "Keeping/StartErase");
}

void lf_keeping_prune(Leadfit__V1__Keeping_Service *service, const Leadfit__V1__PruneRequest *request,
	Leadfit__V1__PruneResponse_Closure closure, void *closure_data)
{
	(void)service, (void)request, (void)closure;
	refuse(closure_data, "Prune", "Keeping/StartPrune");
}

void lf_keeping_vacuum(Leadfit__V1__Keeping_Service *service, const Leadfit__V1__VacuumRequest *request,
	Leadfit__V1__VacuumResponse_Closure closure, void *closure_data)
{
	(void)service, (void)request, (void)closure;
	refuse(closure_data, "Vacuum", "Keeping/StartErase or Keeping/StartPrune");
}
