/*
 * HTTP/2 and gRPC without sockets: what is fed, and what comes out. Calls and their errors, what nghttp2 leaves open, what
 * floods and half-done things come to.
 */
#include "tests/http/fed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/base64.h"

static const char SCORE[] = "/leadfit.v1.Scoring/Score", CHECK[] = "/grpc.health.v1.Health/Check";
static const uint8_t EMPTY[5];
static const char PREFACE[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
static const uint8_t SETTINGS[] = {0, 0, 0, 4, 0, 0, 0, 0, 0};

/* A framed ScoreRequest that tells the stub what to do. */
static size_t score(uint8_t *out, const char *rubric, const char *key)
{
	Leadfit__V1__ScoreRequest request;
	char rubric_text[32], key_text[64];
	uint8_t packed[256];

	leadfit__v1__score_request__init(&request);
	snprintf(rubric_text, sizeof(rubric_text), "%s", rubric);
	snprintf(key_text, sizeof(key_text), "%s", key);
	request.rubric = rubric_text;
	request.idempotency_key = key_text;
	return fed_framed(out, packed, leadfit__v1__score_request__pack(&request, packed));
}

static struct fed_stream *call_score(struct fed *fed, const char *rubric, const char *const *more)
{
	static uint8_t bodies[FED_STREAMS_MAX][300];
	uint8_t *body = bodies[fed->stream_count];

	return fed_call(fed, SCORE, body, score(body, rubric, "k"), more);
}

static void assert_ok(const struct fed_stream *stream)
{
	assert_int_equal(stream->status, 200);
	assert_int_equal(stream->grpc, 0);
	assert_int_equal(stream->error, NGHTTP2_NO_ERROR);
}

/* ---- calls ---- */

static void a_call_is_answered(void **state)
{
	const char *const more[] = {"request-id", "r-1", NULL};
	struct fed_stream *stream;
	struct fed fed;

	(void)state;
	fed_start(&fed, NULL, NULL, true);
	stream = fed_call(&fed, CHECK, EMPTY, sizeof(EMPTY), more);
	fed_wait(&fed, stream);
	assert_ok(stream);
	assert_string_equal(stream->type, "application/grpc");
	assert_string_equal(stream->request_id, "r-1");
	assert_int_equal(stream->length, 7);
	assert_memory_equal(stream->body, "\0\0\0\0\2\x08\1", 7);
	fed_end(&fed);
}

static void calls_answered_elsewhere_and_later_are_answered(void **state)
{
	struct fed_stream *streams[4];
	struct fed fed;

	(void)state;
	fed_start(&fed, NULL, NULL, true);
	streams[0] = call_score(&fed, "now", NULL);
	streams[1] = call_score(&fed, "later", NULL);
	streams[2] = call_score(&fed, "stage", NULL);
	streams[3] = call_score(&fed, "stream", NULL);
	for (size_t i = 0; i < 4; i++) {
		fed_wait(&fed, streams[i]);
		assert_ok(streams[i]);
	}
	assert_memory_equal(streams[2]->body, "\0\0\0\0\7\x0a\5parts", 12);
	assert_int_equal(streams[3]->length, 10); /* two replies */
	fed_end(&fed);
}

static void an_error_has_code_message_and_details(void **state)
{
	uint8_t status[8192];
	struct fed_stream *stream;
	size_t length;
	struct fed fed;

	(void)state;
	fed_start(&fed, NULL, NULL, true);
	stream = call_score(&fed, "fail", NULL);
	fed_wait(&fed, stream);
	assert_int_equal(stream->status, 200);
	assert_int_equal(stream->grpc, LF_INVALID_ARGUMENT);
	assert_string_equal(stream->message, "team.members[0].id: is empty (and 1 more)");
	assert_true(lf_base64_parse(stream->details, strlen(stream->details), status, &length));
	assert_non_null(memmem(status, length, "type.googleapis.com/leadfit.v1.Error", 36));
	assert_non_null(memmem(status, length, "project.id", 10));
	assert_true(stream->ended_first);
	fed_end(&fed);
}

static void what_is_no_request_says_so(void **state)
{
	static const struct {
		const char *body;
		size_t length;
		int code;
		const char *message;
	} CASES[] = {
		{"", 0, LF_INVALID_ARGUMENT, "the body has 0 bytes; a message and its prefix of 5 are wanted"},
		{"\0\0\0", 3, LF_INVALID_ARGUMENT, "the body has 3 bytes; a message and its prefix of 5 are wanted"},
		{"\0\0\0\0\1", 5, LF_INVALID_ARGUMENT,
			"the message's prefix says 1 bytes, and 0 follow it: one message is wanted"},
		{"\0\0\0\0\0x", 6, LF_INVALID_ARGUMENT,
			"the message's prefix says 0 bytes, and 1 follow it: one message is wanted"},
		{"\1\0\0\0\0", 5, LF_UNIMPLEMENTED,
			"the message is compressed; only grpc-encoding identity is known here"},
		{"\2\0\0\0\0", 5, LF_INVALID_ARGUMENT,
			"the message's prefix begins with 0x02; it is 0x00 where it is not compressed"},
		{"\0\377\377\377\377", 5, LF_RESOURCE_EXHAUSTED,
			"the request has 4294967295 bytes, the limit of a message is 4194304"},
	};
	struct fed fed;

	(void)state;
	fed_start(&fed, NULL, NULL, true);
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		struct fed_stream *stream = fed_call(&fed, CHECK, CASES[i].body, CASES[i].length, NULL);

		fed_wait(&fed, stream);
		assert_int_equal(stream->grpc, CASES[i].code);
		assert_string_equal(stream->message, CASES[i].message);
	}
	fed_end(&fed);
}

static void what_is_not_grpc_is_answered_by_http(void **state)
{
	static const struct {
		const char *more[4];
		int status;
	} CASES[] = {
		{{"content-type", "text/html", NULL}, 415},
		{{"content-type", "application/grpc+json", NULL}, 415},
		{{":method", "PUT", NULL}, 405},
		{{"te", NULL}, 415},
	};
	struct fed fed;

	(void)state;
	fed_start(&fed, NULL, NULL, true);
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		struct fed_stream *stream = fed_call(&fed, CHECK, EMPTY, sizeof(EMPTY), CASES[i].more);

		fed_wait(&fed, stream);
		assert_int_equal(stream->status, CASES[i].status);
		assert_int_equal(stream->grpc, -1);
	}
	fed_end(&fed);
}

static void a_bad_timeout_and_an_unknown_encoding_are_refused(void **state)
{
	static const char *const BAD[] = {"", "1", "m", "123456789m", "1.5S", "-1m", "1s", "1 m"};
	const char *const gzip[] = {"grpc-encoding", "gzip", NULL};
	struct fed_stream *stream;
	struct fed fed;

	(void)state;
	fed_start(&fed, NULL, NULL, true);
	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
		const char *const more[] = {"grpc-timeout", BAD[i], NULL};

		stream = fed_call(&fed, CHECK, EMPTY, sizeof(EMPTY), more);
		fed_wait(&fed, stream);
		assert_int_equal(stream->grpc, LF_INVALID_ARGUMENT);
		assert_non_null(strstr(stream->message, "grpc-timeout"));
	}
	stream = fed_call(&fed, CHECK, EMPTY, sizeof(EMPTY), gzip);
	fed_wait(&fed, stream);
	assert_int_equal(stream->grpc, LF_UNIMPLEMENTED);
	fed_end(&fed);
}

static void a_deadline_holds(void **state)
{
	const char *const more[] = {"grpc-timeout", "1n", NULL};
	struct fed_stream *blocked[2], *late;
	struct fed fed;

	(void)state;
	fed_start(&fed, NULL, NULL, true);
	blocked[0] = call_score(&fed, "block", NULL);
	blocked[1] = call_score(&fed, "block", NULL);
	fed_turn(&fed);
	stubs_wait_blocked(&fed.stubs, 2);
	late = call_score(&fed, "now", more);
	fed_turn(&fed);
	sleep_ms(5);
	stubs_unblock(&fed.stubs);
	fed_wait(&fed, late);
	assert_int_equal(late->grpc, LF_DEADLINE_EXCEEDED);
	fed_wait(&fed, blocked[0]);
	fed_wait(&fed, blocked[1]);
	fed_end(&fed);
}

static void web_has_its_trailers_in_the_body(void **state)
{
	const char *const web[] = {"content-type", "application/grpc-web+proto", NULL};
	const char *const text[] = {"content-type", "application/grpc-web-text", NULL};
	struct fed_stream *stream;
	struct fed fed;

	(void)state;
	fed_start(&fed, NULL, NULL, true);
	stream = fed_call(&fed, CHECK, EMPTY, sizeof(EMPTY), web);
	fed_wait(&fed, stream);
	assert_int_equal(stream->status, 200);
	assert_int_equal(stream->grpc, -1);
	assert_int_equal(stream->length, 7 + 5 + 16);
	assert_memory_equal(stream->body, "\0\0\0\0\2\x08\1\x80\0\0\0\x10grpc-status: 0\r\n", 28);
	stream = fed_call(&fed, CHECK, "AAAAAAA=", 8, text);
	fed_wait(&fed, stream);
	assert_memory_equal(stream->body, "AAAAAAIIAYAAAAAQZ3JwYy1zdGF0dXM6IDANCg==", 40);
	stream = fed_call(&fed, CHECK, "AAAAAAA!", 8, text);
	fed_wait(&fed, stream);
	assert_memory_equal(stream->body, "gAAA", 4);
	stream = fed_call(&fed, "/leadfit.v1.Scoring/Nope", EMPTY, sizeof(EMPTY), web);
	fed_wait(&fed, stream);
	assert_int_equal(stream->body[0], 0x80);
	assert_non_null(memmem(stream->body, stream->length, "grpc-status: 12\r\n", 17));
	fed_end(&fed);
}

static void large_messages_pass_and_too_large_ones_are_refused(void **state)
{
	const size_t large = 3 * 1024 * 1024;
	const char *const web[] = {"content-type", "application/grpc-web", NULL};
	uint8_t *body = calloc(1, 6 * 1024 * 1024);
	struct fed_stream *stream;
	struct fed fed;

	(void)state;
	assert_non_null(body);
	fed_start(&fed, NULL, NULL, true);
	fed.stubs.large_bytes = large;
	stream = call_score(&fed, "large", NULL);
	fed_wait(&fed, stream);
	assert_ok(stream);
	assert_true(stream->length > large);
	/* A request: undecodable, but taken in as a whole. */
	fed_framed(body, "", 0);
	body[1] = (uint8_t)(large >> 24), body[2] = (uint8_t)(large >> 16), body[3] = (uint8_t)(large >> 8);
	stream = fed_call(&fed, CHECK, body, 5 + large, NULL);
	fed_wait(&fed, stream);
	assert_int_equal(stream->grpc, LF_INVALID_ARGUMENT);
	/* Beyond the limit it is refused while it still comes, and the client is told that the rest is not wanted. */
	stream = fed_call(&fed, CHECK, body, 6 * 1024 * 1024, NULL);
	fed_wait(&fed, stream);
	assert_int_equal(stream->grpc, LF_RESOURCE_EXHAUSTED);
	assert_int_equal(stream->error, NGHTTP2_NO_ERROR);
	stream = fed_call(&fed, CHECK, body, 6 * 1024 * 1024, web);
	fed_wait(&fed, stream);
	assert_non_null(memmem(stream->body, stream->length, "grpc-status: 8\r\n", 16));
	assert_int_equal(fed.conn->arriving, 0);
	fed_end(&fed);
	free(body);
}

/* A stream of requests: the first is answered before the stream ends. Here with an error, for the stubs have no such service. */
static void a_stream_of_requests_is_answered_message_by_message(void **state)
{
	static const char method[] = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
	struct fed_stream *stream;
	struct fed fed;

	(void)state;
	fed_start(&fed, NULL, NULL, true);
	stream = fed_call(&fed, method, "\0\0\0\0\0\0\0", 7, NULL); /* a message, and a part of one */
	stream->hold = true;
	fed_wait(&fed, stream);
	assert_int_equal(stream->grpc, LF_UNIMPLEMENTED);
	stream = fed_call(&fed, method, "\0\0\0", 3, NULL);
	fed_wait(&fed, stream);
	assert_int_equal(stream->grpc, LF_INVALID_ARGUMENT);
	assert_string_equal(stream->message, "the stream ends amid a message");
	stream = fed_call(&fed, method, "\1\0\0\0\0", 5, NULL);
	stream->hold = true;
	fed_wait(&fed, stream);
	assert_int_equal(stream->grpc, LF_UNIMPLEMENTED);
	stream = fed_call(&fed, method, "", 0, NULL); /* nothing is asked, nothing is answered */
	fed_wait(&fed, stream);
	assert_ok(stream);
	assert_int_equal(fed.conn->arriving, 0);
	fed_end(&fed);
}

/* ---- streams that go, and many of them ---- */

static bool nothing_is_held(struct fed *fed)
{
	return fed->conn->exchange_count == 0;
}

static void a_stream_that_is_reset_ends_its_call(void **state)
{
	struct fed_stream *stream;
	struct fed fed;

	(void)state;
	fed_start(&fed, NULL, NULL, true);
	stream = call_score(&fed, "hold", NULL);
	fed_turn(&fed);
	stubs_wait_held(&fed.stubs, 1);
	nghttp2_submit_rst_stream(fed.client, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_CANCEL);
	fed_wait(&fed, stream);
	assert_int_equal(fed.conn->exchange_count, 1); /* a method has it */
	assert_true(lf_rpc_expired(fed.stubs.held[0]));
	stubs_release(&fed.stubs);
	fed_until(&fed, nothing_is_held);
	fed_end(&fed);
}

static void a_connection_that_goes_leaves_its_calls_behind(void **state)
{
	struct fed fed;

	(void)state;
	fed_start(&fed, NULL, NULL, true);
	for (int i = 0; i < 20; i++)
		call_score(&fed, i % 2 == 0 ? "hold" : "later", NULL);
	fed_turn(&fed);
	stubs_wait_held(&fed.stubs, 10);
	lf_http_conn_close(fed.conn);
	fed_assert_serves(&fed);
	fed_end(&fed);
}

static void calls_may_outlive_the_server(void **state)
{
	static char value[6001];
	const char *const more[] = {"a", value, NULL};
	struct fed fed;

	(void)state;
	memset(value, 'x', sizeof(value) - 1);
	fed_start(&fed, NULL, NULL, true);
	for (int i = 0; i < 5; i++)
		call_score(&fed, "hold", more);
	fed_turn(&fed);
	stubs_wait_held(&fed.stubs, 5);
	assert_true(fed.conn->arriving != 0); /* large heads */
	fed.outlived = true;
	fed_end(&fed);
}

/* Streams that are reset while methods have their calls count on: no number of resets gets more than the share. */
static void resets_get_no_more_than_a_share(void **state)
{
	struct fed_stream *stream = NULL;
	struct fed fed;

	(void)state;
	fed_start(&fed, NULL, NULL, true);
	for (int i = 0; i < LF_HTTP_STREAMS_MAX; i++) {
		stream = call_score(&fed, "hold", NULL);
		fed_turn(&fed);
		stubs_wait_held(&fed.stubs, (size_t)i + 1);
		nghttp2_submit_rst_stream(fed.client, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_CANCEL);
		fed_turn(&fed);
	}
	assert_int_equal(fed.conn->exchange_count, LF_HTTP_STREAMS_MAX);
	stream = fed_call(&fed, CHECK, EMPTY, sizeof(EMPTY), NULL);
	fed_wait(&fed, stream);
	assert_int_equal(stream->error, NGHTTP2_REFUSED_STREAM);
	stubs_release(&fed.stubs);
	fed_until(&fed, nothing_is_held);
	stream = fed_call(&fed, CHECK, EMPTY, sizeof(EMPTY), NULL);
	fed_wait(&fed, stream);
	assert_ok(stream);
	fed_end(&fed);
}

/* Bodies that come in are counted as they come; and a connection has a share. */
static void what_arrives_is_counted(void **state)
{
	const size_t each = 3 * 1024 * 1024;
	uint8_t *body = calloc(1, each);
	struct fed_stream *streams[8], *stream;
	size_t refused = 0;
	struct fed fed;

	(void)state;
	assert_non_null(body);
	fed_start(&fed, NULL, NULL, true);
	for (size_t i = 0; i < 8; i++) {
		streams[i] = fed_call(&fed, CHECK, body, each, NULL);
		streams[i]->hold = true;
	}
	for (int i = 0; i < 400; i++)
		fed_turn(&fed);
	assert_in_range(fed.conn->arriving, each, LF_HTTP_ARRIVING_CONN_MAX);
	for (size_t i = 0; i < 8; i++)
		refused += streams[i]->grpc == LF_RESOURCE_EXHAUSTED;
	assert_true(refused >= 4);
	stream = fed_call(&fed, CHECK, EMPTY, sizeof(EMPTY), NULL);
	fed_wait(&fed, stream);
	lf_http_conn_close(fed.conn);
	assert_int_equal(fed.conn->arriving, 0);
	fed_end(&fed);
	free(body);
}

/* ---- floods, and what is half done ---- */

static void start_raw(struct fed *fed)
{
	fed_start(fed, NULL, NULL, false);
	fed_bytes(fed, PREFACE, sizeof(PREFACE) - 1);
	fed_bytes(fed, SETTINGS, sizeof(SETTINGS));
	fed_turn(fed);
	assert_true(fed->open);
}

/* Feeds a frame until the connection is closed; it must be before max times. */
static void flood(const uint8_t *frame, size_t length, int max)
{
	struct fed fed;
	int i;

	start_raw(&fed);
	for (i = 0; i < max && fed.open; i++) {
		fed_bytes(&fed, frame, length);
		fed_turn(&fed);
		fed.open = fed.conn->stage == LF_HTTP_TALKING;
	}
	assert_true(i < max);
	fed_assert_serves(&fed);
	fed_end(&fed);
}

static void floods_are_ended(void **state)
{
	static const uint8_t PING[] = {0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8};
	static const uint8_t PRIORITY[] = {0, 0, 5, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1};
	/* HEADERS and RST_STREAM of a new stream each time would need new ids: the attack script has them. */

	(void)state;
	flood(PING, sizeof(PING), 3000);
	flood(SETTINGS, sizeof(SETTINGS), 3000);
	flood(PRIORITY, sizeof(PRIORITY), 3000);
}

static void a_head_that_never_ends_is_ended(void **state)
{
	static const uint8_t HEADERS[] = {0, 0, 1, 1, 0, 0, 0, 0, 1, 0x82};
	static const uint8_t CONTINUATION[] = {0, 0, 1, 9, 0, 0, 0, 0, 1, 0x84};
	struct fed fed;
	int i;

	(void)state;
	start_raw(&fed);
	fed_bytes(&fed, HEADERS, sizeof(HEADERS));
	for (i = 0; i < 1000 && fed.open; i++) {
		fed_bytes(&fed, CONTINUATION, sizeof(CONTINUATION));
		fed_turn(&fed);
		fed.open = fed.conn->stage == LF_HTTP_TALKING;
	}
	assert_true(i < 1000);
	fed_end(&fed);
	/* And one that makes no progress. */
	start_raw(&fed);
	fed_bytes(&fed, HEADERS, sizeof(HEADERS));
	fed_pass(&fed, 9 * 1000);
	assert_int_equal(fed.conn->stage, LF_HTTP_TALKING);
	fed_pass(&fed, 2 * 1000);
	assert_int_equal(fed.conn->stage, LF_HTTP_CLOSED);
	fed_end(&fed);
}

static void half_a_preface_is_ended_in_time(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
	} CASES[] = {{"", 0}, {"P", 1}, {"PRI * HTTP", 10}, {PREFACE, sizeof(PREFACE) - 1}};
	struct fed fed;

	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		fed_start(&fed, NULL, NULL, false);
		fed_bytes(&fed, CASES[i].bytes, CASES[i].length);
		fed_pass(&fed, 9 * 1000);
		assert_int_not_equal(fed.conn->stage, LF_HTTP_CLOSED);
		fed_pass(&fed, 2 * 1000);
		assert_int_equal(fed.conn->stage, LF_HTTP_CLOSED);
		fed_end(&fed);
	}
}

static void the_preface_may_come_byte_by_byte(void **state)
{
	struct fed fed;

	(void)state;
	fed_start(&fed, NULL, NULL, false);
	for (size_t i = 0; i < sizeof(PREFACE) - 1; i++)
		fed_bytes(&fed, PREFACE + i, 1);
	for (size_t i = 0; i < sizeof(SETTINGS); i++)
		fed_bytes(&fed, SETTINGS + i, 1);
	assert_int_equal(fed.conn->stage, LF_HTTP_TALKING);
	assert_int_equal(fed.conn->half_ns, 0);
	fed_end(&fed);
	fed_start(&fed, NULL, NULL, false);
	fed_bytes(&fed, "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", 24);
	fed_turn(&fed);
	assert_true(fed.conn->stage >= LF_HTTP_CLOSING);
	fed_end(&fed);
}

static void a_body_without_progress_is_given_up(void **state)
{
	struct fed_stream *stream;
	struct fed fed;

	(void)state;
	fed_start(&fed, NULL, NULL, true);
	stream = fed_call(&fed, CHECK, "\0", 1, NULL);
	stream->hold = true;
	fed_turn(&fed);
	fed_pass(&fed, 29 * 1000);
	assert_false(stream->closed);
	fed_pass(&fed, 2 * 1000);
	fed_wait(&fed, stream);
	assert_int_equal(stream->error, NGHTTP2_CANCEL);
	assert_int_equal(fed.conn->stage, LF_HTTP_TALKING); /* the others of the connection go on */
	fed_end(&fed);
}

static void an_idle_connection_is_told_to_go(void **state)
{
	struct fed_stream *stream;
	struct fed fed;

	(void)state;
	fed_start(&fed, NULL, NULL, true);
	stream = fed_call(&fed, CHECK, EMPTY, sizeof(EMPTY), NULL);
	fed_wait(&fed, stream);
	fed_pass(&fed, 601 * 1000);
	fed_turn(&fed);
	assert_true(fed.goaway);
	assert_int_equal(fed.goaway_error, NGHTTP2_NO_ERROR);
	fed_end(&fed);
}

/* A peer that takes nothing holds up its own replies, and no memory beyond its share. */
static void a_peer_that_reads_nothing_holds_up_itself(void **state)
{
	struct fed fed;

	(void)state;
	fed_start(&fed, NULL, NULL, true);
	nghttp2_session_set_local_window_size(fed.client, NGHTTP2_FLAG_NONE, 0, 1 << 24);
	fed.stubs.large_bytes = 32 * 1024;
	for (int i = 0; i < 100; i++)
		call_score(&fed, "large", NULL);
	fed.reads = false;
	for (int i = 0; i < 200; i++) {
		fed_turn(&fed);
		if (fed.conn->stage == LF_HTTP_TALKING)
			fed.conn->protocol->fill(fed.conn);
		sleep_ms(1);
	}
	assert_in_range(fed.conn->output_end - fed.conn->output_first, 1, 2 * LF_HTTP_OUTPUT_MAX);
	fed_assert_serves(&fed);
	fed_end(&fed);
}

static void after_a_wrong_token_the_connection_is_closed(void **state)
{
	static const char
		path[] = "tokens",
		line[] =
			"hr 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 read,score\n"; /* "test" */
	const char *const wrong[] = {"authorization", "Bearer wrong", NULL};
	const char *const right[] = {"authorization", "Bearer test", NULL};
	struct lf_error error = LF_ERROR_INIT;
	struct lf_rpc_options options = {.worker_count = 1};
	struct lf_http_counters counters;
	struct lf_tokens *tokens;
	struct fed_stream *stream;
	struct fed fed;
	FILE *file = fopen(path, "w");

	(void)state;
	assert_non_null(file);
	fputs(line, file);
	fclose(file);
	assert_int_equal(lf_tokens_load(&tokens, path, &error), LF_OK);
	options.tokens = tokens;
	fed_start(&fed, &options, NULL, true);
	stream = call_score(&fed, "now", right);
	fed_wait(&fed, stream);
	assert_ok(stream);
	stream = call_score(&fed, "now", NULL);
	fed_wait(&fed, stream);
	assert_int_equal(stream->grpc, LF_UNAUTHENTICATED);
	assert_false(fed.goaway); /* no token is no guess */
	stream = call_score(&fed, "now", wrong);
	fed_wait(&fed, stream);
	assert_int_equal(stream->grpc, LF_UNAUTHENTICATED);
	for (int i = 0; i < 10; i++)
		fed_turn(&fed);
	assert_true(fed.goaway);
	assert_true(fed.conn->stage >= LF_HTTP_CLOSING);
	lf_http_counters(fed.http, &counters);
	assert_int_equal(counters.wrong_tokens, 1);
	fed_end(&fed);
	lf_tokens_release(tokens);
	remove(path);
}

static void a_stop_lets_calls_end(void **state)
{
	struct fed_stream *held, *late;
	struct fed fed;

	(void)state;
	fed_start(&fed, NULL, NULL, true);
	held = call_score(&fed, "hold", NULL);
	fed_turn(&fed);
	stubs_wait_held(&fed.stubs, 1);
	atomic_store(&fed.http->draining, true);
	lf_http_conn_wake(fed.conn);
	fed_turn(&fed);
	fed_turn(&fed);
	assert_true(fed.goaway); /* the announcement */
	late = fed_call(&fed, CHECK, EMPTY, sizeof(EMPTY), NULL);
	(void)late; /* the client knows that it must not, or it is answered */
	stubs_release(&fed.stubs);
	fed_wait(&fed, held);
	assert_ok(held);
	fed_pass(&fed, 200);
	for (int i = 0; i < 10 && fed.conn->stage < LF_HTTP_CLOSING; i++)
		fed_turn(&fed);
	assert_true(fed.conn->stage >= LF_HTTP_CLOSING);
	fed_end(&fed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_is_answered),
		cmocka_unit_test(calls_answered_elsewhere_and_later_are_answered),
		cmocka_unit_test(an_error_has_code_message_and_details),
		cmocka_unit_test(what_is_no_request_says_so),
		cmocka_unit_test(what_is_not_grpc_is_answered_by_http),
		cmocka_unit_test(a_bad_timeout_and_an_unknown_encoding_are_refused),
		cmocka_unit_test(a_deadline_holds),
		cmocka_unit_test(web_has_its_trailers_in_the_body),
		cmocka_unit_test(large_messages_pass_and_too_large_ones_are_refused),
		cmocka_unit_test(a_stream_of_requests_is_answered_message_by_message),
		cmocka_unit_test(a_stream_that_is_reset_ends_its_call),
		cmocka_unit_test(a_connection_that_goes_leaves_its_calls_behind),
		cmocka_unit_test(calls_may_outlive_the_server),
		cmocka_unit_test(resets_get_no_more_than_a_share),
		cmocka_unit_test(what_arrives_is_counted),
		cmocka_unit_test(floods_are_ended),
		cmocka_unit_test(a_head_that_never_ends_is_ended),
		cmocka_unit_test(half_a_preface_is_ended_in_time),
		cmocka_unit_test(the_preface_may_come_byte_by_byte),
		cmocka_unit_test(a_body_without_progress_is_given_up),
		cmocka_unit_test(an_idle_connection_is_told_to_go),
		cmocka_unit_test(a_peer_that_reads_nothing_holds_up_itself),
		cmocka_unit_test(after_a_wrong_token_the_connection_is_closed),
		cmocka_unit_test(a_stop_lets_calls_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
