#include <stdlib.h>
#include <unistd.h>

#include "client/lib/http.h"
#include "proto/base/check.h"

/*
 * Calls on their way through the transport. Other threads leave notes under the client's mutex: calls to send (the
 * outbox), and that some call is to be given back. The client's thread takes them, and gives calls their ends.
 *
 * A call in the outbox is SENDING; it is RECEIVING from when its request is started. So a call whose connection ends is
 *	put back in the queue    where it was in the outbox, or its request was started and nothing of it written;
 *	                         already when the connection takes no more requests,
 *	tried again              where the server said that it did nothing with it, or the call is idempotent,
 *	UNAVAILABLE              otherwise.
 */

struct request {
	size_t length;
	uint8_t bytes[]; /* gRPC's prefix, then the message */
};

/* ---- notes from other threads ---- */

void lf_client_http_wake(struct lf_client_http *http)
{
	(void)!write(http->wake_fd, &(uint64_t){1}, sizeof(uint64_t));
}

void lf_client_http_send(struct lf_client *client, struct lf_call *call)
{
	struct lf_client_http *http = client->own;

	call->queue_next = NULL;
	if (http->outbox_last != NULL)
		http->outbox_last->queue_next = call;
	else
		http->outbox_first = call;
	http->outbox_last = call;
	if (http->asleep)
		atomic_store(&http->wake_wanted, true);
	http->asleep = false;
}

void lf_client_http_flush(struct lf_client *client)
{
	struct lf_client_http *http = client->own;

	if (atomic_load(&http->wake_wanted) && atomic_exchange(&http->wake_wanted, false))
		lf_client_http_wake(http);
}

bool lf_client_http_cancel_call(struct lf_client *client, struct lf_call *call)
{
	struct lf_client_http *http = client->own;

	(void)call;
	if (!http->stop_wanted)
		lf_client_http_wake(http);
	http->stop_wanted = true;
	return false;
}

uint8_t *lf_client_http_new_request(struct lf_call *call, const uint8_t *header, size_t header_length, size_t length)
{
	struct request *request = malloc(sizeof(*request) + LF_HTTP_PREFIX_BYTES + length);

	(void)header;
	(void)header_length;
	if (request == NULL)
		return NULL;
	request->length = LF_HTTP_PREFIX_BYTES + length;
	request->bytes[0] = 0; /* not compressed */
	for (unsigned i = 0; i < 4; i++)
		request->bytes[1 + i] = (uint8_t)(length >> (24 - 8 * i));
	call->request = request;
	return request->bytes + LF_HTTP_PREFIX_BYTES;
}

void lf_client_http_free_request(struct lf_call *call)
{
	free(call->request);
}

/* ---- calls that end ---- */

static void add(struct lf_client_http_ended *list, struct lf_call *call)
{
	call->queue_next = NULL;
	*list->end = call;
	list->end = &call->queue_next;
}

/* Without the mutex. Their errors are set. */
void lf_client_http_settle(struct lf_client *client, struct lf_client_http_ended *list)
{
	struct lf_call *call = list->first, *next;

	if (call != NULL)
		lf_pump(client);
	for (; call != NULL; call = next) {
		next = call->queue_next;
		lf_call_settle(call);
	}
}

/* Under the mutex: those that the keeper wants back. */
static void take_stopped(struct lf_client_http *http, struct lf_client_http_ended *list)
{
	struct lf_client *client = http->client;

	http->stop_wanted = false;
	for (size_t i = 0; i < client->in_flight_max; i++) {
		struct lf_client_http_stream *stream = &http->streams[i];
		struct lf_call *call = stream->slot.call;

		if (call == NULL || call->stop == LF_OK || stream->session == NULL)
			continue;
		lf_client_http_cancel(stream);
		lf_call_take_off(client, call);
		lf_call_set_stop_error(client, call, call->stop);
		add(list, call);
	}
}

/* Without the mutex: gives the answers of a connection's streams to their calls. */
void lf_client_http_give_answers(struct lf_client_http *http, struct lf_client_http_conn *conn)
{
	struct lf_client *client = http->client;
	struct lf_client_http_stream *first = NULL, **end = &first, *stream, *next;

	stream = lf_client_http_take_done(conn->session);
	if (stream == NULL)
		return;
	pthread_mutex_lock(&client->mutex);
	for (; stream != NULL; stream = lf_client_http_take_done(conn->session)) {
		stream->ended = stream->slot.call;
		LF_CHECK(L5, stream->ended != NULL && stream->ended->slot == &stream->slot);
		stream->next = NULL;
		*end = stream;
		end = &stream->next;
		stream->ended->unreached = false;
		lf_call_take_off(client, stream->ended);
	}
	pthread_mutex_unlock(&client->mutex);
	lf_pump(client);
	for (stream = first; stream != NULL; stream = next) {
		struct lf_call *call = stream->ended;

		next = stream->next;
		lf_error_clean_up(&call->error);
		lf_client_http_outcome(
			stream, client->url, client->reply_bytes_max, &call->arena, &call->unstarted, &call->error);
		lf_call_answer(call, stream->reply_length > 0 ? stream->reply : stream->prefix, stream->reply_length);
	}
}

/* ---- calls that begin ---- */

static bool start_request(struct lf_client_http *http, struct lf_call *call)
{
	const struct lf_client *client = http->client;
	const struct request *request = call->request;
	const int64_t remaining = call->deadline_ms - lf_now_ms();
	const struct lf_client_http_head head = {
		.scheme = http->tls != NULL ? "https" : "http",
		.authority = client->address.authority,
		.method = call->method,
		.authorization = client->authorization,
		.traceparent = call->traceparent,
		.request_id = call->request_id,
		.timeout_ms = remaining < 1 ? 1 : (uint32_t)remaining,
	};

	if (lf_client_http_open_count(http->current->session) == 0)
		http->current->heard_ms = lf_now_ms(); /* that it was silent before says nothing */
	return lf_client_http_submit(http->current->session, (struct lf_client_http_stream *)call->slot, &head,
		request->bytes, request->length);
}

/* Under the mutex: as many calls of the outbox as there is room for, now RECEIVING, by queue_next. */
static struct lf_call *take_outbox(struct lf_client_http *http, struct lf_client_http_ended *stopped)
{
	struct lf_client *client = http->client;
	size_t room = http->current != NULL ? lf_client_http_room(http->current->session) : 0;
	struct lf_call *call, *next, *first = NULL, **end = &first, **left = &http->outbox_first;

	http->outbox_last = NULL;
	for (call = http->outbox_first; call != NULL; call = next) {
		next = call->queue_next;
		if (call->stop != LF_OK) {
			lf_call_take_off(client, call);
			lf_call_set_stop_error(client, call, call->stop);
			add(stopped, call);
		} else if (room > 0) {
			lf_call_sent(client, call);
			call->queue_next = NULL;
			*end = call;
			end = &call->queue_next;
			room--;
		} else {
			*left = call;
			left = &call->queue_next;
			http->outbox_last = call;
		}
	}
	*left = NULL;
	return first;
}

/* Takes the notes of other threads. false: the client is closing, and no call lives. */
bool lf_client_http_take_notes(struct lf_client_http *http)
{
	struct lf_client *client = http->client;
	struct lf_client_http_ended stopped = {.first = NULL};
	struct lf_call *call, *next;
	bool over;

	stopped.end = &stopped.first;
	pthread_mutex_lock(&client->mutex);
	http->asleep = false;
	over = client->closing && client->live == 0;
	if (http->stop_wanted)
		take_stopped(http, &stopped);
	call = take_outbox(http, &stopped);
	pthread_mutex_unlock(&client->mutex);
	for (; call != NULL; call = next) {
		next = call->queue_next;
		if (start_request(http, call))
			continue;
		pthread_mutex_lock(&client->mutex);
		lf_call_take_off(client, call);
		pthread_mutex_unlock(&client->mutex);
		call->unreached = false;
		call->unstarted = true;
		if (lf_client_http_is_ending(http->current->session))
			lf_error_set(&call->error, LF_UNAVAILABLE, "%s takes no more requests", client->url);
		else
			lf_error_set(&call->error, LF_RESOURCE_EXHAUSTED, "out of memory");
		add(&stopped, call);
	}
	lf_client_http_settle(client, &stopped);
	return !over;
}

/* ---- calls whose connection ends ---- */

/* Under the mutex: puts what is in the outbox back into the queue, in its order. */
void lf_client_http_put_back(struct lf_client_http *http)
{
	struct lf_client *client = http->client;
	struct lf_call *call = http->outbox_first, *next, *reversed = NULL;

	http->outbox_first = NULL;
	http->outbox_last = NULL;
	for (; call != NULL; call = next) {
		next = call->queue_next;
		call->queue_next = reversed;
		reversed = call;
	}
	for (call = reversed; call != NULL; call = next) {
		next = call->queue_next;
		lf_call_take_off(client, call);
		lf_call_put_back(client, call);
	}
}

/* Under the mutex: a call whose connection was lost after its request was started. */
void lf_client_http_lose_call(struct lf_client *client, struct lf_client_http_stream *stream, const char *reason,
	struct lf_client_http_ended *list)
{
	struct lf_call *call = stream->slot.call;

	lf_call_take_off(client, call);
	if (call->stop == LF_OK && !stream->sent && !client->closing) {
		lf_call_put_back(client, call);
		return;
	}
	call->unreached = false;
	if (call->stop != LF_OK)
		lf_call_set_stop_error(client, call, call->stop);
	else
		lf_error_set(&call->error, LF_UNAVAILABLE, "the connection to %.200s was lost before the answer (%s)",
			client->url, reason);
	add(list, call);
}
