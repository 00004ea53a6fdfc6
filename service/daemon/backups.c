#include "service/daemon/backups.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether path is folder, or lies in it. Both are resolved. */
static bool lies_in(const char *path, const char *folder)
{
	const size_t length = strlen(folder);

	return strncmp(path, folder, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

/* The directory in which a file is, or will be; resolved. NULL: it is not there. */
static char *folder_of(const char *file)
{
	char *copy = strdup(file), *folder = copy != NULL ? realpath(dirname(copy), NULL) : NULL;

	free(copy);
	return folder;
}

/* Whether checkpoints are written to the directory path: --checkpoints may also name one file, or what is not there yet. */
static bool holds_checkpoints(const char *path, const struct lf_daemon_options *options)
{
	const char *given = options->seal.checkpoints;
	struct stat status;
	char *beside = NULL, *folder;
	bool holds, is_folder;

	if (given == NULL && asprintf(&beside, "%s.checkpoints", options->database) < 0)
		return false;
	given = given != NULL ? given : beside;
	is_folder = stat(given, &status) == 0 && S_ISDIR(status.st_mode);
	folder = is_folder ? realpath(given, NULL) : folder_of(given);
	holds = folder != NULL && (is_folder ? lies_in(path, folder) : strcmp(path, folder) == 0);
	free(folder);
	free(beside);
	return holds;
}

/* A backup there could have the name of something that the next start reads. */
static enum lf_code check_apart(const char *path, const struct lf_daemon_options *options, struct lf_error *error)
{
	char *log = folder_of(options->database);

	if (log != NULL && strcmp(path, log) == 0)
		lf_error_set(error, LF_INVALID_ARGUMENT,
			"--backups %s: that is the directory of the log: name another one, best on another disk", path);
	else if (holds_checkpoints(path, options))
		lf_error_set(error, LF_INVALID_ARGUMENT,
			"--backups %s: the checkpoints are written there: name another directory", path);
	free(log);
	return error->code;
}

enum lf_code lf_backups_find(char **path, const struct lf_daemon_options *options, struct lf_error *error)
{
	struct stat status;

	*path = NULL;
	if (options->backups == NULL)
		return LF_OK;
	*path = realpath(options->backups, NULL);
	if (*path == NULL || stat(*path, &status) != 0)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "--backups %s: %s", options->backups, strerror(errno));
	if (!S_ISDIR(status.st_mode))
		return lf_error_set(error, LF_INVALID_ARGUMENT, "--backups %s is not a directory", options->backups);
	if (access(*path, W_OK | X_OK) != 0)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "--backups %s: no file can be made there: %s",
			options->backups, strerror(errno));
	return check_apart(*path, options, error);
}
