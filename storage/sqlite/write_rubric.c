/*
 * The writer side of rubrics and their activations. What can be wrong is found before the first write, as in
 * write.c.
 */
#include <stdio.h>
#include <string.h>

#include "storage/sqlite/private.h"

/* ---- leaves ---- */

static int add_rubric_leaf(
	struct lf_store *store, const struct lf_rubric_put *put, int64_t rubric, const struct lf_digest *body)
{
	const struct lf_rubric_columns columns = {put->name, put->title, put->caller, put->put_at_us};
	const size_t length = lf_record_rubric(&columns, NULL);
	uint8_t *bytes = lf_sqlite_scratch(store, length);
	struct lf_digest commitments[2];
	struct lf_leaf_add add;

	if (bytes == NULL)
		return SQLITE_NOMEM;
	lf_record_rubric(&columns, bytes);
	lf_commit(&put->record_salts[0], bytes, length, &commitments[0]);
	commitments[1] = *body;
	add = (struct lf_leaf_add){LF_LEAF_RUBRIC, rubric, put->put_at_us, commitments, 2, &put->record_salts[0]};
	return lf_sqlite_add_leaf(store, put->leaves, &add, NULL);
}

/* Stores an activation: its row and its leaf. from, to: the rows of columns->from and columns->to, 0 = none. */
static int add_activation(struct lf_store *store, const struct lf_activation_columns *columns, int64_t name,
	int64_t caller, int64_t from, int64_t to, const struct lf_salt *salt, struct lf_leaves *leaves)
{
	sqlite3_stmt *insert = store->statements[W_ACTIVATION_ADD];
	const size_t length = lf_record_activation(columns, NULL);
	uint8_t *bytes = lf_sqlite_scratch(store, length);
	struct lf_digest commitment;
	int result;
	struct lf_leaf_add add;

	if (bytes == NULL)
		return SQLITE_NOMEM;
	sqlite3_bind_int64(insert, 1, name);
	sqlite3_bind_int64(insert, 2, columns->activated_at_us);
	sqlite3_bind_int64(insert, 3, caller);
	if (from != 0)
		sqlite3_bind_int64(insert, 4, from);
	else
		sqlite3_bind_null(insert, 4);
	sqlite3_bind_int64(insert, 5, to);
	result = lf_sqlite_run(insert);
	if (result != SQLITE_OK)
		return result;
	lf_record_activation(columns, bytes);
	lf_commit(salt, bytes, length, &commitment);
	add = (struct lf_leaf_add){LF_LEAF_ACTIVATION, sqlite3_last_insert_rowid(store->db), columns->activated_at_us,
		&commitment, 1, salt};
	return lf_sqlite_add_leaf(store, leaves, &add, NULL);
}

/* ---- activating ---- */

/* What becomes active: a stored version, or nothing. */
struct target {
	int64_t name;                   /* row id */
	char text[LF_ID_BYTES_MAX + 1]; /* of the name */
	int64_t rubric;                 /* row id; 0 = nothing */
	const struct lf_digest *digest; /* NULL = nothing */
};

/* The active version of a name: its row, 0 where there is none, and then did->from. SQLITE_OK or an error. */
static int find_active(struct lf_store *store, int64_t name, int64_t *from, struct lf_activated *did)
{
	sqlite3_stmt *find = store->statements[W_ACTIVE_FIND];
	int result;

	sqlite3_bind_int64(find, 1, name);
	result = sqlite3_step(find);
	*from = result == SQLITE_ROW ? sqlite3_column_int64(find, 0) : 0;
	did->had_from = *from != 0;
	if (did->had_from && !lf_sqlite_column_fixed(find, 1, &did->from, sizeof(did->from)))
		result = lf_sqlite_malformed(store->db);
	sqlite3_reset(find);
	return result == SQLITE_ROW || result == SQLITE_DONE ? SQLITE_OK : result;
}

/* Makes it so, and records that where it was not so. SQLITE_OK or an error. */
static int make_active(struct lf_store *store, const struct target *target, const char *caller, int64_t at_us,
	const struct lf_salt *salt, struct lf_leaves *leaves, struct lf_activated *did)
{
	int64_t from, caller_id;
	int result = find_active(store, target->name, &from, did);
	struct lf_activation_columns columns;

	if (result != SQLITE_OK || from == target->rubric)
		return result;
	result = lf_sqlite_intern(store, LF_NAME_CALLER, caller, &caller_id);
	if (result != SQLITE_OK)
		return result;
	columns = (struct lf_activation_columns){
		target->text, caller, at_us, did->had_from ? &did->from : NULL, target->digest};
	did->changed = true;
	return add_activation(store, &columns, target->name, caller_id, from, target->rubric, salt, leaves);
}

/* ---- putting ---- */

static int activate_put(struct lf_store *store, struct lf_rubric_put *put, int64_t name, int64_t rubric)
{
	struct target target = {.name = name, .rubric = rubric, .digest = put->digest};

	snprintf(target.text, sizeof(target.text), "%s", put->name);
	return make_active(
		store, &target, put->caller, put->put_at_us, &put->record_salts[1], put->leaves, &put->activated);
}

enum lf_code lf_sqlite_put_rubric(struct lf_store *store, struct lf_rubric_put *put, struct lf_error *error)
{
	struct lf_digest commitment;
	int64_t name, caller, rubric = 0;
	int result = SQLITE_OK;
	sqlite3_stmt *find = store->statements[W_RUBRIC_FIND], *add = store->statements[W_RUBRIC_ADD];

	lf_sqlite_count_record(store);
	put->added = false;
	memset(&put->activated, 0, sizeof(put->activated));
	lf_sqlite_bind_blob(find, 1, put->digest, sizeof(*put->digest));
	result = sqlite3_step(find);
	if (result == SQLITE_ROW) {
		const char *stored = lf_sqlite_column_text(find, 1);

		rubric = sqlite3_column_int64(find, 0);
		if (stored != NULL && strcmp(stored, put->name) != 0)
			lf_error_set(error, LF_INVALID_ARGUMENT, "a rubric of this digest is stored as %s, not %s",
				stored, put->name);
	}
	sqlite3_reset(find);
	if (error->code != LF_OK)
		return error->code;
	result = result == SQLITE_ROW || result == SQLITE_DONE ? SQLITE_OK : result;
	if (result == SQLITE_OK)
		result = lf_sqlite_intern(store, LF_NAME_RUBRIC, put->name, &name);
	if (result == SQLITE_OK)
		result = lf_sqlite_intern(store, LF_NAME_CALLER, put->caller, &caller);
	if (result == SQLITE_OK && rubric == 0) {
		result = lf_sqlite_store_payload(
			store, LF_PAYLOAD_RUBRIC, put->body, put->digest, &put->salt, &rubric, &commitment);
		if (result == SQLITE_OK) {
			sqlite3_bind_int64(add, 1, rubric);
			sqlite3_bind_int64(add, 2, name);
			lf_sqlite_bind_text(add, 3, put->title);
			sqlite3_bind_int64(add, 4, caller);
			sqlite3_bind_int64(add, 5, put->put_at_us);
			result = lf_sqlite_run(add);
			put->added = true;
		}
		if (result == SQLITE_OK)
			result = add_rubric_leaf(store, put, rubric, &commitment);
	}
	if (result == SQLITE_OK && put->activate)
		result = activate_put(store, put, name, rubric);
	return result == SQLITE_OK ? LF_OK : lf_sqlite_write_error(store, error, result, "storing a rubric");
}

/* ---- activating what is stored ---- */

/* The version that an activation means. NOT_FOUND where there is none of that name. */
static enum lf_code find_version(struct lf_store *store, const struct lf_rubric_activate *activate,
	struct target *target, struct lf_error *error)
{
	sqlite3_stmt *find = store->statements[W_RUBRIC_FIND];
	char text[65];
	enum lf_code code = LF_OK;
	const bool named = activate->name[0] != '\0';
	int result;
	const char *stored;

	lf_digest_print(activate->digest, text);
	lf_sqlite_bind_blob(find, 1, activate->digest, sizeof(*activate->digest));
	result = sqlite3_step(find);
	stored = result == SQLITE_ROW ? lf_sqlite_column_text(find, 1) : NULL;
	if (result == SQLITE_DONE) {
		code = lf_error_set(error, LF_NOT_FOUND, "no rubric of digest %s is stored", text);
	} else if (result == SQLITE_ROW && stored != NULL && named && strcmp(stored, activate->name) != 0) {
		code = lf_error_set(
			error, LF_NOT_FOUND, "the rubric of digest %s is %s, not %s", text, stored, activate->name);
	} else {
		target->rubric = sqlite3_column_int64(find, 0);
		target->digest = activate->digest;
		snprintf(target->text, sizeof(target->text), "%s", stored == NULL ? "" : stored);
		if (result == SQLITE_ROW)
			result = stored == NULL ? SQLITE_NOMEM
						: lf_sqlite_intern(store, LF_NAME_RUBRIC, stored, &target->name);
		if (result != SQLITE_OK)
			code = lf_sqlite_write_error(store, error, result, "looking a rubric up");
	}
	sqlite3_reset(find);
	return code;
}

/* A name that is to have no active version. NOT_FOUND where no version of it is stored. */
static enum lf_code find_rubric_name(
	struct lf_store *store, const char *name, struct target *target, struct lf_error *error)
{
	sqlite3_stmt *find = store->statements[W_RUBRIC_NAME];
	int result;

	lf_sqlite_bind_text(find, 1, name);
	target->name = lf_sqlite_find_id(find, &result);
	snprintf(target->text, sizeof(target->text), "%s", name);
	if (result != SQLITE_OK)
		return lf_sqlite_write_error(store, error, result, "looking a rubric up");
	return target->name != 0 ? LF_OK : lf_error_set(error, LF_NOT_FOUND, "no rubric %s is stored", name);
}

enum lf_code lf_sqlite_activate_rubric(
	struct lf_store *store, struct lf_rubric_activate *activate, struct lf_error *error)
{
	struct target target = {.rubric = 0};
	int result;

	lf_sqlite_count_record(store);
	memset(&activate->activated, 0, sizeof(activate->activated));
	if ((activate->digest != NULL ? find_version(store, activate, &target, error)
				      : find_rubric_name(store, activate->name, &target, error)) != LF_OK)
		return error->code;
	result = make_active(store, &target, activate->caller, activate->activated_at_us, &activate->record_salt,
		activate->leaves, &activate->activated);
	return result == SQLITE_OK ? LF_OK : lf_sqlite_write_error(store, error, result, "activating a rubric");
}
