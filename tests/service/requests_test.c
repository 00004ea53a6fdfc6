/* Which line a request gets, and what is in it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "service/daemon/requests.h"
#include "service/events/events.h"

static struct lf_trace trace = {.trace_id = {0x4b, 0xf9, [15] = 0x36}, .span_id = {0x00, 0xf0, [7] = 0xb7}};

/* What is said of the outcome, on a standard error of its own. */
static const char *said(const struct lf_rpc_outcome *outcome, bool all)
{
	static char text[8192];
	int pipes[2], before = dup(2);
	ssize_t length;

	assert_int_equal(pipe2(pipes, O_NONBLOCK), 0);
	dup2(pipes[1], 2);
	lf_daemon_say_request(outcome, all);
	dup2(before, 2);
	length = read(pipes[0], text, sizeof(text) - 1);
	text[length < 0 ? 0 : length] = '\0';
	close(pipes[0]);
	close(pipes[1]);
	close(before);
	return text;
}

static struct lf_rpc_outcome outcome(enum lf_code code, uint64_t ms)
{
	return (struct lf_rpc_outcome){.protocol = "grpc",
		.service = "leadfit.v1.Scoring",
		.method = "Score",
		.sent_method = {"leadfit.v1.Scoring/Score", 24},
		.code = code,
		.caller = "hr",
		.is_known = true,
		.duration_ns = ms * 1000000,
		.request_id = {"r-7", 3},
		.trace = &trace,
		.peer = "10.1.2.3"};
}

static void assert_event(enum lf_code code, uint64_t ms, bool all, const char *event)
{
	const struct lf_rpc_outcome one = outcome(code, ms);
	const char *line = said(&one, all);

	if (event == NULL)
		assert_string_equal(line, "");
	else if (strstr(line, event) == NULL)
		fail_msg("%s after %d ms: \"%s\" is no %s", lf_code_name(code), (int)ms, line, event);
}

static void what_went_well_and_fast_is_said_where_all_are(void **state)
{
	(void)state;
	assert_event(LF_OK, 1, false, NULL);
	assert_event(LF_OK, 1, true, " info request: ");
}

static void what_is_slow_failed_or_was_denied_is_said_always(void **state)
{
	(void)state;
	assert_event(LF_OK, 251, false, " warning request_slow: ");
	assert_event(LF_OK, 250, false, NULL);
	for (int code = LF_OK + 1; code <= LF_UNAUTHENTICATED; code++)
		assert_event((enum lf_code)code, 1, false,
			code == LF_UNAUTHENTICATED || code == LF_PERMISSION_DENIED ? " warning request_denied: "
				: code == LF_INTERNAL || code == LF_UNKNOWN || code == LF_DATA_LOSS
				? " error request_broken: "
				: " info request_failed: ");
}

static void a_stream_is_not_slow_by_staying(void **state)
{
	struct lf_rpc_outcome stream = outcome(LF_OK, 3600 * 1000);

	(void)state;
	stream.is_stream = true;
	assert_string_equal(said(&stream, false), "");
}

static void a_line_tells_who_and_which(void **state)
{
	struct lf_rpc_outcome one = outcome(LF_NOT_FOUND, 5);
	const char *line;

	(void)state;
	line = said(&one, false);
	assert_non_null(strstr(line,
		"request_failed: leadfit.v1.Scoring/Score NOT_FOUND duration_us=5000 transport=grpc peer=10.1.2.3 "
		"caller=hr "
		"request_id=r-7 trace_id=4bf90000000000000000000000000036 span_id=00f00000000000b7\n"));
	one.is_known = false; /* a name that nobody vouches for */
	assert_null(strstr(said(&one, false), "caller="));
}

static void a_method_that_is_not_there_forges_nothing(void **state)
{
	struct lf_rpc_outcome one = outcome(LF_UNIMPLEMENTED, 0);
	const char *line;

	(void)state;
	one.service = one.method = "";
	one.sent_method = (struct lf_slice){"x\n2026 info ready:\0 y", 21};
	line = said(&one, false);
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
	assert_non_null(strstr(line, "method=\"x\\n2026 info ready:\\u0000 y\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_went_well_and_fast_is_said_where_all_are),
		cmocka_unit_test(what_is_slow_failed_or_was_denied_is_said_always),
		cmocka_unit_test(a_stream_is_not_slow_by_staying),
		cmocka_unit_test(a_line_tells_who_and_which),
		cmocka_unit_test(a_method_that_is_not_there_forges_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
