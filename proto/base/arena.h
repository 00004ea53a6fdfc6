/* A request-scoped arena: many allocations, one reset. Also a ProtobufCAllocator. */
#ifndef LF_PROTO_BASE_ARENA_H
#define LF_PROTO_BASE_ARENA_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(default) /* exported by libleadfit */

/* Under AddressSanitizer, what is not handed out is poisoned. */
#if defined(__SANITIZE_ADDRESS__)
#define LF_ARENA_POISONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LF_ARENA_POISONS 1
#endif
#endif

enum { LF_ARENA_ALIGNMENT = 16 };

struct lf_arena_block;

/*
 * Memory that several arenas share. Storage is the owner's, who sets both functions; any thread may call them.
 * take is asked before a block is allocated (false: the allocation fails), give is told when one is freed.
 */
struct lf_arena_budget {
	bool (*take)(struct lf_arena_budget *budget, size_t bytes);
	void (*give)(struct lf_arena_budget *budget, size_t bytes);
};

/*
 * Grows by blocks up to bytes_max, beyond which allocation fails. Storage of the struct is the caller's.
 * Used by one thread at a time. Memory is aligned to 16 bytes and not zeroed.
 */
struct lf_arena {
	ProtobufCAllocator allocator; /* pass &arena->allocator to protobuf-c; its free does nothing */
	unsigned char *next;          /* free memory of the current block */
	size_t left;                  /* of it may be handed out before bytes_max; a multiple of the alignment */
	struct lf_arena_block *first;
	struct lf_arena_block *current;
	size_t bytes_used; /* handed out since the last reset, with padding */
	size_t bytes_max;
	struct lf_arena_budget *budget; /* borrowed; NULL after init = none. Set before the first allocation */
};

/* Allocates nothing. The arena must not move afterwards (the allocator points into it). */
void lf_arena_init(struct lf_arena *arena, size_t bytes_max);
/*
 * Before the first allocation: makes a first block of so many bytes, for an arena that lives long and whose size is about
 * known. Each allocation takes its size rounded up to the alignment; what does not fit goes to another block. false where
 * that is more than bytes_max, or memory or the budget is exhausted: nothing has happened then.
 */
bool lf_arena_reserve(struct lf_arena *arena, size_t bytes);
/*
 * Changes the limit. What is handed out stays, also where that is more than the new limit: then nothing more is handed
 * out until a reset. bytes_max is changed by this only.
 */
void lf_arena_limit(struct lf_arena *arena, size_t bytes_max);
/* lf_arena_alloc(), whatever is left. */
void *lf_arena_alloc_anew(struct lf_arena *arena, size_t size);

/* NULL where bytes_max or memory is exhausted. size 0 gives a valid pointer. */
static inline void *lf_arena_alloc(struct lf_arena *arena, size_t size)
{
#ifndef LF_ARENA_POISONS
	if (size - 1 < arena->left) { /* not 0 */
		void *pointer = arena->next;
		size_t padded = (size + LF_ARENA_ALIGNMENT - 1) & ~(size_t)(LF_ARENA_ALIGNMENT - 1);

		arena->next += padded;
		arena->left -= padded;
		arena->bytes_used += padded;
		return pointer;
	}
#endif
	return lf_arena_alloc_anew(arena, size);
}

void *lf_arena_zalloc(struct lf_arena *arena, size_t count, size_t size);       /* overflow-checked, zeroed */
char *lf_arena_strdup(struct lf_arena *arena, const char *text, size_t length); /* NUL-terminated copy */
/*
 * Forgets everything handed out; keeps the largest block of at most 96 KiB, so that the next use seldom needs another.
 */
void lf_arena_reset(struct lf_arena *arena);
/* Frees everything. Safe to call twice. */
void lf_arena_clean_up(struct lf_arena *arena);

#pragma GCC visibility pop

#endif
