/* leadfit rubric history. */
#include <string.h>

#include "client/cmd/commands.h"
#include "client/given/rubric_ref.h"
#include "client/views/rubric_versions_page.h"
#include "proto/base/limits.h"

static const struct lf_option no_options[] = {{NULL, NULL, NULL, false}};

enum { ARENA_BYTES_MAX = 1024 * 1024 };

static int run_history(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	const char *name = arguments->operand_count > 0 ? arguments->operands[0] : "";
	Leadfit__V1__RubricHistoryRequest request;
	ProtobufCMessage *reply = NULL;
	struct lf_arena arena;
	struct lf_error error = LF_ERROR_INIT;
	int status = LF_EXIT_DONE;

	lf_arena_init(&arena, ARENA_BYTES_MAX);
	leadfit__v1__rubric_history_request__init(&request);
	request.name = lf_arena_strdup(&arena, name, strlen(name));
	if (request.name == NULL)
		lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "out of memory");
	else
		reply = lf_cli_call(cli, "leadfit.v1.Rubrics/History", &request.base, true, &error);
	if (reply == NULL)
		status = lf_cli_report(cli, &error, NULL, 0);
	else if (cli->json)
		lf_cli_json(cli, reply);
	else
		lf_rubric_history_print(&cli->page, (const Leadfit__V1__RubricHistoryResponse *)reply);
	protobuf_c_message_free_unpacked(reply, NULL);
	lf_arena_clean_up(&arena);
	lf_error_clean_up(&error);
	return status;
}

const struct lf_command lf_command_rubric_history = {
	.name = "rubric history",
	.operands = "NAME",
	.summary = "List who made which version of a rubric active, or which rubric the default, when; newest first",
	.help = "Without NAME: of all rubrics.\n",
	.options = no_options,
	.operand_max = 1,
	.run = run_history,
};
