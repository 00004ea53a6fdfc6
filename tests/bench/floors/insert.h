/*
 * Floor (b): bare SQLite inserts of as many bytes a row, in as large batches, as the decision log wrote, with the same
 * durability (WAL, synchronous=FULL) on the same file system. And the reading of the log that says how many that is.
 */
#ifndef LF_TESTS_BENCH_FLOORS_INSERT_H
#define LF_TESTS_BENCH_FLOORS_INSERT_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/status.h"

/* What the log did for one window of decisions. */
struct lf_written {
	double row_bytes; /* a decision: its row, and its part of the payloads and names that were new */
	double batch;     /* decisions a commit */
};

/* Reads a closed log. first, last: sequences, last included. FAILED_PRECONDITION where there are not so many decisions.
 */
enum lf_code lf_written_read(
	const char *log, uint64_t first, uint64_t last, struct lf_written *written, struct lf_error *error);
/* How many decisions a closed log holds. */
enum lf_code lf_written_count(const char *log, uint64_t *count, struct lf_error *error);

struct lf_insert {
	double rows_per_s;
	double row_cpu_us;    /* CPU time of the inserting thread, a row */
	double commit_p50_us; /* one batch: begin, inserts, commit */
};

/* Inserts into a new file for that many seconds (or 2 GB), and deletes it. */
enum lf_code lf_insert_measure(const char *path, const struct lf_written *written, double seconds,
	struct lf_insert *insert, struct lf_error *error);

#endif
