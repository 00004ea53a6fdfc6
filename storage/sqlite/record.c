/*
 * Records from their columns. What a leaf commits to was written from memory when it was recorded; here the same bytes
 * are made from what is stored now, for the audit to compare and for migration to begin with.
 *
 * Outer joins throughout: what is missing is told, not skipped. Each statement goes through its table in the order of
 * the key, so that an audit, which goes the same way, needs one step a record and no search.
 */
#include <string.h>

#include "storage/sqlite/private.h"

const char *const LF_SQLITE_RECORD_SQL[LF_RECORD_TABLES] = {
	[LF_RECORD_DECISION] =
		"SELECT d.sequence, d.decided_at, d.id, caller.value, team.value, project.value, rubric_name.value, "
		"d.outcome, d.purpose,"
		" d.recommended, recommended.value, lists.value, d.request_digest, d.salt, d.team_payload, "
		"d.project_payload, d.rubric,"
		" x.commitment, xt.commitment, xp.commitment, xr.commitment, d.answer FROM decision d"
		" LEFT JOIN name caller ON caller.id = d.caller LEFT JOIN name team ON team.id = d.team"
		" LEFT JOIN name project ON project.id = d.project LEFT JOIN name recommended ON recommended.id = "
		"d.recommended"
		" LEFT JOIN name lists ON lists.id = d.candidates LEFT JOIN rubric ON rubric.payload = d.rubric"
		" LEFT JOIN name rubric_name ON rubric_name.id = rubric.name"
		" LEFT JOIN redaction x ON x.kind = 2 AND x.target = d.sequence"
		" LEFT JOIN redaction xt ON xt.kind = 1 AND xt.target = d.team_payload"
		" LEFT JOIN redaction xp ON xp.kind = 1 AND xp.target = d.project_payload"
		" LEFT JOIN redaction xr ON xr.kind = 1 AND xr.target = d.rubric"
		" WHERE d.sequence >= ?1 ORDER BY d.sequence",
	[LF_RECORD_RUBRIC] = "SELECT r.payload, r.put_at, n.value, r.title, c.value, x.commitment FROM rubric r"
			     " LEFT JOIN name n ON n.id = r.name LEFT JOIN name c ON c.id = r.put_by"
			     " LEFT JOIN redaction x ON x.kind = 1 AND x.target = r.payload"
			     " WHERE r.payload >= ?1 ORDER BY r.payload",
	[LF_RECORD_ACTIVATION] =
		"SELECT a.id, a.activated_at, n.value, c.value, a.from_rubric, f.digest, t.digest, a.to_rubric FROM "
		"activation a"
		" LEFT JOIN name n ON n.id = a.name LEFT JOIN name c ON c.id = a.caller"
		" LEFT JOIN payload f ON f.id = a.from_rubric LEFT JOIN payload t ON t.id = a.to_rubric"
		" WHERE a.id >= ?1 ORDER BY a.id",
	[LF_RECORD_ACT] =
		"SELECT a.id, a.at, a.kind, c.value, a.decision, a.salt, a.body, a.pairs, x.commitment FROM act a"
		" LEFT JOIN name c ON c.id = a.caller LEFT JOIN redaction x ON x.kind = 3 AND x.target = a.id"
		" WHERE a.id >= ?1 ORDER BY a.id",
};

/* ---- going through ---- */

void lf_sqlite_stream_end(struct lf_record_stream *stream)
{
	if (stream->open)
		sqlite3_reset(stream->statement);
	stream->open = false;
}

int lf_sqlite_stream_next(struct lf_record_stream *stream)
{
	const int result = sqlite3_step(stream->statement);

	if (result == SQLITE_ROW)
		stream->key = sqlite3_column_int64(stream->statement, 0);
	else
		lf_sqlite_stream_end(stream);
	return result;
}

int lf_sqlite_stream_seek(struct lf_record_stream *stream, int64_t key)
{
	if (stream->open && stream->key == key)
		return SQLITE_ROW;
	/* The usual case: the next row. */
	if (stream->open && stream->key == key - 1) {
		const int result = lf_sqlite_stream_next(stream);

		if (result != SQLITE_ROW || stream->key >= key)
			return result;
	}
	lf_sqlite_stream_end(stream);
	sqlite3_bind_int64(stream->statement, 1, key);
	stream->open = true;
	return lf_sqlite_stream_next(stream);
}

/* ---- reading a row ---- */

static const char *lost(bool there, const char *what, const char *before)
{
	return before != NULL || there ? before : what;
}

/* Sets what a redaction's column says; false where it is malformed. */
static bool read_original(sqlite3_stmt *statement, int column, bool *redacted, struct lf_digest *original)
{
	*redacted = sqlite3_column_type(statement, column) != SQLITE_NULL;
	return !*redacted || lf_sqlite_column_fixed(statement, column, original, sizeof(*original));
}

/* false where a column has what was never put there: cut down it could look like what was. */
static bool read_uint32(sqlite3_stmt *statement, int column, uint32_t *value)
{
	const int64_t wide = sqlite3_column_int64(statement, column);

	*value = (uint32_t)wide;
	return wide >= 0 && wide <= UINT32_MAX;
}

static bool read_payload(sqlite3_stmt *statement, int id_column, int original_column, struct lf_record_row *row)
{
	struct lf_audit_payload *payload = &row->payloads[row->payload_count++];

	payload->id = (uint64_t)sqlite3_column_int64(statement, id_column);
	return read_original(statement, original_column, &payload->redacted, &payload->original);
}

static void read_decision(sqlite3_stmt *statement, struct lf_record_row *row)
{
	struct lf_decision_columns *columns = &row->columns.decision;
	const bool has_digest = sqlite3_column_type(statement, 12) != SQLITE_NULL;
	const char *missing = NULL;
	struct lf_bytes answer;

	columns->sequence = (uint64_t)row->key;
	columns->decided_at_us = row->time_us;
	columns->id = row->id;
	missing = lost(lf_sqlite_column_fixed(statement, 2, row->id, sizeof(row->id)), "its id", missing);
	missing = lost((columns->caller = lf_sqlite_column_text(statement, 3)) != NULL, "its caller's name", missing);
	missing = lost((columns->team = lf_sqlite_column_text(statement, 4)) != NULL, "its team's name", missing);
	missing = lost((columns->project = lf_sqlite_column_text(statement, 5)) != NULL, "its project's name", missing);
	missing = lost((columns->rubric = lf_sqlite_column_text(statement, 6)) != NULL, "its rubric's name", missing);
	missing = lost(read_uint32(statement, 7, &columns->outcome), "its outcome", missing);
	missing = lost(read_uint32(statement, 8, &columns->purpose), "its purpose", missing);
	columns->recommended = lf_sqlite_column_text(statement, 10);
	missing = lost(columns->recommended != NULL || sqlite3_column_type(statement, 9) == SQLITE_NULL,
		"the name of who was recommended", missing);
	columns->candidates = &row->digests[0];
	missing = lost(lf_sqlite_column_fixed(statement, 11, &row->digests[0], sizeof(row->digests[0])),
		"its list of candidates", missing);
	columns->request_digest = has_digest ? &row->digests[1] : NULL;
	missing = lost(!has_digest || lf_sqlite_column_fixed(statement, 12, &row->digests[1], sizeof(row->digests[1])),
		"the digest of its request", missing);
	missing = lost(lf_sqlite_column_fixed(statement, 13, &row->salt, sizeof(row->salt)), "its salt", missing);
	missing = lost(
		read_original(statement, 17, &row->redacted, &row->original), "the commitment that it had", missing);
	for (int i = 0; i < 3; i++)
		missing = lost(
			read_payload(statement, 14 + i, 18 + i, row), "the commitment that a payload had", missing);
	answer = lf_sqlite_column_bytes(statement, 21);
	columns->answer = answer.data;
	columns->answer_length = answer.length;
	row->missing = missing;
}

static void read_rubric(sqlite3_stmt *statement, struct lf_record_row *row)
{
	struct lf_rubric_columns *columns = &row->columns.rubric;
	const char *missing = NULL;

	columns->put_at_us = row->time_us;
	missing = lost((columns->name = lf_sqlite_column_text(statement, 2)) != NULL, "its name", missing);
	missing = lost((columns->title = lf_sqlite_column_text(statement, 3)) != NULL, "its title", missing);
	missing = lost((columns->put_by = lf_sqlite_column_text(statement, 4)) != NULL, "its caller's name", missing);
	missing = lost(read_payload(statement, 0, 5, row), "the commitment that its bytes had", missing);
	row->missing = missing;
}

static void read_activation(sqlite3_stmt *statement, struct lf_record_row *row)
{
	struct lf_activation_columns *columns = &row->columns.activation;
	const bool has_from = sqlite3_column_type(statement, 4) != SQLITE_NULL,
		   has_to = sqlite3_column_int64(statement, 7) != 0;
	const char *missing = NULL;

	columns->activated_at_us = row->time_us;
	columns->from = has_from ? &row->digests[0] : NULL;
	columns->to = has_to ? &row->digests[1] : NULL;
	missing = lost((columns->name = lf_sqlite_column_text(statement, 2)) != NULL, "its rubric's name", missing);
	missing = lost((columns->caller = lf_sqlite_column_text(statement, 3)) != NULL, "its caller's name", missing);
	missing = lost(!has_from || lf_sqlite_column_fixed(statement, 5, &row->digests[0], sizeof(row->digests[0])),
		"the rubric that was active before", missing);
	missing = lost(!has_to || lf_sqlite_column_fixed(statement, 6, &row->digests[1], sizeof(row->digests[1])),
		"the rubric that it made active", missing);
	row->missing = missing;
}

static void read_act(sqlite3_stmt *statement, struct lf_record_row *row)
{
	struct lf_act_columns *columns = &row->columns.act;
	const char *missing = NULL;
	struct lf_bytes body;

	columns->at_us = row->time_us;
	columns->kind = (enum lf_leaf_kind)sqlite3_column_int(statement, 2);
	columns->decision_sequence = (uint64_t)sqlite3_column_int64(statement, 4);
	body = lf_sqlite_column_bytes(statement, 6);
	columns->body = body.data;
	columns->body_length = body.length;
	row->pairs = lf_sqlite_column_bytes(statement, 7);
	missing = lost((columns->caller = lf_sqlite_column_text(statement, 3)) != NULL, "its caller's name", missing);
	missing = lost(lf_sqlite_column_fixed(statement, 5, &row->salt, sizeof(row->salt)), "its salt", missing);
	missing = lost(row->pairs.length % (2 * sizeof(struct lf_digest)) == 0, "the end of its pairs", missing);
	missing = lost(
		read_original(statement, 8, &row->redacted, &row->original), "the commitment that it had", missing);
	row->missing = missing;
}

void lf_sqlite_stream_row(const struct lf_record_stream *stream, struct lf_record_row *row)
{
	static void (*const readers[LF_RECORD_TABLES])(sqlite3_stmt *, struct lf_record_row *) = {
		read_decision, read_rubric, read_activation, read_act};

	row->key = sqlite3_column_int64(stream->statement, 0);
	row->time_us = sqlite3_column_int64(stream->statement, 1);
	row->redacted = false;
	row->payload_count = 0;
	row->pairs = (struct lf_bytes){NULL, 0};
	readers[stream->table](stream->statement, row);
}

size_t lf_sqlite_record_bytes(enum lf_record_table table, const struct lf_record_row *row, uint8_t *out)
{
	switch (table) {
	case LF_RECORD_DECISION:
		return lf_record_decision(&row->columns.decision, out);
	case LF_RECORD_RUBRIC:
		return lf_record_rubric(&row->columns.rubric, out);
	case LF_RECORD_ACTIVATION:
		return lf_record_activation(&row->columns.activation, out);
	default:
		return lf_record_act(&row->columns.act, out);
	}
}
