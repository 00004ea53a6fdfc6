/* leadfit: the command line client. The table of its commands, and the way from the command line to one of them. */
#include <stdio.h>

#include "client/cmd/commands.h"

static const struct lf_command *const commands[] = {&lf_command_score, &lf_command_batch, &lf_command_profile,
	&lf_command_convert, &lf_command_decisions_list, &lf_command_decisions_show, &lf_command_decisions_verify,
	&lf_command_decisions_prove, &lf_command_decisions_verify_proof, &lf_command_decisions_replay,
	&lf_command_decisions_outcome, &lf_command_decisions_report, &lf_command_decisions_erase,
	&lf_command_decisions_export, &lf_command_decisions_watch, &lf_command_audit_access, &lf_command_audit_impact,
	&lf_command_rubric_check, &lf_command_rubric_list, &lf_command_rubric_show, &lf_command_rubric_explain,
	&lf_command_rubric_diff, &lf_command_rubric_fmt, &lf_command_rubric_weights, &lf_command_rubric_test,
	&lf_command_rubric_put, &lf_command_rubric_activate, &lf_command_rubric_deactivate, &lf_command_rubric_default,
	&lf_command_rubric_history, &lf_command_rubric_backtest, &lf_command_backup, &lf_command_retention,
	&lf_command_jobs_list, &lf_command_jobs_show, &lf_command_call, &lf_command_health, &lf_command_version,
	&lf_command_token, &lf_command_help, NULL};

/* Runs the command, or shows help. */
static int run(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	const bool help = lf_argument(arguments, "help") != NULL;

	if (help && arguments->command == NULL && arguments->operand_count > 0) {
		lf_help_print_group(&cli->page.text, cli->page.width, cli->commands, arguments->operands[0]);
		return LF_EXIT_DONE;
	}
	if (help) {
		lf_help_print(&cli->page.text, cli->page.width, cli->commands, arguments->command);
		return LF_EXIT_DONE;
	}
	if (arguments->command == NULL && lf_argument(arguments, "version") != NULL)
		return lf_command_version.run(cli, arguments);
	if (arguments->command == NULL) {
		struct lf_buffer text = {0};

		lf_help_print(&text, cli->page.width, cli->commands, NULL);
		fputs(text.data == NULL ? "leadfit: no command\n" : text.data, stderr);
		lf_buffer_clean_up(&text);
		return LF_EXIT_USAGE;
	}
	return arguments->command->run(cli, arguments);
}

int main(int argc, char **argv)
{
	struct lf_cli cli = {.commands = commands};
	struct lf_arguments arguments;
	struct lf_error error = LF_ERROR_INIT;
	int status;

	lf_process_begin();
	if (lf_arguments_parse(&arguments, commands, argc, argv, &error) != LF_OK ||
		lf_cli_begin(&cli, &arguments, &error) != LF_OK)
		status = lf_cli_usage_error(&cli, &arguments, &error);
	else
		status = lf_cli_finish(&cli, run(&cli, &arguments));
	lf_cli_clean_up(&cli);
	lf_arguments_clean_up(&arguments);
	lf_error_clean_up(&error);
	return status;
}
