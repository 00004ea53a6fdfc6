#include "client/files/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/sheets/alike.h"
#include "client/sheets/charset.h"
#include "client/sheets/csv_rows.h"
#include "client/sheets/ods.h"
#include "client/files/team_parts.h"
#include "client/sheets/xlsx.h"
#include "proto/base/buffer.h"
#include "proto/base/limits.h"

static const char *ending_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *dot = strrchr(slash == NULL ? path : slash, '.');

	return dot == NULL ? "" : dot;
}

static enum lf_input_format format_of(const char *path, const char *text, bool sheets)
{
	const char *ending = ending_of(path);
	const char *begin;

	if (strcasecmp(ending, ".json") == 0)
		return LF_INPUT_JSON;
	if (strcasecmp(ending, ".yaml") == 0 || strcasecmp(ending, ".yml") == 0)
		return LF_INPUT_YAML;
	if (sheets &&
		(strcasecmp(ending, ".csv") == 0 || strcasecmp(ending, ".tsv") == 0 || strcasecmp(ending, ".tab") == 0))
		return LF_INPUT_CSV;
	begin = text + strspn(text, " \t\r\n");
	if (*begin == '{')
		return LF_INPUT_JSON;
	return sheets && lf_csv_looks_like(begin) ? LF_INPUT_CSV : LF_INPUT_YAML;
}

/* Reads at most LF_MESSAGE_BYTES_MAX + 1 bytes into input->storage. */
static enum lf_code read_all(struct lf_input *input, int file, struct lf_error *error)
{
	size_t capacity = 64 * 1024, length = 0;

	for (;;) {
		char *grown = realloc(input->storage, capacity + 1);
		ssize_t n;

		if (grown == NULL)
			return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "%s: out of memory", input->name);
		input->storage = grown;
		n = read(file, grown + length, capacity - length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return lf_error_set(error, LF_INVALID_ARGUMENT, "%s: %s", input->name, strerror(errno));
		length += (size_t)n;
		grown[length] = '\0';
		if (n == 0)
			break;
		if (length > LF_MESSAGE_BYTES_MAX)
			return lf_error_set(error, LF_INVALID_ARGUMENT,
				"%s: larger than %d bytes, which is the most that the service takes", input->name,
				LF_MESSAGE_BYTES_MAX);
		if (length == capacity)
			capacity *= 2;
	}
	input->text = input->storage;
	input->length = length;
	return LF_OK;
}

/* What may be a sheet in another encoding becomes UTF-8. */
static enum lf_code decode(struct lf_input *input, struct lf_error *error)
{
	struct lf_error found = LF_ERROR_INIT;
	struct lf_buffer text = {0};
	const char *said;

	if (lf_to_utf8(input->text, input->length, &text, &said, &found) != LF_OK) {
		lf_buffer_clean_up(&text);
		return lf_error_set(error, found.code, "%s: %s", input->name, found.message);
	}
	if (said == NULL)
		return LF_OK;
	lf_text_add(&input->notes, "the text is not in UTF-8: it was read as %s\n", said);
	free(input->storage);
	input->storage = text.data;
	input->text = text.data == NULL ? "" : text.data;
	input->length = text.length;
	return LF_OK;
}

static enum lf_code read_path(struct lf_input *input, const char *path, struct lf_error *error)
{
	const bool standard = strcmp(path, "-") == 0;
	const int file = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	enum lf_code code;

	if (file < 0)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "%s: %s", path, strerror(errno));
	if (fstat(file, &status) == 0 && S_ISDIR(status.st_mode))
		code = lf_error_set(error, LF_INVALID_ARGUMENT, "%s: is a directory, not a file", input->name);
	else
		code = read_all(input, file, error);
	if (!standard)
		close(file);
	return code;
}

static bool begins(const struct lf_input *input, const char *bytes)
{
	return input->length >= strlen(bytes) && memcmp(input->text, bytes, strlen(bytes)) == 0;
}

/* Whether the bytes may be a sheet in UTF-16, which alone of texts has NUL bytes. */
static bool is_utf16(const struct lf_input *input)
{
	return input->length >= 2 &&
		(memcmp(input->text, "\xff\xfe", 2) == 0 || memcmp(input->text, "\xfe\xff", 2) == 0);
}

enum lf_code lf_input_read(struct lf_input *input, const char *path, bool sheets, struct lf_error *error)
{
	*input = (struct lf_input){.name = strcmp(path, "-") == 0 ? "<stdin>" : path};
	if (read_path(input, path, error) != LF_OK)
		return error->code;
	if (sheets && begins(input, "PK\x03\x04")) {
		input->format = LF_INPUT_PACKAGE;
		return LF_OK;
	}
	if (sheets && begins(input, "\xd0\xcf\x11\xe0"))
		return lf_error_set(error, LF_INVALID_ARGUMENT,
			"%s: is an old Excel file, or has a password: save it as .xlsx or .csv without one",
			input->name);
	if (sheets && is_utf16(input) && decode(input, error) != LF_OK)
		return error->code;
	if (memchr(input->text, '\0', input->length) != NULL)
		return lf_error_set(
			error, LF_INVALID_ARGUMENT, "%s: is not text in UTF-8 (it has a NUL byte)", input->name);
	if (input->length >= 3 && memcmp(input->text, "\xef\xbb\xbf", 3) == 0) {
		input->text += 3;
		input->length -= 3;
	}
	if (input->text[strspn(input->text, " \t\r\n")] == '\0')
		return lf_error_set(error, LF_INVALID_ARGUMENT, "%s: is empty", input->name);
	input->format = format_of(path, input->text, sheets);
	return input->format == LF_INPUT_CSV ? decode(input, error) : LF_OK;
}

void lf_input_clean_up(struct lf_input *input)
{
	free(input->storage);
	lf_buffer_clean_up(&input->notes);
	*input = (struct lf_input){0};
}

/* What is wrong with a text as a whole ("3:5: did not find ...") becomes a violation too, so that one report does for
 * both. */
static void locate_error(struct lf_error *error)
{
	char field[32] = "";
	struct lf_error located;
	unsigned line, column;
	int length;

	if (error->code != LF_INVALID_ARGUMENT || error->violation_count > 0)
		return;
	located = (struct lf_error)LF_ERROR_INIT;
	length = 0;
	if (sscanf(error->message, "%u:%u: %n", &line, &column, &length) == 2 && length > 0) {
		snprintf(field, sizeof(field), "line %u", line);
		lf_error_add(&located, field, "%s (column %u)", error->message + length, column);
	} else {
		lf_error_add(&located, field, "%s", error->message);
	}
	lf_error_move(error, &located);
}

bool lf_input_is_sheet(const struct lf_input *input)
{
	return input->format == LF_INPUT_CSV || input->format == LF_INPUT_PACKAGE;
}

static void read_package(const struct lf_input *input, struct lf_sheet *sheet)
{
	struct lf_package *package = lf_package_open(input->text, input->length);

	if (package == NULL)
		lf_error_add(sheet->error, "", "is a zip file that is damaged");
	else if (lf_xlsx_is(package))
		lf_xlsx_read(package, sheet);
	else if (lf_ods_is(package))
		lf_ods_read(package, sheet);
	else
		lf_error_add(sheet->error, "", "is a zip file, but no spreadsheet: .xlsx and .ods are read");
	lf_package_close(package);
}

void lf_input_sheet(struct lf_input *input, struct lf_sheet *sheet, struct lf_arena *arena, struct lf_error *error)
{
	*sheet = (struct lf_sheet){.arena = arena, .error = error, .notes = &input->notes};
	if (input->format == LF_INPUT_PACKAGE)
		read_package(input, sheet);
	else
		lf_csv_read(sheet, input->text, input->length);
}

/* The name of a file without folder and ending. NULL, and an error, where it can't be an id. */
static const char *id_of_name(const struct lf_input *input, struct lf_arena *arena, struct lf_error *error)
{
	const char *slash = strrchr(input->name, '/');
	const char *base = slash == NULL ? input->name : slash + 1;
	const size_t length = strlen(base) - strlen(ending_of(base));
	const char *id;

	if (strcmp(input->name, "<stdin>") == 0 || length == 0 || length > LF_ID_BYTES_MAX) {
		lf_error_set(
			error, LF_INVALID_ARGUMENT, "%s: a sheet has no team id: give one with --team-id", input->name);
		return NULL;
	}
	id = lf_arena_strdup(arena, base, length);
	if (id == NULL)
		lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	return id;
}

/* The one of several teams that was asked for; what there are is said where that is none of them. */
static struct lf_team_part *pick(struct lf_team_part *parts, size_t count, const char *team_id, struct lf_error *error)
{
	struct lf_buffer ids = {0};

	if (count == 1)
		return &parts[0]; /* which gets another id where one is given */
	for (size_t i = 0; team_id != NULL && i < count; i++)
		if (strcmp(parts[i].id, team_id) == 0)
			return &parts[i];
	for (size_t i = 0; i < count && i < 8; i++)
		lf_text_add(&ids, "%s%.32s", i == 0 ? "" : ", ", parts[i].id);
	lf_error_add(error, "", "has %zu teams, %s%s: --team-id says which", count, ids.data == NULL ? "" : ids.data,
		count > 8 ? ", ..." : "");
	lf_buffer_clean_up(&ids);
	return NULL;
}

static void parse_part(struct lf_input *input, struct lf_sheet *sheet, const char *id, Leadfit__V1__Team **team)
{
	input->reading.team_id = id;
	*team = lf_team_from_sheet(sheet, &input->reading, &input->cells);
}

/* The sheet's only team, or the one with this id, or all of them: sets *teams and *count. */
static void parse_sheet(struct lf_input *input, const char *team_id, bool all, struct lf_arena *arena,
	Leadfit__V1__Team ***teams, size_t *count, struct lf_error *error)
{
	struct lf_buffer spare = {0};
	struct lf_sheet sheet;
	struct lf_team_part *parts = NULL, *part;
	size_t part_count = 0;

	lf_input_sheet(input, &sheet, arena, error);
	if (error->code == LF_OK)
		parts = lf_team_parts(&sheet, &spare, &part_count);
	*count = all && part_count > 1 && team_id == NULL ? part_count : 1;
	*teams = error->code == LF_OK ? lf_sheet_take(&sheet, *count, sizeof(Leadfit__V1__Team *)) : NULL;
	if (*teams != NULL && *count > 1) {
		for (size_t i = 0; i < *count && (i == 0 || input->cells.columns.count > 0); i++)
			parse_part(input, &parts[i].sheet, parts[i].id, &(*teams)[i]);
	} else if (*teams != NULL && parts != NULL) {
		part = pick(parts, part_count, team_id, error);
		if (part != NULL)
			parse_part(input, &part->sheet, team_id != NULL ? team_id : part->id, &(*teams)[0]);
	} else if (*teams != NULL) {
		team_id = team_id != NULL ? team_id : id_of_name(input, arena, error);
		if (team_id != NULL)
			parse_part(input, &sheet, team_id, &(*teams)[0]);
	}
	lf_buffer_clean_up(&spare);
}

static void print_place(void *context, size_t place, char out[LF_PLACE_BYTES])
{
	const struct lf_input *input = context;
	char path[LF_PLACE_BYTES], cell[LF_CELL_NAME_BYTES];
	const char *rest;
	size_t line;

	snprintf(path, sizeof(path), "members[%zu].id", place);
	if (lf_input_is_sheet(input) && lf_team_cell_of(&input->cells, path, cell, &rest))
		snprintf(out, LF_PLACE_BYTES, "%s", cell);
	else if ((line = lf_input_line_of(input, path)) > 0)
		snprintf(out, LF_PLACE_BYTES, "line %zu", line);
	else
		snprintf(out, LF_PLACE_BYTES, "%s", path);
}

static void note_alike(struct lf_input *input, const Leadfit__V1__Team *team, struct lf_arena *arena)
{
	struct lf_placed_id *ids = lf_arena_zalloc(arena, team->n_members, sizeof(*ids));

	if (ids == NULL)
		return;
	for (size_t i = 0; i < team->n_members; i++)
		ids[i] = (struct lf_placed_id){.id = team->members[i]->id, .place = i};
	lf_alike_note(ids, team->n_members, arena, print_place, input, &input->notes);
}

Leadfit__V1__Team **lf_input_teams(struct lf_input *input, const char *team_id, bool all, size_t *count,
	struct lf_arena *arena, struct lf_error *error)
{
	struct lf_error found = LF_ERROR_INIT;
	Leadfit__V1__Team **teams = NULL;

	if (lf_input_is_sheet(input)) {
		parse_sheet(input, team_id, all, arena, &teams, count, &found);
	} else if ((teams = lf_arena_zalloc(arena, 1, sizeof(Leadfit__V1__Team *))) != NULL) {
		*count = 1;
		teams[0] = (Leadfit__V1__Team *)lf_text_parse(
			input->format == LF_INPUT_JSON ? LF_FORMAT_JSON : LF_FORMAT_YAML,
			&leadfit__v1__team__descriptor, input->text, input->length, arena, &found);
		locate_error(&found);
	}
	if (found.code == LF_OK && teams == NULL)
		lf_error_set(&found, LF_RESOURCE_EXHAUSTED, "out of memory");
	if (found.code == LF_OK && *count == 1)
		note_alike(input, teams[0], arena);
	if (found.code == LF_OK)
		return teams;
	if (lf_input_is_sheet(input))
		lf_error_summarize(&found);
	lf_error_move(error, &found);
	lf_error_clean_up(&found);
	return NULL;
}

ProtobufCMessage *lf_input_parse(struct lf_input *input, const ProtobufCMessageDescriptor *type, const char *team_id,
	struct lf_arena *arena, struct lf_error *error)
{
	const enum lf_format format = input->format == LF_INPUT_JSON ? LF_FORMAT_JSON : LF_FORMAT_YAML;
	ProtobufCMessage *message;
	size_t count;

	if (type == &leadfit__v1__team__descriptor) {
		Leadfit__V1__Team **teams = lf_input_teams(input, team_id, false, &count, arena, error);

		return teams == NULL ? NULL : &teams[0]->base;
	}
	message = lf_text_parse(format, type, input->text, input->length, arena, error);
	if (message == NULL && error != NULL)
		locate_error(error);
	return message;
}

size_t lf_input_line_of(const struct lf_input *input, const char *path)
{
	unsigned line;
	char rest;

	if (sscanf(path, "line %u%c", &line, &rest) == 1)
		return line;
	if (lf_input_is_sheet(input))
		return 0;
	return lf_text_line_of(input->text, input->length, path);
}

static const struct lf_source *source_of(const char *field, const struct lf_source *sources, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const size_t length = strlen(sources[i].prefix);

		if (sources[i].option == NULL && (sources[i].input == NULL || sources[i].input->name == NULL))
			continue; /* a file that was not given */
		if (length == 0 ||
			(strncmp(field, sources[i].prefix, length) == 0 && strchr(".[", field[length]) != NULL))
			return &sources[i]; /* strchr finds the end of the text too: the whole field is the prefix */
	}
	return NULL;
}

/* "team.yaml:12: warning: members[3].id: "; a cell in the place of line and path where the file is a sheet. */
static void print_place_in(struct lf_buffer *out, const struct lf_input *input, const char *path, const char *kind)
{
	char cell[LF_CELL_NAME_BYTES];
	size_t line;

	lf_buffer_append_text(out, input->name);
	if (lf_input_is_sheet(input) && lf_team_cell_of(&input->cells, path, cell, &path)) {
		lf_text_add(out, ": %s", cell);
	} else {
		line = lf_input_line_of(input, path);
		if (line > 0)
			lf_text_add(out, ":%zu", line);
	}
	lf_text_add(out, ": %s", kind);
	/* "line 7" has become the number; every other path helps. */
	if (*path != '\0' && strncmp(path, "line ", 5) != 0)
		lf_text_add(out, "%s: ", path);
}

static void print_violation(struct lf_buffer *out, const char *kind, const char *field, const char *description,
	const struct lf_source *sources, size_t source_count)
{
	const struct lf_source *source = source_of(field, sources, source_count);

	if (source != NULL && source->input == NULL) {
		lf_text_add(out, "%s: ", source->option);
	} else if (source != NULL) {
		const char *path = field + strlen(source->prefix);

		print_place_in(out, source->input, path + (*path == '.'), kind);
	} else if (field[0] != '\0') {
		lf_text_add(out, "%s: ", field);
	}
	lf_text_add(out, "%s\n", description);
}

void lf_violation_print(struct lf_buffer *out, const char *field, const char *description,
	const struct lf_source *sources, size_t source_count)
{
	print_violation(out, "", field, description, sources, source_count);
}

void lf_warning_print(struct lf_buffer *out, const char *field, const char *description,
	const struct lf_source *sources, size_t source_count)
{
	print_violation(out, "warning: ", field, description, sources, source_count);
}
