#include "tests/storage/fault_vfs.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

enum { SECTOR = 512, FILES_MAX = 8, NAME_MAX_BYTES = 512 };

/* A write, or a truncation (data NULL: to offset), that was not synced. */
struct change {
	struct change *next;
	uint8_t *data;
	size_t offset, length;
};

/* What the disk holds of a file for sure, and what came since. */
struct recorded {
	char path[NAME_MAX_BYTES];
	uint8_t *synced;
	size_t size, capacity;
	struct change *first, **last;
};

/* SQLite allocates szOsFile bytes: this, and the real file behind it. */
struct shim {
	sqlite3_file base;
	struct recorded *recorded; /* NULL: not in the folder */
	sqlite3_file *real;
};

static struct {
	pthread_mutex_t lock;
	sqlite3_vfs *real;
	enum fault_kind kind;
	long until, times, hits;
	char folder[NAME_MAX_BYTES];
	const char *skip;
	void (*before_sync)(void *context);
	void *context;
	struct recorded files[FILES_MAX];
	size_t file_count;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

const char *fault_name(enum fault_kind kind)
{
	static const char *const names[FAULT_KINDS] = {
		"open", "read", "write", "full", "sync", "truncate", "lock", "busy", "shm"};

	return names[kind];
}

/* ---- faults ---- */

void fault_vfs_arm(enum fault_kind kind, long nth, long times)
{
	pthread_mutex_lock(&state.lock);
	state.kind = kind;
	state.until = nth;
	state.times = times;
	state.hits = 0;
	pthread_mutex_unlock(&state.lock);
}

long fault_vfs_hits(void)
{
	long hits;

	pthread_mutex_lock(&state.lock);
	hits = state.hits;
	pthread_mutex_unlock(&state.lock);
	return hits;
}

static bool fails(enum fault_kind kind)
{
	bool now = false;

	pthread_mutex_lock(&state.lock);
	if (state.kind == kind && state.until > 0) {
		if (state.until > 1) {
			state.until--;
		} else if (state.hits < state.times) {
			state.hits++;
			now = true;
		}
	}
	pthread_mutex_unlock(&state.lock);
	return now;
}

/* ---- recording ---- */

static bool ends_with(const char *text, const char *suffix)
{
	const size_t length = strlen(text), wanted = suffix == NULL ? 0 : strlen(suffix);

	return wanted > 0 && length >= wanted && strcmp(text + length - wanted, suffix) == 0;
}

static void grow(struct recorded *file, size_t size)
{
	if (size > file->capacity) {
		file->capacity = size + size / 2;
		file->synced = realloc(file->synced, file->capacity);
	}
	if (size > file->size)
		memset(file->synced + file->size, 0, size - file->size);
	file->size = size > file->size ? size : file->size;
}

static void apply(struct recorded *file, const struct change *change)
{
	if (change->data == NULL) {
		grow(file, change->offset);
		file->size = change->offset;
		return;
	}
	grow(file, change->offset + change->length);
	memcpy(file->synced + change->offset, change->data, change->length);
}

static void forget_changes(struct recorded *file)
{
	while (file->first != NULL) {
		struct change *change = file->first;

		file->first = change->next;
		free(change->data);
		free(change);
	}
	file->last = &file->first;
}

/* What is there already counts as synced. */
static void read_whole(struct recorded *file)
{
	uint8_t buffer[65536];
	ssize_t length;
	const int descriptor = open(file->path, O_RDONLY | O_CLOEXEC);

	while (descriptor >= 0 && (length = read(descriptor, buffer, sizeof(buffer))) > 0) {
		const size_t at = file->size;

		grow(file, at + (size_t)length);
		memcpy(file->synced + at, buffer, (size_t)length);
	}
	if (descriptor >= 0)
		close(descriptor);
}

/* The record of a file in the folder, begun where it is new. */
static struct recorded *find(const char *path)
{
	const size_t length = strlen(state.folder);
	struct recorded *file;

	if (length == 0 || path == NULL || strncmp(path, state.folder, length) != 0 || path[length] != '/')
		return NULL;
	for (size_t i = 0; i < state.file_count; i++)
		if (strcmp(state.files[i].path, path) == 0)
			return &state.files[i];
	if (state.file_count == FILES_MAX)
		abort();
	file = &state.files[state.file_count++];
	*file = (struct recorded){.last = &file->first};
	snprintf(file->path, sizeof(file->path), "%s", path);
	read_whole(file);
	return file;
}

static void note(struct recorded *file, const void *data, size_t length, size_t offset)
{
	struct change *change;

	if (file == NULL || state.folder[0] == '\0')
		return;
	change = calloc(1, sizeof(*change));
	change->offset = offset;
	change->length = length;
	if (data != NULL) {
		change->data = malloc(length > 0 ? length : 1);
		memcpy(change->data, data, length);
	}
	pthread_mutex_lock(&state.lock);
	*file->last = change;
	file->last = &change->next;
	pthread_mutex_unlock(&state.lock);
}

static void note_sync(struct recorded *file)
{
	if (file == NULL || state.folder[0] == '\0' || ends_with(file->path, state.skip))
		return;
	pthread_mutex_lock(&state.lock);
	for (struct change *change = file->first; change != NULL; change = change->next)
		apply(file, change);
	forget_changes(file);
	pthread_mutex_unlock(&state.lock);
}

void power_record(const char *folder, void (*before_sync)(void *context), void *context)
{
	power_forget();
	snprintf(state.folder, sizeof(state.folder), "%s", folder);
	state.before_sync = before_sync;
	state.context = context;
}

void power_forget(void)
{
	for (size_t i = 0; i < state.file_count; i++) {
		forget_changes(&state.files[i]);
		free(state.files[i].synced);
	}
	state.file_count = 0;
	state.folder[0] = '\0';
	state.before_sync = NULL;
	state.skip = NULL;
}

void power_skip_sync(const char *suffix)
{
	state.skip = suffix;
}

/* SplitMix64. */
static uint64_t random_next(uint64_t *seed)
{
	uint64_t z = (*seed += 0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static void apply_sectors(struct recorded *file, const struct change *change, uint64_t *seed)
{
	for (size_t done = 0; done < change->length;) {
		const size_t at = change->offset + done, left = change->length - done, room = SECTOR - at % SECTOR;
		struct change part = {.data = change->data + done, .offset = at, .length = left < room ? left : room};

		if (random_next(seed) & 1)
			apply(file, &part);
		done += part.length;
	}
}

static void write_loss(const struct recorded *file, enum power_loss loss, uint64_t *seed, const char *path)
{
	struct recorded image = {.size = file->size, .capacity = file->size};
	int descriptor;

	image.synced = malloc(file->size + 1);
	if (file->size > 0)
		memcpy(image.synced, file->synced, file->size);
	for (const struct change *change = file->first; change != NULL; change = change->next) {
		if (loss == POWER_EVERYTHING ||
			(loss != POWER_NOTHING && change->data == NULL && (random_next(seed) & 1)) ||
			(loss == POWER_WRITES && change->data != NULL && (random_next(seed) & 1)))
			apply(&image, change);
		else if (loss == POWER_SECTORS && change->data != NULL)
			apply_sectors(&image, change, seed);
	}
	descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	for (size_t done = 0; done < image.size;) {
		const ssize_t length = write(descriptor, image.synced + done, image.size - done);

		if (length <= 0)
			abort();
		done += (size_t)length;
	}
	close(descriptor);
	free(image.synced);
}

void power_lose(enum power_loss loss, uint64_t *seed, const char *into)
{
	pthread_mutex_lock(&state.lock);
	for (size_t i = 0; i < state.file_count; i++) {
		char path[2 * NAME_MAX_BYTES];

		snprintf(path, sizeof(path), "%s%s", into, state.files[i].path + strlen(state.folder));
		write_loss(&state.files[i], loss, seed, path);
	}
	pthread_mutex_unlock(&state.lock);
}

/* ---- the methods of a file ---- */

static sqlite3_file *real_of(sqlite3_file *file)
{
	return ((struct shim *)file)->real;
}

static int shim_close(sqlite3_file *file)
{
	return real_of(file)->pMethods->xClose(real_of(file));
}

static int shim_read(sqlite3_file *file, void *data, int length, sqlite3_int64 offset)
{
	return fails(FAULT_READ) ? SQLITE_IOERR_READ
				 : real_of(file)->pMethods->xRead(real_of(file), data, length, offset);
}

static int shim_write(sqlite3_file *file, const void *data, int length, sqlite3_int64 offset)
{
	int result;

	if (fails(FAULT_WRITE))
		return SQLITE_IOERR_WRITE;
	if (fails(FAULT_FULL))
		return SQLITE_FULL;
	result = real_of(file)->pMethods->xWrite(real_of(file), data, length, offset);
	if (result == SQLITE_OK)
		note(((struct shim *)file)->recorded, data, (size_t)length, (size_t)offset);
	return result;
}

static int shim_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	int result;

	if (fails(FAULT_TRUNCATE))
		return SQLITE_IOERR_TRUNCATE;
	result = real_of(file)->pMethods->xTruncate(real_of(file), size);
	if (result == SQLITE_OK)
		note(((struct shim *)file)->recorded, NULL, 0, (size_t)size);
	return result;
}

static int shim_sync(sqlite3_file *file, int flags)
{
	struct shim *shim = (struct shim *)file;

	(void)flags;
	if (fails(FAULT_SYNC))
		return SQLITE_IOERR_FSYNC;
	if (shim->recorded != NULL && state.before_sync != NULL)
		state.before_sync(state.context);
	/* The real one would only cost time: what a sync makes sure of is what the record says. */
	note_sync(shim->recorded);
	return SQLITE_OK;
}

static int shim_size(sqlite3_file *file, sqlite3_int64 *size)
{
	return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int shim_lock(sqlite3_file *file, int level)
{
	if (fails(FAULT_LOCK))
		return SQLITE_IOERR_LOCK;
	if (fails(FAULT_BUSY))
		return SQLITE_BUSY;
	return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int shim_unlock(sqlite3_file *file, int level)
{
	return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int shim_check_lock(sqlite3_file *file, int *reserved)
{
	return real_of(file)->pMethods->xCheckReservedLock(real_of(file), reserved);
}

static int shim_control(sqlite3_file *file, int operation, void *argument)
{
	return real_of(file)->pMethods->xFileControl(real_of(file), operation, argument);
}

static int shim_sector(sqlite3_file *file)
{
	return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int shim_characteristics(sqlite3_file *file)
{
	return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int shim_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **memory)
{
	if (fails(FAULT_SHM))
		return SQLITE_IOERR_SHMMAP;
	return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, memory);
}

static int shim_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
	if ((flags & SQLITE_SHM_LOCK) != 0 && fails(FAULT_LOCK))
		return SQLITE_IOERR_SHMLOCK;
	if ((flags & SQLITE_SHM_LOCK) != 0 && fails(FAULT_BUSY))
		return SQLITE_BUSY;
	return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}

static void shim_shm_barrier(sqlite3_file *file)
{
	real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int shim_shm_unmap(sqlite3_file *file, int remove)
{
	return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

/* Version 2: without xFetch, so that every read is a call. */
static const sqlite3_io_methods methods = {2, shim_close, shim_read, shim_write, shim_truncate, shim_sync, shim_size,
	shim_lock, shim_unlock, shim_check_lock, shim_control, shim_sector, shim_characteristics, shim_shm_map,
	shim_shm_lock, shim_shm_barrier, shim_shm_unmap, NULL, NULL};

/* ---- the VFS ---- */

static int shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
	struct shim *shim = (struct shim *)file;
	int result;

	(void)vfs;
	shim->base.pMethods = NULL;
	shim->real = (sqlite3_file *)(void *)(shim + 1);
	if (fails(FAULT_OPEN))
		return SQLITE_CANTOPEN;
	result = state.real->xOpen(state.real, name, shim->real, flags, out_flags);
	if (result != SQLITE_OK)
		return result;
	pthread_mutex_lock(&state.lock);
	shim->recorded = find(name);
	pthread_mutex_unlock(&state.lock);
	shim->base.pMethods = &methods;
	return SQLITE_OK;
}

static sqlite3_vfs shim_vfs;

void fault_vfs_install(void)
{
	state.real = sqlite3_vfs_find(NULL);
	shim_vfs = *state.real; /* everything else goes straight to it: those functions look at pAppData at most */
	shim_vfs.zName = "fault";
	shim_vfs.szOsFile = (int)sizeof(struct shim) + state.real->szOsFile;
	shim_vfs.xOpen = shim_open;
	sqlite3_vfs_register(&shim_vfs, 1);
}

void fault_vfs_remove(void)
{
	sqlite3_vfs_unregister(&shim_vfs);
	fault_vfs_arm(FAULT_OPEN, 0, 0);
	power_forget();
}
