/*
 * Versions of a rubric made active, returned to and made active again while 64 requests are in flight: every decision
 * is that of exactly the version that it names, to the last bit, and the history is what was done. LF_ACTS sets the
 * number of acts.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "leadfit/v1/rubrics.pb-c.h"
#include "service/decide/text_list.h"
#include "tests/service/daemon.h"
#include "tests/service/support.h"
#include "tests/lost_by_nng.h"

enum {
	VERSIONS = 3,
	VARIANTS = 8,
	CLIENTS = 8,
	THREADS = 64,
	MEMBERS = 3,
	DECISIONS_MAX = 4000,
	ACTS_DEFAULT = 300,
	ACTS_MAX = 450
};

/* ---- versions that answer differently ---- */

static struct lf_rubric_version *version_of(int number)
{
	static const int weights[VERSIONS][2] = {{1, 1}, {3, 1}, {1, 3}};
	char yaml[500];

	snprintf(yaml, sizeof(yaml),
		"{name: life, title: version %d, scale: {min: 1, max: 5}, thresholds: {margin: 0.05}, "
		"robustness: {samples: %d, weight_spread: 0.3, rating_spread: 0.1}, criteria: ["
		"{id: a, weight: {base: %d}, prior: {strength: 1}}, {id: b, weight: {base: %d, traits: {t: 0.7}}}], "
		"traits: [{id: t}]}",
		number, 200 + number, weights[number][0], weights[number][1]);
	return support_rubric(yaml);
}

static Leadfit__V1__ScoreRequest *request_of(int variant)
{
	char yaml[900];
	int length = snprintf(yaml, sizeof(yaml),
		"{rubric: life, asOf: 2026-01-01T00:00:00Z, project: {id: p%d, traits: {t: 0.%d}}, team: {id: t, "
		"members: [",
		variant, variant);

	for (int m = 0; m < MEMBERS; m++)
		length += snprintf(yaml + length, sizeof(yaml) - (size_t)length,
			"%s{id: m%d, evidence: [{criterion: a, rating: %d.%d}, {criterion: b, rating: %d.%d}]}",
			m > 0 ? ", " : "", m, 1 + (variant + m) % 4, (variant * 3 + m) % 10,
			1 + (variant + 3 * m + 1) % 4, (variant + 7 * m) % 10);
	snprintf(yaml + length, sizeof(yaml) - (size_t)length, "]}}");
	return daemon_request(yaml);
}

/* ---- calls ---- */

static ProtobufCMessage *call_rubrics(
	struct lf_client *client, const char *method, const ProtobufCMessage *request, struct lf_error *error)
{
	const ProtobufCServiceDescriptor *service = &leadfit__v1__rubrics__descriptor;
	const ProtobufCMethodDescriptor *found = protobuf_c_service_descriptor_get_method_by_name(service, method);

	assert_non_null(found);
	return lf_client_call(client, service, (unsigned)(found - service->methods), request,
		&(struct lf_call_options){.timeout_ms = 60000}, error);
}

static void put(struct lf_client *client, const struct lf_rubric_version *version, bool activate)
{
	Leadfit__V1__PutRubricRequest request = LEADFIT__V1__PUT_RUBRIC_REQUEST__INIT;
	struct lf_error error = LF_ERROR_INIT;
	ProtobufCMessage *reply;

	request.rubric = version->message;
	request.activate = activate;
	reply = call_rubrics(client, "Put", &request.base, &error);
	if (reply == NULL)
		fail_msg("%s", error.message);
	assert_true(((Leadfit__V1__PutRubricResponse *)reply)->added);
	protobuf_c_message_free_unpacked(reply, NULL);
}

/* NULL where the service has gone. */
static Leadfit__V1__ActivateRubricResponse *activate(struct lf_client *client, const struct lf_rubric_version *version)
{
	Leadfit__V1__ActivateRubricRequest request = LEADFIT__V1__ACTIVATE_RUBRIC_REQUEST__INIT;
	char digest[65];

	memcpy(digest, version->digest_text, sizeof(digest));
	request.digest = digest;
	return (Leadfit__V1__ActivateRubricResponse *)call_rubrics(client, "Activate", &request.base, NULL);
}

static Leadfit__V1__Decision *score(struct lf_client *client, const Leadfit__V1__ScoreRequest *request)
{
	return (Leadfit__V1__Decision *)lf_client_call(client, &leadfit__v1__scoring__descriptor, 0, &request->base,
		&(struct lf_call_options){.timeout_ms = 60000}, NULL);
}

static Leadfit__V1__RubricHistoryResponse *history(struct lf_client *client)
{
	Leadfit__V1__RubricHistoryRequest request = LEADFIT__V1__RUBRIC_HISTORY_REQUEST__INIT;
	struct lf_error error = LF_ERROR_INIT;
	ProtobufCMessage *reply;

	request.name = lf_unconst("life");
	reply = call_rubrics(client, "History", &request.base, &error);
	if (reply == NULL)
		fail_msg("%s", error.message);
	return (Leadfit__V1__RubricHistoryResponse *)reply;
}

/* ---- the world of one test ---- */

struct answer {
	uint8_t version, variant;
	uint8_t outcome;
	char order[MEMBERS];
	double scores[MEMBERS], first_rank_shares[MEMBERS];
};

struct world {
	struct daemon daemon;
	struct lf_rubric_version *versions[VERSIONS];
	Leadfit__V1__ScoreRequest *requests[VARIANTS];
	struct lf_client *clients[CLIENTS];
	struct lf_client *actor;
	atomic_bool stop;
	atomic_size_t answered;
	uint8_t acts[2 * ACTS_MAX + 1]; /* versions made active, in order; the first is that of the first put */
	size_t act_count;
	uint64_t random;
};

struct loader {
	struct world *world;
	struct lf_client *client;
	unsigned seed;
	struct answer *answers;
	size_t count, failed;
};

static int version_named(const struct world *world, const Leadfit__V1__RubricRef *ref)
{
	for (int v = 0; ref != NULL && v < VERSIONS; v++)
		if (strcmp(ref->digest, world->versions[v]->digest_text) == 0 && strcmp(ref->name, "life") == 0)
			return v;
	return -1;
}

static void connect_all(struct world *world)
{
	for (size_t i = 0; i < CLIENTS; i++)
		world->clients[i] = daemon_client(&world->daemon);
	world->actor = daemon_client(&world->daemon);
}

static void disconnect_all(struct world *world)
{
	for (size_t i = 0; i < CLIENTS; i++)
		lf_client_destroy(world->clients[i]);
	lf_client_destroy(world->actor);
}

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	daemon_init(&world->daemon);
	daemon_start(&world->daemon);
	for (int i = 0; i < VERSIONS; i++)
		world->versions[i] = version_of(i);
	for (int i = 0; i < VARIANTS; i++)
		world->requests[i] = request_of(i);
	connect_all(world);
	for (int i = 0; i < VERSIONS; i++)
		put(world->actor, world->versions[i], i == 0);
	world->act_count = 1;
	world->random = 7;
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	disconnect_all(world);
	daemon_clean_up(&world->daemon);
	for (int i = 0; i < VERSIONS; i++)
		lf_rubric_version_release(world->versions[i]);
	for (int i = 0; i < VARIANTS; i++)
		leadfit__v1__score_request__free_unpacked(world->requests[i], NULL);
	free(world);
	return 0;
}

static unsigned below(struct world *world, unsigned bound)
{
	world->random = world->random * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(world->random >> 33) % bound;
}

/* ---- load ---- */

/* Keeps what a decision says. false where it says something that no version could. */
static bool keep(struct loader *loader, const Leadfit__V1__Decision *decision, unsigned variant)
{
	int version = decision == NULL ? -1 : version_named(loader->world, decision->rubric);
	struct answer *answer = &loader->answers[loader->count];

	if (version < 0 || decision->n_ranking != MEMBERS || decision->samples != 200 + (unsigned)version)
		return false;
	answer->version = (uint8_t)version;
	answer->variant = (uint8_t)variant;
	answer->outcome = (uint8_t)decision->outcome;
	for (size_t i = 0; i < MEMBERS; i++) {
		answer->order[i] = decision->ranking[i]->candidate[1];
		answer->scores[i] = decision->ranking[i]->score;
		if (decision->ranking[i]->first_rank_share == NULL)
			return false;
		answer->first_rank_shares[i] = decision->ranking[i]->first_rank_share->value;
	}
	loader->count++;
	return true;
}

static void *load(void *context)
{
	struct loader *loader = context;

	while (!atomic_load(&loader->world->stop) && loader->count < DECISIONS_MAX) {
		unsigned variant = (loader->seed = loader->seed * 1103515245u + 12345u) / 65536 % VARIANTS;
		Leadfit__V1__Decision *decision = score(loader->client, loader->world->requests[variant]);
		bool good = keep(loader, decision, variant);

		if (decision != NULL)
			leadfit__v1__decision__free_unpacked(decision, NULL);
		if (!good) {
			loader->failed++;
			break;
		}
		atomic_fetch_add(&loader->world->answered, 1);
	}
	return NULL;
}

/* A random version, often the one before; whoever asks after the answer gets it. */
static void act_once(struct world *world)
{
	unsigned to = world->act_count > 1 && below(world, 2) == 0 ? world->acts[world->act_count - 2]
								   : below(world, VERSIONS);
	unsigned from = world->acts[world->act_count - 1];
	Leadfit__V1__ActivateRubricResponse *response = activate(world->actor, world->versions[to]);
	Leadfit__V1__Decision *decision;

	assert_non_null(response);
	assert_int_equal(response->changed, to != from);
	assert_int_equal(version_named(world, response->from), from);
	assert_int_equal(version_named(world, response->to), to);
	leadfit__v1__activate_rubric_response__free_unpacked(response, NULL);
	if (to != from)
		world->acts[world->act_count++] = (uint8_t)to;
	decision = score(world->actor, world->requests[0]);
	assert_non_null(decision);
	assert_int_equal(version_named(world, decision->rubric), to);
	leadfit__v1__decision__free_unpacked(decision, NULL);
}

static size_t act_total(void)
{
	const char *wanted = getenv("LF_ACTS");
	size_t acts = wanted != NULL ? strtoul(wanted, NULL, 10) : ACTS_DEFAULT;

	return acts < ACTS_MAX ? acts : ACTS_MAX;
}

/* Half of the acts, under load. */
static void act_under_load(struct world *world, struct loader loaders[THREADS])
{
	pthread_t threads[THREADS];
	size_t before = atomic_load(&world->answered);

	atomic_store(&world->stop, false);
	for (size_t t = 0; t < THREADS; t++) {
		loaders[t].client = world->clients[t % CLIENTS];
		assert_int_equal(pthread_create(&threads[t], NULL, load, &loaders[t]), 0);
	}
	for (size_t i = 0; i < act_total() / 2; i++) {
		act_once(world);
		/* The load goes on between any two acts, as long as the loaders have room. */
		for (int tries = 0; tries < 1000 && atomic_load(&world->answered) < before + i; tries++)
			usleep(1000);
	}
	atomic_store(&world->stop, true);
	for (size_t t = 0; t < THREADS; t++) {
		pthread_join(threads[t], NULL);
		assert_int_equal(loaders[t].failed, 0);
	}
}

/* ---- afterwards ---- */

static void recompute(const struct world *world, const struct answer *answer, struct lf_arena *arena)
{
	const Leadfit__V1__ScoreRequest *request = world->requests[answer->variant];
	struct lf_error error = LF_ERROR_INIT;
	struct lf_checker checker = {.error = &error};
	struct lf_evaluation evaluation;

	assert_int_equal(lf_evaluate(&evaluation, world->versions[answer->version],
				 &(struct lf_case_input){.team = request->team,
					 .project = request->project,
					 .as_of_seconds = request->as_of->seconds},
				 NULL, &checker, arena),
		LF_OK);
	assert_int_equal(evaluation.result.outcome, answer->outcome);
	assert_int_equal(evaluation.result.ranking_count, MEMBERS);
	for (size_t i = 0; i < MEMBERS; i++) {
		const struct lf_member_score *expected = &evaluation.result.ranking[i];

		assert_int_equal(evaluation.built.engine.members[expected->member].id[1], answer->order[i]);
		assert_memory_equal(&expected->score, &answer->scores[i], sizeof(double));
		assert_memory_equal(&expected->first_rank_share, &answer->first_rank_shares[i], sizeof(double));
	}
	lf_arena_reset(arena);
}

/* Any two versions answer every request differently, so that a decision fits one only. */
static void check_versions_differ(const struct world *world)
{
	for (size_t v = 0; v < VARIANTS; v++)
		for (size_t i = 0; i < VERSIONS; i++)
			for (size_t j = 0; j < i; j++) {
				struct lf_evaluation evaluations[2];
				struct lf_checker checker = {.error = NULL};
				struct lf_arena arena;

				lf_arena_init(&arena, 1 << 20);
				for (size_t k = 0; k < 2; k++)
					assert_int_equal(
						lf_evaluate(&evaluations[k], world->versions[k == 0 ? i : j],
							&(struct lf_case_input){.team = world->requests[v]->team,
								.project = world->requests[v]->project,
								.as_of_seconds = world->requests[v]->as_of->seconds},
							NULL, &checker, &arena),
						LF_OK);
				assert_true(evaluations[0].result.ranking[0].score !=
					evaluations[1].result.ranking[0].score);
				lf_arena_clean_up(&arena);
			}
}

static void check_history(const struct world *world)
{
	Leadfit__V1__RubricHistoryResponse *told = history(world->actor);
	int64_t last = INT64_MAX;

	assert_int_equal(told->n_activations, world->act_count);
	for (size_t i = 0; i < told->n_activations; i++) {
		const Leadfit__V1__Activation *act = told->activations[i];
		size_t place = world->act_count - 1 - i;
		int64_t at = act->activated_at->seconds * 1000000000 + act->activated_at->nanos;

		assert_int_equal(version_named(world, act->to), world->acts[place]);
		assert_int_equal(version_named(world, act->from), place > 0 ? world->acts[place - 1] : -1);
		assert_string_equal(act->activated_by, "local");
		assert_true(at <= last);
		last = at;
	}
	leadfit__v1__rubric_history_response__free_unpacked(told, NULL);
}

static int active_version(struct world *world)
{
	Leadfit__V1__Decision *decision = score(world->actor, world->requests[1]);
	int version;

	assert_non_null(decision);
	version = version_named(world, decision->rubric);
	leadfit__v1__decision__free_unpacked(decision, NULL);
	return version;
}

static void every_decision_is_that_of_the_version_that_it_names_whatever_is_activated_meanwhile(void **state)
{
	struct world *world = *state;
	struct loader *loaders = calloc(THREADS, sizeof(*loaders));
	size_t by_version[VERSIONS] = {0}, total = 0;
	struct lf_arena arena;

	assert_non_null(loaders);
	check_versions_differ(world);
	for (size_t t = 0; t < THREADS; t++) {
		loaders[t] = (struct loader){
			.world = world, .seed = (unsigned)t, .answers = calloc(DECISIONS_MAX, sizeof(struct answer))};
		assert_non_null(loaders[t].answers);
	}
	act_under_load(world, loaders);
	disconnect_all(world);
	daemon_stop(&world->daemon);
	daemon_start(&world->daemon);
	connect_all(world);
	assert_int_equal(active_version(world), world->acts[world->act_count - 1]);
	act_under_load(world, loaders);
	check_history(world);
	lf_arena_init(&arena, 1 << 20);
	for (size_t t = 0; t < THREADS; t++)
		for (size_t i = 0; i < loaders[t].count; i++) {
			recompute(world, &loaders[t].answers[i], &arena);
			by_version[loaders[t].answers[i].version]++;
			total++;
		}
	lf_arena_clean_up(&arena);
	print_message(
		"%zu activations, %zu decisions in flight with them: %zu, %zu and %zu by version, all recomputed\n",
		world->act_count - 1, total, by_version[0], by_version[1], by_version[2]);
	for (size_t v = 0; v < VERSIONS; v++)
		assert_true(by_version[v] > 0);
	for (size_t t = 0; t < THREADS; t++)
		free(loaders[t].answers);
	free(loaders);
}

/* ---- killed ---- */

struct killed_actor {
	struct world *world;
	struct lf_client *client;
	uint8_t open; /* asked for, but not answered */
};

static void *act_until_killed(void *context)
{
	struct killed_actor *actor = context;
	struct world *world = actor->world;

	while (world->act_count < ACTS_MAX) {
		Leadfit__V1__ActivateRubricResponse *response;

		actor->open =
			(uint8_t)((world->acts[world->act_count - 1] + 1 + below(world, VERSIONS - 1)) % VERSIONS);
		response = activate(actor->client, world->versions[actor->open]);
		if (response == NULL)
			break;
		leadfit__v1__activate_rubric_response__free_unpacked(response, NULL);
		world->acts[world->act_count++] = actor->open;
	}
	return NULL;
}

static void a_kill_loses_no_answered_activation_and_the_last_recorded_one_holds(void **state)
{
	struct world *world = *state;
	size_t stored_open = 0;

	for (int round = 0; round < 8; round++) {
		struct killed_actor actor = {.world = world, .client = world->actor};
		Leadfit__V1__RubricHistoryResponse *told;
		pthread_t thread;

		assert_int_equal(pthread_create(&thread, NULL, act_until_killed, &actor), 0);
		usleep(20000 + (useconds_t)round * 7001);
		daemon_kill(&world->daemon);
		pthread_join(thread, NULL);
		disconnect_all(world);
		daemon_start(&world->daemon);
		connect_all(world);
		told = history(world->actor);
		assert_true(told->n_activations == world->act_count || told->n_activations == world->act_count + 1);
		if (told->n_activations == world->act_count + 1) {
			world->acts[world->act_count++] = actor.open;
			stored_open++;
		}
		leadfit__v1__rubric_history_response__free_unpacked(told, NULL);
		check_history(world);
		assert_int_equal(active_version(world), world->acts[world->act_count - 1]);
	}
	print_message(
		"8 kills, %zu activations, %zu of them stored but not answered\n", world->act_count - 1, stored_open);
	assert_true(world->act_count > 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			every_decision_is_that_of_the_version_that_it_names_whatever_is_activated_meanwhile, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			a_kill_loses_no_answered_activation_and_the_last_recorded_one_holds, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
