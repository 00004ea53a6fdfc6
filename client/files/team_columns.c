#include "client/files/team_columns.h"

#include <string.h>

#include "proto/base/nearest.h"

static const char *const field_names[LF_TEAM_FIELDS] = {"id", "name", "discipline", "availability", "expertise",
	"criterion", "rating", "source", "observed_on", "domain", "note"};

/* As lf_fold_name() leaves them. */
static const char *const folded_names[LF_TEAM_FIELDS] = {"id", "name", "discipline", "availability", "expertise",
	"criterion", "rating", "source", "observedon", "domain", "note"};

/* Headings of spreadsheets and HR systems, as lf_fold_name() leaves them. A field's own name needs none. */
static const struct {
	const char *heading;
	enum lf_team_field field;
} synonyms[] = {
	{"member", LF_TEAM_ID},
	{"memberid", LF_TEAM_ID},
	{"person", LF_TEAM_ID},
	{"personid", LF_TEAM_ID},
	{"employee", LF_TEAM_ID},
	{"employeeid", LF_TEAM_ID},
	{"employeeno", LF_TEAM_ID},
	{"employeenumber", LF_TEAM_ID},
	{"empid", LF_TEAM_ID},
	{"personnelnumber", LF_TEAM_ID},
	{"personnelno", LF_TEAM_ID},
	{"staffid", LF_TEAM_ID},
	{"workerid", LF_TEAM_ID},
	{"userid", LF_TEAM_ID},
	{"user", LF_TEAM_ID},
	{"candidate", LF_TEAM_ID},
	{"candidateid", LF_TEAM_ID},
	{"pseudonym", LF_TEAM_ID},
	{"fullname", LF_TEAM_NAME},
	{"displayname", LF_TEAM_NAME},
	{"employeename", LF_TEAM_NAME},
	{"membername", LF_TEAM_NAME},
	{"role", LF_TEAM_DISCIPLINE},
	{"function", LF_TEAM_DISCIPLINE},
	{"profession", LF_TEAM_DISCIPLINE},
	{"jobfamily", LF_TEAM_DISCIPLINE},
	{"jobtitle", LF_TEAM_DISCIPLINE},
	{"speciality", LF_TEAM_DISCIPLINE},
	{"specialty", LF_TEAM_DISCIPLINE},
	{"fte", LF_TEAM_AVAILABILITY},
	{"capacity", LF_TEAM_AVAILABILITY},
	{"allocation", LF_TEAM_AVAILABILITY},
	{"available", LF_TEAM_AVAILABILITY},
	{"availabilityfte", LF_TEAM_AVAILABILITY},
	{"availability(fte)", LF_TEAM_AVAILABILITY},
	{"criteria", LF_TEAM_CRITERION},
	{"competency", LF_TEAM_CRITERION},
	{"competence", LF_TEAM_CRITERION},
	{"skill", LF_TEAM_CRITERION},
	{"score", LF_TEAM_RATING},
	{"grade", LF_TEAM_RATING},
	{"mark", LF_TEAM_RATING},
	{"value", LF_TEAM_RATING},
	{"level", LF_TEAM_RATING},
	{"evidencesource", LF_TEAM_SOURCE},
	{"sourcetype", LF_TEAM_SOURCE},
	{"ratedby", LF_TEAM_SOURCE},
	{"rater", LF_TEAM_SOURCE},
	{"assessedby", LF_TEAM_SOURCE},
	{"assessor", LF_TEAM_SOURCE},
	{"reviewer", LF_TEAM_SOURCE},
	{"date", LF_TEAM_OBSERVED_ON},
	{"observed", LF_TEAM_OBSERVED_ON},
	{"observationdate", LF_TEAM_OBSERVED_ON},
	{"dateobserved", LF_TEAM_OBSERVED_ON},
	{"ratedon", LF_TEAM_OBSERVED_ON},
	{"ratingdate", LF_TEAM_OBSERVED_ON},
	{"reviewdate", LF_TEAM_OBSERVED_ON},
	{"assessedon", LF_TEAM_OBSERVED_ON},
	{"assessmentdate", LF_TEAM_OBSERVED_ON},
	{"notes", LF_TEAM_NOTE},
	{"comment", LF_TEAM_NOTE},
	{"comments", LF_TEAM_NOTE},
	{"remark", LF_TEAM_NOTE},
	{"remarks", LF_TEAM_NOTE},
};

const char *lf_team_field_name(enum lf_team_field field)
{
	return field_names[field];
}

static enum lf_team_field field_named(const char *folded)
{
	for (size_t f = 0; f < LF_TEAM_FIELDS; f++)
		if (strcmp(folded_names[f], folded) == 0)
			return (enum lf_team_field)f;
	return LF_TEAM_FIELDS;
}

static enum lf_team_field field_meant(const char *folded)
{
	for (size_t s = 0; s < sizeof(synonyms) / sizeof(synonyms[0]); s++)
		if (strcmp(synonyms[s].heading, folded) == 0)
			return synonyms[s].field;
	return LF_TEAM_FIELDS;
}

enum lf_team_field lf_team_field_of(const char *heading, struct lf_sheet *sheet)
{
	const char *folded = lf_sheet_fold_name(sheet, heading);
	enum lf_team_field field;

	if (folded == NULL)
		return LF_TEAM_FIELDS;
	field = field_named(folded);
	return field != LF_TEAM_FIELDS ? field : field_meant(folded);
}

static bool means_team(const char *folded)
{
	return strcmp(folded, "team") == 0 || strcmp(folded, "teamid") == 0;
}

bool lf_team_is_team(const char *heading, struct lf_sheet *sheet)
{
	const char *folded = lf_sheet_fold_name(sheet, heading);

	return folded != NULL && means_team(folded);
}

struct reading {
	struct lf_team_columns *columns;
	struct lf_sheet *sheet;
	const struct lf_sheet_row *row;
	const struct lf_names *criteria;
	bool pass_over;
};

static void refuse(struct reading *reading, size_t column)
{
	struct lf_sheet *sheet = reading->sheet;
	const char *heading = reading->row->cells[column];
	const char *nearest = lf_nearest(heading, field_names, LF_TEAM_FIELDS);
	struct lf_buffer known = {0};

	if (nearest == NULL)
		nearest = lf_names_nearest(reading->criteria, heading);
	for (size_t f = 0; f < LF_TEAM_FIELDS; f++)
		lf_text_add(&known, "%s%s", f == 0 ? "" : ", ", field_names[f]);
	if (reading->criteria->count > 0)
		lf_text_add(&known, ", or a criterion of the rubric");
	if (nearest != NULL)
		lf_cell_fault(sheet, reading->row->number, column, "unknown column \"%.64s\"; did you mean %s?",
			heading, nearest);
	else
		lf_cell_fault(sheet, reading->row->number, column, "unknown column \"%.64s\"; known: %s", heading,
			known.data == NULL ? "" : known.data);
	lf_buffer_clean_up(&known);
}

static void twice(struct reading *reading, size_t column, size_t before, const char *what)
{
	char first[LF_CELL_NAME_BYTES];

	lf_cell_name(reading->row->number, before, first);
	lf_cell_fault(reading->sheet, reading->row->number, column,
		"\"%.64s\" and \"%.64s\" in %s both mean %s; leave one of them out", reading->row->cells[column],
		reading->row->cells[before], first, what);
}

static void take_rated(struct reading *reading, size_t column, const char *criterion)
{
	struct lf_team_columns *columns = reading->columns;

	for (size_t i = 0; i < columns->rated_count; i++)
		if (strcmp(columns->rated[i].criterion, criterion) == 0)
			twice(reading, column, columns->rated[i].column, criterion);
	columns->rated[columns->rated_count++] = (struct lf_rated_column){column, criterion};
}

/* A field's name comes first, then a criterion, then a synonym of a field. */
static void read_heading(struct reading *reading, size_t column)
{
	struct lf_team_columns *columns = reading->columns;
	struct lf_sheet *sheet = reading->sheet;
	const char *heading = reading->row->cells[column], *folded, *criterion;
	enum lf_team_field field;

	if (heading[0] == '\0')
		return;
	folded = lf_sheet_fold_name(sheet, heading);
	if (folded == NULL)
		return;
	columns->known[column] = true;
	if (means_team(folded)) /* by which the sheet is divided already */
		return;
	field = field_named(folded);
	criterion = field == LF_TEAM_FIELDS ? lf_names_find(reading->criteria, heading, sheet) : NULL;
	if (criterion != NULL) {
		take_rated(reading, column, criterion);
		return;
	}
	if (field == LF_TEAM_FIELDS)
		field = field_meant(folded);
	if (field == LF_TEAM_FIELDS && reading->pass_over)
		lf_text_add(
			sheet->notes, "column \"%.64s\" is left out: it is neither a field nor a criterion\n", heading);
	else if (field == LF_TEAM_FIELDS)
		refuse(reading, column);
	else if (columns->fields[field] != LF_NO_COLUMN)
		twice(reading, column, columns->fields[field], field_names[field]);
	else
		columns->fields[field] = column;
}

/* Reports begin with lines of their own: a title, a date. */
size_t lf_team_header(struct lf_sheet *sheet)
{
	size_t r = 0;

	while (r < sheet->count && sheet->rows[r].count < 2)
		r++;
	if (r == sheet->count)
		return 0;
	/* A sheet of ids alone, with one stray cell further down, has its heading on top. */
	return r > 0 && lf_team_field_of(sheet->rows[0].cells[0], sheet) == LF_TEAM_ID ? 0 : r;
}

bool lf_team_columns(
	struct lf_team_columns *columns, struct lf_sheet *sheet, const struct lf_names *criteria, bool pass_over)
{
	struct reading reading = {columns, sheet, NULL, criteria, pass_over};
	const size_t wrong_before = sheet->error->violation_count; /* in other teams of the sheet */

	*columns = (struct lf_team_columns){.header = lf_team_header(sheet)};
	for (size_t f = 0; f < LF_TEAM_FIELDS; f++)
		columns->fields[f] = LF_NO_COLUMN;
	if (sheet->count == 0) {
		lf_error_add(sheet->error, "A1", "there is nothing in the sheet; a row of headings is expected");
		return false;
	}
	reading.row = &sheet->rows[columns->header];
	if (columns->header > 0)
		lf_text_add(
			sheet->notes, "the headings are in row %zu; what is above is left out\n", reading.row->number);
	columns->count = reading.row->count;
	columns->rated = lf_sheet_take(sheet, columns->count, sizeof(*columns->rated));
	columns->known = lf_sheet_take(sheet, columns->count, sizeof(*columns->known));
	if (columns->rated == NULL || columns->known == NULL)
		return false;
	for (size_t c = 0; c < columns->count; c++)
		read_heading(&reading, c);
	if (sheet->error->violation_count == wrong_before && columns->fields[LF_TEAM_ID] == LF_NO_COLUMN)
		lf_cell_fault(sheet, reading.row->number, 0,
			"no column is named id (nor member, employee id, person, candidate, ...): the first row names "
			"the columns");
	return sheet->error->violation_count == wrong_before && sheet->error->code != LF_RESOURCE_EXHAUSTED;
}
