#include "proto/base/forget.h"
#include "service/rpc/internal.h"

/*
 * The queue and the threads that work it off. A worker is woken only if one sleeps that was not woken already, and by
 * whoever gave the lock back, so that it does not wake into a lock that is held.
 */

/* ---- the queue ---- */

bool lf_rpc_enqueue(struct lf_rpc_server *server, struct lf_rpc_call *call)
{
	call->next = NULL;
	if (server->queue_last != NULL)
		server->queue_last->next = call;
	else
		server->queue_first = call;
	server->queue_last = call;
	if (server->sleepers <= server->wakes)
		return false;
	server->wakes++;
	return true;
}

void lf_rpc_wake(struct lf_rpc_server *server)
{
	pthread_cond_signal(&server->work);
}

/* Under the lock: waits for a call; NULL where workers shall exit. */
static struct lf_rpc_call *dequeue(struct lf_rpc_server *server)
{
	struct lf_rpc_call *call;

	while (server->queue_first == NULL && !server->closed) {
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
	call = server->queue_first;
	server->queue_first = call->next;
	if (server->queue_first == NULL)
		server->queue_last = NULL;
	if (call->arena == NULL)
		call->arena = lf_rpc_arena_take(server);
	return call;
}

void lf_rpc_drop_queued(struct lf_rpc_server *server)
{
	struct lf_rpc_call *queued;

	pthread_mutex_lock(&server->lock);
	queued = server->queue_first;
	server->queue_first = server->queue_last = NULL;
	pthread_mutex_unlock(&server->lock);
	while (queued != NULL) {
		struct lf_rpc_call *next = queued->next;

		lf_rpc_call_change(queued, LF_RPC_CALL_QUEUED, LF_RPC_CALL_WORKING);
		lf_rpc_drop(queued);
		queued = next;
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
	bool yields;

	LF_CHECK(R10, call->on_worker);
	pthread_mutex_lock(&server->lock);
	yields = server->queue_first != NULL && !server->closed;
	if (yields) {
		call->resume = run;
		call->resume_context = context;
		call->dropped = dropped;
		lf_rpc_call_change(call, LF_RPC_CALL_WORKING, LF_RPC_CALL_QUEUED);
		/* This thread comes for it, or for who waited before: nobody needs to be woken. */
		lf_rpc_enqueue(server, call);
	}
	pthread_mutex_unlock(&server->lock);
	return yields;
}
