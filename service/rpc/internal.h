/*
 * Private to the RPC server: what rpc.c, rpc_server.c, rpc_arena.c, rpc_call.c, rpc_peers.c, listener.c and
 * rpc_watchdog.c share.
 */
#ifndef LF_SERVICE_RPC_INTERNAL_H
#define LF_SERVICE_RPC_INTERNAL_H

#include <nng/nng.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/clock.h"
#include "proto/base/thread.h"
#include "service/rpc/rpc.h"

enum {
	LF_RPC_SERVICES_MAX = 16,
	LF_RPC_METHODS_MAX = 32, /* of a service */
	LF_RPC_LISTENERS_MAX = 16,
	LF_RPC_RESERVE = 64,                /* contexts beyond the in-flight limit: they answer RESOURCE_EXHAUSTED */
	LF_RPC_ARENAS_KEPT = 64,            /* idle arenas kept for reuse, each with at most 96 KiB */
	LF_RPC_SEND_MS = 10 * 1000,         /* a peer that takes no reply for so long is disconnected */
	LF_RPC_REPLY_SPARE = 256,           /* room behind a staged reply, so that lf_rpc_append() seldom allocates */
	LF_RPC_REPLY_HINT = 12 * 1024,      /* most replies are shorter: a decision of eight people has 8 KB */
	LF_RPC_QUICK_BYTES_MAX = 16 * 1024, /* a larger request goes to a worker: nng's threads have others to serve */
	LF_RPC_URL_BYTES_MAX = 320,
	LF_RPC_LARGE_REPLY_BYTES = 64 * 1024, /* may not fit a socket's buffer at once */
	LF_RPC_LINGER_MS = 100, /* at stop, for replies that nng has but perhaps not written, or the peer not read */
	LF_RPC_LINGER_LARGE_MS = 200, /* the same for large ones */
	LF_RPC_PART_MS = 300,         /* at stop, for connections to end from their reading side */
	LF_RPC_TEAR_DOWN_MS = 1500,   /* at stop, for nng to close its socket */
	LF_RPC_STUCK_MS = 60 * 1000,  /* no connection that has ended is let go of for so long: nng is stuck */
};

/* ---- peers: which pipes are alive ---- */

/*
 * A set of pipe ids. Adding and removing lock; asking does not. Pipe ids are never 0, and never reused while nng counts
 * through its 31 bits.
 */
struct lf_peers {
	pthread_mutex_t lock;
	_Atomic uint32_t *slots; /* open addressing, linear probing */
	size_t mask;
	size_t count;
	size_t max;
	uint64_t gone; /* pipes that nng has let go of, also such as were never added */
};

enum lf_code lf_peers_init(struct lf_peers *peers, size_t max);
void lf_peers_clean_up(struct lf_peers *peers);
/* false where max are there already. */
bool lf_peers_add(struct lf_peers *peers, uint32_t id);
void lf_peers_remove(struct lf_peers *peers, uint32_t id);
uint64_t lf_peers_gone(struct lf_peers *peers);
bool lf_peers_has(const struct lf_peers *peers, uint32_t id);

/* ---- calls ---- */

/* Diagram and owners: top of rpc.c. */
enum lf_call_state { LF_CALL_IDLE, LF_CALL_RECEIVING, LF_CALL_QUEUED, LF_CALL_WORKING, LF_CALL_REPLYING };

/* An arena of the pool: as large as the budget allows while in use. */
struct lf_rpc_arena {
	struct lf_arena arena;
	struct lf_rpc_arena *next;
};

/* One REP context for the life of the server, and the request that is in it at the moment. */
struct lf_rpc_call {
	struct lf_rpc_server *server;
	nng_ctx context;
	nng_aio *aio;
	_Atomic(enum lf_call_state) state;
	struct lf_rpc_call *next; /* in the queue */

	/* Valid from the arrival of a request until it is answered. */
	bool admitted; /* counts as in flight, and its bytes as used */
	uint32_t pipe;
	nng_msg *request;
	nng_msg *reply; /* staged */
	size_t request_bytes;
	size_t reply_bytes;   /* staged or being sent: used until the turn ends */
	uint64_t received_ns; /* CLOCK_MONOTONIC */
	uint64_t deadline_ns; /* 0 = none */
	struct lf_rpc_arena *arena;
	void *kept; /* heap; lf_rpc_keep() */
	size_t kept_bytes;
	void **held; /* of options.cache; the array stays with the context */
	size_t held_count, held_room;
	const char *caller;
	bool on_worker;                                          /* the method runs on a worker's thread */
	void (*resume)(struct lf_rpc_call *call, void *context); /* where a worker goes on; NULL = it begins */
	void *resume_context;
	void (*dropped)(void *resume_context); /* instead of resume, where it is not reached; NULL = nothing to do */
	struct lf_slice request_id;            /* into request */
	const uint8_t *message;                /* into request */
	size_t message_length;
};

struct lf_rpc_service {
	ProtobufCService *service;
	unsigned roles[LF_RPC_METHODS_MAX]; /* by the descriptor's methods */
};

struct lf_rpc_budget {
	struct lf_arena_budget arenas; /* first: a pointer to it is a pointer to this */
	atomic_size_t used;
	size_t max;
};

bool lf_rpc_budget_take(struct lf_rpc_budget *budget, size_t bytes);
void lf_rpc_budget_give(struct lf_rpc_budget *budget, size_t bytes);

/* ---- listeners ---- */

enum lf_listener_kind { LF_LISTENER_TCP, LF_LISTENER_IPC, LF_LISTENER_TLS };

struct lf_listener {
	enum lf_listener_kind kind;
	char url[LF_RPC_URL_BYTES_MAX]; /* as bound: with the real port */
	char path[108];                 /* ipc: the socket's name */
	nng_sockaddr address;           /* tcp: where to try it */
	nng_listener listener;
	bool open;
	unsigned long device, inode; /* ipc: the file that is ours */
	unsigned generation;         /* ipc: makes names that are new */
	uint64_t accepted;           /* connections that nng handed over from this listener; under listeners->lock */
};

struct lf_listeners {
	pthread_mutex_t lock;   /* of accepted, listener ids, watched */
	pthread_cond_t changed; /* a connection was handed over, or the watchdog shall stop */
	struct lf_listener items[LF_RPC_LISTENERS_MAX];
	size_t count;
	bool stopping;
	bool watched; /* the watchdog's thread is to be joined */
	bool ended;   /* it is at its end */
	pthread_t watchdog;
	uint64_t owed_ns, owed_gone; /* watchdog: since when, and after how many, nng owes that it lets go of a pipe */
	bool stuck;                  /* watchdog: that was told */
};

struct lf_rpc_server {
	struct lf_rpc_options options; /* with the defaults filled in */
	struct lf_rpc_service services[LF_RPC_SERVICES_MAX];
	size_t service_count;
	const char *quick_method; /* NULL = none */
	size_t quick_max;         /* in flight, up to which it is worked on where it arrived */
	nng_socket socket;
	struct lf_peers peers;
	struct lf_rpc_budget budget;
	struct lf_listeners listeners;

	struct lf_rpc_call *calls;
	size_t call_count;
	pthread_t *workers;
	size_t workers_running;
	bool started; /* workers and contexts run; owner's thread only */

	atomic_size_t inside; /* threads in nng_ctx_send() or _recv(); raised under the lock, while not closed */

	pthread_mutex_t lock; /* of all below */
	pthread_cond_t work;  /* wakes is above 0, or workers shall exit */
	pthread_cond_t quiet; /* in_flight or nng_owned fell to 0 */
	struct lf_rpc_call *queue_first, *queue_last;
	size_t sleepers, wakes;      /* workers asleep; of these, already woken */
	size_t in_flight;            /* admitted and not ended */
	size_t nng_owned;            /* calls whose aio is, or is about to be, in nng's hands */
	bool stopping;               /* arrivals are answered UNAVAILABLE */
	bool closed;                 /* nothing is handed to nng any more */
	bool torn_down;              /* nng has given everything back */
	bool destroyed;              /* the last call to end, or tearing down, frees the server: whichever is later */
	struct lf_rpc_arena *arenas; /* idle */
	size_t arena_count;
	uint64_t linger_ns; /* until when the replies sent so far need the connections */
	struct lf_rpc_counters counters;
};

/* ---- between the files ---- */

/* rpc.c: asserts that the call is in `from`, and changes it. */
void lf_rpc_call_change(struct lf_rpc_call *call, enum lf_call_state from, enum lf_call_state to);
/* rpc.c: IDLE → RECEIVING, for a call that nng_owned counts, and `inside` too (which is lowered here). */
void lf_rpc_call_receive(struct lf_rpc_call *call);
/* rpc.c: WORKING → IDLE without an answer: nobody waits for one. The call is gone. */
void lf_rpc_call_drop(struct lf_rpc_call *call);
/* rpc.c: nng's callbacks. */
void lf_rpc_call_on_aio(void *call);
void lf_rpc_on_pipe(nng_pipe pipe, nng_pipe_ev event, void *server);
/* rpc.c: a worker's thread. */
void *lf_rpc_worker(void *server);
/* rpc_arena.c: a new arena of the server's budget, NULL where memory ran out; frees one, NULL too. */
struct lf_rpc_arena *lf_rpc_arena_new(struct lf_rpc_server *server);
void lf_rpc_arena_free(struct lf_rpc_arena *arena);
/* Under the lock: an idle arena, or NULL. Puts one there, or returns it where there are enough: then free it, later. */
struct lf_rpc_arena *lf_rpc_arena_take(struct lf_rpc_server *server);
struct lf_rpc_arena *lf_rpc_arena_keep(struct lf_rpc_server *server, struct lf_rpc_arena *arena);
/* rpc_server.c: frees a server that has stopped and whose last call has ended. */
void lf_rpc_server_free(struct lf_rpc_server *server);
/* rpc_call.c: a worker's part of a call in state WORKING: decode, authenticate, unpack, invoke. */
void lf_rpc_call_work(struct lf_rpc_call *call);
/* rpc_call.c: whether the request in state RECEIVING may be worked on where it arrived. */
bool lf_rpc_call_is_quick(const struct lf_rpc_call *call);
/* rpc_call.c: reads what a refusal echoes from the frame, if it is one. */
void lf_rpc_call_peek(struct lf_rpc_call *call);
/*
 * rpc.c: WORKING → REPLYING with message (owned; NULL: nothing could be built, so nothing is sent). The call is gone.
 */
void lf_rpc_call_answer(struct lf_rpc_call *call, nng_msg *message, enum lf_code code);

/* listener.c, owner's thread only. */
enum lf_code lf_listeners_init(struct lf_listeners *listeners);
void lf_listeners_clean_up(struct lf_listeners *listeners);
enum lf_code lf_listeners_add(
	struct lf_rpc_server *server, const char *url, char *bound, size_t bound_size, struct lf_error *error);
void lf_listeners_close(struct lf_rpc_server *server);
/* listener.c: opens it on its url. Blocks. Owner's thread before the watchdog runs, else the watchdog's. */
enum lf_code lf_listener_open(struct lf_rpc_server *server, struct lf_listener *listener, struct lf_error *error);
/* listener.c: closes it, and with it the connections that came through it. Blocks. */
void lf_listener_close(struct lf_listener *listener);
/*
 * listener.c: ends the connections that came through it, or through any, from their reading side, and waits until nng
 * has let go of them, but not for long. Blocks.
 */
void lf_listener_part(struct lf_rpc_server *server, const struct lf_listener *listener);
void lf_listeners_part(struct lf_rpc_server *server);
/* listener.c: nng handed a connection over. Any thread. */
void lf_listeners_note(struct lf_listeners *listeners, nng_pipe pipe);

/* rpc_watchdog.c, owner's thread only. */
enum lf_code lf_watchdog_start(struct lf_rpc_server *server, struct lf_error *error);
/* Tells it to end. */
void lf_watchdog_halt(struct lf_rpc_server *server);
/* Then: waits until it has, but not longer; false where it has not, for nng holds it. */
bool lf_watchdog_await(struct lf_rpc_server *server, unsigned timeout_ms);
void lf_watchdog_join(struct lf_rpc_server *server);

#endif
