/*
 * The rubrics that a service starts with, whatever its log has: a default where one follows from what is there, and
 * words that help where none does. tests/cli/rubrics_test.sh has the files of --rubric.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "service/daemon/rubrics.h"
#include "service/state/registry.h"
#include "tests/service/support.h"
#include "tests/storage/memory_backend.h"

struct world {
	struct lf_log *log;
	struct lf_registry *registry;
	char said[2000]; /* on standard error, by the last start */
};

static const struct lf_actor ann = {.caller = "ann"};

static void open_log(struct world *world)
{
	const struct lf_log_options options = {.location = "x"};

	assert_int_equal(lf_log_open(&world->log, &memory_backend, &options, NULL), LF_OK);
	assert_int_equal(lf_registry_new(&world->registry, world->log, NULL), LF_OK);
}

static void close_log(struct world *world)
{
	lf_registry_destroy(world->registry);
	lf_log_close(world->log);
}

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	memory_backend_forget();
	open_log(world);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	close_log(world);
	memory_backend_forget();
	free(world);
	return 0;
}

static void put(struct world *world, const char *name, bool activate)
{
	char yaml[200];
	struct lf_rubric_version *version;

	snprintf(yaml, sizeof(yaml), "{name: %s, scale: {min: 1, max: 5}, criteria: [{id: c, weight: {base: 1}}]}",
		name);
	version = support_rubric(yaml);
	assert_int_equal(lf_registry_put(world->registry, version, &ann, activate, NULL, NULL, NULL), LF_OK);
	lf_rubric_version_release(version);
}

/* What a start does with these files of --rubric; the log is opened again before. */
static void start_with(struct world *world, const struct lf_start_rubrics *rubrics)
{
	FILE *file = tmpfile();
	const int kept = dup(STDERR_FILENO);
	size_t length;
	int status;

	close_log(world);
	open_log(world);
	assert_non_null(file);
	fflush(stderr);
	dup2(fileno(file), STDERR_FILENO);
	status = lf_start_rubrics_put(rubrics, world->log, world->registry);
	fflush(stderr);
	dup2(kept, STDERR_FILENO);
	close(kept);
	rewind(file);
	length = fread(world->said, 1, sizeof(world->said) - 1, file);
	world->said[length] = '\0';
	fclose(file);
	assert_int_equal(status, 0);
}

static void start(struct world *world)
{
	static const struct lf_start_rubrics none = {.count = 0};

	start_with(world, &none);
}

static void says(struct world *world, const char *text)
{
	if (strstr(world->said, text) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", world->said, text);
}

static void default_is(struct world *world, const char *name)
{
	char found[LF_ID_BYTES_MAX + 1];

	lf_registry_default(world->registry, found);
	assert_string_equal(found, name);
}

static void is_refused(struct world *world)
{
	assert_null(lf_registry_active(world->registry, "", NULL));
}

static uint64_t size_of(struct world *world)
{
	struct lf_tree_head head;

	assert_int_equal(lf_log_head(world->log, &head, NULL), LF_OK);
	return head.size;
}

/* A second start records and says nothing. */
static void settled(struct world *world)
{
	const uint64_t size = size_of(world);

	start(world);
	assert_int_equal(size_of(world), size);
	assert_string_equal(world->said, "");
}

static void an_empty_log_gets_the_built_in_rubric(void **state)
{
	struct world *world = *state;
	struct lf_rubric_version *built_in, *file = support_default_rubric();

	start(world);
	says(world, " rubric_stored: rubric tech-lead ");
	says(world, " from this program: stored, active, and the default\n");
	default_is(world, "tech-lead");
	built_in = lf_registry_active(world->registry, "", NULL);
	assert_string_equal(built_in->digest_text, file->digest_text);
	lf_rubric_version_release(built_in);
	lf_rubric_version_release(file);
	settled(world);
}

static void the_only_active_rubric_becomes_the_default(void **state)
{
	struct world *world = *state;

	put(world, "r", true);
	put(world, "stored-only", false);
	start(world);
	says(world, " rubric_default: r is the default rubric from now on: it is the only active one\n");
	default_is(world, "r");
	settled(world);
}

static void several_active_rubrics_make_no_default_and_it_is_said(void **state)
{
	struct world *world = *state;

	put(world, "r", true);
	put(world, "q", true);
	start(world);
	says(world,
		" rubric_missing: there is no default rubric: name one, or set it (leadfit rubric default NAME); "
		"active "
		"are: ");
	default_is(world, "");
	is_refused(world);
}

static struct lf_rubric_version *other_version_of(const char *name)
{
	char yaml[200];

	snprintf(yaml, sizeof(yaml),
		"{name: %s, title: other, scale: {min: 1, max: 5}, criteria: [{id: c, weight: {base: 1}}]}", name);
	return support_rubric(yaml);
}

/* A log of before, with several names: the file's becomes the default, and the version that is active stays so. */
static void a_file_makes_its_name_the_default_and_replaces_no_active_version(void **state)
{
	struct world *world = *state;
	struct lf_start_rubrics rubrics = {.files = {{.path = "r.yaml", .text = NULL}}, .count = 1};
	struct lf_rubric_version *active;

	put(world, "r", true);
	put(world, "q", true);
	rubrics.files[0].version = other_version_of("r");
	start_with(world, &rubrics);
	says(world, " from r.yaml: stored, not active (leadfit rubric activate ");
	says(world, " makes it so); the version that is active stays so, and the default\n");
	default_is(world, "r");
	active = lf_registry_active(world->registry, "", NULL);
	assert_string_equal(active->message->title, "");
	lf_rubric_version_release(active);
	lf_rubric_version_release(rubrics.files[0].version);
}

/* What a caller named "local" has put is no reason why a service does not start. */
static void a_start_is_not_bound_by_what_a_caller_has_put(void **state)
{
	static const struct lf_actor local = {.caller = "local"};
	struct world *world = *state;
	struct lf_start_rubrics rubrics = {.files = {{.path = "new.yaml", .text = NULL}}, .count = 1};

	for (int i = 0; i < LF_RUBRIC_VERSIONS_A_DAY_MAX; i++) {
		char name[16];
		struct lf_rubric_version *version;

		snprintf(name, sizeof(name), "r%d", i);
		version = other_version_of(name);
		assert_int_equal(lf_registry_put(world->registry, version, &local, false, NULL, NULL, NULL), LF_OK);
		lf_rubric_version_release(version);
	}
	rubrics.files[0].version = other_version_of("new");
	assert_int_equal(lf_registry_put(world->registry, rubrics.files[0].version, &local, false, NULL, NULL, NULL),
		LF_RESOURCE_EXHAUSTED);
	start_with(world, &rubrics);
	says(world, " from new.yaml: stored, active, and the default\n");
	lf_rubric_version_release(rubrics.files[0].version);
}

static void a_log_whose_rubrics_are_not_active_does_not_get_the_built_in_one(void **state)
{
	struct world *world = *state;

	put(world, "r", false);
	start(world);
	says(world,
		" rubric_missing: no rubric is active: leadfit rubric list shows those that are stored, leadfit rubric "
		"activate ");
	default_is(world, "");
	assert_null(lf_registry_active(world->registry, "tech-lead", NULL));
	is_refused(world);
}

static void a_default_that_was_deactivated_stays_so(void **state)
{
	struct world *world = *state;
	struct lf_activated did;
	bool is_default;

	put(world, "r", true);
	put(world, "q", true);
	start(world);
	assert_int_equal(lf_registry_deactivate(world->registry, "q", "ann", &did, &is_default, NULL), LF_OK);
	start(world);
	default_is(world, "r"); /* the only one since */
	assert_int_equal(lf_registry_deactivate(world->registry, "r", "ann", &did, &is_default, NULL), LF_OK);
	put(world, "q", true);
	start(world);
	says(world,
		" rubric_missing: the default rubric \"r\" has no active version: give it one (leadfit rubric activate "
		"r)");
	default_is(world, "r");
	is_refused(world);
}

#define CLAIM(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest claims[] = {
		CLAIM(an_empty_log_gets_the_built_in_rubric),
		CLAIM(the_only_active_rubric_becomes_the_default),
		CLAIM(several_active_rubrics_make_no_default_and_it_is_said),
		CLAIM(a_file_makes_its_name_the_default_and_replaces_no_active_version),
		CLAIM(a_start_is_not_bound_by_what_a_caller_has_put),
		CLAIM(a_log_whose_rubrics_are_not_active_does_not_get_the_built_in_one),
		CLAIM(a_default_that_was_deactivated_stays_so),
	};

	return cmocka_run_group_tests(claims, NULL, NULL);
}
