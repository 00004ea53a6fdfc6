#include "tests/tlog/naive.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The largest power of two below n, n > 1. */
static uint64_t half(uint64_t n)
{
	uint64_t k = 1;

	while (k < n - k)
		k *= 2;
	return k;
}

/* Of equal leaves there is one tree a level. */
static struct lf_digest whole(const struct lf_digest *leaf, uint64_t count)
{
	struct lf_digest root = *leaf;

	for (; count > 1; count /= 2)
		lf_node_hash(&root, &root, &root);
	return root;
}

struct lf_digest naive_root(const struct naive *naive, uint64_t begin, uint64_t count)
{
	struct lf_digest root;
	uint64_t k;
	struct lf_digest left, right;

	if (count == 0) {
		lf_sha256("", 0, &root);
		return root;
	}
	if (naive->same && (count & (count - 1)) == 0)
		return whole(naive->leaves, count);
	if (count == 1)
		return naive->leaves[begin];
	k = half(count);
	left = naive_root(naive, begin, k);
	right = naive_root(naive, begin + k, count - k);
	lf_node_hash(&left, &right, &root);
	return root;
}

static void add(struct naive_proof *proof, struct lf_digest hash, char kind)
{
	assert_true(proof->count < LF_PROOF_HASHES_MAX);
	proof->hashes[proof->count] = hash;
	proof->shape[proof->count++] = kind;
	proof->shape[proof->count] = '\0';
}

static void path(const struct naive *naive, uint64_t m, uint64_t begin, uint64_t n, struct naive_proof *proof)
{
	uint64_t k;

	if (n == 1)
		return;
	k = half(n);
	if (m < k) {
		path(naive, m, begin, k, proof);
		add(proof, naive_root(naive, begin + k, n - k), 'R');
	} else {
		path(naive, m - k, begin + k, n - k, proof);
		add(proof, naive_root(naive, begin, k), 'L');
	}
}

void naive_inclusion(const struct naive *naive, uint64_t index, uint64_t size, struct naive_proof *proof)
{
	proof->count = 0;
	proof->shape[0] = '\0';
	path(naive, index, 0, size, proof);
}

static void subproof(
	const struct naive *naive, uint64_t m, uint64_t begin, uint64_t n, bool known, struct naive_proof *proof)
{
	uint64_t k;

	if (m == n) {
		if (!known)
			add(proof, naive_root(naive, begin, n), 'O');
		return;
	}
	k = half(n);
	if (m <= k) {
		subproof(naive, m, begin, k, known, proof);
		add(proof, naive_root(naive, begin + k, n - k), 'N');
	} else {
		subproof(naive, m - k, begin + k, n - k, false, proof);
		add(proof, naive_root(naive, begin, k), 'B');
	}
}

void naive_consistency(const struct naive *naive, uint64_t from, uint64_t to, struct naive_proof *proof)
{
	proof->count = 0;
	proof->shape[0] = '\0';
	subproof(naive, from, 0, to, true, proof);
}

uint64_t seed_choose(void)
{
	const char *given = getenv("LF_TEST_SEED");
	const uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);

	print_message("LF_TEST_SEED=%" PRIu64 "\n", seed);
	return seed;
}

uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

uint64_t random_below(uint64_t *state, uint64_t limit)
{
	return random_next(state) % limit;
}
