/*
 * Calls over nng: LF frames (proto/README.md) in the messages of a REP socket. One transport of an RPC server, with the
 * guards that nng needs. DESIGN.md says which, and why.
 */
#ifndef LF_SERVICE_RPC_NNG_NNG_H
#define LF_SERVICE_RPC_NNG_NNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/status.h"
#include "service/rpc/rpc.h"

struct lf_rpc_nng;

struct lf_rpc_nng_options {
	unsigned watchdog_ms; /* how often listeners are tried; 0 = 500 */
	size_t connections_max; /* over TCP; 0 = LF_TCP_CONNECTIONS; further ones are closed at once, as with the next two */
	size_t address_connections_max; /* of these from one address; 0 = LF_ADDRESS_CONNECTIONS */
	size_t local_connections_max;   /* over local sockets; 0 = LF_CONNECTIONS_MAX */
	unsigned unread_ms;             /* a peer that takes next to nothing for so long is disconnected; 0 = 10 s */
	unsigned unsent_ms;             /* likewise, that stops in the middle of a message; 0 = 30 s */
	unsigned stuck_ms;              /* how long connections that have ended may stay with nng; 0 = one minute */
	/*
	 * nng has stopped releasing connections (DESIGN.md), which only a new process ends. On the watchdog's thread,
	 * once; must not stop the server itself. May be NULL.
	 */
	void (*on_stuck)(void *context);
	void *on_stuck_context;
};

/*
 * Makes the transport of a server, which from here on stops it and frees it. Before the server starts. Opens nng's
 * socket and starts nothing yet. options may be NULL: the defaults. Owner's thread, as the next one.
 */
enum lf_code lf_rpc_nng_new(struct lf_rpc_nng **nng, struct lf_rpc_server *server,
	const struct lf_rpc_nng_options *options, struct lf_error *error);

/*
 * Whether tcp://HOST:PORT or ipc://PATH can be listened on at this moment, found out without listening: so that a start
 * that is going to fail does so before it touches the log. Codes as lf_rpc_nng_listen(), which has the last word.
 * Blocks on resolving HOST. Any thread.
 */
enum lf_code lf_rpc_nng_try(const char *url, bool has_tokens, struct lf_error *error);
/*
 * Listens on tcp://HOST:PORT (port 0: any) or ipc://PATH (0600). Without tokens only loopback and ipc are allowed
 * (FAILED_PRECONDITION). A request above the server's message_bytes_max is answered RESOURCE_EXHAUSTED, one that is longer by
 * 4 KiB ends its connection. Before lf_rpc_nng_start(), connections are accepted and nothing of them is read.
 * INVALID_ARGUMENT for a URL, UNAVAILABLE where the address is taken. bound (may be NULL) gets the URL with the real
 * port.
 */
enum lf_code lf_rpc_nng_listen(
	struct lf_rpc_nng *nng, const char *url, char *bound, size_t bound_size, struct lf_error *error);
/*
 * Starts the server and answers. RESOURCE_EXHAUSTED where memory or threads run out; FAILED_PRECONDITION where the
 * server has stopped. It has no effect a second time.
 */
enum lf_code lf_rpc_nng_start(struct lf_rpc_nng *nng, struct lf_error *error);

/* Bytes that nng allocates for a message while it arrives, at the most: as many may be in use for each connection. */
size_t lf_rpc_nng_receive_max(const struct lf_rpc_nng *nng);

struct lf_rpc_nng_counters {
	size_t connections, local_connections; /* at the moment */
	uint64_t refused;                      /* connections that were closed at once */
	uint64_t ended_unread;                 /* connections of peers that took no replies */
	uint64_t ended_unsent;                 /* connections of peers that stopped in the middle of a message */
	uint64_t unread;   /* messages that were dropped: their connection had its share of contexts */
	uint64_t reopened; /* how often a listener was dead and was opened again */
};
/* Any thread. */
void lf_rpc_nng_counters(struct lf_rpc_nng *nng, struct lf_rpc_nng_counters *counters);

#endif
