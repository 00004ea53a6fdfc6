#include "tests/http/fed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/clock.h"
#include "service/http/h1.h"

/* HTTP/1.1 and Connect without sockets: what is fed, what comes out, and what time does. */

#define HOST "Host: localhost\r\n"
#define SCORE "POST /leadfit.v1.Scoring/Score HTTP/1.1\r\n" HOST
#define JSON "Content-Type: application/json\r\n"

/* A connection whose output is gathered. */
struct talk {
	struct fed fed;
	char *text; /* heap, NUL-terminated */
	size_t length;
};

static void begin(struct talk *talk, const struct lf_rpc_options *rpc, const struct lf_http_options *http)
{
	memset(talk, 0, sizeof(*talk));
	fed_start(&talk->fed, rpc, http, false);
	talk->fed.reads = false;
	talk->text = calloc(1, 1);
}

static void end(struct talk *talk)
{
	fed_end(&talk->fed);
	free(talk->text);
}

static void turn(struct talk *talk)
{
	const uint8_t *bytes;
	size_t taken;

	fed_turn(&talk->fed);
	taken = lf_http_conn_take(talk->fed.conn, &bytes);
	talk->text = realloc(talk->text, talk->length + taken + 1);
	assert_non_null(talk->text);
	if (taken != 0)
		memcpy(talk->text + talk->length, bytes, taken);
	talk->length += taken;
	talk->text[talk->length] = '\0';
	assert_int_equal(strlen(talk->text), talk->length);
}

static void say(struct talk *talk, const char *text)
{
	fed_bytes(&talk->fed, text, strlen(text));
	turn(talk);
}

/* How often needle has come. */
static size_t count_of(const struct talk *talk, const char *needle)
{
	size_t count = 0;

	for (const char *at = talk->text; (at = strstr(at, needle)) != NULL; at++)
		count++;
	return count;
}

/* Until needle has come so often. */
static void await(struct talk *talk, const char *needle, size_t count)
{
	const uint64_t start_ns = lf_clock_ns();

	while (count_of(talk, needle) < count) {
		if (lf_clock_seconds_since(start_ns) > 60)
			fail_msg("\"%s\" did not come %zu times in: %s", needle, count, talk->text);
		turn(talk);
		sleep_ms(1);
	}
}

static bool is_closing(const struct talk *talk)
{
	return talk->fed.conn->stage >= LF_HTTP_CLOSING;
}

/* A POST with this body. */
static char *post(const char *path, const char *type, const char *more, const char *body)
{
	char *text = malloc(strlen(body) + 1024);

	assert_non_null(text);
	sprintf(text, "POST %s HTTP/1.1\r\n" HOST "Content-Type: %s\r\nContent-Length: %zu\r\n%s\r\n%s", path, type,
		strlen(body), more, body);
	return text;
}

static void say_score(struct talk *talk, const char *rubric, const char *id)
{
	char body[128], more[64];
	char *text;

	snprintf(body, sizeof(body), "{\"rubric\": \"%s\", \"idempotencyKey\": \"%s\"}", rubric, id);
	snprintf(more, sizeof(more), "Request-Id: %s\r\n", id);
	text = post("/leadfit.v1.Scoring/Score", "application/json", more, body);
	say(talk, text);
	free(text);
}

/* ---- calls ---- */

static void a_call_is_answered_in_json(void **state)
{
	struct talk talk;

	(void)state;
	begin(&talk, NULL, NULL);
	say_score(&talk, "now", "r-1");
	await(&talk, "\"decisionId\":\"r-1\"", 1);
	assert_int_equal(
		strncmp(talk.text, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nrequest-id: r-1\r\n", 66), 0);
	assert_int_equal(count_of(&talk, "\"outcome\":"), 1); /* its default is printed, too */
	say_score(&talk, "fail", "r-2");
	await(&talk, "\"code\":\"invalid_argument\"", 1);
	assert_int_equal(count_of(&talk, "HTTP/1.1 400 Bad Request\r\n"), 1);
	assert_int_equal(count_of(&talk, "\"violations\":["), 1);
	assert_false(is_closing(&talk));
	end(&talk);
}

static void a_large_reply_comes_in_pieces(void **state)
{
	struct talk talk;
	const char *body;

	(void)state;
	begin(&talk, NULL, NULL);
	talk.fed.stubs.large_bytes = 1000000;
	say_score(&talk, "large", "r");
	await(&talk, "}\n", 1);
	body = strstr(talk.text, "\r\n\r\n") + 4;
	assert_int_equal(strtoul(strstr(talk.text, "content-length: ") + 16, NULL, 10), strlen(body));
	assert_true(strlen(body) > 1000000);
	say_score(&talk, "now", "again");
	await(&talk, "\"decisionId\":\"again\"", 1);
	end(&talk);
}

/* gRPC-Web, several replies: the length is not known, so the body is in chunks. */
static void a_stream_of_replies_is_chunked(void **state)
{
	struct talk talk;
	uint8_t packed[64], framed[80];
	Leadfit__V1__ScoreRequest request = LEADFIT__V1__SCORE_REQUEST__INIT;
	const uint8_t *bytes;
	char head[256], all[4096];
	size_t length, got = 0, taken;
	const uint64_t start_ns = lf_clock_ns();

	(void)state;
	begin(&talk, NULL, NULL);
	request.rubric = (char *)(uintptr_t) "stream";
	length = fed_framed(framed, packed, leadfit__v1__score_request__pack(&request, packed));
	snprintf(head, sizeof(head), SCORE "Content-Type: application/grpc-web+proto\r\nContent-Length: %zu\r\n\r\n",
		length);
	fed_bytes(&talk.fed, head, strlen(head));
	fed_bytes(&talk.fed, framed, length);
	while (got < 5 || memcmp(all + got - 5, "0\r\n\r\n", 5) != 0) {
		assert_true(lf_clock_seconds_since(start_ns) < 60);
		fed_turn(&talk.fed);
		taken = lf_http_conn_take(talk.fed.conn, &bytes);
		assert_true(got + taken < sizeof(all));
		if (taken != 0)
			memcpy(all + got, bytes, taken);
		got += taken;
		sleep_ms(1);
	}
	all[got] = '\0';
	assert_non_null(strstr(all, "transfer-encoding: chunked\r\n"));
	assert_null(strstr(all, "content-length"));
	assert_non_null(memmem(all, got, "grpc-status: 0\r\n", 16));
	end(&talk);
}

/* ---- one after the other ---- */

static void requests_wait_for_those_before_them(void **state)
{
	struct talk talk;

	(void)state;
	begin(&talk, NULL, NULL);
	say_score(&talk, "hold", "first");
	say(&talk, "GET /livez HTTP/1.1\r\n" HOST "\r\nGET /livez HTTP/1.1\r\n" HOST "\r\n");
	stubs_wait_held(&talk.fed.stubs, 1);
	turn(&talk);
	assert_int_equal(talk.length, 0);
	assert_true(talk.fed.conn->held); /* nothing more is read */
	stubs_release(&talk.fed.stubs);
	await(&talk, "alive\n", 2);
	assert_true(strstr(talk.text, "\"decisionId\":\"held\"") < strstr(talk.text, "alive\n"));
	assert_false(talk.fed.conn->held);
	end(&talk);
}

/* What waits is of the budget; where there is none left it is not read, and the peer learns it by the close. */
static void what_waits_is_bounded_by_the_budget(void **state)
{
	const struct lf_rpc_options rpc = {
		.worker_count = 2, .request_bytes_max = 512 * 1024, .message_bytes_max = 64 * 1024};
	char *much = malloc(600 * 1024);
	struct talk talk;

	(void)state;
	begin(&talk, &rpc, NULL);
	say_score(&talk, "hold", "first");
	stubs_wait_held(&talk.fed.stubs, 1);
	memset(much, 'x', 600 * 1024);
	fed_bytes(&talk.fed, much, 600 * 1024);
	assert_false(talk.fed.conn->held);
	stubs_release(&talk.fed.stubs);
	await(&talk, "\"decisionId\":\"held\"", 1);
	assert_int_equal(count_of(&talk, "connection: close\r\n"), 1);
	turn(&talk);
	assert_true(is_closing(&talk));
	end(&talk);
	free(much);
}

static void a_peer_that_says_no_more_gets_its_replies(void **state)
{
	struct talk talk;

	(void)state;
	begin(&talk, NULL, NULL);
	say_score(&talk, "hold", "first");
	say(&talk, "GET /livez HTTP/1.1\r\n" HOST "\r\n");
	stubs_wait_held(&talk.fed.stubs, 1);
	assert_int_equal(lf_http_h1.end(talk.fed.conn), LF_HTTP_GO_ON);
	stubs_release(&talk.fed.stubs);
	await(&talk, "alive\n", 1);
	turn(&talk);
	assert_true(is_closing(&talk));
	end(&talk);
}

/* ---- leaving ---- */

static void what_is_in_is_answered_before_the_connection_closes(void **state)
{
	struct talk talk;

	(void)state;
	begin(&talk, NULL, NULL);
	say_score(&talk, "hold", "first");
	stubs_wait_held(&talk.fed.stubs, 1);
	lf_http_conn_leave(talk.fed.conn);
	say(&talk, "GET /livez HTTP/1.1\r\n" HOST "\r\n");
	assert_false(is_closing(&talk));
	stubs_release(&talk.fed.stubs);
	await(&talk, "\"decisionId\":\"held\"", 1);
	assert_int_equal(count_of(&talk, "connection: close\r\n"), 1);
	turn(&talk);
	assert_true(is_closing(&talk));
	assert_int_equal(count_of(&talk, "alive\n"), 0);
	end(&talk);
}

static void a_body_that_is_coming_in_is_still_read(void **state)
{
	struct talk talk;

	(void)state;
	begin(&talk, NULL, NULL);
	say(&talk, SCORE JSON "Content-Length: 19\r\n\r\n{\"rubric\"");
	lf_http_conn_leave(talk.fed.conn);
	turn(&talk);
	assert_false(is_closing(&talk));
	say(&talk, ": \"now\"  }");
	await(&talk, "\"decisionId\":", 1);
	assert_int_equal(count_of(&talk, "connection: close\r\n"), 1);
	end(&talk);
}

/* ---- time ---- */

static const struct lf_http_options quick = {.half_ms = 1000, .body_ms = 2000, .idle_ms = 100000};

static void a_head_has_its_time(void **state)
{
	static const char head[] = "GET /livez HTTP/1.1\r\n" HOST "\r\n";
	struct talk talk;

	(void)state;
	begin(&talk, NULL, &quick);
	say(&talk, head);
	await(&talk, "alive\n", 1);
	fed_pass(&talk.fed, 1500); /* idle is not half done */
	assert_false(is_closing(&talk));
	for (size_t i = 0; i < sizeof(head) - 1 && !is_closing(&talk); i++) {
		fed_bytes(&talk.fed, head + i, 1);
		fed_pass(&talk.fed, 100);
	}
	assert_true(is_closing(&talk));
	assert_int_equal(count_of(&talk, "alive\n"), 1);
	end(&talk);
}

static void a_body_has_its_time(void **state)
{
	struct talk talk;

	(void)state;
	begin(&talk, NULL, &quick);
	say(&talk, SCORE JSON "Content-Length: 10000\r\n\r\n{");
	fed_pass(&talk.fed, 1500);
	assert_false(is_closing(&talk));
	fed_pass(&talk.fed, 1500);
	turn(&talk);
	assert_int_equal(count_of(&talk, "HTTP/1.1 408 Request Timeout\r\n"), 1);
	assert_true(is_closing(&talk));
	end(&talk);
}

static void a_byte_a_second_is_not_enough(void **state)
{
	struct talk talk;
	unsigned seconds = 0;

	(void)state;
	begin(&talk, NULL, &quick);
	say(&talk, SCORE JSON "Content-Length: 10000\r\n\r\n{");
	for (; seconds < 100 && !is_closing(&talk); seconds++) {
		fed_bytes(&talk.fed, " ", 1);
		fed_pass(&talk.fed, 1000);
	}
	assert_true(seconds < 10);
	end(&talk);
}

static void an_idle_connection_has_its_time(void **state)
{
	struct talk talk;

	(void)state;
	begin(&talk, NULL, &quick);
	say(&talk, "GET /livez HTTP/1.1\r\n" HOST "\r\n");
	await(&talk, "alive\n", 1);
	fed_pass(&talk.fed, 10000);
	assert_false(is_closing(&talk));
	fed_pass(&talk.fed, 200000);
	turn(&talk);
	assert_true(is_closing(&talk));
	end(&talk);
}

/* ---- memory ---- */

/* JSON that takes a tree is counted by what the tree may take. */
static void a_tree_of_json_is_bounded_by_the_budget(void **state)
{
	const struct lf_rpc_options rpc = {
		.worker_count = 2, .request_bytes_max = 2 * 1024 * 1024, .message_bytes_max = 256 * 1024};
	char *body = malloc(200 * 1024), *text;
	size_t length = (size_t)sprintf(body, "{\"unknown\": [1");
	struct talk talk;

	(void)state;
	for (size_t i = 0; i < 50000; i++)
		length += (size_t)sprintf(body + length, ",1");
	sprintf(body + length, "]}");
	text = post("/leadfit.v1.Scoring/Score", "application/json", "", body);
	begin(&talk, &rpc, NULL);
	say(&talk, text);
	await(&talk, "\"code\":\"resource_exhausted\"", 1);
	sprintf(body + 994, "]}");
	free(text);
	text = post("/leadfit.v1.Scoring/Score", "application/json", "", body);
	say(&talk, text);
	await(&talk, "\"field\":\"unknown\"", 1);
	end(&talk);
	free(text);
	free(body);
}

/* Connections in every place, freed there. */
static void a_connection_may_end_anywhere(void **state)
{
	static const char whole[] =
		SCORE JSON "Content-Length: 18\r\n\r\n{\"rubric\": \"hold\"}GET /livez HTTP/1.1\r\n" HOST "\r\n";

	(void)state;
	for (size_t length = 1; length < sizeof(whole); length += 7) {
		struct talk talk;

		begin(&talk, NULL, NULL);
		fed_bytes(&talk.fed, whole, length);
		turn(&talk);
		end(&talk);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_is_answered_in_json),
		cmocka_unit_test(a_large_reply_comes_in_pieces),
		cmocka_unit_test(a_stream_of_replies_is_chunked),
		cmocka_unit_test(requests_wait_for_those_before_them),
		cmocka_unit_test(what_waits_is_bounded_by_the_budget),
		cmocka_unit_test(a_peer_that_says_no_more_gets_its_replies),
		cmocka_unit_test(what_is_in_is_answered_before_the_connection_closes),
		cmocka_unit_test(a_body_that_is_coming_in_is_still_read),
		cmocka_unit_test(a_head_has_its_time),
		cmocka_unit_test(a_body_has_its_time),
		cmocka_unit_test(a_byte_a_second_is_not_enough),
		cmocka_unit_test(an_idle_connection_has_its_time),
		cmocka_unit_test(a_tree_of_json_is_bounded_by_the_budget),
		cmocka_unit_test(a_connection_may_end_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
