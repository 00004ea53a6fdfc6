/* A line chart as an SVG document: lines, the names at their ends, who leads in a strip below. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "client/calc/figures.h"
#include "client/draw/chart.h"
#include "proto/base/buffer.h"

#define INK "#1a1a1a"
#define FAINT "#595959"
#define GRID "#e0e0e0"

/* The page, and the plot in it. */
#define WIDTH 900.0
#define LEFT 70.0
#define RIGHT 720.0
#define TOP 110.0
#define ABOVE (TOP - 30) /* the row of titles over the plot: the numbers of crossings at its top lie below them */
#define BOTTOM 420.0
#define STRIP 428.0 /* top of the strip that says who leads */
#define STRIP_HEIGHT 24.0
#define STRIP_END (STRIP + STRIP_HEIGHT)
#define HEIGHT 520.0
#define LABEL_GAP 17.0

struct plot {
	const struct lf_chart *chart;
	struct lf_svg svg;
	struct lf_svg_point *points; /* as many as the chart has */
};

static double place_x(double x)
{
	return LEFT + (RIGHT - LEFT) * (x > 1 ? 1 : x > 0 ? x : 0);
}

static double place_y(const struct lf_chart *chart, double y)
{
	const double part = (chart->y_max - y) / (chart->y_max - chart->y_min);

	return TOP + (BOTTOM - TOP) * (part > 1 ? 1 : part > 0 ? part : 0);
}

static void draw_text(struct lf_svg *svg, double x, double y, enum lf_svg_anchor anchor, const char *text)
{
	const struct lf_svg_font font = {.size = 12, .color = INK, .anchor = anchor};

	lf_svg_text(svg, x, y, &font, text);
}

static void draw_frame(struct plot *plot, double grid)
{
	enum { TICKS = 5 };
	static const struct lf_svg_stroke line = {GRID, 1, NULL}, axis = {FAINT, 1, NULL};
	const struct lf_svg_font title = {.size = 17, .color = INK, .bold = true, .width_max = WIDTH - LEFT};
	const struct lf_svg_font faint = {.size = 12, .color = FAINT, .width_max = WIDTH - LEFT};
	const struct lf_chart *chart = plot->chart;
	struct lf_svg *svg = &plot->svg;
	char number[32];
	struct lf_svg_font x_title;

	lf_svg_text(svg, 24, 32, &title, chart->title);
	lf_svg_text(svg, 24, 54, &faint, chart->description);
	lf_svg_text(svg, 24, ABOVE, &faint, chart->y_title);
	for (double y = chart->y_min; y < chart->y_max + grid / 2; y += grid) {
		lf_svg_line(svg, LEFT, place_y(chart, y), RIGHT, place_y(chart, y), &line);
		snprintf(number, sizeof(number), "%.2f", y);
		draw_text(svg, LEFT - 8, place_y(chart, y) + 4, LF_SVG_END, number);
	}
	for (int i = 0; i <= TICKS; i++) {
		const double x = (double)i / TICKS;

		lf_svg_line(svg, place_x(x), BOTTOM, place_x(x), BOTTOM + 5, &axis);
		lf_svg_line(svg, place_x(x), STRIP_END, place_x(x), STRIP_END + 5, &axis);
		snprintf(number, sizeof(number), "%.1f", x);
		draw_text(svg, place_x(x), STRIP_END + 20, LF_SVG_MIDDLE, number);
	}
	lf_svg_line(svg, LEFT, BOTTOM, RIGHT, BOTTOM, &axis);
	x_title = (struct lf_svg_font){.size = 12, .color = INK, .anchor = LF_SVG_MIDDLE, .width_max = RIGHT - LEFT};
	lf_svg_text(svg, (LEFT + RIGHT) / 2, STRIP_END + 42, &x_title, chart->x_title);
}

/* The one value of x that is the case. */
static void draw_mark(struct plot *plot)
{
	static const struct lf_svg_stroke line = {FAINT, 1.2, "2 3"};
	const double x = place_x(plot->chart->mark);
	const struct lf_svg_font font = {.size = 12,
		.color = FAINT,
		.anchor = x > RIGHT - 60 ? LF_SVG_END
			: x < LEFT + 60  ? LF_SVG_START
					 : LF_SVG_MIDDLE};

	lf_svg_line(&plot->svg, x, ABOVE + 5, x, STRIP, &line);
	lf_svg_text(&plot->svg, x, ABOVE, &font, plot->chart->mark_title);
}

/* A series, in pieces where there are gaps. */
static void draw_series(struct plot *plot, size_t series)
{
	const struct lf_chart *chart = plot->chart;
	const struct lf_svg_stroke stroke = {lf_hues[series].line, 2.4, lf_hues[series].dash};
	size_t count = 0;

	for (size_t i = 0; i <= chart->point_count; i++) {
		if (i < chart->point_count && !isnan(chart->series[series].y[i])) {
			plot->points[count++] =
				(struct lf_svg_point){place_x(chart->x[i]), place_y(chart, chart->series[series].y[i])};
			continue;
		}
		if (count > 0)
			lf_svg_polyline(&plot->svg, plot->points, count, &stroke);
		count = 0;
	}
}

/* Where the first place changes hands: a line down to the strip, a dot, the number above it. */
static void draw_crossings(struct plot *plot)
{
	const struct lf_chart *chart = plot->chart;
	const unsigned decimals = lf_chart_decimals(chart->stretches, chart->stretch_count);
	static const struct lf_svg_stroke line = {INK, 1, "1 3"}, edge = {INK, 1.5, NULL};
	double taken = 0;

	for (size_t i = 1; i < chart->stretch_count; i++) {
		const struct lf_chart_stretch *stretch = &chart->stretches[i];
		const double x = place_x(stretch->from);
		const double value = stretch->series < chart->series_count
			? lf_chart_at(chart, stretch->series, stretch->from)
			: NAN;
		double y, half;
		char number[32];

		if (isnan(value))
			continue;
		y = place_y(chart, value);
		snprintf(number, sizeof(number), "%.*f", (int)decimals, lf_rounded(stretch->from, decimals));
		half = lf_svg_text_width(number, 12) / 2;
		lf_svg_line(&plot->svg, x, y, x, STRIP, &line);
		lf_svg_dot(&plot->svg, x, y, 4.5, &edge);
		if (x - half < taken) /* near to the one before: the page has the number */
			continue;
		lf_svg_rectangle(&plot->svg, x - half - 2, y - 25, 2 * half + 4, 16, "#ffffff");
		draw_text(&plot->svg, x, y - 12, LF_SVG_MIDDLE, number);
		taken = x + half + 4;
	}
}

static void draw_strip(struct plot *plot)
{
	const struct lf_chart *chart = plot->chart;

	draw_text(&plot->svg, LEFT - 8, STRIP + 16, LF_SVG_END, "first");
	for (size_t i = 0; i < chart->stretch_count; i++) {
		const struct lf_chart_stretch *stretch = &chart->stretches[i];
		const bool known = stretch->series < chart->series_count;
		const struct lf_hue *hue = &lf_hues[known ? stretch->series : LF_HUE_OTHERS];
		const double from = place_x(stretch->from), width = place_x(stretch->to) - from;
		struct lf_svg_font font;

		lf_svg_rectangle(&plot->svg, from, STRIP, width, STRIP_HEIGHT, hue->fill);
		font = (struct lf_svg_font){.size = 12,
			.color = hue->on_fill,
			.anchor = LF_SVG_MIDDLE,
			.bold = true,
			.width_max = width - 6};
		if (width > 24)
			lf_svg_text(&plot->svg, from + width / 2, STRIP + 16, &font, stretch->first);
		if (i > 0)
			lf_svg_line(&plot->svg, from, STRIP, from, STRIP + STRIP_HEIGHT,
				&(struct lf_svg_stroke){"#ffffff", 1.5, NULL});
	}
}

/* The names at the lines' right ends, each joined to its line, with a piece of the line before it. */
static void draw_names(struct plot *plot)
{
	const struct lf_chart *chart = plot->chart;
	double ends[LF_CHART_SERIES_MAX], places[LF_CHART_SERIES_MAX];
	size_t shown[LF_CHART_SERIES_MAX], count = 0;

	for (size_t s = 0; s < chart->series_count; s++) {
		double last = NAN;

		for (size_t i = 0; i < chart->point_count; i++)
			if (!isnan(chart->series[s].y[i]))
				last = chart->series[s].y[i];
		if (isnan(last))
			continue;
		ends[count] = places[count] = place_y(chart, last);
		shown[count++] = s;
	}
	lf_labels_spread(places, count, LABEL_GAP, TOP, BOTTOM);
	for (size_t i = 0; i < count; i++) {
		const struct lf_hue *hue = &lf_hues[shown[i]];
		const struct lf_svg_stroke join = {FAINT, 0.7, NULL}, sample = {hue->line, 2.4, hue->dash};
		const struct lf_svg_font font = {.size = 12, .color = INK, .width_max = WIDTH - RIGHT - 64};

		lf_svg_line(&plot->svg, RIGHT + 2, ends[i], RIGHT + 16, places[i], &join);
		lf_svg_line(&plot->svg, RIGHT + 18, places[i], RIGHT + 48, places[i], &sample);
		lf_svg_text(&plot->svg, RIGHT + 54, places[i] + 4, &font, chart->series[shown[i]].name);
	}
}

void lf_chart_svg(struct lf_buffer *out, struct lf_chart *chart, struct lf_svg_point *points)
{
	struct plot plot = {.chart = chart, .points = points};
	const double grid = lf_chart_scale(chart);

	lf_svg_begin(&plot.svg, out, WIDTH, HEIGHT, chart->title, chart->description);
	draw_frame(&plot, grid);
	draw_mark(&plot);
	draw_strip(&plot);
	for (size_t s = chart->series_count; s-- > 0;) /* the first is drawn last, upon the others */
		draw_series(&plot, s);
	draw_crossings(&plot);
	draw_names(&plot);
	lf_svg_end(&plot.svg);
}
