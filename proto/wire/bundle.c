#include "proto/wire/bundle.h"

#include <inttypes.h>

#include "proto/base/check.h"
#include "proto/wire/frame.h"

/*
 *	 0  'L' 'F'      4  number of entries, u32      and of each entry
 *	 2  version      8  entries                       0  id, u32      4  length of the frame, u32      8  frame
 *	 3  kind
 */

enum {
	OFFSET_VERSION = 2,
	OFFSET_KIND = 3,
	OFFSET_COUNT = 4,
	OFFSET_ENTRY_LENGTH = 4,
	OFFSET_FRAME_TIMEOUT = 4,
};

static uint32_t get_u32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void put_u32(uint8_t *at, uint32_t number)
{
	at[0] = (uint8_t)(number >> 24);
	at[1] = (uint8_t)(number >> 16);
	at[2] = (uint8_t)(number >> 8);
	at[3] = (uint8_t)number;
}

bool lf_bundle_is(enum lf_bundle_kind kind, const uint8_t *data, size_t length)
{
	return length > OFFSET_KIND && data[0] == 'L' && data[1] == 'F' && data[OFFSET_VERSION] == LF_FRAME_VERSION &&
		data[OFFSET_KIND] == kind;
}

static enum lf_code bad(struct lf_error *error, size_t offset, size_t value, const char *what)
{
	return lf_error_set(error, LF_INVALID_ARGUMENT, "bundle: byte %zu: %zu: %s", offset, value, what);
}

enum lf_code lf_bundle_open(
	struct lf_bundle *bundle, enum lf_bundle_kind kind, const uint8_t *data, size_t length, struct lf_error *error)
{
	size_t at = LF_BUNDLE_FIXED_BYTES;
	uint32_t count;

	if (!lf_bundle_is(kind, data, length))
		return lf_error_set(error, LF_INVALID_ARGUMENT, "bundle: it does not begin with 4c 46 %02x %02x",
			LF_FRAME_VERSION, (unsigned)kind);
	if (length < LF_BUNDLE_FIXED_BYTES)
		return bad(error, length, length, "bytes are fewer than the 8 of a bundle");
	count = get_u32(data + OFFSET_COUNT);
	if (count < 1 || count > LF_BUNDLE_MAX)
		return lf_error_set(error, LF_INVALID_ARGUMENT,
			"bundle: byte %d: %" PRIu32 ": a bundle has 1..%d calls", OFFSET_COUNT, count, LF_BUNDLE_MAX);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t frame_length;

		if (length - at < LF_BUNDLE_ENTRY_BYTES)
			return bad(error, at, length - at, "bytes are left, a further entry needs 8 or more");
		frame_length = get_u32(data + at + OFFSET_ENTRY_LENGTH);
		if (frame_length > length - at - LF_BUNDLE_ENTRY_BYTES)
			return bad(error, at + OFFSET_ENTRY_LENGTH, frame_length,
				"the frame runs past the end of the bundle");
		at += LF_BUNDLE_ENTRY_BYTES + frame_length;
	}
	if (at != length)
		return bad(error, at, length - at, "bytes are left after the last entry");
	*bundle = (struct lf_bundle){count, data + LF_BUNDLE_FIXED_BYTES};
	return LF_OK;
}

bool lf_bundle_next(struct lf_bundle *bundle, uint32_t *id, const uint8_t **frame, size_t *length)
{
	if (bundle->count == 0)
		return false;
	*id = get_u32(bundle->at);
	*length = get_u32(bundle->at + OFFSET_ENTRY_LENGTH);
	*frame = bundle->at + LF_BUNDLE_ENTRY_BYTES;
	bundle->at = *frame + *length;
	bundle->count--;
	return true;
}

void lf_bundle_encode_header(enum lf_bundle_kind kind, size_t count, uint8_t *out)
{
	LF_CHECK(P9, count >= 1 && count <= LF_BUNDLE_MAX);
	out[0] = 'L';
	out[1] = 'F';
	out[OFFSET_VERSION] = LF_FRAME_VERSION;
	out[OFFSET_KIND] = (uint8_t)kind;
	put_u32(out + OFFSET_COUNT, (uint32_t)count);
}

void lf_bundle_encode_entry(uint32_t id, size_t length, uint8_t *out)
{
	put_u32(out, id);
	put_u32(out + OFFSET_ENTRY_LENGTH, (uint32_t)length);
}

void lf_bundle_set_timeout(uint8_t *frame, uint32_t timeout_ms)
{
	put_u32(frame + OFFSET_FRAME_TIMEOUT, timeout_ms);
}
