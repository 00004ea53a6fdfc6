#include <stdio.h>
#include <string.h>

#include "client/lib/internal.h"
#include "proto/base/check.h"

/* Sending calls, and ending them. The states of a call, and who owns it in each, are in state.c. */

/* ---- how a call ends ---- */

/* Under the mutex: the error of a call that had to stop. */
static void set_stop_error(struct lf_client *client, struct lf_call *call, enum lf_code code)
{
	char before[256];

	call->unreached = code == LF_UNAVAILABLE;
	switch (code) {
	case LF_UNAVAILABLE:
		lf_error_set(&call->error, code, "can't reach %s: %s", client->url, client->link_error);
		break;
	case LF_DEADLINE_EXCEEDED:
		snprintf(before, sizeof(before), "%s%.200s%s", call->error.code != LF_OK ? " (before that: " : "",
			call->error.code != LF_OK ? call->error.message : "", call->error.code != LF_OK ? ")" : "");
		lf_error_set(
			&call->error, code, "no answer from %s within %u ms%s", client->url, call->timeout_ms, before);
		break;
	default:
		lf_error_set(&call->error, code, "the call was cancelled");
	}
}

/* Under the mutex: the error of an operation of nng that failed without our doing. */
static void set_nng_error(const struct lf_client *client, struct lf_call *call, int nng_error)
{
	call->unreached = false;
	if (nng_error == NNG_ENOMEM)
		lf_error_set(&call->error, LF_RESOURCE_EXHAUSTED, "out of memory");
	else
		lf_error_set(&call->error, LF_UNAVAILABLE,
			"the connection to %s was lost before the answer (%s, or a reply above %zu bytes)", client->url,
			lf_link_reason(nng_error), client->reply_bytes_max);
}

void lf_call_finish(struct lf_call *call, const ProtobufCMessage *message, const uint8_t *bytes, size_t length)
{
	struct lf_client *client = call->client;

	if (call->message != NULL)
		nng_msg_free(call->message);
	call->message = NULL;
	if (call->bytes_closure != NULL)
		call->bytes_closure(bytes, length, call->closure_data);
	else
		call->closure(message, call->closure_data);
	lf_arena_reset(&call->arena);
	pthread_mutex_lock(&client->mutex);
	lf_call_move(call, LF_CLIENT_CALL_DONE);
	LF_CHECK(L6, client->live > 0);
	if (call->error.code != LF_CANCELLED)
		client->unreached = call->unreached;
	pthread_cond_broadcast(&call->done);
	client->live--;
	if (client->closing && client->live == 0) {
		pthread_cond_broadcast(&client->idle_cond);
		pthread_cond_broadcast(&client->link_cond);
		lf_keeper_wake(client, INT64_MIN + 1);
	}
	pthread_mutex_unlock(&client->mutex);
	/* Here the call may be destroyed. */
}

/* Under the mutex. Whether the attempt that failed may be followed by another, and then it will be. */
static bool will_retry(struct lf_client *client, struct lf_call *call)
{
	int64_t backoff = LF_BACKOFF_MS_MIN;

	if (call->error.code != LF_UNAVAILABLE || !call->idempotent || call->attempt >= call->attempts_max ||
		call->message == NULL || call->stop == LF_CANCELLED || client->closing)
		return false;
	for (unsigned attempt = 1; attempt < call->attempt && backoff < LF_BACKOFF_MS_MAX; attempt++)
		backoff *= 2;
	call->retry_ms = lf_now_ms() + lf_jitter(client, backoff);
	if (call->retry_ms >= call->deadline_ms)
		return false;
	call->stop = LF_OK;
	lf_call_move(call, LF_CLIENT_CALL_BACKOFF);
	call->due_ms = lf_call_due(client, call);
	lf_heap_push(client, call);
	return true;
}

/* Without the mutex; the call is ENDING and its error says why the attempt failed: tries again later, or ends it. */
static void settle(struct lf_call *call)
{
	struct lf_client *client = call->client;
	char message[sizeof(call->error.message)];
	bool retry;

	pthread_mutex_lock(&client->mutex);
	retry = will_retry(client, call);
	if (!retry && call->stop == LF_CANCELLED)
		set_stop_error(client, call, LF_CANCELLED);
	pthread_mutex_unlock(&client->mutex);
	if (retry)
		return;
	if (call->error.code == LF_UNAVAILABLE && call->attempt > 1) {
		memcpy(message, call->error.message, sizeof(message));
		lf_error_set(&call->error, LF_UNAVAILABLE, "%.460s (%u attempts)", message, call->attempt);
	}
	lf_call_finish(call, NULL, NULL, 0);
}

void lf_call_on_due(struct lf_client *client, struct lf_call *call, int64_t now_ms)
{
	bool has_aio = call->state == LF_CLIENT_CALL_SENDING || call->state == LF_CLIENT_CALL_RECEIVING;

	call->due_ms = lf_call_due(client, call);
	if (call->due_ms > now_ms) {
		lf_heap_update(client, call);
		return;
	}
	if (call->state == LF_CLIENT_CALL_BACKOFF && now_ms < call->deadline_ms) {
		lf_call_enqueue(client, call);
		lf_heap_update(client, call);
		client->pump_wanted = true;
		return;
	}
	if (call->stop == LF_OK)
		call->stop = now_ms >= call->deadline_ms ? LF_DEADLINE_EXCEEDED : LF_UNAVAILABLE;
	if (has_aio) {
		nng_aio_cancel(call->slot->aio);
		call->due_ms = now_ms + LF_ABORT_AGAIN_MS;
		lf_heap_update(client, call);
		return;
	}
	lf_call_take_off(client, call);
	set_stop_error(client, call, call->stop);
	pthread_mutex_unlock(&client->mutex);
	settle(call);
	pthread_mutex_lock(&client->mutex);
}

/* ---- sending ---- */

size_t lf_call_header(const struct lf_call *call, uint32_t timeout_ms, uint8_t *out, struct lf_error *error)
{
	const struct lf_metadata entries[] = {
		{{"authorization", 13}, {call->client->authorization, 0}},
		{{"traceparent", 11}, {call->traceparent, 0}},
		{{"request-id", 10}, {call->request_id, 0}},
	};
	struct lf_frame frame;

	frame.kind = LF_FRAME_REQUEST;
	frame.timeout_ms = timeout_ms;
	frame.method = (struct lf_slice){call->method, strlen(call->method)};
	frame.metadata_count = 0;
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		if (entries[i].value.data == NULL)
			continue;
		frame.metadata[frame.metadata_count] = entries[i];
		frame.metadata[frame.metadata_count++].value.length = strlen(entries[i].value.data);
	}
	return lf_frame_encode_header(&frame, out, error);
}

/* Without the mutex. Starts the aio of a call just taken off the queue. The call may be gone on return. */
static void send_call(struct lf_call *call)
{
	struct lf_slot *slot = call->slot;
	nng_msg *message = call->message;
	uint8_t header[LF_FRAME_HEADER_MAX];
	int64_t remaining = call->deadline_ms - lf_now_ms();
	size_t length = lf_call_header(call, remaining < 1 ? 1 : (uint32_t)remaining, header, NULL);

	/* The message was made with this header, only the timeout differs. */
	memcpy(nng_msg_body(message), header, length);
	call->message = NULL;
	if (call->idempotent && call->attempt < call->attempts_max && nng_msg_dup(&call->message, message) != 0)
		call->message = NULL; /* no memory for another attempt: there will be none */
	nng_aio_set_msg(slot->aio, message);
	nng_ctx_send(slot->context, slot->aio);
}

void lf_pump(struct lf_client *client)
{
	struct lf_call *call;

	pthread_mutex_lock(&client->mutex);
	client->pumping++;
	while ((call = lf_call_take_next(client)) != NULL) {
		pthread_mutex_unlock(&client->mutex);
		send_call(call);
		pthread_mutex_lock(&client->mutex);
	}
	client->pumping--;
	if (client->closing && client->pumping == 0)
		pthread_cond_broadcast(&client->idle_cond);
	pthread_mutex_unlock(&client->mutex);
}

/* ---- what the aio says ---- */

/* Without the mutex: a reply came. */
static void answer(struct lf_call *call, nng_msg *reply)
{
	struct lf_client *client = call->client;
	const ProtobufCMessageDescriptor *type = call->service.descriptor->methods[call->method_index].output;
	ProtobufCMessage *message = NULL;
	struct lf_frame frame;

	lf_error_clean_up(&call->error);
	lf_reply_read(
		&frame, nng_msg_body(reply), nng_msg_len(reply), client->reply_bytes_max, &call->arena, &call->error);
	if (call->error.code == LF_OK && call->bytes_closure == NULL)
		message = lf_reply_decode(type, frame.message, frame.message_length, &call->arena, &call->error);
	if (call->error.code == LF_OK)
		lf_call_finish(call, message, frame.message, frame.message_length);
	else
		settle(call);
	nng_msg_free(reply);
}

/* Takes the message that an aio holds, or NULL. */
static nng_msg *take_message(nng_aio *aio)
{
	nng_msg *message = nng_aio_get_msg(aio);

	nng_aio_set_msg(aio, NULL);
	return message;
}

/* Under the mutex, which it releases: the aio of a SENDING call is done. */
static void on_sent(struct lf_client *client, struct lf_slot *slot, struct lf_call *call)
{
	int nng_error = nng_aio_result(slot->aio);
	nng_msg *unsent = NULL;

	if (nng_error == 0 && slot->pipe_id == client->pipe_id)
		client->pipe_sent++;
	if (nng_error == 0 && (call->stop == LF_OK || call->stop == LF_UNAVAILABLE)) {
		call->stop = LF_OK;
		lf_call_move(call, LF_CLIENT_CALL_RECEIVING);
		call->due_ms = lf_call_due(client, call);
		lf_heap_update(client, call);
		pthread_mutex_unlock(&client->mutex);
		nng_ctx_recv(slot->context, slot->aio);
		return;
	}
	if (nng_error != 0)
		unsent = take_message(slot->aio);
	lf_call_take_off(client, call);
	if (call->stop != LF_OK)
		set_stop_error(client, call, call->stop);
	else
		set_nng_error(client, call, nng_error);
	pthread_mutex_unlock(&client->mutex);
	if (call->message == NULL)
		call->message = unsent;
	else if (unsent != NULL)
		nng_msg_free(unsent);
	lf_pump(client);
	settle(call);
}

/* Under the mutex, which it releases: the aio of a RECEIVING call is done. */
static void on_received(struct lf_client *client, struct lf_slot *slot, struct lf_call *call)
{
	int nng_error = nng_aio_result(slot->aio);
	nng_msg *reply = nng_error == 0 ? take_message(slot->aio) : NULL;

	if (nng_error == NNG_ECONNRESET)
		lf_link_lost(client, slot->pipe_id);
	if (reply != NULL) {
		if (slot->pipe_id == client->pipe_id)
			client->pipe_answered++;
		if (call->stop == LF_CANCELLED) {
			nng_msg_free(reply);
			reply = NULL;
		}
	}
	lf_call_take_off(client, call);
	if (reply != NULL)
		call->unreached = false;
	if (reply == NULL && call->stop != LF_OK)
		set_stop_error(client, call, call->stop);
	else if (reply == NULL)
		set_nng_error(client, call, nng_error);
	pthread_mutex_unlock(&client->mutex);
	lf_pump(client);
	if (reply != NULL)
		answer(call, reply);
	else
		settle(call);
}

void lf_slot_on_aio(void *arg)
{
	struct lf_slot *slot = arg;
	struct lf_client *client = slot->client;

	pthread_mutex_lock(&client->mutex);
	LF_CHECK(L5, slot->call != NULL && slot->call->slot == slot);
	if (slot->call->state == LF_CLIENT_CALL_SENDING)
		on_sent(client, slot, slot->call);
	else
		on_received(client, slot, slot->call);
}
