/* Files that are written: pictures, and rubrics in their canonical form. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/cmd/cli.h"
#include "proto/base/buffer.h"
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

int lf_cli_put(struct lf_cli *cli, const char *option, const char *path, const struct lf_buffer *text)
{
	int failed;

	if (strcmp(path, "-") == 0) {
		lf_buffer_append(&cli->page.text, text->data, text->length);
		return LF_EXIT_DONE;
	}
	failed = lf_file_put(path, text);
	if (failed == 0)
		return LF_EXIT_DONE;
	fprintf(stderr, "leadfit: %s: %s: %s\n", option, path, strerror(failed));
	return LF_EXIT_UNAVAILABLE;
}

int lf_cli_svg(struct lf_cli *cli, const char *path, const struct lf_buffer *svg)
{
	return lf_cli_put(cli, "--svg", path, svg);
}

enum lf_code lf_cli_check_files(const struct lf_cli *cli, const char *svg, const char *csv, struct lf_error *error)
{
	const bool svg_out = svg != NULL && strcmp(svg, "-") == 0, csv_out = csv != NULL && strcmp(csv, "-") == 0;

	if (svg != NULL && svg[0] == '\0')
		return lf_error_set(error, LF_INVALID_ARGUMENT, "--svg: is empty");
	if (csv != NULL && csv[0] == '\0')
		return lf_error_set(error, LF_INVALID_ARGUMENT, "--csv: is empty");
	if (svg_out && csv_out)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "--svg - and --csv - both want standard output");
	if ((svg_out || csv_out) && cli->json)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "--%s - and --output json both want standard output",
			svg_out ? "svg" : "csv");
	return LF_OK;
}
