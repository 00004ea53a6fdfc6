/* What became of decisions, asked of a real service: appended, never edited, and still there after it was killed. */
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
#include "proto/base/limits.h"
#include "service/decide/text_list.h"
#include "tests/service/daemon.h"

struct world {
	struct daemon daemon;
	struct lf_client *client;
	char decision[64], what_if[64]; /* ids */
};

static ProtobufCMessage *call_service(struct world *world, const ProtobufCServiceDescriptor *service,
	const char *method, const ProtobufCMessage *request, struct lf_error *error)
{
	for (unsigned i = 0; i < service->n_methods; i++)
		if (strcmp(service->methods[i].name, method) == 0)
			return lf_client_call(world->client, service, i, request,
				&(struct lf_call_options){.timeout_ms = 60000}, error);
	fail_msg("there is no method %s", method);
	return NULL;
}

/* Two people, rated alike on everything, twice. */
static void add_member(char *out, size_t size, const char *id, int rating)
{
	static const char *const criteria[] = {"architecture", "problem_solving", "collaboration", "interaction"};

	snprintf(out + strlen(out), size - strlen(out), "  - id: %s\n    discipline: BACKEND\n    evidence:\n", id);
	for (int i = 0; i < 8; i++)
		snprintf(out + strlen(out), size - strlen(out),
			"      - {criterion: %s, rating: %d, observed_on: \"2026-05-0%d\"}\n", criteria[i % 4], rating,
			1 + i / 4);
}

static bool score(struct world *world, const char *purpose, char id[64])
{
	char yaml[4096];
	struct lf_error error = LF_ERROR_INIT;
	Leadfit__V1__ScoreRequest *request;
	ProtobufCMessage *reply;
	const Leadfit__V1__Decision *decision;
	bool good;

	snprintf(yaml, sizeof(yaml),
		"purpose: %s\nas_of: 2026-06-01T00:00:00Z\nproject: {id: p}\nteam:\n id: t\n members:\n", purpose);
	add_member(yaml, sizeof(yaml), "ann", 5);
	add_member(yaml, sizeof(yaml), "bob", 2);
	request = daemon_request(yaml);
	reply = call_service(world, &leadfit__v1__scoring__descriptor, "Score", &request->base, &error);
	decision = (const Leadfit__V1__Decision *)reply;
	good = reply != NULL && strcmp(decision->recommended, "ann") == 0;
	if (reply != NULL)
		snprintf(id, 64, "%s", decision->decision_id);
	else
		print_error("%s\n", error.message);
	protobuf_c_message_free_unpacked(reply, NULL);
	leadfit__v1__score_request__free_unpacked(request, NULL);
	lf_error_clean_up(&error);
	return good;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	lf_client_destroy(world->client);
	daemon_clean_up(&world->daemon);
	free(world);
	return 0;
}

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	daemon_init(&world->daemon);
	daemon_start(&world->daemon);
	world->client = daemon_client(&world->daemon);
	*state = world;
	if (score(world, "WHAT_IF", world->what_if) && score(world, "DECISION", world->decision))
		return 0;
	print_error("ann is not recommended\n");
	tear_down(state); /* which cmocka does not call after this */
	return -1;
}

struct wish {
	const char *decision; /* NULL: the world's */
	Leadfit__V1__Disposition disposition;
	const char *lead, *by, *reason;
	uint32_t result;
};

/* The recorded one, freed with protobuf_c_message_free_unpacked(); NULL where it was refused. */
static Leadfit__V1__Outcomes *record(struct world *world, const struct wish *wish, struct lf_error *error)
{
	Leadfit__V1__RecordOutcomeRequest request = LEADFIT__V1__RECORD_OUTCOME_REQUEST__INIT;

	request.decision_id = lf_unconst(wish->decision != NULL ? wish->decision : world->decision);
	request.disposition = wish->disposition;
	request.lead = lf_unconst(wish->lead != NULL ? wish->lead : "");
	request.overridden_by = lf_unconst(wish->by != NULL ? wish->by : "");
	request.reason = lf_unconst(wish->reason != NULL ? wish->reason : "");
	request.result = wish->result;
	return (Leadfit__V1__Outcomes *)call_service(
		world, &leadfit__v1__decisions__descriptor, "RecordOutcome", &request.base, error);
}

static void assert_recorded(struct world *world, const struct wish *wish, const char *lead,
	Leadfit__V1__Disposition disposition, const char *reason, uint32_t result)
{
	struct lf_error error = LF_ERROR_INIT;
	Leadfit__V1__Outcomes *outcomes = record(world, wish, &error);

	if (outcomes == NULL)
		fail_msg("%s", error.message);
	assert_int_equal(outcomes->n_outcomes, 1);
	assert_string_equal(outcomes->outcomes[0]->decision_id, world->decision);
	assert_string_equal(outcomes->outcomes[0]->caller, "local");
	assert_string_equal(outcomes->outcomes[0]->lead, lead);
	assert_int_equal(outcomes->outcomes[0]->disposition, disposition);
	assert_string_equal(outcomes->outcomes[0]->reason, reason);
	assert_int_equal(outcomes->outcomes[0]->result, result);
	assert_non_null(outcomes->outcomes[0]->recorded_at);
	protobuf_c_message_free_unpacked(&outcomes->base, NULL);
}

static Leadfit__V1__Outcomes *list(struct world *world, char *decision, uint64_t after, uint32_t page_size)
{
	Leadfit__V1__ListOutcomesRequest request = LEADFIT__V1__LIST_OUTCOMES_REQUEST__INIT;
	struct lf_error error = LF_ERROR_INIT;
	Leadfit__V1__Outcomes *outcomes;

	request.decision_id = decision != NULL ? decision : request.decision_id;
	request.after = after;
	request.page_size = page_size;
	outcomes = (Leadfit__V1__Outcomes *)call_service(
		world, &leadfit__v1__decisions__descriptor, "ListOutcomes", &request.base, &error);
	if (outcomes == NULL)
		fail_msg("%s", error.message);
	return outcomes;
}

static void each_outcome_is_appended_and_the_newest_is_complete(void **state)
{
	struct world *world = *state;
	const Leadfit__V1__Disposition accepted = LEADFIT__V1__DISPOSITION__ACCEPTED,
				       overridden = LEADFIT__V1__DISPOSITION__OVERRIDDEN;
	Leadfit__V1__Outcomes *outcomes;
	static const uint32_t results[] = {0, 3, 0, 5};

	assert_recorded(world, &(struct wish){.disposition = accepted}, "ann", accepted, "", 0);
	assert_recorded(world, &(struct wish){.result = 3}, "ann", accepted, "", 3);
	assert_recorded(world,
		&(struct wish){.disposition = overridden, .lead = "bob", .by = "boss", .reason = "ann is away"}, "bob",
		overridden, "ann is away", 0);
	assert_recorded(world, &(struct wish){.result = 5}, "bob", overridden, "ann is away", 5);
	/* What was recorded stays as it was, also after the service was killed. */
	lf_client_destroy(world->client);
	daemon_kill(&world->daemon);
	daemon_start(&world->daemon);
	world->client = daemon_client(&world->daemon);
	outcomes = list(world, world->decision, 0, 0);
	assert_int_equal(outcomes->n_outcomes, 4);
	assert_int_equal(outcomes->next, 0);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(outcomes->outcomes[i]->result, results[i]);
		assert_string_equal(outcomes->outcomes[i]->lead, i < 2 ? "ann" : "bob");
		assert_string_equal(outcomes->outcomes[i]->overridden_by, i < 2 ? "" : "boss");
		assert_true(i == 0 || outcomes->outcomes[i]->id > outcomes->outcomes[i - 1]->id);
	}
	protobuf_c_message_free_unpacked(&outcomes->base, NULL);
	outcomes = list(world, world->what_if, 0, 0);
	assert_int_equal(outcomes->n_outcomes, 0);
	protobuf_c_message_free_unpacked(&outcomes->base, NULL);
}

static void assert_refused(
	struct world *world, const struct wish *wish, enum lf_code code, size_t count, const char *const *fields)
{
	struct lf_error error = LF_ERROR_INIT;

	assert_null(record(world, wish, &error));
	if (error.code != code || error.violation_count != count)
		fail_msg("%s: %zu violations: %s", lf_code_name(error.code), error.violation_count, error.message);
	for (size_t i = 0; i < count; i++)
		assert_string_equal(error.violations[i].field, fields[i]);
	lf_error_clean_up(&error);
}

static void everything_that_is_wrong_is_told_by_field_and_nothing_is_recorded(void **state)
{
	struct world *world = *state;
	const Leadfit__V1__Disposition accepted = LEADFIT__V1__DISPOSITION__ACCEPTED,
				       overridden = LEADFIT__V1__DISPOSITION__OVERRIDDEN;
	char long_text[LF_TEXT_BYTES_MAX + 2], long_id[LF_ID_BYTES_MAX + 2];
	Leadfit__V1__Outcomes *outcomes;

	memset(long_text, 'x', sizeof(long_text) - 1);
	memset(long_id, 'x', sizeof(long_id) - 1);
	long_text[sizeof(long_text) - 1] = long_id[sizeof(long_id) - 1] = '\0';
	assert_refused(world, &(struct wish){.decision = "x", .disposition = overridden, .result = 6},
		LF_INVALID_ARGUMENT, 5,
		(const char *const[]){"decision_id", "lead", "overridden_by", "reason", "result"});
	assert_refused(world, &(struct wish){0}, LF_INVALID_ARGUMENT, 1, (const char *const[]){"disposition"});
	assert_refused(world, &(struct wish){.disposition = (Leadfit__V1__Disposition)7}, LF_INVALID_ARGUMENT, 1,
		(const char *const[]){"disposition"});
	assert_refused(world, &(struct wish){.lead = "bob", .result = 4}, LF_INVALID_ARGUMENT, 1,
		(const char *const[]){"disposition"});
	assert_refused(world, &(struct wish){.result = 4}, LF_INVALID_ARGUMENT, 1,
		(const char *const[]){"disposition"}); /* none before */
	assert_refused(world,
		&(struct wish){.disposition = overridden, .lead = long_id, .by = "a\nb", .reason = long_text},
		LF_INVALID_ARGUMENT, 3, (const char *const[]){"lead", "overridden_by", "reason"});
	assert_refused(world, &(struct wish){.disposition = overridden, .lead = "bob", .by = "boss", .reason = " \n\t"},
		LF_INVALID_ARGUMENT, 1, (const char *const[]){"reason"});
	assert_refused(world, &(struct wish){.disposition = overridden, .lead = "ann", .by = "boss", .reason = "r"},
		LF_INVALID_ARGUMENT, 1, (const char *const[]){"lead"});
	assert_refused(world, &(struct wish){.disposition = accepted, .lead = "bob", .by = "boss"}, LF_INVALID_ARGUMENT,
		2, (const char *const[]){"overridden_by", "lead"});
	assert_refused(world,
		&(struct wish){.decision = "00000000-0000-7000-8000-000000000000", .disposition = accepted},
		LF_NOT_FOUND, 0, NULL);
	assert_refused(world, &(struct wish){.decision = world->what_if, .disposition = accepted},
		LF_FAILED_PRECONDITION, 0, NULL);
	outcomes = list(world, NULL, 0, 0);
	assert_int_equal(outcomes->n_outcomes, 0);
	protobuf_c_message_free_unpacked(&outcomes->base, NULL);
}

static void pages_go_together_also_where_they_would_not_fit_a_message(void **state)
{
	enum { COUNT = 1100 }; /* with the longest reasons some 4.5 MB */
	struct world *world = *state;
	char reason[LF_TEXT_BYTES_MAX + 1];
	uint64_t after = 0, last = 0;
	size_t seen = 0, pages = 0;

	memset(reason, 'r', sizeof(reason) - 1);
	reason[sizeof(reason) - 1] = '\0';
	for (uint32_t i = 0; i < COUNT; i++)
		assert_recorded(world,
			&(struct wish){.disposition = LEADFIT__V1__DISPOSITION__OVERRIDDEN,
				.lead = "bob",
				.by = "boss",
				.reason = reason,
				.result = 1 + i % 5},
			"bob", LEADFIT__V1__DISPOSITION__OVERRIDDEN, reason, 1 + i % 5);
	do {
		Leadfit__V1__Outcomes *outcomes =
			list(world, pages % 2 == 0 ? NULL : world->decision, after, pages == 1 ? 7 : 0);

		for (size_t i = 0; i < outcomes->n_outcomes; i++, seen++) {
			assert_true(outcomes->outcomes[i]->id > last);
			assert_int_equal(outcomes->outcomes[i]->result, 1 + seen % 5);
			last = outcomes->outcomes[i]->id;
		}
		after = outcomes->next;
		pages++;
		protobuf_c_message_free_unpacked(&outcomes->base, NULL);
	} while (after != 0);
	assert_int_equal(seen, COUNT);
	assert_true(pages >= 4);
	/* What adds a result finds the last of many. */
	assert_recorded(world, &(struct wish){.result = 2}, "bob", LEADFIT__V1__DISPOSITION__OVERRIDDEN, reason, 2);
}

enum { ROUNDS = 150 };

struct racer {
	struct world *world;
	pthread_barrier_t *barrier;
	bool adds_results;
	int failures;
};

static void *race(void *context)
{
	struct racer *racer = context;

	for (int i = 0; i < ROUNDS; i++) {
		char lead[32];
		struct lf_error error = LF_ERROR_INIT;
		struct wish wish;
		Leadfit__V1__Outcomes *outcomes;

		snprintf(lead, sizeof(lead), "lead-%d", i);
		wish = racer->adds_results ? (struct wish){.result = 1 + (uint32_t)i % 5}
					   : (struct wish){.disposition = LEADFIT__V1__DISPOSITION__OVERRIDDEN,
						     .lead = lead,
						     .by = "b",
						     .reason = "r"};
		pthread_barrier_wait(racer->barrier); /* the round begins */
		outcomes = record(racer->world, &wish, &error);
		racer->failures += outcomes == NULL;
		protobuf_c_message_free_unpacked(outcomes == NULL ? NULL : &outcomes->base, NULL);
		lf_error_clean_up(&error);
		pthread_barrier_wait(racer->barrier); /* and is over */
	}
	return NULL;
}

/* A result is added while somebody overrides: it never brings back who led before, however the two fall together. */
static void a_result_never_takes_back_what_somebody_records_at_the_same_time(void **state)
{
	struct world *world = *state;
	pthread_barrier_t barrier;
	struct racer racers[2] = {{world, &barrier, true, 0}, {world, &barrier, false, 0}};
	pthread_t threads[2];
	uint64_t after = 0;
	int repeated = 0, wrong = 0;

	assert_recorded(world, &(struct wish){.disposition = LEADFIT__V1__DISPOSITION__ACCEPTED}, "ann",
		LEADFIT__V1__DISPOSITION__ACCEPTED, "", 0);
	pthread_barrier_init(&barrier, NULL, 3);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
	for (int i = 0; i < ROUNDS; i++) {
		char lead[32];
		Leadfit__V1__Outcomes *outcomes;

		snprintf(lead, sizeof(lead), "lead-%d", i);
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
		outcomes = list(world, world->decision, after, 0);
		repeated += outcomes->n_outcomes > 2 + (size_t)(i == 0);
		wrong += outcomes->n_outcomes < 2 ||
			strcmp(outcomes->outcomes[outcomes->n_outcomes - 1]->lead, lead) != 0;
		after = outcomes->n_outcomes == 0 ? after : outcomes->outcomes[outcomes->n_outcomes - 1]->id;
		protobuf_c_message_free_unpacked(&outcomes->base, NULL);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&barrier);
	print_message("%d of %d rounds had to repeat the result\n", repeated, ROUNDS);
	assert_int_equal(racers[0].failures + racers[1].failures, 0);
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_outcome_is_appended_and_the_newest_is_complete, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			everything_that_is_wrong_is_told_by_field_and_nothing_is_recorded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			pages_go_together_also_where_they_would_not_fit_a_message, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_result_never_takes_back_what_somebody_records_at_the_same_time, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
