#include <string.h>

#include "proto/base/limits.h"
#include "service/http/grpc.h"

/* ---- time-outs ---- */

/* Nanoseconds of a unit, or 0. */
static uint64_t unit_ns(char unit)
{
	switch (unit) {
	case 'H':
		return UINT64_C(3600000000000);
	case 'M':
		return UINT64_C(60000000000);
	case 'S':
		return UINT64_C(1000000000);
	case 'm':
		return UINT64_C(1000000);
	case 'u':
		return UINT64_C(1000);
	case 'n':
		return 1;
	default:
		return 0;
	}
}

enum lf_code lf_grpc_timeout(struct lf_slice text, uint32_t *timeout_ms, struct lf_error *error)
{
	const uint64_t unit = text.length == 0 ? 0 : unit_ns(text.data[text.length - 1]);
	const uint64_t max = (uint64_t)LF_TIMEOUT_MS_MAX * 1000000;
	uint64_t value = 0;
	bool right = unit != 0 && text.length >= 2 && text.length <= 9;

	for (size_t i = 0; right && i < text.length - 1; i++) {
		right = text.data[i] >= '0' && text.data[i] <= '9';
		value = value * 10 + (uint64_t)(text.data[i] - '0');
	}
	if (!right)
		return lf_error_add(error, "grpc-timeout",
			"\"%.*s\" is no time-out: 1 to 8 digits and one of H, M, S, m, u, n are",
			(int)(text.length < 32 ? text.length : 32), text.data);
	value = value > max / unit ? max : value * unit;
	*timeout_ms = value == 0 ? 1 : (uint32_t)((value + 999999) / 1000000);
	return LF_OK;
}

/* ---- messages ---- */

enum lf_code lf_grpc_message(
	const uint8_t *body, size_t length, size_t max, struct lf_slice *message, struct lf_error *error)
{
	size_t announced;

	if (length < LF_GRPC_PREFIX_BYTES)
		return lf_error_set(error, LF_INVALID_ARGUMENT,
			"the body has %zu bytes; a message and its prefix of %d are wanted", length,
			LF_GRPC_PREFIX_BYTES);
	if (body[0] == 1)
		return lf_error_set(error, LF_UNIMPLEMENTED,
			"the message is compressed; only grpc-encoding identity is known here");
	if (body[0] != 0)
		return lf_error_set(error, LF_INVALID_ARGUMENT,
			"the message's prefix begins with 0x%02x; it is 0x00 where it is not compressed", body[0]);
	announced = (size_t)body[1] << 24 | (size_t)body[2] << 16 | (size_t)body[3] << 8 | body[4];
	if (announced > max)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED,
			"the request has %zu bytes, the limit of a message is %zu", announced, max);
	if (announced != length - LF_GRPC_PREFIX_BYTES)
		return lf_error_set(error, LF_INVALID_ARGUMENT,
			"the message's prefix says %zu bytes, and %zu follow it: one message is wanted", announced,
			length - LF_GRPC_PREFIX_BYTES);
	*message = (struct lf_slice){(const char *)body + LF_GRPC_PREFIX_BYTES, announced};
	return LF_OK;
}

/* ---- errors ---- */

size_t lf_grpc_percent(const char *text, size_t length, char *out)
{
	static const char digits[] = "0123456789ABCDEF";
	char *at = out;

	for (size_t i = 0; i < length; i++) {
		const unsigned char c = (unsigned char)text[i];

		if (c >= 0x20 && c <= 0x7e && c != '%') {
			*at++ = (char)c;
			continue;
		}
		*at++ = '%';
		*at++ = digits[c >> 4];
		*at++ = digits[c & 15];
	}
	return (size_t)(at - out);
}

/* Reads a varint at `at`. Returns what follows it, or 0. */
static size_t read_varint(const uint8_t *bytes, size_t length, size_t at, uint64_t *value)
{
	*value = 0;
	for (unsigned shift = 0; at < length && shift < 64; shift += 7) {
		*value |= (uint64_t)(bytes[at] & 0x7f) << shift;
		if ((bytes[at++] & 0x80) == 0)
			return at;
	}
	return 0;
}

/* leadfit.v1.Error has varints and texts only. */
size_t lf_grpc_cut(const uint8_t *message, size_t length, size_t max)
{
	size_t whole = 0;

	while (whole < length) {
		uint64_t tag, value;
		size_t at = read_varint(message, length, whole, &tag);

		if (at != 0)
			at = read_varint(message, length, at, &value);
		if (at == 0 || ((tag & 7) != 0 && (tag & 7) != 2))
			break;
		if ((tag & 7) == 2)
			at = value > length - at ? length + 1 : at + (size_t)value;
		if (at > length || at > max)
			break;
		whole = at;
	}
	return whole;
}

static uint8_t *put_varint(uint8_t *at, size_t value)
{
	for (; value >= 0x80; value >>= 7)
		*at++ = (uint8_t)(value | 0x80);
	*at++ = (uint8_t)value;
	return at;
}

static size_t varint_size(size_t value)
{
	size_t size = 1;

	for (; value >= 0x80; value >>= 7)
		size++;
	return size;
}

/* A field with a text. */
static uint8_t *put_text(uint8_t *at, unsigned field, const char *text, size_t length)
{
	*at++ = (uint8_t)(field << 3 | 2);
	at = put_varint(at, length);
	if (length != 0)
		memcpy(at, text, length);
	return at + length;
}

size_t lf_grpc_status(enum lf_code code, struct lf_slice message, struct lf_slice details, uint8_t *out)
{
	static const char type[] = "type.googleapis.com/leadfit.v1.Error";
	const size_t any =
		2 + sizeof(type) - 1 + 1 + varint_size(details.length) + details.length; /* both fields of it */
	uint8_t *at = out;

	*at++ = 1 << 3;
	*at++ = (uint8_t)code;
	at = put_text(at, 2, message.data, message.length);
	*at++ = 3 << 3 | 2;
	at = put_varint(at, any);
	at = put_text(at, 1, type, sizeof(type) - 1);
	at = put_text(at, 2, details.data, details.length);
	return (size_t)(at - out);
}
