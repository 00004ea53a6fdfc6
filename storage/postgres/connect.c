/*
 * Which server is trusted. Several hosts of a URL may say that they are the primary: one that was left behind by a
 * failover does so for as long as it lives. Timelines rise with each promotion, so:
 *
 * - The writer, whenever it connects, asks all hosts, and takes the one of the highest timeline.
 * - The store keeps the highest timeline that any of its connections saw. A connection of a lower one is refused, and
 *   closed before it is used again.
 * - A connection is closed after a deadline, a lock that is not to be had, and a barrier that failed: so all are asked.
 * - A server that lacks what was committed is left: not asked until a commit has succeeded. Where no other was fit, the
 *   log stops.
 * - A round that found none rests before the next.
 */
#include <poll.h>
#include <string.h>
#include <time.h>

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

	lf_pg_close(pg);
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

static void rest(const struct lf_pg *pg)
{
	const uint64_t now_ms = lf_clock_ms();
	const uint64_t ms = pg->rest_until_ms > now_ms ? pg->rest_until_ms - now_ms : 0;
	const struct timespec time = {.tv_nsec = (long)ms * 1000 * 1000};

	if (ms > 0)
		nanosleep(&time, NULL);
}

/* Asks the hosts; *best: as it is with the connection that was taken, if any. The worst of what the others say. */
static void ask_hosts(struct lf_pg *pg, struct lf_pg *best, struct lf_error *worst)
{
	const size_t first = pg->host, count = pg->place->host_count;

	for (size_t i = 0; i < count && (best->conn == NULL || pg->use == LF_PG_WRITE); i++) {
		const size_t host = (first + i) % count;
		struct lf_error cause = LF_ERROR_INIT;

		if ((pg->left >> host & 1) != 0)
			continue;
		pg->conn = NULL;
		if (connect_to(pg, host, &cause) == LF_OK) {
			pg->fit |= UINT32_C(1) << host;
			if (best->conn == NULL || pg->facts.timeline > best->facts.timeline) {
				lf_pg_close(best);
				*best = *pg;
			} else {
				lf_pg_close(pg);
			}
			continue;
		}
		/* One that answers and is not fit says more than one that does not answer. */
		if (worst->code == LF_OK || worst->code == LF_UNAVAILABLE)
			lf_error_move(worst, &cause);
		lf_error_clean_up(&cause);
	}
}

enum lf_code lf_pg_connect(struct lf_pg *pg, struct lf_error *error)
{
	struct lf_error worst = LF_ERROR_INIT;
	struct lf_pg best = {.conn = NULL};
	const size_t host = pg->host;

	pg->lost = false;
	if (pg->conn != NULL)
		return LF_OK;
	rest(pg);
	pg->fit = 0;
	ask_hosts(pg, &best, &worst);
	if (best.conn != NULL) {
		const uint32_t fit = pg->fit;

		*pg = best;
		pg->fit = fit;
		pg->lost = false;
		pg->connects++;
		PQsetNoticeReceiver(pg->conn, on_notice, pg);
		lf_error_clean_up(&worst);
		return LF_OK;
	}
	if (pg->left != 0 && worst.code == LF_OK)
		lf_error_set(&worst, LF_UNAVAILABLE, "connecting: each of the database's servers was left");
	pg->host = host;
	pg->conn = NULL;
	pg->left = 0; /* whatever was wrong with those: nobody else is there */
	pg->lost = false;
	pg->rest_until_ms = lf_clock_ms() + LF_PG_REST_MS;
	lf_error_move(error, &worst);
	return error->code;
}
