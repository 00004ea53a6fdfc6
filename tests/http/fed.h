/* A server whose HTTP connections have no sockets: bytes are fed and taken. With a client of nghttp2, or without. */
#ifndef LF_TESTS_HTTP_FED_H
#define LF_TESTS_HTTP_FED_H

#include <nghttp2/nghttp2.h>

#include "service/http/internal.h"
#include "tests/rpc/help.h"

enum { FED_STREAMS_MAX = 1024 };

/* What a stream of the client has got. */
struct fed_stream {
	int32_t id;
	int status; /* of HTTP */
	int grpc;   /* grpc-status, -1: none */
	char message[1024], details[8192], type[64], request_id[1100], traceparent[64], tracestate[64];
	uint8_t *body; /* heap */
	size_t length;
	bool closed, ended_first; /* ended_first: END_STREAM came */
	uint32_t error;           /* that it was closed with */
	const uint8_t *sending;   /* the request's body */
	size_t to_send;
	bool hold; /* the request's body does not end */
};

struct fed {
	struct stubs stubs;
	struct lf_rpc_server *server;
	struct lf_http *http;
	struct lf_http_conn *conn;
	nghttp2_session *client; /* NULL: raw bytes only */
	struct fed_stream *streams;
	size_t stream_count;
	bool goaway; /* the client was sent one */
	uint32_t goaway_error;
	size_t pings;        /* that the client was sent, and has answered */
	bool open;           /* the connection takes more */
	bool reads;          /* the client takes what the server says; false: it stays in the output */
	size_t received;     /* bytes */
	uint64_t skipped_ns; /* by fed_pass() */
	bool outlived;       /* fed_end(): held calls are answered after the server has gone */
};

/* A server with the stubs, and a connection; with a client that has sent its preface, or none. */
void fed_start(struct fed *fed, const struct lf_rpc_options *rpc, const struct lf_http_options *http, bool client);
void fed_end(struct fed *fed);
/* Asserts that a connection of its own is served by the same server. */
void fed_assert_serves(struct fed *fed);
/* Works off what is to be done now, on both sides. */
void fed_turn(struct fed *fed);
/* Turns until the condition holds, 60 s at most. */
void fed_until(struct fed *fed, bool (*holds)(struct fed *fed));
/* Raw bytes for the server. */
void fed_bytes(struct fed *fed, const void *bytes, size_t length);
/* Makes time pass, and looks at time-outs. */
void fed_pass(struct fed *fed, unsigned ms);

/*
 * A call of gRPC: its stream, whose body is a message behind its prefix. Further headers are name, value, ..., NULL;
 * name, NULL is one to be left out, and the last.
 */
struct fed_stream *fed_call(
	struct fed *fed, const char *path, const void *body, size_t length, const char *const *more);
/* Starts, and calls a method that keeps the call (stubs.held[0]) until it is let go. Returns the call's stream. */
struct fed_stream *fed_start_held(struct fed *fed);
/* A frame in front of a message; out has 5 bytes more than it. */
size_t fed_framed(uint8_t *out, const void *message, size_t length);
/* Waits until the stream is closed. */
void fed_wait(struct fed *fed, struct fed_stream *stream);

#endif
