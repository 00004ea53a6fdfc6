/* Calls that go together in one message over nng: a client, its calls, and a fake service that holds them. */
#ifndef LF_TESTS_CLIENT_SCENE_H
#define LF_TESTS_CLIENT_SCENE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdatomic.h>

#include "client/lib/nng.h"
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

/* No message is slow, however busy the machine is. */
void scene_begin_at(
	struct scene *scene, const char *url, fake_handler handler, const struct lf_client_options *options);
void scene_begin(struct scene *scene, fake_handler handler, const struct lf_client_options *options);
/* With as many messages under way as go when they are not full, which the fake holds: numbers 0 up to EAGER - 1. */
void scene_begin_busy(struct scene *scene, const struct lf_client_options *options);
/* Waits for all calls; each must have had its closure once. */
void scene_end(struct scene *scene);
/* How long a message may be under way until calls do not wait for it any more. */
void scene_set_slow(struct scene *scene, int64_t slow_ms);

/* Starts a call of a text, and gives its number. */
size_t scene_start_method(
	struct scene *scene, unsigned method, const char *text, const struct lf_call_options *options);
size_t scene_start(struct scene *scene, const char *text);
/* So many calls, of the texts "0", "1"... */
void scene_start_some(struct scene *scene, size_t count);
/* Their closure. */
void scene_on_answer(const uint8_t *reply, size_t length, void *closure_data);
void scene_assert_answered(struct scene *scene, size_t i, const char *text);
void scene_assert_failed(struct scene *scene, size_t i, enum lf_code code, const char *text);
/* How many calls are gathered. */
size_t scene_gathered(struct scene *scene);

/* ---- the fake's side ---- */

/* How many messages have come. */
unsigned scene_requests(struct scene *scene);
/* Takes the first message that is held. */
struct fake_request *scene_take_held(struct scene *scene);
/* Answers the first message, so that what was gathered goes; waits for that. */
struct fake_request *scene_next_message(struct scene *scene);
/* Answers all that is held, and what comes. */
void scene_go_on(struct scene *scene);

/* A bundle that is being written. */
struct replies {
	uint8_t bytes[16 * 1024];
	size_t length, count;
};

void replies_add(
	struct replies *replies, uint32_t id, enum lf_code status, bool alone, const void *message, size_t length);
void replies_add_error(struct replies *replies, uint32_t id, enum lf_code status, bool alone);
void replies_send(struct scene *scene, struct fake_request *request, struct replies *replies);

/* The calls of a bundle, as the fake got them. */
struct got {
	size_t count;
	uint32_t ids[LF_BUNDLE_MAX];
	struct lf_frame frames[LF_BUNDLE_MAX];
};

void got_read(struct got *got, const struct fake_request *request);

#endif
