/*
 * The log as it grows, a decision a message, for as long as the peer wants it.
 *
 * A watch is a position in the log and a filter. Nothing is handed to it: whenever it is woken it reads on from its
 * position, so that nothing is lost whatever was missed meanwhile, and a peer that reads slowly costs no memory but for
 * one slice. It goes on when the peer has taken all of that, or, at the end of the log, when something was committed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/clock.h"
#include "proto/base/limits.h"
#include "proto/wire/borrow.h"
#include "proto/wire/span.h"
#include "service/decisions/decisions.h"
#include "service/decisions/slice.h"
#include "service/state/reply.h"
#include "service/state/selection.h"
#include "service/state/state.h"

enum {
	SLICE_BYTES = 32 * 1024, /* sent before the peer must have taken it: 8 MiB for all streams */
	SLICE_ROWS = 256,
	SIGN_SECONDS = 30, /* below what proxies allow a silent connection, a minute as a rule */
};

/* Kept with the call: the request is gone when it waits. */
struct watch {
	struct lf_state *state;
	bool brief, new_only;
	bool has_begun;    /* where new_only begins is known, and where the log ends was looked at */
	bool has_said_end; /* that there are no others was said */
	uint32_t outcome;
	bool decisions_only;
	int64_t since_us, until_us;
	char team[LF_ID_BYTES_MAX + 1], project[LF_ID_BYTES_MAX + 1], candidate[LF_ID_BYTES_MAX + 1],
		rubric[LF_ID_BYTES_MAX + 1];
	uint64_t next;    /* sequence to go on from */
	uint64_t sent_ns; /* when something was sent last */
};

/* What a slice is sent by. */
struct sending {
	struct watch *watch;
	struct lf_rpc_call *call;
	size_t bytes;
};

/* ---- messages ---- */

/* WatchResponse with these fields; decision NULL: without one. false where memory ran out. */
static bool send_part(
	struct lf_rpc_call *call, uint64_t next, uint64_t sequence, const uint8_t *decision, size_t length)
{
	uint8_t head[3 * 11], *out = head, *message;
	struct lf_error error = LF_ERROR_INIT;

	*out++ = 1 << 3; /* next */
	out += lf_put_varint(out, next);
	if (decision != NULL) {
		*out++ = 2 << 3; /* sequence */
		out += lf_put_varint(out, sequence);
		*out++ = 3 << 3 | 2; /* decision */
		out += lf_put_varint(out, length);
	}
	message = lf_rpc_stage_bytes(call, (size_t)(out - head) + length);
	if (message == NULL)
		return false;
	memcpy(message, head, (size_t)(out - head));
	if (length != 0)
		memcpy(message + (out - head), decision, length);
	return lf_rpc_send_part(call, &error) == LF_OK;
}

static enum lf_slice_put put_decision(void *context, uint64_t sequence, const uint8_t *decision, size_t length)
{
	struct sending *sending = context;

	if (!send_part(sending->call, sequence + 1, sequence, decision, length))
		return LF_SLICE_NOT_TAKEN;
	sending->bytes += length;
	return sending->bytes < SLICE_BYTES ? LF_SLICE_TAKEN : LF_SLICE_FULL;
}

/* ---- the position ---- */

/* Finds where a watch begins, once. */
static enum lf_code begin(struct watch *w, uint64_t newest, struct lf_error *error)
{
	if (w->has_begun)
		return LF_OK;
	w->has_begun = true;
	if (w->new_only)
		w->next = newest + 1;
	else if (w->next == 0)
		w->next = 1;
	else if (w->next > newest + 1)
		return lf_error_set(error, LF_OUT_OF_RANGE,
			"from_sequence: %" PRIu64 " is beyond the log, whose newest decision is %" PRIu64
			": was it restored from an older copy?",
			w->next, newest);
	return LF_OK;
}

/* Once, where it begins: what follows is whatever comes, and when it ends it is counted. */
static enum lf_code record(
	const struct watch *w, const struct lf_rpc_call *call, const struct lf_scan *scan, struct lf_error *error)
{
	Leadfit__V1__AccessCall access = LEADFIT__V1__ACCESS_CALL__INIT;

	access.method = lf_unconst("leadfit.v1.Decisions/Watch");
	access.first_sequence = w->next;
	return lf_slice_record(w->state, call, scan, &access, error);
}

/* Sends what comes next. *at_end: there was no more of it. */
static enum lf_code send_slice(struct watch *w, struct lf_rpc_call *call, bool *at_end, struct lf_error *error)
{
	struct sending sending = {w, call, 0};
	struct lf_slice_reader reader = {
		.state = w->state, .brief = w->brief, .put = put_decision, .context = &sending, .error = LF_ERROR_INIT};
	struct lf_scan scan = {.team_id = w->team,
		.project_id = w->project,
		.candidate = w->candidate,
		.rubric_name = w->rubric,
		.outcome = w->outcome,
		.decisions_only = w->decisions_only,
		.since_us = w->since_us,
		.until_us = w->until_us,
		.limit = SLICE_ROWS,
		.bytes_max = SLICE_BYTES,
		.payloads = !w->brief};
	const bool begins = !w->has_begun;
	uint64_t newest, next = 0;

	/* Where there is no more, none up to this one is missing. */
	if (lf_slice_newest(w->state, &newest, error) != LF_OK || begin(w, newest, error) != LF_OK ||
		(begins && record(w, call, &scan, error) != LF_OK))
		return error->code;
	scan.from_sequence = w->next;
	lf_slice_init(&reader, lf_rpc_arena(call));
	lf_slice_read(&reader, &scan, &next);
	lf_log_note_damage(w->state->log, &reader.error);
	if (reader.count != 0) {
		w->sent_ns = lf_clock_ns();
		w->next = reader.last_sequence + 1;
	} else if (reader.error.code != LF_OK)
		lf_error_move(error, &reader.error);
	*at_end = next == 0 && reader.error.code == LF_OK;
	if (next != 0 && reader.error.code == LF_OK)
		w->next = next;
	else if (*at_end && w->next <= newest)
		w->next = newest + 1;
	lf_slice_clean_up(&reader);
	return error->code;
}

/* ---- the watch ---- */

static void go_on(struct lf_rpc_call *call, void *context)
{
	const uint64_t sign_ns = (uint64_t)SIGN_SECONDS * 1000000000;
	const uint64_t seen = lf_rpc_news(call);
	struct lf_error error = LF_ERROR_INIT;
	struct watch *w = context;
	bool at_end = false;

	if (lf_rpc_untaken(call) == 0 && send_slice(w, call, &at_end, &error) != LF_OK) {
		lf_send_error(call, &error);
		return;
	}
	if (at_end && (!w->has_said_end || lf_clock_ns() - w->sent_ns >= sign_ns)) {
		w->has_said_end = send_part(call, w->next, 0, NULL, 0);
		/* Without memory, again in a second. */
		w->sent_ns = lf_clock_ns() - (w->has_said_end ? 0 : sign_ns - UINT64_C(1000000000));
	}
	lf_rpc_stream_wait(call,
		&(struct lf_rpc_wait){
			.taken = !at_end, .news = at_end, .seen = seen, .until_ns = at_end ? w->sent_ns + sign_ns : 0},
		go_on, w);
}

static void copy(char to[LF_ID_BYTES_MAX + 1], const char *text)
{
	snprintf(to, LF_ID_BYTES_MAX + 1, "%s", text == NULL ? "" : text);
}

static void check_request(
	const Leadfit__V1__WatchRequest *request, struct watch *w, struct lf_state *state, struct lf_checker *checker)
{
	struct lf_scan scan = {0};

	lf_selection_read(request->selection, request->from_sequence, &scan, checker);
	if (request->new_only && request->from_sequence != 0)
		lf_check_fail(checker, "from_sequence", "%" PRIu64 " contradicts new_only, which needs 0",
			request->from_sequence);
	*w = (struct watch){.state = state,
		.brief = request->brief,
		.new_only = request->new_only,
		.outcome = scan.outcome,
		.decisions_only = scan.decisions_only,
		.since_us = scan.since_us,
		.until_us = scan.until_us,
		.next = request->from_sequence,
		.sent_ns = lf_clock_ns()};
	copy(w->team, scan.team_id);
	copy(w->project, scan.project_id);
	copy(w->candidate, scan.candidate);
	copy(w->rubric, scan.rubric_name);
}

void lf_decisions_watch(Leadfit__V1__Decisions_Service *service, const Leadfit__V1__WatchRequest *request,
	Leadfit__V1__WatchResponse_Closure closure, void *closure_data)
{
	struct lf_state *state = LF_CONTAINER_OF(service, struct lf_decisions_service, base)->state;
	struct watch *w = lf_rpc_keep(closure_data, sizeof(*w));
	struct lf_error error = LF_ERROR_INIT;
	struct lf_checker checker = {.error = &error};

	(void)closure; /* it sends parts */
	if (w == NULL) {
		lf_send_no_memory(closure_data);
		return;
	}
	check_request(request, w, state, &checker);
	if (checker.found > 0)
		lf_error_summarize(&error);
	else if (lf_rpc_stream_begin(closure_data, "leadfit.v1.Decisions/Export", &error) == LF_OK) {
		go_on(closure_data, w);
		return;
	}
	lf_send_error(closure_data, &error);
}
