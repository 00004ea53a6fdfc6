/*
 * leadfit-bench: leadfitd and the floors below it, measured in one run. README.md says what each figure is.
 *
 * Started as "leadfit-bench echo-server URL CONTEXTS BYTES" (or grpc-server), it is the server process of a floor.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service/rubric/file.h"
#include "tests/bench/floors/echo.h"
#include "tests/bench/modes.h"
#include "tests/bench/report/figures.h"
#ifdef LF_BENCH_GRPC
#include "tests/bench/floors/grpc_echo.h"
#endif

enum { EXIT_USAGE = 2, EXIT_FAILED = 3 };

/* Paths that stay fixed for the run. */
struct paths {
	char self[PATH_MAX];
	char server[PATH_MAX];
	char directory[PATH_MAX];
};

static int fail(const struct lf_error *error)
{
	fprintf(stderr, "leadfit-bench: %s\n", error->message);
	return EXIT_FAILED;
}

/* ---- where everything is ---- */

static bool find_programs(struct paths *paths, const struct lf_bench_settings *settings)
{
	const ssize_t length = readlink("/proc/self/exe", paths->self, sizeof(paths->self) - 1);
	const char *slash;

	if (length < 0)
		return false;
	paths->self[length] = '\0';
	slash = strrchr(paths->self, '/');
	if (settings->server != NULL)
		snprintf(paths->server, sizeof(paths->server), "%s", settings->server);
	else
		snprintf(
			paths->server, sizeof(paths->server), "%.*s/leadfitd", (int)(slash - paths->self), paths->self);
	return access(paths->server, X_OK) == 0;
}

static bool make_directory(struct paths *paths, const struct lf_bench_settings *settings)
{
	char template[] = "leadfit-bench.XXXXXX";

	if (settings->directory == NULL)
		return mkdtemp(template) != NULL && realpath(template, paths->directory) != NULL;
	return realpath(settings->directory, paths->directory) != NULL && access(paths->directory, W_OK) == 0;
}

/* What rounds leave behind: the output of servers. The directory only where it is ours. */
static void remove_directory(const struct paths *paths, const struct lf_bench_settings *settings)
{
	static const char *const names[] = {"leadfitd.log", "echo-server.log", "grpc-server.log", "h2load.log",
		"request.grpc", "empty.grpc", "leadfitd.sock", "echo-server.sock", "grpc-server.sock"};
	char path[PATH_MAX + 32];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", paths->directory, names[i]);
		unlink(path);
	}
	if (settings->directory == NULL)
		rmdir(paths->directory);
}

/* ---- the run ---- */

static enum lf_code run_rounds(struct lf_bench *bench, struct lf_round *rounds, struct lf_error *error)
{
	enum lf_code code = LF_OK;

	for (unsigned r = 0; r < bench->settings->runs && code == LF_OK; r++) {
		if (isatty(STDERR_FILENO))
			fprintf(stderr, "\rround %u of %u", r + 1, bench->settings->runs);
		code = lf_round_run(bench, &rounds[r], error);
	}
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	return code;
}

static int write_report(const struct lf_report *report)
{
	const struct lf_bench_settings *settings = report->settings;
	FILE *file;
	bool good;

	if (settings->json)
		good = lf_report_json(report, stdout);
	else
		lf_report_table(report, stdout), good = fflush(stdout) == 0;
	if (good && settings->json_file != NULL) {
		file = fopen(settings->json_file, "we");
		good = file != NULL && lf_report_json(report, file);
		if (file != NULL && fclose(file) != 0)
			good = false;
	}
	if (!good)
		fprintf(stderr, "leadfit-bench: can't write the report: %s\n", strerror(errno));
	return good ? 0 : EXIT_FAILED;
}

static bool has_mode(const struct lf_bench_settings *settings)
{
	return settings->scale || settings->http || settings->open_loop || settings->soak_minutes > 0 ||
		settings->shutdowns > 0;
}

static int run_mode(struct lf_bench *bench, const struct lf_machine *machine, struct lf_error *error)
{
	const struct lf_bench_settings *settings = bench->settings;
	enum lf_code code;

	if (!settings->json)
		lf_report_machine(machine, stdout);
	if (settings->scale)
		code = lf_mode_scale(bench, machine, error);
#ifdef LF_BENCH_GRPC
	else if (settings->http)
		code = lf_mode_http(bench, machine, error);
#endif
	else if (settings->open_loop)
		code = lf_mode_open_loop(bench, machine, error);
	else if (settings->soak_minutes > 0)
		code = lf_mode_soak(bench, machine, error);
	else
		code = lf_mode_shutdown(bench, machine, error);
	return code == LF_OK ? 0 : fail(error);
}

/* With a directory: loads the rubric, makes the requests, runs the rounds, reports. */
static int run(const struct lf_bench_settings *settings, const struct paths *paths)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_round *rounds = calloc(settings->runs, sizeof(*rounds));
	struct lf_rubric_version *version = NULL;
	struct lf_workload *workload = NULL;
	struct lf_bench bench = {
		.settings = settings, .self = paths->self, .server = paths->server, .directory = paths->directory};
	struct lf_machine machine;
	struct lf_robust robust;
	char *text = NULL;
	size_t length = 0;
	int status = EXIT_FAILED;

	lf_machine_read(&machine, paths->directory);
	if (rounds == NULL) {
		lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "out of memory");
		fail(&error);
	} else if (lf_rubric_file_load(&version, settings->rubric, &text, &length, &error) != LF_OK) {
		lf_rubric_file_say(settings->rubric, text, length, &error);
	} else if (lf_workload_new(&workload, settings, &error) != LF_OK ||
		lf_kernel_bench_new(&bench.kernel, version, workload, &error) != LF_OK) {
		fail(&error);
	} else {
		bench.workload = workload;
		if (has_mode(settings))
			status = run_mode(&bench, &machine, &error);
		else if (run_rounds(&bench, rounds, &error) != LF_OK ||
			(settings->kernel_only &&
				lf_robust_run(settings->seconds * settings->runs, &robust, &error) != LF_OK))
			fail(&error);
		else
			status = write_report(&(struct lf_report){
				&bench, settings, rounds, &machine, settings->kernel_only ? &robust : NULL});
	}
	lf_kernel_bench_destroy(bench.kernel);
	lf_workload_destroy(workload);
	lf_rubric_version_release(version);
	lf_error_clean_up(&error);
	free(text);
	free(rounds);
	return status;
}

int main(int argc, char **argv)
{
	struct lf_bench_settings settings;
	struct paths paths = {0};
	int status;

	lf_child_block_signals();
	if (argc == 5 && strcmp(argv[1], "echo-server") == 0)
		return lf_echo_serve(argv[2], (unsigned)strtoul(argv[3], NULL, 10), strtoul(argv[4], NULL, 10));
#ifdef LF_BENCH_GRPC
	if (argc == 5 && strcmp(argv[1], "grpc-server") == 0)
		return lf_grpc_serve(strtoul(argv[4], NULL, 10));
#endif
	status = lf_bench_options(argc, argv, &settings);
	if (status >= 0)
		return status;
	if (!find_programs(&paths, &settings)) {
		fprintf(stderr,
			"leadfit-bench: there is no leadfitd to run at %s: build it, or name it with --server\n",
			paths.server);
		return EXIT_USAGE;
	}
	if (!make_directory(&paths, &settings)) {
		fprintf(stderr, "leadfit-bench: %s can't be written: %s\n",
			settings.directory != NULL ? settings.directory : "the current directory", strerror(errno));
		return EXIT_USAGE;
	}
	status = run(&settings, &paths);
	if (settings.keep)
		fprintf(stderr, "leadfit-bench: kept %s\n", paths.directory);
	else
		remove_directory(&paths, &settings);
	return status;
}
