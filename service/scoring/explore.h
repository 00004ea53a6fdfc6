/* Profile and Sweep of the Scoring service. */
#ifndef LF_SERVICE_SCORING_EXPLORE_H
#define LF_SERVICE_SCORING_EXPLORE_H

#include "leadfit/v1/scoring.pb-c.h"

/* Each answers by its closure, or fails the call, before it returns. On a worker; neither blocks. */
void lf_scoring_profile(Leadfit__V1__Scoring_Service *service, const Leadfit__V1__ProfileRequest *request,
	Leadfit__V1__ProfileResponse_Closure closure, void *closure_data);
void lf_scoring_sweep(Leadfit__V1__Scoring_Service *service, const Leadfit__V1__SweepRequest *request,
	Leadfit__V1__SweepResponse_Closure closure, void *closure_data);

#endif
