/* The signing key's file: made once, its owner's alone, and refused where it is anything else. */
#include <limits.h>
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

#include "service/seal/key.h"
#include "tests/storage/support.h"

struct fixture {
	struct place place;
	char path[128], public_path[160];
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	place_make(&f->place);
	snprintf(f->path, sizeof(f->path), "%s/log.db.key", f->place.folder);
	snprintf(f->public_path, sizeof(f->public_path), "%s.pub", f->path);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	place_remove(&f->place);
	free(f);
	return 0;
}

static unsigned mode_of(const char *path)
{
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	return status.st_mode & 0777;
}

/* The file's text; it must be one line. */
static char *line_of(const char *path)
{
	size_t length;
	char *text = (char *)file_read(path, &length);

	assert_non_null(text);
	assert_true(length > 0);
	text = realloc(text, length + 1);
	text[length] = '\0';
	assert_ptr_equal(strchr(text, '\n'), text + length - 1);
	return text;
}

static void a_key_is_made_for_its_owner_alone_and_read_back(void **state)
{
	struct fixture *f = *state;
	struct lf_signer made, loaded;
	char text[LF_KEY_TEXT_MAX + 1], names[400], *line;

	umask(0);
	assert_int_equal(lf_key_load(&loaded, f->path, NULL), LF_NOT_FOUND);
	assert_int_equal(lf_key_make(&made, f->path, "example.com/leadfit", NULL), LF_OK);
	assert_int_equal(mode_of(f->path), 0600);
	assert_string_equal(made.name, "example.com/leadfit");
	assert_int_equal(lf_key_load(&loaded, f->path, NULL), LF_OK);
	assert_memory_equal(&loaded, &made, sizeof(made));
	lf_signer_print(&made, text);
	strcat(text, "\n");
	line = line_of(f->path);
	assert_string_equal(line, text);
	free(line);
	place_names(&f->place, NULL, names, sizeof(names)); /* nothing beside it */
	assert_string_equal(names, "log.db.key");
	umask(077);
}

static void a_key_without_a_given_name_gets_one_that_collides_with_no_other(void **state)
{
	struct fixture *f = *state;
	struct lf_signer one, two;
	char other[160];

	snprintf(other, sizeof(other), "%s-2", f->path);
	assert_int_equal(lf_key_make(&one, f->path, NULL, NULL), LF_OK);
	assert_int_equal(lf_key_make(&two, other, NULL, NULL), LF_OK);
	assert_int_equal(strncmp(one.name, "leadfit/", 8), 0);
	assert_int_equal(strspn(one.name + 8, "0123456789abcdef"), 16);
	assert_int_equal(strlen(one.name), 24);
	assert_string_not_equal(one.name, two.name);
	assert_memory_not_equal(one.seed, two.seed, sizeof(one.seed));
}

static void a_key_that_is_there_is_never_replaced(void **state)
{
	struct fixture *f = *state;
	struct lf_error error = LF_ERROR_INIT;
	struct lf_signer first, second, loaded;

	assert_int_equal(lf_key_make(&first, f->path, NULL, NULL), LF_OK);
	assert_int_equal(lf_key_make(&second, f->path, NULL, &error), LF_ALREADY_EXISTS);
	assert_non_null(strstr(error.message, f->path));
	assert_int_equal(lf_key_load(&loaded, f->path, NULL), LF_OK);
	assert_memory_equal(&loaded, &first, sizeof(first));
}

static void a_name_that_a_signature_line_can_not_have_is_refused(void **state)
{
	static const char *const bad[] = {"", "two words", "a+b", "a\nb", "a\tb", "\xff", "x\xc2\xa0y"};
	struct fixture *f = *state;
	char long_name[LF_KEY_NAME_MAX + 2];

	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	for (size_t i = 0; i <= sizeof(bad) / sizeof(bad[0]); i++) {
		struct lf_error error = LF_ERROR_INIT;
		struct lf_signer signer;

		assert_int_equal(
			lf_key_make(&signer, f->path, i < sizeof(bad) / sizeof(bad[0]) ? bad[i] : long_name, &error),
			LF_INVALID_ARGUMENT);
		assert_non_null(strstr(error.message, "--origin"));
		assert_int_equal(access(f->path, F_OK), -1);
	}
}

static void a_key_that_others_may_read_or_write_is_refused(void **state)
{
	static const mode_t bad[] = {0604, 0640, 0644, 0620, 0602, 0660, 0666, 0601, 0610};
	struct fixture *f = *state;
	struct lf_signer signer;

	assert_int_equal(lf_key_make(&signer, f->path, NULL, NULL), LF_OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		static const struct lf_signer zero;
		struct lf_error error = LF_ERROR_INIT;
		char mode[16];

		assert_int_equal(chmod(f->path, bad[i]), 0);
		assert_int_equal(lf_key_load(&signer, f->path, &error), LF_FAILED_PRECONDITION);
		snprintf(mode, sizeof(mode), "mode %03o", (unsigned)bad[i]);
		assert_non_null(strstr(error.message, mode));
		assert_memory_equal(&signer, &zero, sizeof(zero)); /* nothing of it is kept */
	}
	assert_int_equal(chmod(f->path, 0400), 0);
	assert_int_equal(lf_key_load(&signer, f->path, NULL), LF_OK);
}

static void what_is_no_key_is_refused(void **state)
{
	static const struct {
		int beyond; /* the length of a good key; INT_MIN: empty, INT_MAX: all there is room for */
		const char *what;
	} cases[] = {{INT_MIN, "empty"}, {-1, "cut"}, {6, "a word more"}, {2, "a NUL byte"}, {INT_MAX, "too long"}};
	struct fixture *f = *state;
	struct lf_signer signer;
	struct lf_error error = LF_ERROR_INIT;
	char good[LF_KEY_TEXT_MAX + 1], bad[4096];
	size_t length;

	assert_true(lf_signer_generate(&signer, "example.com/log"));
	lf_signer_print(&signer, good);
	length = strlen(good);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(bad, 'x', sizeof(bad));
		memcpy(bad, good, length);
		memcpy(bad + length, i == 3 ? "\0\n" : " more\n", i == 3 ? 2 : 6);
		file_write(f->path, bad,
			cases[i].beyond == INT_MIN           ? 0
				: cases[i].beyond == INT_MAX ? sizeof(bad)
							     : length + (size_t)cases[i].beyond);
		assert_int_equal(chmod(f->path, 0600), 0);
		if (lf_key_load(&signer, f->path, &error) != LF_INVALID_ARGUMENT)
			fail_msg("%s is taken for a key", cases[i].what);
		assert_non_null(strstr(error.message, f->path));
		assert_null(strstr(error.message, good + length - 40)); /* a message never shows the key */
	}
	unlink(f->path);
	assert_int_equal(mkfifo(f->path, 0600), 0); /* and does not wait for anybody to write to it */
	assert_int_equal(lf_key_load(&signer, f->path, &error), LF_INVALID_ARGUMENT);
	unlink(f->path);
	assert_int_equal(lf_key_load(&signer, f->place.folder, &error), LF_INVALID_ARGUMENT);
	snprintf(bad, sizeof(bad), "%s/absent/key", f->place.folder);
	assert_int_equal(lf_key_make(&signer, bad, NULL, &error), LF_UNAVAILABLE);
}

static void the_verifier_key_stands_beside_it_for_everyone(void **state)
{
	struct fixture *f = *state;
	struct lf_signer signer;
	struct lf_verifier verifier, read;
	char *line;

	umask(077);
	assert_int_equal(lf_key_make(&signer, f->path, NULL, NULL), LF_OK);
	lf_signer_verifier(&signer, &verifier);
	for (int i = 0; i < 3; i++) {
		if (i == 1)
			file_write(f->public_path, "another key\n", 12);
		assert_int_equal(lf_key_publish(&signer, f->path, NULL), LF_OK);
		line = line_of(f->public_path);
		assert_true(lf_verifier_parse(line, &read));
		assert_memory_equal(&read, &verifier, sizeof(read));
		free(line);
		assert_int_equal(mode_of(f->public_path), 0644);
	}
}

static void a_key_that_is_not_used_any_more_is_forgotten(void **state)
{
	static const struct lf_signer zero;
	struct fixture *f = *state;
	struct lf_signer signer;

	assert_int_equal(lf_key_make(&signer, f->path, NULL, NULL), LF_OK);
	assert_memory_not_equal(&signer, &zero, sizeof(zero));
	lf_key_clear(&signer);
	assert_memory_equal(&signer, &zero, sizeof(zero));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_key_is_made_for_its_owner_alone_and_read_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_key_without_a_given_name_gets_one_that_collides_with_no_other, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_key_that_is_there_is_never_replaced, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_name_that_a_signature_line_can_not_have_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_key_that_others_may_read_or_write_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_key_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_verifier_key_stands_beside_it_for_everyone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_key_that_is_not_used_any_more_is_forgotten, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
