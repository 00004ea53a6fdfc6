#include "service/state/team_cache.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/check.h"
#include "proto/base/hash.h"
#include "proto/wire/wire.h"

/*
 * Design notes
 *
 * A table of sets of four. A team that is sent for the first time leaves its hash in `seen`, one that is sent for the
 * second time becomes an entry: teams that never come back cost a hash. In a full set the place of one that was not
 * used lately is taken, and where all of them together need more than bytes_max, a hand goes round the table and drops
 * what was not used since it passed.
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
 * What is read from the log for a replay or a backtest is not put here (history.c): a long read would push out the teams
 * that live requests use, and, as it reads a snapshot, could bring back what an erasure has just cleared.
 *
 * The hash is not against an adversary: what collides is compared, found to differ, and not cached.
 */
enum {
	WAYS = 4,
	SETS = 1024,
	SEEN = 8192,
	PART_MAX = 8,           /* an entry has at most this part of bytes_max */
	BYTES_A_BYTE = 8,       /* about what an entry takes for each byte sent */
	ENTRY_BYTES = 4 * 1024, /* and beyond that */
};

struct entry {
	struct lf_team team; /* first: a pointer to it is a pointer to this */
	uint64_t hash;
	struct lf_slice sent;
	atomic_size_t holders;
	struct lf_arena arena;
	bool used; /* since the hand passed; under the lock */
};

struct lf_team_cache {
	struct lf_team_memory memory; /* first: a pointer to it, or to its budget, is a pointer to this */
	struct lf_rpc_cache rpc;
	size_t bytes_max;
	atomic_size_t bytes;
	pthread_mutex_t lock; /* of all below */
	struct entry *entries[SETS][WAYS];
	uint32_t seen[SEEN];
	size_t hand, count;
	uint64_t hits, misses;
};

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
	entry->hash = hash;
	entry->used = true;
	atomic_init(&entry->holders, 1);
	lf_arena_init(&entry->arena, cache->bytes_max / PART_MAX);
	entry->arena.budget = &cache->memory.budget;
	if (fill(entry, bytes))
		return entry;
	entry_free(entry);
	return NULL;
}

/* ---- the table ---- */

static struct entry **set_of(struct lf_team_cache *cache, uint64_t hash)
{
	return cache->entries[hash % SETS];
}

/* Under the lock. The place of the entry with that hash and length; NULL: there is none. */
static struct entry **find_place(struct lf_team_cache *cache, uint64_t hash, size_t length)
{
	struct entry **set = set_of(cache, hash);

	for (int i = 0; i < WAYS; i++)
		if (set[i] != NULL && set[i]->hash == hash && set[i]->sent.length == length)
			return &set[i];
	return NULL;
}

/* Under the lock: takes an entry out; entry_release() it afterwards. */
static struct entry *take_out(struct lf_team_cache *cache, struct entry **place)
{
	struct entry *entry = *place;

	if (entry != NULL) {
		LF_CHECK(D10, cache->count > 0);
		cache->count--;
	}
	*place = NULL;
	return entry;
}

/* Under the lock: where a new entry with that hash goes; what is there is to be taken out. */
static struct entry **choose_place(struct lf_team_cache *cache, uint64_t hash, size_t length)
{
	struct entry **set = set_of(cache, hash), **place = find_place(cache, hash, length);

	for (int i = 0; i < WAYS && place == NULL; i++)
		if (set[i] == NULL)
			place = &set[i];
	for (int i = 0; i < WAYS && place == NULL; i++)
		if (!set[i]->used)
			place = &set[i];
	if (place != NULL)
		return place;
	for (int i = 0; i < WAYS; i++)
		set[i]->used = false;
	return &set[0];
}

/*
 * Drops entries until there is room for so many bytes, or all were looked at twice: then false, as calls hold what was
 * dropped.
 */
static bool make_room(struct lf_team_cache *cache, size_t bytes)
{
	for (size_t steps = 0; steps < 2 * SETS * WAYS; steps++) {
		struct entry *dropped = NULL;

		if (!is_full(cache, bytes))
			return true;
		pthread_mutex_lock(&cache->lock);
		for (; steps < 2 * SETS * WAYS && dropped == NULL; steps++) {
			struct entry **place = &cache->entries[cache->hand / WAYS][cache->hand % WAYS];

			cache->hand = (cache->hand + 1) % (SETS * WAYS);
			if (*place != NULL && !(*place)->used)
				dropped = take_out(cache, place);
			else if (*place != NULL)
				(*place)->used = false;
		}
		pthread_mutex_unlock(&cache->lock);
		entry_release(dropped);
	}
	return !is_full(cache, bytes);
}

static struct entry *add(struct lf_team_cache *cache, struct lf_slice bytes, uint64_t hash)
{
	struct entry *entry, *before, **place;

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
	place = choose_place(cache, hash, bytes.length);
	before = take_out(cache, place);
	*place = entry;
	cache->count++;
	pthread_mutex_unlock(&cache->lock);
	entry_release(before);
	return entry;
}

/* The entry of these bytes, held. NULL: there is none. */
static struct entry *find_entry(struct lf_team_cache *cache, struct lf_slice bytes)
{
	const uint64_t hash = lf_hash_bytes(bytes.data, bytes.length, 0);
	const uint32_t mark = (uint32_t)(hash >> 32) | 1;
	struct entry *entry = NULL, *stale = NULL, **place;
	uint32_t *seen = &cache->seen[hash % SEEN];
	bool again;

	pthread_mutex_lock(&cache->lock);
	place = find_place(cache, hash, bytes.length);
	if (place != NULL && atomic_load(&(*place)->team.form_count) > LF_TEAM_FORMS_MAX) {
		stale = take_out(cache, place);
	} else if (place != NULL) {
		entry = *place;
		entry->used = true;
		atomic_fetch_add(&entry->holders, 1);
	}
	again = stale != NULL || *seen == mark;
	*seen = mark;
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
	pthread_mutex_init(&cache->lock, NULL);
	return cache;
}

void lf_team_cache_clear(struct lf_team_cache *cache)
{
	if (cache == NULL)
		return;
	for (size_t i = 0; i < SETS * WAYS; i++) {
		struct entry *entry;

		pthread_mutex_lock(&cache->lock);
		entry = take_out(cache, &cache->entries[i / WAYS][i % WAYS]);
		pthread_mutex_unlock(&cache->lock);
		entry_release(entry);
	}
}

void lf_team_cache_destroy(struct lf_team_cache *cache)
{
	if (cache == NULL)
		return;
	lf_team_cache_clear(cache);
	/* A call that the server gave up, since its peer takes no reply, may hold teams still: they count on the cache. */
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
	*figures = (struct lf_team_cache_figures){cache->hits, cache->misses, cache->count, atomic_load(&cache->bytes)};
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
