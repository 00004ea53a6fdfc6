/*
 * A stream over HTTP/2 may have nothing to say for hours (Health/Watch, say). Its connection is not idle then, and not
 * silent: a PING a minute keeps what is between the two from forgetting it, and finds a peer that has gone.
 */
#include "tests/http/fed.h"

#include <string.h>

enum { A_MINUTE = 60 * 1000, HOURS = 4 };

static void a_stream_that_is_silent_for_hours_stays_and_its_peer_is_asked_each_minute(void **state)
{
	struct fed_stream *stream;
	struct fed fed;

	(void)state;
	stream = fed_start_held(&fed);
	for (size_t minute = 1; minute <= HOURS * 60; minute++) {
		fed_pass(&fed, A_MINUTE + 1000);
		fed_turn(&fed); /* the answer */
		assert_int_equal(fed.pings, minute);
		assert_int_equal(fed.conn->stage, LF_HTTP_TALKING);
	}
	assert_false(fed.goaway);
	assert_false(stream->closed);
	stubs_release(&fed.stubs);
	fed_wait(&fed, stream);
	assert_int_equal(stream->grpc, 0);
	fed_end(&fed);
}

static void who_speaks_is_not_asked(void **state)
{
	static const uint8_t EMPTY[5];
	struct fed fed;

	(void)state;
	fed_start_held(&fed);
	for (int i = 0; i < 10; i++) {
		fed_pass(&fed, A_MINUTE - 10 * 1000);
		fed_wait(&fed, fed_call(&fed, "/grpc.health.v1.Health/Check", EMPTY, sizeof(EMPTY), NULL));
	}
	assert_int_equal(fed.pings, 0);
	fed_end(&fed);
}

static void who_does_not_answer_is_gone_and_so_is_its_call(void **state)
{
	struct fed fed;

	(void)state;
	fed_start_held(&fed);
	fed.reads = false; /* and so it learns of no PING */
	fed_pass(&fed, A_MINUTE + 1000);
	fed_pass(&fed, 10 * 1000);
	assert_int_equal(fed.conn->stage, LF_HTTP_TALKING);
	assert_false(lf_rpc_expired(fed.stubs.held[0]));
	fed_pass(&fed, 11 * 1000);
	assert_int_equal(fed.conn->stage, LF_HTTP_CLOSED);
	assert_true(lf_rpc_expired(fed.stubs.held[0]));
	fed_end(&fed);
}

/* A connection without requests is not kept by PINGs: it is told to go after ten minutes, however time passes. */
static void who_has_no_requests_is_not_asked_and_goes(void **state)
{
	static const uint8_t EMPTY[5];
	struct fed fed;

	(void)state;
	fed_start(&fed, NULL, NULL, true);
	fed_wait(&fed, fed_call(&fed, "/grpc.health.v1.Health/Check", EMPTY, sizeof(EMPTY), NULL));
	for (int i = 0; i < 19; i++) {
		fed_pass(&fed, A_MINUTE / 2);
		fed_turn(&fed);
		assert_false(fed.goaway);
	}
	fed_pass(&fed, A_MINUTE);
	fed_turn(&fed);
	assert_true(fed.goaway);
	assert_int_equal(fed.pings, 0);
	fed_end(&fed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stream_that_is_silent_for_hours_stays_and_its_peer_is_asked_each_minute),
		cmocka_unit_test(who_speaks_is_not_asked),
		cmocka_unit_test(who_does_not_answer_is_gone_and_so_is_its_call),
		cmocka_unit_test(who_has_no_requests_is_not_asked_and_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
