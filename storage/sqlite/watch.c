/*
 * The file under our feet.
 *
 *  F6  What is acknowledged is in the file that has the log's name. So after each commit, before anybody is told of it,
 *      and once a second where there is none: FILE is the file that was opened, has one name, and is as long as it was;
 *      its WAL is the one that was opened, and has what was committed to it; and no reader was told by SQLite that a
 *      page is malformed. Anything else is DATA_LOSS, which ends writing and the service.
 *
 * SQLite itself would go on: it has the files open, and what they are called, or that a part was cut off and is a hole
 * now, it doesn't see. Where only names changed, all that was acknowledged is in the files that are open still: it is
 * brought from the WAL into FILE before the service ends, so FILE has it wherever it is now.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/check.h"
#include "storage/sqlite/private.h"

/* https://sqlite.org/fileformat2.html, 1.3, 4.1 and 4.2 */
enum { SALTS = 8, SALTS_IN_HEADER = 16, SALTS_IN_FRAME = 8, PAGE_SIZE_IN_FILE = 16 };

enum finding {
	FINE,
	RENAMED, /* the files are whole, and have other names than they had */
	DAMAGED,
};

/*
 * Which file it is, its length and how many names it has; of path or, where that is NULL, of an open file. Not its
 * times: a Linux that was asked for those (since 6.13) gives the next write a time of its own, and the sync after it
 * writes the inode once more, in each commit.
 */
static bool ask(int file, const char *path, struct statx *status)
{
	const unsigned wanted = STATX_INO | STATX_SIZE | STATX_NLINK;

	return (path == NULL ? statx(file, "", AT_EMPTY_PATH, wanted, status)
			     : statx(AT_FDCWD, path, 0, wanted, status)) == 0;
}

/* Whether path is the file that status is of. */
static bool is_at(const char *path, const struct statx *status)
{
	struct statx named;

	return ask(-1, path, &named) && named.stx_ino == status->stx_ino &&
		named.stx_dev_major == status->stx_dev_major && named.stx_dev_minor == status->stx_dev_minor;
}

static enum finding find(struct lf_error *error, enum finding finding, const char *path, const char *what)
{
	lf_error_set(error, LF_DATA_LOSS, "%s %s while the service had it", path, what);
	return finding;
}

static enum finding look_at_file(const struct lf_store *store, struct lf_error *error)
{
	struct statx status;

	if (atomic_load(&store->malformed))
		return find(error, DAMAGED, store->path, "became malformed: a read has met a page that can't be one,");
	if (!ask(store->file, NULL, &status))
		return find(error, DAMAGED, store->path, "could no longer be looked at");
	if ((off_t)status.stx_size < store->size)
		return find(error, DAMAGED, store->path, "was cut short");
	if (status.stx_nlink > 1)
		return find(error, RENAMED, store->path, "got another name (a hard link)");
	if (is_at(store->path, &status))
		return FINE;
	return find(error, RENAMED, store->path,
		access(store->path, F_OK) == 0 ? "was replaced by another file" : "was deleted or moved away");
}

/* Whether the frame of this number, from 1 on, has the salts of the WAL's header: a hole has not. */
static bool has_frame(const struct lf_store *store, const uint8_t salts[SALTS], int number)
{
	uint8_t own[SALTS];
	const off_t at = LF_SQLITE_WAL_HEADER + (number - 1) * store->frame_size + SALTS_IN_FRAME;

	return pread(store->wal, own, SALTS, at) == SALTS && memcmp(own, salts, SALTS) == 0;
}

/*
 * The length finds a WAL that was cut since the last commit. Was it cut while this one wrote, that made a hole: then the
 * header, or the frame that was the last one before, is in it.
 */
static bool has_commits(const struct lf_store *store, const struct statx *status)
{
	uint8_t salts[SALTS];

	if (store->wal_pages == 0 || store->wal_unsure)
		return true;
	return pread(store->wal, salts, SALTS, SALTS_IN_HEADER) == SALTS &&
		(off_t)status->stx_size >= LF_SQLITE_WAL_HEADER + store->wal_pages * store->frame_size &&
		has_frame(store, salts, store->wal_pages) &&
		(store->wal_pages_whole == 0 || store->wal_pages_whole > store->wal_pages ||
			has_frame(store, salts, store->wal_pages_whole));
}

static enum finding look_at_wal(struct lf_store *store, struct lf_error *error)
{
	struct statx status;

	if (!ask(store->wal, NULL, &status))
		return find(error, DAMAGED, store->wal_path, "could no longer be looked at");
	if (!has_commits(store, &status))
		return find(error, DAMAGED, store->wal_path, "was cut short or overwritten");
	if (!store->wal_unsure)
		store->wal_pages_whole = store->wal_pages;
	return is_at(store->wal_path, &status)
		? FINE
		: find(error, RENAMED, store->wal_path, "was deleted, moved away or replaced");
}

/*
 * All that was acknowledged, from the WAL into FILE, whatever that is called now. And where another file has FILE's
 * name, our WAL gives its own up: SQLite would play it into that one.
 */
static void bring_home(const struct lf_store *store)
{
	struct statx file, wal;
	char *aside;

	sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_FULL, NULL, NULL);
	if (!ask(store->file, NULL, &file) || is_at(store->path, &file) || access(store->path, F_OK) != 0 ||
		!ask(store->wal, NULL, &wal) || !is_at(store->wal_path, &wal))
		return;
	aside = lf_sqlite_suffixed(store->wal_path, ".of-the-replaced");
	if (aside != NULL)
		rename(store->wal_path, aside);
	free(aside);
}

enum lf_code lf_sqlite_look(struct lf_store *store, struct lf_error *error)
{
	enum finding finding, of_wal;

	LF_CHECK(S4, store->transaction == LF_TRANSACTION_NONE);
	finding = look_at_file(store, error);
	if (finding != DAMAGED) {
		of_wal = look_at_wal(store, error);
		finding = of_wal > finding ? of_wal : finding;
	}
	if (finding == FINE)
		return LF_OK;
	if (finding == RENAMED)
		bring_home(store);
	store->unknown = true;
	return error->code;
}

void lf_sqlite_note_size(struct lf_store *store)
{
	struct statx status;

	if (ask(store->file, NULL, &status))
		store->size = (off_t)status.stx_size;
	store->reserved_to = store->size; /* SQLite has cut FILE to its size, and given back what was reserved beyond */
}

enum lf_code lf_sqlite_watch(struct lf_store *store, struct lf_error *error)
{
	uint8_t size[2];

	store->wal_path = lf_sqlite_suffixed(store->path, "-wal");
	if (store->wal_path == NULL)
		return lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	/* SQLite has made it. It locks nothing in it, so that this descriptor may be closed at any time. */
	store->wal = open(store->wal_path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (store->wal < 0)
		return lf_error_set(error, LF_UNAVAILABLE, "%s can't be opened: %s", store->wal_path, strerror(errno));
	if (pread(store->file, size, sizeof(size), PAGE_SIZE_IN_FILE) != (ssize_t)sizeof(size))
		return lf_error_set(error, LF_UNAVAILABLE, "%s can't be read: %s", store->path, strerror(errno));
	store->frame_size = size[0] << 8 | size[1];
	store->frame_size = (store->frame_size == 1 ? 65536 : store->frame_size) + LF_SQLITE_FRAME_HEADER;
	lf_sqlite_note_size(store);
	return LF_OK;
}
