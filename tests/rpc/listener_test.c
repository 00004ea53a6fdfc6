/* Addresses, and what strangers do to them. */
#include "tests/rpc/help.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { TIMES = 10000 };

/* Expects that a server without tokens refuses the URL. */
static void expect_refused(const char *url, enum lf_code code, const char *text)
{
	const struct fixture_options options = {0};
	struct lf_error error = LF_ERROR_INIT;
	struct lf_rpc_server *server;
	struct lf_rpc_nng *nng;

	assert_int_equal(server_new(&server, &nng, &options, &error), LF_OK);
	assert_string_equal(lf_code_name(lf_rpc_nng_listen(nng, url, NULL, 0, &error)), lf_code_name(code));
	if (strstr(error.message, text) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", error.message, text);
	lf_rpc_server_destroy(server);
}

static void a_url_of_another_kind_is_invalid(void **state)
{
	static const char *const URLS[] = {"", "tcp://", "tcp://127.0.0.1", "tcp://127.0.0.1:", "tcp://127.0.0.1:x",
		"ws://127.0.0.1:1", "tcp://127.0.0.1:99999", "tcp://127.0.0.1:80x", "tcp://[::1:80", "tcp://::1:80",
		"ipc://", "ipc:///tmp/", "127.0.0.1:80"};

	(void)state;
	for (size_t i = 0; i < sizeof(URLS) / sizeof(URLS[0]); i++)
		expect_refused(URLS[i], LF_INVALID_ARGUMENT, URLS[i]);
}

static void a_path_that_does_not_fit_a_socket_address_is_invalid(void **state)
{
	char url[256];

	(void)state;
	snprintf(url, sizeof(url), "ipc:///tmp/%0150d", 1);
	expect_refused(url, LF_INVALID_ARGUMENT, "the path has 155 bytes");
}

static void without_tokens_only_loopback_is_listened_on(void **state)
{
	static const char *const URLS[] = {"tcp://0.0.0.0:0", "tcp://*:0", "tcp://:0", "tcp://192.0.2.1:0",
		"tcp://[::]:0", "tcp://example.org:0", "tcp://128.0.0.1:0", "tcp://127.0.0.1.example.org:0",
		"tcp://[::ffff:192.0.2.1]:0"};

	(void)state;
	for (size_t i = 0; i < sizeof(URLS) / sizeof(URLS[0]); i++)
		expect_refused(URLS[i], LF_FAILED_PRECONDITION, "--tokens");
}

static void every_way_to_say_loopback_is_served(void **state)
{
	static const char *const URLS[] = {"tcp://127.0.0.1:0", "tcp://localhost:0", "tcp://127.1.2.3:0"};

	(void)state;
	for (size_t i = 0; i < sizeof(URLS) / sizeof(URLS[0]); i++) {
		struct fixture server;
		struct addrinfo *found = NULL;

		/* A bare system without /etc/hosts does not know the name. */
		if (strstr(URLS[i], "localhost") != NULL && getaddrinfo("localhost", NULL, NULL, &found) != 0) {
			print_message("localhost is not known here: left out\n");
			continue;
		}
		if (found != NULL)
			freeaddrinfo(found);
		fixture_start(&server, NULL, URLS[i]);
		assert_serves(server.url);
		fixture_end(&server);
	}
}

static void ipv6_loopback_is_served_where_the_machine_has_it(void **state)
{
	const struct fixture_options options = {0};
	struct lf_rpc_server *server;
	struct lf_rpc_nng *nng;
	struct stubs stubs;
	char url[128];

	(void)state;
	stubs_init(&stubs);
	assert_int_equal(server_new(&server, &nng, &options, NULL), LF_OK);
	stubs_add(&stubs, server);
	if (lf_rpc_nng_listen(nng, "tcp://[::1]:0", url, sizeof(url), NULL) == LF_OK) {
		assert_int_equal(lf_rpc_nng_start(nng, NULL), LF_OK);
		assert_serves(url);
	}
	lf_rpc_server_destroy(server);
	stubs_clean_up(&stubs);
}

static void there_is_no_tls_over_nng_and_it_says_where_there_is(void **state)
{
	(void)state;
	expect_refused("tls+tcp://127.0.0.1:0", LF_INVALID_ARGUMENT, "--http");
}

static void an_address_that_is_taken_is_unavailable(void **state)
{
	static const char *const KINDS[] = {"tcp", "ipc"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct fixture server;

		fixture_start(&server, NULL, KINDS[i]);
		expect_refused(server.url, LF_UNAVAILABLE, "taken");
		assert_serves(server.url); /* the first one is none the worse */
		fixture_end(&server);
	}
}

static void a_server_listens_on_several_addresses_at_once(void **state)
{
	struct fixture server;
	char local[128], other[128];

	(void)state;
	fixture_start(&server, NULL, "tcp");
	snprintf(local, sizeof(local), "ipc://%s/second", server.directory);
	assert_int_equal(lf_rpc_nng_listen(server.nng, local, other, sizeof(other), NULL), LF_OK);
	assert_string_equal(local, other);
	assert_serves(local);
	assert_serves(server.url);
	assert_int_equal(lf_rpc_nng_listen(server.nng, "tcp://127.0.0.1:0", other, sizeof(other), NULL), LF_OK);
	assert_serves(other);
	fixture_end(&server);
}

static void a_service_is_added_once_and_before_listening(void **state)
{
	struct fixture server;

	(void)state;
	fixture_start(&server, NULL, "tcp");
	assert_int_equal(lf_rpc_server_add(server.server, &server.stubs.scoring.base, 0, NULL), LF_FAILED_PRECONDITION);
	fixture_end(&server);
}

static void a_local_socket_has_mode_0600_whatever_the_umask(void **state)
{
	static const mode_t MASKS[] = {0, 022, 0777};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct fixture server;
		struct stat status;
		mode_t before;

		fixture_start(&server, NULL, "tcp"); /* makes the directory under the usual mask */
		before = umask(MASKS[i]);
		snprintf(server.url, sizeof(server.url), "ipc://%s/socket", server.directory);
		assert_int_equal(lf_rpc_nng_listen(server.nng, server.url, NULL, 0, NULL), LF_OK);
		umask(before);
		assert_int_equal(stat(server.url + 6, &status), 0);
		assert_int_equal(status.st_mode, S_IFSOCK | 0600);
		assert_serves(server.url);
		fixture_end(&server);
	}
}

/* A socket file on which nobody listens, as a killed process leaves it. */
static void leave_socket_file(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(strlen(path) < sizeof(address.sun_path));
	memcpy(address.sun_path, path, strlen(path) + 1);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
}

static void a_dead_servers_socket_file_is_taken_over(void **state)
{
	struct fixture server;
	char url[128];

	(void)state;
	fixture_start(&server, NULL, "tcp");
	snprintf(url, sizeof(url), "ipc://%s/socket", server.directory);
	leave_socket_file(url + 6);
	assert_int_equal(lf_rpc_nng_listen(server.nng, url, NULL, 0, NULL), LF_OK);
	assert_serves(url);
	fixture_end(&server);
}

static void a_file_that_is_not_a_socket_is_left_alone(void **state)
{
	struct fixture server;
	struct stat status;
	char path[128], url[160];
	FILE *file;

	(void)state;
	fixture_start(&server, NULL, "tcp");
	snprintf(path, sizeof(path), "%s/notes", server.directory);
	file = fopen(path, "w");
	fclose(file);
	snprintf(url, sizeof(url), "ipc://%s", path);
	expect_refused(url, LF_UNAVAILABLE, "not a socket");
	assert_int_equal(stat(path, &status), 0);
	assert_true(S_ISREG(status.st_mode));
	unlink(path);
	fixture_end(&server);
}

static void a_missing_directory_is_unavailable(void **state)
{
	(void)state;
	expect_refused("ipc:///tmp/lf-no-such-directory/socket", LF_UNAVAILABLE, "lf-no-such-directory");
}

/* ---- strangers ---- */

static void send_and_leave(const char *url, bool greeted, const void *bytes, size_t length)
{
	int fd = plain_connect(url);

	assert_true(fd >= 0);
	if (greeted)
		assert_true(plain_greet(fd));
	send(fd, bytes, length, MSG_NOSIGNAL);
	close(fd);
}

static void rubbish(const char *url)
{
	/* After the greeting: a length (on ipc:// behind a byte 1), then a request id, then a frame. */
	static const uint8_t HUGE_LENGTH[] = {1, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 'x'};
	static const uint8_t HALF[] = {1, 0, 0, 0, 0, 0, 0, 1, 0, 0x80, 0, 0, 1, 'L', 'F'};
	static const uint8_t NO_ID[] = {1, 0, 0, 0, 0, 0, 0, 0, 2, 'h', 'i'};
	const size_t skip = strncmp(url, "ipc", 3) == 0 ? 0 : 1;
	uint8_t noise[4096];

	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (uint8_t)(i * 2654435761u >> 7);
	send_and_leave(url, false, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27);
	send_and_leave(url, false, "\0SP", 3);
	send_and_leave(url, false, "\0SP\0\0\x10\0\0", 8);
	send_and_leave(url, false, "\0SP\0\0\x30\0\1", 8);
	send_and_leave(url, false, noise, sizeof(noise));
	send_and_leave(url, true, noise, sizeof(noise));
	send_and_leave(url, true, HUGE_LENGTH + skip, sizeof(HUGE_LENGTH) - skip);
	send_and_leave(url, true, HALF + skip, sizeof(HALF) - skip);
	send_and_leave(url, true, NO_ID + skip, sizeof(NO_ID) - skip);
	assert_serves(url);
}

static void rubbish_does_no_harm(void **state)
{
	static const char *const KINDS[] = {"tcp", "ipc"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct fixture server;

		fixture_start(&server, NULL, KINDS[i]);
		for (int n = 0; n < 5; n++)
			rubbish(server.url);
		fixture_end(&server);
	}
}

static void peers_that_say_nothing_or_stop_halfway_keep_nobody_waiting(void **state)
{
	static const uint8_t HALF[] = {0, 0, 0, 0, 0, 0, 1, 0, 0x80, 0, 0, 1, 'L', 'F'};
	struct fixture server;
	int fds[60];

	(void)state;
	fixture_start(&server, NULL, "tcp");
	for (int i = 0; i < 60; i++) {
		fds[i] = plain_connect(server.url);
		if (i % 3 == 1)
			send(fds[i], "\0SP", 3, MSG_NOSIGNAL);
		if (i % 3 == 2 && plain_greet(fds[i]))
			send(fds[i], HALF, sizeof(HALF), MSG_NOSIGNAL);
	}
	assert_serves(server.url);
	for (int i = 0; i < 60; i++)
		close(fds[i]);
	assert_serves(server.url);
	fixture_end(&server);
}

enum leave { FIN, RST, FIN_THEN_RST };

static void connect_and_leave(const char *url, enum leave how)
{
	const struct linger abort_now = {.l_onoff = 1, .l_linger = 0};
	int fd = plain_connect(url);

	if (fd < 0)
		return;
	if (how == FIN_THEN_RST)
		shutdown(fd, SHUT_WR);
	if (how != FIN)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort_now, sizeof(abort_now));
	close(fd);
}

/* Waits until the server has taken all that came before. While it has too many, it closes newcomers at once. */
static void catch_up(const char *url)
{
	bool greeted = false;

	for (int i = 0; i < 6000 && !greeted; i++) {
		int fd = plain_connect(url);

		greeted = plain_greet(fd);
		close(fd);
		if (!greeted)
			sleep_ms(10);
	}
	assert_true(greeted);
}

static void ten_thousand_times(const char *kind, enum leave how)
{
	struct fixture server;
	struct reply reply;
	nng_socket client;
	struct flight held;

	fixture_start(&server, NULL, kind);
	client = client_open(server.url);
	flight_start(&held, client, &(struct call_options){.rubric = "hold"});
	stubs_wait_held(&server.stubs, 1);
	for (int i = 0; i < TIMES; i++) {
		connect_and_leave(server.url, how);
		/* nng's backlog is 128: what comes beyond is not refused but dropped, and tried again after a second.
		 */
		if (i % 100 == 99)
			catch_up(server.url);
	}
	assert_serves(server.url);
	/* Nothing had to be re-opened, so a call that was under way all the time is answered on its own connection. */
	assert_int_equal(times_reopened(server.nng), 0);
	stubs_release(&server.stubs);
	flight_end(&held, &reply);
	assert_int_equal(reply.rc, 0);
	assert_int_equal(reply.frame.status, LF_OK);
	reply_clean_up(&reply);
	nng_close(client);
	fixture_end(&server);
}

static void tcp_serves_after_ten_thousand_connects_and_closes(void **state)
{
	(void)state;
	ten_thousand_times("tcp", FIN);
}

static void tcp_serves_after_ten_thousand_connects_and_resets(void **state)
{
	(void)state;
	ten_thousand_times("tcp", RST);
	ten_thousand_times("tcp", FIN_THEN_RST);
}

static void ipc_serves_after_ten_thousand_connects_and_closes(void **state)
{
	(void)state;
	ten_thousand_times("ipc", FIN);
}

static void a_server_without_descriptors_goes_on_when_they_come_back(void **state)
{
	static int fds[4096];
	struct rlimit before, small;
	struct fixture server;
	int count = 0;

	(void)state;
	fixture_start(&server, &(struct fixture_options){.nng.watchdog_ms = 50}, "tcp");
	assert_serves(server.url);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	small = before;
	small.rlim_cur = 200;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &small), 0);
	while (count < 4096 && (fds[count] = dup(0)) >= 0)
		count++;
	assert_true(count > 0);
	/* One for the client's end of a connection: the server's end finds none. */
	close(fds[--count]);
	fds[count] = plain_connect(server.url);
	assert_true(fds[count++] >= 0);
	sleep_ms(400);
	while (count > 0)
		close(fds[--count]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_serves(server.url);
	fixture_end(&server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_url_of_another_kind_is_invalid),
		cmocka_unit_test(a_path_that_does_not_fit_a_socket_address_is_invalid),
		cmocka_unit_test(without_tokens_only_loopback_is_listened_on),
		cmocka_unit_test(every_way_to_say_loopback_is_served),
		cmocka_unit_test(ipv6_loopback_is_served_where_the_machine_has_it),
		cmocka_unit_test(there_is_no_tls_over_nng_and_it_says_where_there_is),
		cmocka_unit_test(an_address_that_is_taken_is_unavailable),
		cmocka_unit_test(a_server_listens_on_several_addresses_at_once),
		cmocka_unit_test(a_service_is_added_once_and_before_listening),
		cmocka_unit_test(a_local_socket_has_mode_0600_whatever_the_umask),
		cmocka_unit_test(a_dead_servers_socket_file_is_taken_over),
		cmocka_unit_test(a_file_that_is_not_a_socket_is_left_alone),
		cmocka_unit_test(a_missing_directory_is_unavailable),
		cmocka_unit_test(rubbish_does_no_harm),
		cmocka_unit_test(peers_that_say_nothing_or_stop_halfway_keep_nobody_waiting),
		cmocka_unit_test(tcp_serves_after_ten_thousand_connects_and_closes),
		cmocka_unit_test(tcp_serves_after_ten_thousand_connects_and_resets),
		cmocka_unit_test(ipc_serves_after_ten_thousand_connects_and_closes),
		cmocka_unit_test(a_server_without_descriptors_goes_on_when_they_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
