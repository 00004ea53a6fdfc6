#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

#include "proto/base/harmless.h"

struct range {
	uint32_t first, last;
};

/* Beyond ASCII; rising. */
static const struct range unseen[] = {
	{0x80, 0x9f},
	{0xad, 0xad},
	{0x61c, 0x61c},
	{0x180e, 0x180e},
	{0x200b, 0x200f},
	{0x2028, 0x202e},
	{0x2060, 0x206f},
	{0xfeff, 0xfeff},
	{0xfff9, 0xfffb},
	{0xe0000, 0xe007f},
};

/* Bytes of the character at text that begins with a byte above 0x7f, as far as it is whole; else 0. */
static size_t decode(const unsigned char *text, uint32_t *character)
{
	const size_t length = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : text[0] >= 0xc2 ? 2 : 0;

	*character = length == 0 ? 0 : text[0] & (0xffu >> (length + 1));
	for (size_t i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		*character = *character << 6 | (text[i] & 0x3fu);
	}
	return length;
}

size_t lf_unseen(const char *text, uint32_t *character)
{
	const unsigned char first = (unsigned char)text[0];
	uint32_t found = first;
	size_t length = first != '\0' && (first < 0x20 || first == 0x7f);

	if (first >= 0x80) {
		size_t i = 0;

		length = decode((const unsigned char *)text, &found);
		while (i < sizeof(unseen) / sizeof(unseen[0]) && found > unseen[i].last)
			i++;
		if (i == sizeof(unseen) / sizeof(unseen[0]) || found < unseen[i].first)
			length = 0;
	}
	if (length > 0 && character != NULL)
		*character = found;
	return length;
}

static void replace_unseen(char *text, bool lines)
{
	char *out = text;

	while (*text != '\0') {
		const size_t length = lines && *text == '\n' ? 0 : lf_unseen(text, NULL);

		*out++ = length > 0 ? '?' : *text;
		text += length > 0 ? length : 1;
	}
	*out = '\0';
}

void lf_text_make_harmless(char *text)
{
	replace_unseen(text, true);
}

void lf_text_make_line(char *text)
{
	replace_unseen(text, false);
}

void lf_print_line(FILE *file, const char *format, ...)
{
	char *text = NULL;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0) {
		fputs("a line that there was no memory for\n", file);
		return;
	}
	lf_text_make_line(text);
	fprintf(file, "%s\n", text);
	free(text);
}
