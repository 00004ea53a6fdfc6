/*
 * Proofs from strangers. There is one way to write a proof: what is read prints as the same bytes. Checking it ends,
 * whatever its numbers, and what its extra data hold as a leaf is written again as the same bytes.
 */
#include <string.h>

#include "storage/tlog/leaf.h"
#include "storage/tlog/proof.h"
#include "tests/fuzz/fuzz.h"

static void check_leaf(const uint8_t *data, size_t length)
{
	struct lf_leaf leaf;
	struct lf_digest hash, expected;
	uint8_t *again;

	if (!lf_leaf_read(data, length, &leaf))
		return;
	REQUIRE(lf_leaf_size(&leaf) == length);
	again = malloc(length);
	REQUIRE(again != NULL);
	lf_leaf_write(&leaf, again);
	REQUIRE(memcmp(again, data, length) == 0);
	free(again);
	lf_leaf_digest(&leaf, &hash);
	lf_leaf_hash(data, length, &expected);
	REQUIRE(lf_digest_equal(&hash, &expected));
}

/* No leaf is known whose hash is the SHA-256 of nothing, so it can't be proved, unless it is the root. */
static void check_inclusion(const struct lf_proof *proof)
{
	struct lf_checkpoint checkpoint;
	struct lf_digest hash;

	if (!lf_checkpoint_parse(proof->checkpoint, proof->checkpoint_length, &checkpoint))
		return;
	lf_sha256(NULL, 0, &hash);
	REQUIRE(!lf_tree_verify_inclusion(
			&hash, proof->index, checkpoint.size, &checkpoint.root, proof->hashes, proof->hash_count) ||
		(proof->hash_count == 0 && lf_digest_equal(&hash, &checkpoint.root)));
	(void)lf_tree_verify_consistency(
		proof->index, &hash, checkpoint.size, &checkpoint.root, proof->hashes, proof->hash_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lf_proof proof;
	uint8_t *extra;
	char *text = malloc(size + 1);

	REQUIRE(text != NULL);
	memcpy(text, data, size);
	if (lf_proof_parse(text, size, &proof, &extra)) {
		char *again = lf_proof_print(&proof);

		REQUIRE(again != NULL);
		REQUIRE(memcmp(again, text, size) == 0 && again[size] == '\0');
		REQUIRE(proof.checkpoint + proof.checkpoint_length == text + size);
		REQUIRE((proof.extra == NULL) == (proof.extra_length == 0));
		if (proof.extra != NULL)
			check_leaf(proof.extra, proof.extra_length);
		check_inclusion(&proof);
		free(again);
		free(extra);
	} else {
		REQUIRE(extra == NULL && proof.extra == NULL);
	}
	free(text);
	return 0;
}
