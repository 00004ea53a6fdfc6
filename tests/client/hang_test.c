#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "grpc/health/v1/health.pb-c.h"
#include "tests/client/fake.h"
#include "tests/lost_by_nng.h"

/* A call ends, whatever the server does: absent, stopped, killed, closing, sending rubbish, or never saying a word. */

/* By each transport. */
static const char *ANY = "tcp://127.0.0.1:0", *LOCAL = "ipc://", *SCHEME = "tcp://";

/* The address of a bare socket as a URL of the transport. */
static const char *url_of(const struct tcp_fake *fake)
{
	static char url[80];

	snprintf(url, sizeof(url), "%s%s", SCHEME, fake->url + strlen("tcp://"));
	return url;
}

static struct lf_client_options quick(const char *url)
{
	return (struct lf_client_options){.url = url, .connect_timeout_ms = 300};
}

static const struct lf_call_options SHORT = {.timeout_ms = 300};

static struct lf_client *connect_here(const char *url)
{
	struct lf_client_options options = {.url = url};
	struct lf_error error = LF_ERROR_INIT;
	struct lf_client *client;
	enum lf_code code = lf_client_new(&client, &options, &error);

	if (code != LF_OK)
		print_error("%s\n", error.message);
	assert_int_equal(code, LF_OK);
	return client;
}

/* Where it shall not be the time that ends it, the time is long. */
static void refuses_to_connect(const char *url, const char *because, unsigned connect_timeout_ms)
{
	struct lf_client_options options = {.url = url, .connect_timeout_ms = connect_timeout_ms};
	struct lf_error error = LF_ERROR_INIT;
	struct lf_client *client;

	assert_int_equal(lf_client_new(&client, &options, &error), LF_UNAVAILABLE);
	assert_null(client);
	if (strstr(error.message, because) == NULL || strstr(error.message, url) == NULL)
		fail_msg("\"%s\" says not \"%s\" of %s", error.message, because, url);
	lf_error_clean_up(&error);
}

/* ---- no connection to be had ---- */

static void absent_server_is_said_at_once(void **state)
{
	char directory[] = "/tmp/lf-client-XXXXXX", url[64];
	struct fake fake;

	(void)state;
	fake_start(&fake, ANY, fake_silent);
	fake_stop(&fake); /* its port is free again */
	refuses_to_connect(fake.url, "connection refused", 60000);
	assert_non_null(mkdtemp(directory));
	snprintf(url, sizeof(url), "%s%s/absent", LOCAL, directory);
	refuses_to_connect(url, "", 60000);
	assert_int_equal(rmdir(directory), 0);
}

static void peer_that_says_nothing_does_not_hold_connect(void **state)
{
	struct tcp_fake fake;

	(void)state;
	tcp_fake_start(&fake, TCP_SAYS_NOTHING);
	refuses_to_connect(url_of(&fake), "no answer within 300 ms", 300);
	tcp_fake_stop(&fake);
}

static void host_that_drops_packets_does_not_hold_connect(void **state)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0), fillers[8];
	char url[64];

	(void)state;
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 0), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	/* A full accept queue drops further SYNs. */
	for (size_t i = 0; i < 8; i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)!connect(fillers[i], (struct sockaddr *)&address, sizeof(address));
	}
	snprintf(url, sizeof(url), "%s127.0.0.1:%d", SCHEME, ntohs(address.sin_port));
	refuses_to_connect(url, "no answer within 300 ms", 300);
	for (size_t i = 0; i < 8; i++)
		close(fillers[i]);
	close(listener);
}

static void peer_that_is_no_leadfit_is_said(void **state)
{
	struct tcp_fake fake;

	(void)state;
	tcp_fake_start(&fake, TCP_RUBBISH_HANDSHAKE);
	refuses_to_connect(fake.url, "does not speak SP", 60000);
	tcp_fake_stop(&fake);
	tcp_fake_start(&fake, TCP_OTHER_PROTOCOL);
	refuses_to_connect(fake.url, "another SP protocol", 60000);
	tcp_fake_stop(&fake);
	tcp_fake_start(&fake, TCP_CLOSES_AT_ONCE);
	refuses_to_connect(fake.url, "closed the connection", 60000);
	tcp_fake_stop(&fake);
}

static void unknown_host_is_said(void **state)
{
	struct lf_client_options options;
	struct lf_client *client;
	char url[64];

	(void)state;
	snprintf(url, sizeof(url), "%sno-such-host.invalid:7460", SCHEME);
	options = quick(url);
	/* No reason is asserted: without a name server it is a time-out. */
	assert_int_equal(lf_client_new(&client, &options, NULL), LF_UNAVAILABLE);
}

/* ---- connected, then bad ---- */

static void silent_server_costs_the_deadline(void **state)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_client *client;
	struct fake fake;

	(void)state;
	fake_start(&fake, ANY, fake_silent);
	client = connect_here(fake.url);
	assert_int_equal(check_health(client, &SHORT, &error), LF_DEADLINE_EXCEEDED);
	assert_non_null(strstr(error.message, "within 300 ms"));
	lf_error_clean_up(&error);
	lf_client_destroy(client);
	fake_stop(&fake);
}

static void stopped_server_costs_the_deadline_and_works_when_it_runs_again(void **state)
{
	struct lf_call_options patient = {.timeout_ms = 60000};
	char directory[] = "/tmp/lf-client-XXXXXX", url[64];
	struct lf_client *client;
	pid_t server;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(url, sizeof(url), "%s%s/s", LOCAL, directory);
	server = fake_process_start(url);
	client = connect_here(url);
	assert_int_equal(check_health(client, NULL, NULL), LF_OK);
	fake_process_stop(server);
	assert_int_equal(check_health(client, &SHORT, NULL), LF_DEADLINE_EXCEEDED);
	kill(server, SIGCONT);
	assert_int_equal(check_health(client, &patient, NULL), LF_OK);
	lf_client_destroy(client);
	fake_process_end(server);
	unlink(url + strlen(LOCAL));
	assert_int_equal(rmdir(directory), 0);
}

static void on_bytes(const uint8_t *reply, size_t length, void *closure_data)
{
	(void)length;
	if (closure_data != NULL && atomic_fetch_add((atomic_uint *)closure_data, 1) > 0)
		abort(); /* more than once */
	(void)reply;
}

/* Large requests fill every buffer on the way to a server that does not read. */
static void stopped_server_with_full_buffers_costs_the_deadline(void **state)
{
	enum { CALLS = 20, BYTES = 1024 * 1024 };
	struct lf_call *calls[CALLS];
	atomic_uint closures[CALLS] = {0};
	uint8_t *request = calloc(1, BYTES);
	struct lf_client *client;
	struct tcp_fake fake;

	(void)state;
	assert_non_null(request);
	tcp_fake_start(&fake, strcmp(SCHEME, "http://") == 0 ? TCP_HTTP_STOPS_READING : TCP_STOPS_READING);
	client = connect_here(url_of(&fake));
	for (size_t i = 0; i < CALLS; i++) {
		calls[i] = lf_call_new(client, &grpc__health__v1__health__descriptor, &SHORT);
		assert_non_null(calls[i]);
		lf_call_start_bytes(calls[i], 0, request, BYTES, on_bytes, &closures[i]);
	}
	for (size_t i = 0; i < CALLS; i++) {
		assert_int_equal(lf_call_wait(calls[i], NULL), LF_DEADLINE_EXCEEDED);
		lf_call_destroy(calls[i]);
	}
	assert_int_equal(check_health(client, &SHORT, NULL), LF_DEADLINE_EXCEEDED);
	lf_client_destroy(client);
	tcp_fake_stop(&fake);
	free(request);
}

static void killed_server_ends_calls_and_its_successor_serves(void **state)
{
	struct lf_call_options again = {.idempotent = true, .timeout_ms = 60000, .attempts_max = 1000};
	char directory[] = "/tmp/lf-client-XXXXXX", url[64];
	struct lf_error error = LF_ERROR_INIT;
	struct lf_client_options options;
	atomic_uint closures = 0;
	struct lf_client *client;
	struct lf_call *call;
	pid_t server;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(url, sizeof(url), "%s%s/s", LOCAL, directory);
	server = fake_process_start(url);
	options = (struct lf_client_options){.url = url, .connect_timeout_ms = 1000};
	assert_int_equal(lf_client_new(&client, &options, NULL), LF_OK);
	fake_process_stop(server);
	call = lf_call_new(
		client, &grpc__health__v1__health__descriptor, &(struct lf_call_options){.timeout_ms = 60000});
	lf_call_start_bytes(call, 0, NULL, 0, on_bytes, &closures);
	fake_process_end(server);
	/* Sent and not answered: whether the server did it is unknown, so it is not tried again. */
	assert_int_equal(lf_call_wait(call, NULL), LF_UNAVAILABLE);
	assert_int_equal(closures, 1);
	lf_call_destroy(call);
	/* Nobody there: the wait for a connection is bounded. */
	assert_int_equal(check_health(client, NULL, &error), LF_UNAVAILABLE);
	assert_non_null(strstr(error.message, "can't reach "));
	lf_error_clean_up(&error);
	server = fake_process_start(url);
	assert_int_equal(check_health(client, &again, NULL), LF_OK);
	lf_client_destroy(client);
	fake_process_end(server);
	unlink(url + strlen(LOCAL));
	assert_int_equal(rmdir(directory), 0);
}

/* A waiting call is sent as soon as there is a server, without being repeatable. */
static void call_waits_for_a_server_that_restarts(void **state)
{
	char directory[] = "/tmp/lf-client-XXXXXX", url[64];
	struct lf_client_options options;
	atomic_uint closures = 0;
	struct lf_client *client;
	struct lf_call *call;
	struct fake fake;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(url, sizeof(url), "%s%s/s", LOCAL, directory);
	fake_start(&fake, url, fake_serving);
	options = (struct lf_client_options){.url = url, .connect_timeout_ms = 60000};
	assert_int_equal(lf_client_new(&client, &options, NULL), LF_OK);
	assert_int_equal(check_health(client, NULL, NULL), LF_OK);
	fake_stop(&fake);
	/* The loss may be noticed only now; a call that was sent into it is told so. */
	while (check_health(client, &(struct lf_call_options){.timeout_ms = 100}, NULL) == LF_UNAVAILABLE)
		;
	call = lf_call_new(
		client, &grpc__health__v1__health__descriptor, &(struct lf_call_options){.timeout_ms = 60000});
	lf_call_start_bytes(call, 0, NULL, 0, on_bytes, &closures);
	fake_start(&fake, url, fake_serving);
	assert_int_equal(lf_call_wait(call, NULL), LF_OK);
	lf_call_destroy(call);
	lf_client_destroy(client);
	fake_stop(&fake);
	unlink(url + strlen(LOCAL));
	assert_int_equal(rmdir(directory), 0);
}

static void server_that_closes_after_each_reply_is_redialled(void **state)
{
	struct lf_call_options again = {.idempotent = true, .timeout_ms = 60000, .attempts_max = 100};
	struct lf_client *client;
	struct tcp_fake fake;

	(void)state;
	tcp_fake_start(&fake, TCP_CLOSES_AFTER_REPLY);
	client = connect_here(fake.url);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(check_health(client, &again, NULL), LF_OK);
	lf_client_destroy(client);
	tcp_fake_stop(&fake);
}

static void ends_with(enum tcp_mode mode, unsigned timeout_ms, enum lf_code code)
{
	struct lf_call_options options = {.timeout_ms = timeout_ms};
	struct lf_error error = LF_ERROR_INIT;
	struct lf_client *client;
	struct tcp_fake fake;

	tcp_fake_start(&fake, mode);
	client = connect_here(fake.url);
	assert_int_equal(check_health(client, &options, &error), code);
	lf_error_clean_up(&error);
	/* Repeating it does not help, and ends as well. */
	options.idempotent = true;
	assert_int_not_equal(check_health(client, &options, NULL), LF_OK);
	lf_client_destroy(client);
	tcp_fake_stop(&fake);
}

static void rubbish_on_the_connection_ends_a_call(void **state)
{
	(void)state;
	ends_with(TCP_RUBBISH_FRAME, 10000, LF_UNAVAILABLE);
	ends_with(TCP_HUGE_LENGTH, 10000, LF_UNAVAILABLE);
	ends_with(TCP_SHORT_MESSAGE, 10000, LF_UNAVAILABLE);
	ends_with(TCP_CLOSES_ON_REQUEST, 10000, LF_UNAVAILABLE);
}

static void answer_to_another_request_is_no_answer(void **state)
{
	(void)state;
	ends_with(TCP_OTHER_ID, 300, LF_DEADLINE_EXCEEDED);
}

/* ---- rubbish in good SP messages ---- */

static atomic_uint rubbish_index;

static void rubbish(struct fake *fake, struct fake_request *request)
{
	static const struct {
		const char *bytes;
		size_t length;
	} replies[] = {
		{"", 0},                                              /* nothing */
		{"L", 1},                                             /* next to nothing */
		{"not a frame at all", 18},                           /* words */
		{"LF\x01\x00\0\0\0\0\x03\0\0\0a/b", 15},              /* a request */
		{"LF\x02\x01\0\0\0\0\0\0\0\0", 12},                   /* of another version */
		{"LF\x01\x01\0\0\0\x63\0\0\0\0", 12},                 /* status 99 */
		{"LF\x01\x01\0\0\0\0\0\0\0\0\xff\xff\xff", 15},       /* no protobuf */
		{"LF\x01\x01\0\0\0\0\0\0\0\0\x08", 13},               /* cut */
		{"LF\x01\x01\0\0\0\x0e\0\0\0\0\x12\x05xy", 16},       /* an error that is cut, UNAVAILABLE */
		{"LF\x01\x01\0\0\0\x05\0\0\0\0\x12\x02\xff\xfe", 16}, /* an error that is no UTF-8 */
	};

	fake_reply_raw(fake, request, replies[rubbish_index].bytes, replies[rubbish_index].length);
	fake_free_request(request);
}

static void rubbish_replies_are_internal_errors_that_say_so(void **state)
{
	struct lf_call_options options = {.idempotent = true};
	struct lf_error error = LF_ERROR_INIT;
	struct lf_client *client;
	struct fake fake;

	(void)state;
	fake_start(&fake, ANY, rubbish);
	client = connect_here(fake.url);
	for (rubbish_index = 0; rubbish_index < 10; rubbish_index++) {
		assert_int_equal(check_health(client, &options, &error), LF_INTERNAL);
		assert_memory_equal(error.message, "the server sent rubbish: ", 25);
	}
	fake_await(&fake, 10);
	assert_int_equal(fake.requests, 10); /* none was repeated */
	lf_error_clean_up(&error);
	lf_client_destroy(client);
	fake_stop(&fake);
}

static void huge(struct fake *fake, struct fake_request *request)
{
	uint8_t *message = calloc(1, 100000);

	fake_reply(fake, request, LF_OK, message, 100000);
	free(message);
}

static void reply_above_the_limit_ends_the_call(void **state)
{
	struct lf_client_options options = {.reply_bytes_max = 65536};
	struct lf_error error = LF_ERROR_INIT;
	struct lf_client *client;
	struct fake fake;

	(void)state;
	fake_start(&fake, ANY, huge);
	options.url = fake.url;
	assert_int_equal(lf_client_new(&client, &options, NULL), LF_OK);
	/* nng only sees a lost connection. */
	assert_int_equal(
		check_health(client, NULL, &error), fake.http != NULL ? LF_RESOURCE_EXHAUSTED : LF_UNAVAILABLE);
	assert_non_null(strstr(error.message, "65536"));
	lf_error_clean_up(&error);
	lf_client_destroy(client);
	fake_stop(&fake);
}

/* ---- late, twice ---- */

static void late_and_double_replies_reach_nobody(void **state)
{
	struct lf_client_options options = {.in_flight_max = 1};
	static const uint8_t not_serving[] = {0x08, 0x02};
	struct lf_client *client;
	struct fake fake;

	(void)state;
	fake_start(&fake, ANY, fake_hold);
	options.url = fake.url;
	assert_int_equal(lf_client_new(&client, &options, NULL), LF_OK);
	assert_int_equal(check_health(client, &SHORT, NULL), LF_DEADLINE_EXCEEDED);
	fake_await(&fake, 1);
	fake.handler = fake_serving;
	/* The answer to the first call, of whose context the second makes use. check_health() expects SERVING. */
	fake_reply(&fake, fake.held[0], LF_OK, not_serving, sizeof(not_serving));
	fake.held_count = 0;
	assert_int_equal(check_health(client, NULL, NULL), LF_OK);
	assert_int_equal(check_health(client, NULL, NULL), LF_OK);
	lf_client_destroy(client);
	fake_stop(&fake);
}

/* ---- giving up ---- */

static struct lf_call *start(struct lf_client *client, const struct lf_call_options *options, atomic_uint *closures)
{
	struct lf_call *call = lf_call_new(client, &grpc__health__v1__health__descriptor, options);

	assert_non_null(call);
	*closures = 0;
	lf_call_start_bytes(call, 0, NULL, 0, on_bytes, closures);
	return call;
}

static void cancelled(struct lf_call *call, atomic_uint *closures)
{
	lf_call_cancel(call);
	assert_int_equal(lf_call_wait(call, NULL), LF_CANCELLED);
	assert_int_equal(*closures, 1);
	lf_call_cancel(call); /* nothing to give up */
	assert_int_equal(lf_call_wait(call, NULL), LF_CANCELLED);
	assert_int_equal(*closures, 1);
	lf_call_destroy(call);
}

static void unavailable(struct fake *fake, struct fake_request *request)
{
	fake_reply_error(fake, request, LF_UNAVAILABLE, "not now");
}

static void a_call_is_cancelled_in_whatever_state_it_is(void **state)
{
	struct lf_call_options long_ones = {.timeout_ms = 60000, .idempotent = true, .attempts_max = 1000};
	struct lf_client_options options = {.in_flight_max = 1};
	atomic_uint closures[2];
	struct lf_client *client;
	struct lf_call *call, *queued;
	struct fake fake;

	(void)state;
	fake_start(&fake, ANY, fake_hold);
	options.url = fake.url;
	assert_int_equal(lf_client_new(&client, &options, NULL), LF_OK);
	/* Never started. */
	call = lf_call_new(client, &grpc__health__v1__health__descriptor, NULL);
	lf_call_cancel(call);
	lf_call_destroy(call);
	/* Just started; waiting for the reply, with another behind it in the queue. */
	cancelled(start(client, &long_ones, &closures[0]), &closures[0]);
	call = start(client, &long_ones, &closures[0]);
	queued = start(client, &long_ones, &closures[1]);
	cancelled(queued, &closures[1]);
	cancelled(call, &closures[0]);
	lf_client_destroy(client);
	fake_stop(&fake);

	/* In backoff, or between. */
	fake_start(&fake, ANY, unavailable);
	client = connect_here(fake.url);
	call = start(client, &long_ones, &closures[0]);
	fake_await(&fake, 4);
	cancelled(call, &closures[0]);
	/* Answered already. */
	assert_int_equal(check_health(client, NULL, NULL), LF_UNAVAILABLE);
	fake_stop(&fake);
	/* Waiting for a connection. */
	while (check_health(client, &(struct lf_call_options){.timeout_ms = 100}, NULL) == LF_UNAVAILABLE)
		;
	cancelled(start(client, &long_ones, &closures[0]), &closures[0]);
	lf_client_destroy(client);
}

static void a_sending_call_is_cancelled(void **state)
{
	enum { BYTES = 1024 * 1024, CALLS = 12 };
	struct lf_call *calls[CALLS];
	atomic_uint closures[CALLS] = {0};
	uint8_t *request = calloc(1, BYTES);
	struct lf_client *client;
	struct tcp_fake fake;

	(void)state;
	assert_non_null(request);
	tcp_fake_start(&fake, strcmp(SCHEME, "http://") == 0 ? TCP_HTTP_STOPS_READING : TCP_STOPS_READING);
	client = connect_here(url_of(&fake));
	/* The first few megabytes fill the buffers; the others stay in nng's hands, unsent. */
	for (size_t i = 0; i < CALLS; i++) {
		calls[i] = lf_call_new(client, &grpc__health__v1__health__descriptor, NULL);
		lf_call_start_bytes(calls[i], 0, request, BYTES, on_bytes, &closures[i]);
	}
	for (size_t i = CALLS; i-- > 0;)
		cancelled(calls[i], &closures[i]);
	lf_client_destroy(client);
	tcp_fake_stop(&fake);
	free(request);
}

static void destroying_the_client_cancels_what_is_in_flight(void **state)
{
	struct lf_call_options long_ones = {.timeout_ms = 60000, .idempotent = true};
	enum { CALLS = 40 };
	struct lf_client_options options = {.in_flight_max = 16};
	struct lf_call *calls[CALLS];
	atomic_uint closures[CALLS];
	struct lf_error error = LF_ERROR_INIT;
	struct lf_client *client;
	struct fake fake;

	(void)state;
	fake_start(&fake, ANY, fake_hold);
	options.url = fake.url;
	assert_int_equal(lf_client_new(&client, &options, NULL), LF_OK);
	for (size_t i = 0; i < CALLS; i++)
		calls[i] = start(client, &long_ones, &closures[i]);
	lf_client_destroy(client);
	for (size_t i = 0; i < CALLS; i++) {
		assert_int_equal(closures[i], 1);
		assert_int_equal(lf_call_wait(calls[i], &error), LF_CANCELLED);
	}
	/* A call that outlives its client can't be started, and says so. */
	closures[0] = 0;
	lf_call_start_bytes(calls[0], 0, NULL, 0, on_bytes, &closures[0]);
	assert_int_equal(closures[0], 1);
	assert_int_equal(lf_call_wait(calls[0], &error), LF_CANCELLED);
	for (size_t i = 0; i < CALLS; i++)
		lf_call_destroy(calls[i]);
	lf_error_clean_up(&error);
	fake_stop(&fake);
}

/* nng 1.5.2 can be caught between the halves of a message, and then never closes again. The server is a process: it
 * could be caught, too. */
static void destroying_the_client_amid_answers_returns(void **state)
{
	enum { CALLS = 32, ROUNDS = 60 };
	char directory[] = "/tmp/lf-client-XXXXXX", url[64];
	struct lf_call *calls[CALLS];
	atomic_uint closures[CALLS];
	struct lf_client *client;
	pid_t server;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(url, sizeof(url), "%s%s/s", LOCAL, directory);
	server = fake_process_start(url);
	for (unsigned round = 0; round < ROUNDS; round++) {
		client = connect_here(url);
		for (size_t i = 0; i < CALLS; i++)
			calls[i] = start(client, NULL, &closures[i]);
		assert_int_equal(lf_call_wait(calls[round % CALLS], NULL), LF_OK);
		lf_client_destroy(client);
		for (size_t i = 0; i < CALLS; i++) {
			assert_int_equal(closures[i], 1);
			lf_call_destroy(calls[i]);
		}
	}
	fake_process_end(server);
	unlink(url + strlen(LOCAL));
	assert_int_equal(rmdir(directory), 0);
}

static void clients_come_and_go(void **state)
{
	struct fake fake;

	(void)state;
	fake_start(&fake, ANY, fake_serving);
	for (unsigned i = 0; i < 30; i++) {
		struct lf_client *client = connect_here(fake.url);

		if (i % 2 == 0)
			assert_int_equal(check_health(client, NULL, NULL), LF_OK);
		lf_client_destroy(client);
	}
	fake_stop(&fake);
}

#define BOTH                                                                                                           \
	cmocka_unit_test(absent_server_is_said_at_once),                                                               \
		cmocka_unit_test(peer_that_says_nothing_does_not_hold_connect),                                        \
		cmocka_unit_test(host_that_drops_packets_does_not_hold_connect),                                       \
		cmocka_unit_test(unknown_host_is_said), cmocka_unit_test(silent_server_costs_the_deadline),            \
		cmocka_unit_test(stopped_server_costs_the_deadline_and_works_when_it_runs_again),                      \
		cmocka_unit_test(stopped_server_with_full_buffers_costs_the_deadline),                                 \
		cmocka_unit_test(killed_server_ends_calls_and_its_successor_serves),                                   \
		cmocka_unit_test(call_waits_for_a_server_that_restarts),                                               \
		cmocka_unit_test(reply_above_the_limit_ends_the_call),                                                 \
		cmocka_unit_test(late_and_double_replies_reach_nobody),                                                \
		cmocka_unit_test(a_call_is_cancelled_in_whatever_state_it_is),                                         \
		cmocka_unit_test(a_sending_call_is_cancelled),                                                         \
		cmocka_unit_test(destroying_the_client_cancels_what_is_in_flight),                                     \
		cmocka_unit_test(destroying_the_client_amid_answers_returns), cmocka_unit_test(clients_come_and_go)

int main(int argc, char **argv)
{
	const struct CMUnitTest over_nng[] = {
		BOTH,
		cmocka_unit_test(peer_that_is_no_leadfit_is_said),
		cmocka_unit_test(server_that_closes_after_each_reply_is_redialled),
		cmocka_unit_test(rubbish_on_the_connection_ends_a_call),
		cmocka_unit_test(answer_to_another_request_is_no_answer),
		cmocka_unit_test(rubbish_replies_are_internal_errors_that_say_so),
	};
	const struct CMUnitTest over_http[] = {BOTH}; /* what only HTTP/2 has is in http_test.c */
	int failed;

	fake_process_main(argc, argv);
	alarm(150); /* a hang is a failure */
	failed = cmocka_run_group_tests(over_nng, NULL, NULL);
	ANY = "http://127.0.0.1:0";
	LOCAL = "unix:";
	SCHEME = "http://";
	return failed + cmocka_run_group_tests(over_http, NULL, NULL);
}
