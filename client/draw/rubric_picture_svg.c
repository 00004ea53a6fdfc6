/* How weights move with traits, as SVG: a panel of stacked areas for each trait, the shares written into them. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "client/calc/figures.h"
#include "client/draw/rubric_picture.h"
#include "proto/base/buffer.h"

#define INK "#1a1a1a"
#define FAINT "#595959"

/* Of the page, from its edges. */
#define LEFT 62.0
#define RIGHT 24.0
#define LEGEND_TOP 74.0
#define LEGEND_ROW 24.0
#define LEGEND_BEGIN 32.0  /* the swatch before a name, and the space after it */
#define PANELS_WIDTH 842.0 /* of a row of panels, the gaps included */
#define PANEL_HEIGHT 190.0
#define PANEL_GAP 28.0
#define PANEL_ROW 270.0 /* from one panel's top to the next below */
#define FONT 12.0
#define TEXT_HEIGHT 13.0 /* an area lower than this has no text */

enum { PANELS_ACROSS = 3, STEPS = 40 };

struct page {
	const struct lf_weight_picture *picture;
	struct lf_svg svg;
	double width, panel_width, legend_bottom;
	size_t across, legend_across;
};

static size_t panel_count(const struct lf_weight_picture *picture)
{
	size_t count = 0;

	for (size_t t = 0; t < picture->model.trait_count; t++)
		count += lf_weight_picture_has(picture, t);
	return count;
}

/* As many as there is room for the longest name, at most most. */
static size_t legend_columns(const struct lf_weight_picture *picture, double width, size_t most)
{
	struct lf_buffer name = {0};
	double longest = 0;

	for (size_t a = 0; a < picture->areas; a++) {
		double text;

		name.length = 0;
		lf_weight_picture_name(picture, a, &name);
		text = name.data == NULL ? 0 : lf_svg_text_width(name.data, FONT);
		longest = text > longest ? text : longest;
	}
	lf_buffer_clean_up(&name);
	while (most > 1 && width / (double)most - LEGEND_BEGIN < longest)
		most--;
	return most;
}

static void draw_legend(struct page *page)
{
	const double column = (page->width - 24 - RIGHT) / (double)page->legend_across;
	struct lf_buffer name = {0};

	for (size_t a = 0; a < page->picture->areas; a++) {
		const double x = 24 + column * (double)(a % page->legend_across),
			     y = LEGEND_TOP + LEGEND_ROW * (double)(a / page->legend_across);
		const char letter[] = {lf_weight_picture_letter(page->picture, a), '\0'};
		const struct lf_svg_font on = {
			.size = FONT, .color = lf_hues[a].on_fill, .bold = true, .anchor = LF_SVG_MIDDLE};
		const struct lf_svg_font font = {.size = FONT, .color = INK, .width_max = column - LEGEND_BEGIN};

		lf_svg_rectangle(&page->svg, x, y, 20, 17, lf_hues[a].fill);
		lf_svg_text(&page->svg, x + 10, y + 13, &on, letter);
		name.length = 0;
		lf_weight_picture_name(page->picture, a, &name);
		if (name.data != NULL)
			lf_svg_text(&page->svg, x + 27, y + 13, &font, name.data);
	}
	page->svg.out->failed = page->svg.out->failed || name.failed;
	lf_buffer_clean_up(&name);
}

/* What lies above each area at each step: sums[step][area], from 0 at the top to 1. */
static void stack(const struct lf_weight_picture *picture, size_t trait, double sums[STEPS + 1][LF_HUES + 1])
{
	for (size_t i = 0; i <= STEPS; i++) {
		double areas[LF_HUES];

		lf_weight_picture_at(picture, trait, (double)i / STEPS, areas);
		sums[i][0] = 0;
		for (size_t a = 0; a < LF_HUES; a++)
			sums[i][a + 1] = sums[i][a] + areas[a];
	}
}

/* Where the line at the assumed value, at x line, would run through the text, it is parted by the area's ground. */
static void draw_share(
	struct page *page, double x, double y, enum lf_svg_anchor anchor, size_t area, const char *text, double line)
{
	const double width = lf_svg_text_width(text, FONT - 1), begin = anchor == LF_SVG_END ? x - width : x;
	struct lf_svg_font font;

	if (anchor != LF_SVG_MIDDLE && line > begin - 2 && line < begin + width + 2)
		lf_svg_rectangle(&page->svg, line - 1, y - TEXT_HEIGHT / 2, 2, TEXT_HEIGHT, lf_hues[area].fill);
	font = (struct lf_svg_font){
		.size = FONT - 1, .color = lf_hues[area].on_fill, .anchor = anchor, .bold = anchor == LF_SVG_MIDDLE};
	lf_svg_text(&page->svg, x, y + 4, &font, text);
}

/* Where in the middle half the area is highest, clear of the line at the assumed value. */
static size_t highest_step(const struct page *page, double assumed, size_t area, double sums[STEPS + 1][LF_HUES + 1])
{
	const double clear = TEXT_HEIGHT / page->panel_width;
	size_t highest = SIZE_MAX;

	for (size_t i = STEPS / 4; i <= STEPS * 3 / 4; i++) {
		const double from_line = (double)i / STEPS - assumed;

		if (from_line > -clear && from_line < clear)
			continue;
		if (highest == SIZE_MAX ||
			sums[i][area + 1] - sums[i][area] > sums[highest][area + 1] - sums[highest][area] + 1e-3)
			highest = i;
	}
	return highest;
}

/* The share at both ends, and the letter where the area is highest. */
static void draw_labels(
	struct page *page, double left, double top, double assumed, size_t area, double sums[STEPS + 1][LF_HUES + 1])
{
	const size_t highest = highest_step(page, assumed, area, sums);
	char text[LF_PERCENT_BYTES];
	const size_t steps[] = {0, highest, STEPS};

	for (size_t k = 0; k < 3; k++) {
		const double *at = sums[steps[k]], share = at[area + 1] - at[area];
		double y, x;

		if (share * PANEL_HEIGHT < TEXT_HEIGHT)
			continue;
		y = top + PANEL_HEIGHT * (at[area] + at[area + 1]) / 2;
		x = left + page->panel_width * (double)steps[k] / STEPS;
		if (k == 1)
			snprintf(text, sizeof(text), "%c", lf_weight_picture_letter(page->picture, area));
		else
			lf_percent(share, text);
		draw_share(page,
			k == 0           ? x + 5
				: k == 1 ? x
					 : x - 5,
			y,
			k == 0           ? LF_SVG_START
				: k == 1 ? LF_SVG_MIDDLE
					 : LF_SVG_END,
			area, text, left + page->panel_width * assumed);
	}
}

static void draw_shares_axis(struct page *page, double left, double top)
{
	const struct lf_svg_font beside = {.size = FONT - 1, .color = FAINT, .anchor = LF_SVG_END};
	char text[16];

	for (int i = 0; i <= 2; i++) {
		snprintf(text, sizeof(text), "%d%%", i * 50);
		lf_svg_text(&page->svg, left - 6, top + PANEL_HEIGHT * (2 - i) / 2 + 4, &beside, text);
	}
}

static void draw_trait_axis(struct page *page, double left, double top, double value)
{
	static const struct lf_svg_stroke axis = {FAINT, 1, NULL}, assumed = {INK, 1.2, "3 3"};
	const struct lf_svg_font below = {.size = FONT - 1, .color = FAINT, .anchor = LF_SVG_MIDDLE};
	const double bottom = top + PANEL_HEIGHT;
	const double x = left + page->panel_width * (value > 1 ? 1 : value > 0 ? value : 0);
	char text[48];
	struct lf_svg_font note;

	for (int i = 0; i <= 2; i++) {
		const double tick_x = left + page->panel_width * i / 2;

		snprintf(text, sizeof(text), "%.1f", i / 2.0);
		lf_svg_line(&page->svg, tick_x, bottom, tick_x, bottom + 4, &axis);
		lf_svg_text(&page->svg, tick_x, bottom + 17, &below, text);
	}
	lf_svg_line(&page->svg, x, top - 4, x, bottom + 4, &assumed);
	note = (struct lf_svg_font){.size = FONT - 1,
		.color = FAINT,
		.anchor = value > 0.8 ? LF_SVG_END
			: value < 0.2 ? LF_SVG_START
				      : LF_SVG_MIDDLE};
	snprintf(text, sizeof(text), "%.2f is assumed", lf_rounded(value, 2));
	lf_svg_text(&page->svg, x, bottom + 33, &note, text);
}

/* trait == trait_count: all traits are as assumed, and no axis tells one. */
static void draw_panel(struct page *page, size_t index, size_t trait)
{
	double sums[STEPS + 1][LF_HUES + 1];
	struct lf_svg_point points[2 * (STEPS + 1)];
	const bool one = trait < page->picture->model.trait_count;
	const Leadfit__V1__Trait *which = one ? page->picture->rubric->traits[trait] : NULL;
	const double assumed = one ? page->picture->model.assumed[trait] : INFINITY;
	const double left = LEFT + (page->panel_width + PANEL_GAP) * (double)(index % page->across);
	const double top = page->legend_bottom + 36 + PANEL_ROW * (double)(index / page->across);
	const struct lf_svg_font title = {.size = FONT + 1, .color = INK, .bold = true, .width_max = page->panel_width};

	stack(page->picture, trait, sums);
	lf_svg_text(&page->svg, left, top - 10, &title,
		one ? lf_title_or_id(which->title, which->id) : "whatever the project");
	for (size_t a = 0; a < page->picture->areas; a++) {
		for (size_t i = 0; i <= STEPS; i++) {
			const double x = left + page->panel_width * (double)i / STEPS;

			points[i] = (struct lf_svg_point){x, top + PANEL_HEIGHT * sums[i][a]};
			points[2 * STEPS + 1 - i] = (struct lf_svg_point){x, top + PANEL_HEIGHT * sums[i][a + 1]};
		}
		lf_svg_area(&page->svg, points, 2 * (STEPS + 1), lf_hues[a].fill);
	}
	if (left <= LEFT)
		draw_shares_axis(page, left, top);
	if (one)
		draw_trait_axis(page, left, top, assumed);
	for (size_t a = 0; a < page->picture->areas; a++)
		draw_labels(page, left, top, assumed, a, sums);
}

void lf_weight_picture_svg(struct lf_buffer *out, const struct lf_weight_picture *picture)
{
	const size_t moving = panel_count(picture), panels = moving > 0 ? moving : 1;
	const char *description = moving > 0
		? "The share of weight of each criterion as one trait goes from 0 to 1, the others as assumed."
		: "The share of weight of each criterion. No trait of a project moves it.";
	struct page page = {.picture = picture, .across = panels < PANELS_ACROSS ? panels : PANELS_ACROSS};
	struct lf_buffer title = {0};
	double height;
	struct lf_svg_font heading, faint;

	lf_text_add(&title, "%s: what counts how much", lf_title_or_id(picture->rubric->title, picture->rubric->name));
	page.width = LEFT + PANELS_WIDTH + RIGHT;
	page.panel_width = (PANELS_WIDTH + PANEL_GAP) / (double)page.across - PANEL_GAP;
	page.legend_across = legend_columns(picture, page.width - 24 - RIGHT, PANELS_ACROSS);
	page.legend_bottom =
		LEGEND_TOP + LEGEND_ROW * (double)((picture->areas + page.legend_across - 1) / page.legend_across);
	height = page.legend_bottom + PANEL_ROW * (double)((panels + page.across - 1) / page.across) + 10;
	heading = (struct lf_svg_font){.size = 17, .color = INK, .bold = true, .width_max = page.width - 48};
	faint = (struct lf_svg_font){.size = FONT, .color = FAINT, .width_max = page.width - 48};
	out->failed = out->failed || title.failed;
	if (title.data != NULL) {
		lf_svg_begin(&page.svg, out, page.width, height, title.data, description);
		lf_svg_text(&page.svg, 24, 32, &heading, title.data);
		lf_svg_text(&page.svg, 24, 54, &faint, description);
		draw_legend(&page);
		for (size_t t = 0, index = 0; t < picture->model.trait_count; t++)
			if (lf_weight_picture_has(picture, t))
				draw_panel(&page, index++, t);
		if (moving == 0)
			draw_panel(&page, 0, picture->model.trait_count);
		lf_svg_end(&page.svg);
	}
	lf_buffer_clean_up(&title);
}
