/* leadfit rubric put. */
#include <string.h>

#include "client/cmd/commands.h"
#include "client/given/rubric_ref.h"
#include "client/views/rubric_versions_page.h"

static const struct lf_option options[] = {
	{"activate", NULL, "make it the active version of its name, too", false},
	{NULL, NULL, NULL, false},
};

static int run_put(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	struct lf_input input = {0};
	const struct lf_source sources[] = {{.prefix = "rubric", .input = &input}, {.prefix = "", .input = &input}};
	Leadfit__V1__PutRubricRequest request;
	ProtobufCMessage *reply = NULL;
	struct lf_arena arena;
	struct lf_error error = LF_ERROR_INIT;
	int status = LF_EXIT_DONE;

	lf_arena_init(&arena, LF_ARENA_BYTES_MAX);
	leadfit__v1__put_rubric_request__init(&request);
	request.activate = lf_argument(arguments, "activate") != NULL;
	request.rubric = lf_rubric_read(&input, arguments->operands[0], &arena, &error);
	if (request.rubric != NULL)
		reply = lf_cli_call(cli, "leadfit.v1.Rubrics/Put", &request.base, false, &error);
	if (reply == NULL)
		status = lf_cli_report(cli, &error, sources, input.text == NULL ? 0 : 2);
	else if (cli->json)
		lf_cli_json(cli, reply);
	else
		lf_rubric_put_print(&cli->page, (const Leadfit__V1__PutRubricResponse *)reply);
	protobuf_c_message_free_unpacked(reply, NULL);
	lf_arena_clean_up(&arena);
	lf_input_clean_up(&input);
	lf_error_clean_up(&error);
	return status;
}

const struct lf_command lf_command_rubric_put = {
	.name = "rubric put",
	.operands = "FILE",
	.summary = "Store a version of a rubric, for ever",
	.help = "It must pass its check and its own scenarios; what is wrong is told by line. Nobody gets it\n"
		"before it is activated: with --activate, or later with rubric activate. Each caller may put 256\n"
		"new versions within 24 hours. Role: rubric.\n\n"
		"Examples:\n"
		"  leadfit rubric put tech-lead.yaml\n"
		"  leadfit rubric put --activate tech-lead.yaml\n",
	.options = options,
	.operand_min = 1,
	.operand_max = 1,
	.run = run_put,
};
