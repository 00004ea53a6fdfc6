/*
 * Redaction: bytes are replaced, under new salts, by what the caller gives, and everything that was derived from the
 * old ones goes.
 *
 * A replaced payload has the new commitment where its digest was. So it is never found by content again: the same bytes
 * put once more are a new payload, and the commitment that a leaf has of the old one stays what table redaction says.
 */
#include <stdlib.h>
#include <string.h>

#include "storage/sqlite/redact.h"

static const char *const REDACT_SQL[D_COUNT] = {
	[D_PAYLOAD] = "SELECT kind, salt, body FROM payload WHERE id = ?1",
	[D_PAYLOAD_SET] = "UPDATE payload SET digest = ?2, salt = ?3, body = ?4 WHERE id = ?1",
	[D_LATER] = "SELECT sequence FROM decision WHERE sequence > ?1 AND (team_payload = ?2 OR project_payload = ?2) "
		    "LIMIT 1",
	[D_DECISION_LINKS] = "SELECT candidates, candidates_previous FROM decision WHERE sequence = ?1",
	[D_DECISION_SET] = "UPDATE decision SET recommended = ?2, candidates = ?3, candidates_previous = ?4, "
			   "request_digest = NULL,"
			   " salt = ?5, answer = ?6 WHERE sequence = ?1",
	[D_KEY_DROP] = "DELETE FROM request_key WHERE sequence = ?1",
	[D_ACT_SET] = "UPDATE act SET salt = ?2, body = ?3 WHERE id = ?1",
	[D_ORIGINAL] = "INSERT OR IGNORE INTO redaction(kind, target, commitment) VALUES(?1, ?2, ?3)",
	[D_SKIP_NEXT] = "SELECT min(sequence) FROM skip WHERE entity = ?1 AND sequence > ?2",
	[D_SKIP_ADD] = "INSERT OR IGNORE INTO skip(entity, sequence) VALUES(?1, ?2)",
	[D_SKIP_DROP] = "DELETE FROM skip WHERE entity = ?1 AND sequence = ?2",
	[D_SKIPS_DROP] = "DELETE FROM skip WHERE entity = ?1",
	[D_CHAIN_DROP] = "DELETE FROM chain WHERE entity = ?1",
	[D_PREVIOUS] = "SELECT candidates_previous FROM decision WHERE sequence = ?1",
	[D_PREVIOUS_SET] = "UPDATE decision SET candidates_previous = ?2 WHERE sequence = ?1",
	[D_MEMBERS] = "SELECT candidate FROM member WHERE candidates = ?1",
	[D_MEMBERS_DROP] = "DELETE FROM member WHERE candidates = ?1",
	[D_MEMBER_ANY] = "SELECT 1 FROM member WHERE candidate = ?1 LIMIT 1",
	[D_NAME_DROP] = "DELETE FROM name WHERE id = ?1 RETURNING kind, value",
};

static int prepare(struct lf_redactor *redactor)
{
	const char *sql[D_COUNT];

	memcpy(sql, REDACT_SQL, sizeof(sql));
	sql[D_DECISION] = LF_SQLITE_RECORD_SQL[LF_RECORD_DECISION];
	sql[D_ACT] = LF_SQLITE_RECORD_SQL[LF_RECORD_ACT];
	return lf_sqlite_prepare(redactor->store->db, sql, redactor->statements, D_COUNT);
}

/* ---- what is refused, before anything is written ---- */

/* SQLITE_ROW with the first column, SQLITE_DONE, or an error. */
static int look(sqlite3_stmt *statement, int64_t *value)
{
	const int result = sqlite3_step(statement);

	*value = sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	return result;
}

static enum lf_code not_there(const char *what, const struct lf_redact_item *item, struct lf_error *error)
{
	return lf_error_set(error, LF_NOT_FOUND, "there is no %s %llu", what, (unsigned long long)item->id);
}

static enum lf_code check_payload(struct lf_redactor *redactor, const struct lf_redact *redact,
	const struct lf_redact_item *item, struct lf_error *error)
{
	sqlite3_stmt *find = redactor->statements[D_PAYLOAD], *later = redactor->statements[D_LATER];
	int64_t found;
	int result;

	sqlite3_bind_int64(find, 1, (int64_t)item->id);
	result = look(find, &found);
	if (result == SQLITE_DONE)
		return not_there("payload", item, error);
	if (result == SQLITE_ROW && found != LF_PAYLOAD_TEAM && found != LF_PAYLOAD_PROJECT)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "payload %llu is neither a team nor a project",
			(unsigned long long)item->id);
	if (result == SQLITE_ROW && redact->seen_sequence != 0) {
		sqlite3_bind_int64(later, 1, (int64_t)redact->seen_sequence);
		sqlite3_bind_int64(later, 2, (int64_t)item->id);
		result = look(later, &found);
		if (result == SQLITE_ROW)
			return lf_error_set(error, LF_FAILED_PRECONDITION,
				"decision %lld refers to payload %llu by now", (long long)found,
				(unsigned long long)item->id);
	}
	return result == SQLITE_ROW || result == SQLITE_DONE
		? LF_OK
		: lf_sqlite_write_error(redactor->store, error, result, "redacting");
}

/*
 * Reads a record: SQLITE_ROW with the stream at it, SQLITE_DONE, or an error. The caller ends the stream in any case.
 */
static int open_record(struct lf_record_stream *stream, uint64_t key, struct lf_record_row *row)
{
	const int result = lf_sqlite_stream_seek(stream, (int64_t)key);

	if (result != SQLITE_ROW)
		return result;
	lf_sqlite_stream_row(stream, row);
	return (uint64_t)row->key == key ? SQLITE_ROW : SQLITE_DONE;
}

static struct lf_record_stream stream_of(struct lf_redactor *redactor, const struct lf_redact_item *item)
{
	const bool act = item->what == LF_REDACT_ACT;

	return (struct lf_record_stream){
		.statement = redactor->statements[act ? D_ACT : D_DECISION],
		.table = act ? LF_RECORD_ACT : LF_RECORD_DECISION,
	};
}

/*
 * A record that is damaged can't be redacted: what its leaf has of it could not be told from what somebody made of it.
 */
static enum lf_code check_record(
	struct lf_redactor *redactor, const struct lf_redact_item *item, struct lf_error *error)
{
	const char *what = item->what == LF_REDACT_ACT ? "act" : "decision";
	struct lf_record_stream stream = stream_of(redactor, item);
	struct lf_record_row row;
	const int result = open_record(&stream, item->id, &row);

	if (result == SQLITE_DONE)
		not_there(what, item, error);
	else if (result != SQLITE_ROW)
		lf_sqlite_write_error(redactor->store, error, result, "redacting");
	else if (row.missing != NULL && lf_sqlite_malformed(redactor->store->db) == SQLITE_NOMEM)
		lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	else if (row.missing != NULL)
		lf_error_set(error, LF_FAILED_PRECONDITION, "%s %llu is damaged: %s is missing", what,
			(unsigned long long)item->id, row.missing);
	lf_sqlite_stream_end(&stream);
	return error->code;
}

/* ---- one item: each gives SQLITE_OK or an error, and the pair of commitments, old and new ---- */

static int keep_original(struct lf_redactor *redactor, const struct lf_redact_item *item, const struct lf_digest *old)
{
	sqlite3_stmt *add = redactor->statements[D_ORIGINAL];

	sqlite3_bind_int(add, 1, (int)item->what);
	sqlite3_bind_int64(add, 2, (int64_t)item->id);
	lf_sqlite_bind_blob(add, 3, old, sizeof(*old));
	return lf_sqlite_run(add);
}

static int redact_payload(struct lf_redactor *redactor, const struct lf_redact_item *item, const struct lf_salt *salt,
	struct lf_digest pair[2])
{
	sqlite3_stmt *find = redactor->statements[D_PAYLOAD], *set = redactor->statements[D_PAYLOAD_SET];
	struct lf_salt old_salt;
	int result;

	sqlite3_bind_int64(find, 1, (int64_t)item->id);
	result = sqlite3_step(find);
	if (result == SQLITE_ROW && lf_sqlite_column_fixed(find, 1, &old_salt, sizeof(old_salt))) {
		const struct lf_bytes body = lf_sqlite_column_bytes(find, 2);

		lf_commit(&old_salt, body.data, body.length, &pair[0]);
	} else if (result == SQLITE_ROW || result == SQLITE_DONE) {
		result = lf_sqlite_malformed(redactor->store->db);
	}
	sqlite3_reset(find);
	if (result != SQLITE_ROW)
		return result;
	lf_commit(salt, item->bytes.data, item->bytes.length, &pair[1]);
	sqlite3_bind_int64(set, 1, (int64_t)item->id);
	lf_sqlite_bind_blob(set, 2, &pair[1], sizeof(pair[1]));
	lf_sqlite_bind_blob(set, 3, salt, sizeof(*salt));
	lf_sqlite_bind_blob(set, 4, item->bytes.data, item->bytes.length);
	return lf_sqlite_run(set);
}

/* The commitment of a record as its columns say. */
static int commit_record(struct lf_store *store, enum lf_record_table table, const struct lf_record_row *row,
	const struct lf_salt *salt, struct lf_digest *commitment)
{
	size_t length;
	uint8_t *bytes;

	if (row->missing != NULL)
		return lf_sqlite_malformed(store->db);
	length = lf_sqlite_record_bytes(table, row, NULL);
	bytes = lf_sqlite_scratch(store, length);
	if (bytes == NULL)
		return SQLITE_NOMEM;
	lf_sqlite_record_bytes(table, row, bytes);
	lf_commit(salt, bytes, length, commitment);
	return SQLITE_OK;
}

static int commit_decision(struct lf_redactor *redactor, const struct lf_redact_item *item,
	const struct lf_digest *candidates, const struct lf_salt *salt, struct lf_digest pair[2])
{
	struct lf_record_stream stream = stream_of(redactor, item);
	struct lf_record_row row;
	int result = open_record(&stream, item->id, &row);

	if (result == SQLITE_ROW)
		result = commit_record(redactor->store, stream.table, &row, &row.salt, &pair[0]);
	if (result == SQLITE_OK) {
		row.columns.decision.recommended = item->recommended;
		row.columns.decision.candidates = candidates;
		row.columns.decision.request_digest = NULL;
		row.columns.decision.answer = item->bytes.data;
		row.columns.decision.answer_length = item->bytes.length;
		result = commit_record(redactor->store, stream.table, &row, salt, &pair[1]);
	}
	lf_sqlite_stream_end(&stream);
	return result;
}

/* Which list of candidates a decision has, and what is before it in that list's chain. */
static int read_links(struct lf_redactor *redactor, int64_t sequence, int64_t *list, int64_t *previous)
{
	sqlite3_stmt *find = redactor->statements[D_DECISION_LINKS];
	int result;

	sqlite3_bind_int64(find, 1, sequence);
	result = sqlite3_step(find);
	if (result == SQLITE_ROW) {
		*list = sqlite3_column_int64(find, 0);
		*previous = sqlite3_column_int64(find, 1);
	}
	sqlite3_reset(find);
	return result == SQLITE_DONE ? LF_SQLITE_CONTRADICTION : result == SQLITE_ROW ? SQLITE_OK : result;
}

/* The new list first: who is in both is not forgotten and made again. */
static int relink(struct lf_redactor *redactor, const struct lf_redact_item *item, const struct lf_digest *digest,
	int64_t *list, int64_t *previous)
{
	const int64_t sequence = (int64_t)item->id;
	int64_t old_list = 0, old_previous = 0;
	int result = read_links(redactor, sequence, &old_list, &old_previous);

	if (result == SQLITE_OK)
		result = lf_sqlite_intern_candidates(
			redactor->store, item->candidates, item->candidate_count, digest, list);
	if (result != SQLITE_OK || *list == old_list) {
		*previous = old_previous;
		return result;
	}
	result = lf_sqlite_chain_insert(redactor, *list, sequence, previous);
	return result == SQLITE_OK ? lf_sqlite_chain_remove(redactor, old_list, sequence, old_previous) : result;
}

static int redact_decision(struct lf_redactor *redactor, const struct lf_redact_item *item, const struct lf_salt *salt,
	struct lf_digest pair[2])
{
	sqlite3_stmt *set = redactor->statements[D_DECISION_SET], *drop = redactor->statements[D_KEY_DROP];
	struct lf_digest candidates;
	int64_t list, previous, recommended;
	int result;

	lf_sha256_strings(item->candidates, item->candidate_count, &candidates);
	result = commit_decision(redactor, item, &candidates, salt, pair);
	if (result == SQLITE_OK)
		result = relink(redactor, item, &candidates, &list, &previous);
	if (result == SQLITE_OK && item->recommended[0] != '\0')
		result = lf_sqlite_intern(redactor->store, LF_NAME_CANDIDATE, item->recommended, &recommended);
	if (result != SQLITE_OK)
		return result;
	sqlite3_bind_int64(set, 1, (int64_t)item->id);
	if (item->recommended[0] != '\0')
		sqlite3_bind_int64(set, 2, recommended);
	else
		sqlite3_bind_null(set, 2);
	sqlite3_bind_int64(set, 3, list);
	sqlite3_bind_int64(set, 4, previous);
	lf_sqlite_bind_blob(set, 5, salt, sizeof(*salt));
	lf_sqlite_bind_blob(set, 6, item->bytes.data, item->bytes.length);
	result = lf_sqlite_run(set);
	sqlite3_bind_int64(drop, 1, (int64_t)item->id);
	return result == SQLITE_OK ? lf_sqlite_run(drop) : result;
}

static int redact_act(struct lf_redactor *redactor, const struct lf_redact_item *item, const struct lf_salt *salt,
	struct lf_digest pair[2])
{
	sqlite3_stmt *set = redactor->statements[D_ACT_SET];
	struct lf_record_stream stream = stream_of(redactor, item);
	struct lf_record_row row;
	int result = open_record(&stream, item->id, &row);

	if (result == SQLITE_ROW)
		result = commit_record(redactor->store, stream.table, &row, &row.salt, &pair[0]);
	if (result == SQLITE_OK) {
		row.columns.act.body = item->bytes.data;
		row.columns.act.body_length = item->bytes.length;
		result = commit_record(redactor->store, stream.table, &row, salt, &pair[1]);
	}
	lf_sqlite_stream_end(&stream);
	if (result != SQLITE_OK)
		return result;
	sqlite3_bind_int64(set, 1, (int64_t)item->id);
	lf_sqlite_bind_blob(set, 2, salt, sizeof(*salt));
	lf_sqlite_bind_blob(set, 3, item->bytes.data, item->bytes.length);
	return lf_sqlite_run(set);
}

static int redact_item(struct lf_redactor *redactor, const struct lf_redact_item *item, const struct lf_salt *salt,
	struct lf_digest pair[2])
{
	const int result = item->what == LF_REDACT_PAYLOAD ? redact_payload(redactor, item, salt, pair)
		: item->what == LF_REDACT_DECISION         ? redact_decision(redactor, item, salt, pair)
							   : redact_act(redactor, item, salt, pair);

	return result == SQLITE_OK ? keep_original(redactor, item, &pair[0]) : result;
}

/* ---- all of them, and the act that says so ---- */

static int write_items(
	struct lf_redactor *redactor, struct lf_redact *redact, const struct lf_salt *salts, struct lf_leaves *leaves)
{
	struct lf_store *store = redactor->store;
	struct lf_digest *commitments = malloc((1 + 2 * redact->item_count) * sizeof(*commitments));
	/*
	 * Chains are changed in the tables: what this transaction made of them until now must be there, and nowhere
	 * else.
	 */
	int result = commitments == NULL ? SQLITE_NOMEM : lf_sqlite_write_heads(store);
	struct lf_act_add act;

	for (size_t i = 0; i < redact->item_count && result == SQLITE_OK; i++)
		result = redact_item(redactor, &redact->items[i], &salts[1 + i], &commitments[1 + 2 * i]);
	act = (struct lf_act_add){
		.columns = {redact->kind, redact->caller, redact->at_us, 0, redact->body.data, redact->body.length},
		.salt = &salts[0],
		.commitments = commitments,
		.commitment_count = 1 + 2 * redact->item_count,
	};
	if (result == SQLITE_OK)
		result = lf_sqlite_add_act(store, &act, leaves);
	redact->id = act.id;
	redact->position = act.position;
	free(commitments);
	lf_heads_clear(&store->heads);
	lf_id_cache_clear(store->ids);
	return result;
}

enum lf_code lf_sqlite_redact(struct lf_store *store, struct lf_redact *redact, const struct lf_salt *salts,
	struct lf_leaves *leaves, struct lf_error *error)
{
	struct lf_redactor redactor = {.store = store};
	int result;

	lf_sqlite_count_record(store);
	result = lf_sqlite_write_decisions(store);
	if (result == SQLITE_OK)
		result = prepare(&redactor);
	for (size_t i = 0; i < redact->item_count && result == SQLITE_OK && error->code == LF_OK; i++)
		if (redact->items[i].what == LF_REDACT_PAYLOAD)
			check_payload(&redactor, redact, &redact->items[i], error);
		else
			check_record(&redactor, &redact->items[i], error);
	if (result == SQLITE_OK && error->code == LF_OK)
		result = write_items(&redactor, redact, salts, leaves);
	if (result == LF_SQLITE_CONTRADICTION)
		lf_error_set(error, LF_INTERNAL, "what the log derives from its records contradicts itself: verify it");
	else if (result != SQLITE_OK)
		lf_sqlite_write_error(store, error, result, "redacting");
	lf_sqlite_finalize(redactor.statements, D_COUNT);
	return error->code;
}
