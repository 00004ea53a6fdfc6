#include "storage/tlog/leaf.h"

#include <assert.h>
#include <string.h>

#include "proto/base/check.h"

enum { VERSION = 1 };

static_assert(sizeof(struct lf_digest) == 32 && _Alignof(struct lf_digest) == 1, "commitments are read where they lie");

static void put_big_endian(uint8_t *out, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		out[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
}

static uint64_t get_big_endian(const uint8_t *in, size_t bytes)
{
	uint64_t value = 0;

	for (size_t i = 0; i < bytes; i++)
		value = value << 8 | in[i];
	return value;
}

void lf_commit(const struct lf_salt *salt, const void *data, size_t length, struct lf_digest *commitment)
{
	lf_sha256_two(salt, sizeof(*salt), data, length, commitment);
}

size_t lf_leaf_size(const struct lf_leaf *leaf)
{
	return LF_LEAF_HEADER_BYTES + leaf->commitment_count * sizeof(*leaf->commitments);
}

static void write_header(const struct lf_leaf *leaf, uint8_t out[LF_LEAF_HEADER_BYTES])
{
	LF_CHECK(T1, leaf->commitment_count <= UINT32_MAX);
	out[0] = VERSION;
	out[1] = (uint8_t)leaf->kind;
	put_big_endian(out + 2, leaf->number, 8);
	put_big_endian(out + 10, (uint64_t)leaf->time_us, 8);
	put_big_endian(out + 18, leaf->commitment_count, 4);
}

void lf_leaf_write(const struct lf_leaf *leaf, uint8_t *out)
{
	write_header(leaf, out);
	if (leaf->commitment_count > 0)
		memcpy(out + LF_LEAF_HEADER_BYTES, leaf->commitments,
			leaf->commitment_count * sizeof(*leaf->commitments));
}

bool lf_leaf_read(const uint8_t *data, size_t length, struct lf_leaf *leaf)
{
	if (length < LF_LEAF_HEADER_BYTES || data[0] != VERSION || data[1] < 1 || data[1] > LF_LEAF_KIND_MAX)
		return false;
	leaf->kind = (enum lf_leaf_kind)data[1];
	leaf->number = get_big_endian(data + 2, 8);
	leaf->time_us = (int64_t)get_big_endian(data + 10, 8);
	leaf->commitment_count = get_big_endian(data + 18, 4);
	leaf->commitments = (const struct lf_digest *)(const void *)(data + LF_LEAF_HEADER_BYTES);
	return (length - LF_LEAF_HEADER_BYTES) % sizeof(*leaf->commitments) == 0 &&
		(length - LF_LEAF_HEADER_BYTES) / sizeof(*leaf->commitments) == leaf->commitment_count;
}

void lf_leaf_digest(const struct lf_leaf *leaf, struct lf_digest *hash)
{
	uint8_t head[1 + LF_LEAF_HEADER_BYTES];

	head[0] = 0; /* the prefix of a leaf hash */
	write_header(leaf, head + 1);
	lf_sha256_two(head, sizeof(head), leaf->commitments, leaf->commitment_count * sizeof(*leaf->commitments), hash);
}

const char *lf_leaf_kind_name(enum lf_leaf_kind kind)
{
	static const char *const names[] = {"unknown", "decision", "rubric", "activation", "outcome", "erasure",
		"pruning", "migration", "default", "job", "access"};

	return (unsigned)kind <= LF_LEAF_KIND_MAX ? names[kind] : names[0];
}
