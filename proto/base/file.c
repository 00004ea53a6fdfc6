#include "proto/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
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
