/* Lines on their way to a descriptor that may take none. */
#ifndef LF_SERVICE_EVENTS_OUTPUT_H
#define LF_SERVICE_EVENTS_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Writes the line to standard error, by one write() where that takes it all. Any thread: no other line comes in between.
 * false: it was not taken, or only in part, after which the next one begins on a line of its own. Waits as
 * lf_event_say() promises.
 */
bool lf_output_line(const char *line, size_t length);

#endif
