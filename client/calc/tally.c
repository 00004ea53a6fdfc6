#include <stdlib.h>
#include <string.h>

#include "client/calc/tally.h"

bool lf_tally_add(struct lf_tally *tally, const char *name)
{
	bool added = false;
	uint32_t *index = lf_keys_add(&tally->keys, name, "", &added);

	if (index == NULL)
		return false;
	if (!added) {
		tally->entries[*index].count++;
		return true;
	}
	*index = (uint32_t)tally->count;
	if (tally->count == tally->capacity) {
		const size_t capacity = tally->capacity == 0 ? 16 : 2 * tally->capacity;
		struct lf_tally_entry *entries = realloc(tally->entries, capacity * sizeof(*entries));

		if (entries == NULL)
			return false;
		tally->entries = entries;
		tally->capacity = capacity;
	}
	tally->entries[tally->count] = (struct lf_tally_entry){.name = strdup(name), .count = 1};
	return tally->entries[tally->count++].name != NULL;
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
		qsort(tally->entries, tally->count, sizeof(*tally->entries), compare_entries);
}

void lf_tally_clean_up(struct lf_tally *tally)
{
	for (size_t i = 0; i < tally->count; i++)
		free(tally->entries[i].name);
	free(tally->entries);
	lf_keys_clean_up(&tally->keys);
	*tally = (struct lf_tally){0};
}
