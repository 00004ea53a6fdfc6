/*
 * For write(): the rows of a group, a statement a table, sent and not waited for. Ids continue what the head says was given:
 * nobody else gives any until this transaction has ended.
 */
#include <string.h>

#include "proto/base/check.h"
#include "storage/postgres/store.h"

static const struct lf_pg_statement insert_names = {"add_names",
	"INSERT INTO leadfit.name(id, kind, value) SELECT * FROM unnest($1::bigint[], $2::integer[], $3::text[])"};
static const struct lf_pg_statement insert_lists = {
	"add_lists", "INSERT INTO leadfit.list(id, digest) SELECT * FROM unnest($1::bigint[], $2::bytea[])"};
static const struct lf_pg_statement insert_members = {"add_members",
	"INSERT INTO leadfit.member(candidate, list) SELECT * FROM unnest($1::bigint[], $2::bigint[])"
	" ON CONFLICT DO NOTHING"};
static const struct lf_pg_statement insert_payloads = {"add_payloads",
	"INSERT INTO leadfit.payload(id, kind, digest, salt, body)"
	" SELECT * FROM unnest($1::bigint[], $2::integer[], $3::bytea[], $4::bytea[], $5::bytea[])"};
static const struct lf_pg_statement insert_keys = {"add_keys",
	"INSERT INTO leadfit.request_key(caller, key, sequence)"
	" SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[])"};
static const struct lf_pg_statement insert_leaves = {"add_leaves",
	"INSERT INTO leadfit.leaf(position, kind, record, hash)"
	" SELECT * FROM unnest($1::bigint[], $2::integer[], $3::bigint[], $4::bytea[])"};
static const struct lf_pg_statement insert_decisions = {"add_decisions",
	"INSERT INTO leadfit.decision(sequence, id, position, decided_at, outcome, purpose, caller, rubric, "
	"recommended,"
	" team, project, candidates, team_payload, project_payload, request_digest, salt, answer)"
	" SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::bigint[], $4::bigint[], $5::integer[], $6::integer[],"
	" $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[],"
	" $14::bigint[], $15::bytea[], $16::bytea[], $17::bytea[])"};
static const struct lf_pg_statement insert_rubric = {"add_rubric",
	"INSERT INTO leadfit.rubric(payload, name, title, put_by, put_at, position, salt) VALUES($1, $2, $3, $4, $5, "
	"$6, $7)"};
static const struct lf_pg_statement insert_activation = {"add_activation",
	"INSERT INTO leadfit.activation(position, name, activated_at, caller, from_rubric, to_rubric, salt)"
	" VALUES($1, $2, $3, $4, $5, $6, $7)"};
static const struct lf_pg_statement insert_acts = {"add_acts",
	"INSERT INTO leadfit.act(id, kind, at, caller, decision, position, salt, body, pairs)"
	" SELECT * FROM unnest($1::bigint[], $2::integer[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],"
	" $7::bytea[], $8::bytea[], $9::bytea[])"};
static const struct lf_pg_statement insert_originals = {"add_originals",
	"INSERT INTO leadfit.redaction(kind, target, commitment)"
	" SELECT * FROM unnest($1::integer[], $2::bigint[], $3::bytea[])"};

static const enum lf_pg_type NAME_TYPES[] = {LF_PG_INT8, LF_PG_INT4, LF_PG_TEXT};
static const enum lf_pg_type LIST_TYPES[] = {LF_PG_INT8, LF_PG_BYTEA};
static const enum lf_pg_type MEMBER_TYPES[] = {LF_PG_INT8, LF_PG_INT8};
static const enum lf_pg_type PAYLOAD_TYPES[] = {LF_PG_INT8, LF_PG_INT4, LF_PG_BYTEA, LF_PG_BYTEA, LF_PG_BYTEA};
static const enum lf_pg_type KEY_TYPES[] = {LF_PG_INT8, LF_PG_TEXT, LF_PG_INT8};
static const enum lf_pg_type LEAF_TYPES[] = {LF_PG_INT8, LF_PG_INT4, LF_PG_INT8, LF_PG_BYTEA};
static const enum lf_pg_type DECISION_TYPES[] = {LF_PG_INT8, LF_PG_UUID, LF_PG_INT8, LF_PG_INT8, LF_PG_INT4, LF_PG_INT4,
	LF_PG_INT8, LF_PG_INT8, LF_PG_INT8, LF_PG_INT8, LF_PG_INT8, LF_PG_INT8, LF_PG_INT8, LF_PG_INT8, LF_PG_BYTEA,
	LF_PG_BYTEA, LF_PG_BYTEA};
static const enum lf_pg_type ACT_TYPES[] = {
	LF_PG_INT8, LF_PG_INT4, LF_PG_INT8, LF_PG_INT8, LF_PG_INT8, LF_PG_INT8, LF_PG_BYTEA, LF_PG_BYTEA, LF_PG_BYTEA};
static const enum lf_pg_type ORIGINAL_TYPES[] = {LF_PG_INT4, LF_PG_INT8, LF_PG_BYTEA};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void empty(struct lf_pg_array *columns, const enum lf_pg_type *types, size_t count)
{
	for (size_t i = 0; i < count; i++)
		lf_pg_array_empty(&columns[i], types[i]);
}

/* Sends the rows where there are any. false: out of memory. */
static bool send_rows(
	struct lf_store *store, const struct lf_pg_statement *statement, struct lf_pg_array *columns, size_t count)
{
	struct lf_pg_parameters parameters = {.count = 0};
	bool failed = false;

	for (size_t i = 0; i < count; i++)
		failed |= columns[i].failed;
	if (failed || columns[0].count == 0)
		return !failed;
	for (size_t i = 0; i < count; i++) {
		lf_pg_put_array(&parameters, &columns[i]);
		LF_CHECK(G5, columns[i].count == columns[0].count);
	}
	lf_pg_send_counted(store, statement, &parameters);
	return true;
}

void lf_pg_rows_begin(struct lf_store *store)
{
	empty(store->new_names, NAME_TYPES, COUNT(NAME_TYPES));
	empty(store->new_lists, LIST_TYPES, COUNT(LIST_TYPES));
	empty(store->new_members, MEMBER_TYPES, COUNT(MEMBER_TYPES));
	empty(store->new_payloads, PAYLOAD_TYPES, COUNT(PAYLOAD_TYPES));
	empty(store->new_keys, KEY_TYPES, COUNT(KEY_TYPES));
	empty(store->new_leaves, LEAF_TYPES, COUNT(LEAF_TYPES));
	empty(store->new_originals, ORIGINAL_TYPES, COUNT(ORIGINAL_TYPES));
}

bool lf_pg_rows_send(struct lf_store *store)
{
	return send_rows(store, &insert_names, store->new_names, COUNT(NAME_TYPES)) &&
		send_rows(store, &insert_lists, store->new_lists, COUNT(LIST_TYPES)) &&
		send_rows(store, &insert_members, store->new_members, COUNT(MEMBER_TYPES)) &&
		send_rows(store, &insert_payloads, store->new_payloads, COUNT(PAYLOAD_TYPES)) &&
		send_rows(store, &insert_keys, store->new_keys, COUNT(KEY_TYPES)) &&
		send_rows(store, &insert_leaves, store->new_leaves, COUNT(LEAF_TYPES)) &&
		send_rows(store, &insert_originals, store->new_originals, COUNT(ORIGINAL_TYPES));
}

/* ---- what is stored once: each gives the id, 0 where memory was short ---- */

int64_t lf_pg_add_name(struct lf_store *store, enum lf_pg_tag kind, const char *value)
{
	struct lf_pg_id *entry = lf_pg_name(store, kind, value);

	if (entry == NULL)
		return 0;
	if (entry->id == 0) {
		entry->id = ++store->names;
		lf_pg_array_int(&store->new_names[0], entry->id);
		lf_pg_array_int(&store->new_names[1], (int64_t)kind);
		lf_pg_array_bytes(&store->new_names[2], value, strlen(value));
	}
	return entry->id;
}

int64_t lf_pg_add_list(
	struct lf_store *store, const struct lf_digest *digest, const char *const *candidates, size_t count)
{
	struct lf_pg_id *entry = lf_pg_list(store, digest);

	if (entry == NULL || entry->id != 0)
		return entry != NULL ? entry->id : 0;
	entry->id = ++store->names;
	lf_pg_array_int(&store->new_lists[0], entry->id);
	lf_pg_array_bytes(&store->new_lists[1], digest, sizeof(*digest));
	for (size_t i = 0; i < count; i++) {
		const int64_t candidate = lf_pg_add_name(store, LF_PG_CANDIDATE, candidates[i]);

		if (candidate == 0)
			return 0;
		lf_pg_array_int(&store->new_members[0], candidate);
		lf_pg_array_int(&store->new_members[1], entry->id);
	}
	return entry->id;
}

/* Of what was replaced in the log that this one is a copy of. */
static void add_original(struct lf_store *store, int what, int64_t target, const struct lf_digest *original)
{
	struct lf_pg_array *columns = store->new_originals;

	if (original == NULL)
		return;
	lf_pg_array_int(&columns[0], what);
	lf_pg_array_int(&columns[1], target);
	lf_pg_array_bytes(&columns[2], original, sizeof(*original));
}

static int64_t add_payload(struct lf_store *store, enum lf_payload_kind kind, const struct lf_item_payload *payload)
{
	struct lf_pg_id *entry = lf_pg_payload(store, kind, payload->digest);
	struct lf_pg_array *columns = store->new_payloads;

	if (entry == NULL || entry->id != 0)
		return entry != NULL ? entry->id : 0;
	entry->id = ++store->payloads;
	entry->commitment = payload->commitment;
	lf_pg_array_int(&columns[0], entry->id);
	lf_pg_array_int(&columns[1], (int64_t)kind);
	lf_pg_array_bytes(&columns[2], payload->digest, sizeof(*payload->digest));
	lf_pg_array_bytes(&columns[3], &payload->salt, sizeof(payload->salt));
	lf_pg_array_bytes(&columns[4], payload->body.data, payload->body.length);
	add_original(store, LF_REDACT_PAYLOAD, entry->id, payload->original);
	return entry->id;
}

void lf_pg_add_leaf(struct lf_store *store, const struct lf_item *item, enum lf_leaf_kind kind, int64_t record)
{
	struct lf_pg_array *columns = store->new_leaves;

	lf_pg_array_int(&columns[0], (int64_t)item->place.position);
	lf_pg_array_int(&columns[1], (int64_t)kind);
	lf_pg_array_int(&columns[2], record);
	lf_pg_array_bytes(&columns[3], &item->place.hash, sizeof(item->place.hash));
}

/* ---- decisions ---- */

static void add_key(struct lf_store *store, int64_t caller, const struct lf_item_decision *decision)
{
	struct lf_pg_array *columns = store->new_keys;
	const char *key = decision->append->idempotency_key;

	if (key[0] == '\0')
		return;
	lf_pg_array_int(&columns[0], caller);
	lf_pg_array_bytes(&columns[1], key, strlen(key));
	lf_pg_array_int(&columns[2], (int64_t)decision->sequence);
}

static bool add_decision(struct lf_store *store, const struct lf_item *item)
{
	const struct lf_item_decision *decision = &item->decision;
	const struct lf_append *append = decision->append;
	const struct lf_pg_id *rubric = lf_pg_rubric(store, &append->rubric_digest, append->rubric_name);
	const int64_t caller = lf_pg_add_name(store, LF_PG_CALLER, append->caller),
		      team = lf_pg_add_name(store, LF_PG_TEAM, append->team_id),
		      project = lf_pg_add_name(store, LF_PG_PROJECT, append->project_id),
		      list = lf_pg_add_list(
			      store, &append->candidates_digest, append->candidates, append->candidate_count),
		      recommended = append->recommended[0] != '\0'
		? lf_pg_add_name(store, LF_PG_CANDIDATE, append->recommended)
		: -1,
		      team_payload = add_payload(store, LF_PAYLOAD_TEAM, &decision->team),
		      project_payload = add_payload(store, LF_PAYLOAD_PROJECT, &decision->project);
	struct lf_pg_array *columns = store->columns;
	const int64_t ids[] = {team, project, list, team_payload, project_payload};

	if (rubric == NULL || caller == 0 || recommended == 0)
		return false;
	for (size_t i = 0; i < COUNT(ids); i++)
		if (ids[i] == 0)
			return false;
	lf_pg_array_int(&columns[0], (int64_t)decision->sequence);
	lf_pg_array_bytes(&columns[1], &decision->id, sizeof(decision->id));
	lf_pg_array_int(&columns[2], (int64_t)item->place.position);
	lf_pg_array_int(&columns[3], item->at_us);
	lf_pg_array_int(&columns[4], append->outcome);
	lf_pg_array_int(&columns[5], append->purpose);
	lf_pg_array_int(&columns[6], caller);
	lf_pg_array_int(&columns[7], rubric->id);
	if (recommended > 0)
		lf_pg_array_int(&columns[8], recommended);
	else
		lf_pg_array_null(&columns[8]);
	for (size_t i = 0; i < COUNT(ids); i++)
		lf_pg_array_int(&columns[9 + i], ids[i]);
	if (append->idempotency_key[0] != '\0')
		lf_pg_array_bytes(&columns[14], &append->request_digest, sizeof(append->request_digest));
	else
		lf_pg_array_null(&columns[14]);
	lf_pg_array_bytes(&columns[15], &item->salt, sizeof(item->salt));
	lf_pg_array_bytes(&columns[16], append->answer.data, append->answer.length);
	add_key(store, caller, decision);
	add_original(store, LF_REDACT_DECISION, (int64_t)decision->sequence, item->original);
	lf_pg_add_leaf(store, item, LF_LEAF_DECISION, (int64_t)decision->sequence);
	return true;
}

bool lf_pg_add_decisions(struct lf_store *store, struct lf_item *const *items, size_t count)
{
	bool fine = true;

	empty(store->columns, DECISION_TYPES, COUNT(DECISION_TYPES));
	for (size_t i = 0; i < count && fine; i++)
		fine = add_decision(store, items[i]);
	return fine && lf_pg_rows_send(store) &&
		send_rows(store, &insert_decisions, store->columns, COUNT(DECISION_TYPES));
}

/* ---- the others ---- */

bool lf_pg_add_rubric(struct lf_store *store, const struct lf_item *item)
{
	const struct lf_item_rubric *rubric = &item->rubric;
	const int64_t name = lf_pg_add_name(store, LF_PG_RUBRIC_NAME, rubric->name),
		      caller = lf_pg_add_name(store, LF_PG_CALLER, rubric->caller),
		      payload = add_payload(store, LF_PAYLOAD_RUBRIC, &rubric->body);
	struct lf_pg_id *entry = lf_pg_rubric(store, rubric->body.digest, rubric->name);
	struct lf_pg_parameters parameters = {.count = 0};

	if (name == 0 || caller == 0 || payload == 0 || entry == NULL)
		return false;
	entry->id = payload;
	entry->commitment = rubric->body.commitment;
	lf_pg_put_int8(&parameters, payload);
	lf_pg_put_int8(&parameters, name);
	lf_pg_put_text(&parameters, rubric->title);
	lf_pg_put_int8(&parameters, caller);
	lf_pg_put_int8(&parameters, item->at_us);
	lf_pg_put_int8(&parameters, (int64_t)item->place.position);
	lf_pg_put_bytes(&parameters, &item->salt, sizeof(item->salt));
	lf_pg_add_leaf(store, item, LF_LEAF_RUBRIC, payload);
	if (!lf_pg_rows_send(store))
		return false;
	lf_pg_send_counted(store, &insert_rubric, &parameters);
	return true;
}

static void put_or_null(struct lf_pg_parameters *parameters, bool there, int64_t value)
{
	if (there)
		lf_pg_put_int8(parameters, value);
	else
		lf_pg_put_null(parameters);
}

/* rows: the name, the version that becomes active, the one that was: prepare() found them. */
bool lf_pg_add_activation(struct lf_store *store, const struct lf_item *item)
{
	const struct lf_item_activation *activation = &item->activation;
	const int64_t caller = lf_pg_add_name(store, LF_PG_CALLER, activation->caller);
	struct lf_pg_parameters parameters = {.count = 0};

	if (caller == 0)
		return false;
	lf_pg_put_int8(&parameters, (int64_t)item->place.position);
	lf_pg_put_int8(&parameters, item->rows[0]);
	lf_pg_put_int8(&parameters, item->at_us);
	lf_pg_put_int8(&parameters, caller);
	put_or_null(&parameters, activation->had_from, item->rows[2]);
	put_or_null(&parameters, activation->digest != NULL, item->rows[1]);
	lf_pg_put_bytes(&parameters, &item->salt, sizeof(item->salt));
	lf_pg_add_leaf(store, item, LF_LEAF_ACTIVATION, (int64_t)item->place.position);
	if (!lf_pg_rows_send(store))
		return false;
	lf_pg_send_counted(store, &insert_activation, &parameters);
	return true;
}

bool lf_pg_add_acts(struct lf_store *store, struct lf_item *const *items, size_t count)
{
	struct lf_pg_array *columns = store->columns;

	empty(columns, ACT_TYPES, COUNT(ACT_TYPES));
	for (size_t i = 0; i < count; i++) {
		struct lf_item_act *act = &items[i]->act;
		const int64_t caller = lf_pg_add_name(store, LF_PG_CALLER, act->caller);

		if (caller == 0)
			return false;
		act->id = (uint64_t)++store->acts;
		lf_pg_array_int(&columns[0], (int64_t)act->id);
		lf_pg_array_int(&columns[1], (int64_t)act->kind);
		lf_pg_array_int(&columns[2], items[i]->at_us);
		lf_pg_array_int(&columns[3], caller);
		if (act->decision_sequence != 0)
			lf_pg_array_int(&columns[4], (int64_t)act->decision_sequence);
		else
			lf_pg_array_null(&columns[4]);
		lf_pg_array_int(&columns[5], (int64_t)items[i]->place.position);
		lf_pg_array_bytes(&columns[6], &items[i]->salt, sizeof(items[i]->salt));
		lf_pg_array_bytes(&columns[7], act->body.data, act->body.length);
		if (act->pair_count > 0)
			lf_pg_array_bytes(&columns[8], act->pairs, act->pair_count * 2 * sizeof(*act->pairs));
		else
			lf_pg_array_null(&columns[8]);
		add_original(store, LF_REDACT_ACT, (int64_t)act->id, items[i]->original);
		lf_pg_add_leaf(store, items[i], act->kind, (int64_t)act->id);
	}
	return lf_pg_rows_send(store) && send_rows(store, &insert_acts, columns, COUNT(ACT_TYPES));
}
