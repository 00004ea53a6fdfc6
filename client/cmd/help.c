/* leadfit help [COMMAND]. */
#include <stdio.h>
#include <string.h>

#include "client/cmd/commands.h"

static const struct lf_option no_options[] = {{NULL, NULL, NULL, false}};

static int run(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	char name[64] = "";
	const struct lf_command *command;
	struct lf_error error;

	if (arguments->operand_count == 0) {
		lf_help_print(&cli->page.text, cli->page.width, cli->commands, NULL);
		return LF_EXIT_DONE;
	}
	snprintf(name, sizeof(name), arguments->operand_count > 1 ? "%s %s" : "%s", arguments->operands[0],
		arguments->operand_count > 1 ? arguments->operands[1] : "");
	command = lf_command_find(cli->commands, name);
	if (command != NULL) {
		lf_help_print(&cli->page.text, cli->page.width, cli->commands, command);
		return LF_EXIT_DONE;
	}
	if (lf_help_print_group(&cli->page.text, cli->page.width, cli->commands, name))
		return LF_EXIT_DONE;
	error = (struct lf_error)LF_ERROR_INIT;
	lf_error_set(&error, LF_INVALID_ARGUMENT, "there is no command %s; leadfit help lists them", name);
	return lf_cli_report(cli, &error, NULL, 0);
}

const struct lf_command lf_command_help = {
	.name = "help",
	.operands = "COMMAND",
	.summary = "Say how the program, or a command, is used",
	.help = "",
	.options = no_options,
	.operand_max = 2,
	.run = run,
};
