#include "storage/tlog/text.h"

/* ---- base64 ---- */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t lf_base64_encode(const void *data, size_t length, char *text)
{
	const uint8_t *in = data;
	char *out = text;

	for (size_t i = 0; i < length; i += 3) {
		const size_t left = length - i;
		const uint32_t bits =
			(uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) | (left > 2 ? in[i + 2] : 0);

		*out++ = digits[bits >> 18];
		*out++ = digits[bits >> 12 & 63];
		*out++ = left > 1 ? digits[bits >> 6 & 63] : '=';
		*out++ = left > 2 ? digits[bits & 63] : '=';
	}
	*out = '\0';
	return (size_t)(out - text);
}

static bool read_digit(char c, uint32_t *value)
{
	if (c >= 'A' && c <= 'Z')
		*value = (uint32_t)(c - 'A');
	else if (c >= 'a' && c <= 'z')
		*value = (uint32_t)(c - 'a' + 26);
	else if (c >= '0' && c <= '9')
		*value = (uint32_t)(c - '0' + 52);
	else if (c == '+' || c == '/')
		*value = c == '+' ? 62 : 63;
	else
		return false;
	return true;
}

bool lf_base64_decode_some(const char *text, size_t text_length, uint8_t *data, size_t size, size_t *length)
{
	*length = 0;
	if (text_length % 4 != 0)
		return false;
	for (size_t i = 0; i < text_length; i += 4) {
		size_t bytes = 3;
		uint32_t bits = 0, digit;

		if (i + 4 == text_length && text[i + 3] == '=')
			bytes = text[i + 2] == '=' ? 1 : 2;
		for (size_t k = 0; k < 4; k++) {
			digit = 0;
			if (k <= bytes && !read_digit(text[i + k], &digit))
				return false;
			bits = bits << 6 | digit;
		}
		if ((bits & (((uint32_t)1 << (8 * (3 - bytes))) - 1)) != 0) /* bits that stand for nothing */
			return false;
		for (size_t k = 0; k < bytes; k++, ++*length)
			if (*length < size)
				data[*length] = (uint8_t)(bits >> (16 - 8 * k));
	}
	return true;
}

bool lf_base64_decode(const char *text, size_t text_length, void *data, size_t size, size_t *length)
{
	return lf_base64_decode_some(text, text_length, data, size, length) && *length <= size;
}

/* ---- numbers ---- */

bool lf_decimal_read(const char *text, size_t length, uint64_t *number)
{
	*number = 0;
	if (length == 0 || (text[0] == '0' && length > 1))
		return false;
	for (size_t i = 0; i < length; i++) {
		const uint64_t digit = (uint64_t)(text[i] - '0');

		if (text[i] < '0' || text[i] > '9' || *number > (UINT64_MAX - digit) / 10)
			return false;
		*number = *number * 10 + digit;
	}
	return true;
}
