/*
 * What run.sh needs of leadfit beside leadfitd and wrk.
 *
 *	lf_bench_peers cases TEAMS REQUESTS MESSAGE DIR
 *	lf_bench_peers calls TEAMS URL PID IN_FLIGHT SECONDS
 *
 * cases writes the requests as JSON, one a team and line, into the file REQUESTS, and the first of them as gRPC frames it into
 * MESSAGE, for h2load; it prints what machine this is, with the file system of DIR. calls measures Score over one connection by the
 * client library, of leadfitd PID at URL. Both print one line of JSON. Exit status: 0 done, 2 usage, 3 something failed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/calls.h"
#include "tests/bench/cases.h"
#include "tests/bench/child.h"
#include "tests/bench/floors/h2load.h"
#include "tests/bench/report/machine.h"
#include "tests/bench/workload.h"

enum {
	PROJECTS = 200,
	ANSWERS_MIN = 20,
	EXIT_USAGE = 2,
	EXIT_FAILED = 3,
};

struct job {
	const struct lf_workload *workload;
	size_t teams;
	char **arguments; /* after TEAMS */
};

static enum lf_code write_requests(const char *path, const struct lf_cases *cases, size_t count, struct lf_error *error)
{
	FILE *file = fopen(path, "we");
	bool good = file != NULL;

	for (size_t i = 0; i < count && good; i++)
		good = lf_cases_print(&cases->requests[i]->base, file);
	if (file != NULL && fclose(file) != 0)
		good = false;
	return good ? LF_OK : lf_error_set(error, LF_UNAVAILABLE, "can't write %s: %s", path, strerror(errno));
}

static enum lf_code write_cases(const struct job *job, struct lf_error *error)
{
	uint8_t buffer[LF_WORKLOAD_REQUEST_BYTES];
	size_t length;
	const uint8_t *first = lf_workload_request(job->workload, 0, buffer, &length);
	struct lf_cases cases = {0};
	struct lf_machine machine;
	enum lf_code code = lf_cases_unpack(&cases, job->workload, error);

	if (code == LF_OK)
		code = write_requests(job->arguments[0], &cases, job->teams, error);
	if (code == LF_OK)
		code = lf_h2load_message(job->arguments[1], first, length, error);
	lf_cases_free(&cases);
	if (code != LF_OK)
		return code;
	lf_machine_read(&machine, job->arguments[2]);
	printf("{\"processor\": \"%s\", \"processors\": %ld, \"kernel\": \"%s\", \"fileSystem\": \"%s\", "
	       "\"inMemory\": %s, \"leadfit\": \"%s\"}\n",
		machine.processor, machine.processors, machine.kernel, machine.file_system,
		machine.real_disk ? "false" : "true", LF_VERSION);
	return LF_OK;
}

static enum lf_code measure_calls(const struct job *job, struct lf_error *error)
{
	const pid_t server = (pid_t)strtol(job->arguments[1], NULL, 10);
	const unsigned in_flight = (unsigned)strtoul(job->arguments[2], NULL, 10);
	const double seconds = strtod(job->arguments[3], NULL);
	const struct lf_client_options options = {.url = job->arguments[0], .in_flight_max = LF_BENCH_IN_FLIGHT_MAX};
	struct lf_client *client;
	struct lf_load load = {0};
	uint64_t number = 0;
	enum lf_code code;

	if (server < 1 || in_flight < 1 || in_flight > LF_BENCH_IN_FLIGHT_MAX || !(seconds >= 0.05 && seconds <= 60))
		return lf_error_set(error, LF_INVALID_ARGUMENT,
			"PID is above 0, IN_FLIGHT 1..%d, SECONDS 0.05..60: see run.sh", LF_BENCH_IN_FLIGHT_MAX);
	code = lf_client_new(&client, &options, error);
	if (code != LF_OK)
		return code;
	code = lf_calls_measure(&(struct lf_calls_options){.clients = &client,
					.client_count = 1,
					.source = lf_workload_source(job->workload),
					.in_flight = in_flight},
		server, seconds, ANSWERS_MIN, &number, &load, error);
	lf_client_destroy(client);
	if (code == LF_OK)
		printf("{\"rate\": %.1f, \"p50Us\": %.1f, \"p99Us\": %.1f, \"serverUs\": %.2f, \"bytes\": %.0f, "
		       "\"answered\": %llu}\n",
			load.requests_per_s, load.p50_us, load.p99_us, load.server_cpu_us, load.reply_bytes,
			(unsigned long long)load.last);
	return code;
}

int main(int argc, char **argv)
{
	const bool cases = argc == 6 && strcmp(argv[1], "cases") == 0;
	const bool calls = argc == 7 && strcmp(argv[1], "calls") == 0;
	const unsigned long teams = cases || calls ? strtoul(argv[2], NULL, 10) : 0;
	const struct lf_bench_settings settings = {.teams = (unsigned)teams, .projects = PROJECTS, .seed = 1};
	struct lf_workload *workload;
	struct lf_error error = LF_ERROR_INIT;
	enum lf_code code;

	if (teams < 1 || teams > LF_BENCH_TEAMS_MAX) {
		fprintf(stderr,
			"Usage: lf_bench_peers cases TEAMS REQUESTS MESSAGE DIR\n"
			"       lf_bench_peers calls TEAMS URL PID IN_FLIGHT SECONDS\n"
			"TEAMS is 1..%d; see run.sh.\n",
			LF_BENCH_TEAMS_MAX);
		return EXIT_USAGE;
	}
	lf_child_block_signals();
	code = lf_workload_new(&workload, &settings, &error);
	if (code == LF_OK) {
		const struct job job = {workload, teams, argv + 3};

		code = cases ? write_cases(&job, &error) : measure_calls(&job, &error);
		lf_workload_destroy(workload);
	}
	if (code == LF_OK)
		return 0;
	fprintf(stderr, "lf_bench_peers: %s\n", error.message);
	lf_error_clean_up(&error);
	return code == LF_INVALID_ARGUMENT ? EXIT_USAGE : EXIT_FAILED;
}
