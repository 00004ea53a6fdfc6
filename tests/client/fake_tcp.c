#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/client/fake.h"

/* The other side of SP over TCP, by hand: 8 bytes of handshake, then messages, each after its length in 8 bytes. */

static void must(bool holds, const char *what)
{
	if (!holds) {
		fprintf(stderr, "fake: %s failed\n", what);
		abort();
	}
}

static bool read_all(int socket, void *to, size_t length)
{
	return recv(socket, to, length, MSG_WAITALL) == (ssize_t)length;
}

static void write_all(int socket, const void *bytes, size_t length)
{
	(void)!send(socket, bytes, length, MSG_NOSIGNAL);
}

/* Reads a message of at most 64 KiB; its first four bytes are the request's id. */
static bool read_message(int socket, uint8_t *id)
{
	static const size_t limit = 65536;
	uint8_t length[8], *rest;
	size_t size = 0;
	bool good;

	if (!read_all(socket, length, sizeof(length)))
		return false;
	for (size_t i = 0; i < sizeof(length); i++)
		size = size << 8 | length[i];
	must(size >= 4 && size <= limit, "the client's message");
	rest = malloc(size);
	must(rest != NULL, "allocating");
	good = read_all(socket, rest, size);
	memcpy(id, rest, 4);
	free(rest);
	return good;
}

/* SERVING as a reply to id. */
static void write_reply(int socket, const uint8_t *id)
{
	uint8_t message[8 + 4 + LF_FRAME_FIXED_BYTES + 2] = {0};
	struct lf_frame frame = {.kind = LF_FRAME_REPLY};
	uint8_t header[LF_FRAME_HEADER_MAX];

	must(lf_frame_encode_header(&frame, header, NULL) == LF_FRAME_FIXED_BYTES, "encoding");
	message[7] = sizeof(message) - 8;
	memcpy(message + 8, id, 4);
	memcpy(message + 12, header, LF_FRAME_FIXED_BYTES);
	message[12 + LF_FRAME_FIXED_BYTES] = 0x08;
	message[13 + LF_FRAME_FIXED_BYTES] = 0x01;
	write_all(socket, message, sizeof(message));
}

struct connection {
	struct tcp_fake *fake;
	int socket;
};

/* After a good handshake; false: close. */
static bool talk(enum tcp_mode mode, int socket)
{
	static const uint8_t rubbish[] =
		"HTTP/1.1 400 Bad Request\r\n\r\n and a lot of other words that are no message of SP";
	static const uint8_t huge[8] = {0, 0, 1, 0, 0, 0, 0, 0}, tiny[10] = {0, 0, 0, 0, 0, 0, 0, 2, 'x', 'y'};
	uint8_t id[4];

	if (!read_message(socket, id))
		return false;
	switch (mode) {
	case TCP_RUBBISH_FRAME:
		write_all(socket, rubbish, sizeof(rubbish));
		return true;
	case TCP_HUGE_LENGTH:
		write_all(socket, huge, sizeof(huge));
		return true;
	case TCP_SHORT_MESSAGE:
		write_all(socket, tiny, sizeof(tiny));
		return true;
	case TCP_OTHER_ID:
		id[3] ^= 0x55;
		write_reply(socket, id);
		return true;
	case TCP_CLOSES_AFTER_REPLY:
		write_reply(socket, id);
		return false;
	default:
		return false;
	}
}

/* Reads until a frame of HEADERS has come, and what is behind it as far as it is there. */
static bool read_request(int socket)
{
	uint8_t preface[24], head[9], payload[16384];

	if (!read_all(socket, preface, sizeof(preface)))
		return false;
	for (;;) {
		size_t length;

		if (!read_all(socket, head, sizeof(head)))
			return false;
		length = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
		must(length <= sizeof(payload), "the client's frame");
		if (length > 0 && !read_all(socket, payload, length))
			return false;
		if (head[3] == 1)
			return true;
	}
}

static void follow(const struct tcp_script *script, int socket)
{
	uint8_t byte;

	write_all(socket, script->hello, script->hello_length);
	if (!read_request(socket))
		return;
	write_all(socket, script->answer, script->answer_length);
	if (script->closes)
		shutdown(socket, SHUT_RDWR);
	else
		while (read_all(socket, &byte, 1))
			;
}

static void *connection_main(void *arg)
{
	static const uint8_t rep[8] = {0, 'S', 'P', 0, 0, 0x31, 0, 0}, pair[8] = {0, 'S', 'P', 0, 0, 0x10, 0, 0};
	struct connection *connection = arg;
	const struct tcp_script script = connection->fake->script;
	enum tcp_mode mode = connection->fake->mode;
	int socket = connection->socket;
	uint8_t handshake[8], byte;

	free(connection);
	if (mode == TCP_CLOSES_AT_ONCE) {
		shutdown(socket, SHUT_RDWR);
		return NULL;
	}
	if (mode == TCP_HTTP_SCRIPT) {
		follow(&script, socket);
		return NULL;
	}
	if (mode == TCP_HTTP_STOPS_READING)
		write_all(socket, "\0\0\0\4\0\0\0\0\0", 9);
	else if (mode == TCP_RUBBISH_HANDSHAKE)
		write_all(socket, "220 mail.example.org ESMTP\r\n", 28);
	else if (mode == TCP_OTHER_PROTOCOL)
		write_all(socket, pair, sizeof(pair));
	else if (mode != TCP_SAYS_NOTHING)
		write_all(socket, rep, sizeof(rep));
	if (mode == TCP_STOPS_READING || mode == TCP_HTTP_STOPS_READING)
		return NULL; /* stays open */
	if (read_all(socket, handshake, sizeof(handshake)) && mode != TCP_SAYS_NOTHING)
		while (talk(mode, socket))
			;
	if (mode == TCP_CLOSES_ON_REQUEST || mode == TCP_CLOSES_AFTER_REPLY)
		shutdown(socket, SHUT_RDWR);
	else
		while (read_all(socket, &byte, 1))
			;
	return NULL;
}

static void *accept_main(void *arg)
{
	struct tcp_fake *fake = arg;
	size_t limit = sizeof(fake->connections) / sizeof(fake->connections[0]);

	for (;;) {
		int socket = accept(fake->listener, NULL, NULL);
		struct connection *connection;

		pthread_mutex_lock(&fake->mutex);
		if (socket < 0 || fake->stopping || fake->connection_count == limit) {
			pthread_mutex_unlock(&fake->mutex);
			if (socket >= 0)
				close(socket);
			return NULL;
		}
		connection = malloc(sizeof(*connection));
		must(connection != NULL, "allocating");
		*connection = (struct connection){fake, socket};
		fake->connections[fake->connection_count] = socket;
		must(pthread_create(&fake->threads[fake->connection_count], NULL, connection_main, connection) == 0,
			"a thread");
		fake->connection_count++;
		pthread_mutex_unlock(&fake->mutex);
	}
}

static void start(struct tcp_fake *fake, const char *scheme)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);

	pthread_mutex_init(&fake->mutex, NULL);
	fake->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(fake->listener >= 0 && bind(fake->listener, (struct sockaddr *)&address, sizeof(address)) == 0 &&
			listen(fake->listener, 16) == 0,
		"listening");
	must(getsockname(fake->listener, (struct sockaddr *)&address, &length) == 0, "asking the port");
	snprintf(fake->url, sizeof(fake->url), "%s127.0.0.1:%d", scheme, ntohs(address.sin_port));
	must(pthread_create(&fake->thread, NULL, accept_main, fake) == 0, "a thread");
}

void tcp_fake_start(struct tcp_fake *fake, enum tcp_mode mode)
{
	memset(fake, 0, sizeof(*fake));
	fake->mode = mode;
	start(fake, "tcp://");
}

void tcp_fake_start_script(struct tcp_fake *fake, const struct tcp_script *script)
{
	memset(fake, 0, sizeof(*fake));
	fake->mode = TCP_HTTP_SCRIPT;
	fake->script = *script;
	start(fake, "http://");
}

void tcp_fake_stop(struct tcp_fake *fake)
{
	pthread_mutex_lock(&fake->mutex);
	fake->stopping = true;
	pthread_mutex_unlock(&fake->mutex);
	shutdown(fake->listener, SHUT_RDWR);
	pthread_join(fake->thread, NULL);
	close(fake->listener);
	for (size_t i = 0; i < fake->connection_count; i++) {
		shutdown(fake->connections[i], SHUT_RDWR);
		pthread_join(fake->threads[i], NULL);
		close(fake->connections[i]);
	}
	pthread_mutex_destroy(&fake->mutex);
}
