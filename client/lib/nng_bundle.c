#include <string.h>

#include "client/lib/nng.h"
#include "proto/wire/bundle.h"

/*
 * Design notes: calls that go together
 *
 * nng and the kernel take as long for a message of 16 KiB as for three of 1 KiB. So calls of one kind share messages. One
 * that finds fewer than LF_NNG_EAGER messages under way goes at once, as a plain frame. Those that start meanwhile are
 * gathered, and go together when a message has been answered, or when there are LF_NNG_FULL of them. Only Score goes like this, and
 * only where the request is small, for a message is answered when all of its calls are.
 *
 * A service may never answer: it drops a call whose token is wrong, for one. So nobody waits for a message that is
 * LF_NNG_SLOW_MS old: it does not count any more, and the keeper sends what is gathered. Where such messages have all the
 * carriers, calls go by themselves.
 *
 * A carrier is taken until the closures of its message have run. So what these start is gathered, too.
 *
 * The promise: calls that went together end apart. One that is given up is detached from its carrier, which goes on; what
 * comes for it later is not looked at. Only the last that is attached has to wait for nng to give the carrier back. While a
 * carrier is being filled none is detached, for its request is read without the mutex. Of a message that nng has not sent
 * yet none is detached, either, or it would be sent all the same: nng gives the message back, and the others go again.
 *
 * Invariant: while calls are gathered, a carrier is not free; whoever frees it sends what is gathered.
 *
 * An older service refuses a bundle, as it does not know byte 3. Then nothing of it was done: its calls are put back, and go
 * one by one for as long as that connection lasts. Likewise the calls of a bundle that is beyond a share, and a call whose
 * reply had no room beside others; but only these.
 */

static const char METHOD[] = "leadfit.v1.Scoring/Score";

enum { BUNDLED_BYTES_MAX = 16 * 1024 /* a larger request goes by itself: it takes longer */ };

static_assert((int)LF_NNG_FULL <= (int)LF_BUNDLE_MAX, "a service takes no more");
static_assert(LF_NNG_FULL * BUNDLED_BYTES_MAX < LF_MESSAGE_BYTES_MAX / 2, "requests fit a message, with their entries");

/* ---- what is gathered; under the mutex ---- */

static size_t request_length(const struct lf_call *call)
{
	return nng_msg_len(call->request);
}

/* Whether it may go with others. One that has little time left does not wait for them. */
static bool may_share(const struct lf_client *client, const struct lf_call *call)
{
	const struct lf_nng *nng = client->own;

	return nng->carrier_count > 0 && !call->alone && client->connection != nng->refused_by &&
		request_length(call) <= BUNDLED_BYTES_MAX && strcmp(call->method, METHOD) == 0 &&
		call->deadline_ms - lf_now_ms() >= LF_NNG_SLOW_MS;
}

static void gather(struct lf_nng *nng, struct lf_nng_slot *slot)
{
	slot->gathered = true;
	slot->next = NULL;
	slot->previous = nng->last_gathered;
	if (nng->last_gathered != NULL)
		nng->last_gathered->next = slot;
	else
		nng->first_gathered = slot;
	nng->last_gathered = slot;
	nng->gathered++;
}

static void scatter(struct lf_nng *nng, struct lf_nng_slot *slot)
{
	if (slot->previous != NULL)
		slot->previous->next = slot->next;
	else
		nng->first_gathered = slot->next;
	if (slot->next != NULL)
		slot->next->previous = slot->previous;
	else
		nng->last_gathered = slot->previous;
	slot->gathered = false;
	nng->gathered--;
}

/* Nothing of it was done: it waits for its turn again, ahead of others, unless it has to stop. */
static void put_back(struct lf_client *client, struct lf_call *call)
{
	lf_call_take_off(client, call);
	lf_call_put_back(client, call);
}

/* ---- sending ---- */

/*
 * Whether a message may go that is not full. Else *until_ms is when to look again, unless one is answered before: when the
 * oldest message that counts does not any more.
 */
static bool is_eager(const struct lf_nng *nng, int64_t *until_ms)
{
	size_t count = 0;
	int64_t now_ms;

	if (nng->under_way < LF_NNG_EAGER)
		return true;
	now_ms = lf_now_ms();
	*until_ms = INT64_MAX;
	for (size_t i = 0; i < nng->carrier_count; i++) {
		const int64_t slow_ms = nng->carriers[i].since_ms + nng->slow_ms;

		if (!nng->carriers[i].taken || slow_ms <= now_ms)
			continue;
		count++;
		if (slow_ms < *until_ms)
			*until_ms = slow_ms;
	}
	return count < LF_NNG_EAGER;
}

/* Takes from what is gathered what a message holds. None of it where all of that has to stop. */
static void fill(struct lf_client *client, struct lf_nng_carrier *carrier)
{
	struct lf_nng *nng = client->own;

	carrier->count = 0;
	carrier->sent = false;
	carrier->connection = client->connection;
	carrier->since_ms = lf_now_ms();
	while (nng->first_gathered != NULL && carrier->count < LF_NNG_FULL) {
		struct lf_nng_slot *slot = nng->first_gathered;

		scatter(nng, slot);
		if (slot->slot.call->stop != LF_OK) {
			put_back(client, slot->slot.call); /* the keeper ends it */
			continue;
		}
		slot->carrier = carrier;
		slot->index = carrier->count;
		carrier->calls[carrier->count++] = slot->slot.call;
	}
	carrier->attached = carrier->count;
}

/* Appends a call's frame, with what is left of its time. */
static bool append_frame(nng_msg *message, const struct lf_call *call, int64_t now_ms)
{
	const size_t at = nng_msg_len(message);
	const int64_t remaining = call->deadline_ms - now_ms;

	if (nng_msg_append(message, nng_msg_body(call->request), request_length(call)) != 0)
		return false;
	lf_bundle_set_timeout((uint8_t *)nng_msg_body(message) + at, remaining < 1 ? 1 : (uint32_t)remaining);
	return true;
}

/* Without the mutex: a frame, or a bundle of them. NULL where memory ran out. */
static nng_msg *make_bundle(const struct lf_nng_carrier *carrier)
{
	uint8_t head[LF_BUNDLE_FIXED_BYTES], entry[LF_BUNDLE_ENTRY_BYTES];
	size_t bytes = LF_BUNDLE_FIXED_BYTES;
	nng_msg *message;

	for (size_t i = 0; i < carrier->count; i++)
		bytes += LF_BUNDLE_ENTRY_BYTES + request_length(carrier->calls[i]);
	if (nng_msg_alloc(&message, 0) != 0)
		return NULL;
	if (nng_msg_reserve(message, bytes) != 0)
		goto failed;
	if (carrier->count > 1) {
		lf_bundle_encode_header(LF_BUNDLE_REQUESTS, carrier->count, head);
		if (nng_msg_append(message, head, sizeof(head)) != 0)
			goto failed;
	}
	for (size_t i = 0; i < carrier->count; i++) {
		lf_bundle_encode_entry((uint32_t)i, request_length(carrier->calls[i]), entry);
		if ((carrier->count > 1 && nng_msg_append(message, entry, sizeof(entry)) != 0) ||
			!append_frame(message, carrier->calls[i], carrier->since_ms))
			goto failed;
	}
	return message;

failed:
	nng_msg_free(message);
	return NULL;
}

void lf_nng_free_carrier(struct lf_nng *nng, struct lf_nng_carrier *carrier)
{
	carrier->next_free = nng->free_carriers;
	carrier->taken = false;
	nng->free_carriers = carrier;
	nng->under_way--;
}

/* Under the mutex, which it releases meanwhile: there is no memory for the message. Those of single calls are there. */
static void send_apart(struct lf_client *client, struct lf_nng_carrier *carrier)
{
	for (size_t i = 0; i < carrier->count; i++) {
		struct lf_call *call = carrier->calls[i];

		if (call == NULL)
			continue;
		carrier->calls[i] = NULL;
		carrier->attached--;
		lf_nng_slot_of(call)->carrier = NULL;
		lf_nng_slot_send(client, call);
	}
	lf_nng_free_carrier(client->own, carrier);
}

/* Under the mutex, which it releases meanwhile: sends the message of a carrier that is filled. */
static void deliver(struct lf_client *client, struct lf_nng_carrier *carrier)
{
	nng_msg *message;

	carrier->filling = true;
	pthread_mutex_unlock(&client->mutex);
	message = make_bundle(carrier);
	pthread_mutex_lock(&client->mutex);
	carrier->filling = false;
	if (message == NULL) {
		send_apart(client, carrier);
		return;
	}
	pthread_mutex_unlock(&client->mutex);
	nng_aio_set_msg(carrier->aio, message);
	nng_ctx_send(carrier->context, carrier->aio);
	pthread_mutex_lock(&client->mutex);
}

/* Under the mutex: there is no connection, or one by which calls go one by one. */
static void put_gathered_back(struct lf_client *client)
{
	struct lf_nng *nng = client->own;

	while (nng->last_gathered != NULL) {
		struct lf_nng_slot *slot = nng->last_gathered;

		scatter(nng, slot);
		put_back(client, slot->slot.call);
	}
	client->pump_wanted = true;
	lf_keeper_wake(client, INT64_MIN + 1);
}

/* Under the mutex, which it releases meanwhile: sends what is gathered, or a part of it, in one message. */
static void send_message(struct lf_client *client)
{
	struct lf_nng *nng = client->own;
	struct lf_nng_carrier *carrier = nng->free_carriers;

	nng->free_carriers = carrier->next_free;
	carrier->taken = true;
	nng->under_way++;
	fill(client, carrier);
	if (carrier->count > 0)
		deliver(client, carrier);
	else
		lf_nng_free_carrier(nng, carrier);
}

/* Under the mutex, which it releases meanwhile: sends the first that is gathered by itself. */
static void send_first(struct lf_client *client)
{
	struct lf_nng *nng = client->own;
	struct lf_nng_slot *slot = nng->first_gathered;

	scatter(nng, slot);
	if (slot->slot.call->stop != LF_OK) {
		put_back(client, slot->slot.call);
		return;
	}
	slot->slot.connection = client->connection;
	lf_nng_slot_send(client, slot->slot.call);
}

void lf_nng_send_gathered(struct lf_client *client)
{
	struct lf_nng *nng = client->own;

	nng->gathered_due_ms = INT64_MAX;
	while (nng->gathered != 0) {
		int64_t until_ms = INT64_MAX;
		const bool eager = is_eager(nng, &until_ms);

		if (client->connection == 0 || client->connection == nng->refused_by) {
			put_gathered_back(client);
		} else if (nng->free_carriers != NULL && (eager || nng->gathered >= LF_NNG_FULL)) {
			send_message(client);
		} else if (eager) {
			send_first(client);
		} else {
			nng->gathered_due_ms = until_ms;
			lf_keeper_wake(client, until_ms);
			break;
		}
	}
}

void lf_nng_send(struct lf_client *client, struct lf_call *call)
{
	if (may_share(client, call))
		gather(client->own, lf_nng_slot_of(call));
	else
		lf_nng_slot_send(client, call);
}

void lf_nng_flush(struct lf_client *client)
{
	pthread_mutex_lock(&client->mutex);
	lf_nng_send_gathered(client);
	pthread_mutex_unlock(&client->mutex);
}

bool lf_nng_cancel(struct lf_client *client, struct lf_call *call)
{
	struct lf_nng_slot *slot = lf_nng_slot_of(call);
	struct lf_nng_carrier *carrier = slot->carrier;

	if (slot->gathered) {
		scatter(client->own, slot);
		return true;
	}
	if (carrier == NULL) {
		nng_aio_cancel(slot->aio);
		return false;
	}
	if (carrier->filling)
		return false;
	if (!carrier->sent || carrier->attached == 1) {
		nng_aio_cancel(carrier->aio);
		return false;
	}
	carrier->calls[slot->index] = NULL;
	carrier->attached--;
	slot->carrier = NULL;
	return true;
}
