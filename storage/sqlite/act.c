/* Acts: what is appended about decisions afterwards, and about the log itself. */
#include <string.h>

#include "proto/base/clock.h"
#include "storage/sqlite/private.h"

/* ---- appending ---- */

int lf_sqlite_add_act(struct lf_store *store, const struct lf_act_add *add, uint64_t *id)
{
	const struct lf_act_columns *columns = &add->columns;
	sqlite3_stmt *insert = store->statements[W_ACT_ADD];
	int64_t caller;
	int result = lf_sqlite_intern(store, LF_NAME_CALLER, columns->caller, &caller);

	if (result != SQLITE_OK)
		return result;
	sqlite3_bind_int(insert, 1, (int)columns->kind);
	sqlite3_bind_int64(insert, 2, columns->at_us);
	sqlite3_bind_int64(insert, 3, caller);
	if (columns->decision_sequence != 0)
		sqlite3_bind_int64(insert, 4, (int64_t)columns->decision_sequence);
	else
		sqlite3_bind_null(insert, 4);
	sqlite3_bind_int64(insert, 5, (int64_t)add->place->position);
	lf_sqlite_bind_blob(insert, 6, add->salt, sizeof(*add->salt));
	lf_sqlite_bind_blob(insert, 7, columns->body, columns->body_length);
	if (add->pair_count > 0)
		lf_sqlite_bind_blob(insert, 8, add->pairs, 2 * add->pair_count * sizeof(*add->pairs));
	else
		sqlite3_bind_null(insert, 8);
	result = lf_sqlite_run(insert);
	if (result != SQLITE_OK)
		return result;
	*id = (uint64_t)sqlite3_last_insert_rowid(store->db);
	return lf_sqlite_add_leaf(store, columns->kind, (int64_t)*id, add->place, NULL);
}

int lf_sqlite_prepare_act(struct lf_store *store, struct lf_item *item)
{
	sqlite3_stmt *find = store->statements[W_ACT_DECISION];
	int result;

	if (item->act.decision == NULL)
		return SQLITE_OK;
	result = lf_sqlite_write_decisions(store);
	if (result != SQLITE_OK)
		return result;
	lf_sqlite_bind_blob(find, 1, item->act.decision, sizeof(*item->act.decision));
	item->act.decision_sequence = (uint64_t)lf_sqlite_find_id(find, &result);
	return result;
}

int lf_sqlite_write_act(struct lf_store *store, struct lf_item *item)
{
	struct lf_item_act *act = &item->act;
	const struct lf_act_add add = {
		.columns = {act->kind, act->caller, item->at_us, act->decision_sequence, act->body.data,
			act->body.length},
		.salt = &item->salt,
		.place = &item->place,
		.pairs = act->pairs,
		.pair_count = act->pair_count,
	};
	const int result = lf_sqlite_add_act(store, &add, &act->id);

	return result == SQLITE_OK ? lf_sqlite_store_original(store, LF_REDACTION_ACT, (int64_t)act->id, item->original)
				   : result;
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
