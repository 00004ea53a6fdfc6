/* Acts, oldest first. */
#include "storage/postgres/store.h"

#define ACT                                                                                                            \
	"SELECT a.id, a.kind, a.at, c.value AS by, a.decision, d.id AS about, a.position, a.body FROM leadfit.act a"   \
	" LEFT JOIN leadfit.name c ON c.id = a.caller LEFT JOIN leadfit.decision d ON d.sequence = a.decision"
#define END " ORDER BY a.id LIMIT $2"
#define PAGE(which) LF_PG_BOUNDED("id, kind, at, by, decision, about, position, body", ACT " WHERE a.id > $1" which END)

static const struct lf_pg_statement any_acts = {"acts", PAGE("")};
static const struct lf_pg_statement acts_of_kind = {"acts_of_kind", PAGE(" AND a.kind = $3")};
static const struct lf_pg_statement acts_about = {"acts_about",
	PAGE(" AND a.decision = (SELECT sequence FROM leadfit.decision WHERE id = $3::uuid)"
	     " AND ($4::integer = 0 OR a.kind = $4::integer)")};

/* So many in one answer at most. */
enum { ACTS_MAX = 256 };

static enum lf_code read_act(const PGresult *result, int row, struct lf_act_row *act, struct lf_error *error)
{
	*act = (struct lf_act_row){
		.id = (uint64_t)lf_pg_int(result, row, 0),
		.kind = (enum lf_leaf_kind)lf_pg_int(result, row, 1),
		.at_us = lf_pg_int(result, row, 2),
		.caller = PQgetvalue(result, row, 3),
		.has_decision = !PQgetisnull(result, row, 4),
		.decision_sequence = (uint64_t)lf_pg_int(result, row, 4),
		.position = (uint64_t)lf_pg_int(result, row, 6),
	};
	act->body.data = lf_pg_bytes(result, row, 7, &act->body.length);
	if (!PQgetisnull(result, row, 3) &&
		(!act->has_decision || lf_pg_fixed(result, row, 5, &act->decision, sizeof(act->decision))))
		return LF_OK;
	return lf_error_set(error, LF_DATA_LOSS, "act %llu refers to what is not stored", (unsigned long long)act->id);
}

enum lf_code lf_pg_list_acts(struct lf_reader *reader, enum lf_leaf_kind kind, const struct lf_uuid *decision,
	uint64_t after, size_t limit, void (*visit)(void *context, const struct lf_act_row *row), void *context,
	uint64_t *next, struct lf_error *error)
{
	const int most = limit < ACTS_MAX ? (int)limit : ACTS_MAX;
	const struct lf_pg_statement *statement = decision != NULL ? &acts_about
		: kind != 0                                        ? &acts_of_kind
								   : &any_acts;
	struct lf_pg_parameters parameters = {.count = 0};
	struct lf_act_row act = {.id = after};
	PGresult *result;

	*next = 0;
	lf_pg_put_int8(&parameters, after <= INT64_MAX ? (int64_t)after : INT64_MAX);
	lf_pg_put_int8(&parameters, most + 1);
	if (decision != NULL)
		lf_pg_put_bytes(&parameters, decision, sizeof(*decision));
	if (statement != &any_acts)
		lf_pg_put_int4(&parameters, (int32_t)kind);
	if (lf_pg_ask_one(reader, statement, &parameters, &result, "listing acts", error) != LF_OK)
		return error->code;
	for (int row = 0; row < PQntuples(result) && row < most; row++) {
		if (read_act(result, row, &act, error) != LF_OK)
			break;
		visit(context, &act);
	}
	if (error->code == LF_OK && PQntuples(result) > 0 &&
		lf_pg_int(result, 0, 8) > (PQntuples(result) < most ? PQntuples(result) : most))
		*next = act.id;
	PQclear(result);
	return error->code;
}
