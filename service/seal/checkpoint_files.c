#include "service/seal/checkpoint_files.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/file.h"
#include "service/seal/durable.h"

static const char ending[] = ".checkpoint", latest[] = "latest", temporary[] = ".new";
enum { DIGITS = 20, NAME_BYTES = DIGITS + sizeof(ending) };

/* ---- names ---- */

static bool ends_so(const char *path)
{
	const size_t length = strlen(path);

	return length >= strlen(ending) && strcmp(path + length - strlen(ending), ending) == 0;
}

static bool is_numbered(const char *name)
{
	return strspn(name, "0123456789") == DIGITS && strcmp(name + DIGITS, ending) == 0;
}

/* On the heap; NULL where memory ran out. */
static char *name_in(const struct lf_checkpoint_files *files, const char *name)
{
	char *path = NULL;

	return asprintf(&path, "%s/%s", files->path, name) < 0 ? NULL : path;
}

enum lf_code lf_checkpoint_files_init(struct lf_checkpoint_files *files, const char *path, struct lf_error *error)
{
	struct stat status;
	size_t length = strlen(path);

	while (length > 1 && path[length - 1] == '/')
		length--;
	*files = (struct lf_checkpoint_files){.path = strndup(path, length), .kept_max = LF_CHECKPOINTS_KEPT};
	if (files->path == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the name of the checkpoints");
	files->one_file = stat(path, &status) == 0 ? S_ISREG(status.st_mode) : ends_so(path);
	return LF_OK;
}

void lf_checkpoint_files_clean_up(struct lf_checkpoint_files *files)
{
	free(files->path);
	files->path = NULL;
}

/* ---- reading ---- */

/* Calls visit for the name of each numbered file. 0 or an errno; ENOENT where there is no directory. */
static int each(const struct lf_checkpoint_files *files, int (*visit)(void *context, const char *name), void *context)
{
	DIR *directory = opendir(files->path);
	const struct dirent *entry;
	int failed = 0;

	if (directory == NULL)
		return errno;
	errno = 0;
	while (failed == 0 && (entry = readdir(directory)) != NULL) {
		if (is_numbered(entry->d_name))
			failed = visit(context, entry->d_name);
		errno = 0;
	}
	if (failed == 0)
		failed = errno;
	closedir(directory);
	return failed;
}

struct highest {
	char name[NAME_BYTES]; /* "" = none */
	size_t count;
};

static int compare_highest(void *context, const char *name)
{
	struct highest *highest = context;

	highest->count++;
	if (strcmp(name, highest->name) > 0)
		memcpy(highest->name, name, NAME_BYTES);
	return 0;
}

/*
 * Reads the checkpoint in a file, and takes it where it is newer than what was found. may_be_empty: an empty file says
 * that checkpoints shall be there; else it had one, as none is ever written in part.
 */
static enum lf_code look_at(const char *path, bool may_be_empty, const struct lf_verifier *verifier, bool *found,
	struct lf_checkpoint *newest, char name[512], struct lf_error *error)
{
	struct lf_checkpoint checkpoint;
	char note[LF_NOTE_MAX];
	size_t length;
	const int failed = lf_durable_get(path, note, sizeof(note), &length, NULL);
	enum lf_note_result result;

	if (failed == ENOENT || (failed == 0 && length == 0 && may_be_empty))
		return LF_OK;
	if (failed == 0 && length == 0)
		return lf_error_set(error, LF_FAILED_PRECONDITION,
			"--checkpoints: %.300s is empty: the checkpoint that it had is lost; put back a copy of it",
			path);
	if (failed != 0 && failed != EFBIG && failed != EINVAL)
		return lf_error_set(error, LF_UNAVAILABLE, "--checkpoints: %.300s: %s", path, strerror(failed));
	result = failed != 0 || !lf_checkpoint_parse(note, length, &checkpoint) ? LF_NOTE_MALFORMED
		: verifier == NULL                                              ? LF_NOTE_NOT_SIGNED
				   : lf_checkpoint_open(note, length, verifier, &checkpoint);
	if (result == LF_NOTE_NOT_SIGNED && verifier == NULL)
		return lf_error_set(error, LF_FAILED_PRECONDITION,
			"--checkpoints: %.200s is a checkpoint of %.128s, and the signing key is not there (--key): "
			"put it back, as no other one is made in silence",
			path, checkpoint.origin);
	if (result == LF_NOTE_NOT_SIGNED)
		return lf_error_set(error, LF_FAILED_PRECONDITION,
			"--checkpoints: %.200s is a checkpoint of %.128s, and not signed by this service's key: the "
			"key is another one, or "
			"the checkpoint is another service's",
			path, checkpoint.origin);
	if (result != LF_NOTE_OK)
		return lf_error_set(
			error, LF_FAILED_PRECONDITION, "--checkpoints: %.300s: %s", path, lf_note_result_text(result));
	if (!*found || checkpoint.size > newest->size) {
		*newest = checkpoint;
		snprintf(name, 512, "%s", path);
	}
	*found = true;
	return LF_OK;
}

static enum lf_code look_in(const struct lf_checkpoint_files *files, const char *file,
	const struct lf_verifier *verifier, bool *found, struct lf_checkpoint *newest, char name[512],
	struct lf_error *error)
{
	char *path = name_in(files, file);
	const enum lf_code code = path != NULL
		? look_at(path, false, verifier, found, newest, name, error)
		: lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for a checkpoint's name");

	free(path);
	return code;
}

enum lf_code lf_checkpoint_files_newest(struct lf_checkpoint_files *files, const struct lf_verifier *verifier,
	bool *found, struct lf_checkpoint *newest, char name[512], struct lf_error *error)
{
	struct highest highest = {.name = ""};
	enum lf_code code = LF_OK;
	int failed;

	*found = false;
	if (files->one_file)
		return look_at(files->path, true, verifier, found, newest, name, error);
	failed = each(files, compare_highest, &highest);
	if (failed == ENOENT)
		return LF_OK;
	if (failed != 0)
		return lf_error_set(error, LF_UNAVAILABLE, "--checkpoints %.300s: %s", files->path, strerror(failed));
	files->kept = highest.count;
	/* Both: a crash between their writing leaves the older one as the latest. */
	if (highest.count > 0)
		code = look_in(files, highest.name, verifier, found, newest, name, error);
	if (code == LF_OK)
		code = look_in(files, latest, verifier, found, newest, name, error);
	return code;
}

/* ---- writing ---- */

static int put_in(const struct lf_checkpoint_files *files, const char *name, const char *note)
{
	char *path = name_in(files, name), *beside = name_in(files, temporary);
	const int failed =
		path == NULL || beside == NULL ? ENOMEM : lf_durable_put(path, beside, note, strlen(note), 0644, false);

	free(path);
	free(beside);
	return failed;
}

static int put_one_file(const struct lf_checkpoint_files *files, const char *note)
{
	char *beside = NULL;
	int failed;

	if (asprintf(&beside, "%s%s", files->path, temporary) < 0)
		return ENOMEM;
	failed = lf_durable_put(files->path, beside, note, strlen(note), 0644, false);
	free(beside);
	return failed;
}

struct names {
	char (*names)[NAME_BYTES];
	size_t count, capacity;
};

static int collect(void *context, const char *name)
{
	struct names *names = context;

	if (names->count == names->capacity) {
		const size_t capacity = names->capacity == 0 ? 1024 : 2 * names->capacity;
		char(*grown)[NAME_BYTES] = realloc(names->names, capacity * sizeof(*grown));

		if (grown == NULL)
			return ENOMEM;
		names->names = grown;
		names->capacity = capacity;
	}
	memcpy(names->names[names->count++], name, NAME_BYTES);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Removes every second one of the older half. What can't be removed stays, and is tried again next time. */
static void thin_out(struct lf_checkpoint_files *files)
{
	struct names names = {.count = 0};

	if (each(files, collect, &names) == 0) {
		qsort(names.names, names.count, sizeof(*names.names), by_name);
		files->kept = names.count;
		for (size_t i = 1; names.count > files->kept_max && i < names.count - files->kept_max / 2; i += 2) {
			char *path = name_in(files, names.names[i]);

			if (path != NULL && unlink(path) == 0)
				files->kept--;
			free(path);
		}
	}
	free(names.names);
}

int lf_checkpoint_files_put(struct lf_checkpoint_files *files, uint64_t size, const char *note)
{
	char name[NAME_BYTES];
	int failed;

	if (files->one_file)
		return put_one_file(files, note);
	if (mkdir(files->path, 0755) != 0) {
		if (errno != EEXIST)
			return errno;
	} else {
		failed = lf_file_sync_folder(files->path);
		if (failed != 0)
			return failed;
	}
	snprintf(name, sizeof(name), "%0*" PRIu64 "%s", DIGITS, size, ending);
	failed = put_in(files, name, note);
	if (failed == 0)
		failed = put_in(files, latest, note);
	if (failed == 0 && ++files->kept > files->kept_max)
		thin_out(files);
	return failed;
}

/* ---- moving aside ---- */

/* Moves one file, where it is there. 0 or an errno. */
static int move(const struct lf_checkpoint_files *files, const char *to, const char *name)
{
	char *from = name_in(files, name), *into = NULL;
	int failed = 0;

	if (from == NULL || asprintf(&into, "%s/%s", to, name) < 0)
		failed = ENOMEM;
	else if (rename(from, into) != 0 && errno != ENOENT)
		failed = errno;
	free(from);
	free(into);
	return failed;
}

static int move_all(const struct lf_checkpoint_files *files, const char *to)
{
	struct names names = {.count = 0};
	int failed = each(files, collect, &names);

	if (failed == 0 && mkdir(to, 0755) != 0)
		failed = errno;
	/* The latest last: as long as it is there, a start refuses. */
	for (size_t i = 0; failed == 0 && i < names.count; i++)
		failed = move(files, to, names.names[i]);
	if (failed == 0)
		failed = move(files, to, latest);
	free(names.names);
	return failed;
}

enum lf_code lf_checkpoint_files_set_aside(struct lf_checkpoint_files *files, char to[512], struct lf_error *error)
{
	const time_t now = time(NULL);
	struct tm utc;
	char when[32];
	int failed = 0;

	gmtime_r(&now, &utc);
	strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &utc);
	if (snprintf(to, 512, "%s%sset-aside-%s", files->path, files->one_file ? "." : "/", when) >= 512)
		failed = ENAMETOOLONG;
	else if (!files->one_file)
		failed = move_all(files, to);
	else if (rename(files->path, to) != 0)
		failed = errno;
	if (failed == 0)
		failed = lf_file_sync_folder(to);
	if (failed == 0) {
		files->kept = 0;
		return LF_OK;
	}
	return lf_error_set(error, LF_UNAVAILABLE, "--accept-rewound: %.200s can't be moved aside: %s", files->path,
		strerror(failed));
}
