/* Any bytes as a frame: what decodes is encoded again to the same bytes, and what does not decode has a reason. */
#include <string.h>

#include "proto/wire/frame.h"
#include "tests/fuzz/fuzz.h"

static void require_within(struct lf_slice slice, const uint8_t *data, size_t size)
{
	const uint8_t *start = (const uint8_t *)slice.data;

	REQUIRE(start >= data && start + slice.length <= data + size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
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
		return 0;
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
	return 0;
}
