/*
 * A cell says what it is by office:value-type, and its value by an attribute: numbers and dates come as they are, however
 * they are shown. Texts are paragraphs. What repeats is said by a number.
 */
#include "client/sheets/ods.h"

#include <stdlib.h>
#include <string.h>

#include "proto/base/buffer.h"

struct reader {
	struct lf_sheet *sheet;
	struct lf_row_builder row;
	struct lf_buffer text; /* of the cell */
	size_t column;
	size_t repeated_cells, repeated_rows;
	bool has_value;      /* the cell's text is its value, whatever its paragraphs say */
	unsigned paragraphs; /* begun in the cell */
	unsigned depth;      /* within the cell: of paragraphs */
	unsigned skipped;    /* within a comment */
	char *name;          /* of the table that is read */
	size_t others;       /* tables with cells beside it */
	bool begun, done, other_counted;
};

static size_t repeated(const char **attributes, const char *name)
{
	const char *text = lf_xml_attribute(attributes, name);
	const unsigned long count = text == NULL ? 1 : strtoul(text, NULL, 10);

	return count < 1 ? 1 : count > LF_PACKAGE_ROWS_MAX ? LF_PACKAGE_ROWS_MAX : count;
}

static void begin_cell(struct reader *reader, const char **attributes)
{
	static const char *const values[] = {"office:date-value", "office:value", "office:boolean-value",
		"office:time-value", "office:string-value"};
	const char *value = NULL;

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]) && value == NULL; i++)
		value = lf_xml_attribute(attributes, values[i]);
	reader->text.length = 0;
	reader->has_value = value != NULL;
	reader->paragraphs = reader->depth = 0;
	reader->repeated_cells = repeated(attributes, "table:number-columns-repeated");
	if (value != NULL)
		lf_buffer_append_text(&reader->text, value);
}

static void end_cell(struct reader *reader)
{
	const size_t length = reader->text.length;

	if (reader->text.failed)
		lf_error_set(reader->sheet->error, LF_RESOURCE_EXHAUSTED, "out of memory");
	else if (length > 0 && reader->done && !reader->other_counted)
		reader->other_counted = true;
	for (size_t i = 0; !reader->done && length > 0 && i < reader->repeated_cells && i <= LF_SHEET_COLUMNS_MAX; i++)
		lf_row_put(&reader->row, reader->column + i, reader->text.data, length);
	reader->column += reader->repeated_cells;
}

static void end_row(struct reader *reader)
{
	const size_t count = reader->row.count;

	for (size_t i = 0; count > 0 && i < reader->repeated_rows && reader->sheet->error->code == LF_OK; i++) {
		reader->row.count = count;
		lf_row_end(&reader->row);
		reader->row.number++;
	}
	if (count == 0)
		reader->row.number += reader->repeated_rows;
	if (reader->row.number > LF_PACKAGE_ROWS_MAX + 1 && count > 0)
		lf_error_add(reader->sheet->error, "", "a sheet has at most %d rows", LF_PACKAGE_ROWS_MAX);
}

static void begin_table(struct reader *reader, const char **attributes)
{
	const char *name = lf_xml_attribute(attributes, "table:name");

	reader->row.number = 1;
	reader->other_counted = false;
	if (!reader->done)
		reader->name = lf_arena_strdup(
			reader->sheet->arena, name == NULL ? "" : name, name == NULL ? 0 : strlen(name));
}

static void on_begin(void *context, const char *name, const char **attributes)
{
	struct reader *reader = context;
	const char *local = lf_xml_local(name);

	if (reader->skipped > 0 || strcmp(name, "office:annotation") == 0) {
		reader->skipped++;
	} else if (strcmp(name, "table:table") == 0) {
		begin_table(reader, attributes);
	} else if (strcmp(name, "table:table-row") == 0) {
		reader->column = 0;
		reader->repeated_rows = repeated(attributes, "table:number-rows-repeated");
	} else if (strcmp(name, "table:table-cell") == 0 || strcmp(name, "table:covered-table-cell") == 0) {
		begin_cell(reader, attributes);
	} else if (strncmp(name, "text:", 5) == 0 && !reader->has_value) {
		if (strcmp(local, "p") == 0 && reader->paragraphs++ > 0)
			lf_buffer_append_text(&reader->text, "\n");
		else if (strcmp(local, "line-break") == 0)
			lf_buffer_append_text(&reader->text, "\n");
		else if (strcmp(local, "s") == 0 || strcmp(local, "tab") == 0)
			lf_buffer_append_text(&reader->text, " ");
	}
	if (reader->skipped == 0 && strcmp(name, "text:p") == 0)
		reader->depth++;
}

static void on_end(void *context, const char *name)
{
	struct reader *reader = context;

	if (reader->skipped > 0) {
		reader->skipped--;
		return;
	}
	if (strcmp(name, "text:p") == 0 && reader->depth > 0)
		reader->depth--;
	else if (strcmp(name, "table:table-cell") == 0 || strcmp(name, "table:covered-table-cell") == 0)
		end_cell(reader);
	else if (strcmp(name, "table:table-row") == 0)
		end_row(reader);
	else if (strcmp(name, "table:table") == 0) {
		reader->others += reader->done && reader->other_counted;
		reader->done |= reader->sheet->count > 0;
	}
}

static void on_text(void *context, const char *text, size_t length)
{
	struct reader *reader = context;

	if (reader->skipped == 0 && reader->depth > 0 && !reader->has_value)
		lf_buffer_append(&reader->text, text, length);
}

bool lf_ods_is(struct lf_package *package)
{
	return lf_package_has(package, "content.xml");
}

void lf_ods_read(struct lf_package *package, struct lf_sheet *sheet)
{
	static const struct lf_xml_handlers handlers = {on_begin, on_end, on_text};
	struct reader *reader = lf_sheet_take(sheet, 1, sizeof(*reader));

	if (reader == NULL)
		return;
	reader->sheet = reader->row.sheet = sheet;
	lf_package_read(package, "content.xml", sheet, &handlers, reader);
	if (reader->others > 0)
		lf_text_add(sheet->notes, "the sheet \"%.64s\" was read; %zu more have cells\n",
			reader->name == NULL ? "" : reader->name, reader->others);
	lf_buffer_clean_up(&reader->text);
}
