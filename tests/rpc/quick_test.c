/* The quick method: worked on where its request arrives, and what of it may block on a worker. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "leadfit/v1/scoring.pb-c.h"
#include "tests/rpc/memory.h"

enum { LARGE = 32 * 1024 };

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	size_t begun, gone_on;
	bool blocked, unblock;
	pthread_t method, later; /* threads */
} seen = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void go_on(struct lf_rpc_call *call_of, void *context)
{
	Leadfit__V1__ProfileResponse response = LEADFIT__V1__PROFILE_RESPONSE__INIT;

	assert_ptr_equal(context, &seen);
	pthread_mutex_lock(&seen.lock);
	seen.gone_on++;
	seen.later = pthread_self();
	pthread_mutex_unlock(&seen.lock);
	assert_true(lf_rpc_stage(call_of, &response.base));
	lf_rpc_send(call_of);
}

static void profile_begins(struct lf_rpc_call *call_of)
{
	pthread_mutex_lock(&seen.lock);
	seen.begun++;
	seen.method = pthread_self();
	pthread_cond_broadcast(&seen.changed);
	pthread_mutex_unlock(&seen.lock);
	lf_rpc_later(call_of, go_on, &seen);
}

static void score_blocks(struct lf_rpc_call *call_of)
{
	Leadfit__V1__Decision decision = LEADFIT__V1__DECISION__INIT;

	pthread_mutex_lock(&seen.lock);
	seen.blocked = true;
	pthread_cond_broadcast(&seen.changed);
	while (!seen.unblock)
		pthread_cond_wait(&seen.changed, &seen.lock);
	pthread_mutex_unlock(&seen.lock);
	assert_true(lf_rpc_stage(call_of, &decision.base));
	lf_rpc_send(call_of);
}

/* Profile, which is quick, or Score, which is not. */
static void invoke(
	ProtobufCService *service, unsigned method, const ProtobufCMessage *input, ProtobufCClosure closure, void *data)
{
	(void)input;
	(void)closure;
	if (strcmp(service->descriptor->methods[method].name, "Profile") == 0)
		profile_begins(data);
	else
		score_blocks(data);
}

static struct lf_rpc_server *start(void)
{
	static ProtobufCService scoring = {.descriptor = &leadfit__v1__scoring__descriptor, .invoke = invoke};
	const struct lf_rpc_options options = {.worker_count = 1};
	struct lf_rpc_server *server;

	seen.begun = seen.gone_on = 0;
	seen.blocked = seen.unblock = false;
	assert_int_equal(lf_rpc_server_new(&server, &options, NULL), LF_OK);
	assert_int_equal(lf_rpc_server_add(server, &scoring, 0, NULL), LF_OK);
	lf_rpc_server_set_quick(server, "leadfit.v1.Scoring/Profile");
	assert_int_equal(lf_rpc_server_start(server, NULL), LF_OK);
	return server;
}

/* A ProfileRequest with a rubric's name of so many bytes. */
static size_t profile_request(size_t name_length, uint8_t **bytes)
{
	Leadfit__V1__ProfileRequest request = LEADFIT__V1__PROFILE_REQUEST__INIT;
	char *name = calloc(1, name_length + 1);
	size_t length;

	assert_non_null(name);
	memset(name, 'n', name_length);
	request.rubric = name;
	*bytes = malloc(name_length + 16);
	assert_non_null(*bytes);
	length = leadfit__v1__profile_request__pack(&request, *bytes);
	free(name);
	return length;
}

static struct memory_flight *profile_start(struct lf_rpc_server *server, size_t name_length, bool one_thread)
{
	uint8_t *bytes;
	size_t length = profile_request(name_length, &bytes);
	struct memory_flight *flight = memory_start(server,
		&(struct memory_request){.method = "leadfit.v1.Scoring/Profile",
			.message = bytes,
			.message_length = length,
			.one_thread = one_thread});

	free(bytes);
	return flight;
}

static void expect_answer(struct memory_flight *flight)
{
	struct memory_reply reply;

	memory_end(flight, &reply);
	assert_true(reply.answered);
	assert_int_equal(reply.code, LF_OK);
	memory_reply_clean_up(&reply);
}

static void a_small_request_is_begun_where_it_arrived_and_goes_on_on_a_worker(void **state)
{
	struct lf_rpc_server *server = start();
	pthread_t worker;

	(void)state;
	expect_answer(profile_start(server, LARGE, false)); /* too large for the thread that brings it */
	assert_true(pthread_equal(seen.method, seen.later));
	worker = seen.later;
	expect_answer(profile_start(server, 10, false));
	assert_true(pthread_equal(seen.method, pthread_self()));
	assert_false(pthread_equal(seen.method, worker));
	assert_true(pthread_equal(seen.later, worker));
	assert_int_equal(seen.gone_on, 2);
	assert_int_equal(lf_rpc_server_stop(server, 10000), 0);
	lf_rpc_server_destroy(server);
}

/* A call that has a worker, until seen.unblock. */
static struct memory_flight *start_blocked(struct lf_rpc_server *server)
{
	struct memory_flight *flight =
		memory_start(server, &(struct memory_request){.method = "leadfit.v1.Scoring/Score"});

	pthread_mutex_lock(&seen.lock);
	while (!seen.blocked)
		pthread_cond_wait(&seen.changed, &seen.lock);
	pthread_mutex_unlock(&seen.lock);
	return flight;
}

static void unblock(void)
{
	pthread_mutex_lock(&seen.lock);
	seen.unblock = true;
	pthread_cond_broadcast(&seen.changed);
	pthread_mutex_unlock(&seen.lock);
}

static void one_thread_for_all_connections_begins_it_only_while_nothing_is_in_flight(void **state)
{
	struct lf_rpc_server *server = start();
	struct memory_flight *other, *flight;

	(void)state;
	expect_answer(profile_start(server, 1, true));
	assert_true(pthread_equal(seen.method, pthread_self()));
	other = start_blocked(server);
	flight = profile_start(server, 1, true);
	assert_int_equal(seen.begun, 1); /* it waits for the worker */
	unblock();
	expect_answer(flight);
	expect_answer(other);
	assert_int_equal(seen.begun, 2);
	assert_false(pthread_equal(seen.method, pthread_self()));
	assert_int_equal(lf_rpc_server_stop(server, 10000), 0);
	lf_rpc_server_destroy(server);
}

static void *unblock_in_a_while(void *argument)
{
	const struct timespec while_ = {.tv_nsec = 500 * 1000000};

	(void)argument;
	nanosleep(&while_, NULL);
	unblock();
	return NULL;
}

static void a_request_that_waits_for_a_worker_when_the_server_stops_does_not_go_on(void **state)
{
	struct lf_rpc_server *server = start();
	struct memory_flight *first, *second;
	struct memory_reply reply;
	pthread_t thread;

	(void)state;
	first = start_blocked(server);
	second = profile_start(server, 1, false);
	assert_int_equal(seen.begun, 1);
	assert_int_equal(pthread_create(&thread, NULL, unblock_in_a_while, NULL), 0);
	assert_int_equal(lf_rpc_server_stop(server, 100), 2);
	pthread_join(thread, NULL);
	assert_int_equal(seen.gone_on, 0);
	lf_rpc_server_destroy(server);
	memory_end(first, &reply);
	memory_reply_clean_up(&reply);
	memory_end(second, &reply);
	assert_false(reply.answered);
	memory_reply_clean_up(&reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_small_request_is_begun_where_it_arrived_and_goes_on_on_a_worker),
		cmocka_unit_test(one_thread_for_all_connections_begins_it_only_while_nothing_is_in_flight),
		cmocka_unit_test(a_request_that_waits_for_a_worker_when_the_server_stops_does_not_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
