/* One line about an event, as text or as JSON. Pure: no clock, no I/O. */
#ifndef LF_SERVICE_EVENTS_LINE_H
#define LF_SERVICE_EVENTS_LINE_H

#include "service/events/events.h"

enum {
	LF_LINE_BYTES_MAX = 4096,
	LF_LINE_MESSAGE_MAX = 1536, /* as it is written */
	LF_LINE_VALUE_MAX = 256,    /* the same */
};

struct lf_line {
	size_t length;
	bool full; /* the last piece had no room */
	char text[LF_LINE_BYTES_MAX];
};

/* What a line says. */
struct lf_line_parts {
	enum lf_event event;
	int64_t time_us; /* since 1970, UTC */
	struct lf_slice message;
	const struct lf_event_field *fields;
	size_t count;
};

/*
 * Makes the line, its end included. for_journal: with "<N>" before it. Bytes that are no UTF-8, controls and what can't be
 * seen are escaped or replaced (proto/base/harmless.h), so it is one line, and as JSON one object. A field that there is no
 * room for is left out.
 */
void lf_line_make(struct lf_line *line, const struct lf_line_parts *parts, bool json, bool for_journal);

#endif
