#include "service/rpc/nng/internal.h"

#include <stdlib.h>

/*
 * Design notes
 *
 * A worker asks for every request whether its peer is still there, so asking takes no lock: a probe from the id's
 * home slot until the id (there) or an empty slot (gone). An id stays in one slot from add to remove. A removed one
 * leaves REMOVED behind while the next slot is in use, so that no probe past it is cut short; the table is at most a
 * quarter full.
 */

enum { EMPTY = 0 };
#define REMOVED UINT32_MAX

enum lf_code lf_peers_init(struct lf_peers *peers, size_t max)
{
	size_t size = 64;

	while (size < 4 * max)
		size *= 2;
	*peers = (struct lf_peers){.mask = size - 1, .max = max};
	peers->slots = calloc(size, sizeof(*peers->slots));
	if (peers->slots == NULL)
		return LF_RESOURCE_EXHAUSTED;
	if (pthread_mutex_init(&peers->lock, NULL) != 0) {
		free(peers->slots);
		return LF_RESOURCE_EXHAUSTED;
	}
	return LF_OK;
}

void lf_peers_clean_up(struct lf_peers *peers)
{
	pthread_mutex_destroy(&peers->lock);
	free(peers->slots);
}

bool lf_peers_add(struct lf_peers *peers, uint32_t id)
{
	bool added = false;

	pthread_mutex_lock(&peers->lock);
	if (peers->count < peers->max) {
		size_t at = id & peers->mask;
		uint32_t there = atomic_load(&peers->slots[at]);

		while (there != EMPTY && there != REMOVED) {
			at = (at + 1) & peers->mask;
			there = atomic_load(&peers->slots[at]);
		}
		atomic_store(&peers->slots[at], id);
		peers->count++;
		added = true;
	}
	pthread_mutex_unlock(&peers->lock);
	return added;
}

/* The slot of id, or SIZE_MAX. */
static size_t find(const struct lf_peers *peers, uint32_t id)
{
	size_t at = id & peers->mask;

	for (size_t n = 0; n <= peers->mask; n++, at = (at + 1) & peers->mask) {
		uint32_t there = atomic_load_explicit(&peers->slots[at], memory_order_acquire);

		if (there == id)
			return at;
		if (there == EMPTY)
			break;
	}
	return SIZE_MAX;
}

void lf_peers_remove(struct lf_peers *peers, uint32_t id)
{
	size_t at;

	pthread_mutex_lock(&peers->lock);
	peers->gone++;
	at = find(peers, id);
	if (at != SIZE_MAX) {
		peers->count--;
		atomic_store(&peers->slots[at], REMOVED);
		/* Behind the last one of a run, nothing needs the marks. */
		if (atomic_load(&peers->slots[(at + 1) & peers->mask]) == EMPTY)
			while (atomic_load(&peers->slots[at]) == REMOVED) {
				atomic_store(&peers->slots[at], EMPTY);
				at = (at - 1) & peers->mask;
			}
	}
	pthread_mutex_unlock(&peers->lock);
}

uint64_t lf_peers_gone(struct lf_peers *peers)
{
	uint64_t gone;

	pthread_mutex_lock(&peers->lock);
	gone = peers->gone;
	pthread_mutex_unlock(&peers->lock);
	return gone;
}

bool lf_peers_has(const struct lf_peers *peers, uint32_t id)
{
	return find(peers, id) != SIZE_MAX;
}
