/* What the two ways of drawing a chart share. */
#include "client/draw/chart.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "client/calc/figures.h"
#include "proto/base/buffer.h"

#define BLACK "#1a1a1a"

/* The last one, LF_HUE_OTHERS, is for what is put together or belongs to nobody. */
const struct lf_hue lf_hues[LF_HUES] = {
	{"#0072b2", NULL, "#0072b2", "#ffffff", 32, 25, 231},
	{"#d55e00", "7 3", "#e8833a", BLACK, 166, 208, 16},
	{"#007a5a", "2 3", "#2fb58c", BLACK, 36, 36, 16},
	{"#b0508a", "9 3 2 3", "#d79bbd", BLACK, 175, 175, 16},
	{"#a87400", "12 4", "#f0b429", BLACK, 178, 214, 16},
	{"#2f86b8", "5 5", "#7cc4ee", BLACK, 74, 74, 16},
	{"#333333", "1 4", "#f0e442", BLACK, 244, 227, 16},
	{"#767676", "4 2 1 2", "#c4c4c4", BLACK, 250, 250, 16},
};

static void add_colored(struct lf_page *page, const char *begin, const char *text)
{
	if (page->color)
		lf_buffer_append_text(&page->text, begin);
	lf_page_add(page, LF_PLAIN, "%s", text);
	if (page->color)
		lf_buffer_append_text(&page->text, "\033[0m");
}

void lf_page_add_line_hue(struct lf_page *page, size_t hue, const char *text)
{
	char begin[32];

	snprintf(begin, sizeof(begin), "\033[38;5;%um", lf_hues[hue].terminal);
	add_colored(page, begin, text);
}

void lf_page_add_area_hue(struct lf_page *page, size_t hue, const char *text)
{
	char begin[48];

	snprintf(begin, sizeof(begin), "\033[48;5;%u;38;5;%um", lf_hues[hue].ground, lf_hues[hue].on_ground);
	add_colored(page, begin, text);
}

/* One part, so many columns wide, its line included. */
static void print_segment(struct lf_page *page, size_t width, const struct lf_segment *segment)
{
	struct lf_buffer text = {0};
	size_t used = 1;

	lf_buffer_append_text(&text, page->color ? " " : page->utf8 ? "│" : "|");
	for (size_t i = 0; i < 3 && segment->texts[i] != NULL; i++) {
		const size_t columns = lf_text_width(segment->texts[i]);

		if (used + columns > width)
			continue;
		lf_buffer_append_text(&text, segment->texts[i]);
		used += columns;
		break;
	}
	for (; used < width; used++)
		lf_buffer_append_text(&text, " ");
	page->text.failed = page->text.failed || text.failed;
	if (text.data != NULL)
		lf_page_add_area_hue(page, segment->hue, text.data);
	lf_buffer_clean_up(&text);
}

void lf_segments_print(struct lf_page *page, size_t width, const struct lf_segment *segments, size_t count)
{
	const size_t inner = width - 1; /* the last column closes the bar */
	double sum = 0;
	size_t begin = 0;

	for (size_t i = 0; i < count; i++) {
		size_t end;

		sum += segments[i].share > 0 ? segments[i].share : 0;
		end = sum < 1 ? (size_t)(sum * (double)inner + 0.5) : inner;
		if (end > begin)
			print_segment(page, end - begin, &segments[i]);
		begin = end;
	}
	for (; begin < inner; begin++)
		lf_page_add(page, LF_PLAIN, " ");
	lf_page_add(page, LF_PLAIN, "%s", page->color ? "" : page->utf8 ? "│" : "|");
}

void lf_labels_spread(double *places, size_t count, double gap, double low, double high)
{
	size_t order[LF_CHART_SERIES_MAX];

	for (size_t i = 0; i < count; i++) {
		size_t j = i;

		for (; j > 0 && places[order[j - 1]] > places[i]; j--)
			order[j] = order[j - 1];
		order[j] = i;
	}
	/* Push down from the top, then up from the bottom. */
	for (size_t i = 0; i < count; i++) {
		const double least = i == 0 ? low : places[order[i - 1]] + gap;

		if (places[order[i]] < least)
			places[order[i]] = least;
	}
	for (size_t i = count; i-- > 0;) {
		const double most = i + 1 == count ? high : places[order[i + 1]] - gap;

		if (places[order[i]] > most)
			places[order[i]] = most;
	}
}

/* The smallest and largest value of all series, both within 0..1. false where there is none. */
static bool find_extent(const struct lf_chart *chart, double *low, double *high)
{
	bool some = false;

	for (size_t s = 0; s < chart->series_count; s++) {
		for (size_t i = 0; i < chart->point_count; i++) {
			double y = chart->series[s].y[i];

			if (isnan(y))
				continue;
			y = y > 1 ? 1 : y > 0 ? y : 0;
			*low = !some || y < *low ? y : *low;
			*high = !some || y > *high ? y : *high;
			some = true;
		}
	}
	return some;
}

double lf_chart_scale(struct lf_chart *chart)
{
	/* By the number of their hundredths, so that 0.3 is 0.3. */
	static const unsigned steps[] = {1, 2, 5, 10, 20, 25};
	enum { LINES_MAX = 6, HUNDREDTHS = 100 };
	double low = 0, high = 1;
	unsigned step, first, last;

	if (!find_extent(chart, &low, &high)) {
		low = 0;
		high = 1;
	}
	step = 0;
	first = 0;
	last = 0;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		step = steps[i];
		first = (unsigned)(low * HUNDREDTHS / step + 1e-9) * step;
		last = ((unsigned)(high * HUNDREDTHS / step - 1e-9) + 1) * step;
		if (last > HUNDREDTHS)
			last = HUNDREDTHS;
		if (first >= last)
			first = last - step;
		if ((last - first) / step <= LINES_MAX)
			break;
	}
	chart->y_min = (double)first / HUNDREDTHS;
	chart->y_max = (double)last / HUNDREDTHS;
	return (double)step / HUNDREDTHS;
}

double lf_chart_at(const struct lf_chart *chart, size_t series, double x)
{
	const double *y = chart->series[series].y;

	for (size_t i = 0; i < chart->point_count; i++) {
		const double right = chart->x[i];
		double left;

		if (right < x)
			continue;
		if (!(right > x))
			return y[i];
		if (i == 0)
			return NAN;
		left = chart->x[i - 1];
		return y[i - 1] + (y[i] - y[i - 1]) * (x - left) / (right - left);
	}
	return NAN;
}

unsigned lf_chart_decimals(const struct lf_chart_stretch *stretches, size_t count)
{
	enum { FEWEST = 2, MOST = 6 };
	unsigned decimals = FEWEST;

	for (size_t i = 0; i < count; i++)
		decimals = lf_decimals_between(stretches[i].from, stretches[i].to, decimals, MOST);
	return decimals;
}
