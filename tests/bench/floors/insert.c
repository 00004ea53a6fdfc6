#include "tests/bench/floors/insert.h"

#include <math.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/report/histogram.h"
#include "tests/bench/meter.h"

static enum lf_code say(struct lf_error *error, sqlite3 *db, const char *doing)
{
	return lf_error_set(error, LF_UNAVAILABLE, "%s: %s", doing, db != NULL ? sqlite3_errmsg(db) : "out of memory");
}

/* ---- what the log wrote ---- */

/* One number; both parameters, where the statement has them. NaN on failure. */
static double query(sqlite3 *db, const char *sql, uint64_t first, uint64_t last)
{
	sqlite3_stmt *statement = NULL;
	double value = NAN;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK) {
		if (sqlite3_bind_parameter_count(statement) == 2) {
			sqlite3_bind_int64(statement, 1, (int64_t)first);
			sqlite3_bind_int64(statement, 2, (int64_t)last);
		}
		if (sqlite3_step(statement) == SQLITE_ROW)
			value = sqlite3_column_double(statement, 0);
	}
	sqlite3_finalize(statement);
	return value;
}

static enum lf_code open_log(const char *path, sqlite3 **db, struct lf_error *error)
{
	if (sqlite3_open_v2(path, db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK)
		return LF_OK;
	say(error, *db, path);
	sqlite3_close(*db);
	return LF_UNAVAILABLE;
}

enum lf_code lf_written_count(const char *log, uint64_t *count, struct lf_error *error)
{
	sqlite3 *db = NULL;
	double found;

	if (open_log(log, &db, error) != LF_OK)
		return LF_UNAVAILABLE;
	found = query(db, "SELECT count(*) FROM decision", 0, 0);
	*count = isnan(found) ? 0 : (uint64_t)found;
	if (isnan(found))
		say(error, db, "counting the decisions");
	sqlite3_close(db);
	return isnan(found) ? LF_UNAVAILABLE : LF_OK;
}

/*
 * A decision's row: its blobs, and 4 bytes for each of its dozen small numbers. Payloads are numbered in the order in
 * which they were written, so those that were new are the ones between the highest that was used before and the highest
 * that is used at the end. Names are few beside them, unless every team is new; then each costs its bytes and those of
 * the rows that refer to it. All decisions of a commit have the same time.
 */
static const char sql_commits[] = "SELECT count(DISTINCT decided_at) FROM decision WHERE sequence BETWEEN ?1 AND ?2";
static const char sql_rows[] = "SELECT sum(length(id) + length(salt) + length(answer) + "
			       "coalesce(length(request_digest), 0) + 48) FROM decision"
			       " WHERE sequence BETWEEN ?1 AND ?2";
static const char sql_payloads[] =
	"SELECT coalesce(sum(length(digest) + length(salt) + length(body)), 0) FROM payload"
	" WHERE id > coalesce((SELECT max(max(team_payload), max(project_payload)) FROM decision WHERE sequence < ?1), "
	"0)"
	" AND id <= (SELECT max(max(team_payload), max(project_payload)) FROM decision WHERE sequence <= ?2)";
static const char sql_names[] =
	"SELECT coalesce(sum(length(value) + 12), 0) FROM name"
	" WHERE id > coalesce((SELECT max(max(team), max(project), max(candidates)) FROM decision WHERE sequence < "
	"?1), 0)"
	" AND id <= (SELECT max(max(team), max(project), max(candidates)) FROM decision WHERE sequence <= ?2)";

enum lf_code lf_written_read(
	const char *log, uint64_t first, uint64_t last, struct lf_written *written, struct lf_error *error)
{
	const double count = (double)(last - first + 1);
	double commits, bytes;
	enum lf_code code = LF_OK;
	sqlite3 *db = NULL;

	if (open_log(log, &db, error) != LF_OK)
		return LF_UNAVAILABLE;
	commits = query(db, sql_commits, first, last);
	bytes = query(db, sql_rows, first, last) + query(db, sql_payloads, first, last) +
		query(db, sql_names, first, last);
	if (isnan(commits) || isnan(bytes))
		code = say(error, db, "reading the log");
	else if (commits < 1 ||
		query(db, "SELECT count(*) FROM decision WHERE sequence BETWEEN ?1 AND ?2", first, last) != count)
		code = lf_error_set(error, LF_FAILED_PRECONDITION, "decisions that were answered are not in the log");
	else
		*written = (struct lf_written){.row_bytes = bytes / count, .batch = count / commits};
	sqlite3_close(db);
	return code;
}

/* ---- bare inserts ---- */

static const double bytes_max = 2e9;

static double thread_cpu_us(void)
{
	struct timespec used;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return (double)used.tv_sec * 1e6 + (double)used.tv_nsec / 1e3;
}

static void remove_files(const char *path)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
	char name[4200];

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		unlink(name);
	}
}

struct inserter {
	sqlite3 *db;
	sqlite3_stmt *begin, *insert, *commit;
	void *row;
};

static bool run(sqlite3_stmt *statement)
{
	const int result = sqlite3_step(statement);

	sqlite3_reset(statement);
	return result == SQLITE_DONE;
}

/* As the log's file is set up: page size, journal, and a checkpoint after as many pages. */
static bool open_inserter(struct inserter *inserter, const char *path, size_t row_bytes)
{
	static const char setup[] = "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA "
				    "wal_autocheckpoint=2048;"
				    "CREATE TABLE row(id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;";
	uint64_t state = 1;

	remove_files(path);
	inserter->row = malloc(row_bytes);
	if (inserter->row == NULL || sqlite3_open(path, &inserter->db) != SQLITE_OK ||
		sqlite3_exec(inserter->db, setup, NULL, NULL, NULL) != SQLITE_OK ||
		sqlite3_prepare_v3(inserter->db, "BEGIN IMMEDIATE", -1, SQLITE_PREPARE_PERSISTENT, &inserter->begin,
			NULL) != SQLITE_OK ||
		sqlite3_prepare_v3(inserter->db, "INSERT INTO row(body) VALUES(?1)", -1, SQLITE_PREPARE_PERSISTENT,
			&inserter->insert, NULL) != SQLITE_OK ||
		sqlite3_prepare_v3(inserter->db, "COMMIT", -1, SQLITE_PREPARE_PERSISTENT, &inserter->commit, NULL) !=
			SQLITE_OK)
		return false;
	for (size_t i = 0; i < row_bytes; i++) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		((unsigned char *)inserter->row)[i] = (unsigned char)(state >> 56);
	}
	return sqlite3_bind_blob(inserter->insert, 1, inserter->row, (int)row_bytes, SQLITE_STATIC) == SQLITE_OK;
}

static void close_inserter(struct inserter *inserter)
{
	sqlite3_finalize(inserter->begin);
	sqlite3_finalize(inserter->insert);
	sqlite3_finalize(inserter->commit);
	sqlite3_close(inserter->db);
	free(inserter->row);
}

static bool insert_batch(struct inserter *inserter, uint64_t rows)
{
	if (!run(inserter->begin))
		return false;
	for (uint64_t i = 0; i < rows; i++)
		if (!run(inserter->insert))
			return false;
	return run(inserter->commit);
}

/* Batches until the time is over; batch need not be whole, so batches differ by one. */
static bool insert_for(struct inserter *inserter, const struct lf_written *written, double seconds,
	struct lf_histogram *histogram, struct lf_insert *insert)
{
	const uint64_t start = lf_meter_now_ns(), end = start + (uint64_t)(seconds * 1e9);
	const double cpu = thread_cpu_us();
	uint64_t now = start, rows = 0, commits = 0;

	while (now < end && (double)rows * written->row_bytes < bytes_max) {
		const uint64_t due = (uint64_t)llround(written->batch * (double)++commits), begun = now;

		if (!insert_batch(inserter, due - rows))
			return false;
		rows = due;
		now = lf_meter_now_ns();
		lf_histogram_add(histogram, now - begun);
	}
	insert->rows_per_s = (double)rows / ((double)(now - start) / 1e9);
	insert->row_cpu_us = (thread_cpu_us() - cpu) / (double)rows;
	insert->commit_p50_us = lf_histogram_quantile(histogram, 0.5) / 1e3;
	return true;
}

enum lf_code lf_insert_measure(const char *path, const struct lf_written *written, double seconds,
	struct lf_insert *insert, struct lf_error *error)
{
	struct lf_histogram *histograms = calloc(2, sizeof(*histograms));
	struct inserter inserter = {0};
	enum lf_code code = LF_OK;

	if (histograms == NULL || !open_inserter(&inserter, path, (size_t)llround(written->row_bytes)) ||
		!insert_for(&inserter, written, seconds / 4, &histograms[0], insert) ||
		!insert_for(&inserter, written, seconds, &histograms[1], insert))
		code = say(error, inserter.db, "inserting");
	close_inserter(&inserter);
	remove_files(path);
	free(histograms);
	return code;
}
