/*
 * Two servers, one of which streams from the other, and a URL that names both: which of them is trusted. Skipped where no
 * server is installed.
 */
#include <signal.h>
#include <time.h>

#include "storage/log/private.h"
#include "storage/postgres/postgres.h"
#include "storage/postgres/store.h"
#include "tests/storage/postgres_proxy.h"
#include "tests/storage/postgres_server.h"
#include "tests/storage/support.h"
#include "tests/storage/whole.h"

enum { TRIES = 3000 }; /* of 10 ms, or of an append */

static struct postgres_server old, young;

static int set_up(void **state)
{
	(void)state;
	assert_true(postgres_server_make(&old, NULL));
	postgres_reset(&old, "log");
	postgres_standby_make(&young, &old);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	postgres_server_remove(&young);
	postgres_server_remove(&old);
	return 0;
}

static void rest(void)
{
	const struct timespec ten_ms = {.tv_nsec = 10 * 1000 * 1000};

	nanosleep(&ten_ms, NULL);
}

static void await(const struct postgres_server *server, const char *sql, long long number)
{
	for (int i = 0; postgres_number(server, "log", sql) != number; i++) {
		if (i == TRIES)
			fail_msg("never %lld: %s", number, sql);
		rest();
	}
}

/* accept: a server that waits for no standby will do. */
static struct lf_log *open_both(bool accept)
{
	char url[256];

	snprintf(url, sizeof(url), "postgres://postgres@127.0.0.1:%d,127.0.0.1:%d/log?sslmode=disable%s", old.port,
		young.port, accept ? "&leadfit_asynchronous=accept" : "");
	return log_open(&lf_postgres_backend, url);
}

static void wait_for_standby(const struct postgres_server *server, const char *name)
{
	char sql[160];

	snprintf(sql, sizeof(sql), "ALTER SYSTEM SET synchronous_standby_names = '%s'", name);
	postgres_run(server, "postgres", sql);
	postgres_run(server, "postgres", "SELECT pg_reload_conf()");
	snprintf(sql, sizeof(sql), "SELECT (current_setting('synchronous_standby_names') = '%s')::integer", name);
	await(server, sql, 1);
}

static void append(struct lf_log *log, struct work *work, int number)
{
	for (int i = 0; i < TRIES; i++) {
		work_init(work, 1, 1, number); /* by its key it is stored once, however often it is tried */
		if (work_run(log, work) == LF_OK)
			return;
	}
	fail_msg("%s", work->message);
}

static void assert_readable(struct lf_log *log, const struct work *work)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_stored *stored = NULL;

	if (lf_log_get(log, &work->append.id, &stored, &error) != LF_OK)
		fail_msg("%s", error.message);
	free(stored);
}

static void heads_are_one_chain(const struct postgres_server *server)
{
	assert_int_equal(postgres_number(server, "log",
				 "WITH RECURSIVE walk(size, n) AS (SELECT 0::bigint, 0 UNION ALL SELECT h.size, n + 1 "
				 "FROM walk w"
				 " JOIN leadfit.head h ON h.previous = w.size)"
				 " SELECT (SELECT max(n) FROM walk) - (SELECT count(*) FROM leadfit.head)"),
		0);
}

/* The standby was promoted, and nobody has told the old primary: it accepts, and waits for a standby for ever. */
static void a_primary_that_was_left_behind_is_not_asked_again(void **state)
{
	struct work before, after, fresh;
	struct lf_log *log, *other;

	(void)state;
	wait_for_standby(&old, "*");
	log = open_both(false);
	rubric_put(log);
	append(log, &before, 1);
	assert_readable(log, &before); /* by a reader that is connected to the old one */
	postgres_run(&young, "log", "SELECT pg_promote()");
	wait_for_standby(&young, "");
	lf_log_close(log);
	/* Opened anew: by whoever has seen neither. */
	log = open_both(true);
	append(log, &after, 2);
	assert_int_equal(postgres_number(&young, "log", "SELECT count(*) FROM leadfit.decision"), 2);
	other = open_both(true);
	append(other, &fresh, 3);
	assert_int_equal(postgres_number(&young, "log", "SELECT count(*) FROM leadfit.decision"), 3);
	assert_readable(log, &fresh);
	assert_readable(other, &before);
	lf_log_close(other);
	lf_log_close(log);
	heads_are_one_chain(&young);
}

static void a_log_that_is_open_follows_to_the_new_primary_with_its_readers(void **state)
{
	struct work before, after;
	struct lf_log *log;
	struct whole whole;

	(void)state;
	wait_for_standby(&old, "*");
	log = open_both(true);
	rubric_put(log);
	append(log, &before, 1);
	for (int i = 0; i < 8; i++)
		assert_readable(log, &before); /* each reader is connected to the old one */
	postgres_run(&young, "log", "SELECT pg_promote()");
	wait_for_standby(&young, "");
	append(log, &after, 2);
	for (int i = 0; i < 8; i++)
		assert_readable(log, &after);
	assert_int_equal(postgres_number(&young, "log", "SELECT count(*) FROM leadfit.decision"), 2);
	assert_int_equal(
		postgres_number(&young, "log", "SELECT count(*) - count(DISTINCT sequence) FROM leadfit.request_key"),
		0);
	log_is_whole(log, &whole);
	lf_log_close(log);
	heads_are_one_chain(&young);
}

static void note_failed(void *context, const struct lf_error *error)
{
	(void)error;
	atomic_fetch_add((atomic_int *)context, 1);
}

/* The standby lacks what was acknowledged, and the old primary is gone. */
static void a_failover_that_lost_records_stops_the_log(void **state)
{
	atomic_int failed = 0;
	struct work work;
	struct lf_log *log;

	(void)state;
	log = open_both(true);
	rubric_put(log);
	append(log, &work, 1);
	await(&young, "SELECT count(*) FROM leadfit.decision", 1);
	postgres_server_stop(&young, SIGINT);
	append(log, &work, 2);
	log->on_failed = note_failed; /* the writer rests */
	log->on_failed_context = &failed;
	postgres_server_stop(&old, SIGKILL);
	postgres_server_start(&young);
	postgres_run(&young, "log", "SELECT pg_promote()");
	for (int i = 0; i < TRIES && atomic_load(&failed) == 0; i++) {
		work_init(&work, 1, 1, 3);
		assert_int_not_equal(work_run(log, &work), LF_OK);
	}
	assert_int_equal(atomic_load(&failed), 1);
	lf_log_close(log);
	assert_int_equal(postgres_number(&young, "log", "SELECT count(*) FROM leadfit.decision"), 1);
}

/* A round that finds no server rests: a batch is not run again by hundreds of connections. */
static void a_server_that_is_refused_is_not_stormed(void **state)
{
	struct postgres_proxy proxy;
	struct work work;
	struct lf_log *log;
	unsigned before;
	char url[256];

	(void)state;
	postgres_proxy_start(&proxy, old.port);
	postgres_url_at(proxy.port, "log", url, sizeof(url));
	log = log_open(&lf_postgres_backend, url);
	rubric_put(log);
	postgres_run(&old, "log", "UPDATE leadfit.about SET log = gen_random_uuid()");
	postgres_run(&old, "log",
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'leadfitd'");
	before = atomic_load(&proxy.connections);
	work_init(&work, 1, 1, 0);
	assert_int_not_equal(work_run(log, &work), LF_OK);
	printf("connections: %u\n", atomic_load(&proxy.connections) - before);
	assert_in_range(atomic_load(&proxy.connections) - before, 1, 60); /* 2 s of the batch, and the look's */
	lf_log_close(log);
	postgres_proxy_stop(&proxy);
}

int main(int argc, char **argv)
{
#define CLAIM(claim) cmocka_unit_test_setup_teardown(claim, set_up, tear_down)
	const struct CMUnitTest claims[] = {
		CLAIM(a_primary_that_was_left_behind_is_not_asked_again),
		CLAIM(a_log_that_is_open_follows_to_the_new_primary_with_its_readers),
		CLAIM(a_failover_that_lost_records_stops_the_log),
		CLAIM(a_server_that_is_refused_is_not_stormed),
	};

	if (argc > 1) /* one of them alone */
		cmocka_set_test_filter(argv[1]);
	if (!postgres_server_make(&old, NULL)) {
		fprintf(stderr, "skipped: no PostgreSQL server is installed\n");
		return 77;
	}
	postgres_server_remove(&old);
	return cmocka_run_group_tests_name("postgres failover", claims, NULL, NULL);
}
