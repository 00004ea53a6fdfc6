#include <stdlib.h>
#include <string.h>

#include "proto/wire/codec.h"

/*
 * Design notes
 *
 * The promise: two messages that mean the same (whatever the order of their map entries, the sign of their zeros, and
 * how they were encoded) pack to the same bytes. Packing puts fields by number and omits defaults; what it leaves
 * open is the order of map entries, and the sign of a zero where zero is not omitted (repeated fields).
 *
 * The code for each type that has such is written by descgen.
 */

/* Keys of maps are strings (descgen refuses others), and strcmp orders by unsigned bytes. */
static inline const char *key_of(const void *entry, size_t offset)
{
	const char *key;

	memcpy(&key, (const char *)entry + offset, sizeof(key));
	return key == NULL ? "" : key;
}

static int compare_entries(const void *a, const void *b, void *offset)
{
	return strcmp(
		key_of(*(const void *const *)a, *(size_t *)offset), key_of(*(const void *const *)b, *(size_t *)offset));
}

/* Apart, since most maps come sorted. */
static __attribute__((noinline)) void sort(void **entries, size_t count, size_t offset)
{
	qsort_r(entries, count, sizeof(entries[0]), compare_entries, &offset);
	for (size_t i = 1; i < count; i++)
		LF_CHECK(P5, strcmp(key_of(entries[i - 1], offset), key_of(entries[i], offset)) <= 0);
}

void lf_sort_entries(void *map, size_t count, size_t offset)
{
	void **entries = map;

	for (size_t i = 1; i < count; i++)
		if (strcmp(key_of(entries[i - 1], offset), key_of(entries[i], offset)) > 0) {
			sort(entries, count, offset);
			return;
		}
}
