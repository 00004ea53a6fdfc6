/* Decisions as lines, for people: a list, and those that are watched as they are made. */
#ifndef LF_CLIENT_VIEWS_DECISIONS_PAGE_H
#define LF_CLIENT_VIEWS_DECISIONS_PAGE_H

#include <stdbool.h>

#include "client/term/page.h"
#include "leadfit/v1/decisions.pb-c.h"

/* Writes a page of the list as a table. headings: it is the first. */
void lf_decisions_print(struct lf_page *page, const Leadfit__V1__ListDecisionsResponse *list, bool headings);
/* What is above the lines of watched decisions. */
void lf_watch_heading_print(struct lf_page *page);
/* A decision that was made, as one line. */
void lf_watch_line_print(struct lf_page *page, const Leadfit__V1__ExportedDecision *exported);

#endif
