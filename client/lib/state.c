#include "client/lib/internal.h"
#include "proto/base/check.h"

/*
 * Design notes: the life of a call
 *
 *	                     slot and connection          sent
 *	IDLE ──start──► QUEUED ─────────────► SENDING ──────────► RECEIVING
 *	DONE ──start──►  │  ▲                    │                    │
 *	                 │  │ pause is over      │ error, stop        │ reply, error, stop
 *	                 │  └────── BACKOFF ◄─┐  ▼                    ▼
 *	          cancel │             │      └─── ENDING ◄───────────┘
 *	                 ▼             │ cancel      │
 *	               STOPPED ◄───────┘             │ closure returned
 *	                 └──keeper──► ENDING ──────► DONE
 *
 * The keeper moves a QUEUED or BACKOFF call whose deadline (or patience with a lost connection) is over to ENDING, too.
 * A call that can't be started goes from its start to ENDING.
 *
 * The promise: a call that was started has its closure called exactly once, by its deadline (or as soon after it as a
 * thread runs), and is DONE afterwards. Only ENDING leads to DONE; who moves a call to ENDING, under the mutex, has it
 * alone from then on.
 *
 *	state      in the heap  in the queue  has a slot  whose it is
 *	QUEUED     yes          yes           no          nobody's
 *	SENDING    yes          no            yes         the transport's
 *	RECEIVING  yes          no            yes         the transport's
 *	BACKOFF    yes          no            no          nobody's
 *	STOPPED    yes          no            no          the keeper's
 *	ENDING     no           no            no          one thread's
 *
 * A slot is one place among the requests in flight. It goes back to the free list when the transport takes the call
 * off, and with it the transport's part: so nothing of the call may be left there that could hit the next one.
 *
 * Nothing is handed to the transport while there is no connection. No function here blocks in a callback of the
 * transport but for the mutex, held briefly.
 *
 * A request that was sent is sent again only where the caller said so (idempotent), or where it is certain that the
 * server did nothing: the transport says so (unstarted), as HTTP/2 can. One of which nothing was sent, or that was
 * refused together with others, is put back in the queue, ahead of the others, and is not counted as an attempt.
 */

/* ---- the states ---- */

#define BIT(state) (1u << LF_CLIENT_CALL_##state)

/* The arrows of the diagram: what each state may be followed by. */
static const unsigned followers[] = {
	[LF_CLIENT_CALL_IDLE] = BIT(ENDING),
	[LF_CLIENT_CALL_QUEUED] = BIT(SENDING) | BIT(STOPPED) | BIT(ENDING),
	[LF_CLIENT_CALL_SENDING] = BIT(RECEIVING) | BIT(ENDING),
	[LF_CLIENT_CALL_RECEIVING] = BIT(ENDING),
	[LF_CLIENT_CALL_BACKOFF] = BIT(QUEUED) | BIT(STOPPED) | BIT(ENDING),
	[LF_CLIENT_CALL_STOPPED] = BIT(ENDING),
	[LF_CLIENT_CALL_ENDING] = BIT(QUEUED) | BIT(BACKOFF) | BIT(DONE),
	[LF_CLIENT_CALL_DONE] = BIT(ENDING),
};

void lf_call_move(struct lf_call *call, enum lf_client_call_state to)
{
	LF_CHECK(L1, (followers[call->state] >> to & 1) != 0);
	call->state = to;
}

/* ---- the queue, under the mutex ---- */

static void append(struct lf_client *client, struct lf_call *call)
{
	call->queue_next = NULL;
	call->queue_previous = client->queue_last;
	if (client->queue_last != NULL)
		client->queue_last->queue_next = call;
	else
		client->queue_first = call;
	client->queue_last = call;
}

static void remove_call(struct lf_client *client, struct lf_call *call)
{
	if (call->queue_previous != NULL)
		call->queue_previous->queue_next = call->queue_next;
	else
		client->queue_first = call->queue_next;
	if (call->queue_next != NULL)
		call->queue_next->queue_previous = call->queue_previous;
	else
		client->queue_last = call->queue_previous;
}

static void prepend(struct lf_client *client, struct lf_call *call)
{
	call->queue_previous = NULL;
	call->queue_next = client->queue_first;
	if (client->queue_first != NULL)
		client->queue_first->queue_previous = call;
	else
		client->queue_last = call;
	client->queue_first = call;
}

void lf_slot_add(struct lf_client *client, struct lf_slot *slot)
{
	slot->next_free = client->free_slots;
	client->free_slots = slot;
}

void lf_call_put_back(struct lf_client *client, struct lf_call *call)
{
	/* The end of the client did not meet it: it was in no heap. */
	if (call->stop == LF_OK && client->closing)
		call->stop = LF_CANCELLED;
	lf_call_move(call, LF_CLIENT_CALL_QUEUED);
	if (call->stop != LF_OK)
		lf_call_move(call, LF_CLIENT_CALL_STOPPED);
	else
		prepend(client, call);
	call->due_ms = lf_call_due(client, call);
	lf_heap_push(client, call);
}

void lf_call_enqueue(struct lf_client *client, struct lf_call *call)
{
	lf_call_move(call, LF_CLIENT_CALL_QUEUED);
	call->attempt++;
	call->unstarted = false;
	call->waiting_since_ms = lf_now_ms();
	call->due_ms = lf_call_due(client, call);
	append(client, call);
}

int64_t lf_call_due(const struct lf_client *client, const struct lf_call *call)
{
	int64_t due = call->deadline_ms;
	int64_t since = call->waiting_since_ms;

	if (call->stop != LF_OK)
		return 0;
	if (call->state == LF_CLIENT_CALL_BACKOFF && call->retry_ms < due)
		due = call->retry_ms;
	if (client->connection == 0 &&
		(call->state == LF_CLIENT_CALL_QUEUED || call->state == LF_CLIENT_CALL_SENDING)) {
		if (since < client->disconnected_ms)
			since = client->disconnected_ms;
		if (since + client->connect_timeout_ms < due)
			due = since + client->connect_timeout_ms;
	}
	return due;
}

struct lf_call *lf_call_take_next(struct lf_client *client)
{
	struct lf_call *call = client->queue_first;
	struct lf_slot *slot = client->free_slots;

	if (call == NULL || slot == NULL || client->connection == 0)
		return NULL;
	remove_call(client, call);
	client->free_slots = slot->next_free;
	LF_CHECK(L5, slot->call == NULL && call->slot == NULL);
	slot->call = call;
	slot->connection = client->connection;
	call->slot = slot;
	lf_call_move(call, LF_CLIENT_CALL_SENDING);
	return call;
}

/* ---- giving up ---- */

void lf_call_take_off(struct lf_client *client, struct lf_call *call)
{
	struct lf_slot *slot = call->slot;

	lf_heap_remove(client, call);
	if (call->state == LF_CLIENT_CALL_QUEUED)
		remove_call(client, call);
	if (slot != NULL) {
		LF_CHECK(L5, slot->call == call);
		slot->call = NULL;
		lf_slot_add(client, slot);
		call->slot = NULL;
	}
	lf_call_move(call, LF_CLIENT_CALL_ENDING);
}

bool lf_call_stop(struct lf_client *client, struct lf_call *call)
{
	switch (call->state) {
	case LF_CLIENT_CALL_QUEUED:
		remove_call(client, call);
		lf_call_move(call, LF_CLIENT_CALL_STOPPED);
		break;
	case LF_CLIENT_CALL_BACKOFF:
		lf_call_move(call, LF_CLIENT_CALL_STOPPED);
		break;
	case LF_CLIENT_CALL_SENDING:
	case LF_CLIENT_CALL_RECEIVING:
		break;
	case LF_CLIENT_CALL_ENDING:
		call->stop = LF_CANCELLED;
		return false;
	default:
		return false;
	}
	if (call->stop != LF_DEADLINE_EXCEEDED)
		call->stop = LF_CANCELLED;
	call->due_ms = 0;
	return true;
}
