/* The categories of one dimension, of what people wrote. */
#ifndef LF_CLIENT_FILES_CATEGORIES_H
#define LF_CLIENT_FILES_CATEGORIES_H

#include <stdbool.h>

#include "client/calc/groups.h"
#include "proto/base/arena.h"
#include "proto/base/buffer.h"

/* A category as it is written, and what it is compared by (fold.h). Both "" where it is not known. */
struct lf_spelling {
	const char *written, *folded;
};

/*
 * Sets the categories of dimension, each as it was first written, by bytes; and the category of each value, in
 * categories. *distinct: how many there are, of which LF_CATEGORIES_MAX are kept. Notes which spellings were taken for
 * one, and which categories may be words for "not known". false where memory ran out.
 */
bool lf_categories_find(struct lf_dimension *dimension, const struct lf_spelling *values, size_t count,
	uint8_t *categories, size_t *distinct, struct lf_arena *arena, struct lf_buffer *notes);

#endif
