/*
 * The tree: RFC 6962's definition, Certificate Transparency's published numbers, and everything that is not quite a
 * proof.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/tlog/naive.h"

/* ---- a store as a log keeps it: leaves, and nodes of levels 8, 16, ... once they are whole ---- */

enum { LEAVES_MAX = 140000, LEVELS = 3 };

struct store {
	struct lf_tree tree;
	struct lf_digest *levels[LEVELS];
	uint64_t counts[LEVELS];
	uint64_t reads_left; /* the next reads that succeed */
};

static void store_make(struct store *store)
{
	*store = (struct store){.reads_left = UINT64_MAX};
	for (size_t i = 0; i < LEVELS; i++) {
		store->levels[i] = calloc(((size_t)LEAVES_MAX >> (8 * i)) + 1, sizeof(struct lf_digest));
		assert_non_null(store->levels[i]);
	}
}

static void store_clean_up(struct store *store)
{
	for (size_t i = 0; i < LEVELS; i++)
		free(store->levels[i]);
}

static void store_add(struct store *store, struct lf_digest leaf)
{
	struct lf_node nodes[LF_TREE_NODES_MAX];
	size_t count;

	store->levels[0][store->counts[0]++] = leaf;
	count = lf_tree_add(&store->tree, &leaf, nodes);
	for (size_t i = 0; i < count; i++) {
		const unsigned level = nodes[i].level / LF_TREE_STEP;

		assert_int_equal(nodes[i].level, (i + 1) * LF_TREE_STEP);
		assert_true(level < LEVELS);
		assert_int_equal(nodes[i].index, store->counts[level]); /* none is left out */
		store->levels[level][store->counts[level]++] = nodes[i].hash;
	}
}

static void store_fill(struct store *store, uint64_t size)
{
	while (store->tree.size < size) {
		struct lf_digest leaf;

		lf_leaf_hash(&store->tree.size, sizeof(store->tree.size), &leaf);
		store_add(store, leaf);
	}
}

static bool store_read(void *context, unsigned level, uint64_t first, size_t count, struct lf_digest *hashes)
{
	struct store *store = context;

	assert_int_equal(level % LF_TREE_STEP, 0);
	assert_true(level / LF_TREE_STEP < LEVELS);
	assert_in_range(count, 1, 128);
	assert_true(first + count <= store->counts[level / LF_TREE_STEP]);
	if (store->reads_left == 0)
		return false;
	store->reads_left--;
	memcpy(hashes, store->levels[level / LF_TREE_STEP] + first, count * sizeof(*hashes));
	return true;
}

static struct naive naive_of(const struct store *store)
{
	return (struct naive){store->levels[0], false};
}

/* ---- published numbers: the eight leaves of Certificate Transparency's own tests ---- */

static const struct {
	const char *bytes;
	size_t length;
} published_leaves[8] = {
	{"", 0},
	{"\x00", 1},
	{"\x10", 1},
	{"\x20\x21", 2},
	{"\x30\x31", 2},
	{"\x40\x41\x42\x43", 4},
	{"\x50\x51\x52\x53\x54\x55\x56\x57", 8},
	{"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16},
};

static const char *const published_roots[9] = {
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
	"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
	"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
	"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
	"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
	"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
	"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
	"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};

/* from is the index of an inclusion proof. */
struct published {
	uint64_t from, to;
	size_t count;
	const char *hashes[3];
};

#define LEAF_1 "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
#define LEAF_4 "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
#define LEAVES_2_3 "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
#define LEAVES_4_5 "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
#define LEAVES_6_7 "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
#define LEAVES_0_3 "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
#define LEAVES_4_7 "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"

static const struct published published_inclusion[] = {
	{0, 1, 0, {NULL}},
	{0, 8, 3, {LEAF_1, LEAVES_2_3, LEAVES_4_7}},
	{5, 8, 3, {LEAF_4, LEAVES_6_7, LEAVES_0_3}},
	{2, 3, 1, {"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"}},
	{1, 5, 3, {"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d", LEAVES_2_3, LEAF_4}},
};
static const struct published published_consistency[] = {
	{1, 1, 0, {NULL}},
	{1, 8, 3, {LEAF_1, LEAVES_2_3, LEAVES_4_7}},
	{6, 8, 3, {LEAVES_4_5, LEAVES_6_7, LEAVES_0_3}},
	{2, 5, 2, {LEAVES_2_3, LEAF_4}},
};
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void assert_digest(const struct lf_digest *digest, const char *expected)
{
	char text[65];

	lf_digest_print(digest, text);
	assert_string_equal(text, expected);
}

static void published_roots_and_proofs_come_out(void **state)
{
	struct store store;
	struct lf_digest roots[9], hashes[LF_PROOF_HASHES_MAX];
	size_t count;

	(void)state;

	store_make(&store);
	for (size_t i = 0; i <= 8; i++) {
		lf_tree_root(&store.tree, &roots[i]);
		assert_digest(&roots[i], published_roots[i]);
		if (i < 8) {
			struct lf_digest leaf;

			lf_leaf_hash(published_leaves[i].bytes, published_leaves[i].length, &leaf);
			store_add(&store, leaf);
		}
	}
	for (size_t i = 0; i < COUNT(published_inclusion); i++) {
		const struct published *p = &published_inclusion[i];

		assert_true(lf_tree_prove_inclusion(p->from, p->to, store_read, &store, hashes, &count));
		assert_int_equal(count, p->count);
		for (size_t k = 0; k < count; k++)
			assert_digest(&hashes[k], p->hashes[k]);
		assert_true(lf_tree_verify_inclusion(
			&store.levels[0][p->from], p->from, p->to, &roots[p->to], hashes, count));
	}
	for (size_t i = 0; i < COUNT(published_consistency); i++) {
		const struct published *p = &published_consistency[i];

		assert_true(lf_tree_prove_consistency(p->from, p->to, store_read, &store, hashes, &count));
		assert_int_equal(count, p->count);
		for (size_t k = 0; k < count; k++)
			assert_digest(&hashes[k], p->hashes[k]);
		assert_true(lf_tree_verify_consistency(p->from, &roots[p->from], p->to, &roots[p->to], hashes, count));
	}
	store_clean_up(&store);
}

/* ---- what is no proof ---- */

static void flip(struct lf_digest *digest, size_t bit)
{
	digest->bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
}

struct inclusion {
	struct lf_digest leaf, root, hashes[LF_PROOF_HASHES_MAX];
	uint64_t index, size;
	size_t count;
};

static bool inclusion_holds(const struct inclusion *p)
{
	return lf_tree_verify_inclusion(&p->leaf, p->index, p->size, &p->root, p->hashes, p->count);
}

/* Every step-th bit of every hash, one hash too few and too many. */
static void check_inclusion_hashes(struct inclusion *p, size_t step)
{
	for (size_t bit = 0; bit < 256; bit += step) {
		for (size_t i = 0; i < p->count + 2; i++) {
			struct lf_digest *hash = i == p->count ? &p->leaf : i > p->count ? &p->root : &p->hashes[i];

			flip(hash, bit);
			assert_false(inclusion_holds(p));
			flip(hash, bit);
		}
	}
	if (p->count > 0) {
		p->count--;
		assert_false(inclusion_holds(p));
		p->count++;
	}
	p->hashes[p->count] = p->leaf;
	p->count++;
	assert_false(inclusion_holds(p));
	p->count--;
	assert_true(inclusion_holds(p));
}

/*
 * Every bit of index and size. A proof says nothing about the size but for its shape, which some sizes share: who
 * trusts a root trusts its size with it, as a checkpoint's signature covers both.
 */
static void check_inclusion_numbers(struct inclusion *p, const struct naive *naive, const char *shape)
{
	static struct naive_proof other;
	const uint64_t index = p->index, size = p->size;

	for (unsigned bit = 0; bit < 64; bit++) {
		p->index = index ^ (uint64_t)1 << bit;
		assert_false(inclusion_holds(p));
		p->index = index;
		p->size = size ^ (uint64_t)1 << bit;
		if (p->index < p->size && p->size <= 2 * size) {
			const struct naive same = {naive->leaves, true}; /* only the shape matters */

			naive_inclusion(&same, p->index, p->size, &other);
			assert_int_equal(inclusion_holds(p), strcmp(other.shape, shape) == 0);
		} else {
			assert_false(inclusion_holds(p));
		}
		p->size = size;
	}
}

struct consistency {
	struct lf_digest from_root, to_root, hashes[LF_PROOF_HASHES_MAX];
	uint64_t from, to;
	size_t count;
};

static bool consistency_holds(const struct consistency *p)
{
	return lf_tree_verify_consistency(p->from, &p->from_root, p->to, &p->to_root, p->hashes, p->count);
}

static void check_consistency_hashes(struct consistency *p, size_t step)
{
	for (size_t bit = 0; bit < 256; bit += step) {
		for (size_t i = 0; i < p->count + 2; i++) {
			struct lf_digest *hash = i == p->count ? &p->from_root
				: i > p->count                 ? &p->to_root
							       : &p->hashes[i];

			flip(hash, bit);
			assert_false(consistency_holds(p));
			flip(hash, bit);
		}
	}
	if (p->count > 0) {
		p->count--;
		assert_false(consistency_holds(p));
		p->count++;
	}
	p->hashes[p->count] = p->from_root;
	p->count++;
	assert_false(consistency_holds(p));
	p->count--;
	assert_true(consistency_holds(p));
}

static void check_consistency_numbers(struct consistency *p, const struct naive *naive, const char *shape)
{
	static struct naive_proof other;
	const uint64_t numbers[2] = {p->from, p->to};

	for (unsigned bit = 0; bit < 128; bit++) {
		*(bit < 64 ? &p->from : &p->to) ^= (uint64_t)1 << bit % 64;
		if (p->from > 0 && p->from < p->to && p->to <= 2 * numbers[1]) {
			const struct naive same = {naive->leaves, true};

			naive_consistency(&same, p->from, p->to, &other);
			assert_int_equal(consistency_holds(p), strcmp(other.shape, shape) == 0);
		} else {
			assert_false(consistency_holds(p));
		}
		p->from = numbers[0];
		p->to = numbers[1];
	}
}

/* ---- against the definition ---- */

static void check_inclusion(
	struct store *store, uint64_t index, uint64_t size, const struct lf_digest *root, size_t step)
{
	const struct naive naive = naive_of(store);
	static struct naive_proof expected;
	struct inclusion p = {.leaf = store->levels[0][index], .root = *root, .index = index, .size = size};

	naive_inclusion(&naive, index, size, &expected);
	assert_true(lf_tree_prove_inclusion(index, size, store_read, store, p.hashes, &p.count));
	assert_int_equal(p.count, expected.count);
	assert_memory_equal(p.hashes, expected.hashes, p.count * sizeof(p.hashes[0]));
	assert_true(inclusion_holds(&p));
	if (step > 0) {
		check_inclusion_hashes(&p, step);
		check_inclusion_numbers(&p, &naive, expected.shape);
	}
}

static void check_consistency(struct store *store, uint64_t from, const struct lf_digest *from_root, uint64_t to,
	const struct lf_digest *to_root, size_t step)
{
	const struct naive naive = naive_of(store);
	static struct naive_proof expected;
	struct consistency p = {.from_root = *from_root, .to_root = *to_root, .from = from, .to = to};

	expected.count = 0;
	if (from > 0)
		naive_consistency(&naive, from, to, &expected);
	assert_true(lf_tree_prove_consistency(from, to, store_read, store, p.hashes, &p.count));
	assert_int_equal(p.count, expected.count);
	assert_memory_equal(p.hashes, expected.hashes, p.count * sizeof(p.hashes[0]));
	assert_true(consistency_holds(&p));
	if (step > 0 && from > 0 && from < to) {
		check_consistency_hashes(&p, step);
		check_consistency_numbers(&p, &naive, expected.shape);
	}
}

enum { SIZES = 300 };

static void every_size_to_300_is_as_defined(void **state)
{
	struct store store;
	static struct lf_digest roots[SIZES + 1];

	(void)state;

	store_make(&store);
	for (uint64_t size = 0; size <= SIZES; size++) {
		const struct naive naive = naive_of(&store);
		struct lf_tree loaded;
		struct lf_digest root;

		store_fill(&store, size);
		lf_tree_root(&store.tree, &roots[size]);
		root = naive_root(&naive, 0, size);
		assert_memory_equal(&roots[size], &root, sizeof(root));
		assert_true(lf_tree_load(&loaded, size, store_read, &store));
		lf_tree_root(&loaded, &root);
		assert_memory_equal(&roots[size], &root, sizeof(root));
	}
	/* From the store of 300: proofs of trees that were, and the one that is. */
	for (uint64_t size = 1; size <= SIZES; size++) {
		for (uint64_t index = 0; index < size; index += size < 100 || size > 280 ? 1 : 11)
			check_inclusion(&store, index, size, &roots[size], 0);
		for (uint64_t from = 0; from <= size; from += size < 100 || size > 280 ? 1 : 11)
			check_consistency(&store, from, &roots[from], size, &roots[size], 0);
	}
	store_clean_up(&store);
}

static void every_change_of_one_bit_is_refused(void **state)
{
	struct store store;
	static struct lf_digest roots[41];

	(void)state;

	store_make(&store);
	for (uint64_t size = 0; size <= 40; size++) {
		store_fill(&store, size);
		lf_tree_root(&store.tree, &roots[size]);
	}
	for (uint64_t size = 1; size <= 40; size++) {
		for (uint64_t index = 0; index < size; index++)
			check_inclusion(&store, index, size, &roots[size], size < 12 ? 1 : 37);
		for (uint64_t from = 1; from <= size; from++)
			check_consistency(&store, from, &roots[from], size, &roots[size], size < 12 ? 1 : 37);
	}
	store_clean_up(&store);
}

static void random_large_trees_are_as_defined(void **state)
{
	struct store store;
	uint64_t random = seed_choose();

	(void)state;

	store_make(&store);
	store_fill(&store, LEAVES_MAX - random_below(&random, 8000));
	for (int i = 0; i < 12; i++) {
		const struct naive naive = naive_of(&store);
		/* Every third is one that was not there when the highest node became whole. */
		const uint64_t size = 1 + random_below(&random, i % 3 == 0 ? 66000 : store.tree.size);
		const uint64_t any = 1 + random_below(&random, size),
			       from = i % 2 == 0 && any >= 256 ? any / 256 * 256 : any;
		const struct lf_digest root = naive_root(&naive, 0, size), from_root = naive_root(&naive, 0, from);
		struct lf_tree loaded;
		struct lf_digest loaded_root;

		assert_true(lf_tree_load(&loaded, size, store_read, &store));
		lf_tree_root(&loaded, &loaded_root);
		assert_memory_equal(&loaded_root, &root, sizeof(root));
		check_inclusion(&store, random_below(&random, size), size, &root, 61);
		check_inclusion(&store, size - 1, size, &root, 61);
		check_consistency(&store, from, &from_root, size, &root, 61);
	}
	store_clean_up(&store);
}

/* ---- trees of any size: every leaf is the same, so a node follows from its level ---- */

struct endless {
	struct lf_digest leaf;
	uint64_t size;
};

static bool endless_read(void *context, unsigned level, uint64_t first, size_t count, struct lf_digest *hashes)
{
	const struct endless *endless = context;
	struct lf_digest hash = endless->leaf;

	assert_int_equal(level % LF_TREE_STEP, 0);
	assert_true(level <= LF_TREE_LEVELS_MAX);
	assert_true(first + count <= endless->size >> level); /* whole ones only */
	for (unsigned i = 0; i < level; i++)
		lf_node_hash(&hash, &hash, &hash);
	for (size_t i = 0; i < count; i++)
		hashes[i] = hash;
	return true;
}

static void trees_up_to_2_to_the_62_are_as_defined(void **state)
{
	struct endless endless;
	uint64_t random = seed_choose();
	static struct naive_proof expected;
	struct naive naive;

	(void)state;

	lf_leaf_hash("the same", 8, &endless.leaf);
	naive = (struct naive){&endless.leaf, true};
	for (int i = 0; i < 1000; i++) {
		const uint64_t size = 1 + (random_next(&random) >> (2 + random_below(&random, 61)));
		const uint64_t index = random_below(&random, size), from = 1 + random_below(&random, size);
		const struct lf_digest root = naive_root(&naive, 0, size), from_root = naive_root(&naive, 0, from);
		struct lf_digest hashes[LF_PROOF_HASHES_MAX], got;
		struct lf_node nodes[LF_TREE_NODES_MAX];
		struct lf_tree tree;
		size_t count;

		endless.size = size;
		if (size >> 62 != 0)
			continue;
		assert_true(lf_tree_load(&tree, size, endless_read, &endless));
		lf_tree_root(&tree, &got);
		assert_memory_equal(&got, &root, sizeof(root));
		count = lf_tree_add(&tree, &endless.leaf, nodes);
		for (size_t k = 0; k < LF_TREE_NODES_MAX; k++) /* each level that the new size is a whole multiple of */
			assert_int_equal(k < count, (size + 1) % ((uint64_t)1 << (8 * (k + 1))) == 0);

		assert_true(lf_tree_prove_inclusion(index, size, endless_read, &endless, hashes, &count));
		naive_inclusion(&naive, index, size, &expected);
		assert_int_equal(count, expected.count);
		assert_memory_equal(hashes, expected.hashes, count * sizeof(hashes[0]));
		assert_true(lf_tree_verify_inclusion(&endless.leaf, index, size, &root, hashes, count));

		assert_true(lf_tree_prove_consistency(from, size, endless_read, &endless, hashes, &count));
		naive_consistency(&naive, from, size, &expected);
		assert_int_equal(count, expected.count);
		assert_memory_equal(hashes, expected.hashes, count * sizeof(hashes[0]));
		assert_true(lf_tree_verify_consistency(from, &from_root, size, &root, hashes, count));
	}
}

/* ---- the edges ---- */

static void numbers_that_are_nonsense_are_refused(void **state)
{
	struct lf_digest hash, empty, hashes[LF_PROOF_HASHES_MAX] = {0};
	static const uint64_t numbers[] = {
		0, 1, 2, 3, UINT64_MAX - 1, UINT64_MAX, (uint64_t)1 << 63, ((uint64_t)1 << 62) - 1};

	(void)state;

	lf_leaf_hash("a", 1, &hash);
	lf_sha256("", 0, &empty);
	for (size_t i = 0; i < COUNT(numbers); i++) {
		for (size_t k = 0; k < COUNT(numbers); k++) {
			for (size_t count = 0; count <= LF_PROOF_HASHES_MAX; count += count < 4 ? 1 : 4) {
				const bool alone = numbers[i] == 0 && numbers[k] == 1 && count == 0;

				assert_int_equal(
					lf_tree_verify_inclusion(&hash, numbers[i], numbers[k], &hash, hashes, count),
					alone);
				assert_int_equal(
					lf_tree_verify_consistency(numbers[i], &hash, numbers[k], &hash, hashes, count),
					numbers[i] == numbers[k] && count == 0);
			}
		}
	}
	/* No hashes are there to be looked at. */
	assert_false(lf_tree_verify_consistency(3, &hash, 7, &hash, NULL, 0));
	assert_false(lf_tree_verify_consistency(4, &hash, 7, &hash, NULL, 0));
	assert_false(lf_tree_verify_inclusion(&hash, 3, 7, &hash, NULL, 0));
	/* Every tree begins with the empty one. */
	assert_true(lf_tree_verify_consistency(0, &empty, 5, &hash, NULL, 0));
	assert_false(lf_tree_verify_consistency(0, &empty, 5, &hash, &hash, 1));
	assert_false(lf_tree_verify_consistency(5, &hash, 0, &empty, NULL, 0));
	assert_false(lf_tree_verify_consistency(5, &hash, 5, &empty, NULL, 0));
}

static void a_failed_read_fails_the_proof_wherever_it_comes(void **state)
{
	struct store store;
	struct lf_digest hashes[LF_PROOF_HASHES_MAX];
	struct lf_tree tree;
	size_t count;
	uint64_t reads;

	(void)state;

	store_make(&store);
	store_fill(&store, 1000);
	for (reads = 0;
		store.reads_left = reads, !lf_tree_prove_inclusion(300, 999, store_read, &store, hashes, &count);
		reads++)
		;
	assert_true(reads > 9);
	for (reads = 0;
		store.reads_left = reads, !lf_tree_prove_consistency(301, 999, store_read, &store, hashes, &count);
		reads++)
		;
	assert_true(reads > 9);
	for (reads = 0; store.reads_left = reads, !lf_tree_load(&tree, 999, store_read, &store); reads++)
		;
	assert_int_equal(reads, 8); /* as many bits as 999 has */
	store_clean_up(&store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_roots_and_proofs_come_out),
		cmocka_unit_test(every_size_to_300_is_as_defined),
		cmocka_unit_test(every_change_of_one_bit_is_refused),
		cmocka_unit_test(random_large_trees_are_as_defined),
		cmocka_unit_test(trees_up_to_2_to_the_62_are_as_defined),
		cmocka_unit_test(numbers_that_are_nonsense_are_refused),
		cmocka_unit_test(a_failed_read_fails_the_proof_wherever_it_comes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
