/* Work on the whole file: vacuum and backup. */
#include "service/keeping.h"

void lf_keeping_vacuum(Leadfit__V1__Keeping_Service *service, const Leadfit__V1__VacuumRequest *request,
	Leadfit__V1__VacuumResponse_Closure closure, void *closure_data)
{
	struct lf_error error = LF_ERROR_INIT;

	(void)service;
	(void)request;
	(void)closure;
	lf_error_set(&error, LF_UNIMPLEMENTED, "not yet");
	lf_send_error(closure_data, &error);
}

void lf_keeping_backup(Leadfit__V1__Keeping_Service *service, const Leadfit__V1__BackupRequest *request,
	Leadfit__V1__BackupResponse_Closure closure, void *closure_data)
{
	struct lf_error error = LF_ERROR_INIT;

	(void)service;
	(void)request;
	(void)closure;
	lf_error_set(&error, LF_UNIMPLEMENTED, "not yet");
	lf_send_error(closure_data, &error);
}
