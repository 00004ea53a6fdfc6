/*
 * The default rubric, deactivation, and how much a caller may put: what is put makes no difference to anybody, and what
 * the log holds is what requests get, whatever fails.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/limits.h"
#include "service/rubric/file.h"
#include "service/state/default_rubric.h"
#include "service/state/registry.h"
#include "tests/service/support.h"
#include "tests/storage/faulty_backend.h"
#include "tests/storage/memory_backend.h"

struct world {
	struct lf_log *log;
	struct lf_registry *registry;
};

static const struct lf_actor ann = {.caller = "ann"}, bob = {.caller = "bob"};

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
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	close_registry(world);
	memory_backend_forget();
	free(world);
	return 0;
}

/* ---- acts ---- */

static struct lf_rubric_version *version_of(const char *name, int number)
{
	char yaml[200];

	snprintf(yaml, sizeof(yaml),
		"{name: %s, title: version %d, scale: {min: 1, max: 5}, criteria: [{id: c, weight: {base: 1}}]}", name,
		number);
	return support_rubric(yaml);
}

static enum lf_code put_by(struct world *world, const struct lf_actor *actor, const char *name, int number,
	bool activate, struct lf_error *error)
{
	struct lf_rubric_version *version = version_of(name, number);
	const enum lf_code code = lf_registry_put(world->registry, version, actor, activate, NULL, NULL, error);

	lf_rubric_version_release(version);
	return code;
}

static void put(struct world *world, const char *name, int number, bool activate)
{
	assert_int_equal(put_by(world, &ann, name, number, activate, NULL), LF_OK);
}

static enum lf_code set_default(struct world *world, const char *name, bool *changed, struct lf_error *error)
{
	char from[LF_ID_BYTES_MAX + 1];

	return lf_registry_set_default(world->registry, name, "ann", from, changed, error);
}

static void make_default(struct world *world, const char *name)
{
	bool changed;

	assert_int_equal(set_default(world, name, &changed, NULL), LF_OK);
	assert_true(changed);
}

static void deactivate(struct world *world, const char *name, bool was_default)
{
	struct lf_activated did = {0};
	bool is_default = !was_default;

	assert_int_equal(lf_registry_deactivate(world->registry, name, "ann", &did, &is_default, NULL), LF_OK);
	assert_true(did.changed && did.had_from);
	assert_int_equal(is_default, was_default);
}

/* ---- what requests get ---- */

/* A request that names none. */
static void default_is(struct world *world, const char *title)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_rubric_version *version = lf_registry_active(world->registry, "", &error);

	if (version == NULL)
		fail_msg("%s", error.message);
	assert_string_equal(version->message->title, title);
	lf_rubric_version_release(version);
}

static void refused(struct world *world, const char *name, enum lf_code code, const char *message)
{
	struct lf_error error = LF_ERROR_INIT;

	assert_null(lf_registry_active(world->registry, name, &error));
	assert_int_equal(error.code, code);
	if (strstr(error.message, message) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", error.message, message);
	lf_error_clean_up(&error);
}

/* "ann: none -> r; ann: r -> q; " */
static void note_change(void *context, const struct lf_default_change *change)
{
	char *text = context;
	const size_t length = strlen(text);

	snprintf(text + length, 500 - length, "%s: %s -> %s; ", change->caller,
		*change->from == '\0' ? "none" : change->from, change->to);
}

static void changes_are(struct world *world, const char *expected)
{
	char text[500] = "";

	assert_int_equal(lf_default_rubric_list(world->log, note_change, text, NULL), LF_OK);
	assert_string_equal(text, expected);
}

/* ---- the tests ---- */

static void putting_makes_no_difference_to_anybody(void **state)
{
	struct world *world = *state;

	put(world, "r", 1, true);
	make_default(world, "r");
	put(world, "r", 2, false);
	put(world, "q", 1, false);
	default_is(world, "version 1");
	refused(world, "q", LF_NOT_FOUND, "no rubric \"q\" is active; ");
	put(world, "q", 2, true);
	default_is(world, "version 1"); /* another active rubric is none of their business, either */
	close_registry(world);
	open_registry(world);
	default_is(world, "version 1");
}

static void the_default_is_set_recorded_and_kept(void **state)
{
	struct world *world = *state;
	struct lf_error error = LF_ERROR_INIT;
	char name[LF_ID_BYTES_MAX + 1];
	bool changed = true;

	refused(world, "", LF_FAILED_PRECONDITION, "no rubric is active");
	put(world, "r", 1, true);
	refused(world, "", LF_FAILED_PRECONDITION,
		"there is no default rubric: name one, or set it (leadfit rubric "
		"default NAME); active are: r");
	put(world, "q", 2, true);
	make_default(world, "r");
	default_is(world, "version 1");
	make_default(world, "q");
	default_is(world, "version 2");
	assert_int_equal(set_default(world, "q", &changed, NULL), LF_OK);
	assert_false(changed);
	assert_int_equal(set_default(world, "", &changed, &error), LF_INVALID_ARGUMENT);
	lf_error_clean_up(&error);
	error = (struct lf_error)LF_ERROR_INIT;
	put(world, "stored-only", 3, false);
	assert_int_equal(set_default(world, "stored-only", &changed, &error), LF_FAILED_PRECONDITION);
	assert_non_null(strstr(error.message, "no rubric \"stored-only\" is active; active are: r, q"));
	lf_error_clean_up(&error);
	changes_are(world, "ann: none -> r; ann: r -> q; ");
	close_registry(world);
	open_registry(world);
	lf_registry_default(world->registry, name);
	assert_string_equal(name, "q");
	default_is(world, "version 2");
}

static void an_unknown_name_is_told_with_the_nearest_active_one(void **state)
{
	struct world *world = *state;
	struct lf_error error = LF_ERROR_INIT;
	bool changed;

	put(world, "tech-lead", 1, true);
	assert_int_equal(set_default(world, "tech-laed", &changed, &error), LF_FAILED_PRECONDITION);
	assert_string_equal(error.message,
		"no rubric \"tech-laed\" is active; nearest: tech-lead (leadfit rubric list shows what is stored)");
	lf_error_clean_up(&error);
	changes_are(world, "");
}

static void a_default_that_was_deactivated_is_said_and_comes_back_with_its_name(void **state)
{
	struct world *world = *state;

	put(world, "r", 1, true);
	put(world, "q", 2, true);
	make_default(world, "r");
	deactivate(world, "q", false);
	default_is(world, "version 1");
	put(world, "q", 2, true);
	deactivate(world, "r", true);
	for (int round = 0; round < 2; round++) { /* and after a restart */
		refused(world, "", LF_FAILED_PRECONDITION,
			"the default rubric \"r\" has no active version: give it one (leadfit rubric activate r), or "
			"make "
			"another the default (leadfit rubric default NAME); active are: q");
		refused(world, "r", LF_NOT_FOUND, "no rubric \"r\" is active; ");
		close_registry(world);
		open_registry(world);
	}
	deactivate(world, "q", false);
	refused(world, "", LF_FAILED_PRECONDITION, "the default rubric \"r\" has no active version");
	refused(world, "q", LF_FAILED_PRECONDITION,
		"no rubric is active: leadfit rubric list shows those that are stored");
	put(world, "r", 3, true);
	default_is(world, "version 3");
}

static void what_was_never_stored_or_is_not_active_is_not_deactivated(void **state)
{
	struct world *world = *state;
	struct lf_activated did = {0};
	bool is_default;

	assert_int_equal(lf_registry_deactivate(world->registry, "r", "ann", &did, &is_default, NULL), LF_NOT_FOUND);
	put(world, "r", 1, false);
	assert_int_equal(lf_registry_deactivate(world->registry, "r", "ann", &did, &is_default, NULL), LF_OK);
	assert_true(!did.changed && !did.had_from);
}

static void a_deactivated_name_gives_its_place_to_another(void **state)
{
	struct world *world = *state;
	struct lf_error error = LF_ERROR_INIT;
	char name[16];

	for (int i = 0; i < 64; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		put(world, name, 0, true);
	}
	put(world, "more", 0, false); /* takes no place */
	assert_int_equal(put_by(world, &ann, "more", 1, true, &error), LF_RESOURCE_EXHAUSTED);
	assert_non_null(
		strstr(error.message, "64 rubrics are active already, as many as may be: deactivate one first"));
	lf_error_clean_up(&error);
	deactivate(world, "n7", false);
	put(world, "more", 1, true);
	error = (struct lf_error)LF_ERROR_INIT;
	assert_int_equal(put_by(world, &ann, "n7", 0, true, &error), LF_RESOURCE_EXHAUSTED);
	lf_error_clean_up(&error);
	for (int i = 0; i < 64; i++) {
		struct lf_rubric_version *version;

		snprintf(name, sizeof(name), "n%d", i);
		version = lf_registry_active(world->registry, name, NULL);
		assert_int_equal(version != NULL, i != 7);
		lf_rubric_version_release(version);
	}
}

static void a_caller_may_put_so_many_new_versions_a_day(void **state)
{
	struct world *world = *state;
	struct lf_error error = LF_ERROR_INIT;

	for (int i = 0; i < LF_RUBRIC_VERSIONS_A_DAY_MAX; i++)
		put(world, "r", i, i == 0);
	for (int round = 0; round < 2; round++) { /* and after a restart */
		assert_int_equal(put_by(world, &ann, "q", 0, false, &error), LF_RESOURCE_EXHAUSTED);
		assert_non_null(strstr(error.message,
			"ann has put 256 new versions of rubrics within 24 hours; allowed are 256: there is room again "
			"at "
			"20"));
		lf_error_clean_up(&error);
		error = (struct lf_error)LF_ERROR_INIT;
		close_registry(world);
		open_registry(world);
	}
	put(world, "r", 5, true); /* known: none is added */
	assert_int_equal(put_by(world, &bob, "q", 0, true, NULL), LF_OK);
}

/* ---- what fails ---- */

static void an_act_that_fails_changes_nothing(void **state)
{
	static const enum faulty_operation operations[] = {FAULTY_BEGIN, FAULTY_WRITE, FAULTY_COMMIT},
					   turns[] = {FAULTY_BEGIN, FAULTY_WRITE, FAULTY_COMMIT};
	static const enum lf_code codes[] = {LF_UNAVAILABLE, LF_RESOURCE_EXHAUSTED};
	struct world *world = *state;
	struct lf_activated did;
	bool changed, is_default;

	put(world, "r", 1, true);
	put(world, "q", 2, true);
	make_default(world, "r");
	for (size_t i = 0; i < 6; i++) {
		faulty_fail(operations[i / 2], 1, 1, codes[i % 2]);
		if (operations[i / 2] == FAULTY_COMMIT)
			faulty_unsettle(world->log);
		assert_int_equal(set_default(world, "q", &changed, NULL), codes[i % 2]);
		default_is(world, "version 1");
		faulty_fail(turns[i / 2], 1, 1, codes[i % 2]);
		if (turns[i / 2] == FAULTY_COMMIT)
			faulty_unsettle(world->log);
		assert_int_equal(
			lf_registry_deactivate(world->registry, "r", "ann", &did, &is_default, NULL), codes[i % 2]);
		default_is(world, "version 1");
	}
	changes_are(world, "ann: none -> r; ");
	make_default(world, "q");
	default_is(world, "version 2");
}

static void an_act_that_was_stored_without_a_word_is_followed_when_it_is_done_again(void **state)
{
	struct world *world = *state;
	struct lf_activated did;
	bool changed = true, is_default;

	put(world, "r", 1, true);
	put(world, "q", 2, true);
	make_default(world, "r");
	faulty_fail(FAULTY_COMMIT, 1, 1, LF_UNAVAILABLE);
	faulty_commit_anyway();
	faulty_unsettle(world->log);
	assert_int_equal(set_default(world, "q", &changed, NULL), LF_UNAVAILABLE);
	default_is(world, "version 1");
	assert_int_equal(set_default(world, "q", &changed, NULL), LF_OK);
	assert_false(changed);
	default_is(world, "version 2");
	changes_are(world, "ann: none -> r; ann: r -> q; ");
	faulty_fail(FAULTY_COMMIT, 1, 1, LF_UNAVAILABLE);
	faulty_commit_anyway();
	faulty_unsettle(world->log);
	assert_int_equal(lf_registry_deactivate(world->registry, "q", "ann", &did, &is_default, NULL), LF_UNAVAILABLE);
	default_is(world, "version 2");
	assert_int_equal(lf_registry_deactivate(world->registry, "q", "ann", &did, &is_default, NULL), LF_OK);
	assert_true(!did.changed && is_default);
	refused(world, "", LF_FAILED_PRECONDITION, "the default rubric \"q\" has no active version");
}

static void a_record_that_can_not_be_read_is_data_loss(void **state)
{
	static const uint8_t bodies[][2] = {{0x0a, 0x7f}, {0x08, 0x01}}; /* cut off; without a name */
	struct world *world = *state;
	char name[LF_ID_BYTES_MAX + 1];

	for (size_t i = 0; i < 2; i++) {
		struct lf_act_put act = {.kind = LF_LEAF_DEFAULT, .caller = "x", .body = {bodies[i], 2}};

		assert_int_equal(lf_log_put_act(world->log, &act, NULL), LF_OK);
		assert_int_equal(lf_default_rubric_read(world->log, name, NULL), LF_DATA_LOSS);
		tear_down(state);
		set_up(state);
		world = *state;
	}
}

/* ---- many at once ---- */

enum { ACTORS = 4, ACTS = 60 };

struct actor {
	struct world *world;
	unsigned seed;
};

/* Requests meanwhile get a version, or are told why not; nothing else. */
static void *act(void *context)
{
	static const char *const names[] = {"r", "q"};
	struct actor *actor = context;

	for (int i = 0; i < ACTS; i++) {
		struct lf_error error = LF_ERROR_INIT;
		struct lf_activated did;
		struct lf_rubric_version *used;
		const char *name;
		bool flag;

		actor->seed = actor->seed * 1103515245u + 12345u;
		name = names[actor->seed >> 20 & 1];
		switch (actor->seed >> 22 & 3) {
		case 0:
			if (lf_registry_deactivate(actor->world->registry, name, "ann", &did, &flag, NULL) != LF_OK)
				abort();
			break;
		case 1:
			set_default(actor->world, name, &flag, NULL);
			break;
		default:
			put(actor->world, name, (int)(actor->seed >> 24 & 3), true);
		}
		used = lf_registry_active(actor->world->registry, "", &error);
		if (used == NULL && error.code != LF_FAILED_PRECONDITION)
			abort();
		lf_rubric_version_release(used);
		lf_error_clean_up(&error);
	}
	return NULL;
}

static void acts_at_the_same_time_leave_the_log_and_the_service_agreed(void **state)
{
	static const char *const names[] = {"r", "q"};
	struct world *world = *state;
	struct actor actors[ACTORS];
	pthread_t threads[ACTORS];
	char here[LF_ID_BYTES_MAX + 1], stored[LF_ID_BYTES_MAX + 1];

	put(world, "r", 0, true);
	put(world, "q", 0, true);
	for (unsigned i = 0; i < ACTORS; i++) {
		actors[i] = (struct actor){.world = world, .seed = 17 + i};
		assert_int_equal(pthread_create(&threads[i], NULL, act, &actors[i]), 0);
	}
	for (size_t i = 0; i < ACTORS; i++)
		pthread_join(threads[i], NULL);
	lf_registry_default(world->registry, here);
	assert_int_equal(lf_default_rubric_read(world->log, stored, NULL), LF_OK);
	assert_string_equal(here, stored);
	for (size_t i = 0; i < 2; i++) {
		struct lf_rubric_version *version = lf_registry_active(world->registry, names[i], NULL);
		struct lf_rubric_row *row = NULL;
		const enum lf_code code = lf_log_get_rubric(world->log, names[i], NULL, &row, NULL);

		assert_int_equal(code == LF_OK, version != NULL);
		if (version != NULL)
			assert_memory_equal(&version->digest, &row->digest, sizeof(row->digest));
		lf_rubric_version_release(version);
		free(row);
	}
}

/* ---- the built-in rubric ---- */

static void the_built_in_rubric_is_the_file_that_the_source_has(void **state)
{
	struct lf_rubric_version *built_in = NULL, *file = support_default_rubric();

	(void)state;
	assert_int_equal(lf_rubric_built_in_load(&built_in, NULL), LF_OK);
	assert_string_equal(built_in->digest_text, file->digest_text);
	lf_rubric_version_release(built_in);
	lf_rubric_version_release(file);
}

#define CLAIM(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest claims[] = {
		CLAIM(putting_makes_no_difference_to_anybody),
		CLAIM(the_default_is_set_recorded_and_kept),
		CLAIM(an_unknown_name_is_told_with_the_nearest_active_one),
		CLAIM(a_default_that_was_deactivated_is_said_and_comes_back_with_its_name),
		CLAIM(what_was_never_stored_or_is_not_active_is_not_deactivated),
		CLAIM(a_deactivated_name_gives_its_place_to_another),
		CLAIM(a_caller_may_put_so_many_new_versions_a_day),
		CLAIM(an_act_that_fails_changes_nothing),
		CLAIM(an_act_that_was_stored_without_a_word_is_followed_when_it_is_done_again),
		CLAIM(a_record_that_can_not_be_read_is_data_loss),
		CLAIM(acts_at_the_same_time_leave_the_log_and_the_service_agreed),
		CLAIM(the_built_in_rubric_is_the_file_that_the_source_has),
	};

	return cmocka_run_group_tests(claims, NULL, NULL);
}
