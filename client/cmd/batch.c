/* leadfit batch: a file of requests in, a file of answers out. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client/batch/batch.h"
#include "client/batch/single.h"
#include "client/cmd/commands.h"
#include "client/term/progress.h"
#include "proto/base/buffer.h"
#include "proto/base/clock.h"
#include "proto/base/dates.h"

static const struct lf_option options[] = {
	{"cross", NULL, "score every pair of TEAMS and PROJECTS: teams outer, projects inner", false},
	{"full", NULL, "json: whole decisions, not summaries", false},
	{"columns", "LIST", "csv: which, by commas", false},
	{"out", "FILE", "write to FILE; interrupted, the same command goes on with it (default: standard output)",
		false},
	{"run-id", "ID", "the run that a pipe is of, which makes it one that can go on", false},
	{"shard", "I/N", "only every N-th line, from the I-th on", false},
	{"wait", "SECONDS", "how long to wait for a service that is away (default 300)", false},
	{"rubric", "NAME", "for lines that name none (default: the default rubric)", false},
	{"as-of", "INSTANT", "for lines without one (default: when the run began)", false},
	{"what-if", NULL, "explorations: they are logged, but no report counts them", false},
	{"detail", "top|all", "with --full: criteria for the first 20 ranks, or for all (default top)", false},
	{"rank-table", NULL, "with --full: how often each candidate has each rank", false},
	{"ignore-undeclared", NULL, "leave out what the rubric does not declare", false},
	{NULL, NULL, NULL, false},
};

enum { WAIT_S_DEFAULT = 300, WAIT_S_MAX = 7 * 24 * 60 * 60, SHARDS_MAX = 1000000 };

struct job {
	struct lf_batch_options options;
	Google__Protobuf__Timestamp as_of;
	char rubric[LF_ID_BYTES_MAX + 1];
	struct lf_feed feed;
	int files[2]; /* the inputs; -1: none, or standard input */
	struct lf_run run;
	struct lf_buffer input, what; /* the run's */
	uint64_t input_bytes;         /* 0: not known */
	uint64_t taken_before;
	struct lf_batch batch;
	struct lf_progress progress;
	uint64_t begun_ns;
	struct lf_error error;
};

/* ---- what is asked for ---- */

static enum lf_code take_instant(struct job *job, const char *text)
{
	google__protobuf__timestamp__init(&job->as_of);
	job->options.as_of = &job->as_of;
	job->run.dated = text != NULL;
	if (text != NULL && !lf_parse_instant(text, &job->as_of.seconds, &job->as_of.nanos))
		return lf_error_set(&job->error, LF_INVALID_ARGUMENT,
			"--as-of: %s is neither a date (2026-05-01) nor an instant (2026-05-01T12:00:00Z)", text);
	if (text == NULL) {
		const int64_t now_us = lf_clock_wall_us(); /* the log has microseconds, too */

		job->as_of.seconds = now_us / 1000000;
		job->as_of.nanos = (int32_t)(now_us % 1000000 * 1000);
	}
	job->run.as_of_seconds = job->as_of.seconds;
	job->run.as_of_nanos = job->as_of.nanos;
	return LF_OK;
}

static enum lf_code take_run_id(struct job *job, const char *text)
{
	size_t length;

	job->run.named = text != NULL;
	job->options.run_id = job->run.id;
	if (text == NULL)
		return lf_run_id_new(job->run.id, &job->error);
	length = strlen(text);
	if (length == 0 || length > LF_RUN_ID_MAX)
		return lf_error_set(&job->error, LF_INVALID_ARGUMENT, "--run-id: has %zu bytes, 1..%d are allowed",
			length, LF_RUN_ID_MAX);
	if (strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:+") != length)
		return lf_error_set(&job->error, LF_INVALID_ARGUMENT,
			"--run-id: %s has other than letters, digits and -_.:+", text);
	snprintf(job->run.id, sizeof(job->run.id), "%s", text);
	return LF_OK;
}

static enum lf_code take_shard(struct job *job, const char *text)
{
	char *end = NULL;

	job->feed.shard = job->feed.shards = 1;
	if (text == NULL)
		return LF_OK;
	if (text[strspn(text, "0123456789/")] == '\0' && text[0] != '/') {
		const unsigned long i = strtoul(text, &end, 10),
				    n = *end == '/' && end[1] != '\0' ? strtoul(end + 1, &end, 10) : 0;

		if (*end == '\0' && i >= 1 && i <= n && n <= SHARDS_MAX) {
			job->feed.shard = (unsigned)i;
			job->feed.shards = (unsigned)n;
			return LF_OK;
		}
	}
	return lf_error_set(&job->error, LF_INVALID_ARGUMENT, "--shard: %s is not I/N with I in 1..N, N up to %d", text,
		SHARDS_MAX);
}

static enum lf_code take_format(struct job *job, const struct lf_cli *cli, const struct lf_arguments *arguments)
{
	static const char *const details[] = {"top", "all"};
	struct lf_batch_options *o = &job->options;
	const char *columns = lf_argument(arguments, "columns"), *detail = lf_argument(arguments, "detail");
	size_t index = 0;

	o->csv = cli->csv;
	o->full = lf_argument(arguments, "full") != NULL;
	o->rank_table = lf_argument(arguments, "rank-table") != NULL;
	if (columns != NULL && !o->csv)
		return lf_error_set(&job->error, LF_INVALID_ARGUMENT, "--columns goes with --output csv only");
	if (o->full && o->csv)
		return lf_error_set(&job->error, LF_INVALID_ARGUMENT,
			"--full goes with --output json only: csv has what --columns names");
	if ((detail != NULL || o->rank_table) && !o->full)
		return lf_error_set(&job->error, LF_INVALID_ARGUMENT, "--%s goes with --full only",
			detail != NULL ? "detail" : "rank-table");
	if (detail != NULL && lf_option_choice("detail", detail, details, 2, &index, &job->error) != LF_OK)
		return job->error.code;
	o->detail = index == 1 ? LEADFIT__V1__DETAIL__ALL : LEADFIT__V1__DETAIL__TOP;
	if (o->csv && lf_columns_parse_batch(&o->columns, columns, &job->error) != LF_OK)
		return job->error.code;
	if (o->csv)
		o->full = o->columns.whole;
	return LF_OK;
}

static enum lf_code take_options(struct job *job, const struct lf_cli *cli, const struct lf_arguments *arguments)
{
	struct lf_batch_options *o = &job->options;
	const char *rubric = lf_argument(arguments, "rubric"), *wait = lf_argument(arguments, "wait");
	unsigned seconds = WAIT_S_DEFAULT;

	job->feed.cross = lf_argument(arguments, "cross") != NULL;
	o->purpose = lf_argument(arguments, "what-if") != NULL ? LEADFIT__V1__PURPOSE__WHAT_IF
							       : LEADFIT__V1__PURPOSE__DECISION;
	o->ignore_undeclared = lf_argument(arguments, "ignore-undeclared") != NULL;
	o->rubric = job->rubric;
	o->timeout_ms = cli->timeout_ms;
	o->traceparent = cli->traceparent;
	if (rubric != NULL && (rubric[0] == '\0' || strlen(rubric) > LF_ID_BYTES_MAX))
		return lf_error_set(&job->error, LF_INVALID_ARGUMENT, "--rubric: has %zu bytes, 1..%d are allowed",
			strlen(rubric), LF_ID_BYTES_MAX);
	snprintf(job->rubric, sizeof(job->rubric), "%s", rubric == NULL ? "" : rubric);
	if (wait != NULL && lf_option_number("wait", wait, 0, WAIT_S_MAX, &seconds, &job->error) != LF_OK)
		return job->error.code;
	o->wait_ms = seconds * 1000;
	if (take_format(job, cli, arguments) != LF_OK || take_shard(job, lf_argument(arguments, "shard")) != LF_OK ||
		take_instant(job, lf_argument(arguments, "as-of")) != LF_OK ||
		take_run_id(job, lf_argument(arguments, "run-id")) != LF_OK)
		return job->error.code;
	if (job->run.named && !job->run.dated && lf_argument(arguments, "out") == NULL)
		return lf_error_set(&job->error, LF_INVALID_ARGUMENT,
			"--run-id: needs --as-of, too, for the same lines at another time are other requests; or "
			"--out, beside which the instant is kept");
	if (arguments->operand_count != (job->feed.cross ? 2u : 1u))
		return lf_error_set(&job->error, LF_INVALID_ARGUMENT,
			job->feed.cross ? "--cross needs two files: TEAMS PROJECTS"
					: "batch needs one file; --cross takes two");
	return LF_OK;
}

/* ---- the input ---- */

/* Notes which file it is, so that a run goes on with the same only. */
static void describe(struct job *job, const char *path, int file)
{
	struct stat status;
	const bool known = fstat(file, &status) == 0;

	lf_text_add(&job->input, "%s", job->input.length > 0 ? " " : "");
	lf_json_print_string(strcmp(path, "-") == 0 ? "<stdin>" : path, &job->input);
	if (known && S_ISREG(status.st_mode))
		lf_text_add(&job->input, " %" PRIu64 " bytes of %" PRId64 ".%09ld", (uint64_t)status.st_size,
			(int64_t)status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
	else
		job->run.pipe = true;
}

static enum lf_code open_input(
	struct job *job, struct lf_lines *lines, int index, const char *path, const ProtobufCMessageDescriptor *type)
{
	struct stat status;
	int file = STDIN_FILENO;

	lines->file = -1;
	if (strcmp(path, "-") != 0)
		file = job->files[index] = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (file < 0 || fstat(file, &status) != 0)
		return lf_error_set(&job->error, LF_INVALID_ARGUMENT, "%s: %s", path, strerror(errno));
	if (S_ISDIR(status.st_mode))
		return lf_error_set(&job->error, LF_INVALID_ARGUMENT, "%s: is a directory", path);
	describe(job, path, file);
	if (type != NULL && file != STDIN_FILENO && lf_single_is(path, type))
		return lf_single_open(lines, path, type, &job->error);
	lf_lines_init(lines, file);
	if (index == 0 && lines->regular)
		job->input_bytes = (uint64_t)status.st_size;
	if (index == 1 && !lines->regular)
		return lf_error_set(&job->error, LF_INVALID_ARGUMENT,
			"%s: PROJECTS is read again for each team, so it must be a file, not a pipe", path);
	return LF_OK;
}

static enum lf_code count_projects(struct job *job)
{
	struct lf_feed *feed = &job->feed;
	const char *text;
	size_t length;
	enum lf_line line;

	while ((line = lf_lines_next(&feed->projects, true, &feed->watch, &text, &length)) == LF_LINE_GOT ||
		line == LF_LINE_LONG)
		feed->project_count++;
	if (line == LF_LINE_FAILED)
		return lf_error_set(&job->error, LF_INVALID_ARGUMENT, "%s: %s", feed->projects_name, strerror(errno));
	return LF_OK;
}

static enum lf_code open_inputs(struct job *job, const struct lf_arguments *arguments)
{
	struct lf_feed *feed = &job->feed;

	feed->name = arguments->operands[0];
	feed->projects_name = feed->cross ? arguments->operands[1] : NULL;
	feed->watch = (struct lf_watch){.stop = -1, .output = -1};
	if (open_input(job, &feed->requests, 0, feed->name, feed->cross ? &leadfit__v1__team__descriptor : NULL) !=
		LF_OK)
		return job->error.code;
	if (!feed->cross)
		return LF_OK;
	return open_input(job, &feed->projects, 1, feed->projects_name, &leadfit__v1__project__descriptor) != LF_OK
		? job->error.code
		: count_projects(job);
}

/* ---- the output ---- */

/* Options on which answers depend, in one line. */
static void describe_options(struct job *job)
{
	const struct lf_batch_options *o = &job->options;

	lf_text_add(&job->what, "%s ", o->csv ? "csv" : "json");
	if (o->csv)
		lf_columns_names(&o->columns, &job->what);
	lf_text_add(&job->what, "%s%s%s%s%s%s%s shard %u/%u rubric ", o->full && !o->csv ? "full" : "",
		job->feed.cross ? " cross" : "", o->purpose == LEADFIT__V1__PURPOSE__WHAT_IF ? " what-if" : "",
		o->detail == LEADFIT__V1__DETAIL__ALL ? " detail-all" : "", o->rank_table ? " rank-table" : "",
		o->ignore_undeclared ? " ignore-undeclared" : "", job->run.pipe ? " pipe" : "", job->feed.shard,
		job->feed.shards);
	lf_json_print_string(o->rubric, &job->what);
}

/* FILE is not to be one of the inputs: it will be emptied. */
static enum lf_code check_apart(struct job *job, const char *path)
{
	struct stat out, in;

	for (size_t i = 0; i < 2; i++)
		if (stat(path, &out) == 0 &&
			fstat(i == 0 && job->files[0] < 0 ? STDIN_FILENO : job->files[i], &in) == 0 &&
			S_ISREG(out.st_mode) && out.st_ino == in.st_ino && out.st_dev == in.st_dev)
			return lf_error_set(&job->error, LF_INVALID_ARGUMENT, "--out: %s is the input, too", path);
	return LF_OK;
}

static enum lf_code write_heading(struct job *job)
{
	struct lf_buffer text = {0};

	lf_columns_names(&job->options.columns, &text);
	lf_buffer_append_text(&text, "\r\n");
	/* A pipe takes so little whole. */
	if (text.failed || write(job->batch.output, text.data, text.length) != (ssize_t)text.length) {
		if (errno == EPIPE)
			job->batch.closed = true;
		else
			lf_error_set(&job->error, LF_UNAVAILABLE, "%s: %s", job->batch.output_name, strerror(errno));
	}
	lf_buffer_clean_up(&text);
	return job->error.code;
}

static enum lf_code open_output(struct job *job, const char *path)
{
	job->batch.output = STDOUT_FILENO;
	job->batch.output_name = "standard output";
	job->feed.watch.output = STDOUT_FILENO;
	if (path != NULL) {
		describe_options(job);
		if (job->input.failed || job->what.failed)
			return lf_error_set(&job->error, LF_RESOURCE_EXHAUSTED, "out of memory");
		job->run.input = job->input.data;
		job->run.what = job->what.data;
		job->run.csv = job->options.csv;
		job->run.error_column = job->options.csv ? lf_columns_error(&job->options.columns) : 0;
		if (check_apart(job, path) != LF_OK || lf_run_open(&job->run, path, &job->error) != LF_OK)
			return job->error.code;
		job->as_of.seconds = job->run.as_of_seconds;
		job->as_of.nanos = job->run.as_of_nanos;
		job->batch.output = job->run.file;
		job->batch.output_name = path;
		job->feed.watch.output = -1;
	}
	if (job->run.lines > 0)
		fprintf(stderr, "leadfit: going on behind line %" PRIu64 " of %s\n", job->run.lines, path);
	if (job->run.lines > 0 && !lf_feed_skip(&job->feed, job->run.lines))
		return lf_error_set(&job->error, LF_INVALID_ARGUMENT, "%s: has fewer lines than %s has answers",
			job->feed.name, path);
	job->taken_before = job->feed.requests.taken;
	return job->options.csv && job->run.bytes == 0 ? write_heading(job) : LF_OK;
}

/* ---- the run ---- */

static void say_progress(const struct lf_batch *batch, void *context)
{
	struct job *job = context;
	const double seconds = lf_clock_seconds_since(job->begun_ns),
		     rate = (double)batch->lines / (seconds > 0 ? seconds : 1);
	const uint64_t lines = job->run.lines + batch->lines, failed = job->run.failed + batch->failed;
	double done, left;

	if (job->input_bytes == 0 || batch->taken <= job->taken_before) {
		lf_progress_say(
			&job->progress, "%" PRIu64 " lines, %.0f a second, %" PRIu64 " failed", lines, rate, failed);
		return;
	}
	done = (double)(batch->taken - job->taken_before);
	left = (double)(job->input_bytes - batch->taken) * seconds / done;
	lf_progress_say(&job->progress,
		"%" PRIu64 " lines, %.0f%%, %.0f a second, %" PRIu64 " failed, %.0f:%02.0f left", lines,
		100 * (double)batch->taken / (double)job->input_bytes, rate, failed, (double)((long)left / 60),
		(double)((long)left % 60));
}

/* Connects, waiting for a service that is away. */
static enum lf_code connect_client(struct lf_cli *cli, struct job *job)
{
	const struct lf_client_options reach = {.url = NULL};
	const int64_t begun = lf_batch_now_ms();
	bool said = false;

	cli->called = true;
	while (lf_cli_connect(cli, &reach, &job->error) != LF_OK) {
		const struct timespec pause = {.tv_nsec = 500 * 1000 * 1000};

		cli->client = NULL;
		if (job->error.code != LF_UNAVAILABLE ||
			lf_batch_now_ms() - begun + 500 > (int64_t)job->options.wait_ms)
			return job->error.code;
		if (!said)
			fprintf(stderr, "leadfit: %s; waiting for it, up to %u s\n", job->error.message,
				job->options.wait_ms / 1000);
		said = true;
		lf_error_clean_up(&job->error);
		nanosleep(&pause, NULL);
	}
	if (said)
		fputs("leadfit: the service answers again\n", stderr);
	job->batch.client = cli->client;
	return LF_OK;
}

static void sum_up(const struct job *job, const char *out)
{
	const double seconds = lf_clock_seconds_since(job->begun_ns);
	const uint64_t lines = job->run.lines + job->batch.lines, failed = job->run.failed + job->batch.failed;

	fprintf(stderr, "leadfit: %" PRIu64 " line%s, %" PRIu64 " failed", lines, lines == 1 ? "" : "s", failed);
	if (out != NULL)
		fprintf(stderr, ", in %s", out);
	if (job->run.resumed)
		fprintf(stderr, "; %" PRIu64 " of them now", job->batch.lines);
	fprintf(stderr, "; %.1f s, %.0f a second\n", seconds, (double)job->batch.lines / (seconds > 0 ? seconds : 1));
}

static int end(struct lf_cli *cli, struct job *job, const char *out)
{
	int status = LF_EXIT_DONE;

	lf_progress_end(&job->progress);
	if (job->error.code != LF_OK) {
		status = lf_cli_report(cli, &job->error, NULL, 0);
		if (job->run.file >= 0 && job->run.run != NULL && job->batch.client != NULL)
			fprintf(stderr, "leadfit: %s keeps what is done: the same command goes on from there%s%s\n",
				out, job->run.pipe ? ", with --run-id " : "", job->run.pipe ? job->run.id : "");
	} else if (!job->batch.closed) {
		sum_up(job, out);
		status = job->run.failed + job->batch.failed > 0 ? LF_EXIT_USAGE : LF_EXIT_DONE;
	}
	return status;
}

static void clean_up(struct job *job)
{
	lf_feed_clean_up(&job->feed);
	lf_run_close(&job->run);
	lf_buffer_clean_up(&job->input);
	lf_buffer_clean_up(&job->what);
	for (size_t i = 0; i < 2; i++)
		if (job->files[i] >= 0)
			close(job->files[i]);
	lf_error_clean_up(&job->error);
}

/*
 * A chunk's memory is what the next one needs: given back in between, each page of it would be zeroed and mapped anew.
 */
static void keep_memory(void)
{
#ifdef __GLIBC__
	mallopt(M_TRIM_THRESHOLD, LF_REQUEST_BYTES_MAX);
	mallopt(M_MMAP_THRESHOLD, 2 * LF_MESSAGE_BYTES_MAX);
#endif
}

static int run_batch(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	struct job job = {.error = LF_ERROR_INIT,
		.files = {-1, -1},
		.run.file = -1,
		.feed.requests.file = -1,
		.feed.projects.file = -1};
	const char *out = lf_argument(arguments, "out");
	int status;

	lf_progress_init(&job.progress);
	keep_memory();
	if (take_options(&job, cli, arguments) == LF_OK && open_inputs(&job, arguments) == LF_OK &&
		open_output(&job, out) == LF_OK && !job.batch.closed && connect_client(cli, &job) == LF_OK) {
		job.begun_ns = lf_clock_ns();
		job.batch.options = &job.options;
		job.batch.feed = &job.feed;
		if (lf_batch_run(&job.batch, say_progress, &job, &job.error) == LF_OK && !job.batch.closed)
			lf_run_finish(&job.run, &job.error);
	}
	status = end(cli, &job, out);
	clean_up(&job);
	return status;
}

const struct lf_command lf_command_batch = {
	.name = "batch",
	.operands = "FILE | --cross TEAMS PROJECTS",
	.summary = "Score many requests: a line of JSON each in, a line each out",
	.help = "FILE has a ScoreRequest as JSON on each line; - is standard input. Answers come in the order of the "
		"lines, a\n"
		"summary each. A line of which no decision can be made gives {\"line\": N, \"error\": ...} at its "
		"place; the exit\n"
		"status is 2 then. With --out, a run that was interrupted, however, goes on where it was when the same "
		"command is\n"
		"given again, and nothing is decided twice.\n\n"
		"Examples:\n"
		"  leadfit batch requests.ndjson --out answers.ndjson\n"
		"  leadfit batch --cross teams.ndjson projects.ndjson --output csv --out pairs.csv\n"
		"  make-requests | leadfit batch - | jq .recommended\n",
	.options = options,
	.operand_min = 1,
	.operand_max = 2,
	.run = run_batch,
	.writes_lines = true,
};
