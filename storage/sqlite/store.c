/* What a store holds, released. It stands below both ways of opening one: backend.c and read_only.c. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/check.h"
#include "storage/sqlite/private.h"

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
	free(store->scratch);
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
