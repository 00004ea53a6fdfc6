/*
 * YAML → tree, by libyaml's events, strictly: one document; no anchors, aliases, tags or directives; keys are scalars.
 * libyaml itself does not recurse, and this reader no deeper than LF_JSON_DEPTH_MAX.
 */
#include <string.h>
#include <yaml.h>

#include "proto/text/json_internal.h"
#include "proto/base/limits.h"

struct reader {
	yaml_parser_t parser;
	enum lf_format dialect;
	const char *text;
	size_t length, values;
	struct lf_error *error;
};

static void fail_at(struct reader *reader, const yaml_mark_t *mark, const char *what)
{
	lf_error_set(reader->error, LF_INVALID_ARGUMENT, "%zu:%zu: %s", mark->line + 1, mark->column + 1, what);
}

static void out_of_memory(struct reader *reader)
{
	lf_error_set(reader->error, LF_RESOURCE_EXHAUSTED, "out of memory while reading a text");
}

/* Whether the parser stumbled over a tab among the blanks that begin a line. */
static bool tab_indents(const struct reader *reader, const yaml_mark_t *mark)
{
	const char *text = reader->text, *end = text + reader->length;

	for (size_t line = mark->line; line > 0 && text != NULL; line--) {
		text = memchr(text, '\n', (size_t)(end - text));
		text = text == NULL ? NULL : text + 1;
	}
	if (text == NULL || mark->column >= (size_t)(end - text) || text[mark->column] != '\t')
		return false;
	for (size_t i = 0; i < mark->column; i++)
		if (text[i] != ' ')
			return false;
	return true;
}

static void set_parser_error(struct reader *reader)
{
	const yaml_parser_t *parser = &reader->parser;
	const char *problem = parser->problem != NULL ? parser->problem : "bad YAML";
	size_t line, column;

	if (parser->error == YAML_MEMORY_ERROR) {
		out_of_memory(reader);
	} else if (parser->error == YAML_READER_ERROR) {
		lf_text_position(reader->text, parser->problem_offset, &line, &column);
		lf_error_set(reader->error, LF_INVALID_ARGUMENT, "%zu:%zu: %s", line, column, problem);
	} else if (tab_indents(reader, &parser->problem_mark)) {
		lf_error_set(reader->error, LF_INVALID_ARGUMENT,
			"%zu:%zu: a tab indents this line; YAML allows only spaces there",
			parser->problem_mark.line + 1, parser->problem_mark.column + 1);
	} else {
		lf_error_set(reader->error, LF_INVALID_ARGUMENT, "%zu:%zu: %s%s%s", parser->problem_mark.line + 1,
			parser->problem_mark.column + 1, problem, parser->context != NULL ? ", " : "",
			parser->context != NULL ? parser->context : "");
	}
}

static bool next(struct reader *reader, yaml_event_t *event)
{
	if (yaml_parser_parse(&reader->parser, event))
		return true;
	set_parser_error(reader);
	return false;
}

/* What an event may not carry, NULL where it is plain. */
static const char *forbidden(const yaml_event_t *event)
{
	static const char anchor[] = "anchors (&name) are not allowed", tag[] = "tags (!name) are not allowed";

	switch (event->type) {
	case YAML_ALIAS_EVENT:
		return "aliases (*name) are not allowed; quote a text that starts with *";
	case YAML_SCALAR_EVENT:
		if (strlen((const char *)event->data.scalar.value) != event->data.scalar.length)
			return "a NUL character is not allowed";
		return event->data.scalar.anchor != NULL ? anchor : event->data.scalar.tag != NULL ? tag : NULL;
	case YAML_SEQUENCE_START_EVENT:
		return event->data.sequence_start.anchor != NULL ? anchor
			: event->data.sequence_start.tag != NULL ? tag
								 : NULL;
	case YAML_MAPPING_START_EVENT:
		return event->data.mapping_start.anchor != NULL ? anchor
			: event->data.mapping_start.tag != NULL ? tag
								: NULL;
	default:
		return NULL;
	}
}

/* A plain scalar keeps libyaml's final NUL: that is the mark of a bare one. */
static json_t *scalar(const struct reader *reader, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t length = event->data.scalar.length;

	if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return json_stringn_nocheck(text, length);
	if (reader->dialect == LF_FORMAT_JSON) {
		if (strcmp(text, "null") == 0)
			return json_null();
		if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
			return json_boolean(*text == 't');
	}
	return json_stringn_nocheck(text, length + 1);
}

static json_t *read_node(struct reader *reader, yaml_event_t *event, unsigned depth);

static bool read_element(struct reader *reader, yaml_event_t *event, json_t *list, unsigned depth)
{
	json_t *value = read_node(reader, event, depth);

	if (value == NULL)
		return false;
	if (json_array_append_new(list, value) == 0)
		return true;
	out_of_memory(reader);
	return false;
}

/* event is the key's. */
static bool read_member(struct reader *reader, yaml_event_t *event, json_t *object, unsigned depth)
{
	yaml_event_t value_event;
	const char *wrong = forbidden(event);
	const char *key = (const char *)event->data.scalar.value;
	size_t length = event->data.scalar.length;
	json_t *value;

	if (wrong == NULL && event->type != YAML_SCALAR_EVENT)
		wrong = "a key is one plain or quoted text";
	if (wrong != NULL) {
		fail_at(reader, &event->start_mark, wrong);
		return false;
	}
	if (!next(reader, &value_event))
		return false;
	value = read_node(reader, &value_event, depth);
	yaml_event_delete(&value_event);
	if (value == NULL)
		return false;
	/* A second one goes in under the key with its final NUL, for the mapper to report by path. */
	length += json_object_getn(object, key, length) != NULL;
	if (json_object_setn_new_nocheck(object, key, length, value) == 0)
		return true;
	out_of_memory(reader);
	return false;
}

/* The elements or members up to end, into list or object. */
static json_t *read_children(struct reader *reader, json_t *container, yaml_event_type_t end, unsigned depth)
{
	yaml_event_t event;

	if (container == NULL) {
		out_of_memory(reader);
		return NULL;
	}
	for (;;) {
		bool ended, read;

		if (!next(reader, &event))
			break;
		ended = event.type == end;
		read = ended ||
			(end == YAML_MAPPING_END_EVENT ? read_member(reader, &event, container, depth)
						       : read_element(reader, &event, container, depth));
		yaml_event_delete(&event);
		if (ended)
			return container;
		if (!read)
			break;
	}
	json_decref(container);
	return NULL;
}

/* depth: of the containers around this node. */
static json_t *read_node(struct reader *reader, yaml_event_t *event, unsigned depth)
{
	const char *wrong = forbidden(event);
	json_t *value;
	char text[64];

	if (wrong != NULL) {
		fail_at(reader, &event->start_mark, wrong);
		return NULL;
	}
	if (++reader->values > LF_JSON_VALUES_MAX) {
		snprintf(text, sizeof(text), "the number of values is above %d", LF_JSON_VALUES_MAX);
		fail_at(reader, &event->start_mark, text);
		return NULL;
	}
	if (event->type == YAML_SCALAR_EVENT) {
		value = scalar(reader, event);
		if (value == NULL)
			out_of_memory(reader);
		return value;
	}
	if (depth >= LF_JSON_DEPTH_MAX) {
		snprintf(text, sizeof(text), "nested deeper than %d", LF_JSON_DEPTH_MAX);
		fail_at(reader, &event->start_mark, text);
		return NULL;
	}
	if (event->type == YAML_SEQUENCE_START_EVENT)
		return read_children(reader, json_array(), YAML_SEQUENCE_END_EVENT, depth + 1);
	return read_children(reader, json_object(), YAML_MAPPING_END_EVENT, depth + 1);
}

/* Takes the next event, which is of this type unless there is an error or another document. */
static bool expect(struct reader *reader, yaml_event_type_t type, const char *otherwise)
{
	yaml_event_t event;
	const char *wrong = NULL;

	if (!next(reader, &event))
		return false;
	if (event.type != type)
		wrong = otherwise;
	else if (type == YAML_DOCUMENT_START_EVENT &&
		event.data.document_start.tag_directives.start != event.data.document_start.tag_directives.end)
		wrong = "directives (%TAG) are not allowed";
	if (wrong != NULL)
		fail_at(reader, &event.start_mark, wrong);
	yaml_event_delete(&event);
	return wrong == NULL;
}

static json_t *read_document(struct reader *reader)
{
	yaml_event_t event;
	json_t *tree;

	if (!expect(reader, YAML_STREAM_START_EVENT, "bad YAML") ||
		!expect(reader, YAML_DOCUMENT_START_EVENT, "the text is empty") || !next(reader, &event))
		return NULL;
	tree = read_node(reader, &event, 0);
	yaml_event_delete(&event);
	if (tree != NULL && expect(reader, YAML_DOCUMENT_END_EVENT, "bad YAML") &&
		expect(reader, YAML_STREAM_END_EVENT, "a second document starts here; only one is allowed"))
		return tree;
	json_decref(tree);
	return NULL;
}

json_t *lf_yaml_read(const char *text, size_t length, enum lf_format dialect, struct lf_error *error)
{
	struct reader reader = {.dialect = dialect, .text = text, .length = length, .error = error};
	json_t *tree;

	if (!yaml_parser_initialize(&reader.parser)) {
		out_of_memory(&reader);
		return NULL;
	}
	/* Said, not guessed: else a byte order mark could make it UTF-16. */
	yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, length);
	tree = read_document(&reader);
	yaml_parser_delete(&reader.parser);
	return tree;
}
