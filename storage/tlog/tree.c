#include "storage/tlog/tree.h"

#include "proto/base/check.h"

/* ---- growing ---- */

size_t lf_tree_add(struct lf_tree *tree, const struct lf_digest *leaf, struct lf_node nodes[LF_TREE_NODES_MAX])
{
	struct lf_digest hash = *leaf;
	size_t completed = 0;
	unsigned level = 0;

	/* As adding one to a binary number: each bit that is set carries. */
	for (; (tree->size >> level & 1) != 0; level++) {
		lf_node_hash(&tree->subtree[level], &hash, &hash);
		if ((level + 1) % LF_TREE_STEP == 0)
			nodes[completed++] = (struct lf_node){level + 1, tree->size >> (level + 1), hash};
	}
	tree->subtree[level] = hash;
	tree->size++;
	return completed;
}

void lf_tree_root(const struct lf_tree *tree, struct lf_digest *root)
{
	bool begun = false;

	if (tree->size == 0)
		lf_sha256(NULL, 0, root);
	for (unsigned level = 0; level < 63; level++) {
		if ((tree->size >> level & 1) == 0)
			continue;
		if (begun)
			lf_node_hash(&tree->subtree[level], root, root);
		else
			*root = tree->subtree[level];
		begun = true;
	}
}

/* ---- reading ---- */

/* The root of the whole subtree of 2^level leaves and this index, from the stored level at or below it. */
static bool read_subtree(unsigned level, uint64_t index, lf_tree_read_fn read, void *context, struct lf_digest *hash)
{
	const unsigned stored = level / LF_TREE_STEP * LF_TREE_STEP;
	size_t count = (size_t)1 << (level - stored);
	struct lf_digest hashes[1 << (LF_TREE_STEP - 1)];

	LF_CHECK(T2, count <= sizeof(hashes) / sizeof(hashes[0]));
	if (!read(context, stored, index << (level - stored), count, hashes))
		return false;
	for (; count > 1; count /= 2)
		for (size_t i = 0; i < count / 2; i++)
			lf_node_hash(&hashes[2 * i], &hashes[2 * i + 1], &hashes[i]);
	*hash = hashes[0];
	return true;
}

bool lf_tree_load(struct lf_tree *tree, uint64_t size, lf_tree_read_fn read, void *context)
{
	*tree = (struct lf_tree){.size = size};
	for (unsigned level = 0; level < 63; level++)
		if ((size >> level & 1) != 0 &&
			!read_subtree(level, (size >> level) - 1, read, context, &tree->subtree[level]))
			return false;
	return true;
}

/* ---- proving ---- */

/*
 * The root of count leaves from begin on, count <= 2^k and begin a multiple of 2^k: of the whole subtrees in it, widest
 * first, hashed together from the right. A node is stored once it is whole, so no part that is not whole is ever asked
 * for.
 */
static bool read_range(uint64_t begin, uint64_t count, lf_tree_read_fn read, void *context, struct lf_digest *root)
{
	struct lf_digest hash;
	bool begun = false;

	LF_CHECK(T2, count > 0);
	for (unsigned level = 0; level < 63; level++) {
		if ((count >> level & 1) == 0)
			continue;
		if (!read_subtree(level, (begin >> level) + (count >> level) - 1, read, context, &hash))
			return false;
		if (begun)
			lf_node_hash(&hash, root, root);
		else
			*root = hash;
		begun = true;
	}
	return true;
}

/*
 * Appends the siblings of a node, from its level up to the root's children. A node without a sibling moves up as it is.
 */
static bool read_siblings(unsigned level, uint64_t index, uint64_t size, lf_tree_read_fn read, void *context,
	struct lf_digest *hashes, size_t *count)
{
	for (; (size - 1) >> level > 0; level++, index >>= 1) {
		const uint64_t begin = (index ^ 1) << level;
		const uint64_t width = (uint64_t)1 << level;

		if (begin >= size)
			continue;
		LF_CHECK(T3, *count < LF_PROOF_HASHES_MAX);
		if (!read_range(begin, size - begin < width ? size - begin : width, read, context, &hashes[(*count)++]))
			return false;
	}
	return true;
}

bool lf_tree_prove_inclusion(uint64_t index, uint64_t size, lf_tree_read_fn read, void *context,
	struct lf_digest hashes[LF_PROOF_HASHES_MAX], size_t *count)
{
	LF_CHECK(T4, index < size && size >> 62 == 0);
	*count = 0;
	return read_siblings(0, index, size, read, context, hashes, count);
}

bool lf_tree_prove_consistency(uint64_t from, uint64_t to, lf_tree_read_fn read, void *context,
	struct lf_digest hashes[LF_PROOF_HASHES_MAX], size_t *count)
{
	unsigned level = 0;

	LF_CHECK(T4, from <= to && to >> 62 == 0);
	*count = 0;
	if (from == 0 || from == to)
		return true;
	/*
	 * The narrowest subtree at the right edge of the old tree. It stands in both trees; its siblings lead to both
	 * roots.
	 */
	while ((from >> level & 1) == 0)
		level++;
	/* Where it is the whole old tree, its root is that tree's, which the verifier has. */
	if (from >> level != 1 && !read_subtree(level, (from >> level) - 1, read, context, &hashes[(*count)++]))
		return false;
	return read_siblings(level, (from >> level) - 1, to, read, context, hashes, count);
}

/* ---- verifying ---- */

bool lf_tree_verify_inclusion(const struct lf_digest *leaf, uint64_t index, uint64_t size, const struct lf_digest *root,
	const struct lf_digest *hashes, size_t count)
{
	struct lf_digest hash = *leaf;
	uint64_t last = size - 1;

	if (index >= size)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (last == 0)
			return false;
		if ((index & 1) != 0 || index == last) {
			lf_node_hash(&hashes[i], &hash, &hash);
			for (; (index & 1) == 0; last >>= 1) /* levels at which it had no sibling */
				index >>= 1;
		} else {
			lf_node_hash(&hash, &hashes[i], &hash);
		}
		index >>= 1;
		last >>= 1;
	}
	return last == 0 && lf_digest_equal(&hash, root);
}

/* 0 < from < to. first: the narrowest subtree at the right edge of the old tree. */
static bool climb_to_both(const struct lf_digest *first, uint64_t from, const struct lf_digest *from_root, uint64_t to,
	const struct lf_digest *to_root, const struct lf_digest *hashes, size_t count)
{
	struct lf_digest old = *first, new = *first;
	uint64_t index = from - 1, last = to - 1;

	for (; (index & 1) != 0; last >>= 1)
		index >>= 1;
	for (size_t i = 0; i < count; i++) {
		if (last == 0)
			return false;
		if ((index & 1) != 0 || index == last) {
			lf_node_hash(&hashes[i], &old, &old);
			lf_node_hash(&hashes[i], &new, &new);
			for (; (index & 1) == 0; last >>= 1)
				index >>= 1;
		} else {
			lf_node_hash(&new, &hashes[i], &new);
		}
		index >>= 1;
		last >>= 1;
	}
	return last == 0 && lf_digest_equal(&old, from_root) && lf_digest_equal(&new, to_root);
}

bool lf_tree_verify_consistency(uint64_t from, const struct lf_digest *from_root, uint64_t to,
	const struct lf_digest *to_root, const struct lf_digest *hashes, size_t count)
{
	struct lf_digest empty;

	if (from > to)
		return false;
	if (from == to)
		return count == 0 && lf_digest_equal(from_root, to_root);
	if (from == 0) {
		lf_sha256(NULL, 0, &empty);
		return count == 0 && lf_digest_equal(from_root, &empty);
	}
	if ((from & (from - 1)) == 0) /* whole: the old root is where the path begins */
		return climb_to_both(from_root, from, from_root, to, to_root, hashes, count);
	return count > 0 && climb_to_both(&hashes[0], from, from_root, to, to_root, hashes + 1, count - 1);
}
