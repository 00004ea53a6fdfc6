/* Calls that go together in one message over nng: which do, and what they are answered. */
#include "tests/client/scene.h"

#include <stdio.h>
#include <string.h>

/* ---- together ---- */

static void calls_that_start_meanwhile_go_together(void **state)
{
	struct scene scene;
	struct fake_request *message;
	struct got got;

	(void)state;
	scene_begin_busy(&scene, &(struct lf_client_options){.token = "s3cret"});
	scene_start_some(&scene, 5);
	message = scene_next_message(&scene);
	got_read(&got, message);
	assert_int_equal(got.count, 5);
	for (size_t i = 0; i < 5; i++) {
		assert_memory_equal(got.frames[i].method.data, "leadfit.v1.Scoring/Score", 24);
		assert_in_range(got.frames[i].timeout_ms, 1, PATIENT.timeout_ms);
		assert_int_equal(got.frames[i].message[0], '0' + i); /* in their order */
		assert_int_equal(lf_frame_metadata(&got.frames[i], "authorization").length, 13);
	}
	fake_echo(&scene.fake, message);
	for (size_t i = 0; i < 5; i++)
		scene_assert_answered(&scene, EAGER + i, (const char[]){(char)('0' + i), '\0'});
	scene_go_on(&scene);
	scene_end(&scene);
}

static void each_has_its_own_outcome(void **state)
{
	struct replies replies = {.count = 0};
	struct scene scene;
	struct fake_request *message;

	(void)state;
	scene_begin_busy(&scene, NULL);
	scene_start_some(&scene, 4);
	message = scene_next_message(&scene);
	replies_add_error(&replies, 2, LF_NOT_FOUND, false);
	replies_add(&replies, 77, LF_OK, false, "nobody", 6);
	replies_add(&replies, 0, LF_OK, false, "yes", 3);
	replies_add(&replies, 0, LF_OK, false, "twice", 5);
	replies_add(&replies, 1, LF_NOT_FOUND, false, "\xff", 1);
	replies_send(&scene, message, &replies);
	scene_assert_answered(&scene, EAGER, "yes");
	scene_assert_failed(&scene, EAGER + 1, LF_INTERNAL, "the server sent rubbish");
	scene_assert_failed(&scene, EAGER + 2, LF_NOT_FOUND, "said so");
	scene_assert_failed(&scene, EAGER + 3, LF_UNAVAILABLE, "did not answer it");
	scene_go_on(&scene);
	scene_end(&scene);
}

static void a_full_message_goes_at_once(void **state)
{
	struct scene scene;
	struct got got;

	(void)state;
	scene_begin_busy(&scene, NULL);
	scene_start_some(&scene, FULL);
	fake_await(&scene.fake, EAGER + 1);
	got_read(&got, scene.fake.held[EAGER]);
	assert_int_equal(got.count, FULL);
	scene_start_some(&scene, FULL - 1); /* not full */
	assert_int_equal(scene_requests(&scene), EAGER + 1);
	scene_go_on(&scene);
	scene_end(&scene);
}

/* Calls that closures of a bundle's calls start. */
static struct chain {
	struct scene *scene;
	size_t next; /* its number */
} chains[5];

static void start_the_next(const uint8_t *reply, size_t length, void *closure_data)
{
	const struct chain *chain = closure_data;

	(void)reply;
	(void)length;
	lf_call_start_bytes(chain->scene->calls[chain->next], SCORE, (const uint8_t *)"next", 4, scene_on_answer,
		&chain->scene->answers[chain->next]);
}

static void what_closures_start_goes_together(void **state)
{
	const size_t count = sizeof(chains) / sizeof(chains[0]);
	struct lf_call *first[sizeof(chains) / sizeof(chains[0])];
	struct scene scene;
	struct fake_request *message;
	struct got got;
	unsigned before;

	(void)state;
	scene_begin_busy(&scene, NULL);
	for (size_t i = 0; i < count; i++) {
		chains[i] = (struct chain){&scene, scene.count};
		scene.calls[scene.count++] = lf_call_new(scene.client, &leadfit__v1__scoring__descriptor, &PATIENT);
		first[i] = lf_call_new(scene.client, &leadfit__v1__scoring__descriptor, &PATIENT);
		lf_call_start_bytes(first[i], SCORE, (const uint8_t *)"1", 1, start_the_next, &chains[i]);
	}
	message = scene_next_message(&scene);
	before = scene_requests(&scene);
	fake_echo(&scene.fake, message);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(lf_call_wait(first[i], NULL), LF_OK);
		lf_call_destroy(first[i]);
	}
	fake_await(&scene.fake, before + 1);
	got_read(&got, scene.fake.held[scene.fake.held_count - 1]);
	assert_int_equal(got.count, count);
	scene_go_on(&scene);
	scene_end(&scene);
}

/* No more messages than there are carriers; what is left goes as they come back. */
static void many_calls_are_all_answered(void **state)
{
	const size_t many = CALLS_MAX - EAGER;
	struct scene scene;

	(void)state;
	scene_begin_busy(&scene, &(struct lf_client_options){.in_flight_max = CALLS_MAX});
	scene_start_some(&scene, many);
	fake_await(&scene.fake, CARRIERS);
	assert_int_equal(scene_requests(&scene), CARRIERS);
	scene_go_on(&scene);
	for (size_t i = 0; i < many; i++) {
		char text[24];

		snprintf(text, sizeof(text), "%zu", i);
		scene_assert_answered(&scene, EAGER + i, text);
	}
	assert_in_range(scene_requests(&scene), EAGER + many / FULL, EAGER + many / FULL + CARRIERS + 2);
	scene_end(&scene);
}

/* A client with fewer places than that. */
static void calls_that_wait_for_a_place_share_messages_too(void **state)
{
	struct scene scene;

	(void)state;
	scene_begin_busy(&scene, &(struct lf_client_options){.in_flight_max = EAGER + 3});
	scene_start_some(&scene, 9);
	scene_go_on(&scene);
	for (size_t i = 0; i < 9; i++)
		scene_assert_answered(&scene, EAGER + i, (const char[]){(char)('0' + i), '\0'});
	scene_end(&scene);
}

static void other_methods_and_large_requests_go_at_once(void **state)
{
	static char text[20 * 1024];
	struct scene scene;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	scene_begin_busy(&scene, NULL);
	scene_start_method(&scene, PROFILE, "p", &PATIENT);
	fake_await(&scene.fake, EAGER + 1);
	scene_start(&scene, text);
	fake_await(&scene.fake, EAGER + 2);
	for (size_t i = 0; i < EAGER + 2; i++)
		assert_false(scene.fake.held[i]->is_bundle);
	scene_go_on(&scene);
	scene_end(&scene);
}

static void a_call_with_little_time_goes_at_once(void **state)
{
	struct scene scene;

	(void)state;
	scene_begin_busy(&scene, NULL);
	scene_start_method(&scene, SCORE, "hurry", &(struct lf_call_options){.timeout_ms = LF_NNG_SLOW_MS - 1});
	assert_int_equal(scene_gathered(&scene), 0);
	scene_start(&scene, "patient");
	assert_int_equal(scene_gathered(&scene), 1);
	scene_assert_failed(&scene, EAGER, LF_DEADLINE_EXCEEDED, "");
	scene_go_on(&scene);
	scene_end(&scene);
}

static void who_allows_only_short_replies_gets_them_one_by_one(void **state)
{
	struct scene scene;

	(void)state;
	scene_begin(&scene, fake_hold, &(struct lf_client_options){.reply_bytes_max = LF_MESSAGE_BYTES_MAX - 1});
	scene_start_some(&scene, 20);
	fake_await(&scene.fake, 20);
	for (size_t i = 0; i < 20; i++)
		assert_false(scene.fake.held[i]->is_bundle);
	scene_go_on(&scene);
	scene_end(&scene);
}

/* As where a service drops what has a wrong token. */
static void calls_do_not_wait_for_messages_that_are_not_answered(void **state)
{
	struct scene scene;

	(void)state;
	scene_begin_busy(&scene, NULL);
	scene_set_slow(&scene, 50);
	scene_start(&scene, "third"); /* nothing else starts, and nothing is answered */
	fake_await(&scene.fake, EAGER + 1);
	scene_set_slow(&scene, 3600 * 1000);
	scene_start_some(&scene, FULL * (CARRIERS - EAGER - 1));
	fake_await(&scene.fake, CARRIERS);
	scene_start(&scene, "beyond");
	assert_int_equal(scene_requests(&scene), CARRIERS);
	scene_set_slow(&scene, 50);
	scene_start(&scene, "beyond");
	fake_await(&scene.fake, CARRIERS + 2);
	assert_false(scene.fake.held[CARRIERS]->is_bundle);
	assert_false(scene.fake.held[CARRIERS + 1]->is_bundle);
	scene_go_on(&scene);
	scene_end(&scene);
}

/* ---- refused ---- */

static atomic_uint refusals, executed;
static _Atomic enum lf_code refusal;

/* As a service that knows no bundles. */
static void older(struct fake *fake, struct fake_request *request)
{
	if (request->is_bundle) {
		atomic_fetch_add(&refusals, 1);
		fake_reply_error(
			fake, request, refusal, "frame: byte 3 is 0x02: neither a request (0) nor a reply (1)");
		return;
	}
	atomic_fetch_add(&executed, 1);
	fake_echo(fake, request);
}

static void an_older_service_gets_them_one_by_one(void **state)
{
	static const enum lf_code CODES[] = {LF_INVALID_ARGUMENT, LF_UNIMPLEMENTED};

	(void)state;
	for (size_t c = 0; c < 2; c++) {
		struct scene scene;

		scene_begin_busy(&scene, NULL);
		scene_start_some(&scene, 10);
		refusal = CODES[c];
		refusals = executed = 0;
		scene.fake.handler = older;
		for (size_t i = 0; i < EAGER; i++)
			fake_echo(&scene.fake, scene_take_held(&scene));
		for (size_t i = 0; i < 10; i++)
			scene_assert_answered(&scene, EAGER + i, (const char[]){(char)('0' + i), '\0'});
		assert_int_equal(refusals, 1);
		assert_int_equal(executed, 10);
		/* From here on none shares. */
		scene.fake.handler = fake_hold;
		scene_start_some(&scene, 10);
		fake_await(&scene.fake, EAGER + 1 + 20);
		scene_go_on(&scene);
		scene_end(&scene);
		assert_int_equal(refusals, 1);
	}
}

static void another_error_for_all_is_that_of_each(void **state)
{
	struct scene scene;

	(void)state;
	scene_begin_busy(&scene, NULL);
	scene_start_some(&scene, 3);
	fake_reply_error(&scene.fake, scene_next_message(&scene), LF_UNAVAILABLE, "no memory");
	for (size_t i = 0; i < 3; i++)
		scene_assert_failed(&scene, EAGER + i, LF_UNAVAILABLE, "no memory");
	scene_go_on(&scene);
	scene_end(&scene);
}

/* Each alone may be admitted. Those that come later go together again. */
static void beyond_a_share_they_go_one_by_one(void **state)
{
	struct scene scene;
	struct fake_request *message;
	unsigned before;

	(void)state;
	scene_begin_busy(&scene, NULL);
	scene_start_some(&scene, 3);
	message = scene_next_message(&scene);
	before = scene_requests(&scene);
	fake_reply_error(&scene.fake, message, LF_RESOURCE_EXHAUSTED, "too many");
	fake_await(&scene.fake, before + 3);
	for (size_t i = 0; i < 3; i++)
		assert_false(scene.fake.held[scene.fake.held_count - 1 - i]->is_bundle);
	fake_reply_error(&scene.fake, scene_take_held(&scene), LF_RESOURCE_EXHAUSTED, "still"); /* a first one */
	fake_reply_error(&scene.fake, scene_take_held(&scene), LF_RESOURCE_EXHAUSTED, "still"); /* not again */
	scene_assert_failed(&scene, EAGER, LF_RESOURCE_EXHAUSTED, "still");
	for (size_t i = 1; i < 3; i++) {
		fake_echo(&scene.fake, scene_take_held(&scene));
		scene_assert_answered(&scene, EAGER + i, (const char[]){(char)('0' + i), '\0'});
	}
	for (unsigned i = 0; i < EAGER; i++) {
		scene_start(&scene, "first");
		fake_await(&scene.fake, before + 3 + i + 1);
	}
	scene_start_some(&scene, 2);
	message = scene_next_message(&scene);
	assert_true(message->is_bundle);
	fake_echo(&scene.fake, message);
	scene_go_on(&scene);
	scene_end(&scene);
}

static void rubbish_for_all_is_that_of_each(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
	} REPLIES[] = {
		{"", 0},
		{"not a bundle at all", 19},
		{"LF\x01\x01\0\0\0\0\0\0\0\0yes", 15}, /* one answer to all */
		{"LF\x01\x03\0\0\0\0", 8},
		{"LF\x01\x03\0\0\0\2\0\0\0\0", 12},
		{"LF\x01\x02\0\0\0\1\0\0\0\0\0\0\0\0", 16},
	};

	(void)state;
	for (size_t r = 0; r < sizeof(REPLIES) / sizeof(REPLIES[0]); r++) {
		struct scene scene;
		struct fake_request *message;

		scene_begin_busy(&scene, NULL);
		scene_start_some(&scene, 3);
		message = scene_next_message(&scene);
		fake_reply_raw(&scene.fake, message, REPLIES[r].bytes, REPLIES[r].length);
		fake_free_request(message);
		for (size_t i = 0; i < 3; i++)
			scene_assert_failed(&scene, EAGER + i, LF_INTERNAL, "the server sent rubbish");
		scene_go_on(&scene);
		scene_end(&scene);
	}
}

static void a_call_whose_reply_has_no_room_goes_alone(void **state)
{
	struct replies replies = {.count = 0};
	struct scene scene;
	struct fake_request *message;

	(void)state;
	scene_begin_busy(&scene, NULL);
	scene_start_some(&scene, 3);
	message = scene_next_message(&scene);
	replies_add_error(&replies, 0, LF_RESOURCE_EXHAUSTED, false);
	replies_add_error(&replies, 1, LF_RESOURCE_EXHAUSTED, true);
	replies_add(&replies, 2, LF_OK, false, "yes", 3);
	replies_send(&scene, message, &replies);
	scene_assert_failed(&scene, EAGER, LF_RESOURCE_EXHAUSTED, "said so");
	scene_assert_answered(&scene, EAGER + 2, "yes");
	fake_await(&scene.fake, EAGER + 2);
	scene_go_on(&scene);
	scene_assert_answered(&scene, EAGER + 1, "1");
	scene_end(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_that_start_meanwhile_go_together),
		cmocka_unit_test(a_full_message_goes_at_once),
		cmocka_unit_test(each_has_its_own_outcome),
		cmocka_unit_test(what_closures_start_goes_together),
		cmocka_unit_test(many_calls_are_all_answered),
		cmocka_unit_test(calls_that_wait_for_a_place_share_messages_too),
		cmocka_unit_test(other_methods_and_large_requests_go_at_once),
		cmocka_unit_test(a_call_with_little_time_goes_at_once),
		cmocka_unit_test(who_allows_only_short_replies_gets_them_one_by_one),
		cmocka_unit_test(calls_do_not_wait_for_messages_that_are_not_answered),
		cmocka_unit_test(an_older_service_gets_them_one_by_one),
		cmocka_unit_test(another_error_for_all_is_that_of_each),
		cmocka_unit_test(beyond_a_share_they_go_one_by_one),
		cmocka_unit_test(rubbish_for_all_is_that_of_each),
		cmocka_unit_test(a_call_whose_reply_has_no_room_goes_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
