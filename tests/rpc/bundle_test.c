/* Several calls in one message: each is a call of its own, whatever becomes of the others. */
#include "tests/rpc/bundled.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service/rpc/nng/internal.h"
#include "service/rpc/tokens.h"

static void assert_reply(const struct reply *reply, enum lf_code code, const char *text)
{
	assert_int_equal(reply->rc, 0);
	assert_string_equal(lf_code_name(reply->frame.status), lf_code_name(code));
	if (code != LF_OK && strstr(reply->error->message, text) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", reply->error->message, text);
}

static void assert_id(const struct reply *reply, const char *id)
{
	assert_reply(reply, LF_OK, "");
	assert_string_equal(reply->decision->decision_id, id);
}

static bool is_to_go_alone(const struct reply *reply)
{
	return lf_frame_metadata(&reply->frame, "send-alone").data != NULL;
}

/* ---- what is answered ---- */

/* A bundle on its way over a socket that others use, too. */
static void fly(struct flight *flight, nng_socket client, nng_msg *message)
{
	flight->socket = client;
	assert_int_equal(nng_ctx_open(&flight->context, client), 0);
	assert_int_equal(nng_aio_alloc(&flight->aio, NULL, NULL), 0);
	nng_aio_set_timeout(flight->aio, 60000);
	nng_aio_set_msg(flight->aio, message);
	nng_ctx_send(flight->context, flight->aio);
	nng_aio_wait(flight->aio);
	assert_int_equal(nng_aio_result(flight->aio), 0);
	nng_ctx_recv(flight->context, flight->aio);
}

static void land(struct flight *flight, struct bundled *bundled)
{
	nng_aio_wait(flight->aio);
	assert_int_equal(nng_aio_result(flight->aio), 0);
	bundle_read(bundled, nng_aio_get_msg(flight->aio));
	nng_aio_free(flight->aio);
	nng_ctx_close(flight->context);
}

static void each_call_gets_its_own_answer(void **state)
{
	const struct call_options calls[] = {
		{.key = "first", .request_id = "r-1"},
		{.rubric = "later"},
		{.rubric = "stage", .request_id = "r-3"},
		{.key = "last", .padding = 100000},
	};
	struct fixture server;
	struct bundled bundled;
	struct lf_slice id;

	(void)state;
	fixture_start(&server, NULL, "tcp");
	bundle_call(&bundled, server.url, bundle_new(calls, 4));
	assert_true(bundled.together);
	assert_int_equal(bundled.count, 4);
	assert_id(&bundled.replies[0], "first");
	assert_id(&bundled.replies[1], "held");
	assert_id(&bundled.replies[2], "parts");
	assert_id(&bundled.replies[3], "last");
	id = lf_frame_metadata(&bundled.replies[2].frame, "request-id");
	assert_int_equal(id.length, 3);
	assert_memory_equal(id.data, "r-3", 3);
	assert_null(lf_frame_metadata(&bundled.replies[1].frame, "request-id").data);
	for (size_t i = 0; i < 4; i++)
		assert_non_null(lf_frame_metadata(&bundled.replies[i].frame, "traceparent").data);
	bundle_clean_up(&bundled);
	fixture_end(&server);
}

static void one_call_may_be_a_bundle_and_so_may_64(void **state)
{
	struct call_options calls[LF_BUNDLE_MAX];
	char keys[LF_BUNDLE_MAX][24];
	struct fixture server;
	struct bundled bundled;

	(void)state;
	fixture_start(&server, NULL, "ipc");
	for (size_t i = 0; i < LF_BUNDLE_MAX; i++) {
		snprintf(keys[i], sizeof(keys[i]), "k%zu", i);
		calls[i] = (struct call_options){.key = keys[i], .rubric = i % 3 == 0 ? "now" : "stage"};
	}
	bundle_call(&bundled, server.url, bundle_new(calls, 1));
	assert_true(bundled.together);
	assert_id(&bundled.replies[0], "k0");
	bundle_clean_up(&bundled);
	bundle_call(&bundled, server.url, bundle_new(calls, LF_BUNDLE_MAX));
	assert_int_equal(bundled.count, LF_BUNDLE_MAX);
	for (size_t i = 0; i < LF_BUNDLE_MAX; i++)
		assert_id(&bundled.replies[i], i % 3 == 0 ? keys[i] : "parts");
	bundle_clean_up(&bundled);
	fixture_end(&server);
}

/* A frame of an SP message, changed at a byte. */
static nng_msg *changed(size_t at, uint8_t byte)
{
	nng_msg *message = request_new(&(struct call_options){.key = "k"});

	((uint8_t *)nng_msg_body(message))[at] = byte;
	return message;
}

static void a_call_that_fails_spoils_no_other(void **state)
{
	const struct call_options good = {.key = "good"};
	nng_msg *frames[10];
	struct fixture server;
	struct bundled bundled;

	(void)state;
	fixture_start(&server, NULL, "tcp");
	frames[0] = request_new(&good);
	frames[1] = request_new(&(struct call_options){.rubric = "fail"});
	frames[2] = request_new(&(struct call_options){.method = "leadfit.v1.Scoring/Scorr"});
	frames[3] = request_new(&(struct call_options){.rubric = "nothing"});
	frames[4] = request_new(&(struct call_options){.rubric = "stream"});
	frames[5] = request_new(&(struct call_options){.message = (const uint8_t *)"\xff", .message_length = 1});
	frames[6] = changed(0, 'X');
	frames[7] = changed(2, 9);
	frames[8] = changed(3, LF_FRAME_REPLY);
	assert_int_equal(nng_msg_alloc(&frames[9], 0), 0);
	bundle_call(&bundled, server.url, bundle_of(frames, 10));
	assert_int_equal(bundled.count, 10);
	assert_id(&bundled.replies[0], "good");
	assert_reply(&bundled.replies[1], LF_INVALID_ARGUMENT, "team.members[0].id");
	assert_int_equal(bundled.replies[1].error->n_violations, 2);
	assert_reply(&bundled.replies[2], LF_UNIMPLEMENTED, "leadfit.v1.Scoring/Score");
	assert_reply(&bundled.replies[3], LF_INTERNAL, "no reply");
	assert_reply(&bundled.replies[4], LF_UNIMPLEMENTED, "nng carries one reply to a call");
	assert_reply(&bundled.replies[5], LF_INVALID_ARGUMENT, "undecodable");
	assert_reply(&bundled.replies[6], LF_INVALID_ARGUMENT, "frame: byte 0 is 0x58");
	assert_reply(&bundled.replies[7], LF_UNIMPLEMENTED, "frame: byte 2 is 0x09");
	assert_reply(&bundled.replies[8], LF_INVALID_ARGUMENT, "a reply names no method");
	assert_reply(&bundled.replies[9], LF_INVALID_ARGUMENT, "frame: byte 0: 0: bytes are fewer");
	bundle_clean_up(&bundled);
	fixture_end(&server);
}

static struct lf_tokens *load_tokens(void)
{
	static const char LINE[] =
		"scorer 3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d score\n"; /* "b" */
	char path[] = "/tmp/lf-bundle-XXXXXX";
	struct lf_tokens *tokens;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, LINE, strlen(LINE)), strlen(LINE));
	assert_int_equal(fchmod(fd, 0600), 0);
	close(fd);
	assert_int_equal(lf_tokens_load(&tokens, path, NULL), LF_OK);
	unlink(path);
	return tokens;
}

static void a_wrong_token_is_that_of_its_call(void **state)
{
	const struct call_options calls[] = {
		{.token = "Bearer b"},
		{.token = "Bearer wrong"},
		{.token = NULL},
		{.token = "Bearer b", .method = "leadfit.v1.Scoring/Sweep"},
	};
	struct lf_tokens *tokens = load_tokens();
	const struct fixture_options options = {.rpc.tokens = tokens};
	struct fixture server;
	struct bundled bundled;

	(void)state;
	fixture_start(&server, &options, "tcp");
	bundle_call(&bundled, server.url, bundle_new(calls, 4));
	assert_reply(&bundled.replies[0], LF_OK, "");
	assert_string_equal(bundled.replies[0].decision->team->id, "scorer");
	assert_reply(&bundled.replies[1], LF_UNAUTHENTICATED, "");
	assert_reply(&bundled.replies[2], LF_UNAUTHENTICATED, "");
	assert_reply(&bundled.replies[3], LF_PERMISSION_DENIED, "");
	bundle_clean_up(&bundled);
	fixture_end(&server);
	lf_tokens_release(tokens);
}

/* A guess in a bundle is a guess: beyond what a connection may guess there are no answers. */
static void guesses_are_counted_in_bundles_too(void **state)
{
	struct call_options calls[LF_BUNDLE_MAX];
	struct lf_tokens *tokens = load_tokens();
	const struct fixture_options options = {.rpc.tokens = tokens};
	struct fixture server;
	struct bundled bundled;
	nng_socket client;
	size_t answered = 0;

	(void)state;
	for (size_t i = 0; i < LF_BUNDLE_MAX; i++)
		calls[i] = (struct call_options){.token = i == 0 ? "Bearer b" : "Bearer guess"};
	fixture_start(&server, &options, "tcp");
	client = client_open(server.url);
	for (size_t i = 0; i < 16; i++) {
		nng_msg *reply;

		assert_int_equal(nng_sendmsg(client, bundle_new(calls, LF_BUNDLE_MAX), 0), 0);
		assert_int_equal(nng_recvmsg(client, &reply, 0), 0);
		bundle_read(&bundled, reply);
		assert_reply(&bundled.replies[0], LF_OK, "");
		answered += bundled.count - 1;
		bundle_clean_up(&bundled);
	}
	assert_in_range(answered, 64, 16 * (LF_BUNDLE_MAX - 1) - 1);
	nng_close(client);
	fixture_end(&server);
	lf_tokens_release(tokens);
}

static void a_deadline_is_that_of_its_call(void **state)
{
	const struct call_options calls[] = {{.rubric = "block"}, {.timeout_ms = 1}, {.key = "patient"}};
	const struct fixture_options options = {.rpc.worker_count = 1};
	struct fixture server;
	struct bundled bundled;
	nng_socket client;
	nng_msg *reply;

	(void)state;
	fixture_start(&server, &options, "tcp");
	client = client_open(server.url);
	assert_int_equal(nng_sendmsg(client, bundle_new(calls, 3), 0), 0);
	stubs_wait_blocked(&server.stubs, 1);
	sleep_ms(20);
	stubs_unblock(&server.stubs);
	assert_int_equal(nng_recvmsg(client, &reply, 0), 0);
	bundle_read(&bundled, reply);
	assert_reply(&bundled.replies[0], LF_OK, "");
	assert_reply(&bundled.replies[1], LF_DEADLINE_EXCEEDED, "the deadline of 1 ms");
	assert_id(&bundled.replies[2], "patient");
	bundle_clean_up(&bundled);
	nng_close(client);
	fixture_end(&server);
}

/* What waits for a slow call is the bundle, not the connection. */
static void others_are_answered_while_a_bundle_waits(void **state)
{
	const struct call_options calls[] = {{.rubric = "hold"}, {.key = "quick"}};
	struct fixture server;
	struct bundled bundled;
	struct flight single;
	struct reply reply;
	nng_socket client;
	nng_msg *message;

	(void)state;
	fixture_start(&server, NULL, "tcp");
	client = client_open(server.url);
	assert_int_equal(nng_sendmsg(client, bundle_new(calls, 2), 0), 0);
	stubs_wait_held(&server.stubs, 1);
	flight_start(&single, client, &(struct call_options){.key = "single"});
	flight_end(&single, &reply);
	assert_id(&reply, "single");
	reply_clean_up(&reply);
	stubs_release(&server.stubs);
	assert_int_equal(nng_recvmsg(client, &message, 0), 0);
	bundle_read(&bundled, message);
	assert_id(&bundled.replies[0], "held");
	assert_id(&bundled.replies[1], "quick");
	bundle_clean_up(&bundled);
	nng_close(client);
	fixture_end(&server);
}

/* ---- limits ---- */

static void a_reply_without_room_is_asked_for_alone(void **state)
{
	const struct call_options calls[] = {
		{.rubric = "large"}, {.rubric = "large"}, {.rubric = "large"}, {.key = "k"}};
	struct fixture server;
	struct bundled bundled;
	struct reply reply;
	size_t fit = 0;

	(void)state;
	fixture_start(&server, NULL, "tcp");
	server.stubs.large_bytes = 15 * LF_MESSAGE_BYTES_MAX / 32;
	bundle_call(&bundled, server.url, bundle_new(calls, 4));
	assert_int_equal(bundled.count, 4);
	for (size_t i = 0; i < 3; i++) {
		fit += bundled.replies[i].frame.status == LF_OK;
		if (bundled.replies[i].frame.status == LF_OK)
			continue;
		assert_reply(&bundled.replies[i], LF_RESOURCE_EXHAUSTED, "the limit of a message");
		assert_true(is_to_go_alone(&bundled.replies[i]));
	}
	assert_int_equal(fit, 2);
	assert_id(&bundled.replies[3], "k");
	bundle_clean_up(&bundled);
	call(&reply, server.url, &calls[0]);
	assert_reply(&reply, LF_OK, "");
	reply_clean_up(&reply);
	fixture_end(&server);
}

/* Their replies begin when they are stored: asked for again, they would be stored twice. */
static void methods_that_store_are_not_begun(void **state)
{
	const struct call_options calls[] = {
		{.key = "k"},
		{.method = "leadfit.v1.Scoring/ScoreBatch", .request_id = "r-2"},
		{.method = "leadfit.v1.Scoring/Profile", .message = (const uint8_t *)"", .message_length = 0},
		{.method = "leadfit.v1.Decisions/RecordOutcome"},
	};
	struct fixture server;
	struct bundled bundled;
	struct reply alone;

	(void)state;
	fixture_start(&server, NULL, "tcp");
	bundle_call(&bundled, server.url, bundle_new(calls, 4));
	assert_id(&bundled.replies[0], "k");
	assert_reply(&bundled.replies[1], LF_UNIMPLEMENTED, "leadfit.v1.Scoring/ScoreBatch may not share a message");
	assert_true(is_to_go_alone(&bundled.replies[1]));
	assert_int_equal(lf_frame_metadata(&bundled.replies[1].frame, "request-id").length, 3);
	assert_reply(&bundled.replies[2], LF_OK, "");
	assert_reply(&bundled.replies[3], LF_UNIMPLEMENTED, "send it alone");
	bundle_clean_up(&bundled);
	call(&alone, server.url,
		&(struct call_options){.method = "leadfit.v1.Scoring/ScoreBatch",
			.message = (const uint8_t *)"",
			.message_length = 0});
	assert_reply(&alone, LF_OK, "");
	reply_clean_up(&alone);
	fixture_end(&server);
}

static void a_reply_that_fits_no_message_does_not_go_alone_either(void **state)
{
	const struct call_options calls[] = {{.rubric = "large"}, {.key = "k"}};
	struct fixture server;
	struct bundled bundled;

	(void)state;
	fixture_start(&server, NULL, "tcp");
	server.stubs.large_bytes = LF_MESSAGE_BYTES_MAX;
	bundle_call(&bundled, server.url, bundle_new(calls, 2));
	assert_reply(&bundled.replies[0], LF_RESOURCE_EXHAUSTED, "the limit of a message");
	assert_false(is_to_go_alone(&bundled.replies[0]));
	assert_id(&bundled.replies[1], "k");
	bundle_clean_up(&bundled);
	fixture_end(&server);
}

/* Errors with all their fields, of which so many do not fit: they are said without. */
static void an_error_can_always_be_said(void **state)
{
	const struct fixture_options options = {.rpc.message_bytes_max = 8 * 1024};
	struct call_options calls[LF_BUNDLE_MAX];
	struct fixture server;
	struct bundled bundled;
	size_t bare = 0;

	(void)state;
	for (size_t i = 0; i < LF_BUNDLE_MAX; i++)
		calls[i] = (struct call_options){.rubric = "fail"};
	fixture_start(&server, &options, "tcp");
	bundle_call(&bundled, server.url, bundle_new(calls, LF_BUNDLE_MAX));
	assert_int_equal(bundled.count, LF_BUNDLE_MAX);
	for (size_t i = 0; i < LF_BUNDLE_MAX; i++) {
		assert_reply(&bundled.replies[i], LF_INVALID_ARGUMENT, "");
		bare += bundled.replies[i].error->n_violations == 0;
	}
	assert_in_range(bare, 1, LF_BUNDLE_MAX - 1);
	bundle_clean_up(&bundled);
	fixture_end(&server);
}

/* Nor for the text of the error that says so: it is asked for alone all the same. */
static void a_reply_without_room_for_its_error_is_asked_for_alone(void **state)
{
	const struct fixture_options options = {.rpc.message_bytes_max = 8 * 1024};
	struct call_options calls[LF_BUNDLE_MAX];
	struct fixture server;
	struct bundled bundled;
	size_t fit = 0, bare = 0;

	(void)state;
	for (size_t i = 0; i < LF_BUNDLE_MAX; i++)
		calls[i] = (struct call_options){.key = "k"};
	fixture_start(&server, &options, "tcp");
	bundle_call(&bundled, server.url, bundle_new(calls, LF_BUNDLE_MAX));
	assert_int_equal(bundled.count, LF_BUNDLE_MAX);
	for (size_t i = 0; i < LF_BUNDLE_MAX; i++) {
		fit += bundled.replies[i].frame.status == LF_OK;
		if (bundled.replies[i].frame.status == LF_OK)
			continue;
		assert_reply(&bundled.replies[i], LF_RESOURCE_EXHAUSTED, "");
		assert_true(is_to_go_alone(&bundled.replies[i]));
		bare += bundled.replies[i].error->message[0] == '\0';
	}
	assert_in_range(fit, 1, LF_BUNDLE_MAX - 1);
	assert_in_range(bare, 1, LF_BUNDLE_MAX - 1);
	bundle_clean_up(&bundled);
	fixture_end(&server);
}

static void calls_beyond_the_limit_in_flight_are_refused_one_by_one(void **state)
{
	const struct fixture_options options = {.rpc.in_flight_max = 4};
	struct call_options calls[8];
	struct fixture server;
	struct bundled bundled;
	nng_socket client;
	nng_msg *reply;
	size_t held = 0;

	(void)state;
	for (size_t i = 0; i < 8; i++)
		calls[i] = (struct call_options){.rubric = "hold"};
	fixture_start(&server, &options, "tcp");
	client = client_open(server.url);
	assert_int_equal(nng_sendmsg(client, bundle_new(calls, 8), 0), 0);
	stubs_wait_held(&server.stubs, 2); /* a connection's share of 4 */
	assert_serves(server.url);
	stubs_release(&server.stubs);
	assert_int_equal(nng_recvmsg(client, &reply, 0), 0);
	bundle_read(&bundled, reply);
	assert_int_equal(bundled.count, 8);
	for (size_t i = 0; i < 8; i++) {
		held += bundled.replies[i].frame.status == LF_OK;
		if (bundled.replies[i].frame.status != LF_OK)
			assert_reply(&bundled.replies[i], LF_RESOURCE_EXHAUSTED, "in flight");
	}
	assert_int_equal(held, 2);
	bundle_clean_up(&bundled);
	nng_close(client);
	fixture_end(&server);
}

/* Or it would hold one of few places for as long as the others of its bundle take. */
static void no_call_of_a_bundle_is_urgent(void **state)
{
	const struct call_options check = {
		.method = "grpc.health.v1.Health/Check", .message = (const uint8_t *)"", .message_length = 0};
	const struct call_options calls[] = {{.rubric = "hold"}, check};
	const struct fixture_options options = {.rpc.in_flight_max = 1, .check_is_urgent = true};
	struct fixture server;
	struct bundled bundled;
	struct flight flight;
	struct reply alone;
	nng_socket client;

	(void)state;
	fixture_start(&server, &options, "tcp");
	client = client_open(server.url);
	fly(&flight, client, bundle_new(calls, 2));
	stubs_wait_held(&server.stubs, 1);
	call(&alone, server.url, &check);
	assert_reply(&alone, LF_OK, "");
	reply_clean_up(&alone);
	stubs_release(&server.stubs);
	land(&flight, &bundled);
	assert_id(&bundled.replies[0], "held");
	assert_reply(&bundled.replies[1], LF_RESOURCE_EXHAUSTED, "in flight");
	bundle_clean_up(&bundled);
	nng_close(client);
	fixture_end(&server);
}

/* Calls of bundles that wait are memory, admitted or not: a connection has a share of them. */
static void bundles_beyond_a_connections_share_are_refused_whole(void **state)
{
	const struct fixture_options options = {
		.rpc.in_flight_max = 8}; /* 72 calls, of which one connection has half: 36 */
	struct call_options calls[LF_BUNDLE_MAX];
	struct fixture server;
	struct bundled bundled;
	struct flight first, second;
	nng_socket client;

	(void)state;
	for (size_t i = 0; i < LF_BUNDLE_MAX; i++)
		calls[i] = (struct call_options){.rubric = i == 0 ? "hold" : "now"};
	fixture_start(&server, &options, "tcp");
	client = client_open(server.url);
	fly(&first, client, bundle_new(calls, 30));
	stubs_wait_held(&server.stubs, 1);
	fly(&second, client, bundle_new(calls + 1, 7));
	land(&second, &bundled);
	assert_false(bundled.together);
	assert_reply(&bundled.replies[0], LF_RESOURCE_EXHAUSTED, "without 7 more: retry later");
	bundle_clean_up(&bundled);
	fly(&second, client, bundle_new(calls + 1, 6));
	land(&second, &bundled);
	assert_int_equal(bundled.count, 6);
	bundle_clean_up(&bundled);
	/* Another connection has what is left. */
	bundle_call(&bundled, server.url, bundle_new(calls + 1, 10));
	assert_true(bundled.together);
	bundle_clean_up(&bundled);
	stubs_release(&server.stubs);
	land(&first, &bundled);
	assert_int_equal(bundled.count, 30);
	bundle_clean_up(&bundled);
	nng_close(client);
	fixture_end(&server);
}

/* ---- what is no bundle ---- */

static void refused(const char *url, nng_msg *message, enum lf_code code, const char *text)
{
	struct bundled bundled;

	bundle_call(&bundled, url, message);
	assert_false(bundled.together);
	assert_reply(&bundled.replies[0], code, text);
	bundle_clean_up(&bundled);
}

static void a_broken_bundle_is_refused_and_nothing_of_it_is_done(void **state)
{
	const struct call_options calls[] = {{.key = "a"}, {.key = "b"}};
	const struct fixture_options options = {.rpc.message_bytes_max = 64 * 1024};
	struct fixture server;
	nng_msg *message;

	(void)state;
	fixture_start(&server, &options, "tcp");
	message = bundle_new(calls, 2);
	((uint8_t *)nng_msg_body(message))[7] = 0;
	refused(server.url, message, LF_INVALID_ARGUMENT, "bundle: byte 4: 0: a bundle has 1..64 calls");
	message = bundle_new(calls, 2);
	((uint8_t *)nng_msg_body(message))[7] = 65;
	refused(server.url, message, LF_INVALID_ARGUMENT, "bundle: byte 4: 65: a bundle has 1..64 calls");
	message = bundle_new(calls, 2);
	assert_int_equal(nng_msg_chop(message, 1), 0);
	refused(server.url, message, LF_INVALID_ARGUMENT, "the frame runs past the end of the bundle");
	message = bundle_new(calls, 2);
	assert_int_equal(nng_msg_append(message, "x", 1), 0);
	refused(server.url, message, LF_INVALID_ARGUMENT, "1: bytes are left after the last entry");
	message = bundle_new(calls, 2);
	assert_int_equal(nng_msg_chop(message, nng_msg_len(message) - 4), 0);
	refused(server.url, message, LF_INVALID_ARGUMENT, "bundle: byte 4: 4: bytes are fewer than the 8");
	message = bundle_new(calls, 2);
	((uint8_t *)nng_msg_body(message))[3] = LF_BUNDLE_REPLIES;
	refused(server.url, message, LF_INVALID_ARGUMENT, "frame: byte 3 is 0x03: neither");
	message = bundle_new((struct call_options[]){{.padding = 40 * 1024}, {.padding = 24 * 1024}}, 2);
	refused(server.url, message, LF_RESOURCE_EXHAUSTED, "the limit of a message is 65536");
	assert_int_equal(server.stubs.scored, 0);
	assert_serves(server.url);
	fixture_end(&server);
}

static void a_bundle_whose_statuses_fit_no_message_is_refused(void **state)
{
	const struct fixture_options options = {.rpc.message_bytes_max = 1024};
	nng_msg *frames[LF_BUNDLE_MAX];
	struct fixture server;

	(void)state;
	fixture_start(&server, &options, "tcp");
	for (size_t i = 0; i < LF_BUNDLE_MAX; i++)
		assert_int_equal(nng_msg_alloc(&frames[i], 0), 0);
	refused(server.url, bundle_of(frames, LF_BUNDLE_MAX), LF_RESOURCE_EXHAUSTED, "the limit of a message is 1024");
	assert_serves(server.url);
	fixture_end(&server);
}

/* ---- endings ---- */

static void a_peer_that_goes_leaves_nothing_behind(void **state)
{
	const struct call_options calls[] = {
		{.rubric = "hold"}, {.key = "quick"}, {.rubric = "hold"}, {.rubric = "fail"}};
	struct fixture server;
	nng_socket client;

	(void)state;
	fixture_start(&server, NULL, "tcp");
	client = client_open(server.url);
	assert_int_equal(nng_sendmsg(client, bundle_new(calls, 4), 0), 0);
	stubs_wait_held(&server.stubs, 2);
	nng_close(client);
	wait_peers(server.nng, 0);
	stubs_release(&server.stubs);
	wait_ended(server.server, 4);
	assert_serves(server.url);
	fixture_end(&server);
}

static void a_stop_answers_what_is_under_way(void **state)
{
	const struct call_options calls[] = {{.rubric = "later"}, {.rubric = "hold"}, {.rubric = "hold"}};
	struct fixture server;
	struct bundled bundled;
	struct flight flight;
	nng_socket client;

	(void)state;
	fixture_start(&server, NULL, "tcp");
	client = client_open(server.url);
	fly(&flight, client, bundle_new(calls, 3));
	stubs_wait_held(&server.stubs, 2);
	fixture_end(&server); /* releases them, and stops */
	land(&flight, &bundled);
	assert_int_equal(bundled.count, 3);
	for (size_t i = 0; i < 3; i++)
		assert_id(&bundled.replies[i], "held");
	bundle_clean_up(&bundled);
	nng_close(client);
}

/* As a stop at once does: the calls that are held end when nobody is there to send. Behind them is one that was refused. */
static void calls_that_end_after_the_transport_has_closed_are_dropped(void **state)
{
	nng_msg *const frames[] = {
		request_new(&(struct call_options){.rubric = "hold"}),
		request_new(&(struct call_options){.key = "quick"}),
		request_new(&(struct call_options){.rubric = "hold"}),
		changed(0, 'X'),
	};
	struct fixture server;
	nng_socket client;

	(void)state;
	fixture_start(&server, NULL, "tcp");
	client = client_open(server.url);
	assert_int_equal(nng_sendmsg(client, bundle_of(frames, 4), 0), 0);
	stubs_wait_held(&server.stubs, 2);
	assert_int_equal(lf_rpc_server_stop(server.server, 0), 3);
	lf_rpc_server_destroy(server.server); /* the last call frees it */
	stubs_release(&server.stubs);
	stubs_clean_up(&server.stubs);
	assert_int_equal(rmdir(server.directory), 0);
	nng_close(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_call_gets_its_own_answer),
		cmocka_unit_test(one_call_may_be_a_bundle_and_so_may_64),
		cmocka_unit_test(a_call_that_fails_spoils_no_other),
		cmocka_unit_test(a_wrong_token_is_that_of_its_call),
		cmocka_unit_test(guesses_are_counted_in_bundles_too),
		cmocka_unit_test(a_deadline_is_that_of_its_call),
		cmocka_unit_test(others_are_answered_while_a_bundle_waits),
		cmocka_unit_test(a_reply_without_room_is_asked_for_alone),
		cmocka_unit_test(methods_that_store_are_not_begun),
		cmocka_unit_test(a_reply_that_fits_no_message_does_not_go_alone_either),
		cmocka_unit_test(an_error_can_always_be_said),
		cmocka_unit_test(a_reply_without_room_for_its_error_is_asked_for_alone),
		cmocka_unit_test(calls_beyond_the_limit_in_flight_are_refused_one_by_one),
		cmocka_unit_test(no_call_of_a_bundle_is_urgent),
		cmocka_unit_test(bundles_beyond_a_connections_share_are_refused_whole),
		cmocka_unit_test(a_broken_bundle_is_refused_and_nothing_of_it_is_done),
		cmocka_unit_test(a_bundle_whose_statuses_fit_no_message_is_refused),
		cmocka_unit_test(a_peer_that_goes_leaves_nothing_behind),
		cmocka_unit_test(a_stop_answers_what_is_under_way),
		cmocka_unit_test(calls_that_end_after_the_transport_has_closed_are_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
