#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/base/clock.h"
#include "proto/base/forget.h"
#include "proto/base/thread.h"
#include "service/rpc/internal.h"

/*
 * Calls that stay: streams, which send a part now and then, for as long as their peer wants them.
 *
 * The promise: a stream that waits costs no thread and no arena, does not count as in flight, and does not hold back a
 * stop. One that has something to wait for is woken, and none is woken that has ended.
 *
 * All streams are in one list, under server->lock. A stream that waits is WORKING, and the list's: who takes `waiting`
 * back, under the lock, queues it. One thread looks through the list when there is news, and once a second for
 * deadlines and peers that have gone. The last byte that a peer takes is told by its transport, which looks at
 * `for_taken` first, so that no other call pays for this.
 *
 * News are told by the log's writer, for whom everybody waits: an atomic addition, and where there are streams a post
 * that no other one is outstanding for. A stream notes the number of news before it reads, and says that number when it
 * waits: what came in between is seen then. The thread pauses after each round, so that a busy log wakes each stream a
 * few hundred times a second and not for every commit.
 */

enum { PAUSE_MS = 5, TICK_MS = 1000 };

/* ---- waking ---- */

/* Under the lock: a stream that waits goes to the queue. true: lf_rpc_wake() when the lock is given back. */
static bool resume(struct lf_rpc_call *call)
{
	call->stream->waiting = false;
	call->stream->last = call->server->stopping;
	atomic_store(&call->stream->for_taken, false);
	lf_rpc_call_change(call, LF_RPC_CALL_WORKING, LF_RPC_CALL_QUEUED);
	return lf_rpc_enqueue(call->server, call);
}

static bool is_due(const struct lf_rpc_call *call, uint64_t news, uint64_t now_ns)
{
	const struct lf_rpc_wait *wait = &call->stream->wait;

	return (wait->news && wait->seen != news) || (wait->until_ns != 0 && now_ns >= wait->until_ns) ||
		(call->deadline_ns != 0 && now_ns >= call->deadline_ns) || call->transport->is_gone(call);
}

static void wake_due(struct lf_rpc_server *server)
{
	const uint64_t news = atomic_load(&server->news), now_ns = lf_clock_ns();
	size_t wakes = 0;

	pthread_mutex_lock(&server->lock);
	for (struct lf_rpc_stream *stream = server->streams; stream != NULL; stream = stream->next)
		if (stream->waiting && is_due(stream->call, news, now_ns))
			wakes += resume(stream->call);
	pthread_mutex_unlock(&server->lock);
	while (wakes-- > 0)
		lf_rpc_wake(server);
}

static void post(struct lf_rpc_server *server)
{
	if (!atomic_exchange(&server->news_posted, true))
		sem_post(&server->news_post);
}

/* Until there is news, or, where there are streams, a tick has passed. */
static void await_news(struct lf_rpc_server *server)
{
	struct timespec until;

	while (!atomic_load(&server->streams_end)) {
		if (atomic_load(&server->stream_count) == 0) {
			lf_forget_stack();
			if (sem_wait(&server->news_post) == 0)
				return;
			continue; /* a signal */
		}
		until = lf_clock_after_ns((uint64_t)TICK_MS * 1000000);
		if (sem_clockwait(&server->news_post, CLOCK_MONOTONIC, &until) == 0 || errno == ETIMEDOUT)
			return;
	}
}

void *lf_rpc_streams_run(void *argument)
{
	const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000};
	struct lf_rpc_server *server = argument;

	while (!atomic_load(&server->streams_end)) {
		await_news(server);
		atomic_store(&server->news_posted, false);
		wake_due(server);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

void lf_rpc_server_news(struct lf_rpc_server *server)
{
	atomic_fetch_add(&server->news, 1);
	if (atomic_load(&server->stream_count) != 0)
		post(server);
}

/* The peer of a stream has taken all that was sent. */
static void wake_taken(struct lf_rpc_call *call)
{
	struct lf_rpc_server *server = call->server;
	bool wake = false;

	pthread_mutex_lock(&server->lock);
	if (call->stream->waiting && call->stream->wait.taken)
		wake = resume(call);
	pthread_mutex_unlock(&server->lock);
	if (wake)
		lf_rpc_wake(server);
}

void lf_rpc_part_sent(struct lf_rpc_call *call, size_t bytes)
{
	const size_t before = atomic_fetch_sub(&call->part_bytes, bytes);

	LF_CHECK(R5, before >= bytes);
	lf_rpc_give_reply(call, bytes);
	if (before == bytes && call->stream != NULL && atomic_load(&call->stream->for_taken))
		wake_taken(call);
}

size_t lf_rpc_streams_stop(struct lf_rpc_server *server)
{
	size_t wakes = 0;

	for (struct lf_rpc_stream *stream = server->streams; stream != NULL; stream = stream->next)
		if (stream->waiting)
			wakes += resume(stream->call);
	return wakes;
}

void lf_rpc_streams_join(struct lf_rpc_server *server)
{
	if (!server->streams_running)
		return;
	server->streams_running = false;
	atomic_store(&server->streams_end, true);
	sem_post(&server->news_post);
	pthread_join(server->streams_thread, NULL);
}

/* ---- begin and end ---- */

/*
 * Under the lock: whether its connection and its address leave enough to others, of what is free in all. Strangers are one
 * caller: there the same holds for what that one may have.
 */
static enum lf_code check_shares(const struct lf_rpc_call *call, size_t own, struct lf_error *error)
{
	const struct lf_rpc_server *server = call->server;
	const bool is_named = call->account != NULL && call->account != &server->anonymous;
	const size_t max = is_named ? LF_STREAMS_MAX : LF_STREAMS_CALLER_MAX;
	size_t free = LF_STREAMS_MAX - atomic_load(&server->stream_count), has;
	enum lf_rpc_share_kind kind;
	char whose[80];

	if (!is_named && free > LF_STREAMS_CALLER_MAX - own)
		free = LF_STREAMS_CALLER_MAX - own;
	if (lf_rpc_may_stream(call, free, &kind, &has))
		return LF_OK;
	lf_rpc_whose(call, kind, whose, sizeof(whose));
	return lf_error_set(error, LF_RESOURCE_EXHAUSTED,
		"%s has %zu open streams, which is its share of %zu at the moment: end one, or retry later", whose, has,
		max);
}

/* Under the lock: whether one more is allowed. */
static enum lf_code admit(const struct lf_rpc_call *call, struct lf_error *error)
{
	const struct lf_rpc_server *server = call->server;
	size_t own = 0;

	for (const struct lf_rpc_stream *stream = server->streams; stream != NULL; stream = stream->next)
		own += strcmp(stream->caller, call->stream->caller) == 0;
	if (server->stopping)
		return lf_error_set(error, LF_UNAVAILABLE, "the service is stopping");
	if (atomic_load(&server->stream_count) >= LF_STREAMS_MAX)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED,
			"%d calls that stream are open, which is the limit: retry later", LF_STREAMS_MAX);
	if (own >= LF_STREAMS_CALLER_MAX)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED,
			"caller \"%s\" has %d calls that stream, which is the limit: end one", call->stream->caller,
			LF_STREAMS_CALLER_MAX);
	return check_shares(call, own, error);
}

/* Under the lock: it counts among the streams from here on, and no longer as in flight. Whether it is the only one. */
static bool enlist(struct lf_rpc_call *call)
{
	struct lf_rpc_server *server = call->server;
	const bool only = server->streams == NULL;

	call->stream->next = server->streams;
	if (server->streams != NULL)
		server->streams->previous = call->stream;
	server->streams = call->stream;
	atomic_fetch_add(&server->stream_count, 1);
	LF_CHECK(R6, server->in_flight != 0);
	server->in_flight--;
	for (size_t i = 0; i < LF_RPC_SHARES; i++)
		if (call->shares[i] != NULL)
			atomic_fetch_sub(&call->shares[i]->in_flight, 1);
	if (call->urgent) {
		server->urgent--;
		if (call->peer != NULL)
			call->peer->urgent--;
		call->urgent = false;
	}
	if (server->in_flight == 0)
		pthread_cond_broadcast(&server->quiet);
	return only;
}

enum lf_code lf_rpc_stream_begin(struct lf_rpc_call *call, const char *instead, struct lf_error *error)
{
	struct lf_rpc_server *server = call->server;
	struct lf_rpc_stream *stream;
	bool only = false;
	enum lf_code code;

	lf_rpc_call_check_working(call);
	LF_CHECK(R20, call->stream == NULL && call->admitted);
	if (call->transport->send_part == NULL)
		return lf_error_set(error, LF_UNIMPLEMENTED,
			"%.*s streams, and %s carries one reply to a call: call it over HTTP, or use %s",
			(int)call->request.method.length, call->request.method.data, call->transport->name, instead);
	stream = calloc(1, sizeof(*stream));
	if (stream == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for a stream");
	stream->call = call;
	snprintf(stream->caller, sizeof(stream->caller), "%s", call->caller);
	call->stream = stream;
	pthread_mutex_lock(&server->lock);
	code = admit(call, error);
	if (code == LF_OK)
		only = enlist(call);
	pthread_mutex_unlock(&server->lock);
	if (only)
		post(server); /* without streams the thread sleeps without a tick */
	if (code != LF_OK) {
		call->stream = NULL;
		free(stream);
	}
	return code;
}

void lf_rpc_stream_end(struct lf_rpc_call *call)
{
	struct lf_rpc_server *server = call->server;
	struct lf_rpc_stream *stream = call->stream;

	LF_CHECK(R20, !stream->waiting);
	if (stream->previous != NULL)
		stream->previous->next = stream->next;
	else
		server->streams = stream->next;
	if (stream->next != NULL)
		stream->next->previous = stream->previous;
	atomic_fetch_sub(&server->stream_count, 1);
	call->stream = NULL;
	free(stream);
}

/* ---- what a method may ask ---- */

uint64_t lf_rpc_news(const struct lf_rpc_call *call)
{
	return atomic_load(&call->server->news);
}

size_t lf_rpc_untaken(const struct lf_rpc_call *call)
{
	return atomic_load(&call->part_bytes);
}

static void end_stopping(struct lf_rpc_call *call)
{
	struct lf_error error = LF_ERROR_INIT;

	lf_error_set(&error, LF_UNAVAILABLE, "the service is stopping");
	lf_rpc_fail_with(call, &error);
}

void lf_rpc_stream_wait(struct lf_rpc_call *call, const struct lf_rpc_wait *wait,
	void (*run)(struct lf_rpc_call *call, void *context), void *context)
{
	struct lf_rpc_server *server = call->server;
	bool wake = false, look = false, last, closed;

	lf_rpc_call_check_working(call);
	LF_CHECK(R20, call->stream != NULL && !call->stream->waiting);
	if (call->arena != NULL)
		lf_rpc_leave(call);
	call->resume = run;
	call->resume_context = context;
	pthread_mutex_lock(&server->lock);
	last = call->stream->last;
	closed = server->closed;
	if (!last && !closed) {
		call->stream->wait = *wait;
		call->stream->waiting = true;
		atomic_store(&call->stream->for_taken, wait->taken);
		/* A stop that began while it ran did not wake it: it has its last turn now. */
		if (server->stopping || (wait->taken && atomic_load(&call->part_bytes) == 0))
			wake = resume(call);
		else
			look = wait->news && wait->seen != atomic_load(&server->news);
	}
	pthread_mutex_unlock(&server->lock);
	if (wake)
		lf_rpc_wake(server);
	if (look)
		post(server);
	if (closed)
		lf_rpc_drop(call);
	else if (last)
		end_stopping(call);
}
