/*
 * Either kind of file becomes a table: a row for each person, a column for each dimension. Everything is judged there,
 * once for both.
 */
#include "client/files/groups.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/calc/keys.h"
#include "client/sheets/alike.h"
#include "client/files/categories.h"
#include "client/sheets/fold.h"
#include "client/sheets/sheet.h"
#include "client/files/team_columns.h"
#include "leadfit/v1/groups.pb-c.h"
#include "proto/base/limits.h"

struct row {
	size_t place; /* of a sheet: the row's number; else index in people */
	const char *candidate;
	struct lf_spelling values[LF_DIMENSIONS_MAX];
};

struct table {
	struct lf_groups *groups;
	struct row *rows;
	size_t count;
	struct lf_sheet *sheet; /* NULL: the file is a message */
	size_t candidate_column, columns[LF_DIMENSIONS_MAX];
	const char **unknown; /* folded */
	size_t unknown_count;
	struct lf_arena *arena;
	struct lf_buffer *notes;
	struct lf_error *error; /* violations, or RESOURCE_EXHAUSTED */
};

enum { CANDIDATE = LF_DIMENSIONS_MAX };

/* Adds what is wrong with a row's category of a dimension, or with its CANDIDATE. */
static void fault(struct table *table, const struct row *row, size_t dimension, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
static void fault(struct table *table, const struct row *row, size_t dimension, const char *format, ...)
{
	const char *name = dimension == CANDIDATE ? "candidate" : table->groups->dimensions[dimension].name;
	char field[LF_ID_BYTES_MAX + 64], text[320];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (table->sheet != NULL) {
		lf_cell_fault(table->sheet, row->place,
			dimension == CANDIDATE ? table->candidate_column : table->columns[dimension], "%.128s: %s",
			name, text);
		return;
	}
	if (dimension == CANDIDATE)
		snprintf(field, sizeof(field), "people[%zu].candidate", row->place);
	else
		snprintf(field, sizeof(field), "people[%zu].categories[\"%.128s\"]", row->place, name);
	lf_error_add(table->error, field, "%s", text);
}

static void no_memory(struct table *table)
{
	lf_error_set(table->error, LF_RESOURCE_EXHAUSTED, "out of memory");
}

static const char *fold(struct table *table, const char *text)
{
	const char *folded = lf_fold(table->arena, text);

	if (folded == NULL)
		no_memory(table);
	return folded == NULL ? "" : folded;
}

/* A category as it is written and as it is compared; both "" where it says that it is not known. */
static struct lf_spelling take_value(struct table *table, const char *text)
{
	struct lf_spelling value = {.folded = fold(table, text)};
	bool unknown = strcmp(value.folded, "unknown") == 0;
	size_t length;
	const char *copy;

	for (size_t i = 0; i < table->unknown_count; i++)
		unknown |= strcmp(value.folded, table->unknown[i]) == 0;
	if (unknown || value.folded[0] == '\0')
		return (struct lf_spelling){"", ""};
	length = lf_trim(&text);
	copy = lf_arena_strdup(table->arena, text, length);
	if (copy == NULL)
		no_memory(table);
	value.written = copy == NULL ? "" : copy;
	return value;
}

/* field: where in the file. */
static void add_dimension(struct table *table, const char *field, const char *name, size_t column)
{
	struct lf_groups *groups = table->groups;
	const size_t length = strlen(name);
	const char *folded = fold(table, name);

	if (length == 0 || length > LF_ID_BYTES_MAX)
		lf_error_add(table->error, field, "the name of a dimension has 1..%d bytes, this has %zu",
			LF_ID_BYTES_MAX, length);
	for (size_t d = 0; d < groups->dimension_count && d < LF_DIMENSIONS_MAX; d++)
		if (strcmp(fold(table, groups->dimensions[d].name), folded) == 0)
			lf_error_add(table->error, field, "%.128s is there twice", name);
	if (groups->dimension_count < LF_DIMENSIONS_MAX) {
		groups->dimensions[groups->dimension_count].name = name;
		table->columns[groups->dimension_count] = column;
	}
	groups->dimension_count++;
}

static void check_dimensions(struct table *table, const char *field)
{
	const size_t count = table->groups->dimension_count;

	if (count < 1 || count > LF_DIMENSIONS_MAX)
		lf_error_add(table->error, field, "has %zu dimensions such as sex; allowed are 1..%d", count,
			LF_DIMENSIONS_MAX);
}

/* ---- from a sheet ---- */

static void read_header(struct table *table, const struct lf_sheet_row *row)
{
	char field[LF_CELL_NAME_BYTES];

	table->candidate_column = LF_NO_COLUMN;
	for (size_t c = 0; c < row->count && table->candidate_column == LF_NO_COLUMN; c++)
		if (lf_team_field_of(row->cells[c], table->sheet) == LF_TEAM_ID)
			table->candidate_column = c;
	if (table->candidate_column == LF_NO_COLUMN) {
		lf_cell_fault(table->sheet, row->number, 0,
			"no column is named candidate (nor id, employee id, person, ...): the first row names the "
			"columns, and the others are dimensions such as sex");
		return;
	}
	for (size_t c = 0; c < row->count; c++) {
		lf_cell_name(row->number, c, field);
		if (c != table->candidate_column && row->cells[c][0] != '\0')
			add_dimension(table, field, row->cells[c], c);
	}
	lf_cell_name(row->number, 0, field);
	check_dimensions(table, field);
}

/* Cells of a row that no heading is above. */
static void check_stray(struct table *table, const struct lf_sheet_row *row, const struct lf_sheet_row *header)
{
	for (size_t c = 0; c < row->count; c++)
		if (row->cells[c][0] != '\0' && lf_cell(header, c)[0] == '\0')
			lf_cell_fault(table->sheet, row->number, c, "\"%.64s\" is in a column without a heading",
				row->cells[c]);
}

static void read_sheet(struct table *table, struct lf_sheet *sheet)
{
	const struct lf_sheet_row *header = sheet->rows;

	table->sheet = sheet;
	table->rows = lf_sheet_take(sheet, sheet->count, sizeof(*table->rows));
	if (table->rows == NULL || sheet->count == 0)
		return;
	read_header(table, header);
	if (table->error->code != LF_OK)
		return;
	for (size_t r = 1; r < sheet->count; r++) {
		const struct lf_sheet_row *cells = &sheet->rows[r];
		struct row *row = &table->rows[table->count];

		if (lf_sheet_too_wide(sheet, cells, header))
			continue;
		check_stray(table, cells, header);
		table->count++;
		*row = (struct row){.place = cells->number, .candidate = lf_cell(cells, table->candidate_column)};
		for (size_t d = 0; d < table->groups->dimension_count; d++)
			row->values[d] = take_value(table, lf_cell(cells, table->columns[d]));
	}
}

/* ---- from a message ---- */

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names that any person has a category under, by bytes. */
static void find_dimensions(struct table *table, const Leadfit__V1__Groups *message)
{
	const char *names[LF_DIMENSIONS_MAX + 1];
	size_t count = 0;

	for (size_t p = 0; p < message->n_people; p++)
		for (size_t c = 0; c < message->people[p]->n_categories && count <= LF_DIMENSIONS_MAX; c++) {
			const char *name = message->people[p]->categories[c]->key;
			size_t i = 0;

			while (i < count && strcmp(names[i], name) != 0)
				i++;
			if (i == count)
				names[count++] = name;
		}
	qsort(names, count, sizeof(*names), compare_names);
	for (size_t i = 0; i < count; i++)
		add_dimension(table, "people", names[i], 0);
	check_dimensions(table, "people");
}

static void read_message(struct table *table, struct lf_input *input)
{
	const Leadfit__V1__Groups *message = (const Leadfit__V1__Groups *)lf_input_parse(
		input, &leadfit__v1__groups__descriptor, NULL, table->arena, table->error);

	if (message == NULL)
		return;
	if (message->n_people > 0)
		find_dimensions(table, message);
	table->rows = lf_arena_zalloc(table->arena, message->n_people + 1, sizeof(*table->rows));
	if (table->rows == NULL) {
		no_memory(table);
		return;
	}
	if (table->error->code != LF_OK)
		return;
	for (size_t p = 0; p < message->n_people; p++) {
		const Leadfit__V1__GroupedPerson *person = message->people[p];
		struct row *row = &table->rows[table->count++];

		*row = (struct row){.place = p, .candidate = person->candidate};
		for (size_t d = 0; d < table->groups->dimension_count; d++) {
			row->values[d] = (struct lf_spelling){"", ""};
			for (size_t c = 0; c < person->n_categories; c++)
				if (strcmp(person->categories[c]->key, table->groups->dimensions[d].name) == 0)
					row->values[d] = take_value(table, person->categories[c]->value);
		}
	}
}

/* ---- judging ---- */

static void check_people(struct table *table)
{
	struct lf_groups *groups = table->groups;

	for (size_t i = 0; i < table->count; i++) {
		const struct row *row = &table->rows[i];
		const size_t length = strlen(row->candidate);
		bool added;
		uint32_t *place;

		if (length == 0 || length > LF_ID_BYTES_MAX) {
			fault(table, row, CANDIDATE, length == 0 ? "is required" : "is longer than %d bytes",
				LF_ID_BYTES_MAX);
			continue;
		}
		place = lf_keys_add(&groups->index, row->candidate, "", &added);
		if (place == NULL) {
			no_memory(table);
			return;
		}
		if (!added)
			fault(table, row, CANDIDATE, "%.128s is there twice", row->candidate);
		*place = (uint32_t)i + 1;
	}
}

static void print_place(void *context, size_t place, char out[LF_PLACE_BYTES])
{
	const struct table *table = context;

	if (table->sheet != NULL)
		lf_cell_name(place, table->candidate_column, out);
	else
		snprintf(out, LF_PLACE_BYTES, "people[%zu]", place);
}

static void note_alike(struct table *table)
{
	struct lf_placed_id *ids = lf_arena_zalloc(table->arena, table->count, sizeof(*ids));

	if (ids == NULL)
		return;
	for (size_t i = 0; i < table->count; i++)
		ids[i] = (struct lf_placed_id){.id = table->rows[i].candidate, .place = table->rows[i].place};
	lf_alike_note(ids, table->count, table->arena, print_place, table, table->notes);
}

/* The categories of a dimension, and which each person is in. */
static void fill_dimension(struct table *table, size_t d, struct lf_spelling *values, uint8_t *categories)
{
	struct lf_dimension *dimension = &table->groups->dimensions[d];
	size_t distinct;

	for (size_t i = 0; i < table->count; i++) {
		values[i] = table->rows[i].values[d];
		if (strlen(values[i].written) > LF_ID_BYTES_MAX) {
			fault(table, &table->rows[i], d, "is longer than %d bytes", LF_ID_BYTES_MAX);
			values[i] = (struct lf_spelling){"", ""};
		}
	}
	if (!lf_categories_find(dimension, values, table->count, categories, &distinct, table->arena, table->notes)) {
		no_memory(table);
		return;
	}
	if (distinct > LF_CATEGORIES_MAX)
		lf_error_add(table->error, table->sheet != NULL ? "" : "people",
			"%.128s: has %zu categories; allowed are at most %d", dimension->name, distinct,
			LF_CATEGORIES_MAX);
	for (size_t i = 0; i < table->count; i++)
		table->groups->people[i].categories[d] = categories[i];
}

static void fill_people(struct table *table)
{
	struct lf_groups *groups = table->groups;
	struct lf_spelling *values = lf_arena_zalloc(table->arena, table->count, sizeof(*values));
	uint8_t *categories = lf_arena_zalloc(table->arena, table->count, sizeof(*categories));

	groups->people = lf_arena_zalloc(table->arena, table->count, sizeof(*groups->people));
	if (values == NULL || categories == NULL || groups->people == NULL) {
		no_memory(table);
		return;
	}
	groups->person_count = table->count;
	for (size_t d = 0; d < groups->dimension_count; d++)
		fill_dimension(table, d, values, categories);
}

static void take_unknown(struct table *table, const struct lf_unknown_words *unknown)
{
	table->unknown = lf_arena_zalloc(table->arena, unknown->count, sizeof(*table->unknown));
	if (table->unknown == NULL)
		no_memory(table);
	for (size_t i = 0; table->unknown != NULL && i < unknown->count; i++)
		table->unknown[table->unknown_count++] = fold(table, unknown->words[i]);
}

enum lf_code lf_groups_read(struct lf_groups *groups, struct lf_input *input, const struct lf_unknown_words *unknown,
	struct lf_arena *arena, struct lf_error *error)
{
	struct lf_error found = LF_ERROR_INIT;
	struct table table = {.groups = groups, .arena = arena, .notes = &input->notes, .error = &found};
	struct lf_sheet sheet;

	*groups = (struct lf_groups){0};
	take_unknown(&table, unknown);
	if (found.code == LF_OK && lf_input_is_sheet(input)) {
		lf_input_sheet(input, &sheet, arena, &found);
		if (found.code == LF_OK)
			read_sheet(&table, &sheet);
	} else if (found.code == LF_OK) {
		read_message(&table, input);
	}
	if (found.code == LF_OK && table.count == 0)
		lf_error_add(&found, table.sheet != NULL ? "" : "people", "there is nobody in it");
	if (found.code == LF_OK)
		check_people(&table);
	if (found.code == LF_OK || found.violation_count > 0)
		if (table.count > 0 && groups->dimension_count <= LF_DIMENSIONS_MAX)
			fill_people(&table);
	if (found.code == LF_OK)
		note_alike(&table);
	lf_error_summarize(&found);
	if (found.code == LF_OK)
		return LF_OK;
	lf_error_move(error, &found);
	return error->code;
}

void lf_groups_clean_up(struct lf_groups *groups)
{
	lf_keys_clean_up(&groups->index);
}
