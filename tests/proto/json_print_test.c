/* How messages, texts and numbers are printed. */
#include "json_help.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "leadfit/v1/rubrics.pb-c.h"
#include "leadfit/v1/scoring.pb-c.h"
#include "proto/base/buffer.h"

void *__real_realloc(void *pointer, size_t size);
void *__wrap_realloc(void *pointer, size_t size);

static int reallocs_left = -1; /* -1: any number */

void *__wrap_realloc(void *pointer, size_t size)
{
	if (reallocs_left == 0)
		return NULL;
	reallocs_left -= reallocs_left > 0;
	return __real_realloc(pointer, size);
}

static void prints_double(double value, const char *expected)
{
	char text[32];

	lf_print_double(value, text);
	assert_string_equal(text, expected);
}

static void test_doubles_are_printed_in_their_shortest_form(void **state)
{
	(void)state;
	prints_double(0, "0");
	prints_double(-0.0, "0");
	prints_double(1, "1");
	prints_double(-17, "-17");
	prints_double(0.5, "0.5");
	prints_double(0.1, "0.1");
	prints_double(0.1 + 0.2, "0.30000000000000004");
	prints_double(1.0 / 3, "0.3333333333333333");
	prints_double(2.0 / 3, "0.6666666666666666");
	prints_double(100, "100");
	prints_double(123456.789, "123456.789");
	prints_double(1e15, "1000000000000000");
	prints_double(1e16, "10000000000000000");
	prints_double(1e17, "1e17");
	prints_double(9007199254740993.0, "9007199254740992");
	prints_double(0.00001, "0.00001");
	prints_double(0.000001, "1e-6");
	prints_double(1.5e-7, "1.5e-7");
	prints_double(1e22, "1e22");
	prints_double(1e23, "1e23");
	prints_double(DBL_MAX, "1.7976931348623157e308");
	prints_double(-DBL_MIN, "-2.2250738585072014e-308");
	prints_double(5e-324, "5e-324");
	prints_double(0.3, "0.3");
	prints_double(4.35, "4.35");
	prints_double(0x1p-10, "0.0009765625");
	prints_double(0x1p53, "9007199254740992");
}

/* SplitMix64. */
static uint64_t next_random(uint64_t *seed)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* Significant digits of a text. */
static int digits_of(const char *text)
{
	int count = 0, zeros = 0;

	for (; *text && *text != 'e'; text++) {
		if (*text == '0' && count)
			zeros++;
		else if (*text >= '1' && *text <= '9') {
			count += zeros + 1;
			zeros = 0;
		}
	}
	return count;
}

static void check_double(double value)
{
	char text[32], other[40];
	double back;
	int digits;

	if (!isfinite(value))
		return;
	lf_print_double(value, text);
	assert_true(strlen(text) < sizeof(text));
	back = strtod(text, NULL);
	if (back != value)
		fail_msg("%a is printed as %s", value, text);
	/* No text with fewer digits reads back. */
	digits = digits_of(text);
	assert_true(digits <= 17);
	if (digits > 1) {
		snprintf(other, sizeof(other), "%.*e", digits - 2, value);
		if (strtod(other, NULL) == value)
			fail_msg("%s is longer than %s", text, other);
	}
}

static void test_random_doubles_read_back_as_the_same_bits_and_none_is_longer_than_needed(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (int i = 0; i < 30000; i++) {
		uint64_t bits = next_random(&seed);
		double any, unit = (double)(bits >> 11) * 0x1p-53;

		memcpy(&any, &bits, sizeof(any));
		check_double(any);
		check_double(unit);
		check_double(-unit * 100);
		check_double(ldexp(unit, (int)(bits & 127) - 64));
		check_double((double)(bits % 1000000) / 1000);
		check_double(ldexp(1, (int)(bits & 2047) - 1074));
		check_double((double)(int64_t)bits);
	}
}

static void test_numbers_are_the_same_in_a_locale_with_a_decimal_comma(void **state)
{
	const char *set = NULL;
	const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names) && set == NULL; i++)
		set = setlocale(LC_NUMERIC, names[i]);
	if (set == NULL)
		skip();
	prints_double(0.1 + 0.2, "0.30000000000000004");
	prints_double(1.5e-7, "1.5e-7");
	prints_double(DBL_MAX, "1.7976931348623157e308");
	accepts(LF_FORMAT_JSON, &leadfit__v1__project__descriptor,
		"{\"traits\":{\"a\":0.30000000000000004,\"b\":\"0.30000000000000004\",\"c\":\"1.5e-7\"}}",
		"{\"traits\":{\"a\":0.30000000000000004,\"b\":0.30000000000000004,\"c\":1.5e-7}}");
	setlocale(LC_NUMERIC, "C");
}

static void prints_string(const char *text, const char *expected)
{
	struct lf_buffer out = {.data = NULL};

	lf_json_print_string(text, &out);
	assert_string_equal(out.data, expected);
	lf_buffer_clean_up(&out);
}

static void test_texts_are_escaped(void **state)
{
	(void)state;
	prints_string("", "\"\"");
	prints_string("plain \xc3\xa9 \xf0\x9f\x98\x80", "\"plain \xc3\xa9 \xf0\x9f\x98\x80\"");
	prints_string("\"\\/", "\"\\\"\\\\/\"");
	prints_string("\b\f\n\r\t\x01\x1f\x7f", "\"\\b\\f\\n\\r\\t\\u0001\\u001f\\u007f\"");
	prints_string("\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaf", "\"\xe2\x80\xa7\\u2028\\u2029\xe2\x80\xaf\"");
	/* What turns the direction of a text, and what can't be seen. */
	prints_string("Pay\xe2\x80\xaeroll\xe2\x81\xa6\xe2\x81\xa9", "\"Pay\\u202eroll\\u2066\\u2069\"");
	prints_string("m-1\xe2\x80\x8b\xe2\x80\x8f\xc2\xad\xd8\x9c", "\"m-1\\u200b\\u200f\\u00ad\\u061c\"");
	prints_string("\xc2\x80\xc2\x9f\xc2\xa0", "\"\\u0080\\u009f\xc2\xa0\"");
}

static void test_invalid_utf8_becomes_the_replacement_character(void **state)
{
	(void)state;
	prints_string("a\xff z", "\"a\xef\xbf\xbd z\"");
	prints_string("\xc3", "\"\xef\xbf\xbd\"");
	prints_string("\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\"");
	prints_string("\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
	prints_string("\xc0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\"");
	prints_string("\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

static void prints_instant(int64_t seconds, int32_t nanos, const char *expected)
{
	Google__Protobuf__Timestamp timestamp;
	struct lf_buffer out = {.data = NULL};

	google__protobuf__timestamp__init(&timestamp);
	timestamp.seconds = seconds;
	timestamp.nanos = nanos;
	lf_json_print(&timestamp.base, NULL, &out);
	assert_string_equal(out.data, expected);
	lf_buffer_clean_up(&out);
}

static void test_instants_have_as_many_digits_as_needed(void **state)
{
	(void)state;
	prints_instant(0, 0, "\"1970-01-01T00:00:00Z\"");
	prints_instant(-1, 500000000, "\"1969-12-31T23:59:59.500Z\"");
	prints_instant(951782400, 1000, "\"2000-02-29T00:00:00.000001Z\"");
	prints_instant(1777636800, 1, "\"2026-05-01T12:00:00.000000001Z\"");
	prints_instant(-62135596800, 0, "\"0001-01-01T00:00:00Z\"");
	prints_instant(253402300799, 999999999, "\"9999-12-31T23:59:59.999999999Z\"");
	prints_instant(253402300800, 0, "null");
	prints_instant(INT64_MIN, 0, "null");
	prints_instant(0, -1, "null");
}

static void test_pretty_has_two_spaces_of_indent(void **state)
{
	Leadfit__V1__RubricRef ref;
	Leadfit__V1__FieldViolation violation;
	Leadfit__V1__FieldViolation *violations[] = {&violation};
	Leadfit__V1__CheckRubricResponse response;
	struct lf_buffer out = {.data = NULL};
	char name[] = "tech-lead";

	leadfit__v1__rubric_ref__init(&ref);
	leadfit__v1__field_violation__init(&violation);
	leadfit__v1__check_rubric_response__init(&response);
	(void)state;
	ref.name = name;
	response.ref = &ref;
	response.n_errors = 1;
	response.errors = violations;
	lf_json_print(&response.base, &(struct lf_json_style){.pretty = true}, &out);
	assert_string_equal(
		out.data, "{\n  \"ref\": {\n    \"name\": \"tech-lead\"\n  },\n  \"errors\": [\n    {}\n  ]\n}");
	lf_buffer_clean_up(&out);
}

static void test_names_are_lower_camel_case_or_as_in_the_proto_file(void **state)
{
	Leadfit__V1__Weight weight;
	Leadfit__V1__Robustness robustness;
	struct lf_buffer out = {.data = NULL};

	leadfit__v1__weight__init(&weight);
	leadfit__v1__robustness__init(&robustness);
	(void)state;
	weight.base_weight = 0.25;
	robustness.weight_spread = 0.3;
	lf_json_print(&weight.base, &(struct lf_json_style){.snake_case = true}, &out);
	lf_json_print(&robustness.base, &(struct lf_json_style){.snake_case = true}, &out);
	lf_json_print(&robustness.base, &(struct lf_json_style){.snake_case = false}, &out);
	assert_string_equal(out.data, "{\"base\":0.25}{\"weight_spread\":0.3}{\"weightSpread\":0.3}");
	lf_buffer_clean_up(&out);
}

static void test_an_unknown_enum_value_is_printed_as_a_number(void **state)
{
	Leadfit__V1__Decision decision;
	struct lf_buffer out = {.data = NULL};

	leadfit__v1__decision__init(&decision);
	(void)state;
	decision.outcome = (Leadfit__V1__Outcome)77;
	decision.evidence_share = NAN;
	lf_json_print(&decision.base, NULL, &out);
	assert_string_equal(out.data, "{\"outcome\":77,\"evidenceShare\":\"NaN\"}");
	lf_buffer_clean_up(&out);
}

static void test_a_buffer_that_ran_out_of_memory_stays_cut(void **state)
{
	struct lf_buffer out = {.data = NULL};
	size_t length;

	(void)state;
	reallocs_left = 1;
	for (int i = 0; i < 100; i++)
		lf_json_print_string("0123456789", &out);
	assert_true(out.failed);
	assert_in_range(out.length, 1, 256);
	assert_int_equal(strlen(out.data), out.length);
	length = out.length;
	reallocs_left = -1;
	lf_buffer_append_text(&out, "x");
	assert_int_equal(out.length, length);
	lf_buffer_clean_up(&out);
	lf_buffer_clean_up(&out);
	reallocs_left = 0;
	lf_buffer_append_text(&out, "x");
	reallocs_left = -1;
	assert_true(out.failed);
	assert_null(out.data);
	lf_buffer_clean_up(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_doubles_are_printed_in_their_shortest_form),
		cmocka_unit_test(test_random_doubles_read_back_as_the_same_bits_and_none_is_longer_than_needed),
		cmocka_unit_test(test_numbers_are_the_same_in_a_locale_with_a_decimal_comma),
		cmocka_unit_test(test_texts_are_escaped),
		cmocka_unit_test(test_invalid_utf8_becomes_the_replacement_character),
		cmocka_unit_test(test_instants_have_as_many_digits_as_needed),
		cmocka_unit_test(test_pretty_has_two_spaces_of_indent),
		cmocka_unit_test(test_names_are_lower_camel_case_or_as_in_the_proto_file),
		cmocka_unit_test(test_an_unknown_enum_value_is_printed_as_a_number),
		cmocka_unit_test(test_a_buffer_that_ran_out_of_memory_stays_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
