/* A rubric in plain words. */
#ifndef LF_CLIENT_RUBRIC_EXPLAIN_H
#define LF_CLIENT_RUBRIC_EXPLAIN_H

#include "client/rubric_picture.h"

/* Writes the picture's rubric for somebody who never saw its file, the picture included. arena: scratch space. */
void lf_rubric_explain(struct lf_page *page, const struct lf_weight_picture *picture, struct lf_arena *arena);

#endif
