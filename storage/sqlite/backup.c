/*
 * A copy of the log while it is written.
 *
 * The writer's own connection is the source of sqlite3_backup: what it commits meanwhile goes into the copy, too, where
 * the pages were copied before, so that nothing has to begin again, and the copy is the log as of the last commit
 * before its last page. A step takes some pages for a bounded time and leaves the thread to the next batch.
 *
 *  B1  FILE is absent or a whole log, at any moment: the copy is made as FILE.part, and is renamed, never over
 *      something, when it is on disk.
 *  B2  The copy is one file: its connection keeps no journal, and it is closed before anything reads it. What is copied
 *      says WAL mode, so that it opens as a log does.
 *  B3  Whatever ends it, FILE.part is removed, but by a crash of the process: then it stays, and is nobody's until
 *      somebody removes it.
 *  B4  The writer waits for no fsync of the copy: that is finish()'s, on the thread that wants the copy. Writing back
 *      is asked for as the copy grows, so that little is left for the end, and the kernel has no reason to hold up the
 *      writer's own writes.
 *  B5  It ends: each step leaves less to copy than the one before, however much the batch between them added. So a
 *      commit waits for a step's time, or as long as copying takes what a batch writes.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/check.h"
#include "proto/base/clock.h"
#include "proto/base/file.h"
#include "storage/sqlite/private.h"

enum {
	PAGES_AT_ONCE = 16,    /* between two looks at the clock */
	PAGES_GAINED = 64,     /* what a step takes off what is left, whatever came meanwhile: B5 */
	STEP_NS = 1000 * 1000, /* what a commit may have to wait for a step, beyond that */
	WRITE_BACK_BYTES = 8 * 1024 * 1024,
};

struct lf_sqlite_backup {
	char *part;
	int file; /* FILE.part, for what SQLite does not do */
	sqlite3 *copy;
	sqlite3_backup *backup;
	off_t written_back;
	int left, done; /* pages after the last step */
};

static bool is_there(const char *path, const char *suffix)
{
	struct stat status;
	char *name = lf_sqlite_suffixed(path, suffix);
	bool there;

	if (name == NULL)
		return true;
	there = lstat(name, &status) == 0;
	free(name);
	return there;
}

/* The errno of something done to the copy. */
static enum lf_code file_error(struct lf_error *error, const char *path, const char *doing, int cause)
{
	return lf_error_set(error, cause == ENOSPC || cause == EDQUOT ? LF_RESOURCE_EXHAUSTED : LF_UNAVAILABLE,
		"%s %s: %s", path, doing, strerror(cause));
}

/* ---- where to ---- */

/* A file of these names is taken for the log's own at its next opening. */
static bool belongs_to_log(const struct lf_store *store, const char *path)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", "-journal", ".lock", ".new"};
	const size_t length = strlen(store->path);

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (strncmp(path, store->path, length) == 0 && strcmp(path + length, suffixes[i]) == 0)
			return true;
	return false;
}

static enum lf_code check_place(const struct lf_store *store, const char *path, struct lf_error *error)
{
	if (belongs_to_log(store, path))
		return lf_error_set(
			error, LF_INVALID_ARGUMENT, "%s is a name of the log itself: a copy needs another one", path);
	if (is_there(path, ""))
		return lf_error_set(error, LF_ALREADY_EXISTS, "%s is there: a copy replaces nothing", path);
	if (is_there(path, ".part"))
		return lf_error_set(error, LF_ALREADY_EXISTS,
			"%s.part is there: of another copy that is being made, or was when its service was killed; "
			"remove it then",
			path);
	/* SQLite would play them into the copy when that is opened. */
	if (is_there(path, "-wal") || is_there(path, "-journal"))
		return lf_error_set(error, LF_ALREADY_EXISTS,
			"%s-wal or %s-journal is there: of another file of that name", path, path);
	return LF_OK;
}

/* ---- steps ---- */

void lf_sqlite_backup_abandon(struct lf_store *store)
{
	struct lf_sqlite_backup *b = store->backup;

	if (b == NULL)
		return;
	sqlite3_backup_finish(b->backup);
	sqlite3_close(b->copy);
	if (b->file >= 0) {
		close(b->file);
		unlink(b->part);
	}
	free(b->part);
	free(b);
	store->backup = NULL;
}

/* The source is only read; so it is the copy that failed, or memory. Never DATA_LOSS: the log goes on. */
static enum lf_code copy_error(struct lf_error *error, sqlite3 *copy, int result, const char *path)
{
	const enum lf_code code = lf_sqlite_error(error, copy, result, path);

	return code == LF_RESOURCE_EXHAUSTED ? code : (error->code = LF_UNAVAILABLE);
}

/*
 * The copy's PRAGMAs. journal_mode=OFF, synchronous=OFF: a copy that fails is removed, and the end syncs.
 * locking_mode=EXCLUSIVE: nobody else has it; and once page 1 says WAL, SQLite would want a -shm otherwise. DEFENSIVE
 * is off: it forbids a journal of OFF. No statement but these runs here: pages are written, and nothing of them is read.
 */
static int open_copy(struct lf_sqlite_backup *b)
{
	int result = lf_sqlite_connect(&b->copy, b->part, SQLITE_OPEN_READWRITE);

	if (result == SQLITE_OK)
		result = sqlite3_db_config(b->copy, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
	if (result != SQLITE_OK)
		return result;
	return sqlite3_exec(b->copy, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;",
		NULL, NULL, NULL);
}

static enum lf_code start(struct lf_store *store, const struct lf_chore *chore, struct lf_error *error)
{
	char *path = lf_sqlite_resolve(chore->file, error);
	struct lf_sqlite_backup *b = path != NULL ? calloc(1, sizeof(*b)) : NULL;
	int result;

	if (path == NULL || check_place(store, path, error) != LF_OK)
		goto fail;
	if (b == NULL || (b->part = lf_sqlite_suffixed(path, ".part")) == NULL) {
		lf_error_set(error, LF_UNAVAILABLE, "out of memory");
		goto fail;
	}
	b->file = open(b->part, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (b->file < 0) {
		file_error(error, b->part, "can't be created", errno);
		goto fail;
	}
	b->left = INT_MAX;
	store->backup = b;
	free(path);
	result = open_copy(b);
	if (result == SQLITE_OK)
		b->backup = sqlite3_backup_init(b->copy, "main", store->db, "main");
	if (b->backup == NULL) {
		copy_error(error, b->copy, result != SQLITE_OK ? result : sqlite3_errcode(b->copy), b->part);
		lf_sqlite_backup_abandon(store);
	}
	return error->code;
fail:
	if (b != NULL)
		free(b->part);
	free(b);
	free(path);
	return error->code;
}

static int pages_done(const struct lf_sqlite_backup *b)
{
	return sqlite3_backup_pagecount(b->backup) - sqlite3_backup_remaining(b->backup);
}

static bool step_is_over(const struct lf_sqlite_backup *b, uint64_t start_ns)
{
	/*
	 * A transaction that was rolled back, or another program's write, has SQLite begin again: then there is nothing
	 * to make up for.
	 */
	if (pages_done(b) >= b->done && sqlite3_backup_remaining(b->backup) > b->left - PAGES_GAINED)
		return false;
	return lf_clock_ns() - start_ns >= STEP_NS;
}

/* B4: begins to write what has gathered, and does not wait for it. Only a hint, so it may fail. */
static void write_back(struct lf_sqlite_backup *b)
{
	struct stat status;

	if (fstat(b->file, &status) != 0 || status.st_size - b->written_back < WRITE_BACK_BYTES)
		return;
	(void)sync_file_range(b->file, b->written_back, status.st_size - b->written_back, SYNC_FILE_RANGE_WRITE);
	b->written_back = status.st_size;
}

/* Everything is copied: what it holds, and nothing of SQLite is left open. */
static enum lf_code end(struct lf_store *store, struct lf_chore *chore, struct lf_error *error)
{
	struct lf_sqlite_backup *b = store->backup;
	struct lf_tail tail = {0};
	sqlite3_backup *backup = b->backup;
	sqlite3 *copy = b->copy;
	int result, closed;

	b->backup = NULL;
	b->copy = NULL;
	result = sqlite3_backup_finish(backup);
	if (result != SQLITE_OK)
		copy_error(error, copy, result, b->part);
	closed = sqlite3_close(copy);
	if (result == SQLITE_OK && closed != SQLITE_OK)
		copy_error(error, NULL, closed, b->part);
	if (error->code == LF_OK && lf_sqlite_tail(store, &tail, error) != LF_OK)
		error->code = LF_UNAVAILABLE;
	if (error->code != LF_OK)
		return error->code;
	chore->head = (struct lf_tree_head){tail.tree.size, tail.root};
	close(b->file);
	b->file = -1; /* it is finish()'s now */
	return LF_OK;
}

enum lf_code lf_sqlite_backup_step(
	struct lf_store *store, struct lf_chore *chore, bool cancel, bool *more, struct lf_error *error)
{
	uint64_t start_ns;
	int result = SQLITE_OK;
	struct lf_sqlite_backup *b;

	LF_CHECK(S4, store->transaction == LF_TRANSACTION_NONE);
	*more = false;
	if (cancel) {
		lf_sqlite_backup_abandon(store);
		return LF_OK;
	}
	if (store->backup == NULL && start(store, chore, error) != LF_OK)
		return error->code;
	b = store->backup;
	start_ns = lf_clock_ns();
	do {
		result = sqlite3_backup_step(b->backup, PAGES_AT_ONCE);
	} while (result == SQLITE_OK && !step_is_over(b, start_ns));
	b->left = sqlite3_backup_remaining(b->backup);
	b->done = pages_done(b);
	write_back(b);
	if (chore->progress != NULL) {
		const int total = sqlite3_backup_pagecount(b->backup);

		chore->progress(
			chore->context, (uint64_t)(total - sqlite3_backup_remaining(b->backup)), (uint64_t)total);
	}
	/* BUSY, LOCKED: another program is at the file; the next step tries again. */
	*more = result == SQLITE_OK || (result & 0xff) == SQLITE_BUSY || (result & 0xff) == SQLITE_LOCKED;
	if (*more)
		return LF_OK;
	if (result == SQLITE_DONE)
		end(store, chore, error);
	else
		copy_error(error, NULL, result, b->part);
	lf_sqlite_backup_abandon(store);
	return error->code;
}

/* ---- the end ---- */

/* B1 */
static int rename_to_new(const char *from, const char *to)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	/* A file system that can't: a second name does the same. */
	return link(from, to) != 0 ? -1 : unlink(from);
}

static enum lf_code name_copy(const char *path, const char *part, struct lf_error *error)
{
	int failed;

	if (rename_to_new(part, path) != 0)
		return errno == EEXIST
			? lf_error_set(error, LF_ALREADY_EXISTS, "%s has come meanwhile: a copy replaces nothing", path)
			: file_error(error, path, "can't be given its name", errno);
	failed = lf_file_sync_folder(path);
	if (failed != 0) {
		file_error(error, path, "can't be kept, as its directory can't be synced", failed);
		unlink(path);
	}
	return error->code;
}

enum lf_code lf_sqlite_backup_finish(struct lf_store *store, struct lf_chore *chore, struct lf_error *error)
{
	struct stat status;
	char *path = lf_sqlite_resolve(chore->file, error),
	     *part = path != NULL ? lf_sqlite_suffixed(path, ".part") : NULL;
	struct lf_store copy = {.path = part, .lock = -1, .file = -1};
	int failed;

	(void)store;
	if (part == NULL) {
		lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	} else if ((failed = lf_sqlite_sync_file(part)) != 0 || (failed = stat(part, &status) != 0 ? errno : 0) != 0) {
		file_error(error, part, "can't be written to its disk", failed);
	} else if (lf_sqlite_inspect(&copy, error) == LF_OK) {
		chore->bytes = (uint64_t)status.st_size;
		name_copy(path, part, error);
	}
	if (error->code == LF_FAILED_PRECONDITION || error->code == LF_DATA_LOSS)
		error->code = LF_UNAVAILABLE;
	if (error->code != LF_OK && part != NULL)
		unlink(part);
	free(part);
	free(path);
	return error->code;
}
