#include "tests/bench/report/histogram.h"

enum { SUB = 1 << LF_HISTOGRAM_SUB_BITS };

/* Below SUB each value has its bucket; above, SUB buckets to each power of two. */
static unsigned bucket_of(uint64_t value)
{
	unsigned shift;

	if (value < SUB)
		return (unsigned)value;
	shift = 63u - (unsigned)__builtin_clzll(value) - LF_HISTOGRAM_SUB_BITS;
	return (shift + 1) * SUB + (unsigned)((value >> shift) - SUB);
}

static double middle_of(unsigned bucket)
{
	unsigned shift;

	if (bucket < SUB)
		return bucket;
	shift = bucket / SUB - 1;
	return ((double)(bucket % SUB + SUB) + 0.5) * (double)(UINT64_C(1) << shift);
}

void lf_histogram_add(struct lf_histogram *histogram, uint64_t value)
{
	atomic_fetch_add_explicit(&histogram->buckets[bucket_of(value)], 1, memory_order_relaxed);
}

uint64_t lf_histogram_count(const struct lf_histogram *histogram)
{
	uint64_t count = 0;

	for (unsigned b = 0; b < LF_HISTOGRAM_BUCKETS; b++)
		count += atomic_load_explicit(&histogram->buckets[b], memory_order_relaxed);
	return count;
}

double lf_histogram_quantile(const struct lf_histogram *histogram, double part)
{
	const uint64_t count = lf_histogram_count(histogram);
	const double wanted = part * (double)count;
	uint64_t seen = 0;

	for (unsigned b = 0; b < LF_HISTOGRAM_BUCKETS; b++) {
		seen += atomic_load_explicit(&histogram->buckets[b], memory_order_relaxed);
		if (seen > 0 && (double)seen >= wanted)
			return middle_of(b);
	}
	return 0;
}
