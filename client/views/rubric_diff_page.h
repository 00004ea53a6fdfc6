/* What differs between two rubrics, for people and as JSON. */
#ifndef LF_CLIENT_VIEWS_RUBRIC_DIFF_PAGE_H
#define LF_CLIENT_VIEWS_RUBRIC_DIFF_PAGE_H

#include "client/calc/rubric_diff.h"
#include "client/term/page.h"

/* Writes it for people. */
void lf_rubric_diff_print(struct lf_page *page, const struct lf_rubric_diff *diff);
/* Appends the members "changes" and "weights" of a JSON object. */
void lf_rubric_diff_json(const struct lf_rubric_diff *diff, struct lf_buffer *out);

#endif
