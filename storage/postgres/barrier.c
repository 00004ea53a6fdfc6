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

/* ---- greeting ---- */

/* What a server must be for an acknowledgement to mean what it says. */
static enum lf_code check_server(const struct lf_store *store, const struct lf_pg *pg, struct lf_error *error)
{
	const struct lf_pg_facts *facts = &pg->facts;

	if (!facts->fsync || !facts->full_page_writes)
		return lf_error_set(error, LF_FAILED_PRECONDITION,
			"the server runs with %s off: what it acknowledges is gone after a crash",
			facts->fsync ? "full_page_writes" : "fsync");
	if (!facts->synchronous_standby && !store->asynchronous)
		return lf_error_set(error, LF_FAILED_PRECONDITION,
			"the server's synchronous_standby_names is empty: a failover would lose what was acknowledged "
			"last; "
			"set it, or accept that");
	return LF_OK;
}

/* A primary that others have left still says that it is one. Timelines only rise. */
static enum lf_code check_timeline(struct lf_store *store, uint32_t timeline, struct lf_error *error)
{
	uint32_t seen = atomic_load(&store->timeline);

	while (timeline > seen && !atomic_compare_exchange_weak(&store->timeline, &seen, timeline))
		;
	return timeline >= seen || timeline == 0
		? LF_OK
		: lf_error_set(error, LF_UNAVAILABLE,
			  "the server is a primary of before: its timeline is %u, and %u was seen", timeline, seen);
}

bool lf_pg_is_old(struct lf_store *store, const struct lf_pg *pg)
{
	return pg->conn != NULL && pg->use != LF_PG_READ_ONLY && pg->facts.timeline != 0 &&
		pg->facts.timeline < atomic_load(&store->timeline);
}

enum lf_code lf_pg_greet(struct lf_pg *pg, void *context, struct lf_error *error)
{
	struct lf_store *store = context;
	struct lf_pg_about about = {.may_append = false};

	/* What is verified may be damaged in any way: its check says so. */
	if ((pg->use == LF_PG_WRITE ? lf_pg_check_schema : lf_pg_recognize)(pg, &about, error) != LF_OK) {
		if (error->code == LF_INVALID_ARGUMENT && pg->use != LF_PG_READ_ONLY)
			error->code = LF_FAILED_PRECONDITION;
		return error->code;
	}
	if (store->greeted && memcmp(about.log, store->about.log, sizeof(about.log)) != 0)
		return lf_error_set(error, LF_UNAVAILABLE, "the database has another log than the one that was opened");
	if (pg->use != LF_PG_READ_ONLY && check_timeline(store, pg->facts.timeline, error) != LF_OK)
		return error->code;
	if (pg->use == LF_PG_WRITE && !about.may_append)
		return lf_error_set(error, LF_FAILED_PRECONDITION,
			"this role may not add records: grant it SELECT and INSERT on the tables of schema leadfit");
	if (pg == &store->keeper.pg && !about.may_redact)
		return lf_error_set(error, LF_FAILED_PRECONDITION,
			"this role may not erase: it is to be the one that leadfitd init --keeper-role was given");
	if (pg->use == LF_PG_WRITE && check_server(store, pg, error) != LF_OK)
		return error->code;
	if (!store->greeted) { /* the opening thread's connection, before there is another */
		store->about = about;
		store->greeted = true;
	}
	if (pg == &store->own) /* it may change */
		store->about.may_redact = about.may_redact;
	return LF_OK;
}

void lf_pg_init_writer(struct lf_store *store, struct lf_pg *pg, const struct lf_pg_place *place)
{
	lf_pg_init(pg, place, store->read_only ? LF_PG_READ_ONLY : LF_PG_WRITE);
	pg->greet = lf_pg_greet;
	pg->greet_context = store;
}
