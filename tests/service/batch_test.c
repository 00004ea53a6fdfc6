/* ScoreBatch: many cases in one message answer, and are stored, as each would by itself. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "leadfit/v1/decisions.pb-c.h"
#include "proto/base/limits.h"
#include "service/decide/text_list.h"
#include "tests/service/daemon.h"
#include "tests/lost_by_nng.h"

enum { TEAMS = 5, PROJECTS = 7, TEXT = 64 * 1024 };

struct fixture {
	struct daemon daemon;
	struct lf_client *client;
	char *text;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->text = malloc(TEXT);
	daemon_init(&f->daemon);
	daemon_start(&f->daemon);
	f->client = daemon_client(&f->daemon);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	lf_client_destroy(f->client);
	daemon_stop(&f->daemon);
	daemon_clean_up(&f->daemon);
	free(f->text);
	free(f);
	return 0;
}

/* ---- requests ---- */

static int print_team(char *out, size_t size, int team)
{
	return snprintf(out, size,
		"{id: t%d, members: [{id: a, discipline: BACKEND, evidence: [{criterion: architecture, rating: %d.%d, "
		"observedOn: '2026-01-0%d'}]},"
		" {id: b, discipline: FRONTEND, evidence: [{criterion: interaction, rating: 4.%d}, {criterion: "
		"collaboration, rating: 3}]},"
		" {id: c, discipline: FULLSTACK, availability: 0.%d, evidence: [{criterion: problem_solving, rating: "
		"5, source: PEER}]}]}",
		team, 2 + team % 3, team, 1 + team, team, 3 + team);
}

static int print_project(char *out, size_t size, int project)
{
	return snprintf(out, size, "{id: p%d, traits: {interaction_focus: 0.%d, architecture_complexity: 0.%d}}",
		project, 1 + project, 9 - project);
}

static Leadfit__V1__ScoreRequest *single(const struct fixture *f, int team, int project, const char *rest)
{
	int length = snprintf(f->text, TEXT, "{asOf: '2026-09-01T00:00:00Z', %s team: ", rest);

	length += print_team(f->text + length, TEXT - (size_t)length, team);
	length += snprintf(f->text + length, TEXT - (size_t)length, ", project: ");
	length += print_project(f->text + length, TEXT - (size_t)length, project);
	snprintf(f->text + length, TEXT - (size_t)length, "}");
	return daemon_request(f->text);
}

/* items: YAML; rest: further fields. */
static Leadfit__V1__ScoreBatchRequest *batch(const struct fixture *f, const char *items, const char *rest)
{
	int length = snprintf(f->text, TEXT, "{asOf: '2026-09-01T00:00:00Z', %s teams: [", rest);

	for (int t = 0; t < TEAMS; t++) {
		length += snprintf(f->text + length, TEXT - (size_t)length, t > 0 ? ", " : "");
		length += print_team(f->text + length, TEXT - (size_t)length, t);
	}
	length += snprintf(f->text + length, TEXT - (size_t)length, "], projects: [");
	for (int p = 0; p < PROJECTS; p++) {
		length += snprintf(f->text + length, TEXT - (size_t)length, p > 0 ? ", " : "");
		length += print_project(f->text + length, TEXT - (size_t)length, p);
	}
	snprintf(f->text + length, TEXT - (size_t)length, "], items: [%s]}", items);
	return (Leadfit__V1__ScoreBatchRequest *)daemon_message(&leadfit__v1__score_batch_request__descriptor, f->text);
}

static ProtobufCMessage *call(const struct fixture *f, const ProtobufCServiceDescriptor *service, const char *method,
	const ProtobufCMessage *request, struct lf_error *error)
{
	const ProtobufCMethodDescriptor *found = protobuf_c_service_descriptor_get_method_by_name(service, method);

	assert_non_null(found);
	return lf_client_call(f->client, service, (unsigned)(found - service->methods), request,
		&(struct lf_call_options){.timeout_ms = 60000}, error);
}

static Leadfit__V1__Decision *score(const struct fixture *f, int team, int project, const char *rest)
{
	struct lf_error error = LF_ERROR_INIT;
	Leadfit__V1__ScoreRequest *request = single(f, team, project, rest);
	ProtobufCMessage *reply = call(f, &leadfit__v1__scoring__descriptor, "Score", &request->base, &error);

	if (reply == NULL)
		fail_msg("%s", error.message);
	leadfit__v1__score_request__free_unpacked(request, NULL);
	return (Leadfit__V1__Decision *)reply;
}

static Leadfit__V1__ScoreBatchResponse *run(const struct fixture *f, const char *items, const char *rest)
{
	struct lf_error error = LF_ERROR_INIT;
	Leadfit__V1__ScoreBatchRequest *request = batch(f, items, rest);
	ProtobufCMessage *reply = call(f, &leadfit__v1__scoring__descriptor, "ScoreBatch", &request->base, &error);

	if (reply == NULL)
		fail_msg("%s", error.message);
	leadfit__v1__score_batch_request__free_unpacked(request, NULL);
	return (Leadfit__V1__ScoreBatchResponse *)reply;
}

static Leadfit__V1__Decision *get(const struct fixture *f, char *id)
{
	struct lf_error error = LF_ERROR_INIT;
	Leadfit__V1__GetDecisionRequest request = LEADFIT__V1__GET_DECISION_REQUEST__INIT;
	ProtobufCMessage *reply;

	request.decision_id = id;
	reply = call(f, &leadfit__v1__decisions__descriptor, "Get", &request.base, &error);
	if (reply == NULL)
		fail_msg("%s", error.message);
	return (Leadfit__V1__Decision *)reply;
}

/* Two decisions differ in nothing but id and time. */
static void assert_same_answer(const Leadfit__V1__Decision *a, const Leadfit__V1__Decision *b)
{
	Leadfit__V1__Decision left = *a, right = *b;
	size_t length;
	uint8_t *bytes[2];

	left.decision_id = right.decision_id = lf_unconst("");
	left.decided_at = right.decided_at = NULL;
	assert_int_equal(strlen(left.trace_id), 32);
	assert_int_equal(strlen(right.trace_id), 32);
	left.trace_id = right.trace_id = lf_unconst("");
	length = leadfit__v1__decision__get_packed_size(&left);
	assert_int_equal(length, leadfit__v1__decision__get_packed_size(&right));
	bytes[0] = malloc(length);
	bytes[1] = malloc(length);
	leadfit__v1__decision__pack(&left, bytes[0]);
	leadfit__v1__decision__pack(&right, bytes[1]);
	assert_memory_equal(bytes[0], bytes[1], length);
	free(bytes[0]);
	free(bytes[1]);
}

/* ---- claims ---- */

static void every_item_is_answered_and_stored_as_if_it_had_come_alone(void **state)
{
	const struct fixture *f = *state;
	char items[4096];
	int length = 0;

	for (int i = 0; i < TEAMS * PROJECTS; i++)
		length += snprintf(items + length, sizeof(items) - (size_t)length, "%s{team: %d, project: %d%s}",
			i > 0 ? ", " : "", i % TEAMS, i % PROJECTS, i % 4 == 3 ? ", candidates: [a, c]" : "");
	for (int full = 0; full < 2; full++) {
		Leadfit__V1__ScoreBatchResponse *response = run(f, items, full ? "full: true," : "");

		assert_int_equal(response->n_results, TEAMS * PROJECTS);
		for (int i = 0; i < TEAMS * PROJECTS; i++) {
			const Leadfit__V1__BatchResult *result = response->results[i];
			Leadfit__V1__Decision *alone =
				score(f, i % TEAMS, i % PROJECTS, i % 4 == 3 ? "candidates: [a, c]," : "");
			const Leadfit__V1__BatchSummary *summary = result->summary;
			Leadfit__V1__Decision *stored =
				get(f, full ? result->decision->decision_id : summary->decision_id);

			assert_null(result->error);
			assert_same_answer(stored, alone);
			if (full) {
				assert_null(summary);
				assert_same_answer(result->decision, alone);
			} else {
				assert_null(result->decision);
				assert_int_equal(summary->outcome, alone->outcome);
				assert_string_equal(summary->recommended, alone->recommended);
				assert_string_equal(summary->first, alone->ranking[0]->candidate);
				assert_string_equal(summary->second, alone->ranking[1]->candidate);
				assert_true(summary->score == alone->ranking[0]->score);
				assert_true(summary->margin->value == alone->margin->value);
				assert_true(
					summary->first_rank_share->value == alone->ranking[0]->first_rank_share->value);
				assert_string_equal(summary->team, alone->team->id);
				assert_string_equal(summary->rubric->digest, alone->rubric->digest);
			}
			leadfit__v1__decision__free_unpacked(stored, NULL);
			leadfit__v1__decision__free_unpacked(alone, NULL);
		}
		leadfit__v1__score_batch_response__free_unpacked(response, NULL);
	}
}

static void a_bad_item_fails_alone_and_says_why(void **state)
{
	const struct fixture *f = *state;
	Leadfit__V1__ScoreBatchResponse *response = run(f,
		"{team: 1, project: 1}, {team: 9, project: 1}, {team: 0, project: 0, candidates: [nobody]}, {team: 2, "
		"project: 2}",
		"");
	const Leadfit__V1__Error *error;

	assert_int_equal(response->n_results, 4);
	assert_non_null(response->results[0]->summary);
	assert_non_null(response->results[3]->summary);
	error = response->results[1]->error;
	assert_int_equal(error->code, LF_INVALID_ARGUMENT);
	assert_string_equal(error->violations[0]->field, "team");
	assert_string_equal(error->violations[0]->description, "9 is not an index of teams, of which there are 5");
	error = response->results[2]->error;
	assert_string_equal(error->violations[0]->field, "candidates[0]");
	leadfit__v1__score_batch_response__free_unpacked(response, NULL);
}

static void a_key_stands_for_one_decision_in_a_batch_and_outside(void **state)
{
	const struct fixture *f = *state;
	Leadfit__V1__Decision *alone = score(f, 1, 2, "idempotencyKey: k-alone,");
	Leadfit__V1__ScoreBatchResponse *response = run(f,
		"{team: 1, project: 2, idempotencyKey: k-alone}, {team: 3, project: 3, idempotencyKey: k-new},"
		" {team: 3, project: 3, idempotencyKey: k-new}, {team: 4, project: 3, idempotencyKey: k-new}",
		"");
	Leadfit__V1__ScoreBatchResponse *again;
	Leadfit__V1__Decision *after;

	assert_string_equal(response->results[0]->summary->decision_id, alone->decision_id);
	assert_true(response->results[0]->summary->score == alone->ranking[0]->score);
	assert_string_equal(response->results[1]->summary->decision_id, response->results[2]->summary->decision_id);
	assert_int_equal(response->results[3]->error->code, LF_ALREADY_EXISTS);
	after = score(f, 3, 3, "idempotencyKey: k-new,");
	assert_string_equal(after->decision_id, response->results[1]->summary->decision_id);
	again = run(f, "{team: 3, project: 3, idempotencyKey: k-new}", "full: true,");
	assert_string_equal(again->results[0]->decision->decision_id, after->decision_id);
	assert_same_answer(again->results[0]->decision, after);
	leadfit__v1__score_batch_response__free_unpacked(again, NULL);
	/* Wherever it stands in the batch; and before what is wrong with the request. */
	again = run(f,
		"{team: 0, project: 1}, {team: 1, project: 2, idempotencyKey: k-alone}, {team: 2, project: 1, "
		"candidates: [nobody], idempotencyKey: k-alone},"
		" {team: 3, project: 3, idempotencyKey: k-new}, {team: 2, project: 1, candidates: [nobody], "
		"idempotencyKey: k-never}",
		"");
	assert_non_null(again->results[0]->summary);
	assert_string_equal(again->results[1]->summary->decision_id, alone->decision_id);
	assert_int_equal(again->results[2]->error->code, LF_ALREADY_EXISTS);
	assert_string_equal(again->results[3]->summary->decision_id, after->decision_id);
	assert_int_equal(again->results[4]->error->code, LF_INVALID_ARGUMENT);
	leadfit__v1__score_batch_response__free_unpacked(again, NULL);
	leadfit__v1__score_batch_response__free_unpacked(response, NULL);
	leadfit__v1__decision__free_unpacked(after, NULL);
	leadfit__v1__decision__free_unpacked(alone, NULL);
}

static void refused(
	const struct fixture *f, const char *items, const char *rest, enum lf_code code, const char *message)
{
	struct lf_error error = LF_ERROR_INIT;
	Leadfit__V1__ScoreBatchRequest *request = batch(f, items, rest);

	assert_null(call(f, &leadfit__v1__scoring__descriptor, "ScoreBatch", &request->base, &error));
	assert_int_equal(error.code, code);
	if (strstr(error.message, message) == NULL)
		fail_msg("%s", error.message);
	lf_error_clean_up(&error);
	leadfit__v1__score_batch_request__free_unpacked(request, NULL);
}

static void a_batch_of_no_items_or_too_many_is_refused_whole(void **state)
{
	const struct fixture *f = *state;
	char items[16384];
	int length = 0;
	Leadfit__V1__ScoreBatchResponse *response;

	refused(f, "", "", LF_INVALID_ARGUMENT, "items: 0 is outside 1..256");
	for (int i = 0; i <= LF_BATCH_MAX; i++)
		length += snprintf(
			items + length, sizeof(items) - (size_t)length, "%s{team: 1, project: 2}", i > 0 ? ", " : "");
	refused(f, items, "", LF_INVALID_ARGUMENT, "items: 257 is outside 1..256");
	refused(f, "{team: 1, project: 2}", "rubric: nothing,", LF_NOT_FOUND, "nothing");
	items[length - 23] = '\0'; /* the last, and its comma */
	response = run(f, items, "");
	assert_int_equal(response->n_results, LF_BATCH_MAX);
	for (size_t i = 0; i < response->n_results; i++)
		assert_non_null(response->results[i]->summary);
	leadfit__v1__score_batch_response__free_unpacked(response, NULL);
}

/* ---- bytes ---- */

enum { METHOD_SCORE_BATCH = 1, MESSAGES = 4, MEMBERS = 8 };

struct reply {
	uint8_t *bytes;
	size_t length;
};

/* On a thread of the client. */
static void keep_reply(const uint8_t *bytes, size_t length, void *context)
{
	struct reply *reply = context;

	if (bytes == NULL)
		return;
	reply->bytes = malloc(length + 1);
	memcpy(reply->bytes, bytes, length);
	reply->length = length;
}

static struct lf_call *begin(
	const struct fixture *f, const Leadfit__V1__ScoreBatchRequest *request, struct reply *reply)
{
	struct lf_call *call = lf_call_new(
		f->client, &leadfit__v1__scoring__descriptor, &(struct lf_call_options){.timeout_ms = 60000});
	const size_t length = leadfit__v1__score_batch_request__get_packed_size(request);
	uint8_t *bytes = malloc(length);

	assert_non_null(call);
	assert_non_null(bytes);
	leadfit__v1__score_batch_request__pack(request, bytes);
	lf_call_start_bytes(call, METHOD_SCORE_BATCH, bytes, length, keep_reply, reply);
	free(bytes);
	return call;
}

static void end(struct lf_call *call, const struct reply *reply)
{
	struct lf_error error = LF_ERROR_INIT;

	if (lf_call_wait(call, &error) != LF_OK)
		fail_msg("%s", error.message);
	assert_non_null(reply->bytes);
	lf_call_destroy(call);
}

static void a_reply_is_the_bytes_that_protobuf_c_packs(void **state)
{
	const struct fixture *f = *state;
	/* One that is new, one that is stored, one that is so within the batch, and errors with and without a path. */
	static const char items[] = "{team: 1, project: 2}, {team: 1, project: 2, idempotencyKey: bytes}, {team: 2, "
				    "project: 2, idempotencyKey: same},"
				    " {team: 2, project: 2, idempotencyKey: same}, {team: 3, project: 2, "
				    "idempotencyKey: same}, {team: 77, project: 1}";

	for (int round = 0; round < 4; round++) {
		Leadfit__V1__ScoreBatchRequest *request = batch(f, items, round % 2 == 1 ? "full: true," : "");
		struct reply reply = {0};
		uint8_t *again;
		Leadfit__V1__ScoreBatchResponse *response;

		end(begin(f, request, &reply), &reply);
		response = leadfit__v1__score_batch_response__unpack(NULL, reply.length, reply.bytes);
		assert_non_null(response);
		assert_int_equal(response->n_results, 6);
		for (size_t i = 0; i < 4; i++)
			assert_non_null(round % 2 == 1 ? (void *)response->results[i]->decision
						       : (void *)response->results[i]->summary);
		assert_int_equal(response->results[4]->error->code, LF_ALREADY_EXISTS);
		assert_int_equal(response->results[5]->error->code, LF_INVALID_ARGUMENT);
		assert_int_equal(leadfit__v1__score_batch_response__get_packed_size(response), reply.length);
		again = malloc(reply.length);
		leadfit__v1__score_batch_response__pack(response, again);
		assert_memory_equal(again, reply.bytes, reply.length);
		free(again);
		free(reply.bytes);
		leadfit__v1__score_batch_response__free_unpacked(response, NULL);
		leadfit__v1__score_batch_request__free_unpacked(request, NULL);
	}
}

/* A team of 8, each with 4 pieces of evidence. */
static Leadfit__V1__ScoreBatchRequest *large(const struct fixture *f)
{
	static const char *const disciplines[] = {"BACKEND", "FRONTEND", "FULLSTACK", "DESIGN"};
	int length = snprintf(f->text, TEXT,
		"{asOf: '2026-09-01T00:00:00Z', full: true, projects: [{id: p, traits: {interaction_focus: 0.4}}], "
		"teams: [{id: t, members: [");

	for (int m = 0; m < MEMBERS; m++)
		length += snprintf(f->text + length, TEXT - (size_t)length,
			"%s{id: member-%d, discipline: %s, evidence: [{criterion: architecture, rating: %d}, "
			"{criterion: interaction, rating: %d},"
			" {criterion: collaboration, rating: 3}, {criterion: problem_solving, rating: 4, observedOn: "
			"'2026-03-0%d'}]}",
			m > 0 ? ", " : "", m, disciplines[m % 4], 1 + m % 5, 5 - m % 5, 1 + m);
	snprintf(f->text + length, TEXT - (size_t)length, "]}], items: [{team: 0}]}");
	return (Leadfit__V1__ScoreBatchRequest *)daemon_message(&leadfit__v1__score_batch_request__descriptor, f->text);
}

static void four_messages_of_256_whole_decisions_at_once_are_answered_in_full(void **state)
{
	const struct fixture *f = *state;
	static Leadfit__V1__Team teams[LF_BATCH_MAX], *team_list[LF_BATCH_MAX];
	static Leadfit__V1__BatchItem items[LF_BATCH_MAX], *item_list[LF_BATCH_MAX];
	static char ids[LF_BATCH_MAX][16];
	Leadfit__V1__ScoreBatchRequest *parsed = large(f), request = *parsed;
	struct lf_call *calls[MESSAGES];
	struct reply replies[MESSAGES] = {{0}};

	for (size_t i = 0; i < LF_BATCH_MAX; i++) {
		snprintf(ids[i], sizeof(ids[i]), "team-%zu", i);
		teams[i] = *parsed->teams[0];
		teams[i].id = ids[i];
		team_list[i] = &teams[i];
		leadfit__v1__batch_item__init(&items[i]);
		items[i].team = (uint32_t)i;
		item_list[i] = &items[i];
	}
	request.teams = team_list;
	request.items = item_list;
	request.n_teams = request.n_items = LF_BATCH_MAX;
	for (size_t m = 0; m < MESSAGES; m++)
		calls[m] = begin(f, &request, &replies[m]);
	for (size_t m = 0; m < MESSAGES; m++) {
		Leadfit__V1__ScoreBatchResponse *response;

		end(calls[m], &replies[m]);
		response = leadfit__v1__score_batch_response__unpack(NULL, replies[m].length, replies[m].bytes);
		assert_non_null(response);
		assert_int_equal(response->n_results, LF_BATCH_MAX);
		for (size_t i = 0; i < LF_BATCH_MAX; i++) {
			if (response->results[i]->error != NULL)
				fail_msg("%s", response->results[i]->error->message);
			assert_string_equal(response->results[i]->decision->team->id, ids[i]);
			assert_int_equal(response->results[i]->decision->n_ranking, MEMBERS);
		}
		leadfit__v1__score_batch_response__free_unpacked(response, NULL);
		free(replies[m].bytes);
	}
	leadfit__v1__score_batch_request__free_unpacked(parsed, NULL);
}

#define CLAIM(name) cmocka_unit_test(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(every_item_is_answered_and_stored_as_if_it_had_come_alone),
		CLAIM(a_bad_item_fails_alone_and_says_why),
		CLAIM(a_key_stands_for_one_decision_in_a_batch_and_outside),
		CLAIM(a_batch_of_no_items_or_too_many_is_refused_whole),
		CLAIM(a_reply_is_the_bytes_that_protobuf_c_packs),
		CLAIM(four_messages_of_256_whole_decisions_at_once_are_answered_in_full),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
