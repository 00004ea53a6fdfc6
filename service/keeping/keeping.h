/* The Keeping service; its methods, each in a file of its own. */
#ifndef LF_SERVICE_KEEPING_KEEPING_H
#define LF_SERVICE_KEEPING_KEEPING_H

#include "leadfit/v1/keeping.pb-c.h"

struct lf_pruner;
struct lf_state;

struct lf_keeping_service {
	Leadfit__V1__Keeping_Service base;
	struct lf_state *state;
	/* What a pruning knows between its steps; NULL where there is none. For whoever has the turn (redaction.h). */
	struct lf_pruner *pruner;
};
/* Borrows state. */
void lf_keeping_init(struct lf_keeping_service *service, struct lf_state *state);
/* Frees the pruner. After the server has stopped. */
void lf_keeping_clean_up(struct lf_keeping_service *service);

/*
 * The methods run on a worker, several at once. Erase and Prune may block on reads and commits; Backup and Vacuum hand
 * over to the thread for chores at once.
 */

/* erase.c */
void lf_keeping_erase(Leadfit__V1__Keeping_Service *service, const Leadfit__V1__EraseRequest *request,
	Leadfit__V1__EraseResponse_Closure closure, void *closure_data);
/* prune.c */
void lf_keeping_prune(Leadfit__V1__Keeping_Service *service, const Leadfit__V1__PruneRequest *request,
	Leadfit__V1__PruneResponse_Closure closure, void *closure_data);
/* NULL is allowed. */
void lf_pruner_free(struct lf_pruner *pruner);
/* backup.c */
void lf_keeping_vacuum(Leadfit__V1__Keeping_Service *service, const Leadfit__V1__VacuumRequest *request,
	Leadfit__V1__VacuumResponse_Closure closure, void *closure_data);
void lf_keeping_backup(Leadfit__V1__Keeping_Service *service, const Leadfit__V1__BackupRequest *request,
	Leadfit__V1__BackupResponse_Closure closure, void *closure_data);

#endif
