#include <stdlib.h>
#include <string.h>

#include "proto/base/clock.h"
#include "proto/wire/wire.h"
#include "service/rpc/internal.h"

/* From a request to its method: is it still wanted, what does it say. */

/* ---- the method ---- */

const struct lf_rpc_service *lf_rpc_find_method(
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

	if (nearest != NULL && lf_rpc_find_method(server, (struct lf_slice){nearest, strlen(nearest)}, &index) != NULL)
		return lf_error_set(error, LF_UNIMPLEMENTED, "there is no method \"%.*s\"; the nearest is \"%s\"",
			(int)method.length, method.data, nearest);
	return lf_error_set(error, LF_UNIMPLEMENTED, "there is no method \"%.*s\"", (int)method.length, method.data);
}

/* ---- the message ---- */

/* Makes room for another that is held. */
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

	if (call->transport->translate != NULL &&
		call->transport->translate(call, type, &call->arena->arena, &call->request.message,
			&call->request.message_length, error) != LF_OK)
		return NULL;
	return lf_wire_unpack_known(type, call->request.message, call->request.message_length,
		cache != NULL ? &known : NULL, &call->arena->arena, error);
}

/* ---- all of it ---- */

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
	lf_rpc_fail_with(call, &error);
}

static enum lf_code check_deadline(const struct lf_rpc_call *call, struct lf_error *error)
{
	if (!lf_rpc_call_overdue(call))
		return LF_OK;
	return lf_error_set(error, LF_DEADLINE_EXCEEDED, "the deadline of %u ms passed before work began",
		call->request.timeout_ms);
}

void lf_rpc_dispatch(struct lf_rpc_call *call)
{
	const struct lf_rpc_service *service = call->service;
	struct lf_error error = LF_ERROR_INIT;
	ProtobufCMessage *message = NULL;

	if (service == NULL)
		unknown_method(call->server, call->request.method, &error);
	else if (check_deadline(call, &error) == LF_OK)
		message = unpack(call, service->service->descriptor->methods[call->method].input, &error);
	if (message == NULL)
		lf_rpc_fail_with(call, &error);
	else
		service->service->invoke(service->service, call->method, message, on_reply, call);
}
