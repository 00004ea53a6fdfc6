/*
 * What is read of a log in PostgreSQL, and by which plans; what is erased beside it. Skipped where no server is installed.
 */
#include "storage/log/private.h"
#include "storage/postgres/postgres.h"
#include "storage/postgres/store.h"
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

static struct lf_log *open_log(void)
{
	char url[256];

	postgres_url(&server, "log", url, sizeof(url));
	return log_open(&lf_postgres_backend, url);
}

/* ---- an erasure between the rows of a page and their bytes ---- */

struct reading {
	struct lf_log *log;
	struct lf_redact *redaction; /* NULL: done */
	int rows;
};

/* Called between the two round trips. */
static bool erase_now(void *context, enum lf_payload_kind kind, uint64_t payload)
{
	struct reading *reading = context;
	struct lf_error error = LF_ERROR_INIT;

	(void)kind;
	(void)payload;
	if (reading->redaction != NULL && lf_log_redact(reading->log, reading->redaction, &error) != LF_OK)
		fail_msg("%s", error.message);
	reading->redaction = NULL;
	return false;
}

/* The row is as it was before, or as it is after. */
static bool look_at_row(void *context, const struct lf_stored *row)
{
	struct reading *reading = context;
	const bool before = row->answer.length > 1;

	if (row->sequence == 2)
		assert_true(before == (row->recommended[0] != '\0'));
	reading->rows++;
	return true;
}

static void a_page_is_from_before_an_erasure_or_from_after(void **state)
{
	struct lf_redact_item item = {
		.what = LF_REDACT_DECISION, .id = 2, .recommended = "", .bytes = {(const uint8_t *)"x", 1}};
	struct lf_redact redaction = {.kind = LF_LEAF_ERASURE,
		.caller = "admin",
		.body = bytes_of("because"),
		.items = &item,
		.item_count = 1};
	struct reading reading = {NULL, &redaction, 0};
	struct lf_scan scan = {
		.limit = 10, .since_us = INT64_MIN, .until_us = INT64_MAX, .payloads = true, .knows = erase_now};
	struct lf_error error = LF_ERROR_INIT;
	struct work work;
	uint64_t next;

	(void)state;
	reading.log = open_log();
	rubric_put(reading.log);
	for (int i = 1; i <= 3; i++) {
		work_init(&work, i, i, i);
		assert_int_equal(work_run(reading.log, &work), LF_OK);
	}
	if (lf_log_scan(reading.log, &scan, look_at_row, &reading, &next, &error) != LF_OK)
		fail_msg("%s", error.message);
	assert_int_equal(reading.rows, 3);
	assert_null(reading.redaction);
	lf_log_close(reading.log);
}

/* ---- memory ---- */

static const char MARKER[] = "the erased one";
static bool found;

static void look_for_marker(struct lf_pg_array *array)
{
	found |= array->data != NULL && memmem(array->data, array->size, MARKER, sizeof(MARKER) - 1) != NULL;
}

static bool writer_remembers(struct lf_log *log)
{
	found = false;
	lf_pg_visit_arrays(log->store, look_for_marker);
	return found;
}

/* The writers rest when this looks at them. */
static void what_was_erased_is_in_no_writers_memory(void **state)
{
	struct lf_redact_item item = {
		.what = LF_REDACT_DECISION, .id = 1, .recommended = "", .bytes = {(const uint8_t *)"x", 1}};
	struct lf_redact redaction = {.kind = LF_LEAF_ERASURE,
		.caller = "admin",
		.body = bytes_of("because"),
		.items = &item,
		.item_count = 1};
	struct lf_log *logs[2] = {open_log(), open_log()};
	struct lf_error error = LF_ERROR_INIT;
	uint64_t connects[2];
	struct work work;

	(void)state;
	rubric_put(logs[0]);
	for (int i = 0; i < 2; i++) {
		work_init(&work, 1, 1, 0);
		snprintf(work.answer, sizeof(work.answer), "%s %s", "long before it and then", MARKER);
		work.append.answer = bytes_of(work.answer);
		assert_int_equal(work_run(logs[i], &work), LF_OK);
		connects[i] = logs[i]->store->writer->connects;
		assert_true(writer_remembers(logs[i]));
	}
	if (lf_log_redact(logs[0], &redaction, &error) != LF_OK)
		fail_msg("%s", error.message);
	for (int i = 0; i < 3; i++) { /* then on another connection */
		work_init(&work, 1, 1, 0);
		assert_int_equal(work_run(logs[i % 2], &work), LF_OK);
	}
	work_init(&work, 1, 1, 0);
	assert_int_equal(work_run(logs[1], &work), LF_OK);
	for (int i = 0; i < 2; i++) {
		assert_false(writer_remembers(logs[i]));
		assert_int_equal(logs[i]->store->writer->connects, connects[i] + 1);
		lf_log_close(logs[i]);
	}
}

/* ---- pages of megabytes ---- */

static void count_payload(void *context, const struct lf_payload_row *row)
{
	(void)row;
	++*(int *)context;
}

static void count_act(void *context, const struct lf_act_row *row)
{
	(void)row;
	++*(int *)context;
}

static void count_leaf(void *context, const struct lf_audit_row *row)
{
	(void)row;
	++*(int *)context;
}

/* Three of 5 MiB each: two in one answer, and the third in the next. */
static void a_page_ends_where_its_bytes_become_many(void **state)
{
	struct lf_act_put act = {.kind = LF_LEAF_OUTCOME, .caller = "eve", .body = bytes_of("x")};
	struct lf_log *log = open_log();
	struct work work;
	uint64_t next = 0;
	int rows = 0;

	(void)state;
	rubric_put(log);
	for (int i = 1; i <= 3; i++) {
		work_init(&work, i, i, 0);
		assert_int_equal(work_run(log, &work), LF_OK);
		act.decision = &work.append.id;
		assert_int_equal(lf_log_put_act(log, &act, NULL), LF_OK);
	}
	postgres_run(&server, "log", "UPDATE leadfit.payload SET body = convert_to(repeat('x', 5242880), 'UTF8')");
	postgres_run(&server, "log", "UPDATE leadfit.act SET body = convert_to(repeat('x', 5242880), 'UTF8')");
	for (int page = 0; page < 2; page++) {
		assert_int_equal(
			lf_log_list_payloads(log, LF_PAYLOAD_TEAM, next, 10, count_payload, &rows, &next, NULL), LF_OK);
		assert_int_equal(rows, 2 + page);
		assert_true((next != 0) == (page == 0));
	}
	rows = 0;
	for (int page = 0; page < 2; page++) {
		assert_int_equal(lf_log_list_acts(log, 0, NULL, next, 10, count_act, &rows, &next, NULL), LF_OK);
		assert_int_equal(rows, 2 + page);
		assert_true((next != 0) == (page == 0));
	}
	rows = 0;
	assert_int_equal(lf_log_audit(log, 0, 10, count_leaf, &rows, &next, NULL), LF_OK);
	assert_in_range(rows, 2, 7); /* the third act is the last of 8 leaves */
	assert_int_equal(next, rows);
	assert_int_equal(lf_log_audit(log, next, 10, count_leaf, &rows, &next, NULL), LF_OK);
	assert_int_equal(rows, 8);
	assert_int_equal(next, 0);
	lf_log_close(log);
}

/* ---- plans ---- */

/* Most decisions are of one team and one project, and few of the others: as the planner would have it. */
static void skew(void)
{
	postgres_run(&server, "log",
		"INSERT INTO leadfit.decision SELECT n, gen_random_uuid(), 1000 + n, d.decided_at, outcome, purpose, "
		"caller,"
		" rubric, recommended, team, project, candidates, team_payload, project_payload, NULL, salt, answer"
		" FROM leadfit.decision d, generate_series(10, 20000) n WHERE d.sequence = 1; ANALYZE "
		"leadfit.decision");
}

static void read_plan(struct lf_reader *reader, const char *name, char *plan, size_t size)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_pg_statement statement = {NULL, NULL};
	char sql[300], prepared[80];
	PGresult *result;
	size_t length = 0;

	snprintf(sql, sizeof(sql),
		"EXPLAIN (COSTS off) EXECUTE %s(9000000000000000000, 8192, 50, 0, false, '', 'team-2', 'project-2', '',"
		" -9223372036854775808, 9223372036854775807)",
		name);
	snprintf(prepared, sizeof(prepared), "explain_%s", name);
	statement.name = prepared;
	statement.sql = sql;
	if (lf_pg_run(&reader->pg, &statement, NULL, &result, "explaining", &error) != LF_OK)
		fail_msg("%s", error.message);
	plan[0] = '\0';
	for (int row = 0; row < PQntuples(result) && length < size; row++)
		length += (size_t)snprintf(plan + length, size - length, "%s\n", PQgetvalue(result, row, 0));
	PQclear(result);
	reader->pg.prepared_count--; /* the statement goes with this call */
}

static void a_page_is_read_along_the_index_of_what_is_asked_for(void **state)
{
	static const char *const leads[] = {"team", "project"};
	struct lf_error error = LF_ERROR_INIT;
	struct lf_reader *reader = NULL;
	struct listed listed = {0};
	struct lf_log *log = open_log();
	struct work work;

	(void)state;
	rubric_put(log);
	for (int i = 1; i <= 2; i++) {
		work_init(&work, i, i, 0);
		assert_int_equal(work_run(log, &work), LF_OK);
	}
	skew();
	assert_int_equal(lf_postgres_backend.open_reader(log->store, &reader, &error), LF_OK);
	for (int lead = 0; lead < 2; lead++) {
		struct lf_filter filter = filter_any();
		char name[64], plan[16384], index[64];
		uint64_t next;

		filter.limit = 50;
		if (lead == 0)
			filter.team_id = work.append.team_id;
		else
			filter.project_id = work.append.project_id;
		if (lf_postgres_backend.list(reader, &filter, listed_visit, &listed, &next, &error) != LF_OK)
			fail_msg("%s", error.message);
		assert_int_equal(listed.count, lead + 1);
		snprintf(name, sizeof(name), "page_%s_down", leads[lead]);
		snprintf(index, sizeof(index), "decision_by_%s on decision", leads[lead]);
		read_plan(reader, name, plan, sizeof(plan));
		if (strstr(plan, index) == NULL || strstr(plan, "Filter: (team") != NULL ||
			strstr(plan, "Filter: (project") != NULL)
			fail_msg("%s", plan);
	}
	lf_postgres_backend.close_reader(reader);
	lf_log_close(log);
}

int main(int argc, char **argv)
{
#define CLAIM(claim) cmocka_unit_test_setup(claim, set_up)
	const struct CMUnitTest claims[] = {
		CLAIM(a_page_is_from_before_an_erasure_or_from_after),
		CLAIM(what_was_erased_is_in_no_writers_memory),
		CLAIM(a_page_ends_where_its_bytes_become_many),
		CLAIM(a_page_is_read_along_the_index_of_what_is_asked_for),
	};
	int failed;

	if (argc > 1) /* one of them alone */
		cmocka_set_test_filter(argv[1]);
	if (!postgres_server_make(&server, NULL)) {
		fprintf(stderr, "skipped: no PostgreSQL server is installed\n");
		return 77;
	}
	failed = cmocka_run_group_tests_name("postgres reads", claims, NULL, NULL);
	postgres_server_remove(&server);
	return failed;
}
