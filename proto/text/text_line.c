/*
 * Where a path stands in a text. Only an error needs it, so that nothing about positions is kept while parsing: the
 * text is walked again by libyaml's events, which read JSON too, up to the place sought.
 */
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "proto/text/json.h"

/* One step of a path: .name, ["key"] or [3]. */
struct step {
	const char *name; /* NULL: an index */
	size_t length;
	size_t index;
	bool exact; /* a key of a map, not the name of a field */
};

/* Cuts the first step off path. false where path is empty or is none. */
static bool take_step(const char **path, struct step *step)
{
	const char *at = *path, *end;

	*step = (struct step){.name = NULL};
	if (at[0] == '[' && at[1] == '"') {
		end = strstr(at + 2, "\"]");
		if (end == NULL)
			return false;
		step->name = at + 2;
		step->length = (size_t)(end - step->name);
		step->exact = true;
		*path = end + 2;
		return true;
	}
	if (*at == '[') {
		char *digits_end;

		step->index = strtoul(at + 1, &digits_end, 10);
		if (digits_end == at + 1 || *digits_end != ']')
			return false;
		*path = digits_end + 1;
		return true;
	}
	at += *at == '.';
	step->name = at;
	step->length = strcspn(at, ".[");
	*path = at + step->length;
	return step->length > 0;
}

/* Whether key is name, in snake_case or lowerCamelCase. */
static bool same_name(const struct step *step, const char *key)
{
	size_t i = 0;

	if (step->exact)
		return strlen(key) == step->length && memcmp(key, step->name, step->length) == 0;
	for (;; i++, key++) {
		while (i < step->length && step->name[i] == '_')
			i++;
		while (*key == '_')
			key++;
		if (i == step->length || *key == '\0')
			return i == step->length && *key == '\0';
		if ((step->name[i] | 0x20) != (*key | 0x20))
			return false;
	}
}

/* The rest of the node that starts with event. false at the text's end, or where it stops being YAML. */
static bool skip(yaml_parser_t *parser, yaml_event_type_t type)
{
	size_t depth = 0;
	yaml_event_t event;

	for (;;) {
		if (type == YAML_SEQUENCE_START_EVENT || type == YAML_MAPPING_START_EVENT)
			depth++;
		else if (type == YAML_SEQUENCE_END_EVENT || type == YAML_MAPPING_END_EVENT)
			depth--;
		if (!depth)
			return true;
		if (!yaml_parser_parse(parser, &event))
			return false;
		type = event.type;
		yaml_event_delete(&event);
		if (type == YAML_STREAM_END_EVENT)
			return false;
	}
}

/*
 * Goes into the container of this type as far as the child that step names. Sets *type to that of the child's first
 * event and *line to where the child stands. false where there is no such child.
 */
static bool enter(yaml_parser_t *parser, yaml_event_type_t *type, const struct step *step, size_t *line)
{
	bool object = *type == YAML_MAPPING_START_EVENT;
	yaml_event_t event;

	if ((!object && *type != YAML_SEQUENCE_START_EVENT) || object != (step->name != NULL))
		return false;
	for (size_t i = 0;; i++) {
		yaml_event_type_t child;
		size_t child_line;
		bool found;

		if (!yaml_parser_parse(parser, &event))
			return false;
		child = event.type;
		child_line = event.start_mark.line + 1;
		found = object ? child == YAML_SCALAR_EVENT && same_name(step, (const char *)event.data.scalar.value)
			       : i == step->index;
		yaml_event_delete(&event);
		if (child == YAML_MAPPING_END_EVENT || child == YAML_SEQUENCE_END_EVENT)
			return false;
		if (object) {
			if (!skip(parser, child) || !yaml_parser_parse(parser, &event))
				return false;
			child = event.type;
			yaml_event_delete(&event);
		}
		if (found) {
			*type = child;
			*line = child_line;
			return true;
		}
		if (!skip(parser, child))
			return false;
	}
}

static size_t find(yaml_parser_t *parser, const char *path)
{
	yaml_event_type_t type = YAML_NO_EVENT;
	struct step step;
	yaml_event_t event;
	size_t line = 0;

	while (type != YAML_MAPPING_START_EVENT && type != YAML_SEQUENCE_START_EVENT) {
		if (!yaml_parser_parse(parser, &event))
			return 0;
		type = event.type;
		yaml_event_delete(&event);
		if (type == YAML_SCALAR_EVENT || type == YAML_ALIAS_EVENT || type == YAML_STREAM_END_EVENT)
			return 0;
	}
	while (take_step(&path, &step)) {
		if (!enter(parser, &type, &step, &line))
			break;
	}
	return line;
}

/*
 * JSON that libyaml would stumble over, in a copy of the same length: escaped surrogates become \ufffd, and tabs, which
 * JSON has only between tokens, spaces.
 */
static void make_readable(char *text, size_t length)
{
	size_t start = strspn(text, " \t\r\n");
	bool json = text[start] == '{' || text[start] == '[';

	for (size_t i = 0; json && i + 1 < length; i++) {
		if (text[i] == '\t')
			text[i] = ' ';
		if (text[i] != '\\')
			continue;
		if (text[i + 1] == 'u' && length - i > 5 && (text[i + 2] == 'd' || text[i + 2] == 'D') &&
			text[i + 3] >= '8')
			memcpy(text + i + 2, "fffd", 4);
		i++;
	}
}

size_t lf_text_line_of(const char *text, size_t length, const char *path)
{
	yaml_parser_t parser;
	size_t line = 0;
	char *copy = malloc(length + 1);

	if (copy == NULL)
		return 0;
	memcpy(copy, text, length);
	copy[length] = '\0';
	make_readable(copy, length);
	if (yaml_parser_initialize(&parser)) {
		yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
		yaml_parser_set_input_string(&parser, (const unsigned char *)copy, length);
		line = find(&parser, path);
		yaml_parser_delete(&parser);
	}
	free(copy);
	return line;
}
