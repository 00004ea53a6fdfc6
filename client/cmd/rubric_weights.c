/* leadfit rubric weights: from what people think counts how much to weights that a rubric takes. */
#include "client/cmd/commands.h"
#include "client/calc/judgement.h"
#include "client/views/judgement_page.h"

enum { ARENA_BYTES_MAX = 64 * 1024 * 1024 };

static const struct lf_option no_options[] = {{NULL, NULL, NULL, false}};

static void show(struct lf_cli *cli, const struct lf_judgement *judgement, struct lf_arena *arena)
{
	if (cli->json)
		lf_judgement_json(&cli->page.text, judgement);
	else
		lf_judgement_print(&cli->page, judgement, arena);
}

static int run_weights(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	struct lf_input input = {0};
	const struct lf_source sources[] = {{.prefix = "", .input = &input}};
	struct lf_judgement judgement;
	struct lf_arena arena;
	struct lf_error error = LF_ERROR_INIT;
	int status = LF_EXIT_DONE;

	lf_arena_init(&arena, ARENA_BYTES_MAX);
	if (lf_input_read(&input, arguments->operands[0], false, &error) != LF_OK) {
		status = lf_cli_report(cli, &error, NULL, 0);
	} else {
		const Leadfit__V1__Judgement *message = (const Leadfit__V1__Judgement *)lf_input_parse(
			&input, &leadfit__v1__judgement__descriptor, NULL, &arena, &error);

		if (message != NULL && lf_judgement_evaluate(&judgement, message, &arena, &error) == LF_OK)
			show(cli, &judgement, &arena);
		else
			status = lf_cli_report(cli, &error, sources, 1);
	}
	lf_arena_clean_up(&arena);
	lf_input_clean_up(&input);
	lf_error_clean_up(&error);
	return status;
}

const struct lf_command lf_command_rubric_weights = {
	.name = "rubric weights",
	.operands = "FILE",
	.summary = "Make weights of what people think counts how much; needs no service",
	.help = "FILE (YAML or JSON) has either comparisons of every pair of criteria, how many times as\n"
		"important a is as b:\n"
		"  criteria: [experience, education, age]\n"
		"  comparisons:\n"
		"    - {a: experience, b: education, ratio: 4}\n"
		"    - {a: experience, b: age, ratio: 7}\n"
		"    - {a: age, b: education, ratio: 1/3}\n"
		"or points, on any scale:\n"
		"  direct: {experience: 50, education: 30, age: 20}\n"
		"Of comparisons the weights are the principal eigenvector (analytic hierarchy process), and the\n"
		"consistency ratio says how far they contradict each other: above 0.1 they had better be thought\n"
		"over. Below stand the weights as a rubric takes them.\n\n"
		"Example:\n"
		"  leadfit rubric weights judgement.yaml\n",
	.options = no_options,
	.operand_min = 1,
	.operand_max = 1,
	.run = run_weights,
};
