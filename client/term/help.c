/* The pages that --help shows, made of the tables that the parser reads. */
#include <stdio.h>
#include <string.h>

#include "client/term/options.h"
#include "proto/base/buffer.h"

enum { NAME_COLUMNS = 26, TEXT_COLUMNS_MIN = 20, TEXT_COLUMNS_MAX = 100 };

/* Where a page goes. */
struct help {
	struct lf_buffer *out;
	size_t columns;
};

static struct help help_begin(struct lf_buffer *out, size_t columns)
{
	const size_t least = NAME_COLUMNS + TEXT_COLUMNS_MIN;

	return (struct help){out, columns > TEXT_COLUMNS_MAX ? TEXT_COLUMNS_MAX : columns < least ? least : columns};
}

/* Words in lines: the first goes on at column, the others begin at indent. Spaces and line ends part words. */
static void print_words(const struct help *help, size_t column, size_t indent, const char *text, size_t text_length)
{
	const char *end = text + text_length, *space = "";

	while (text < end) {
		size_t length = strcspn(text, " \n");

		length = length < (size_t)(end - text) ? length : (size_t)(end - text);
		if (column + strlen(space) + length > help->columns && column > indent) {
			char line[NAME_COLUMNS + 2];

			snprintf(line, sizeof(line), "\n%*s", (int)indent, "");
			lf_buffer_append_text(help->out, line);
			column = indent;
			space = "";
		}
		lf_buffer_append_text(help->out, space);
		lf_buffer_append(help->out, text, length);
		column += strlen(space) + length;
		space = " ";
		text += length + 1;
	}
	lf_buffer_append_text(help->out, "\n");
}

/* "  NAME      text", the text wrapped under itself. */
static void print_entry(const struct help *help, const char *name, const char *text)
{
	char padded[NAME_COLUMNS + 64];

	snprintf(padded, sizeof(padded), "  %-*s%s", NAME_COLUMNS - 2, name,
		strlen(name) >= NAME_COLUMNS - 2 ? " " : "");
	lf_buffer_append_text(help->out, padded);
	print_words(help, strlen(padded), NAME_COLUMNS, text, strlen(text));
}

/* Length of the paragraph that begins at text: up to an empty line, an indented one, or a sentence about the exit
 * status. */
static size_t paragraph_length(const char *text)
{
	size_t length = strcspn(text, "\n");

	while (length > 0 && text[length] == '\n' && text[length + 1] != '\0' && text[length + 1] != '\n' &&
		text[length + 1] != ' ' && strncmp(text + length + 1, "Exit status", 11) != 0)
		length += 1 + strcspn(text + length + 1, "\n");
	return length;
}

/* Paragraphs are wrapped; indented lines stay as they are. */
static void print_text(const struct help *help, const char *text)
{
	while (*text != '\0') {
		const bool indented = *text == ' ';
		const size_t length = indented ? strcspn(text, "\n") : paragraph_length(text);

		if (indented) {
			lf_buffer_append(help->out, text, length);
			lf_buffer_append_text(help->out, "\n");
		} else {
			print_words(help, 0, 0, text, length);
		}
		text += length;
		text += *text == '\n';
	}
}

static void print_options(const struct help *help, const char *title, const struct lf_option *options)
{
	if (options == NULL || options->name == NULL)
		return;
	lf_buffer_append_text(help->out, title);
	for (; options->name != NULL; options++) {
		char name[64];

		snprintf(name, sizeof(name), "--%s%s%s", options->name, options->value == NULL ? "" : " ",
			options->value == NULL ? "" : options->value);
		print_entry(help, name, options->help);
	}
}

static void print_command(const struct help *help, const struct lf_command *command)
{
	const bool optional = command->operand_min == 0;
	char usage[256];

	snprintf(usage, sizeof(usage), "Usage: leadfit %s%s%s%s%s\n\n", command->name,
		command->options->name == NULL ? "" : " [OPTION]...",
		command->operands[0] == '\0' ? ""
			: optional           ? " ["
					     : " ",
		command->operands, command->operands[0] != '\0' && optional ? "]" : "");
	lf_buffer_append_text(help->out, usage);
	snprintf(usage, sizeof(usage), "%s.", command->summary);
	print_text(help, usage);
	if (command->help[0] != '\0') {
		lf_buffer_append_text(help->out, "\n");
		print_text(help, command->help);
	}
	print_options(help, "\nOptions:\n", command->options);
	print_options(help, "\nOptions of every command:\n", lf_global_options);
}

void lf_help_print(struct lf_buffer *out, size_t columns, const struct lf_command *const *commands,
	const struct lf_command *command)
{
	const struct help help = help_begin(out, columns);

	if (command != NULL) {
		print_command(&help, command);
		return;
	}
	lf_buffer_append_text(out,
		"Usage: leadfit [OPTION]... COMMAND [ARGUMENT]...\n\n"
		"Asks leadfitd who should lead a project, and why.\n\nCommands:\n");
	for (; *commands != NULL; commands++)
		print_entry(&help, (*commands)->name, (*commands)->summary);
	print_options(&help, "\nOptions, before or after the command:\n", lf_global_options);
	lf_buffer_append_text(out, "\n");
	print_text(&help,
		"Exit status: 0 done; 1 the answer is no; 2 bad usage or input; 3 the service can't be "
		"reached or is not ready; "
		"4 refused. leadfit help COMMAND says more; so does leadfit(1).");
}

bool lf_help_print_group(
	struct lf_buffer *out, size_t columns, const struct lf_command *const *commands, const char *group)
{
	const struct help help = help_begin(out, columns);
	const size_t length = strlen(group);
	bool found = false;

	for (; *commands != NULL; commands++) {
		const char *name = (*commands)->name;

		if (strncmp(name, group, length) != 0 || name[length] != ' ')
			continue;
		if (!found) {
			lf_buffer_append_text(out, "Usage: leadfit ");
			lf_buffer_append_text(out, group);
			lf_buffer_append_text(out, " COMMAND [ARGUMENT]...\n\nCommands:\n");
		}
		found = true;
		print_entry(&help, name, (*commands)->summary);
	}
	return found;
}
