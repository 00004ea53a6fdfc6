#include <nng/nng.h>
#include <nng/protocol/pubsub0/pub.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "proto/base/thread.h"
#include "service/rpc/nng/internal.h"
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
	RECEIVE_MAX = 64, /* a peer has nothing to say, but nng would allocate what it announces */
	SP_SUB = 0x21,
	CLOSE_MS = 1500, /* nng 1.5.2 can fail to close a socket for good: see DESIGN.md */
};

struct lf_publisher {
	struct lf_listeners listeners;
	pthread_t thread;
	sem_t wake;
	atomic_uint_fast64_t newest;
	atomic_bool posted; /* and not taken back yet */
	atomic_bool stopping;
};

static void publish(struct lf_publisher *p, uint64_t sequence)
{
	uint8_t message[LF_PUBLISHED_BYTES];

	for (size_t i = 0; i < sizeof(message); i++)
		message[i] = (uint8_t)(sequence >> (56 - 8 * i));
	/* PUB never waits: who does not read fast enough misses some. Without memory all do. */
	(void)nng_send(p->listeners.socket, message, sizeof(message), NNG_FLAG_NONBLOCK);
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
	if (lf_watchdog_await(&p->listeners, LF_NNG_HALT_MS))
		lf_listeners_part(&p->listeners, NULL);
	lf_watchdog_join(&p->listeners);
	lf_listeners_close(&p->listeners);
	nng_close(p->listeners.socket);
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
		lf_listeners_note_gone(&p->listeners);
	else
		lf_listeners_note(&p->listeners, pipe);
}

static int socket_open(struct lf_publisher *p)
{
	int rc = nng_pub0_open(&p->listeners.socket);

	if (rc != 0)
		return rc;
	rc = nng_pipe_notify(p->listeners.socket, NNG_PIPE_EV_ADD_PRE, on_pipe, p);
	if (rc == 0)
		rc = nng_pipe_notify(p->listeners.socket, NNG_PIPE_EV_REM_POST, on_pipe, p);
	if (rc != 0)
		nng_close(p->listeners.socket);
	return rc;
}

/* Its threads: the watchdog's, and then its own, which alone ends the watchdog. */
static enum lf_code start_threads(struct lf_publisher *p, struct lf_error *error)
{
	if (lf_watchdog_start(&p->listeners, error) != LF_OK)
		return error->code;
	if (lf_thread_start(&p->thread, run, p) == 0)
		return LF_OK;
	lf_watchdog_halt(&p->listeners);
	lf_watchdog_join(&p->listeners);
	return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "can't start a thread");
}

static void free_all(struct lf_publisher *p)
{
	lf_listeners_clean_up(&p->listeners);
	sem_destroy(&p->wake);
	free(p);
}

enum lf_code lf_publisher_new(struct lf_publisher **out, const char *url, bool has_tokens,
	const struct lf_rpc_nng_options *options, char *bound, size_t bound_size, struct lf_error *error)
{
	struct lf_publisher *p = calloc(1, sizeof(*p));
	enum lf_code code;

	*out = NULL;
	if (p == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the publisher");
	p->listeners.receive_max = RECEIVE_MAX;
	p->listeners.peer_protocol = SP_SUB;
	if (lf_listeners_init(&p->listeners, options) != LF_OK) {
		free(p);
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the publisher");
	}
	sem_init(&p->wake, 0, 0);
	if (socket_open(p) != 0) {
		code = lf_error_set(error, LF_RESOURCE_EXHAUSTED, "the publisher can't be made");
		goto undo_memory;
	}
	code = lf_listeners_listen(&p->listeners, url, has_tokens, bound, bound_size, error);
	if (code == LF_OK)
		code = start_threads(p, error);
	if (code != LF_OK)
		goto undo_socket;
	*out = p;
	return LF_OK;

undo_socket:
	lf_listeners_close(&p->listeners);
	nng_close(p->listeners.socket);
undo_memory:
	free_all(p);
	return code;
}

void lf_publisher_destroy(struct lf_publisher *p)
{
	struct timespec until;

	if (p == NULL)
		return;
	lf_watchdog_halt(&p->listeners);
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
	free_all(p);
}
