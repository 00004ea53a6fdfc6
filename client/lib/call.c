#include <stdio.h>
#include <string.h>

#include "client/lib/transport.h"
#include "proto/base/check.h"

/*
 * Sending calls, and ending them, whatever carries them. The states of a call, and who owns it in each, are in
 * state.c.
 */

/* ---- how a call ends ---- */

void lf_call_set_stop_error(struct lf_client *client, struct lf_call *call, enum lf_code code)
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

void lf_call_finish(struct lf_call *call, const ProtobufCMessage *message, const uint8_t *bytes, size_t length)
{
	struct lf_client *client = call->client;

	if (call->request != NULL)
		client->transport->free_request(call);
	call->request = NULL;
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
		client->transport->close(client);
		lf_keeper_wake(client, INT64_MIN + 1);
	}
	pthread_mutex_unlock(&client->mutex);
	/* Here the call may be destroyed. */
}

/* Under the mutex. Whether the attempt that failed may be followed by another, and then it will be. */
static bool will_retry(struct lf_client *client, struct lf_call *call)
{
	int64_t backoff = LF_BACKOFF_MS_MIN;

	if (call->error.code != LF_UNAVAILABLE || !(call->idempotent || call->unstarted) ||
		call->attempt >= call->attempts_max || call->request == NULL || call->stop == LF_CANCELLED ||
		client->closing)
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

void lf_call_settle(struct lf_call *call)
{
	struct lf_client *client = call->client;
	char message[sizeof(call->error.message)];
	bool retry;

	pthread_mutex_lock(&client->mutex);
	retry = will_retry(client, call);
	if (!retry && call->stop == LF_CANCELLED)
		lf_call_set_stop_error(client, call, LF_CANCELLED);
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
	bool handed_over = call->state == LF_CLIENT_CALL_SENDING || call->state == LF_CLIENT_CALL_RECEIVING;

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
	if (handed_over && !client->transport->cancel(client, call)) {
		call->due_ms = now_ms + LF_ABORT_AGAIN_MS;
		lf_heap_update(client, call);
		return;
	}
	lf_call_take_off(client, call);
	lf_call_set_stop_error(client, call, call->stop);
	pthread_mutex_unlock(&client->mutex);
	lf_call_settle(call);
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

void lf_pump(struct lf_client *client)
{
	struct lf_call *call;
	bool any = false;

	pthread_mutex_lock(&client->mutex);
	client->pumping++;
	while ((call = lf_call_take_next(client)) != NULL) {
		client->transport->send(client, call);
		any = true;
	}
	if (any && client->transport->flush != NULL) {
		pthread_mutex_unlock(&client->mutex);
		client->transport->flush(client);
		pthread_mutex_lock(&client->mutex);
	}
	client->pumping--;
	if (client->closing && client->pumping == 0)
		pthread_cond_broadcast(&client->idle_cond);
	pthread_mutex_unlock(&client->mutex);
}

/* ---- what the transport says ---- */

void lf_call_sent(struct lf_client *client, struct lf_call *call)
{
	call->stop = LF_OK;
	lf_call_move(call, LF_CLIENT_CALL_RECEIVING);
	call->due_ms = lf_call_due(client, call);
	lf_heap_update(client, call);
}

void lf_call_answer(struct lf_call *call, const uint8_t *bytes, size_t length)
{
	const ProtobufCMessageDescriptor *type = call->service.descriptor->methods[call->method_index].output;
	ProtobufCMessage *message = NULL;

	if (call->error.code == LF_OK && call->bytes_closure == NULL)
		message = lf_reply_decode(type, bytes, length, &call->arena, &call->error);
	if (call->error.code == LF_OK)
		lf_call_finish(call, message, bytes, length);
	else
		lf_call_settle(call);
}
