/*
 * Private to dispatch: the call, the server, and what the files of this folder do for each other. DESIGN.md has the
 * rest.
 */
#ifndef LF_SERVICE_RPC_INTERNAL_H
#define LF_SERVICE_RPC_INTERNAL_H

#include <pthread.h>
#include <semaphore.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/arena.h"
#include "proto/base/check.h"
#include "service/rpc/rpc.h"
#include "service/rpc/transport.h"

enum {
	LF_RPC_SERVICES_MAX = 16,
	LF_RPC_METHODS_MAX = 32,       /* of a service */
	LF_RPC_ARENAS_KEPT = 64,       /* idle arenas kept for reuse, each with at most 96 KiB */
	LF_RPC_REPLY_HINT = 12 * 1024, /* most replies are shorter: a decision of eight people has 8 KB */
	LF_RPC_QUICK_BYTES_MAX =
		16 * 1024,           /* a larger request goes to a worker: a transport's threads have others to serve */
	LF_RPC_CLOSE_MS = 1500,      /* at stop, for transports to come to their end */
	LF_RPC_STREAMS_END_MS = 250, /* at stop, for streams to say that they end */
	LF_RPC_CALLER_BYTES = 160,   /* more than a name in the tokens file has */
};

/* ---- the budget: what all requests, arenas and replies may take together; any thread ---- */

struct lf_rpc_budget {
	struct lf_arena_budget arenas; /* first: a pointer to it is a pointer to this */
	atomic_size_t used;
	size_t max;
};

void lf_rpc_budget_init(struct lf_rpc_budget *budget, size_t max);
bool lf_rpc_budget_take(struct lf_rpc_budget *budget, size_t bytes);
void lf_rpc_budget_give(struct lf_rpc_budget *budget, size_t bytes);

/* ---- arenas, which requests take in turns ---- */

struct lf_rpc_arena {
	struct lf_arena arena; /* as large as the budget allows while in use; empty while idle */
	unsigned age;          /* lf_forget_age() when it was made */
	struct lf_rpc_arena *next;
};

/* ---- calls ---- */

/* Diagram and owners: DESIGN.md. */
enum lf_rpc_call_state {
	LF_RPC_CALL_IDLE,     /* the transport's: no request is in it */
	LF_RPC_CALL_QUEUED,   /* the queue's, under server->lock */
	LF_RPC_CALL_WORKING,  /* whoever works on it, then whoever the method handed it to */
	LF_RPC_CALL_REPLYING, /* the transport's: it sends the reply, or ends the call without one */
	LF_RPC_CALL_STATES
};

/* What a call has beside, from lf_rpc_stream_begin() until its turn is over. Under server->lock, but call and caller. */
struct lf_rpc_stream {
	struct lf_rpc_call *call;
	struct lf_rpc_stream *previous, *next; /* in the server's list */
	bool waiting;                          /* the call is WORKING, and the list's */
	struct lf_rpc_wait wait;
	atomic_bool for_taken; /* wait.taken, for who asks without the lock */
	char caller[LF_RPC_CALLER_BYTES];
};

struct lf_rpc_call {
	struct lf_rpc_server *server;
	const struct lf_rpc_transport *transport;
	_Atomic(enum lf_rpc_call_state) state;
	struct lf_rpc_call *next; /* in the queue */

	/* Valid from the arrival of a request until it is answered. */
	struct lf_rpc_request request;
	const struct lf_rpc_service *service; /* NULL = there is no such method */
	unsigned method;                      /* index in the service's descriptor */
	bool admitted;                        /* counts as in flight or as a stream, and its bytes as used */
	struct lf_rpc_stream *stream;         /* NULL = it is none */
	bool begun;                           /* the transport holds a reply that was begun and not sent */
	bool on_worker;                       /* the method runs on a worker's thread */
	size_t reply_bytes;                   /* counted for that reply, or for the last one, until the turn is over */
	atomic_size_t part_bytes;             /* counted for earlier ones that the transport still has */
	uint64_t deadline_ns;                 /* CLOCK_MONOTONIC; 0 = none */
	const char *caller;
	struct lf_rpc_arena *arena; /* NULL while it waits, and after lf_rpc_leave() */
	void *kept;                 /* heap; lf_rpc_keep() */
	size_t kept_bytes;
	void **held; /* of options.cache; the array stays with the call */
	size_t held_count, held_room;
	void (*resume)(struct lf_rpc_call *call, void *context); /* where a worker goes on; NULL = it begins */
	void *resume_context;
	void (*dropped)(void *resume_context); /* instead of resume, where it is not reached; NULL = nothing to do */

	alignas(max_align_t) unsigned char own[]; /* the transport's */
};

struct lf_rpc_service {
	ProtobufCService *service;
	unsigned roles[LF_RPC_METHODS_MAX]; /* by the descriptor's methods */
	bool quick[LF_RPC_METHODS_MAX];
};

struct lf_rpc_attached {
	const struct lf_rpc_transport *transport;
	void *self;
};

struct lf_rpc_server {
	struct lf_rpc_options options; /* with the defaults filled in */
	struct lf_rpc_service services[LF_RPC_SERVICES_MAX];
	size_t service_count;
	size_t quick_max; /* in flight, up to which a quick method is worked on where it arrived */
	struct lf_rpc_attached transports[LF_RPC_TRANSPORTS_MAX];
	size_t transport_count;
	struct lf_rpc_budget budget;
	pthread_t *workers;
	size_t workers_running;
	bool started; /* owner's thread only */

	atomic_uint_fast64_t news;  /* how often there was some */
	atomic_bool news_posted;    /* and not taken back yet */
	sem_t news_post;            /* wakes the thread of streams.c */
	atomic_size_t stream_count; /* changed under the lock */
	pthread_t streams_thread;
	bool streams_running; /* owner's thread only */
	atomic_bool streams_end;

	pthread_mutex_t lock; /* of all below; nobody who holds it blocks, or takes another lock */
	pthread_cond_t work;  /* wakes is above 0, or workers shall exit */
	pthread_cond_t quiet; /* in_flight or open fell to 0 */
	struct lf_rpc_call *queue_first, *queue_last;
	size_t sleepers, wakes; /* workers asleep; of these, already woken */
	size_t in_flight;       /* admitted, no stream, and the turn is not over */
	struct lf_rpc_stream *streams;
	size_t open;                 /* attached transports that have not come to their end */
	bool stopping;               /* arrivals are answered UNAVAILABLE */
	bool closed;                 /* arrivals are dropped, and nothing is queued any more */
	bool destroyed;              /* the last call, or the last transport, frees the server: whichever ends later */
	struct lf_rpc_arena *arenas; /* idle */
	size_t arena_count;
	struct lf_rpc_counters counters;
};

/* ---- arenas.c ---- */

/* A new arena of the server's budget, NULL where memory ran out; frees one, NULL too. */
struct lf_rpc_arena *lf_rpc_arena_new(struct lf_rpc_server *server);
void lf_rpc_arena_free(struct lf_rpc_arena *arena);
/* Under the lock: an idle arena, or NULL. Puts one there, or returns it where there are enough: then free it, later. */
struct lf_rpc_arena *lf_rpc_arena_take(struct lf_rpc_server *server);
struct lf_rpc_arena *lf_rpc_arena_keep(struct lf_rpc_server *server, struct lf_rpc_arena *arena);

/* ---- call.c ---- */

/* Changes the state. Aborts where the call is in another one (R1), or no call may go that way (R2). */
void lf_rpc_call_change(struct lf_rpc_call *call, enum lf_rpc_call_state from, enum lf_rpc_call_state to);
/* Aborts unless the call is being worked on: whoever asks must own it (R1). */
void lf_rpc_call_check_working(const struct lf_rpc_call *call);
bool lf_rpc_call_overdue(const struct lf_rpc_call *call);
/*
 * Gives back what a request holds but for its reply and its arena; the arena is returned empty, for lf_rpc_arena_keep()
 * at the next time under the lock.
 */
struct lf_rpc_arena *lf_rpc_call_release(struct lf_rpc_call *call);

/* ---- reply.c ---- */

/* WORKING → REPLYING without an answer: nobody waits for one. The call is gone. */
void lf_rpc_drop(struct lf_rpc_call *call);
/* lf_rpc_fail() with an error of our own, which is cleaned up. */
void lf_rpc_fail_with(struct lf_rpc_call *call, struct lf_error *error);

/* ---- dispatch.c ---- */

/* The service of a method and its index there, or NULL. */
const struct lf_rpc_service *lf_rpc_find_method(
	const struct lf_rpc_server *server, struct lf_slice method, unsigned *index);
/* A call that is WORKING, from its bytes to its method: authenticate, check the deadline, unpack, invoke. */
void lf_rpc_dispatch(struct lf_rpc_call *call);
/* Whether a stream that was woken may go on: its caller may still call it, and its deadline has not passed. Else it is gone. */
bool lf_rpc_dispatch_again(struct lf_rpc_call *call);

/* ---- streams.c ---- */

/* The thread that wakes streams. */
void *lf_rpc_streams_run(void *server);
/* Ends that thread, if it runs. Owner's thread. Blocks for a few milliseconds. */
void lf_rpc_streams_join(struct lf_rpc_server *server);
/* Under the lock, once stopping is set: wakes all that wait. Returns how often to lf_rpc_wake(). */
size_t lf_rpc_streams_stop(struct lf_rpc_server *server);
/* Under the lock: the turn of a call that was a stream is over. */
void lf_rpc_stream_end(struct lf_rpc_call *call);

/* ---- workers.c ---- */

/* Under the lock: puts a QUEUED call at the queue's end. true: lf_rpc_wake() when the lock is given back. */
bool lf_rpc_enqueue(struct lf_rpc_server *server, struct lf_rpc_call *call);
void lf_rpc_wake(struct lf_rpc_server *server);
/* Works on a call that is WORKING, on this thread. The call is gone, or has been handed on. */
void lf_rpc_work(struct lf_rpc_call *call, bool on_worker);
/* A worker's thread. */
void *lf_rpc_worker(void *server);
/* Once closed: ends what is in the queue. */
void lf_rpc_drop_queued(struct lf_rpc_server *server);

#endif
