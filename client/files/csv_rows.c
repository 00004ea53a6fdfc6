#include "client/files/csv_rows.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void lf_csv_fault(struct lf_csv_reader *reader, size_t line, const char *format, ...)
{
	char field[32];
	va_list arguments;

	snprintf(field, sizeof(field), "line %zu", line);
	va_start(arguments, format);
	lf_error_vadd(reader->error, field, format, arguments);
	va_end(arguments);
}

void *lf_csv_take(struct lf_csv_reader *reader, size_t count, size_t size)
{
	void *memory = lf_arena_zalloc(reader->arena, count, size);

	if (memory == NULL && !reader->failed) {
		reader->failed = true;
		lf_error_set(reader->error, LF_RESOURCE_EXHAUSTED, "out of memory");
	}
	return memory;
}

char *lf_csv_copy(struct lf_csv_reader *reader, const char *text, size_t length)
{
	char *made = lf_csv_take(reader, length + 1, 1);

	if (made != NULL)
		memcpy(made, text, length);
	return made;
}

static bool at_line_end(const struct lf_csv_reader *reader)
{
	return reader->at == reader->end || *reader->at == '\n' ||
		(*reader->at == '\r' && (reader->at + 1 == reader->end || reader->at[1] == '\n'));
}

/* Reads one cell; "" for an empty one, NULL where reader->failed. */
static char *read_cell(struct lf_csv_reader *reader)
{
	const char *begin = reader->at;
	size_t first_line, quotes;
	const char *close;
	char *text;

	if (reader->at == reader->end || *begin != '"') {
		while (!at_line_end(reader) && *reader->at != ',') {
			if (*reader->at == '"') {
				lf_csv_fault(
					reader, reader->line, "a quote within a cell that does not begin with one");
				reader->failed = true;
				return NULL;
			}
			reader->at++;
		}
		return lf_csv_copy(reader, begin, (size_t)(reader->at - begin));
	}
	first_line = reader->line;
	close = ++reader->at;
	quotes = 0;
	for (; close < reader->end && (*close != '"' || (close + 1 < reader->end && close[1] == '"')); close++) {
		reader->line += *close == '\n';
		if (*close == '"') {
			quotes++;
			close++;
		}
	}
	if (close >= reader->end) {
		lf_csv_fault(reader, first_line, "a quote that is never closed");
		reader->failed = true;
		return NULL;
	}
	text = lf_csv_take(reader, (size_t)(close - reader->at) - quotes + 1, 1);
	for (char *out = text; text != NULL && reader->at < close; reader->at++) {
		*out++ = *reader->at;
		reader->at += *reader->at == '"'; /* the second of two */
	}
	reader->at = close + 1;
	if (!at_line_end(reader) && *reader->at != ',') {
		lf_csv_fault(reader, reader->line, "text after a closing quote");
		reader->failed = true;
	}
	return text;
}

size_t lf_csv_row(struct lf_csv_reader *reader, char **cells, size_t cells_max, size_t *line)
{
	size_t count;
	bool more;

	while (reader->at < reader->end && at_line_end(reader)) {
		reader->line += *reader->at == '\n'; /* an empty line */
		reader->at++;
	}
	*line = reader->line;
	count = 0;
	more = reader->at < reader->end;
	while (more && !reader->failed) {
		char *cell = read_cell(reader);

		if (count < cells_max)
			cells[count] = cell;
		count++;
		more = reader->at < reader->end && *reader->at == ',';
		reader->at += more;
	}
	return reader->failed ? 0 : count;
}
