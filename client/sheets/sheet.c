#include "client/sheets/sheet.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/sheets/fold.h"

void lf_cell_name(size_t row_number, size_t column, char out[LF_CELL_NAME_BYTES])
{
	char letters[8];
	size_t length = sizeof(letters);

	letters[--length] = '\0';
	for (size_t c = column + 1; c > 0 && length > 0; c = (c - 1) / 26)
		letters[--length] = (char)('A' + (c - 1) % 26);
	snprintf(out, LF_CELL_NAME_BYTES, "%s%zu", letters + length, row_number);
}

bool lf_is_cell_name(const char *field)
{
	const size_t letters = strspn(field, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
	const size_t digits = strspn(field + letters, "0123456789");

	return letters > 0 && letters <= 3 && digits > 0 && field[letters + digits] == '\0';
}

void lf_cell_fault(struct lf_sheet *sheet, size_t row_number, size_t column, const char *format, ...)
{
	char name[LF_CELL_NAME_BYTES];
	va_list arguments;

	if (sheet->error->code == LF_RESOURCE_EXHAUSTED)
		return;
	lf_cell_name(row_number, column, name);
	va_start(arguments, format);
	lf_error_vadd(sheet->error, name, format, arguments);
	va_end(arguments);
}

const char *lf_cell(const struct lf_sheet_row *row, size_t column)
{
	return column < row->count ? row->cells[column] : "";
}

void *lf_sheet_take(struct lf_sheet *sheet, size_t count, size_t size)
{
	void *memory = lf_arena_zalloc(sheet->arena, count, size);

	if (memory == NULL)
		lf_error_set(sheet->error, LF_RESOURCE_EXHAUSTED, "out of memory");
	return memory;
}

const char *lf_sheet_fold_name(struct lf_sheet *sheet, const char *text)
{
	const char *folded = lf_fold_name(sheet->arena, text);

	if (folded == NULL)
		lf_error_set(sheet->error, LF_RESOURCE_EXHAUSTED, "out of memory");
	return folded;
}

static bool grow(struct lf_sheet *sheet)
{
	const size_t capacity = sheet->capacity == 0 ? 64 : 2 * sheet->capacity;
	struct lf_sheet_row *grown = lf_sheet_take(sheet, capacity, sizeof(*grown));

	if (grown == NULL)
		return false;
	if (sheet->count > 0)
		memcpy(grown, sheet->rows, sheet->count * sizeof(*grown));
	sheet->rows = grown;
	sheet->capacity = capacity;
	return true;
}

bool lf_sheet_add(struct lf_sheet *sheet, size_t number, const char *const *cells, size_t count)
{
	struct lf_sheet_row *row;
	const size_t width = count;

	if (count > LF_SHEET_COLUMNS_MAX)
		count = LF_SHEET_COLUMNS_MAX + 1;
	while (count > 0 && cells[count - 1][0] == '\0')
		count--;
	if (count == 0)
		return true;
	if (count > LF_SHEET_COLUMNS_MAX) {
		lf_cell_fault(sheet, number, count - 1, "a sheet has at most %d columns", LF_SHEET_COLUMNS_MAX);
		return false;
	}
	if (sheet->count == sheet->capacity && !grow(sheet))
		return false;
	row = &sheet->rows[sheet->count];
	*row = (struct lf_sheet_row){.number = number, .count = count, .width = width};
	row->cells = lf_sheet_take(sheet, count, sizeof(*row->cells));
	if (row->cells == NULL)
		return false;
	memcpy(row->cells, cells, count * sizeof(*cells));
	sheet->count++;
	return true;
}

const char *lf_sheet_text(struct lf_sheet *sheet, const char *text, size_t length)
{
	char *copy;
	const char *begin;

	if (length == 0)
		return "";
	copy = lf_arena_strdup(sheet->arena, text, length);
	if (copy == NULL) {
		lf_error_set(sheet->error, LF_RESOURCE_EXHAUSTED, "out of memory");
		return NULL;
	}
	begin = copy;
	length = lf_trim(&begin);
	copy[(size_t)(begin - copy) + length] = '\0';
	return begin;
}

bool lf_sheet_too_wide(struct lf_sheet *sheet, const struct lf_sheet_row *row, const struct lf_sheet_row *header)
{
	if (sheet->separator == '\0' || row->width <= header->width)
		return false;
	lf_cell_fault(sheet, row->number, header->width,
		"the row has %zu cells, but the headings have %zu; a cell with a %s in it is put in quotes", row->width,
		header->width, sheet->separator == ',' ? "comma" : (sheet->separator == ';' ? "semicolon" : "tab"));
	return true;
}
