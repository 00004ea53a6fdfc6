/* leadfit convert: a team's file as it is understood, as YAML. */
#include "client/cmd/commands.h"
#include "client/given/team_file.h"
#include "proto/text/json.h"

static const struct lf_option options[] = {
	{"rubric", "NAME|FILE", "whose names for disciplines, sources and criteria count (default: the default rubric)",
		false},
	LF_TEAM_OPTIONS,
	{"ignore-undeclared", NULL, "leave out columns that are not known; take names as they stand", false},
	{NULL, NULL, NULL, false},
};

/* One of several is a line, as a batch takes it, or a document of its own. */
static void print(struct lf_cli *cli, const Leadfit__V1__Team *team, size_t count)
{
	const struct lf_json_style line = {0};

	if (cli->json && count == 1) {
		lf_cli_json(cli, &team->base);
	} else if (cli->json) {
		lf_json_print(&team->base, &line, &cli->page.text);
		lf_buffer_append_text(&cli->page.text, "\n");
	} else {
		lf_buffer_append_text(&cli->page.text, count > 1 ? "---\n" : "");
		lf_yaml_print(&team->base, &cli->page.text);
	}
}

static int run(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	struct lf_input input = {0};
	struct lf_arena arena;
	struct lf_error error = LF_ERROR_INIT;
	const struct lf_source sources[] = {{.prefix = "", .input = &input}};
	Leadfit__V1__Team **teams;
	size_t count = 0;
	int status = LF_EXIT_DONE;

	lf_arena_init(&arena, LF_ARENA_BYTES_MAX);
	teams = lf_teams_read(cli, arguments, arguments->operands[0], lf_argument(arguments, "rubric"), &count, &input,
		&arena, &error);
	if (teams == NULL)
		status = lf_cli_report(cli, &error, sources, 1);
	for (size_t i = 0; teams != NULL && i < count; i++)
		print(cli, teams[i], count);
	lf_arena_clean_up(&arena);
	lf_input_clean_up(&input);
	lf_error_clean_up(&error);
	return status;
}

const struct lf_command lf_command_convert = {
	.name = "convert",
	.operands = "FILE",
	.summary = "Show what is understood of a team's spreadsheet, as YAML",
	.help = "FILE is a team as .xlsx, .ods, or CSV as Excel, Google Sheets, LibreOffice and HR systems write\n"
		"it, or as YAML or JSON; - is standard input. One row is one piece of evidence, or one person with a "
		"column for each\n"
		"criterion. What can't be understood is named by its cell, with what is expected there. Nothing is\n"
		"stored. The names of disciplines, sources and criteria are those of a rubric: the service's, or\n"
		"that of --rubric FILE, which needs no service.\n"
		"A sheet with a column \"team\" has several teams: with --output json each is a line, as batch takes "
		"it.\n\n"
		"Examples:\n"
		"  leadfit convert team.csv\n"
		"  leadfit convert hr-export.csv --date-format DD.MM.YYYY >team.yaml\n"
		"  leadfit convert teams.csv --output json >teams.ndjson\n"
		"  leadfit convert skills.csv --rubric tech-lead.yaml --output json\n",
	.options = options,
	.operand_min = 1,
	.operand_max = 1,
	.run = run,
};
