/*
 * A connection: bytes in and out, the io that moves them (plain socket, TLS), and the protocol engine that understands
 * them (HTTP/2, HTTP/1.1). An engine knows no sockets: a test or a fuzzer feeds it the same bytes (lf_http_conn_feed()).
 * Everything here is on the loop's thread, and blocks never.
 *
 *	socket readable → io->read → conn → protocol->feed
 *	                                    ↓ exchanges, handlers; other threads' completions
 *	socket writable ← io->write ← output ← protocol->fill, once a turn of the loop, while the output has room
 */
#ifndef LF_SERVICE_HTTP_CONN_H
#define LF_SERVICE_HTTP_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "service/http/loop.h"
#include "service/rpc/names.h"

struct lf_http;
struct lf_http_conn;
struct lf_http_exchange;
struct lf_rpc_peer;

enum {
	LF_HTTP_OUTPUT_SMALL = 16 * 1024, /* unsent bytes that every connection may have; more is counted */
	LF_HTTP_OUTPUT_MAX = 128 * 1024,  /* unsent bytes above which nothing more is produced */
	LF_HTTP_READ_BYTES = 64 * 1024,   /* that one read asks for; one buffer for all connections */
	LF_HTTP_SHAKES_A_TURN = 4,        /* steps of handshakes, of all connections */
	LF_HTTP_READS_A_TURN = 4,         /* of one connection, then the others have their turn */
	LF_HTTP_STREAMS_MAX = 256,        /* exchanges of one connection */
	LF_HTTP_STREAMS_FEW = 4,          /* up to which a connection is not refused for what others have */
};

/* ---- the protocol engine ---- */

enum lf_http_next {
	LF_HTTP_GO_ON,
	LF_HTTP_CLOSE, /* what is in the output is still sent, then the connection is closed */
	LF_HTTP_DROP,  /* closed at once */
};

struct lf_http_protocol {
	const char *name; /* "h2", "h1" */
	/* Makes conn->engine. false: no memory. */
	bool (*open)(struct lf_http_conn *conn);
	/* Bytes that have come in, all of them taken. Makes exchanges, collects bodies, routes, serves. */
	enum lf_http_next (*feed)(struct lf_http_conn *conn, const uint8_t *bytes, size_t length);
	/* The peer has ended its sending side. */
	enum lf_http_next (*end)(struct lf_http_conn *conn);
	/*
	 * Puts what is to be said into the output (lf_http_conn_put()), until lf_http_conn_room() is 0 or there is nothing
	 * more. Called once a turn for a connection that was fed, or that lf_http_conn_wake() was called for, and again
	 * when the output has been sent.
	 */
	enum lf_http_next (*fill)(struct lf_http_conn *conn);
	/* Every half second or so: time-outs of its own (bodies, idleness, PING). */
	enum lf_http_next (*tick)(struct lf_http_conn *conn, uint64_t now_ns);
	/*
	 * The service stops, or the connection is to go: takes no new requests and says so (GOAWAY, connection: close),
	 * answers what is in; then feed, fill or tick says LF_HTTP_CLOSE. May be called more than once.
	 */
	void (*shutdown)(struct lf_http_conn *conn);
	/* Frees conn->engine. Exchanges are not its own any more: conn.c ends them before. */
	void (*destroy)(struct lf_http_conn *conn);
};

/* ---- the io ---- */

enum { LF_HTTP_IO_END = 0, LF_HTTP_IO_AGAIN = -1, LF_HTTP_IO_FAILED = -2 };

/* Moves bytes. Plain sockets: plain.c. TLS: tls.c, which keeps its state in conn->io_state. None blocks. */
struct lf_http_io {
	/*
	 * 1: done (conn->alpn is set then). LF_HTTP_IO_AGAIN: once there is more, or room: conn->wants_write says which, here and
	 * of read, which may have something to say first.
	 * LF_HTTP_IO_FAILED. NULL: there is none to be shaken.
	 */
	int (*handshake)(struct lf_http_conn *conn);
	/* How many bytes, LF_HTTP_IO_END, LF_HTTP_IO_AGAIN or LF_HTTP_IO_FAILED. */
	ssize_t (*read)(struct lf_http_conn *conn, void *bytes, size_t room);
	ssize_t (*write)(struct lf_http_conn *conn, const void *bytes, size_t length);
	/* Whether there is something to be read that the socket does not know of. NULL: never. */
	bool (*pending)(const struct lf_http_conn *conn);
	/*
	 * Nothing more will be written: says so to the peer (close_notify, shutdown(SHUT_WR)), as far as that goes without
	 * blocking. What the peer still sends is read and thrown away for a moment, so that it gets what was written.
	 */
	void (*bye)(struct lf_http_conn *conn);
	/* Frees io_state. conn.c closes the socket after it. */
	void (*close)(struct lf_http_conn *conn);
};

/* What was agreed on in the handshake. */
enum lf_http_alpn { LF_HTTP_ALPN_NONE, LF_HTTP_ALPN_H2, LF_HTTP_ALPN_H1 };

/* ---- the connection ---- */

/* Whom it goes to. */
struct lf_http_peer {
	bool is_local;       /* a local socket */
	uint32_t uid;        /* of its process, where is_local */
	bool is_loopback;    /* a local address, but no local socket */
	uint8_t address[16]; /* else: the address, IPv4 as ::ffff:a.b.c.d; of IPv6 the first 8 bytes */
	char text[64];       /* "127.0.0.1:4711", "[::1]:4711", "uid 1000": for messages */
	struct lf_rpc_names
		*names; /* of the client's verified certificate; NULL: none. tls.c sets it, conn.c releases it */
};

enum lf_http_stage {
	LF_HTTP_SNIFFING, /* the first bytes decide: 0x16 is TLS, "PRI" HTTP/2, all else HTTP/1.1 */
	LF_HTTP_SHAKING,  /* TLS */
	LF_HTTP_TALKING,  /* protocol has it */
	LF_HTTP_CLOSING,  /* the output is sent, nothing is read but to be thrown away */
	LF_HTTP_CLOSED,   /* no socket any more; freed when its exchanges are over */
};

struct lf_http_conn {
	struct lf_http *http;
	struct lf_watch watch; /* of its socket; fd -1 where there is none */
	const struct lf_http_io *io;
	void *io_state;
	const struct lf_http_protocol *protocol; /* NULL while sniffing and shaking */
	void *engine;
	enum lf_http_stage stage;
	enum lf_http_alpn alpn;
	struct lf_http_peer peer;
	struct lf_rpc_peer *share; /* the same as dispatch knows it; NULL: no share goes by it */
	uint64_t id;               /* never given twice */
	bool is_tls;
	bool wants_write;                     /* io: what it waits for */
	bool ended;                           /* the peer has ended its sending side */
	bool dirty;                           /* in http->dirty */
	bool paused;                          /* nothing is read: the output is full */
	bool fed;                             /* it has no socket */
	bool broken;                          /* memory ran out amid something: dropped at the next turn */
	bool unread;                          /* it has had its reads of this turn, and there is more */
	bool parting;                         /* lf_http_conn_leave() is to be called */
	bool held;                            /* nothing is read: the protocol has more than it can work on now */
	bool leaving;                         /* protocol->shutdown() was called */
	bool waits;                           /* one of its exchanges does */
	struct lf_http_conn *next, *previous; /* of the transport */
	struct lf_http_conn *next_dirty;
	void (*on_closed)(struct lf_http_conn *conn);        /* listen.c counts. NULL: nobody does */
	struct lf_http_exchange *exchanges, *exchanges_last; /* in the order of their arrival */
	size_t exchange_count; /* those too whose stream has ended, while dispatch has them */
	size_t arriving;       /* bytes of the budget that its requests have while they arrive */
	size_t unsent;         /* and those that replies have which are complete, and whose turns are over */
	uint8_t sniffed[24];
	size_t sniffed_length;
	uint8_t *output; /* [output_first .. output_end) is unsent */
	size_t output_first, output_end, output_room;
	size_t output_counted; /* of the budget */

	/* Times, of the monotonic clock; 0: not now. */
	uint64_t half_ns;    /* since when something is half done: first bytes, handshake, preface, a request's head */
	uint64_t blocked_ns; /* since when there are unsent bytes that the socket did not take */
	uint64_t blocked_sent; /* bytes that it has taken since */
	uint64_t heard_ns;     /* when bytes came last */
	uint64_t idle_ns;      /* since when it has no exchange, where it has none: PINGs don't make it younger */
};

/*
 * Engines: how many bytes may be produced now; and adds some. Beyond the room is allowed for a frame that was begun.
 * false: no memory; the connection is to be dropped.
 */
size_t lf_http_conn_room(struct lf_http_conn *conn);
bool lf_http_conn_put(struct lf_http_conn *conn, const void *bytes, size_t length);
/* output.c: bytes of the output that the socket has not taken; frees the output, and gives back what was counted for it. */
size_t lf_http_output_unsent(const struct lf_http_conn *conn);
void lf_http_output_free(struct lf_http_conn *conn);
/*
 * Says goodbye: protocol->shutdown(), and closes when all is answered. After a wrong token, say; at a stop for all.
 */
void lf_http_conn_leave(struct lf_http_conn *conn);

/*
 * A connection without a socket, for tests and fuzzers: what would be read is fed, and what would be sent stays in
 * conn->output, to be taken by lf_http_conn_take(). protocol NULL: the first bytes decide.
 */
struct lf_http_conn *lf_http_conn_new_fed(struct lf_http *http, const struct lf_http_protocol *protocol);
/* false: the connection is closed or closing, but for its output. */
bool lf_http_conn_feed(struct lf_http_conn *conn, const uint8_t *bytes, size_t length);
/*
 * Fills the output, and returns what of it is unsent, which is then taken as sent. Completions of other threads must have
 * been worked off before (lf_http_events_work()).
 */
size_t lf_http_conn_take(struct lf_http_conn *conn, const uint8_t **bytes);

/* ---- the life of a connection ---- */

/* A new connection of a socket, which is its own from here, unless NULL is returned: no memory. */
struct lf_http_conn *lf_http_conn_new(struct lf_http *http, int fd, const struct lf_http_io *io);
/* Closes it at once. It is freed at the end of a turn in which dispatch has none of its calls. */
void lf_http_conn_close(struct lf_http_conn *conn);
/* At the very end: frees it, whatever it is in. */
void lf_http_conn_destroy(struct lf_http_conn *conn);
/* Once a turn: produces and sends what is to be said, and frees connections that are closed. */
void lf_http_conns_settle(struct lf_http *http);
/* Once a tick: time-outs of all connections. */
void lf_http_conns_tick(struct lf_http *http);

#endif
