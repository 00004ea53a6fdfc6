#include "client/draw/svg.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "client/term/page.h"
#include "proto/base/buffer.h"
#include "proto/base/harmless.h"

/* Widths in em of DejaVu Sans, the widest of the fonts asked for; bold is wider. */
#define NARROW 0.41
#define PLAIN 0.64
#define CAPITAL 0.79
#define WIDE 1.0
#define BOLD 1.12

/*
 * Length in bytes of the character at text, 0 where it is none that XML 1.0 can hold: U+0009, U+000A, U+000D,
 * U+0020..U+D7FF, U+E000..U+FFFD, U+10000..U+10FFFF, in the shortest UTF-8.
 */
static size_t character_length(const unsigned char *text)
{
	static const uint32_t lowest[] = {0, 0, 0x80, 0x800, 0x10000};
	const size_t length = text[0] < 0x80 ? 1 : text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : text[0] >= 0xc0 ? 2 : 0;
	uint32_t character;
	bool control;

	if (length == 0 || text[0] > 0xf4)
		return 0;
	character = length == 1 ? text[0] : text[0] & (0xffu >> (length + 1));
	for (size_t i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		character = character << 6 | (text[i] & 0x3fu);
	}
	if (character < lowest[length] || character > 0x10ffff || (character >= 0xd800 && character <= 0xdfff) ||
		character == 0xfffe || character == 0xffff)
		return 0;
	control = character < 0x20 || (character >= 0x7f && character <= 0x9f);
	return control && character != '\t' && character != '\n' && character != '\r' ? 0 : length;
}

static void escape(struct lf_buffer *out, const char *text, size_t length)
{
	const unsigned char *c = (const unsigned char *)text, *end = c + length;

	while (c < end) {
		const size_t n = character_length(c);

		if (n == 0 || (n > 1 && lf_unseen((const char *)c, NULL) > 0))
			lf_buffer_append_text(out, "\xef\xbf\xbd");
		else if (*c == '&')
			lf_buffer_append_text(out, "&amp;");
		else if (*c == '<')
			lf_buffer_append_text(out, "&lt;");
		else if (*c == '>')
			lf_buffer_append_text(out, "&gt;");
		else if (*c == '"')
			lf_buffer_append_text(out, "&quot;");
		else if (*c == '\'')
			lf_buffer_append_text(out, "&#39;");
		else
			lf_buffer_append(out, (const char *)c, n);
		c += n == 0 ? 1 : n;
	}
}

static void element(struct lf_svg *svg, const char *name, const char *text)
{
	lf_text_add(svg->out, "<%s>", name);
	escape(svg->out, text, strlen(text));
	lf_text_add(svg->out, "</%s>\n", name);
}

void lf_svg_begin(struct lf_svg *svg, struct lf_buffer *out, double width, double height, const char *title,
	const char *description)
{
	*svg = (struct lf_svg){.out = out};
	lf_text_add(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 "
		"0 %.0f %.0f\" "
		"role=\"img\" font-family=\"'DejaVu Sans', 'Noto Sans', Helvetica, Arial, sans-serif\">\n",
		width, height, width, height);
	element(svg, "title", title);
	element(svg, "desc", description);
	lf_svg_rectangle(svg, 0, 0, width, height, "#ffffff");
}

void lf_svg_end(struct lf_svg *svg)
{
	lf_buffer_append_text(svg->out, "</svg>\n");
}

void lf_svg_rectangle(struct lf_svg *svg, double x, double y, double width, double height, const char *fill)
{
	lf_text_add(svg->out, "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" fill=\"%s\"/>\n", x, y, width,
		height, fill);
}

static void add_stroke(struct lf_buffer *out, const struct lf_svg_stroke *stroke)
{
	lf_text_add(out, " stroke=\"%s\" stroke-width=\"%.2f\"", stroke->color, stroke->width);
	if (stroke->dash != NULL)
		lf_text_add(out, " stroke-dasharray=\"%s\"", stroke->dash);
}

void lf_svg_line(struct lf_svg *svg, double x1, double y1, double x2, double y2, const struct lf_svg_stroke *stroke)
{
	lf_text_add(svg->out, "<line x1=\"%.2f\" y1=\"%.2f\" x2=\"%.2f\" y2=\"%.2f\"", x1, y1, x2, y2);
	add_stroke(svg->out, stroke);
	lf_buffer_append_text(svg->out, "/>\n");
}

static void add_points(struct lf_buffer *out, const struct lf_svg_point *points, size_t count)
{
	lf_buffer_append_text(out, " points=\"");
	for (size_t i = 0; i < count; i++)
		lf_text_add(out, "%s%.2f,%.2f", i == 0 ? "" : " ", points[i].x, points[i].y);
	lf_buffer_append_text(out, "\"");
}

void lf_svg_polyline(
	struct lf_svg *svg, const struct lf_svg_point *points, size_t count, const struct lf_svg_stroke *stroke)
{
	lf_buffer_append_text(svg->out, "<polyline fill=\"none\" stroke-linejoin=\"round\" stroke-linecap=\"round\"");
	add_stroke(svg->out, stroke);
	add_points(svg->out, points, count);
	lf_buffer_append_text(svg->out, "/>\n");
}

void lf_svg_area(struct lf_svg *svg, const struct lf_svg_point *points, size_t count, const char *fill)
{
	lf_text_add(svg->out, "<polygon fill=\"%s\" stroke=\"#ffffff\" stroke-width=\"0.8\"", fill);
	add_points(svg->out, points, count);
	lf_buffer_append_text(svg->out, "/>\n");
}

void lf_svg_dot(struct lf_svg *svg, double x, double y, double radius, const struct lf_svg_stroke *edge)
{
	lf_text_add(svg->out, "<circle cx=\"%.2f\" cy=\"%.2f\" r=\"%.2f\" fill=\"#ffffff\"", x, y, radius);
	add_stroke(svg->out, edge);
	lf_buffer_append_text(svg->out, "/>\n");
}

/* In em; *length: its bytes. */
static double character_width(const char *text, size_t *length)
{
	const size_t n = character_length((const unsigned char *)text);
	char character[8] = "";

	*length = n == 0 ? 1 : n;
	memcpy(character, text, *length);
	if (n > 1)
		return CAPITAL * (double)lf_text_width(character);
	if (strchr("ijltfrI1 .,:;'\"!|()[]/\\-", text[0]) != NULL)
		return NARROW;
	if (strchr("mwMW%@", text[0]) != NULL)
		return WIDE;
	return (text[0] >= 'A' && text[0] <= 'Z') || strchr("<>=+~#&", text[0]) != NULL ? CAPITAL : PLAIN;
}

/* Bytes of text whose width is at most most, in em; *width: theirs. */
static size_t fit(const char *text, double most, double *width)
{
	size_t length = 0, n;

	*width = 0;
	for (; text[length] != '\0'; length += n) {
		const double next = character_width(text + length, &n);

		if (*width + next > most)
			break;
		*width += next;
	}
	return length;
}

double lf_svg_text_width(const char *text, double size)
{
	double width;

	fit(text, INFINITY, &width);
	return width * size;
}

void lf_svg_text(struct lf_svg *svg, double x, double y, const struct lf_svg_font *font, const char *text)
{
	static const char *const anchors[] = {[LF_SVG_START] = "",
		[LF_SVG_MIDDLE] = " text-anchor=\"middle\"",
		[LF_SVG_END] = " text-anchor=\"end\""};
	const double size = font->bold ? font->size * BOLD : font->size, most = font->width_max / size;
	const bool cut = font->width_max > 0 && lf_svg_text_width(text, size) > font->width_max;
	double width;

	lf_text_add(svg->out, "<text x=\"%.2f\" y=\"%.2f\" font-size=\"%.1f\" fill=\"%s\"%s%s>", x, y, font->size,
		font->color, font->bold ? " font-weight=\"bold\"" : "", anchors[font->anchor]);
	if (cut) {
		escape(svg->out, text, fit(text, most > WIDE ? most - WIDE : 0, &width));
		lf_buffer_append_text(svg->out, "…");
	} else {
		escape(svg->out, text, strlen(text));
	}
	lf_buffer_append_text(svg->out, "</text>\n");
}
