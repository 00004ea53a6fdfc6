#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "proto/wire/bundle.h"
#include "proto/wire/frame.h"

enum { ROOM = LF_BUNDLE_FIXED_BYTES + (LF_BUNDLE_MAX + 1) * (LF_BUNDLE_ENTRY_BYTES + 16) };

/* A bundle of texts, the first with the id 100; its length. */
static size_t build(enum lf_bundle_kind kind, size_t count, const char *const *texts, uint8_t *out)
{
	size_t length = LF_BUNDLE_FIXED_BYTES;

	lf_bundle_encode_header(kind, count, out);
	for (size_t i = 0; i < count; i++) {
		const size_t text = strlen(texts[i]);

		lf_bundle_encode_entry((uint32_t)(100 + i), text, out + length);
		memcpy(out + length + LF_BUNDLE_ENTRY_BYTES, texts[i], text);
		length += LF_BUNDLE_ENTRY_BYTES + text;
	}
	return length;
}

/* Expects that the bytes are no bundle of requests, and that the error says the text. */
static void refused(const uint8_t *bytes, size_t length, const char *text)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_bundle bundle;

	assert_int_equal(lf_bundle_open(&bundle, LF_BUNDLE_REQUESTS, bytes, length, &error), LF_INVALID_ARGUMENT);
	if (strstr(error.message, text) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", error.message, text);
	assert_memory_equal(error.message, "bundle: ", 8);
	lf_error_clean_up(&error);
}

static void what_goes_in_comes_out(void **state)
{
	static const char *const texts[] = {"one", "", "three"};
	uint8_t bytes[ROOM];
	struct lf_bundle bundle;
	const uint8_t *frame;
	size_t length = build(LF_BUNDLE_REQUESTS, 3, texts, bytes), frame_length;
	uint32_t id;

	(void)state;
	assert_true(lf_bundle_is(LF_BUNDLE_REQUESTS, bytes, length));
	assert_false(lf_bundle_is(LF_BUNDLE_REPLIES, bytes, length));
	assert_int_equal(lf_bundle_open(&bundle, LF_BUNDLE_REQUESTS, bytes, length, NULL), LF_OK);
	assert_int_equal(bundle.count, 3);
	for (uint32_t i = 0; i < 3; i++) {
		assert_true(lf_bundle_next(&bundle, &id, &frame, &frame_length));
		assert_int_equal(id, 100 + i);
		assert_int_equal(frame_length, strlen(texts[i]));
		assert_memory_equal(frame, texts[i], frame_length);
		assert_true(frame >= bytes && frame + frame_length <= bytes + length); /* nothing is copied */
	}
	assert_false(lf_bundle_next(&bundle, &id, &frame, &frame_length));
}

static void the_largest_number_of_calls_fits(void **state)
{
	const char *texts[LF_BUNDLE_MAX];
	uint8_t bytes[ROOM];
	struct lf_bundle bundle;

	(void)state;
	for (size_t i = 0; i < LF_BUNDLE_MAX; i++)
		texts[i] = "frame";
	assert_int_equal(lf_bundle_open(&bundle, LF_BUNDLE_REPLIES, bytes,
				 build(LF_BUNDLE_REPLIES, LF_BUNDLE_MAX, texts, bytes), NULL),
		LF_OK);
	assert_int_equal(bundle.count, LF_BUNDLE_MAX);
}

static void other_numbers_of_calls_are_refused(void **state)
{
	static const char *const texts[] = {"one"};
	uint8_t bytes[ROOM];
	size_t length = build(LF_BUNDLE_REQUESTS, 1, texts, bytes);

	(void)state;
	bytes[7] = 0;
	refused(bytes, length, "byte 4: 0: a bundle has 1..64 calls");
	bytes[7] = LF_BUNDLE_MAX + 1;
	refused(bytes, length, "byte 4: 65: a bundle has 1..64 calls");
	bytes[4] = 0xff;
	refused(bytes, length, "byte 4: 4278190145: a bundle has 1..64 calls");
}

static void a_bundle_that_is_cut_anywhere_is_refused(void **state)
{
	static const char *const texts[] = {"one", "two", "three"};
	uint8_t bytes[ROOM];
	size_t length = build(LF_BUNDLE_REQUESTS, 3, texts, bytes);

	(void)state;
	for (size_t cut = 0; cut < length; cut++)
		refused(bytes, cut, "bundle: ");
	refused(bytes, 3, "does not begin with 4c 46 01 02");
	refused(bytes, 7, "byte 7: 7: bytes are fewer than the 8 of a bundle");
	refused(bytes, 8, "byte 8: 0: bytes are left, a further entry needs 8 or more");
	refused(bytes, length - 1, "the frame runs past the end of the bundle");
	refused(bytes, length + 1, "1: bytes are left after the last entry");
}

static void lengths_that_overflow_are_refused(void **state)
{
	static const char *const texts[] = {"one"};
	uint8_t bytes[ROOM];
	size_t length = build(LF_BUNDLE_REQUESTS, 1, texts, bytes);

	(void)state;
	memset(bytes + LF_BUNDLE_FIXED_BYTES + 4, 0xff, 4);
	refused(bytes, length, "byte 12: 4294967295: the frame runs past the end of the bundle");
}

static void a_frame_and_another_version_are_no_bundle(void **state)
{
	static const char *const texts[] = {"one"};
	uint8_t bytes[ROOM];
	size_t length = build(LF_BUNDLE_REQUESTS, 1, texts, bytes);

	(void)state;
	bytes[3] = LF_FRAME_REQUEST;
	assert_false(lf_bundle_is(LF_BUNDLE_REQUESTS, bytes, length));
	bytes[3] = LF_BUNDLE_REQUESTS;
	bytes[2] = 2;
	assert_false(lf_bundle_is(LF_BUNDLE_REQUESTS, bytes, length));
}

/* How an older service refuses a bundle: it reads it as a frame. */
static void as_a_frame_a_bundle_is_refused(void **state)
{
	static const char *const texts[] = {"one of them"};
	struct lf_error error = LF_ERROR_INIT;
	uint8_t bytes[ROOM];
	size_t length = build(LF_BUNDLE_REQUESTS, 1, texts, bytes);
	struct lf_frame frame;

	(void)state;
	assert_int_equal(lf_frame_decode(&frame, bytes, length, &error), LF_INVALID_ARGUMENT);
	assert_string_equal(error.message, "frame: byte 3 is 0x02: neither a request (0) nor a reply (1)");
	lf_error_clean_up(&error);
}

static void the_time_that_is_left_is_changed_in_place(void **state)
{
	struct lf_frame frame = {.kind = LF_FRAME_REQUEST, .timeout_ms = 7, .method = {"s/m", 3}}, read;
	uint8_t bytes[LF_FRAME_HEADER_MAX];
	size_t length = lf_frame_encode_header(&frame, bytes, NULL);

	(void)state;
	lf_bundle_set_timeout(bytes, LF_TIMEOUT_MS_MAX);
	assert_int_equal(lf_frame_decode(&read, bytes, length, NULL), LF_OK);
	assert_int_equal(read.timeout_ms, LF_TIMEOUT_MS_MAX);
	assert_int_equal(read.method.length, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_goes_in_comes_out),
		cmocka_unit_test(the_largest_number_of_calls_fits),
		cmocka_unit_test(other_numbers_of_calls_are_refused),
		cmocka_unit_test(a_bundle_that_is_cut_anywhere_is_refused),
		cmocka_unit_test(lengths_that_overflow_are_refused),
		cmocka_unit_test(a_frame_and_another_version_are_no_bundle),
		cmocka_unit_test(as_a_frame_a_bundle_is_refused),
		cmocka_unit_test(the_time_that_is_left_is_changed_in_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
