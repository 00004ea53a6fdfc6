/* A decision as a page for people. */
#ifndef LF_CLIENT_VIEWS_DECISION_H
#define LF_CLIENT_VIEWS_DECISION_H

#include <stdbool.h>
#include <stddef.h>

#include "client/term/page.h"
#include "leadfit/v1/scoring.pb-c.h"

/* Writes a decision for people. all: the reasons for every candidate, not only the first few. */
void lf_decision_print(struct lf_page *page, const Leadfit__V1__Decision *decision, bool all);
/* Draws a list of sentences under a title; nothing where it is empty. */
void lf_sentences_print(struct lf_page *page, const char *title, size_t count, char *const *sentences);

#endif
