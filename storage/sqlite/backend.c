/* The SQLite backend: opening, closing, the vtable, and what its files share. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/sqlite/private.h"

/* ---- helpers ---- */

enum lf_code lf_sqlite_error(struct lf_error *error, sqlite3 *db, int result, const char *doing)
{
	const char *text = db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(result);
	const int kind = result & 0xff, cause = db != NULL ? sqlite3_system_errno(db) : 0;
	enum lf_code code = LF_UNAVAILABLE;

	if (kind == SQLITE_FULL)
		code = LF_RESOURCE_EXHAUSTED;
	else if (kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB)
		code = LF_DATA_LOSS;
	else if (result == SQLITE_IOERR_NOMEM)
		code = LF_UNAVAILABLE;
	else if (result == SQLITE_IOERR_FSYNC || result == SQLITE_IOERR_DIR_FSYNC)
		code = LF_DATA_LOSS; /* whatever errno says: the kernel may have dropped what it could not write */
	else if (result == SQLITE_IOERR_SHMSIZE || (kind == SQLITE_IOERR && (cause == ENOSPC || cause == EDQUOT)))
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
	return code;
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

/* ---- opening ---- */

/*
 * Every PRAGMA of the writing connection, and its because.
 *   synchronous=FULL          an answer leaves after its commit: in WAL mode only FULL syncs the WAL at each commit
 *   wal_autocheckpoint=0      checkpoints are maintain()'s: after the waiters were told, not inside their commit
 *   journal_size_limit        after a burst the WAL file shrinks to 64 MiB again when it restarts
 *   cache_size=-16384         16 MiB hold the inner pages and the hot ends of all tables at ten million rows
 *   temp_store=MEMORY         no temporary files beside the one that can be full (but for a vacuum)
 *   cell_size_check=ON        a damaged page is found when it is read, not when it is followed
 *   secure_delete=ON          what is deleted (by an erasure) is overwritten; appends do not pay for it
 *   trusted_schema=OFF        the file's schema may call nothing
 *   busy_timeout=2000         only for somebody else's tool that holds the write lock: leadfit has one writer
 */
static const char WRITER_PRAGMAS[] =
	"PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=67108864; PRAGMA "
	"cache_size=-16384;"
	"PRAGMA temp_store=MEMORY; PRAGMA cell_size_check=ON; PRAGMA secure_delete=ON; PRAGMA trusted_schema=OFF;"
	"PRAGMA busy_timeout=2000;";

static int note_wal_pages(void *context, sqlite3 *db, const char *name, int pages)
{
	struct lf_store *store = context;

	(void)db;
	(void)name;
	store->wal_pages = pages;
	return SQLITE_OK;
}

/* WAL mode is written in the file; asking for it is for a file that someone's tool took out of it. */
static int ensure_wal(sqlite3 *db)
{
	sqlite3_stmt *statement = NULL;
	int result = sqlite3_prepare_v2(db, "PRAGMA journal_mode=WAL", -1, &statement, NULL);

	if (result == SQLITE_OK)
		result = sqlite3_step(statement);
	if (result == SQLITE_ROW) {
		const char *mode = lf_sqlite_column_text(statement, 0);

		result = mode != NULL && strcmp(mode, "wal") == 0 ? SQLITE_OK : SQLITE_CANTOPEN;
	}
	sqlite3_finalize(statement);
	return result;
}

static enum lf_code open_writer(struct lf_store *store, const struct lf_log_options *options, struct lf_error *error)
{
	int result = sqlite3_open_v2(
		store->path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, NULL);

	if (result == SQLITE_OK) {
		sqlite3_extended_result_codes(store->db, 1);
		result = ensure_wal(store->db);
	}
	if (result == SQLITE_OK)
		result = sqlite3_exec(store->db, WRITER_PRAGMAS, NULL, NULL, NULL);
	if (result == SQLITE_OK)
		result = lf_sqlite_rows_add(store);
	if (result == SQLITE_OK && store->schema == LF_SQLITE_SCHEMA)
		result = lf_sqlite_prepare(store->db, LF_SQLITE_WRITE_SQL, store->statements, W_COUNT);
	else if (result == SQLITE_OK && lf_sqlite_migrate(store, options, error) != LF_OK)
		return error->code;
	if (result != SQLITE_OK) {
		const enum lf_code code = lf_sqlite_error(error, store->db, result, store->path);

		return code == LF_DATA_LOSS ? lf_error_set(error, LF_FAILED_PRECONDITION, "%s is damaged", store->path)
					    : code;
	}
	sqlite3_wal_hook(store->db, note_wal_pages, store);
	return LF_OK;
}

static void close_store(struct lf_store *store)
{
	lf_sqlite_backup_abandon(store);
	lf_sqlite_finalize(store->statements, W_COUNT);
	/* Closing checkpoints and removes the WAL, unless what is on disk is in doubt: then recovery at the next open
	 * decides. */
	if (store->db != NULL && store->unknown)
		sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_close(store->db);
	lf_sqlite_leave_read_only(store);
	lf_heads_clean_up(&store->heads);
	lf_id_cache_free(store->ids);
	free(store->scratch);
	lf_sqlite_release(store);
	free(store->lock_path);
	free(store->path);
	free(store);
}

static enum lf_code open_store(struct lf_store **out, const struct lf_log_options *options, struct lf_error *error)
{
	struct lf_store *store = calloc(1, sizeof(*store));
	bool create = false;

	if (store == NULL)
		return lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	store->lock = -1;
	store->decisions = -1;
	store->ids = lf_id_cache_new();
	if (store->ids == NULL || !lf_heads_init(&store->heads)) {
		lf_error_set(error, LF_UNAVAILABLE, "out of memory");
		goto fail;
	}
	if (lf_sqlite_claim(store, options->location, &create, error) != LF_OK)
		goto fail;
	if ((create ? lf_sqlite_create : lf_sqlite_inspect)(store, error) != LF_OK)
		goto fail;
	if (open_writer(store, options, error) != LF_OK)
		goto fail;
	*out = store;
	return LF_OK;
fail:
	close_store(store);
	return error->code;
}

const struct lf_backend lf_sqlite_backend = {
	.name = "sqlite",
	.open = open_store,
	.open_read_only = lf_sqlite_open_read_only,
	.restore = lf_sqlite_restore,
	.close = close_store,
	.tail = lf_sqlite_tail,
	.begin = lf_sqlite_begin,
	.append = lf_sqlite_append,
	.put_rubric = lf_sqlite_put_rubric,
	.activate_rubric = lf_sqlite_activate_rubric,
	.commit = lf_sqlite_commit,
	.rollback = lf_sqlite_rollback,
	.maintain = lf_sqlite_maintain,
	.probe = lf_sqlite_probe_write,
	.tail_hashes = lf_sqlite_tail_hashes,
	.put_act = lf_sqlite_put_act,
	.backup_step = lf_sqlite_backup_step,
	.backup_finish = lf_sqlite_backup_finish,
	.open_reader = lf_sqlite_open_reader,
	.close_reader = lf_sqlite_close_reader,
	.find_key = lf_sqlite_find_key,
	.get = lf_sqlite_get,
	.list = lf_sqlite_list,
	.get_rubric = lf_sqlite_get_rubric,
	.list_rubrics = lf_sqlite_list_rubrics,
	.list_activations = lf_sqlite_list_activations,
	.was_active = lf_sqlite_was_active,
	.scan = lf_sqlite_scan,
	.head = lf_sqlite_head,
	.hashes = lf_sqlite_hashes,
	.find_leaf = lf_sqlite_find_leaf,
	.check = lf_sqlite_check,
	.list_acts = lf_sqlite_list_acts,
	.redact = lf_sqlite_redact,
	.vacuum = lf_sqlite_vacuum,
	.list_payloads = lf_sqlite_list_payloads,
	.audit = lf_sqlite_audit,
	.get_payload = lf_sqlite_get_payload,
};
