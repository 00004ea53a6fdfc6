/* Names, lists, payloads and rubrics by what they hold: what the writer remembers, and looking the rest up. */
#include <stdlib.h>
#include <string.h>

#include "proto/base/check.h"
#include "storage/postgres/store.h"

static const struct lf_pg_statement find_names = {"find_names",
	"SELECT u.n, x.id FROM unnest($1::integer[], $2::text[]) WITH ORDINALITY AS u(kind, value, n)"
	" JOIN leadfit.name x ON x.value = u.value AND x.kind = u.kind"};
static const struct lf_pg_statement find_lists = {"find_lists",
	"SELECT u.n, x.id FROM unnest($1::bytea[]) WITH ORDINALITY AS u(digest, n)"
	" JOIN leadfit.list x ON x.digest = u.digest"};
static const struct lf_pg_statement find_payloads = {"find_payloads",
	"SELECT u.n, x.id, x.salt FROM unnest($1::integer[], $2::bytea[]) WITH ORDINALITY AS u(kind, digest, n)"
	" JOIN leadfit.payload x ON x.digest = u.digest AND x.kind = u.kind"};
static const struct lf_pg_statement find_rubrics = {"find_rubrics",
	"SELECT u.n, p.id, p.salt, p.body FROM unnest($1::bytea[], $2::text[]) WITH ORDINALITY AS u(digest, name, n)"
	" JOIN leadfit.payload p ON p.digest = u.digest AND p.kind = 3 JOIN leadfit.rubric r ON r.payload = p.id"
	" JOIN leadfit.name x ON x.id = r.name AND x.value = u.name"};

enum { L_NAMES, L_LISTS, L_PAYLOADS, L_RUBRICS };

/* ---- entries ---- */

struct lf_pg_id *lf_pg_name(struct lf_store *store, enum lf_pg_tag kind, const char *value)
{
	return lf_pg_ids_at(store->ids, (uint8_t)kind, value, strlen(value));
}

struct lf_pg_id *lf_pg_list(struct lf_store *store, const struct lf_digest *digest)
{
	return lf_pg_ids_at(store->ids, LF_PG_LIST, digest, sizeof(*digest));
}

struct lf_pg_id *lf_pg_payload(struct lf_store *store, enum lf_payload_kind kind, const struct lf_digest *digest)
{
	return lf_pg_ids_at(store->ids, (uint8_t)(LF_PG_PAYLOAD + (int)kind), digest, sizeof(*digest));
}

struct lf_pg_id *lf_pg_rubric(struct lf_store *store, const struct lf_digest *digest, const char *name)
{
	uint8_t key[sizeof(*digest) + LF_ID_BYTES_MAX];
	const size_t length = strlen(name);

	LF_CHECK(G4, length <= LF_ID_BYTES_MAX);
	memcpy(key, digest, sizeof(*digest));
	memcpy(key + sizeof(*digest), name, length);
	return lf_pg_ids_at(store->ids, LF_PG_RUBRIC, key, sizeof(*digest) + length);
}

/* ---- wanting ---- */

void lf_pg_lookups_begin(struct lf_store *store)
{
	store->asked++;
	for (size_t i = 0; i < 4; i++) {
		struct lf_pg_lookup *lookup = &store->lookups[i];

		lf_pg_array_empty(&lookup->kinds, LF_PG_INT4);
		lf_pg_array_empty(&lookup->values, i == L_NAMES ? LF_PG_TEXT : LF_PG_BYTEA);
		lf_pg_array_empty(&lookup->names, LF_PG_TEXT);
		lookup->count = 0;
	}
}

/* Whether the entry has to be looked for; if so it is noted, and the caller adds the values. *failed: out of memory. */
static bool want(struct lf_store *store, struct lf_pg_lookup *lookup, struct lf_pg_id *entry,
	const struct lf_bytes *body, bool *failed)
{
	if (entry == NULL) {
		*failed = true;
		return false;
	}
	if (entry->id != 0 || entry->asked == store->asked)
		return false;
	if (lookup->count == lookup->size) {
		const size_t size = lookup->size * 2 + 64;
		struct lf_pg_id **entries = realloc(lookup->entries, size * sizeof(struct lf_pg_id *));
		const struct lf_bytes **bodies;

		if (entries != NULL)
			lookup->entries = entries;
		bodies = realloc(lookup->bodies, size * sizeof(const struct lf_bytes *));
		if (bodies != NULL)
			lookup->bodies = bodies;
		if (entries == NULL || bodies == NULL) {
			*failed = true;
			return false;
		}
		lookup->size = size;
	}
	entry->asked = store->asked;
	lookup->entries[lookup->count] = entry;
	lookup->bodies[lookup->count++] = body;
	return true;
}

bool lf_pg_want_name(struct lf_store *store, enum lf_pg_tag kind, const char *value)
{
	struct lf_pg_lookup *lookup = &store->lookups[L_NAMES];
	bool failed = false;

	if (want(store, lookup, lf_pg_name(store, kind, value), NULL, &failed)) {
		lf_pg_array_int(&lookup->kinds, (int64_t)kind);
		lf_pg_array_bytes(&lookup->values, value, strlen(value));
	}
	return !failed;
}

/* Of a list that may be new, who is in it, too. */
bool lf_pg_want_list(
	struct lf_store *store, const struct lf_digest *digest, const char *const *candidates, size_t count)
{
	struct lf_pg_lookup *lookup = &store->lookups[L_LISTS];
	bool failed = false;

	if (!want(store, lookup, lf_pg_list(store, digest), NULL, &failed))
		return !failed;
	lf_pg_array_bytes(&lookup->values, digest, sizeof(*digest));
	for (size_t i = 0; i < count && !failed; i++)
		failed = !lf_pg_want_name(store, LF_PG_CANDIDATE, candidates[i]);
	return !failed;
}

bool lf_pg_want_payload(struct lf_store *store, enum lf_payload_kind kind, const struct lf_item_payload *payload)
{
	struct lf_pg_lookup *lookup = &store->lookups[L_PAYLOADS];
	bool failed = false;

	if (want(store, lookup, lf_pg_payload(store, kind, payload->digest), &payload->body, &failed)) {
		lf_pg_array_int(&lookup->kinds, (int64_t)kind);
		lf_pg_array_bytes(&lookup->values, payload->digest, sizeof(*payload->digest));
	}
	return !failed;
}

bool lf_pg_want_rubric(struct lf_store *store, const struct lf_digest *digest, const char *name)
{
	struct lf_pg_lookup *lookup = &store->lookups[L_RUBRICS];
	bool failed = false;

	if (want(store, lookup, lf_pg_rubric(store, digest, name), NULL, &failed)) {
		lf_pg_array_bytes(&lookup->values, digest, sizeof(*digest));
		lf_pg_array_bytes(&lookup->names, name, strlen(name));
	}
	return !failed;
}

/* ---- asking ---- */

size_t lf_pg_lookups_send(struct lf_store *store, bool *failed)
{
	static const struct lf_pg_statement *const statements[] = {
		&find_names, &find_lists, &find_payloads, &find_rubrics};
	size_t sent = 0;

	for (size_t i = 0; i < 4; i++) {
		struct lf_pg_lookup *lookup = &store->lookups[i];
		struct lf_pg_parameters parameters = {.count = 0};

		if (lookup->count == 0)
			continue;
		if (i == L_NAMES || i == L_PAYLOADS)
			lf_pg_put_array(&parameters, &lookup->kinds);
		lf_pg_put_array(&parameters, &lookup->values);
		if (i == L_RUBRICS)
			lf_pg_put_array(&parameters, &lookup->names);
		*failed |= lookup->kinds.failed || lookup->values.failed || lookup->names.failed;
		if (*failed)
			break;
		lf_pg_send(store->writer, statements[i], &parameters);
		sent++;
	}
	return sent;
}

/* The columns of an answer: n, id, then of payloads and rubrics the salt, then of rubrics the body. */
static enum lf_code take_found(
	const struct lf_pg_lookup *lookup, size_t which, const PGresult *result, struct lf_error *error)
{
	for (int row = 0; row < PQntuples(result); row++) {
		const int64_t n = lf_pg_int(result, row, 0);
		struct lf_bytes body = {NULL, 0};
		struct lf_salt salt;

		if (n < 1 || (size_t)n > lookup->count)
			return lf_error_set(error, LF_UNAVAILABLE, "an answer that was not asked for");
		if (which == L_PAYLOADS || which == L_RUBRICS) {
			if (which == L_PAYLOADS)
				body = *lookup->bodies[n - 1];
			else
				body.data = lf_pg_bytes(result, row, 3, &body.length);
			if (!lf_pg_fixed(result, row, 2, &salt, sizeof(salt)))
				return lf_error_set(error, LF_DATA_LOSS, "payload %lld has no salt",
					(long long)lf_pg_int(result, row, 1));
			lf_commit(&salt, body.data, body.length, &lookup->entries[n - 1]->commitment);
		}
		lookup->entries[n - 1]->id = lf_pg_int(result, row, 1);
	}
	return LF_OK;
}

enum lf_code lf_pg_lookups_receive(struct lf_store *store, struct lf_error *error)
{
	for (size_t i = 0; i < 4; i++) {
		PGresult *result;

		if (store->lookups[i].count == 0)
			continue;
		if (lf_pg_receive(store->writer, &result, "looking up what is stored already", error) != LF_OK)
			return error->code;
		take_found(&store->lookups[i], i, result, error);
		PQclear(result);
		if (error->code != LF_OK)
			return error->code;
	}
	return LF_OK;
}
