/*
 * Opening a log to be read alone (F4 of file.c, for good).
 *
 * Where there is no WAL, SQLite's "immutable" keeps it from making any file. Where there is one, of a service that was
 * killed, its content is part of the log: SQLite then indexes it in a -shm file, which is removed at the end where it
 * was not there before. The log and its WAL stay as they are, byte for byte. FILE.lock is held where it can be made, so
 * that no service begins to write meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/sqlite/private.h"

/*
 * What every log begins with: see check_header() in file.c. Its length is not looked at: what is cut off is
 * found by reading.
 */
static enum lf_code check_header(const char *path, bool has_wal, struct lf_error *error)
{
	uint8_t header[100] = {0};
	uint32_t numbers[2]; /* schema, application */
	const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
	const ssize_t length = descriptor < 0 ? -1 : pread(descriptor, header, sizeof(header), 0);
	const int cause = errno;

	if (descriptor >= 0)
		close(descriptor);
	if (length < 0)
		return lf_error_set(error, LF_UNAVAILABLE, "%s can't be read: %s", path, strerror(cause));
	for (size_t i = 0; i < 2; i++) {
		const uint8_t *at = header + 60 + 8 * i;

		numbers[i] = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
	}
	if (memcmp(header, "SQLite format 3", 16) != 0)
		return lf_error_set(
			error, LF_INVALID_ARGUMENT, "%s is not a decision log: it is not a SQLite file", path);
	if (numbers[1] != LF_SQLITE_APPLICATION_ID)
		return lf_error_set(error, LF_INVALID_ARGUMENT,
			"%s is not a decision log: it is a SQLite file of another application (id 0x%08x)", path,
			numbers[1]);
	if (numbers[0] > LF_SQLITE_SCHEMA)
		return lf_error_set(error, LF_FAILED_PRECONDITION,
			"%s has schema %u, and this leadfit knows up to %d: use a newer one", path, numbers[0],
			(int)LF_SQLITE_SCHEMA);
	if (numbers[0] < LF_SQLITE_SCHEMA && !has_wal) /* else the header that counts may be in the WAL */
		return lf_error_set(error, LF_FAILED_PRECONDITION,
			"%s has schema %u, of an older release: leadfitd brings it to schema %d when it starts with it",
			path, numbers[0], (int)LF_SQLITE_SCHEMA);
	return LF_OK;
}

/* Where FILE.lock can't be made (a read-only disk): whether somebody has it. */
static enum lf_code look_at_lock(const struct lf_store *store, struct lf_error *error)
{
	struct flock whole = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
	const int descriptor = open(store->lock_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (descriptor < 0)
		return LF_OK;
	if (fcntl(descriptor, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK)
		lf_error_set(error, LF_FAILED_PRECONDITION, "%s is in use by another leadfitd", store->path);
	close(descriptor);
	return error->code;
}

static enum lf_code claim(struct lf_store *store, const char *location, struct lf_error *error)
{
	struct lf_error locking = LF_ERROR_INIT;
	struct stat status;
	enum lf_code code;

	store->path = lf_sqlite_resolve(location, error);
	if (store->path == NULL)
		return error->code;
	if (stat(store->path, &status) != 0)
		return errno == ENOENT ? lf_error_set(error, LF_NOT_FOUND, "%s is not there", store->path)
				       : lf_error_set(error, LF_UNAVAILABLE, "%s: %s", store->path, strerror(errno));
	if (!S_ISREG(status.st_mode))
		return lf_error_set(error, LF_INVALID_ARGUMENT, "%s is not a regular file", store->path);
	if (check_header(store->path, lf_sqlite_size_of(store->path, "-wal") > 0, error) != LF_OK)
		return error->code;
	if (lf_sqlite_hold(store, true, error) == LF_FAILED_PRECONDITION)
		return error->code;
	lf_error_clean_up(error); /* it could not be locked: it may well be readable */
	code = lf_sqlite_lock(store, &locking);
	if (code == LF_FAILED_PRECONDITION || store->lock_path == NULL)
		lf_error_move(error, &locking);
	else if (code != LF_OK)
		look_at_lock(store, error);
	lf_error_clean_up(&locking);
	return error->code;
}

enum lf_code lf_sqlite_open_read_only(struct lf_store **out, const char *location, struct lf_error *error)
{
	struct lf_store *store = calloc(1, sizeof(*store));
	bool has_wal;

	if (store == NULL)
		return lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	store->lock = store->file = store->wal = -1;
	if (claim(store, location, error) != LF_OK)
		goto fail;
	has_wal = lf_sqlite_size_of(store->path, "-wal") > 0;
	if (lf_sqlite_size_of(store->path, "-journal") > 0) {
		lf_error_set(error, LF_FAILED_PRECONDITION,
			"%s has a -journal file, which a decision log never has: another program was writing it",
			store->path);
		goto fail;
	}
	store->leaves_shm = has_wal && lf_sqlite_size_of(store->path, "-shm") < 0;
	store->read_only_uri = lf_sqlite_uri_of(store->path, has_wal ? "?mode=ro" : "?mode=ro&immutable=1");
	if (store->read_only_uri == NULL) {
		lf_error_set(error, LF_UNAVAILABLE, "out of memory");
		goto fail;
	}
	*out = store;
	return LF_OK;
fail:
	lf_sqlite_close(store);
	return error->code;
}
