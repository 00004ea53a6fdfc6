/*
 * What no leaf covers. Leaves say what was recorded; indexes, chains, keys, who is in which list, and that nothing else
 * is stored, follow from that, and are compared with it here.
 *
 * Everything is read once, in the order of its key, in read transactions of some 20 ms. On a live log: what counts is
 * what was stored when the check began; chains, which change with every decision, are compared with the decisions of
 * the same moment. A redaction changes what was stored: then it all begins again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/sqlite/check.h"

enum { TURNS = 3 };

void lf_check_find(struct lf_check *check, const char *format, ...)
{
	char *text = NULL;
	va_list arguments;

	if (check->finding_count == LF_CHECK_FINDINGS_MAX)
		return;
	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	check->findings[check->finding_count++] = text;
}

/* ---- going through ---- */

struct paging {
	sqlite3_stmt *statement;
	sqlite3_value *keys[2]; /* after them */
	int key_count;
};

static int bind_keys(struct paging *paging, bool text_key)
{
	for (int i = 0; i < paging->key_count; i++) {
		const int result = paging->keys[i] != NULL
			? sqlite3_bind_value(paging->statement, i + 1, paging->keys[i])
			: i == 1 && text_key ? sqlite3_bind_text(paging->statement, i + 1, "", 0, SQLITE_STATIC)
					     : sqlite3_bind_int64(paging->statement, i + 1, INT64_MIN);

		if (result != SQLITE_OK)
			return result;
	}
	return SQLITE_OK;
}

static int keep_keys(struct paging *paging)
{
	for (int i = 0; i < paging->key_count; i++) {
		sqlite3_value_free(paging->keys[i]);
		paging->keys[i] = sqlite3_value_dup(sqlite3_column_value(paging->statement, i));
		if (paging->keys[i] == NULL)
			return SQLITE_NOMEM;
	}
	return SQLITE_OK;
}

/* One transaction's rows. SQLITE_DONE at the end, SQLITE_OK where there are more. */
static int read_page(
	struct lf_check *check, struct paging *paging, bool text_key, lf_check_row_fn before, lf_check_row_fn each)
{
	struct timespec start;
	int result = lf_sqlite_begin_reading(check->reader);

	if (result == SQLITE_OK && before != NULL)
		result = before(check, NULL);
	if (result == SQLITE_OK)
		result = bind_keys(paging, text_key);
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (size_t rows = 1; result == SQLITE_OK && (result = sqlite3_step(paging->statement)) == SQLITE_ROW; rows++) {
		result = each(check, paging->statement);
		if (result == SQLITE_OK && rows % 64 == 0 && lf_sqlite_time_is_up(&start)) {
			result = keep_keys(paging);
			break;
		}
	}
	sqlite3_reset(paging->statement);
	lf_sqlite_end_reading(check->reader);
	return result == LF_CHECK_STOP ? SQLITE_DONE : result;
}

enum lf_code lf_check_pages(struct lf_check *check, const char *what, const char *sql, bool text_key,
	lf_check_row_fn before, lf_check_row_fn each)
{
	struct paging paging = {.statement = NULL};
	int result = sqlite3_prepare_v2(check->reader->db, sql, -1, &paging.statement, NULL);

	paging.key_count = result == SQLITE_OK ? sqlite3_bind_parameter_count(paging.statement) : 0;
	while (result == SQLITE_OK) {
		if (check->go_on != NULL && !check->go_on(check->context)) {
			lf_error_set(check->error, LF_CANCELLED, "the check was ended");
			break;
		}
		result = read_page(check, &paging, text_key, before, each);
	}
	if ((result & 0xff) == SQLITE_CORRUPT || (result & 0xff) == SQLITE_ERROR)
		lf_check_find(
			check, "the file is damaged where it has %s: %s", what, sqlite3_errmsg(check->reader->db));
	else if (result != SQLITE_OK && result != SQLITE_DONE)
		lf_sqlite_error(check->error, check->reader->db, result, what);
	sqlite3_finalize(paging.statement);
	for (int i = 0; i < paging.key_count; i++)
		sqlite3_value_free(paging.keys[i]);
	return check->error->code;
}

/* ---- leaves ---- */

/*
 * Records of a kind are numbered as they come, and which is the newest goes by that number: the active version of a
 * rubric, what became of a decision. Their leaves do not have it, so it must rise as they do.
 */
static int take_leaf(struct lf_check *check, sqlite3_stmt *row)
{
	const int64_t position = sqlite3_column_int64(row, 0), kind = sqlite3_column_int64(row, 1),
		      record = sqlite3_column_int64(row, 2);
	struct lf_id_set *sets[] = {
		[LF_LEAF_RUBRIC] = &check->rubric_leaves, [LF_LEAF_ACTIVATION] = &check->activation_leaves};
	const bool has_salt = sqlite3_column_type(row, 4) != SQLITE_NULL;
	int64_t *last = kind > LF_LEAF_DECISION && kind <= LF_LEAF_KIND_MAX
		? &check->last_records[kind < LF_LEAF_OUTCOME ? kind : LF_LEAF_OUTCOME]
		: NULL;
	bool added = true;

	if (position < 0 || (uint64_t)position >= check->head.size) {
		/* A live log may have grown since. */
		if (position < 0 || check->reader->alone)
			lf_check_find(check,
				"leaf %lld is beyond the %" PRIu64
				" records that the head has: it was put in, or the head altered",
				(long long)position, check->head.size);
		return position < 0 || check->reader->alone ? SQLITE_OK : LF_CHECK_STOP;
	}
	if (kind == LF_LEAF_MIGRATION)
		check->migrated = check->leaf_decisions;
	if (kind == LF_LEAF_DECISION)
		check->leaf_decisions = record;
	else if (kind > LF_LEAF_DECISION && kind <= LF_LEAF_KIND_MAX &&
		!lf_id_set_add(kind <= LF_LEAF_ACTIVATION ? sets[kind] : &check->act_leaves, record, &added))
		return SQLITE_NOMEM;
	if (!added)
		lf_check_find(check, "leaf %lld refers to a record that an earlier leaf has: it was put in, or altered",
			(long long)position);
	else if (last != NULL && record < *last)
		lf_check_find(check,
			"leaf %lld refers to %s %lld, and an earlier leaf to %lld: their order was altered",
			(long long)position,
			kind < LF_LEAF_OUTCOME ? lf_leaf_kind_name((enum lf_leaf_kind)kind) : "act", (long long)record,
			(long long)*last);
	if (last != NULL && record > *last)
		*last = record;
	if (sqlite3_column_int64(row, 3) != check->leaf_decisions)
		lf_check_find(check,
			"leaf %lld says that decision %lld is the newest, and that is %lld: it was altered",
			(long long)position, (long long)sqlite3_column_int64(row, 3), (long long)check->leaf_decisions);
	if (has_salt && kind != LF_LEAF_RUBRIC && kind != LF_LEAF_ACTIVATION)
		lf_check_find(check, "leaf %lld has a salt, which its record has: it was put in", (long long)position);
	return SQLITE_OK;
}

static int take_node(struct lf_check *check, sqlite3_stmt *row)
{
	const int64_t level = sqlite3_column_int64(row, 0), place = sqlite3_column_int64(row, 1);
	const bool stored = level >= LF_TREE_STEP && level <= LF_TREE_LEVELS_MAX && level % LF_TREE_STEP == 0;

	if (!stored || place < 0 || (check->reader->alone && (uint64_t)place >= check->head.size >> level))
		lf_check_find(check,
			"node %lld of level %lld does not belong to a tree of %" PRIu64 " leaves: it was put in",
			(long long)place, (long long)level, check->head.size);
	return SQLITE_OK;
}

/* ---- what else is recorded ---- */

static void refer(struct lf_check *check, int64_t id, int kind, const char *what, int64_t row)
{
	struct lf_name_state *state = lf_name_map_find(&check->name_map, id, false);

	if (state == NULL)
		return; /* told by the leaf */
	state->referred = true;
	if (state->kind != kind)
		lf_check_find(check, "%s %lld refers to name %lld, which is of another kind", what, (long long)row,
			(long long)id);
}

static int take_rubric(struct lf_check *check, sqlite3_stmt *row)
{
	const int64_t id = sqlite3_column_int64(row, 0);

	if (id > check->rubrics)
		return LF_CHECK_STOP;
	if (!lf_id_set_has(&check->rubric_leaves, id))
		lf_check_find(check, "rubric %lld has no leaf: it was put in", (long long)id);
	refer(check, sqlite3_column_int64(row, 1), LF_NAME_RUBRIC, "rubric", id);
	refer(check, sqlite3_column_int64(row, 2), LF_NAME_CALLER, "rubric", id);
	return lf_id_set_add(&check->payload_refs, id, NULL) && lf_id_set_add(&check->rubric_payloads, id, NULL)
		? SQLITE_OK
		: SQLITE_NOMEM;
}

static int take_activation(struct lf_check *check, sqlite3_stmt *row)
{
	const int64_t id = sqlite3_column_int64(row, 0);

	if (id > check->activations)
		return LF_CHECK_STOP;
	if (!lf_id_set_has(&check->activation_leaves, id))
		lf_check_find(check, "activation %lld has no leaf: it was put in", (long long)id);
	refer(check, sqlite3_column_int64(row, 1), LF_NAME_RUBRIC, "activation", id);
	refer(check, sqlite3_column_int64(row, 2), LF_NAME_CALLER, "activation", id);
	return SQLITE_OK;
}

static int take_act(struct lf_check *check, sqlite3_stmt *row)
{
	const int64_t id = sqlite3_column_int64(row, 0), kind = sqlite3_column_int64(row, 1);

	if (id > check->acts)
		return LF_CHECK_STOP;
	if (!lf_id_set_has(&check->act_leaves, id))
		lf_check_find(check, "act %lld (%s) has no leaf: it was put in", (long long)id,
			lf_leaf_kind_name((enum lf_leaf_kind)kind));
	else if (sqlite3_column_int64(row, 4) != id || sqlite3_column_int64(row, 5) != kind)
		lf_check_find(check,
			"act %lld (%s) says that its leaf is at %lld, which is not its own: it was altered",
			(long long)id, lf_leaf_kind_name((enum lf_leaf_kind)kind),
			(long long)sqlite3_column_int64(row, 6));
	refer(check, sqlite3_column_int64(row, 2), LF_NAME_CALLER, "act", id);
	if (sqlite3_column_type(row, 3) != SQLITE_NULL && sqlite3_column_type(row, 7) == SQLITE_NULL)
		lf_check_find(check, "act %lld is about decision %lld, which is not there", (long long)id,
			(long long)sqlite3_column_int64(row, 3));
	return SQLITE_OK;
}

static int take_redaction(struct lf_check *check, sqlite3_stmt *row)
{
	if (sqlite3_column_int(row, 2) == 0)
		lf_check_find(check, "the redaction of %s %lld is of something that is not there: it was put in",
			sqlite3_column_int(row, 0) == LF_REDACTION_PAYLOAD            ? "payload"
				: sqlite3_column_int(row, 0) == LF_REDACTION_DECISION ? "decision"
				: sqlite3_column_int(row, 0) == LF_REDACTION_ACT      ? "act"
										      : "an unknown thing,",
			(long long)sqlite3_column_int64(row, 1));
	return SQLITE_OK;
}

static enum lf_code check_records(struct lf_check *check)
{
	if (lf_check_pages(check, "rubrics",
		    "SELECT payload, name, put_by FROM rubric WHERE payload > ?1 ORDER BY payload", false, NULL,
		    take_rubric) != LF_OK ||
		lf_check_pages(check, "activations",
			"SELECT id, name, caller FROM activation WHERE id > ?1 ORDER BY id", false, NULL,
			take_activation) != LF_OK ||
		lf_check_pages(check, "acts",
			"SELECT a.id, a.kind, a.caller, a.decision, l.record, l.kind, a.position, d.sequence FROM act a"
			" LEFT JOIN leaf l ON l.position = a.position LEFT JOIN decision d ON d.sequence = a.decision"
			" WHERE a.id > ?1 ORDER BY a.id",
			false, NULL, take_act) != LF_OK)
		return check->error->code;
	return lf_check_pages(check, "redactions",
		"SELECT kind, target, CASE kind WHEN 1 THEN EXISTS(SELECT 1 FROM payload WHERE id = target)"
		" WHEN 2 THEN EXISTS(SELECT 1 FROM decision WHERE sequence = target)"
		" WHEN 3 THEN EXISTS(SELECT 1 FROM act WHERE id = target) ELSE 0 END"
		" FROM redaction WHERE (kind, target) > (?1, ?2) ORDER BY kind, target",
		false, NULL, take_redaction);
}

/* ---- keys, and the index by id ---- */

static int take_key(struct lf_check *check, sqlite3_stmt *row)
{
	const int64_t sequence = sqlite3_column_int64(row, 2);
	const char *key = lf_sqlite_column_text(row, 1);
	const size_t length = (size_t)sqlite3_column_bytes(row, 1);
	bool added;

	if (sequence > check->decisions)
		return SQLITE_OK; /* come since */
	refer(check, sqlite3_column_int64(row, 0), LF_NAME_CALLER, "the idempotency key of decision", sequence);
	if (key != NULL && strlen(key) != length)
		lf_check_find(check, "the idempotency key of decision %lld has more behind its end: it was altered",
			(long long)sequence);
	if (sqlite3_column_type(row, 3) == SQLITE_NULL)
		lf_check_find(check, "idempotency key %.60s leads to decision %lld, which is not there",
			key != NULL ? key : "", (long long)sequence);
	else if (sqlite3_column_int64(row, 3) != sqlite3_column_int64(row, 0))
		lf_check_find(check,
			"idempotency key %.60s is of another caller than decision %lld, to which it leads: it was "
			"altered",
			key != NULL ? key : "", (long long)sequence);
	else if (!lf_id_set_has(&check->digested, sequence))
		lf_check_find(check,
			"idempotency key %.60s leads to decision %lld, which had none: it was put in, or altered",
			key != NULL ? key : "", (long long)sequence);
	if (!lf_id_set_add(&check->keyed, sequence, &added))
		return SQLITE_NOMEM;
	if (!added)
		lf_check_find(
			check, "decision %lld has more than one idempotency key: one was put in", (long long)sequence);
	return SQLITE_OK;
}

static void check_keyless(struct lf_check *check)
{
	for (size_t i = 0; i < check->digested.capacity; i++) {
		const struct lf_id_word *word = &check->digested.words[i];

		for (int bit = 0; bit < 64 && word->bits >> bit != 0; bit++) {
			const int64_t sequence = (int64_t)(word->word * 64 + (uint64_t)bit);

			if ((word->bits >> bit & 1) != 0 && sequence <= check->decisions &&
				!lf_id_set_has(&check->keyed, sequence))
				lf_check_find(check,
					"decision %lld was recorded with an idempotency key, which is not there: it "
					"was deleted",
					(long long)sequence);
		}
	}
}

/* Ids rise with the sequence (verify.h looks at that), so the index by id has it in order. */
static int take_indexed(struct lf_check *check, sqlite3_stmt *row)
{
	const int64_t sequence = sqlite3_column_int64(row, 1);

	if (sequence > check->decisions)
		return LF_CHECK_STOP;
	if (sequence != check->last_id_sequence + 1 && sequence <= check->leaf_decisions)
		lf_check_find(check,
			"in the order of ids, decision %lld comes after decision %lld: an id was altered, or the index "
			"by id",
			(long long)sequence, (long long)check->last_id_sequence);
	check->last_id_sequence = sequence;
	return SQLITE_OK;
}

static enum lf_code check_keys(struct lf_check *check)
{
	if (lf_check_pages(check, "idempotency keys",
		    "SELECT k.caller, k.key, k.sequence, d.caller FROM request_key k LEFT JOIN decision d ON "
		    "d.sequence = k.sequence"
		    " WHERE (k.caller, k.key) > (?1, ?2) ORDER BY k.caller, k.key",
		    true, NULL, take_key) != LF_OK)
		return check->error->code;
	check_keyless(check);
	return lf_check_pages(check, "the index by id",
		"SELECT id, sequence FROM decision INDEXED BY decision_by_id WHERE id > ?1 ORDER BY id", false, NULL,
		take_indexed);
}

/* ---- what nothing refers to ---- */

static int take_payload(struct lf_check *check, sqlite3_stmt *row)
{
	const int64_t id = sqlite3_column_int64(row, 0), kind = sqlite3_column_int64(row, 1);

	if (id > check->payloads)
		return LF_CHECK_STOP;
	if (!lf_id_set_has(&check->payload_refs, id))
		lf_check_find(check, "payload %lld is of nothing that was recorded: it was put in", (long long)id);
	else if (kind == LF_PAYLOAD_RUBRIC && !lf_id_set_has(&check->rubric_payloads, id))
		lf_check_find(check, "payload %lld is a rubric's, and no rubric has it", (long long)id);
	return SQLITE_OK;
}

/* A caller whose request changed nothing may have left his name. */
static void check_names_referred(struct lf_check *check)
{
	for (size_t i = 0; i < check->name_map.capacity; i++) {
		const struct lf_name_state *state = &check->name_map.places[i];

		if (state->kind != 0 && state->kind != LF_NAME_CALLER && !state->referred && state->id <= check->names)
			lf_check_find(check, "name %lld is of nothing that was recorded: it was put in",
				(long long)state->id);
	}
}

/* ---- the file ---- */

static int take_integrity(struct lf_check *check, sqlite3_stmt *row)
{
	const char *text = lf_sqlite_column_text(row, 0);

	if (text != NULL && strcmp(text, "ok") != 0)
		lf_check_find(check, "the file is damaged: %.300s", text);
	return SQLITE_OK;
}

static int on_progress(void *context)
{
	struct lf_check *check = context;

	return check->go_on != NULL && !check->go_on(check->context);
}

/* It reads the whole file in one statement, so it is for a log that nobody writes. */
static enum lf_code check_integrity(struct lf_check *check)
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
		lf_check_find(check, "the file is damaged: %.300s", sqlite3_errmsg(check->reader->db));
	sqlite3_finalize(statement);
	sqlite3_progress_handler(check->reader->db, 0, NULL, NULL);
	return check->error->code;
}

static void check_schema(struct lf_check *check)
{
	char *what = lf_sqlite_schema_difference(check->reader->db);

	if (what != NULL)
		lf_check_find(check, "%s", what);
	free(what);
}

/* ---- all of it ---- */

static enum lf_code begin(struct lf_check *check)
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
			lf_check_find(check, "the head of the log is not one row: rows were put in or deleted");
		if (sqlite3_column_int(statement, 8) != 1)
			lf_check_find(
				check, "the row that readiness is tried on is not one: rows were put in or deleted");
		if (lf_sqlite_head(check->reader, &check->head, &head) != LF_OK)
			lf_check_find(check, "%s", head.message);
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

static enum lf_code check_all(struct lf_check *check)
{
	if (begin(check) != LF_OK || lf_check_names(check) != LF_OK ||
		lf_check_pages(check, "leaves",
			"SELECT position, kind, record, decisions, salt FROM leaf WHERE position > ?1 ORDER BY "
			"position",
			false, NULL, take_leaf) != LF_OK ||
		lf_check_pages(check, "nodes",
			"SELECT level, place FROM node WHERE (level, place) > (?1, ?2) ORDER BY level, place", false,
			NULL, take_node) != LF_OK ||
		lf_check_decisions(check) != LF_OK || check_records(check) != LF_OK || check_keys(check) != LF_OK ||
		lf_check_members(check) != LF_OK ||
		lf_check_pages(check, "payloads", "SELECT id, kind FROM payload WHERE id > ?1 ORDER BY id", false, NULL,
			take_payload) != LF_OK ||
		lf_check_chains(check) != LF_OK)
		return check->error->code;
	check_names_referred(check);
	return LF_OK;
}

static void forget(struct lf_check *check)
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
static int was_redacted(struct lf_check *check, bool *redacted)
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
	struct lf_check check = {
		.reader = reader, .go_on = go_on, .finding = finding, .context = context, .error = error};
	bool redacted = true;

	check.findings = calloc(LF_CHECK_FINDINGS_MAX, sizeof(*check.findings));
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
	if (error->code == LF_OK && reader->alone)
		check_integrity(&check);
	for (size_t i = 0; i < check.finding_count && (error->code == LF_OK || error->code == LF_DATA_LOSS); i++)
		finding(context,
			check.findings[i] != NULL ? check.findings[i]
						  : "something is wrong, and memory ran out for saying what");
	forget(&check);
	sqlite3_finalize(check.find_skip);
	free(check.findings);
	return error->code;
}
