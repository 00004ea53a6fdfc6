/*
 * Room on the disk.
 *
 *  F7  A log that filled its disk takes decisions again by itself when there is room (ROOM_TO_RETURN): what that takes
 *      is kept. FILE has blocks of its own, beyond its end, for all that the WAL will bring into it, so a checkpoint needs
 *      no room, and gives back the WAL's; and ROOM_KEPT stays free, for what else a commit and the files beside the log
 *      need. Where another's files took that, too, what is in the WAL still fits.
 *
 * Below ROOM_KEPT nothing is begun. Above it, but not by ROOM_TO_RETURN, what stopped doesn't go on: so readiness doesn't
 * come and go with each decision. A disk that says that it has room, and refuses it (a quota), is asked by the probe.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "storage/sqlite/private.h"

enum {
	KIB = 1024,
	ROOM_KEPT = 512 * KIB,
	ROOM_TO_RETURN = 1024 * KIB,
	RESERVE_STEP = 512 * KIB,
	ROOM_AMPLE = 128 * 1024 * KIB,
	RESERVE_AMPLE = 20 * 1024 * KIB, /* a whole WAL: once a checkpoint, as it costs a metadata write */
	TRUNCATE_ATTEMPTS = 5,           /* each waits for as long as busy_timeout says for readers to end */
};

/* On FILE's disk, for whoever isn't root. Without a number, as some file systems are, it has no end. */
static off_t measure(const struct lf_store *store)
{
	struct statvfs status;

	if (fstatvfs(store->file, &status) != 0 || status.f_blocks == 0 ||
		status.f_bavail > (fsblkcnt_t)(INT64_MAX / (off_t)status.f_frsize))
		return INT64_MAX;
	return (off_t)status.f_bavail * (off_t)status.f_frsize;
}

/* On any thread: of what is opened once, and of names. */
void lf_sqlite_measure(struct lf_store *store, struct lf_log_bytes *bytes)
{
	struct stat status;

	*bytes = (struct lf_log_bytes){.free = (uint64_t)measure(store)};
	if (fstat(store->file, &status) == 0)
		bytes->log = (uint64_t)status.st_size;
	if (store->wal_path != NULL && stat(store->wal_path, &status) == 0)
		bytes->wal = (uint64_t)status.st_size;
}

static off_t wal_bytes(const struct lf_store *store)
{
	return store->wal_pages * store->frame_size;
}

/* Blocks beyond FILE's end, a step ahead of the WAL. Where that can't be had, they are counted as room to be kept. */
static void reserve(struct lf_store *store, off_t room)
{
	const off_t needed = store->size + wal_bytes(store) + RESERVE_STEP / 2;
	const off_t to = needed + (room > ROOM_AMPLE ? RESERVE_AMPLE : RESERVE_STEP);

	if (store->reserved_to < needed &&
		fallocate(store->file, FALLOC_FL_KEEP_SIZE, store->reserved_to, to - store->reserved_to) == 0)
		store->reserved_to = to;
}

static bool is_tight(const struct lf_store *store, off_t room)
{
	const off_t reserved = store->reserved_to - store->size;

	return room < ROOM_KEPT || room - ROOM_KEPT + reserved < wal_bytes(store);
}

static enum lf_code refuse(struct lf_store *store, off_t room, off_t needed, struct lf_error *error)
{
	store->short_of_room = true;
	return lf_error_set(error, LF_RESOURCE_EXHAUSTED,
		"the disk of %s has %lld KiB left: below %d KiB nothing is begun, and it goes on from %lld KiB on",
		store->path, (long long)(room / KIB), (int)ROOM_KEPT / KIB, (long long)(needed / KIB));
}

/* What it takes to go on. The largest record of what failed is taken twice: it is in rows and in whole pages. */
static off_t needed_to_return(const struct lf_store *store)
{
	return ROOM_TO_RETURN + 2 * (off_t)store->largest_refused;
}

int lf_sqlite_cut_wal(struct lf_store *store)
{
	int result = SQLITE_BUSY;

	for (int i = 0; i < TRUNCATE_ATTEMPTS && result == SQLITE_BUSY; i++)
		result = sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	if (result == SQLITE_OK)
		store->wal_pages = store->wal_pages_seen = store->wal_pages_whole = 0;
	lf_sqlite_note_size(store);
	return result;
}

enum lf_code lf_sqlite_keep_room(struct lf_store *store, struct lf_error *error)
{
	off_t room = measure(store);
	int result;

	reserve(store, room);
	if (room <= ROOM_AMPLE)
		room = measure(store); /* less what was reserved */
	if (!is_tight(store, room))
		return LF_OK;
	result = store->wal_pages > 0 ? lf_sqlite_cut_wal(store) : SQLITE_OK;
	if (result != SQLITE_OK && result != SQLITE_BUSY)
		return lf_sqlite_write_error(store, error, result, "checkpointing");
	room = measure(store);
	return room >= ROOM_KEPT ? LF_OK : refuse(store, room, needed_to_return(store), error);
}

enum lf_code lf_sqlite_check_room(struct lf_store *store, struct lf_error *error)
{
	off_t room;

	if (!store->short_of_room)
		return LF_OK;
	room = measure(store);
	if (room < needed_to_return(store))
		return refuse(store, room, needed_to_return(store), error);
	store->short_of_room = false;
	return LF_OK;
}

/* What a transaction that did not fit wrote into the WAL is no use to anybody. */
static void drop_what_did_not_fit(const struct lf_store *store)
{
	struct stat status;
	const off_t end = LF_SQLITE_WAL_HEADER + wal_bytes(store);

	if (store->wal_pages > 0 && fstat(store->wal, &status) == 0 && status.st_size > end)
		(void)!ftruncate(store->wal, end);
}

/* Whether the disk really gives as much: taken beyond the WAL's end, and given back. */
static bool can_have(const struct lf_store *store, off_t bytes)
{
	struct stat status;
	bool had;

	if (fstat(store->wal, &status) != 0)
		return false;
	had = fallocate(store->wal, FALLOC_FL_KEEP_SIZE, status.st_size, bytes) == 0 || errno == EOPNOTSUPP;
	(void)!ftruncate(store->wal, status.st_size);
	return had;
}

enum lf_code lf_sqlite_return_room(struct lf_store *store, struct lf_error *error)
{
	const off_t needed = needed_to_return(store);
	off_t room;
	int result;

	drop_what_did_not_fit(store);
	result = lf_sqlite_cut_wal(store);
	if (result != SQLITE_OK && result != SQLITE_BUSY)
		return lf_sqlite_write_error(store, error, result, "checkpointing");
	room = measure(store);
	if (room < needed || !can_have(store, needed))
		return refuse(store, room, needed, error);
	store->short_of_room = false;
	store->largest_refused = 0;
	return LF_OK;
}
