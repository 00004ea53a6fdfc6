/* What the figures were measured on and with. */
#ifndef LF_TESTS_BENCH_REPORT_MACHINE_H
#define LF_TESTS_BENCH_REPORT_MACHINE_H

#include <stdbool.h>

struct lf_machine {
	char processor[128];
	long processors; /* that this process may use: fewer under taskset */
	char kernel[160];
	char file_system[32];
	bool real_disk;      /* false: the file system is in memory */
	double load_average; /* of the last minute: above 0.5 before a run, others use the machine */
	char nng[32];
	const char *sqlite, *protobuf_c, *compiler, *build;
};

/* What can't be found out stays "unknown". */
void lf_machine_read(struct lf_machine *machine, const char *directory);

#endif
