/*
 * One HTTP request and its reply, whatever the version of HTTP that carries them.
 *
 *	a version (h2.c, h1.c)     makes an exchange of a request's head, collects the body, asks route.c who serves it,
 *	                           and writes the reply
 *	a handler (grpc.c, ...)    serves it: answers at once, or brings it to dispatch (call.c) and answers later
 *
 * All of this on the loop's thread, but where another one is named. Nothing here blocks.
 *
 * Its life: lf_http_exchange_new() .. lf_http_exchange_over(). A version calls the latter when its stream has ended,
 * whether the reply went out or not; where dispatch still has the call, the exchange is marked gone, and stays until
 * dispatch is done with it. Then it goes back to a pool: its memory is that of the call's own part.
 */
#ifndef LF_SERVICE_HTTP_EXCHANGE_H
#define LF_SERVICE_HTTP_EXCHANGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/slice.h"
#include "proto/base/status.h"
#include "service/rpc/transport.h"

struct lf_http;
struct lf_http_conn;
struct lf_http_exchange;

enum {
	LF_HTTP_HEAD_BYTES_MAX = 16 * 1024, /* of a request: names, values, and 32 for each (RFC 9113 6.5.2) */
	LF_HTTP_HEADERS_MAX = 64,           /* of a request */
	LF_HTTP_BODY_PREFIX_BYTES = 5,      /* that a body may have beyond a message: gRPC's framing */
	LF_HTTP_RATE_MIN = 1024,            /* bytes a second, below which peers are given up in the end */
	LF_HTTP_HEADERS_OWN = 24,           /* that an exchange has room for */
	LF_HTTP_HEAD_BYTES_OWN = 1024,      /* of their text */
	LF_HTTP_REPLY_HEADERS_MAX = 16,     /* of a reply */
	LF_HTTP_METADATA_MAX = 3,           /* of these, lf_http_metadata_of_reply() */
	LF_HTTP_TRAILERS_MAX = 5,           /* of a reply */
	LF_HTTP_PART_SPARE = 512,           /* behind a reply: for what is appended, and gRPC-Web's trailers */
	LF_HTTP_PART_PREFIX = 16,           /* before a reply: for a dialect's framing */
	/* In parts_out: the call has ended with nobody to tell, and whoever frees the last of its parts ends its turn. */
	LF_HTTP_CALL_ENDED = 1 << 30,
};

/* A header of constants, as a struct lf_metadata. */
#define LF_HTTP_HEADER(name, text)                                                                                     \
	{                                                                                                              \
		{name, sizeof(name) - 1},                                                                              \
		{                                                                                                      \
			text, sizeof(text) - 1                                                                         \
		}                                                                                                      \
	}

/* ---- what happens on the loop because of other threads ---- */

enum lf_http_event_kind {
	LF_HTTP_PART,   /* a part of a reply is to be sent; others follow */
	LF_HTTP_FINISH, /* dispatch is done with the call */
};

/* An entry of the loop's stack of completions, within what it is about. */
struct lf_http_event {
	struct lf_http_event *next;
	struct lf_http_exchange *exchange;
	enum lf_http_event_kind kind;
};

/*
 * Bytes of a reply, in one piece of memory: prefix bytes for framing (LF_HTTP_PART_PREFIX), the message, and spare room
 * behind it. On the heap; lf_http_part_free().
 */
struct lf_http_part {
	struct lf_http_event event;
	struct lf_http_part *next; /* in a queue */
	size_t counted;            /* lf_rpc_part_sent() gets this once it is written; 0 = nothing to say */
	size_t room;               /* of bytes[] */
	size_t first, end;         /* what is to be sent: bytes[first .. end) */
	uint8_t bytes[];
};

/* A part with room for so much message behind the prefix: first = LF_HTTP_PART_PREFIX, end = first + length. Or NULL. */
struct lf_http_part *lf_http_part_new(size_t length);
/* Adds bytes at its end; it may move. false: no memory, and it is as it was. */
bool lf_http_part_append(struct lf_http_part **part, const void *data, size_t length);
void lf_http_part_free(struct lf_http_part *part);

/* ---- the reply side: what a version of HTTP does ---- */

/* How a version writes a reply. In this order: start, part (any number), finish. Or start with `end`. */
struct lf_http_reply_ops {
	bool has_trailers; /* replies may have trailers: HTTP/2 */
	/*
	 * The head: status and headers, which are copied (names in lower case, values clean). length: of the whole body
	 * where it is known, for HTTP/1.1's content-length; -1 where it is not. end: there is no body, and no trailers.
	 */
	void (*start)(struct lf_http_exchange *exchange, unsigned status, const struct lf_metadata *headers,
		size_t count, int64_t length, bool end);
	/* Some of the body. Takes the part over. Written in order; lf_http_part_written() when it is. */
	void (*part)(struct lf_http_exchange *exchange, struct lf_http_part *part);
	/*
	 * The end, after what was given to part. Trailers may be none; their texts must stay until the exchange is over:
	 * static, or of lf_http_exchange_text(). HTTP/1.1 leaves them out, unless the body is chunked and `te: trailers`
	 * was said.
	 */
	void (*finish)(struct lf_http_exchange *exchange, const struct lf_metadata *trailers, size_t count);
	/* Gives the exchange up: RST_STREAM, or the connection's end. lf_http_exchange_over() follows from the version. */
	void (*abort)(struct lf_http_exchange *exchange);
	/* The version calls lf_http_exchange_over() when the reply's last byte is in the connection's output. */
};

/* ---- who serves a request: route.c ---- */

/* Chosen by path, method and content type, when the request's head is there. Static. */
struct lf_http_handler {
	const char *name; /* for messages, logs and metrics: "grpc", "grpc-web", "connect", "resource" */
	/*
	 * Some of the body has come, or all of it (exchange->whole). For streams of requests; it is called instead of
	 * serve(). NULL: the handler waits for the whole.
	 */
	void (*more)(struct lf_http_exchange *exchange);
	/* The request is whole: answers it, at once or later. */
	void (*serve)(struct lf_http_exchange *exchange);
	/*
	 * The request can't be served: too large, no memory, malformed. Answers so in the handler's own way. Whatever
	 * of the body is still coming is thrown away by the version. The error is the caller's.
	 */
	void (*refuse)(struct lf_http_exchange *exchange, const struct lf_error *error);
};

/*
 * One entry of the routes: the handler that serves this request, or NULL where this entry has none for it. It may also
 * answer the exchange itself, with a status of HTTP (lf_http_answer()), and return lf_http_answered.
 */
typedef const struct lf_http_handler *lf_http_match(struct lf_http_exchange *exchange);
extern const struct lf_http_handler lf_http_answered;

/*
 * Chooses the handler; sets exchange->handler, never to NULL. Where none matches, it is answered 404 (no such path),
 * 405 (with allow) or 415. Versions call it when the head is complete, then look whether the exchange was answered
 * already (exchange->started).
 */
void lf_http_route(struct lf_http_exchange *exchange);
/* The request is whole: exchange->handler serves it, unless it was answered already. Versions call it, once. */
void lf_http_whole(struct lf_http_exchange *exchange);

/* ---- the exchange ---- */

/* What adding to a request comes to. */
enum lf_http_add {
	LF_HTTP_ADDED,
	LF_HTTP_TOO_LARGE, /* beyond a limit: 431 for a head, RESOURCE_EXHAUSTED for a body */
	LF_HTTP_NO_MEMORY, /* memory, or the budget, or the connection's share of it, is used up: 503, or the same */
	LF_HTTP_MALFORMED, /* a pseudo-header that is there twice or unknown, a control character in a value */
};

struct lf_http_exchange {
	struct lf_http_event event; /* its LF_HTTP_FINISH */
	struct lf_http *http;
	struct lf_http_conn *conn;    /* stays as long as the exchange does */
	struct lf_rpc_call *call;     /* whose own part this is */
	struct lf_http_exchange *all; /* of the transport: every one that was ever made */

	/* From here on an exchange is cleared when it goes back to the pool, but for the room at the end. */
	const struct lf_http_reply_ops *ops;
	const struct lf_http_handler *handler;
	struct lf_http_exchange *next, *previous; /* of the connection; next also in the pool */
	uint64_t id;                              /* the version's: a stream's id, or a number */
	void *version;                            /* the version's own, NULL at first */

	/* The request. Slices lie in the exchange; names are in lower case. An empty slice where there is none. */
	struct lf_slice method, scheme, authority, target;
	struct lf_slice path, query;  /* target, taken apart at the first '?'; query without it */
	struct lf_slice content_type; /* without parameters, and without spaces; as it was written */
	struct lf_metadata *headers;  /* without the pseudo-headers; host is in authority, too */
	size_t header_count;
	uint8_t *body; /* NULL where it is empty */
	size_t body_length;
	size_t body_taken; /* of a stream of requests: bytes at its beginning that are done with */
	uint8_t *piece;    /* heap: of a stream of requests, the one that is with dispatch */
	size_t piece_length;
	bool is_tls;
	enum lf_http_add head_wrong; /* the version's: what its head came to so far */
	bool whole;                  /* the body has come in, all of it */
	bool refused;                /* the rest of the body is thrown away */
	bool started;                /* a reply was begun */
	bool finished;               /* and is complete, as far as its handler is concerned */
	bool waits;                  /* of a stream of requests: the next one's turn comes when this reply is taken */
	uint64_t arrived_ns;         /* when its head began */
	uint64_t progress_ns;        /* when some of the request came last */
	uint64_t reply_ns;           /* since when there is something of the reply for the peer to take */
	uint64_t reply_sent;         /* bytes that it has taken since */

	struct lf_slice allow_origin; /* whom a browser may show the reply to; origin.c sets it */
	unsigned own;                 /* the handler's own; whoever owns the call */

	/* The reply, for the version's use: parts that are not written yet, and what follows them. */
	struct lf_http_part *first, *last;
	struct lf_metadata trailers[LF_HTTP_TRAILERS_MAX];
	size_t trailer_count;

	/* call.c's. */
	bool served;                /* dispatch has the call */
	bool replying;              /* dispatch is done with it, and lf_rpc_turn_over() is still to be called */
	bool over;                  /* lf_http_exchange_over() was called */
	struct lf_rpc_names *names; /* of its client's certificate, while dispatch has the request */
	atomic_size_t parts_out;    /* given to the loop, and counted by dispatch; with LF_HTTP_CALL_ENDED */
	const struct lf_http_dialect *dialect;
	struct lf_http_part *begun; /* whoever owns the call: the reply, before it is given to the loop */
	atomic_bool gone;           /* nobody waits for it any more. Any thread reads */
	enum lf_code code;          /* of the failure; LF_OK: none */
	bool wrong_token;
	uint32_t retry_ms; /* of a failure: in how many ms another may be admitted; 0: not known */
	struct lf_slice message, details;
	char *failure;  /* heap: what these lie in */
	char number[4]; /* code, as text for trailers */
	char retry[12]; /* retry_ms, likewise, or as seconds */
	char trace[LF_TRACE_TEXT_BYTES];

	/* Memory. counted: bytes of the server's budget, for what has arrived. */
	size_t counted;        /* for the head */
	size_t body_counted;   /* for the body, while it arrives: call.c passes it on */
	size_t unsent_counted; /* for the reply, where the turn was over before its bytes were out */
	size_t reply_counted;  /* for a reply that has grown when it was sealed; the call's owner sets it */
	uint64_t body_seen;    /* all that has come, what was thrown away, too */
	size_t body_room, head_length, head_room, header_room;
	size_t head_size; /* as HTTP/2 counts it: with 32 for each */
	char *head;       /* the texts of headers and so on */
	char *text;       /* lf_http_exchange_text() */
	struct lf_metadata own_headers[LF_HTTP_HEADERS_OWN];
	char own_head[LF_HTTP_HEAD_BYTES_OWN];
};

/*
 * A new exchange of a connection, at the end of conn->exchanges. NULL where memory ran out, or the connection has
 * LF_HTTP_STREAMS_MAX already: the request is to be refused (REFUSED_STREAM, 503).
 */
struct lf_http_exchange *lf_http_exchange_new(
	struct lf_http *http, struct lf_http_conn *conn, const struct lf_http_reply_ops *ops, uint64_t id);
/* Its stream has ended, in whatever way. It leaves the connection, and must not be touched by the version any more. */
void lf_http_exchange_over(struct lf_http_exchange *exchange);

/*
 * Adds a header as it came, or one of HTTP/2's pseudo-headers (":path"). Copied; the name is lowered. `host` sets
 * authority where there is none.
 */
enum lf_http_add lf_http_exchange_add_header(
	struct lf_http_exchange *exchange, struct lf_slice name, struct lf_slice value);
/* All headers are there: takes target and content-type apart. */
enum lf_http_add lf_http_exchange_head_done(struct lf_http_exchange *exchange);
/* Adds some of the body. Counted against the budget as it grows, never by what is announced. */
enum lf_http_add lf_http_exchange_add_body(struct lf_http_exchange *exchange, const void *data, size_t length);
/* The error that says why, for handler->refuse(). */
void lf_http_exchange_explain(const struct lf_http_exchange *exchange, enum lf_http_add why, struct lf_error *error);
/* Refuses the request by its handler, once, unless it was answered already; the rest of its body is thrown away. */
void lf_http_exchange_refuse(struct lf_http_exchange *exchange, const struct lf_error *error);

/* Of a connection's streams of requests: those whose reply was taken go on with the next. Versions call it before they fill. */
void lf_http_exchanges_go_on(struct lf_http_conn *conn);
/* Whether a peer does not take what there is of a reply that is complete, or of one to a stream of requests. */
bool lf_http_exchange_is_stuck(const struct lf_http_exchange *exchange, uint64_t now_ns);
/* Whether a body that is not whole has made no progress for too long, or too little since its head came. */
bool lf_http_exchange_is_late(const struct lf_http_exchange *exchange, uint64_t now_ns);

/* The first value of a header (name in lower case), or an empty slice with data NULL. */
struct lf_slice lf_http_header(const struct lf_http_exchange *exchange, const char *name);
/*
 * The headers that the reply of a call has whatever it is: the request's id, where it has one that frames would take, too
 * (at most LF_METADATA_BYTES_MAX bytes, and lf_metadata_may_be_value()), traceparent, and the tracestate of a trace that
 * is continued. Returns how many: at most LF_HTTP_METADATA_MAX.
 */
size_t lf_http_metadata_of_reply(struct lf_http_exchange *exchange, struct lf_metadata *headers);
/* Memory that lasts until the exchange is over; once an exchange. NULL: no memory. */
char *lf_http_exchange_text(struct lf_http_exchange *exchange, size_t size);

/* Replies, for handlers: these call the version's ops and keep started and finished. */
void lf_http_reply_start(struct lf_http_exchange *exchange, unsigned status, const struct lf_metadata *headers,
	size_t count, int64_t length, bool end);
void lf_http_reply_part(struct lf_http_exchange *exchange, struct lf_http_part *part);
void lf_http_reply_finish(struct lf_http_exchange *exchange, const struct lf_metadata *trailers, size_t count);
void lf_http_reply_abort(struct lf_http_exchange *exchange);
/* All of a small reply: its body is copied. type may be NULL where there is no body. */
void lf_http_answer(struct lf_http_exchange *exchange, unsigned status, const char *type,
	const struct lf_metadata *more, size_t more_count, const void *body, size_t length);
/*
 * Versions: a part has been written into the connection's output, or never will be. Frees it, and tells dispatch. Also
 * call.c, on any thread, for one that the loop does not get.
 */
void lf_http_part_written(struct lf_http_exchange *exchange, struct lf_http_part *part);

/* Bytes of the budget for a request that arrives, within its connection's share, and the share of all that arrive. */
bool lf_http_exchange_take(struct lf_http_exchange *exchange, size_t bytes);
/* The reply begins: what was read of the body goes, but for what dispatch has, and for requests that follow in it. */
void lf_http_exchange_drop_body(struct lf_http_exchange *exchange);
/* call.c: the body's share of the budget is dispatch's from here. */
void lf_http_exchange_uncount_body(struct lf_http_exchange *exchange);
/* call.c: dispatch is done with it: the turn is over now, or when the reply is out. It may be in the pool afterwards. */
void lf_http_exchange_served(struct lf_http_exchange *exchange);
/*
 * call.c: the reply, of so many bytes, is with the version. The turn is over now where the reply can be counted as unsent,
 * so that peers that read slowly keep nobody out; else when it is out.
 */
void lf_http_exchange_replied(struct lf_http_exchange *exchange, size_t bytes);
/* The turn is over: another call is to follow on this exchange. */
void lf_http_exchange_turn_over(struct lf_http_exchange *exchange);
/* http.c: at the very end, whatever it is in. */
void lf_http_exchange_free(struct lf_http_exchange *exchange);

/* ---- to dispatch, and back: call.c ---- */

/* How a protocol of calls (gRPC, gRPC-Web, Connect) writes replies over HTTP. Static. */
struct lf_http_dialect {
	const char *name; /* one of http.c's protocols: what figures are by */
	/*
	 * A reply's message is complete, at (*part)->bytes[first .. end): puts its framing around it, or replaces it by
	 * another (JSON). last: no other follows. Any thread: the one that answers the call. false: memory ran out; the
	 * call then fails with RESOURCE_EXHAUSTED. NULL: nothing to do.
	 */
	bool (*seal)(struct lf_http_exchange *exchange, struct lf_http_part **part, bool last);
	/* The first reply of a call is there: lf_http_reply_start(). length: of the body, or -1 where others follow. */
	void (*start)(struct lf_http_exchange *exchange, int64_t length);
	/* All replies were sent: lf_http_reply_finish(). */
	void (*finish)(struct lf_http_exchange *exchange);
	/*
	 * The call has failed: exchange->code (not LF_OK), message, details (a packed leadfit.v1.Error, or empty). Where
	 * exchange->started, replies have gone out before. Must not fail: with less and less, down to the bare status.
	 */
	void (*fail)(struct lf_http_exchange *exchange);
	/*
	 * lf_rpc_transport.translate() of its calls. On the thread that serves the call. NULL: requests are protobuf.
	 */
	enum lf_code (*read)(struct lf_http_exchange *exchange, const ProtobufCMessageDescriptor *type,
		struct lf_arena *arena, const uint8_t **message, size_t *length, struct lf_error *error);
};

/*
 * Brings the call to dispatch. request's slices must lie in the exchange; bytes and message are set by the caller. May
 * answer before it returns. The body's share of the budget passes to dispatch.
 */
void lf_http_call(
	struct lf_http_exchange *exchange, const struct lf_http_dialect *dialect, const struct lf_rpc_request *request);
/* Answers in the dialect's way without dispatch: what is no call. */
void lf_http_call_broken(
	struct lf_http_exchange *exchange, const struct lf_http_dialect *dialect, const struct lf_error *error);

#endif
