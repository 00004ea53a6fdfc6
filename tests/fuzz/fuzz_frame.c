/*
 * Any bytes as a frame, or as a bundle of frames: what decodes is encoded again to the same bytes, and what does not decode
 * has a reason.
 */
#include <string.h>

#include "proto/wire/bundle.h"
#include "proto/wire/frame.h"
#include "tests/fuzz/fuzz.h"

static void require_within(struct lf_slice slice, const uint8_t *data, size_t size)
{
	const uint8_t *start = (const uint8_t *)slice.data;

	REQUIRE(start >= data && start + slice.length <= data + size);
}

static void read_frame(const uint8_t *data, size_t size)
{
	uint8_t header[LF_FRAME_HEADER_MAX];
	struct lf_error error = LF_ERROR_INIT;
	struct lf_frame frame;
	enum lf_code code = lf_frame_decode(&frame, data, size, &error);
	size_t length;

	REQUIRE(code == error.code);
	if (code != LF_OK) {
		REQUIRE(code == LF_INVALID_ARGUMENT || code == LF_UNIMPLEMENTED);
		REQUIRE(strncmp(error.message, "frame: ", 7) == 0);
		return;
	}
	require_within(frame.method, data, size);
	for (size_t i = 0; i < frame.metadata_count; i++) {
		require_within(frame.metadata[i].key, data, size);
		require_within(frame.metadata[i].value, data, size);
	}
	REQUIRE(frame.message + frame.message_length == data + size);
	length = lf_frame_encode_header(&frame, header, &error);
	REQUIRE(length == size - frame.message_length);
	REQUIRE(memcmp(header, data, length) == 0);
}

static void read_bundle(enum lf_bundle_kind kind, const uint8_t *data, size_t size)
{
	uint8_t head[LF_BUNDLE_FIXED_BYTES], entry[LF_BUNDLE_ENTRY_BYTES];
	struct lf_error error = LF_ERROR_INIT;
	struct lf_bundle bundle;
	const uint8_t *frame, *end = data + LF_BUNDLE_FIXED_BYTES;
	size_t length;
	uint32_t id;

	if (lf_bundle_open(&bundle, kind, data, size, &error) != LF_OK) {
		REQUIRE(error.code == LF_INVALID_ARGUMENT && strncmp(error.message, "bundle: ", 8) == 0);
		return;
	}
	REQUIRE(bundle.count >= 1 && bundle.count <= LF_BUNDLE_MAX);
	lf_bundle_encode_header(kind, bundle.count, head);
	REQUIRE(memcmp(head, data, sizeof(head)) == 0);
	while (lf_bundle_next(&bundle, &id, &frame, &length)) {
		REQUIRE(frame == end + LF_BUNDLE_ENTRY_BYTES && length <= size);
		lf_bundle_encode_entry(id, length, entry);
		REQUIRE(memcmp(entry, end, sizeof(entry)) == 0);
		end = frame + length;
		read_frame(frame, length);
	}
	REQUIRE(end == data + size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_frame(data, size);
	for (unsigned kind = LF_BUNDLE_REQUESTS; kind <= LF_BUNDLE_REPLIES; kind++)
		if (lf_bundle_is((enum lf_bundle_kind)kind, data, size))
			read_bundle((enum lf_bundle_kind)kind, data, size);
	return 0;
}
