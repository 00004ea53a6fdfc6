/* The vtable. */
#include "storage/postgres/postgres.h"
#include "storage/postgres/store.h"

static uint64_t sync_ns(const struct lf_store *store)
{
	return store->sync_ns;
}

const struct lf_backend lf_postgres_backend = {
	.name = "postgres",
	.shared = true,
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
	.list_payloads = lf_pg_list_payloads,
	.check = lf_pg_check,
};
