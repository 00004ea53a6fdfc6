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

/* Under the lock. Returns what is to be released then, without it. */
static struct lf_rpc_peer *put_back(struct lf_peers *peers, struct lf_connection *connection)
{
	struct lf_rpc_peer *peer = connection->peer;

	*connection = (struct lf_connection){.next = peers->unused};
	peers->unused = connection;
	return peer;
}

enum lf_code lf_peers_init(struct lf_peers *peers, size_t max, size_t turns_max)
{
	size_t size = 64;

	while (size < 4 * max)
		size *= 2;
	*peers = (struct lf_peers){.mask = size - 1, .max = max, .turns_max = turns_max};
	peers->slots = calloc(size, sizeof(*peers->slots));
	peers->connections = calloc(size, sizeof(struct lf_connection *));
	peers->all = calloc(max + turns_max, sizeof(*peers->all));
	if (peers->slots == NULL || peers->connections == NULL || peers->all == NULL ||
		pthread_mutex_init(&peers->lock, NULL) != 0) {
		free(peers->all);
		free(peers->connections);
		free(peers->slots);
		return LF_RESOURCE_EXHAUSTED;
	}
	for (size_t i = 0; i < max + turns_max; i++)
		put_back(peers, &peers->all[i]);
	return LF_OK;
}

void lf_peers_clean_up(struct lf_peers *peers)
{
	for (size_t i = 0; i <= peers->mask; i++)
		if (peers->connections[i] != NULL)
			lf_rpc_peer_release(peers->connections[i]->peer);
	pthread_mutex_destroy(&peers->lock);
	free(peers->all);
	free(peers->connections);
	free(peers->slots);
}

bool lf_peers_add(struct lf_peers *peers, uint32_t id, struct lf_rpc_peer *peer)
{
	bool added = false;

	pthread_mutex_lock(&peers->lock);
	if (peers->count < peers->max && peers->unused != NULL) {
		size_t at = id & peers->mask;
		uint32_t there = atomic_load(&peers->slots[at]);

		while (there != EMPTY && there != REMOVED) {
			at = (at + 1) & peers->mask;
			there = atomic_load(&peers->slots[at]);
		}
		peers->connections[at] = peers->unused;
		peers->unused = peers->unused->next;
		*peers->connections[at] = (struct lf_connection){.peer = peer};
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
	struct lf_rpc_peer *unused = NULL;
	size_t at;

	pthread_mutex_lock(&peers->lock);
	at = find(peers, id);
	if (at != SIZE_MAX) {
		peers->count--;
		peers->connections[at]->gone = true;
		if (peers->connections[at]->turns == 0)
			unused = put_back(peers, peers->connections[at]);
		peers->connections[at] = NULL;
		atomic_store(&peers->slots[at], REMOVED);
		/* Behind the last one of a run, nothing needs the marks. */
		if (atomic_load(&peers->slots[(at + 1) & peers->mask]) == EMPTY)
			while (atomic_load(&peers->slots[at]) == REMOVED) {
				atomic_store(&peers->slots[at], EMPTY);
				at = (at - 1) & peers->mask;
			}
	}
	pthread_mutex_unlock(&peers->lock);
	lf_rpc_peer_release(unused);
}

bool lf_peers_has(const struct lf_peers *peers, uint32_t id)
{
	return find(peers, id) != SIZE_MAX;
}

struct lf_connection *lf_peers_begin_turn(struct lf_peers *peers, uint32_t id)
{
	struct lf_connection *connection = NULL;
	size_t at;

	pthread_mutex_lock(&peers->lock);
	at = find(peers, id);
	if (at != SIZE_MAX && peers->connections[at]->turns < peers->turns_max - peers->turns) {
		connection = peers->connections[at];
		connection->turns++;
		peers->turns++;
	} else
		peers->unread++;
	pthread_mutex_unlock(&peers->lock);
	return connection;
}

bool lf_peers_begin_bundle(struct lf_peers *peers, struct lf_connection *connection, size_t count)
{
	size_t after;
	bool may;

	pthread_mutex_lock(&peers->lock);
	after = peers->bundled + count;
	may = after <= peers->turns_max && connection->bundled + count <= peers->turns_max - after;
	if (may) {
		connection->bundled += count;
		peers->bundled += count;
	}
	pthread_mutex_unlock(&peers->lock);
	return may;
}

void lf_peers_end_bundle(struct lf_peers *peers, struct lf_connection *connection, size_t count)
{
	pthread_mutex_lock(&peers->lock);
	LF_CHECK(N3, connection->bundled >= count && peers->bundled >= count);
	peers->bundled -= count;
	connection->bundled -= count;
	pthread_mutex_unlock(&peers->lock);
}

void lf_peers_end_turn(struct lf_peers *peers, struct lf_connection *connection)
{
	struct lf_rpc_peer *unused = NULL;

	if (connection == NULL)
		return;
	pthread_mutex_lock(&peers->lock);
	LF_CHECK(N3, connection->turns != 0 && peers->turns != 0);
	peers->turns--;
	connection->turns--;
	if (connection->turns == 0 && connection->gone)
		unused = put_back(peers, connection);
	pthread_mutex_unlock(&peers->lock);
	lf_rpc_peer_release(unused);
}
