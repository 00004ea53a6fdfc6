/* The report about decisions, for people, as JSON, and as a picture. */
#ifndef LF_CLIENT_VIEWS_REPORT_PAGE_H
#define LF_CLIENT_VIEWS_REPORT_PAGE_H

#include "client/term/page.h"
#include "client/calc/report.h"
#include "proto/base/buffer.h"

/* What the report was made of, beside itself. */
struct lf_report_frame {
	uint64_t superseded;     /* decisions that a later one has replaced */
	uint64_t other_outcomes; /* decisions with an outcome that are not counted: replaced, or not selected */
};

void lf_report_print(struct lf_page *page, const struct lf_report *report, const struct lf_report_frame *frame);
void lf_report_json(struct lf_buffer *out, const struct lf_report *report, const struct lf_report_frame *frame);
void lf_report_svg(struct lf_buffer *out, const struct lf_report *report);

/* "RECOMMENDED" */
const char *lf_report_kind_name(size_t kind);
/* "0.7..0.8" */
enum { LF_BAND_NAME_BYTES = 16 };
void lf_report_band_name(size_t band, char out[LF_BAND_NAME_BYTES]);
/* What the data say about score and result, as a sentence. text is scratch space, empty. */
void lf_report_verdict(const struct lf_report *report, struct lf_buffer *text);

#endif
