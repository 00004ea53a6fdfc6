/* What a run of leadfit-bench is asked to do. */
#ifndef LF_BENCH_SETTINGS_H
#define LF_BENCH_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	LF_BENCH_POINTS_MAX = 8,      /* different numbers in flight */
	LF_BENCH_IN_FLIGHT_MAX = 500, /* below the share of one connection */
	LF_BENCH_RUNS_MAX = 100,
	LF_BENCH_TEAMS_MAX = 16384,
	LF_BENCH_PROJECTS_MAX = 16384,
};

struct lf_bench_settings {
	unsigned runs;
	double seconds; /* of each measurement */
	unsigned in_flight[LF_BENCH_POINTS_MAX];
	size_t point_count;
	unsigned teams; /* 0: every request has a new team */
	unsigned projects;
	uint64_t seed;
	unsigned batch_items; /* a message of ScoreBatch; 0: none is measured */
	unsigned workers;     /* 0: the service's default */
	bool ipc;             /* else TCP */
	bool grpc;
	bool scale;            /* costs a unit, in place of rounds */
	bool http;             /* over HTTP/2 beside gRPC and nng, in place of rounds */
	bool open_loop;        /* latencies at parts of the full rate, in place of rounds */
	unsigned scale_max;    /* sizes above are left out */
	double soak_minutes;   /* 0: none; in place of rounds */
	double soak_load;      /* part of the full rate */
	unsigned shutdowns;    /* under full load; 0: none; in place of rounds */
	bool kernel_only;      /* nothing but (k): no servers */
	bool keep;             /* the directory, with the last log */
	bool json;             /* to standard output, instead of the table */
	const char *json_file; /* NULL: none */
	const char *directory; /* NULL: a new one below the current directory */
	const char *rubric;
	const char *server; /* NULL: leadfitd beside this program */
};

/* Exit status, or -1 to go on. Prints help and usage errors. */
int lf_bench_options(int argc, char **argv, struct lf_bench_settings *settings);

#endif
