/*
 * A SQLite VFS around the default one, for tests. It fails the Nth operation of a kind, and it can tell what a disk
 * holds when the power goes: the bytes that were synced, and any part of what was written since. One at a time; any
 * thread may use the files.
 */
#ifndef LF_TESTS_STORAGE_FAULT_VFS_H
#define LF_TESTS_STORAGE_FAULT_VFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fault_kind {
	FAULT_OPEN,     /* SQLITE_CANTOPEN */
	FAULT_READ,     /* SQLITE_IOERR_READ */
	FAULT_WRITE,    /* SQLITE_IOERR_WRITE */
	FAULT_FULL,     /* SQLITE_FULL from a write */
	FAULT_SYNC,     /* SQLITE_IOERR_FSYNC */
	FAULT_TRUNCATE, /* SQLITE_IOERR_TRUNCATE */
	FAULT_LOCK,     /* SQLITE_IOERR_LOCK, SQLITE_IOERR_SHMLOCK */
	FAULT_BUSY,     /* SQLITE_BUSY from a lock */
	FAULT_SHM,      /* SQLITE_IOERR_SHMMAP */
	FAULT_KINDS
};
const char *fault_name(enum fault_kind kind);

/* From now on SQLite opens files through it; and no more. */
void fault_vfs_install(void);
void fault_vfs_remove(void);

/* The nth operation of the kind from now (from 1) fails, and times - 1 after it. nth 0: none. */
void fault_vfs_arm(enum fault_kind kind, long nth, long times);
/* How many have failed since. */
long fault_vfs_hits(void);

/* ---- power loss ---- */

/*
 * Remembers what is written to the files in the folder from now on; what is there now counts as synced. before_sync is
 * called at each sync, before it has any effect, on the thread that syncs; it may open other files, and must not use
 * the folder.
 */
void power_record(const char *folder, void (*before_sync)(void *context), void *context);
void power_forget(void);
/* Syncs of files whose name ends so do nothing from now on, and say that they did: a forgotten fsync. NULL: none. */
void power_skip_sync(const char *suffix);

enum power_loss {
	POWER_NOTHING,    /* nothing that was not synced is there */
	POWER_EVERYTHING, /* all of it is */
	POWER_WRITES,     /* any of the writes */
	POWER_SECTORS,    /* any of their sectors of 512 bytes: writes are torn */
	POWER_LOSSES
};
/* Puts the files as they may be after a loss of power into another folder (which exists). seed is used up. */
void power_lose(enum power_loss loss, uint64_t *seed, const char *into);

#endif
