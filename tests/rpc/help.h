/* What the tests of the RPC server share: stub services, a server on an address, REQ clients, plain sockets. */
#ifndef LF_TESTS_RPC_HELP_H
#define LF_TESTS_RPC_HELP_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <nng/nng.h>
#include <pthread.h>
#include <stdbool.h>

#include "grpc/health/v1/health.pb-c.h"
#include "leadfit/v1/describe.pb-c.h"
#include "leadfit/v1/error.pb-c.h"
#include "leadfit/v1/scoring.pb-c.h"
#include "proto/wire/frame.h"
#include "service/rpc/nng/nng.h"

enum { HELD_MAX = 2048 };

/* Suppressions of LeakSanitizer, for every test: help.c says why. */
#define NNG_LEAKS "leak:^nng_dial\nleak:^nng_listener_\n"

/*
 * Stubs. Score does what the request's rubric says: "now" answers at once, "later" from another thread, "hold" when
 * the test releases it, "block" keeps its worker until the test unblocks it, "stage" in two parts, "fail" with two
 * violations, "stream" with two replies, or says why not, "large" with `large_bytes` of text, "nothing" with a NULL
 * reply; the decision's id is the request's idempotency key, its team the caller's name.
 */
struct stubs {
	Leadfit__V1__Scoring_Service scoring; /* first */
	Leadfit__V1__Describe_Service describe;
	Grpc__Health__V1__Health_Service health;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct lf_rpc_call *held[HELD_MAX];
	size_t held_count;
	struct lf_rpc_call *later[HELD_MAX];
	size_t later_count;
	size_t blocked; /* calls whose worker waits in "block" */
	bool unblock;
	bool quit;
	pthread_t thread;
	size_t scored; /* times that Score was called */
	size_t large_bytes;
	uint8_t *described; /* what Describe answers; the test's */
	size_t described_bytes;
};

struct fixture_options {
	struct lf_rpc_options rpc;
	struct lf_rpc_nng_options nng;
	bool check_is_urgent; /* Health/Check */
};

struct fixture {
	struct stubs stubs;
	struct fixture_options options;
	struct lf_rpc_server *server;
	struct lf_rpc_nng *nng;
	char directory[64];
	char url[256]; /* as bound */
};

/* A server over nng, without services yet. It and its transport are gone where this fails. */
enum lf_code server_new(struct lf_rpc_server **server, struct lf_rpc_nng **nng, const struct fixture_options *options,
	struct lf_error *error);
/* A server with the stubs on url ("tcp", "ipc": an address of its own). */
void fixture_start(struct fixture *fixture, const struct fixture_options *options, const char *url);
/* Stops and frees; fails the test where calls were given up. Held calls are answered first. */
void fixture_end(struct fixture *fixture);
void stubs_init(struct stubs *stubs);
void stubs_clean_up(struct stubs *stubs);
void stubs_add(struct stubs *stubs, struct lf_rpc_server *server);
/* Waits until so many calls are held. */
void stubs_wait_held(struct stubs *stubs, size_t count);
void stubs_wait_blocked(struct stubs *stubs, size_t count);
/* Lets blocked workers go on, now and from now on. */
void stubs_unblock(struct stubs *stubs);
/* Answers every held call. */
void stubs_release(struct stubs *stubs);

/* ---- a client ---- */

struct reply {
	int rc; /* of nng: 0 where a reply came */
	nng_msg *message;
	struct lf_frame frame;
	Leadfit__V1__Error *error;       /* where the status is not OK */
	Leadfit__V1__Decision *decision; /* of Score, where it is */
};

struct call_options {
	const char *method;       /* NULL = Score */
	const char *rubric, *key; /* of a ScoreRequest */
	const char *token, *request_id, *traceparent, *tracestate;
	uint32_t timeout_ms;    /* in the frame */
	size_t padding;         /* bytes of note in the request */
	const uint8_t *message; /* instead of a ScoreRequest */
	size_t message_length;
};

/* A connected REQ socket. */
nng_socket client_open(const char *url);
nng_msg *request_new(const struct call_options *options);
/* One call over a socket of its own; waits 60 s at most. */
void call(struct reply *reply, const char *url, const struct call_options *options);
void call_message(struct reply *reply, const char *url, nng_msg *message);
void reply_read(struct reply *reply, int rc, nng_msg *message);
void reply_clean_up(struct reply *reply);
/* Calls Score "now" until it is answered, 60 s at most. */
void assert_serves(const char *url);

/* A call among many on one socket. */
struct flight {
	nng_ctx context;
	nng_aio *aio;
	nng_socket socket;
};
void flight_start(struct flight *flight, nng_socket socket, const struct call_options *options);
void flight_end(struct flight *flight, struct reply *reply);

/* ---- plain sockets ---- */

/* A connected socket to a tcp:// or ipc:// URL. */
int plain_connect(const char *url);
/* SP's greeting as a REQ socket; false where the server hung up. */
bool plain_greet(int fd);
/* A request of a method and nothing else, as it goes over a tcp:// connection; its length. */
size_t plain_request(uint8_t out[128], const char *method, uint32_t id);
/* Waits until so many connections are there, 60 s at most. */
void wait_peers(struct lf_rpc_nng *nng, size_t count);
/* How often a listener was dead and was opened again. */
uint64_t times_reopened(struct lf_rpc_nng *nng);
/* Waits until the counters say so, 60 s at most. */
void wait_ended(struct lf_rpc_server *server, uint64_t ended);
void sleep_ms(unsigned ms);

#endif
