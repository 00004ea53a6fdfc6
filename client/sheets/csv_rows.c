#include "client/sheets/csv_rows.h"

#include <string.h>
#include <strings.h>

static const char separators[] = ",;\t";

struct reader {
	const char *at, *end;
	char separator;
	size_t row; /* its number */
	size_t column;
	struct lf_sheet *sheet;
	bool failed; /* memory ran out, or quotes are broken: stop */
};

static bool ends_line(char c)
{
	return c == '\n' || c == '\r';
}

/* Of which of the separators the first line has most, outside quotes. */
static char find_separator(const char *text, const char *end)
{
	size_t counts[sizeof(separators) - 1] = {0}, best = 0;
	bool quoted = false;

	while (text < end && ends_line(*text))
		text++;
	for (; text < end && (quoted || !ends_line(*text)); text++) {
		const char *found = *text == '\0' ? NULL : strchr(separators, *text);

		quoted ^= *text == '"';
		if (!quoted && found != NULL)
			counts[found - separators]++;
	}
	for (size_t s = 1; s < sizeof(counts) / sizeof(counts[0]); s++)
		if (counts[s] > counts[best])
			best = s;
	return separators[best];
}

/* The length of a first line "sep=;" with its line end; *separator is what it says. 0 where there is none. */
static size_t separator_line(const char *text, size_t length, char *separator)
{
	size_t at = length > 4 && text[0] == '"'; /* some quote it */

	if (length < at + 5 || strncasecmp(text + at, "sep=", 4) != 0 || strchr(separators, text[at + 4]) == NULL ||
		text[at + 4] == '\0')
		return 0;
	*separator = text[at + 4];
	at += 5;
	while (at < length && !ends_line(text[at])) /* the rest of it is cells that are empty */
		if (strchr("\",;\t ", text[at++]) == NULL)
			return 0;
	if (at + 1 < length && text[at] == '\r' && text[at + 1] == '\n')
		at++;
	return at < length ? at + 1 : at;
}

bool lf_csv_looks_like(const char *text)
{
	const size_t line = strcspn(text, "\r\n");
	char separator;

	if (separator_line(text, strlen(text), &separator) > 0)
		return true;
	if (memchr(text, ':', line) != NULL || text[0] == '-' || text[0] == '#')
		return false;
	return memchr(text, ',', line) != NULL || memchr(text, ';', line) != NULL || memchr(text, '\t', line) != NULL;
}

static bool at_cell_end(const struct reader *reader)
{
	return reader->at == reader->end || *reader->at == reader->separator || ends_line(*reader->at);
}

static const char *broken(struct reader *reader, const char *what)
{
	lf_cell_fault(reader->sheet, reader->row, reader->column, "%s", what);
	reader->failed = true;
	return NULL;
}

/* What is between quotes; reader->at is behind the first of them. */
static const char *read_quoted(struct reader *reader)
{
	const char *close = reader->at, *begin = reader->at;
	size_t doubled = 0, length = 0;
	char *text;

	for (; close < reader->end && (*close != '"' || (close + 1 < reader->end && close[1] == '"')); close++) {
		doubled += *close == '"';
		close += *close == '"';
	}
	if (close >= reader->end)
		return broken(reader, "a quote is never closed");
	reader->at = close + 1;
	while (reader->at < reader->end && *reader->at == ' ')
		reader->at++;
	if (!at_cell_end(reader))
		return broken(reader, "there is text after a closing quote; a quote within a cell is doubled");
	if (doubled == 0)
		return lf_sheet_text(reader->sheet, begin, (size_t)(close - begin));
	text = lf_sheet_take(reader->sheet, (size_t)(close - begin) - doubled + 1, 1);
	for (const char *from = begin; text != NULL && from < close; from++) {
		text[length++] = *from;
		from += *from == '"'; /* the second of two */
	}
	return text == NULL ? NULL : lf_sheet_text(reader->sheet, text, length);
}

/* Reads one cell; "" for an empty one, NULL where reader->failed. */
static const char *read_cell(struct reader *reader)
{
	const char *begin = reader->at, *text;

	while (begin < reader->end && *begin == ' ')
		begin++;
	if (begin < reader->end && *begin == '"') {
		reader->at = begin + 1;
		text = read_quoted(reader);
	} else {
		begin = reader->at;
		for (; !at_cell_end(reader); reader->at++)
			if (*reader->at == '"')
				return broken(reader,
					"a quote is within a cell that does not begin with one; such a cell is put in "
					"quotes, and the quote is doubled");
		text = lf_sheet_text(reader->sheet, begin, (size_t)(reader->at - begin));
	}
	reader->failed |= text == NULL;
	return text;
}

/* Reads one row into cells, of which there is room for LF_SHEET_COLUMNS_MAX + 1. Returns how many it has. */
static size_t read_row(struct reader *reader, const char **cells)
{
	bool more = true;

	for (reader->column = 0; more; reader->column++) {
		const char *cell = read_cell(reader);

		if (reader->failed)
			return 0;
		if (reader->column <= LF_SHEET_COLUMNS_MAX)
			cells[reader->column] = cell;
		else if (cell[0] != '\0')
			cells[LF_SHEET_COLUMNS_MAX] = cell; /* one too many is seen by that place */
		more = reader->at < reader->end && *reader->at == reader->separator;
		reader->at += more;
	}
	if (reader->at < reader->end) {
		const bool two = *reader->at == '\r' && reader->at + 1 < reader->end && reader->at[1] == '\n';

		reader->at += two ? 2 : 1;
	}
	return reader->column;
}

static void note_separator(const struct reader *reader)
{
	if (reader->separator != ',')
		lf_text_add(reader->sheet->notes, "cells are separated by %s\n",
			reader->separator == ';' ? "semicolons" : "tabs");
}

void lf_csv_read(struct lf_sheet *sheet, const char *text, size_t length)
{
	struct reader reader = {.at = text, .end = text + length, .sheet = sheet};
	const char **cells = lf_sheet_take(sheet, LF_SHEET_COLUMNS_MAX + 1, sizeof(*cells));
	const size_t said = separator_line(text, length, &reader.separator);

	if (cells == NULL)
		return;
	reader.at += said;
	if (said == 0)
		reader.separator = find_separator(text, text + length);
	sheet->separator = reader.separator;
	note_separator(&reader);
	while (reader.at < reader.end) {
		size_t count;

		reader.row++;
		count = read_row(&reader, cells);
		if (reader.failed)
			return;
		if (!lf_sheet_add(sheet, reader.row, cells, count))
			return;
	}
}
