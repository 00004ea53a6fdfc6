/* The state of the writing connection's transaction: S1 and S3 of storage/DESIGN.md. */
#include "proto/base/check.h"
#include "storage/sqlite/store.h"

/* From the first to the second. NONE to NONE: a rollback where there is nothing to undo. */
static const bool MOVES[LF_TRANSACTION_STATES][LF_TRANSACTION_STATES] = {
	[LF_TRANSACTION_NONE] = {[LF_TRANSACTION_NONE] = true, [LF_TRANSACTION_OPEN] = true},
	[LF_TRANSACTION_OPEN] = {[LF_TRANSACTION_NONE] = true, [LF_TRANSACTION_BROKEN] = true},
	[LF_TRANSACTION_BROKEN] = {[LF_TRANSACTION_NONE] = true},
};

void lf_sqlite_turn(struct lf_store *store, enum lf_transaction to)
{
	LF_CHECK(S1, to < LF_TRANSACTION_STATES && MOVES[store->transaction][to]);
	store->transaction = to;
	store->records = 0;
}

void lf_sqlite_count_record(struct lf_store *store)
{
	LF_CHECK(S1, store->transaction == LF_TRANSACTION_OPEN);
	LF_CHECK(S3, store->records < LF_BATCH_MAX);
	store->records++;
}
