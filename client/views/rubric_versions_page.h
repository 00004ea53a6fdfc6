/* Which versions of rubrics are stored and active, for people. */
#ifndef LF_CLIENT_VIEWS_RUBRIC_VERSIONS_PAGE_H
#define LF_CLIENT_VIEWS_RUBRIC_VERSIONS_PAGE_H

#include "client/term/page.h"
#include "leadfit/v1/rubrics.pb-c.h"

/* All stored versions, and where a request must name one. */
void lf_rubric_versions_print(struct lf_page *page, const Leadfit__V1__ListRubricsResponse *list);
/* What putting a version did. */
void lf_rubric_put_print(struct lf_page *page, const Leadfit__V1__PutRubricResponse *answer);
/* What activating a version did, and how to go back. */
void lf_rubric_activated_print(struct lf_page *page, const Leadfit__V1__ActivateRubricResponse *answer);
/* What taking a rubric out of use did. */
void lf_rubric_deactivated_print(
	struct lf_page *page, const char *name, const Leadfit__V1__DeactivateRubricResponse *answer);
/* What setting the default rubric did. */
void lf_rubric_default_print(struct lf_page *page, const Leadfit__V1__SetDefaultRubricResponse *answer);
/* The version that a request gets which names no rubric, of those listed; NULL where there is none. */
const Leadfit__V1__RubricVersion *lf_rubric_default_version(const Leadfit__V1__ListRubricsResponse *list);
/* Which rubric is the default, of those listed. */
void lf_rubric_default_of_list_print(struct lf_page *page, const Leadfit__V1__ListRubricsResponse *list);
/* Who made which version active, or which rubric the default, and when. */
void lf_rubric_history_print(struct lf_page *page, const Leadfit__V1__RubricHistoryResponse *history);

#endif
