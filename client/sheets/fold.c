#include "client/sheets/fold.h"

#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <uninorm.h>
#include <unictype.h>
#include <unistr.h>

#include "proto/base/harmless.h"

static bool is_space(ucs4_t character)
{
	return uc_is_property_white_space(character);
}

/* The character at text, and its length. 0 at the end. What is no UTF-8 is a character a byte. */
static int next(const char *text, ucs4_t *character)
{
	if ((unsigned char)text[0] < 0x80) {
		*character = (unsigned char)text[0];
		return text[0] != '\0';
	}
	return u8_mbtouc(character, (const uint8_t *)text, strnlen(text, 4));
}

size_t lf_trim(const char **text)
{
	ucs4_t character;
	int length;
	size_t kept = 0;

	while ((length = next(*text, &character)) > 0 && is_space(character))
		*text += length;
	for (size_t at = 0; (length = next(*text + at, &character)) > 0; at += (size_t)length)
		if (!is_space(character))
			kept = at + (size_t)length;
	return kept;
}

/* Which letters look like which. Those of other scripts that look like Latin ones in upper or in lower case. */
static const struct {
	ucs4_t character;
	char like;
} looks[] = {
	{'I', 'l'},
	{'1', 'l'},
	{'|', 'l'},
	{'0', 'o'},
	{'O', 'o'},
	{0x0391, 'a'},
	{0x03b1, 'a'},
	{0x0410, 'a'},
	{0x0430, 'a'},
	{0x0392, 'b'},
	{0x0412, 'b'},
	{0x0421, 'c'},
	{0x0441, 'c'},
	{0x0395, 'e'},
	{0x0415, 'e'},
	{0x0435, 'e'},
	{0x0397, 'h'},
	{0x041d, 'h'},
	{0x0399, 'l'},
	{0x0406, 'l'},
	{0x0456, 'i'},
	{0x0408, 'j'},
	{0x0458, 'j'},
	{0x039a, 'k'},
	{0x041a, 'k'},
	{0x043a, 'k'},
	{0x039c, 'm'},
	{0x041c, 'm'},
	{0x043c, 'm'},
	{0x039d, 'n'},
	{0x039f, 'o'},
	{0x03bf, 'o'},
	{0x041e, 'o'},
	{0x043e, 'o'},
	{0x03a1, 'p'},
	{0x03c1, 'p'},
	{0x0420, 'p'},
	{0x0440, 'p'},
	{0x0405, 's'},
	{0x0455, 's'},
	{0x03a4, 't'},
	{0x0422, 't'},
	{0x0442, 't'},
	{0x03a7, 'x'},
	{0x0425, 'x'},
	{0x0445, 'x'},
	{0x03a5, 'y'},
	{0x0423, 'y'},
	{0x0443, 'y'},
	{0x0396, 'z'},
	{0x2010, '-'},
	{0x2011, '-'},
	{0x2012, '-'},
	{0x2013, '-'},
	{0x2014, '-'},
	{0x2212, '-'},
};

static char like(ucs4_t character)
{
	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++)
		if (looks[i].character == character)
			return looks[i].like;
	return '\0';
}

/* text[0..length) in the arena, with case folded, in this normal form. */
static char *fold_case(struct lf_arena *arena, const char *text, size_t length, uninorm_t form)
{
	size_t folded_length = 0;
	uint8_t *folded = u8_casefold((const uint8_t *)text, length, NULL, form, NULL, &folded_length);
	char *copy = folded == NULL ? NULL : lf_arena_strdup(arena, (const char *)folded, folded_length);

	free(folded);
	return copy;
}

enum kind { WORDS, NAME, LOOKS };

/*
 * A copy without what does not count: one space for each run of white space, nothing unseen; of a name no separators; of
 * looks what letters look like. *plain: it is ASCII in lower case.
 */
static char *strip(struct lf_arena *arena, const char *text, enum kind kind, size_t *length, bool *plain)
{
	const size_t trimmed = lf_trim(&text);
	char *out = lf_arena_alloc(arena, trimmed + 1);
	bool space = false;
	int bytes;

	*length = 0;
	*plain = true;
	for (size_t at = 0; out != NULL && at < trimmed; at += (size_t)bytes) {
		ucs4_t c;

		bytes = next(text + at, &c);
		if (is_space(c)) {
			space = kind != NAME;
			continue;
		}
		if (lf_unseen(text + at, NULL) > 0 || (kind == NAME && c < 0x80 && strchr("_-./&", (int)c) != NULL))
			continue;
		if (space && *length > 0)
			out[(*length)++] = ' ';
		space = false;
		if (kind == LOOKS && like(c) != '\0') {
			out[(*length)++] = like(c);
			continue;
		}
		if (c < 0x80) {
			out[(*length)++] = (char)(c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c);
			continue;
		}
		*plain = false;
		memcpy(out + *length, text + at, (size_t)bytes);
		*length += (size_t)bytes;
	}
	if (out != NULL)
		out[*length] = '\0';
	return out;
}

static char *fold(struct lf_arena *arena, const char *text, enum kind kind)
{
	size_t length;
	bool plain;
	char *out = strip(arena, text, kind, &length, &plain);

	if (out == NULL || plain)
		return out;
	return fold_case(arena, out, length, kind == WORDS ? UNINORM_NFC : UNINORM_NFKC);
}

char *lf_fold(struct lf_arena *arena, const char *text)
{
	return fold(arena, text, WORDS);
}

char *lf_fold_name(struct lf_arena *arena, const char *text)
{
	return fold(arena, text, NAME);
}

char *lf_fold_looks(struct lf_arena *arena, const char *text)
{
	return fold(arena, text, LOOKS);
}
