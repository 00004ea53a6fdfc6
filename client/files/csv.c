/* Rows of cells (csv_rows.h) become members and evidence. Everything lives in the arena. */
#include "client/files/csv.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/files/csv_rows.h"
#include "proto/base/buffer.h"
#include "proto/base/nearest.h"
#include "proto/text/json.h"
#include "proto/base/limits.h"

/* clang-format off */
enum column { ID, NAME, DISCIPLINE, AVAILABILITY, EXPERTISE, CRITERION, RATING, SOURCE, OBSERVED_ON, DOMAIN, NOTE, COLUMN_COUNT };
/* clang-format on */
static const char *const column_names[COLUMN_COUNT] = {"id", "name", "discipline", "availability", "expertise",
	"criterion", "rating", "source", "observed_on", "domain", "note"};

static bool read_number(const char *text, double *value)
{
	char *end;

	*value = strtod(text, &end); /* LC_NUMERIC is C throughout */
	return text[0] != '\0' && text[strspn(text, "0123456789.+-eE")] == '\0' && *end == '\0' && isfinite(*value);
}

static Google__Protobuf__DoubleValue *read_double(
	struct lf_csv_reader *reader, size_t line, enum column column, const char *text)
{
	Google__Protobuf__DoubleValue *value = lf_csv_take(reader, 1, sizeof(*value));

	if (value == NULL)
		return NULL;
	google__protobuf__double_value__init(value);
	if (!read_number(text, &value->value))
		lf_csv_fault(reader, line, "%s: \"%s\" is not a number%s", column_names[column], text,
			strchr(text, ',') == NULL ? "" : "; decimals are written with a point");
	return value;
}

/* "FRONTEND=0.9;DESIGN=0.6" */
static void read_expertise(struct lf_csv_reader *reader, size_t line, char *text, Leadfit__V1__Member *member)
{
	size_t parts = 1;

	for (const char *c = text; *c != '\0'; c++)
		parts += *c == ';';
	member->expertise = lf_csv_take(reader, parts, sizeof(*member->expertise));
	if (member->expertise == NULL)
		return;
	for (char *rest = text, *part; (part = strsep(&rest, ";")) != NULL;) {
		char *number = strchr(part, '=');
		Leadfit__V1__Member__ExpertiseEntry *entry = lf_csv_take(reader, 1, sizeof(*entry));

		if (entry == NULL)
			return;
		leadfit__v1__member__expertise_entry__init(entry);
		if (number != NULL)
			*number++ = '\0';
		if (number == NULL || part[0] == '\0' || !read_number(number, &entry->value)) {
			lf_csv_fault(reader, line,
				"expertise: write DISCIPLINE=NUMBER;DISCIPLINE=NUMBER, e.g. FRONTEND=0.9;DESIGN=0.6");
			return;
		}
		entry->key = part;
		for (size_t i = 0; i < member->n_expertise; i++)
			if (strcmp(member->expertise[i]->key, part) == 0)
				lf_csv_fault(reader, line, "expertise: %s is given twice", part);
		member->expertise[member->n_expertise++] = entry;
	}
}

static void refuse_column(struct lf_csv_reader *reader, size_t line, const char *name)
{
	const char *nearest = lf_nearest(name, column_names, COLUMN_COUNT);
	struct lf_buffer known = {0};

	for (size_t c = 0; c < COLUMN_COUNT; c++) {
		lf_buffer_append_text(&known, c == 0 ? "" : ", ");
		lf_buffer_append_text(&known, column_names[c]);
	}
	if (nearest != NULL)
		lf_csv_fault(reader, line, "unknown column \"%s\"; did you mean %s?", name, nearest);
	else
		lf_csv_fault(reader, line, "unknown column \"%s\"; known: %s", name, known.failed ? "" : known.data);
	lf_buffer_clean_up(&known);
}

/* What the header line says: which column each cell is. Returns how many there are, 0 where it is wrong. */
static size_t read_header(struct lf_csv_reader *reader, enum column columns[COLUMN_COUNT])
{
	char *cells[COLUMN_COUNT + 1];
	bool seen[COLUMN_COUNT] = {false}, good = true;
	size_t line;
	const size_t count = lf_csv_row(reader, cells, COLUMN_COUNT + 1, &line);
	const size_t kept = count > COLUMN_COUNT + 1 ? COLUMN_COUNT + 1 : count;

	if (count == 1 && strchr(cells[0], ';') != NULL) {
		lf_csv_fault(reader, line, "columns are separated by commas, not semicolons");
		return 0;
	}
	for (size_t i = 0; i < kept; i++) {
		size_t c = 0;

		while (c < COLUMN_COUNT && strcmp(cells[i], column_names[c]) != 0)
			c++;
		if (c == COLUMN_COUNT)
			refuse_column(reader, line, cells[i]);
		else if (seen[c])
			lf_csv_fault(reader, line, "column %s is there twice", cells[i]);
		if (c == COLUMN_COUNT || seen[c]) {
			good = false;
			continue;
		}
		seen[c] = true;
		columns[i] = (enum column)c;
	}
	if (good && count > 0 && !seen[ID]) {
		lf_csv_fault(reader, line, "there is no column id; the first line names the columns");
		good = false;
	}
	return good ? count : 0;
}

struct person {
	Leadfit__V1__Member *member;
	char *cells[COLUMN_COUNT]; /* of the first row */
	size_t line;
};

struct row {
	size_t line, person;
	Leadfit__V1__Evidence *evidence; /* NULL: the row has none */
};

struct sheet {
	struct lf_csv_reader reader;
	struct person *people;
	size_t person_count;
	struct row *rows;
	size_t row_count;
};

static bool any_cell(char *const *cells, enum column first, enum column last)
{
	for (size_t c = first; c <= (size_t)last; c++)
		if (cells[c][0] != '\0')
			return true;
	return false;
}

/* The person of a row: known already (what is said again must be the same), or new. false where the row is wrong. */
static bool find_person(struct sheet *sheet, size_t line, char **cells, size_t *index)
{
	struct lf_csv_reader *reader = &sheet->reader;
	size_t i;
	struct person *person;
	char *expertise;

	if (cells[ID][0] == '\0') {
		*index = sheet->row_count > 0 ? sheet->rows[sheet->row_count - 1].person : 0;
		if (sheet->row_count == 0 || any_cell(cells, NAME, EXPERTISE)) {
			lf_csv_fault(reader, line, "id is empty");
			return false;
		}
		return true;
	}
	i = sheet->person_count;
	while (i > 0 && strcmp(sheet->people[i - 1].member->id, cells[ID]) != 0)
		i--;
	if (i > 0) {
		const struct person *known = &sheet->people[i - 1];

		*index = i - 1;
		for (size_t c = NAME; c <= EXPERTISE; c++)
			if (cells[c][0] != '\0' && strcmp(cells[c], known->cells[c]) != 0)
				lf_csv_fault(reader, line, "%s: \"%s\" here, but \"%s\" on line %zu for %s",
					column_names[c], cells[c], known->cells[c], known->line, cells[ID]);
		return true;
	}
	person = &sheet->people[sheet->person_count];
	person->member = lf_csv_take(reader, 1, sizeof(*person->member));
	expertise = lf_csv_copy(reader, cells[EXPERTISE], strlen(cells[EXPERTISE])); /* which is cut into parts */
	if (person->member == NULL || expertise == NULL)
		return false;
	leadfit__v1__member__init(person->member);
	memcpy(person->cells, cells, sizeof(person->cells));
	person->line = line;
	person->member->id = cells[ID];
	person->member->name = cells[NAME];
	person->member->discipline = cells[DISCIPLINE];
	if (cells[AVAILABILITY][0] != '\0')
		person->member->availability = read_double(reader, line, AVAILABILITY, cells[AVAILABILITY]);
	if (expertise[0] != '\0')
		read_expertise(reader, line, expertise, person->member);
	*index = sheet->person_count++;
	return true;
}

static Leadfit__V1__Evidence *read_evidence(struct lf_csv_reader *reader, size_t line, char **cells)
{
	Leadfit__V1__Evidence *evidence;

	if (cells[CRITERION][0] == '\0')
		lf_csv_fault(reader, line, "criterion is empty, but there is a rating, source, date, domain or note");
	evidence = lf_csv_take(reader, 1, sizeof(*evidence));
	if (evidence == NULL)
		return NULL;
	leadfit__v1__evidence__init(evidence);
	evidence->criterion = cells[CRITERION];
	evidence->source = cells[SOURCE];
	evidence->observed_on = cells[OBSERVED_ON];
	evidence->domain = cells[DOMAIN];
	evidence->note = cells[NOTE];
	if (cells[RATING][0] == '\0')
		lf_csv_fault(reader, line, "rating is empty");
	else
		evidence->rating = read_double(reader, line, RATING, cells[RATING]);
	return evidence;
}

static void read_rows(struct sheet *sheet, const enum column *columns, size_t column_count)
{
	struct lf_csv_reader *reader = &sheet->reader;
	char *raw[COLUMN_COUNT], *cells[COLUMN_COUNT];
	char *nothing = lf_csv_copy(reader, "", 0); /* members keep pointers to it */
	size_t line, count;

	while (nothing != NULL && (count = lf_csv_row(reader, raw, COLUMN_COUNT, &line)) > 0) {
		struct row *row;

		if (count != column_count) {
			lf_csv_fault(reader, line, "%zu cells, but the first line has %zu", count, column_count);
			continue;
		}
		for (size_t c = 0; c < COLUMN_COUNT; c++)
			cells[c] = nothing;
		for (size_t i = 0; i < count; i++)
			cells[columns[i]] = raw[i];
		if (!any_cell(cells, ID, NOTE))
			continue; /* what spreadsheets leave of an empty row */
		row = &sheet->rows[sheet->row_count];
		*row = (struct row){.line = line};
		if (!find_person(sheet, line, cells, &row->person))
			continue;
		if (any_cell(cells, CRITERION, NOTE))
			row->evidence = read_evidence(reader, line, cells);
		sheet->row_count++;
	}
}

/* Gives each member the evidence of its rows, in their order, and notes the lines. */
static Leadfit__V1__Team *build_team(struct sheet *sheet, const char *id, struct lf_csv_lines *lines)
{
	struct lf_csv_reader *reader = &sheet->reader;
	const size_t people = sheet->person_count;
	Leadfit__V1__Team *team = lf_csv_take(reader, 1, sizeof(*team));
	Leadfit__V1__Member **members = lf_csv_take(reader, people, sizeof(*members));
	size_t *member_lines = lf_csv_take(reader, people, sizeof(*member_lines));
	size_t *counts = lf_csv_take(reader, people, sizeof(*counts));
	size_t **evidence_lines = lf_csv_take(reader, people, sizeof(*evidence_lines));
	char *team_id = lf_csv_copy(reader, id, strlen(id));

	if (reader->failed)
		return NULL;
	leadfit__v1__team__init(team);
	for (size_t r = 0; r < sheet->row_count; r++)
		counts[sheet->rows[r].person] += sheet->rows[r].evidence != NULL;
	for (size_t p = 0; p < people; p++) {
		members[p] = sheet->people[p].member;
		member_lines[p] = sheet->people[p].line;
		members[p]->evidence = lf_csv_take(reader, counts[p], sizeof(*members[p]->evidence));
		evidence_lines[p] = lf_csv_take(reader, counts[p], sizeof(*evidence_lines[p]));
		if (reader->failed)
			return NULL;
	}
	for (size_t r = 0; r < sheet->row_count; r++) {
		const size_t p = sheet->rows[r].person;

		if (sheet->rows[r].evidence == NULL)
			continue;
		evidence_lines[p][members[p]->n_evidence] = sheet->rows[r].line;
		members[p]->evidence[members[p]->n_evidence++] = sheet->rows[r].evidence;
	}
	team->id = team_id;
	team->members = members;
	team->n_members = people;
	*lines = (struct lf_csv_lines){people, member_lines, (const size_t *const *)evidence_lines, counts};
	return team;
}

Leadfit__V1__Team *lf_csv_team(const char *text, size_t length, const char *id, struct lf_arena *arena,
	struct lf_csv_lines *lines, struct lf_error *error)
{
	struct lf_error found = LF_ERROR_INIT;
	struct sheet sheet = {.reader = {.at = text, .end = text + length, .line = 1, .arena = arena, .error = &found}};
	enum column columns[COLUMN_COUNT];
	size_t rows_max = 1;
	size_t column_count;
	Leadfit__V1__Team *team;

	for (size_t i = 0; i < length; i++)
		rows_max += text[i] == '\n';
	*lines = (struct lf_csv_lines){0};
	sheet.rows = lf_csv_take(&sheet.reader, rows_max, sizeof(*sheet.rows));
	sheet.people = lf_csv_take(&sheet.reader, rows_max, sizeof(*sheet.people));
	column_count = sheet.reader.failed ? 0 : read_header(&sheet.reader, columns);
	if (column_count > 0)
		read_rows(&sheet, columns, column_count);
	if (column_count > 0 && found.code == LF_OK && sheet.person_count == 0)
		lf_csv_fault(&sheet.reader, sheet.reader.line, "there is a header, but nobody below it");
	team = found.code == LF_OK ? build_team(&sheet, id, lines) : NULL;
	if (team == NULL && found.code == LF_OK)
		lf_error_set(&found, LF_RESOURCE_EXHAUSTED, "out of memory");
	if (team == NULL) {
		lf_error_summarize(&found);
		lf_error_move(error, &found);
	}
	lf_error_clean_up(&found);
	return team;
}

size_t lf_csv_line_of(const struct lf_csv_lines *lines, const char *path)
{
	size_t member, evidence;
	const int found = sscanf(path, "members[%zu].evidence[%zu]", &member, &evidence);

	if (found < 1 || member >= lines->member_count)
		return 0;
	if (found == 2 && evidence < lines->evidence_counts[member])
		return lines->evidence[member][evidence];
	return lines->members[member];
}
