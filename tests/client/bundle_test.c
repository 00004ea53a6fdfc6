/* Calls that go together in one message over nng, and end apart. */
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

#include "client/lib/nng.h"
#include "leadfit/v1/error.pb-c.h"
#include "leadfit/v1/scoring.pb-c.h"
#include "tests/client/fake.h"

enum { EAGER = LF_NNG_EAGER, FULL = LF_NNG_FULL, CARRIERS = LF_NNG_CARRIERS, CALLS_MAX = 400, SCORE = 0, PROFILE = 2 };

/* Calls of a client whose service is a fake. The first of them go at once, and are held: then others are gathered. */
struct scene {
	struct fake fake;
	struct lf_client *client;
	struct lf_call *calls[CALLS_MAX];
	struct answer {
		atomic_uint closures;
		uint8_t bytes[64];
		size_t length;
	} answers[CALLS_MAX];
	size_t count;
};

static void on_answer(const uint8_t *reply, size_t length, void *closure_data)
{
	struct answer *answer = closure_data;

	answer->length = length <= sizeof(answer->bytes) ? length : 0;
	if (reply != NULL)
		memcpy(answer->bytes, reply, answer->length);
	atomic_fetch_add(&answer->closures, 1);
}

/* Starts a call of a text, and gives its number. */
static size_t start_method(
	struct scene *scene, unsigned method, const char *text, const struct lf_call_options *options)
{
	const size_t i = scene->count++;

	scene->calls[i] = lf_call_new(scene->client, &leadfit__v1__scoring__descriptor, options);
	assert_non_null(scene->calls[i]);
	lf_call_start_bytes(
		scene->calls[i], method, (const uint8_t *)text, strlen(text), on_answer, &scene->answers[i]);
	return i;
}

static size_t start(struct scene *scene, const char *text)
{
	return start_method(scene, SCORE, text, &PATIENT);
}

/* So many calls, of the texts "0", "1"... */
static void start_some(struct scene *scene, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char text[24];

		snprintf(text, sizeof(text), "%zu", i);
		start(scene, text);
	}
}

/* How long a message may be under way until calls do not wait for it any more. */
static void set_slow(struct scene *scene, int64_t slow_ms)
{
	struct lf_nng *nng = scene->client->own;

	pthread_mutex_lock(&scene->client->mutex);
	nng->slow_ms = slow_ms;
	pthread_mutex_unlock(&scene->client->mutex);
}

/* No message is slow, however busy the machine is. */
static void begin_at(
	struct scene *scene, const char *url, fake_handler handler, const struct lf_client_options *options)
{
	struct lf_client_options own = options != NULL ? *options : (struct lf_client_options){0};

	memset(scene, 0, sizeof(*scene));
	fake_start(&scene->fake, url, handler);
	own.url = scene->fake.url;
	own.connect_timeout_ms = own.connect_timeout_ms != 0 ? own.connect_timeout_ms : 120000;
	assert_int_equal(lf_client_new(&scene->client, &own, NULL), LF_OK);
	set_slow(scene, 3600 * 1000);
}

static void begin(struct scene *scene, fake_handler handler, const struct lf_client_options *options)
{
	begin_at(scene, "tcp://127.0.0.1:0", handler, options);
}

/* With as many messages under way as go when they are not full, which the fake holds: numbers 0 up to EAGER - 1. */
static void begin_busy(struct scene *scene, const struct lf_client_options *options)
{
	begin(scene, fake_hold, options);
	for (unsigned i = 0; i < EAGER; i++) {
		start(scene, "first");
		fake_await(&scene->fake, i + 1);
	}
	for (size_t i = 0; i < EAGER; i++)
		assert_false(scene->fake.held[i]->is_bundle);
}

static void end(struct scene *scene)
{
	for (size_t i = 0; i < scene->count; i++) {
		lf_call_wait(scene->calls[i], NULL);
		assert_int_equal(scene->answers[i].closures, 1);
		lf_call_destroy(scene->calls[i]);
	}
	lf_client_destroy(scene->client);
	fake_stop(&scene->fake);
}

static void assert_answered(struct scene *scene, size_t i, const char *text)
{
	struct lf_error error = LF_ERROR_INIT;

	if (lf_call_wait(scene->calls[i], &error) != LF_OK)
		fail_msg("call %zu: %s", i, error.message);
	assert_int_equal(scene->answers[i].length, strlen(text));
	assert_memory_equal(scene->answers[i].bytes, text, strlen(text));
}

static void assert_failed(struct scene *scene, size_t i, enum lf_code code, const char *text)
{
	struct lf_error error = LF_ERROR_INIT;

	assert_string_equal(lf_code_name(lf_call_wait(scene->calls[i], &error)), lf_code_name(code));
	if (strstr(error.message, text) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", error.message, text);
	lf_error_clean_up(&error);
}

static size_t gathered(struct scene *scene)
{
	const struct lf_nng *nng = scene->client->own;
	size_t count;

	pthread_mutex_lock(&scene->client->mutex);
	count = nng->gathered;
	pthread_mutex_unlock(&scene->client->mutex);
	return count;
}

/* ---- the fake's side ---- */

static unsigned requests(struct scene *scene)
{
	unsigned count;

	pthread_mutex_lock(&scene->fake.mutex);
	count = scene->fake.requests;
	pthread_mutex_unlock(&scene->fake.mutex);
	return count;
}

/* Takes the first request that is held. */
static struct fake_request *take_held(struct fake *fake)
{
	struct fake_request *request;

	pthread_mutex_lock(&fake->mutex);
	fake_must(fake->held_count > 0, "a request");
	request = fake->held[0];
	fake->held_count--;
	memmove(fake->held, fake->held + 1, fake->held_count * sizeof(request));
	pthread_mutex_unlock(&fake->mutex);
	return request;
}

/* Answers the first message, so that what was gathered goes; waits for that. */
static struct fake_request *next_message(struct scene *scene)
{
	const unsigned before = requests(scene);
	struct fake_request *request;

	fake_echo(&scene->fake, take_held(&scene->fake));
	fake_await(&scene->fake, before + 1);
	pthread_mutex_lock(&scene->fake.mutex);
	request = scene->fake.held[--scene->fake.held_count];
	pthread_mutex_unlock(&scene->fake.mutex);
	return request;
}

/* A bundle that is being written. */
struct replies {
	uint8_t bytes[16 * 1024];
	size_t length, count;
};

static void add_reply(
	struct replies *replies, uint32_t id, enum lf_code status, bool alone, const void *message, size_t length)
{
	struct lf_frame frame = {.kind = LF_FRAME_REPLY, .status = status};
	uint8_t *at = replies->bytes + LF_BUNDLE_FIXED_BYTES + replies->length;
	size_t header;

	if (alone)
		frame.metadata[frame.metadata_count++] = (struct lf_metadata){{"send-alone", 10}, {"1", 1}};
	header = lf_frame_encode_header(&frame, at + LF_BUNDLE_ENTRY_BYTES, NULL);
	memcpy(at + LF_BUNDLE_ENTRY_BYTES + header, message, length);
	lf_bundle_encode_entry(id, header + length, at);
	replies->length += LF_BUNDLE_ENTRY_BYTES + header + length;
	replies->count++;
}

static void add_error(struct replies *replies, uint32_t id, enum lf_code status, bool alone)
{
	char text[] = "said so";
	Leadfit__V1__Error error = LEADFIT__V1__ERROR__INIT;
	uint8_t bytes[64];

	error.code = (uint32_t)status;
	error.message = text;
	add_reply(replies, id, status, alone, bytes, leadfit__v1__error__pack(&error, bytes));
}

static void send_replies(struct fake *fake, struct fake_request *request, struct replies *replies)
{
	lf_bundle_encode_header(LF_BUNDLE_REPLIES, replies->count, replies->bytes);
	fake_reply_raw(fake, request, replies->bytes, LF_BUNDLE_FIXED_BYTES + replies->length);
	fake_free_request(request);
}

/* The calls of a bundle, as the fake got them. */
struct got {
	size_t count;
	uint32_t ids[LF_BUNDLE_MAX];
	struct lf_frame frames[LF_BUNDLE_MAX];
};

static void read_bundle(struct got *got, const struct fake_request *request)
{
	struct lf_bundle bundle;
	const uint8_t *frame;
	size_t length;

	got->count = 0;
	fake_must(request->is_bundle, "a bundle");
	fake_must(lf_bundle_open(&bundle, LF_BUNDLE_REQUESTS, nng_msg_body(request->message),
			  nng_msg_len(request->message), NULL) == LF_OK,
		"a good bundle");
	while (lf_bundle_next(&bundle, &got->ids[got->count], &frame, &length))
		fake_must(lf_frame_decode(&got->frames[got->count++], frame, length, NULL) == LF_OK, "a frame");
}

/* Answers all that is held, and what comes. */
static void go_on(struct scene *scene)
{
	size_t held;

	scene->fake.handler = fake_echo;
	do {
		pthread_mutex_lock(&scene->fake.mutex);
		held = scene->fake.held_count;
		pthread_mutex_unlock(&scene->fake.mutex);
		if (held != 0)
			fake_echo(&scene->fake, take_held(&scene->fake));
	} while (held > 1);
}

/* ---- together ---- */

static void calls_that_start_meanwhile_go_together(void **state)
{
	struct scene scene;
	struct fake_request *message;
	struct got got;

	(void)state;
	begin_busy(&scene, &(struct lf_client_options){.token = "s3cret"});
	start_some(&scene, 5);
	message = next_message(&scene);
	read_bundle(&got, message);
	assert_int_equal(got.count, 5);
	for (size_t i = 0; i < 5; i++) {
		assert_memory_equal(got.frames[i].method.data, "leadfit.v1.Scoring/Score", 24);
		assert_in_range(got.frames[i].timeout_ms, 1, PATIENT.timeout_ms);
		assert_int_equal(got.frames[i].message[0], '0' + i); /* in their order */
		assert_int_equal(lf_frame_metadata(&got.frames[i], "authorization").length, 13);
	}
	fake_echo(&scene.fake, message);
	for (size_t i = 0; i < 5; i++)
		assert_answered(&scene, EAGER + i, (const char[]){(char)('0' + i), '\0'});
	go_on(&scene);
	end(&scene);
}

static void each_has_its_own_outcome(void **state)
{
	struct replies replies = {.count = 0};
	struct scene scene;
	struct fake_request *message;

	(void)state;
	begin_busy(&scene, NULL);
	start_some(&scene, 4);
	message = next_message(&scene);
	add_error(&replies, 2, LF_NOT_FOUND, false);
	add_reply(&replies, 77, LF_OK, false, "nobody", 6);
	add_reply(&replies, 0, LF_OK, false, "yes", 3);
	add_reply(&replies, 0, LF_OK, false, "twice", 5);
	add_reply(&replies, 1, LF_NOT_FOUND, false, "\xff", 1);
	send_replies(&scene.fake, message, &replies);
	assert_answered(&scene, EAGER, "yes");
	assert_failed(&scene, EAGER + 1, LF_INTERNAL, "the server sent rubbish");
	assert_failed(&scene, EAGER + 2, LF_NOT_FOUND, "said so");
	assert_failed(&scene, EAGER + 3, LF_UNAVAILABLE, "did not answer it");
	go_on(&scene);
	end(&scene);
}

static void a_full_message_goes_at_once(void **state)
{
	struct scene scene;
	struct got got;

	(void)state;
	begin_busy(&scene, NULL);
	start_some(&scene, FULL);
	fake_await(&scene.fake, EAGER + 1);
	read_bundle(&got, scene.fake.held[EAGER]);
	assert_int_equal(got.count, FULL);
	start_some(&scene, FULL - 1); /* not full */
	assert_int_equal(requests(&scene), EAGER + 1);
	go_on(&scene);
	end(&scene);
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
	lf_call_start_bytes(chain->scene->calls[chain->next], SCORE, (const uint8_t *)"next", 4, on_answer,
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
	begin_busy(&scene, NULL);
	for (size_t i = 0; i < count; i++) {
		chains[i] = (struct chain){&scene, scene.count};
		scene.calls[scene.count++] =
			lf_call_new(scene.client, &leadfit__v1__scoring__descriptor, &PATIENT);
		first[i] = lf_call_new(scene.client, &leadfit__v1__scoring__descriptor, &PATIENT);
		lf_call_start_bytes(first[i], SCORE, (const uint8_t *)"1", 1, start_the_next, &chains[i]);
	}
	message = next_message(&scene);
	before = requests(&scene);
	fake_echo(&scene.fake, message);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(lf_call_wait(first[i], NULL), LF_OK);
		lf_call_destroy(first[i]);
	}
	fake_await(&scene.fake, before + 1);
	read_bundle(&got, scene.fake.held[scene.fake.held_count - 1]);
	assert_int_equal(got.count, count);
	go_on(&scene);
	end(&scene);
}

/* No more messages than there are carriers; what is left goes as they come back. */
static void many_calls_are_all_answered(void **state)
{
	const size_t many = CALLS_MAX - EAGER;
	struct scene scene;

	(void)state;
	begin_busy(&scene, &(struct lf_client_options){.in_flight_max = CALLS_MAX});
	start_some(&scene, many);
	fake_await(&scene.fake, CARRIERS);
	assert_int_equal(requests(&scene), CARRIERS);
	go_on(&scene);
	for (size_t i = 0; i < many; i++) {
		char text[24];

		snprintf(text, sizeof(text), "%zu", i);
		assert_answered(&scene, EAGER + i, text);
	}
	assert_in_range(requests(&scene), EAGER + many / FULL, EAGER + many / FULL + CARRIERS + 2);
	end(&scene);
}

/* A client with fewer places than that. */
static void calls_that_wait_for_a_place_share_messages_too(void **state)
{
	struct scene scene;

	(void)state;
	begin_busy(&scene, &(struct lf_client_options){.in_flight_max = EAGER + 3});
	start_some(&scene, 9);
	go_on(&scene);
	for (size_t i = 0; i < 9; i++)
		assert_answered(&scene, EAGER + i, (const char[]){(char)('0' + i), '\0'});
	end(&scene);
}

static void other_methods_and_large_requests_go_at_once(void **state)
{
	static char text[20 * 1024];
	struct scene scene;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	begin_busy(&scene, NULL);
	start_method(&scene, PROFILE, "p", &PATIENT);
	fake_await(&scene.fake, EAGER + 1);
	start(&scene, text);
	fake_await(&scene.fake, EAGER + 2);
	for (size_t i = 0; i < EAGER + 2; i++)
		assert_false(scene.fake.held[i]->is_bundle);
	go_on(&scene);
	end(&scene);
}

static void a_call_with_little_time_goes_at_once(void **state)
{
	struct scene scene;

	(void)state;
	begin_busy(&scene, NULL);
	start_method(&scene, SCORE, "hurry", &(struct lf_call_options){.timeout_ms = LF_NNG_SLOW_MS - 1});
	assert_int_equal(gathered(&scene), 0);
	start(&scene, "patient");
	assert_int_equal(gathered(&scene), 1);
	assert_failed(&scene, EAGER, LF_DEADLINE_EXCEEDED, "");
	go_on(&scene);
	end(&scene);
}

static void who_allows_only_short_replies_gets_them_one_by_one(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene, fake_hold, &(struct lf_client_options){.reply_bytes_max = LF_MESSAGE_BYTES_MAX - 1});
	start_some(&scene, 20);
	fake_await(&scene.fake, 20);
	for (size_t i = 0; i < 20; i++)
		assert_false(scene.fake.held[i]->is_bundle);
	go_on(&scene);
	end(&scene);
}

/* As where a service drops what has a wrong token. */
static void calls_do_not_wait_for_messages_that_are_not_answered(void **state)
{
	struct scene scene;

	(void)state;
	begin_busy(&scene, NULL);
	set_slow(&scene, 50);
	start(&scene, "third"); /* nothing else starts, and nothing is answered */
	fake_await(&scene.fake, EAGER + 1);
	set_slow(&scene, 3600 * 1000);
	start_some(&scene, FULL * (CARRIERS - EAGER - 1));
	fake_await(&scene.fake, CARRIERS);
	start(&scene, "beyond");
	assert_int_equal(requests(&scene), CARRIERS);
	set_slow(&scene, 50);
	start(&scene, "beyond");
	fake_await(&scene.fake, CARRIERS + 2);
	assert_false(scene.fake.held[CARRIERS]->is_bundle);
	assert_false(scene.fake.held[CARRIERS + 1]->is_bundle);
	go_on(&scene);
	end(&scene);
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

		begin_busy(&scene, NULL);
		start_some(&scene, 10);
		refusal = CODES[c];
		refusals = executed = 0;
		scene.fake.handler = older;
		for (size_t i = 0; i < EAGER; i++)
			fake_echo(&scene.fake, take_held(&scene.fake));
		for (size_t i = 0; i < 10; i++)
			assert_answered(&scene, EAGER + i, (const char[]){(char)('0' + i), '\0'});
		assert_int_equal(refusals, 1);
		assert_int_equal(executed, 10);
		/* From here on none shares. */
		scene.fake.handler = fake_hold;
		start_some(&scene, 10);
		fake_await(&scene.fake, EAGER + 1 + 20);
		go_on(&scene);
		end(&scene);
		assert_int_equal(refusals, 1);
	}
}

static void another_error_for_all_is_that_of_each(void **state)
{
	struct scene scene;

	(void)state;
	begin_busy(&scene, NULL);
	start_some(&scene, 3);
	fake_reply_error(&scene.fake, next_message(&scene), LF_UNAVAILABLE, "no memory");
	for (size_t i = 0; i < 3; i++)
		assert_failed(&scene, EAGER + i, LF_UNAVAILABLE, "no memory");
	go_on(&scene);
	end(&scene);
}

/* Each alone may be admitted. Those that come later go together again. */
static void beyond_a_share_they_go_one_by_one(void **state)
{
	struct scene scene;
	struct fake_request *message;
	unsigned before;

	(void)state;
	begin_busy(&scene, NULL);
	start_some(&scene, 3);
	message = next_message(&scene);
	before = requests(&scene);
	fake_reply_error(&scene.fake, message, LF_RESOURCE_EXHAUSTED, "too many");
	fake_await(&scene.fake, before + 3);
	for (size_t i = 0; i < 3; i++)
		assert_false(scene.fake.held[scene.fake.held_count - 1 - i]->is_bundle);
	fake_reply_error(&scene.fake, take_held(&scene.fake), LF_RESOURCE_EXHAUSTED, "still"); /* a first one */
	fake_reply_error(&scene.fake, take_held(&scene.fake), LF_RESOURCE_EXHAUSTED, "still"); /* not again */
	assert_failed(&scene, EAGER, LF_RESOURCE_EXHAUSTED, "still");
	for (size_t i = 1; i < 3; i++) {
		fake_echo(&scene.fake, take_held(&scene.fake));
		assert_answered(&scene, EAGER + i, (const char[]){(char)('0' + i), '\0'});
	}
	for (unsigned i = 0; i < EAGER; i++) {
		start(&scene, "first");
		fake_await(&scene.fake, before + 3 + i + 1);
	}
	start_some(&scene, 2);
	message = next_message(&scene);
	assert_true(message->is_bundle);
	fake_echo(&scene.fake, message);
	go_on(&scene);
	end(&scene);
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

		begin_busy(&scene, NULL);
		start_some(&scene, 3);
		message = next_message(&scene);
		fake_reply_raw(&scene.fake, message, REPLIES[r].bytes, REPLIES[r].length);
		fake_free_request(message);
		for (size_t i = 0; i < 3; i++)
			assert_failed(&scene, EAGER + i, LF_INTERNAL, "the server sent rubbish");
		go_on(&scene);
		end(&scene);
	}
}

static void a_call_whose_reply_has_no_room_goes_alone(void **state)
{
	struct replies replies = {.count = 0};
	struct scene scene;
	struct fake_request *message;

	(void)state;
	begin_busy(&scene, NULL);
	start_some(&scene, 3);
	message = next_message(&scene);
	add_error(&replies, 0, LF_RESOURCE_EXHAUSTED, false);
	add_error(&replies, 1, LF_RESOURCE_EXHAUSTED, true);
	add_reply(&replies, 2, LF_OK, false, "yes", 3);
	send_replies(&scene.fake, message, &replies);
	assert_failed(&scene, EAGER, LF_RESOURCE_EXHAUSTED, "said so");
	assert_answered(&scene, EAGER + 2, "yes");
	fake_await(&scene.fake, EAGER + 2);
	go_on(&scene);
	assert_answered(&scene, EAGER + 1, "1");
	end(&scene);
}

/* ---- given up ---- */

static void a_call_that_is_cancelled_before_it_is_sent_is_not_sent(void **state)
{
	struct scene scene;
	struct fake_request *message;
	struct got got;

	(void)state;
	begin_busy(&scene, NULL);
	start_some(&scene, 4);
	for (size_t i = 0; i < 4; i += 2) {
		lf_call_cancel(scene.calls[EAGER + i]);
		assert_failed(&scene, EAGER + i, LF_CANCELLED, "");
	}
	message = next_message(&scene);
	read_bundle(&got, message);
	assert_int_equal(got.count, 2);
	assert_int_equal(got.frames[0].message[0], '1');
	assert_int_equal(got.frames[1].message[0], '3');
	fake_echo(&scene.fake, message);
	go_on(&scene);
	end(&scene);
}

/* As lf_call_cancel(), but the keeper is not told yet. */
static void stop(struct scene *scene, size_t i)
{
	pthread_mutex_lock(&scene->client->mutex);
	assert_true(lf_call_stop(scene->client, scene->calls[i]));
	pthread_mutex_unlock(&scene->client->mutex);
}

static void a_call_that_is_cancelled_is_not_sent_before_the_keeper_comes(void **state)
{
	struct scene scene;
	struct fake_request *message;
	struct got got;
	unsigned before;

	(void)state;
	begin_busy(&scene, NULL);
	start_some(&scene, 3);
	stop(&scene, EAGER + 1);
	message = next_message(&scene);
	read_bundle(&got, message);
	assert_int_equal(got.count, 2);
	assert_int_equal(got.frames[1].message[0], '2');
	assert_failed(&scene, EAGER + 1, LF_CANCELLED, "cancelled");
	/* Nothing is left of what is gathered. */
	start(&scene, "gone");
	stop(&scene, scene.count - 1);
	before = requests(&scene);
	fake_echo(&scene.fake, message);
	assert_failed(&scene, scene.count - 1, LF_CANCELLED, "cancelled");
	start(&scene, "after");
	fake_await(&scene.fake, before + 1);
	assert_int_equal(requests(&scene), before + 1);
	go_on(&scene);
	end(&scene);
}

/* A service that reads nothing more while it is blocked. */
static atomic_bool blocked, gone_has_come;

static void read_when_not_blocked(struct fake *fake, struct fake_request *request)
{
	struct got got = {.count = 0};

	while (blocked)
		usleep(1000);
	if (request->is_bundle)
		read_bundle(&got, request);
	for (size_t i = 0; i < got.count; i++)
		if (got.frames[i].message[0] == 'g')
			gone_has_come = true;
	fake_echo(fake, request);
}

/* Its message waits in nng, and would be sent yet. */
static void a_call_that_is_cancelled_in_a_message_that_waits_is_not_sent(void **state)
{
	enum { FILLING = 16, LARGE = 512 * 1024 };
	static char large[LARGE];
	char directory[] = "/tmp/lf-bundle-XXXXXX", url[64];
	struct scene scene;
	size_t gone;

	(void)state;
	memset(large, 'x', LARGE - 1);
	blocked = true;
	gone_has_come = false;
	assert_non_null(mkdtemp(directory));
	snprintf(url, sizeof(url), "ipc://%s/s", directory);
	begin_at(&scene, url, read_when_not_blocked, NULL);
	for (size_t i = 0; i < FILLING; i++) /* more than a socket takes */
		start_method(&scene, PROFILE, large, &PATIENT);
	start_some(&scene, EAGER);
	start_some(&scene, FULL - 1);
	gone = start(&scene, "gone");
	lf_call_cancel(scene.calls[gone]);
	assert_failed(&scene, gone, LF_CANCELLED, "cancelled");
	for (size_t i = 0; i < gone; i++)
		assert_int_equal(scene.answers[i].closures, 0);
	blocked = false;
	for (size_t i = 0; i < gone; i++)
		assert_int_equal(lf_call_wait(scene.calls[i], NULL), LF_OK);
	assert_false(gone_has_come);
	end(&scene);
	unlink(url + strlen("ipc://"));
	assert_int_equal(rmdir(directory), 0);
}

static void a_call_that_is_given_up_on_the_way_leaves_the_others(void **state)
{
	struct scene scene;
	struct fake_request *message;

	(void)state;
	begin_busy(&scene, NULL);
	start_some(&scene, 2);
	start_method(&scene, SCORE, "2", &(struct lf_call_options){.timeout_ms = 300});
	message = next_message(&scene);
	assert_true(message->is_bundle);
	lf_call_cancel(scene.calls[EAGER]);
	assert_failed(&scene, EAGER, LF_CANCELLED, "");
	assert_failed(&scene, EAGER + 2, LF_DEADLINE_EXCEEDED, "within 300 ms");
	fake_echo(&scene.fake, message); /* to all three */
	assert_answered(&scene, EAGER + 1, "1");
	go_on(&scene);
	end(&scene);
}

static void when_all_are_given_up_their_carrier_is_free_again(void **state)
{
	struct scene scene;

	(void)state;
	begin_busy(&scene, NULL);
	for (unsigned round = 0; round < 3; round++) {
		const size_t first = scene.count;

		start_some(&scene, 3);
		if (round == 0)
			fake_free_request(next_message(&scene)); /* which is never answered */
		else
			fake_await(&scene.fake, EAGER + 1 + round);
		for (size_t i = first; i < scene.count; i++)
			lf_call_cancel(scene.calls[i]);
		for (size_t i = first; i < scene.count; i++)
			assert_failed(&scene, i, LF_CANCELLED, "");
	}
	start(&scene, "after");
	fake_await(&scene.fake, EAGER + 4);
	go_on(&scene);
	end(&scene);
}

static void the_end_of_the_client_ends_them_all(void **state)
{
	struct scene scene;

	(void)state;
	begin_busy(&scene, NULL);
	start_some(&scene, 3);
	fake_free_request(next_message(&scene));
	start_some(&scene, 3); /* gathered */
	lf_client_destroy(scene.client);
	for (size_t i = 1; i < scene.count; i++)
		assert_failed(&scene, i, LF_CANCELLED, "");
	for (size_t i = 0; i < scene.count; i++) {
		assert_int_equal(scene.answers[i].closures, 1);
		lf_call_destroy(scene.calls[i]);
	}
	fake_stop(&scene.fake);
}

/* Of a bundle the first call is answered, and the second told to go alone once the first one's closure has returned. Messages so far. */
static unsigned answer_and_send_back(struct scene *scene)
{
	struct replies replies = {.count = 0};
	struct fake_request *message = next_message(scene);
	const unsigned count = requests(scene);

	add_reply(&replies, 0, LF_OK, false, "yes", 3);
	add_error(&replies, 1, LF_RESOURCE_EXHAUSTED, true);
	send_replies(&scene->fake, message, &replies);
	return count;
}

static void cancel_the_next(const uint8_t *reply, size_t length, void *closure_data)
{
	struct scene *scene = closure_data;

	(void)reply;
	(void)length;
	lf_call_cancel(scene->calls[EAGER + 1]);
	atomic_fetch_add(&scene->answers[EAGER].closures, 1);
}

static void await_closing(const uint8_t *reply, size_t length, void *closure_data)
{
	struct scene *scene = closure_data;
	bool closing = false;

	(void)reply;
	(void)length;
	while (!closing) {
		pthread_mutex_lock(&scene->client->mutex);
		closing = scene->client->closing;
		pthread_mutex_unlock(&scene->client->mutex);
		usleep(1000);
	}
	atomic_fetch_add(&scene->answers[EAGER].closures, 1);
}

/* With messages under way, a call with this closure, and another one. */
static void begin_pair(struct scene *scene, lf_call_bytes_fn closure)
{
	begin_busy(scene, NULL);
	scene->calls[scene->count++] = lf_call_new(scene->client, &leadfit__v1__scoring__descriptor, &PATIENT);
	lf_call_start_bytes(scene->calls[EAGER], SCORE, (const uint8_t *)"0", 1, closure, scene);
	start(scene, "1");
}

static void a_call_that_is_cancelled_is_not_sent_again(void **state)
{
	struct scene scene;
	unsigned before;

	(void)state;
	begin_pair(&scene, cancel_the_next);
	before = answer_and_send_back(&scene);
	assert_failed(&scene, EAGER + 1, LF_CANCELLED, "cancelled");
	start_method(&scene, PROFILE, "p", &PATIENT);
	fake_await(&scene.fake, before + 1);
	assert_int_equal(requests(&scene), before + 1);
	go_on(&scene);
	end(&scene);
}

static void the_end_of_the_client_sends_nothing_again(void **state)
{
	struct scene scene;
	unsigned before;

	(void)state;
	begin_pair(&scene, await_closing);
	before = answer_and_send_back(&scene);
	lf_client_destroy(scene.client);
	assert_failed(&scene, EAGER + 1, LF_CANCELLED, "cancelled");
	assert_int_equal(requests(&scene), before);
	for (size_t i = 0; i < scene.count; i++) {
		assert_int_equal(scene.answers[i].closures, 1);
		lf_call_destroy(scene.calls[i]);
	}
	fake_stop(&scene.fake);
}

/* ---- again ---- */

static void one_that_is_unavailable_is_tried_again_where_it_may_be(void **state)
{
	const struct lf_call_options again = {.timeout_ms = 120000, .idempotent = true};
	struct replies replies = {.count = 0};
	struct scene scene;
	struct fake_request *message;

	(void)state;
	begin_busy(&scene, NULL);
	start(&scene, "once");
	start_method(&scene, SCORE, "again", &again);
	start_method(&scene, SCORE, "well", &again);
	message = next_message(&scene);
	scene.fake.handler = fake_echo;
	add_error(&replies, 0, LF_UNAVAILABLE, false);
	add_error(&replies, 1, LF_UNAVAILABLE, false);
	add_reply(&replies, 2, LF_OK, false, "yes", 3);
	send_replies(&scene.fake, message, &replies);
	assert_failed(&scene, EAGER, LF_UNAVAILABLE, "said so");
	assert_answered(&scene, EAGER + 1, "again");
	assert_answered(&scene, EAGER + 2, "yes");
	go_on(&scene);
	end(&scene);
}

/* What was sent is lost, or tried again; what was only gathered is not lost. */
static void a_connection_that_breaks(void **state)
{
	const struct lf_call_options again = {.timeout_ms = 120000, .idempotent = true, .attempts_max = 1000};
	struct scene scene;
	char url[160];

	(void)state;
	begin_busy(&scene, NULL);
	snprintf(url, sizeof(url), "%s", scene.fake.url);
	start(&scene, "lost");
	start_method(&scene, SCORE, "again", &again);
	fake_free_request(next_message(&scene));
	start(&scene, "gathered");
	start(&scene, "gathered");
	fake_stop(&scene.fake);
	assert_failed(&scene, EAGER, LF_UNAVAILABLE, "was lost before the answer");
	fake_start(&scene.fake, url, fake_echo);
	assert_answered(&scene, EAGER + 1, "again");
	assert_answered(&scene, EAGER + 2, "gathered");
	assert_answered(&scene, EAGER + 3, "gathered");
	end(&scene);
}

static void without_a_connection_what_is_gathered_ends(void **state)
{
	struct scene scene;

	(void)state;
	begin_busy(&scene, &(struct lf_client_options){.connect_timeout_ms = 2000});
	start_some(&scene, 2);
	fake_stop(&scene.fake);
	for (size_t i = 0; i < 2; i++)
		assert_failed(&scene, EAGER + i, LF_UNAVAILABLE, "can't reach");
	for (size_t i = 0; i < scene.count; i++)
		lf_call_destroy(scene.calls[i]);
	lf_client_destroy(scene.client);
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
		cmocka_unit_test(a_call_that_is_cancelled_before_it_is_sent_is_not_sent),
		cmocka_unit_test(a_call_that_is_cancelled_is_not_sent_before_the_keeper_comes),
		cmocka_unit_test(a_call_that_is_cancelled_in_a_message_that_waits_is_not_sent),
		cmocka_unit_test(a_call_that_is_given_up_on_the_way_leaves_the_others),
		cmocka_unit_test(when_all_are_given_up_their_carrier_is_free_again),
		cmocka_unit_test(the_end_of_the_client_ends_them_all),
		cmocka_unit_test(a_call_that_is_cancelled_is_not_sent_again),
		cmocka_unit_test(the_end_of_the_client_sends_nothing_again),
		cmocka_unit_test(one_that_is_unavailable_is_tried_again_where_it_may_be),
		cmocka_unit_test(a_connection_that_breaks),
		cmocka_unit_test(without_a_connection_what_is_gathered_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
