/* Claims about pictures: weights by hand, scales, labels, what is drawn of a sweep, and that no text breaks a picture.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <dirent.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/term/outfile.h"
#include "client/term/page.h"
#include "client/views/rubric_explain.h"
#include "client/views/sweep.h"
#include "proto/base/buffer.h"

enum { ARENA_BYTES = 64 * 1024 * 1024 };

static struct lf_arena arena;

static int set_up(void **state)
{
	(void)state;
	lf_arena_init(&arena, ARENA_BYTES);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	lf_arena_clean_up(&arena);
	return 0;
}

static ProtobufCMessage *parse(const ProtobufCMessageDescriptor *type, const char *text)
{
	struct lf_error error = LF_ERROR_INIT;
	ProtobufCMessage *message = lf_text_parse(LF_FORMAT_YAML, type, text, strlen(text), &arena, &error);

	if (message == NULL)
		fail_msg("%s", error.message);
	return message;
}

static const Leadfit__V1__Rubric *rubric_of(const char *text)
{
	return (const Leadfit__V1__Rubric *)parse(&leadfit__v1__rubric__descriptor, text);
}

static const Leadfit__V1__SweepResponse *sweep_of(const char *text)
{
	return (const Leadfit__V1__SweepResponse *)parse(&leadfit__v1__sweep_response__descriptor, text);
}

static void assert_near(double got, double expected)
{
	if (!(fabs(got - expected) < 1e-12))
		fail_msg("%.17g is not %.17g", got, expected);
}

static const char small[] = "name: r\n"
			    "scale: {min: 1, max: 5}\n"
			    "traits: [{id: t, title: tea}, {id: u, default: 0.25}]\n"
			    "criteria:\n"
			    "  - {id: a, weight: {base: 0.2, traits: {t: 0.2}}}\n"
			    "  - {id: b, weight: {base: 0.4, traits: {t: -0.8}}}\n"
			    "  - {id: c, weight: {base: 0.3, traits: {u: 0.4}}}\n";

/* ---- weights ---- */

static void weights_are_what_a_hand_computes(void **state)
{
	struct lf_weight_model model;
	double shares[3];

	(void)state;
	assert_true(lf_weight_model_init(&model, rubric_of(small), &arena));
	assert_near(model.assumed[0], 0.5);
	assert_near(model.assumed[1], 0.25);
	assert_true(lf_weight_shares(&model, 0, 0, shares)); /* 0.2, 0.4, 0.4 */
	assert_near(shares[0], 0.2);
	assert_near(shares[1], 0.4);
	assert_near(shares[2], 0.4);
	assert_true(lf_weight_shares(&model, 0, 0.5, shares)); /* 0.3, 0, 0.4 */
	assert_near(shares[0], 3.0 / 7);
	assert_near(shares[1], 0);
	assert_near(shares[2], 4.0 / 7);
	assert_true(lf_weight_shares(&model, 0, 1, shares)); /* 0.4, -0.4, 0.4 */
	assert_near(shares[0], 0.5);
	assert_near(shares[1], 0);
	assert_near(shares[2], 0.5);
	assert_true(lf_weight_shares(&model, 1, 1, shares)); /* 0.3, 0, 0.7 */
	assert_near(shares[2], 0.7);
	assert_true(lf_weight_shares(&model, 2, 0, shares)); /* all as assumed */
	assert_near(shares[2], 4.0 / 7);
}

static void a_range_is_widest_where_a_weight_ends(void **state)
{
	struct lf_weight_model model;
	struct lf_weight_range ranges[3];
	double shares[3];

	(void)state;
	assert_true(lf_weight_model_init(&model, rubric_of(small), &arena));
	lf_weight_ranges(&model, 0, shares, ranges);
	assert_near(ranges[2].at_0, 0.4);
	assert_near(ranges[2].at_1, 0.5);
	assert_near(ranges[2].low, 0.4);
	assert_near(ranges[2].high, 4.0 / 7);
	assert_near(ranges[0].low, 0.2);
	assert_near(ranges[0].high, 0.5);
}

static void what_is_left_only_by_rounding_is_no_weight(void **state)
{
	struct lf_weight_model model;
	double shares[2];

	(void)state;
	assert_true(lf_weight_model_init(&model,
		rubric_of("traits: [{id: t, default: 1}, {id: u, default: 1}]\n"
			  "criteria: [{id: a, weight: {base: 0.1, traits: {t: 0.2, u: -0.3}}}, {id: b, weight: {base: "
			  "1e-17}}]\n"),
		&arena));
	assert_true(lf_weight_shares(&model, 2, 0, shares));
	assert_near(shares[0], 0);
	assert_near(shares[1], 1);
}

static void a_file_that_nobody_checked_gives_no_odd_number(void **state)
{
	static const char *const files[] = {
		"criteria: [{id: a}]\n",
		"criteria: [{id: a, weight: {base: -1}}, {id: b, weight: {base: 0}}]\n",
		"{traits: [{id: t, default: 5}], criteria: [{id: a, weight: {base: 1.7e308, traits: {t: 1.7e308}}}]}",
		"{criteria: [{id: a, weight: {base: 1.7e308}}, {id: b, weight: {base: 1.7e308, traits: {none: 1}}}]}",
		"{traits: [{id: t}, {id: t}], criteria: [{id: a, weight: {base: -1.7e308, traits: {t: -1.7e308}}}]}",
	};
	struct lf_weight_model model;

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct lf_weight_picture picture;
		struct lf_page page = {.width = 80};
		struct lf_buffer svg = {0};
		double areas[LF_HUES];

		assert_true(lf_weight_picture_init(&picture, rubric_of(files[i]), NULL, &arena));
		assert_false(lf_weight_picture_at(&picture, 0, 0.5, areas));
		for (size_t a = 0; a < LF_HUES; a++)
			assert_near(areas[a], 0);
		lf_rubric_explain(&page, &picture, &arena);
		lf_weight_picture_svg(&svg, &picture);
		assert_false(page.text.failed || svg.failed);
		assert_null(strstr(page.text.data, "nan"));
		assert_null(strstr(svg.data, "nan"));
		assert_null(strstr(page.text.data, "inf%"));
		assert_null(strstr(svg.data, "inf"));
		lf_page_clean_up(&page);
		lf_buffer_clean_up(&svg);
	}
	assert_false(lf_weight_model_init(&model, rubric_of("name: r\n"), &arena));
}

static void as_many_criteria_as_hues_have_an_area_each(void **state)
{
	static char text[4096];
	struct lf_weight_picture picture;
	int length = snprintf(text, sizeof(text), "traits: [{id: t}]\ncriteria:\n");

	(void)state;
	for (int i = 0; i < LF_HUES; i++)
		length +=
			snprintf(text + length, sizeof(text) - (size_t)length, "  - {id: c%d, weight: {base: 1}}\n", i);
	assert_true(lf_weight_picture_init(&picture, rubric_of(text), NULL, &arena));
	assert_false(picture.with_others);
	for (size_t c = 0; c < LF_HUES; c++)
		assert_int_equal(picture.area_of[c], c);
	assert_int_equal(lf_weight_picture_letter(&picture, LF_HUES - 1), 'A' + LF_HUES - 1);
}

static void more_criteria_than_hues_share_one_area(void **state)
{
	static char text[4096];
	struct lf_weight_picture picture;
	double areas[LF_HUES], sum = 0;
	int length = snprintf(text, sizeof(text), "traits: [{id: t}]\ncriteria:\n");
	struct lf_buffer name;

	(void)state;
	for (int i = 0; i < 12; i++)
		length += snprintf(text + length, sizeof(text) - (size_t)length,
			"  - {id: c%d, weight: {base: %d, traits: {t: 1}}}\n", i, i + 1);
	assert_true(lf_weight_picture_init(&picture, rubric_of(text), NULL, &arena));
	assert_int_equal(picture.areas, LF_HUES);
	assert_true(picture.with_others);
	for (size_t c = 0; c < 5; c++)
		assert_int_equal(picture.area_of[c], LF_HUE_OTHERS);
	for (size_t c = 5; c < 12; c++)
		assert_int_equal(picture.area_of[c], c - 5);
	assert_true(lf_weight_picture_at(&picture, 0, 0, areas));
	for (size_t a = 0; a < LF_HUES; a++)
		sum += areas[a];
	assert_near(sum, 1);
	assert_near(areas[LF_HUE_OTHERS], 15.0 / 78);
	name = (struct lf_buffer){0};
	lf_weight_picture_name(&picture, LF_HUE_OTHERS, &name);
	assert_string_equal(name.data, "all others (5 criteria)");
	lf_buffer_clean_up(&name);
}

/* ---- charts ---- */

static void a_scale_is_round_and_holds_every_value(void **state)
{
	static const struct {
		double low, high, y_min, y_max, grid;
	} cases[] = {
		{0.40, 0.67, 0.40, 0.70, 0.05},
		{0, 1, 0, 1, 0.2},
		{0.5, 0.5, 0.49, 0.5, 0.01},
		{0.501, 0.502, 0.50, 0.51, 0.01},
		{0, 0, 0, 0.01, 0.01},
		{1, 1, 0.99, 1, 0.01},
		{-3, 7, 0, 1, 0.2},
		{NAN, NAN, 0, 1, 0.2},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const double x[] = {0, 1}, y[] = {cases[i].low, cases[i].high};
		struct lf_chart chart = {.x = x, .point_count = 2, .series = {{"s", y}}, .series_count = 1};

		assert_near(lf_chart_scale(&chart), cases[i].grid);
		assert_near(chart.y_min, cases[i].y_min);
		assert_near(chart.y_max, cases[i].y_max);
	}
}

static void a_value_between_points_lies_on_their_line(void **state)
{
	const double x[] = {0.2, 0.4, 1}, y[] = {0.1, 0.3, NAN};
	const struct lf_chart chart = {.x = x, .point_count = 3, .series = {{"s", y}}, .series_count = 1};

	(void)state;
	assert_near(lf_chart_at(&chart, 0, 0.2), 0.1);
	assert_near(lf_chart_at(&chart, 0, 0.3), 0.2);
	assert_true(isnan(lf_chart_at(&chart, 0, 0.1)));
	assert_true(isnan(lf_chart_at(&chart, 0, 0.7)));
}

static void borders_that_differ_look_different(void **state)
{
	const struct lf_chart_stretch narrow[] = {{0, 0.5, 0, "a"}, {0.5, 0.5003, 1, "b"}, {0.5003, 1, 0, "a"}};
	const struct lf_chart_stretch wide[] = {{0, 0.5, 0, "a"}, {0.5, 1, 1, "b"}};

	(void)state;
	assert_int_equal(lf_chart_decimals(wide, 2), 2);
	assert_int_equal(lf_chart_decimals(narrow, 3), 4);
	assert_int_equal(lf_chart_decimals(NULL, 0), 2);
}

static void labels_keep_apart_and_in_order(void **state)
{
	double below[] = {10, 10, 10};
	double places[] = {5, 5, 4.5, 9, 9.9};

	(void)state;
	lf_labels_spread(places, 5, 1, 0, 10);
	assert_near(places[2], 4.5);
	assert_near(places[0], 5.5);
	assert_near(places[1], 6.5);
	assert_near(places[3], 9);
	assert_near(places[4], 10);
	lf_labels_spread(below, 3, 2, 0, 10);
	assert_near(below[0], 6);
	assert_near(below[2], 10);
}

/* Relative luminance and contrast as WCAG 2 defines them. */
static double luminance(const char *color)
{
	static const double parts[] = {0.2126, 0.7152, 0.0722};
	unsigned channels[3];
	double sum = 0;

	assert_int_equal(sscanf(color, "#%2x%2x%2x", &channels[0], &channels[1], &channels[2]), 3);
	for (int i = 0; i < 3; i++) {
		const double c = channels[i] / 255.0;

		sum += parts[i] * (c <= 0.03928 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4));
	}
	return sum;
}

static double contrast(const char *one, const char *other)
{
	const double a = luminance(one), b = luminance(other);

	return a > b ? (a + 0.05) / (b + 0.05) : (b + 0.05) / (a + 0.05);
}

static void every_colour_is_legible_and_no_two_lines_look_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < LF_HUES; i++) {
		assert_true(contrast(lf_hues[i].line, "#ffffff") >= 3);
		assert_true(contrast(lf_hues[i].fill, lf_hues[i].on_fill) >= 4.5);
		for (size_t j = 0; j < i; j++) {
			assert_string_not_equal(lf_hues[i].line, lf_hues[j].line);
			assert_string_not_equal(lf_hues[i].fill, lf_hues[j].fill);
			assert_true(lf_hues[j].dash == NULL || strcmp(lf_hues[i].dash, lf_hues[j].dash) != 0);
		}
	}
}

/* ---- sweeps ---- */

static const char sweep[] = "project: {id: p, title: P}\ntrait: t\nvalue: 0.75\n"
			    "candidates: [a, b, c, d, e, f, g, h, i, \"j<&\\\"'>\"]\n"
			    "points:\n"
			    "  - {value: 0, scores: [0.5, 0.4, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.6]}\n"
			    "  - {value: 0.5, scores: [0.5, 0.5, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.5]}\n"
			    "  - {value: 1, scores: [0.5, 0.6, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.4]}\n"
			    "stretches:\n"
			    "  - {from: 0, to: 0.5, first: \"j<&\\\"'>\"}\n"
			    "  - {from: 0.5, to: 1, first: b}\n";

static void who_leads_is_drawn_and_then_the_next_best(void **state)
{
	static const char *const names[] = {"a", "b", "c", "d", "e", "f", "j<&\"'>"};
	struct lf_sweep drawn;

	(void)state;
	assert_true(lf_sweep_init(&drawn, sweep_of(sweep), &arena));
	assert_int_equal(drawn.chart.series_count, 7);
	for (size_t s = 0; s < 7; s++)
		assert_string_equal(drawn.chart.series[s].name, names[s]);
	assert_int_equal(drawn.left_out, 3);
	assert_false(drawn.outscored);
	assert_near(drawn.chart.series[6].y[2], 0.4);
	assert_int_equal(drawn.chart.stretches[0].series, 6);
	assert_int_equal(drawn.chart.stretches[1].series, 1);
}

static void equals_in_first_place_are_all_named(void **state)
{
	static const char tie[] =
		"trait: t\ncandidates: [a, b, c]\n"
		"points: [{value: 0, scores: [0.5, 0.5, 0.5]}, {value: 1, scores: [0.5, 0.5, 0.5]}]\n"
		"stretches: [{from: 0, to: 0.5, first: a, tied: [c]}, {from: 0.5, to: 1, first: c, tied: [a, b]}]\n";
	struct lf_sweep drawn;

	(void)state;
	assert_true(lf_sweep_init(&drawn, sweep_of(tie), &arena));
	assert_string_equal(drawn.chart.stretches[0].first, "a and c (equal)");
	assert_string_equal(drawn.chart.stretches[1].first, "c, a and b (equal)");
	assert_false(drawn.leaders_left_out);
}

static void a_leader_who_is_outscored_is_explained(void **state)
{
	struct lf_sweep drawn;
	struct lf_page page = {.width = 100};

	(void)state;
	assert_true(lf_sweep_init(&drawn,
		sweep_of("candidates: [a, b]\npoints: [{value: 0, scores: [0.5, 0.6]}, {value: 0.5, scores: [0.5, "
			 "0.6]}, {value: 1, "
			 "scores: [0.5, 0.6]}]\nstretches: [{from: 0, to: 1, first: a}]\n"),
		&arena));
	assert_true(drawn.outscored);
	lf_sweep_print(&page, &drawn);
	assert_non_null(strstr(page.text.data, "does not meet a condition"));
	lf_page_clean_up(&page);
}

static void odd_answers_of_a_service_are_drawn_as_far_as_they_go(void **state)
{
	static const char *const answers[] = {
		"trait: t\n",
		"candidates: [a]\n",
		"candidates: [a, b]\npoints: [{value: 0}, {value: 1}]\nstretches: [{from: 0, to: 1}]\n",
		"candidates: [a]\npoints: [{value: 1, scores: [1]}, {value: 0, scores: [0]}, {value: 1e308, scores: "
		"[-1e308]}]\n",
		"candidates: [a]\npoints: [{value: 0.5, scores: [1e308]}]\nvalue: -7\nstretches: [{from: 3, to: -1, "
		"first: a}, {from: -1e308, to: 1e308, first: x}]\n",
		"candidates: [a]\npoints: [{value: 0, scores: [0.5]}, {value: 0.5}, {value: 1, scores: "
		"[0.7]}]\nstretches: [{from: 0, to: 0.5, first: a}, {from: 0.5, to: 0.5}, {from: 0.5, to: 1, first: "
		"a}]\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		for (int utf8 = 0; utf8 < 2; utf8++) {
			struct lf_sweep drawn;
			struct lf_page page = {.width = 80, .utf8 = utf8 == 1, .color = utf8 == 1};
			struct lf_buffer svg = {0};

			assert_true(lf_sweep_init(&drawn, sweep_of(answers[i]), &arena));
			lf_sweep_print(&page, &drawn);
			assert_true(lf_sweep_svg(&svg, &drawn, &arena));
			assert_false(page.text.failed);
			assert_null(strstr(svg.data, "nan"));
			assert_null(strstr(svg.data, "inf"));
			lf_page_clean_up(&page);
			lf_buffer_clean_up(&svg);
		}
	}
}

/* Every line of the page is at most so wide. */
static void assert_width(const struct lf_page *page, size_t width)
{
	char line[4096];

	for (const char *text = page->text.data; *text != '\0';) {
		const size_t length = strcspn(text, "\n");

		assert_true(length < sizeof(line));
		memcpy(line, text, length);
		line[length] = '\0';
		if (lf_text_width(line) > width)
			fail_msg("wider than %zu: %s", width, line);
		text += length;
		text += *text == '\n';
	}
}

static void no_line_is_wider_than_the_page(void **state)
{
	static const unsigned widths[] = {40, 60, 80, 100, 300};
	static const char long_names[] = "trait: t\nvalue: 0.5\ncandidates: "
					 "[\"東京東京東京東京東京東京東京東京東京東京東京東京東京東京東京東京\", "
					 "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
					 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"]\n"
					 "points: [{value: 0, scores: [0, 1]}, {value: 1, scores: [1, 0]}]\n";

	(void)state;
	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		for (int utf8 = 0; utf8 < 2; utf8++) {
			struct lf_page page = {.width = widths[i], .cut = true, .utf8 = utf8 == 1};
			struct lf_sweep drawn;
			struct lf_weight_picture picture;

			assert_true(lf_sweep_init(&drawn, sweep_of(long_names), &arena));
			lf_chart_print(&page, &drawn.chart);
			assert_true(lf_sweep_init(&drawn, sweep_of(sweep), &arena));
			lf_chart_print(&page, &drawn.chart);
			assert_true(lf_weight_picture_init(&picture, rubric_of(small), NULL, &arena));
			lf_rubric_explain(&page, &picture, &arena);
			assert_false(page.text.failed);
			assert_width(&page, widths[i] < 100 ? widths[i] : 100);
			lf_page_clean_up(&page);
		}
	}
}

static void plain_pages_are_ascii_and_without_colour(void **state)
{
	struct lf_page page = {.width = 80};
	struct lf_sweep drawn;
	struct lf_weight_picture picture;

	(void)state;
	assert_true(lf_sweep_init(&drawn, sweep_of(sweep), &arena));
	lf_sweep_print(&page, &drawn);
	assert_true(lf_weight_picture_init(&picture, rubric_of(small), NULL, &arena));
	lf_rubric_explain(&page, &picture, &arena);
	for (const char *c = page.text.data; *c != '\0'; c++)
		assert_true((*c >= ' ' && *c <= '~') || *c == '\n');
	lf_page_clean_up(&page);
}

static void the_chart_has_each_line_where_its_numbers_are(void **state)
{
	struct lf_page page = {.width = 60};
	struct lf_sweep drawn;

	(void)state;
	assert_true(lf_sweep_init(&drawn,
		sweep_of("trait: t\nvalue: 0.5\ncandidates: [up, down]\n"
			 "points: [{value: 0, scores: [0, 1]}, {value: 1, scores: [1, 0]}]\n"
			 "stretches: [{from: 0, to: 0.5, first: down}, {from: 0.5, to: 1, first: up}]\n"),
		&arena));
	lf_chart_print(&page, &drawn.chart);
	/* Both ends of both lines, by letter and name; the crossing in the middle; who is first below. */
	assert_non_null(strstr(page.text.data, "\n1.00 +bb"));
	assert_non_null(strstr(page.text.data, "aa a up\n"));
	assert_non_null(strstr(page.text.data, "\n0.00 +aa"));
	assert_non_null(strstr(page.text.data, "bb b down\n"));
	assert_non_null(strstr(page.text.data, "X"));
	assert_non_null(strstr(page.text.data, "\nfirst  |b down                |a up                 |\n"));
	lf_page_clean_up(&page);
}

static void bars_have_each_share_in_its_place(void **state)
{
	struct lf_page page = {.width = 48};
	struct lf_weight_picture picture;

	(void)state;
	assert_true(lf_weight_picture_init(&picture, rubric_of(small), "t", &arena));
	assert_true(lf_weight_picture_has(&picture, 0));
	assert_false(lf_weight_picture_has(&picture, 1));
	lf_weight_picture_print(&page, &picture);
	assert_non_null(strstr(page.text.data, "\n  tea\n    0.50 is assumed where a project does not say\n"));
	/* 40 columns: 20%, 40%, 40%; then half and half. */
	assert_non_null(strstr(page.text.data, "\n  0.00 |A 20%  |B 40%          |C 40%          |\n"));
	assert_non_null(strstr(page.text.data, "\n  1.00 |A 50%              |C 50%              |\n"));
	lf_page_clean_up(&page);
}

/* ---- SVG ---- */

#define LOST "\xef\xbf\xbd"

static void text_in_a_picture_is_text(void **state)
{
	static const struct {
		const char *text, *written;
	} cases[] = {
		{"a<b>&\"c'", ">a&lt;b&gt;&amp;&quot;c&#39;</text>"},
		{"]]><script>", ">]]&gt;&lt;script&gt;</text>"},
		{"x\x01y\x7fz\x1b[0m", ">x" LOST "y" LOST "z" LOST "[0m</text>"},
		{"\xc2\x85", ">" LOST LOST "</text>"},                                  /* a C1 control character */
		{"Pay\xe2\x80\xaeroll\xe2\x80\x8b", ">Pay" LOST "roll" LOST "</text>"}, /* turned, and unseen */
		{"\xff|\xc3(|\xc0\xaf",
			">" LOST "|" LOST "(|" LOST LOST "</text>"}, /* no UTF-8; and an overlong form */
		{"\xed\xa0\x80", ">" LOST LOST LOST "</text>"},      /* a surrogate */
		{"\xef\xbf\xbf", ">" LOST LOST LOST "</text>"},      /* no character */
		{"\xe2\x82", ">" LOST LOST "</text>"},               /* cut */
		{"M\xc3\xbcller \xe6\x9d\xb1 \xf0\x9f\x99\x82", ">M\xc3\xbcller \xe6\x9d\xb1 \xf0\x9f\x99\x82</text>"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lf_buffer out = {0};
		struct lf_svg svg;
		const struct lf_svg_font font = {.size = 12, .color = "#000000"};

		lf_svg_begin(&svg, &out, 100, 100, cases[i].text, cases[i].text);
		lf_svg_text(&svg, 1, 2, &font, cases[i].text);
		lf_svg_end(&svg);
		if (strstr(out.data, cases[i].written) == NULL)
			fail_msg("case %zu: %s", i, out.data);
		lf_buffer_clean_up(&out);
	}
}

static void text_that_is_too_wide_ends_with_an_ellipsis(void **state)
{
	struct lf_buffer out = {0};
	struct lf_svg svg = {.out = &out};
	const struct lf_svg_font font = {.size = 10, .color = "#000000", .width_max = 30};
	struct lf_svg_font bold, none;

	(void)state;
	lf_svg_text(&svg, 0, 0, &font, "abcdefghijkl");
	assert_non_null(strstr(out.data, ">abc\xe2\x80\xa6</text>"));
	out.length = 0;
	lf_svg_text(&svg, 0, 0, &font, "abcd");
	assert_non_null(strstr(out.data, ">abcd</text>"));
	out.length = 0;
	/* Wide letters take more room than narrow ones, and bold ones more than others. */
	lf_svg_text(&svg, 0, 0, &font, "WWWWWW");
	assert_non_null(strstr(out.data, ">WW\xe2\x80\xa6</text>"));
	out.length = 0;
	lf_svg_text(&svg, 0, 0, &font, "iiiiiii");
	assert_non_null(strstr(out.data, ">iiiiiii</text>"));
	out.length = 0;
	bold = (struct lf_svg_font){.size = 10, .color = "#000000", .bold = true, .width_max = 30};
	lf_svg_text(&svg, 0, 0, &bold, "iiiiiii");
	assert_null(strstr(out.data, ">iiiiiii</text>"));
	out.length = 0;
	none = (struct lf_svg_font){.size = 10, .color = "#000000", .width_max = 1};
	lf_svg_text(&svg, 0, 0, &none, "\xe6\x9d\xb1");
	assert_non_null(strstr(out.data, ">\xe2\x80\xa6</text>"));
	lf_buffer_clean_up(&out);
}

/* ---- files ---- */

/* Puts a file in place again and again, telling by the pipe that it began. Ends by a signal only. */
static void put_for_ever(const char *path, int began)
{
	static char zeros[256 * 1024];
	struct lf_buffer text = {.data = zeros, .length = sizeof(zeros)};

	if (write(began, "", 1) != 1)
		_exit(1);
	while (lf_file_put(path, &text) == 0)
		;
	_exit(1);
}

static size_t count_files(const char *folder)
{
	size_t count = 0;
	DIR *entries = opendir(folder);

	assert_non_null(entries);
	for (const struct dirent *entry; (entry = readdir(entries)) != NULL;)
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(entries);
	return count;
}

static void ctrl_c_leaves_no_half_file_behind(void **state)
{
	enum { ROUNDS = 40 };
	char folder[] = "/tmp/leadfit-put.XXXXXX", path[64];

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/picture.svg", folder);
	for (unsigned round = 0; round < ROUNDS; round++) {
		int began[2], status;
		char byte;
		pid_t child;

		assert_int_equal(pipe(began), 0);
		child = fork();
		assert_true(child >= 0);
		if (child == 0)
			put_for_ever(path, began[1]);
		assert_int_equal(read(began[0], &byte, 1), 1);
		usleep(round * 97 % 2000);
		kill(child, round % 2 == 0 ? SIGINT : SIGTERM);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		close(began[0]);
		close(began[1]);
		assert_in_range(count_files(folder), 0, 1);
		assert_true(count_files(folder) == 0 || access(path, F_OK) == 0);
	}
	unlink(path);
	assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(weights_are_what_a_hand_computes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_range_is_widest_where_a_weight_ends, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_left_only_by_rounding_is_no_weight, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_file_that_nobody_checked_gives_no_odd_number, set_up, tear_down),
		cmocka_unit_test_setup_teardown(as_many_criteria_as_hues_have_an_area_each, set_up, tear_down),
		cmocka_unit_test_setup_teardown(more_criteria_than_hues_share_one_area, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_scale_is_round_and_holds_every_value, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_value_between_points_lies_on_their_line, set_up, tear_down),
		cmocka_unit_test_setup_teardown(borders_that_differ_look_different, set_up, tear_down),
		cmocka_unit_test_setup_teardown(labels_keep_apart_and_in_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			every_colour_is_legible_and_no_two_lines_look_the_same, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_leads_is_drawn_and_then_the_next_best, set_up, tear_down),
		cmocka_unit_test_setup_teardown(equals_in_first_place_are_all_named, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_leader_who_is_outscored_is_explained, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			odd_answers_of_a_service_are_drawn_as_far_as_they_go, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_line_is_wider_than_the_page, set_up, tear_down),
		cmocka_unit_test_setup_teardown(plain_pages_are_ascii_and_without_colour, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_chart_has_each_line_where_its_numbers_are, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bars_have_each_share_in_its_place, set_up, tear_down),
		cmocka_unit_test_setup_teardown(text_in_a_picture_is_text, set_up, tear_down),
		cmocka_unit_test_setup_teardown(text_that_is_too_wide_ends_with_an_ellipsis, set_up, tear_down),
		cmocka_unit_test(ctrl_c_leaves_no_half_file_behind),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
