#include "service/rpc/nng/internal.h"

#include <nng/protocol/reqrep0/rep.h>
#include <stdlib.h>
#include <time.h>

#include "proto/base/clock.h"
#include "proto/base/forget.h"
#include "proto/base/limits.h"
#include "proto/base/thread.h"

/* The life of the transport: made, started, closed, freed. How a turn goes: turn.c. */

static void draining(void *self);
static void drained(void *self);
static void close_down(void *self);
static void free_all(void *self);

static const struct lf_rpc_transport transport = {
	.name = "nng",
	.reply_overhead = LF_NNG_REPLY_OVERHEAD,
	.quick_max = SIZE_MAX,
	.begin = lf_frames_begin,
	.append = lf_frames_append,
	.drop = lf_frames_drop,
	.fail = lf_frames_fail,
	.is_gone = lf_turn_is_gone,
	.release = lf_turn_release,
	.finish = lf_turn_finish,
	.draining = draining,
	.drained = drained,
	.close = close_down,
	.free = free_all,
};

enum { SP_REQ = 0x30 };

/* ---- made ---- */

static enum lf_code no_memory(struct lf_error *error)
{
	return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the nng transport");
}

/* A connection for dispatch, by its peer's address. NULL where memory ran out. */
static struct lf_rpc_peer *peer_of(const struct lf_rpc_nng *nng, nng_pipe pipe)
{
	struct sockaddr_storage remote = {.ss_family = AF_UNSPEC};
	nng_sockaddr address;

	if (nng_pipe_get_addr(pipe, NNG_OPT_REMADDR, &address) == 0 && lf_listener_address(&address, &remote) == 0 &&
		address.s_family == NNG_AF_IPC)
		remote.ss_family = AF_UNIX;
	return lf_rpc_peer_new(nng->server, (const struct sockaddr *)&remote);
}

static void on_pipe(nng_pipe pipe, nng_pipe_ev event, void *argument)
{
	struct lf_rpc_nng *nng = argument;
	const uint32_t id = (uint32_t)nng_pipe_id(pipe);
	struct lf_rpc_peer *peer;

	/* Also for each trial of the watchdog: so nng's idle threads come by, too. */
	lf_forget_stack();
	if (event == NNG_PIPE_EV_REM_POST) {
		lf_peers_remove(&nng->peers, id);
		lf_listeners_note_gone(&nng->listeners);
		return;
	}
	lf_listeners_note(&nng->listeners, pipe);
	peer = peer_of(nng, pipe);
	if (lf_peers_add(&nng->peers, id, peer))
		return;
	/* The door lets no more in than there is room for. Nothing is being read or sent yet: so closing it would be safe. */
	lf_rpc_peer_release(peer);
	nng_pipe_close(pipe);
}

static int socket_open(struct lf_rpc_nng *nng)
{
	int rc = nng_rep0_open(&nng->listeners.socket);

	if (rc != 0)
		return rc;
	rc = nng_pipe_notify(nng->listeners.socket, NNG_PIPE_EV_ADD_PRE, on_pipe, nng);
	if (rc == 0)
		rc = nng_pipe_notify(nng->listeners.socket, NNG_PIPE_EV_REM_POST, on_pipe, nng);
	if (rc != 0)
		nng_close(nng->listeners.socket);
	return rc;
}

enum lf_code lf_rpc_nng_new(struct lf_rpc_nng **out, struct lf_rpc_server *server,
	const struct lf_rpc_nng_options *options, struct lf_error *error)
{
	struct lf_rpc_nng *nng = calloc(1, sizeof(*nng));
	enum lf_code code = LF_OK;
	int rc = NNG_ENOMEM;

	*out = NULL;
	if (nng == NULL)
		return no_memory(error);
	nng->server = server;
	nng->protocol = lf_rpc_server_protocol(server, "nng");
	nng->call_count = lf_rpc_server_options(server)->in_flight_max + LF_NNG_RESERVE;
	nng->listeners.receive_max = lf_rpc_nng_receive_max(nng);
	nng->listeners.peer_protocol = SP_REQ;
	if (lf_listeners_init(&nng->listeners, options) != LF_OK)
		goto undo_nng;
	if (lf_peers_init(&nng->peers, lf_door_max(nng->listeners.door), nng->call_count) != LF_OK)
		goto undo_listeners;
	nng->calls = calloc(nng->call_count, sizeof(*nng->calls));
	if (nng->calls == NULL)
		goto undo_peers;
	rc = socket_open(nng);
	if (rc != 0)
		goto undo_calls;
	code = lf_rpc_server_attach(server, &transport, nng, error);
	if (code != LF_OK)
		goto undo_socket;
	*out = nng;
	return LF_OK;

undo_socket:
	nng_close(nng->listeners.socket);
undo_calls:
	free(nng->calls);
undo_peers:
	lf_peers_clean_up(&nng->peers);
undo_listeners:
	lf_listeners_clean_up(&nng->listeners);
undo_nng:
	free(nng);
	return code != LF_OK
		? code
		: lf_error_set(error, LF_RESOURCE_EXHAUSTED, "the nng transport can't be made: %s", nng_strerror(rc));
}

/* ---- started ---- */

/* Opens a context with its call. What it leaves behind when it fails, closing and freeing undo. */
static bool add_turn(struct lf_rpc_nng *nng, size_t i)
{
	struct lf_turn *turn;

	nng->calls[i] = lf_rpc_call_new(nng->server, &transport, sizeof(*turn));
	if (nng->calls[i] == NULL)
		return false;
	turn = lf_rpc_call_own(nng->calls[i]);
	turn->nng = nng;
	turn->call = nng->calls[i];
	return nng_aio_alloc(&turn->aio, lf_turn_on_aio, turn) == 0 &&
		nng_ctx_open(&turn->context, nng->listeners.socket) == 0;
}

enum lf_code lf_rpc_nng_start(struct lf_rpc_nng *nng, struct lf_error *error)
{
	enum lf_code code = lf_rpc_server_start(nng->server, error);

	if (code != LF_OK || nng->started)
		return code;
	nng->started = true;
	for (size_t i = 0; i < nng->call_count && code == LF_OK; i++)
		if (!add_turn(nng, i))
			code = no_memory(error);
	if (code == LF_OK)
		code = lf_watchdog_start(&nng->listeners, error);
	if (code != LF_OK) {
		lf_rpc_server_stop(nng->server, 0);
		return code;
	}
	/* Nobody is answered before all is there. */
	for (size_t i = 0; i < nng->call_count; i++)
		lf_turn_start(lf_rpc_call_own(nng->calls[i]));
	return LF_OK;
}

size_t lf_rpc_nng_receive_max(const struct lf_rpc_nng *nng)
{
	return lf_rpc_server_options(nng->server)->message_bytes_max + LF_NNG_RECEIVE_SPARE;
}

enum lf_code lf_rpc_nng_listen(
	struct lf_rpc_nng *nng, const char *url, char *bound, size_t bound_size, struct lf_error *error)
{
	return lf_listeners_listen(
		&nng->listeners, url, lf_rpc_server_options(nng->server)->tokens != NULL, bound, bound_size, error);
}

void lf_rpc_nng_counters(struct lf_rpc_nng *nng, struct lf_rpc_nng_counters *counters)
{
	struct lf_door_counters door;

	lf_door_counters(nng->listeners.door, &door);
	*counters = (struct lf_rpc_nng_counters){
		.connections = door.remote,
		.local_connections = door.local,
		.refused = door.refused,
		.ended_unread = door.ended_unread,
		.ended_unsent = door.ended_unsent,
		.reopened = atomic_load(&nng->listeners.reopened),
	};
	pthread_mutex_lock(&nng->peers.lock);
	counters->unread = nng->peers.unread;
	pthread_mutex_unlock(&nng->peers.lock);
}

/* ---- closed ---- */

/* On the thread of lf_rpc_server_stop(): newcomers are still read, and refused by dispatch. */
static void draining(void *self)
{
	struct lf_rpc_nng *nng = self;

	lf_watchdog_halt(&nng->listeners);
}

/*
 * nng says that a reply is sent when it has it, and closing drops what is not yet in the socket's buffer. And where
 * something is unread when a connection closes, such as the next request of a busy peer, TCP resets it, and the peer
 * loses the replies that it has not read yet. So newcomers are still read and refused for a moment after the last
 * reply.
 */
static void drained(void *self)
{
	struct lf_rpc_nng *nng = self;
	const uint64_t now = lf_clock_ns(), until = atomic_load(&nng->linger_ns);
	const struct timespec rest = {.tv_nsec = now < until ? (long)(until - now) : 0};

	if (now < until)
		nanosleep(&rest, NULL);
}

/* Waits for a count to fall to 0; whoever lowers it never blocks, and touches nothing of ours afterwards. */
static void await_none(atomic_size_t *count, long pause_us)
{
	const struct timespec moment = {.tv_nsec = pause_us * 1000};

	while (atomic_load(count) != 0)
		nanosleep(&moment, NULL);
}

/* Gets back what nng has. On a thread of its own, for nng_close() may never return: see DESIGN.md. */
static void *tear_down(void *argument)
{
	struct lf_rpc_nng *nng = argument;

	lf_watchdog_join(&nng->listeners);
	lf_listeners_close(&nng->listeners);
	nng_close(nng->listeners.socket);
	await_none(&nng->owned, 200);
	for (size_t i = 0; i < nng->call_count && nng->calls[i] != NULL; i++) {
		struct lf_turn *turn = lf_rpc_call_own(nng->calls[i]);

		if (turn->aio != NULL)
			nng_aio_free(turn->aio);
		turn->aio = NULL;
	}
	lf_rpc_closed(nng->server);
	return NULL;
}

static void close_down(void *self)
{
	struct lf_rpc_nng *nng = self;
	pthread_t thread;

	atomic_store(&nng->closed, true);
	await_none(&nng->inside, 50);
	if (lf_watchdog_await(&nng->listeners, LF_NNG_HALT_MS))
		lf_listeners_part(&nng->listeners, NULL);
	if (lf_thread_start(&thread, tear_down, nng) == 0)
		pthread_detach(thread);
	else
		tear_down(nng);
}

static void free_all(void *self)
{
	struct lf_rpc_nng *nng = self;

	for (size_t i = 0; i < nng->call_count; i++)
		lf_rpc_call_free(nng->calls[i]);
	free(nng->calls);
	lf_listeners_clean_up(&nng->listeners);
	lf_peers_clean_up(&nng->peers);
	free(nng);
}
