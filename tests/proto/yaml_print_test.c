/* The canonical form of a file: what stands on a line, what is quoted, and what is a comment. */
#include "json_help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "leadfit/v1/rubric.pb-c.h"
#include "proto/base/buffer.h"
#include "proto/base/limits.h"
#include "proto/wire/wire.h"

enum { ARENA_BYTES = 64 * 1024 * 1024 };

/* Asserts that this text is printed as that one, which is printed as itself. */
static void prints(const ProtobufCMessageDescriptor *type, const char *text, const char *printed)
{
	for (size_t round = 0; round < 2; round++, text = printed) {
		struct lf_error error = LF_ERROR_INIT;
		struct lf_buffer out = {.data = NULL};
		struct lf_arena arena;
		ProtobufCMessage *message;

		lf_arena_init(&arena, ARENA_BYTES);
		message = lf_text_parse(LF_FORMAT_YAML, type, text, strlen(text), &arena, &error);
		if (message == NULL)
			fail_msg("%s\nwas refused: %s", text, error.message);
		lf_yaml_print(message, &out);
		assert_false(out.failed);
		assert_string_equal(out.data, printed);
		lf_buffer_clean_up(&out);
		lf_arena_clean_up(&arena);
	}
}

static void small_messages_stand_on_a_line_and_the_files_own_lists_do_not(void **state)
{
	(void)state;
	prints(&leadfit__v1__rubric__descriptor,
		"gates: [{criterion: a, atLeast: 2.50}]\nscale:\n  max: 5\n  min: 1\naggregation: ADDITIVE\nname: r\n",
		"name: r\nscale: {min: 1, max: 5}\ngates:\n  - {criterion: a, at_least: 2.5}\n");
	prints(&leadfit__v1__rubric__descriptor,
		"{name: r, criteria: [{id: a, curve: [{rating: 1}, {rating: 5, value: 1}], weight: {base_weight: 1}}]}",
		"name: r\ncriteria:\n  - id: a\n    curve: [{rating: 1}, {rating: 5, value: 1}]\n    weight: {base: "
		"1}\n");
	prints(&leadfit__v1__rubric__descriptor, "{}", "{}\n");
	prints(&leadfit__v1__rubric__descriptor, "scale: {}\ngates: [{}]\n", "scale: {}\ngates:\n  - {}\n");
}

static void maps_are_sorted_by_key_and_numbers_by_size(void **state)
{
	(void)state;
	prints(&leadfit__v1__rubric__descriptor, "sources: {b: 1, a: 2, B: 3, \"\": 0}\n",
		"sources: {\"\": 0, B: 3, a: 2, b: 1}\n");
	prints(&leadfit__v1__criterion__descriptor, "levels: {10: ten, 2: two, 1.5: x}\n",
		"levels: {1.5: x, 2: two, 10: ten}\n");
	prints(&leadfit__v1__criterion__descriptor, "levels: {10: ten, 2: two, b: x}\n",
		"levels: {10: ten, 2: two, b: x}\n");
}

static void texts_are_quoted_only_where_yaml_would_read_them_otherwise(void **state)
{
	static const struct {
		const char *json, *yaml;
	} cases[] = {
		{"\"plain text, 100% of it\"", "plain text, 100% of it"},
		{"\"no\"", "no"},
		{"\"17\"", "17"},
		{"\"null\"", "\"null\""},
		{"\"~\"", "\"~\""},
		{"\" a\"", "\" a\""},
		{"\"a \"", "\"a \""},
		{"\"a: b\"", "\"a: b\""},
		{"\"a:b\"", "a:b"},
		{"\"a:\"", "\"a:\""},
		{"\"a #b\"", "\"a #b\""},
		{"\"a#b\"", "a#b"},
		{"\"- a\"", "\"- a\""},
		{"\"*a\"", "\"*a\""},
		{"\"it's\"", "it's"},
		{"\"'a'\"", "\"'a'\""},
		{"\"say \\\"a\\\"\"", "say \"a\""},
		{"\"a\\tb\"", "\"a\\tb\""},
		{"\"a\\u0007\"", "\"a\\u0007\""},
		{"\"a\\u0085b\"", "\"a\\u0085b\""},
		{"\"\\ufeffa\"", "\"\\ufeffa\""},
		{"\"Pay\\u202eroll\"", "\"Pay\\u202eroll\""},
		{"\"Gr\\u00f6\\u00dfe\"",
			"Gr\xc3\xb6\xc3\x9f"
			"e"},
		{"\"one\\ntwo\"", "|-\n  one\n  two"},
		{"\"one\\n\\n  two\\n\"", "|\n  one\n\n    two"},
		{"\"one\\n \\ntwo\"", "\"one\\n \\ntwo\""},
		{"\"\\none\"", "\"\\none\""},
		{"\"one\\n\\n\"", "\"one\\n\\n\""},
	};
	char text[256], printed[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		snprintf(text, sizeof(text), "{\"description\": %s}", cases[i].json);
		snprintf(printed, sizeof(printed), "description: %s\n", cases[i].yaml);
		prints(&leadfit__v1__rubric__descriptor, text, printed);
	}
	prints(&leadfit__v1__gate__descriptor, "criterion: a:b\n", "criterion: a:b\n");
	prints(&leadfit__v1__rubric__descriptor, "gates: [{criterion: \"a,b\"}]\n",
		"gates:\n  - {criterion: \"a,b\"}\n");
}

static void long_texts_are_folded_at_spaces(void **state)
{
	char *text = repeated("description: ", "twelve chars ", 20, "end\n");
	char *line = repeated("  ", "twelve chars ", 8, ""), *last = repeated("  ", "twelve chars ", 4, "end\n");
	struct lf_buffer printed = {.data = NULL};

	(void)state;
	lf_buffer_append_text(&printed, "description: >-\n");
	for (size_t i = 0; i < 2; i++) {
		lf_buffer_append(&printed, line, strlen(line) - 1);
		lf_buffer_append_text(&printed, "\n");
	}
	lf_buffer_append_text(&printed, last);
	prints(&leadfit__v1__rubric__descriptor, text, printed.data);
	lf_buffer_clean_up(&printed);
	free(text);
	free(line);
	free(last);
	text = repeated("name: ", "x", 300, "\n");
	printed = (struct lf_buffer){.data = NULL};
	lf_buffer_append_text(&printed, "name: >-\n  ");
	lf_buffer_append_text(&printed, text + 6);
	prints(&leadfit__v1__rubric__descriptor, text, printed.data);
	lf_buffer_clean_up(&printed);
	free(text);
}

static void keys_of_any_length_are_read_back(void **state)
{
	char *text = repeated("{\"sources\": {\"a\": 1}, \"name\": \"", "x", 3, "\"}");
	char *key = repeated("sources:\n  ? ", "k", 2000, "\n  : 2\n");

	(void)state;
	prints(&leadfit__v1__rubric__descriptor, text, "name: xxx\nsources: {a: 1}\n");
	prints(&leadfit__v1__rubric__descriptor, key, key);
	free(key);
	free(text);
}

static char *read_default_rubric(size_t *length)
{
	static char text[LF_MESSAGE_BYTES_MAX];
	FILE *file = fopen(LF_SOURCE_DIR "/service/rubrics/tech-lead.yaml", "r");

	assert_non_null(file);
	*length = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[*length] = '\0';
	return text;
}

static void the_default_rubric_keeps_its_canonical_bytes(void **state)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_buffer out = {.data = NULL};
	struct lf_arena arena;
	size_t length, lengths[2];
	char *text = read_default_rubric(&length);
	ProtobufCMessage *message, *back;
	const uint8_t *a, *b;

	(void)state;
	lf_arena_init(&arena, ARENA_BYTES);
	message = lf_text_parse(LF_FORMAT_YAML, &leadfit__v1__rubric__descriptor, text, length, &arena, &error);
	assert_non_null(message);
	lf_yaml_print(message, &out);
	back = lf_text_parse(LF_FORMAT_YAML, &leadfit__v1__rubric__descriptor, out.data, out.length, &arena, &error);
	assert_non_null(back);
	a = lf_wire_canonical_bytes(message, &arena, &lengths[0]);
	b = lf_wire_canonical_bytes(back, &arena, &lengths[1]);
	assert_int_equal(lengths[0], lengths[1]);
	assert_memory_equal(a, b, lengths[0]);
	assert_true(lf_yaml_has_comment(text, length));
	assert_false(lf_yaml_has_comment(out.data, out.length));
	lf_buffer_clean_up(&out);
	lf_arena_clean_up(&arena);
}

static void comments_are_told_from_texts(void **state)
{
	static const char *const with[] = {"# a\nname: x\n", "name: x # a\n", "name: x\n# a", "a: [1, # b\n 2]\n",
		"a: |- # why\n  b\n", "a: >-\n  b\n# c\n", "a:\n  # b\n  - c\n", "\xc3\xb6: \xc3\xb6 # \xc3\xb6\n",
		"a: |\n  b\n\n# c\nd: e\n", "a: 'x' # '\n"};
	static const char *const without[] = {"name: x#y\n", "name: \"x # y\"\n", "a: |\n  # b\n",
		"a: >-\n  b\n  # c\nd: e\n", "a: '# b'\n", "", "\"#\": {\"#a\": \"\xc3\xb6#\"}\n", "a: [\"#\", '#']\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(with) / sizeof(*with); i++)
		if (!lf_yaml_has_comment(with[i], strlen(with[i])))
			fail_msg("no comment is found in %s", with[i]);
	for (size_t i = 0; i < sizeof(without) / sizeof(*without); i++)
		if (lf_yaml_has_comment(without[i], strlen(without[i])))
			fail_msg("a comment is found in %s", without[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_messages_stand_on_a_line_and_the_files_own_lists_do_not),
		cmocka_unit_test(maps_are_sorted_by_key_and_numbers_by_size),
		cmocka_unit_test(texts_are_quoted_only_where_yaml_would_read_them_otherwise),
		cmocka_unit_test(long_texts_are_folded_at_spaces),
		cmocka_unit_test(keys_of_any_length_are_read_back),
		cmocka_unit_test(the_default_rubric_keeps_its_canonical_bytes),
		cmocka_unit_test(comments_are_told_from_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
