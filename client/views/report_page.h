/* The report about decisions, for people, and as JSON. The picture is in draw/pictures.h. */
#ifndef LF_CLIENT_VIEWS_REPORT_PAGE_H
#define LF_CLIENT_VIEWS_REPORT_PAGE_H

#include "client/term/page.h"
#include "client/calc/report.h"
#include "proto/base/buffer.h"

/* What the report was made of, beside itself. */
struct lf_report_frame {
	uint64_t superseded;     /* decisions that a later one has replaced */
	uint64_t other_outcomes; /* decisions with an outcome that are not counted: replaced, or not selected */
	const struct lf_report_rubric *rubrics; /* the report's parts, by name */
	size_t rubric_count;
};

void lf_report_print(struct lf_page *page, const struct lf_report *report, const struct lf_report_frame *frame);
void lf_report_json(struct lf_buffer *out, const struct lf_report *report, const struct lf_report_frame *frame);

#endif
