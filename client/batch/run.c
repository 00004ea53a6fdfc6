#include "client/batch/run.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client/files/partfile.h"
#include "proto/base/buffer.h"
#include "proto/base/clock.h"
#include "proto/base/file.h"

static const char HEADING[] = "leadfit batch 2", OLDER[] = "leadfit batch 1";

static enum lf_code file_error(struct lf_error *error, const char *path, int cause)
{
	return lf_error_set(error, LF_UNAVAILABLE, "%s: %s", path, strerror(cause));
}

enum lf_code lf_run_id_new(char id[LF_RUN_ID_BYTES], struct lf_error *error)
{
	unsigned char b[10];
	uint64_t ms;

	if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
		return lf_error_set(error, LF_INTERNAL, "the system gives no random numbers");
	ms = (uint64_t)lf_clock_wall_us() / 1000;
	/*
	 * A UUID of version 7: the time stands first, so that keys rise from run to run, which a log takes in at least
	 * cost.
	 */
	snprintf(id, LF_RUN_ID_BYTES, "%08" PRIx64 "-%04" PRIx64 "-7%01x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		(ms >> 16) & 0xffffffff, ms & 0xffff, b[0] & 0x0f, b[1], (b[2] & 0x3f) | 0x80, b[3], b[4], b[5], b[6],
		b[7], b[8], b[9]);
	return LF_OK;
}

/* ---- how far a run is ---- */

/* What a line is, seen byte by byte. */
struct scan {
	const struct lf_run *run;
	bool heading; /* csv: the line is the heading */
	size_t in_line;
	bool begins_as_error; /* json: so far */
	bool quoted, filled;  /* csv: within quotes; the error's cell has something in it */
	size_t column;
	uint64_t lines, failed, bytes; /* of whole lines */
};

static void scan_byte(struct scan *scan, char c)
{
	static const char error_begin[] = "{\"line\":";

	if (!scan->run->csv) {
		if (scan->in_line < sizeof(error_begin) - 1)
			scan->begins_as_error =
				(scan->in_line == 0 || scan->begins_as_error) && c == error_begin[scan->in_line];
	} else if (c == '"') {
		scan->quoted = !scan->quoted;
	} else if (c == ',' && !scan->quoted) {
		scan->column++;
	} else if (scan->column == scan->run->error_column && c != '\r' && c != '\n') {
		scan->filled = true;
	}
	scan->in_line++;
}

static void end_line(struct scan *scan)
{
	const bool failed = scan->run->csv ? scan->filled : scan->begins_as_error;

	scan->bytes += scan->in_line;
	if (!scan->heading) {
		scan->lines++;
		scan->failed += failed ? 1 : 0;
	}
	scan->heading = scan->begins_as_error = scan->quoted = scan->filled = false;
	scan->in_line = scan->column = 0;
}

/* Takes bytes; false at the first NUL, which no line has: what a file system left where data was lost. */
static bool scan_bytes(struct scan *scan, const char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (bytes[i] == '\0')
			return false;
		scan_byte(scan, bytes[i]);
		if (bytes[i] == '\n')
			end_line(scan);
	}
	return true;
}

/* Counts FILE's whole lines, and cuts what is behind them. */
static enum lf_code count_lines(struct lf_run *run, struct lf_error *error)
{
	enum { AT_ONCE = 256 * 1024 };
	struct scan scan = {.run = run, .heading = run->csv};
	char *bytes = malloc(AT_ONCE);
	ssize_t n = bytes == NULL ? 0 : AT_ONCE;

	while (n > 0) {
		n = read(run->file, bytes, AT_ONCE);
		if (n > 0 && !scan_bytes(&scan, bytes, (size_t)n))
			break;
	}
	if (bytes == NULL)
		lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	else if (n < 0 || ftruncate(run->file, (off_t)scan.bytes) != 0 ||
		lseek(run->file, (off_t)scan.bytes, SEEK_SET) < 0)
		file_error(error, run->path, errno);
	free(bytes);
	run->lines = scan.lines;
	run->failed = scan.failed;
	run->bytes = scan.bytes;
	return error->code;
}

/* ---- FILE.run ---- */

static enum lf_code write_run(const struct lf_run *run, struct lf_error *error)
{
	struct lf_buffer text = {0};
	int failed;

	lf_text_add(&text, "%s\nrun %s\nas-of %" PRId64 " %" PRId32 "\ninput %s\noptions %s\n", HEADING, run->id,
		run->as_of_seconds, run->as_of_nanos, run->input, run->what);
	failed = lf_runfile_put(run->run, &text);
	if (failed == 0)
		failed = lf_file_sync_folder(run->run);
	lf_buffer_clean_up(&text);
	return failed != 0 ? file_error(error, run->run, failed) : LF_OK;
}

static const char *after(const char *line, const char *begin)
{
	const size_t length = strlen(begin);

	return line != NULL && strncmp(line, begin, length) == 0 ? line + length : NULL;
}

/* The run that FILE.run is of has to be this one, whose id and instant are taken over. */
static enum lf_code compare_run(struct lf_run *run, char *text, struct lf_error *error)
{
	char *rest = text;
	const char *heading = strsep(&rest, "\n"), *id = after(strsep(&rest, "\n"), "run "),
		   *instant = after(strsep(&rest, "\n"), "as-of ");
	const char *input = after(strsep(&rest, "\n"), "input "), *what = after(strsep(&rest, "\n"), "options ");
	int64_t seconds = 0;
	int32_t nanos = 0;

	if (strcmp(heading, OLDER) == 0)
		return lf_error_set(error, LF_INVALID_ARGUMENT,
			"%s: is of an unfinished run of an older leadfit, whose keys were others: finish it with that "
			"one, or remove the file to begin anew",
			run->run);
	if (strcmp(heading, HEADING) != 0 || id == NULL || strlen(id) > LF_RUN_ID_MAX || instant == NULL ||
		input == NULL || what == NULL || rest == NULL ||
		sscanf(instant, "%" SCNd64 " %" SCNd32, &seconds, &nanos) != 2)
		return lf_error_set(
			error, LF_INVALID_ARGUMENT, "%s: is not of a batch: remove it to begin anew", run->run);
	if (strcmp(input, run->input) != 0)
		return lf_error_set(error, LF_INVALID_ARGUMENT,
			"%s: is of an unfinished run of another input, %.150s, not %.150s: give that one to go on, or "
			"remove the file to begin anew",
			run->run, input, run->input);
	if (strcmp(what, run->what) != 0)
		return lf_error_set(error, LF_INVALID_ARGUMENT,
			"%s: is of an unfinished run with other options: with %.150s, not %.150s: give those to go on, "
			"or remove the file to begin anew",
			run->run, what, run->what);
	if (run->named ? strcmp(id, run->id) != 0 : run->pipe)
		return lf_error_set(error, LF_INVALID_ARGUMENT,
			"%s: is of the unfinished run %s: --run-id %s and the same input again go on with it; remove "
			"the file to begin anew",
			run->run, id, id);
	if (run->dated && (seconds != run->as_of_seconds || nanos != run->as_of_nanos))
		return lf_error_set(error, LF_INVALID_ARGUMENT,
			"--as-of: the unfinished run of %s has another: leave it out to go on, or remove the file to "
			"begin anew",
			run->run);
	snprintf(run->id, sizeof(run->id), "%s", id);
	run->as_of_seconds = seconds;
	run->as_of_nanos = nanos;
	run->resumed = true;
	return LF_OK;
}

/* ---- opening and ending ---- */

static enum lf_code open_file(struct lf_run *run, const char *path, struct lf_error *error)
{
	struct stat status;

	if (lstat(path, &status) == 0 && S_ISLNK(status.st_mode))
		run->path = realpath(path, NULL);
	else
		run->path = strdup(path);
	if (run->path == NULL)
		return file_error(error, path, errno);
	if (asprintf(&run->run, "%s.run", run->path) < 0) {
		run->run = NULL;
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	}
	if (stat(run->path, &status) == 0 && !S_ISREG(status.st_mode))
		return lf_error_set(error, LF_INVALID_ARGUMENT,
			"--out: %s is not a file: without --out, lines go to standard output", path);
	run->file = open(run->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
	if (run->file < 0)
		return file_error(error, path, errno);
	if (flock(run->file, LOCK_EX | LOCK_NB) != 0)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "--out: another batch writes %s", path);
	return LF_OK;
}

enum lf_code lf_run_open(struct lf_run *run, const char *path, struct lf_error *error)
{
	char *text;

	if (open_file(run, path, error) != LF_OK)
		return error->code;
	if (lf_runfile_read(run->run, &text, error) != LF_OK)
		return error->code;
	if (text != NULL) {
		compare_run(run, text, error);
		free(text);
		return error->code != LF_OK ? error->code : count_lines(run, error);
	}
	/* Emptied first: lines of an earlier run are not to be counted as this one's. */
	if (ftruncate(run->file, 0) != 0 || fsync(run->file) != 0)
		return file_error(error, path, errno);
	return write_run(run, error);
}

enum lf_code lf_run_finish(struct lf_run *run, struct lf_error *error)
{
	if (run->file < 0)
		return LF_OK;
	if (fsync(run->file) != 0)
		return file_error(error, run->path, errno);
	if (unlink(run->run) != 0)
		return file_error(error, run->run, errno);
	lf_file_sync_folder(run->run);
	return LF_OK;
}

void lf_run_close(struct lf_run *run)
{
	if (run->file >= 0)
		close(run->file);
	run->file = -1;
	free(run->path);
	free(run->run);
	run->path = run->run = NULL;
}
