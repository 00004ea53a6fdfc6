#include "client/sheets/package.h"

#include <expat.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

struct lf_package {
	zip_t *zip;
};

/* One part on its way through the parser. */
struct reading {
	struct lf_sheet *sheet;
	const struct lf_xml_handlers *handlers;
	void *context;
	bool has_type;
	XML_Parser parser;
};

struct lf_package *lf_package_open(const char *bytes, size_t length)
{
	struct lf_package *package = calloc(1, sizeof(*package));
	zip_source_t *source = zip_source_buffer_create(bytes, length, 0, NULL);

	if (package != NULL && source != NULL)
		package->zip = zip_open_from_source(source, ZIP_RDONLY, NULL);
	if (package != NULL && package->zip != NULL)
		return package;
	zip_source_free(source);
	free(package);
	return NULL;
}

void lf_package_close(struct lf_package *package)
{
	if (package == NULL)
		return;
	zip_discard(package->zip);
	free(package);
}

bool lf_package_has(struct lf_package *package, const char *part)
{
	return zip_name_locate(package->zip, part, 0) >= 0;
}

static bool is_over(const struct reading *reading)
{
	return reading->sheet->error->code != LF_OK || reading->has_type;
}

static void XMLCALL on_begin(void *user, const XML_Char *name, const XML_Char **attributes)
{
	struct reading *reading = user;

	if (!is_over(reading))
		reading->handlers->begin(reading->context, name, attributes);
}

static void XMLCALL on_end(void *user, const XML_Char *name)
{
	struct reading *reading = user;

	if (!is_over(reading))
		reading->handlers->end(reading->context, name);
}

static void XMLCALL on_text(void *user, const XML_Char *text, int length)
{
	struct reading *reading = user;

	if (!is_over(reading))
		reading->handlers->text(reading->context, text, (size_t)length);
}

static void XMLCALL on_type(void *user, const XML_Char *name, const XML_Char *system, const XML_Char *public, int own)
{
	struct reading *reading = user;

	(void)name;
	(void)system;
	(void)public;
	(void)own;
	reading->has_type = true;
	XML_StopParser(reading->parser, XML_FALSE);
}

/* Gives the part to the parser piece by piece. */
static void feed(struct reading *reading, zip_file_t *file, const char *part)
{
	struct lf_error *error = reading->sheet->error;
	char piece[16 * 1024];
	size_t bytes = 0;
	zip_int64_t got;

	do {
		got = zip_fread(file, piece, sizeof(piece));
		bytes += got > 0 ? (size_t)got : 0;
		if (got < 0)
			lf_error_add(error, "", "%s: can't be unpacked: the file is damaged", part);
		else if (bytes > LF_PACKAGE_PART_BYTES_MAX)
			lf_error_add(error, "", "%s: unpacks to more than %d bytes", part, LF_PACKAGE_PART_BYTES_MAX);
		else if (XML_Parse(reading->parser, piece, (int)got, got == 0) != XML_STATUS_OK && error->code == LF_OK)
			lf_error_add(error, "", "%s: %s", part,
				reading->has_type ? "has a document type, which no spreadsheet has"
						  : "is not valid XML");
	} while (got > 0 && error->code == LF_OK);
}

bool lf_package_read(struct lf_package *package, const char *part, struct lf_sheet *sheet,
	const struct lf_xml_handlers *handlers, void *context)
{
	struct reading reading = {.sheet = sheet, .handlers = handlers, .context = context};
	zip_file_t *file = zip_fopen(package->zip, part, 0);

	if (file == NULL) {
		lf_error_add(sheet->error, "", "%s: %s", part, zip_strerror(package->zip));
		return false;
	}
	reading.parser = XML_ParserCreate(NULL);
	if (reading.parser == NULL) {
		lf_error_set(sheet->error, LF_RESOURCE_EXHAUSTED, "out of memory");
	} else {
		XML_SetUserData(reading.parser, &reading);
		XML_SetElementHandler(reading.parser, on_begin, on_end);
		XML_SetCharacterDataHandler(reading.parser, on_text);
		XML_SetStartDoctypeDeclHandler(reading.parser, on_type);
		feed(&reading, file, part);
		XML_ParserFree(reading.parser);
	}
	zip_fclose(file);
	return sheet->error->code == LF_OK;
}

const char *lf_xml_local(const char *name)
{
	const char *colon = strchr(name, ':');

	return colon == NULL ? name : colon + 1;
}

const char *lf_xml_attribute(const char **attributes, const char *name)
{
	for (; attributes[0] != NULL; attributes += 2)
		if (strcmp(attributes[0], name) == 0)
			return attributes[1];
	return NULL;
}

const char *lf_xml_local_attribute(const char **attributes, const char *local)
{
	for (; attributes[0] != NULL; attributes += 2)
		if (strcmp(lf_xml_local(attributes[0]), local) == 0)
			return attributes[1];
	return NULL;
}

void lf_row_put(struct lf_row_builder *row, size_t column, const char *text, size_t length)
{
	const char *cell = lf_sheet_text(row->sheet, text, length);

	if (cell == NULL || cell[0] == '\0')
		return;
	if (column > LF_SHEET_COLUMNS_MAX)
		column = LF_SHEET_COLUMNS_MAX;
	while (row->count <= column)
		row->cells[row->count++] = "";
	row->cells[column] = cell;
}

void lf_row_end(struct lf_row_builder *row)
{
	lf_sheet_add(row->sheet, row->number, row->cells, row->count);
	row->count = 0;
}
