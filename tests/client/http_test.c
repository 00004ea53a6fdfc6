#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <nghttp2/nghttp2.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "grpc/health/v1/health.pb-c.h"
#include "tests/client/fake.h"

/* What only HTTP/2 has: requests that are refused, servers that send a client away, and all that can be wrong in it. */

static const char ANY[] = "http://127.0.0.1:0";

static void on_bytes(const uint8_t *reply, size_t length, void *closure_data)
{
	(void)reply;
	(void)length;
	atomic_fetch_add((atomic_uint *)closure_data, 1);
}

static struct lf_call *start(struct lf_client *client, atomic_uint *closures)
{
	struct lf_call *call = lf_call_new(client, &grpc__health__v1__health__descriptor, &PATIENT);

	assert_non_null(call);
	lf_call_start_bytes(call, 0, NULL, 0, on_bytes, closures);
	return call;
}

/* ---- refused, sent away ---- */

static void refuse_first(struct fake *fake, struct fake_request *request)
{
	if (fake->requests == 0)
		fake_reset(fake, request, NGHTTP2_REFUSED_STREAM);
	else
		fake_serving(fake, request);
}

/* The server has not begun it, so this is no repetition. */
static void a_refused_request_is_tried_again_though_it_may_not_be_repeated(void **state)
{
	struct lf_client *client;
	struct fake fake;

	(void)state;
	fake_start(&fake, ANY, refuse_first);
	client = connect_to(fake.url);
	assert_int_equal(check_health(client, NULL, NULL), LF_OK);
	fake_await(&fake, 2);
	lf_client_destroy(client);
	assert_int_equal(fake.requests, 2);
	fake_stop(&fake);
}

static void refuse(struct fake *fake, struct fake_request *request)
{
	fake_reset(fake, request, NGHTTP2_REFUSED_STREAM);
}

static void refusals_end_at_the_last_attempt(void **state)
{
	struct lf_call_options options = {.attempts_max = 3};
	struct lf_error error = LF_ERROR_INIT;
	struct lf_client *client;
	struct fake fake;

	(void)state;
	fake_start(&fake, ANY, refuse);
	client = connect_to(fake.url);
	assert_int_equal(check_health(client, &options, &error), LF_UNAVAILABLE);
	assert_non_null(strstr(error.message, "did not take the request (3 attempts)"));
	assert_false(lf_client_unreached(client));
	lf_error_clean_up(&error);
	lf_client_destroy(client);
	fake_stop(&fake);
}

/* One that the server has begun is answered; the next goes over another connection, at once. */
static void a_server_that_sends_us_away_answers_what_it_has_begun(void **state)
{
	atomic_uint closures = 0;
	struct lf_client *client;
	struct lf_call *call;
	struct fake fake;

	(void)state;
	fake_start(&fake, ANY, fake_hold);
	client = connect_to(fake.url);
	call = start(client, &closures);
	fake_await(&fake, 1);
	fake.handler = fake_serving;
	fake_go_away(&fake, fake.held[0]);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(check_health(client, NULL, NULL), LF_OK);
	assert_int_equal(closures, 0);
	fake_serving(&fake, fake.held[0]);
	fake.held_count = 0;
	assert_int_equal(lf_call_wait(call, NULL), LF_OK);
	lf_call_destroy(call);
	lf_client_destroy(client);
	fake_stop(&fake);
}

static void send_away(struct fake *fake, struct fake_request *request)
{
	fake_go_away(fake, request);
	fake_serving(fake, request);
}

/* As one in front of the service does after so many requests: nobody notices. */
static void a_server_that_sends_us_away_after_each_request_serves_all(void **state)
{
	enum { CALLS = 100 };
	atomic_uint closures = 0;
	struct lf_call *calls[CALLS];
	struct lf_client *client;
	struct fake fake;

	(void)state;
	fake_start(&fake, ANY, send_away);
	client = connect_to(fake.url);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(check_health(client, NULL, NULL), LF_OK);
	fake.handler = fake_serving;
	for (size_t i = 0; i < CALLS; i++)
		calls[i] = start(client, &closures);
	for (size_t i = 0; i < CALLS; i++) {
		assert_int_equal(lf_call_wait(calls[i], NULL), LF_OK);
		lf_call_destroy(calls[i]);
	}
	assert_int_equal(closures, CALLS);
	lf_client_destroy(client);
	fake_stop(&fake);
}

static void no_more_streams_are_opened_than_the_server_allows(void **state)
{
	enum { CALLS = 100 };
	struct lf_call *calls[CALLS];
	atomic_uint closures = 0;
	struct lf_client *client;
	struct fake fake;

	(void)state;
	fake_start(&fake, ANY, fake_serving);
	fake_set_streams_max(&fake, 3);
	client = connect_to(fake.url);
	for (size_t i = 0; i < CALLS; i++)
		calls[i] = start(client, &closures);
	for (size_t i = 0; i < CALLS; i++) {
		assert_int_equal(lf_call_wait(calls[i], NULL), LF_OK);
		lf_call_destroy(calls[i]);
	}
	assert_in_range(fake_streams_seen(&fake), 1, 3);
	lf_client_destroy(client);
	fake_stop(&fake);
}

static uint32_t reset_code;

static void reset(struct fake *fake, struct fake_request *request)
{
	fake_reset(fake, request, reset_code);
}

static void a_request_that_the_server_breaks_off_has_a_status(void **state)
{
	static const struct {
		uint32_t code;
		enum lf_code expected;
	} codes[] = {
		{NGHTTP2_NO_ERROR, LF_INTERNAL},
		{NGHTTP2_INTERNAL_ERROR, LF_INTERNAL},
		{NGHTTP2_CANCEL, LF_UNAVAILABLE},
		{NGHTTP2_ENHANCE_YOUR_CALM, LF_RESOURCE_EXHAUSTED},
		{NGHTTP2_INADEQUATE_SECURITY, LF_PERMISSION_DENIED},
		{12345, LF_INTERNAL},
	};
	struct lf_client *client;
	struct fake fake;

	(void)state;
	fake_start(&fake, ANY, reset);
	client = connect_to(fake.url);
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		reset_code = codes[i].code;
		assert_int_equal(check_health(client, NULL, NULL), codes[i].expected);
	}
	fake_await(&fake, sizeof(codes) / sizeof(codes[0]));
	assert_int_equal(fake.requests, sizeof(codes) / sizeof(codes[0])); /* none was repeated */
	lf_client_destroy(client);
	fake_stop(&fake);
}

/* ---- what comes instead of HTTP/2 ---- */

static void refuses_to_connect(const char *hello, size_t length, const char *because)
{
	const struct tcp_script script = {.hello = hello, .hello_length = length, .answer = ""};
	struct lf_client_options options = {.connect_timeout_ms = 60000};
	struct lf_error error = LF_ERROR_INIT;
	struct lf_client *client;
	struct tcp_fake fake;

	tcp_fake_start_script(&fake, &script);
	options.url = fake.url;
	assert_int_equal(lf_client_new(&client, &options, &error), LF_UNAVAILABLE);
	if (strstr(error.message, because) == NULL)
		fail_msg("\"%s\" says not \"%s\"", error.message, because);
	lf_error_clean_up(&error);
	tcp_fake_stop(&fake);
}

/* A bare container has no /etc/hosts; a resolver that answers for these names would be wrong to. */
static void localhost_is_this_machine_whatever_a_resolver_says(void **state)
{
	static const struct {
		const char *host;
		bool is_here;
	} HOSTS[] = {{"localhost", true}, {"LocalHost", true}, {"team.localhost", true}, {"notlocalhost", false},
		{"localhost.invalid", false}};
	struct fake fake;

	(void)state;
	fake_start(&fake, "http://127.0.0.1:0", fake_serving);
	for (size_t i = 0; i < sizeof(HOSTS) / sizeof(HOSTS[0]); i++) {
		char url[64];
		const struct lf_client_options options = {
			.url = url, .connect_timeout_ms = HOSTS[i].is_here ? 60000 : 1000};
		struct lf_client *client;

		snprintf(url, sizeof(url), "http://%s%s", HOSTS[i].host, strrchr(fake.url, ':'));
		assert_int_equal(lf_client_new(&client, &options, NULL), HOSTS[i].is_here ? LF_OK : LF_UNAVAILABLE);
		if (HOSTS[i].is_here)
			lf_client_destroy(client);
	}
	fake_stop(&fake);
}

static void a_peer_that_is_no_http2_is_said(void **state)
{
	static const char http1[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
			  mail[] = "220 mail.example.org ESMTP Postfix\r\n", alert[] = "\x15\x03\x03\0\x02\x02\x28",
			  sp[] = "\0SP\0\0\x31\0\0 and what follows";

	(void)state;
	refuses_to_connect(http1, sizeof(http1) - 1, "speaks HTTP/1, not HTTP/2");
	refuses_to_connect(mail, sizeof(mail) - 1, "does not speak HTTP/2");
	refuses_to_connect(alert, sizeof(alert) - 1, "use https://");
	refuses_to_connect(sp, sizeof(sp) - 1, "does not speak HTTP/2");
}

/* ---- frames by hand ---- */

struct frames {
	uint8_t bytes[400000];
	size_t length;
};

static const char SETTINGS[] = "\0\0\0\4\0\0\0\0\0";

static void put(struct frames *frames, const void *bytes, size_t length)
{
	assert_true(frames->length + length <= sizeof(frames->bytes));
	memcpy(frames->bytes + frames->length, bytes, length);
	frames->length += length;
}

static void put_frame(
	struct frames *frames, unsigned type, unsigned flags, uint32_t stream, const void *payload, size_t length)
{
	const uint8_t head[] = {(uint8_t)(length >> 16), (uint8_t)(length >> 8), (uint8_t)length, (uint8_t)type,
		(uint8_t)flags, (uint8_t)(stream >> 24), (uint8_t)(stream >> 16), (uint8_t)(stream >> 8),
		(uint8_t)stream};

	put(frames, head, sizeof(head));
	put(frames, payload, length);
}

/* "name: value" lines as literals, which need no table. */
static size_t pack(const char *headers, uint8_t *out)
{
	size_t length = 0;

	while (*headers != '\0') {
		const char *colon = strstr(headers + 1, ": "), *end = strchr(headers, '\n');
		const size_t name = (size_t)(colon - headers), value = (size_t)(end - colon - 2);

		assert_true(name < 127 && value < 127);
		out[length++] = 0;
		out[length++] = (uint8_t)name;
		memcpy(out + length, headers, name);
		length += name;
		out[length++] = (uint8_t)value;
		memcpy(out + length, colon + 2, value);
		length += value;
		headers = end + 1;
	}
	return length;
}

enum { END_STREAM = 1, END_HEADERS = 4 };

static void put_headers(struct frames *frames, const char *headers, bool ends)
{
	uint8_t block[1024];

	put_frame(
		frames, NGHTTP2_HEADERS, ends ? END_HEADERS | END_STREAM : END_HEADERS, 1, block, pack(headers, block));
}

#define GOOD ":status: 200\ncontent-type: application/grpc\n"

/* One reply of these headers, this body and these trailers (NULL: none), to a call's first request. */
static void reply_gives(const char *headers, const void *body, size_t body_length, const char *trailers,
	enum lf_code code, const char *message)
{
	static struct frames frames;
	struct tcp_script script = {.hello = SETTINGS, .hello_length = 9, .answer = (const char *)frames.bytes};
	struct lf_call_options options = {.timeout_ms = 60000};
	struct lf_error error = LF_ERROR_INIT;
	struct lf_client *client;
	struct tcp_fake fake;

	frames.length = 0;
	put_headers(&frames, headers, body == NULL && trailers == NULL);
	if (body != NULL)
		put_frame(&frames, NGHTTP2_DATA, trailers == NULL ? END_STREAM : 0, 1, body, body_length);
	if (trailers != NULL)
		put_headers(&frames, trailers, true);
	script.answer_length = frames.length;
	tcp_fake_start_script(&fake, &script);
	client = connect_to(fake.url);
	assert_int_equal(check_health(client, &options, &error), code);
	if (message != NULL && strstr(error.message, message) == NULL)
		fail_msg("\"%s\" says not \"%s\"", error.message, message);
	lf_error_clean_up(&error);
	lf_client_destroy(client);
	tcp_fake_stop(&fake);
}

#define OK_TRAILER "grpc-status: 0\n"

static void a_reply_is_what_its_parts_say(void **state)
{
	static const uint8_t serving[] = {0, 0, 0, 0, 2, 8, 1}, cut[] = {0, 0, 0, 0, 10, 8, 1},
			     empty[] = {0, 0, 0, 0, 0}, two[] = {0, 0, 0, 0, 2, 8, 1, 0, 0, 0, 0, 2, 8, 1},
			     packed[] = {1, 0, 0, 0, 2, 8, 1}, huge[] = {0, 255, 255, 255, 255, 8, 1},
			     rubbish[] = {0, 0, 0, 0, 2, 255, 255}, prefix[] = {0, 0};
	static const char said[] = "the server sent rubbish: ";

	(void)state;
	reply_gives(GOOD, serving, sizeof(serving), OK_TRAILER, LF_OK, NULL);
	reply_gives(":status: 200\ncontent-type: application/grpc+proto\n", serving, sizeof(serving), OK_TRAILER, LF_OK,
		NULL);
	reply_gives(GOOD, serving, sizeof(serving), "grpc-status: 00\n", LF_OK, NULL);
	reply_gives(GOOD, cut, sizeof(cut), OK_TRAILER, LF_INTERNAL, said);
	reply_gives(GOOD, prefix, sizeof(prefix), OK_TRAILER, LF_INTERNAL, said);
	reply_gives(GOOD, two, sizeof(two), OK_TRAILER, LF_INTERNAL, said);
	reply_gives(GOOD, packed, sizeof(packed), OK_TRAILER, LF_INTERNAL, said);
	reply_gives(GOOD, rubbish, sizeof(rubbish), OK_TRAILER, LF_INTERNAL, said);
	reply_gives(GOOD, huge, sizeof(huge), OK_TRAILER, LF_RESOURCE_EXHAUSTED, "4294967295 bytes, more than 4194304");
	reply_gives(GOOD OK_TRAILER, NULL, 0, NULL, LF_INTERNAL, "no message");
	reply_gives(GOOD, serving, sizeof(serving), NULL, LF_INTERNAL, "no status");
	reply_gives(GOOD, NULL, 0, NULL, LF_INTERNAL, "no status");
	reply_gives(GOOD, serving, sizeof(serving), "grpc-status: ok\n", LF_INTERNAL, "no number");
	reply_gives(GOOD, serving, sizeof(serving), "grpc-status: \n", LF_INTERNAL, "no number");
	reply_gives(GOOD, empty, sizeof(empty), "grpc-status: 99\ngrpc-message: strange\n", LF_UNKNOWN, "strange");
}

static void an_error_is_what_its_headers_say(void **state)
{
	(void)state;
	reply_gives(GOOD "grpc-status: 3\ngrpc-message: 7 is%20outside 1..5%2\n", NULL, 0, NULL, LF_INVALID_ARGUMENT,
		"7 is outside 1..5%2");
	reply_gives(GOOD "grpc-status: 7\n", NULL, 0, NULL, LF_PERMISSION_DENIED, lf_code_text(LF_PERMISSION_DENIED));
	reply_gives(GOOD "grpc-status: 5\ngrpc-message: %ff%fe\n", NULL, 0, NULL, LF_NOT_FOUND, "??");
	reply_gives(GOOD "grpc-status: 5\ngrpc-message: gone\ngrpc-status-details-bin: !!\n", NULL, 0, NULL,
		LF_NOT_FOUND, "gone");
	/* A Status without details, and one whose detail is of another type. */
	reply_gives(GOOD "grpc-status: 5\ngrpc-message: gone\ngrpc-status-details-bin: CAU\n", NULL, 0, NULL,
		LF_NOT_FOUND, "gone");
	reply_gives(GOOD "grpc-status: 5\ngrpc-message: gone\ngrpc-status-details-bin: CAUaBwoDYS9iEgA=\n", NULL, 0,
		NULL, LF_NOT_FOUND, "gone");
	reply_gives(":status: 404\ncontent-type: text/html\n", "<html>", 6, NULL, LF_UNIMPLEMENTED, "HTTP status 404");
	reply_gives(":status: 503\n", NULL, 0, NULL, LF_UNAVAILABLE, "HTTP status 503");
	reply_gives(":status: 401\n", NULL, 0, NULL, LF_UNAUTHENTICATED, "HTTP status 401");
	reply_gives(":status: 200\ncontent-type: text/html\n", "<html>", 6, NULL, LF_UNKNOWN, "is no gRPC service");
	reply_gives(
		":status: 503\ngrpc-status: 14\ngrpc-message: not ready\n", NULL, 0, NULL, LF_UNAVAILABLE, "not ready");
}

/* What a connection gets after a request, and nothing else. Gives how the call ends. */
static enum lf_code end_after(const void *bytes, size_t length, bool closes, unsigned timeout_ms)
{
	const struct tcp_script script = {
		.hello = SETTINGS, .hello_length = 9, .answer = bytes, .answer_length = length, .closes = closes};
	struct lf_call_options options = {.timeout_ms = timeout_ms};
	struct lf_client *client;
	struct tcp_fake fake;
	enum lf_code code;

	tcp_fake_start_script(&fake, &script);
	client = connect_to(fake.url);
	code = check_health(client, &options, NULL);
	/* Repeating it does not help, and ends as well. */
	options = (struct lf_call_options){.timeout_ms = 300, .idempotent = true};
	assert_int_not_equal(check_health(client, &options, NULL), LF_OK);
	lf_client_destroy(client);
	tcp_fake_stop(&fake);
	return code;
}

static void bytes_give(const void *bytes, size_t length, bool closes, enum lf_code code)
{
	assert_int_equal(end_after(bytes, length, closes, code == LF_DEADLINE_EXCEEDED ? 300 : 60000), code);
}

static void rubbish_on_the_connection_ends_a_call(void **state)
{
	static struct frames frames;
	uint8_t block[16384] = {0};
	enum lf_code code;

	(void)state;
	bytes_give("", 0, true, LF_UNAVAILABLE);
	bytes_give("HTTP/1.1 400 Bad Request\r\n\r\n and a lot of other words that are no frame", 70, false,
		LF_UNAVAILABLE);
	bytes_give("\0\0\4\x3\0\0\0\0\1\0\0\0\0", 13, true, LF_INTERNAL);                /* RST_STREAM, NO_ERROR */
	bytes_give("\0\0\2\0\1\0\0\0\1\x08\1", 11, false, LF_UNAVAILABLE);               /* DATA before HEADERS */
	bytes_give("\0\0\5\1\5\0\0\0\1\xff\xff\xff\xff\xff", 14, false, LF_UNAVAILABLE); /* HPACK that is none */
	bytes_give("\0\0\0\4\1\0\0\0\0", 9, false, LF_DEADLINE_EXCEEDED);                /* an ACK, and nothing more */
	/* The answer to a request that nobody made. */
	put_frame(&frames, NGHTTP2_HEADERS, END_HEADERS | END_STREAM, 3, block, pack(GOOD, block));
	bytes_give(frames.bytes, frames.length, false, LF_UNAVAILABLE);
	/* Headers that never end. */
	memset(block, 0, sizeof(block));
	frames.length = 0;
	put_frame(&frames, NGHTTP2_HEADERS, 0, 1, "\x88", 1);
	for (unsigned i = 0; i < 16; i++)
		put_frame(&frames, 9, 0, 1, block, sizeof(block));
	/* Whichever libnghttp2 minds first: that they are too many, or that they have no names. */
	code = end_after(frames.bytes, frames.length, false, 60000);
	assert_true(code == LF_UNAVAILABLE || code == LF_UNKNOWN);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refused_request_is_tried_again_though_it_may_not_be_repeated),
		cmocka_unit_test(refusals_end_at_the_last_attempt),
		cmocka_unit_test(a_server_that_sends_us_away_answers_what_it_has_begun),
		cmocka_unit_test(a_server_that_sends_us_away_after_each_request_serves_all),
		cmocka_unit_test(no_more_streams_are_opened_than_the_server_allows),
		cmocka_unit_test(a_request_that_the_server_breaks_off_has_a_status),
		cmocka_unit_test(localhost_is_this_machine_whatever_a_resolver_says),
		cmocka_unit_test(a_peer_that_is_no_http2_is_said),
		cmocka_unit_test(a_reply_is_what_its_parts_say),
		cmocka_unit_test(an_error_is_what_its_headers_say),
		cmocka_unit_test(rubbish_on_the_connection_ends_a_call),
	};

	(void)argc;
	(void)argv;
	alarm(290); /* a hang is a failure */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
