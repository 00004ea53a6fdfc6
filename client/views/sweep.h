/* The picture of a sweep: who leads over one of the project's traits. */
#ifndef LF_CLIENT_VIEWS_SWEEP_H
#define LF_CLIENT_VIEWS_SWEEP_H

#include "client/draw/chart.h"
#include "leadfit/v1/scoring.pb-c.h"
#include "proto/base/arena.h"
#include "proto/base/buffer.h"

struct lf_sweep {
	const Leadfit__V1__SweepResponse *response;
	struct lf_chart chart;
	size_t left_out;       /* candidates that are not drawn */
	bool leaders_left_out; /* some of them lead somewhere */
	bool outscored;        /* somewhere a drawn candidate scores higher than the one who leads: who does not meet a
				  condition */
};

/*
 * Makes the chart of a response, in arena; the response outlives it. Those who lead anywhere are drawn, then the next
 * best, up to LF_CHART_SERIES_MAX. Points that do not rise within 0..1, or lack scores, are left out. false where
 * memory ran out.
 */
bool lf_sweep_init(struct lf_sweep *sweep, const Leadfit__V1__SweepResponse *response, struct lf_arena *arena);

/* Writes it for people. */
void lf_sweep_print(struct lf_page *page, struct lf_sweep *sweep);
/* Appends it as an SVG document. false where memory ran out. */
bool lf_sweep_svg(struct lf_buffer *out, struct lf_sweep *sweep, struct lf_arena *arena);

#endif
