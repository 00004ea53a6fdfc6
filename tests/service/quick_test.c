/* The quick method: worked on where its request arrives, and what of it may block on a worker. */
#include "tests/rpc/help.h"

#include <stdlib.h>
#include <string.h>

enum { LARGE = 32 * 1024 };

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	size_t begun, gone_on;
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

static void begin(Leadfit__V1__Scoring_Service *service, const Leadfit__V1__ProfileRequest *input,
	Leadfit__V1__ProfileResponse_Closure closure, void *data)
{
	(void)service;
	(void)input;
	(void)closure;
	pthread_mutex_lock(&seen.lock);
	seen.begun++;
	seen.method = pthread_self();
	pthread_cond_broadcast(&seen.changed);
	pthread_mutex_unlock(&seen.lock);
	lf_rpc_later(data, go_on, &seen);
}

static void start(struct fixture *fixture)
{
	struct lf_error error = LF_ERROR_INIT;

	memset(fixture, 0, sizeof(*fixture));
	seen.begun = seen.gone_on = 0;
	stubs_init(&fixture->stubs);
	fixture->stubs.scoring.profile = begin;
	fixture->options.rpc.worker_count = 1;
	assert_int_equal(server_new(&fixture->server, &fixture->nng, &fixture->options, &error), LF_OK);
	stubs_add(&fixture->stubs, fixture->server);
	lf_rpc_server_set_quick(fixture->server, "leadfit.v1.Scoring/Profile");
	if (lf_rpc_nng_listen(fixture->nng, "tcp://127.0.0.1:0", fixture->url, sizeof(fixture->url), &error) != LF_OK)
		fail_msg("%s", error.message);
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

static void profile(const char *url, size_t name_length)
{
	uint8_t *bytes;
	size_t length = profile_request(name_length, &bytes);
	const struct call_options options = {
		.method = "leadfit.v1.Scoring/Profile", .message = bytes, .message_length = length};
	struct reply reply;

	call(&reply, url, &options);
	assert_int_equal(reply.rc, 0);
	assert_int_equal(reply.frame.status, LF_OK);
	reply_clean_up(&reply);
	free(bytes);
}

static void a_small_request_is_begun_where_it_arrived_and_goes_on_on_a_worker(void **state)
{
	struct fixture fixture;
	pthread_t worker;

	(void)state;
	start(&fixture);
	profile(fixture.url, LARGE); /* too large for nng's thread */
	assert_true(pthread_equal(seen.method, seen.later));
	worker = seen.later;
	profile(fixture.url, 10);
	assert_false(pthread_equal(seen.method, worker));
	assert_true(pthread_equal(seen.later, worker));
	assert_int_equal(seen.gone_on, 2);
	assert_int_equal(lf_rpc_server_stop(fixture.server, 10000), 0);
	lf_rpc_server_destroy(fixture.server);
	stubs_clean_up(&fixture.stubs);
}

static void *unblock_in_a_while(void *argument)
{
	sleep_ms(500);
	stubs_unblock(argument);
	return NULL;
}

static void a_request_that_waits_for_a_worker_when_the_server_stops_does_not_go_on(void **state)
{
	const struct call_options blocking = {.rubric = "block"};
	struct flight first, second;
	struct fixture fixture;
	struct reply reply;
	nng_socket client;
	pthread_t thread;
	uint8_t *bytes;
	size_t length = profile_request(1, &bytes);
	const struct call_options quick = {
		.method = "leadfit.v1.Scoring/Profile", .message = bytes, .message_length = length};

	(void)state;
	start(&fixture);
	client = client_open(fixture.url);
	flight_start(&first, client, &blocking);
	stubs_wait_blocked(&fixture.stubs, 1);
	flight_start(&second, client, &quick);
	pthread_mutex_lock(&seen.lock);
	while (seen.begun == 0)
		pthread_cond_wait(&seen.changed, &seen.lock);
	pthread_mutex_unlock(&seen.lock);
	assert_int_equal(pthread_create(&thread, NULL, unblock_in_a_while, &fixture.stubs), 0);
	assert_int_equal(lf_rpc_server_stop(fixture.server, 100), 2);
	pthread_join(thread, NULL);
	assert_int_equal(seen.gone_on, 0);
	lf_rpc_server_destroy(fixture.server);
	nng_close(client);
	flight_end(&first, &reply);
	reply_clean_up(&reply);
	flight_end(&second, &reply);
	reply_clean_up(&reply);
	stubs_clean_up(&fixture.stubs);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_small_request_is_begun_where_it_arrived_and_goes_on_on_a_worker),
		cmocka_unit_test(a_request_that_waits_for_a_worker_when_the_server_stops_does_not_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
