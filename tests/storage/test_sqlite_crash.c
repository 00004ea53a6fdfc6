/* The SQLite backend when things go wrong: the process killed, the disk full, memory short, the WAL torn. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "tests/storage/support.h"
#include "tests/storage/whole.h"

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

static void integrity_is_clean(void)
{
	sqlite3 *db;
	sqlite3_stmt *statement;

	assert_int_equal(sqlite3_open(place.file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	assert_string_equal((const char *)sqlite3_column_text(statement, 0), "ok");
	sqlite3_finalize(statement);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*), max(sequence), count(DISTINCT id) FROM decision", -1,
				 &statement, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int64(statement, 0), sqlite3_column_int64(statement, 1));
	assert_int_equal(sqlite3_column_int64(statement, 0), sqlite3_column_int64(statement, 2));
	sqlite3_finalize(statement);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* ---- killed ---- */

struct acknowledged {
	int key;
	struct lf_uuid id;
};

struct told {
	struct work work;
	int pipe;
	void (*count)(struct lf_append *append, const struct lf_error *error);
};

/* On the writer thread: what the parent reads was acknowledged. */
static void tell(struct lf_append *append, const struct lf_error *error)
{
	struct told *told = append->context;
	struct acknowledged record;

	memset(&record, 0, sizeof(record));
	record.key = atoi(told->work.key + 4);
	record.id = append->id;
	if (error->code == LF_OK && write(told->pipe, &record, sizeof(record)) != sizeof(record))
		_exit(3);
	append->context = &told->work;
	told->count(append, error);
}

/* Appends for ever, 64 in flight; every key twice in a while. */
static void write_until_killed(int pipe_end)
{
	struct told *works = calloc(64, sizeof(*works));
	struct lf_log *log = log_open(&lf_sqlite_backend, place.file);

	rubric_put(log);
	for (int i = 0;; i++) {
		struct told *told = &works[i % 64];
		int key;

		if (i >= 64)
			work_wait(&told->work);
		key = 1 + i - i % 10 / 5 * 5;
		work_init(&told->work, key % 20, key % 10, key);
		told->pipe = pipe_end;
		told->count = told->work.append.done;
		told->work.append.done = tell;
		told->work.append.context = told;
		lf_log_append(log, &told->work.append);
	}
}

/* Runs the writer until it has acknowledged some, kills it, and adds what it acknowledged. */
static size_t run_and_kill(struct acknowledged *records, size_t count, size_t max, long at_least)
{
	int ends[2];
	size_t start = count;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		close(ends[0]);
		write_until_killed(ends[1]);
		_exit(1);
	}
	close(ends[1]);
	while (count < max && read(ends[0], &records[count], sizeof(*records)) == sizeof(*records))
		if (++count - start == (size_t)at_least)
			kill(child, SIGKILL);
	close(ends[0]);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_true(count - start >= (size_t)at_least);
	return count;
}

static void every_acknowledged_decision_survives_sigkill_and_none_is_there_twice(void **state)
{
	enum { ROUNDS = 6, MAX = 60000 };
	struct acknowledged *records = calloc(MAX, sizeof(*records));
	size_t count = 0;

	(void)state;
	assert_non_null(records);
	for (int round = 0; round < ROUNDS; round++) {
		struct lf_log *log;
		struct whole whole;

		count = run_and_kill(records, count, MAX, 1 + round * 97);
		log = log_open(&lf_sqlite_backend, place.file); /* the kernel has dropped the lock: F1 */
		log_is_whole(log, &whole);
		for (size_t i = 0; i < count; i++) {
			struct work work;
			struct lf_uuid id;

			work_init(&work, records[i].key % 20, records[i].key % 10, records[i].key);
			assert_int_equal(
				lf_log_find_key(log, "hr", work.key, &work.append.request_digest, &id, NULL), LF_OK);
			assert_memory_equal(&id, &records[i].id, sizeof(id));
		}
		lf_log_close(log);
		integrity_is_clean();
	}
	free(records);
}

static void a_torn_end_of_the_wal_loses_the_last_commits_and_nothing_else(void **state)
{
	enum { MAX = 20000 };
	struct acknowledged *records = calloc(MAX, sizeof(*records));
	struct stat status;
	char wal[128];

	(void)state;
	snprintf(wal, sizeof(wal), "%s-wal", place.file);
	run_and_kill(records, 0, MAX, 500);
	assert_int_equal(stat(wal, &status), 0);
	for (off_t cut = 1; cut < status.st_size / 2; cut = cut * 7 + 1000) {
		struct lf_log *log;

		assert_int_equal(truncate(wal, status.st_size - cut), 0);
		log = log_open(&lf_sqlite_backend, place.file);
		lf_log_close(log);
		integrity_is_clean();
		if (stat(wal, &status) != 0)
			break; /* closing has put it into the file */
	}
	free(records);
}

static void a_damaged_file_with_a_wal_is_refused_untouched(void **state)
{
	enum { MAX = 20000 };
	struct acknowledged *records = calloc(MAX, sizeof(*records));
	char wal[128], shm[128];
	size_t length, wal_length, after_length;
	uint8_t rubbish[4000];
	uint8_t *data, *wal_data, *after;
	struct lf_log *log;
	struct lf_log_options options;

	(void)state;
	run_and_kill(records, 0, MAX, 50);
	free(records);
	snprintf(wal, sizeof(wal), "%s-wal", place.file);
	snprintf(shm, sizeof(shm), "%s-shm", place.file);
	unlink(shm);
	memset(rubbish, 0xdd, sizeof(rubbish));
	data = file_read(place.file, &length);
	wal_data = file_read(wal, &wal_length);
	assert_non_null(wal_data);
	memcpy(wal_data + 32 + 24 + 100, rubbish,
		sizeof(rubbish)); /* the checksum no longer fits: the WAL is ignored from here */
	file_write(wal, wal_data, wal_length);
	memcpy(data + 2 * 8192, rubbish, sizeof(rubbish));
	memcpy(data + 3 * 8192, rubbish, sizeof(rubbish));
	file_write(place.file, data, length);
	log = NULL;
	options = (struct lf_log_options){.location = place.file};
	assert_int_equal(lf_log_open(&log, &lf_sqlite_backend, &options, NULL), LF_FAILED_PRECONDITION);
	after = file_read(place.file, &after_length);
	assert_int_equal(after_length, length);
	assert_memory_equal(after, data, length);
	free(after);
	after = file_read(wal, &after_length);
	assert_int_equal(after_length, wal_length);
	assert_memory_equal(after, wal_data, wal_length);
	assert_int_equal(access(shm, F_OK), -1);
	free(after);
	free(data);
	free(wal_data);
}

/* ---- disk full ---- */

/* As much of it as there is room for: how much the log has taken already depends on when it was checkpointed. */
static void write_ballast(const char *path, size_t bytes)
{
	uint8_t *data = calloc(1, bytes);
	FILE *file = fopen(path, "wb");

	assert_non_null(data);
	assert_non_null(file);
	setvbuf(file, NULL, _IONBF, 0);
	(void)!fwrite(data, 1, bytes, file);
	assert_int_equal(fclose(file), 0);
	free(data);
}

static void a_full_disk_is_told_and_writing_goes_on_when_there_is_space_again(void **state)
{
	enum { MAX = 5000, ANSWER = 20000 };
	char ballast[128];
	uint8_t *answer;
	struct lf_uuid *ids;
	size_t stored;
	int key;
	struct lf_log *log;

	(void)state;
	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
		mount("lf", place.folder, "tmpfs", 0, "size=4m") != 0) {
		print_message("skipped: no small file system can be mounted here: %s\n", strerror(errno));
		skip();
	}
	answer = calloc(1, ANSWER);
	ids = calloc(MAX, sizeof(*ids));
	stored = 0;
	key = 0;
	snprintf(ballast, sizeof(ballast), "%s/ballast", place.folder);
	log = log_open(&lf_sqlite_backend, place.file);
	rubric_put(log);
	for (int round = 0; round < 3; round++) {
		struct work work;
		enum lf_code code;

		write_ballast(ballast, 600 * 1024);
		do {
			work_init(&work, key % 20, key % 10, key + 1);
			work.append.answer = (struct lf_bytes){answer, ANSWER};
			code = work_run(log, &work);
			if (code == LF_OK) {
				ids[stored++] = work.append.id;
				key++;
			}
		} while (code == LF_OK && stored < MAX);
		assert_int_equal(code, LF_RESOURCE_EXHAUSTED);
		assert_non_null(strstr(work.message, "no space"));
		assert_int_equal(unlink(ballast), 0);
		while (!lf_log_ready(log)) /* without a restart, without traffic */
			usleep(10000);
		work_init(&work, key % 20, key % 10, key + 1);
		work.append.answer = (struct lf_bytes){answer, ANSWER};
		assert_int_equal(work_run(log, &work), LF_OK);
		ids[stored++] = work.append.id;
		key++;
		if (round == 1) {
			write_ballast(ballast, 200 * 1024);
			lf_log_close(log); /* may be too full to checkpoint: the WAL stays */
			assert_int_equal(unlink(ballast), 0);
			log = log_open(&lf_sqlite_backend, place.file);
		}
		for (size_t i = 0; i < stored; i++) {
			struct lf_stored *row = NULL;

			assert_int_equal(lf_log_get(log, &ids[i], &row, NULL), LF_OK);
			free(row);
		}
		if (round < 2) /* make room for the next round: the log itself keeps all that it has */
			assert_int_equal(
				mount("lf", place.folder, "tmpfs", MS_REMOUNT, round == 0 ? "size=8m" : "size=12m"), 0);
	}
	lf_log_close(log);
	integrity_is_clean();
	free(ids);
	free(answer);
	assert_int_equal(umount2(place.folder, MNT_DETACH), 0);
}

/* ---- the WAL ---- */

static void the_wal_stays_small_while_much_is_written(void **state)
{
	enum { APPENDS = 2500, ANSWER = 30000 }; /* 75 MB */
	struct work *works = calloc(APPENDS, sizeof(*works));
	uint8_t *answer = calloc(1, ANSWER);
	struct stat status;
	char wal[128];
	struct lf_log *log = log_open(&lf_sqlite_backend, place.file);

	(void)state;
	rubric_put(log);
	for (int i = 0; i < APPENDS; i++) {
		work_init(&works[i], i % 20, i % 10, 0);
		works[i].append.answer = (struct lf_bytes){answer, ANSWER};
		lf_log_append(log, &works[i].append);
		if (i % 200 == 199)
			work_wait(&works[i]);
	}
	work_wait(&works[APPENDS - 1]);
	snprintf(wal, sizeof(wal), "%s-wal", place.file);
	assert_int_equal(stat(wal, &status), 0);
	assert_true(status.st_size < 40 * 1024 * 1024);
	lf_log_close(log);
	free(answer);
	free(works);
}

/* ---- memory ---- */

static sqlite3_mem_methods real;
static atomic_long until_fault = -1; /* -1: none */
static atomic_long faults;

static bool fault_now(void)
{
	if (atomic_load(&until_fault) < 0 || atomic_fetch_sub(&until_fault, 1) != 0)
		return false;
	atomic_fetch_add(&faults, 1);
	return true;
}

static void *faulty_malloc(int size)
{
	return fault_now() ? NULL : real.xMalloc(size);
}

static void *faulty_realloc(void *block, int size)
{
	return fault_now() ? NULL : real.xRealloc(block, size);
}

static int use_faulty_memory(void)
{
	sqlite3_mem_methods methods;

	if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real) != SQLITE_OK)
		return 1;
	methods = real;
	methods.xMalloc = faulty_malloc;
	methods.xRealloc = faulty_realloc;
	return sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
}

/* The nth allocation from here fails. */
static void fail_allocation(long nth)
{
	atomic_store(&faults, 0);
	atomic_store(&until_fault, nth);
}

static bool allocation_failed(void)
{
	atomic_store(&until_fault, -1);
	return atomic_load(&faults) > 0;
}

static void every_allocation_that_fails_while_appending_is_unavailable_and_then_all_is_well(void **state)
{
	struct lf_log *log = log_open(&lf_sqlite_backend, place.file);
	bool happened = true;

	(void)state;
	rubric_put(log);
	for (long nth = 0; happened; nth++) {
		struct work work, next;
		uint8_t large[20000] = {0};
		enum lf_code code;

		work_init(&work, 1000 + (int)nth, 1000 + (int)nth, 1 + (int)nth);
		work.append.answer = (struct lf_bytes){large, sizeof(large)};
		fail_allocation(nth);
		code = work_run(log, &work);
		happened = allocation_failed();
		assert_true(code == LF_OK ||
			(happened && code == LF_UNAVAILABLE)); /* some failures SQLite can do without */
		work_init(&next, 1000 + (int)nth, 1000 + (int)nth, 1 + (int)nth);
		next.append.request_digest = work.append.request_digest;
		assert_int_equal(work_run(log, &next), LF_OK);
		assert_int_equal(next.append.existing, code == LF_OK);
		assert_int_equal(next.append.sequence, nth + 1);
		assert_true(nth < 10000);
	}
	lf_log_close(log);
	integrity_is_clean();
}

static void every_allocation_that_fails_while_reading_gives_a_status(void **state)
{
	uint8_t large[20000] = {1};
	struct listed *listed = calloc(1, sizeof(*listed));
	struct lf_filter filter = filter_any();
	struct lf_log *log = log_open(&lf_sqlite_backend, place.file);
	struct work work;
	uint64_t next;
	bool happened = true;

	(void)state;
	rubric_put(log);
	for (int i = 0; i < 20; i++) {
		work_init(&work, i, i, 1 + i);
		work.append.answer = (struct lf_bytes){large, sizeof(large)};
		assert_int_equal(work_run(log, &work), LF_OK);
	}
	filter.candidate = "c-all";
	for (long nth = 0; happened; nth++) {
		struct lf_stored *stored = NULL;
		enum lf_code got, code;

		fail_allocation(nth);
		got = lf_log_get(log, &work.append.id, &stored, NULL);
		happened = allocation_failed();
		assert_true(got == LF_OK || (happened && got == LF_UNAVAILABLE));
		free(stored);
		listed->count = 0;
		fail_allocation(nth);
		filter.before_sequence = 0;
		code = lf_log_list(log, &filter, listed_visit, listed, &next, NULL);
		happened |= allocation_failed();
		/* A call may end early, at a loaded machine's pace; then the next one goes on. */
		while (code == LF_OK && next != 0) {
			filter.before_sequence = next;
			code = lf_log_list(log, &filter, listed_visit, listed, &next, NULL);
		}
		assert_true(code == LF_OK ? listed->count == 20 : code == LF_UNAVAILABLE);
	}
	lf_log_close(log);
	free(listed);
}

static void check_nothing_missing(void *context, const struct lf_audit_row *row)
{
	size_t *count = context;

	assert_null(row->missing);
	++*count;
}

static void count_act(void *context, const struct lf_act_row *row)
{
	size_t *count = context;

	assert_int_equal(row->id, ++*count);
}

static void every_allocation_that_fails_while_auditing_or_acting_gives_a_status(void **state)
{
	uint8_t large[20000] = {1};
	struct lf_log *log = log_open(&lf_sqlite_backend, place.file);
	struct whole whole;
	struct work work;
	size_t acts = 0;
	bool happened = true;

	(void)state;
	rubric_put(log);
	for (int i = 0; i < 20; i++) {
		work_init(&work, i, i, 1 + i);
		work.append.answer = (struct lf_bytes){large, sizeof(large)};
		assert_int_equal(work_run(log, &work), LF_OK);
	}
	for (long nth = 0; happened; nth++) {
		struct lf_act_put act = {.kind = LF_LEAF_OUTCOME,
			.caller = "a caller who is new",
			.decision = &work.append.id,
			.body = {large, sizeof(large)}};
		struct lf_payload_row *row = NULL;
		struct lf_tree_head head;
		uint64_t next = 0, position;
		size_t count = 0;
		enum lf_code code;

		fail_allocation(nth);
		code = lf_log_put_act(log, &act, NULL);
		happened = allocation_failed();
		assert_true(code == LF_OK || (happened && code == LF_UNAVAILABLE));
		acts += code == LF_OK;
		fail_allocation(nth);
		code = lf_log_audit(log, 0, 1000, check_nothing_missing, &count, &next, NULL);
		happened |= allocation_failed();
		assert_true(code == LF_OK ? count > 0 : code == LF_UNAVAILABLE);
		count = 0;
		fail_allocation(nth);
		code = lf_log_list_acts(log, 0, NULL, 0, 10000, count_act, &count, &next, NULL);
		happened |= allocation_failed();
		assert_true(code == LF_OK ? count <= acts : code == LF_UNAVAILABLE);
		fail_allocation(nth);
		code = lf_log_get_payload(log, 3, &row, NULL);
		happened |= allocation_failed();
		assert_true(code == LF_OK || code == LF_UNAVAILABLE);
		free(row);
		fail_allocation(nth);
		code = lf_log_find_leaf(log, &work.append.id, &position, NULL);
		happened |= allocation_failed();
		assert_true(code == LF_OK ? position == 21 : code == LF_UNAVAILABLE);
		fail_allocation(nth);
		code = lf_log_head(log, &head, NULL);
		happened |= allocation_failed();
		assert_true(code == LF_OK ? head.size == 22 + acts : code == LF_UNAVAILABLE);
	}
	log_is_whole(log, &whole);
	assert_int_equal(whole.kinds[LF_LEAF_OUTCOME], acts);
	lf_log_close(log);
}

/* A log of this file, which has so many leaves once it is migrated. */
static void allocations_fail_while_migrating(const char *file, uint64_t size)
{
	const struct lf_log_options options = {.location = place.file, .reader_count = 2};
	struct lf_log *log = NULL;
	struct whole whole;
	size_t length;
	bool happened = true;
	uint8_t *old = file_read(file, &length);

	for (long nth = 0; happened; nth += 1 + nth / 48) {
		struct lf_error error = LF_ERROR_INIT;
		enum lf_code code;

		file_write(place.file, old, length);
		log = NULL;
		fail_allocation(nth);
		code = lf_log_open(&log, &lf_sqlite_backend, &options, &error);
		happened = allocation_failed();
		if (code != LF_OK && (!happened || code != LF_UNAVAILABLE))
			fail_msg("allocation %ld: %d %s", nth, (int)code, error.message);
		lf_error_clean_up(&error);
		if (code != LF_OK)
			log = log_open(&lf_sqlite_backend, place.file);
		log_is_whole(log, &whole);
		assert_int_equal(whole.size, size);
		lf_log_close(log);
	}
	free(old);
}

static void every_allocation_that_fails_while_migrating_leaves_the_old_log_or_the_new_one(void **state)
{
	static const struct {
		const char *file;
		uint64_t size;
	} olds[] = {
		{LF_SOURCE_DIR "/tests/storage/old/schema-1.db", 38 + 3 + 4 + 1},
		{LF_SOURCE_DIR "/tests/storage/old/schema-2.db", 11},
	};

	(void)state;
	for (size_t i = 0; i < 2; i++)
		allocations_fail_while_migrating(olds[i].file, olds[i].size);
}

static void every_allocation_that_fails_while_opening_gives_a_status_and_leaves_the_log_as_it_was(void **state)
{
	struct lf_log *log = log_open(&lf_sqlite_backend, place.file);
	const struct lf_log_options options = {.location = place.file, .reader_count = 1};
	bool happened = true;
	struct work work;

	(void)state;
	rubric_put(log);
	work_init(&work, 1, 1, 1);
	assert_int_equal(work_run(log, &work), LF_OK);
	lf_log_close(log);
	/* Opening makes thousands of allocations that are much alike: every one at first, then ever fewer. */
	for (long nth = 0; happened; nth += 1 + nth / 64) {
		struct lf_error error = LF_ERROR_INIT;
		enum lf_code code;

		log = NULL;
		fail_allocation(nth);
		code = lf_log_open(&log, &lf_sqlite_backend, &options, &error);
		happened = allocation_failed();
		if (code != LF_OK && (!happened || code != LF_UNAVAILABLE))
			fail_msg("allocation %ld: %s", nth, error.message);
		lf_log_close(log);
		lf_error_clean_up(&error);
	}
	integrity_is_clean();
}

#define CLAIM(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest claims[] = {
		CLAIM(every_acknowledged_decision_survives_sigkill_and_none_is_there_twice),
		CLAIM(a_torn_end_of_the_wal_loses_the_last_commits_and_nothing_else),
		CLAIM(a_damaged_file_with_a_wal_is_refused_untouched),
		CLAIM(the_wal_stays_small_while_much_is_written),
		CLAIM(every_allocation_that_fails_while_appending_is_unavailable_and_then_all_is_well),
		CLAIM(every_allocation_that_fails_while_reading_gives_a_status),
		CLAIM(every_allocation_that_fails_while_auditing_or_acting_gives_a_status),
		CLAIM(every_allocation_that_fails_while_migrating_leaves_the_old_log_or_the_new_one),
		CLAIM(every_allocation_that_fails_while_opening_gives_a_status_and_leaves_the_log_as_it_was),
		CLAIM(a_full_disk_is_told_and_writing_goes_on_when_there_is_space_again),
	};

	if (use_faulty_memory() != SQLITE_OK)
		return 1;
	return cmocka_run_group_tests(claims, NULL, NULL);
}
