/* Readers: single things. Lists are in sqlite_list.c. */
#include <stdlib.h>
#include <string.h>

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
enum { ROW_COLUMN_COUNT = 14 };

#define RUBRIC_COLUMNS                                                                                                 \
	"n.value, r.title, c.value, p.digest, r.put_at,"                                                               \
	" r.payload IS (SELECT to_rubric FROM activation WHERE name = r.name ORDER BY id DESC LIMIT 1)"
#define ACTIVATION_COLUMNS "a.id, n.value, c.value, a.activated_at, a.from_rubric, f.digest, t.digest"
#define ACTIVATION_JOINS                                                                                               \
	" FROM activation a LEFT JOIN name n ON n.id = a.name LEFT JOIN name c ON c.id = a.caller"                     \
	" LEFT JOIN payload f ON f.id = a.from_rubric LEFT JOIN payload t ON t.id = a.to_rubric"
#define RUBRIC_JOINS                                                                                                   \
	" FROM rubric r JOIN payload p ON p.id = r.payload JOIN name n ON n.id = r.name LEFT JOIN name c ON c.id = "   \
	"r.put_by"

/* In the order of enum column of sqlite_scan.c. */
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
	[R_PEEK] = "SELECT outcome, team, project, candidates, team_previous, project_previous, candidates_previous "
		   "FROM decision"
		   " WHERE sequence = ?1",
	[R_LAST] = "SELECT max(sequence) FROM decision",
	[R_NAME] = "SELECT id FROM name WHERE kind = ?1 AND value = ?2",
	[R_CHAIN] = "SELECT last, count FROM chain WHERE entity = ?1",
	[R_SKIP] = "SELECT min(sequence) FROM skip WHERE entity = ?1 AND sequence >= ?2",
	[R_TIME] = "SELECT decided_at FROM decision WHERE sequence = ?1",
	[R_LISTS] = "SELECT candidates FROM member WHERE candidate = ?1 LIMIT ?2",
	[R_MEMBER] = "SELECT 1 FROM member WHERE candidate = ?1 AND candidates = ?2",
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
	[R_PAYLOAD] = "SELECT id, kind, digest, salt, body FROM payload WHERE id = ?1",
#define ACT_COLUMNS                                                                                                    \
	"SELECT a.id, a.kind, a.at, c.value, a.decision, d.id, a.position, a.body FROM act a"                          \
	" LEFT JOIN name c ON c.id = a.caller LEFT JOIN decision d ON d.sequence = a.decision"
	[R_ACTS] = ACT_COLUMNS " WHERE a.id > ?1 ORDER BY a.id",
	[R_ACTS_OF] = ACT_COLUMNS
	" WHERE a.decision = (SELECT sequence FROM decision WHERE id = ?2) AND a.id > ?1 ORDER BY a.id",
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
	"PRAGMA cell_size_check=ON; PRAGMA trusted_schema=OFF; PRAGMA busy_timeout=2000;";

enum lf_code lf_sqlite_open_reader(struct lf_store *store, struct lf_reader **out, struct lf_error *error)
{
	struct lf_reader *reader = calloc(1, sizeof(*reader));
	bool read_only;
	int result;

	if (reader == NULL)
		return lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	read_only = store->read_only_uri != NULL;
	reader->alone = read_only;
	result = sqlite3_open_v2(read_only ? store->read_only_uri : store->path, &reader->db,
		(read_only ? SQLITE_OPEN_READONLY | SQLITE_OPEN_URI : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_NOMUTEX |
			SQLITE_OPEN_PRIVATECACHE,
		NULL);
	if (result == SQLITE_OK) {
		sqlite3_extended_result_codes(reader->db, 1);
		result = sqlite3_db_config(reader->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	}
	if (result == SQLITE_OK)
		result = sqlite3_exec(reader->db, READER_PRAGMAS, NULL, NULL, NULL);
	if (result == SQLITE_OK)
		result = lf_sqlite_prepare(reader->db, READ_SQL, reader->statements, R_COUNT);
	if (result == SQLITE_OK)
		result = lf_sqlite_prepare(reader->db, LF_SQLITE_RECORD_SQL, reader->records, LF_RECORD_TABLES);
	if (result != SQLITE_OK) {
		lf_sqlite_error(error, reader->db, result, "opening for reading");
		/* Nobody has looked at what is read only: a table or column may be missing. */
		if (read_only && (result & 0xff) == SQLITE_ERROR)
			lf_error_set(error, LF_DATA_LOSS, "it is damaged: %s", sqlite3_errmsg(reader->db));
		lf_sqlite_close_reader(reader);
		return error->code;
	}
	*out = reader;
	return LF_OK;
}

int lf_sqlite_begin_reading(struct lf_reader *reader)
{
	if (sqlite3_get_autocommit(reader->db) == 0)
		lf_sqlite_run(reader->statements[R_END]); /* one that could not be ended: memory was short */
	return lf_sqlite_run(reader->statements[R_BEGIN]);
}

void lf_sqlite_end_reading(struct lf_reader *reader)
{
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

enum lf_code lf_sqlite_find_key(struct lf_reader *reader, const char *caller, const char *key,
	const struct lf_digest *request_digest, struct lf_uuid *id, struct lf_error *error)
{
	sqlite3_stmt *find = reader->statements[R_KEY];
	struct lf_digest digest;
	enum lf_code code = LF_OK;
	int result;

	lf_sqlite_bind_text(find, 1, caller);
	lf_sqlite_bind_text(find, 2, key);
	result = sqlite3_step(find);
	if (result == SQLITE_DONE)
		code = lf_error_set(error, LF_NOT_FOUND, "idempotency key %s is not known", key);
	else if (result != SQLITE_ROW)
		code = lf_sqlite_error(error, reader->db, result, "looking an idempotency key up");
	else if (!lf_sqlite_column_fixed(find, 1, &digest, sizeof(digest)))
		code = lf_error_set(error, LF_DATA_LOSS, "idempotency key %s refers to no decision", key);
	else if (memcmp(&digest, request_digest, sizeof(digest)) != 0)
		code = lf_error_set(error, LF_ALREADY_EXISTS, "idempotency key %s was used for another request", key);
	else if (!lf_sqlite_column_fixed(find, 0, id, sizeof(*id)))
		code = lf_error_set(error, LF_DATA_LOSS, "idempotency key %s refers to a decision without an id", key);
	sqlite3_reset(find);
	return code;
}

/* ---- rows ---- */

enum lf_code lf_sqlite_fill_row(sqlite3_stmt *statement, struct lf_stored *row, struct lf_error *error)
{
	bool recommended_lost;

	memset(row, 0, sizeof(*row));
	row->sequence = (uint64_t)sqlite3_column_int64(statement, 0);
	row->decided_at_us = sqlite3_column_int64(statement, 2);
	row->outcome = (uint32_t)sqlite3_column_int64(statement, 3);
	row->purpose = (uint32_t)sqlite3_column_int64(statement, 4);
	row->caller = lf_sqlite_column_text(statement, 5);
	row->team_id = lf_sqlite_column_text(statement, 6);
	row->project_id = lf_sqlite_column_text(statement, 7);
	row->rubric_name = lf_sqlite_column_text(statement, 8);
	row->recommended = lf_sqlite_column_text(statement, 10);
	row->team_payload = (uint64_t)sqlite3_column_int64(statement, 12);
	row->project_payload = (uint64_t)sqlite3_column_int64(statement, 13);
	recommended_lost = row->recommended == NULL && sqlite3_column_type(statement, 9) != SQLITE_NULL;
	if (row->recommended == NULL)
		row->recommended = "";
	if (row->caller == NULL || row->team_id == NULL || row->project_id == NULL || row->rubric_name == NULL ||
		recommended_lost || !lf_sqlite_column_fixed(statement, 1, &row->id, sizeof(row->id)) ||
		!lf_sqlite_column_fixed(statement, 11, &row->rubric_digest, sizeof(row->rubric_digest)))
		return lf_error_set(error, LF_DATA_LOSS, "decision %llu refers to what is not stored",
			(unsigned long long)row->sequence);
	return LF_OK;
}

/* Whether a payload was replaced since: then its digest says nothing about its bytes. */
static bool was_redacted(struct lf_reader *reader, uint64_t payload)
{
	sqlite3_stmt *find = reader->statements[R_REDACTED];
	bool redacted;

	sqlite3_bind_int(find, 1, LF_REDACTION_PAYLOAD);
	sqlite3_bind_int64(find, 2, (int64_t)payload);
	redacted = sqlite3_step(find) == SQLITE_ROW;
	sqlite3_reset(find);
	return redacted;
}

/* The bytes of a column, whose digest is in the next. */
static bool fill_payload(
	struct lf_reader *reader, sqlite3_stmt *statement, int column, uint64_t id, struct lf_bytes *bytes)
{
	struct lf_digest stored, found;

	if (sqlite3_column_type(statement, column) == SQLITE_NULL ||
		!lf_sqlite_column_fixed(statement, column + 1, &stored, sizeof(stored)))
		return false;
	*bytes = lf_sqlite_column_bytes(statement, column);
	lf_sha256(bytes->data, bytes->length, &found);
	return lf_digest_equal(&found, &stored) || was_redacted(reader, id);
}

enum lf_code lf_sqlite_get(
	struct lf_reader *reader, const struct lf_uuid *id, struct lf_stored **stored, struct lf_error *error)
{
	sqlite3_stmt *get = reader->statements[R_GET];
	struct lf_stored row;
	char text[LF_UUID_TEXT_BYTES];
	enum lf_code code;
	int result;

	lf_uuid_print(id, text);
	lf_sqlite_bind_blob(get, 1, id, sizeof(*id));
	result = sqlite3_step(get);
	if (result == SQLITE_DONE) {
		code = lf_error_set(error, LF_NOT_FOUND, "there is no decision %s", text);
	} else if (result != SQLITE_ROW) {
		code = lf_sqlite_error(error, reader->db, result, "reading a decision");
	} else if ((code = lf_sqlite_fill_row(get, &row, error)) == LF_OK) {
		row.answer = lf_sqlite_column_bytes(get, ROW_COLUMN_COUNT + 4);
		if (!fill_payload(reader, get, ROW_COLUMN_COUNT, row.team_payload, &row.team) ||
			!fill_payload(reader, get, ROW_COLUMN_COUNT + 2, row.project_payload, &row.project))
			code = lf_error_set(
				error, LF_DATA_LOSS, "the team or project of decision %s is missing or changed", text);
		else if ((*stored = lf_stored_copy(&row)) == NULL)
			code = lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	}
	sqlite3_reset(get);
	return code;
}

/* ---- rubrics ---- */

void lf_sqlite_fill_rubric(sqlite3_stmt *statement, struct lf_rubric_row *row)
{
	memset(row, 0, sizeof(*row));
	row->name = lf_sqlite_column_text(statement, 0);
	row->title = lf_sqlite_column_text(statement, 1);
	row->put_by = lf_sqlite_column_text(statement, 2);
	(void)lf_sqlite_column_fixed(statement, 3, &row->digest, sizeof(row->digest));
	row->put_at_us = sqlite3_column_int64(statement, 4);
	row->active = sqlite3_column_int(statement, 5) != 0;
}

enum lf_code lf_sqlite_get_rubric(struct lf_reader *reader, const char *name, const struct lf_digest *digest,
	struct lf_rubric_row **row, struct lf_error *error)
{
	sqlite3_stmt *get = reader->statements[digest != NULL ? R_RUBRIC : R_RUBRIC_ACTIVE];
	const bool named = name != NULL && name[0] != '\0';
	struct lf_rubric_row found;
	struct lf_digest computed;
	char text[65];
	enum lf_code code = LF_OK;
	int result;

	if (digest != NULL)
		lf_sqlite_bind_blob(get, 1, digest, sizeof(*digest));
	else
		lf_sqlite_bind_text(get, 1, named ? name : "");
	result = sqlite3_step(get);
	if (result == SQLITE_ROW) {
		lf_sqlite_fill_rubric(get, &found);
		found.body = lf_sqlite_column_bytes(get, 6);
		lf_sha256(found.body.data, found.body.length, &computed);
		if (found.name == NULL || memcmp(&computed, &found.digest, sizeof(computed)) != 0)
			code = lf_error_set(error, LF_DATA_LOSS, "a stored rubric does not fit its digest");
		else if (named && strcmp(found.name, name) != 0)
			code = lf_error_set(
				error, LF_NOT_FOUND, "the rubric of this digest is %s, not %s", found.name, name);
		else if ((*row = lf_rubric_row_copy(&found)) == NULL)
			code = lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	} else if (result != SQLITE_DONE) {
		code = lf_sqlite_error(error, reader->db, result, "reading a rubric");
	} else if (digest != NULL) {
		lf_digest_print(digest, text);
		code = lf_error_set(error, LF_NOT_FOUND, "no rubric of digest %s is stored", text);
	} else {
		code = lf_error_set(error, LF_NOT_FOUND, "no rubric %s is active", named ? name : "without a name");
	}
	sqlite3_reset(get);
	return code;
}

/* Rubrics are few: one transaction. */
enum lf_code lf_sqlite_list_rubrics(struct lf_reader *reader, const char *name,
	void (*visit)(void *context, const struct lf_rubric_row *row), void *context, struct lf_error *error)
{
	sqlite3_stmt *list = reader->statements[R_RUBRICS];
	struct lf_rubric_row row;
	enum lf_code code = LF_OK;
	int result;

	lf_sqlite_bind_text(list, 1, name != NULL ? name : "");
	while ((result = sqlite3_step(list)) == SQLITE_ROW) {
		lf_sqlite_fill_rubric(list, &row);
		visit(context, &row);
	}
	if (result != SQLITE_DONE)
		code = lf_sqlite_error(error, reader->db, result, "listing rubrics");
	sqlite3_reset(list);
	return code;
}

/* ---- activations ---- */

static enum lf_code fill_activation(sqlite3_stmt *statement, struct lf_activation_row *row, struct lf_error *error)
{
	memset(row, 0, sizeof(*row));
	row->name = lf_sqlite_column_text(statement, 1);
	row->caller = lf_sqlite_column_text(statement, 2);
	row->activated_at_us = sqlite3_column_int64(statement, 3);
	row->had_from = sqlite3_column_type(statement, 4) != SQLITE_NULL;
	if (row->name == NULL || row->caller == NULL ||
		(row->had_from && !lf_sqlite_column_fixed(statement, 5, &row->from, sizeof(row->from))) ||
		!lf_sqlite_column_fixed(statement, 6, &row->to, sizeof(row->to)))
		return lf_error_set(error, LF_DATA_LOSS, "activation %lld refers to what is not stored",
			(long long)sqlite3_column_int64(statement, 0));
	return LF_OK;
}

enum lf_code lf_sqlite_list_activations(struct lf_reader *reader, const char *name,
	void (*visit)(void *context, const struct lf_activation_row *row), void *context, struct lf_error *error)
{
	sqlite3_stmt *list = reader->statements[R_ACTIVATIONS];
	struct lf_activation_row row;
	enum lf_code code = LF_OK;
	int result = SQLITE_DONE;

	lf_sqlite_bind_text(list, 1, name != NULL ? name : "");
	sqlite3_bind_int64(list, 2, LF_ACTIVATIONS_MAX);
	while (code == LF_OK && (result = sqlite3_step(list)) == SQLITE_ROW) {
		code = fill_activation(list, &row, error);
		if (code == LF_OK)
			visit(context, &row);
	}
	if (code == LF_OK && result != SQLITE_DONE)
		code = lf_sqlite_error(error, reader->db, result, "listing activations");
	sqlite3_reset(list);
	return code;
}

enum lf_code lf_sqlite_was_active(
	struct lf_reader *reader, const struct lf_digest *digest, bool *was_active, struct lf_error *error)
{
	sqlite3_stmt *find = reader->statements[R_WAS_ACTIVE];
	enum lf_code code = LF_OK;
	int result;

	lf_sqlite_bind_blob(find, 1, digest, sizeof(*digest));
	result = sqlite3_step(find);
	if (result == SQLITE_ROW)
		*was_active = sqlite3_column_int(find, 0) != 0;
	else
		code = lf_sqlite_error(error, reader->db, result, "looking an activation up");
	sqlite3_reset(find);
	return code;
}
