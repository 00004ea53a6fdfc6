/* A log that is taken away again, after a start that failed: F5 and S6 of storage/DESIGN.md. */
#include <sys/stat.h>
#include <unistd.h>

#include "tests/storage/support.h"

static struct lf_log *open_with_a_decision(const struct place *place)
{
	struct lf_log *log = log_open(&lf_sqlite_backend, place->file);
	struct work work;

	rubric_put(log);
	work_init(&work, 1, 1, 0);
	assert_int_equal(work_run(log, &work), LF_OK);
	return log;
}

static void assert_names(const struct place *place, const char *expected)
{
	char names[256];

	place_names(place, NULL, names, sizeof(names));
	assert_string_equal(names, expected);
}

static void a_log_that_was_made_leaves_nothing(void **state)
{
	struct place place;

	(void)state;
	place_make(&place);
	lf_log_discard(open_with_a_decision(&place));
	assert_names(&place, "");
	lf_log_discard(NULL);
	lf_log_close(open_with_a_decision(&place));
	assert_names(&place, "log.db");
	place_remove(&place);
}

static void a_log_that_was_there_stays_with_what_it_had(void **state)
{
	struct lf_tree_head before, after;
	struct place place;
	struct lf_log *log;

	(void)state;
	place_make(&place);
	log = open_with_a_decision(&place);
	assert_int_equal(lf_log_head(log, &before, NULL), LF_OK);
	lf_log_close(log);
	lf_log_discard(log_open(&lf_sqlite_backend, place.file));
	assert_names(&place, "log.db");
	log = log_open(&lf_sqlite_backend, place.file);
	assert_int_equal(lf_log_head(log, &after, NULL), LF_OK);
	assert_memory_equal(&before, &after, sizeof(before));
	lf_log_close(log);
	place_remove(&place);
}

static void what_has_taken_its_place_stays(void **state)
{
	struct place place;
	struct lf_log *log;
	uint8_t *bytes;
	size_t length;

	(void)state;
	place_make(&place);
	log = open_with_a_decision(&place);
	assert_int_equal(unlink(place.file), 0);
	file_write(place.file, "another's", 9);
	lf_log_discard(log);
	bytes = file_read(place.file, &length);
	assert_int_equal(length, 9);
	assert_memory_equal(bytes, "another's", 9);
	free(bytes);
	place_remove(&place);
}

static void an_empty_file_that_was_there_is_not_taken_away(void **state)
{
	struct place place;

	(void)state;
	place_make(&place);
	file_write(place.file, "", 0);
	lf_log_discard(open_with_a_decision(&place));
	assert_names(&place, "log.db");
	place_remove(&place);
}

static void an_open_that_is_refused_takes_nothing_away(void **state)
{
	struct lf_log_options at = {0};
	struct place place;
	struct lf_log *log, *second;

	(void)state;
	place_make(&place);
	log = open_with_a_decision(&place);
	at.location = place.file;
	assert_int_equal(lf_log_open(&second, &lf_sqlite_backend, &at, NULL), LF_FAILED_PRECONDITION);
	assert_int_equal(access(place.file, F_OK), 0);
	lf_log_close(log);
	assert_names(&place, "log.db");
	place_remove(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_log_that_was_made_leaves_nothing),
		cmocka_unit_test(a_log_that_was_there_stays_with_what_it_had),
		cmocka_unit_test(what_has_taken_its_place_stays),
		cmocka_unit_test(an_empty_file_that_was_there_is_not_taken_away),
		cmocka_unit_test(an_open_that_is_refused_takes_nothing_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
