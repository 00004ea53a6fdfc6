/*
 * Four parts: the workbook names its worksheets; texts are in a list that cells point into; styles say which numbers are
 * shown as dates; and the worksheet has the cells.
 */
#include "client/sheets/xlsx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/buffer.h"

enum { PART_BYTES = 256, FORMATS_MAX = 1024, STYLES_MAX = 65536 };

struct reader {
	struct lf_sheet *sheet;
	struct lf_package *package;
	/* the workbook */
	char relation[64], name[64], path[PART_BYTES];
	size_t sheet_count;
	bool from_1904;
	/* texts */
	const char **texts;
	size_t text_count, text_capacity;
	/* styles: which custom formats, and which styles, are dates */
	unsigned long date_formats[FORMATS_MAX];
	size_t date_format_count;
	bool *dates;
	size_t style_count;
	bool in_styles;
	/* the worksheet */
	struct lf_row_builder row;
	size_t column;
	char type[16];
	bool is_date;
	/* what is gathered: of a text or a cell */
	struct lf_buffer text;
	bool gathers;
	unsigned skipped; /* within a reading aid */
};

static void no_memory(struct reader *reader)
{
	lf_error_set(reader->sheet->error, LF_RESOURCE_EXHAUSTED, "out of memory");
}

static bool is_true(const char *text)
{
	return text != NULL && (strcmp(text, "1") == 0 || strcmp(text, "true") == 0);
}

static void on_text(void *context, const char *text, size_t length)
{
	struct reader *reader = context;

	if (!reader->gathers || reader->skipped > 0)
		return;
	lf_buffer_append(&reader->text, text, length);
	if (reader->text.failed)
		no_memory(reader);
}

static void nothing(void *context, const char *name)
{
	(void)context;
	(void)name;
}

/* ---- the workbook ---- */

static void on_workbook(void *context, const char *name, const char **attributes)
{
	struct reader *reader = context;
	const char *local = lf_xml_local(name), *id, *title;

	if (strcmp(local, "workbookPr") == 0)
		reader->from_1904 = is_true(lf_xml_attribute(attributes, "date1904"));
	if (strcmp(local, "sheet") != 0 || reader->sheet_count++ > 0)
		return;
	id = lf_xml_local_attribute(attributes, "id");
	title = lf_xml_attribute(attributes, "name");
	snprintf(reader->relation, sizeof(reader->relation), "%s", id == NULL ? "" : id);
	snprintf(reader->name, sizeof(reader->name), "%.60s", title == NULL ? "" : title);
}

static void on_relation(void *context, const char *name, const char **attributes)
{
	struct reader *reader = context;
	const char *id = lf_xml_attribute(attributes, "Id"), *target = lf_xml_attribute(attributes, "Target");

	if (strcmp(lf_xml_local(name), "Relationship") != 0 || id == NULL || target == NULL ||
		strcmp(id, reader->relation) != 0)
		return;
	if (target[0] == '/')
		snprintf(reader->path, sizeof(reader->path), "%s", target + 1);
	else
		snprintf(reader->path, sizeof(reader->path), "xl/%s", target);
}

/* ---- texts ---- */

static void add_text(struct reader *reader)
{
	const char *text =
		lf_sheet_text(reader->sheet, reader->text.data == NULL ? "" : reader->text.data, reader->text.length);

	if (text != NULL && reader->text_count == reader->text_capacity) {
		const size_t capacity = reader->text_capacity == 0 ? 256 : 2 * reader->text_capacity;
		const char **grown = lf_sheet_take(reader->sheet, capacity, sizeof(*grown));

		if (grown == NULL)
			return;
		if (reader->text_count > 0)
			memcpy(grown, reader->texts, reader->text_count * sizeof(*grown));
		reader->texts = grown;
		reader->text_capacity = capacity;
	}
	if (text != NULL)
		reader->texts[reader->text_count++] = text;
}

/* A text of a shared string or of a cell, without how it is pronounced. */
static void begin_text(struct reader *reader, const char *local, bool gathers)
{
	reader->gathers = gathers;
	reader->skipped += strcmp(local, "rPh") == 0;
}

static void end_text(struct reader *reader, const char *local)
{
	reader->gathers = false;
	if (strcmp(local, "rPh") == 0 && reader->skipped > 0)
		reader->skipped--;
}

static void on_text_begin(void *context, const char *name, const char **attributes)
{
	struct reader *reader = context;
	const char *local = lf_xml_local(name);

	(void)attributes;
	if (strcmp(local, "si") == 0)
		reader->text.length = 0;
	begin_text(reader, local, strcmp(local, "t") == 0);
}

static void on_text_end(void *context, const char *name)
{
	struct reader *reader = context;
	const char *local = lf_xml_local(name);

	end_text(reader, local);
	if (strcmp(local, "si") == 0)
		add_text(reader);
}

/* ---- styles ---- */

/* Whether a format shows a number as a date: it has a day, month or year outside quotes, escapes and brackets. */
static bool shows_date(const char *format)
{
	for (; *format != '\0' && *format != ';'; format++) {
		if (*format == '"' || *format == '[') {
			const char *close = strchr(format + 1, *format == '"' ? '"' : ']');

			if (close == NULL)
				return false;
			format = close;
		} else if (*format == '\\' || *format == '_' || *format == '*') {
			format += format[1] != '\0';
		} else if (strchr("dDyY", *format) != NULL) {
			return true;
		}
	}
	return false;
}

static bool is_date_format(const struct reader *reader, unsigned long id)
{
	if ((id >= 14 && id <= 17) || id == 22 || (id >= 27 && id <= 36) || (id >= 50 && id <= 58))
		return true;
	for (size_t i = 0; i < reader->date_format_count; i++)
		if (reader->date_formats[i] == id)
			return true;
	return false;
}

static void on_style(void *context, const char *name, const char **attributes)
{
	struct reader *reader = context;
	const char *local = lf_xml_local(name), *id = lf_xml_attribute(attributes, "numFmtId");
	const char *code = lf_xml_attribute(attributes, "formatCode");

	if (strcmp(local, "cellXfs") == 0)
		reader->in_styles = true;
	if (strcmp(local, "numFmt") == 0 && id != NULL && code != NULL && shows_date(code) &&
		reader->date_format_count < FORMATS_MAX)
		reader->date_formats[reader->date_format_count++] = strtoul(id, NULL, 10);
	if (reader->in_styles && strcmp(local, "xf") == 0 && reader->style_count < STYLES_MAX)
		reader->dates[reader->style_count++] = id != NULL && is_date_format(reader, strtoul(id, NULL, 10));
}

static void on_style_end(void *context, const char *name)
{
	struct reader *reader = context;

	if (strcmp(lf_xml_local(name), "cellXfs") == 0)
		reader->in_styles = false;
}

/* ---- cells ---- */

/* "B7" as its column from 0; the one behind the last where there is none. */
static size_t column_of(const struct reader *reader, const char *name)
{
	size_t column = 0;

	if (name == NULL)
		return reader->column + 1;
	for (; *name >= 'A' && *name <= 'Z' && column < LF_PACKAGE_ROWS_MAX; name++)
		column = column * 26 + (size_t)(*name - 'A') + 1;
	return column - 1;
}

/* A day of the spreadsheet's calendar as YYYY-MM-DD; false where it is none. */
static bool print_day(double serial, bool from_1904, char out[32])
{
	int64_t day, era, year, month, of_era, of_year, shifted;

	if (!(serial >= 1 && serial < 2958466)) /* to the end of 9999 */
		return false;
	day = (int64_t)serial + (from_1904 ? -24107 : -25569);
	if (!from_1904 && serial < 60) /* it takes 1900 for a leap year */
		day++;
	/* The civil calendar from a day since 1970, with years that begin in March. */
	day += 719468;
	era = day / 146097;
	of_era = day - era * 146097;
	year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	of_year = of_era - (365 * year + year / 4 - year / 100);
	shifted = (5 * of_year + 2) / 153;
	month = shifted < 10 ? shifted + 3 : shifted - 9;
	year += era * 400 + (month <= 2);
	snprintf(out, 32, "%04d-%02d-%02d", (int)year, (int)month, (int)(of_year - (153 * shifted + 2) / 5 + 1));
	return true;
}

static void end_cell(struct reader *reader)
{
	const char *text = reader->text.data == NULL ? "" : reader->text.data;
	char day[32];

	if (reader->text.length == 0)
		return;
	if (strcmp(reader->type, "s") == 0) {
		const unsigned long index = strtoul(text, NULL, 10);

		if (index >= reader->text_count) {
			lf_cell_fault(
				reader->sheet, reader->row.number, reader->column, "has a text that the file lacks");
			return;
		}
		text = reader->texts[index];
	} else if (strcmp(reader->type, "b") == 0) {
		text = is_true(text) ? "TRUE" : "FALSE";
	} else if (reader->is_date && print_day(strtod(text, NULL), reader->from_1904, day)) {
		text = day;
	}
	lf_row_put(&reader->row, reader->column, text, strlen(text));
}

static void begin_cell(struct reader *reader, const char **attributes)
{
	const char *type = lf_xml_attribute(attributes, "t"), *style = lf_xml_attribute(attributes, "s");
	const unsigned long index = style == NULL ? 0 : strtoul(style, NULL, 10);

	snprintf(reader->type, sizeof(reader->type), "%s", type == NULL ? "n" : type);
	reader->column = column_of(reader, lf_xml_attribute(attributes, "r"));
	reader->is_date = strcmp(reader->type, "n") == 0 && index < reader->style_count && reader->dates[index];
	reader->text.length = 0;
	if (reader->text.data != NULL)
		reader->text.data[0] = '\0';
}

static void on_cell_begin(void *context, const char *name, const char **attributes)
{
	struct reader *reader = context;
	const char *local = lf_xml_local(name), *number;

	if (strcmp(local, "row") == 0) {
		number = lf_xml_attribute(attributes, "r");
		reader->row.number = number == NULL ? reader->row.number + 1 : strtoul(number, NULL, 10);
		if (reader->row.number < 1 || reader->row.number > LF_PACKAGE_ROWS_MAX)
			lf_error_add(reader->sheet->error, "", "a sheet has at most %d rows", LF_PACKAGE_ROWS_MAX);
		reader->column = (size_t)-1;
	} else if (strcmp(local, "c") == 0) {
		begin_cell(reader, attributes);
	}
	begin_text(reader, local, strcmp(local, "v") == 0 || strcmp(local, "t") == 0);
}

static void on_cell_end(void *context, const char *name)
{
	struct reader *reader = context;
	const char *local = lf_xml_local(name);

	end_text(reader, local);
	if (strcmp(local, "c") == 0)
		end_cell(reader);
	else if (strcmp(local, "row") == 0)
		lf_row_end(&reader->row);
}

/* ---- the whole ---- */

bool lf_xlsx_is(struct lf_package *package)
{
	return lf_package_has(package, "xl/workbook.xml");
}

static void read_parts(struct reader *reader)
{
	static const struct lf_xml_handlers workbook = {on_workbook, nothing, on_text};
	static const struct lf_xml_handlers relations = {on_relation, nothing, on_text};
	static const struct lf_xml_handlers texts = {on_text_begin, on_text_end, on_text};
	static const struct lf_xml_handlers styles = {on_style, on_style_end, on_text};
	static const struct lf_xml_handlers cells = {on_cell_begin, on_cell_end, on_text};
	struct lf_package *package = reader->package;
	struct lf_sheet *sheet = reader->sheet;

	if (!lf_package_read(package, "xl/workbook.xml", sheet, &workbook, reader) ||
		!lf_package_read(package, "xl/_rels/workbook.xml.rels", sheet, &relations, reader))
		return;
	if (reader->path[0] == '\0') {
		lf_error_add(sheet->error, "", "the workbook has no sheet");
		return;
	}
	if (lf_package_has(package, "xl/sharedStrings.xml") &&
		!lf_package_read(package, "xl/sharedStrings.xml", sheet, &texts, reader))
		return;
	reader->gathers = false;
	if (lf_package_has(package, "xl/styles.xml") &&
		!lf_package_read(package, "xl/styles.xml", sheet, &styles, reader))
		return;
	lf_package_read(package, reader->path, sheet, &cells, reader);
	if (reader->sheet_count > 1)
		lf_text_add(sheet->notes, "the first sheet, \"%s\", was read; there are %zu\n", reader->name,
			reader->sheet_count);
}

void lf_xlsx_read(struct lf_package *package, struct lf_sheet *sheet)
{
	struct reader *reader = lf_sheet_take(sheet, 1, sizeof(*reader));
	bool *dates = lf_sheet_take(sheet, STYLES_MAX, sizeof(*dates));

	if (reader == NULL || dates == NULL)
		return;
	reader->sheet = reader->row.sheet = sheet;
	reader->package = package;
	reader->dates = dates;
	read_parts(reader);
	lf_buffer_clean_up(&reader->text);
}
