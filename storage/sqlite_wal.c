/*
 * How the writing connection writes its WAL: a transaction in one piece.
 *
 * SQLite writes each page of a transaction to the WAL by two calls, a header of 24 bytes and the page, one behind the other, and then syncs.
 * The VFS here stands before the default one and keeps what is written to the WAL, as long as each piece follows the one before it; the sync
 * writes it first. Every other file of the connection is the default VFS's own.
 *
 *  V1  Nobody sees the difference. Whatever else is asked of the file (a read, its size, a truncation, a sync) comes after what was kept is
 *      written. Other connections read what the wal-index says is committed, and SQLite says so after the sync, as synchronous is FULL.
 *  V2  An error of writing what was kept is the error of the call that had it written, which belongs to the same transaction: SQLite asks
 *      for a sync before it takes a transaction for committed. What was kept is forgotten then, as a write that failed leaves nothing
 *      certain there either, and the next transaction begins at the same place.
 *  V3  The disk has no more and no less after a sync than it would have without this file.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/sqlite_private.h"

/* 31 pages with their headers: the commits of a busy service. What is longer is written in pieces. */
enum {
	KEPT_MAX = 256 * 1024,
	PAGE = 4096, /* of the kernel's cache; it only matters to speed */
	PIECE_MAX = 64 * 1024 /* no longer than a page can be: SQLite's own VFS takes no more than 128 KiB */
};

struct lf_sqlite_vfs {
	sqlite3_vfs vfs;
	sqlite3_vfs *real;
	char name[32];
};

/* SQLite allocates szOsFile bytes: this, and the real file behind it. */
struct wal_file {
	sqlite3_file base;
	sqlite3_file *real;
	uint8_t *buffer; /* KEPT_MAX + PAGE */
	uint8_t *kept;   /* in it, as far from the begin of a page as in the file: so the kernel copies it fastest */
	size_t length;
	sqlite3_int64 offset; /* of kept in the file */
};

static struct wal_file *wal_of(sqlite3_file *file)
{
	return (struct wal_file *)file;
}

static sqlite3_file *real_of(sqlite3_file *file)
{
	return wal_of(file)->real;
}

/* V2 */
static int write_kept(struct wal_file *wal)
{
	const size_t length = wal->length;
	int result = SQLITE_OK;
	wal->length = 0;
	for (size_t done = 0; done < length && result == SQLITE_OK; done += PIECE_MAX) {
		const size_t left = length - done;
		result = wal->real->pMethods->xWrite(wal->real, wal->kept + done, (int)(left < PIECE_MAX ? left : PIECE_MAX),
			wal->offset + (sqlite3_int64)done);
	}
	return result;
}

/* ---- the methods of the WAL ---- */

static int wal_close(sqlite3_file *file)
{
	/* What is kept here was never synced, so nobody was told that it is there. */
	free(wal_of(file)->buffer);
	return real_of(file)->pMethods->xClose(real_of(file));
}

static int wal_write(sqlite3_file *file, const void *data, int length, sqlite3_int64 offset)
{
	struct wal_file *wal = wal_of(file);
	const size_t size = (size_t)length;
	int result = SQLITE_OK;
	if (wal->length > 0 && (offset != wal->offset + (sqlite3_int64)wal->length || size > KEPT_MAX - wal->length))
		result = write_kept(wal);
	if (result != SQLITE_OK || size > KEPT_MAX)
		return result != SQLITE_OK ? result : wal->real->pMethods->xWrite(wal->real, data, length, offset);
	if (wal->length == 0) {
		wal->offset = offset;
		wal->kept = wal->buffer + offset % PAGE;
	}
	memcpy(wal->kept + wal->length, data, size);
	wal->length += size;
	return SQLITE_OK;
}

static int wal_read(sqlite3_file *file, void *data, int length, sqlite3_int64 offset)
{
	const int result = write_kept(wal_of(file));
	return result != SQLITE_OK ? result : real_of(file)->pMethods->xRead(real_of(file), data, length, offset);
}

static int wal_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	const int result = write_kept(wal_of(file));
	return result != SQLITE_OK ? result : real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int wal_sync(sqlite3_file *file, int flags)
{
	const int result = write_kept(wal_of(file));
	return result != SQLITE_OK ? result : real_of(file)->pMethods->xSync(real_of(file), flags);
}

static int wal_size(sqlite3_file *file, sqlite3_int64 *size)
{
	const int result = write_kept(wal_of(file));
	return result != SQLITE_OK ? result : real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int wal_lock(sqlite3_file *file, int level)
{
	return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int wal_unlock(sqlite3_file *file, int level)
{
	return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int wal_check_lock(sqlite3_file *file, int *reserved)
{
	return real_of(file)->pMethods->xCheckReservedLock(real_of(file), reserved);
}

static int wal_control(sqlite3_file *file, int operation, void *argument)
{
	const int result = write_kept(wal_of(file));
	return result != SQLITE_OK ? result : real_of(file)->pMethods->xFileControl(real_of(file), operation, argument);
}

static int wal_sector(sqlite3_file *file)
{
	return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int wal_characteristics(sqlite3_file *file)
{
	return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

/* Version 1: shared memory and mapping are asked of the database's file alone. */
static const sqlite3_io_methods METHODS = {.iVersion = 1,
	.xClose = wal_close,
	.xRead = wal_read,
	.xWrite = wal_write,
	.xTruncate = wal_truncate,
	.xSync = wal_sync,
	.xFileSize = wal_size,
	.xLock = wal_lock,
	.xUnlock = wal_unlock,
	.xCheckReservedLock = wal_check_lock,
	.xFileControl = wal_control,
	.xSectorSize = wal_sector,
	.xDeviceCharacteristics = wal_characteristics};

/* ---- the VFS ---- */

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
	sqlite3_vfs *real = ((struct lf_sqlite_vfs *)vfs)->real;
	struct wal_file *wal = wal_of(file);
	if ((flags & SQLITE_OPEN_WAL) == 0)
		return real->xOpen(real, name, file, flags, out_flags);
	*wal = (struct wal_file){.real = (sqlite3_file *)(void *)(wal + 1), .buffer = aligned_alloc(PAGE, KEPT_MAX + PAGE)};
	if (wal->buffer == NULL)
		return SQLITE_NOMEM;
	const int result = real->xOpen(real, name, wal->real, flags, out_flags);
	if (result == SQLITE_OK)
		wal->base.pMethods = &METHODS;
	else
		free(wal->buffer);
	return result;
}

int lf_sqlite_vfs_add(struct lf_sqlite_vfs **out)
{
	struct lf_sqlite_vfs *vfs = calloc(1, sizeof *vfs);
	sqlite3_vfs *real = sqlite3_vfs_find(NULL);
	*out = NULL;
	if (vfs == NULL || real == NULL) {
		free(vfs);
		return vfs == NULL ? SQLITE_NOMEM : SQLITE_ERROR;
	}
	/* Everything but opening goes straight to the real one: its functions look at pAppData at most. */
	vfs->vfs = *real;
	vfs->real = real;
	snprintf(vfs->name, sizeof vfs->name, "leadfit-%p", (void *)vfs);
	vfs->vfs.zName = vfs->name;
	vfs->vfs.szOsFile = (int)sizeof(struct wal_file) + real->szOsFile;
	vfs->vfs.xOpen = open_file;
	const int result = sqlite3_vfs_register(&vfs->vfs, 0);
	if (result == SQLITE_OK)
		*out = vfs;
	else
		free(vfs);
	return result;
}

const char *lf_sqlite_vfs_name(const struct lf_sqlite_vfs *vfs)
{
	return vfs->name;
}

void lf_sqlite_vfs_remove(struct lf_sqlite_vfs *vfs)
{
	if (vfs == NULL)
		return;
	sqlite3_vfs_unregister(&vfs->vfs);
	free(vfs);
}
