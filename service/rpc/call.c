#include "service/rpc/internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "leadfit/v1/error.pb-c.h"
#include "proto/wire/wire.h"

/*
 * Design notes
 *
 * One call from its request's frame to its reply's message. The message that nng sends has the frame's header first,
 * then the packed fields, then what lf_rpc_append() adds. Nothing is inserted in front (nng 1.5.2's
 * nng_msg_insert() corrupts the heap), and there is room behind, made by allocating more and chopping it off again.
 *
 * An error can always be said: where no message can be allocated for it, the request's own message is emptied and
 * carries the header and the status, without text. A request has at least those few bytes, or else nng asks for them,
 * and only if even that fails the caller hears nothing and its deadline ends the call.
 */

static const char REQUEST_ID[] = "request-id";
static const char BEARER[] = "Bearer ";

/* ---- the reply ---- */

/* The header of a reply, with the request's id echoed. */
static size_t reply_header(const struct lf_rpc_call *call, enum lf_code code, uint8_t *header)
{
	struct lf_frame frame;

	frame.kind = LF_FRAME_REPLY;
	frame.timeout_ms = 0;
	frame.status = code;
	frame.method = (struct lf_slice){0};
	frame.metadata_count = 0;
	if (call->request_id.data != NULL) {
		frame.metadata[0].key = (struct lf_slice){REQUEST_ID, sizeof(REQUEST_ID) - 1};
		frame.metadata[0].value = call->request_id;
		frame.metadata_count = 1;
	}
	return lf_frame_encode_header(&frame, header, NULL);
}

/* A message with the header, and room for length bytes behind it at *body. NULL: too large, or there is no memory. */
static nng_msg *begin(const struct lf_rpc_call *call, enum lf_code code, size_t length, uint8_t **body)
{
	size_t max = call->server->options.message_bytes_max;
	uint8_t header[LF_FRAME_HEADER_MAX];
	size_t header_length = reply_header(call, code, header);
	nng_msg *message;

	if (header_length == 0 || length > max || header_length > max - length)
		return NULL;
	if (nng_msg_alloc(&message, header_length + length + LF_RPC_REPLY_SPARE) != 0)
		return NULL;
	nng_msg_chop(message, LF_RPC_REPLY_SPARE);
	*body = (uint8_t *)nng_msg_body(message) + header_length;
	memcpy(nng_msg_body(message), header, header_length);
	return message;
}

/*
 * A message with header and reply. NULL where it is too large or there is no memory. A method's reply is packed into
 * the arena and copied, which is much faster than to measure and then pack; an error, for which there may be no arena,
 * is not.
 */
static nng_msg *pack(const struct lf_rpc_call *call, enum lf_code code, const ProtobufCMessage *reply)
{
	const uint8_t *packed = NULL;
	nng_msg *message;
	uint8_t *body;
	size_t length;

	if (code != LF_OK)
		length = protobuf_c_message_get_packed_size(reply);
	else if ((packed = lf_wire_pack(reply, &call->arena->arena, LF_RPC_REPLY_HINT, &length)) == NULL)
		return NULL;
	message = begin(call, code, length, &body);
	if (message != NULL && packed == NULL)
		protobuf_c_message_pack(reply, body);
	else if (message != NULL)
		memcpy(body, packed, length);
	return message;
}

/* The request's message, emptied, with a status and no more. NULL where even that fails. */
static nng_msg *bare_status(struct lf_rpc_call *call, enum lf_code code)
{
	const uint8_t error[] = {1 << 3, (uint8_t)code}; /* leadfit.v1.Error: code, a varint below 128 */
	uint8_t header[LF_FRAME_HEADER_MAX];
	size_t header_length;
	nng_msg *message = call->request;

	call->request_id = (struct lf_slice){0}; /* lies in the message */
	header_length = reply_header(call, code, header);
	nng_msg_clear(message);
	if (nng_msg_append(message, header, header_length) != 0 || nng_msg_append(message, error, sizeof(error)) != 0)
		return NULL;
	return message;
}

/* A message that says the error, as fully as size and memory allow. */
static nng_msg *pack_error(struct lf_rpc_call *call, enum lf_code code, const struct lf_error *error)
{
	Leadfit__V1__FieldViolation violations[LF_VIOLATIONS_MAX];
	Leadfit__V1__FieldViolation *pointers[LF_VIOLATIONS_MAX];
	Leadfit__V1__Error body;
	char empty[1] = "", text[sizeof(error->message)];
	nng_msg *message;

	snprintf(text, sizeof(text), "%s", error->message[0] != '\0' ? error->message : lf_code_text(code));
	leadfit__v1__error__init(&body);
	body.code = (uint32_t)code;
	body.message = text;
	body.violations = pointers;
	for (size_t i = 0; i < error->violation_kept && i < LF_VIOLATIONS_MAX; i++) {
		leadfit__v1__field_violation__init(&violations[i]);
		violations[i].field = error->violations[i].field;
		violations[i].description = error->violations[i].description;
		pointers[body.n_violations++] = &violations[i];
	}
	message = pack(call, code, &body.base);
	if (message == NULL && body.n_violations != 0) {
		body.n_violations = 0;
		message = pack(call, code, &body.base);
	}
	if (message == NULL) {
		body.message = empty;
		message = bare_status(call, code);
	}
	return message;
}

/* ---- what a method may do ---- */

struct lf_arena *lf_rpc_arena(struct lf_rpc_call *call)
{
	return &call->arena->arena;
}

const char *lf_rpc_caller(const struct lf_rpc_call *call)
{
	return call->caller;
}

void lf_rpc_request_bytes(const struct lf_rpc_call *call, const uint8_t **data, size_t *length)
{
	*data = call->message;
	*length = call->message_length;
}

static bool overdue(const struct lf_rpc_call *call)
{
	return call->deadline_ns != 0 && lf_clock_ns() >= call->deadline_ns;
}

bool lf_rpc_expired(const struct lf_rpc_call *call)
{
	return overdue(call) || !lf_peers_has(&call->server->peers, call->pipe);
}

/* Drops a staged reply. */
static void unstage(struct lf_rpc_call *call)
{
	if (call->reply != NULL)
		nng_msg_free(call->reply);
	call->reply = NULL;
	lf_rpc_budget_give(&call->server->budget, call->reply_bytes);
	call->reply_bytes = 0;
}

/* Counts bytes of a staged reply, until it is sent, as used. */
static bool take_for_reply(struct lf_rpc_call *call, size_t bytes)
{
	if (!lf_rpc_budget_take(&call->server->budget, bytes))
		return false;
	call->reply_bytes += bytes;
	return true;
}

bool lf_rpc_stage(struct lf_rpc_call *call, const ProtobufCMessage *reply)
{
	assert(atomic_load(&call->state) == LF_CALL_WORKING);
	unstage(call);
	call->reply = pack(call, LF_OK, reply);
	if (call->reply != NULL && !take_for_reply(call, nng_msg_len(call->reply) + LF_RPC_REPLY_SPARE))
		unstage(call);
	return call->reply != NULL;
}

uint8_t *lf_rpc_stage_bytes(struct lf_rpc_call *call, size_t length)
{
	uint8_t *body = NULL;

	assert(atomic_load(&call->state) == LF_CALL_WORKING);
	unstage(call);
	/* Counted first: so long a message is not to be allocated in vain. */
	if (length > call->server->options.message_bytes_max ||
		!take_for_reply(call, length + LF_FRAME_HEADER_MAX + LF_RPC_REPLY_SPARE))
		return NULL;
	call->reply = begin(call, LF_OK, length, &body);
	if (call->reply == NULL)
		unstage(call);
	return call->reply == NULL ? NULL : body;
}

bool lf_rpc_append(struct lf_rpc_call *call, const void *data, size_t length)
{
	assert(call->reply != NULL);
	if (length > call->server->options.message_bytes_max - nng_msg_len(call->reply))
		return false;
	return take_for_reply(call, length) && nng_msg_append(call->reply, data, length) == 0;
}

void lf_rpc_send(struct lf_rpc_call *call)
{
	assert(call->reply != NULL);
	lf_rpc_call_answer(call, call->reply, LF_OK);
}

void lf_rpc_fail(struct lf_rpc_call *call, const struct lf_error *error)
{
	enum lf_code code = error->code;

	assert(atomic_load(&call->state) == LF_CALL_WORKING);
	if (code == LF_OK || (unsigned)code > LF_UNAUTHENTICATED)
		code = code == LF_OK ? LF_INTERNAL : LF_UNKNOWN;
	unstage(call);
	lf_rpc_call_answer(call, pack_error(call, code, error), code);
}

/* Answers with an error that this file made, and cleans it up. */
static void fail(struct lf_rpc_call *call, struct lf_error *error)
{
	lf_error_summarize(error);
	lf_rpc_fail(call, error);
	lf_error_clean_up(error);
}

/* What protobuf-c's generated stubs call with the reply. */
static void on_reply(const ProtobufCMessage *reply, void *closure_data)
{
	struct lf_rpc_call *call = closure_data;
	struct lf_error error = LF_ERROR_INIT;

	if (reply != NULL && lf_rpc_stage(call, reply)) {
		lf_rpc_send(call);
		return;
	}
	if (reply == NULL)
		lf_error_set(&error, LF_INTERNAL, "the method gave no reply");
	else
		lf_error_set(&error, LF_RESOURCE_EXHAUSTED,
			"no memory for the reply, or it has more than %zu bytes, the limit of a message",
			call->server->options.message_bytes_max);
	fail(call, &error);
}

/* ---- what is known already ---- */

void *const *lf_rpc_held(const struct lf_rpc_call *call, size_t *count)
{
	*count = call->held_count;
	return call->held;
}

/* Makes room for another. */
static bool grow_held(struct lf_rpc_call *call)
{
	size_t room = call->held_room == 0 ? 1 : 2 * call->held_room;
	void **grown;

	if (call->held_count < call->held_room)
		return true;
	grown = realloc(call->held, room * sizeof(*grown));
	if (grown == NULL)
		return false;
	call->held = grown;
	call->held_room = room;
	return true;
}

static ProtobufCMessage *find_known(void *context, struct lf_slice bytes)
{
	struct lf_rpc_call *call = context;
	const struct lf_rpc_cache *cache = call->server->options.cache;
	ProtobufCMessage *message = NULL;
	void *held = NULL;

	if (grow_held(call))
		message = cache->find(cache->context, bytes, &held);
	if (message != NULL)
		call->held[call->held_count++] = held;
	return message;
}

static ProtobufCMessage *unpack(
	struct lf_rpc_call *call, const ProtobufCMessageDescriptor *type, struct lf_error *error)
{
	const struct lf_rpc_cache *cache = call->server->options.cache;
	const struct lf_wire_known known = {cache != NULL ? cache->type : NULL, find_known, call};

	return lf_wire_unpack_known(
		type, call->message, call->message_length, cache != NULL ? &known : NULL, &call->arena->arena, error);
}

/* ---- from frame to method ---- */

void lf_rpc_call_peek(struct lf_rpc_call *call)
{
	struct lf_frame frame;

	if (lf_frame_decode(&frame, nng_msg_body(call->request), nng_msg_len(call->request), NULL) == LF_OK)
		call->request_id = lf_frame_metadata(&frame, REQUEST_ID);
}

bool lf_rpc_call_is_quick(const struct lf_rpc_call *call)
{
	const char *quick = call->server->quick_method;
	struct lf_frame frame;

	return quick != NULL && call->request_bytes <= LF_RPC_QUICK_BYTES_MAX &&
		lf_frame_decode(&frame, nng_msg_body(call->request), nng_msg_len(call->request), NULL) == LF_OK &&
		frame.method.length == strlen(quick) && memcmp(frame.method.data, quick, frame.method.length) == 0;
}

static const struct lf_rpc_service *find_service(
	const struct lf_rpc_server *server, struct lf_slice method, unsigned *index)
{
	const ProtobufCServiceDescriptor *descriptor = lf_find_method(method.data, method.length, index);

	for (size_t i = 0; descriptor != NULL && i < server->service_count; i++)
		if (server->services[i].service->descriptor == descriptor)
			return &server->services[i];
	return NULL;
}

static enum lf_code unknown_method(const struct lf_rpc_server *server, struct lf_slice method, struct lf_error *error)
{
	const char *nearest = lf_nearest_method(method.data, method.length);
	unsigned index;

	if (nearest != NULL && find_service(server, (struct lf_slice){nearest, strlen(nearest)}, &index) != NULL)
		return lf_error_set(error, LF_UNIMPLEMENTED, "there is no method \"%.*s\"; the nearest is \"%s\"",
			(int)method.length, method.data, nearest);
	return lf_error_set(error, LF_UNIMPLEMENTED, "there is no method \"%.*s\"", (int)method.length, method.data);
}

static const char *role_name(unsigned role)
{
	return role == LF_ROLE_READ      ? "read"
		: role == LF_ROLE_SCORE  ? "score"
		: role == LF_ROLE_RUBRIC ? "rubric"
					 : "admin";
}

/* Sets the caller, where it may call a method that needs role. */
static enum lf_code authenticate(
	struct lf_rpc_call *call, const struct lf_frame *frame, unsigned role, struct lf_error *error)
{
	const struct lf_tokens *tokens = call->server->options.tokens;
	struct lf_slice value = lf_frame_metadata(frame, "authorization");
	unsigned roles = 0;

	if (tokens == NULL) {
		call->caller = "local";
		return LF_OK;
	}
	if (value.data == NULL) {
		call->caller = "anonymous";
		if (role == 0)
			return LF_OK;
		return lf_error_set(error, LF_UNAUTHENTICATED,
			"the request has no token: metadata authorization, \"Bearer TOKEN\"");
	}
	if (value.length < sizeof(BEARER) - 1 || memcmp(value.data, BEARER, sizeof(BEARER) - 1) != 0)
		return lf_error_set(error, LF_UNAUTHENTICATED, "metadata authorization is not \"Bearer TOKEN\"");
	value.data += sizeof(BEARER) - 1;
	value.length -= sizeof(BEARER) - 1;
	call->caller = lf_tokens_find(tokens, value.data, value.length, &roles);
	if (call->caller == NULL) {
		call->caller = "";
		return lf_error_set(error, LF_UNAUTHENTICATED, "the token is unknown");
	}
	if (role != 0 && (roles & (role | LF_ROLE_ADMIN)) == 0)
		return lf_error_set(
			error, LF_PERMISSION_DENIED, "caller \"%s\" lacks the role %s", call->caller, role_name(role));
	return LF_OK;
}

void lf_rpc_call_work(struct lf_rpc_call *call)
{
	const uint8_t *data = nng_msg_body(call->request);
	struct lf_error error = LF_ERROR_INIT;
	const struct lf_rpc_service *service;
	const ProtobufCMethodDescriptor *method;
	ProtobufCMessage *message;
	struct lf_frame frame;
	unsigned index;

	if (lf_frame_decode(&frame, data, nng_msg_len(call->request), &error) != LF_OK)
		goto failed;
	call->request_id = lf_frame_metadata(&frame, REQUEST_ID);
	if (frame.kind != LF_FRAME_REQUEST) {
		lf_error_set(&error, LF_INVALID_ARGUMENT, "frame: byte 3 is 0x%02x: a request is wanted here",
			(unsigned)frame.kind);
		goto failed;
	}
	if (frame.timeout_ms != 0)
		call->deadline_ns = call->received_ns + (uint64_t)frame.timeout_ms * 1000000u;
	service = find_service(call->server, frame.method, &index);
	if (service == NULL) {
		unknown_method(call->server, frame.method, &error);
		goto failed;
	}
	if (authenticate(call, &frame, service->roles[index], &error) != LF_OK)
		goto failed;
	if (overdue(call)) {
		lf_error_set(&error, LF_DEADLINE_EXCEEDED, "the deadline of %u ms passed before work began",
			frame.timeout_ms);
		goto failed;
	}
	method = &service->service->descriptor->methods[index];
	call->message = frame.message;
	call->message_length = frame.message_length;
	message = unpack(call, method->input, &error);
	if (message == NULL)
		goto failed;
	service->service->invoke(service->service, index, message, on_reply, call);
	return;

failed:
	fail(call, &error);
}
