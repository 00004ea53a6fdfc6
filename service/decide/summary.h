/* A decision in a few fields, for many at once. */
#ifndef LF_SERVICE_DECIDE_SUMMARY_H
#define LF_SERVICE_DECIDE_SUMMARY_H

#include "service/decide/decision.h"

/* A summary without id and time, in arena; borrows from parts. NULL where the arena is exhausted. */
Leadfit__V1__BatchSummary *lf_summary_build(const struct lf_answer_parts *parts, struct lf_arena *arena);
/* A whole decision's summary, id and time included, in arena; borrows from the decision. NULL likewise. */
Leadfit__V1__BatchSummary *lf_summary_of(const Leadfit__V1__Decision *decision, struct lf_arena *arena);

#endif
