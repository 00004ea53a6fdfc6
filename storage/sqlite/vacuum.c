/*
 * VACUUM: the file is written anew, so that no page, and no gap in a page, has anything of what was deleted, and the
 * WAL is cut to nothing.
 *
 * It is one transaction: SQLite makes a compact copy in a temporary file, and writes that over the database through the
 * WAL. So it needs room for two more copies while it runs, beside the database: the temporary file (which has no name)
 * and the WAL. All else that the log does keeps temporary data in memory; a copy of a large file would not fit there.
 */
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "proto/base/check.h"
#include "storage/sqlite/private.h"

static uint64_t bytes_on_disk(const struct lf_store *store)
{
	static const char *const suffixes[] = {"", "-wal"};
	uint64_t bytes = 0;
	struct stat status;

	for (size_t i = 0; i < 2; i++) {
		char *name = sqlite3_mprintf("%s%s", store->path, suffixes[i]);

		if (name != NULL && stat(name, &status) == 0)
			bytes += (uint64_t)status.st_size;
		sqlite3_free(name);
	}
	return bytes;
}

/*
 * Temporary files of this process go beside the database from now on. The setting is the process's: SQLite changes and
 * reads it under a mutex of its own, and as every other connection of ours keeps temporary data in memory, nobody else
 * asks for it.
 */
static int use_files(struct lf_store *store)
{
	char *copy = strdup(store->path);
	char *sql = copy == NULL
		? NULL
		: sqlite3_mprintf("PRAGMA temp_store_directory=%Q; PRAGMA temp_store=FILE;", dirname(copy));
	const int result = sql == NULL ? SQLITE_NOMEM : sqlite3_exec(store->db, sql, NULL, NULL, NULL);

	sqlite3_free(sql);
	free(copy);
	return result;
}

static int use_memory(struct lf_store *store)
{
	return sqlite3_exec(store->db, "PRAGMA temp_store=MEMORY; PRAGMA temp_store_directory='';", NULL, NULL, NULL);
}

/* What the writing connection remembers of what is in the file no more. */
static void forget(struct lf_store *store)
{
	lf_id_cache_clear(store->ids);
	for (size_t i = 0; i < W_COUNT; i++)
		sqlite3_clear_bindings(store->statements[i]);
	sqlite3_db_release_memory(store->db);
}

enum lf_code lf_sqlite_vacuum(struct lf_store *store, struct lf_chore *chore, struct lf_error *error)
{
	int result;

	LF_CHECK(S4, store->transaction == LF_TRANSACTION_NONE);
	chore->bytes_before = bytes_on_disk(store);
	result = use_files(store);
	if (result == SQLITE_OK)
		result = sqlite3_exec(store->db, "VACUUM", NULL, NULL, NULL);
	if (result != SQLITE_OK)
		lf_sqlite_write_error(store, error, result, "rewriting the file");
	if (store->unknown)
		return error->code;
	/* Also after a failure: what it left in the WAL may be what fills the disk. */
	result = lf_sqlite_cut_wal(store);
	if (result != SQLITE_OK && error->code == LF_OK)
		lf_sqlite_write_error(store, error, result, "cutting the WAL");
	result = use_memory(store);
	if (result != SQLITE_OK && error->code == LF_OK)
		lf_sqlite_write_error(store, error, result, "ending the use of temporary files");
	forget(store);
	chore->bytes = bytes_on_disk(store);
	return error->code;
}
