#include <string.h>

#include "client/lib/nng.h"
#include "proto/base/check.h"
#include "proto/wire/frame.h"

/*
 * Design notes: a request over nng
 *
 * A slot goes back to the free list in its aio's callback, never earlier, so that its aio is idle. That lets the keeper
 * cancel an aio under the mutex without hitting the next call: the callback needs the mutex to pass the slot on. A
 * context whose request was given up holds at most one late reply until its next request resets it; nng drops replies
 * to requests that it does not know.
 *
 * Nothing is handed to nng while there is no connection, so its own send queue holds only what a stalled peer keeps
 * from being written. A request that nng gave back unsent is no different from one that was sent: a caller is told
 * UNAVAILABLE for both.
 */

static void on_aio(void *arg);

int lf_nng_open_context(
	const struct lf_nng *nng, nng_ctx *context, nng_aio **aio, void (*callback)(void *arg), void *arg)
{
	int error = nng_ctx_open(context, nng->socket);

	if (error != 0)
		return error;
	error = nng_aio_alloc(aio, callback, arg);
	if (error != 0) {
		nng_ctx_close(*context);
		return error;
	}
	nng_aio_set_timeout(*aio, NNG_DURATION_INFINITE); /* the keeper knows the time */
	return 0;
}

int lf_nng_slot_open(struct lf_client *client, struct lf_nng_slot *slot)
{
	const int error = lf_nng_open_context(client->own, &slot->context, &slot->aio, on_aio, slot);

	if (error != 0)
		return error;
	slot->client = client;
	lf_slot_add(client, &slot->slot);
	return 0;
}

/* ---- the request ---- */

uint8_t *lf_nng_new_request(struct lf_call *call, const uint8_t *header, size_t header_length, size_t length)
{
	nng_msg *message;

	if (nng_msg_alloc(&message, header_length + length) != 0)
		return NULL;
	memcpy(nng_msg_body(message), header, header_length);
	call->request = message;
	return (uint8_t *)nng_msg_body(message) + header_length;
}

void lf_nng_free_request(struct lf_call *call)
{
	nng_msg_free(call->request);
}

void lf_nng_slot_send(struct lf_client *client, struct lf_call *call)
{
	struct lf_nng_slot *slot = (struct lf_nng_slot *)call->slot;
	nng_msg *message = call->request, *copy;
	uint8_t header[LF_FRAME_HEADER_MAX];
	int64_t remaining;
	size_t length;

	pthread_mutex_unlock(&client->mutex);
	/* The message was made with this header, only the timeout differs. */
	remaining = call->deadline_ms - lf_now_ms();
	length = lf_call_header(call, remaining < 1 ? 1 : (uint32_t)remaining, header, NULL);
	memcpy(nng_msg_body(message), header, length);
	call->request = NULL;
	/* Without memory for another attempt there will be none. */
	if (call->idempotent && call->attempt < call->attempts_max && nng_msg_dup(&copy, message) == 0)
		call->request = copy;
	nng_aio_set_msg(slot->aio, message);
	nng_ctx_send(slot->context, slot->aio);
	pthread_mutex_lock(&client->mutex);
}

/* ---- what the aio says ---- */

void lf_nng_set_error(const struct lf_client *client, struct lf_call *call, int nng_error)
{
	call->unreached = false;
	if (nng_error == NNG_ENOMEM)
		lf_error_set(&call->error, LF_RESOURCE_EXHAUSTED, "out of memory");
	else
		lf_error_set(&call->error, LF_UNAVAILABLE,
			"the connection to %s was lost before the answer (%s, or a reply above %zu bytes)", client->url,
			lf_nng_reason(nng_error), client->reply_bytes_max);
}

void lf_nng_read_reply(struct lf_call *call, const uint8_t *bytes, size_t length, struct lf_frame *frame)
{
	const struct lf_client *client = call->client;
	struct lf_error why = LF_ERROR_INIT;

	if (lf_reply_check_length(length, client->reply_bytes_max, &call->error) != LF_OK)
		return;
	if (lf_frame_decode(frame, bytes, length, &why) != LF_OK)
		lf_reply_rubbish(&call->error, why.message);
	else if (frame->kind != LF_FRAME_REPLY)
		lf_reply_rubbish(&call->error, "a request where a reply was due");
	else if (frame->status != LF_OK)
		lf_reply_set_error(
			frame->status, frame->message, frame->message_length, NULL, &call->arena, &call->error);
	lf_error_clean_up(&why);
}

/* Without the mutex: a reply came. */
static void answer(struct lf_call *call, nng_msg *reply)
{
	struct lf_frame frame = {.message = NULL};

	lf_error_clean_up(&call->error);
	lf_nng_read_reply(call, nng_msg_body(reply), nng_msg_len(reply), &frame);
	lf_call_answer(call, frame.message, frame.message_length);
	nng_msg_free(reply);
}

nng_msg *lf_nng_take_message(nng_aio *aio)
{
	nng_msg *message = nng_aio_get_msg(aio);

	nng_aio_set_msg(aio, NULL);
	return message;
}

/* Under the mutex, which it releases: the aio of a SENDING call is done. */
static void on_sent(struct lf_client *client, struct lf_nng_slot *slot, struct lf_call *call)
{
	struct lf_nng *nng = client->own;
	int nng_error = nng_aio_result(slot->aio);
	nng_msg *unsent = NULL;

	if (nng_error == 0 && slot->slot.connection == client->connection)
		nng->pipe_sent++;
	if (nng_error == 0 && (call->stop == LF_OK || call->stop == LF_UNAVAILABLE)) {
		lf_call_sent(client, call);
		pthread_mutex_unlock(&client->mutex);
		nng_ctx_recv(slot->context, slot->aio);
		return;
	}
	if (nng_error != 0)
		unsent = lf_nng_take_message(slot->aio);
	lf_call_take_off(client, call);
	if (call->stop != LF_OK)
		lf_call_set_stop_error(client, call, call->stop);
	else
		lf_nng_set_error(client, call, nng_error);
	pthread_mutex_unlock(&client->mutex);
	if (call->request == NULL)
		call->request = unsent;
	else if (unsent != NULL)
		nng_msg_free(unsent);
	lf_pump(client);
	lf_call_settle(call);
}

/* Under the mutex, which it releases: the aio of a RECEIVING call is done. */
static void on_received(struct lf_client *client, struct lf_nng_slot *slot, struct lf_call *call)
{
	struct lf_nng *nng = client->own;
	int nng_error = nng_aio_result(slot->aio);
	nng_msg *reply = nng_error == 0 ? lf_nng_take_message(slot->aio) : NULL;

	if (nng_error == NNG_ECONNRESET)
		lf_nng_lost(client, slot->slot.connection);
	if (reply != NULL) {
		if (slot->slot.connection == client->connection)
			nng->pipe_answered++;
		if (call->stop == LF_CANCELLED) {
			nng_msg_free(reply);
			reply = NULL;
		}
	}
	lf_call_take_off(client, call);
	if (reply != NULL)
		call->unreached = false;
	if (reply == NULL && call->stop != LF_OK)
		lf_call_set_stop_error(client, call, call->stop);
	else if (reply == NULL)
		lf_nng_set_error(client, call, nng_error);
	pthread_mutex_unlock(&client->mutex);
	lf_pump(client);
	if (reply != NULL)
		answer(call, reply);
	else
		lf_call_settle(call);
}

/* Callback of every slot's aio. */
static void on_aio(void *arg)
{
	struct lf_nng_slot *slot = arg;
	struct lf_client *client = slot->client;
	struct lf_call *call;

	pthread_mutex_lock(&client->mutex);
	call = slot->slot.call;
	LF_CHECK(L5, call != NULL && call->slot == &slot->slot);
	if (call->state == LF_CLIENT_CALL_SENDING)
		on_sent(client, slot, call);
	else
		on_received(client, slot, call);
}
