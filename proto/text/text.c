/* Positions in a text, and the cleaning of text for messages. */
#include <string.h>

#include "proto/base/harmless.h"
#include "proto/text/json_internal.h"

void lf_text_position(const char *text, size_t offset, size_t *line, size_t *column)
{
	size_t start = 0;

	*line = 1;
	for (size_t i = 0; i < offset; i++) {
		if (text[i] == '\n') {
			(*line)++;
			start = i + 1;
		}
	}
	*column = offset - start + 1;
}

/* Bytes of the UTF-8 character at text, 0 where there is none. */
static size_t character(const unsigned char *text, size_t length)
{
	size_t count = text[0] < 0x80 ? 1 : text[0] < 0xc2 ? 0 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
	bool bad;

	if (!count || count > length || text[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < count; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	}
	bad = (text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
		(text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f);
	return bad ? 0 : count;
}

void lf_clean_text(const char *text, size_t length, char *out, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < length;) {
		const unsigned char *at = (const unsigned char *)text + i;
		size_t count = character(at, length - i);
		bool plain = count > 0 && at[0] != '\0' && lf_unseen(text + i, NULL) == 0;
		size_t needed = plain ? count : 1;
		size_t rest = length - i > (count ? count : 1) ? 3 : 0; /* "…", where this is not the last one */

		if (used + needed + rest + 1 > size) {
			if (used + 4 <= size) {
				memcpy(out + used, "\xe2\x80\xa6", 3);
				used += 3;
			}
			break;
		}
		if (plain)
			memcpy(out + used, at, count);
		else
			out[used] = '?';
		used += needed;
		i += count ? count : 1;
	}
	out[used] = '\0';
}
