/* Lists of texts in an arena, as protobuf-c's repeated strings want them. */
#ifndef LF_SERVICE_DECIDE_TEXT_LIST_H
#define LF_SERVICE_DECIDE_TEXT_LIST_H

#include <stdbool.h>

#include "proto/base/arena.h"
#include "proto/wire/borrow.h"

struct lf_text_list {
	struct lf_arena *arena;
	char **items; /* in the arena */
	size_t count, capacity;
	bool exhausted; /* the arena was: the list is cut */
};

/* Appends a copy. */
void lf_text_list_add(struct lf_text_list *texts, const char *text, size_t length);

#endif
