/*
 * The Merkle tree as RFC 6962, section 2.1, defines it: by recursion over a list of leaves. Slow, and easy to compare
 * with the text.
 */
#ifndef LF_TESTS_TLOG_NAIVE_H
#define LF_TESTS_TLOG_NAIVE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "storage/tlog/tree.h"

/* Leaf hashes. same: there is one, and every leaf has it, so that a tree can have 2^61 of them. */
struct naive {
	const struct lf_digest *leaves;
	bool same;
};

/* MTH(D[begin:begin + count]) */
struct lf_digest naive_root(const struct naive *naive, uint64_t begin, uint64_t count);

/*
 * A proof, and its shape: what each hash is for. 'L', 'R': it stands left or right of what is known; of consistency
 * 'B', 'N': in both trees, or the new one only, and 'O' first: a part of the old tree.
 */
struct naive_proof {
	struct lf_digest hashes[LF_PROOF_HASHES_MAX];
	char shape[LF_PROOF_HASHES_MAX + 1];
	size_t count;
};
/* PATH(index, D[0:size]) */
void naive_inclusion(const struct naive *naive, uint64_t index, uint64_t size, struct naive_proof *proof);
/* PROOF(from, D[0:to]), 0 < from <= to */
void naive_consistency(const struct naive *naive, uint64_t from, uint64_t to, struct naive_proof *proof);

/* LF_TEST_SEED, or one of the time; printed. */
uint64_t seed_choose(void);
/* Any number, and one below limit. */
uint64_t random_next(uint64_t *state);
uint64_t random_below(uint64_t *state, uint64_t limit);

#endif
