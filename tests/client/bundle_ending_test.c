/* Calls that went together in one message over nng end apart: given up, tried again, or their connection lost. */
#include "tests/client/scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lost_by_nng.h"

/* ---- given up ---- */

static void a_call_that_is_cancelled_before_it_is_sent_is_not_sent(void **state)
{
	struct scene scene;
	struct fake_request *message;
	struct got got;

	(void)state;
	scene_begin_busy(&scene, NULL);
	scene_start_some(&scene, 4);
	for (size_t i = 0; i < 4; i += 2) {
		lf_call_cancel(scene.calls[EAGER + i]);
		scene_assert_failed(&scene, EAGER + i, LF_CANCELLED, "");
	}
	message = scene_next_message(&scene);
	got_read(&got, message);
	assert_int_equal(got.count, 2);
	assert_int_equal(got.frames[0].message[0], '1');
	assert_int_equal(got.frames[1].message[0], '3');
	fake_echo(&scene.fake, message);
	scene_go_on(&scene);
	scene_end(&scene);
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
	scene_begin_busy(&scene, NULL);
	scene_start_some(&scene, 3);
	stop(&scene, EAGER + 1);
	message = scene_next_message(&scene);
	got_read(&got, message);
	assert_int_equal(got.count, 2);
	assert_int_equal(got.frames[1].message[0], '2');
	scene_assert_failed(&scene, EAGER + 1, LF_CANCELLED, "cancelled");
	/* Nothing is left of what is gathered. */
	scene_start(&scene, "gone");
	stop(&scene, scene.count - 1);
	before = scene_requests(&scene);
	fake_echo(&scene.fake, message);
	scene_assert_failed(&scene, scene.count - 1, LF_CANCELLED, "cancelled");
	scene_start(&scene, "after");
	fake_await(&scene.fake, before + 1);
	assert_int_equal(scene_requests(&scene), before + 1);
	scene_go_on(&scene);
	scene_end(&scene);
}

/* A service that reads nothing more while it is blocked. */
static atomic_bool blocked, gone_has_come;

static void read_when_not_blocked(struct fake *fake, struct fake_request *request)
{
	struct got got = {.count = 0};

	while (blocked)
		usleep(1000);
	if (request->is_bundle)
		got_read(&got, request);
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
	scene_begin_at(&scene, url, read_when_not_blocked, NULL);
	for (size_t i = 0; i < FILLING; i++) /* more than a socket takes */
		scene_start_method(&scene, PROFILE, large, &PATIENT);
	scene_start_some(&scene, EAGER);
	scene_start_some(&scene, FULL - 1);
	gone = scene_start(&scene, "gone");
	lf_call_cancel(scene.calls[gone]);
	scene_assert_failed(&scene, gone, LF_CANCELLED, "cancelled");
	for (size_t i = 0; i < gone; i++)
		assert_int_equal(scene.answers[i].closures, 0);
	blocked = false;
	for (size_t i = 0; i < gone; i++)
		assert_int_equal(lf_call_wait(scene.calls[i], NULL), LF_OK);
	assert_false(gone_has_come);
	scene_end(&scene);
	unlink(url + strlen("ipc://"));
	assert_int_equal(rmdir(directory), 0);
}

static void a_call_that_is_given_up_on_the_way_leaves_the_others(void **state)
{
	struct scene scene;
	struct fake_request *message;

	(void)state;
	scene_begin_busy(&scene, NULL);
	scene_start_some(&scene, 2);
	scene_start_method(&scene, SCORE, "2", &(struct lf_call_options){.timeout_ms = 300});
	message = scene_next_message(&scene);
	assert_true(message->is_bundle);
	lf_call_cancel(scene.calls[EAGER]);
	scene_assert_failed(&scene, EAGER, LF_CANCELLED, "");
	scene_assert_failed(&scene, EAGER + 2, LF_DEADLINE_EXCEEDED, "within 300 ms");
	fake_echo(&scene.fake, message); /* to all three */
	scene_assert_answered(&scene, EAGER + 1, "1");
	scene_go_on(&scene);
	scene_end(&scene);
}

static void when_all_are_given_up_their_carrier_is_free_again(void **state)
{
	struct scene scene;

	(void)state;
	scene_begin_busy(&scene, NULL);
	for (unsigned round = 0; round < 3; round++) {
		const size_t first = scene.count;

		scene_start_some(&scene, 3);
		if (round == 0)
			fake_free_request(scene_next_message(&scene)); /* which is never answered */
		else
			fake_await(&scene.fake, EAGER + 1 + round);
		for (size_t i = first; i < scene.count; i++)
			lf_call_cancel(scene.calls[i]);
		for (size_t i = first; i < scene.count; i++)
			scene_assert_failed(&scene, i, LF_CANCELLED, "");
	}
	scene_start(&scene, "after");
	fake_await(&scene.fake, EAGER + 4);
	scene_go_on(&scene);
	scene_end(&scene);
}

static void the_end_of_the_client_ends_them_all(void **state)
{
	struct scene scene;

	(void)state;
	scene_begin_busy(&scene, NULL);
	scene_start_some(&scene, 3);
	fake_free_request(scene_next_message(&scene));
	scene_start_some(&scene, 3); /* gathered */
	lf_client_destroy(scene.client);
	for (size_t i = 1; i < scene.count; i++)
		scene_assert_failed(&scene, i, LF_CANCELLED, "");
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
	struct fake_request *message = scene_next_message(scene);
	const unsigned count = scene_requests(scene);

	replies_add(&replies, 0, LF_OK, false, "yes", 3);
	replies_add_error(&replies, 1, LF_RESOURCE_EXHAUSTED, true);
	replies_send(scene, message, &replies);
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
	scene_begin_busy(scene, NULL);
	scene->calls[scene->count++] = lf_call_new(scene->client, &leadfit__v1__scoring__descriptor, &PATIENT);
	lf_call_start_bytes(scene->calls[EAGER], SCORE, (const uint8_t *)"0", 1, closure, scene);
	scene_start(scene, "1");
}

static void a_call_that_is_cancelled_is_not_sent_again(void **state)
{
	struct scene scene;
	unsigned before;

	(void)state;
	begin_pair(&scene, cancel_the_next);
	before = answer_and_send_back(&scene);
	scene_assert_failed(&scene, EAGER + 1, LF_CANCELLED, "cancelled");
	scene_start_method(&scene, PROFILE, "p", &PATIENT);
	fake_await(&scene.fake, before + 1);
	assert_int_equal(scene_requests(&scene), before + 1);
	scene_go_on(&scene);
	scene_end(&scene);
}

static void the_end_of_the_client_sends_nothing_again(void **state)
{
	struct scene scene;
	unsigned before;

	(void)state;
	begin_pair(&scene, await_closing);
	before = answer_and_send_back(&scene);
	lf_client_destroy(scene.client);
	scene_assert_failed(&scene, EAGER + 1, LF_CANCELLED, "cancelled");
	assert_int_equal(scene_requests(&scene), before);
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
	scene_begin_busy(&scene, NULL);
	scene_start(&scene, "once");
	scene_start_method(&scene, SCORE, "again", &again);
	scene_start_method(&scene, SCORE, "well", &again);
	message = scene_next_message(&scene);
	scene.fake.handler = fake_echo;
	replies_add_error(&replies, 0, LF_UNAVAILABLE, false);
	replies_add_error(&replies, 1, LF_UNAVAILABLE, false);
	replies_add(&replies, 2, LF_OK, false, "yes", 3);
	replies_send(&scene, message, &replies);
	scene_assert_failed(&scene, EAGER, LF_UNAVAILABLE, "said so");
	scene_assert_answered(&scene, EAGER + 1, "again");
	scene_assert_answered(&scene, EAGER + 2, "yes");
	scene_go_on(&scene);
	scene_end(&scene);
}

/* What was sent is lost, or tried again; what was only gathered is not lost. */
static void a_connection_that_breaks(void **state)
{
	const struct lf_call_options again = {.timeout_ms = 120000, .idempotent = true, .attempts_max = 1000};
	struct scene scene;
	char url[160];

	(void)state;
	scene_begin_busy(&scene, NULL);
	snprintf(url, sizeof(url), "%s", scene.fake.url);
	scene_start(&scene, "lost");
	scene_start_method(&scene, SCORE, "again", &again);
	fake_free_request(scene_next_message(&scene));
	scene_start(&scene, "gathered");
	scene_start(&scene, "gathered");
	fake_stop(&scene.fake);
	scene_assert_failed(&scene, EAGER, LF_UNAVAILABLE, "was lost before the answer");
	fake_start(&scene.fake, url, fake_echo);
	scene_assert_answered(&scene, EAGER + 1, "again");
	scene_assert_answered(&scene, EAGER + 2, "gathered");
	scene_assert_answered(&scene, EAGER + 3, "gathered");
	scene_end(&scene);
}

static void without_a_connection_what_is_gathered_ends(void **state)
{
	struct scene scene;

	(void)state;
	scene_begin_busy(&scene, &(struct lf_client_options){.connect_timeout_ms = 2000});
	scene_start_some(&scene, 2);
	fake_stop(&scene.fake);
	for (size_t i = 0; i < 2; i++)
		scene_assert_failed(&scene, EAGER + i, LF_UNAVAILABLE, "can't reach");
	for (size_t i = 0; i < scene.count; i++)
		lf_call_destroy(scene.calls[i]);
	lf_client_destroy(scene.client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
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
