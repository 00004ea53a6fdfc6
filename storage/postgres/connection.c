#include "storage/postgres/connection.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "proto/base/check.h"
#include "proto/base/clock.h"

void lf_pg_init(struct lf_pg *pg, const struct lf_pg_place *place, enum lf_pg_use use)
{
	memset(pg, 0, sizeof(*pg));
	pg->place = place;
	pg->use = use;
	pg->answer_ms = LF_PG_ANSWER_MS;
}

void lf_pg_close(struct lf_pg *pg)
{
	PQfinish(pg->conn); /* of a nonblocking connection: it says goodbye where the socket takes that */
	pg->conn = NULL;
	pg->prepared_count = 0;
	pg->expected_first = pg->expected_count = 0;
	pg->send_failed = false;
}

enum lf_code lf_pg_lose(struct lf_pg *pg, const char *doing, const char *why, struct lf_error *error)
{
	char place[256], text[300];

	lf_pg_place_print(pg->place, pg->host, place, sizeof(place));
	if (why == NULL)
		lf_pg_connection_text(pg->conn, text, sizeof(text));
	else
		snprintf(text, sizeof(text), "%s", why);
	lf_pg_close(pg);
	pg->lost = true;
	return lf_error_set(error, LF_UNAVAILABLE, "%s: PostgreSQL at %s: %s", doing, place, text);
}

/* ---- waiting ---- */

enum lf_pg_waited lf_pg_wait(PGconn *conn, short events, uint64_t deadline_ms)
{
	struct pollfd poll_fd = {.fd = PQsocket(conn), .events = events};

	for (;;) {
		const uint64_t now_ms = lf_clock_ms();
		int ready;

		if (now_ms >= deadline_ms)
			return LF_PG_WAITED_TOO_LONG;
		if (poll_fd.fd < 0)
			return LF_PG_WAITED_LOST;
		ready = poll(&poll_fd, 1, (int)(deadline_ms - now_ms));
		if (ready > 0)
			return LF_PG_WAITED;
		if (ready < 0 && errno != EINTR)
			return LF_PG_WAITED_LOST;
	}
}

/* Sends and receives until an answer can be had without waiting. */
static enum lf_pg_waited wait_for_answer(struct lf_pg *pg, uint64_t deadline_ms)
{
	while (PQisBusy(pg->conn)) {
		const int left = PQflush(pg->conn);
		enum lf_pg_waited waited;

		if (left < 0)
			return LF_PG_WAITED_LOST;
		waited = lf_pg_wait(pg->conn, (short)(left > 0 ? POLLIN | POLLOUT : POLLIN), deadline_ms);
		if (waited != LF_PG_WAITED)
			return waited;
		/*
		 * What TLS has decrypted and libpq had no room for is not seen by poll(): at most one record of 16 KiB, of
		 * which each call takes 8 KiB or more.
		 */
		for (int reads = PQsslInUse(pg->conn) ? 3 : 1; reads > 0 && PQisBusy(pg->conn); reads--)
			if (PQconsumeInput(pg->conn) == 0)
				return LF_PG_WAITED_LOST;
	}
	return LF_PG_WAITED;
}

static enum lf_code get_result(
	struct lf_pg *pg, uint64_t deadline_ms, PGresult **result, const char *doing, struct lf_error *error)
{
	char text[64];

	*result = NULL;
	switch (wait_for_answer(pg, deadline_ms)) {
	case LF_PG_WAITED:
		*result = PQgetResult(pg->conn);
		return LF_OK;
	case LF_PG_WAITED_TOO_LONG:
		snprintf(text, sizeof(text), "no answer within %u ms", pg->answer_ms);
		pg->late = true;
		return lf_pg_lose(pg, doing, text, error);
	default:
		return lf_pg_lose(pg, doing, NULL, error);
	}
}

/* ---- sending ---- */

static void expect(struct lf_pg *pg, enum lf_pg_answer what, const struct lf_pg_statement *statement)
{
	LF_CHECK(G1, pg->expected_first + pg->expected_count < LF_PG_EXPECTED_MAX);
	pg->expected[pg->expected_first + pg->expected_count].what = what;
	pg->expected[pg->expected_first + pg->expected_count++].statement = statement;
}

static bool is_prepared(const struct lf_pg *pg, const struct lf_pg_statement *statement)
{
	for (size_t i = 0; i < pg->prepared_count; i++)
		if (pg->prepared[i] == statement)
			return true;
	return false;
}

/* Whether the group has it already. */
static bool is_being_prepared(const struct lf_pg *pg, const struct lf_pg_statement *statement)
{
	for (size_t i = 0; i < pg->expected_count; i++)
		if (pg->expected[pg->expected_first + i].what == LF_PG_A_PREPARE &&
			pg->expected[pg->expected_first + i].statement == statement)
			return true;
	return false;
}

void lf_pg_send(struct lf_pg *pg, const struct lf_pg_statement *statement, const struct lf_pg_parameters *parameters)
{
	static const struct lf_pg_parameters none = {.count = 0};
	int formats[LF_PG_PARAMETERS_MAX];

	if (pg->conn == NULL || pg->send_failed)
		return;
	if (parameters == NULL)
		parameters = &none;
	for (int i = 0; i < parameters->count; i++)
		formats[i] = 1;
	if (!is_prepared(pg, statement) && !is_being_prepared(pg, statement)) {
		LF_CHECK(G1, pg->prepared_count < LF_PG_EXPECTED_MAX);
		if (PQsendPrepare(pg->conn, statement->name, statement->sql, 0, NULL) == 0) {
			pg->send_failed = true;
			return;
		}
		expect(pg, LF_PG_A_PREPARE, statement);
	}
	if (PQsendQueryPrepared(pg->conn, statement->name, parameters->count, parameters->values, parameters->lengths,
		    formats, 1) == 0)
		pg->send_failed = true;
	else
		expect(pg, LF_PG_A_QUERY, statement);
}

void lf_pg_wait_anew(struct lf_pg *pg)
{
	pg->deadline_ms = lf_clock_ms() + pg->answer_ms;
}

void lf_pg_sync(struct lf_pg *pg)
{
	lf_pg_wait_anew(pg);
	if (pg->conn == NULL || pg->send_failed)
		return;
	if (PQpipelineSync(pg->conn) == 0)
		pg->send_failed = true;
	else
		expect(pg, LF_PG_A_SYNC, NULL);
}

/* ---- receiving ---- */

/* The next answer of any kind: the NULL that ends a statement's is taken with it. */
static enum lf_code take(struct lf_pg *pg, PGresult **result, const char *doing, struct lf_error *error)
{
	PGresult *end = NULL;

	if (get_result(pg, pg->deadline_ms, result, doing, error) != LF_OK)
		return error->code;
	if (*result == NULL)
		return lf_pg_lose(pg, doing, "an answer is missing", error);
	if (pg->expected[pg->expected_first].what != LF_PG_A_SYNC) {
		if (get_result(pg, pg->deadline_ms, &end, doing, error) != LF_OK) {
			PQclear(*result);
			return error->code;
		}
		if (end != NULL) {
			PQclear(end);
			PQclear(*result);
			return lf_pg_lose(pg, doing, "an answer too many", error);
		}
	}
	pg->expected_first++;
	pg->expected_count--;
	if (pg->expected_count == 0)
		pg->expected_first = 0;
	return LF_OK;
}

/* The rest of the group, whatever it says. */
static void drop_group(struct lf_pg *pg, const char *doing)
{
	bool ended = false;

	while (pg->expected_count > 0 && !ended) {
		struct lf_error ignored = LF_ERROR_INIT;
		PGresult *result;
		const bool end = pg->expected[pg->expected_first].what == LF_PG_A_SYNC;
		const struct lf_pg_statement *prepared = pg->expected[pg->expected_first].what == LF_PG_A_PREPARE
			? pg->expected[pg->expected_first].statement
			: NULL;
		const enum lf_code code = take(pg, &result, doing, &ignored);

		lf_error_clean_up(&ignored);
		if (code != LF_OK) /* closed */
			return;
		if (prepared != NULL && PQresultStatus(result) == PGRES_COMMAND_OK)
			pg->prepared[pg->prepared_count++] = prepared;
		PQclear(result);
		ended = end;
	}
}

void lf_pg_drain(struct lf_pg *pg)
{
	lf_pg_wait_anew(pg);
	if (pg->conn != NULL && pg->expected_count > 0 &&
		pg->expected[pg->expected_first + pg->expected_count - 1].what != LF_PG_A_SYNC)
		lf_pg_sync(pg);
	if (pg->conn != NULL && pg->send_failed)
		lf_pg_close(pg);
	while (pg->conn != NULL && pg->expected_count > 0)
		drop_group(pg, "rolling back");
}

/* An answer that is an error: what follows in the group was not run, and is received and dropped. */
static enum lf_code fail_group(struct lf_pg *pg, const PGresult *failed, const char *doing, struct lf_error *error)
{
	const bool ends = lf_pg_ends_session(PQresultErrorField(failed, PG_DIAG_SQLSTATE),
		PQresultErrorField(failed, PG_DIAG_SEVERITY_NONLOCALIZED));

	if (PQresultErrorField(failed, PG_DIAG_SQLSTATE) == NULL) /* libpq's own: the server has closed it, say */
		return lf_pg_lose(pg, doing, NULL, error);
	lf_pg_result_error(failed, doing, error);
	if (ends || PQstatus(pg->conn) == CONNECTION_BAD) {
		lf_pg_close(pg);
		pg->lost = true;
		return error->code;
	}
	drop_group(pg, doing);
	return error->code;
}

static enum lf_code receive(
	struct lf_pg *pg, PGresult **result, enum lf_pg_answer what, const char *doing, struct lf_error *error)
{
	for (;;) {
		PGresult *got;
		ExecStatusType status;
		enum lf_pg_answer expected;
		const struct lf_pg_statement *statement;

		if (pg->conn == NULL)
			return lf_error_set(error, LF_UNAVAILABLE, "%s: there is no connection to PostgreSQL", doing);
		if (pg->send_failed)
			return lf_pg_lose(pg, doing, NULL, error);
		LF_CHECK(G1, pg->expected_count > 0);
		expected = pg->expected[pg->expected_first].what;
		statement = pg->expected[pg->expected_first].statement;
		LF_CHECK(G1, expected == what || expected == LF_PG_A_PREPARE);
		if (take(pg, &got, doing, error) != LF_OK)
			return error->code;
		status = PQresultStatus(got);
		if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_PIPELINE_SYNC) {
			fail_group(pg, got, doing, error);
			PQclear(got);
			return error->code;
		}
		if (expected == LF_PG_A_PREPARE)
			pg->prepared[pg->prepared_count++] = statement;
		if (expected == what && result != NULL)
			*result = got;
		else
			PQclear(got);
		if (expected == what)
			return LF_OK;
	}
}

enum lf_code lf_pg_receive(struct lf_pg *pg, PGresult **result, const char *doing, struct lf_error *error)
{
	if (result != NULL)
		*result = NULL;
	return receive(pg, result, LF_PG_A_QUERY, doing, error);
}

enum lf_code lf_pg_finish(struct lf_pg *pg, const char *doing, struct lf_error *error)
{
	return receive(pg, NULL, LF_PG_A_SYNC, doing, error);
}

enum lf_code lf_pg_run(struct lf_pg *pg, const struct lf_pg_statement *statement,
	const struct lf_pg_parameters *parameters, PGresult **result, const char *doing, struct lf_error *error)
{
	PGresult *got = NULL;

	lf_pg_send(pg, statement, parameters);
	lf_pg_sync(pg);
	if (lf_pg_receive(pg, &got, doing, error) == LF_OK && lf_pg_finish(pg, doing, error) != LF_OK) {
		PQclear(got);
		got = NULL;
	}
	if (result != NULL)
		*result = got;
	else
		PQclear(got);
	return error->code;
}

enum lf_code lf_pg_script(
	struct lf_pg *pg, const char *sql, PGresult **result, const char *doing, struct lf_error *error)
{
	const uint64_t deadline_ms = lf_clock_ms() + pg->answer_ms;
	PGresult *last = NULL;

	if (PQsendQuery(pg->conn, sql) == 0)
		return lf_pg_lose(pg, doing, NULL, error);
	for (;;) {
		PGresult *got;
		ExecStatusType status;

		if (get_result(pg, deadline_ms, &got, doing, error) != LF_OK) {
			PQclear(last);
			return error->code;
		}
		if (got == NULL)
			break;
		status = PQresultStatus(got);
		if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && error->code == LF_OK)
			lf_pg_result_error(got, doing, error);
		PQclear(last);
		last = got;
	}
	if (error->code == LF_OK && result != NULL)
		*result = last;
	else
		PQclear(last);
	return error->code;
}
