#include "service/seal/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/file.h"

static int write_synced(const char *path, const void *data, size_t length, mode_t mode)
{
	int failed = 0;
	int file;

	unlink(path); /* of a process that was killed */
	file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (file < 0)
		return errno;
	failed = lf_file_write_all(file, data, length);
	if (failed == 0 && (fchmod(file, mode) != 0 || fsync(file) != 0))
		failed = errno;
	if (close(file) != 0 && failed == 0)
		failed = errno;
	return failed;
}

/* Not every file system can refuse to replace: there the name is looked for first. */
static int rename_new(const char *from, const char *to)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return errno;
	if (access(to, F_OK) == 0)
		return EEXIST;
	return rename(from, to) == 0 ? 0 : errno;
}

int lf_durable_put(const char *path, const char *temporary, const void *data, size_t length, mode_t mode, bool keep)
{
	int failed = write_synced(temporary, data, length, mode);

	if (failed == 0 && keep)
		failed = rename_new(temporary, path);
	else if (failed == 0 && rename(temporary, path) != 0)
		failed = errno;
	if (failed != 0) {
		unlink(temporary);
		return failed;
	}
	return lf_file_sync_folder(path);
}

/* A regular file to be read, and its status. -1 with *failed, an errno: EINVAL where it is not a regular file. */
static int open_regular(const char *path, struct stat *status, int *failed)
{
	/* O_NONBLOCK: opening a pipe would wait for its other end. */
	const int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	*failed = file < 0 || fstat(file, status) != 0 ? errno : !S_ISREG(status->st_mode) ? EINVAL : 0;
	if (*failed == 0 || file < 0)
		return file;
	close(file);
	return -1;
}

int lf_durable_get(const char *path, void *data, size_t size, size_t *length, mode_t *mode)
{
	struct stat status;
	int failed;
	const int file = open_regular(path, &status, &failed);

	*length = 0;
	if (file < 0)
		return failed;
	failed = status.st_size > (off_t)size ? EFBIG : lf_file_read_up_to(file, data, size, length);
	if (failed == 0 && mode != NULL)
		*mode = status.st_mode;
	close(file);
	return failed;
}

int lf_durable_load(const char *path, size_t max, char **text)
{
	struct stat status;
	size_t length = 0;
	int failed;
	const int file = open_regular(path, &status, &failed);

	*text = NULL;
	if (file < 0)
		return failed;
	if (status.st_size > (off_t)max)
		failed = EFBIG;
	else if ((*text = malloc((size_t)status.st_size + 1)) == NULL)
		failed = ENOMEM;
	else
		failed = lf_file_read_up_to(file, *text, (size_t)status.st_size, &length);
	if (failed == 0) {
		(*text)[length] = '\0';
	} else {
		free(*text);
		*text = NULL;
	}
	close(file);
	return failed;
}
