/*
 * Servers that answer as a test wants them to: one on nng's raw REP or on HTTP/2, by its URL, which says when, how
 * often and to whom it answers; one on a bare TCP socket, which says what bytes come; and one in a process of its own,
 * which can be stopped and killed.
 */
#ifndef LF_TESTS_CLIENT_FAKE_H
#define LF_TESTS_CLIENT_FAKE_H

#include <nng/nng.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "client/lib/client.h"
#include "proto/wire/bundle.h"
#include "proto/wire/frame.h"

struct fake;
struct fake_http;

/* A request, whatever it came by. Its handler owns it. */
struct fake_request {
	nng_msg *message; /* of nng */
	uint64_t connection;
	int32_t stream;        /* of HTTP */
	uint8_t *body;         /* owned */
	struct lf_frame frame; /* method, timeout_ms, metadata, message */
	bool is_bundle;        /* of nng: then frame has nothing */
};

/* Gets every request, on the fake's thread, and owns it. */
typedef void (*fake_handler)(struct fake *fake, struct fake_request *request);

struct fake {
	char url[160];
	nng_socket socket;
	struct fake_http *http; /* NULL: it is nng's */
	pthread_t thread;
	_Atomic fake_handler handler;
	atomic_bool stopping;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	unsigned requests;              /* under mutex */
	struct fake_request *held[512]; /* of fake_hold() */
	size_t held_count;
	char seen[512]; /* of fake_note(): the last request's metadata and method */
	uint32_t seen_timeout_ms;
};

/* assert() that is also evaluated, and tells. */
void fake_must(bool holds, const char *what);
/*
 * url: tcp://127.0.0.1:0, ipc://PATH, http://127.0.0.1:0, http://localhost:0, https://localhost:0 or unix:PATH.
 * fake->url is the real one.
 */
void fake_free_request(struct fake_request *request);
void fake_start(struct fake *fake, const char *url, fake_handler handler);
void fake_stop(struct fake *fake);
/* Waits until so many requests have come. */
void fake_await(struct fake *fake, unsigned requests);

/* Answers with a frame; request is freed. */
void fake_reply(
	struct fake *fake, struct fake_request *request, enum lf_code status, const void *message, size_t length);
/* nng only: answers with these bytes, framed or not; request stays. */
void fake_reply_raw(struct fake *fake, struct fake_request *request, const void *bytes, size_t length);
void fake_reply_error(struct fake *fake, struct fake_request *request, enum lf_code status, const char *text);

/* Handlers. */
void fake_serving(struct fake *fake, struct fake_request *request); /* HealthCheckResponse: SERVING */
void fake_silent(struct fake *fake, struct fake_request *request);  /* nothing */
void fake_hold(struct fake *fake, struct fake_request *request);    /* keeps it in held[] */
void fake_echo(struct fake *fake, struct fake_request *request); /* the request's message; of a bundle the last first */
void fake_note(struct fake *fake, struct fake_request *request); /* notes the header in seen, then as fake_serving */

/* ---- what only HTTP/2 has ---- */

/* Closes the request's stream with an error code of HTTP/2 and no answer; request is freed. */
void fake_reset(struct fake *fake, struct fake_request *request, uint32_t error_code);
/*
 * Says that the connection of the request ends: what came after it was not worked on (request->stream, which a test may
 * have set to another one's). request stays, as with the next two.
 */
void fake_go_away(struct fake *fake, struct fake_request *request);
/* Reads no more of that connection. */
void fake_stall(struct fake *fake, struct fake_request *request);
/* Closes it. */
void fake_cut(struct fake *fake, struct fake_request *request);
/* Sets what a server says when it greets, for connections to come. 0 = it doesn't. */
void fake_set_streams_max(struct fake *fake, uint32_t streams_max);
/* Most requests of a connection that were unanswered at once. */
unsigned fake_streams_seen(struct fake *fake);
/* https: the files of PEM that it shows, and asks for where client_ca is not NULL. Before fake_start(). */
void fake_set_certificate(const char *certificate, const char *key, const char *client_ca);

/* ---- bare TCP ---- */

enum tcp_mode {
	TCP_SAYS_NOTHING,
	TCP_RUBBISH_HANDSHAKE,
	TCP_OTHER_PROTOCOL, /* a good SP handshake, as PAIR */
	TCP_RUBBISH_FRAME,  /* a good handshake, then bytes that are no SP message as soon as a request comes */
	TCP_HUGE_LENGTH,    /* ... a message that claims to have 2^40 bytes */
	TCP_OTHER_ID,       /* ... a good reply, to a request nobody made */
	TCP_CLOSES_AT_ONCE, /* after accept */
	TCP_CLOSES_ON_REQUEST,
	TCP_CLOSES_AFTER_REPLY, /* answers SERVING, then closes */
	TCP_STOPS_READING,      /* a good handshake, then never reads */
	TCP_SHORT_MESSAGE,      /* a message of two bytes: too short for an id */
	TCP_HTTP_STOPS_READING, /* a greeting of HTTP/2, then never reads */
	TCP_HTTP_SCRIPT,        /* says hello at once, and answer when a request has come */
};

struct tcp_script {
	const char *hello, *answer;
	size_t hello_length, answer_length;
	bool closes; /* after the answer */
};

struct tcp_fake {
	char url[64];
	int listener;
	enum tcp_mode mode;
	struct tcp_script script;
	pthread_t thread;
	int connections[64];
	size_t connection_count;
	pthread_t threads[64];
	pthread_mutex_t mutex;
	bool stopping;
};

void tcp_fake_start(struct tcp_fake *fake, enum tcp_mode mode);
/* Speaks HTTP/2 as the script says: fake->url is http://. */
void tcp_fake_start_script(struct tcp_fake *fake, const struct tcp_script *script);
void tcp_fake_stop(struct tcp_fake *fake);

/* ---- a process ---- */

/* At the start of main(): where this process is to be such a server, it is, and never returns. */
void fake_process_main(int argc, char **argv);
/* Starts one that answers SERVING, and waits until it listens. */
pid_t fake_process_start(const char *url);
/* SIGSTOP, and waits until it is. */
void fake_process_stop(pid_t process);
void fake_process_end(pid_t process);

/* ---- calls ---- */

/* So long that no busy machine makes a call fail that would succeed. */
extern const struct lf_call_options PATIENT;
/* Health/Check at once. Without options it is PATIENT. error may be NULL. */
enum lf_code check_health(struct lf_client *client, const struct lf_call_options *options, struct lf_error *error);
/* A client that is expected to connect. */
struct lf_client *connect_to(const char *url);

#endif
