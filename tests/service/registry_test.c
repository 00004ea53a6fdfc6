/*
 * The rubrics that requests get: what the log holds is what they get, whatever fails and whoever acts at the same time.
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

#include "proto/base/limits.h"
#include "service/state/registry.h"
#include "tests/service/support.h"
#include "tests/storage/faulty_backend.h"
#include "tests/storage/memory_backend.h"

struct world {
	struct lf_log *log;
	struct lf_registry *registry;
	struct lf_rubric_version *versions[3];
};

static const struct lf_actor ann = {.caller = "ann"};

/* Versions of one name. Its scenario expects first of two who differ. */
static struct lf_rubric_version *version_of(const char *name, int number, const char *first)
{
	char yaml[600];

	snprintf(yaml, sizeof(yaml),
		"{name: %s, title: version %d, scale: {min: 1, max: 5}, criteria: [{id: c, weight: {base: 1}}], "
		"scenarios: [{name: s, "
		"team: {id: t, members: [{id: a, evidence: [{criterion: c, rating: 5}]}, {id: b}]}, project: {id: p}, "
		"expect: {first: %s}}]}",
		name, number, first);
	return support_rubric(yaml);
}

static void open_registry(struct world *world)
{
	struct lf_error error = LF_ERROR_INIT;
	const struct lf_log_options options = {.location = "x"};

	if (lf_log_open(&world->log, &faulty_backend, &options, &error) != LF_OK ||
		lf_registry_new(&world->registry, world->log, &error) != LF_OK)
		fail_msg("%s", error.message);
}

static void close_registry(struct world *world)
{
	lf_registry_destroy(world->registry);
	lf_log_close(world->log);
}

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	memory_backend_forget();
	faulty_reset(&memory_backend);
	open_registry(world);
	for (int i = 0; i < 3; i++) {
		world->versions[i] = version_of("r", i, "a");
		assert_int_equal(
			lf_registry_put(world->registry, world->versions[i], &ann, i == 0, NULL, NULL, NULL), LF_OK);
	}
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	close_registry(world);
	for (int i = 0; i < 3; i++)
		lf_rubric_version_release(world->versions[i]);
	memory_backend_forget();
	free(world);
	return 0;
}

static enum lf_code activate(struct world *world, const struct lf_rubric_version *version, struct lf_error *error)
{
	struct lf_rubric_version *to = NULL;
	struct lf_activated did;
	enum lf_code code = lf_registry_activate(world->registry, "", &version->digest, &ann, &to, &did, error);

	assert_int_equal(to != NULL, code == LF_OK);
	lf_rubric_version_release(to);
	return code;
}

/* Whether requests that name r get this version. */
static bool is_active(struct world *world, const struct lf_rubric_version *version)
{
	struct lf_rubric_version *active = lf_registry_active(world->registry, "r", NULL);
	bool same;

	assert_non_null(active);
	same = memcmp(&active->digest, &version->digest, sizeof(active->digest)) == 0;
	lf_rubric_version_release(active);
	return same;
}

/* Stores a version behind the registry's back, as another service might have. */
static void put_in_log(struct world *world, const char *name, struct lf_bytes body, struct lf_digest *digest)
{
	lf_sha256(body.data, body.length, digest);
	assert_int_equal(lf_log_put_rubric(world->log, name, "T", "ann", body, digest, false, NULL, NULL, NULL), LF_OK);
}

static void an_activation_switches_what_requests_get_and_they_keep_what_they_have(void **state)
{
	struct world *world = *state;
	struct lf_rubric_version *held = lf_registry_active(world->registry, "r", NULL);

	assert_true(is_active(world, world->versions[0]));
	assert_int_equal(activate(world, world->versions[1], NULL), LF_OK);
	assert_true(is_active(world, world->versions[1]));
	assert_memory_equal(&held->digest, &world->versions[0]->digest, sizeof(held->digest));
	assert_string_equal(held->message->name, "r");
	lf_rubric_version_release(held);
	assert_int_equal(activate(world, world->versions[0], NULL), LF_OK);
	assert_true(is_active(world, world->versions[0]));
}

static void the_last_activation_holds_after_a_restart(void **state)
{
	struct world *world = *state;

	assert_int_equal(activate(world, world->versions[2], NULL), LF_OK);
	assert_int_equal(activate(world, world->versions[1], NULL), LF_OK);
	close_registry(world);
	open_registry(world);
	assert_true(is_active(world, world->versions[1]));
}

static void what_is_not_stored_or_of_another_name_is_not_found(void **state)
{
	struct world *world = *state;
	struct lf_rubric_version *other = version_of("r", 9, "a"), *to;
	struct lf_error error = LF_ERROR_INIT;
	struct lf_activated did;

	assert_int_equal(activate(world, other, NULL), LF_NOT_FOUND);
	assert_int_equal(
		lf_registry_activate(world->registry, "q", &world->versions[1]->digest, &ann, &to, &did, &error),
		LF_NOT_FOUND);
	assert_non_null(strstr(error.message, "\"r\", not \"q\""));
	assert_true(is_active(world, world->versions[0]));
	lf_error_clean_up(&error);
	lf_rubric_version_release(other);
}

static void a_version_that_fails_its_own_scenarios_is_refused_unless_it_was_active_before(void **state)
{
	struct world *world = *state;
	struct lf_rubric_version *fails = version_of("r", 5, "b"), *old = version_of("old", 5, "b"),
				 *good = version_of("old", 6, "a");
	struct lf_error error = LF_ERROR_INIT;
	struct lf_digest digest;

	assert_int_equal(
		lf_registry_put(world->registry, fails, &ann, false, NULL, NULL, &error), LF_FAILED_PRECONDITION);
	assert_string_equal(error.violations[0].field, "scenarios[0].expect.first");
	put_in_log(world, "r", fails->canonical, &digest);
	assert_int_equal(activate(world, fails, &error), LF_FAILED_PRECONDITION);
	assert_int_equal(error.violation_count, 1);
	assert_string_equal(error.violations[0].field, "scenarios[0].expect.first");
	assert_true(is_active(world, world->versions[0]));
	put_in_log(world, "old", old->canonical, &digest);
	assert_int_equal(lf_log_activate_rubric(world->log, "old", &digest, "ann", NULL, NULL), LF_OK);
	close_registry(world);
	open_registry(world);
	assert_int_equal(lf_registry_put(world->registry, good, &ann, false, NULL, NULL, NULL), LF_OK);
	assert_int_equal(activate(world, good, NULL), LF_OK);
	assert_int_equal(activate(world, old, NULL), LF_OK);
	lf_error_clean_up(&error);
	lf_rubric_version_release(fails);
	lf_rubric_version_release(old);
	lf_rubric_version_release(good);
}

static bool never(void *asked)
{
	++*(int *)asked;
	return false;
}

static void an_actor_who_waits_no_longer_for_the_scenarios_changes_nothing(void **state)
{
	struct world *world = *state;
	struct lf_rubric_version *fresh = version_of("fresh", 5, "a"), *stored = version_of("r", 6, "a");
	int asked = 0;
	const struct lf_actor gone = {.caller = "ann", .go_on = never, .context = &asked};
	struct lf_rubric_version *to = NULL;
	struct lf_activated did;
	struct lf_digest digest;

	assert_int_equal(lf_registry_put(world->registry, fresh, &gone, true, NULL, NULL, NULL), LF_DEADLINE_EXCEEDED);
	assert_int_equal(asked, 1);
	assert_null(lf_registry_active(world->registry, "fresh", NULL));
	assert_null(lf_registry_find(world->registry, &fresh->digest, NULL));
	put_in_log(world, "r", stored->canonical, &digest);
	assert_int_equal(
		lf_registry_activate(world->registry, "r", &digest, &gone, &to, &did, NULL), LF_DEADLINE_EXCEEDED);
	assert_int_equal(asked, 2);
	assert_null(to);
	assert_true(is_active(world, world->versions[0]));
	lf_rubric_version_release(fresh);
	lf_rubric_version_release(stored);
}

static void a_stored_version_that_fails_its_check_is_refused_with_what_is_wrong(void **state)
{
	struct world *world = *state;
	Leadfit__V1__Rubric rubric = *world->versions[0]->message;
	struct lf_error error = LF_ERROR_INIT;
	struct lf_rubric_version *to;
	struct lf_activated did;
	struct lf_digest digest;
	uint8_t bytes[1000];

	rubric.half_life_days = -1;
	assert_true(leadfit__v1__rubric__get_packed_size(&rubric) <= sizeof(bytes));
	put_in_log(world, "r", (struct lf_bytes){bytes, leadfit__v1__rubric__pack(&rubric, bytes)}, &digest);
	assert_int_equal(
		lf_registry_activate(world->registry, "r", &digest, &ann, &to, &did, &error), LF_FAILED_PRECONDITION);
	assert_int_equal(error.violation_count, 1);
	assert_string_equal(error.violations[0].field, "half_life_days");
	assert_true(is_active(world, world->versions[0]));
	lf_error_clean_up(&error);
}

static void an_act_whose_commit_fails_changes_nothing(void **state)
{
	struct world *world = *state;
	struct lf_rubric_version *fresh = version_of("fresh", 1, "a");
	static const enum faulty_operation operations[] = {FAULTY_BEGIN, FAULTY_WRITE, FAULTY_COMMIT};
	static const enum lf_code codes[] = {LF_UNAVAILABLE, LF_RESOURCE_EXHAUSTED};

	for (size_t i = 0; i < 6; i++) {
		faulty_fail(operations[i / 2], 1, 1, codes[i % 2]);
		if (operations[i / 2] == FAULTY_COMMIT)
			faulty_unsettle(world->log);
		assert_int_equal(activate(world, world->versions[1], NULL), codes[i % 2]);
		assert_true(is_active(world, world->versions[0]));
	}
	faulty_fail(FAULTY_COMMIT, 1, 1, LF_UNAVAILABLE);
	faulty_unsettle(world->log);
	assert_int_equal(lf_registry_put(world->registry, fresh, &ann, true, NULL, NULL, NULL), LF_UNAVAILABLE);
	assert_null(lf_registry_active(world->registry, "fresh", NULL));
	close_registry(world);
	open_registry(world);
	assert_true(is_active(world, world->versions[0]));
	assert_int_equal(activate(world, world->versions[1], NULL), LF_OK);
	assert_int_equal(lf_registry_put(world->registry, fresh, &ann, true, NULL, NULL, NULL), LF_OK);
	lf_rubric_version_release(fresh);
}

static void an_act_that_was_stored_without_a_word_is_followed_when_it_is_done_again(void **state)
{
	struct world *world = *state;
	struct lf_rubric_version *fresh, *active;
	bool added = true;

	faulty_fail(FAULTY_COMMIT, 1, 1, LF_UNAVAILABLE);
	faulty_commit_anyway();
	faulty_unsettle(world->log);
	assert_int_equal(activate(world, world->versions[1], NULL), LF_UNAVAILABLE);
	assert_true(is_active(world, world->versions[0]));
	assert_int_equal(activate(world, world->versions[1], NULL), LF_OK);
	assert_true(is_active(world, world->versions[1]));
	fresh = version_of("fresh", 1, "a");
	faulty_fail(FAULTY_COMMIT, 1, 1, LF_UNAVAILABLE);
	faulty_unsettle(world->log);
	assert_int_equal(lf_registry_put(world->registry, fresh, &ann, true, NULL, NULL, NULL), LF_UNAVAILABLE);
	assert_int_equal(lf_registry_put(world->registry, fresh, &ann, true, &added, NULL, NULL), LF_OK);
	assert_false(added);
	active = lf_registry_active(world->registry, "fresh", NULL);
	assert_memory_equal(&active->digest, &fresh->digest, sizeof(active->digest));
	lf_rubric_version_release(active);
	lf_rubric_version_release(fresh);
}

/* ---- many at once ---- */

enum { ACTORS = 6, ACTS = 40 };

struct actor {
	struct world *world;
	unsigned seed;
	atomic_size_t *changed;
};

static void *act(void *context)
{
	struct actor *actor = context;

	for (int i = 0; i < ACTS; i++) {
		struct lf_rubric_version *to = NULL, *used;
		struct lf_activated did;
		const struct lf_rubric_version *wanted;

		actor->seed = actor->seed * 1103515245u + 12345u;
		wanted = actor->world->versions[actor->seed / 65536 % 3];
		if (lf_registry_activate(actor->world->registry, "r", &wanted->digest, &ann, &to, &did, NULL) != LF_OK)
			abort();
		atomic_fetch_add(actor->changed, did.changed);
		used = lf_registry_active(actor->world->registry, "r", NULL);
		if (strcmp(used->message->name, "r") != 0)
			abort();
		lf_rubric_version_release(used);
		lf_rubric_version_release(to);
	}
	return NULL;
}

static void count_act(void *context, const struct lf_activation_row *row)
{
	(void)row;
	++*(size_t *)context;
}

static void acts_at_the_same_time_leave_the_log_and_the_service_agreed(void **state)
{
	struct world *world = *state;

	for (int round = 0; round < 4; round++) {
		struct lf_rubric_row *row = NULL;
		struct actor actors[ACTORS];
		pthread_t threads[ACTORS];
		atomic_size_t changed = 0;
		size_t before = 0, after = 0;
		struct lf_rubric_version *active;

		assert_int_equal(lf_log_list_activations(world->log, "r", count_act, &before, NULL), LF_OK);
		for (size_t i = 0; i < ACTORS; i++) {
			actors[i] = (struct actor){
				.world = world, .seed = (unsigned)(round * ACTORS) + (unsigned)i, .changed = &changed};
			assert_int_equal(pthread_create(&threads[i], NULL, act, &actors[i]), 0);
		}
		for (size_t i = 0; i < ACTORS; i++)
			pthread_join(threads[i], NULL);
		assert_int_equal(lf_log_get_rubric(world->log, "r", NULL, &row, NULL), LF_OK);
		active = lf_registry_active(world->registry, "r", NULL);
		assert_memory_equal(&active->digest, &row->digest, sizeof(row->digest));
		assert_int_equal(lf_log_list_activations(world->log, "r", count_act, &after, NULL), LF_OK);
		assert_true(after < LF_ACTIVATIONS_MAX); /* else not all are listed */
		assert_int_equal(after - before, atomic_load(&changed));
		lf_rubric_version_release(active);
		free(row);
	}
}

/* Whether the registry has this very version compiled. */
static bool is_kept(struct world *world, const struct lf_rubric_version *version)
{
	struct lf_rubric_version *found = lf_registry_find(world->registry, &version->digest, NULL);
	bool same = found == version;

	assert_non_null(found); /* else loaded anew */
	lf_rubric_version_release(found);
	return same;
}

static void versions_are_kept_compiled_while_they_are_small(void **state)
{
	struct world *world = *state;
	struct lf_rubric_version *large[5];

	assert_true(is_kept(world, world->versions[1]) && is_kept(world, world->versions[2]));
	for (int i = 0; i < 5; i++) {
		char yaml[1000];
		size_t length = (size_t)snprintf(yaml, sizeof(yaml),
			"{name: r, title: large %d, scale: {min: 1, max: 5}, robustness: {samples: 65536, "
			"weight_spread: 0.1, rating_spread: 0.1}, "
			"criteria: [{id: c, weight: {base: 1}}",
			i);

		for (int c = 0; c < 15; c++)
			length += (size_t)snprintf(
				yaml + length, sizeof(yaml) - length, ", {id: c%d, weight: {base: 1}}", c);
		(void)snprintf(yaml + length, sizeof(yaml) - length, "]}");
		large[i] = support_rubric(yaml);
		assert_true(lf_rubric_version_bytes(large[i]) > 8 << 20);
		assert_int_equal(lf_registry_put(world->registry, large[i], &ann, false, NULL, NULL, NULL), LF_OK);
	}
	assert_true(is_kept(world, world->versions[0])); /* the active one */
	assert_true(is_kept(world, large[4]) && is_kept(world, large[3]));
	assert_false(is_kept(world, world->versions[1]));
	assert_false(is_kept(world, large[0]));
	for (int i = 0; i < 5; i++)
		lf_rubric_version_release(large[i]);
}

static void no_more_names_are_active_than_the_limit_but_those_that_are_still_change(void **state)
{
	struct world *world = *state;
	struct lf_error error = LF_ERROR_INIT;
	enum lf_code code = LF_OK;
	char name[16];
	int names = 1; /* r */

	while (code == LF_OK && names < 1000) {
		struct lf_rubric_version *version;

		snprintf(name, sizeof(name), "n%d", names);
		version = version_of(name, 0, "a");
		code = lf_registry_put(world->registry, version, &ann, true, NULL, NULL, &error);
		names += code == LF_OK;
		lf_rubric_version_release(version);
	}
	assert_int_equal(code, LF_RESOURCE_EXHAUSTED);
	assert_int_equal(names, 64);
	assert_int_equal(activate(world, world->versions[1], NULL), LF_OK);
	assert_true(is_active(world, world->versions[1]));
	lf_error_clean_up(&error);
}

#define CLAIM(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(an_activation_switches_what_requests_get_and_they_keep_what_they_have),
		CLAIM(the_last_activation_holds_after_a_restart),
		CLAIM(what_is_not_stored_or_of_another_name_is_not_found),
		CLAIM(a_version_that_fails_its_own_scenarios_is_refused_unless_it_was_active_before),
		CLAIM(an_actor_who_waits_no_longer_for_the_scenarios_changes_nothing),
		CLAIM(a_stored_version_that_fails_its_check_is_refused_with_what_is_wrong),
		CLAIM(an_act_whose_commit_fails_changes_nothing),
		CLAIM(an_act_that_was_stored_without_a_word_is_followed_when_it_is_done_again),
		CLAIM(acts_at_the_same_time_leave_the_log_and_the_service_agreed),
		CLAIM(versions_are_kept_compiled_while_they_are_small),
		CLAIM(no_more_names_are_active_than_the_limit_but_those_that_are_still_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
