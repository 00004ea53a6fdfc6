/* Following the log as it grows, and Health as it changes: the calls that stay open. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "leadfit/v1/decisions.pb-c.h"
#include "leadfit/v1/error.pb-c.h"
#include "leadfit/v1/scoring.pb-c.h"
#include "proto/wire/borrow.h"
#include "tests/rpc/memory.h"
#include "tests/service/in_process.h"

enum { SCORE = 0 };

static struct in_process service;

static int set_up(void **state)
{
	(void)state;
	in_process_start(&service);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	in_process_end(&service);
	return 0;
}

/* ---- calls ---- */

/* A decision about two people, for a team of that id. */
static void score(const char *team_id)
{
	Leadfit__V1__Member members[2] = {LEADFIT__V1__MEMBER__INIT, LEADFIT__V1__MEMBER__INIT};
	Leadfit__V1__Member *pointers[2] = {&members[0], &members[1]};
	Leadfit__V1__Team team = LEADFIT__V1__TEAM__INIT;
	Leadfit__V1__Project project = LEADFIT__V1__PROJECT__INIT;
	Leadfit__V1__ScoreRequest request = LEADFIT__V1__SCORE_REQUEST__INIT;
	struct lf_error error = LF_ERROR_INIT;
	ProtobufCMessage *reply;

	members[0].id = lf_unconst("m-1");
	members[1].id = lf_unconst("m-2");
	team.id = lf_unconst(team_id);
	team.members = pointers;
	team.n_members = 2;
	project.id = lf_unconst("p");
	request.team = &team;
	request.project = &project;
	reply = in_process_call(&service, &leadfit__v1__scoring__descriptor, SCORE, &request.base, &error);
	if (reply == NULL)
		fail_msg("%s", error.message);
	protobuf_c_message_free_unpacked(reply, NULL);
}

static struct memory_flight *start(const char *method, const ProtobufCMessage *request, bool slow)
{
	uint8_t packed[1024];
	const size_t length = protobuf_c_message_pack(request, packed);

	return memory_start(service.server,
		&(struct memory_request){.method = method, .message = packed, .message_length = length, .slow = slow});
}

static struct memory_flight *watch(const Leadfit__V1__WatchRequest *request)
{
	return start("leadfit.v1.Decisions/Watch", &request->base, false);
}

static Leadfit__V1__WatchResponse *response(struct memory_flight *flight, size_t index)
{
	struct memory_bytes part;
	Leadfit__V1__WatchResponse *message;

	if (memory_await_parts(flight, index + 1) <= index)
		fail_msg("the call has ended");
	part = memory_part(flight, index);
	message = leadfit__v1__watch_response__unpack(NULL, part.length, part.data);
	assert_non_null(message);
	return message;
}

static void expect_decision(struct memory_flight *flight, size_t index, uint64_t sequence, const char *team)
{
	Leadfit__V1__WatchResponse *message = response(flight, index);

	assert_int_equal(message->sequence, sequence);
	assert_int_equal(message->next, sequence + 1);
	assert_non_null(message->decision);
	assert_string_equal(message->decision->team->id, team);
	assert_int_equal(strlen(message->decision->decision_id), 36);
	leadfit__v1__watch_response__free_unpacked(message, NULL);
}

/* No other one before next. */
static void expect_sign(struct memory_flight *flight, size_t index, uint64_t next)
{
	Leadfit__V1__WatchResponse *message = response(flight, index);

	assert_null(message->decision);
	assert_int_equal(message->sequence, 0);
	assert_int_equal(message->next, next);
	leadfit__v1__watch_response__free_unpacked(message, NULL);
}

static void expect_end(struct memory_flight *flight, enum lf_code code, const char *text)
{
	struct memory_reply reply;

	memory_end(flight, &reply);
	assert_int_equal(reply.code, code);
	if (strstr(reply.text, text) == NULL)
		fail_msg("%s", reply.text);
	memory_reply_clean_up(&reply);
}

static void leave(struct memory_flight *flight)
{
	struct memory_reply reply;

	memory_leave(flight);
	memory_end(flight, &reply);
	memory_reply_clean_up(&reply);
}

/* ---- Decisions/Watch ---- */

static void what_is_there_comes_first_and_then_what_is_new(void **state)
{
	Leadfit__V1__WatchRequest request = LEADFIT__V1__WATCH_REQUEST__INIT;
	struct memory_flight *flight;

	(void)state;
	score("a");
	score("b");
	flight = watch(&request);
	expect_decision(flight, 0, 1, "a");
	expect_decision(flight, 1, 2, "b");
	expect_sign(flight, 2, 3);
	score("c");
	expect_decision(flight, 3, 3, "c");
	leave(flight);
	/* From where an earlier one ended. */
	request.from_sequence = 3;
	flight = watch(&request);
	expect_decision(flight, 0, 3, "c");
	leave(flight);
}

static void new_only_begins_with_what_is_decided_from_now_on(void **state)
{
	Leadfit__V1__WatchRequest request = LEADFIT__V1__WATCH_REQUEST__INIT;
	struct memory_flight *flight;

	(void)state;
	score("old");
	request.new_only = true;
	flight = watch(&request);
	expect_sign(flight, 0, 2);
	score("new");
	expect_decision(flight, 1, 2, "new");
	leave(flight);
}

static void a_filter_leaves_out_others_and_brief_the_rest(void **state)
{
	Leadfit__V1__WatchRequest request = LEADFIT__V1__WATCH_REQUEST__INIT;
	Leadfit__V1__Selection selection = LEADFIT__V1__SELECTION__INIT;
	Leadfit__V1__WatchResponse *message;
	struct memory_flight *flight;

	(void)state;
	score("a");
	score("b");
	selection.team = lf_unconst("b");
	request.selection = &selection;
	request.brief = true;
	flight = watch(&request);
	message = response(flight, 0);
	assert_int_equal(message->sequence, 2);
	assert_int_equal(message->decision->n_ranking, 0);
	assert_string_equal(message->decision->team->id, "b");
	leadfit__v1__watch_response__free_unpacked(message, NULL);
	expect_sign(flight, 1, 3);
	score("a");
	score("b");
	expect_decision(flight, 2, 4, "b");
	leave(flight);
}

static void an_invalid_request_is_told_each_field(void **state)
{
	Leadfit__V1__WatchRequest request = LEADFIT__V1__WATCH_REQUEST__INIT;
	Leadfit__V1__Selection selection = LEADFIT__V1__SELECTION__INIT;
	char *long_id = malloc(201);

	(void)state;
	memset(long_id, 'x', 200);
	long_id[200] = '\0';
	selection.team = long_id;
	request.selection = &selection;
	request.new_only = true;
	request.from_sequence = 7;
	expect_end(watch(&request), LF_INVALID_ARGUMENT, "selection.team");
	free(long_id);
	request.selection = NULL;
	expect_end(watch(&request), LF_INVALID_ARGUMENT, "from_sequence: 7 contradicts new_only");
}

static void a_sequence_beyond_the_log_is_out_of_range(void **state)
{
	Leadfit__V1__WatchRequest request = LEADFIT__V1__WATCH_REQUEST__INIT;
	struct memory_flight *flight;

	(void)state;
	score("a");
	request.from_sequence = 3;
	expect_end(watch(&request), LF_OUT_OF_RANGE, "from_sequence: 3 is beyond the log");
	request.from_sequence = 2;
	flight = watch(&request);
	expect_sign(flight, 0, 2);
	leave(flight);
}

static void *score_many(void *team)
{
	for (int i = 0; i < 60; i++)
		score(team);
	return NULL;
}

static void a_peer_that_reads_slowly_loses_nothing(void **state)
{
	Leadfit__V1__WatchRequest request = LEADFIT__V1__WATCH_REQUEST__INIT;
	char a[] = "a", b[] = "b";
	struct memory_flight *flight;
	pthread_t threads[2];
	uint64_t sequence = 0;
	size_t most = 0;

	(void)state;
	score("first");
	flight = start("leadfit.v1.Decisions/Watch", &request.base, true);
	assert_true(memory_await_parts(flight, 1) >= 1);
	assert_int_equal(pthread_create(&threads[0], NULL, score_many, a), 0);
	assert_int_equal(pthread_create(&threads[1], NULL, score_many, b), 0);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	/* It has only what was sent before it stopped to read. */
	most = memory_await_parts(flight, 1);
	assert_true(most < 60);
	for (size_t i = 0; sequence < 121; i++) {
		Leadfit__V1__WatchResponse *message;

		if (memory_await_parts(flight, i) == i)
			memory_take(flight);
		message = response(flight, i);
		if (message->decision != NULL)
			assert_int_equal(message->sequence, ++sequence);
		leadfit__v1__watch_response__free_unpacked(message, NULL);
	}
	leave(flight);
}

/* ---- Health/Watch ---- */

static void expect_status(
	struct memory_flight *flight, size_t index, Grpc__Health__V1__HealthCheckResponse__ServingStatus status)
{
	Grpc__Health__V1__HealthCheckResponse *message;
	struct memory_bytes part;

	assert_true(memory_await_parts(flight, index + 1) > index);
	part = memory_part(flight, index);
	message = grpc__health__v1__health_check_response__unpack(NULL, part.length, part.data);
	assert_non_null(message);
	assert_int_equal(message->status, status);
	grpc__health__v1__health_check_response__free_unpacked(message, NULL);
}

static void health_is_told_when_it_changes(void **state)
{
	Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
	struct memory_flight *flight, *unknown;

	(void)state;
	flight = start("grpc.health.v1.Health/Watch", &request.base, false);
	request.service = lf_unconst("leadfit.v2.Scoring");
	unknown = start("grpc.health.v1.Health/Watch", &request.base, false);
	expect_status(flight, 0, GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING);
	expect_status(unknown, 0, GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN);
	atomic_store(&service.state.draining, true);
	expect_status(flight, 1, GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING);
	leave(flight);
	leave(unknown);
}

/* ---- the end ---- */

static void a_stop_ends_what_watches(void **state)
{
	Leadfit__V1__WatchRequest request = LEADFIT__V1__WATCH_REQUEST__INIT;
	Grpc__Health__V1__HealthCheckRequest check = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
	struct memory_flight *decisions, *health, *unread;
	struct memory_reply reply;

	(void)state;
	score("a");
	decisions = watch(&request);
	health = start("grpc.health.v1.Health/Watch", &check.base, false);
	unread = start("grpc.health.v1.Health/Watch", &check.base, true); /* whose peer takes nothing */
	expect_sign(decisions, 1, 2);
	expect_status(health, 0, GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING);
	expect_status(unread, 0, GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING);
	atomic_store(&service.state.draining, true);
	assert_int_equal(lf_rpc_server_stop(service.server, 60000), 0);
	expect_status(unread, 1, GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING);
	expect_end(unread, LF_UNAVAILABLE, "stopping");
	expect_end(decisions, LF_UNAVAILABLE, "stopping");
	expect_status(health, 1, GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING);
	memory_end(health, &reply);
	assert_int_equal(reply.code, LF_UNAVAILABLE);
	memory_reply_clean_up(&reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_there_comes_first_and_then_what_is_new, set_up, tear_down),
		cmocka_unit_test_setup_teardown(new_only_begins_with_what_is_decided_from_now_on, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_filter_leaves_out_others_and_brief_the_rest, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_invalid_request_is_told_each_field, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_sequence_beyond_the_log_is_out_of_range, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_peer_that_reads_slowly_loses_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(health_is_told_when_it_changes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_stop_ends_what_watches, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
