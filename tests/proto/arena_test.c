#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/arena.h"

/* The linker sends malloc of the code under test here. */
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

static unsigned mallocs_left = UINT_MAX;
static unsigned mallocs_made;

void *__wrap_malloc(size_t size)
{
	if (mallocs_left == 0)
		return NULL;
	mallocs_left--;
	mallocs_made++;
	return __real_malloc(size);
}

static void init_allocates_nothing(void **state)
{
	struct lf_arena arena;

	(void)state;
	mallocs_made = 0;
	lf_arena_init(&arena, 1000);
	assert_int_equal(mallocs_made, 0);
	lf_arena_reset(&arena);
	lf_arena_clean_up(&arena);
	lf_arena_clean_up(&arena);
}

static void memory_is_aligned_and_apart(void **state)
{
	struct lf_arena arena;
	unsigned char *pieces[500];
	size_t total = 0;

	(void)state;
	lf_arena_init(&arena, SIZE_MAX);
	for (size_t i = 0; i < 500; i++) {
		size_t size = (i * 37) % 700;

		pieces[i] = lf_arena_alloc(&arena, size);
		assert_non_null(pieces[i]);
		assert_int_equal((uintptr_t)pieces[i] % 16, 0);
		memset(pieces[i], (int)i & 0xff, size);
		total += size == 0 ? 16 : (size + 15) / 16 * 16;
	}
	assert_int_equal(arena.bytes_used, total);
	for (size_t i = 0; i < 500; i++)
		for (size_t j = 0; j < (i * 37) % 700; j++)
			assert_int_equal(pieces[i][j], i & 0xff);
	lf_arena_clean_up(&arena);
}

static void nothing_is_handed_out_beyond_the_limit(void **state)
{
	struct lf_arena arena;

	(void)state;
	lf_arena_init(&arena, 64);
	assert_non_null(lf_arena_alloc(&arena, 1));
	assert_non_null(lf_arena_alloc(&arena, 32));
	assert_null(lf_arena_alloc(&arena, 17));
	assert_non_null(lf_arena_alloc(&arena, 16));
	assert_null(lf_arena_alloc(&arena, 0));
	assert_int_equal(arena.bytes_used, 64);
	lf_arena_reset(&arena);
	assert_non_null(lf_arena_alloc(&arena, 64));
	lf_arena_clean_up(&arena);
}

static void a_limit_lowered_below_the_use_refuses(void **state)
{
	struct lf_arena arena;

	(void)state;
	lf_arena_init(&arena, 1000);
	assert_non_null(lf_arena_alloc(&arena, 500));
	lf_arena_limit(&arena, 100);
	assert_null(lf_arena_alloc(&arena, 1));
	lf_arena_limit(&arena, 1000);
	assert_non_null(lf_arena_alloc(&arena, 1));
	lf_arena_clean_up(&arena);
}

static void sizes_that_overflow_are_refused(void **state)
{
	struct lf_arena arena;

	(void)state;
	lf_arena_init(&arena, SIZE_MAX);
	assert_null(lf_arena_alloc(&arena, SIZE_MAX));
	assert_null(lf_arena_alloc(&arena, SIZE_MAX - 15));
	assert_null(lf_arena_zalloc(&arena, SIZE_MAX / 2, 3));
	assert_null(lf_arena_strdup(&arena, "x", SIZE_MAX));
	assert_int_equal(arena.bytes_used, 0);
	lf_arena_clean_up(&arena);
}

static void zalloc_zeroes_reused_memory(void **state)
{
	struct lf_arena arena;
	unsigned char *bytes;

	(void)state;
	lf_arena_init(&arena, SIZE_MAX);
	memset(lf_arena_alloc(&arena, 300), 0xff, 300);
	lf_arena_reset(&arena);
	bytes = lf_arena_zalloc(&arena, 100, 3);
	for (size_t i = 0; i < 300; i++)
		assert_int_equal(bytes[i], 0);
	assert_non_null(lf_arena_zalloc(&arena, 0, 8));
	assert_non_null(lf_arena_zalloc(&arena, 8, 0));
	lf_arena_clean_up(&arena);
}

static void strdup_copies_and_ends_with_nul(void **state)
{
	struct lf_arena arena;

	(void)state;
	lf_arena_init(&arena, SIZE_MAX);
	assert_string_equal(lf_arena_strdup(&arena, "payments and more", 8), "payments");
	assert_string_equal(lf_arena_strdup(&arena, NULL, 0), "");
	lf_arena_clean_up(&arena);
}

static void reset_keeps_the_largest_block_that_is_not_too_large(void **state)
{
	struct lf_arena arena;
	void *kept;

	(void)state;
	lf_arena_init(&arena, SIZE_MAX);
	lf_arena_alloc(&arena, 100);
	kept = lf_arena_alloc(&arena, 50000);
	lf_arena_alloc(&arena, 3000);
	lf_arena_alloc(&arena, 100000);
	lf_arena_reset(&arena);
	assert_int_equal(arena.bytes_used, 0);
	mallocs_made = 0;
	assert_ptr_equal(lf_arena_alloc(&arena, 100), kept);
	assert_non_null(lf_arena_alloc(&arena, 49000));
	assert_int_equal(mallocs_made, 0);
	lf_arena_clean_up(&arena);
}

static void reset_lets_go_of_a_large_first_block(void **state)
{
	struct lf_arena arena;

	(void)state;
	lf_arena_init(&arena, SIZE_MAX);
	assert_non_null(lf_arena_alloc(&arena, 1 << 20));
	lf_arena_reset(&arena);
	assert_null(arena.first);
	assert_non_null(lf_arena_alloc(&arena, 1));
	lf_arena_clean_up(&arena);
}

static void large_pieces_do_not_end_the_current_block(void **state)
{
	struct lf_arena arena;
	char *before, *after;

	(void)state;
	lf_arena_init(&arena, SIZE_MAX);
	before = lf_arena_alloc(&arena, 16);
	assert_non_null(lf_arena_alloc(&arena, 1 << 20));
	after = lf_arena_alloc(&arena, 16);
	assert_ptr_equal(after, before + 16);
	lf_arena_clean_up(&arena);
}

static void memory_that_runs_out_is_said_and_harmless(void **state)
{
	struct lf_arena arena;
	void *kept;

	(void)state;
	lf_arena_init(&arena, SIZE_MAX);
	mallocs_left = 0;
	assert_null(lf_arena_alloc(&arena, 1));
	mallocs_left = UINT_MAX;
	kept = lf_arena_alloc(&arena, 1);
	assert_non_null(kept);
	mallocs_left = 0;
	assert_null(lf_arena_alloc(&arena, 1 << 20));
	assert_null(lf_arena_zalloc(&arena, 1 << 20, 1));
	assert_null(lf_arena_strdup(&arena, "x", 1 << 20));
	assert_non_null(lf_arena_alloc(&arena, 1)); /* still fits the block */
	mallocs_left = UINT_MAX;
	lf_arena_clean_up(&arena);
}

struct counted_budget {
	struct lf_arena_budget functions;
	size_t left;
};

static bool take(struct lf_arena_budget *budget, size_t bytes);
static void give(struct lf_arena_budget *budget, size_t bytes);

static void a_reserved_block_is_as_large_as_was_said(void **state)
{
	struct counted_budget budget = {{take, give}, 100000};
	struct lf_arena arena;
	size_t left;

	(void)state;
	lf_arena_init(&arena, 50000);
	arena.budget = &budget.functions;
	assert_false(lf_arena_reserve(&arena, SIZE_MAX));
	assert_false(lf_arena_reserve(&arena, 50001));
	mallocs_left = 0;
	assert_false(lf_arena_reserve(&arena, 1700));
	mallocs_left = UINT_MAX;
	assert_int_equal(budget.left, 100000);
	assert_int_equal(arena.bytes_used, 0);
	assert_true(lf_arena_reserve(&arena, 1700)); /* 1712: in pieces of 16 */
	left = budget.left;
	assert_in_range(left, 100000 - 1712 - 64, 100000 - 1712);
	for (size_t i = 0; i < 107; i++)
		memset(lf_arena_alloc(&arena, 9), 0xff, 9);
	assert_int_equal(budget.left, left); /* all of it fitted */
	memset(lf_arena_alloc(&arena, 9), 0xff, 9);
	assert_true(budget.left < left);
	lf_arena_clean_up(&arena);
	assert_int_equal(budget.left, 100000);
}

static bool take(struct lf_arena_budget *budget, size_t bytes)
{
	struct counted_budget *counted = (struct counted_budget *)budget;

	if (bytes > counted->left)
		return false;
	counted->left -= bytes;
	return true;
}

static void give(struct lf_arena_budget *budget, size_t bytes)
{
	((struct counted_budget *)budget)->left += bytes;
}

static void arenas_share_a_budget_and_give_all_of_it_back(void **state)
{
	struct counted_budget budget = {{take, give}, 100000};
	struct lf_arena one, other;

	(void)state;
	lf_arena_init(&one, SIZE_MAX);
	lf_arena_init(&other, SIZE_MAX);
	one.budget = other.budget = &budget.functions;
	assert_non_null(lf_arena_alloc(&one, 60000));
	assert_null(lf_arena_alloc(&other, 60000));
	assert_non_null(lf_arena_alloc(&other, 1000));
	mallocs_left = 0;
	assert_null(lf_arena_alloc(&other, 10000)); /* what malloc refused is given back */
	mallocs_left = UINT_MAX;
	lf_arena_clean_up(&one);
	assert_non_null(lf_arena_alloc(&other, 60000));
	lf_arena_reset(&other);
	lf_arena_clean_up(&other);
	assert_int_equal(budget.left, 100000);
}

static void protobuf_c_can_allocate_from_it(void **state)
{
	struct lf_arena arena;
	ProtobufCAllocator *allocator = &arena.allocator;
	void *piece;

	(void)state;
	lf_arena_init(&arena, 32);
	piece = allocator->alloc(allocator->allocator_data, 20);
	assert_non_null(piece);
	allocator->free(allocator->allocator_data, piece);
	assert_null(allocator->alloc(allocator->allocator_data, 1));
	lf_arena_clean_up(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(init_allocates_nothing),
		cmocka_unit_test(memory_is_aligned_and_apart),
		cmocka_unit_test(nothing_is_handed_out_beyond_the_limit),
		cmocka_unit_test(a_limit_lowered_below_the_use_refuses),
		cmocka_unit_test(sizes_that_overflow_are_refused),
		cmocka_unit_test(zalloc_zeroes_reused_memory),
		cmocka_unit_test(strdup_copies_and_ends_with_nul),
		cmocka_unit_test(reset_keeps_the_largest_block_that_is_not_too_large),
		cmocka_unit_test(reset_lets_go_of_a_large_first_block),
		cmocka_unit_test(large_pieces_do_not_end_the_current_block),
		cmocka_unit_test(memory_that_runs_out_is_said_and_harmless),
		cmocka_unit_test(a_reserved_block_is_as_large_as_was_said),
		cmocka_unit_test(arenas_share_a_budget_and_give_all_of_it_back),
		cmocka_unit_test(protobuf_c_can_allocate_from_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
