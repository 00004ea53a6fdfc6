/*
 * Pieces of gRPC's protocol. The first byte picks: a time-out, a body, a text to be percent-encoded, a packed message to be
 * cut.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/base/limits.h"
#include "service/http/grpc.h"
#include "tests/fuzz/fuzz.h"

static void timeout(const char *text, size_t size)
{
	struct lf_error error = LF_ERROR_INIT;
	uint32_t ms = 0;
	const enum lf_code code = lf_grpc_timeout((struct lf_slice){text, size}, &ms, &error);

	if (code == LF_OK)
		REQUIRE(ms >= 1 && ms <= LF_TIMEOUT_MS_MAX && size >= 2 && size <= 9);
	else
		REQUIRE(code == LF_INVALID_ARGUMENT && error.code == code && error.message[0] != '\0');
	lf_error_clean_up(&error);
}

static void body(const uint8_t *bytes, size_t size)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_slice message = {0};
	const enum lf_code code = lf_grpc_message(bytes, size, LF_MESSAGE_BYTES_MAX, &message, &error);

	if (code == LF_OK)
		REQUIRE(message.length == size - LF_GRPC_PREFIX_BYTES && bytes[0] == 0);
	else
		REQUIRE(error.code == code && error.message[0] != '\0');
}

static void percent(const char *text, size_t size)
{
	char *out = malloc(3 * size + 1);
	size_t length, back = 0;

	REQUIRE(out != NULL);
	length = lf_grpc_percent(text, size, out);
	REQUIRE(length <= 3 * size);
	for (size_t at = 0; at < length; back++) {
		unsigned char c = (unsigned char)out[at];

		REQUIRE(c >= 0x20 && c <= 0x7e);
		if (c == '%') {
			char digits[3] = {out[at + 1], out[at + 2], '\0'};

			REQUIRE(at + 2 < length);
			c = (unsigned char)strtoul(digits, NULL, 16);
			at += 2;
		}
		at++;
		REQUIRE(back < size && c == (unsigned char)text[back]);
	}
	REQUIRE(back == size);
	free(out);
}

static void cut(const uint8_t *bytes, size_t size)
{
	const size_t max = size == 0 ? 0 : bytes[0];
	const size_t whole = lf_grpc_cut(bytes, size, max);
	uint8_t *out = malloc(2 * size + 128);

	REQUIRE(out != NULL && whole <= max && whole <= size);
	REQUIRE(lf_grpc_cut(bytes, whole, whole) == whole);
	REQUIRE(lf_grpc_status(LF_INTERNAL, (struct lf_slice){(const char *)bytes, size},
			(struct lf_slice){(const char *)bytes, whole}, out) <= size + whole + 128);
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	switch (data[0] & 3) {
	case 0:
		timeout((const char *)data + 1, size - 1);
		break;
	case 1:
		body(data + 1, size - 1);
		break;
	case 2:
		percent((const char *)data + 1, size - 1);
		break;
	default:
		cut(data + 1, size - 1);
	}
	return 0;
}
