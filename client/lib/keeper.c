#include <time.h>

#include "client/lib/internal.h"

/*
 * Design notes
 *
 * One thread a client, the keeper, knows the time. Every live call that no thread is just ending stands in a binary
 * heap by the instant at which somebody must look at it: its deadline, the end of its backoff, the end of its patience
 * with a connection that is gone. nng's own aio timeouts are not used: there would be two clocks and two ways to end.
 *
 * The promise: when a call's time has come, it ends, or (where an aio has it) its aio is cancelled again and again
 * until nng gives the call back. Again, because nng forgets a cancellation that arrives before the operation has been
 * scheduled, and no lock of ours is held while it is.
 *
 * Invariant: due_ms of a call in the heap is never later than lf_call_due(). It may be earlier: then the keeper looks,
 * corrects it and sleeps on. So only events that make something due earlier need to touch the heap.
 *
 * keeper_wake_ms is when the sleeping keeper will wake by itself; INT64_MIN while it is awake, when it needs no signal
 * because it looks at the heap before it sleeps. Calls that start one after the other each have a later deadline: they
 * cost no signal.
 */

int64_t lf_now_ms(void)
{
	return (int64_t)lf_clock_ms();
}

void lf_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t until_ms)
{
	struct timespec until = {.tv_sec = (time_t)(until_ms / 1000), .tv_nsec = (long)(until_ms % 1000) * 1000000};

	pthread_cond_timedwait(cond, mutex, &until);
}

int64_t lf_jitter(struct lf_client *client, int64_t base_ms)
{
	/* SplitMix64. */
	uint64_t z = client->random += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	z ^= z >> 31;
	return base_ms / 2 + (int64_t)(z % (uint64_t)(base_ms + 1));
}

/* ---- the heap ---- */

static void heap_set(struct lf_client *client, size_t index, struct lf_call *call)
{
	client->heap[index] = call;
	call->heap_index = index;
}

static void heap_up(struct lf_client *client, size_t index)
{
	struct lf_call *call = client->heap[index];

	while (index > 0) {
		size_t parent = (index - 1) / 2;

		if (client->heap[parent]->due_ms <= call->due_ms)
			break;
		heap_set(client, index, client->heap[parent]);
		index = parent;
	}
	heap_set(client, index, call);
}

static void heap_down(struct lf_client *client, size_t index)
{
	struct lf_call *call = client->heap[index];

	for (;;) {
		size_t child = 2 * index + 1;

		if (child >= client->heap_count)
			break;
		if (child + 1 < client->heap_count && client->heap[child + 1]->due_ms < client->heap[child]->due_ms)
			child++;
		if (call->due_ms <= client->heap[child]->due_ms)
			break;
		heap_set(client, index, client->heap[child]);
		index = child;
	}
	heap_set(client, index, call);
}

void lf_keeper_wake(struct lf_client *client, int64_t when_ms)
{
	if (when_ms < client->keeper_wake_ms) {
		client->keeper_wake_ms = INT64_MIN;
		pthread_cond_signal(&client->keeper_cond);
	}
}

void lf_heap_push(struct lf_client *client, struct lf_call *call)
{
	assert(client->heap_count < client->heap_capacity);
	heap_set(client, client->heap_count, call);
	client->heap_count++;
	heap_up(client, call->heap_index);
	lf_keeper_wake(client, call->due_ms);
}

void lf_heap_remove(struct lf_client *client, struct lf_call *call)
{
	size_t index = call->heap_index;

	assert(index < client->heap_count && client->heap[index] == call);
	client->heap_count--;
	if (index == client->heap_count)
		return;
	heap_set(client, index, client->heap[client->heap_count]);
	heap_up(client, index);
	heap_down(client, client->heap[index]->heap_index);
}

void lf_heap_update(struct lf_client *client, struct lf_call *call)
{
	assert(call->heap_index < client->heap_count && client->heap[call->heap_index] == call);
	heap_up(client, call->heap_index);
	heap_down(client, call->heap_index);
	lf_keeper_wake(client, call->due_ms);
}

void lf_heap_rebuild(struct lf_client *client)
{
	for (size_t index = client->heap_count / 2; index-- > 0;)
		heap_down(client, index);
	lf_keeper_wake(client, INT64_MIN + 1);
}

/* ---- the thread ---- */

/* Under the mutex. When the keeper has to wake at the latest. */
static int64_t wake_at(const struct lf_client *client)
{
	int64_t when = INT64_MAX;

	if (client->heap_count > 0)
		when = client->heap[0]->due_ms;
	if (client->dialing && client->dial_due_ms < when)
		when = client->dial_due_ms;
	return when;
}

void *lf_keeper_main(void *arg)
{
	struct lf_client *client = arg;

	pthread_mutex_lock(&client->mutex);
	while (!client->closing || client->live > 0 || client->connector_runs) {
		int64_t now = lf_now_ms();

		if (client->dialing && client->dial_due_ms <= now)
			lf_link_on_due(client, now);
		while (client->heap_count > 0 && client->heap[0]->due_ms <= now)
			lf_call_on_due(client, client->heap[0], now);
		if (client->pump_wanted) {
			client->pump_wanted = false;
			pthread_mutex_unlock(&client->mutex);
			lf_pump(client);
			pthread_mutex_lock(&client->mutex);
			continue;
		}
		if (client->closing && client->live == 0 && !client->connector_runs)
			break;
		client->keeper_wake_ms = wake_at(client);
		if (client->keeper_wake_ms == INT64_MAX)
			pthread_cond_wait(&client->keeper_cond, &client->mutex);
		else if (client->keeper_wake_ms > now)
			lf_cond_wait_until(&client->keeper_cond, &client->mutex, client->keeper_wake_ms);
		client->keeper_wake_ms = INT64_MIN;
	}
	pthread_mutex_unlock(&client->mutex);
	lf_client_tear_down(client);
	pthread_mutex_lock(&client->mutex);
	client->torn_down = true;
	pthread_cond_broadcast(&client->idle_cond);
	pthread_mutex_unlock(&client->mutex);
	lf_client_release(client);
	return NULL;
}
