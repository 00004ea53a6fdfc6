/* What is read from JSON, and how everything else is refused. */
#include "json_help.h"

#include <stdlib.h>
#include <string.h>

#include "leadfit/v1/decisions.pb-c.h"
#include "leadfit/v1/scoring.pb-c.h"
#include "proto/base/limits.h"

#define SCORE &leadfit__v1__score_request__descriptor
#define TEAM &leadfit__v1__team__descriptor
#define PROJECT &leadfit__v1__project__descriptor
#define RUBRIC &leadfit__v1__rubric__descriptor
#define LIST &leadfit__v1__list_decisions_request__descriptor

static void json(const ProtobufCMessageDescriptor *type, const char *text, const char *printed)
{
	accepts(LF_FORMAT_JSON, type, text, printed);
}

static void bad(const ProtobufCMessageDescriptor *type, const char *text, const char *errors)
{
	refuses(LF_FORMAT_JSON, type, text, errors);
}

static void test_both_spellings_of_a_field_are_read(void **state)
{
	(void)state;
	json(SCORE, "{\"ignore_undeclared\": true, \"idempotencyKey\": \"k\"}",
		"{\"ignoreUndeclared\":true,\"idempotencyKey\":\"k\"}");
}

static void test_a_field_with_another_name_in_json_has_that_and_its_own(void **state)
{
	(void)state;
	json(RUBRIC, "{\"criteria\":[{\"weight\":{\"base\":0.5}},{\"weight\":{\"base_weight\":0.5}}]}",
		"{\"criteria\":[{\"weight\":{\"base\":0.5}},{\"weight\":{\"base\":0.5}}]}");
	bad(RUBRIC, "{\"criteria\":[{\"weight\":{\"baseWeight\":0.5}}]}",
		"criteria[0].weight.baseWeight: unknown field; known: base, traits");
}

static void test_absent_null_and_default_are_the_same(void **state)
{
	(void)state;
	json(SCORE, "{\"team\":null,\"rubric\":\"\",\"candidates\":[],\"asOf\":null,\"purpose\":0,\"detail\":\"TOP\"}",
		"{}");
}

static void test_a_wrapper_tells_zero_from_absent(void **state)
{
	(void)state;
	json(TEAM, "{\"members\":[{\"availability\":0},{\"availability\":null},{}]}",
		"{\"members\":[{\"availability\":0},{},{}]}");
}

static void test_all_violations_are_reported_at_once_by_path(void **state)
{
	(void)state;
	bad(SCORE,
		"{\"team\":{\"id\":7,\"members\":[{},{\"evidence\":[{\"rating\":\"high\",\"ratng\":3}]}]},"
		"\"project\":{\"traits\":{\"interaction_focus\":\"big\"}},\"candidates\":\"m-1\",\"purpose\":"
		"\"DECISON\"}",
		"team.id: 7 is not a text; put it in quotes\n"
		"team.members[1].evidence[0].rating: \"high\" is not a number\n"
		"team.members[1].evidence[0].ratng: unknown field; nearest known: rating\n"
		"project.traits[\"interaction_focus\"]: \"big\" is not a number\n"
		"candidates: \"m-1\" is not a list\n"
		"purpose: \"DECISON\" is unknown; nearest known: DECISION");
}

static void test_the_message_is_the_first_violation_and_counts_the_rest(void **state)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_arena arena;
	const char *text = "{\"id\":1,\"title\":2}";

	(void)state;
	lf_arena_init(&arena, 65536);
	assert_null(lf_text_parse(LF_FORMAT_JSON, TEAM, text, strlen(text), &arena, &error));
	assert_string_equal(error.message, "id: 1 is not a text; put it in quotes (and 1 more)");
	lf_error_clean_up(&error);
	/* An error is not needed to be told that there is one. */
	assert_null(lf_text_parse(LF_FORMAT_JSON, TEAM, text, strlen(text), &arena, NULL));
	lf_arena_clean_up(&arena);
}

static void test_unknown_fields_are_refused_with_the_nearest_known_one(void **state)
{
	(void)state;
	bad(TEAM, "{\"membrs\":[]}", "membrs: unknown field; nearest known: members");
	bad(TEAM, "{\"Members\":[]}", "Members: unknown field; nearest known: members");
	bad(TEAM, "{\"colour\":null}", "colour: unknown field; known: id, title, members");
	bad(TEAM, "{\"\":1}", ": unknown field; known: id, title, members");
	bad(TEAM, "{\"a\\nb\":1}", "a?b: unknown field; known: id, title, members");
}

static void test_a_field_given_twice_is_refused_by_path_with_everything_else(void **state)
{
	(void)state;
	bad(TEAM, "{\"id\":\"a\",\"id\":\"b\",\"members\":[{},{\"name\":\"x\",\"name\":\"y\",\"id\":1}]}",
		"id: given more than once\n"
		"members[1].name: given more than once\n"
		"members[1].id: 1 is not a text; put it in quotes");
	bad(PROJECT, "{\"traits\":{\"a\":1,\"b\":2,\"a\":3}}", "traits[\"a\"]: given more than once");
}

static void test_a_field_given_in_both_spellings_is_refused(void **state)
{
	(void)state;
	bad(SCORE, "{\"ignoreUndeclared\":true,\"ignore_undeclared\":true}",
		"ignore_undeclared: given twice, as ignore_undeclared and as ignoreUndeclared");
	bad(SCORE, "{\"as_of\":null,\"asOf\":\"2026-05-01\"}", "as_of: given twice, as as_of and as asOf");
}

static void test_numbers_out_of_range_are_refused_by_path(void **state)
{
	(void)state;
	bad(LIST, "{\"pageSize\":-1}", "page_size: -1 is outside 0..4294967295");
	bad(LIST, "{\"pageSize\":4294967296}", "page_size: 4294967296 is outside 0..4294967295");
	bad(LIST, "{\"pageSize\":18446744073709551616}", "page_size: 18446744073709551616 is outside 0..4294967295");
	bad(LIST, "{\"pageSize\":1e30}", "page_size: 1e30 is outside 0..4294967295");
	bad(TEAM, "{\"members\":[{\"availability\":1e400}]}", "members[0].availability: 1e400 is too large a number");
	bad(TEAM, "{\"members\":[{\"availability\":\"-1e400\"}]}",
		"members[0].availability: \"-1e400\" is too large a number");
}

static void test_nan_and_infinity_are_refused_however_written(void **state)
{
	(void)state;
	bad(TEAM,
		"{\"members\":[{\"availability\":\"NaN\"},{\"availability\":\"Infinity\"},"
		"{\"availability\":\"-Infinity\"}]}",
		"members[0].availability: \"NaN\" is not allowed; a number is finite\n"
		"members[1].availability: \"Infinity\" is not allowed; a number is finite\n"
		"members[2].availability: \"-Infinity\" is not allowed; a number is finite");
	bad(TEAM, "{\"members\":[{\"availability\":NaN}]}", "1:31: invalid token near 'NaN'");
}

static void test_a_number_may_be_written_as_text(void **state)
{
	(void)state;
	json(LIST, "{\"pageSize\":\"20\"}", "{\"pageSize\":20}");
	json(LIST, "{\"pageSize\":2e1}", "{\"pageSize\":20}");
	json(LIST, "{\"pageSize\":20.0}", "{\"pageSize\":20}");
	json(PROJECT, "{\"traits\":{\"a\":\"1.50\",\"b\":-0.0,\"c\":\"1e-2\"}}",
		"{\"traits\":{\"a\":1.5,\"b\":0,\"c\":0.01}}");
	bad(LIST, "{\"pageSize\":1.5}", "page_size: 1.5 is not a whole number");
	bad(LIST, "{\"pageSize\":\"1.5\"}", "page_size: \"1.5\" is not a whole number");
	bad(LIST, "{\"pageSize\":\"\"}", "page_size: \"\" is not a number");
	bad(LIST, "{\"pageSize\":\" 1\"}", "page_size: \" 1\" is not a number");
	bad(LIST, "{\"pageSize\":\"0x10\"}", "page_size: \"0x10\" is not a number");
	bad(LIST, "{\"pageSize\":\"010\"}", "page_size: \"010\" is not a number");
	bad(PROJECT, "{\"traits\":{\"a\":\"0,5\",\"b\":\".5\",\"c\":true}}",
		"traits[\"a\"]: \"0,5\" is not a number; the decimal sign is a point\n"
		"traits[\"b\"]: \".5\" is not a number; it starts with a digit, as in 0.5\n"
		"traits[\"c\"]: true is not a number");
}

static void test_enums_are_read_by_name_or_number(void **state)
{
	(void)state;
	json(LIST, "{\"outcome\":\"TOO_CLOSE\"}", "{\"outcome\":\"TOO_CLOSE\"}");
	json(LIST, "{\"outcome\":2}", "{\"outcome\":\"TOO_CLOSE\"}");
	bad(LIST, "{\"outcome\":\"too_close\"}", "outcome: \"too_close\" is unknown; nearest known: TOO_CLOSE");
	bad(SCORE, "{\"purpose\":9}", "purpose: 9 is unknown; known: DECISION, WHAT_IF");
	bad(LIST, "{\"outcome\":9}",
		"outcome: 9 is unknown; known: OUTCOME_UNSPECIFIED, RECOMMENDED, TOO_CLOSE, "
		"INSUFFICIENT_EVIDENCE, NO_ELIGIBLE_CANDIDATE");
	bad(LIST, "{\"outcome\":\"2\"}",
		"outcome: \"2\" is unknown; known: OUTCOME_UNSPECIFIED, RECOMMENDED, TOO_CLOSE, "
		"INSUFFICIENT_EVIDENCE, NO_ELIGIBLE_CANDIDATE");
}

static void test_booleans_are_true_and_false(void **state)
{
	(void)state;
	bad(SCORE, "{\"ignoreUndeclared\":1}", "ignore_undeclared: 1 is neither true nor false");
	bad(SCORE, "{\"ignoreUndeclared\":\"true\"}",
		"ignore_undeclared: \"true\" is neither true nor false; leave the quotes out");
}

static void test_instants_are_rfc_3339(void **state)
{
	(void)state;
	json(SCORE, "{\"asOf\":\"2026-05-01T14:00:00.5+02:00\"}", "{\"asOf\":\"2026-05-01T12:00:00.500Z\"}");
	json(SCORE, "{\"asOf\":\"2026-05-01\"}", "{\"asOf\":\"2026-05-01T00:00:00Z\"}");
	bad(SCORE, "{\"asOf\":\"yesterday\"}", "as_of: \"yesterday\" is not an instant such as 2026-05-01T12:00:00Z");
	bad(SCORE, "{\"asOf\":{\"seconds\":1}}", "as_of: an object is not an instant such as 2026-05-01T12:00:00Z");
}

static void test_the_wrong_kind_of_value_is_named(void **state)
{
	(void)state;
	bad(TEAM, "{\"members\":{}}", "members: an object is not a list");
	bad(TEAM, "{\"members\":[[],1,null]}",
		"members[0]: a list is not an object\n"
		"members[1]: 1 is not an object\n"
		"members[2]: null is not allowed in a list");
	bad(PROJECT, "{\"id\":[],\"traits\":[]}", "id: a list is not a text\ntraits: a list is not an object");
	bad(PROJECT, "{\"traits\":{\"a\":null}}", "traits[\"a\"]: null is not allowed in a map");
	bad(TEAM, "[]", "the text is a list, not an object: a Team is expected");
	bad(TEAM, "\"x\"", "the text is \"x\", not an object: a Team is expected");
	bad(TEAM, "null", "the text is empty: a Team is expected");
	bad(TEAM, " \n", "the text is empty: a Team is expected");
	bad(TEAM, "", "the text is empty: a Team is expected");
}

static void test_a_long_value_is_cut_at_a_character(void **state)
{
	char *text = repeated("{\"pageSize\":\"", "\xc3\xa9", 100, "\"}");
	char *error = repeated("page_size: \"", "\xc3\xa9", 45, "\xe2\x80\xa6\" is not a number");

	(void)state;
	bad(LIST, text, error);
	free(text);
	free(error);
}

static void test_syntax_errors_have_line_and_column(void **state)
{
	(void)state;
	bad(TEAM, "{\"id\": \"a\",\n}", "2:1: string or '}' expected near '}'");
	bad(TEAM, "{\"id\": \"a\"} {}", "1:13: end of file expected near '{'");
	bad(TEAM, "{\"id\": 'a'}", "1:8: invalid token near '''");
	bad(TEAM, "{\"id\": 01}", "1:8: invalid token near '0'");
	refuses_bytes(LF_FORMAT_JSON, TEAM, "{\"id\":\"a\"}\0", 11, "1:11: end of file expected near end of file");
}

static void test_nul_and_bad_utf8_are_refused(void **state)
{
	(void)state;
	bad(TEAM, "{\"id\":\"a\\u0000b\"}", "1:16: a NUL character is not allowed");
	refuses_bytes(LF_FORMAT_JSON, TEAM, "{\"id\":\"a\0b\"}", 12, "1:8: control character 0x0 near '\"a'");
	bad(TEAM, "{\"id\":\"\xff\"}", "1:7: unable to decode byte 0xff near '\"'");
	bad(TEAM, "{\"id\":\"\xc0\x80\"}", "1:7: unable to decode byte 0xc0 near '\"'");
	bad(TEAM, "{\"id\":\"\\ud800\"}", "1:14: invalid Unicode '\\uD800' near '\"\\ud800\"'");
	json(TEAM, "{\"id\":\"\\ud83d\\ude00\"}", "{\"id\":\"\xf0\x9f\x98\x80\"}");
	json(TEAM, "\xef\xbb\xbf{\"id\":\"a\"}", "{\"id\":\"a\"}");
}

static void test_depth_is_limited(void **state)
{
	char *deep = repeated("", "[", 1000000, "");
	char *allowed, *text;

	(void)state;
	bad(TEAM, deep, "1:33: nested deeper than 32");
	free(deep);
	/* 32 levels are read, and are then no Team. */
	allowed = repeated("{\"id\":", "[", 31, "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}");
	bad(TEAM, allowed, "id: a list is not a text");
	free(allowed);
	/* Brackets in a text are text. */
	text = repeated("{\"id\":\"", "\\\"[", 100, "\"}");
	json(TEAM, text, text);
	free(text);
}

static void test_size_and_number_of_values_are_limited(void **state)
{
	char *text = repeated("{\"id\":\"", "x", LF_MESSAGE_BYTES_MAX, "\"}");

	(void)state;
	bad(TEAM, text, "the text has 4194313 bytes; at most 4194304 are allowed");
	free(text);
	text = repeated("{\"members\":[1", ",1", LF_JSON_VALUES_MAX, "]}");
	bad(TEAM, text, "1:524296: the number of values is above 262144");
	free(text);
}

static void test_violations_beyond_those_kept_are_counted(void **state)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_arena arena;
	char *text;

	(void)state;
	text = repeated("{\"candidates\":[1", ",1", 199999, "]}");
	lf_arena_init(&arena, 16 * 1024 * 1024);
	assert_null(lf_text_parse(LF_FORMAT_JSON, SCORE, text, strlen(text), &arena, &error));
	assert_int_equal(error.violation_count, 200000);
	assert_int_equal(error.violation_kept, LF_VIOLATIONS_MAX);
	assert_string_equal(error.message, "candidates[0]: 1 is not a text; put it in quotes (and 199999 more)");
	lf_error_clean_up(&error);
	lf_arena_clean_up(&arena);
	free(text);
}

static void test_a_full_arena_is_resource_exhausted(void **state)
{
	const char *text =
		"{\"id\":\"payments\",\"members\":[{\"id\":\"m-1\",\"expertise\":{\"DATA\":1},\"availability\":1}]}";
	struct lf_error error = LF_ERROR_INIT;
	bool parsed = false;

	(void)state;
	for (size_t bytes = 0; !parsed; bytes += 16) {
		struct lf_arena arena;

		lf_arena_init(&arena, bytes);
		parsed = lf_text_parse(LF_FORMAT_JSON, TEAM, text, strlen(text), &arena, &error) != NULL;
		if (!parsed)
			assert_int_equal(error.code, LF_RESOURCE_EXHAUSTED);
		lf_error_clean_up(&error);
		lf_arena_clean_up(&arena);
		assert_true(bytes < 4096);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_spellings_of_a_field_are_read),
		cmocka_unit_test(test_a_field_with_another_name_in_json_has_that_and_its_own),
		cmocka_unit_test(test_absent_null_and_default_are_the_same),
		cmocka_unit_test(test_a_wrapper_tells_zero_from_absent),
		cmocka_unit_test(test_all_violations_are_reported_at_once_by_path),
		cmocka_unit_test(test_the_message_is_the_first_violation_and_counts_the_rest),
		cmocka_unit_test(test_unknown_fields_are_refused_with_the_nearest_known_one),
		cmocka_unit_test(test_a_field_given_twice_is_refused_by_path_with_everything_else),
		cmocka_unit_test(test_a_field_given_in_both_spellings_is_refused),
		cmocka_unit_test(test_numbers_out_of_range_are_refused_by_path),
		cmocka_unit_test(test_nan_and_infinity_are_refused_however_written),
		cmocka_unit_test(test_a_number_may_be_written_as_text),
		cmocka_unit_test(test_enums_are_read_by_name_or_number),
		cmocka_unit_test(test_booleans_are_true_and_false),
		cmocka_unit_test(test_instants_are_rfc_3339),
		cmocka_unit_test(test_the_wrong_kind_of_value_is_named),
		cmocka_unit_test(test_a_long_value_is_cut_at_a_character),
		cmocka_unit_test(test_syntax_errors_have_line_and_column),
		cmocka_unit_test(test_nul_and_bad_utf8_are_refused),
		cmocka_unit_test(test_depth_is_limited),
		cmocka_unit_test(test_size_and_number_of_values_are_limited),
		cmocka_unit_test(test_violations_beyond_those_kept_are_counted),
		cmocka_unit_test(test_a_full_arena_is_resource_exhausted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
