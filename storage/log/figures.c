#include "storage/log/figures.h"

#include <assert.h>

#include "proto/base/clock.h"
#include "storage/log/private.h"

const struct lf_buckets lf_log_time_buckets = {50000, 18, false};
const struct lf_buckets lf_log_batch_buckets = {1, 9, false};

static_assert(1 << 8 == LF_BATCH_MAX, "the last bucket is a full batch");

void lf_writer_count(struct lf_log *log, uint64_t begun_ns, size_t records)
{
	struct lf_log_counts *counts = &log->counts;

	lf_histogram_add(&counts->commits, &lf_log_time_buckets, lf_clock_ns() - begun_ns);
	if (log->backend->sync_ns != NULL)
		lf_histogram_add(&counts->syncs, &lf_log_time_buckets, log->backend->sync_ns(log->store));
	lf_histogram_add(&counts->batches, &lf_log_batch_buckets, records);
}
