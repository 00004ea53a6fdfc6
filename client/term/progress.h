/* How far a long command is: one line on standard error, where that is a terminal; nothing otherwise. */
#ifndef LF_CLIENT_TERM_PROGRESS_H
#define LF_CLIENT_TERM_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct lf_progress {
	bool terminal, shown;
	uint64_t last_ms;
};

void lf_progress_init(struct lf_progress *progress);
/*
 * Replaces the line, some five times a second at most: more often, nothing happens. The text is one line, without its
 * end.
 */
void lf_progress_say(struct lf_progress *progress, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Takes the line away. Before anything else is written to standard error or output. */
void lf_progress_end(struct lf_progress *progress);

#endif
