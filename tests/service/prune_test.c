/* Pruning begins anew where it was interrupted: what it empties is of no decision that was not pruned. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "leadfit/v1/keeping.pb-c.h"
#include "tests/service/history.h"
#include "tests/service/jobs.h"

enum { DECISIONS = 250 }; /* more than one write of pruning */

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

static void restart(struct world *world)
{
	lf_client_destroy(world->client);
	daemon_kill(&world->daemon);
	daemon_start(&world->daemon);
	world->client = daemon_client(&world->daemon);
}

/* What was counted before a kill is counted after it. */
static void killed_at_any_moment_it_finishes_by_itself_and_counts_everything(void **state)
{
	struct world *world = *state;
	Leadfit__V1__Job *job = jobs_start_prune(world->client, &world->before, false);

	for (unsigned i = 0; i < 8; i++) {
		assert_in_range(pruned(world), 0, DECISIONS);
		restart(world);
		usleep(i * 2000);
	}
	job = jobs_await_end(world->client, job);
	assert_int_equal(job->state, LEADFIT__V1__JOB_STATE__DONE);
	assert_int_equal(job->decisions, DECISIONS);
	assert_int_equal(job->payloads, 2);
	assert_true(job->payload_bytes > 0);
	assert_true(job->bytes_after > 0);
	leadfit__v1__job__free_unpacked(job, NULL);
	assert_int_equal(pruned(world), DECISIONS);
}

static void a_dry_run_counts_and_changes_nothing(void **state)
{
	struct world *world = *state;
	const Leadfit__V1__Job would = jobs_prune(world->client, &world->before, true);
	Leadfit__V1__Job did;

	assert_true(would.dry_run);
	assert_int_equal(would.decisions, DECISIONS);
	assert_int_equal(would.payloads, 2);
	assert_int_equal(would.bytes_after, 0);
	assert_int_equal(pruned(world), 0);
	did = jobs_prune(world->client, &world->before, false);
	assert_int_equal(did.decisions, would.decisions);
	assert_int_equal(did.payloads, would.payloads);
	assert_int_equal(did.payload_bytes, would.payload_bytes);
	assert_int_equal(pruned(world), DECISIONS);
}

#define CLAIM(claim) cmocka_unit_test_setup_teardown(claim, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest claims[] = {
		CLAIM(killed_at_any_moment_it_finishes_by_itself_and_counts_everything),
		CLAIM(a_dry_run_counts_and_changes_nothing),
	};

	return cmocka_run_group_tests(claims, NULL, NULL);
}
