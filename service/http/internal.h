/*
 * Private to the HTTP transport: its state, and where its parts meet. conn.h has the connection with the seams to
 * protocols and io, exchange.h the request with the seams to handlers and dialects, loop.h the loop.
 */
#ifndef LF_SERVICE_HTTP_INTERNAL_H
#define LF_SERVICE_HTTP_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/check.h"
#include "proto/base/limits.h"
#include "service/http/conn.h"
#include "service/http/exchange.h"
#include "service/http/http.h"
#include "service/http/loop.h"
#include "service/rpc/local_socket.h"

enum {
	LF_HTTP_LISTENERS_MAX = 16,
	/* Bytes of requests that arrive: of one connection, and of all. The rest of the budget is for those that are in. */
	LF_HTTP_ARRIVING_CONN_MAX = 8 * 1024 * 1024 + 64 * 1024, /* two messages, and the room that they grow in */
	LF_HTTP_ARRIVING_MAX = 24 * 1024 * 1024,
	/* Replies that are complete and not out: of one connection, and of all. Further ones stay in flight. */
	LF_HTTP_UNSENT_CONN_MAX = 2 * 1024 * 1024,
	LF_HTTP_UNSENT_MAX = 12 * 1024 * 1024,
	LF_HTTP_EXCHANGES_MAX = 2 * LF_IN_FLIGHT_MAX, /* from here on who has many that still arrive makes place */
};

struct lf_http_listener {
	struct lf_watch watch;
	struct lf_http *http;
	char bound[320];
	char path[108]; /* a local socket's name; "" else */
	struct lf_local_file file;
	bool is_local;
};

struct lf_http_tls;

struct lf_http {
	struct lf_rpc_server *server;
	struct lf_http_options options; /* with the defaults filled in */
	struct lf_loop loop;
	pthread_t thread;
	bool started;

	/* Set once before the start, so that files need not know each other. NULL: that is not there. */
	const struct lf_http_protocol *h2, *h1;
	/* TLS: sets io, io_state and is_tls of a connection whose first byte, unread still, is TLS's. */
	bool (*tls_begin)(struct lf_http_conn *conn);
	struct lf_http_tls *tls;                  /* its certificate */
	lf_http_match *const *routes;             /* NULL-terminated, asked in this order */
	const struct lf_rpc_transport *transport; /* what exchanges are calls of */

	/* The loop's. */
	struct lf_http_listener listeners[LF_HTTP_LISTENERS_MAX];
	size_t listener_count;
	struct lf_http_conn *conns;
	size_t conn_count; /* those with a socket */
	struct lf_http_conn *dirty;
	struct lf_http_exchange *pool, *all;
	size_t exchange_count; /* those that are not in the pool */
	size_t output_counted; /* of the budget, for output of all connections */
	unsigned shakes;       /* steps of handshakes since the last turn */
	size_t arriving;       /* likewise, for requests that arrive */
	size_t unsent;         /* likewise, for replies that are complete */
	uint64_t next_conn_id;
	uint8_t *read_buffer;
	size_t read_used; /* of it, in this turn */
	int spare_fd;     /* given up to accept and close one when descriptors run out */

	/* Any thread's. */
	_Atomic(struct lf_http_event *) events; /* a stack: what other threads have completed */
	atomic_bool draining;
	atomic_bool closed;   /* nothing is pushed any more */
	atomic_size_t inside; /* threads that may be pushing: raised before closed is looked at */
	pthread_mutex_t lock; /* of quiet */
	pthread_cond_t changed;
	bool quiet; /* nothing is unsent */
	struct lf_http_counts {
		atomic_uint_fast64_t accepted, refused, open, closed_half, closed_blocked, closed_idle, closed_protocol,
			closed_tls, closed_peer, wrong_tokens, given_up;
	} counters;
};

/* There may be something to be said, or the connection may be freed: it is looked at before the loop sleeps. */
static inline void lf_http_conn_wake(struct lf_http_conn *conn)
{
	if (conn->dirty)
		return;
	conn->dirty = true;
	conn->next_dirty = conn->http->dirty;
	conn->http->dirty = conn;
}

/* call.c: as transport.h has them. */
uint8_t *lf_http_call_begin(struct lf_rpc_call *call, size_t length);
bool lf_http_call_append(struct lf_rpc_call *call, const void *data, size_t length);
void lf_http_call_drop(struct lf_rpc_call *call);
bool lf_http_call_fail(
	struct lf_rpc_call *call, enum lf_code code, const char *message, const uint8_t *details, size_t length);
void lf_http_call_send_part(struct lf_rpc_call *call, size_t bytes);
enum lf_code lf_http_call_translate(struct lf_rpc_call *call, const ProtobufCMessageDescriptor *type,
	struct lf_arena *arena, const uint8_t **message, size_t *length, struct lf_error *error);
bool lf_http_call_is_gone(const struct lf_rpc_call *call);
void lf_http_call_release(struct lf_rpc_call *call);
void lf_http_call_finish(struct lf_rpc_call *call);
/* listen.c: waits for connections, and no more. */
bool lf_http_listeners_start(struct lf_http *http);
void lf_http_listeners_close(struct lf_http *http);
/* call.c: works off what other threads have pushed, in their order. The loop's thread. */
void lf_http_events_work(struct lf_http *http);

/* The protocols, and what matches requests. Each is in a file of its own; http.c puts them into struct lf_http. */
extern const struct lf_http_protocol lf_http_h2; /* h2.c */
extern const struct lf_http_protocol lf_http_h1; /* h1.c */
lf_http_match lf_http_match_grpc;                /* grpc.c: gRPC and gRPC-Web */
lf_http_match lf_http_match_origin;              /* origin.c: first of all; answers what no page may ask */
lf_http_match lf_http_match_connect;             /* connect.c */
lf_http_match lf_http_match_resource;            /* resource.c: pages, and whether the service is alive and ready */
extern const struct lf_http_io lf_http_plain;    /* plain.c */

#endif
