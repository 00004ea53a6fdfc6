/* leadfit profile: which discipline a project calls for, before there are candidates. */
#include <string.h>

#include "client/cmd/commands.h"
#include "client/given/team_file.h"
#include "client/views/decision.h"
#include "client/views/profile_page.h"
#include "proto/base/limits.h"

static const struct lf_option options[] = {
	{"project", "FILE", "the project: YAML or JSON; - is standard input (required)", false},
	{"team", "FILE", "a team whose division of labour counts: YAML, JSON, CSV, .xlsx or .ods; - is standard input",
		false},
	{"rubric", "NAME", "the rubric to go by (default: the default rubric)", false},
	{"ignore-undeclared", NULL, "leave out what the rubric does not declare, and list it", false},
	LF_TEAM_OPTIONS,
	{NULL, NULL, NULL, false},
};

struct job {
	struct lf_input team_file, project_file;
	struct lf_arena arena;
	Leadfit__V1__ProfileRequest request;
	struct lf_error error;
};

static enum lf_code read_files(
	struct lf_cli *cli, struct job *job, const struct lf_arguments *arguments, struct lf_source *source)
{
	const char *team = lf_argument(arguments, "team"), *project = lf_argument(arguments, "project");
	struct lf_error *error = &job->error;
	ProtobufCMessage *message;

	if (project == NULL)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "profile needs --project FILE");
	if (team != NULL && strcmp(team, "-") == 0 && strcmp(project, "-") == 0)
		return lf_error_set(
			error, LF_INVALID_ARGUMENT, "only one of --team and --project can be standard input");
	*source = (struct lf_source){.prefix = "", .input = &job->project_file};
	if (lf_input_read(&job->project_file, project, false, error) != LF_OK)
		return error->code;
	message = lf_input_parse(&job->project_file, &leadfit__v1__project__descriptor, NULL, &job->arena, error);
	if (message == NULL)
		return error->code;
	job->request.project = (Leadfit__V1__Project *)message;
	if (team == NULL)
		return LF_OK;
	source->input = &job->team_file;
	job->request.team = lf_team_read(
		cli, arguments, team, lf_argument(arguments, "rubric"), false, &job->team_file, &job->arena, error);
	return job->request.team == NULL ? error->code : LF_OK;
}

static enum lf_code read_options(struct job *job, const struct lf_arguments *arguments)
{
	const char *rubric = lf_argument(arguments, "rubric");

	job->request.ignore_undeclared = lf_argument(arguments, "ignore-undeclared") != NULL;
	if (rubric != NULL && (job->request.rubric = lf_arena_strdup(&job->arena, rubric, strlen(rubric))) == NULL)
		return lf_error_set(&job->error, LF_RESOURCE_EXHAUSTED, "out of memory");
	return LF_OK;
}

static int ask(struct lf_cli *cli, struct job *job)
{
	const struct lf_source sources[] = {
		{.prefix = "team", .input = &job->team_file},
		{.prefix = "project", .input = &job->project_file},
		{.prefix = "rubric", .option = "--rubric"},
	};
	ProtobufCMessage *reply = lf_cli_call(cli, "leadfit.v1.Scoring/Profile", &job->request.base, true, &job->error);

	if (reply == NULL)
		return lf_cli_report(cli, &job->error, sources, sizeof(sources) / sizeof(sources[0]));
	if (cli->json)
		lf_cli_json(cli, reply);
	else
		lf_profile_print(&cli->page, (const Leadfit__V1__ProfileResponse *)reply);
	protobuf_c_message_free_unpacked(reply, NULL);
	return LF_EXIT_DONE;
}

static int run(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	struct job job = {.error = LF_ERROR_INIT};
	struct lf_source source = {.prefix = "", .option = "profile"};
	int status;

	lf_arena_init(&job.arena, LF_ARENA_BYTES_MAX);
	leadfit__v1__profile_request__init(&job.request);
	if (read_options(&job, arguments) != LF_OK || read_files(cli, &job, arguments, &source) != LF_OK)
		status = lf_cli_report(cli, &job.error, &source, 1);
	else
		status = ask(cli, &job);
	lf_arena_clean_up(&job.arena);
	lf_input_clean_up(&job.team_file);
	lf_input_clean_up(&job.project_file);
	lf_error_clean_up(&job.error);
	return status;
}

const struct lf_command lf_command_profile = {
	.name = "profile",
	.operands = "",
	.summary = "Say which discipline a project calls for, on expectations alone",
	.help = "Nothing is stored. Useful before there are candidates.\n\n"
		"Examples:\n"
		"  leadfit profile --project project.yaml\n"
		"  leadfit profile --project project.yaml --team team.yaml\n",
	.options = options,
	.run = run,
};
