#include "proto/wire/frame.h"

#include <inttypes.h>
#include <string.h>

#include "proto/base/check.h"

/*
 * Design notes
 *
 * The header stands before the message, so that a sender writes it in front of packed bytes and a receiver decodes the
 * message where it lies. Everything in it is checked before anything is believed; the order of the checks is that of
 * the bytes, so the first error is the one at the lowest offset.
 *
 *	 0  'L' 'F'       4  timeout or status, u32    8  method length       10  metadata length, u16
 *	 2  version                                    9  metadata entries    12  method, metadata, message
 *	 3  kind
 */

enum {
	OFFSET_MAGIC = 0,
	OFFSET_VERSION = 2,
	OFFSET_KIND = 3,
	OFFSET_NUMBER = 4, /* timeout or status */
	OFFSET_METHOD_LENGTH = 8,
	OFFSET_METADATA_COUNT = 9,
	OFFSET_METADATA_LENGTH = 10,
	KEY_BYTES_MAX = 64,
	ENTRY_FIXED_BYTES = 3,
};

static_assert(LF_FRAME_FIXED_BYTES == OFFSET_METADATA_LENGTH + 2, "the fixed part ends with the metadata's length");

static uint32_t get_u16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t get_u32(const uint8_t *at)
{
	return get_u16(at) << 16 | get_u16(at + 2);
}

static void put_u16(uint8_t *at, size_t number)
{
	at[0] = (uint8_t)(number >> 8);
	at[1] = (uint8_t)number;
}

static void put_u32(uint8_t *at, uint32_t number)
{
	put_u16(at, number >> 16);
	put_u16(at + 2, number & 0xffff);
}

/* Index of the first byte that a key may not have; length where all are right. */
static size_t key_fault(struct lf_slice key)
{
	for (size_t i = 0; i < key.length; i++) {
		char c = key.data[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.'))
			return i;
	}
	return key.length;
}

/* Likewise of a value, or a method: ASCII from minimum to '~'. */
static size_t ascii_fault(struct lf_slice text, char minimum)
{
	for (size_t i = 0; i < text.length; i++)
		if (text.data[i] < minimum || text.data[i] > '~')
			return i;
	return text.length;
}

static enum lf_code bad_byte(struct lf_error *error, size_t offset, unsigned value, const char *what)
{
	return lf_error_set(error, LF_INVALID_ARGUMENT, "frame: byte %zu is 0x%02x: %s", offset, value, what);
}

static enum lf_code bad_number(struct lf_error *error, size_t offset, size_t value, const char *what)
{
	return lf_error_set(error, LF_INVALID_ARGUMENT, "frame: byte %zu: %zu: %s", offset, value, what);
}

static enum lf_code decode_fixed(struct lf_frame *frame, const uint8_t *data, size_t length, struct lf_error *error)
{
	uint32_t number;

	if (length < LF_FRAME_FIXED_BYTES)
		return bad_number(error, length, length, "bytes are fewer than the 12 of a header");
	if (data[OFFSET_MAGIC] != 'L')
		return bad_byte(error, OFFSET_MAGIC, data[OFFSET_MAGIC], "a frame starts with \"LF\"");
	if (data[OFFSET_MAGIC + 1] != 'F')
		return bad_byte(error, OFFSET_MAGIC + 1, data[OFFSET_MAGIC + 1], "a frame starts with \"LF\"");
	if (data[OFFSET_VERSION] != LF_FRAME_VERSION)
		return lf_error_set(error, LF_UNIMPLEMENTED, "frame: byte 2 is 0x%02x: only version %d is known",
			data[OFFSET_VERSION], LF_FRAME_VERSION);
	if (data[OFFSET_KIND] > LF_FRAME_REPLY)
		return bad_byte(error, OFFSET_KIND, data[OFFSET_KIND], "neither a request (0) nor a reply (1)");
	frame->kind = (enum lf_frame_kind)data[OFFSET_KIND];
	number = get_u32(data + OFFSET_NUMBER);
	if (frame->kind == LF_FRAME_REQUEST) {
		if (number > LF_TIMEOUT_MS_MAX)
			return bad_number(error, OFFSET_NUMBER, number, "a timeout above 86400000 ms (a day)");
		frame->timeout_ms = number;
	} else {
		if (number > LF_UNAUTHENTICATED)
			return bad_number(error, OFFSET_NUMBER, number, "no status code, which is 0..16");
		frame->status = lf_code_from_number(number);
	}
	if (data[OFFSET_METHOD_LENGTH] > LF_METHOD_BYTES_MAX)
		return bad_byte(
			error, OFFSET_METHOD_LENGTH, data[OFFSET_METHOD_LENGTH], "a method of more than 127 bytes");
	if (frame->kind == LF_FRAME_REQUEST && data[OFFSET_METHOD_LENGTH] == 0)
		return bad_byte(error, OFFSET_METHOD_LENGTH, 0, "a request names a method");
	if (frame->kind == LF_FRAME_REPLY && data[OFFSET_METHOD_LENGTH] != 0)
		return bad_byte(error, OFFSET_METHOD_LENGTH, data[OFFSET_METHOD_LENGTH], "a reply names no method");
	if (data[OFFSET_METADATA_COUNT] > LF_METADATA_MAX)
		return bad_byte(
			error, OFFSET_METADATA_COUNT, data[OFFSET_METADATA_COUNT], "more than 16 metadata entries");
	return LF_OK;
}

static enum lf_code decode_entry(
	struct lf_metadata *entry, const uint8_t *data, size_t *at, size_t end, struct lf_error *error)
{
	size_t key_length, value_length, fault;

	if (end - *at < ENTRY_FIXED_BYTES)
		return bad_number(error, *at, end - *at, "bytes left in the metadata, a further entry needs 3 or more");
	key_length = data[*at];
	value_length = get_u16(data + *at + 1);
	if (key_length == 0 || key_length > KEY_BYTES_MAX)
		return bad_number(error, *at, key_length, "a metadata key has 1..64 bytes");
	if (value_length > LF_METADATA_BYTES_MAX)
		return bad_number(error, *at + 1, value_length, "a metadata value has at most 1024 bytes");
	if (key_length + value_length > end - *at - ENTRY_FIXED_BYTES)
		return bad_number(
			error, *at, key_length + value_length, "key and value run past the end of the metadata");
	*at += ENTRY_FIXED_BYTES;
	entry->key = (struct lf_slice){(const char *)data + *at, key_length};
	fault = key_fault(entry->key);
	if (fault != key_length)
		return bad_byte(
			error, *at + fault, data[*at + fault], "a metadata key has a-z, 0-9, '-', '_', '.' only");
	*at += key_length;
	entry->value = (struct lf_slice){(const char *)data + *at, value_length};
	fault = ascii_fault(entry->value, ' ');
	if (fault != value_length)
		return bad_byte(
			error, *at + fault, data[*at + fault], "a metadata value is visible ASCII and space only");
	*at += value_length;
	return LF_OK;
}

enum lf_code lf_frame_decode(struct lf_frame *frame, const uint8_t *data, size_t length, struct lf_error *error)
{
	size_t method_length, metadata_length, at = LF_FRAME_FIXED_BYTES, end, fault;
	enum lf_code code;

	/* Not all of metadata[], which is large: only the entries below metadata_count are set. */
	frame->timeout_ms = 0;
	frame->status = LF_OK;
	frame->metadata_count = 0;
	code = decode_fixed(frame, data, length, error);
	if (code != LF_OK)
		return code;
	method_length = data[OFFSET_METHOD_LENGTH];
	metadata_length = get_u16(data + OFFSET_METADATA_LENGTH);
	if (at + method_length + metadata_length > LF_FRAME_HEADER_MAX)
		return bad_number(
			error, OFFSET_METADATA_LENGTH, metadata_length, "makes the header longer than 4096 bytes");
	if (at + method_length + metadata_length > length)
		return bad_number(error, length, length, "bytes end within the method or the metadata");
	frame->method = (struct lf_slice){(const char *)data + at, method_length};
	fault = ascii_fault(frame->method, '!');
	if (fault != method_length)
		return bad_byte(error, at + fault, data[at + fault], "a method is visible ASCII only");
	at += method_length;
	end = at + metadata_length;
	for (size_t i = 0; i < data[OFFSET_METADATA_COUNT]; i++) {
		code = decode_entry(&frame->metadata[i], data, &at, end, error);
		if (code != LF_OK)
			return code;
		frame->metadata_count++;
	}
	if (at != end)
		return bad_number(error, at, end - at, "bytes of metadata are left after its last entry");
	frame->message = data + end;
	frame->message_length = length - end;
	return LF_OK;
}

static enum lf_code check_entry(const struct lf_metadata *entry, size_t index, struct lf_error *error)
{
	if (entry->key.length < 1 || entry->key.length > KEY_BYTES_MAX || key_fault(entry->key) != entry->key.length)
		return lf_error_set(error, LF_INVALID_ARGUMENT,
			"frame: key of metadata entry %zu is not 1..%d of a-z, 0-9, '-', '_', '.'", index,
			KEY_BYTES_MAX);
	if (entry->value.length > LF_METADATA_BYTES_MAX || !lf_metadata_may_be_value(entry->value))
		return lf_error_set(error, LF_INVALID_ARGUMENT,
			"frame: value of metadata entry %zu is not 0..%d bytes of visible ASCII and space", index,
			LF_METADATA_BYTES_MAX);
	return LF_OK;
}

static enum lf_code check_method(const struct lf_frame *frame, struct lf_error *error)
{
	size_t minimum = frame->kind == LF_FRAME_REQUEST ? 1 : 0;
	size_t maximum = frame->kind == LF_FRAME_REQUEST ? LF_METHOD_BYTES_MAX : 0;

	if (frame->method.length < minimum || frame->method.length > maximum)
		return lf_error_set(error, LF_INVALID_ARGUMENT,
			"frame: method of %zu bytes; a request has 1..%d, a reply 0", frame->method.length,
			LF_METHOD_BYTES_MAX);
	if (ascii_fault(frame->method, '!') != frame->method.length)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "frame: the method is not visible ASCII");
	return LF_OK;
}

static enum lf_code check_fixed(const struct lf_frame *frame, struct lf_error *error)
{
	if (frame->kind != LF_FRAME_REQUEST && frame->kind != LF_FRAME_REPLY)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "frame: kind %u is unknown", (unsigned)frame->kind);
	if (frame->kind == LF_FRAME_REQUEST && frame->timeout_ms > LF_TIMEOUT_MS_MAX)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "frame: timeout of %" PRIu32 " ms is above %d",
			frame->timeout_ms, LF_TIMEOUT_MS_MAX);
	if (frame->kind == LF_FRAME_REPLY && (unsigned)frame->status > LF_UNAUTHENTICATED)
		return lf_error_set(
			error, LF_INVALID_ARGUMENT, "frame: status %u is outside 0..16", (unsigned)frame->status);
	if (frame->metadata_count > LF_METADATA_MAX)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "frame: %zu metadata entries are more than %d",
			frame->metadata_count, LF_METADATA_MAX);
	return LF_OK;
}

/* The header's length, where every field is within its limits; else 0. */
static size_t header_length(const struct lf_frame *frame, struct lf_error *error)
{
	size_t length = LF_FRAME_FIXED_BYTES + frame->method.length;

	if (check_fixed(frame, error) != LF_OK || check_method(frame, error) != LF_OK)
		return 0;
	for (size_t i = 0; i < frame->metadata_count; i++) {
		const struct lf_metadata *entry = &frame->metadata[i];

		if (check_entry(entry, i, error) != LF_OK)
			return 0;
		length += ENTRY_FIXED_BYTES + entry->key.length + entry->value.length;
	}
	if (length > LF_FRAME_HEADER_MAX) {
		lf_error_set(error, LF_INVALID_ARGUMENT, "frame: header of %zu bytes is longer than %d", length,
			LF_FRAME_HEADER_MAX);
		return 0;
	}
	return length;
}

static uint8_t *put_slice(uint8_t *at, struct lf_slice slice)
{
	if (slice.length != 0)
		memcpy(at, slice.data, slice.length);
	return at + slice.length;
}

size_t lf_frame_encode_header(const struct lf_frame *frame, uint8_t *out, struct lf_error *error)
{
	size_t length = header_length(frame, error);
	uint8_t *at;

	if (length == 0)
		return 0;
	out[OFFSET_MAGIC] = 'L';
	out[OFFSET_MAGIC + 1] = 'F';
	out[OFFSET_VERSION] = LF_FRAME_VERSION;
	out[OFFSET_KIND] = (uint8_t)frame->kind;
	put_u32(out + OFFSET_NUMBER, frame->kind == LF_FRAME_REQUEST ? frame->timeout_ms : (uint32_t)frame->status);
	out[OFFSET_METHOD_LENGTH] = (uint8_t)frame->method.length;
	out[OFFSET_METADATA_COUNT] = (uint8_t)frame->metadata_count;
	put_u16(out + OFFSET_METADATA_LENGTH, length - LF_FRAME_FIXED_BYTES - frame->method.length);
	at = put_slice(out + LF_FRAME_FIXED_BYTES, frame->method);
	for (size_t i = 0; i < frame->metadata_count; i++) {
		const struct lf_metadata *entry = &frame->metadata[i];

		at[0] = (uint8_t)entry->key.length;
		put_u16(at + 1, entry->value.length);
		at = put_slice(at + ENTRY_FIXED_BYTES, entry->key);
		at = put_slice(at, entry->value);
	}
	LF_CHECK(P6, at == out + length);
	return length;
}

struct lf_slice lf_frame_metadata(const struct lf_frame *frame, const char *key)
{
	return lf_metadata_find(frame->metadata, frame->metadata_count, key);
}
