/* Connecting: to each host in turn, with a deadline for each. */
#include <poll.h>
#include <string.h>

#include "proto/base/clock.h"
#include "storage/postgres/connection.h"

/* A WARNING before the answer to COMMIT says that it is not as durable as it should be. */
static void on_notice(void *context, const PGresult *result)
{
	struct lf_pg *pg = context;
	const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);

	if (severity != NULL && strcmp(severity, "WARNING") == 0)
		pg->warned = true;
}

static PGconn *start(const struct lf_pg *pg, const struct lf_pg_host *host)
{
	const char *names[LF_PG_OPTIONS_MAX + 4], *values[LF_PG_OPTIONS_MAX + 4];
	const char *const where[][2] = {{"host", host->host}, {"hostaddr", host->hostaddr}, {"port", host->port}};
	size_t count = 0;

	for (size_t i = 0; i < pg->place->count; i++, count++) {
		names[count] = pg->place->names[i];
		values[count] = pg->place->values[i];
	}
	for (size_t i = 0; i < 3; i++) {
		if (where[i][1] == NULL)
			continue;
		names[count] = where[i][0];
		values[count++] = where[i][1];
	}
	names[count] = values[count] = NULL;
	return PQconnectStartParams(names, values, 0);
}

static enum lf_pg_waited complete(PGconn *conn, uint64_t deadline_ms)
{
	PostgresPollingStatusType status = PGRES_POLLING_WRITING;

	while (status == PGRES_POLLING_READING || status == PGRES_POLLING_WRITING) {
		const enum lf_pg_waited waited =
			lf_pg_wait(conn, status == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline_ms);

		if (waited != LF_PG_WAITED)
			return waited;
		status = PQconnectPoll(conn);
	}
	return status == PGRES_POLLING_OK ? LF_PG_WAITED : LF_PG_WAITED_LOST;
}

static enum lf_code connect_to(struct lf_pg *pg, size_t host, struct lf_error *error)
{
	const uint64_t deadline_ms = lf_clock_ms() + LF_PG_CONNECT_MS;
	enum lf_pg_waited waited;

	pg->host = host;
	pg->conn = start(pg, &pg->place->hosts[host]);
	if (pg->conn == NULL)
		return lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	PQsetNoticeReceiver(pg->conn, on_notice, pg); /* before anything is said: else libpq prints it */
	if (PQstatus(pg->conn) == CONNECTION_BAD)
		return lf_pg_lose(pg, "connecting", NULL, error);
	waited = complete(pg->conn, deadline_ms);
	if (waited == LF_PG_WAITED_TOO_LONG)
		return lf_pg_lose(pg, "connecting", "no answer in time", error);
	if (waited == LF_PG_WAITED_LOST)
		return lf_pg_lose(pg, "connecting", NULL, error);
	pg->answered = true;
	if (PQsetnonblocking(pg->conn, 1) != 0)
		return lf_pg_lose(pg, "connecting", NULL, error);
	pg->warned = false;
	if (lf_pg_begin_session(pg, error) == LF_OK && PQenterPipelineMode(pg->conn) == 0)
		return lf_pg_lose(pg, "connecting", NULL, error);
	if (error->code == LF_OK && pg->greet != NULL)
		pg->greet(pg, pg->greet_context, error);
	if (error->code != LF_OK)
		lf_pg_close(pg);
	return error->code;
}

enum lf_code lf_pg_connect(struct lf_pg *pg, struct lf_error *error)
{
	const size_t first = pg->host;
	struct lf_error worst = LF_ERROR_INIT;

	pg->lost = false;
	if (pg->conn != NULL)
		return LF_OK;
	pg->answered = false;
	for (size_t i = 0; i < pg->place->host_count; i++) {
		struct lf_error cause = LF_ERROR_INIT;

		if (connect_to(pg, (first + i) % pg->place->host_count, &cause) == LF_OK) {
			lf_error_clean_up(&worst);
			pg->lost = false;
			pg->connects++;
			return LF_OK;
		}
		/* One that answers and is not fit says more than one that does not answer. */
		if (worst.code == LF_OK || worst.code == LF_UNAVAILABLE)
			lf_error_move(&worst, &cause);
		lf_error_clean_up(&cause);
	}
	pg->lost = true;
	lf_error_move(error, &worst);
	return error->code;
}
