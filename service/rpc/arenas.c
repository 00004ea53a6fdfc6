#include <stdlib.h>

#include "proto/base/forget.h"
#include "service/rpc/internal.h"

/* The arenas. */

static struct lf_rpc_arena *arena_of(struct lf_arena_budget *budget)
{
	return (struct lf_rpc_arena *)budget;
}

/* For the call that has the arena; what stays in it when it is idle is the server's. */
static bool take_block(struct lf_arena_budget *budget, size_t bytes)
{
	struct lf_rpc_arena *arena = arena_of(budget);

	if (!lf_rpc_take(arena->call, bytes))
		return false;
	arena->bytes += bytes;
	return true;
}

/* What the call has not taken itself was in the arena when it got it, and is in no share. */
static void give_block(struct lf_arena_budget *budget, size_t bytes)
{
	struct lf_rpc_arena *arena = arena_of(budget);
	const size_t own = bytes < arena->bytes ? bytes : arena->bytes;

	if (arena->call != NULL && own != 0) {
		arena->bytes -= own;
		lf_rpc_share_bytes(arena->call, 0, own);
	}
	lf_rpc_budget_give(&arena->server->budget, bytes);
}

struct lf_rpc_arena *lf_rpc_arena_new(struct lf_rpc_server *server)
{
	struct lf_rpc_arena *arena = malloc(sizeof(*arena));

	if (arena == NULL)
		return NULL;
	*arena = (struct lf_rpc_arena){.budget = {take_block, give_block}, .server = server, .age = lf_forget_age()};
	lf_arena_init(&arena->arena, server->budget.max);
	arena->arena.budget = &arena->budget;
	return arena;
}

struct lf_rpc_arena *lf_rpc_arena_return(struct lf_rpc_call *call)
{
	struct lf_rpc_arena *arena = call->arena;

	call->arena = NULL;
	if (arena == NULL)
		return NULL;
	lf_arena_reset(&arena->arena);
	if (arena->bytes != 0)
		lf_rpc_share_bytes(call, 0, arena->bytes);
	arena->bytes = 0;
	arena->call = NULL;
	return arena;
}

void lf_rpc_arena_free(struct lf_rpc_arena *arena)
{
	if (arena == NULL)
		return;
	LF_CHECK(R8, arena->arena.bytes_used == 0);
	lf_arena_clean_up(&arena->arena);
	free(arena);
}

struct lf_rpc_arena *lf_rpc_arena_take(struct lf_rpc_server *server)
{
	struct lf_rpc_arena *arena = server->arenas;

	if (arena != NULL) {
		server->arenas = arena->next;
		server->arena_count--;
	}
	return arena;
}

struct lf_rpc_arena *lf_rpc_arena_keep(struct lf_rpc_server *server, struct lf_rpc_arena *arena)
{
	if (arena == NULL || server->arena_count == LF_RPC_ARENAS_KEPT || arena->age != lf_forget_age())
		return arena;
	LF_CHECK(R8, arena->arena.bytes_used == 0);
	arena->next = server->arenas;
	server->arenas = arena;
	server->arena_count++;
	return NULL;
}

void lf_rpc_forget(struct lf_rpc_server *server)
{
	struct lf_rpc_arena *arena;

	pthread_mutex_lock(&server->lock);
	arena = server->arenas;
	server->arenas = NULL;
	server->arena_count = 0;
	pthread_cond_broadcast(&server->work); /* idle workers have a stack to clear */
	pthread_mutex_unlock(&server->lock);
	while (arena != NULL) {
		struct lf_rpc_arena *next = arena->next;

		lf_rpc_arena_free(arena);
		arena = next;
	}
}
