#include "client/files/partfile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/buffer.h"
#include "proto/base/file.h"

enum { ATTEMPTS = 100 };

static const char HEADING[] = "leadfit export 1";

static enum lf_code file_error(struct lf_error *error, const char *path, int cause)
{
	return lf_error_set(error, LF_UNAVAILABLE, "%s: %s", path, strerror(cause));
}

/* ---- names ---- */

/* The name itself, or what it is a link to. */
static char *resolve(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0 && S_ISLNK(status.st_mode) ? realpath(path, NULL) : strdup(path);
}

static enum lf_code name_all(struct lf_partfile *file, const char *path, struct lf_error *error)
{
	file->path = resolve(path);
	if (file->path == NULL)
		return file_error(error, path, errno);
	if (asprintf(&file->part, "%s.part", file->path) < 0)
		file->part = NULL;
	if (asprintf(&file->run, "%s.run", file->path) < 0)
		file->run = NULL;
	if (file->part == NULL || file->run == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	return LF_OK;
}

/* ---- whose they are ---- */

static bool is_ours(const struct stat *status)
{
	return S_ISREG(status->st_mode) && status->st_uid == geteuid() && status->st_nlink == 1;
}

/* Says why is_ours() is false. */
static enum lf_code not_ours(struct lf_error *error, const char *path, const struct stat *status)
{
	if (!S_ISREG(status->st_mode))
		return lf_error_set(error, LF_INVALID_ARGUMENT, "%s: is not a file", path);
	if (status->st_uid != geteuid())
		return lf_error_set(error, LF_INVALID_ARGUMENT,
			"%s: belongs to another user (%lu): remove it, or name another file", path,
			(unsigned long)status->st_uid);
	return lf_error_set(error, LF_INVALID_ARGUMENT,
		"%s: has another name, too, and what that names would be written: remove this name, or name another "
		"file",
		path);
}

/* ---- the mark ---- */

enum lf_code lf_runfile_read(const char *path, char **text, struct lf_error *error)
{
	enum { BYTES_MAX = 65536 };
	const int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct stat status;
	enum lf_code code = LF_OK;

	*text = NULL;
	if (file < 0)
		return errno == ENOENT ? LF_OK : file_error(error, path, errno);
	if (fstat(file, &status) != 0)
		code = file_error(error, path, errno);
	else if (!is_ours(&status))
		code = not_ours(error, path, &status);
	else if ((*text = calloc(1, BYTES_MAX)) == NULL)
		code = lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	else if (status.st_size < BYTES_MAX && read(file, *text, (size_t)status.st_size) != (ssize_t)status.st_size)
		(*text)[0] = '\0';
	close(file);
	return code;
}

/* FILE.run: the heading, what, the numbers; a line each. Sets *there. */
static enum lf_code read_mark(
	const struct lf_partfile *file, bool *there, struct lf_mark *mark, uint64_t *bytes, struct lf_error *error)
{
	char *text, *rest;
	const char *heading, *what;

	*there = false;
	if (lf_runfile_read(file->run, &text, error) != LF_OK || text == NULL)
		return error->code;
	rest = text;
	heading = strsep(&rest, "\n");
	what = strsep(&rest, "\n");
	if (strcmp(heading, HEADING) != 0 || what == NULL || rest == NULL ||
		sscanf(rest,
			"end %" SCNu64 " bytes %" SCNu64 " next %" SCNu64 " count %" SCNu64 " last %" SCNu64 " %63s",
			&mark->end, bytes, &mark->next, &mark->count, &mark->last, mark->last_id) != 6)
		lf_error_set(error, LF_INVALID_ARGUMENT,
			"%s: is not of an export: remove it, and begin again without --resume", file->run);
	else if (strcmp(what, file->what) != 0)
		lf_error_set(error, LF_INVALID_ARGUMENT,
			"--resume: %s is of an export with other options: with these %.200s, then %.200s; begin again "
			"without --resume",
			file->run, what, file->what);
	else
		*there = true;
	free(text);
	return error->code;
}

/* A new file of that name. What a process of ours that was killed left there makes way; nothing else does. */
static int open_new(const char *path)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
	const int file = open(path, flags, 0600);
	struct stat status;

	if (file >= 0 || errno != EEXIST || lstat(path, &status) != 0)
		return file;
	if (!is_ours(&status) || unlink(path) != 0) {
		errno = EEXIST;
		return -1;
	}
	return open(path, flags, 0600);
}

int lf_runfile_put(const char *run, const struct lf_buffer *text)
{
	char *fresh = NULL;
	int out, failed;

	if (text->failed || asprintf(&fresh, "%s.new", run) < 0)
		return ENOMEM;
	out = open_new(fresh);
	failed = out < 0 ? errno : lf_file_write_all(out, text->data, text->length);
	if (failed == 0 && fsync(out) != 0)
		failed = errno;
	if (out >= 0 && close(out) != 0 && failed == 0)
		failed = errno;
	if (failed == 0 && rename(fresh, run) != 0)
		failed = errno;
	free(fresh);
	return failed;
}

enum lf_code lf_partfile_mark(struct lf_partfile *file, const struct lf_mark *mark, struct lf_error *error)
{
	struct lf_buffer text = {0};
	int failed;

	if (file->run == NULL)
		return LF_OK;
	/* First the bytes, then the word that they count. */
	if (fdatasync(file->file) != 0)
		return file_error(error, file->part, errno);
	lf_text_add(&text,
		"%s\n%s\nend %" PRIu64 " bytes %" PRIu64 " next %" PRIu64 " count %" PRIu64 " last %" PRIu64 " %s\n",
		HEADING, file->what, mark->end, file->bytes, mark->next, mark->count, mark->last,
		mark->last_id[0] == '\0' ? "-" : mark->last_id);
	failed = lf_runfile_put(file->run, &text);
	lf_buffer_clean_up(&text);
	return failed != 0 ? file_error(error, file->run, failed) : LF_OK;
}

/* ---- opening ---- */

/*
 * Makes FILE.part, or opens the one that an export of ours left there. That one becomes private again: what is written
 * to it is about people. -1 with errno.
 */
static int make_or_open(const char *path)
{
	const int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	return file >= 0 || errno != EEXIST ? file
					    : open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
}

/*
 * Opens FILE.part and locks it. The lock is of what the name means now: a file that was renamed meanwhile is another
 * export's result.
 */
static enum lf_code open_part(struct lf_partfile *file, struct lf_error *error)
{
	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		struct stat opened, named;

		file->file = make_or_open(file->part);
		if (file->file < 0 && errno == ENOENT)
			continue;
		if (file->file < 0 || fstat(file->file, &opened) != 0)
			return file_error(error, file->part, errno);
		if (!is_ours(&opened))
			return not_ours(error, file->part, &opened);
		if (flock(file->file, LOCK_EX | LOCK_NB) != 0)
			return lf_error_set(error, LF_INVALID_ARGUMENT, "%s: another export writes it", file->part);
		if (lstat(file->part, &named) == 0 && opened.st_ino == named.st_ino && opened.st_dev == named.st_dev)
			return fchmod(file->file, 0600) == 0 ? LF_OK : file_error(error, file->part, errno);
		close(file->file);
		file->file = -1;
	}
	return lf_error_set(error, LF_UNAVAILABLE, "%s: keeps changing", file->part);
}

/*
 * Cuts FILE.part to what counts. Where the end was reached, and only the name was missing or FILE.run was left over,
 * *mark says so.
 */
static enum lf_code go_on(struct lf_partfile *file, uint64_t bytes, bool *resumed, struct lf_error *error)
{
	struct stat status;

	if (fstat(file->file, &status) != 0)
		return file_error(error, file->part, errno);
	if ((uint64_t)status.st_size < bytes) {
		fprintf(stderr, "leadfit: %s has lost bytes that %s counts: beginning again\n", file->part, file->run);
		return LF_OK;
	}
	*resumed = true;
	file->bytes = bytes;
	return LF_OK;
}

static bool is_renamed_already(const struct lf_partfile *file, const struct lf_mark *mark, uint64_t bytes)
{
	struct stat status;

	return mark->next == 0 && access(file->part, F_OK) != 0 && stat(file->path, &status) == 0 &&
		(uint64_t)status.st_size == bytes;
}

static enum lf_code open_regular(
	struct lf_partfile *file, bool resume, bool *resumed, struct lf_mark *mark, struct lf_error *error)
{
	uint64_t bytes = 0;
	bool there = false;

	if (resume && read_mark(file, &there, mark, &bytes, error) != LF_OK)
		return error->code;
	if (there && is_renamed_already(file, mark, bytes)) {
		file->bytes = bytes;
		*resumed = true;
		return LF_OK;
	}
	if (open_part(file, error) != LF_OK)
		return error->code;
	/* Again, as another export may have ended before the lock was held. */
	if (resume && read_mark(file, &there, mark, &bytes, error) != LF_OK)
		return error->code;
	if (there && go_on(file, bytes, resumed, error) != LF_OK)
		return error->code;
	if (!*resumed) {
		*mark = (struct lf_mark){.end = 0};
		unlink(file->run); /* before what it counts is gone */
	}
	if (ftruncate(file->file, (off_t)file->bytes) != 0 || lseek(file->file, 0, SEEK_END) < 0)
		return file_error(error, file->part, errno);
	return LF_OK;
}

enum lf_code lf_partfile_open(struct lf_partfile *file, const char *path, const char *what, bool resume, bool *resumed,
	struct lf_mark *mark, struct lf_error *error)
{
	struct stat status;
	bool to_output, special;

	*file = (struct lf_partfile){.file = -1, .what = what};
	*mark = (struct lf_mark){.end = 0};
	*resumed = false;
	to_output = path == NULL || strcmp(path, "-") == 0;
	special = !to_output && stat(path, &status) == 0 && !S_ISREG(status.st_mode);
	if (special && S_ISDIR(status.st_mode))
		return lf_error_set(error, LF_INVALID_ARGUMENT, "%s: is a directory", path);
	if (resume && (to_output || special))
		return lf_error_set(error, LF_INVALID_ARGUMENT, "--resume needs a FILE that can be gone on with");
	if (to_output)
		return LF_OK;
	if (special) {
		file->file = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
		return file->file < 0 ? file_error(error, path, errno) : LF_OK;
	}
	return name_all(file, path, error) != LF_OK ? error->code : open_regular(file, resume, resumed, mark, error);
}

/* ---- writing and ending ---- */

enum lf_code lf_partfile_write(struct lf_partfile *file, struct lf_buffer *text, struct lf_error *error)
{
	int failed;

	if (text->failed)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	failed = lf_file_write_all(file->file, text->data, text->length);
	if (failed != 0)
		return file_error(error, file->part != NULL ? file->part : "the file", failed);
	file->bytes += text->length;
	text->length = 0;
	return LF_OK;
}

enum lf_code lf_partfile_finish(struct lf_partfile *file, const struct lf_mark *mark, struct lf_error *error)
{
	struct stat old;
	int failed;

	if (file->run == NULL)
		return LF_OK;
	if (file->file >= 0) {
		if (lf_partfile_mark(file, mark, error) != LF_OK)
			return error->code;
		/* The mode that another user gave a file of theirs is not for ours. */
		if (stat(file->path, &old) == 0 && old.st_uid == geteuid() &&
			fchmod(file->file, old.st_mode & 07777) != 0)
			return file_error(error, file->part, errno);
		failed = fsync(file->file) != 0 || rename(file->part, file->path) != 0
			? errno
			: lf_file_sync_folder(file->path);
		if (failed != 0)
			return file_error(error, file->path, failed);
	}
	return unlink(file->run) != 0 ? file_error(error, file->run, errno) : LF_OK;
}

void lf_partfile_close(struct lf_partfile *file)
{
	if (file->file >= 0)
		close(file->file);
	free(file->path);
	free(file->part);
	free(file->run);
}
