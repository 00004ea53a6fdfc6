/*
 * The seam between dispatch and what carries calls: what a transport does, and what dispatch does for it.
 *
 * A transport moves bytes. It reads requests from its peers, hands each to dispatch as a call, gets a reply or an error
 * back for it, and writes that. It knows its own framing, its connections and its threads; it knows no service, no
 * caller, no queue and no budget. Dispatch knows those, and no socket.
 *
 * The life of a call, as the transport sees it:
 *
 *	lf_rpc_call_new()              the call is IDLE, and the transport's
 *	lf_rpc_arrived(call, request)  it is dispatch's; the request's memory must stay until release()
 *	  begin() or fail(), append(), drop(), send_part(), is_gone()      by dispatch, from one thread at a time
 *	  release()                    the request's memory may go
 *	  finish()                     it is the transport's again: it sends what was begun, if anything
 *	lf_rpc_turn_over(call)         that is sent, or never will be: the call is IDLE, ready for the next request
 *	lf_rpc_call_free()
 *
 * Everything dispatch calls may be called on any thread: a worker's, one of the service (the log's), or, from within
 * lf_rpc_arrived(), the transport's own. So a transport whose connection belongs to one thread, as an event loop's
 * does, takes the finished call over in finish() and tells that thread.
 *
 * Nothing here blocks, but where that is said.
 */
#ifndef LF_SERVICE_RPC_TRANSPORT_H
#define LF_SERVICE_RPC_TRANSPORT_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "proto/base/arena.h"
#include "proto/base/slice.h"
#include "proto/base/status.h"
#include "proto/base/trace.h"
#include "service/rpc/names.h"
#include "service/rpc/rpc.h"

/* What a transport must be able to do. The same for all of its calls; static. */
struct lf_rpc_transport {
	const char *name; /* for messages: "nng" */

	/*
	 * Memory that a reply takes beyond its message, at the most: framing and spare room. It is counted against the
	 * server's budget with each reply.
	 */
	size_t reply_overhead;

	/*
	 * With fewer requests in flight than this, and than there are processors, a small request of a quick method
	 * (lf_rpc_server_set_quick()) is worked on within lf_rpc_arrived(), on the thread that brought it. 0: never; 1: only
	 * where there is no other, which is right for a transport with one thread for all connections.
	 */
	size_t quick_max;

	/*
	 * Its calls wait for each other: the replies to several go together. None of them is urgent, or it would hold its
	 * place beyond the limits for as long as the slowest of the others takes.
	 */
	bool together;

	/*
	 * Begins the reply of a call: room for length bytes of message, which dispatch writes at once or later, but
	 * before finish() or send_part(). The transport puts its framing around it, and leaves some room behind it for
	 * append(). A call has one reply at a time. NULL where memory ran out, or so long a message can't be sent.
	 */
	uint8_t *(*begin)(struct lf_rpc_call *call, size_t length);

	/*
	 * Adds bytes behind the reply that was begun. What begin() returned may not be written to any more. false where
	 * memory ran out, or the message would become too long; the reply can then only be dropped.
	 */
	bool (*append)(struct lf_rpc_call *call, const void *data, size_t length);

	/* Forgets the reply that was begun. */
	void (*drop)(struct lf_rpc_call *call);

	/*
	 * Begins an error instead of a reply, or after parts of one: code (not LF_OK) and message, and in details, where it is not NULL, a
	 * packed leadfit.v1.Error that has both, and each invalid field. The transport says all of it in its own way;
	 * it copies what it needs. false where memory ran out, or it is too long: dispatch then tries again with less,
	 * and at the end with an empty message and without details. That should need no memory: what the request takes
	 * may be used for it, for nobody reads the request any more.
	 */
	bool (*fail)(struct lf_rpc_call *call, enum lf_code code, const char *message, const uint8_t *details,
		size_t length);

	/*
	 * Sends the reply that was begun, and keeps the call open: others follow. Whoever serves the method goes on at
	 * once and begins the next. bytes is what dispatch has counted for this one: lf_rpc_part_sent() gives it back
	 * once the memory is free. Replies arrive in order. NULL where a call has one reply only.
	 */
	void (*send_part)(struct lf_rpc_call *call, size_t bytes);

	/*
	 * Makes protobuf bytes of a request that came as something else (JSON), where *message and *length are what
	 * came: sets them to what is to be decoded, which lives in arena. Once a call, on the thread that serves it, before
	 * its method runs. LF_OK, also where there is nothing to do; else the call fails with the error. NULL where
	 * requests always come as protobuf.
	 */
	enum lf_code (*translate)(struct lf_rpc_call *call, const ProtobufCMessageDescriptor *type,
		struct lf_arena *arena, const uint8_t **message, size_t *length, struct lf_error *error);

	/*
	 * Whether nobody waits for the call any more: its peer has gone, or has cancelled it. Asked often, and under
	 * dispatch's lock: cheap, and takes no lock.
	 */
	bool (*is_gone)(const struct lf_rpc_call *call);

	/* Dispatch is done with the request: method, metadata and message may be freed. Once, before finish(). */
	void (*release)(struct lf_rpc_call *call);

	/*
	 * The call is the transport's again. It sends the reply or error that was begun; where none was, it ends the
	 * call without one. Where it can't send, because the peer has gone or the transport has closed, it frees the
	 * reply. However that goes, it calls lf_rpc_turn_over() exactly once: at once, or when the bytes are out.
	 */
	void (*finish)(struct lf_rpc_call *call);

	/*
	 * Stopping, in this order, each once, on the thread of lf_rpc_server_stop(). Those of lf_rpc_server_attach()
	 * are asked; self is what was attached there. Any of them but close may be NULL.
	 *
	 * draining: arrivals are refused from now on (dispatch does that), while what is in flight is still answered.
	 * drained:  nothing is in flight any more. May block for a moment, so that replies reach their peers. Left out
	 *           where the server is stopped at once.
	 * close:    nothing goes out any more. On return no thread of the transport is about to send, and calls in its
	 *           hands come to their end; calls that are still served come to finish() later. lf_rpc_closed() says
	 *           when the transport has nothing left that could touch it: from within close, or later, from any
	 *           thread, or never.
	 * free:     frees self and its calls. After lf_rpc_closed(), once no call is in flight; on any thread.
	 */
	void (*draining)(void *self);
	void (*drained)(void *self);
	void (*close)(void *self);
	void (*free)(void *self);
};

/* A request as a transport has decoded it. All of it stays where it is until release(). */
struct lf_rpc_request {
	struct lf_slice method;             /* "leadfit.v1.Scoring/Score" */
	uint32_t timeout_ms;                /* what is left of the caller's deadline; 0 = there is none */
	const struct lf_metadata *metadata; /* keys in lower case */
	size_t metadata_count;
	const uint8_t *message; /* protobuf bytes */
	size_t message_length;
	size_t bytes; /* of memory that the request takes, framing and all: what the limits are about */
	/* Of the client's certificate, which the transport has verified: who calls, where no token says so. Or NULL. */
	struct lf_rpc_names *names;
	struct lf_rpc_peer *peer; /* the connection that it came over; NULL = unknown: no share goes by it */
	unsigned protocol;        /* lf_rpc_server_protocol(), for figures */
};

/* ---- connections ---- */

/*
 * A connection, as dispatch knows it: limits hold for each, and for each address. Transports make one for each connection
 * and give it along with every request. remote: the peer's address, of which an IPv6 one counts as its /64; NULL or
 * AF_UNIX for a local socket. NULL: no memory. Any thread.
 */
struct lf_rpc_peer *lf_rpc_peer_new(struct lf_rpc_server *server, const struct sockaddr *remote);
/*
 * The connection has gone, or nobody asks for its sake any more. Requests that came over it may be in flight still. NULL
 * is allowed. Any thread, before the transport is freed.
 */
void lf_rpc_peer_release(struct lf_rpc_peer *peer);

/*
 * A new call of a server, IDLE, with own_bytes of zeroed memory for the transport behind it (lf_rpc_call_own()). A
 * transport may keep its calls and use them again and again, or make one for each request. NULL: no memory.
 */
struct lf_rpc_call *lf_rpc_call_new(
	struct lf_rpc_server *server, const struct lf_rpc_transport *transport, size_t own_bytes);
/* The call must be IDLE. NULL is allowed. */
void lf_rpc_call_free(struct lf_rpc_call *call);
/* The transport's own part of a call. Aligned for anything. */
void *lf_rpc_call_own(const struct lf_rpc_call *call);

/*
 * A request has arrived in this IDLE call. Dispatch admits it or refuses it; it may be answered, and the call be over
 * and in use again, before this returns. Never blocks, but that a quick method may be run in it (see above). Any
 * thread.
 */
void lf_rpc_arrived(struct lf_rpc_call *call, const struct lf_rpc_request *request);
/*
 * The same for what is no request: it is answered with the error, which is copied. known: what there is to say of it,
 * protocol, peer and metadata, as far as that is known.
 */
void lf_rpc_arrived_broken(struct lf_rpc_call *call, const struct lf_rpc_request *known, const struct lf_error *error);

/*
 * Of a call for which fail() is called, until finish() returns: whether its request had a token that nobody has. A
 * transport that can close the connection once the reply is out does so.
 */
bool lf_rpc_has_wrong_token(const struct lf_rpc_call *call);
/* Likewise: in how many ms a request like this one may be admitted, where that is known; else 0. */
uint32_t lf_rpc_retry_ms(const struct lf_rpc_call *call);

/* How a turn has ended for the transport. */
enum lf_rpc_sending {
	LF_RPC_SENT,        /* as far as the transport can tell */
	LF_RPC_UNSENT,      /* there was no reply, or the transport has closed */
	LF_RPC_SEND_FAILED, /* the peer did not take it */
};
/*
 * The call, which finish() was called for, is IDLE again, and the transport's. lf_rpc_part_sent() has returned for each part
 * of its reply, sent or not (R5). Where the transport is closed and nothing else is in its hands, the server, the call and
 * the transport may be gone when this returns. Any thread.
 */
void lf_rpc_turn_over(struct lf_rpc_call *call, enum lf_rpc_sending sending);
/*
 * The same for calls whose replies went together, 1 or more. Not one after the other: the server may be gone after the last
 * that was admitted, and others may follow it.
 */
void lf_rpc_turns_over(struct lf_rpc_call *const *calls, size_t count, enum lf_rpc_sending sending);
/*
 * The memory of a reply of send_part() is free again, because the peer has taken it, or never will: whoever serves a stream
 * goes on then. Any thread; it has returned before lf_rpc_turn_over() is called.
 */
void lf_rpc_part_sent(struct lf_rpc_call *call, size_t bytes);

/* ---- the server, for a transport ---- */

enum { LF_RPC_TRANSPORTS_MAX = 4 };

/*
 * Puts a transport under the server, which stops it and frees it (transport->free) from here on. One that has nothing
 * to stop need not be attached. Owner's thread, before lf_rpc_server_start(). RESOURCE_EXHAUSTED where there are
 * LF_RPC_TRANSPORTS_MAX.
 */
enum lf_code lf_rpc_server_attach(
	struct lf_rpc_server *server, const struct lf_rpc_transport *transport, void *self, struct lf_error *error);
/* An attached transport, closed by the server, has come to its end: it will touch nothing any more. Any thread. */
void lf_rpc_closed(struct lf_rpc_server *server);
/*
 * The budget of all requests, for what a transport holds of them before they are calls: a request that is still
 * arriving, output that its peer has not taken. take says false where so many bytes would be too many. What was taken
 * for a request's message is given back before lf_rpc_arrived(), which counts it anew. Any thread.
 */
bool lf_rpc_server_take(struct lf_rpc_server *server, size_t bytes);
void lf_rpc_server_give(struct lf_rpc_server *server, size_t bytes);
/*
 * The number of a protocol that a transport speaks, for its requests: the same one for the same name, which is static.
 * Before the server starts a new name gets one, if there are not LF_RPC_PROTOCOLS_MAX; else 0, of no name. Any thread once
 * the server has started.
 */
unsigned lf_rpc_server_protocol(struct lf_rpc_server *server, const char *name);
/* The server's options, with the defaults filled in. */
const struct lf_rpc_options *lf_rpc_server_options(const struct lf_rpc_server *server);

#endif
