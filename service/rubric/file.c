#include "service/rubric/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/buffer.h"
#include "proto/base/harmless.h"
#include "proto/text/json.h"
#include "proto/base/limits.h"
#include "service/events/events.h"
#include "service/rubric/built_in.h"

static const size_t arena_bytes_max = (size_t)32 * 1024 * 1024;

/* Memory as it is needed: what is given back to the service's heap is cleared first, all of it. */
static enum lf_code read_all(int file, struct lf_buffer *text, struct lf_error *error)
{
	char piece[4096];

	while (text->length <= LF_MESSAGE_BYTES_MAX) {
		const ssize_t got = read(file, piece, sizeof(piece));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return lf_error_set(error, LF_UNAVAILABLE, "can't be read: %s", strerror(errno));
		lf_buffer_append(text, piece, (size_t)got);
		if (text->failed)
			return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory to read it");
		if (got == 0)
			return LF_OK;
	}
	return lf_error_set(error, LF_INVALID_ARGUMENT, "is larger than %d bytes", LF_MESSAGE_BYTES_MAX);
}

static enum lf_code read_file(const char *path, char **text, size_t *length, struct lf_error *error)
{
	const int file = open(path, O_RDONLY | O_CLOEXEC);
	struct lf_buffer read = {0};

	if (file < 0)
		return lf_error_set(error, LF_UNAVAILABLE, "%s", strerror(errno));
	read_all(file, &read, error);
	close(file);
	*text = read.data;
	*length = read.length;
	return error->code;
}

static enum lf_format format_of(const char *path)
{
	size_t length = strlen(path);

	return length > 5 && strcmp(path + length - 5, ".json") == 0 ? LF_FORMAT_JSON : LF_FORMAT_YAML;
}

static enum lf_code load(struct lf_rubric_version **version, enum lf_format format, const char *text, size_t length,
	struct lf_error *error)
{
	struct lf_arena arena;
	ProtobufCMessage *message;
	enum lf_code code;
	uint8_t *packed = NULL;

	lf_arena_init(&arena, arena_bytes_max);
	message = lf_text_parse(format, &leadfit__v1__rubric__descriptor, text, length, &arena, error);
	if (message == NULL) {
		code = error->code;
		goto out;
	}
	packed = lf_arena_alloc(&arena, protobuf_c_message_get_packed_size(message));
	if (packed == NULL) {
		code = lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory to read it");
		goto out;
	}
	code = lf_rubric_version_new(version, packed, protobuf_c_message_pack(message, packed), "", error);
out:
	lf_arena_clean_up(&arena);
	return code;
}

enum lf_code lf_rubric_file_load(
	struct lf_rubric_version **version, const char *path, char **text, size_t *length, struct lf_error *error)
{
	*text = NULL;
	*length = 0;
	return read_file(path, text, length, error) != LF_OK ? error->code
							     : load(version, format_of(path), *text, *length, error);
}

enum lf_code lf_rubric_built_in_load(struct lf_rubric_version **version, struct lf_error *error)
{
	return load(version, LF_FORMAT_YAML, (const char *)lf_built_in_rubric, lf_built_in_rubric_length, error);
}

/* Faults are for who wrote the file, as plain text; warnings are what the service says of what it has taken. */
static void say(bool is_warning, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(bool is_warning, const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	if (text == NULL)
		return;
	if (is_warning)
		lf_event_say(LF_EVENT_RUBRIC_WARNING, "%s", text);
	else
		lf_print_line(stderr, "leadfitd: %s", text);
	free(text);
}

static void say_violations(
	const char *path, const char *text, size_t length, const struct lf_error *error, bool is_warning)
{
	const char *kind = is_warning ? "warning: " : "";

	for (size_t i = 0; i < error->violation_kept; i++) {
		const struct lf_violation *violation = &error->violations[i];
		const size_t line = text != NULL ? lf_text_line_of(text, length, violation->field) : 0;
		char place[24] = "";

		if (line > 0)
			snprintf(place, sizeof(place), "%zu:", line);
		say(is_warning, "%s:%s %s%s: %s", path, place, kind, violation->field, violation->description);
	}
	if (error->violation_count > error->violation_kept)
		say(is_warning, "%s: %sand %zu more", path, kind, error->violation_count - error->violation_kept);
}

void lf_rubric_file_say(const char *path, const char *text, size_t length, const struct lf_error *error)
{
	if (error->violation_kept == 0)
		say(false, "%s: %s", path, error->message);
	say_violations(path, text, length, error, false);
}

void lf_rubric_file_warn(const char *path, const char *text, size_t length, const struct lf_rubric_version *version)
{
	struct lf_error warnings = LF_ERROR_INIT;

	lf_rubric_version_warn(version, &warnings);
	say_violations(path, text, length, &warnings, true);
	lf_error_clean_up(&warnings);
}
