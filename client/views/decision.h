/* A decision as a page for people. */
#ifndef LF_CLIENT_VIEWS_DECISION_H
#define LF_CLIENT_VIEWS_DECISION_H

#include <stdbool.h>
#include <stddef.h>

#include "client/term/page.h"
#include "leadfit/v1/scoring.pb-c.h"

enum {
	LF_SHOW_ALL = 1,        /* the reasons for every candidate, not only for the first few */
	LF_SHOW_RANK_TABLE = 2, /* how often each candidate has each rank, where the decision has it */
};

/* Writes a decision for people. show: what more than the usual. */
void lf_decision_print(struct lf_page *page, const Leadfit__V1__Decision *decision, unsigned show);
/* Draws a list of sentences under a title; nothing where it is empty. */
void lf_sentences_print(struct lf_page *page, const char *title, size_t count, char *const *sentences);

#endif
