#include "service/rpc/nng/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/clock.h"
#include "proto/base/thread.h"

/*
 * Design notes
 *
 * Two guards keep listeners accepting, and a third sees that nng releases connections.
 *
 * 1. Before nng 1.6, EPIPE while it greets a new connection ends the listener's accepting for good: EPIPE becomes
 *    NNG_ECLOSED, which the listener takes for its own end (upstream #1518). Any stranger can cause it: connect and
 *    close on ipc://, connect, FIN, RST on tcp:// before the server gets to it. ECONNRESET has no such effect, so the
 *    sendmsg() that nng calls is this file's: the system call, which reports EPIPE as ECONNRESET. (A symbol of the
 *    program comes before the C library's; weak, so that a test can have its own.)
 *
 *    It also reports a message to a peer that has gone as sent, and shuts the connection down for reading: whatever nng
 *    reads next there is the end. DESIGN.md says why a connection must not end from its sending side. Nothing is lost
 *    by it: a reply that nng has sent was never one that had arrived.
 *
 * 2. The watchdog tries each listener and re-opens one that is dead. A listener whose accepting has ended still takes
 *    connections and greets them: what shows life is that nng hands the new connection over (NNG_PIPE_EV_ADD_PRE). So
 *    a trial connects, greets, and waits for that. It is dead at once where the connection is refused or the path is
 *    gone; else after three trials in a row without life, because re-opening has a price: nng closes the connections
 *    of a listener together with it, and only those that came through other listeners survive. A trial that fails for
 *    a reason of our own (no descriptors left) says nothing: nng itself goes on when descriptors come back.
 *
 * 3. After each trial that shows life nng owes that it releases the trial's connection. Where it releases none at
 *    all for a minute, it is stuck (DESIGN.md), and connections would add up until there are too many: on_stuck
 *    says so, once.
 *
 * Everything here blocks, and runs on the watchdog's thread only.
 */

static bool is_greeting(const struct msghdr *message)
{
	return message->msg_iovlen == 1 && message->msg_iov[0].iov_len <= 8 &&
		(message->msg_iov[0].iov_len < 4 || memcmp(message->msg_iov[0].iov_base, "\0SP", 4) == 0);
}

static ssize_t length_of(const struct msghdr *message)
{
	size_t length = 0;

	for (size_t i = 0; i < message->msg_iovlen; i++)
		length += message->msg_iov[i].iov_len;
	return (ssize_t)length;
}

__attribute__((weak, visibility("default"))) ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	long sent = syscall(SYS_sendmsg, fd, message, flags);

	if (sent >= 0 || (errno != EPIPE && errno != ECONNRESET && errno != ETIMEDOUT))
		return (ssize_t)sent;
	if (!is_greeting(message)) {
		shutdown(fd, SHUT_RD);
		return length_of(message);
	}
	if (errno == EPIPE)
		errno = ECONNRESET;
	return (ssize_t)sent;
}

enum {
	GREETING_MS = 1000,  /* to connect and greet */
	HAND_OVER_MS = 1000, /* nng pauses accepting for 100 ms after some errors; a busy machine takes longer */
	SLICE_MS = 50,       /* how long stopping may wait for a trial */
	STRIKES = 3,         /* with no pause between: a dead listener is back within some three seconds */
	REOPEN_TRIALS = 20,  /* the closed socket lets go of the address a moment later */
	REOPEN_PAUSE_MS = 10,
};

/* What a trial says of a listener. */
enum trial { ALIVE, SILENT, DEAD, UNKNOWN };

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

/*
 * Whether nng hands over another connection of listener than the `seen` first ones, within so long. Stopping does not
 * cut it short: nng leaks a connection that was greeted but not handed over when its listener is closed.
 */
static bool handed_over(struct lf_listeners *listeners, const struct lf_listener *listener, uint64_t seen, unsigned ms)
{
	const struct timespec until = after_ms(ms);
	bool more;

	pthread_mutex_lock(&listeners->lock);
	while (listener->accepted == seen)
		if (pthread_cond_timedwait(&listeners->changed, &listeners->lock, &until) == ETIMEDOUT)
			break;
	more = listener->accepted != seen;
	pthread_mutex_unlock(&listeners->lock);
	return more;
}

/* ---- a trial ---- */

static socklen_t tcp_address(const nng_sockaddr *from, struct sockaddr_storage *to)
{
	memset(to, 0, sizeof(*to));
	if (from->s_family == NNG_AF_INET) {
		struct sockaddr_in *four = (struct sockaddr_in *)to;

		four->sin_family = AF_INET;
		four->sin_port = from->s_in.sa_port;
		four->sin_addr.s_addr = from->s_in.sa_addr != 0 ? from->s_in.sa_addr : htonl(INADDR_LOOPBACK);
		return sizeof(*four);
	}
	if (from->s_family == NNG_AF_INET6) {
		struct sockaddr_in6 *six = (struct sockaddr_in6 *)to;

		six->sin6_family = AF_INET6;
		six->sin6_port = from->s_in6.sa_port;
		memcpy(&six->sin6_addr, from->s_in6.sa_addr, sizeof(six->sin6_addr));
		if (IN6_IS_ADDR_UNSPECIFIED(&six->sin6_addr))
			six->sin6_addr = in6addr_loopback;
		return sizeof(*six);
	}
	return 0;
}

static socklen_t address_of(const struct lf_listener *listener, struct sockaddr_storage *to)
{
	struct sockaddr_un *local = (struct sockaddr_un *)to;

	if (listener->kind != LF_ADDRESS_IPC)
		return tcp_address(&listener->address, to);
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

/* SP's greeting, as a REQ socket says it. */
static enum trial greet(struct lf_listeners *listeners, int fd, uint64_t deadline_ns)
{
	static const uint8_t GREETING[8] = {0, 'S', 'P', 0, 0, 0x30, 0, 0};
	uint8_t answer[8];
	size_t got = 0;

	if (send(fd, GREETING, sizeof(GREETING), MSG_NOSIGNAL) != (ssize_t)sizeof(GREETING))
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

static enum trial try_plain(struct lf_listeners *listeners, const struct lf_listener *listener, uint64_t seen)
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
	if (trial == SILENT && !descriptors_left(fd))
		trial = UNKNOWN;
	close(fd);
	return trial;
}

/* ---- the watchdog ---- */

static void reopen(struct lf_rpc_nng *nng, struct lf_listener *listener)
{
	lf_listener_part(nng, listener);
	lf_listener_close(listener);
	for (unsigned i = 0; i < REOPEN_TRIALS && !stopping(&nng->listeners); i++) {
		if (lf_listener_open(nng, listener, NULL) == LF_OK) {
			atomic_fetch_add(&nng->reopened, 1);
			return;
		}
		pause_ms(&nng->listeners, REOPEN_PAUSE_MS);
	}
	/* Next time again. */
}

static enum trial try_once(struct lf_listeners *listeners, const struct lf_listener *listener)
{
	uint64_t seen;

	pthread_mutex_lock(&listeners->lock);
	seen = listener->accepted;
	pthread_mutex_unlock(&listeners->lock);
	return try_plain(listeners, listener, seen);
}

/*
 * The connection of a trial has ended: from now on nng owes that it releases one, unless it owes that already. gone:
 * how many it had released before the trial.
 */
static void owe(struct lf_rpc_nng *nng, uint64_t gone)
{
	struct lf_listeners *listeners = &nng->listeners;

	if (listeners->owed_ns != 0 && lf_peers_gone(&nng->peers) == listeners->owed_gone)
		return;
	listeners->owed_ns = lf_clock_ns();
	listeners->owed_gone = gone;
}

static void check_stuck(struct lf_rpc_nng *nng)
{
	struct lf_listeners *listeners = &nng->listeners;
	const uint64_t max_ns = (uint64_t)nng->options.stuck_ms * 1000000;

	if (listeners->stuck || listeners->owed_ns == 0 || lf_peers_gone(&nng->peers) != listeners->owed_gone ||
		lf_clock_ns() - listeners->owed_ns < max_ns)
		return;
	listeners->stuck = true;
	if (nng->options.on_stuck != NULL)
		nng->options.on_stuck(nng->options.on_stuck_context);
}

static void look_after(struct lf_rpc_nng *nng, struct lf_listener *listener)
{
	enum trial trial = listener->open ? SILENT : DEAD;
	uint64_t gone = lf_peers_gone(&nng->peers);

	for (unsigned strike = 0; trial == SILENT && strike < STRIKES; strike++)
		trial = try_once(&nng->listeners, listener);
	if (trial == ALIVE)
		owe(nng, gone);
	if ((trial == SILENT || trial == DEAD) && !stopping(&nng->listeners))
		reopen(nng, listener);
}

static void *watchdog(void *argument)
{
	struct lf_rpc_nng *nng = argument;
	struct lf_listeners *listeners = &nng->listeners;

	for (;;) {
		size_t count;

		pause_ms(listeners, nng->options.watchdog_ms);
		pthread_mutex_lock(&listeners->lock);
		count = listeners->count;
		pthread_mutex_unlock(&listeners->lock);
		for (size_t i = 0; i < count && !stopping(listeners); i++)
			look_after(nng, &listeners->items[i]);
		check_stuck(nng);
		if (stopping(listeners))
			break;
	}
	pthread_mutex_lock(&listeners->lock);
	listeners->ended = true;
	pthread_cond_broadcast(&listeners->changed);
	pthread_mutex_unlock(&listeners->lock);
	return NULL;
}

enum lf_code lf_watchdog_start(struct lf_rpc_nng *nng, struct lf_error *error)
{
	if (lf_thread_start(&nng->listeners.watchdog, watchdog, nng) != 0)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no thread for the watchdog");
	nng->listeners.watched = true;
	return LF_OK;
}

void lf_watchdog_halt(struct lf_rpc_nng *nng)
{
	struct lf_listeners *listeners = &nng->listeners;

	pthread_mutex_lock(&listeners->lock);
	listeners->stopping = true;
	pthread_cond_broadcast(&listeners->changed);
	pthread_mutex_unlock(&listeners->lock);
}

bool lf_watchdog_await(struct lf_rpc_nng *nng, unsigned timeout_ms)
{
	struct lf_listeners *listeners = &nng->listeners;
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

void lf_watchdog_join(struct lf_rpc_nng *nng)
{
	if (nng->listeners.watched)
		pthread_join(nng->listeners.watchdog, NULL);
	nng->listeners.watched = false;
}
