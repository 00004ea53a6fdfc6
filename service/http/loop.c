#include "service/http/loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "proto/base/clock.h"
#include "proto/base/forget.h"

/*
 * Waking costs two system calls, so it is done only while the loop sleeps. Whoever pushes something first pushes, then
 * looks at sleeping; the loop first says that it sleeps, then looks whether something was pushed. Both in the one order
 * of sequentially consistent atomics: so one of the two sees the other.
 */

bool lf_loop_init(struct lf_loop *loop)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};

	atomic_init(&loop->sleeping, false);
	atomic_init(&loop->stopping, false);
	loop->current_count = 0;
	loop->now_ns = lf_clock_ns();
	loop->next_tick_ns = 0;
	loop->wakeup = -1;
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll < 0)
		return false;
	loop->wakeup = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->wakeup >= 0 && epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->wakeup, &event) == 0)
		return true;
	lf_loop_clean_up(loop);
	return false;
}

void lf_loop_clean_up(struct lf_loop *loop)
{
	const int failed = errno;

	if (loop->epoll >= 0)
		close(loop->epoll);
	if (loop->wakeup >= 0)
		close(loop->wakeup);
	loop->epoll = loop->wakeup = -1;
	errno = failed;
}

/* ---- sockets ---- */

bool lf_loop_watch(struct lf_loop *loop, struct lf_watch *watch, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};

	if (watch->fd < 0 || (watch->added && watch->events == events))
		return true;
	if (epoll_ctl(loop->epoll, watch->added ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, watch->fd, &event) != 0)
		return false;
	watch->added = true;
	watch->events = events;
	return true;
}

void lf_loop_forget(struct lf_loop *loop, struct lf_watch *watch)
{
	if (watch->added)
		epoll_ctl(loop->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
	watch->added = false;
	for (int i = 0; i < loop->current_count; i++)
		if (loop->current[i] == watch)
			loop->current[i] = NULL;
}

/* ---- waking ---- */

void lf_loop_wake(struct lf_loop *loop)
{
	const uint64_t one = 1;
	ssize_t written = 0;

	if (atomic_load(&loop->sleeping) && atomic_exchange(&loop->sleeping, false))
		written = write(loop->wakeup, &one, sizeof(one));
	(void)written; /* a full counter wakes it as well */
}

void lf_loop_stop(struct lf_loop *loop)
{
	atomic_store(&loop->stopping, true);
	lf_loop_wake(loop);
}

static void drain_wakeup(struct lf_loop *loop)
{
	uint64_t count;
	const ssize_t got = read(loop->wakeup, &count, sizeof(count));

	(void)got;
}

/* ---- turns ---- */

/* Milliseconds that the loop may sleep; -1: for ever. */
static int may_sleep(const struct lf_loop *loop)
{
	if (!loop->ticking)
		return -1;
	if (loop->now_ns >= loop->next_tick_ns)
		return 0;
	return (int)((loop->next_tick_ns - loop->now_ns) / 1000000) + 1;
}

static int wait_for_events(struct lf_loop *loop, struct epoll_event *events, int max)
{
	int count, timeout;

	atomic_store(&loop->sleeping, true);
	timeout = loop->has_work(loop->context) || atomic_load(&loop->stopping) ? 0 : may_sleep(loop);
	if (timeout < 0)
		lf_forget_stack();
	count = epoll_wait(loop->epoll, events, max, timeout);
	atomic_store(&loop->sleeping, false);
	loop->now_ns = lf_clock_ns();
	return count < 0 ? 0 : count; /* EINTR at the most */
}

static void tell(struct lf_loop *loop, const struct epoll_event *events, int count)
{
	for (int i = 0; i < count; i++)
		loop->current[i] = events[i].data.ptr;
	loop->current_count = count;
	for (int i = 0; i < count; i++) {
		struct lf_watch *watch = loop->current[i];

		if (events[i].data.ptr == NULL)
			drain_wakeup(loop);
		else if (watch != NULL)
			watch->ready(watch, events[i].events);
	}
	loop->current_count = 0;
}

const struct lf_buckets lf_loop_lag_buckets = {50000, 16, false};

void lf_loop_run(struct lf_loop *loop)
{
	struct epoll_event events[sizeof(loop->current) / sizeof(loop->current[0])];
	int count;

	while (!atomic_load(&loop->stopping)) {
		count = wait_for_events(loop, events, (int)(sizeof(events) / sizeof(events[0])));
		tell(loop, events, count);
		loop->turn(loop->context);
		if (loop->ticking && loop->now_ns >= loop->next_tick_ns) {
			loop->next_tick_ns = loop->now_ns + (uint64_t)loop->tick_ms * 1000000;
			loop->tick(loop->context);
		}
		lf_histogram_add(&loop->lag, &lf_loop_lag_buckets, lf_clock_ns() - loop->now_ns);
	}
}
