#include "service/rpc/internal.h"

#include <assert.h>
#include <stdlib.h>

/*
 * Design notes
 *
 * The promise: every request that arrives is completed exactly once: answered, or dropped because its peer has gone
 * or the server has closed. A call is one REP context and one aio for the life of the server; a request lives in it
 * for one turn:
 *
 *	        receive             arrives, admitted           a worker takes it
 *	 IDLE ───────────► RECEIVING ─────────────────► QUEUED ◄──────────────────► WORKING
 *	  ▲                 │     │                              may block: later   ▲  │  │
 *	  │◄──── closed ────┘     └─────────── arrives, refused, or quick ──────────┘  │  │ answered
 *	  │◄───────────── dropped: the peer has gone, or nothing to send with ─────────┘  ▼
 *	  └◄───────────────────── sent, failed, or closed ──────────────────────────── REPLYING
 *
 *	state      who may touch the call
 *	IDLE       whoever brought it there, who starts the next receive; nobody once the server has closed
 *	RECEIVING  nng, then its callback
 *	QUEUED     the queue, under server->lock
 *	WORKING    the worker, then whoever the method handed it to, until it answers
 *	REPLYING   nng, then its callback
 *
 * Every change is a compare-and-swap from the one state it may come from, asserted: a second answer to a call finds
 * it in another state. A receive is started only after the reply was sent, because a REP context drops its reply
 * otherwise.
 *
 * nng's callbacks never wait: they take server->lock, which nobody holds while blocking, and hand work to the
 * workers. A worker is woken only if one sleeps that was not woken already. A small request of the quick method is
 * worked on in the callback itself while no more requests are in flight than half of nng's threads: to wake a worker
 * takes as long as half of such a request's work. With more in flight nng's threads are needed for messages: to keep
 * them scoring then was tried, and is slower. What of the method may block goes to a worker (lf_rpc_later()). There are
 * more contexts than may be in flight, so that a further request is refused at once rather than left unread; a reply
 * that its peer does not take keeps its place in flight, and after LF_RPC_SEND_MS the peer is disconnected.
 *
 * Memory: request bytes, the blocks of arenas, what methods keep (lf_rpc_keep()) and staged replies come out of one
 * budget (atomic, no lock); what a call holds of options.cache is bounded by that. Where even the memory for an error
 * reply is missing, the request's own message is emptied and carries it (rpc_call.c).
 *
 * Stopping: arrivals are answered UNAVAILABLE while what is in flight drains (nng closes connections together with
 * their listener, so listeners must stay until then). Then `closed` is set: from here nothing is handed to nng, and
 * what it holds comes back through callbacks when the socket closes. nng_owned counts those; an aio is freed when it
 * is 0. nng must not be closed while a thread is still on its way out of nng_ctx_send() or nng_ctx_recv(), where it
 * lets go of the context and locks the socket once more (1.5.2 uses freed memory then); `inside` counts those. A call
 * that a method still holds then, keeps the server's memory until it is answered.
 *
 * nng (1.5.2, and 1.10 as well) reads a message in two halves, its length and the rest. Where a connection is closed
 * from this side after the first half was read and before the second was asked for, nng_stream_recv() refuses (the
 * transport's aio is stopped: nni_aio_begin()) without a callback; so the protocol's aio never completes, and the one
 * thread in which nng lets go of connections, nng:reap, waits for it in the protocol's pipe_stop() for ever. Then no
 * nng_close() returns, and no connection is taken off the books any more. It is likely on a busy connection: some tens
 * of clients killed amid their requests, or one stop under load. So connections end from their reading side:
 *
 *	a peer that has gone      nng closes its connection when a send fails: this is told as sent, and the reading
 *	                          finds the end (sendmsg() in rpc_watchdog.c)
 *	a stop, a dead listener   reading is shut down first, nng finds the end of the stream and closes the connection
 *	                          itself, nothing being read (lf_listeners_part())
 *	a peer that takes no      closed, after LF_RPC_SEND_MS: the chance is left that it sends a request at that very
 *	replies                   moment
 *
 * What is left of the chance is bounded: lf_rpc_server_stop() waits for nng no longer than LF_RPC_TEAR_DOWN_MS, and the
 * watchdog notices that nng lets go of nothing any more (on_stuck).
 */

void lf_rpc_call_change(struct lf_rpc_call *call, enum lf_call_state from, enum lf_call_state to)
{
	bool was = atomic_compare_exchange_strong(&call->state, &from, to);

	assert(was);
	(void)was;
}

/* ---- what a request holds ---- */

/*
 * Gives back what a request holds but for its arena, which is returned empty, for lf_rpc_arena_keep() at the next time
 * under the lock. Any thread.
 */
static struct lf_rpc_arena *call_release(struct lf_rpc_call *call)
{
	struct lf_rpc_arena *arena = call->arena;

	if (call->reply != NULL)
		nng_msg_free(call->reply);
	if (call->request != NULL)
		nng_msg_free(call->request);
	if (call->admitted)
		lf_rpc_budget_give(&call->server->budget, call->request_bytes);
	for (size_t i = 0; i < call->held_count; i++)
		call->server->options.cache->release(call->server->options.cache->context, call->held[i]);
	call->held_count = 0;
	free(call->kept);
	lf_rpc_budget_give(&call->server->budget, call->kept_bytes);
	call->kept = NULL;
	call->kept_bytes = 0;
	call->reply = NULL;
	call->request = NULL;
	call->arena = NULL;
	call->message = NULL;
	call->resume = NULL;
	call->dropped = NULL;
	call->request_id = (struct lf_slice){0};
	if (arena != NULL)
		lf_arena_reset(&arena->arena);
	return arena;
}

/* ---- the turns of a call ---- */

void lf_rpc_call_receive(struct lf_rpc_call *call)
{
	struct lf_rpc_server *server = call->server; /* outlives this, unlike the call's turn */

	lf_rpc_call_change(call, LF_CALL_IDLE, LF_CALL_RECEIVING);
	nng_aio_set_timeout(call->aio, NNG_DURATION_INFINITE);
	nng_ctx_recv(call->context, call->aio);
	atomic_fetch_sub(&server->inside, 1);
}

/*
 * An IDLE call goes on: the next receive, unless the server has closed. owned: whether nng_owned still counts it.
 * The call's turn is over: it is no longer in flight. Neither call nor server may be touched afterwards.
 */
static void turn_end(struct lf_rpc_call *call, bool owned)
{
	struct lf_rpc_server *server = call->server;
	bool again, destroy = false;

	lf_rpc_budget_give(&server->budget, call->reply_bytes);
	call->reply_bytes = 0;
	pthread_mutex_lock(&server->lock);
	if (call->admitted) {
		call->admitted = false;
		server->in_flight--;
		server->counters.ended++;
	}
	again = !server->closed;
	if (again)
		atomic_fetch_add(&server->inside, 1);
	if (again && !owned)
		server->nng_owned++;
	if (!again && owned)
		server->nng_owned--;
	if (server->in_flight == 0 || server->nng_owned == 0)
		pthread_cond_broadcast(&server->quiet);
	destroy = server->destroyed && server->in_flight == 0 && server->torn_down;
	pthread_mutex_unlock(&server->lock);
	if (destroy)
		lf_rpc_server_free(server);
	else if (again)
		lf_rpc_call_receive(call);
}

static void count(struct lf_rpc_server *server, enum lf_code code)
{
	server->counters.by_code[(unsigned)code <= LF_UNAUTHENTICATED ? (unsigned)code : LF_UNKNOWN]++;
}

void lf_rpc_call_drop(struct lf_rpc_call *call)
{
	struct lf_rpc_server *server = call->server;
	struct lf_rpc_arena *arena;

	if (call->dropped != NULL)
		call->dropped(call->resume_context);
	arena = call_release(call);
	pthread_mutex_lock(&server->lock);
	count(server, LF_CANCELLED);
	arena = lf_rpc_arena_keep(server, arena);
	pthread_mutex_unlock(&server->lock);
	lf_rpc_arena_free(arena);
	lf_rpc_call_change(call, LF_CALL_WORKING, LF_CALL_IDLE);
	turn_end(call, false);
}

/* Under the lock: a reply of so many bytes is about to leave. */
static void linger(struct lf_rpc_server *server, size_t bytes)
{
	const uint64_t ms = bytes > LF_RPC_LARGE_REPLY_BYTES ? LF_RPC_LINGER_LARGE_MS : LF_RPC_LINGER_MS;
	const uint64_t until = lf_clock_ns() + ms * 1000000;

	if (until > server->linger_ns)
		server->linger_ns = until;
}

void lf_rpc_call_answer(struct lf_rpc_call *call, nng_msg *message, enum lf_code code)
{
	struct lf_rpc_server *server = call->server;
	struct lf_rpc_arena *arena;
	bool send;

	if (call->reply == message)
		call->reply = NULL;
	if (call->request == message)
		call->request = NULL;
	arena = call_release(call);
	pthread_mutex_lock(&server->lock);
	count(server, code);
	arena = lf_rpc_arena_keep(server, arena);
	send = message != NULL && !server->closed;
	if (send) {
		server->nng_owned++;
		atomic_fetch_add(&server->inside, 1);
	}
	if (message == NULL)
		server->counters.failed++;
	if (send && call->admitted)
		linger(server, nng_msg_len(message));
	pthread_mutex_unlock(&server->lock);
	lf_rpc_arena_free(arena);
	if (!send) {
		if (message != NULL)
			nng_msg_free(message);
		lf_rpc_call_change(call, LF_CALL_WORKING, LF_CALL_IDLE);
		turn_end(call, false);
		return;
	}
	lf_rpc_call_change(call, LF_CALL_WORKING, LF_CALL_REPLYING);
	nng_aio_set_msg(call->aio, message);
	nng_aio_set_timeout(call->aio, LF_RPC_SEND_MS);
	nng_ctx_send(call->context, call->aio);
	atomic_fetch_sub(&server->inside, 1);
}

static void on_sent(struct lf_rpc_call *call)
{
	struct lf_rpc_server *server = call->server;
	int rc = nng_aio_result(call->aio);

	if (rc != 0) {
		nng_pipe pipe = NNG_PIPE_INITIALIZER;

		nng_msg_free(nng_aio_get_msg(call->aio));
		nng_aio_set_msg(call->aio, NULL);
		pthread_mutex_lock(&server->lock);
		server->counters.failed++;
		pthread_mutex_unlock(&server->lock);
		pipe.id = call->pipe;
		if (rc == NNG_ETIMEDOUT)
			nng_pipe_close(pipe);
	}
	lf_rpc_call_change(call, LF_CALL_REPLYING, LF_CALL_IDLE);
	turn_end(call, true);
}

/* ---- admission ---- */

/* What becomes of an arrival. */
enum verdict {
	ADMITTED,
	QUICK,
	REFUSED_STOPPING,
	REFUSED_IN_FLIGHT,
	REFUSED_BYTES,
	REFUSED_SIZE,
	REFUSED_MEMORY,
	DROPPED
};

static void refuse(struct lf_rpc_call *call, enum verdict verdict)
{
	const struct lf_rpc_server *server = call->server;
	struct lf_error error = LF_ERROR_INIT;

	if (verdict == REFUSED_STOPPING)
		lf_error_set(&error, LF_UNAVAILABLE, "the service is stopping");
	else if (verdict == REFUSED_IN_FLIGHT)
		lf_error_set(&error, LF_RESOURCE_EXHAUSTED,
			"%zu requests are in flight, which is the limit: retry later", server->options.in_flight_max);
	else if (verdict == REFUSED_BYTES)
		lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "the requests in flight use all of %zu bytes: retry later",
			server->budget.max);
	else if (verdict == REFUSED_SIZE)
		lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "the request has %zu bytes, the limit of a message is %zu",
			call->request_bytes, server->options.message_bytes_max);
	else
		lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "no memory for the request: retry later");
	lf_rpc_call_peek(call);
	lf_rpc_fail(call, &error);
}

/* Under the lock: puts it at the queue's end; true where a worker must be woken. */
static bool enqueue(struct lf_rpc_server *server, struct lf_rpc_call *call)
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

static enum verdict admit(struct lf_rpc_server *server, struct lf_rpc_call *call)
{
	enum verdict verdict = ADMITTED;
	bool wake = false, quick = lf_rpc_call_is_quick(call);

	pthread_mutex_lock(&server->lock);
	server->nng_owned--;
	if (server->closed)
		verdict = DROPPED;
	else if (server->stopping)
		verdict = REFUSED_STOPPING;
	else if (call->request_bytes > server->options.message_bytes_max)
		verdict = REFUSED_SIZE;
	else if (server->in_flight >= server->options.in_flight_max)
		verdict = REFUSED_IN_FLIGHT;
	else if (!lf_rpc_budget_take(&server->budget, call->request_bytes))
		verdict = REFUSED_BYTES;
	if (verdict == ADMITTED) {
		call->admitted = true;
		server->in_flight++;
		server->counters.started++;
	}
	if (verdict == ADMITTED && quick && server->in_flight <= server->quick_max) {
		verdict = QUICK;
		call->arena = lf_rpc_arena_take(server);
		lf_rpc_call_change(call, LF_CALL_RECEIVING, LF_CALL_WORKING);
	} else if (verdict == ADMITTED) {
		lf_rpc_call_change(call, LF_CALL_RECEIVING, LF_CALL_QUEUED);
		wake = enqueue(server, call);
	} else {
		lf_rpc_call_change(call, LF_CALL_RECEIVING, LF_CALL_WORKING);
		if (verdict != DROPPED && verdict != REFUSED_STOPPING)
			server->counters.refused++;
	}
	pthread_mutex_unlock(&server->lock);
	if (wake)
		pthread_cond_signal(&server->work);
	return verdict;
}

/* Works on a call that is WORKING, on this thread. The call is gone, or has been handed on. */
static void work(struct lf_rpc_call *call, bool on_worker)
{
	call->on_worker = on_worker;
	if (!lf_peers_has(&call->server->peers, call->pipe)) {
		lf_rpc_call_drop(call);
		return;
	}
	call->dropped = NULL; /* it is reached */
	if (call->arena == NULL)
		call->arena = lf_rpc_arena_new(call->server);
	if (call->arena == NULL)
		refuse(call, REFUSED_MEMORY);
	else if (call->resume != NULL)
		call->resume(call, call->resume_context);
	else
		lf_rpc_call_work(call);
}

void lf_rpc_later(struct lf_rpc_call *call, void (*run)(struct lf_rpc_call *call, void *context), void *context)
{
	struct lf_rpc_server *server = call->server;
	bool wake = false, closed;

	if (call->on_worker) {
		run(call, context);
		return;
	}
	call->resume = run;
	call->resume_context = context;
	pthread_mutex_lock(&server->lock);
	closed = server->closed;
	if (!closed) {
		lf_rpc_call_change(call, LF_CALL_WORKING, LF_CALL_QUEUED);
		wake = enqueue(server, call);
	}
	pthread_mutex_unlock(&server->lock);
	if (wake)
		pthread_cond_signal(&server->work);
	if (closed)
		lf_rpc_call_drop(call);
}

bool lf_rpc_yield(struct lf_rpc_call *call, void (*run)(struct lf_rpc_call *call, void *context),
	void (*dropped)(void *context), void *context)
{
	struct lf_rpc_server *server = call->server;
	bool yields;

	assert(call->on_worker);
	pthread_mutex_lock(&server->lock);
	yields = server->queue_first != NULL && !server->closed;
	if (yields) {
		call->resume = run;
		call->resume_context = context;
		call->dropped = dropped;
		lf_rpc_call_change(call, LF_CALL_WORKING, LF_CALL_QUEUED);
		enqueue(server,
			call); /* this thread comes for it, or for who waited before: nobody needs to be woken */
	}
	pthread_mutex_unlock(&server->lock);
	return yields;
}

static void on_received(struct lf_rpc_call *call)
{
	struct lf_rpc_server *server = call->server;
	enum verdict verdict;

	if (nng_aio_result(call->aio) != 0) {
		/* Only closing ends a receive; were it anything else, turn_end() would try again. */
		lf_rpc_call_change(call, LF_CALL_RECEIVING, LF_CALL_IDLE);
		turn_end(call, true);
		return;
	}
	call->request = nng_aio_get_msg(call->aio);
	nng_aio_set_msg(call->aio, NULL);
	call->request_bytes = nng_msg_len(call->request);
	call->pipe = (uint32_t)nng_pipe_id(nng_msg_get_pipe(call->request));
	call->received_ns = lf_clock_ns();
	call->deadline_ns = 0;
	call->caller = "";
	verdict = admit(server, call);
	if (verdict == QUICK) {
		work(call, false);
	} else if (verdict == DROPPED) {
		lf_rpc_call_drop(call);
	} else if (verdict != ADMITTED) {
		refuse(call, verdict);
	}
	/* Admitted: not ours any more. */
}

void lf_rpc_call_on_aio(void *argument)
{
	struct lf_rpc_call *call = argument;

	if (atomic_load(&call->state) == LF_CALL_RECEIVING)
		on_received(call);
	else
		on_sent(call);
}

void lf_rpc_on_pipe(nng_pipe pipe, nng_pipe_ev event, void *argument)
{
	struct lf_rpc_server *server = argument;
	uint32_t id = (uint32_t)nng_pipe_id(pipe);

	if (event == NNG_PIPE_EV_REM_POST) {
		lf_peers_remove(&server->peers, id);
		return;
	}
	lf_listeners_note(&server->listeners, pipe);
	if (!lf_peers_add(&server->peers, id))
		nng_pipe_close(pipe);
}

/* ---- workers ---- */

/* Under the lock: waits for a call; NULL where workers shall exit. */
static struct lf_rpc_call *dequeue(struct lf_rpc_server *server)
{
	struct lf_rpc_call *call;

	while (server->queue_first == NULL && !server->closed) {
		server->sleepers++;
		while (server->wakes == 0 && !server->closed)
			pthread_cond_wait(&server->work, &server->lock);
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
		lf_rpc_call_change(call, LF_CALL_QUEUED, LF_CALL_WORKING);
		work(call, true);
	}
}
