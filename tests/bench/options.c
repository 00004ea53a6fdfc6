#include "tests/bench/settings.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/limits.h"

static const char usage[] =
	"Usage: leadfit-bench [OPTION]...\n"
	"Measures leadfitd and, in the same run, the floors below it: nng's own echo, bare SQLite\n"
	"inserts, and the engine alone. Prints medians over all runs, and the ratios that count.\n"
	"\n"
	"  --runs N             interleaved rounds, 1..100 (default 5)\n"
	"  --seconds S          of each measurement, 0.05..60 (default 2)\n"
	"  --in-flight N[,N]... requests in flight, up to 8 of 1..1000 (default 1,16,64,256)\n"
	"  --teams N            distinct teams, up to 16384; 0: every request has a new team,\n"
	"                       the worst case for the log (default 1000)\n"
	"  --projects N         distinct projects, 1..16384 (default 200)\n"
	"  --batch-items N      requests in a message of ScoreBatch, up to 256; 0: no batches\n"
	"                       (default 256)\n"
	"  --transport T        tcp or ipc (default tcp), always this machine only\n"
	"  --workers N          worker threads of leadfitd (default: its own)\n"
	"  --dir DIR            where the logs go; must be a real disk, or commits cost nothing\n"
	"                       (default: a new directory below the current one)\n"
	"  --keep               leave the directory with the last log\n"
	"  --rubric FILE        rubric with the criteria of tests/bench/rubric.yaml\n"
	"  --server FILE        the leadfitd to measure (default: beside this program)\n"
	"  --seed N             of the random teams and projects (default 1)\n"
	"  --grpc               also measure gRPC C++ (callback API) echoing an empty message,\n"
	"                       where this program was built with it\n"
	"  --scale              instead of all that: what a decision costs by the size of the team and\n"
	"                       by the number of connections\n"
	"  --http               instead: over HTTP/2, by h2load and gRPC C++'s client, beside gRPC C++'s own\n"
	"                       echo and nng, on 1 and 16 connections\n"
	"  --scale-max N        leaves out what is larger, 1..1000 (default 1000)\n"
	"  --open-loop          instead: the full rate with 64 in flight, then latencies at 0.3, 0.5, 0.7 and\n"
	"                       0.9 of it, sent at fixed times; over nng and over HTTP/2\n"
	"  --soak MINUTES       instead: a steady load for that long, 0.05..1440; memory, descriptors,\n"
	"                       latency and the WAL over time\n"
	"  --load PART          of the full rate that the soak is run at, 0.05..1 (default 0.7)\n"
	"  --shutdown N         instead: N times SIGTERM under full load, up to 100\n"
	"  --kernel-only        only the engine and the steps around it, in this process\n"
	"  --output table|json  what to print (default table)\n"
	"  --json FILE          also write the JSON there\n"
	"  --version            print the version\n"
	"  --help               print this\n"
	"\n"
	"A run takes about RUNS x IN-FLIGHT COUNTS x 4 x SECONDS, and needs about 1 GB of disk.\n"
	"Exit status: 0 measured (whatever the figures), 2 usage, 3 something failed.\n"
	"tests/bench/README.md says what each figure means.\n";

static int complain(const char *option, const char *value, const char *allowed)
{
	fprintf(stderr, "leadfit-bench: --%s %s: allowed are %s\nTry 'leadfit-bench --help'.\n", option, value,
		allowed);
	return 2;
}

static bool read_number(const char *text, unsigned long low, unsigned long high, unsigned *value)
{
	char *end;
	unsigned long number;

	if (*text < '0' || *text > '9')
		return false;
	number = strtoul(text, &end, 10);
	*value = (unsigned)number;
	return *end == '\0' && number >= low && number <= high;
}

static bool read_double(const char *text, double low, double high, double *value)
{
	char *end;

	*value = strtod(text, &end);
	return end != text && *end == '\0' && *value >= low && *value <= high;
}

static bool read_in_flight(const char *text, struct lf_bench_settings *settings)
{
	settings->point_count = 0;
	for (;;) {
		const size_t length = strcspn(text, ",");
		char one[16];

		if (settings->point_count == LF_BENCH_POINTS_MAX || length >= sizeof(one))
			return false;
		memcpy(one, text, length);
		one[length] = '\0';
		if (!read_number(one, 1, LF_BENCH_IN_FLIGHT_MAX, &settings->in_flight[settings->point_count++]))
			return false;
		if (text[length] == '\0')
			return true;
		text += length + 1;
	}
}

static bool choose(const char *value, const char *no, const char *yes, bool *chosen)
{
	*chosen = strcmp(value, yes) == 0;
	return *chosen || strcmp(value, no) == 0;
}

enum {
	RUNS = 256,
	SECONDS,
	IN_FLIGHT,
	TEAMS,
	PROJECTS,
	TRANSPORT,
	WORKERS,
	DIRECTORY,
	KEEP,
	RUBRIC,
	SERVER,
	SEED,
	GRPC,
	BATCH_ITEMS,
	SCALE,
	HTTP,
	SCALE_MAX,
	OPEN_LOOP,
	SOAK,
	LOAD,
	SHUTDOWN,
	KERNEL_ONLY,
	OUTPUT,
	JSON,
	VERSION,
	HELP,
};

static const struct option table[] = {
	{"runs", required_argument, NULL, RUNS},
	{"seconds", required_argument, NULL, SECONDS},
	{"in-flight", required_argument, NULL, IN_FLIGHT},
	{"teams", required_argument, NULL, TEAMS},
	{"projects", required_argument, NULL, PROJECTS},
	{"transport", required_argument, NULL, TRANSPORT},
	{"workers", required_argument, NULL, WORKERS},
	{"dir", required_argument, NULL, DIRECTORY},
	{"keep", no_argument, NULL, KEEP},
	{"rubric", required_argument, NULL, RUBRIC},
	{"server", required_argument, NULL, SERVER},
	{"seed", required_argument, NULL, SEED},
	{"grpc", no_argument, NULL, GRPC},
	{"batch-items", required_argument, NULL, BATCH_ITEMS},
	{"scale", no_argument, NULL, SCALE},
	{"http", no_argument, NULL, HTTP},
	{"scale-max", required_argument, NULL, SCALE_MAX},
	{"open-loop", no_argument, NULL, OPEN_LOOP},
	{"soak", required_argument, NULL, SOAK},
	{"load", required_argument, NULL, LOAD},
	{"shutdown", required_argument, NULL, SHUTDOWN},
	{"kernel-only", no_argument, NULL, KERNEL_ONLY},
	{"output", required_argument, NULL, OUTPUT},
	{"json", required_argument, NULL, JSON},
	{"version", no_argument, NULL, VERSION},
	{"help", no_argument, NULL, HELP},
	{NULL, 0, NULL, 0},
};

/* Exit status, or -1 to go on. */
static int take(int option, const char *value, struct lf_bench_settings *settings)
{
	unsigned seed;

	switch (option) {
	case RUNS:
		return read_number(value, 1, LF_BENCH_RUNS_MAX, &settings->runs) ? -1
										 : complain("runs", value, "1..100");
	case SECONDS:
		return read_double(value, 0.05, 60, &settings->seconds) ? -1 : complain("seconds", value, "0.05..60");
	case IN_FLIGHT:
		return read_in_flight(value, settings) ? -1
						       : complain("in-flight", value, "up to 8 of 1..1000, by commas");
	case TEAMS:
		return read_number(value, 0, LF_BENCH_TEAMS_MAX, &settings->teams)
			? -1
			: complain("teams", value, "0..16384");
	case PROJECTS:
		return read_number(value, 1, LF_BENCH_PROJECTS_MAX, &settings->projects)
			? -1
			: complain("projects", value, "1..16384");
	case TRANSPORT:
		return choose(value, "tcp", "ipc", &settings->ipc) ? -1 : complain("transport", value, "tcp, ipc");
	case WORKERS:
		return read_number(value, 1, 64, &settings->workers) ? -1 : complain("workers", value, "1..64");
	case SEED:
		if (!read_number(value, 0, 1000000000, &seed))
			return complain("seed", value, "0..1000000000");
		settings->seed = seed;
		return -1;
	case OUTPUT:
		return choose(value, "table", "json", &settings->json) ? -1 : complain("output", value, "table, json");
	case DIRECTORY:
		settings->directory = value;
		return -1;
	case KEEP:
		settings->keep = true;
		return -1;
	case RUBRIC:
		settings->rubric = value;
		return -1;
	case SERVER:
		settings->server = value;
		return -1;
	case GRPC:
		settings->grpc = true;
		return -1;
	case BATCH_ITEMS:
		return read_number(value, 0, LF_BATCH_MAX, &settings->batch_items)
			? -1
			: complain("batch-items", value, "0..256");
	case SCALE:
		settings->scale = true;
		return -1;
	case HTTP:
		settings->http = true;
		return -1;
	case SCALE_MAX:
		return read_number(value, 1, 1000, &settings->scale_max) ? -1 : complain("scale-max", value, "1..1000");
	case OPEN_LOOP:
		settings->open_loop = true;
		return -1;
	case SOAK:
		return read_double(value, 0.05, 1440, &settings->soak_minutes) ? -1
									       : complain("soak", value, "0.05..1440");
	case LOAD:
		return read_double(value, 0.05, 1, &settings->soak_load) ? -1 : complain("load", value, "0.05..1");
	case SHUTDOWN:
		return read_number(value, 1, LF_BENCH_RUNS_MAX, &settings->shutdowns)
			? -1
			: complain("shutdown", value, "1..100");
	case KERNEL_ONLY:
		settings->kernel_only = true;
		return -1;
	case JSON:
		settings->json_file = value;
		return -1;
	case VERSION:
		printf("leadfit-bench %s\n", LF_VERSION);
		return 0;
	case HELP:
		fputs(usage, stdout);
		return 0;
	default:
		fputs("Try 'leadfit-bench --help'.\n", stderr);
		return 2;
	}
}

int lf_bench_options(int argc, char **argv, struct lf_bench_settings *settings)
{
	int option, status;

	*settings = (struct lf_bench_settings){
		.runs = 5,
		.seconds = 2,
		.in_flight = {1, 16, 64, 256},
		.point_count = 4,
		.teams = 1000,
		.projects = 200,
		.seed = 1,
		.batch_items = LF_BATCH_MAX,
		.scale_max = 1000,
		.soak_load = 0.7,
		.rubric = LF_BENCH_RUBRIC,
	};
	while ((option = getopt_long(argc, argv, "", table, NULL)) != -1) {
		status = take(option, optarg, settings);
		if (status >= 0)
			return status;
	}
	if (settings->kernel_only)
		settings->point_count = 0;
	if (settings->kernel_only + settings->scale + settings->http + settings->open_loop +
			(settings->soak_minutes > 0) + (settings->shutdowns > 0) >
		1) {
		fputs("leadfit-bench: only one of --kernel-only, --scale, --http, --open-loop, --soak, --shutdown at "
		      "a time\n",
			stderr);
		return 2;
	}
	if (optind < argc) {
		fprintf(stderr, "leadfit-bench: unexpected argument %s\nTry 'leadfit-bench --help'.\n", argv[optind]);
		return 2;
	}
#ifndef LF_BENCH_GRPC
	if (settings->grpc || settings->http) {
		fprintf(stderr, "leadfit-bench: --%s: this program was built without gRPC C++\n",
			settings->grpc ? "grpc" : "http");
		return 2;
	}
#endif
	return -1;
}
