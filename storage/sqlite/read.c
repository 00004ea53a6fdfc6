/* Readers: single things. Lists are in list.c and scan.c. */
#include <stdlib.h>
#include <string.h>

#include "storage/sqlite/private.h"

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
		row.answer = lf_sqlite_column_bytes(get, LF_SQLITE_ROW_COLUMNS + 4);
		if (!fill_payload(reader, get, LF_SQLITE_ROW_COLUMNS, row.team_payload, &row.team) ||
			!fill_payload(reader, get, LF_SQLITE_ROW_COLUMNS + 2, row.project_payload, &row.project))
			code = lf_error_set(
				error, LF_DATA_LOSS, "the team or project of decision %s is missing or changed", text);
		else if ((*stored = lf_stored_copy(&row)) == NULL)
			code = lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	}
	sqlite3_reset(get);
	return code;
}

/* ---- rubrics ---- */

/* Whether the rubric is the active one is the statement's business. */
static void fill_rubric(sqlite3_stmt *statement, struct lf_rubric_row *row)
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
		fill_rubric(get, &found);
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
		fill_rubric(list, &row);
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
	row->has_to = sqlite3_column_int64(statement, 6) != 0;
	if (row->name == NULL || row->caller == NULL ||
		(row->had_from && !lf_sqlite_column_fixed(statement, 5, &row->from, sizeof(row->from))) ||
		(row->has_to && !lf_sqlite_column_fixed(statement, 7, &row->to, sizeof(row->to))))
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
