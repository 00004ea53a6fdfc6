/* A backtest for people. The picture is in draw/pictures.h. */
#ifndef LF_CLIENT_VIEWS_BACKTEST_PAGE_H
#define LF_CLIENT_VIEWS_BACKTEST_PAGE_H

#include "client/calc/backtest.h"
#include "client/term/page.h"

/* Writes the page: summary, outcomes, criteria, projects. */
void lf_backtest_print(struct lf_page *page, const struct lf_backtest *backtest);

#endif
