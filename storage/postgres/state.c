/*
 * The state of the writer's transaction; what was sent of it and not answered yet; and what is forgotten with it: what was
 * erased does not stay in the memory of a service, of the one that erased and of all others.
 */
#include "proto/base/check.h"
#include "storage/postgres/store.h"

/* From row to column. */
static const bool turns[LF_PG_TRANSACTIONS][LF_PG_TRANSACTIONS] = {
	[LF_PG_NONE] = {[LF_PG_NONE] = true, [LF_PG_OPEN] = true, [LF_PG_BROKEN] = true},
	[LF_PG_AHEAD] = {[LF_PG_NONE] = true, [LF_PG_OPEN] = true, [LF_PG_BROKEN] = true},
	[LF_PG_OPEN] = {[LF_PG_NONE] = true, [LF_PG_AHEAD] = true, [LF_PG_BROKEN] = true},
	[LF_PG_BROKEN] = {[LF_PG_NONE] = true, [LF_PG_BROKEN] = true},
};

void lf_pg_turn(struct lf_store *store, enum lf_pg_transaction to)
{
	LF_CHECK(G2, turns[store->transaction][to]);
	store->transaction = to;
}

enum lf_code lf_pg_break(struct lf_store *store, struct lf_error *error)
{
	lf_pg_turn(store, LF_PG_BROKEN);
	lf_pg_note_keeper(store, error);
	/* Nothing of it was committed, and another connection may do. */
	if (store->writer->lost && error->code == LF_UNAVAILABLE)
		error->code = LF_ABORTED;
	return error->code;
}

void lf_pg_send_counted(
	struct lf_store *store, const struct lf_pg_statement *statement, const struct lf_pg_parameters *parameters)
{
	lf_pg_send(store->writer, statement, parameters);
	store->sent++;
}

enum lf_code lf_pg_take_sent(struct lf_store *store, struct lf_error *error)
{
	while (store->sent > 0) {
		store->sent--;
		if (lf_pg_receive(store->writer, NULL, "storing records", error) != LF_OK)
			return error->code;
	}
	return LF_OK;
}

/* ---- forgetting ---- */

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
	visit_all(store->new_originals, 3, visit);
	visit(&store->old_lists);
}

void lf_pg_forget(struct lf_store *store)
{
	lf_pg_ids_clear(store->ids);
	lf_pg_visit_arrays(store, lf_pg_array_wipe);
	store->forgetting = true;
}
