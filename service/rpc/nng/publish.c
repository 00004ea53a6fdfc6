#include <nng/nng.h>
#include <nng/protocol/pubsub0/pub.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/base/thread.h"
#include "service/rpc/address.h"
#include "service/rpc/nng/publish.h"

/*
 * Design notes
 *
 * The log's writer is the one thread that everybody waits for. It stores the newest sequence, and posts a semaphore
 * only where no post is outstanding: the publisher takes that back before it reads the sequence, so that none is
 * missed. Then it sends, and pauses before it looks again. So a busy log costs one atomic exchange a commit, one
 * wake-up a pause, and one message a pause and listener.
 *
 * Nothing that a listener sends is read; a connection that sends anything is closed by nng.
 */

enum {
	PAUSE_MS = 3,
	CONNECTIONS_MAX = 256,
	CLOSE_MS = 1500, /* nng 1.5.2 can fail to close a socket for good: see DESIGN.md */
};

struct lf_publisher {
	nng_socket socket;
	pthread_t thread;
	sem_t wake;
	atomic_uint_fast64_t newest;
	atomic_bool posted; /* and not taken back yet */
	atomic_bool stopping;
	atomic_int connections;
};

static void publish(struct lf_publisher *p, uint64_t sequence)
{
	uint8_t message[LF_PUBLISHED_BYTES];

	for (size_t i = 0; i < sizeof(message); i++)
		message[i] = (uint8_t)(sequence >> (56 - 8 * i));
	/* PUB never waits: who does not read fast enough misses some. Without memory all do. */
	(void)nng_send(p->socket, message, sizeof(message), NNG_FLAG_NONBLOCK);
}

static void *run(void *context)
{
	const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000};
	struct lf_publisher *p = context;
	uint64_t sent = 0, newest;

	while (!atomic_load(&p->stopping)) {
		while (sem_wait(&p->wake) != 0)
			continue;
		atomic_store(&p->posted, false);
		newest = atomic_load(&p->newest);
		if (newest <= sent)
			continue;
		publish(p, newest);
		sent = newest;
		nanosleep(&pause, NULL);
	}
	nng_close(p->socket);
	return NULL;
}

void lf_publisher_note(void *publisher, uint64_t newest_sequence)
{
	struct lf_publisher *p = publisher;

	atomic_store(&p->newest, newest_sequence);
	if (!atomic_exchange(&p->posted, true))
		sem_post(&p->wake);
}

static void on_pipe(nng_pipe pipe, nng_pipe_ev event, void *context)
{
	struct lf_publisher *p = context;

	if (event == NNG_PIPE_EV_REM_POST)
		atomic_fetch_sub(&p->connections, 1);
	else if (atomic_fetch_add(&p->connections, 1) >= CONNECTIONS_MAX)
		nng_pipe_close(pipe); /* its removal is told, too */
}

/* Starts nng's listener on url; its URL with the real port goes to bound. 0, or nng's error. */
static int listen_on(struct lf_publisher *p, const char *url, char *bound, size_t bound_size)
{
	bool local = strncmp(url, "ipc://", 6) == 0;
	nng_listener listener;
	int port, rc = nng_listener_create(&listener, p->socket, url);
	const char *colon = strrchr(url, ':');

	if (rc != 0)
		return rc;
	/* A peer has nothing to say, but nng would allocate what it claims. */
	rc = nng_listener_set_size(listener, NNG_OPT_RECVMAXSZ, 64);
	if (rc == 0)
		rc = local ? nng_listener_set_int(listener, NNG_OPT_IPC_PERMISSIONS, 0600)
			   : nng_listener_set_bool(listener, NNG_OPT_TCP_NODELAY, true);
	if (rc == 0)
		rc = nng_listener_start(listener, 0);
	snprintf(bound, bound_size, "%s", url);
	if (rc == 0 && !local && nng_listener_get_int(listener, NNG_OPT_TCP_BOUND_PORT, &port) == 0)
		snprintf(bound, bound_size, "%.*s:%d", (int)(colon - url), url, port);
	return rc;
}

static enum lf_code listen_error(struct lf_error *error, const char *url, int rc)
{
	enum lf_code code =
		rc == NNG_EADDRINVAL || rc == NNG_EINVAL || rc == NNG_ENOTSUP ? LF_INVALID_ARGUMENT : LF_UNAVAILABLE;

	return lf_error_set(
		error, code, "%s: %s", url, rc == NNG_EADDRINUSE ? "the address is taken" : nng_strerror(rc));
}

enum lf_code lf_publisher_new(struct lf_publisher **out, const char *url, bool has_tokens, char *bound,
	size_t bound_size, struct lf_error *error)
{
	struct lf_publisher *p;
	int rc;

	if (lf_listen_check(url, has_tokens, error) != LF_OK)
		return error->code;
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the publisher");
	sem_init(&p->wake, 0, 0);
	rc = nng_pub0_open(&p->socket);
	if (rc != 0) {
		listen_error(error, url, rc);
		goto no_socket;
	}
	nng_pipe_notify(p->socket, NNG_PIPE_EV_ADD_PRE, on_pipe, p);
	nng_pipe_notify(p->socket, NNG_PIPE_EV_REM_POST, on_pipe, p);
	rc = listen_on(p, url, bound, bound_size);
	if (rc != 0) {
		listen_error(error, url, rc);
		goto not_listening;
	}
	if (lf_thread_start(&p->thread, run, p) != 0) {
		lf_error_set(error, LF_RESOURCE_EXHAUSTED, "can't start a thread");
		goto not_listening;
	}
	*out = p;
	return LF_OK;
not_listening:
	nng_close(p->socket);
no_socket:
	sem_destroy(&p->wake);
	free(p);
	return error->code;
}

void lf_publisher_destroy(struct lf_publisher *p)
{
	struct timespec until;

	if (p == NULL)
		return;
	atomic_store(&p->stopping, true);
	sem_post(&p->wake);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += CLOSE_MS / 1000;
	until.tv_nsec += CLOSE_MS % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	if (pthread_timedjoin_np(p->thread, NULL, &until) != 0) {
		pthread_detach(p->thread); /* it keeps what it uses */
		return;
	}
	sem_destroy(&p->wake);
	free(p);
}
