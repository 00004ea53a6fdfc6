/*
 * Servers that answer as a test wants them to: one on nng's raw REP, which says when, how often and to whom it answers;
 * one on a bare TCP socket, which says what bytes come; and one in a process of its own, which can be stopped and
 * killed.
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
#include "proto/wire/frame.h"

struct fake;
/* Gets every request, on the fake's thread, and owns it. */
typedef void (*fake_handler)(struct fake *fake, nng_msg *request);

struct fake {
	char url[160];
	nng_socket socket;
	pthread_t thread;
	_Atomic fake_handler handler;
	atomic_bool stopping;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	unsigned requests;  /* under mutex */
	nng_msg *held[512]; /* of fake_hold() */
	size_t held_count;
	char seen[512]; /* of fake_note(): the last request's metadata and method */
	uint32_t seen_timeout_ms;
};

/* url: tcp://127.0.0.1:0, or ipc://PATH. fake->url is the real one. */
void fake_start(struct fake *fake, const char *url, fake_handler handler);
void fake_stop(struct fake *fake);
/* Waits until so many requests have come. */
void fake_await(struct fake *fake, unsigned requests);

/* Answers with a frame; request is freed. */
void fake_reply(struct fake *fake, nng_msg *request, enum lf_code status, const void *message, size_t length);
/* Answers with these bytes, framed or not; request stays. */
void fake_reply_raw(struct fake *fake, nng_msg *request, const void *bytes, size_t length);
void fake_reply_error(struct fake *fake, nng_msg *request, enum lf_code status, const char *text);

/* Handlers. */
void fake_serving(struct fake *fake, nng_msg *request); /* HealthCheckResponse: SERVING */
void fake_silent(struct fake *fake, nng_msg *request);  /* nothing */
void fake_hold(struct fake *fake, nng_msg *request);    /* keeps it in held[] */
void fake_note(struct fake *fake, nng_msg *request);    /* notes the header in seen, then as fake_serving */

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
};

struct tcp_fake {
	char url[64];
	int listener;
	enum tcp_mode mode;
	pthread_t thread;
	int connections[64];
	size_t connection_count;
	pthread_t threads[64];
	pthread_mutex_t mutex;
	bool stopping;
};

void tcp_fake_start(struct tcp_fake *fake, enum tcp_mode mode);
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

/* Health/Check at once. error may be NULL. */
enum lf_code check_health(struct lf_client *client, const struct lf_call_options *options, struct lf_error *error);
/* A client that is expected to connect. */
struct lf_client *connect_to(const char *url);

#endif
