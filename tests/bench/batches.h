/* (d) ScoreBatch: what a decision costs in a batch, and what batches do to those who ask one at a time. */
#ifndef LF_BENCH_BATCHES_H
#define LF_BENCH_BATCHES_H

#include "tests/bench/pool.h"
#include "tests/bench/round.h"
#include "tests/bench/server.h"

enum {
	LF_BATCHES_IN_FLIGHT = 2, /* messages: one is scored while the other is written and answered */
	LF_FAIRNESS_IN_FLIGHT = 16,
	LF_FLOOD_IN_FLIGHT = 256,
	LF_FLOOD_CONNECTIONS = 16, /* of those that take turns */
};

struct lf_batch_kind {
	const char *title;
	const char *name; /* in JSON */
	bool distinct, full;
};

extern const struct lf_batch_kind lf_batch_kinds[LF_BATCH_KINDS];

/* All measurements against one server; sets batches[].load and fairness of the round. */
enum lf_code lf_batches_run(
	struct lf_bench *bench, struct lf_bench_server *server, struct lf_round *round, struct lf_error *error);
/* After the server has ended: what was written, and the same barely. */
enum lf_code lf_batch_insert(
	const char *log, const char *path, double seconds, struct lf_batch_point *point, struct lf_error *error);

#endif
