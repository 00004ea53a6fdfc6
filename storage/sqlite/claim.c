/*
 * Whose the file is.
 *
 *  F1  At most one store has a file, over all processes, by whatever name each knows it. Two locks of open file
 *      descriptions, which the kernel drops with the process, see to it:
 *      - FILE.lock, so that two that find no file don't both make one;
 *      - one byte of FILE itself, so that the same file under another name (a hard link, a bind mount) is the same.
 *      SQLite finds the WAL by name, so a file with more than one name is refused even when it is idle.
 *  F2  FILE.lock is removed by its holder only, while it holds it; who locked a file that is no longer the one of that
 *      name starts again. So the name and the lock never part.
 *
 * FILE's byte and SQLite. SQLite's own locks are POSIX locks on bytes 0x40000000 to 0x400001ff. Those of one process and
 * its open file descriptions conflict like those of two processes, so our byte is one that no SQLite file reaches. And
 * closing any descriptor of a file drops all POSIX locks that the process has on it, SQLite's included: so our
 * descriptor is opened before SQLite opens the file, and closed after it has closed it (lf_sqlite_close()); and nothing
 * else here opens and closes FILE meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/file.h"
#include "storage/sqlite/private.h"

enum { LOCK_ATTEMPTS = 100 };

/* 2^50: SQLite's largest file has 2^48 bytes. */
static const off_t LOCK_BYTE = (off_t)1 << 50;

/* ---- by name ---- */

static enum lf_code refuse_locked(struct lf_store *store, int descriptor, struct lf_error *error)
{
	char pid[24];
	const ssize_t length = pread(descriptor, pid, sizeof(pid) - 1, 0);

	pid[length > 0 ? length : 0] = '\0';
	pid[strcspn(pid, "\n")] = '\0';
	return lf_error_set(error, LF_FAILED_PRECONDITION,
		"%s is in use by another leadfitd (process %s): a log has one service at a time", store->path,
		pid[0] != '\0' ? pid : "unknown");
}

/* F1, F2. LF_OK with store->lock -1: try again. */
static enum lf_code try_lock(struct lf_store *store, struct lf_error *error)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	struct stat opened, named;
	char pid[24];
	const int descriptor = open(store->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int length;

	if (descriptor < 0)
		return lf_error_set(error, LF_UNAVAILABLE,
			"%s can't be written (its directory must be writable too): %s", store->lock_path,
			strerror(errno));
	if (fcntl(descriptor, F_OFD_SETLK, &whole) != 0) {
		if (errno == EAGAIN || errno == EACCES)
			refuse_locked(store, descriptor, error);
		else
			lf_error_set(
				error, LF_UNAVAILABLE, "%s can't be locked: %s", store->lock_path, strerror(errno));
		close(descriptor);
		return error->code;
	}
	if (fstat(descriptor, &opened) != 0 || stat(store->lock_path, &named) != 0 || opened.st_dev != named.st_dev ||
		opened.st_ino != named.st_ino) {
		close(descriptor);
		return LF_OK;
	}
	length = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	/* Only for the message to others; a full disk must not matter here. */
	if (ftruncate(descriptor, 0) != 0 || pwrite(descriptor, pid, (size_t)length, 0) != length) {
		const int emptied = ftruncate(descriptor, 0);

		(void)emptied;
	}
	store->lock = descriptor;
	return LF_OK;
}

enum lf_code lf_sqlite_lock(struct lf_store *store, struct lf_error *error)
{
	store->lock_path = lf_sqlite_suffixed(store->path, ".lock");
	if (store->lock_path == NULL)
		return lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	for (int attempt = 0; store->lock < 0; attempt++) {
		if (attempt == LOCK_ATTEMPTS)
			return lf_error_set(
				error, LF_UNAVAILABLE, "%s can't be locked: it keeps changing", store->lock_path);
		if (try_lock(store, error) != LF_OK)
			return error->code;
	}
	return LF_OK;
}

/* ---- by file ---- */

enum lf_code lf_sqlite_hold(struct lf_store *store, bool shared, struct lf_error *error)
{
	struct flock byte = {
		.l_type = shared ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET, .l_start = LOCK_BYTE, .l_len = 1};
	const int descriptor = open(store->path, (shared ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOFOLLOW);

	if (store->file >= 0)
		close(store->file);
	store->file = descriptor;
	if (descriptor < 0)
		return errno == ENOENT
			? LF_OK
			: lf_error_set(error, LF_UNAVAILABLE, "%s can't be opened: %s", store->path, strerror(errno));
	if (fcntl(descriptor, F_OFD_SETLK, &byte) == 0)
		return LF_OK;
	if (errno != EAGAIN && errno != EACCES)
		return lf_error_set(error, LF_UNAVAILABLE, "%s can't be locked: %s", store->path, strerror(errno));
	return lf_error_set(error, LF_FAILED_PRECONDITION,
		"%s is in use by another leadfitd, which has it under another name: a log has one service at a time",
		store->path);
}

void lf_sqlite_release(struct lf_store *store)
{
	if (store->file >= 0)
		close(store->file);
	store->file = -1;
	if (store->lock < 0)
		return;
	unlink(store->lock_path);
	close(store->lock);
	store->lock = -1;
}

/* ---- claiming ---- */

char *lf_sqlite_resolve(const char *location, struct lf_error *error)
{
	return lf_file_resolve(location, error);
}

static enum lf_code check_kind(const char *path, const struct stat *status, struct lf_error *error)
{
	if (S_ISDIR(status->st_mode))
		return lf_error_set(error, LF_UNAVAILABLE, "%s is a directory, not a file", path);
	if (!S_ISREG(status->st_mode))
		return lf_error_set(error, LF_UNAVAILABLE, "%s is not a regular file", path);
	if (faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) != 0)
		return lf_error_set(error, LF_UNAVAILABLE, "%s can't be read and written: %s", path, strerror(errno));
	if (status->st_nlink > 1)
		return lf_error_set(error, LF_FAILED_PRECONDITION,
			"%s has %lu names (hard links), and its WAL goes by one of them: remove the others (find "
			"DIRECTORY "
			"-samefile %s), or copy it (cp) and move the copy here",
			path, (unsigned long)status->st_nlink, path);
	return LF_OK;
}

enum lf_code lf_sqlite_claim(struct lf_store *store, const char *location, bool *create, struct lf_error *error)
{
	struct stat status;

	if (location == NULL || location[0] == '\0' || location[strlen(location) - 1] == '/')
		return lf_error_set(error, LF_UNAVAILABLE, "\"%s\" names no file", location == NULL ? "" : location);
	store->path = lf_sqlite_resolve(location, error);
	if (store->path == NULL)
		return error->code == LF_ALREADY_EXISTS ? error->code = LF_FAILED_PRECONDITION : error->code;
	/* Before it is opened, too: where this process has it already, closing it again would drop SQLite's locks. */
	if (stat(store->path, &status) == 0 && check_kind(store->path, &status, error) != LF_OK)
		return error->code;
	if (lf_sqlite_lock(store, error) != LF_OK || lf_sqlite_hold(store, false, error) != LF_OK)
		return error->code;
	/* Again, as the file may have come, gone or got another name before the locks were held. */
	*create = store->file < 0;
	if (*create)
		return LF_OK;
	if (fstat(store->file, &status) != 0)
		return lf_error_set(error, LF_UNAVAILABLE, "%s: %s", store->path, strerror(errno));
	*create = status.st_size == 0;
	return check_kind(store->path, &status, error);
}
