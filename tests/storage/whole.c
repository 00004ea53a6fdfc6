#include "tests/storage/whole.h"

#include "tests/storage/support.h"

void naive_root(const struct lf_digest *hashes, size_t count, struct lf_digest *root)
{
	struct {
		uint8_t prefix;
		struct lf_digest left, right;
	} node = {.prefix = 1};
	size_t half = 1;

	if (count == 0) {
		lf_sha256("", 0, root);
		return;
	}
	if (count == 1) {
		*root = hashes[0];
		return;
	}
	while (half * 2 < count)
		half *= 2;
	naive_root(hashes, half, &node.left);
	naive_root(hashes + half, count - half, &node.right);
	lf_sha256(&node, 65, root);
}

struct walk {
	struct lf_log *log;
	struct whole *whole;
	struct lf_digest *hashes;
	uint64_t size;
	int64_t time_us;
	uint64_t sequence;
};

static void put(uint8_t **out, uint64_t value, int bytes)
{
	while (bytes-- > 0)
		*(*out)++ = (uint8_t)(value >> (8 * bytes));
}

/* The commitment that the leaf must have of a payload. */
static void payload_commitment(struct walk *walk, const struct lf_audit_payload *payload, struct lf_digest *commitment)
{
	struct lf_payload_row *row = NULL;
	struct lf_digest digest;
	uint8_t *joined;

	assert_int_equal(lf_log_get_payload(walk->log, payload->id, &row, NULL), LF_OK);
	assert_int_equal(row->id, payload->id);
	lf_sha256(row->body.data, row->body.length, &digest);
	if (payload->redacted) {
		*commitment = payload->original;
	} else {
		assert_memory_equal(&digest, &row->digest, sizeof(digest));
		joined = malloc(32 + row->body.length);
		memcpy(joined, &row->salt, 32);
		memcpy(joined + 32, row->body.data, row->body.length);
		lf_sha256(joined, 32 + row->body.length, commitment);
		free(joined);
	}
	free(row);
}

static void check_leaf(void *context, const struct lf_audit_row *row)
{
	static const size_t payloads[LF_LEAF_KIND_MAX + 1] = {0, 3, 1};
	struct walk *walk = context;
	struct lf_digest hash;
	const size_t count = 1 + row->payload_count + 2 * row->pair_count;
	uint8_t *bytes = malloc(23 + 32 * count + 32 + row->record.length), *out = bytes,
		*joined = bytes + 23 + 32 * count;

	if (row->missing != NULL)
		fail_msg("leaf %llu: %s is missing", (unsigned long long)row->position, row->missing);
	assert_true(row->position < walk->size);
	assert_int_equal(row->position, walk->whole->size);
	assert_in_range(row->kind, 1, LF_LEAF_KIND_MAX);
	assert_int_equal(row->payload_count, payloads[row->kind]);
	assert_true(row->time_us >= walk->time_us);
	walk->time_us = row->time_us;
	put(&out, 0, 1); /* RFC 6962's prefix of a leaf */
	put(&out, 1, 1);
	put(&out, row->kind, 1);
	put(&out, row->number, 8);
	put(&out, (uint64_t)row->time_us, 8);
	put(&out, count, 4);
	memcpy(joined, &row->salt, 32);
	memcpy(joined + 32, row->record.data, row->record.length);
	lf_sha256(joined, 32 + row->record.length, (struct lf_digest *)(void *)out);
	if (row->redacted)
		memcpy(out, &row->original, 32);
	out += 32;
	for (size_t i = 0; i < row->payload_count; i++, out += 32)
		payload_commitment(walk, &row->payloads[i], (struct lf_digest *)(void *)out);
	if (row->pair_count > 0)
		memcpy(out, row->pairs, 64 * row->pair_count);
	lf_sha256(bytes, 23 + 32 * count, &hash);
	free(bytes);
	if (!lf_digest_equal(&hash, &row->hash))
		fail_msg("leaf %llu (%s) is not that of what is stored", (unsigned long long)row->position,
			lf_leaf_kind_name(row->kind));
	if (row->kind == LF_LEAF_DECISION) {
		uint64_t position = UINT64_MAX;

		assert_int_equal(row->number, ++walk->sequence);
		assert_int_equal(lf_log_find_leaf(walk->log, &row->decision, &position, NULL), LF_OK);
		assert_int_equal(position, row->position);
	} else {
		assert_int_equal(row->number, row->position);
	}
	walk->hashes[walk->whole->size++] = hash;
	walk->whole->kinds[row->kind]++;
}

void log_is_whole(struct lf_log *log, struct whole *whole)
{
	struct lf_tree_head head;
	struct lf_digest stored;
	struct walk walk = {.log = log, .whole = whole, .time_us = INT64_MIN};
	uint64_t next = 0;

	memset(whole, 0, sizeof(*whole));
	assert_int_equal(lf_log_head(log, &head, NULL), LF_OK);
	walk.size = head.size;
	walk.hashes = calloc(head.size + 1, sizeof(*walk.hashes));
	do
		assert_int_equal(lf_log_audit(log, next, 100, check_leaf, &walk, &next, NULL), LF_OK);
	while (next != 0);
	assert_int_equal(whole->size, head.size);
	naive_root(walk.hashes, head.size, &whole->root);
	assert_memory_equal(&whole->root, &head.root, sizeof(head.root));
	for (unsigned level = 0; level <= 8; level += 8)
		for (uint64_t i = 0; i < head.size >> level; i++) {
			struct lf_digest naive;

			naive_root(walk.hashes + (i << level), (size_t)1 << level, &naive);
			assert_int_equal(lf_log_hashes(log, level, i, 1, &stored, NULL), LF_OK);
			assert_memory_equal(&stored, &naive, sizeof(naive));
		}
	assert_int_equal(lf_log_hashes(log, 0, head.size, 1, &stored, NULL), LF_DATA_LOSS);
	free(walk.hashes);
}
