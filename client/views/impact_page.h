/* Impact ratios for people, and as JSON. The picture is in draw/pictures.h, CSV in files/impact_csv.h. */
#ifndef LF_CLIENT_VIEWS_IMPACT_PAGE_H
#define LF_CLIENT_VIEWS_IMPACT_PAGE_H

#include "client/calc/impact.h"
#include "client/term/page.h"
#include "proto/base/buffer.h"

void lf_impact_print(struct lf_page *page, const struct lf_groups *groups, const struct lf_impact *impact,
	const struct lf_impact_frame *frame);
void lf_impact_json(struct lf_buffer *out, const struct lf_groups *groups, const struct lf_impact *impact,
	const struct lf_impact_frame *frame);

#endif
