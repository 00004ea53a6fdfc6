/*
 * A log of schema 2 becomes one of this schema: tests/storage/old/schema-2.db, which that release made, with four
 * decisions, two versions of a rubric, three activations, an outcome and an erasure. What was signed of it still fits.
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "storage/verify/verify.h"
#include "tests/storage/support.h"
#include "tests/storage/whole.h"

static const char OLD[] = LF_SOURCE_DIR "/tests/storage/old/schema-2.db";
enum { OLD_SIZE = 11, OLD_DECISIONS = 4, OLD_RUBRICS = 2, OLD_ACTIVATIONS = 3 };
/* The root of the last checkpoint that the service of that release signed of it. */
static const char OLD_ROOT[] = "7d902039a5b4bbd133c38e888c5b507ad7b95b381d18f9456264e2f9d6ab28e4";

static struct place place;

static int set_up(void **state)
{
	size_t length;
	uint8_t *bytes = file_read(OLD, &length);

	(void)state;
	place_make(&place);
	assert_non_null(bytes);
	file_write(place.file, bytes, length);
	free(bytes);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	place_remove(&place);
	return 0;
}

static void sql(const char *text)
{
	sqlite3 *db;
	char *message = NULL;

	assert_int_equal(sqlite3_open(place.file, &db), SQLITE_OK);
	if (sqlite3_exec(db, text, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s", message);
	assert_int_equal(sqlite3_changes(db), 1);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* ---- what is found ---- */

struct findings {
	size_t count;
	char first[LF_VERIFY_WRONG_MAX];
};

static void note_finding(void *context, const struct lf_verify_finding *finding)
{
	struct findings *findings = context;

	if (findings->count++ == 0)
		snprintf(findings->first, sizeof(findings->first), "%s", finding->what);
}

static void note_derived(void *context, const char *what)
{
	struct findings *findings = context;

	if (findings->count++ == 0)
		snprintf(findings->first, sizeof(findings->first), "%s", what);
}

static struct findings verify(struct lf_log *log)
{
	struct lf_verify *walk = lf_verify_new(log);
	struct findings findings = {0};
	struct lf_tree_head head;
	struct lf_digest root;
	uint64_t next;
	bool known;

	assert_int_equal(lf_log_head(log, &head, NULL), LF_OK);
	assert_int_equal(lf_verify_slice(walk, 0, head.size, 10000, note_finding, &findings, &next, NULL), LF_OK);
	assert_int_equal(next, 0);
	assert_int_equal(lf_verify_root(walk, head.size, &head, note_finding, &findings, &root, &known, NULL), LF_OK);
	assert_int_equal(lf_log_check(log, note_derived, NULL, &findings, NULL), LF_OK);
	lf_verify_free(walk);
	return findings;
}

static void verifies(struct lf_log *log)
{
	const struct findings findings = verify(log);

	if (findings.count > 0)
		fail_msg("%s", findings.first);
}

/* The log as it lies there, read alone as leadfitd verify does, has this to be found. */
static void is_found(const char *what)
{
	const struct lf_log_options options = {.location = place.file, .read_only = true};
	struct lf_log *log = NULL;
	struct findings findings;

	assert_int_equal(lf_log_open(&log, &lf_sqlite_backend, &options, NULL), LF_OK);
	findings = verify(log);
	lf_log_close(log);
	if (findings.count == 0 || strstr(findings.first, what) == NULL)
		fail_msg("%s: found is \"%s\"", what, findings.first);
}

/* ---- the tests ---- */

static void it_is_the_same_log_and_verifies_as_before(void **state)
{
	struct lf_log *log = log_open(&lf_sqlite_backend, place.file);
	struct whole whole;
	struct lf_tree_head head;
	char root[65];

	(void)state;
	assert_int_equal(lf_log_head(log, &head, NULL), LF_OK);
	lf_digest_print(&head.root, root);
	assert_int_equal(head.size, OLD_SIZE); /* nothing was recorded */
	assert_string_equal(root, OLD_ROOT);
	log_is_whole(log, &whole);
	assert_int_equal(whole.kinds[LF_LEAF_DECISION], OLD_DECISIONS);
	assert_int_equal(whole.kinds[LF_LEAF_RUBRIC], OLD_RUBRICS);
	assert_int_equal(whole.kinds[LF_LEAF_ACTIVATION], OLD_ACTIVATIONS);
	assert_int_equal(whole.kinds[LF_LEAF_OUTCOME], 1);
	assert_int_equal(whole.kinds[LF_LEAF_ERASURE], 1);
	verifies(log);
	lf_log_close(log);
}

static void what_the_new_schema_records_goes_on_from_there(void **state)
{
	struct lf_log *log = log_open(&lf_sqlite_backend, place.file);
	struct lf_act_put act = {.kind = LF_LEAF_DEFAULT, .caller = "ann", .body = bytes_of("a default")};
	struct lf_activated did;
	struct whole whole;

	(void)state;
	assert_int_equal(lf_log_deactivate_rubric(log, "tech-lead", "ann", &did, NULL), LF_OK);
	assert_true(did.changed && did.had_from);
	assert_int_equal(lf_log_put_act(log, &act, NULL), LF_OK);
	assert_int_equal(act.position, OLD_SIZE + 1);
	lf_log_close(log);
	log = log_open(&lf_sqlite_backend, place.file);
	log_is_whole(log, &whole);
	assert_int_equal(whole.size, OLD_SIZE + 2);
	verifies(log);
	lf_log_close(log);
}

static void note_default(void *context, const struct lf_act_row *row)
{
	size_t *count = context;

	++*count;
	assert_int_equal(row->kind, LF_LEAF_DEFAULT);
	assert_false(row->has_decision);
	assert_int_equal(row->body.length, *count);
}

static void defaults_are_found_among_other_acts_page_by_page(void **state)
{
	struct lf_log *log = log_open(&lf_sqlite_backend, place.file);
	size_t count = 0;
	uint64_t next = 0;

	(void)state;
	for (size_t i = 1; i <= 5; i++) {
		struct lf_act_put act = {
			.kind = LF_LEAF_DEFAULT, .caller = "ann", .body = {(const uint8_t *)"12345", i}};
		struct lf_act_put outcome = {.kind = LF_LEAF_OUTCOME, .caller = "ann", .body = bytes_of("x")};

		assert_int_equal(lf_log_put_act(log, &outcome, NULL), LF_OK);
		assert_int_equal(lf_log_put_act(log, &act, NULL), LF_OK);
	}
	do
		assert_int_equal(
			lf_log_list_acts(log, LF_LEAF_DEFAULT, NULL, next, 2, note_default, &count, &next, NULL),
			LF_OK);
	while (next != 0);
	assert_int_equal(count, 5);
	lf_log_close(log);
}

static void what_is_altered_of_a_deactivation_or_a_default_is_found(void **state)
{
	struct lf_log *log = log_open(&lf_sqlite_backend, place.file);
	struct lf_act_put act = {.kind = LF_LEAF_DEFAULT, .caller = "ann", .body = bytes_of("a default")};

	(void)state;
	assert_int_equal(lf_log_deactivate_rubric(log, "tech-lead", "ann", NULL, NULL), LF_OK);
	assert_int_equal(lf_log_put_act(log, &act, NULL), LF_OK);
	lf_log_close(log);
	sql("UPDATE activation SET to_rubric = from_rubric WHERE to_rubric = 0");
	is_found("its rubric that it made active was altered: another one was recorded");
	sql("UPDATE activation SET to_rubric = 0 WHERE id = (SELECT max(id) FROM activation)");
	sql("UPDATE activation SET to_rubric = 0 WHERE id = 2");
	is_found("its rubric that it made active was altered: another one was recorded");
	sql("UPDATE activation SET to_rubric = (SELECT from_rubric FROM activation WHERE id = 3) WHERE id = 2");
	sql("UPDATE act SET body = x'00' WHERE kind = 8");
	is_found("what is stored is not what was recorded");
	sql("UPDATE act SET body = CAST('a default' AS BLOB) WHERE kind = 8");
	log = log_open(&lf_sqlite_backend, place.file);
	verifies(log);
	lf_log_close(log);
}

/* ---- killed on the way ---- */

static long calls, kill_at;

static void note_progress(void *context, uint64_t done, uint64_t total)
{
	(void)context;
	assert_int_equal(total, OLD_DECISIONS);
	assert_int_equal(done, calls == 0 ? 0 : OLD_DECISIONS);
	if (++calls == kill_at)
		raise(SIGKILL);
}

static void killed_on_the_way_it_migrates_the_next_time(void **state)
{
	const struct lf_log_options options = {.location = place.file, .on_migrating = note_progress};

	(void)state;
	for (long at = 1; at <= 2; at++) {
		const pid_t child = fork();
		struct lf_log *log = NULL;
		int status = 0;

		if (child == 0) {
			kill_at = at;
			lf_log_open(&log, &lf_sqlite_backend, &options, NULL);
			_exit(1);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		log = log_open(&lf_sqlite_backend, place.file);
		verifies(log);
		lf_log_close(log);
		tear_down(NULL);
		set_up(NULL);
	}
}

#define CLAIM(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest claims[] = {
		CLAIM(it_is_the_same_log_and_verifies_as_before),
		CLAIM(what_the_new_schema_records_goes_on_from_there),
		CLAIM(defaults_are_found_among_other_acts_page_by_page),
		CLAIM(what_is_altered_of_a_deactivation_or_a_default_is_found),
		CLAIM(killed_on_the_way_it_migrates_the_next_time),
	};

	return cmocka_run_group_tests(claims, NULL, NULL);
}
