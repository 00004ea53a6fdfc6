#include "service/rpc/nng/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/clock.h"
#include "proto/base/thread.h"
#include "service/events/events.h"

/*
 * Design notes
 *
 * Some errors end the accepting of a listener of nng for good, and it still takes connections and greets them: what shows
 * life is that nng hands a new connection over (NNG_PIPE_EV_ADD_PRE), or that the door has closed one at once, as there
 * are too many. So a trial connects, greets, and waits for either. A listener is dead at once where the connection is
 * refused or the path is gone; else after three trials in a row without life, because re-opening has a price: nng closes
 * the connections of a listener together with it, and only those that came through other listeners survive. A trial that
 * fails for a reason of our own (no descriptors left) says nothing: nng itself goes on when descriptors come back.
 *
 * In the same round, connections that make no headway are ended.
 *
 * After each trial that shows life nng owes that it releases the trial's connection. Where it releases none at all for a
 * minute, it is stuck (DESIGN.md), and connections would add up until there are too many: on_stuck says so, once.
 *
 * Everything here blocks, and runs on the watchdog's thread only.
 */

enum {
	GREETING_MS = 1000,  /* to connect and greet */
	HAND_OVER_MS = 1000, /* nng pauses accepting for 100 ms after some errors; a busy machine takes longer */
	SLICE_MS = 50,       /* how long stopping may wait for a trial */
	STRIKES = 3,         /* with no pause between: a dead listener is back within some three seconds */
	REOPEN_TRIALS = 20,  /* the closed socket lets go of the address a moment later */
	REOPEN_PAUSE_MS = 10,
};

/* What a trial says of a listener. */
enum trial { ALIVE, FULL, SILENT, DEAD, UNKNOWN };

static bool stopping(struct lf_listeners *listeners)
{
	bool yes;

	pthread_mutex_lock(&listeners->lock);
	yes = listeners->stopping;
	pthread_mutex_unlock(&listeners->lock);
	return yes;
}

static uint64_t in_ms(unsigned ms)
{
	return lf_clock_ns() + (uint64_t)ms * 1000000u;
}

static struct timespec after_ms(unsigned ms)
{
	return lf_clock_after_ns((uint64_t)ms * 1000000u);
}

/* Until the server stops, at most so long. */
static void pause_ms(struct lf_listeners *listeners, unsigned ms)
{
	const struct timespec until = after_ms(ms);

	pthread_mutex_lock(&listeners->lock);
	while (!listeners->stopping)
		if (pthread_cond_timedwait(&listeners->changed, &listeners->lock, &until) == ETIMEDOUT)
			break;
	pthread_mutex_unlock(&listeners->lock);
}

/* What a listener had done before a trial. */
struct seen {
	uint64_t accepted, refused;
};

static struct seen look(struct lf_listeners *listeners, const struct lf_listener *listener)
{
	struct seen seen = {.refused = lf_door_refused(listeners->door, listener)};

	pthread_mutex_lock(&listeners->lock);
	seen.accepted = listener->accepted;
	pthread_mutex_unlock(&listeners->lock);
	return seen;
}

/*
 * Whether nng hands over another connection of listener than before, within so long. Stopping does not cut it short: nng
 * leaks a connection that was greeted but not handed over when its listener is closed.
 */
static bool handed_over(
	struct lf_listeners *listeners, const struct lf_listener *listener, struct seen seen, unsigned ms)
{
	const struct timespec until = after_ms(ms);
	bool more;

	pthread_mutex_lock(&listeners->lock);
	while (listener->accepted == seen.accepted)
		if (pthread_cond_timedwait(&listeners->changed, &listeners->lock, &until) == ETIMEDOUT)
			break;
	more = listener->accepted != seen.accepted;
	pthread_mutex_unlock(&listeners->lock);
	return more;
}

/* ---- a trial ---- */

/* Any address of this machine is reached by loopback. */
static void reachable(struct sockaddr_storage *address)
{
	struct sockaddr_in *four = (struct sockaddr_in *)address;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)address;

	if (address->ss_family == AF_INET && four->sin_addr.s_addr == 0)
		four->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else if (address->ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&six->sin6_addr))
		six->sin6_addr = in6addr_loopback;
}

static socklen_t address_of(const struct lf_listener *listener, struct sockaddr_storage *to)
{
	struct sockaddr_un *local = (struct sockaddr_un *)to;

	if (listener->kind != LF_ADDRESS_IPC) {
		const socklen_t length = lf_listener_address(&listener->address, to);

		reachable(to);
		return length;
	}
	memset(to, 0, sizeof(*to));
	local->sun_family = AF_UNIX;
	snprintf(local->sun_path, sizeof(local->sun_path), "%s", listener->path);
	return sizeof(*local);
}

/* Waits for the events, until the deadline or the server stops. */
static bool wait_fd(struct lf_listeners *listeners, int fd, short events, uint64_t deadline_ns)
{
	struct pollfd poll_fd = {.fd = fd, .events = events};

	while (lf_clock_ns() < deadline_ns && !stopping(listeners))
		if (poll(&poll_fd, 1, SLICE_MS) > 0)
			return true;
	return false;
}

static enum trial trial_of(int reason)
{
	return reason == ECONNREFUSED || reason == ENOENT ? DEAD : UNKNOWN;
}

static enum trial connect_to(
	struct lf_listeners *listeners, const struct lf_listener *listener, int fd, uint64_t deadline_ns)
{
	struct sockaddr_storage address;
	socklen_t length = address_of(listener, &address), size = sizeof(int);
	int reason = 0;

	if (length == 0)
		return UNKNOWN;
	while (connect(fd, (const struct sockaddr *)&address, length) != 0) {
		if (errno == EINPROGRESS) {
			if (!wait_fd(listeners, fd, POLLOUT, deadline_ns))
				return SILENT;
			if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &reason, &size) != 0 || reason != 0)
				return trial_of(reason);
			return ALIVE;
		}
		if (errno != EAGAIN)
			return trial_of(errno);
		/* A local socket's queue is full: its server is busy, or dead. */
		if (lf_clock_ns() >= deadline_ns)
			return SILENT;
		if (stopping(listeners))
			return UNKNOWN;
		poll(NULL, 0, SLICE_MS);
	}
	return ALIVE;
}

/* SP's greeting, as the socket of a peer says it. */
static enum trial greet(struct lf_listeners *listeners, int fd, uint64_t deadline_ns)
{
	const uint8_t greeting[8] = {0, 'S', 'P', 0, 0, listeners->peer_protocol, 0, 0};
	uint8_t answer[8];
	size_t got = 0;

	if (send(fd, greeting, sizeof(greeting), MSG_NOSIGNAL) != (ssize_t)sizeof(greeting))
		return SILENT;
	while (got < sizeof(answer)) {
		ssize_t n;

		if (!wait_fd(listeners, fd, POLLIN, deadline_ns))
			return SILENT;
		n = recv(fd, answer + got, sizeof(answer) - got, 0);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return SILENT;
		if (n > 0)
			got += (size_t)n;
	}
	return ALIVE;
}

/* Whether another descriptor can be had. */
static bool descriptors_left(int fd)
{
	int spare = dup(fd);

	if (spare < 0)
		return false;
	close(spare);
	return true;
}

static enum trial try_plain(struct lf_listeners *listeners, const struct lf_listener *listener, struct seen seen)
{
	int family = listener->kind == LF_ADDRESS_IPC        ? AF_UNIX
		: listener->address.s_family == NNG_AF_INET6 ? AF_INET6
							     : AF_INET;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	uint64_t deadline_ns = in_ms(GREETING_MS);
	enum trial trial;

	if (fd < 0)
		return UNKNOWN;
	trial = connect_to(listeners, listener, fd, deadline_ns);
	if (trial == ALIVE)
		trial = greet(listeners, fd, deadline_ns);
	if (trial == ALIVE && !handed_over(listeners, listener, seen, HAND_OVER_MS))
		trial = SILENT;
	if (trial == SILENT && lf_door_refused(listeners->door, listener) != seen.refused)
		trial = FULL;
	if (trial == SILENT && !descriptors_left(fd))
		trial = UNKNOWN;
	close(fd);
	return trial;
}

/* ---- the watchdog ---- */

static void reopen(struct lf_listeners *listeners, struct lf_listener *listener)
{
	const struct lf_event_field address = lf_event_said(lf_event_text("address", listener->url));
	struct lf_error error = LF_ERROR_INIT;

	lf_listeners_part(listeners, listener);
	lf_listener_close(listener);
	for (unsigned i = 0; i < REOPEN_TRIALS && !stopping(listeners); i++) {
		lf_error_clean_up(&error);
		if (lf_listener_open(listeners, listener, &error) == LF_OK) {
			atomic_fetch_add(&listeners->reopened, 1);
			listener->lost = false;
			lf_event_say_with(
				LF_EVENT_LISTENER_REOPENED, &address, 1, "listening again on %s", listener->url);
			return;
		}
		pause_ms(listeners, REOPEN_PAUSE_MS);
	}
	/* Next time again. */
	if (!listener->lost && !stopping(listeners)) {
		listener->lost = true;
		lf_event_say_with(LF_EVENT_LISTENER_LOST, &address, 1, "%s can't be listened on again: %s",
			listener->url, error.message);
	}
	lf_error_clean_up(&error);
}

static enum trial try_once(struct lf_listeners *listeners, const struct lf_listener *listener)
{
	const struct seen seen = look(listeners, listener);

	return try_plain(listeners, listener, seen);
}

static uint64_t count_gone(struct lf_listeners *listeners)
{
	uint64_t gone;

	pthread_mutex_lock(&listeners->lock);
	gone = listeners->gone;
	pthread_mutex_unlock(&listeners->lock);
	return gone;
}

/*
 * The connection of a trial has ended: from now on nng owes that it releases one, unless it owes that already. gone:
 * how many it had released before the trial.
 */
static void owe(struct lf_listeners *listeners, uint64_t gone)
{
	if (listeners->owed_ns != 0 && count_gone(listeners) == listeners->owed_gone)
		return;
	listeners->owed_ns = lf_clock_ns();
	listeners->owed_gone = gone;
}

static void check_stuck(struct lf_listeners *listeners)
{
	const uint64_t max_ns = (uint64_t)listeners->options.stuck_ms * 1000000;

	if (listeners->stuck || listeners->owed_ns == 0 || count_gone(listeners) != listeners->owed_gone ||
		lf_clock_ns() - listeners->owed_ns < max_ns)
		return;
	listeners->stuck = true;
	if (listeners->options.on_stuck != NULL)
		listeners->options.on_stuck(listeners->options.on_stuck_context);
}

static void look_after(struct lf_listeners *listeners, struct lf_listener *listener)
{
	enum trial trial = listener->open ? SILENT : DEAD;
	uint64_t gone = count_gone(listeners);

	for (unsigned strike = 0; trial == SILENT && strike < STRIKES; strike++)
		trial = try_once(listeners, listener);
	if (trial == ALIVE)
		owe(listeners, gone);
	if ((trial == SILENT || trial == DEAD) && !stopping(listeners))
		reopen(listeners, listener);
}

static void *watchdog(void *argument)
{
	struct lf_listeners *listeners = argument;

	for (;;) {
		size_t count;

		pause_ms(listeners, listeners->options.watchdog_ms);
		lf_door_end_stalled(listeners->door, (uint64_t)listeners->options.unread_ms * 1000000,
			(uint64_t)listeners->options.unsent_ms * 1000000);
		pthread_mutex_lock(&listeners->lock);
		count = listeners->count;
		pthread_mutex_unlock(&listeners->lock);
		for (size_t i = 0; i < count && !stopping(listeners); i++)
			look_after(listeners, &listeners->items[i]);
		check_stuck(listeners);
		if (stopping(listeners))
			break;
	}
	pthread_mutex_lock(&listeners->lock);
	listeners->ended = true;
	pthread_cond_broadcast(&listeners->changed);
	pthread_mutex_unlock(&listeners->lock);
	return NULL;
}

enum lf_code lf_watchdog_start(struct lf_listeners *listeners, struct lf_error *error)
{
	if (lf_thread_start(&listeners->watchdog, watchdog, listeners) != 0)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no thread for the watchdog");
	listeners->watched = true;
	return LF_OK;
}

void lf_watchdog_halt(struct lf_listeners *listeners)
{
	pthread_mutex_lock(&listeners->lock);
	listeners->stopping = true;
	pthread_cond_broadcast(&listeners->changed);
	pthread_mutex_unlock(&listeners->lock);
}

bool lf_watchdog_await(struct lf_listeners *listeners, unsigned timeout_ms)
{
	const struct timespec until = after_ms(timeout_ms);
	bool ended;

	pthread_mutex_lock(&listeners->lock);
	while (listeners->watched && !listeners->ended)
		if (pthread_cond_timedwait(&listeners->changed, &listeners->lock, &until) == ETIMEDOUT)
			break;
	ended = !listeners->watched || listeners->ended;
	pthread_mutex_unlock(&listeners->lock);
	return ended;
}

void lf_watchdog_join(struct lf_listeners *listeners)
{
	if (listeners->watched)
		pthread_join(listeners->watchdog, NULL);
	listeners->watched = false;
}
