/* A stored rubric as a page for people. */
#ifndef LF_CLIENT_VIEWS_RUBRIC_PAGE_H
#define LF_CLIENT_VIEWS_RUBRIC_PAGE_H

#include "client/term/page.h"
#include "leadfit/v1/rubrics.pb-c.h"

/* Writes a rubric for people. */
void lf_rubric_print(struct lf_page *page, const Leadfit__V1__GetRubricResponse *response);
/* Writes which version it is and who put it; nothing where it is not a stored one. */
void lf_rubric_version_print(struct lf_page *page, const Leadfit__V1__GetRubricResponse *response);
/* Writes what the ratings of a criterion mean. text is scratch space, empty. */
void lf_levels_print(struct lf_page *page, struct lf_buffer *text, const Leadfit__V1__Criterion *criterion);

#endif
