/*
 * Erasing by a role of its own, on a second connection: what it is refused for, and that nothing else fails with it. Skipped
 * where no server is installed.
 */
#include <time.h>

#include "storage/postgres/postgres.h"
#include "tests/storage/postgres_server.h"
#include "tests/storage/support.h"
#include "tests/storage/whole.h"

static struct postgres_server server;

static int set_up(void **state)
{
	(void)state;
	postgres_reset(&server, "log");
	return 0;
}

static void url_of_role(const char *role, char *url, size_t size)
{
	snprintf(url, size, "postgres:///log?host=%s&port=%d&user=%s&leadfit_asynchronous=accept", server.folder,
		server.port, role);
}

static enum lf_code open_with(const char *keeper, struct lf_log **log, struct lf_error *error)
{
	char url[256];
	const struct lf_log_options options = {.location = url, .keeper = keeper};

	url_of_role("leadfit_service", url, sizeof(url));
	return lf_log_open(log, &lf_postgres_backend, &options, error);
}

static struct lf_log *open_kept(void)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_log *log = NULL;
	char keeper[256];

	url_of_role("leadfit_keeper", keeper, sizeof(keeper));
	if (open_with(keeper, &log, &error) != LF_OK)
		fail_msg("%s", error.message);
	return log;
}

/* Decisions 1 to count, each with a team of its own, whose payload is teams[i]. */
static void fill(struct lf_log *log, int count, uint64_t *teams)
{
	rubric_put(log);
	for (int i = 0; i < count; i++) {
		struct lf_stored *stored = NULL;
		struct work work;

		work_init(&work, i + 1, i + 1, i + 1);
		snprintf(work.team, sizeof(work.team), "team %d", i);
		work.append.team = bytes_of(work.team);
		assert_int_equal(work_run(log, &work), LF_OK);
		assert_int_equal(lf_log_get(log, &work.append.id, &stored, NULL), LF_OK);
		teams[i] = stored->team_payload;
		free(stored);
	}
}

static enum lf_code erase(struct lf_log *log, uint64_t payload, struct lf_error *error)
{
	struct lf_redact_item item = {.what = LF_REDACT_PAYLOAD, .id = payload, .bytes = {(const uint8_t *)"x", 1}};
	struct lf_redact redaction = {.kind = LF_LEAF_ERASURE,
		.caller = "admin",
		.body = bytes_of("because"),
		.items = &item,
		.item_count = 1};

	return lf_log_redact(log, &redaction, error);
}

enum { BESIDE = 200, TEAMS = 12 };

/* With appends around it, which share its transaction. */
static void erase_beside(struct lf_log *log, uint64_t payload, enum lf_code expected, const char *says)
{
	static struct work beside[BESIDE];
	struct lf_error error = LF_ERROR_INIT;
	enum lf_code code;

	for (size_t i = 0; i < BESIDE; i++) {
		work_init(&beside[i], 50, 50, 0);
		lf_log_append(log, &beside[i].append);
	}
	code = erase(log, payload, &error);
	if (code != expected || (says != NULL && strstr(error.message, says) == NULL))
		fail_msg("%s: %s", lf_code_name(code), error.message);
	lf_error_clean_up(&error);
	for (size_t i = 0; i < BESIDE; i++) {
		work_wait(&beside[i]);
		assert_int_equal(beside[i].code, LF_OK);
	}
	assert_true(lf_log_ready(log));
}

static long long keepers_sessions(void)
{
	return postgres_number(
		&server, "postgres", "SELECT count(*) FROM pg_stat_activity WHERE usename = 'leadfit_keeper'");
}

static void the_keeper_erases_where_the_service_may_not(void **state)
{
	struct lf_log *log = open_kept();
	uint64_t teams[TEAMS];
	struct whole whole;
	struct work work;

	(void)state;
	fill(log, TEAMS, teams);
	for (int i = 0; i < TEAMS; i++)
		erase_beside(log, teams[i], LF_OK, NULL);
	work_init(&work, 9, 9, 0);
	assert_int_equal(work_run(log, &work), LF_OK);
	log_is_whole(log, &whole);
	assert_int_equal(whole.kinds[LF_LEAF_ERASURE], TEAMS);
	while (keepers_sessions() > 0) /* it is there for as long as it is needed: a backend takes its time to end */
		;
	lf_log_close(log);
}

static void refused(const char *keeper, enum lf_code expected, const char *says)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_log *log = NULL;
	const enum lf_code code = open_with(keeper, &log, &error);

	if (code != expected || strstr(error.message, says) == NULL)
		fail_msg("%s: %s", lf_code_name(code), error.message);
	assert_null(strstr(error.message, "secret"));
	assert_null(log);
	lf_error_clean_up(&error);
}

static void what_is_no_keeper_is_refused_at_opening(void **state)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_log *log = NULL;
	struct place place;
	char url[256];
	const struct lf_log_options file = {.location = place.file, .keeper = url};

	(void)state;
	url_of_role("leadfit_service", url, sizeof(url));
	refused(url, LF_FAILED_PRECONDITION, "may not erase");
	refused("postgres://k:secret@h/d", LF_INVALID_ARGUMENT,
		"the keeper's database: the database's URL has a password");
	refused("leadfit.db", LF_INVALID_ARGUMENT, "postgres://");
	snprintf(url, sizeof(url), "postgres:///nothing?host=%s&port=%d&user=leadfit_keeper", server.folder,
		server.port);
	refused(url, LF_UNAVAILABLE, "does not exist");
	/* Two logs that were made apart. */
	postgres_run(&server, "postgres", "DROP DATABASE IF EXISTS another");
	postgres_run(&server, "postgres", "CREATE DATABASE another TEMPLATE empty_log");
	postgres_run(&server, "another", "UPDATE leadfit.about SET log = gen_random_uuid()");
	snprintf(url, sizeof(url), "postgres:///another?host=%s&port=%d&user=leadfit_keeper", server.folder,
		server.port);
	refused(url, LF_UNAVAILABLE, "another log");
	place_make(&place);
	assert_int_equal(lf_log_open(&log, &lf_sqlite_backend, &file, &error), LF_INVALID_ARGUMENT);
	assert_non_null(strstr(error.message, "no roles"));
	lf_error_clean_up(&error);
	place_remove(&place);
}

static void a_keeper_that_is_not_to_be_had_holds_up_nobody_else(void **state)
{
	static const char *const faults[][3] = {
		{"ALTER ROLE leadfit_keeper NOLOGIN", "ALTER ROLE leadfit_keeper LOGIN", "not permitted to log in"},
		{"REVOKE DELETE ON leadfit.name FROM leadfit_keeper", "GRANT DELETE ON leadfit.name TO leadfit_keeper",
			"may not erase"},
		{"ALTER ROLE leadfit_keeper CONNECTION LIMIT 0", "ALTER ROLE leadfit_keeper CONNECTION LIMIT -1",
			"too many connections"},
	};
	struct lf_log *log = open_kept();
	uint64_t teams[TEAMS];
	struct whole whole;
	size_t erased = 0;

	(void)state;
	fill(log, TEAMS, teams);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		postgres_run(&server, "log", faults[i][0]);
		erase_beside(log, teams[i], LF_UNAVAILABLE, faults[i][2]);
		erase_beside(log, teams[i], LF_UNAVAILABLE, "the keeper's database");
		postgres_run(&server, "log", faults[i][1]);
		erase_beside(log, teams[i], LF_OK, NULL);
		erased++;
	}
	log_is_whole(log, &whole);
	assert_int_equal(whole.kinds[LF_LEAF_ERASURE], erased);
	lf_log_close(log);
}

static void *end_keepers(void *context)
{
	const struct timespec five_ms = {.tv_nsec = 5 * 1000 * 1000};
	atomic_bool *over = context;

	while (!atomic_load(over)) {
		postgres_run(&server, "postgres",
			"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'leadfit_keeper'");
		nanosleep(&five_ms, NULL);
	}
	return NULL;
}

/* Each erasure that was acknowledged is there, once. */
static void a_keeper_whose_session_is_ended_erases_once_or_not_at_all(void **state)
{
	struct lf_log *log = open_kept();
	uint64_t teams[TEAMS];
	struct whole whole;
	atomic_bool over = false;
	size_t erased = 0;
	pthread_t thread;

	(void)state;
	fill(log, TEAMS, teams);
	assert_int_equal(pthread_create(&thread, NULL, end_keepers, &over), 0);
	for (int round = 0; round < 10; round++)
		for (int i = 0; i < TEAMS; i++) {
			struct lf_error error = LF_ERROR_INIT;
			const enum lf_code code = erase(log, teams[i], &error);

			if (code != LF_OK && code != LF_UNAVAILABLE)
				fail_msg("%s: %s", lf_code_name(code), error.message);
			assert_null(strstr(error.message, "may or may not"));
			lf_error_clean_up(&error);
			erased += code == LF_OK;
		}
	atomic_store(&over, true);
	pthread_join(thread, NULL);
	log_is_whole(log, &whole);
	assert_int_equal(whole.kinds[LF_LEAF_ERASURE], erased);
	assert_true(erased > 0);
	lf_log_close(log);
}

int main(void)
{
	const struct CMUnitTest claims[] = {
		cmocka_unit_test_setup(the_keeper_erases_where_the_service_may_not, set_up),
		cmocka_unit_test_setup(what_is_no_keeper_is_refused_at_opening, set_up),
		cmocka_unit_test_setup(a_keeper_that_is_not_to_be_had_holds_up_nobody_else, set_up),
		cmocka_unit_test_setup(a_keeper_whose_session_is_ended_erases_once_or_not_at_all, set_up),
	};
	int failed;

	if (!postgres_server_make(&server, NULL)) {
		fprintf(stderr, "skipped: no PostgreSQL server is installed\n");
		return 77;
	}
	failed = cmocka_run_group_tests_name("the keeper's connection", claims, NULL, NULL);
	postgres_server_remove(&server);
	return failed;
}
