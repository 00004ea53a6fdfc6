/*
 * How a compiled rubric is laid out: everything in one block of memory. One routine lays it out and runs twice: first
 * with no block, to measure it, then to fill it. While measuring these return NULL, so nothing is written then.
 */
#ifndef LF_ENGINE_LAYOUT_H
#define LF_ENGINE_LAYOUT_H

#include <stddef.h>
#include "service/engine/engine.h"

struct lf_layout {
	unsigned char *base; /* NULL = measuring */
	size_t used;
};

/* The next count places of that size; NULL where there are none. */
void *lf_take(struct lf_layout *layout, size_t count, size_t size);
/* Aligned for lanes, wherever the block lies. */
void *lf_take_lanes(struct lf_layout *layout, size_t count, size_t size);
/* A copy; NULL of NULL. */
void *lf_keep(struct lf_layout *layout, const void *from, size_t count, size_t size);
const char *lf_keep_text(struct lf_layout *layout, const char *text);
/* Makes a definition's pointers those to copies. */
void lf_keep_def(struct lf_layout *layout, struct lf_rubric_def *def);

#endif
