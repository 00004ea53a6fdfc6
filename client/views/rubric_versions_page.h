/* Which versions of rubrics are stored and active, for people. */
#ifndef LF_CLIENT_VIEWS_RUBRIC_VERSIONS_PAGE_H
#define LF_CLIENT_VIEWS_RUBRIC_VERSIONS_PAGE_H

#include "client/term/page.h"
#include "leadfit/v1/rubrics.pb-c.h"

/* All stored versions. */
void lf_rubric_versions_print(struct lf_page *page, const Leadfit__V1__ListRubricsResponse *list);
/* What putting a version did. */
void lf_rubric_put_print(struct lf_page *page, const Leadfit__V1__PutRubricResponse *answer);
/* What activating a version did, and how to go back. */
void lf_rubric_activated_print(struct lf_page *page, const Leadfit__V1__ActivateRubricResponse *answer);
/* Who made which version active, and when. */
void lf_rubric_history_print(struct lf_page *page, const Leadfit__V1__RubricHistoryResponse *history);

#endif
