/* The Scoring service. */
#ifndef LF_SERVICE_SCORING_SCORING_H
#define LF_SERVICE_SCORING_SCORING_H

#include "leadfit/v1/scoring.pb-c.h"

struct lf_state;

struct lf_scoring_service {
	Leadfit__V1__Scoring_Service base;
	struct lf_state *state;
};
/* Borrows state. The service is to be added to a server; its methods say there what they may do. */
void lf_scoring_init(struct lf_scoring_service *service, struct lf_state *state);

#endif
