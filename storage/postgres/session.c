/* What a new connection is set to, and what its server says of itself. Each setting has its because. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/postgres/connection.h"

/*
 * Names are always qualified, so nothing that somebody puts into another schema is found first. A DBA's default of
 * repeatable read or serializable would read a stale head after the lock. jit costs more than any statement here.
 * Row security must make errors, not fewer rows. A role's client_min_messages of error would hide the WARNING that a
 * commit may not be on its standby. Whoever set synchronous_commit to less than on did not mean this log: readers, too,
 * commit a barrier. lf_pg_check_trust() looks at these two again.
 *
 * Every statement here has an index that it is to be run by, whatever the statistics of a new or a growing table say:
 * so plans are made once and never change to a scan of the whole.
 */
static const char EVERY_SESSION[] = "SET client_min_messages = warning;"
				    "SET search_path = pg_catalog;"
				    "SET default_transaction_isolation = 'read committed';"
				    "SET default_transaction_deferrable = off;"
				    "SET row_security = off;"
				    "SET bytea_output = hex;"
				    "SET client_connection_check_interval = '1s';"
				    "SET jit = off;"
				    "SET plan_cache_mode = force_generic_plan;"
				    "SET enable_seqscan = off;"
				    "SET enable_bitmapscan = off;"
				    "SET enable_hashjoin = off;"
				    "SET enable_mergejoin = off;"
				    "SET enable_sort = off;"
				    "SELECT set_config('synchronous_commit', 'on', false)"
				    " WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply');";

static const char WRITER[] = "SET default_transaction_read_only = off;";

static const char READER[] = "SET default_transaction_read_only = on;";

static const char FACTS[] =
	"SELECT current_setting('server_version_num'), pg_is_in_recovery(),"
	" CASE WHEN pg_is_in_recovery() THEN '' ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END,"
	" current_setting('server_encoding'), current_setting('fsync'), current_setting('full_page_writes'),"
	" current_setting('data_checksums'), current_setting('synchronous_standby_names')";

static bool says(const PGresult *result, int column, const char *value)
{
	return strcmp(PQgetvalue(result, 0, column), value) == 0;
}

static enum lf_code read_facts(struct lf_pg *pg, struct lf_error *error)
{
	PGresult *result;

	if (lf_pg_script(pg, FACTS, &result, "asking the server about itself", error) != LF_OK)
		return error->code;
	if (PQntuples(result) != 1 || PQnfields(result) != 8) {
		PQclear(result);
		return lf_error_set(error, LF_UNAVAILABLE, "the server does not say what it is");
	}
	pg->facts = (struct lf_pg_facts){
		.version = atoi(PQgetvalue(result, 0, 0)),
		.recovering = says(result, 1, "t"),
		.timeline = (uint32_t)strtoul(PQgetvalue(result, 0, 2), NULL, 16),
		.utf8 = says(result, 3, "UTF8"),
		.fsync = says(result, 4, "on"),
		.full_page_writes = says(result, 5, "on"),
		.checksums = says(result, 6, "on"),
		.synchronous_standby = !says(result, 7, ""),
	};
	PQclear(result);
	return LF_OK;
}

enum lf_code lf_pg_begin_session(struct lf_pg *pg, struct lf_error *error)
{
	char limits[256];
	const bool reads = pg->use == LF_PG_READ || pg->use == LF_PG_READ_ONLY;

	/* A version that lacks one of the settings is told as what it is. */
	if (PQserverVersion(pg->conn) < 140000)
		return lf_error_set(error, LF_FAILED_PRECONDITION, "the server is PostgreSQL %d: 14 or later is needed",
			PQserverVersion(pg->conn) / 10000);
	/* The server's time-outs are shorter than ours: connection.h. */
	if (pg->use == LF_PG_OWN)
		snprintf(limits, sizeof(limits), "SET lock_timeout = %d;", (int)LF_PG_LOCK_MS);
	else
		snprintf(limits, sizeof(limits),
			"SET statement_timeout = %d; SET lock_timeout = %d;"
			"SET idle_in_transaction_session_timeout = %d;",
			(int)LF_PG_STATEMENT_MS, (int)LF_PG_LOCK_MS, (int)LF_PG_IDLE_MS);
	if (lf_pg_script(pg, EVERY_SESSION, NULL, "setting a session up", error) != LF_OK ||
		lf_pg_script(pg, limits, NULL, "setting a session up", error) != LF_OK ||
		lf_pg_script(pg, reads ? READER : WRITER, NULL, "setting a session up", error) != LF_OK ||
		read_facts(pg, error) != LF_OK)
		return error->code;
	if (pg->facts.recovering && pg->use != LF_PG_READ_ONLY)
		return lf_error_set(error, LF_UNAVAILABLE, "the server is a standby, or recovers");
	if (!pg->facts.utf8)
		return lf_error_set(error, LF_FAILED_PRECONDITION,
			"the database's encoding is not UTF8: create it WITH ENCODING 'UTF8' TEMPLATE template0");
	return LF_OK;
}
