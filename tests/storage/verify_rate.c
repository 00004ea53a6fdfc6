/*
 * How fast verifying is, a core: the tree alone (leaf hashes from commitments, nodes, root), commitments of bytes
 * alone, and a stored log.
 *
 *   lf_verify_rate [FILE]
 *
 * CPU time counts, so that other work on the machine matters little. FILE is read only. Figures: tests/bench/NOTES.md.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "storage/tlog/tree.h"
#include "storage/verify/verify.h"
#include "storage/sqlite/sqlite.h"

enum { LEAVES = 2000000, BYTES = 400 * 1000 * 1000 };

static double cpu_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void time_tree(void)
{
	struct lf_digest commitments[4] = {{{1}}, {{2}}, {{3}}, {{4}}}, hash;
	struct lf_node nodes[LF_TREE_NODES_MAX];
	struct lf_tree tree = {0};
	const double begun = cpu_seconds();

	for (uint64_t i = 0; i < LEAVES; i++) {
		lf_leaf_digest(&(struct lf_leaf){LF_LEAF_DECISION, i + 1, (int64_t)i, commitments, 4}, &hash);
		lf_tree_add(&tree, &hash, nodes);
	}
	lf_tree_root(&tree, &hash);
	printf("tree         %.2f M leaves/s\n", LEAVES / 1e6 / (cpu_seconds() - begun));
}

static void time_bytes(size_t size)
{
	uint8_t *bytes = calloc(size, 1);
	struct lf_salt salt = {{0}};
	struct lf_digest digest;
	double begun;

	if (bytes == NULL)
		return;
	begun = cpu_seconds();
	for (size_t done = 0; done < BYTES; done += size) {
		lf_commit(&salt, bytes, size, &digest);
		memcpy(&salt, &digest, sizeof(salt));
	}
	printf("bytes        %.0f MB/s in pieces of %zu\n", BYTES / 1e6 / (cpu_seconds() - begun), size);
	free(bytes);
}

static void print_finding(void *context, const struct lf_verify_finding *finding)
{
	(void)context;
	printf("record %llu: %s\n", (unsigned long long)finding->position, finding->what);
}

static int time_log(const char *file)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_log *log = NULL;
	struct lf_tree_head head;
	uint64_t next = 0;
	struct lf_verify *verify;
	double begun, seconds;
	const struct lf_verify_totals *totals;

	if (lf_log_open(&log, &lf_sqlite_backend, &(struct lf_log_options){.location = file, .read_only = true},
		    &error) != LF_OK ||
		lf_log_head(log, &head, &error) != LF_OK) {
		fprintf(stderr, "%s\n", error.message);
		return 1;
	}
	verify = lf_verify_new(log);
	begun = cpu_seconds();
	do
		if (lf_verify_slice(verify, next, head.size, 1000, print_finding, NULL, &next, &error) != LF_OK)
			fprintf(stderr, "%s\n", error.message);
	while (next != 0 && error.code == LF_OK);
	seconds = cpu_seconds() - begun;
	totals = lf_verify_totals(verify);
	printf("log          %llu records: %.0f records/s, %.0f MB/s\n", (unsigned long long)totals->records,
		(double)totals->records / seconds, (double)totals->bytes / 1e6 / seconds);
	lf_verify_free(verify);
	lf_log_close(log);
	return error.code != LF_OK;
}

int main(int argc, char **argv)
{
	time_tree();
	time_bytes(1300);
	time_bytes(64 * 1024);
	return argc > 1 ? time_log(argv[1]) : 0;
}
