/* Text → JSON string. */
#include <stdio.h>

#include "proto/base/harmless.h"
#include "proto/text/json.h"
#include "proto/text/json_internal.h"

/* Bytes of the well-formed UTF-8 character above U+007F at text, 0 where there is none. Stops at a NUL. */
static size_t wide_character(const unsigned char *text)
{
	unsigned char first = text[0], low = 0x80, high = 0xbf;
	size_t count = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

	if (first < 0xc2 || first > 0xf4)
		return 0;
	if (first == 0xe0)
		low = 0xa0;
	else if (first == 0xed)
		high = 0x9f;
	else if (first == 0xf0)
		low = 0x90;
	else if (first == 0xf4)
		high = 0x8f;
	if (text[1] < low || text[1] > high)
		return 0;
	for (size_t i = 2; i < count; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	}
	return count;
}

static void print_escape(struct lf_buffer *out, unsigned c)
{
	static const char short_form[] = "\"\"\\\\\bb\ff\nn\rr\tt";
	char text[8] = "\\";

	for (size_t i = 0; i < sizeof(short_form) - 1; i += 2) {
		if ((unsigned)short_form[i] == c) {
			text[1] = short_form[i + 1];
			lf_buffer_append(out, text, 2);
			return;
		}
	}
	snprintf(text, sizeof(text), "\\u%04x", c);
	lf_buffer_append(out, text, 6);
}

unsigned lf_needless_escape(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	uint32_t character = 0;
	const size_t count = lf_unseen(text, &character);

	if (at[0] >= 0x80 && count > 0 && count < 4)
		return character;
	if (at[0] == 0xef && at[1] == 0xbf && at[2] >= 0xbe)
		return 0xffc0u | (at[2] & 0x3fu);
	return 0;
}

/* The character at text that can't stand for itself, of count bytes; 0: no character. Returns the bytes to go on by. */
static size_t print_special(struct lf_buffer *out, const char *text, size_t count)
{
	const unsigned char *at = (const unsigned char *)text;

	if (at[0] < 0x80) {
		print_escape(out, at[0]);
		return 1;
	}
	if (!count) {
		lf_buffer_append(out, "\xef\xbf\xbd", 3);
		return 1;
	}
	print_escape(out, lf_needless_escape(text));
	return count;
}

void lf_json_print_string(const char *text, struct lf_buffer *out)
{
	const char *start = text;

	lf_buffer_put(out, '"');
	while (*text) {
		unsigned char c = (unsigned char)*text;
		size_t count;

		if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
			text++;
			continue;
		}
		count = c >= 0x80 ? wide_character((const unsigned char *)text) : 0;
		if (count && !lf_needless_escape(text)) {
			text += count;
			continue;
		}
		lf_buffer_append(out, start, (size_t)(text - start));
		text += print_special(out, text, count);
		start = text;
	}
	lf_buffer_append(out, start, (size_t)(text - start));
	lf_buffer_put(out, '"');
}
