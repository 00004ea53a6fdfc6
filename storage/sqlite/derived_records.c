/* Leaves and nodes, what is recorded beside decisions, keys, and what nothing refers to. */
#include <inttypes.h>
#include <string.h>

#include "storage/sqlite/derived.h"

/* ---- leaves ---- */

/*
 * Records of a kind are numbered as they come, and which is the newest goes by that number: the active version of a
 * rubric, what became of a decision. Their leaves do not have it, so it must rise as they do.
 */
static int take_leaf(struct lf_derived *check, sqlite3_stmt *row)
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
			lf_derived_find(check,
				"leaf %lld is beyond the %" PRIu64
				" records that the head has: it was put in, or the head altered",
				(long long)position, check->head.size);
		return position < 0 || check->reader->alone ? SQLITE_OK : LF_DERIVED_STOP;
	}
	if (kind == LF_LEAF_MIGRATION)
		check->migrated = check->leaf_decisions;
	if (kind == LF_LEAF_DECISION)
		check->leaf_decisions = record;
	else if (kind > LF_LEAF_DECISION && kind <= LF_LEAF_KIND_MAX &&
		!lf_id_set_add(kind <= LF_LEAF_ACTIVATION ? sets[kind] : &check->act_leaves, record, &added))
		return SQLITE_NOMEM;
	if (!added)
		lf_derived_find(check,
			"leaf %lld refers to a record that an earlier leaf has: it was put in, or altered",
			(long long)position);
	else if (last != NULL && record < *last)
		lf_derived_find(check,
			"leaf %lld refers to %s %lld, and an earlier leaf to %lld: their order was altered",
			(long long)position,
			kind < LF_LEAF_OUTCOME ? lf_leaf_kind_name((enum lf_leaf_kind)kind) : "act", (long long)record,
			(long long)*last);
	if (last != NULL && record > *last)
		*last = record;
	if (sqlite3_column_int64(row, 3) != check->leaf_decisions)
		lf_derived_find(check,
			"leaf %lld says that decision %lld is the newest, and that is %lld: it was altered",
			(long long)position, (long long)sqlite3_column_int64(row, 3), (long long)check->leaf_decisions);
	if (has_salt && kind != LF_LEAF_RUBRIC && kind != LF_LEAF_ACTIVATION)
		lf_derived_find(
			check, "leaf %lld has a salt, which its record has: it was put in", (long long)position);
	return SQLITE_OK;
}

static int take_node(struct lf_derived *check, sqlite3_stmt *row)
{
	const int64_t level = sqlite3_column_int64(row, 0), place = sqlite3_column_int64(row, 1);
	const bool stored = level >= LF_TREE_STEP && level <= LF_TREE_LEVELS_MAX && level % LF_TREE_STEP == 0;

	if (!stored || place < 0 || (check->reader->alone && (uint64_t)place >= check->head.size >> level))
		lf_derived_find(check,
			"node %lld of level %lld does not belong to a tree of %" PRIu64 " leaves: it was put in",
			(long long)place, (long long)level, check->head.size);
	return SQLITE_OK;
}

enum lf_code lf_derived_leaves(struct lf_derived *check)
{
	if (lf_derived_pages(check, "leaves",
		    "SELECT position, kind, record, decisions, salt FROM leaf WHERE position > ?1 ORDER BY position",
		    false, NULL, take_leaf) != LF_OK)
		return check->error->code;
	return lf_derived_pages(check, "nodes",
		"SELECT level, place FROM node WHERE (level, place) > (?1, ?2) ORDER BY level, place", false, NULL,
		take_node);
}

/* ---- what else is recorded ---- */

static void refer(struct lf_derived *check, int64_t id, int kind, const char *what, int64_t row)
{
	struct lf_name_state *state = lf_name_map_find(&check->name_map, id, false);

	if (state == NULL)
		return; /* told by the leaf */
	state->referred = true;
	if (state->kind != kind)
		lf_derived_find(check, "%s %lld refers to name %lld, which is of another kind", what, (long long)row,
			(long long)id);
}

static int take_rubric(struct lf_derived *check, sqlite3_stmt *row)
{
	const int64_t id = sqlite3_column_int64(row, 0);

	if (id > check->rubrics)
		return LF_DERIVED_STOP;
	if (!lf_id_set_has(&check->rubric_leaves, id))
		lf_derived_find(check, "rubric %lld has no leaf: it was put in", (long long)id);
	refer(check, sqlite3_column_int64(row, 1), LF_NAME_RUBRIC, "rubric", id);
	refer(check, sqlite3_column_int64(row, 2), LF_NAME_CALLER, "rubric", id);
	return lf_id_set_add(&check->payload_refs, id, NULL) && lf_id_set_add(&check->rubric_payloads, id, NULL)
		? SQLITE_OK
		: SQLITE_NOMEM;
}

static int take_activation(struct lf_derived *check, sqlite3_stmt *row)
{
	const int64_t id = sqlite3_column_int64(row, 0);

	if (id > check->activations)
		return LF_DERIVED_STOP;
	if (!lf_id_set_has(&check->activation_leaves, id))
		lf_derived_find(check, "activation %lld has no leaf: it was put in", (long long)id);
	refer(check, sqlite3_column_int64(row, 1), LF_NAME_RUBRIC, "activation", id);
	refer(check, sqlite3_column_int64(row, 2), LF_NAME_CALLER, "activation", id);
	return SQLITE_OK;
}

static int take_act(struct lf_derived *check, sqlite3_stmt *row)
{
	const int64_t id = sqlite3_column_int64(row, 0), kind = sqlite3_column_int64(row, 1);

	if (id > check->acts)
		return LF_DERIVED_STOP;
	if (!lf_id_set_has(&check->act_leaves, id))
		lf_derived_find(check, "act %lld (%s) has no leaf: it was put in", (long long)id,
			lf_leaf_kind_name((enum lf_leaf_kind)kind));
	else if (sqlite3_column_int64(row, 4) != id || sqlite3_column_int64(row, 5) != kind)
		lf_derived_find(check,
			"act %lld (%s) says that its leaf is at %lld, which is not its own: it was altered",
			(long long)id, lf_leaf_kind_name((enum lf_leaf_kind)kind),
			(long long)sqlite3_column_int64(row, 6));
	refer(check, sqlite3_column_int64(row, 2), LF_NAME_CALLER, "act", id);
	if (sqlite3_column_type(row, 3) != SQLITE_NULL && sqlite3_column_type(row, 7) == SQLITE_NULL)
		lf_derived_find(check, "act %lld is about decision %lld, which is not there", (long long)id,
			(long long)sqlite3_column_int64(row, 3));
	return SQLITE_OK;
}

static int take_redaction(struct lf_derived *check, sqlite3_stmt *row)
{
	if (sqlite3_column_int(row, 2) == 0)
		lf_derived_find(check, "the redaction of %s %lld is of something that is not there: it was put in",
			sqlite3_column_int(row, 0) == LF_REDACTION_PAYLOAD            ? "payload"
				: sqlite3_column_int(row, 0) == LF_REDACTION_DECISION ? "decision"
				: sqlite3_column_int(row, 0) == LF_REDACTION_ACT      ? "act"
										      : "an unknown thing,",
			(long long)sqlite3_column_int64(row, 1));
	return SQLITE_OK;
}

enum lf_code lf_derived_records(struct lf_derived *check)
{
	if (lf_derived_pages(check, "rubrics",
		    "SELECT payload, name, put_by FROM rubric WHERE payload > ?1 ORDER BY payload", false, NULL,
		    take_rubric) != LF_OK ||
		lf_derived_pages(check, "activations",
			"SELECT id, name, caller FROM activation WHERE id > ?1 ORDER BY id", false, NULL,
			take_activation) != LF_OK ||
		lf_derived_pages(check, "acts",
			"SELECT a.id, a.kind, a.caller, a.decision, l.record, l.kind, a.position, d.sequence FROM act a"
			" LEFT JOIN leaf l ON l.position = a.position LEFT JOIN decision d ON d.sequence = a.decision"
			" WHERE a.id > ?1 ORDER BY a.id",
			false, NULL, take_act) != LF_OK)
		return check->error->code;
	return lf_derived_pages(check, "redactions",
		"SELECT kind, target, CASE kind WHEN 1 THEN EXISTS(SELECT 1 FROM payload WHERE id = target)"
		" WHEN 2 THEN EXISTS(SELECT 1 FROM decision WHERE sequence = target)"
		" WHEN 3 THEN EXISTS(SELECT 1 FROM act WHERE id = target) ELSE 0 END"
		" FROM redaction WHERE (kind, target) > (?1, ?2) ORDER BY kind, target",
		false, NULL, take_redaction);
}

/* ---- keys, and the index by id ---- */

static int take_key(struct lf_derived *check, sqlite3_stmt *row)
{
	const int64_t sequence = sqlite3_column_int64(row, 2);
	const char *key = lf_sqlite_column_text(row, 1);
	const size_t length = (size_t)sqlite3_column_bytes(row, 1);
	bool added;

	if (sequence > check->decisions)
		return SQLITE_OK; /* come since */
	refer(check, sqlite3_column_int64(row, 0), LF_NAME_CALLER, "the idempotency key of decision", sequence);
	if (key != NULL && strlen(key) != length)
		lf_derived_find(check, "the idempotency key of decision %lld has more behind its end: it was altered",
			(long long)sequence);
	if (sqlite3_column_type(row, 3) == SQLITE_NULL)
		lf_derived_find(check, "idempotency key %.60s leads to decision %lld, which is not there",
			key != NULL ? key : "", (long long)sequence);
	else if (sqlite3_column_int64(row, 3) != sqlite3_column_int64(row, 0))
		lf_derived_find(check,
			"idempotency key %.60s is of another caller than decision %lld, to which it leads: it was "
			"altered",
			key != NULL ? key : "", (long long)sequence);
	else if (!lf_id_set_has(&check->digested, sequence))
		lf_derived_find(check,
			"idempotency key %.60s leads to decision %lld, which had none: it was put in, or altered",
			key != NULL ? key : "", (long long)sequence);
	if (!lf_id_set_add(&check->keyed, sequence, &added))
		return SQLITE_NOMEM;
	if (!added)
		lf_derived_find(
			check, "decision %lld has more than one idempotency key: one was put in", (long long)sequence);
	return SQLITE_OK;
}

static void check_keyless(struct lf_derived *check)
{
	for (size_t i = 0; i < check->digested.capacity; i++) {
		const struct lf_id_word *word = &check->digested.words[i];

		for (int bit = 0; bit < 64 && word->bits >> bit != 0; bit++) {
			const int64_t sequence = (int64_t)(word->word * 64 + (uint64_t)bit);

			if ((word->bits >> bit & 1) != 0 && sequence <= check->decisions &&
				!lf_id_set_has(&check->keyed, sequence))
				lf_derived_find(check,
					"decision %lld was recorded with an idempotency key, which is not there: it "
					"was deleted",
					(long long)sequence);
		}
	}
}

/* Ids rise with the sequence (verify.h looks at that), so the index by id has it in order. */
static int take_indexed(struct lf_derived *check, sqlite3_stmt *row)
{
	const int64_t sequence = sqlite3_column_int64(row, 1);

	if (sequence > check->decisions)
		return LF_DERIVED_STOP;
	if (sequence != check->last_id_sequence + 1 && sequence <= check->leaf_decisions)
		lf_derived_find(check,
			"in the order of ids, decision %lld comes after decision %lld: an id was altered, or the index "
			"by id",
			(long long)sequence, (long long)check->last_id_sequence);
	check->last_id_sequence = sequence;
	return SQLITE_OK;
}

enum lf_code lf_derived_keys(struct lf_derived *check)
{
	if (lf_derived_pages(check, "idempotency keys",
		    "SELECT k.caller, k.key, k.sequence, d.caller FROM request_key k LEFT JOIN decision d ON "
		    "d.sequence = k.sequence"
		    " WHERE (k.caller, k.key) > (?1, ?2) ORDER BY k.caller, k.key",
		    true, NULL, take_key) != LF_OK)
		return check->error->code;
	check_keyless(check);
	return lf_derived_pages(check, "the index by id",
		"SELECT id, sequence FROM decision INDEXED BY decision_by_id WHERE id > ?1 ORDER BY id", false, NULL,
		take_indexed);
}

/* ---- what nothing refers to ---- */

static int take_payload(struct lf_derived *check, sqlite3_stmt *row)
{
	const int64_t id = sqlite3_column_int64(row, 0), kind = sqlite3_column_int64(row, 1);

	if (id > check->payloads)
		return LF_DERIVED_STOP;
	if (!lf_id_set_has(&check->payload_refs, id))
		lf_derived_find(check, "payload %lld is of nothing that was recorded: it was put in", (long long)id);
	else if (kind == LF_PAYLOAD_RUBRIC && !lf_id_set_has(&check->rubric_payloads, id))
		lf_derived_find(check, "payload %lld is a rubric's, and no rubric has it", (long long)id);
	return SQLITE_OK;
}

enum lf_code lf_derived_payloads(struct lf_derived *check)
{
	return lf_derived_pages(
		check, "payloads", "SELECT id, kind FROM payload WHERE id > ?1 ORDER BY id", false, NULL, take_payload);
}

/* A caller whose request changed nothing may have left a name. */
void lf_derived_names_referred(struct lf_derived *check)
{
	for (size_t i = 0; i < check->name_map.capacity; i++) {
		const struct lf_name_state *state = &check->name_map.places[i];

		if (state->kind != 0 && state->kind != LF_NAME_CALLER && !state->referred && state->id <= check->names)
			lf_derived_find(check, "name %lld is of nothing that was recorded: it was put in",
				(long long)state->id);
	}
}
