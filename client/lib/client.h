/*
 * The C client library of leadfit: connect, call with a deadline, retry. A caller writes ordinary typed calls of
 * protobuf-c's generated services. No call ever hangs: each ends by its deadline, whatever the server does.
 *
 *	struct lf_client *client;
 *	lf_client_new(&client, &(struct lf_client_options){ .url = "tcp://127.0.0.1:7460" }, &error);
 *	struct lf_call *call = lf_call_new(client, &leadfit__v1__scoring__descriptor, NULL);
 *	leadfit__v1__scoring__score(lf_call_service(call), &request, on_decision, me);
 *	lf_call_wait(call, &error);
 *	lf_call_destroy(call);
 */
#ifndef LF_CLIENT_LIB_CLIENT_H
#define LF_CLIENT_LIB_CLIENT_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/status.h"

#pragma GCC visibility push(default) /* exported by libleadfit */

struct lf_client;

struct lf_client_options {
	const char *url;             /* http://, https://, unix:, tcp://, ipc:// */
	const char *token;           /* NULL = none; sent as authorization: Bearer TOKEN */
	unsigned connect_timeout_ms; /* 0 = 2000 */
	size_t reply_bytes_max;      /* 0 = LF_MESSAGE_BYTES_MAX */
	size_t in_flight_max; /* requests at once, at most LF_IN_FLIGHT_MAX; further calls wait their turn. 0 = 256 */
};

/*
 * Makes a client and connects. UNAVAILABLE where the server can't be reached within connect_timeout_ms (at once where
 * it refuses), UNAUTHENTICATED where the certificate of one side is not accepted, INVALID_ARGUMENT for a URL. Later it
 * reconnects by itself. Blocks. The client is for any number of threads.
 */
enum lf_code lf_client_new(struct lf_client **client, const struct lf_client_options *options, struct lf_error *error);

/* Who is trusted, and who calls, for https:// only. Each is a file of PEM, read once; NULL = none. */
struct lf_client_tls {
	const char *ca_file;   /* trust what these sign, and nothing else; NULL = what the system trusts */
	const char *cert_file; /* the client's certificate, then those between it and its root */
	const char *key_file;  /* its private key, not encrypted; NULL = it is in cert_file */
};

/*
 * lf_client_new() with files of certificates (tls may be NULL). INVALID_ARGUMENT for one that can't be used, and for
 * any where the URL is not https://. The server's certificate must be of the URL's host.
 */
enum lf_code lf_client_new_tls(struct lf_client **client, const struct lf_client_options *options,
	const struct lf_client_tls *tls, struct lf_error *error);
/*
 * Ends every call still running with CANCELLED, waits until their closures have returned, closes, frees. A struct
 * lf_call may be destroyed before or after; after, a start gives CANCELLED. Not from a closure, nor while another
 * thread is starting a call. NULL is allowed.
 */
void lf_client_destroy(struct lf_client *client);

struct lf_call_options {
	unsigned timeout_ms;     /* whole call, retries included; 0 = 10000 */
	unsigned attempts_max;   /* 0 = 4. Retried on UNAVAILABLE, with backoff and jitter, and only where idempotent */
	bool idempotent;         /* the request may be sent twice: it carries an idempotency key, or only reads */
	const char *traceparent; /* NULL = none */
	const char *request_id;  /* NULL = none */
};

/* One call. Used by one thread at a time. */
struct lf_call;

/* A call of one service's method, with these options (NULL = defaults; copied). NULL where memory ran out. */
struct lf_call *lf_call_new(
	struct lf_client *client, const ProtobufCServiceDescriptor *service, const struct lf_call_options *options);
/*
 * The service to hand to a generated function. That starts the call and returns at once; the request is encoded by
 * then. The closure is called exactly once, on a thread of the library (or within the call where it can't be started):
 * with the reply (valid during the closure only), or with NULL where the call failed (see lf_call_error()). It must not
 * block, nor destroy the call.
 */
ProtobufCService *lf_call_service(struct lf_call *call);
/* Starts a call with bytes that are encoded already; closure as above but with the reply's bytes, or NULL. */
typedef void (*lf_call_bytes_fn)(const uint8_t *reply, size_t length, void *closure_data);
void lf_call_start_bytes(struct lf_call *call, unsigned method_index, const uint8_t *request, size_t length,
	lf_call_bytes_fn closure, void *closure_data);
/*
 * Waits until the closure has returned. Returns the call's code; error (may be NULL) gets a copy. FAILED_PRECONDITION
 * where the call was not started. Not from a closure.
 */
enum lf_code lf_call_wait(struct lf_call *call, struct lf_error *error);
/* The call's error: valid within the closure and after lf_call_wait(). */
const struct lf_error *lf_call_error(const struct lf_call *call);
/* Gives up: the closure is called with CANCELLED unless it has been. Returns at once. Any thread. */
void lf_call_cancel(struct lf_call *call);
/* After lf_call_wait() has returned, or before a start. The call can instead be started again (its options stay). */
void lf_call_destroy(struct lf_call *call);

/*
 * The whole thing at once: calls, waits, and gives back the decoded reply, to be freed with
 * protobuf_c_message_free_unpacked(reply, NULL). NULL on failure, error says why. Not from a closure.
 */
ProtobufCMessage *lf_client_call(struct lf_client *client, const ProtobufCServiceDescriptor *service,
	unsigned method_index, const ProtobufCMessage *request, const struct lf_call_options *options,
	struct lf_error *error);
/*
 * Whether the call that ended last failed because there was no connection to the server. That tells such an
 * UNAVAILABLE apart from one that the server answered, and from a connection that was lost before the answer. Calls
 * that were cancelled do not count. With calls in several threads it speaks of whichever ended last. Any thread.
 */
bool lf_client_unreached(struct lf_client *client);

#pragma GCC visibility pop

#endif
