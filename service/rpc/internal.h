/*
 * Private to dispatch: the call, the server, and what the files of this folder do for each other. DESIGN.md has the
 * rest.
 */
#ifndef LF_SERVICE_RPC_INTERNAL_H
#define LF_SERVICE_RPC_INTERNAL_H

#include <pthread.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/arena.h"
#include "proto/base/check.h"
#include "service/rpc/figures.h"
#include "service/rpc/rpc.h"
#include "service/rpc/transport.h"

enum {
	LF_RPC_SERVICES_MAX = 16,
	LF_RPC_METHODS_MAX = 32,       /* of a service */
	LF_RPC_KEPT_MAX = 16,          /* blocks of lf_rpc_keep() a call */
	LF_RPC_ARENAS_KEPT = 64,       /* idle arenas kept for reuse, each with at most 96 KiB */
	LF_RPC_REPLY_HINT = 12 * 1024, /* most replies are shorter: a decision of eight people has 8 KB */
	LF_RPC_APPEND_SPARE = 128,     /* of a transport's reply_overhead */
	LF_RPC_QUICK_BYTES_MAX =
		16 * 1024,           /* a larger request goes to a worker: a transport's threads have others to serve */
	LF_RPC_CLOSE_MS = 1500,      /* at stop, for transports to come to their end */
	LF_RPC_STREAMS_END_MS = 250, /* at stop, for streams to say that they end */
	LF_RPC_URGENT_A_CONNECTION = 2,
	LF_RPC_URGENT_BYTES_MAX = 4 * 1024,
	LF_RPC_URGENT_MEMORY = LF_URGENT_MAX * 64 * 1024, /* beyond the budget: their requests, arenas, replies */
	LF_RPC_ADDRESS_BUCKETS = 256,
	LF_RPC_WRONG_TOKENS = 64,              /* of a connection that are answered at once; then one each */
	LF_RPC_WRONG_TOKEN_NS = 100 * 1000000, /* so long */
};

/* ---- the budget: what all requests, arenas and replies may take together; any thread ---- */

struct lf_rpc_budget {
	atomic_size_t used;
	size_t max;
};

void lf_rpc_budget_init(struct lf_rpc_budget *budget, size_t max);
bool lf_rpc_budget_take(struct lf_rpc_budget *budget, size_t bytes);
/* For a call that is urgent: also of what is kept for such calls, beyond the budget. */
bool lf_rpc_budget_take_urgent(struct lf_rpc_budget *budget, size_t bytes);
void lf_rpc_budget_give(struct lf_rpc_budget *budget, size_t bytes);

/* ---- shares: what one connection, address or caller has of what all may have; DESIGN.md says how much ---- */

struct lf_rpc_share {
	atomic_size_t in_flight; /* changed under server->lock */
	atomic_size_t bytes;
	atomic_size_t reply_bytes; /* of these, in replies that are not sent */
};

enum lf_rpc_share_kind { LF_RPC_CONNECTION, LF_RPC_ADDRESS, LF_RPC_CALLER, LF_RPC_SHARES };

/* ---- a queue of calls that wait for a worker; all under server->lock ---- */

struct lf_rpc_flow {
	struct lf_rpc_call *first, *last;
	struct lf_rpc_flow *next; /* whose turn is next, while it has calls */
};

/* ---- who calls ---- */

/* A leaky count of requests, in time: what passes is credit, up to a maximum, and each request costs some. */
struct lf_rpc_bucket {
	uint64_t credit_ns, at_ns;
};

/* A caller's name, and what the server counts by it. All under server->lock but the name. */
struct lf_rpc_account {
	struct lf_rpc_account *next; /* of server->accounts */
	size_t references;           /* of books, and of calls */
	struct lf_rpc_share share;
	struct lf_rpc_flow flow;
	struct lf_rpc_bucket bucket;
	uint32_t requests_per_second, in_flight_max; /* 0 = no quota */
	char name[LF_ID_BYTES_MAX + 1];
};

/* The tokens, and an account for each of their callers. Does not change. */
struct lf_rpc_book {
	atomic_size_t references;
	struct lf_tokens *tokens;
	size_t count;
	struct lf_rpc_account *accounts[]; /* in the tokens' order */
};

/* An address that connections come from. Under server->lock. */
struct lf_rpc_address {
	struct lf_rpc_address *next; /* of its bucket */
	uint8_t key[16];             /* IPv4 as mapped into IPv6; of IPv6 the first half */
	size_t references;           /* of peers */
	struct lf_rpc_share share;
};

struct lf_rpc_peer {
	struct lf_rpc_server *server;
	struct lf_rpc_address *address; /* NULL = a local socket */
	size_t references;              /* under server->lock, as all below */
	size_t urgent;
	struct lf_rpc_share share;
	struct lf_rpc_flow flow; /* where there are no tokens */
	struct lf_rpc_bucket wrong_tokens;
	bool is_of_this_machine; /* these two don't change: a local socket, or the loopback; and its address, or "local" */
	char text[INET6_ADDRSTRLEN];
};

/* ---- arenas, which requests take in turns ---- */

/* A block that lasts as long as its call. */
struct lf_rpc_kept {
	struct lf_rpc_kept *before;
	size_t bytes;
	alignas(max_align_t) unsigned char memory[];
};

struct lf_rpc_arena {
	struct lf_arena_budget budget; /* first: the server's, and the shares of the call that has it */
	struct lf_arena arena;         /* as large as the budget allows while in use; empty while idle */
	struct lf_rpc_server *server;
	struct lf_rpc_call *call; /* NULL while idle */
	size_t bytes;             /* taken from the shares of the call */
	unsigned age;             /* lf_forget_age() when it was made */
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
	bool last;                             /* it was woken by a stop: it waits no more */
	struct lf_rpc_wait wait;
	atomic_bool for_taken; /* wait.taken, for who asks without the lock */
	char caller[LF_ID_BYTES_MAX + 1];
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
	bool urgent;                          /* counts as urgent, too */
	bool wrong_token;
	uint32_t retry_ms;
	struct lf_rpc_peer *peer;                   /* with a reference, as the next */
	struct lf_rpc_account *account;             /* NULL without tokens, or before it is known */
	struct lf_rpc_share *shares[LF_RPC_SHARES]; /* NULL where there is none */
	struct lf_rpc_flow *flow;                   /* where it waits */
	bool begun;                                 /* the transport holds a reply that was begun and not sent */
	bool on_worker;                             /* the method runs on a worker's thread */
	size_t reply_bytes;       /* counted for that reply, or for the last one, until the turn is over */
	atomic_size_t part_bytes; /* counted for earlier ones that the transport still has */
	uint64_t deadline_ns;     /* CLOCK_MONOTONIC; 0 = none */
	uint64_t arrived_ns;
	const char *caller;
	struct lf_trace trace;
	struct lf_rpc_arena *arena; /* NULL while it waits, and after lf_rpc_leave() */
	struct lf_rpc_kept *kept;   /* heap; lf_rpc_keep(): the newest */
	unsigned kept_count;
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
	bool urgent[LF_RPC_METHODS_MAX];
	bool open_locally[LF_RPC_METHODS_MAX];
	struct lf_rpc_method_figures *figures; /* by method and protocol; figures.c */
};

struct lf_rpc_attached {
	const struct lf_rpc_transport *transport;
	void *self;
};

struct lf_rpc_server {
	struct lf_rpc_options options; /* with the defaults filled in */
	struct lf_rpc_service services[LF_RPC_SERVICES_MAX];
	size_t service_count;
	const char *protocols[LF_RPC_PROTOCOLS_MAX]; /* [0]: "", for those that told none */
	size_t protocol_count;
	struct lf_rpc_method_figures no_method[LF_RPC_PROTOCOLS_MAX];
	atomic_uint_fast64_t refused[LF_RPC_REFUSAL_COUNT], auth_failures[LF_RPC_AUTH_FAILURE_COUNT];
	size_t quick_max; /* in flight, up to which a quick method is worked on where it arrived */
	struct lf_rpc_attached transports[LF_RPC_TRANSPORTS_MAX];
	size_t transport_count;
	struct lf_rpc_budget budget;
	pthread_t *workers;
	size_t workers_running;
	bool started;              /* owner's thread only */
	pthread_mutex_t book_lock; /* of book: taken alone */
	struct lf_rpc_book *book;  /* NULL = no tokens */

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
	struct lf_rpc_flow *flow_first, *flow_last; /* those with calls, by whose turn is next */
	struct lf_rpc_flow urgent_flow, other_flow; /* other: of calls without peer and account */
	bool urgent_had_turn;                       /* the last one */
	size_t queued;                              /* in all flows */
	size_t sleepers, wakes;                     /* workers asleep; of these, already woken */
	size_t in_flight;                           /* admitted, no stream, and the turn is not over */
	struct lf_rpc_stream *streams;
	size_t urgent; /* of these, urgent */
	struct lf_rpc_account *accounts, anonymous;
	struct lf_rpc_address *addresses[LF_RPC_ADDRESS_BUCKETS];
	size_t open;                 /* attached transports that have not come to their end */
	bool stopping;               /* arrivals are answered UNAVAILABLE */
	bool closed;                 /* arrivals are dropped, and nothing is queued any more */
	bool destroyed;              /* the last call, or the last transport, frees the server: whichever ends later */
	struct lf_rpc_arena *arenas; /* idle */
	size_t arena_count;
	uint64_t taken_in, ended, unanswered, not_sent; /* as struct lf_rpc_counters has them */
};

/* ---- arenas.c ---- */

/* A new arena of the server's budget, NULL where memory ran out; frees one, NULL too. */
struct lf_rpc_arena *lf_rpc_arena_new(struct lf_rpc_server *server);
void lf_rpc_arena_free(struct lf_rpc_arena *arena);
/* Takes the call's, if it has one, and empties it; for lf_rpc_arena_keep() at the next time under the lock. */
struct lf_rpc_arena *lf_rpc_arena_return(struct lf_rpc_call *call);
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

/* ---- peers.c ---- */

/*
 * Takes bytes for a call from the budget, and counts them for its shares; gives them back. What was admitted is not held to
 * its share any more, or else it would have been done in vain. Any thread, as all up to lf_rpc_share_bytes().
 */
bool lf_rpc_take(struct lf_rpc_call *call, size_t bytes);
void lf_rpc_give(struct lf_rpc_call *call, size_t bytes);
/* The same for a reply. false also where the replies that its peer, say, has not taken are its share already. */
bool lf_rpc_take_reply(struct lf_rpc_call *call, size_t bytes);
void lf_rpc_give_reply(struct lf_rpc_call *call, size_t bytes);
/* Whether its shares allow so many bytes more; else *kind tells which does not. */
bool lf_rpc_may_take(const struct lf_rpc_call *call, size_t bytes, enum lf_rpc_share_kind *kind);
/* Counts for the shares alone. */
void lf_rpc_share_bytes(const struct lf_rpc_call *call, size_t taken, size_t given);
/* Whether another request may be in flight while so many more are free in all; else *kind tells for whom not. */
bool lf_rpc_may_fly(const struct lf_rpc_call *call, size_t free, enum lf_rpc_share_kind *kind);
/*
 * Under the lock: whether its connection and its address may have another stream while so many more are free; else *kind
 * tells which may not, and *has how many it has. A caller has a number of its own.
 */
bool lf_rpc_may_stream(const struct lf_rpc_call *call, size_t free, enum lf_rpc_share_kind *kind, size_t *has);
/* Under the lock: takes, or gives back, the references of a call. */
void lf_rpc_hold(struct lf_rpc_call *call);
void lf_rpc_let_go(struct lf_rpc_call *call);
/* What a share belongs to, for messages: "this connection", "caller \"x\"". */
void lf_rpc_whose(const struct lf_rpc_call *call, enum lf_rpc_share_kind kind, char *text, size_t size);

/* ---- callers.c ---- */

/* Why a request is not taken in, or that it is. */
#define LF_RPC_IDENTITY(name, text) LF_RPC_##name,
enum lf_rpc_identity { LF_RPC_KNOWN, LF_RPC_AUTH_FAILURES(LF_RPC_IDENTITY) };
#undef LF_RPC_IDENTITY

enum lf_code lf_rpc_callers_init(struct lf_rpc_server *server, struct lf_tokens *tokens);
void lf_rpc_callers_clean_up(struct lf_rpc_server *server);
/* A reference to the book, NULL where there are no tokens; and its return. Not under the lock. */
struct lf_rpc_book *lf_rpc_book_take(struct lf_rpc_server *server);
void lf_rpc_book_give(struct lf_rpc_server *server, struct lf_rpc_book *book);
/* Sets caller and account, which live as long as the book, or until lf_rpc_let_go() after lf_rpc_hold(). */
enum lf_rpc_identity lf_rpc_identify(struct lf_rpc_call *call, const struct lf_rpc_book *book);
/* What to say to who is not known. */
void lf_rpc_unidentified(const struct lf_rpc_call *call, enum lf_rpc_identity identity, struct lf_error *error);
/* Under the lock: an account without references is freed. */
void lf_rpc_account_release(struct lf_rpc_server *server, struct lf_rpc_account *account);
/*
 * Under the lock: whether there is credit for one more, which is then taken; a full bucket has max_ns. Else *wait_ns is
 * how long it takes until there is.
 */
bool lf_rpc_bucket_take(struct lf_rpc_bucket *bucket, uint64_t cost_ns, uint64_t max_ns, uint64_t *wait_ns);

/* ---- dispatch.c ---- */

/* The service of a method and its index there, or NULL. */
const struct lf_rpc_service *lf_rpc_find_method(
	const struct lf_rpc_server *server, struct lf_slice method, unsigned *index);
/* A call that is WORKING, from its bytes to its method: check the deadline, unpack, invoke. */
void lf_rpc_dispatch(struct lf_rpc_call *call);
/* Whether a stream that was woken may go on: its caller may still call it, and its deadline has not passed. Else it is gone. */
bool lf_rpc_dispatch_again(struct lf_rpc_call *call);

/* ---- figures.c ---- */

/* Once the service has its place: room for its figures. false: no memory. */
bool lf_rpc_figures_init(struct lf_rpc_service *service);
void lf_rpc_figures_clean_up(struct lf_rpc_server *server);
/* A request has arrived, or what was none. */
void lf_rpc_count_arrived(struct lf_rpc_call *call);
void lf_rpc_count_refused(struct lf_rpc_server *server, size_t refusal);
void lf_rpc_count_auth_failure(struct lf_rpc_server *server, enum lf_rpc_identity identity);
/* It ends with this code: counted, and the observer told. Once, while the request is there still. */
void lf_rpc_count_done(struct lf_rpc_call *call, enum lf_code code);

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

/* Under the lock: puts a QUEUED call at its queue's end. true: lf_rpc_wake() when the lock is given back. */
bool lf_rpc_enqueue(struct lf_rpc_server *server, struct lf_rpc_call *call);
void lf_rpc_wake(struct lf_rpc_server *server);
/* Works on a call that is WORKING, on this thread. The call is gone, or has been handed on. */
void lf_rpc_work(struct lf_rpc_call *call, bool on_worker);
/* A worker's thread. */
void *lf_rpc_worker(void *server);
/* Once closed: ends what is in the queue. */
void lf_rpc_drop_queued(struct lf_rpc_server *server);

#endif
