/*
 * A log of schema 1 becomes one of this schema: tests/storage/old/schema-1.db, which that release made, and larger
 * ones. Whatever happens on the way, it is the old log or the new one.
 */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "tests/storage/fault_vfs.h"
#include "tests/storage/support.h"
#include "tests/storage/whole.h"

static const char OLD[] = LF_SOURCE_DIR "/tests/storage/old/schema-1.db";
enum { OLD_DECISIONS = 38, OLD_RUBRICS = 3, OLD_ACTIVATIONS = 4 };

static struct place place, image;
static uint8_t *old_bytes;
static size_t old_length;

static int set_up(void **state)
{
	(void)state;
	place_make(&place);
	place_make(&image);
	old_bytes = file_read(OLD, &old_length);
	assert_non_null(old_bytes);
	file_write(place.file, old_bytes, old_length);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	place_remove(&place);
	place_remove(&image);
	free(old_bytes);
	return 0;
}

/* ---- looking at files ---- */

static void sql(const char *text)
{
	sqlite3 *db;
	char *message = NULL;

	assert_int_equal(sqlite3_open(place.file, &db), SQLITE_OK);
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
	sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	assert_int_equal(sqlite3_prepare_v2(db, text, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	value = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return value;
}

/* A digest of every row of every table that schema 1 has, and of nothing else. */
static void rows_digest(const char *path, struct lf_digest *digest)
{
	static const char *const tables[] = {"name", "payload", "rubric", "activation", "decision", "request_key",
		"member", "chain", "skip", "probe"};
	sqlite3 *db;
	uint8_t chained[64] = {0};

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		char text[64];
		sqlite3_stmt *statement;

		snprintf(text, sizeof(text), "SELECT * FROM %s ORDER BY 1, 2", tables[i]);
		assert_int_equal(sqlite3_prepare_v2(db, text, -1, &statement, NULL), SQLITE_OK);
		while (sqlite3_step(statement) == SQLITE_ROW)
			for (int column = 0; column < sqlite3_column_count(statement); column++) {
				const void *value = sqlite3_column_blob(statement, column);

				lf_sha256(value, (size_t)sqlite3_column_bytes(statement, column),
					(struct lf_digest *)(void *)(chained + 32));
				lf_sha256(chained, sizeof(chained), (struct lf_digest *)(void *)chained);
			}
		assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
	}
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	memcpy(digest, chained, sizeof(*digest));
}

static bool is_old(const char *path)
{
	return query(path, "PRAGMA user_version") == 1;
}

/* What later schemas added, taken away. */
static const char WITHOUT_LATER[] =
	"DROP TABLE leaf; DROP TABLE node; DROP TABLE tree; DROP TABLE act; DROP TABLE redaction;"
	"DROP INDEX request_key_by_sequence; DROP INDEX member_by_list; PRAGMA user_version=1;";

/* Makes the file one of schema 1 with so many decisions: what the writer makes now, without what later ones added. */
static void make_large(int decisions)
{
	struct work *works = calloc((size_t)decisions, sizeof(*works));
	struct lf_log *log;

	unlink(place.file);
	log = log_open(&lf_sqlite_backend, place.file);
	rubric_put(log);
	for (int i = 0; i < decisions; i++) {
		work_init(&works[i], i % 300, i % 70, i % 3 == 0 ? i + 1 : 0);
		lf_log_append(log, &works[i].append);
		if (i % 200 == 199 || i == decisions - 1)
			work_wait(&works[i]);
		if (i % 500 == 0) {
			char body[32];
			struct lf_digest digest;

			snprintf(body, sizeof(body), "version %d", i);
			lf_sha256(body, strlen(body), &digest);
			assert_int_equal(
				lf_log_put_rubric(log, "r", "R", "x", bytes_of(body), &digest, false, NULL, NULL, NULL),
				LF_OK);
			assert_int_equal(lf_log_activate_rubric(log, "r", &digest, "x", NULL, NULL), LF_OK);
		}
	}
	lf_log_close(log);
	free(works);
	sql(WITHOUT_LATER);
	free(old_bytes);
	old_bytes = file_read(place.file, &old_length);
}

/* The file as it was made, and nothing beside it. */
static void restore(void)
{
	static const char *const suffixes[] = {"-wal", "-shm", ".lock"};
	char path[128];

	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s%s", place.file, suffixes[i]);
		unlink(path);
	}
	file_write(place.file, old_bytes, old_length);
}

/* ---- progress ---- */

static struct {
	long calls, kill_at; /* kill_at 0: never */
	uint64_t done, total;
} progress;

static void note_progress(void *context, uint64_t done, uint64_t total)
{
	(void)context;
	assert_true(progress.calls == 0 ? done == 0 : done >= progress.done && total == progress.total);
	progress.done = done;
	progress.total = total;
	if (++progress.calls == progress.kill_at)
		raise(SIGKILL);
}

static enum lf_code try_open(struct lf_log **log, struct lf_error *error)
{
	const struct lf_log_options options = {
		.location = place.file, .reader_count = 2, .on_migrating = note_progress};

	progress.calls = 0;
	*log = NULL;
	return lf_log_open(log, &lf_sqlite_backend, &options, error);
}

static struct lf_log *open_it(void)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_log *log;

	if (try_open(&log, &error) != LF_OK)
		fail_msg("%s", error.message);
	return log;
}

/* ---- what is there afterwards ---- */

static void note_migration(void *context, const struct lf_act_row *row)
{
	uint64_t *position = context;

	assert_int_equal(*position, UINT64_MAX);
	*position = row->position;
	assert_int_equal(row->kind, LF_LEAF_MIGRATION);
	assert_false(row->has_decision);
	assert_string_equal(row->caller, "leadfitd");
	assert_int_equal(row->body.length, 4);
	assert_memory_equal(row->body.data, "\x08\x01\x10\x03", 4); /* MigrationBody: from_schema 1, to_schema 3 */
}

/* The log is whole, its newest leaf but `after` is the migration's, and there is one. */
static void is_migrated(struct lf_log *log, uint64_t decisions, uint64_t rubrics, uint64_t activations, uint64_t after)
{
	struct whole whole;
	uint64_t position = UINT64_MAX, next = 1;

	log_is_whole(log, &whole);
	assert_int_equal(whole.kinds[LF_LEAF_DECISION], decisions);
	assert_int_equal(whole.kinds[LF_LEAF_RUBRIC], rubrics);
	assert_int_equal(whole.kinds[LF_LEAF_ACTIVATION], activations);
	assert_int_equal(whole.kinds[LF_LEAF_MIGRATION], 1);
	assert_int_equal(
		lf_log_list_acts(log, LF_LEAF_MIGRATION, NULL, 0, 10, note_migration, &position, &next, NULL), LF_OK);
	assert_int_equal(next, 0);
	assert_int_equal(position, whole.size - 1 - after);
}

struct kinds {
	char text[4096];
	int64_t time_us;
};

static void note_kind(void *context, const struct lf_audit_row *row)
{
	struct kinds *kinds = context;
	const size_t length = strlen(kinds->text);

	assert_true(row->time_us >= kinds->time_us && length + 1 < sizeof(kinds->text));
	kinds->time_us = row->time_us;
	kinds->text[length] = lf_leaf_kind_name(row->kind)[0];
}

/* ---- the log that the release before made ---- */

static void the_old_log_gets_its_tree_and_nothing_else_is_changed(void **state)
{
	struct lf_digest before, after;
	struct lf_log *log;

	(void)state;
	rows_digest(place.file, &before);
	lf_log_close(open_it());
	assert_true(progress.calls >= 2);
	assert_int_equal(progress.done, OLD_DECISIONS);
	assert_int_equal(progress.total, OLD_DECISIONS);
	assert_false(is_old(place.file));
	log = open_it();
	assert_int_equal(progress.calls, 0);
	is_migrated(log, OLD_DECISIONS, OLD_RUBRICS, OLD_ACTIVATIONS, 0);
	lf_log_close(log);
	/* The migration's act has a caller; that name is the one row which is new. */
	sql("DELETE FROM name WHERE value = 'leadfitd'");
	rows_digest(place.file, &after);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(query(place.file, "SELECT count(*) FROM redaction"), 0);
}

static void its_leaves_are_in_the_order_of_time(void **state)
{
	struct kinds kinds = {.time_us = INT64_MIN};
	struct lf_log *log = open_it();

	(void)state;
	audit_all(log, 0, note_kind, &kinds);
	/*
	 * By the times in the file: the first version and its activation, the second's, then decisions, among them the
	 * third version.
	 */
	assert_int_equal(strncmp(kinds.text, "raradddd", 8), 0);
	assert_int_equal(strlen(kinds.text), OLD_DECISIONS + OLD_RUBRICS + OLD_ACTIVATIONS + 1);
	assert_int_equal(kinds.text[strlen(kinds.text) - 1], 'm');
	lf_log_close(log);
}

static void its_decisions_are_read_and_its_keys_still_answer(void **state)
{
	struct lf_log *log = open_it();
	struct listed *listed = calloc(1, sizeof(*listed));
	sqlite3 *db;
	sqlite3_stmt *keys;
	size_t found = 0;

	(void)state;
	list_all(log, filter_any(), listed);
	assert_int_equal(listed->count, OLD_DECISIONS);
	for (size_t i = 0; i < listed->count; i++) {
		struct lf_stored *stored = NULL;

		assert_int_equal(lf_log_get(log, &listed->ids[i], &stored, NULL), LF_OK);
		assert_true(stored->team.length > 0 && stored->project.length > 0 && stored->answer.length > 0);
		assert_true(stored->team_payload > 0 && stored->project_payload > 0);
		free(stored);
	}
	assert_int_equal(sqlite3_open(OLD, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db,
				 "SELECT n.value, k.key, d.request_digest, d.id FROM request_key k JOIN name n ON n.id "
				 "= k.caller"
				 " JOIN decision d ON d.sequence = k.sequence",
				 -1, &keys, NULL),
		SQLITE_OK);
	while (sqlite3_step(keys) == SQLITE_ROW) {
		struct lf_uuid id;

		assert_int_equal(
			lf_log_find_key(log, (const char *)sqlite3_column_text(keys, 0),
				(const char *)sqlite3_column_text(keys, 1), sqlite3_column_blob(keys, 2), &id, NULL),
			LF_OK);
		assert_memory_equal(&id, sqlite3_column_blob(keys, 3), sizeof(id));
		found++;
	}
	assert_int_equal(found, OLD_DECISIONS);
	sqlite3_finalize(keys);
	sqlite3_close(db);
	free(listed);
	lf_log_close(log);
}

static void it_goes_on_from_there_and_a_second_open_does_nothing(void **state)
{
	struct work work;
	size_t length, length_after;
	struct lf_log *log = open_it();
	uint8_t *data, *data_after;

	(void)state;
	rubric_put(log);
	work_init(&work, 1, 1, 1);
	assert_int_equal(work_run(log, &work), LF_OK);
	assert_int_equal(work.append.sequence, OLD_DECISIONS + 1);
	is_migrated(log, OLD_DECISIONS + 1, OLD_RUBRICS + 1, OLD_ACTIVATIONS + 1, 3);
	lf_log_close(log);
	data = file_read(place.file, &length);
	log = open_it();
	assert_int_equal(progress.calls, 0);
	lf_log_close(log);
	data_after = file_read(place.file, &length_after);
	assert_int_equal(length, length_after);
	assert_memory_equal(data, data_after, length);
	free(data);
	free(data_after);
}

static int64_t early(void)
{
	return 1000;
}

static void a_clock_that_stands_before_the_log_does_not_make_time_fall(void **state)
{
	const struct lf_log_options options = {.location = place.file, .now_us = early};
	struct lf_log *log = NULL;

	(void)state;
	assert_int_equal(lf_log_open(&log, &lf_sqlite_backend, &options, NULL), LF_OK);
	is_migrated(log, OLD_DECISIONS, OLD_RUBRICS, OLD_ACTIVATIONS, 0); /* which compares times */
	lf_log_close(log);
}

static void a_log_without_anything_in_it_is_migrated(void **state)
{
	struct lf_log *log;

	(void)state;
	unlink(place.file);
	lf_log_close(log_open(&lf_sqlite_backend, place.file));
	sql(WITHOUT_LATER);
	log = open_it();
	is_migrated(log, 0, 0, 0, 0);
	lf_log_close(log);
}

static void a_larger_log_is_migrated_whole(void **state)
{
	struct lf_log *log;

	(void)state;
	make_large(3000);
	log = open_it();
	assert_true(progress.calls > 10);
	is_migrated(log, 3000, 7, 7, 0);
	lf_log_close(log);
}

/* ---- what goes wrong on the way ---- */

static void killed_at_any_moment_it_is_the_old_log_and_migrates_the_next_time(void **state)
{
	struct lf_digest before, after;
	size_t length;
	long kills = 0;
	bool killed = true;
	struct lf_log *log;

	(void)state;
	make_large(2000);
	rows_digest(place.file, &before);
	for (long at = 1; killed; at++) {
		const pid_t child = fork();
		int status;

		if (child == 0) {
			progress.kill_at = at;
			_exit(try_open(&log, NULL) == LF_OK ? 0 : 1); /* as killed, too: nothing is closed */
		}
		status = 0;
		assert_int_equal(waitpid(child, &status, 0), child);
		killed = WIFSIGNALED(status);
		kills += killed;
		if (!killed)
			assert_int_equal(WEXITSTATUS(status), 0);
		else if (is_old(place.file)) { /* it is not where the last call came after the commit */
			uint8_t *data;

			rows_digest(place.file, &after);
			assert_memory_equal(&before, &after, sizeof(before));
			data = file_read(place.file, &length);
			assert_int_equal(length, old_length);
			assert_memory_equal(data, old_bytes, length);
			free(data);
			continue;
		}
		log = open_it();
		is_migrated(log, 2000, 5, 5, 0);
		lf_log_close(log);
		restore();
	}
	assert_true(kills >= 8);
	log = open_it();
	is_migrated(log, 2000, 5, 5, 0);
	lf_log_close(log);
}

static void whatever_operation_fails_it_is_the_old_log_or_the_new_one(void **state)
{
	struct lf_digest before, after;
	long faults = 0;

	(void)state;
	rows_digest(place.file, &before);
	for (int kind = 0; kind < FAULT_KINDS; kind++)
		for (long nth = 1;; nth += 1 + nth / 32) {
			struct lf_error error = LF_ERROR_INIT;
			struct lf_log *log;
			enum lf_code code;
			bool hit;

			restore();
			fault_vfs_install();
			fault_vfs_arm((enum fault_kind)kind, nth, 1);
			code = try_open(&log, &error);
			lf_log_close(log);
			hit = fault_vfs_hits() > 0;
			fault_vfs_arm((enum fault_kind)kind, 0, 0);
			fault_vfs_remove();
			if (code != LF_OK) {
				assert_true(hit && strlen(error.message) > 0);
				if (kind == FAULT_FULL)
					assert_int_equal(code, LF_RESOURCE_EXHAUSTED);
				if (is_old(place.file)) {
					rows_digest(place.file, &after);
					assert_memory_equal(&before, &after, sizeof(before));
				}
			}
			lf_error_clean_up(&error);
			log = open_it();
			is_migrated(log, OLD_DECISIONS, OLD_RUBRICS, OLD_ACTIVATIONS, 0);
			lf_log_close(log);
			faults += hit;
			if (!hit)
				break;
		}
	print_message("%ld faults\n", faults);
	assert_true(faults > 50);
}

static uint64_t seed;
static long images;

/* Whatever the disk kept: the image opens and is whole. */
static void before_sync(void *context)
{
	(void)context;
	for (int loss = 0; loss < POWER_LOSSES; loss++) {
		const struct lf_log_options options = {.location = image.file, .reader_count = 2};
		struct lf_error error = LF_ERROR_INIT;
		struct lf_log *log = NULL;

		place_remove(&image);
		place_make(&image);
		power_lose((enum power_loss)loss, &seed, image.folder);
		if (lf_log_open(&log, &lf_sqlite_backend, &options, &error) != LF_OK)
			fail_msg("%s", error.message);
		is_migrated(log, OLD_DECISIONS, OLD_RUBRICS, OLD_ACTIVATIONS, 0);
		lf_log_close(log);
		images++;
	}
}

static void a_loss_of_power_at_any_sync_leaves_the_old_log_or_the_new_one(void **state)
{
	const char *given = getenv("LF_TEST_SEED");

	(void)state;
	seed = given != NULL ? strtoull(given, NULL, 10) : 1;
	print_message("LF_TEST_SEED=%llu\n", (unsigned long long)seed);
	fault_vfs_install();
	power_record(place.folder, before_sync, NULL);
	lf_log_close(open_it());
	power_forget();
	fault_vfs_remove();
	assert_true(images >= 3 * POWER_LOSSES); /* the WAL at the commit, WAL and file at the checkpoint */
}

/* ---- what is refused ---- */

/* What some decision refers to, but not the last one, at which opening looks in any case. */
#define NOT_THE_LASTS(column)                                                                                          \
	"(SELECT " column " FROM decision WHERE " column " <> (SELECT " column                                         \
	" FROM decision ORDER BY sequence DESC LIMIT 1) LIMIT 1)"

static void damage_anywhere_is_named_and_the_file_left_as_it_is(void **state)
{
	static const char *const damages[][2] = {
		{"DELETE FROM decision WHERE sequence = 17", "decision 17 is missing"},
		{"UPDATE payload SET body = x'00' WHERE id = 4", "the bytes of payload 4"},
		{"UPDATE payload SET salt = x'00' WHERE id = 4", "the bytes of payload 4"},
		{"DELETE FROM payload WHERE id = " NOT_THE_LASTS("team_payload"), "is missing"},
		{"DELETE FROM name WHERE id = " NOT_THE_LASTS("project"), "project's name is missing"},
		{"DELETE FROM name WHERE id = " NOT_THE_LASTS("candidates"), "list of candidates is missing"},
		{"UPDATE decision SET decided_at = 5 WHERE sequence = 20", "decision 20 is older"},
		{"UPDATE decision SET salt = x'00' WHERE sequence = 20", "decision 20: its salt"},
		{"UPDATE decision SET id = x'00' WHERE sequence = 20", "decision 20: its id"},
		{"UPDATE activation SET to_rubric = 99 WHERE id = 2", "activation 2: the rubric that it made active"},
		{"UPDATE rubric SET put_by = 99 WHERE payload = 2", "rubric 2: its caller's name"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++)
		for (int with_wal = 0; with_wal < 2; with_wal++) {
			struct lf_error error = LF_ERROR_INIT;
			struct lf_digest before, after;
			struct lf_log *log;
			sqlite3 *db;
			size_t length, length_after;
			char names[128];
			uint8_t *data, *data_after;

			restore();
			assert_int_equal(sqlite3_open(place.file, &db), SQLITE_OK);
			sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, with_wal, NULL);
			assert_int_equal(sqlite3_exec(db, damages[i][0], NULL, NULL, NULL), SQLITE_OK);
			assert_int_equal(sqlite3_close(db), SQLITE_OK);
			data = file_read(place.file, &length);
			assert_int_equal(try_open(&log, &error), LF_FAILED_PRECONDITION);
			if (strstr(error.message, damages[i][1]) == NULL || strstr(error.message, place.file) == NULL ||
				strstr(error.message, "damaged") == NULL)
				fail_msg("%s: %s", damages[i][0], error.message);
			data_after = file_read(place.file, &length_after);
			assert_int_equal(length, length_after);
			assert_memory_equal(data, data_after, length);
			free(data);
			free(data_after);
			place_names(&place, NULL, names, sizeof(names));
			assert_string_equal(names, with_wal ? "log.db log.db-shm log.db-wal" : "log.db");
			rows_digest(
				place.file, &before); /* with the WAL: what the other program changed is still there */
			assert_true(is_old(place.file));
			assert_int_equal(try_open(&log, &error), LF_FAILED_PRECONDITION);
			rows_digest(place.file, &after);
			assert_memory_equal(&before, &after, sizeof(before));
			lf_error_clean_up(&error);
		}
}

static void a_newer_schema_is_refused_also_where_only_the_wal_says_so(void **state)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_log *log;
	sqlite3 *db;
	size_t length, length_after;
	uint8_t *data, *data_after;

	(void)state;
	lf_log_close(open_it());
	assert_int_equal(sqlite3_open(place.file, &db), SQLITE_OK);
	sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version=4", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	data = file_read(place.file, &length);
	assert_memory_equal(data + 60, "\0\0\0\3", 4);
	assert_int_equal(try_open(&log, &error), LF_FAILED_PRECONDITION);
	assert_non_null(strstr(error.message, "schema 4"));
	data_after = file_read(place.file, &length_after);
	assert_int_equal(length, length_after);
	assert_memory_equal(data, data_after, length);
	free(data);
	free(data_after);
	lf_error_clean_up(&error);
}

#define CLAIM(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest claims[] = {
		CLAIM(the_old_log_gets_its_tree_and_nothing_else_is_changed),
		CLAIM(its_leaves_are_in_the_order_of_time),
		CLAIM(its_decisions_are_read_and_its_keys_still_answer),
		CLAIM(it_goes_on_from_there_and_a_second_open_does_nothing),
		CLAIM(a_clock_that_stands_before_the_log_does_not_make_time_fall),
		CLAIM(a_log_without_anything_in_it_is_migrated),
		CLAIM(a_larger_log_is_migrated_whole),
		CLAIM(killed_at_any_moment_it_is_the_old_log_and_migrates_the_next_time),
		CLAIM(whatever_operation_fails_it_is_the_old_log_or_the_new_one),
		CLAIM(a_loss_of_power_at_any_sync_leaves_the_old_log_or_the_new_one),
		CLAIM(damage_anywhere_is_named_and_the_file_left_as_it_is),
		CLAIM(a_newer_schema_is_refused_also_where_only_the_wal_says_so),
	};

	return cmocka_run_group_tests(claims, NULL, NULL);
}
