/* A rubric in plain words. */
#ifndef LF_CLIENT_VIEWS_RUBRIC_EXPLAIN_H
#define LF_CLIENT_VIEWS_RUBRIC_EXPLAIN_H

#include "client/draw/rubric_picture.h"

/* Writes the picture's rubric for somebody who never saw its file, the picture included. arena: scratch space. */
void lf_rubric_explain(struct lf_page *page, const struct lf_weight_picture *picture, struct lf_arena *arena);

/* The part of it about evidence, conditions, thresholds, doubt and disciplines. */
void lf_rubric_explain_rules(struct lf_page *page, const Leadfit__V1__Rubric *rubric);

/* The title of a discipline, else its id. */
const char *lf_discipline_title(const Leadfit__V1__Rubric *rubric, const char *id);
/* What stands before the i-th of count in a list: " and ", ", " or nothing. */
const char *lf_joint(size_t i, size_t count);

#endif
