/* What became of decisions, for people and as JSON. */
#ifndef LF_CLIENT_VIEWS_OUTCOMES_PAGE_H
#define LF_CLIENT_VIEWS_OUTCOMES_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "client/term/page.h"
#include "leadfit/v1/decisions.pb-c.h"

/* Writes a page of them as a table. headings: it is the first. */
void lf_outcomes_print(struct lf_page *page, const Leadfit__V1__Outcomes *outcomes, bool headings);
/* Appends a page of them to what is one Outcomes message in JSON. printed: how many were appended before. */
void lf_outcomes_json(struct lf_buffer *out, const Leadfit__V1__Outcomes *outcomes, size_t printed);

#endif
