#include "tests/storage/postgres_proxy.h"

#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/storage/support.h"

enum { OPEN_MAX = 64, POLL_MS = 5, CHUNK_BYTES = 16384 };

/* One connection: [0] the client's end, [1] the server's. */
struct pair {
	int fds[2];
	unsigned number;
	bool answered; /* the server was the last to send */
	bool dripping; /* a COMMIT has come, and its answer is to come slowly */
	bool cutting;  /* a COMMIT has come, and its answer is to be cut */
	long left;     /* bytes that the server may still send then */
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
		pairs[i] = (struct pair){.fds = {client, connect_to(proxy->target)}, .number = number};
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

/*
 * Where the message starts that runs a statement named commit: Bind, of the unnamed portal. -1: it is not there. Clients send
 * what belongs to one commit at once, so it is not looked for over the ends of chunks.
 */
static long find_commit(const char *data, size_t length)
{
	static const char bind[] = "\0commit"; /* the portal's name, and the statement's, each with its end */
	const char *found = memmem(data, length, bind, sizeof(bind));

	return found != NULL && found - data >= 5 ? found - data - 5 : -1;
}

/* What the client sent: how much of it is passed on; *cut: and then no more. */
static size_t look_at_question(
	struct postgres_proxy *proxy, struct pair *pair, const char *data, size_t length, bool *cut)
{
	const long at = find_commit(data, length);
	const long question = atomic_load(&proxy->cut_question);

	if (pair->answered)
		atomic_fetch_add(&proxy->trips[pair->number], 1);
	pair->answered = false;
	if (at < 0)
		return length;
	if (question >= 0) {
		atomic_store(&proxy->cut_question, -1);
		*cut = true;
		return (size_t)(at + question) < length ? (size_t)(at + question) : length;
	}
	pair->dripping = atomic_exchange(&proxy->drip_answer, false);
	pair->left = atomic_exchange(&proxy->cut_answer, -1);
	pair->cutting = pair->left >= 0;
	return length;
}

static size_t look_at_answer(struct pair *pair, size_t length, bool *cut)
{
	pair->answered = true;
	if (!pair->cutting)
		return length;
	*cut = length >= (size_t)pair->left;
	length = *cut ? (size_t)pair->left : length;
	pair->left -= (long)length;
	return length;
}

/* Passes on what one end has sent; closes both where that is the end. */
static void pass_on(struct postgres_proxy *proxy, struct pair *pair, int from)
{
	char data[CHUNK_BYTES];
	const bool drips = from == 1 && pair->dripping;
	const struct timespec pause = {.tv_nsec = 150 * 1000 * 1000};
	const ssize_t got = recv(pair->fds[from], data, drips ? 1 : sizeof(data), 0);
	size_t length = got > 0 ? (size_t)got : 0;
	bool cut = false;

	if (drips)
		nanosleep(&pause, NULL);
	if (got > 0)
		length = from == 0 ? look_at_question(proxy, pair, data, length, &cut)
				   : look_at_answer(pair, length, &cut);
	if (got <= 0 || !send_all(pair->fds[1 - from], data, length) || cut)
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
	atomic_init(&proxy->cut_answer, -1);
	atomic_init(&proxy->cut_question, -1);
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
