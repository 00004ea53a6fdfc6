#include "service/rpc/internal.h"

/* Relaxed throughout: the number alone is shared, and nothing is published by it. */

static bool take(struct lf_rpc_budget *budget, size_t bytes, size_t max)
{
	size_t used = atomic_load_explicit(&budget->used, memory_order_relaxed);

	do {
		if (bytes > max || used > max - bytes)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
		&budget->used, &used, used + bytes, memory_order_relaxed, memory_order_relaxed));
	return true;
}

bool lf_rpc_budget_take(struct lf_rpc_budget *budget, size_t bytes)
{
	return take(budget, bytes, budget->max);
}

bool lf_rpc_budget_take_urgent(struct lf_rpc_budget *budget, size_t bytes)
{
	return take(budget, bytes, budget->max + LF_RPC_URGENT_MEMORY);
}

void lf_rpc_budget_give(struct lf_rpc_budget *budget, size_t bytes)
{
	const size_t before = atomic_fetch_sub_explicit(&budget->used, bytes, memory_order_relaxed);

	LF_CHECK(R5, before >= bytes);
}

void lf_rpc_budget_init(struct lf_rpc_budget *budget, size_t max)
{
	atomic_init(&budget->used, 0);
	budget->max = max;
}

bool lf_rpc_server_take(struct lf_rpc_server *server, size_t bytes)
{
	return lf_rpc_budget_take(&server->budget, bytes);
}

void lf_rpc_server_give(struct lf_rpc_server *server, size_t bytes)
{
	lf_rpc_budget_give(&server->budget, bytes);
}
