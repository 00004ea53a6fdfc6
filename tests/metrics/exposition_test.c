/* The text of metrics: lines, labels, numbers, histograms. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "service/metrics/exposition.h"

/* The text so far is this; begins anew. */
static void assert_text(struct lf_exposition *exposition, const char *expected)
{
	assert_false(exposition->text.failed);
	assert_string_equal(exposition->text.data, expected);
	lf_buffer_clean_up(&exposition->text);
	memset(exposition, 0, sizeof(*exposition));
}

static void a_family_has_its_help_and_type_before_its_samples(void **state)
{
	struct lf_exposition exposition = {.family = NULL};

	(void)state;
	lf_metric_counter(&exposition, "calls_total", "Calls.", 3);
	lf_metric_gauge(&exposition, "open", "Open ones.", 0.5);
	lf_metric_begin(&exposition, "by_total", LF_METRIC_COUNTER, "By kind.");
	lf_metric_count(&exposition, "kind=\"a\"", UINT64_MAX);
	lf_metric_count(&exposition, "kind=\"b\",more=\"\"", 0);
	assert_text(&exposition,
		"# HELP calls_total Calls.\n# TYPE calls_total counter\ncalls_total 3\n"
		"# HELP open Open ones.\n# TYPE open gauge\nopen 0.5\n"
		"# HELP by_total By kind.\n# TYPE by_total counter\n"
		"by_total{kind=\"a\"} 18446744073709551615\nby_total{kind=\"b\",more=\"\"} 0\n");
}

static void values_come_back_to_the_last_digit(void **state)
{
	static const double values[] = {
		0, 1, -1, 0.1, 1e-9, 1796047187, 1796047187.1193404, 1.0 / 3, 1e300, 4503599627370497.5};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		struct lf_exposition exposition = {.family = "x"};
		double back;

		lf_metric_value(&exposition, "", values[i]);
		assert_memory_equal(exposition.text.data, "x ", 2);
		back = strtod(exposition.text.data + 2, NULL);
		assert_memory_equal(&back, &values[i], sizeof(back));
		lf_buffer_clean_up(&exposition.text);
	}
}

static void labels_are_escaped(void **state)
{
	struct lf_buffer labels = {.data = NULL};

	(void)state;
	lf_metric_label(&labels, "plain", "tech-lead");
	lf_metric_label(&labels, "odd", "a\"b\\c\nd{}=,#\xc3\xa9");
	lf_metric_label(&labels, "empty", "");
	assert_false(labels.failed);
	assert_string_equal(labels.data, "plain=\"tech-lead\",odd=\"a\\\"b\\\\c\\nd{}=,#\xc3\xa9\",empty=\"\"");
	lf_buffer_clean_up(&labels);
}

static void buckets_of_a_histogram_add_up(void **state)
{
	static const struct lf_buckets doubling = {1000, 3, false}, tenths = {100, 2, true};
	struct lf_histogram times = {.sum = 0}, shares = {.sum = 0}, empty = {.sum = 0};
	struct lf_exposition exposition = {.family = "t_seconds"};

	(void)state;
	/* Bounds belong to their bucket: 1000, 2000 and 4000 ns. */
	for (const uint64_t *v = (const uint64_t[]){1, 1000, 1001, 4000, 4001, 1000000, 0}; *v != 0; v++)
		lf_histogram_add(&times, &doubling, *v);
	lf_metric_histogram(&exposition, "m=\"a\"", &times, &doubling, 1e-9);
	assert_text(&exposition,
		"t_seconds_bucket{m=\"a\",le=\"1e-06\"} 2\nt_seconds_bucket{m=\"a\",le=\"2e-06\"} 3\n"
		"t_seconds_bucket{m=\"a\",le=\"4e-06\"} 4\nt_seconds_bucket{m=\"a\",le=\"+Inf\"} 6\n"
		"t_seconds_sum{m=\"a\"} 0.001010003\nt_seconds_count{m=\"a\"} 6\n");

	exposition.family = "share";
	lf_histogram_add(&shares, &tenths, 0);
	lf_histogram_add(&shares, &tenths, 200);
	lf_metric_histogram(&exposition, "", &shares, &tenths, 1e-3);
	assert_text(&exposition,
		"share_bucket{le=\"0.1\"} 1\nshare_bucket{le=\"0.2\"} 2\nshare_bucket{le=\"+Inf\"} 2\n"
		"share_sum 0.2\nshare_count 2\n");

	exposition.family = "none";
	lf_metric_histogram(&exposition, "", &empty, &tenths, 1);
	assert_text(&exposition,
		"none_bucket{le=\"100\"} 0\nnone_bucket{le=\"200\"} 0\nnone_bucket{le=\"+Inf\"} 0\n"
		"none_sum 0\nnone_count 0\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_family_has_its_help_and_type_before_its_samples),
		cmocka_unit_test(values_come_back_to_the_last_digit),
		cmocka_unit_test(labels_are_escaped),
		cmocka_unit_test(buckets_of_a_histogram_add_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
