#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/limits.h"
#include "proto/base/status.h"

/* The linker sends realloc of the code under test here. */
void *__real_realloc(void *pointer, size_t size);
void *__wrap_realloc(void *pointer, size_t size);

static unsigned reallocs_left = UINT_MAX;

void *__wrap_realloc(void *pointer, size_t size)
{
	if (reallocs_left == 0)
		return NULL;
	reallocs_left--;
	return __real_realloc(pointer, size);
}

static void codes_have_the_numbers_of_grpc(void **state)
{
	(void)state;
	assert_int_equal(LF_OK, 0);
	assert_int_equal(LF_INVALID_ARGUMENT, 3);
	assert_int_equal(LF_RESOURCE_EXHAUSTED, 8);
	assert_int_equal(LF_UNAVAILABLE, 14);
	assert_int_equal(LF_UNAUTHENTICATED, 16);
	for (uint32_t number = 0; number <= 16; number++)
		assert_int_equal(lf_code_from_number(number), number);
}

static void numbers_outside_the_table_are_unknown(void **state)
{
	(void)state;
	assert_int_equal(lf_code_from_number(17), LF_UNKNOWN);
	assert_int_equal(lf_code_from_number(UINT32_MAX), LF_UNKNOWN);
	assert_string_equal(lf_code_name((enum lf_code)17), "UNKNOWN");
	assert_int_equal(lf_code_exit_status((enum lf_code)4711), lf_code_exit_status(LF_UNKNOWN));
}

static void each_code_has_its_row(void **state)
{
	(void)state;
#define X(name, code, exit_status, http, connect, text)                                                                \
	assert_string_equal(lf_code_name(LF_##name), #name);                                                           \
	assert_string_equal(lf_code_text(LF_##name), text);                                                            \
	assert_int_equal(lf_code_exit_status(LF_##name), exit_status);                                                 \
	assert_int_equal(lf_code_http_status(LF_##name), http);                                                        \
	assert_string_equal(lf_code_connect_name(LF_##name), connect);
	LF_STATUS_MAP(X)
#undef X
}

static void set_replaces_code_and_message(void **state)
{
	struct lf_error error = LF_ERROR_INIT;

	(void)state;
	assert_int_equal(lf_error_set(&error, LF_NOT_FOUND, "no decision %d", 7), LF_NOT_FOUND);
	assert_int_equal(lf_error_set(&error, LF_INTERNAL, "worse"), LF_INTERNAL);
	assert_int_equal(error.code, LF_INTERNAL);
	assert_string_equal(error.message, "worse");
	lf_error_clean_up(&error);
	assert_int_equal(error.code, LF_OK);
	lf_error_clean_up(&error);
}

static void the_first_violation_is_the_message(void **state)
{
	struct lf_error error = LF_ERROR_INIT;

	(void)state;
	assert_int_equal(lf_error_add(&error, "team.id", "is empty"), LF_INVALID_ARGUMENT);
	lf_error_add(&error, "team.members[3].availability", "%g is outside 0..1", 7.0);
	assert_int_equal(error.code, LF_INVALID_ARGUMENT);
	assert_string_equal(error.message, "team.id: is empty");
	assert_int_equal(lf_error_summarize(&error), LF_INVALID_ARGUMENT);
	assert_string_equal(error.message, "team.id: is empty (and 1 more)");
	lf_error_summarize(&error);
	assert_string_equal(error.message, "team.id: is empty (and 1 more)");
	assert_int_equal(error.violation_count, 2);
	assert_string_equal(error.violations[1].field, "team.members[3].availability");
	assert_string_equal(error.violations[1].description, "7 is outside 0..1");
	lf_error_clean_up(&error);
}

static void a_violation_without_a_field_has_no_colon(void **state)
{
	struct lf_error error = LF_ERROR_INIT;

	(void)state;
	lf_error_add(&error, "", "unknown field 17");
	assert_string_equal(error.message, "unknown field 17");
	lf_error_clean_up(&error);
}

static void a_single_violation_is_not_summarized(void **state)
{
	struct lf_error error = LF_ERROR_INIT;

	(void)state;
	assert_int_equal(lf_error_summarize(&error), LF_OK);
	lf_error_add(&error, "a", "b");
	lf_error_summarize(&error);
	assert_string_equal(error.message, "a: b");
	lf_error_clean_up(&error);
}

static void violations_beyond_the_limit_are_counted(void **state)
{
	struct lf_error error = LF_ERROR_INIT;

	(void)state;
	for (int i = 0; i < 3 * LF_VIOLATIONS_MAX; i++)
		lf_error_add(&error, "x", "%d", i);
	lf_error_summarize(&error);
	assert_int_equal(error.violation_count, 300);
	assert_int_equal(error.violation_kept, LF_VIOLATIONS_MAX);
	assert_string_equal(error.violations[99].description, "99");
	assert_string_equal(error.message, "x: 0 (and 299 more)");
	lf_error_clean_up(&error);
}

static void without_memory_violations_are_counted(void **state)
{
	struct lf_error error = LF_ERROR_INIT;

	(void)state;
	reallocs_left = 0;
	lf_error_add(&error, "a", "first");
	lf_error_add(&error, "b", "second");
	reallocs_left = UINT_MAX;
	lf_error_add(&error, "c", "third");
	assert_int_equal(error.violation_count, 3);
	assert_int_equal(error.violation_kept, 0);
	assert_null(error.violations);
	lf_error_summarize(&error);
	lf_error_summarize(&error);
	assert_string_equal(error.message, "a: first (and 2 more)");
	lf_error_clean_up(&error);
}

static void memory_that_runs_out_later_keeps_the_earlier_ones(void **state)
{
	(void)state;
	for (unsigned allowed = 1; allowed < 8; allowed++) {
		struct lf_error error = LF_ERROR_INIT;

		reallocs_left = allowed;
		for (int i = 0; i < 80; i++)
			lf_error_add(&error, "x", "%d", i);
		reallocs_left = UINT_MAX;
		assert_int_equal(error.violation_count, 80);
		assert_true(error.violation_kept == (1u << (allowed - 1)) || error.violation_kept == 80);
		for (size_t i = 0; i < error.violation_kept; i++)
			assert_int_equal(atoi(error.violations[i].description), i);
		lf_error_clean_up(&error);
	}
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), end_length = strlen(end);

	return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static void long_texts_are_cut_between_characters(void **state)
{
	char text[1200];

	(void)state;
	/* Every alignment of 2-, 3- and 4-byte characters against the end of the message. */
	for (size_t lead = 0; lead < 4; lead++) {
		static const char *const characters[] = {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};

		for (size_t c = 0; c < 3; c++) {
			struct lf_error error = LF_ERROR_INIT;
			size_t length = lead, width = strlen(characters[c]);

			memset(text, 'a', lead);
			for (; length + width < sizeof(text); length += width)
				memcpy(text + length, characters[c], width);
			text[length] = '\0';
			lf_error_set(&error, LF_INTERNAL, "%s", text);
			assert_int_equal((strlen(error.message) - lead) % width, 0);
			assert_true(strlen(error.message) > sizeof(error.message) - 1 - width);
			lf_error_add(&error, text, "%s", text);
			lf_error_add(&error, text, "%s", text);
			assert_int_equal((strlen(error.violations[0].field) - lead) % width, 0);
			assert_int_equal((strlen(error.violations[0].description) - lead) % width, 0);
			lf_error_summarize(&error);
			assert_true(ends_with(error.message, " (and 1 more)"));
			lf_error_clean_up(&error);
		}
	}
}

static void move_empties_its_source(void **state)
{
	struct lf_error from = LF_ERROR_INIT, to = LF_ERROR_INIT;

	(void)state;
	lf_error_add(&to, "old", "old");
	lf_error_add(&from, "new", "new");
	lf_error_move(&to, &from);
	assert_int_equal(from.code, LF_OK);
	assert_null(from.violations);
	assert_string_equal(to.message, "new: new");
	lf_error_move(&to, &to);
	assert_string_equal(to.message, "new: new");
	lf_error_move(NULL, &to);
	assert_int_equal(to.code, LF_OK);
}

static void no_error_at_all_is_allowed(void **state)
{
	(void)state;
	lf_error_init(NULL);
	assert_int_equal(lf_error_set(NULL, LF_ABORTED, "x"), LF_ABORTED);
	assert_int_equal(lf_error_add(NULL, "x", "y"), LF_INVALID_ARGUMENT);
	assert_int_equal(lf_error_summarize(NULL), LF_INVALID_ARGUMENT);
	lf_error_clean_up(NULL);
}

static void paths_grow_and_shrink(void **state)
{
	struct lf_path path = {.length = 0};
	size_t members, before;

	(void)state;
	assert_int_equal(lf_path_push(&path, "team"), 0);
	members = lf_path_push_index(&path, "members", 3);
	before = lf_path_push_key(&path, "expertise", "BACKEND");
	assert_string_equal(path.text, "team.members[3].expertise[\"BACKEND\"]");
	lf_path_pop(&path, before);
	assert_string_equal(path.text, "team.members[3]");
	lf_path_pop(&path, members);
	assert_string_equal(path.text, "team");
}

static void paths_that_do_not_fit_are_cut(void **state)
{
	struct lf_path path = {.length = 0};
	size_t lengths[100];

	(void)state;
	for (size_t i = 0; i < 100; i++)
		lengths[i] = lf_path_push_index(&path, "member", i);
	assert_int_equal(path.length, sizeof(path.text) - 1);
	assert_int_equal(strlen(path.text), path.length);
	for (size_t i = 100; i-- > 0;)
		lf_path_pop(&path, lengths[i]);
	assert_string_equal(path.text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_have_the_numbers_of_grpc),
		cmocka_unit_test(numbers_outside_the_table_are_unknown),
		cmocka_unit_test(each_code_has_its_row),
		cmocka_unit_test(set_replaces_code_and_message),
		cmocka_unit_test(the_first_violation_is_the_message),
		cmocka_unit_test(a_violation_without_a_field_has_no_colon),
		cmocka_unit_test(a_single_violation_is_not_summarized),
		cmocka_unit_test(violations_beyond_the_limit_are_counted),
		cmocka_unit_test(without_memory_violations_are_counted),
		cmocka_unit_test(memory_that_runs_out_later_keeps_the_earlier_ones),
		cmocka_unit_test(long_texts_are_cut_between_characters),
		cmocka_unit_test(move_empties_its_source),
		cmocka_unit_test(no_error_at_all_is_allowed),
		cmocka_unit_test(paths_grow_and_shrink),
		cmocka_unit_test(paths_that_do_not_fit_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
