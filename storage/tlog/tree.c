#include "storage/tlog/tree.h"

#include <assert.h>

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

	assert(count <= sizeof hashes / sizeof hashes[0]);
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
