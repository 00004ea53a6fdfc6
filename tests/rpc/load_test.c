/* Many requests, limits, deadlines, peers that go, and stopping while busy. */
#include "tests/rpc/help.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "service/rpc/internal.h"

enum { MANY = 300 };

static void fly(struct flight *flights, size_t count, nng_socket client, const struct call_options *options)
{
	for (size_t i = 0; i < count; i++)
		flight_start(&flights[i], client, options);
}

/* How many of them got the status; the others fail the test unless they got `or`. */
static size_t land(struct flight *flights, size_t count, enum lf_code code, enum lf_code or_code)
{
	size_t hits = 0;

	for (size_t i = 0; i < count; i++) {
		struct reply reply;

		flight_end(&flights[i], &reply);
		assert_int_equal(reply.rc, 0);
		if (reply.frame.status != code)
			assert_string_equal(lf_code_name(reply.frame.status), lf_code_name(or_code));
		else
			hits++;
		reply_clean_up(&reply);
	}
	return hits;
}

static void wait_started(struct lf_rpc_server *server, uint64_t started)
{
	struct lf_rpc_counters counters;

	for (int i = 0; i < 6000; i++) {
		lf_rpc_server_counters(server, &counters);
		if (counters.started >= started)
			return;
		sleep_ms(10);
	}
	fail_msg("the requests did not arrive");
}

static void three_hundred_calls_in_flight_are_all_answered(void **state)
{
	static struct flight flights[MANY];
	struct fixture server;
	nng_socket client;

	(void)state;
	fixture_start(&server, NULL, "tcp");
	client = client_open(server.url);
	fly(flights, MANY, client, &(struct call_options){.rubric = "hold"});
	stubs_wait_held(&server.stubs, MANY);
	stubs_release(&server.stubs);
	assert_int_equal(land(flights, MANY, LF_OK, LF_OK), MANY);
	fly(flights, MANY, client, &(struct call_options){.rubric = "later", .request_id = "x"});
	assert_int_equal(land(flights, MANY, LF_OK, LF_OK), MANY);
	nng_close(client);
	fixture_end(&server);
}

static void beyond_the_in_flight_limit_requests_are_refused_at_once(void **state)
{
	static struct flight held[8], more[50];
	/* One connection has half of it. */
	const struct fixture_options options = {.rpc.in_flight_max = 16};
	struct lf_rpc_counters counters;
	struct fixture server;
	nng_socket client;

	(void)state;
	fixture_start(&server, &options, "tcp");
	client = client_open(server.url);
	fly(held, 8, client, &(struct call_options){.rubric = "hold"});
	stubs_wait_held(&server.stubs, 8);
	fly(more, 50, client, &(struct call_options){0});
	assert_int_equal(land(more, 50, LF_RESOURCE_EXHAUSTED, LF_RESOURCE_EXHAUSTED), 50); /* while the 8 are held */
	lf_rpc_server_counters(server.server, &counters);
	assert_int_equal(counters.refused, 50);
	assert_int_equal(counters.started, 8);
	stubs_release(&server.stubs);
	assert_int_equal(land(held, 8, LF_OK, LF_OK), 8);
	nng_close(client);
	wait_ended(server.server, 8);
	assert_serves(server.url);
	fixture_end(&server);
}

static void request_bytes_and_arenas_stay_within_their_budget(void **state)
{
	const struct fixture_options options = {.rpc.request_bytes_max = 2 * 1024 * 1024};
	const struct call_options large = {.rubric = "hold", .padding = 700 * 1024};
	static struct flight held, more;
	struct fixture server;
	nng_socket client;

	(void)state;
	fixture_start(&server, &options, "tcp");
	client = client_open(server.url);
	/* The first takes 700 KiB, and as much in its arena; of the second, the bytes fit but the arena does not. */
	flight_start(&held, client, &large);
	stubs_wait_held(&server.stubs, 1);
	flight_start(&more, client, &large);
	assert_int_equal(land(&more, 1, LF_RESOURCE_EXHAUSTED, LF_RESOURCE_EXHAUSTED), 1);
	flight_start(&more, client, &(struct call_options){.padding = 1024 * 1024});
	assert_int_equal(land(&more, 1, LF_RESOURCE_EXHAUSTED, LF_RESOURCE_EXHAUSTED), 1);
	stubs_release(&server.stubs);
	assert_int_equal(land(&held, 1, LF_OK, LF_OK), 1);
	flight_start(&held, client, &large);
	stubs_wait_held(&server.stubs, 1);
	stubs_release(&server.stubs);
	assert_int_equal(land(&held, 1, LF_OK, LF_OK), 1);
	nng_close(client);
	fixture_end(&server);
}

static void work_whose_deadline_passed_in_the_queue_is_not_started(void **state)
{
	const struct fixture_options options = {.rpc.worker_count = 1};
	struct flight blocked, late;
	struct fixture server;
	nng_socket client;

	(void)state;
	fixture_start(&server, &options, "tcp");
	client = client_open(server.url);
	flight_start(&blocked, client, &(struct call_options){.rubric = "block"});
	stubs_wait_blocked(&server.stubs, 1);
	flight_start(&late, client, &(struct call_options){.timeout_ms = 1});
	wait_started(server.server, 2);
	sleep_ms(5);
	stubs_unblock(&server.stubs);
	assert_int_equal(land(&late, 1, LF_DEADLINE_EXCEEDED, LF_DEADLINE_EXCEEDED), 1);
	assert_int_equal(land(&blocked, 1, LF_OK, LF_OK), 1);
	assert_int_equal(server.stubs.scored, 1);
	nng_close(client);
	fixture_end(&server);
}

static void a_generous_deadline_changes_nothing(void **state)
{
	struct fixture server;
	struct reply reply;

	(void)state;
	fixture_start(&server, NULL, "tcp");
	call(&reply, server.url, &(struct call_options){.timeout_ms = LF_TIMEOUT_MS_MAX});
	assert_int_equal(reply.frame.status, LF_OK);
	reply_clean_up(&reply);
	fixture_end(&server);
}

static void queued_work_of_a_peer_that_has_gone_is_dropped(void **state)
{
	const struct fixture_options options = {.rpc.worker_count = 1, .nng.watchdog_ms = 3600 * 1000};
	struct lf_rpc_counters counters;
	nng_socket client, gone;
	struct fixture server;
	struct flight blocked;

	(void)state;
	fixture_start(&server, &options, "tcp");
	client = client_open(server.url);
	flight_start(&blocked, client, &(struct call_options){.rubric = "block"});
	stubs_wait_blocked(&server.stubs, 1);
	gone = client_open(server.url);
	assert_int_equal(nng_sendmsg(gone, request_new(&(struct call_options){0}), 0), 0);
	wait_started(server.server, 2);
	nng_close(gone);
	wait_peers(server.nng, 1);
	stubs_unblock(&server.stubs);
	assert_int_equal(land(&blocked, 1, LF_OK, LF_OK), 1);
	wait_ended(server.server, 2);
	lf_rpc_server_counters(server.server, &counters);
	assert_int_equal(counters.by_code[LF_CANCELLED], 1);
	assert_int_equal(server.stubs.scored, 1);
	nng_close(client);
	fixture_end(&server);
}

static void a_method_can_tell_that_its_peer_has_gone(void **state)
{
	const struct fixture_options options = {.nng.watchdog_ms = 3600 * 1000};
	struct fixture server;
	nng_socket client;

	(void)state;
	fixture_start(&server, &options, "ipc");
	client = client_open(server.url);
	assert_int_equal(nng_sendmsg(client, request_new(&(struct call_options){.rubric = "hold"}), 0), 0);
	stubs_wait_held(&server.stubs, 1);
	assert_false(lf_rpc_expired(server.stubs.held[0]));
	nng_close(client);
	wait_peers(server.nng, 0);
	assert_true(lf_rpc_expired(server.stubs.held[0]));
	stubs_release(&server.stubs); /* an answer to nobody does no harm */
	wait_ended(server.server, 1);
	assert_serves(server.url);
	fixture_end(&server);
}

/* A connection from an address of loopback. */
static int connect_from(const char *url, const char *address)
{
	struct sockaddr_in to = {.sin_family = AF_INET}, from = {.sin_family = AF_INET};
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	to.sin_port = htons((uint16_t)atoi(strrchr(url, ':') + 1));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(inet_pton(AF_INET, address, &from.sin_addr), 1);
	assert_int_equal(bind(fd, (const struct sockaddr *)&from, sizeof(from)), 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static bool is_let_in(int fd)
{
	char byte;

	return plain_greet(fd) || recv(fd, &byte, 1, 0) > 0;
}

/* Also such as say nothing. Those of local sockets are counted apart. */
static void connections_beyond_the_limits_are_closed(void **state)
{
	const struct fixture_options options = {.nng.connections_max = 6,
		.nng.address_connections_max = 4,
		.nng.local_connections_max = 3,
		.nng.watchdog_ms = 3600 * 1000};
	struct lf_rpc_nng_counters counters;
	struct fixture server;
	char local[300], bound[300];
	int fds[6], locals[3], more;

	(void)state;
	fixture_start(&server, &options, "tcp");
	snprintf(local, sizeof(local), "ipc://%s/socket", server.directory);
	assert_int_equal(lf_rpc_nng_listen(server.nng, local, bound, sizeof(bound), NULL), LF_OK);
	for (int i = 0; i < 4; i++) {
		fds[i] = connect_from(server.url, "127.0.0.1");
		assert_true(i == 0 || is_let_in(fds[i])); /* the first one is silent */
	}
	more = connect_from(server.url, "127.0.0.1");
	assert_false(is_let_in(more));
	close(more);
	for (int i = 4; i < 6; i++) {
		fds[i] = connect_from(server.url, "127.0.0.2");
		assert_true(is_let_in(fds[i]));
	}
	more = connect_from(server.url, "127.0.0.2");
	assert_false(is_let_in(more));
	close(more);
	for (int i = 0; i < 3; i++) {
		locals[i] = plain_connect(local);
		assert_true(is_let_in(locals[i]));
	}
	more = plain_connect(local);
	assert_false(is_let_in(more));
	close(more);
	lf_rpc_nng_counters(server.nng, &counters);
	assert_int_equal(counters.refused, 3);
	assert_int_equal(counters.connections, 6);
	assert_int_equal(counters.local_connections, 3);
	for (int i = 0; i < 6; i++)
		close(fds[i]);
	for (int i = 0; i < 3; i++)
		close(locals[i]);
	assert_serves(server.url);
	assert_serves(local);
	fixture_end(&server);
}

/* A listener that closes the watchdog's trials, being full, is not dead. */
static void a_full_listener_is_not_opened_again(void **state)
{
	const struct fixture_options options = {.nng.connections_max = 1, .nng.watchdog_ms = 5};
	struct fixture server;
	struct reply reply;
	nng_socket client;
	struct flight held;

	(void)state;
	fixture_start(&server, &options, "tcp");
	client = client_open(server.url);
	flight_start(&held, client, &(struct call_options){.rubric = "hold"});
	stubs_wait_held(&server.stubs, 1);
	sleep_ms(300);
	assert_int_equal(times_reopened(server.nng), 0);
	stubs_release(&server.stubs);
	flight_end(&held, &reply);
	assert_int_equal(reply.frame.status, LF_OK);
	reply_clean_up(&reply);
	nng_close(client);
	fixture_end(&server);
}

static void stopping_answers_what_is_in_flight(void **state)
{
	static struct flight flights[100];
	struct fixture server;
	nng_socket client;

	(void)state;
	fixture_start(&server, NULL, "tcp");
	client = client_open(server.url);
	fly(flights, 100, client, &(struct call_options){.rubric = "later"});
	wait_started(server.server, 100);
	assert_int_equal(lf_rpc_server_stop(server.server, 60000), 0);
	assert_int_equal(land(flights, 100, LF_OK, LF_OK), 100);
	nng_close(client);
	fixture_end(&server);
}

static void *stop(void *argument)
{
	struct fixture *server = argument;

	assert_int_equal(lf_rpc_server_stop(server->server, 60000), 0);
	return NULL;
}

static bool is_stopping(struct lf_rpc_server *server)
{
	bool yes;

	pthread_mutex_lock(&server->lock);
	yes = server->stopping;
	pthread_mutex_unlock(&server->lock);
	return yes;
}

static void requests_that_arrive_while_stopping_are_unavailable(void **state)
{
	struct flight held, late;
	struct fixture server;
	nng_socket client;
	pthread_t thread;

	(void)state;
	fixture_start(&server, NULL, "tcp");
	client = client_open(server.url);
	flight_start(&held, client, &(struct call_options){.rubric = "hold"});
	stubs_wait_held(&server.stubs, 1);
	assert_int_equal(pthread_create(&thread, NULL, stop, &server), 0);
	while (!is_stopping(server.server))
		sleep_ms(1);
	flight_start(&late, client, &(struct call_options){0});
	assert_int_equal(land(&late, 1, LF_UNAVAILABLE, LF_UNAVAILABLE), 1);
	stubs_release(&server.stubs);
	assert_int_equal(land(&held, 1, LF_OK, LF_OK), 1);
	pthread_join(thread, NULL);
	nng_close(client);
	fixture_end(&server);
}

static void calls_that_are_never_answered_are_given_up_and_counted(void **state)
{
	static struct flight flights[20];
	struct fixture server;
	nng_socket client;

	(void)state;
	fixture_start(&server, NULL, "ipc");
	client = client_open(server.url);
	fly(flights, 20, client, &(struct call_options){.rubric = "hold"});
	stubs_wait_held(&server.stubs, 20);
	assert_int_equal(lf_rpc_server_stop(server.server, 50), 20);
	assert_int_equal(lf_rpc_server_stop(server.server, 50), 0);
	for (size_t i = 0; i < 20; i++) {
		nng_aio_cancel(flights[i].aio);
		nng_aio_wait(flights[i].aio);
		assert_int_not_equal(nng_aio_result(flights[i].aio), 0);
		nng_aio_free(flights[i].aio);
	}
	nng_close(client);
	/* Answers that come after the server was destroyed free the last of it. */
	lf_rpc_server_destroy(server.server);
	stubs_release(&server.stubs);
	stubs_clean_up(&server.stubs);
	assert_int_equal(rmdir(server.directory), 0);
}

static void a_server_that_never_listened_can_be_destroyed(void **state)
{
	const struct fixture_options options = {0};
	struct lf_rpc_server *server;
	struct lf_rpc_nng *nng;

	(void)state;
	assert_int_equal(server_new(&server, &nng, &options, NULL), LF_OK);
	lf_rpc_server_destroy(server);
	lf_rpc_server_destroy(NULL);
}

static void stopping_under_full_load_gives_nothing_up(void **state)
{
	(void)state;
	for (int round = 0; round < 5; round++) {
		static struct flight flights[200];
		struct fixture server;
		nng_socket client;

		fixture_start(&server, NULL, round % 2 == 0 ? "tcp" : "ipc");
		client = client_open(server.url);
		fly(flights, 200, client, &(struct call_options){.rubric = "later"});
		assert_int_equal(lf_rpc_server_stop(server.server, 60000), 0);
		for (size_t i = 0; i < 200; i++) {
			nng_aio_cancel(flights[i].aio);
			nng_aio_wait(flights[i].aio);
			if (nng_aio_result(flights[i].aio) == 0)
				nng_msg_free(nng_aio_get_msg(flights[i].aio));
			nng_aio_free(flights[i].aio);
			nng_ctx_close(flights[i].context);
		}
		nng_close(client);
		fixture_end(&server);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_hundred_calls_in_flight_are_all_answered),
		cmocka_unit_test(beyond_the_in_flight_limit_requests_are_refused_at_once),
		cmocka_unit_test(request_bytes_and_arenas_stay_within_their_budget),
		cmocka_unit_test(work_whose_deadline_passed_in_the_queue_is_not_started),
		cmocka_unit_test(a_generous_deadline_changes_nothing),
		cmocka_unit_test(queued_work_of_a_peer_that_has_gone_is_dropped),
		cmocka_unit_test(a_method_can_tell_that_its_peer_has_gone),
		cmocka_unit_test(connections_beyond_the_limits_are_closed),
		cmocka_unit_test(a_full_listener_is_not_opened_again),
		cmocka_unit_test(stopping_answers_what_is_in_flight),
		cmocka_unit_test(requests_that_arrive_while_stopping_are_unavailable),
		cmocka_unit_test(calls_that_are_never_answered_are_given_up_and_counted),
		cmocka_unit_test(a_server_that_never_listened_can_be_destroyed),
		cmocka_unit_test(stopping_under_full_load_gives_nothing_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
