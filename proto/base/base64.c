#include "proto/base/base64.h"

size_t lf_base64_size(size_t bytes)
{
	return (bytes + 2) / 3 * 4;
}

char *lf_base64_print(const uint8_t *bytes, size_t count, bool padded, char *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t i = 0;
	uint32_t bits;

	for (; count - i >= 3; i += 3) {
		bits = (uint32_t)bytes[i] << 16 | (uint32_t)bytes[i + 1] << 8 | bytes[i + 2];
		*out++ = digits[bits >> 18];
		*out++ = digits[bits >> 12 & 63];
		*out++ = digits[bits >> 6 & 63];
		*out++ = digits[bits & 63];
	}
	if (i == count)
		return out;
	bits = (uint32_t)bytes[i] << 16 | (count - i > 1 ? (uint32_t)bytes[i + 1] << 8 : 0);
	*out++ = digits[bits >> 18];
	*out++ = digits[bits >> 12 & 63];
	if (count - i > 1)
		*out++ = digits[bits >> 6 & 63];
	else if (padded)
		*out++ = '=';
	if (padded)
		*out++ = '=';
	return out;
}

/* The six bits of a digit of either alphabet, -1 for anything else. */
static int digit_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

bool lf_base64_parse(const char *text, size_t length, uint8_t *out, size_t *out_length)
{
	size_t digits = length, used = 0;
	uint32_t bits = 0;
	int held = 0;

	while (digits && length - digits < 2 && text[digits - 1] == '=')
		digits--;
	if (digits % 4 == 1 || (digits != length && length % 4 != 0))
		return false;
	for (size_t i = 0; i < digits; i++) {
		int digit = digit_of(text[i]);

		if (digit < 0)
			return false;
		bits = bits << 6 | (uint32_t)digit;
		held += 6;
		if (held >= 8) {
			held -= 8;
			out[used++] = (uint8_t)(bits >> held);
			bits &= (1u << held) - 1;
		}
	}
	*out_length = used;
	return bits == 0;
}
