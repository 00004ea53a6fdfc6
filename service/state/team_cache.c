#include "service/state/team_cache.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/cache_table.h"
#include "proto/base/check.h"
#include "proto/base/hash.h"
#include "proto/wire/wire.h"

/*
 * Design notes
 *
 * A table by hash of the bytes that were sent (proto/base/cache_table.h). A team that is sent for the first time leaves
 * a mark, one that is sent for the second time becomes an entry: teams that never come back cost a hash. In a full set
 * the place of one that was not used lately is taken, and where all of them together need more than bytes_max, the
 * table's hand goes round and drops what was not used since it passed.
 *
 * Memory is counted where it is taken, and no request may make it grow beyond bytes_max: what has no room, because
 * requests still hold what was dropped, is not cached, and its request decodes it in its own memory. (Each thread may
 * be beyond by one entry for the moment in which it makes it.)
 *
 * An entry is counted by the table and by every call that holds it, and freed by the last. The lock is held for looking
 * up and for exchanging pointers, never while bytes are compared, decoded or freed. Forms for the engine are the
 * team's (service/decide/team.h); an entry with more than LF_TEAM_FORMS_MAX (rubrics change) is stale, and made anew
 * when it comes again.
 *
 * What is read from the log for a replay or a backtest is not put here (history.c): a long read would push out the
 * teams that live requests use, and, as it reads a snapshot, could bring back what an erasure has just cleared.
 *
 * The hash is not against an adversary: what collides is compared, found to differ, and not cached.
 */
enum {
	SETS = 1024,
	SEEN = 8192,
	PART_MAX = 8,           /* an entry has at most this part of bytes_max */
	BYTES_A_BYTE = 8,       /* about what an entry takes for each byte sent */
	ENTRY_BYTES = 4 * 1024, /* and beyond that */
};

struct entry {
	struct lf_team team;            /* first: a pointer to it is a pointer to this */
	struct lf_cache_entry in_table; /* under the lock, but for the hash */
	struct lf_slice sent;
	atomic_size_t holders;
	struct lf_arena arena;
};

struct lf_team_cache {
	struct lf_team_memory memory; /* first: a pointer to it, or to its budget, is a pointer to this */
	struct lf_rpc_cache rpc;
	size_t bytes_max;
	atomic_size_t bytes;
	pthread_mutex_t lock; /* of all below */
	struct lf_cache_table table;
	struct lf_cache_entry *places[SETS * LF_CACHE_WAYS];
	uint32_t seen[SEEN];
	uint64_t hits, misses;
};

/* NULL stays NULL. */
static struct entry *entry_of(struct lf_cache_entry *in_table)
{
	return in_table == NULL ? NULL : (struct entry *)(void *)((char *)in_table - offsetof(struct entry, in_table));
}

/* ---- memory: counted here, looked at by whoever is about to take more ---- */

static bool budget_take(struct lf_arena_budget *budget, size_t bytes)
{
	atomic_fetch_add_explicit(&((struct lf_team_cache *)budget)->bytes, bytes, memory_order_relaxed);
	return true;
}

static void budget_give(struct lf_arena_budget *budget, size_t bytes)
{
	struct lf_team_cache *cache = (struct lf_team_cache *)budget;
	const size_t before = atomic_fetch_sub_explicit(&cache->bytes, bytes, memory_order_relaxed);

	LF_CHECK(D9, before >= bytes);
}

static bool is_full(const struct lf_team_cache *cache, size_t bytes)
{
	return atomic_load_explicit(&cache->bytes, memory_order_relaxed) + bytes > cache->bytes_max;
}

static bool has_room(const struct lf_team_memory *memory)
{
	return !is_full((const struct lf_team_cache *)memory, 0);
}

static void entry_free(struct entry *entry)
{
	lf_team_clean_up(&entry->team);
	lf_arena_clean_up(&entry->arena);
	free(entry);
}

static void entry_release(struct entry *entry)
{
	size_t holders;

	if (entry == NULL)
		return;
	holders = atomic_fetch_sub(&entry->holders, 1);
	LF_CHECK(D8, holders > 0);
	if (holders == 1)
		entry_free(entry);
}

/* ---- making one ---- */

/* Decodes. false: the bytes are not a team, or memory ran out. */
static bool fill(struct entry *entry, struct lf_slice bytes)
{
	struct lf_error ignored = LF_ERROR_INIT;
	Leadfit__V1__Team *message = (Leadfit__V1__Team *)lf_wire_unpack(
		&leadfit__v1__team__descriptor, (const uint8_t *)bytes.data, bytes.length, &entry->arena, &ignored);
	const struct lf_bytes *canonical = &entry->team.content.canonical;
	uint8_t *sent;

	lf_error_clean_up(&ignored);
	if (message == NULL)
		return false;
	lf_wire_canonicalize(&message->base);
	entry->team.message = message;
	if (!lf_content_pack(&entry->team.content, &message->base, bytes.length, &entry->arena))
		return false;
	entry->sent = (struct lf_slice){(const char *)canonical->data, bytes.length};
	if (bytes.length == canonical->length && memcmp(canonical->data, bytes.data, bytes.length) == 0)
		return true;
	sent = lf_arena_alloc(&entry->arena, bytes.length);
	if (sent == NULL)
		return false;
	memcpy(sent, bytes.data, bytes.length);
	entry->sent.data = (const char *)sent;
	return true;
}

static struct entry *entry_new(struct lf_team_cache *cache, struct lf_slice bytes, uint64_t hash)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	if (entry == NULL)
		return NULL;
	entry->team.memory = &cache->memory;
	entry->in_table.hash = hash;
	atomic_init(&entry->holders, 1);
	lf_arena_init(&entry->arena, cache->bytes_max / PART_MAX);
	entry->arena.budget = &cache->memory.budget;
	if (fill(entry, bytes))
		return entry;
	entry_free(entry);
	return NULL;
}

/* ---- the table ---- */

/* Whether an entry stands for so many bytes; that they are the same is looked at later, without the lock. */
static bool is_as_long(const struct lf_cache_entry *in_table, const void *bytes)
{
	const struct entry *entry =
		(const struct entry *)(const void *)((const char *)in_table - offsetof(struct entry, in_table));

	return entry->sent.length == ((const struct lf_slice *)bytes)->length;
}

/*
 * Drops entries until there is room for so many bytes, or all were looked at twice: then false, as calls hold what was
 * dropped.
 */
static bool make_room(struct lf_team_cache *cache, size_t bytes)
{
	const size_t steps_max = 2 * SETS * LF_CACHE_WAYS;

	for (size_t steps = 0; steps < steps_max;) {
		struct lf_cache_entry *dropped = NULL;

		if (!is_full(cache, bytes))
			return true;
		pthread_mutex_lock(&cache->lock);
		for (; steps < steps_max && dropped == NULL; steps++)
			dropped = lf_cache_step(&cache->table);
		pthread_mutex_unlock(&cache->lock);
		entry_release(entry_of(dropped));
	}
	return !is_full(cache, bytes);
}

static struct entry *add(struct lf_team_cache *cache, struct lf_slice bytes, uint64_t hash)
{
	struct lf_cache_entry *before, *gone;
	struct entry *entry;

	if (!make_room(cache, bytes.length * BYTES_A_BYTE + ENTRY_BYTES))
		return NULL;
	entry = entry_new(cache, bytes, hash);
	if (entry == NULL)
		return NULL;
	if (!make_room(cache, 0)) { /* it took more than was thought */
		entry_free(entry);
		return NULL;
	}
	atomic_fetch_add(&entry->holders, 1); /* the table's and the caller's */
	pthread_mutex_lock(&cache->lock);
	before = lf_cache_find(&cache->table, hash, is_as_long, &bytes);
	if (before != NULL) /* another thread was faster, or this one is made anew */
		lf_cache_take(&cache->table, before);
	gone = lf_cache_put(&cache->table, &entry->in_table);
	pthread_mutex_unlock(&cache->lock);
	entry_release(entry_of(before));
	entry_release(entry_of(gone));
	return entry;
}

/* The entry of these bytes, held. NULL: there is none. */
static struct entry *find_entry(struct lf_team_cache *cache, struct lf_slice bytes)
{
	const uint64_t hash = lf_hash_bytes(bytes.data, bytes.length, 0);
	struct entry *entry, *stale = NULL;
	bool again;

	pthread_mutex_lock(&cache->lock);
	entry = entry_of(lf_cache_find(&cache->table, hash, is_as_long, &bytes));
	if (entry != NULL && atomic_load(&entry->team.form_count) > LF_TEAM_FORMS_MAX) {
		lf_cache_take(&cache->table, &entry->in_table);
		stale = entry;
		entry = NULL;
	} else if (entry != NULL) {
		atomic_fetch_add(&entry->holders, 1);
	}
	again = lf_cache_came_before(&cache->table, hash) || stale != NULL;
	cache->hits += entry != NULL;
	cache->misses += entry == NULL;
	pthread_mutex_unlock(&cache->lock);
	entry_release(stale);
	if (entry == NULL)
		return again && bytes.length <= cache->bytes_max / PART_MAX / BYTES_A_BYTE ? add(cache, bytes, hash)
											   : NULL;
	if (memcmp(entry->sent.data, bytes.data, bytes.length) == 0)
		return entry;
	entry_release(entry);
	return NULL;
}

/* ---- for the RPC server ---- */

static ProtobufCMessage *find(void *context, struct lf_slice bytes, void **held)
{
	struct entry *entry = bytes.length == 0 ? NULL : find_entry(context, bytes);

	*held = entry;
	return entry == NULL ? NULL : (ProtobufCMessage *)(uintptr_t)entry->team.message;
}

static void release(void *context, void *held)
{
	(void)context;
	entry_release(held);
}

struct lf_team_cache *lf_team_cache_new(size_t bytes_max)
{
	struct lf_team_cache *cache = calloc(1, sizeof(*cache));

	if (cache == NULL)
		return NULL;
	cache->memory = (struct lf_team_memory){
		.budget = {.take = budget_take, .give = budget_give},
		.has_room = has_room,
		.form_bytes_max = bytes_max / PART_MAX,
	};
	cache->rpc = (struct lf_rpc_cache){&leadfit__v1__team__descriptor, find, release, cache};
	cache->bytes_max = bytes_max;
	lf_cache_table_init(&cache->table, cache->places, SETS, cache->seen, SEEN);
	pthread_mutex_init(&cache->lock, NULL);
	return cache;
}

void lf_team_cache_clear(struct lf_team_cache *cache)
{
	if (cache == NULL)
		return;
	for (;;) {
		struct entry *entry;

		pthread_mutex_lock(&cache->lock);
		entry = entry_of(lf_cache_take_any(&cache->table));
		pthread_mutex_unlock(&cache->lock);
		if (entry == NULL)
			return;
		entry_release(entry);
	}
}

void lf_team_cache_destroy(struct lf_team_cache *cache)
{
	if (cache == NULL)
		return;
	lf_team_cache_clear(cache);
	/*
	 * A call that the server gave up, since its peer takes no reply, may hold teams still: they count on the cache.
	 */
	if (atomic_load(&cache->bytes) != 0)
		return;
	pthread_mutex_destroy(&cache->lock);
	free(cache);
}

const struct lf_rpc_cache *lf_team_cache_rpc(const struct lf_team_cache *cache)
{
	return &cache->rpc;
}

void lf_team_cache_figures(struct lf_team_cache *cache, struct lf_team_cache_figures *figures)
{
	pthread_mutex_lock(&cache->lock);
	*figures = (struct lf_team_cache_figures){
		cache->hits, cache->misses, cache->table.count, atomic_load(&cache->bytes)};
	pthread_mutex_unlock(&cache->lock);
}

struct lf_team *lf_held_team(void *const *held, size_t count, const Leadfit__V1__Team *message, size_t *from)
{
	for (size_t i = 0; i < count; i++) {
		struct lf_team *team = held[(*from + i) % count];

		if (team->message != message)
			continue;
		*from = (*from + i) % count;
		return team;
	}
	return NULL;
}
