/* A hash table with open addressing whose entries stay where they are; keys and entries come from blocks. */
#include "storage/postgres/ids.h"

#include <stdlib.h>
#include <string.h>

#include "storage/log/backend.h"

enum { BLOCK_BYTES = 256 * 1024, ENTRIES_MAX = 65536, SLOTS_FIRST = 4096 };

struct block {
	struct block *next;
	size_t size, used;
	uint64_t memory[]; /* aligned */
};

struct lf_pg_ids {
	struct block *blocks;
	struct lf_pg_id **slots; /* a power of two, at most three quarters of them used */
	size_t slot_count, count;
	uint64_t seed, factor; /* of the hash; factor is odd */
};

struct lf_pg_ids *lf_pg_ids_new(void)
{
	struct lf_pg_ids *ids = calloc(1, sizeof(*ids));

	if (ids == NULL)
		return NULL;
	if (!lf_random(&ids->seed, sizeof(ids->seed)) || !lf_random(&ids->factor, sizeof(ids->factor))) {
		free(ids);
		return NULL;
	}
	ids->factor |= 1;
	ids->slot_count = SLOTS_FIRST;
	ids->slots = calloc(ids->slot_count, sizeof(struct lf_pg_id *));
	if (ids->slots == NULL) {
		free(ids);
		return NULL;
	}
	return ids;
}

void lf_pg_ids_clear(struct lf_pg_ids *ids)
{
	while (ids->blocks != NULL) {
		struct block *next = ids->blocks->next;

		memset(ids->blocks->memory, 0, ids->blocks->used); /* what was erased is not kept in memory either */
		__asm__ volatile("" : : "r"(ids->blocks) : "memory");
		free(ids->blocks);
		ids->blocks = next;
	}
	memset(ids->slots, 0, ids->slot_count * sizeof(struct lf_pg_id *));
	ids->count = 0;
}

void lf_pg_ids_free(struct lf_pg_ids *ids)
{
	if (ids == NULL)
		return;
	lf_pg_ids_clear(ids);
	free(ids->slots);
	free(ids);
}

void lf_pg_ids_trim(struct lf_pg_ids *ids)
{
	if (ids->count >= ENTRIES_MAX)
		lf_pg_ids_clear(ids);
}

static void *take(struct lf_pg_ids *ids, size_t size)
{
	struct block *block = ids->blocks;
	void *memory;

	size = (size + 7) & ~(size_t)7;
	if (block == NULL || block->size - block->used < size) {
		const size_t room = size > BLOCK_BYTES ? size : BLOCK_BYTES;

		block = malloc(sizeof(*block) + room);
		if (block == NULL)
			return NULL;
		*block = (struct block){.next = ids->blocks, .size = room};
		ids->blocks = block;
	}
	memory = (uint8_t *)block->memory + block->used;
	block->used += size;
	return memory;
}

/*
 * Callers choose names, and the table is looked at under the lock of all services: with a hash that they knew, they could
 * make each look-up a walk. So two numbers of it are drawn.
 */
static size_t hash_of(const struct lf_pg_ids *ids, uint8_t tag, const uint8_t *key, size_t length)
{
	uint64_t hash = ids->seed ^ tag;

	for (size_t i = 0; i < length; i++) {
		hash = (hash ^ key[i]) * ids->factor;
		hash ^= hash >> 32;
	}
	return (size_t)(hash ^ hash >> 29);
}

static size_t slot_of(const struct lf_pg_ids *ids, uint8_t tag, const void *key, size_t length)
{
	size_t slot = hash_of(ids, tag, key, length) & (ids->slot_count - 1);

	for (;; slot = (slot + 1) & (ids->slot_count - 1)) {
		const struct lf_pg_id *at = ids->slots[slot];

		if (at == NULL ||
			(at->length == length + 1 && at->key[0] == tag &&
				(length == 0 || memcmp(at->key + 1, key, length) == 0)))
			return slot;
	}
}

static bool grow(struct lf_pg_ids *ids)
{
	struct lf_pg_id **old = ids->slots;
	const size_t old_count = ids->slot_count;

	ids->slots = calloc(2 * old_count, sizeof(struct lf_pg_id *));
	if (ids->slots == NULL) {
		ids->slots = old;
		return false;
	}
	ids->slot_count = 2 * old_count;
	for (size_t i = 0; i < old_count; i++)
		if (old[i] != NULL)
			ids->slots[slot_of(ids, old[i]->key[0], old[i]->key + 1, old[i]->length - 1)] = old[i];
	free(old);
	return true;
}

struct lf_pg_id *lf_pg_ids_at(struct lf_pg_ids *ids, uint8_t tag, const void *key, size_t length)
{
	size_t slot = slot_of(ids, tag, key, length);
	struct lf_pg_id *id = ids->slots[slot];
	uint8_t *copy;

	if (id != NULL)
		return id;
	if (ids->count * 4 >= ids->slot_count * 3) {
		if (!grow(ids))
			return NULL;
		slot = slot_of(ids, tag, key, length);
	}
	id = take(ids, sizeof(*id) + length + 1);
	if (id == NULL)
		return NULL;
	memset(id, 0, sizeof(*id));
	copy = (uint8_t *)(id + 1);
	copy[0] = tag;
	if (length > 0)
		memcpy(copy + 1, key, length);
	id->key = copy;
	id->length = (uint32_t)length + 1;
	ids->slots[slot] = id;
	ids->count++;
	return id;
}
