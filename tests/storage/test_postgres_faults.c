/*
 * One log in PostgreSQL, several stores, and whatever goes wrong between them and their server: what was acknowledged is
 * stored, once each, and the log is one history. Skipped where no server is installed.
 */
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "storage/log/private.h"
#include "storage/postgres/postgres.h"
#include "storage/postgres/store.h"
#include "tests/storage/postgres_proxy.h"
#include "tests/storage/postgres_server.h"
#include "tests/storage/support.h"
#include "tests/storage/whole.h"

enum { STORES_MAX = 4, WORKS = 400, WINDOW = 32, TRIES = 1000 };

static struct postgres_server server;
static struct postgres_proxy proxy;

static int set_up(void **state)
{
	(void)state;
	if (server.pid == 0)
		postgres_server_start(&server);
	postgres_reset(&server, "log");
	postgres_proxy_start(&proxy, server.port);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	postgres_proxy_stop(&proxy);
	return 0;
}

/* As a service's role: with SELECT and INSERT alone. */
static struct lf_log *open_log(bool through_proxy)
{
	char url[256];

	if (through_proxy)
		snprintf(url, sizeof(url),
			"postgres://leadfit_service@127.0.0.1:%d/log?sslmode=disable&leadfit_asynchronous=accept",
			proxy.port);
	else
		snprintf(url, sizeof(url),
			"postgres:///log?host=%s&port=%d&user=leadfit_service&leadfit_asynchronous=accept",
			server.folder, server.port);
	return log_open(&lf_postgres_backend, url);
}

static void rest_ms(long ms)
{
	const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000 * 1000};

	nanosleep(&time, NULL);
}

/* ---- load: several stores append at once, and count what they were told ---- */

struct load {
	struct lf_log *log;
	int number;
	struct work *works; /* WORKS: each with an answer of its own */
	pthread_t thread;
	atomic_int stored, unknown, refused; /* by what was told */
};

static void *append_all(void *context)
{
	struct load *load = context;

	for (int i = 0; i < WORKS; i++) {
		struct work *work = &load->works[i];

		work_init(work, i % 7, i % 5, 0);
		snprintf(work->answer, sizeof(work->answer), "store %d work %d", load->number, i);
		work->append.answer = bytes_of(work->answer);
		lf_log_append(load->log, &work->append);
		if (i >= WINDOW)
			work_wait(&load->works[i - WINDOW]);
	}
	for (int i = 0; i < WORKS; i++) {
		work_wait(&load->works[i]);
		assert_int_equal(atomic_load(&load->works[i].completions), 1);
		atomic_fetch_add(load->works[i].code == LF_OK                              ? &load->stored
				: strstr(load->works[i].message, "may or may not") != NULL ? &load->unknown
											   : &load->refused,
			1);
	}
	return NULL;
}

static void start_load(struct load *loads, int count, bool through_proxy)
{
	for (int i = 0; i < count; i++) {
		loads[i] = (struct load){.log = open_log(through_proxy), .number = i};
		loads[i].works = calloc(WORKS, sizeof(struct work));
		if (i == 0)
			rubric_put(loads[0].log);
	}
}

static void run_load(struct load *loads, int count)
{
	for (int i = 0; i < count; i++)
		assert_int_equal(pthread_create(&loads[i].thread, NULL, append_all, &loads[i]), 0);
}

/* Each head continues another, from the empty log on to the newest. */
static void heads_are_one_chain(void)
{
	assert_int_equal(postgres_number(&server, "log",
				 "WITH RECURSIVE walk(size, n) AS (SELECT 0::bigint, 0 UNION ALL SELECT h.size, n + 1 "
				 "FROM walk w"
				 " JOIN leadfit.head h ON h.previous = w.size)"
				 " SELECT (SELECT max(n) FROM walk) - (SELECT count(*) FROM leadfit.head)"
				 " + (SELECT max(size) FROM walk) - (SELECT count(*) FROM leadfit.leaf)"),
		0);
}

/* What was told is so: stored once where that was said, at most once where nobody knew, not at all where it was refused. */
static void check_load(struct load *loads, int count)
{
	int stored = 0, unknown = 0, refused = 0;
	struct whole whole;
	struct lf_log *log;
	long long rows;

	for (int i = 0; i < count; i++) {
		stored += atomic_load(&loads[i].stored);
		unknown += atomic_load(&loads[i].unknown);
		refused += atomic_load(&loads[i].refused);
		lf_log_close(loads[i].log);
	}
	log = open_log(false);
	log_is_whole(log, &whole);
	heads_are_one_chain();
	for (int i = 0; i < count; i++) {
		for (int j = 0; j < WORKS; j++) {
			const struct work *work = &loads[i].works[j];
			struct lf_stored *found = NULL;

			if (work->code != LF_OK)
				continue;
			assert_int_equal(lf_log_get(log, &work->append.id, &found, NULL), LF_OK);
			assert_int_equal(found->answer.length, strlen(work->answer));
			assert_memory_equal(found->answer.data, work->answer, found->answer.length);
			free(found);
		}
		free(loads[i].works);
	}
	lf_log_close(log);
	rows = postgres_number(&server, "log", "SELECT count(*) FROM leadfit.decision");
	printf("stored %d, unknown %d, refused %d, rows %lld\n", stored, unknown, refused, rows);
	assert_int_equal(postgres_number(&server, "log", "SELECT count(DISTINCT answer) FROM leadfit.decision"), rows);
	assert_in_range(rows, stored, stored + unknown);
	assert_int_equal(stored + unknown + refused, count * WORKS);
	assert_true(stored > 0);
}

/* ---- round trips ---- */

static void a_commit_takes_two_round_trips_and_three_with_a_key(void **state)
{
	struct lf_log *log = open_log(true);
	unsigned before;

	(void)state;
	rubric_put(log);
	for (int round = 0; round < 3; round++) {
		before = atomic_load(&proxy.trips[0]); /* the writer's connection is the first */
		for (int i = 0; i < 50; i++) {
			struct work work;

			work_init(&work, 1, 1, round == 2 ? i + 1 : 0);
			assert_int_equal(work_run(log, &work), LF_OK);
		}
		printf("round trips of 50 commits: %u\n", atomic_load(&proxy.trips[0]) - before);
		if (round > 0) /* the first brings names and payloads */
			assert_in_range(atomic_load(&proxy.trips[0]) - before, 1, round == 1 ? 100 : 150);
	}
	lf_log_close(log);
}

/* More than a batch holds waits all the time, so each commit asks for the next turn. */
static void commits_in_steady_load_take_little_more_than_one_round_trip(void **state)
{
	enum { MANY = 8 * LF_BATCH_MAX, AT_ONCE = 3 * LF_BATCH_MAX };
	struct lf_log *log = open_log(true);
	struct work *works = calloc(MANY, sizeof(*works));
	unsigned trips;
	long long heads;

	(void)state;
	rubric_put(log);
	work_init(&works[0], 1, 1, 0);
	assert_int_equal(work_run(log, &works[0]), LF_OK); /* names and payloads */
	trips = atomic_load(&proxy.trips[0]);
	heads = postgres_number(&server, "log", "SELECT count(*) FROM leadfit.head");
	for (int i = 0; i < MANY; i++) {
		if (i >= AT_ONCE)
			work_wait(&works[i - AT_ONCE]);
		work_init(&works[i], 1, 1, 0);
		lf_log_append(log, &works[i].append);
	}
	for (int i = 0; i < MANY; i++) {
		work_wait(&works[i]);
		assert_int_equal(works[i].code, LF_OK);
	}
	trips = atomic_load(&proxy.trips[0]) - trips;
	heads = postgres_number(&server, "log", "SELECT count(*) FROM leadfit.head") - heads;
	printf("%u round trips for %lld commits\n", trips, heads);
	assert_in_range(trips, heads, heads + 3); /* the first begin, and what was alone */
	assert_true(heads >= 8);
	lf_log_close(log);
	free(works);
	heads_are_one_chain();
}

/* ---- order without luck ---- */

static void several_stores_append_to_one_history(void **state)
{
	struct load loads[STORES_MAX];

	(void)state;
	start_load(loads, STORES_MAX, false);
	run_load(loads, STORES_MAX);
	for (int i = 0; i < STORES_MAX; i++)
		pthread_join(loads[i].thread, NULL);
	for (int i = 0; i < STORES_MAX; i++)
		assert_int_equal(atomic_load(&loads[i].stored), WORKS);
	check_load(loads, STORES_MAX);
}

static void a_default_of_serializable_changes_nothing(void **state)
{
	struct load loads[2];
	long long rolled_back;

	(void)state;
	rolled_back =
		postgres_number(&server, "log", "SELECT xact_rollback FROM pg_stat_database WHERE datname = 'log'");
	postgres_run(&server, "log", "ALTER DATABASE log SET default_transaction_isolation = 'serializable'");
	start_load(loads, 2, false);
	run_load(loads, 2);
	for (int i = 0; i < 2; i++)
		pthread_join(loads[i].thread, NULL);
	for (int i = 0; i < 2; i++)
		assert_int_equal(atomic_load(&loads[i].stored), WORKS);
	check_load(loads, 2);
	/* Nothing was run again: READ COMMITTED was asked for in each transaction. */
	assert_int_equal(
		postgres_number(&server, "log", "SELECT xact_rollback FROM pg_stat_database WHERE datname = 'log'") -
			rolled_back,
		0);
	postgres_run(&server, "log", "ALTER DATABASE log RESET default_transaction_isolation");
}

/* Each store locks a number of its own: the key of the head alone keeps the history one. */
static void without_the_lock_there_is_one_history_all_the_same(void **state)
{
	struct load loads[2];

	(void)state;
	start_load(loads, 2, false);
	for (int i = 0; i < 2; i++)
		loads[i].log->store->lock_key += 1 + i;
	run_load(loads, 2);
	for (int i = 0; i < 2; i++)
		pthread_join(loads[i].thread, NULL);
	check_load(loads, 2);
}

/* ---- sessions that end, and statements that are cancelled ---- */

static void disturb(const char *sql, long every_ms)
{
	struct load loads[2];
	bool running = true;

	start_load(loads, 2, false);
	run_load(loads, 2);
	while (running) {
		rest_ms(every_ms);
		postgres_run(&server, "log", sql);
		running = false;
		for (int i = 0; i < 2; i++)
			running |= atomic_load(&loads[i].works[WORKS - 1].completions) == 0;
	}
	for (int i = 0; i < 2; i++)
		pthread_join(loads[i].thread, NULL);
	check_load(loads, 2);
}

static void sessions_that_are_ended_lose_and_double_nothing(void **state)
{
	(void)state;
	disturb("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'leadfitd'", 50);
}

static void statements_that_are_cancelled_lose_and_double_nothing(void **state)
{
	(void)state;
	disturb("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'leadfitd'", 20);
}

/* ---- a connection that is cut at each byte of a commit, and of the answer to it ---- */

enum { CUTS = 130 }; /* more than either has */

/* Appends one record a cut, and says how many of the cuts left a commit that was settled. */
static int append_with_cuts(struct lf_log *log, atomic_long *cut, int step)
{
	struct work work;
	int settled = 0;

	for (int at = 0; at < CUTS; at += step) {
		const uint64_t settlements = log->store->settlements;

		/* The first brings what the connection does not know yet, so that the commit is a message of its own. */
		work_init(&work, 1, 1, 0);
		snprintf(work.answer, sizeof(work.answer), "before %d", at);
		work.append.answer = bytes_of(work.answer);
		assert_int_equal(work_run(log, &work), LF_OK);
		work_init(&work, 1, 1, 0);
		snprintf(work.answer, sizeof(work.answer), "cut at %d", at);
		work.append.answer = bytes_of(work.answer);
		atomic_store(cut, at);
		if (work_run(log, &work) != LF_OK)
			fail_msg("cut at %d: %s", at, work.message);
		assert_int_equal(atomic_exchange(cut, -1), -1); /* it was this connection's */
		settled += log->store->settlements > settlements;
	}
	return settled;
}

static void cut_at_any_byte(atomic_long *cut, int step)
{
	struct lf_log *log = open_log(true);
	struct whole whole;
	int settled;

	rubric_put(log);
	settled = append_with_cuts(log, cut, step);
	printf("settled %d of %d\n", settled, CUTS / step);
	assert_in_range(settled, CUTS / step / 2, CUTS / step);
	log_is_whole(log, &whole);
	lf_log_close(log);
	heads_are_one_chain();
	assert_int_equal(
		postgres_number(&server, "log",
			"SELECT count(*) FROM leadfit.decision WHERE convert_from(answer, 'UTF8') LIKE 'cut%'"),
		CUTS / step);
	assert_int_equal(
		postgres_number(&server, "log", "SELECT count(*) - count(DISTINCT answer) FROM leadfit.decision"), 0);
}

static void an_answer_to_a_commit_cut_at_any_byte_loses_and_doubles_nothing(void **state)
{
	(void)state;
	cut_at_any_byte(&proxy.cut_answer, 1);
}

static void a_commit_cut_at_any_byte_loses_and_doubles_nothing(void **state)
{
	(void)state;
	cut_at_any_byte(&proxy.cut_question, 5);
}

/* Each byte of the answer comes in time, and the whole of it too late. */
static void an_answer_that_drips_is_given_up(void **state)
{
	struct lf_log *log = open_log(true);
	struct work work;

	(void)state;
	rubric_put(log);
	work_init(&work, 1, 1, 0);
	assert_int_equal(work_run(log, &work), LF_OK);
	atomic_store(&proxy.drip_answer, true);
	work_init(&work, 1, 1, 0);
	work_run(log, &work); /* it is settled, now or with the next */
	work_init(&work, 1, 1, 0);
	for (int i = 0; i < TRIES && work_run(log, &work) != LF_OK; i++)
		work_init(&work, 1, 1, 0);
	assert_int_equal(work.code, LF_OK);
	assert_int_equal(log->store->settlements, 1);
	lf_log_close(log);
	heads_are_one_chain();
}

static void a_network_that_goes_silent_is_given_up_and_comes_back(void **state)
{
	struct lf_log *log = open_log(true);
	struct work work;

	(void)state;
	rubric_put(log);
	work_init(&work, 1, 1, 0);
	assert_int_equal(work_run(log, &work), LF_OK);
	atomic_store(&proxy.silent, true);
	work_init(&work, 1, 1, 0);
	assert_int_not_equal(work_run(log, &work), LF_OK); /* by a deadline of ours: nothing else ends it */
	assert_false(lf_log_ready(log));
	atomic_store(&proxy.silent, false);
	work_init(&work, 1, 1, 0);
	for (int i = 0; i < TRIES && work_run(log, &work) != LF_OK; i++)
		work_init(&work, 1, 1, 0);
	assert_int_equal(work.code, LF_OK);
	assert_true(lf_log_ready(log));
	lf_log_close(log);
	heads_are_one_chain();
}

/* ---- the server ---- */

static void stop_and_start(int signal)
{
	struct load loads[2];

	start_load(loads, 2, false);
	run_load(loads, 2);
	while (atomic_load(&loads[0].works[WORKS / 4].completions) == 0)
		rest_ms(1);
	postgres_server_stop(&server, signal);
	postgres_server_start(&server);
	for (int i = 0; i < 2; i++)
		pthread_join(loads[i].thread, NULL);
	check_load(loads, 2);
}

static void a_server_that_is_stopped_loses_nothing(void **state)
{
	(void)state;
	stop_and_start(SIGINT);
	postgres_reset(&server, "log");
	stop_and_start(SIGQUIT);
}

static void a_postmaster_that_is_killed_loses_nothing(void **state)
{
	(void)state;
	stop_and_start(SIGKILL);
}

/* A commit that waits for a standby that is not there, and is cancelled, is answered by success and a WARNING. */
static void a_commit_that_may_not_be_on_its_standby_is_not_acknowledged(void **state)
{
	struct lf_log *log = open_log(false);
	struct work work;

	(void)state;
	rubric_put(log);
	postgres_run(&server, "postgres", "ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
	postgres_run(&server, "postgres", "SELECT pg_reload_conf()");
	while (postgres_number(&server, "postgres",
		       "SELECT count(*) FROM pg_settings WHERE name = 'synchronous_standby_names' AND setting = "
		       "'nobody'") == 0)
		rest_ms(10);
	work_init(&work, 1, 1, 0);
	lf_log_append(log, &work.append);
	while (atomic_load(&work.completions) == 0) {
		postgres_run(&server, "postgres",
			"SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
		rest_ms(10);
	}
	assert_int_not_equal(work.code, LF_OK);
	assert_non_null(strstr(work.message, "may or may not"));
	postgres_run(&server, "postgres", "ALTER SYSTEM RESET synchronous_standby_names");
	postgres_run(&server, "postgres", "SELECT pg_reload_conf()");
	work_init(&work, 1, 1, 0);
	for (int i = 0; i < TRIES && work_run(log, &work) != LF_OK; i++)
		work_init(&work, 1, 1, 0);
	assert_int_equal(work.code, LF_OK);
	lf_log_close(log);
	heads_are_one_chain();
}

int main(int argc, char **argv)
{
#define CLAIM(claim) cmocka_unit_test_setup_teardown(claim, set_up, tear_down)
	const struct CMUnitTest claims[] = {
		CLAIM(a_commit_takes_two_round_trips_and_three_with_a_key),
		CLAIM(commits_in_steady_load_take_little_more_than_one_round_trip),
		CLAIM(several_stores_append_to_one_history),
		CLAIM(a_default_of_serializable_changes_nothing),
		CLAIM(without_the_lock_there_is_one_history_all_the_same),
		CLAIM(sessions_that_are_ended_lose_and_double_nothing),
		CLAIM(statements_that_are_cancelled_lose_and_double_nothing),
		CLAIM(an_answer_to_a_commit_cut_at_any_byte_loses_and_doubles_nothing),
		CLAIM(a_commit_cut_at_any_byte_loses_and_doubles_nothing),
		CLAIM(an_answer_that_drips_is_given_up),
		CLAIM(a_network_that_goes_silent_is_given_up_and_comes_back),
		CLAIM(a_server_that_is_stopped_loses_nothing),
		CLAIM(a_postmaster_that_is_killed_loses_nothing),
		CLAIM(a_commit_that_may_not_be_on_its_standby_is_not_acknowledged),
	};
	int failed;

	if (!postgres_server_make(&server, NULL)) {
		fprintf(stderr, "skipped: no PostgreSQL server is installed\n");
		return 77;
	}
	if (argc > 1) /* one of them alone */
		cmocka_set_test_filter(argv[1]);
	failed = cmocka_run_group_tests_name("postgres faults", claims, NULL, NULL);
	postgres_server_remove(&server);
	return failed;
}
