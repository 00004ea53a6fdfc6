/* Who looked, as a table for people. */
#ifndef LF_CLIENT_VIEWS_ACCESS_PAGE_H
#define LF_CLIENT_VIEWS_ACCESS_PAGE_H

#include "client/calc/looks.h"
#include "client/term/page.h"

/* The looks are sorted. */
void lf_access_print(struct lf_page *page, const struct lf_looks *looks);

#endif
