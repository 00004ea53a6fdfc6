#include "proto/base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/check.h"

/*
 * A list of blocks, newest first after `first`, each bumped upwards. Small allocations come from `current`; one that
 * would waste much of a block gets a block of its own, which is linked behind `first` and never becomes current.
 *
 * Under AddressSanitizer, what is not handed out (and the padding) is poisoned, so that a read past a string in an
 * arena is found like one past a string of malloc.
 */
#ifdef LF_ARENA_POISONS
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

enum {
	ALIGNMENT = LF_ARENA_ALIGNMENT,
	BLOCK_BYTES_MIN = 4 * 1024,
	BLOCK_BYTES_MAX = 96 * 1024,
	KEEP_BYTES_MAX = 96 * 1024,
};

struct lf_arena_block {
	_Alignas(ALIGNMENT) struct lf_arena_block *next;
	size_t size; /* of data */
	_Alignas(ALIGNMENT) unsigned char data[];
};

static_assert(sizeof(struct lf_arena_block) % ALIGNMENT == 0, "data starts aligned");
static_assert(_Alignof(max_align_t) >= ALIGNMENT, "malloc aligns blocks");

static void *allocator_alloc(void *data, size_t size)
{
	return lf_arena_alloc(data, size);
}

static void allocator_free(void *data, void *pointer)
{
	(void)data;
	(void)pointer;
}

void lf_arena_init(struct lf_arena *arena, size_t bytes_max)
{
	*arena = (struct lf_arena){
		.allocator = {.alloc = allocator_alloc, .free = allocator_free, .allocator_data = arena},
		.bytes_max = bytes_max,
	};
}

static struct lf_arena_block *block_new(struct lf_arena *arena, size_t size)
{
	struct lf_arena_budget *budget = arena->budget;
	struct lf_arena_block *block;

	if (size > SIZE_MAX - sizeof(*block))
		return NULL;
	if (budget != NULL && !budget->take(budget, sizeof(*block) + size))
		return NULL;
	block = malloc(sizeof(*block) + size);
	if (block == NULL) {
		if (budget != NULL)
			budget->give(budget, sizeof(*block) + size);
		return NULL;
	}
	block->next = NULL;
	block->size = size;
	ASAN_POISON_MEMORY_REGION(block->data, size);
	return block;
}

static size_t free_bytes(const struct lf_arena *arena)
{
	const struct lf_arena_block *block = arena->current;

	return block == NULL ? 0 : (size_t)(block->data + block->size - arena->next);
}

/* What the quick way may hand out of the current block. */
static void set_left(struct lf_arena *arena)
{
	size_t used = arena->bytes_used, free_now = free_bytes(arena);
	size_t allowed = used > arena->bytes_max ? 0 : (arena->bytes_max - used) & ~(size_t)(ALIGNMENT - 1);

	arena->left = free_now < allowed ? free_now : allowed;
}

void lf_arena_limit(struct lf_arena *arena, size_t bytes_max)
{
	arena->bytes_max = bytes_max;
	set_left(arena);
}

/* Hands out padded bytes at pointer. */
static void *take(struct lf_arena *arena, unsigned char *pointer, size_t size, size_t padded)
{
	arena->bytes_used += padded;
	LF_CHECK(P1, arena->bytes_used <= arena->bytes_max);
	LF_CHECK(P1, arena->next <= arena->current->data + arena->current->size);
	set_left(arena);
	ASAN_UNPOISON_MEMORY_REGION(pointer, size);
	(void)size;
	return pointer;
}

static void make_current(struct lf_arena *arena, struct lf_arena_block *block)
{
	arena->current = block;
	arena->next = block->data;
}

bool lf_arena_reserve(struct lf_arena *arena, size_t bytes)
{
	struct lf_arena_block *block;

	LF_CHECK(P1, arena->first == NULL);
	if (bytes > SIZE_MAX - ALIGNMENT)
		return false;
	bytes = (bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1); /* what set_left() counts on */
	block = bytes > arena->bytes_max ? NULL : block_new(arena, bytes);
	if (block == NULL)
		return false;
	arena->first = block;
	make_current(arena, block);
	set_left(arena);
	return true;
}

/* A block with room for padded bytes, linked in; NULL where memory ran out. */
static struct lf_arena_block *block_add(struct lf_arena *arena, size_t padded)
{
	struct lf_arena_block *current = arena->current, *block;
	size_t size = current == NULL ? BLOCK_BYTES_MIN : 2 * current->size;

	if (size > BLOCK_BYTES_MAX)
		size = BLOCK_BYTES_MAX;
	/* More than an eighth of a block: its own one, so that at most an eighth of any shared block is lost. */
	if (padded > size / 8) {
		block = block_new(arena, current == NULL && padded < size ? size : padded);
	} else {
		block = block_new(arena, size);
	}
	if (block == NULL)
		return NULL;
	if (current == NULL) {
		arena->first = block;
		make_current(arena, block);
		return block;
	}
	block->next = arena->first->next;
	arena->first->next = block;
	if (padded <= size / 8)
		make_current(arena, block);
	return block;
}

void *lf_arena_alloc_anew(struct lf_arena *arena, size_t size)
{
	unsigned char *pointer;
	size_t padded;

	if (size > SIZE_MAX - ALIGNMENT)
		return NULL;
	padded = size == 0 ? ALIGNMENT : (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (padded > arena->bytes_max || arena->bytes_used > arena->bytes_max - padded)
		return NULL;
	if (padded > free_bytes(arena)) {
		struct lf_arena_block *block = block_add(arena, padded);

		if (block == NULL)
			return NULL;
		if (block != arena->current)
			return take(arena, block->data, size, padded);
	}
	pointer = arena->next;
	arena->next += padded;
	return take(arena, pointer, size, padded);
}

void *lf_arena_zalloc(struct lf_arena *arena, size_t count, size_t size)
{
	void *pointer;

	if (size != 0 && count > SIZE_MAX / size)
		return NULL;
	pointer = lf_arena_alloc(arena, count * size);
	if (pointer != NULL)
		memset(pointer, 0, count * size);
	return pointer;
}

char *lf_arena_strdup(struct lf_arena *arena, const char *text, size_t length)
{
	char *copy;

	if (length == SIZE_MAX)
		return NULL;
	copy = lf_arena_alloc(arena, length + 1);
	if (copy == NULL)
		return NULL;
	if (length != 0)
		memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

static void blocks_free(struct lf_arena *arena, struct lf_arena_block *block)
{
	while (block != NULL) {
		struct lf_arena_block *next = block->next;

		ASAN_UNPOISON_MEMORY_REGION(block->data, block->size);
		if (arena->budget != NULL)
			arena->budget->give(arena->budget, sizeof(*block) + block->size);
		free(block);
		block = next;
	}
}

/* Takes the largest block that may be kept out of the list; NULL where there is none. */
static struct lf_arena_block *take_largest(struct lf_arena *arena)
{
	struct lf_arena_block **found = NULL, *block;

	for (struct lf_arena_block **at = &arena->first; *at != NULL; at = &(*at)->next)
		if ((*at)->size <= KEEP_BYTES_MAX && (found == NULL || (*at)->size > (*found)->size))
			found = at;
	if (found == NULL)
		return NULL;
	block = *found;
	*found = block->next;
	return block;
}

void lf_arena_reset(struct lf_arena *arena)
{
	struct lf_arena_block *kept = take_largest(arena);

	blocks_free(arena, arena->first);
	arena->bytes_used = 0;
	arena->left = 0;
	arena->first = arena->current = kept;
	if (kept == NULL)
		return;
	kept->next = NULL;
	arena->next = kept->data;
	ASAN_POISON_MEMORY_REGION(kept->data, kept->size);
}

void lf_arena_clean_up(struct lf_arena *arena)
{
	blocks_free(arena, arena->first);
	arena->first = NULL;
	arena->current = NULL;
	arena->left = 0;
	arena->bytes_used = 0;
}
