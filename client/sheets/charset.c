#include "client/sheets/charset.h"

#include <stdbool.h>
#include <string.h>
#include <unistr.h>

/* Windows-1252 from 0x80 to 0x9f; 0: no character. The rest of it is Unicode's. */
static const uint16_t windows_1252[32] = {0x20ac, 0, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030,
	0x0160, 0x2039, 0x0152, 0, 0x017d, 0, 0, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122,
	0x0161, 0x203a, 0x0153, 0, 0x017e, 0x0178};

static void put(struct lf_buffer *out, ucs4_t character)
{
	uint8_t bytes[6];
	const int length = u8_uctomb(bytes, character, sizeof(bytes));

	if (length > 0)
		lf_buffer_append(out, (const char *)bytes, (size_t)length);
}

static enum lf_code from_windows_1252(const char *text, size_t length, struct lf_buffer *out, struct lf_error *error)
{
	size_t line = 1;

	for (size_t i = 0; i < length; i++) {
		const unsigned char byte = (unsigned char)text[i];
		const bool high = byte >= 0x80 && byte < 0xa0;

		line += byte == '\n' || (byte == '\r' && (i + 1 == length || text[i + 1] != '\n'));
		if (byte == '\0' || (high && windows_1252[byte - 0x80] == 0))
			return lf_error_set(error, LF_INVALID_ARGUMENT,
				"line %zu: is text neither in UTF-8 nor in Windows-1252 (it has the byte 0x%02x); save "
				"the file as \"CSV UTF-8\"",
				line, byte);
		put(out, high ? windows_1252[byte - 0x80] : byte);
	}
	return LF_OK;
}

static enum lf_code from_utf16(const char *text, size_t length, bool big, struct lf_buffer *out, struct lf_error *error)
{
	for (size_t i = 2; i + 1 < length; i += 2) {
		const unsigned char *at = (const unsigned char *)text + i;
		ucs4_t character = big ? (ucs4_t)(at[0] << 8 | at[1]) : (ucs4_t)(at[1] << 8 | at[0]);

		if (character >= 0xd800 && character < 0xdc00 && i + 3 < length) {
			const ucs4_t low = big ? (ucs4_t)(at[2] << 8 | at[3]) : (ucs4_t)(at[3] << 8 | at[2]);

			if (low >= 0xdc00 && low < 0xe000) {
				character = 0x10000 + ((character - 0xd800) << 10) + (low - 0xdc00);
				i += 2;
			}
		}
		if (character == 0 || (character >= 0xd800 && character < 0xe000))
			return lf_error_set(error, LF_INVALID_ARGUMENT,
				"is not valid UTF-16, as which it begins; save the file as \"CSV UTF-8\"");
		put(out, character);
	}
	return LF_OK;
}

enum lf_code lf_to_utf8(
	const char *text, size_t length, struct lf_buffer *out, const char **said, struct lf_error *error)
{
	enum lf_code code = LF_OK;
	const bool little = length >= 2 && memcmp(text, "\xff\xfe", 2) == 0;

	*said = NULL;
	if (memchr(text, '\0', length) == NULL && u8_check((const uint8_t *)text, length) == NULL)
		return LF_OK;
	if (little || (length >= 2 && memcmp(text, "\xfe\xff", 2) == 0)) {
		*said = "UTF-16";
		code = from_utf16(text, length, !little, out, error);
	} else {
		*said = "Windows-1252";
		code = from_windows_1252(text, length, out, error);
	}
	if (code == LF_OK && out->failed)
		code = lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	return code;
}
