/* The head of the log, and the hashes of its tree: as statements, parameters and columns. */
#include <string.h>

#include "storage/postgres/store.h"

const struct lf_pg_statement lf_pg_select_head = {"head",
	"SELECT size, root, edge, sequence, id, time_us, redacted_to, activated_to, names, payloads, acts,"
	" (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, " LF_PG_TRUST " FROM (SELECT 1) one"
	" LEFT JOIN LATERAL (SELECT * FROM leadfit.head ORDER BY previous DESC LIMIT 1) h ON true"};
static const struct lf_pg_statement insert_head = {"add_head",
	"INSERT INTO leadfit.head(previous, size, root, edge, sequence, id, time_us, redacted_to, activated_to, names,"
	" payloads, acts) VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"};
static const struct lf_pg_statement insert_nodes = {"add_nodes",
	"INSERT INTO leadfit.node(level, place, hash) SELECT * FROM unnest($1::integer[], $2::bigint[], $3::bytea[])"};
static const struct lf_pg_statement select_leaves = {
	"leaves", "SELECT position, hash FROM leadfit.leaf WHERE position >= $1 AND position < $2 ORDER BY position"};
static const struct lf_pg_statement select_nodes = {
	"nodes", "SELECT place, hash FROM leadfit.node WHERE level = $3 AND place >= $1 AND place < $2 ORDER BY place"};

/* The roots of the whole subtrees, from the largest on. false where there are more or fewer. */
static bool read_edge(const uint8_t *edge, size_t length, struct lf_tree *tree)
{
	size_t at = 0;

	for (int k = 62; k >= 0; k--) {
		if ((tree->size >> k & 1) == 0)
			continue;
		if (at + sizeof(struct lf_digest) > length)
			return false;
		memcpy(&tree->subtree[k], edge + at, sizeof(struct lf_digest));
		at += sizeof(struct lf_digest);
	}
	return at == length;
}

static size_t write_edge(const struct lf_tree *tree, uint8_t edge[63 * sizeof(struct lf_digest)])
{
	size_t length = 0;

	for (int k = 62; k >= 0; k--) {
		if ((tree->size >> k & 1) == 0)
			continue;
		memcpy(edge + length, &tree->subtree[k], sizeof(struct lf_digest));
		length += sizeof(struct lf_digest);
	}
	return length;
}

enum lf_code lf_pg_read_head(const PGresult *result, struct lf_tail *tail, int64_t counters[3], struct lf_error *error)
{
	const uint8_t *edge;
	size_t length;
	int64_t size;

	memset(tail, 0, sizeof(*tail));
	if (counters != NULL)
		memset(counters, 0, 3 * sizeof(*counters));
	tail->now_us = lf_pg_int(result, 0, 11);
	if (PQgetisnull(result, 0, 0)) {
		lf_tree_root(&tail->tree, &tail->root);
		return LF_OK;
	}
	size = lf_pg_int(result, 0, 0);
	edge = lf_pg_bytes(result, 0, 2, &length);
	if (size < 0 || size >= INT64_C(1) << 62)
		return lf_error_set(error, LF_DATA_LOSS, "the head of the log has the size %lld", (long long)size);
	tail->tree.size = (uint64_t)size;
	if (!lf_pg_fixed(result, 0, 1, &tail->root, sizeof(tail->root)) ||
		!lf_pg_fixed(result, 0, 4, &tail->id, sizeof(tail->id)) || !read_edge(edge, length, &tail->tree))
		return lf_error_set(error, LF_DATA_LOSS, "the head of the log is malformed");
	tail->sequence = (uint64_t)lf_pg_int(result, 0, 3);
	tail->time_us = lf_pg_int(result, 0, 5);
	tail->redacted_to = (uint64_t)lf_pg_int(result, 0, 6);
	tail->activated_to = (uint64_t)lf_pg_int(result, 0, 7);
	for (int i = 0; i < 3 && counters != NULL; i++)
		counters[i] = lf_pg_int(result, 0, 8 + i);
	return LF_OK;
}

static bool send_nodes(struct lf_store *store, const struct lf_leaves *leaves)
{
	struct lf_pg_array *columns = store->columns;
	struct lf_pg_parameters parameters = {.count = 0};
	bool failed = false;

	if (leaves->node_count == 0)
		return true;
	lf_pg_array_empty(&columns[0], LF_PG_INT4);
	lf_pg_array_empty(&columns[1], LF_PG_INT8);
	lf_pg_array_empty(&columns[2], LF_PG_BYTEA);
	for (size_t i = 0; i < leaves->node_count; i++) {
		lf_pg_array_int(&columns[0], leaves->nodes[i].level);
		lf_pg_array_int(&columns[1], (int64_t)leaves->nodes[i].index);
		lf_pg_array_bytes(&columns[2], &leaves->nodes[i].hash, sizeof(leaves->nodes[i].hash));
	}
	for (size_t i = 0; i < 3; i++) {
		lf_pg_put_array(&parameters, &columns[i]);
		failed |= columns[i].failed;
	}
	if (!failed)
		lf_pg_send_counted(store, &insert_nodes, &parameters);
	return !failed;
}

bool lf_pg_send_head(struct lf_store *store, const struct lf_tail *tail, const struct lf_leaves *leaves)
{
	struct lf_pg_parameters parameters = {.count = 0};
	uint8_t edge[63 * sizeof(struct lf_digest)];

	if (!send_nodes(store, leaves))
		return false;
	lf_pg_put_int8(&parameters, (int64_t)leaves->size_before);
	lf_pg_put_int8(&parameters, (int64_t)tail->tree.size);
	lf_pg_put_bytes(&parameters, &tail->root, sizeof(tail->root));
	lf_pg_put_bytes(&parameters, edge, write_edge(&tail->tree, edge));
	lf_pg_put_int8(&parameters, (int64_t)tail->sequence);
	lf_pg_put_bytes(&parameters, &tail->id, sizeof(tail->id));
	lf_pg_put_int8(&parameters, tail->time_us);
	lf_pg_put_int8(&parameters, (int64_t)tail->redacted_to);
	lf_pg_put_int8(&parameters, (int64_t)tail->activated_to);
	lf_pg_put_int8(&parameters, store->names);
	lf_pg_put_int8(&parameters, store->payloads);
	lf_pg_put_int8(&parameters, store->acts);
	lf_pg_send_counted(store, &insert_head, &parameters);
	return true;
}

/* ---- hashes ---- */

const struct lf_pg_statement *lf_pg_hashes_statement(unsigned level)
{
	return level == 0 ? &select_leaves : &select_nodes;
}

void lf_pg_put_hashes(struct lf_pg_parameters *parameters, unsigned level, uint64_t first, size_t count)
{
	const uint64_t end = first > INT64_MAX - count ? INT64_MAX : first + count;

	lf_pg_put_int8(parameters, first > INT64_MAX ? INT64_MAX : (int64_t)first);
	lf_pg_put_int8(parameters, (int64_t)end);
	if (level != 0)
		lf_pg_put_int4(parameters, (int32_t)level);
}

enum lf_code lf_pg_read_hashes(
	const PGresult *result, uint64_t first, size_t count, struct lf_digest *hashes, struct lf_error *error)
{
	bool whole = PQntuples(result) == (int)count;

	for (size_t i = 0; i < count && whole; i++)
		whole = lf_pg_int(result, (int)i, 0) == (int64_t)(first + i) &&
			lf_pg_fixed(result, (int)i, 1, &hashes[i], sizeof(hashes[i]));
	return whole ? LF_OK : lf_error_set(error, LF_DATA_LOSS, "a hash of the tree is missing");
}
