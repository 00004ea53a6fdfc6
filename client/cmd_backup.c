/* leadfit backup. */
#include <stdio.h>

#include "client/cli.h"

static const struct lf_option no_options[] = {{NULL, NULL, NULL, false}};

static int run_not_yet(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	(void)cli;
	(void)arguments;
	fputs("leadfit: not yet\n", stderr);
	return LF_EXIT_USAGE;
}

const struct lf_command lf_command_backup = {
	.name = "backup",
	.operands = "FILE",
	.summary = "Copy the log while the service works",
	.help = "",
	.options = no_options,
	.operand_max = 1,
	.run = run_not_yet,
};
