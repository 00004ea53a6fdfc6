/* A decision that a proof proves, for people. */
#ifndef LF_CLIENT_VIEWS_PROOF_PAGE_H
#define LF_CLIENT_VIEWS_PROOF_PAGE_H

#include "client/term/page.h"
#include "leadfit/v1/printed.pb-c.h"

/* Writes it for people. */
void lf_proved_print(struct lf_page *page, const Leadfit__V1__ProvedDecision *proved);

#endif
