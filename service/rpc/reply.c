#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "leadfit/v1/error.pb-c.h"
#include "proto/wire/wire.h"
#include "service/rpc/internal.h"

/*
 * The reply of a call: begun in the transport's memory, counted against the budget until it is sent, or replaced by an
 * error. An error can always be said: without its fields where they are too much, and where memory is gone, as a bare
 * status, for which the transport needs none.
 */

enum { ERROR_BYTES = 640 }; /* a packed error without fields: code, message, and their tags */

/* ---- a reply that was begun ---- */

static void unstage(struct lf_rpc_call *call)
{
	if (call->begun)
		call->transport->drop(call);
	call->begun = false;
	if (call->reply_bytes != 0)
		lf_rpc_give_reply(call, call->reply_bytes);
	call->reply_bytes = 0;
}

/* Counts bytes of the reply, until it is sent, as used. */
static bool take_for_reply(struct lf_rpc_call *call, size_t bytes)
{
	if (!lf_rpc_take_reply(call, bytes))
		return false;
	call->reply_bytes += bytes;
	return true;
}

uint8_t *lf_rpc_stage_bytes(struct lf_rpc_call *call, size_t length)
{
	uint8_t *message;

	lf_rpc_call_check_working(call);
	unstage(call);
	/* Counted first: so long a message is not to be allocated in vain. */
	if (length > call->server->options.message_bytes_max ||
		!take_for_reply(call, length + call->transport->reply_overhead))
		return NULL;
	message = call->transport->begin(call, length);
	call->begun = message != NULL;
	if (message == NULL)
		unstage(call);
	return message;
}

/* Packed into the arena and copied, which is much faster than to measure and then pack. */
bool lf_rpc_stage(struct lf_rpc_call *call, const ProtobufCMessage *reply)
{
	const uint8_t *packed;
	uint8_t *message;
	size_t length;

	lf_rpc_call_check_working(call);
	LF_CHECK(R9, call->arena != NULL);
	unstage(call);
	packed = lf_wire_pack(reply, &call->arena->arena, LF_RPC_REPLY_HINT, &length);
	message = packed != NULL ? lf_rpc_stage_bytes(call, length) : NULL;
	if (message != NULL)
		memcpy(message, packed, length);
	return message != NULL;
}

bool lf_rpc_append(struct lf_rpc_call *call, const void *data, size_t length)
{
	lf_rpc_call_check_working(call);
	LF_CHECK(R4, call->begun);
	/* A few bytes, as the id of a decision that is stored by now, are within what was counted for the reply already. */
	return length <= call->server->options.message_bytes_max &&
		(length <= LF_RPC_APPEND_SPARE || take_for_reply(call, length)) &&
		call->transport->append(call, data, length);
}

/* ---- the end of a call ---- */

/* Gives the call to its transport, with what was begun. failed: something should have been, but memory was missing. */
static void finish(struct lf_rpc_call *call, bool failed)
{
	struct lf_rpc_server *server = call->server;
	struct lf_rpc_arena *arena = lf_rpc_call_release(call);

	call->begun = false;
	pthread_mutex_lock(&server->lock);
	if (failed)
		server->not_sent++;
	arena = lf_rpc_arena_keep(server, arena);
	pthread_mutex_unlock(&server->lock);
	lf_rpc_arena_free(arena);
	lf_rpc_call_change(call, LF_RPC_CALL_WORKING, LF_RPC_CALL_REPLYING);
	call->transport->finish(call);
}

void lf_rpc_drop(struct lf_rpc_call *call)
{
	lf_rpc_call_check_working(call);
	if (call->dropped != NULL)
		call->dropped(call->resume_context);
	unstage(call);
	/* A guess that gets no answer is a guess. */
	lf_rpc_count_done(call, call->wrong_token ? LF_UNAUTHENTICATED : LF_CANCELLED);
	finish(call, false);
}

void lf_rpc_send(struct lf_rpc_call *call)
{
	lf_rpc_call_check_working(call);
	LF_CHECK(R4, call->begun);
	lf_rpc_count_done(call, LF_OK);
	finish(call, false);
}

enum lf_code lf_rpc_send_part(struct lf_rpc_call *call, struct lf_error *error)
{
	const size_t bytes = call->reply_bytes;

	lf_rpc_call_check_working(call);
	LF_CHECK(R4, call->begun);
	if (call->transport->send_part == NULL) {
		unstage(call);
		return lf_error_set(error, LF_UNIMPLEMENTED,
			"%s carries one reply to a call: a stream needs another transport", call->transport->name);
	}
	call->begun = false;
	call->reply_bytes = 0;
	atomic_fetch_add(&call->part_bytes, bytes);
	call->transport->send_part(call, bytes);
	return LF_OK;
}

/* ---- errors ---- */

/* Begins the error as packed in so many bytes, in memory on the stack, or else of its own. */
static bool fail_packed(struct lf_rpc_call *call, const Leadfit__V1__Error *body)
{
	const size_t length = leadfit__v1__error__get_packed_size(body);
	uint8_t own[ERROR_BYTES], *packed = length <= sizeof(own) ? own : malloc(length);
	bool done = false;

	if (packed != NULL) {
		leadfit__v1__error__pack(body, packed);
		done = call->transport->fail(call, (enum lf_code)body->code, body->message, packed, length);
	}
	if (packed != own)
		free(packed);
	return done;
}

/* Begins the error, as fully as size and memory allow. */
static bool begin_error(struct lf_rpc_call *call, enum lf_code code, const struct lf_error *error)
{
	Leadfit__V1__FieldViolation violations[LF_VIOLATIONS_MAX];
	Leadfit__V1__FieldViolation *pointers[LF_VIOLATIONS_MAX];
	char text[sizeof(error->message)];
	Leadfit__V1__Error body;

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
	if (fail_packed(call, &body))
		return true;
	if (body.n_violations != 0) {
		body.n_violations = 0;
		if (fail_packed(call, &body))
			return true;
	}
	return call->transport->fail(call, code, "", NULL, 0);
}

void lf_rpc_fail(struct lf_rpc_call *call, const struct lf_error *error)
{
	enum lf_code code = error->code;

	lf_rpc_call_check_working(call);
	if (code == LF_OK || (unsigned)code > LF_UNAUTHENTICATED)
		code = code == LF_OK ? LF_INTERNAL : LF_UNKNOWN;
	unstage(call);
	lf_rpc_count_done(call, code); /* before the request's memory is used for the error, where there is no other */
	call->begun = begin_error(call, code, error);
	finish(call, !call->begun);
}

void lf_rpc_fail_with(struct lf_rpc_call *call, struct lf_error *error)
{
	lf_error_summarize(error);
	lf_rpc_fail(call, error);
	lf_error_clean_up(error);
}
