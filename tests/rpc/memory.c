#include "tests/rpc/memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/rpc/transport.h"

enum { SPARE = 64 };

struct memory_flight {
	pthread_mutex_t lock; /* of ended, call, untaken, and the parts of the reply */
	pthread_cond_t changed;
	bool ended;
	struct lf_rpc_call *call; /* NULL once it is the transport's again */
	size_t untaken;           /* bytes of parts, of a slow peer */
	atomic_bool gone;
	bool slow;
	size_t error_max;
	struct memory_reply reply; /* the call's until it has ended */
};

/* A call's own part. The flight outlives the call: whoever waits for it frees it. */
struct own {
	struct memory_flight *flight;
	uint8_t *message; /* a copy, so that a use after release() is found */
	size_t message_length;
	struct lf_metadata metadata[LF_METADATA_MAX];
	struct memory_bytes begun;
	bool is_error;
};

static void *must(void *pointer)
{
	if (pointer == NULL)
		abort();
	return pointer;
}

/* ---- the transport ---- */

static uint8_t *begin(struct lf_rpc_call *call, size_t length)
{
	struct own *own = lf_rpc_call_own(call);

	if (own->begun.data != NULL)
		abort();
	own->begun = (struct memory_bytes){must(malloc(length + 1)), length};
	return own->begun.data;
}

static bool append(struct lf_rpc_call *call, const void *data, size_t length)
{
	struct own *own = lf_rpc_call_own(call);

	own->begun.data = must(realloc(own->begun.data, own->begun.length + length + 1));
	memcpy(own->begun.data + own->begun.length, data, length);
	own->begun.length += length;
	return true;
}

static void drop(struct lf_rpc_call *call)
{
	struct own *own = lf_rpc_call_own(call);

	free(own->begun.data);
	own->begun = (struct memory_bytes){0};
}

static bool fail(
	struct lf_rpc_call *call, enum lf_code code, const char *message, const uint8_t *details, size_t length)
{
	struct own *own = lf_rpc_call_own(call);
	struct memory_reply *reply = &own->flight->reply;

	if (details != NULL && own->flight->error_max != 0 && length > own->flight->error_max)
		return false;
	own->is_error = true;
	reply->code = code;
	reply->wrong_token = lf_rpc_has_wrong_token(call);
	reply->retry_ms = lf_rpc_retry_ms(call);
	snprintf(reply->text, sizeof(reply->text), "%s", message);
	if (details != NULL)
		memcpy(begin(call, length), details, length);
	return true;
}

static void send_part(struct lf_rpc_call *call, size_t bytes)
{
	struct own *own = lf_rpc_call_own(call);
	struct memory_flight *flight = own->flight;
	struct memory_reply *reply = &flight->reply;

	pthread_mutex_lock(&flight->lock);
	reply->parts = must(realloc(reply->parts, (reply->part_count + 1) * sizeof(*reply->parts)));
	reply->parts[reply->part_count++] = own->begun;
	own->begun = (struct memory_bytes){0};
	if (flight->slow)
		flight->untaken += bytes;
	pthread_cond_broadcast(&flight->changed);
	pthread_mutex_unlock(&flight->lock);
	if (!flight->slow)
		lf_rpc_part_sent(call, bytes);
}

static bool is_gone(const struct lf_rpc_call *call)
{
	const struct own *own = lf_rpc_call_own(call);

	return atomic_load(&own->flight->gone);
}

static void release(struct lf_rpc_call *call)
{
	struct own *own = lf_rpc_call_own(call);

	free(own->message);
	own->message = NULL;
}

static void finish(struct lf_rpc_call *call)
{
	struct own *own = lf_rpc_call_own(call);
	struct memory_flight *flight = own->flight;

	pthread_mutex_lock(&flight->lock); /* memory_take() may be at it */
	flight->call = NULL;
	if (flight->untaken != 0)
		lf_rpc_part_sent(call, flight->untaken);
	flight->untaken = 0;
	pthread_mutex_unlock(&flight->lock);
	flight->reply.answered = own->is_error || own->begun.data != NULL;
	flight->reply.last = own->begun;
	lf_rpc_turn_over(call, flight->reply.answered ? LF_RPC_SENT : LF_RPC_UNSENT);
	lf_rpc_call_free(call);
	pthread_mutex_lock(&flight->lock);
	flight->ended = true;
	pthread_cond_broadcast(&flight->changed);
	pthread_mutex_unlock(&flight->lock);
}

#define TRANSPORT(parts, beside)                                                                                       \
	{                                                                                                              \
		.name = "memory", .reply_overhead = SPARE, .quick_max = (beside), .begin = begin, .append = append,    \
		.drop = drop, .fail = fail, .send_part = (parts), .is_gone = is_gone, .release = release,              \
		.finish = finish                                                                                       \
	}

static const struct lf_rpc_transport memory = TRANSPORT(send_part, SIZE_MAX),
				     memory_one_reply = TRANSPORT(NULL, SIZE_MAX),
				     memory_one_thread = TRANSPORT(send_part, 1);

static const struct lf_rpc_transport *transport_of(const struct memory_request *request)
{
	return request->one_reply ? &memory_one_reply : request->one_thread ? &memory_one_thread : &memory;
}

/* ---- calls ---- */

struct memory_flight *memory_start(struct lf_rpc_server *server, const struct memory_request *request)
{
	struct lf_rpc_call *call = must(lf_rpc_call_new(server, transport_of(request), sizeof(struct own)));
	struct memory_flight *flight = must(calloc(1, sizeof(*flight)));
	struct own *own = lf_rpc_call_own(call);

	if (request->metadata_count > LF_METADATA_MAX)
		abort();
	pthread_mutex_init(&flight->lock, NULL);
	pthread_cond_init(&flight->changed, NULL);
	flight->slow = request->slow;
	flight->error_max = request->error_max;
	flight->call = call;
	own->flight = flight;
	own->message = must(malloc(request->message_length + 1));
	own->message_length = request->message_length;
	if (request->message_length != 0)
		memcpy(own->message, request->message, request->message_length);
	if (request->metadata_count != 0)
		memcpy(own->metadata, request->metadata, request->metadata_count * sizeof(own->metadata[0]));
	lf_rpc_arrived(call,
		&(struct lf_rpc_request){
			.method = {request->method, strlen(request->method)},
			.timeout_ms = request->timeout_ms,
			.metadata = own->metadata,
			.metadata_count = request->metadata_count,
			.peer = request->peer,
			.message = own->message,
			.message_length = own->message_length,
			.bytes = request->bytes != 0 ? request->bytes : own->message_length,
		});
	return flight;
}

size_t memory_await_parts(struct memory_flight *flight, size_t count)
{
	size_t there;

	pthread_mutex_lock(&flight->lock);
	while (flight->reply.part_count < count && !flight->ended)
		pthread_cond_wait(&flight->changed, &flight->lock);
	there = flight->reply.part_count;
	pthread_mutex_unlock(&flight->lock);
	return there;
}

struct memory_bytes memory_part(struct memory_flight *flight, size_t index)
{
	struct memory_bytes part;

	pthread_mutex_lock(&flight->lock);
	if (index >= flight->reply.part_count)
		abort();
	part = flight->reply.parts[index];
	pthread_mutex_unlock(&flight->lock);
	return part;
}

void memory_take(struct memory_flight *flight)
{
	pthread_mutex_lock(&flight->lock);
	if (flight->call != NULL && flight->untaken != 0)
		lf_rpc_part_sent(flight->call, flight->untaken);
	flight->untaken = 0;
	pthread_mutex_unlock(&flight->lock);
}

void memory_leave(struct memory_flight *flight)
{
	atomic_store(&flight->gone, true);
}

bool memory_has_ended(struct memory_flight *flight)
{
	bool ended;

	pthread_mutex_lock(&flight->lock);
	ended = flight->ended;
	pthread_mutex_unlock(&flight->lock);
	return ended;
}

void memory_end(struct memory_flight *flight, struct memory_reply *reply)
{
	pthread_mutex_lock(&flight->lock);
	while (!flight->ended)
		pthread_cond_wait(&flight->changed, &flight->lock);
	pthread_mutex_unlock(&flight->lock);
	*reply = flight->reply;
	pthread_cond_destroy(&flight->changed);
	pthread_mutex_destroy(&flight->lock);
	free(flight);
}

void memory_call(struct memory_reply *reply, struct lf_rpc_server *server, const struct memory_request *request)
{
	memory_end(memory_start(server, request), reply);
}

void memory_reply_clean_up(struct memory_reply *reply)
{
	for (size_t i = 0; i < reply->part_count; i++)
		free(reply->parts[i].data);
	free(reply->parts);
	free(reply->last.data);
	memset(reply, 0, sizeof(*reply));
}
