/* One request at a time: what a caller gets for what it sent. */
#include "proto/base/trace.h"
#include "tests/rpc/help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct fixture server;

static int start(void **state)
{
	(void)state;
	fixture_start(&server, NULL, "tcp");
	return 0;
}

static int end(void **state)
{
	(void)state;
	fixture_end(&server);
	return 0;
}

/* Makes the call and expects the status, with a text in its message. */
static void expect(const struct call_options *options, enum lf_code code, const char *text)
{
	struct reply reply;

	call(&reply, server.url, options);
	assert_int_equal(reply.rc, 0);
	assert_string_equal(lf_code_name(reply.frame.status), lf_code_name(code));
	if (code != LF_OK && strstr(reply.error->message, text) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", reply.error->message, text);
	reply_clean_up(&reply);
}

static void expect_raw(const void *bytes, size_t length, enum lf_code code, const char *text)
{
	nng_msg *message;
	struct reply reply;

	assert_int_equal(nng_msg_alloc(&message, 0), 0);
	assert_int_equal(nng_msg_append(message, bytes, length), 0);
	call_message(&reply, server.url, message);
	assert_int_equal(reply.rc, 0);
	assert_string_equal(lf_code_name(reply.frame.status), lf_code_name(code));
	if (strstr(reply.error->message, text) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", reply.error->message, text);
	reply_clean_up(&reply);
}

static void a_call_is_answered_with_the_methods_reply(void **state)
{
	const struct call_options options = {.key = "key-1"};
	struct reply reply;

	(void)state;
	call(&reply, server.url, &options);
	assert_int_equal(reply.rc, 0);
	assert_int_equal(reply.frame.status, LF_OK);
	assert_string_equal(reply.decision->decision_id, "key-1");
	assert_int_equal(reply.frame.metadata_count, 1); /* the trace */
	assert_int_equal(lf_frame_metadata(&reply.frame, "traceparent").length, LF_TRACE_TEXT_BYTES);
	reply_clean_up(&reply);
}

static void without_tokens_the_caller_is_local(void **state)
{
	const struct call_options options = {.key = "key"};
	struct reply reply;

	(void)state;
	call(&reply, server.url, &options);
	assert_string_equal(reply.decision->team->id, "local");
	reply_clean_up(&reply);
}

static void a_call_may_be_answered_later_from_another_thread(void **state)
{
	(void)state;
	expect(&(struct call_options){.rubric = "later"}, LF_OK, "");
}

static void a_reply_may_be_staged_and_completed_by_appending(void **state)
{
	struct reply reply;

	(void)state;
	call(&reply, server.url, &(struct call_options){.rubric = "stage"});
	assert_int_equal(reply.frame.status, LF_OK);
	assert_string_equal(reply.decision->decision_id, "parts");
	reply_clean_up(&reply);
}

static void a_failure_carries_every_violation(void **state)
{
	struct reply reply;

	(void)state;
	call(&reply, server.url, &(struct call_options){.rubric = "fail"});
	assert_int_equal(reply.frame.status, LF_INVALID_ARGUMENT);
	assert_int_equal(reply.error->n_violations, 2);
	assert_string_equal(reply.error->violations[0]->field, "team.members[0].id");
	assert_string_equal(reply.error->violations[1]->field, "project.id");
	assert_string_equal(reply.error->violations[1]->description, "is empty");
	reply_clean_up(&reply);
}

static void a_method_with_several_replies_is_unimplemented_over_nng(void **state)
{
	(void)state;
	expect(&(struct call_options){.rubric = "stream"}, LF_UNIMPLEMENTED, "nng carries one reply to a call");
	assert_serves(server.url);
}

static void a_method_without_a_reply_is_internal(void **state)
{
	(void)state;
	expect(&(struct call_options){.rubric = "nothing"}, LF_INTERNAL, "no reply");
}

static void the_request_id_is_echoed_in_success_and_failure(void **state)
{
	struct reply reply;
	struct lf_slice id;

	(void)state;
	for (int i = 0; i < 2; i++) {
		call(&reply, server.url,
			&(struct call_options){.rubric = i == 0 ? "now" : "fail", .request_id = "r-42"});
		id = lf_frame_metadata(&reply.frame, "request-id");
		assert_int_equal(id.length, 4);
		assert_memory_equal(id.data, "r-42", 4);
		reply_clean_up(&reply);
	}
}

static void the_trace_is_continued_in_success_and_failure(void **state)
{
	static const char parent[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
	struct lf_slice said;
	struct reply reply;

	(void)state;
	for (int i = 0; i < 2; i++) {
		call(&reply, server.url,
			&(struct call_options){.rubric = i == 0 ? "now" : "fail",
				.traceparent = parent,
				.tracestate = "vendor=value"});
		said = lf_frame_metadata(&reply.frame, "traceparent");
		assert_int_equal(said.length, LF_TRACE_TEXT_BYTES);
		assert_memory_equal(said.data, parent, 36);
		assert_memory_not_equal(said.data + 36, parent + 36, 16);
		said = lf_frame_metadata(&reply.frame, "tracestate");
		assert_int_equal(said.length, 12);
		assert_memory_equal(said.data, "vendor=value", 12);
		reply_clean_up(&reply);
	}
}

/* What is no trace is not passed on, nor what belongs to it. */
static void a_trace_begins_where_none_is_continued(void **state)
{
	struct reply reply;

	(void)state;
	call(&reply, server.url,
		&(struct call_options){.rubric = "now", .traceparent = "00-nonsense", .tracestate = "vendor=value"});
	assert_int_equal(lf_frame_metadata(&reply.frame, "traceparent").length, LF_TRACE_TEXT_BYTES);
	assert_null(lf_frame_metadata(&reply.frame, "tracestate").data);
	reply_clean_up(&reply);
}

static void an_unknown_method_is_unimplemented_and_the_nearest_is_named(void **state)
{
	(void)state;
	expect(&(struct call_options){.method = "leadfit.v1.Scoring/Scorr"}, LF_UNIMPLEMENTED,
		"leadfit.v1.Scoring/Score");
	expect(&(struct call_options){.method = "nothing.like/It"}, LF_UNIMPLEMENTED, "nothing.like/It");
}

static void a_method_of_a_service_that_is_not_there_is_unimplemented(void **state)
{
	(void)state;
	expect(&(struct call_options){.method = "leadfit.v1.Rubrics/List"}, LF_UNIMPLEMENTED,
		"leadfit.v1.Rubrics/List");
}

static void rubbish_instead_of_a_frame_is_invalid(void **state)
{
	(void)state;
	expect_raw("rubbish rubbish rubbish", 23, LF_INVALID_ARGUMENT, "byte 0");
	expect_raw("L", 1, LF_INVALID_ARGUMENT, "bytes are fewer");
	expect_raw("", 0, LF_INVALID_ARGUMENT, "bytes are fewer");
}

static void another_version_of_the_frame_is_unimplemented(void **state)
{
	(void)state;
	expect_raw("LF\x09\0\0\0\0\0\0\0\0\0", 12, LF_UNIMPLEMENTED, "version");
}

static void a_reply_instead_of_a_request_is_invalid(void **state)
{
	(void)state;
	expect_raw("LF\x01\x01\0\0\0\0\0\0\0\0", 12, LF_INVALID_ARGUMENT, "request");
}

static void an_undecodable_message_is_invalid(void **state)
{
	static const uint8_t CUT[] = {0x1a, 0x20, 'x'}; /* rubric: 32 bytes announced */
	static const uint8_t NOT_UTF8[] = {0x1a, 0x02, 0xff, 0xfe};
	static const uint8_t UNKNOWN_FIELD[] = {0xf8, 0x07, 0x01}; /* field 127 */

	(void)state;
	expect(&(struct call_options){.message = CUT, .message_length = sizeof(CUT)}, LF_INVALID_ARGUMENT, "");
	expect(&(struct call_options){.message = NOT_UTF8, .message_length = sizeof(NOT_UTF8)}, LF_INVALID_ARGUMENT,
		"rubric");
	expect(&(struct call_options){.message = UNKNOWN_FIELD, .message_length = sizeof(UNKNOWN_FIELD)},
		LF_INVALID_ARGUMENT, "");
}

static void a_request_above_the_limit_is_refused_with_limit_and_value(void **state)
{
	(void)state;
	expect(&(struct call_options){.padding = LF_MESSAGE_BYTES_MAX + 1000}, LF_RESOURCE_EXHAUSTED, "4194304");
}

static void a_request_above_twice_the_limit_ends_only_its_connection(void **state)
{
	nng_socket client;
	nng_msg *message;

	(void)state;
	client = client_open(server.url);
	nng_socket_set_ms(client, NNG_OPT_RECVTIMEO, 300);
	assert_int_equal(
		nng_sendmsg(client, request_new(&(struct call_options){.padding = 2 * LF_MESSAGE_BYTES_MAX}), 0), 0);
	assert_int_not_equal(nng_recvmsg(client, &message, 0), 0);
	nng_close(client);
	assert_serves(server.url);
}

static void a_reply_above_the_limit_fails(void **state)
{
	(void)state;
	server.stubs.large_bytes = LF_MESSAGE_BYTES_MAX;
	expect(&(struct call_options){.rubric = "large"}, LF_RESOURCE_EXHAUSTED, "4194304");
	server.stubs.large_bytes = LF_MESSAGE_BYTES_MAX - 100;
	expect(&(struct call_options){.rubric = "large"}, LF_OK, "");
}

static void every_status_is_counted(void **state)
{
	struct lf_rpc_counters before, after;

	(void)state;
	lf_rpc_server_counters(server.server, &before);
	expect(&(struct call_options){.rubric = "now"}, LF_OK, "");
	expect(&(struct call_options){.rubric = "fail"}, LF_INVALID_ARGUMENT, "");
	wait_ended(server.server, before.ended + 2);
	lf_rpc_server_counters(server.server, &after);
	assert_int_equal(after.started - before.started, 2);
	assert_int_equal(after.by_code[LF_OK] - before.by_code[LF_OK], 1);
	assert_int_equal(after.by_code[LF_INVALID_ARGUMENT] - before.by_code[LF_INVALID_ARGUMENT], 1);
}

/* ---- with tokens ---- */

static struct lf_tokens *tokens;

/* "reader-token" may read, "scorer-token" score, "admin-token" all. */
static int start_with_tokens(void **state)
{
	char path[] = "/tmp/lf-tokens-XXXXXX";
	struct fixture_options options = {0};
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "w");

	(void)state;
	fprintf(file, "reader %s read\nscorer %s score,read\nroot %s admin\n",
		"ba5005a40cf5212e4ac0190104cc127edab013294bb71279a975b27a80982d45",
		"d7642cf89b2c74f18c38d19c85569bff8b663b4f77f9a61ca47f308ab06af086",
		"10a4c7c9fc5206d6f36dc6944a81bb6f4a3cb0e25014ae3b12e6c3e52712292a");
	fclose(file);
	assert_int_equal(lf_tokens_load(&tokens, path, NULL), LF_OK);
	unlink(path);
	options.rpc.tokens = tokens;
	fixture_start(&server, &options, "tcp");
	return 0;
}

static int end_with_tokens(void **state)
{
	end(state);
	lf_tokens_release(tokens);
	return 0;
}

static void a_missing_or_unknown_token_is_unauthenticated(void **state)
{
	(void)state;
	expect(&(struct call_options){0}, LF_UNAUTHENTICATED, "no token");
	expect(&(struct call_options){.token = "Bearer nobody"}, LF_UNAUTHENTICATED, "unknown");
	expect(&(struct call_options){.token = "Bearer "}, LF_UNAUTHENTICATED, "unknown");
	expect(&(struct call_options){.token = "Basic scorer-token"}, LF_UNAUTHENTICATED, "Bearer");
}

static void a_caller_without_the_role_is_denied_and_the_role_is_named(void **state)
{
	(void)state;
	expect(&(struct call_options){.token = "Bearer reader-token"}, LF_PERMISSION_DENIED, "score");
}

static void a_caller_with_the_role_or_admin_is_served_by_name(void **state)
{
	struct reply reply;

	(void)state;
	call(&reply, server.url, &(struct call_options){.token = "Bearer scorer-token"});
	assert_int_equal(reply.frame.status, LF_OK);
	assert_string_equal(reply.decision->team->id, "scorer");
	reply_clean_up(&reply);
	call(&reply, server.url, &(struct call_options){.token = "Bearer admin-token"});
	assert_int_equal(reply.frame.status, LF_OK);
	assert_string_equal(reply.decision->team->id, "root");
	reply_clean_up(&reply);
}

static void a_method_can_need_another_role_than_its_service(void **state)
{
	static const uint8_t NOTHING[1];
	static const char *const SWEEP = "leadfit.v1.Scoring/Sweep";
	struct reply reply;

	(void)state;
	expect(&(struct call_options){.method = SWEEP, .token = "Bearer scorer-token"}, LF_PERMISSION_DENIED,
		"lacks the role rubric");
	expect(&(struct call_options){.method = SWEEP}, LF_UNAUTHENTICATED, "no token");
	call(&reply, server.url,
		&(struct call_options){
			.method = SWEEP, .token = "Bearer admin-token", .message = NOTHING, .message_length = 0});
	assert_int_equal(reply.frame.status, LF_OK);
	reply_clean_up(&reply);
}

static void a_role_is_for_a_method_that_is_there_and_set_before_listening(void **state)
{
	struct lf_rpc_options options = {0};
	struct lf_rpc_server *other;
	struct stubs stubs;

	(void)state;
	stubs_init(&stubs);
	assert_int_equal(lf_rpc_server_new(&other, &options, NULL), LF_OK);
	assert_int_equal(
		lf_rpc_server_require(other, &stubs.scoring.base, "Score", 0, NULL), LF_NOT_FOUND); /* not added */
	stubs_add(&stubs, other);
	assert_int_equal(lf_rpc_server_require(other, &stubs.scoring.base, "score", 0, NULL), LF_NOT_FOUND);
	assert_int_equal(lf_rpc_server_require(other, &stubs.scoring.base, "Score", 0, NULL), LF_OK);
	assert_int_equal(lf_rpc_server_require(server.server, &server.stubs.scoring.base, "Score", 0, NULL),
		LF_FAILED_PRECONDITION);
	lf_rpc_server_destroy(other);
	stubs_clean_up(&stubs);
}

static void health_and_description_need_no_token(void **state)
{
	static const uint8_t NOTHING[1];
	struct reply reply;

	(void)state;
	call(&reply, server.url,
		&(struct call_options){
			.method = "grpc.health.v1.Health/Check", .message = NOTHING, .message_length = 0});
	assert_int_equal(reply.frame.status, LF_OK);
	reply_clean_up(&reply);
	call(&reply, server.url,
		&(struct call_options){
			.method = "leadfit.v1.Describe/Describe", .message = NOTHING, .message_length = 0});
	assert_int_equal(reply.frame.status, LF_OK);
	reply_clean_up(&reply);
}

int main(void)
{
	const struct CMUnitTest open_to_all[] = {
		cmocka_unit_test(a_call_is_answered_with_the_methods_reply),
		cmocka_unit_test(without_tokens_the_caller_is_local),
		cmocka_unit_test(a_call_may_be_answered_later_from_another_thread),
		cmocka_unit_test(a_reply_may_be_staged_and_completed_by_appending),
		cmocka_unit_test(a_failure_carries_every_violation),
		cmocka_unit_test(a_method_with_several_replies_is_unimplemented_over_nng),
		cmocka_unit_test(a_method_without_a_reply_is_internal),
		cmocka_unit_test(the_request_id_is_echoed_in_success_and_failure),
		cmocka_unit_test(the_trace_is_continued_in_success_and_failure),
		cmocka_unit_test(a_trace_begins_where_none_is_continued),
		cmocka_unit_test(an_unknown_method_is_unimplemented_and_the_nearest_is_named),
		cmocka_unit_test(a_method_of_a_service_that_is_not_there_is_unimplemented),
		cmocka_unit_test(rubbish_instead_of_a_frame_is_invalid),
		cmocka_unit_test(another_version_of_the_frame_is_unimplemented),
		cmocka_unit_test(a_reply_instead_of_a_request_is_invalid),
		cmocka_unit_test(an_undecodable_message_is_invalid),
		cmocka_unit_test(a_request_above_the_limit_is_refused_with_limit_and_value),
		cmocka_unit_test(a_request_above_twice_the_limit_ends_only_its_connection),
		cmocka_unit_test(a_reply_above_the_limit_fails),
		cmocka_unit_test(every_status_is_counted),
	};
	const struct CMUnitTest with_tokens[] = {
		cmocka_unit_test(a_missing_or_unknown_token_is_unauthenticated),
		cmocka_unit_test(a_caller_without_the_role_is_denied_and_the_role_is_named),
		cmocka_unit_test(a_caller_with_the_role_or_admin_is_served_by_name),
		cmocka_unit_test(a_method_can_need_another_role_than_its_service),
		cmocka_unit_test(a_role_is_for_a_method_that_is_there_and_set_before_listening),
		cmocka_unit_test(health_and_description_need_no_token),
	};
	int failed = cmocka_run_group_tests(open_to_all, start, end);

	return failed + cmocka_run_group_tests(with_tokens, start_with_tokens, end_with_tokens);
}
