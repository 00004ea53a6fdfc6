/*
 * A reader: its connection, its statements and its read transactions, and the look-ups that lists and scans share.
 */
#include <stdlib.h>

#include "storage/sqlite/private.h"

/* Outer joins: a decision whose team is missing must be found as damaged, not be hidden. */
#define ROW_COLUMNS                                                                                                    \
	"d.sequence, d.id, d.decided_at, d.outcome, d.purpose, caller.value, team.value, project.value, "              \
	"rubric_name.value,"                                                                                           \
	" d.recommended, recommended.value, rubric_payload.digest, d.team_payload, d.project_payload"
#define ROW_JOINS                                                                                                      \
	" FROM decision d LEFT JOIN name caller ON caller.id = d.caller LEFT JOIN name team ON team.id = d.team"       \
	" LEFT JOIN name project ON project.id = d.project LEFT JOIN name recommended ON recommended.id = "            \
	"d.recommended"                                                                                                \
	" LEFT JOIN rubric ON rubric.payload = d.rubric LEFT JOIN name rubric_name ON rubric_name.id = rubric.name"    \
	" LEFT JOIN payload rubric_payload ON rubric_payload.id = d.rubric"
#define RUBRIC_COLUMNS                                                                                                 \
	"n.value, r.title, c.value, p.digest, r.put_at,"                                                               \
	" r.payload IS (SELECT to_rubric FROM activation WHERE name = r.name ORDER BY id DESC LIMIT 1)"
#define ACTIVATION_COLUMNS "a.id, n.value, c.value, a.activated_at, a.from_rubric, f.digest, a.to_rubric, t.digest"
#define ACTIVATION_JOINS                                                                                               \
	" FROM activation a LEFT JOIN name n ON n.id = a.name LEFT JOIN name c ON c.id = a.caller"                     \
	" LEFT JOIN payload f ON f.id = a.from_rubric LEFT JOIN payload t ON t.id = a.to_rubric"
#define RUBRIC_JOINS                                                                                                   \
	" FROM rubric r JOIN payload p ON p.id = r.payload JOIN name n ON n.id = r.name LEFT JOIN name c ON c.id = "   \
	"r.put_by"

/* In the order of enum column of scan.c. */
#define SCAN_COLUMNS                                                                                                   \
	"sequence, id, decided_at, outcome, purpose, caller, team, project, recommended, rubric, candidates,"          \
	" team_payload, project_payload"

static const char *const READ_SQL[R_COUNT] = {
	[R_BEGIN] = "BEGIN",
	[R_END] = "COMMIT",
	[R_KEY] = "SELECT d.id, d.request_digest FROM name n JOIN request_key k ON k.caller = n.id AND k.key = ?2"
		  " LEFT JOIN decision d ON d.sequence = k.sequence WHERE n.kind = 1 AND n.value = ?1",
	[R_GET] = "SELECT " ROW_COLUMNS ", tp.body, tp.digest, pp.body, pp.digest, d.answer" ROW_JOINS
		  " LEFT JOIN payload tp ON tp.id = d.team_payload LEFT JOIN payload pp ON pp.id = d.project_payload "
		  "WHERE d.id = ?1",
	[R_ROW] = "SELECT " ROW_COLUMNS ROW_JOINS " WHERE d.sequence = ?1",
	[R_PEEK] = "SELECT outcome, team, project, candidates, team_previous, project_previous, candidates_previous,"
		   " rubric FROM decision"
		   " WHERE sequence = ?1",
	[R_LAST] = "SELECT max(sequence) FROM decision",
	[R_NAME] = "SELECT id FROM name WHERE kind = ?1 AND value = ?2",
	[R_CHAIN] = "SELECT last, count FROM chain WHERE entity = ?1",
	[R_SKIP] = "SELECT min(sequence) FROM skip WHERE entity = ?1 AND sequence >= ?2",
	[R_TIME] = "SELECT decided_at FROM decision WHERE sequence = ?1",
	[R_LISTS] = "SELECT candidates FROM member WHERE candidate = ?1 LIMIT ?2",
	[R_MEMBER] = "SELECT 1 FROM member WHERE candidate = ?1 AND candidates = ?2",
	[R_RUBRIC_NAME] = "SELECT name FROM rubric WHERE payload = ?1",
	[R_RUBRIC] = "SELECT " RUBRIC_COLUMNS ", p.body" RUBRIC_JOINS " WHERE p.digest = ?1 AND p.kind = 3",
	[R_RUBRIC_ACTIVE] =
		"SELECT " RUBRIC_COLUMNS ", p.body" RUBRIC_JOINS
		" WHERE r.payload = (SELECT a.to_rubric FROM activation a"
		" JOIN name an ON an.id = a.name WHERE an.kind = 4 AND an.value = ?1 ORDER BY a.id DESC LIMIT 1)",
	[R_RUBRICS] =
		"SELECT " RUBRIC_COLUMNS RUBRIC_JOINS " WHERE ?1 = '' OR n.value = ?1 ORDER BY n.value, r.payload DESC",
	[R_ACTIVATIONS] = "SELECT " ACTIVATION_COLUMNS ACTIVATION_JOINS
			  " WHERE ?1 = '' OR n.value = ?1 ORDER BY a.id DESC LIMIT ?2",
	[R_WAS_ACTIVE] = "SELECT EXISTS(SELECT 1 FROM payload p JOIN rubric r ON r.payload = p.id"
			 " JOIN activation a ON a.name = r.name AND a.to_rubric = r.payload"
			 " WHERE p.digest = ?1 AND p.kind = 3)",
	[R_SCAN_UP] = "SELECT " SCAN_COLUMNS " FROM decision WHERE sequence >= ?1 AND sequence < ?2 ORDER BY sequence",
	[R_SCAN_DOWN] =
		"SELECT " SCAN_COLUMNS " FROM decision WHERE sequence >= ?1 AND sequence < ?2 ORDER BY sequence DESC",
	[R_SCAN_UP_WHOLE] = "SELECT " SCAN_COLUMNS
			    ", answer FROM decision WHERE sequence >= ?1 AND sequence < ?2 ORDER BY sequence",
	[R_SCAN_ANSWER] = "SELECT answer FROM decision WHERE sequence = ?1",
	[R_HELD_CALLER] = "SELECT value FROM name WHERE id = ?1",
	[R_HELD_TEAM] = "SELECT value FROM name WHERE id = ?1",
	[R_HELD_PROJECT] = "SELECT value FROM name WHERE id = ?1",
	[R_HELD_RECOMMENDED] = "SELECT value FROM name WHERE id = ?1",
	[R_HELD_RUBRIC] = "SELECT n.value, p.digest FROM payload p JOIN rubric r ON r.payload = p.id"
			  " JOIN name n ON n.id = r.name WHERE p.id = ?1",
	[R_HELD_CANDIDATES] = "SELECT value FROM name WHERE id = ?1",
	[R_HELD_TEAM_BODY] = "SELECT body FROM payload WHERE id = ?1",
	[R_HELD_PROJECT_BODY] = "SELECT body FROM payload WHERE id = ?1",
	[R_REDACTED] = "SELECT 1 FROM redaction WHERE kind = ?1 AND target = ?2",
	[R_HEAD] = LF_SQLITE_HEAD,
	[R_LEAVES] = LF_SQLITE_LEAVES,
	[R_NODES] = LF_SQLITE_NODES,
	[R_SEQUENCE] = "SELECT sequence FROM decision WHERE id = ?1",
	[R_LEAF_PEEK] = "SELECT decisions, kind, record FROM leaf WHERE position = ?1",
	[R_KEYS] = "SELECT sequence, key FROM request_key WHERE sequence >= ?1 AND sequence <= ?2 ORDER BY sequence",
	[R_MEMBERS] =
		"SELECT c.value FROM name l JOIN member m ON m.candidates = l.id JOIN name c ON c.id = m.candidate"
		" WHERE l.kind = 6 AND l.value = ?1 ORDER BY c.value",
	[R_PAYLOAD] = "SELECT id, kind, digest, salt, body FROM payload WHERE id = ?1",
#define ACT_COLUMNS                                                                                                    \
	"SELECT a.id, a.kind, a.at, c.value, a.decision, d.id, a.position, a.body FROM act a"                          \
	" LEFT JOIN name c ON c.id = a.caller LEFT JOIN decision d ON d.sequence = a.decision"
	[R_ACTS] = ACT_COLUMNS " WHERE a.id > ?1 ORDER BY a.id",
	[R_ACTS_OF] = ACT_COLUMNS
	" WHERE a.decision = (SELECT sequence FROM decision WHERE id = ?2) AND a.id > ?1 ORDER BY a.id",
	[R_ACTS_OF_KIND] = ACT_COLUMNS " WHERE a.kind = ?2 AND a.kind <> 4 AND a.id > ?1 ORDER BY a.id",
	[R_PAYLOADS] = "SELECT id, kind, digest, salt, body FROM payload WHERE id > ?1 ORDER BY id",
	[R_AUDIT_LEAF] = "SELECT position, kind, record, hash, salt FROM leaf WHERE position >= ?1 ORDER BY position",
};

/*
 * PRAGMAs of a reader, and their because. query_only, wal_autocheckpoint=0 and no checkpoint on close: only one
 * connection writes and checkpoints (SQLite below 3.51.3 can corrupt a WAL where two do). cache_size: 4 MiB hold the
 * inner pages of what is asked often.
 */
static const char READER_PRAGMAS[] =
	"PRAGMA query_only=ON; PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=-4096; PRAGMA temp_store=MEMORY;"
	"PRAGMA cell_size_check=ON; PRAGMA busy_timeout=2000;";

static void keep_first_difference(void *context, const char *difference)
{
	struct lf_error *error = context;

	if (error->code != LF_FAILED_PRECONDITION)
		lf_error_set(error, LF_FAILED_PRECONDITION, "it is damaged: %s", difference);
}

/* Nobody has looked at what is read alone: a statement has met a table or column that is missing, or a view. */
static void say_what_is_missing(const struct lf_reader *reader, struct lf_error *error)
{
	const struct lf_schema_visit visit = {keep_first_difference, error};

	lf_error_set(error, LF_DATA_LOSS, "it is damaged: %s", sqlite3_errmsg(reader->db));
	lf_sqlite_compare_schema(reader->db, LF_SQLITE_SCHEMA, &visit);
	error->code = LF_DATA_LOSS;
}

enum lf_code lf_sqlite_open_reader(struct lf_store *store, struct lf_reader **out, struct lf_error *error)
{
	struct lf_reader *reader = calloc(1, sizeof(*reader));
	bool read_only;
	int result;

	if (reader == NULL)
		return lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	read_only = store->read_only_uri != NULL;
	reader->alone = read_only;
	reader->malformed = &store->malformed;
	result = lf_sqlite_connect(&reader->db, read_only ? store->read_only_uri : store->path,
		read_only ? SQLITE_OPEN_READONLY | SQLITE_OPEN_URI : SQLITE_OPEN_READWRITE);
	if (result == SQLITE_OK)
		result = sqlite3_db_config(reader->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if (result == SQLITE_OK)
		result = sqlite3_exec(reader->db, READER_PRAGMAS, NULL, NULL, NULL);
	if (result == SQLITE_OK)
		result = lf_sqlite_prepare(reader->db, READ_SQL, reader->statements, R_COUNT);
	if (result == SQLITE_OK)
		result = lf_sqlite_prepare(reader->db, LF_SQLITE_RECORD_SQL, reader->records, LF_RECORD_TABLES);
	if (result != SQLITE_OK) {
		lf_sqlite_error(error, reader->db, result, "opening for reading");
		if (read_only && (result & 0xff) == SQLITE_ERROR)
			say_what_is_missing(reader, error);
		lf_sqlite_close_reader(reader);
		return error->code;
	}
	*out = reader;
	return LF_OK;
}

/* What SQLite itself found: a page that can't be one. Rows that contradict each other are found by us, and are no such thing. */
static void note_malformed(const struct lf_reader *reader)
{
	const int kind = sqlite3_errcode(reader->db) & 0xff;

	if (kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB)
		atomic_store(reader->malformed, true);
}

int lf_sqlite_begin_reading(struct lf_reader *reader)
{
	int result;

	if (sqlite3_get_autocommit(reader->db) == 0)
		lf_sqlite_run(reader->statements[R_END]); /* one that could not be ended: memory was short */
	result = lf_sqlite_run(reader->statements[R_BEGIN]);
	note_malformed(reader);
	return result;
}

void lf_sqlite_end_reading(struct lf_reader *reader)
{
	note_malformed(reader);
	lf_sqlite_run(reader->statements[R_END]);
}

void lf_sqlite_close_reader(struct lf_reader *reader)
{
	free(reader->record);
	lf_sqlite_finalize(reader->statements, R_COUNT);
	lf_sqlite_finalize(reader->records, LF_RECORD_TABLES);
	sqlite3_close(reader->db);
	free(reader);
}

/* ---- looking up ---- */

enum lf_code lf_sqlite_first_column(
	struct lf_reader *reader, sqlite3_stmt *statement, int64_t *value, struct lf_error *error)
{
	const int result = sqlite3_step(statement);

	*value = result == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
	sqlite3_reset(statement);
	return result == SQLITE_ROW || result == SQLITE_DONE
		? LF_OK
		: lf_sqlite_error(error, reader->db, result, "reading decisions");
}

enum lf_code lf_sqlite_sequence_at(
	struct lf_reader *reader, int64_t time_us, int64_t last, int64_t *sequence, struct lf_error *error)
{
	sqlite3_stmt *statement = reader->statements[R_TIME];
	int64_t low = 1, high = last + 1;

	while (low < high) {
		const int64_t middle = low + (high - low) / 2;
		int64_t decided_at;

		sqlite3_bind_int64(statement, 1, middle);
		if (lf_sqlite_first_column(reader, statement, &decided_at, error) != LF_OK)
			return error->code;
		if (decided_at >= time_us)
			high = middle;
		else
			low = middle + 1;
	}
	*sequence = low;
	return LF_OK;
}

enum lf_code lf_sqlite_find_name(struct lf_reader *reader, enum lf_name_kind kind, const char *value, int64_t *id,
	bool *none, struct lf_error *error)
{
	sqlite3_stmt *statement = reader->statements[R_NAME];

	*id = 0;
	if (value == NULL || value[0] == '\0')
		return LF_OK;
	sqlite3_bind_int(statement, 1, (int)kind);
	lf_sqlite_bind_text(statement, 2, value);
	if (lf_sqlite_first_column(reader, statement, id, error) != LF_OK)
		return error->code;
	*none |= *id == 0;
	return LF_OK;
}

enum lf_code lf_sqlite_rubric_fits(
	struct lf_reader *reader, struct lf_rubric_filter *filter, int64_t version, bool *fits, struct lf_error *error)
{
	sqlite3_stmt *statement = reader->statements[R_RUBRIC_NAME];
	int64_t name;

	if (filter->name != 0 && version != filter->version) {
		sqlite3_bind_int64(statement, 1, version);
		if (lf_sqlite_first_column(reader, statement, &name, error) != LF_OK)
			return error->code;
		filter->version = version;
		filter->fits = name == filter->name;
	}
	*fits = filter->name == 0 || filter->fits;
	return LF_OK;
}
