/* Impact ratios as CSV. */
#ifndef LF_CLIENT_FILES_IMPACT_CSV_H
#define LF_CLIENT_FILES_IMPACT_CSV_H

#include "client/calc/impact.h"
#include "proto/base/buffer.h"

/* Appends a line a category, and one a table of those whose category is not known. */
void lf_impact_csv(struct lf_buffer *out, const struct lf_groups *groups, const struct lf_impact *impact);

#endif
