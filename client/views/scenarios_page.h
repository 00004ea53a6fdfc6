/* How the scenarios of a rubric came out, for people. */
#ifndef LF_CLIENT_VIEWS_SCENARIOS_PAGE_H
#define LF_CLIENT_VIEWS_SCENARIOS_PAGE_H

#include <stddef.h>

#include "client/term/page.h"
#include "leadfit/v1/rubrics.pb-c.h"

/* How many scenarios failed. */
size_t lf_scenarios_failed(const Leadfit__V1__TestRubricResponse *answer);
/* Writes the table of scenarios. */
void lf_scenarios_print(struct lf_page *page, const Leadfit__V1__TestRubricResponse *answer);
/* Writes what no scenario exercises, and how many passed. */
void lf_scenarios_sum_up(struct lf_page *page, const Leadfit__V1__TestRubricResponse *answer);

#endif
