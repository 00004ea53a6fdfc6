/* What the columns of a team's sheet are, by their headings. */
#ifndef LF_CLIENT_FILES_TEAM_COLUMNS_H
#define LF_CLIENT_FILES_TEAM_COLUMNS_H

#include "client/files/names.h"
#include "client/sheets/sheet.h"

enum lf_team_field {
	LF_TEAM_ID,
	LF_TEAM_NAME,
	LF_TEAM_DISCIPLINE,
	LF_TEAM_AVAILABILITY,
	LF_TEAM_EXPERTISE,
	LF_TEAM_CRITERION,
	LF_TEAM_RATING,
	LF_TEAM_SOURCE,
	LF_TEAM_OBSERVED_ON,
	LF_TEAM_DOMAIN,
	LF_TEAM_NOTE,
	LF_TEAM_FIELDS,
};

enum { LF_NO_COLUMN = LF_SHEET_COLUMNS_MAX };

/* A column whose cells are ratings on one criterion. */
struct lf_rated_column {
	size_t column;
	const char *criterion;
};

struct lf_team_columns {
	size_t header;                 /* place of the row with the headings among the sheet's rows */
	size_t fields[LF_TEAM_FIELDS]; /* the column of each; LF_NO_COLUMN */
	struct lf_rated_column *rated; /* by column; in the arena */
	size_t rated_count;
	bool *known; /* by column: it has a heading, or is passed over */
	size_t count;
};

/* The field's name in headings and messages, e.g. "observed_on". */
const char *lf_team_field_name(enum lf_team_field field);
/* The field that a heading means, in any case, by its name or a common synonym; LF_TEAM_FIELDS where none. */
enum lf_team_field lf_team_field_of(const char *heading, struct lf_sheet *sheet);

/* Whether a heading says that its column names teams. */
bool lf_team_is_team(const char *heading, struct lf_sheet *sheet);
/* The place of the row with the headings among the rows of a sheet that has any. */
size_t lf_team_header(struct lf_sheet *sheet);
/*
 * Finds the headings: the first row that has more than one cell, or the first of all. pass_over: a column with another
 * heading is left out, and that is noted. false where something is wrong; the sheet's error has it, by cell.
 */
bool lf_team_columns(
	struct lf_team_columns *columns, struct lf_sheet *sheet, const struct lf_names *criteria, bool pass_over);

#endif
