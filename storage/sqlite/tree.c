/*
 * The Merkle tree in the file: a row a leaf, a row a whole subtree of 256 (65,536, ...) leaves, and the head; and what is
 * newest beside.
 *
 * Leaves are only known to their transaction until it commits, and nothing in it reads them; so they wait, and are
 * written by one statement. Nodes and head are written once a commit.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/base/check.h"
#include "storage/sqlite/private.h"

/* ---- writing ---- */

int lf_sqlite_write_leaves(struct lf_store *store)
{
	const int result = store->leaf_count == 0 ? SQLITE_OK : lf_sqlite_run(store->statements[W_LEAVES_ADD]);

	store->leaf_count = 0;
	return result;
}

int lf_sqlite_add_leaf(struct lf_store *store, enum lf_leaf_kind kind, int64_t record,
	const struct lf_leaf_place *place, const struct lf_salt *salt)
{
	struct lf_leaf_row *row;

	LF_CHECK(S3, store->leaf_count < LF_BATCH_MAX);
	LF_CHECK(S1, store->transaction == LF_TRANSACTION_OPEN && store->decisions >= 0);
	row = &store->leaf_rows[store->leaf_count];
	if (kind == LF_LEAF_DECISION)
		store->decisions = record;
	row->place = *place;
	row->kind = kind;
	row->record = record;
	row->decisions = store->decisions;
	row->salted = salt != NULL;
	if (row->salted)
		row->salt = *salt;
	return ++store->leaf_count < LF_BATCH_MAX ? SQLITE_OK : lf_sqlite_write_leaves(store);
}

int lf_sqlite_write_nodes(struct lf_store *store, const struct lf_leaves *leaves)
{
	sqlite3_stmt *add = store->statements[W_NODE_ADD];
	int result = SQLITE_OK;

	for (size_t i = 0; i < leaves->node_count && result == SQLITE_OK; i++) {
		const struct lf_node *node = &leaves->nodes[i];

		sqlite3_bind_int(add, 1, (int)node->level);
		sqlite3_bind_int64(add, 2, (int64_t)node->index);
		lf_sqlite_bind_blob(add, 3, &node->hash, sizeof(node->hash));
		result = lf_sqlite_run(add);
	}
	return result;
}

int lf_sqlite_write_head(struct lf_store *store, uint64_t size, const struct lf_digest *root)
{
	sqlite3_stmt *set = store->statements[W_HEAD_SET];
	int result;

	sqlite3_bind_int64(set, 1, (int64_t)size);
	lf_sqlite_bind_blob(set, 2, root, sizeof(*root));
	result = lf_sqlite_run(set);
	return result == SQLITE_OK && sqlite3_changes(store->db) != 1 ? SQLITE_CORRUPT : result;
}

/* ---- reading: alike for writer, readers and probe ---- */

/* SQLITE_ROW with *head; SQLITE_DONE where it is missing or malformed; or an error. */
static int read_head(sqlite3_stmt *statement, struct lf_tree_head *head)
{
	int result = sqlite3_step(statement);

	if (result == SQLITE_ROW) {
		const int64_t size = sqlite3_column_int64(statement, 0);

		head->size = (uint64_t)size;
		if (size < 0 || size >= INT64_MAX / 2 ||
			!lf_sqlite_column_fixed(statement, 1, &head->root, sizeof(head->root)))
			result = SQLITE_DONE;
	}
	sqlite3_reset(statement);
	return result;
}

/* SQLITE_OK; SQLITE_DONE with *missing, the index of the first that is not there; or an error. */
static int read_hashes(sqlite3_stmt *statement, unsigned level, uint64_t first, size_t count, struct lf_digest *hashes,
	uint64_t *missing)
{
	size_t read = 0;
	int result = SQLITE_DONE;

	*missing = first;
	if (first > INT64_MAX / 2)
		return SQLITE_DONE;
	sqlite3_bind_int64(statement, 1, level);
	sqlite3_bind_int64(statement, 2, (int64_t)first);
	sqlite3_bind_int64(statement, 3, (int64_t)(first + count));
	while (read < count && (result = sqlite3_step(statement)) == SQLITE_ROW) {
		if ((uint64_t)sqlite3_column_int64(statement, 0) != first + read ||
			!lf_sqlite_column_fixed(statement, 1, &hashes[read], sizeof(hashes[read]))) {
			result = SQLITE_DONE;
			break;
		}
		read++;
	}
	sqlite3_reset(statement);
	*missing = first + read;
	return read == count ? SQLITE_OK : result;
}

static enum lf_code say_missing(
	struct lf_error *error, enum lf_code code, const char *prefix, unsigned level, uint64_t index)
{
	return level == 0 ? lf_error_set(error, code, "%sleaf %llu is missing", prefix, (unsigned long long)index)
			  : lf_error_set(error, code, "%snode %llu of level %u of the tree is missing", prefix,
				    (unsigned long long)index, level);
}

enum lf_code lf_sqlite_tail_hashes(struct lf_store *store, unsigned level, uint64_t first, size_t count,
	struct lf_digest *hashes, struct lf_error *error)
{
	uint64_t missing;
	const int result =
		read_hashes(store->statements[level == 0 ? W_LEAVES : W_NODES], level, first, count, hashes, &missing);

	if (result == SQLITE_OK)
		return LF_OK;
	if (result != SQLITE_DONE)
		return lf_sqlite_write_error(store, error, result, "reading the tree");
	store->unknown = true;
	return say_missing(error, LF_DATA_LOSS, "", level, missing);
}

struct tail_reader {
	struct lf_store *store;
	struct lf_error *error;
};

static bool read_tail_hashes(void *context, unsigned level, uint64_t first, size_t count, struct lf_digest *hashes)
{
	const struct tail_reader *reader = context;

	return lf_sqlite_tail_hashes(reader->store, level, first, count, hashes, reader->error) == LF_OK;
}

static enum lf_code read_tail_tree(
	struct lf_store *store, struct lf_tree *tree, struct lf_digest *root, struct lf_error *error)
{
	struct tail_reader reader = {store, error};
	struct lf_tree_head head;
	const int result = read_head(store->statements[W_HEAD], &head);

	if (result == SQLITE_ROW) {
		*root = head.root;
		return lf_tree_load(tree, head.size, read_tail_hashes, &reader) || error->code != LF_OK
			? error->code
			: lf_error_set(error, LF_DATA_LOSS, "the tree of the log can't be read");
	}
	if (result != SQLITE_DONE)
		return lf_sqlite_write_error(store, error, result, "reading the head of the log");
	store->unknown = true;
	return lf_error_set(error, LF_DATA_LOSS, "the head of the log is missing or malformed");
}

enum lf_code lf_sqlite_tail(struct lf_store *store, struct lf_tail *tail, struct lf_error *error)
{
	sqlite3_stmt *statement = store->statements[W_TAIL];
	int result;
	enum lf_code code = LF_OK;

	memset(tail, 0, sizeof(*tail));
	if (read_tail_tree(store, &tail->tree, &tail->root, error) != LF_OK)
		return error->code;
	tail->redacted_to = tail->activated_to = tail->tree.size; /* where they end is not kept */
	while ((result = sqlite3_step(statement)) == SQLITE_ROW && code == LF_OK) {
		if (sqlite3_column_int64(statement, 2) > tail->time_us)
			tail->time_us = sqlite3_column_int64(statement, 2);
		if (sqlite3_column_int(statement, 3) != 0)
			continue;
		tail->sequence = (uint64_t)sqlite3_column_int64(statement, 0);
		if (!lf_sqlite_column_fixed(statement, 1, &tail->id, sizeof(tail->id)))
			code = lf_error_set(error, LF_DATA_LOSS, "the last decision has no id");
	}
	if (code == LF_OK && result != SQLITE_DONE)
		code = lf_sqlite_write_error(store, error, result, "reading the end of the log");
	sqlite3_reset(statement);
	return code;
}

enum lf_code lf_sqlite_head(struct lf_reader *reader, struct lf_tree_head *head, struct lf_error *error)
{
	const int result = read_head(reader->statements[R_HEAD], head);

	if (result == SQLITE_ROW)
		return LF_OK;
	return result == SQLITE_DONE ? lf_error_set(error, LF_DATA_LOSS, "the head of the log is missing or malformed")
				     : lf_sqlite_error(error, reader->db, result, "reading the head of the log");
}

enum lf_code lf_sqlite_hashes(struct lf_reader *reader, unsigned level, uint64_t first, size_t count,
	struct lf_digest *hashes, struct lf_error *error)
{
	uint64_t missing;
	const int result =
		read_hashes(reader->statements[level == 0 ? R_LEAVES : R_NODES], level, first, count, hashes, &missing);

	if (result == SQLITE_OK)
		return LF_OK;
	return result == SQLITE_DONE ? say_missing(error, LF_DATA_LOSS, "", level, missing)
				     : lf_sqlite_error(error, reader->db, result, "reading the tree");
}

/* ---- finding ---- */

/* The sequence of a decision's id. NOT_FOUND. */
static enum lf_code sequence_of(
	struct lf_reader *reader, const struct lf_uuid *decision, int64_t *sequence, struct lf_error *error)
{
	sqlite3_stmt *find = reader->statements[R_SEQUENCE];
	char text[LF_UUID_TEXT_BYTES];
	enum lf_code code = LF_OK;
	int result;

	lf_sqlite_bind_blob(find, 1, decision, sizeof(*decision));
	result = sqlite3_step(find);
	lf_uuid_print(decision, text);
	if (result == SQLITE_ROW)
		*sequence = sqlite3_column_int64(find, 0);
	else if (result == SQLITE_DONE)
		code = lf_error_set(error, LF_NOT_FOUND, "there is no decision %s", text);
	else
		code = lf_sqlite_error(error, reader->db, result, "looking a decision up");
	sqlite3_reset(find);
	return code;
}

/* A leaf's columns. false: it is not there, or *result is an error. */
static bool peek_leaf(struct lf_reader *reader, int64_t position, int64_t columns[3], int *result)
{
	sqlite3_stmt *peek = reader->statements[R_LEAF_PEEK];
	bool there;

	sqlite3_bind_int64(peek, 1, position);
	*result = sqlite3_step(peek);
	there = *result == SQLITE_ROW;
	for (int i = 0; i < 3 && there; i++)
		columns[i] = sqlite3_column_int64(peek, i);
	sqlite3_reset(peek);
	return there;
}

/* The first leaf whose decisions column reaches the sequence: the column rises with the position. */
enum lf_code lf_sqlite_find_leaf(
	struct lf_reader *reader, const struct lf_uuid *decision, uint64_t *position, struct lf_error *error)
{
	struct lf_tree_head head;
	int64_t sequence = 0, columns[3] = {0}; /* decisions, kind, record */
	int result = SQLITE_DONE;
	int64_t low, high;

	if (lf_sqlite_head(reader, &head, error) != LF_OK || sequence_of(reader, decision, &sequence, error) != LF_OK)
		return error->code;
	low = sequence - 1;
	high = (int64_t)head.size; /* every decision before it has a leaf before it */
	while (low < high) {
		const int64_t middle = low + (high - low) / 2;

		if (!peek_leaf(reader, middle, columns, &result))
			goto lost;
		if (columns[0] >= sequence)
			high = middle;
		else
			low = middle + 1;
	}
	if (!peek_leaf(reader, low, columns, &result) || columns[1] != LF_LEAF_DECISION || columns[2] != sequence)
		goto lost;
	*position = (uint64_t)low;
	return LF_OK;
lost:
	if (result != SQLITE_ROW && result != SQLITE_DONE)
		return lf_sqlite_error(error, reader->db, result, "looking a leaf up");
	return lf_error_set(error, LF_DATA_LOSS, "decision %lld has no leaf", (long long)sequence);
}

/* ---- probing ---- */

struct tree_probe {
	sqlite3 *db;
	sqlite3_stmt *leaves, *nodes;
	struct lf_error *error;
};

static bool probe_hashes(void *context, unsigned level, uint64_t first, size_t count, struct lf_digest *hashes)
{
	struct tree_probe *probe = context;
	uint64_t missing;
	const int result =
		read_hashes(level == 0 ? probe->leaves : probe->nodes, level, first, count, hashes, &missing);

	if (result == SQLITE_DONE)
		say_missing(probe->error, LF_FAILED_PRECONDITION, "it is damaged: ", level, missing);
	else if (result != SQLITE_OK)
		lf_sqlite_error(probe->error, probe->db, result, "looking into it");
	return result == SQLITE_OK;
}

enum lf_code lf_sqlite_probe_tree(sqlite3 *db, struct lf_error *error)
{
	static const char *const sql[] = {LF_SQLITE_HEAD, LF_SQLITE_LEAVES, LF_SQLITE_NODES};
	sqlite3_stmt *statements[3] = {NULL};
	struct lf_tree_head head;
	struct lf_digest root;
	struct lf_tree tree;
	int result = lf_sqlite_prepare(db, sql, statements, 3);
	struct tree_probe probe = {db, statements[1], statements[2], error};

	if (result == SQLITE_OK)
		result = read_head(statements[0], &head);
	if (result == SQLITE_DONE) {
		lf_error_set(
			error, LF_FAILED_PRECONDITION, "it is damaged: the head of the log is missing or malformed");
	} else if (result != SQLITE_ROW) {
		lf_sqlite_error(error, db, result, "looking into it");
	} else if (lf_tree_load(&tree, head.size, probe_hashes, &probe)) {
		lf_tree_root(&tree, &root);
		if (!lf_digest_equal(&root, &head.root))
			lf_error_set(error, LF_FAILED_PRECONDITION,
				"it is damaged: the head of the log does not follow from its leaves");
	}
	lf_sqlite_finalize(statements, 3);
	return error->code;
}
