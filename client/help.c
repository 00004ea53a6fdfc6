/* The pages that --help shows, made of the tables that the parser reads. */
#include <stdio.h>
#include <string.h>

#include "client/options.h"

enum { NAME_COLUMNS = 26, TEXT_COLUMNS = 100 };

/* "  NAME      text", the text wrapped under itself. */
static void print_entry(struct lf_buffer *out, const char *name, const char *text)
{
	char padded[NAME_COLUMNS + 64];
	snprintf(padded, sizeof(padded), "  %-*s", NAME_COLUMNS - 2, name);
	lf_buffer_append_text(out, padded);
	size_t column = strlen(padded);
	if (column > NAME_COLUMNS) {
		lf_buffer_append_text(out, " ");
		column++;
	}
	const char *space = "";
	while (*text != '\0') {
		const size_t length = strcspn(text, " ");
		if (column + strlen(space) + length > TEXT_COLUMNS) {
			snprintf(padded, sizeof(padded), "\n%*s", NAME_COLUMNS, "");
			lf_buffer_append_text(out, padded);
			column = NAME_COLUMNS;
			space = "";
		}
		lf_buffer_append_text(out, space);
		lf_buffer_append(out, text, length);
		column += strlen(space) + length;
		space = " ";
		text += length;
		text += *text == ' ';
	}
	lf_buffer_append_text(out, "\n");
}

static void print_options(struct lf_buffer *out, const char *title, const struct lf_option *options)
{
	if (options == NULL || options->name == NULL)
		return;
	lf_buffer_append_text(out, title);
	for (; options->name != NULL; options++) {
		char name[64];
		snprintf(name, sizeof(name), "--%s%s%s", options->name, options->value == NULL ? "" : " ",
			options->value == NULL ? "" : options->value);
		print_entry(out, name, options->help);
	}
}

static void print_command(struct lf_buffer *out, const struct lf_command *command)
{
	const bool optional = command->operand_min == 0;
	char usage[256];
	snprintf(usage, sizeof(usage), "Usage: leadfit %s%s%s%s%s\n\n", command->name,
		command->options->name == NULL ? "" : " [OPTION]...",
		command->operands[0] == '\0' ? ""
		: optional                   ? " ["
					     : " ",
		command->operands, command->operands[0] != '\0' && optional ? "]" : "");
	lf_buffer_append_text(out, usage);
	lf_buffer_append_text(out, command->summary);
	lf_buffer_append_text(out, ".\n");
	if (command->help[0] != '\0') {
		lf_buffer_append_text(out, "\n");
		lf_buffer_append_text(out, command->help);
	}
	print_options(out, "\nOptions:\n", command->options);
	print_options(out, "\nOptions of every command:\n", lf_global_options);
}

void lf_help_print(struct lf_buffer *out, const struct lf_command *const *commands, const struct lf_command *command)
{
	if (command != NULL) {
		print_command(out, command);
		return;
	}
	lf_buffer_append_text(out, "Usage: leadfit [OPTION]... COMMAND [ARGUMENT]...\n\n"
				   "Asks leadfitd who should lead a project, and why.\n\nCommands:\n");
	for (; *commands != NULL; commands++)
		print_entry(out, (*commands)->name, (*commands)->summary);
	print_options(out, "\nOptions, before or after the command:\n", lf_global_options);
	lf_buffer_append_text(out,
		"\nExit status: 0 done; 1 the answer is no; 2 bad usage or input; 3 the service can't be reached or\n"
		"is not ready; 4 refused. leadfit help COMMAND says more; so does leadfit(1).\n");
}

bool lf_help_print_group(struct lf_buffer *out, const struct lf_command *const *commands, const char *group)
{
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
		print_entry(out, name, (*commands)->summary);
	}
	return found;
}
