/*
 * The writer side: what a group refers to is looked up, and what of it is to be stored is stored. Decisions wait in
 * memory (waiting_rows.c) until the commit, or until something of their transaction reads the table: a key, an act about
 * a decision, a redaction.
 *
 * Nothing that is looked up adds anything, so what is refused leaves nothing behind, and no savepoint is needed: a
 * savepoint copies every page that a record touches.
 */
#include <string.h>

#include "proto/base/check.h"
#include "storage/sqlite/private.h"

/* Tags of the id cache: name kinds, then these. */
enum { TAG_PAYLOAD = 16, TAG_RUBRIC = 32 };

/* Rows of a decision's item, from prepare() to write(). */
enum { ROW_RUBRIC, ROW_TEAM, ROW_PROJECT };

/* ---- what waits ---- */

/* They were looked up: a key that is there nevertheless is that of no decision. */
static int write_keys(struct lf_store *store)
{
	const int result = lf_sqlite_run(store->statements[W_KEYS_ADD]);

	return result == SQLITE_OK && sqlite3_changes(store->db) != (int)store->key_count ? SQLITE_CORRUPT : result;
}

int lf_sqlite_write_decisions(struct lf_store *store)
{
	int result = store->decision_count == 0 ? SQLITE_OK : lf_sqlite_run(store->statements[W_DECISIONS_ADD]);

	if (result == SQLITE_OK && store->key_count > 0)
		result = write_keys(store);
	store->decision_count = 0;
	store->key_count = 0;
	return result;
}

int lf_sqlite_write_heads(struct lf_store *store)
{
	struct lf_heads *heads = &store->heads;
	const int result = heads->dirty_count == 0 ? SQLITE_OK : lf_sqlite_run(store->statements[W_CHAINS_SET]);

	if (result != SQLITE_OK)
		return result;
	for (size_t i = 0; i < heads->dirty_count; i++)
		heads->slots[heads->dirty[i]].dirty = false;
	heads->dirty_count = 0;
	return SQLITE_OK;
}

/* ---- names and payloads, once each ---- */

struct name {
	enum lf_name_kind kind;
	const void *value;
	size_t length;
};

/* A list of candidates is named by bytes, anything else by text. */
static void bind_name(sqlite3_stmt *statement, const struct name *name)
{
	sqlite3_bind_int(statement, 1, (int)name->kind);
	if (name->kind == LF_NAME_CANDIDATES)
		lf_sqlite_bind_blob(statement, 2, name->value, name->length);
	else
		sqlite3_bind_text64(
			statement, 2, name->length > 0 ? name->value : "", name->length, SQLITE_STATIC, SQLITE_UTF8);
}

/* Its row; 0 where there is none. */
static int find_name(struct lf_store *store, const struct name *name, int64_t *id)
{
	int result;

	*id = lf_id_cache_find(store->ids, (uint8_t)name->kind, name->value, name->length, NULL);
	if (*id != 0)
		return SQLITE_OK;
	bind_name(store->statements[W_NAME_FIND], name);
	*id = lf_sqlite_find_id(store->statements[W_NAME_FIND], &result);
	if (result == SQLITE_OK && *id != 0)
		lf_id_cache_put(store->ids, (uint8_t)name->kind, name->value, name->length, *id, NULL);
	return result;
}

/* The same, made where absent. */
static int intern(struct lf_store *store, const struct name *name, int64_t *id, bool *added)
{
	int result = find_name(store, name, id);

	*added = result == SQLITE_OK && *id == 0;
	if (!*added)
		return result;
	bind_name(store->statements[W_NAME_ADD], name);
	result = lf_sqlite_run(store->statements[W_NAME_ADD]);
	*id = sqlite3_last_insert_rowid(store->db);
	if (result == SQLITE_OK)
		lf_id_cache_put(store->ids, (uint8_t)name->kind, name->value, name->length, *id, NULL);
	return result;
}

int lf_sqlite_intern(struct lf_store *store, enum lf_name_kind kind, const char *text, int64_t *id)
{
	const struct name name = {kind, text, strlen(text)};
	bool added;

	return intern(store, &name, id, &added);
}

/*
 * The commitment that leaves have of a payload: original where that column is not NULL, else of the column's salt and
 * the body. False where the columns are malformed.
 */
static bool column_commitment(sqlite3_stmt *statement, int salt_column, int original_column, struct lf_bytes body,
	struct lf_digest *commitment)
{
	struct lf_salt salt;

	if (sqlite3_column_type(statement, original_column) != SQLITE_NULL)
		return lf_sqlite_column_fixed(statement, original_column, commitment, sizeof(*commitment));
	if (!lf_sqlite_column_fixed(statement, salt_column, &salt, sizeof(salt)))
		return false;
	lf_commit(&salt, body.data, body.length, commitment);
	return true;
}

/* Its row and commitment; row 0 where there is none. */
static int find_payload(struct lf_store *store, enum lf_payload_kind kind, const struct lf_item_payload *payload,
	int64_t *row, struct lf_digest *commitment)
{
	const uint8_t tag = (uint8_t)(TAG_PAYLOAD + kind);
	sqlite3_stmt *find = store->statements[W_PAYLOAD_FIND];
	int result;

	*row = lf_id_cache_find(store->ids, tag, payload->digest, sizeof(*payload->digest), commitment);
	if (*row != 0)
		return SQLITE_OK;
	sqlite3_bind_int(find, 1, (int)kind);
	lf_sqlite_bind_blob(find, 2, payload->digest, sizeof(*payload->digest));
	result = sqlite3_step(find);
	if (result == SQLITE_ROW) {
		*row = sqlite3_column_int64(find, 0);
		if (!column_commitment(find, 1, 2, payload->body, commitment))
			result = lf_sqlite_malformed(store->db);
	}
	sqlite3_reset(find);
	if (result == SQLITE_ROW)
		lf_id_cache_put(store->ids, tag, payload->digest, sizeof(*payload->digest), *row, commitment);
	return result == SQLITE_ROW || result == SQLITE_DONE ? SQLITE_OK : result;
}

int lf_sqlite_store_original(struct lf_store *store, int kind, int64_t target, const struct lf_digest *original)
{
	sqlite3_stmt *add = store->statements[W_ORIGINAL_ADD];

	if (original == NULL)
		return SQLITE_OK;
	sqlite3_bind_int(add, 1, kind);
	sqlite3_bind_int64(add, 2, target);
	lf_sqlite_bind_blob(add, 3, original, sizeof(*original));
	return lf_sqlite_run(add);
}

int lf_sqlite_store_payload(
	struct lf_store *store, enum lf_payload_kind kind, const struct lf_item_payload *payload, int64_t *row)
{
	sqlite3_stmt *add = store->statements[W_PAYLOAD_ADD];
	struct lf_digest commitment;
	int result;

	if (payload->stored)
		return SQLITE_OK;
	if (payload->repeated) {
		result = find_payload(store, kind, payload, row, &commitment);
		return result == SQLITE_OK && *row == 0 ? SQLITE_CORRUPT : result;
	}
	sqlite3_bind_int(add, 1, (int)kind);
	lf_sqlite_bind_blob(add, 2, payload->digest, sizeof(*payload->digest));
	lf_sqlite_bind_blob(add, 3, &payload->salt, sizeof(payload->salt));
	lf_sqlite_bind_blob(add, 4, payload->body.data, payload->body.length);
	result = lf_sqlite_run(add);
	*row = sqlite3_last_insert_rowid(store->db);
	if (result == SQLITE_OK)
		lf_id_cache_put(store->ids, (uint8_t)(TAG_PAYLOAD + kind), payload->digest, sizeof(*payload->digest),
			*row, &payload->commitment);
	return result == SQLITE_OK ? lf_sqlite_store_original(store, LF_REDACTION_PAYLOAD, *row, payload->original)
				   : result;
}

/* A new list of candidates is the only one that costs a row for each of them. */
int lf_sqlite_intern_candidates(struct lf_store *store, const char *const *candidates, size_t count,
	const struct lf_digest *digest, int64_t *id)
{
	const struct name name = {LF_NAME_CANDIDATES, digest, sizeof(*digest)};
	bool added;
	int64_t candidate;
	int result = intern(store, &name, id, &added);
	sqlite3_stmt *add;

	if (!added)
		return result;
	add = store->statements[W_MEMBER_ADD];
	for (size_t i = 0; i < count && result == SQLITE_OK; i++) {
		result = lf_sqlite_intern(store, LF_NAME_CANDIDATE, candidates[i], &candidate);
		if (result != SQLITE_OK)
			break;
		sqlite3_bind_int64(add, 1, candidate);
		sqlite3_bind_int64(add, 2, *id);
		result = lf_sqlite_run(add);
	}
	return result;
}

/* ---- chains ---- */

/* Puts sequence at the end of the chain of entity; *previous is the end before, 0 where it is the first. */
static int link_decision(struct lf_store *store, int64_t entity, int64_t sequence, int64_t *previous)
{
	int result = SQLITE_OK;
	struct lf_head *head = lf_heads_slot(&store->heads, entity);
	sqlite3_stmt *skip;

	if (!head->known) {
		sqlite3_stmt *find = store->statements[W_CHAIN_FIND];

		sqlite3_bind_int64(find, 1, entity);
		result = sqlite3_step(find);
		if (result == SQLITE_ROW) {
			head->last = sqlite3_column_int64(find, 0);
			head->count = sqlite3_column_int64(find, 1);
		}
		sqlite3_reset(find);
		if (result != SQLITE_ROW && result != SQLITE_DONE)
			return result;
		head->known = true;
	}
	*previous = head->last;
	head->last = sequence;
	head->count++;
	lf_heads_mark(&store->heads, head);
	if (head->count % LF_SQLITE_SKIP != 0)
		return SQLITE_OK;
	skip = store->statements[W_SKIP_ADD];
	sqlite3_bind_int64(skip, 1, entity);
	sqlite3_bind_int64(skip, 2, sequence);
	return lf_sqlite_run(skip);
}

/* ---- decisions, looked up ---- */

/* The rubric's payload row and commitment; row 0 where there is none. Cached by digest and name: both must fit. */
static int find_rubric(struct lf_store *store, const struct lf_digest *digest, const char *name, int64_t *row,
	struct lf_digest *commitment)
{
	uint8_t key[sizeof(*digest) + LF_ID_BYTES_MAX];
	const size_t length = strlen(name);
	sqlite3_stmt *find;
	int result;
	const char *found;

	LF_CHECK(S5, length <= LF_ID_BYTES_MAX);
	memcpy(key, digest, sizeof(*digest));
	memcpy(key + sizeof(*digest), name, length);
	*row = lf_id_cache_find(store->ids, TAG_RUBRIC, key, sizeof(*digest) + length, commitment);
	if (*row != 0)
		return SQLITE_OK;
	find = store->statements[W_RUBRIC_FIND];
	lf_sqlite_bind_blob(find, 1, digest, sizeof(*digest));
	result = sqlite3_step(find);
	found = result == SQLITE_ROW ? lf_sqlite_column_text(find, 1) : NULL;
	if (found != NULL && strcmp(found, name) == 0) {
		*row = sqlite3_column_int64(find, 0);
		if (!column_commitment(find, 2, 3, lf_sqlite_column_bytes(find, 4), commitment))
			result = lf_sqlite_malformed(store->db);
	}
	sqlite3_reset(find);
	if (result != SQLITE_ROW && result != SQLITE_DONE)
		return result;
	if (*row != 0)
		lf_id_cache_put(store->ids, TAG_RUBRIC, key, sizeof(*digest) + length, *row, commitment);
	return SQLITE_OK;
}

/* Which decision has the key. */
static int find_key(struct lf_store *store, struct lf_item_decision *decision)
{
	const struct name caller = {LF_NAME_CALLER, decision->append->caller, strlen(decision->append->caller)};
	sqlite3_stmt *find = store->statements[W_KEY_FIND];
	int64_t row;
	int result = find_name(store, &caller, &row);

	if (result != SQLITE_OK || row == 0)
		return result;
	sqlite3_bind_int64(find, 1, row);
	lf_sqlite_bind_text(find, 2, decision->append->idempotency_key);
	result = sqlite3_step(find);
	if (result == SQLITE_ROW) {
		decision->key_used = true;
		decision->first_sequence = (uint64_t)sqlite3_column_int64(find, 0);
		decision->first_at_us = sqlite3_column_int64(find, 2);
		if (!lf_sqlite_column_fixed(find, 1, &decision->first_id, sizeof(decision->first_id)) ||
			!lf_sqlite_column_fixed(find, 3, &decision->first_request, sizeof(decision->first_request)))
			result = lf_sqlite_malformed(store->db);
	}
	sqlite3_reset(find);
	return result == SQLITE_ROW || result == SQLITE_DONE ? SQLITE_OK : result;
}

int lf_sqlite_prepare_decision(struct lf_store *store, struct lf_item *item)
{
	struct lf_item_decision *decision = &item->decision;
	int result = find_rubric(store, &decision->append->rubric_digest, decision->append->rubric_name,
		&item->rows[ROW_RUBRIC], &decision->rubric_commitment);

	decision->rubric_stored = item->rows[ROW_RUBRIC] != 0;
	if (result != SQLITE_OK || !decision->rubric_stored)
		return result;
	if (decision->append->idempotency_key[0] != '\0') {
		result = lf_sqlite_write_decisions(store);
		if (result == SQLITE_OK)
			result = find_key(store, decision);
	}
	if (result == SQLITE_OK)
		result = find_payload(
			store, LF_PAYLOAD_TEAM, &decision->team, &item->rows[ROW_TEAM], &decision->team.commitment);
	if (result == SQLITE_OK)
		result = find_payload(store, LF_PAYLOAD_PROJECT, &decision->project, &item->rows[ROW_PROJECT],
			&decision->project.commitment);
	decision->team.stored = item->rows[ROW_TEAM] != 0;
	decision->project.stored = item->rows[ROW_PROJECT] != 0;
	return result;
}

/* ---- and stored ---- */

static int write_names(struct lf_store *store, const struct lf_append *append, struct lf_decision_row *to)
{
	int result = lf_sqlite_intern(store, LF_NAME_CALLER, append->caller, &to->caller);

	if (result == SQLITE_OK)
		result = lf_sqlite_intern(store, LF_NAME_TEAM, append->team_id, &to->team);
	if (result == SQLITE_OK)
		result = lf_sqlite_intern(store, LF_NAME_PROJECT, append->project_id, &to->project);
	if (result == SQLITE_OK)
		result = lf_sqlite_intern_candidates(store, append->candidates, append->candidate_count,
			&append->candidates_digest, &to->candidates);
	if (result == SQLITE_OK && append->recommended[0] != '\0')
		result = lf_sqlite_intern(store, LF_NAME_CANDIDATE, append->recommended, &to->recommended);
	return result;
}

int lf_sqlite_write_decision(struct lf_store *store, struct lf_item *item)
{
	const struct lf_item_decision *decision = &item->decision;
	const struct lf_append *append = decision->append;
	const size_t bytes = append->team.length + append->project.length + append->answer.length;
	const int64_t sequence = (int64_t)decision->sequence;
	struct lf_decision_row *to = &store->decision_rows[store->decision_count];
	int result;

	LF_CHECK(S3, store->decision_count < LF_BATCH_MAX);
	if (bytes > store->largest)
		store->largest = bytes;
	*to = (struct lf_decision_row){
		.append = append,
		.sequence = decision->sequence,
		.id = decision->id,
		.decided_at_us = item->at_us,
		.salt = item->salt,
		.rubric = item->rows[ROW_RUBRIC],
		.team_payload = item->rows[ROW_TEAM],
		.project_payload = item->rows[ROW_PROJECT],
	};
	result = write_names(store, append, to);
	if (append->idempotency_key[0] != '\0')
		store->key_count++;
	if (result == SQLITE_OK)
		result = lf_sqlite_store_payload(store, LF_PAYLOAD_TEAM, &decision->team, &to->team_payload);
	if (result == SQLITE_OK)
		result = lf_sqlite_store_payload(store, LF_PAYLOAD_PROJECT, &decision->project, &to->project_payload);
	if (result == SQLITE_OK)
		result = link_decision(store, to->team, sequence, &to->team_previous);
	if (result == SQLITE_OK)
		result = link_decision(store, to->project, sequence, &to->project_previous);
	if (result == SQLITE_OK)
		result = link_decision(store, to->candidates, sequence, &to->candidates_previous);
	if (result == SQLITE_OK)
		result = lf_sqlite_add_leaf(store, LF_LEAF_DECISION, sequence, &item->place, NULL);
	if (result == SQLITE_OK)
		result = lf_sqlite_store_original(store, LF_REDACTION_DECISION, sequence, item->original);
	if (result == SQLITE_OK && ++store->decision_count == LF_BATCH_MAX)
		result = lf_sqlite_write_decisions(store);
	return result;
}
