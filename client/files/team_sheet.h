/*
 * A team as a sheet (leadfit-files(5) says what is accepted): a row for each piece of evidence, or a row for each person
 * with a column for each criterion, or both.
 */
#ifndef LF_CLIENT_FILES_TEAM_SHEET_H
#define LF_CLIENT_FILES_TEAM_SHEET_H

#include "client/files/team_columns.h"
#include "leadfit/v1/team.pb-c.h"

struct lf_team_reading {
	const char *team_id;
	const Leadfit__V1__Rubric *rubric; /* whose names are known; NULL: names are taken as they stand */
	const char *date_format;           /* lf_cell_date(); NULL: none */
	bool pass_over;                    /* what the rubric does not declare is left to the service, or left out */
};

struct lf_evidence_cell {
	size_t row, column; /* of its rating; its number, and from 0 */
};

/* Where each member and piece of evidence is. Lives in the sheet's arena. */
struct lf_team_cells {
	struct lf_team_columns columns;
	size_t member_count;
	const size_t *rows;                       /* number of the row by member: its first */
	struct lf_evidence_cell *const *evidence; /* by member and piece */
	const size_t *evidence_counts;
};

/*
 * The team that a sheet stands for, in the sheet's arena; NULL on error. The sheet's error then lists everything that is
 * wrong, by cell, and cells->columns.count is 0 where the headings are. Ids, ranges of a rubric that is not known, and
 * what is declared there are for the service to judge.
 */
Leadfit__V1__Team *lf_team_from_sheet(
	struct lf_sheet *sheet, const struct lf_team_reading *reading, struct lf_team_cells *cells);

/*
 * The cell that a path such as members[3].evidence[0].rating means. *rest is what of the path says more than the cell:
 * "rating"; "" where nothing does. false where it is none.
 */
bool lf_team_cell_of(
	const struct lf_team_cells *cells, const char *path, char name[LF_CELL_NAME_BYTES], const char **rest);

#endif
