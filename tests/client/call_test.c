#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "grpc/health/v1/health.pb-c.h"
#include "leadfit/v1/error.pb-c.h"
#include "leadfit/v1/scoring.pb-c.h"
#include "tests/client/fake.h"

/* What a call promises against a server that behaves. */

/* By each transport. */
static const char *ANY = "tcp://127.0.0.1:0", *LOCAL = "ipc://";

/* ---- typed and plain calls ---- */

struct outcome {
	atomic_uint calls;
	bool replied;
	int status;
	struct lf_call *call;
	enum lf_code code; /* as the closure saw it */
};

static void on_health(const Grpc__Health__V1__HealthCheckResponse *reply, void *closure_data)
{
	struct outcome *outcome = closure_data;

	outcome->replied = reply != NULL;
	if (reply != NULL)
		outcome->status = (int)reply->status;
	if (outcome->call != NULL)
		outcome->code = lf_call_error(outcome->call)->code;
	atomic_fetch_add(&outcome->calls, 1);
}

static void start_health(struct outcome *outcome)
{
	Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;

	grpc__health__v1__health__check(lf_call_service(outcome->call), &request, on_health, outcome);
}

static void a_generated_function_makes_the_call(void **state)
{
	struct fake fake;
	struct outcome outcome = {0};
	struct lf_client *client;

	(void)state;
	fake_start(&fake, ANY, fake_serving);
	client = connect_to(fake.url);
	outcome.call = lf_call_new(client, &grpc__health__v1__health__descriptor, &PATIENT);
	assert_non_null(outcome.call);
	start_health(&outcome);
	assert_int_equal(lf_call_wait(outcome.call, NULL), LF_OK);
	assert_int_equal(outcome.calls, 1);
	assert_true(outcome.replied);
	assert_int_equal(outcome.status, GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING);
	assert_int_equal(outcome.code, LF_OK);
	/* A call object can be used again. */
	start_health(&outcome);
	assert_int_equal(lf_call_wait(outcome.call, NULL), LF_OK);
	assert_int_equal(outcome.calls, 2);
	lf_call_destroy(outcome.call);
	lf_client_destroy(client);
	fake_stop(&fake);
}

static void works_over_a_local_socket(void **state)
{
	char directory[] = "/tmp/lf-client-XXXXXX", url[64];
	struct fake fake;
	struct lf_client *client;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(url, sizeof(url), "%s%s/s", LOCAL, directory);
	fake_start(&fake, url, fake_serving);
	client = connect_to(url);
	assert_int_equal(check_health(client, NULL, NULL), LF_OK);
	lf_client_destroy(client);
	fake_stop(&fake);
	unlink(url + strlen(LOCAL));
	assert_int_equal(rmdir(directory), 0);
}

static void the_header_carries_method_remaining_time_token_and_ids(void **state)
{
	struct lf_call_options options = {.timeout_ms = 5000, .traceparent = "00-ab-cd-01", .request_id = "r 7"};
	struct lf_client_options client_options = {.token = "s3cret"};
	struct lf_client *client;
	struct fake fake;

	(void)state;
	fake_start(&fake, ANY, fake_note);
	client_options.url = fake.url;
	assert_int_equal(lf_client_new(&client, &client_options, NULL), LF_OK);
	assert_int_equal(check_health(client, &options, NULL), LF_OK);
	assert_string_equal(fake.seen,
		"grpc.health.v1.Health/Check|authorization=Bearer s3cret|traceparent=00-ab-cd-01|request-id=r 7");
	assert_in_range(fake.seen_timeout_ms, 1, 5000);
	lf_client_destroy(client);
	fake_stop(&fake);
}

struct bytes {
	uint8_t data[64];
	size_t length;
	bool replied;
};

static void on_bytes(const uint8_t *reply, size_t length, void *closure_data)
{
	struct bytes *bytes = closure_data;

	bytes->replied = reply != NULL;
	if (reply != NULL && length <= sizeof(bytes->data))
		memcpy(bytes->data, reply, length);
	bytes->length = length;
}

/* Gives the request's message back. */
static void echo(struct fake *fake, struct fake_request *request)
{
	fake_reply(fake, request, LF_OK, request->frame.message, request->frame.message_length);
}

static void bytes_go_and_come_as_they_are(void **state)
{
	static const uint8_t request[] = {0xff, 0x00, 0x80, 0x7f}; /* no protobuf */
	struct bytes bytes = {.length = 0};
	struct lf_client *client;
	struct lf_call *call;
	struct fake fake;

	(void)state;
	fake_start(&fake, ANY, echo);
	client = connect_to(fake.url);
	call = lf_call_new(client, &grpc__health__v1__health__descriptor, &PATIENT);
	lf_call_start_bytes(call, 0, request, sizeof(request), on_bytes, &bytes);
	assert_int_equal(lf_call_wait(call, NULL), LF_OK);
	assert_int_equal(bytes.length, sizeof(request));
	assert_memory_equal(bytes.data, request, sizeof(request));
	lf_call_start_bytes(call, 0, NULL, 0, on_bytes, &bytes);
	assert_int_equal(lf_call_wait(call, NULL), LF_OK);
	assert_true(bytes.replied);
	assert_int_equal(bytes.length, 0);
	lf_call_destroy(call);
	lf_client_destroy(client);
	fake_stop(&fake);
}

/* ---- errors that the server reports ---- */

static void refuse(struct fake *fake, struct fake_request *request)
{
	Leadfit__V1__FieldViolation first = LEADFIT__V1__FIELD_VIOLATION__INIT,
				    second = LEADFIT__V1__FIELD_VIOLATION__INIT;
	Leadfit__V1__FieldViolation *violations[] = {&first, &second};
	Leadfit__V1__Error error = LEADFIT__V1__ERROR__INIT;
	char fields[2][16] = {"team.id", "team.members"}, descriptions[2][16] = {"is empty", "is absent"},
	     text[] = "two fields";
	uint8_t bytes[256];

	first.field = fields[0];
	first.description = descriptions[0];
	second.field = fields[1];
	second.description = descriptions[1];
	error.code = LF_INVALID_ARGUMENT;
	error.message = text;
	error.violations = violations;
	error.n_violations = 2;
	fake_reply(fake, request, LF_INVALID_ARGUMENT, bytes, leadfit__v1__error__pack(&error, bytes));
}

static void an_error_comes_with_its_code_message_and_violations(void **state)
{
	struct lf_error error = LF_ERROR_INIT;
	struct outcome outcome = {0};
	struct lf_client *client;
	struct fake fake;

	(void)state;
	fake_start(&fake, ANY, refuse);
	client = connect_to(fake.url);
	assert_int_equal(check_health(client, NULL, &error), LF_INVALID_ARGUMENT);
	assert_string_equal(error.message, "two fields");
	assert_int_equal(error.violation_count, 2);
	assert_string_equal(error.violations[0].field, "team.id");
	assert_string_equal(error.violations[1].description, "is absent");
	outcome.call = lf_call_new(client, &grpc__health__v1__health__descriptor, &PATIENT);
	start_health(&outcome);
	assert_int_equal(lf_call_wait(outcome.call, NULL), LF_INVALID_ARGUMENT);
	assert_false(outcome.replied);
	assert_int_equal(outcome.code, LF_INVALID_ARGUMENT);
	assert_int_equal(lf_call_error(outcome.call)->violation_count, 2);
	lf_call_destroy(outcome.call);
	lf_error_clean_up(&error);
	lf_client_destroy(client);
	fake_stop(&fake);
}

static void say_nothing_more(struct fake *fake, struct fake_request *request)
{
	fake_reply(fake, request, LF_PERMISSION_DENIED, NULL, 0);
}

static void an_error_without_a_message_gets_the_text_of_its_code(void **state)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_client *client;
	struct fake fake;

	(void)state;
	fake_start(&fake, ANY, say_nothing_more);
	client = connect_to(fake.url);
	assert_int_equal(check_health(client, NULL, &error), LF_PERMISSION_DENIED);
	assert_string_equal(error.message, lf_code_text(LF_PERMISSION_DENIED));
	lf_error_clean_up(&error);
	lf_client_destroy(client);
	fake_stop(&fake);
}

/* ---- a service of a later version ---- */

/* SERVING, and a field that HealthCheckResponse does not have. */
static void serving_and_more(struct fake *fake, struct fake_request *request)
{
	static const uint8_t bytes[] = {0x52, 0x03, 'n', 'e', 'w', 0x08, 0x01};

	fake_reply(fake, request, LF_OK, bytes, sizeof(bytes));
}

/* A decision with more in it, in the rubric it names, too. */
static void decide_and_more(struct fake *fake, struct fake_request *request)
{
	static const uint8_t bytes[] = {
		0x0a, 0x01, 'd', 0x22, 0x07, 0x0a, 0x01, 'r', 0xfa, 0x3e, 0x01, 'x', 0xf8, 0x3e, 0x01};

	fake_reply(fake, request, LF_OK, bytes, sizeof(bytes));
}

static void on_decision(const Leadfit__V1__Decision *decision, void *closure_data)
{
	assert_non_null(decision);
	assert_string_equal(decision->decision_id, "d");
	assert_string_equal(decision->rubric->name, "r");
	*(bool *)closure_data = true;
}

static void fields_of_a_later_version_are_passed_over(void **state)
{
	Leadfit__V1__ScoreRequest request = LEADFIT__V1__SCORE_REQUEST__INIT;
	struct lf_error error = LF_ERROR_INIT;
	bool decided = false;
	ProtobufCMessage *reply;
	struct lf_client *client;
	struct lf_call *call;
	struct fake fake;

	(void)state;
	fake_start(&fake, ANY, serving_and_more);
	client = connect_to(fake.url);
	assert_int_equal(check_health(client, NULL, NULL), LF_OK);
	fake.handler = decide_and_more;
	call = lf_call_new(client, &leadfit__v1__scoring__descriptor, &PATIENT);
	leadfit__v1__scoring__score(lf_call_service(call), &request, on_decision, &decided);
	assert_int_equal(lf_call_wait(call, &error), LF_OK);
	assert_true(decided);
	lf_call_destroy(call);
	reply = lf_client_call(client, &leadfit__v1__scoring__descriptor, 0, &request.base, NULL, &error);
	assert_non_null(reply);
	assert_string_equal(((const Leadfit__V1__Decision *)reply)->rubric->name, "r");
	protobuf_c_message_free_unpacked(reply, NULL);
	lf_client_destroy(client);
	fake_stop(&fake);
}

/* ---- retry ---- */

static void unavailable_twice(struct fake *fake, struct fake_request *request)
{
	if (fake->requests % 3 == 2)
		fake_serving(fake, request);
	else
		fake_reply_error(fake, request, LF_UNAVAILABLE, "the log is being opened");
}

static void an_idempotent_call_succeeds_on_its_third_attempt(void **state)
{
	struct lf_call_options options = {.idempotent = true};
	struct lf_client *client;
	struct fake fake;

	(void)state;
	fake_start(&fake, ANY, unavailable_twice);
	client = connect_to(fake.url);
	assert_int_equal(check_health(client, &options, NULL), LF_OK);
	fake_await(&fake, 3);
	assert_int_equal(fake.requests, 3);
	lf_client_destroy(client);
	fake_stop(&fake);
}

static void a_call_that_may_not_be_repeated_is_not(void **state)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_client *client;
	struct fake fake;

	(void)state;
	fake_start(&fake, ANY, unavailable_twice);
	client = connect_to(fake.url);
	assert_int_equal(check_health(client, NULL, &error), LF_UNAVAILABLE);
	assert_string_equal(error.message, "the log is being opened");
	fake_await(&fake, 1);
	lf_client_destroy(client);
	assert_int_equal(fake.requests, 1);
	lf_error_clean_up(&error);
	fake_stop(&fake);
}

static void busy(struct fake *fake, struct fake_request *request)
{
	fake_reply_error(fake, request, LF_UNAVAILABLE, "not now");
}

static void attempts_end_at_their_maximum(void **state)
{
	struct lf_call_options options = {.idempotent = true, .attempts_max = 2};
	struct lf_error error = LF_ERROR_INIT;
	struct lf_client *client;
	struct fake fake;

	(void)state;
	fake_start(&fake, ANY, busy);
	client = connect_to(fake.url);
	assert_int_equal(check_health(client, &options, &error), LF_UNAVAILABLE);
	assert_string_equal(error.message, "not now (2 attempts)");
	fake_await(&fake, 2);
	lf_client_destroy(client);
	assert_int_equal(fake.requests, 2);
	lf_error_clean_up(&error);
	fake_stop(&fake);
}

static void attempts_end_at_the_deadline(void **state)
{
	struct lf_call_options options = {.idempotent = true, .attempts_max = 1000, .timeout_ms = 200};
	struct lf_client *client;
	struct fake fake;
	enum lf_code code;

	(void)state;
	fake_start(&fake, ANY, busy);
	client = connect_to(fake.url);
	code = check_health(client, &options, NULL);
	assert_true(code == LF_UNAVAILABLE || code == LF_DEADLINE_EXCEEDED); /* whichever was under way */
	fake_await(&fake, 1);
	lf_client_destroy(client);
	assert_in_range(fake.requests, 1, 8);
	fake_stop(&fake);
}

static void refuse_with_limit(struct fake *fake, struct fake_request *request)
{
	fake_reply_error(fake, request, LF_RESOURCE_EXHAUSTED, "1024 requests are in flight");
}

static void only_unavailable_is_retried(void **state)
{
	struct lf_call_options options = {.idempotent = true};
	struct lf_client *client;
	struct fake fake;

	(void)state;
	fake_start(&fake, ANY, refuse_with_limit);
	client = connect_to(fake.url);
	assert_int_equal(check_health(client, &options, NULL), LF_RESOURCE_EXHAUSTED);
	fake_await(&fake, 1);
	lf_client_destroy(client);
	assert_int_equal(fake.requests, 1);
	fake_stop(&fake);
}

/* ---- many at once ---- */

enum { MANY = 256 };

static void answers_out_of_order_reach_their_calls(void **state)
{
	static struct bytes bytes[MANY];
	struct lf_call *calls[MANY];
	struct lf_client *client;
	struct fake fake;

	(void)state;
	fake_start(&fake, ANY, fake_hold);
	client = connect_to(fake.url);
	for (unsigned i = 0; i < MANY; i++) {
		uint8_t request[2] = {(uint8_t)i, (uint8_t)(i >> 8)};

		calls[i] = lf_call_new(client, &grpc__health__v1__health__descriptor, &PATIENT);
		assert_non_null(calls[i]);
		lf_call_start_bytes(calls[i], 0, request, sizeof(request), on_bytes, &bytes[i]);
	}
	fake_await(&fake, MANY);
	assert_int_equal(fake.held_count, MANY);
	/*
	 * 7 and 256 have no common factor: every request once, in an order of its own. The raw REP socket drops what
	 * does not fit its queue of 64, so the answers go in portions.
	 */
	for (size_t i = 0; i < MANY; i++) {
		struct fake_request *request = fake.held[(i * 7 + 3) % MANY];
		const uint8_t *message = request->frame.message;
		struct lf_call *call = calls[message[0] | message[1] << 8];

		echo(&fake, request);
		if (i % 32 == 31)
			assert_int_equal(lf_call_wait(call, NULL), LF_OK);
	}
	fake.held_count = 0;
	for (unsigned i = 0; i < MANY; i++) {
		assert_int_equal(lf_call_wait(calls[i], NULL), LF_OK);
		assert_int_equal(bytes[i].length, 2);
		assert_int_equal(bytes[i].data[0] | bytes[i].data[1] << 8, i);
		lf_call_destroy(calls[i]);
	}
	lf_client_destroy(client);
	fake_stop(&fake);
}

static void calls_beyond_the_limit_wait_their_turn(void **state)
{
	struct lf_client_options options = {.in_flight_max = 2};
	struct bytes bytes[5];
	struct lf_call *calls[5];
	struct lf_client *client;
	struct fake fake;

	(void)state;
	fake_start(&fake, ANY, fake_hold);
	options.url = fake.url;
	assert_int_equal(lf_client_new(&client, &options, NULL), LF_OK);
	for (unsigned i = 0; i < 5; i++) {
		uint8_t request = (uint8_t)i;

		calls[i] = lf_call_new(client, &grpc__health__v1__health__descriptor, &PATIENT);
		lf_call_start_bytes(calls[i], 0, &request, 1, on_bytes, &bytes[i]);
	}
	/* Each answer lets exactly the next one through. The first two are sent by different threads, so either may come first. */
	for (unsigned i = 0; i < 5; i++) {
		uint8_t which;

		fake_await(&fake, i + 2 < 5 ? i + 2 : 5);
		assert_int_equal(fake.held_count, i + 2 < 5 ? i + 2 : 5);
		which = fake.held[i]->frame.message[0];
		if (i < 2)
			assert_in_range(which, 0, 1);
		else
			assert_int_equal(which, i);
		echo(&fake, fake.held[i]);
		fake.held[i] = NULL;
		assert_int_equal(lf_call_wait(calls[which], NULL), LF_OK);
		lf_call_destroy(calls[which]);
	}
	fake.held_count = 0;
	lf_client_destroy(client);
	fake_stop(&fake);
}

static void waiting_counts_against_the_deadline(void **state)
{
	struct lf_call_options hurried = {.timeout_ms = 50};
	struct lf_client_options options = {.in_flight_max = 1};
	struct bytes bytes;
	struct lf_client *client;
	struct lf_call *first;
	struct fake fake;

	(void)state;
	fake_start(&fake, ANY, fake_hold);
	options.url = fake.url;
	assert_int_equal(lf_client_new(&client, &options, NULL), LF_OK);
	first = lf_call_new(client, &grpc__health__v1__health__descriptor, &PATIENT);
	lf_call_start_bytes(first, 0, NULL, 0, on_bytes, &bytes);
	fake_await(&fake, 1);
	assert_int_equal(check_health(client, &hurried, NULL), LF_DEADLINE_EXCEEDED);
	echo(&fake, fake.held[0]);
	fake.held_count = 0;
	assert_int_equal(lf_call_wait(first, NULL), LF_OK);
	assert_int_equal(fake.requests, 1); /* the hurried one was never sent */
	lf_call_destroy(first);
	lf_client_destroy(client);
	fake_stop(&fake);
}

struct chain {
	struct lf_call *calls[4];
	struct outcome outcomes[4];
	atomic_uint ended;
	struct lf_client *client;
};

static void on_link(const Grpc__Health__V1__HealthCheckResponse *reply, void *closure_data)
{
	struct chain *chain = closure_data;
	Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
	unsigned next = atomic_fetch_add(&chain->ended, 1) + 1;

	assert_non_null(reply);
	if (next < 4)
		grpc__health__v1__health__check(lf_call_service(chain->calls[next]), &request, on_link, chain);
}

static void a_closure_may_start_another_call(void **state)
{
	Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
	struct chain chain = {.client = NULL};
	struct fake fake;

	(void)state;
	fake_start(&fake, ANY, fake_serving);
	chain.client = connect_to(fake.url);
	for (size_t i = 0; i < 4; i++)
		chain.calls[i] = lf_call_new(chain.client, &grpc__health__v1__health__descriptor, &PATIENT);
	grpc__health__v1__health__check(lf_call_service(chain.calls[0]), &request, on_link, &chain);
	for (size_t i = 0; i < 4; i++) {
		/* Each was started within the closure of the one before, for whose end this waits. */
		assert_int_equal(lf_call_wait(chain.calls[i], NULL), LF_OK);
		lf_call_destroy(chain.calls[i]);
	}
	assert_int_equal(chain.ended, 4);
	lf_client_destroy(chain.client);
	fake_stop(&fake);
}

enum { THREADS = 8, CALLS_EACH = 50 };

static void *call_often(void *arg)
{
	for (unsigned i = 0; i < CALLS_EACH; i++)
		if (check_health(arg, NULL, NULL) != LF_OK)
			return arg;
	return NULL;
}

static void threads_share_a_client(void **state)
{
	struct lf_client_options options = {.in_flight_max = 3};
	pthread_t threads[THREADS];
	struct lf_client *client;
	struct fake fake;
	void *failed;

	(void)state;
	fake_start(&fake, ANY, fake_serving);
	options.url = fake.url;
	assert_int_equal(lf_client_new(&client, &options, NULL), LF_OK);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, call_often, client), 0);
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	lf_client_destroy(client);
	fake_stop(&fake);
}

/* ---- what can't be started ---- */

static void what_can_not_be_sent_fails_at_once(void **state)
{
	Leadfit__V1__ScoreRequest wrong = LEADFIT__V1__SCORE_REQUEST__INIT;
	struct lf_call_options bad_id = {.request_id = "caf\xc3\xa9"};
	struct lf_error error = LF_ERROR_INIT;
	struct bytes bytes = {.replied = true};
	struct lf_client *client;
	struct lf_call *call;
	struct fake fake;
	uint8_t *large = calloc(1, LF_MESSAGE_BYTES_MAX);

	(void)state;
	assert_non_null(large);
	fake_start(&fake, ANY, fake_serving);
	client = connect_to(fake.url);
	assert_null(lf_client_call(client, &grpc__health__v1__health__descriptor, 0, &wrong.base, NULL, &error));
	assert_int_equal(error.code, LF_INVALID_ARGUMENT);
	assert_string_equal(error.message,
		"grpc.health.v1.Health/Check takes a grpc.health.v1.HealthCheckRequest, not a leadfit.v1.ScoreRequest");
	assert_null(lf_client_call(client, &grpc__health__v1__health__descriptor, 7, &wrong.base, NULL, &error));
	assert_int_equal(error.code, LF_UNIMPLEMENTED);
	assert_int_equal(check_health(client, &bad_id, &error), LF_INVALID_ARGUMENT);
	call = lf_call_new(client, &grpc__health__v1__health__descriptor, &PATIENT);
	assert_int_equal(lf_call_wait(call, NULL), LF_FAILED_PRECONDITION);
	lf_call_start_bytes(call, 0, large, LF_MESSAGE_BYTES_MAX, on_bytes, &bytes);
	assert_false(bytes.replied); /* the closure has run */
	assert_int_equal(lf_call_wait(call, &error), LF_INVALID_ARGUMENT);
	assert_non_null(strstr(error.message, "4194304"));
	assert_int_equal(fake.requests, 0);
	lf_call_destroy(call);
	lf_error_clean_up(&error);
	lf_client_destroy(client);
	fake_stop(&fake);
	free(large);
}

static void a_message_of_the_largest_size_goes_both_ways(void **state)
{
	size_t length = LF_MESSAGE_BYTES_MAX - LF_FRAME_FIXED_BYTES - strlen("grpc.health.v1.Health/Check");
	uint8_t *large = calloc(1, length);
	struct bytes bytes;
	struct lf_client *client;
	struct lf_call *call;
	struct fake fake;

	(void)state;
	assert_non_null(large);
	fake_start(&fake, ANY, echo);
	client = connect_to(fake.url);
	call = lf_call_new(client, &grpc__health__v1__health__descriptor, &PATIENT);
	lf_call_start_bytes(call, 0, large, length, on_bytes, &bytes);
	assert_int_equal(lf_call_wait(call, NULL), LF_OK);
	assert_int_equal(bytes.length, length);
	lf_call_destroy(call);
	lf_client_destroy(client);
	fake_stop(&fake);
	free(large);
}

static void options_that_make_no_sense_are_refused(void **state)
{
	static const char *const urls[] = {NULL, "", "tcp://", "tls+tcp://127.0.0.1:80", "tcp://127.0.0.1",
		"tcp://127.0.0.1:99999999", "tcp://127.0.0.1:0", "tcp://127.0.0.1:http", "tcp://:7460",
		"127.0.0.1:7460", "ipc://", "inproc://x"};
	struct lf_error error = LF_ERROR_INIT;
	struct lf_client *client;

	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		assert_int_equal(lf_client_new(&client, &(struct lf_client_options){.url = urls[i]}, &error),
			LF_INVALID_ARGUMENT);
		assert_null(client);
	}
	assert_int_equal(lf_client_new(&client,
				 &(struct lf_client_options){.url = "tcp://127.0.0.1:1", .token = "a\nb"}, &error),
		LF_INVALID_ARGUMENT);
	assert_int_equal(
		lf_client_new(&client, &(struct lf_client_options){.url = "tcp://127.0.0.1:1", .in_flight_max = 5000},
			&error),
		LF_INVALID_ARGUMENT);
	lf_error_clean_up(&error);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_generated_function_makes_the_call),
		cmocka_unit_test(works_over_a_local_socket),
		cmocka_unit_test(the_header_carries_method_remaining_time_token_and_ids),
		cmocka_unit_test(bytes_go_and_come_as_they_are),
		cmocka_unit_test(an_error_comes_with_its_code_message_and_violations),
		cmocka_unit_test(an_error_without_a_message_gets_the_text_of_its_code),
		cmocka_unit_test(fields_of_a_later_version_are_passed_over),
		cmocka_unit_test(an_idempotent_call_succeeds_on_its_third_attempt),
		cmocka_unit_test(a_call_that_may_not_be_repeated_is_not),
		cmocka_unit_test(attempts_end_at_their_maximum),
		cmocka_unit_test(attempts_end_at_the_deadline),
		cmocka_unit_test(only_unavailable_is_retried),
		cmocka_unit_test(answers_out_of_order_reach_their_calls),
		cmocka_unit_test(calls_beyond_the_limit_wait_their_turn),
		cmocka_unit_test(waiting_counts_against_the_deadline),
		cmocka_unit_test(a_closure_may_start_another_call),
		cmocka_unit_test(threads_share_a_client),
		cmocka_unit_test(what_can_not_be_sent_fails_at_once),
		cmocka_unit_test(a_message_of_the_largest_size_goes_both_ways),
		cmocka_unit_test(options_that_make_no_sense_are_refused),
	};

	int failed;

	alarm(290); /* a hang is a failure, told by a core */
	failed = cmocka_run_group_tests_name("calls over nng", tests, NULL, NULL);
	ANY = "http://127.0.0.1:0";
	LOCAL = "unix:";
	return failed + cmocka_run_group_tests_name("calls over HTTP/2", tests, NULL, NULL);
}
