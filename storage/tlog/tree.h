/*
 * The Merkle tree of RFC 6962, section 2.1, over any number of leaves: appending, its root, and both kinds of proof.
 *
 * Stored are the leaf hashes (level 0) and the roots of whole subtrees of 256, 65,536, ... leaves (levels 8, 16, ...: a
 * node of level L and index i covers the leaves [i * 2^L, (i + 1) * 2^L)). Everything else follows from them by at most
 * 255 hashes a level.
 */
#ifndef LF_TLOG_TREE_H
#define LF_TLOG_TREE_H

#include "storage/tlog/hash.h"

enum {
	LF_TREE_STEP = 8,          /* levels between those that are stored */
	LF_TREE_LEVELS_MAX = 56,   /* the highest level that is stored; a tree has fewer than 2^62 leaves */
	LF_PROOF_HASHES_MAX = 128, /* of a consistency proof; an inclusion proof has at most 63 */
};

/*
 * A tree that grows, by the roots of the whole subtrees at its right edge: subtree[k] has 2^k leaves where bit k of
 * size is set, and is undefined else. {0} is the empty tree. Plain data: a copy is a snapshot.
 */
struct lf_tree {
	uint64_t size; /* leaves */
	struct lf_digest subtree[63];
};

/* A node that became whole and is to be stored: level 8, 16, ... */
struct lf_node {
	unsigned level;
	uint64_t index;
	struct lf_digest hash;
};
/* What one leaf can complete: one node a stored level. */
enum { LF_TREE_NODES_MAX = LF_TREE_LEVELS_MAX / LF_TREE_STEP };

/* Appends a leaf hash at position size. Returns how many nodes it completed, in rising level. */
size_t lf_tree_add(struct lf_tree *tree, const struct lf_digest *leaf, struct lf_node nodes[LF_TREE_NODES_MAX]);
/* The root. Of the empty tree: SHA-256 of nothing. */
void lf_tree_root(const struct lf_tree *tree, struct lf_digest *root);

/*
 * Reads count stored hashes of a level (0, 8, 16, ...) from index first on. false: they can't be had, and the function
 * that called it returns false.
 */
typedef bool (*lf_tree_read_fn)(void *context, unsigned level, uint64_t first, size_t count, struct lf_digest *hashes);

/* The tree of the first size leaves. */
bool lf_tree_load(struct lf_tree *tree, uint64_t size, lf_tree_read_fn read, void *context);
/*
 * The inclusion proof of a leaf in the tree of the first size leaves (RFC 6962, 2.1.1, PATH): sibling hashes from the
 * leaf up. index < size < 2^62. Sets *count, 63 at the most. Reads at most 255 hashes a stored level, and as many again
 * for the right edge.
 */
bool lf_tree_prove_inclusion(uint64_t index, uint64_t size, lf_tree_read_fn read, void *context,
	struct lf_digest hashes[LF_PROOF_HASHES_MAX], size_t *count);
/*
 * The proof that the tree of the first from leaves is a prefix of that of the first to (RFC 6962, 2.1.2, PROOF). from
 * <= to < 2^62. Empty where from is 0 or to.
 */
bool lf_tree_prove_consistency(uint64_t from, uint64_t to, lf_tree_read_fn read, void *context,
	struct lf_digest hashes[LF_PROOF_HASHES_MAX], size_t *count);

/*
 * Whether the proof is right, and has no hash too many or too few (RFC 9162, 2.1.3.2 and 2.1.4.2). Any numbers may be
 * given, also nonsense. Of consistency from 0: from_root must be the empty tree's and the proof empty, which says
 * nothing about to_root.
 */
bool lf_tree_verify_inclusion(const struct lf_digest *leaf, uint64_t index, uint64_t size, const struct lf_digest *root,
	const struct lf_digest *hashes, size_t count);
bool lf_tree_verify_consistency(uint64_t from, const struct lf_digest *from_root, uint64_t to,
	const struct lf_digest *to_root, const struct lf_digest *hashes, size_t count);

#endif
