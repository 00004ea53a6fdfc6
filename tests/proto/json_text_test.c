/* Nearest names, dates and instants, and the line of a path. */
#include "json_help.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "proto/base/dates.h"
#include "proto/base/nearest.h"

static const char *nearest(const char *name)
{
	static const char *const known[] = {"id", "title", "members", "interaction_focus", "INSUFFICIENT_EVIDENCE"};

	return lf_nearest(name, known, 5);
}

static void test_the_nearest_name_is_found_through_slips(void **state)
{
	(void)state;
	assert_string_equal(nearest("membrs"), "members");
	assert_string_equal(nearest("memebrs"), "members");
	assert_string_equal(nearest("member"), "members");
	assert_string_equal(nearest("MEMBERS"), "members");
	assert_string_equal(nearest("di"), "id");
	assert_string_equal(nearest("tilte"), "title");
	assert_string_equal(nearest("interactionFocus"), "interaction_focus");
	assert_string_equal(nearest("insufficient evidence"), "INSUFFICIENT_EVIDENCE");
}

static void test_a_name_that_is_near_none_has_no_nearest(void **state)
{
	(void)state;
	assert_null(nearest(""));
	assert_null(nearest("x"));
	assert_null(nearest("xy"));
	assert_null(nearest("colour"));
	assert_null(nearest("a name that is much longer than any that is known, by far, and then some more"));
	assert_null(lf_nearest("id", NULL, 0));
}

static void test_dates_are_real_ones(void **state)
{
	const char *const bad[] = {"", "2026-5-1", "2026-02-29", "1900-02-29", "2026-13-01", "2026-00-01", "2026-01-00",
		"2026-04-31", "0000-01-01", "2026-05-01 ", " 2026-05-01", "2026-05-01T00:00:00Z", "20260501",
		"-026-05-01", "2026/05/01", "10000-01-01"};
	int32_t day = 42;

	(void)state;
	assert_true(lf_parse_date("1970-01-01", &day));
	assert_int_equal(day, 0);
	assert_true(lf_parse_date("2000-02-29", &day));
	assert_int_equal(day, 11016);
	assert_true(lf_parse_date("0001-01-01", &day));
	assert_int_equal(day, -719162);
	assert_true(lf_parse_date("9999-12-31", &day));
	assert_int_equal(day, 2932896);
	day = 42;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(lf_parse_date(bad[i], &day));
	assert_int_equal(day, 42);
}

static void test_every_day_follows_the_day_before(void **state)
{
	int32_t expected = -719162, day;
	char text[40];

	(void)state;
	for (int year = 1; year <= 9999; year++) {
		for (int month = 1; month <= 12; month++) {
			for (int d = 1; d <= 31; d++) {
				snprintf(text, sizeof(text), "%04d-%02d-%02d", year, month, d);
				if (!lf_parse_date(text, &day))
					continue;
				if (day != expected)
					fail_msg("%s is day %d", text, day);
				expected++;
			}
		}
	}
	assert_int_equal(expected, 2932897);
}

static void test_instants_agree_with_the_c_library(void **state)
{
	int64_t seconds;
	int32_t nanos;
	char text[40];

	(void)state;
	for (int64_t t = -62135596800; t <= 253402300799; t += 10000000 + 12345) {
		time_t clock = (time_t)t;
		struct tm parts;

		assert_non_null(gmtime_r(&clock, &parts));
		snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02dZ", parts.tm_year + 1900, parts.tm_mon + 1,
			parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
		assert_true(lf_parse_instant(text, &seconds, &nanos));
		assert_int_equal(seconds, t);
		assert_int_equal(nanos, 0);
	}
}

static void instant(const char *text, int64_t expected_seconds, int32_t expected_nanos)
{
	int64_t seconds;
	int32_t nanos;

	assert_true(lf_parse_instant(text, &seconds, &nanos));
	assert_int_equal(seconds, expected_seconds);
	assert_int_equal(nanos, expected_nanos);
}

static void test_instants_have_offsets_and_fractions(void **state)
{
	(void)state;
	instant("1970-01-01", 0, 0);
	instant("1970-01-01T00:00:00Z", 0, 0);
	instant("1970-01-01t00:00:00z", 0, 0);
	instant("1970-01-01T02:00:00+02:00", 0, 0);
	instant("1969-12-31T18:30:00-05:30", 0, 0);
	instant("1970-01-01T00:00:00-00:00", 0, 0);
	instant("1969-12-31T23:59:59.999999999Z", -1, 999999999);
	instant("2026-05-01T12:00:00.5Z", 1777636800, 500000000);
	instant("0001-01-01T00:00:00Z", -62135596800, 0);
	instant("9999-12-31T23:59:59Z", 253402300799, 0);
}

static void test_what_is_no_instant_is_refused(void **state)
{
	int64_t seconds = 42;
	int32_t nanos = 42;
	const char *const bad[] = {"", "now", "2026-05-01T", "2026-05-01T12:00", "2026-05-01T12:00:00",
		"2026-05-01 12:00:00Z", "2026-05-01T24:00:00Z", "2026-05-01T12:60:00Z", "2026-05-01T12:00:60Z",
		"2026-05-01T12:00:00.Z", "2026-05-01T12:00:00.1234567890Z", "2026-05-01T12:00:00+24:00",
		"2026-05-01T12:00:00+1:00", "2026-05-01T12:00:00+01", "2026-05-01T12:00:00Zx", "2026-02-29T12:00:00Z",
		"0000-12-31T23:59:59Z", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "2026-05-01Z"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (lf_parse_instant(bad[i], &seconds, &nanos))
			fail_msg("%s was accepted", bad[i]);
	}
	assert_int_equal(seconds, 42);
	assert_int_equal(nanos, 42);
}

static size_t line_of(const char *text, const char *path)
{
	return lf_text_line_of(text, strlen(text), path);
}

static void test_the_line_of_a_path_in_yaml(void **state)
{
	static const char text[] = "# a team\n"                     /* 1 */
				   "id: payments\n"                 /* 2 */
				   "members:\n"                     /* 3 */
				   "  - id: m-1\n"                  /* 4 */
				   "    expertise:\n"               /* 5 */
				   "      a.b: 1\n"                 /* 6 */
				   "      \"c]\": 2\n"              /* 7 */
				   "  - {id: m-2,\n"                /* 8 */
				   "     evidence: [{rating: 1},\n" /* 9 */
				   "       {observedOn: x}]}\n";    /* 10 */

	(void)state;
	assert_int_equal(line_of(text, "id"), 2);
	assert_int_equal(line_of(text, "members"), 3);
	assert_int_equal(line_of(text, "members[0]"), 4);
	assert_int_equal(line_of(text, "members[0].expertise[\"a.b\"]"), 6);
	assert_int_equal(line_of(text, "members[0].expertise[\"c]\"]"), 7);
	assert_int_equal(line_of(text, "members[0].expertise[\"A.b\"]"), 5);
	assert_int_equal(line_of(text, "members[1].evidence[0].rating"), 9);
	assert_int_equal(line_of(text, "members[1].evidence[1].observed_on"), 10);
	/* The nearest ancestor where it is absent. */
	assert_int_equal(line_of(text, "members[1].evidence[1].rating.x"), 10);
	assert_int_equal(line_of(text, "members[7].id"), 3);
	assert_int_equal(line_of(text, "title"), 0);
	assert_int_equal(line_of(text, ""), 0);
	assert_int_equal(line_of(text, "members[x]"), 3);
	assert_int_equal(line_of(text, "[0]"), 0);
	assert_int_equal(line_of(text, "id[0]"), 2);
}

static void test_the_line_of_a_path_in_json(void **state)
{
	static const char text[] = "{\n"
				   "\t\"id\": \"a \\ud83d\\ude00 b\",\n"
				   "\t\"members\": [\n"
				   "\t\t{\"name\": \"\\/\\\\ud83d\"},\n"
				   "\t\t{\"availability\": 2}\n"
				   "\t]\n"
				   "}\n";

	(void)state;
	assert_int_equal(line_of(text, "id"), 2);
	assert_int_equal(line_of(text, "members[0].name"), 4);
	assert_int_equal(line_of(text, "members[1].availability"), 5);
}

static void test_the_line_in_a_text_that_breaks_off_is_as_far_as_it_goes(void **state)
{
	(void)state;
	assert_int_equal(line_of("{\"a\": 1,\n\"b\": [", "a"), 1);
	assert_int_equal(line_of("a: 1\nb: [", "b[3]"), 2);
	assert_int_equal(line_of("", "a"), 0);
	assert_int_equal(line_of("text", "a"), 0);
	assert_int_equal(line_of("*a", "a"), 0);
	assert_int_equal(line_of("\xff\xfe", "a"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_nearest_name_is_found_through_slips),
		cmocka_unit_test(test_a_name_that_is_near_none_has_no_nearest),
		cmocka_unit_test(test_dates_are_real_ones),
		cmocka_unit_test(test_every_day_follows_the_day_before),
		cmocka_unit_test(test_instants_agree_with_the_c_library),
		cmocka_unit_test(test_instants_have_offsets_and_fractions),
		cmocka_unit_test(test_what_is_no_instant_is_refused),
		cmocka_unit_test(test_the_line_of_a_path_in_yaml),
		cmocka_unit_test(test_the_line_of_a_path_in_json),
		cmocka_unit_test(test_the_line_in_a_text_that_breaks_off_is_as_far_as_it_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
