/* Which categories people belong to: from a file of the user's (files/groups.h), and used on this machine only. */
#ifndef LF_CLIENT_CALC_GROUPS_H
#define LF_CLIENT_CALC_GROUPS_H

#include <stddef.h>
#include <stdint.h>

#include "client/calc/keys.h"

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

#endif
