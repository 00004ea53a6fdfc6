#include "service/daemon/requests.h"

#include <stdio.h>
#include <string.h>

#include "proto/base/hex.h"
#include "service/events/events.h"

enum { METHOD_BYTES = 128 };

/* LF_EVENT_COUNT: it is worth no line. */
static enum lf_event event_of(const struct lf_rpc_outcome *outcome, bool all)
{
	switch (outcome->code) {
	case LF_OK:
		if (!outcome->is_stream && outcome->duration_ns > (uint64_t)LF_SLOW_MS * 1000000)
			return LF_EVENT_REQUEST_SLOW;
		return all ? LF_EVENT_REQUEST : LF_EVENT_COUNT;
	case LF_UNAUTHENTICATED:
	case LF_PERMISSION_DENIED:
		return LF_EVENT_REQUEST_DENIED;
	case LF_UNKNOWN:
	case LF_INTERNAL:
	case LF_DATA_LOSS:
		return LF_EVENT_REQUEST_BROKEN;
	default:
		return LF_EVENT_REQUEST_FAILED;
	}
}

static void say(enum lf_event event, const struct lf_rpc_outcome *outcome)
{
	char method[METHOD_BYTES], trace[2 * LF_TRACE_ID_BYTES], span[2 * LF_SPAN_ID_BYTES];
	const bool is_there = *outcome->method != '\0';
	const int length = snprintf(method, sizeof(method), "%s/%s", outcome->service, outcome->method);
	const struct lf_event_field fields[] = {
		is_there ? lf_event_said(lf_event_slice("method", (struct lf_slice){method, (size_t)length}))
			 : lf_event_slice("method", outcome->sent_method),
		lf_event_said(lf_event_text("code", lf_code_name(outcome->code))),
		lf_event_number("duration_us", outcome->duration_ns / 1000),
		lf_event_text("transport", outcome->protocol),
		lf_event_text("peer", outcome->peer),
		lf_event_text("caller", outcome->is_known ? outcome->caller : ""),
		lf_event_slice("request_id", outcome->request_id),
		lf_event_slice("trace_id", (struct lf_slice){trace, sizeof(trace)}),
		lf_event_slice("span_id", (struct lf_slice){span, sizeof(span)}),
	};

	lf_hex_print(outcome->trace->trace_id, LF_TRACE_ID_BYTES, trace);
	lf_hex_print(outcome->trace->span_id, LF_SPAN_ID_BYTES, span);
	if (is_there)
		lf_event_say_with(event, fields, sizeof(fields) / sizeof(fields[0]), "%s %s", method,
			lf_code_name(outcome->code));
	else
		lf_event_say_with(event, fields, sizeof(fields) / sizeof(fields[0]), "no such method %s",
			lf_code_name(outcome->code));
}

void lf_daemon_say_request(const struct lf_rpc_outcome *outcome, bool all)
{
	const enum lf_event event = event_of(outcome, all);

	if (event != LF_EVENT_COUNT && lf_event_is_wanted(event))
		say(event, outcome);
}
