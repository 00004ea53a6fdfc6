/*
 * Fills a decision log through its own writer: real requests of the benchmark's workload, each scored once by the
 * engine in this process, appended over and over. What such a log is for: verifying, replaying, exporting and reading
 * at ten million decisions (README.md).
 *
 *   lf_log_fill FILE COUNT [TEAMS [PROJECTS]]
 *
 * FILE must not exist. Prints the rate and the CPU time, the kernel's apart, of the first and of the last 100,000 (or
 * tenth), and what the file takes. Beside each stands its floor: the CPU time of writing a page of 8 KiB to the end of
 * another file, FILE.floor, at that moment. That rises where the kernel's cache grows into memory that a virtual
 * machine has not been given yet, and the log's own figures rise with it.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/limits.h"
#include "proto/wire/wire.h"
#include "service/decide/decision.h"
#include "service/rubric/file.h"
#include "service/decide/text_list.h"
#include "storage/log/log.h"
#include "tests/bench/workload.h"
#include "storage/sqlite/sqlite.h"

enum { IN_FLIGHT = 512, POOL_MAX = 16384, SCRATCH_MAX = 1 << 20, STEP = 100000, PAGE = 8192, PAGES = 1024 };

/* One decision of the pool: all that is appended of it. */
struct ready {
	struct lf_append append;
};

struct slot {
	struct lf_append append;
	struct filler *filler;
};

struct filler {
	struct lf_log *log;
	struct lf_rubric_version *version;
	struct lf_workload *workload;
	struct lf_arena kept;
	struct ready *pool;
	size_t pool_count;
	int64_t as_of_us;
	struct slot slots[IN_FLIGHT];
	pthread_mutex_t lock;
	pthread_cond_t some;
	struct slot *idle[IN_FLIGHT];
	size_t idle_count;
	long errors;
	int floor; /* what pages are written to */
};

static double seconds(clockid_t which)
{
	struct timespec now;

	clock_gettime(which, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int say(const char *what, struct lf_error *error)
{
	fprintf(stderr, "lf_log_fill: %s: %s\n", what, error->message);
	lf_error_clean_up(error);
	return 1;
}

/* ---- the pool ---- */

static struct lf_bytes keep(struct filler *f, const ProtobufCMessage *message)
{
	struct lf_bytes bytes;

	bytes.data = lf_wire_pack(message, &f->kept, 0, &bytes.length);
	return bytes;
}

/* Scores a request of the workload, and keeps the record. */
static enum lf_code make_ready(struct filler *f, struct ready *ready, uint64_t number, struct lf_error *error)
{
	uint8_t buffer[LF_WORKLOAD_REQUEST_BYTES];
	struct lf_checker checker = {.error = error};
	struct lf_evaluation evaluation = {0};
	size_t length;
	const uint8_t *data = lf_workload_request(f->workload, number, buffer, &length);
	struct lf_arena scratch;
	Leadfit__V1__ScoreRequest *request;
	const char **ids;

	lf_arena_init(&scratch, SCRATCH_MAX);
	request = (Leadfit__V1__ScoreRequest *)lf_wire_unpack(
		&leadfit__v1__score_request__descriptor, data, length, &f->kept, error);
	if (request == NULL)
		goto out;
	lf_wire_canonicalize(&request->base);
	if (lf_evaluate_ranking(&evaluation, f->version,
		    &(struct lf_case_input){
			    .team = request->team, .project = request->project, .as_of_seconds = f->as_of_us / 1000000},
		    &checker, &scratch) != LF_OK)
		goto out;
	ids = lf_arena_zalloc(&f->kept, evaluation.built.engine.member_count, sizeof(*ids));
	for (size_t m = 0; ids != NULL && m < evaluation.built.engine.member_count; m++)
		ids[m] = lf_arena_strdup(
			&f->kept, evaluation.built.engine.members[m].id, strlen(evaluation.built.engine.members[m].id));
	ready->append = (struct lf_append){
		.caller = "filler",
		.idempotency_key = "",
		.team_id = request->team->id,
		.project_id = request->project->id,
		.rubric_name = f->version->message->name,
		.rubric_digest = f->version->digest,
		.outcome = evaluation.result.outcome,
		.recommended =
			evaluation.result.outcome == LF_RECOMMENDED ? ids[evaluation.result.ranking[0].member] : "",
		.team = keep(f, &request->team->base),
		.project = keep(f, &request->project->base),
		.answer = lf_answer_pack(&(struct lf_answer_parts){.version = f->version,
						 .evaluation = &evaluation,
						 .team = request->team,
						 .project = request->project,
						 .as_of_us = f->as_of_us},
			NULL, false, &f->kept),
		.candidates = ids,
		.candidate_count = evaluation.built.engine.member_count,
	};
	if (ready->append.answer.data == NULL)
		lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
out:
	lf_arena_clean_up(&scratch);
	return error->code;
}

static enum lf_code make_pool(struct filler *f, unsigned teams, unsigned projects, struct lf_error *error)
{
	const struct lf_bench_settings settings = {.teams = teams, .projects = projects, .seed = 1};

	lf_arena_init(&f->kept, (size_t)1 << 30);
	f->as_of_us = INT64_C(1790000000) * 1000000;
	if (lf_workload_new(&f->workload, &settings, error) != LF_OK)
		return error->code;
	f->pool_count = lf_workload_count(f->workload);
	f->pool = calloc(f->pool_count, sizeof(*f->pool));
	if (f->pool == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	for (size_t i = 0; i < f->pool_count; i++)
		if (make_ready(f, &f->pool[i], i, error) != LF_OK)
			return error->code;
	return LF_OK;
}

/* ---- appending ---- */

static void done(struct lf_append *append, const struct lf_error *error)
{
	struct slot *slot = append->context;
	struct filler *f = slot->filler;

	pthread_mutex_lock(&f->lock);
	if (error->code != LF_OK && f->errors++ == 0)
		fprintf(stderr, "lf_log_fill: %s\n", error->message);
	f->idle[f->idle_count++] = slot;
	if (f->idle_count == 1 || f->idle_count == LF_BATCH_MAX || f->idle_count == IN_FLIGHT)
		pthread_cond_signal(&f->some);
	pthread_mutex_unlock(&f->lock);
}

static struct slot *take(struct filler *f, size_t at_least)
{
	struct slot *slot;

	pthread_mutex_lock(&f->lock);
	while (f->idle_count < at_least)
		pthread_cond_wait(&f->some, &f->lock);
	slot = f->idle[f->idle_count - 1];
	if (at_least == 1)
		f->idle_count--;
	pthread_mutex_unlock(&f->lock);
	return slot;
}

/* Seconds so far. */
struct clocks {
	double wall, user, kernel;
};

static struct clocks read_clocks(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (struct clocks){seconds(CLOCK_MONOTONIC),
		(double)usage.ru_utime.tv_sec + 1e-6 * (double)usage.ru_utime.tv_usec,
		(double)usage.ru_stime.tv_sec + 1e-6 * (double)usage.ru_stime.tv_usec};
}

/* Microseconds of CPU time; 0 where the disk is full. The file grows, so that no page of it is written twice. */
static double measure_page(const struct filler *f)
{
	static const uint8_t page[PAGE];
	const double begun = seconds(CLOCK_THREAD_CPUTIME_ID);

	for (int i = 0; i < PAGES; i++)
		if (write(f->floor, page, sizeof(page)) != sizeof(page))
			return 0;
	return 1e6 * (seconds(CLOCK_THREAD_CPUTIME_ID) - begun) / PAGES;
}

static void report(
	const struct filler *f, const char *what, long count, const struct clocks *from, const struct clocks *to)
{
	const double user = to->user - from->user, kernel = to->kernel - from->kernel;

	printf("%-22s %9ld decisions  %8.0f/s  %6.1f us CPU each, %5.1f user and %5.1f kernel; a page %5.1f us\n", what,
		count, (double)count / (to->wall - from->wall), 1e6 * (user + kernel) / (double)count,
		1e6 * user / (double)count, 1e6 * kernel / (double)count, measure_page(f));
	fflush(stdout);
}

static void fill(struct filler *f, long count)
{
	const long step = count / 10 < STEP && count >= 10 ? count / 10 : STEP;
	uint64_t random = 1;
	const struct clocks begun = read_clocks();
	struct clocks before = begun, now;

	for (long i = 1; i <= count; i++) {
		struct slot *slot = take(f, 1);

		random = random * 6364136223846793005u + 1442695040888963407u;
		slot->append = f->pool[(random >> 33) % f->pool_count].append;
		slot->append.done = done;
		slot->append.context = slot;
		lf_log_append(f->log, &slot->append);
		if (i % step == 0) {
			now = read_clocks();
			if (i == step || i + step > count || i % (step * 10) == 0)
				report(f,
					i == step                  ? "the first"
						: i + step > count ? "the last"
								   : "in between",
					step, &before, &now);
			before = read_clocks(); /* less what the page took */
		}
	}
	take(f, IN_FLIGHT);
	now = read_clocks();
	report(f, "all", count, &begun, &now);
}

/* Nobody else may see it, and it goes with the process. */
static bool open_floor(struct filler *f, const char *file)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s.floor", file);
	f->floor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return f->floor >= 0 && unlink(path) == 0;
}

static int run(struct filler *f, const char *file, long count, unsigned teams, unsigned projects)
{
	const struct lf_log_options options = {.location = file};
	struct lf_error error = LF_ERROR_INIT;
	struct rusage usage;
	struct stat status;
	char *text = NULL;
	size_t length;

	if (lf_rubric_file_load(&f->version, LF_BENCH_RUBRIC, &text, &length, &error) != LF_OK)
		return say(LF_BENCH_RUBRIC, &error);
	free(text);
	if (make_pool(f, teams, projects, &error) != LF_OK)
		return say("making decisions", &error);
	if (lf_log_open(&f->log, &lf_sqlite_backend, &options, &error) != LF_OK)
		return say(file, &error);
	if (lf_log_put_rubric(f->log, f->version->message->name, "Benchmark", "filler", f->version->canonical,
		    &f->version->digest, true, NULL, NULL, &error) != LF_OK)
		return say("the rubric", &error);
	if (!open_floor(f, file)) {
		fprintf(stderr, "lf_log_fill: %s.floor can't be made\n", file);
		return 1;
	}
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->some, NULL);
	for (size_t i = 0; i < IN_FLIGHT; i++) {
		f->slots[i].filler = f;
		f->idle[f->idle_count++] = &f->slots[i];
	}
	fill(f, count);
	lf_log_close(f->log);
	getrusage(RUSAGE_SELF, &usage);
	if (stat(file, &status) == 0)
		printf("%-22s %9.2f GB  %8.0f bytes a decision, peak memory %ld MiB\n", "the file",
			(double)status.st_size * 1e-9, (double)status.st_size / (double)count, usage.ru_maxrss / 1024);
	return f->errors > 0;
}

int main(int argc, char **argv)
{
	static struct filler filler;
	const long count = argc > 2 ? atol(argv[2]) : 0, teams = argc > 3 ? atol(argv[3]) : 1000,
		   projects = argc > 4 ? atol(argv[4]) : 1000;
	struct stat status;

	if (count < 10 || teams < 1 || teams > POOL_MAX || projects < 1 || projects > POOL_MAX) {
		fputs("Usage: lf_log_fill FILE COUNT [TEAMS [PROJECTS]]\n", stderr);
		return 2;
	}
	if (stat(argv[1], &status) == 0) {
		fprintf(stderr, "lf_log_fill: %s exists\n", argv[1]);
		return 2;
	}
	return run(&filler, argv[1], count, (unsigned)teams, (unsigned)projects);
}
