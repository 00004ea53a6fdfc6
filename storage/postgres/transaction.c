/*
 * The writer's transactions.
 *
 *   begin    BEGIN; the lock; the newest head                                          one round trip
 *   prepare  whatever is not known of names, payloads, keys                            one, or none
 *   write    sent, not waited for
 *   commit   nodes; head; COMMIT                (and the next begin, where asked for)  one round trip
 *
 * The lock and the head are two statements: each of a READ COMMITTED transaction has a snapshot of its own, and one that
 * took the lock and read the head would read it as it was before it had waited.
 *
 * What became of a commit whose answer did not come is asked by the log, under the lock: a session that still commits
 * has it. The answer could be true of this server only, though, and gone after a failover: so begin() commits something
 * behind it first, which waits for the standby. So does a commit whose answer came with a WARNING: that is what a
 * cancelled wait for the standby looks like.
 */
#include <string.h>

#include "proto/base/check.h"
#include "proto/base/clock.h"
#include "storage/postgres/store.h"

static const struct lf_pg_statement begin = {"begin", "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"};
static const struct lf_pg_statement lock = {"lock", "SELECT pg_advisory_xact_lock($1::bigint)"};
static const struct lf_pg_statement rollback = {"rollback", "ROLLBACK"};
/* What was sent and read in the transaction is overwritten, too. */
static void end_forgetting(struct lf_store *store)
{
	if (!store->forgetting)
		return;
	lf_pg_visit_arrays(store, lf_pg_array_wipe);
	lf_pg_close(&store->own);
	lf_pg_close(&store->keeper.pg);
	store->forgetting = false;
}

void lf_pg_rollback(struct lf_store *store)
{
	struct lf_pg *pg = store->writer;
	struct lf_error ignored = LF_ERROR_INIT;

	if (store->transaction == LF_PG_NONE)
		return;
	lf_pg_drain(pg);
	if (pg->conn != NULL && lf_pg_run(pg, &rollback, NULL, NULL, "rolling back", &ignored) != LF_OK)
		lf_pg_close(pg);
	lf_error_clean_up(&ignored);
	store->sent = 0;
	lf_pg_ids_clear(store->ids);
	lf_pg_turn(store, LF_PG_NONE);
	end_forgetting(store);
	lf_pg_end_keeping(store);
}

/* A connection to a primary of before is given up: another connection of the store has seen a newer one. */
static void drop_old(struct lf_store *store)
{
	if (!lf_pg_is_old(store, store->writer))
		return;
	lf_pg_close(store->writer);
	lf_pg_rollback(store);
}

/* ---- beginning ---- */

static void send_begin(struct lf_store *store)
{
	struct lf_pg_parameters parameters = {.count = 0};

	lf_pg_put_int8(&parameters, store->lock_key);
	lf_pg_send(store->writer, &begin, NULL);
	lf_pg_send(store->writer, &lock, &parameters);
	lf_pg_send(store->writer, &lf_pg_select_head, NULL);
	lf_pg_sync(store->writer);
}

static enum lf_code receive_begin(struct lf_store *store, struct lf_tail *tail, struct lf_error *error)
{
	static const char doing[] = "waiting for this store's turn";
	struct lf_pg *pg = store->writer;
	int64_t counters[3];
	PGresult *head;

	if (lf_pg_receive(pg, NULL, doing, error) != LF_OK || lf_pg_receive(pg, NULL, doing, error) != LF_OK ||
		lf_pg_receive(pg, &head, "reading the head of the log", error) != LF_OK)
		return error->code;
	if (lf_pg_finish(pg, doing, error) == LF_OK &&
		lf_pg_check_trust(store, pg, head, LF_PG_HEAD_TRUST, error) == LF_OK)
		lf_pg_read_head(head, tail, counters, error);
	PQclear(head);
	if (error->code != LF_OK)
		return error->code;
	store->names = counters[0];
	store->payloads = counters[1];
	store->acts = counters[2];
	return LF_OK;
}

static enum lf_code begin_once(struct lf_store *store, struct lf_tail *tail, struct lf_error *error)
{
	if (lf_pg_connect(store->writer, error) != LF_OK)
		return error->code;
	if (store->unsettled && lf_pg_barrier(store, store->writer, true, error) != LF_OK)
		return error->code;
	store->settlements += store->unsettled;
	store->unsettled = false;
	send_begin(store);
	return receive_begin(store, tail, error);
}

/* On the connection that was chosen. On failure there is no transaction. */
static enum lf_code begin_here(struct lf_store *store, struct lf_tail *tail, struct lf_error *error)
{
	struct lf_pg *pg = store->writer;
	const uint64_t connects = pg->connects;

	pg->lost = false;
	if (store->transaction == LF_PG_AHEAD) {
		lf_pg_wait_anew(pg);
		receive_begin(store, tail, error);
	} else {
		begin_once(store, tail, error);
	}
	/* A connection that was lost while nobody needed it: nothing of this transaction was done on it. */
	if (error->code == LF_UNAVAILABLE && pg->lost && pg->connects == connects) {
		lf_error_clean_up(error);
		begin_once(store, tail, error);
	}
	if (error->code != LF_OK) {
		/* A session that was lost, of a server that had taken it: again. */
		if (error->code == LF_UNAVAILABLE && pg->lost)
			error->code = LF_ABORTED;
		if (store->place.host_count > 1) /* so that all of them are asked */
			lf_pg_close(pg);
		lf_pg_note_keeper(store, error);
		lf_pg_turn(store, LF_PG_BROKEN); /* so that rollback() asks for it */
		lf_pg_rollback(store);
	}
	return error->code;
}

enum lf_code lf_pg_begin(struct lf_store *store, struct lf_tail *tail, struct lf_error *error)
{
	const struct lf_pg *pg;

	LF_CHECK(G2, store->transaction == LF_PG_AHEAD || store->transaction == LF_PG_NONE);
	LF_CHECK(G3, store->sent == 0);
	drop_old(store);
	lf_pg_choose(store);
	pg = store->writer;
	if (begin_here(store, tail, error) != LF_OK && pg == &store->keeper.pg) {
		lf_error_clean_up(error); /* what else is in the batch needs no keeper */
		pg = store->writer;
		begin_here(store, tail, error);
	}
	if (error->code != LF_OK)
		return error->code;
	if (pg == &store->own)
		atomic_store(&store->host, pg->host);
	tail->reconnected = pg != store->begun_on || pg->connects != store->connects_seen;
	if (tail->redacted_to != store->redacted_to && store->begun_on != NULL)
		lf_pg_forget(store);
	else if (tail->reconnected)
		lf_pg_ids_clear(store->ids);
	lf_pg_ids_trim(store->ids);
	store->begun_on = pg;
	store->connects_seen = pg->connects;
	store->redacted_to = tail->redacted_to;
	lf_pg_turn(store, LF_PG_OPEN);
	return LF_OK;
}

/* ---- ending ---- */

enum lf_code lf_pg_commit(struct lf_store *store, const struct lf_tail *tail, const struct lf_leaves *leaves, bool more,
	struct lf_error *error)
{
	static const char doing[] = "committing";
	struct lf_pg *pg = store->writer;
	const bool wrote = leaves->size_before != leaves->tree.size;
	const uint64_t begun_ns = lf_clock_ns();

	LF_CHECK(G2, store->transaction == LF_PG_OPEN);
	if (wrote && !lf_pg_send_head(store, tail, leaves)) {
		lf_error_set(error, LF_UNAVAILABLE, "out of memory");
		return lf_pg_break(store, error);
	}
	/* What is answered rests on what was found then: on what another commit has made visible, and perhaps only here. */
	if (!wrote)
		lf_pg_send_counted(store, &lf_pg_emit, NULL);
	lf_pg_send_commit(store, pg);
	more = more && !store->forgetting && pg == &store->own;
	if (more)
		send_begin(store);
	pg->lost = false;
	if (lf_pg_take_sent(store, error) != LF_OK || lf_pg_receive_commit(store, pg, doing, error) != LF_OK) {
		/* An error of a statement has ended the transaction. Without an answer, or with a warning, who knows. */
		store->unsettled |= wrote && error->code == LF_UNAVAILABLE;
		lf_pg_note_keeper(store, error);
		lf_pg_turn(store, LF_PG_BROKEN);
		return error->code;
	}
	store->sync_ns = lf_clock_ns() - begun_ns;
	pg->left = 0;
	if (wrote)
		store->redacted_to = tail->redacted_to;
	lf_pg_turn(store, more ? LF_PG_AHEAD : LF_PG_NONE);
	store->keeper.wanted = store->keeper.failed = false;
	end_forgetting(store);
	lf_pg_end_keeping(store);
	return LF_OK;
}

/* ---- between transactions ---- */

/* What was asked for ahead is given back: nobody else gets a turn meanwhile. The connection is of the newest primary. */
static void let_go(struct lf_store *store)
{
	if (store->transaction == LF_PG_AHEAD)
		lf_pg_rollback(store);
	if (store->transaction == LF_PG_NONE)
		drop_old(store);
}

enum lf_code lf_pg_tail(struct lf_store *store, struct lf_tail *tail, struct lf_error *error)
{
	static const char doing[] = "reading the head of the log";
	PGresult *result;

	let_go(store);
	for (int again = 0;; again++) {
		if (lf_pg_connect(store->writer, error) != LF_OK)
			return error->code;
		if (lf_pg_run(store->writer, &lf_pg_select_head, NULL, &result, doing, error) == LF_OK)
			break;
		if (!store->writer->lost || again == 1)
			return error->code;
		lf_error_clean_up(error);
	}
	lf_pg_read_head(result, tail, NULL, error);
	PQclear(result);
	tail->now_us = 0; /* begin() tells the time, when it is needed */
	return error->code;
}

enum lf_code lf_pg_maintain(struct lf_store *store, struct lf_error *error)
{
	(void)store;
	(void)error;
	return LF_OK;
}

/* A barrier writes to no table: so whether the tables are there, and may be written to, is asked before. */
static enum lf_code probe_once(struct lf_store *store, struct lf_error *error)
{
	static const char doing[] = "looking whether records may be added";
	PGresult *result;
	bool may;

	if (lf_pg_connect(store->writer, error) != LF_OK ||
		lf_pg_run(store->writer, &lf_pg_may_append, NULL, &result, doing, error) != LF_OK)
		return error->code;
	may = PQntuples(result) == 1 && lf_pg_bool(result, 0, 0);
	PQclear(result);
	if (!may)
		return lf_error_set(
			error, LF_UNAVAILABLE, "%s: a table of the log is gone, or this role may not", doing);
	return lf_pg_barrier(store, store->writer, true, error);
}

enum lf_code lf_pg_probe(struct lf_store *store, struct lf_error *error)
{
	let_go(store);
	for (int again = 0;; again++) {
		if (probe_once(store, error) == LF_OK || !store->writer->lost || again == 1)
			return error->code;
		lf_error_clean_up(error);
	}
}

enum lf_code lf_pg_tail_hashes(struct lf_store *store, unsigned level, uint64_t first, size_t count,
	struct lf_digest *hashes, struct lf_error *error)
{
	static const char doing[] = "reading hashes of the tree";
	struct lf_pg_parameters parameters = {.count = 0};
	const bool inside = store->transaction == LF_PG_OPEN;
	PGresult *result;

	let_go(store);
	lf_pg_put_hashes(&parameters, level, first, count);
	for (int again = 0;; again++) {
		if (!inside && lf_pg_connect(store->writer, error) != LF_OK)
			return error->code;
		lf_pg_send(store->writer, lf_pg_hashes_statement(level), &parameters);
		lf_pg_sync(store->writer);
		if (lf_pg_take_sent(store, error) == LF_OK &&
			lf_pg_receive(store->writer, &result, doing, error) == LF_OK) {
			if (lf_pg_finish(store->writer, doing, error) == LF_OK)
				lf_pg_read_hashes(result, first, count, hashes, error);
			PQclear(result);
			return error->code;
		}
		if (inside) {
			lf_pg_turn(store, LF_PG_BROKEN);
			if (error->code == LF_ABORTED) /* of a statement that changes nothing */
				error->code = LF_UNAVAILABLE;
			return error->code;
		}
		if (!store->writer->lost || again == 1)
			return error->code;
		lf_error_clean_up(error);
	}
}

bool lf_pg_leave(struct lf_store *store)
{
	struct lf_pg *pg = store->writer;

	if (pg == &store->keeper.pg) { /* the log is asked for on the writer's own connection */
		struct lf_error cause = LF_ERROR_INIT;

		lf_error_set(&cause, LF_UNAVAILABLE, "its server lacks what was committed");
		lf_pg_note_keeper(store, &cause);
		lf_error_clean_up(&cause);
		lf_pg_close(pg);
		lf_pg_rollback(store);
		return true;
	}
	pg->left |= UINT32_C(1) << pg->host;
	if ((pg->fit & ~pg->left) == 0)
		return false;
	lf_pg_close(pg);
	lf_pg_rollback(store);
	return true;
}
