/* Files that a person wrote: reading, telling the format, and finding the line that a path stands on. */
#ifndef LF_CLIENT_FILES_INPUT_H
#define LF_CLIENT_FILES_INPUT_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

#include "client/sheets/sheet.h"
#include "client/files/team_sheet.h"
#include "proto/base/arena.h"
#include "proto/base/buffer.h"
#include "proto/text/json.h"
#include "proto/base/status.h"

enum lf_input_format { LF_INPUT_YAML, LF_INPUT_JSON, LF_INPUT_CSV, LF_INPUT_PACKAGE /* .xlsx, .ods */ };

struct lf_input {
	const char *name; /* for messages; "<stdin>" for - */
	char *storage;    /* owned */
	const char *text; /* in storage, after a byte order mark; NUL-terminated */
	size_t length;
	enum lf_input_format format;
	struct lf_team_reading
		reading; /* how a sheet is read as a team; a command may set it between reading and parsing */
	struct lf_team_cells cells; /* where it was found there */
	struct lf_buffer notes;     /* lines: what the user should know of how it was read */
};

/*
 * Reads a file, or standard input where path is "-". The format is that of the name's ending (.yaml .yml .json, and,
 * where sheets are allowed, .csv .tsv .tab), else of the content; a zip file is a package. A sheet that is not UTF-8 is taken for UTF-16 or
 * Windows-1252, and that is noted. INVALID_ARGUMENT naming the file where it is absent, unreadable, a directory, empty,
 * binary, or larger than LF_MESSAGE_BYTES_MAX. Blocks. Clean up in any case; zero the struct before.
 */
enum lf_code lf_input_read(struct lf_input *input, const char *path, bool sheets, struct lf_error *error);
void lf_input_clean_up(struct lf_input *input);
bool lf_input_is_sheet(const struct lf_input *input);

/*
 * The message that the text stands for, in arena; NULL on error. A sheet: only for a Team; team_id (may be NULL, then
 * the file's name without folder and ending) becomes its id. Members whose ids look alike are noted.
 */
ProtobufCMessage *lf_input_parse(struct lf_input *input, const ProtobufCMessageDescriptor *type, const char *team_id,
	struct lf_arena *arena, struct lf_error *error);
/*
 * The teams that a file has, in arena; NULL on error. A sheet may have several (team_parts.h): then all gives each of them,
 * else team_id says which. Otherwise there is one.
 */
Leadfit__V1__Team **lf_input_teams(struct lf_input *input, const char *team_id, bool all, size_t *count,
	struct lf_arena *arena, struct lf_error *error);
/* The sheet that a file is, in arena. What is wrong goes into error, by cell. */
void lf_input_sheet(struct lf_input *input, struct lf_sheet *sheet, struct lf_arena *arena, struct lf_error *error);

/* Line of a path within the message, 0 where unknown; of a sheet it is always. */
size_t lf_input_line_of(const struct lf_input *input, const char *path);

/* Where violations of a request come from: paths beginning with prefix belong to this file, or to this option. */
struct lf_source {
	const char *prefix;           /* "team"; "" matches every path */
	const struct lf_input *input; /* NULL: the option is named instead */
	const char *option;           /* "--as-of" */
};

/*
 * Appends one line that says what is wrong where: "team.yaml:12: members[3].evidence[0].rating: 7 is outside 1..5",
 * "team.csv: G5: rating: 7 is outside 1..5", "--as-of: ...", or "field: description" where no source matches.
 */
void lf_violation_print(struct lf_buffer *out, const char *field, const char *description,
	const struct lf_source *sources, size_t source_count);
/* The same with "warning: " behind the file's line. */
void lf_warning_print(struct lf_buffer *out, const char *field, const char *description,
	const struct lf_source *sources, size_t source_count);

#endif
