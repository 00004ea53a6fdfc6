/*
 * Putting a copy of another log in the place of a log.
 *
 *  P1  The copy is whole and on disk, under a name of its own, and was checked there, before anything else changes:
 *      with what the check wrote to it.
 *  P2  The old log keeps its name until the new one takes it, by one rename: its other name is a second link to it.
 *  P3  No WAL of the old log is there when the new one takes the name: SQLite would play it into that. So it is played
 *      into the old log first; where that can't be done, as the old log is damaged, it is moved along with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/file.h"
#include "storage/sqlite/private.h"

enum { CHUNK = 8 * 1024 * 1024 };

struct restoring {
	struct lf_store store; /* path and lock only */
	const char *from;
	char *copy, *kept;
	bool copied; /* the copy is there */
	struct lf_error *error;
};

static enum lf_code fail(struct restoring *r, const char *path, const char *doing, int cause)
{
	return lf_error_set(r->error, cause == ENOSPC || cause == EDQUOT ? LF_RESOURCE_EXHAUSTED : LF_UNAVAILABLE,
		"%s %s: %s", path, doing, strerror(cause));
}

static bool is_there(const char *path, const char *suffix, bool filled)
{
	struct stat status;
	char *name = lf_sqlite_suffixed(path, suffix);
	const bool there = name != NULL && lstat(name, &status) == 0 && (!filled || status.st_size > 0);

	free(name);
	return there;
}

/* Moves a file that goes with the log to the name that is kept, or back, where it is there. */
static bool move_suffixed(const char *log, const char *to_log, const char *suffix)
{
	char *from = lf_sqlite_suffixed(log, suffix), *to = lf_sqlite_suffixed(to_log, suffix);
	const bool done = from != NULL && to != NULL && (rename(from, to) == 0 || errno == ENOENT);

	free(from);
	free(to);
	return done;
}

static void discard_suffixed(const char *log, const char *suffix)
{
	char *name = lf_sqlite_suffixed(log, suffix);

	if (name != NULL)
		unlink(name);
	free(name);
}

/* What the check may have made with the copy, by opening it as a log. */
static void discard_beside_copy(const struct restoring *r)
{
	static const char *const suffixes[] = {"-wal", "-shm", ".lock"};

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		discard_suffixed(r->copy, suffixes[i]);
}

/* ---- P1 ---- */

static int copy_bytes(int from, int to, off_t size)
{
	for (off_t done = 0; done < size;) {
		const ssize_t sent = sendfile(to, from, &done, CHUNK);

		if (sent < 0 && errno != EINTR)
			return errno;
		if (sent == 0)
			return EIO; /* it got shorter */
	}
	return fsync(to) != 0 ? errno : 0;
}

static enum lf_code copy(struct restoring *r, uint64_t *bytes)
{
	struct stat source, target;
	const int from = open(r->from, O_RDONLY | O_CLOEXEC);
	int to, failed;

	if (from < 0 && errno == ENOENT) {
		lf_error_set(r->error, LF_NOT_FOUND, "%s is not there", r->from);
		goto out;
	}
	if (from < 0 || fstat(from, &source) != 0) {
		fail(r, r->from, "can't be read", errno);
		goto out;
	}
	if (!S_ISREG(source.st_mode)) {
		lf_error_set(r->error, LF_INVALID_ARGUMENT, "%s is not a regular file", r->from);
		goto out;
	}
	if (stat(r->store.path, &target) == 0 && target.st_dev == source.st_dev && target.st_ino == source.st_ino) {
		lf_error_set(r->error, LF_INVALID_ARGUMENT, "%s is the log itself", r->from);
		goto out;
	}
	unlink(r->copy); /* of a restore that was killed */
	discard_beside_copy(r);
	to = open(r->copy, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0) {
		fail(r, r->copy, "can't be created", errno);
		goto out;
	}
	failed = copy_bytes(from, to, source.st_size);
	close(to);
	if (failed != 0) {
		fail(r, r->copy, "can't be written", failed);
		unlink(r->copy);
	}
	r->copied = failed == 0;
	*bytes = (uint64_t)source.st_size;
out:
	if (from >= 0)
		close(from);
	return r->error->code;
}

/* What the check has written to the copy is on disk, too. A WAL that is left has some of it: that is no whole log. */
static enum lf_code sync_copy(struct restoring *r, uint64_t *bytes)
{
	const int file = open(r->copy, O_RDONLY | O_CLOEXEC);
	struct stat status;

	if (file < 0 || fsync(file) != 0 || fstat(file, &status) != 0)
		fail(r, r->copy, "can't be synced", errno);
	else if (is_there(r->copy, "-wal", true))
		lf_error_set(r->error, LF_UNAVAILABLE, "%s was not closed", r->copy);
	else
		*bytes = (uint64_t)status.st_size;
	if (file >= 0)
		close(file);
	return r->error->code;
}

/* ---- P3 ---- */

/* Best effort: closing the last connection checkpoints, and removes the WAL. */
static void play_wal(const struct restoring *r)
{
	sqlite3 *db = NULL;

	if (!is_there(r->store.path, "-wal", true))
		return;
	if (lf_sqlite_connect(&db, r->store.path, SQLITE_OPEN_READWRITE) == SQLITE_OK)
		sqlite3_exec(db, "PRAGMA synchronous=FULL; PRAGMA wal_checkpoint(TRUNCATE);", NULL, NULL, NULL);
	sqlite3_close(db);
}

/* ---- P2 ---- */

static enum lf_code exchange(struct restoring *r, bool *kept)
{
	int failed;

	if (is_there(r->store.path, "", false)) {
		play_wal(r);
		if (link(r->store.path, r->kept) != 0)
			return fail(r, r->kept, "can't be made", errno);
		*kept = true;
	}
	if (!move_suffixed(r->store.path, r->kept, "-wal") || !move_suffixed(r->store.path, r->kept, "-shm"))
		fail(r, r->store.path, "has a -wal or -shm file that can't be moved", errno);
	else if ((failed = lf_file_sync_folder(r->store.path)) != 0)
		fail(r, r->store.path, "can't be replaced", failed);
	else if (rename(r->copy, r->store.path) != 0)
		fail(r, r->store.path, "can't be replaced", errno);
	else if ((failed = lf_file_sync_folder(r->store.path)) != 0)
		return fail(r, r->store.path, "was replaced, but its directory can't be synced", failed);
	if (r->error->code != LF_OK) { /* the old log, as it was */
		move_suffixed(r->kept, r->store.path, "-wal");
		move_suffixed(r->kept, r->store.path, "-shm");
		if (*kept)
			unlink(r->kept);
		*kept = false;
	}
	return r->error->code;
}

/* Whether somebody has it that may be writing to it. (What they write while it is copied, the check finds.) */
static enum lf_code look_at_source(struct restoring *r)
{
	struct lf_store source = {.lock = -1, .file = -1};
	struct lf_error ignored = LF_ERROR_INIT;

	if (is_there(r->from, "-wal", true) || is_there(r->from, "-journal", true))
		return lf_error_set(r->error, LF_FAILED_PRECONDITION,
			"%s has a -wal or -journal file: it is no backup, but a log that was not closed; make a backup "
			"of it with its service",
			r->from);
	source.path = realpath(r->from, NULL);
	/* A disk that can't be written to has no service's log. */
	if (source.path != NULL && strcmp(source.path, r->store.path) != 0 &&
		(lf_sqlite_lock(&source, &ignored) == LF_FAILED_PRECONDITION ||
			lf_sqlite_hold(&source, true, &ignored) == LF_FAILED_PRECONDITION))
		lf_error_move(r->error, &ignored);
	lf_sqlite_release(&source);
	lf_error_clean_up(&ignored);
	free(source.lock_path);
	free(source.path);
	return r->error->code;
}

enum lf_code lf_sqlite_restore(const char *location, const char *from, bool (*check)(void *context, const char *copy),
	void *context, struct lf_replaced *replaced, struct lf_error *error)
{
	struct restoring r = {.store = {.path = lf_sqlite_resolve(location, error), .lock = -1, .file = -1},
		.from = from,
		.error = error};

	if (r.store.path == NULL)
		return error->code;
	r.copy = lf_sqlite_suffixed(r.store.path, ".restoring");
	r.kept = lf_sqlite_suffixed(r.store.path, ".before-restore");
	if (r.copy == NULL || r.kept == NULL || strlen(r.kept) >= sizeof(replaced->kept_as))
		lf_error_set(error, LF_UNAVAILABLE, "out of memory, or too long a name");
	else if (lf_sqlite_lock(&r.store, error) != LF_OK || lf_sqlite_hold(&r.store, false, error) != LF_OK)
		;
	else if (is_there(r.kept, "", false) || is_there(r.kept, "-wal", false))
		lf_error_set(error, LF_ALREADY_EXISTS,
			"%s is there, of an earlier restore: move it away, with the files that go with it", r.kept);
	else if (look_at_source(&r) != LF_OK || copy(&r, &replaced->bytes) != LF_OK)
		;
	else if (!check(context, r.copy))
		lf_error_set(error, LF_CANCELLED, "the copy was not found good");
	else if (sync_copy(&r, &replaced->bytes) == LF_OK)
		exchange(&r, &replaced->kept);
	if (r.copied)
		discard_beside_copy(&r);
	if (r.copied && error->code != LF_OK)
		unlink(r.copy);
	if (replaced->kept)
		snprintf(replaced->kept_as, sizeof(replaced->kept_as), "%s", r.kept);
	lf_sqlite_release(&r.store);
	free(r.store.lock_path);
	free(r.store.path);
	free(r.copy);
	free(r.kept);
	return error->code;
}
