#include "proto/base/cache_table.h"

#include "proto/base/check.h"

void lf_cache_table_init(struct lf_cache_table *table, struct lf_cache_entry **places, size_t set_count, uint32_t *seen,
	size_t seen_count)
{
	*table = (struct lf_cache_table){
		.places = places, .set_count = set_count, .seen = seen, .seen_count = seen_count};
}

static struct lf_cache_entry **set_of(const struct lf_cache_table *table, uint64_t hash)
{
	return &table->places[hash % table->set_count * LF_CACHE_WAYS];
}

static struct lf_cache_entry *empty(struct lf_cache_table *table, struct lf_cache_entry **place)
{
	struct lf_cache_entry *entry = *place;

	if (entry != NULL) {
		LF_CHECK(D10, table->count > 0);
		table->count--;
	}
	*place = NULL;
	return entry;
}

struct lf_cache_entry *lf_cache_find(const struct lf_cache_table *table, uint64_t hash,
	bool (*is)(const struct lf_cache_entry *entry, const void *what), const void *what)
{
	struct lf_cache_entry **set = set_of(table, hash);

	for (int i = 0; i < LF_CACHE_WAYS; i++)
		if (set[i] != NULL && set[i]->hash == hash && is(set[i], what)) {
			set[i]->used = true;
			return set[i];
		}
	return NULL;
}

bool lf_cache_came_before(struct lf_cache_table *table, uint64_t hash)
{
	/* Two marks a place: with one, two that come in turn would forget each other for ever. */
	uint32_t *seen = &table->seen[(hash >> 16) % (table->seen_count / 2) * 2];
	const uint32_t mark = (uint32_t)(hash >> 32) | 1;

	if (seen[0] == mark || seen[1] == mark)
		return true;
	seen[1] = seen[0];
	seen[0] = mark;
	return false;
}

struct lf_cache_entry *lf_cache_put(struct lf_cache_table *table, struct lf_cache_entry *entry)
{
	struct lf_cache_entry **set = set_of(table, entry->hash), **place = NULL, *gone;

	for (int i = 0; i < LF_CACHE_WAYS && place == NULL; i++)
		if (set[i] == NULL)
			place = &set[i];
	for (int i = 0; i < LF_CACHE_WAYS && place == NULL; i++)
		if (!set[i]->used)
			place = &set[i];
	for (int i = 0; i < LF_CACHE_WAYS && place == NULL; i++)
		set[i]->used = false;
	if (place == NULL)
		place = &set[0];
	gone = empty(table, place);
	entry->used = true;
	*place = entry;
	table->count++;
	LF_CHECK(D10, table->count <= table->set_count * LF_CACHE_WAYS);
	return gone;
}

void lf_cache_take(struct lf_cache_table *table, struct lf_cache_entry *entry)
{
	struct lf_cache_entry **set = set_of(table, entry->hash);
	int i = 0;

	while (i < LF_CACHE_WAYS && set[i] != entry)
		i++;
	LF_CHECK(D10, i < LF_CACHE_WAYS);
	empty(table, &set[i]);
}

struct lf_cache_entry *lf_cache_step(struct lf_cache_table *table)
{
	struct lf_cache_entry **place = &table->places[table->hand];

	table->hand = (table->hand + 1) % (table->set_count * LF_CACHE_WAYS);
	if (*place == NULL)
		return NULL;
	if (!(*place)->used)
		return empty(table, place);
	(*place)->used = false;
	return NULL;
}

struct lf_cache_entry *lf_cache_take_any(struct lf_cache_table *table)
{
	for (size_t i = 0; table->count > 0 && i < table->set_count * LF_CACHE_WAYS; i++) {
		const size_t at = (table->hand + i) % (table->set_count * LF_CACHE_WAYS);

		if (table->places[at] == NULL)
			continue;
		table->hand = at;
		return empty(table, &table->places[at]);
	}
	return NULL;
}
