#include "tests/client/scene.h"

#include <stdio.h>
#include <string.h>

#include "leadfit/v1/error.pb-c.h"

void scene_on_answer(const uint8_t *reply, size_t length, void *closure_data)
{
	struct answer *answer = closure_data;

	answer->length = length <= sizeof(answer->bytes) ? length : 0;
	if (reply != NULL)
		memcpy(answer->bytes, reply, answer->length);
	atomic_fetch_add(&answer->closures, 1);
}

size_t scene_start_method(struct scene *scene, unsigned method, const char *text, const struct lf_call_options *options)
{
	const size_t i = scene->count++;

	scene->calls[i] = lf_call_new(scene->client, &leadfit__v1__scoring__descriptor, options);
	assert_non_null(scene->calls[i]);
	lf_call_start_bytes(
		scene->calls[i], method, (const uint8_t *)text, strlen(text), scene_on_answer, &scene->answers[i]);
	return i;
}

size_t scene_start(struct scene *scene, const char *text)
{
	return scene_start_method(scene, SCORE, text, &PATIENT);
}

void scene_start_some(struct scene *scene, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char text[24];

		snprintf(text, sizeof(text), "%zu", i);
		scene_start(scene, text);
	}
}

void scene_set_slow(struct scene *scene, int64_t slow_ms)
{
	struct lf_nng *nng = scene->client->own;

	pthread_mutex_lock(&scene->client->mutex);
	nng->slow_ms = slow_ms;
	pthread_mutex_unlock(&scene->client->mutex);
}

void scene_begin_at(struct scene *scene, const char *url, fake_handler handler, const struct lf_client_options *options)
{
	struct lf_client_options own = options != NULL ? *options : (struct lf_client_options){0};

	memset(scene, 0, sizeof(*scene));
	fake_start(&scene->fake, url, handler);
	own.url = scene->fake.url;
	own.connect_timeout_ms = own.connect_timeout_ms != 0 ? own.connect_timeout_ms : 120000;
	assert_int_equal(lf_client_new(&scene->client, &own, NULL), LF_OK);
	scene_set_slow(scene, 3600 * 1000);
}

void scene_begin(struct scene *scene, fake_handler handler, const struct lf_client_options *options)
{
	scene_begin_at(scene, "tcp://127.0.0.1:0", handler, options);
}

void scene_begin_busy(struct scene *scene, const struct lf_client_options *options)
{
	scene_begin(scene, fake_hold, options);
	for (unsigned i = 0; i < EAGER; i++) {
		scene_start(scene, "first");
		fake_await(&scene->fake, i + 1);
	}
	for (size_t i = 0; i < EAGER; i++)
		assert_false(scene->fake.held[i]->is_bundle);
}

void scene_end(struct scene *scene)
{
	for (size_t i = 0; i < scene->count; i++) {
		lf_call_wait(scene->calls[i], NULL);
		assert_int_equal(scene->answers[i].closures, 1);
		lf_call_destroy(scene->calls[i]);
	}
	lf_client_destroy(scene->client);
	fake_stop(&scene->fake);
}

void scene_assert_answered(struct scene *scene, size_t i, const char *text)
{
	struct lf_error error = LF_ERROR_INIT;

	if (lf_call_wait(scene->calls[i], &error) != LF_OK)
		fail_msg("call %zu: %s", i, error.message);
	assert_int_equal(scene->answers[i].length, strlen(text));
	assert_memory_equal(scene->answers[i].bytes, text, strlen(text));
}

void scene_assert_failed(struct scene *scene, size_t i, enum lf_code code, const char *text)
{
	struct lf_error error = LF_ERROR_INIT;

	assert_string_equal(lf_code_name(lf_call_wait(scene->calls[i], &error)), lf_code_name(code));
	if (strstr(error.message, text) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", error.message, text);
	lf_error_clean_up(&error);
}

size_t scene_gathered(struct scene *scene)
{
	const struct lf_nng *nng = scene->client->own;
	size_t count;

	pthread_mutex_lock(&scene->client->mutex);
	count = nng->gathered;
	pthread_mutex_unlock(&scene->client->mutex);
	return count;
}

/* ---- the fake's side ---- */

unsigned scene_requests(struct scene *scene)
{
	unsigned count;

	pthread_mutex_lock(&scene->fake.mutex);
	count = scene->fake.requests;
	pthread_mutex_unlock(&scene->fake.mutex);
	return count;
}

struct fake_request *scene_take_held(struct scene *scene)
{
	struct fake *fake = &scene->fake;
	struct fake_request *request;

	pthread_mutex_lock(&fake->mutex);
	fake_must(fake->held_count > 0, "a request");
	request = fake->held[0];
	fake->held_count--;
	memmove(fake->held, fake->held + 1, fake->held_count * sizeof(request));
	pthread_mutex_unlock(&fake->mutex);
	return request;
}

struct fake_request *scene_next_message(struct scene *scene)
{
	const unsigned before = scene_requests(scene);
	struct fake_request *request;

	fake_echo(&scene->fake, scene_take_held(scene));
	fake_await(&scene->fake, before + 1);
	pthread_mutex_lock(&scene->fake.mutex);
	request = scene->fake.held[--scene->fake.held_count];
	pthread_mutex_unlock(&scene->fake.mutex);
	return request;
}

void replies_add(
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

void replies_add_error(struct replies *replies, uint32_t id, enum lf_code status, bool alone)
{
	char text[] = "said so";
	Leadfit__V1__Error error = LEADFIT__V1__ERROR__INIT;
	uint8_t bytes[64];

	error.code = (uint32_t)status;
	error.message = text;
	replies_add(replies, id, status, alone, bytes, leadfit__v1__error__pack(&error, bytes));
}

void replies_send(struct scene *scene, struct fake_request *request, struct replies *replies)
{
	lf_bundle_encode_header(LF_BUNDLE_REPLIES, replies->count, replies->bytes);
	fake_reply_raw(&scene->fake, request, replies->bytes, LF_BUNDLE_FIXED_BYTES + replies->length);
	fake_free_request(request);
}

void got_read(struct got *got, const struct fake_request *request)
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

void scene_go_on(struct scene *scene)
{
	size_t held;

	scene->fake.handler = fake_echo;
	do {
		pthread_mutex_lock(&scene->fake.mutex);
		held = scene->fake.held_count;
		pthread_mutex_unlock(&scene->fake.mutex);
		if (held != 0)
			fake_echo(&scene->fake, scene_take_held(scene));
	} while (held > 1);
}
