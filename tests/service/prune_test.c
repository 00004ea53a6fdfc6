/*
 * Pruning goes on from where it stopped and from nowhere else: what it empties is of no decision that was not pruned.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "leadfit/v1/keeping.pb-c.h"
#include "tests/service/history.h"

enum { DECISIONS = 250 }; /* more than one step of pruning */

struct world {
	struct daemon daemon;
	struct lf_client *client;
	char ids[DECISIONS][40];
	Google__Protobuf__Timestamp before;
};

static int set_up(void **state)
{
	static char text[HISTORY_TEXT];
	struct world *world = calloc(1, sizeof(*world));
	struct history_rubric rubric = {.weights = {10, 20, 30, 40}};
	struct history_random random;

	assert_non_null(world);
	history_seed(&random);
	daemon_init(&world->daemon);
	daemon_start(&world->daemon);
	world->client = daemon_client(&world->daemon);
	history_put(world->client, &rubric, NULL);
	history_request_text(&random, 1, 1, text);
	for (int i = 0; i < DECISIONS; i++) {
		Leadfit__V1__Decision *decision = history_score(world->client, text);

		snprintf(world->ids[i], sizeof(world->ids[i]), "%s", decision->decision_id);
		leadfit__v1__decision__free_unpacked(decision, NULL);
	}
	google__protobuf__timestamp__init(&world->before);
	world->before.seconds = time(NULL) + 1;
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	lf_client_destroy(world->client);
	daemon_clean_up(&world->daemon);
	free(world);
	return 0;
}

/* One step; the cursor is that of the next one. */
static void step(struct world *world, char cursor[64], bool dry_run)
{
	Leadfit__V1__PruneRequest request;
	Leadfit__V1__PruneResponse *response;
	char message[512];

	leadfit__v1__prune_request__init(&request);
	request.before = &world->before;
	request.allow_under_six_months = true;
	request.dry_run = dry_run;
	request.cursor = cursor;
	response = (Leadfit__V1__PruneResponse *)history_call(
		world->client, "leadfit.v1.Keeping/Prune", &request.base, LF_OK, message);
	snprintf(cursor, 64, "%s", response->cursor);
	leadfit__v1__prune_response__free_unpacked(response, NULL);
}

/* Every decision can be read, as it was or pruned; returns how many were pruned. */
static size_t pruned(struct world *world)
{
	size_t count = 0;

	for (int i = 0; i < DECISIONS; i++) {
		Leadfit__V1__GetDecisionRequest request;
		char message[512];
		Leadfit__V1__Decision *decision;

		leadfit__v1__get_decision_request__init(&request);
		request.decision_id = world->ids[i];
		decision = (Leadfit__V1__Decision *)history_call(
			world->client, "leadfit.v1.Decisions/Get", &request.base, LF_OK, message);
		count += decision->n_redactions > 0;
		leadfit__v1__decision__free_unpacked(decision, NULL);
	}
	return count;
}

static void a_cursor_that_was_tampered_with_empties_no_payload_that_is_needed(void **state)
{
	struct world *world = *state;
	char cursor[64] = "", forged[64];
	size_t first;

	step(world, cursor, false);
	first = pruned(world);
	assert_in_range(first, 1, DECISIONS - 1);
	snprintf(forged, sizeof(forged), "%.*s-2-0", (int)strcspn(cursor, "-"), cursor);
	step(world, forged, false);
	assert_in_range(pruned(world), first, DECISIONS);
}

static void a_cursor_is_good_for_the_same_pruning_alone(void **state)
{
	struct world *world = *state;
	char cursor[64] = "", token[64];
	int steps;

	step(world, cursor, false);
	snprintf(token, sizeof(token), "%.*s", (int)strcspn(cursor, "-"), cursor);
	world->before.seconds--; /* another */
	step(world, cursor, false);
	assert_true(strncmp(cursor, token, strlen(token)) != 0);
	world->before.seconds++;
	steps = 0;
	do {
		assert_true(steps++ < 100);
		step(world, cursor, false);
	} while (*cursor != '\0');
	assert_int_equal(pruned(world), DECISIONS);
}

#define CLAIM(claim) cmocka_unit_test_setup_teardown(claim, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest claims[] = {
		CLAIM(a_cursor_that_was_tampered_with_empties_no_payload_that_is_needed),
		CLAIM(a_cursor_is_good_for_the_same_pruning_alone),
	};

	return cmocka_run_group_tests(claims, NULL, NULL);
}
