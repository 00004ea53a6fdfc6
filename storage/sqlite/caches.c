/*
 * What the writer remembers between statements. Both tables are bounded, and are emptied when a transaction is rolled
 * back, and a name is dropped when its row is, so that they never know a row that the database does not.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/check.h"
#include "storage/sqlite/caches.h"

/* ---- row ids by name or digest: four-way associative, the oldest of four is forgotten ---- */

enum { WAYS = 4, SETS = 4096 };

struct entry {
	int64_t id; /* 0 = free */
	struct lf_digest commitment;
	uint16_t length;
	uint8_t key[LF_ID_CACHE_KEY_MAX]; /* tag first */
};

struct lf_id_cache {
	uint8_t oldest[SETS];
	struct entry entries[SETS][WAYS]; /* 3.3 MiB, touched as it fills */
};

struct lf_id_cache *lf_id_cache_new(void)
{
	return calloc(1, sizeof(struct lf_id_cache));
}

void lf_id_cache_free(struct lf_id_cache *cache)
{
	free(cache);
}

void lf_id_cache_clear(struct lf_id_cache *cache)
{
	memset(cache->entries, 0,
		sizeof(cache->entries)); /* also for what was erased: it is not kept in memory either */
}

/* Not against an adversary: the worst that a collision costs is a statement. */
static size_t set_of(uint8_t tag, const uint8_t *key, size_t length)
{
	const uint64_t multiplier = 0x9e3779b97f4a7c15u;
	uint64_t hash = (tag + length * 256) * multiplier, word;

	for (; length >= sizeof(word); key += sizeof(word), length -= sizeof(word)) {
		memcpy(&word, key, sizeof(word));
		hash = (hash ^ hash >> 29 ^ word) * multiplier;
	}
	word = 0;
	memcpy(&word, key, length);
	hash = (hash ^ hash >> 29 ^ word) * multiplier;
	return (size_t)((hash ^ hash >> 32) % SETS);
}

static bool matches(const struct entry *entry, uint8_t tag, const void *key, size_t length)
{
	return entry->id != 0 && entry->length == length && entry->key[0] == tag &&
		memcmp(entry->key + 1, key, length) == 0;
}

int64_t lf_id_cache_find(
	const struct lf_id_cache *cache, uint8_t tag, const void *key, size_t length, struct lf_digest *commitment)
{
	const struct entry *set;

	if (length >= LF_ID_CACHE_KEY_MAX)
		return 0;
	set = cache->entries[set_of(tag, key, length)];
	for (size_t way = 0; way < WAYS; way++)
		if (matches(&set[way], tag, key, length)) {
			if (commitment != NULL)
				*commitment = set[way].commitment;
			return set[way].id;
		}
	return 0;
}

void lf_id_cache_put(struct lf_id_cache *cache, uint8_t tag, const void *key, size_t length, int64_t id,
	const struct lf_digest *commitment)
{
	size_t set;
	struct entry *entry;

	if (length >= LF_ID_CACHE_KEY_MAX)
		return;
	set = set_of(tag, key, length);
	entry = &cache->entries[set][cache->oldest[set]++ % WAYS];
	entry->id = id;
	if (commitment != NULL)
		entry->commitment = *commitment;
	entry->length = (uint16_t)length;
	entry->key[0] = tag;
	memcpy(entry->key + 1, key, length);
}

void lf_id_cache_drop(struct lf_id_cache *cache, uint8_t tag, const void *key, size_t length)
{
	struct entry *set;

	if (length >= LF_ID_CACHE_KEY_MAX)
		return;
	set = cache->entries[set_of(tag, key, length)];
	for (size_t way = 0; way < WAYS; way++)
		if (matches(&set[way], tag, key, length))
			memset(&set[way], 0, sizeof(set[way]));
}

/* ---- heads of chains: open addressing, no deletion ---- */

enum { SLOTS = 16384, SLOTS_USED_MAX = SLOTS / 2 };
static_assert(SLOTS_USED_MAX >= 3 * LF_BATCH_MAX, "a transaction touches three chains a decision");

bool lf_heads_init(struct lf_heads *heads)
{
	heads->slots = calloc(SLOTS, sizeof(*heads->slots));
	heads->used = heads->dirty_count = 0;
	return heads->slots != NULL;
}

void lf_heads_clean_up(struct lf_heads *heads)
{
	free(heads->slots);
	heads->slots = NULL;
}

void lf_heads_clear(struct lf_heads *heads)
{
	memset(heads->slots, 0, SLOTS * sizeof(*heads->slots));
	heads->used = heads->dirty_count = 0;
}

void lf_heads_prepare(struct lf_heads *heads)
{
	LF_CHECK(S2, heads->dirty_count == 0);
	if (heads->used + 3 * LF_BATCH_MAX > SLOTS_USED_MAX)
		lf_heads_clear(heads);
}

struct lf_head *lf_heads_slot(struct lf_heads *heads, int64_t entity)
{
	size_t at = (size_t)((uint64_t)entity * 0x9e3779b97f4a7c15u >> 50) % SLOTS;
	struct lf_head *head;

	while (heads->slots[at].entity != 0 && heads->slots[at].entity != entity)
		at = (at + 1) % SLOTS;
	head = &heads->slots[at];
	if (head->entity == 0) {
		LF_CHECK(S3, heads->used < SLOTS_USED_MAX);
		heads->used++;
		*head = (struct lf_head){.entity = entity};
	}
	return head;
}

void lf_heads_mark(struct lf_heads *heads, struct lf_head *head)
{
	if (head->dirty)
		return;
	LF_CHECK(S3, heads->dirty_count < sizeof(heads->dirty) / sizeof(heads->dirty[0]));
	head->dirty = true;
	heads->dirty[heads->dirty_count++] = (uint32_t)(head - heads->slots);
}
