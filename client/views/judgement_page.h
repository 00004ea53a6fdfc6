/* Weights from what people think, for people and as JSON. */
#ifndef LF_CLIENT_VIEWS_JUDGEMENT_PAGE_H
#define LF_CLIENT_VIEWS_JUDGEMENT_PAGE_H

#include "client/calc/judgement.h"
#include "client/term/page.h"

/* Writes it for people, with the weights as a rubric takes them. arena: scratch space. */
void lf_judgement_print(struct lf_page *page, const struct lf_judgement *judgement, struct lf_arena *arena);
/* Appends it as JSON. */
void lf_judgement_json(struct lf_buffer *out, const struct lf_judgement *judgement);

#endif
