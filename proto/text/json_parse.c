/*
 * Text → tree → message.
 *
 * JSON in which nothing is unusual takes a shorter way (json_plain.c). All other is read by jansson. What it lacks is
 * done here: a pass over the text before it bounds depth and memory; and where it gives up at a duplicate key or at a
 * number that it has no type for, the text is read again by the YAML reader, which keeps both in the tree, so that the
 * mapper can name the path, and every other violation with it. The second reading decides nothing about syntax: that
 * jansson has done, or does then, with such numbers taken as doubles.
 */
#include <string.h>

#include "proto/text/json_internal.h"
#include "proto/base/limits.h"

static const char out_of_memory[] = "out of memory while reading a text";

static void fail_at(struct lf_error *error, const char *text, size_t offset, const char *what, unsigned limit)
{
	size_t line, column;

	lf_text_position(text, offset, &line, &column);
	lf_error_set(error, LF_INVALID_ARGUMENT, "%zu:%zu: %s %u", line, column, what, limit);
}

/* Offset of the quote that ends the string whose text starts at offset; length where there is none. */
static size_t string_end(const char *text, size_t length, size_t offset)
{
	while (offset < length && text[offset] != '"')
		offset += text[offset] == '\\' ? 2 : 1;
	return offset < length ? offset : length;
}

/* Depth and number of values, without regard to whether the text is JSON at all. */
static bool within_limits(const char *text, size_t length, struct lf_error *error)
{
	size_t depth = 0, values = 1; /* one, one for each comma, one for each container that is not empty (or is) */

	for (size_t i = 0; i < length; i++) {
		switch (text[i]) {
		case '"':
			i = string_end(text, length, i + 1);
			break;
		case '[':
		case '{':
			if (++depth > LF_JSON_DEPTH_MAX) {
				fail_at(error, text, i, "nested deeper than", LF_JSON_DEPTH_MAX);
				return false;
			}
			values++;
			break;
		case ']':
		case '}':
			depth -= depth > 0;
			break;
		case ',':
			values++;
			break;
		default:
			break;
		}
		if (values > LF_JSON_VALUES_MAX) {
			fail_at(error, text, i, "the number of values is above", LF_JSON_VALUES_MAX);
			return false;
		}
	}
	return true;
}

static bool is_blank(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (memchr(" \t\r\n", text[i], 4) == NULL)
			return false;
	}
	return true;
}

static void set_syntax_error(struct lf_error *error, const json_error_t *found)
{
	char clean[JSON_ERROR_TEXT_LENGTH] = "a NUL character is not allowed";

	if (json_error_code(found) != json_error_null_character)
		lf_clean_text(found->text, strlen(found->text), clean, sizeof(clean));
	lf_error_set(
		error, LF_INVALID_ARGUMENT, "%d:%d: %s", found->line, found->column > 0 ? found->column : 1, clean);
}

/* What the mapper finds in a text that jansson refused with found. */
static ProtobufCMessage *read_again(const ProtobufCMessageDescriptor *type, const char *text, size_t length,
	const json_error_t *found, struct lf_arena *arena, struct lf_error *error)
{
	struct lf_error ignored = LF_ERROR_INIT;
	ProtobufCMessage *message = NULL;
	json_error_t again;
	json_t *as_reals =
		json_loadb(text, length, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &again);
	bool is_json = as_reals != NULL;
	json_t *tree;

	json_decref(as_reals);
	if (!is_json && json_error_code(&again) != json_error_duplicate_key &&
		json_error_code(&again) != json_error_numeric_overflow) {
		set_syntax_error(error, &again);
		return NULL;
	}
	tree = lf_yaml_read(text, length, LF_FORMAT_JSON, &ignored);
	if (tree != NULL) {
		message = lf_tree_map(LF_FORMAT_JSON, type, tree, arena, &ignored);
		json_decref(tree);
	}
	/* Violations by path where there are any, else where jansson stopped. */
	if (message != NULL && is_json) {
		lf_error_clean_up(&ignored);
		return message;
	}
	if (tree != NULL && message == NULL)
		lf_error_move(error, &ignored);
	else
		set_syntax_error(error, found);
	lf_error_clean_up(&ignored);
	return NULL;
}

ProtobufCMessage *lf_json_read_tree(const ProtobufCMessageDescriptor *type, const char *text, size_t length,
	struct lf_arena *arena, struct lf_error *error)
{
	json_error_t found;
	json_t *tree;

	if (is_blank(text, length)) {
		lf_error_set(error, LF_INVALID_ARGUMENT, "the text is empty: a %s is expected", type->short_name);
		return NULL;
	}
	if (!within_limits(text, length, error))
		return NULL;
	tree = json_loadb(text, length, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &found);
	if (tree != NULL) {
		ProtobufCMessage *message = lf_tree_map(LF_FORMAT_JSON, type, tree, arena, error);

		json_decref(tree);
		return message;
	}
	switch (json_error_code(&found)) {
	case json_error_out_of_memory:
		lf_error_set(error, LF_RESOURCE_EXHAUSTED, "%s", out_of_memory);
		break;
	case json_error_duplicate_key:
	case json_error_numeric_overflow:
		return read_again(type, text, length, &found, arena, error);
	default:
		set_syntax_error(error, &found);
		break;
	}
	return NULL;
}

ProtobufCMessage *lf_text_parse(enum lf_format format, const ProtobufCMessageDescriptor *type, const char *text,
	size_t length, struct lf_arena *arena, struct lf_error *error)
{
	json_t *tree;
	ProtobufCMessage *message;

	if (length > LF_MESSAGE_BYTES_MAX) {
		lf_error_set(error, LF_INVALID_ARGUMENT, "the text has %zu bytes; at most %d are allowed", length,
			LF_MESSAGE_BYTES_MAX);
		return NULL;
	}
	if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark, as some editors write */
		text += 3;
		length -= 3;
	}
	if (format == LF_FORMAT_JSON) {
		ProtobufCMessage *plain = lf_json_read_plain(type, text, length, arena);

		return plain != NULL ? plain : lf_json_read_tree(type, text, length, arena, error);
	}
	tree = lf_yaml_read(text, length, LF_FORMAT_YAML, error);
	if (tree == NULL)
		return NULL;
	message = lf_tree_map(LF_FORMAT_YAML, type, tree, arena, error);
	json_decref(tree);
	return message;
}
