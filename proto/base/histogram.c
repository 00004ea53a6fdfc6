#include "proto/base/histogram.h"

uint64_t lf_bucket_bound(const struct lf_buckets *buckets, unsigned index)
{
	return buckets->linear ? buckets->first * (index + 1) : buckets->first << index;
}

unsigned lf_bucket_find(const struct lf_buckets *buckets, uint64_t value)
{
	const uint64_t below = value == 0 ? 0 : (value - 1) / buckets->first;
	uint64_t index = below;

	/* first * 2^(i - 1) < value <= first * 2^i is 2^(i - 1) <= below < 2^i. */
	if (!buckets->linear)
		index = below == 0 ? 0 : 64 - (unsigned)__builtin_clzll(below);
	return index < buckets->count ? (unsigned)index : buckets->count;
}

void lf_histogram_add(struct lf_histogram *histogram, const struct lf_buckets *buckets, uint64_t value)
{
	lf_count(&histogram->counts[lf_bucket_find(buckets, value)]);
	atomic_fetch_add_explicit(&histogram->sum, value, memory_order_relaxed);
}
