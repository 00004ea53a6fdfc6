/*
 * The RPC server: calls of protobuf-c's generated services, each answered exactly once. It knows nothing of scoring or
 * storage, and nothing of what carries the calls: a transport (transport.h) brings requests and takes replies away.
 * DESIGN.md says how a call goes.
 */
#ifndef LF_SERVICE_RPC_RPC_H
#define LF_SERVICE_RPC_RPC_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/arena.h"
#include "proto/base/limits.h"
#include "proto/base/slice.h"
#include "proto/base/status.h"
#include "service/rpc/tokens.h"

struct lf_rpc_observer;
struct lf_rpc_server;
struct lf_trace;

/* Messages of one type inside requests that may be known already (lf_wire_known). Both functions: any thread. */
struct lf_rpc_cache {
	const ProtobufCMessageDescriptor *type;
	/* NULL, or the message, and in *held what keeps it until it is released, once the call has been answered. */
	ProtobufCMessage *(*find)(void *context, struct lf_slice bytes, void **held);
	void (*release)(void *context, void *held);
	void *context;
};

struct lf_rpc_options {
	size_t worker_count;              /* 0 = lf_processors() */
	size_t in_flight_max;             /* 0 = LF_IN_FLIGHT_MAX */
	size_t request_bytes_max;         /* requests, arenas and replies together; 0 = LF_REQUEST_BYTES_MAX */
	size_t message_bytes_max;         /* 0 = LF_MESSAGE_BYTES_MAX */
	struct lf_tokens *tokens;         /* the server keeps a reference; NULL = all are "local" with every role */
	const struct lf_rpc_cache *cache; /* borrowed, while there are calls; may be NULL */
	const struct lf_rpc_observer *observer; /* as cache; figures.h */
};

/* Starts nothing yet. Owner's thread, as all of lf_rpc_server_...() but lf_rpc_server_counters(). */
enum lf_code lf_rpc_server_new(
	struct lf_rpc_server **server, const struct lf_rpc_options *options, struct lf_error *error);

/*
 * Adds a generated service (its functions run on worker threads, several at once). role: what a caller needs for each
 * of its methods, 0 = nothing; lf_rpc_server_require() makes exceptions. Before lf_rpc_server_start(). service is
 * borrowed.
 *
 * A method gets closure and closure_data; closure_data is a struct lf_rpc_call *. It answers exactly once, at once or
 * later, on any thread, in one of three ways:
 *   - closure(reply, closure_data), where it answers with a message. The reply is packed before closure returns and
 *     need not live longer. Where it does not fit a message, or memory ran out, the call fails with
 *     RESOURCE_EXHAUSTED. A method that answers later keeps closure in its job.
 *   - lf_rpc_fail(), with an error.
 *   - lf_rpc_send(), after it has staged the reply itself with lf_rpc_stage() or lf_rpc_stage_bytes(). Only methods
 *     that stage before they know all of the reply, or that stage bytes, do that: Score, ScoreBatch, Export, and what
 *     lf_answer_stored() restores. They leave closure alone.
 * After that the call and its arena are gone.
 */
enum lf_code lf_rpc_server_add(
	struct lf_rpc_server *server, ProtobufCService *service, unsigned role, struct lf_error *error);

/*
 * Says that a method never blocks (but for what it passes to lf_rpc_later()), so that a small request of it may be
 * worked on by the thread that brought it, without a hand-over to a worker. After lf_rpc_server_add() of its service
 * and before lf_rpc_server_start().
 */
void lf_rpc_server_set_quick(struct lf_rpc_server *server, const char *method);

/*
 * Says that a method tells how the service is, cheaply: small requests of it are taken in beyond the limit of what may be
 * in flight, two a connection and LF_URGENT_MAX in all, and every other turn is theirs. As lf_rpc_server_set_quick().
 */
void lf_rpc_server_set_urgent(struct lf_rpc_server *server, const char *method);

/*
 * Says that a method needs no token where the caller is on this machine (a local socket, the loopback) and the call was
 * not passed on by a proxy that says so. As lf_rpc_server_set_quick().
 */
void lf_rpc_server_set_open_locally(struct lf_rpc_server *server, const char *method);

/*
 * Replaces the tokens. Who is not in them is refused from the next request on; requests that were taken in are answered.
 * What callers of the same name have in flight, and have used of their quotas, stays counted. The server keeps a
 * reference of its own. FAILED_PRECONDITION where the server was made without tokens, or these are NULL: where it listens
 * was decided by that. RESOURCE_EXHAUSTED where memory ran out; nothing has changed then. Any thread, one at a time.
 */
enum lf_code lf_rpc_server_set_tokens(struct lf_rpc_server *server, struct lf_tokens *tokens, struct lf_error *error);

/*
 * One method of a service that was added needs this role instead. NOT_FOUND where service was not added or has no such
 * method. Before lf_rpc_server_start().
 */
enum lf_code lf_rpc_server_require(struct lf_rpc_server *server, const ProtobufCService *service, const char *method,
	unsigned role, struct lf_error *error);

/*
 * Starts the workers, unless they run already; a transport does this before it listens. Where it fails, the server has
 * stopped. FAILED_PRECONDITION for a server that has stopped, RESOURCE_EXHAUSTED where there is no thread.
 */
enum lf_code lf_rpc_server_start(struct lf_rpc_server *server, struct lf_error *error);

/*
 * Takes no new requests, answers those that are in (at most timeout_ms), closes transports, stops all threads. Blocks,
 * but not for ever: where a transport does not come to its end, that is left to a thread of its own. Returns how many
 * calls were given up.
 */
size_t lf_rpc_server_stop(struct lf_rpc_server *server, unsigned timeout_ms);
/*
 * Stops it if that is still to do, and frees it and its transports. A call that a method still holds stays valid until
 * it is answered (which then goes nowhere).
 */
void lf_rpc_server_destroy(struct lf_rpc_server *server);

struct lf_rpc_counters {
	uint64_t started;     /* requests taken in */
	uint64_t ended;       /* of these, done with: answered, or dropped because the peer had gone */
	uint64_t refused;     /* answered RESOURCE_EXHAUSTED before any work */
	uint64_t wrong_token; /* requests with a token that nobody has */
	uint64_t unanswered;  /* of these, dropped: their connection has sent too many */
	uint64_t failed;      /* replies that could not be sent: no memory, or a peer that does not read */
	uint64_t by_code[17]; /* every request by its outcome, refused ones too, as figures.h has it */
};
/* Any thread. */
void lf_rpc_server_counters(struct lf_rpc_server *server, struct lf_rpc_counters *counters);
/*
 * After lf_forget(): frees the memory that earlier requests have left warm for later ones. What is in use is freed when
 * it is given back. Any thread.
 */
void lf_rpc_forget(struct lf_rpc_server *server);

/* ---- one call, inside a method ---- */

struct lf_rpc_call;

/*
 * The request's own arena: the decoded request lives in it; the reply may be built in it. Grows within the server's
 * budget.
 */
struct lf_arena *lf_rpc_arena(struct lf_rpc_call *call);
/*
 * Memory that lasts until the call is answered, unlike the arena's after lf_rpc_leave(). At most 16 times a call (R9). NULL
 * where memory or the budget is exhausted.
 */
void *lf_rpc_keep(struct lf_rpc_call *call, size_t bytes);
/*
 * For a method that answers later on another thread, and waits until then: the arena goes back to serve others, so that
 * what lies in the processor's caches is used again at once, and what waits is small. From here the request and
 * lf_rpc_arena() are gone, until lf_rpc_later() runs something.
 */
void lf_rpc_leave(struct lf_rpc_call *call);
/*
 * The trace that the call belongs to: its caller's, or a new one. A reply tells it, as traceparent, and a trace that is
 * continued also the request's tracestate. Until the turn is over. Any thread that has the call.
 */
const struct lf_trace *lf_rpc_trace(const struct lf_rpc_call *call);
/* Name of the caller: "local", from the tokens file, or "anonymous" where no role and no token were needed. */
const char *lf_rpc_caller(const struct lf_rpc_call *call);
/*
 * What came with the request under this key (in lower case), or an empty slice with data NULL. Valid until the call is
 * answered. Any thread that has the call.
 */
struct lf_slice lf_rpc_metadata(const struct lf_rpc_call *call, const char *key);
/* The request message's bytes as they came, without what the transport had around them. */
void lf_rpc_request_bytes(const struct lf_rpc_call *call, const uint8_t **data, size_t *length);
/* What of options.cache the call holds, in the order in which it was found. */
void *const *lf_rpc_held(const struct lf_rpc_call *call, size_t *count);
/* Whether the deadline has passed, or the peer has gone. */
bool lf_rpc_expired(const struct lf_rpc_call *call);

/*
 * Goes on with a call where it may block: run is called at once where this thread is a worker, else later on one that
 * is. The method returns then, and holds nothing for the call but what is in its arena or from lf_rpc_keep(): where the
 * server stops first, run is not called, and the call is gone.
 */
void lf_rpc_later(struct lf_rpc_call *call, void (*run)(struct lf_rpc_call *call, void *context), void *context);
/*
 * For long work, from within run of lf_rpc_later(): lets others have this thread. false: nobody waits for it, go on.
 * true: the call stands behind those who wait, and run returns at once; it is called again later on a worker, or, where
 * the server stops or the peer goes before, dropped is, on any thread. That gives back what is held beside the arena,
 * and does nothing with the call.
 */
bool lf_rpc_yield(struct lf_rpc_call *call, void (*run)(struct lf_rpc_call *call, void *context),
	void (*dropped)(void *context), void *context);

/*
 * Packs the reply for sending now, sends nothing yet. false where memory ran out or it is too large for a message (then
 * lf_rpc_fail()).
 */
bool lf_rpc_stage(struct lf_rpc_call *call, const ProtobufCMessage *reply);
/*
 * The same for a reply that the caller encodes itself: room for all of its length bytes, to be written before
 * lf_rpc_send(). NULL where lf_rpc_stage() says false.
 */
uint8_t *lf_rpc_stage_bytes(struct lf_rpc_call *call, size_t length);
/* Appends already encoded protobuf fields to a staged reply (what is known only after the commit). */
bool lf_rpc_append(struct lf_rpc_call *call, const void *data, size_t length);
/* Sends a staged reply, the only one or the last. The call is gone. Never blocks; any thread. */
void lf_rpc_send(struct lf_rpc_call *call);
/*
 * Sends a staged reply, and others follow: the call stays, and ends with lf_rpc_send() or lf_rpc_fail(). UNIMPLEMENTED
 * where the call's transport carries one reply to a call (the staged reply is dropped; then lf_rpc_fail(), with this
 * error, say). Never blocks; any thread. What peers have not taken yet counts as used: lf_rpc_stage() fails where they
 * are too slow, and lf_rpc_expired() says whether they are still there.
 */
enum lf_code lf_rpc_send_part(struct lf_rpc_call *call, struct lf_error *error);
/*
 * Makes a call one that stays: it leaves the share of requests in flight for one of its own, of LF_STREAMS_MAX in all
 * and LF_STREAMS_CALLER_MAX for a caller, of which its connection and its address have shares. Before its first part;
 * on failure it is an ordinary call, to be answered with the error: UNIMPLEMENTED where the transport carries one reply
 * to a call (instead says what to use then, as in "Decisions/Export"), RESOURCE_EXHAUSTED where there are too many,
 * UNAVAILABLE where the server stops.
 */
enum lf_code lf_rpc_stream_begin(struct lf_rpc_call *call, const char *instead, struct lf_error *error);
/* What a stream waits for: any of these. It may also be woken for none of them. */
struct lf_rpc_wait {
	bool taken; /* the peer has taken all that was sent (lf_rpc_untaken() is 0) */
	bool news;  /* lf_rpc_news() is not seen any more */
	uint64_t seen;
	uint64_t until_ns; /* this moment (lf_clock_ns()), to a second; 0 = none */
};
/*
 * Gives the arena and the thread back until then; run goes on with the call, on a worker, and answers it or waits again.
 * The method returns, and holds nothing for the call but what is in lf_rpc_keep(). run is not called any more, and the
 * call is answered or dropped, where its deadline passes, its peer goes, its caller may not call it any longer, or the
 * server stops: that wakes it once more, so that it can say something last, and the next wait ends it with UNAVAILABLE.
 */
void lf_rpc_stream_wait(struct lf_rpc_call *call, const struct lf_rpc_wait *wait,
	void (*run)(struct lf_rpc_call *call, void *context), void *context);
/* Bytes of parts that the peer has not taken yet. */
size_t lf_rpc_untaken(const struct lf_rpc_call *call);
/* How often there was news. Asked before what is read, so that what comes after it is not missed. */
uint64_t lf_rpc_news(const struct lf_rpc_call *call);
/* There is something new to be read: wakes the streams that wait for it. Any thread, until the server is destroyed; never blocks. */
void lf_rpc_server_news(struct lf_rpc_server *server);
/* Answers with an error (drops a staged reply). error is copied. The call is gone. Never blocks; any thread. */
void lf_rpc_fail(struct lf_rpc_call *call, const struct lf_error *error);

#endif
