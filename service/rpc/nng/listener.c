#include "service/rpc/nng/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/clock.h"
#include "proto/base/thread.h"

/*
 * Design notes
 *
 * tcp:// is nng's, on the URL as given; a re-opened one gets the port that was bound at first.
 *
 * ipc:// is bound by nng under a private name beside the path (PATH.PID.N), made 0600 by nng before it listens, and
 * then renamed onto the path. So the path never leads to a socket with a wider mode, whatever the umask; taking over
 * a dead server's file is one rename; and nng, which unlinks the name that it bound whenever it closes, never unlinks
 * another server's socket. A live server is never replaced: who claims the path holds a lock on its directory while
 * it looks whether somebody answers there. At close, the path is unlinked only while it is still our file.
 *
 * The receive limit is a message's and a little: up to there a request is read and refused with its right status; a
 * larger one ends its connection as soon as its length is seen, before nng allocates it.
 *
 * DESIGN.md says why connections are ended from their reading side before a listener is closed.
 */

/* ---- nng ---- */

static enum lf_code nng_failed(struct lf_error *error, const char *url, int rc)
{
	switch (rc) {
	case NNG_EADDRINUSE:
		return lf_error_set(
			error, LF_UNAVAILABLE, "%s: the address is taken: another process listens on it", url);
	case NNG_EADDRINVAL:
	case NNG_EINVAL:
		return lf_error_set(error, LF_INVALID_ARGUMENT, "%s: %s", url, nng_strerror(rc));
	case NNG_ENOTSUP:
		return lf_error_set(error, LF_INVALID_ARGUMENT, "%s: this build of nng can't do that", url);
	default:
		return lf_error_set(error, LF_UNAVAILABLE, "%s: %s", url, nng_strerror(rc));
	}
}

static int set_options(const struct lf_listeners *listeners, const struct lf_listener *listener, nng_listener id)
{
	int rc = nng_listener_set_size(id, NNG_OPT_RECVMAXSZ, listeners->receive_max);

	if (rc == 0 && listener->kind == LF_ADDRESS_IPC)
		rc = nng_listener_set_int(id, NNG_OPT_IPC_PERMISSIONS, 0600);
	/*
	 * Replies leave at once (nng 1.5.2 leaves Nagle's algorithm on), and a peer that is cut off is noticed some
	 * day.
	 */
	if (rc == 0 && listener->kind == LF_ADDRESS_TCP)
		rc = nng_listener_set_bool(id, NNG_OPT_TCP_NODELAY, true);
	if (rc == 0 && listener->kind == LF_ADDRESS_TCP)
		rc = nng_listener_set_bool(id, NNG_OPT_TCP_KEEPALIVE, true);
	return rc;
}

/* Creates and starts nng's listener on nng_url. The id is known to lf_listeners_note() before anything can connect. */
static int nng_open(struct lf_listeners *listeners, struct lf_listener *listener, const char *nng_url)
{
	nng_listener id;
	int rc = nng_listener_create(&id, listeners->socket, nng_url);

	if (rc != 0)
		return rc;
	rc = set_options(listeners, listener, id);
	pthread_mutex_lock(&listeners->lock);
	listener->listener = id;
	pthread_mutex_unlock(&listeners->lock);
	lf_door_enter(listeners->door, listener);
	if (rc == 0)
		rc = nng_listener_start(id, 0);
	lf_door_leave();
	if (rc != 0)
		nng_listener_close(id);
	return rc;
}

/* ---- opening a local socket ---- */

/* The name under which nng has bound it at the moment. */
static void private_name(const struct lf_listener *listener, char *out, size_t size)
{
	lf_local_private_name(listener->path, listener->generation, out, size);
}

static enum lf_code open_ipc(struct lf_listeners *listeners, struct lf_listener *listener, struct lf_error *error)
{
	char private_path[sizeof(listener->path) + 16], url[sizeof(private_path) + 8];
	enum lf_code code = lf_local_check_free(listener->path, listener->url, error);
	int rc;

	if (code != LF_OK)
		return code;
	listener->generation++;
	private_name(listener, private_path, sizeof(private_path));
	snprintf(url, sizeof(url), "ipc://%s", private_path);
	rc = nng_open(listeners, listener, url);
	if (rc != 0)
		return nng_failed(error, listener->url, rc);
	code = lf_local_claim(listener->path, private_path, listener->url, &listener->file, error);
	if (code != LF_OK)
		nng_listener_close(listener->listener);
	return code;
}

/* ---- whether an address can be listened on ---- */

/* Binds a socket as nng does, and closes it again. 0 or an errno. */
static int try_bind(const struct addrinfo *at)
{
	const int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	int failed;

	if (fd < 0)
		return errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (at->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	failed = bind(fd, at->ai_addr, at->ai_addrlen) == 0 ? 0 : errno;
	close(fd);
	return failed;
}

static enum lf_code try_port(const struct lf_address *address, const char *url, struct lf_error *error)
{
	const bool any = address->host[0] == '\0' || strcmp(address->host, "*") == 0;
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	struct addrinfo *found;
	char port[16];
	int failed;

	snprintf(port, sizeof(port), "%u", address->port);
	failed = getaddrinfo(any ? NULL : address->host, port, &hints, &found);
	if (failed != 0)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "%s: %s", url, gai_strerror(failed));
	failed = try_bind(found);
	freeaddrinfo(found);
	if (failed == 0)
		return LF_OK;
	if (failed == EADDRINUSE)
		return nng_failed(error, url, NNG_EADDRINUSE);
	return lf_error_set(
		error, failed == EADDRNOTAVAIL ? LF_INVALID_ARGUMENT : LF_UNAVAILABLE, "%s: %s", url, strerror(failed));
}

enum lf_code lf_rpc_nng_try(const char *url, bool has_tokens, struct lf_error *error)
{
	struct lf_address address;

	if (lf_address_parse(&address, url, error) != LF_OK ||
		lf_address_check(&address, url, has_tokens, error) != LF_OK)
		return error->code;
	return address.path != NULL ? lf_local_try(address.path, url, error) : try_port(&address, url, error);
}

/* ---- opening and closing ---- */

socklen_t lf_listener_address(const nng_sockaddr *from, struct sockaddr_storage *to)
{
	memset(to, 0, sizeof(*to));
	if (from->s_family == NNG_AF_INET) {
		struct sockaddr_in *four = (struct sockaddr_in *)to;

		four->sin_family = AF_INET;
		four->sin_port = from->s_in.sa_port;
		four->sin_addr.s_addr = from->s_in.sa_addr;
		return sizeof(*four);
	}
	if (from->s_family == NNG_AF_INET6) {
		struct sockaddr_in6 *six = (struct sockaddr_in6 *)to;

		six->sin6_family = AF_INET6;
		six->sin6_port = from->s_in6.sa_port;
		memcpy(&six->sin6_addr, from->s_in6.sa_addr, sizeof(six->sin6_addr));
		return sizeof(*six);
	}
	return 0;
}

static enum lf_code open_tcp(struct lf_listeners *listeners, struct lf_listener *listener, struct lf_error *error)
{
	int rc = nng_open(listeners, listener, listener->url);

	if (rc != 0)
		return nng_failed(error, listener->url, rc);
	memset(&listener->address, 0, sizeof(listener->address));
	if (nng_listener_get_addr(listener->listener, NNG_OPT_LOCADDR, &listener->address) != 0)
		listener->address.s_family = NNG_AF_UNSPEC;
	return LF_OK;
}

enum lf_code lf_listener_open(struct lf_listeners *listeners, struct lf_listener *listener, struct lf_error *error)
{
	enum lf_code code = listener->kind == LF_ADDRESS_IPC ? open_ipc(listeners, listener, error)
							     : open_tcp(listeners, listener, error);

	listener->open = code == LF_OK;
	return code;
}

/* ---- ending connections ---- */

void lf_listeners_part(struct lf_listeners *listeners, const struct lf_listener *only)
{
	const struct timespec moment = {.tv_nsec = 2 * 1000000};
	const uint64_t until_ns = lf_clock_ns() + (uint64_t)LF_NNG_PART_MS * 1000000;

	while (lf_door_end(listeners->door, only) != 0 && lf_clock_ns() < until_ns)
		nanosleep(&moment, NULL);
}

void lf_listener_close(struct lf_listener *listener)
{
	if (!listener->open)
		return;
	listener->open = false;
	if (listener->kind == LF_ADDRESS_IPC)
		lf_local_unlink(listener->path, &listener->file);
	nng_listener_close(listener->listener);
}

static void name_port(struct lf_listener *listener, const struct lf_address *address)
{
	int port = (int)address->port;

	nng_listener_get_int(listener->listener, NNG_OPT_TCP_BOUND_PORT, &port);
	snprintf(listener->url, sizeof(listener->url), "%s%s%s%s:%d", address->scheme, address->brackets ? "[" : "",
		address->host, address->brackets ? "]" : "", port);
}

enum lf_code lf_listeners_listen(struct lf_listeners *listeners, const char *url, bool has_tokens, char *bound,
	size_t bound_size, struct lf_error *error)
{
	struct lf_listener *listener;
	struct lf_address address;
	enum lf_code code;

	if (listeners->count == LF_NNG_LISTENERS_MAX)
		return lf_error_set(
			error, LF_RESOURCE_EXHAUSTED, "a server listens on at most %d addresses", LF_NNG_LISTENERS_MAX);
	listener = &listeners->items[listeners->count];
	code = lf_address_parse(&address, url, error);
	if (code == LF_OK)
		code = lf_address_check(&address, url, has_tokens, error);
	if (code != LF_OK)
		return code;
	memset(listener, 0, sizeof(*listener));
	listener->kind = address.kind;
	snprintf(listener->url, sizeof(listener->url), "%s", url);
	if (address.path != NULL)
		snprintf(listener->path, sizeof(listener->path), "%s", address.path);
	code = lf_listener_open(listeners, listener, error);
	if (code != LF_OK)
		return code;
	if (address.path == NULL)
		name_port(listener, &address);
	if (bound != NULL)
		snprintf(bound, bound_size, "%s", listener->url);
	pthread_mutex_lock(&listeners->lock);
	listeners->count++; /* from here the watchdog sees it */
	pthread_mutex_unlock(&listeners->lock);
	return LF_OK;
}

void lf_listeners_close(struct lf_listeners *listeners)
{
	for (size_t i = 0; i < listeners->count; i++)
		lf_listener_close(&listeners->items[i]);
}

void lf_listeners_note(struct lf_listeners *listeners, nng_pipe pipe)
{
	nng_listener id = nng_pipe_listener(pipe);

	pthread_mutex_lock(&listeners->lock);
	for (size_t i = 0; i < listeners->count; i++)
		if (nng_listener_id(listeners->items[i].listener) == nng_listener_id(id))
			listeners->items[i].accepted++;
	pthread_cond_broadcast(&listeners->changed);
	pthread_mutex_unlock(&listeners->lock);
}

void lf_listeners_note_gone(struct lf_listeners *listeners)
{
	pthread_mutex_lock(&listeners->lock);
	listeners->gone++;
	pthread_mutex_unlock(&listeners->lock);
}

/* What was not said is the default. */
static void fill_in(struct lf_rpc_nng_options *options)
{
	if (options->watchdog_ms == 0)
		options->watchdog_ms = LF_NNG_WATCHDOG_MS;
	if (options->connections_max == 0)
		options->connections_max = LF_TCP_CONNECTIONS;
	if (options->address_connections_max == 0)
		options->address_connections_max = LF_ADDRESS_CONNECTIONS;
	if (options->local_connections_max == 0)
		options->local_connections_max = LF_CONNECTIONS_MAX;
	if (options->unread_ms == 0)
		options->unread_ms = LF_NNG_UNREAD_MS;
	if (options->unsent_ms == 0)
		options->unsent_ms = LF_NNG_UNSENT_MS;
	if (options->stuck_ms == 0)
		options->stuck_ms = LF_NNG_STUCK_MS;
}

enum lf_code lf_listeners_init(struct lf_listeners *listeners, const struct lf_rpc_nng_options *options)
{
	if (options != NULL)
		listeners->options = *options;
	fill_in(&listeners->options);
	listeners->door = lf_door_new(&(struct lf_door_limits){.remote_max = listeners->options.connections_max,
		.address_max = listeners->options.address_connections_max,
		.local_max = listeners->options.local_connections_max});
	if (listeners->door == NULL)
		return LF_RESOURCE_EXHAUSTED;
	if (pthread_mutex_init(&listeners->lock, NULL) != 0)
		goto undo_door;
	if (lf_cond_init(&listeners->changed) != 0)
		goto undo_lock;
	return LF_OK;

undo_lock:
	pthread_mutex_destroy(&listeners->lock);
undo_door:
	lf_door_free(listeners->door);
	return LF_RESOURCE_EXHAUSTED;
}

void lf_listeners_clean_up(struct lf_listeners *listeners)
{
	pthread_cond_destroy(&listeners->changed);
	pthread_mutex_destroy(&listeners->lock);
	lf_door_free(listeners->door);
}
