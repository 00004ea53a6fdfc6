/*
 * The schema, the writer's statements, and the probes of an existing file. storage/DESIGN.md says why the tables are as
 * they are.
 *
 * In short: a decision is one row, appended at the end of one table. What repeats (names, teams, projects, rubrics,
 * lists of candidates) is stored once and referred to by number. There is no index by team, project or candidate: the
 * decisions of each form a chain, newest first, through the *_previous columns, and chain has the newest. An index
 * would dirty one page a decision and a column, wherever its team's entries happen to be; chains dirty a few pages a
 * commit, at any size.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/sqlite/private.h"

static const char DDL_1[] =
	/* Every name once. A list of candidates is one too: value is then the digest of its ids. */
	"CREATE TABLE name(id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, value ANY NOT NULL, UNIQUE(kind, value)) "
	"STRICT;"
	/* Bytes once by content, with the salt of their commitment. */
	"CREATE TABLE payload(id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, digest BLOB NOT NULL, salt BLOB NOT NULL,"
	" body BLOB NOT NULL, UNIQUE(digest, kind)) STRICT;"
	/* The rubrics among the payloads. */
	"CREATE TABLE rubric(payload INTEGER PRIMARY KEY, name INTEGER NOT NULL, title TEXT NOT NULL, put_by INTEGER "
	"NOT NULL,"
	" put_at INTEGER NOT NULL) STRICT;"
	"CREATE INDEX rubric_by_name ON rubric(name);"
	/*
	 * Who made which rubric the active one of its name, and when; the last row of a name holds. to_rubric 0, since
	 * schema 3: none.
	 */
	"CREATE TABLE activation(id INTEGER PRIMARY KEY, name INTEGER NOT NULL, activated_at INTEGER NOT NULL,"
	" caller INTEGER NOT NULL, from_rubric INTEGER, to_rubric INTEGER NOT NULL) STRICT;"
	"CREATE INDEX activation_by_name ON activation(name);"
	/* The wide column is last: reading the others never follows a row to its overflow pages. */
	"CREATE TABLE decision(sequence INTEGER PRIMARY KEY, id BLOB NOT NULL, decided_at INTEGER NOT NULL,"
	" outcome INTEGER NOT NULL, purpose INTEGER NOT NULL, caller INTEGER NOT NULL, rubric INTEGER NOT NULL,"
	" recommended INTEGER, team INTEGER NOT NULL, project INTEGER NOT NULL, candidates INTEGER NOT NULL,"
	" team_previous INTEGER NOT NULL, project_previous INTEGER NOT NULL, candidates_previous INTEGER NOT NULL,"
	" team_payload INTEGER NOT NULL, project_payload INTEGER NOT NULL, request_digest BLOB, salt BLOB NOT NULL,"
	" answer BLOB NOT NULL) STRICT;"
	"CREATE UNIQUE INDEX decision_by_id ON decision(id);"
	/* Idempotency keys. */
	"CREATE TABLE request_key(caller INTEGER NOT NULL, key TEXT NOT NULL, sequence INTEGER NOT NULL, PRIMARY "
	"KEY(caller, key))"
	" STRICT, WITHOUT ROWID;"
	/* Which lists of candidates a person is in. */
	"CREATE TABLE member(candidate INTEGER NOT NULL, candidates INTEGER NOT NULL, PRIMARY KEY(candidate, "
	"candidates))"
	" STRICT, WITHOUT ROWID;"
	/* Newest decision of a team, project or list of candidates (a row of name), and how many there are. */
	"CREATE TABLE chain(entity INTEGER PRIMARY KEY, last INTEGER NOT NULL, count INTEGER NOT NULL) STRICT;"
	/* Every 64th decision of a chain, to enter it in the middle. */
	"CREATE TABLE skip(entity INTEGER NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY(entity, sequence)) STRICT, "
	"WITHOUT ROWID;"
	/* One row to write where only a proof of writing is wanted. */
	"CREATE TABLE probe(id INTEGER PRIMARY KEY, count INTEGER NOT NULL) STRICT;"
	"INSERT INTO probe VALUES(1, 0);";

/* What schema 2 adds: the tree. No table of schema 1 is changed, so that migration only adds. */
static const char DDL_2[] =
	/*
	 * One row a record, in the order of recording. record: the decision's sequence, the rubric's payload, the
	 * activation's or act's id. decisions: sequence of the newest decision at or before this leaf; it rises, so
	 * that a decision's leaf is found by binary search and no index. salt: of RUBRIC and ACTIVATION records;
	 * decisions and acts have theirs in their own rows.
	 */
	"CREATE TABLE leaf(position INTEGER PRIMARY KEY, kind INTEGER NOT NULL, record INTEGER NOT NULL,"
	" decisions INTEGER NOT NULL, hash BLOB NOT NULL, salt BLOB) STRICT;"
	/* Roots of whole subtrees of 256, 65,536, ... leaves: levels 8, 16, ... */
	"CREATE TABLE node(level INTEGER NOT NULL, place INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY(level, "
	"place))"
	" STRICT, WITHOUT ROWID;"
	/* The head: one row. */
	"CREATE TABLE tree(id INTEGER PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL) STRICT;"
	"INSERT INTO tree VALUES(1, 0, x'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');"
	/*
	 * What was appended about decisions (outcomes) or the log itself (erasures, prunings, the migration). pairs: of
	 * commitments, 64 bytes each, old and new.
	 */
	"CREATE TABLE act(id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, at INTEGER NOT NULL, caller INTEGER NOT NULL,"
	" decision INTEGER, position INTEGER NOT NULL, salt BLOB NOT NULL, body BLOB NOT NULL, pairs BLOB) STRICT;"
	"CREATE INDEX act_by_decision ON act(decision) WHERE decision IS NOT NULL;"
	/* Bytes that were replaced since, and the commitment that leaves have of them. */
	"CREATE TABLE redaction(kind INTEGER NOT NULL, target INTEGER NOT NULL, commitment BLOB NOT NULL,"
	" PRIMARY KEY(kind, target)) STRICT, WITHOUT ROWID;"
	/* For redaction: the key of a decision, and who is in a list. Both grow at their end. */
	"CREATE INDEX request_key_by_sequence ON request_key(sequence);"
	"CREATE INDEX member_by_list ON member(candidates);";

/* What schema 3 adds; and activation.to_rubric may be 0, and an act of kind 8 (DEFAULT) or 9 (JOB). Open until its release. */
static const char DDL_3[] =
	/* Acts that are no outcomes: few among many, and the newest default is looked for at every start. */
	"CREATE INDEX act_by_kind ON act(kind) WHERE kind <> 4;";

/* What each schema adds to the one before, by its number less 1. */
static const char *const DDL[LF_SQLITE_SCHEMA] = {DDL_1, DDL_2, DDL_3};

int lf_sqlite_add_schemas(sqlite3 *db, uint32_t from, uint32_t to)
{
	int result = SQLITE_OK;

	for (uint32_t schema = from; schema < to && result == SQLITE_OK; schema++)
		result = sqlite3_exec(db, DDL[schema], NULL, NULL, NULL);
	return result;
}

const char *const LF_SQLITE_WRITE_SQL[W_COUNT] = {
	[W_BEGIN] = "BEGIN IMMEDIATE",
	[W_COMMIT] = "COMMIT",
	[W_ROLLBACK] = "ROLLBACK",
	[W_TAIL] =
		"SELECT sequence, id, decided_at, 0 FROM decision WHERE sequence = (SELECT max(sequence) FROM decision)"
		" UNION ALL SELECT 0, NULL, put_at, 1 FROM rubric"
		" UNION ALL SELECT 0, NULL, activated_at, 1 FROM activation"
		" UNION ALL SELECT 0, NULL, at, 1 FROM act WHERE id = (SELECT max(id) FROM act)",
	[W_PROBE] = "UPDATE probe SET count = count + 1 WHERE id = 1",
	[W_NAME_FIND] = "SELECT id FROM name WHERE kind = ?1 AND value = ?2",
	[W_NAME_ADD] = "INSERT INTO name(kind, value) VALUES(?1, ?2)",
	[W_PAYLOAD_FIND] = "SELECT p.id, p.salt, x.commitment FROM payload p LEFT JOIN redaction x ON x.kind = 1 AND "
			   "x.target = p.id"
			   " WHERE p.digest = ?2 AND p.kind = ?1",
	[W_PAYLOAD_ADD] = "INSERT INTO payload(kind, digest, salt, body) VALUES(?1, ?2, ?3, ?4)",
	[W_MEMBER_ADD] = "INSERT OR IGNORE INTO member(candidate, candidates) VALUES(?1, ?2)",
	[W_KEY_ADD] = "INSERT OR IGNORE INTO request_key(caller, key, sequence) VALUES(?1, ?2, ?3)",
	[W_KEY_FIND] = "SELECT d.sequence, d.id, d.decided_at, d.request_digest FROM request_key k"
		       " JOIN decision d ON d.sequence = k.sequence WHERE k.caller = ?1 AND k.key = ?2",
	/*
	 * The rows that wait (waiting_rows.c). OR FAIL: any failure ends the transaction, so a statement need not be
	 * able to undo itself, for which it would copy each page that it touches.
	 */
	[W_DECISIONS_ADD] = "INSERT OR FAIL INTO decision(sequence, id, decided_at, outcome, purpose, caller, rubric, "
			    "recommended, team,"
			    " project, candidates, team_previous, project_previous, candidates_previous, team_payload,"
			    " project_payload, request_digest, salt, answer) SELECT * FROM new_decision",
	[W_CHAIN_FIND] = "SELECT last, count FROM chain WHERE entity = ?1",
	[W_CHAIN_SET] = "INSERT OR REPLACE INTO chain(entity, last, count) VALUES(?,?,?)",
	[W_CHAINS_SET] = "INSERT OR REPLACE INTO chain(entity, last, count) SELECT * FROM new_chain",
	[W_SKIP_ADD] = "INSERT INTO skip(entity, sequence) VALUES(?1, ?2)",
	[W_RUBRIC_FIND] = "SELECT r.payload, n.value, p.salt, x.commitment, p.body FROM payload p JOIN rubric r ON "
			  "r.payload = p.id"
			  " JOIN name n ON n.id = r.name LEFT JOIN redaction x ON x.kind = 1 AND x.target = p.id"
			  " WHERE p.digest = ?1 AND p.kind = 3",
	[W_RUBRIC_ADD] = "INSERT INTO rubric(payload, name, title, put_by, put_at) VALUES(?1, ?2, ?3, ?4, ?5)",
	[W_RUBRIC_NAME] = "SELECT n.id FROM name n WHERE n.kind = 4 AND n.value = ?1"
			  " AND EXISTS(SELECT 1 FROM rubric r WHERE r.name = n.id)",
	[W_ACTIVE_FIND] = "SELECT a.to_rubric, p.digest FROM activation a LEFT JOIN payload p ON p.id = a.to_rubric"
			  " WHERE a.name = ?1 ORDER BY a.id DESC LIMIT 1",
	[W_ACTIVATION_ADD] = "INSERT INTO activation(name, activated_at, caller, from_rubric, to_rubric)"
			     " VALUES(?1, ?2, ?3, ?4, ?5)",
	[W_LAST] = "SELECT max(sequence) FROM decision",
	[W_LEAVES_ADD] =
		"INSERT OR FAIL INTO leaf(position, kind, record, decisions, hash, salt) SELECT * FROM new_leaf",
	[W_NODE_ADD] = "INSERT INTO node(level, place, hash) VALUES(?1, ?2, ?3)",
	[W_HEAD] = LF_SQLITE_HEAD,
	[W_HEAD_SET] = "UPDATE tree SET size = ?1, root = ?2 WHERE id = 1",
	[W_LEAVES] = LF_SQLITE_LEAVES,
	[W_NODES] = LF_SQLITE_NODES,
	[W_ACT_DECISION] = "SELECT sequence FROM decision WHERE id = ?1",
	[W_ACT_ADD] = "INSERT INTO act(kind, at, caller, decision, position, salt, body, pairs) VALUES(?1, ?2, ?3, ?4, "
		      "?5, ?6, ?7, ?8)",
};

/* ---- probing a file that exists: a fixed number of pages, whatever its size ---- */

/* One text from a query of one row, or NULL with a result. Released with sqlite3_free(). */
static char *query_text(sqlite3 *db, const char *sql, int *result)
{
	sqlite3_stmt *statement = NULL;
	char *text = NULL;

	*result = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
	if (*result == SQLITE_OK)
		*result = sqlite3_step(statement);
	if (*result == SQLITE_ROW) {
		const bool none =
			sqlite3_column_type(statement, 0) == SQLITE_NULL; /* asked before: no memory makes NULL */
		const unsigned char *value = sqlite3_column_text(statement, 0);

		if (none || value != NULL)
			text = sqlite3_mprintf("%s", none ? "" : (const char *)value);
		*result = text == NULL ? SQLITE_NOMEM : SQLITE_OK;
	}
	sqlite3_finalize(statement);
	return text;
}

static const char SCHEMA_TEXT[] =
	"SELECT group_concat(sql, ';') FROM"
	" (SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY name)";

/* What the schema must look like: made in memory from the DDL, so that there is one text only. */
static char *expected_schema(uint32_t schema, int *result)
{
	sqlite3 *db = NULL;
	char *text = NULL;

	*result = sqlite3_open_v2(":memory:", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
	if (*result == SQLITE_OK)
		*result = lf_sqlite_add_schemas(db, 0, schema);
	if (*result == SQLITE_OK)
		text = query_text(db, SCHEMA_TEXT, result);
	sqlite3_close(db);
	return text;
}

char *lf_sqlite_schema_difference(sqlite3 *db)
{
	sqlite3_stmt *statement = NULL;
	char *text = NULL;
	size_t found = 0, wanted = 0;
	int result;
	char *expected = expected_schema(LF_SQLITE_SCHEMA, &result);

	if (expected == NULL)
		return strdup("memory ran out for looking at the tables");
	for (const char *at = expected; at != NULL; at = strstr(at + 1, ";CREATE"))
		wanted++;
	result = sqlite3_prepare_v2(
		db, "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'", -1, &statement, NULL);
	while (result == SQLITE_OK && (result = sqlite3_step(statement)) == SQLITE_ROW) {
		const char *type = lf_sqlite_column_text(statement, 0), *name = lf_sqlite_column_text(statement, 1);
		const char *sql = lf_sqlite_column_text(statement, 2);

		found++;
		if ((sql == NULL || strstr(expected, sql) == NULL) && text == NULL &&
			asprintf(&text, "the %s %s is not one of a decision log: it was put in, or altered", type,
				name) < 0)
			text = NULL;
		result = SQLITE_OK;
	}
	if (text == NULL && result != SQLITE_DONE)
		text = strdup("the file is damaged where it has the list of its tables");
	else if (text == NULL && found < wanted)
		text = strdup("a table or an index of a decision log is not there: it was deleted");
	sqlite3_finalize(statement);
	sqlite3_free(expected);
	return text;
}

/*
 * Each gives "" where all is well, else what is wrong. They read the first and last row of every table, and follow the
 * last decision to everything that it refers to.
 */
static const char *const PROBES[] = {
	"SELECT CASE WHEN count(*) = 0 AND EXISTS(SELECT 1 FROM decision) THEN 'the first decision is not 1' ELSE '' "
	"END"
	" FROM decision WHERE sequence = 1 AND length(answer) >= 0 AND typeof(id) = 'blob'",
	"SELECT coalesce((SELECT CASE WHEN length(d.id) <> 16 OR length(d.salt) <> 32 OR length(d.answer) IS NULL"
	"   THEN 'the last decision is malformed'"
	"  WHEN (SELECT i.sequence FROM decision i ORDER BY i.id DESC LIMIT 1) <> d.sequence"
	"   OR (SELECT i.sequence FROM decision i WHERE i.id = d.id) IS NOT d.sequence"
	"   THEN 'the index by id and the decisions disagree'"
	"  WHEN (SELECT last FROM chain WHERE entity = d.team) IS NOT d.sequence"
	"   OR (SELECT last FROM chain WHERE entity = d.project) IS NOT d.sequence"
	"   OR (SELECT last FROM chain WHERE entity = d.candidates) IS NOT d.sequence"
	"   THEN 'the chains do not end in the last decision'"
	"  WHEN (SELECT length(body) FROM payload WHERE id = d.team_payload) IS NULL"
	"   OR (SELECT length(body) FROM payload WHERE id = d.project_payload) IS NULL"
	"   OR (SELECT length(body) FROM payload WHERE id = d.rubric) IS NULL"
	"   OR NOT EXISTS(SELECT 1 FROM rubric WHERE payload = d.rubric)"
	"   OR (SELECT count(*) FROM name WHERE id IN (d.caller, d.team, d.project, d.candidates))"
	"    <> 4 THEN 'the last decision refers to what is not there'"
	"  ELSE '' END FROM decision d ORDER BY d.sequence DESC LIMIT 1), '')",
	"SELECT CASE WHEN (SELECT count FROM probe WHERE id = 1) IS NULL THEN 'the probe row is missing' ELSE '' END",
	/* substr(.., 1, 0): read, and then of no interest. */
	"SELECT substr('' || coalesce((SELECT length(value) FROM name ORDER BY id LIMIT 1), 0)"
	" || coalesce((SELECT length(value) FROM name ORDER BY id DESC LIMIT 1), 0)"
	" || coalesce((SELECT max(kind) FROM name), 0)"
	" || coalesce((SELECT length(body) FROM payload ORDER BY id LIMIT 1), 0)"
	" || coalesce((SELECT length(body) FROM payload ORDER BY id DESC LIMIT 1), 0)"
	" || coalesce((SELECT length(max(digest)) FROM payload), 0) || coalesce((SELECT length(min(digest)) FROM "
	"payload), 0)"
	" || coalesce((SELECT max(caller) FROM request_key), 0) || coalesce((SELECT max(candidate) FROM member), 0)"
	" || coalesce((SELECT max(entity) FROM skip), 0) || coalesce((SELECT max(entity) FROM chain), 0)"
	" || coalesce((SELECT max(payload) FROM rubric), 0) || coalesce((SELECT max(id) FROM activation), 0), 1, 0)",
};

/* And of what schema 2 added. The head's root is compared in tree.c. */
static const char *const TREE_PROBES[] = {
	"SELECT CASE WHEN (SELECT size FROM tree WHERE id = 1) IS NOT (SELECT coalesce(max(position), -1) + 1 FROM "
	"leaf)"
	"   THEN 'the head of the log and its last leaf disagree'"
	"  WHEN (SELECT coalesce(min(position), 0) FROM leaf) <> 0 THEN 'leaf 0 is missing'"
	"  WHEN (SELECT decisions FROM leaf ORDER BY position DESC LIMIT 1) IS NOT (SELECT coalesce(max(sequence), 0) "
	"FROM decision)"
	"   AND EXISTS(SELECT 1 FROM leaf) THEN 'the last leaf and the last decision disagree'"
	"  WHEN EXISTS(SELECT 1 FROM decision) AND NOT EXISTS(SELECT 1 FROM leaf) THEN 'the leaves are missing'"
	"  WHEN (SELECT max(id) FROM act) IS NOT NULL AND NOT EXISTS(SELECT 1 FROM leaf l, act a WHERE a.id ="
	"   (SELECT max(id) FROM act) AND l.position = a.position AND l.kind = a.kind AND l.record = a.id)"
	"   THEN 'the last act has no leaf' ELSE '' END",
	"SELECT substr('' || coalesce((SELECT max(decision) FROM act), 0) || coalesce((SELECT max(target) FROM "
	"redaction), 0)"
	" || coalesce((SELECT max(place) FROM node), 0), 1, 0)",
};

static enum lf_code refuse(struct lf_error *error, sqlite3 *db, int result, const char *why)
{
	int kind;

	if (result == SQLITE_OK)
		return lf_error_set(error, LF_FAILED_PRECONDITION, "it is damaged: %s", why);
	kind = result & 0xff;
	if (kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB || kind == SQLITE_ERROR || kind == SQLITE_DONE)
		return lf_error_set(error, LF_FAILED_PRECONDITION, "it is damaged: %s",
			kind == SQLITE_DONE ? why : sqlite3_errmsg(db));
	return lf_sqlite_error(error, db, result, "looking into it");
}

static enum lf_code probe_schema(sqlite3 *db, uint32_t schema, struct lf_error *error)
{
	int result;
	enum lf_code code = LF_OK;
	char *expected = expected_schema(schema, &result);
	char *found;

	if (expected == NULL)
		return lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	found = query_text(db, SCHEMA_TEXT, &result);
	if (found == NULL || sqlite3_stricmp(found, expected) != 0)
		code = refuse(
			error, db, found == NULL ? result : SQLITE_OK, "its tables are not those of a decision log");
	sqlite3_free(found);
	sqlite3_free(expected);
	return code;
}

static enum lf_code probe_all(sqlite3 *db, const char *const *probes, size_t count, struct lf_error *error)
{
	enum lf_code code = LF_OK;

	for (size_t i = 0; i < count && code == LF_OK; i++) {
		int result;
		char *wrong = query_text(db, probes[i], &result);

		if (wrong == NULL || wrong[0] != '\0')
			code = refuse(error, db, wrong == NULL ? result : SQLITE_OK,
				wrong == NULL ? "a row is missing" : wrong);
		sqlite3_free(wrong);
	}
	return code;
}

int lf_sqlite_schema_of(sqlite3 *db, uint32_t *schema)
{
	int result;
	char *text = query_text(db, "PRAGMA user_version", &result);

	*schema = text == NULL ? 0 : (uint32_t)strtoul(text, NULL, 10);
	sqlite3_free(text);
	return result;
}

enum lf_code lf_sqlite_probe(sqlite3 *db, struct lf_error *error)
{
	uint32_t schema;
	const int result = lf_sqlite_schema_of(db, &schema);

	if (result != SQLITE_OK)
		return refuse(error, db, result, "its schema has no number");
	if (probe_schema(db, schema, error) != LF_OK ||
		probe_all(db, PROBES, sizeof(PROBES) / sizeof(PROBES[0]), error) != LF_OK)
		return error->code;
	if (schema < 2)
		return LF_OK;
	if (probe_all(db, TREE_PROBES, sizeof(TREE_PROBES) / sizeof(TREE_PROBES[0]), error) != LF_OK)
		return error->code;
	return lf_sqlite_probe_tree(db, error);
}
