/* Packed requests that come again and again: batches, and single ones with teams of any size. */
#ifndef LF_BENCH_POOL_H
#define LF_BENCH_POOL_H

#include "proto/base/status.h"
#include "tests/bench/settings.h"
#include "tests/bench/source.h"

struct lf_pool;

struct lf_batch_shape {
	unsigned items; /* a message, 1..256 */
	bool distinct;  /* as many teams as items; else about the root of that, each with as many projects */
	bool full;      /* whole decisions; else summaries */
};

/* Messages of ScoreBatch. RESOURCE_EXHAUSTED where memory ran out. */
enum lf_code lf_pool_new_batches(struct lf_pool **pool, const struct lf_bench_settings *settings,
	const struct lf_batch_shape *shape, struct lf_error *error);
/* Messages of Score, each with another team of so many members. */
enum lf_code lf_pool_new_scores(
	struct lf_pool **pool, const struct lf_bench_settings *settings, unsigned members, struct lf_error *error);
/* NULL is allowed. */
void lf_pool_destroy(struct lf_pool *pool);
size_t lf_pool_count(const struct lf_pool *pool);
/* Mean length. */
size_t lf_pool_bytes(const struct lf_pool *pool);
struct lf_source lf_pool_source(const struct lf_pool *pool);

#endif
