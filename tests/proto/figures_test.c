#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "proto/base/histogram.h"
#include "proto/base/trace.h"

/* What the service is seen by: counts in buckets, and the ids of traces. */

/* ---- buckets ---- */

static void a_value_lies_in_the_first_bucket_that_reaches_it(void **state)
{
	static const struct lf_buckets kinds[] = {
		{50000, 18, false}, {1, 9, false}, {7, 20, false}, {100, 10, true}, {3, 1, true}};

	(void)state;
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		for (uint64_t value = 0; value < 400000; value += 1 + value / 1000) {
			unsigned expected = 0;

			while (expected < kinds[k].count && value > lf_bucket_bound(&kinds[k], expected))
				expected++;
			assert_int_equal(lf_bucket_find(&kinds[k], value), expected);
		}
	assert_int_equal(lf_bucket_find(&kinds[0], UINT64_MAX), 18);
	assert_int_equal(lf_bucket_find(&kinds[3], UINT64_MAX), 10);
}

static void bounds_are_buckets_own(void **state)
{
	static const struct lf_buckets doubling = {50000, 18, false}, tenths = {100, 10, true};

	(void)state;
	for (unsigned i = 0; i < doubling.count; i++) {
		assert_int_equal(lf_bucket_find(&doubling, lf_bucket_bound(&doubling, i)), i);
		assert_int_equal(lf_bucket_find(&doubling, lf_bucket_bound(&doubling, i) + 1), i + 1);
	}
	assert_int_equal(lf_bucket_bound(&tenths, 9), 1000);
}

enum { THREADS = 4, EACH = 20000 };

static const struct lf_buckets shared_buckets = {10, 4, false};

static void *add_many(void *context)
{
	for (uint64_t i = 0; i < EACH; i++)
		lf_histogram_add(context, &shared_buckets, i % 100);
	return NULL;
}

static void nothing_is_lost_between_threads(void **state)
{
	static struct lf_histogram histogram;
	pthread_t threads[THREADS];
	uint64_t count = 0;

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, add_many, &histogram), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (unsigned i = 0; i <= shared_buckets.count; i++)
		count += lf_counted(&histogram.counts[i]);
	assert_int_equal(count, THREADS * EACH);
	assert_int_equal(lf_counted(&histogram.sum), (uint64_t)THREADS * EACH / 100 * 4950);
	assert_int_equal(lf_counted(&histogram.counts[4]), (uint64_t)THREADS * EACH / 100 * 19); /* 81..99 */
}

/* ---- traces ---- */

static struct lf_slice slice(const char *text)
{
	return (struct lf_slice){text, strlen(text)};
}

static void a_trace_is_continued(void **state)
{
	static const char sent[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
	char said[LF_TRACE_TEXT_BYTES + 1] = "";
	struct lf_trace trace;

	(void)state;
	lf_trace_begin(&trace, slice(sent));
	assert_true(trace.continued);
	lf_trace_write(&trace, said);
	assert_int_equal(strlen(said), LF_TRACE_TEXT_BYTES);
	assert_memory_equal(said, sent, 36); /* the same trace */
	assert_memory_not_equal(said + 36, sent + 36, 16);
	assert_string_equal(said + 52, "-01");
}

static void a_later_version_is_read_as_far_as_it_is_known(void **state)
{
	struct lf_trace trace;

	(void)state;
	lf_trace_begin(&trace, slice("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-comes-later"));
	assert_true(trace.continued);
	lf_trace_begin(&trace, slice("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
	assert_true(trace.continued);
}

static void what_is_no_traceparent_begins_a_trace(void **state)
{
	static const char *const wrong[] = {
		"",
		"00",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-011",
		"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-011",
		"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
		"00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
		"00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-x1",
		" 0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
	};
	static const uint8_t zero[LF_TRACE_ID_BYTES];
	struct lf_trace trace, before;

	(void)state;
	memset(&before, 0, sizeof(before));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		lf_trace_begin(&trace, slice(wrong[i]));
		assert_false(trace.continued);
		assert_int_equal(trace.flags, 0);
		assert_memory_not_equal(trace.trace_id, zero, LF_TRACE_ID_BYTES);
		assert_memory_not_equal(trace.trace_id, before.trace_id, LF_TRACE_ID_BYTES);
		assert_memory_not_equal(trace.span_id, before.span_id, LF_SPAN_ID_BYTES);
		before = trace;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_lies_in_the_first_bucket_that_reaches_it),
		cmocka_unit_test(bounds_are_buckets_own),
		cmocka_unit_test(nothing_is_lost_between_threads),
		cmocka_unit_test(a_trace_is_continued),
		cmocka_unit_test(a_later_version_is_read_as_far_as_it_is_known),
		cmocka_unit_test(what_is_no_traceparent_begins_a_trace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
