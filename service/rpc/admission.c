#include "proto/base/clock.h"
#include "service/rpc/internal.h"

/* The way in: what becomes of a request that has arrived. */

#define REFUSED(name, text) REFUSED_##name,
enum admission {
	ADMITTED,
	ADMITTED_QUICK, /* to be worked on here and now */
	DROPPED,
	LF_RPC_REFUSALS(REFUSED) /* from REFUSED_SIZE on RESOURCE_EXHAUSTED */
};
#undef REFUSED

/* What was decided, and what there is to say about it. */
struct decision {
	enum admission admission;
	enum lf_rpc_identity identity;
	enum lf_rpc_share_kind kind;
	size_t has; /* of whose share it is */
	uint32_t quota;
};

/* ---- what to say ---- */

static void explain_share(const struct lf_rpc_call *call, const struct decision *decision, struct lf_error *error)
{
	char whose[LF_ID_BYTES_MAX + 16];

	lf_rpc_whose(call, decision->kind, whose, sizeof(whose));
	if (decision->admission == REFUSED_SHARE_IN_FLIGHT)
		lf_error_set(error, LF_RESOURCE_EXHAUSTED,
			"%s has %zu requests in flight, which is its share of %zu at the moment: retry later", whose,
			decision->has, call->server->options.in_flight_max);
	else
		lf_error_set(error, LF_RESOURCE_EXHAUSTED,
			"the requests of %s use %zu bytes, and with %zu more would have more than its share of %zu: "
			"retry later",
			whose, decision->has, call->request.bytes, call->server->budget.max);
}

static void explain(const struct lf_rpc_call *call, const struct decision *decision, struct lf_error *error)
{
	const struct lf_rpc_server *server = call->server;

	switch (decision->admission) {
	case REFUSED_AUTH:
		lf_rpc_unidentified(call, decision->identity, error);
		break;
	case REFUSED_STOPPING:
		lf_error_set(error, LF_UNAVAILABLE, "the service is stopping");
		break;
	case REFUSED_IN_FLIGHT:
		lf_error_set(error, LF_RESOURCE_EXHAUSTED,
			"%zu requests are in flight, which is the limit: retry later", server->options.in_flight_max);
		break;
	case REFUSED_BYTES:
		lf_error_set(error, LF_RESOURCE_EXHAUSTED, "the requests in flight use all of %zu bytes: retry later",
			server->budget.max);
		break;
	case REFUSED_QUOTA_IN_FLIGHT:
		lf_error_set(error, LF_RESOURCE_EXHAUSTED,
			"caller \"%s\" has %zu requests in flight, and may have %u: retry later", call->caller,
			decision->has, (unsigned)decision->quota);
		break;
	case REFUSED_QUOTA_RATE:
		lf_error_set(error, LF_RESOURCE_EXHAUSTED,
			"caller \"%s\" has used its %u requests per second: retry in %u ms", call->caller,
			(unsigned)decision->quota, (unsigned)call->retry_ms);
		break;
	case REFUSED_SIZE:
		lf_error_set(error, LF_RESOURCE_EXHAUSTED, "the request has %zu bytes, the limit of a message is %zu",
			call->request.bytes, server->options.message_bytes_max);
		break;
	default:
		explain_share(call, decision, error);
	}
}

/* Apart, for the error's hundreds of bytes are cleared wherever it is declared. */
static void refuse(struct lf_rpc_call *call, const struct decision *decision)
{
	struct lf_error error = LF_ERROR_INIT;

	explain(call, decision, &error);
	lf_rpc_fail_with(call, &error);
}

/* ---- what to do; all under the lock ---- */

/* Whether it goes in beyond the limits. Its bytes are taken then. */
static bool admit_urgent(struct lf_rpc_server *server, struct lf_rpc_call *call)
{
	if (call->service == NULL || !call->service->urgent[call->method] || call->transport->together ||
		call->request.bytes > LF_RPC_URGENT_BYTES_MAX || server->urgent == LF_URGENT_MAX ||
		(call->peer != NULL && call->peer->urgent == LF_RPC_URGENT_A_CONNECTION) ||
		!lf_rpc_budget_take_urgent(&server->budget, call->request.bytes))
		return false;
	lf_rpc_share_bytes(call, call->request.bytes, 0);
	call->urgent = true;
	server->urgent++;
	if (call->peer != NULL)
		call->peer->urgent++;
	return true;
}

static enum admission check_in_flight(
	struct lf_rpc_server *server, const struct lf_rpc_call *call, struct decision *decision)
{
	const size_t free = server->options.in_flight_max - (server->in_flight - server->urgent);
	const struct lf_rpc_account *account = call->account;

	if (account != NULL && account->in_flight_max != 0) {
		decision->has = atomic_load(&account->share.in_flight);
		decision->quota = account->in_flight_max;
		if (decision->has >= decision->quota)
			return REFUSED_QUOTA_IN_FLIGHT;
	}
	if (free == 0)
		return REFUSED_IN_FLIGHT;
	if (lf_rpc_may_fly(call, free, &decision->kind))
		return ADMITTED;
	decision->has = atomic_load(&call->shares[decision->kind]->in_flight);
	return REFUSED_SHARE_IN_FLIGHT;
}

static bool check_rate(struct lf_rpc_call *call, struct decision *decision)
{
	const uint64_t second_ns = UINT64_C(1000000000);
	struct lf_rpc_account *account = call->account;
	uint64_t wait_ns;

	if (account == NULL || account->requests_per_second == 0)
		return true;
	decision->quota = account->requests_per_second;
	if (lf_rpc_bucket_take(&account->bucket, second_ns / decision->quota, second_ns, &wait_ns))
		return true;
	call->retry_ms = (uint32_t)((wait_ns + 999999) / 1000000);
	return false;
}

/* Where it is admitted, its bytes are taken. */
static enum admission decide(struct lf_rpc_server *server, struct lf_rpc_call *call, struct decision *decision)
{
	enum admission admission;

	if (call->request.bytes > server->options.message_bytes_max)
		return REFUSED_SIZE;
	if (admit_urgent(server, call))
		return ADMITTED;
	admission = check_in_flight(server, call, decision);
	if (admission != ADMITTED)
		return admission;
	if (!lf_rpc_may_take(call, call->request.bytes, &decision->kind)) {
		decision->has = atomic_load(&call->shares[decision->kind]->bytes);
		return REFUSED_SHARE_BYTES;
	}
	if (!lf_rpc_budget_take(&server->budget, call->request.bytes))
		return REFUSED_BYTES;
	if (check_rate(call, decision)) {
		lf_rpc_share_bytes(call, call->request.bytes, 0);
		return ADMITTED;
	}
	lf_rpc_budget_give(&server->budget, call->request.bytes);
	return REFUSED_QUOTA_RATE;
}

static void take_in(struct lf_rpc_server *server, struct lf_rpc_call *call)
{
	call->admitted = true;
	server->in_flight++;
	server->taken_in++;
	for (size_t i = 0; i < LF_RPC_SHARES; i++)
		if (call->shares[i] != NULL)
			atomic_fetch_add(&call->shares[i]->in_flight, 1);
	LF_CHECK(R6,
		server->urgent <= LF_URGENT_MAX && server->in_flight - server->urgent <= server->options.in_flight_max);
}

/* One that has guessed too often gets no answer. */
static enum admission refuse_identity(
	struct lf_rpc_server *server, struct lf_rpc_call *call, enum lf_rpc_identity identity)
{
	uint64_t wait_ns;

	lf_rpc_count_auth_failure(server, identity);
	if (!call->wrong_token)
		return REFUSED_AUTH;
	if (call->peer == NULL ||
		lf_rpc_bucket_take(&call->peer->wrong_tokens, LF_RPC_WRONG_TOKEN_NS,
			(uint64_t)LF_RPC_WRONG_TOKENS * LF_RPC_WRONG_TOKEN_NS, &wait_ns))
		return REFUSED_AUTH;
	server->unanswered++;
	return DROPPED;
}

static bool may_be_quick(const struct lf_rpc_server *server, const struct lf_rpc_call *call)
{
	return call->service != NULL && call->service->quick[call->method] &&
		call->request.bytes <= LF_RPC_QUICK_BYTES_MAX && server->in_flight < server->quick_max &&
		server->in_flight < call->transport->quick_max && server->queued == 0;
}

static void admit(struct lf_rpc_server *server, struct lf_rpc_call *call, struct decision *decision)
{
	enum admission admission = ADMITTED;
	bool wake = false;

	pthread_mutex_lock(&server->lock);
	lf_rpc_hold(call);
	if (server->closed)
		admission = DROPPED;
	else if (server->stopping)
		admission = REFUSED_STOPPING;
	else if (decision->identity != LF_RPC_KNOWN)
		admission = refuse_identity(server, call, decision->identity);
	else
		admission = decide(server, call, decision);
	if (admission == ADMITTED && !call->urgent && may_be_quick(server, call))
		admission = ADMITTED_QUICK;
	decision->admission = admission;
	if (admission <= ADMITTED_QUICK)
		take_in(server, call);
	if (admission == ADMITTED_QUICK)
		call->arena = lf_rpc_arena_take(server);
	lf_rpc_call_change(call, LF_RPC_CALL_IDLE, admission == ADMITTED ? LF_RPC_CALL_QUEUED : LF_RPC_CALL_WORKING);
	if (admission == ADMITTED)
		wake = lf_rpc_enqueue(server, call);
	pthread_mutex_unlock(&server->lock);
	if (wake)
		lf_rpc_wake(server);
}

/* ---- arriving ---- */

static void begin(struct lf_rpc_call *call, const struct lf_rpc_request *request)
{
	call->request = *request;
	call->service = NULL;
	call->peer = request->peer;
	call->account = NULL;
	call->caller = "";
	call->arrived_ns = lf_clock_ns();
	call->deadline_ns =
		request->timeout_ms == 0 ? 0 : call->arrived_ns + (uint64_t)request->timeout_ms * UINT64_C(1000000);
	lf_trace_begin(&call->trace, lf_metadata_find(request->metadata, request->metadata_count, "traceparent"));
}

/* Which shares and which queue are its own, now that it is known who calls. */
static void belong(struct lf_rpc_call *call)
{
	struct lf_rpc_peer *peer = call->peer;

	call->shares[LF_RPC_CONNECTION] = peer != NULL ? &peer->share : NULL;
	call->shares[LF_RPC_ADDRESS] = peer != NULL && peer->address != NULL ? &peer->address->share : NULL;
	call->shares[LF_RPC_CALLER] = call->account != NULL ? &call->account->share : NULL;
	call->flow = call->account != NULL ? &call->account->flow
		: peer != NULL             ? &peer->flow
					   : &call->server->other_flow;
}

void lf_rpc_arrived(struct lf_rpc_call *call, const struct lf_rpc_request *request)
{
	struct lf_rpc_server *server = call->server;
	struct lf_rpc_book *book = lf_rpc_book_take(server);
	struct decision decision = {.admission = ADMITTED};

	begin(call, request);
	call->service = lf_rpc_find_method(server, request->method, &call->method);
	lf_rpc_count_arrived(call);
	decision.identity = lf_rpc_identify(call, book);
	belong(call);
	admit(server, call, &decision);
	lf_rpc_book_give(server, book);
	if (decision.admission >= REFUSED_AUTH)
		lf_rpc_count_refused(server, decision.admission - REFUSED_AUTH);
	if (decision.admission == ADMITTED_QUICK)
		lf_rpc_work(call, false);
	else if (decision.admission == DROPPED)
		lf_rpc_drop(call);
	else if (decision.admission != ADMITTED)
		refuse(call, &decision);
	/* Admitted: not ours any more. */
}

void lf_rpc_arrived_broken(struct lf_rpc_call *call, const struct lf_rpc_request *known, const struct lf_error *error)
{
	begin(call, known);
	lf_rpc_count_arrived(call);
	pthread_mutex_lock(&call->server->lock);
	lf_rpc_hold(call);
	pthread_mutex_unlock(&call->server->lock);
	lf_rpc_call_change(call, LF_RPC_CALL_IDLE, LF_RPC_CALL_WORKING);
	lf_rpc_fail(call, error);
}
