/*
 * Writes SVG 1.1: a standalone document, legible on light and dark grounds because it brings its own white one.
 * Coordinates are user units from the top left. Memory that runs out shows in the buffer's failed, so that callers need
 * not check each step.
 */
#ifndef LF_CLIENT_DRAW_SVG_H
#define LF_CLIENT_DRAW_SVG_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/base/buffer.h"
#include "proto/text/json.h"

struct lf_svg {
	struct lf_buffer *out; /* the caller's */
};

struct lf_svg_point {
	double x, y;
};

/* How a line is drawn. */
struct lf_svg_stroke {
	const char *color; /* "#0072b2" */
	double width;
	const char *dash; /* "6 3"; NULL: unbroken */
};

enum lf_svg_anchor { LF_SVG_START, LF_SVG_MIDDLE, LF_SVG_END };

struct lf_svg_font {
	double size;
	const char *color;
	bool bold;
	enum lf_svg_anchor anchor;
	double width_max; /* longer text ends with an ellipsis; 0: is not cut */
};

/* Begins a document. title and description are what a screen reader says. */
void lf_svg_begin(struct lf_svg *svg, struct lf_buffer *out, double width, double height, const char *title,
	const char *description);
void lf_svg_end(struct lf_svg *svg);

void lf_svg_rectangle(struct lf_svg *svg, double x, double y, double width, double height, const char *fill);
void lf_svg_line(struct lf_svg *svg, double x1, double y1, double x2, double y2, const struct lf_svg_stroke *stroke);
void lf_svg_polyline(
	struct lf_svg *svg, const struct lf_svg_point *points, size_t count, const struct lf_svg_stroke *stroke);
/* A filled area with a thin white edge, so that neighbours part. */
void lf_svg_area(struct lf_svg *svg, const struct lf_svg_point *points, size_t count, const char *fill);
/* A white dot with an edge. */
void lf_svg_dot(struct lf_svg *svg, double x, double y, double radius, const struct lf_svg_stroke *edge);
/* One line of text; y is its base line. What XML can't hold (control characters, bad UTF-8) becomes U+FFFD. */
void lf_svg_text(struct lf_svg *svg, double x, double y, const struct lf_svg_font *font, const char *text);

/* About how wide a text is drawn: a guess on the wide side, for fonts differ. Bold is wider. */
double lf_svg_text_width(const char *text, double size);

#endif
