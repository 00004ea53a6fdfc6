#include "service/rpc/internal.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <nng/supplemental/tls/tls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

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
 * Why connections are ended from their reading side before a listener is closed is told in rpc.c. nng does not tell a
 * connection's descriptor; it is found among the process's own by the address that it shares with its listener.
 */

/* ---- the URL ---- */

struct target {
	enum lf_listener_kind kind;
	const char *scheme;
	char host[256]; /* without the brackets of IPv6 */
	bool brackets;
	unsigned port;
	const char *path;
};

static enum lf_code bad_url(struct lf_error *error, const char *url)
{
	return lf_error_set(error, LF_INVALID_ARGUMENT, "%s: to listen takes tcp://HOST:PORT or ipc://PATH", url);
}

static enum lf_code parse_host_port(struct target *target, const char *text, const char *url, struct lf_error *error)
{
	const char *colon = strrchr(text, ':');
	const char *host_end = colon;
	unsigned long port;
	size_t length;
	char *end;

	if (colon == NULL || colon[1] < '0' || colon[1] > '9')
		return bad_url(error, url);
	port = strtoul(colon + 1, &end, 10);
	if (*end != '\0' || port > 65535)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "%s: a port is 0..65535", url);
	if (*text == '[') {
		target->brackets = true;
		text++;
		host_end--;
		if (host_end < text || *host_end != ']')
			return bad_url(error, url);
	}
	length = (size_t)(host_end - text);
	if (length >= sizeof(target->host) || (!target->brackets && memchr(text, ':', length) != NULL))
		return bad_url(error, url);
	memcpy(target->host, text, length);
	target->host[length] = '\0';
	target->port = (unsigned)port;
	return LF_OK;
}

static enum lf_code parse_path(struct target *target, const char *text, const char *url, struct lf_error *error)
{
	/* Room for the private name: PATH.PID.N */
	size_t max = sizeof(((struct sockaddr_un *)0)->sun_path) - sizeof(".4194304.9999");

	if (*text == '\0' || text[strlen(text) - 1] == '/')
		return bad_url(error, url);
	if (strlen(text) > max)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "%s: the path has %zu bytes, more than %zu", url,
			strlen(text), max);
	target->path = text;
	return LF_OK;
}

static enum lf_code parse_url(struct target *target, const char *url, struct lf_error *error)
{
	static const struct {
		const char *scheme;
		enum lf_listener_kind kind;
	} SCHEMES[] = {{"tcp://", LF_LISTENER_TCP}, {"ipc://", LF_LISTENER_IPC}, {"tls+tcp://", LF_LISTENER_TLS}};

	memset(target, 0, sizeof(*target));
	for (size_t i = 0; i < sizeof(SCHEMES) / sizeof(SCHEMES[0]); i++) {
		size_t length = strlen(SCHEMES[i].scheme);

		if (strncmp(url, SCHEMES[i].scheme, length) != 0)
			continue;
		target->scheme = SCHEMES[i].scheme;
		target->kind = SCHEMES[i].kind;
		if (target->kind == LF_LISTENER_IPC)
			return parse_path(target, url + length, url, error);
		return parse_host_port(target, url + length, url, error);
	}
	return bad_url(error, url);
}

/* Only what surely is: a name that means loopback here may mean something else after the next boot. */
static bool is_loopback(const char *host)
{
	struct in6_addr six;
	struct in_addr four;

	if (strcmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, &four) == 1)
		return ntohl(four.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, host, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

static enum lf_code check_allowed(
	const struct target *target, const char *url, bool has_tls, bool has_tokens, struct lf_error *error)
{
	if (target->kind == LF_LISTENER_TLS && !has_tls)
		return lf_error_set(
			error, LF_FAILED_PRECONDITION, "%s: tls+tcp:// needs a file with certificate and key", url);
	if (target->kind == LF_LISTENER_IPC || has_tokens || is_loopback(target->host))
		return LF_OK;
	return lf_error_set(error, LF_FAILED_PRECONDITION,
		"%s: without --tokens FILE the service listens only on loopback (127.0.0.0/8, [::1], localhost) or "
		"ipc://",
		url);
}

enum lf_code lf_listen_check(const char *url, bool has_tokens, struct lf_error *error)
{
	struct target target;

	return parse_url(&target, url, error) != LF_OK ? error->code
						       : check_allowed(&target, url, false, has_tokens, error);
}

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

static int set_options(const struct lf_rpc_server *server, const struct lf_listener *listener, nng_listener id)
{
	int rc = nng_listener_set_size(id, NNG_OPT_RECVMAXSZ, 2 * server->options.message_bytes_max);

	if (rc == 0 && listener->kind == LF_LISTENER_IPC)
		rc = nng_listener_set_int(id, NNG_OPT_IPC_PERMISSIONS, 0600);
	/*
	 * Replies leave at once (nng 1.5.2 leaves Nagle's algorithm on), and a peer that is cut off is noticed some
	 * day.
	 */
	if (rc == 0 && listener->kind == LF_LISTENER_TCP)
		rc = nng_listener_set_bool(id, NNG_OPT_TCP_NODELAY, true);
	if (rc == 0 && listener->kind == LF_LISTENER_TCP)
		rc = nng_listener_set_bool(id, NNG_OPT_TCP_KEEPALIVE, true);
	if (rc == 0 && listener->kind == LF_LISTENER_TLS)
		rc = nng_listener_set_string(id, NNG_OPT_TLS_CERT_KEY_FILE, server->options.tls_file);
	return rc;
}

/* Creates and starts nng's listener on nng_url. The id is known to lf_listeners_note() before anything can connect. */
static int nng_open(struct lf_rpc_server *server, struct lf_listener *listener, const char *nng_url)
{
	nng_listener id;
	int rc = nng_listener_create(&id, server->socket, nng_url);

	if (rc != 0)
		return rc;
	rc = set_options(server, listener, id);
	pthread_mutex_lock(&server->listeners.lock);
	listener->listener = id;
	pthread_mutex_unlock(&server->listeners.lock);
	if (rc == 0)
		rc = nng_listener_start(id, 0);
	if (rc != 0)
		nng_listener_close(id);
	return rc;
}

/* ---- the path of a local socket ---- */

/* Whether path is free, or a dead server's socket. */
static enum lf_code check_free(const char *path, struct lf_error *error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat status;
	int fd, reason;

	if (lstat(path, &status) != 0)
		return errno == ENOENT ? LF_OK
				       : lf_error_set(error, LF_UNAVAILABLE, "ipc://%s: %s", path, strerror(errno));
	if (!S_ISSOCK(status.st_mode))
		return lf_error_set(error, LF_UNAVAILABLE, "ipc://%s: a file that is not a socket is there", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return lf_error_set(error, LF_UNAVAILABLE, "ipc://%s: %s", path, strerror(errno));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	reason = connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 ? 0 : errno;
	close(fd);
	if (reason == ECONNREFUSED || reason == ENOENT)
		return LF_OK;
	if (reason == 0 || reason == EAGAIN)
		return lf_error_set(
			error, LF_UNAVAILABLE, "ipc://%s: the address is taken: another process listens on it", path);
	return lf_error_set(
		error, LF_UNAVAILABLE, "ipc://%s: can't tell whether it is in use: %s", path, strerror(reason));
}

/* An open directory of path, locked so that no two servers look and rename at once; -1 where it can't be read. */
static int lock_directory(const char *path)
{
	char directory[sizeof(((struct lf_listener *)0)->path)];
	char *slash;
	int fd;

	snprintf(directory, sizeof(directory), "%s", path);
	slash = strrchr(directory, '/');
	if (slash == NULL)
		snprintf(directory, sizeof(directory), ".");
	else
		slash[slash == directory ? 1 : 0] = '\0';
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		while (flock(fd, LOCK_EX) != 0 && errno == EINTR)
			;
	return fd;
}

static enum lf_code claim(struct lf_listener *listener, const char *private_path, struct lf_error *error)
{
	int lock = lock_directory(listener->path);
	struct stat status;
	enum lf_code code = check_free(listener->path, error);

	if (code == LF_OK && (lstat(private_path, &status) != 0 || rename(private_path, listener->path) != 0))
		code = lf_error_set(error, LF_UNAVAILABLE, "ipc://%s: %s", listener->path, strerror(errno));
	if (lock >= 0)
		close(lock);
	if (code != LF_OK)
		return code;
	listener->device = (unsigned long)status.st_dev;
	listener->inode = (unsigned long)status.st_ino;
	return LF_OK;
}

/* The name under which nng has bound it at the moment. */
static void private_name(const struct lf_listener *listener, char *out, size_t size)
{
	snprintf(out, size, "%s.%d.%u", listener->path, (int)getpid(), listener->generation % 10000);
}

static enum lf_code open_ipc(struct lf_rpc_server *server, struct lf_listener *listener, struct lf_error *error)
{
	char private_path[sizeof(listener->path) + 16], url[sizeof(private_path) + 8];
	enum lf_code code = check_free(listener->path, error);
	int rc;

	if (code != LF_OK)
		return code;
	listener->generation++;
	private_name(listener, private_path, sizeof(private_path));
	snprintf(url, sizeof(url), "ipc://%s", private_path);
	rc = nng_open(server, listener, url);
	if (rc != 0)
		return nng_failed(error, listener->url, rc);
	code = claim(listener, private_path, error);
	if (code != LF_OK)
		nng_listener_close(listener->listener);
	return code;
}

/* ---- opening and closing ---- */

static enum lf_code open_tcp(struct lf_rpc_server *server, struct lf_listener *listener, struct lf_error *error)
{
	int rc = nng_open(server, listener, listener->url);

	if (rc != 0)
		return nng_failed(error, listener->url, rc);
	memset(&listener->address, 0, sizeof(listener->address));
	if (nng_listener_get_addr(listener->listener, NNG_OPT_LOCADDR, &listener->address) != 0)
		listener->address.s_family = NNG_AF_UNSPEC;
	return LF_OK;
}

enum lf_code lf_listener_open(struct lf_rpc_server *server, struct lf_listener *listener, struct lf_error *error)
{
	enum lf_code code = listener->kind == LF_LISTENER_IPC ? open_ipc(server, listener, error)
							      : open_tcp(server, listener, error);

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

	if (listener->kind == LF_LISTENER_IPC) {
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
static size_t shut_down(struct lf_rpc_server *server, const struct lf_listener *only, int how)
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
		for (size_t i = 0; i < server->listeners.count; i++) {
			const struct lf_listener *listener = &server->listeners.items[i];

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
static void part(struct lf_rpc_server *server, const struct lf_listener *only)
{
	const struct timespec moment = {.tv_nsec = 2 * 1000000};
	const uint64_t start_ns = lf_clock_ns(), max_ns = (uint64_t)LF_RPC_PART_MS * 1000000;
	uint64_t ns = 0;

	while (ns < max_ns && shut_down(server, only, ns < max_ns / 2 ? SHUT_RD : SHUT_RDWR) != 0) {
		nanosleep(&moment, NULL);
		ns = lf_clock_ns() - start_ns;
	}
}

void lf_listener_part(struct lf_rpc_server *server, const struct lf_listener *listener)
{
	part(server, listener);
}

void lf_listeners_part(struct lf_rpc_server *server)
{
	part(server, NULL);
}

void lf_listener_close(struct lf_listener *listener)
{
	struct stat status;

	if (!listener->open)
		return;
	listener->open = false;
	if (listener->kind == LF_LISTENER_IPC && lstat(listener->path, &status) == 0 &&
		(unsigned long)status.st_dev == listener->device && (unsigned long)status.st_ino == listener->inode)
		unlink(listener->path);
	nng_listener_close(listener->listener);
}

static void name_port(struct lf_listener *listener, const struct target *target)
{
	int port = (int)target->port;

	nng_listener_get_int(listener->listener, NNG_OPT_TCP_BOUND_PORT, &port);
	snprintf(listener->url, sizeof(listener->url), "%s%s%s%s:%d", target->scheme, target->brackets ? "[" : "",
		target->host, target->brackets ? "]" : "", port);
}

enum lf_code lf_listeners_add(
	struct lf_rpc_server *server, const char *url, char *bound, size_t bound_size, struct lf_error *error)
{
	struct lf_listeners *listeners = &server->listeners;
	struct lf_listener *listener;
	struct target target;
	enum lf_code code;

	if (listeners->count == LF_RPC_LISTENERS_MAX)
		return lf_error_set(
			error, LF_RESOURCE_EXHAUSTED, "a server listens on at most %d addresses", LF_RPC_LISTENERS_MAX);
	listener = &listeners->items[listeners->count];
	code = parse_url(&target, url, error);
	if (code == LF_OK)
		code = check_allowed(
			&target, url, server->options.tls_file != NULL, server->options.tokens != NULL, error);
	if (code != LF_OK)
		return code;
	memset(listener, 0, sizeof(*listener));
	listener->kind = target.kind;
	snprintf(listener->url, sizeof(listener->url), "%s", url);
	if (target.path != NULL)
		snprintf(listener->path, sizeof(listener->path), "%s", target.path);
	code = lf_listener_open(server, listener, error);
	if (code != LF_OK)
		return code;
	if (target.path == NULL)
		name_port(listener, &target);
	if (bound != NULL)
		snprintf(bound, bound_size, "%s", listener->url);
	pthread_mutex_lock(&listeners->lock);
	listeners->count++; /* from here the watchdog sees it */
	pthread_mutex_unlock(&listeners->lock);
	return LF_OK;
}

void lf_listeners_close(struct lf_rpc_server *server)
{
	for (size_t i = 0; i < server->listeners.count; i++)
		lf_listener_close(&server->listeners.items[i]);
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
