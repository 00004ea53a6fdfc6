/*
 * The walk: 256 leaves at a time, each against what is stored of its record, then the node over them, then the nodes
 * over that.
 *
 * A row that looks wrong is read again, with its payloads and with the pairs of erasures and prunings that came
 * meanwhile, before it is called wrong: a redaction may have come in between.
 */
#include "storage/verify/verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/check.h"
#include "proto/base/clock.h"
#include "proto/base/dates.h"
#include "storage/tlog/tree.h"
#include "storage/verify/private.h"

enum { GROUP = LF_VERIFY_ALIGN, LOOKS = 3, EXPLAINED_MAX = 64 };

/* The records before the next one, for what must rise. */
struct before {
	uint64_t position; /* of the next record; UINT64_MAX: nothing is known */
	int64_t time_us;
	bool has_decision; /* sequence and id are known */
	uint64_t sequence;
	struct lf_uuid id;
};

struct lf_verify {
	struct lf_log *log;
	struct lf_leaf_tools tools;
	struct lf_rows rows, again;
	struct before before;
	struct lf_leaf_state states[GROUP];
	struct lf_verify_totals totals;
	size_t explained; /* findings that were explained: that costs some milliseconds each */

	lf_verify_judge_fn judge; /* NULL: none */
	void *judge_context;

	/* during a call */
	lf_verify_finding_fn finding;
	void *context;
};

struct lf_verify *lf_verify_new(struct lf_log *log)
{
	struct lf_verify *verify = calloc(1, sizeof(*verify));

	if (verify == NULL)
		return NULL;
	verify->log = verify->tools.log = log;
	verify->tools.pairs = lf_pairs_new();
	verify->before.position = UINT64_MAX;
	if (verify->tools.pairs == NULL) {
		free(verify);
		return NULL;
	}
	return verify;
}

void lf_verify_free(struct lf_verify *verify)
{
	if (verify == NULL)
		return;
	lf_rows_clean_up(&verify->rows);
	lf_rows_clean_up(&verify->again);
	lf_payload_cache_clean_up(&verify->tools.payloads);
	lf_pairs_free(verify->tools.pairs);
	free(verify);
}

void lf_verify_restart(struct lf_verify *verify)
{
	lf_rows_clean_up(&verify->rows);
	lf_rows_clean_up(&verify->again);
	lf_payload_cache_forget_all(&verify->tools.payloads);
	verify->tools.payloads.bytes = 0;
	verify->totals = (struct lf_verify_totals){0};
	verify->before.position = UINT64_MAX;
	verify->explained = 0;
	verify->tools.pairs_read = false;
	verify->judge = NULL;
}

void lf_verify_set_judge(struct lf_verify *verify, lf_verify_judge_fn judge, void *context)
{
	verify->judge = judge;
	verify->judge_context = context;
}

const struct lf_verify_totals *lf_verify_totals(const struct lf_verify *verify)
{
	return &verify->totals;
}

/* ---- findings ---- */

static void find(struct lf_verify *verify, const struct lf_verify_finding *finding)
{
	verify->totals.findings++;
	verify->finding(verify->context, finding);
}

/* row NULL: about no single record. */
static void __attribute__((format(printf, 4, 5)))
report(struct lf_verify *verify, uint64_t position, const struct lf_audit_row *row, const char *format, ...)
{
	char text[LF_FINDING_TEXT_MAX];
	struct lf_verify_finding finding = {.position = position, .what = text};
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (row != NULL && (int)row->kind >= 1 && (int)row->kind <= LF_LEAF_KIND_MAX)
		finding.kind = row->kind;
	if (row != NULL && row->missing == NULL && row->kind == LF_LEAF_DECISION) {
		finding.sequence = row->number;
		finding.decision = row->decision;
		finding.has_decision = true;
	}
	find(verify, &finding);
}

/* ---- what must rise ---- */

/* What comes before the leaf first, which no slice of this verifier ended at. */
static enum lf_code look_back(struct lf_verify *verify, uint64_t first, struct lf_error *error)
{
	struct before *before = &verify->before;
	const struct lf_audit_row *row;

	*before = (struct before){.position = first, .time_us = INT64_MIN, .has_decision = first == 0};
	if (first == 0)
		return LF_OK;
	if (lf_rows_read(&verify->again, verify->log, first - 1, 1, error) != LF_OK)
		return error->code;
	if (verify->again.count == 0 || verify->again.rows[0].missing != NULL)
		return LF_OK;
	row = &verify->again.rows[0];
	before->time_us = row->time_us;
	if (row->kind == LF_LEAF_DECISION) {
		before->has_decision = true;
		before->sequence = row->number;
		before->id = row->decision;
	}
	return LF_OK;
}

static bool take_decision(void *context, const struct lf_stored *row)
{
	struct before *before = context;

	before->sequence = row->sequence;
	before->id = row->id;
	return false;
}

/*
 * The first decision of a slice, where the leaf before the slice is another kind's: the decision before it must have a
 * leaf before.
 */
static enum lf_code find_decision_before(
	struct lf_verify *verify, const struct lf_audit_row *row, uint64_t first, struct lf_error *error)
{
	const struct lf_scan scan = {
		.since_us = INT64_MIN, .until_us = INT64_MAX, .from_sequence = row->number - 1, .limit = 1};
	struct before *before = &verify->before;
	struct lf_error inner = LF_ERROR_INIT;
	uint64_t next, position = UINT64_MAX;
	enum lf_code code = LF_OK;

	before->sequence = 0;
	before->has_decision = true;
	if (row->number > 1)
		code = lf_log_scan(verify->log, &scan, take_decision, before, &next, &inner);
	if (code == LF_OK && before->sequence != 0 && before->sequence + 1 == row->number)
		code = lf_log_find_leaf(verify->log, &before->id, &position, &inner);
	if (code != LF_OK && code != LF_DATA_LOSS && code != LF_NOT_FOUND)
		lf_error_move(error, &inner);
	else if (row->number > 1 && position >= first) {
		report(verify, row->position, row,
			"decision %" PRIu64 " has no leaf before it: it was deleted, or moved", row->number - 1);
		before->has_decision = false;
		code = LF_OK;
	} else {
		code = LF_OK;
	}
	lf_error_clean_up(&inner);
	return code;
}

static enum lf_code check_decision_order(
	struct lf_verify *verify, const struct lf_audit_row *row, uint64_t first, struct lf_error *error)
{
	struct before *before = &verify->before;
	const uint64_t expected = before->sequence + 1;

	if (!before->has_decision && find_decision_before(verify, row, first, error) != LF_OK)
		return error->code;
	if (before->has_decision && row->number > before->sequence + 1 && before->sequence + 1 == row->number - 1)
		report(verify, row->position, row, "decision %" PRIu64 " is missing before it: it was deleted",
			expected);
	else if (before->has_decision && row->number > before->sequence + 1)
		report(verify, row->position, row,
			"decisions %" PRIu64 " to %" PRIu64 " are missing before it: they were deleted", expected,
			row->number - 1);
	else if (before->has_decision && row->number <= before->sequence)
		report(verify, row->position, row, "it is out of order: decision %" PRIu64 " stands before it",
			before->sequence);
	else if (before->has_decision && before->sequence != 0 &&
		memcmp(&row->decision, &before->id, sizeof(before->id)) <= 0)
		report(verify, row->position, row, "its id is not above that of the decision before it");
	if (!before->has_decision || row->number > before->sequence) {
		before->sequence = row->number;
		before->id = row->decision;
	}
	before->has_decision = true;
	return LF_OK;
}

/* Of a row whose leaf is right. first: of the slice. */
static enum lf_code check_order(
	struct lf_verify *verify, const struct lf_audit_row *row, uint64_t first, struct lf_error *error)
{
	struct before *before = &verify->before;
	char earlier[LF_TIME_TEXT_BYTES], later[LF_TIME_TEXT_BYTES];

	if (row->time_us < before->time_us) {
		lf_print_time(row->time_us, earlier);
		lf_print_time(before->time_us, later);
		report(verify, row->position, row, "its time, %s, is before that of the record before it, %s", earlier,
			later);
	} else {
		before->time_us = row->time_us;
	}
	return row->kind == LF_LEAF_DECISION ? check_decision_order(verify, row, first, error) : LF_OK;
}

/* ---- leaves ---- */

static bool is_right(const struct lf_audit_row *row, const struct lf_leaf_state *state)
{
	return row->missing == NULL && state->matches && state->odd[0] == '\0';
}

static enum lf_code work_out(
	struct lf_verify *verify, const struct lf_audit_row *row, struct lf_leaf_state *state, struct lf_error *error)
{
	*state = (struct lf_leaf_state){.matches = false};
	return row->missing != NULL ? LF_OK : lf_leaf_work_out(&verify->tools, row, state, error);
}

/* Reads a row again that looks wrong. *row is that of verify->again afterwards. */
static enum lf_code look_again(
	struct lf_verify *verify, const struct lf_audit_row **row, struct lf_leaf_state *state, struct lf_error *error)
{
	const uint64_t position = (*row)->position;

	for (int looks = 1; looks < LOOKS; looks++) {
		for (size_t i = 0; i < (*row)->payload_count; i++)
			lf_payload_cache_forget(&verify->tools.payloads, (*row)->payloads[i].id);
		if (lf_rows_read(&verify->again, verify->log, position, 1, error) != LF_OK)
			return error->code;
		if (verify->again.count == 0)
			return lf_error_set(error, LF_UNAVAILABLE, "leaf %" PRIu64 " can't be read any more", position);
		*row = &verify->again.rows[0];
		for (size_t i = 0; i < (*row)->payload_count; i++)
			lf_payload_cache_forget(&verify->tools.payloads, (*row)->payloads[i].id);
		if (lf_pairs_refresh(verify->tools.pairs, verify->log, error) != LF_OK ||
			work_out(verify, *row, state, error) != LF_OK)
			return error->code;
		if (is_right(*row, state))
			break;
	}
	return LF_OK;
}

static void report_wrong(struct lf_verify *verify, const struct lf_audit_row *row, const struct lf_leaf_state *state)
{
	char text[LF_FINDING_TEXT_MAX];

	if (row->missing != NULL) {
		const char *kind =
			(int)row->kind >= 1 && (int)row->kind <= LF_LEAF_KIND_MAX ? "" : ", or no kind of record";

		report(verify, row->position, row, "%s is missing%s: it was deleted", row->missing, kind);
	} else if (state->odd[0] != '\0' && !state->matches) {
		report(verify, row->position, row, "%s; its leaf does not match", state->odd);
	} else if (state->odd[0] != '\0') {
		report(verify, row->position, row, "%s", state->odd);
	} else if (verify->explained++ >= EXPLAINED_MAX) {
		report(verify, row->position, row, "what is stored is not what was recorded");
	} else {
		lf_leaf_explain(&verify->tools, row, state, text);
		report(verify, row->position, row, "%s", text);
	}
}

static bool was_replaced(const struct lf_audit_row *row)
{
	bool replaced = row->redacted;

	for (size_t i = 0; i < row->payload_count; i++)
		replaced = replaced || row->payloads[i].redacted;
	return replaced;
}

/* Of a row that is right as its leaf says. */
static void judge(struct lf_verify *verify, const struct lf_audit_row *row)
{
	char wrong[LF_VERIFY_WRONG_MAX] = "";
	const bool redacts = row->kind == LF_LEAF_ERASURE || row->kind == LF_LEAF_PRUNING;

	if (verify->judge != NULL && (redacts || (row->kind == LF_LEAF_DECISION && was_replaced(row))))
		verify->judge(verify->judge_context, row, wrong);
	if (wrong[0] != '\0')
		report(verify, row->position, row, "%s", wrong);
}

static enum lf_code check_row(
	struct lf_verify *verify, const struct lf_audit_row *row, uint64_t first, struct lf_error *error)
{
	struct lf_leaf_state *state = &verify->states[row->position % GROUP];

	if (!is_right(row, state) && look_again(verify, &row, state, error) != LF_OK)
		return error->code;
	verify->totals.records++;
	verify->totals.bytes += row->record.length;
	verify->totals.erased += state->erased;
	verify->totals.pruned += state->pruned;
	verify->before.position = row->position + 1;
	if (row->missing == NULL && state->matches) {
		if (state->odd[0] != '\0')
			report_wrong(verify, row, state);
		else
			judge(verify, row);
		return check_order(verify, row, first, error);
	}
	report_wrong(verify, row, state);
	if (row->kind == LF_LEAF_DECISION && verify->before.has_decision)
		verify->before.sequence++; /* what it should have been */
	return LF_OK;
}

/* ---- nodes ---- */

/* The root of 256 hashes, which are used up. */
static void fold(struct lf_digest hashes[GROUP], struct lf_digest *root)
{
	for (size_t count = GROUP; count > 1; count /= 2)
		for (size_t i = 0; i < count / 2; i++)
			lf_node_hash(&hashes[2 * i], &hashes[2 * i + 1], &hashes[i]);
	*root = hashes[0];
}

/* A stored hash. *there false: it is missing, which was reported. */
static enum lf_code read_hashes(struct lf_verify *verify, unsigned level, uint64_t index, size_t count,
	struct lf_digest *hashes, bool *there, struct lf_error *error)
{
	struct lf_error inner = LF_ERROR_INIT;
	enum lf_code code = lf_log_hashes(verify->log, level, index, count, hashes, &inner);

	*there = code == LF_OK;
	if (code == LF_DATA_LOSS) {
		report(verify, index << level, NULL, "%s: it was deleted", inner.message);
		code = LF_OK;
	} else if (code != LF_OK) {
		lf_error_move(error, &inner);
	}
	lf_error_clean_up(&inner);
	return code;
}

/* Compares a node with what follows from below. */
static enum lf_code check_node(struct lf_verify *verify, unsigned level, uint64_t index,
	const struct lf_digest *computed, struct lf_error *error)
{
	struct lf_digest stored;
	bool there;

	if (read_hashes(verify, level, index, 1, &stored, &there, error) != LF_OK)
		return error->code;
	if (there && !lf_digest_equal(&stored, computed))
		report(verify, index << level, NULL,
			"the node over leaves %" PRIu64 " to %" PRIu64
			" does not follow from %s: one of them was altered together with its "
			"hash, put in, taken out or moved, or the node was altered",
			index << level, ((index + 1) << level) - 1,
			level == LF_TREE_STEP ? "them" : "the nodes below it");
	return LF_OK;
}

/*
 * The nodes that the leaf before end completes; end is a multiple of 256. leaves: the last 256 hashes, which are used
 * up; NULL: not all are there.
 */
static enum lf_code check_nodes(
	struct lf_verify *verify, uint64_t end, struct lf_digest *leaves, struct lf_error *error)
{
	struct lf_digest hashes[GROUP], computed;
	bool there = leaves != NULL;

	if (there) {
		fold(leaves, &computed);
		if (check_node(verify, LF_TREE_STEP, (end >> LF_TREE_STEP) - 1, &computed, error) != LF_OK)
			return error->code;
	}
	for (unsigned level = 2 * LF_TREE_STEP;
		level <= LF_TREE_LEVELS_MAX && (end & (((uint64_t)1 << level) - 1)) == 0; level += LF_TREE_STEP) {
		const uint64_t index = (end >> level) - 1;

		if (read_hashes(verify, level - LF_TREE_STEP, index * GROUP, GROUP, hashes, &there, error) != LF_OK)
			return error->code;
		if (!there)
			continue;
		fold(hashes, &computed);
		if (check_node(verify, level, index, &computed, error) != LF_OK)
			return error->code;
	}
	return LF_OK;
}

/* ---- slices ---- */

/*
 * Some of a group's leaves, as many as are read at once: from at on, before end. First all of them, so that each is
 * explained with what the others prove. hashes: of the group.
 */
static enum lf_code check_some(struct lf_verify *verify, uint64_t *at, uint64_t end, uint64_t first,
	struct lf_digest hashes[GROUP], struct lf_error *error)
{
	if (lf_rows_read(&verify->rows, verify->log, *at, (size_t)(end - *at), error) != LF_OK)
		return error->code;
	if (verify->rows.count == 0)
		return lf_error_set(error, LF_OUT_OF_RANGE, "the log has fewer than %" PRIu64 " records", end);
	for (size_t i = 0; i < verify->rows.count; i++) {
		const struct lf_audit_row *row = &verify->rows.rows[i];

		if (row->position != *at + i)
			return lf_error_set(
				error, LF_INTERNAL, "leaf %" PRIu64 " was read for %" PRIu64, row->position, *at + i);
		if (work_out(verify, row, &verify->states[row->position % GROUP], error) != LF_OK)
			return error->code;
		hashes[row->position % GROUP] = row->hash;
	}
	for (size_t i = 0; i < verify->rows.count; i++)
		if (check_row(verify, &verify->rows.rows[i], first, error) != LF_OK)
			return error->code;
	*at += verify->rows.count;
	return LF_OK;
}

/* The leaves from begin on, 256 or as many as there are before size. */
static enum lf_code check_group(
	struct lf_verify *verify, uint64_t begin, uint64_t size, uint64_t first, struct lf_error *error)
{
	const size_t count = size - begin < GROUP ? (size_t)(size - begin) : GROUP;
	static const struct lf_digest none;
	struct lf_digest leaves[GROUP];
	bool whole = count == GROUP;

	for (uint64_t at = begin; at < begin + count;)
		if (check_some(verify, &at, begin + count, first, leaves, error) != LF_OK)
			return error->code;
	for (size_t i = 0; i < count; i++)
		whole = whole && !lf_digest_equal(&leaves[i], &none);
	return count == GROUP ? check_nodes(verify, begin + count, whole ? leaves : NULL, error) : LF_OK;
}

enum lf_code lf_verify_slice(struct lf_verify *verify, uint64_t first, uint64_t size, unsigned ms_max,
	lf_verify_finding_fn finding, void *context, uint64_t *next, struct lf_error *error)
{
	struct lf_error inner = LF_ERROR_INIT;
	const uint64_t start_ms = lf_clock_ms();
	uint64_t at = first;
	enum lf_code code = LF_OK;

	LF_CHECK(V1, first % LF_VERIFY_ALIGN == 0);
	verify->finding = finding;
	verify->context = context;
	if (verify->before.position != first)
		code = look_back(verify, first, &inner);
	while (code == LF_OK && at < size) {
		code = check_group(verify, at, size, first, &inner);
		at = size - at < GROUP ? size : at + GROUP;
		if (lf_clock_ms() - start_ms >= ms_max)
			break;
	}
	verify->totals.bytes += verify->tools.payloads.bytes;
	verify->tools.payloads.bytes = 0;
	if (code == LF_OK)
		*next = at < size ? at : 0;
	else
		lf_error_move(error, &inner);
	return code;
}

/* ---- the root ---- */

struct root_reader {
	struct lf_verify *verify;
	struct lf_error *error;
};

static bool read_for_root(void *context, unsigned level, uint64_t first, size_t count, struct lf_digest *hashes)
{
	struct root_reader *reader = context;
	bool there;

	return read_hashes(reader->verify, level, first, count, hashes, &there, reader->error) == LF_OK && there;
}

enum lf_code lf_verify_root(struct lf_verify *verify, uint64_t size, const struct lf_tree_head *head,
	lf_verify_finding_fn finding, void *context, struct lf_digest *root, bool *known, struct lf_error *error)
{
	struct lf_error inner = LF_ERROR_INIT;
	struct root_reader reader = {verify, &inner};
	struct lf_tree tree;
	enum lf_code code;

	verify->finding = finding;
	verify->context = context;
	*known = lf_tree_load(&tree, size, read_for_root, &reader);
	if (*known) {
		lf_tree_root(&tree, root);
		if (head != NULL && head->size == size && !lf_digest_equal(root, &head->root))
			report(verify, size, NULL,
				"the head does not follow from the nodes and leaves of its %" PRIu64
				" records: it was altered, or they were",
				size);
	}
	code = inner.code;
	if (code != LF_OK)
		lf_error_move(error, &inner);
	return code;
}
