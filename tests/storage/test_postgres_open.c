/*
 * What a log in PostgreSQL is opened on, and what is refused: URLs, servers, schemas, roles. Skipped where no server is
 * installed.
 */
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "storage/postgres/place.h"
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

/* The code and the message of opening. */
static enum lf_code try_to_open(const char *url, struct lf_error *error)
{
	struct lf_log *log = NULL;
	const struct lf_log_options options = {.location = url};
	const enum lf_code code = lf_log_open(&log, &lf_postgres_backend, &options, error);

	if (code == LF_OK)
		lf_log_close(log);
	else
		assert_null(log);
	return code;
}

static void refused(const char *url, enum lf_code expected, const char *says)
{
	struct lf_error error = LF_ERROR_INIT;
	const enum lf_code code = try_to_open(url, &error);

	if (code != expected || strstr(error.message, says) == NULL)
		fail_msg("%s: %s: %s", url, lf_code_name(code), error.message);
	lf_error_clean_up(&error);
}

static void log_refused(enum lf_code expected, const char *says)
{
	char url[256];

	postgres_url(&server, "log", url, sizeof(url));
	refused(url, expected, says);
}

static void log_opens(void)
{
	struct lf_error error = LF_ERROR_INIT;
	char url[256];

	postgres_url(&server, "log", url, sizeof(url));
	if (try_to_open(url, &error) != LF_OK)
		fail_msg("%s", error.message);
}

/* ---- URLs ---- */

static void what_is_no_url_is_refused_and_not_repeated(void **state)
{
	static const char *const urls[] = {
		"log.db",
		"mysql://secret@host/db",
		"postgres://user:secret@host/db",
		"postgres://user@host/db?password=secret",
		"postgres://user@host/db?sslpassword=secret",
		"postgres://user@host/db?secret=secret",
		"postgres://user@host/db?replication=database",
		"postgres://user@[secret/db",
		"postgres://user@host/db?leadfit_asynchronous=secret",
		"postgres://user@h,h,h,h,h,h,h,h,h,h,h,h,h,h,h,h,h/db",
		"postgres://us%secret@host/db",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		struct lf_error error = LF_ERROR_INIT;

		if (try_to_open(urls[i], &error) != LF_INVALID_ARGUMENT)
			fail_msg("%s: %s", urls[i], error.message);
		assert_null(strstr(error.message, "secret"));
		assert_true(strlen(error.message) > 0);
		lf_error_clean_up(&error);
	}
}

static void a_server_that_does_not_answer_is_unavailable(void **state)
{
	char url[256];

	(void)state;
	snprintf(url, sizeof(url), "postgres:///log?host=%s&port=1&user=postgres", server.folder);
	refused(url, LF_UNAVAILABLE, "PostgreSQL at");
	snprintf(url, sizeof(url), "postgres:///nothing?host=%s&port=%d&user=postgres", server.folder, server.port);
	refused(url, LF_UNAVAILABLE, "does not exist");
}

/* The first host does not answer: the second is taken. */
static void another_host_is_tried(void **state)
{
	struct lf_error error = LF_ERROR_INIT;
	char url[256];

	(void)state;
	snprintf(url, sizeof(url),
		"postgres://postgres@127.0.0.1:1,127.0.0.1:%d/log?sslmode=disable&leadfit_asynchronous=accept",
		server.port);
	if (try_to_open(url, &error) != LF_OK)
		fail_msg("%s", error.message);
}

/* Each host has a deadline of its own, and a network is warned of, also where libpq's environment names them. */
static void hosts_of_the_environment_are_taken_apart(void **state)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_pg_place parsed;
	char ports[32];

	(void)state;
	assert_int_equal(lf_pg_place_parse(&parsed, "postgres:///log", &error), LF_OK);
	assert_false(parsed.unverified);
	lf_pg_place_clean_up(&parsed);
	assert_int_equal(lf_pg_place_parse(&parsed, "postgres:///log?service=there", &error), LF_OK);
	assert_true(parsed.unverified);
	lf_pg_place_clean_up(&parsed);
	snprintf(ports, sizeof(ports), "1,%d", server.port);
	setenv("PGHOST", "127.0.0.1,127.0.0.1", 1);
	setenv("PGPORT", ports, 1);
	assert_int_equal(lf_pg_place_parse(&parsed, "postgres:///log", &error), LF_OK);
	assert_int_equal(parsed.host_count, 2);
	assert_true(parsed.unverified);
	lf_pg_place_clean_up(&parsed);
	assert_int_equal(lf_pg_place_parse(&parsed, "postgres:///log?sslmode=verify-full", &error), LF_OK);
	assert_false(parsed.unverified);
	lf_pg_place_clean_up(&parsed);
	if (try_to_open("postgres:///log?user=postgres&sslmode=disable&leadfit_asynchronous=accept", &error) != LF_OK)
		fail_msg("%s", error.message);
	unsetenv("PGHOST");
	unsetenv("PGPORT");
}

/* By whatever way libpq got it. */
static void a_password_is_in_no_error(void **state)
{
	struct lf_error error = LF_ERROR_INIT;
	char sql[256], url[256];

	(void)state;
	postgres_run(&server, "postgres", "DROP ROLE IF EXISTS asked");
	postgres_run(&server, "postgres", "CREATE ROLE asked LOGIN PASSWORD 'another'");
	snprintf(sql, sizeof(sql),
		"COPY (SELECT 'host all asked 127.0.0.1/32 scram-sha-256' UNION ALL SELECT 'local all all trust'"
		" UNION ALL SELECT 'host all all 127.0.0.1/32 trust') TO '%s/data/pg_hba.conf'",
		server.folder);
	postgres_run(&server, "postgres", sql);
	postgres_run(&server, "postgres", "SELECT pg_reload_conf()");
	snprintf(url, sizeof(url), "postgres://asked@127.0.0.1:%d/log?sslmode=disable", server.port);
	assert_int_equal(
		setenv("PGPASSWORD", "asked", 1), 0); /* which the server's message repeats, as the role's name */
	do {                                          /* until the server has read it */
		const struct timespec ten_ms = {.tv_nsec = 10 * 1000 * 1000};

		lf_error_clean_up(&error);
		nanosleep(&ten_ms, NULL);
	} while (
		try_to_open(url, &error) != LF_UNAVAILABLE || strstr(error.message, "password authentication") == NULL);
	assert_int_equal(unsetenv("PGPASSWORD"), 0);
	assert_null(strstr(error.message, "asked"));
	lf_error_clean_up(&error);
}

/* ---- servers ---- */

static void set(const char *sql, const char *name, const char *value)
{
	const struct timespec ten_ms = {.tv_nsec = 10 * 1000 * 1000};
	char query[256];

	postgres_run(&server, "postgres", sql);
	postgres_run(&server, "postgres", "SELECT pg_reload_conf()");
	snprintf(query, sizeof(query), "SELECT count(*) FROM pg_settings WHERE name = '%s' AND setting = '%s'", name,
		value);
	while (postgres_number(&server, "postgres", query) == 0)
		nanosleep(&ten_ms, NULL);
}

static void a_server_that_would_lose_what_it_acknowledged_is_refused(void **state)
{
	char url[256];

	(void)state;
	snprintf(url, sizeof(url), "postgres:///log?host=%s&port=%d&user=postgres", server.folder, server.port);
	refused(url, LF_FAILED_PRECONDITION, "synchronous_standby_names");
	set("ALTER SYSTEM SET fsync = off", "fsync", "off");
	log_refused(LF_FAILED_PRECONDITION, "fsync");
	set("ALTER SYSTEM RESET fsync", "fsync", "on");
	set("ALTER SYSTEM SET full_page_writes = off", "full_page_writes", "off");
	log_refused(LF_FAILED_PRECONDITION, "full_page_writes");
	set("ALTER SYSTEM RESET full_page_writes", "full_page_writes", "on");
	log_opens();
}

static void a_database_of_another_encoding_is_refused(void **state)
{
	char url[256];

	(void)state;
	postgres_run(&server, "postgres", "DROP DATABASE IF EXISTS ascii");
	postgres_run(&server, "postgres", "CREATE DATABASE ascii ENCODING 'SQL_ASCII' TEMPLATE template0");
	postgres_url(&server, "ascii", url, sizeof(url));
	refused(url, LF_FAILED_PRECONDITION, "UTF8");
}

/* ---- schemas ---- */

static void a_database_without_the_schema_is_refused_and_left_as_it_is(void **state)
{
	char url[256];

	(void)state;
	postgres_url(&server, "postgres", url, sizeof(url));
	refused(url, LF_FAILED_PRECONDITION, "leadfitd init");
	assert_int_equal(
		postgres_number(&server, "postgres", "SELECT count(*) FROM pg_namespace WHERE nspname = 'leadfit'"), 0);
}

static void a_schema_is_made_once(void **state)
{
	const struct lf_postgres_roles nobody = {NULL, NULL}, strange = {"no such role", NULL};
	struct lf_error error = LF_ERROR_INIT;
	char url[256];

	(void)state;
	snprintf(url, sizeof(url), "postgres:///log?host=%s&port=%d&user=postgres", server.folder, server.port);
	assert_int_equal(lf_postgres_init(url, &nobody, &error), LF_ALREADY_EXISTS);
	lf_error_clean_up(&error);
	assert_int_equal(lf_postgres_init("postgres://u:secret@h/d", &nobody, &error), LF_INVALID_ARGUMENT);
	assert_null(strstr(error.message, "secret"));
	lf_error_clean_up(&error);
	/* Whole or not at all. */
	postgres_run(&server, "postgres", "DROP DATABASE IF EXISTS fresh");
	postgres_run(&server, "postgres", "CREATE DATABASE fresh TEMPLATE template0");
	snprintf(url, sizeof(url), "postgres:///fresh?host=%s&port=%d&user=postgres", server.folder, server.port);
	assert_int_equal(lf_postgres_init(url, &strange, &error), LF_UNAVAILABLE);
	lf_error_clean_up(&error);
	assert_int_equal(
		postgres_number(&server, "fresh", "SELECT count(*) FROM pg_namespace WHERE nspname = 'leadfit'"), 0);
	assert_int_equal(lf_postgres_init(url, &nobody, &error), LF_OK);
}

static void count(void *context, const char *what)
{
	(void)what;
	++*(size_t *)context;
}

/* Opened for verifying, and checked. */
static void log_is_verified(bool altered)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_store *store = NULL;
	struct lf_reader *reader = NULL;
	size_t findings = 0;
	char url[256];

	postgres_url(&server, "log", url, sizeof(url));
	if (lf_postgres_backend.open_read_only(&store, url, &error) != LF_OK ||
		lf_postgres_backend.open_reader(store, &reader, &error) != LF_OK ||
		lf_postgres_backend.check(reader, count, NULL, &findings, &error) != LF_OK)
		fail_msg("%s", error.message);
	assert_int_equal(findings > 0, altered);
	lf_postgres_backend.close_reader(reader);
	lf_postgres_backend.close(store);
}

static void a_schema_of_somebody_else_is_no_log(void **state)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_store *store = NULL;
	char url[256];

	(void)state;
	postgres_run(&server, "postgres", "DROP DATABASE IF EXISTS strange");
	postgres_run(&server, "postgres", "CREATE DATABASE strange TEMPLATE template0");
	postgres_run(&server, "strange", "CREATE SCHEMA leadfit; CREATE TABLE leadfit.about(x integer)");
	postgres_url(&server, "strange", url, sizeof(url));
	refused(url, LF_FAILED_PRECONDITION, "no log");
	assert_int_equal(lf_postgres_backend.open_read_only(&store, url, &error), LF_INVALID_ARGUMENT);
	lf_error_clean_up(&error);
}

/* What is gone from under a log is no answer to what was asked. */
static void a_schema_that_was_dropped_is_not_a_decision_that_is_not_found(void **state)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_rubric_row *rubric = NULL;
	struct lf_stored *stored = NULL;
	struct work work;
	struct lf_log *log;
	char url[256];

	(void)state;
	postgres_run(&server, "postgres", "DROP DATABASE IF EXISTS dropped");
	postgres_run(&server, "postgres", "CREATE DATABASE dropped TEMPLATE empty_log");
	postgres_url(&server, "dropped", url, sizeof(url));
	log = log_open(&lf_postgres_backend, url);
	rubric_put(log);
	work_init(&work, 1, 1, 1);
	assert_int_equal(work_run(log, &work), LF_OK);
	postgres_run(&server, "dropped", "DROP SCHEMA leadfit CASCADE");
	for (int i = 0; i < 8; i++) { /* by readers that are connected, and by others */
		assert_int_equal(lf_log_get(log, &work.append.id, &stored, &error), LF_UNAVAILABLE);
		lf_error_clean_up(&error);
		assert_int_equal(lf_log_get_rubric(log, RUBRIC_NAME, NULL, &rubric, &error), LF_UNAVAILABLE);
		lf_error_clean_up(&error);
	}
	work_init(&work, 1, 1, 2);
	assert_int_equal(work_run(log, &work), LF_UNAVAILABLE);
	lf_log_close(log);
}

static void an_altered_schema_is_refused(void **state)
{
	static const char *const alterations[][2] = {
		{"CREATE FUNCTION public.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
		 "CREATE TRIGGER t BEFORE INSERT ON leadfit.decision FOR EACH ROW EXECUTE FUNCTION public.f()",
			"DROP FUNCTION public.f() CASCADE"},
		{"CREATE RULE r AS ON INSERT TO leadfit.leaf DO INSTEAD NOTHING", "DROP RULE r ON leadfit.leaf"},
		{"ALTER TABLE leadfit.act ENABLE ROW LEVEL SECURITY",
			"ALTER TABLE leadfit.act DISABLE ROW LEVEL SECURITY"},
		{"ALTER TABLE leadfit.payload SET UNLOGGED", "ALTER TABLE leadfit.payload SET LOGGED"},
		{"CREATE TABLE leadfit.more(x integer)", "DROP TABLE leadfit.more"},
		{"CREATE VIEW leadfit.seen AS SELECT 1 AS x", "DROP VIEW leadfit.seen"},
		{"ALTER INDEX leadfit.act_by_kind RENAME TO other", "ALTER INDEX leadfit.other RENAME TO act_by_kind"},
		{"ALTER TABLE leadfit.head DROP CONSTRAINT head_check",
			"ALTER TABLE leadfit.head ADD CHECK (size > previous)"},
		{"ALTER TABLE leadfit.rubric ALTER title DROP NOT NULL",
			"ALTER TABLE leadfit.rubric ALTER title SET NOT NULL"},
		{"ALTER TABLE leadfit.rubric ALTER title TYPE text COLLATE \"POSIX\"",
			"ALTER TABLE leadfit.rubric ALTER title TYPE text COLLATE \"C\""},
		{"ALTER TABLE leadfit.decision ALTER outcome SET DEFAULT 1",
			"ALTER TABLE leadfit.decision ALTER outcome DROP DEFAULT"},
		{"CREATE TABLE public.heir() INHERITS (leadfit.leaf)", "DROP TABLE public.heir"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(alterations) / sizeof(alterations[0]); i++) {
		postgres_run(&server, "log", alterations[i][0]);
		log_refused(LF_FAILED_PRECONDITION, "not as it was made");
		log_is_verified(true); /* what is damaged is just what must be verified */
		postgres_run(&server, "log", alterations[i][1]);
		if (i != 11) /* a table that had heirs says so until it is vacuumed */
			log_opens();
	}
	postgres_run(&server, "log", "ANALYZE leadfit.leaf");
	postgres_run(&server, "log", "UPDATE leadfit.about SET schema = 2");
	log_refused(LF_FAILED_PRECONDITION, "schema 2");
	postgres_run(&server, "log", "UPDATE leadfit.about SET schema = 1");
	log_opens();
	log_is_verified(false);
}

/* ---- roles ---- */

static void url_of_role(const char *role, char *url, size_t size)
{
	snprintf(url, size, "postgres:///log?host=%s&port=%d&user=%s&leadfit_asynchronous=accept", server.folder,
		server.port, role);
}

static bool may(const char *role, const char *what, const char *table)
{
	char sql[256];

	snprintf(sql, sizeof(sql), "SELECT has_table_privilege('%s', 'leadfit.%s', '%s')::integer", role, table, what);
	return postgres_number(&server, "log", sql) != 0;
}

enum { BESIDE = 300 };

static void a_service_appends_by_select_and_insert_alone_and_a_keeper_erases(void **state)
{
	static const char *const tables[] = {"about", "head", "name", "list", "member", "payload", "rubric",
		"activation", "decision", "request_key", "leaf", "node", "act", "redaction"};
	struct lf_redact_item item = {.what = LF_REDACT_PAYLOAD, .id = 1, .bytes = {(const uint8_t *)"x", 1}};
	struct lf_redact redaction = {.kind = LF_LEAF_ERASURE,
		.caller = "admin",
		.body = bytes_of("because"),
		.items = &item,
		.item_count = 1};
	struct lf_error error = LF_ERROR_INIT;
	struct lf_stored *stored = NULL;
	static struct work beside[BESIDE];
	struct lf_log *log;
	struct whole whole;
	struct work work;
	char url[256];

	(void)state;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		assert_false(may("leadfit_service", "UPDATE", tables[i]) ||
			may("leadfit_service", "DELETE", tables[i]) || may("leadfit_service", "TRUNCATE", tables[i]) ||
			may("leadfit_service", "TRIGGER", tables[i]));
	assert_false(may("leadfit_keeper", "UPDATE", "leaf") || may("leadfit_keeper", "DELETE", "leaf") ||
		may("leadfit_keeper", "UPDATE", "head") || may("leadfit_keeper", "DELETE", "decision"));
	url_of_role("leadfit_service", url, sizeof(url));
	log = log_open(&lf_postgres_backend, url);
	rubric_put(log);
	for (int i = 0; i < 3; i++) {
		work_init(&work, i, i, i);
		assert_int_equal(work_run(log, &work), LF_OK);
	}
	assert_int_equal(lf_log_get(log, &work.append.id, &stored, NULL), LF_OK);
	item.id = stored->team_payload;
	free(stored);
	/* It alone is refused: not what others put into the same batch, and the log stays ready. */
	for (size_t i = 0; i < BESIDE; i++) {
		work_init(&beside[i], 4, 4, 0);
		lf_log_append(log, &beside[i].append);
	}
	assert_int_equal(lf_log_redact(log, &redaction, &error), LF_FAILED_PRECONDITION);
	assert_non_null(strstr(error.message, "may not erase"));
	lf_error_clean_up(&error);
	assert_true(lf_log_ready(log));
	for (size_t i = 0; i < BESIDE; i++) {
		work_wait(&beside[i]);
		assert_int_equal(beside[i].code, LF_OK);
	}
	work_init(&work, 9, 9, 9); /* and the log goes on */
	assert_int_equal(work_run(log, &work), LF_OK);
	log_is_whole(log, &whole);
	lf_log_close(log);
	url_of_role("leadfit_keeper", url, sizeof(url));
	log = log_open(&lf_postgres_backend, url);
	if (lf_log_redact(log, &redaction, &error) != LF_OK)
		fail_msg("%s", error.message);
	log_is_whole(log, &whole);
	lf_log_close(log);
}

/* Else a log that can't write would be ready again each second. */
static void a_probe_says_that_records_can_not_be_added(void **state)
{
	struct lf_log_options own = {.location = NULL};
	struct lf_error error = LF_ERROR_INIT;
	struct lf_store *store = NULL;
	char url[256];

	(void)state;
	url_of_role("leadfit_service", url, sizeof(url));
	own.location = url;
	if (lf_postgres_backend.open(&store, &own, &error) != LF_OK ||
		lf_postgres_backend.probe(store, &error) != LF_OK)
		fail_msg("%s", error.message);
	postgres_run(&server, "log", "REVOKE INSERT ON leadfit.leaf FROM leadfit_service");
	assert_int_equal(lf_postgres_backend.probe(store, &error), LF_UNAVAILABLE);
	assert_non_null(strstr(error.message, "may be added"));
	lf_error_clean_up(&error);
	postgres_run(&server, "log", "GRANT INSERT ON leadfit.leaf TO leadfit_service");
	assert_int_equal(lf_postgres_backend.probe(store, &error), LF_OK);
	lf_postgres_backend.close(store);
}

static void a_role_that_may_nothing_is_refused(void **state)
{
	char url[256];

	(void)state;
	postgres_run(&server, "postgres", "DROP ROLE IF EXISTS stranger");
	postgres_run(&server, "postgres", "CREATE ROLE stranger LOGIN");
	url_of_role("stranger", url, sizeof(url));
	refused(url, LF_UNAVAILABLE, "permission denied");
	postgres_run(&server, "log",
		"GRANT USAGE ON SCHEMA leadfit TO stranger; GRANT SELECT ON ALL TABLES IN SCHEMA leadfit TO stranger");
	refused(url, LF_FAILED_PRECONDITION, "may not add records");
	postgres_run(&server, "log",
		"REVOKE ALL ON ALL TABLES IN SCHEMA leadfit FROM stranger; REVOKE ALL ON SCHEMA leadfit FROM stranger");
}

/* ---- the check of what is derived ---- */

/* A log with some of everything. */
static struct lf_log *open_some_log(void)
{
	struct lf_redact_item item = {.what = LF_REDACT_DECISION, .id = 3, .recommended = ""};
	struct lf_redact redaction = {.kind = LF_LEAF_PRUNING,
		.caller = "admin",
		.body = bytes_of("because"),
		.items = &item,
		.item_count = 1};
	struct lf_act_put act = {.kind = LF_LEAF_OUTCOME, .caller = "eve", .body = bytes_of("x")};
	struct work work;
	struct lf_log *log;
	char url[256];

	postgres_url(&server, "log", url, sizeof(url));
	log = log_open(&lf_postgres_backend, url);
	rubric_put(log);
	for (int i = 1; i <= 5; i++) {
		work_init(&work, i, i, i);
		assert_int_equal(work_run(log, &work), LF_OK);
	}
	act.decision = &work.append.id;
	assert_int_equal(lf_log_put_act(log, &act, NULL), LF_OK);
	assert_int_equal(lf_log_redact(log, &redaction, NULL), LF_OK);
	return log;
}

struct findings {
	size_t count;
	char text[2048];
};

static void note(void *context, const char *what)
{
	struct findings *findings = context;
	const size_t length = strlen(findings->text);

	findings->count++;
	snprintf(findings->text + length, sizeof(findings->text) - length, "%s\n", what);
}

static bool never(void *context)
{
	(void)context;
	return false;
}

static void what_is_derived_is_checked(void **state)
{
	static const char *const alterations[][2] = {
		{"DELETE FROM leadfit.request_key WHERE sequence = 2", "key of decision 2 is missing"},
		{"INSERT INTO leadfit.request_key SELECT caller, 'more', 2 FROM leadfit.request_key WHERE sequence = 2",
			"said to be that of decision 2"},
		{"INSERT INTO leadfit.request_key SELECT caller, 'more', 3 FROM leadfit.request_key WHERE sequence = 2",
			"said to be that of decision 3"},
		{"UPDATE leadfit.decision SET position = position + 1 WHERE sequence = 4", "decision 4 has no leaf"},
		{"UPDATE leadfit.act SET position = 0 WHERE id = 1", "act 1 has no leaf"},
		{"INSERT INTO leadfit.act SELECT 9, kind, at, caller, decision, position, salt, body, pairs FROM "
		 "leadfit.act"
		 " WHERE id = 1",
			"act 9 has no leaf"},
		{"DELETE FROM leadfit.decision WHERE sequence = 5", "the record of leaf 6"},
		{"DELETE FROM leadfit.leaf WHERE position = 3", "decision 2 has no leaf"},
		{"INSERT INTO leadfit.leaf SELECT 90, kind, record, hash FROM leadfit.leaf WHERE position = 3",
			"leaf 90 is behind the head"},
		{"UPDATE leadfit.rubric SET position = 7", "the rubric that is payload 1 has no leaf"},
		{"DELETE FROM leadfit.activation", "the record of leaf 1"},
		{"DELETE FROM leadfit.head WHERE previous = (SELECT previous FROM leadfit.head ORDER BY previous "
		 "OFFSET 2 LIMIT 1)",
			"does not continue"},
		{"DELETE FROM leadfit.head WHERE previous = 0", "does not continue"},
		{"DELETE FROM leadfit.member WHERE list = (SELECT max(list) FROM leadfit.member)",
			"list of candidates"},
		{"INSERT INTO leadfit.member VALUES(1, 12345)", "list of candidates 12345, which is not there"},
		{"INSERT INTO leadfit.name VALUES(777, 2, 'stray')", "no record has name 777"},
		{"INSERT INTO leadfit.payload SELECT 555, 3, 'x', salt, body FROM leadfit.payload WHERE id = 1",
			"no rubric has payload 555"},
	};

	(void)state;
	for (size_t i = 0; i <= sizeof(alterations) / sizeof(alterations[0]); i++) {
		struct findings findings = {0};
		struct lf_error error = LF_ERROR_INIT;
		struct lf_log *log;

		postgres_reset(&server, "log");
		log = open_some_log();
		if (i > 0)
			postgres_run(&server, "log", alterations[i - 1][0]);
		if (lf_log_check(log, note, NULL, &findings, &error) != LF_OK)
			fail_msg("%s", error.message);
		if (i == 0 ? findings.count != 0 : strstr(findings.text, alterations[i - 1][1]) == NULL)
			fail_msg("%s: %zu findings\n%s", i > 0 ? alterations[i - 1][0] : "as it was", findings.count,
				findings.text);
		assert_int_equal(lf_log_check(log, note, never, &findings, NULL), LF_CANCELLED);
		lf_log_close(log);
	}
}

/* More of one kind than one statement tells. */
static void every_finding_is_told(void **state)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_log *log = open_some_log();
	size_t findings = 0;

	(void)state;
	postgres_run(&server, "log",
		"INSERT INTO leadfit.name SELECT 1000 + n, 2, 'stray ' || n FROM generate_series(1, 350) n");
	if (lf_log_check(log, count, NULL, &findings, &error) != LF_OK)
		fail_msg("%s", error.message);
	assert_int_equal(findings, 350);
	lf_log_close(log);
}

int main(int argc, char **argv)
{
#define CLAIM(claim) cmocka_unit_test_setup(claim, set_up)
	const struct CMUnitTest claims[] = {
		CLAIM(what_is_no_url_is_refused_and_not_repeated),
		CLAIM(a_server_that_does_not_answer_is_unavailable),
		CLAIM(another_host_is_tried),
		CLAIM(hosts_of_the_environment_are_taken_apart),
		CLAIM(a_server_that_would_lose_what_it_acknowledged_is_refused),
		CLAIM(a_database_of_another_encoding_is_refused),
		CLAIM(a_database_without_the_schema_is_refused_and_left_as_it_is),
		CLAIM(a_schema_is_made_once),
		CLAIM(an_altered_schema_is_refused),
		CLAIM(a_schema_of_somebody_else_is_no_log),
		CLAIM(a_schema_that_was_dropped_is_not_a_decision_that_is_not_found),
		CLAIM(a_service_appends_by_select_and_insert_alone_and_a_keeper_erases),
		CLAIM(a_probe_says_that_records_can_not_be_added),
		CLAIM(a_role_that_may_nothing_is_refused),
		CLAIM(what_is_derived_is_checked),
		CLAIM(every_finding_is_told),
		CLAIM(a_password_is_in_no_error),
	};
	int failed;

	if (!postgres_server_make(&server, NULL)) {
		fprintf(stderr, "skipped: no PostgreSQL server is installed\n");
		return 77;
	}
	if (argc > 1) /* one of them alone */
		cmocka_set_test_filter(argv[1]);
	failed = cmocka_run_group_tests_name("postgres open", claims, NULL, NULL);
	postgres_server_remove(&server);
	return failed;
}
