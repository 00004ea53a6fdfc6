#include "client/sheets/alike.h"

#include <stdlib.h>
#include <string.h>

#include "client/sheets/fold.h"

enum { NOTES_MAX = 10 };

static int compare(const void *a, const void *b)
{
	const struct lf_placed_id *left = a, *right = b;
	const int order = strcmp(left->looks, right->looks);

	if (order != 0)
		return order;
	return left->place < right->place ? -1 : left->place > right->place;
}

void lf_alike_note(struct lf_placed_id *ids, size_t count, struct lf_arena *arena,
	void (*print)(void *context, size_t place, char out[LF_PLACE_BYTES]), void *context, struct lf_buffer *notes)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++) {
		ids[i].looks = lf_fold_looks(arena, ids[i].id);
		if (ids[i].looks == NULL)
			return;
	}
	if (count > 0)
		qsort(ids, count, sizeof(*ids), compare);
	for (size_t i = 1; i < count; i++) {
		char here[LF_PLACE_BYTES], there[LF_PLACE_BYTES];

		if (strcmp(ids[i].looks, ids[i - 1].looks) != 0 || strcmp(ids[i].id, ids[i - 1].id) == 0)
			continue;
		if (found++ >= NOTES_MAX)
			continue;
		print(context, ids[i].place, here);
		print(context, ids[i - 1].place, there);
		lf_text_add(notes, "the id \"%.128s\" (%s) looks like \"%.128s\" (%s): are they one person?\n",
			ids[i].id, here, ids[i - 1].id, there);
	}
	if (found > NOTES_MAX)
		lf_text_add(notes, "and %zu more ids look like others\n", found - NOTES_MAX);
}
