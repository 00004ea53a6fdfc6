/* The VFS that writes a transaction into the WAL in one piece, alone: V1 to V3 of storage/sqlite_wal.c. What the log does over it under
 * faults and losses of power, storage_io_faults and storage_power_loss show. */
#include "storage/sqlite_private.h"
#include "tests/storage/fault_vfs.h"
#include "tests/storage/support.h"

enum { ROWS = 2000 }; /* of a page each, while the cache has ten: most go to the WAL, and are read from there, before the commit */

static struct place place;
static struct lf_sqlite_vfs *vfs;
static sqlite3 *db;

static void run(const char *sql)
{
	char *message = NULL;
	if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s: %s", sql, message);
}

static int64_t number(sqlite3 *from, const char *sql)
{
	sqlite3_stmt *statement;
	assert_int_equal(sqlite3_prepare_v2(from, sql, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	const int64_t value = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return value;
}

/* As a connection of somebody else sees it, through the default VFS. */
static int64_t seen(const char *sql)
{
	sqlite3 *other;
	assert_int_equal(sqlite3_open_v2(place.file, &other, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	const int64_t value = number(other, sql);
	sqlite3_close(other);
	return value;
}

static int set_up(void **state)
{
	(void)state;
	place_make(&place);
	fault_vfs_install();
	assert_int_equal(lf_sqlite_vfs_add(&vfs), SQLITE_OK);
	assert_int_equal(sqlite3_open_v2(place.file, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, lf_sqlite_vfs_name(vfs)), SQLITE_OK);
	run("PRAGMA page_size=4096; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=10;"
	    "CREATE TABLE t(id INTEGER PRIMARY KEY, value INTEGER, body BLOB)");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	sqlite3_close(db);
	lf_sqlite_vfs_remove(vfs);
	fault_vfs_remove();
	place_remove(&place);
	return 0;
}

static void insert(int rows)
{
	char sql[200];
	snprintf(sql, sizeof sql,
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) INSERT INTO t SELECT NULL, i, randomblob(3000) FROM n",
		rows);
	run(sql);
}

/* The rows are some 2,050 pages with 4,100 pieces to write. */
static void a_commit_takes_fewer_writes_than_it_has_pages(void **state)
{
	(void)state;
	run("PRAGMA cache_size=4000; BEGIN");
	insert(ROWS);
	fault_vfs_arm(FAULT_WRITE, ROWS / 10, 1);
	run("COMMIT");
	assert_int_equal(fault_vfs_hits(), 0);
	fault_vfs_arm(FAULT_WRITE, 1, 1); /* and it does write: the least that there can be is found */
	assert_int_equal(sqlite3_exec(db, "UPDATE t SET value = 0 WHERE id = 1", NULL, NULL, NULL), SQLITE_IOERR);
	assert_int_equal(fault_vfs_hits(), 1);
}

static void a_transaction_larger_than_the_cache_reads_what_it_wrote(void **state)
{
	(void)state;
	run("BEGIN");
	insert(ROWS);
	assert_int_equal(number(db, "SELECT sum(value) FROM t"), ROWS * (ROWS + 1) / 2);
	/* Pages that are in the WAL already are written in their place again, between those that are kept. */
	run("UPDATE t SET value = value + 1 WHERE id % 7 = 0; UPDATE t SET value = value - 1, body = randomblob(3000) WHERE id % 7 = 0");
	insert(3);
	assert_int_equal(number(db, "SELECT sum(value) FROM t"), ROWS * (ROWS + 1) / 2 + 6);
	assert_int_equal(seen("SELECT count(*) FROM t"), 0);
	run("COMMIT");
	assert_int_equal(seen("SELECT sum(value) FROM t"), ROWS * (ROWS + 1) / 2 + 6);
	assert_int_equal(seen("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
}

static void what_was_rolled_back_is_not_there_and_what_follows_is(void **state)
{
	(void)state;
	insert(5);
	run("BEGIN");
	insert(ROWS);
	run("ROLLBACK; BEGIN");
	insert(7);
	assert_int_equal(seen("SELECT count(*) FROM t"), 5);
	run("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
	insert(2);
	assert_int_equal(seen("SELECT count(*) FROM t"), 14);
	assert_int_equal(seen("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
}

/* Whichever write fails, no part of its transaction is there, and the next one is whole. */
static void a_write_that_fails_fails_its_own_transaction(void **state)
{
	(void)state;
	int64_t there = 0, failed = 0;
	for (long nth = 1; nth < 10000; nth = nth + 1 + nth / 8) {
		fault_vfs_arm(nth % 2 == 0 ? FAULT_FULL : FAULT_WRITE, nth, 1);
		const int result = sqlite3_exec(db,
			"BEGIN; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)"
			" INSERT INTO t SELECT NULL, i, randomblob(3000) FROM n; UPDATE t SET value = value WHERE id % 50 = 0; COMMIT",
			NULL, NULL, NULL);
		const long hits = fault_vfs_hits();
		fault_vfs_arm(FAULT_WRITE, 0, 0);
		assert_true(hits == 0 || result != SQLITE_OK);
		if (sqlite3_get_autocommit(db) == 0)
			run("ROLLBACK");
		there += result == SQLITE_OK ? 300 : 0;
		failed += hits;
		assert_int_equal(seen("SELECT count(*) FROM t"), there);
		insert(1);
		there++;
		assert_int_equal(seen("SELECT count(*) FROM t"), there);
		if (hits == 0)
			break;
	}
	assert_true(failed >= 5);
	assert_int_equal(seen("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(a_commit_takes_fewer_writes_than_it_has_pages),
		CLAIM(a_transaction_larger_than_the_cache_reads_what_it_wrote),
		CLAIM(what_was_rolled_back_is_not_there_and_what_follows_is),
		CLAIM(a_write_that_fails_fails_its_own_transaction),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
