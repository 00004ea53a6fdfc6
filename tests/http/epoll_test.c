/*
 * epoll refuses a socket, as it does where the kernel has no memory or its user no watches left: that connection is closed,
 * and the others are served. epoll_ctl() is wrapped.
 */
#include "tests/rpc/help.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "service/http/http.h"

static atomic_int refused_op; /* 0: none */

int __real_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event);

int __wrap_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event)
{
	if (atomic_load(&refused_op) != op)
		return __real_epoll_ctl(epoll, op, fd, event);
	errno = ENOSPC;
	return -1;
}

struct world {
	struct stubs stubs;
	struct lf_rpc_server *server;
	struct lf_http *http;
	struct sockaddr_in address;
};

static void world_start(struct world *world)
{
	const struct lf_rpc_options options = {.worker_count = 2};
	struct lf_error error = LF_ERROR_INIT;
	char bound[128];

	memset(world, 0, sizeof(*world));
	atomic_store(&refused_op, 0);
	stubs_init(&world->stubs);
	assert_int_equal(lf_rpc_server_new(&world->server, &options, &error), LF_OK);
	stubs_add(&world->stubs, world->server);
	assert_int_equal(lf_http_new(&world->http, world->server, NULL, &error), LF_OK);
	assert_int_equal(lf_http_listen(world->http, "127.0.0.1:0", bound, sizeof(bound), &error), LF_OK);
	assert_int_equal(lf_http_start(world->http, &error), LF_OK);
	world->address = (struct sockaddr_in){.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)atoi(strrchr(bound, ':') + 1))};
}

static void world_end(struct world *world)
{
	stubs_release(&world->stubs);
	lf_rpc_server_stop(world->server, 60000);
	lf_rpc_server_destroy(world->server);
	stubs_clean_up(&world->stubs);
}

static int connect_plain(const struct world *world)
{
	const struct timeval patience = {.tv_sec = 60};
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(connect(fd, (const struct sockaddr *)&world->address, sizeof(world->address)), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	(void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
}

/* Whether the service has closed, and said nothing before. */
static bool is_closed(int fd)
{
	char byte;
	const ssize_t got = recv(fd, &byte, 1, 0);

	close(fd);
	return got == 0 || (got < 0 && errno == ECONNRESET);
}

static void assert_answers(const struct world *world)
{
	const int fd = connect_plain(world);
	char text[13] = "";

	say(fd, "GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n");
	assert_int_equal(recv(fd, text, 12, MSG_WAITALL), 12);
	assert_string_equal(text, "HTTP/1.1 200");
	close(fd);
}

static void a_connection_that_is_not_watched_is_closed(void **state)
{
	struct lf_http_counters counters;
	struct world world;

	(void)state;
	world_start(&world);
	assert_answers(&world);
	atomic_store(&refused_op, EPOLL_CTL_ADD);
	for (int i = 0; i < 20; i++)
		assert_true(is_closed(connect_plain(&world)));
	atomic_store(&refused_op, 0);
	assert_answers(&world);
	lf_http_counters(world.http, &counters);
	assert_int_equal(counters.refused, 20);
	assert_int_equal(counters.accepted, 2);
	world_end(&world);
}

/* What is sent ahead stops the reading, which epoll must be told. A method has the request before it. */
static void one_whose_events_can_not_change_is_closed_and_its_call_is_gone(void **state)
{
	static const char ahead[] = "POST /leadfit.v1.Scoring/Score HTTP/1.1\r\nhost: 127.0.0.1\r\n"
				    "content-type: application/json\r\ncontent-length: 17\r\n\r\n{\"rubric\":\"hold\"}";
	struct world world;
	int fd;

	(void)state;
	world_start(&world);
	fd = connect_plain(&world);
	say(fd, ahead);
	stubs_wait_held(&world.stubs, 1);
	atomic_store(&refused_op, EPOLL_CTL_MOD);
	say(fd, ahead);
	assert_true(is_closed(fd));
	assert_true(lf_rpc_expired(world.stubs.held[0]));
	atomic_store(&refused_op, 0);
	assert_answers(&world);
	world_end(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_that_is_not_watched_is_closed),
		cmocka_unit_test(one_whose_events_can_not_change_is_closed_and_its_call_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
