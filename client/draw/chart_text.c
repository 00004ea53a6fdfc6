/* A line chart as text: rows of cells, each a braille pattern of 2 x 4 dots, or one letter where there is only ASCII.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "client/draw/chart.h"
#include "client/term/page.h"

enum {
	WIDTH_MAX = 100,
	ROWS = 16,
	AXIS_COLUMNS = 7, /* "0.70 |a": a number, a space, the axis, the letters at the left ends */
	PLOT_MIN = 16,
	NAME_COLUMNS = 24, /* columns of a name at a line's end, and at most a quarter of the page */
	NAME_BYTES = 4 * NAME_COLUMNS + 4,
	ORDER = 100000,
	NOBODY = 0xff,
};

struct cell {
	unsigned char dots; /* braille: bit by dot */
	unsigned char series;
	bool crossing;
};

struct canvas {
	const struct lf_chart *chart;
	struct lf_page *page;
	size_t columns;
	size_t name_max; /* columns of a name at a line's end */
	struct cell cells[ROWS][WIDTH_MAX];
	size_t left[ROWS], right[ROWS]; /* the series whose label stands there; NOBODY */
	double grid;
};

static char letter_of(size_t series)
{
	return (char)('a' + series);
}

/* 0 is the top; at most limit. */
static size_t row_of(const struct lf_chart *chart, double y, size_t limit)
{
	const double part = (chart->y_max - y) / (chart->y_max - chart->y_min);

	return part <= 0 ? 0 : part >= 1 ? limit : (size_t)(part * (double)limit + 0.5);
}

static size_t column_of(double x, size_t limit)
{
	return x <= 0 ? 0 : x >= 1 ? limit : (size_t)(x * (double)limit + 0.5);
}

/* The row of cells, and the column, in which a line drawn there shows. */
static size_t cell_row(const struct canvas *canvas, double y)
{
	return canvas->page->utf8 ? row_of(canvas->chart, y, ROWS * 4 - 1) / 4 : row_of(canvas->chart, y, ROWS - 1);
}

static size_t cell_column(const struct canvas *canvas, double x)
{
	return canvas->page->utf8 ? column_of(x, canvas->columns * 2 - 1) / 2 : column_of(x, canvas->columns - 1);
}

static void set_dot(struct canvas *canvas, size_t x, size_t y, size_t series)
{
	static const unsigned char bits[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
	struct cell *cell = canvas->page->utf8 ? &canvas->cells[y / 4][x / 2] : &canvas->cells[y][x];

	cell->dots |= bits[y % 4][x % 2];
	cell->series = (unsigned char)series;
}

/* A dot in every column, and whatever joins it to the one before. */
static void draw_line(struct canvas *canvas, size_t series)
{
	const size_t across = canvas->page->utf8 ? 2 : 1, down = canvas->page->utf8 ? 4 : 1;
	const size_t last_x = canvas->columns * across - 1, last_y = ROWS * down - 1;
	size_t before = NOBODY;

	for (size_t x = 0; x <= last_x; x++) {
		const double y = lf_chart_at(canvas->chart, series, (double)x / (double)last_x);
		size_t now;

		if (isnan(y)) {
			before = NOBODY;
			continue;
		}
		now = row_of(canvas->chart, y, last_y);
		set_dot(canvas, x, now, series);
		for (size_t between = before; before != NOBODY && between + 1 < now; between++)
			set_dot(canvas, x, between + 1, series);
		for (size_t between = before; before != NOBODY && between > now + 1; between--)
			set_dot(canvas, x, between - 1, series);
		before = now;
	}
}

/* The series' first or last value that is there. */
static double end_value(const struct lf_chart *chart, size_t series, bool last)
{
	double found = NAN;

	for (size_t i = 0; i < chart->point_count && (last || isnan(found)); i++)
		if (!isnan(chart->series[series].y[i]))
			found = chart->series[series].y[i];
	return found;
}

static void place_labels(struct canvas *canvas, bool last, size_t *rows)
{
	const struct lf_chart *chart = canvas->chart;
	double places[LF_CHART_SERIES_MAX];
	size_t shown[LF_CHART_SERIES_MAX], count = 0;

	for (size_t row = 0; row < ROWS; row++)
		rows[row] = NOBODY;
	for (size_t s = 0; s < chart->series_count; s++) {
		const double y = end_value(chart, s, last);

		if (isnan(y))
			continue;
		/* A little more exact than rows, so that lines that end in one row keep their order. */
		places[count] = (double)cell_row(canvas, y) + (double)row_of(chart, y, ORDER) / ORDER / 4;
		shown[count++] = s;
	}
	lf_labels_spread(places, count, 1, 0, ROWS - 0.75);
	for (size_t i = 0; i < count; i++) {
		size_t row = (size_t)places[i];

		while (rows[row] != NOBODY && row + 1 < ROWS)
			row++;
		rows[row] = shown[i];
	}
}

/* Where the first place changes hands. */
static void mark_crossings(struct canvas *canvas)
{
	const struct lf_chart *chart = canvas->chart;

	for (size_t i = 1; i < chart->stretch_count; i++) {
		const struct lf_chart_stretch *stretch = &chart->stretches[i];
		double y;

		if (stretch->series >= chart->series_count || stretch[-1].series >= chart->series_count)
			continue;
		y = lf_chart_at(chart, stretch->series, stretch->from);
		if (isnan(y))
			continue;
		canvas->cells[cell_row(canvas, y)][cell_column(canvas, stretch->from)].crossing = true;
	}
}

static void print_cell(struct canvas *canvas, size_t row, size_t column, bool mark)
{
	struct lf_page *page = canvas->page;
	const struct cell *cell = &canvas->cells[row][column];
	char text[4] = " ";

	if (cell->crossing) {
		lf_page_add(page, LF_BOLD, "%s", page->utf8 ? "◆" : "X");
		return;
	}
	if (cell->dots == 0) {
		lf_page_add(page, mark ? LF_DIM : LF_PLAIN, "%s", !mark ? " " : page->utf8 ? "┊" : ":");
		return;
	}
	if (page->utf8) {
		text[0] = (char)0xe2; /* U+2800 + dots */
		text[1] = (char)(0xa0 | cell->dots >> 6);
		text[2] = (char)(0x80 | (cell->dots & 0x3f));
		text[3] = '\0';
	} else {
		text[0] = letter_of(cell->series);
	}
	lf_page_add_line_hue(page, cell->series, text);
}

/* "a m-1042", the name cut between characters to the columns that there are. */
static void name_line(const struct canvas *canvas, size_t series, char out[NAME_BYTES])
{
	const char *name = canvas->chart->series[series].name;
	size_t length = strlen(name) < NAME_BYTES - 4 ? strlen(name) : NAME_BYTES - 4;

	for (;; length--) {
		while (length > 0 && ((unsigned char)name[length] & 0xc0) == 0x80)
			length--;
		snprintf(out, NAME_BYTES, "%c %.*s", letter_of(series), (int)length, name);
		if (length == 0 || lf_text_width(out) <= canvas->name_max + 2)
			return;
	}
}

static void print_end(struct canvas *canvas, size_t series)
{
	char name[NAME_BYTES];

	if (series == NOBODY)
		return;
	name_line(canvas, series, name);
	lf_page_add(canvas->page, LF_PLAIN, " ");
	lf_page_add_line_hue(canvas->page, series, name);
}

/* The number at this row where a line of the grid runs nearest to it. */
static bool grid_label(const struct canvas *canvas, size_t row, char *out, size_t size)
{
	const struct lf_chart *chart = canvas->chart;

	for (double y = chart->y_min; y < chart->y_max + canvas->grid / 2; y += canvas->grid) {
		if (cell_row(canvas, y) != row)
			continue;
		snprintf(out, size, "%.2f", y);
		return true;
	}
	snprintf(out, size, "    ");
	return false;
}

static void print_row(struct canvas *canvas, size_t row)
{
	struct lf_page *page = canvas->page;
	char number[16], left[2] = "";
	const bool label = grid_label(canvas, row, number, sizeof(number));
	const size_t mark = cell_column(canvas, canvas->chart->mark);
	const size_t begin = page->text.length;

	lf_page_add(page, LF_DIM, "%s %s", number, page->utf8 ? (label ? "┤" : "│") : label ? "+" : "|");
	if (canvas->left[row] != NOBODY)
		left[0] = letter_of(canvas->left[row]);
	if (left[0] != '\0')
		lf_page_add_line_hue(page, canvas->left[row], left);
	else
		lf_page_add(page, LF_PLAIN, " ");
	for (size_t column = 0; column < canvas->columns; column++)
		print_cell(canvas, row, column, column == mark);
	print_end(canvas, canvas->right[row]);
	while (page->text.length > begin && page->text.data[page->text.length - 1] == ' ')
		page->text.data[--page->text.length] = '\0';
	lf_page_add(page, LF_PLAIN, "\n");
}

/* The line under the chart, with ticks; then who leads where; then numbers and what they are. */
static void print_foot(struct canvas *canvas)
{
	enum { TICKS = 4, NUMBERS_APART = 7 };
	struct lf_page *page = canvas->page;
	const size_t last = canvas->columns - 1;
	const size_t step = canvas->columns < NUMBERS_APART * TICKS ? 2 : 1; /* all of them would touch each other */
	char numbers[WIDTH_MAX + 16];
	size_t length;

	lf_page_add(page, LF_DIM, "     %s", page->utf8 ? "└─" : "+-");
	for (size_t column = 0; column <= last; column++) {
		bool tick = false;

		for (size_t t = 0; t <= TICKS; t += step)
			tick = tick || cell_column(canvas, (double)t / TICKS) == column;
		lf_page_add(page, LF_DIM, "%s", page->utf8 ? (tick ? "┴" : "─") : tick ? "+" : "-");
	}
	lf_page_add(page, LF_PLAIN, "\n");
	memset(numbers, ' ', sizeof(numbers));
	length = 0;
	for (size_t t = 0; t <= TICKS; t += step) {
		char number[16];
		const int n = snprintf(number, sizeof(number), "%.2f", (double)t / TICKS);
		const size_t at = AXIS_COLUMNS + cell_column(canvas, (double)t / TICKS) -
			(t == 0                      ? 0
					: t == TICKS ? 3
						     : 2);

		memcpy(numbers + at, number, (size_t)n);
		length = at + (size_t)n;
	}
	lf_page_add(page, LF_DIM, "%.*s", (int)length, numbers);
	lf_page_add(page, LF_PLAIN, "\n");
}

static void print_leaders(struct canvas *canvas)
{
	const struct lf_chart *chart = canvas->chart;
	struct lf_segment segments[WIDTH_MAX];
	char names[WIDTH_MAX][NAME_BYTES], letters[WIDTH_MAX][2];
	size_t count;

	if (chart->stretch_count == 0)
		return;
	lf_page_add(canvas->page, LF_DIM, "first  ");
	count = 0;
	for (; count < chart->stretch_count && count < WIDTH_MAX; count++) {
		const struct lf_chart_stretch *stretch = &chart->stretches[count];
		struct lf_segment *segment = &segments[count];
		bool shared;

		*segment = (struct lf_segment){
			.share = stretch->to - stretch->from, .hue = LF_HUE_OTHERS, .texts = {stretch->first}};
		if (stretch->series >= chart->series_count)
			continue;
		name_line(canvas, stretch->series, names[count]);
		letters[count][0] = letter_of(stretch->series);
		letters[count][1] = '\0';
		segment->hue = stretch->series;
		shared = strcmp(stretch->first, chart->series[stretch->series].name) != 0;
		segment->texts[shared] = names[count];
		segment->texts[1 + shared] = letters[count];
	}
	lf_segments_print(canvas->page, canvas->columns, segments, count);
	lf_page_add(canvas->page, LF_PLAIN, "\n");
}

void lf_chart_print(struct lf_page *page, struct lf_chart *chart)
{
	struct canvas canvas = {.chart = chart, .page = page};
	size_t name_columns = 0;
	size_t width;

	canvas.grid = lf_chart_scale(chart);
	for (size_t s = 0; s < chart->series_count; s++) {
		const size_t columns = lf_text_width(chart->series[s].name);

		name_columns = columns > name_columns ? columns : name_columns;
	}
	width = page->width < WIDTH_MAX ? page->width : WIDTH_MAX;
	canvas.name_max = width / 4 < NAME_COLUMNS ? width / 4 : NAME_COLUMNS;
	name_columns = 3 + (name_columns > canvas.name_max ? canvas.name_max : name_columns);
	canvas.columns =
		width > AXIS_COLUMNS + name_columns + PLOT_MIN ? width - AXIS_COLUMNS - name_columns : PLOT_MIN;
	for (size_t s = chart->series_count; s-- > 0;) /* the first is drawn last, upon the others */
		draw_line(&canvas, s);
	place_labels(&canvas, false, canvas.left);
	place_labels(&canvas, true, canvas.right);
	mark_crossings(&canvas);
	lf_page_add(page, LF_DIM, "%s", chart->y_title);
	lf_page_add(page, LF_PLAIN, "\n");
	for (size_t row = 0; row < ROWS; row++)
		print_row(&canvas, row);
	print_foot(&canvas);
	print_leaders(&canvas);
	lf_page_add(page, LF_DIM, "       %s", chart->x_title);
	lf_page_add(page, LF_PLAIN, "\n");
}
