/* What is read from YAML, and how everything else is refused. */
#include "json_help.h"

#include <stdlib.h>
#include <string.h>

#include "leadfit/v1/decisions.pb-c.h"
#include "leadfit/v1/scoring.pb-c.h"
#include "proto/base/limits.h"

#define SCORE &leadfit__v1__score_request__descriptor
#define TEAM &leadfit__v1__team__descriptor
#define PROJECT &leadfit__v1__project__descriptor
#define CRITERION &leadfit__v1__criterion__descriptor
#define RUBRIC &leadfit__v1__rubric__descriptor
#define LIST &leadfit__v1__list_decisions_request__descriptor

static void yaml(const ProtobufCMessageDescriptor *type, const char *text, const char *printed)
{
	accepts(LF_FORMAT_YAML, type, text, printed);
}

static void bad(const ProtobufCMessageDescriptor *type, const char *text, const char *errors)
{
	refuses(LF_FORMAT_YAML, type, text, errors);
}

static void test_a_plain_scalar_takes_the_type_of_its_field(void **state)
{
	(void)state;
	yaml(TEAM, "id: no\ntitle: 2026-05-01\nmembers:\n  - {id: 17, name: true, availability: 1}\n",
		"{\"id\":\"no\",\"title\":\"2026-05-01\","
		"\"members\":[{\"id\":\"17\",\"name\":\"true\",\"availability\":1}]}");
	yaml(SCORE,
		"purpose: WHAT_IF\ndetail: 1\nas_of: 2026-05-01T12:00:00Z\nignoreUndeclared: true\ncandidates: [a, "
		"2]\n",
		"{\"candidates\":[\"a\",\"2\"],\"asOf\":\"2026-05-01T12:00:00Z\",\"purpose\":\"WHAT_IF\","
		"\"detail\":\"ALL\",\"ignoreUndeclared\":true}");
}

static void test_a_quoted_or_block_scalar_is_text(void **state)
{
	(void)state;
	yaml(TEAM, "id: \"~\"\ntitle: 'null'\n", "{\"id\":\"~\",\"title\":\"null\"}");
	yaml(TEAM, "title: |\n  two\n  lines\n", "{\"title\":\"two\\nlines\\n\"}");
	yaml(LIST, "page_size: \"20\"\n", "{\"pageSize\":20}");
	bad(SCORE, "ignore_undeclared: \"true\"\n",
		"ignore_undeclared: \"true\" is neither true nor false; leave the quotes out");
}

static void test_tilde_null_and_nothing_mean_absent(void **state)
{
	(void)state;
	yaml(TEAM, "id: ~\ntitle:\nmembers: null\n", "{}");
	bad(TEAM, "members:\n  - \n", "members[0]: null is not allowed in a list");
	bad(PROJECT, "traits: {a: }\n", "traits[\"a\"]: null is not allowed in a map");
	yaml(CRITERION, "levels: {'1': , '2': ~, '3': \"~\"}\n", "{\"levels\":{\"1\":\"\",\"2\":\"\",\"3\":\"~\"}}");
}

static void test_numbers_are_decimal(void **state)
{
	(void)state;
	yaml(PROJECT, "traits: {a: 0.5, b: 1e-1, c: -2}\n", "{\"traits\":{\"a\":0.5,\"b\":0.1,\"c\":-2}}");
	bad(PROJECT, "traits: {a: .5, b: +1, c: 0x1F, d: 1_000, e: .inf, f: .NaN, g: 012}\n",
		"traits[\"a\"]: \".5\" is not a number; it starts with a digit, as in 0.5\n"
		"traits[\"b\"]: \"+1\" is not a number\n"
		"traits[\"c\"]: \"0x1F\" is not a number\n"
		"traits[\"d\"]: \"1_000\" is not a number\n"
		"traits[\"e\"]: \".inf\" is not allowed; a number is finite\n"
		"traits[\"f\"]: \".NaN\" is not allowed; a number is finite\n"
		"traits[\"g\"]: \"012\" is not a number");
	bad(LIST, "page_size: 1.5\n", "page_size: 1.5 is not a whole number");
	bad(LIST, "page_size: 99999999999999999999\n", "page_size: 99999999999999999999 is outside 0..4294967295");
}

static void test_booleans_are_true_and_false(void **state)
{
	(void)state;
	bad(SCORE, "ignore_undeclared: yes\n", "ignore_undeclared: \"yes\" is neither true nor false");
	bad(SCORE, "ignore_undeclared: True\n", "ignore_undeclared: \"True\" is neither true nor false");
}

static void test_keys_of_maps_are_text(void **state)
{
	(void)state;
	yaml(RUBRIC, "criteria:\n  - levels: {1: low, 'no': x, null: y}\n",
		"{\"criteria\":[{\"levels\":{\"1\":\"low\",\"no\":\"x\",\"null\":\"y\"}}]}");
}

static void test_all_violations_are_reported_at_once_by_path(void **state)
{
	(void)state;
	bad(TEAM,
		"membrs: 1\nid: a\nid: [b]\nmembers:\n  - evidence:\n      - {rating: high, criterion: a, criterion: "
		"b}\n",
		"membrs: unknown field; nearest known: members\n"
		"id: given more than once\n"
		"members[0].evidence[0].rating: \"high\" is not a number\n"
		"members[0].evidence[0].criterion: given more than once");
	bad(SCORE, "as_of: 2026-05-01\nasOf: 2026-05-01\n", "as_of: given twice, as as_of and as asOf");
}

static void test_anchors_aliases_tags_and_directives_are_refused(void **state)
{
	(void)state;
	bad(TEAM, "id: &a x\n", "1:5: anchors (&name) are not allowed");
	bad(TEAM, "members: &a []\n", "1:10: anchors (&name) are not allowed");
	bad(TEAM, "&a {}\n", "1:1: anchors (&name) are not allowed");
	bad(TEAM, "&a id: x\n", "1:1: anchors (&name) are not allowed");
	bad(TEAM, "id: *a\n", "1:5: aliases (*name) are not allowed; quote a text that starts with *");
	bad(TEAM, "? *a\n: x\n", "1:3: aliases (*name) are not allowed; quote a text that starts with *");
	bad(TEAM, "id: !!str x\n", "1:5: tags (!name) are not allowed");
	bad(TEAM, "id: ! x\n", "1:5: tags (!name) are not allowed");
	bad(TEAM, "members: !x []\n", "1:10: tags (!name) are not allowed");
	bad(TEAM, "%TAG ! tag:x,2026:\n---\nid: x\n", "1:1: directives (%TAG) are not allowed");
}

static void test_there_is_one_document_and_its_keys_are_scalars(void **state)
{
	(void)state;
	yaml(TEAM, "--- # one\nid: x\n...\n", "{\"id\":\"x\"}");
	bad(TEAM, "id: a\n---\nid: b\n", "2:1: a second document starts here; only one is allowed");
	bad(TEAM, "", "1:1: the text is empty");
	bad(TEAM, "# nothing\n", "2:1: the text is empty");
	bad(TEAM, "---\n", "the text is empty: a Team is expected");
	bad(TEAM, "just words\n", "the text is \"just words\", not an object: a Team is expected");
	bad(TEAM, "- id: x\n", "the text is a list, not an object: a Team is expected");
	bad(TEAM, "? [a]\n: b\n", "1:3: a key is one plain or quoted text");
}

static void test_syntax_errors_have_line_and_column(void **state)
{
	(void)state;
	bad(TEAM, "id: a\n b: c\n", "2:3: mapping values are not allowed in this context");
	bad(TEAM, "id: [a\n", "2:1: did not find expected ',' or ']', while parsing a flow sequence");
	bad(TEAM, "id: @a\n", "1:5: found character that cannot start any token, while scanning for the next token");
	bad(TEAM, "id:\n\t- a\n", "2:1: a tab indents this line; YAML allows only spaces there");
	bad(TEAM, "id: a\nmembers:\n  \t- id: b\n", "3:3: a tab indents this line; YAML allows only spaces there");
}

static void test_nul_and_bad_utf8_are_refused(void **state)
{
	(void)state;
	bad(TEAM, "id: \"a\\0b\"\n", "1:5: a NUL character is not allowed");
	bad(TEAM, "\"i\\0d\": b\n", "1:1: a NUL character is not allowed");
	refuses_bytes(LF_FORMAT_YAML, TEAM, "id: a\0b\n", 8, "1:6: control characters are not allowed");
	bad(TEAM, "id: a\ntitle: \xff\n", "2:8: invalid leading UTF-8 octet");
	bad(TEAM, "id: \"\\ud800\"\n",
		"1:8: found invalid Unicode character escape code, while parsing a quoted scalar");
	yaml(TEAM, "\xef\xbb\xbfid: a\n", "{\"id\":\"a\"}");
}

static void test_depth_size_and_number_of_values_are_limited(void **state)
{
	char *text = repeated("", "[", 1000000, "");

	(void)state;
	bad(TEAM, text, "1:33: nested deeper than 32");
	free(text);
	text = repeated("id: ", "- ", 1000, "a");
	bad(TEAM, text, "1:5: block sequence entries are not allowed in this context");
	free(text);
	text = repeated("", "- ", 33, "a");
	bad(TEAM, text, "1:65: nested deeper than 32");
	free(text);
	text = repeated("members: [1", ",1", LF_JSON_VALUES_MAX, "]");
	bad(TEAM, text, "1:524295: the number of values is above 262144");
	free(text);
	text = repeated("id: ", "x", LF_MESSAGE_BYTES_MAX, "");
	bad(TEAM, text, "the text has 4194308 bytes; at most 4194304 are allowed");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_plain_scalar_takes_the_type_of_its_field),
		cmocka_unit_test(test_a_quoted_or_block_scalar_is_text),
		cmocka_unit_test(test_tilde_null_and_nothing_mean_absent),
		cmocka_unit_test(test_numbers_are_decimal),
		cmocka_unit_test(test_booleans_are_true_and_false),
		cmocka_unit_test(test_keys_of_maps_are_text),
		cmocka_unit_test(test_all_violations_are_reported_at_once_by_path),
		cmocka_unit_test(test_anchors_aliases_tags_and_directives_are_refused),
		cmocka_unit_test(test_there_is_one_document_and_its_keys_are_scalars),
		cmocka_unit_test(test_syntax_errors_have_line_and_column),
		cmocka_unit_test(test_nul_and_bad_utf8_are_refused),
		cmocka_unit_test(test_depth_size_and_number_of_values_are_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
