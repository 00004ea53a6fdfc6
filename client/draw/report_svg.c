/* The report as an SVG document: how often people agreed, with intervals, and the mean result by score. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "client/calc/figures.h"
#include "client/draw/chart.h"
#include "client/draw/pictures.h"
#include "proto/base/buffer.h"

#define INK "#1a1a1a"
#define FAINT "#595959"
#define GRID "#e0e0e0"

#define WIDTH 900.0
#define LEFT 220.0
#define RIGHT 620.0
#define ROW 34.0
#define BAR 14.0

struct picture {
	struct lf_svg svg;
	const struct lf_report *report;
	double y; /* of the next row's middle */
};

static double place(double share)
{
	return LEFT + (RIGHT - LEFT) * share;
}

static void draw_text(
	struct lf_svg *svg, double x, double y, enum lf_svg_anchor anchor, bool bold, double width, const char *text)
{
	const struct lf_svg_font font = {.size = 12, .color = INK, .bold = bold, .anchor = anchor, .width_max = width};

	lf_svg_text(svg, x, y, &font, text);
}

/* A scale of five steps over rows from top to bottom. */
static void draw_scale(
	struct picture *picture, double top, double bottom, double first, double step, const char *format)
{
	enum { STEPS = 4 };
	static const struct lf_svg_stroke line = {GRID, 1, NULL};

	for (int i = 0; i <= STEPS; i++) {
		char number[32];
		const double x = place((double)i / STEPS);

		snprintf(number, sizeof(number), format, first + step * i);
		lf_svg_line(&picture->svg, x, top, x, bottom, &line);
		draw_text(&picture->svg, x, bottom + 16, LF_SVG_MIDDLE, false, 0, number);
	}
}

static void draw_rate(struct picture *picture, const char *name, const struct lf_report_kind *kind)
{
	static const struct lf_svg_stroke whisker = {INK, 1.6, NULL};
	const struct lf_interval interval = lf_wilson(kind->accepted, kind->recorded);
	char text[96];

	draw_text(&picture->svg, LEFT - 10, picture->y + 4, LF_SVG_END, false, LEFT - 30, name);
	if (kind->recorded > 0) {
		const double rate = (double)kind->accepted / (double)kind->recorded;

		lf_svg_rectangle(&picture->svg, LEFT, picture->y - BAR / 2, place(rate) - LEFT, BAR, lf_hues[0].fill);
		lf_svg_line(&picture->svg, place(interval.low), picture->y, place(interval.high), picture->y, &whisker);
		lf_svg_line(&picture->svg, place(interval.low), picture->y - 5, place(interval.low), picture->y + 5,
			&whisker);
		lf_svg_line(&picture->svg, place(interval.high), picture->y - 5, place(interval.high), picture->y + 5,
			&whisker);
	}
	snprintf(text, sizeof(text), "%" PRIu64 " of %" PRIu64 " recorded, %" PRIu64 " decisions", kind->accepted,
		kind->recorded, kind->decisions);
	draw_text(&picture->svg, RIGHT + 14, picture->y + 4, LF_SVG_START, false, WIDTH - RIGHT - 20, text);
	picture->y += ROW;
}

static void draw_mean(struct picture *picture, const char *name, const struct lf_report_mean *mean)
{
	char text[96], number[LF_FIGURE_BYTES];

	draw_text(&picture->svg, LEFT - 10, picture->y + 4, LF_SVG_END, false, LEFT - 30, name);
	if (mean->count >= LF_BAND_NEEDED) {
		const double value = lf_report_mean(mean);

		lf_svg_rectangle(
			&picture->svg, LEFT, picture->y - BAR / 2, place((value - 1) / 4) - LEFT, BAR, lf_hues[2].fill);
		lf_figure(value, 2, number);
		snprintf(text, sizeof(text), "%s, %" PRIu64 " results", number, mean->count);
	} else {
		snprintf(text, sizeof(text), "too few: %" PRIu64, mean->count);
	}
	draw_text(&picture->svg, RIGHT + 14, picture->y + 4, LF_SVG_START, false, WIDTH - RIGHT - 20, text);
	picture->y += ROW;
}

static void draw_rates(struct picture *picture)
{
	const struct lf_report *report = picture->report;
	const double top = picture->y + 14;
	size_t rows = 1;

	for (size_t kind = 0; kind < LF_KINDS; kind++)
		rows += report->kinds[kind].decisions > 0;
	draw_text(&picture->svg, 24, picture->y, LF_SVG_START, true, 0,
		"Agreement: accepted of those recorded, with 95% intervals (Wilson)");
	draw_scale(picture, top, top + ROW * (double)rows, 0, 25, "%.0f%%");
	picture->y = top + ROW / 2;
	for (size_t kind = 1; kind <= LF_KINDS; kind++)
		if (report->kinds[kind % LF_KINDS].decisions > 0)
			draw_rate(picture, lf_report_kind_name(kind % LF_KINDS), &report->kinds[kind % LF_KINDS]);
	draw_rate(picture, "all", &report->all);
	picture->y += 44;
}

static void draw_results(struct picture *picture)
{
	const struct lf_report *report = picture->report;
	const double top = picture->y + 36;
	struct lf_buffer verdict = {0};
	size_t rows = 0;

	for (size_t b = 0; b < LF_BANDS; b++)
		rows += report->bands[b].count > 0;
	draw_text(&picture->svg, 24, picture->y, LF_SVG_START, true, 0, "Mean result, by the score of who led");
	lf_report_verdict(report, &verdict);
	if (verdict.data != NULL)
		draw_text(&picture->svg, 24, picture->y + 20, LF_SVG_START, false, WIDTH - 30, verdict.data);
	picture->svg.out->failed = picture->svg.out->failed || verdict.failed;
	lf_buffer_clean_up(&verdict);
	if (rows == 0)
		return;
	draw_scale(picture, top, top + ROW * (double)rows, 1, 1, "%.0f");
	picture->y = top + ROW / 2;
	for (size_t b = 0; b < LF_BANDS; b++) {
		char name[LF_BAND_NAME_BYTES];

		lf_report_band_name(b, name);
		if (report->bands[b].count > 0)
			draw_mean(picture, name, &report->bands[b]);
	}
}

void lf_report_svg(struct lf_buffer *out, const struct lf_report *report)
{
	static const char title[] = "What became of decisions";
	const struct lf_svg_font font = {.size = 17, .color = INK, .bold = true};
	struct picture picture = {.report = report, .y = 70};
	size_t rows = 1;

	for (size_t kind = 0; kind < LF_KINDS; kind++)
		rows += report->kinds[kind].decisions > 0;
	for (size_t b = 0; b < LF_BANDS; b++)
		rows += report->bands[b].count > 0;
	lf_svg_begin(&picture.svg, out, WIDTH, 240 + ROW * (double)rows, title,
		"The latest decision of each rubric, team and project: how often it was accepted, and the mean result "
		"by the "
		"score of who led");
	lf_svg_text(&picture.svg, 24, 32, &font, title);
	draw_rates(&picture);
	draw_results(&picture);
	lf_svg_end(&picture.svg);
}
