/* The vtable; and prepare() and write(), by the kind of a group's items. */
#include "proto/base/check.h"
#include "storage/postgres/postgres.h"
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

static uint64_t sync_ns(const struct lf_store *store)
{
	return store->sync_ns;
}

const struct lf_backend lf_postgres_backend = {
	.name = "postgres",
	.shared = true,
	.may_keep = true,
	.open = lf_pg_open_store,
	.open_read_only = lf_pg_open_read_only,
	.close = lf_pg_close_store,
	.tail = lf_pg_tail,
	.begin = lf_pg_begin,
	.prepare = lf_pg_prepare,
	.write = lf_pg_write,
	.commit = lf_pg_commit,
	.rollback = lf_pg_rollback,
	.maintain = lf_pg_maintain,
	.probe = lf_pg_probe,
	.tail_hashes = lf_pg_tail_hashes,
	.leave = lf_pg_leave,
	.sync_ns = sync_ns,
	.open_reader = lf_pg_open_reader,
	.close_reader = lf_pg_close_reader,
	.look = lf_pg_look,
	.settle = lf_pg_settle,
	.find_key = lf_pg_find_key,
	.get = lf_pg_get,
	.list = lf_pg_list_decisions,
	.get_rubric = lf_pg_get_rubric,
	.list_rubrics = lf_pg_list_rubrics,
	.list_activations = lf_pg_list_activations,
	.was_active = lf_pg_was_active,
	.scan = lf_pg_scan,
	.list_acts = lf_pg_list_acts,
	.head = lf_pg_head,
	.hashes = lf_pg_hashes,
	.find_leaf = lf_pg_find_leaf,
	.audit = lf_pg_audit,
	.get_payload = lf_pg_get_payload,
	.list_keys = lf_pg_list_keys,
	.list_members = lf_pg_list_members,
	.list_payloads = lf_pg_list_payloads,
	.check = lf_pg_check,
};
