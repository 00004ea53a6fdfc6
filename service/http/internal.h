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

enum {
	LF_HTTP_LISTENERS_MAX = 16,
	LF_HTTP_ARRIVING_CONN_MAX =
		12 * 1024 * 1024,             /* bytes that one connection's requests may have while they arrive */
	LF_HTTP_POOLED_BYTES_MAX = 16 * 1024, /* heap that an exchange keeps for the next request */
};

struct lf_http_listener {
	struct lf_watch watch;
	struct lf_http *http;
	char bound[320];
	char path[108]; /* a local socket's name; "" else */
	unsigned long device, inode;
	bool is_local;
};

struct lf_http_tls;

/* How many connections an address has. */
struct lf_http_address;

struct lf_http {
	struct lf_rpc_server *server;
	struct lf_http_options options; /* with the defaults filled in */
	struct lf_loop loop;
	pthread_t thread;
	bool started;

	/* Set once before the start, so that files need not know each other. NULL: that is not there. */
	const struct lf_http_protocol *h2, *h1;
	/* TLS: sets io, io_state and is_tls of a connection, whose sniffed bytes are read first. NULL: there is none. */
	bool (*tls_begin)(struct lf_http_conn *conn);
	struct lf_http_tls *tls; /* its certificate */
	lf_http_match *const *routes;       /* NULL-terminated, asked in this order */
	void *resources;                    /* resource.c's */

	/* The loop's. */
	struct lf_http_listener listeners[LF_HTTP_LISTENERS_MAX];
	size_t listener_count;
	struct lf_http_conn *conns;
	size_t conn_count, local_count;
	struct lf_http_conn *dirty;
	struct lf_http_address *addresses;
	struct lf_http_exchange *pool, *all;
	size_t served; /* exchanges that dispatch has */
	uint64_t next_conn_id;
	uint8_t *read_buffer;
	int spare_fd; /* given up to accept and close one when descriptors run out */

	/* Any thread's. */
	_Atomic(struct lf_http_event *) events; /* a stack: what other threads have completed */
	atomic_bool draining;
	atomic_bool closed;   /* nothing is pushed any more */
	atomic_size_t inside; /* threads that may be pushing: raised before closed is looked at */
	pthread_mutex_t lock; /* of quiet */
	pthread_cond_t changed;
	bool quiet; /* nothing is unsent */
	struct {
		atomic_uint_fast64_t accepted, refused, open, closed_half, closed_blocked, closed_idle, closed_protocol,
			wrong_tokens;
	} counters;
};

/* The protocols, and what matches requests. Each is in a file of its own; http.c puts them into struct lf_http. */
extern const struct lf_http_protocol lf_http_h2; /* h2.c */
extern const struct lf_http_protocol lf_http_h1; /* h1.c, to come */
lf_http_match lf_http_match_grpc;                /* grpc.c: gRPC and gRPC-Web */
lf_http_match lf_http_match_connect;             /* connect.c, to come */
lf_http_match lf_http_match_resource;            /* resource.c, to come */
extern const struct lf_http_io lf_http_plain;    /* plain.c */

#endif
