/* The requests of the benchmark: random teams and projects by a fixed seed, packed before anything is measured. */
#ifndef LF_BENCH_WORKLOAD_H
#define LF_BENCH_WORKLOAD_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/status.h"
#include "tests/bench/drafts.h"
#include "tests/bench/source.h"
#include "tests/bench/settings.h"

enum {
	LF_WORKLOAD_MEMBERS = 8,
	LF_WORKLOAD_EVIDENCE = LF_DRAFT_EVIDENCE,
	LF_WORKLOAD_REQUEST_BYTES = LF_SOURCE_BUFFER_BYTES, /* none is longer */
};

struct lf_workload;

/* Makes the pool of requests. RESOURCE_EXHAUSTED where memory ran out. */
enum lf_code lf_workload_new(
	struct lf_workload **workload, const struct lf_bench_settings *settings, struct lf_error *error);
void lf_workload_destroy(struct lf_workload *workload);
/* How many different ones there are (beside new teams). */
size_t lf_workload_count(const struct lf_workload *workload);
/* Mean length. */
size_t lf_workload_bytes(const struct lf_workload *workload);
/*
 * Request number so and so: a packed leadfit.v1.ScoreRequest. Points into the pool, or, where every request has a new
 * team, into buffer, which has LF_WORKLOAD_REQUEST_BYTES. Any thread.
 */
const uint8_t *lf_workload_request(
	const struct lf_workload *workload, uint64_t number, uint8_t *buffer, size_t *length);
/* The same, as what keeps calls in flight. */
struct lf_source lf_workload_source(const struct lf_workload *workload);

#endif
