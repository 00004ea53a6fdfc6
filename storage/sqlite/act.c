/* Acts: what is appended about decisions afterwards, and about the log itself. */
#include <string.h>

#include "proto/base/clock.h"
#include "storage/sqlite/private.h"

/* ---- appending ---- */

int lf_sqlite_add_act(struct lf_store *store, struct lf_act_add *add, struct lf_leaves *leaves)
{
	const struct lf_act_columns *columns = &add->columns;
	const size_t length = lf_record_act(columns, NULL);
	uint8_t *bytes = lf_sqlite_scratch(store, length);
	sqlite3_stmt *insert = store->statements[W_ACT_ADD];
	int64_t caller;
	int result;
	struct lf_leaf_add leaf;

	if (bytes == NULL)
		return SQLITE_NOMEM;
	result = lf_sqlite_intern(store, LF_NAME_CALLER, columns->caller, &caller);
	if (result != SQLITE_OK)
		return result;
	sqlite3_bind_int(insert, 1, (int)columns->kind);
	sqlite3_bind_int64(insert, 2, columns->at_us);
	sqlite3_bind_int64(insert, 3, caller);
	if (columns->decision_sequence != 0)
		sqlite3_bind_int64(insert, 4, (int64_t)columns->decision_sequence);
	else
		sqlite3_bind_null(insert, 4);
	sqlite3_bind_int64(insert, 5, (int64_t)leaves->tree.size);
	lf_sqlite_bind_blob(insert, 6, add->salt, sizeof(*add->salt));
	lf_sqlite_bind_blob(insert, 7, columns->body, columns->body_length);
	if (add->commitment_count > 1)
		lf_sqlite_bind_blob(
			insert, 8, add->commitments + 1, (add->commitment_count - 1) * sizeof(*add->commitments));
	else
		sqlite3_bind_null(insert, 8);
	result = lf_sqlite_run(insert);
	if (result != SQLITE_OK)
		return result;
	add->id = (uint64_t)sqlite3_last_insert_rowid(store->db);
	lf_record_act(columns, bytes);
	lf_commit(add->salt, bytes, length, &add->commitments[0]);
	leaf = (struct lf_leaf_add){
		columns->kind, (int64_t)add->id, columns->at_us, add->commitments, add->commitment_count, NULL};
	return lf_sqlite_add_leaf(store, leaves, &leaf, &add->position);
}

enum lf_code lf_sqlite_put_act(struct lf_store *store, struct lf_act_put *put, const struct lf_salt *salt,
	struct lf_leaves *leaves, struct lf_error *error)
{
	struct lf_digest commitment;
	struct lf_act_add add = {
		.columns = {put->kind, put->caller, put->at_us, 0, put->body.data, put->body.length},
		.salt = salt,
		.commitments = &commitment,
		.commitment_count = 1,
	};
	int result;

	lf_sqlite_count_record(store);
	result = put->decision == NULL ? SQLITE_OK : lf_sqlite_write_decisions(store);
	if (result == SQLITE_OK && put->decision != NULL) {
		sqlite3_stmt *find = store->statements[W_ACT_DECISION];
		char text[LF_UUID_TEXT_BYTES];

		lf_sqlite_bind_blob(find, 1, put->decision, sizeof(*put->decision));
		add.columns.decision_sequence = (uint64_t)lf_sqlite_find_id(find, &result);
		lf_uuid_print(put->decision, text);
		if (result == SQLITE_OK && add.columns.decision_sequence == 0)
			return lf_error_set(error, LF_NOT_FOUND, "there is no decision %s", text);
	}
	if (result == SQLITE_OK)
		result = lf_sqlite_add_act(store, &add, leaves);
	put->id = add.id;
	put->position = add.position;
	return result == SQLITE_OK ? LF_OK : lf_sqlite_write_error(store, error, result, "recording an act");
}

/* ---- listing ---- */

static enum lf_code fill_act(sqlite3_stmt *statement, struct lf_act_row *row, struct lf_error *error)
{
	sqlite3 *db;

	memset(row, 0, sizeof(*row));
	row->id = (uint64_t)sqlite3_column_int64(statement, 0);
	row->kind = (enum lf_leaf_kind)sqlite3_column_int(statement, 1);
	row->at_us = sqlite3_column_int64(statement, 2);
	row->caller = lf_sqlite_column_text(statement, 3);
	row->has_decision = sqlite3_column_type(statement, 4) != SQLITE_NULL;
	row->decision_sequence = (uint64_t)sqlite3_column_int64(statement, 4);
	row->position = (uint64_t)sqlite3_column_int64(statement, 6);
	row->body = lf_sqlite_column_bytes(statement, 7);
	if (row->caller != NULL &&
		(!row->has_decision || lf_sqlite_column_fixed(statement, 5, &row->decision, sizeof(row->decision))))
		return LF_OK;
	db = sqlite3_db_handle(statement);
	if (lf_sqlite_malformed(db) == SQLITE_NOMEM)
		return lf_sqlite_error(error, db, SQLITE_NOMEM, "listing acts");
	return lf_error_set(error, LF_DATA_LOSS, "act %llu refers to what is not stored", (unsigned long long)row->id);
}

/* Goes through the bound statement; ends early at the limit or when time is up, with *next the id to go on after. */
static enum lf_code walk_acts(struct lf_reader *reader, sqlite3_stmt *list, enum lf_leaf_kind kind, uint64_t after,
	size_t limit, void (*visit)(void *context, const struct lf_act_row *row), void *context, uint64_t *next,
	struct lf_error *error)
{
	uint64_t start_ns;
	struct lf_act_row row;
	size_t shown = 0, looked_at = 0;
	uint64_t last = after;
	int result;

	start_ns = lf_clock_ns();
	while ((result = sqlite3_step(list)) == SQLITE_ROW) {
		if (shown == limit || (looked_at > 0 && looked_at % 16 == 0 && lf_sqlite_time_is_up(start_ns)))
			break;
		looked_at++;
		last = (uint64_t)sqlite3_column_int64(list, 0);
		if (kind != 0 && sqlite3_column_int(list, 1) != (int)kind)
			continue;
		if (fill_act(list, &row, error) != LF_OK)
			return error->code;
		visit(context, &row);
		shown++;
	}
	if (result != SQLITE_ROW && result != SQLITE_DONE)
		return lf_sqlite_error(error, reader->db, result, "listing acts");
	*next = result == SQLITE_ROW ? last : 0;
	return LF_OK;
}

enum lf_code lf_sqlite_list_acts(struct lf_reader *reader, enum lf_leaf_kind kind, const struct lf_uuid *decision,
	uint64_t after, size_t limit, void (*visit)(void *context, const struct lf_act_row *row), void *context,
	uint64_t *next, struct lf_error *error)
{
	const bool few = decision == NULL && kind != 0 && kind != LF_LEAF_OUTCOME;
	sqlite3_stmt *list = reader->statements[few ? R_ACTS_OF_KIND : decision != NULL ? R_ACTS_OF : R_ACTS];

	sqlite3_bind_int64(list, 1, after <= INT64_MAX ? (int64_t)after : INT64_MAX);
	if (few)
		sqlite3_bind_int(list, 2, (int)kind);
	else if (decision != NULL)
		lf_sqlite_bind_blob(list, 2, decision, sizeof(*decision));
	walk_acts(reader, list, kind, after, limit, visit, context, next, error);
	sqlite3_reset(list);
	return error->code;
}
