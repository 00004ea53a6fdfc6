#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "service/http/internal.h"
#include "service/rpc/address.h"

/*
 * Addresses to listen on, and accepting. Where all connections there may be are there, or an address has its share, the
 * one of them that has been idle the longest makes room: who holds connections and does nothing locks nobody out. Some
 * are kept for local sockets.
 */

enum { BACKLOG = 512, ACCEPTS_A_TURN = 64 };

/* ---- accepting ---- */

static void set_options(int fd, bool is_local)
{
	const int on = 1;

	if (is_local)
		return;
	/* Replies leave at once, and a peer that is cut off is noticed some day. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

static void describe(struct lf_http_peer *peer, int fd, const struct sockaddr_storage *from)
{
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)from;
	const struct sockaddr_in *four = (const struct sockaddr_in *)from;
	struct ucred credentials = {0};
	socklen_t length = sizeof(credentials);
	char text[INET6_ADDRSTRLEN] = "";

	if (from->ss_family == AF_INET) {
		peer->address[10] = peer->address[11] = 0xff;
		memcpy(peer->address + 12, &four->sin_addr, 4);
		inet_ntop(AF_INET, &four->sin_addr, text, sizeof(text));
		snprintf(peer->text, sizeof(peer->text), "%s:%u", text, ntohs(four->sin_port));
		peer->is_loopback = ntohl(four->sin_addr.s_addr) >> 24 == 127;
	} else if (from->ss_family == AF_INET6) {
		const bool mapped = IN6_IS_ADDR_V4MAPPED(&six->sin6_addr);

		memcpy(peer->address, &six->sin6_addr, mapped ? 16 : 8);
		inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof(text));
		snprintf(peer->text, sizeof(peer->text), "[%s]:%u", text, ntohs(six->sin6_port));
		peer->is_loopback = mapped ? peer->address[12] == 127 : IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
	} else {
		peer->is_local = true;
		if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0)
			peer->uid = credentials.uid;
		snprintf(peer->text, sizeof(peer->text), "uid %u", (unsigned)peer->uid);
	}
}

static bool is_same(const struct lf_http_peer *a, const struct lf_http_peer *b)
{
	return a->is_local == b->is_local && memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

/* Of the connections of one address, or of all over TCP (NULL): how many, and the one that is idle the longest. */
static size_t count(struct lf_http *http, const struct lf_http_peer *of, struct lf_http_conn **idlest)
{
	size_t found = 0;

	*idlest = NULL;
	for (struct lf_http_conn *conn = http->conns; conn != NULL; conn = conn->next) {
		if (conn->stage == LF_HTTP_CLOSED || conn->peer.is_local || (of != NULL && !is_same(&conn->peer, of)))
			continue;
		found++;
		if (conn->exchange_count == 0 && (*idlest == NULL || conn->idle_ns < (*idlest)->idle_ns))
			*idlest = conn;
	}
	return found;
}

/* Makes room by closing one that is idle. false: all are busy. */
static bool make_room(struct lf_http *http, struct lf_http_conn *idlest)
{
	if (idlest == NULL)
		return false;
	lf_count(&http->counters.closed_idle);
	lf_http_conn_close(idlest);
	return true;
}

/* Whether one more connection of this peer may be there. */
static bool admits(struct lf_http *http, const struct lf_http_peer *peer)
{
	const struct lf_http_options *options = &http->options;
	struct lf_http_conn *idlest;

	if (peer->is_local)
		return http->conn_count < options->connections_max;
	if (count(http, peer, &idlest) >= options->connections_per_address && !make_room(http, idlest))
		return false;
	if (http->conn_count < options->connections_max &&
		count(http, NULL, &idlest) < options->connections_max - options->connections_kept)
		return true;
	count(http, NULL, &idlest);
	return make_room(http, idlest);
}

static void on_closed(struct lf_http_conn *conn)
{
	struct lf_http *http = conn->http;

	LF_CHECK(X8, http->conn_count != 0);
	http->conn_count--;
	atomic_store_explicit(&http->counters.open, http->conn_count, memory_order_relaxed);
	http->loop.ticking = http->conn_count != 0;
}

static void take_in(struct lf_http *http, int fd, const struct sockaddr_storage *from)
{
	struct lf_http_peer peer = {.is_local = false};
	struct lf_http_conn *conn = NULL;

	describe(&peer, fd, from);
	if (admits(http, &peer))
		conn = lf_http_conn_new(http, fd, &lf_http_plain);
	if (conn == NULL) {
		lf_count(&http->counters.refused);
		close(fd);
		return;
	}
	set_options(fd, peer.is_local);
	conn->peer = peer;
	conn->share = lf_rpc_peer_new(http->server, (const struct sockaddr *)from);
	conn->on_closed = on_closed;
	http->conn_count++;
	http->loop.ticking = true;
	lf_count(&http->counters.accepted);
	if (conn->share == NULL)
		lf_http_conn_close(conn); /* no memory */
	atomic_store_explicit(&http->counters.open, http->conn_count, memory_order_relaxed);
}

/*
 * Without descriptors a socket that listens would be ready for ever: one is given up to accept the connection, and close
 * it.
 */
static void turn_away(struct lf_http *http, int listener)
{
	int fd;

	close(http->spare_fd);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		close(fd);
	http->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	lf_count(&http->counters.refused);
}

static void on_listener(struct lf_watch *watch, uint32_t events)
{
	struct lf_http_listener *listener =
		(struct lf_http_listener *)((char *)watch - offsetof(struct lf_http_listener, watch));
	struct lf_http *http = listener->http;

	(void)events;
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		struct sockaddr_storage from = {.ss_family = AF_UNIX};
		socklen_t length = sizeof(from);
		const int fd = accept4(watch->fd, (struct sockaddr *)&from, &length, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0)
			take_in(http, fd, &from);
		else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			turn_away(http, watch->fd);
		else if (errno != EINTR && errno != ECONNABORTED)
			return;
	}
}

/* ---- addresses ---- */

static enum lf_code failed(struct lf_error *error, const char *text, int reason)
{
	if (reason == EADDRINUSE)
		return lf_error_set(
			error, LF_UNAVAILABLE, "%s: the address is taken: another process listens on it", text);
	return lf_error_set(error, reason == EADDRNOTAVAIL ? LF_INVALID_ARGUMENT : LF_UNAVAILABLE, "%s: %s", text,
		strerror(reason));
}

/* A socket that is bound to this address; -1, and errno. */
static int bind_to(const struct addrinfo *at)
{
	const int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;
	int reason;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (at->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, at->ai_addr, at->ai_addrlen) == 0)
		return fd;
	reason = errno;
	close(fd);
	errno = reason;
	return -1;
}

static int bind_host(const struct lf_address *address, const char *text, struct lf_error *error)
{
	const bool any = address->host[0] == '\0' || strcmp(address->host, "*") == 0;
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	struct addrinfo *found;
	char port[16];
	int fd, reason;

	snprintf(port, sizeof(port), "%u", address->port);
	reason = getaddrinfo(any ? NULL : address->host, port, &hints, &found);
	if (reason != 0) {
		lf_error_set(error, LF_INVALID_ARGUMENT, "%s: %s", text, gai_strerror(reason));
		return -1;
	}
	fd = bind_to(found);
	reason = errno;
	freeaddrinfo(found);
	if (fd < 0)
		failed(error, text, reason);
	return fd;
}

enum lf_code lf_http_try(const char *text, bool has_tokens, struct lf_error *error)
{
	struct lf_address address;
	int fd;

	if (lf_http_address_parse(&address, text, error) != LF_OK ||
		lf_http_address_check(&address, text, has_tokens, error) != LF_OK)
		return error->code;
	if (address.path != NULL)
		return lf_local_try(address.path, text, error);
	fd = bind_host(&address, text, error);
	if (fd < 0)
		return error->code;
	close(fd);
	return LF_OK;
}

static enum lf_code listen_host(
	struct lf_http_listener *listener, const struct lf_address *address, const char *text, struct lf_error *error)
{
	struct sockaddr_storage own = {.ss_family = AF_INET};
	socklen_t length = sizeof(own);
	unsigned port = address->port;

	listener->watch.fd = bind_host(address, text, error);
	if (listener->watch.fd < 0)
		return error->code;
	if (listen(listener->watch.fd, BACKLOG) != 0)
		return failed(error, text, errno);
	if (getsockname(listener->watch.fd, (struct sockaddr *)&own, &length) == 0)
		port = ntohs(own.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&own)->sin6_port
						       : ((struct sockaddr_in *)&own)->sin_port);
	snprintf(listener->bound, sizeof(listener->bound), "%s%s%s%s:%u",
		listener->http->tls_begin != NULL ? "https://" : "http://", address->brackets ? "[" : "", address->host,
		address->brackets ? "]" : "", port);
	return LF_OK;
}

static enum lf_code listen_path(
	struct lf_http_listener *listener, const char *path, const char *text, struct lf_error *error)
{
	static atomic_uint numbers;
	char private_path[LF_LOCAL_PATH_BYTES + 16];
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	if (lf_local_check_free(path, text, error) != LF_OK)
		return error->code;
	lf_local_private_name(path, 5000 + atomic_fetch_add(&numbers, 1) % 5000, private_path, sizeof(private_path));
	snprintf(at.sun_path, sizeof(at.sun_path), "%.*s", (int)sizeof(at.sun_path) - 1, private_path);
	listener->watch.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	unlink(private_path); /* of a process with our id that was killed */
	/* Nobody can connect before it listens; by then only its owner may. */
	if (listener->watch.fd < 0 || bind(listener->watch.fd, (const struct sockaddr *)&at, sizeof(at)) != 0 ||
		chmod(private_path, 0600) != 0 || listen(listener->watch.fd, BACKLOG) != 0) {
		failed(error, text, errno);
		unlink(private_path);
		return error->code;
	}
	if (lf_local_claim(path, private_path, text, &listener->file, error) != LF_OK) {
		unlink(private_path);
		return error->code;
	}
	listener->is_local = true;
	snprintf(listener->path, sizeof(listener->path), "%s", path);
	snprintf(listener->bound, sizeof(listener->bound), "%s", text);
	return LF_OK;
}

enum lf_code lf_http_listen(
	struct lf_http *http, const char *text, char *bound, size_t bound_size, struct lf_error *error)
{
	struct lf_http_listener *listener = &http->listeners[http->listener_count];
	struct lf_address address;
	enum lf_code code;

	if (http->listener_count == LF_HTTP_LISTENERS_MAX)
		return lf_error_set(
			error, LF_RESOURCE_EXHAUSTED, "HTTP is served on at most %d addresses", LF_HTTP_LISTENERS_MAX);
	if (lf_http_address_parse(&address, text, error) != LF_OK ||
		lf_http_address_check(&address, text, lf_rpc_server_options(http->server)->tokens != NULL, error) !=
			LF_OK)
		return error->code;
	*listener = (struct lf_http_listener){.watch = {.fd = -1, .ready = on_listener}, .http = http};
	code = address.path != NULL ? listen_path(listener, address.path, text, error)
				    : listen_host(listener, &address, text, error);
	if (code != LF_OK) {
		if (listener->watch.fd >= 0)
			close(listener->watch.fd);
		return code;
	}
	http->listener_count++;
	if (bound != NULL)
		snprintf(bound, bound_size, "%s", listener->bound);
	return LF_OK;
}

bool lf_http_listeners_start(struct lf_http *http)
{
	for (size_t i = 0; i < http->listener_count; i++)
		if (!lf_loop_watch(&http->loop, &http->listeners[i].watch, EPOLLIN))
			return false;
	return true;
}

void lf_http_listeners_close(struct lf_http *http)
{
	for (size_t i = 0; i < http->listener_count; i++) {
		struct lf_http_listener *listener = &http->listeners[i];

		if (listener->watch.fd < 0)
			continue;
		lf_loop_forget(&http->loop, &listener->watch);
		if (listener->is_local)
			lf_local_unlink(listener->path, &listener->file);
		close(listener->watch.fd);
		listener->watch.fd = -1;
	}
}
