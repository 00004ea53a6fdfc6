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

int lf_durable_get(const char *path, void *data, size_t size, size_t *length, mode_t *mode)
{
	/* O_NONBLOCK: opening a pipe would wait for its other end. */
	const int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat status;
	int failed = 0;

	*length = 0;
	if (file < 0)
		return errno;
	if (fstat(file, &status) != 0)
		failed = errno;
	else if (!S_ISREG(status.st_mode))
		failed = EINVAL;
	else if (status.st_size > (off_t)size)
		failed = EFBIG;
	while (failed == 0 && *length < size) {
		const ssize_t n = read(file, (uint8_t *)data + *length, size - *length);

		if (n == 0)
			break;
		if (n < 0 && errno != EINTR)
			failed = errno;
		*length += n > 0 ? (size_t)n : 0;
	}
	if (failed == 0 && mode != NULL)
		*mode = status.st_mode;
	close(file);
	return failed;
}
