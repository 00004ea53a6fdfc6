/* Which categories people belong to: read from a file of the user's, and used on this machine only. */
#ifndef LF_CLIENT_FILES_GROUPS_H
#define LF_CLIENT_FILES_GROUPS_H

#include <stddef.h>
#include <stdint.h>

#include "client/files/input.h"
#include "client/files/keys.h"

enum { LF_DIMENSIONS_MAX = 4, LF_CATEGORIES_MAX = 64, LF_CATEGORY_UNKNOWN = 255 };

struct lf_dimension {
	const char *name;
	const char *categories[LF_CATEGORIES_MAX]; /* by bytes */
	size_t category_count;
};

struct lf_grouped {
	uint8_t categories[LF_DIMENSIONS_MAX]; /* by dimension; LF_CATEGORY_UNKNOWN */
};

struct lf_groups {
	struct lf_dimension dimensions[LF_DIMENSIONS_MAX]; /* CSV: in the order of its columns; else by name */
	size_t dimension_count;
	struct lf_grouped *people;
	size_t person_count;
	struct lf_keys index; /* owned: candidate id to place in people + 1 */
};

/*
 * Reads CSV (a line that names the columns: candidate, then one a dimension) or a Groups message in YAML or JSON. What
 * lives in arena stays there; index is cleaned up by lf_groups_clean_up(), in any case. INVALID_ARGUMENT lists
 * everything that is wrong, by line or path: no person, no dimension or more than LF_DIMENSIONS_MAX, more than
 * LF_CATEGORIES_MAX categories, a person twice, an id or category that is too long, categories that differ only in
 * upper and lower case (two spellings of one would be told apart).
 */
enum lf_code lf_groups_read(
	struct lf_groups *groups, struct lf_input *input, struct lf_arena *arena, struct lf_error *error);
void lf_groups_clean_up(struct lf_groups *groups);

#endif
