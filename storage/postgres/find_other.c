/* prepare() of rubrics, activations and acts: rarely done, so their own statements and a round trip of their own. */
#include <string.h>

#include "storage/postgres/store.h"

static const struct lf_pg_statement find_rubric = {"find_rubric",
	"SELECT x.value, p.id, p.salt, p.body FROM leadfit.payload p JOIN leadfit.rubric r ON r.payload = p.id"
	" JOIN leadfit.name x ON x.id = r.name WHERE p.digest = $1 AND p.kind = 3"};
/* The active version of the name x: its payload and digest. */
#define ACTIVE                                                                                                         \
	" LEFT JOIN LATERAL (SELECT a.to_rubric, f.digest FROM leadfit.activation a"                                   \
	" LEFT JOIN leadfit.payload f ON f.id = a.to_rubric WHERE a.name = x.id ORDER BY a.position DESC LIMIT 1) l "  \
	"ON "                                                                                                          \
	"true"
static const struct lf_pg_statement find_version = {"find_version",
	"SELECT x.id, x.value, p.id, l.to_rubric, l.digest FROM leadfit.payload p JOIN leadfit.rubric r ON r.payload = "
	"p.id"
	" JOIN leadfit.name x ON x.id = r.name" ACTIVE
	" WHERE p.digest = $1 AND p.kind = 3 AND ($2::text = '' OR x.value = $2::text)"};
static const struct lf_pg_statement find_named = {"find_named",
	"SELECT x.id, x.value, NULL::bigint, l.to_rubric, l.digest FROM leadfit.name x" ACTIVE
	" WHERE x.value = $1 AND x.kind = 4 AND EXISTS(SELECT 1 FROM leadfit.rubric r WHERE r.name = x.id)"};
static const struct lf_pg_statement find_decisions = {"find_decisions",
	"SELECT u.n, d.sequence FROM unnest($1::bigint[], $2::uuid[]) AS u(n, id) JOIN leadfit.decision d ON d.id = "
	"u.id"};

/* ---- sending ---- */

static bool send_rubric(struct lf_store *store, const struct lf_item_rubric *rubric)
{
	struct lf_pg_parameters parameters = {.count = 0};

	lf_pg_put_bytes(&parameters, rubric->body.digest, sizeof(*rubric->body.digest));
	lf_pg_send(store->writer, &find_rubric, &parameters);
	return lf_pg_want_name(store, LF_PG_CALLER, rubric->caller) &&
		lf_pg_want_name(store, LF_PG_RUBRIC_NAME, rubric->name);
}

static bool send_activation(struct lf_store *store, const struct lf_item_activation *activation)
{
	struct lf_pg_parameters parameters = {.count = 0};

	if (activation->digest != NULL)
		lf_pg_put_bytes(&parameters, activation->digest, sizeof(*activation->digest));
	lf_pg_put_text(&parameters, activation->name);
	lf_pg_send(store->writer, activation->digest != NULL ? &find_version : &find_named, &parameters);
	return lf_pg_want_name(store, LF_PG_CALLER, activation->caller);
}

/* *asked: there are decisions to be found. */
static bool send_acts(struct lf_store *store, struct lf_item *const *items, size_t count, bool *asked)
{
	struct lf_pg_array *columns = store->columns;
	struct lf_pg_parameters parameters = {.count = 0};
	bool fine = true;

	lf_pg_array_empty(&columns[0], LF_PG_INT8);
	lf_pg_array_empty(&columns[1], LF_PG_UUID);
	for (size_t i = 0; i < count; i++) {
		const struct lf_item_act *act = &items[i]->act;

		fine = fine && lf_pg_want_name(store, LF_PG_CALLER, act->caller);
		if (act->decision == NULL)
			continue;
		lf_pg_array_int(&columns[0], (int64_t)i);
		lf_pg_array_bytes(&columns[1], act->decision, sizeof(*act->decision));
	}
	*asked = columns[0].count > 0;
	lf_pg_put_array(&parameters, &columns[0]);
	lf_pg_put_array(&parameters, &columns[1]);
	fine = fine && !columns[0].failed && !columns[1].failed;
	if (fine && *asked)
		lf_pg_send(store->writer, &find_decisions, &parameters);
	return fine;
}

/* ---- what was found ---- */

static enum lf_code copy_name(
	const PGresult *result, int column, char name[LF_ID_BYTES_MAX + 1], struct lf_error *error)
{
	const int length = PQgetlength(result, 0, column);

	if (length > LF_ID_BYTES_MAX)
		return lf_error_set(error, LF_DATA_LOSS, "the name of a rubric has %d bytes", length);
	memcpy(name, PQgetvalue(result, 0, column), (size_t)length + 1);
	return LF_OK;
}

static void tell_rubric(struct lf_item_rubric *rubric, const PGresult *result, struct lf_error *error)
{
	struct lf_salt salt;
	struct lf_bytes body;

	rubric->stored = rubric->body.stored = PQntuples(result) > 0;
	if (!rubric->stored || copy_name(result, 0, rubric->stored_name, error) != LF_OK)
		return;
	body.data = lf_pg_bytes(result, 0, 3, &body.length);
	if (lf_pg_fixed(result, 0, 2, &salt, sizeof(salt)))
		lf_commit(&salt, body.data, body.length, &rubric->body.commitment);
	else
		lf_error_set(error, LF_DATA_LOSS, "the rubric %s has no salt", rubric->stored_name);
}

static void tell_activation(struct lf_item *item, const PGresult *result, struct lf_error *error)
{
	struct lf_item_activation *activation = &item->activation;

	activation->stored = PQntuples(result) > 0;
	activation->had_from = false;
	if (!activation->stored || copy_name(result, 1, activation->stored_name, error) != LF_OK)
		return;
	item->rows[0] = lf_pg_int(result, 0, 0);
	item->rows[1] = lf_pg_int(result, 0, 2);
	item->rows[2] = lf_pg_int(result, 0, 3);
	activation->had_from = !PQgetisnull(result, 0, 3);
	if (activation->had_from && !lf_pg_fixed(result, 0, 4, &activation->from, sizeof(activation->from)))
		lf_error_set(error, LF_DATA_LOSS, "the active version of %s is not stored", activation->stored_name);
}

static void tell_acts(struct lf_item *const *items, size_t count, const PGresult *result, struct lf_error *error)
{
	for (int row = 0; row < PQntuples(result); row++) {
		const int64_t i = lf_pg_int(result, row, 0);

		if (i < 0 || (size_t)i >= count) {
			lf_error_set(error, LF_UNAVAILABLE, "an answer that was not asked for");
			return;
		}
		items[i]->act.decision_sequence = (uint64_t)lf_pg_int(result, row, 1);
	}
}

enum lf_code lf_pg_prepare_other(
	struct lf_store *store, struct lf_item *const *items, size_t count, struct lf_error *error)
{
	static const char doing[] = "looking up what a record refers to";
	const enum lf_item_kind kind = items[0]->kind;
	bool asked = true, failed = false, fine;
	PGresult *result;

	for (size_t i = 0; i < count && kind == LF_ITEM_ACT; i++)
		items[i]->act.decision_sequence = 0;
	fine = kind == LF_ITEM_RUBRIC        ? send_rubric(store, &items[0]->rubric)
		: kind == LF_ITEM_ACTIVATION ? send_activation(store, &items[0]->activation)
					     : send_acts(store, items, count, &asked);
	if (!fine)
		return lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	if (lf_pg_lookups_send(store, &failed) == 0 && !asked && !failed)
		return LF_OK;
	if (failed)
		return lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	lf_pg_sync(store->writer);
	if (lf_pg_take_sent(store, error) != LF_OK)
		return error->code;
	if (asked) {
		if (lf_pg_receive(store->writer, &result, doing, error) != LF_OK)
			return error->code;
		if (kind == LF_ITEM_RUBRIC)
			tell_rubric(&items[0]->rubric, result, error);
		else if (kind == LF_ITEM_ACTIVATION)
			tell_activation(items[0], result, error);
		else
			tell_acts(items, count, result, error);
		PQclear(result);
	}
	if (error->code == LF_OK && lf_pg_lookups_receive(store, error) == LF_OK)
		lf_pg_finish(store->writer, doing, error);
	return error->code;
}
