#include "client/calc/keys.h"

#include <stdlib.h>
#include <string.h>

#include "storage/tlog/hash.h"

struct lf_keys_entry {
	uint64_t key[2];
	uint32_t number;
	bool used;
};

static bool hash_pair(const char *first, const char *second, uint64_t key[2])
{
	const size_t lengths[] = {strlen(first) + 1, strlen(second)}; /* with the NUL between them, which no name has */
	char small[512];
	char *text = lengths[0] + lengths[1] <= sizeof(small) ? small : malloc(lengths[0] + lengths[1]);
	struct lf_digest digest;

	if (text == NULL)
		return false;
	memcpy(text, first, lengths[0]);
	memcpy(text + lengths[0], second, lengths[1]);
	lf_sha256(text, lengths[0] + lengths[1], &digest);
	memcpy(key, digest.bytes, 2 * sizeof(*key));
	if (text != small)
		free(text);
	return true;
}

/* Where the key is, or belongs. */
static struct lf_keys_entry *place_of(struct lf_keys_entry *entries, size_t capacity, const uint64_t key[2])
{
	size_t at = key[0] & (capacity - 1);

	while (entries[at].used && (entries[at].key[0] != key[0] || entries[at].key[1] != key[1]))
		at = (at + 1) & (capacity - 1);
	return &entries[at];
}

/* Makes room for one more: at most three quarters are used. */
static bool grow(struct lf_keys *keys)
{
	enum { FIRST_CAPACITY = 64 };
	size_t capacity;
	struct lf_keys_entry *entries;

	if (keys->count + 1 <= keys->capacity / 4 * 3)
		return true;
	capacity = keys->capacity == 0 ? FIRST_CAPACITY : keys->capacity * 2;
	entries = calloc(capacity, sizeof(*entries));
	if (entries == NULL)
		return false;
	for (size_t i = 0; i < keys->capacity; i++)
		if (keys->entries[i].used)
			*place_of(entries, capacity, keys->entries[i].key) = keys->entries[i];
	free(keys->entries);
	keys->entries = entries;
	keys->capacity = capacity;
	return true;
}

uint32_t *lf_keys_add(struct lf_keys *keys, const char *first, const char *second, bool *added)
{
	uint64_t key[2];
	struct lf_keys_entry *entry;

	if (!hash_pair(first, second, key) || !grow(keys))
		return NULL;
	entry = place_of(keys->entries, keys->capacity, key);
	if (added != NULL)
		*added = !entry->used;
	if (!entry->used) {
		*entry = (struct lf_keys_entry){.key = {key[0], key[1]}, .used = true};
		keys->count++;
	}
	return &entry->number;
}

uint32_t *lf_keys_find(const struct lf_keys *keys, const char *first, const char *second)
{
	uint64_t key[2];
	struct lf_keys_entry *entry;

	if (keys->capacity == 0 || !hash_pair(first, second, key))
		return NULL;
	entry = place_of(keys->entries, keys->capacity, key);
	return entry->used ? &entry->number : NULL;
}

void lf_keys_clean_up(struct lf_keys *keys)
{
	free(keys->entries);
	*keys = (struct lf_keys){0};
}
