/*
 * Only our own schema runs: a log into which another SQLite client put something that would run with the log's own
 * statements, from which it took something that they count on, or in which it left what was deleted. Each is found and
 * named by leadfitd verify, and what is in the schema by opening the log, too, which then changes nothing.
 */
#include <sqlite3.h>
#include <unistd.h>

#include "storage/sqlite/store.h"
#include "storage/verify/verify.h"
#include "tests/service/altered.h"
#include "storage/sqlite/sqlite.h"

enum { DECISIONS = 40, BIG = 100000 };

static struct {
	struct place place;
	char altered[96], output[64 * 1024];
	size_t found;
} suite;

/* ---- the log ---- */

static int64_t clock_us = 1790000000000000;

static int64_t next_us(void)
{
	return clock_us += 1234567;
}

static struct lf_log *open_log(const char *file, struct lf_error *error)
{
	const struct lf_log_options options = {.location = file, .now_us = next_us};
	struct lf_log *log = NULL;

	lf_log_open(&log, &lf_sqlite_backend, &options, error);
	return log;
}

static void note_id(void *context, const struct lf_stored *row)
{
	*(struct lf_uuid *)context = row->id;
}

/* An outcome of many pages, which an erasure then frees: the log's own free pages are no findings. */
static void erase_a_large_outcome(struct lf_log *log)
{
	static const char erasure[] = "\x0a\x03why\x20\x01"; /* packed RedactionBody */
	const struct lf_redact_item item = {.what = LF_REDACT_ACT, .id = 1, .bytes = bytes_of("redacted")};
	struct lf_redact redaction = {.kind = LF_LEAF_ERASURE,
		.caller = "privacy",
		.body = bytes_of(erasure),
		.items = &item,
		.item_count = 1};
	struct lf_filter filter = filter_any();
	struct lf_error error = LF_ERROR_INIT;
	struct lf_uuid id;
	uint64_t next;
	char *text = malloc(BIG + 1);
	struct lf_act_put act = {.kind = LF_LEAF_OUTCOME, .caller = "hr", .decision = &id};

	assert_non_null(text);
	memset(text, 'x', BIG);
	text[BIG] = '\0';
	act.body = bytes_of(text);
	filter.limit = 1;
	assert_int_equal(lf_log_list(log, &filter, note_id, &id, &next, NULL), LF_OK);
	assert_int_equal(lf_log_put_act(log, &act, NULL), LF_OK);
	if (lf_log_redact(log, &redaction, &error) != LF_OK)
		fail_msg("%s", error.message);
	free(text);
}

static int set_up(void **state)
{
	struct lf_log *log;

	(void)state;
	place_make(&suite.place);
	snprintf(suite.altered, sizeof(suite.altered), "%s/altered.db", suite.place.folder);
	log = open_log(suite.place.file, NULL);
	assert_non_null(log);
	rubric_put(log);
	for (int i = 1; i <= DECISIONS; i++) {
		struct work work;

		work_init(&work, i % 7, i % 5, i);
		assert_int_equal(work_run(log, &work), LF_OK);
	}
	erase_a_large_outcome(log);
	lf_log_close(log);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	place_remove(&suite.place);
	return 0;
}

static int verify(const char *file)
{
	return verify_run(&suite.place, file, NULL, NULL, suite.output, sizeof(suite.output));
}

/* ---- what is put in, taken out, altered ---- */

/* Rewrites the text of an entry, as only SQLite's own shell could: a two-step alteration. */
#define REWRITE(name, from, to)                                                                                        \
	"PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = replace(sql, '" from "', '" to                      \
	"') WHERE name = '" name "'; PRAGMA writable_schema=OFF"
#define PUT_IN "is not one of a decision log: it was put in"
#define ALTERED "is not what it is in a decision log: it was altered"
#define DELETED "of a decision log is not there: it was deleted"
#define UNDO "BEGIN DELETE FROM request_key; END"

static const struct alteration {
	const char *name, *sql, *what;
} alterations[] = {
	/* triggers */
	{"a trigger with a name that begins as SQLite's own do",
		"CREATE TRIGGER sqliteXlater AFTER INSERT ON request_key " UNDO, "the trigger sqliteXlater " PUT_IN},
	{"a trigger with one of SQLite's own names",
		"CREATE TRIGGER later AFTER INSERT ON request_key " UNDO "; PRAGMA writable_schema=ON; UPDATE "
		"sqlite_schema SET name = 'sqlite_later', sql = replace(sql, 'later', 'sqlite_later') WHERE name = "
		"'later'; PRAGMA writable_schema=OFF",
		"the trigger sqlite_later " PUT_IN},
	{"a trigger with the name of a table", "CREATE TRIGGER decision AFTER INSERT ON request_key " UNDO,
		"the trigger decision " PUT_IN},
	{"a trigger that keeps what an erasure deletes",
		"CREATE TRIGGER sqlite1keep BEFORE DELETE ON name BEGIN SELECT raise(IGNORE); END",
		"the trigger sqlite1keep " PUT_IN},
	{"a trigger that copies what is replaced, and its table",
		"CREATE TABLE sqliteXkept(body); CREATE TRIGGER sqliteXkeep BEFORE UPDATE ON act BEGIN INSERT INTO "
		"sqliteXkept VALUES(old.body); END",
		"the trigger sqliteXkeep " PUT_IN},
	{"a trigger that ends the service's writes",
		"CREATE TRIGGER never BEFORE INSERT ON decision BEGIN SELECT raise(ABORT, 'no'); END",
		"the trigger never " PUT_IN},
	/* views */
	{"a view", "CREATE VIEW sqliteXseen AS SELECT value FROM name", "the view sqliteXseen " PUT_IN},
	{"a view in the place of a table that got another name",
		"ALTER TABLE skip RENAME TO sqliteXskip; CREATE VIEW skip AS SELECT * FROM sqliteXskip WHERE 0",
		"the table skip " DELETED},
	{"a view in the place of a table, and a trigger that writes for it",
		"ALTER TABLE member RENAME TO member2; CREATE VIEW member AS SELECT * FROM member2; CREATE TRIGGER "
		"member3 INSTEAD OF INSERT ON member BEGIN SELECT 1; END",
		"the table member " DELETED},
	/* tables */
	{"a table with a name that begins as SQLite's own do", "CREATE TABLE sqliteXnotes(text)",
		"the table sqliteXnotes " PUT_IN},
	{"a virtual table", "CREATE VIRTUAL TABLE notes USING fts5(text)", "the table notes " PUT_IN},
	{"a table of SQLite's own that nothing here needs",
		"CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT); DROP TABLE t",
		"the table sqlite_sequence " PUT_IN},
	{"a column put in", "ALTER TABLE decision ADD COLUMN note TEXT", "the table decision " ALTERED},
	{"a computed column put in", "ALTER TABLE decision ADD COLUMN twice INTEGER AS (outcome * 2) VIRTUAL",
		"the table decision " ALTERED},
	{"a column with another name", "ALTER TABLE redaction RENAME COLUMN target TO aim",
		"the table redaction " ALTERED},
	{"a condition that rows must meet",
		REWRITE("decision", "answer BLOB NOT NULL", "answer BLOB NOT NULL CHECK(length(answer) < 10)"),
		"the table decision " ALTERED},
	{"a default put in", REWRITE("act", "pairs BLOB", "pairs BLOB DEFAULT (randomblob(64))"),
		"the table act " ALTERED},
	{"types that are no longer looked at", REWRITE("name", " STRICT", ""), "the table name " ALTERED},
	{"a reference that deletes along",
		REWRITE("skip", "sequence INTEGER NOT NULL",
			"sequence INTEGER NOT NULL REFERENCES decision ON DELETE CASCADE"),
		"the table skip " ALTERED},
	{"text hidden in a table's own", REWRITE("probe", "count", "/* c-erased */ count"), "the table probe " ALTERED},
	{"bytes behind the end of a table's text",
		"PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = sql || char(0) || 'c-erased' WHERE name = "
		"'probe'; PRAGMA writable_schema=OFF",
		"the table probe " ALTERED},
	{"a name in other letters", "ALTER TABLE probe RENAME TO probes; ALTER TABLE probes RENAME TO PROBE",
		"the table PROBE " PUT_IN},
	{"keys that need not be unique",
		"CREATE TABLE k(caller INTEGER NOT NULL, key TEXT NOT NULL, sequence INTEGER NOT NULL) STRICT; INSERT "
		"INTO k SELECT * FROM request_key; DROP TABLE request_key; ALTER TABLE k RENAME TO request_key; CREATE "
		"INDEX request_key_by_sequence ON request_key(sequence)",
		"the table request_key " ALTERED},
	/* indexes */
	{"a partial index without its condition", "DROP INDEX act_by_kind; CREATE INDEX act_by_kind ON act(kind)",
		"the index act_by_kind " ALTERED},
	{"a partial index with another condition",
		"DROP INDEX act_by_kind; CREATE INDEX act_by_kind ON act(kind) WHERE kind <> 5",
		"the index act_by_kind " ALTERED},
	{"another partial index without its condition",
		"DROP INDEX act_by_decision; CREATE INDEX act_by_decision ON act(decision)",
		"the index act_by_decision " ALTERED},
	{"an index that is not unique any more",
		"DROP INDEX decision_by_id; CREATE INDEX decision_by_id ON decision(id)",
		"the index decision_by_id " ALTERED},
	{"an index of another column", "DROP INDEX member_by_list; CREATE INDEX member_by_list ON member(candidate)",
		"the index member_by_list " ALTERED},
	{"an index in the other order", "DROP INDEX rubric_by_name; CREATE INDEX rubric_by_name ON rubric(name DESC)",
		"the index rubric_by_name " ALTERED},
	{"an index with a name that begins as SQLite's own do", "CREATE INDEX sqliteXfast ON decision(team)",
		"the index sqliteXfast " PUT_IN},
	{"an index that will refuse a record one day",
		"CREATE UNIQUE INDEX once ON decision(team) WHERE sequence > 1000", "the index once " PUT_IN},
	{"an index of what is computed", "CREATE INDEX computed ON decision(abs(outcome))",
		"the index computed " PUT_IN},
	{"the newest schema's index deleted", "DROP INDEX act_by_kind", "the index act_by_kind " DELETED},
	/* what the planner reads */
	{"statistics", "ANALYZE", "the table sqlite_stat1 " PUT_IN},
	{"stale statistics", "ANALYZE; UPDATE sqlite_stat1 SET stat = '1 1'", "the table sqlite_stat1 " PUT_IN},
	/* names that would break a line of a log */
	{"a name of two lines", "CREATE TABLE \"a\nfindings     0\"(x)", "the table a?findings     0 " PUT_IN},
};

static bool starts(struct lf_error *error)
{
	struct lf_log *log = open_log(suite.altered, error);

	if (log != NULL)
		lf_log_close(log);
	return log != NULL;
}

static void every_alteration_is_found_and_named(void **state)
{
	size_t missed = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(alterations) / sizeof(alterations[0]); i++) {
		const struct alteration *a = &alterations[i];
		struct lf_error error = LF_ERROR_INIT;
		bool started;
		int status;

		file_copy(suite.place.file, suite.altered);
		sql_run(suite.altered, a->sql);
		status = verify(suite.altered);
		started = starts(&error);
		if (status == 1 && output_has_line(suite.output, "log: ", a->what, true) && !started &&
			error.code == LF_FAILED_PRECONDITION && strstr(error.message, a->what) != NULL) {
			suite.found++;
		} else {
			missed++;
			print_error("%s: expected \"%s\", exit status %d:\n%.500s\nstarted: %d %s\n", a->name, a->what,
				status, suite.output, started, error.message);
		}
		lf_error_clean_up(&error);
	}
	assert_int_equal(missed, 0);
}

/* What a row says can't make a line of the report. */
static void no_name_breaks_a_line(void **state)
{
	(void)state;
	file_copy(suite.place.file, suite.altered);
	sql_run(suite.altered,
		"UPDATE request_key SET key = 'a' || char(10) || 'findings     0' || char(27) || '[2J', sequence = 1 "
		"WHERE sequence = 7");
	assert_int_equal(verify(suite.altered), 1);
	assert_true(output_has_line(suite.output, "log: ", "idempotency key a?findings     0?[2J leads to", false) ||
		output_has_line(suite.output, "log: ", "more than one idempotency key", false));
	assert_false(output_has_line(suite.output, "findings     0", "", false));
	assert_null(strchr(suite.output, '\033'));
}

/* ---- what is left behind the schema's back ---- */

static void is_found(const char *name, const char *text)
{
	const int status = verify(suite.altered);

	if (status != 1 || !output_has_line(suite.output, "log: ", text, false))
		fail_msg("%s: expected \"%s\", exit status %d:\n%.1500s", name, text, status, suite.output);
	suite.found++;
}

static void a_log_and_its_own_free_pages_have_no_findings(void **state)
{
	(void)state;
	assert_true(sql_run(suite.place.file, "PRAGMA freelist_count") > 5);
	if (verify(suite.place.file) != 0)
		fail_msg("%s", suite.output);
}

static const char leave_pages[] =
	"PRAGMA secure_delete=OFF; CREATE TABLE t(text); INSERT INTO t SELECT value || hex(randomblob(6000)) FROM name;"
	"DROP TABLE t";

static void what_was_deleted_on_free_pages_is_found(void **state)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_log *log;
	struct lf_chore vacuum = {.what = LF_CHORE_VACUUM};

	(void)state;
	file_copy(suite.place.file, suite.altered);
	sql_run(suite.altered, leave_pages);
	is_found("deleted by another program", " free pages hold what another program deleted (page ");
	/* It is nothing that runs: the service starts, and a vacuum does away with it. */
	log = open_log(suite.altered, &error);
	if (log == NULL)
		fail_msg("%s", error.message);
	assert_int_equal(lf_log_do(log, &vacuum, &error), LF_OK);
	lf_log_close(log);
	assert_int_equal(verify(suite.altered), 0);
}

static void a_row_deleted_by_another_program_is_found(void **state)
{
	(void)state;
	file_copy(suite.place.file, suite.altered);
	sql_run(suite.altered,
		"PRAGMA secure_delete=OFF; INSERT INTO payload VALUES(9999, 1, randomblob(32), randomblob(32), "
		"randomblob(50000)); DELETE FROM payload WHERE id = 9999");
	is_found("put in and deleted", " free pages hold what another program deleted (page ");
}

/* A page of the list of free pages, by its number. */
static uint8_t *first_trunk(uint8_t *data)
{
	const uint8_t *at = data + 32;
	const size_t page_size = (size_t)data[16] << 8 | data[17];
	const size_t page = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];

	assert_int_not_equal(page, 0);
	return data + (page - 1) * page_size;
}

static void bytes_hidden_in_the_list_of_free_pages_are_found(void **state)
{
	size_t length;
	uint8_t *data = file_read(suite.place.file, &length);

	(void)state;
	memcpy(first_trunk(data) + 4000, "c-erased", 8);
	file_write(suite.altered, data, length);
	free(data);
	is_found("in the list itself", "1 free pages hold what another program deleted (page ");
}

static void bytes_hidden_on_a_free_page_are_found(void **state)
{
	size_t length;
	uint8_t *data = file_read(suite.place.file, &length), *leaf = first_trunk(data) + 8;
	const size_t page_size = (size_t)data[16] << 8 | data[17];
	const size_t page = (size_t)leaf[0] << 24 | (size_t)leaf[1] << 16 | (size_t)leaf[2] << 8 | leaf[3];

	(void)state;
	memcpy(data + (page - 1) * page_size + 100, "c-erased", 8);
	file_write(suite.altered, data, length);
	free(data);
	is_found("on a free page", "1 free pages hold what another program deleted (page ");
}

static void a_list_of_free_pages_that_runs_in_a_circle_is_found(void **state)
{
	size_t length;
	uint8_t *data = file_read(suite.place.file, &length);

	(void)state;
	memcpy(first_trunk(data), data + 32, 4); /* its next is itself */
	file_write(suite.altered, data, length);
	free(data);
	is_found("a circle", "the list of free pages is damaged: ");
}

static void bytes_behind_the_last_page_are_found(void **state)
{
	size_t length;
	uint8_t *data = file_read(suite.place.file, &length), *longer = calloc(1, length + 8192);

	(void)state;
	assert_non_null(longer);
	memcpy(longer, data, length);
	memcpy(longer + length, "c-erased", 8);
	file_write(suite.altered, longer, length + 8192);
	free(longer);
	free(data);
	is_found("behind the end", "the file goes on behind its last page: 8192 bytes were put there");
}

/* The log as another program leaves it that is killed: with a WAL, which has what the statements did. */
static void leave_wal(const char *sql, char wal[128])
{
	char kept[96], kept_wal[128];
	sqlite3 *db = NULL;

	snprintf(kept, sizeof(kept), "%s/kept.db", suite.place.folder);
	snprintf(wal, 128, "%s-wal", suite.altered);
	snprintf(kept_wal, sizeof(kept_wal), "%s-wal", kept);
	file_copy(suite.place.file, suite.altered);
	assert_int_equal(sqlite3_open(suite.altered, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA wal_autocheckpoint=0", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	file_copy(suite.altered, kept);
	file_copy(wal, kept_wal);
	sqlite3_close(db);
	file_copy(kept, suite.altered);
	file_copy(kept_wal, wal);
}

static const char leave_zeros[] = "PRAGMA secure_delete=ON; CREATE TABLE t(x); INSERT INTO t VALUES(randomblob(90000));"
				  "DROP TABLE t";

/* What counts of a page may be in the WAL alone. */
static void free_pages_in_a_wal_are_looked_at(void **state)
{
	char wal[128];

	(void)state;
	leave_wal(leave_zeros, wal);
	if (verify(suite.altered) != 0)
		fail_msg("%s", suite.output);
	leave_wal(leave_pages, wal);
	is_found("in a WAL", " free pages hold what another program deleted (page ");
	unlink(wal);
}

static uint32_t word_of(const uint8_t *bytes, bool big)
{
	const uint32_t a = bytes[0], b = bytes[1], c = bytes[2], d = bytes[3];

	return big ? a << 24 | b << 16 | c << 8 | d : d << 24 | c << 16 | b << 8 | a;
}

static void put_word(uint8_t *bytes, uint32_t word)
{
	for (int i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(word >> (24 - 8 * i));
}

static void sum_up(const uint8_t *bytes, size_t length, bool big, uint32_t sum[2])
{
	for (size_t i = 0; i < length; i += 8) {
		sum[0] += word_of(bytes + i, big) + sum[1];
		sum[1] += word_of(bytes + i + 4, big) + sum[0];
	}
}

/* A last transaction, whose one page has a number that no file can have. */
static void a_wal_with_an_impossible_page_is_found(void **state)
{
	enum { PAGE = 8192, FRAME = 24 + PAGE };
	uint8_t *data, *longer, *last, *frame;
	char wal[128];
	size_t length;
	uint32_t sum[2];
	bool big;

	(void)state;
	leave_wal(leave_zeros, wal);
	data = file_read(wal, &length);
	longer = calloc(1, length + FRAME);
	assert_non_null(longer);
	memcpy(longer, data, length);
	big = (longer[3] & 1) != 0;
	last = longer + length - FRAME;
	frame = longer + length;
	memcpy(frame, last, 24);
	put_word(frame, 0xf0000000);
	sum[0] = word_of(last + 16, true);
	sum[1] = word_of(last + 20, true);
	sum_up(frame, 8, big, sum);
	sum_up(frame + 24, PAGE, big, sum);
	put_word(frame + 16, sum[0]);
	put_word(frame + 20, sum[1]);
	file_write(wal, longer, length + FRAME);
	is_found("an impossible page", "the list of free pages is damaged: ");
	unlink(wal);
	free(longer);
	free(data);
}

/* ---- what is put in while the log is open ---- */

static void nothing_runs_that_is_put_in_while_the_log_is_open(void **state)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_log *log;
	struct work work;

	(void)state;
	file_copy(suite.place.file, suite.altered);
	log = open_log(suite.altered, &error);
	assert_non_null(log);
	sql_run(suite.altered, "CREATE TRIGGER sqliteXlater AFTER INSERT ON request_key " UNDO);
	work_init(&work, 1, 1, 1000);
	assert_int_equal(work_run(log, &work), LF_OK);
	lf_log_close(log);
	assert_true(sql_run(suite.altered, "SELECT count(*) FROM request_key") > DECISIONS);
	is_found("put in under a service", "the trigger sqliteXlater " PUT_IN);
	assert_false(starts(&error));
	lf_error_clean_up(&error);
}

/* S6: what a connection of ours does with what another program put in. */
static void a_connection_runs_nothing_of_the_file(void **state)
{
	static const int off[] = {
		SQLITE_DBCONFIG_ENABLE_TRIGGER, SQLITE_DBCONFIG_ENABLE_VIEW, SQLITE_DBCONFIG_TRUSTED_SCHEMA};
	sqlite3 *db = NULL;
	int on = 0;

	(void)state;
	file_copy(suite.place.file, suite.altered);
	sql_run(suite.altered,
		"CREATE VIEW seen AS SELECT value FROM name; CREATE TRIGGER later AFTER UPDATE ON probe BEGIN DELETE "
		"FROM name; END");
	assert_int_equal(lf_sqlite_connect(&db, suite.altered, SQLITE_OPEN_READWRITE), SQLITE_OK);
	for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++) {
		int is = 1;

		assert_int_equal(sqlite3_db_config(db, off[i], -1, &is), SQLITE_OK);
		assert_int_equal(is, 0);
	}
	assert_int_equal(sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, -1, &on), SQLITE_OK);
	assert_int_equal(on, 1);
	assert_int_equal(sqlite3_exec(db, "SELECT * FROM seen", NULL, NULL, NULL), SQLITE_ERROR);
	assert_int_equal(sqlite3_exec(db, "UPDATE probe SET count = count + 1", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA writable_schema=ON; DELETE FROM sqlite_schema", NULL, NULL, NULL),
		SQLITE_ERROR);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_true(sql_run(suite.altered, "SELECT count(*) FROM name") > 0);
}

static void the_count(void **state)
{
	(void)state;
	print_message("%zu alterations, each found and named\n", suite.found);
	assert_true(suite.found >= 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_log_and_its_own_free_pages_have_no_findings),
		cmocka_unit_test(every_alteration_is_found_and_named),
		cmocka_unit_test(no_name_breaks_a_line),
		cmocka_unit_test(what_was_deleted_on_free_pages_is_found),
		cmocka_unit_test(a_row_deleted_by_another_program_is_found),
		cmocka_unit_test(bytes_hidden_in_the_list_of_free_pages_are_found),
		cmocka_unit_test(bytes_hidden_on_a_free_page_are_found),
		cmocka_unit_test(a_list_of_free_pages_that_runs_in_a_circle_is_found),
		cmocka_unit_test(bytes_behind_the_last_page_are_found),
		cmocka_unit_test(free_pages_in_a_wal_are_looked_at),
		cmocka_unit_test(a_wal_with_an_impossible_page_is_found),
		cmocka_unit_test(nothing_runs_that_is_put_in_while_the_log_is_open),
		cmocka_unit_test(a_connection_runs_nothing_of_the_file),
		cmocka_unit_test(the_count),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
