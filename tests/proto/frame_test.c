#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/wire/frame.h"

static struct lf_slice slice(const char *text)
{
	return (struct lf_slice){text, strlen(text)};
}

static void assert_slice(struct lf_slice actual, const char *expected)
{
	assert_int_equal(actual.length, strlen(expected));
	assert_memory_equal(actual.data, expected, actual.length);
}

static struct lf_frame a_request(void)
{
	struct lf_frame frame = {.kind = LF_FRAME_REQUEST,
		.timeout_ms = 1500,
		.method = slice("leadfit.v1.Scoring/Score"),
		.metadata_count = 2};

	frame.metadata[0] = (struct lf_metadata){slice("authorization"), slice("Bearer s3cret")};
	frame.metadata[1] = (struct lf_metadata){slice("request-id"), slice("")};
	return frame;
}

static size_t encode(const struct lf_frame *frame, uint8_t *out)
{
	struct lf_error error = LF_ERROR_INIT;
	size_t length = lf_frame_encode_header(frame, out, &error);

	if (length == 0)
		fail_msg("%s", error.message);
	return length;
}

static void a_request_comes_back_as_it_was(void **state)
{
	uint8_t bytes[LF_FRAME_HEADER_MAX + 3];
	struct lf_frame sent = a_request(), frame;
	size_t length = encode(&sent, bytes);

	(void)state;
	memcpy(bytes + length, "\x0a\x01x", 3);
	assert_int_equal(lf_frame_decode(&frame, bytes, length + 3, NULL), LF_OK);
	assert_int_equal(frame.kind, LF_FRAME_REQUEST);
	assert_int_equal(frame.timeout_ms, 1500);
	assert_slice(frame.method, "leadfit.v1.Scoring/Score");
	assert_int_equal(frame.metadata_count, 2);
	assert_slice(lf_frame_metadata(&frame, "authorization"), "Bearer s3cret");
	assert_non_null(lf_frame_metadata(&frame, "request-id").data);
	assert_slice(lf_frame_metadata(&frame, "request-id"), "");
	assert_null(lf_frame_metadata(&frame, "traceparent").data);
	assert_ptr_equal(frame.message, bytes + length); /* nothing is copied */
	assert_int_equal(frame.message_length, 3);
}

static void a_reply_carries_its_status(void **state)
{
	uint8_t bytes[LF_FRAME_HEADER_MAX];

	(void)state;
	for (uint32_t code = 0; code <= 16; code++) {
		struct lf_frame sent = {.kind = LF_FRAME_REPLY, .status = lf_code_from_number(code)}, frame;
		size_t length = encode(&sent, bytes);

		assert_int_equal(length, LF_FRAME_FIXED_BYTES);
		assert_int_equal(lf_frame_decode(&frame, bytes, length, NULL), LF_OK);
		assert_int_equal(frame.kind, LF_FRAME_REPLY);
		assert_int_equal(frame.status, code);
		assert_int_equal(frame.message_length, 0);
	}
}

static void of_a_key_that_occurs_twice_the_first_counts(void **state)
{
	struct lf_frame frame = a_request();

	(void)state;
	frame.metadata[1] = (struct lf_metadata){slice("authorization"), slice("Bearer other")};
	assert_slice(lf_frame_metadata(&frame, "authorization"), "Bearer s3cret");
}

static void the_largest_header_fits(void **state)
{
	static char value[1025];
	uint8_t bytes[LF_FRAME_HEADER_MAX];
	struct lf_frame frame = a_request(), decoded;
	struct lf_error error = LF_ERROR_INIT;
	size_t left = LF_FRAME_HEADER_MAX - LF_FRAME_FIXED_BYTES - frame.method.length;

	(void)state;
	memset(value, 'v', sizeof(value) - 1);
	frame.metadata_count = 4;
	for (size_t i = 0; i < 4; i++) {
		size_t length = left - 4 < 1024 ? left - 4 : 1024;

		frame.metadata[i] = (struct lf_metadata){slice("k"), {value, length}};
		left -= 4 + length;
	}
	assert_int_equal(left, 0);
	assert_int_equal(encode(&frame, bytes), LF_FRAME_HEADER_MAX);
	assert_int_equal(lf_frame_decode(&decoded, bytes, sizeof(bytes), NULL), LF_OK);
	frame.metadata[3].value.length++;
	assert_int_equal(lf_frame_encode_header(&frame, bytes, &error), 0);
	assert_string_equal(error.message, "frame: header of 4097 bytes is longer than 4096");
}

static void expect_refused(const struct lf_frame *frame, const char *message)
{
	uint8_t bytes[LF_FRAME_HEADER_MAX];
	struct lf_error error = LF_ERROR_INIT;

	assert_int_equal(lf_frame_encode_header(frame, bytes, &error), 0);
	assert_int_equal(error.code, LF_INVALID_ARGUMENT);
	assert_string_equal(error.message, message);
	assert_int_equal(lf_frame_encode_header(frame, bytes, NULL), 0);
}

static void fields_outside_their_limits_are_not_encoded(void **state)
{
	struct lf_frame frame = a_request();

	(void)state;
	frame.kind = (enum lf_frame_kind)2;
	expect_refused(&frame, "frame: kind 2 is unknown");
	frame = a_request();
	frame.timeout_ms = LF_TIMEOUT_MS_MAX + 1;
	expect_refused(&frame, "frame: timeout of 86400001 ms is above 86400000");
	frame = a_request();
	frame.method = slice("");
	expect_refused(&frame, "frame: method of 0 bytes; a request has 1..127, a reply 0");
	frame.method.length = 128;
	expect_refused(&frame, "frame: method of 128 bytes; a request has 1..127, a reply 0");
	frame.method = slice("a b");
	expect_refused(&frame, "frame: the method is not visible ASCII");
	frame = a_request();
	frame.kind = LF_FRAME_REPLY;
	expect_refused(&frame, "frame: method of 24 bytes; a request has 1..127, a reply 0");
	frame.method = slice("");
	frame.status = (enum lf_code)17;
	expect_refused(&frame, "frame: status 17 is outside 0..16");
	frame = a_request();
	frame.metadata_count = LF_METADATA_MAX + 1;
	expect_refused(&frame, "frame: 17 metadata entries are more than 16");
	frame = a_request();
	frame.metadata[1].key = slice("Request-Id");
	expect_refused(&frame, "frame: key of metadata entry 1 is not 1..64 of a-z, 0-9, '-', '_', '.'");
	frame.metadata[1].key = slice("");
	expect_refused(&frame, "frame: key of metadata entry 1 is not 1..64 of a-z, 0-9, '-', '_', '.'");
	frame = a_request();
	frame.metadata[0].value = slice("Bearer \n");
	expect_refused(&frame, "frame: value of metadata entry 0 is not 0..1024 bytes of visible ASCII and space");
}

static void expect_undecodable(const char *bytes, size_t length, enum lf_code code, const char *message)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_frame frame;

	assert_int_equal(lf_frame_decode(&frame, (const uint8_t *)bytes, length, &error), code);
	assert_int_equal(error.code, code);
	assert_string_equal(error.message, message);
	assert_int_equal(lf_frame_decode(&frame, (const uint8_t *)bytes, length, NULL), code);
}

#define UNDECODABLE(literal, message) expect_undecodable(literal, sizeof(literal) - 1, LF_INVALID_ARGUMENT, message)

static void a_bad_header_is_named_by_byte_and_value(void **state)
{
	(void)state;
	UNDECODABLE("", "frame: byte 0: 0: bytes are fewer than the 12 of a header");
	UNDECODABLE("LF\1\0\0\0\0\0\1\0\0", "frame: byte 11: 11: bytes are fewer than the 12 of a header");
	UNDECODABLE("GET / HTTP/1.1\r\n", "frame: byte 0 is 0x47: a frame starts with \"LF\"");
	UNDECODABLE("Lf\1\0\0\0\0\0\1\0\0\0m", "frame: byte 1 is 0x66: a frame starts with \"LF\"");
	UNDECODABLE("LF\1\7\0\0\0\0\1\0\0\0m", "frame: byte 3 is 0x07: neither a request (0) nor a reply (1)");
	UNDECODABLE("LF\1\0\x05\x26\x5c\x01\1\0\0\0m", "frame: byte 4: 86400001: a timeout above 86400000 ms (a day)");
	UNDECODABLE("LF\1\1\0\0\0\x11\0\0\0\0", "frame: byte 4: 17: no status code, which is 0..16");
	UNDECODABLE("LF\1\0\0\0\0\0\x80\0\0\0m", "frame: byte 8 is 0x80: a method of more than 127 bytes");
	UNDECODABLE("LF\1\0\0\0\0\0\0\0\0\0m", "frame: byte 8 is 0x00: a request names a method");
	UNDECODABLE("LF\1\1\0\0\0\0\1\0\0\0m", "frame: byte 8 is 0x01: a reply names no method");
	UNDECODABLE("LF\1\0\0\0\0\0\1\x11\0\0m", "frame: byte 9 is 0x11: more than 16 metadata entries");
	UNDECODABLE("LF\1\0\0\0\0\0\1\0\x0f\xf4m", "frame: byte 10: 4084: makes the header longer than 4096 bytes");
	UNDECODABLE("LF\1\0\0\0\0\0\2\0\0\0m", "frame: byte 13: 13: bytes end within the method or the metadata");
	UNDECODABLE("LF\1\0\0\0\0\0\2\0\0\0m ", "frame: byte 13 is 0x20: a method is visible ASCII only");
	UNDECODABLE("LF\1\0\0\0\0\0\2\0\0\0m\xc3", "frame: byte 13 is 0xc3: a method is visible ASCII only");
	UNDECODABLE("LF\1\0\0\0\0\0\1\1\0\2m\1\0",
		"frame: byte 13: 2: bytes left in the metadata, a further entry needs 3 or more");
	UNDECODABLE("LF\1\0\0\0\0\0\1\1\0\3m\0\0\0", "frame: byte 13: 0: a metadata key has 1..64 bytes");
	UNDECODABLE("LF\1\0\0\0\0\0\1\1\0\3m\x41\0\0", "frame: byte 13: 65: a metadata key has 1..64 bytes");
	UNDECODABLE("LF\1\0\0\0\0\0\1\1\0\3m\1\4\1", "frame: byte 14: 1025: a metadata value has at most 1024 bytes");
	UNDECODABLE(
		"LF\1\0\0\0\0\0\1\1\0\5m\1\0\2kv", "frame: byte 13: 3: key and value run past the end of the metadata");
	UNDECODABLE("LF\1\0\0\0\0\0\1\1\0\5m\1\0\1Kv",
		"frame: byte 16 is 0x4b: a metadata key has a-z, 0-9, '-', '_', '.' only");
	UNDECODABLE("LF\1\0\0\0\0\0\1\1\0\5m\1\0\1k\n",
		"frame: byte 17 is 0x0a: a metadata value is visible ASCII and space only");
	UNDECODABLE("LF\1\0\0\0\0\0\1\1\0\6m\1\0\1kvx",
		"frame: byte 18: 1: bytes of metadata are left after its last entry");
	UNDECODABLE("LF\1\0\0\0\0\0\1\0\0\1mx", "frame: byte 13: 1: bytes of metadata are left after its last entry");
}

static void another_version_is_unimplemented(void **state)
{
	(void)state;
	expect_undecodable(
		"LF\2\0\0\0\0\0\1\0\0\0m", 13, LF_UNIMPLEMENTED, "frame: byte 2 is 0x02: only version 1 is known");
}

/* Every header that decodes is one that could have been encoded, to the byte. */
static void any_byte_changed_is_refused_or_means_something(void **state)
{
	uint8_t bytes[LF_FRAME_HEADER_MAX], again[LF_FRAME_HEADER_MAX];
	struct lf_frame sent = a_request(), frame;
	size_t length = encode(&sent, bytes), passed = 0;

	(void)state;
	for (size_t i = 0; i < length; i++) {
		uint8_t kept = bytes[i];

		for (unsigned value = 0; value < 256; value++) {
			bytes[i] = (uint8_t)value;
			if (lf_frame_decode(&frame, bytes, length, NULL) != LF_OK)
				continue;
			passed++;
			assert_int_equal(encode(&frame, again), length - frame.message_length);
			assert_memory_equal(again, bytes, length - frame.message_length);
		}
		bytes[i] = kept;
	}
	assert_true(passed > 1000);
	for (size_t cut = 0; cut < length; cut++)
		assert_int_equal(lf_frame_decode(&frame, bytes, cut, NULL), LF_INVALID_ARGUMENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_comes_back_as_it_was),
		cmocka_unit_test(a_reply_carries_its_status),
		cmocka_unit_test(of_a_key_that_occurs_twice_the_first_counts),
		cmocka_unit_test(the_largest_header_fits),
		cmocka_unit_test(fields_outside_their_limits_are_not_encoded),
		cmocka_unit_test(a_bad_header_is_named_by_byte_and_value),
		cmocka_unit_test(another_version_is_unimplemented),
		cmocka_unit_test(any_byte_changed_is_refused_or_means_something),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
