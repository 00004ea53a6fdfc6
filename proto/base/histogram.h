/*
 * Histograms that any thread adds to and any thread reads: counts of values by buckets, and their sum. Nothing is
 * allocated, nothing is locked.
 */
#ifndef LF_PROTO_BASE_HISTOGRAM_H
#define LF_PROTO_BASE_HISTOGRAM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { LF_BUCKETS_MAX = 20 };

/*
 * The upper bounds of buckets, each of which holds the values up to and including its bound: first, then each twice the
 * one before, or (linear) each first more. What is above the last is counted apart. Values have whatever unit first has.
 */
struct lf_buckets {
	uint64_t first; /* not 0 */
	unsigned count; /* 1..LF_BUCKETS_MAX */
	bool linear;
};

/* All zero: empty. Each histogram is added to and read with the same buckets. */
struct lf_histogram {
	atomic_uint_fast64_t counts[LF_BUCKETS_MAX + 1]; /* [buckets->count]: above the last bound */
	atomic_uint_fast64_t sum;
};

/* The bound of a bucket, below buckets->count. */
uint64_t lf_bucket_bound(const struct lf_buckets *buckets, unsigned index);
/* Which bucket holds the value; buckets->count: none. */
unsigned lf_bucket_find(const struct lf_buckets *buckets, uint64_t value);
/* Any thread. */
void lf_histogram_add(struct lf_histogram *histogram, const struct lf_buckets *buckets, uint64_t value);

/* A counter that any thread adds to. */
static inline void lf_count(atomic_uint_fast64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static inline uint64_t lf_counted(const atomic_uint_fast64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

#endif
