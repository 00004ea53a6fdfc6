/* Single things: by key, by id, by place. */
#include <string.h>

#include "storage/postgres/store.h"

static const struct lf_pg_statement find_key = {"read_key",
	"SELECT d.id, d.request_digest FROM leadfit.name c JOIN leadfit.request_key k ON k.caller = c.id AND k.key = $2"
	" LEFT JOIN leadfit.decision d ON d.sequence = k.sequence WHERE c.value = $1 AND c.kind = 1"};
static const struct lf_pg_statement get_decision = {"read_decision",
	"SELECT " LF_PG_ROW_COLUMNS ", tp.body, pp.body, d.answer FROM leadfit.decision d" LF_PG_ROW_JOINS
	" LEFT JOIN leadfit.payload tp ON tp.id = d.team_payload LEFT JOIN leadfit.payload pp ON pp.id = "
	"d.project_payload"
	" WHERE d.id = $1"};
static const struct lf_pg_statement find_leaf = {"read_place", "SELECT position FROM leadfit.decision WHERE id = $1"};
static const struct lf_pg_statement get_payload = {
	"read_payload", "SELECT id, kind, digest, salt, body FROM leadfit.payload WHERE id = $1"};
static const struct lf_pg_statement list_payloads = {"read_payloads",
	LF_PG_BOUNDED("id, kind, digest, salt, body",
		"SELECT id, kind, digest, salt, body FROM leadfit.payload WHERE kind = $1 AND id > $2 ORDER BY id "
		"LIMIT $3")};

static const struct lf_pg_statement list_keys = {"read_keys",
	"SELECT sequence, key FROM leadfit.request_key WHERE sequence >= $1 AND sequence <= $2 ORDER BY sequence"};
static const struct lf_pg_statement list_members = {"read_members",
	"SELECT c.value FROM leadfit.list l JOIN leadfit.member m ON m.list = l.id JOIN leadfit.name c ON c.id = "
	"m.candidate"
	" WHERE l.digest = $1 ORDER BY c.value"};

/* ---- the head ---- */

enum lf_code lf_pg_look(struct lf_reader *reader, struct lf_tail *tail, struct lf_error *error)
{
	PGresult *result;

	if (lf_pg_ask_one(reader, &lf_pg_select_head, NULL, &result, "reading the head of the log", error) != LF_OK)
		return error->code;
	lf_pg_read_head(result, tail, NULL, error);
	PQclear(result);
	return error->code;
}

enum lf_code lf_pg_settle(struct lf_reader *reader, struct lf_error *error)
{
	/* Another connection may be to another server than the one that was asked. */
	if (reader->pg.conn == NULL)
		return lf_error_set(error, LF_UNAVAILABLE, "the connection that was read by is gone");
	return lf_pg_barrier(reader->store, &reader->pg, false, error);
}

enum lf_code lf_pg_head(struct lf_reader *reader, struct lf_tree_head *head, struct lf_error *error)
{
	struct lf_tail tail;

	if (lf_pg_look(reader, &tail, error) != LF_OK)
		return error->code;
	head->size = tail.tree.size;
	head->root = tail.root;
	return LF_OK;
}

enum lf_code lf_pg_hashes(struct lf_reader *reader, unsigned level, uint64_t first, size_t count,
	struct lf_digest *hashes, struct lf_error *error)
{
	struct lf_pg_parameters parameters = {.count = 0};
	PGresult *result;

	lf_pg_put_hashes(&parameters, level, first, count);
	if (lf_pg_ask_one(reader, lf_pg_hashes_statement(level), &parameters, &result, "reading hashes of the tree",
		    error) != LF_OK)
		return error->code;
	lf_pg_read_hashes(result, first, count, hashes, error);
	PQclear(result);
	return error->code;
}

/* ---- decisions ---- */

enum lf_code lf_pg_find_key(struct lf_reader *reader, const char *caller, const char *key,
	const struct lf_digest *request_digest, struct lf_uuid *id, struct lf_error *error)
{
	struct lf_pg_parameters parameters = {.count = 0};
	struct lf_digest digest;
	PGresult *result;

	lf_pg_put_text(&parameters, caller);
	lf_pg_put_text(&parameters, key);
	if (lf_pg_ask_one(reader, &find_key, &parameters, &result, "looking an idempotency key up", error) != LF_OK)
		return error->code;
	if (PQntuples(result) == 0)
		lf_error_set(error, LF_NOT_FOUND, "no such idempotency key");
	else if (!lf_pg_fixed(result, 0, 0, id, sizeof(*id)) || !lf_pg_fixed(result, 0, 1, &digest, sizeof(digest)))
		lf_error_set(error, LF_DATA_LOSS, "an idempotency key refers to no decision");
	else if (memcmp(&digest, request_digest, sizeof(digest)) != 0)
		lf_error_set(error, LF_ALREADY_EXISTS, "idempotency key %s was used for another request", key);
	PQclear(result);
	/* It will be answered as stored, and what is visible here may not be on the standby yet. */
	if (error->code == LF_OK)
		lf_pg_barrier(reader->store, &reader->pg, false, error);
	return error->code;
}

static const char *text_or_null(const PGresult *result, int row, int column)
{
	return PQgetisnull(result, row, column) ? NULL : PQgetvalue(result, row, column);
}

enum lf_code lf_pg_read_row(
	const PGresult *result, int row, int first, struct lf_stored *stored, struct lf_error *error)
{
	const char *missing;

	*stored = (struct lf_stored){
		.sequence = (uint64_t)lf_pg_int(result, row, first),
		.decided_at_us = lf_pg_int(result, row, first + 2),
		.outcome = (uint32_t)lf_pg_int(result, row, first + 3),
		.purpose = (uint32_t)lf_pg_int(result, row, first + 4),
		.caller = text_or_null(result, row, first + 5),
		.team_id = text_or_null(result, row, first + 6),
		.project_id = text_or_null(result, row, first + 7),
		.rubric_name = text_or_null(result, row, first + 8),
		.recommended = PQgetisnull(result, row, first + 9) ? "" : text_or_null(result, row, first + 10),
		.team_payload = (uint64_t)lf_pg_int(result, row, first + 12),
		.project_payload = (uint64_t)lf_pg_int(result, row, first + 13),
	};
	missing = !lf_pg_fixed(result, row, first + 1, &stored->id, sizeof(stored->id)) ? "an id"
		: stored->caller == NULL                                                ? "a caller"
		: stored->team_id == NULL                                               ? "a team's name"
		: stored->project_id == NULL                                            ? "a project's name"
		: stored->rubric_name == NULL ||
			!lf_pg_fixed(result, row, first + 11, &stored->rubric_digest, sizeof(stored->rubric_digest))
		? "a rubric"
		: stored->recommended == NULL ? "a recommended candidate"
		: !lf_pg_fixed(result, row, first + 14, &stored->candidates, sizeof(stored->candidates))
		? "a list of candidates"
		: NULL;
	return missing == NULL ? LF_OK
			       : lf_error_set(error, LF_DATA_LOSS, "decision %llu refers to %s that is not stored",
					 (unsigned long long)stored->sequence, missing);
}

enum lf_code lf_pg_get(
	struct lf_reader *reader, const struct lf_uuid *id, struct lf_stored **stored, struct lf_error *error)
{
	struct lf_pg_parameters parameters = {.count = 0};
	struct lf_stored row;
	PGresult *result;
	char text[LF_UUID_TEXT_BYTES];

	lf_pg_put_bytes(&parameters, id, sizeof(*id));
	if (lf_pg_ask_one(reader, &get_decision, &parameters, &result, "reading a decision", error) != LF_OK)
		return error->code;
	if (PQntuples(result) == 0) {
		lf_uuid_print(id, text);
		lf_error_set(error, LF_NOT_FOUND, "there is no decision %s", text);
	} else if (lf_pg_read_row(result, 0, 0, &row, error) == LF_OK) {
		const int bodies = LF_PG_ROW_COLUMN_COUNT;

		row.team.data = lf_pg_bytes(result, 0, bodies, &row.team.length);
		row.project.data = lf_pg_bytes(result, 0, bodies + 1, &row.project.length);
		row.answer.data = lf_pg_bytes(result, 0, bodies + 2, &row.answer.length);
		if (PQgetisnull(result, 0, bodies) || PQgetisnull(result, 0, bodies + 1))
			lf_error_set(error, LF_DATA_LOSS, "decision %llu refers to a payload that is not stored",
				(unsigned long long)row.sequence);
		else if ((*stored = lf_stored_copy(&row)) == NULL)
			lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	}
	PQclear(result);
	return error->code;
}

enum lf_code lf_pg_find_leaf(
	struct lf_reader *reader, const struct lf_uuid *decision, uint64_t *position, struct lf_error *error)
{
	struct lf_pg_parameters parameters = {.count = 0};
	PGresult *result;
	char text[LF_UUID_TEXT_BYTES];

	lf_pg_put_bytes(&parameters, decision, sizeof(*decision));
	if (lf_pg_ask_one(reader, &find_leaf, &parameters, &result, "looking for a leaf", error) != LF_OK)
		return error->code;
	if (PQntuples(result) == 0) {
		lf_uuid_print(decision, text);
		lf_error_set(error, LF_NOT_FOUND, "there is no decision %s", text);
	} else {
		*position = (uint64_t)lf_pg_int(result, 0, 0);
	}
	PQclear(result);
	return error->code;
}

/* ---- payloads ---- */

static enum lf_code read_payload(
	const PGresult *result, int row, struct lf_payload_row *payload, struct lf_error *error)
{
	*payload = (struct lf_payload_row){
		.id = (uint64_t)lf_pg_int(result, row, 0), .kind = (enum lf_payload_kind)lf_pg_int(result, row, 1)};
	payload->body.data = lf_pg_bytes(result, row, 4, &payload->body.length);
	if (lf_pg_fixed(result, row, 2, &payload->digest, sizeof(payload->digest)) &&
		lf_pg_fixed(result, row, 3, &payload->salt, sizeof(payload->salt)))
		return LF_OK;
	return lf_error_set(
		error, LF_DATA_LOSS, "payload %llu has no digest or no salt", (unsigned long long)payload->id);
}

enum lf_code lf_pg_get_payload(
	struct lf_reader *reader, uint64_t id, struct lf_payload_row **row, struct lf_error *error)
{
	struct lf_pg_parameters parameters = {.count = 0};
	struct lf_payload_row payload;
	PGresult *result;

	lf_pg_put_int8(&parameters, (int64_t)id); /* one beyond any id is negative, and not found */
	if (lf_pg_ask_one(reader, &get_payload, &parameters, &result, "reading a payload", error) != LF_OK)
		return error->code;
	if (PQntuples(result) == 0)
		lf_error_set(error, LF_NOT_FOUND, "there is no payload %llu", (unsigned long long)id);
	else if (read_payload(result, 0, &payload, error) == LF_OK && (*row = lf_payload_row_copy(&payload)) == NULL)
		lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	PQclear(result);
	return error->code;
}

/* So many in one answer at most. */
enum { PAYLOADS_MAX = 64 };

enum lf_code lf_pg_list_payloads(struct lf_reader *reader, enum lf_payload_kind kind, uint64_t after, size_t limit,
	void (*visit)(void *context, const struct lf_payload_row *row), void *context, uint64_t *next,
	struct lf_error *error)
{
	const int most = limit < PAYLOADS_MAX ? (int)limit : PAYLOADS_MAX;
	struct lf_pg_parameters parameters = {.count = 0};
	struct lf_payload_row payload = {.id = after};
	PGresult *result;

	*next = 0;
	if (after >= INT64_MAX)
		return LF_OK;
	lf_pg_put_int4(&parameters, (int32_t)kind);
	lf_pg_put_int8(&parameters, (int64_t)after);
	lf_pg_put_int8(&parameters, most + 1);
	if (lf_pg_ask_one(reader, &list_payloads, &parameters, &result, "listing payloads", error) != LF_OK)
		return error->code;
	for (int row = 0; row < PQntuples(result) && row < most; row++) {
		if (read_payload(result, row, &payload, error) != LF_OK)
			break;
		visit(context, &payload);
	}
	if (error->code == LF_OK && PQntuples(result) > 0 &&
		lf_pg_int(result, 0, 5) > (PQntuples(result) < most ? PQntuples(result) : most))
		*next = payload.id;
	PQclear(result);
	return error->code;
}

/* ---- what is copied beside the records ---- */

enum lf_code lf_pg_list_keys(struct lf_reader *reader, uint64_t first, uint64_t last,
	void (*visit)(void *context, uint64_t sequence, const char *key), void *context, struct lf_error *error)
{
	struct lf_pg_parameters parameters = {.count = 0};
	PGresult *result;

	lf_pg_put_int8(&parameters, (int64_t)first);
	lf_pg_put_int8(&parameters, (int64_t)last);
	if (lf_pg_ask_one(reader, &list_keys, &parameters, &result, "listing idempotency keys", error) != LF_OK)
		return error->code;
	for (int row = 0; row < PQntuples(result); row++)
		visit(context, (uint64_t)lf_pg_int(result, row, 0), PQgetvalue(result, row, 1));
	PQclear(result);
	return LF_OK;
}

enum lf_code lf_pg_list_members(struct lf_reader *reader, const struct lf_digest *candidates,
	void (*visit)(void *context, const char *candidate), void *context, struct lf_error *error)
{
	struct lf_pg_parameters parameters = {.count = 0};
	PGresult *result;

	lf_pg_put_bytes(&parameters, candidates, sizeof(*candidates));
	if (lf_pg_ask_one(reader, &list_members, &parameters, &result, "listing candidates", error) != LF_OK)
		return error->code;
	for (int row = 0; row < PQntuples(result); row++)
		visit(context, PQgetvalue(result, row, 0));
	PQclear(result);
	return LF_OK;
}
