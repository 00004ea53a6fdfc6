#include "client/batch/lines.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/limits.h"

enum {
	CAPACITY_FIRST = 256 * 1024,
	CAPACITY_MAX = 2 * LF_MESSAGE_BYTES_MAX,
	SCAN_MAX = LF_MESSAGE_BYTES_MAX + 2 /* CR, LF */
};

void lf_lines_init(struct lf_lines *lines, int file)
{
	struct stat status;

	*lines = (struct lf_lines){.file = file};
	lines->regular = fstat(file, &status) == 0 && S_ISREG(status.st_mode);
}

void lf_lines_init_text(struct lf_lines *lines, char *text, size_t length)
{
	*lines = (struct lf_lines){
		.file = -1, .regular = true, .buffer = text, .end = length, .capacity = length, .ended = true};
}

void lf_lines_clean_up(struct lf_lines *lines)
{
	free(lines->buffer);
	lines->buffer = NULL;
}

bool lf_lines_rewind(struct lf_lines *lines)
{
	if (lines->file >= 0 && lseek(lines->file, 0, SEEK_SET) != 0)
		return false;
	lines->begin = lines->scanned = 0;
	lines->taken = lines->skipped = 0;
	lines->skipping = false;
	if (lines->file >= 0) {
		lines->end = 0;
		lines->ended = false;
	}
	return true;
}

/* GOT where there is something to read, or its end. */
static enum lf_line wait_for_input(const struct lf_lines *lines, bool wait, const struct lf_watch *watch)
{
	struct pollfd polled[] = {
		{.fd = lines->file, .events = POLLIN}, {.fd = watch->stop, .events = POLLIN}, {.fd = watch->output}};

	if (lines->regular)
		return LF_LINE_GOT;
	for (;;) {
		const int n = poll(polled, sizeof(polled) / sizeof(polled[0]), wait ? -1 : 0);

		if (n < 0 && errno != EINTR)
			return LF_LINE_FAILED;
		if (n > 0 && (polled[1].revents != 0 || polled[2].revents != 0))
			return LF_LINE_STOPPED;
		if (n > 0)
			return LF_LINE_GOT;
		if (n == 0 && !wait)
			return LF_LINE_DRY;
	}
}

/* Room for more behind what is there. */
static bool make_room(struct lf_lines *lines)
{
	size_t capacity;
	char *buffer;

	if (lines->begin > 0) {
		memmove(lines->buffer, lines->buffer + lines->begin, lines->end - lines->begin);
		lines->end -= lines->begin;
		lines->begin = 0;
	}
	if (lines->end < lines->capacity)
		return true;
	capacity = lines->capacity == 0 ? CAPACITY_FIRST : lines->capacity * 2;
	buffer = capacity <= CAPACITY_MAX ? realloc(lines->buffer, capacity) : NULL;
	if (buffer == NULL)
		return false;
	lines->buffer = buffer;
	lines->capacity = capacity;
	return true;
}

static enum lf_line fill(struct lf_lines *lines, bool wait, const struct lf_watch *watch)
{
	const enum lf_line there = wait_for_input(lines, wait, watch);
	ssize_t n;

	if (there != LF_LINE_GOT)
		return there;
	if (!make_room(lines)) {
		errno = ENOMEM;
		return LF_LINE_FAILED;
	}
	n = read(lines->file, lines->buffer + lines->end, lines->capacity - lines->end);
	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? LF_LINE_GOT : LF_LINE_FAILED;
	lines->ended = n == 0;
	lines->end += (size_t)n;
	return LF_LINE_GOT;
}

/* Gives so many bytes as a line; end: of them are its line end. */
static enum lf_line give(struct lf_lines *lines, size_t bytes, size_t end, const char **text, size_t *length)
{
	const char *line = lines->buffer + lines->begin;
	size_t n = bytes - end;

	if (lines->taken == 0 && n >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) {
		line += 3;
		n -= 3;
	}
	if (n > 0 && line[n - 1] == '\r')
		n--;
	lines->begin += bytes;
	lines->scanned = 0;
	lines->taken += bytes + lines->skipped;
	*length = n + (size_t)lines->skipped;
	*text = line;
	if (!lines->skipping && n <= LF_MESSAGE_BYTES_MAX)
		return LF_LINE_GOT;
	*text = NULL;
	lines->skipping = false;
	lines->skipped = 0;
	return LF_LINE_LONG;
}

enum lf_line lf_lines_next(
	struct lf_lines *lines, bool wait, const struct lf_watch *watch, const char **text, size_t *length)
{
	for (;;) {
		const size_t there = lines->end - lines->begin;
		const char *from = there > lines->scanned ? lines->buffer + lines->begin + lines->scanned : NULL;
		const char *end = from == NULL ? NULL : memchr(from, '\n', there - lines->scanned);
		enum lf_line filled;

		if (end != NULL)
			return give(lines, (size_t)(end - lines->buffer) - lines->begin + 1, 1, text, length);
		if (lines->ended)
			return there > 0 || lines->skipping ? give(lines, there, 0, text, length) : LF_LINE_END;
		lines->scanned = there;
		if (there > SCAN_MAX || lines->skipping) {
			lines->skipping = true;
			lines->skipped += there;
			lines->begin = lines->end = lines->scanned = 0;
		}
		filled = fill(lines, wait, watch);
		if (filled != LF_LINE_GOT)
			return filled;
	}
}
