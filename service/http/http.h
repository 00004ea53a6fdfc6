/*
 * Calls over HTTP: gRPC, gRPC-Web and Connect, on HTTP/2 and HTTP/1.1, each known by its first bytes. One transport of
 * an RPC server. DESIGN.md says how it goes.
 */
#ifndef LF_SERVICE_HTTP_HTTP_H
#define LF_SERVICE_HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/histogram.h"
#include "proto/base/status.h"
#include "service/rpc/rpc.h"

struct lf_http;
struct lf_http_certificate;

/* A page that never changes, for GET and HEAD, without a token. Static. */
struct lf_http_page {
	const char *path; /* "/openapi.json" */
	const char *type; /* "application/json" */
	const void *bytes;
	size_t length;
};

/* 0 takes the default. Times are for tests to shorten. */
struct lf_http_options {
	/* Connections that begin with TLS get it; one from elsewhere that does not is refused. Held. NULL: no TLS. */
	struct lf_http_certificate *certificate;
	size_t connections_max;         /* LF_CONNECTIONS_MAX */
	size_t connections_per_address; /* 256; local sockets count as none */
	size_t connections_kept;        /* of connections_max, for local sockets alone: 32 */
	unsigned half_ms;               /* first bytes, TLS handshake, preface, a request's head: 10 s */
	unsigned body_ms;               /* a body without progress: 30 s */
	unsigned blocked_ms;            /* a peer that reads nothing: 10 s */
	unsigned idle_ms;               /* nothing in flight: 10 min of HTTP/2, a fifth of it of HTTP/1.1 */
	unsigned tick_ms;               /* how often all of these are looked at: 500 */
	const char *const *origins;     /* of browsers' pages that may call (lf_http_origin_check()); borrowed; none */
	size_t origin_count;
	const struct lf_http_page *pages; /* beside those of resource.c; borrowed; none */
	size_t page_count;
};

/*
 * Makes the transport of a server, which from here on stops it and frees it. Before the server starts. Starts nothing
 * yet. options may be NULL. Owner's thread, as the next ones.
 */
enum lf_code lf_http_new(struct lf_http **http, struct lf_rpc_server *server, const struct lf_http_options *options,
	struct lf_error *error);

/*
 * Whether HOST:PORT or unix:PATH can be listened on at this moment, found out without listening. Codes as
 * lf_http_listen(), which has the last word. Blocks on resolving HOST. Any thread.
 */
enum lf_code lf_http_try(const char *address, bool has_tokens, struct lf_error *error);
/*
 * Listens on HOST:PORT (port 0: any) or unix:PATH (0600). Without tokens only loopback and local sockets are allowed
 * (FAILED_PRECONDITION). INVALID_ARGUMENT for an address, UNAVAILABLE where it is taken. Connections wait until
 * lf_http_start(). bound (may be NULL) gets the URL: http://HOST:PORT with the real port, or unix:PATH.
 */
enum lf_code lf_http_listen(
	struct lf_http *http, const char *address, char *bound, size_t bound_size, struct lf_error *error);
/*
 * Starts the server and the loop's thread. RESOURCE_EXHAUSTED where memory or threads run out, FAILED_PRECONDITION where
 * the server has stopped. It has no effect a second time.
 */
enum lf_code lf_http_start(struct lf_http *http, struct lf_error *error);

/*
 * Whether text is the origin of a page as browsers send it, https://hr.example.com or with a port: INVALID_ARGUMENT where
 * it is not, could be no browser's, or is "*" or "null". Any thread.
 */
enum lf_code lf_http_origin_check(const char *text, struct lf_error *error);

/*
 * Connections that come from now on get this certificate, which is held; open ones keep theirs. For one that was made with
 * a certificate. Any thread.
 */
void lf_http_set_certificate(struct lf_http *http, struct lf_http_certificate *certificate);

/* When the certificate that new connections get expires, in seconds since 1970; 0: there is none. Any thread. */
int64_t lf_http_certificate_until(const struct lf_http *http);

struct lf_http_counters {
	uint64_t accepted;                                                              /* connections */
	uint64_t refused;                                                               /* for too many */
	uint64_t open;                                                                  /* now */
	uint64_t closed_half, closed_blocked, closed_idle, closed_protocol, closed_tls; /* by us, and why */
	uint64_t closed_peer;                                                           /* by their peers, or broken */
	uint64_t wrong_tokens;
	uint64_t given_up; /* requests that still arrived, when memory for others was needed */
};
/*
 * How long the loop was busy with a turn, in nanoseconds: as long may something have waited that came meanwhile. *buckets:
 * what it is by, 50 us to 1.6 s. Any thread.
 */
const struct lf_histogram *lf_http_lag(const struct lf_http *http, const struct lf_buckets **buckets);
/* Any thread. */
void lf_http_counters(const struct lf_http *http, struct lf_http_counters *counters);

#endif
