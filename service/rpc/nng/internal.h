/* Private to the nng transport: its state, and what the files of this folder do for each other. */
#ifndef LF_SERVICE_RPC_NNG_INTERNAL_H
#define LF_SERVICE_RPC_NNG_INTERNAL_H

#include <nng/nng.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "proto/base/check.h"
#include "proto/wire/bundle.h"
#include "proto/wire/frame.h"
#include "service/rpc/address.h"
#include "service/rpc/local_socket.h"
#include "service/rpc/nng/guard.h"
#include "service/rpc/nng/nng.h"
#include "service/rpc/transport.h"

enum {
	LF_NNG_LISTENERS_MAX = 16,
	LF_NNG_RESERVE = 64, /* contexts beyond the in-flight limit: they answer RESOURCE_EXHAUSTED */
	LF_NNG_WATCHDOG_MS = 500,
	LF_NNG_SEND_MS = 10 * 1000,   /* a reply that waits so long behind others of its connection is dropped */
	LF_NNG_UNREAD_MS = 10 * 1000, /* a peer that takes next to nothing for so long is disconnected */
	LF_NNG_UNSENT_MS = 30 * 1000, /* likewise, that sends next to nothing of a message that it has begun */
	LF_NNG_RECEIVE_SPARE =
		4 * 1024,         /* beyond a message: nng's header, and a little, so that a message too long by a
					    little is refused with its status */
	LF_NNG_REPLY_SPARE = 256, /* room behind a reply, so that append() seldom allocates */
	/* Of a reply: the frame's fixed part, request-id, traceparent and tracestate (3 bytes, key, value each), and that. */
	LF_NNG_REPLY_OVERHEAD = LF_FRAME_FIXED_BYTES + 3 * 3 + 10 + 1024 + 11 + 55 + 10 + 1024 + LF_NNG_REPLY_SPARE,
	/* A reply without text: the frame's fixed part, send-alone (3 bytes, key, value), code. */
	LF_NNG_BARE_BYTES = LF_FRAME_FIXED_BYTES + 3 + 10 + 1 + 2,
	LF_NNG_URL_BYTES_MAX = 320,
	LF_NNG_LARGE_REPLY_BYTES = 64 * 1024, /* may not fit a socket's buffer at once */
	LF_NNG_LINGER_MS = 100, /* at stop, for replies that nng has but perhaps not written, or the peer not read */
	LF_NNG_LINGER_LARGE_MS = 200, /* the same for large ones */
	LF_NNG_PART_MS = 300,         /* at stop, for connections to end from their reading side */
	LF_NNG_HALT_MS = 1500,        /* at stop, for the watchdog to end */
	LF_NNG_STUCK_MS = 60 * 1000,  /* no connection that has ended is released for so long: nng is stuck */
};

/* ---- peers: which pipes are alive, and how many contexts each has ---- */

/* A connection. Under the lock of its peers. */
struct lf_connection {
	struct lf_connection *next; /* of those that are unused */
	struct lf_rpc_peer *peer;   /* NULL where there was no memory for it: then no share goes by it */
	size_t turns;               /* contexts that have a request of its, or the reply */
	size_t bundled;             /* calls of bundles that are not over */
	bool gone;
};

/*
 * The pipes by their ids. Adding, removing and turns lock; asking does not. Pipe ids are never 0, and never reused while
 * nng counts through its 31 bits.
 */
struct lf_peers {
	pthread_mutex_t lock;
	_Atomic uint32_t *slots;            /* open addressing, linear probing */
	struct lf_connection **connections; /* by slot */
	struct lf_connection *all, *unused; /* enough for those that are gone and have turns still */
	size_t mask;
	size_t count;
	size_t max;
	size_t turns, bundled;
	size_t turns_max; /* of either */
	uint64_t unread;  /* messages that were dropped: their connection had its share of contexts */
};

enum lf_code lf_peers_init(struct lf_peers *peers, size_t max, size_t turns_max);
void lf_peers_clean_up(struct lf_peers *peers);
/* Takes over peer. false where max are there already: then the caller has it still. Needs no memory. */
bool lf_peers_add(struct lf_peers *peers, uint32_t id, struct lf_rpc_peer *peer);
void lf_peers_remove(struct lf_peers *peers, uint32_t id);
bool lf_peers_has(const struct lf_peers *peers, uint32_t id);
/*
 * A request of the pipe is in a context. NULL where the pipe is gone, or has its share of contexts: as many as are free.
 */
struct lf_connection *lf_peers_begin_turn(struct lf_peers *peers, uint32_t id);
/* The context is free again. NULL is allowed. */
void lf_peers_end_turn(struct lf_peers *peers, struct lf_connection *connection);
/*
 * So many calls have come in a bundle, in a turn that has begun. false where the connection would have more of such calls
 * than would be left free: these are memory, too, until the bundle is over.
 */
bool lf_peers_begin_bundle(struct lf_peers *peers, struct lf_connection *connection, size_t count);
/* It is over. Before the end of its turn. */
void lf_peers_end_bundle(struct lf_peers *peers, struct lf_connection *connection, size_t count);

/* ---- turns ---- */

/* Where a turn's aio is. DESIGN.md draws it. */
enum lf_turn_state {
	LF_TURN_OURS,      /* with us: the request is with dispatch, or nothing is going on */
	LF_TURN_RECEIVING, /* in nng's hands: the next request */
	LF_TURN_SENDING,   /* in nng's hands: the reply */
};

/* One REP context for the life of the server, and the request that is in it at the moment. A call's own part. */
struct lf_turn {
	struct lf_rpc_nng *nng;
	struct lf_rpc_call *call;
	nng_ctx context;
	nng_aio *aio; /* NULL before the start, and once nng has given everything back */
	_Atomic(enum lf_turn_state) state;
	uint32_t pipe;
	struct lf_connection *connection; /* of the request */
	struct lf_bundle_turn *bundle;    /* its calls have the turn, while call is idle; NULL = it is call's */
	nng_msg *request;
	nng_msg *reply;                         /* begun */
	struct lf_slice request_id, tracestate; /* into request */
	struct lf_frame frame;                  /* of request */
};

/* ---- bundles ---- */

/* The calls of a message with several requests. It has the turn from their arrival until the message of replies is sent. */
struct lf_bundle_turn {
	struct lf_turn *turn;
	void (*answered)(struct lf_turn *turn, nng_msg *reply); /* sends the reply, or ends the turn where it is NULL */
	nng_msg *reply;                                         /* has memory for a bare status at the least */
	bool lost;                                              /* there was no memory to put the replies together */
	atomic_size_t left; /* calls that are not answered yet: whoever answers the last one sends the reply */
	atomic_size_t room; /* bytes of the message of replies that nobody has */
	size_t count;
	struct lf_rpc_call *calls[]; /* each with a struct lf_bundled as its own part */
};

/* One of them. */
struct lf_bundled {
	struct lf_bundle_turn *bundle;
	struct lf_rpc_call *call;
	uint32_t id;
	bool alone;                             /* nothing of it was done, and its caller is told to send it alone */
	uint8_t *request;                       /* its frame, copied */
	struct lf_slice request_id, tracestate; /* into request */
	struct lf_frame frame;                  /* of request */
	uint8_t *reply;                         /* begun: heap, or bare */
	size_t reply_length, reply_size;
	uint8_t bare[LF_NNG_BARE_BYTES];
};

/* ---- listeners ---- */

struct lf_listener {
	enum lf_address_kind kind;
	char url[LF_NNG_URL_BYTES_MAX]; /* as bound: with the real port */
	char path[108];                 /* ipc: the socket's name */
	nng_sockaddr address;           /* tcp: where to try it */
	nng_listener listener;
	bool open;
	bool lost;                 /* it was said that it can't be opened again; the watchdog's own */
	struct lf_local_file file; /* ipc: what is ours */
	unsigned generation;       /* ipc: makes names that are new */
	uint64_t accepted;         /* connections that nng handed over from this listener; under listeners->lock */
};

/* The listeners of one socket, and who watches them. What is above the lock does not change. */
struct lf_listeners {
	nng_socket socket;
	struct lf_door *door;
	size_t receive_max;                /* bytes of a message */
	uint8_t peer_protocol;             /* SP's number of what connects, for trials */
	struct lf_rpc_nng_options options; /* with the defaults filled in */
	atomic_uint_fast64_t reopened;
	pthread_mutex_t lock;   /* of accepted, gone, listener ids, watched */
	pthread_cond_t changed; /* a connection was handed over, or the watchdog shall stop */
	struct lf_listener items[LF_NNG_LISTENERS_MAX];
	size_t count;
	bool stopping;
	bool watched; /* the watchdog's thread is to be joined */
	bool ended;   /* it is at its end */
	pthread_t watchdog;
	uint64_t gone;               /* connections that nng has released */
	uint64_t owed_ns, owed_gone; /* watchdog: when we began waiting for nng to release a pipe, and its count then */
	bool stuck;                  /* watchdog: on_stuck was called */
};

/* ---- the transport ---- */

struct lf_rpc_nng {
	struct lf_rpc_server *server;
	unsigned protocol;
	struct lf_peers peers;
	struct lf_listeners listeners;
	struct lf_rpc_call **calls; /* each with a turn as its own part */
	size_t call_count;
	bool started;       /* owner's thread only */
	atomic_bool closed; /* nothing is handed to nng any more */
	/*
	 * Threads that may be in nng_ctx_send() or nng_ctx_recv(): raised before closed is looked at, so that once it
	 * is set and this is 0, nobody is there and nobody will be.
	 */
	atomic_size_t inside;
	atomic_size_t owned;            /* turns whose aio is in nng's hands, or is about to be */
	atomic_uint_fast64_t linger_ns; /* until when the replies sent so far need the connections */
};

/*
 * frames.c: the header of a reply: the request's id, its trace where that is given, and that the call should be sent
 * alone. Into header, LF_FRAME_HEADER_MAX bytes; its length, or 0.
 */
struct lf_reply_head {
	enum lf_code code;
	const struct lf_trace *trace; /* NULL = none */
	struct lf_slice request_id, tracestate;
	bool alone;
};
size_t lf_frames_reply_header(const struct lf_reply_head *head, uint8_t *header);
/* frames.c: such a header, and an error of the code alone. Into out, LF_NNG_BARE_BYTES; the length. */
size_t lf_frames_bare_status(enum lf_code code, bool alone, uint8_t *out);
/* frames.c: what the frame says, as a request that came over this connection. */
void lf_frames_request(
	const struct lf_turn *turn, const struct lf_frame *frame, size_t bytes, struct lf_rpc_request *request);

/* frames.c: reads the frame of the turn's request. false where it is none; lf_frames_explain() says why. Turn OURS. */
bool lf_frames_read(struct lf_turn *turn, struct lf_rpc_request *request);
void lf_frames_explain(const struct lf_turn *turn, struct lf_error *error);
/* frames.c: as transport.h has them. */
uint8_t *lf_frames_begin(struct lf_rpc_call *call, size_t length);
bool lf_frames_append(struct lf_rpc_call *call, const void *data, size_t length);
void lf_frames_drop(struct lf_rpc_call *call);
bool lf_frames_fail(
	struct lf_rpc_call *call, enum lf_code code, const char *message, const uint8_t *details, size_t length);

/*
 * bundles.c: the turn's message has several requests: each has arrived, as a call of its own, and turn and message are
 * theirs until answered() is called, once, on any thread, which gives the turn back. Else it is refused as a whole with
 * the error, whose code this returns, and the turn is still the caller's.
 */
enum lf_code lf_bundles_arrived(
	struct lf_turn *turn, void (*answered)(struct lf_turn *turn, nng_msg *reply), struct lf_error *error);
/* bundles.c: the turn is over for its bundle's calls. Server and transport may be gone on return, as lf_rpc_turn_over() has it. */
void lf_bundles_over(struct lf_bundle_turn *bundle, enum lf_rpc_sending sending);

/* turn.c: as transport.h has them. */
bool lf_turn_is_gone(const struct lf_rpc_call *call);
void lf_turn_release(struct lf_rpc_call *call);
void lf_turn_finish(struct lf_rpc_call *call);
/* turn.c: the first receive, unless the transport has closed. */
void lf_turn_start(struct lf_turn *turn);
/* turn.c: nng's callback for a turn's aio. */
void lf_turn_on_aio(void *turn);

/*
 * listener.c, owner's thread only. Zeroed before, but for receive_max and peer_protocol; the socket is opened later.
 * options may be NULL: the defaults. RESOURCE_EXHAUSTED where memory ran out.
 */
enum lf_code lf_listeners_init(struct lf_listeners *listeners, const struct lf_rpc_nng_options *options);
void lf_listeners_clean_up(struct lf_listeners *listeners);
/* As lf_rpc_nng_listen(). */
enum lf_code lf_listeners_listen(struct lf_listeners *listeners, const char *url, bool has_tokens, char *bound,
	size_t bound_size, struct lf_error *error);
void lf_listeners_close(struct lf_listeners *listeners);
/* listener.c: opens it on its url. Blocks. Owner's thread before the watchdog runs, else the watchdog's. */
enum lf_code lf_listener_open(struct lf_listeners *listeners, struct lf_listener *listener, struct lf_error *error);
/* listener.c: closes it, and with it the connections that came through it. Blocks. */
void lf_listener_close(struct lf_listener *listener);
/*
 * listener.c: ends the connections that came through it, or through any (NULL), from their reading side, and waits until
 * nng has released them, but not for long. Blocks.
 */
void lf_listeners_part(struct lf_listeners *listeners, const struct lf_listener *only);
/* listener.c: as the C library has it; 0 where it is neither IPv4 nor IPv6. Any thread. */
socklen_t lf_listener_address(const nng_sockaddr *from, struct sockaddr_storage *to);
/* listener.c: nng handed a connection over, or released one. Any thread. */
void lf_listeners_note(struct lf_listeners *listeners, nng_pipe pipe);
void lf_listeners_note_gone(struct lf_listeners *listeners);

/* watchdog.c, owner's thread only. */
enum lf_code lf_watchdog_start(struct lf_listeners *listeners, struct lf_error *error);
/* Tells it to end. */
void lf_watchdog_halt(struct lf_listeners *listeners);
/* Then: waits until it has, but not longer; false where it has not, for nng holds it. */
bool lf_watchdog_await(struct lf_listeners *listeners, unsigned timeout_ms);
/* Waits for its thread. Any thread, once. */
void lf_watchdog_join(struct lf_listeners *listeners);

#endif
