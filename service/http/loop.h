/*
 * An event loop: one thread that waits for sockets (epoll), for the clock, and for other threads. It knows nothing of
 * HTTP. Every function is for the loop's thread, but where another is named; none but lf_loop_run() blocks.
 */
#ifndef LF_SERVICE_HTTP_LOOP_H
#define LF_SERVICE_HTTP_LOOP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/histogram.h"

extern const struct lf_buckets lf_loop_lag_buckets;

/* A socket that is waited for. Embedded in what it belongs to. */
struct lf_watch {
	int fd;          /* -1: none */
	uint32_t events; /* EPOLLIN, EPOLLOUT: what is waited for */
	bool added;
	/* Some of events, EPOLLHUP or EPOLLERR. It may close and free the watch, and others only by lf_loop_forget(). */
	void (*ready)(struct lf_watch *watch, uint32_t events);
};

struct lf_loop {
	int epoll, wakeup; /* an eventfd, written only while the loop sleeps */
	atomic_bool sleeping;
	atomic_bool stopping;
	uint64_t now_ns; /* as of this turn */
	struct lf_histogram
		lag; /* of turns, from their first event to their end, in nanoseconds, by lf_loop_lag_buckets */
	uint64_t next_tick_ns;
	bool ticking; /* whether there is anything that tick is for */
	unsigned tick_ms;
	void *context;
	struct lf_watch *current[128]; /* what this turn still has to tell */
	int current_count;
	/* After sockets were told, before it sleeps: works off what other threads have pushed, and what sockets left. */
	void (*turn)(void *context);
	/* Whether there is something for turn: asked after the loop has said that it sleeps. Any order of memory. */
	bool (*has_work)(void *context);
	void (*tick)(void *context);
};

/* turn, has_work, tick, context and tick_ms are set by the caller. false, and errno says why. */
bool lf_loop_init(struct lf_loop *loop);
void lf_loop_clean_up(struct lf_loop *loop);
/* Runs until lf_loop_stop(). */
void lf_loop_run(struct lf_loop *loop);
/* Makes run() return after its turn. Any thread. */
void lf_loop_stop(struct lf_loop *loop);
/* What was pushed for turn() is to be looked at. Cheap where the loop is awake. Any thread. */
void lf_loop_wake(struct lf_loop *loop);
/* Waits for these events from now on; 0: for none, but for the peer's end. false: no memory. */
bool lf_loop_watch(struct lf_loop *loop, struct lf_watch *watch, uint32_t events);
/* Waits for it no more, and tells nothing more of this turn either. Does not close the socket. */
void lf_loop_forget(struct lf_loop *loop, struct lf_watch *watch);

#endif
