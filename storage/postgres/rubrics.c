/* Rubrics and their activations, as readers see them. */
#include "storage/postgres/store.h"

/* Whether p is the active version of the name n. */
#define IS_ACTIVE                                                                                                      \
	" coalesce((SELECT a.to_rubric FROM leadfit.activation a WHERE a.name = n.id ORDER BY a.position DESC LIMIT "  \
	"1) ="                                                                                                         \
	" p.id, false)"
#define RUBRIC "SELECT n.value, r.title, c.value, p.digest, r.put_at," IS_ACTIVE ", p.id"
#define NAMES " JOIN leadfit.name n ON n.id = r.name LEFT JOIN leadfit.name c ON c.id = r.put_by"

static const struct lf_pg_statement by_digest = {"rubric_by_digest",
	RUBRIC ", p.body FROM leadfit.payload p JOIN leadfit.rubric r ON r.payload = p.id" NAMES
	       " WHERE p.digest = $1 AND p.kind = 3 AND ($2::text = '' OR n.value = $2::text)"};
static const struct lf_pg_statement active_of = {"rubric_active",
	RUBRIC ", p.body FROM leadfit.name n CROSS JOIN LATERAL (SELECT l.to_rubric FROM leadfit.activation l"
	       " WHERE l.name = n.id ORDER BY l.position DESC LIMIT 1) l JOIN leadfit.payload p ON p.id = l.to_rubric"
	       " JOIN leadfit.rubric r ON r.payload = p.id LEFT JOIN leadfit.name c ON c.id = r.put_by"
	       " WHERE n.value = $1 AND n.kind = 4"};
static const struct lf_pg_statement list_all = {"rubrics",
	RUBRIC " FROM leadfit.rubric r JOIN leadfit.payload p ON p.id = r.payload" NAMES
	       " WHERE $1::text = '' OR n.value = $1::text ORDER BY n.value, p.id DESC"};
static const struct lf_pg_statement list_activations = {"activations",
	"SELECT n.value, c.value, a.activated_at, a.from_rubric IS NOT NULL, f.digest, a.to_rubric IS NOT NULL, "
	"t.digest"
	" FROM leadfit.activation a LEFT JOIN leadfit.name n ON n.id = a.name LEFT JOIN leadfit.name c ON c.id = "
	"a.caller"
	" LEFT JOIN leadfit.payload f ON f.id = a.from_rubric LEFT JOIN leadfit.payload t ON t.id = a.to_rubric"
	" ORDER BY a.position DESC LIMIT $1"};
static const struct lf_pg_statement list_activations_of = {"activations_of",
	"SELECT n.value, c.value, a.activated_at, a.from_rubric IS NOT NULL, f.digest, a.to_rubric IS NOT NULL, "
	"t.digest"
	" FROM leadfit.name n JOIN leadfit.activation a ON a.name = n.id LEFT JOIN leadfit.name c ON c.id = a.caller"
	" LEFT JOIN leadfit.payload f ON f.id = a.from_rubric LEFT JOIN leadfit.payload t ON t.id = a.to_rubric"
	" WHERE n.value = $2 AND n.kind = 4 ORDER BY a.position DESC LIMIT $1"};
static const struct lf_pg_statement was_active_once = {"was_active",
	"SELECT EXISTS(SELECT 1 FROM leadfit.payload p JOIN leadfit.activation a ON a.to_rubric = p.id"
	" WHERE p.digest = $1 AND p.kind = 3)"};

/* ---- rubrics ---- */

static enum lf_code read_rubric(const PGresult *result, int row, struct lf_rubric_row *rubric, struct lf_error *error)
{
	*rubric = (struct lf_rubric_row){
		.name = PQgetvalue(result, row, 0),
		.title = PQgetvalue(result, row, 1),
		.put_by = PQgetvalue(result, row, 2),
		.put_at_us = lf_pg_int(result, row, 4),
		.active = lf_pg_bool(result, row, 5),
	};
	if (!PQgetisnull(result, row, 2) && lf_pg_fixed(result, row, 3, &rubric->digest, sizeof(rubric->digest)))
		return LF_OK;
	return lf_error_set(error, LF_DATA_LOSS, "the rubric %s refers to what is not stored", rubric->name);
}

enum lf_code lf_pg_get_rubric(struct lf_reader *reader, const char *name, const struct lf_digest *digest,
	struct lf_rubric_row **row, struct lf_error *error)
{
	struct lf_pg_parameters parameters = {.count = 0};
	struct lf_rubric_row rubric;
	PGresult *result;

	name = name != NULL ? name : "";
	if (digest != NULL)
		lf_pg_put_bytes(&parameters, digest, sizeof(*digest));
	lf_pg_put_text(&parameters, name);
	if (lf_pg_ask_one(reader, digest != NULL ? &by_digest : &active_of, &parameters, &result, "reading a rubric",
		    error) != LF_OK)
		return error->code;
	if (PQntuples(result) == 0) {
		lf_error_set(error, LF_NOT_FOUND,
			digest != NULL ? "no such version of a rubric is stored" : "no version of %s is active", name);
	} else if (read_rubric(result, 0, &rubric, error) == LF_OK) {
		rubric.body.data = lf_pg_bytes(result, 0, 7, &rubric.body.length);
		*row = lf_rubric_row_copy(&rubric);
		if (*row == NULL)
			lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	}
	PQclear(result);
	return error->code;
}

enum lf_code lf_pg_list_rubrics(struct lf_reader *reader, const char *name,
	void (*visit)(void *context, const struct lf_rubric_row *row), void *context, struct lf_error *error)
{
	struct lf_pg_parameters parameters = {.count = 0};
	struct lf_rubric_row rubric;
	PGresult *result;

	lf_pg_put_text(&parameters, name != NULL ? name : "");
	if (lf_pg_ask_one(reader, &list_all, &parameters, &result, "listing rubrics", error) != LF_OK)
		return error->code;
	for (int row = 0; row < PQntuples(result) && read_rubric(result, row, &rubric, error) == LF_OK; row++)
		visit(context, &rubric);
	PQclear(result);
	return error->code;
}

/* ---- activations ---- */

static enum lf_code read_activation(
	const PGresult *result, int row, struct lf_activation_row *activation, struct lf_error *error)
{
	*activation = (struct lf_activation_row){
		.name = PQgetvalue(result, row, 0),
		.caller = PQgetvalue(result, row, 1),
		.activated_at_us = lf_pg_int(result, row, 2),
		.had_from = lf_pg_bool(result, row, 3),
		.has_to = lf_pg_bool(result, row, 5),
	};
	if (!PQgetisnull(result, row, 0) && !PQgetisnull(result, row, 1) &&
		(!activation->had_from || lf_pg_fixed(result, row, 4, &activation->from, sizeof(activation->from))) &&
		(!activation->has_to || lf_pg_fixed(result, row, 6, &activation->to, sizeof(activation->to))))
		return LF_OK;
	return lf_error_set(error, LF_DATA_LOSS, "an activation refers to what is not stored");
}

enum lf_code lf_pg_list_activations(struct lf_reader *reader, const char *name,
	void (*visit)(void *context, const struct lf_activation_row *row), void *context, struct lf_error *error)
{
	const bool any = name == NULL || name[0] == '\0';
	struct lf_pg_parameters parameters = {.count = 0};
	struct lf_activation_row activation;
	PGresult *result;

	lf_pg_put_int8(&parameters, LF_ACTIVATIONS_MAX);
	if (!any)
		lf_pg_put_text(&parameters, name);
	if (lf_pg_ask_one(reader, any ? &list_activations : &list_activations_of, &parameters, &result,
		    "listing activations", error) != LF_OK)
		return error->code;
	for (int row = 0; row < PQntuples(result) && read_activation(result, row, &activation, error) == LF_OK; row++)
		visit(context, &activation);
	PQclear(result);
	return error->code;
}

enum lf_code lf_pg_was_active(
	struct lf_reader *reader, const struct lf_digest *digest, bool *was_active, struct lf_error *error)
{
	struct lf_pg_parameters parameters = {.count = 0};
	PGresult *result;

	lf_pg_put_bytes(&parameters, digest, sizeof(*digest));
	if (lf_pg_ask_one(reader, &was_active_once, &parameters, &result, "looking for an activation", error) != LF_OK)
		return error->code;
	*was_active = PQntuples(result) == 1 && lf_pg_bool(result, 0, 0);
	PQclear(result);
	return LF_OK;
}
