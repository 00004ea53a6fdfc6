#include "service/rubric/name_index.h"

#include <string.h>

/*
 * FNV-1a with a final mix, over a NUL-terminated name. Tables hold what one request or rubric names, so no secret is
 * needed: the worst an adversary can do is a linear search over the 1,000 members of the one request.
 */
static uint64_t hash_name(const char *id)
{
	uint64_t hash = 14695981039346656037u;

	for (; *id != '\0'; id++)
		hash = (hash ^ (unsigned char)*id) * 1099511628211u;
	return hash ^ (hash >> 29);
}

bool lf_name_index_build(
	struct lf_name_index *names, const char *const *ids, size_t count, struct lf_arena *arena, uint32_t *duplicate)
{
	size_t size = 4;

	while (size < count * 2)
		size *= 2;
	names->ids = ids;
	names->count = count;
	names->mask = size - 1;
	names->slots = lf_arena_zalloc(arena, size, sizeof(*names->slots));
	if (names->slots == NULL)
		return false;
	if (duplicate != NULL)
		*duplicate = LF_NO_NAME;
	for (uint32_t i = 0; i < count; i++) {
		size_t at = hash_name(ids[i]) & names->mask;

		while (names->slots[at] != 0 && strcmp(ids[names->slots[at] - 1], ids[i]) != 0)
			at = (at + 1) & names->mask;
		if (names->slots[at] == 0)
			names->slots[at] = i + 1;
		else if (duplicate != NULL && *duplicate == LF_NO_NAME)
			*duplicate = i;
	}
	return true;
}

uint32_t lf_name_index_find(const struct lf_name_index *names, const char *id)
{
	size_t at = hash_name(id) & names->mask;

	for (; names->slots[at] != 0; at = (at + 1) & names->mask)
		if (strcmp(names->ids[names->slots[at] - 1], id) == 0)
			return names->slots[at] - 1;
	return LF_NO_NAME;
}
