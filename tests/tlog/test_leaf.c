/* A leaf's bytes: they are fixed for ever, as every hash in the tree is made of them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "storage/tlog/leaf.h"

static struct lf_digest commitments[2] = {{{0xaa, 0xbb}}, {{0xcc}}};

static const uint8_t golden[LF_LEAF_HEADER_BYTES + 64] = {1, 5, 1, 2, 3, 4, 5, 6, 7, 8, 0, 6, 0x50, 0xc3, 0x17, 0x74,
	0x1a, 0xc0, 0, 0, 0, 2, 0xaa, 0xbb, [LF_LEAF_HEADER_BYTES + 32] = 0xcc};

static struct lf_leaf leaf_make(void)
{
	return (struct lf_leaf){LF_LEAF_ERASURE, 0x0102030405060708, 0x000650c317741ac0, commitments, 2};
}

static void a_leaf_has_these_bytes_and_this_hash(void **state)
{
	const struct lf_leaf leaf = leaf_make();
	uint8_t bytes[sizeof(golden)];
	struct lf_digest hash, expected;

	(void)state;

	assert_int_equal(lf_leaf_size(&leaf), sizeof(golden));
	lf_leaf_write(&leaf, bytes);
	assert_memory_equal(bytes, golden, sizeof(golden));
	lf_leaf_digest(&leaf, &hash);
	lf_leaf_hash(golden, sizeof(golden), &expected);
	assert_true(lf_digest_equal(&hash, &expected));
}

static void a_leaf_comes_back(void **state)
{
	struct lf_leaf leaf, alone = {LF_LEAF_DECISION, UINT64_MAX, -1, NULL, 0}, back;
	uint8_t bytes[LF_LEAF_HEADER_BYTES];

	(void)state;

	assert_true(lf_leaf_read(golden, sizeof(golden), &leaf));
	assert_int_equal(leaf.kind, LF_LEAF_ERASURE);
	assert_true(leaf.number == 0x0102030405060708 && leaf.time_us == 0x000650c317741ac0);
	assert_int_equal(leaf.commitment_count, 2);
	assert_memory_equal(leaf.commitments, commitments, sizeof(commitments));
	lf_leaf_write(&alone, bytes);
	assert_true(lf_leaf_read(bytes, sizeof(bytes), &back));
	assert_true(back.number == UINT64_MAX && back.time_us == -1 && back.commitment_count == 0);
}

static void what_is_no_leaf_is_refused(void **state)
{
	uint8_t bytes[sizeof(golden) + 32] = {0};
	struct lf_leaf leaf;

	(void)state;

	for (size_t length = 0; length < sizeof(golden);
		length++) { /* in a block of that length: nothing beyond it is read */
		uint8_t *cut = malloc(length + 1);

		assert_non_null(cut);
		memcpy(cut, golden, length);
		assert_false(lf_leaf_read(cut, length, &leaf));
		free(cut);
	}
	memcpy(bytes, golden, sizeof(golden));
	assert_false(lf_leaf_read(bytes, sizeof(golden) + 1, &leaf));
	assert_false(lf_leaf_read(bytes, sizeof(golden) + 32, &leaf));
	for (int kind = 0; kind < 256; kind++) {
		bytes[1] = (uint8_t)kind;
		assert_int_equal(lf_leaf_read(bytes, sizeof(golden), &leaf), kind >= 1 && kind <= LF_LEAF_KIND_MAX);
	}
	bytes[1] = 1;
	bytes[0] = 2; /* a version that is not known */
	assert_false(lf_leaf_read(bytes, sizeof(golden), &leaf));
	bytes[0] = 1;
	bytes[18] = 0xff; /* more commitments than there are */
	assert_false(lf_leaf_read(bytes, sizeof(golden), &leaf));
}

static void a_commitment_is_of_salt_and_bytes(void **state)
{
	struct lf_salt salt, other;
	struct lf_digest commitment, expected;
	uint8_t both[32 + 3];

	(void)state;

	memset(&salt, 7, sizeof(salt));
	memset(&other, 8, sizeof(other));
	memset(both, 7, sizeof(salt));
	memcpy(both + 32, "abc", 3);
	lf_sha256(both, sizeof(both), &expected);
	lf_commit(&salt, "abc", 3, &commitment);
	assert_true(lf_digest_equal(&commitment, &expected));
	lf_commit(&other, "abc", 3, &commitment);
	assert_false(lf_digest_equal(&commitment, &expected));
}

static void kinds_have_names(void **state)
{
	(void)state;
	assert_string_equal(lf_leaf_kind_name(LF_LEAF_DECISION), "decision");
	assert_string_equal(lf_leaf_kind_name(LF_LEAF_MIGRATION), "migration");
	assert_string_equal(lf_leaf_kind_name(LF_LEAF_JOB), "job");
	assert_string_equal(lf_leaf_kind_name(LF_LEAF_ACCESS), "access");
	assert_string_equal(lf_leaf_kind_name((enum lf_leaf_kind)99), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_leaf_has_these_bytes_and_this_hash),
		cmocka_unit_test(a_leaf_comes_back),
		cmocka_unit_test(what_is_no_leaf_is_refused),
		cmocka_unit_test(a_commitment_is_of_salt_and_bytes),
		cmocka_unit_test(kinds_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
