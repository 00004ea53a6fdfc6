/* The SQLite backend: how a store is opened for writing, its items by their kind, and the vtable. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "storage/sqlite/private.h"
#include "storage/sqlite/sqlite.h"

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
 *   busy_timeout=2000         only for somebody else's tool that holds the write lock: leadfit has one writer
 */
static const char WRITER_PRAGMAS[] =
	"PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=67108864; PRAGMA "
	"cache_size=-16384;"
	"PRAGMA temp_store=MEMORY; PRAGMA cell_size_check=ON; PRAGMA secure_delete=ON; PRAGMA busy_timeout=2000;";

static int note_wal_pages(void *context, sqlite3 *db, const char *name, int pages)
{
	struct lf_store *store = context;

	(void)db;
	(void)name;
	store->wal_pages = pages;
	store->wal_unsure = false;
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
	int result = lf_sqlite_connect(&store->db, store->path, SQLITE_OPEN_READWRITE);

	if (result == SQLITE_OK)
		result = ensure_wal(store->db);
	if (result == SQLITE_OK)
		result = sqlite3_exec(store->db, WRITER_PRAGMAS, NULL, NULL, NULL);
	if (result == SQLITE_OK)
		result = lf_sqlite_add_waiting_tables(store);
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

static enum lf_code open_store(struct lf_store **out, const struct lf_log_options *options, struct lf_error *error)
{
	struct lf_store *store = calloc(1, sizeof(*store));
	bool create = false, absent;
	struct stat made;

	if (store == NULL)
		return lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	store->lock = store->file = store->wal = -1;
	store->decisions = -1;
	store->ids = lf_id_cache_new();
	if (store->ids == NULL || !lf_heads_init(&store->heads)) {
		lf_error_set(error, LF_UNAVAILABLE, "out of memory");
		goto fail;
	}
	if (lf_sqlite_claim(store, options->location, &create, error) != LF_OK)
		goto fail;
	absent = lf_sqlite_size_of(store->path, "") < 0;
	if ((create ? lf_sqlite_create : lf_sqlite_inspect)(store, error) != LF_OK)
		goto fail;
	if (absent && stat(store->path, &made) == 0) {
		store->made = true;
		store->made_device = made.st_dev;
		store->made_inode = made.st_ino;
	}
	/* What was just made is another file than the one that was claimed, if there was one. */
	if (create && lf_sqlite_hold(store, false, error) != LF_OK)
		goto fail;
	if (open_writer(store, options, error) != LF_OK || lf_sqlite_watch(store, error) != LF_OK)
		goto fail;
	*out = store;
	return LF_OK;
fail:
	lf_sqlite_discard(store);
	return error->code;
}

/* ---- items ---- */

static enum lf_code prepare_items(
	struct lf_store *store, struct lf_item *const *items, size_t count, struct lf_error *error)
{
	static int (*const PREPARE[])(struct lf_store *, struct lf_item *) = {
		[LF_ITEM_DECISION] = lf_sqlite_prepare_decision,
		[LF_ITEM_RUBRIC] = lf_sqlite_prepare_rubric,
		[LF_ITEM_ACTIVATION] = lf_sqlite_prepare_activation,
		[LF_ITEM_ACT] = lf_sqlite_prepare_act,
		[LF_ITEM_REDACTION] = lf_sqlite_prepare_redaction,
	};

	for (size_t i = 0; i < count; i++) {
		const int result = PREPARE[items[i]->kind](store, items[i]);

		if (result != SQLITE_OK)
			return lf_sqlite_write_error(store, error, result, "looking up what a record refers to");
	}
	return LF_OK;
}

static enum lf_code write_items(
	struct lf_store *store, struct lf_item *const *items, size_t count, struct lf_error *error)
{
	static int (*const WRITE[])(struct lf_store *, struct lf_item *) = {
		[LF_ITEM_DECISION] = lf_sqlite_write_decision,
		[LF_ITEM_RUBRIC] = lf_sqlite_write_rubric,
		[LF_ITEM_ACTIVATION] = lf_sqlite_write_activation,
		[LF_ITEM_ACT] = lf_sqlite_write_act,
		[LF_ITEM_REDACTION] = lf_sqlite_write_redaction,
	};

	for (size_t i = 0; i < count; i++) {
		int result;

		lf_sqlite_count_item(store);
		result = WRITE[items[i]->kind](store, items[i]);
		if (result == LF_SQLITE_CONTRADICTION)
			return lf_error_set(error, LF_INTERNAL,
				"what the log derives from its records contradicts itself: verify it");
		if (result != SQLITE_OK)
			return lf_sqlite_write_error(store, error, result, "storing a record");
	}
	return LF_OK;
}

static const struct lf_file_ops files = {
	.restore = lf_sqlite_restore,
	.vacuum = lf_sqlite_vacuum,
	.backup_step = lf_sqlite_backup_step,
	.backup_finish = lf_sqlite_backup_finish,
};

const struct lf_backend lf_sqlite_backend = {
	.name = "sqlite",
	.files = &files,
	.open = open_store,
	.open_read_only = lf_sqlite_open_read_only,
	.close = lf_sqlite_close,
	.discard = lf_sqlite_discard,
	.tail = lf_sqlite_tail,
	.begin = lf_sqlite_begin,
	.prepare = prepare_items,
	.write = write_items,
	.commit = lf_sqlite_commit,
	.rollback = lf_sqlite_rollback,
	.maintain = lf_sqlite_maintain,
	.probe = lf_sqlite_probe_write,
	.sync_ns = lf_sqlite_sync_ns,
	.measure = lf_sqlite_measure,
	.tail_hashes = lf_sqlite_tail_hashes,
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
	.list_keys = lf_sqlite_list_keys,
	.list_members = lf_sqlite_list_members,
	.list_payloads = lf_sqlite_list_payloads,
	.audit = lf_sqlite_audit,
	.get_payload = lf_sqlite_get_payload,
};
