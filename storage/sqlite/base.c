/*
 * What every file of this folder stands on: errors, statements, columns, the time that a read transaction may take.
 * And the state of the writing connection's transaction. Calls none of the others.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/check.h"
#include "proto/base/clock.h"
#include "storage/sqlite/store.h"

/* Of the last call that failed on the WAL, or on the file: what SQLite says of the connection is gone after a rollback. */
static int last_errno(sqlite3 *db)
{
	sqlite3_file *wal = NULL;
	int cause = 0;

	if (sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal) == SQLITE_OK && wal != NULL &&
		wal->pMethods != NULL)
		wal->pMethods->xFileControl(wal, SQLITE_FCNTL_LAST_ERRNO, &cause);
	if (cause == 0)
		sqlite3_file_control(db, "main", SQLITE_FCNTL_LAST_ERRNO, &cause);
	return cause;
}

enum lf_code lf_sqlite_error(struct lf_error *error, sqlite3 *db, int result, const char *doing)
{
	const char *text = db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(result);
	const int kind = result & 0xff;
	int cause = db != NULL ? sqlite3_system_errno(db) : 0;
	enum lf_code code = LF_UNAVAILABLE;

	if (result == SQLITE_IOERR_WRITE && db != NULL && cause == 0)
		cause = last_errno(db);
	if (kind == SQLITE_FULL)
		code = LF_RESOURCE_EXHAUSTED;
	else if (kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB)
		code = LF_DATA_LOSS;
	else if (result == SQLITE_IOERR_NOMEM)
		code = LF_UNAVAILABLE;
	else if (result == SQLITE_IOERR_FSYNC || result == SQLITE_IOERR_DIR_FSYNC)
		code = LF_DATA_LOSS; /* whatever errno says: the kernel may have dropped what it could not write */
	else if (result == SQLITE_IOERR_SHMSIZE ||
		(kind == SQLITE_IOERR && (cause == ENOSPC || cause == EDQUOT || cause == EFBIG)))
		code = LF_RESOURCE_EXHAUSTED;
	else if (kind == SQLITE_IOERR)
		code = LF_DATA_LOSS;
	return lf_error_set(error, code, "%s: %s (SQLite %d%s%s)", doing, text, result, cause != 0 ? ", " : "",
		cause != 0 ? strerror(cause) : "");
}

enum lf_code lf_sqlite_write_error(struct lf_store *store, struct lf_error *error, int result, const char *doing)
{
	const enum lf_code code = lf_sqlite_error(error, store->db, result, doing);

	if (code == LF_DATA_LOSS)
		store->unknown = true;
	if (code == LF_RESOURCE_EXHAUSTED) {
		store->short_of_room = true;
		store->largest_refused = store->largest;
	}
	if (store->transaction == LF_TRANSACTION_OPEN)
		lf_sqlite_turn(store, LF_TRANSACTION_BROKEN);
	return code;
}

/*
 * What a file can hold that runs: triggers, views, and functions that its schema calls. DEFENSIVE: no statement changes
 * the schema's text or the pages behind SQLite's back.
 */
int lf_sqlite_connect(sqlite3 **db, const char *path, int flags)
{
	static const struct {
		int what, on;
	} settings[] = {
		{SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
		{SQLITE_DBCONFIG_ENABLE_VIEW, 0},
		{SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
		{SQLITE_DBCONFIG_DEFENSIVE, 1},
	};
	int result = sqlite3_open_v2(path, db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, NULL);

	if (result == SQLITE_OK)
		result = sqlite3_extended_result_codes(*db, 1);
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]) && result == SQLITE_OK; i++)
		result = sqlite3_db_config(*db, settings[i].what, settings[i].on, NULL);
	return result;
}

int lf_sqlite_prepare(sqlite3 *db, const char *const *sql, sqlite3_stmt **statements, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const int result = sqlite3_prepare_v3(db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &statements[i], NULL);

		if (result != SQLITE_OK)
			return result;
	}
	return SQLITE_OK;
}

void lf_sqlite_finalize(sqlite3_stmt **statements, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		sqlite3_finalize(statements[i]);
		statements[i] = NULL;
	}
}

/*
 * Binding to an index that the statement has can't fail but for a length above SQLite's limit (1 GB), and lengths here
 * are at most LF_MESSAGE_BYTES_MAX.
 */
void lf_sqlite_bind_blob(sqlite3_stmt *statement, int index, const void *data, size_t length)
{
	if (length == 0)
		sqlite3_bind_zeroblob(statement, index, 0); /* a NULL pointer would bind NULL */
	else
		sqlite3_bind_blob64(statement, index, data, length, SQLITE_STATIC);
}

void lf_sqlite_bind_text(sqlite3_stmt *statement, int index, const char *text)
{
	sqlite3_bind_text64(statement, index, text, strlen(text), SQLITE_STATIC, SQLITE_UTF8);
}

int lf_sqlite_run(sqlite3_stmt *statement)
{
	const int result = sqlite3_step(statement);

	sqlite3_reset(statement);
	return result == SQLITE_DONE ? SQLITE_OK : result;
}

int lf_sqlite_malformed(sqlite3 *db)
{
	return sqlite3_errcode(db) == SQLITE_NOMEM ? SQLITE_NOMEM : SQLITE_CORRUPT;
}

struct lf_bytes lf_sqlite_column_bytes(sqlite3_stmt *statement, int column)
{
	const void *data = sqlite3_column_blob(statement, column);
	const int length = sqlite3_column_bytes(statement, column);

	return (struct lf_bytes){data, (size_t)length};
}

bool lf_sqlite_column_fixed(sqlite3_stmt *statement, int column, void *out, size_t size)
{
	const struct lf_bytes bytes = lf_sqlite_column_bytes(statement, column);

	if (bytes.data == NULL || bytes.length != size)
		return false;
	memcpy(out, bytes.data, size);
	return true;
}

const char *lf_sqlite_column_text(sqlite3_stmt *statement, int column)
{
	return (const char *)sqlite3_column_text(statement, column);
}

int64_t lf_sqlite_find_id(sqlite3_stmt *statement, int *result)
{
	int64_t id = 0;

	*result = sqlite3_step(statement);
	if (*result == SQLITE_ROW)
		id = sqlite3_column_int64(statement, 0);
	if (*result == SQLITE_ROW || *result == SQLITE_DONE)
		*result = SQLITE_OK;
	sqlite3_reset(statement);
	return id;
}

bool lf_sqlite_time_is_up(uint64_t start_ns)
{
	return lf_clock_ns() - start_ns >= (uint64_t)LF_SQLITE_READ_MS_MAX * 1000 * 1000;
}

/* ---- the transaction's state: S1 and S3 of storage/DESIGN.md ---- */

/* From the first to the second. NONE to NONE: a rollback where there is nothing to undo. */
static const bool MOVES[LF_TRANSACTION_STATES][LF_TRANSACTION_STATES] = {
	[LF_TRANSACTION_NONE] = {[LF_TRANSACTION_NONE] = true, [LF_TRANSACTION_OPEN] = true},
	[LF_TRANSACTION_OPEN] = {[LF_TRANSACTION_NONE] = true, [LF_TRANSACTION_BROKEN] = true},
	[LF_TRANSACTION_BROKEN] = {[LF_TRANSACTION_NONE] = true},
};

void lf_sqlite_turn(struct lf_store *store, enum lf_transaction to)
{
	LF_CHECK(S1, to < LF_TRANSACTION_STATES && MOVES[store->transaction][to]);
	store->transaction = to;
	store->items = 0;
}

void lf_sqlite_count_item(struct lf_store *store)
{
	LF_CHECK(S1, store->transaction == LF_TRANSACTION_OPEN);
	LF_CHECK(S3, store->items < LF_TRANSACTION_ITEMS_MAX);
	store->items++;
}
