/*
 * What is left in the files of a SQLite log when something was redacted and the file vacuumed: nothing. And a vacuum
 * that fails loses nothing.
 */
#include <unistd.h>

#include <sqlite3.h>

#include "proto/base/forget.h"
#include "storage/log/private.h"
#include "tests/storage/fault_vfs.h"
#include "tests/storage/support.h"
#include "tests/storage/whole.h"

enum { WORKS = 120 };

static struct place place;
static struct lf_log *log_under_test;

/* Words that stand for a person: as a candidate, in a team, a project, an answer, a key and an act. */
static const char *const SECRETS[] = {
	"c-7771", "bytes of team 7771", "bytes of project 7771", "answer for team 7771", "key-7771", "is on leave"};
enum { SECRETS_COUNT = sizeof(SECRETS) / sizeof(SECRETS[0]) };

static int set_up(void **state)
{
	(void)state;
	place_make(&place);
	log_under_test = log_open(&lf_sqlite_backend, place.file);
	rubric_put(log_under_test);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	lf_log_close(log_under_test);
	place_remove(&place);
	return 0;
}

/* Decisions of the person and of others, in turn. */
static void fill(void)
{
	for (int i = 0; i < WORKS; i++) {
		const bool theirs = i % 3 == 0;
		struct work work;
		struct lf_act_put act;

		work_init(&work, theirs ? 7771 : i % 5, theirs ? 7771 : i % 4, theirs && i > 0 ? 0 : 7771 + i);
		assert_int_equal(work_run(log_under_test, &work), LF_OK);
		act = (struct lf_act_put){.kind = LF_LEAF_OUTCOME,
			.caller = "boss",
			.decision = &work.append.id,
			.body = bytes_of(theirs ? "c-7771 is on leave" : "fine")};
		assert_int_equal(lf_log_put_act(log_under_test, &act, NULL), LF_OK);
	}
}

struct acts {
	size_t count;
	struct lf_redact_item items[WORKS];
};

static void see_act(void *context, const struct lf_act_row *row)
{
	struct acts *acts = context;

	if (row->body.length > 4)
		acts->items[acts->count++] = (struct lf_redact_item){.what = LF_REDACT_ACT, .id = row->id};
}

static void redact(const struct lf_redact_item *items, size_t count)
{
	struct lf_redact redaction = {.kind = LF_LEAF_ERASURE,
		.caller = "admin",
		.body = bytes_of("because"),
		.items = items,
		.item_count = count};
	struct lf_error error = LF_ERROR_INIT;

	if (lf_log_redact(log_under_test, &redaction, &error) != LF_OK)
		fail_msg("%s", error.message);
}

static void erase_them(void)
{
	struct lf_redact_item payloads[] = {{.what = LF_REDACT_PAYLOAD}, {.what = LF_REDACT_PAYLOAD}};
	static const char *const candidates[] = {"c-all", "erased"};
	struct lf_filter filter = filter_any();
	struct listed *listed = calloc(1, sizeof(*listed));
	struct acts *acts = calloc(1, sizeof(*acts));
	struct lf_stored *stored = NULL;
	uint64_t next = 0;

	filter.candidate = "c-7771";
	list_all(log_under_test, filter, listed);
	assert_int_equal(listed->count, WORKS / 3);
	assert_int_equal(lf_log_get(log_under_test, &listed->ids[0], &stored, NULL), LF_OK);
	for (size_t i = 0; i < listed->count; i++) {
		const struct lf_redact_item item = {.what = LF_REDACT_DECISION,
			.id = listed->sequences[i],
			.bytes = bytes_of("frozen"),
			.candidates = candidates,
			.candidate_count = 2,
			.recommended = "erased"};

		redact(&item, 1);
	}
	payloads[0].id = stored->team_payload;
	payloads[1].id = stored->project_payload;
	redact(payloads, 2);
	assert_int_equal(
		lf_log_list_acts(log_under_test, LF_LEAF_OUTCOME, NULL, 0, 1000, see_act, acts, &next, NULL), LF_OK);
	assert_int_equal(acts->count, WORKS / 3);
	redact(acts->items, acts->count);
	free(stored);
	free(listed);
	free(acts);
}

/* Whether any of the log's files has the bytes. */
static bool in_files(const char *text)
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};
	bool found = false;

	for (size_t i = 0; i < 3 && !found; i++) {
		char path[128];
		size_t length;
		uint8_t *data;

		snprintf(path, sizeof(path), "%s%s", place.file, suffixes[i]);
		data = file_read(path, &length);
		found = data != NULL && memmem(data, length, text, strlen(text)) != NULL;
		free(data);
	}
	return found;
}

static enum lf_code vacuum(struct lf_chore *chore)
{
	*chore = (struct lf_chore){.what = LF_CHORE_VACUUM};
	return lf_log_do(log_under_test, chore, NULL);
}

static long long count_of(const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *statement = NULL;
	long long count;

	assert_int_equal(sqlite3_open_v2(place.file, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	count = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return count;
}

static void what_was_replaced_is_in_no_file_after_a_vacuum(void **state)
{
	struct lf_chore chore;
	struct whole whole;

	(void)state;
	fill();
	for (int i = 0; i < SECRETS_COUNT; i++)
		if (!in_files(SECRETS[i]))
			fail_msg("\"%s\" was nowhere before", SECRETS[i]);
	erase_them();
	assert_int_equal(vacuum(&chore), LF_OK);
	assert_true(chore.bytes_before > chore.bytes && chore.bytes > 0);
	for (int i = 0; i < SECRETS_COUNT; i++)
		if (in_files(SECRETS[i]))
			fail_msg("\"%s\" is still in a file", SECRETS[i]);
	assert_true(in_files("c-all") && in_files("bytes of team 4"));
	log_is_whole(log_under_test, &whole);
	assert_null(sqlite3_temp_directory);
}

/* Whether the writer has the bytes in the buffer of records. It is at rest, and what it did is known here. */
static bool in_buffer(const char *text)
{
	return log_under_test->scratch != NULL &&
		memmem(log_under_test->scratch, log_under_test->scratch_size, text, strlen(text)) != NULL;
}

static void what_was_replaced_is_not_left_with_the_writer(void **state)
{
	const struct lf_redact_item item = {
		.what = LF_REDACT_DECISION, .id = 1, .bytes = bytes_of("frozen"), .recommended = ""};
	struct lf_digest unknown = {{0}};
	struct work work;

	(void)state;
	for (int i = 0; i < 2; i++) {
		work_init(&work, 7771, 7771, 0);
		assert_int_equal(work_run(log_under_test, &work), LF_OK);
		assert_true(in_buffer("answer for team 7771"));
		if (i == 0) {
			redact(&item, 1);
		} else { /* another process did it; the writer hears of it, and makes no record */
			lf_forget();
			assert_int_equal(
				lf_log_activate_rubric(log_under_test, "", &unknown, "x", NULL, NULL), LF_NOT_FOUND);
		}
		for (int j = 0; j < SECRETS_COUNT; j++)
			assert_false(in_buffer(SECRETS[j]));
	}
}

static void names_and_lists_that_nothing_refers_to_are_gone(void **state)
{
	(void)state;
	fill();
	erase_them();
	assert_int_equal(count_of("SELECT count(*) FROM name WHERE value = 'c-7771'"), 0);
	assert_int_equal(count_of("SELECT count(*) FROM name WHERE kind = 6"),
		5 + 1); /* lists: of five other teams, and the new one */
	assert_int_equal(count_of("SELECT count(*) FROM member WHERE candidates NOT IN (SELECT id FROM name)"
				  " OR candidate NOT IN (SELECT id FROM name)"),
		0);
	assert_int_equal(count_of("SELECT count(*) FROM chain WHERE entity NOT IN (SELECT id FROM name)"), 0);
	assert_int_equal(count_of("SELECT count(*) FROM skip s WHERE NOT EXISTS(SELECT 1 FROM decision d WHERE "
				  "d.sequence = s.sequence"
				  " AND s.entity IN (d.team, d.project, d.candidates))"),
		0);
	assert_int_equal(
		count_of("SELECT count(*) FROM chain c JOIN name n ON n.id = c.entity WHERE n.kind = 6 AND c.count <>"
			 " (SELECT count(*) FROM decision d WHERE d.candidates = c.entity)"),
		0);
	assert_int_equal(count_of("SELECT count(*) FROM request_key k JOIN decision d ON d.sequence = k.sequence WHERE "
				  "d.request_digest IS NULL"),
		0);
}

/* The disk is full at the first write, the second, and so on until a vacuum meets none. */
static void a_vacuum_that_finds_the_disk_full_loses_nothing(void **state)
{
	struct lf_chore chore;
	struct whole before, after;
	struct work work;
	long failures = 0;

	(void)state;
	lf_log_close(log_under_test);
	fault_vfs_install();
	log_under_test = log_open(&lf_sqlite_backend, place.file);
	fill();
	erase_them();
	log_is_whole(log_under_test, &before);
	for (long nth = 1;; nth += nth < 20 ? 1 : 7) {
		enum lf_code code;

		fault_vfs_arm(FAULT_FULL, nth, 1000000);
		code = vacuum(&chore);
		fault_vfs_arm(FAULT_FULL, 0, 0);
		log_is_whole(log_under_test, &after);
		assert_memory_equal(&before, &after, sizeof(before));
		if (code == LF_OK)
			break;
		assert_int_equal(code, LF_RESOURCE_EXHAUSTED);
		failures++;
		if (failures % 5 == 1) { /* the log goes on */
			work_init(&work, 3, 3, 0);
			assert_int_equal(work_run(log_under_test, &work), LF_OK);
			log_is_whole(log_under_test, &before);
		}
	}
	print_message("%ld vacuums met a full disk\n", failures);
	assert_true(failures > 3);
	for (int i = 0; i < SECRETS_COUNT; i++)
		assert_false(in_files(SECRETS[i]));
	lf_log_close(log_under_test);
	fault_vfs_remove();
	log_under_test = log_open(&lf_sqlite_backend, place.file);
}

/* ---- beside others ---- */

static atomic_bool stop;
static atomic_int appended;

static void *append_on_and_on(void *argument)
{
	(void)argument;
	while (!atomic_load(&stop)) {
		struct lf_stored *stored = NULL;
		struct work work;

		work_init(&work, 1, 1, 0);
		assert_int_equal(work_run(log_under_test, &work), LF_OK);
		assert_int_equal(lf_log_get(log_under_test, &work.append.id, &stored, NULL), LF_OK);
		free(stored);
		atomic_fetch_add(&appended, 1);
	}
	return NULL;
}

static void decisions_and_reads_go_on_around_redactions_and_vacuums(void **state)
{
	pthread_t threads[2];
	struct lf_chore chore;
	struct whole whole;

	(void)state;
	atomic_store(&stop, false);
	fill();
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, append_on_and_on, NULL), 0);
	erase_them();
	for (int i = 0; i < 5; i++)
		assert_int_equal(vacuum(&chore), LF_OK);
	atomic_store(&stop, true);
	for (size_t i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_true(atomic_load(&appended) > 0);
	for (int i = 0; i < SECRETS_COUNT; i++)
		assert_false(in_files(SECRETS[i]));
	log_is_whole(log_under_test, &whole);
}

int main(void)
{
#define CLAIM(claim) cmocka_unit_test_setup_teardown(claim, set_up, tear_down)
	const struct CMUnitTest claims[] = {
		CLAIM(what_was_replaced_is_in_no_file_after_a_vacuum),
		CLAIM(what_was_replaced_is_not_left_with_the_writer),
		CLAIM(names_and_lists_that_nothing_refers_to_are_gone),
		CLAIM(a_vacuum_that_finds_the_disk_full_loses_nothing),
		CLAIM(decisions_and_reads_go_on_around_redactions_and_vacuums),
	};

	return cmocka_run_group_tests(claims, NULL, NULL);
}
