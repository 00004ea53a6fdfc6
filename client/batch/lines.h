/* Lines of any file or pipe, one after another, in memory that is bounded by the longest line allowed. */
#ifndef LF_CLIENT_BATCH_LINES_H
#define LF_CLIENT_BATCH_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum lf_line {
	LF_LINE_GOT,
	LF_LINE_LONG, /* longer than LF_MESSAGE_BYTES_MAX: it was passed over, text is NULL */
	LF_LINE_DRY,  /* none is there yet */
	LF_LINE_END,
	LF_LINE_STOPPED,
	LF_LINE_FAILED, /* errno says why */
};

/* What ends a wait for input. Descriptors; -1: none. */
struct lf_watch {
	int stop;   /* becomes readable */
	int output; /* its reader has gone */
};

struct lf_lines {
	int file; /* -1: all of it is in memory */
	bool regular;
	char *buffer;
	size_t begin, end, capacity;
	size_t scanned;   /* bytes from begin that have no line end */
	uint64_t skipped; /* bytes of a line that is being passed over */
	uint64_t taken;   /* bytes of all lines that were given, with their ends */
	bool skipping, ended;
};

/* From a descriptor, which is the caller's. */
void lf_lines_init(struct lf_lines *lines, int file);
/* From a text, which becomes the lines' own (malloc). */
void lf_lines_init_text(struct lf_lines *lines, char *text, size_t length);
void lf_lines_clean_up(struct lf_lines *lines);
/*
 * The next line, without its end (LF or CRLF; the last line may have none) and without a byte order mark; it may be
 * anything else, NUL bytes included. Valid until the next call. wait: blocks until there is one; else DRY. LONG sets
 * only *length.
 */
enum lf_line lf_lines_next(
	struct lf_lines *lines, bool wait, const struct lf_watch *watch, const char **text, size_t *length);
/* Begins again at the first line. false where the file can't be read again. */
bool lf_lines_rewind(struct lf_lines *lines);

#endif
