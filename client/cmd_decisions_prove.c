/* leadfit decisions prove, leadfit decisions verify-proof. */
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

const struct lf_command lf_command_decisions_prove = {
	.name = "decisions prove",
	.operands = "ID",
	.summary = "Prove that a decision is in the log, in one file that is checked offline",
	.help = "",
	.options = no_options,
	.operand_max = 1,
	.run = run_not_yet,
};

const struct lf_command lf_command_decisions_verify_proof = {
	.name = "decisions verify-proof",
	.operands = "FILE",
	.summary = "Check such a proof, offline",
	.help = "",
	.options = no_options,
	.operand_max = 1,
	.run = run_not_yet,
};
