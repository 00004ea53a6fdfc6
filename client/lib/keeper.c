#include "client/lib/transport.h"

/*
 * Design notes
 *
 * One thread a client, the keeper, knows when a call is due. Every live call that no thread is just ending stands in a
 * binary heap by the instant at which somebody must look at it: its deadline, the end of its backoff, the end of its
 * patience with a connection that is gone. Timeouts of the transport's library are not used: there would be two clocks
 * and two ways to end.
 *
 * The promise: when a call's time has come, it ends, or (where the transport has it) the transport is told to give it
 * back, again and again until it does. Again, because nng forgets a cancellation that arrives before the operation has
 * been scheduled, and no lock of ours is held while it is.
 *
 * Invariant: due_ms of a call in the heap is never later than lf_call_due(). It may be earlier: then the keeper looks,
 * corrects it and sleeps on. So only events that make something due earlier need to touch the heap.
 *
 * keeper_wake_ms is when the sleeping keeper will wake by itself; INT64_MIN while it is awake, when it needs no signal
 * because it looks at the heap before it sleeps. Calls that start one after the other each have a later deadline: they
 * cost no signal.
 */

/* ---- the thread ---- */

/* Under the mutex. When the keeper has to wake at the latest. */
static int64_t wake_at(const struct lf_client *client)
{
	int64_t when = INT64_MAX;

	if (client->heap_count > 0)
		when = client->heap[0]->due_ms;
	if (client->transport->due != NULL && client->transport->due(client) < when)
		when = client->transport->due(client);
	return when;
}

void *lf_keeper_main(void *arg)
{
	struct lf_client *client = arg;

	pthread_mutex_lock(&client->mutex);
	while (!client->closing || client->live > 0 || client->connector_runs) {
		int64_t now = lf_now_ms();

		if (client->transport->due != NULL && client->transport->due(client) <= now)
			client->transport->on_due(client, now);
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
	client->transport->tear_down(client);
	pthread_mutex_lock(&client->mutex);
	client->torn_down = true;
	pthread_cond_broadcast(&client->idle_cond);
	pthread_mutex_unlock(&client->mutex);
	lf_client_release(client);
	return NULL;
}
