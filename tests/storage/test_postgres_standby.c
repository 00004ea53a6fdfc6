/*
 * What is acknowledged is on the standby, as far as PostgreSQL can be made to say so. There is no standby here: a name
 * that nobody has makes every commit wait, and ends of such waits are what these claims are about. Skipped where no server
 * is installed.
 */
#include <signal.h>
#include <time.h>

#include "storage/log/private.h"
#include "storage/postgres/postgres.h"
#include "storage/postgres/store.h"
#include "tests/storage/postgres_server.h"
#include "tests/storage/support.h"
#include "tests/storage/whole.h"

enum { TRIES = 3000 }; /* of 10 ms */

static struct postgres_server server;
static bool accepting; /* a server that waits for no standby */

static void rest(void)
{
	const struct timespec ten_ms = {.tv_nsec = 10 * 1000 * 1000};

	nanosleep(&ten_ms, NULL);
}

/* Waits until a number is as it should be. */
static void await(const char *sql, long long number)
{
	for (int i = 0; postgres_number(&server, "postgres", sql) != number; i++) {
		if (i == TRIES)
			fail_msg("never %lld: %s", number, sql);
		rest();
	}
}

static void wait_for_standby(const char *name)
{
	char sql[200];

	snprintf(sql, sizeof(sql), "ALTER SYSTEM SET synchronous_standby_names = '%s'", name);
	postgres_run(&server, "postgres", sql);
	postgres_run(&server, "postgres", "SELECT pg_reload_conf()");
	snprintf(sql, sizeof(sql), "SELECT (current_setting('synchronous_standby_names') = '%s')::integer", name);
	await(sql, 1);
}

static void let_commits_wait(void)
{
	wait_for_standby("nobody");
}

static int set_up(void **state)
{
	(void)state;
	wait_for_standby("");
	postgres_reset(&server, "log");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	wait_for_standby("");
	postgres_run(&server, "postgres", "ALTER ROLE postgres RESET ALL");
	return 0;
}

static struct lf_log *open_log(void)
{
	char url[256];

	postgres_url(&server, "log", url, sizeof(url));
	if (!accepting) {
		char *own = strstr(url, "&leadfit_asynchronous");

		assert_non_null(own);
		*own = '\0';
	}
	return log_open(&lf_postgres_backend, url);
}

static void await_waiting(long long sessions)
{
	await("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'", sessions);
}

/* Appends, and has every wait ended in that way until there is an answer. */
static void append_while(struct lf_log *log, struct work *work, const char *sql)
{
	lf_log_append(log, &work->append);
	for (int i = 0; atomic_load(&work->completions) == 0; i++) {
		if (i == TRIES)
			fail_msg("no answer");
		postgres_run(&server, "postgres", sql);
		rest();
	}
}

static const char CANCEL[] = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
static const char TERMINATE[] = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";

/* ---- the claims ---- */

static void a_role_that_hides_warnings_does_not_hide_that_of_a_commit(void **state)
{
	struct work work;
	struct lf_log *log;

	(void)state;
	accepting = true;
	postgres_run(&server, "postgres", "ALTER ROLE postgres SET client_min_messages = error");
	log = open_log();
	rubric_put(log);
	let_commits_wait();
	work_init(&work, 1, 1, 0);
	append_while(log, &work, CANCEL);
	assert_int_not_equal(work.code, LF_OK);
	assert_non_null(strstr(work.message, "may or may not"));
	wait_for_standby("");
	lf_log_close(log);
}

/* What Patroni does when the standby dies, unless it is told to be strict. */
static void a_server_that_waits_for_no_standby_any_more_is_not_written_to(void **state)
{
	struct work work;
	struct lf_log *log;
	struct whole whole;

	(void)state;
	accepting = true; /* to put something there */
	log = open_log();
	rubric_put(log);
	lf_log_close(log);
	accepting = false;
	let_commits_wait();
	log = open_log();
	wait_for_standby("");
	work_init(&work, 1, 1, 0);
	assert_int_not_equal(work_run(log, &work), LF_OK);
	assert_non_null(strstr(work.message, "synchronous_standby_names"));
	assert_false(lf_log_ready(log));
	assert_int_equal(postgres_number(&server, "log", "SELECT count(*) FROM leadfit.decision"), 0);
	log_is_whole(log, &whole);
	lf_log_close(log);
}

/* A commit that waits is let go by the same: success, and no WARNING. */
static void a_wait_that_ends_because_no_standby_is_waited_for_is_no_acknowledgement(void **state)
{
	struct work work;
	struct lf_log *log;

	(void)state;
	accepting = true;
	log = open_log();
	rubric_put(log);
	let_commits_wait();
	/* From here on not. The writer rests: it has just committed, and a new one would try whether it can. */
	log->store->asynchronous = false;
	work_init(&work, 1, 1, 0);
	lf_log_append(log, &work.append);
	await_waiting(1);
	wait_for_standby("");
	work_wait(&work);
	assert_int_not_equal(work.code, LF_OK);
	assert_non_null(strstr(work.message, "may or may not"));
	lf_log_close(log);
}

/* Its session was ended in the wait: the record is visible, and on no standby. */
static void leave_a_visible_record(struct lf_log *log, struct work *work)
{
	work_init(work, 1, 1, 7);
	append_while(log, work, TERMINATE);
	assert_int_not_equal(work->code, LF_OK);
	assert_non_null(strstr(work->message, "may or may not"));
	assert_int_equal(postgres_number(&server, "log", "SELECT count(*) FROM leadfit.decision"), 1);
}

static void what_is_there_already_is_acknowledged_once_it_is_on_the_standby(void **state)
{
	struct work work, again;
	struct lf_log *log, *other;
	struct lf_uuid id;

	(void)state;
	accepting = true;
	log = open_log();
	other = open_log();
	rubric_put(log);
	let_commits_wait();
	leave_a_visible_record(log, &work);
	lf_log_close(log);
	work_init(&again, 1, 1, 7);
	append_while(other, &again, TERMINATE);
	assert_int_not_equal(again.code, LF_OK); /* by another store, which finds the key */
	assert_int_not_equal(lf_log_find_key(other, again.append.caller, again.append.idempotency_key,
				     &again.append.request_digest, &id, NULL),
		LF_OK); /* and by a reader: by a deadline of ours */
	wait_for_standby("");
	work_init(&again, 1, 1, 7);
	for (int i = 0; i < TRIES && work_run(other, &again) != LF_OK; i++)
		work_init(&again, 1, 1, 7);
	assert_int_equal(again.code, LF_OK);
	assert_true(again.append.existing);
	assert_int_equal(lf_log_find_key(other, again.append.caller, again.append.idempotency_key,
				 &again.append.request_digest, &id, NULL),
		LF_OK);
	assert_memory_equal(&id, &again.append.id, sizeof(id));
	assert_int_equal(postgres_number(&server, "log", "SELECT count(*) FROM leadfit.decision"), 1);
	lf_log_close(other);
}

/* What is visible may be gone after a failover, and a signature can't be taken back. */
static void what_is_to_be_signed_is_on_the_standby(void **state)
{
	struct lf_tree_head head, lasting;
	struct work work;
	struct lf_log *log;

	(void)state;
	accepting = true;
	log = open_log();
	rubric_put(log);
	let_commits_wait();
	leave_a_visible_record(log, &work);
	assert_int_equal(lf_log_head(log, &head, NULL), LF_OK);
	assert_int_equal(head.size, 3);
	assert_int_not_equal(lf_log_lasting_head(log, &lasting, NULL), LF_OK);
	wait_for_standby("");
	for (int i = 0; i < TRIES && lf_log_lasting_head(log, &lasting, NULL) != LF_OK; i++)
		rest();
	assert_int_equal(lasting.size, 3);
	assert_memory_equal(&lasting.root, &head.root, sizeof(head.root));
	lf_log_close(log);
}

/* Nobody asks for anything: the log commits something by itself now and then. */
static void an_idle_log_is_ready_while_its_standby_is_there(void **state)
{
	struct lf_log *log;

	(void)state;
	accepting = true;
	log = open_log();
	for (int i = 0; i < TRIES && !lf_log_ready(log); i++)
		rest();
	assert_true(lf_log_ready(log));
	let_commits_wait();
	for (int i = 0; i < TRIES && lf_log_ready(log); i++)
		rest();
	assert_false(lf_log_ready(log));
	wait_for_standby("");
	for (int i = 0; i < TRIES && !lf_log_ready(log); i++)
		rest();
	assert_true(lf_log_ready(log));
	lf_log_close(log);
}

/* A pooler that gives another session, or resets this one. */
static void a_session_that_lost_its_settings_is_given_up(void **state)
{
	static const struct lf_pg_statement resets[] = {
		{"reset_1", "SELECT set_config('client_min_messages', 'error', false)"},
		{"reset_2", "SELECT set_config('synchronous_commit', 'off', false)"}};
	struct lf_error error = LF_ERROR_INIT;
	struct work work;
	struct lf_log *log;
	uint64_t connects;

	(void)state;
	accepting = true;
	log = open_log();
	rubric_put(log);
	connects = log->store->writer->connects;
	for (size_t i = 0; i < sizeof(resets) / sizeof(resets[0]); i++) {
		/* The writer thread rests: nothing is to be stored. */
		assert_int_equal(lf_pg_run(log->store->writer, &resets[i], NULL, NULL, "resetting", &error), LF_OK);
		work_init(&work, 1, 1, 0);
		assert_int_equal(work_run(log, &work), LF_OK);
		assert_int_equal(log->store->writer->connects, connects + i + 1);
	}
	lf_log_close(log);
}

int main(void)
{
#define CLAIM(claim) cmocka_unit_test_setup_teardown(claim, set_up, tear_down)
	const struct CMUnitTest claims[] = {
		CLAIM(a_role_that_hides_warnings_does_not_hide_that_of_a_commit),
		CLAIM(a_server_that_waits_for_no_standby_any_more_is_not_written_to),
		CLAIM(a_wait_that_ends_because_no_standby_is_waited_for_is_no_acknowledgement),
		CLAIM(what_is_there_already_is_acknowledged_once_it_is_on_the_standby),
		CLAIM(what_is_to_be_signed_is_on_the_standby),
		CLAIM(an_idle_log_is_ready_while_its_standby_is_there),
		CLAIM(a_session_that_lost_its_settings_is_given_up),
	};
	int failed;

	if (!postgres_server_make(&server, NULL)) {
		fprintf(stderr, "skipped: no PostgreSQL server is installed\n");
		return 77;
	}
	failed = cmocka_run_group_tests_name("postgres standby", claims, NULL, NULL);
	postgres_server_remove(&server);
	return failed;
}
