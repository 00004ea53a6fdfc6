/*
 * Dispatch without a network: every method of the interface, streams, deadlines, peers that go, the budget, stopping.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/rpc/memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "leadfit/v1/error.pb-c.h"
#include "proto/wire/wire.h"
#include "service/rpc/transport.h"

enum { SERVICES_MAX = 16, PART_BYTES = 1024 };

static const char METHOD[] = "leadfit.v1.Scoring/Score";

/* Every service of the interface, with a function for its methods. */
static struct probe {
	ProtobufCService services[SERVICES_MAX];
	void (*act)(struct lf_rpc_call *call, ProtobufCClosure closure);
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t changed;
	const ProtobufCServiceDescriptor *service; /* the last that was called */
	unsigned method;
	size_t calls, dropped;
	struct lf_rpc_call *held;
	bool blocked, unblock, was_expired;
} probe = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void invoke(
	ProtobufCService *service, unsigned method, const ProtobufCMessage *input, ProtobufCClosure closure, void *data)
{
	assert_ptr_equal(input->descriptor, service->descriptor->methods[method].input);
	pthread_mutex_lock(&probe.lock);
	probe.service = service->descriptor;
	probe.method = method;
	probe.calls++;
	pthread_mutex_unlock(&probe.lock);
	probe.act(data, closure);
}

static struct lf_rpc_server *start(
	const struct lf_rpc_options *options, void (*act)(struct lf_rpc_call *call, ProtobufCClosure closure))
{
	struct lf_rpc_server *server;

	probe.act = act;
	probe.calls = probe.dropped = 0;
	probe.held = NULL;
	probe.blocked = probe.unblock = probe.was_expired = false;
	assert_int_equal(lf_rpc_server_new(&server, options, NULL), LF_OK);
	for (size_t i = 0; lf_services[i] != NULL; i++) {
		assert_true(i < SERVICES_MAX);
		probe.services[i] = (ProtobufCService){.descriptor = lf_services[i], .invoke = invoke};
		assert_int_equal(lf_rpc_server_add(server, &probe.services[i], LF_ROLE_READ, NULL), LF_OK);
	}
	assert_int_equal(lf_rpc_server_start(server, NULL), LF_OK);
	return server;
}

static void end(struct lf_rpc_server *server)
{
	assert_int_equal(lf_rpc_server_stop(server, 60000), 0);
	lf_rpc_server_destroy(server); /* which checks that nothing of the budget is in use */
}

static uint64_t by_code(struct lf_rpc_server *server, enum lf_code code)
{
	struct lf_rpc_counters counters;

	lf_rpc_server_counters(server, &counters);
	return counters.by_code[code];
}

static void send_text(struct lf_rpc_call *call, const char *text)
{
	uint8_t *bytes = lf_rpc_stage_bytes(call, strlen(text));

	assert_non_null(bytes);
	memcpy(bytes, text, strlen(text));
	lf_rpc_send(call);
}

static void expect_text(struct memory_bytes bytes, const char *text)
{
	assert_int_equal(bytes.length, strlen(text));
	assert_memory_equal(bytes.data, text, strlen(text));
}

/* Waits until the flag is set. */
static void wait_for(const bool *flag)
{
	pthread_mutex_lock(&probe.lock);
	while (!*flag)
		pthread_cond_wait(&probe.changed, &probe.lock);
	pthread_mutex_unlock(&probe.lock);
}

static void set(bool *flag)
{
	pthread_mutex_lock(&probe.lock);
	*flag = true;
	pthread_cond_broadcast(&probe.changed);
	pthread_mutex_unlock(&probe.lock);
}

/* ---- methods ---- */

/* An empty message of the method's type, as generated code gives it. */
static void answer_empty(struct lf_rpc_call *call, ProtobufCClosure closure)
{
	const ProtobufCMessageDescriptor *type = probe.service->methods[probe.method].output;
	ProtobufCMessage *message = lf_arena_zalloc(lf_rpc_arena(call), 1, type->sizeof_message);

	assert_non_null(message);
	type->message_init(message);
	closure(message, call);
}

static void every_method_of_the_interface_is_reached_and_answered(void **state)
{
	struct lf_rpc_server *server = start(&(struct lf_rpc_options){0}, answer_empty);
	size_t methods = 0;

	(void)state;
	for (size_t i = 0; lf_services[i] != NULL; i++)
		for (unsigned m = 0; m < lf_services[i]->n_methods; m++, methods++) {
			struct memory_reply reply;
			char name[160];

			snprintf(name, sizeof(name), "%s/%s", lf_services[i]->name, lf_services[i]->methods[m].name);
			memory_call(&reply, server, &(struct memory_request){.method = name});
			assert_true(reply.answered);
			assert_int_equal(reply.code, LF_OK);
			assert_int_equal(reply.last.length, 0);
			assert_ptr_equal(probe.service, lf_services[i]);
			assert_int_equal(probe.method, m);
			memory_reply_clean_up(&reply);
		}
	assert_true(methods >= 28);
	assert_int_equal(by_code(server, LF_OK), methods);
	end(server);
}

static void what_is_no_method_is_unimplemented(void **state)
{
	struct lf_rpc_server *server = start(&(struct lf_rpc_options){0}, answer_empty);
	struct memory_reply reply;

	(void)state;
	memory_call(&reply, server, &(struct memory_request){.method = "leadfit.v1.Scoring/Scor"});
	assert_int_equal(reply.code, LF_UNIMPLEMENTED);
	assert_non_null(strstr(reply.text, METHOD));
	memory_reply_clean_up(&reply);
	assert_int_equal(probe.calls, 0);
	end(server);
}

static void answer_metadata(struct lf_rpc_call *call, ProtobufCClosure closure)
{
	struct lf_slice trace = lf_rpc_metadata(call, "traceparent"), none = lf_rpc_metadata(call, "trace");
	char text[64];

	(void)closure;
	assert_null(none.data);
	snprintf(text, sizeof(text), "%s %.*s", lf_rpc_caller(call), (int)trace.length, trace.data);
	send_text(call, text);
}

static void a_method_sees_the_metadata_of_its_request(void **state)
{
	const struct lf_metadata metadata[] = {{{"a", 1}, {"1", 1}}, {{"traceparent", 11}, {"00-1-2-01", 9}}};
	struct lf_rpc_server *server = start(&(struct lf_rpc_options){0}, answer_metadata);
	struct memory_reply reply;

	(void)state;
	memory_call(
		&reply, server, &(struct memory_request){.method = METHOD, .metadata = metadata, .metadata_count = 2});
	expect_text(reply.last, "local 00-1-2-01");
	memory_reply_clean_up(&reply);
	end(server);
}

/* ---- several replies ---- */

static void stream_three(struct lf_rpc_call *call, ProtobufCClosure closure)
{
	struct lf_error error = LF_ERROR_INIT;

	(void)closure;
	for (int i = 0; i < 3; i++) {
		uint8_t *bytes = lf_rpc_stage_bytes(call, 4);

		assert_non_null(bytes);
		memcpy(bytes, "part", 4);
		assert_true(lf_rpc_append(call, &(char){(char)('0' + i)}, 1));
		if (lf_rpc_send_part(call, &error) != LF_OK) {
			lf_rpc_fail(call, &error);
			return;
		}
	}
	send_text(call, "last");
}

static void a_call_may_have_several_replies(void **state)
{
	static const char *const PARTS[] = {"part0", "part1", "part2"};
	struct lf_rpc_server *server = start(&(struct lf_rpc_options){0}, stream_three);
	struct memory_reply reply;

	(void)state;
	memory_call(&reply, server, &(struct memory_request){.method = METHOD});
	assert_int_equal(reply.code, LF_OK);
	assert_int_equal(reply.part_count, 3);
	for (size_t i = 0; i < 3; i++)
		expect_text(reply.parts[i], PARTS[i]);
	expect_text(reply.last, "last");
	memory_reply_clean_up(&reply);
	assert_int_equal(by_code(server, LF_OK), 1);
	end(server);
}

static void a_transport_with_one_reply_to_a_call_says_so(void **state)
{
	struct lf_rpc_server *server = start(&(struct lf_rpc_options){0}, stream_three);
	struct memory_reply reply;

	(void)state;
	memory_call(&reply, server, &(struct memory_request){.method = METHOD, .one_reply = true});
	assert_int_equal(reply.code, LF_UNIMPLEMENTED);
	assert_non_null(strstr(reply.text, "memory carries one reply"));
	assert_int_equal(reply.part_count, 0);
	memory_reply_clean_up(&reply);
	end(server);
}

/* A thousand parts, or as many as the budget allows. */
static void stream_many(struct lf_rpc_call *call, ProtobufCClosure closure)
{
	struct lf_error error = LF_ERROR_INIT;

	(void)closure;
	for (int i = 0; i < 1000; i++) {
		uint8_t *bytes = lf_rpc_stage_bytes(call, PART_BYTES);

		if (bytes == NULL) {
			lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "the peer is too slow");
			lf_rpc_fail(call, &error);
			return;
		}
		memset(bytes, 'p', PART_BYTES);
		assert_int_equal(lf_rpc_send_part(call, &error), LF_OK);
	}
	send_text(call, "last");
}

static void parts_that_a_peer_does_not_take_stay_within_the_budget(void **state)
{
	const struct lf_rpc_options options = {.request_bytes_max = 256 * 1024};
	struct lf_rpc_server *server = start(&options, stream_many);
	struct memory_reply reply;

	(void)state;
	memory_call(&reply, server, &(struct memory_request){.method = METHOD});
	assert_int_equal(reply.code, LF_OK);
	assert_int_equal(reply.part_count, 1000);
	memory_reply_clean_up(&reply);
	memory_call(&reply, server, &(struct memory_request){.method = METHOD, .slow = true});
	assert_int_equal(reply.code, LF_RESOURCE_EXHAUSTED);
	assert_in_range(reply.part_count, 100, 256);
	memory_reply_clean_up(&reply);
	end(server);
}

/* ---- peers, deadlines, limits ---- */

static void block(struct lf_rpc_call *call, ProtobufCClosure closure)
{
	(void)closure;
	set(&probe.blocked);
	wait_for(&probe.unblock);
	probe.was_expired = lf_rpc_expired(call);
	send_text(call, "done");
}

static void queued_work_of_a_peer_that_has_gone_is_not_begun(void **state)
{
	const struct lf_rpc_options options = {.worker_count = 1};
	struct lf_rpc_server *server = start(&options, block);
	const struct memory_request request = {.method = METHOD};
	struct memory_flight *first = memory_start(server, &request), *second;
	struct memory_reply reply;

	(void)state;
	wait_for(&probe.blocked);
	second = memory_start(server, &request);
	memory_leave(second);
	assert_false(memory_has_ended(second));
	memory_leave(first);
	set(&probe.unblock);
	memory_end(first, &reply);
	assert_true(probe.was_expired);
	expect_text(reply.last, "done");
	memory_reply_clean_up(&reply);
	memory_end(second, &reply);
	assert_false(reply.answered);
	assert_int_equal(probe.calls, 1);
	assert_int_equal(by_code(server, LF_CANCELLED), 1);
	end(server);
}

static void queued_work_whose_deadline_has_passed_is_not_begun(void **state)
{
	const struct timespec moment = {.tv_nsec = 5 * 1000000};
	const struct lf_rpc_options options = {.worker_count = 1};
	struct lf_rpc_server *server = start(&options, block);
	struct memory_flight *first = memory_start(server, &(struct memory_request){.method = METHOD}), *second;
	struct memory_reply reply;

	(void)state;
	wait_for(&probe.blocked);
	second = memory_start(server, &(struct memory_request){.method = METHOD, .timeout_ms = 1});
	nanosleep(&moment, NULL);
	set(&probe.unblock);
	memory_end(first, &reply);
	assert_int_equal(reply.code, LF_OK);
	memory_reply_clean_up(&reply);
	memory_end(second, &reply);
	assert_int_equal(reply.code, LF_DEADLINE_EXCEEDED);
	assert_int_equal(probe.calls, 1);
	memory_reply_clean_up(&reply);
	end(server);
}

static void expect_refused(struct lf_rpc_server *server, size_t bytes, const char *text)
{
	struct memory_reply reply;

	memory_call(&reply, server, &(struct memory_request){.method = METHOD, .bytes = bytes});
	assert_int_equal(reply.code, LF_RESOURCE_EXHAUSTED);
	if (strstr(reply.text, text) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", reply.text, text);
	memory_reply_clean_up(&reply);
}

static void beyond_a_limit_requests_are_refused_at_once(void **state)
{
	const struct lf_rpc_options options = {
		.worker_count = 1, .in_flight_max = 2, .request_bytes_max = 100000, .message_bytes_max = 90000};
	struct lf_rpc_server *server = start(&options, block);
	struct memory_flight *first = memory_start(server, &(struct memory_request){.method = METHOD, .bytes = 60000}),
			     *second;
	struct memory_reply reply;

	(void)state;
	wait_for(&probe.blocked);
	expect_refused(server, 90001, "the request has 90001 bytes, the limit of a message is 90000");
	expect_refused(server, 60000, "all of 100000 bytes");
	second = memory_start(server, &(struct memory_request){.method = METHOD});
	expect_refused(server, 0, "2 requests are in flight");
	set(&probe.unblock);
	memory_end(first, &reply);
	memory_reply_clean_up(&reply);
	memory_end(second, &reply);
	assert_int_equal(reply.code, LF_OK);
	memory_reply_clean_up(&reply);
	end(server);
}

/* ---- errors ---- */

static void fail_with_fields(struct lf_rpc_call *call, ProtobufCClosure closure)
{
	struct lf_error error = LF_ERROR_INIT;

	(void)closure;
	for (int i = 0; i < 20; i++)
		lf_error_add(&error, "team.members[0].evidence[0].rating", "%d is outside 1..5", i + 6);
	lf_error_summarize(&error);
	lf_rpc_fail(call, &error);
	lf_error_clean_up(&error);
}

static void an_error_is_said_as_fully_as_it_fits(void **state)
{
	static const struct {
		size_t max, fields;
		bool bare;
	} CASES[] = {{0, 20, false}, {300, 0, false}, {1, 0, true}};
	struct lf_rpc_server *server = start(&(struct lf_rpc_options){0}, fail_with_fields);

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct memory_reply reply;
		Leadfit__V1__Error *error;

		memory_call(&reply, server, &(struct memory_request){.method = METHOD, .error_max = CASES[i].max});
		assert_true(reply.answered);
		assert_int_equal(reply.code, LF_INVALID_ARGUMENT);
		assert_int_equal(reply.last.data == NULL, CASES[i].bare);
		error = CASES[i].bare ? NULL : leadfit__v1__error__unpack(NULL, reply.last.length, reply.last.data);
		if (!CASES[i].bare) {
			assert_string_equal(error->message, reply.text);
			assert_int_equal(error->code, LF_INVALID_ARGUMENT);
			assert_int_equal(error->n_violations, CASES[i].fields);
			leadfit__v1__error__free_unpacked(error, NULL);
		}
		memory_reply_clean_up(&reply);
	}
	end(server);
}

/* ---- a thread for others ---- */

static void count_dropped(void *context)
{
	assert_ptr_equal(context, &probe);
	pthread_mutex_lock(&probe.lock);
	probe.dropped++;
	pthread_mutex_unlock(&probe.lock);
}

/* The first call gives its thread to the second, and is gone on with after it. */
static void go_on(struct lf_rpc_call *call, void *context)
{
	assert_ptr_equal(context, &probe);
	if (probe.calls == 1) {
		set(&probe.blocked);
		wait_for(&probe.unblock);
		assert_true(lf_rpc_yield(call, go_on, count_dropped, &probe));
		return;
	}
	send_text(call, "after the other");
}

static void yield_to_others(struct lf_rpc_call *call, ProtobufCClosure closure)
{
	(void)closure;
	if (probe.calls == 1)
		lf_rpc_later(call, go_on, &probe);
	else
		send_text(call, "the other");
}

static void long_work_lets_others_have_its_thread(void **state)
{
	const struct lf_rpc_options options = {.worker_count = 1};
	struct lf_rpc_server *server = start(&options, yield_to_others);
	const struct memory_request request = {.method = METHOD};
	struct memory_flight *first = memory_start(server, &request), *second;
	struct memory_reply reply;

	(void)state;
	wait_for(&probe.blocked);
	second = memory_start(server, &request);
	set(&probe.unblock);
	memory_end(second, &reply);
	expect_text(reply.last, "the other");
	memory_reply_clean_up(&reply);
	memory_end(first, &reply);
	expect_text(reply.last, "after the other");
	memory_reply_clean_up(&reply);
	assert_int_equal(probe.dropped, 0);
	end(server);
}

/*
 * Three calls and three workers: the first yields until the second has begun, and both keep their workers until the third
 * was served. So whatever the yields have done, there is a worker left that is woken for the third.
 */
static bool has_begun(void)
{
	bool begun;

	pthread_mutex_lock(&probe.lock);
	begun = probe.blocked;
	pthread_mutex_unlock(&probe.lock);
	return begun;
}

static void yield_until_it_has_begun(struct lf_rpc_call *call, void *context)
{
	assert_ptr_equal(context, &probe);
	while (!has_begun())
		if (lf_rpc_yield(call, yield_until_it_has_begun, count_dropped, &probe))
			return;
	wait_for(&probe.unblock);
	send_text(call, "first");
}

static void one_of_three(struct lf_rpc_call *call, ProtobufCClosure closure)
{
	const struct lf_slice number = lf_rpc_metadata(call, "number");

	(void)closure;
	if (lf_slice_is(number, "1")) {
		lf_rpc_later(call, yield_until_it_has_begun, &probe);
		return;
	}
	if (lf_slice_is(number, "2")) {
		set(&probe.blocked);
		wait_for(&probe.unblock);
	} else {
		set(&probe.unblock);
	}
	send_text(call, "others");
}

static struct memory_flight *start_one_of_three(struct lf_rpc_server *server, const char *number)
{
	const struct lf_metadata metadata = {{"number", 6}, {number, 1}};

	return memory_start(
		server, &(struct memory_request){.method = METHOD, .metadata = &metadata, .metadata_count = 1});
}

static void a_yield_loses_nobody_a_worker(void **state)
{
	const struct lf_rpc_options options = {.worker_count = 3};
	struct lf_rpc_server *server = start(&options, one_of_three);

	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct memory_flight *flights[3];
		struct memory_reply reply;

		probe.blocked = probe.unblock = false; /* nobody is at work */
		flights[0] = start_one_of_three(server, "1");
		flights[1] = start_one_of_three(server, "2");
		wait_for(&probe.blocked);
		flights[2] = start_one_of_three(server, "3");
		for (size_t k = 0; k < 3; k++) {
			memory_end(flights[k], &reply);
			assert_int_equal(reply.code, LF_OK);
			memory_reply_clean_up(&reply);
		}
	}
	assert_int_equal(probe.dropped, 0);
	end(server);
}

/* ---- stopping ---- */

static void hold(struct lf_rpc_call *call, ProtobufCClosure closure)
{
	(void)closure;
	lf_rpc_leave(call);
	probe.held = call;
	set(&probe.blocked);
}

static void a_call_that_is_held_outlives_its_server(void **state)
{
	struct lf_rpc_server *server = start(&(struct lf_rpc_options){0}, hold);
	struct memory_flight *flight = memory_start(server, &(struct memory_request){.method = METHOD});
	struct memory_reply reply;

	(void)state;
	wait_for(&probe.blocked);
	assert_int_equal(lf_rpc_server_stop(server, 1), 1);
	memory_call(&reply, server, &(struct memory_request){.method = METHOD});
	assert_false(reply.answered); /* closed */
	lf_rpc_server_destroy(server);
	send_text(probe.held, "late");
	memory_end(flight, &reply);
	expect_text(reply.last, "late");
	memory_reply_clean_up(&reply);
}

struct steps {
	struct lf_rpc_server *server;
	char text[16];
};

static void note(struct steps *steps, const char *step)
{
	strcat(steps->text, step);
}

static void draining(void *self)
{
	note(self, "d");
}

static void drained(void *self)
{
	note(self, "D");
}

static void close_all(void *self)
{
	note(self, "c");
	lf_rpc_closed(((struct steps *)self)->server);
}

static void free_all(void *self)
{
	note(self, "f");
}

static void attached_transports_are_taken_through_the_steps_of_a_stop(void **state)
{
	static const struct lf_rpc_transport transport = {
		.name = "steps", .draining = draining, .drained = drained, .close = close_all, .free = free_all};

	(void)state;
	for (unsigned timeout_ms = 0; timeout_ms < 2; timeout_ms++) {
		struct steps steps[2] = {0};

		assert_int_equal(lf_rpc_server_new(&steps[0].server, &(struct lf_rpc_options){0}, NULL), LF_OK);
		steps[1].server = steps[0].server;
		for (size_t i = 0; i < 2; i++)
			assert_int_equal(lf_rpc_server_attach(steps[0].server, &transport, &steps[i], NULL), LF_OK);
		lf_rpc_server_stop(steps[0].server, timeout_ms);
		lf_rpc_server_destroy(steps[0].server);
		for (size_t i = 0; i < 2; i++)
			assert_string_equal(steps[i].text, timeout_ms == 0 ? "dcf" : "dDcf");
	}
}

/* ---- many at once ---- */

static void *call_many(void *server)
{
	for (int i = 0; i < 500; i++) {
		struct memory_reply reply;

		memory_call(&reply, server, &(struct memory_request){.method = METHOD});
		if (reply.code != LF_OK || reply.part_count != 3)
			return server;
		memory_reply_clean_up(&reply);
	}
	return NULL;
}

static void many_threads_are_served_at_once(void **state)
{
	struct lf_rpc_server *server = start(&(struct lf_rpc_options){.worker_count = 3}, stream_three);
	pthread_t threads[8];
	void *failed;

	(void)state;
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, call_many, server), 0);
	for (size_t i = 0; i < 8; i++) {
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	assert_int_equal(by_code(server, LF_OK), 8 * 500);
	end(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_method_of_the_interface_is_reached_and_answered),
		cmocka_unit_test(what_is_no_method_is_unimplemented),
		cmocka_unit_test(a_method_sees_the_metadata_of_its_request),
		cmocka_unit_test(a_call_may_have_several_replies),
		cmocka_unit_test(a_transport_with_one_reply_to_a_call_says_so),
		cmocka_unit_test(parts_that_a_peer_does_not_take_stay_within_the_budget),
		cmocka_unit_test(queued_work_of_a_peer_that_has_gone_is_not_begun),
		cmocka_unit_test(queued_work_whose_deadline_has_passed_is_not_begun),
		cmocka_unit_test(beyond_a_limit_requests_are_refused_at_once),
		cmocka_unit_test(an_error_is_said_as_fully_as_it_fits),
		cmocka_unit_test(long_work_lets_others_have_its_thread),
		cmocka_unit_test(a_yield_loses_nobody_a_worker),
		cmocka_unit_test(a_call_that_is_held_outlives_its_server),
		cmocka_unit_test(attached_transports_are_taken_through_the_steps_of_a_stop),
		cmocka_unit_test(many_threads_are_served_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
