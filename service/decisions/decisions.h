/* The Decisions service; its methods, each in a file of its own. */
#ifndef LF_SERVICE_DECISIONS_DECISIONS_H
#define LF_SERVICE_DECISIONS_DECISIONS_H

#include "leadfit/v1/decisions.pb-c.h"

struct lf_state;

struct lf_decisions_service {
	Leadfit__V1__Decisions_Service base;
	struct lf_state *state;
};
/* Borrows state. */
void lf_decisions_init(struct lf_decisions_service *service, struct lf_state *state);

/*
 * The methods run on a worker, several at once, and may block on reads of the log; RecordOutcome on a commit.
 */

/* export.c */
void lf_decisions_export(Leadfit__V1__Decisions_Service *service, const Leadfit__V1__ExportRequest *request,
	Leadfit__V1__ExportResponse_Closure closure, void *closure_data);
/* watch.c: the call stays open, and holds neither a worker nor an arena while it waits. */
void lf_decisions_watch(Leadfit__V1__Decisions_Service *service, const Leadfit__V1__WatchRequest *request,
	Leadfit__V1__WatchResponse_Closure closure, void *closure_data);
/* outcomes.c */
void lf_decisions_record_outcome(Leadfit__V1__Decisions_Service *service,
	const Leadfit__V1__RecordOutcomeRequest *request, Leadfit__V1__Outcomes_Closure closure, void *closure_data);
void lf_decisions_list_outcomes(Leadfit__V1__Decisions_Service *service,
	const Leadfit__V1__ListOutcomesRequest *request, Leadfit__V1__Outcomes_Closure closure, void *closure_data);

#endif
