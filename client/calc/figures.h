/* Figures of reports as text: on a page, where NAN is a dash, and in JSON, where it is null. */
#ifndef LF_CLIENT_TERM_FIGURES_H
#define LF_CLIENT_TERM_FIGURES_H

#include <math.h>
#include <stdint.h>

#include "client/calc/statistics.h"
#include "proto/base/buffer.h"
#include "proto/text/json.h"

enum { LF_FIGURE_BYTES = 64 };

/* "0.798", "-" for NAN. At most 3 decimals, rounded as lf_rounded() does. */
void lf_figure(double value, unsigned decimals, char out[LF_FIGURE_BYTES]);
/* "31% (22%-41%)"; "-" for NAN. */
void lf_figure_share(double share, const struct lf_interval *interval, char out[LF_FIGURE_BYTES]);
/* "0.031", "<0.001", "-" for NAN. */
void lf_figure_p(double p, char out[LF_FIGURE_BYTES]);

/* Each appends before, which ends in the name of the field, and the value. */
void lf_json_add_number(struct lf_buffer *out, const char *before, double value);
void lf_json_add_count(struct lf_buffer *out, const char *before, uint64_t value);
void lf_json_add_text(struct lf_buffer *out, const char *before, const char *text);
void lf_json_add_bool(struct lf_buffer *out, const char *before, bool value);
/* {"low": 0.1, "high": 0.4}; null where it is none. */
void lf_json_add_interval(struct lf_buffer *out, const char *before, const struct lf_interval *interval);

#endif
