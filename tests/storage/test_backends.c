/* Which backend a URL means. */
#include "storage/backends/backends.h"
#include "storage/postgres/postgres.h"
#include "tests/storage/memory_backend.h"
#include "tests/storage/support.h"

static void a_path_is_a_sqlite_file(void **state)
{
	static const char *const paths[][2] = {
		{"leadfit.db", "leadfit.db"},
		{"/var/lib/leadfit/leadfit.db", "/var/lib/leadfit/leadfit.db"},
		{"sqlite:leadfit.db", "leadfit.db"},
		{"sqlite:/a b", "/a b"},
		{"sqlite:postgres:x", "postgres:x"},
		{"./postgres:x", "./postgres:x"},
		{"c:log", "c:log"},
		{"log-1:x", "log-1:x"},
		{"sqlite", "sqlite"},
		{"", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct lf_error error = LF_ERROR_INIT;
		const char *location = NULL;

		assert_ptr_equal(lf_backend_by_url(paths[i][0], &location, &error), &lf_sqlite_backend);
		assert_string_equal(location, paths[i][1]);
		assert_int_equal(error.code, LF_OK);
	}
}

static void another_kind_is_refused_by_its_name_alone(void **state)
{
	const bool built = lf_postgres_backend.begin != NULL;
	const char *const urls[][2] = {
		/* of a password, or, in a build without it, of PostgreSQL */
		{"postgres://user:hush@host/db", built ? "a password in it" : "PostgreSQL"},
		{"postgresql://user:hush@host/db", built ? "a password in it" : "PostgreSQL"},
		{"mysql://user:hush@host/db", "mysql: is no kind of log"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		const struct lf_log_options options = {.location = urls[i][0]};
		struct lf_error error = LF_ERROR_INIT;
		struct lf_log *log = NULL;

		assert_int_equal(lf_log_open_by_url(&log, &options, &error), LF_INVALID_ARGUMENT);
		assert_null(log);
		assert_non_null(strstr(error.message, urls[i][1]));
		assert_null(strstr(error.message, "hush"));
		lf_error_clean_up(&error);
	}
}

/* What a store without files says of them. */
static void a_log_that_is_no_file_says_so(void **state)
{
	struct place place;
	struct lf_log *log;
	struct lf_chore chore = {.what = LF_CHORE_BACKUP, .file = "/tmp/never-made"};
	struct lf_replaced replaced;
	struct lf_error error = LF_ERROR_INIT;

	(void)state;
	place_make(&place);
	log = log_open(&memory_backend, "x");
	for (int vacuum = 0; vacuum < 2; vacuum++) {
		assert_int_equal(lf_log_do(log, &chore, &error), LF_UNIMPLEMENTED);
		assert_non_null(strstr(error.message, "no file"));
		lf_error_clean_up(&error);
		chore.what = LF_CHORE_VACUUM;
	}
	lf_log_close(log);
	assert_int_equal(
		lf_log_restore(&memory_backend, "x", place.file, NULL, NULL, &replaced, &error), LF_UNIMPLEMENTED);
	lf_error_clean_up(&error);
	memory_backend_forget();
	place_remove(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_is_a_sqlite_file),
		cmocka_unit_test(another_kind_is_refused_by_its_name_alone),
		cmocka_unit_test(a_log_that_is_no_file_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
