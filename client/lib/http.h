/*
 * What the files of the transport over HTTP/2 share. Not installed. Each file calls only files below it:
 *
 *	http_io.c       the thread, the connection's ups and downs, the transport's table
 *	http_calls.c    calls on their way: takes them over, gives answers back
 *	http_dial.c     a connection on its way: name, connect, TLS, first SETTINGS
 *	http_conn.c     a connection: bytes between its socket and its session
 *	http_tls.c      TLS by OpenSSL
 *	http_session.c  one HTTP/2 session, by libnghttp2: it knows no socket, and no call
 *	http_reply.c    a stream's outcome: status, message, details
 */
#ifndef LF_CLIENT_LIB_HTTP_H
#define LF_CLIENT_LIB_HTTP_H

#include <stdatomic.h>

#include "client/lib/transport.h"
#include "proto/base/slice.h"

enum {
	LF_HTTP_WINDOW_STREAM = 1024 * 1024, /* bytes of a reply that may be on their way */
	LF_HTTP_WINDOW = 16 * 1024 * 1024,   /* of all replies of a connection */
	LF_HTTP_HEADERS_MAX = 128 * 1024,    /* of a reply, as HTTP/2 counts them; an error's details are among them */
	LF_HTTP_OUT_BYTES = 128 * 1024,      /* gathered for one write */
	LF_HTTP_IN_BYTES = 64 * 1024,        /* of one read */
	LF_HTTP_READS_A_TURN = 8,            /* then others have their turn */
	LF_HTTP_CONNECTIONS_MAX = 4,         /* one that takes requests or is on its way; others that end */
	LF_HTTP_PING_MS = 60000,  /* a connection with calls that is silent for so long is asked whether it lives */
	LF_HTTP_PONG_MS = 20000,  /* and has so long to say so */
	LF_HTTP_PREFIX_BYTES = 5, /* of gRPC, in front of a message */
	LF_HTTP_REPLY_KEPT_BYTES = 16 * 1024, /* of a reply's memory that a place keeps for the next */
};

/* ---- a stream: one request and its reply ---- */

struct lf_client_http_session;

/* What a request says beside its message. Texts end with NUL; those that may be NULL are left out then. */
struct lf_client_http_head {
	const char *scheme, *authority, *method; /* "leadfit.v1.Scoring/Score" */
	const char *authorization, *traceparent, *request_id;
	uint32_t timeout_ms;
};

/* Belongs to one thread, and to one session from lf_client_http_submit() until it is done. */
struct lf_client_http_stream {
	struct lf_slot slot; /* first; the rest is not of the mutex */
	struct lf_client_http_session *session;
	struct lf_client_http_stream *next, *previous; /* among those of its session that are open, or that are done */
	int32_t id;

	const uint8_t *request; /* the caller's, until it is done */
	size_t request_length, request_taken;
	bool sent; /* the request's head is among the bytes of lf_client_http_fill() */

	unsigned http_status; /* 0 = none yet */
	bool is_grpc;
	int grpc_status;  /* -1 = none yet, -2 = rubbish */
	char *said;       /* grpc-message, decoded; owned */
	uint8_t *details; /* grpc-status-details-bin, decoded; owned */
	size_t details_length;
	size_t header_bytes;
	uint8_t prefix[LF_HTTP_PREFIX_BYTES];
	size_t prefix_length;
	uint8_t *reply; /* owned; kept for the next */
	size_t reply_length, reply_announced, reply_capacity;
	enum lf_code fault; /* found by us, and the stream was reset because of it */
	const char *fault_text;
	uint32_t error_code;   /* HTTP/2's, with which it was closed */
	struct lf_call *ended; /* of http_io.c: its call, when the slot is free again */
};

/* Frees what it owns. */
void lf_client_http_stream_clean_up(struct lf_client_http_stream *stream);

/* ---- http_reply.c ---- */

void lf_client_http_stream_reset(struct lf_client_http_stream *stream);
/* One header or trailer of a reply. false where memory ran out, or there are too many. */
bool lf_client_http_take_header(struct lf_client_http_stream *stream, struct lf_slice name, struct lf_slice value);
/* Bytes of a reply's body. false where they are more than may be, or no message; fault says what. */
bool lf_client_http_take_data(
	struct lf_client_http_stream *stream, const uint8_t *data, size_t length, size_t bytes_max);
/*
 * What a stream that is done has come to: LF_OK, the message is stream->reply; or error says what the server said, or
 * what is wrong. *unstarted: the server has certainly done nothing. arena is scratch.
 */
enum lf_code lf_client_http_outcome(const struct lf_client_http_stream *stream, const char *url, size_t bytes_max,
	struct lf_arena *arena, bool *unstarted, struct lf_error *error);

/* ---- http_session.c ---- */

/* A session of a client, before its first byte. NULL where memory ran out. */
struct lf_client_http_session *lf_client_http_session_new(size_t reply_bytes_max);
/* Its streams must have been taken: see lf_client_http_take_open(). */
void lf_client_http_session_free(struct lf_client_http_session *session);
/* Starts a request. Its memory must stay until the stream is done. false where memory ran out, or no stream can be. */
bool lf_client_http_submit(struct lf_client_http_session *session, struct lf_client_http_stream *stream,
	const struct lf_client_http_head *head, const uint8_t *request, size_t length);
/* Forgets a stream, and tells the server so. It is the caller's at once. */
void lf_client_http_cancel(struct lf_client_http_stream *stream);
/* The next stream that is done, or NULL. It is the caller's. */
struct lf_client_http_stream *lf_client_http_take_done(struct lf_client_http_session *session);
/* Any stream that is not done, or NULL. It is the caller's, and the session is only good to be freed afterwards. */
struct lf_client_http_stream *lf_client_http_take_open(struct lf_client_http_session *session);
/*
 * Any stream of whose request nothing was filled in, or NULL. It is the caller's. For a session that is ending, whose server
 * may never read what is queued ahead of it.
 */
struct lf_client_http_stream *lf_client_http_take_unsent(struct lf_client_http_session *session);
/* Bytes from the server. NULL, or why the connection must end. Static or session's storage. */
const char *lf_client_http_feed(struct lf_client_http_session *session, const uint8_t *data, size_t length);
/* Bytes for the server, as many as there are and fit; 0 = none. NULL in *fault, or why the connection must end. */
size_t lf_client_http_fill(struct lf_client_http_session *session, uint8_t *out, size_t capacity, const char **fault);
/* How many more requests may be started now: none before the server's SETTINGS, nor when it is going away. */
size_t lf_client_http_room(const struct lf_client_http_session *session);
/* Whether the server's first SETTINGS have come. */
bool lf_client_http_is_ready(const struct lf_client_http_session *session);
/* Whether it takes no more requests, ever. */
bool lf_client_http_is_ending(const struct lf_client_http_session *session);
size_t lf_client_http_open_count(const struct lf_client_http_session *session);
uint64_t lf_client_http_answered(const struct lf_client_http_session *session);
/* Asks the peer whether it lives. */
void lf_client_http_ping(struct lf_client_http_session *session);
/* Says that it ends. */
void lf_client_http_goodbye(struct lf_client_http_session *session);

/* ---- http_tls.c ---- */

struct lf_tls_context;
struct lf_tls;

enum lf_client_http_io {
	LF_HTTP_MOVED = 1,    /* *count bytes */
	LF_HTTP_AGAIN = 0,    /* later, when the socket is readable or (wants_write) writable */
	LF_HTTP_ENDED = -1,   /* the peer closed */
	LF_HTTP_BROKEN = -2,  /* reason says why */
	LF_HTTP_REFUSED = -3, /* reason says why: the certificate of one side is not accepted by the other */
};

/* For https://. INVALID_ARGUMENT for a file that can't be used. Owner's thread. */
enum lf_code lf_tls_context_new(
	struct lf_tls_context **context, const struct lf_client_tls *files, struct lf_error *error);
void lf_tls_context_free(struct lf_tls_context *context);
/* TLS over a connected socket, which stays the caller's, to a peer that must prove to be host. NULL: no memory. */
struct lf_tls *lf_tls_new(struct lf_tls_context *context, int socket, const char *host);
/* Says goodbye as far as that does not block, and frees. NULL is allowed. */
void lf_tls_free(struct lf_tls *tls);
/* LF_HTTP_MOVED: it is done, the peer is who it should be, and speaks HTTP/2. reason has room for 256 bytes. */
enum lf_client_http_io lf_tls_handshake(struct lf_tls *tls, bool *wants_write, char *reason);
enum lf_client_http_io lf_tls_read(struct lf_tls *tls, void *to, size_t capacity, size_t *count, char *reason);
enum lf_client_http_io lf_tls_write(
	struct lf_tls *tls, const void *from, size_t length, size_t *count, bool *wants_write, char *reason);

/* ---- http_conn.c ---- */

enum lf_client_http_state {
	LF_HTTP_UNUSED,
	LF_HTTP_CONNECTING,  /* connect() is under way */
	LF_HTTP_HANDSHAKING, /* TLS */
	LF_HTTP_GREETING,    /* the preface is out, the server's SETTINGS have not come */
	LF_HTTP_OPEN,        /* takes requests */
	LF_HTTP_ENDING,      /* its calls are waited for, then it is closed */
	LF_HTTP_DEAD,        /* to be closed; reason says why */
};

struct lf_client_http_conn {
	enum lf_client_http_state state;
	uint32_t number; /* not 0 */
	int socket;
	struct lf_tls *tls;
	struct lf_client_http_session *session;
	bool wants_write;
	bool more;                           /* there may be bytes that no poll() tells of */
	int64_t since_ms, heard_ms, ping_ms; /* ping_ms: 0 = none is under way */
	bool refused;                        /* it broke since a certificate was not accepted */
	char reason[256];
	size_t out_start, out_end;
	uint8_t out[LF_HTTP_OUT_BYTES];
};

/* Marks it DEAD. reason may be its own. */
void lf_client_http_conn_break(struct lf_client_http_conn *conn, const char *reason);
/* Writes what there is, as far as the socket takes it. */
void lf_client_http_conn_write(struct lf_client_http_conn *conn);
/* Reads what there is, in turns. in has LF_HTTP_IN_BYTES. */
void lf_client_http_conn_read(struct lf_client_http_conn *conn, uint8_t *in, int64_t now_ms);
/* Asks a silent peer whether it lives, breaks one that doesn't say so. Returns when to ask again. */
int64_t lf_client_http_conn_watch(struct lf_client_http_conn *conn, int64_t now_ms);
/* Closes and frees; UNUSED afterwards. The session's streams have been taken. */
void lf_client_http_conn_close(struct lf_client_http_conn *conn);

/* ---- http_dial.c ---- */

/* A name that is looked up on a thread of its own, since that may block for long. */
struct lf_client_http_lookup;

struct lf_client_http_dial {
	struct lf_client *client;
	struct lf_tls_context *tls; /* NULL: none */
	int wake_fd;                /* written to when a lookup is done */

	struct lf_client_http_conn *conn; /* that is on its way; NULL: none */
	struct lf_client_http_lookup *lookup;
	size_t address_index; /* of the next one to try */
	int64_t until_ms;     /* the whole dial's end */
	int64_t try_until_ms; /* that of this address */
	int64_t again_ms;     /* a local socket whose queue is full is tried again then; 0 = none */
	char reason[256];     /* why it failed */
	bool refused;         /* because a certificate was not accepted: trying again won't help */
};

enum lf_client_http_dialled { LF_HTTP_DIALLING, LF_HTTP_CONNECTED, LF_HTTP_FAILED };

/* Begins a dial over conn, which is UNUSED. Without the mutex, as all of these. */
void lf_client_http_dial_begin(struct lf_client_http_dial *dial, struct lf_client_http_conn *conn, uint32_t number);
/*
 * Goes on as far as it can without waiting; reading is the caller's. FAILED: reason says why, conn is UNUSED.
 * CONNECTED: conn is OPEN.
 */
enum lf_client_http_dialled lf_client_http_dial_go_on(struct lf_client_http_dial *dial);
/* When to go on at the latest. */
int64_t lf_client_http_dial_due(const struct lf_client_http_dial *dial);
/* Gives up a dial that is under way, if there is one. conn is UNUSED. */
void lf_client_http_dial_end(struct lf_client_http_dial *dial);

/* ---- the transport ---- */

struct lf_client_http {
	struct lf_client *client;
	struct lf_tls_context *tls;
	struct lf_client_http_stream *streams;
	int wake_fd;
	atomic_bool wake_wanted;

	/* Under the client's mutex. */
	struct lf_call *outbox_first, *outbox_last; /* by queue_next */
	bool asleep, stop_wanted;

	/* The thread's. */
	struct lf_client_http_conn *conns[LF_HTTP_CONNECTIONS_MAX]; /* made when they are needed */
	struct lf_client_http_conn *current;
	struct lf_client_http_dial dial;
	int64_t redial_ms, pause_ms;
	uint32_t number;
	uint8_t in[LF_HTTP_IN_BYTES];
};

/* ---- http_calls.c ---- */

/* A list by queue_next of calls that are ENDING, and the thread's. */
struct lf_client_http_ended {
	struct lf_call *first, **end;
};

/* Of the transport's table. */
uint8_t *lf_client_http_new_request(struct lf_call *call, const uint8_t *header, size_t header_length, size_t length);
void lf_client_http_free_request(struct lf_call *call);
void lf_client_http_send(struct lf_client *client, struct lf_call *call);
void lf_client_http_flush(struct lf_client *client);
bool lf_client_http_cancel_call(struct lf_client *client, struct lf_call *call);

/* Wakes the thread, which may be awake. Any thread. */
void lf_client_http_wake(struct lf_client_http *http);

/* The client's thread, without the mutex but where it is said. */

/* Takes the notes of other threads. false: the client is closing, and no call lives. */
bool lf_client_http_take_notes(struct lf_client_http *http);
/* Gives the answers of a connection's streams to their calls. */
void lf_client_http_give_answers(struct lf_client_http *http, struct lf_client_http_conn *conn);
/* Ends calls whose errors are set, or has them tried again. */
void lf_client_http_settle(struct lf_client *client, struct lf_client_http_ended *list);
/* Under the mutex: puts what is in the outbox back into the queue, in its order. */
void lf_client_http_put_back(struct lf_client_http *http);
/* Under the mutex: a call whose connection was lost after its request was started. What can't be put back is listed. */
void lf_client_http_lose_call(struct lf_client *client, struct lf_client_http_stream *stream, const char *reason,
	struct lf_client_http_ended *list);

#endif
