/* An immutable table from names to their indices: rubric terms, member ids. */
#ifndef LF_SERVICE_RUBRIC_NAME_INDEX_H
#define LF_SERVICE_RUBRIC_NAME_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/arena.h"

#define LF_NO_NAME UINT32_MAX

struct lf_name_index {
	const char *const *ids; /* borrowed */
	size_t count;
	uint32_t *slots; /* open addressing: index + 1, 0 = free */
	size_t mask;
};

/*
 * Builds the table in arena. *duplicate (may be NULL) is the index of the first name that stands before already, or
 * LF_NO_NAME; the table then finds the earlier one. false where the arena is exhausted.
 */
bool lf_name_index_build(
	struct lf_name_index *names, const char *const *ids, size_t count, struct lf_arena *arena, uint32_t *duplicate);
/* The index of id, or LF_NO_NAME. Any thread. */
uint32_t lf_name_index_find(const struct lf_name_index *names, const char *id);

#endif
