#include "client/files/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/buffer.h"
#include "proto/base/limits.h"

static const char *ending_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *dot = strrchr(slash == NULL ? path : slash, '.');

	return dot == NULL ? "" : dot;
}

/* A header line has a comma before any ": " and is no JSON. */
static bool looks_like_csv(const char *text)
{
	const size_t line = strcspn(text, "\r\n");
	const char *comma = memchr(text, ',', line);

	return comma != NULL && memchr(text, ':', line) == NULL && text[0] != '-' && text[0] != '#';
}

static enum lf_input_format format_of(const char *path, const char *text, bool csv)
{
	const char *ending = ending_of(path);
	const char *begin;

	if (strcasecmp(ending, ".json") == 0)
		return LF_INPUT_JSON;
	if (strcasecmp(ending, ".yaml") == 0 || strcasecmp(ending, ".yml") == 0)
		return LF_INPUT_YAML;
	if (csv && strcasecmp(ending, ".csv") == 0)
		return LF_INPUT_CSV;
	begin = text + strspn(text, " \t\r\n");
	if (*begin == '{')
		return LF_INPUT_JSON;
	return csv && looks_like_csv(begin) ? LF_INPUT_CSV : LF_INPUT_YAML;
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

enum lf_code lf_input_read(struct lf_input *input, const char *path, bool csv, struct lf_error *error)
{
	const bool standard = strcmp(path, "-") == 0;
	int file;
	struct stat status;
	enum lf_code code;

	*input = (struct lf_input){.name = standard ? "<stdin>" : path};
	file = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "%s: %s", path, strerror(errno));
	if (fstat(file, &status) == 0 && S_ISDIR(status.st_mode))
		code = lf_error_set(error, LF_INVALID_ARGUMENT, "%s: is a directory, not a file", input->name);
	else
		code = read_all(input, file, error);
	if (!standard)
		close(file);
	if (code != LF_OK)
		return code;
	if (memchr(input->text, '\0', input->length) != NULL)
		return lf_error_set(
			error, LF_INVALID_ARGUMENT, "%s: is not text in UTF-8 (it has a NUL byte)", input->name);
	if (input->length >= 3 && memcmp(input->text, "\xef\xbb\xbf", 3) == 0) {
		input->text += 3;
		input->length -= 3;
	}
	if (input->text[strspn(input->text, " \t\r\n")] == '\0')
		return lf_error_set(error, LF_INVALID_ARGUMENT, "%s: is empty", input->name);
	input->format = format_of(path, input->text, csv);
	return LF_OK;
}

void lf_input_clean_up(struct lf_input *input)
{
	free(input->storage);
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

ProtobufCMessage *lf_input_parse(struct lf_input *input, const ProtobufCMessageDescriptor *type,
	const char *csv_team_id, struct lf_arena *arena, struct lf_error *error)
{
	char id[LF_ID_BYTES_MAX + 1];
	Leadfit__V1__Team *team;

	if (input->format != LF_INPUT_CSV) {
		const enum lf_format format = input->format == LF_INPUT_JSON ? LF_FORMAT_JSON : LF_FORMAT_YAML;
		ProtobufCMessage *message = lf_text_parse(format, type, input->text, input->length, arena, error);

		if (message == NULL && error != NULL)
			locate_error(error);
		return message;
	}
	if (csv_team_id == NULL) {
		const char *slash = strrchr(input->name, '/');
		const char *base = slash == NULL ? input->name : slash + 1;
		const size_t length = strlen(base) - strlen(ending_of(base));

		if (strcmp(input->name, "<stdin>") == 0 || length == 0 || length > LF_ID_BYTES_MAX) {
			lf_error_set(error, LF_INVALID_ARGUMENT,
				"%s: a CSV file has no team id: give one with --team-id", input->name);
			return NULL;
		}
		memcpy(id, base, length);
		id[length] = '\0';
		csv_team_id = id;
	}
	team = lf_csv_team(input->text, input->length, csv_team_id, arena, &input->csv, error);
	return team == NULL ? NULL : &team->base;
}

size_t lf_input_line_of(const struct lf_input *input, const char *path)
{
	unsigned line;
	char rest;

	if (sscanf(path, "line %u%c", &line, &rest) == 1)
		return line;
	if (input->format == LF_INPUT_CSV)
		return lf_csv_line_of(&input->csv, path);
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

static void print_violation(struct lf_buffer *out, const char *kind, const char *field, const char *description,
	const struct lf_source *sources, size_t source_count)
{
	const struct lf_source *source = source_of(field, sources, source_count);
	char number[32];

	if (source != NULL && source->input == NULL) {
		lf_buffer_append_text(out, source->option);
		lf_buffer_append_text(out, ": ");
	} else if (source != NULL) {
		const char *path = field + strlen(source->prefix);
		size_t line;

		path += *path == '.';
		line = lf_input_line_of(source->input, path);
		snprintf(number, sizeof(number), ":%zu", line);
		lf_buffer_append_text(out, source->input->name);
		lf_buffer_append_text(out, line == 0 ? "" : number);
		lf_buffer_append_text(out, ": ");
		lf_buffer_append_text(out, kind);
		/* "line 7" has become the number; every other path helps. */
		if (*path != '\0' && strncmp(path, "line ", 5) != 0) {
			lf_buffer_append_text(out, path);
			lf_buffer_append_text(out, ": ");
		}
	} else if (field[0] != '\0') {
		lf_buffer_append_text(out, field);
		lf_buffer_append_text(out, ": ");
	}
	lf_buffer_append_text(out, description);
	lf_buffer_append_text(out, "\n");
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
