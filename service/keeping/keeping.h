/* The Keeping and Jobs services; their methods, by what they are about. */
#ifndef LF_SERVICE_KEEPING_KEEPING_H
#define LF_SERVICE_KEEPING_KEEPING_H

#include "leadfit/v1/jobs.pb-c.h"
#include "leadfit/v1/keeping.pb-c.h"
#include "proto/base/status.h"

struct lf_jobs;
struct lf_state;

struct lf_keeping_service {
	Leadfit__V1__Keeping_Service base;
	struct lf_state *state;
	struct lf_jobs *jobs; /* NULL: not started */
};
struct lf_jobs_service {
	Leadfit__V1__Jobs_Service base;
	struct lf_keeping_service *keeping; /* whose jobs they are */
};
/* Borrow state and keeping. */
void lf_keeping_init(struct lf_keeping_service *service, struct lf_state *state);
void lf_jobs_service_init(struct lf_jobs_service *service, struct lf_keeping_service *keeping);

/*
 * Starts the thread that does the jobs: it goes on with what the log says is not done. After the state is complete, and
 * before the server listens. Blocks on reads.
 */
enum lf_code lf_keeping_start(struct lf_keeping_service *service, struct lf_error *error);
/*
 * Ends the thread: blocks until it has left the job that it is at, which is done with its slice soon, and with rewriting
 * the file when that is done. After the server has stopped and state.draining was set, before the log is closed. May be
 * called twice, and where it was not started.
 */
void lf_keeping_stop(struct lf_keeping_service *service);

/*
 * The methods run on a worker, several at once. Starting a job may block on its commit, asking about jobs on reads;
 * Backup hands over to the thread for chores at once.
 */

/* jobs_api.c */
void lf_keeping_start_erase(Leadfit__V1__Keeping_Service *service, const Leadfit__V1__StartEraseRequest *request,
	Leadfit__V1__Job_Closure closure, void *closure_data);
void lf_keeping_start_prune(Leadfit__V1__Keeping_Service *service, const Leadfit__V1__StartPruneRequest *request,
	Leadfit__V1__Job_Closure closure, void *closure_data);
/* keeping.c: UNIMPLEMENTED, naming what to use instead */
void lf_keeping_erase(Leadfit__V1__Keeping_Service *service, const Leadfit__V1__EraseRequest *request,
	Leadfit__V1__EraseResponse_Closure closure, void *closure_data);
void lf_keeping_prune(Leadfit__V1__Keeping_Service *service, const Leadfit__V1__PruneRequest *request,
	Leadfit__V1__PruneResponse_Closure closure, void *closure_data);
void lf_keeping_vacuum(Leadfit__V1__Keeping_Service *service, const Leadfit__V1__VacuumRequest *request,
	Leadfit__V1__VacuumResponse_Closure closure, void *closure_data);
/* backup.c */
void lf_keeping_backup(Leadfit__V1__Keeping_Service *service, const Leadfit__V1__BackupRequest *request,
	Leadfit__V1__BackupResponse_Closure closure, void *closure_data);
/* jobs_api.c */
void lf_jobs_get(Leadfit__V1__Jobs_Service *service, const Leadfit__V1__GetJobRequest *request,
	Leadfit__V1__Job_Closure closure, void *closure_data);
void lf_jobs_list(Leadfit__V1__Jobs_Service *service, const Leadfit__V1__ListJobsRequest *request,
	Leadfit__V1__ListJobsResponse_Closure closure, void *closure_data);

#endif
