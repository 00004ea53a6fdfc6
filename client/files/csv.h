/*
 * CSV: a team as a file, one line for each piece of evidence (leadfit-files(5) says what is accepted); and cells that
 * are written.
 */
#ifndef LF_CLIENT_FILES_CSV_H
#define LF_CLIENT_FILES_CSV_H

#include <stddef.h>

#include "leadfit/v1/team.pb-c.h"
#include "proto/base/arena.h"
#include "proto/base/buffer.h"
#include "proto/text/json.h"
#include "proto/base/status.h"

/* Where each member and piece of evidence began. Lives in the arena. */
struct lf_csv_lines {
	size_t member_count;
	const size_t *members;         /* line by member */
	const size_t *const *evidence; /* line by member and piece of evidence */
	const size_t *evidence_counts;
};

/*
 * Reads RFC 4180 text with a header line into a team that lives in arena. NULL on error; error then lists every bad
 * line, its field being "line N". Does not judge ids, ranges or dates: the service does. id becomes the team's.
 */
Leadfit__V1__Team *lf_csv_team(const char *text, size_t length, const char *id, struct lf_arena *arena,
	struct lf_csv_lines *lines, struct lf_error *error);

/* Line of a path such as members[3].evidence[0].rating, 0 where unknown. */
size_t lf_csv_line_of(const struct lf_csv_lines *lines, const char *path);

/*
 * Appends a text as a cell of RFC 4180: quoted where it must be. One that a spreadsheet could take for a formula (it
 * begins with = + - @, one of their fullwidth forms, a tab or a line end) gets an apostrophe in front, and so does one
 * that begins with an apostrophe: taking one leading apostrophe away gives every text back. Not for numbers.
 */
void lf_csv_text(struct lf_buffer *out, const char *text);

#endif
