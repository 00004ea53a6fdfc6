/*
 * The file that a batch writes, and how a run that was interrupted goes on.
 *
 * FILE.run says which run it is: its id, its instant, its input and its options. It is written once, before the first
 * line, and removed when the last one is on disk. FILE itself says how far the run is: one line a line of input, all of
 * them whole but perhaps the last. The keys of requests follow from the run's id and the line alone, so that a line
 * that was decided but not written is not decided again.
 */
#ifndef LF_CLIENT_BATCH_RUN_H
#define LF_CLIENT_BATCH_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/text/json.h"
#include "proto/base/status.h"

enum { LF_RUN_ID_MAX = 64 /* bytes */, LF_RUN_ID_BYTES = LF_RUN_ID_MAX + 1 };

struct lf_run {
	char id[LF_RUN_ID_BYTES];
	int64_t as_of_seconds;
	int32_t as_of_nanos;
	const char *input; /* one line: what is read, as far as can be told */
	const char *what;  /* one line: options on which answers depend */
	bool named;        /* the id was given */
	bool dated;        /* the instant was given */
	bool pipe;         /* the input can't be told from another */
	bool csv;
	size_t error_column; /* csv */
	/* Set by lf_run_open(). */
	char *path, *run; /* resolved; NULL: standard output */
	int file;         /* -1: not open */
	bool resumed;
	uint64_t lines;  /* that FILE has already, without a heading */
	uint64_t failed; /* of them */
	uint64_t bytes;  /* that FILE has */
};

/* An id that nobody had before, and that is above earlier ones. */
enum lf_code lf_run_id_new(char id[LF_RUN_ID_BYTES], struct lf_error *error);
/*
 * Opens FILE, locks it, and goes on with an unfinished run where FILE.run is of one with this input and these options:
 * id and instant are that one's then. Begins anew where there is none, emptying FILE. INVALID_ARGUMENT where another
 * process writes FILE, where FILE.run is of another run, or FILE is no regular file; UNAVAILABLE where it can't be
 * written. Blocks. Close in any case.
 */
enum lf_code lf_run_open(struct lf_run *run, const char *path, struct lf_error *error);
/* Everything is written: syncs FILE and removes FILE.run. */
enum lf_code lf_run_finish(struct lf_run *run, struct lf_error *error);
void lf_run_close(struct lf_run *run);

#endif
