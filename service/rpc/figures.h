/* What the server counts of its calls, for whoever shows it; and who is told of each call's end. */
#ifndef LF_SERVICE_RPC_FIGURES_H
#define LF_SERVICE_RPC_FIGURES_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/histogram.h"
#include "proto/base/slice.h"
#include "proto/base/status.h"
#include "proto/base/trace.h"

struct lf_rpc_server;

/* ---- by method and protocol ---- */

enum {
	LF_RPC_PROTOCOLS_MAX = 6,
	LF_RPC_CODES = LF_UNAUTHENTICATED + 1,
};

/* From the arrival of a request to its answer, in nanoseconds: 50 us to 6.6 s. Streams are counted, and not timed. */
extern const struct lf_buckets lf_rpc_duration_buckets;

struct lf_rpc_method_figures {
	atomic_uint_fast64_t started; /* requests that arrived, refused ones too */
	atomic_uint_fast64_t by_code[LF_RPC_CODES];
	struct lf_histogram duration;
};

/*
 * Calls visit for each method and protocol that had requests. service is NULL for requests of methods that are not there,
 * and for what was no request. Any thread, once the server has started; the figures go on meanwhile.
 */
void lf_rpc_server_each_method(struct lf_rpc_server *server,
	void (*visit)(void *context, const ProtobufCServiceDescriptor *service, unsigned method, const char *protocol,
		const struct lf_rpc_method_figures *figures),
	void *context);

/* ---- of the whole server ---- */

/* Why requests were refused before any work. */
#define LF_RPC_REFUSALS(X)                                                                                             \
	X(AUTH, "auth")                                                                                                \
	X(STOPPING, "stopping")                                                                                        \
	X(SIZE, "size")                                                                                                \
	X(IN_FLIGHT, "in_flight")                                                                                      \
	X(BYTES, "bytes")                                                                                              \
	X(SHARE_IN_FLIGHT, "share_in_flight")                                                                          \
	X(SHARE_BYTES, "share_bytes")                                                                                  \
	X(QUOTA_IN_FLIGHT, "quota_in_flight")                                                                          \
	X(QUOTA_RATE, "quota_rate")

/* Why somebody was not let in. */
#define LF_RPC_AUTH_FAILURES(X)                                                                                        \
	X(NO_TOKEN, "no_token")                                                                                        \
	X(NO_BEARER, "no_bearer")                                                                                      \
	X(WRONG_TOKEN, "wrong_token")                                                                                  \
	X(LACKS_ROLE, "lacks_role")

#define LF_RPC_REFUSED(name, text) LF_RPC_REFUSED_##name,
#define LF_RPC_FAILED(name, text) LF_RPC_FAILED_##name,
enum { LF_RPC_REFUSALS(LF_RPC_REFUSED) LF_RPC_REFUSAL_COUNT };
enum { LF_RPC_AUTH_FAILURES(LF_RPC_FAILED) LF_RPC_AUTH_FAILURE_COUNT };
#undef LF_RPC_REFUSED
#undef LF_RPC_FAILED

struct lf_rpc_figures {
	size_t in_flight, in_flight_max;
	size_t streams, queued, workers;
	size_t bytes, bytes_max; /* of memory of requests */
	uint64_t refused[LF_RPC_REFUSAL_COUNT];
	uint64_t auth_failures[LF_RPC_AUTH_FAILURE_COUNT];
	uint64_t unanswered;       /* of these: who has guessed too often gets no answer */
	uint64_t replies_not_sent; /* no memory, or a peer that did not read */
};
/* Any thread. */
void lf_rpc_server_figures(struct lf_rpc_server *server, struct lf_rpc_figures *figures);

/* ---- each call's end ---- */

/* What became of a call. All of it is valid only while done() runs. */
struct lf_rpc_outcome {
	const char *protocol;         /* "nng", "grpc", ... */
	const char *service, *method; /* "leadfit.v1.Scoring", "Score"; "" where there is no such method */
	/* CANCELLED also where it was dropped, since nobody waited; UNAUTHENTICATED also where a guess got no answer. */
	enum lf_code code;
	const char *caller; /* "" where it is not known */
	bool is_known;      /* a line of the tokens file names the caller, or the service has none */
	bool is_stream;
	uint64_t duration_ns; /* since it arrived */
	struct lf_slice request_id;
	const struct lf_trace *trace;
	const char *peer; /* address, "local" for a local socket, "" unknown */
};

struct lf_rpc_observer {
	/* Once for each call that is over, before its reply is sent. On any thread; must not block. */
	void (*done)(void *context, const struct lf_rpc_outcome *outcome);
	void *context;
};

#endif
