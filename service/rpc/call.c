#include <stdlib.h>

#include "proto/base/clock.h"
#include "service/rpc/internal.h"

/* A call: its states, what it holds, and what a method may ask it. */

/* ---- states ---- */

/* From row to column. DESIGN.md draws it. */
static const bool may_go[LF_RPC_CALL_STATES][LF_RPC_CALL_STATES] = {
	[LF_RPC_CALL_IDLE] = {[LF_RPC_CALL_QUEUED] = true, [LF_RPC_CALL_WORKING] = true},
	[LF_RPC_CALL_QUEUED] = {[LF_RPC_CALL_WORKING] = true},
	[LF_RPC_CALL_WORKING] = {[LF_RPC_CALL_QUEUED] = true, [LF_RPC_CALL_REPLYING] = true},
	[LF_RPC_CALL_REPLYING] = {[LF_RPC_CALL_IDLE] = true},
};

void lf_rpc_call_change(struct lf_rpc_call *call, enum lf_rpc_call_state from, enum lf_rpc_call_state to)
{
	enum lf_rpc_call_state is = from;

	LF_CHECK(R2, from < LF_RPC_CALL_STATES && to < LF_RPC_CALL_STATES && may_go[from][to]);
	LF_CHECK(R1, atomic_compare_exchange_strong(&call->state, &is, to));
}

void lf_rpc_call_check_working(const struct lf_rpc_call *call)
{
	LF_CHECK(R1, atomic_load_explicit(&call->state, memory_order_relaxed) == LF_RPC_CALL_WORKING);
}

/* ---- life ---- */

struct lf_rpc_call *lf_rpc_call_new(
	struct lf_rpc_server *server, const struct lf_rpc_transport *transport, size_t own_bytes)
{
	struct lf_rpc_call *call = calloc(1, sizeof(*call) + own_bytes);

	if (call == NULL)
		return NULL;
	call->server = server;
	call->transport = transport;
	atomic_init(&call->state, LF_RPC_CALL_IDLE);
	atomic_init(&call->part_bytes, 0);
	return call;
}

void lf_rpc_call_free(struct lf_rpc_call *call)
{
	if (call == NULL)
		return;
	LF_CHECK(R3, atomic_load(&call->state) == LF_RPC_CALL_IDLE);
	free(call->held);
	free(call);
}

void *lf_rpc_call_own(const struct lf_rpc_call *call)
{
	return (void *)(uintptr_t)call->own;
}

void *lf_rpc_keep(struct lf_rpc_call *call, size_t bytes)
{
	struct lf_rpc_kept *kept;

	lf_rpc_call_check_working(call);
	LF_CHECK(R9, call->kept_count < LF_RPC_KEPT_MAX);
	if (!lf_rpc_take(call, bytes))
		return NULL;
	kept = malloc(sizeof(*kept) + bytes);
	if (kept == NULL) {
		lf_rpc_give(call, bytes);
		return NULL;
	}
	kept->before = call->kept;
	kept->bytes = bytes;
	call->kept = kept;
	call->kept_count++;
	return kept->memory;
}

static void free_kept(struct lf_rpc_call *call)
{
	while (call->kept != NULL) {
		struct lf_rpc_kept *kept = call->kept;

		call->kept = kept->before;
		lf_rpc_give(call, kept->bytes);
		free(kept);
	}
	call->kept_count = 0;
}

void lf_rpc_leave(struct lf_rpc_call *call)
{
	struct lf_rpc_server *server = call->server;
	struct lf_rpc_arena *arena;

	lf_rpc_call_check_working(call);
	LF_CHECK(R9, call->arena != NULL);
	arena = lf_rpc_arena_return(call);
	call->on_worker = false;
	pthread_mutex_lock(&server->lock);
	arena = lf_rpc_arena_keep(server, arena);
	pthread_mutex_unlock(&server->lock);
	lf_rpc_arena_free(arena);
}

struct lf_rpc_arena *lf_rpc_call_release(struct lf_rpc_call *call)
{
	const struct lf_rpc_cache *cache = call->server->options.cache;

	call->transport->release(call);
	if (call->admitted)
		lf_rpc_give(call, call->request.bytes);
	for (size_t i = 0; i < call->held_count; i++)
		cache->release(cache->context, call->held[i]);
	call->held_count = 0;
	free_kept(call);
	call->resume = NULL;
	call->dropped = NULL;
	call->request.metadata_count = 0;
	return lf_rpc_arena_return(call);
}

/* ---- what a method may ask ---- */

struct lf_arena *lf_rpc_arena(struct lf_rpc_call *call)
{
	return &call->arena->arena;
}

const struct lf_trace *lf_rpc_trace(const struct lf_rpc_call *call)
{
	return &call->trace;
}

const char *lf_rpc_caller(const struct lf_rpc_call *call)
{
	return call->caller;
}

struct lf_slice lf_rpc_metadata(const struct lf_rpc_call *call, const char *key)
{
	return lf_metadata_find(call->request.metadata, call->request.metadata_count, key);
}

void lf_rpc_request_bytes(const struct lf_rpc_call *call, const uint8_t **data, size_t *length)
{
	*data = call->request.message;
	*length = call->request.message_length;
}

void *const *lf_rpc_held(const struct lf_rpc_call *call, size_t *count)
{
	*count = call->held_count;
	return call->held;
}

bool lf_rpc_has_wrong_token(const struct lf_rpc_call *call)
{
	return call->wrong_token;
}

uint32_t lf_rpc_retry_ms(const struct lf_rpc_call *call)
{
	return call->retry_ms;
}

bool lf_rpc_call_overdue(const struct lf_rpc_call *call)
{
	return call->deadline_ns != 0 && lf_clock_ns() >= call->deadline_ns;
}

bool lf_rpc_expired(const struct lf_rpc_call *call)
{
	return lf_rpc_call_overdue(call) || call->transport->is_gone(call);
}
