/*
 * A store: its transactions, and how it is closed. It stands below both ways of opening one: backend.c and read_only.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/check.h"
#include "proto/base/clock.h"
#include "storage/sqlite/private.h"

/*
 * Pages of 8 KiB in the WAL at which a checkpoint is due: 16 MiB, about 12,000 decisions. Fewer: pages that every
 * commit touches are copied more often, and two syncs are paid more often. More: the pause of a checkpoint grows.
 */
enum { CHECKPOINT_PAGES = 2048 };

/* ---- transactions ---- */

enum lf_code lf_sqlite_begin(struct lf_store *store, struct lf_tail *tail, struct lf_error *error)
{
	int result;

	LF_CHECK(S1, store->transaction == LF_TRANSACTION_NONE);
	LF_CHECK(S2, store->leaf_count == 0 && store->decision_count == 0);
	if (lf_sqlite_check_room(store, error) != LF_OK)
		return error->code;
	store->largest = 0;
	if (store->decisions < 0) {
		const int64_t last = lf_sqlite_find_id(store->statements[W_LAST], &result);

		if (result == SQLITE_OK && last < 0)
			result = SQLITE_CORRUPT; /* sequences begin at 1 */
		if (result != SQLITE_OK)
			return lf_sqlite_write_error(store, error, result, "reading the end of the log");
		store->decisions = last;
	}
	lf_heads_prepare(&store->heads);
	result = lf_sqlite_run(store->statements[W_BEGIN]);
	if (result != SQLITE_OK)
		return lf_sqlite_write_error(store, error, result, "beginning a transaction");
	lf_sqlite_turn(store, LF_TRANSACTION_OPEN);
	if (tail != NULL && lf_sqlite_tail(store, tail, error) != LF_OK) {
		if (error->code != LF_DATA_LOSS)
			lf_sqlite_rollback(store);
		return error->code;
	}
	return LF_OK;
}

/* Writes the pages into the WAL, and syncs it. */
static int make_durable(struct lf_store *store)
{
	const uint64_t begun_ns = lf_clock_ns();
	const int result = lf_sqlite_run(store->statements[W_COMMIT]);

	store->sync_ns = lf_clock_ns() - begun_ns;
	return result;
}

uint64_t lf_sqlite_sync_ns(const struct lf_store *store)
{
	return store->sync_ns;
}

enum lf_code lf_sqlite_commit(struct lf_store *store, const struct lf_tail *tail, const struct lf_leaves *leaves,
	bool more, struct lf_error *error)
{
	int result;

	(void)more; /* nobody else wants the lock */
	LF_CHECK(S1, store->transaction == LF_TRANSACTION_OPEN);
	result = lf_sqlite_write_decisions(store);
	if (result == SQLITE_OK)
		result = lf_sqlite_write_heads(store);
	if (result == SQLITE_OK)
		result = lf_sqlite_write_leaves(store);
	if (result == SQLITE_OK)
		result = lf_sqlite_write_nodes(store, leaves);
	if (result == SQLITE_OK && leaves->tree.size != leaves->size_before)
		result = lf_sqlite_write_head(store, tail->tree.size, &tail->root);
	if (result == SQLITE_OK)
		result = make_durable(store);
	if (result != SQLITE_OK && lf_sqlite_write_error(store, error, result, "committing") != LF_OK) {
		/* The frames are synced before the index of the WAL gets room: a recovery would find them. */
		if (result == SQLITE_IOERR_SHMSIZE)
			error->code = LF_UNAVAILABLE;
		return error->code;
	}
	lf_sqlite_turn(store, LF_TRANSACTION_NONE);
	store->looked = true;
	return lf_sqlite_look(store, error);
}

void lf_sqlite_rollback(struct lf_store *store)
{
	/* SQLite has rolled back by itself after some errors. */
	if (sqlite3_get_autocommit(store->db) == 0)
		lf_sqlite_run(store->statements[W_ROLLBACK]);
	lf_sqlite_turn(store, LF_TRANSACTION_NONE);
	store->wal_unsure = true;
	lf_id_cache_clear(store->ids);
	lf_heads_clear(&store->heads);
	store->decision_count = 0;
	store->key_count = 0;
	store->leaf_count = 0;
	store->decisions = -1;
}

enum lf_code lf_sqlite_maintain(struct lf_store *store, struct lf_error *error)
{
	int in_wal = 0, copied = 0;
	int result;

	LF_CHECK(S4, store->transaction == LF_TRANSACTION_NONE);
	if (!store->looked && lf_sqlite_look(store, error) != LF_OK)
		return error->code;
	store->looked = false;
	if (lf_sqlite_keep_room(store, error) != LF_OK)
		return error->code;
	if (store->wal_pages < store->wal_pages_seen || store->checkpoint_at == 0)
		store->checkpoint_at = CHECKPOINT_PAGES; /* the WAL has restarted */
	store->wal_pages_seen = store->wal_pages;
	if (store->wal_pages < store->checkpoint_at)
		return LF_OK;
	/* PASSIVE waits for nobody: what a reader still needs stays in the WAL until the next time. */
	result = sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &in_wal, &copied);
	store->checkpoint_at = store->wal_pages + CHECKPOINT_PAGES / 4;
	lf_sqlite_note_size(store);
	return result == SQLITE_OK ? LF_OK : lf_sqlite_write_error(store, error, result, "checkpointing");
}

enum lf_code lf_sqlite_probe_write(struct lf_store *store, struct lf_error *error)
{
	int result;
	enum lf_code code;

	LF_CHECK(S4, store->transaction == LF_TRANSACTION_NONE);
	if (store->short_of_room && lf_sqlite_return_room(store, error) != LF_OK)
		return error->code;
	result = lf_sqlite_run(store->statements[W_BEGIN]);
	if (result == SQLITE_OK) {
		lf_sqlite_turn(store, LF_TRANSACTION_OPEN);
		result = lf_sqlite_run(store->statements[W_PROBE]);
	}
	if (result == SQLITE_OK)
		result = lf_sqlite_run(store->statements[W_COMMIT]);
	if (result == SQLITE_OK) {
		lf_sqlite_turn(store, LF_TRANSACTION_NONE);
		return lf_sqlite_look(store, error);
	}
	code = lf_sqlite_write_error(store, error, result, "trying to write");
	if (code != LF_DATA_LOSS)
		lf_sqlite_rollback(store);
	return code;
}

/* ---- closing ---- */

/* A log that was read alone: the -shm file that SQLite made for that goes. */
static void leave_read_only(struct lf_store *store)
{
	char *name = NULL;

	if (store->leaves_shm && store->lock >= 0)
		name = lf_sqlite_suffixed(store->path, "-shm");
	if (name != NULL)
		unlink(name);
	free(name);
	free(store->read_only_uri);
}

/* F5. */
static void take_away(const struct lf_store *store)
{
	static const char *const suffixes[] = {"-wal", "-shm"};
	struct stat named;

	LF_CHECK(S7, store->lock >= 0);
	if (stat(store->path, &named) != 0 || named.st_dev != store->made_device || named.st_ino != store->made_inode)
		return;
	unlink(store->path);
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		char *name = lf_sqlite_suffixed(store->path, suffixes[i]);

		if (name != NULL)
			unlink(name);
		free(name);
	}
}

static void close_store(struct lf_store *store, bool discard)
{
	lf_sqlite_backup_abandon(store);
	lf_sqlite_finalize(store->statements, W_COUNT);
	/*
	 * Closing checkpoints and removes the WAL, unless what is on disk is in doubt: then recovery at the next open
	 * decides.
	 */
	if (store->db != NULL && store->unknown)
		sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_close(store->db);
	if (store->wal >= 0)
		close(store->wal);
	leave_read_only(store);
	if (discard && store->made)
		take_away(store);
	lf_heads_clean_up(&store->heads);
	lf_id_cache_free(store->ids);
	lf_sqlite_release(store);
	free(store->lock_path);
	free(store->wal_path);
	free(store->path);
	free(store);
}

void lf_sqlite_close(struct lf_store *store)
{
	close_store(store, false);
}

void lf_sqlite_discard(struct lf_store *store)
{
	close_store(store, true);
}
