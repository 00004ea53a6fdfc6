/*
 * Either kind of file becomes a sheet: a row for each person, a column for each dimension. Everything is judged there,
 * once for both.
 */
#include "client/files/groups.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/calc/keys.h"
#include "client/files/csv_rows.h"
#include "leadfit/v1/groups.pb-c.h"
#include "proto/base/limits.h"
#include "proto/wire/span.h"

struct row {
	size_t place; /* CSV: line; else index in people */
	const char *candidate;
	const char *values[LF_DIMENSIONS_MAX]; /* "" where not known */
};

struct sheet {
	struct lf_groups *groups;
	struct row *rows;
	size_t count;
	bool csv;
	const struct lf_unknown_words *unknown;
	struct lf_arena *arena;
	struct lf_error *error; /* violations, or RESOURCE_EXHAUSTED */
};

/* Adds what is wrong with a row; dimension NULL: with its candidate. */
static void fault(struct sheet *sheet, const struct row *row, const char *dimension, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
static void fault(struct sheet *sheet, const struct row *row, const char *dimension, const char *format, ...)
{
	char field[LF_ID_BYTES_MAX + 64], text[320];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (sheet->csv) {
		snprintf(field, sizeof(field), "line %zu", row->place);
		lf_error_add(sheet->error, field, "%s: %s", dimension == NULL ? "candidate" : dimension, text);
		return;
	}
	if (dimension == NULL)
		snprintf(field, sizeof(field), "people[%zu].candidate", row->place);
	else
		snprintf(field, sizeof(field), "people[%zu].categories[\"%.128s\"]", row->place, dimension);
	lf_error_add(sheet->error, field, "%s", text);
}

static bool is_word(const char *text, size_t length, const char *word)
{
	return strlen(word) == length && strncasecmp(text, word, length) == 0;
}

/* Without the spaces around it, "" where it says that it is not known. In the arena. */
static const char *tidy(struct sheet *sheet, const char *text)
{
	size_t length;
	const char *copy;

	text += strspn(text, " \t");
	length = strlen(text);
	while (length > 0 && strchr(" \t", text[length - 1]) != NULL)
		length--;
	if (is_word(text, length, "unknown"))
		length = 0;
	for (size_t i = 0; i < sheet->unknown->count; i++)
		if (is_word(text, length, sheet->unknown->words[i]))
			length = 0;
	copy = lf_arena_strdup(sheet->arena, text, length);
	if (copy == NULL)
		lf_error_set(sheet->error, LF_RESOURCE_EXHAUSTED, "out of memory");
	return copy == NULL ? "" : copy;
}

/* NULL, or what is wrong with a text. A message's are checked where it is read. */
static const char *text_fault(const char *text)
{
	return lf_span_text_fault((struct lf_span){(const uint8_t *)text, strlen(text)});
}

/* field: where in the file. */
static void add_dimension(struct sheet *sheet, const char *field, const char *name)
{
	struct lf_groups *groups = sheet->groups;
	const size_t length = strlen(name);

	if (length == 0 || length > LF_ID_BYTES_MAX)
		lf_error_add(sheet->error, field, "the name of a dimension has 1..%d bytes, this has %zu",
			LF_ID_BYTES_MAX, length);
	if (text_fault(name) != NULL)
		lf_error_add(sheet->error, field, "the name of a dimension %s", text_fault(name));
	for (size_t d = 0; d < groups->dimension_count && d < LF_DIMENSIONS_MAX; d++)
		if (strcmp(groups->dimensions[d].name, name) == 0)
			lf_error_add(sheet->error, field, "%.128s is there twice", name);
	if (groups->dimension_count < LF_DIMENSIONS_MAX)
		groups->dimensions[groups->dimension_count].name = name;
	groups->dimension_count++;
}

static void check_dimensions(struct sheet *sheet, const char *field)
{
	const size_t count = sheet->groups->dimension_count;

	if (count < 1 || count > LF_DIMENSIONS_MAX)
		lf_error_add(sheet->error, field, "has %zu dimensions such as sex; allowed are 1..%d", count,
			LF_DIMENSIONS_MAX);
}

/* ---- from CSV ---- */

static void read_csv_header(struct sheet *sheet, struct lf_csv_reader *reader, size_t *columns)
{
	char *cells[LF_DIMENSIONS_MAX + 1];
	char field[32];
	size_t line;

	*columns = lf_csv_row(reader, cells, LF_DIMENSIONS_MAX + 1, &line);
	snprintf(field, sizeof(field), "line %zu", line);
	if (*columns == 0)
		return;
	if (*columns == 1 && strchr(cells[0], ';') != NULL)
		lf_error_add(sheet->error, field, "columns are separated by commas, not semicolons");
	else if (strcmp(cells[0], "candidate") != 0)
		lf_error_add(sheet->error, field, "the first column is \"%.128s\"; it must be candidate", cells[0]);
	for (size_t c = 1; c < *columns && c <= LF_DIMENSIONS_MAX; c++)
		add_dimension(sheet, field, cells[c]);
	sheet->groups->dimension_count = *columns - 1;
	check_dimensions(sheet, field);
}

static void read_csv(struct sheet *sheet, const struct lf_input *input)
{
	struct lf_csv_reader reader = {.at = input->text,
		.end = input->text + input->length,
		.line = 1,
		.arena = sheet->arena,
		.error = sheet->error};
	char *cells[LF_DIMENSIONS_MAX + 1];
	size_t columns, count, rows_max = 1, line;

	sheet->csv = true;
	for (size_t i = 0; i < input->length; i++)
		rows_max += input->text[i] == '\n';
	sheet->rows = lf_csv_take(&reader, rows_max, sizeof(*sheet->rows));
	if (sheet->rows == NULL)
		return;
	read_csv_header(sheet, &reader, &columns);
	if (sheet->error->code != LF_OK)
		return;
	while ((count = lf_csv_row(&reader, cells, LF_DIMENSIONS_MAX + 1, &line)) > 0) {
		size_t empty;
		struct row *row;

		if (count != columns) {
			lf_csv_fault(&reader, line, "%zu cells, but the first line has %zu", count, columns);
			continue;
		}
		empty = 0;
		while (empty < count && cells[empty][0] == '\0')
			empty++;
		if (empty == count)
			continue; /* what spreadsheets leave of an empty row */
		row = &sheet->rows[sheet->count++];
		*row = (struct row){.place = line, .candidate = cells[0]};
		for (size_t c = 1; c < count; c++)
			row->values[c - 1] = tidy(sheet, cells[c]);
	}
}

/* ---- from a message ---- */

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names that any person has a category under, by bytes. */
static void find_dimensions(struct sheet *sheet, const Leadfit__V1__Groups *message)
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
		add_dimension(sheet, "people", names[i]);
	check_dimensions(sheet, "people");
}

static void read_message(struct sheet *sheet, struct lf_input *input)
{
	const Leadfit__V1__Groups *message = (const Leadfit__V1__Groups *)lf_input_parse(
		input, &leadfit__v1__groups__descriptor, NULL, sheet->arena, sheet->error);

	if (message == NULL)
		return;
	if (message->n_people > 0)
		find_dimensions(sheet, message);
	sheet->rows = lf_arena_zalloc(sheet->arena, message->n_people + 1, sizeof(*sheet->rows));
	if (sheet->rows == NULL) {
		lf_error_set(sheet->error, LF_RESOURCE_EXHAUSTED, "out of memory");
		return;
	}
	if (sheet->error->code != LF_OK)
		return;
	for (size_t p = 0; p < message->n_people; p++) {
		const Leadfit__V1__GroupedPerson *person = message->people[p];
		struct row *row = &sheet->rows[sheet->count++];

		*row = (struct row){.place = p, .candidate = person->candidate};
		for (size_t d = 0; d < sheet->groups->dimension_count; d++) {
			row->values[d] = "";
			for (size_t c = 0; c < person->n_categories; c++)
				if (strcmp(person->categories[c]->key, sheet->groups->dimensions[d].name) == 0)
					row->values[d] = tidy(sheet, person->categories[c]->value);
		}
	}
}

/* ---- judging ---- */

static void check_people(struct sheet *sheet)
{
	struct lf_groups *groups = sheet->groups;

	for (size_t i = 0; i < sheet->count; i++) {
		const struct row *row = &sheet->rows[i];
		const size_t length = strlen(row->candidate);
		bool added;
		uint32_t *place;

		if (length == 0 || length > LF_ID_BYTES_MAX) {
			fault(sheet, row, NULL, length == 0 ? "is required" : "is longer than %d bytes",
				LF_ID_BYTES_MAX);
			continue;
		}
		if (text_fault(row->candidate) != NULL)
			fault(sheet, row, NULL, "%s", text_fault(row->candidate));
		place = lf_keys_add(&groups->index, row->candidate, "", &added);
		if (place == NULL) {
			lf_error_set(sheet->error, LF_RESOURCE_EXHAUSTED, "out of memory");
			return;
		}
		if (!added)
			fault(sheet, row, NULL, "%.128s is there twice", row->candidate);
		*place = (uint32_t)i + 1;
	}
}

/* Two spellings of one category are found by their neighbourhood in the order without case. */
static void check_spelling(struct sheet *sheet, const struct lf_dimension *dimension)
{
	for (size_t i = 0; i < dimension->category_count; i++)
		for (size_t j = i + 1; j < dimension->category_count; j++)
			if (strcasecmp(dimension->categories[i], dimension->categories[j]) == 0)
				lf_error_add(sheet->error, sheet->csv ? "" : "people",
					"%.64s: \"%.64s\" and \"%.64s\" differ only in upper and lower case; write one "
					"of them",
					dimension->name, dimension->categories[i], dimension->categories[j]);
}

static void find_categories(struct sheet *sheet, size_t d, const char **values)
{
	struct lf_dimension *dimension = &sheet->groups->dimensions[d];
	size_t count = 0, distinct = 0;

	for (size_t i = 0; i < sheet->count; i++) {
		const char *value = sheet->rows[i].values[d];

		if (strlen(value) > LF_ID_BYTES_MAX)
			fault(sheet, &sheet->rows[i], dimension->name, "is longer than %d bytes", LF_ID_BYTES_MAX);
		else if (text_fault(value) != NULL)
			fault(sheet, &sheet->rows[i], dimension->name, "%s", text_fault(value));
		else if (value[0] != '\0')
			values[count++] = value;
	}
	qsort(values, count, sizeof(*values), compare_names);
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && strcmp(values[i], values[i - 1]) == 0)
			continue;
		if (distinct < LF_CATEGORIES_MAX)
			dimension->categories[distinct] = values[i];
		distinct++;
	}
	dimension->category_count = distinct < LF_CATEGORIES_MAX ? distinct : LF_CATEGORIES_MAX;
	if (distinct > LF_CATEGORIES_MAX)
		lf_error_add(sheet->error, sheet->csv ? "" : "people",
			"%.128s: has %zu categories; allowed are at most %d", dimension->name, distinct,
			LF_CATEGORIES_MAX);
	check_spelling(sheet, dimension);
}

static void fill_people(struct sheet *sheet)
{
	struct lf_groups *groups = sheet->groups;
	const char **values = lf_arena_zalloc(sheet->arena, sheet->count, sizeof(*values));

	groups->people = lf_arena_zalloc(sheet->arena, sheet->count, sizeof(*groups->people));
	if (values == NULL || groups->people == NULL) {
		lf_error_set(sheet->error, LF_RESOURCE_EXHAUSTED, "out of memory");
		return;
	}
	groups->person_count = sheet->count;
	for (size_t d = 0; d < groups->dimension_count; d++) {
		const struct lf_dimension *dimension = &groups->dimensions[d];

		find_categories(sheet, d, values);
		for (size_t i = 0; i < sheet->count; i++) {
			const char *const *found = bsearch(&sheet->rows[i].values[d], dimension->categories,
				dimension->category_count, sizeof(*dimension->categories), compare_names);

			groups->people[i].categories[d] =
				found == NULL ? (uint8_t)LF_CATEGORY_UNKNOWN : (uint8_t)(found - dimension->categories);
		}
	}
}

enum lf_code lf_groups_read(struct lf_groups *groups, struct lf_input *input, const struct lf_unknown_words *unknown,
	struct lf_arena *arena, struct lf_error *error)
{
	struct lf_error found = LF_ERROR_INIT;
	struct sheet sheet = {.groups = groups, .unknown = unknown, .arena = arena, .error = &found};

	*groups = (struct lf_groups){0};
	if (input->format == LF_INPUT_CSV)
		read_csv(&sheet, input);
	else
		read_message(&sheet, input);
	if (found.code == LF_OK && sheet.count == 0)
		lf_error_add(&found, sheet.csv ? "" : "people", "there is nobody in it");
	if (found.code == LF_OK)
		check_people(&sheet);
	if (found.code == LF_OK || found.violation_count > 0)
		if (sheet.count > 0 && groups->dimension_count <= LF_DIMENSIONS_MAX)
			fill_people(&sheet);
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
