#include "proto/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int lf_file_write_all(int file, const void *data, size_t length)
{
	const uint8_t *bytes = data;

	while (length > 0) {
		const ssize_t n = write(file, bytes, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		bytes += n;
		length -= (size_t)n;
	}
	return 0;
}

int lf_file_read_up_to(int file, void *data, size_t size, size_t *length)
{
	*length = 0;
	while (*length < size) {
		const ssize_t n = read(file, (uint8_t *)data + *length, size - *length);

		if (n == 0)
			break;
		if (n < 0 && errno != EINTR)
			return errno;
		*length += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

int lf_file_sync_folder(const char *path)
{
	char *copy = strdup(path);
	int file, failed;

	if (copy == NULL)
		return ENOMEM;
	file = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* EINVAL: a file system that has nothing to sync there. */
	failed = file < 0 || (fsync(file) != 0 && errno != EINVAL) ? errno : 0;
	if (file >= 0)
		close(file);
	free(copy);
	return failed;
}

/* Of a file that is absent: its directory's, and its name. */
static char *resolve_absent(const char *path, struct lf_error *error)
{
	char *copies[2] = {strdup(path), strdup(path)}, *folder = NULL, *resolved = NULL;
	struct stat status;
	const char *directory;

	if (copies[0] == NULL || copies[1] == NULL)
		goto out;
	directory = dirname(copies[0]);
	folder = realpath(directory, NULL);
	if (folder == NULL) {
		lf_error_set(error, LF_UNAVAILABLE, "%s: the directory %s can't be used: %s", path, directory,
			strerror(errno));
	} else if (asprintf(&resolved, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, basename(copies[1])) < 0) {
		resolved = NULL;
	} else if (lstat(resolved, &status) == 0 && S_ISLNK(status.st_mode)) {
		/* Whoever made it meant another file than one that would be put in its place. */
		lf_error_set(error, LF_ALREADY_EXISTS, "%s is a symbolic link to a file that is not there", path);
		free(resolved);
		resolved = NULL;
	}
out:
	free(folder);
	free(copies[0]);
	free(copies[1]);
	return resolved;
}

char *lf_file_resolve(const char *path, struct lf_error *error)
{
	struct lf_error inner = LF_ERROR_INIT;
	char *resolved = realpath(path, NULL);

	if (resolved == NULL && (errno == ENOENT || errno == ENOTDIR || errno == EACCES))
		resolved = resolve_absent(path, &inner);
	else if (resolved == NULL && errno != ENOMEM)
		lf_error_set(&inner, LF_UNAVAILABLE, "%s: %s", path, strerror(errno));
	if (resolved == NULL && inner.code == LF_OK)
		lf_error_set(&inner, LF_UNAVAILABLE, "out of memory");
	if (resolved == NULL)
		lf_error_move(error, &inner);
	lf_error_clean_up(&inner);
	return resolved;
}

char *lf_file_beside(const char *file, const char *ending, struct lf_error *error)
{
	char *resolved = lf_file_resolve(file, error), *path = NULL;

	if (resolved != NULL && asprintf(&path, "%s%s", resolved, ending) < 0) {
		path = NULL;
		lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	}
	free(resolved);
	return path;
}
