/* The file of the SQLite backend: what is refused untouched, who may have it, what it looks like. F1 to F4:
 * storage/sqlite/file.c. */
#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "tests/storage/support.h"

static struct place place;

static int set_up(void **state)
{
	(void)state;
	place_make(&place);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	place_remove(&place);
	return 0;
}

/* Opens, expecting failure; the message. */
static enum lf_code open_fails(const char *location, struct lf_error *error)
{
	struct lf_log *log = NULL;
	const struct lf_log_options options = {.location = location};
	enum lf_code code;

	lf_error_clean_up(error);
	code = lf_log_open(&log, &lf_sqlite_backend, &options, error);
	if (code == LF_OK)
		fail_msg("%s was opened", location);
	assert_null(log);
	assert_int_equal(code, error->code);
	return code;
}

static void says(const struct lf_error *error, const char *part)
{
	if (strstr(error->message, part) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", error->message, part);
}

/* A sound log with some decisions, closed. */
static void make_log(int decisions)
{
	struct lf_log *log = log_open(&lf_sqlite_backend, place.file);

	rubric_put(log);
	for (int i = 0; i < decisions; i++) {
		struct work work;

		work_init(&work, i % 9, i % 4, i + 1);
		assert_int_equal(work_run(log, &work), LF_OK);
	}
	lf_log_close(log);
}

static void sql(const char *path, const char *text)
{
	sqlite3 *db;
	char *message = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, text, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s", message);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static int64_t query(const char *path, const char *text)
{
	sqlite3 *db;
	sqlite3_stmt *statement;
	int64_t value;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, text, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	value = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return value;
}

/* ---- a new file ---- */

static void a_new_file_is_private_whatever_the_umask_and_leaves_nothing_beside_it_when_closed(void **state)
{
	struct stat status;
	char names[200];
	const mode_t before = umask(0);
	struct lf_log *log = log_open(&lf_sqlite_backend, place.file);
	char path[128];
	static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};

	(void)state;
	rubric_put(log);
	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s%s", place.file, suffixes[i]);
		assert_int_equal(stat(path, &status), 0);
		assert_int_equal(status.st_mode & 0777, 0600);
	}
	lf_log_close(log);
	umask(before);
	place_names(&place, NULL, names, sizeof(names));
	assert_string_equal(names, "log.db");
}

static void the_header_names_application_and_schema(void **state)
{
	size_t length;
	uint8_t *data;

	(void)state;
	make_log(1);
	data = file_read(place.file, &length);
	assert_memory_equal(data + 60, "\0\0\0\3", 4);
	assert_memory_equal(data + 68, "lfLg", 4);
	free(data);
}

static void an_empty_file_becomes_a_log(void **state)
{
	(void)state;
	file_write(place.file, "", 0);
	make_log(1);
	assert_int_equal(query(place.file, "SELECT count(*) FROM decision"), 1);
}

static void a_creation_that_was_killed_is_made_anew(void **state)
{
	char path[128], names[200];

	(void)state;
	snprintf(path, sizeof(path), "%s.new", place.file);
	file_write(path, "half a file", 11);
	snprintf(path, sizeof(path), "%s.new-journal", place.file);
	file_write(path, "its journal", 11);
	make_log(1);
	place_names(&place, NULL, names, sizeof(names));
	assert_string_equal(names, "log.db");
}

static void a_wal_without_its_file_is_not_played_into_a_new_one(void **state)
{
	struct lf_error error = LF_ERROR_INIT;
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s-wal", place.file);
	file_write(path, "what is left", 12);
	assert_int_equal(open_fails(place.file, &error), LF_FAILED_PRECONDITION);
	says(&error, "-wal");
	assert_int_equal(access(place.file, F_OK), -1);
	assert_int_equal(access(path, F_OK), 0);
}

static void payloads_are_stored_once_each_with_a_salt_of_its_own(void **state)
{
	(void)state;
	make_log(36); /* 9 teams, 4 projects, a rubric */
	assert_int_equal(query(place.file, "SELECT count(*) FROM payload"), 9 + 4 + 1);
	assert_int_equal(
		query(place.file,
			"SELECT count(DISTINCT salt) FROM payload WHERE length(salt) = 32 AND salt <> zeroblob(32)"),
		9 + 4 + 1);
	assert_int_equal(
		query(place.file,
			"SELECT count(DISTINCT salt) FROM decision WHERE length(salt) = 32 AND salt <> zeroblob(32)"),
		36);
}

static void who_activated_a_rubric_is_recorded(void **state)
{
	(void)state;
	make_log(0);
	assert_int_equal(
		query(place.file,
			"SELECT count(*) FROM activation a JOIN name n ON n.id = a.name JOIN name c ON c.id = a.caller"
			" WHERE n.value = 'tech-lead' AND c.value = 'admin' AND a.from_rubric IS NULL"
			" AND a.to_rubric = (SELECT payload FROM rubric) AND a.activated_at > 0"),
		1);
}

/* ---- who has it ---- */

static void a_second_open_is_refused_in_this_process_and_in_another_by_any_name(void **state)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_log *log = log_open(&lf_sqlite_backend, place.file);
	char link_name[128], dotted[160], pid[32];
	const char *const locations[] = {place.file, link_name, dotted};
	pid_t child;
	int status;
	struct work work;

	(void)state;
	snprintf(link_name, sizeof(link_name), "%s/alias", place.folder);
	snprintf(dotted, sizeof(dotted), "%s/../%s/./log.db", place.folder, strrchr(place.folder, '/') + 1);
	assert_int_equal(symlink(place.file, link_name), 0);
	snprintf(pid, sizeof(pid), "process %ld", (long)getpid());
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(open_fails(locations[i], &error), LF_FAILED_PRECONDITION);
		says(&error, "in use");
		says(&error, pid);
	}
	child = fork();
	if (child == 0) {
		struct lf_log *second = NULL;
		const struct lf_log_options options = {.location = place.file};

		_exit(lf_log_open(&second, &lf_sqlite_backend, &options, NULL) == LF_FAILED_PRECONDITION ? 0 : 1);
	}
	status = -1;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	rubric_put(log);
	work_init(&work, 1, 1, 0);
	assert_int_equal(work_run(log, &work), LF_OK); /* the first is not disturbed */
	lf_log_close(log);
	log = log_open(&lf_sqlite_backend, link_name); /* F1: free again */
	lf_log_close(log);
}

static void a_lock_file_that_was_left_does_not_matter(void **state)
{
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s.lock", place.file);
	file_write(path, "99999999\n", 9);
	make_log(1);
	assert_int_equal(access(path, F_OK), -1);
}

/* ---- what is refused ---- */

/* Refused, and everything in the folder is as it was. */
static void refused_untouched(const char *part)
{
	struct lf_error error = LF_ERROR_INIT;
	char before[300], after[300];
	size_t length, length_after;
	uint8_t *data = file_read(place.file, &length);
	uint8_t *data_after;

	place_names(&place, NULL, before, sizeof(before));
	assert_int_equal(open_fails(place.file, &error), LF_FAILED_PRECONDITION);
	says(&error, part);
	says(&error, place.file);
	data_after = file_read(place.file, &length_after);
	place_names(&place, NULL, after, sizeof(after));
	assert_string_equal(after, before);
	assert_int_equal(length_after, length);
	assert_memory_equal(data_after, data, length);
	free(data);
	free(data_after);
}

static void patch(size_t offset, const void *bytes, size_t length)
{
	FILE *file = fopen(place.file, "r+b");

	assert_non_null(file);
	assert_int_equal(fseek(file, (long)offset, SEEK_SET), 0);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	fclose(file);
}

static void a_file_that_is_not_sqlite_is_refused_untouched(void **state)
{
	char text[9000];

	(void)state;
	file_write(place.file, "hello", 5);
	refused_untouched("not a SQLite file");
	memset(text, 'x', sizeof(text));
	file_write(place.file, text, sizeof(text));
	refused_untouched("not a SQLite file");
}

static void another_applications_file_is_refused_untouched(void **state)
{
	(void)state;
	sql(place.file, "CREATE TABLE t(a); PRAGMA application_id=77;");
	refused_untouched("another application");
	sql(place.file, "PRAGMA journal_mode=WAL; PRAGMA application_id=0; INSERT INTO t VALUES(1)");
	refused_untouched("another application");
}

static void a_newer_schema_is_refused_untouched(void **state)
{
	(void)state;
	make_log(3);
	patch(60, "\0\0\0\4", 4);
	refused_untouched("schema 4");
}

static void other_tables_are_refused_untouched(void **state)
{
	(void)state;
	make_log(3);
	sql(place.file, "CREATE TABLE surprise(a)");
	refused_untouched("the table surprise is not one of a decision log: it was put in");
	sql(place.file, "DROP TABLE surprise; DROP INDEX decision_by_id");
	refused_untouched("the index decision_by_id of a decision log is not there: it was deleted");
}

static void a_truncated_file_is_refused_untouched(void **state)
{
	struct stat status;

	(void)state;
	make_log(50);
	assert_int_equal(stat(place.file, &status), 0);
	assert_int_equal(truncate(place.file, status.st_size / 2), 0);
	refused_untouched("damaged");
	assert_int_equal(truncate(place.file, 60), 0);
	refused_untouched("");
}

static void a_file_with_a_broken_header_is_refused_untouched(void **state)
{
	(void)state;
	make_log(3);
	patch(16, "\x12\x34", 2);
	refused_untouched("damaged");
}

static void a_file_with_a_broken_page_that_opening_reads_is_refused_untouched(void **state)
{
	uint8_t rubbish[8192];
	static const char *const names[] = {"name", "payload", "decision", "decision_by_id", "chain", "member",
		"request_key", "probe", "leaf", "tree"};

	(void)state;
	memset(rubbish, 0xee, sizeof(rubbish));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char text[128];
		int64_t root;

		unlink(place.file);
		make_log(50);
		snprintf(text, sizeof(text), "SELECT rootpage FROM sqlite_schema WHERE name = '%s'", names[i]);
		root = query(place.file, text);
		patch((size_t)(root - 1) * sizeof(rubbish), rubbish, sizeof(rubbish));
		refused_untouched("damaged");
	}
	unlink(place.file);
	make_log(3);
	patch(100, rubbish, 3000);
	refused_untouched("damaged");
}

static void a_log_whose_end_was_altered_is_refused_untouched(void **state)
{
	static const char *const alterations[] = {"UPDATE decision SET team = 4711 WHERE sequence = 50",
		"DELETE FROM payload", "DELETE FROM chain", "DELETE FROM decision WHERE sequence = 1",
		"DELETE FROM probe", "UPDATE decision SET id = x'00' WHERE sequence = 50"};

	(void)state;
	for (size_t i = 0; i < sizeof(alterations) / sizeof(alterations[0]); i++) {
		unlink(place.file);
		make_log(50);
		sql(place.file, alterations[i]);
		refused_untouched("damaged");
	}
}

static void a_wrong_head_or_a_missing_leaf_is_refused_untouched_and_named(void **state)
{
	static const char *const alterations[][2] = {
		{"UPDATE tree SET root = zeroblob(32)", "the head of the log does not follow"},
		{"UPDATE tree SET root = x'00'", "the head of the log is missing"},
		{"UPDATE tree SET size = size - 1", "the head of the log and its last leaf disagree"},
		{"UPDATE tree SET size = -1", "the head of the log"},
		{"DELETE FROM tree", "the head of the log"},
		{"DELETE FROM leaf WHERE position = 301", "the head of the log and its last leaf disagree"},
		{"DELETE FROM leaf WHERE position = 300", "leaf 300 is missing"},
		{"DELETE FROM leaf WHERE position = 256", "leaf 256 is missing"},
		{"DELETE FROM leaf WHERE position = 0", "leaf 0 is missing"},
		{"DELETE FROM leaf", "the head of the log"},
		{"UPDATE leaf SET hash = zeroblob(32) WHERE position = 300", "does not follow"},
		{"UPDATE leaf SET hash = x'00' WHERE position = 300", "leaf 300"},
		{"UPDATE leaf SET decisions = 1 WHERE position = 301", "the last leaf and the last decision disagree"},
		{"DELETE FROM node", "node 0 of level 8"},
		{"UPDATE node SET hash = zeroblob(32)", "does not follow"},
		{"DELETE FROM decision WHERE sequence = 300", "the last leaf and the last decision disagree"},
		{"INSERT INTO act VALUES(9, 4, 5, 1, NULL, 7, zeroblob(32), x'', NULL)", "the last act has no leaf"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(alterations) / sizeof(alterations[0]); i++) {
		unlink(place.file);
		make_log(300); /* and a rubric, and its activation: leaves 0 to 301 */
		sql(place.file, alterations[i][0]);
		refused_untouched(alterations[i][1]);
	}
}

static void note_damage(void *context, const struct lf_error *error)
{
	assert_int_equal(error->code, LF_DATA_LOSS);
	assert_string_not_equal(error->message, "");
	++*(size_t *)context;
}

/* M1 */
static void damage_found_later_is_told_as_such(void **state)
{
	size_t told = 0;
	const struct lf_log_options options = {
		.location = place.file, .on_damaged = note_damage, .on_damaged_context = &told};
	struct listed *listed = calloc(1, sizeof(*listed));
	struct lf_filter filter = filter_any();
	uint64_t next;
	struct lf_log *log;
	struct work work;
	size_t lost;

	(void)state;
	make_log(50);
	sql(place.file, "UPDATE decision SET team_previous = 40 WHERE sequence = 5");
	sql(place.file, "UPDATE payload SET body = x'00' WHERE id = 3");
	assert_int_equal(lf_log_open(&log, &lf_sqlite_backend, &options, NULL), LF_OK);
	assert_true(lf_log_ready(log));
	filter.team_id = "team-4";
	assert_int_equal(lf_log_list(log, &filter, listed_visit, listed, &next, NULL), LF_DATA_LOSS);
	filter.team_id = NULL;
	listed->count = 0;
	assert_int_equal(lf_log_list(log, &filter, listed_visit, listed, &next, NULL), LF_OK);
	lost = 0;
	for (size_t i = 0; i < listed->count; i++) {
		struct lf_stored *stored = NULL;
		const enum lf_code code = lf_log_get(log, &listed->ids[i], &stored, NULL);

		assert_true(code == LF_OK || code == LF_DATA_LOSS);
		lost += code == LF_DATA_LOSS;
		free(stored);
	}
	assert_true(lost > 0);
	assert_false(lf_log_ready(log));
	assert_int_equal(told, 1);
	work_init(&work, 1, 1, 0);
	assert_int_equal(work_run(log, &work), LF_OK); /* what is new is kept */
	assert_false(lf_log_ready(log));
	lf_log_close(log);
	free(listed);
}

struct missing {
	uint64_t position; /* where it is expected */
	const char *what;
	uint64_t next;
	bool found;
};

static void note_missing(void *context, const struct lf_audit_row *row)
{
	struct missing *missing = context;

	assert_int_equal(row->position, missing->next++); /* none is left out */
	if (row->position != missing->position)           /* others may miss the same payload or rubric */
		assert_true(row->missing == NULL || strcmp(row->missing, missing->what) == 0);
	else if (row->missing == NULL || strcmp(row->missing, missing->what) != 0)
		fail_msg("%s, not %s", row->missing == NULL ? "nothing" : row->missing, missing->what);
	else
		missing->found = true;
}

static void what_is_missing_of_a_record_is_named_by_the_audit(void **state)
{
	static const struct {
		const char *sql;
		uint64_t position;
		const char *missing;
	} cases[] = {
		{"DELETE FROM leaf WHERE position = 20", 20, "the leaf itself"},
		{"UPDATE leaf SET kind = 77 WHERE position = 20", 20, "its kind"},
		{"UPDATE leaf SET hash = x'00' WHERE position = 20", 20, "its hash"},
		{"UPDATE leaf SET record = 7777 WHERE position = 20", 20, "its row"},
		{"UPDATE leaf SET kind = 3 WHERE position = 20", 20, "its row"},
		{"DELETE FROM decision WHERE sequence = 19", 20, "its row"},
		{"UPDATE decision SET caller = 7777 WHERE sequence = 19", 20, "its caller's name"},
		{"UPDATE decision SET team = 7777 WHERE sequence = 19", 20, "its team's name"},
		{"UPDATE decision SET recommended = 7777 WHERE sequence = 19", 20, "the name of who was recommended"},
		{"UPDATE decision SET candidates = 7777 WHERE sequence = 19", 20, "its list of candidates"},
		{"UPDATE decision SET salt = x'01' WHERE sequence = 19", 20, "its salt"},
		{"UPDATE decision SET request_digest = x'01' WHERE sequence = 19", 20, "the digest of its request"},
		{"UPDATE decision SET rubric = 7777 WHERE sequence = 19", 20, "its rubric's name"},
		{"INSERT INTO redaction VALUES(2, 19, x'01')", 20, "the commitment that it had"},
		{"INSERT INTO redaction SELECT 1, team_payload, x'01' FROM decision WHERE sequence = 40", 41,
			"the commitment that a payload had"},
		{"UPDATE leaf SET salt = NULL WHERE position = 0", 0, "its salt"},
		{"UPDATE activation SET to_rubric = 7777", 1, "the rubric that it made active"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct missing missing = {.position = cases[i].position, .what = cases[i].missing};
		uint64_t next = 0;
		struct lf_log *log;

		unlink(place.file);
		make_log(300);
		sql(place.file, cases[i].sql);
		log = log_open(&lf_sqlite_backend, place.file);
		do
			assert_int_equal(lf_log_audit(log, next, 1000, note_missing, &missing, &next, NULL), LF_OK);
		while (next != 0);
		assert_true(missing.found);
		assert_int_equal(missing.next, 302);
		lf_log_close(log);
	}
}

static void what_can_not_be_opened_is_said_clearly(void **state)
{
	struct lf_error error = LF_ERROR_INIT;
	char path[200];
	struct lf_log *log;
	struct lf_log_options options;

	(void)state;
	snprintf(path, sizeof(path), "%s/missing/log.db", place.folder);
	assert_int_equal(open_fails(path, &error), LF_UNAVAILABLE);
	says(&error, "/missing");
	says(&error, "directory");
	assert_int_equal(open_fails(place.folder, &error), LF_UNAVAILABLE);
	says(&error, "is a directory");
	assert_int_equal(open_fails("", &error), LF_UNAVAILABLE);
	assert_int_equal(open_fails("/tmp/", &error), LF_UNAVAILABLE);
	file_write(place.file, "", 0);
	snprintf(path, sizeof(path), "%s/under", place.file);
	assert_int_equal(open_fails(path, &error), LF_UNAVAILABLE);
	snprintf(path, sizeof(path), "%s/pipe", place.folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(open_fails(path, &error), LF_UNAVAILABLE);
	says(&error, "not a regular file");
	snprintf(path, sizeof(path), "%s/dangling", place.folder);
	assert_int_equal(symlink("/nowhere/at/all", path), 0);
	log = NULL;
	options = (struct lf_log_options){.location = path};
	if (lf_log_open(&log, &lf_sqlite_backend, &options, NULL) == LF_OK)
		lf_log_close(log); /* the link is replaced by the log: no harm */
}

/* In a child that is nobody, as root may write everywhere. */
static void what_may_not_be_written_is_said_clearly(void **state)
{
	pid_t child;
	int status;

	(void)state;
	make_log(2);
	assert_int_equal(chmod(place.folder, 0755), 0);
	assert_int_equal(chmod(place.file, 0444), 0);
	child = fork();
	if (child == 0) {
		struct lf_error error = LF_ERROR_INIT;
		struct lf_log *log = NULL;
		struct lf_log_options options = {.location = place.file};
		char fresh[128];

		if (geteuid() == 0 && (setegid(65534) != 0 || seteuid(65534) != 0))
			_exit(2);
		if (lf_log_open(&log, &lf_sqlite_backend, &options, &error) != LF_UNAVAILABLE ||
			strstr(error.message, "can't be read and written") == NULL)
			_exit(3);
		snprintf(fresh, sizeof(fresh), "%s/fresh.db", place.folder);
		options.location = fresh;
		lf_error_clean_up(&error);
		if (chmod(place.folder, 0555) != 0 && errno != EPERM)
			_exit(4);
		if (lf_log_open(&log, &lf_sqlite_backend, &options, &error) != LF_UNAVAILABLE ||
			strstr(error.message, "directory must be writable") == NULL)
			_exit(5);
		_exit(0);
	}
	status = -1;
	assert_int_equal(waitpid(child, &status, 0), child);
	chmod(place.folder, 0700);
	assert_int_equal(WEXITSTATUS(status), 0);
}

#define CLAIM(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest claims[] = {
		CLAIM(a_new_file_is_private_whatever_the_umask_and_leaves_nothing_beside_it_when_closed),
		CLAIM(the_header_names_application_and_schema),
		CLAIM(an_empty_file_becomes_a_log),
		CLAIM(a_creation_that_was_killed_is_made_anew),
		CLAIM(a_wal_without_its_file_is_not_played_into_a_new_one),
		CLAIM(payloads_are_stored_once_each_with_a_salt_of_its_own),
		CLAIM(who_activated_a_rubric_is_recorded),
		CLAIM(a_second_open_is_refused_in_this_process_and_in_another_by_any_name),
		CLAIM(a_lock_file_that_was_left_does_not_matter),
		CLAIM(a_file_that_is_not_sqlite_is_refused_untouched),
		CLAIM(another_applications_file_is_refused_untouched),
		CLAIM(a_newer_schema_is_refused_untouched),
		CLAIM(other_tables_are_refused_untouched),
		CLAIM(a_truncated_file_is_refused_untouched),
		CLAIM(a_file_with_a_broken_header_is_refused_untouched),
		CLAIM(a_file_with_a_broken_page_that_opening_reads_is_refused_untouched),
		CLAIM(a_log_whose_end_was_altered_is_refused_untouched),
		CLAIM(a_wrong_head_or_a_missing_leaf_is_refused_untouched_and_named),
		CLAIM(damage_found_later_is_told_as_such),
		CLAIM(what_is_missing_of_a_record_is_named_by_the_audit),
		CLAIM(what_can_not_be_opened_is_said_clearly),
		CLAIM(what_may_not_be_written_is_said_clearly),
	};

	return cmocka_run_group_tests(claims, NULL, NULL);
}
