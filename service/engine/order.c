/* Canonical order: by id bytes, whatever order the caller listed things in. */
#include <string.h>
#include "service/engine/internal.h"

enum { INSERTION_MAX = 24 }; /* up to here insertion sort is the faster one */

static void insertion_sort(uint32_t *items, size_t count, lf_before_fn before, const void *context)
{
	for (size_t i = 1; i < count; i++) {
		uint32_t item = items[i];
		size_t at = i;

		for (; at > 0 && before(context, item, items[at - 1]); at--)
			items[at] = items[at - 1];
		items[at] = item;
	}
}

/* Lets items[root] sink to its place in the heap of the first count items: nobody comes after its parent. */
static void sink(uint32_t *items, size_t root, size_t count, lf_before_fn before, const void *context)
{
	uint32_t item = items[root];

	for (size_t child = 2 * root + 1; child < count; child = 2 * root + 1) {
		if (child + 1 < count && before(context, items[child], items[child + 1]))
			child++;
		if (!before(context, item, items[child]))
			break;
		items[root] = items[child];
		root = child;
	}
	items[root] = item;
}

/* Heapsort for many: qsort() may allocate. */
void lf_sort(uint32_t *items, size_t count, lf_before_fn before, const void *context)
{
	if (count <= INSERTION_MAX) {
		insertion_sort(items, count, before, context);
		return;
	}
	for (size_t root = count / 2; root-- > 0;)
		sink(items, root, count, before, context);
	for (size_t last = count; last-- > 1;) {
		uint32_t item = items[last];

		items[last] = items[0];
		items[0] = item;
		sink(items, 0, last, before, context);
	}
	for (size_t i = 1; i < count; i++)
		LF_CHECK(E8, !before(context, items[i], items[i - 1]));
}

static bool member_before(const void *context, uint32_t a, uint32_t b)
{
	const struct lf_case *the_case = context;

	return strcmp(the_case->members[a].id, the_case->members[b].id) < 0;
}

void lf_order_members(const struct lf_case *the_case, uint32_t *order)
{
	for (size_t m = 0; m < the_case->member_count; m++)
		order[m] = (uint32_t)m;
	lf_sort(order, the_case->member_count, member_before, the_case);
}

const char *lf_discipline_id(const struct lf_rubric *rubric, const struct lf_case *the_case, uint32_t discipline)
{
	size_t own = rubric->def.discipline_count;

	if (discipline < own)
		return rubric->def.disciplines[discipline].id;
	LF_CHECK(E4, discipline < the_case->discipline_count);
	return the_case->extra_discipline_ids[discipline - own];
}
