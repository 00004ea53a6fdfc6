#include "service/rpc/nng/internal.h"

#include <arpa/inet.h>
#include <dirent.h>
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
 * The receive limit is twice the limit of a message: up to there a request is read and refused with its right status; a
 * larger one ends its connection as soon as its length is seen.
 *
 * DESIGN.md says why connections are ended from their reading side before a listener is closed. nng does not report a
 * connection's descriptor; it is found among the process's own by the address that it shares with its listener.
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

static int set_options(const struct lf_rpc_nng *nng, const struct lf_listener *listener, nng_listener id)
{
	int rc =
		nng_listener_set_size(id, NNG_OPT_RECVMAXSZ, 2 * lf_rpc_server_options(nng->server)->message_bytes_max);

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
static int nng_open(struct lf_rpc_nng *nng, struct lf_listener *listener, const char *nng_url)
{
	nng_listener id;
	int rc = nng_listener_create(&id, nng->socket, nng_url);

	if (rc != 0)
		return rc;
	rc = set_options(nng, listener, id);
	pthread_mutex_lock(&nng->listeners.lock);
	listener->listener = id;
	pthread_mutex_unlock(&nng->listeners.lock);
	if (rc == 0)
		rc = nng_listener_start(id, 0);
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

static enum lf_code open_ipc(struct lf_rpc_nng *nng, struct lf_listener *listener, struct lf_error *error)
{
	char private_path[sizeof(listener->path) + 16], url[sizeof(private_path) + 8];
	enum lf_code code = lf_local_check_free(listener->path, listener->url, error);
	int rc;

	if (code != LF_OK)
		return code;
	listener->generation++;
	private_name(listener, private_path, sizeof(private_path));
	snprintf(url, sizeof(url), "ipc://%s", private_path);
	rc = nng_open(nng, listener, url);
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

static enum lf_code open_tcp(struct lf_rpc_nng *nng, struct lf_listener *listener, struct lf_error *error)
{
	int rc = nng_open(nng, listener, listener->url);

	if (rc != 0)
		return nng_failed(error, listener->url, rc);
	memset(&listener->address, 0, sizeof(listener->address));
	if (nng_listener_get_addr(listener->listener, NNG_OPT_LOCADDR, &listener->address) != 0)
		listener->address.s_family = NNG_AF_UNSPEC;
	return LF_OK;
}

enum lf_code lf_listener_open(struct lf_rpc_nng *nng, struct lf_listener *listener, struct lf_error *error)
{
	enum lf_code code =
		listener->kind == LF_ADDRESS_IPC ? open_ipc(nng, listener, error) : open_tcp(nng, listener, error);

	listener->open = code == LF_OK;
	return code;
}

/* ---- ending connections ---- */

/* Whether a connection with this address of its own came through the listener. */
static bool came_through(const struct lf_listener *listener, const struct sockaddr_storage *own)
{
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)own;
	const struct sockaddr_in *four = (const struct sockaddr_in *)own;
	const nng_sockaddr *at = &listener->address;
	char path[sizeof(listener->path) + 16];

	if (listener->kind == LF_ADDRESS_IPC) {
		private_name(listener, path, sizeof(path));
		return own->ss_family == AF_UNIX && strcmp(((const struct sockaddr_un *)own)->sun_path, path) == 0;
	}
	if (at->s_family == NNG_AF_INET)
		return own->ss_family == AF_INET && four->sin_port == at->s_in.sa_port &&
			(at->s_in.sa_addr == 0 || four->sin_addr.s_addr == at->s_in.sa_addr);
	if (at->s_family == NNG_AF_INET6 && own->ss_family == AF_INET6)
		return six->sin6_port == at->s_in6.sa_port &&
			(IN6_IS_ADDR_UNSPECIFIED((const struct in6_addr *)at->s_in6.sa_addr) ||
				memcmp(&six->sin6_addr, at->s_in6.sa_addr, sizeof(six->sin6_addr)) == 0);
	return false;
}

/* Shuts the connections of one listener, or of all of them (NULL), down for reading or altogether. Returns how many. */
static size_t shut_down(struct lf_rpc_nng *nng, const struct lf_listener *only, int how)
{
	DIR *directory = opendir("/proc/self/fd");
	struct dirent *entry;
	size_t count = 0;

	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		int fd = atoi(entry->d_name), listens = 0;
		struct sockaddr_storage own = {.ss_family = AF_UNSPEC};
		socklen_t length = sizeof(own) - 1, size = sizeof(listens);

		if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens != 0 ||
			getsockname(fd, (struct sockaddr *)&own, &length) != 0)
			continue;
		for (size_t i = 0; i < nng->listeners.count; i++) {
			const struct lf_listener *listener = &nng->listeners.items[i];

			if ((only == NULL || only == listener) && listener->open && came_through(listener, &own)) {
				shutdown(fd, how);
				count++;
			}
		}
	}
	if (directory != NULL)
		closedir(directory);
	return count;
}

/*
 * First for reading: what a peer has sent so far is still read, then nng finds the end. One that goes on sending over
 * TCP is read on; so it is then shut down altogether.
 */
static void part(struct lf_rpc_nng *nng, const struct lf_listener *only)
{
	const struct timespec moment = {.tv_nsec = 2 * 1000000};
	const uint64_t start_ns = lf_clock_ns(), max_ns = (uint64_t)LF_NNG_PART_MS * 1000000;
	uint64_t ns = 0;

	while (ns < max_ns && shut_down(nng, only, ns < max_ns / 2 ? SHUT_RD : SHUT_RDWR) != 0) {
		nanosleep(&moment, NULL);
		ns = lf_clock_ns() - start_ns;
	}
}

void lf_listener_part(struct lf_rpc_nng *nng, const struct lf_listener *listener)
{
	part(nng, listener);
}

void lf_listeners_part(struct lf_rpc_nng *nng)
{
	part(nng, NULL);
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

enum lf_code lf_rpc_nng_listen(
	struct lf_rpc_nng *nng, const char *url, char *bound, size_t bound_size, struct lf_error *error)
{
	struct lf_listeners *listeners = &nng->listeners;
	struct lf_listener *listener;
	struct lf_address address;
	enum lf_code code;

	if (listeners->count == LF_NNG_LISTENERS_MAX)
		return lf_error_set(
			error, LF_RESOURCE_EXHAUSTED, "a server listens on at most %d addresses", LF_NNG_LISTENERS_MAX);
	listener = &listeners->items[listeners->count];
	code = lf_address_parse(&address, url, error);
	if (code == LF_OK)
		code = lf_address_check(&address, url, lf_rpc_server_options(nng->server)->tokens != NULL, error);
	if (code != LF_OK)
		return code;
	memset(listener, 0, sizeof(*listener));
	listener->kind = address.kind;
	snprintf(listener->url, sizeof(listener->url), "%s", url);
	if (address.path != NULL)
		snprintf(listener->path, sizeof(listener->path), "%s", address.path);
	code = lf_listener_open(nng, listener, error);
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

void lf_listeners_close(struct lf_rpc_nng *nng)
{
	for (size_t i = 0; i < nng->listeners.count; i++)
		lf_listener_close(&nng->listeners.items[i]);
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

enum lf_code lf_listeners_init(struct lf_listeners *listeners)
{
	memset(listeners, 0, sizeof(*listeners));
	if (pthread_mutex_init(&listeners->lock, NULL) != 0)
		return LF_RESOURCE_EXHAUSTED;
	if (lf_cond_init(&listeners->changed) != 0) {
		pthread_mutex_destroy(&listeners->lock);
		return LF_RESOURCE_EXHAUSTED;
	}
	return LF_OK;
}

void lf_listeners_clean_up(struct lf_listeners *listeners)
{
	pthread_cond_destroy(&listeners->changed);
	pthread_mutex_destroy(&listeners->lock);
}
