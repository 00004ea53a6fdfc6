/* ScoreBatch: many cases in one message, answered and stored each by itself. */
#ifndef LF_SERVICE_SCORING_SCORE_BATCH_H
#define LF_SERVICE_SCORING_SCORE_BATCH_H

#include "leadfit/v1/scoring.pb-c.h"

void lf_scoring_score_batch(Leadfit__V1__Scoring_Service *service, const Leadfit__V1__ScoreBatchRequest *request,
	Leadfit__V1__ScoreBatchResponse_Closure closure, void *closure_data);

#endif
