/*
 * Listeners that die are re-opened. This program has its own sendmsg(), the system call as it is: so the server's,
 * which keeps nng before 1.6 from dying at EPIPE, is not in force, and connect-and-close kills a listener of such an
 * nng.
 */
#include "tests/rpc/help.h"

#include <arpa/inet.h>
#include <nng/protocol/pubsub0/sub.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "service/rpc/nng/publish.h"

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	return (ssize_t)syscall(SYS_sendmsg, fd, message, flags);
}

static void wait_reopened(struct lf_rpc_nng *nng, uint64_t times)
{
	for (int i = 0; i < 6000 && times_reopened(nng) < times; i++)
		sleep_ms(10);
	assert_true(times_reopened(nng) >= times);
}

static bool nng_dies(void)
{
	int major = 0, minor = 0;

	sscanf(nng_version(), "%d.%d", &major, &minor);
	return major == 1 && minor < 6;
}

/*
 * Connects and closes until the watchdog had to re-open a listener so often; a few times where nng does not die of
 * it.
 */
static void kill_listener(struct lf_rpc_nng *nng, const char *url, uint64_t times)
{
	for (int i = 0; i < 6000 && (i < 10 || times_reopened(nng) < times); i++) {
		for (int n = 0; n < 20; n++) {
			int fd = plain_connect(url);

			if (fd >= 0)
				close(fd);
		}
		sleep_ms(10);
	}
	assert_true(times_reopened(nng) >= times);
}

/* What was still in the queue may kill the listener once more, and re-opening it ends a call's connection. */
static void assert_serves_again(const char *url)
{
	struct reply reply;
	int rc = NNG_ECONNRESET;

	for (int i = 0; i < 100 && rc == NNG_ECONNRESET; i++) {
		call(&reply, url, &(struct call_options){0});
		rc = reply.rc;
		reply_clean_up(&reply);
	}
	assert_int_equal(rc, 0);
}

static void a_listener_that_was_killed_serves_again_and_others_keep_their_connections(void **state)
{
	const struct fixture_options options = {.nng.watchdog_ms = 50};
	struct fixture server;
	struct flight held;
	struct reply reply;
	nng_socket client;
	char local[128];

	(void)state;
	fixture_start(&server, &options, "tcp");
	snprintf(local, sizeof(local), "ipc://%s/socket", server.directory);
	assert_int_equal(lf_rpc_nng_listen(server.nng, local, NULL, 0, NULL), LF_OK);
	client = client_open(server.url);
	flight_start(&held, client, &(struct call_options){.rubric = "hold"});
	stubs_wait_held(&server.stubs, 1);
	for (unsigned round = 1; round <= 3; round++) {
		kill_listener(server.nng, local, nng_dies() ? round : 0);
		assert_serves_again(local);
	}
	stubs_release(&server.stubs);
	flight_end(&held, &reply);
	assert_int_equal(reply.rc, 0);
	assert_int_equal(reply.frame.status, LF_OK);
	reply_clean_up(&reply);
	nng_close(client);
	fixture_end(&server);
}

static void a_local_socket_whose_file_was_removed_is_bound_again(void **state)
{
	const struct fixture_options options = {.nng.watchdog_ms = 50};
	struct fixture server;

	(void)state;
	fixture_start(&server, &options, "ipc");
	assert_serves(server.url);
	assert_int_equal(unlink(server.url + 6), 0);
	wait_reopened(server.nng, 1);
	assert_serves(server.url);
	fixture_end(&server);
}

/* The descriptor on which this process listens at the port. */
static int listening_descriptor(int port)
{
	for (int fd = 3; fd < 1024; fd++) {
		struct sockaddr_storage address;
		socklen_t length = sizeof(address), size = sizeof(int);
		int listens = 0;

		if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens != 0 &&
			getsockname(fd, (struct sockaddr *)&address, &length) == 0 && address.ss_family == AF_INET &&
			ntohs(((struct sockaddr_in *)&address)->sin_port) == port)
			return fd;
	}
	return -1;
}

static void a_tcp_listener_that_stopped_listening_gets_its_port_again(void **state)
{
	const struct fixture_options options = {.nng.watchdog_ms = 50};
	struct fixture server;
	int fd;

	(void)state;
	fixture_start(&server, &options, "tcp");
	assert_serves(server.url);
	fd = listening_descriptor(atoi(strrchr(server.url, ':') + 1));
	assert_true(fd >= 0);
	shutdown(fd, SHUT_RDWR);
	wait_reopened(server.nng, 1);
	assert_serves(server.url);
	fixture_end(&server);
}

/* Waits until what listens at url is heard, having something new to say again and again. */
static void assert_publishes(struct lf_publisher *publisher, const char *url, uint64_t *sequence)
{
	uint8_t message[LF_PUBLISHED_BYTES + 1];
	size_t length = 0;
	nng_socket listens;
	int rc = NNG_ETIMEDOUT;

	assert_int_equal(nng_sub0_open(&listens), 0);
	assert_int_equal(nng_socket_set(listens, NNG_OPT_SUB_SUBSCRIBE, "", 0), 0);
	assert_int_equal(nng_socket_set_ms(listens, NNG_OPT_RECVTIMEO, 20), 0);
	assert_int_equal(nng_socket_set_ms(listens, NNG_OPT_RECONNMINT, 20), 0);
	assert_int_equal(nng_socket_set_ms(listens, NNG_OPT_RECONNMAXT, 100), 0);
	assert_int_equal(nng_dial(listens, url, NULL, NNG_FLAG_NONBLOCK), 0);
	for (int i = 0; i < 3000 && rc == NNG_ETIMEDOUT; i++) {
		lf_publisher_note(publisher, ++*sequence);
		length = sizeof(message);
		rc = nng_recv(listens, message, &length, 0);
	}
	assert_int_equal(rc, 0);
	assert_int_equal(length, LF_PUBLISHED_BYTES);
	nng_close(listens);
}

/* The publisher's listeners are mended as the others. */
static void what_publishes_is_opened_again(void **state)
{
	const struct lf_rpc_nng_options options = {.watchdog_ms = 50};
	char directory[] = "/tmp/lf-rpc-XXXXXX", url[64], bound[300];
	struct lf_publisher *publisher;
	uint64_t sequence = 0;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(url, sizeof(url), "ipc://%s/socket", directory);
	assert_int_equal(lf_publisher_new(&publisher, url, false, &options, bound, sizeof(bound), NULL), LF_OK);
	assert_publishes(publisher, url, &sequence);
	assert_int_equal(unlink(url + 6), 0);
	assert_publishes(publisher, url, &sequence);
	lf_publisher_destroy(publisher);
	assert_int_equal(rmdir(directory), 0);
	assert_int_equal(
		lf_publisher_new(&publisher, "tcp://127.0.0.1:0", false, &options, bound, sizeof(bound), NULL), LF_OK);
	assert_publishes(publisher, bound, &sequence);
	fd = listening_descriptor(atoi(strrchr(bound, ':') + 1));
	assert_true(fd >= 0);
	shutdown(fd, SHUT_RDWR);
	assert_publishes(publisher, bound, &sequence);
	lf_publisher_destroy(publisher);
}

static void a_healthy_server_is_left_alone(void **state)
{
	const struct fixture_options options = {.nng.watchdog_ms = 5};
	struct fixture server;
	char local[128];

	(void)state;
	fixture_start(&server, &options, "tcp");
	snprintf(local, sizeof(local), "ipc://%s/socket", server.directory);
	assert_int_equal(lf_rpc_nng_listen(server.nng, local, NULL, 0, NULL), LF_OK);
	for (int i = 0; i < 20; i++) {
		assert_serves(server.url);
		assert_serves(local);
		sleep_ms(10);
	}
	assert_int_equal(times_reopened(server.nng), 0);
	fixture_end(&server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_listener_that_was_killed_serves_again_and_others_keep_their_connections),
		cmocka_unit_test(a_local_socket_whose_file_was_removed_is_bound_again),
		cmocka_unit_test(a_tcp_listener_that_stopped_listening_gets_its_port_again),
		cmocka_unit_test(what_publishes_is_opened_again),
		cmocka_unit_test(a_healthy_server_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
