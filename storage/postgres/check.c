/*
 * The check of what is derived from the records and no leaf covers: places, keys, lists and who is in them, names and
 * rows that no record refers to. (Indexes are the engine's: pg_amcheck looks at those.)
 *
 * Each part goes through a table by its key, so many rows a statement, so that no snapshot is held for long.
 */
#include "storage/postgres/store.h"

enum { ROWS_A_SLICE = 4096, FINDINGS_A_SLICE = 100 };

/* It would cut each statement into pieces of some letters. */
/* clang-format off */

/* columns: of the table, key first named k; wrong: what must not be. */
#define PART(name, columns, from, wrong) \
	{name, "WITH part AS MATERIALIZED (SELECT " columns " FROM " from " LIMIT $2)" \
	 " SELECT (SELECT max(k) FROM part), bad.k FROM (SELECT 1) one LEFT JOIN" \
	 " (SELECT k FROM part WHERE " wrong ") bad ON true ORDER BY bad.k LIMIT $3"}
#define BY(table, key) "leadfit." table " WHERE " key " > $1 ORDER BY " key
#define NO(what) "NOT EXISTS(SELECT 1 FROM leadfit." what ")"

static const struct {
	struct lf_pg_statement statement; /* $1: after this key, $2: rows, $3: findings */
	const char *text;                 /* of a finding, with its key */
} parts[] = {
	{PART("check_leaves", "position AS k, kind, record", BY("leaf", "position"),
		"CASE WHEN kind = 1 THEN " NO("decision d WHERE d.sequence = record AND d.position = k")
		" WHEN kind = 2 THEN " NO("rubric r WHERE r.payload = record AND r.position = k")
		" WHEN kind = 3 THEN " NO("activation a WHERE a.position = k AND record = k")
		" ELSE " NO("act a WHERE a.id = record AND a.position = k AND a.kind = part.kind") " END"),
		"the record of leaf %lld does not say that it is there"},
	{PART("check_behind", "position AS k", BY("leaf", "position"),
		"k >= (SELECT size FROM leadfit.head ORDER BY previous DESC LIMIT 1)"),
		"leaf %lld is behind the head of the log"},
	{PART("check_heads", "previous AS k", BY("head", "previous"),
		"k <> coalesce((SELECT p.size FROM leadfit.head p WHERE p.previous < k"
		" ORDER BY p.previous DESC LIMIT 1), 0)"),
		"the head that follows size %lld does not continue the one before it"},
	{PART("check_decisions", "sequence AS k, position", BY("decision", "sequence"),
		NO("leaf l WHERE l.position = part.position AND l.kind = 1 AND l.record = k")),
		"decision %lld has no leaf"},
	{PART("check_keyless", "sequence AS k, caller, request_digest", BY("decision", "sequence"),
		"request_digest IS NOT NULL AND "
		NO("request_key q WHERE q.sequence = k AND q.caller = part.caller")),
		"the idempotency key of decision %lld is missing"},
	{PART("check_keys", "sequence AS k, min(caller) AS caller, count(*) AS n",
		"leadfit.request_key WHERE sequence > $1 GROUP BY sequence ORDER BY sequence",
		"n <> 1 OR "
		NO("decision d WHERE d.sequence = k AND d.caller = part.caller AND d.request_digest IS NOT NULL")),
		"an idempotency key is said to be that of decision %lld"},
	{PART("check_acts", "id AS k, position, kind", BY("act", "id"),
		NO("leaf l WHERE l.position = part.position AND l.kind = part.kind AND l.record = k")),
		"act %lld has no leaf"},
	{PART("check_rubrics", "payload AS k, position", BY("rubric", "payload"),
		NO("leaf l WHERE l.position = part.position AND l.kind = 2 AND l.record = k")),
		"the rubric that is payload %lld has no leaf"},
	{PART("check_activations", "position AS k", BY("activation", "position"),
		NO("leaf l WHERE l.position = k AND l.kind = 3 AND l.record = k")),
		"the activation at %lld has no leaf"},
	{PART("check_lists", "id AS k, digest", BY("list", "id"),
		"digest <> coalesce((SELECT sha256(string_agg(convert_to(x.value, 'UTF8') || '\\x00', '' ORDER BY x.value))"
		" FROM leadfit.member m JOIN leadfit.name x ON x.id = m.candidate AND x.kind = 5 WHERE m.list = k),"
		" sha256('')) OR " NO("decision d WHERE d.candidates = k")),
		"list of candidates %lld is no decision's, or has others in it than it should"},
	{PART("check_members", "DISTINCT list AS k", BY("member", "list"), NO("list l WHERE l.id = k")),
		"somebody is in list of candidates %lld, which is not there"},
	{PART("check_names", "id AS k, kind", BY("name", "id"),
		"CASE kind WHEN 2 THEN " NO("decision d WHERE d.team = k")
		" WHEN 3 THEN " NO("decision d WHERE d.project = k")
		" WHEN 4 THEN " NO("rubric r WHERE r.name = k")
		" WHEN 5 THEN " NO("member m WHERE m.candidate = k") " ELSE kind <> 1 END"),
		"no record has name %lld"},
	{PART("check_payloads", "id AS k, kind", BY("payload", "id"),
		"CASE kind WHEN 3 THEN " NO("rubric r WHERE r.payload = k") " ELSE kind NOT IN (1, 2) END"),
		"no rubric has payload %lld"},
};

/* clang-format on */

static void tell(
	const PGresult *result, const char *text, void (*finding)(void *context, const char *what), void *context)
{
	char what[160];

	for (int row = 0; row < PQntuples(result); row++) {
		if (PQgetisnull(result, row, 1))
			continue;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(what, sizeof(what), text, (long long)lf_pg_int(result, row, 1));
#pragma GCC diagnostic pop
		finding(context, what);
	}
}

static enum lf_code check_schema(struct lf_reader *reader, void (*finding)(void *context, const char *what),
	void *context, struct lf_error *error)
{
	PGresult *result;

	if (lf_pg_ask_one(reader, &lf_pg_as_made, NULL, &result, "checking", error) != LF_OK)
		return error->code;
	if (PQntuples(result) != 1 || !lf_pg_bool(result, 0, 0))
		finding(context,
			"the schema leadfit is not as it was made: a table, column, index, trigger, rule or policy was "
			"put in, changed or taken out");
	PQclear(result);
	return LF_OK;
}

enum lf_code lf_pg_check(struct lf_reader *reader, void (*finding)(void *context, const char *what),
	bool (*go_on)(void *context), void *context, struct lf_error *error)
{
	if (check_schema(reader, finding, context, error) != LF_OK)
		return error->code;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		int64_t after = INT64_MIN;
		bool more = true;

		while (more) {
			struct lf_pg_parameters parameters = {.count = 0};
			PGresult *result;

			if (go_on != NULL && !go_on(context))
				return lf_error_set(error, LF_CANCELLED, "the check was ended");
			lf_pg_put_int8(&parameters, after);
			lf_pg_put_int8(&parameters, ROWS_A_SLICE);
			lf_pg_put_int8(&parameters, FINDINGS_A_SLICE);
			if (lf_pg_ask_one(reader, &parts[i].statement, &parameters, &result, "checking", error) !=
				LF_OK)
				return error->code;
			tell(result, parts[i].text, finding, context);
			more = PQntuples(result) > 0 && !PQgetisnull(result, 0, 0);
			/* Where there is no room for more findings, what is behind the last of them was not looked at. */
			if (PQntuples(result) == FINDINGS_A_SLICE)
				after = lf_pg_int(result, FINDINGS_A_SLICE - 1, 1);
			else if (more)
				after = lf_pg_int(result, 0, 0);
			PQclear(result);
		}
	}
	return LF_OK;
}
