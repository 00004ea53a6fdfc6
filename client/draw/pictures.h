/* The pictures of reports. Each appends a whole SVG document; memory that runs out shows in out->failed. */
#ifndef LF_CLIENT_DRAW_PICTURES_H
#define LF_CLIENT_DRAW_PICTURES_H

#include "client/calc/backtest.h"
#include "client/calc/impact.h"
#include "client/calc/report.h"
#include "proto/base/buffer.h"

/* Bars of flips by criterion, and the outcomes old by new. */
void lf_backtest_svg(struct lf_buffer *out, const struct lf_backtest *backtest);
/* A bar for each category and measure, and the line of four fifths. */
void lf_impact_svg(struct lf_buffer *out, const struct lf_groups *groups, const struct lf_impact *impact);
/* How often people agreed, with intervals, and the mean result by score. */
void lf_report_svg(struct lf_buffer *out, const struct lf_report *report);

#endif
