#include "client/term/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/file.h"

static int close_file(int file, int failed)
{
	return close(file) != 0 && failed == 0 ? errno : failed;
}

/* To a pipe or device: there is nothing to replace. */
static int write_through(const char *path, const struct lf_buffer *text)
{
	const int file = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);

	return file < 0 ? errno : close_file(file, lf_file_write_all(file, text->data, text->length));
}

/* Its name does not hold the file's, which may be as long as a name can be. */
static char *name_beside(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *name = NULL;

	return asprintf(&name, "%.*s.leadfit.%ld.tmp", slash == NULL ? 0 : (int)(slash + 1 - path), path,
		       (long)getpid()) < 0
		? NULL
		: name;
}

/* Beside the file, then in its place. old is the file that is there, NULL where none is. */
static int write_beside(const char *path, const struct stat *old, const struct lf_buffer *text)
{
	char *beside = name_beside(path);
	int file, failed;

	if (beside == NULL)
		return ENOMEM;
	file = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	failed = file < 0 ? errno : 0;
	if (failed == 0) {
		failed = lf_file_write_all(file, text->data, text->length);
		if (failed == 0 && old != NULL && fchmod(file, old->st_mode & 07777) != 0)
			failed = errno;
		if (failed == 0 && fsync(file) != 0)
			failed = errno;
		failed = close_file(file, failed);
		if (failed == 0 && rename(beside, path) != 0)
			failed = errno;
		if (failed != 0)
			unlink(beside);
	}
	free(beside);
	return failed;
}

/*
 * As write_beside(), and Ctrl-C waits until it is done: a process that ends in the middle would leave its half file
 * behind.
 */
static int replace(const char *path, const struct stat *old, const struct lf_buffer *text)
{
	static const int ending[] = {SIGINT, SIGTERM, SIGHUP};
	sigset_t held, before;
	int failed;

	sigemptyset(&held);
	for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
		sigaddset(&held, ending[i]);
	pthread_sigmask(SIG_BLOCK, &held, &before);
	failed = write_beside(path, old, text);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failed;
}

int lf_file_put(const char *path, const struct lf_buffer *text)
{
	struct stat status;
	char *real;
	int failed;

	if (stat(path, &status) != 0)
		return errno == ENOENT ? replace(path, NULL, text) : errno;
	if (S_ISDIR(status.st_mode))
		return EISDIR;
	if (!S_ISREG(status.st_mode))
		return write_through(path, text);
	real = realpath(path, NULL);
	if (real == NULL)
		return errno;
	failed = replace(real, &status, text);
	free(real);
	return failed;
}
