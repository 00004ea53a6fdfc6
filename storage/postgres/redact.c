/*
 * Replacing what was recorded: by a role that may update, which a service's own need not be. A payload that is replaced
 * has its new commitment where its digest was, so it is never found by content again.
 */
#include <string.h>

#include "storage/postgres/record.h"

/*
 * What is younger than was seen is looked through once, under the lock: no index has it. More than that many decisions
 * are not: the next one is said to refer to the payload, so whoever erases looks again from there.
 */
#define LATER_MAX "200000"
static const struct lf_pg_statement find_payloads = {"redact_payloads",
	"WITH later AS MATERIALIZED (SELECT d.sequence, d.team_payload, d.project_payload FROM leadfit.decision d"
	" WHERE $3::bigint <> 0 AND d.sequence > $3::bigint AND d.sequence <= $3::bigint + " LATER_MAX
	" AND (d.team_payload = ANY($2::bigint[]) OR d.project_payload = ANY($2::bigint[])))"
	" SELECT u.n, p.kind, p.salt, p.body, coalesce("
	"(SELECT min(l.sequence) FROM later l WHERE l.team_payload = p.id OR l.project_payload = p.id),"
	" (SELECT d.sequence FROM leadfit.decision d WHERE $3::bigint <> 0"
	" AND d.sequence = $3::bigint + " LATER_MAX " + 1))"
	" FROM unnest($1::bigint[], $2::bigint[]) AS u(n, id) JOIN leadfit.payload p ON p.id = u.id"};
static const struct lf_pg_statement find_decisions = {"redact_decisions",
	"SELECT u.n," LF_PG_DECISION_COLUMNS " FROM unnest($1::bigint[], $2::bigint[]) AS u(n, id)"
	" JOIN leadfit.decision d ON d.sequence = u.id" LF_PG_DECISION_JOINS};
static const struct lf_pg_statement find_acts = {"redact_acts",
	"SELECT u.n," LF_PG_ACT_COLUMNS " FROM unnest($1::bigint[], $2::bigint[]) AS u(n, id)"
	" JOIN leadfit.act a ON a.id = u.id" LF_PG_ACT_JOINS};
static const struct lf_pg_statement set_payloads = {"set_payloads",
	"UPDATE leadfit.payload p SET digest = u.digest, salt = u.salt, body = u.body"
	" FROM unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bytea[]) AS u(id, digest, salt, body) WHERE p.id = "
	"u.id"};
static const struct lf_pg_statement set_decisions = {"set_decisions",
	"UPDATE leadfit.decision d SET recommended = u.recommended, candidates = u.candidates, request_digest = NULL,"
	" salt = u.salt, answer = u.answer FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[], "
	"$5::bytea[])"
	" AS u(sequence, recommended, candidates, salt, answer) WHERE d.sequence = u.sequence"};
static const struct lf_pg_statement set_acts = {"set_acts",
	"UPDATE leadfit.act a SET salt = u.salt, body = u.body FROM unnest($1::bigint[], $2::bytea[], $3::bytea[])"
	" AS u(id, salt, body) WHERE a.id = u.id"};
static const struct lf_pg_statement keep_originals = {"keep_originals",
	"INSERT INTO leadfit.redaction(kind, target, commitment)"
	" SELECT * FROM unnest($1::integer[], $2::bigint[], $3::bytea[]) ON CONFLICT DO NOTHING"};
static const struct lf_pg_statement drop_keys = {
	"drop_keys", "DELETE FROM leadfit.request_key WHERE sequence = ANY($1::bigint[])"};
/* Lists that no decision has any more, who was in them, and the names of those who are in no list. */
static const struct lf_pg_statement drop_lists = {"drop_lists",
	"WITH gone AS (DELETE FROM leadfit.list l WHERE l.id = ANY($1::bigint[])"
	" AND NOT EXISTS(SELECT 1 FROM leadfit.decision d WHERE d.candidates = l.id) RETURNING l.id),"
	" members AS (DELETE FROM leadfit.member m USING gone WHERE m.list = gone.id RETURNING m.candidate)"
	" DELETE FROM leadfit.name x WHERE x.id IN (SELECT candidate FROM members) AND NOT EXISTS("
	"SELECT 1 FROM leadfit.member m WHERE m.candidate = x.id AND m.list NOT IN (SELECT id FROM gone))"};
static const struct lf_pg_statement insert_act = {"add_redaction",
	"INSERT INTO leadfit.act(id, kind, at, caller, decision, position, salt, body, pairs)"
	" VALUES($1, $2, $3, $4, NULL, $5, $6, $7, $8)"};

/* So many things are read in one round trip: each can be megabytes. */
enum { CHUNK = 64 };

/* ---- prepare ---- */

static const struct lf_pg_statement *const finders[] = {&find_payloads, &find_decisions, &find_acts};

/* Of the items [first, end) those of a kind (from 0). Whether there are any. */
static bool send_kind(
	struct lf_store *store, const struct lf_redact *redact, size_t first, size_t end, int kind, bool *failed)
{
	struct lf_pg_array *columns = store->columns;
	struct lf_pg_parameters parameters = {.count = 0};

	lf_pg_array_empty(&columns[0], LF_PG_INT8);
	lf_pg_array_empty(&columns[1], LF_PG_INT8);
	for (size_t i = first; i < end; i++) {
		const uint64_t id = redact->items[i].id;

		if ((int)redact->items[i].what != kind + 1 || id > INT64_MAX)
			continue;
		lf_pg_array_int(&columns[0], (int64_t)(i - first));
		lf_pg_array_int(&columns[1], (int64_t)id);
	}
	if (columns[0].count == 0 && !columns[0].failed)
		return false;
	lf_pg_put_array(&parameters, &columns[0]);
	lf_pg_put_array(&parameters, &columns[1]);
	if (kind == 0)
		lf_pg_put_int8(&parameters, (int64_t)redact->seen_sequence);
	*failed |= columns[0].failed || columns[1].failed;
	if (*failed)
		return false;
	lf_pg_send(store->writer, finders[kind], &parameters);
	return true;
}

/* Which row of its kind's answer each item has; -1: none. */
static void place_rows(const PGresult *result, int rows[CHUNK])
{
	for (int row = 0; row < PQntuples(result); row++) {
		const int64_t n = lf_pg_int(result, row, 0);

		if (n >= 0 && n < CHUNK)
			rows[n] = row;
	}
}

static void fill_payload(const PGresult *result, int row, struct lf_redact_found *found)
{
	found->kind = (enum lf_payload_kind)lf_pg_int(result, row, 1);
	if (!lf_pg_fixed(result, row, 2, &found->salt, sizeof(found->salt)))
		found->missing = "its salt";
	found->body.data = lf_pg_bytes(result, row, 3, &found->body.length);
	found->younger = (uint64_t)lf_pg_int(result, row, 4);
}

/* Tells the log of one; false: enough. */
static bool tell(
	struct lf_store *store, const struct lf_item_redaction *redaction, size_t i, const PGresult *result, int row)
{
	const struct lf_redact_item *item = &redaction->redact->items[i];
	struct lf_redact_found found = {.there = result != NULL && row >= 0};
	struct lf_pg_record record;

	if (found.there && item->what == LF_REDACT_PAYLOAD) {
		fill_payload(result, row, &found);
	} else if (found.there) {
		const bool act = item->what == LF_REDACT_ACT;

		lf_pg_read_record(result, row, 1, act ? LF_PG_T_ACT : LF_PG_T_DECISION, &record);
		found.missing = record.missing;
		found.salt = record.salt;
		if (act) {
			found.act = record.columns.act;
		} else {
			found.decision = record.columns.decision;
			lf_pg_array_int(&store->old_lists, record.list);
		}
	}
	return redaction->found(redaction->context, i, &found);
}

/* Looks at the items [first, end). *go_on: the log wants to see more. */
static enum lf_code prepare_chunk(struct lf_store *store, const struct lf_item_redaction *redaction, size_t first,
	size_t end, bool *go_on, struct lf_error *error)
{
	static const char doing[] = "looking up what is to be replaced";
	PGresult *results[3] = {NULL, NULL, NULL};
	bool sent[3], failed = false;
	int rows[CHUNK];

	memset(rows, -1, sizeof(rows));
	for (int kind = 0; kind < 3; kind++)
		sent[kind] = !failed && send_kind(store, redaction->redact, first, end, kind, &failed);
	if (failed)
		return lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	lf_pg_sync(store->writer);
	if (lf_pg_take_sent(store, error) == LF_OK) {
		for (int kind = 0; kind < 3 && error->code == LF_OK; kind++)
			if (sent[kind] && lf_pg_receive(store->writer, &results[kind], doing, error) == LF_OK)
				place_rows(results[kind], rows);
		if (error->code == LF_OK)
			lf_pg_finish(store->writer, doing, error);
	}
	for (size_t i = first; i < end && error->code == LF_OK && *go_on; i++)
		*go_on = tell(store, redaction, i, results[redaction->redact->items[i].what - 1], rows[i - first]);
	for (int kind = 0; kind < 3; kind++)
		PQclear(results[kind]);
	return error->code;
}

/* The names and lists that decisions are to have. */
static enum lf_code prepare_lists(
	struct lf_store *store, const struct lf_item_redaction *redaction, struct lf_error *error)
{
	const struct lf_redact *redact = redaction->redact;
	bool fine = lf_pg_want_name(store, LF_PG_CALLER, redact->caller), failed = false;

	for (size_t i = 0; i < redact->item_count && fine; i++) {
		const struct lf_redact_item *item = &redact->items[i];

		if (item->what != LF_REDACT_DECISION)
			continue;
		fine = lf_pg_want_list(store, &redaction->candidates[i], item->candidates, item->candidate_count) &&
			(item->recommended[0] == '\0' || lf_pg_want_name(store, LF_PG_CANDIDATE, item->recommended));
	}
	if (!fine)
		return lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	if (lf_pg_lookups_send(store, &failed) == 0 && !failed)
		return LF_OK;
	if (failed)
		return lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	lf_pg_sync(store->writer);
	if (lf_pg_take_sent(store, error) == LF_OK && lf_pg_lookups_receive(store, error) == LF_OK)
		lf_pg_finish(store->writer, "looking up names", error);
	return error->code;
}

enum lf_code lf_pg_prepare_redaction(struct lf_store *store, struct lf_item *item, struct lf_error *error)
{
	const struct lf_item_redaction *redaction = &item->redaction;
	const size_t count = redaction->redact->item_count;
	bool go_on = true;

	lf_pg_array_empty(&store->old_lists, LF_PG_INT8);
	if (!lf_pg_may_erase(store, item, error))
		return error->code;
	for (size_t first = 0; first < count && go_on; first += CHUNK)
		if (prepare_chunk(store, redaction, first, first + CHUNK < count ? first + CHUNK : count, &go_on,
			    error) != LF_OK)
			return error->code;
	return go_on ? prepare_lists(store, redaction, error) : LF_OK;
}

/* ---- write ---- */

/* A statement over columns of the store, from the first on. */
static bool send_columns(struct lf_store *store, const struct lf_pg_statement *statement, size_t count)
{
	struct lf_pg_parameters parameters = {.count = 0};

	for (size_t i = 0; i < count; i++) {
		lf_pg_put_array(&parameters, &store->columns[i]);
		if (store->columns[i].failed)
			return false;
	}
	if (store->columns[0].count > 0)
		lf_pg_send_counted(store, statement, &parameters);
	return true;
}

static void empty(struct lf_store *store, const enum lf_pg_type *types, size_t count)
{
	for (size_t i = 0; i < count; i++)
		lf_pg_array_empty(&store->columns[i], types[i]);
}

static bool write_payloads(struct lf_store *store, const struct lf_item_redaction *redaction)
{
	static const enum lf_pg_type types[] = {LF_PG_INT8, LF_PG_BYTEA, LF_PG_BYTEA, LF_PG_BYTEA};
	struct lf_pg_array *columns = store->columns;

	empty(store, types, 4);
	for (size_t i = 0; i < redaction->redact->item_count; i++) {
		const struct lf_redact_item *item = &redaction->redact->items[i];

		if (item->what != LF_REDACT_PAYLOAD)
			continue;
		lf_pg_array_int(&columns[0], (int64_t)item->id);
		lf_pg_array_bytes(&columns[1], &redaction->pairs[2 * i + 1], sizeof(struct lf_digest));
		lf_pg_array_bytes(&columns[2], &redaction->salts[i], sizeof(struct lf_salt));
		lf_pg_array_bytes(&columns[3], item->bytes.data, item->bytes.length);
	}
	return send_columns(store, &set_payloads, 4);
}

/* The rows of names and lists were added, and are sent here, before what refers to them. */
static bool write_decisions(struct lf_store *store, const struct lf_item_redaction *redaction)
{
	static const enum lf_pg_type types[] = {LF_PG_INT8, LF_PG_INT8, LF_PG_INT8, LF_PG_BYTEA, LF_PG_BYTEA};
	struct lf_pg_array *columns = store->columns;
	struct lf_pg_parameters keys = {.count = 0}, lists = {.count = 0};

	empty(store, types, 5);
	for (size_t i = 0; i < redaction->redact->item_count; i++) {
		const struct lf_redact_item *item = &redaction->redact->items[i];
		int64_t list, recommended = -1;

		if (item->what != LF_REDACT_DECISION)
			continue;
		list = lf_pg_add_list(store, &redaction->candidates[i], item->candidates, item->candidate_count);
		if (item->recommended[0] != '\0')
			recommended = lf_pg_add_name(store, LF_PG_CANDIDATE, item->recommended);
		if (list == 0 || recommended == 0)
			return false;
		lf_pg_array_int(&columns[0], (int64_t)item->id);
		if (recommended > 0)
			lf_pg_array_int(&columns[1], recommended);
		else
			lf_pg_array_null(&columns[1]);
		lf_pg_array_int(&columns[2], list);
		lf_pg_array_bytes(&columns[3], &redaction->salts[i], sizeof(struct lf_salt));
		lf_pg_array_bytes(&columns[4], item->bytes.data, item->bytes.length);
	}
	if (!lf_pg_rows_send(store) || !send_columns(store, &set_decisions, 5))
		return false;
	if (columns[0].count == 0)
		return true;
	lf_pg_put_array(&keys, &columns[0]);
	lf_pg_send_counted(store, &drop_keys, &keys);
	lf_pg_put_array(&lists, &store->old_lists);
	if (store->old_lists.failed)
		return false;
	lf_pg_send_counted(store, &drop_lists, &lists);
	return true;
}

static bool write_acts(struct lf_store *store, const struct lf_item_redaction *redaction)
{
	static const enum lf_pg_type types[] = {LF_PG_INT8, LF_PG_BYTEA, LF_PG_BYTEA};
	struct lf_pg_array *columns = store->columns;

	empty(store, types, 3);
	for (size_t i = 0; i < redaction->redact->item_count; i++) {
		const struct lf_redact_item *item = &redaction->redact->items[i];

		if (item->what != LF_REDACT_ACT)
			continue;
		lf_pg_array_int(&columns[0], (int64_t)item->id);
		lf_pg_array_bytes(&columns[1], &redaction->salts[i], sizeof(struct lf_salt));
		lf_pg_array_bytes(&columns[2], item->bytes.data, item->bytes.length);
	}
	return send_columns(store, &set_acts, 3);
}

static bool write_originals(struct lf_store *store, const struct lf_item_redaction *redaction)
{
	static const enum lf_pg_type types[] = {LF_PG_INT4, LF_PG_INT8, LF_PG_BYTEA};
	struct lf_pg_array *columns = store->columns;

	empty(store, types, 3);
	for (size_t i = 0; i < redaction->redact->item_count; i++) {
		lf_pg_array_int(&columns[0], (int64_t)redaction->redact->items[i].what);
		lf_pg_array_int(&columns[1], (int64_t)redaction->redact->items[i].id);
		lf_pg_array_bytes(&columns[2], &redaction->pairs[2 * i], sizeof(struct lf_digest));
	}
	return send_columns(store, &keep_originals, 3);
}

bool lf_pg_write_redaction(struct lf_store *store, struct lf_item *item)
{
	struct lf_item_redaction *redaction = &item->redaction;
	const struct lf_redact *redact = redaction->redact;
	const int64_t caller = lf_pg_add_name(store, LF_PG_CALLER, redact->caller);
	struct lf_pg_parameters parameters = {.count = 0};

	if (caller == 0)
		return false;
	redaction->id = (uint64_t)++store->acts;
	lf_pg_add_leaf(store, item, redact->kind, (int64_t)redaction->id);
	if (!write_decisions(store, redaction) || !write_payloads(store, redaction) || !write_acts(store, redaction) ||
		!write_originals(store, redaction))
		return false;
	lf_pg_put_int8(&parameters, (int64_t)redaction->id);
	lf_pg_put_int4(&parameters, (int32_t)redact->kind);
	lf_pg_put_int8(&parameters, item->at_us);
	lf_pg_put_int8(&parameters, caller);
	lf_pg_put_int8(&parameters, (int64_t)item->place.position);
	lf_pg_put_bytes(&parameters, &item->salt, sizeof(item->salt));
	lf_pg_put_bytes(&parameters, redact->body.data, redact->body.length);
	lf_pg_put_bytes(&parameters, redaction->pairs, redact->item_count * 2 * sizeof(struct lf_digest));
	lf_pg_send_counted(store, &insert_act, &parameters);
	lf_pg_forget(store);
	return true;
}
