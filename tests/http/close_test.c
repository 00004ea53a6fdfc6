/*
 * The transport closes amid a reply of several parts: those that the loop had been given, and those that it was not,
 * are given back, and the turn is over after the last of them. Neither budget nor call may notice in which order.
 */
#include "tests/http/fed.h"

#include <stdio.h>
#include <string.h>

/* A call that a method has, and the test answers. */
static struct lf_rpc_call *held_call(struct fed *fed)
{
	struct lf_rpc_call *call;

	fed_start_held(fed);
	call = fed->stubs.held[0];
	fed->stubs.held_count = 0;
	fed->reads = false;
	return call;
}

static void stage(struct lf_rpc_call *call, size_t length)
{
	uint8_t *bytes = lf_rpc_stage_bytes(call, length);

	assert_non_null(bytes);
	memset(bytes, 0, length);
}

static void send_part(struct lf_rpc_call *call, size_t length)
{
	struct lf_error error = LF_ERROR_INIT;

	stage(call, length);
	assert_int_equal(lf_rpc_send_part(call, &error), LF_OK);
}

/* As close_down() does first. What follows in it finds what is there now. */
static void close_transport(struct fed *fed)
{
	atomic_store(&fed->http->closed, true);
}

static uint64_t ended(struct fed *fed)
{
	struct lf_rpc_counters counters;

	lf_rpc_server_counters(fed->server, &counters);
	return counters.ended;
}

/* ---- */

static void a_call_that_ends_before_its_parts_are_freed_is_over_with_the_last(void **state)
{
	struct lf_rpc_call *call;
	struct fed fed;

	(void)state;
	call = held_call(&fed);
	send_part(call, 100);
	send_part(call, 200000);
	close_transport(&fed);
	send_part(call, 300); /* which the loop is not given */
	stage(call, 10);
	lf_rpc_send(call);
	assert_int_equal(ended(&fed), 0);
	lf_http_events_work(fed.http);
	assert_int_equal(ended(&fed), 0); /* the version of HTTP has them now */
	lf_http_conn_close(fed.conn);
	assert_int_equal(ended(&fed), 1);
	fed_end(&fed); /* which checks that nothing of the budget is in use */
}

static void an_error_after_parts_is_no_different(void **state)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_rpc_call *call;
	struct fed fed;

	(void)state;
	call = held_call(&fed);
	send_part(call, 100);
	lf_http_events_work(fed.http);
	send_part(call, 100);
	close_transport(&fed);
	lf_error_set(&error, LF_UNAVAILABLE, "the service is stopping");
	lf_rpc_fail(call, &error);
	assert_int_equal(ended(&fed), 0);
	lf_rpc_server_stop(fed.server, 0);
	assert_int_equal(ended(&fed), 1);
	fed_end(&fed);
}

static void a_call_that_ends_after_its_parts_are_freed_is_over_at_once(void **state)
{
	struct lf_rpc_call *call;
	struct fed fed;

	(void)state;
	call = held_call(&fed);
	send_part(call, 100);
	send_part(call, 100);
	lf_rpc_server_stop(fed.server, 0);
	assert_true(lf_rpc_expired(call));
	assert_int_equal(lf_rpc_untaken(call), 0);
	send_part(call, 100);
	assert_int_equal(lf_rpc_untaken(call), 0);
	assert_int_equal(ended(&fed), 0);
	stage(call, 10);
	lf_rpc_send(call);
	assert_int_equal(ended(&fed), 1);
	fed_end(&fed);
}

static void a_call_may_end_amid_its_parts(void **state)
{
	struct lf_rpc_call *call;
	struct fed fed;

	(void)state;
	call = held_call(&fed);
	send_part(call, 100);
	lf_http_events_work(fed.http);
	lf_http_conn_close(fed.conn); /* frees that one */
	send_part(call, 100);
	close_transport(&fed);
	stage(call, 10);
	lf_rpc_send(call);
	assert_int_equal(ended(&fed), 0);
	lf_http_events_work(fed.http);
	assert_int_equal(ended(&fed), 1);
	fed_end(&fed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_that_ends_before_its_parts_are_freed_is_over_with_the_last),
		cmocka_unit_test(an_error_after_parts_is_no_different),
		cmocka_unit_test(a_call_that_ends_after_its_parts_are_freed_is_over_at_once),
		cmocka_unit_test(a_call_may_end_amid_its_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
