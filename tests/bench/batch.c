/*
 * `leadfit batch` end to end, files on disk, against its floors: what inserting, scoring, parsing and printing a line
 * cost, each alone.
 *
 *   leadfit-bench-batch [--lines N] [--runs N] [--full] [--sparse] [--http]
 *
 * Makes the lines from the benchmark's workload in a new directory below the current one, which must be on a real disk,
 * and runs `leadfit batch FILE --out FILE` against a leadfitd of its own on a new log each time; both programs stand
 * beside this one. The ratio is lines a second over processors / (insert + kernel + parse + print), CPU times of a
 * line. --full: whole decisions. --sparse: each line has a team that no other has. --http: over HTTP/2
 * instead of nng, both on a local socket. Removes what it wrote.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "leadfit/v1/scoring.pb-c.h"
#include "proto/base/buffer.h"
#include "proto/base/thread.h"
#include "proto/text/json.h"
#include "proto/wire/wire.h"
#include "service/rubric/file.h"
#include "tests/bench/child.h"
#include "tests/bench/floors/insert.h"
#include "tests/bench/floors/kernel.h"
#include "tests/bench/report/machine.h"
#include "tests/bench/meter.h"
#include "tests/bench/workload.h"

extern char **environ;

enum { RUNS_MAX = 100, NAME_BYTES = PATH_MAX + 64, SAMPLE = 4000 /* lines for what is measured alone */ };

/* Of one run; microseconds of CPU time a line unless it says otherwise. */
struct figures {
	double lines_per_s;
	double client_us, server_us;
	double client_mb; /* highest resident size */
	double insert_us, kernel_us, parse_us, print_us;
	double ratio;
};

struct bench {
	unsigned lines, runs;
	bool full, sparse, http;
	char bin[PATH_MAX], folder[PATH_MAX];
	char input[NAME_BYTES], output[NAME_BYTES], log[NAME_BYTES], url[NAME_BYTES], said[NAME_BYTES];
	struct lf_rubric_version *version;
	struct lf_workload *workload;
	struct lf_kernel_bench *kernel;
	double line_bytes;
	struct lf_error error;
};

static double cpu_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static enum lf_code system_error(struct bench *b, const char *what)
{
	return lf_error_set(&b->error, LF_UNAVAILABLE, "%s: %s", what, strerror(errno));
}

/* ---- the lines ---- */

static enum lf_code make_lines(struct bench *b)
{
	const struct lf_json_style style = {0};
	uint8_t buffer[LF_WORKLOAD_REQUEST_BYTES];
	struct lf_buffer text = {0};
	struct lf_arena arena;
	FILE *file = fopen(b->input, "we");
	double bytes = 0;

	lf_arena_init(&arena, 1 << 20);
	for (unsigned i = 0; file != NULL && i < b->lines && b->error.code == LF_OK; i++) {
		size_t length;
		const uint8_t *data = lf_workload_request(b->workload, i, buffer, &length);
		ProtobufCMessage *request =
			lf_wire_unpack(&leadfit__v1__score_request__descriptor, data, length, &arena, &b->error);

		if (request == NULL)
			break;
		text.length = 0;
		lf_json_print(request, &style, &text);
		lf_buffer_append_text(&text, "\n");
		bytes += (double)text.length;
		if (text.failed || fwrite(text.data, 1, text.length, file) != text.length)
			system_error(b, b->input);
		lf_arena_reset(&arena);
	}
	lf_arena_clean_up(&arena);
	lf_buffer_clean_up(&text);
	b->line_bytes = bytes / b->lines;
	if (file == NULL || (fclose(file) != 0 && b->error.code == LF_OK))
		system_error(b, b->input);
	return b->error.code;
}

/* ---- floors ---- */

/*
 * What parsing a line of the file takes, and what printing the message again would: of each line, up to SAMPLE of them.
 * Printing by way of parsing gives real answers without another copy of them.
 */
static enum lf_code measure_text(
	struct bench *b, const char *path, const ProtobufCMessageDescriptor *type, double *parse_us, double *print_us)
{
	const struct lf_json_style style = {0};
	struct lf_buffer text = {0};
	struct lf_arena arena;
	char *line = NULL;
	size_t capacity = 0;
	ssize_t n;
	unsigned count = 0;
	double parse = 0, print = 0;
	FILE *file = fopen(path, "re");

	lf_arena_init(&arena, 1 << 26);
	while (file != NULL && count < SAMPLE && (n = getline(&line, &capacity, file)) > 0) {
		const double begun = cpu_us();
		ProtobufCMessage *message = lf_text_parse(LF_FORMAT_JSON, type, line, (size_t)n, &arena, &b->error);
		const double parsed = cpu_us();

		if (message == NULL)
			break;
		text.length = 0;
		lf_json_print(message, &style, &text);
		print += cpu_us() - parsed;
		parse += parsed - begun;
		count++;
		lf_arena_reset(&arena);
	}
	if (file == NULL || count == 0)
		lf_error_set(&b->error, LF_UNAVAILABLE, "%s: has no lines", path);
	if (file != NULL)
		fclose(file);
	free(line);
	lf_buffer_clean_up(&text);
	lf_arena_clean_up(&arena);
	*parse_us = parse / (count > 0 ? count : 1);
	*print_us = print / (count > 0 ? count : 1);
	return b->error.code;
}

static enum lf_code measure_floors(struct bench *b, struct figures *f)
{
	const ProtobufCMessageDescriptor *answer =
		b->full ? &leadfit__v1__decision__descriptor : &leadfit__v1__batch_summary__descriptor;
	struct lf_written written;
	struct lf_insert insert;
	struct lf_kernel kernel;
	struct lf_steps steps;
	char path[NAME_BYTES + 16];
	double ignored;

	snprintf(path, sizeof(path), "%s.insert", b->log);
	if (measure_text(b, b->input, &leadfit__v1__score_request__descriptor, &f->parse_us, &ignored) != LF_OK ||
		measure_text(b, b->output, answer, &ignored, &f->print_us) != LF_OK ||
		lf_written_read(b->log, 1, b->lines, &written, &b->error) != LF_OK ||
		lf_insert_measure(path, &written, 1, &insert, &b->error) != LF_OK ||
		lf_kernel_bench_run(b->kernel, 1, &kernel, &steps, &b->error) != LF_OK)
		return b->error.code;
	f->insert_us = insert.row_cpu_us;
	/* A summary takes the scores alone. */
	f->kernel_us = (b->full ? kernel.kernel_ns : kernel.score_ns) / 1e3;
	return LF_OK;
}

/* ---- a run ---- */

static void remove_files(const struct bench *b)
{
	static const char *const endings[] = {
		"", "-wal", "-shm", ".lock", ".key", ".key.pub", ".checkpoint", ".checkpoint.erased", ".new"};
	char path[NAME_BYTES + 16];

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", b->log, endings[i]);
		unlink(path);
	}
	unlink(b->output);
	snprintf(path, sizeof(path), "%s.run", b->output);
	unlink(path);
	unlink(b->said);
}

/* Runs leadfit batch, and says what it took. */
static enum lf_code run_client(struct bench *b, struct figures *f)
{
	char program[NAME_BYTES], name[] = "leadfit", command[] = "batch", out[] = "--out", server[] = "--server",
				  full[] = "--full";
	char *argv[] = {name, command, b->input, out, b->output, server, b->url, b->full ? full : NULL, NULL};
	struct rusage usage;
	pid_t pid;
	int status;
	const double begun = now_s();

	snprintf(program, sizeof(program), "%s/leadfit", b->bin);
	if ((errno = posix_spawn(&pid, program, NULL, NULL, argv, environ)) != 0)
		return system_error(b, program);
	while (wait4(pid, &status, 0, &usage) < 0)
		if (errno != EINTR)
			return system_error(b, program);
	f->lines_per_s = b->lines / (now_s() - begun);
	f->client_us = ((double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
			       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec)) /
		b->lines;
	f->client_mb = (double)usage.ru_maxrss / 1024;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return lf_error_set(&b->error, LF_UNAVAILABLE, "leadfit batch ended with %d", status);
	return LF_OK;
}

static enum lf_code run_once(struct bench *b, struct figures *f)
{
	char program[NAME_BYTES], ready[8], checkpoint[NAME_BYTES + 16];
	const char *argv[] = {program, "--db", b->log, b->http ? "--http" : "--listen", b->url, "--rubric",
		LF_BENCH_RUBRIC, "--checkpoints", checkpoint, "--log", "text", NULL};
	struct lf_child daemon = {0};
	uint64_t count = 0;

	snprintf(program, sizeof(program), "%s/leadfitd", b->bin);
	snprintf(checkpoint, sizeof(checkpoint), "%s.checkpoint", b->log);
	remove_files(b);
	if (lf_child_start(&daemon, argv, b->said, &b->error) != LF_OK)
		return b->error.code;
	if (lf_child_await(&daemon, " ready: ", ready, sizeof(ready), &b->error) == LF_OK) {
		const double before = lf_process_cpu_us(daemon.pid);

		run_client(b, f);
		f->server_us = (lf_process_cpu_us(daemon.pid) - before) / b->lines;
	}
	lf_child_stop(&daemon, b->error.code == LF_OK ? &b->error : NULL);
	if (b->error.code == LF_OK && lf_written_count(b->log, &count, &b->error) == LF_OK && count != b->lines)
		lf_error_set(&b->error, LF_DATA_LOSS, "%u lines were answered, and the log has %llu", b->lines,
			(unsigned long long)count);
	if (b->error.code != LF_OK || measure_floors(b, f) != LF_OK)
		return b->error.code;
	f->ratio = f->lines_per_s * (f->insert_us + f->kernel_us + f->parse_us + f->print_us) / 1e6 /
		(double)lf_processors();
	return LF_OK;
}

/* ---- the report ---- */

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void report_one(const char *name, const struct figures *all, unsigned runs, size_t offset, unsigned decimals)
{
	double values[RUNS_MAX];

	for (unsigned i = 0; i < runs; i++)
		memcpy(&values[i], (const char *)&all[i] + offset, sizeof(values[i]));
	qsort(values, runs, sizeof(*values), compare);
	printf("%-28s %12.*f %12.*f %12.*f\n", name, (int)decimals, values[runs / 2], (int)decimals, values[0],
		(int)decimals, values[runs - 1]);
}

static void report(const struct bench *b, const struct figures *all)
{
	struct lf_machine m;

	lf_machine_read(&m, b->folder);
	printf("%s, %ld processors, %s, %s, load %.2f; SQLite %s, nng %s, protobuf-c %s, %s, %s\n", m.processor,
		m.processors, m.kernel, m.file_system, m.load_average, m.sqlite, m.nng, m.protobuf_c, m.compiler,
		m.build);
	printf("%u lines of %.0f bytes, %s, %s; %u runs\n\n", b->lines, b->line_bytes,
		b->full ? "whole decisions" : "summaries", b->sparse ? "a new team each" : "1,000 teams", b->runs);
	printf("%-28s %12s %12s %12s\n", "", "median", "lowest", "highest");
	report_one("lines/s", all, b->runs, offsetof(struct figures, lines_per_s), 0);
	report_one("client us", all, b->runs, offsetof(struct figures, client_us), 1);
	report_one("server us", all, b->runs, offsetof(struct figures, server_us), 1);
	report_one("client peak resident MB", all, b->runs, offsetof(struct figures, client_mb), 0);
	report_one("floor: insert us", all, b->runs, offsetof(struct figures, insert_us), 1);
	report_one("floor: kernel us", all, b->runs, offsetof(struct figures, kernel_us), 1);
	report_one("floor: parse us", all, b->runs, offsetof(struct figures, parse_us), 1);
	report_one("floor: print us", all, b->runs, offsetof(struct figures, print_us), 1);
	report_one("of the floors' rate", all, b->runs, offsetof(struct figures, ratio), 2);
}

/* ---- beginning and end ---- */

static bool take_arguments(struct bench *b, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const bool more = i + 1 < argc;

		if (strcmp(argv[i], "--full") == 0)
			b->full = true;
		else if (strcmp(argv[i], "--sparse") == 0)
			b->sparse = true;
		else if (strcmp(argv[i], "--http") == 0)
			b->http = true;
		else if (more && strcmp(argv[i], "--lines") == 0)
			b->lines = (unsigned)strtoul(argv[++i], NULL, 10);
		else if (more && strcmp(argv[i], "--runs") == 0)
			b->runs = (unsigned)strtoul(argv[++i], NULL, 10);
		else
			return false;
	}
	return b->lines > 0 && b->runs > 0 && b->runs <= RUNS_MAX;
}

static enum lf_code set_up(struct bench *b)
{
	const struct lf_bench_settings settings = {.teams = b->sparse ? 0 : 1000, .projects = 200, .seed = 1};
	char template[] = "leadfit-bench-batch.XXXXXX";
	const ssize_t length = readlink("/proc/self/exe", b->bin, sizeof(b->bin) - 1);
	char *text = NULL, *slash;
	size_t text_length = 0;

	if (length < 0 || (slash = strrchr(b->bin, '/')) == NULL || mkdtemp(template) == NULL ||
		realpath(template, b->folder) == NULL)
		return system_error(b, template);
	*slash = '\0';
	snprintf(b->input, sizeof(b->input), "%s/in.ndjson", b->folder);
	snprintf(b->output, sizeof(b->output), "%s/out.ndjson", b->folder);
	snprintf(b->log, sizeof(b->log), "%s/log.db", b->folder);
	snprintf(b->said, sizeof(b->said), "%s/leadfitd.log", b->folder);
	snprintf(b->url, sizeof(b->url), "%s%s/socket", b->http ? "unix:" : "ipc://", b->folder);
	if (lf_rubric_file_load(&b->version, LF_BENCH_RUBRIC, &text, &text_length, &b->error) != LF_OK)
		lf_rubric_file_say(LF_BENCH_RUBRIC, text, text_length, &b->error);
	free(text);
	if (b->error.code != LF_OK || lf_workload_new(&b->workload, &settings, &b->error) != LF_OK ||
		lf_kernel_bench_new(&b->kernel, b->version, b->workload, &b->error) != LF_OK)
		return b->error.code;
	return make_lines(b);
}

static void tear_down(struct bench *b)
{
	remove_files(b);
	unlink(b->input);
	rmdir(b->folder);
	lf_kernel_bench_destroy(b->kernel);
	lf_workload_destroy(b->workload);
	lf_rubric_version_release(b->version);
}

int main(int argc, char **argv)
{
	struct bench b = {.lines = 100000, .runs = 5, .error = LF_ERROR_INIT};
	struct figures *all;
	int status = 0;

	if (!take_arguments(&b, argc, argv)) {
		fputs("usage: leadfit-bench-batch [--lines N] [--runs N] [--full] [--sparse] [--http]\n", stderr);
		return 2;
	}
	all = calloc(b.runs, sizeof(*all));
	if (all == NULL)
		return 3;
	set_up(&b);
	for (unsigned i = 0; i < b.runs && b.error.code == LF_OK; i++)
		run_once(&b, &all[i]);
	if (b.error.code == LF_OK)
		report(&b, all);
	else
		fprintf(stderr, "leadfit-bench-batch: %s\n", b.error.message), status = 3;
	tear_down(&b);
	free(all);
	lf_error_clean_up(&b.error);
	return status;
}
