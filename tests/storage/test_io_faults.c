/*
 * Every I/O of a log failing in turn: for each kind of operation, the first, the second, and so on until none fails any
 * more. After each, no acknowledged decision is lost, none that was not acknowledged is there twice, the log said what
 * was wrong, and it either works again or has stopped cleanly. Prints how many faults there were.
 */
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "tests/storage/fault_vfs.h"
#include "tests/storage/support.h"

enum { BASE = 12, WORKS = 18, ROUND = 6, ATTEMPTS_MAX = 3000 };
/* Six teams of this size make the writer checkpoint between batches. */
enum { LARGE = LF_MESSAGE_BYTES_MAX - 4096 };

static struct place place;
static uint8_t *base_bytes;
static size_t base_length;
static uint8_t *large; /* LARGE bytes, some of them the work's own; NULL: teams are small */
static long fault_total, open_refused, stopped, recovered, unavailable, full;

/* What one run of the workload came to. */
struct run {
	struct work works[WORKS];
	size_t started;
	atomic_int failed_calls, damaged_calls;
	char failed_because[512];
};
static struct run run;

static void note_failed(void *context, const struct lf_error *error)
{
	struct run *r = context;

	snprintf(r->failed_because, sizeof(r->failed_because), "%s", error->message);
	atomic_fetch_add(&r->failed_calls, 1);
}

static void note_damaged(void *context, const struct lf_error *error)
{
	struct run *r = context;

	assert_int_equal(error->code, LF_DATA_LOSS);
	assert_true(error->message[0] != '\0');
	atomic_fetch_add(&r->damaged_calls, 1);
}

static struct lf_log *try_open(struct lf_error *error)
{
	struct lf_log *log = NULL;
	const struct lf_log_options options = {.location = place.file,
		.reader_count = 1,
		.on_failed = note_failed,
		.on_failed_context = &run,
		.on_damaged = note_damaged,
		.on_damaged_context = &run};

	return lf_log_open(&log, &lf_sqlite_backend, &options, error) == LF_OK ? log : NULL;
}

static int set_up(void **state)
{
	struct lf_log *log;

	(void)state;
	place_make(&place);
	log = log_open(&lf_sqlite_backend, place.file);
	rubric_put(log);
	for (int key = 1; key <= BASE; key++) {
		struct work work;

		work_init(&work, key % 4, key % 3, key);
		assert_int_equal(work_run(log, &work), LF_OK);
	}
	lf_log_close(log);
	base_bytes = file_read(place.file, &base_length);
	fault_vfs_install();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fault_vfs_remove();
	place_remove(&place);
	free(base_bytes);
	return 0;
}

/* ---- the workload ---- */

static void start_over(void)
{
	char path[128];
	static const char *const suffixes[] = {"-wal", "-shm", ".lock", ".new", ".new-journal"};

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", place.file, suffixes[i]);
		unlink(path);
	}
	file_write(place.file, base_bytes, base_length);
	memset(&run, 0, sizeof(run));
}

/* Reads that may fail, and must say why then. */
static void read_something(struct lf_log *log)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_filter filter = filter_any();
	struct listed listed = {0};
	struct lf_stored *stored = NULL;
	uint64_t next;

	if (lf_log_list(log, &filter, listed_visit, &listed, &next, &error) != LF_OK)
		assert_true(error.message[0] != '\0');
	else if (lf_log_get(log, &listed.ids[0], &stored, &error) != LF_OK)
		assert_true(error.message[0] != '\0');
	free(stored);
	lf_error_clean_up(&error);
}

/* Decisions that no one asks for later, but that fill the WAL. */
static void write_much(struct lf_log *log)
{
	static int key = 10000;

	for (int i = 0; i < 2; i++, key++) {
		struct work work;

		work_init(&work, 1, 1, key);
		memcpy(large + 64, &key, sizeof(key));
		work.append.team = (struct lf_bytes){large, LARGE};
		work_run(log, &work);
	}
}

/* Rounds of appends that share commits, a rubric and an activation between them. */
static void work_on(struct lf_log *log)
{
	for (int round = 0; round < WORKS / ROUND; round++) {
		if (large != NULL)
			write_much(log);
		for (int i = 0; i < ROUND; i++) {
			const int at = round * ROUND + i;

			work_init(&run.works[at], at % 5, 10 + round, 100 + at);
			if (large != NULL && i == 0) { /* in use until its round ends */
				large[round] = (uint8_t)at;
				run.works[at].append.team = (struct lf_bytes){large, LARGE};
			}
			lf_log_append(log, &run.works[at].append);
			run.started++;
		}
		for (int i = 0; i < ROUND; i++)
			work_wait(&run.works[round * ROUND + i]);
		read_something(log);
		if (round == 1) {
			static const char other[] = "another version of the rubric";
			struct lf_digest digest;

			lf_sha256(other, strlen(other), &digest);
			lf_log_put_rubric(
				log, RUBRIC_NAME, "Other", "admin", bytes_of(other), &digest, false, NULL, NULL, NULL);
			lf_log_activate_rubric(log, RUBRIC_NAME, &digest, "admin", NULL, NULL);
		}
	}
}

/* After a single fault: the log works, or has stopped and said so. */
static void it_is_right_again_or_stopped(struct lf_log *log)
{
	struct work work;
	enum lf_code code = LF_UNAVAILABLE;

	for (int attempt = 0; attempt < 30 && code != LF_OK && atomic_load(&run.failed_calls) == 0; attempt++) {
		work_init(&work, 1, 1, 1000 + attempt);
		code = work_run(log, &work);
	}
	if (atomic_load(&run.failed_calls) > 0) {
		assert_int_equal(atomic_load(&run.failed_calls), 1);
		assert_true(run.failed_because[0] != '\0');
		work_init(&work, 1, 1, 2000);
		assert_int_equal(work_run(log, &work), LF_UNAVAILABLE);
		assert_false(lf_log_ready(log));
		stopped++;
	} else {
		/* A read that met it has ended readiness, and said so once: M1. */
		assert_int_equal(code, LF_OK);
		assert_true(atomic_load(&run.damaged_calls) <= 1);
		assert_int_equal(lf_log_ready(log), atomic_load(&run.damaged_calls) == 0);
		recovered++;
	}
}

/* ---- what must hold afterwards ---- */

static void count_row(void *context, const struct lf_stored *row)
{
	(void)row;
	++*(size_t *)context;
}

/* With no fault any more: each acknowledged decision is there, and each other one can be made now, exactly once. */
static void nothing_is_lost_and_nothing_is_there_twice(void)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_log *log = try_open(&error);
	struct lf_uuid id;

	if (log == NULL)
		fail_msg("the log does not open again: %s", error.message);
	for (int key = 1; key <= BASE; key++) {
		struct work work;

		work_init(&work, key % 4, key % 3, key);
		assert_int_equal(lf_log_find_key(log, "hr", work.key, &work.append.request_digest, &id, NULL), LF_OK);
	}
	for (size_t i = 0; i < run.started; i++) {
		struct work *work = &run.works[i];
		struct work again;

		assert_int_equal(atomic_load(&work->completions), 1);
		if (work->code == LF_OK) {
			assert_int_equal(
				lf_log_find_key(log, "hr", work->key, &work->append.request_digest, &id, NULL), LF_OK);
			assert_memory_equal(&id, &work->append.id, sizeof(id));
			continue;
		}
		assert_true(work->code == LF_UNAVAILABLE || work->code == LF_RESOURCE_EXHAUSTED);
		assert_true(work->message[0] != '\0');
		unavailable += work->code == LF_UNAVAILABLE;
		full += work->code == LF_RESOURCE_EXHAUSTED;
		work_init(&again, (int)i % 5, 10 + (int)i / ROUND, 100 + (int)i);
		assert_int_equal(work_run(log, &again), LF_OK);
	}
	/* Each key once: as many decisions as keys, but for those made to see whether it is right again. */
	for (int round = 0; round < WORKS / ROUND && run.started > 0; round++) {
		struct lf_filter filter = filter_any();
		char project[64];
		size_t rows = 0;
		uint64_t next;

		snprintf(project, sizeof(project), "project-%d", 10 + round);
		filter.project_id = project;
		do {
			assert_int_equal(lf_log_list(log, &filter, count_row, &rows, &next, &error), LF_OK);
			filter.before_sequence = next;
		} while (next != 0);
		assert_int_equal(rows, ROUND);
	}
	lf_log_close(log);
}

static void the_file_is_whole(void)
{
	sqlite3 *db;
	sqlite3_stmt *statement;

	assert_int_equal(sqlite3_open(place.file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	assert_string_equal((const char *)sqlite3_column_text(statement, 0), "ok");
	sqlite3_finalize(statement);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* One run with the nth operation failing. Whether it came to that. */
static bool survive(enum fault_kind kind, long nth, long times)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_log *log;
	long hits;

	start_over();
	fault_vfs_arm(kind, nth, times);
	log = try_open(&error);
	if (log != NULL) {
		work_on(log);
		if (times == 1)
			it_is_right_again_or_stopped(log);
		lf_log_close(log);
	} else {
		assert_true(error.code != LF_OK && error.message[0] != '\0');
		open_refused++;
	}
	hits = fault_vfs_hits();
	fault_vfs_arm(kind, 0, 0);
	fault_total += hits;
	nothing_is_lost_and_nothing_is_there_twice();
	the_file_is_whole();
	lf_error_clean_up(&error);
	return hits > 0;
}

static void every_operation_fails_in_turn(enum fault_kind kind)
{
	long nth = 1;

	while (nth < ATTEMPTS_MAX && survive(kind, nth, 1))
		nth++;
	assert_true(nth < ATTEMPTS_MAX);
	assert_true(nth > 1); /* the workload has such operations */
	print_message("%s: %ld operations, each failed once\n", fault_name(kind), nth - 1);
}

static void a_failed_open_loses_nothing(void **state)
{
	(void)state;
	every_operation_fails_in_turn(FAULT_OPEN);
}

static void a_failed_read_loses_nothing(void **state)
{
	(void)state;
	every_operation_fails_in_turn(FAULT_READ);
}

static void a_failed_write_loses_nothing(void **state)
{
	(void)state;
	every_operation_fails_in_turn(FAULT_WRITE);
}

static void a_full_disk_loses_nothing(void **state)
{
	(void)state;
	every_operation_fails_in_turn(FAULT_FULL);
}

static void a_failed_sync_loses_nothing(void **state)
{
	(void)state;
	every_operation_fails_in_turn(FAULT_SYNC);
}

static void a_failed_lock_loses_nothing(void **state)
{
	(void)state;
	every_operation_fails_in_turn(FAULT_LOCK);
}

static void a_lock_that_somebody_else_has_loses_nothing(void **state)
{
	(void)state;
	every_operation_fails_in_turn(FAULT_BUSY);
}

static void a_failed_map_of_shared_memory_loses_nothing(void **state)
{
	(void)state;
	every_operation_fails_in_turn(FAULT_SHM);
}

/* A disk that stays broken, or full, from some operation on. */
static void faults_that_stay_lose_nothing(void **state)
{
	static const enum fault_kind kinds[] = {FAULT_WRITE, FAULT_FULL, FAULT_SYNC};

	(void)state;
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		long nth = 1;

		while (survive(kinds[k], nth, 1000000))
			nth += 7;
		assert_true(nth > 1);
	}
}

/* Too many operations for each of them: the nth for ever larger n, over checkpoints and the start of a new WAL. */
static void faults_around_checkpoints_lose_nothing(void **state)
{
	static const enum fault_kind kinds[] = {FAULT_WRITE, FAULT_FULL, FAULT_SYNC, FAULT_READ};

	(void)state;
	large = calloc(1, LARGE);
	assert_non_null(large);
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		long nth = 1;

		while (survive(kinds[k], nth, 1))
			nth += 1 + nth / 3;
		assert_true(nth > 4);
		print_message("%s: up to operation %ld\n", fault_name(kinds[k]), nth);
	}
	free(large);
	large = NULL;
}

static void the_counts_are_told(void **state)
{
	(void)state;
	print_message("%ld faults: opening refused %ld, stopped cleanly %ld, right again %ld; appends answered "
		      "UNAVAILABLE %ld, "
		      "RESOURCE_EXHAUSTED %ld; acknowledged decisions lost 0\n",
		fault_total, open_refused, stopped, recovered, unavailable, full);
	assert_true(open_refused > 0 && stopped > 0 && recovered > 0 && unavailable > 0 && full > 0);
}

#define CLAIM(name) cmocka_unit_test(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(a_failed_open_loses_nothing),
		CLAIM(a_failed_read_loses_nothing),
		CLAIM(a_failed_write_loses_nothing),
		CLAIM(a_full_disk_loses_nothing),
		CLAIM(a_failed_sync_loses_nothing),
		CLAIM(a_failed_lock_loses_nothing),
		CLAIM(a_lock_that_somebody_else_has_loses_nothing),
		CLAIM(a_failed_map_of_shared_memory_loses_nothing),
		CLAIM(faults_that_stay_lose_nothing),
		CLAIM(faults_around_checkpoints_lose_nothing),
		CLAIM(the_counts_are_told),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
