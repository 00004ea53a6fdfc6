/* Rows become people and pieces of evidence, and these a team. Everything lives in the sheet's arena. */
#include "client/files/team_sheet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/calc/keys.h"
#include "client/files/cell_values.h"
#include "proto/base/limits.h"
#include "proto/wire/borrow.h"

struct person {
	Leadfit__V1__Member *member;
	const struct lf_sheet_row *row; /* the first */
	size_t pieces;
};

struct piece {
	Leadfit__V1__Evidence *evidence;
	size_t person;
	struct lf_evidence_cell cell;
};

struct reader {
	struct lf_sheet *sheet;
	const struct lf_team_reading *reading;
	struct lf_team_columns columns;
	struct lf_names disciplines, sources, criteria;
	struct lf_range scale;
	struct lf_keys index;  /* id to place in people + 1; beyond LF_MEMBERS_MAX people are counted alone */
	struct person *people; /* room for one a row, up to LF_MEMBERS_MAX */
	size_t person_count;   /* found, kept or not */
	struct piece *pieces;
	size_t piece_count, piece_capacity;
	size_t current; /* the person of the row above, + 1 */
};

static const char *cell(const struct reader *reader, const struct lf_sheet_row *row, enum lf_team_field field)
{
	return lf_cell(row, reader->columns.fields[field]);
}

/* A field's place, for messages. Where the sheet has no such column, that of the id. */
static struct lf_cell_at place(const struct reader *reader, const struct lf_sheet_row *row, enum lf_team_field field)
{
	const size_t column = reader->columns.fields[field];

	return (struct lf_cell_at){reader->sheet, row->number,
		column == LF_NO_COLUMN ? reader->columns.fields[LF_TEAM_ID] : column, lf_team_field_name(field)};
}

/* Texts of a message are not written to. */
static char *text_of(const char *text)
{
	return lf_unconst(text == NULL ? "" : text);
}

static Google__Protobuf__DoubleValue *read_double(const struct lf_cell_at *at, const char *text, struct lf_range range)
{
	Google__Protobuf__DoubleValue *value = lf_sheet_take(at->sheet, 1, sizeof(*value));

	if (value == NULL)
		return NULL;
	google__protobuf__double_value__init(value);
	lf_cell_number(at, text, range, &value->value);
	return value;
}

/* ---- people ---- */

/* "FRONTEND=0.9" */
static void read_expert(
	const struct reader *reader, const struct lf_cell_at *at, char *part, Leadfit__V1__Member *member)
{
	static const struct lf_range share = {0, 1, true, true};
	char *number = strchr(part, '=');
	Leadfit__V1__Member__ExpertiseEntry *entry = lf_sheet_take(reader->sheet, 1, sizeof(*entry));
	const char *begin = part, *name;

	if (entry == NULL)
		return;
	leadfit__v1__member__expertise_entry__init(entry);
	name = number == NULL ? "" : lf_sheet_text(reader->sheet, begin, (size_t)(number - begin));
	if (name == NULL || name[0] == '\0' || number[1] == '\0') {
		if (name != NULL)
			lf_cell_fault(at->sheet, at->row, at->column,
				"expertise: write DISCIPLINE=NUMBER;DISCIPLINE=NUMBER, e.g. FRONTEND=0.9;DESIGN=0.6");
		return;
	}
	number = text_of(lf_sheet_text(reader->sheet, number + 1, strlen(number + 1)));
	if (!lf_cell_number(at, number, share, &entry->value))
		return;
	entry->key = text_of(lf_cell_name_of(at, name, &reader->disciplines, reader->reading->pass_over));
	for (size_t i = 0; i < member->n_expertise; i++)
		if (strcmp(member->expertise[i]->key, entry->key) == 0)
			lf_cell_fault(at->sheet, at->row, at->column, "expertise: %.64s is given twice", entry->key);
	member->expertise[member->n_expertise++] = entry;
}

/* "FRONTEND=0.9;DESIGN=0.6" */
static void read_expertise(const struct reader *reader, const struct lf_sheet_row *row, Leadfit__V1__Member *member)
{
	const struct lf_cell_at at = place(reader, row, LF_TEAM_EXPERTISE);
	const char *text = cell(reader, row, LF_TEAM_EXPERTISE);
	char *copy = lf_arena_strdup(reader->sheet->arena, text, strlen(text));
	size_t parts = 1;

	for (const char *c = text; *c != '\0'; c++)
		parts += *c == ';' || *c == '\n';
	if (parts > LF_DISCIPLINES_MAX) {
		lf_cell_fault(at.sheet, at.row, at.column, "expertise: has %zu entries; allowed are at most %d", parts,
			LF_DISCIPLINES_MAX);
		return;
	}
	member->expertise = lf_sheet_take(reader->sheet, parts, sizeof(*member->expertise));
	if (member->expertise == NULL || copy == NULL)
		return;
	for (char *part; (part = strsep(&copy, ";\n")) != NULL;)
		read_expert(reader, &at, part, member);
}

static bool same(const struct reader *reader, enum lf_team_field field, const char *here, const char *there)
{
	const char *meant;

	if (strcmp(here, there) == 0)
		return true;
	meant = field == LF_TEAM_DISCIPLINE ? lf_names_find(&reader->disciplines, here, reader->sheet) : NULL;
	return meant != NULL && meant == lf_names_find(&reader->disciplines, there, reader->sheet);
}

/* What a further row says of a member again must be what the first one says. */
static void compare_rows(const struct reader *reader, const struct lf_sheet_row *row, const struct lf_sheet_row *first)
{
	for (enum lf_team_field f = LF_TEAM_NAME; f <= LF_TEAM_EXPERTISE; f++) {
		const char *here = cell(reader, row, f), *there = cell(reader, first, f);
		char name[LF_CELL_NAME_BYTES];

		if (here[0] == '\0' || same(reader, f, here, there))
			continue;
		lf_cell_name(first->number, reader->columns.fields[f], name);
		lf_cell_fault(reader->sheet, row->number, reader->columns.fields[f],
			"%s: \"%.64s\" here, but \"%.64s\" in %s for %.64s", lf_team_field_name(f), here, there, name,
			cell(reader, first, LF_TEAM_ID));
	}
}

static bool add_person(struct reader *reader, const struct lf_sheet_row *row)
{
	static const struct lf_range share = {0, 1, true, true};
	struct person *person = &reader->people[reader->person_count++];
	Leadfit__V1__Member *member = lf_sheet_take(reader->sheet, 1, sizeof(*member));
	struct lf_cell_at at;

	*person = (struct person){.member = member, .row = row};
	if (member == NULL)
		return false;
	leadfit__v1__member__init(member);
	member->id = text_of(cell(reader, row, LF_TEAM_ID));
	member->name = text_of(cell(reader, row, LF_TEAM_NAME));
	at = place(reader, row, LF_TEAM_DISCIPLINE);
	member->discipline = text_of(lf_cell_name_of(
		&at, cell(reader, row, LF_TEAM_DISCIPLINE), &reader->disciplines, reader->reading->pass_over));
	at = place(reader, row, LF_TEAM_AVAILABILITY);
	if (cell(reader, row, LF_TEAM_AVAILABILITY)[0] != '\0')
		member->availability = read_double(&at, cell(reader, row, LF_TEAM_AVAILABILITY), share);
	if (cell(reader, row, LF_TEAM_EXPERTISE)[0] != '\0')
		read_expertise(reader, row, member);
	return true;
}

/*
 * Sets reader->current to the person of a row. false where it has none that is kept: the id is missing, there are too many
 * people, or memory ran out.
 */
static bool find_person(struct reader *reader, const struct lf_sheet_row *row)
{
	const char *id = cell(reader, row, LF_TEAM_ID);
	uint32_t *number;
	bool added;

	if (id[0] == '\0') {
		bool own = reader->current == 0;

		for (enum lf_team_field f = LF_TEAM_NAME; f <= LF_TEAM_EXPERTISE; f++)
			own |= cell(reader, row, f)[0] != '\0';
		if (own)
			lf_cell_fault(reader->sheet, row->number, reader->columns.fields[LF_TEAM_ID], "id is empty");
		return !own && reader->current <= LF_MEMBERS_MAX;
	}
	number = lf_keys_add(&reader->index, id, "", &added);
	if (number == NULL) {
		lf_error_set(reader->sheet->error, LF_RESOURCE_EXHAUSTED, "out of memory");
		return false;
	}
	if (!added) {
		reader->current = *number;
		if (reader->current > LF_MEMBERS_MAX)
			return false;
		compare_rows(reader, row, reader->people[reader->current - 1].row);
		return true;
	}
	*number = (uint32_t)reader->person_count + 1;
	reader->current = *number;
	if (reader->current <= LF_MEMBERS_MAX)
		return add_person(reader, row);
	reader->person_count++;
	return false;
}

/* ---- evidence ---- */

static struct piece *add_piece(struct reader *reader)
{
	if (reader->piece_count == reader->piece_capacity) {
		const size_t capacity = reader->piece_capacity == 0 ? 256 : 2 * reader->piece_capacity;
		struct piece *grown = lf_sheet_take(reader->sheet, capacity, sizeof(*grown));

		if (grown == NULL)
			return NULL;
		if (reader->piece_count > 0)
			memcpy(grown, reader->pieces, reader->piece_count * sizeof(*grown));
		reader->pieces = grown;
		reader->piece_capacity = capacity;
	}
	return &reader->pieces[reader->piece_count];
}

/* One rating of a row, with what the row says of all of its ratings. */
static void read_piece(
	struct reader *reader, const struct lf_sheet_row *row, const struct lf_cell_at *at, const char *criterion)
{
	const bool any = reader->reading->pass_over;
	Leadfit__V1__Evidence *evidence = lf_sheet_take(reader->sheet, 1, sizeof(*evidence));
	const char *text = cell(reader, row, LF_TEAM_OBSERVED_ON);
	struct piece *piece = add_piece(reader);
	struct lf_cell_at other;

	if (evidence == NULL || piece == NULL)
		return;
	leadfit__v1__evidence__init(evidence);
	evidence->criterion = text_of(criterion);
	evidence->rating = read_double(at, lf_cell(row, at->column), reader->scale);
	other = place(reader, row, LF_TEAM_SOURCE);
	evidence->source = text_of(lf_cell_name_of(&other, cell(reader, row, LF_TEAM_SOURCE), &reader->sources, any));
	other = place(reader, row, LF_TEAM_DOMAIN);
	evidence->domain =
		text_of(lf_cell_name_of(&other, cell(reader, row, LF_TEAM_DOMAIN), &reader->disciplines, any));
	other = place(reader, row, LF_TEAM_OBSERVED_ON);
	if (text[0] != '\0')
		evidence->observed_on = text_of(lf_cell_date(&other, text, reader->reading->date_format));
	evidence->note = text_of(cell(reader, row, LF_TEAM_NOTE));
	*piece = (struct piece){evidence, reader->current - 1, {row->number, at->column}};
	reader->people[piece->person].pieces++;
	reader->piece_count++;
}

/* The rating of a row that names its criterion. */
static bool read_named(struct reader *reader, const struct lf_sheet_row *row)
{
	const char *criterion = cell(reader, row, LF_TEAM_CRITERION), *rating = cell(reader, row, LF_TEAM_RATING);
	struct lf_cell_at at = place(reader, row, LF_TEAM_CRITERION);

	if (criterion[0] == '\0' && rating[0] == '\0')
		return false;
	if (criterion[0] == '\0') {
		lf_cell_fault(at.sheet, at.row, at.column, "criterion is empty, but there is a rating");
		return true;
	}
	criterion = lf_cell_name_of(&at, criterion, &reader->criteria, reader->reading->pass_over);
	at = place(reader, row, LF_TEAM_RATING);
	if (rating[0] == '\0')
		lf_cell_fault(at.sheet, at.row, at.column, "rating is empty");
	else
		read_piece(reader, row, &at, criterion);
	return true;
}

static void read_evidence(struct reader *reader, const struct lf_sheet_row *row)
{
	bool rated = read_named(reader, row);

	for (size_t i = 0; i < reader->columns.rated_count; i++) {
		const struct lf_rated_column *column = &reader->columns.rated[i];
		const struct lf_cell_at at = {reader->sheet, row->number, column->column, column->criterion};

		if (lf_cell(row, column->column)[0] == '\0')
			continue;
		read_piece(reader, row, &at, column->criterion);
		rated = true;
	}
	/* A source or a day is often filled in for all; a note was written by somebody. */
	for (enum lf_team_field f = LF_TEAM_SOURCE; !rated && f <= LF_TEAM_NOTE; f++)
		if (cell(reader, row, f)[0] != '\0' && (reader->columns.rated_count == 0 || f == LF_TEAM_NOTE)) {
			lf_cell_fault(reader->sheet, row->number, reader->columns.fields[f],
				"%s: there is one, but nothing in its row is rated", lf_team_field_name(f));
			break;
		}
}

/* ---- the whole ---- */

static bool begin(struct reader *reader)
{
	const Leadfit__V1__Rubric *rubric = reader->reading->rubric;
	struct lf_arena *arena = reader->sheet->arena;

	if (!lf_names_disciplines(&reader->disciplines, rubric, arena) ||
		!lf_names_sources(&reader->sources, rubric, arena) ||
		!lf_names_criteria(&reader->criteria, rubric, arena)) {
		lf_error_set(reader->sheet->error, LF_RESOURCE_EXHAUSTED, "out of memory");
		return false;
	}
	if (rubric != NULL && rubric->scale != NULL)
		reader->scale = (struct lf_range){rubric->scale->min, rubric->scale->max, true, false};
	reader->people = lf_sheet_take(reader->sheet,
		reader->sheet->count < LF_MEMBERS_MAX ? reader->sheet->count : LF_MEMBERS_MAX, sizeof(*reader->people));
	return reader->people != NULL &&
		lf_team_columns(&reader->columns, reader->sheet, &reader->criteria, reader->reading->pass_over);
}

static void read_rows(struct reader *reader)
{
	struct lf_sheet *sheet = reader->sheet;

	for (size_t r = reader->columns.header + 1; r < sheet->count && sheet->error->code != LF_RESOURCE_EXHAUSTED;
		r++) {
		const struct lf_sheet_row *row = &sheet->rows[r];

		if (lf_sheet_too_wide(sheet, row, &sheet->rows[reader->columns.header]))
			continue;
		for (size_t c = 0; c < row->count; c++)
			if (row->cells[c][0] != '\0' && (c >= reader->columns.count || !reader->columns.known[c]))
				lf_cell_fault(sheet, row->number, c, "\"%.64s\" is in a column without a heading",
					row->cells[c]);
		if (find_person(reader, row))
			read_evidence(reader, row);
	}
}

static void check_limits(const struct reader *reader)
{
	struct lf_sheet *sheet = reader->sheet;

	if (reader->person_count == 0 && sheet->error->code == LF_OK)
		lf_error_add(sheet->error, "", "there are headings, but nobody below them");
	if (reader->person_count > LF_MEMBERS_MAX)
		lf_error_add(sheet->error, "members", "has %zu entries; allowed are at most %d", reader->person_count,
			LF_MEMBERS_MAX);
	for (size_t p = 0; p < reader->person_count && p < LF_MEMBERS_MAX; p++)
		if (reader->people[p].pieces > LF_EVIDENCE_MAX)
			lf_cell_fault(sheet, reader->people[p].row->number, reader->columns.fields[LF_TEAM_ID],
				"%.64s has %zu pieces of evidence; allowed are at most %d",
				reader->people[p].member->id, reader->people[p].pieces, LF_EVIDENCE_MAX);
}

/* Gives each member the evidence of its rows, in their order, and notes the cells. */
static Leadfit__V1__Team *build_team(struct reader *reader, struct lf_team_cells *cells)
{
	struct lf_sheet *sheet = reader->sheet;
	const size_t count = reader->person_count;
	const char *id = reader->reading->team_id;
	Leadfit__V1__Team *team = lf_sheet_take(sheet, 1, sizeof(*team));
	Leadfit__V1__Member **members = lf_sheet_take(sheet, count, sizeof(*members));
	size_t *rows = lf_sheet_take(sheet, count, sizeof(*rows));
	size_t *counts = lf_sheet_take(sheet, count, sizeof(*counts));
	struct lf_evidence_cell **evidence = lf_sheet_take(sheet, count, sizeof(struct lf_evidence_cell *));
	char *team_id = lf_arena_strdup(sheet->arena, id, strlen(id));

	if (team == NULL || members == NULL || rows == NULL || counts == NULL || evidence == NULL || team_id == NULL)
		return NULL;
	leadfit__v1__team__init(team);
	for (size_t p = 0; p < count; p++) {
		const struct person *person = &reader->people[p];

		members[p] = person->member;
		rows[p] = person->row->number;
		counts[p] = person->pieces;
		members[p]->evidence = lf_sheet_take(sheet, counts[p], sizeof(*members[p]->evidence));
		evidence[p] = lf_sheet_take(sheet, counts[p], sizeof(*evidence[p]));
		if (members[p]->evidence == NULL || evidence[p] == NULL)
			return NULL;
	}
	for (size_t i = 0; i < reader->piece_count; i++) {
		const struct piece *piece = &reader->pieces[i];
		Leadfit__V1__Member *member = members[piece->person];

		evidence[piece->person][member->n_evidence] = piece->cell;
		member->evidence[member->n_evidence++] = piece->evidence;
	}
	team->id = team_id;
	team->members = members;
	team->n_members = count;
	*cells = (struct lf_team_cells){reader->columns, count, rows, evidence, counts};
	return team;
}

Leadfit__V1__Team *lf_team_from_sheet(
	struct lf_sheet *sheet, const struct lf_team_reading *reading, struct lf_team_cells *cells)
{
	struct reader reader = {.sheet = sheet, .reading = reading};
	Leadfit__V1__Team *team = NULL;

	*cells = (struct lf_team_cells){.member_count = 0};
	if (begin(&reader)) {
		cells->columns = reader.columns;
		read_rows(&reader);
		check_limits(&reader);
	}
	if (sheet->error->code == LF_OK)
		team = build_team(&reader, cells);
	if (team == NULL && sheet->error->code == LF_OK)
		lf_error_set(sheet->error, LF_RESOURCE_EXHAUSTED, "out of memory");
	lf_keys_clean_up(&reader.index);
	return team;
}

/* ---- paths ---- */

static enum lf_team_field field_of_path(const char *rest)
{
	const size_t length = strcspn(rest, ".[");

	for (enum lf_team_field f = LF_TEAM_ID; f < LF_TEAM_FIELDS; f++)
		if (strlen(lf_team_field_name(f)) == length && memcmp(lf_team_field_name(f), rest, length) == 0)
			return f;
	return LF_TEAM_FIELDS;
}

bool lf_team_cell_of(
	const struct lf_team_cells *cells, const char *path, char name[LF_CELL_NAME_BYTES], const char **rest)
{
	size_t member, piece, row, column;
	int used = 0, more = 0;
	enum lf_team_field field;

	if (sscanf(path, "members[%zu]%n", &member, &used) < 1 || used == 0 || member >= cells->member_count)
		return false;
	row = cells->rows[member];
	column = cells->columns.fields[LF_TEAM_ID];
	if (sscanf(path + used, ".evidence[%zu]%n", &piece, &more) == 1 && more > 0 &&
		piece < cells->evidence_counts[member]) {
		row = cells->evidence[member][piece].row;
		column = cells->evidence[member][piece].column;
		used += more;
	}
	*rest = path + used + (path[used] == '.');
	field = field_of_path(*rest);
	if (field != LF_TEAM_FIELDS && field != LF_TEAM_RATING && cells->columns.fields[field] != LF_NO_COLUMN)
		column = cells->columns.fields[field];
	lf_cell_name(row, column, name);
	return true;
}
