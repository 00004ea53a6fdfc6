/*
 * The schema, the writer's statements, and whether a file's schema is ours. storage/DESIGN.md says why the tables are
 * as they are.
 *
 * In short: a decision is one row, appended at the end of one table. What repeats (names, teams, projects, rubrics,
 * lists of candidates) is stored once and referred to by number. There is no index by team, project or candidate: the
 * decisions of each form a chain, newest first, through the *_previous columns, and chain has the newest. An index
 * would dirty one page a decision and a column, wherever its team's entries happen to be; chains dirty a few pages a
 * commit, at any size.
 */
#include <stdio.h>
#include <string.h>

#include "proto/base/harmless.h"
#include "storage/sqlite/store.h"

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

/*
 * What schema 3 adds; and activation.to_rubric may be 0, and an act of kind 8 (DEFAULT), 9 (JOB) or 10 (ACCESS). Open
 * until its release.
 */
static const char DDL_3[] =
	/* Acts that are no outcomes: they are read without the outcomes, and the newest default is looked for at every start. */
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
	[W_ORIGINAL_ADD] = "INSERT INTO redaction(kind, target, commitment) VALUES(?1, ?2, ?3)",
	[W_PAYLOAD_ADD] = "INSERT INTO payload(kind, digest, salt, body) VALUES(?1, ?2, ?3, ?4)",
	[W_MEMBER_ADD] = "INSERT OR IGNORE INTO member(candidate, candidates) VALUES(?1, ?2)",
	[W_KEYS_ADD] = "INSERT OR IGNORE INTO request_key(caller, key, sequence) SELECT * FROM new_key"
		       " WHERE key IS NOT NULL",
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

/* ---- whether a schema is ours: S6 ---- */

/* What the schema must be: made in memory from the DDL, so that there is one text only. */
static int open_expected(sqlite3 **db, uint32_t schema)
{
	const int result = lf_sqlite_connect(db, ":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);

	return result == SQLITE_OK ? lf_sqlite_add_schemas(*db, 0, schema) : result;
}

/* An entry of a schema: bytes, as a text can go on behind a NUL. Valid until the next one. */
enum { ENTRY_NAME, ENTRY_TYPE, ENTRY_TABLE, ENTRY_SQL, ENTRY_COLUMNS };
struct entry {
	struct lf_bytes columns[ENTRY_COLUMNS];
};
static const char ENTRIES[] = "SELECT CAST(name AS BLOB), CAST(type AS BLOB), CAST(tbl_name AS BLOB), CAST(sql AS BLOB)"
			      " FROM sqlite_schema ORDER BY 1, 2";

/* The next entry; false: there is none, or *result is an error. */
static bool next_entry(sqlite3_stmt *statement, struct entry *entry, int *result)
{
	*result = sqlite3_step(statement);
	if (*result != SQLITE_ROW) {
		*result = *result == SQLITE_DONE ? SQLITE_OK : *result;
		return false;
	}
	for (int i = 0; i < ENTRY_COLUMNS; i++)
		entry->columns[i] = lf_sqlite_column_bytes(statement, i);
	*result = SQLITE_OK;
	return true;
}

/* The first of these columns that differ decide: in the order of ENTRIES. */
static int compare_columns(const struct entry *a, const struct entry *b, int from, int to)
{
	int order = 0;

	for (int i = from; i < to && order == 0; i++) {
		const struct lf_bytes x = a->columns[i], y = b->columns[i];
		const size_t shorter = x.length < y.length ? x.length : y.length;

		order = shorter > 0 ? memcmp(x.data, y.data, shorter) : 0;
		if (order == 0)
			order = (x.length > y.length) - (x.length < y.length);
	}
	return order;
}

static void say_entry(const struct lf_schema_visit *visit, const struct entry *entry, const char *what)
{
	const struct lf_bytes type = entry->columns[ENTRY_TYPE], name = entry->columns[ENTRY_NAME];
	char text[400];

	snprintf(text, sizeof(text), "the %.*s %.*s %s", (int)(type.length < 20 ? type.length : 20),
		type.length > 0 ? (const char *)type.data : "", (int)(name.length < 200 ? name.length : 200),
		name.length > 0 ? (const char *)name.data : "", what);
	lf_text_make_line(text);
	visit->difference(visit->context, text);
}

/* Names that begin with sqlite_ are SQLite's own only where the schema that is expected has them, too. */
static int compare_entries(sqlite3_stmt *found, sqlite3_stmt *wanted, const struct lf_schema_visit *visit)
{
	struct entry have, want;
	int result;
	bool some = next_entry(found, &have, &result), more = result == SQLITE_OK && next_entry(wanted, &want, &result);

	while (result == SQLITE_OK && (some || more)) {
		const int order = !some ? 1 : !more ? -1 : compare_columns(&have, &want, ENTRY_NAME, ENTRY_TABLE);

		if (order < 0)
			say_entry(visit, &have, "is not one of a decision log: it was put in");
		else if (order > 0)
			say_entry(visit, &want, "of a decision log is not there: it was deleted");
		else if (compare_columns(&have, &want, ENTRY_TABLE, ENTRY_COLUMNS) != 0)
			say_entry(visit, &have, "is not what it is in a decision log: it was altered");
		if (order <= 0)
			some = next_entry(found, &have, &result);
		if (order >= 0 && result == SQLITE_OK)
			more = next_entry(wanted, &want, &result);
	}
	return result;
}

int lf_sqlite_compare_schema(sqlite3 *db, uint32_t schema, const struct lf_schema_visit *visit)
{
	sqlite3 *expected = NULL;
	sqlite3_stmt *found = NULL, *wanted = NULL;
	int result = open_expected(&expected, schema);

	if (result == SQLITE_OK)
		result = sqlite3_prepare_v2(expected, ENTRIES, -1, &wanted, NULL);
	if (result == SQLITE_OK)
		result = sqlite3_prepare_v2(db, ENTRIES, -1, &found, NULL);
	if (result == SQLITE_OK)
		result = compare_entries(found, wanted, visit);
	sqlite3_finalize(found);
	sqlite3_finalize(wanted);
	sqlite3_close(expected);
	return result;
}
