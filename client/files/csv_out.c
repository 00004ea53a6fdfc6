#include <string.h>

#include "client/files/csv.h"
#include "proto/base/buffer.h"

/*
 * Spreadsheets take a cell that begins with one of these for a formula, and a formula can call programs or send the
 * sheet away. Fullwidth forms (U+FF0B, U+FF0D, U+FF1D, U+FF20) are taken for their narrow ones by some.
 */
static bool looks_like_formula(const char *text)
{
	static const char *const wide[] = {"\xef\xbc\x8b", "\xef\xbc\x8d", "\xef\xbc\x9d", "\xef\xbc\xa0"};

	if (text[0] != '\0' && strchr("=+-@\t\r\n'", text[0]) != NULL)
		return true;
	for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++)
		if (strncmp(text, wide[i], 3) == 0)
			return true;
	return false;
}

void lf_csv_text(struct lf_buffer *out, const char *text)
{
	const size_t length = strlen(text);
	const bool guarded = looks_like_formula(text);
	const bool quoted =
		strpbrk(text, ",\"\r\n;\t") != NULL || text[0] == ' ' || (length > 0 && text[length - 1] == ' ');

	if (quoted)
		lf_buffer_append_text(out, "\"");
	if (guarded)
		lf_buffer_append_text(out, "'");
	while (*text != '\0') {
		const size_t plain = strcspn(text, "\"");

		lf_buffer_append(out, text, plain);
		text += plain;
		if (*text == '"') {
			lf_buffer_append_text(out, "\"\"");
			text++;
		}
	}
	if (quoted)
		lf_buffer_append_text(out, "\"");
}
