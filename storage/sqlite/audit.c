/*
 * What is stored for each leaf. Nothing is trusted and nothing is judged: what is missing is named, the rest is given
 * as it is.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/base/clock.h"
#include "storage/sqlite/private.h"

struct audit {
	struct lf_reader *reader;
	struct lf_record_stream streams[LF_RECORD_TABLES];
	struct lf_record_row record;
	struct lf_audit_row row;
};

/* The table that has the records of a kind; LF_RECORD_TABLES for what is no kind. */
static enum lf_record_table table_of(int64_t kind)
{
	if (kind == LF_LEAF_DECISION)
		return LF_RECORD_DECISION;
	if (kind == LF_LEAF_RUBRIC)
		return LF_RECORD_RUBRIC;
	if (kind == LF_LEAF_ACTIVATION)
		return LF_RECORD_ACTIVATION;
	return kind >= LF_LEAF_OUTCOME && kind <= LF_LEAF_KIND_MAX ? LF_RECORD_ACT : LF_RECORD_TABLES;
}

/* The canonical bytes, in the reader's own memory. */
static bool fill_bytes(struct audit *audit, enum lf_record_table table)
{
	struct lf_reader *reader = audit->reader;
	const size_t length = lf_sqlite_record_bytes(table, &audit->record, NULL);

	if (length > reader->record_size) {
		uint8_t *grown = malloc(length + length / 2);

		if (grown == NULL)
			return false;
		free(reader->record);
		reader->record = grown;
		reader->record_size = length + length / 2;
	}
	lf_sqlite_record_bytes(table, &audit->record, reader->record);
	audit->row.record = (struct lf_bytes){reader->record, length};
	return true;
}

/* Fills in the record of the leaf that audit->row is about. SQLITE_OK or an error. */
static int fill_record(struct audit *audit, int64_t kind, int64_t key, const struct lf_salt *leaf_salt)
{
	struct lf_audit_row *row = &audit->row;
	struct lf_record_row *record = &audit->record;
	const enum lf_record_table table = table_of(kind);
	struct lf_record_stream *stream;
	int result;
	bool own_salt;

	if (table == LF_RECORD_TABLES) {
		row->missing = "its kind";
		return SQLITE_OK;
	}
	stream = &audit->streams[table];
	result = lf_sqlite_stream_seek(stream, key);
	if (result != SQLITE_ROW && result != SQLITE_DONE)
		return result;
	if (result == SQLITE_DONE || stream->key != key) {
		row->missing = "its row";
		return SQLITE_OK;
	}
	lf_sqlite_stream_row(stream, record);
	row->missing = record->missing;
	own_salt = table == LF_RECORD_DECISION || table == LF_RECORD_ACT;
	if (row->missing == NULL && !own_salt && leaf_salt == NULL)
		row->missing = "its salt";
	if (row->missing != NULL) /* or memory was short */
		return sqlite3_errcode(audit->reader->db) == SQLITE_NOMEM ? SQLITE_NOMEM : SQLITE_OK;
	row->number = table == LF_RECORD_DECISION ? (uint64_t)record->key : row->position;
	row->time_us = record->time_us;
	row->salt = own_salt ? record->salt : *leaf_salt;
	row->redacted = record->redacted;
	row->original = record->original;
	row->payload_count = record->payload_count;
	memcpy(row->payloads, record->payloads, sizeof(row->payloads));
	row->pairs = (const struct lf_digest *)(const void *)record->pairs.data;
	row->pair_count = record->pairs.length / (2 * sizeof(*row->pairs));
	if (table == LF_RECORD_DECISION)
		memcpy(&row->decision, record->id, sizeof(row->decision));
	return fill_bytes(audit, table) ? SQLITE_OK : SQLITE_NOMEM;
}

/* Fills in the row of the leaf that the statement is at. */
static int fill_leaf(struct audit *audit, sqlite3_stmt *leaf)
{
	struct lf_audit_row *row = &audit->row;
	struct lf_salt salt;
	const int64_t kind = sqlite3_column_int64(leaf, 1);
	bool salted;

	memset(row, 0, sizeof(*row));
	row->position = (uint64_t)sqlite3_column_int64(leaf, 0);
	row->kind = (enum lf_leaf_kind)kind;
	if (!lf_sqlite_column_fixed(leaf, 3, &row->hash, sizeof(row->hash))) {
		row->missing = "its hash";
		return sqlite3_errcode(audit->reader->db) == SQLITE_NOMEM ? SQLITE_NOMEM : SQLITE_OK;
	}
	salted = lf_sqlite_column_fixed(leaf, 4, &salt, sizeof(salt));
	return fill_record(audit, kind, sqlite3_column_int64(leaf, 2), salted ? &salt : NULL);
}

/* Leaves that are missing below the head are told one by one; those behind the head as they are. */
static enum lf_code walk(struct audit *audit, uint64_t first, size_t limit,
	void (*visit)(void *context, const struct lf_audit_row *row), void *context, uint64_t *next,
	struct lf_error *error)
{
	sqlite3_stmt *leaf = audit->reader->statements[R_AUDIT_LEAF];
	struct lf_tree_head head;
	uint64_t start_ns;
	uint64_t position = first, at = first;
	int result;

	start_ns = lf_clock_ns();
	if (lf_sqlite_head(audit->reader, &head, error) != LF_OK)
		return error->code;
	sqlite3_bind_int64(leaf, 1, first <= INT64_MAX ? (int64_t)first : INT64_MAX);
	result = first <= INT64_MAX ? sqlite3_step(leaf) : SQLITE_DONE;
	for (size_t count = 0; count < limit && (count == 0 || !lf_sqlite_time_is_up(start_ns)); count++, position++) {
		if (result == SQLITE_ROW)
			at = (uint64_t)sqlite3_column_int64(leaf, 0);
		if (result == SQLITE_ROW && at > position && position >= head.size)
			position = at;
		if (result != SQLITE_ROW && (result != SQLITE_DONE || position >= head.size))
			break;
		if (result == SQLITE_ROW && at == position) {
			const int filled = fill_leaf(audit, leaf);

			if (filled != SQLITE_OK) {
				result = filled;
				break;
			}
			visit(context, &audit->row);
			result = sqlite3_step(leaf);
		} else {
			audit->row = (struct lf_audit_row){.position = position, .missing = "the leaf itself"};
			visit(context, &audit->row);
		}
	}
	sqlite3_reset(leaf);
	if (result != SQLITE_ROW && result != SQLITE_DONE)
		return lf_sqlite_error(error, audit->reader->db, result, "reading what leaves commit to");
	*next = result == SQLITE_ROW || position < head.size ? position : 0;
	return LF_OK;
}

enum lf_code lf_sqlite_audit(struct lf_reader *reader, uint64_t first, size_t limit,
	void (*visit)(void *context, const struct lf_audit_row *row), void *context, uint64_t *next,
	struct lf_error *error)
{
	struct audit audit = {.reader = reader};
	const int result = lf_sqlite_begin_reading(reader);

	if (result != SQLITE_OK)
		return lf_sqlite_error(error, reader->db, result, "reading what leaves commit to");
	for (int i = 0; i < LF_RECORD_TABLES; i++)
		audit.streams[i] =
			(struct lf_record_stream){.statement = reader->records[i], .table = (enum lf_record_table)i};
	walk(&audit, first, limit, visit, context, next, error);
	for (int i = 0; i < LF_RECORD_TABLES; i++)
		lf_sqlite_stream_end(&audit.streams[i]);
	lf_sqlite_end_reading(reader);
	return error->code;
}

enum lf_code lf_sqlite_get_payload(
	struct lf_reader *reader, uint64_t id, struct lf_payload_row **row, struct lf_error *error)
{
	sqlite3_stmt *get = reader->statements[R_PAYLOAD];
	struct lf_payload_row found = {.id = id};
	enum lf_code code = LF_OK;
	int result;

	sqlite3_bind_int64(get, 1, (int64_t)id);
	result = sqlite3_step(get);
	if (result == SQLITE_DONE) {
		code = lf_error_set(error, LF_NOT_FOUND, "there is no payload %llu", (unsigned long long)id);
	} else if (result != SQLITE_ROW) {
		code = lf_sqlite_error(error, reader->db, result, "reading a payload");
	} else {
		found.kind = (enum lf_payload_kind)sqlite3_column_int(get, 1);
		found.body = lf_sqlite_column_bytes(get, 4);
		if (!lf_sqlite_column_fixed(get, 2, &found.digest, sizeof(found.digest)) ||
			!lf_sqlite_column_fixed(get, 3, &found.salt, sizeof(found.salt)))
			code = lf_error_set(
				error, LF_DATA_LOSS, "payload %llu has no digest or no salt", (unsigned long long)id);
		else if ((*row = lf_payload_row_copy(&found)) == NULL)
			code = lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	}
	sqlite3_reset(get);
	return code;
}

/* ---- what is copied beside the records ---- */

enum lf_code lf_sqlite_list_keys(struct lf_reader *reader, uint64_t first, uint64_t last,
	void (*visit)(void *context, uint64_t sequence, const char *key), void *context, struct lf_error *error)
{
	sqlite3_stmt *list = reader->statements[R_KEYS];
	int result;

	sqlite3_bind_int64(list, 1, (int64_t)first);
	sqlite3_bind_int64(list, 2, (int64_t)last);
	while ((result = sqlite3_step(list)) == SQLITE_ROW) {
		const char *key = lf_sqlite_column_text(list, 1);

		visit(context, (uint64_t)sqlite3_column_int64(list, 0), key != NULL ? key : "");
	}
	sqlite3_reset(list);
	return result == SQLITE_DONE ? LF_OK : lf_sqlite_error(error, reader->db, result, "listing idempotency keys");
}

enum lf_code lf_sqlite_list_members(struct lf_reader *reader, const struct lf_digest *candidates,
	void (*visit)(void *context, const char *candidate), void *context, struct lf_error *error)
{
	sqlite3_stmt *list = reader->statements[R_MEMBERS];
	int result;

	lf_sqlite_bind_blob(list, 1, candidates, sizeof(*candidates));
	while ((result = sqlite3_step(list)) == SQLITE_ROW) {
		const char *candidate = lf_sqlite_column_text(list, 0);

		visit(context, candidate != NULL ? candidate : "");
	}
	sqlite3_reset(list);
	return result == SQLITE_DONE ? LF_OK : lf_sqlite_error(error, reader->db, result, "listing candidates");
}

/* ---- finding what to redact ---- */

enum lf_code lf_sqlite_list_payloads(struct lf_reader *reader, enum lf_payload_kind kind, uint64_t after, size_t limit,
	void (*visit)(void *context, const struct lf_payload_row *row), void *context, uint64_t *next,
	struct lf_error *error)
{
	sqlite3_stmt *list = reader->statements[R_PAYLOADS];
	uint64_t start_ns;
	size_t shown = 0, seen = 0;
	int result = SQLITE_DONE;

	*next = 0;
	if (after >= INT64_MAX)
		return LF_OK;
	start_ns = lf_clock_ns();
	sqlite3_bind_int64(list, 1, (int64_t)after);
	while (error->code == LF_OK && (result = sqlite3_step(list)) == SQLITE_ROW) {
		struct lf_payload_row row = {.id = (uint64_t)sqlite3_column_int64(list, 0), .kind = kind};

		if (shown == limit || (++seen % 16 == 0 && lf_sqlite_time_is_up(start_ns))) {
			*next = row.id - 1;
			break;
		}
		if (sqlite3_column_int(list, 1) != (int)kind)
			continue;
		row.body = lf_sqlite_column_bytes(list, 4);
		if (!lf_sqlite_column_fixed(list, 2, &row.digest, sizeof(row.digest)) ||
			!lf_sqlite_column_fixed(list, 3, &row.salt, sizeof(row.salt))) {
			lf_error_set(error, LF_DATA_LOSS, "payload %llu has no digest or no salt",
				(unsigned long long)row.id);
			break;
		}
		visit(context, &row);
		shown++;
	}
	if (error->code == LF_OK && result != SQLITE_ROW && result != SQLITE_DONE)
		lf_sqlite_error(error, reader->db, result, "listing payloads");
	sqlite3_reset(list);
	return error->code;
}
