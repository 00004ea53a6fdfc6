/*
 * Probing a file that exists, before anything may write to it: its schema, first and last rows, what the last decision
 * refers to, the head of the tree. A fixed number of pages, whatever its size.
 */
#include <stdlib.h>
#include <string.h>

#include "storage/sqlite/private.h"

/* One text from a query of one row, or NULL with a result. Released with sqlite3_free(). */
static char *query_text(sqlite3 *db, const char *sql, int *result)
{
	sqlite3_stmt *statement = NULL;
	char *text = NULL;

	*result = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
	if (*result == SQLITE_OK)
		*result = sqlite3_step(statement);
	if (*result == SQLITE_ROW) {
		const bool none =
			sqlite3_column_type(statement, 0) == SQLITE_NULL; /* asked before: no memory makes NULL */
		const unsigned char *value = sqlite3_column_text(statement, 0);

		if (none || value != NULL)
			text = sqlite3_mprintf("%s", none ? "" : (const char *)value);
		*result = text == NULL ? SQLITE_NOMEM : SQLITE_OK;
	}
	sqlite3_finalize(statement);
	return text;
}

/*
 * Each gives "" where all is well, else what is wrong. They read the first and last row of every table, and follow the
 * last decision to everything that it refers to.
 */
static const char *const PROBES[] = {
	"SELECT CASE WHEN count(*) = 0 AND EXISTS(SELECT 1 FROM decision) THEN 'the first decision is not 1' ELSE '' "
	"END"
	" FROM decision WHERE sequence = 1 AND length(answer) >= 0 AND typeof(id) = 'blob'",
	"SELECT coalesce((SELECT CASE WHEN length(d.id) <> 16 OR length(d.salt) <> 32 OR length(d.answer) IS NULL"
	"   THEN 'the last decision is malformed'"
	"  WHEN (SELECT i.sequence FROM decision i ORDER BY i.id DESC LIMIT 1) <> d.sequence"
	"   OR (SELECT i.sequence FROM decision i WHERE i.id = d.id) IS NOT d.sequence"
	"   THEN 'the index by id and the decisions disagree'"
	"  WHEN (SELECT last FROM chain WHERE entity = d.team) IS NOT d.sequence"
	"   OR (SELECT last FROM chain WHERE entity = d.project) IS NOT d.sequence"
	"   OR (SELECT last FROM chain WHERE entity = d.candidates) IS NOT d.sequence"
	"   THEN 'the chains do not end in the last decision'"
	"  WHEN (SELECT length(body) FROM payload WHERE id = d.team_payload) IS NULL"
	"   OR (SELECT length(body) FROM payload WHERE id = d.project_payload) IS NULL"
	"   OR (SELECT length(body) FROM payload WHERE id = d.rubric) IS NULL"
	"   OR NOT EXISTS(SELECT 1 FROM rubric WHERE payload = d.rubric)"
	"   OR (SELECT count(*) FROM name WHERE id IN (d.caller, d.team, d.project, d.candidates))"
	"    <> 4 THEN 'the last decision refers to what is not there'"
	"  ELSE '' END FROM decision d ORDER BY d.sequence DESC LIMIT 1), '')",
	"SELECT CASE WHEN (SELECT count FROM probe WHERE id = 1) IS NULL THEN 'the probe row is missing' ELSE '' END",
	/* substr(.., 1, 0): read, and then of no interest. */
	"SELECT substr('' || coalesce((SELECT length(value) FROM name ORDER BY id LIMIT 1), 0)"
	" || coalesce((SELECT length(value) FROM name ORDER BY id DESC LIMIT 1), 0)"
	" || coalesce((SELECT max(kind) FROM name), 0)"
	" || coalesce((SELECT length(body) FROM payload ORDER BY id LIMIT 1), 0)"
	" || coalesce((SELECT length(body) FROM payload ORDER BY id DESC LIMIT 1), 0)"
	" || coalesce((SELECT length(max(digest)) FROM payload), 0) || coalesce((SELECT length(min(digest)) FROM "
	"payload), 0)"
	" || coalesce((SELECT max(caller) FROM request_key), 0) || coalesce((SELECT max(candidate) FROM member), 0)"
	" || coalesce((SELECT max(entity) FROM skip), 0) || coalesce((SELECT max(entity) FROM chain), 0)"
	" || coalesce((SELECT max(payload) FROM rubric), 0) || coalesce((SELECT max(id) FROM activation), 0), 1, 0)",
};

/* And of what schema 2 added. The head's root is compared in tree.c. */
static const char *const TREE_PROBES[] = {
	"SELECT CASE WHEN (SELECT size FROM tree WHERE id = 1) IS NOT (SELECT coalesce(max(position), -1) + 1 FROM "
	"leaf)"
	"   THEN 'the head of the log and its last leaf disagree'"
	"  WHEN (SELECT coalesce(min(position), 0) FROM leaf) <> 0 THEN 'leaf 0 is missing'"
	"  WHEN (SELECT decisions FROM leaf ORDER BY position DESC LIMIT 1) IS NOT (SELECT coalesce(max(sequence), 0) "
	"FROM decision)"
	"   AND EXISTS(SELECT 1 FROM leaf) THEN 'the last leaf and the last decision disagree'"
	"  WHEN EXISTS(SELECT 1 FROM decision) AND NOT EXISTS(SELECT 1 FROM leaf) THEN 'the leaves are missing'"
	"  WHEN (SELECT max(id) FROM act) IS NOT NULL AND NOT EXISTS(SELECT 1 FROM leaf l, act a WHERE a.id ="
	"   (SELECT max(id) FROM act) AND l.position = a.position AND l.kind = a.kind AND l.record = a.id)"
	"   THEN 'the last act has no leaf' ELSE '' END",
	"SELECT substr('' || coalesce((SELECT max(decision) FROM act), 0) || coalesce((SELECT max(target) FROM "
	"redaction), 0)"
	" || coalesce((SELECT max(place) FROM node), 0), 1, 0)",
};

static enum lf_code refuse(struct lf_error *error, sqlite3 *db, int result, const char *why)
{
	int kind;

	if (result == SQLITE_OK)
		return lf_error_set(error, LF_FAILED_PRECONDITION, "it is damaged: %s", why);
	kind = result & 0xff;
	if (kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB || kind == SQLITE_ERROR || kind == SQLITE_DONE)
		return lf_error_set(error, LF_FAILED_PRECONDITION, "it is damaged: %s",
			kind == SQLITE_DONE ? why : sqlite3_errmsg(db));
	return lf_sqlite_error(error, db, result, "looking into it");
}

static void keep_first(void *context, const char *difference)
{
	struct lf_error *error = context;

	if (error->code == LF_OK)
		lf_error_set(error, LF_FAILED_PRECONDITION, "it is damaged: %s", difference);
}

static enum lf_code probe_schema(sqlite3 *db, uint32_t schema, struct lf_error *error)
{
	const struct lf_schema_visit visit = {keep_first, error};
	const int result = lf_sqlite_compare_schema(db, schema, &visit);

	return result == SQLITE_OK || error->code != LF_OK ? error->code : refuse(error, db, result, "");
}

static enum lf_code probe_all(sqlite3 *db, const char *const *probes, size_t count, struct lf_error *error)
{
	enum lf_code code = LF_OK;

	for (size_t i = 0; i < count && code == LF_OK; i++) {
		int result;
		char *wrong = query_text(db, probes[i], &result);

		if (wrong == NULL || wrong[0] != '\0')
			code = refuse(error, db, wrong == NULL ? result : SQLITE_OK,
				wrong == NULL ? "a row is missing" : wrong);
		sqlite3_free(wrong);
	}
	return code;
}

int lf_sqlite_schema_of(sqlite3 *db, uint32_t *schema)
{
	int result;
	char *text = query_text(db, "PRAGMA user_version", &result);

	*schema = text == NULL ? 0 : (uint32_t)strtoul(text, NULL, 10);
	sqlite3_free(text);
	return result;
}

enum lf_code lf_sqlite_probe(sqlite3 *db, struct lf_error *error)
{
	uint32_t schema;
	const int result = lf_sqlite_schema_of(db, &schema);

	if (result != SQLITE_OK)
		return refuse(error, db, result, "its schema has no number");
	if (probe_schema(db, schema, error) != LF_OK ||
		probe_all(db, PROBES, sizeof(PROBES) / sizeof(PROBES[0]), error) != LF_OK)
		return error->code;
	if (schema < 2)
		return LF_OK;
	if (probe_all(db, TREE_PROBES, sizeof(TREE_PROBES) / sizeof(TREE_PROBES[0]), error) != LF_OK)
		return error->code;
	return lf_sqlite_probe_tree(db, error);
}
