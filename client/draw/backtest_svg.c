/*
 * A backtest as a picture: bars of what is behind the flips, and below them the outcomes as decided by those under the
 * other rubric.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "client/draw/chart.h"
#include "client/draw/pictures.h"
#include "proto/base/buffer.h"

#define INK "#1a1a1a"
#define FAINT "#595959"
#define WIDTH 900.0
#define FONT 12.0
#define TOP 96.0 /* of the bars */
#define BAR_LEFT 290.0
#define BAR_RIGHT 800.0
#define BAR_HEIGHT 20.0
#define BAR_ROW 27.0
#define CELL_LEFT 190.0
#define CELL_WIDTH 160.0
#define CELL_HEIGHT 34.0

enum { BARS_MAX = 12, SHADES = 5, FIRST = 1 }; /* FIRST: outcome 0 is none */

static void text_at(struct lf_svg *svg, double x, double y, enum lf_svg_anchor anchor, const char *color,
	double width_max, const char *text)
{
	const struct lf_svg_font font = {.size = FONT, .color = color, .anchor = anchor, .width_max = width_max};

	lf_svg_text(svg, x, y, &font, text);
}

static void heading_at(struct lf_svg *svg, double y, const char *text)
{
	const struct lf_svg_font font = {.size = 13, .color = INK, .bold = true, .width_max = WIDTH - 48};

	lf_svg_text(svg, 24, y, &font, text);
}

static size_t bar_count(const struct lf_backtest *backtest)
{
	return backtest->reasons.count < BARS_MAX ? backtest->reasons.count : BARS_MAX;
}

static void draw_bars(struct lf_svg *svg, const struct lf_backtest *backtest)
{
	const struct lf_tally *reasons = &backtest->reasons;
	char number[64];

	heading_at(svg, TOP - 10,
		"Decisions that come out otherwise, by the criterion that does most for the new first place");
	for (size_t i = 0; i < bar_count(backtest); i++) {
		const double y = TOP + 8 + BAR_ROW * (double)i;
		const double part = (double)reasons->entries[i].count / (double)reasons->entries[0].count;

		text_at(svg, BAR_LEFT - 8, y + 14, LF_SVG_END, INK, BAR_LEFT - 32, reasons->entries[i].name);
		lf_svg_rectangle(svg, BAR_LEFT, y, part * (BAR_RIGHT - BAR_LEFT), BAR_HEIGHT, lf_hues[0].fill);
		snprintf(number, sizeof(number), "%" PRIu64, reasons->entries[i].count);
		text_at(svg, BAR_LEFT + part * (BAR_RIGHT - BAR_LEFT) + 6, y + 14, LF_SVG_START, INK, 0, number);
	}
	if (reasons->count == 0)
		text_at(svg, 24, TOP + 22, LF_SVG_START, FAINT, 0, "none");
	else if (reasons->count > BARS_MAX) {
		snprintf(number, sizeof(number), "and %zu more", reasons->count - BARS_MAX);
		text_at(svg, BAR_LEFT, TOP + 8 + BAR_ROW * BARS_MAX + 14, LF_SVG_START, FAINT, 0, number);
	}
}

/* Bottom of the bars. */
static double bars_end(const struct lf_backtest *backtest)
{
	const size_t rows = backtest->reasons.count > BARS_MAX ? BARS_MAX + 1
		: backtest->reasons.count > 0                  ? backtest->reasons.count
							       : 1;

	return TOP + 8 + BAR_ROW * (double)rows;
}

/*
 * The more decisions, the darker; in steps, for areas are told apart by few shades only. Each cell has its number, too.
 */
static size_t shade_of(uint64_t count, uint64_t most)
{
	double part;
	size_t shade;

	if (count == 0)
		return 0;
	part = sqrt((double)count / (double)most);
	shade = (size_t)ceil(part * (SHADES - 1));
	return shade < SHADES ? shade : SHADES - 1;
}

static void draw_cell(struct lf_svg *svg, double x, double y, size_t shade, bool same, uint64_t count)
{
	/* Same outcome: greys; another: blues. Text at least 4.5:1 upon each. */
	static const char *const greys[SHADES] = {"#f5f5f5", "#e6e6e6", "#d0d0d0", "#b8b8b8", "#a0a0a0"};
	static const char *const blues[SHADES] = {"#f5f5f5", "#d6e8f5", "#a9cfeb", "#7cb6e0", "#4f9bd0"};
	const struct lf_svg_font font = {
		.size = FONT, .color = INK, .bold = !same && count > 0, .anchor = LF_SVG_MIDDLE};
	char number[32];

	lf_svg_rectangle(svg, x, y, CELL_WIDTH - 3, CELL_HEIGHT - 3, same ? greys[shade] : blues[shade]);
	snprintf(number, sizeof(number), "%" PRIu64, count);
	lf_svg_text(svg, x + CELL_WIDTH / 2, y + CELL_HEIGHT / 2 + 3, &font, number);
}

static void draw_outcomes(struct lf_svg *svg, const struct lf_backtest *backtest, double top)
{
	uint64_t most = 1;

	for (size_t i = 0; i < LF_BACKTEST_OUTCOMES * LF_BACKTEST_OUTCOMES; i++) {
		const uint64_t count = backtest->outcomes[i / LF_BACKTEST_OUTCOMES][i % LF_BACKTEST_OUTCOMES];

		most = count > most ? count : most;
	}
	heading_at(svg, top, "Outcomes: as decided (rows), under this rubric (columns)");
	for (size_t i = FIRST; i < LF_BACKTEST_OUTCOMES; i++) {
		const double x = CELL_LEFT + CELL_WIDTH * (double)(i - FIRST),
			     y = top + 34 + CELL_HEIGHT * (double)(i - FIRST);

		text_at(svg, x + CELL_WIDTH / 2, top + 26, LF_SVG_MIDDLE, INK, CELL_WIDTH - 6, lf_outcome_words(i));
		text_at(svg, CELL_LEFT - 10, y + CELL_HEIGHT / 2 + 3, LF_SVG_END, INK, CELL_LEFT - 34,
			lf_outcome_words(i));
		for (size_t k = FIRST; k < LF_BACKTEST_OUTCOMES; k++) {
			const uint64_t count = backtest->outcomes[i][k];

			draw_cell(svg, CELL_LEFT + CELL_WIDTH * (double)(k - FIRST), y, shade_of(count, most), i == k,
				count);
		}
	}
}

void lf_backtest_svg(struct lf_buffer *out, const struct lf_backtest *backtest)
{
	const double matrix = bars_end(backtest) + 40;
	const struct lf_svg_font title = {.size = 17, .color = INK, .bold = true, .width_max = WIDTH - 48};
	struct lf_buffer heading = {0}, summary = {0};
	struct lf_svg svg;

	lf_text_add(&heading, "%s: what would have been decided", backtest->rubric);
	lf_backtest_summary(backtest, &summary);
	out->failed = out->failed || heading.failed || summary.failed;
	if (!out->failed) {
		lf_svg_begin(&svg, out, WIDTH, matrix + 34 + CELL_HEIGHT * (LF_BACKTEST_OUTCOMES - FIRST) + 20,
			heading.data, summary.data);
		lf_svg_text(&svg, 24, 32, &title, heading.data);
		text_at(&svg, 24, 54, LF_SVG_START, FAINT, WIDTH - 48, summary.data);
		draw_bars(&svg, backtest);
		draw_outcomes(&svg, backtest, matrix);
		lf_svg_end(&svg);
	}
	lf_buffer_clean_up(&heading);
	lf_buffer_clean_up(&summary);
}
