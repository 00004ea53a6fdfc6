#include "service/rpc/nng/guard.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "proto/base/clock.h"

/*
 * Design notes
 *
 * nng calls these functions of the C library, and a symbol of the program comes before the library's. (Weak, so that a
 * test can have its own.)
 *
 * listen(), accept(): a listening descriptor of nng's is known from the moment it listens, and so is each connection from
 * it. One too many is closed before nng has heard of it, so that none needs to be closed later, and one that never says
 * its greeting counts, too.
 *
 * sendmsg(): a connection must not end from its sending side (DESIGN.md). So a message to a peer that has gone is reported
 * as sent, and the connection is shut down for reading: whatever nng reads next there is the end. Nothing is lost by it: a
 * reply that nng has sent was never one that had arrived. And EPIPE while nng greets a new connection, which ends the
 * accepting of nng before 1.6 for good (upstream #1518), becomes ECONNRESET, which does not.
 *
 * readv(): the end of a stream is told only when nothing is half sent. Until then the rest is reported as sent, for nng
 * can get stuck on a half-sent message as on a half-read one. A connection that is to end (doomed) reads as ended,
 * whatever its peer goes on sending.
 *
 * epoll_wait(): where the kernel reports an error of a connection, as when its peer has reset it, nng would fail what is
 * being read and what is being sent at once, and so close it from its sending side, too. It is told that there is
 * something to read and to write instead, and finds out by the functions above.
 *
 * nng holds a lock of the connection around sendmsg() and readv(), so that what a slot says of the bytes under way is
 * changed by one thread at a time; others read the atomics. A descriptor may have been closed and given to somebody else
 * since: so before anything unusual is done, the socket's inode is compared.
 */

#define LF_OURS __attribute__((weak, visibility("default")))

enum {
	DESCRIPTORS_MAX = 64 * 1024, /* connections with a higher descriptor are closed */
	REFUSALS_MAX = 16,           /* in one go; then nng has others to serve */
	HEADER_BYTES_MAX = 9,        /* what nng asks for where a message begins */
};

enum kind {
	UNKNOWN = 0, /* perhaps one that nng has dialled */
	FOREIGN,     /* accepted, not for nng */
	LISTENING,
	CONNECTION,
};

struct slot {
	_Atomic(enum kind) kind;
	_Atomic(struct lf_door *) door; /* of LISTENING and CONNECTION */
	const void *listener;
	_Atomic(ino_t) inode;
	uint8_t address[16];
	bool remote, alive;         /* alive: as last counted */
	atomic_bool doomed;         /* reads as ended, writes as written */
	bool half_sent;             /* nng has more of a message to send; under nng's lock, as the next two */
	size_t sent, read;          /* since the times below */
	_Atomic uint64_t unread_ns; /* since when the peer has taken less than it should; 0 = it does not lag */
	_Atomic uint64_t unsent_ns; /* likewise, has sent */
};

struct listener {
	const void *listener;
	uint64_t refused;
};

struct lf_door {
	pthread_mutex_t lock; /* of all below, and of what a slot says that does not change */
	struct lf_door_limits limits;
	struct lf_door_counters counters;
	struct listener listeners[16];
	size_t count, remote; /* of the descriptors below, and those of them that are remote */
	size_t room;
	struct pollfd *polled; /* as many */
	int descriptors[];
};

/*
 * What the wrappers below stand before. The thread sanitizer learns from its own of these what happens before what, so they
 * must be called there.
 */
#ifdef __SANITIZE_THREAD__
int __interceptor_listen(int fd, int backlog);
int __interceptor_accept4(int fd, void *address, socklen_t *length, int flags);
ssize_t __interceptor_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __interceptor_readv(int fd, const struct iovec *parts, int count);
int __interceptor_epoll_wait(int fd, struct epoll_event *events, int max, int timeout_ms);
/* That a descriptor may be closed, and be another's, meanwhile, is what is_same() is there for. */
#define look_at(fd, status) (int)syscall(SYS_fstat, fd, status)
#define copy_of(fd) (int)syscall(SYS_dup, fd)
#define real_listen __interceptor_listen
#define real_accept4 __interceptor_accept4
#define real_sendmsg __interceptor_sendmsg
#define real_readv __interceptor_readv
#define real_epoll_wait __interceptor_epoll_wait
#else
#define look_at(fd, status) fstat(fd, status)
#define copy_of(fd) dup(fd)
#define real_listen(fd, backlog) (int)syscall(SYS_listen, fd, backlog)
#define real_accept4(fd, address, length, flags) (int)syscall(SYS_accept4, fd, address, length, flags)
#define real_sendmsg(fd, message, flags) (ssize_t) syscall(SYS_sendmsg, fd, message, flags)
#define real_readv(fd, parts, count) (ssize_t) syscall(SYS_readv, fd, parts, count)
#define real_epoll_wait(fd, events, max, timeout_ms)                                                                   \
	(int)syscall(SYS_epoll_pwait, fd, events, max, timeout_ms, NULL, (size_t)8)
#endif

static struct slot slots[DESCRIPTORS_MAX];
static _Thread_local struct lf_door *entered;
static _Thread_local const void *entered_as;

static struct slot *slot_of(int fd)
{
	return fd >= 0 && fd < DESCRIPTORS_MAX ? &slots[fd] : NULL;
}

static bool is_connection(const struct slot *slot)
{
	return slot != NULL && atomic_load_explicit(&slot->kind, memory_order_acquire) == CONNECTION;
}

/* Whether it is the same socket as when it was accepted. */
static bool is_same(int fd, const struct slot *slot)
{
	struct stat status;

	return look_at(fd, &status) == 0 && S_ISSOCK(status.st_mode) && status.st_ino == slot->inode;
}

/* ---- doors ---- */

struct lf_door *lf_door_new(const struct lf_door_limits *limits)
{
	const size_t room = 2 * (limits->remote_max + limits->local_max);
	struct lf_door *door = calloc(1, sizeof(*door) + room * sizeof(door->descriptors[0]));

	if (door == NULL)
		return NULL;
	door->polled = calloc(room, sizeof(*door->polled));
	if (door->polled == NULL || pthread_mutex_init(&door->lock, NULL) != 0) {
		free(door->polled);
		free(door);
		return NULL;
	}
	door->limits = *limits;
	door->room = room;
	return door;
}

size_t lf_door_max(const struct lf_door *door)
{
	return door->room;
}

void lf_door_free(struct lf_door *door)
{
	if (door == NULL)
		return;
	for (int fd = 0; fd < DESCRIPTORS_MAX; fd++)
		if (atomic_load_explicit(&slots[fd].door, memory_order_relaxed) == door) {
			atomic_store(&slots[fd].kind, UNKNOWN);
			atomic_store(&slots[fd].door, NULL);
		}
	pthread_mutex_destroy(&door->lock);
	free(door->polled);
	free(door);
}

void lf_door_enter(struct lf_door *door, const void *listener)
{
	entered = door;
	entered_as = listener;
}

void lf_door_leave(void)
{
	entered = NULL;
}

/* ---- who is let in; under the door's lock ---- */

/* Counts those whose peers have not gone. nng takes its time to release the others. */
static void count_alive(struct lf_door *door)
{
	for (size_t i = 0; i < door->count; i++)
		door->polled[i] = (struct pollfd){.fd = door->descriptors[i]};
	poll(door->polled, door->count, 0);
	door->counters.remote = door->counters.local = 0;
	for (size_t i = 0; i < door->count; i++) {
		struct slot *slot = &slots[door->descriptors[i]];

		slot->alive = (door->polled[i].revents & (POLLHUP | POLLERR)) == 0;
		door->counters.remote += slot->alive && slot->remote;
		door->counters.local += slot->alive && !slot->remote;
	}
}

/* Forgets connections that nng has closed since. */
static void count_again(struct lf_door *door)
{
	size_t kept = 0;

	door->remote = 0;
	for (size_t i = 0; i < door->count; i++) {
		const int fd = door->descriptors[i];
		const struct slot *slot = &slots[fd];

		if (!is_connection(slot) || atomic_load(&slot->door) != door || !is_same(fd, slot))
			continue;
		door->descriptors[kept++] = fd;
		door->remote += slot->remote;
	}
	door->count = kept;
	count_alive(door);
}

static bool has_room(const struct lf_door *door, const struct slot *newcomer)
{
	size_t same = 0;

	if (!newcomer->remote)
		return door->counters.local < door->limits.local_max &&
			door->count - door->remote < 2 * door->limits.local_max;
	if (door->counters.remote >= door->limits.remote_max || door->remote >= 2 * door->limits.remote_max)
		return false;
	for (size_t i = 0; i < door->count; i++) {
		const struct slot *slot = &slots[door->descriptors[i]];

		same += slot->alive && slot->remote && memcmp(slot->address, newcomer->address, 16) == 0;
	}
	return same < door->limits.address_max;
}

static void set_address(struct slot *slot, const struct sockaddr_storage *remote)
{
	memset(slot->address, 0, sizeof(slot->address));
	slot->remote = remote->ss_family != AF_UNIX;
	if (remote->ss_family == AF_INET)
		memcpy(slot->address + 12, &((const struct sockaddr_in *)remote)->sin_addr, 4);
	else if (remote->ss_family == AF_INET6) {
		const struct in6_addr *six = &((const struct sockaddr_in6 *)remote)->sin6_addr;

		/* IPv4 within IPv6 is IPv4; else one household, or one machine, has the lower half. */
		memcpy(slot->address, six, 16);
		if (IN6_IS_ADDR_V4MAPPED(six))
			memset(slot->address, 0, 12);
		else
			memset(slot->address + 8, 0, 8);
	}
}

/* The slot's former entry in the list, if it has one, is that of a descriptor that was closed. */
static void enlist(struct lf_door *door, int fd)
{
	size_t i = 0;

	while (i < door->count && door->descriptors[i] != fd)
		i++;
	if (i == door->count)
		door->descriptors[door->count++] = fd;
	door->remote += slots[fd].remote;
}

static void refuse(struct lf_door *door, const void *listener)
{
	door->counters.refused++;
	for (size_t i = 0; i < sizeof(door->listeners) / sizeof(door->listeners[0]); i++)
		if (door->listeners[i].listener == listener)
			door->listeners[i].refused++;
}

static bool let_in(struct lf_door *door, const void *listener, int fd, const struct sockaddr_storage *remote)
{
	struct slot *slot = slot_of(fd), newcomer = {.kind = UNKNOWN};
	struct stat status;
	bool fits;

	set_address(&newcomer, remote);
	pthread_mutex_lock(&door->lock);
	fits = slot != NULL && fstat(fd, &status) == 0;
	if (fits) {
		/* A descriptor that was closed and came back must not be taken for its former self. */
		atomic_store(&slot->kind, UNKNOWN);
		if (!has_room(door, &newcomer)) {
			count_again(door);
			fits = has_room(door, &newcomer);
		}
	}
	if (fits) {
		memcpy(slot->address, newcomer.address, sizeof(slot->address));
		slot->remote = newcomer.remote;
		slot->alive = true;
		slot->listener = listener;
		slot->inode = status.st_ino;
		slot->half_sent = false;
		slot->sent = slot->read = 0;
		atomic_store(&slot->doomed, false);
		atomic_store(&slot->unread_ns, 0);
		atomic_store(&slot->unsent_ns, 0);
		atomic_store(&slot->door, door);
		atomic_store_explicit(&slot->kind, CONNECTION, memory_order_release);
		enlist(door, fd);
		door->counters.remote += newcomer.remote;
		door->counters.local += !newcomer.remote;
	} else
		refuse(door, listener);
	pthread_mutex_unlock(&door->lock);
	return fits;
}

/* ---- what the program calls instead of the C library's ---- */

LF_OURS int listen(int fd, int backlog)
{
	struct slot *slot = slot_of(fd);
	struct lf_door *door = entered;

	if (slot != NULL && door != NULL) {
		pthread_mutex_lock(&door->lock);
		for (size_t i = 0; i < sizeof(door->listeners) / sizeof(door->listeners[0]); i++)
			if (door->listeners[i].listener == NULL || door->listeners[i].listener == entered_as) {
				door->listeners[i].listener = entered_as;
				break;
			}
		slot->listener = entered_as;
		pthread_mutex_unlock(&door->lock);
		atomic_store(&slot->door, door);
	}
	if (slot != NULL)
		atomic_store_explicit(&slot->kind, door != NULL ? LISTENING : FOREIGN, memory_order_release);
	return real_listen(fd, backlog);
}

static int let_next_in(int fd, struct slot *slot, int flags)
{
	for (unsigned refusals = 0; refusals < REFUSALS_MAX; refusals++) {
		struct sockaddr_storage remote = {.ss_family = AF_UNIX};
		socklen_t length = sizeof(remote);
		int got = real_accept4(fd, &remote, &length, flags | SOCK_CLOEXEC);

		if (got < 0 || let_in(atomic_load(&slot->door), slot->listener, got, &remote))
			return got;
		close(got);
	}
	errno = EAGAIN; /* nng comes back when it is told that there are more */
	return -1;
}

LF_OURS int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
	struct slot *slot = slot_of(fd), *got_slot;
	int got;

	if (slot != NULL && atomic_load_explicit(&slot->kind, memory_order_acquire) == LISTENING)
		return let_next_in(fd, slot, flags);
	got = real_accept4(fd, address, length, flags);
	got_slot = slot_of(got);
	if (got_slot != NULL)
		atomic_store(&got_slot->kind, FOREIGN);
	return got;
}

LF_OURS int accept(int fd, struct sockaddr *address, socklen_t *length)
{
	return accept4(fd, address, length, 0);
}

/* ---- bytes ---- */

/* Bytes have moved, or not, in the middle of a message. */
static void lags(_Atomic uint64_t *since_ns, size_t *moved, size_t more)
{
	*moved += more;
	if (atomic_load_explicit(since_ns, memory_order_relaxed) == 0 || *moved >= LF_GUARD_PROGRESS_BYTES) {
		*moved = 0;
		atomic_store_explicit(since_ns, lf_clock_ns(), memory_order_relaxed);
	}
}

static void lags_no_more(_Atomic uint64_t *since_ns)
{
	if (atomic_load_explicit(since_ns, memory_order_relaxed) != 0)
		atomic_store_explicit(since_ns, 0, memory_order_relaxed);
}

static size_t length_of(const struct iovec *parts, size_t count)
{
	size_t length = 0;

	for (size_t i = 0; i < count; i++)
		length += parts[i].iov_len;
	return length;
}

static bool is_greeting(const struct msghdr *message)
{
	return message->msg_iovlen == 1 && message->msg_iov[0].iov_len <= 8 &&
		(message->msg_iov[0].iov_len < 4 || memcmp(message->msg_iov[0].iov_base, "\0SP", 4) == 0);
}

/* What nng is told where the peer has gone. What of its requests is not read yet is not read any more. */
static ssize_t sent_to_nobody(int fd, struct slot *connection, const struct msghdr *message)
{
	if (is_greeting(message)) {
		if (errno == EPIPE)
			errno = ECONNRESET;
		return -1;
	}
	if (connection != NULL) {
		connection->half_sent = false;
		atomic_store(&connection->doomed, true);
	}
	shutdown(fd, SHUT_RD);
	return (ssize_t)length_of(message->msg_iov, message->msg_iovlen);
}

LF_OURS ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	struct slot *slot = slot_of(fd);
	const bool known = is_connection(slot);
	ssize_t sent;

	if (known && atomic_load_explicit(&slot->doomed, memory_order_relaxed) && is_same(fd, slot)) {
		slot->half_sent = false;
		return (ssize_t)length_of(message->msg_iov, message->msg_iovlen);
	}
	sent = real_sendmsg(fd, message, flags);
	if (slot == NULL || atomic_load_explicit(&slot->kind, memory_order_relaxed) == FOREIGN)
		return sent;
	if (sent < 0 && (errno == EPIPE || errno == ECONNRESET || errno == ETIMEDOUT))
		return sent_to_nobody(fd, known && is_same(fd, slot) ? slot : NULL, message);
	if (!known || (sent < 0 && errno != EAGAIN))
		return sent;
	slot->half_sent = sent < 0 || (size_t)sent < length_of(message->msg_iov, message->msg_iovlen);
	if (slot->half_sent)
		lags(&slot->unread_ns, &slot->sent, sent < 0 ? 0 : (size_t)sent);
	else
		lags_no_more(&slot->unread_ns);
	return sent;
}

/* Tells the end of the stream, as soon as nothing is half sent. */
static ssize_t at_end(int fd, struct slot *slot, ssize_t said)
{
	if (!slot->half_sent || !is_same(fd, slot))
		return said;
	atomic_store(&slot->doomed, true);
	shutdown(fd, SHUT_WR); /* so that nng is told to go on sending */
	errno = EAGAIN;
	return -1;
}

LF_OURS ssize_t readv(int fd, const struct iovec *parts, int count)
{
	struct slot *slot = slot_of(fd);
	const size_t wanted = length_of(parts, count > 0 ? (size_t)count : 0);
	ssize_t got;

	if (!is_connection(slot))
		return real_readv(fd, parts, count);
	if (atomic_load_explicit(&slot->doomed, memory_order_relaxed) && is_same(fd, slot))
		return at_end(fd, slot, 0);
	got = real_readv(fd, parts, count);
	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
		return at_end(fd, slot, got);
	if (got >= 0 && (size_t)got == wanted)
		lags_no_more(&slot->unsent_ns);
	else if (got > 0 || wanted > HEADER_BYTES_MAX)
		lags(&slot->unsent_ns, &slot->read, got > 0 ? (size_t)got : 0);
	return got;
}

/* ---- errors ---- */

/* nng names its threads before they run. */
static bool is_nngs_poller(void)
{
	static _Thread_local enum { UNASKED, YES, NO } is;
	char name[16] = "";

	if (is == UNASKED)
		is = pthread_getname_np(pthread_self(), name, sizeof(name)) == 0 && strncmp(name, "nng:poll", 8) == 0
			? YES
			: NO;
	return is == YES;
}

LF_OURS int epoll_wait(int fd, struct epoll_event *events, int max, int timeout_ms)
{
	const int count = real_epoll_wait(fd, events, max, timeout_ms);

	if (count > 0 && is_nngs_poller())
		for (int i = 0; i < count; i++)
			if ((events[i].events & (uint32_t)EPOLLERR) != 0)
				events[i].events = (uint32_t)EPOLLIN | (uint32_t)EPOLLOUT;
	return count;
}

/* ---- ending connections ---- */

/* Under the door's lock, so that nobody is let in meanwhile; a descriptor of its own, so that none is mixed up. */
static bool doom(int fd, struct slot *slot)
{
	const int own = copy_of(fd);
	const bool same = own >= 0 && is_same(own, slot);

	if (same) {
		atomic_store(&slot->doomed, true);
		shutdown(own, SHUT_RD);
	}
	if (own >= 0)
		close(own);
	return same;
}

size_t lf_door_end(struct lf_door *door, const void *listener)
{
	size_t there = 0;

	pthread_mutex_lock(&door->lock);
	count_again(door);
	for (size_t i = 0; i < door->count; i++) {
		struct slot *slot = &slots[door->descriptors[i]];

		if (listener == NULL || slot->listener == listener)
			there += doom(door->descriptors[i], slot);
	}
	pthread_mutex_unlock(&door->lock);
	return there;
}

static bool for_longer(const _Atomic uint64_t *since_ns, uint64_t now_ns, uint64_t max_ns)
{
	const uint64_t since = atomic_load_explicit(since_ns, memory_order_relaxed);

	return since != 0 && now_ns > since && now_ns - since > max_ns;
}

void lf_door_end_stalled(struct lf_door *door, uint64_t unread_ns, uint64_t unsent_ns)
{
	const uint64_t now_ns = lf_clock_ns();

	pthread_mutex_lock(&door->lock);
	for (size_t i = 0; i < door->count; i++) {
		struct slot *slot = &slots[door->descriptors[i]];
		const bool unread = for_longer(&slot->unread_ns, now_ns, unread_ns);

		if (!is_connection(slot) || atomic_load(&slot->door) != door || atomic_load(&slot->doomed) ||
			(!unread && !for_longer(&slot->unsent_ns, now_ns, unsent_ns)) ||
			!doom(door->descriptors[i], slot))
			continue;
		door->counters.ended_unread += unread;
		door->counters.ended_unsent += !unread;
	}
	pthread_mutex_unlock(&door->lock);
}

void lf_door_counters(struct lf_door *door, struct lf_door_counters *counters)
{
	pthread_mutex_lock(&door->lock);
	count_again(door);
	*counters = door->counters;
	pthread_mutex_unlock(&door->lock);
}

uint64_t lf_door_refused(struct lf_door *door, const void *listener)
{
	uint64_t refused = 0;

	pthread_mutex_lock(&door->lock);
	for (size_t i = 0; i < sizeof(door->listeners) / sizeof(door->listeners[0]); i++)
		if (door->listeners[i].listener == listener)
			refused = door->listeners[i].refused;
	pthread_mutex_unlock(&door->lock);
	return refused;
}
