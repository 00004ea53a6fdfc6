/* The writer side of rubrics and their activations. */
#include <stdio.h>
#include <string.h>

#include "storage/sqlite/private.h"

/* Rows of an activation's item, from prepare() to write(). */
enum { ROW_NAME, ROW_FROM, ROW_TO };

/* ---- looking up ---- */

/* The rubric of this digest: its row, 0 where there is none; and its name. SQLITE_OK or an error. */
static int find_version(
	struct lf_store *store, const struct lf_digest *digest, int64_t *row, char name[LF_ID_BYTES_MAX + 1])
{
	sqlite3_stmt *find = store->statements[W_RUBRIC_FIND];
	int result;

	*row = 0;
	lf_sqlite_bind_blob(find, 1, digest, sizeof(*digest));
	result = sqlite3_step(find);
	if (result == SQLITE_ROW) {
		const char *stored = lf_sqlite_column_text(find, 1);

		*row = sqlite3_column_int64(find, 0);
		if (stored == NULL)
			result = SQLITE_NOMEM;
		else
			snprintf(name, LF_ID_BYTES_MAX + 1, "%s", stored);
	}
	sqlite3_reset(find);
	return result == SQLITE_ROW || result == SQLITE_DONE ? SQLITE_OK : result;
}

int lf_sqlite_prepare_rubric(struct lf_store *store, struct lf_item *item)
{
	struct lf_item_rubric *rubric = &item->rubric;
	int64_t row;
	const int result = find_version(store, rubric->body.digest, &row, rubric->stored_name);

	rubric->stored = row != 0;
	return result;
}

/* The active version of a name: its row, 0 where there is none, and then its digest. SQLITE_OK or an error. */
static int find_active(struct lf_store *store, int64_t name, int64_t *from, struct lf_digest *digest)
{
	sqlite3_stmt *find = store->statements[W_ACTIVE_FIND];
	int result;

	sqlite3_bind_int64(find, 1, name);
	result = sqlite3_step(find);
	*from = result == SQLITE_ROW ? sqlite3_column_int64(find, 0) : 0;
	if (*from != 0 && !lf_sqlite_column_fixed(find, 1, digest, sizeof(*digest)))
		result = lf_sqlite_malformed(store->db);
	sqlite3_reset(find);
	return result == SQLITE_ROW || result == SQLITE_DONE ? SQLITE_OK : result;
}

int lf_sqlite_prepare_activation(struct lf_store *store, struct lf_item *item)
{
	struct lf_item_activation *activation = &item->activation;
	int result;

	if (activation->digest != NULL) {
		result = find_version(store, activation->digest, &item->rows[ROW_TO], activation->stored_name);
		if (result == SQLITE_OK && item->rows[ROW_TO] != 0)
			result =
				lf_sqlite_intern(store, LF_NAME_RUBRIC, activation->stored_name, &item->rows[ROW_NAME]);
	} else {
		sqlite3_stmt *find = store->statements[W_RUBRIC_NAME];

		lf_sqlite_bind_text(find, 1, activation->name);
		item->rows[ROW_NAME] = lf_sqlite_find_id(find, &result);
		snprintf(activation->stored_name, sizeof(activation->stored_name), "%s", activation->name);
	}
	activation->stored = item->rows[ROW_NAME] != 0;
	if (result == SQLITE_OK && activation->stored)
		result = find_active(store, item->rows[ROW_NAME], &item->rows[ROW_FROM], &activation->from);
	activation->had_from = item->rows[ROW_FROM] != 0;
	return result;
}

/* ---- storing ---- */

int lf_sqlite_write_rubric(struct lf_store *store, struct lf_item *item)
{
	const struct lf_item_rubric *rubric = &item->rubric;
	sqlite3_stmt *add = store->statements[W_RUBRIC_ADD];
	int64_t name, caller, row;
	int result = lf_sqlite_intern(store, LF_NAME_RUBRIC, rubric->name, &name);

	if (result == SQLITE_OK)
		result = lf_sqlite_intern(store, LF_NAME_CALLER, rubric->caller, &caller);
	if (result == SQLITE_OK)
		result = lf_sqlite_store_payload(store, LF_PAYLOAD_RUBRIC, &rubric->body, &row);
	if (result != SQLITE_OK)
		return result;
	sqlite3_bind_int64(add, 1, row);
	sqlite3_bind_int64(add, 2, name);
	lf_sqlite_bind_text(add, 3, rubric->title);
	sqlite3_bind_int64(add, 4, caller);
	sqlite3_bind_int64(add, 5, item->at_us);
	result = lf_sqlite_run(add);
	return result == SQLITE_OK ? lf_sqlite_add_leaf(store, LF_LEAF_RUBRIC, row, &item->place, &item->salt) : result;
}

int lf_sqlite_write_activation(struct lf_store *store, struct lf_item *item)
{
	sqlite3_stmt *insert = store->statements[W_ACTIVATION_ADD];
	int64_t caller;
	int result = lf_sqlite_intern(store, LF_NAME_CALLER, item->activation.caller, &caller);

	if (result != SQLITE_OK)
		return result;
	sqlite3_bind_int64(insert, 1, item->rows[ROW_NAME]);
	sqlite3_bind_int64(insert, 2, item->at_us);
	sqlite3_bind_int64(insert, 3, caller);
	if (item->activation.had_from)
		sqlite3_bind_int64(insert, 4, item->rows[ROW_FROM]);
	else
		sqlite3_bind_null(insert, 4);
	sqlite3_bind_int64(insert, 5, item->rows[ROW_TO]);
	result = lf_sqlite_run(insert);
	return result == SQLITE_OK ? lf_sqlite_add_leaf(store, LF_LEAF_ACTIVATION, sqlite3_last_insert_rowid(store->db),
					     &item->place, &item->salt)
				   : result;
}
