#include "proto/base/clock.h"
#include "proto/base/forget.h"
#include "service/rpc/nng/internal.h"

/*
 * The turns of REP contexts. A receive is started only after the reply was sent, because a REP context drops its reply
 * otherwise. nng's callbacks never wait.
 */

/* Aborts unless the turn is in `from`: two owners of one aio (N1). */
static void change(struct lf_turn *turn, enum lf_turn_state from, enum lf_turn_state to)
{
	LF_CHECK(N1, from == LF_TURN_OURS || to == LF_TURN_OURS);
	LF_CHECK(N1, atomic_compare_exchange_strong(&turn->state, &from, to));
}

/* Whether something may be handed to nng; then leave() once that is done. */
static bool enter(struct lf_rpc_nng *nng)
{
	atomic_fetch_add(&nng->inside, 1);
	if (!atomic_load(&nng->closed))
		return true;
	atomic_fetch_sub(&nng->inside, 1);
	return false;
}

static void leave(struct lf_rpc_nng *nng)
{
	atomic_fetch_sub(&nng->inside, 1);
}

/*
 * The next request, for a turn that nng->owned counts, once entered. Neither turn nor call may be touched afterwards.
 */
static void receive(struct lf_turn *turn)
{
	struct lf_rpc_nng *nng = turn->nng; /* outlives this, unlike the turn */

	change(turn, LF_TURN_OURS, LF_TURN_RECEIVING);
	nng_aio_set_timeout(turn->aio, NNG_DURATION_INFINITE);
	nng_ctx_recv(turn->context, turn->aio);
	leave(nng);
}

/* The same for a turn that nng->owned counts still, where the transport has not closed. */
static void receive_again(struct lf_turn *turn)
{
	if (enter(turn->nng))
		receive(turn);
	else
		atomic_fetch_sub(&turn->nng->owned, 1);
}

void lf_turn_start(struct lf_turn *turn)
{
	atomic_fetch_add(&turn->nng->owned, 1);
	receive_again(turn);
}

/* The context is free for a request of any connection. Before the turn is over: then all may be gone. */
static void end(struct lf_turn *turn)
{
	if (turn->bundle != NULL)
		lf_peers_end_bundle(&turn->nng->peers, turn->connection, turn->bundle->count);
	lf_peers_end_turn(&turn->nng->peers, turn->connection);
	turn->connection = NULL;
}

/* It is over for whoever has it. All may be gone afterwards, unless nng->owned counts the turn. */
static void over(struct lf_turn *turn, enum lf_rpc_sending sending)
{
	struct lf_bundle_turn *bundle = turn->bundle;

	turn->bundle = NULL;
	if (bundle != NULL)
		lf_bundles_over(bundle, sending);
	else
		lf_rpc_turn_over(turn->call, sending);
}

/* ---- for dispatch ---- */

bool lf_turn_is_gone(const struct lf_rpc_call *call)
{
	const struct lf_turn *turn = lf_rpc_call_own(call);

	return !lf_peers_has(&turn->nng->peers, turn->pipe);
}

void lf_turn_release(struct lf_rpc_call *call)
{
	struct lf_turn *turn = lf_rpc_call_own(call);

	if (turn->request != NULL)
		nng_msg_free(turn->request);
	turn->request = NULL;
	turn->request_id = turn->tracestate = (struct lf_slice){0};
}

/* A reply of so many bytes is about to leave. */
static void linger(struct lf_rpc_nng *nng, size_t bytes)
{
	const uint64_t ms = bytes > LF_NNG_LARGE_REPLY_BYTES ? LF_NNG_LINGER_LARGE_MS : LF_NNG_LINGER_MS;
	const uint64_t until = lf_clock_ns() + ms * 1000000;
	uint64_t before = atomic_load_explicit(&nng->linger_ns, memory_order_relaxed);

	while (until > before && !atomic_compare_exchange_weak(&nng->linger_ns, &before, until))
		continue;
}

/* Sends the reply, where there is one and the transport has not closed, else ends the turn. */
static void send_reply(struct lf_turn *turn, nng_msg *reply)
{
	struct lf_rpc_nng *nng = turn->nng;
	const bool open = enter(nng);

	if (open)
		atomic_fetch_add(&nng->owned, 1);
	if (!open || reply == NULL) {
		if (reply != NULL)
			nng_msg_free(reply);
		end(turn);
		over(turn, LF_RPC_UNSENT);
		if (open) /* else all may be gone */
			receive(turn);
		return;
	}
	linger(nng, nng_msg_len(reply));
	nng_aio_set_msg(turn->aio, reply);
	nng_aio_set_timeout(turn->aio, LF_NNG_SEND_MS);
	change(turn, LF_TURN_OURS, LF_TURN_SENDING);
	nng_ctx_send(turn->context, turn->aio);
	leave(nng);
}

void lf_turn_finish(struct lf_rpc_call *call)
{
	struct lf_turn *turn = lf_rpc_call_own(call);
	nng_msg *reply = turn->reply;

	turn->reply = NULL;
	send_reply(turn, reply);
}

/* ---- from nng ---- */

static void on_sent(struct lf_turn *turn)
{
	const int rc = nng_aio_result(turn->aio);

	change(turn, LF_TURN_SENDING, LF_TURN_OURS);
	if (rc != 0) {
		/* The watchdog sees to a peer that takes nothing; closing it from here could stop nng. */
		nng_msg_free(nng_aio_get_msg(turn->aio));
		nng_aio_set_msg(turn->aio, NULL);
	}
	end(turn);
	over(turn, rc == 0 ? LF_RPC_SENT : LF_RPC_SEND_FAILED);
	receive_again(turn);
}

/* What it says is no request: it is answered with the error, which is cleaned up. */
static void broken(struct lf_turn *turn, struct lf_error *error)
{
	lf_rpc_arrived_broken(turn->call,
		&(struct lf_rpc_request){.protocol = turn->nng->protocol, .peer = turn->connection->peer}, error);
	lf_error_clean_up(error);
}

static void several_arrived(struct lf_turn *turn)
{
	struct lf_error error = LF_ERROR_INIT;

	turn->request_id = turn->tracestate = (struct lf_slice){0};
	if (lf_bundles_arrived(turn, send_reply, &error) != LF_OK)
		broken(turn, &error);
}

static void one_arrived(struct lf_turn *turn)
{
	struct lf_rpc_request request;
	struct lf_error error = LF_ERROR_INIT;

	if (lf_frames_read(turn, &request)) {
		lf_rpc_arrived(turn->call, &request);
		return;
	}
	lf_frames_explain(turn, &error);
	broken(turn, &error);
}

static void on_received(struct lf_turn *turn)
{
	change(turn, LF_TURN_RECEIVING, LF_TURN_OURS);
	if (nng_aio_result(turn->aio) != 0) {
		/* Only closing ends a receive; were it anything else, it is tried again. */
		receive_again(turn);
		return;
	}
	turn->request = nng_aio_get_msg(turn->aio);
	nng_aio_set_msg(turn->aio, NULL);
	turn->pipe = (uint32_t)nng_pipe_id(nng_msg_get_pipe(turn->request));
	turn->connection = lf_peers_begin_turn(&turn->nng->peers, turn->pipe);
	if (turn->connection == NULL) {
		/* Its replies would not be read, or there is nobody to read them. */
		nng_msg_free(turn->request);
		turn->request = NULL;
		receive_again(turn);
		return;
	}
	atomic_fetch_sub(&turn->nng->owned, 1);
	if (lf_bundle_is(LF_BUNDLE_REQUESTS, nng_msg_body(turn->request), nng_msg_len(turn->request)))
		several_arrived(turn);
	else
		one_arrived(turn);
}

void lf_turn_on_aio(void *argument)
{
	struct lf_turn *turn = argument;

	if (atomic_load_explicit(&turn->state, memory_order_acquire) == LF_TURN_RECEIVING)
		on_received(turn);
	else
		on_sent(turn);
	lf_forget_stack();
}
