/* leadfit rubric activate. */
#include <string.h>

#include "client/cmd/commands.h"
#include "client/cmd/rubric_ref.h"
#include "client/views/rubric_versions_page.h"

static const struct lf_option options[] = {
	{"rubric", "NAME", "the name that the version must have (default: whichever it has)", false},
	{NULL, NULL, NULL, false},
};

enum { ARENA_BYTES_MAX = 16 * 1024 * 1024 };

static int run_activate(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	static const struct lf_source sources[] = {
		{.prefix = "digest", .option = "rubric activate"}, {.prefix = "name", .option = "--rubric"}};
	const char *name = lf_argument(arguments, "rubric");
	Leadfit__V1__ActivateRubricRequest request;
	ProtobufCMessage *reply = NULL;
	struct lf_arena arena;
	struct lf_error error = LF_ERROR_INIT;
	int status = LF_EXIT_DONE;

	lf_arena_init(&arena, ARENA_BYTES_MAX);
	leadfit__v1__activate_rubric_request__init(&request);
	name = name == NULL ? "" : name;
	request.name = lf_arena_strdup(&arena, name, strlen(name));
	request.digest = lf_digest_complete(cli, "rubric activate", name, arguments->operands[0], &arena, &error);
	if (request.digest != NULL && request.name == NULL)
		lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "out of memory");
	else if (request.digest != NULL)
		reply = lf_cli_call(cli, "leadfit.v1.Rubrics/Activate", &request.base, false, &error);
	if (reply == NULL)
		status = lf_cli_report(cli, &error, sources, 2);
	else if (cli->json)
		lf_cli_json(cli, reply);
	else
		lf_rubric_activated_print(&cli->page, (const Leadfit__V1__ActivateRubricResponse *)reply);
	protobuf_c_message_free_unpacked(reply, NULL);
	lf_arena_clean_up(&arena);
	lf_error_clean_up(&error);
	return status;
}

const struct lf_command lf_command_rubric_activate = {
	.name = "rubric activate",
	.operands = "DIGEST",
	.summary = "Make a stored version the active one of its name; going back to an earlier one is the same act",
	.help = "DIGEST: the first 8 digits or more; rubric list shows 12. From then on requests that name the\n"
		"rubric get this version; those in flight keep the one that they began with. Who did it, and\n"
		"when, is recorded: rubric history. A version that fails its own scenarios is refused, unless it\n"
		"was active before. Role: rubric.\n\n"
		"Example:\n"
		"  leadfit rubric activate 3f2a91c0d2e1\n",
	.options = options,
	.operand_min = 1,
	.operand_max = 1,
	.run = run_activate,
};
