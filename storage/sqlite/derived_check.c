/*
 * What no leaf covers. Leaves say what was recorded; indexes, chains, keys, who is in which list, and that nothing else
 * is stored, follow from that, and are compared with it here.
 *
 * Everything is read once, in the order of its key, in read transactions of some 20 ms. On a live log: what counts is
 * what was stored when the check began; chains, which change with every decision, are compared with the decisions of
 * the same moment. A redaction changes what was stored: then it all begins again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/sqlite/derived.h"

enum { TURNS = 3 };

/* ---- the file ---- */

static int take_integrity(struct lf_derived *check, sqlite3_stmt *row)
{
	const char *text = lf_sqlite_column_text(row, 0);

	if (text != NULL && strcmp(text, "ok") != 0)
		lf_derived_find(check, "the file is damaged: %.300s", text);
	return SQLITE_OK;
}

static int on_progress(void *context)
{
	struct lf_derived *check = context;

	return check->go_on != NULL && !check->go_on(check->context);
}

/* It reads the whole file in one statement, so it is for a log that nobody writes. */
static enum lf_code check_integrity(struct lf_derived *check)
{
	sqlite3_stmt *statement = NULL;
	int result;

	sqlite3_progress_handler(check->reader->db, 100000, on_progress, check);
	result = sqlite3_prepare_v2(check->reader->db, "PRAGMA integrity_check(100)", -1, &statement, NULL);
	while (result == SQLITE_OK && (result = sqlite3_step(statement)) == SQLITE_ROW)
		result = take_integrity(check, statement);
	if (result == SQLITE_INTERRUPT)
		lf_error_set(check->error, LF_CANCELLED, "the check was ended");
	else if (result != SQLITE_DONE && (result & 0xff) != SQLITE_CORRUPT)
		lf_sqlite_error(check->error, check->reader->db, result, "checking the file");
	else if (result != SQLITE_DONE)
		lf_derived_find(check, "the file is damaged: %.300s", sqlite3_errmsg(check->reader->db));
	sqlite3_finalize(statement);
	sqlite3_progress_handler(check->reader->db, 0, NULL, NULL);
	return check->error->code;
}

static void find_difference(void *context, const char *what)
{
	lf_derived_find(context, "%s", what);
}

static void check_schema(struct lf_derived *check)
{
	const struct lf_schema_visit visit = {find_difference, check};

	if (lf_sqlite_compare_schema(check->reader->db, LF_SQLITE_SCHEMA, &visit) != SQLITE_OK)
		lf_derived_find(check, "the list of tables can't be read: %.300s", sqlite3_errmsg(check->reader->db));
}

/* ---- all of it ---- */

static enum lf_code begin(struct lf_derived *check)
{
	static const char sql[] =
		"SELECT (SELECT coalesce(max(sequence), 0) FROM decision), (SELECT coalesce(max(id), 0) FROM payload),"
		" (SELECT coalesce(max(id), 0) FROM act), (SELECT coalesce(max(payload), 0) FROM rubric),"
		" (SELECT coalesce(max(id), 0) FROM activation), (SELECT coalesce(max(id), 0) FROM name),"
		" EXISTS(SELECT 1 FROM redaction WHERE kind = 2), (SELECT count(*) FROM tree) = 1 AND EXISTS(SELECT 1 "
		"FROM tree WHERE id = 1),"
		" (SELECT count(*) FROM probe)";
	struct lf_error head = LF_ERROR_INIT;
	sqlite3_stmt *statement = NULL;
	int64_t *const to[] = {
		&check->decisions, &check->payloads, &check->acts, &check->rubrics, &check->activations, &check->names};
	int result = lf_sqlite_begin_reading(check->reader);

	if (result == SQLITE_OK)
		result = sqlite3_prepare_v2(check->reader->db, sql, -1, &statement, NULL);
	if (result == SQLITE_OK)
		result = sqlite3_step(statement);
	for (int i = 0; i < 6 && result == SQLITE_ROW; i++)
		*to[i] = sqlite3_column_int64(statement, i);
	if (result == SQLITE_ROW) {
		check->relinked = sqlite3_column_int(statement, 6) != 0;
		if (sqlite3_column_int(statement, 7) == 0)
			lf_derived_find(check, "the head of the log is not one row: rows were put in or deleted");
		if (sqlite3_column_int(statement, 8) != 1)
			lf_derived_find(
				check, "the row that readiness is tried on is not one: rows were put in or deleted");
		if (lf_sqlite_head(check->reader, &check->head, &head) != LF_OK)
			lf_derived_find(check, "%s", head.message);
	} else if ((result & 0xff) == SQLITE_ERROR) {
		lf_error_set(
			check->error, LF_DATA_LOSS, "%s", sqlite3_errmsg(check->reader->db)); /* a table is missing */
	} else {
		lf_sqlite_error(check->error, check->reader->db, result, "looking into the log");
	}
	sqlite3_finalize(statement);
	lf_error_clean_up(&head);
	lf_sqlite_end_reading(check->reader);
	if (check->error->code == LF_OK && check->find_skip == NULL &&
		sqlite3_prepare_v2(check->reader->db, "SELECT 1 FROM skip WHERE entity = ?1 AND sequence = ?2", -1,
			&check->find_skip, NULL) != SQLITE_OK)
		lf_error_set(check->error, LF_DATA_LOSS, "the table of skips can't be read");
	return check->error->code;
}

static enum lf_code check_all(struct lf_derived *check)
{
	if (begin(check) != LF_OK || lf_derived_names(check) != LF_OK || lf_derived_leaves(check) != LF_OK ||
		lf_derived_decisions(check) != LF_OK || lf_derived_records(check) != LF_OK ||
		lf_derived_keys(check) != LF_OK || lf_derived_members(check) != LF_OK ||
		lf_derived_payloads(check) != LF_OK || lf_derived_chains(check) != LF_OK)
		return check->error->code;
	lf_derived_names_referred(check);
	return LF_OK;
}

static void forget(struct lf_derived *check)
{
	struct lf_id_set *const sets[] = {&check->payload_refs, &check->rubric_leaves, &check->activation_leaves,
		&check->act_leaves, &check->rubric_payloads, &check->digested, &check->keyed, &check->old_lists};

	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
		lf_id_set_clean_up(sets[i]);
	lf_name_map_clean_up(&check->name_map);
	for (size_t i = 0; i < check->finding_count; i++)
		free(check->findings[i]);
	check->finding_count = 0;
	memset(check->last_records, 0, sizeof(check->last_records));
	check->leaf_decisions = check->migrated = check->walked = check->last_id_sequence = check->skips_expected =
		check->skips_found = 0;
}

/* Whether something was redacted since the check began. */
static int was_redacted(struct lf_derived *check, bool *redacted)
{
	sqlite3_stmt *statement = NULL;
	int result = sqlite3_prepare_v2(check->reader->db,
		"SELECT EXISTS(SELECT 1 FROM act WHERE id > ?1 AND kind IN (5, 6))", -1, &statement, NULL);

	if (result == SQLITE_OK)
		sqlite3_bind_int64(statement, 1, check->acts);
	if (result == SQLITE_OK)
		result = sqlite3_step(statement);
	*redacted = result == SQLITE_ROW && sqlite3_column_int(statement, 0) != 0;
	sqlite3_finalize(statement);
	return result == SQLITE_ROW ? SQLITE_OK : result;
}

enum lf_code lf_sqlite_check(struct lf_reader *reader, void (*finding)(void *context, const char *what),
	bool (*go_on)(void *context), void *context, struct lf_error *error)
{
	struct lf_derived check = {
		.reader = reader, .go_on = go_on, .finding = finding, .context = context, .error = error};
	bool redacted = true;

	check.findings = calloc(LF_DERIVED_FINDINGS_MAX, sizeof(*check.findings));
	if (check.findings == NULL)
		return lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	for (int turn = 0; turn < TURNS && redacted && error->code == LF_OK; turn++) {
		int result;

		forget(&check);
		check_schema(&check);
		check_all(&check);
		result = error->code == LF_OK ? was_redacted(&check, &redacted) : SQLITE_OK;
		if (result != SQLITE_OK)
			lf_sqlite_error(error, reader->db, result, "reading acts");
	}
	if (error->code == LF_OK && redacted)
		lf_error_set(error, LF_UNAVAILABLE, "the log was erased from while it was checked: check again");
	if (error->code == LF_OK && reader->alone && check_integrity(&check) == LF_OK)
		lf_derived_free_pages(&check);
	for (size_t i = 0; i < check.finding_count && (error->code == LF_OK || error->code == LF_DATA_LOSS); i++)
		finding(context,
			check.findings[i] != NULL ? check.findings[i]
						  : "something is wrong, and memory ran out for saying what");
	forget(&check);
	sqlite3_finalize(check.find_skip);
	free(check.findings);
	return error->code;
}
