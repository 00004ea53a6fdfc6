/* The file of callers. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service/rpc/tokens.h"

/* Digests of "reader-token" and "scorer-token". */
#define READER "ba5005a40cf5212e4ac0190104cc127edab013294bb71279a975b27a80982d45"
#define SCORER "d7642cf89b2c74f18c38d19c85569bff8b663b4f77f9a61ca47f308ab06af086"

static enum lf_code load(
	struct lf_tokens **tokens, const void *text, size_t length, mode_t mode, struct lf_error *error)
{
	char path[] = "/tmp/lf-tokens-XXXXXX";
	int fd = mkstemp(path);
	enum lf_code code;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, length), length);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
	code = lf_tokens_load(tokens, path, error);
	unlink(path);
	return code;
}

static const char *find(const struct lf_tokens *tokens, const char *token, unsigned *roles)
{
	const struct lf_caller *caller;
	size_t index;

	if (!lf_tokens_find(tokens, token, strlen(token), &index))
		return NULL;
	caller = lf_tokens_caller(tokens, index);
	*roles = caller->roles;
	return caller->name;
}

static void a_file_names_callers_and_their_roles(void **state)
{
	static const char TEXT[] =
		"# callers\n\n  reader\t" READER "  read # a dashboard\r\nhr.portal " SCORER " score,rubric,read";
	struct lf_error error = LF_ERROR_INIT;
	struct lf_tokens *tokens;
	unsigned roles = 0;

	(void)state;
	assert_int_equal(load(&tokens, TEXT, strlen(TEXT), 0600, &error), LF_OK);
	assert_string_equal(find(tokens, "reader-token", &roles), "reader");
	assert_int_equal(roles, LF_ROLE_READ);
	assert_string_equal(find(tokens, "scorer-token", &roles), "hr.portal");
	assert_int_equal(roles, LF_ROLE_SCORE | LF_ROLE_RUBRIC | LF_ROLE_READ);
	lf_tokens_release(tokens);
}

static void a_token_that_is_not_in_the_file_finds_nobody(void **state)
{
	static const char TEXT[] = "reader " READER " read\n";
	struct lf_tokens *tokens;
	unsigned roles = 7;

	(void)state;
	assert_int_equal(load(&tokens, TEXT, strlen(TEXT), 0600, NULL), LF_OK);
	assert_null(find(tokens, "reader-toke", &roles));
	assert_null(find(tokens, "reader-tokenx", &roles));
	assert_null(find(tokens, READER, &roles)); /* the digest is not the token */
	assert_null(find(tokens, "", &roles));
	assert_int_equal(roles, 7);
	lf_tokens_release(tokens);
}

static void digests_may_be_written_in_either_case(void **state)
{
	static const char TEXT[] = "reader BA5005A40CF5212E4AC0190104CC127EDAB013294BB71279A975B27A80982D45 read\n";
	struct lf_tokens *tokens;
	unsigned roles;

	(void)state;
	assert_int_equal(load(&tokens, TEXT, strlen(TEXT), 0600, NULL), LF_OK);
	assert_string_equal(find(tokens, "reader-token", &roles), "reader");
	lf_tokens_release(tokens);
}

static void an_empty_file_admits_nobody(void **state)
{
	struct lf_tokens *tokens;
	unsigned roles;

	(void)state;
	assert_int_equal(load(&tokens, "", 0, 0600, NULL), LF_OK);
	assert_null(find(tokens, "x", &roles));
	lf_tokens_release(tokens);
}

static void every_bad_line_is_named_by_its_number(void **state)
{
	static const char TEXT[] = "reader " READER "\n"            /* 1: no role */
				   "reader " READER " read write\n" /* 2: a fourth word */
				   "reader abc read\n"              /* 3: a short digest */
				   "good " READER " read\n"         /* 4 */
				   "good " SCORER " read\n"         /* 5: the name again */
				   "other " READER " read\n"        /* 6: the token again */
				   "x " SCORER " read,everything\n" /* 7 */
				   "y " SCORER " read,\n"           /* 8 */
				   "z\x01 " SCORER " read\n"        /* 9 */
				   "w g7642cf89b2c74f18c38d19c85569bff8b663b4f77f9a61ca47f308ab06af086 read\n"; /* 10 */
	static const char *const LINES[] = {
		"line 1", "line 2", "line 3", "line 5", "line 6", "line 7", "line 8", "line 9", "line 10"};
	struct lf_error error = LF_ERROR_INIT;
	struct lf_tokens *tokens;

	(void)state;
	assert_int_equal(load(&tokens, TEXT, strlen(TEXT), 0600, &error), LF_INVALID_ARGUMENT);
	assert_null(tokens);
	assert_int_equal(error.violation_count, 9);
	for (size_t i = 0; i < 9; i++)
		assert_string_equal(error.violations[i].field, LINES[i]);
	assert_non_null(strstr(error.violations[5].description, "everything"));
	lf_error_clean_up(&error);
	assert_int_equal(load(&tokens, TEXT, strlen(TEXT), 0600, NULL), LF_INVALID_ARGUMENT);
}

static void a_line_may_have_quotas(void **state)
{
	static const char TEXT[] = "reader " READER " read requests_per_second=50 in_flight=8 # a script\n"
				   "hr " SCORER " score\tin_flight=1024";
	struct lf_tokens *tokens;

	(void)state;
	assert_int_equal(load(&tokens, TEXT, strlen(TEXT), 0600, NULL), LF_OK);
	assert_int_equal(lf_tokens_count(tokens), 2);
	assert_int_equal(lf_tokens_caller(tokens, 0)->requests_per_second, 50);
	assert_int_equal(lf_tokens_caller(tokens, 0)->in_flight_max, 8);
	assert_int_equal(lf_tokens_caller(tokens, 1)->requests_per_second, 0);
	assert_int_equal(lf_tokens_caller(tokens, 1)->in_flight_max, 1024);
	lf_tokens_release(tokens);
}

static void a_quota_that_is_none_is_named(void **state)
{
	static const char *const WORDS[] = {"in_flight=0", "in_flight=1025", "in_flight=", "in_flight=1x",
		"in_flight=-1", "in_flight=99999999999999999999", "requests_per_second=1000001",
		"requests_per_second=1.5", "in_flight=1 in_flight=2", "burst=3", "in_flight", "=1"};
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(WORDS) / sizeof(WORDS[0]); i++) {
		struct lf_error error = LF_ERROR_INIT;
		struct lf_tokens *tokens;

		snprintf(text, sizeof(text), "reader " READER " read %s", WORDS[i]);
		assert_int_equal(load(&tokens, text, strlen(text), 0600, &error), LF_INVALID_ARGUMENT);
		assert_null(tokens);
		assert_int_equal(error.violation_count, 1);
		assert_string_equal(error.violations[0].field, "line 1");
		lf_error_clean_up(&error);
	}
}

static void tokens_live_as_long_as_somebody_keeps_them(void **state)
{
	static const char TEXT[] = "reader " READER " read\n";
	struct lf_tokens *tokens;
	unsigned roles;

	(void)state;
	assert_int_equal(load(&tokens, TEXT, strlen(TEXT), 0600, NULL), LF_OK);
	assert_ptr_equal(lf_tokens_keep(tokens), tokens);
	lf_tokens_release(tokens);
	assert_string_equal(find(tokens, "reader-token", &roles), "reader");
	lf_tokens_release(tokens);
	lf_tokens_release(NULL);
}

static void bytes_that_are_no_text_are_bad_lines(void **state)
{
	static const char TEXT[] = "a\0b " READER " read\nna\xffme " SCORER " read\n";
	struct lf_error error = LF_ERROR_INIT;
	struct lf_tokens *tokens;

	(void)state;
	assert_int_equal(load(&tokens, TEXT, sizeof(TEXT) - 1, 0600, &error), LF_INVALID_ARGUMENT);
	assert_int_equal(error.violation_count, 2);
	lf_error_clean_up(&error);
}

static void a_file_that_others_may_write_is_refused(void **state)
{
	static const mode_t MODES[] = {0620, 0602, 0666};
	struct lf_error error = LF_ERROR_INIT;
	struct lf_tokens *tokens;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(load(&tokens, "", 0, MODES[i], &error), LF_FAILED_PRECONDITION);
	assert_non_null(strstr(error.message, "chmod go-w"));
	assert_int_equal(load(&tokens, "", 0, 0644, &error), LF_OK);
	lf_tokens_release(tokens);
}

static void a_file_that_is_missing_or_no_file_is_unavailable(void **state)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_tokens *tokens;

	(void)state;
	assert_int_equal(lf_tokens_load(&tokens, "/tmp/lf-no-such-file", &error), LF_UNAVAILABLE);
	assert_non_null(strstr(error.message, "/tmp/lf-no-such-file"));
	assert_int_equal(lf_tokens_load(&tokens, "/", &error), LF_UNAVAILABLE);
	assert_null(tokens);
	lf_tokens_release(NULL);
}

static void a_file_that_is_too_large_is_invalid(void **state)
{
	size_t length = 1024 * 1024 + 1;
	char *text = malloc(length);
	struct lf_tokens *tokens;

	(void)state;
	memset(text, '\n', length);
	assert_int_equal(load(&tokens, text, length, 0600, NULL), LF_INVALID_ARGUMENT);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_names_callers_and_their_roles),
		cmocka_unit_test(a_token_that_is_not_in_the_file_finds_nobody),
		cmocka_unit_test(digests_may_be_written_in_either_case),
		cmocka_unit_test(an_empty_file_admits_nobody),
		cmocka_unit_test(every_bad_line_is_named_by_its_number),
		cmocka_unit_test(a_line_may_have_quotas),
		cmocka_unit_test(a_quota_that_is_none_is_named),
		cmocka_unit_test(tokens_live_as_long_as_somebody_keeps_them),
		cmocka_unit_test(bytes_that_are_no_text_are_bad_lines),
		cmocka_unit_test(a_file_that_others_may_write_is_refused),
		cmocka_unit_test(a_file_that_is_missing_or_no_file_is_unavailable),
		cmocka_unit_test(a_file_that_is_too_large_is_invalid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
