/*
 * The writer side.
 *
 * Within a transaction, what can be wrong with one record is found before its first write that matters (the rubric,
 * then the key), so that no savepoint is needed: a savepoint copies every page that the record touches. A name or a key
 * written before a refusal would be harmless or is not written at all; any failure after that ends the transaction.
 *
 * Decisions wait in memory (waiting_rows.c) until the commit, or until something of their transaction reads the table:
 * a key that was used before, an act about a decision, a redaction.
 */
#include <string.h>

#include "proto/base/check.h"
#include "proto/base/clock.h"
#include "storage/sqlite/private.h"

/*
 * Pages of 8 KiB in the WAL at which a checkpoint is due: 16 MiB, about 12,000 decisions. Fewer: pages that every
 * commit touches are copied more often, and two syncs are paid more often. More: the pause of a checkpoint grows.
 */
enum { CHECKPOINT_PAGES = 2048 };

/* Tags of the id cache: name kinds, then these. */
enum { TAG_PAYLOAD = 16, TAG_RUBRIC = 32 };

/* ---- transactions ---- */

enum lf_code lf_sqlite_tail(struct lf_store *store, struct lf_tail *tail, struct lf_error *error)
{
	sqlite3_stmt *statement = store->statements[W_TAIL];
	int result;
	enum lf_code code = LF_OK;

	memset(tail, 0, sizeof(*tail));
	if (lf_sqlite_tail_head(store, &tail->head, error) != LF_OK)
		return error->code;
	while ((result = sqlite3_step(statement)) == SQLITE_ROW && code == LF_OK) {
		if (sqlite3_column_int64(statement, 2) > tail->time_us)
			tail->time_us = sqlite3_column_int64(statement, 2);
		if (sqlite3_column_int(statement, 3) != 0)
			continue;
		tail->sequence = (uint64_t)sqlite3_column_int64(statement, 0);
		if (!lf_sqlite_column_fixed(statement, 1, &tail->id, sizeof(tail->id)))
			code = lf_error_set(error, LF_DATA_LOSS, "the last decision has no id");
	}
	if (code == LF_OK && result != SQLITE_DONE)
		code = lf_sqlite_write_error(store, error, result, "reading the end of the log");
	sqlite3_reset(statement);
	return code;
}

enum lf_code lf_sqlite_begin(struct lf_store *store, struct lf_error *error)
{
	int result;

	LF_CHECK(S1, store->transaction == LF_TRANSACTION_NONE);
	LF_CHECK(S2, store->leaf_count == 0 && store->decision_count == 0);
	if (lf_sqlite_check_room(store, error) != LF_OK)
		return error->code;
	store->largest = 0;
	if (store->decisions < 0) {
		const int64_t last = lf_sqlite_find_id(store->statements[W_LAST], &result);

		if (result == SQLITE_OK && last < 0)
			result = SQLITE_CORRUPT; /* sequences begin at 1 */
		if (result != SQLITE_OK)
			return lf_sqlite_write_error(store, error, result, "reading the end of the log");
		store->decisions = last;
	}
	lf_heads_prepare(&store->heads);
	result = lf_sqlite_run(store->statements[W_BEGIN]);
	if (result != SQLITE_OK)
		return lf_sqlite_write_error(store, error, result, "beginning a transaction");
	lf_sqlite_turn(store, LF_TRANSACTION_OPEN);
	return LF_OK;
}

int lf_sqlite_write_decisions(struct lf_store *store)
{
	const int result = store->decision_count == 0 ? SQLITE_OK : lf_sqlite_run(store->statements[W_DECISIONS_ADD]);

	store->decision_count = 0;
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

/* Writes the pages into the WAL, and syncs it. */
static int make_durable(struct lf_store *store)
{
	const uint64_t begun_ns = lf_clock_ns();
	const int result = lf_sqlite_run(store->statements[W_COMMIT]);

	store->sync_ns = lf_clock_ns() - begun_ns;
	return result;
}

uint64_t lf_sqlite_sync_ns(const struct lf_store *store)
{
	return store->sync_ns;
}

enum lf_code lf_sqlite_commit(struct lf_store *store, const struct lf_leaves *leaves, struct lf_error *error)
{
	int result;

	LF_CHECK(S1, store->transaction == LF_TRANSACTION_OPEN);
	result = lf_sqlite_write_decisions(store);
	if (result == SQLITE_OK)
		result = lf_sqlite_write_heads(store);
	if (result == SQLITE_OK)
		result = lf_sqlite_write_leaves(store);
	if (result == SQLITE_OK)
		result = lf_sqlite_write_nodes(store, leaves);
	if (result == SQLITE_OK && leaves->tree.size != leaves->size_before)
		result = lf_sqlite_write_head(store, leaves);
	if (result == SQLITE_OK)
		result = make_durable(store);
	if (result != SQLITE_OK)
		return lf_sqlite_write_error(store, error, result, "committing");
	lf_sqlite_turn(store, LF_TRANSACTION_NONE);
	store->looked = true;
	return lf_sqlite_look(store, error);
}

void lf_sqlite_rollback(struct lf_store *store)
{
	/* SQLite has rolled back by itself after some errors. */
	if (sqlite3_get_autocommit(store->db) == 0)
		lf_sqlite_run(store->statements[W_ROLLBACK]);
	lf_sqlite_turn(store, LF_TRANSACTION_NONE);
	store->wal_unsure = true;
	lf_id_cache_clear(store->ids);
	lf_heads_clear(&store->heads);
	store->decision_count = 0;
	store->leaf_count = 0;
	store->decisions = -1;
}

enum lf_code lf_sqlite_maintain(struct lf_store *store, struct lf_error *error)
{
	int in_wal = 0, copied = 0;
	int result;

	LF_CHECK(S4, store->transaction == LF_TRANSACTION_NONE);
	if (!store->looked && lf_sqlite_look(store, error) != LF_OK)
		return error->code;
	store->looked = false;
	if (lf_sqlite_keep_room(store, error) != LF_OK)
		return error->code;
	if (store->wal_pages < store->wal_pages_seen || store->checkpoint_at == 0)
		store->checkpoint_at = CHECKPOINT_PAGES; /* the WAL has restarted */
	store->wal_pages_seen = store->wal_pages;
	if (store->wal_pages < store->checkpoint_at)
		return LF_OK;
	/* PASSIVE waits for nobody: what a reader still needs stays in the WAL until the next time. */
	result = sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &in_wal, &copied);
	store->checkpoint_at = store->wal_pages + CHECKPOINT_PAGES / 4;
	lf_sqlite_note_size(store);
	return result == SQLITE_OK ? LF_OK : lf_sqlite_write_error(store, error, result, "checkpointing");
}

enum lf_code lf_sqlite_probe_write(struct lf_store *store, struct lf_error *error)
{
	int result;
	enum lf_code code;

	LF_CHECK(S4, store->transaction == LF_TRANSACTION_NONE);
	if (store->short_of_room && lf_sqlite_return_room(store, error) != LF_OK)
		return error->code;
	result = lf_sqlite_run(store->statements[W_BEGIN]);
	if (result == SQLITE_OK) {
		lf_sqlite_turn(store, LF_TRANSACTION_OPEN);
		result = lf_sqlite_run(store->statements[W_PROBE]);
	}
	if (result == SQLITE_OK)
		result = lf_sqlite_run(store->statements[W_COMMIT]);
	if (result == SQLITE_OK) {
		lf_sqlite_turn(store, LF_TRANSACTION_NONE);
		return lf_sqlite_look(store, error);
	}
	code = lf_sqlite_write_error(store, error, result, "trying to write");
	if (code != LF_DATA_LOSS)
		lf_sqlite_rollback(store);
	return code;
}

/* ---- names and payloads, once each ---- */

/* blob: value is bytes, not text. */
static int intern(struct lf_store *store, enum lf_name_kind kind, const void *value, size_t length, bool blob,
	int64_t *id, bool *added)
{
	sqlite3_stmt *statements[] = {store->statements[W_NAME_FIND], store->statements[W_NAME_ADD]};
	int result;

	*added = false;
	*id = lf_id_cache_find(store->ids, (uint8_t)kind, value, length, NULL);
	if (*id != 0)
		return SQLITE_OK;
	for (size_t i = 0; i < 2; i++) {
		sqlite3_bind_int(statements[i], 1, (int)kind);
		if (blob)
			lf_sqlite_bind_blob(statements[i], 2, value, length);
		else
			sqlite3_bind_text64(
				statements[i], 2, length > 0 ? value : "", length, SQLITE_STATIC, SQLITE_UTF8);
	}
	*id = lf_sqlite_find_id(statements[0], &result);
	if (result == SQLITE_OK && *id == 0) {
		result = lf_sqlite_run(statements[1]);
		*id = sqlite3_last_insert_rowid(store->db);
		*added = true;
	}
	if (result == SQLITE_OK)
		lf_id_cache_put(store->ids, (uint8_t)kind, value, length, *id, NULL);
	return result;
}

int lf_sqlite_intern(struct lf_store *store, enum lf_name_kind kind, const char *text, int64_t *id)
{
	bool added;

	return intern(store, kind, text, strlen(text), false, id, &added);
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

int lf_sqlite_store_payload(struct lf_store *store, enum lf_payload_kind kind, struct lf_bytes body,
	const struct lf_digest *digest, const struct lf_salt *salt, int64_t *id, struct lf_digest *commitment)
{
	const uint8_t tag = (uint8_t)(TAG_PAYLOAD + kind);
	sqlite3_stmt *find, *add;
	int result;

	*id = lf_id_cache_find(store->ids, tag, digest, sizeof(*digest), commitment);
	if (*id != 0)
		return SQLITE_OK;
	find = store->statements[W_PAYLOAD_FIND];
	add = store->statements[W_PAYLOAD_ADD];
	sqlite3_bind_int(find, 1, (int)kind);
	lf_sqlite_bind_blob(find, 2, digest, sizeof(*digest));
	result = sqlite3_step(find);
	if (result == SQLITE_ROW) {
		*id = sqlite3_column_int64(find, 0);
		if (!column_commitment(find, 1, 2, body, commitment))
			result = lf_sqlite_malformed(store->db);
	}
	sqlite3_reset(find);
	if (result == SQLITE_DONE) {
		sqlite3_bind_int(add, 1, (int)kind);
		lf_sqlite_bind_blob(add, 2, digest, sizeof(*digest));
		lf_sqlite_bind_blob(add, 3, salt, sizeof(*salt));
		lf_sqlite_bind_blob(add, 4, body.data, body.length);
		result = lf_sqlite_run(add);
		*id = sqlite3_last_insert_rowid(store->db);
		lf_commit(salt, body.data, body.length, commitment);
	}
	if (result == SQLITE_ROW)
		result = SQLITE_OK;
	if (result == SQLITE_OK)
		lf_id_cache_put(store->ids, tag, digest, sizeof(*digest), *id, commitment);
	return result;
}

/* A new list of candidates is the only one that costs a row for each of them. */
int lf_sqlite_intern_candidates(struct lf_store *store, const char *const *candidates, size_t count,
	const struct lf_digest *digest, int64_t *id)
{
	bool added;
	int64_t candidate;
	int result = intern(store, LF_NAME_CANDIDATES, digest, sizeof(*digest), true, id, &added);
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

/* ---- a decision ---- */

/* The rubric's payload id and commitment. Cached by digest and name together: both must fit. */
static enum lf_code find_rubric(struct lf_store *store, const struct lf_digest *digest, const char *name, int64_t *id,
	struct lf_digest *commitment, struct lf_error *error)
{
	uint8_t key[sizeof(*digest) + LF_ID_BYTES_MAX];
	const size_t length = strlen(name);
	char text[65];
	sqlite3_stmt *find;
	int result;
	const char *found;

	LF_CHECK(S5, length <= LF_ID_BYTES_MAX);
	memcpy(key, digest, sizeof(*digest));
	memcpy(key + sizeof(*digest), name, length);
	*id = lf_id_cache_find(store->ids, TAG_RUBRIC, key, sizeof(*digest) + length, commitment);
	if (*id != 0)
		return LF_OK;
	find = store->statements[W_RUBRIC_FIND];
	lf_sqlite_bind_blob(find, 1, digest, sizeof(*digest));
	result = sqlite3_step(find);
	found = result == SQLITE_ROW ? lf_sqlite_column_text(find, 1) : NULL;
	if (found != NULL && strcmp(found, name) == 0) {
		*id = sqlite3_column_int64(find, 0);
		if (!column_commitment(find, 2, 3, lf_sqlite_column_bytes(find, 4), commitment))
			result = lf_sqlite_malformed(store->db);
	}
	sqlite3_reset(find);
	if (result != SQLITE_ROW && result != SQLITE_DONE)
		return lf_sqlite_write_error(store, error, result, "looking a rubric up");
	if (*id == 0) {
		lf_digest_print(digest, text);
		return lf_error_set(error, LF_FAILED_PRECONDITION, "no rubric %s with digest %s is stored", name, text);
	}
	lf_id_cache_put(store->ids, TAG_RUBRIC, key, sizeof(*digest) + length, *id, commitment);
	return LF_OK;
}

/* The key is taken: by the same request or by another. */
static enum lf_code find_existing(
	struct lf_store *store, struct lf_record *record, int64_t caller, struct lf_error *error)
{
	sqlite3_stmt *find = store->statements[W_KEY_FIND];
	struct lf_digest digest;
	enum lf_code code = LF_OK;
	const int written = lf_sqlite_write_decisions(store);
	int result;

	if (written != SQLITE_OK)
		return lf_sqlite_write_error(store, error, written, "storing decisions");
	sqlite3_bind_int64(find, 1, caller);
	lf_sqlite_bind_text(find, 2, record->append->idempotency_key);
	result = sqlite3_step(find);
	if (result != SQLITE_ROW && result != SQLITE_DONE) {
		code = lf_sqlite_write_error(store, error, result, "looking an idempotency key up");
	} else if (result == SQLITE_DONE || !lf_sqlite_column_fixed(find, 1, &record->id, sizeof(record->id)) ||
		!lf_sqlite_column_fixed(find, 3, &digest, sizeof(digest))) {
		store->unknown = true;
		code = lf_error_set(error, LF_DATA_LOSS, "an idempotency key refers to no decision");
	} else if (memcmp(&digest, &record->append->request_digest, sizeof(digest)) != 0) {
		code = lf_error_set(error, LF_ALREADY_EXISTS, "idempotency key %s was used for another request",
			record->append->idempotency_key);
	} else {
		record->sequence = (uint64_t)sqlite3_column_int64(find, 0);
		record->decided_at_us = sqlite3_column_int64(find, 2);
		record->existing = true;
	}
	sqlite3_reset(find);
	return code;
}

/* commitments: in the leaf's order: record, team, project, rubric; the first is made here. */
static int add_decision_leaf(struct lf_store *store, const struct lf_record *record, struct lf_digest commitments[4])
{
	const struct lf_append *append = record->append;
	const struct lf_decision_columns columns = {
		.sequence = record->sequence,
		.id = record->id.bytes,
		.decided_at_us = record->decided_at_us,
		.caller = append->caller,
		.team = append->team_id,
		.project = append->project_id,
		.rubric = append->rubric_name,
		.recommended = append->recommended,
		.outcome = append->outcome,
		.purpose = append->purpose,
		.candidates = &append->candidates_digest,
		.request_digest = append->idempotency_key[0] != '\0' ? &append->request_digest : NULL,
		.answer = append->answer.data,
		.answer_length = append->answer.length,
	};
	const size_t length = lf_record_decision(&columns, NULL);
	uint8_t *bytes = lf_sqlite_scratch(store, length);
	struct lf_leaf_add add;

	if (bytes == NULL)
		return SQLITE_NOMEM;
	lf_record_decision(&columns, bytes);
	lf_commit(&record->record_salt, bytes, length, &commitments[0]);
	add = (struct lf_leaf_add){.kind = LF_LEAF_DECISION,
		.record = (int64_t)record->sequence,
		.time_us = record->decided_at_us,
		.commitments = commitments,
		.commitment_count = 4};
	return lf_sqlite_add_leaf(store, record->leaves, &add, NULL);
}

static int store_decision(struct lf_store *store, const struct lf_record *record, struct lf_decision_row *to,
	struct lf_digest commitments[4])
{
	const struct lf_append *append = record->append;
	const int64_t sequence = (int64_t)record->sequence;
	int result = lf_sqlite_intern(store, LF_NAME_TEAM, append->team_id, &to->team);

	if (result == SQLITE_OK)
		result = lf_sqlite_intern(store, LF_NAME_PROJECT, append->project_id, &to->project);
	if (result == SQLITE_OK)
		result = lf_sqlite_intern_candidates(store, append->candidates, append->candidate_count,
			&append->candidates_digest, &to->candidates);
	if (result == SQLITE_OK && append->recommended[0] != '\0')
		result = lf_sqlite_intern(store, LF_NAME_CANDIDATE, append->recommended, &to->recommended);
	if (result == SQLITE_OK)
		result = lf_sqlite_store_payload(store, LF_PAYLOAD_TEAM, append->team, &append->team_digest,
			&record->team_salt, &to->team_payload, &commitments[1]);
	if (result == SQLITE_OK)
		result = lf_sqlite_store_payload(store, LF_PAYLOAD_PROJECT, append->project, &append->project_digest,
			&record->project_salt, &to->project_payload, &commitments[2]);
	if (result == SQLITE_OK)
		result = link_decision(store, to->team, sequence, &to->team_previous);
	if (result == SQLITE_OK)
		result = link_decision(store, to->project, sequence, &to->project_previous);
	if (result == SQLITE_OK)
		result = link_decision(store, to->candidates, sequence, &to->candidates_previous);
	if (result == SQLITE_OK)
		result = add_decision_leaf(store, record, commitments);
	if (result == SQLITE_OK && ++store->decision_count == LF_BATCH_MAX)
		result = lf_sqlite_write_decisions(store);
	return result;
}

enum lf_code lf_sqlite_append(struct lf_store *store, struct lf_record *record, struct lf_error *error)
{
	const struct lf_append *append = record->append;
	struct lf_decision_row *to;
	struct lf_digest commitments[4];
	int result;

	lf_sqlite_count_record(store);
	if (append->team.length + append->project.length + append->answer.length > store->largest)
		store->largest = append->team.length + append->project.length + append->answer.length;
	LF_CHECK(S3, store->decision_count < LF_BATCH_MAX);
	to = &store->decision_rows[store->decision_count];
	*to = (struct lf_decision_row){
		.append = append,
		.sequence = record->sequence,
		.id = record->id,
		.decided_at_us = record->decided_at_us,
		.salt = record->record_salt,
	};
	if (find_rubric(store, &append->rubric_digest, append->rubric_name, &to->rubric, &commitments[3], error) !=
		LF_OK)
		return error->code;
	result = lf_sqlite_intern(store, LF_NAME_CALLER, append->caller, &to->caller);
	if (result == SQLITE_OK && append->idempotency_key[0] != '\0') {
		sqlite3_stmt *key = store->statements[W_KEY_ADD];

		sqlite3_bind_int64(key, 1, to->caller);
		lf_sqlite_bind_text(key, 2, append->idempotency_key);
		sqlite3_bind_int64(key, 3, (int64_t)record->sequence);
		result = lf_sqlite_run(key);
		if (result == SQLITE_OK && sqlite3_changes(store->db) == 0)
			return find_existing(store, record, to->caller, error);
	}
	if (result == SQLITE_OK)
		result = store_decision(store, record, to, commitments);
	return result == SQLITE_OK ? LF_OK : lf_sqlite_write_error(store, error, result, "storing a decision");
}
