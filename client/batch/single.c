#include "client/batch/single.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "client/files/input.h"
#include "leadfit/v1/team.pb-c.h"
#include "proto/base/arena.h"
#include "proto/base/buffer.h"
#include "proto/text/json.h"

enum { ARENA_BYTES_MAX = 512 * 1024 * 1024 }; /* of what a file of the largest size may unfold to */

static bool ends_with(const char *name, const char *ending)
{
	const size_t length = strlen(name), n = strlen(ending);

	return length > n && strcmp(name + length - n, ending) == 0;
}

enum lf_code lf_single_open(
	struct lf_lines *lines, const char *path, const ProtobufCMessageDescriptor *type, struct lf_error *error)
{
	struct lf_input input = {0};
	struct lf_buffer text = {0};
	struct lf_arena arena;
	const struct lf_json_style style = {0};
	ProtobufCMessage *message = NULL;

	lf_arena_init(&arena, ARENA_BYTES_MAX);
	if (lf_input_read(&input, path, type == &leadfit__v1__team__descriptor, error) == LF_OK)
		message = lf_input_parse(&input, type, NULL, &arena, error);
	if (message != NULL)
		lf_json_print(message, &style, &text);
	if (text.failed)
		lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	if (message != NULL && error->code == LF_OK)
		lf_lines_init_text(lines, text.data, text.length);
	else
		lf_buffer_clean_up(&text);
	lf_input_clean_up(&input);
	lf_arena_clean_up(&arena);
	return error->code;
}

bool lf_single_is(const char *path, const ProtobufCMessageDescriptor *type)
{
	struct lf_lines lines = {.file = -1};
	struct lf_arena arena;
	const struct lf_watch watch = {.stop = -1, .output = -1};
	struct lf_error error = LF_ERROR_INIT;
	const char *text;
	size_t length;
	bool single = ends_with(path, ".yaml") || ends_with(path, ".yml") || ends_with(path, ".csv");
	const int file = single || !ends_with(path, ".json") ? -1 : open(path, O_RDONLY | O_CLOEXEC);

	if (file < 0)
		return single;
	lf_arena_init(&arena, ARENA_BYTES_MAX);
	lf_lines_init(&lines, file);
	single = lines.regular && lf_lines_next(&lines, true, &watch, &text, &length) == LF_LINE_GOT &&
		lf_text_parse(LF_FORMAT_JSON, type, text, length, &arena, &error) == NULL;
	lf_error_clean_up(&error);
	lf_arena_clean_up(&arena);
	lf_lines_clean_up(&lines);
	close(file);
	return single;
}
