#include "proto/base/clock.h"
#include "service/rpc/internal.h"

/* The way in: what becomes of a request that has arrived. */

enum admission {
	ADMITTED,
	ADMITTED_QUICK, /* to be worked on here and now */
	REFUSED_STOPPING,
	REFUSED_IN_FLIGHT,
	REFUSED_BYTES,
	REFUSED_SIZE,
	DROPPED
};

static void refuse(struct lf_rpc_call *call, enum admission why)
{
	const struct lf_rpc_server *server = call->server;
	struct lf_error error = LF_ERROR_INIT;

	if (why == REFUSED_STOPPING)
		lf_error_set(&error, LF_UNAVAILABLE, "the service is stopping");
	else if (why == REFUSED_IN_FLIGHT)
		lf_error_set(&error, LF_RESOURCE_EXHAUSTED,
			"%zu requests are in flight, which is the limit: retry later", server->options.in_flight_max);
	else if (why == REFUSED_BYTES)
		lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "the requests in flight use all of %zu bytes: retry later",
			server->budget.max);
	else
		lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "the request has %zu bytes, the limit of a message is %zu",
			call->request.bytes, server->options.message_bytes_max);
	lf_rpc_fail_with(call, &error);
}

/* Under the lock. Where it is admitted, its bytes are taken from the budget. */
static enum admission decide(struct lf_rpc_server *server, struct lf_rpc_call *call, bool quick)
{
	if (server->closed)
		return DROPPED;
	if (server->stopping)
		return REFUSED_STOPPING;
	if (call->request.bytes > server->options.message_bytes_max)
		return REFUSED_SIZE;
	if (server->in_flight >= server->options.in_flight_max)
		return REFUSED_IN_FLIGHT;
	if (!lf_rpc_budget_take(&server->budget, call->request.bytes))
		return REFUSED_BYTES;
	return quick && server->in_flight < server->quick_max ? ADMITTED_QUICK : ADMITTED;
}

static enum admission admit(struct lf_rpc_server *server, struct lf_rpc_call *call, bool quick)
{
	enum admission admission;
	bool wake = false;

	pthread_mutex_lock(&server->lock);
	admission = decide(server, call, quick);
	if (admission <= ADMITTED_QUICK) {
		call->admitted = true;
		server->in_flight++;
		server->counters.started++;
		LF_CHECK(R6, server->in_flight <= server->options.in_flight_max);
	} else if (admission > REFUSED_STOPPING && admission < DROPPED)
		server->counters.refused++;
	if (admission == ADMITTED_QUICK)
		call->arena = lf_rpc_arena_take(server);
	lf_rpc_call_change(call, LF_RPC_CALL_IDLE, admission == ADMITTED ? LF_RPC_CALL_QUEUED : LF_RPC_CALL_WORKING);
	if (admission == ADMITTED)
		wake = lf_rpc_enqueue(server, call);
	pthread_mutex_unlock(&server->lock);
	if (wake)
		lf_rpc_wake(server);
	return admission;
}

static bool is_quick(const struct lf_rpc_call *call)
{
	return call->transport->quick && call->service != NULL && call->service->quick[call->method] &&
		call->request.bytes <= LF_RPC_QUICK_BYTES_MAX;
}

void lf_rpc_arrived(struct lf_rpc_call *call, const struct lf_rpc_request *request)
{
	struct lf_rpc_server *server = call->server;
	enum admission admission;

	call->request = *request;
	call->caller = "";
	call->deadline_ns =
		request->timeout_ms == 0 ? 0 : lf_clock_ns() + (uint64_t)request->timeout_ms * UINT64_C(1000000);
	call->service = lf_rpc_find_method(server, request->method, &call->method);
	admission = admit(server, call, is_quick(call));
	if (admission == ADMITTED_QUICK)
		lf_rpc_work(call, false);
	else if (admission == DROPPED)
		lf_rpc_drop(call);
	else if (admission != ADMITTED)
		refuse(call, admission);
	/* Admitted: not ours any more. */
}

void lf_rpc_arrived_broken(struct lf_rpc_call *call, const struct lf_error *error)
{
	call->request = (struct lf_rpc_request){0};
	call->service = NULL;
	call->caller = "";
	call->deadline_ns = 0;
	lf_rpc_call_change(call, LF_RPC_CALL_IDLE, LF_RPC_CALL_WORKING);
	lf_rpc_fail(call, error);
}
