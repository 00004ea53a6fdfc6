/* In which of YAML's styles a text is read back as it is. */
#include <string.h>
#include <strings.h>

#include "proto/text/json_internal.h"

/*
 * Characters that YAML does not take as they are, or that a reader would not see: those that lf_json_print_string()
 * escapes.
 */
static bool has_odd_character(const char *text, bool but_line_ends)
{
	for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
		if (*c == '\n' && but_line_ends)
			continue;
		if (*c < 0x20 || *c == 0x7f || lf_needless_escape((const char *)c) != 0)
			return true;
	}
	return false;
}

bool lf_yaml_is_plain(const char *text, bool flow)
{
	const size_t length = strlen(text);

	if (length == 0 || strchr(" -?:,[]{}#&*!|>'\"%@`=<.", text[0]) != NULL || text[length - 1] == ' ' ||
		text[length - 1] == ':' || has_odd_character(text, false))
		return false;
	if (strcmp(text, "~") == 0 || strcasecmp(text, "null") == 0)
		return false;
	if (strstr(text, ": ") != NULL || strstr(text, " #") != NULL)
		return false;
	return !flow || text[strcspn(text, ",[]{}?:")] == '\0';
}

bool lf_yaml_is_foldable(const char *text)
{
	const size_t length = strlen(text);

	return length > 0 && text[0] != ' ' && text[length - 1] != ' ' && strstr(text, "  ") == NULL &&
		!has_odd_character(text, false);
}

bool lf_yaml_is_literal(const char *text)
{
	const size_t length = strlen(text);

	if (length < 2 || text[0] == ' ' || text[0] == '\n' || has_odd_character(text, true) ||
		strchr(text, '\n') == NULL || (text[length - 1] == '\n' && text[length - 2] == '\n'))
		return false;
	for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
		char end;

		line += *line == '\n';
		end = line[strspn(line, " ")];
		if (*line == ' ' && (end == '\n' || end == '\0'))
			return false;
	}
	return true;
}
