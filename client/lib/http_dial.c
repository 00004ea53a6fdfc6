#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/lib/http.h"

/*
 * Design notes: a dial
 *
 *	name ──► connect ──► TLS ──► greeting ──► OPEN
 *	           ▲  │ refused, or no answer in its share of the time
 *	           └──┘ the next address
 *
 * One try to connect, bounded by the client's connect_timeout_ms as a whole. It never waits: the thread of http_io.c
 * asks it to go on when something has happened or lf_client_http_dial_due() has come. The connection is up when the server's
 * SETTINGS are there: so the peer speaks HTTP/2, and its process answers.
 *
 * Only the lookup of a name blocks, for as long as the resolver pleases. So it has a thread of its own, which a dial
 * that is given up leaves alone with what it needs: its own memory, and a reference to the client.
 */

enum { QUEUE_FULL_MS = 20 };

/* ---- the lookup of a name ---- */

struct lf_client_http_lookup {
	struct lf_client *client;
	int wake_fd;
	char host[256], port[6];
	struct addrinfo *found; /* the dial's once it is done */
	pthread_mutex_t mutex;
	bool done, abandoned;
	int error; /* of getaddrinfo() */
};

static const struct addrinfo HINTS = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};

static void lookup_free(struct lf_client_http_lookup *lookup)
{
	if (lookup->found != NULL)
		freeaddrinfo(lookup->found);
	pthread_mutex_destroy(&lookup->mutex);
	free(lookup);
}

/* This machine, whatever a resolver says of it, and where there is none, as in a bare container (RFC 6761, 6.3). */
static bool is_localhost(const char *host)
{
	static const char NAME[] = "localhost";
	const size_t length = strlen(host), own = sizeof(NAME) - 1;

	if (length < own || strcasecmp(host + length - own, NAME) != 0)
		return false;
	return length == own || host[length - own - 1] == '.';
}

static void *lookup_main(void *arg)
{
	struct lf_client_http_lookup *lookup = arg;
	struct lf_client *client = lookup->client;
	struct addrinfo *found = NULL;
	const char *host = is_localhost(lookup->host) ? NULL : lookup->host; /* NULL: loopback */
	const int error = getaddrinfo(host, lookup->port, &HINTS, &found);
	bool abandoned;

	pthread_mutex_lock(&lookup->mutex);
	lookup->found = error == 0 ? found : NULL;
	lookup->error = error;
	lookup->done = true;
	abandoned = lookup->abandoned;
	if (!abandoned)
		(void)!write(lookup->wake_fd, &(uint64_t){1}, sizeof(uint64_t));
	pthread_mutex_unlock(&lookup->mutex);
	if (abandoned)
		lookup_free(lookup);
	lf_client_release(client);
	return NULL;
}

static void lookup_end(struct lf_client_http_lookup *lookup)
{
	bool done;

	pthread_mutex_lock(&lookup->mutex);
	done = lookup->done;
	lookup->abandoned = true;
	pthread_mutex_unlock(&lookup->mutex);
	if (done)
		lookup_free(lookup);
}

static bool lookup_is_done(struct lf_client_http_lookup *lookup)
{
	bool done;

	pthread_mutex_lock(&lookup->mutex);
	done = lookup->done;
	pthread_mutex_unlock(&lookup->mutex);
	return done;
}

/* NULL: no memory, or no thread. */
static struct lf_client_http_lookup *lookup_new(struct lf_client *client, int wake_fd)
{
	struct addrinfo numeric = HINTS;
	struct lf_client_http_lookup *lookup = calloc(1, sizeof(*lookup));
	pthread_t thread;
	bool started;

	if (lookup == NULL)
		return NULL;
	if (pthread_mutex_init(&lookup->mutex, NULL) != 0) {
		free(lookup);
		return NULL;
	}
	lookup->client = client;
	lookup->wake_fd = wake_fd;
	memcpy(lookup->host, client->address.host, sizeof(lookup->host));
	memcpy(lookup->port, client->address.port, sizeof(lookup->port));
	numeric.ai_flags |= AI_NUMERICHOST;
	lookup->done = getaddrinfo(lookup->host, lookup->port, &numeric, &lookup->found) == 0;
	if (lookup->done)
		return lookup;
	lookup->found = NULL;
	pthread_mutex_lock(&client->mutex);
	client->references++; /* the thread's */
	started = lf_thread_start(&thread, lookup_main, lookup) == 0;
	client->references -= !started;
	pthread_mutex_unlock(&client->mutex);
	if (started) {
		pthread_detach(thread);
		return lookup;
	}
	lookup_free(lookup);
	return NULL;
}

/* ---- connect() ---- */

static void set_options(int socket)
{
	const int on = 1;

	setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	/* So that a host which vanished is noticed by an idle connection, too. */
	setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

/* Starts to connect. 0, or an errno: EAGAIN where a local socket has no room for one more just now. */
static int connect_to(struct lf_client_http_conn *conn, int family, const struct sockaddr *address, socklen_t length)
{
	conn->socket = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (conn->socket < 0)
		return errno;
	if (family != AF_UNIX)
		set_options(conn->socket);
	conn->state = LF_HTTP_CONNECTING;
	if (connect(conn->socket, address, length) == 0 || errno == EINPROGRESS)
		return 0;
	return errno;
}

static int connect_local(struct lf_client_http_conn *conn, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	return connect_to(conn, AF_UNIX, (const struct sockaddr *)&address, sizeof(address));
}

static void close_socket(struct lf_client_http_conn *conn)
{
	if (conn->socket >= 0)
		close(conn->socket);
	conn->socket = -1;
}

/* Addresses that are left. */
static const struct addrinfo *next_address(const struct lf_client_http_dial *dial, size_t *left)
{
	const struct addrinfo *address = dial->lookup->found, *next = NULL;
	size_t index = 0;

	*left = 0;
	for (; address != NULL; address = address->ai_next, index++) {
		if (index == dial->address_index)
			next = address;
		*left += index >= dial->address_index;
	}
	return next;
}

/* Tries the next address. false: there is none left, and reason is that of the last one. */
static bool try_next(struct lf_client_http_dial *dial)
{
	const struct addrinfo *address;
	const int64_t now = lf_now_ms();
	size_t left;
	int error;

	while ((address = next_address(dial, &left)) != NULL) {
		dial->address_index++;
		dial->try_until_ms = now + (dial->until_ms - now) / (int64_t)left;
		close_socket(dial->conn);
		error = connect_to(dial->conn, address->ai_family, address->ai_addr, address->ai_addrlen);
		if (error == 0)
			return true;
		snprintf(dial->reason, sizeof(dial->reason), "%s", lf_link_reason(error));
	}
	return false;
}

/* Whether connect() is over, and how: an errno. */
static bool is_connected(const struct lf_client_http_conn *conn, int *error)
{
	struct pollfd ready = {.fd = conn->socket, .events = POLLOUT};
	socklen_t length = sizeof(*error);

	if (poll(&ready, 1, 0) <= 0)
		return false;
	*error = 0;
	if (getsockopt(conn->socket, SOL_SOCKET, SO_ERROR, error, &length) != 0)
		*error = errno;
	return true;
}

/* ---- the steps ---- */

static enum lf_client_http_dialled fail(struct lf_client_http_dial *dial, const char *reason)
{
	if (reason != dial->reason)
		snprintf(dial->reason, sizeof(dial->reason), "%s", reason);
	lf_client_http_dial_end(dial);
	return LF_HTTP_FAILED;
}

void lf_client_http_dial_begin(struct lf_client_http_dial *dial, struct lf_client_http_conn *conn, uint32_t number)
{
	const int64_t now = lf_now_ms();

	conn->number = number;
	conn->socket = -1;
	conn->tls = NULL;
	conn->session = NULL;
	conn->wants_write = false;
	conn->more = false;
	conn->refused = false;
	conn->heard_ms = now;
	conn->ping_ms = 0;
	conn->out_start = 0;
	conn->out_end = 0;
	conn->state = LF_HTTP_CONNECTING;
	dial->conn = conn;
	dial->lookup = NULL;
	dial->address_index = 0;
	dial->until_ms = now + dial->client->connect_timeout_ms;
	dial->try_until_ms = dial->until_ms;
	dial->again_ms = dial->client->address.scheme == LF_URL_UNIX ? now : 0;
	dial->reason[0] = '\0';
	dial->refused = false;
	if (dial->again_ms == 0)
		dial->lookup = lookup_new(dial->client, dial->wake_fd);
}

void lf_client_http_dial_end(struct lf_client_http_dial *dial)
{
	if (dial->conn != NULL)
		lf_client_http_conn_close(dial->conn);
	dial->conn = NULL;
	if (dial->lookup != NULL)
		lookup_end(dial->lookup);
	dial->lookup = NULL;
}

/* The socket is connected: on to TLS, or to the greeting. false: no memory. */
static bool start_talking(struct lf_client_http_dial *dial)
{
	struct lf_client_http_conn *conn = dial->conn;

	dial->try_until_ms = dial->until_ms;
	conn->session = lf_client_http_session_new(dial->client->reply_bytes_max);
	if (conn->session == NULL)
		return false;
	conn->state = LF_HTTP_GREETING;
	if (dial->tls == NULL)
		return true;
	conn->state = LF_HTTP_HANDSHAKING;
	conn->tls = lf_tls_new(dial->tls, conn->socket, dial->client->address.host);
	return conn->tls != NULL;
}

/* Before the socket is connected. */
static enum lf_client_http_dialled go_on_connecting(struct lf_client_http_dial *dial)
{
	struct lf_client_http_conn *conn = dial->conn;
	const int64_t now = lf_now_ms();
	int error = 0;

	if (dial->again_ms != 0) { /* a local socket */
		if (now < dial->again_ms)
			return LF_HTTP_DIALLING;
		close_socket(conn);
		error = connect_local(conn, dial->client->address.path);
		dial->again_ms = error == EAGAIN ? now + QUEUE_FULL_MS : 0;
		if (error == EAGAIN)
			return LF_HTTP_DIALLING;
		if (error != 0)
			return fail(dial, lf_link_reason(error));
	} else if (conn->socket < 0) {
		if (dial->lookup == NULL)
			return fail(dial, "out of memory or threads");
		if (!lookup_is_done(dial->lookup))
			return LF_HTTP_DIALLING;
		if (dial->lookup->error != 0)
			return fail(dial,
				dial->lookup->error == EAI_AGAIN ? "the name of the host can't be looked up"
								 : "there is no such host");
		if (!try_next(dial))
			return fail(dial, dial->reason);
	}
	if (!is_connected(conn, &error)) {
		if (dial->lookup == NULL || now < dial->try_until_ms || now >= dial->until_ms)
			return LF_HTTP_DIALLING;
		error = ETIMEDOUT;
	}
	if (error != 0) {
		snprintf(dial->reason, sizeof(dial->reason), "%s", lf_link_reason(error));
		if (dial->lookup != NULL && try_next(dial))
			return go_on_connecting(dial);
		return fail(dial, dial->reason);
	}
	return start_talking(dial) ? LF_HTTP_DIALLING : fail(dial, "out of memory");
}

enum lf_client_http_dialled lf_client_http_dial_go_on(struct lf_client_http_dial *dial)
{
	struct lf_client_http_conn *conn = dial->conn;
	const int64_t now = lf_now_ms();
	bool wants_write = false;

	if (conn->state == LF_HTTP_CONNECTING && go_on_connecting(dial) == LF_HTTP_FAILED)
		return LF_HTTP_FAILED;
	if (conn->state == LF_HTTP_HANDSHAKING) {
		const enum lf_client_http_io io = lf_tls_handshake(conn->tls, &wants_write, dial->reason);

		conn->wants_write = wants_write;
		dial->refused = io == LF_HTTP_REFUSED;
		if (io == LF_HTTP_BROKEN || io == LF_HTTP_REFUSED)
			return fail(dial, dial->reason);
		if (io == LF_HTTP_MOVED) {
			conn->state = LF_HTTP_GREETING;
			conn->more = true; /* of what came with the handshake's last bytes */
		}
	}
	if (conn->state == LF_HTTP_GREETING)
		lf_client_http_conn_write(conn);
	if (conn->state == LF_HTTP_DEAD) {
		memcpy(dial->reason, conn->reason, sizeof(dial->reason));
		dial->refused = conn->refused;
		return fail(dial, dial->reason);
	}
	if (conn->state == LF_HTTP_GREETING && lf_client_http_is_ready(conn->session)) {
		conn->state = LF_HTTP_OPEN;
		conn->since_ms = now;
		dial->conn = NULL;
		lf_client_http_dial_end(dial);
		return LF_HTTP_CONNECTED;
	}
	if (now < dial->until_ms)
		return LF_HTTP_DIALLING;
	snprintf(dial->reason, sizeof(dial->reason), "no answer within %u ms", dial->client->connect_timeout_ms);
	return fail(dial, dial->reason);
}

int64_t lf_client_http_dial_due(const struct lf_client_http_dial *dial)
{
	int64_t due = dial->conn->state == LF_HTTP_CONNECTING ? dial->try_until_ms : dial->until_ms;

	if (dial->again_ms != 0 && dial->again_ms < due)
		due = dial->again_ms;
	return due;
}
