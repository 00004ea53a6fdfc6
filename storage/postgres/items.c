/* prepare() and write(): by the kind of a group's items. */
#include "proto/base/check.h"
#include "storage/postgres/store.h"

/* Answers that wait must not fill their queue: they are received now and then. */
static enum lf_code make_room(struct lf_store *store, struct lf_error *error)
{
	if (store->sent < LF_PG_EXPECTED_MAX / 4)
		return LF_OK;
	lf_pg_sync(store->writer);
	if (lf_pg_take_sent(store, error) == LF_OK)
		lf_pg_finish(store->writer, "storing records", error);
	return error->code;
}

enum lf_code lf_pg_prepare(struct lf_store *store, struct lf_item *const *items, size_t count, struct lf_error *error)
{
	LF_CHECK(G2, store->transaction == LF_PG_OPEN);
	lf_pg_lookups_begin(store);
	if (make_room(store, error) == LF_OK) {
		if (items[0]->kind == LF_ITEM_DECISION)
			lf_pg_prepare_decisions(store, items, count, error);
		else if (items[0]->kind == LF_ITEM_REDACTION)
			lf_pg_prepare_redaction(store, items[0], error);
		else
			lf_pg_prepare_other(store, items, count, error);
	}
	return error->code == LF_OK ? LF_OK : lf_pg_break(store, error);
}

enum lf_code lf_pg_write(struct lf_store *store, struct lf_item *const *items, size_t count, struct lf_error *error)
{
	bool fine = false;

	LF_CHECK(G2, store->transaction == LF_PG_OPEN);
	lf_pg_rows_begin(store);
	switch (items[0]->kind) {
	case LF_ITEM_DECISION:
		fine = lf_pg_add_decisions(store, items, count);
		break;
	case LF_ITEM_RUBRIC:
		fine = lf_pg_add_rubric(store, items[0]);
		break;
	case LF_ITEM_ACTIVATION:
		fine = lf_pg_add_activation(store, items[0]);
		break;
	case LF_ITEM_ACT:
		fine = lf_pg_add_acts(store, items, count);
		break;
	case LF_ITEM_REDACTION:
		fine = lf_pg_write_redaction(store, items[0]);
		break;
	}
	if (fine)
		return LF_OK;
	lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	return lf_pg_break(store, error);
}
