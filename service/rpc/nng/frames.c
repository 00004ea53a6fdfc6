#include <string.h>

#include "service/rpc/nng/internal.h"

/*
 * Frames in nng's messages. A reply's message has the frame's header first, then the message's bytes, then what is
 * appended. Nothing is inserted in front (nng 1.5.2's nng_msg_insert() corrupts the heap), and there is room behind,
 * made by allocating more and chopping it off again.
 *
 * An error can always be said: where no message can be allocated for it, the request's own message is emptied and
 * carries the header and the status, without text. A request has at least those few bytes, or else nng asks for them,
 * and only if even that fails the caller hears nothing and its deadline ends the call.
 */

static const char REQUEST_ID[] = "request-id", TRACEPARENT[] = "traceparent", TRACESTATE[] = "tracestate",
		  SEND_ALONE[] = "send-alone";

/* ---- the request ---- */

void lf_frames_request(
	const struct lf_turn *turn, const struct lf_frame *frame, size_t bytes, struct lf_rpc_request *request)
{
	*request = (struct lf_rpc_request){
		.method = frame->method,
		.timeout_ms = frame->timeout_ms,
		.metadata = frame->metadata,
		.metadata_count = frame->metadata_count,
		.message = frame->message,
		.message_length = frame->message_length,
		.bytes = bytes,
		.peer = turn->connection->peer,
		.protocol = turn->nng->protocol,
	};
}

bool lf_frames_read(struct lf_turn *turn, struct lf_rpc_request *request)
{
	const struct lf_frame *frame = &turn->frame;
	const size_t bytes = nng_msg_len(turn->request);

	turn->request_id = turn->tracestate = (struct lf_slice){0};
	if (lf_frame_decode(&turn->frame, nng_msg_body(turn->request), bytes, NULL) != LF_OK)
		return false;
	turn->request_id = lf_frame_metadata(frame, REQUEST_ID);
	turn->tracestate = lf_frame_metadata(frame, TRACESTATE);
	if (frame->kind != LF_FRAME_REQUEST)
		return false;
	lf_frames_request(turn, frame, bytes, request);
	return true;
}

void lf_frames_explain(const struct lf_turn *turn, struct lf_error *error)
{
	struct lf_frame frame;

	if (lf_frame_decode(&frame, nng_msg_body(turn->request), nng_msg_len(turn->request), error) == LF_OK)
		lf_error_set(error, LF_INVALID_ARGUMENT, "frame: byte 3 is 0x%02x: a request is wanted here",
			(unsigned)frame.kind);
}

/* ---- the reply ---- */

static void add(struct lf_frame *frame, const char *key, struct lf_slice value)
{
	if (value.data == NULL)
		return;
	frame->metadata[frame->metadata_count++] = (struct lf_metadata){{key, strlen(key)}, value};
}

size_t lf_frames_reply_header(const struct lf_reply_head *head, uint8_t *header)
{
	char traceparent[LF_TRACE_TEXT_BYTES];
	struct lf_frame frame;

	frame.kind = LF_FRAME_REPLY;
	frame.timeout_ms = 0;
	frame.status = head->code;
	frame.method = (struct lf_slice){0};
	frame.metadata_count = 0;
	add(&frame, REQUEST_ID, head->request_id);
	if (head->trace != NULL) {
		lf_trace_write(head->trace, traceparent);
		add(&frame, TRACEPARENT, (struct lf_slice){traceparent, sizeof(traceparent)});
	}
	if (head->trace != NULL && head->trace->continued)
		add(&frame, TRACESTATE, head->tracestate);
	if (head->alone)
		add(&frame, SEND_ALONE, (struct lf_slice){"1", 1});
	return lf_frame_encode_header(&frame, header, NULL);
}

size_t lf_frames_bare_status(enum lf_code code, bool alone, uint8_t *out)
{
	uint8_t header[LF_FRAME_HEADER_MAX];
	size_t length = lf_frames_reply_header(&(struct lf_reply_head){.code = code, .alone = alone}, header);

	memcpy(out, header, length);
	out[length++] = 1 << 3; /* leadfit.v1.Error: code, a varint below 128 */
	out[length++] = (uint8_t)code;
	return length;
}

/* A message with the header, and room for length bytes behind it, which are returned. NULL: too large, or no memory. */
static uint8_t *begin(struct lf_turn *turn, enum lf_code code, size_t length)
{
	const size_t max = lf_rpc_server_options(turn->nng->server)->message_bytes_max;
	uint8_t header[LF_FRAME_HEADER_MAX];
	const struct lf_reply_head head = {code, lf_rpc_trace(turn->call), turn->request_id, turn->tracestate, false};
	const size_t header_length = lf_frames_reply_header(&head, header);

	LF_CHECK(N2, turn->reply == NULL);
	if (header_length == 0 || length > max || header_length > max - length)
		return NULL;
	if (nng_msg_alloc(&turn->reply, header_length + length + LF_NNG_REPLY_SPARE) != 0) {
		turn->reply = NULL;
		return NULL;
	}
	nng_msg_chop(turn->reply, LF_NNG_REPLY_SPARE);
	memcpy(nng_msg_body(turn->reply), header, header_length);
	return (uint8_t *)nng_msg_body(turn->reply) + header_length;
}

uint8_t *lf_frames_begin(struct lf_rpc_call *call, size_t length)
{
	return begin(lf_rpc_call_own(call), LF_OK, length);
}

bool lf_frames_append(struct lf_rpc_call *call, const void *data, size_t length)
{
	struct lf_turn *turn = lf_rpc_call_own(call);
	const size_t max = lf_rpc_server_options(turn->nng->server)->message_bytes_max;

	LF_CHECK(N2, turn->reply != NULL);
	return length <= max - nng_msg_len(turn->reply) && nng_msg_append(turn->reply, data, length) == 0;
}

void lf_frames_drop(struct lf_rpc_call *call)
{
	struct lf_turn *turn = lf_rpc_call_own(call);

	if (turn->reply != NULL)
		nng_msg_free(turn->reply);
	turn->reply = NULL;
}

/* ---- an error ---- */

/* The request's message, emptied, with a status and no more. */
static bool bare_status(struct lf_turn *turn, enum lf_code code)
{
	uint8_t status[LF_NNG_BARE_BYTES];
	const size_t length = lf_frames_bare_status(code, false, status);

	turn->request_id = turn->tracestate = (struct lf_slice){0}; /* lie in the message */
	nng_msg_clear(turn->request);
	if (nng_msg_append(turn->request, status, length) != 0)
		return false;
	turn->reply = turn->request;
	turn->request = NULL;
	return true;
}

bool lf_frames_fail(
	struct lf_rpc_call *call, enum lf_code code, const char *message, const uint8_t *details, size_t length)
{
	struct lf_turn *turn = lf_rpc_call_own(call);
	uint8_t *body;

	(void)message; /* is in the details */
	if (details == NULL)
		return bare_status(turn, code);
	body = begin(turn, code, length);
	if (body != NULL)
		memcpy(body, details, length);
	return body != NULL;
}
