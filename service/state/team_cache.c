#include "service/state/team_cache.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

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
 * up and for exchanging pointers, never while bytes are compared, decoded or freed. Forms for the engine are pushed
 * onto an entry's list and stay there; an entry with more than FORMS_MAX (rubrics change) is stale, and made anew when
 * it comes again.
 *
 * The hash is not against an adversary: what collides is compared, found to differ, and not cached.
 */
enum {
	WAYS = 4,
	SETS = 1024,
	SEEN = 8192,
	FORMS_MAX = 4,
	PART_MAX = 8,           /* an entry has at most this part of bytes_max */
	BYTES_A_BYTE = 8,       /* about what an entry takes for each byte sent */
	ENTRY_BYTES = 4 * 1024, /* and beyond that */
};

/* A team for the engine by one version of a rubric. */
struct lf_cached_form {
	struct lf_cached_form *next;
	struct lf_kept_team kept;
	struct lf_arena arena;
};

struct entry {
	struct lf_cached_team team; /* first: a pointer to it is a pointer to this */
	struct lf_team_cache *cache;
	uint64_t hash;
	struct lf_slice sent;
	atomic_size_t holders;
	_Atomic(struct lf_cached_form *) forms;
	atomic_int form_count;
	struct lf_arena arena;
	bool used; /* since the hand passed; under the lock */
};

struct lf_team_cache {
	struct lf_arena_budget budget; /* first: a pointer to it is a pointer to this */
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
	atomic_fetch_sub_explicit(&((struct lf_team_cache *)budget)->bytes, bytes, memory_order_relaxed);
}

static bool is_full(const struct lf_team_cache *cache, size_t bytes)
{
	return atomic_load_explicit(&cache->bytes, memory_order_relaxed) + bytes > cache->bytes_max;
}

static void form_free(struct lf_cached_form *form)
{
	lf_arena_clean_up(&form->arena);
	free(form);
}

static void entry_free(struct entry *entry)
{
	struct lf_cached_form *form = atomic_load(&entry->forms);

	while (form != NULL) {
		struct lf_cached_form *next = form->next;

		form_free(form);
		form = next;
	}
	lf_arena_clean_up(&entry->arena);
	free(entry);
}

static void entry_release(struct entry *entry)
{
	if (entry != NULL && atomic_fetch_sub(&entry->holders, 1) == 1)
		entry_free(entry);
}

/* ---- making one ---- */

/* Decodes. false: the bytes are not a team, or memory ran out. */
static bool fill(struct entry *entry, struct lf_slice bytes)
{
	struct lf_error ignored = LF_ERROR_INIT;
	Leadfit__V1__Team *message = (Leadfit__V1__Team *)lf_wire_unpack(
		&leadfit__v1__team__descriptor, (const uint8_t *)bytes.data, bytes.length, &entry->arena, &ignored);
	uint8_t *canonical, *sent;

	lf_error_clean_up(&ignored);
	if (message == NULL)
		return false;
	lf_wire_canonicalize(&message->base);
	canonical = lf_wire_pack(&message->base, &entry->arena, bytes.length, &entry->team.canonical.length);
	if (canonical == NULL)
		return false;
	entry->team.message = message;
	entry->team.canonical.data = canonical;
	lf_sha256(canonical, entry->team.canonical.length, &entry->team.digest);
	entry->sent = (struct lf_slice){(const char *)canonical, bytes.length};
	if (bytes.length == entry->team.canonical.length && memcmp(canonical, bytes.data, bytes.length) == 0)
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
	entry->cache = cache;
	entry->hash = hash;
	entry->used = true;
	atomic_init(&entry->holders, 1);
	lf_arena_init(&entry->arena, cache->bytes_max / PART_MAX);
	entry->arena.budget = &cache->budget;
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

	if (entry != NULL)
		cache->count--;
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
	if (place != NULL && atomic_load(&(*place)->form_count) > FORMS_MAX) {
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
	cache->budget = (struct lf_arena_budget){.take = budget_take, .give = budget_give};
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
	assert(atomic_load(&cache->bytes) == 0);
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

const struct lf_cached_team *lf_cached_team(
	const struct lf_rpc_call *call, const Leadfit__V1__Team *message, size_t *from)
{
	size_t count;
	void *const *held = lf_rpc_held(call, &count);

	for (size_t i = 0; i < count; i++) {
		const struct lf_cached_team *team = held[(*from + i) % count];

		if (team->message != message)
			continue;
		*from = (*from + i) % count;
		return team;
	}
	return NULL;
}

/* ---- forms for the engine ---- */

static const struct lf_cached_form *find_form(
	const struct entry *entry, const struct lf_digest *version, int32_t as_of_day)
{
	const struct lf_cached_form *form = atomic_load(&entry->forms);

	while (form != NULL && (!lf_digest_equal(&form->kept.version, version) || form->kept.as_of_day > as_of_day))
		form = form->next;
	return form;
}

void lf_conversion_begin(struct lf_conversion *conversion, const struct lf_cached_team *team,
	const struct lf_digest *version, struct lf_case_input *input)
{
	const struct entry *entry = (const struct entry *)team;
	const struct lf_cached_form *form;

	conversion->team = team;
	conversion->fresh = NULL;
	if (team == NULL || input->candidate_count > 0 || input->ignore_undeclared)
		return;
	form = find_form(entry, version, lf_day_of(input->as_of_seconds));
	if (form != NULL) {
		conversion->kept = form->kept;
		input->kept = &conversion->kept;
		return;
	}
	if (atomic_load(&entry->form_count) > FORMS_MAX || is_full(entry->cache, 0))
		return;
	conversion->fresh = calloc(1, sizeof(*conversion->fresh));
	if (conversion->fresh == NULL)
		return;
	lf_arena_init(&conversion->fresh->arena, entry->cache->bytes_max / PART_MAX);
	conversion->fresh->arena.budget = &entry->cache->budget;
	conversion->kept = (struct lf_kept_team){.arena = &conversion->fresh->arena};
	input->kept = &conversion->kept;
}

void lf_conversion_end(struct lf_conversion *conversion)
{
	struct entry *entry = (struct entry *)(uintptr_t)conversion->team;
	struct lf_cached_form *form = conversion->fresh;
	bool another;

	conversion->fresh = NULL;
	if (form == NULL)
		return;
	if (conversion->kept.engine.members == NULL) {
		form_free(form);
		return;
	}
	form->kept = conversion->kept;
	/* Made by several at once, it is there twice: the call uses this one, and it does not count. */
	another = find_form(entry, &form->kept.version, form->kept.as_of_day) != NULL;
	form->next = atomic_load(&entry->forms);
	while (!atomic_compare_exchange_weak(&entry->forms, &form->next, form))
		continue;
	atomic_fetch_add(&entry->form_count, !another);
}
