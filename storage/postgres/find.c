/*
 * prepare() of decisions: looks up what the log has to know of them, in one round trip, and in none where the writer
 * remembers all of it. What the transaction has sent before goes before the lookups on the same connection, so they see
 * it.
 */
#include <string.h>

#include "storage/postgres/store.h"

static const struct lf_pg_statement find_keys = {"find_keys",
	"SELECT u.n, d.sequence, d.id, d.decided_at, d.request_digest"
	" FROM unnest($1::bigint[], $2::text[], $3::text[]) AS u(n, caller, key)"
	" JOIN leadfit.name c ON c.value = u.caller AND c.kind = 1"
	" JOIN leadfit.request_key k ON k.caller = c.id AND k.key = u.key"
	" LEFT JOIN leadfit.decision d ON d.sequence = k.sequence"};

static bool want_decision(struct lf_store *store, const struct lf_item_decision *decision)
{
	const struct lf_append *append = decision->append;

	return lf_pg_want_name(store, LF_PG_CALLER, append->caller) &&
		lf_pg_want_name(store, LF_PG_TEAM, append->team_id) &&
		lf_pg_want_name(store, LF_PG_PROJECT, append->project_id) &&
		(append->recommended[0] == '\0' || lf_pg_want_name(store, LF_PG_CANDIDATE, append->recommended)) &&
		lf_pg_want_list(store, &append->candidates_digest, append->candidates, append->candidate_count) &&
		lf_pg_want_payload(store, LF_PAYLOAD_TEAM, &decision->team) &&
		lf_pg_want_payload(store, LF_PAYLOAD_PROJECT, &decision->project) &&
		lf_pg_want_rubric(store, &append->rubric_digest, append->rubric_name);
}

static void tell_payload(struct lf_store *store, enum lf_payload_kind kind, struct lf_item_payload *payload)
{
	const struct lf_pg_id *entry = lf_pg_payload(store, kind, payload->digest);

	payload->stored = entry != NULL && entry->id != 0;
	if (payload->stored)
		payload->commitment = entry->commitment;
}

static void tell_decision(struct lf_store *store, struct lf_item_decision *decision)
{
	const struct lf_pg_id *rubric =
		lf_pg_rubric(store, &decision->append->rubric_digest, decision->append->rubric_name);

	decision->rubric_stored = rubric != NULL && rubric->id != 0;
	if (decision->rubric_stored)
		decision->rubric_commitment = rubric->commitment;
	tell_payload(store, LF_PAYLOAD_TEAM, &decision->team);
	tell_payload(store, LF_PAYLOAD_PROJECT, &decision->project);
	decision->key_used = false;
}

/* Whether any decision of the group has a key: those are always looked for. */
static bool send_keys(struct lf_store *store, struct lf_item *const *items, size_t count, bool *failed)
{
	struct lf_pg_array *columns = store->columns;
	struct lf_pg_parameters parameters = {.count = 0};

	lf_pg_array_empty(&columns[0], LF_PG_INT8);
	lf_pg_array_empty(&columns[1], LF_PG_TEXT);
	lf_pg_array_empty(&columns[2], LF_PG_TEXT);
	for (size_t i = 0; i < count; i++) {
		const struct lf_append *append = items[i]->decision.append;

		if (append->idempotency_key[0] == '\0')
			continue;
		lf_pg_array_int(&columns[0], (int64_t)i);
		lf_pg_array_bytes(&columns[1], append->caller, strlen(append->caller));
		lf_pg_array_bytes(&columns[2], append->idempotency_key, strlen(append->idempotency_key));
	}
	if (columns[0].count == 0 && !columns[0].failed)
		return false;
	for (size_t i = 0; i < 3; i++) {
		lf_pg_put_array(&parameters, &columns[i]);
		*failed |= columns[i].failed;
	}
	if (!*failed)
		lf_pg_send(store->writer, &find_keys, &parameters);
	return !*failed;
}

static enum lf_code receive_keys(
	struct lf_store *store, struct lf_item *const *items, size_t count, struct lf_error *error)
{
	PGresult *result;

	if (lf_pg_receive(store->writer, &result, "looking idempotency keys up", error) != LF_OK)
		return error->code;
	for (int row = 0; row < PQntuples(result) && error->code == LF_OK; row++) {
		const int64_t i = lf_pg_int(result, row, 0);
		struct lf_item_decision *decision;

		if (i < 0 || (size_t)i >= count) {
			lf_error_set(error, LF_UNAVAILABLE, "an answer that was not asked for");
			break;
		}
		decision = &items[i]->decision;
		decision->key_used = true;
		decision->first_sequence = (uint64_t)lf_pg_int(result, row, 1);
		decision->first_at_us = lf_pg_int(result, row, 3);
		if (!lf_pg_fixed(result, row, 2, &decision->first_id, sizeof(decision->first_id)) ||
			!lf_pg_fixed(result, row, 4, &decision->first_request, sizeof(decision->first_request)))
			lf_error_set(error, LF_DATA_LOSS, "an idempotency key refers to no decision");
	}
	PQclear(result);
	return error->code;
}

enum lf_code lf_pg_prepare_decisions(
	struct lf_store *store, struct lf_item *const *items, size_t count, struct lf_error *error)
{
	bool failed = false, keys;
	size_t sent;

	for (size_t i = 0; i < count && !failed; i++)
		failed = !want_decision(store, &items[i]->decision);
	if (failed)
		return lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	sent = lf_pg_lookups_send(store, &failed);
	keys = !failed && send_keys(store, items, count, &failed);
	if (failed)
		return lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	if (sent > 0 || keys) {
		lf_pg_sync(store->writer);
		if (lf_pg_take_sent(store, error) != LF_OK || lf_pg_lookups_receive(store, error) != LF_OK)
			return error->code;
	}
	for (size_t i = 0; i < count; i++)
		tell_decision(store, &items[i]->decision);
	if (keys && receive_keys(store, items, count, error) != LF_OK)
		return error->code;
	return sent > 0 || keys ? lf_pg_finish(store->writer, "looking up", error) : LF_OK;
}
