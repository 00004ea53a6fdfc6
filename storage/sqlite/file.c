/*
 * The file: what it is, and how it comes to be. Whose it is (F1, F2): claim.c.
 *
 *  F3  A new log is made as FILE.new, synced, and renamed: FILE is absent (or empty) or whole, at any moment.
 *  F4  An existing file is looked at read-only before anything may write to it. Where there is no WAL, SQLite's
 *      "immutable" keeps it from even making one.
 *  F5  A store takes away what it made, and only while it holds the lock and the name leads to it: store.c.
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

enum {
	/*
	 * 8 KiB: decisions are 0.4 to 2 KB, and a page of 4 KiB would waste up to a third of itself on a row that just
	 * does not fit; 16 KiB makes the few pages that every commit touches dearer. Measured in tests/bench/NOTES.md.
	 */
	PAGE_SIZE = 8192,
};

char *lf_sqlite_suffixed(const char *path, const char *suffix)
{
	char *joined = NULL;

	return asprintf(&joined, "%s%s", path, suffix) < 0 ? NULL : joined;
}

off_t lf_sqlite_size_of(const char *path, const char *suffix)
{
	struct stat status;
	char *name = lf_sqlite_suffixed(path, suffix);
	const bool there = name != NULL && stat(name, &status) == 0;

	free(name);
	return there ? status.st_size : -1;
}

static void remove_suffixed(const char *path, const char *suffix)
{
	char *name = lf_sqlite_suffixed(path, suffix);

	if (name != NULL)
		unlink(name);
	free(name);
}

/* ---- creating ---- */

static int make_schema(const char *path)
{
	char setup[128];
	sqlite3 *db = NULL;
	int result, closed;

	snprintf(setup, sizeof(setup), "PRAGMA page_size=%d; PRAGMA application_id=%d; PRAGMA user_version=%d; BEGIN;",
		(int)PAGE_SIZE, (int)LF_SQLITE_APPLICATION_ID, (int)LF_SQLITE_SCHEMA);
	result = lf_sqlite_connect(&db, path, SQLITE_OPEN_READWRITE);
	if (result == SQLITE_OK)
		result = sqlite3_exec(db, setup, NULL, NULL, NULL);
	if (result == SQLITE_OK)
		result = lf_sqlite_add_schemas(db, 0, LF_SQLITE_SCHEMA);
	if (result == SQLITE_OK)
		result = sqlite3_exec(db, "COMMIT; PRAGMA journal_mode=WAL;", NULL, NULL, NULL);
	closed = sqlite3_close(db);
	return result != SQLITE_OK ? result : closed;
}

int lf_sqlite_sync_file(const char *path)
{
	const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
	int failed;

	if (descriptor < 0)
		return errno;
	failed = fsync(descriptor) != 0 ? errno : 0;
	close(descriptor);
	return failed;
}

/* Gives a file that is whole its name, for good. 0 or an errno. */
static int keep_as(const char *fresh, const char *path)
{
	int failed = lf_sqlite_sync_file(fresh);

	if (failed == 0 && rename(fresh, path) != 0)
		failed = errno;
	return failed != 0 ? failed : lf_file_sync_folder(path);
}

enum lf_code lf_sqlite_create(struct lf_store *store, struct lf_error *error)
{
	char *fresh;
	int descriptor, result, failed;

	/* SQLite would play a left-over WAL into the new file. */
	if (lf_sqlite_size_of(store->path, "-wal") > 0 || lf_sqlite_size_of(store->path, "-journal") > 0)
		return lf_error_set(error, LF_FAILED_PRECONDITION,
			"%s is absent or empty, but its -wal or -journal file is not: restore the log, or move what is "
			"left of it away",
			store->path);
	fresh = lf_sqlite_suffixed(store->path, ".new");
	if (fresh == NULL)
		return lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	remove_suffixed(fresh, "-journal"); /* of a creation that was killed */
	remove_suffixed(fresh, "-wal");
	remove_suffixed(fresh, "-shm");
	unlink(fresh);
	descriptor = open(fresh, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (descriptor < 0) {
		lf_error_set(error, LF_UNAVAILABLE, "%s can't be created: %s", fresh, strerror(errno));
		free(fresh);
		return error->code;
	}
	close(descriptor);
	store->schema = LF_SQLITE_SCHEMA;
	result = make_schema(fresh);
	failed = result == SQLITE_OK ? keep_as(fresh, store->path) : 0;
	if (result != SQLITE_OK)
		lf_sqlite_error(error, NULL, result, fresh);
	else if (failed != 0)
		lf_error_set(error, LF_UNAVAILABLE, "%s can't be created: %s", store->path, strerror(failed));
	if (error->code != LF_OK)
		unlink(fresh);
	free(fresh);
	return error->code == LF_DATA_LOSS ? error->code = LF_UNAVAILABLE : error->code;
}

/* ---- inspecting ---- */

static uint32_t big_endian(const uint8_t *bytes, size_t count)
{
	uint32_t value = 0;

	for (size_t i = 0; i < count; i++)
		value = value << 8 | bytes[i];
	return value;
}

/* The 100 bytes that every SQLite file starts with (https://sqlite.org/fileformat2.html, 1.3). */
static enum lf_code check_header(
	const char *path, const uint8_t header[100], off_t size, bool has_wal, struct lf_error *error)
{
	const uint32_t stated = big_endian(header + 16, 2), page_size = stated == 1 ? 65536 : stated;
	const uint32_t pages = big_endian(header + 28, 4), schema = big_endian(header + 60, 4);
	const uint32_t application = big_endian(header + 68, 4);

	if (memcmp(header, "SQLite format 3", 16) != 0)
		return lf_error_set(
			error, LF_FAILED_PRECONDITION, "%s is not a decision log: it is not a SQLite file", path);
	if (application != LF_SQLITE_APPLICATION_ID)
		return lf_error_set(error, LF_FAILED_PRECONDITION,
			"%s is not a decision log: it is a SQLite file of another application (id 0x%08x)", path,
			application);
	if (schema > LF_SQLITE_SCHEMA)
		return lf_error_set(error, LF_FAILED_PRECONDITION,
			"%s has schema %u, and this leadfit knows up to %d: use a newer one", path, schema,
			(int)LF_SQLITE_SCHEMA);
	if (schema == 0 || page_size < 512 || (page_size & (page_size - 1)) != 0)
		return lf_error_set(error, LF_FAILED_PRECONDITION, "%s is damaged: its header is wrong", path);
	/* While there is a WAL, the file may well be shorter than the database. */
	if (!has_wal && size < (off_t)pages * (off_t)page_size)
		return lf_error_set(error, LF_FAILED_PRECONDITION, "%s is damaged: it has %lld bytes of %lld", path,
			(long long)size, (long long)pages * (long long)page_size);
	return LF_OK;
}

/* path as the path of a URI. NULL when memory ran out. */
char *lf_sqlite_uri_of(const char *path, const char *query)
{
	static const char hex[] = "0123456789ABCDEF";
	char *uri = malloc(5 + 3 * strlen(path) + strlen(query) + 1), *out = uri;

	if (uri == NULL)
		return NULL;
	out = stpcpy(out, "file:");
	for (const char *in = path; *in != '\0'; in++) {
		const unsigned char c = (unsigned char)*in;

		if (c == '%' || c == '?' || c == '#' || c < 0x20) {
			*out++ = '%';
			*out++ = hex[c >> 4];
			*out++ = hex[c & 15];
		} else {
			*out++ = *in;
		}
	}
	strcpy(out, query);
	return uri;
}

/* F4 */
static enum lf_code probe_read_only(struct lf_store *store, bool has_wal, struct lf_error *error)
{
	sqlite3 *db = NULL;
	const bool had_shm = lf_sqlite_size_of(store->path, "-shm") >= 0;
	char *uri = lf_sqlite_uri_of(store->path, has_wal ? "?mode=ro" : "?mode=ro&immutable=1");
	int result;
	char message[sizeof(error->message)];

	if (uri == NULL)
		return lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	result = lf_sqlite_connect(&db, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
	if (result != SQLITE_OK) {
		lf_sqlite_error(error, db, result, "opening it");
	} else {
		int known;

		sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
		sqlite3_exec(db, "PRAGMA query_only=ON; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY;", NULL,
			NULL, NULL);
		known = lf_sqlite_schema_of(db, &store->schema);
		if (known != SQLITE_OK)
			lf_sqlite_error(error, db, known, "looking into it");
		else if (store->schema > LF_SQLITE_SCHEMA) /* where the header that says so is still in the WAL */
			lf_error_set(error, LF_FAILED_PRECONDITION,
				"it has schema %u, and this leadfit knows up to %d: use a newer one", store->schema,
				(int)LF_SQLITE_SCHEMA);
		else
			lf_sqlite_probe(db, error);
	}
	sqlite3_close(db);
	free(uri);
	if (error->code == LF_OK)
		return LF_OK;
	if (!had_shm)
		remove_suffixed(store->path, "-shm");
	memcpy(message, error->message, sizeof(message));
	return lf_error_set(error, error->code == LF_DATA_LOSS ? LF_FAILED_PRECONDITION : error->code, "%s: %s",
		store->path, message);
}

enum lf_code lf_sqlite_inspect(struct lf_store *store, struct lf_error *error)
{
	uint8_t header[100] = {0};
	struct stat status;
	const bool has_wal = lf_sqlite_size_of(store->path, "-wal") > 0,
		   has_journal = lf_sqlite_size_of(store->path, "-journal") > 0;
	const int descriptor = open(store->path, O_RDONLY | O_CLOEXEC);
	ssize_t length;
	int known;

	if (descriptor < 0)
		return lf_error_set(error, LF_UNAVAILABLE, "%s can't be opened: %s", store->path, strerror(errno));
	store->had_wal = has_wal;
	length = pread(descriptor, header, sizeof(header), 0);
	known = fstat(descriptor, &status);
	close(descriptor);
	if (length < 0 || known != 0)
		return lf_error_set(error, LF_UNAVAILABLE, "%s can't be read: %s", store->path, strerror(errno));
	if (has_journal)
		return lf_error_set(error, LF_FAILED_PRECONDITION,
			"%s has a -journal file, which a decision log never has: another program was writing it",
			store->path);
	if (check_header(store->path, header, status.st_size, has_wal, error) != LF_OK)
		return error->code;
	return probe_read_only(store, has_wal, error);
}
