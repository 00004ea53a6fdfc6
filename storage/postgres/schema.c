/*
 * The schema: made by an owner with lf_postgres_init(), looked at by every connection. storage/DESIGN.md says why the
 * tables are as they are. In short:
 *
 * - head has a row for each commit and is never updated: one old snapshot would keep every version of an updated row.
 *   Its key is the size of the tree that the writer started from, so two writers from one size can't both commit.
 * - Ids are given under the lock, continued by the head, so they are dense and rise in the order of the commits. A
 *   sequence of PostgreSQL's would leave gaps, and let a number become visible before a lower one.
 * - Text that is compared or ordered is COLLATE "C": ids are bytes, and a library's new collation must not reorder an
 *   index.
 * - Nothing of the append path updates a row, so SELECT and INSERT are enough for a service.
 */
#include <stdio.h>
#include <string.h>

#include "storage/log/backend.h"
#include "storage/postgres/postgres.h"
#include "storage/postgres/schema.h"

static const char TABLES[] =
	"CREATE SCHEMA leadfit;"
	/* Which log this is, and its schema. The signature is of what was made: CHECK below compares. */
	"CREATE TABLE leadfit.about(one boolean PRIMARY KEY CHECK (one), schema integer NOT NULL, log uuid NOT NULL,"
	" signature text COLLATE \"C\" NOT NULL);"
	/* One row a commit. edge: roots of the whole subtrees, the largest first. names, payloads, acts: ids given. */
	"CREATE TABLE leadfit.head(previous bigint PRIMARY KEY, size bigint NOT NULL, root bytea NOT NULL, edge bytea "
	"NOT "
	"NULL,"
	" sequence bigint NOT NULL, id uuid NOT NULL, time_us bigint NOT NULL, redacted_to bigint NOT NULL,"
	" activated_to bigint NOT NULL, names bigint NOT NULL, payloads bigint NOT NULL, acts bigint NOT NULL,"
	" CHECK (size > previous));"
	/* Every name once; lists of candidates by the digest of their ids, and who is in them. */
	"CREATE TABLE leadfit.name(id bigint PRIMARY KEY, kind integer NOT NULL, value text COLLATE \"C\" NOT NULL,"
	" UNIQUE(value, kind));"
	"CREATE TABLE leadfit.list(id bigint PRIMARY KEY, digest bytea NOT NULL UNIQUE);"
	"CREATE TABLE leadfit.member(candidate bigint NOT NULL, list bigint NOT NULL, PRIMARY KEY(candidate, list));"
	"CREATE INDEX member_by_list ON leadfit.member(list);"
	/* Bytes once by content, with the salt of their commitment. */
	"CREATE TABLE leadfit.payload(id bigint PRIMARY KEY, kind integer NOT NULL, digest bytea NOT NULL, salt bytea "
	"NOT "
	"NULL,"
	" body bytea NOT NULL, UNIQUE(digest, kind));"
	"CREATE INDEX payload_by_kind ON leadfit.payload(kind, id);"
	/* The rubrics among the payloads. */
	"CREATE TABLE leadfit.rubric(payload bigint PRIMARY KEY, name bigint NOT NULL, title text COLLATE \"C\" NOT "
	"NULL,"
	" put_by bigint NOT NULL, put_at bigint NOT NULL, position bigint NOT NULL, salt bytea NOT NULL);"
	"CREATE INDEX rubric_by_name ON leadfit.rubric(name, payload);"
	/* Which version of a name became the active one; to_rubric NULL: none. The last row of a name holds. */
	"CREATE TABLE leadfit.activation(position bigint PRIMARY KEY, name bigint NOT NULL, activated_at bigint NOT "
	"NULL,"
	" caller bigint NOT NULL, from_rubric bigint, to_rubric bigint, salt bytea NOT NULL);"
	"CREATE INDEX activation_by_name ON leadfit.activation(name, position);"
	"CREATE INDEX activation_by_rubric ON leadfit.activation(to_rubric);"
	"CREATE TABLE leadfit.decision(sequence bigint PRIMARY KEY, id uuid NOT NULL UNIQUE, position bigint NOT NULL,"
	" decided_at bigint NOT NULL, outcome integer NOT NULL, purpose integer NOT NULL, caller bigint NOT NULL,"
	" rubric bigint NOT NULL, recommended bigint, team bigint NOT NULL, project bigint NOT NULL,"
	" candidates bigint NOT NULL, team_payload bigint NOT NULL, project_payload bigint NOT NULL, request_digest "
	"bytea,"
	" salt bytea NOT NULL, answer bytea NOT NULL);"
	"CREATE INDEX decision_by_team ON leadfit.decision(team, sequence);"
	"CREATE INDEX decision_by_project ON leadfit.decision(project, sequence);"
	"CREATE INDEX decision_by_candidates ON leadfit.decision(candidates, sequence);"
	"CREATE TABLE leadfit.request_key(caller bigint NOT NULL, key text COLLATE \"C\" NOT NULL, sequence bigint NOT "
	"NULL,"
	" PRIMARY KEY(caller, key));"
	"CREATE INDEX request_key_by_sequence ON leadfit.request_key(sequence);"
	/* record: the decision's sequence, the rubric's payload, the activation's position, the act's id. */
	"CREATE TABLE leadfit.leaf(position bigint PRIMARY KEY, kind integer NOT NULL, record bigint NOT NULL,"
	" hash bytea NOT NULL);"
	"CREATE TABLE leadfit.node(level integer NOT NULL, place bigint NOT NULL, hash bytea NOT NULL,"
	" PRIMARY KEY(level, place));"
	/* pairs: of commitments, old and new, of an erasure or a pruning. */
	"CREATE TABLE leadfit.act(id bigint PRIMARY KEY, kind integer NOT NULL, at bigint NOT NULL, caller bigint NOT "
	"NULL,"
	" decision bigint, position bigint NOT NULL, salt bytea NOT NULL, body bytea NOT NULL, pairs bytea);"
	"CREATE INDEX act_by_decision ON leadfit.act(decision, id) WHERE decision IS NOT NULL;"
	"CREATE INDEX act_by_kind ON leadfit.act(kind, id);"
	/* What was replaced since (1 payload, 2 decision, 3 act), and the commitment that leaves have of it. */
	"CREATE TABLE leadfit.redaction(kind integer NOT NULL, target bigint NOT NULL, commitment bytea NOT NULL,"
	" PRIMARY KEY(kind, target));";

/*
 * What was made, as one text: columns, constraints, indexes; and what must not be there at all. An unlogged table is
 * empty after a crash.
 */
#define SIGNATURE                                                                                                      \
	"encode(sha256(convert_to((SELECT coalesce(string_agg(format('%s %s %s %s %s %s %s %s %s %s', c.relname, "     \
	"c.relkind, c.relpersistence, "                                                                                \
	"a.attname,"                                                                                                   \
	" format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attcollation::regcollation, a.attgenerated,"           \
	" a.attidentity, (SELECT pg_get_expr(e.adbin, e.adrelid) FROM pg_attrdef e WHERE e.adrelid = c.oid AND"        \
	" e.adnum = a.attnum)), ',' ORDER BY c.relname COLLATE \"C\", a.attnum), '')"                                  \
	" FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relnamespace = 'leadfit'::regnamespace "   \
	"AND"                                                                                                          \
	" a.attnum > 0 AND NOT a.attisdropped AND c.relkind <> 'i')"                                                   \
	" || (SELECT coalesce(string_agg(format('%s %s %s', pg_get_indexdef(i.indexrelid), i.indisvalid, "             \
	"i.indisready),"                                                                                               \
	" ',' ORDER BY c.relname COLLATE \"C\"), '') FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"          \
	" WHERE c.relnamespace = 'leadfit'::regnamespace)"                                                             \
	" || (SELECT coalesce(string_agg(pg_get_constraintdef(k.oid), ',' ORDER BY k.conname COLLATE \"C\"), '')"      \
	" FROM pg_constraint k WHERE k.connamespace = 'leadfit'::regnamespace AND k.contype <> 'n')"                   \
	" || (SELECT count(*)::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal "  \
	"AND"                                                                                                          \
	" c.relnamespace = 'leadfit'::regnamespace)"                                                                   \
	" || (SELECT count(*)::text FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class WHERE c.relnamespace ="    \
	" 'leadfit'::regnamespace)"                                                                                    \
	" || (SELECT count(*)::text FROM pg_class c WHERE c.relnamespace = 'leadfit'::regnamespace AND"                \
	" (c.relrowsecurity OR c.relhassubclass OR c.relispartition)), 'UTF8')), 'hex')"

static const char ABOUT[] = "INSERT INTO leadfit.about SELECT true, 1, gen_random_uuid(), " SIGNATURE;

/* What a service may do, and what whoever erases and prunes may do beside. */
static const char GRANT_SERVICE[] = "GRANT USAGE ON SCHEMA leadfit TO %s;"
				    "GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA leadfit TO %s;"
				    "REVOKE INSERT ON leadfit.about FROM %s;"
				    "REVOKE INSERT ON leadfit.redaction FROM %s;";
static const char GRANT_KEEPER[] =
	"GRANT USAGE ON SCHEMA leadfit TO %s;"
	"GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA leadfit TO %s;"
	"REVOKE INSERT ON leadfit.about FROM %s;"
	"GRANT UPDATE ON leadfit.payload, leadfit.decision, leadfit.act TO %s;"
	"GRANT DELETE ON leadfit.request_key, leadfit.member, leadfit.list, leadfit.name TO %s;";

/* ---- making it ---- */

static enum lf_code grant(struct lf_pg *pg, const char *format, const char *role, struct lf_error *error)
{
	char sql[2048];
	char *quoted;

	if (role == NULL || role[0] == '\0')
		return LF_OK;
	quoted = PQescapeIdentifier(pg->conn, role, strlen(role));
	if (quoted == NULL || strlen(quoted) > 200) {
		PQfreemem(quoted);
		return lf_error_set(error, LF_INVALID_ARGUMENT, "the role's name can't be used");
	}
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(sql, sizeof(sql), format, quoted, quoted, quoted, quoted, quoted);
#pragma GCC diagnostic pop
	PQfreemem(quoted);
	return lf_pg_script(pg, sql, NULL, "granting privileges", error);
}

/* Not in pipeline mode. */
static enum lf_code has_schema(struct lf_pg *pg, bool *has, struct lf_error *error)
{
	PGresult *result;

	if (lf_pg_script(pg, "SELECT 1 FROM pg_namespace WHERE nspname = 'leadfit'", &result, "looking for the schema",
		    error) != LF_OK)
		return error->code;
	*has = PQntuples(result) > 0;
	PQclear(result);
	return LF_OK;
}

static enum lf_code make(struct lf_pg *pg, const struct lf_postgres_roles *roles, struct lf_error *error)
{
	bool has = true;

	if (lf_pg_script(pg, "BEGIN", NULL, "making the schema", error) != LF_OK ||
		has_schema(pg, &has, error) != LF_OK)
		return error->code;
	if (has)
		return lf_error_set(error, LF_ALREADY_EXISTS, "the database has a schema named leadfit already");
	if (roles == NULL)
		return LF_OK; /* closing it ends the transaction */
	if (lf_pg_script(pg, TABLES, NULL, "making the schema", error) != LF_OK ||
		lf_pg_script(pg, ABOUT, NULL, "making the schema", error) != LF_OK ||
		grant(pg, GRANT_SERVICE, roles->service, error) != LF_OK ||
		grant(pg, GRANT_KEEPER, roles->keeper, error) != LF_OK)
		return error->code;
	pg->warned = false;
	if (lf_pg_script(pg, "COMMIT", NULL, "making the schema", error) == LF_OK && pg->warned)
		lf_error_set(error, LF_UNAVAILABLE,
			"the schema was made, but the server warns that it may not be on its standby, and so be gone "
			"after a failover");
	return error->code;
}

enum lf_code lf_postgres_init(const char *url, const struct lf_postgres_roles *roles, struct lf_error *error)
{
	struct lf_pg_place place;
	struct lf_pg pg;

	if (lf_pg_place_parse(&place, url, error) != LF_OK)
		return error->code;
	lf_pg_init(&pg, &place, LF_PG_OWN);
	pg.answer_ms = 60000;
	if (lf_pg_connect(&pg, error) == LF_OK) {
		if (PQexitPipelineMode(pg.conn) != 1)
			lf_error_set(error, LF_UNAVAILABLE, "making the schema: libpq can't leave pipeline mode");
		else
			make(&pg, roles, error);
	}
	lf_pg_close(&pg);
	lf_pg_place_clean_up(&place);
	return error->code;
}

/* ---- looking at it ---- */

static const struct lf_pg_statement has_about = {"has_about",
	"SELECT to_regnamespace('leadfit') IS NOT NULL, (SELECT count(*) FROM pg_attribute a"
	" WHERE a.attrelid = to_regclass('leadfit.about') AND NOT a.attisdropped AND (a.attname, a.atttypid) IN"
	" (('schema', 'integer'::regtype), ('log', 'uuid'::regtype), ('signature', 'text'::regtype))) = 3"};
const struct lf_pg_statement lf_pg_as_made = {"as_made", "SELECT signature = " SIGNATURE " FROM leadfit.about"};
static const struct lf_pg_statement read_about = {"read_about", "SELECT schema, log FROM leadfit.about"};
/* All tables but two take records; they are counted, as one that is gone is no table that may not be written. */
#define MAY_APPEND                                                                                                     \
	"(SELECT count(*) = 12 AND bool_and(has_table_privilege(c.oid, 'SELECT') AND"                                  \
	" has_table_privilege(c.oid, 'INSERT')) FROM pg_class c WHERE c.relnamespace = to_regnamespace('leadfit')"     \
	" AND c.relkind = 'r' AND c.relname NOT IN ('about', 'redaction'))"
static const struct lf_pg_statement check_about = {"check_about",
	"SELECT schema, log, signature = " SIGNATURE ","
	" has_table_privilege('leadfit.payload', 'UPDATE') AND has_table_privilege('leadfit.decision', 'UPDATE')"
	" AND has_table_privilege('leadfit.act', 'UPDATE') AND has_table_privilege('leadfit.request_key', 'DELETE')"
	" AND has_table_privilege('leadfit.member', 'DELETE') AND has_table_privilege('leadfit.list', 'DELETE')"
	" AND has_table_privilege('leadfit.name', 'DELETE') AND has_table_privilege('leadfit.redaction', "
	"'INSERT'), " MAY_APPEND " FROM leadfit.about"};
const struct lf_pg_statement lf_pg_may_append = {"may_append", "SELECT " MAY_APPEND};

/* Whether there is a schema, and what a statement says of it: NOT_FOUND where there is none. */
static enum lf_code ask(
	struct lf_pg *pg, const struct lf_pg_statement *statement, PGresult **result, struct lf_error *error)
{
	static const char doing[] = "looking at the schema";
	bool there, ours;

	if (lf_pg_run(pg, &has_about, NULL, result, doing, error) != LF_OK)
		return error->code;
	there = PQntuples(*result) == 1 && lf_pg_bool(*result, 0, 0);
	ours = there && lf_pg_bool(*result, 0, 1);
	PQclear(*result);
	*result = NULL;
	if (!there)
		return lf_error_set(error, LF_NOT_FOUND,
			"the database has no schema leadfit that this role sees: make it with leadfitd init --db URL, "
			"as "
			"its owner");
	if (!ours)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "the database's schema leadfit is no log");
	return lf_pg_run(pg, statement, NULL, result, doing, error);
}

static enum lf_code read_version(const PGresult *result, struct lf_pg_about *about, struct lf_error *error)
{
	const bool there = PQntuples(result) == 1 && lf_pg_fixed(result, 0, 1, about->log, sizeof(about->log));
	const int64_t schema = there ? lf_pg_int(result, 0, 0) : 0;

	if (!there)
		return lf_error_set(
			error, LF_INVALID_ARGUMENT, "the database's schema leadfit does not say which log it is");
	if (schema != LF_PG_SCHEMA)
		return lf_error_set(error, LF_FAILED_PRECONDITION, "the log has schema %lld, and this release knows %d",
			(long long)schema, (int)LF_PG_SCHEMA);
	return LF_OK;
}

enum lf_code lf_pg_recognize(struct lf_pg *pg, struct lf_pg_about *about, struct lf_error *error)
{
	PGresult *result;

	if (ask(pg, &read_about, &result, error) != LF_OK)
		return error->code;
	read_version(result, about, error);
	PQclear(result);
	return error->code;
}

enum lf_code lf_pg_check_schema(struct lf_pg *pg, struct lf_pg_about *about, struct lf_error *error)
{
	PGresult *result;

	if (ask(pg, &check_about, &result, error) != LF_OK)
		return error->code;
	if (read_version(result, about, error) == LF_OK && !lf_pg_bool(result, 0, 2))
		lf_error_set(error, LF_FAILED_PRECONDITION,
			"the schema leadfit is not as it was made: a table, column, index, trigger, rule or policy was "
			"put "
			"in, changed or taken out");
	if (error->code == LF_OK) {
		about->may_redact = lf_pg_bool(result, 0, 3);
		about->may_append = lf_pg_bool(result, 0, 4);
	}
	PQclear(result);
	return error->code;
}
