/* Latencies in buckets 1.6% wide: bounded memory for any number of them. */
#ifndef LF_TESTS_BENCH_REPORT_HISTOGRAM_H
#define LF_TESTS_BENCH_REPORT_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

enum {
	LF_HISTOGRAM_SUB_BITS = 6, /* 64 buckets to each doubling */
	LF_HISTOGRAM_BUCKETS = (64 - LF_HISTOGRAM_SUB_BITS + 1) << LF_HISTOGRAM_SUB_BITS,
};

/* All zero at first. */
struct lf_histogram {
	atomic_uint_fast32_t buckets[LF_HISTOGRAM_BUCKETS];
};

/* Any thread. */
void lf_histogram_add(struct lf_histogram *histogram, uint64_t value);
uint64_t lf_histogram_count(const struct lf_histogram *histogram);
/* The middle of the bucket in which this part (0..1) of the values is reached; 0 where there is none. */
double lf_histogram_quantile(const struct lf_histogram *histogram, double part);

#endif
