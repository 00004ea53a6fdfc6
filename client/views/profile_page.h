/* Which discipline a project calls for, for people. */
#ifndef LF_CLIENT_VIEWS_PROFILE_PAGE_H
#define LF_CLIENT_VIEWS_PROFILE_PAGE_H

#include "client/term/page.h"
#include "leadfit/v1/scoring.pb-c.h"

/* Writes it for people. */
void lf_profile_print(struct lf_page *page, const Leadfit__V1__ProfileResponse *profile);

#endif
