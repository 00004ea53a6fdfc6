#include <stdlib.h>
#include <string.h>

#include "client/backtest.h"

static size_t hash_of(const char *name)
{
	uint64_t hash = 14695981039346656037u; /* FNV-1a */
	for (; *name != '\0'; name++)
		hash = (hash ^ (unsigned char)*name) * 1099511628211u;
	return (size_t)(hash ^ hash >> 32);
}

/* The slot that has the name, or the free one where it would be. */
static size_t *slot_of(const struct lf_tally *tally, const char *name)
{
	const size_t mask = 2 * tally->capacity - 1;
	size_t at = hash_of(name) & mask;
	while (tally->slots[at] != 0 && strcmp(tally->entries[tally->slots[at] - 1].name, name) != 0)
		at = (at + 1) & mask;
	return &tally->slots[at];
}

static bool grow(struct lf_tally *tally)
{
	const size_t capacity = tally->capacity == 0 ? 16 : 2 * tally->capacity;
	struct lf_tally_entry *entries = realloc(tally->entries, capacity * sizeof *entries);
	if (entries == NULL)
		return false;
	tally->entries = entries;
	size_t *slots = calloc(2 * capacity, sizeof *slots);
	if (slots == NULL)
		return false;
	free(tally->slots);
	tally->slots = slots;
	tally->capacity = capacity;
	for (size_t i = 0; i < tally->count; i++)
		*slot_of(tally, entries[i].name) = i + 1;
	return true;
}

bool lf_tally_add(struct lf_tally *tally, const char *name)
{
	if (tally->count == tally->capacity && !grow(tally))
		return false;
	size_t *slot = slot_of(tally, name);
	if (*slot == 0) {
		struct lf_tally_entry *entry = &tally->entries[tally->count];
		*entry = (struct lf_tally_entry){.name = strdup(name)};
		if (entry->name == NULL)
			return false;
		*slot = ++tally->count;
	}
	tally->entries[*slot - 1].count++;
	return true;
}

static int compare_entries(const void *a, const void *b)
{
	const struct lf_tally_entry *first = a, *second = b;
	if (first->count != second->count)
		return first->count > second->count ? -1 : 1;
	return strcmp(first->name, second->name);
}

void lf_tally_sort(struct lf_tally *tally)
{
	if (tally->count > 0)
		qsort(tally->entries, tally->count, sizeof *tally->entries, compare_entries);
}

void lf_tally_clean_up(struct lf_tally *tally)
{
	for (size_t i = 0; i < tally->count; i++)
		free(tally->entries[i].name);
	free(tally->entries);
	free(tally->slots);
	*tally = (struct lf_tally){0};
}
