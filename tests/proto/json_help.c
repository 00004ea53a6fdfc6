#include "json_help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/buffer.h"

enum { ARENA_BYTES = 64 * 1024 * 1024 };

void accepts(enum lf_format format, const ProtobufCMessageDescriptor *type, const char *text, const char *printed)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_buffer out = {.data = NULL};
	struct lf_arena arena;
	ProtobufCMessage *message;

	lf_arena_init(&arena, ARENA_BYTES);
	message = lf_text_parse(format, type, text, strlen(text), &arena, &error);
	if (message == NULL)
		fail_msg("%s\nwas refused: %s", text, error.message);
	assert_int_equal(error.code, LF_OK);
	assert_ptr_equal(message->descriptor, type);
	lf_json_print(message, &(struct lf_json_style){.pretty = false}, &out);
	assert_string_equal(out.data, printed);
	assert_int_equal(out.length, strlen(printed));
	lf_buffer_clean_up(&out);
	lf_arena_clean_up(&arena);
}

void refuses_bytes(enum lf_format format, const ProtobufCMessageDescriptor *type, const char *text, size_t length,
	const char *errors)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_buffer found = {.data = NULL};
	struct lf_arena arena;
	/* Of the exact size, so that a read past its end is found. */
	char *copy = malloc(length + !length);

	assert_non_null(copy);
	memcpy(copy, text, length);
	lf_arena_init(&arena, ARENA_BYTES);
	if (lf_text_parse(format, type, copy, length, &arena, &error) != NULL)
		fail_msg("%s\nwas accepted", text);
	assert_int_equal(error.code, LF_INVALID_ARGUMENT);
	assert_int_equal(error.violation_count, error.violation_kept);
	for (size_t i = 0; i < error.violation_kept; i++) {
		if (i)
			lf_buffer_append_text(&found, "\n");
		lf_buffer_append_text(&found, error.violations[i].field);
		lf_buffer_append_text(&found, ": ");
		lf_buffer_append_text(&found, error.violations[i].description);
	}
	assert_string_equal(error.violation_kept ? found.data : error.message, errors);
	lf_buffer_clean_up(&found);
	lf_error_clean_up(&error);
	lf_arena_clean_up(&arena);
	free(copy);
}

void refuses(enum lf_format format, const ProtobufCMessageDescriptor *type, const char *text, const char *errors)
{
	refuses_bytes(format, type, text, strlen(text), errors);
}

char *repeated(const char *before, const char *piece, size_t count, const char *after)
{
	struct lf_buffer text = {.data = NULL};

	lf_buffer_append_text(&text, before);
	for (size_t i = 0; i < count; i++)
		lf_buffer_append_text(&text, piece);
	lf_buffer_append_text(&text, after);
	assert_false(text.failed);
	return text.data;
}
