#include "service/rpc/local_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum lf_code lf_local_check_free(const char *path, const char *name, struct lf_error *error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat status;
	int fd, reason;

	if (lstat(path, &status) != 0)
		return errno == ENOENT ? LF_OK : lf_error_set(error, LF_UNAVAILABLE, "%s: %s", name, strerror(errno));
	if (!S_ISSOCK(status.st_mode))
		return lf_error_set(error, LF_UNAVAILABLE, "%s: a file that is not a socket is there", name);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return lf_error_set(error, LF_UNAVAILABLE, "%s: %s", name, strerror(errno));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	reason = connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 ? 0 : errno;
	close(fd);
	if (reason == ECONNREFUSED || reason == ENOENT)
		return LF_OK;
	if (reason == 0 || reason == EAGAIN)
		return lf_error_set(
			error, LF_UNAVAILABLE, "%s: the address is taken: another process listens on it", name);
	return lf_error_set(error, LF_UNAVAILABLE, "%s: can't tell whether it is in use: %s", name, strerror(reason));
}

static void directory_of(const char *path, char *directory, size_t size)
{
	char *slash;

	snprintf(directory, size, "%s", path);
	slash = strrchr(directory, '/');
	if (slash == NULL)
		snprintf(directory, size, ".");
	else
		slash[slash == directory ? 1 : 0] = '\0';
}

/* An open directory of path, locked so that no two servers look and rename at once; -1 where it can't be read. */
static int lock_directory(const char *path)
{
	char directory[LF_LOCAL_PATH_BYTES];
	int fd;

	directory_of(path, directory, sizeof(directory));
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		while (flock(fd, LOCK_EX) != 0 && errno == EINTR)
			;
	return fd;
}

enum lf_code lf_local_try(const char *path, const char *name, struct lf_error *error)
{
	char directory[LF_LOCAL_PATH_BYTES];

	directory_of(path, directory, sizeof(directory));
	if (lf_local_check_free(path, name, error) != LF_OK)
		return error->code;
	return faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS) == 0
		? LF_OK
		: lf_error_set(error, LF_UNAVAILABLE, "%s: its directory: %s", name, strerror(errno));
}

void lf_local_private_name(const char *path, unsigned number, char *out, size_t size)
{
	snprintf(out, size, "%s.%d.%u", path, (int)getpid(), number % 10000);
}

enum lf_code lf_local_claim(const char *path, const char *private_path, const char *name, struct lf_local_file *file,
	struct lf_error *error)
{
	int lock = lock_directory(path);
	struct stat status;
	enum lf_code code = lf_local_check_free(path, name, error);

	if (code == LF_OK && (lstat(private_path, &status) != 0 || rename(private_path, path) != 0))
		code = lf_error_set(error, LF_UNAVAILABLE, "%s: %s", name, strerror(errno));
	if (lock >= 0)
		close(lock);
	if (code != LF_OK)
		return code;
	file->device = (unsigned long)status.st_dev;
	file->inode = (unsigned long)status.st_ino;
	return LF_OK;
}

void lf_local_unlink(const char *path, const struct lf_local_file *file)
{
	struct stat status;

	if (lstat(path, &status) == 0 && (unsigned long)status.st_dev == file->device &&
		(unsigned long)status.st_ino == file->inode)
		unlink(path);
}
