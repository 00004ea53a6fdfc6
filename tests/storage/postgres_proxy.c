#include "tests/storage/postgres_proxy.h"

#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/storage/support.h"

enum { OPEN_MAX = 64, POLL_MS = 5, CHUNK_BYTES = 16384 };

/* One connection: [0] the client's end, [1] the server's. */
struct pair {
	int fds[2];
	unsigned number;
	bool answered; /* the server was the last to send */
};

static void close_pair(struct pair *pair)
{
	close(pair->fds[0]);
	close(pair->fds[1]);
	pair->fds[0] = pair->fds[1] = -1;
}

static int connect_to(int port)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void accept_one(struct postgres_proxy *proxy, struct pair *pairs)
{
	const int client = accept(proxy->listener, NULL, NULL);
	const unsigned number = atomic_load(&proxy->connections);

	for (size_t i = 0; client >= 0 && i < OPEN_MAX && number < PROXY_CONNECTIONS_MAX; i++) {
		if (pairs[i].fds[0] >= 0)
			continue;
		pairs[i] = (struct pair){{client, connect_to(proxy->target)}, number, false};
		atomic_store(&proxy->connections, number + 1);
		if (pairs[i].fds[1] < 0)
			close_pair(&pairs[i]);
		return;
	}
	if (client >= 0)
		close(client);
}

static bool send_all(int fd, const char *data, size_t length)
{
	while (length > 0) {
		const ssize_t sent = send(fd, data, length, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		data += sent;
		length -= (size_t)sent;
	}
	return true;
}

/* Passes on what one end has sent; closes both where that is the end. */
static void pass_on(struct postgres_proxy *proxy, struct pair *pair, int from)
{
	char data[CHUNK_BYTES];
	ssize_t got = recv(pair->fds[from], data, sizeof(data), 0);
	const long left = atomic_load(&proxy->cut_after);
	bool cut = false;

	if (got > 0 && from == 0) {
		if (pair->answered)
			atomic_fetch_add(&proxy->trips[pair->number], 1);
		pair->answered = false;
	} else if (got > 0) {
		pair->answered = true;
		if (left >= 0) {
			cut = got > left;
			got = cut ? left : got;
			atomic_store(&proxy->cut_after, cut ? -1 : left - got);
		}
	}
	if (got < 0 || (got == 0 && !cut) || !send_all(pair->fds[1 - from], data, (size_t)got) || cut)
		close_pair(pair);
}

static void *run(void *context)
{
	struct postgres_proxy *proxy = context;
	struct pair pairs[OPEN_MAX];

	for (size_t i = 0; i < OPEN_MAX; i++)
		pairs[i].fds[0] = pairs[i].fds[1] = -1;
	while (!atomic_load(&proxy->closing)) {
		struct pollfd polled[1 + 2 * OPEN_MAX];
		const bool silent = atomic_load(&proxy->silent);

		polled[0] = (struct pollfd){.fd = proxy->listener, .events = POLLIN};
		for (size_t i = 0; i < 2 * OPEN_MAX; i++)
			polled[1 + i] = (struct pollfd){.fd = silent ? -1 : pairs[i / 2].fds[i % 2], .events = POLLIN};
		if (poll(polled, 1 + 2 * OPEN_MAX, POLL_MS) <= 0)
			continue;
		for (size_t i = 0; i < 2 * OPEN_MAX; i++)
			if (polled[1 + i].revents != 0 && pairs[i / 2].fds[i % 2] == polled[1 + i].fd)
				pass_on(proxy, &pairs[i / 2], (int)(i % 2));
		if (polled[0].revents != 0)
			accept_one(proxy, pairs);
	}
	for (size_t i = 0; i < OPEN_MAX; i++)
		if (pairs[i].fds[0] >= 0)
			close_pair(&pairs[i]);
	return NULL;
}

void postgres_proxy_start(struct postgres_proxy *proxy, int target)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);

	memset(proxy, 0, sizeof(*proxy));
	atomic_init(&proxy->cut_after, -1);
	proxy->target = target;
	proxy->listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(proxy->listener >= 0);
	assert_int_equal(bind(proxy->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(proxy->listener, 16), 0);
	assert_int_equal(getsockname(proxy->listener, (struct sockaddr *)&address, &length), 0);
	proxy->port = ntohs(address.sin_port);
	assert_int_equal(pthread_create(&proxy->thread, NULL, run, proxy), 0);
}

void postgres_proxy_stop(struct postgres_proxy *proxy)
{
	atomic_store(&proxy->closing, true);
	pthread_join(proxy->thread, NULL);
	close(proxy->listener);
}
