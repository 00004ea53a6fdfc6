/*
 * Whether what a session commits stays. An answer to COMMIT is not enough: a wait for the standby that was cancelled
 * ends with a WARNING and success; one that ended because the server was told to wait for no standby any more ends with
 * success alone. So what the server is told to do is asked for behind each COMMIT, in the same round trip.
 */
#include <string.h>

#include "storage/postgres/store.h"

static const struct lf_pg_statement begin = {"begin_barrier", "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"};
static const struct lf_pg_statement lock = {"lock_barrier", "SELECT pg_advisory_xact_lock($1::bigint)"};
static const struct lf_pg_statement commit = {"commit", "COMMIT"};
static const struct lf_pg_statement trust = {"trust", "SELECT " LF_PG_TRUST};
const struct lf_pg_statement lf_pg_emit = {
	"barrier", "SELECT pg_logical_emit_message(true, 'leadfit', '') IS NOT NULL"};

enum lf_code lf_pg_check_trust(
	const struct lf_store *store, struct lf_pg *pg, const PGresult *result, int first, struct lf_error *error)
{
	if (!lf_pg_bool(result, 0, first))
		return lf_pg_lose(pg, "looking at the session",
			"its settings are gone: there must be no pooler in transaction mode in between", error);
	if (!lf_pg_bool(result, 0, first + 1) && !store->asynchronous)
		return lf_error_set(error, LF_FAILED_PRECONDITION,
			"the server's synchronous_standby_names is empty: a failover would lose what was acknowledged "
			"last; set it, or accept that");
	if (!lf_pg_bool(result, 0, first + 2))
		return lf_error_set(error, LF_FAILED_PRECONDITION,
			"the server runs with fsync or full_page_writes off: what it acknowledges is gone after a "
			"crash");
	return LF_OK;
}

void lf_pg_send_commit(const struct lf_store *store, struct lf_pg *pg)
{
	lf_pg_send(pg, &commit, NULL);
	if (!store->asynchronous)
		lf_pg_send(pg, &trust, NULL);
	lf_pg_sync(pg);
	pg->warned = false;
}

enum lf_code lf_pg_receive_commit(
	const struct lf_store *store, struct lf_pg *pg, const char *doing, struct lf_error *error)
{
	PGresult *result;
	bool committed;

	if (lf_pg_receive(pg, &result, doing, error) != LF_OK)
		return error->code;
	/* COMMIT of a transaction that has failed succeeds, and says ROLLBACK. */
	committed = strcmp(PQcmdStatus(result), "COMMIT") == 0;
	PQclear(result);
	if (!committed)
		return lf_error_set(error, LF_ABORTED, "%s: the server has rolled it back", doing);
	result = NULL;
	if (store->asynchronous || lf_pg_receive(pg, &result, doing, error) == LF_OK)
		lf_pg_finish(pg, doing, error);
	if (error->code == LF_OK && pg->warned)
		lf_error_set(error, LF_UNAVAILABLE,
			"%s: the server warns that it may not be on its standby, and so be gone after a failover",
			doing);
	if (error->code == LF_OK && result != NULL)
		lf_pg_check_trust(store, pg, result, 0, error);
	PQclear(result);
	/* It was committed, whatever was said behind that. */
	if (error->code != LF_OK)
		error->code = LF_UNAVAILABLE;
	return error->code;
}

enum lf_code lf_pg_barrier(const struct lf_store *store, struct lf_pg *pg, bool locked, struct lf_error *error)
{
	static const char doing[] = "committing a probe";
	struct lf_pg_parameters parameters = {.count = 0};

	lf_pg_put_int8(&parameters, store->lock_key);
	lf_pg_send(pg, &begin, NULL);
	if (locked)
		lf_pg_send(pg, &lock, &parameters);
	lf_pg_send(pg, &lf_pg_emit, NULL);
	lf_pg_send_commit(store, pg);
	for (int i = locked ? 3 : 2; i > 0 && error->code == LF_OK; i--)
		lf_pg_receive(pg, NULL, doing, error);
	if (error->code == LF_OK)
		lf_pg_receive_commit(store, pg, doing, error);
	if (error->code == LF_ABORTED)
		error->code = LF_UNAVAILABLE;
	if (error->code != LF_OK)
		lf_pg_close(pg);
	return error->code;
}
