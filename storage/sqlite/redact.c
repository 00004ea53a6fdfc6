/*
 * Redaction: bytes are replaced, under new salts, by what the caller gives, and everything that was derived from the
 * old ones goes.
 *
 * A replaced payload has the new commitment where its digest was. So it is never found by content again: the same bytes
 * put once more are a new payload, and the commitment that a leaf has of the old one stays what table redaction says.
 */
#include <stdlib.h>
#include <string.h>

#include "storage/sqlite/private.h"

static const char *const REDACT_SQL[E_COUNT] = {
	[E_PAYLOAD] = "SELECT kind, salt, body FROM payload WHERE id = ?1",
	[E_PAYLOAD_SET] = "UPDATE payload SET digest = ?2, salt = ?3, body = ?4 WHERE id = ?1",
	[E_LATER] = "SELECT sequence FROM decision WHERE sequence > ?1 AND (team_payload = ?2 OR project_payload = ?2) "
		    "LIMIT 1",
	[E_DECISION_LINKS] = "SELECT candidates, candidates_previous FROM decision WHERE sequence = ?1",
	[E_DECISION_SET] = "UPDATE decision SET recommended = ?2, candidates = ?3, candidates_previous = ?4, "
			   "request_digest = NULL,"
			   " salt = ?5, answer = ?6 WHERE sequence = ?1",
	[E_KEY_DROP] = "DELETE FROM request_key WHERE sequence = ?1",
	[E_ACT_SET] = "UPDATE act SET salt = ?2, body = ?3 WHERE id = ?1",
	[E_ORIGINAL] = "INSERT OR IGNORE INTO redaction(kind, target, commitment) VALUES(?1, ?2, ?3)",
	[E_SKIP_NEXT] = "SELECT min(sequence) FROM skip WHERE entity = ?1 AND sequence > ?2",
	[E_SKIP_ADD] = "INSERT OR IGNORE INTO skip(entity, sequence) VALUES(?1, ?2)",
	[E_SKIP_DROP] = "DELETE FROM skip WHERE entity = ?1 AND sequence = ?2",
	[E_SKIPS_DROP] = "DELETE FROM skip WHERE entity = ?1",
	[E_CHAIN_DROP] = "DELETE FROM chain WHERE entity = ?1",
	[E_PREVIOUS] = "SELECT candidates_previous FROM decision WHERE sequence = ?1",
	[E_PREVIOUS_SET] = "UPDATE decision SET candidates_previous = ?2 WHERE sequence = ?1",
	[E_MEMBERS] = "SELECT candidate FROM member WHERE candidates = ?1",
	[E_MEMBERS_DROP] = "DELETE FROM member WHERE candidates = ?1",
	[E_MEMBER_ANY] = "SELECT 1 FROM member WHERE candidate = ?1 LIMIT 1",
	[E_NAME_DROP] = "DELETE FROM name WHERE id = ?1 RETURNING kind, value",
};

static int prepare(struct lf_redactor *redactor)
{
	const char *sql[E_COUNT];

	memcpy(sql, REDACT_SQL, sizeof(sql));
	sql[E_DECISION] = LF_SQLITE_RECORD_SQL[LF_RECORD_DECISION];
	sql[E_ACT] = LF_SQLITE_RECORD_SQL[LF_RECORD_ACT];
	return lf_sqlite_prepare(redactor->store->db, sql, redactor->statements, E_COUNT);
}

/* ---- what is there, before anything is written ---- */

/* SQLITE_ROW with the first column, SQLITE_DONE, or an error. */
static int look(sqlite3_stmt *statement, int64_t *value)
{
	const int result = sqlite3_step(statement);

	*value = sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	return result;
}

/* A payload: what of it is there, and which younger decision refers to it. SQLITE_OK or an error. */
static int find_payload(struct lf_redactor *redactor, const struct lf_redact *redact, const struct lf_redact_item *item,
	struct lf_redact_found *found)
{
	sqlite3_stmt *find = redactor->statements[E_PAYLOAD], *later = redactor->statements[E_LATER];
	int64_t younger;
	int result;

	if (redact->seen_sequence != 0) {
		sqlite3_bind_int64(later, 1, (int64_t)redact->seen_sequence);
		sqlite3_bind_int64(later, 2, (int64_t)item->id);
		result = look(later, &younger);
		if (result != SQLITE_ROW && result != SQLITE_DONE)
			return result;
		found->younger = result == SQLITE_ROW ? (uint64_t)younger : 0;
	}
	sqlite3_bind_int64(find, 1, (int64_t)item->id);
	result = sqlite3_step(find);
	if (result == SQLITE_DONE)
		return SQLITE_OK;
	if (result != SQLITE_ROW)
		return result;
	found->there = true;
	found->kind = (enum lf_payload_kind)sqlite3_column_int(find, 0);
	found->body = lf_sqlite_column_bytes(find, 2);
	return lf_sqlite_column_fixed(find, 1, &found->salt, sizeof(found->salt))
		? SQLITE_OK
		: lf_sqlite_malformed(redactor->store->db);
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
		.statement = redactor->statements[act ? E_ACT : E_DECISION],
		.table = act ? LF_RECORD_ACT : LF_RECORD_DECISION,
	};
}

/* A decision or an act, by its stream. SQLITE_OK or an error. */
static int find_record(struct lf_redactor *redactor, struct lf_record_stream *stream, const struct lf_redact_item *item,
	struct lf_record_row *row, struct lf_redact_found *found)
{
	const int result = open_record(stream, item->id, row);

	if (result == SQLITE_DONE)
		return SQLITE_OK;
	if (result != SQLITE_ROW)
		return result;
	found->there = true;
	found->missing = row->missing;
	if (row->missing != NULL)
		return lf_sqlite_malformed(redactor->store->db) == SQLITE_NOMEM ? SQLITE_NOMEM : SQLITE_OK;
	found->salt = row->salt;
	if (stream->table == LF_RECORD_ACT)
		found->act = row->columns.act;
	else
		found->decision = row->columns.decision;
	return SQLITE_OK;
}

/* Finds the i-th, and tells. *go_on: not refused. */
static int find_item(struct lf_redactor *redactor, struct lf_item_redaction *redaction, size_t i, bool *go_on)
{
	const struct lf_redact_item *item = &redaction->redact->items[i];
	struct lf_record_stream stream = stream_of(redactor, item);
	struct lf_redact_found found = {.there = false};
	struct lf_record_row row;
	const int result = item->what == LF_REDACT_PAYLOAD ? find_payload(redactor, redaction->redact, item, &found)
							   : find_record(redactor, &stream, item, &row, &found);

	*go_on = result == SQLITE_OK && redaction->found(redaction->context, i, &found);
	if (item->what == LF_REDACT_PAYLOAD)
		sqlite3_reset(redactor->statements[E_PAYLOAD]);
	else
		lf_sqlite_stream_end(&stream);
	return result;
}

int lf_sqlite_prepare_redaction(struct lf_store *store, struct lf_item *item)
{
	struct lf_redactor redactor = {.store = store};
	bool go_on = true;
	int result = lf_sqlite_write_decisions(store);

	if (result == SQLITE_OK)
		result = prepare(&redactor);
	for (size_t i = 0; i < item->redaction.redact->item_count && result == SQLITE_OK && go_on; i++)
		result = find_item(&redactor, &item->redaction, i, &go_on);
	lf_sqlite_finalize(redactor.statements, E_COUNT);
	return result;
}

/* ---- one item: each gives SQLITE_OK or an error ---- */

/* One of the items, as it is to be from now on. */
struct change {
	const struct lf_redact_item *item;
	const struct lf_salt *salt;
	const struct lf_digest *pair; /* commitments, old and new */
	const struct lf_digest *candidates;
};

static int keep_original(struct lf_redactor *redactor, const struct lf_redact_item *item, const struct lf_digest *old)
{
	sqlite3_stmt *add = redactor->statements[E_ORIGINAL];

	sqlite3_bind_int(add, 1, (int)item->what);
	sqlite3_bind_int64(add, 2, (int64_t)item->id);
	lf_sqlite_bind_blob(add, 3, old, sizeof(*old));
	return lf_sqlite_run(add);
}

static int redact_payload(struct lf_redactor *redactor, const struct change *change)
{
	sqlite3_stmt *set = redactor->statements[E_PAYLOAD_SET];

	sqlite3_bind_int64(set, 1, (int64_t)change->item->id);
	lf_sqlite_bind_blob(set, 2, &change->pair[1], sizeof(change->pair[1]));
	lf_sqlite_bind_blob(set, 3, change->salt, sizeof(*change->salt));
	lf_sqlite_bind_blob(set, 4, change->item->bytes.data, change->item->bytes.length);
	return lf_sqlite_run(set);
}

/* Which list of candidates a decision has, and what is before it in that list's chain. */
static int read_links(struct lf_redactor *redactor, int64_t sequence, int64_t *list, int64_t *previous)
{
	sqlite3_stmt *find = redactor->statements[E_DECISION_LINKS];
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

static int redact_decision(struct lf_redactor *redactor, const struct change *change)
{
	const struct lf_redact_item *item = change->item;
	sqlite3_stmt *set = redactor->statements[E_DECISION_SET], *drop = redactor->statements[E_KEY_DROP];
	int64_t list, previous, recommended;
	int result = relink(redactor, item, change->candidates, &list, &previous);

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
	lf_sqlite_bind_blob(set, 5, change->salt, sizeof(*change->salt));
	lf_sqlite_bind_blob(set, 6, item->bytes.data, item->bytes.length);
	result = lf_sqlite_run(set);
	sqlite3_bind_int64(drop, 1, (int64_t)item->id);
	return result == SQLITE_OK ? lf_sqlite_run(drop) : result;
}

static int redact_act(struct lf_redactor *redactor, const struct change *change)
{
	sqlite3_stmt *set = redactor->statements[E_ACT_SET];

	sqlite3_bind_int64(set, 1, (int64_t)change->item->id);
	lf_sqlite_bind_blob(set, 2, change->salt, sizeof(*change->salt));
	lf_sqlite_bind_blob(set, 3, change->item->bytes.data, change->item->bytes.length);
	return lf_sqlite_run(set);
}

static int redact_item(struct lf_redactor *redactor, const struct change *change)
{
	const int result = change->item->what == LF_REDACT_PAYLOAD ? redact_payload(redactor, change)
		: change->item->what == LF_REDACT_DECISION         ? redact_decision(redactor, change)
								   : redact_act(redactor, change);

	return result == SQLITE_OK ? keep_original(redactor, change->item, &change->pair[0]) : result;
}

/* ---- all of them, and the act that says so ---- */

static int write_items(struct lf_redactor *redactor, struct lf_item *item)
{
	struct lf_store *store = redactor->store;
	struct lf_item_redaction *redaction = &item->redaction;
	const struct lf_redact *redact = redaction->redact;
	const struct lf_act_add act = {
		.columns = {redact->kind, redact->caller, item->at_us, 0, redact->body.data, redact->body.length},
		.salt = &item->salt,
		.place = &item->place,
		.pairs = redaction->pairs,
		.pair_count = redact->item_count,
	};
	/*
	 * Chains are changed in the tables: what this transaction made of them until now must be there, and nowhere
	 * else.
	 */
	int result = lf_sqlite_write_heads(store);

	for (size_t i = 0; i < redact->item_count && result == SQLITE_OK; i++) {
		const struct change change = {
			&redact->items[i], &redaction->salts[i], &redaction->pairs[2 * i], &redaction->candidates[i]};

		result = redact_item(redactor, &change);
	}
	if (result == SQLITE_OK)
		result = lf_sqlite_add_act(store, &act, &redaction->id);
	lf_heads_clear(&store->heads);
	lf_id_cache_clear(store->ids);
	return result;
}

int lf_sqlite_write_redaction(struct lf_store *store, struct lf_item *item)
{
	struct lf_redactor redactor = {.store = store};
	int result = prepare(&redactor);

	if (result == SQLITE_OK)
		result = write_items(&redactor, item);
	lf_sqlite_finalize(redactor.statements, E_COUNT);
	return result;
}
