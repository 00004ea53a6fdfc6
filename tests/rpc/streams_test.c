/*
 * Calls that stay: their share, what wakes them, what ends them, and that none holds anything back.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/rpc/memory.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "grpc/health/v1/health.pb-c.h"
#include "proto/base/limits.h"
#include "service/rpc/transport.h"
#include "storage/tlog/hash.h"

enum { CALLERS = 5 };

static const char WATCH[] = "grpc.health.v1.Health/Watch", CHECK[] = "grpc.health.v1.Health/Check";

/* A stream sends the newest number whenever there is another one: so a lost wake-up leaves a peer waiting. */
static struct {
	ProtobufCService service;
	atomic_uint_fast64_t newest;
	atomic_bool every;        /* one number after the other, as soon as the last one was taken */
	atomic_size_t part_bytes; /* of each part: more than the number has */
	atomic_bool held;         /* a stream stays in its method after it has sent */
} probe;

struct counter {
	uint64_t sent;
	bool has_sent;
};

static bool send_number(struct lf_rpc_call *call, uint64_t number)
{
	struct lf_error error = LF_ERROR_INIT;
	const size_t length = atomic_load(&probe.part_bytes);
	uint8_t *bytes = lf_rpc_stage_bytes(call, length > sizeof(number) ? length : sizeof(number));

	if (bytes == NULL)
		return false;
	memcpy(bytes, &number, sizeof(number));
	return lf_rpc_send_part(call, &error) == LF_OK;
}

static void fail_for_memory(struct lf_rpc_call *call)
{
	struct lf_error error = LF_ERROR_INIT;

	lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "no memory for a part");
	lf_rpc_fail(call, &error);
}

static void go_on(struct lf_rpc_call *call, void *context)
{
	struct counter *counter = context;
	const uint64_t seen = lf_rpc_news(call);
	const uint64_t newest = atomic_load(&probe.newest);
	bool behind = false;

	if (lf_rpc_untaken(call) != 0)
		behind = true;
	else if (!counter->has_sent || counter->sent != newest) {
		counter->sent = counter->has_sent && atomic_load(&probe.every) ? counter->sent + 1 : newest;
		counter->has_sent = true;
		if (!send_number(call, counter->sent)) {
			fail_for_memory(call);
			return;
		}
		behind = counter->sent != newest;
	}
	while (atomic_load(&probe.held))
		sched_yield();
	lf_rpc_stream_wait(call, &(struct lf_rpc_wait){.taken = behind, .news = !behind, .seen = seen}, go_on, counter);
}

static void invoke(
	ProtobufCService *service, unsigned method, const ProtobufCMessage *input, ProtobufCClosure closure, void *data)
{
	struct lf_error error = LF_ERROR_INIT;
	struct counter *counter;

	(void)service;
	(void)input;
	if (method == 0) {
		Grpc__Health__V1__HealthCheckResponse reply = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;

		closure(&reply.base, data);
		return;
	}
	counter = lf_rpc_keep(data, sizeof(*counter));
	assert_non_null(counter);
	*counter = (struct counter){0};
	if (lf_rpc_stream_begin(data, "grpc.health.v1.Health/Check", &error) == LF_OK)
		go_on(data, counter);
	else
		lf_rpc_fail(data, &error);
}

static struct lf_rpc_server *start(const struct lf_rpc_options *options)
{
	struct lf_rpc_server *server;

	atomic_store(&probe.newest, 0);
	atomic_store(&probe.every, false);
	atomic_store(&probe.part_bytes, 0);
	atomic_store(&probe.held, false);
	probe.service = (ProtobufCService){.descriptor = &grpc__health__v1__health__descriptor, .invoke = invoke};
	assert_int_equal(lf_rpc_server_new(&server, options, NULL), LF_OK);
	assert_int_equal(lf_rpc_server_add(server, &probe.service, 0, NULL), LF_OK);
	assert_int_equal(lf_rpc_server_start(server, NULL), LF_OK);
	return server;
}

static void tell(struct lf_rpc_server *server, uint64_t newest)
{
	atomic_store(&probe.newest, newest);
	lf_rpc_server_news(server);
}

static uint64_t number(struct memory_flight *flight, size_t index)
{
	struct memory_bytes part = memory_part(flight, index);
	uint64_t value;

	assert_true(part.length >= sizeof(value));
	memcpy(&value, part.data, sizeof(value));
	return value;
}

static struct memory_flight *watch(struct lf_rpc_server *server)
{
	struct memory_flight *flight = memory_start(server, &(struct memory_request){.method = WATCH});

	assert_true(memory_await_parts(flight, 1) >= 1);
	return flight;
}

static void expect_end(struct memory_flight *flight, enum lf_code code, const char *text)
{
	struct memory_reply reply;

	memory_end(flight, &reply);
	assert_int_equal(reply.code, code);
	assert_non_null(strstr(reply.text, text));
	memory_reply_clean_up(&reply);
}

static void leave(struct memory_flight *flight)
{
	struct memory_reply reply;

	memory_leave(flight);
	memory_end(flight, &reply);
	assert_false(reply.answered);
	memory_reply_clean_up(&reply);
}

static void end(struct lf_rpc_server *server)
{
	assert_int_equal(lf_rpc_server_stop(server, 60000), 0);
	lf_rpc_server_destroy(server); /* which checks that nothing of the budget is in use */
}

/* ---- */

static void a_stream_is_woken_by_news(void **state)
{
	const struct lf_rpc_options options = {0};
	struct lf_rpc_server *server = start(&options);
	struct memory_flight *flight = watch(server);

	(void)state;
	assert_int_equal(number(flight, 0), 0);
	for (uint64_t i = 1; i <= 20; i++) {
		tell(server, i);
		assert_int_equal(memory_await_parts(flight, i + 1), i + 1);
		assert_int_equal(number(flight, i), i);
	}
	leave(flight);
	end(server);
}

static void it_goes_on_when_its_peer_has_taken_what_was_sent(void **state)
{
	const struct lf_rpc_options options = {0};
	struct lf_rpc_server *server = start(&options);
	struct memory_flight *flight;

	(void)state;
	atomic_store(&probe.every, true);
	flight = memory_start(server, &(struct memory_request){.method = WATCH, .slow = true});
	assert_int_equal(memory_await_parts(flight, 1), 1);
	tell(server, 5);
	for (uint64_t i = 1; i <= 5; i++) {
		memory_take(flight);
		/* Never one more than was taken. */
		assert_int_equal(memory_await_parts(flight, i + 1), i + 1);
		assert_int_equal(number(flight, i), i);
	}
	memory_take(flight);
	leave(flight);
	end(server);
}

static void streams_are_not_in_flight(void **state)
{
	const struct lf_rpc_options options = {.in_flight_max = 1, .worker_count = 1};
	struct lf_rpc_server *server = start(&options);
	struct memory_flight *first = watch(server), *second = watch(server);
	struct memory_reply reply;

	(void)state;
	memory_call(&reply, server, &(struct memory_request){.method = CHECK});
	assert_int_equal(reply.code, LF_OK);
	memory_reply_clean_up(&reply);
	leave(first);
	leave(second);
	end(server);
}

static void a_stop_ends_them_and_lets_them_say_something_last(void **state)
{
	const struct lf_rpc_options options = {0};
	struct lf_rpc_server *server = start(&options);
	struct memory_flight *flight = watch(server);
	struct memory_flight *stuck = memory_start(server, &(struct memory_request){.method = WATCH, .slow = true});
	struct memory_reply reply;

	(void)state;
	assert_int_equal(memory_await_parts(stuck, 1), 1);
	atomic_store(&probe.newest, 7); /* which nobody is told */
	assert_int_equal(lf_rpc_server_stop(server, 60000), 0);
	memory_end(flight, &reply);
	assert_int_equal(reply.part_count, 2);
	assert_int_equal(reply.code, LF_UNAVAILABLE);
	assert_non_null(strstr(reply.text, "stopping"));
	memory_reply_clean_up(&reply);
	expect_end(stuck, LF_UNAVAILABLE, "stopping");
	lf_rpc_server_destroy(server);
}

static void *stop(void *server)
{
	assert_int_equal(lf_rpc_server_stop(server, 60000), 0);
	return NULL;
}

static void await_stopping(struct lf_rpc_server *server)
{
	struct memory_reply reply;
	enum lf_code code;

	do {
		memory_call(&reply, server, &(struct memory_request){.method = CHECK});
		code = reply.code;
		memory_reply_clean_up(&reply);
	} while (code != LF_UNAVAILABLE);
}

static void one_that_is_at_work_when_a_stop_begins_has_its_last_turn_too(void **state)
{
	const struct lf_rpc_options options = {.worker_count = 2};
	struct lf_rpc_server *server = start(&options);
	struct memory_flight *flight;
	struct memory_reply reply;
	pthread_t thread;

	(void)state;
	atomic_store(&probe.held, true);
	flight = watch(server);
	assert_int_equal(pthread_create(&thread, NULL, stop, server), 0);
	await_stopping(server);
	atomic_store(&probe.newest, 7);
	atomic_store(&probe.held, false);
	memory_end(flight, &reply);
	pthread_join(thread, NULL);
	assert_int_equal(reply.code, LF_UNAVAILABLE);
	assert_int_equal(reply.part_count, 2);
	memory_reply_clean_up(&reply);
	lf_rpc_server_destroy(server);
}

static void a_stop_at_once_drops_them(void **state)
{
	const struct lf_rpc_options options = {0};
	struct lf_rpc_server *server = start(&options);
	struct memory_flight *flight = watch(server);
	struct memory_reply reply;

	(void)state;
	lf_rpc_server_destroy(server);
	memory_end(flight, &reply);
	assert_true(!reply.answered || reply.code == LF_UNAVAILABLE);
	memory_reply_clean_up(&reply);
}

static void a_deadline_ends_them(void **state)
{
	const struct lf_rpc_options options = {0};
	struct lf_rpc_server *server = start(&options);
	struct memory_flight *flight =
		memory_start(server, &(struct memory_request){.method = WATCH, .timeout_ms = 300});

	(void)state;
	expect_end(flight, LF_DEADLINE_EXCEEDED, "deadline of 300 ms");
	end(server);
}

static void a_transport_with_one_reply_is_told_what_to_use(void **state)
{
	const struct lf_rpc_options options = {0};
	struct lf_rpc_server *server = start(&options);
	struct memory_reply reply;

	(void)state;
	memory_call(&reply, server, &(struct memory_request){.method = WATCH, .one_reply = true});
	assert_int_equal(reply.code, LF_UNIMPLEMENTED);
	assert_string_equal(reply.text,
		"grpc.health.v1.Health/Watch streams, and memory carries one reply to a call: call it over HTTP, or "
		"use "
		"grpc.health.v1.Health/Check");
	memory_reply_clean_up(&reply);
	end(server);
}

/* ---- the share ---- */

static struct lf_tokens *tokens_of(size_t callers)
{
	char path[] = "/tmp/leadfit-streams-XXXXXX", token[32], hex[65];
	struct lf_tokens *tokens = NULL;
	struct lf_digest digest;
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "w");

	assert_non_null(file);
	for (size_t i = 0; i < callers; i++) {
		snprintf(token, sizeof(token), "token-%zu", i);
		lf_sha256(token, strlen(token), &digest);
		lf_digest_print(&digest, hex);
		fprintf(file, "caller-%zu %s read\n", i, hex);
	}
	fclose(file);
	assert_int_equal(lf_tokens_load(&tokens, path, NULL), LF_OK);
	unlink(path);
	return tokens;
}

/* peer: NULL = none that counts. */
static struct memory_flight *watch_from(struct lf_rpc_server *server, struct lf_rpc_peer *peer, size_t caller)
{
	static char values[CALLERS][40]; /* read again whenever the stream is woken */
	char *value = values[caller];
	struct lf_metadata metadata = {.key = {"authorization", 13}};
	struct memory_flight *flight;

	snprintf(value, sizeof(values[0]), "Bearer token-%zu", caller);
	metadata.value = (struct lf_slice){value, strlen(value)};
	flight = memory_start(server,
		&(struct memory_request){.method = WATCH, .peer = peer, .metadata = &metadata, .metadata_count = 1});
	memory_await_parts(flight, 1);
	return flight;
}

static struct memory_flight *watch_as(struct lf_rpc_server *server, size_t caller)
{
	return watch_from(server, NULL, caller);
}

static void there_are_so_many_of_a_caller_and_so_many_in_all(void **state)
{
	struct lf_tokens *tokens = tokens_of(CALLERS);
	const struct lf_rpc_options options = {.tokens = tokens, .request_bytes_max = 8 * 1024 * 1024};
	struct memory_flight *flights[LF_STREAMS_MAX];
	struct lf_rpc_server *server = start(&options);
	size_t count = 0;

	(void)state;
	for (size_t caller = 0; caller < LF_STREAMS_MAX / LF_STREAMS_CALLER_MAX; caller++)
		for (size_t i = 0; i < LF_STREAMS_CALLER_MAX; i++) {
			flights[count] = watch_as(server, caller);
			assert_false(memory_has_ended(flights[count++]));
		}
	expect_end(watch_as(server, CALLERS - 1), LF_RESOURCE_EXHAUSTED, "256 calls that stream are open");
	leave(flights[--count]);
	expect_end(watch_as(server, 0), LF_RESOURCE_EXHAUSTED, "caller \"caller-0\" has 64 calls that stream");
	flights[count] = watch_as(server, CALLERS - 1);
	assert_false(memory_has_ended(flights[count++]));
	for (size_t i = 0; i < count; i++)
		memory_leave(flights[i]);
	for (size_t i = 0; i < count; i++) {
		struct memory_reply reply;

		memory_end(flights[i], &reply);
		memory_reply_clean_up(&reply);
	}
	end(server);
	lf_tokens_release(tokens);
}

static void a_stream_ends_when_its_caller_may_not_call_it_any_more(void **state)
{
	struct lf_tokens *both = tokens_of(2), *one = tokens_of(1);
	const struct lf_rpc_options options = {.tokens = both};
	struct lf_rpc_server *server = start(&options);
	struct memory_flight *stays = watch_as(server, 0), *goes = watch_as(server, 1);

	(void)state;
	assert_int_equal(lf_rpc_server_set_tokens(server, one, NULL), LF_OK);
	tell(server, 1);
	expect_end(goes, LF_UNAUTHENTICATED, "the token is unknown");
	assert_int_equal(memory_await_parts(stays, 2), 2);
	tell(server, 2);
	assert_int_equal(memory_await_parts(stays, 3), 3);
	leave(stays);
	end(server);
	lf_tokens_release(both);
	lf_tokens_release(one);
}

static struct lf_rpc_peer *peer_from(struct lf_rpc_server *server, const char *address)
{
	struct sockaddr_in remote = {.sin_family = AF_INET};
	struct lf_rpc_peer *peer;

	assert_int_equal(inet_pton(AF_INET, address, &remote.sin_addr), 1);
	peer = lf_rpc_peer_new(server, (const struct sockaddr *)&remote);
	assert_non_null(peer);
	return peer;
}

/* As many streams of a connection as there may be; then what is said to the one that may not. */
static size_t fill(struct lf_rpc_server *server, struct lf_rpc_peer *peer, bool slow, struct memory_flight **flights,
	const char *text)
{
	for (size_t count = 0;; count++) {
		flights[count] =
			memory_start(server, &(struct memory_request){.method = WATCH, .peer = peer, .slow = slow});
		if (memory_await_parts(flights[count], 1) == 1)
			continue;
		expect_end(flights[count], LF_RESOURCE_EXHAUSTED, text);
		return count;
	}
}

static void leave_all(struct memory_flight **flights, size_t count)
{
	for (size_t i = 0; i < count; i++)
		memory_leave(flights[i]); /* all at once: who has gone is noticed once a second */
	for (size_t i = 0; i < count; i++)
		leave(flights[i]);
}

/* Of those who call without a token, who are one caller, none can keep out the others. */
static void a_connection_and_an_address_leave_some_to_others(void **state)
{
	static const char *const FROM[] = {"192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.3"};
	static const struct {
		size_t count;
		const char *text;
	} GETS[] = {
		{32,
			"this connection has 32 open streams, which is its share of 64 at the moment: end one, or "
			"retry later"},
		{16, "has"},
		{0, "address 192.0.2.1 has 48 open streams, which is its share of 64"},
		{8, "this connection has 8 open streams, which is its share of 64"},
		{4, "this connection has 4"},
	};
	enum { PEERS = sizeof(FROM) / sizeof(FROM[0]) };
	const struct lf_rpc_options options = {0};
	struct lf_rpc_server *server = start(&options);
	struct memory_flight *flights[LF_STREAMS_CALLER_MAX + 1];
	struct lf_rpc_peer *peers[PEERS];
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < PEERS; i++) {
		size_t got;

		peers[i] = peer_from(server, FROM[i]);
		got = fill(server, peers[i], false, flights + count, GETS[i].text);
		assert_int_equal(got, GETS[i].count);
		count += got;
	}
	/* And all of it is given back. */
	leave_all(flights, count);
	count = fill(server, peers[4], false, flights, "this connection has 32");
	assert_int_equal(count, 32);
	leave_all(flights, count);
	for (size_t i = 0; i < PEERS; i++)
		lf_rpc_peer_release(peers[i]);
	end(server);
}

/* Callers with tokens, behind one proxy: what a connection and an address may have is of what there is in all. */
static void named_callers_of_one_connection_leave_some_to_others(void **state)
{
	enum { HALF = LF_STREAMS_MAX / 2, OF_ADDRESS = LF_STREAMS_MAX / 4 * 3 };
	struct lf_tokens *tokens = tokens_of(CALLERS);
	const struct lf_rpc_options options = {.tokens = tokens, .request_bytes_max = 8 * 1024 * 1024};
	struct lf_rpc_server *server = start(&options);
	static const char *const FROM[] = {"192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2"};
	struct lf_rpc_peer *peers[sizeof(FROM) / sizeof(FROM[0])];
	struct memory_flight *flights[LF_STREAMS_MAX];
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(FROM) / sizeof(FROM[0]); i++)
		peers[i] = peer_from(server, FROM[i]);
	for (; count < HALF; count++) {
		flights[count] = watch_from(server, peers[0], count / LF_STREAMS_CALLER_MAX);
		assert_false(memory_has_ended(flights[count]));
	}
	expect_end(watch_from(server, peers[0], CALLERS - 1), LF_RESOURCE_EXHAUSTED,
		"this connection has 128 open streams, which is its share of 256 at the moment");
	for (; count < OF_ADDRESS; count++) {
		flights[count] = watch_from(server, peers[1], count / LF_STREAMS_CALLER_MAX);
		assert_false(memory_has_ended(flights[count]));
	}
	expect_end(watch_from(server, peers[2], CALLERS - 1), LF_RESOURCE_EXHAUSTED,
		"address 192.0.2.1 has 192 open streams, which is its share of 256 at the moment");
	flights[count] = watch_from(server, peers[3], CALLERS - 1);
	assert_false(memory_has_ended(flights[count++]));
	leave_all(flights, count);
	for (size_t i = 0; i < sizeof(FROM) / sizeof(FROM[0]); i++)
		lf_rpc_peer_release(peers[i]);
	end(server);
	lf_tokens_release(tokens);
}

/* What peers do not take of their streams has shares, too: a stream stays, so it is never the only call of its share. */
static void what_is_not_taken_of_streams_is_held_to_shares(void **state)
{
	enum { KIB = 1024 };
	const struct lf_rpc_options options = {.request_bytes_max = 1024 * KIB};
	struct lf_rpc_server *server = start(&options);
	struct lf_rpc_peer *greedy = peer_from(server, "192.0.2.1"), *modest = peer_from(server, "192.0.2.2");
	struct memory_flight *flights[16], *others[16], *again;
	size_t count, other_count;

	(void)state;
	atomic_store(&probe.part_bytes, 100 * KIB);
	count = fill(server, greedy, true, flights, "no memory for a part");
	assert_in_range(count, 4, 5);
	other_count = fill(server, modest, true, others, "no memory for a part");
	assert_true(other_count >= 2);
	/* What is taken makes room. */
	memory_take(flights[0]);
	memory_take(flights[1]);
	memory_take(flights[2]);
	again = memory_start(server, &(struct memory_request){.method = WATCH, .peer = greedy, .slow = true});
	assert_int_equal(memory_await_parts(again, 1), 1);
	leave(again);
	leave_all(flights, count);
	leave_all(others, other_count);
	lf_rpc_peer_release(greedy);
	lf_rpc_peer_release(modest);
	end(server);
}

/* ---- all at once ---- */

static void *make_news(void *server)
{
	for (uint64_t i = 1; i <= 2000; i++)
		tell(server, i);
	return NULL;
}

static void many_streams_see_the_last_of_much_news(void **state)
{
	enum { STREAMS = 24 };
	const struct lf_rpc_options options = {.worker_count = 3};
	struct lf_rpc_server *server = start(&options);
	struct memory_flight *flights[STREAMS];
	pthread_t thread;

	(void)state;
	for (size_t i = 0; i < STREAMS; i++)
		flights[i] = memory_start(server, &(struct memory_request){.method = WATCH, .slow = i % 2 == 0});
	assert_int_equal(pthread_create(&thread, NULL, make_news, server), 0);
	for (size_t i = 0; i < STREAMS; i++) {
		size_t parts = memory_await_parts(flights[i], 1);

		while (number(flights[i], parts - 1) != 2000) {
			memory_take(flights[i]);
			parts = memory_await_parts(flights[i], parts + 1);
		}
	}
	pthread_join(thread, NULL);
	for (size_t i = 0; i < STREAMS; i++)
		memory_leave(flights[i]); /* all at once: who has gone is noticed once a second */
	for (size_t i = 0; i < STREAMS; i++)
		leave(flights[i]);
	end(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stream_is_woken_by_news),
		cmocka_unit_test(it_goes_on_when_its_peer_has_taken_what_was_sent),
		cmocka_unit_test(streams_are_not_in_flight),
		cmocka_unit_test(a_stop_ends_them_and_lets_them_say_something_last),
		cmocka_unit_test(one_that_is_at_work_when_a_stop_begins_has_its_last_turn_too),
		cmocka_unit_test(a_stop_at_once_drops_them),
		cmocka_unit_test(a_deadline_ends_them),
		cmocka_unit_test(a_transport_with_one_reply_is_told_what_to_use),
		cmocka_unit_test(there_are_so_many_of_a_caller_and_so_many_in_all),
		cmocka_unit_test(a_connection_and_an_address_leave_some_to_others),
		cmocka_unit_test(named_callers_of_one_connection_leave_some_to_others),
		cmocka_unit_test(what_is_not_taken_of_streams_is_held_to_shares),
		cmocka_unit_test(a_stream_ends_when_its_caller_may_not_call_it_any_more),
		cmocka_unit_test(many_streams_see_the_last_of_much_news),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
