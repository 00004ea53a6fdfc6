/* What was erased does not stay in the memory of a service: of the one that erased, and of all others. */
#include <string.h>

#include "storage/postgres/store.h"

static void visit_all(struct lf_pg_array *arrays, size_t count, void (*visit)(struct lf_pg_array *array))
{
	for (size_t i = 0; i < count; i++)
		visit(&arrays[i]);
}

void lf_pg_visit_arrays(struct lf_store *store, void (*visit)(struct lf_pg_array *array))
{
	for (size_t i = 0; i < sizeof(store->lookups) / sizeof(store->lookups[0]); i++) {
		visit(&store->lookups[i].kinds);
		visit(&store->lookups[i].values);
		visit(&store->lookups[i].names);
	}
	visit_all(store->columns, LF_PG_COLUMNS, visit);
	visit_all(store->new_names, 3, visit);
	visit_all(store->new_lists, 2, visit);
	visit_all(store->new_members, 2, visit);
	visit_all(store->new_payloads, 5, visit);
	visit_all(store->new_keys, 3, visit);
	visit_all(store->new_leaves, 4, visit);
	visit(&store->old_lists);
}

void lf_pg_forget(struct lf_store *store)
{
	lf_pg_ids_clear(store->ids);
	lf_pg_visit_arrays(store, lf_pg_array_wipe);
	store->forgetting = true;
}
