#include "proto/base/forget.h"
#include "service/rpc/internal.h"

/*
 * The queues and the threads that work them off. Each caller has a queue (without tokens, each connection), and queues
 * take turns: with N that have something, each gets a worker after N - 1 others. Urgent calls have one of their own, and
 * every other turn while there are any.
 *
 * A worker is woken only if one sleeps that was not woken already, and by whoever gave the lock back, so that it does not
 * wake into a lock that is held.
 */

/* ---- the queues ---- */

/* Puts a queue at the end of those that have calls. */
static void line_up(struct lf_rpc_server *server, struct lf_rpc_flow *flow)
{
	flow->next = NULL;
	if (server->flow_last != NULL)
		server->flow_last->next = flow;
	else
		server->flow_first = flow;
	server->flow_last = flow;
}

bool lf_rpc_enqueue(struct lf_rpc_server *server, struct lf_rpc_call *call)
{
	struct lf_rpc_flow *flow = call->urgent ? &server->urgent_flow : call->flow;

	call->next = NULL;
	if (flow->first != NULL)
		flow->last->next = call;
	else {
		flow->first = call;
		if (!call->urgent)
			line_up(server, flow);
	}
	flow->last = call;
	server->queued++;
	if (server->sleepers <= server->wakes)
		return false;
	server->wakes++;
	return true;
}

void lf_rpc_wake(struct lf_rpc_server *server)
{
	pthread_cond_signal(&server->work);
}

static struct lf_rpc_call *pop(struct lf_rpc_server *server, struct lf_rpc_flow *flow)
{
	struct lf_rpc_call *call = flow->first;

	flow->first = call->next;
	server->queued--;
	return call;
}

/* The next call in turn; NULL where there is none. */
static struct lf_rpc_call *next_in_turn(struct lf_rpc_server *server)
{
	struct lf_rpc_flow *flow = server->flow_first;
	struct lf_rpc_call *call;

	server->urgent_had_turn = server->urgent_flow.first != NULL && (flow == NULL || !server->urgent_had_turn);
	if (server->urgent_had_turn)
		return pop(server, &server->urgent_flow);
	if (flow == NULL)
		return NULL;
	server->flow_first = flow->next;
	if (server->flow_first == NULL)
		server->flow_last = NULL;
	call = pop(server, flow);
	if (flow->first != NULL)
		line_up(server, flow);
	return call;
}

/* Under the lock: waits for a call; NULL where workers shall exit. */
static struct lf_rpc_call *dequeue(struct lf_rpc_server *server)
{
	struct lf_rpc_call *call;

	while (server->queued == 0 && !server->closed) {
		server->sleepers++;
		while (server->wakes == 0 && !server->closed) {
			lf_forget_stack();
			pthread_cond_wait(&server->work, &server->lock);
		}
		if (server->wakes != 0)
			server->wakes--;
		server->sleepers--;
	}
	if (server->closed)
		return NULL;
	call = next_in_turn(server);
	if (call->arena == NULL)
		call->arena = lf_rpc_arena_take(server);
	return call;
}

void lf_rpc_drop_queued(struct lf_rpc_server *server)
{
	struct lf_rpc_call *queued;

	for (;;) {
		pthread_mutex_lock(&server->lock);
		queued = next_in_turn(server);
		pthread_mutex_unlock(&server->lock);
		if (queued == NULL)
			return;
		lf_rpc_call_change(queued, LF_RPC_CALL_QUEUED, LF_RPC_CALL_WORKING);
		lf_rpc_drop(queued);
	}
}

/* ---- work ---- */

/* Apart, for the error's hundreds of bytes are cleared wherever it is declared. */
static void fail_without_memory(struct lf_rpc_call *call)
{
	struct lf_error error = LF_ERROR_INIT;

	lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "no memory for the request: retry later");
	lf_rpc_fail_with(call, &error);
}

void lf_rpc_work(struct lf_rpc_call *call, bool on_worker)
{
	call->on_worker = on_worker;
	if (call->transport->is_gone(call)) {
		lf_rpc_drop(call);
		return;
	}
	if (call->stream != NULL && !lf_rpc_dispatch_again(call))
		return;
	call->dropped = NULL; /* it is reached */
	if (call->arena == NULL)
		call->arena = lf_rpc_arena_new(call->server);
	if (call->arena != NULL)
		call->arena->call = call;
	if (call->arena == NULL)
		fail_without_memory(call);
	else if (call->resume != NULL)
		call->resume(call, call->resume_context);
	else
		lf_rpc_dispatch(call);
}

void *lf_rpc_worker(void *argument)
{
	struct lf_rpc_server *server = argument;
	struct lf_rpc_call *call;

	for (;;) {
		pthread_mutex_lock(&server->lock);
		call = dequeue(server);
		pthread_mutex_unlock(&server->lock);
		if (call == NULL)
			return NULL;
		lf_rpc_call_change(call, LF_RPC_CALL_QUEUED, LF_RPC_CALL_WORKING);
		lf_rpc_work(call, true);
	}
}

/* ---- what a method may do with its thread ---- */

void lf_rpc_later(struct lf_rpc_call *call, void (*run)(struct lf_rpc_call *call, void *context), void *context)
{
	struct lf_rpc_server *server = call->server;
	bool wake = false, closed;

	lf_rpc_call_check_working(call);
	if (call->on_worker) {
		run(call, context);
		return;
	}
	call->resume = run;
	call->resume_context = context;
	pthread_mutex_lock(&server->lock);
	closed = server->closed;
	if (!closed) {
		lf_rpc_call_change(call, LF_RPC_CALL_WORKING, LF_RPC_CALL_QUEUED);
		wake = lf_rpc_enqueue(server, call);
	}
	pthread_mutex_unlock(&server->lock);
	if (wake)
		lf_rpc_wake(server);
	if (closed)
		lf_rpc_drop(call);
}

bool lf_rpc_yield(struct lf_rpc_call *call, void (*run)(struct lf_rpc_call *call, void *context),
	void (*dropped)(void *context), void *context)
{
	struct lf_rpc_server *server = call->server;
	bool yields, wake = false;

	LF_CHECK(R10, call->on_worker);
	pthread_mutex_lock(&server->lock);
	yields = server->queued != 0 && !server->closed;
	if (yields) {
		call->resume = run;
		call->resume_context = context;
		call->dropped = dropped;
		lf_rpc_call_change(call, LF_RPC_CALL_WORKING, LF_RPC_CALL_QUEUED);
		wake = lf_rpc_enqueue(server, call);
	}
	pthread_mutex_unlock(&server->lock);
	if (wake)
		lf_rpc_wake(server);
	return yields;
}
