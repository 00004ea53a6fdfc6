/* Claims about printed numbers: a number is rounded once, so that page, picture and sentence say the same. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "client/calc/figures.h"
#include "client/draw/pictures.h"
#include "client/views/decision.h"
#include "client/views/report_page.h"
#include "proto/base/buffer.h"

static const struct lf_report_frame frame = {0};

static void halves_are_rounded_away_from_zero(void **state)
{
	static const struct {
		double value;
		unsigned decimals;
		const char *text;
	} cases[] = {
		{0.125, 2, "0.13"},
		{3.625, 2, "3.63"},
		{-0.125, 2, "-0.13"},
		{0.5, 0, "1"},
		{2.5, 0, "3"},
		{0.6875, 3, "0.688"},
		{0.6875 + 0x1p-40, 13, "0.6875000000009"},
	};
	char text[LF_FIGURE_BYTES], percent[LF_PERCENT_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		lf_figure(cases[i].value, cases[i].decimals, text);
		assert_string_equal(text, cases[i].text);
	}
	lf_percent(0.125, percent);
	assert_string_equal(percent, "13%");
	lf_percent(0.005, percent);
	assert_string_equal(percent, "1%");
	lf_percent(0.004, percent);
	assert_string_equal(percent, "<1%");
	assert_int_equal(lf_decimals_between(0.6875, 0.6875, 3, 13), 3);
	assert_int_equal(lf_decimals_between(0.6875, 0.6875 + 0x1p-40, 3, 13), 12);
	assert_int_equal(lf_decimals_between(0.6875, 0.6875 + 0x1p-40, 3, 6), 3); /* six would look the same, too */
}

/* 29 points over 8 results: 3.625, which printf() alone makes 3.62. */
static void the_mean_on_the_page_is_the_mean_in_the_picture(void **state)
{
	struct lf_report report = {
		.all = {.decisions = 8, .recorded = 8, .accepted = 8}, .accepted = {8, 29}, .bands[6] = {8, 29}};
	struct lf_page page = {.width = 100};
	struct lf_buffer picture = {0}, json = {0};

	(void)state;
	lf_report_print(&page, &report, &frame);
	lf_report_svg(&picture, &report);
	lf_report_json(&json, &report, &frame);
	assert_false(page.text.failed || picture.failed || json.failed);
	assert_non_null(strstr(page.text.data, "3.63"));
	assert_null(strstr(page.text.data, "3.62"));
	assert_non_null(strstr(picture.data, "3.63, 8 results"));
	assert_non_null(strstr(json.data, "3.625"));
	lf_page_clean_up(&page);
	lf_buffer_clean_up(&picture);
	lf_buffer_clean_up(&json);
}

static void print(struct lf_page *page, const Leadfit__V1__Decision *decision)
{
	lf_page_clean_up(page);
	*page = (struct lf_page){.width = 100};
	lf_decision_print(page, decision, false);
	assert_false(page->text.failed);
}

static void a_decision_page_rounds_like_its_sentences_and_counts_who_is_equal(void **state)
{
	enum { CANDIDATES = 60 };
	static char ids[CANDIDATES][24];
	static Leadfit__V1__Ranked ranked[CANDIDATES];
	Leadfit__V1__Ranked *ranking[CANDIDATES];
	Leadfit__V1__Decision decision = LEADFIT__V1__DECISION__INIT;
	struct lf_page page = {0};

	(void)state;
	for (size_t i = 0; i < CANDIDATES; i++) {
		snprintf(ids[i], sizeof(ids[i]), "m-%02zu", i + 1);
		leadfit__v1__ranked__init(&ranked[i]);
		ranked[i].candidate = ids[i];
		ranked[i].score = 0.125;
		ranked[i].rank = 1;
		ranked[i].eligible = true;
		ranking[i] = &ranked[i];
	}
	decision.outcome = LEADFIT__V1__OUTCOME__TOO_CLOSE;
	decision.ranking = ranking;
	decision.n_ranking = CANDIDATES;
	print(&page, &decision);
	assert_non_null(strstr(page.text.data, "too close to each other (60 share first place, score 0.13)\n"));
	decision.n_ranking = 2;
	print(&page, &decision);
	assert_non_null(strstr(page.text.data, " (m-01 and m-02 share first place, score 0.13)\n"));
	assert_null(strstr(page.text.data, "0.1250"));
	/* Scores of different ranks look different, however near they are. */
	ranked[1].rank = 2;
	ranked[1].score = 0.125 - 0x1p-40;
	print(&page, &decision);
	assert_non_null(strstr(page.text.data, " (first: m-01, score 0.13, 0% evidence)\n"));
	assert_non_null(strstr(page.text.data, " 0.125000000000 "));
	assert_non_null(strstr(page.text.data, " 0.124999999999 "));
	lf_page_clean_up(&page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(halves_are_rounded_away_from_zero),
		cmocka_unit_test(the_mean_on_the_page_is_the_mean_in_the_picture),
		cmocka_unit_test(a_decision_page_rounds_like_its_sentences_and_counts_who_is_equal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
