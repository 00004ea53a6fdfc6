/*
 * A line chart as data, drawn as text (chart_text.c) or as SVG (chart_svg.c), and the colours that all pictures share.
 * Colour never tells alone: lines have letters or names at their ends, and dashes.
 */
#ifndef LF_CLIENT_DRAW_CHART_H
#define LF_CLIENT_DRAW_CHART_H

#include <stdbool.h>
#include <stddef.h>

#include "client/term/page.h"
#include "client/draw/svg.h"
#include "proto/base/buffer.h"

enum { LF_HUES = 8, LF_HUE_OTHERS = LF_HUES - 1, LF_CHART_SERIES_MAX = LF_HUES - 1 };

/* After Okabe and Ito's palette, which people with any kind of colour blindness can tell apart. */
struct lf_hue {
	const char *line;    /* on white, at least 3:1 */
	const char *dash;    /* of a line; NULL: unbroken */
	const char *fill;    /* of an area */
	const char *on_fill; /* text upon it, at least 4.5:1 */
	unsigned terminal;   /* of the 256 colours: a line's */
	unsigned ground;     /* an area's */
	unsigned on_ground;  /* text upon it */
};
extern const struct lf_hue lf_hues[LF_HUES];

/* Appends text in a line's colour; as plain text where the page has no colour. */
void lf_page_add_line_hue(struct lf_page *page, size_t hue, const char *text);
/* Appends text upon an area's colour. */
void lf_page_add_area_hue(struct lf_page *page, size_t hue, const char *text);

struct lf_chart_series {
	const char *name;
	const double *y; /* by point; NAN: nothing there */
};

/* A stretch of x in which one series leads. */
struct lf_chart_stretch {
	double from, to;
	size_t series; /* series_count: none that is drawn */
	/* its name, also where it is not drawn; "nobody"; with those who are equal, where there are any */
	const char *first;
};

/* x runs over 0..1. Everything is the caller's, and outlives the drawing. */
struct lf_chart {
	const char *title, *description; /* of the SVG document */
	const char *x_title, *y_title;
	const double *x; /* rising */
	size_t point_count;
	struct lf_chart_series series[LF_CHART_SERIES_MAX];
	size_t series_count;
	double y_min, y_max;
	double mark; /* x of the one value that is the case */
	const char *mark_title;
	const struct lf_chart_stretch *stretches;
	size_t stretch_count;
};

/*
 * Sets y_min and y_max to round numbers around all values (0..1 where there are none), and returns the distance of the
 * grid's lines.
 */
double lf_chart_scale(struct lf_chart *chart);

/* y of a series at x: a straight line between its points; NAN where there is none. */
double lf_chart_at(const struct lf_chart *chart, size_t series, double x);

/*
 * Draws it at most page->width (and 100) columns wide: braille on a terminal that shows UTF-8, else letters. Scales
 * the chart.
 */
void lf_chart_print(struct lf_page *page, struct lf_chart *chart);

/* One part of a bar that is cut in parts. */
struct lf_segment {
	double share; /* of the bar's length; all together at most 1 */
	size_t hue;
	const char *texts[3]; /* the first that fits is written; NULL ends them early */
};
/* Appends a bar of so many columns, each part begun by a line: |A 24%   |B 31%     |. Without a line end. */
void lf_segments_print(struct lf_page *page, size_t width, const struct lf_segment *segments, size_t count);

/*
 * Moves labels apart, in place: at least gap between any two, within low..high where they fit, each as near to its
 * place as a simple rule allows, and in the order of their places. count is at most LF_CHART_SERIES_MAX.
 */
void lf_labels_spread(double *places, size_t count, double gap, double low, double high);

/* Scales the chart, and appends it as a whole SVG document. points is scratch space for point_count points. */
void lf_chart_svg(struct lf_buffer *out, struct lf_chart *chart, struct lf_svg_point *points);

/* Decimals with which these rising numbers, 0..1, look different from each other: 2..6. */
unsigned lf_chart_decimals(const struct lf_chart_stretch *stretches, size_t count);

#endif
