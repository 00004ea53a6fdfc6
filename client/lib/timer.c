#include <time.h>

#include "client/lib/internal.h"
#include "proto/base/check.h"

/*
 * The timer: a binary heap of the calls that the keeper looks after, by due_ms, and how the keeper is woken when a call
 * became the earliest. All under the client's mutex. It knows nothing of what a call is for.
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
	LF_CHECK(L3, client->heap_count < client->heap_capacity);
	heap_set(client, client->heap_count, call);
	client->heap_count++;
	heap_up(client, call->heap_index);
	lf_keeper_wake(client, call->due_ms);
}

void lf_heap_remove(struct lf_client *client, struct lf_call *call)
{
	size_t index = call->heap_index;

	LF_CHECK(L4, index < client->heap_count && client->heap[index] == call);
	client->heap_count--;
	if (index == client->heap_count)
		return;
	heap_set(client, index, client->heap[client->heap_count]);
	heap_up(client, index);
	heap_down(client, client->heap[index]->heap_index);
}

void lf_heap_update(struct lf_client *client, struct lf_call *call)
{
	LF_CHECK(L4, call->heap_index < client->heap_count && client->heap[call->heap_index] == call);
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
