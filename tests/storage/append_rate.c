/*
 * How fast the log takes decisions, beside bare inserts of rows of the same size by the same SQLite in the same run.
 * Not a test: build the target lf_append_rate, and run it in a folder on the disk in question.
 *
 *   lf_append_rate FILE COUNT [TEAMS [PROJECTS [KEYS [ROWS]]]]      KEYS: none, rising (they begin with a counter),
 *                                                                   random
 *
 * FILE must not exist; it and FILE.bare are left for a look. Decisions have 8 candidates, an answer of 1.3 KB, a team
 * of 1.5 KB, a project of 0.3 KB; 512 are in flight. With ROWS, so many are appended at once and waited for: each
 * commit has as many, which makes the CPU of the writer's thread a figure that repeats.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <sqlite3.h>

#include "proto/base/limits.h"
#include "storage/log/log.h"
#include "storage/sqlite/sqlite.h"

enum { IN_FLIGHT = 512, TEAM = 1500, PROJECT = 300, ANSWER = 1300, CANDIDATES = 8, STEPS = 10 };

struct slot {
	struct lf_append append;
	char team_id[32], project_id[32], key[40], recommended[32];
	char team[TEAM], project[PROJECT], answer[ANSWER];
	char ids[CANDIDATES][32];
	const char *candidates[CANDIDATES];
	struct free_slots *home;
};

struct free_slots {
	pthread_mutex_t lock;
	pthread_cond_t some;
	struct slot *slots[IN_FLIGHT];
	size_t count;
	long errors;
	pthread_t writer; /* which calls done() */
};

struct plan {
	long count;
	unsigned teams, projects;
	const char *keys;
	size_t rows; /* a commit; 0: as many as come */
};

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static double cpu_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static double thread_cpu_seconds(pthread_t thread)
{
	struct timespec used = {0};
	clockid_t clock;

	if (pthread_getcpuclockid(thread, &clock) == 0)
		clock_gettime(clock, &used);
	return (double)used.tv_sec + 1e-9 * (double)used.tv_nsec;
}

/* SplitMix64: the same decisions in every run. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static void done(struct lf_append *append, const struct lf_error *error)
{
	struct slot *slot = append->context;
	struct free_slots *home = slot->home;

	pthread_mutex_lock(&home->lock);
	if (error->code != LF_OK && home->errors++ == 0)
		fprintf(stderr, "%s\n", error->message);
	home->slots[home->count++] = slot;
	home->writer = pthread_self();
	if (home->count == 1 || home->count == LF_BATCH_MAX || home->count == IN_FLIGHT)
		pthread_cond_signal(&home->some);
	pthread_mutex_unlock(&home->lock);
}

static struct slot *take(struct free_slots *home)
{
	struct slot *slot;

	pthread_mutex_lock(&home->lock);
	while (home->count == 0)
		pthread_cond_wait(&home->some, &home->lock);
	slot = home->slots[--home->count];
	pthread_mutex_unlock(&home->lock);
	return slot;
}

static void wait_for_all(struct free_slots *home)
{
	pthread_mutex_lock(&home->lock);
	while (home->count < IN_FLIGHT)
		pthread_cond_wait(&home->some, &home->lock);
	pthread_mutex_unlock(&home->lock);
}

static void fill(
	struct slot *slot, const struct plan *plan, long number, uint64_t random, const struct lf_digest *rubric)
{
	const unsigned team = (unsigned)(random % plan->teams), project = (unsigned)((random >> 32) % plan->projects);

	snprintf(slot->team_id, sizeof(slot->team_id), "team-%u", team);
	snprintf(slot->project_id, sizeof(slot->project_id), "project-%u", project);
	memcpy(slot->team, &team, sizeof(team));
	memcpy(slot->project, &project, sizeof(project));
	for (unsigned i = 0; i < CANDIDATES; i++) {
		snprintf(slot->ids[i], sizeof(slot->ids[i]), "m-%u", team * CANDIDATES + i);
		slot->candidates[i] = slot->ids[i];
	}
	memcpy(slot->recommended, slot->ids[(random >> 60) % CANDIDATES], sizeof(slot->recommended));
	slot->key[0] = '\0';
	if (strcmp(plan->keys, "random") == 0)
		snprintf(slot->key, sizeof(slot->key), "%016llx%08lx", (unsigned long long)random,
			(unsigned long)number);
	else if (strcmp(plan->keys, "rising") == 0)
		snprintf(slot->key, sizeof(slot->key), "%08lx%016llx", (unsigned long)number,
			(unsigned long long)random);
	slot->append = (struct lf_append){
		.caller = "hr",
		.idempotency_key = slot->key,
		.team_id = slot->team_id,
		.project_id = slot->project_id,
		.rubric_name = "tech-lead",
		.rubric_digest = *rubric,
		.outcome = (uint32_t)(1 + number % 4),
		.purpose = 1,
		.recommended = slot->recommended,
		.team = {(const uint8_t *)slot->team, TEAM},
		.project = {(const uint8_t *)slot->project, PROJECT},
		.answer = {(const uint8_t *)slot->answer, ANSWER},
		.candidates = slot->candidates,
		.candidate_count = CANDIDATES,
		.done = done,
		.context = slot,
	};
}

/* Appends decisions number.. at once: the plan's rows, or one. Returns how many. */
static long append_some(struct lf_log *log, struct free_slots *home, const struct plan *plan, long number,
	uint64_t *state, const struct lf_digest *rubric)
{
	struct lf_append *appends[LF_BATCH_MAX];
	size_t count = 0;

	if (plan->rows > 0)
		wait_for_all(home);
	do {
		struct slot *slot = take(home);

		fill(slot, plan, number + (long)count, next_random(state), rubric);
		appends[count++] = &slot->append;
	} while (count < plan->rows);
	lf_log_append_all(log, appends, count);
	return (long)count;
}

static int run_log(const char *file, const struct plan *plan, double *rate)
{
	static const char body[] = "a rubric";
	struct free_slots home = {.lock = PTHREAD_MUTEX_INITIALIZER, .some = PTHREAD_COND_INITIALIZER};
	struct slot *slots = calloc(IN_FLIGHT, sizeof(*slots));
	struct lf_error error = LF_ERROR_INIT;
	const struct lf_log_options options = {.location = file};
	struct lf_digest rubric;
	struct lf_log *log;
	uint64_t state = 1;
	double start, cpu_start, writer;
	double step, writer_start;
	long before, number;

	lf_sha256(body, sizeof(body), &rubric);
	if (slots == NULL || lf_log_open(&log, &lf_sqlite_backend, &options, &error) != LF_OK ||
		lf_log_put_rubric(log, "tech-lead", "Tech lead", "admin",
			(struct lf_bytes){(const uint8_t *)body, sizeof(body)}, &rubric, true, NULL, NULL,
			&error) != LF_OK) {
		fprintf(stderr, "%s\n", error.message);
		return 1;
	}
	for (size_t i = 0; i < IN_FLIGHT; i++) {
		slots[i].home = &home;
		home.slots[home.count++] = &slots[i];
	}
	start = seconds();
	cpu_start = cpu_seconds();
	step = start;
	writer_start = 0;
	before = 0;
	number = 0;
	for (int i = 1; i <= STEPS; i++) {
		const long due = plan->count / STEPS * i, begun = number;
		double now;

		while (number < due)
			number += append_some(log, &home, plan, number, &state, &rubric);
		wait_for_all(&home);
		now = seconds();
		printf("%10ld decisions: %.0f/s\n", number, (double)(number - begun) / (now - step));
		step = now;
		if (i == 1) { /* by then all teams and projects are known */
			before = number;
			writer_start = thread_cpu_seconds(home.writer);
		}
	}
	writer = thread_cpu_seconds(home.writer) - writer_start;
	lf_log_close(log);
	*rate = (double)number / (seconds() - start);
	printf("log:  %.0f/s, %.1f us of CPU each (the making of requests included), %.2f us the writer's, %ld "
	       "errors\n",
		*rate, 1e6 * (cpu_seconds() - cpu_start) / (double)number, 1e6 * writer / (double)(number - before),
		home.errors);
	free(slots);
	return home.errors != 0;
}

/* The floor: one table, one blob of the same size, 256 (or ROWS) a commit, FULL. */
static int run_bare(const char *file, const struct plan *plan, double *rate)
{
	const long count = plan->count, rows = plan->rows > 0 ? (long)plan->rows : LF_BATCH_MAX;
	static const char setup[] = "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
				    "PRAGMA wal_autocheckpoint=2048; CREATE TABLE t(s INTEGER PRIMARY KEY, b BLOB);";
	char path[4096], row[ANSWER + 100];
	sqlite3 *db;
	sqlite3_stmt *insert;
	double start, cpu_start;

	snprintf(path, sizeof(path), "%s.bare", file);
	memset(row, 'x', sizeof(row));
	if (sqlite3_open(path, &db) != SQLITE_OK || sqlite3_exec(db, setup, NULL, NULL, NULL) != SQLITE_OK ||
		sqlite3_prepare_v2(db, "INSERT INTO t VALUES(?1, ?2)", -1, &insert, NULL) != SQLITE_OK) {
		fprintf(stderr, "%s\n", sqlite3_errmsg(db));
		return 1;
	}
	start = seconds();
	cpu_start = cpu_seconds();
	for (long i = 0; i < count; i++) {
		if (i % rows == 0)
			sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);
		sqlite3_bind_int64(insert, 1, i);
		sqlite3_bind_blob(insert, 2, row, sizeof(row), SQLITE_STATIC);
		sqlite3_step(insert);
		sqlite3_reset(insert);
		if (i % rows == rows - 1 || i == count - 1)
			sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	}
	sqlite3_finalize(insert);
	sqlite3_close(db);
	*rate = (double)count / (seconds() - start);
	printf("bare: %.0f/s, %.2f us of CPU each\n", *rate, 1e6 * (cpu_seconds() - cpu_start) / (double)count);
	return 0;
}

int main(int argc, char **argv)
{
	double bare = 1, log = 1;
	struct plan plan;

	if (argc < 3 || atol(argv[2]) < STEPS) {
		fprintf(stderr, "usage: %s FILE COUNT [TEAMS [PROJECTS [none|rising|random [ROWS]]]]\n", argv[0]);
		return 2;
	}
	plan = (struct plan){.count = atol(argv[2]),
		.teams = argc > 3 ? (unsigned)atoi(argv[3]) : 1000,
		.projects = argc > 4 ? (unsigned)atoi(argv[4]) : 1000,
		.keys = argc > 5 ? argv[5] : "none",
		.rows = argc > 6 ? (size_t)atol(argv[6]) : 0};
	if (plan.rows > LF_BATCH_MAX) {
		fprintf(stderr, "ROWS: %zu is more than %d, the most of a commit\n", plan.rows, (int)LF_BATCH_MAX);
		return 2;
	}
	if (run_bare(argv[1], &plan, &bare) != 0 || run_log(argv[1], &plan, &log) != 0)
		return 1;
	printf("log / bare: %.2f\n", log / bare);
	return 0;
}
