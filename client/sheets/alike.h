/* Ids that people can't tell apart. */
#ifndef LF_CLIENT_SHEETS_ALIKE_H
#define LF_CLIENT_SHEETS_ALIKE_H

#include <stddef.h>

#include "proto/base/arena.h"
#include "proto/base/buffer.h"

enum { LF_PLACE_BYTES = 48 };

struct lf_placed_id {
	const char *id;
	size_t place;
	const char *looks; /* set by lf_alike_note() */
};

/*
 * Adds a line to notes for each id that looks like an earlier one and is not the same (lf_fold_looks()), up to 10, and how
 * many more there are. print says where a place is. Sorts ids. Says nothing where memory runs out.
 */
void lf_alike_note(struct lf_placed_id *ids, size_t count, struct lf_arena *arena,
	void (*print)(void *context, size_t place, char out[LF_PLACE_BYTES]), void *context, struct lf_buffer *notes);

#endif
