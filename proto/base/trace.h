/*
 * W3C trace context (https://www.w3.org/TR/trace-context/): which trace a request belongs to, and which step of it the
 * service's work on it is. Only the ids are made and passed on; nothing is recorded or sent anywhere.
 */
#ifndef LF_PROTO_BASE_TRACE_H
#define LF_PROTO_BASE_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/slice.h"

enum { LF_TRACE_TEXT_BYTES = 55, LF_TRACE_ID_BYTES = 16, LF_SPAN_ID_BYTES = 8 };

struct lf_trace {
	uint8_t trace_id[LF_TRACE_ID_BYTES];
	uint8_t span_id[LF_SPAN_ID_BYTES]; /* of the service's own work */
	uint8_t flags;                     /* passed on; 1: the caller has sampled it */
	bool continued;                    /* the caller sent a trace, and this is the same */
};

/*
 * The trace of a request: that of its traceparent, with a new span id, or a new one where the text is empty or no
 * traceparent. Any thread.
 */
void lf_trace_begin(struct lf_trace *trace, struct lf_slice traceparent);
/* Writes it as a traceparent, LF_TRACE_TEXT_BYTES without a NUL: version 00, its span being the parent. */
void lf_trace_write(const struct lf_trace *trace, char *out);

#endif
