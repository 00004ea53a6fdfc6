/* Numbers as text: on a page, where NAN is a dash, and in JSON, where it is null. */
#ifndef LF_CLIENT_CALC_FIGURES_H
#define LF_CLIENT_CALC_FIGURES_H

#include <math.h>
#include <stdint.h>

#include "client/calc/statistics.h"
#include "proto/base/buffer.h"
#include "proto/text/json.h"

enum { LF_FIGURE_BYTES = 64 };
enum { LF_DIGEST_SHOWN = 12 }; /* digits: enough to tell versions apart, and to name one by */

/* A share 0..1 as "87%"; "<1%" and ">99%" where rounding would claim none or all. */
enum { LF_PERCENT_BYTES = 16 };
void lf_percent(double share, char out[LF_PERCENT_BYTES]);
/*
 * x to so many decimals, as the sentences of an answer round: halves away from 0. printf() alone makes 0.12 of 0.125.
 * Every number that people read goes through it, once: what is rounded is not rounded again.
 */
enum { LF_FIGURE_DECIMALS_MAX = 13 };
double lf_rounded(double x, unsigned decimals);
/* Decimals from least to most with which a and b, being different, look different. */
unsigned lf_decimals_between(double a, double b, unsigned least, unsigned most);
/* Appends a number in the shortest form that reads back the same: "2.5". value is finite. */
void lf_text_add_number(struct lf_buffer *text, double value);
/* Appends "1 piece", "2.5 pieces". */
void lf_text_add_pieces(struct lf_buffer *text, double count);

/* "0.798", "-" for NAN, rounded as lf_rounded() does. */
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
