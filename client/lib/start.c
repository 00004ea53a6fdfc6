#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/lib/transport.h"
#include "proto/base/check.h"

/* ---- making and ending call objects ---- */

static void invoke(ProtobufCService *service, unsigned method_index, const ProtobufCMessage *input,
	ProtobufCClosure closure, void *closure_data);

/* A call ends by lf_call_destroy(), not by protobuf_c_service_destroy(). */
static void no_destroy(ProtobufCService *service)
{
	(void)service;
}

/* The heap must never fail to take a call, so it grows here. */
static bool reserve(struct lf_client *client)
{
	size_t capacity = client->heap_capacity;
	struct lf_call **heap;

	if (client->call_count == capacity) {
		capacity = capacity == 0 ? 16 : 2 * capacity;
		heap = realloc(client->heap, capacity * sizeof(*heap));
		if (heap == NULL)
			return false;
		client->heap = heap;
		client->heap_capacity = capacity;
	}
	client->call_count++;
	client->references++;
	return true;
}

static bool copy_text(char **to, const char *text)
{
	if (text != NULL)
		*to = strdup(text);
	return text == NULL || *to != NULL;
}

struct lf_call *lf_call_new(
	struct lf_client *client, const ProtobufCServiceDescriptor *service, const struct lf_call_options *options)
{
	static const struct lf_call_options defaults;
	struct lf_call *call = calloc(1, sizeof(*call));
	bool reserved;

	if (call == NULL)
		return NULL;
	if (options == NULL)
		options = &defaults;
	call->service = (ProtobufCService){.descriptor = service, .invoke = invoke, .destroy = no_destroy};
	call->client = client;
	call->timeout_ms = options->timeout_ms != 0 ? options->timeout_ms : LF_CALL_MS_DEFAULT;
	if (call->timeout_ms > LF_TIMEOUT_MS_MAX)
		call->timeout_ms = LF_TIMEOUT_MS_MAX;
	call->attempts_max = options->attempts_max != 0 ? options->attempts_max : LF_ATTEMPTS_DEFAULT;
	call->idempotent = options->idempotent;
	if (!copy_text(&call->traceparent, options->traceparent) || !copy_text(&call->request_id, options->request_id))
		goto free_texts;
	if (lf_cond_init(&call->done) != 0)
		goto free_texts;
	pthread_mutex_lock(&client->mutex);
	reserved = reserve(client);
	pthread_mutex_unlock(&client->mutex);
	if (!reserved)
		goto destroy_cond;
	lf_error_init(&call->error);
	lf_arena_init(&call->arena, client->reply_bytes_max * LF_REPLY_ARENA_FACTOR);
	return call;

destroy_cond:
	pthread_cond_destroy(&call->done);
free_texts:
	free(call->request_id);
	free(call->traceparent);
	free(call);
	return NULL;
}

void lf_call_destroy(struct lf_call *call)
{
	struct lf_client *client;

	if (call == NULL)
		return;
	client = call->client;
	pthread_mutex_lock(&client->mutex);
	LF_CHECK(L2, call->state == LF_CLIENT_CALL_IDLE || call->state == LF_CLIENT_CALL_DONE);
	client->call_count--;
	pthread_mutex_unlock(&client->mutex);
	lf_arena_clean_up(&call->arena);
	lf_error_clean_up(&call->error);
	pthread_cond_destroy(&call->done);
	free(call->request_id);
	free(call->traceparent);
	free(call);
	lf_client_release(client);
}

ProtobufCService *lf_call_service(struct lf_call *call)
{
	return &call->service;
}

const struct lf_error *lf_call_error(const struct lf_call *call)
{
	return &call->error;
}

/* ---- starting ---- */

/* "leadfit.v1.Scoring/Score" into call->method. */
static enum lf_code name_method(struct lf_call *call, unsigned method_index)
{
	const ProtobufCServiceDescriptor *service = call->service.descriptor;
	size_t service_length = strlen(service->name), method_length;

	if (method_index >= service->n_methods)
		return lf_error_set(&call->error, LF_UNIMPLEMENTED, "%s has %u methods, no number %u", service->name,
			service->n_methods, method_index);
	method_length = strlen(service->methods[method_index].name);
	if (service_length + 1 + method_length > LF_METHOD_BYTES_MAX)
		return lf_error_set(&call->error, LF_INVALID_ARGUMENT, "%s/%s: a method's name has at most %d bytes",
			service->name, service->methods[method_index].name, LF_METHOD_BYTES_MAX);
	memcpy(call->method, service->name, service_length);
	call->method[service_length] = '/';
	memcpy(call->method + service_length + 1, service->methods[method_index].name, method_length + 1);
	call->method_index = method_index;
	return LF_OK;
}

/*
 * Makes call->request with the header and room for length bytes, to which *body points. NULL on failure, the error is
 * set.
 */
static uint8_t *make_request(struct lf_call *call, size_t length)
{
	uint8_t header[LF_FRAME_HEADER_MAX];
	size_t header_length = lf_call_header(call, call->timeout_ms, header, &call->error);
	uint8_t *body;

	if (header_length == 0)
		return NULL;
	if (length > LF_MESSAGE_BYTES_MAX || header_length + length > LF_MESSAGE_BYTES_MAX) {
		lf_error_set(&call->error, LF_INVALID_ARGUMENT,
			"the request has %zu bytes with its header; a message has at most %d", header_length + length,
			LF_MESSAGE_BYTES_MAX);
		return NULL;
	}
	body = call->client->transport->new_request(call, header, header_length, length);
	if (body == NULL)
		lf_error_set(&call->error, LF_RESOURCE_EXHAUSTED, "out of memory");
	return body;
}

/* Makes the call the caller's alone, to be queued or to fail. */
static void begin(struct lf_call *call)
{
	struct lf_client *client = call->client;

	lf_error_clean_up(&call->error);
	call->method[0] = '\0';
	pthread_mutex_lock(&client->mutex);
	LF_CHECK(L2, call->state == LF_CLIENT_CALL_IDLE || call->state == LF_CLIENT_CALL_DONE);
	lf_call_move(call, LF_CLIENT_CALL_ENDING);
	call->stop = LF_OK;
	call->unreached = false;
	call->unstarted = false;
	call->alone = false;
	call->attempt = 0;
	client->live++;
	pthread_mutex_unlock(&client->mutex);
}

/* Queues the call where it has a request, else ends it with its error. Afterwards the call is not the caller's. */
static void commit(struct lf_call *call)
{
	struct lf_client *client = call->client;
	bool queued = false;

	if (call->error.code == LF_OK) {
		pthread_mutex_lock(&client->mutex);
		if (client->closing || call->stop != LF_OK) {
			lf_error_set(&call->error, LF_CANCELLED, "the call was cancelled");
		} else {
			call->deadline_ms = lf_now_ms() + call->timeout_ms;
			lf_call_enqueue(client, call);
			lf_heap_push(client, call);
			queued = true;
		}
		client->pumping += queued;
		pthread_mutex_unlock(&client->mutex);
	}
	if (!queued) {
		lf_call_finish(call, NULL, NULL, 0);
		return;
	}
	lf_pump(client);
	pthread_mutex_lock(&client->mutex);
	client->pumping--;
	if (client->closing && client->pumping == 0)
		pthread_cond_broadcast(&client->idle_cond);
	pthread_mutex_unlock(&client->mutex);
}

/* Checks and encodes into call->request; sets the error where it can't. */
static void encode(struct lf_call *call, unsigned method_index, const ProtobufCMessage *input)
{
	const ProtobufCMessageDescriptor *type;
	uint8_t *body;

	if (name_method(call, method_index) != LF_OK)
		return;
	type = call->service.descriptor->methods[method_index].input;
	if (input->descriptor != type) {
		lf_error_set(&call->error, LF_INVALID_ARGUMENT, "%s takes a %s, not a %s", call->method, type->name,
			input->descriptor->name);
		return;
	}
	body = make_request(call, protobuf_c_message_get_packed_size(input));
	if (body != NULL)
		protobuf_c_message_pack(input, body);
}

static void invoke(ProtobufCService *service, unsigned method_index, const ProtobufCMessage *input,
	ProtobufCClosure closure, void *closure_data)
{
	struct lf_call *call = (struct lf_call *)service;

	begin(call);
	call->closure = closure;
	call->bytes_closure = NULL;
	call->closure_data = closure_data;
	encode(call, method_index, input);
	commit(call);
}

void lf_call_start_message(struct lf_call *call, unsigned method_index, const ProtobufCMessage *input,
	lf_call_bytes_fn closure, void *closure_data)
{
	begin(call);
	call->closure = NULL;
	call->bytes_closure = closure;
	call->closure_data = closure_data;
	encode(call, method_index, input);
	commit(call);
}

void lf_call_start_bytes(struct lf_call *call, unsigned method_index, const uint8_t *request, size_t length,
	lf_call_bytes_fn closure, void *closure_data)
{
	uint8_t *body;

	begin(call);
	call->closure = NULL;
	call->bytes_closure = closure;
	call->closure_data = closure_data;
	if (name_method(call, method_index) == LF_OK) {
		body = make_request(call, length);
		if (body != NULL && length > 0)
			memcpy(body, request, length);
	}
	commit(call);
}

/* ---- waiting and giving up ---- */

enum lf_code lf_call_wait(struct lf_call *call, struct lf_error *error)
{
	struct lf_client *client = call->client;
	bool started;

	pthread_mutex_lock(&client->mutex);
	while (call->state != LF_CLIENT_CALL_IDLE && call->state != LF_CLIENT_CALL_DONE)
		pthread_cond_wait(&call->done, &client->mutex);
	started = call->state == LF_CLIENT_CALL_DONE;
	pthread_mutex_unlock(&client->mutex);
	if (!started)
		return lf_error_set(error, LF_FAILED_PRECONDITION, "the call was not started");
	if (call->error.code != LF_OK)
		lf_error_copy(error, &call->error);
	return call->error.code;
}

void lf_call_cancel(struct lf_call *call)
{
	struct lf_client *client = call->client;

	pthread_mutex_lock(&client->mutex);
	if (lf_call_stop(client, call))
		lf_heap_update(client, call);
	pthread_mutex_unlock(&client->mutex);
}
