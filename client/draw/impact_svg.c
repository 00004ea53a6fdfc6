/* Impact ratios as an SVG document: a bar for each category and measure, and the line of four fifths. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "client/draw/chart.h"
#include "client/draw/pictures.h"
#include "client/calc/figures.h"
#include "proto/base/buffer.h"

#define INK "#1a1a1a"
#define FAINT "#595959"
#define GRID "#e0e0e0"

#define WIDTH 1040.0
#define LEFT 340.0
#define PANEL 345.0 /* from one measure's left edge to the next's */
#define BAR_WIDTH 190.0
#define ROW 26.0
#define BAR 13.0
#define HEAD 64.0 /* of a table: its title and the measures' names */
#define FOOT 40.0
#define TOP 66.0

struct picture {
	struct lf_svg svg;
	const struct lf_groups *groups;
	double y;
};

static double left_of(size_t measure)
{
	return LEFT + PANEL * (double)measure;
}

static void draw_text(struct lf_svg *svg, double x, double y, enum lf_svg_anchor anchor, const char *color,
	double width, const char *text)
{
	const struct lf_svg_font font = {.size = 12, .color = color, .anchor = anchor, .width_max = width};

	lf_svg_text(svg, x, y, &font, text);
}

static void draw_rate(struct picture *picture, const struct lf_impact_category *category, size_t measure)
{
	const struct lf_impact_rate *rate = &category->rates[measure];
	const double left = left_of(measure), width = isnan(rate->ratio) ? 0 : fmin(rate->ratio, 1) * BAR_WIDTH;
	char ratio[LF_FIGURE_BYTES], share[LF_FIGURE_BYTES], text[LF_FIGURE_BYTES * 2 + 64];

	lf_figure(rate->ratio, 3, ratio);
	lf_figure(rate->rate, 3, share);
	/* Colour never tells alone: what is below has the mark, too. */
	lf_svg_rectangle(
		&picture->svg, left, picture->y - BAR / 2, width, BAR, rate->below ? lf_hues[1].fill : lf_hues[0].fill);
	snprintf(text, sizeof(text), "%s%s (%s)", isnan(rate->ratio) && category->small ? "<2%" : ratio,
		rate->below ? " !" : "", share);
	draw_text(&picture->svg, left + BAR_WIDTH + 8, picture->y + 4, LF_SVG_START, INK, PANEL - BAR_WIDTH - 14, text);
}

static void draw_rows(struct picture *picture, const struct lf_impact_table *table)
{
	for (size_t c = 0; c < table->count; c++, picture->y += ROW) {
		const struct lf_impact_category *category = &table->categories[c];
		struct lf_buffer name = {0};

		lf_impact_name(picture->groups, table, category->categories, &name);
		lf_text_add(&name, " (%" PRIu64 ")", category->count);
		if (name.data != NULL)
			draw_text(&picture->svg, LEFT - 10, picture->y + 4, LF_SVG_END, INK, LEFT - 30, name.data);
		picture->svg.out->failed = picture->svg.out->failed || name.failed;
		lf_buffer_clean_up(&name);
		for (size_t m = 0; m < LF_MEASURES; m++)
			draw_rate(picture, category, m);
	}
}

/* The edges at 0 and 1, and the line of four fifths, over rows from top to bottom. */
static void draw_lines(struct picture *picture, double top, double bottom)
{
	static const struct lf_svg_stroke edge = {GRID, 1, NULL}, fifths = {INK, 1.3, "4 3"};

	for (size_t m = 0; m < LF_MEASURES; m++) {
		const double left = left_of(m);

		lf_svg_line(&picture->svg, left, top, left, bottom, &edge);
		lf_svg_line(&picture->svg, left + BAR_WIDTH, top, left + BAR_WIDTH, bottom, &edge);
		lf_svg_line(&picture->svg, left + 0.8 * BAR_WIDTH, top, left + 0.8 * BAR_WIDTH, bottom, &fifths);
		draw_text(&picture->svg, left, bottom + 14, LF_SVG_MIDDLE, FAINT, 0, "0");
		draw_text(&picture->svg, left + 0.8 * BAR_WIDTH, bottom + 14, LF_SVG_MIDDLE, FAINT, 0, "0.8");
		draw_text(&picture->svg, left + BAR_WIDTH, bottom + 14, LF_SVG_MIDDLE, FAINT, 0, "1");
	}
}

static void draw_table(struct picture *picture, const struct lf_impact_table *table)
{
	static const char *const names[LF_MEASURES] = {
		"selection: impact ratio (rate)", "scoring: impact ratio (rate)"};
	const struct lf_svg_font bold = {.size = 14, .color = INK, .bold = true, .width_max = WIDTH - 48};
	struct lf_buffer title = {0};
	double top, bottom;

	lf_buffer_append_text(&title, "By ");
	lf_impact_title(picture->groups, table, &title);
	if (table->unknown > 0)
		lf_text_add(&title, " (%" PRIu64 " more are unknown)", table->unknown);
	if (title.data != NULL)
		lf_svg_text(&picture->svg, 24, picture->y + 18, &bold, title.data);
	picture->svg.out->failed = picture->svg.out->failed || title.failed;
	lf_buffer_clean_up(&title);
	for (size_t m = 0; m < LF_MEASURES; m++)
		draw_text(&picture->svg, left_of(m), picture->y + 42, LF_SVG_START, FAINT, PANEL - 10, names[m]);
	top = picture->y + HEAD - 14;
	bottom = top + ROW * (double)table->count;
	picture->y = top + ROW / 2;
	draw_rows(picture, table);
	draw_lines(picture, top, bottom);
	picture->y = bottom + FOOT;
}

void lf_impact_svg(struct lf_buffer *out, const struct lf_groups *groups, const struct lf_impact *impact)
{
	static const char title[] = "Impact ratios";
	const struct lf_svg_font font = {.size = 17, .color = INK, .bold = true};
	struct picture picture = {.groups = groups, .y = TOP};
	struct lf_buffer text = {0};
	double height = TOP;

	for (size_t t = 0; t < impact->table_count; t++)
		height += HEAD - 14 + ROW * (double)impact->tables[t].count + FOOT;
	lf_text_add(&text,
		"Of %" PRIu64
		" assessments%s; the dashed line is four fifths of the highest rate; ! is below it; <2%%: "
		"too few for a ratio",
		impact->assessed, impact->rubric_count > 1 ? " under several rubrics" : "");
	lf_svg_begin(&picture.svg, out, WIDTH, height, title, text.data == NULL ? "" : text.data);
	lf_svg_text(&picture.svg, 24, 32, &font, title);
	if (text.data != NULL)
		draw_text(&picture.svg, 24, 52, LF_SVG_START, FAINT, WIDTH - 48, text.data);
	out->failed = out->failed || text.failed;
	lf_buffer_clean_up(&text);
	for (size_t t = 0; t < impact->table_count; t++)
		draw_table(&picture, &impact->tables[t]);
	lf_svg_end(&picture.svg);
}
