/* Several teams in one sheet, told apart by a column "team". */
#ifndef LF_CLIENT_FILES_TEAM_PARTS_H
#define LF_CLIENT_FILES_TEAM_PARTS_H

#include "client/sheets/sheet.h"

struct lf_team_part {
	const char *id;
	struct lf_sheet sheet; /* the headings and the rows of this team, which keep their numbers */
};

/*
 * The teams of a sheet, in the order in which they come; a row without a team belongs to that of the row above. NULL, with
 * *count 0, where it has no such column, nothing below it, or something is wrong, which is in the sheet's error then. What
 * is made lives in the sheet's arena. Notes of all parts but the first go to spare, which the caller cleans up.
 */
struct lf_team_part *lf_team_parts(struct lf_sheet *sheet, struct lf_buffer *spare, size_t *count);

#endif
