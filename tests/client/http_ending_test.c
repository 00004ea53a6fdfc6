/*
 * The ends of connections over HTTP/2: what becomes of the calls of one that was told to go away and then dies, and how a
 * peer that is silent is found out.
 */
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
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "client/lib/http.h"
#include "grpc/health/v1/health.pb-c.h"
#include "tests/client/fake.h"

/* ---- a connection that ends, and dies ---- */

enum { LARGE = 900 * 1024 }; /* within HTTP/2's windows, and more than a local socket takes */

/*
 * Three calls of one connection, whose server reads nothing after the first: that one was taken, the second has been
 * written in part, and nothing of the third. The first may be repeated.
 */
struct three {
	struct fake fake;
	struct lf_client *client;
	struct lf_call *calls[3];
	struct fake_request *first; /* held */
	uint8_t *large;
	atomic_uint closures;
};

static void on_bytes(const uint8_t *reply, size_t length, void *closure_data)
{
	(void)reply;
	(void)length;
	atomic_fetch_add((atomic_uint *)closure_data, 1);
}

static struct lf_call *start(struct three *three, bool idempotent, size_t length)
{
	const struct lf_call_options options = {.timeout_ms = 60000, .idempotent = idempotent};
	struct lf_call *call = lf_call_new(three->client, &grpc__health__v1__health__descriptor, &options);

	assert_non_null(call);
	lf_call_start_bytes(call, 0, three->large, length, on_bytes, &three->closures);
	return call;
}

static void hold_and_stall(struct fake *fake, struct fake_request *request)
{
	fake_hold(fake, request);
	fake_stall(fake, request);
	fake->handler = fake_serving;
}

/* For what the client's thread does; where it is slower, the calls end likewise, but have gone another way. */
static void let_it_work(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
}

static void three_start(struct three *three)
{
	char url[64];

	memset(three, 0, sizeof(*three));
	snprintf(url, sizeof(url), "unix:/tmp/leadfit-ending-%d", (int)getpid());
	three->large = calloc(1, LARGE);
	assert_non_null(three->large);
	fake_start(&three->fake, url, hold_and_stall);
	three->client = connect_to(three->fake.url);
	three->calls[0] = start(three, true, 0);
	fake_await(&three->fake, 1);
	three->first = three->fake.held[0];
	three->calls[1] = start(three, false, LARGE);
	let_it_work();
	three->calls[2] = start(three, false, 0);
	let_it_work();
}

static void assert_ends(struct three *three, size_t index, enum lf_code code, const char *message)
{
	struct lf_error error = LF_ERROR_INIT;

	assert_int_equal(lf_call_wait(three->calls[index], &error), code);
	if (message != NULL && strstr(error.message, message) == NULL)
		fail_msg("\"%s\" says not \"%s\"", error.message, message);
	lf_error_clean_up(&error);
	lf_call_destroy(three->calls[index]);
}

static void three_end(struct three *three)
{
	assert_int_equal(three->closures, 3);
	assert_int_equal(check_health(three->client, NULL, NULL), LF_OK);
	lf_client_destroy(three->client);
	fake_free_request(three->first);
	three->fake.held_count = 0;
	unlink(three->fake.url + strlen("unix:"));
	fake_stop(&three->fake);
	free(three->large);
}

static void when_it_dies_what_was_not_written_is_sent_again_and_what_may_be_repeated(void **state)
{
	struct three three;

	(void)state;
	three_start(&three);
	fake_cut(&three.fake, three.first);
	assert_ends(&three, 0, LF_OK, NULL);
	assert_ends(&three, 1, LF_UNAVAILABLE, "was lost before the answer");
	assert_ends(&three, 2, LF_OK, NULL);
	three_end(&three);
}

/*
 * The announcement of a stop: all streams may still be answered. And then they are not. What was not written has not waited
 * for that.
 */
static void when_it_is_told_to_go_away_what_was_not_written_goes_another_way(void **state)
{
	struct three three;

	(void)state;
	three_start(&three);
	three.first->stream = INT32_MAX;
	fake_go_away(&three.fake, three.first);
	assert_ends(&three, 2, LF_OK, NULL);
	assert_int_equal(check_health(three.client, NULL, NULL), LF_OK);
	assert_int_equal(three.closures, 1);
	fake_cut(&three.fake, three.first);
	assert_ends(&three, 0, LF_OK, NULL);
	assert_ends(&three, 1, LF_UNAVAILABLE, "was lost before the answer");
	three_end(&three);
}

/* What the server says that it did not begin is sent again though it may not be repeated, however much of it was written. */
static void what_a_server_that_goes_away_has_not_begun_is_sent_again(void **state)
{
	struct three three;

	(void)state;
	three_start(&three);
	fake_go_away(&three.fake, three.first);
	assert_ends(&three, 1, LF_OK, NULL);
	assert_ends(&three, 2, LF_OK, NULL);
	assert_int_equal(three.closures, 2);
	fake_cut(&three.fake, three.first);
	assert_ends(&three, 0, LF_OK, NULL);
	three_end(&three);
}

/* ---- a peer that is silent ---- */

enum { START_MS = 1000000 };

static const uint8_t SETTINGS[] = {0, 0, 0, 4, 0, 0, 0, 0, 0}, REQUEST[LF_HTTP_PREFIX_BYTES];

/* A connection that is open, whose peer the test is. */
struct silent {
	struct lf_client_http_conn *conn;
	struct lf_client_http_stream stream;
	int peer;
};

static void peer_says(struct silent *silent, const void *bytes, size_t length, int64_t now_ms)
{
	static uint8_t in[LF_HTTP_IN_BYTES];

	assert_int_equal(send(silent->peer, bytes, length, MSG_NOSIGNAL), length);
	lf_client_http_conn_read(silent->conn, in, now_ms);
}

/* How many PINGs that are no answers the client has sent, and the last one's eight bytes. */
static unsigned pings(struct silent *silent, uint8_t opaque[8])
{
	uint8_t bytes[4096];
	unsigned count = 0;
	ssize_t length;

	lf_client_http_conn_write(silent->conn);
	length = recv(silent->peer, bytes, sizeof(bytes), MSG_DONTWAIT);
	for (ssize_t at = memcmp(bytes, "PRI", 3) == 0 ? 24 : 0; at < length;) {
		const size_t frame = (size_t)bytes[at] << 16 | (size_t)bytes[at + 1] << 8 | bytes[at + 2];

		if (bytes[at + 3] == NGHTTP2_PING && (bytes[at + 4] & NGHTTP2_FLAG_ACK) == 0) {
			memcpy(opaque, bytes + at + 9, 8);
			count++;
		}
		at += 9 + (ssize_t)frame;
	}
	return count;
}

static void silent_start(struct silent *silent, bool calls)
{
	const struct lf_client_http_head head = {
		.scheme = "http", .authority = "test", .method = "grpc.health.v1.Health/Check", .timeout_ms = 1000};
	uint8_t opaque[8];
	int pair[2];

	memset(silent, 0, sizeof(*silent));
	silent->conn = calloc(1, sizeof(*silent->conn));
	assert_non_null(silent->conn);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	silent->conn->socket = pair[0];
	silent->peer = pair[1];
	silent->conn->session = lf_client_http_session_new(1024);
	assert_non_null(silent->conn->session);
	silent->conn->state = LF_HTTP_OPEN;
	peer_says(silent, SETTINGS, sizeof(SETTINGS), START_MS);
	if (calls)
		assert_true(
			lf_client_http_submit(silent->conn->session, &silent->stream, &head, REQUEST, sizeof(REQUEST)));
	assert_int_equal(pings(silent, opaque), 0);
}

static void silent_end(struct silent *silent)
{
	while (lf_client_http_take_open(silent->conn->session) != NULL)
		;
	lf_client_http_stream_clean_up(&silent->stream);
	lf_client_http_conn_close(silent->conn);
	close(silent->peer);
	free(silent->conn);
}

static void a_silent_peer_is_asked_and_one_that_does_not_answer_is_left(void **state)
{
	const int64_t asked_ms = START_MS + LF_HTTP_PING_MS;
	struct silent silent;
	uint8_t opaque[8];

	(void)state;
	silent_start(&silent, true);
	assert_int_equal(lf_client_http_conn_watch(silent.conn, START_MS), asked_ms);
	assert_int_equal(lf_client_http_conn_watch(silent.conn, asked_ms - 1), asked_ms);
	assert_int_equal(pings(&silent, opaque), 0);
	lf_client_http_conn_watch(silent.conn, asked_ms);
	assert_int_equal(pings(&silent, opaque), 1);
	assert_int_equal(lf_client_http_conn_watch(silent.conn, asked_ms + 1), asked_ms + LF_HTTP_PONG_MS);
	lf_client_http_conn_watch(silent.conn, asked_ms + LF_HTTP_PONG_MS - 1);
	assert_int_equal(silent.conn->state, LF_HTTP_OPEN);
	lf_client_http_conn_watch(silent.conn, asked_ms + LF_HTTP_PONG_MS);
	assert_int_equal(silent.conn->state, LF_HTTP_DEAD);
	assert_string_equal(silent.conn->reason, "the peer no longer answers");
	silent_end(&silent);
}

static void one_that_answers_is_asked_again_after_a_minute(void **state)
{
	uint8_t answer[17] = {0, 0, 8, NGHTTP2_PING, NGHTTP2_FLAG_ACK};
	int64_t now_ms = START_MS;
	struct silent silent;

	(void)state;
	silent_start(&silent, true);
	for (int i = 0; i < 3; i++) {
		now_ms += LF_HTTP_PING_MS;
		lf_client_http_conn_watch(silent.conn, now_ms);
		assert_int_equal(pings(&silent, answer + 9), 1);
		now_ms += LF_HTTP_PONG_MS - 1;
		peer_says(&silent, answer, sizeof(answer), now_ms);
		assert_int_equal(lf_client_http_conn_watch(silent.conn, now_ms + 1), now_ms + LF_HTTP_PING_MS);
		assert_int_equal(silent.conn->state, LF_HTTP_OPEN);
	}
	silent_end(&silent);
}

/* So that a server is not asked by clients that want nothing of it. */
static void without_calls_nobody_is_asked(void **state)
{
	struct silent silent;
	uint8_t opaque[8];

	(void)state;
	silent_start(&silent, false);
	assert_true(lf_client_http_conn_watch(silent.conn, START_MS + 10 * LF_HTTP_PING_MS) == INT64_MAX);
	assert_int_equal(pings(&silent, opaque), 0);
	silent_end(&silent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(when_it_dies_what_was_not_written_is_sent_again_and_what_may_be_repeated),
		cmocka_unit_test(when_it_is_told_to_go_away_what_was_not_written_goes_another_way),
		cmocka_unit_test(what_a_server_that_goes_away_has_not_begun_is_sent_again),
		cmocka_unit_test(a_silent_peer_is_asked_and_one_that_does_not_answer_is_left),
		cmocka_unit_test(one_that_answers_is_asked_again_after_a_minute),
		cmocka_unit_test(without_calls_nobody_is_asked),
	};

	alarm(100); /* a hang is a failure */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
