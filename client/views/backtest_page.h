/* A backtest for people. The picture is in draw/pictures.h. */
#ifndef LF_CLIENT_VIEWS_BACKTEST_PAGE_H
#define LF_CLIENT_VIEWS_BACKTEST_PAGE_H

#include "client/calc/backtest.h"
#include "client/term/page.h"

/* Writes the page: summary, outcomes, criteria, projects. */
void lf_backtest_print(struct lf_page *page, const struct lf_backtest *backtest);

/* Begins the table of decisions that come out otherwise; the caller finishes or drops it. */
void lf_flips_begin(struct lf_table *table, struct lf_page *page);
/* Adds one to it. */
void lf_flips_add(struct lf_table *table, const Leadfit__V1__Flip *flip);

#endif
